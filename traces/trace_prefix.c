/* Hides what a record says of its prompt's content:
 *   Mooncake      "hash_ids": [...], an id for every 512 tokens
 *   Qwen-Bailian  the same, for every 16 tokens
 *   RAGPulse      "hash_ids": {"sys_prompt": [...], ...}: only the system prompt begins at a known place; its ids stand
 *                 for 512 tokens each, but for the last, whose length is in another file: it is left out
 *   LLMServingSim "input_tok_ids": [...], the tokens themselves: of every 16 of them one id is made, a 64-bit hash
 *   a session     the shorter of two contexts, prompt and reply, is how the longer one begins: ids of the session and
 *                 the place, for every 16 tokens
 *   cached tokens without a session: that many tokens are the same in all requests that have as many or more */
#include <stdlib.h>
#include <string.h>

#include "traces/trace_format.h"

enum { OWN_BLOCK_TOK = 16 };

bool ts_trace_ids_reserve(struct ts_trace_rows *rows, size_t n)
{
    if (n <= rows->ids_cap) {
        return true;
    }
    uint64_t *grown = realloc(rows->ids, n * sizeof *grown);
    if (!grown) {
        return false;
    }
    rows->ids = grown;
    rows->ids_cap = n;
    return true;
}

/* One round of a 64-bit mixer (Stafford's variant 13 of the end of MurmurHash3) over what came before and a token. */
static uint64_t mix(uint64_t hash, uint64_t token)
{
    uint64_t x = hash + UINT64_C(0x9e3779b97f4a7c15) + token;
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint64_t hash_text(const char *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
    }
    return mix(hash, 0);
}

static enum ts_status fail_memory(const struct ts_trace_rows *rows, struct ts_diags *diags)
{
    return ts_fail(diags, TS_ENOMEM, ts_span_file(rows->path), NULL, "out of memory");
}

/* An id: a whole number, one that is too large for it (a string of its digits), or any other text. */
static bool id_of(uint64_t *out, const struct ts_json *value)
{
    int64_t id = 0;
    const char *text = ts_json_string(value);
    if (ts_json_int(value, &id)) {
        *out = (uint64_t)id;
        return true;
    }
    if (text && !ts_parse_u64(out, text, strlen(text))) {
        *out = hash_text(text);
    }
    return text != NULL;
}

/* Makes ids of the prompt's tokens. */
static enum ts_status hash_tokens(struct ts_prefix *out, struct ts_trace_rows *rows, const struct ts_json *tokens,
                                  uint32_t prompt_tok, struct ts_diags *diags)
{
    const int slot = rows->slots[TS_TRACE_TOKENS];
    const size_t n = ts_json_length(tokens), n_ids = (n + OWN_BLOCK_TOK - 1) / OWN_BLOCK_TOK;
    if (n != prompt_tok) {
        return ts_trace_cell_fail(rows, slot, "as long as the prompt", NULL, diags);
    }
    if (!ts_trace_ids_reserve(rows, n_ids)) {
        return fail_memory(rows, diags);
    }
    uint64_t hash = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t token = 0;
        if (!ts_json_int(ts_json_at(tokens, i), &token)) {
            return ts_trace_cell_fail(rows, slot, "whole numbers", NULL, diags);
        }
        hash = mix(i % OWN_BLOCK_TOK == 0 ? 0 : hash, (uint64_t)token);
        rows->ids[i / OWN_BLOCK_TOK] = hash;
    }
    *out = (struct ts_prefix){.ids = rows->ids, .n_ids = (uint32_t)n_ids, .block_tok = OWN_BLOCK_TOK};
    return TS_OK;
}

/* Tokens of an id: what the format says, or (an export may use blocks of its own) the power of 2 that fits. */
static uint16_t id_tok(const struct ts_trace_rows *rows, size_t n_ids, uint32_t prompt_tok)
{
    enum { LEAST = 8, MOST = 4096 };
    const uint32_t usual = rows->format->prefix_tok;
    uint32_t tok = usual;
    if ((n_ids - 1) * tok >= prompt_tok || n_ids * tok < prompt_tok) {
        tok = LEAST;
        while (tok < MOST && n_ids * tok < prompt_tok) {
            tok *= 2;
        }
        tok = n_ids > 1 && (n_ids - 1) * tok < prompt_tok && n_ids * tok >= prompt_tok ? tok : usual;
    }
    return (uint16_t)tok;
}

