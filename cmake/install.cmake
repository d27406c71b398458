# Where things are installed, and what belongs to which package. Every install() names its component; what names
# none lands in "unassigned", and a test says so:
#   server       the daemons, their pages, systemd units, the system user
#   library      the shared library
#   development  header, static library, pkg-config file, CMake package, pages of section 3, examples
#   tools        txctl, txbench, txrecover and their pages
#   documentation  the pages of docs/, example configurations
#   configuration, client_configuration
#                those examples in /etc/assent: only for packages, which keep what the administrator has changed
# Daemons go to sbin: a service manager and an administrator run them, nobody else needs them in the path. Their
# pages are in section 8 for the same reason.

set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME unassigned)
# Relative to the prefix: systemd reads /usr/lib/systemd/system and /usr/local/lib/systemd/system alike.
set(ASSENT_UNIT_DIR lib/systemd/system CACHE STRING "Where systemd units are installed")
set(ASSENT_SYSUSERS_DIR lib/sysusers.d CACHE STRING "Where the file for systemd-sysusers is installed")
set(ASSENT_TMPFILES_DIR lib/tmpfiles.d CACHE STRING "Where the file for systemd-tmpfiles is installed")
# Absolute, whatever the prefix: txctl and the units look here.
set(ASSENT_CONFIG_DIR /etc/assent CACHE PATH "Where the configuration files of the running system are")
set(ASSENT_STATE_DIR /var/lib/assent CACHE PATH "Where the daemons of the running system keep their data")

# assent_install_configured([ONLY_ASKED] COMPONENT component DIRECTORY directory TEMPLATE file...): installs NAME of each
# template NAME.in, filled in when it is installed, so that `cmake --install --prefix` is obeyed. ONLY_ASKED: not without
# `--component`.
function(assent_install_configured)
  cmake_parse_arguments(I "ONLY_ASKED" "COMPONENT;DIRECTORY" "TEMPLATE" ${ARGN})
  set(only_asked "")
  if(I_ONLY_ASKED)
    set(only_asked EXCLUDE_FROM_ALL)
  endif()
  foreach(template ${I_TEMPLATE})
    cmake_path(GET template STEM LAST_ONLY name)
    cmake_path(ABSOLUTE_PATH template BASE_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR})
    install(CODE "
      set(template [[${template}]])
      set(name [[${name}]])
      set(directory [[${I_DIRECTORY}]])
      set(scratch [[${CMAKE_CURRENT_BINARY_DIR}/installed]])
      set(version [[${PROJECT_VERSION}]])
      set(bindir [[${CMAKE_INSTALL_BINDIR}]])
      set(sbindir [[${CMAKE_INSTALL_SBINDIR}]])
      set(libdir [[${CMAKE_INSTALL_LIBDIR}]])
      set(includedir [[${CMAKE_INSTALL_INCLUDEDIR}]])
      set(configdir [[${ASSENT_CONFIG_DIR}]])
      set(statedir [[${ASSENT_STATE_DIR}]])
      include([[${PROJECT_SOURCE_DIR}/cmake/install_configured.cmake]])" COMPONENT ${I_COMPONENT} ${only_asked})
  endforeach()
endfunction()

# The counterpart of an installation from this build directory.
add_custom_target(uninstall COMMAND ${CMAKE_COMMAND} -D manifest=${CMAKE_BINARY_DIR}/install_manifest.txt
  -P ${PROJECT_SOURCE_DIR}/cmake/uninstall.cmake USES_TERMINAL VERBATIM)
