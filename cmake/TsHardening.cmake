# What every program of the house carries against hostile input and planted files: canaries, checked copies (FORTIFY), guarded stack growth,
# CET, a position-independent image whose tables are read-only before main, and no library path of its own. Each flag only where the compiler
# and the linker take it. tests/app/hardening.sh reads the built program and says what is missing.
include(CheckCCompilerFlag)
include(CheckCSourceCompiles)
include(CheckLinkerFlag)

# ts_hardened_compile(flag): the flag to every C file of the house, if the compiler knows it
function(ts_hardened_compile flag)
  string(MAKE_C_IDENTIFIER "ts_compiler_takes${flag}" known)
  check_c_compiler_flag("${flag}" ${known})
  if(${known})
    target_compile_options(ts_flags INTERFACE "${flag}")
  endif()
endfunction()

# ts_hardened_link(flag): the same for the linker of every program
function(ts_hardened_link flag)
  string(MAKE_C_IDENTIFIER "ts_linker_takes${flag}" known)
  check_linker_flag(C "${flag}" ${known})
  if(${known})
    target_link_options(ts_flags INTERFACE "${flag}")
  endif()
endfunction()

ts_hardened_compile(-fstack-protector-strong)
ts_hardened_compile(-fstack-clash-protection)
ts_hardened_compile(-fPIE)
if(NOT APPLE)
  foreach(flag -pie LINKER:-z,relro LINKER:-z,now LINKER:-z,noexecstack)
    ts_hardened_link(${flag})
  endforeach()
endif()

# CET: the linker marks a program for IBT and SHSTK if every object in it is. Start files of a C library built without CET (Debian 12) are not
# marked; they keep calls and returns paired, so SHSTK may be claimed for them, but begin without ENDBR64, so IBT may not.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$" AND NOT APPLE)
  ts_hardened_compile(-fcf-protection=full)
  ts_hardened_link(LINKER:-z,shstk)
endif()

# FORTIFY needs an optimised build, and hides from a sanitizer the copies that it would check.
if(NOT TS_SANITIZE)
  foreach(level 3 2)
    set(CMAKE_REQUIRED_FLAGS "-O2 -Werror -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=${level}")
    check_c_source_compiles("#include <string.h>\nint main(int n, char **v) { char s[8]; memcpy(s, v[0], (size_t)n); return s[0]; }" ts_fortify_${level})
    unset(CMAKE_REQUIRED_FLAGS)
    if(ts_fortify_${level})
      target_compile_options(ts_flags INTERFACE
        "$<$<CONFIG:Release,RelWithDebInfo,MinSizeRel>:-U_FORTIFY_SOURCE;-D_FORTIFY_SOURCE=${level}>")
      break()
    endif()
  endforeach()
endif()
