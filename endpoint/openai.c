/* Hides the field names of the interface. A row a way to ask: newer models of OpenAI want max_completion_tokens where
 * everybody else knows max_tokens. */
#include "endpoint/openai.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "endpoint/secret.h"

static const struct ts_openai_api apis[] = {
    {"chat", "/chat/completions", "max_tokens", true, "most servers"},
    {"chat-new", "/chat/completions", "max_completion_tokens", true, "OpenAI's models since o1"},
    {"completions", "/completions", "max_tokens", false, "a bare prompt, without a chat template"},
};

enum { N_APIS = sizeof apis / sizeof apis[0], LOOKED_AT_BYTES = 2048, MAX_CHUNK_DEPTH = 4 };

const struct ts_openai_api *ts_openai_api_find(const char *name)
{
    for (size_t i = 0; i < N_APIS; i++) {
        if (ts_str_equal(apis[i].name, name)) {
            return &apis[i];
        }
    }
    return NULL;
}

const char *ts_openai_api_names(void)
{
    return "chat, chat-new or completions";
}

/* ---- out ---- */

static void put_field(struct ts_json_writer *json, const char *key, const char *value)
{
    ts_json_key(json, key);
    ts_json_put_string(json, value);
}

static void put_prompt(struct ts_json_writer *json, const struct ts_openai_api *api, const char *prompt)
{
    if (!api->chat) {
        put_field(json, "prompt", prompt);
        return;
    }
    ts_json_key(json, "messages");
    ts_json_begin_array(json);
    ts_json_begin_object(json);
    put_field(json, "role", "user");
    put_field(json, "content", prompt);
    ts_json_end_object(json);
    ts_json_end_array(json);
}

void ts_openai_body(struct ts_text *out, const struct ts_openai_api *api, const struct ts_openai_ask *ask)
{
    struct ts_json_writer json;
    ts_json_writer_init(&json, out);
    ts_json_begin_object(&json);
    if (ask->model) {
        put_field(&json, "model", ask->model);
    }
    put_prompt(&json, api, ask->prompt);
    ts_json_key(&json, api->limit_field);
    ts_json_put_int(&json, ask->max_tok);
    if (ask->ignore_eos) {
        ts_json_key(&json, "ignore_eos");
        ts_json_put_bool(&json, true);
    }
    ts_json_key(&json, "stream");
    ts_json_put_bool(&json, true);
    if (!ask->plain) {
        ts_json_key(&json, "stream_options");
        ts_json_begin_object(&json);
        ts_json_key(&json, "include_usage");
        ts_json_put_bool(&json, true);
        ts_json_end_object(&json);
    }
    ts_json_end_object(&json);
}

char *ts_openai_url(const char *base, const struct ts_openai_api *api)
{
    struct ts_text url;
    ts_text_init(&url);
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/') {
        len--;
    }
    ts_text_append(&url, base, len);
    if (!ts_str_has_suffix(url.data, api->path)) {
        const char *host = strstr(url.data, "://");
        const bool has_path = strchr(host ? host + 3 : url.data, '/') != NULL;
        ts_text_puts(&url, has_path ? "" : "/v1");
        ts_text_puts(&url, api->path);
    }
    char *copy = url.failed ? NULL : malloc(url.len + 1);
    if (copy) {
        memcpy(copy, url.data, url.len + 1);
    }
    ts_text_deinit(&url);
    return copy;
}

/* ---- in ---- */

/* Appends what is printable, on one line: no control characters, not those of two bytes (U+0080 to U+009F) either. */
static void put_printable(struct ts_text *out, const char *text, size_t len)
{
    for (size_t i = 0; i < len && out->len < LOOKED_AT_BYTES; i++) {
        const unsigned char c = (unsigned char)text[i];
        if (c == 0xc2 && i + 1 < len && ((unsigned char)text[i + 1] & 0xe0) == 0x80) {
            i++;
        } else if (c >= 0x20 && c != 0x7f) {
            ts_text_append(out, text + i, 1);
        } else if (isspace(c) && out->len > 0 && out->data[out->len - 1] != ' ') {
            ts_text_append(out, " ", 1);
        }
    }
}

