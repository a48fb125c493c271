/* Hides how generated requests are made: those of classes that come on their own, each by its own process, and those of
 * the others by one process for all, in the order of their arrivals (arrivals.c); lengths are drawn from the class's
 * distributions or, where they go together, dealt from its table (deck.c); what a prompt begins like from
 * prefix_copies.c.
 *
 * Sessions arrive by the same processes, as many fewer as they have calls: calls of a session follow one another in the
 * stream, all with its arrival. The window begins without any under way. */
#include <math.h>
#include <stdlib.h>

#include "base/units.h"
#include "traces/deck.h"
#include "traces/label.h"
#include "traces/prefix_copies.h"
#include "traces/session_draw.h"
#include "traces/trace_format.h"
#include "traces/workload_stream.h"

/* One process, and its next arrival. */
struct source {
    struct ts_arrivals *arrivals;
    double next_s;
    int class_id; /* -1: drawn */
};

struct generator {
    struct ts_request_stream base;
    const struct ts_workload *workload;
    double times_as_fast; /* its window as its requests have it */
    uint64_t seed;
    uint32_t replication;
    struct ts_rng prompts, outputs, prefixes, sessions;
    struct source sources[TS_MAX_CLASSES + 1];
    size_t n_sources;
    struct ts_deck *decks[TS_MAX_CLASSES];           /* of classes whose lengths go together */
    struct ts_prefix_copies *copies[TS_MAX_CLASSES]; /* of classes that have prefixes */
    uint64_t next_id;
    double starts[TS_MAX_CLASSES]; /* of what begins, requests and sessions alike, of the classes that are drawn */
    double starts_per_call;        /* their sum */
    bool has_sessions;
    uint64_t n_sessions;
    int64_t session_ns; /* when the session that is being drawn began */
    struct ts_session_draw draw;
};

/* A share of the calls is fewer of those that begin, where a session has many. Without sessions the shares are drawn
 * with the labels. */
static void weigh_classes(struct generator *generator)
{
    const struct ts_workload *workload = generator->workload;
    double own = 0.0;
    for (size_t i = 0; i < workload->n_classes; i++) {
        const struct ts_class_spec *spec = &workload->classes[i];
        generator->has_sessions = generator->has_sessions || spec->session.on;
        own += spec->process ? spec->share : 0.0;
        generator->starts[i] = spec->process ? 0.0 : spec->share / ts_session_mean_calls(&spec->session);
        generator->starts_per_call += generator->starts[i];
    }
    generator->starts_per_call = generator->has_sessions ? generator->starts_per_call : 1.0 - own;
}

static uint16_t draw_class(struct generator *generator)
{
    double rest = ts_rng_uniform(&generator->sessions) * generator->starts_per_call;
    size_t i = 0;
    while (i + 1 < generator->workload->n_classes && !(rest < generator->starts[i])) {
        rest -= generator->starts[i++];
    }
    return (uint16_t)i;
}

/* ---- sessions ---- */

static struct ts_request draw_call(struct generator *generator, uint16_t class_id)
{
    const uint64_t max = generator->workload->is_closed ? generator->workload->max_requests : 0;
    struct ts_request request = {
        .id = generator->next_id++, .arrival_ns = generator->session_ns, .class_id = class_id, .has_class = true};
    ts_label_draw(&request, generator->workload, NULL, generator->seed, generator->replication);
    ts_session_draw_next(&generator->draw, &request);
    if (generator->next_id == max) {
        generator->draw.place.is_last = true;
        generator->draw.is_open = false;
    }
    return request;
}

static struct ts_request begin_session(struct generator *generator, uint16_t class_id, int64_t arrival_ns)
{
    const uint64_t run = ts_mix64(generator->seed ^ ts_mix64(generator->replication));
    struct ts_session_draw *draw = &generator->draw;
    draw->prompts = &generator->prompts;
    draw->outputs = &generator->outputs;
    draw->rng = &generator->sessions;
    draw->max_prompt_tok = generator->workload->max_prompt_tok;
    draw->max_output_tok = generator->workload->max_output_tok;
    generator->session_ns = arrival_ns;
    const uint64_t key = ts_mix64(run ^ ts_mix64(++generator->n_sessions)); /* 0 where their number is the seed */
    ts_session_draw_begin(draw, &generator->workload->classes[class_id], key != 0 ? key : 1,
                          ts_mix64(run ^ (UINT64_MAX - class_id)));
    return draw_call(generator, class_id);
}

static uint16_t class_of_session(const struct generator *generator)
{
    return (uint16_t)(generator->draw.spec - generator->workload->classes);
}

/* ---- requests ---- */

static uint32_t tokens_at(const struct ts_dist *dist, double u, uint32_t cap)
{
    const double max = cap > 0 && cap < TS_TRACE_MAX_TOK ? (double)cap : (double)TS_TRACE_MAX_TOK;
    const double tokens = floor(ts_dist_quantile(dist, u) + 0.5);
    return tokens > 1.0 ? (uint32_t)fmin(tokens, max) : 1;
}

