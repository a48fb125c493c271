/* tiersim probe URL: what a live OpenAI-compatible endpoint does under load. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/probe_options.h"
#include "app/progress_line.h"
#include "app/trace_args.h"
#include "base/file.h"
#include "base/run_info.h"
#include "live/probe_report.h"

enum { DEFAULT_OUTPUT_TOK = 64 };

struct probe_args {
    const char *url, *prompts, *concurrency, *trace, *format, *map, *rate, *duration, *out;
    uint32_t output_tok, count; /* 0: as the plan has it */
    struct ts_endpoint_args endpoint;
    bool quiet;
};

static const struct probe_args defaults = {
    .prompts = "128,512", .concurrency = "1,4", .out = "out/probe", .format = "auto", .endpoint = TS_ENDPOINT_DEFAULTS};

static const struct ts_option options[] = {
    {TS_INTO(struct probe_args, url), "URL", "an address, e.g. http://localhost:8080", .operand = TS_NEEDED},
    {"prompts", 0, TS_INTO(struct probe_args, prompts), "LIST", "prompt lengths in tokens", .without = {"trace"}},
    {"concurrency", 0, TS_INTO(struct probe_args, concurrency), "LIST", "requests at once", .without = {"trace"}},
    {"output", 0, TS_INTO(struct probe_args, output_tok), "N",
     "tokens to ask for (default 64); with --trace: at most that many", .range = {1, 1 << 20}},
    {"count", 0, TS_INTO(struct probe_args, count), "N",
     "requests a point (default four times the concurrency, at least 8); with --trace: at most that many",
     .range = {1, TS_PROBE_MAX_ASKS}},
    {"trace", 't', TS_INTO(struct probe_args, trace), "FILE", "send the requests of this trace instead of a grid",
     .reads_stdin = true},
    {"format", 'f', TS_INTO(struct probe_args, format), "NAME", TS_DOC_TRACE_FORMAT, .with = "trace"},
    {"map", 0, TS_INTO(struct probe_args, map), "FIELDS", TS_DOC_TRACE_MAP, .with = "trace"},
    {"rate", 0, TS_INTO(struct probe_args, rate), "FACTOR", "play the trace at this multiple of its speed, e.g. 0.1",
     .with = "trace"},
    {"duration", 0, TS_INTO(struct probe_args, duration), "TIME",
     "play only this part of the trace from its start, e.g. '60 s'", .with = "trace"},
    TS_ENDPOINT_OPTIONS(struct probe_args, endpoint, NULL),
    {"out", 'o', TS_INTO(struct probe_args, out), "FOLDER", "where to write"},
    TS_OPTION_QUIET(struct probe_args, quiet),
};

/* A probe under way: what it has found so far. */
struct session {
    const struct probe_args *args;
    struct ts_probe_options probe;
    struct ts_progress_line line;
    struct ts_probe_plan plan;
    struct ts_table *table;
    struct ts_text csv, json;
    struct ts_arena *arena;
    size_t point; /* the one under way */
    uint64_t n_sent, n_done, n_retries, n_hidden;
    uint32_t seed; /* of the prompts, for --seed */
};

/* ---- the plan ---- */

static enum ts_status plan_trace(struct ts_probe_plan *out, const struct probe_args *args, struct ts_arena *arena,
                                 struct ts_diags *diags)
{
    struct ts_probe_trace trace = {
        .path = args->trace,
        .format = args->format,
        .scale_rate = 1.0,
        .n_requests = args->count ? args->count : TS_PROBE_MAX_ASKS,
        .max_output_tok = args->output_tok,
    };
    if (args->rate && (!ts_parse_double(&trace.scale_rate, args->rate, strlen(args->rate)) ||
                       !(trace.scale_rate > 0.0) || isinf(trace.scale_rate))) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--rate takes a factor above zero, not '%s'",
                       args->rate);
    }
    if (args->duration) {
        const enum ts_status status =
            ts_probe_parse_quantity(&trace.duration_s, "duration", args->duration, "s", diags);
        if (status != TS_OK) {
            return status;
        }
    }
    const enum ts_status status = ts_trace_args_map(&trace.map, args->map, arena, diags);
    return status == TS_OK ? ts_probe_plan_trace(out, &trace, diags) : status;
}

static enum ts_status make_plan(struct ts_probe_plan *out, const struct probe_args *args, struct ts_arena *arena,
                                struct ts_diags *diags)
{
    if (args->trace) {
        return plan_trace(out, args, arena, diags);
    }
    const struct ts_probe_grid grid = {
        .prompts = args->prompts,
        .concurrency = args->concurrency,
        .output_tok = args->output_tok ? args->output_tok : DEFAULT_OUTPUT_TOK,
        .n_requests = args->count,
    };
    return ts_probe_plan_grid(out, &grid, diags);
}

/* ---- the work ---- */

static void print_errors(const struct ts_probe_result *result)
{
    for (size_t i = 0; i < result->n_messages; i++) {
        fprintf(stderr, "%llu x %s\n", (unsigned long long)result->messages[i].n, result->messages[i].text);
    }
}