/* Cut at the buffer's end; before that, the key is hidden: a part of it must not be left there. */
static void put_message(char out[TS_OPENAI_ERROR_BYTES], const char *text, size_t len, const char *key)
{
    struct ts_text message;
    ts_text_init(&message);
    put_printable(&message, text, len);
    ts_secret_hide(&message, key);
    snprintf(out, TS_OPENAI_ERROR_BYTES, "%s", message.failed ? "out of memory" : message.data);
    ts_text_deinit(&message);
}

static bool has_string(const struct ts_json *object, const char *key)
{
    const char *text = ts_json_string(ts_json_get(object, key));
    return text && text[0] != '\0';
}

/* Text of a field: a string, or a list of chunks, {"type": "text", "text": "..."} and {"type": "thinking", "thinking":
 * [chunks]}, as Mistral streams them. */
static bool has_words(const struct ts_json *value, bool *reasoning, int depth)
{
    static const char *const plain[] = {"text", "content", "refusal", "summary"};
    static const char *const thought[] = {"thinking", "reasoning", "reasoning_content"};
    const char *text = ts_json_string(value);
    bool any = text && text[0] != '\0';
    for (size_t i = 0; !any && depth < MAX_CHUNK_DEPTH && i < ts_json_length(value); i++) {
        any = has_words(ts_json_at(value, i), reasoning, depth + 1);
    }
    for (size_t i = 0; !any && depth < MAX_CHUNK_DEPTH && i < sizeof plain / sizeof plain[0]; i++) {
        any = has_words(ts_json_get(value, plain[i]), reasoning, depth + 1);
    }
    for (size_t i = 0; !any && depth < MAX_CHUNK_DEPTH && i < sizeof thought / sizeof thought[0]; i++) {
        any = has_words(ts_json_get(value, thought[i]), reasoning, depth + 1);
        *reasoning = *reasoning || any;
    }
    return any;
}

static bool has_call(const struct ts_json *delta)
{
    return ts_json_length(ts_json_get(delta, "tool_calls")) > 0 ||
           ts_json_is_object(ts_json_get(delta, "function_call"));
}

