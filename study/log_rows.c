/* Hides how rows of a log become requests: a row needs the tokens of prompt and reply, when the request came, and when
 * its last token did, as a time or as a duration; when the first came is better known, too.
 *
 *   LiteLLM spend log    startTime, completionStartTime, endTime; status, cache_hit
 *   vLLM's statistics    arrival_time by the wall clock; queued_ts, first_token_ts and last_token_ts by another one:
 * the distance is that of the request which was queued soonest after its arrival tiersim              arrival_s or
 * due_s, ttft_s, e2e_s; outcome spans                startTimeUnixNano, endTimeUnixNano
 *
 * Where a gateway had the whole reply at once it writes the same time for the first token as for the last: then the
 * first is not known. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "study/log_read.h"
#include "traces/trace_format.h"

enum column { PROMPT, OUTPUT, START, QUEUED, FIRST, END, TTFT, LATENCY, STATUS, CACHED, RUN, WHOSE, N_COLUMNS };
enum { MAX_RUNS = 4096, MAX_TOK = 10000000 };

static const char *const names[N_COLUMNS] = {
    [PROMPT] = "prompt_tokens|prompt_tok|input_tokens|input_toks|usage.prompt_tokens|usage.input_tokens|"
               "gen_ai.usage.input_tokens|gen_ai.usage.prompt_tokens|num_prompt_tokens|input_length",
    [OUTPUT] = "completion_tokens|output_tok|output_tokens|output_toks|usage.completion_tokens|usage.output_tokens|"
               "gen_ai.usage.output_tokens|gen_ai.usage.completion_tokens|num_generation_tokens|output_length",
    [START] = "startTime|start_time|arrival_time|arrival_s|due_s|startTimeUnixNano|start_time_unix_nano|request_start|"
              "started_at|created_at|timestamp",
    [QUEUED] = "queued_ts",
    [FIRST] = "completionStartTime|completion_start_time|first_token_ts|first_token_time|first_token_at",
    [END] = "endTime|end_time|last_token_ts|last_token_time|endTimeUnixNano|end_time_unix_nano|ended_at|finished_at",
    [TTFT] = "ttft_s|ttft_ms|ttft|time_to_first_token_s|time_to_first_token_ms|time_to_first_token",
    [LATENCY] = "e2e_s|e2e_ms|latency_s|latency_ms|e2e|latency|request_latency|duration_ms|duration_s",
    [STATUS] = "status|outcome|status_code",
    [CACHED] = "cache_hit",
    [RUN] = "point|replication",
    [WHOSE] = "model_group|model|model_id|gen_ai.request.model|tier",
};

struct rows {
    struct ts_log *log;
    const char *path;
    struct ts_diags *diags;
    struct ts_trace_container *container;
    int slots[N_COLUMNS];
    struct ts_trace_clock clocks[N_COLUMNS];
    bool any;                    /* clocks know their columns */
    double origin_s, distance_s; /* of the first start; wall clock less the other one */
    struct {
        double queued_s, arrival_s;
    } * on; /* [n] of the requests from `first` on, where there are two clocks */
    size_t first, n_on;
    size_t n_times, n_whole; /* of their last tokens, and of these at whole seconds */
};

static struct ts_trace_cell cell_of(const struct rows *r, enum column column)
{
    struct ts_trace_cell cell = {.kind = TS_CELL_NONE};
    if (r->slots[column] >= 0) {
        r->container->ops->cell(r->container, (size_t)r->slots[column], &cell);
    }
    return cell;
}

static bool is_word(const struct ts_trace_cell *cell, const char *const *words)
{
    bool found = false;
    for (size_t i = 0; words[i] && !found; i++) {
        found = cell->kind == TS_CELL_TEXT && ts_trace_name_is(cell->text, cell->len, words[i]);
    }
    return found;
}

static uint32_t tokens_of(const struct rows *r, enum column column)
{
    const struct ts_trace_cell cell = cell_of(r, column);
    double value = cell.kind == TS_CELL_INT || cell.kind == TS_CELL_REAL ? cell.real : 0.0;
    if (cell.kind == TS_CELL_TEXT && !ts_parse_double(&value, cell.text, cell.len)) {
        value = 0.0;
    }
    return value >= 1.0 && value <= MAX_TOK ? (uint32_t)value : 0;
}

