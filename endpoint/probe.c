/* Hides how a load is driven: one loop that sends what is due, waits on the network, and takes what came. A request
 * under way is a flight; a flight between two tries waits in the same place. */
#include "endpoint/probe.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/rng.h"
#include "endpoint/secret.h"
#include "endpoint/sse.h"

enum { HEAD_BYTES = 2048 };

static const double max_pause_s = 60.0;

struct flight {
    bool used, waits; /* waits: for its next try, at again_ns */
    struct ts_probe_record *record;
    const char *key; /* NULL: none */
    struct ts_sse sse;
    struct ts_text head; /* of the reply, for its words where it is no stream */
    int64_t again_ns;
    int64_t now_ns;        /* of the piece under way */
    bool ended;            /* the reply said that it is whole */
    bool reasoned;         /* it showed reasoning */
    int64_t reasoning_tok; /* as told, -1: not */
    char error[TS_OPENAI_ERROR_BYTES];
    char aside[TS_OPENAI_ERROR_BYTES]; /* the last thing that came in place of JSON */
    enum ts_status status;
};

struct probe {
    const struct ts_probe_load *load;
    const struct ts_probe_options *options;
    struct ts_probe_result *result;
    struct ts_http *http;
    struct flight *flights; /* [TS_HTTP_MAX_IN_FLIGHT] */
    uint32_t n_flights;
    size_t n_begun, n_ended;
    size_t *next_of_user; /* [n_users] which ask that is */
    int64_t *user_due_ns; /* [n_users] when each sends the next; INT64_MAX: while under way, and when there is none */
    int64_t start_ns;
    struct ts_rng rng;
    enum ts_status status;
};

const char *ts_probe_outcome_name(enum ts_probe_outcome outcome)
{
    static const char *const names[TS_N_PROBE_OUTCOMES] = {"done", "refused", "timed out", "failed", "cancelled"};
    return names[outcome];
}

/* ---- prompts ---- */

void ts_probe_prompt(struct ts_text *out, uint32_t n_words, uint64_t seed, uint64_t number)
{
    static const char *const words[] = {
        "time",  "water", "house", "light", "people", "river", "paper", "music", "table", "green", "north",
        "story", "field", "night", "stone", "sugar",  "train", "voice", "world", "glass", "heart", "money",
        "ocean", "plant", "queen", "round", "sound",  "teach", "under", "visit", "watch", "young",
    };
    for (uint32_t i = 0; i < n_words; i++) {
        const uint64_t bits = ts_mix64(ts_mix64(ts_mix64(seed) + number) + i);
        ts_text_puts(out, i == 0 ? "" : " ");
        ts_text_puts(out, words[bits % (sizeof words / sizeof words[0])]);
    }
}

static uint32_t words_for(const struct ts_probe_options *options, uint32_t prompt_tok)
{
    const double per_tok = options->words_per_tok > 0.0 ? options->words_per_tok : 1.0;
    const double n = ((double)prompt_tok - options->words_extra) * per_tok;
    return n < 1.0 ? 1 : n > 4e6 ? 4000000 : (uint32_t)(n + 0.5);
}

double ts_probe_tpot_s(const struct ts_probe_record *record)
{
    const uint32_t shown = record->output_tok - record->hidden_tok;
    return record->outcome == TS_PROBE_DONE && record->first_ns >= 0 && shown > 1
               ? (double)(record->last_ns - record->first_ns) * 1e-9 / ((double)shown - 1.0)
               : NAN;
}

/* ---- the end of a request ---- */

static int find_message(struct ts_probe_result *result, const char *text)
{
    size_t i = 0;
    while (i < result->n_messages && strcmp(result->messages[i].text, text) != 0) {
        i++;
    }
    if (i == result->n_messages) {
        const bool full = result->n_messages == TS_PROBE_MAX_MESSAGES;
        i = full ? TS_PROBE_MAX_MESSAGES - 1 : result->n_messages++;
        snprintf(result->messages[i].text, sizeof result->messages[i].text, "%s",
                 i == TS_PROBE_MAX_MESSAGES - 1 ? "other errors" : text);
    }
    result->messages[i].n++;
    return (int)i;
}

/* All that is ever shown or written of what a server said comes through here. */
static int note_message(struct ts_probe_result *result, const char *text, const char *key)
{
    struct ts_text message;
    int index = -1;
    if (text[0] != '\0') {
        char cut[TS_OPENAI_ERROR_BYTES];
        ts_text_init(&message);
        ts_text_puts(&message, text);
        ts_secret_hide(&message, key);
        snprintf(cut, sizeof cut, "%s", message.failed ? "out of memory" : message.data);
        ts_text_deinit(&message);
        index = find_message(result, cut);
    }
    return index;
}

