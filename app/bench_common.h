/* What the kinds of `tiersim bench` share: which model, where to, progress, tables. */
#ifndef TS_APP_BENCH_COMMON_H
#define TS_APP_BENCH_COMMON_H

#include "app/options.h"
#include "engine/model_config.h"
#include "kernels/bench/bench.h"
#include "measure/measurement.h"
#include "reports/table.h"
#include "scenarios/catalog/catalog.h"

enum { TS_BENCH_ARGS_MAX_N_TOK = 32 };

/* "1,8,512" -> increasing token counts. */
enum ts_status ts_bench_parse_n_tok(uint32_t *out, size_t *out_n, const char *list, struct ts_diags *diags);
/* The same for any option: at most TS_BENCH_ARGS_MAX_N_TOK increasing numbers from min to max. */
enum ts_status ts_bench_parse_list(uint32_t *out, size_t *out_n, const char *option, const char *list, uint32_t min,
                                   uint32_t max, struct ts_diags *diags);

/* Where the measurement goes: -o, or the cache; the folder is made. free() it. */
enum ts_status ts_bench_target_path(char **out, const struct ts_args *args, struct ts_diags *diags);

/* A warning if the samples of one token count lie far apart: the machine was busy with something else. */
void ts_bench_warn_if_noisy(const struct ts_measurement *measurements, size_t n, struct ts_diags *diags);

/* A line on what it takes to start the threads' work; nothing with one thread. */
void ts_bench_print_wake(const struct ts_measurement *m);

/* Prints and destroys. */
enum ts_status ts_bench_print_table(struct ts_table *table, enum ts_table_format format);

/* The three kinds. */
enum ts_status ts_bench_machine(const struct ts_args *args, enum ts_table_format format, struct ts_diags *diags);
enum ts_status ts_bench_matmul(const struct ts_args *args, enum ts_table_format format, struct ts_diags *diags);
enum ts_status ts_bench_forward(const struct ts_args *args, struct ts_diags *diags);

/* The measurement behind `tiersim bench`, without printing or writing. */
enum ts_status ts_bench_machine_measure(struct ts_measurement *out, struct ts_arena *arena, const struct ts_args *args,
                                        struct ts_diags *diags);

#endif
