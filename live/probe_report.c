/* Hides the shapes of what a probe writes. Field names of the JSON: `vllm bench serve`, whose arrays are in seconds and
 * whose aggregates are in milliseconds. */
#include "live/probe_report.h"

#include <math.h>

#include "base/csv.h"
#include "base/json.h"

/* ---- summary ---- */

static void add_record(struct ts_probe_summary *out, const struct ts_probe_record *record)
{
    const double tpot_s = ts_probe_tpot_s(record);
    if (record->first_ns >= 0) {
        ts_sample_add(&out->latency_s[TS_PROBE_TTFT], (double)(record->first_ns - record->due_ns) * 1e-9);
    }
    ts_sample_add(&out->latency_s[TS_PROBE_E2E], (double)(record->last_ns - record->due_ns) * 1e-9);
    if (!isnan(tpot_s)) {
        ts_sample_add(&out->latency_s[TS_PROBE_TPOT], tpot_s);
    }
    for (uint32_t i = 0; i < record->n_gaps; i++) {
        ts_sample_add(&out->latency_s[TS_PROBE_ITL], record->gaps_s[i]);
    }
    out->prompt_tok += record->prompt_tok;
    out->output_tok += record->output_tok;
}

enum ts_status ts_probe_summarise(struct ts_probe_summary *out, const struct ts_probe_result *result)
{
    *out = (struct ts_probe_summary){.n = result->n, .duration_s = result->duration_s};
    bool failed = false;
    for (size_t i = 0; i < result->n; i++) {
        const struct ts_probe_record *record = &result->records[i];
        out->n_outcomes[record->outcome]++;
        if (record->outcome == TS_PROBE_DONE) {
            add_record(out, record);
        }
    }
    for (size_t i = 0; i < TS_N_PROBE_LATENCIES; i++) {
        failed = failed || out->latency_s[i].failed;
    }
    const double n_done = (double)out->n_outcomes[TS_PROBE_DONE];
    out->requests_per_s = out->duration_s > 0.0 ? n_done / out->duration_s : 0.0;
    out->output_tok_per_s = out->duration_s > 0.0 ? (double)out->output_tok / out->duration_s : 0.0;
    out->mean_prompt_tok = n_done > 0.0 ? (double)out->prompt_tok / n_done : NAN;
    if (failed) {
        ts_probe_summary_deinit(out);
        return TS_ENOMEM;
    }
    return TS_OK;
}

void ts_probe_summary_deinit(struct ts_probe_summary *summary)
{
    for (size_t i = 0; i < TS_N_PROBE_LATENCIES; i++) {
        ts_sample_deinit(&summary->latency_s[i]);
    }
}

/* ---- table ---- */

struct ts_table *ts_probe_table(void)
{
    static const char *const numbers[] = {"prompt tok",  "at once",     "sent",        "done",        "req/s",
                                          "out tok/s",   "TTFT p50 ms", "TTFT p90 ms", "TTFT p99 ms", "TPOT p50 ms",
                                          "TPOT p99 ms", "ITL p99 ms",  "E2E p50 s",   "E2E p99 s"};
    struct ts_table *table = ts_table_create("Measured live");
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        ts_table_column(table, numbers[i], true);
    }
    return table;
}

static void put_quantile(struct ts_table *table, struct ts_probe_summary *summary, enum ts_probe_latency latency,
                         double p, double scale)
{
    ts_table_num(table, scale * ts_sample_quantile(&summary->latency_s[latency], p), 3);
}

