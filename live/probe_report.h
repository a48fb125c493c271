/* What a probe found: a table for people, a row per request, and results in the shape that `vllm bench serve
 * --save-detailed` writes, which everybody's tools read, `tiersim import` among them. */
#ifndef TS_LIVE_PROBE_REPORT_H
#define TS_LIVE_PROBE_REPORT_H

#include "base/sample.h"
#include "endpoint/probe_plan.h"
#include "reports/table.h"

enum ts_probe_latency { TS_PROBE_TTFT, TS_PROBE_TPOT, TS_PROBE_ITL, TS_PROBE_E2E, TS_N_PROBE_LATENCIES };

struct ts_probe_summary {
    uint64_t n, n_outcomes[TS_N_PROBE_OUTCOMES];
    double duration_s, requests_per_s, output_tok_per_s;
    uint64_t prompt_tok, output_tok;                  /* of requests done */
    double mean_prompt_tok;                           /* of requests done, as the server counted; NaN without one */
    struct ts_sample latency_s[TS_N_PROBE_LATENCIES]; /* of requests done; ITL: every gap */
};

/* TTFT, E2E: from the time at which the request was due. TPOT = (E2E - TTFT)/(output - 1), output as the server counted
 * it. TS_ENOMEM. */
enum ts_status ts_probe_summarise(struct ts_probe_summary *out, const struct ts_probe_result *result);
void ts_probe_summary_deinit(struct ts_probe_summary *summary);

/* Columns, then a row for each point. */
struct ts_table *ts_probe_table(void);
void ts_probe_table_row(struct ts_table *table, const struct ts_probe_point *point, struct ts_probe_summary *summary);

/* Appends the CSV's header, and the rows of a point. */
void ts_probe_csv_header(struct ts_text *out);
void ts_probe_csv_rows(struct ts_text *out, size_t point_index, const struct ts_probe_point *point,
                       const struct ts_probe_result *result);

struct ts_probe_about {
    const char *date, *model, *url, *backend;
    uint32_t seed; /* of the prompts; 0: not told */
};

/* Appends one JSON document. */
void ts_probe_json(struct ts_text *out, const struct ts_probe_about *about, const struct ts_probe_point *point,
                   const struct ts_probe_result *result, struct ts_probe_summary *summary);

#endif
