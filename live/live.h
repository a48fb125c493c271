/* The reference engine serving requests in real time: the scheduler that the simulator uses (sim/serving/scheduler.h)
 * drives the transformer of kernels/. Arrivals are an open loop; what happened when is noted for every request and
 * every step.
 */
#ifndef TS_LIVE_LIVE_H
#define TS_LIVE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/progress.h"
#include "engine/model_config.h"
#include "measure/model_measurement.h"
#include "sim/record.h"
#include "sim/serving/scheduler.h"
#include "traces/request.h"

struct ts_live_options {
    const struct ts_model_config *config; /* of a synthetic model; ignored with gguf_path */
    const char *quant;                    /* "Q4_0" */
    const char *gguf_path;                /* NULL: synthetic */
    const char *isa;                      /* NULL: best for this machine */
    uint32_t n_threads;                   /* 0: all usable CPUs */
    uint64_t seed;
    struct ts_scheduler_config scheduler; /* block_tok must be TS_KV_PAGE_TOK */
    uint32_t spare_blocks;                /* beside the scheduler's, for ts_live_time_step */
};

struct ts_live; /* a model, loaded and warm */

/* TS_EUNSUPPORTED, TS_EINPUT, TS_EIO, TS_ENOMEM with diagnostics. */
enum ts_status ts_live_create(struct ts_live **out, const struct ts_live_options *options, struct ts_diags *diags);
void ts_live_destroy(struct ts_live *live);

/* Times since the start of the run. */
struct ts_live_record {
    int64_t due_ns;   /* arrival as planned */
    int64_t seen_ns;  /* handed to the scheduler */
    int64_t start_ns; /* first step begun, TS_NEVER_NS: none */
    int64_t first_ns, last_ns;
    uint32_t prompt_tok, output_tok, n_given; /* done: n_given = output_tok */
    uint32_t n_preemptions;
    bool rejected; /* the server could never hold it */
};

/* Steps follow one another without a gap, except where there was nothing to do. */
struct ts_live_step {
    int64_t begin_ns, end_ns; /* planning, forward pass, sampling and bookkeeping */
    int64_t model_ns;         /* of that, the forward pass and the choice of tokens */
    struct ts_batch_load load;
    uint32_t n_waiting; /* after admission */
};

/* A step as a simulation has it: what it computes, and for how long nothing was done before it. */
struct ts_live_load {
    struct ts_batch_load load;
    double idle_s;
};

struct ts_live_run {
    struct ts_live_record *records; /* [n_records] in the order of the requests */
    size_t n_records;
    struct ts_live_step *steps; /* [n_steps] */
    size_t n_steps;
    int64_t end_ns;
};

struct ts_live_hooks {
    struct ts_progress progress; /* asked between steps */
    /* Called for each token as it is given: that of request `index`. May be NULL. */
    void (*on_token)(void *user, size_t index, uint32_t token);
    /* Called between steps every pause_every_s of the run, whose clock stands still meanwhile: arrivals wait too. May
     * be NULL. */
    enum ts_status (*pause)(void *user, double elapsed_s);
    double pause_every_s;
    void *user; /* of the two */
};

/* Serves the requests (arrivals ascending) to the last token. TS_EINTERRUPTED if told to stop: *out then holds what was
 * done so far. TS_ENOMEM. */
enum ts_status ts_live_serve(struct ts_live_run *out, struct ts_live *live, const struct ts_request *requests, size_t n,
                             const struct ts_live_hooks *hooks, struct ts_diags *diags);
void ts_live_run_deinit(struct ts_live_run *run);

/* Does such a step keep to the scheduler's limits and to the spare blocks? */
bool ts_live_can_time(const struct ts_live *live, const struct ts_model_step *step);
/* How long a step takes that no request asked for: forward pass and choice of tokens, as in the serving loop, between
 * whose steps it may be called. TS_ENOMEM. */
enum ts_status ts_live_time_step(struct ts_live *live, double *seconds, const struct ts_model_step *step,
                                 struct ts_diags *diags);

/* How much of the steps before is remembered right now (sim/pace.h), for each of some memory_s. */
enum { TS_LIVE_N_MEMORIES = 10 };
extern const double ts_live_memory_s[TS_LIVE_N_MEMORIES];
void ts_live_heats(double heats[TS_LIVE_N_MEMORIES], const struct ts_live *live);

/* A measurement of this engine without any steps. Texts live in `arena`. TS_ENOMEM. */
enum ts_status ts_live_describe(struct ts_model_measurement *out, const struct ts_live *live, struct ts_arena *arena);

/* For reports: "Llama-3.2-1B", "Q4_0", "avx512vnni". */
const char *ts_live_model(const struct ts_live *live);
const char *ts_live_quant(const struct ts_live *live);
const char *ts_live_kernel(const struct ts_live *live);
uint32_t ts_live_threads(const struct ts_live *live);

#endif
