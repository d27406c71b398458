# Run by the installation, see assent_install_configured(): fills in one template and installs it. Directories that
# are relative are below the prefix of this installation.
set(prefix ${CMAKE_INSTALL_PREFIX})
foreach(which bindir sbindir libdir includedir)
  cmake_path(ABSOLUTE_PATH ${which} BASE_DIRECTORY ${prefix} NORMALIZE)
endforeach()
cmake_path(ABSOLUTE_PATH directory BASE_DIRECTORY ${prefix} NORMALIZE)
string(RANDOM LENGTH 16 unique) # another installation of the same build may run beside this one
configure_file(${template} ${scratch}/${unique}/${name} @ONLY)
file(INSTALL DESTINATION ${directory} TYPE FILE FILES ${scratch}/${unique}/${name})
file(REMOVE_RECURSE ${scratch}/${unique})
