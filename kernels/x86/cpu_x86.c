/* Hides CPUID. Leaves and bits: Intel SDM volume 2A, CPUID; AMD APM volume 3, appendix E. An extension counts only if
 * XCR0 says that the operating system saves its registers (bits 1-2: XMM, YMM; 5-7: opmask, ZMM; 17-18: tiles). */
#include <cpuid.h>
#include <stdbool.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/x86/tile_leave.h"

struct regs {
    unsigned a, b, c, d;
};

static struct regs leaf(unsigned number, unsigned sub)
{
    struct regs r = {0, 0, 0, 0};
    if (__get_cpuid_count(number, sub, &r.a, &r.b, &r.c, &r.d) == 0) {
        memset(&r, 0, sizeof r);
    }
    return r;
}

static uint64_t saved_registers(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static bool has_all(unsigned value, unsigned bits)
{
    return (value & bits) == bits;
}

static uint32_t detect_features(void)
{
    struct regs basic = leaf(1, 0);
    unsigned osxsave_avx_fma_f16c = 1U << 27 | 1U << 28 | 1U << 12 | 1U << 29;
    if (!has_all(basic.c, osxsave_avx_fma_f16c)) {
        return 0;
    }
    uint64_t saved = saved_registers();
    struct regs extended = leaf(7, 0);
    struct regs extended1 = leaf(7, 1);
    uint32_t features = 0;
    if ((saved & 0x6U) != 0x6U || !(extended.b >> 5 & 1U)) {
        return 0;
    }
    features |= TS_CPU_AVX2;
    features |= (extended1.a >> 4 & 1U) ? TS_CPU_AVXVNNI : 0U;
    unsigned f_dq_bw_vl = 1U << 16 | 1U << 17 | 1U << 30 | 1U << 31;
    if ((saved & 0xE6U) == 0xE6U && has_all(extended.b, f_dq_bw_vl)) {
        features |= TS_CPU_AVX512;
        features |= (extended.c >> 11 & 1U) ? TS_CPU_AVX512VNNI : 0U;
        features |= (extended.c >> 1 & 1U) ? TS_CPU_AVX512VBMI : 0U;
        features |= (extended1.a >> 5 & 1U) ? TS_CPU_AVX512BF16 : 0U;
        features |= (extended.d >> 23 & 1U) ? TS_CPU_AVX512FP16 : 0U;
    }
    unsigned tile_bf16 = 1U << 24 | 1U << 22;
    if ((saved & 0x60000U) == 0x60000U && has_all(extended.d, tile_bf16) && ts_tile_leave()) {
        features |= TS_CPU_AMXBF16;
    }
    return features;
}

static void detect_name(char name[64])
{
    struct regs parts[3] = {leaf(0x80000002U, 0), leaf(0x80000003U, 0), leaf(0x80000004U, 0)};
    char raw[49];
    memcpy(raw, parts, 48);
    raw[48] = '\0';
    const char *start = raw + strspn(raw, " ");
    size_t len = strlen(start);
    while (len > 0 && start[len - 1] == ' ') {
        len--;
    }
    memcpy(name, start, len);
    name[len] = '\0';
}

/* The cache leaves: 4 on Intel, 0x8000001D on AMD, in one encoding. */
static void detect_caches(struct ts_cpu *cpu, unsigned number)
{
    for (unsigned i = 0; i < 8; i++) {
        struct regs r = leaf(number, i);
        unsigned type = r.a & 31U;
        unsigned level = r.a >> 5 & 7U;
        if (type == 0) {
            return;
        }
        uint64_t bytes =
            (uint64_t)((r.b >> 22) + 1U) * ((r.b >> 12 & 1023U) + 1U) * ((r.b & 4095U) + 1U) * ((uint64_t)r.c + 1U);
        if (bytes <= 64 || type == 2) {
            continue;
        }
        if (level == 1) {
            cpu->l1d_bytes = bytes;
        } else if (level == 2) {
            cpu->l2_bytes = bytes;
        } else if (level == 3) {
            cpu->l3_bytes = bytes;
        }
    }
}

void ts_cpu_detect_arch(struct ts_cpu *cpu)
{
    cpu->features = detect_features();
    detect_name(cpu->name);
    detect_caches(cpu, 4);
    if (cpu->l1d_bytes == 0) {
        detect_caches(cpu, 0x8000001DU);
    }
}
