/* Prediction beside reality: the same requests, once served live by the reference engine, once simulated; how far the
 * simulation is off, and where its error comes from. */
#ifndef TS_LIVE_VALIDATE_H
#define TS_LIVE_VALIDATE_H

#include "live/live.h"
#include "sim/sim.h"

/* Latencies of each request, in the order of the requests; NaN where there is none. */
struct ts_timings {
    double *ttft_s, *tpot_s, *e2e_s; /* [n]; TPOT is NaN for one token */
    size_t n;
    double end_s; /* the last token of all */
    uint64_t n_done, output_tok, n_preemptions;
};

enum ts_status ts_timings_of_live(struct ts_timings *out, const struct ts_live_run *run);

/* What a simulation is told beside the model, and asked for beside the latencies. */
struct ts_timings_options {
    const double *steps_s; /* [n_steps] the durations of the steps, in order; NULL: the model's */
    size_t n_steps;
    const struct ts_pace *pace;  /* the machine's over the run; NULL: the model's */
    struct ts_step_loads *loads; /* if not NULL: what each step computed is added there */
};

/* What steps computed, in order; zero it before. */
struct ts_step_loads {
    struct ts_live_load *loads; /* [n] */
    size_t n, cap;
    int64_t end_ns; /* of the last */
    bool failed;    /* one found no memory */
};
void ts_step_loads_deinit(struct ts_step_loads *loads);

/* Simulates the requests on `model`. TS_ENOMEM, TS_ERANGE. */
enum ts_status ts_timings_of_sim(struct ts_timings *out, const struct ts_model *model,
                                 const struct ts_request *requests, size_t n, const struct ts_timings_options *options,
                                 struct ts_diags *diags);
void ts_timings_deinit(struct ts_timings *timings);

/* A model with nothing but tier `tier` of `from`, one replica of it, reached without a network and without a router:
 * what the live engine is. Its pool is put into *pool, which *out points to. */
void ts_validate_alone(struct ts_model *out, struct ts_pool_model *pool, const struct ts_model *from, uint32_t tier);

/* Requests a second that a server of that model carries: n requests at once, the rate at which those in the middle half
 * end, while the batch is as full as it gets. */
enum ts_status ts_validate_capacity(double *out, const struct ts_model *model, const struct ts_request *requests,
                                    size_t n, struct ts_diags *diags);

enum ts_validate_latency { TS_VALIDATE_TTFT, TS_VALIDATE_TPOT, TS_VALIDATE_E2E, TS_N_VALIDATE_LATENCIES };
enum ts_validate_stat { TS_VALIDATE_MEAN, TS_VALIDATE_P50, TS_VALIDATE_P90, TS_VALIDATE_P99, TS_N_VALIDATE_STATS };

/* That latency of each request, [n]. */
const double *ts_timings_values(const struct ts_timings *timings, enum ts_validate_latency latency);

const char *ts_validate_latency_name(enum ts_validate_latency latency); /* "TTFT" */
const char *ts_validate_stat_name(enum ts_validate_stat stat);          /* "mean" */

struct ts_validate_row {
    double live_s, predicted_s;
    double error_frac;          /* predicted/live - 1 */
    double low_frac, high_frac; /* 95 % interval of it: bootstrap over requests, live and predicted in pairs */
};

struct ts_comparison {
    struct ts_validate_row rows[TS_N_VALIDATE_LATENCIES][TS_N_VALIDATE_STATS];
    size_t n_pairs; /* requests done in both */
    double live_tok_per_s, predicted_tok_per_s;
    uint64_t live_preemptions, predicted_preemptions;
    uint64_t live_done, predicted_done;
};

/* TS_ENOMEM. */
enum ts_status ts_validate_compare(struct ts_comparison *out, const struct ts_timings *live,
                                   const struct ts_timings *predicted, uint64_t seed);

/* Where the error of a mean comes from: a chain from the live run to the prediction, in which one thing after the other
 * is modelled instead of recorded. The links multiply up to the whole error. */
struct ts_error_budget {
    double scheduler_frac; /* recorded step times and recorded arrivals: what remains is the scheduler's */
    double host_frac;      /* planning and bookkeeping, which no step model has: minus their share of the steps */
    double steps_frac;     /* the step model instead of recorded forward passes */
    double arrivals_frac;  /* planned arrivals instead of recorded ones */
    double whole_frac;
    struct ts_comparison recorded; /* the first link against the live run, in full */
};

struct ts_validate_budget_input {
    const struct ts_model *model;
    const struct ts_request *requests; /* [n] */
    size_t n;
    const struct ts_live_run *run;
    const struct ts_pace *pace; /* of the prediction; NULL: none */
};
enum ts_status ts_validate_budget(struct ts_error_budget *out, const struct ts_validate_budget_input *input,
                                  enum ts_validate_latency latency, struct ts_diags *diags);

#endif
