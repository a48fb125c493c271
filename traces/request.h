/* A request, and a stream of them. Streams hand out requests in order of arrival, one at a time: a trace is never in
 * memory as a whole. */
#ifndef TS_TRACES_REQUEST_H
#define TS_TRACES_REQUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"

enum ts_sensitivity { TS_PUBLIC, TS_INTERNAL, TS_RESTRICTED, TS_N_SENSITIVITIES };

/* "public", "internal", "restricted". */
const char *ts_sensitivity_name(enum ts_sensitivity sensitivity);

/* What a prompt consists of, where that is known: ids of its content, one for every block_tok tokens from its start on;
 * the last may stand for fewer. Two prompts that begin with the same ids begin with the same tokens. What lies beyond
 * the ids is like nothing else. */
struct ts_prefix {
    const uint64_t *ids; /* [n_ids] */
    uint32_t n_ids;      /* 0: nothing is known */
    uint16_t block_tok;  /* >= 1 where n_ids > 0 */
    bool has_reply;      /* the ids go on through the reply, and all stand for block_tok tokens */
};

/* A context that only grows, as a rule that makes its ids: its first shared_tok tokens are those of everybody with that
 * key (a system prompt), the others its own; known_tok of them, prompt and reply, are known. */
struct ts_context {
    uint64_t own_key, shared_key;
    uint32_t shared_tok, known_tok;
};
enum { TS_CONTEXT_BLOCK_TOK = 16 };
/* How many ids that makes, one for every TS_CONTEXT_BLOCK_TOK tokens; and what they are. */
uint32_t ts_context_n_ids(const struct ts_context *context);
void ts_context_ids(uint64_t *ids, const struct ts_context *context);

/* A request's place in its session: a conversation, or an agent's work, of several calls. It begins when the replies of
 * all calls that it waits for are there, and delay_ns after the last of them; and not before arrival_ns. */
struct ts_turn {
    uint64_t session; /* the same for all requests of a session */
    uint64_t key;     /* of this one among all, for those that wait for it; 0: nobody does by that */
    const uint64_t
        *waits; /* [n_waits] keys of requests before it in the stream; of what is not there it does not wait */
    uint32_t n_waits;
    bool follows;              /* it waits for the one before it in its session, too */
    bool is_tool;              /* the delay is that of a tool, or several */
    bool is_new;               /* its prompt does not begin with what the session said before */
    bool is_aside;             /* the same, and the session goes on without what it says: a subagent */
    bool is_last;              /* no request of the session comes after it in the stream */
    int64_t delay_ns;          /* >= 0 */
    struct ts_context context; /* where known_tok > 0, in place of the request's prefix */
};

struct ts_request {
    uint64_t id;                          /* 0, 1, 2 ... in order of arrival */
    int64_t arrival_ns;                   /* since the start of the trace; never decreases */
    uint32_t prompt_tok;                  /* >= 1 */
    uint32_t output_tok;                  /* >= 1: how many tokens the reply will have */
    uint16_t class_id;                    /* index into the workload's classes */
    bool has_class;                       /* the trace names it: it is not drawn */
    bool has_sensitivity, has_difficulty; /* the same */
    uint8_t sensitivity;                  /* enum ts_sensitivity */
    uint8_t priority;           /* of its class, 0..15: a server that schedules by priority serves the higher first */
    float difficulty;           /* z: P(right | tier) = logistic(theta_tier - z) */
    uint32_t user;              /* of a closed loop: who sends it, 1, 2 ...; streams leave it 0 */
    struct ts_prefix prefix;    /* its ids belong to the stream, until the next call */
    const struct ts_turn *turn; /* the same; NULL: it is of no session */
};

struct ts_request_stream;

struct ts_request_stream_ops {
    /* TS_OK with *got = 1 and *out filled, TS_OK with *got = 0 at the end, or an error (with a diagnostic). */
    enum ts_status (*next)(struct ts_request_stream *stream, struct ts_request *out, int *got, struct ts_diags *diags);
    void (*destroy)(struct ts_request_stream *stream);
};

/* Embedded as the first member of every kind of stream. */
struct ts_request_stream {
    const struct ts_request_stream_ops *ops;
};

enum ts_status ts_request_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                               struct ts_diags *diags);
void ts_request_stream_destroy(struct ts_request_stream *stream); /* NULL is fine */

/* A stream over an array (borrowed): for tests. */
enum ts_status ts_request_stream_from_array(struct ts_request_stream **out, const struct ts_request *requests,
                                            uint64_t n);

#endif