void ts_probe_table_row(struct ts_table *table, const struct ts_probe_point *point, struct ts_probe_summary *summary)
{
    ts_table_row(table);
    ts_table_num(table, point->prompt_tok ? point->prompt_tok : summary->mean_prompt_tok, 5);
    if (point->load.concurrency) {
        ts_table_num(table, point->load.concurrency, 4);
    } else {
        ts_table_put(table, "open loop");
    }
    ts_table_num(table, (double)summary->n, 7);
    ts_table_num(table, (double)summary->n_outcomes[TS_PROBE_DONE], 7);
    ts_table_num(table, summary->requests_per_s, 3);
    ts_table_num(table, summary->output_tok_per_s, 4);
    put_quantile(table, summary, TS_PROBE_TTFT, 0.5, 1e3);
    put_quantile(table, summary, TS_PROBE_TTFT, 0.9, 1e3);
    put_quantile(table, summary, TS_PROBE_TTFT, 0.99, 1e3);
    put_quantile(table, summary, TS_PROBE_TPOT, 0.5, 1e3);
    put_quantile(table, summary, TS_PROBE_TPOT, 0.99, 1e3);
    put_quantile(table, summary, TS_PROBE_ITL, 0.99, 1e3);
    put_quantile(table, summary, TS_PROBE_E2E, 0.5, 1.0);
    put_quantile(table, summary, TS_PROBE_E2E, 0.99, 1.0);
}

/* ---- a row per request ---- */

void ts_probe_csv_header(struct ts_text *out)
{
    ts_text_puts(out, "point,request,concurrency,due_s,sent_s,prompt_tok,output_tok,tokens_counted_by,ttft_s,tpot_s,"
                      "e2e_s,outcome,http_status,tries,message\n");
}

/* As seconds; nothing if negative. */
static void put_ns(struct ts_text *out, int64_t ns)
{
    ts_text_puts(out, ",");
    if (ns >= 0) {
        ts_text_printf(out, "%lld.%09lld", (long long)(ns / 1000000000), (long long)(ns % 1000000000));
    }
}

void ts_probe_csv_rows(struct ts_text *out, size_t point_index, const struct ts_probe_point *point,
                       const struct ts_probe_result *result)
{
    for (size_t i = 0; i < result->n; i++) {
        const struct ts_probe_record *r = &result->records[i];
        const bool any = r->first_ns >= 0;
        const bool done = r->outcome == TS_PROBE_DONE;
        ts_text_printf(out, "%zu,%zu,%u", point_index, i, point->load.concurrency);
        put_ns(out, r->due_ns);
        put_ns(out, r->sent_ns);
        ts_text_printf(out, ",%u,%u,%s", r->prompt_tok, r->output_tok, r->counted ? "server" : "events");
        put_ns(out, any ? r->first_ns - r->due_ns : -1);
        const double tpot_s = ts_probe_tpot_s(r);
        put_ns(out, isnan(tpot_s) ? -1 : (int64_t)(tpot_s * 1e9));
        put_ns(out, done ? r->last_ns - r->due_ns : -1);
        ts_text_printf(out, ",%s,%d,%u", ts_probe_outcome_name(r->outcome), r->http_status, r->n_tries);
        ts_csv_put(out, r->message >= 0 ? result->messages[r->message].text : "", false);
        ts_text_puts(out, "\n");
    }
}

/* ---- JSON ---- */

static void put_aggregates(struct ts_json_writer *json, struct ts_probe_summary *summary)
{
    static const char *const names[TS_N_PROBE_LATENCIES] = {"ttft", "tpot", "itl", "e2el"};
    struct ts_text key;
    ts_text_init(&key);
    for (size_t i = 0; i < TS_N_PROBE_LATENCIES; i++) {
        struct ts_sample *sample = &summary->latency_s[i];
        const double values[] = {ts_sample_mean(sample), ts_sample_quantile(sample, 0.5), ts_sample_sd(sample),
                                 ts_sample_quantile(sample, 0.9), ts_sample_quantile(sample, 0.99)};
        static const char *const stats[] = {"mean", "median", "std", "p90", "p99"};
        for (size_t k = 0; k < sizeof values / sizeof values[0]; k++) {
            ts_text_clear(&key);
            ts_text_printf(&key, "%s_%s_ms", stats[k], names[i]);
            ts_json_member_double(json, key.data, 1e3 * values[k]);
        }
    }
    json->out->failed = json->out->failed || key.failed;
    ts_text_deinit(&key);
}

static double ttft_or_zero(const struct ts_probe_record *r)
{
    return r->first_ns >= 0 ? (double)(r->first_ns - r->due_ns) * 1e-9 : 0.0;
}

