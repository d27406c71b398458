# The flags of every target, and the two ways to make one. A layer is a static library; what it may
# include is what it links to, so the dependency rules of docs/architecture.md are written here once.

set(ASSENT_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wswitch-enum -Wstrict-prototypes
    -Wmissing-prototypes -Wformat=2 -Wundef -Wvla -Werror)

# With gcc, the objects of the layers hold what link-time optimisation needs besides their code. Programs are linked from
# the code, but those that ask for more with assent_optimise_link(): the simulator, which runs the same objects for hours.
set(ASSENT_LTO OFF)
if(CMAKE_C_COMPILER_ID STREQUAL GNU AND CMAKE_BUILD_TYPE STREQUAL RelWithDebInfo AND NOT ASSENT_SANITIZE AND NOT ASSENT_COVERAGE)
  set(ASSENT_LTO ON)
  add_link_options($<IF:$<BOOL:$<TARGET_PROPERTY:ASSENT_OPTIMISED_LINK>>,-flto=auto,-fno-lto>)
endif()

function(assent_optimise_link target)
  if(ASSENT_LTO)
    target_compile_options(${target} PRIVATE -flto)
    set_target_properties(${target} PROPERTIES ASSENT_OPTIMISED_LINK ON)
  endif()
endfunction()

function(assent_flags target)
  target_compile_definitions(${target} PRIVATE _GNU_SOURCE ASSENT_VERSION="${PROJECT_VERSION}")
  target_compile_options(${target} PRIVATE ${ASSENT_WARNINGS} -fstack-protector-strong -fno-omit-frame-pointer)
  if(ASSENT_CRASH_POINTS)
    target_compile_definitions(${target} PRIVATE ASSENT_CRASH_POINTS=1)
  endif()
  if(ASSENT_COVERAGE)
    target_compile_options(${target} PRIVATE -fprofile-instr-generate -fcoverage-mapping
      "SHELL:-mllvm -runtime-counter-relocation")
    target_link_options(${target} PRIVATE -fprofile-instr-generate)
  endif()
  if(ASSENT_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${ASSENT_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(${target} PRIVATE -fsanitize=${ASSENT_SANITIZE})
  endif()
endfunction()

# assent_layer(NAME SOURCES file... LINKS target... [SYSTEM target...])
# Headers are included as "folder/file.h" from the top of the tree.
function(assent_layer name)
  cmake_parse_arguments(L "" "" "SOURCES;LINKS;SYSTEM" ${ARGN})
  add_library(${name} STATIC ${L_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${L_LINKS} PRIVATE ${L_SYSTEM})
  assent_flags(${name})
  if(ASSENT_LTO)
    target_compile_options(${name} PRIVATE -flto -ffat-lto-objects)
  endif()
  if(ASSENT_COVERAGE) # what only assertions use is unused here
    target_compile_definitions(${name} PRIVATE ASSENT_COVERAGE=1)
    target_compile_options(${name} PRIVATE -Wno-unused -Wno-unused-parameter)
  endif()
endfunction()

# assent_program(NAME [DAEMON] SOURCES file... LINKS target...): a tool, or a daemon.
function(assent_program name)
  cmake_parse_arguments(P "DAEMON" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${P_SOURCES})
  target_link_libraries(${name} PRIVATE ${P_LINKS})
  assent_flags(${name})
  if(P_DAEMON)
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_SBINDIR} COMPONENT server)
  else()
    install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
  endif()
endfunction()