/* Requests of one server are asked for: what the rows name, if they do, is the same in all. */
static enum ts_status check_whose(struct rows *r)
{
    const struct ts_trace_cell cell = cell_of(r, WHOSE);
    char *name = r->log->model;
    if (cell.kind != TS_CELL_TEXT || cell.len == 0 || cell.len >= sizeof r->log->model) {
        return TS_OK;
    }
    if (!*name) {
        memcpy(name, cell.text, cell.len);
        return TS_OK;
    }
    return strlen(name) == cell.len && memcmp(name, cell.text, cell.len) == 0
               ? TS_OK
               : ts_fail(r->diags, TS_EINPUT, (struct ts_span){.file = r->path, .line = r->container->line},
                         "keep the rows of the one that the tier is", "the log is of several: '%.*s' here, '%s' before",
                         (int)cell.len, cell.text, name);
}

/* Seconds; NAN where there are none. A time is since the first one read of its kind, lest digits get lost. */
static double time_of(struct rows *r, enum column column, bool is_duration)
{
    const struct ts_trace_cell cell = cell_of(r, column);
    int64_t ns = 0;
    if (cell.kind == TS_CELL_NONE || !ts_trace_clock_read(&ns, &r->clocks[column], &cell)) {
        return NAN;
    }
    return is_duration ? 1e-9 * (double)ns : 1e-9 * (double)ns - r->origin_s;
}

static void name_clocks(struct rows *r)
{
    for (int c = START; c <= LATENCY; c++) {
        if (r->slots[c] >= 0) {
            const char *name = r->container->ops->name(r->container, (size_t)r->slots[c]);
            const bool seconds = r->slots[QUEUED] >= 0 || (c >= TTFT && !strstr(name, "_ms"));
            ts_trace_clock_init(&r->clocks[c], seconds ? 1.0 : 0.0, NULL);
            ts_trace_clock_name(&r->clocks[c], name);
        }
    }
    r->any = true;
}

/* Why a row is no request that was served; NULL: it is one. */
static const char *read_row(struct ts_log_request *out, struct rows *r)
{
    static const char *const failed[] = {"failure",  "failed",    "fail",      "error",      "refused",
                                         "rejected", "timed-out", "timed_out", "unfinished", NULL};
    static const char *const yes[] = {"true", "yes", "1", NULL};
    const struct ts_trace_cell status = cell_of(r, STATUS), cached = cell_of(r, CACHED);
    if (is_word(&status, failed)) {
        return "the request failed";
    }
    if (is_word(&cached, yes)) {
        return "a gateway answered out of its own cache";
    }
    *out = (struct ts_log_request){.prompt_tok = tokens_of(r, PROMPT), .output_tok = tokens_of(r, OUTPUT)};
    if (out->prompt_tok == 0 || out->output_tok == 0) {
        return "no prompt tokens, or no output tokens";
    }
    out->start_s = time_of(r, START, false);
    const bool two_clocks = r->slots[QUEUED] >= 0;
    const double from_s = two_clocks ? time_of(r, QUEUED, false) : out->start_s;
    const double first_s = time_of(r, FIRST, false), end_s = time_of(r, END, false);
    out->ttft_s = r->slots[TTFT] >= 0 ? time_of(r, TTFT, true) : first_s - from_s;
    out->latency_s = r->slots[LATENCY] >= 0 ? time_of(r, LATENCY, true) : end_s - from_s;
    r->n_times += !isnan(end_s) && r->slots[LATENCY] < 0;
    r->n_whole += r->slots[LATENCY] < 0 && fabs(end_s + r->origin_s - round(end_s + r->origin_s)) < 1e-6;
    if (isnan(out->start_s) || isnan(from_s) || !(out->latency_s > 0.0)) {
        return "no time of its start, or of its last token";
    }
    if (out->output_tok > 1 && (!(out->ttft_s > 0.0) || out->ttft_s >= out->latency_s)) {
        out->ttft_s = NAN; /* written as a whole reply has it */
    }
    const struct ts_trace_cell run = cell_of(r, RUN);
    double number = 0.0;
    if (run.kind == TS_CELL_TEXT && ts_parse_double(&number, run.text, run.len) && number >= 0.0 && number < MAX_RUNS) {
        out->run = (uint32_t)number;
    }
    return NULL;
}