/* After the end of the reply, or of what there was in place of one. */
static void begin_to_think(struct probe *probe, const struct ts_probe_record *record)
{
    const struct ts_probe_load *load = probe->load;
    const size_t next = (size_t)record->ask + load->n_users;
    const bool is_whole = record->outcome == TS_PROBE_DONE && record->last_ns >= 0;
    const int64_t end_ns = is_whole ? record->last_ns : ts_clock_now_ns() - probe->start_ns;
    probe->user_due_ns[record->ask % load->n_users] = next < load->n ? end_ns + load->asks[next].think_ns : INT64_MAX;
}

static void end_flight(struct probe *probe, struct flight *flight, enum ts_probe_outcome outcome, const char *message)
{
    struct ts_probe_record *record = flight->record;
    struct ts_probe_result *result = probe->result;
    record->outcome = (uint8_t)outcome;
    record->message = note_message(result, message, flight->key);
    if (!record->counted) {
        record->output_tok = record->first_ns < 0 ? 0 : record->n_gaps + 1;
    }
    result->n_hidden += outcome == TS_PROBE_DONE && record->hidden_tok > 0;
    result->n_outcomes[outcome]++;
    probe->n_ended++;
    probe->n_flights--;
    flight->used = false;
    if (probe->load->n_users > 0) {
        begin_to_think(probe, record);
    }
    ts_sse_deinit(&flight->sse);
    ts_text_deinit(&flight->head);
}

static bool may_pass(int http_status)
{
    return http_status == 429 || http_status == 500 || (http_status >= 502 && http_status <= 504);
}

/* Sends it again later if that may help; false: it is over. */
static bool try_again(struct probe *probe, struct flight *flight, const struct ts_http_done *done, int64_t now_ns)
{
    const struct ts_probe_options *options = probe->options;
    const uint32_t n_tries = flight->record->n_tries;
    const bool passing = done->end == TS_HTTP_WHOLE ? may_pass(done->http_status)
                                                    : done->end == TS_HTTP_UNREACHED || done->end == TS_HTTP_BROKEN;
    if (!passing || flight->record->first_ns >= 0 || n_tries > options->max_retries) {
        return false;
    }
    const double most_s = ldexp(options->retry_s, (int)(n_tries - 1 < 30 ? n_tries - 1 : 30));
    double pause_s = done->retry_after_s >= 0.0 ? done->retry_after_s : most_s * ts_rng_uniform(&probe->rng);
    pause_s = pause_s < max_pause_s ? pause_s : max_pause_s;
    flight->waits = true;
    flight->again_ns = now_ns + (int64_t)(pause_s * 1e9);
    probe->result->n_retries++;
    return true;
}

/* A whole reply. Usage decides: tokens that were made and not shown are a reply, too. */
static void judge_whole(struct probe *probe, struct flight *flight)
{
    struct ts_probe_record *record = flight->record;
    const bool any = record->first_ns >= 0;
    if (!any && !record->counted) {
        end_flight(probe, flight, TS_PROBE_FAILED, "the reply is empty");
        return;
    }
    if (!any) {
        record->last_ns = flight->now_ns;
        record->hidden_tok = record->output_tok;
    } else if (record->counted && !flight->reasoned && flight->reasoning_tok > 0) {
        const uint32_t hidden = (uint32_t)flight->reasoning_tok;
        record->hidden_tok = hidden < record->output_tok ? hidden : record->output_tok - 1;
    }
    end_flight(probe, flight, TS_PROBE_DONE, "");
}

static void judge_reply(struct probe *probe, struct flight *flight, const struct ts_http_done *done)
{
    char message[2 * TS_OPENAI_ERROR_BYTES];
    char refusal[TS_OPENAI_ERROR_BYTES];
    if (done->http_status != 200) {
        ts_openai_refusal(refusal, flight->head.data, flight->head.len, probe->options->http.key);
        snprintf(message, sizeof message, "HTTP %d: %s", done->http_status, refusal);
        end_flight(probe, flight, may_pass(done->http_status) ? TS_PROBE_REFUSED : TS_PROBE_FAILED, message);
    } else if (flight->error[0] != '\0') {
        end_flight(probe, flight, TS_PROBE_FAILED, flight->error);
    } else if (!flight->ended) {
        const bool any = flight->record->first_ns >= 0;
        const char *words = flight->aside;
        if (!any && words[0] == '\0') {
            ts_openai_refusal(refusal, flight->head.data, flight->head.len, probe->options->http.key);
            words = refusal;
        }
        snprintf(message, sizeof message, "%s%s%s",
                 any ? "the stream broke off before its end" : "the reply is no event stream", words[0] ? ": " : "",
                 words);
        end_flight(probe, flight, TS_PROBE_FAILED, message);
    } else {
        judge_whole(probe, flight);
    }
}

