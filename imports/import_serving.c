/* Hides how step times are found in what clients of a server saw. A client sees tokens, not steps; but a fit that is
 * linear in what a step computes holds for the mean of steps as it holds for each. So a point is the mean step of one
 * request's decoding, from its first token to its last:
 *
 *   seconds  (latency - TTFT)/(output - 1)
 *   seqs     mean number of requests between their first and last token meanwhile, + prompts per step
 *   kv       mean of the sum of their contexts, each counted as prompt + output/2
 *   prefill  prompt tokens of the requests whose first token fell into that time, per step; pairs likewise
 *
 * And where nobody else was served between a request's start and its first token, that time is a point too: the step of
 * its prompt, with network and client inside. (With others decoding it would hold up to a step of waiting, which a
 * client cannot see.) Of a run that gives only averages, the mean step follows from Little's law. Worked: 8 sequences
 * together, 512 tokens in, 129 out, 20 ms a token: each step of 20 ms carries 8 x 512/128 = 32 prompt tokens. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "imports/import_parts.h"

#define LEAST_OTHERS 0.05 /* decoding meanwhile: fewer count as nobody */

/* Something that grows or falls at a time, and its integral from the first time on. */
struct change {
    double at_s;
    double n, kv;         /* by which the number of decoding requests and of their cached tokens changes */
    double prompt, pairs; /* tokens and pairs of prompts done at that time */
    double prompts;
};

/* The state before change i, and what has added up until then. */
struct sum {
    double n, kv;     /* now */
    double n_s, kv_s; /* integrals */
    double prompt, pairs, prompts;
};

struct timeline {
    struct change *changes; /* [n] by time */
    struct sum *sums;       /* [n + 1]: before change i */
    size_t n;
};

static double pairs_of(double prompt_tok)
{
    return prompt_tok * (prompt_tok + 1.0) / 2.0;
}

static int by_time(const void *a, const void *b)
{
    double x = ((const struct change *)a)->at_s, y = ((const struct change *)b)->at_s;
    return (x > y) - (x < y);
}

static enum ts_status make_timeline(struct timeline *out, const struct ts_import_request *requests, size_t n)
{
    out->n = 2 * n;
    out->changes = calloc(out->n + 1, sizeof *out->changes);
    out->sums = calloc(out->n + 1, sizeof *out->sums);
    if (!out->changes || !out->sums) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        const struct ts_import_request *r = &requests[i];
        double kv = r->prompt_tok + r->output_tok / 2.0;
        out->changes[2 * i] =
            (struct change){r->start_s + r->ttft_s, 1.0, kv, r->prompt_tok, pairs_of(r->prompt_tok), 1.0};
        out->changes[2 * i + 1] = (struct change){r->start_s + r->latency_s, -1.0, -kv, 0.0, 0.0, 0.0};
    }
    qsort(out->changes, out->n, sizeof *out->changes, by_time);
    for (size_t i = 0; i < out->n; i++) {
        const struct change *change = &out->changes[i];
        struct sum sum = out->sums[i];
        double span_s = i + 1 < out->n ? out->changes[i + 1].at_s - change->at_s : 0.0;
        sum.n += change->n;
        sum.kv += change->kv;
        sum.n_s += sum.n * span_s;
        sum.kv_s += sum.kv * span_s;
        sum.prompt += change->prompt;
        sum.pairs += change->pairs;
        sum.prompts += change->prompts;
        out->sums[i + 1] = sum;
    }
    return TS_OK;
}

static void free_timeline(struct timeline *timeline)
{
    free(timeline->changes);
    free(timeline->sums);
}

