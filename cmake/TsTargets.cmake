# One way to declare every target of the house: C17 without extensions, warnings, sanitizers, no contraction of a*b+c
# (results must not depend on the compiler's mood), and headers addressed from the project's root: #include "base/diag.h".

add_library(ts_flags INTERFACE)
target_compile_features(ts_flags INTERFACE c_std_17)
target_compile_definitions(ts_flags INTERFACE _POSIX_C_SOURCE=200809L _FILE_OFFSET_BITS=64
                           $<$<PLATFORM_ID:Darwin>:_DARWIN_C_SOURCE> $<$<PLATFORM_ID:Linux>:_DEFAULT_SOURCE>)
target_compile_options(ts_flags INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
                       -Wcast-qual -Wwrite-strings -Wundef -Wvla -ffp-contract=off -fno-math-errno)
include(TsHardening)

# In Release the program itself is optimised across the files of those libraries that the simulator's loop runs through. Tests link the
# same object files the ordinary way: hundreds of link-time optimisations would take longer than they do.
set(ts_across_files FALSE)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU" AND NOT TS_SANITIZE AND NOT TS_COVERAGE)
  set(ts_across_files TRUE)
endif()

# ts_optimise_across_files(library or program)
function(ts_optimise_across_files target)
  if(ts_across_files)
    set_target_properties(${target} PROPERTIES TS_ACROSS_FILES TRUE)
    target_compile_options(${target} PRIVATE $<$<CONFIG:Release>:-flto=auto -ffat-lto-objects>)
    target_link_options(${target} PRIVATE $<$<CONFIG:Release>:-flto=auto>)
  endif()
endfunction()

function(ts_finish_target target)
  set_target_properties(${target} PROPERTIES C_STANDARD 17 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
  target_include_directories(${target} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_link_libraries(${target} PRIVATE ts_flags)
  if(ts_across_files)
    target_link_options(${target} PRIVATE $<$<NOT:$<BOOL:$<TARGET_PROPERTY:TS_ACROSS_FILES>>>:-fno-lto>)
  endif()
  if(TS_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
  if(TS_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${TS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
    target_link_options(${target} PUBLIC -fsanitize=${TS_SANITIZE})
  endif()
  if(TS_FUZZ)
    target_compile_options(${target} PRIVATE -fsanitize=fuzzer-no-link)
  endif()
  if(TS_COVERAGE)
    target_compile_options(${target} PRIVATE --coverage)
    target_link_options(${target} PUBLIC --coverage)
  endif()
endfunction()

# ts_library(ts_base SOURCES a.c b.c [PUBLIC libs...] [PRIVATE libs...])
function(ts_library target)
  cmake_parse_arguments(ARG "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(${target} STATIC ${ARG_SOURCES})
  ts_finish_target(${target})
  target_link_libraries(${target} PUBLIC ${ARG_PUBLIC} PRIVATE ${ARG_PRIVATE})
endfunction()

# ts_embed(target symbol a.csv b.css): files become `const unsigned char` arrays inside the program, listed in
# a table `const struct ts_embedded_file ts_embedded_<symbol>[]` (base/embed.h), so that one binary is the whole installation.
function(ts_embed target symbol)
  set(out "${CMAKE_CURRENT_BINARY_DIR}/embedded_${symbol}.c")
  list(JOIN ARGN "|" joined)
  add_custom_command(OUTPUT "${out}"
    COMMAND ${CMAKE_COMMAND} "-DOUT=${out}" "-DSYMBOL=${symbol}" "-DFILES=${joined}" -P "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
    DEPENDS ${ARGN} "${PROJECT_SOURCE_DIR}/cmake/embed.cmake"
    WORKING_DIRECTORY "${CMAKE_CURRENT_SOURCE_DIR}" VERBATIM)
  target_sources(${target} PRIVATE "${out}")
endfunction()
