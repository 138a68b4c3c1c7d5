# make install: headers, both libraries, libmedsec.pc, find_package(medsec), tools, man pages, completion.

include(CMakePackageConfigHelpers)

install(DIRECTORY include/medsec DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}" FILES_MATCHING PATTERN "*.h")
foreach(kind shared static)
  install(TARGETS medsec_${kind} EXPORT medsec_${kind}
    LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}" ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
  install(EXPORT medsec_${kind} NAMESPACE medsec:: FILE medsec-${kind}.cmake
    DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/medsec")
endforeach()

configure_package_config_file(cmake/medsecConfig.cmake.in medsecConfig.cmake
  INSTALL_DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/medsec" NO_SET_AND_CHECK_MACRO)
write_basic_package_version_file(medsecConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/medsecConfig.cmake" "${PROJECT_BINARY_DIR}/medsecConfigVersion.cmake"
  cmake/FindPahoMqtt.cmake DESTINATION "${CMAKE_INSTALL_LIBDIR}/cmake/medsec")

# The prefix is told from where the .pc file lies, so that an installation may be moved.
file(RELATIVE_PATH medsec_pc_prefix "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" /)
string(REGEX REPLACE "/$" "" medsec_pc_prefix "${medsec_pc_prefix}")
configure_file(cmake/libmedsec.pc.in libmedsec.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/libmedsec.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

# Each tool writes its own man page and completion from its option table.
foreach(tool medsec-proxy medsec-sim medsec-keygen)
  set(man "${PROJECT_BINARY_DIR}/man/${tool}.1")
  set(completion "${PROJECT_BINARY_DIR}/completion/${tool}")
  add_custom_command(OUTPUT "${man}" "${completion}"
    COMMAND ${CMAKE_COMMAND} -E make_directory "${PROJECT_BINARY_DIR}/man" "${PROJECT_BINARY_DIR}/completion"
    COMMAND ${tool} --generate man > "${man}"
    COMMAND ${tool} --generate bash > "${completion}"
    DEPENDS ${tool} VERBATIM)
  list(APPEND medsec_generated "${man}" "${completion}")
  install(TARGETS ${tool} DESTINATION "${CMAKE_INSTALL_BINDIR}")
  install(FILES "${man}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man1")
  install(FILES "${completion}" DESTINATION "${CMAKE_INSTALL_DATADIR}/bash-completion/completions")
endforeach()
add_custom_target(medsec_manuals ALL DEPENDS ${medsec_generated})

install(FILES LICENSE README.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DOCDIR}")

# The service: docs/operations.md.
file(READ packaging/systemd/medsec-proxy.service medsec_unit)
string(REPLACE /usr/bin/ "${CMAKE_INSTALL_FULL_BINDIR}/" medsec_unit "${medsec_unit}")
file(CONFIGURE OUTPUT medsec-proxy.service CONTENT "${medsec_unit}" @ONLY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS packaging/systemd/medsec-proxy.service)
set(MEDSEC_UNIT_DIR lib/systemd/system CACHE STRING "where the unit of the service is installed")
install(FILES "${PROJECT_BINARY_DIR}/medsec-proxy.service" DESTINATION "${MEDSEC_UNIT_DIR}")
install(FILES packaging/systemd/medsec.sysusers DESTINATION lib/sysusers.d RENAME medsec.conf)
install(FILES packaging/systemd/medsec.tmpfiles DESTINATION lib/tmpfiles.d RENAME medsec.conf)
install(FILES packaging/systemd/proxy.conf packaging/prometheus/medsec.rules.yml packaging/haproxy/haproxy.cfg
  DESTINATION "${CMAKE_INSTALL_DOCDIR}/examples")
