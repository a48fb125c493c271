/* Hides how an arm64 system tells its features: the auxiliary vector on Linux, sysctl on macOS. NEON is part of every
 * arm64. */
#include "kernels/cpu.h"

#include <stdio.h>
#include <string.h>

#if defined(__linux__)
#include <sys/auxv.h>
#elif defined(__APPLE__)
#include <sys/sysctl.h>
#endif

#if defined(__linux__)

/* Bits of the kernel's ABI (Documentation/arch/arm64/elf_hwcaps.rst). */
enum { BIT_ASIMDDP = 20, BIT_I8MM = 13, BIT_BF16 = 14 };

static uint32_t detect_features(void)
{
    uint32_t features = TS_CPU_NEON;
    features |= (getauxval(AT_HWCAP) >> BIT_ASIMDDP & 1U) ? TS_CPU_DOTPROD : 0U;
    features |= (getauxval(AT_HWCAP2) >> BIT_I8MM & 1U) ? TS_CPU_I8MM : 0U;
    features |= (getauxval(AT_HWCAP2) >> BIT_BF16 & 1U) ? TS_CPU_NEONBF16 : 0U;
    return features;
}

void ts_cpu_detect_arch(struct ts_cpu *cpu)
{
    cpu->features = detect_features();
}

#elif defined(__APPLE__)

static uint64_t sysctl_number(const char *name)
{
    uint64_t value = 0;
    size_t size = sizeof value;
    return sysctlbyname(name, &value, &size, NULL, 0) == 0 ? value : 0;
}

void ts_cpu_detect_arch(struct ts_cpu *cpu)
{
    cpu->features = TS_CPU_NEON;
    cpu->features |= sysctl_number("hw.optional.arm.FEAT_DotProd") ? TS_CPU_DOTPROD : 0U;
    cpu->features |= sysctl_number("hw.optional.arm.FEAT_I8MM") ? TS_CPU_I8MM : 0U;
    cpu->features |= sysctl_number("hw.optional.arm.FEAT_BF16") ? TS_CPU_NEONBF16 : 0U;
    cpu->l1d_bytes = sysctl_number("hw.perflevel0.l1dcachesize");
    cpu->l2_bytes = sysctl_number("hw.perflevel0.l2cachesize");
    size_t size = sizeof cpu->name;
    if (sysctlbyname("machdep.cpu.brand_string", cpu->name, &size, NULL, 0) != 0) {
        cpu->name[0] = '\0';
    }
}

#else

void ts_cpu_detect_arch(struct ts_cpu *cpu)
{
    cpu->features = TS_CPU_NEON;
}

#endif
