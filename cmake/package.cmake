# Debian packages: scripts/package makes them, from the preset "package", into build/package/packages.
#   assent-server    the daemons as services      assent-tools  txctl, txbench, txrecover
#   libtxclient0     the shared library           libtxclient-dev  what programs are built with
#   assent-doc       the pages of docs/ and example configurations
set(DEBIAN ${PROJECT_SOURCE_DIR}/cmake/debian)
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME assent)
set(CPACK_PACKAGE_VENDOR "The Assent project")
# Whoever hands packages on names himself.
set(ASSENT_MAINTAINER "Assent maintainers <maintainers@assent.invalid>" CACHE STRING "The maintainer of Debian packages")
set(CPACK_PACKAGE_CONTACT ${ASSENT_MAINTAINER})
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "") # each package has its own
set(CPACK_PACKAGE_DIRECTORY ${CMAKE_BINARY_DIR}/packages)
# Absolute directories, as /etc, are below the package's root as well.
set(CPACK_SET_DESTDIR ON)
set(CPACK_ASSENT_PREFIX ${CMAKE_INSTALL_PREFIX})
set(CPACK_STRIP_FILES ON)
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
  OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
set(CPACK_PRE_BUILD_SCRIPTS ${DEBIAN}/finish.cmake)
set(CPACK_COMPONENTS_ALL server configuration tools client_configuration library development documentation)

set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${CMAKE_LIBRARY_OUTPUT_DIRECTORY})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(SAME_VERSION "(= ${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE})")

include(CPackComponent)
# assent_package(NAME name SECTION section SUMMARY line DESCRIPTION text COMPONENTS component...): the text is
# paragraphs of whole lines.
macro(assent_package name)
  cmake_parse_arguments(PKG "" "SECTION;SUMMARY;DESCRIPTION" "COMPONENTS" ${ARGN})
  string(REPLACE - _ group ${name})
  cpack_add_component_group(${group})
  foreach(component ${PKG_COMPONENTS})
    cpack_add_component(${component} GROUP ${group})
  endforeach()
  string(TOUPPER ${group} group)
  set(CPACK_DEBIAN_${group}_PACKAGE_NAME ${name})
  set(CPACK_DEBIAN_${group}_PACKAGE_SECTION ${PKG_SECTION})
  set(CPACK_DEBIAN_${group}_DESCRIPTION "${PKG_SUMMARY}\n${PKG_DESCRIPTION}")
endmacro()

assent_package(assent-server SECTION database COMPONENTS server configuration
  SUMMARY "daemons of the Assent transaction coordinator"
  DESCRIPTION "Assent makes changes that span several stores commit everywhere or nowhere, by
two-phase commit. This package holds the coordinator and the participant, which
keeps data in RocksDB, as services of systemd with a user of their own.
.
No service is started before an instance of it is enabled.")
assent_package(assent-tools SECTION database COMPONENTS tools client_configuration
  SUMMARY "tools for Assent transaction clusters"
  DESCRIPTION "Runs transactions and looks at a cluster from the command line (txctl),
reads, verifies and explains the logs of its daemons (txrecover), and
measures it (txbench).")
assent_package(libtxclient0 SECTION libs COMPONENTS library
  SUMMARY "client library of the Assent transaction coordinator"
  DESCRIPTION "Assent makes changes that span several stores commit everywhere or nowhere, by
two-phase commit. Programs run their transactions with this library.")
assent_package(libtxclient-dev SECTION libdevel COMPONENTS development
  SUMMARY "development files of the Assent client library"
  DESCRIPTION "Header, static library, pkg-config file, CMake package and manual pages for
programs that run transactions with libtxclient.")
assent_package(assent-doc SECTION doc COMPONENTS documentation
  SUMMARY "documentation of the Assent transaction coordinator"
  DESCRIPTION "Concepts, configuration, operations, the client API and the protocol of Assent,
with example programs and example configurations.")

# The daemons run as a user and below a directory that these two make.
set(CPACK_DEBIAN_ASSENT_SERVER_PACKAGE_DEPENDS "systemd | systemd-standalone-sysusers | systemd-sysusers, \
systemd | systemd-standalone-tmpfiles | systemd-tmpfiles, init-system-helpers (>= 1.54~)")
set(CPACK_DEBIAN_ASSENT_SERVER_PACKAGE_RECOMMENDS "assent-tools")
set(CPACK_DEBIAN_ASSENT_SERVER_PACKAGE_SUGGESTS "assent-doc")
set(CPACK_DEBIAN_ASSENT_SERVER_PACKAGE_CONTROL_EXTRA
  "${DEBIAN}/server/conffiles;${DEBIAN}/server/postinst;${DEBIAN}/server/prerm;${DEBIAN}/server/postrm")
set(CPACK_DEBIAN_ASSENT_TOOLS_PACKAGE_CONTROL_EXTRA ${DEBIAN}/tools/conffiles)
set(CPACK_DEBIAN_ASSENT_TOOLS_PACKAGE_DEPENDS "libtxclient0 ${SAME_VERSION}")
set(CPACK_DEBIAN_ASSENT_TOOLS_PACKAGE_SUGGESTS "assent-doc")
set(CPACK_DEBIAN_LIBTXCLIENT0_PACKAGE_CONTROL_EXTRA
  "${DEBIAN}/library/triggers;${DEBIAN}/library/postinst;${DEBIAN}/library/postrm")
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_LIBTXCLIENT_DEV_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_LIBTXCLIENT_DEV_PACKAGE_DEPENDS
  "libtxclient0 ${SAME_VERSION}, libzmq3-dev, libinih-dev, libmsgpack-dev")
set(CPACK_DEBIAN_ASSENT_DOC_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_ASSENT_DOC_PACKAGE_ARCHITECTURE all)
include(CPack)