static void on_event(void *context, const char *data, size_t len);

static void on_done(void *context, uint32_t tag, const struct ts_http_done *done, int64_t now_ns)
{
    struct probe *probe = context;
    struct flight *flight = &probe->flights[tag];
    flight->record->http_status = done->http_status;
    if (done->end == TS_HTTP_WHOLE && done->http_status == 200) {
        flight->now_ns = now_ns - probe->start_ns;
        (void)ts_sse_finish(&flight->sse, on_event, flight);
    }
    if (try_again(probe, flight, done, now_ns)) {
        return;
    }
    switch (done->end) {
    case TS_HTTP_WHOLE:
        judge_reply(probe, flight, done);
        return;
    case TS_HTTP_TIMED_OUT:
        end_flight(probe, flight, TS_PROBE_TIMED_OUT, done->message);
        return;
    case TS_HTTP_STOPPED:
        end_flight(probe, flight, TS_PROBE_FAILED, flight->error[0] ? flight->error : "the reply is too long");
        return;
    case TS_HTTP_UNREACHED:
    case TS_HTTP_BROKEN:
        end_flight(probe, flight, TS_PROBE_FAILED, done->message);
        return;
    }
}

/* ---- what comes in ---- */

static void note_text(struct flight *flight)
{
    struct ts_probe_record *record = flight->record;
    if (record->first_ns < 0) {
        record->first_ns = record->last_ns = flight->now_ns;
        return;
    }
    if (record->n_gaps == record->cap_gaps) {
        const uint32_t cap = record->cap_gaps ? 2 * record->cap_gaps : 64;
        double *gaps = record->n_gaps < TS_PROBE_MAX_EVENTS ? realloc(record->gaps_s, cap * sizeof *gaps) : NULL;
        if (!gaps) {
            flight->status = TS_ENOMEM;
            return;
        }
        record->gaps_s = gaps;
        record->cap_gaps = cap;
    }
    record->gaps_s[record->n_gaps++] = (double)(flight->now_ns - record->last_ns) * 1e-9;
    record->last_ns = flight->now_ns;
}

static void on_event(void *context, const char *data, size_t len)
{
    struct flight *flight = context;
    struct ts_probe_record *record = flight->record;
    struct ts_openai_event event;
    if (flight->status != TS_OK || flight->error[0] != '\0') {
        return;
    }
    if (ts_openai_parse(&event, data, len, flight->key) != TS_OK) {
        snprintf(flight->error, sizeof flight->error, "an event of the stream is not the JSON that was expected");
        return;
    }
    memcpy(flight->error, event.error, sizeof flight->error);
    if (event.aside[0] != '\0') {
        memcpy(flight->aside, event.aside, sizeof flight->aside);
    }
    flight->ended = flight->ended || event.done || event.finished;
    flight->reasoned = flight->reasoned || event.has_reasoning;
    if (event.reasoning_tok >= 0) {
        flight->reasoning_tok = event.reasoning_tok;
    }
    if (event.has_text) {
        note_text(flight);
    }
    if (event.prompt_tok > 0) {
        record->prompt_tok = (uint32_t)event.prompt_tok;
    }
    if (event.output_tok > 0) {
        record->output_tok = (uint32_t)event.output_tok;
        record->counted = true;
    }
}

static bool on_data(void *context, uint32_t tag, int http_status, const char *bytes, size_t len, int64_t now_ns)
{
    struct probe *probe = context;
    struct flight *flight = &probe->flights[tag];
    const size_t room = HEAD_BYTES - flight->head.len;
    ts_text_append(&flight->head, bytes, len < room ? len : room);
    if (http_status != 200) {
        return true;
    }
    flight->now_ns = now_ns - probe->start_ns;
    const enum ts_status status = ts_sse_feed(&flight->sse, bytes, len, on_event, flight);
    if (status == TS_EINPUT) {
        snprintf(flight->error, sizeof flight->error, "an event of the stream is longer than %d MiB",
                 TS_SSE_MAX_EVENT_BYTES >> 20);
    } else if (status != TS_OK || flight->status != TS_OK) {
        probe->status = TS_ENOMEM;
        return false;
    }
    return flight->error[0] == '\0';
}

