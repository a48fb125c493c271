/* What the kinds of `tiersim bench` share: options, where to, lists of numbers, remarks. */
#ifndef TS_APP_BENCH_COMMON_H
#define TS_APP_BENCH_COMMON_H

#include "app/options.h"
#include "measure/measurement.h"

enum { TS_BENCH_MAX_LIST = 32 };

/* Options that every kind has. */
struct ts_bench_args {
    const char *isa;
    uint32_t threads; /* 0: all CPUs */
    uint32_t seconds; /* 0: as the kind has it */
    bool quick, quiet;
};

#define TS_BENCH_OPTIONS(type, field)                                                                                  \
    TS_OPTION_THREADS(type, field.threads), {"quick",                                                                  \
                                             0,                                                                        \
                                             TS_INTO(type, field.quick),                                               \
                                             NULL,                                                                     \
                                             "a shorter measurement, under a minute",                                  \
                                             .without = {"seconds"}},                                                  \
        {"seconds", 0, TS_INTO(type, field.seconds), "N", "measure for so long", .range = {1, 86400}},                 \
        {"isa", 0, TS_INTO(type, field.isa), "NAME",                                                                   \
         "a kernel variant of `tiersim bench --list` (default: the best)"},                                            \
        TS_OPTION_QUIET(type, field.quiet)

/* Options that some have. */
#define TS_BENCH_OPTION_N(type, field)                                                                                 \
    {                                                                                                                  \
        "n", 0, TS_INTO(type, field), "LIST", "token counts"                                                           \
    }
#define TS_BENCH_OPTION_AFFINITY(type, field)                                                                          \
    {                                                                                                                  \
        "affinity", 0, TS_INTO(type, field), NULL, "pin each thread to its own processor (Linux)"                      \
    }

/* How long the machine is measured where a kind of bench adds to a measurement and there is none yet. */
#define TS_BENCH_BASE_QUICK_S 12.0
#define TS_BENCH_BASE_FULL_S 40.0
double ts_bench_base_budget_s(const struct ts_bench_args *args);

/* How long to measure. */
double ts_bench_budget_s(const struct ts_bench_args *args, double quick_s, double full_s);

/* "1,8,512" of an option: at most TS_BENCH_MAX_LIST increasing numbers from min to max. TS_EUSAGE. */
enum ts_status ts_bench_parse_list(uint32_t *out, size_t *out_n, const char *option, const char *list, uint32_t min,
                                   uint32_t max, struct ts_diags *diags);
/* The same for token counts, --n. */
enum ts_status ts_bench_parse_n_tok(uint32_t *out, size_t *out_n, const char *list, struct ts_diags *diags);

/* Where the measurement goes: `named`, or with NULL the cache; the folder is made. free() it. */
enum ts_status ts_bench_target_path(char **out, const char *named, struct ts_diags *diags);

/* Makes the folder that the file is in. */
enum ts_status ts_bench_make_folder(const char *path, struct ts_diags *diags);

/* A warning if the samples of one token count lie far apart: the machine was busy with something else. */
void ts_bench_warn_if_noisy(const struct ts_measurement *measurements, size_t n, struct ts_diags *diags);

/* A line on what it takes to start the threads' work; nothing with one thread. */
void ts_bench_print_wake(const struct ts_measurement *m);

#endif