/* The first row shows which clock stands where; times are counted from its start. */
static void note_origin(struct rows *r)
{
    int64_t ns = 0;
    const struct ts_trace_cell cell = cell_of(r, START);
    name_clocks(r);
    if (r->slots[QUEUED] < 0 && cell.kind != TS_CELL_NONE && ts_trace_clock_read(&ns, &r->clocks[START], &cell)) {
        r->origin_s = 1e-9 * (double)ns;
    }
}

/* With two clocks: by how much a request waited before it was queued, over the one that waited least. */
static enum ts_status note_clocks(struct rows *r, double arrival_s, double queued_s)
{
    void *moved = realloc(r->on, (r->n_on + 1) * sizeof *r->on);
    if (!moved) {
        return TS_ENOMEM;
    }
    r->on = moved;
    r->on[r->n_on].arrival_s = arrival_s;
    r->on[r->n_on++].queued_s = queued_s;
    r->distance_s = r->n_on == 1 ? arrival_s - queued_s : fmax(r->distance_s, arrival_s - queued_s);
    return TS_OK;
}

static void join_clocks(const struct rows *r)
{
    for (size_t i = 0; i < r->n_on; i++) {
        struct ts_log_request *request = &r->log->requests[r->first + i];
        const double before_s = r->on[i].queued_s - (r->on[i].arrival_s - r->distance_s);
        request->start_s = r->on[i].arrival_s - r->distance_s;
        request->ttft_s += before_s;
        request->latency_s += before_s;
    }
}

static enum ts_status take_row(struct rows *r)
{
    struct ts_log_request request;
    if (!r->any) {
        note_origin(r);
    }
    r->log->n_rows++;
    const char *why = read_row(&request, r);
    if (why) {
        ts_log_drop(r->log, r->container->line, why);
        return TS_OK;
    }
    request.run += r->log->n_runs;
    enum ts_status status = check_whose(r);
    status = status != TS_OK ? status : ts_log_add(r->log, &request, r->path, r->diags);
    if (status == TS_OK && r->slots[QUEUED] >= 0) {
        status = note_clocks(r, time_of(r, START, false), time_of(r, QUEUED, false));
    }
    return status;
}

static enum ts_status check_columns(const struct rows *r)
{
    static const struct {
        enum column one, other;
        const char *what;
    } needed[] = {{PROMPT, PROMPT, "prompt tokens (prompt_tokens)"},
                  {OUTPUT, OUTPUT, "output tokens (completion_tokens)"},
                  {START, START, "the time of the request (startTime)"},
                  {END, LATENCY, "the time of the last token (endTime, or latency_s)"}};
    for (size_t i = 0; i < sizeof needed / sizeof needed[0]; i++) {
        if (r->slots[needed[i].one] < 0 && r->slots[needed[i].other] < 0) {
            return ts_fail(r->diags, TS_EINPUT, ts_span_file(r->path),
                           "known: result files of vllm bench serve --save-detailed, guidellm and aiperf "
                           "(profile_export.jsonl); spend logs of "
                           "LiteLLM; requests.csv of tiersim probe",
                           "no log of requests: there is no column for %s", needed[i].what);
        }
    }
    return TS_OK;
}

