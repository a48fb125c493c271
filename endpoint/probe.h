/* A load on a live endpoint: sends requests as planned, streams the replies, and notes when each token came.
 *
 * Three kinds of load: a closed loop keeps a number of requests under way, or has users, each of whom sends the next
 * one some time after the reply to the one before; an open loop sends each at its own time, whatever the endpoint does.
 * Latencies count from the time at which a request was due, so a late sender does not make the endpoint look better.
 * What is refused for the time being (429, 500, 502, 503, 504, no connection) is sent again: after Retry-After if the
 * server says so, else after retry_s x 2^k with full jitter; never once a token has come.
 *
 * Every ask ends in exactly one record: n = done + refused + timed out + failed + cancelled (checked). */
#ifndef TS_ENDPOINT_PROBE_H
#define TS_ENDPOINT_PROBE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/progress.h"
#include "endpoint/http.h"
#include "endpoint/openai.h"

enum { TS_PROBE_MAX_ASKS = 1 << 20, TS_PROBE_MAX_MESSAGES = 16, TS_PROBE_MAX_EVENTS = 1 << 20 };

struct ts_probe_ask {
    int64_t due_ns;      /* open loop: since the start of the load; never decreases */
    uint32_t prompt_tok; /* >= 1 */
    uint32_t output_tok; /* >= 1: at most that many */
    int64_t think_ns;    /* with users: so long after the end of the reply before it; of a user's first not used */
};

struct ts_probe_load {
    const struct ts_probe_ask *asks; /* [n] */
    size_t n;
    uint32_t concurrency; /* closed loop with that many under way */
    uint32_t n_users;     /* or with so many users: ask i is of user i % n_users, the first of each is due at 0.
                             Both 0: open loop */
};

enum ts_probe_outcome {
    TS_PROBE_DONE,
    TS_PROBE_REFUSED,   /* 429 or 503 and the like, and no tries left */
    TS_PROBE_TIMED_OUT, /* by the options' patience */
    TS_PROBE_FAILED,    /* another HTTP status, a broken or malformed reply, no connection */
    TS_PROBE_CANCELLED, /* the user interrupted */
    TS_N_PROBE_OUTCOMES
};

/* "done", "refused", "timed out", "failed", "cancelled". */
const char *ts_probe_outcome_name(enum ts_probe_outcome outcome);

struct ts_probe_record {
    uint32_t ask;    /* index into the load */
    uint8_t outcome; /* enum ts_probe_outcome */
    bool counted;    /* output_tok was told by the server; else it is the number of events */
    int http_status; /* of the last try, 0 without one */
    uint32_t n_tries;
    int message;                     /* index into the result's messages, -1: none */
    int64_t due_ns, sent_ns;         /* since the start of the load; sent_ns of the last try, -1: never */
    int64_t first_ns, last_ns;       /* first and last piece of text, -1: none; of a reply that is all hidden, last_ns
                                      * is its end */
    uint32_t prompt_tok, output_tok; /* as told; else as asked, as counted */
    uint32_t hidden_tok;             /* of the output: reasoning that was counted and not shown */
    double *gaps_s;                  /* [n_gaps] between pieces of text */
    uint32_t n_gaps, cap_gaps;
};

struct ts_probe_message {
    char text[TS_OPENAI_ERROR_BYTES];
    uint64_t n;
};

struct ts_probe_result {
    struct ts_probe_record *records; /* [n], in the order of the asks */
    size_t n;
    struct ts_probe_message messages[TS_PROBE_MAX_MESSAGES]; /* what went wrong; the last one gathers the rest */
    size_t n_messages;
    double duration_s; /* from the start to the last reply's end */
    uint64_t n_outcomes[TS_N_PROBE_OUTCOMES];
    uint64_t n_retries;
    uint64_t n_hidden; /* replies done with hidden tokens */
};

struct ts_probe_options {
    struct ts_http_options http;
    char *url; /* whoever made it owns it; http.url may point to it */
    const struct ts_openai_api *api;
    const char *model;
    bool ignore_eos;
    bool plain; /* ask without stream_options */
    uint32_t max_retries;
    double retry_s;
    double words_per_tok; /* of the prompts that we make up; 0: 1 */
    double words_extra;   /* tokens that the server adds to every prompt */
    uint64_t seed;
    struct ts_progress progress;
};

/* Runs the load. TS_OK whatever the endpoint answered: that is in the records. TS_EINTERRUPTED if stopped
 * (*out is complete all the same), TS_EUSAGE for a bad address, TS_ENOMEM, TS_EIO. */
enum ts_status ts_probe_run(struct ts_probe_result *out, const struct ts_probe_load *load,
                            const struct ts_probe_options *options, struct ts_diags *diags);
void ts_probe_result_deinit(struct ts_probe_result *result);

/* Seconds a token after the first one that was shown; NaN with fewer than two of them, or of a reply that is not done.
 */
double ts_probe_tpot_s(const struct ts_probe_record *record);

/* Appends a made-up prompt of that many words, different for every number and seed: nothing that a prefix cache knows.
 */
void ts_probe_prompt(struct ts_text *out, uint32_t n_words, uint64_t seed, uint64_t number);

#endif