/* ---- what goes out ---- */

static void send_flight(struct probe *probe, struct flight *flight)
{
    const struct ts_probe_options *options = probe->options;
    struct ts_probe_record *record = flight->record;
    const struct ts_probe_ask *ask = &probe->load->asks[record->ask];
    struct ts_text prompt;
    struct ts_text body;
    ts_text_init(&prompt);
    ts_text_init(&body);
    const uint64_t number = record->ask | (uint64_t)record->n_tries << 32; /* a try that failed may be cached */
    ts_probe_prompt(&prompt, words_for(options, ask->prompt_tok), options->seed, number);
    const struct ts_openai_ask wanted = {
        .model = options->model,
        .prompt = prompt.data,
        .max_tok = ask->output_tok,
        .ignore_eos = options->ignore_eos,
        .plain = options->plain,
    };
    ts_openai_body(&body, options->api, &wanted);
    flight->waits = false;
    flight->ended = false;
    flight->reasoned = false;
    flight->reasoning_tok = -1;
    flight->error[0] = flight->aside[0] = '\0';
    ts_text_clear(&flight->head);
    ts_sse_deinit(&flight->sse);
    ts_sse_init(&flight->sse);
    record->n_tries++;
    record->sent_ns = ts_clock_now_ns() - probe->start_ns;
    const uint32_t tag = (uint32_t)(flight - probe->flights);
    const enum ts_status status =
        prompt.failed || body.failed ? TS_ENOMEM : ts_http_post(probe->http, tag, body.data, body.len);
    if (status != TS_OK) {
        probe->status = status;
    }
    ts_text_deinit(&prompt);
    ts_text_deinit(&body);
}

static void begin(struct probe *probe, size_t ask, int64_t due_ns)
{
    probe->n_begun++;
    struct flight *flight = probe->flights;
    while (flight->used) {
        flight++;
    }
    *flight = (struct flight){.used = true, .record = &probe->result->records[ask], .key = probe->options->http.key};
    ts_sse_init(&flight->sse);
    ts_text_init(&flight->head);
    flight->record->due_ns = due_ns;
    probe->n_flights++;
    send_flight(probe, flight);
}

/* What users send; returns when the next of them does, since the start. */
static int64_t send_of_users(struct probe *probe, int64_t now_ns)
{
    int64_t next_ns = INT64_MAX;
    for (uint32_t user = 0; user < probe->load->n_users && probe->status == TS_OK; user++) {
        const int64_t due_ns = probe->user_due_ns[user];
        if (due_ns <= now_ns) {
            probe->user_due_ns[user] = INT64_MAX;
            begin(probe, probe->next_of_user[user], due_ns);
            probe->next_of_user[user] += probe->load->n_users;
        } else {
            next_ns = due_ns < next_ns ? due_ns : next_ns;
        }
    }
    return next_ns;
}

/* Sends what is due; returns when the next thing is due. */
static int64_t send_due(struct probe *probe)
{
    const struct ts_probe_load *load = probe->load;
    const uint32_t most = load->concurrency ? load->concurrency : TS_HTTP_MAX_IN_FLIGHT;
    int64_t next_ns = INT64_MAX;
    for (uint32_t i = 0, n = 0; n < probe->n_flights && i < TS_HTTP_MAX_IN_FLIGHT; i++) {
        struct flight *flight = &probe->flights[i];
        n += flight->used;
        if (flight->used && flight->waits) {
            if (flight->again_ns <= ts_clock_now_ns()) {
                send_flight(probe, flight);
            } else {
                next_ns = flight->again_ns < next_ns ? flight->again_ns : next_ns;
            }
        }
    }
    if (load->n_users > 0) {
        const int64_t due_ns = send_of_users(probe, ts_clock_now_ns() - probe->start_ns);
        return due_ns < INT64_MAX && due_ns + probe->start_ns < next_ns ? due_ns + probe->start_ns : next_ns;
    }
    while (probe->status == TS_OK && probe->n_begun < load->n && probe->n_flights < most) {
        const int64_t now_ns = ts_clock_now_ns() - probe->start_ns;
        const int64_t due_ns = load->concurrency ? now_ns : load->asks[probe->n_begun].due_ns;
        if (due_ns > now_ns) {
            return due_ns + probe->start_ns < next_ns ? due_ns + probe->start_ns : next_ns;
        }
        begin(probe, probe->n_begun, due_ns);
    }
    return next_ns;
}

