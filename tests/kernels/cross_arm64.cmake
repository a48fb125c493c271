# Builds the kernels and cross_kernels.c for arm64 and runs them on an emulated processor: cmake -DROOT=... -DWORK=... -DCC=... -DQEMU=... -P cross_arm64.cmake
# Only what the kernels need of the house is built, so that no library of the target is wanted.
set(flags -std=c17 -O2 -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -DTS_HAVE_ARM64=1 -Wall -Wextra -Wpedantic -Wshadow -Werror -ffp-contract=off
    "-I${ROOT}")
set(plain kernels/formats/activation.c kernels/cpu.c kernels/formats/half.c kernels/formats/half_weights.c kernels/host.c kernels/kernel_list.c kernels/kernel_ref.c kernels/matmul.c
    kernels/pack/pack_halves.c kernels/pack/pack_quads.c kernels/pack/pack_super.c kernels/pages.c kernels/pool.c kernels/probes_portable.c kernels/formats/q4_0.c kernels/formats/q4_k.c
    kernels/formats/q6_k.c kernels/formats/q8_0.c kernels/formats/quant.c kernels/arm/cpu_arm.c kernels/arm/neon.c base/arena.c base/check.c tests/kernels/cross_kernels.c)
list(TRANSFORM plain PREPEND "${ROOT}/")
file(MAKE_DIRECTORY "${WORK}")

# As in kernels/CMakeLists.txt, the flags of an extension are only for the files that need it.
set(objects "")
foreach(file_and_flags neon_dotprod:+dotprod neon_dotprod_k:+dotprod neon_bf16:+bf16 neon_i8mm:+dotprod+i8mm)
  string(REPLACE ":" ";" parts ${file_and_flags})
  list(GET parts 0 name)
  list(GET parts 1 extensions)
  execute_process(COMMAND ${CC} ${flags} -march=armv8.2-a${extensions} -c "${ROOT}/kernels/arm/${name}.c" -o "${WORK}/${name}.o" COMMAND_ERROR_IS_FATAL ANY)
  list(APPEND objects "${WORK}/${name}.o")
endforeach()
execute_process(COMMAND ${CC} ${flags} -static ${plain} ${objects} -o "${WORK}/cross_kernels" -lpthread -lm COMMAND_ERROR_IS_FATAL ANY)

# A processor with all extensions runs every variant; one without an extension must not try.
execute_process(COMMAND ${QEMU} -cpu max "${WORK}/cross_kernels" neon_i8mm neon_dotprod neon_bf16 neon ref COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${QEMU} -cpu cortex-a53 "${WORK}/cross_kernels" neon ref COMMAND_ERROR_IS_FATAL ANY)
foreach(variant neon_i8mm neon_dotprod neon_bf16)
  execute_process(COMMAND ${QEMU} -cpu cortex-a53 "${WORK}/cross_kernels" ${variant} RESULT_VARIABLE result)
  if(NOT result EQUAL 2)
    message(FATAL_ERROR "without its extension ${variant} must not be taken, but the result was '${result}'")
  endif()
endforeach()
