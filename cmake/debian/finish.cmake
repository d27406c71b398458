# Run by cpack when every package's tree is there and none is packed: what Debian expects in a tree, and no installation
# by hand needs. Each tree is a directory with the package's name, "_" for "-".
set(here ${CMAKE_CURRENT_LIST_DIR})
if(NOT CPACK_ASSENT_PREFIX STREQUAL /usr)
  message(FATAL_ERROR "this build is for ${CPACK_ASSENT_PREFIX}, and a Debian package for /usr: scripts/package makes them")
endif()
find_program(GZIP gzip REQUIRED)
find_program(STRIP strip REQUIRED)

function(run)
  execute_process(COMMAND ${ARGN} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

# The time of the changelog's entry: SOURCE_DATE_EPOCH if it is set, so that a build can be repeated.
string(TIMESTAMP now "%a, %d %b %Y %H:%M:%S +0000" UTC)
set(debian_changelog "assent (${CPACK_PACKAGE_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}) unstable; urgency=medium

  * What is new stands in changelog.gz.

 -- ${CPACK_PACKAGE_CONTACT}  ${now}
")

function(finish tree package)
  set(doc ${tree}/usr/share/doc/${package})
  file(MAKE_DIRECTORY ${doc}) # file(INSTALL) would put it below another tree: DESTDIR is set here
  file(COPY_FILE ${here}/copyright ${doc}/copyright)
  file(COPY_FILE ${here}/../../CHANGELOG.md ${doc}/changelog)
  file(WRITE ${doc}/changelog.Debian "${debian_changelog}")
  file(GLOB_RECURSE pages ${tree}/usr/share/man/*)
  set(texts ${pages} ${doc}/changelog ${doc}/changelog.Debian)
  file(CHMOD ${texts} ${doc}/copyright PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
  run(${GZIP} -9 --no-name ${texts})
  file(READ ${here}/all.overrides overrides)
  if(EXISTS ${here}/${package}.overrides)
    file(READ ${here}/${package}.overrides more)
    string(APPEND overrides "${more}")
  endif()
  file(WRITE ${tree}/usr/share/lintian/overrides/${package} "${overrides}")
  file(GLOB_RECURSE archives ${tree}/*.a)
  foreach(archive ${archives})
    run(${STRIP} --strip-debug --remove-section=.comment --enable-deterministic-archives ${archive})
  endforeach()
endfunction()

file(GLOB trees LIST_DIRECTORIES true ${CPACK_TEMPORARY_DIRECTORY}/*)
foreach(tree ${trees})
  cmake_path(GET tree FILENAME name)
  string(REPLACE _ - name ${name})
  # Files that are written twice, by hand and for a package: the licence and the news are there under Debian's names.
  file(REMOVE ${tree}/usr/share/doc/assent/LICENSE ${tree}/usr/share/doc/assent/CHANGELOG.md)
  finish(${tree} ${name})
endforeach()
