/* Hides which variants are built in and how one is chosen. */
#include "kernels/cpu.h"
#include "kernels/kernel.h"

#include <strings.h>

static const struct ts_kernel *const kernels[] = {
#define TS_KERNEL(name) &ts_kernel_##name,
#include "kernels/kernel_list.inc"
#undef TS_KERNEL
};

enum { N_KERNELS = sizeof kernels / sizeof kernels[0] };

size_t ts_kernel_count(void)
{
    return N_KERNELS;
}

const struct ts_kernel *ts_kernel_at(size_t index)
{
    return kernels[index];
}

const struct ts_kernel_format *ts_kernel_format(const struct ts_kernel *kernel, enum ts_quant quant)
{
    for (size_t i = 0; i < kernel->n_formats; i++) {
        if (kernel->formats[i].quant == quant) {
            return &kernel->formats[i];
        }
    }
    return NULL;
}

static const struct ts_kernel *select_forced(uint32_t features, enum ts_quant quant, const char *forced,
                                             const char **why)
{
    for (size_t i = 0; i < N_KERNELS; i++) {
        if (strcasecmp(kernels[i]->name, forced) != 0) {
            continue;
        }
        if ((kernels[i]->needs & ~features) != 0) {
            *why = "this machine lacks what it needs";
            return NULL;
        }
        if (ts_kernel_format(kernels[i], quant) == NULL) {
            *why = "it does not do this format";
            return NULL;
        }
        *why = "asked for by name";
        return kernels[i];
    }
    *why = "there is no variant of that name";
    return NULL;
}

const struct ts_kernel *ts_kernel_after(const struct ts_kernel *kernel, uint32_t features, enum ts_quant quant)
{
    bool passed = kernel == NULL;
    for (size_t i = 0; i < N_KERNELS; i++) {
        if (passed && (kernels[i]->needs & ~features) == 0 && ts_kernel_format(kernels[i], quant)) {
            return kernels[i];
        }
        passed = passed || kernels[i] == kernel;
    }
    return NULL;
}

const struct ts_kernel *ts_kernel_select(uint32_t features, enum ts_quant quant, const char *forced, const char **why)
{
    const char *ignored;
    why = why ? why : &ignored;
    if (forced) {
        return select_forced(features, quant, forced, why);
    }
    const struct ts_kernel *best = ts_kernel_after(NULL, features, quant);
    *why = !best                            ? "no variant does this format"
           : best != kernels[N_KERNELS - 1] ? "best that this machine supports"
                                            : "nothing faster runs on this machine";
    return best;
}

size_t ts_kernel_list(struct ts_kernel_info *out, size_t max)
{
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    const struct ts_kernel *best = ts_kernel_select(cpu.features, TS_QUANT_Q4_0, NULL, NULL);
    size_t n = N_KERNELS < max ? N_KERNELS : max;
    for (size_t i = 0; i < n; i++) {
        const struct ts_kernel *kernel = kernels[i];
        bool supported = (kernel->needs & ~cpu.features) == 0;
        const char *why = kernel == best ? "best supported" : supported ? "supported" : kernel->needs_text;
        out[i] = (struct ts_kernel_info){kernel->name, kernel->formats_text, supported, kernel == best, why};
    }
    return n;
}
