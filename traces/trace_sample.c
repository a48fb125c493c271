/* Hides how a stream becomes rows, with what each prompt shares with earlier ones of its class. */
#include "traces/trace_sample.h"

#include <math.h>
#include <stdlib.h>

#include "base/units.h"

static enum ts_status fail_memory(struct ts_diags *diags)
{
    return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
}

/* What the prompt begins like; of a session whose context grows, by its rule. False without memory. */
static bool prefix_of(struct ts_prefix *out, struct ts_trace_sample *sample, const struct ts_request *request)
{
    const struct ts_context *context = request->turn ? &request->turn->context : NULL;
    *out = request->prefix;
    if (!context || context->known_tok == 0) {
        return true;
    }
    const uint32_t n = ts_context_n_ids(context);
    if (n > sample->ids_cap) {
        uint64_t *ids = realloc(sample->ids, n * sizeof *ids);
        if (!ids) {
            return false;
        }
        sample->ids = ids;
        sample->ids_cap = n;
    }
    ts_context_ids(sample->ids, context);
    *out = (struct ts_prefix){.ids = sample->ids, .n_ids = n, .block_tok = TS_CONTEXT_BLOCK_TOK};
    return true;
}

static bool add(struct ts_trace_sample *sample, const struct ts_request *request, struct ts_reuse *of_classes)
{
    struct ts_prefix prefix;
    struct ts_reuse_found found, all;
    if (sample->n == sample->cap) {
        const size_t cap = sample->cap > 0 ? 2 * sample->cap : 1024;
        struct ts_trace_sample_row *rows = realloc(sample->rows, cap * sizeof *rows);
        if (!rows) {
            return false;
        }
        sample->rows = rows;
        sample->cap = cap;
    }
    if (!prefix_of(&prefix, sample, request) ||
        !ts_reuse_add(&found, of_classes, (uint32_t)request->class_id + 1, &prefix, request->prompt_tok) ||
        !ts_reuse_add(&all, sample->reuse, 0, &prefix, request->prompt_tok)) {
        return false;
    }
    sample->ids_are_told = sample->ids_are_told || (prefix.n_ids > 0 && !prefix.has_reply);
    sample->block_tok = prefix.n_ids > 0 ? prefix.block_tok : sample->block_tok;
    const uint32_t block_tok = prefix.n_ids > 0 ? prefix.block_tok : 1;
    const uint32_t n_blocks = (request->prompt_tok + block_tok - 1) / block_tok;
    sample->rows[sample->n++] = (struct ts_trace_sample_row){.arrival_ns = request->arrival_ns,
                                                             .prompt_tok = request->prompt_tok,
                                                             .output_tok = request->output_tok,
                                                             .prefix_frac = (float)found.n_ids / (float)n_blocks,
                                                             .lag = (uint32_t)found.lag,
                                                             .n_before = (uint32_t)found.n_before,
                                                             .class_id = request->class_id};
    if (request->turn) {
        struct ts_trace_sample_row *row = &sample->rows[sample->n - 1];
        row->session = request->turn->session;
        row->wait_ns = request->turn->delay_ns;
        row->waits = request->turn->follows || request->turn->n_waits > 0;
        row->is_tool = request->turn->is_tool;
        row->is_aside = request->turn->is_aside;
    }
    return true;
}

enum ts_status ts_trace_sample_collect(struct ts_trace_sample *out, struct ts_request_stream *stream,
                                       struct ts_diags *diags)
{
    struct ts_reuse *of_classes = ts_reuse_create();
    *out = (struct ts_trace_sample){.reuse = ts_reuse_create()};
    enum ts_status status = of_classes && out->reuse ? TS_OK : fail_memory(diags);
    struct ts_request request;
    int got = 1;
    while (status == TS_OK) {
        status = ts_request_next(stream, &request, &got, diags);
        if (status != TS_OK || !got) {
            break;
        }
        out->is_cut = out->n == TS_TRACE_SAMPLE_MAX_ROWS;
        if (out->is_cut) {
            break;
        }
        status = add(out, &request, of_classes) ? TS_OK : fail_memory(diags);
    }
    ts_reuse_destroy(of_classes);
    return status;
}

void ts_trace_sample_deinit(struct ts_trace_sample *sample)
{
    free(sample->rows);
    free(sample->ids);
    ts_reuse_destroy(sample->reuse);
    *sample = (struct ts_trace_sample){.rows = NULL};
}

double ts_trace_sample_duration_s(const struct ts_trace_sample *sample)
{
    return sample->n > 0 ? ts_s_from_ns(sample->rows[sample->n - 1].arrival_ns - sample->rows[0].arrival_ns) : 0.0;
}

double ts_dispersion(const double *times_s, size_t n, double duration_s, double width_s)
{
    const double n_windows = floor(duration_s / width_s);
    double sum = 0.0, squares = 0.0;
    for (size_t i = 0; i < n;) {
        const double window = floor(times_s[i] / width_s);
        const size_t first = i;
        while (i < n && floor(times_s[i] / width_s) == window) {
            i++;
        }
        if (window < n_windows) {
            const double count = (double)(i - first);
            sum += count;
            squares += count * count;
        }
    }
    const double mean = sum / n_windows;
    return n_windows >= 2.0 && mean > 0.0 ? (squares / n_windows - mean * mean) / mean : NAN;
}
