/* tiersim probe URL: what a live OpenAI-compatible endpoint does under load. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/probe_report.h"
#include "app/run_info.h"
#include "app/version.h"
#include "base/file.h"
#include "base/units.h"

enum { DEFAULT_OUTPUT_TOK = 64, DEFAULT_RETRIES = 4, MAX_RETRIES = 20, SHORT_TOK = 64, LONG_TOK = 512 };

static const double default_timeout_s = 300.0;
static const double connect_s = 10.0;
static const double longest_stall_s = 60.0;

/* A probe under way: what it has found so far. */
struct session {
    const struct ts_args *args;
    struct ts_probe_options options;
    struct ts_probe_plan plan;
    struct ts_table *table;
    struct ts_text csv, json;
    struct ts_arena arena;
    size_t point; /* the one under way */
    uint64_t n_sent, n_done, n_retries;
};

/* ---- options ---- */

static enum ts_status parse_time(double *out, const char *option, const char *text, struct ts_diags *diags)
{
    struct ts_text why;
    ts_text_init(&why);
    double value;
    enum ts_status status = TS_OK;
    if (!ts_units_parse(&value, text, "s", &why) || !(value > 0.0)) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--%s: %s", option,
                         why.len > 0 ? why.data : "the time must be above zero");
    } else {
        *out = value;
    }
    ts_text_deinit(&why);
    return status;
}

static enum ts_status read_key(const char **out, const struct ts_args *args, struct ts_diags *diags)
{
    if (!args->key_env) {
        return TS_OK;
    }
    *out = getenv(args->key_env);
    if (!*out || **out == '\0') {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "put the key into that variable, not on the command line",
                       "the environment variable '%s' of --key-env is not set", args->key_env);
    }
    if (ts_http_in_the_clear(args->operands[0])) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), "use https", "the key travels unencrypted to %s",
                     args->operands[0]);
    }
    return TS_OK;
}

static enum ts_status read_options(struct ts_probe_options *out, const struct ts_args *args, struct ts_diags *diags)
{
    const char *api = args->api ? args->api : "chat";
    const char *key = NULL;
    double timeout_s = default_timeout_s;
    if (args->n_operands != 1) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "tiersim probe http://localhost:8080",
                       "probe takes one address");
    }
    enum ts_status status = read_key(&key, args, diags);
    if (status == TS_OK && args->timeout) {
        status = parse_time(&timeout_s, "timeout", args->timeout, diags);
    }
    if (status == TS_OK && args->retries > MAX_RETRIES) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--retries is at most %d", MAX_RETRIES);
    }
    const struct ts_openai_api *row = ts_openai_api_find(api);
    if (status == TS_OK && !row) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--api is %s, not '%s'", ts_openai_api_names(), api);
    }
    if (status != TS_OK) {
        return status;
    }
    *out = (struct ts_probe_options){
        .http = {.key = key,
                 .ca_file = args->ca_file,
                 .connect_s = connect_s,
                 .stall_s = timeout_s < longest_stall_s ? timeout_s : longest_stall_s,
                 .total_s = timeout_s,
                 .agent = "tiersim/" TS_VERSION},
        .api = row,
        .model = args->model,
        .ignore_eos = args->ignore_eos,
        .max_retries = args->retries ? (uint32_t)args->retries : DEFAULT_RETRIES,
        .retry_s = 0.5,
        .seed = 1,
    };
    return TS_OK;
}

static enum ts_status plan_trace(struct ts_probe_plan *out, const struct ts_args *args, struct ts_diags *diags)
{
    struct ts_probe_trace trace = {
        .path = args->trace,
        .format = args->format,
        .scale_rate = 1.0,
        .n_requests = (uint32_t)(args->count < TS_PROBE_MAX_ASKS ? args->count : TS_PROBE_MAX_ASKS),
        .max_output_tok = (uint32_t)args->output_tok,
    };
    if (args->rate && (!ts_parse_double(&trace.scale_rate, args->rate, strlen(args->rate)) ||
                       !(trace.scale_rate > 0.0) || isinf(trace.scale_rate))) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--rate takes a factor above zero, not '%s'",
                       args->rate);
    }
    if (args->duration) {
        const enum ts_status status = parse_time(&trace.duration_s, "duration", args->duration, diags);
        if (status != TS_OK) {
            return status;
        }
    }
    return ts_probe_plan_trace(out, &trace, diags);
}

static enum ts_status make_plan(struct ts_probe_plan *out, const struct ts_args *args, struct ts_diags *diags)
{
    if (args->output_tok > 1 << 20) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--output is at most %d", 1 << 20);
    }
    if (args->trace) {
        return plan_trace(out, args, diags);
    }
    const struct ts_probe_grid grid = {
        .prompts = args->prompts ? args->prompts : "128,512",
        .concurrency = args->concurrency ? args->concurrency : "1,4",
        .output_tok = args->output_tok ? (uint32_t)args->output_tok : DEFAULT_OUTPUT_TOK,
        .n_requests = (uint32_t)(args->count <= TS_PROBE_MAX_ASKS ? args->count : TS_PROBE_MAX_ASKS + 1),
    };
    return ts_probe_plan_grid(out, &grid, diags);
}

/* ---- the work ---- */

static bool on_progress(void *context, size_t n_ended, size_t n, double elapsed_s)
{
    const struct session *session = context;
    if (!session->args->quiet && isatty(STDERR_FILENO)) {
        fprintf(stderr, "\rpoint %zu of %zu: %zu of %zu requests, %.0f s ", session->point + 1, session->plan.n_points,
                n_ended, n, elapsed_s);
    }
    return !ts_interrupt_requested();
}

