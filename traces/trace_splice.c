/* Hides how the requests of a part are chosen and changed, and how those of several come into one order: the earliest
 * of the parts' next ones, of equal ones that of the first part.
 *
 * A prompt that is made f times as long has f times as many ids: the new id j stands where the old id ceil((j + 1) / f)
 * - 1 stood, so that two prompts which began alike for n tokens begin alike for about f n: prefix reuse stays. */
#include "traces/trace_splice.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/rng.h"
#include "base/units.h"
#include "traces/trace_format.h"

/* Numbers that grow with their use. */
struct numbers {
    uint64_t *values;
    size_t cap;
};

struct part {
    const struct ts_trace_part *spec;
    struct ts_request_stream *stream;
    struct ts_request head; /* the next one, changed already */
    int64_t head_ns;        /* on the new trace's clock */
    bool has_head, has_start;
    int64_t start_ns;  /* of the file's arrival 0, on its clock */
    uint64_t n_chosen; /* by the window */
    struct ts_trace_left left;
    struct numbers ids, waits;
    struct ts_turn turn;
};

struct splice {
    struct ts_request_stream base;
    struct part *parts; /* [n] */
    size_t n;
    bool is_aligned, is_dated;
    int64_t base_ns;
    uint64_t n_out;
    struct part *taken; /* its head was handed out */
};

struct ts_trace_part ts_trace_part_whole(const char *path, const struct ts_trace_options *how)
{
    return (struct ts_trace_part){.path = path,
                                  .how = *how,
                                  .from_ns = INT64_MIN,
                                  .to_ns = INT64_MAX,
                                  .first = 1,
                                  .last = UINT64_MAX,
                                  .keep_frac = 1.0,
                                  .prompt_factor = 1.0,
                                  .output_factor = 1.0};
}

/* ---- which requests ---- */

static bool is_kept(const struct ts_trace_part *spec, const struct ts_request *request)
{
    const uint64_t whom = request->turn ? request->turn->session : request->id;
    const double u = ldexp((double)(ts_mix64(ts_mix64(spec->seed) ^ ts_mix64(whom + 1)) >> 11), -53);
    return u < spec->keep_frac;
}

static bool is_chosen(struct part *part, const struct ts_request *request)
{
    const struct ts_trace_part *spec = part->spec;
    const int64_t at_ns = request->arrival_ns + (spec->is_by_date ? part->start_ns : 0);
    if (at_ns < spec->from_ns || at_ns >= spec->to_ns) {
        part->left.n_outside++;
        return false;
    }
    part->n_chosen++;
    if (part->n_chosen < spec->first || part->n_chosen > spec->last) {
        part->left.n_other_rows++;
        return false;
    }
    if (spec->keep_frac < 1.0 && !is_kept(spec, request)) {
        part->left.n_thinned++;
        return false;
    }
    return true;
}

/* ---- what becomes of them ---- */

static bool reserve(struct numbers *numbers, size_t n)
{
    if (n > numbers->cap) {
        uint64_t *grown = realloc(numbers->values, n * sizeof *grown);
        if (!grown) {
            return false;
        }
        numbers->values = grown;
        numbers->cap = n;
    }
    return true;
}

static uint64_t salted(uint64_t key, uint64_t salt)
{
    const uint64_t mixed = salt == 0 || key == 0 ? key : ts_mix64(key ^ ts_mix64(salt));
    return mixed != TS_KEY_NONE && (mixed != 0 || key == 0) ? mixed : 1;
}

static uint32_t scaled(uint32_t tok, double factor)
{
    const double value = round((double)tok * factor);
    return (uint32_t)fmin(fmax(value, 1.0), (double)TS_TRACE_MAX_TOK);
}