static enum ts_status read_all(struct rows *r)
{
    bool got = true;
    enum ts_status status = TS_OK;
    if (r->container->has_header) {
        for (int c = 0; c < N_COLUMNS; c++) {
            r->slots[c] = r->container->ops->find(r->container, names[c], false);
        }
        status = check_columns(r);
    }
    while (status == TS_OK) {
        status = r->container->ops->next(r->container, &got, r->diags);
        if (status != TS_OK || !got) {
            break;
        }
        if (!r->any && !r->container->has_header) {
            for (int c = 0; c < N_COLUMNS; c++) {
                r->slots[c] = r->container->ops->find(r->container, names[c], false);
            }
            status = check_columns(r);
        }
        status = status == TS_OK ? take_row(r) : status;
    }
    return status;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Half of the requests take longer for a token. */
static double median_token_s(const struct rows *r)
{
    const size_t n = r->log->n - r->first;
    double *times = n > 0 ? malloc(n * sizeof *times) : NULL;
    for (size_t i = 0; times && i < n; i++) {
        const struct ts_log_request *request = &r->log->requests[r->first + i];
        times[i] = request->latency_s / request->output_tok;
    }
    if (times) {
        qsort(times, n, sizeof *times, by_size);
    }
    const double median = times ? times[n / 2] : 0.0;
    free(times);
    return median;
}

/* Times that cannot be what they are read as: whole seconds, and milliseconds in a column that names no unit. */
static enum ts_status check_times(const struct rows *r)
{
    static const char *const unitless[] = {"ttft", "e2e", "latency", "request_latency", "time_to_first_token"};
    static const double slow_s = 2.0;
    if (r->n_times >= 10 && r->n_whole == r->n_times) {
        return ts_fail(r->diags, TS_EINPUT, ts_span_file(r->path), "write them with milliseconds",
                       "all requests end at whole seconds: too coarse for step times");
    }
    for (int column = TTFT; column <= LATENCY; column++) {
        const char *name = r->slots[column] >= 0 ? r->container->ops->name(r->container, (size_t)r->slots[column]) : "";
        for (size_t i = 0; i < sizeof unitless / sizeof unitless[0]; i++) {
            if (ts_trace_name_is(name, strlen(name), unitless[i]) && median_token_s(r) > slow_s) {
                return ts_fail(r->diags, TS_EINPUT, (struct ts_span){.file = r->path, .line = 1},
                               ts_str_equal(unitless[i], "ttft") ? "call it ttft_ms, or ttft_s if it is seconds"
                                                                 : "call it latency_ms, or latency_s if it is seconds",
                               "column '%s' names no unit: in seconds half of the requests take %.3g s and more for "
                               "each token",
                               name, median_token_s(r));
            }
        }
    }
    return TS_OK;
}

static enum ts_status open_container(struct rows *r)
{
    struct ts_trace_head head = {.data = NULL};
    enum ts_status status = ts_trace_head_read(&head, r->path, r->diags);
    size_t len = 0;
    uint32_t at = 0;
    const char *line = status == TS_OK ? ts_trace_head_line(&head, &len, &at) : NULL;
    if (status == TS_OK && len == 0) {
        status = ts_fail(r->diags, TS_EINPUT, ts_span_file(r->path), NULL, "the file is blank");
    } else if (status == TS_OK && (line[0] == '{' || line[0] == '[')) {
        status = ts_trace_json_open(&r->container, r->path, line[0] == '{' && ts_trace_head_is_object(line, len), NULL,
                                    r->diags);
    } else if (status == TS_OK) {
        status = ts_trace_csv_open(&r->container, r->path, ts_trace_head_separator(line, len), 0, NULL, r->diags);
    }
    free(head.data);
    return status;
}

enum ts_status ts_log_rows(struct ts_log *log, const char *path, struct ts_diags *diags)
{
    struct rows r = {.log = log, .path = path, .diags = diags, .first = log->n};
    enum ts_status status = open_container(&r);
    if (status != TS_OK) {
        return status;
    }
    status = read_all(&r);
    status = status == TS_OK ? check_times(&r) : status;
    r.container->ops->close(r.container);
    if (status == TS_OK && r.n_on > 0) {
        join_clocks(&r);
    }
    free(r.on);
    uint32_t last = log->n_runs;
    for (size_t i = r.first; i < log->n; i++) {
        last = log->requests[i].run > last ? log->requests[i].run : last;
    }
    log->n_runs = last + 1;
    return status;
}
