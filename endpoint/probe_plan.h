/* What a probe sends: a grid of prompt lengths and concurrencies, or a request trace at its own times. */
#ifndef TS_ENDPOINT_PROBE_PLAN_H
#define TS_ENDPOINT_PROBE_PLAN_H

#include "endpoint/probe.h"

enum { TS_PROBE_MAX_POINTS = 64 };

/* One load, and what it is called. */
struct ts_probe_point {
    struct ts_probe_load load;
    struct ts_probe_ask *asks; /* owned */
    uint32_t prompt_tok;       /* wanted by every request; 0: as the trace says */
    double rate_per_s;         /* open loop: mean arrivals; 0: closed loop */
};

struct ts_probe_plan {
    struct ts_probe_point points[TS_PROBE_MAX_POINTS];
    size_t n_points;
};

struct ts_probe_grid {
    const char *prompts;     /* "128,512" tokens */
    const char *concurrency; /* "1,4,16" */
    uint32_t output_tok;
    uint32_t n_requests; /* a point; 0: four times the concurrency, at least 8 */
};

struct ts_probe_trace {
    const char *path;
    const char *format;                      /* NULL: auto */
    const struct ts_trace_map *map;          /* NULL: columns are found by the format */
    double scale_rate;                       /* 2 = twice as fast */
    double duration_s;                       /* 0: all of it */
    uint32_t n_requests;                     /* 0: all of them, at most TS_PROBE_MAX_ASKS */
    uint32_t max_prompt_tok, max_output_tok; /* longer ones are cut; 0: no cut */
};

/* TS_EUSAGE for a malformed list. */
enum ts_status ts_probe_plan_grid(struct ts_probe_plan *out, const struct ts_probe_grid *grid, struct ts_diags *diags);
/* TS_EIO, TS_EINPUT for the trace; TS_EUSAGE if nothing is left of it. */
enum ts_status ts_probe_plan_trace(struct ts_probe_plan *out, const struct ts_probe_trace *trace,
                                   struct ts_diags *diags);
void ts_probe_plan_deinit(struct ts_probe_plan *plan);

#endif