/* `row` may be NULL. */
static bool draw_prefix(struct generator *generator, struct ts_request *request, double frac,
                        const struct ts_length_row *row)
{
    const struct ts_class_spec *spec = &generator->workload->classes[request->class_id];
    const uint16_t block_tok = generator->workload->prefix_block_tok;
    const uint32_t n_ids = (request->prompt_tok + block_tok - 1) / block_tok;
    double shared = floor(frac * n_ids + 0.5);
    const struct ts_dist *lags = row && row->has_lag ? &row->prefix_lag : &spec->prefix_lag;
    double lag = floor(ts_dist_sample(lags, &generator->prefixes) + 0.5);
    shared = shared > 0.0 ? fmin(shared, n_ids) : 0.0;
    lag = lag > 1.0 ? fmin(lag, TS_PREFIX_MAX_LAG) : 1.0;
    if (row && row->over_time) { /* the shares at the beginning are those of a trace without a past */
        lag = fmin(lag, fmax((double)ts_prefix_copies_n(generator->copies[request->class_id]), 1.0));
    }
    enum ts_prefix_kind kind = TS_PREFIX_ANY;
    if (spec->has_branches) {
        const bool branches = ts_rng_uniform(&generator->prefixes) < spec->branch_frac;
        kind = branches ? TS_PREFIX_BRANCH : TS_PREFIX_ONWARD;
    }
    request->prefix.block_tok = block_tok;
    return ts_prefix_copies_next(&request->prefix, generator->copies[request->class_id], n_ids, (uint32_t)shared,
                                 (uint64_t)lag, kind);
}

static enum ts_status draw_lengths(struct generator *generator, struct ts_request *request, struct ts_diags *diags)
{
    const struct ts_workload *workload = generator->workload;
    const struct ts_class_spec *spec = &workload->classes[request->class_id];
    const struct ts_length_row *row = NULL;
    double frac = 0.0;
    if (spec->n_lengths > 0) {
        const double window_s = ts_workload_window_s(workload), at_s = ts_s_from_ns(request->arrival_ns);
        const struct ts_card card = ts_deck_deal(generator->decks[request->class_id],
                                                 window_s > 0.0 ? at_s / window_s : 0.0, &generator->prompts);
        row = card.row;
        request->prompt_tok = tokens_at(&card.row->prompt_tok, card.prompt, workload->max_prompt_tok);
        request->output_tok = tokens_at(&card.row->output_tok, card.output, workload->max_output_tok);
        frac = spec->has_prefixes ? ts_dist_quantile(&card.row->prefix_frac, card.prefix) : 0.0;
    } else {
        request->prompt_tok = ts_draw_tokens(&spec->prompt_tok, &generator->prompts, workload->max_prompt_tok);
        request->output_tok = ts_draw_tokens(&spec->output_tok, &generator->outputs, workload->max_output_tok);
        frac = spec->has_prefixes ? ts_dist_sample(&spec->prefix_frac, &generator->prefixes) : 0.0;
    }
    return !spec->has_prefixes || draw_prefix(generator, request, frac, row)
               ? TS_OK
               : ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
}

/* What begins: a request, or the first of a session. class_id < 0: drawn. */
static enum ts_status draw_request(struct ts_request *out, struct generator *generator, int64_t arrival_ns,
                                   int class_id, struct ts_diags *diags)
{
    const struct ts_workload *workload = generator->workload;
    struct ts_request request = {.arrival_ns = arrival_ns};
    if (class_id >= 0 || generator->has_sessions) {
        request.class_id = class_id >= 0 ? (uint16_t)class_id : draw_class(generator);
        request.has_class = true;
        if (workload->classes[request.class_id].session.on) {
            *out = begin_session(generator, request.class_id, arrival_ns);
            return TS_OK;
        }
    }
    request.id = generator->next_id++;
    ts_label_draw(&request, workload, NULL, generator->seed, generator->replication);
    const enum ts_status status = draw_lengths(generator, &request, diags);
    *out = request;
    return status;
}

/* Of a closed loop: whenever one is asked for. */
static enum ts_status closed_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                  struct ts_diags *diags)
{
    struct generator *generator = (struct generator *)stream;
    const uint64_t max = generator->workload->max_requests;
    *got = max == 0 || generator->next_id < max;
    if (*got && generator->draw.is_open) {
        *out = draw_call(generator, class_of_session(generator));
        return TS_OK;
    }
    return *got ? draw_request(out, generator, 0, -1, diags) : TS_OK;
}

