/* Hides the arrival process: a renewal process in operational time, mapped to the clock by the inverse of the
 * cumulative rate of the week (Cinlar, "Introduction to Stochastic Processes", 1975, ch. 4.7; Gerhardt and Nelson,
 * INFORMS J. Computing 21, 2009). One unit of operational time is one expected arrival: an hour with rate r lasts 3600
 * r units, the rate is constant within it, so the inverse is exact. Gaps have mean 1, whatever their distribution, so
 * the expected number of arrivals in any window is the integral of the rate. That holds if the process is stationary at
 * the start of the window and does not begin with a full gap: it is started 4,096 units (and a uniform fraction)
 * before. For gamma gaps of CV 13 a start with a full gap would add (13^2 - 1)/2 = 84 arrivals to every window.
 *
 * Sessions arrive by the same process, as many fewer as they have calls: calls of a session follow one another in the
 * stream, all with its arrival. The window begins without any under way. */
#include "traces/workload_stream.h"

#include <math.h>
#include <stdlib.h>

#include "base/units.h"
#include "traces/label.h"
#include "traces/session_draw.h"
#include "traces/trace_format.h"

static const double burn_in = 4096.0;
static const double hour_s = 3600.0;

struct generator {
    struct ts_request_stream base;
    const struct ts_workload *workload;
    uint64_t seed;
    uint32_t replication;
    struct ts_rng gaps, prompts, outputs;
    double gap_scale;                    /* makes the mean of the gaps 1 */
    double week_arrivals[TS_WEEK_HOURS]; /* expected by hour of the week: the hour's length in operational time */
    size_t hour_of_week;                 /* of the hour in which the process stands */
    double at;                           /* operational time since the start of that hour */
    double next_gap;                     /* from there to the next arrival */
    double hour_start_s; /* that hour's start on the window's clock; below 0 if the window starts within an hour */
    uint64_t next_id;
    double starts[TS_MAX_CLASSES]; /* of what begins, requests and sessions alike: weights of the classes */
    double starts_per_call;        /* their sum; 1 without sessions */
    bool has_sessions;
    struct ts_rng sessions;
    uint64_t n_sessions;
    int64_t session_ns; /* when the session that is being drawn began */
    struct ts_session_draw draw;
};

static double draw_gap(struct generator *generator)
{
    double gap = ts_dist_sample(&generator->workload->gap, &generator->gaps) * generator->gap_scale;
    return gap > 0.0 ? gap : 0.0;
}

/* Steps to the next arrival; false when it lies behind the window. */
static bool step(struct generator *generator)
{
    generator->at += generator->next_gap;
    generator->next_gap = draw_gap(generator);
    double end_s = generator->workload->duration_s;
    while (!(generator->at < generator->week_arrivals[generator->hour_of_week])) {
        generator->at -= generator->week_arrivals[generator->hour_of_week];
        generator->hour_of_week = (generator->hour_of_week + 1) % TS_WEEK_HOURS;
        generator->hour_start_s += hour_s;
        if (!(generator->hour_start_s < end_s)) {
            return false;
        }
    }
    return true;
}

static double arrival_s(const struct generator *generator)
{
    return generator->hour_start_s + hour_s * generator->at / generator->week_arrivals[generator->hour_of_week];
}

/* A share of the calls is fewer of those that begin, where a session has many. */
static void weigh_classes(struct generator *generator)
{
    const struct ts_workload *workload = generator->workload;
    generator->starts_per_call = 0.0;
    for (size_t i = 0; i < workload->n_classes; i++) {
        const struct ts_class_spec *spec = &workload->classes[i];
        generator->has_sessions = generator->has_sessions || spec->session.on;
        generator->starts[i] = spec->share / ts_session_mean_calls(&spec->session);
        generator->starts_per_call += generator->starts[i];
    }
    generator->starts_per_call = generator->has_sessions ? generator->starts_per_call : 1.0;
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
    ts_session_draw_begin(draw, &generator->workload->classes[class_id],
                          ts_mix64(run ^ ts_mix64(++generator->n_sessions)), ts_mix64(run ^ (UINT64_MAX - class_id)));
    return draw_call(generator, class_id);
}

