/* The OpenAI-compatible HTTP interface, as llama-server, vLLM, Ollama, LM Studio and the clouds speak it: request
 * bodies out, streamed events in. No network here. */
#ifndef TS_ENDPOINT_OPENAI_H
#define TS_ENDPOINT_OPENAI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/diag.h"
#include "base/text.h"

/* One way to ask for a completion. */
struct ts_openai_api {
    const char *name;        /* "chat", "chat-new", "completions" */
    const char *path;        /* after the base URL: "/chat/completions" */
    const char *limit_field; /* "max_tokens" */
    bool chat;
    const char *doc;
};

/* NULL if there is none of that name. */
const struct ts_openai_api *ts_openai_api_find(const char *name);
/* All of them, "chat, chat-new or completions", for messages. */
const char *ts_openai_api_names(void);

struct ts_openai_ask {
    const char *model; /* NULL: the field is left out */
    const char *prompt;
    uint32_t max_tok;
    bool ignore_eos; /* vLLM, llama-server: reply with exactly max_tok tokens */
    bool plain;      /* without stream_options, which some servers refuse: no usage then, from most */
};

/* Appends the JSON body of a streaming request. */
void ts_openai_body(struct ts_text *out, const struct ts_openai_api *api, const struct ts_openai_ask *ask);

/* The whole URL for a base like "http://localhost:8080" or ".../v1" or the full path itself; free() it. NULL when out
 * of memory. */
char *ts_openai_url(const char *base, const struct ts_openai_api *api);

enum { TS_OPENAI_ERROR_BYTES = 200 };

/* What one event of the stream says. What says nothing (keep-alive: no data, null, a bare word) is an empty event. */
struct ts_openai_event {
    bool done;                         /* "[DONE]" */
    bool has_text;                     /* some of the reply (reasoning counts) */
    bool has_reasoning;                /* that text is reasoning */
    bool finished;                     /* a finish_reason */
    int64_t prompt_tok, output_tok;    /* of the usage field, -1 without one; reasoning is part of the output */
    int64_t reasoning_tok;             /* of them, -1 if it does not say */
    char error[TS_OPENAI_ERROR_BYTES]; /* of the error field, or of a finish_reason like "abort"; "" without one */
    char aside[TS_OPENAI_ERROR_BYTES]; /* what came in place of JSON, "" for nothing */
};

/* TS_EINPUT for an object that is not JSON; *out is then as for an empty event. The key (NULL: none) is hidden in what
 * comes back. */
enum ts_status ts_openai_parse(struct ts_openai_event *out, const char *data, size_t len, const char *key);

/* The message in the body of a refusal, else the beginning of the body; printable, without the key, cut. */
void ts_openai_refusal(char out[TS_OPENAI_ERROR_BYTES], const char *body, size_t len, const char *key);

#endif