/* How many changes lie at or before that time. */
static size_t changes_until(const struct timeline *timeline, double at_s)
{
    size_t low = 0, high = timeline->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (timeline->changes[middle].at_s <= at_s) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* What has added up until that time, it included. */
static struct sum sum_at(const struct timeline *timeline, double at_s)
{
    size_t i = changes_until(timeline, at_s);
    struct sum sum = timeline->sums[i];
    if (i > 0 && i < timeline->n) { /* the sums reach up to change i; take off what lies after at_s */
        double beyond_s = timeline->changes[i].at_s - at_s;
        sum.n_s -= sum.n * beyond_s;
        sum.kv_s -= sum.kv * beyond_s;
    }
    return sum;
}

/* The mean step between a request's first token and its last. */
static enum ts_status add_decoding(struct ts_importer *importer, const struct timeline *timeline,
                                   const struct ts_import_request *r)
{
    double first_s = r->start_s + r->ttft_s, last_s = r->start_s + r->latency_s, span_s = last_s - first_s;
    double steps = r->output_tok - 1.0;
    struct sum a = sum_at(timeline, first_s), b = sum_at(timeline, last_s);
    struct ts_import_point point = {.seconds = span_s / steps, .n_samples = (uint32_t)steps};
    double n = fmax(1.0, (b.n_s - a.n_s) / span_s);
    point.load.kv_tok = fmax(r->prompt_tok, (b.kv_s - a.kv_s) / span_s);
    point.load.prefill_tok = (b.prompt - a.prompt) / steps;
    point.load.pairs = (b.pairs - a.pairs) / steps;
    point.load.seqs = n + (b.prompts - a.prompts) / steps;
    point.load.tokens = n + point.load.prefill_tok;
    return ts_import_add_point(importer, point);
}

/* The step of a request's prompt, if nobody else was served meanwhile. */
static enum ts_status add_first_token(struct ts_importer *importer, const struct timeline *timeline,
                                      const struct ts_import_request *r)
{
    double decoding_s = sum_at(timeline, r->start_s + r->ttft_s).n_s - sum_at(timeline, r->start_s).n_s;
    return decoding_s < LEAST_OTHERS * r->ttft_s ? ts_import_add_prompt(importer, r->prompt_tok, r->ttft_s) : TS_OK;
}

static int by_start(const void *a, const void *b)
{
    const struct ts_import_request *x = a, *y = b;
    if (x->run != y->run) {
        return x->run < y->run ? -1 : 1;
    }
    return (x->start_s > y->start_s) - (x->start_s < y->start_s);
}

/* Whether no other request was between its start and its first token while this one was. Requests are by start. */
static bool was_alone(const struct ts_import_request *requests, size_t n, size_t i, double latest_first_s)
{
    double first_s = requests[i].start_s + requests[i].ttft_s;
    return latest_first_s <= requests[i].start_s && (i + 1 == n || requests[i + 1].start_s >= first_s);
}

static enum ts_status serve_run(struct ts_importer *importer, const struct ts_import_request *requests, size_t n)
{
    struct timeline timeline = {NULL, NULL, 0};
    enum ts_status status = make_timeline(&timeline, requests, n);
    double latest_first_s = -INFINITY;
    for (size_t i = 0; i < n && status == TS_OK; i++) {
        const struct ts_import_request *r = &requests[i];
        if (r->output_tok >= 2.0 && r->latency_s > r->ttft_s) {
            status = add_decoding(importer, &timeline, r);
        }
        if (status == TS_OK && was_alone(requests, n, i, latest_first_s)) {
            status = add_first_token(importer, &timeline, r);
        }
        latest_first_s = fmax(latest_first_s, r->start_s + r->ttft_s);
    }
    free_timeline(&timeline);
    return status;
}

enum ts_status ts_import_serve(struct ts_importer *importer)
{
    enum ts_status status = TS_OK;
    if (importer->n_requests > 0) {
        qsort(importer->requests, importer->n_requests, sizeof *importer->requests, by_start);
    }
    for (size_t i = 0, n; i < importer->n_requests && status == TS_OK; i += n) {
        for (n = 1; i + n < importer->n_requests && importer->requests[i + n].run == importer->requests[i].run;) {
            n++;
        }
        status = serve_run(importer, importer->requests + i, n);
    }
    return status;
}

enum ts_status ts_import_add_averages(struct ts_importer *importer, double n_seqs, double prompt_tok, double output_tok,
                                      double s_per_tok)
{
    double n = fmax(1.0, n_seqs), prompts = output_tok > 1.0 ? n / (output_tok - 1.0) : 0.0;
    bool alone = n < 1.5; /* then no prompt falls between the tokens of another request */
    struct ts_import_point point = {.seconds = s_per_tok, .n_samples = 1};
    prompts = alone ? 0.0 : prompts;
    point.load = (struct ts_step_load){.seqs = n + prompts,
                                       .kv_tok = n * (prompt_tok + output_tok / 2.0),
                                       .prefill_tok = prompts * prompt_tok,
                                       .tokens = n + prompts * prompt_tok,
                                       .pairs = prompts * pairs_of(prompt_tok)};
    return ts_import_add_point(importer, point);
}

enum ts_status ts_import_add_prompt(struct ts_importer *importer, double prompt_tok, double seconds)
{
    struct ts_import_point point = {.seconds = seconds, .n_samples = 1};
    point.load = (struct ts_step_load){
        .seqs = 1.0, .prefill_tok = prompt_tok, .tokens = prompt_tok, .pairs = pairs_of(prompt_tok)};
    return ts_import_add_point(importer, point);
}
