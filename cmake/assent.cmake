# The flags of every target, and the two ways to make one. A layer is a static library; what it may
# include is what it links to, so the dependency rules of docs/architecture.md are written here once.

set(ASSENT_WARNINGS -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wswitch-enum -Wstrict-prototypes
    -Wmissing-prototypes -Wformat=2 -Wundef -Wvla -Werror)

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
  if(ASSENT_COVERAGE) # what only assertions use is unused here
    target_compile_definitions(${name} PRIVATE ASSENT_COVERAGE=1)
    target_compile_options(${name} PRIVATE -Wno-unused -Wno-unused-parameter)
  endif()
endfunction()

# assent_program(NAME SOURCES file... LINKS target...)
function(assent_program name)
  cmake_parse_arguments(P "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${P_SOURCES})
  target_link_libraries(${name} PRIVATE ${P_LINKS})
  assent_flags(${name})
  install(TARGETS ${name} RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endfunction()
