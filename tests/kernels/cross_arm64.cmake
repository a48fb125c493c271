# Builds the kernels and cross_kernels.c for arm64 and runs them on an emulated processor: cmake -DROOT=... -DWORK=... -DCC=... -DQEMU=... -P cross_arm64.cmake
# Only what the kernels need of the house is built, so that no library of the target is wanted.
set(flags -std=c17 -O2 -D_DEFAULT_SOURCE -D_POSIX_C_SOURCE=200809L -DTS_HAVE_ARM64=1 -Wall -Wextra -Wpedantic -Wshadow -Werror -ffp-contract=off
    "-I${ROOT}")
set(plain kernels/activation.c kernels/cpu.c kernels/half.c kernels/half_weights.c kernels/host.c kernels/kernel_list.c kernels/kernel_ref.c kernels/matmul.c
    kernels/pack_halves.c kernels/pack_quads.c kernels/pages.c kernels/pool.c kernels/probes_portable.c kernels/q4_0.c kernels/q4_k.c kernels/q6_k.c
    kernels/q8_0.c kernels/quant.c kernels/pack_super.c
    kernels/arm/cpu_arm.c base/arena.c base/check.c tests/kernels/cross_kernels.c)
list(TRANSFORM plain PREPEND "${ROOT}/")
file(MAKE_DIRECTORY "${WORK}")

# As in kernels/CMakeLists.txt, the flags of an extension are only for the file that needs it.
execute_process(COMMAND ${CC} ${flags} -march=armv8.2-a+dotprod -c "${ROOT}/kernels/arm/neon_dotprod.c" -o "${WORK}/neon_dotprod.o" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CC} ${flags} -static ${plain} "${WORK}/neon_dotprod.o" -o "${WORK}/cross_kernels" -lpthread -lm COMMAND_ERROR_IS_FATAL ANY)

# A processor with the extension runs the variant, one without it must not try.
execute_process(COMMAND ${QEMU} -cpu max "${WORK}/cross_kernels" neon_dotprod COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${QEMU} -cpu cortex-a53 "${WORK}/cross_kernels" ref COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${QEMU} -cpu cortex-a53 "${WORK}/cross_kernels" neon_dotprod RESULT_VARIABLE result)
if(NOT result EQUAL 2)
  message(FATAL_ERROR "without the extension the variant must not be taken, but the result was '${result}'")
endif()
