# The device's software for this machine, for tests: the same core, provider and app as firmware-port/
# builds for the chip, on the board `host`.

find_package(BearSSL REQUIRED)

add_library(medsec_core STATIC $<TARGET_OBJECTS:medsec_core_objects>)
target_include_directories(medsec_core PUBLIC "${PROJECT_SOURCE_DIR}/include")

add_library(medsec_crypto_bearssl STATIC ${MEDSEC_CRYPTO_BEARSSL_SOURCES})
target_include_directories(medsec_crypto_bearssl PUBLIC "${PROJECT_SOURCE_DIR}/include"
  "${PROJECT_SOURCE_DIR}/src")
target_link_libraries(medsec_crypto_bearssl PUBLIC BearSSL::BearSSL)

add_subdirectory(firmware-port/app)
if(MEDSEC_TESTS)
  add_subdirectory(firmware-port/selftest)
  if(EXISTS "${PROJECT_SOURCE_DIR}/firmware-port/boards/host/CMakeLists.txt")
    add_subdirectory(firmware-port/boards/host)
  endif()
endif()