/* A reply that its server gave up: not one that is over. */
static bool is_given_up(const char *reason)
{
    static const char *const beginnings[] = {"abort",     "error",        "cancel",       "fail",    "timeout",
                                             "interrupt", "insufficient", "server_error", "internal"};
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (strncasecmp(reason, beginnings[i], strlen(beginnings[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void read_finish(struct ts_openai_event *out, const struct ts_json *choice, const char *key)
{
    const struct ts_json *finish = ts_json_get(choice, "finish_reason");
    const char *reason = ts_json_string(ts_json_is_object(finish) ? ts_json_get(finish, "type") : finish);
    out->finished = reason && reason[0] != '\0';
    if (out->finished && out->error[0] == '\0' && is_given_up(reason)) {
        struct ts_text words;
        ts_text_init(&words);
        ts_text_printf(&words, "the server aborted the reply: finish_reason '%s'", reason);
        put_message(out->error, words.data, words.len, key);
        ts_text_deinit(&words);
    }
}

static void read_choice(struct ts_openai_event *out, const struct ts_json *choice, const char *key)
{
    static const char *const thought[] = {"reasoning_content", "reasoning", "reasoning_details", "thinking"};
    const struct ts_json *delta = ts_json_get(choice, "delta");
    out->has_text = has_string(choice, "text") || has_call(delta) ||
                    has_words(ts_json_get(delta, "content"), &out->has_reasoning, 0) || has_string(delta, "refusal");
    for (size_t i = 0; i < sizeof thought / sizeof thought[0]; i++) {
        bool inner = false;
        out->has_reasoning = out->has_reasoning || has_words(ts_json_get(delta, thought[i]), &inner, 0);
    }
    out->has_text = out->has_text || out->has_reasoning;
    read_finish(out, choice, key);
}

/* {"error": {"message": "..."}} or {"error": "..."} or {"message": "...", "object": "error"}. */
static const char *error_of(const struct ts_json *root)
{
    const struct ts_json *error = ts_json_get(root, "error");
    const char *message = ts_json_string(ts_json_get(error, "message"));
    if (!message) {
        message = ts_json_string(error);
    }
    const char *object = ts_json_string(ts_json_get(root, "object"));
    const char *type = ts_json_string(ts_json_get(root, "type"));
    if (!message && ((object && ts_str_equal(object, "error")) || (type && ts_str_equal(type, "error")))) {
        message = ts_json_string(ts_json_get(root, "message"));
    }
    return message ? message : ts_json_is_object(error) ? "an error without a message" : NULL;
}

static void read_count(int64_t *out, const struct ts_json *usage, const char *key)
{
    int64_t n;
    if (ts_json_int(ts_json_get(usage, key), &n) && n >= 0 && n <= UINT32_MAX) {
        *out = n;
    }
}

/* Some count reasoning beside the reply (xAI), or do not name it at all (Gemini): then the total is more than prompt
 * and reply, and the rest was made, too. */
static void read_usage(struct ts_openai_event *out, const struct ts_json *usage)
{
    int64_t total_tok = -1;
    read_count(&out->prompt_tok, usage, "prompt_tokens");
    read_count(&out->output_tok, usage, "completion_tokens");
    read_count(&total_tok, usage, "total_tokens");
    read_count(&out->reasoning_tok, usage, "reasoning_tokens");
    read_count(&out->reasoning_tok, ts_json_get(usage, "completion_tokens_details"), "reasoning_tokens");
    const int64_t rest_tok = total_tok - out->prompt_tok - out->output_tok;
    if (out->prompt_tok >= 0 && out->output_tok >= 0 && rest_tok > 0 &&
        (out->reasoning_tok < 0 || out->reasoning_tok == rest_tok)) {
        out->output_tok += rest_tok;
        out->reasoning_tok = rest_tok;
    }
}

static enum ts_status read_event(struct ts_openai_event *out, const struct ts_json *root, const char *key)
{
    const struct ts_json *choice = ts_json_at(ts_json_get(root, "choices"), 0);
    const char *error = error_of(root);
    if (!ts_json_is_object(root)) {
        return TS_EINPUT;
    }
    if (error) {
        put_message(out->error, error, strlen(error), key);
    }
    read_choice(out, choice, key);
    const struct ts_json *const places[] = {ts_json_get(ts_json_get(root, "x_groq"), "usage"),
                                            ts_json_get(choice, "usage"), ts_json_get(root, "usage")};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        if (places[i]) {
            read_usage(out, places[i]);
        }
    }
    return TS_OK;
}

enum ts_status ts_openai_parse(struct ts_openai_event *out, const char *data, size_t len, const char *key)
{
    struct ts_json_doc doc;
    *out = (struct ts_openai_event){.prompt_tok = -1, .output_tok = -1, .reasoning_tok = -1};
    while (len > 0 && isspace((unsigned char)data[0])) {
        data++;
        len--;
    }
    while (len > 0 && isspace((unsigned char)data[len - 1])) {
        len--;
    }
    if (len == 6 && memcmp(data, "[DONE]", 6) == 0) {
        out->done = true;
        return TS_OK;
    }
    if (len == 0 || data[0] != '{') {
        put_message(out->aside, data, len, key);
        return TS_OK;
    }
    enum ts_status status = ts_json_parse_lenient(&doc, "event", data, len);
    if (status == TS_OK) {
        status = read_event(out, ts_json_root(&doc), key);
        ts_json_deinit(&doc);
    }
    return status;
}

void ts_openai_refusal(char out[TS_OPENAI_ERROR_BYTES], const char *body, size_t len, const char *key)
{
    struct ts_json_doc doc;
    out[0] = '\0';
    if (ts_json_parse(&doc, "body", body, len, NULL) == TS_OK) {
        const char *error = error_of(ts_json_root(&doc));
        if (error) {
            put_message(out, error, strlen(error), key);
        }
        ts_json_deinit(&doc);
    }
    if (out[0] == '\0') {
        put_message(out, body, len, key);
    }
}
