# cmake --install build/release [--prefix /usr]: the program, its manual page, the systemd unit and the examples.

include(GNUInstallDirs)
if(TARGET trapezoid)
  install(TARGETS trapezoid RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
  install(FILES contrib/trapezoid.8 DESTINATION ${CMAKE_INSTALL_MANDIR}/man8)
  install(FILES contrib/trapezoid.yaml DESTINATION ${CMAKE_INSTALL_DOCDIR})
  install(DIRECTORY contrib/fail2ban DESTINATION ${CMAKE_INSTALL_DOCDIR})
  # The unit names the program by its path, which is known only when it is installed.
  install(CODE "
    file(READ \"${CMAKE_SOURCE_DIR}/contrib/trapezoid.service\" unit)
    string(REPLACE \"/usr/bin/\" \"\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_BINDIR}/\" unit \"\${unit}\")
    set(file \"\${CMAKE_INSTALL_PREFIX}/lib/systemd/system/trapezoid.service\")
    message(STATUS \"Installing: \$ENV{DESTDIR}\${file}\")
    file(WRITE \"\$ENV{DESTDIR}\${file}\" \"\${unit}\")
  ")
endif()