/* Ids of the prompt, of which there are `factor` times as many then. False without memory. */
static bool change_ids(struct part *part, struct ts_prefix *prefix)
{
    const struct ts_trace_part *spec = part->spec;
    const double factor = prefix->has_reply ? 1.0 : spec->prompt_factor;
    if (prefix->n_ids == 0 || (spec->salt == 0 && factor == 1.0)) {
        return true;
    }
    const size_t n = (size_t)ceil(prefix->n_ids * factor - 1e-9);
    if (!reserve(&part->ids, n)) {
        return false;
    }
    for (size_t j = 0; j < n; j++) {
        const size_t old = factor == 1.0 ? j : (size_t)fmax(ceil((double)(j + 1) / factor - 1e-9), 1.0) - 1;
        const uint64_t id = prefix->ids[old < prefix->n_ids ? old : prefix->n_ids - 1];
        part->ids.values[j] = salted(factor > 1.0 ? ts_mix64(id + j) : id, spec->salt);
    }
    prefix->ids = part->ids.values;
    prefix->n_ids = (uint32_t)n;
    return true;
}

static bool change_turn(struct part *part, struct ts_request *request)
{
    const uint64_t salt = part->spec->salt;
    if (salt == 0 || !request->turn) {
        return true;
    }
    part->turn = *request->turn;
    part->turn.session = salted(part->turn.session, salt);
    part->turn.key = salted(part->turn.key, salt);
    if (!reserve(&part->waits, part->turn.n_waits)) {
        return false;
    }
    for (uint32_t i = 0; i < part->turn.n_waits; i++) {
        part->waits.values[i] = salted(part->turn.waits[i], salt);
    }
    part->turn.waits = part->waits.values;
    request->turn = &part->turn;
    return true;
}

static bool change(struct part *part, struct ts_request *request)
{
    const struct ts_trace_part *spec = part->spec;
    request->prompt_tok =
        spec->prompt_factor == 1.0 ? request->prompt_tok : scaled(request->prompt_tok, spec->prompt_factor);
    request->output_tok =
        spec->output_factor == 1.0 ? request->output_tok : scaled(request->output_tok, spec->output_factor);
    if (spec->has_label) {
        request->has_class = true;
        request->class_id = spec->label_id;
    }
    return change_ids(part, &request->prefix) && change_turn(part, request);
}

/* ---- the stream ---- */

/* The next request of a part that is chosen, as its head. */
static enum ts_status advance(struct splice *splice, struct part *part, struct ts_diags *diags)
{
    int got = 1;
    part->has_head = false;
    while (!part->has_head) {
        const enum ts_status status = ts_request_next(part->stream, &part->head, &got, diags);
        if (status != TS_OK || !got) {
            return status;
        }
        if (!part->has_start) {
            part->start_ns = ts_trace_counts(part->stream).start_ns;
            part->has_start = true;
        }
        part->has_head = is_chosen(part, &part->head);
    }
    if (!change(part, &part->head)) {
        return ts_fail(diags, TS_ENOMEM, ts_span_file(part->spec->path), NULL, "out of memory");
    }
    const int64_t start_ns = splice->is_aligned ? splice->parts[0].start_ns : part->start_ns;
    part->head_ns = start_ns + part->head.arrival_ns + part->spec->shift_ns;
    return TS_OK;
}

static struct part *earliest(const struct splice *splice)
{
    struct part *first = NULL;
    for (size_t i = 0; i < splice->n; i++) {
        struct part *part = &splice->parts[i];
        first = part->has_head && (!first || part->head_ns < first->head_ns) ? part : first;
    }
    return first;
}

static enum ts_status splice_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                  struct ts_diags *diags)
{
    struct splice *splice = (struct splice *)stream;
    *got = 0;
    if (splice->taken) {
        const enum ts_status status = advance(splice, splice->taken, diags);
        if (status != TS_OK) {
            return status;
        }
    }
    struct part *part = splice->taken = earliest(splice);
    if (part) {
        *out = part->head;
        out->id = splice->n_out++;
        out->arrival_ns = part->head_ns - splice->base_ns;
        *got = 1;
    }
    return TS_OK;
}

static void splice_destroy(struct ts_request_stream *stream)
{
    struct splice *splice = (struct splice *)stream;
    for (size_t i = 0; i < splice->n; i++) {
        ts_request_stream_destroy(splice->parts[i].stream);
        free(splice->parts[i].ids.values);
        free(splice->parts[i].waits.values);
    }
    free(splice->parts);
    free(splice);
}

