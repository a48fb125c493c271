/* The measurement of `tiersim bench`: the products of a model's forward pass and the limits of the machine. */
#ifndef TS_APP_BENCH_MACHINE_H
#define TS_APP_BENCH_MACHINE_H

#include "base/arena.h"
#include "measure/measurement.h"

#define TS_BENCH_MODEL "Llama-3.2-1B" /* what is measured if nothing is named */
#define TS_BENCH_QUANT "Q4_0"
#define TS_BENCH_N_TOK "1,2,4,8,16,32,64,128,256,512"

struct ts_bench_machine {
    const char *model, *quant;
    const char *isa;    /* NULL: the best for this machine */
    const char *n_tok;  /* "1,8,512" */
    uint32_t n_threads; /* 0: all CPUs */
    double budget_s;
    bool baseline, bind, quiet;
};

/* Everything in *out lives in `arena`. TS_EUSAGE, and as ts_bench_run. */
enum ts_status ts_bench_machine_measure(struct ts_measurement *out, struct ts_arena *arena,
                                        const struct ts_bench_machine *what, struct ts_diags *diags);

/* Is there a measurement of this machine at the path, which whole steps or a router can be added to? Then it is in
 * *out, in `arena`. */
bool ts_bench_machine_is_there(struct ts_measurement *out, struct ts_arena *arena, const char *path);
/* Takes over what a file at the path has of this machine and *measurement does not: whole steps and a router, of `bench
 * model` and `bench router`. *diags tells what is taken over, and what is lost: another machine's file is replaced. */
void ts_bench_machine_keep(struct ts_measurement *measurement, struct ts_arena *arena, const char *path,
                           struct ts_diags *diags);
/* That measurement, or a new one; a file that has another in its place is told of as above. */
enum ts_status ts_bench_machine_base(struct ts_measurement *out, struct ts_arena *arena,
                                     const struct ts_bench_machine *what, const char *path, struct ts_diags *diags);

#endif
