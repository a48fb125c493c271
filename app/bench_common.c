/* Hides how the options of `tiersim bench` become what the benchmarks want. */
#include "app/bench_common.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/locate.h"
#include "base/file.h"

enum { MAX_TOKENS = 8192 };

#define NOISY_FRAC 0.5

double ts_bench_budget_s(const struct ts_bench_args *args, double quick_s, double full_s)
{
    return args->seconds > 0 ? (double)args->seconds : args->quick ? quick_s : full_s;
}

double ts_bench_base_budget_s(const struct ts_bench_args *args)
{
    return fmin(ts_bench_budget_s(args, TS_BENCH_BASE_QUICK_S, TS_BENCH_BASE_FULL_S), TS_BENCH_BASE_FULL_S);
}

enum ts_status ts_bench_parse_list(uint32_t *out, size_t *out_n, const char *option, const char *list, uint32_t min,
                                   uint32_t max, struct ts_diags *diags)
{
    size_t n = 0;
    for (const char *p = list; *p; p += *p == ',') {
        size_t len = strcspn(p, ",");
        uint64_t value;
        if (n == TS_BENCH_MAX_LIST || !ts_parse_u64(&value, p, len) || value < min || value > max ||
            (n > 0 && value <= out[n - 1])) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), "for example 1,8,512",
                           "--%s takes up to %d increasing numbers from %u to %u, not '%s'", option, TS_BENCH_MAX_LIST,
                           min, max, list);
        }
        out[n++] = (uint32_t)value;
        p += len;
    }
    *out_n = n;
    return n > 0 ? TS_OK : ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--%s is empty", option);
}

enum ts_status ts_bench_parse_n_tok(uint32_t *out, size_t *out_n, const char *list, struct ts_diags *diags)
{
    return ts_bench_parse_list(out, out_n, "n", list, 1, MAX_TOKENS, diags);
}

enum ts_status ts_bench_make_folder(const char *path, struct ts_diags *diags)
{
    char *dir = ts_path_dir(path);
    const enum ts_status status = dir ? ts_mkdirs(dir, diags) : TS_ENOMEM;
    free(dir);
    return status;
}

enum ts_status ts_bench_target_path(char **out, const char *named, struct ts_diags *diags)
{
    char *path = named ? ts_path_join("", named) : NULL;
    enum ts_status status = path ? TS_OK : named ? TS_ENOMEM : ts_locate_cached_measurement(&path);
    if (status == TS_OK && !path) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(), "name a file with -o",
                         "there is no home directory for the measurement");
    }
    if (status == TS_OK) {
        status = ts_bench_make_folder(path, diags);
    }
    if (status != TS_OK) {
        free(path);
        return status;
    }
    *out = path;
    return TS_OK;
}

void ts_bench_warn_if_noisy(const struct ts_measurement *measurements, size_t n, struct ts_diags *diags)
{
    double worst_frac = 0.0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < measurements[i].n_steps; k++) {
            worst_frac = fmax(worst_frac, measurements[i].steps[k].spread_frac);
        }
    }
    if (worst_frac > NOISY_FRAC) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), "close other programs and measure again",
                     "the samples of a step spread by up to %.0f %% of their median: this machine was busy",
                     100.0 * worst_frac);
    }
}

void ts_bench_print_wake(const struct ts_measurement *m)
{
    if (m->n_threads > 1) {
        printf("starting %u threads' work takes %.1f us while they spin, %.0f us once they sleep\n", m->n_threads,
               1e6 * m->wake_spin_s, 1e6 * m->wake_sleep_s);
    }
}
