/* What a trace does not say about a request, drawn from the workload's classes: class, sensitivity and difficulty. Also
 * the streams of random numbers that requests are made from, one per purpose, so that a change of one distribution
 * leaves all other draws as they were. */
#ifndef TS_TRACES_LABEL_H
#define TS_TRACES_LABEL_H

#include "traces/workload.h"

enum ts_trace_purpose {
    TS_TRACE_GAPS = 0x74720001,
    TS_TRACE_PROMPTS = 0x74720002,
    TS_TRACE_OUTPUTS = 0x74720003,
    TS_TRACE_SESSIONS = 0x74720004,
    TS_TRACE_SWITCHES = 0x74720006,
    TS_TRACE_PREFIXES = 0x74720005,
    TS_TRACE_LABELS = 0x74720100, /* and upwards: see label.c */
};

/* How long the prompts and replies of each class are, so that a request's own lengths tell something of its class. */
struct ts_label_fit;

/* *out is NULL if the classes do not all say it. TS_ENOMEM. */
enum ts_status ts_label_fit_create(struct ts_label_fit **out, const struct ts_workload *workload);
void ts_label_fit_destroy(struct ts_label_fit *fit); /* NULL is fine */
/* Share of the class times how likely it is to have lengths like these. */
double ts_label_fit_weight(const struct ts_label_fit *fit, size_t class_id, uint32_t prompt_tok, uint32_t output_tok);

/* Sets class_id (unless the request has one), sensitivity and difficulty by (seed, replication, request->id): nothing
 * else matters, but for the request's lengths where there is a fit (or NULL). */
void ts_label_draw(struct ts_request *request, const struct ts_workload *workload, const struct ts_label_fit *fit,
                   uint64_t seed, uint32_t replication);

#endif
