/* Hides what is the same for all architectures: feature names, and the cache sizes that the C library knows where the
 * processor itself would not tell (virtual machines hide the cache leaves of CPUID). */
#include "kernels/cpu.h"

#include <string.h>
#include <unistd.h>

static const char *const feature_names[TS_CPU_FEATURE_COUNT] = {
    "avx2",    "avxvnni", "avx512",   "avx512vnni", "avx512bf16", "neon",
    "dotprod", "i8mm",    "neonbf16", "avx512fp16", "amxbf16",    "avx512vbmi",
};

const char *ts_cpu_feature_name(uint32_t bit)
{
    for (int i = 0; i < TS_CPU_FEATURE_COUNT; i++) {
        if (bit == 1U << i) {
            return feature_names[i];
        }
    }
    return "";
}

#if defined(_SC_LEVEL1_DCACHE_SIZE)
static uint64_t sysconf_bytes(int name)
{
    long bytes = sysconf(name);
    return bytes > 0 ? (uint64_t)bytes : 0;
}
#endif

static void fill_caches(struct ts_cpu *cpu)
{
#if defined(_SC_LEVEL1_DCACHE_SIZE)
    cpu->l1d_bytes = cpu->l1d_bytes ? cpu->l1d_bytes : sysconf_bytes(_SC_LEVEL1_DCACHE_SIZE);
    cpu->l2_bytes = cpu->l2_bytes ? cpu->l2_bytes : sysconf_bytes(_SC_LEVEL2_CACHE_SIZE);
    cpu->l3_bytes = cpu->l3_bytes ? cpu->l3_bytes : sysconf_bytes(_SC_LEVEL3_CACHE_SIZE);
#else
    (void)cpu;
#endif
}

void ts_cpu_detect(struct ts_cpu *out)
{
    memset(out, 0, sizeof *out);
    ts_cpu_detect_arch(out);
    fill_caches(out);
}