/* What begins: a request, or the first of a session. */
static struct ts_request draw_request(struct generator *generator, int64_t arrival_ns)
{
    const struct ts_workload *workload = generator->workload;
    struct ts_request request = {.arrival_ns = arrival_ns};
    if (generator->has_sessions) {
        request.class_id = draw_class(generator);
        request.has_class = true;
        if (workload->classes[request.class_id].session.on) {
            return begin_session(generator, request.class_id, arrival_ns);
        }
    }
    request.id = generator->next_id++;
    ts_label_draw(&request, workload, NULL, generator->seed, generator->replication);
    const struct ts_class_spec *spec = &workload->classes[request.class_id];
    request.prompt_tok = ts_draw_tokens(&spec->prompt_tok, &generator->prompts, workload->max_prompt_tok);
    request.output_tok = ts_draw_tokens(&spec->output_tok, &generator->outputs, workload->max_output_tok);
    return request;
}

static uint16_t class_of_session(const struct generator *generator)
{
    return (uint16_t)(generator->draw.spec - generator->workload->classes);
}

/* Of a closed loop: whenever one is asked for. */
static enum ts_status closed_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                  struct ts_diags *diags)
{
    struct generator *generator = (struct generator *)stream;
    const uint64_t max = generator->workload->max_requests;
    (void)diags;
    *got = max == 0 || generator->next_id < max;
    if (*got) {
        *out = generator->draw.is_open ? draw_call(generator, class_of_session(generator)) : draw_request(generator, 0);
    }
    return TS_OK;
}

static enum ts_status generator_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                     struct ts_diags *diags)
{
    struct generator *generator = (struct generator *)stream;
    const struct ts_workload *workload = generator->workload;
    (void)diags;
    *got = generator->draw.is_open;
    if (generator->draw.is_open) {
        *out = draw_call(generator, class_of_session(generator));
        return TS_OK;
    }
    if (!(generator->hour_start_s < workload->duration_s) || !step(generator)) {
        return TS_OK;
    }
    double time_s = arrival_s(generator);
    if (!(time_s < workload->duration_s)) {
        generator->hour_start_s = workload->duration_s; /* ended */
        return TS_OK;
    }
    *out = draw_request(generator, ts_ns_from_s(time_s));
    *got = 1;
    return TS_OK;
}

static void generator_destroy(struct ts_request_stream *stream)
{
    free(stream);
}

/* Puts the process at the start of the window, on the way to the first arrival behind it. */
static void place_at_start(struct generator *generator)
{
    double start_hour = fmod(generator->workload->start_hour, (double)TS_WEEK_HOURS);
    start_hour += start_hour < 0.0 ? (double)TS_WEEK_HOURS : 0.0;
    double whole = floor(start_hour);
    double within = start_hour - whole;
    generator->hour_of_week = (size_t)whole % TS_WEEK_HOURS;
    generator->hour_start_s = -within * hour_s;
    generator->at = within * generator->week_arrivals[generator->hour_of_week];
    double until_start = burn_in + ts_rng_uniform(&generator->gaps);
    double gap = draw_gap(generator);
    while (gap < until_start) {
        until_start -= gap;
        gap = draw_gap(generator);
    }
    generator->next_gap = gap - until_start;
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
    generator->seed = seed;
    generator->replication = replication;
    ts_rng_init(&generator->gaps, seed, replication, 0, TS_TRACE_GAPS);
    ts_rng_init(&generator->prompts, seed, replication, 0, TS_TRACE_PROMPTS);
    ts_rng_init(&generator->outputs, seed, replication, 0, TS_TRACE_OUTPUTS);
    ts_rng_init(&generator->sessions, seed, replication, 0, TS_TRACE_SESSIONS);
    weigh_classes(generator);
    *out = &generator->base;
    if (workload->is_closed) {
        return TS_OK;
    }
    generator->gap_scale = 1.0 / ts_dist_mean(&workload->gap);
    double mean = ts_workload_curve_mean(workload);
    for (size_t hour = 0; hour < TS_WEEK_HOURS; hour++) {
        double weight = workload->week_curve != NULL ? workload->week_curve[hour] / mean : 1.0;
        generator->week_arrivals[hour] = workload->calls_per_s * generator->starts_per_call * hour_s * weight;
    }
    place_at_start(generator);
    return TS_OK;
}