/* ---- the loop ---- */

static void cancel_rest(struct probe *probe)
{
    for (uint32_t i = 0; i < TS_HTTP_MAX_IN_FLIGHT; i++) {
        if (probe->flights[i].used) {
            end_flight(probe, &probe->flights[i], TS_PROBE_CANCELLED, "");
        }
    }
    for (size_t i = 0; i < probe->load->n; i++) {
        struct ts_probe_record *record = &probe->result->records[i];
        if (record->n_tries == 0) {
            record->outcome = TS_PROBE_CANCELLED;
            probe->result->n_outcomes[TS_PROBE_CANCELLED]++;
            probe->n_begun++;
            probe->n_ended++;
        }
    }
}

static void drive(struct probe *probe)
{
    probe->start_ns = ts_clock_now_ns();
    while (probe->status == TS_OK && probe->n_ended < probe->load->n) {
        const int64_t next_ns = send_due(probe);
        const struct ts_progress_state state = {.what = "requests",
                                                .done = (double)probe->n_ended,
                                                .total = (double)probe->load->n,
                                                .elapsed_s = (double)(ts_clock_now_ns() - probe->start_ns) * 1e-9,
                                                .left_s = NAN};
        if (!ts_progress_go_on(&probe->options->progress, &state)) {
            probe->status = TS_EINTERRUPTED;
        } else if (probe->status == TS_OK && probe->n_ended < probe->load->n) {
            probe->status = ts_http_wait(probe->http, next_ns);
        }
    }
    cancel_rest(probe);
    probe->result->duration_s = (double)(ts_clock_now_ns() - probe->start_ns) * 1e-9;
}

static enum ts_status init_result(struct ts_probe_result *result, const struct ts_probe_load *load)
{
    *result = (struct ts_probe_result){.n = load->n};
    result->records = calloc(load->n ? load->n : 1, sizeof *result->records);
    if (!result->records) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < load->n; i++) {
        result->records[i] = (struct ts_probe_record){
            .ask = (uint32_t)i,
            .message = -1,
            .due_ns = load->asks[i].due_ns,
            .sent_ns = -1,
            .first_ns = -1,
            .last_ns = -1,
            .prompt_tok = load->asks[i].prompt_tok,
        };
    }
    return TS_OK;
}

void ts_probe_result_deinit(struct ts_probe_result *result)
{
    for (size_t i = 0; i < result->n; i++) {
        free(result->records[i].gaps_s);
    }
    free(result->records);
    *result = (struct ts_probe_result){0};
}

enum ts_status ts_probe_run(struct ts_probe_result *out, const struct ts_probe_load *load,
                            const struct ts_probe_options *options, struct ts_diags *diags)
{
    struct ts_probe_result result;
    struct probe probe = {.load = load, .options = options, .result = &result};
    const struct ts_http_handler handler = {.on_data = on_data, .on_done = on_done, .context = &probe};
    TS_CHECK(load->n <= TS_PROBE_MAX_ASKS && load->concurrency <= TS_HTTP_MAX_IN_FLIGHT &&
             load->n_users <= TS_HTTP_MAX_IN_FLIGHT);
    enum ts_status status = init_result(&result, load);
    probe.flights = calloc(TS_HTTP_MAX_IN_FLIGHT, sizeof *probe.flights);
    probe.next_of_user = calloc(load->n_users + 1, sizeof *probe.next_of_user);
    probe.user_due_ns = calloc(load->n_users + 1, sizeof *probe.user_due_ns);
    for (uint32_t user = 0; probe.next_of_user && probe.user_due_ns && user < load->n_users; user++) {
        probe.next_of_user[user] = user;
        probe.user_due_ns[user] = user < load->n ? 0 : INT64_MAX;
    }
    if (status != TS_OK || !probe.flights || !probe.next_of_user || !probe.user_due_ns) {
        status = ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
        goto cleanup;
    }
    ts_rng_init(&probe.rng, options->seed, 0, 0, 0);
    status = ts_http_create(&probe.http, &options->http, &handler, diags);
    if (status != TS_OK) {
        goto cleanup;
    }
    drive(&probe);
    status = probe.status;
    TS_CHECK(probe.n_ended == load->n);
cleanup:
    ts_http_destroy(probe.http);
    free(probe.flights);
    free(probe.next_of_user);
    free(probe.user_due_ns);
    if (status == TS_OK || status == TS_EINTERRUPTED) {
        *out = result;
    } else {
        ts_probe_result_deinit(&result);
    }
    return status;
}
