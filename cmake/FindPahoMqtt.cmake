# Eclipse Paho MQTT C ships no .pc file. Gives PahoMqtt::async, the TLS variant of MQTTAsync.

find_path(PahoMqtt_INCLUDE_DIR MQTTAsync.h)
find_library(PahoMqtt_LIBRARY paho-mqtt3as)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(PahoMqtt REQUIRED_VARS PahoMqtt_LIBRARY PahoMqtt_INCLUDE_DIR)

if(PahoMqtt_FOUND AND NOT TARGET PahoMqtt::async)
  add_library(PahoMqtt::async UNKNOWN IMPORTED)
  set_target_properties(PahoMqtt::async PROPERTIES
    IMPORTED_LOCATION "${PahoMqtt_LIBRARY}"
    INTERFACE_INCLUDE_DIRECTORIES "${PahoMqtt_INCLUDE_DIR}")
endif()
mark_as_advanced(PahoMqtt_INCLUDE_DIR PahoMqtt_LIBRARY)
