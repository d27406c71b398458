# find_package(txclient CONFIG REQUIRED)                    txclient::txclient, the shared library
# find_package(txclient CONFIG REQUIRED COMPONENTS static)  txclient::txclient_static as well, with what it needs:
#                                                           the development files of libzmq, inih and msgpack
include(${CMAKE_CURRENT_LIST_DIR}/txclientTargets.cmake)
set(txclient_shared_FOUND TRUE)

set(txclient_static_FOUND FALSE)
if(static IN_LIST txclient_FIND_COMPONENTS)
  include(CMakeFindDependencyMacro)
  find_dependency(PkgConfig)
  find_dependency(Threads)
  # The names of the imported targets are those that the static library was built with.
  pkg_check_modules(ZMQ QUIET IMPORTED_TARGET GLOBAL libzmq)
  pkg_check_modules(INIH QUIET IMPORTED_TARGET GLOBAL inih)
  pkg_check_modules(MSGPACK QUIET IMPORTED_TARGET GLOBAL msgpack)
  if(TARGET PkgConfig::ZMQ AND TARGET PkgConfig::INIH AND TARGET PkgConfig::MSGPACK)
    include(${CMAKE_CURRENT_LIST_DIR}/txclientStaticTargets.cmake)
    set(txclient_static_FOUND TRUE)
  else()
    set(txclient_static_missing "txclient::txclient_static needs the development files of libzmq, inih and msgpack")
  endif()
endif()

foreach(component ${txclient_FIND_COMPONENTS})
  if(txclient_FIND_REQUIRED_${component} AND NOT txclient_${component}_FOUND)
    set(txclient_FOUND FALSE)
    if(component STREQUAL static)
      set(txclient_NOT_FOUND_MESSAGE ${txclient_static_missing})
    else()
      set(txclient_NOT_FOUND_MESSAGE "txclient has no component ${component}; there are shared and static")
    endif()
  endif()
endforeach()