static enum ts_status read_ids(struct ts_prefix *out, struct ts_trace_rows *rows, const struct ts_json *ids,
                               uint32_t prompt_tok, struct ts_diags *diags)
{
    const bool partial = rows->format->ids_below && ts_json_is_object(ids);
    ids = partial ? ts_json_get(ids, rows->format->ids_below) : ids;
    size_t n = ts_json_length(ids);
    n -= partial && n > 0;
    if (!ts_trace_ids_reserve(rows, n)) {
        return fail_memory(rows, diags);
    }
    for (size_t i = 0; i < n; i++) {
        if (!id_of(&rows->ids[i], ts_json_at(ids, i))) {
            return ts_trace_cell_fail(rows, rows->slots[TS_TRACE_IDS], "whole numbers", NULL, diags);
        }
    }
    if (rows->prefix_tok == 0 && n > 1 && !partial) {
        rows->prefix_tok = id_tok(rows, n, prompt_tok);
    }
    *out = (struct ts_prefix){.ids = rows->ids,
                              .n_ids = (uint32_t)n,
                              .block_tok = rows->prefix_tok > 0 ? rows->prefix_tok : rows->format->prefix_tok};
    return TS_OK;
}

/* `tok` tokens that are the same for all requests with that key. */
static enum ts_status make_ids(struct ts_prefix *out, struct ts_trace_rows *rows, uint64_t key, uint32_t tok,
                               struct ts_diags *diags)
{
    const uint32_t n = tok / OWN_BLOCK_TOK;
    if (!ts_trace_ids_reserve(rows, n)) {
        return fail_memory(rows, diags);
    }
    for (uint32_t i = 0; i < n; i++) {
        rows->ids[i] = mix(key, i);
    }
    *out = (struct ts_prefix){.ids = rows->ids, .n_ids = n, .block_tok = OWN_BLOCK_TOK};
    return TS_OK;
}

/* A key that was written by traces/trace_write.c: 16 hexadecimal digits. */
static bool is_key(uint64_t *out, const struct ts_trace_cell *cell)
{
    uint64_t key = 0;
    for (size_t i = 0; i < cell->len && i < 16; i++) {
        const char c = cell->text[i];
        const unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                               : c >= 'a' && c <= 'f' ? 10U + (unsigned)(c - 'a')
                                                      : 16U;
        if (digit > 15) {
            return false;
        }
        key = key << 4 | digit;
    }
    *out = key;
    return cell->len == 16 && key != 0 && key != TS_KEY_NONE;
}

uint64_t ts_trace_key_of(const struct ts_trace_cell *cell)
{
    uint64_t written = 0;
    if (cell->kind == TS_CELL_TEXT && is_key(&written, cell)) {
        return written;
    }
    const uint64_t key = cell->kind == TS_CELL_TEXT  ? hash_text(cell->text)
                         : cell->kind == TS_CELL_INT ? mix((uint64_t)cell->whole, 1)
                                                     : 0;
    return key != TS_KEY_NONE ? key : 1;
}

enum ts_status ts_trace_prefix_read(struct ts_trace_row *row, struct ts_trace_rows *rows, struct ts_diags *diags)
{
    struct ts_prefix *out = &row->prefix;
    struct ts_trace_cell cell;
    ts_trace_array_of(&cell, rows, TS_TRACE_TOKENS);
    if (cell.kind == TS_CELL_JSON) {
        return hash_tokens(out, rows, cell.json, row->prompt_tok, diags);
    }
    ts_trace_array_of(&cell, rows, TS_TRACE_IDS);
    if (cell.kind == TS_CELL_JSON) {
        return read_ids(out, rows, cell.json, row->prompt_tok, diags);
    }
    if (cell.kind == TS_CELL_TEXT) {
        return ts_trace_cell_fail(rows, rows->slots[TS_TRACE_IDS], "an array: [46, 47, 48]", NULL, diags);
    }
    if (row->session != 0) {
        const enum ts_status status = make_ids(out, rows, row->session, row->prompt_tok + row->output_tok, diags);
        out->has_reply = true;
        return status;
    }
    const uint32_t cached = ts_trace_count_of(rows, TS_TRACE_CACHED, row->prompt_tok);
    return cached > 0 ? make_ids(out, rows, 0, cached, diags) : TS_OK;
}

bool ts_trace_prefix_is_told(const struct ts_trace_rows *rows)
{
    return rows->slots[TS_TRACE_TOKENS] >= 0 || rows->slots[TS_TRACE_IDS] >= 0 || rows->slots[TS_TRACE_SESSION] >= 0 ||
           rows->slots[TS_TRACE_CACHED] >= 0 || rows->format->wait_unit_s > 0.0;
}