static const struct ts_request_stream_ops splice_ops = {.next = splice_next, .destroy = splice_destroy};

static bool is_dated(const struct part *part)
{
    return ts_trace_counts(part->stream).first_ns != 0;
}

/* Are their times on one clock? */
static enum ts_status check_clocks(const struct splice *splice, struct ts_diags *diags)
{
    for (size_t i = 1; i < splice->n && !splice->is_aligned; i++) {
        const bool dated = is_dated(&splice->parts[i]);
        if (dated != is_dated(&splice->parts[0])) {
            return ts_fail(diags, TS_EINPUT, ts_span_file(splice->parts[i].spec->path),
                           "--align lets all files begin when the first one does",
                           "the times of this file %s dates, those of %s %s", dated ? "are" : "are no",
                           splice->parts[0].spec->path, dated ? "are not" : "are");
        }
    }
    return TS_OK;
}

static enum ts_status begin(struct splice *splice, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < splice->n && status == TS_OK; i++) {
        status =
            ts_trace_open_as(&splice->parts[i].stream, splice->parts[i].spec->path, &splice->parts[i].spec->how, diags);
        if (status == TS_OK) {
            status = advance(splice, &splice->parts[i], diags);
        }
    }
    if (status == TS_OK) {
        status = check_clocks(splice, diags);
    }
    const struct part *first = status == TS_OK ? earliest(splice) : NULL;
    if (first) {
        splice->base_ns = first->head_ns;
        splice->is_dated = is_dated(&splice->parts[0]);
    }
    return status;
}

enum ts_status ts_trace_splice_open(struct ts_request_stream **out, const struct ts_trace_part *parts, size_t n_parts,
                                    bool is_aligned, struct ts_diags *diags)
{
    struct splice *splice = calloc(1, sizeof *splice);
    if (splice) {
        splice->base.ops = &splice_ops;
        splice->is_aligned = is_aligned;
        splice->parts = calloc(n_parts, sizeof *splice->parts);
        splice->n = splice->parts ? n_parts : 0;
    }
    if (!splice || !splice->parts) {
        free(splice);
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    for (size_t i = 0; i < n_parts; i++) {
        splice->parts[i].spec = &parts[i];
    }
    *out = &splice->base; /* whatever comes back: it tells which part came late */
    return begin(splice, diags);
}

int ts_trace_splice_late(const struct ts_request_stream *stream)
{
    TS_CHECK(stream->ops == &splice_ops);
    const struct splice *splice = (const struct splice *)stream;
    for (size_t i = 0; i < splice->n; i++) {
        const struct part *part = &splice->parts[i];
        if (part->stream && !part->spec->how.sorts && ts_trace_counts(part->stream).came_late) {
            return (int)i;
        }
    }
    return -1;
}

struct ts_trace_origin ts_trace_splice_origin(const struct ts_request_stream *stream)
{
    TS_CHECK(stream->ops == &splice_ops);
    const struct splice *splice = (const struct splice *)stream;
    struct ts_trace_origin origin = {.base_ns = splice->base_ns, .is_dated = splice->is_dated};
    struct ts_trace_tells *all = &origin.tells;
    for (size_t i = 0; i < splice->n; i++) {
        const struct ts_trace_tells one = ts_trace_tells(splice->parts[i].stream);
        all->classes = all->classes || one.classes || splice->parts[i].spec->has_label;
        all->sensitivity = all->sensitivity || one.sensitivity;
        all->difficulty = all->difficulty || one.difficulty;
        all->sessions = all->sessions || one.sessions;
        all->is_partial = all->is_partial || one.is_partial;
        if (one.block_tok > 0) {
            all->block_tok = all->block_tok == 0 || all->block_tok == one.block_tok ? one.block_tok : 1;
        }
    }
    return origin;
}

struct ts_trace_counts ts_trace_splice_counts(struct ts_trace_left *left, const struct ts_request_stream *stream,
                                              size_t part)
{
    TS_CHECK(stream->ops == &splice_ops);
    const struct splice *splice = (const struct splice *)stream;
    *left = splice->parts[part].left;
    return ts_trace_counts(splice->parts[part].stream);
}