static void put_gaps(struct ts_json_writer *json, const struct ts_probe_result *result)
{
    ts_json_key(json, "itls");
    ts_json_begin_array(json);
    for (size_t i = 0; i < result->n; i++) {
        const struct ts_probe_record *r = &result->records[i];
        ts_json_begin_array(json);
        for (uint32_t k = 0; r->outcome == TS_PROBE_DONE && k < r->n_gaps; k++) {
            ts_json_put_double(json, r->gaps_s[k]);
        }
        ts_json_end_array(json);
    }
    ts_json_end_array(json);
}

static void put_errors(struct ts_json_writer *json, const struct ts_probe_result *result)
{
    ts_json_key(json, "errors");
    ts_json_begin_array(json);
    for (size_t i = 0; i < result->n; i++) {
        const struct ts_probe_record *r = &result->records[i];
        ts_json_put_string(json, r->message >= 0 ? result->messages[r->message].text : "");
    }
    ts_json_end_array(json);
}

/* Arrays over all requests, in order; a failed one has output 0 and time 0, as their tool writes it. */
static void put_arrays(struct ts_json_writer *json, const struct ts_probe_result *result)
{
    static const char *const keys[] = {"input_lens", "output_lens", "start_times", "ttfts", "latencies"};
    for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
        ts_json_key(json, keys[k]);
        ts_json_begin_array(json);
        for (size_t i = 0; i < result->n; i++) {
            const struct ts_probe_record *r = &result->records[i];
            const bool done = r->outcome == TS_PROBE_DONE;
            switch (k) {
            case 0:
                ts_json_put_int(json, r->prompt_tok);
                break;
            case 1:
                ts_json_put_int(json, done ? r->output_tok : 0);
                break;
            case 2:
                ts_json_put_double(json, (double)r->due_ns * 1e-9);
                break;
            case 3:
                ts_json_put_double(json, done ? ttft_or_zero(r) : 0.0);
                break;
            default:
                ts_json_put_double(json, done ? (double)(r->last_ns - r->due_ns) * 1e-9 : 0.0);
                break;
            }
        }
        ts_json_end_array(json);
    }
    put_gaps(json, result);
    put_errors(json, result);
}

void ts_probe_json(struct ts_text *out, const struct ts_probe_about *about, const struct ts_probe_point *point,
                   const struct ts_probe_result *result, struct ts_probe_summary *summary)
{
    struct ts_json_writer json;
    ts_json_writer_init(&json, out);
    ts_json_begin_object(&json);
    ts_json_member_string(&json, "date", about->date);
    ts_json_member_string(&json, "backend", about->backend);
    ts_json_member_string(&json, "endpoint", about->url);
    ts_json_member_string(&json, "model_id", about->model);
    ts_json_member_int(&json, "num_prompts", result->n);
    if (about->seed > 0) {
        ts_json_member_int(&json, "seed", about->seed);
    }
    ts_json_key(&json, "request_rate");
    if (point->rate_per_s > 0.0) {
        ts_json_put_double(&json, point->rate_per_s);
    } else {
        ts_json_put_string(&json, "inf");
    }
    ts_json_key(&json, "max_concurrency");
    if (point->load.concurrency) {
        ts_json_put_int(&json, point->load.concurrency);
    } else {
        ts_json_put_string(&json, NULL);
    }
    ts_json_member_double(&json, "duration", result->duration_s);
    ts_json_member_int(&json, "completed", summary->n_outcomes[TS_PROBE_DONE]);
    ts_json_member_int(&json, "failed", summary->n - summary->n_outcomes[TS_PROBE_DONE]);
    ts_json_member_int(&json, "total_input_tokens", summary->prompt_tok);
    ts_json_member_int(&json, "total_output_tokens", summary->output_tok);
    ts_json_member_double(&json, "request_throughput", summary->requests_per_s);
    ts_json_member_double(&json, "output_throughput", summary->output_tok_per_s);
    put_aggregates(&json, summary);
    put_arrays(&json, result);
    ts_json_end_object(&json);
    ts_text_puts(out, "\n");
}