static enum ts_status generator_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                     struct ts_diags *diags)
{
    struct generator *generator = (struct generator *)stream;
    const double tick_s = generator->workload->tick_s;
    struct source *first = &generator->sources[0];
    *got = generator->draw.is_open;
    if (*got) {
        *out = draw_call(generator, class_of_session(generator));
        return TS_OK;
    }
    for (size_t i = 1; i < generator->n_sources; i++) {
        first = generator->sources[i].next_s < first->next_s ? &generator->sources[i] : first;
    }
    *got = first->next_s < generator->workload->window.duration_s;
    if (!*got) {
        return TS_OK;
    }
    const double time_s = tick_s > 0.0 ? floor(first->next_s / tick_s) * tick_s : first->next_s;
    first->next_s = ts_arrivals_next(first->arrivals);
    return draw_request(out, generator, ts_ns_from_s(time_s / generator->times_as_fast), first->class_id, diags);
}

/* ---- its making ---- */

static void generator_destroy(struct ts_request_stream *stream)
{
    struct generator *generator = (struct generator *)stream;
    for (size_t i = 0; i < generator->n_sources; i++) {
        ts_arrivals_destroy(generator->sources[i].arrivals);
    }
    for (size_t i = 0; i < TS_MAX_CLASSES; i++) {
        ts_prefix_copies_destroy(generator->copies[i]);
        ts_deck_destroy(generator->decks[i]);
    }
    free(generator);
}

static bool add_source(struct generator *generator, const struct ts_process *process, double starts_per_s, int class_id)
{
    struct source *source = &generator->sources[generator->n_sources];
    const struct ts_arrivals_key key = {generator->seed, generator->replication, (uint32_t)(class_id + 1)};
    source->arrivals = ts_arrivals_create(process, &generator->workload->window, starts_per_s, key);
    source->class_id = class_id;
    generator->n_sources += source->arrivals != NULL;
    source->next_s = source->arrivals ? ts_arrivals_next(source->arrivals) : INFINITY;
    return source->arrivals != NULL;
}

/* The classes that come on their own, and what is left over. */
static bool add_sources(struct generator *generator)
{
    const struct ts_workload *workload = generator->workload;
    bool any_drawn = false, ok = true;
    for (size_t i = 0; i < workload->n_classes; i++) {
        any_drawn = any_drawn || (!workload->classes[i].process && workload->classes[i].share > 0.0);
    }
    if (any_drawn) {
        ok = add_source(generator, &workload->process, workload->calls_per_s * generator->starts_per_call, -1);
    }
    for (size_t i = 0; i < workload->n_classes && ok; i++) {
        const struct ts_class_spec *spec = &workload->classes[i];
        if (spec->process && spec->share > 0.0) {
            const double starts_per_s = workload->calls_per_s * spec->share / ts_session_mean_calls(&spec->session);
            ok = add_source(generator, spec->process, starts_per_s, (int)i);
        }
    }
    return ok;
}

static bool add_tables(struct generator *generator)
{
    const struct ts_workload *workload = generator->workload;
    bool ok = true;
    for (size_t i = 0; i < workload->n_classes && ok; i++) {
        if (workload->classes[i].has_prefixes) {
            const uint64_t key = ts_mix64(generator->seed ^ ts_mix64(((uint64_t)generator->replication << 8) + i));
            generator->copies[i] = ts_prefix_copies_create(key);
            ok = generator->copies[i] != NULL;
        }
        if (workload->classes[i].n_lengths > 0 && ok) {
            generator->decks[i] = ts_deck_create(workload->classes[i].lengths, workload->classes[i].n_lengths);
            ok = generator->decks[i] != NULL;
        }
    }
    return ok;
}

enum ts_status ts_generator_open(struct ts_request_stream **out, const struct ts_workload *workload, uint64_t seed,
                                 uint32_t replication, struct ts_diags *diags)
{
    static const struct ts_request_stream_ops open = {.next = generator_next, .destroy = generator_destroy};
    static const struct ts_request_stream_ops closed = {.next = closed_next, .destroy = generator_destroy};
    struct generator *generator = calloc(1, sizeof *generator);
    if (generator == NULL) {
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    generator->base.ops = workload->is_closed ? &closed : &open;
    generator->workload = workload;
    generator->times_as_fast = workload->scale_rate > 0.0 ? workload->scale_rate : 1.0;
    generator->seed = seed;
    generator->replication = replication;
    ts_rng_init(&generator->prompts, seed, replication, 0, TS_TRACE_PROMPTS);
    ts_rng_init(&generator->outputs, seed, replication, 0, TS_TRACE_OUTPUTS);
    ts_rng_init(&generator->prefixes, seed, replication, 0, TS_TRACE_PREFIXES);
    ts_rng_init(&generator->sessions, seed, replication, 0, TS_TRACE_SESSIONS);
    weigh_classes(generator);
    if (!add_tables(generator) || (!workload->is_closed && !add_sources(generator))) {
        generator_destroy(&generator->base);
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    *out = &generator->base;
    return TS_OK;
}