static void end_progress(const struct session *session)
{
    if (!session->args->quiet && isatty(STDERR_FILENO)) {
        fprintf(stderr, "\r%60s\r", "");
    }
}

/* Two short requests: does it answer, and how many tokens do our words come to? */
static enum ts_status try_endpoint(struct session *session, struct ts_diags *diags)
{
    const struct ts_probe_ask asks[] = {{.prompt_tok = SHORT_TOK, .output_tok = 1},
                                        {.prompt_tok = LONG_TOK, .output_tok = 1}};
    const struct ts_probe_load load = {.asks = asks, .n = 2, .concurrency = 1};
    struct ts_probe_result result;
    enum ts_status status = ts_probe_run(&result, &load, &session->options, diags);
    if (status != TS_OK && status != TS_EINTERRUPTED) {
        return status;
    }
    const struct ts_probe_record *r = result.records;
    if (status == TS_OK && result.n_outcomes[TS_PROBE_DONE] < 2) {
        status = ts_fail(diags, TS_EIO, ts_span_none(), NULL, "%s: %s", session->options.http.url,
                         result.n_messages > 0 ? result.messages[0].text : "no answer");
    } else if (status == TS_OK && r[0].counted && r[1].counted && r[1].prompt_tok > r[0].prompt_tok) {
        const double tok_per_word = (double)(r[1].prompt_tok - r[0].prompt_tok) / (LONG_TOK - SHORT_TOK);
        session->options.words_per_tok = 1.0 / tok_per_word;
        session->options.words_extra = (double)r[0].prompt_tok - tok_per_word * SHORT_TOK;
    } else if (status == TS_OK) {
        ts_diags_add(
            diags, TS_WARNING, ts_span_none(), NULL,
            "the endpoint does not say how many tokens it saw: prompts count a token a word, replies a token an "
            "event");
    }
    ts_probe_result_deinit(&result);
    return status;
}

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
    session->options.seed++;
    const enum ts_status run_status = ts_probe_run(&result, &point->load, &session->options, diags);
    end_progress(session);
    if (run_status != TS_OK && run_status != TS_EINTERRUPTED) {
        return run_status;
    }
    enum ts_status status = ts_probe_summarise(&summary, &result);
    if (status == TS_OK) {
        const struct ts_probe_about about = {
            .date = ts_run_info_now(&session->arena),
            .model = session->args->model,
            .url = session->options.http.url,
            .backend = session->options.api->name,
        };
        ts_probe_table_row(session->table, point, &summary);
        ts_probe_csv_rows(&session->csv, session->point, point, &result);
        ts_probe_json(&session->json, &about, point, &result, &summary);
        print_errors(&result);
        session->n_sent += summary.n;
        session->n_done += summary.n_outcomes[TS_PROBE_DONE];
        session->n_retries += result.n_retries;
        ts_probe_summary_deinit(&summary);
    }
    ts_probe_result_deinit(&result);
    return status == TS_OK ? run_status : status;
}

static enum ts_status write_text(const char *dir, const char *name, const struct ts_text *text, struct ts_diags *diags)
{
    char *path = ts_path_join(dir, name);
    const enum ts_status status = path && !text->failed
                                      ? ts_file_write(path, text->data, text->len, diags)
                                      : ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    if (status == TS_OK) {
        printf("%s\n", path);
    }
    free(path);
    return status;
}

static enum ts_status write_results(const struct session *session, struct ts_diags *diags)
{
    const char *dir = session->args->out ? session->args->out : "out/probe";
    struct ts_text text;
    ts_text_init(&text);
    enum ts_status status = ts_table_render(session->table, TS_TABLE_TEXT, &text);
    if (status == TS_OK) {
        printf("%s\n%llu of %llu requests done, %llu sent again\n", text.data, (unsigned long long)session->n_done,
               (unsigned long long)session->n_sent, (unsigned long long)session->n_retries);
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
    enum ts_status status = try_endpoint(session, diags);
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
    if (status == TS_OK && session->n_done == 0) {
        status = ts_fail(diags, TS_EIO, ts_span_none(), NULL, "no request was answered");
    }
    return status;
}

static enum ts_status run(const struct ts_args *args, struct ts_diags *diags)
{
    struct session session = {.args = args};
    enum ts_status status = read_options(&session.options, args, diags);
    if (status == TS_OK) {
        status = make_plan(&session.plan, args, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    char *url = ts_openai_url(args->operands[0], session.options.api);
    session.options.http.url = url;
    session.options.on_progress = on_progress;
    session.options.context = &session;
    ts_arena_init(&session.arena);
    ts_text_init(&session.csv);
    ts_text_init(&session.json);
    session.table = ts_probe_table();
    ts_interrupt_arm();
    status = url && session.table ? probe_all(&session, diags)
                                  : ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    ts_table_destroy(session.table);
    ts_text_deinit(&session.csv);
    ts_text_deinit(&session.json);
    ts_arena_deinit(&session.arena);
    ts_probe_plan_deinit(&session.plan);
    free(url);
    return status;
}

const struct ts_command ts_command_probe = {
    .name = "probe",
    .bit = TS_CMD_PROBE,
    .usage = "URL [options]",
    .summary = "Measure a live OpenAI-compatible endpoint: TTFT, ITL, tokens/s under load",
    .examples =
        "  tiersim probe http://localhost:8080 --prompts 128,1024 --concurrency 1,4,16\n"
        "  tiersim probe https://api.openai.com --model gpt-4o-mini --key-env OPENAI_API_KEY --count 20\n"
        "  tiersim probe http://localhost:8000 --model my-model --trace conv.csv --rate 0.1 --duration '2 min'\n",
    .run = run,
};
