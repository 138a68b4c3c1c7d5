# One object library a layer, compiled once; the shared and the static library are made of them.

set(medsec_layers core crypto_openssl host publisher gateway)

foreach(layer IN LISTS medsec_layers)
  string(TOUPPER ${layer} upper)
  add_library(medsec_${layer}_objects OBJECT ${MEDSEC_${upper}_SOURCES})
  target_include_directories(medsec_${layer}_objects PUBLIC "${PROJECT_SOURCE_DIR}/include"
    PRIVATE "${PROJECT_SOURCE_DIR}/src")
endforeach()

target_link_libraries(medsec_crypto_openssl_objects PUBLIC PkgConfig::CRYPTO PkgConfig::SODIUM
  Threads::Threads)
target_link_libraries(medsec_host_objects PUBLIC PkgConfig::SODIUM PkgConfig::CJSON PkgConfig::SQLITE
  Threads::Threads)
target_link_libraries(medsec_publisher_objects PUBLIC PkgConfig::SODIUM PkgConfig::SSL PkgConfig::UV
  PkgConfig::MOSQUITTO PahoMqtt::async Threads::Threads)
target_link_libraries(medsec_gateway_objects PUBLIC PkgConfig::UV PkgConfig::CJSON
  Threads::Threads)

set(medsec_external PkgConfig::SODIUM PkgConfig::CRYPTO PkgConfig::CJSON PkgConfig::UV PkgConfig::SQLITE
  PkgConfig::SSL PkgConfig::MOSQUITTO PahoMqtt::async Threads::Threads)

foreach(kind shared static)
  string(TOUPPER ${kind} KIND)
  add_library(medsec_${kind} ${KIND})
  add_library(medsec::${kind} ALIAS medsec_${kind})
  foreach(layer IN LISTS medsec_layers)
    target_sources(medsec_${kind} PRIVATE $<TARGET_OBJECTS:medsec_${layer}_objects>)
  endforeach()
  target_link_libraries(medsec_${kind} PRIVATE ${medsec_external})
  target_include_directories(medsec_${kind} INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  set_target_properties(medsec_${kind} PROPERTIES OUTPUT_NAME medsec EXPORT_NAME ${kind}
    VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR} LINKER_LANGUAGE C)
endforeach()

# Every exported symbol carries the version node; cmake/medsec.symbols says which there are.
set(medsec_map "${PROJECT_SOURCE_DIR}/cmake/medsec.map")
target_link_options(medsec_shared PRIVATE LINKER:--version-script=${medsec_map})
set_target_properties(medsec_shared PROPERTIES LINK_DEPENDS "${medsec_map}")
# Threads run a destructor of ours when they end, which may be after somebody's dlclose().
target_link_options(medsec_shared PRIVATE LINKER:-z,nodelete)
if(NOT MEDSEC_SANITIZE)
  target_link_options(medsec_shared PRIVATE LINKER:--no-undefined)
endif()