static enum ts_status run_point(struct session *session, struct ts_diags *diags)
{
    const struct ts_probe_point *point = &session->plan.points[session->point];
    struct ts_probe_result result;
    struct ts_probe_summary summary;
    session->probe.seed++;
    snprintf(session->line.prefix, sizeof session->line.prefix, "point %zu of %zu", session->point + 1,
             session->plan.n_points);
    const enum ts_status run_status = ts_probe_run(&result, &point->load, &session->probe, diags);
    ts_progress_line_end(&session->line);
    if (run_status != TS_OK && run_status != TS_EINTERRUPTED) {
        return run_status;
    }
    enum ts_status status = ts_probe_summarise(&summary, &result);
    if (status == TS_OK) {
        const struct ts_probe_about about = {
            .date = ts_run_info_now(session->arena),
            .model = session->args->endpoint.model,
            .url = session->probe.http.url,
            .backend = session->probe.api->name,
            .seed = session->seed,
        };
        ts_probe_table_row(session->table, point, &summary);
        ts_probe_csv_rows(&session->csv, session->point, point, &result);
        ts_probe_json(&session->json, &about, point, &result, &summary);
        print_errors(&result);
        session->n_sent += summary.n;
        session->n_done += summary.n_outcomes[TS_PROBE_DONE];
        session->n_retries += result.n_retries;
        session->n_hidden += result.n_hidden;
        ts_probe_summary_deinit(&summary);
    }
    ts_probe_result_deinit(&result);
    return status == TS_OK ? run_status : status;
}

static enum ts_status write_text(const char *dir, const char *name, const struct ts_text *text, struct ts_diags *diags)
{
    const enum ts_status status = ts_file_write_text(dir, name, text, diags);
    if (status == TS_OK) {
        printf("%s/%s\n", dir, name);
    }
    return status;
}

static enum ts_status write_results(const struct session *session, struct ts_diags *diags)
{
    const char *dir = session->args->out;
    struct ts_text text;
    ts_text_init(&text);
    enum ts_status status = ts_table_render(session->table, TS_TABLE_TEXT, &text);
    if (status == TS_OK) {
        printf("%s\n%llu of %llu requests done, %llu sent again; prompts of --seed %lu\n", text.data,
               (unsigned long long)session->n_done, (unsigned long long)session->n_sent,
               (unsigned long long)session->n_retries, (unsigned long)session->seed);
        status = ts_mkdirs(dir, diags);
    }
    if (status == TS_OK) {
        status = write_text(dir, "requests.csv", &session->csv, diags);
    }
    if (status == TS_OK) {
        status = write_text(dir, "probe.json", &session->json, diags);
    }
    ts_text_deinit(&text);
    return status;
}

static enum ts_status probe_all(struct session *session, struct ts_diags *diags)
{
    enum ts_status status = ts_probe_try(&session->probe, diags);
    if (status != TS_OK) {
        return status;
    }
    ts_probe_csv_header(&session->csv);
    while (status == TS_OK && session->point < session->plan.n_points) {
        status = run_point(session, diags);
        session->point++;
    }
    if (status == TS_OK || status == TS_EINTERRUPTED) {
        const enum ts_status written = write_results(session, diags);
        status = written == TS_OK ? status : written;
    }
    if (session->n_hidden > 0) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), "switch reasoning off to measure step times",
                     "%llu replies have reasoning that is counted and not shown: their TTFT is that of the first text "
                     "after it, and a reply of reasoning alone has none",
                     (unsigned long long)session->n_hidden);
    }
    if (status == TS_OK && session->n_done == 0) {
        status = ts_fail(diags, TS_EIO, ts_span_none(), NULL, "no request was answered");
    }
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct probe_args *args = untyped;
    struct session session = {.args = args, .arena = arena};
    enum ts_status status = ts_probe_options_read(&session.probe, &session.seed, args->url, &args->endpoint, diags);
    if (status == TS_OK) {
        status = make_plan(&session.plan, args, arena, diags);
    }
    if (status != TS_OK) {
        ts_probe_options_free(&session.probe);
        return status;
    }
    session.line.quiet = args->quiet;
    session.probe.progress = ts_progress_line_of(&session.line);
    ts_text_init(&session.csv);
    ts_text_init(&session.json);
    session.table = ts_probe_table();
    ts_interrupt_arm();
    status = session.table ? probe_all(&session, diags) : TS_ENOMEM;
    ts_table_destroy(session.table);
    ts_text_deinit(&session.csv);
    ts_text_deinit(&session.json);
    ts_probe_plan_deinit(&session.plan);
    ts_probe_options_free(&session.probe);
    return status;
}

const struct ts_command ts_command_probe = {
    .name = "probe",
    .summary = "Measure a live OpenAI-compatible endpoint: TTFT, ITL, tokens/s under load",
    .examples =
        "  tiersim probe http://localhost:8080 --prompts 128,1024 --concurrency 1,4,16\n"
        "  tiersim probe https://api.openai.com --model gpt-4o-mini --key-env OPENAI_API_KEY --count 20\n"
        "  tiersim probe http://localhost:8000 --model my-model --trace conv.csv --rate 0.1 --duration '2 min'\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
