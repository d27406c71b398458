# What makes a service of the daemons: systemd units, the system user, directories, and configurations to begin with.
set(SYSTEM ${PROJECT_SOURCE_DIR}/cmake/systemd)
assent_install_configured(COMPONENT server DIRECTORY ${ASSENT_UNIT_DIR}
  TEMPLATE ${SYSTEM}/assent-coordinator@.service.in ${SYSTEM}/assent-participant@.service.in)
install(FILES ${SYSTEM}/assent.target DESTINATION ${ASSENT_UNIT_DIR} COMPONENT server)
assent_install_configured(COMPONENT server DIRECTORY ${ASSENT_SYSUSERS_DIR} TEMPLATE ${SYSTEM}/sysusers/assent.conf.in)
assent_install_configured(COMPONENT server DIRECTORY ${ASSENT_TMPFILES_DIR} TEMPLATE ${SYSTEM}/tmpfiles/assent.conf.in)

set(EXAMPLES ${PROJECT_SOURCE_DIR}/cmake/examples)
set(SERVER_EXAMPLES ${EXAMPLES}/coordinator-1.conf.in ${EXAMPLES}/participant-a.conf.in ${EXAMPLES}/participant-b.conf.in)
assent_install_configured(COMPONENT documentation DIRECTORY ${CMAKE_INSTALL_DOCDIR}/examples
  TEMPLATE ${SERVER_EXAMPLES} ${EXAMPLES}/client.conf.in)
assent_install_configured(ONLY_ASKED COMPONENT configuration DIRECTORY ${ASSENT_CONFIG_DIR} TEMPLATE ${SERVER_EXAMPLES})
assent_install_configured(ONLY_ASKED COMPONENT client_configuration DIRECTORY ${ASSENT_CONFIG_DIR}
  TEMPLATE ${EXAMPLES}/client.conf.in)
