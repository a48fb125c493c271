/* The requests of a log, simulated: what each waited for, divided into the parts that step times are made of. */
#ifndef TS_STUDY_LOG_REPLAY_H
#define TS_STUDY_LOG_REPLAY_H

#include "base/progress.h"
#include "measure/step_fit.h"
#include "sim/model.h"

/* Parts of t = f(tokens) + b*seqs + c*kv + e*pairs, m the knot of the table nearest to 256 tokens:
 *   step       f(1): weights, kernels of the layers, the host
 *   sequence   b*seqs + f(min(tokens, m)) - f(1): what further sequences add
 *   prompt     f(tokens) - f(min(tokens, m)): the matmuls of prompts
 *   kv         c*kv
 *   attention  e*pairs */
enum ts_log_part { TS_LOG_STEP, TS_LOG_SEQUENCE, TS_LOG_PROMPT, TS_LOG_KV, TS_LOG_ATTENTION, TS_LOG_N_PARTS };

const char *ts_log_part_name(enum ts_log_part part);

/* The table with each part times its factor (> 0). */
struct ts_table_fit ts_log_scaled(const struct ts_table_fit *table, const double factors[TS_LOG_N_PARTS]);

/* Of one request, in seconds. The parts are those of the table, without factors; `other` is what no part is: a draft
 * model. NAN: it was not done. */
struct ts_log_served {
    double ttft_s, latency_s;
    double first[TS_LOG_N_PARTS], first_other;   /* add up, with factors, to ttft_s */
    double decode[TS_LOG_N_PARTS], decode_other; /* from the first token to the last */
};

struct ts_log_replay {
    const struct ts_model *model;      /* as the scenario has it */
    uint32_t tier;                     /* a server with one pool */
    const struct ts_request *requests; /* [n] by run and arrival, which is since the first of the run */
    const uint32_t *run;               /* [n] */
    size_t n;
    struct ts_progress progress;
};

/* With the steps of that table times the factors, the host's time in them; table NULL: the tier's own steps, and no
 * parts. Network, router and the tier's `request` are left out. TS_ERANGE, TS_ENOMEM, TS_EINTERRUPTED. */
enum ts_status ts_log_replay(struct ts_log_served *out, const struct ts_log_replay *replay,
                             const struct ts_table_fit *table, const double factors[TS_LOG_N_PARTS],
                             struct ts_diags *diags);

#endif
