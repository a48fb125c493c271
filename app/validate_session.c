/* Hides in which order a validation measures and serves. */
#include "app/validate_session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/interrupt.h"
#include "app/probe_options.h"
#include "app/progress_line.h"
#include "app/validate_print.h"
#include "base/file.h"
#include "live/validate_endpoint.h"
#include "live/validate_engine.h"
#include "live/validate_requests.h"

enum { CAPACITY_REQUESTS = 2000, LEAST_REQUESTS = 20, GRID_CONCURRENCY = 4 };

static const double first_share = 0.3, second_share = 0.5; /* of the measuring before anything is served */
static const double pause_every_s = 0.5;                   /* measuring amid serving */
static const double pace_window_s = 4.0;
static const double usual_limit_frac = 0.05; /* where --max-error does not say another */

/* A validation under way. */
struct session {
    const struct ts_validate_options *options;
    struct ts_progress_line line;
    struct ts_arena *arena;
    struct ts_model_measurement *engine; /* step times */
    struct ts_scenario scenario;
    struct ts_model model;     /* the server alone */
    struct ts_pool_model pool; /* of it */
    struct ts_live *live;      /* NULL with an endpoint */
    struct ts_calibration *calibration;
    struct ts_pace_memory memory;     /* of the final fit */
    struct ts_probe_options endpoint; /* http.url NULL: the reference engine */
    struct ts_endpoint_probe probe;   /* of it */
    size_t n_rehearsed;               /* requests, from the end of the list */
    struct ts_request_list list;
    double capacity_per_s;
    double loads[TS_VALIDATE_MAX_LOADS]; /* [n_loads] */
    size_t n_loads, n_points, n_done;
    struct ts_validation *validations; /* [n_points] */
    struct ts_live_run *runs;          /* [n_points] */
    struct ts_request **arrivals;      /* [n_points] */
    char *dir, *samples_path, *probe_path;
    struct ts_diags *diags;
};

/* ---- the engine ---- */

/* Takes over a scenario: as it is before measuring, or with the step times that there are by now. */
static enum ts_status load_scenario(struct session *session, const struct ts_model_measurement *engine,
                                    struct ts_diags *diags)
{
    struct ts_scenario scenario;
    uint32_t tier = 0;
    const enum ts_status status =
        ts_validate_scenario_load(&scenario, &tier, &session->options->source, engine, session->arena, diags);
    if (status != TS_OK) {
        return status;
    }
    if (session->scenario.model.name) {
        ts_scenario_deinit(&session->scenario);
    }
    session->scenario = scenario;
    ts_validate_alone(&session->model, &session->pool, &scenario.model, tier);
    return TS_OK;
}

static enum ts_status open_engine(struct session *session, struct ts_diags *diags)
{
    const struct ts_validate_engine_options how = {.tier = &session->model.tiers[0],
                                                   .list = &session->list,
                                                   .gguf_path = session->options->gguf_path,
                                                   .isa = session->options->isa,
                                                   .n_threads = session->options->n_threads,
                                                   .progress = ts_progress_line_of(&session->line)};
    return ts_validate_engine_open(&session->live, &session->calibration, &how, session->arena, diags);
}

/* Fits all samples so far, and puts the fit into the model. */
static enum ts_status fit_steps(struct session *session, struct ts_diags *diags)
{
    const enum ts_status status = ts_calibration_fit(session->engine, session->calibration, session->arena, diags);
    return status == TS_OK ? load_scenario(session, session->engine, diags) : status;
}

/* Measures for a share of the time. */
static enum ts_status measure_steps(struct session *session, double share, struct ts_diags *diags)
{
    const enum ts_status status =
        ts_calibration_measure(session->calibration, share * session->options->measure_s, diags);
    ts_progress_line_end(&session->line);
    return status == TS_OK ? fit_steps(session, diags) : status;
}

/* ---- one load ---- */

static enum ts_status on_pause(void *user, double elapsed_s)
{
    const struct session *session = user;
    return ts_calibration_pause(session->calibration, elapsed_s, session->diags);
}

/* From the list, by their rate or by users. */
static struct ts_request *requests_at(const struct session *session, const struct ts_validation *v, size_t first,
                                      size_t n)
{
    const struct ts_users_model *users = &session->scenario.model.users;
    return v->n_users > 0 ? ts_request_list_of_users(&session->list, first, n, v->n_users, &users->think_s,
                                                     session->scenario.model.seed)
                          : ts_request_list_at(&session->list, first, n, v->rate_per_s);
}

static uint32_t users_at(const struct session *session, double load_frac)
{
    const double n = round(load_frac * session->scenario.model.users.n);
    return session->scenario.model.users.n == 0 ? 0 : n < 1.0 ? 1 : (uint32_t)n;
}

/* Requests a second of so many users, who think and wait: at most what the server carries. */
static double rate_of_users(const struct session *session, uint32_t n_users)
{
    const double think_s = ts_dist_mean(&session->scenario.model.users.think_s);
    return n_users / (think_s + n_users / session->capacity_per_s);
}

/* The requests of one load, once: each time others. */
static enum ts_status plan_point(struct session *session, size_t index)
{
    struct ts_validation *v = &session->validations[index];
    const size_t n_loads = session->n_loads;
    const double load_frac = session->loads[index % n_loads];
    const uint32_t n_users = users_at(session, load_frac);
    const double rate_per_s = n_users > 0 ? rate_of_users(session, n_users) : load_frac * session->capacity_per_s;
    const double wanted = fmax(LEAST_REQUESTS, rate_per_s * session->options->serve_s);
    *v = (struct ts_validation){
        .load_frac = load_frac,
        .n_users = n_users,
        .run = (uint32_t)(index / n_loads),
        .rate_per_s = rate_per_s,
        .n = wanted < (double)session->list.n ? (size_t)wanted : session->list.n,
        .live_run = &session->runs[index],
    };
    free(session->arrivals[index]);
    session->arrivals[index] = requests_at(session, v, v->run * v->n % session->list.n, v->n);
    return session->arrivals[index] ? TS_OK : TS_ENOMEM;
}

static enum ts_status plan_points(struct session *session, struct ts_diags *diags)
{
    const size_t n = session->list.n < CAPACITY_REQUESTS ? session->list.n : CAPACITY_REQUESTS;
    enum ts_status status =
        ts_validate_capacity(&session->capacity_per_s, &session->model, session->list.requests, n, diags);
    if (status == TS_OK && !(session->capacity_per_s > 0.0)) {
        status = ts_fail(diags, TS_ESCENARIO, ts_span_none(), "give it more kv_blocks, or shorter requests",
                         "the server can hold none of the requests");
    }
    for (size_t i = 0; status == TS_OK && i < session->n_points; i++) {
        status = plan_point(session, i);
    }
    return status;
}

static enum ts_status follow_workload(struct session *session, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < session->n_loads; i++) {
        status = ts_validate_engine_follow(session->calibration, &session->model, &session->list,
                                           session->loads[i] * session->capacity_per_s, diags);
    }
    return status;
}

static enum ts_status serve_point(struct session *session, size_t index, struct ts_diags *diags)
{
    const struct ts_live_hooks hooks = {.progress = ts_progress_line_of(&session->line),
                                        .pause = on_pause,
                                        .pause_every_s = pause_every_s,
                                        .user = session};
    snprintf(session->line.prefix, sizeof session->line.prefix, "run %zu of %zu, at %.0f %%", index + 1,
             session->n_points, 100.0 * session->validations[index].load_frac);
    struct ts_live_run *run = &session->runs[index];
    struct ts_request *arrivals = session->arrivals[index];
    const size_t n = session->validations[index].n;
    if (session->live) {
        ts_calibration_begin_run(session->calibration, (uint32_t)index, (uint32_t)(index % session->n_loads));
    }
    const enum ts_status status =
        session->live ? ts_live_serve(run, session->live, arrivals, n, &hooks, diags)
                      : ts_validate_endpoint_serve(run, arrivals, n, session->validations[index].n_users,
                                                   &session->endpoint, diags);
    ts_progress_line_end(&session->line);
    session->line.prefix[0] = '\0';
    if (status == TS_OK) {
        session->n_done++;
    } else if (status == TS_EINTERRUPTED) {
        ts_live_run_deinit(run);
    }
    return status;
}

/* ---- judging ---- */

/* The prediction, and with an engine whose pace is known, that at the usual pace. */
static enum ts_status predict(struct ts_validation *v, const struct ts_model *model, const struct ts_request *requests,
                              struct ts_diags *diags)
{
    const struct ts_pace usual = {.memory = v->pace.memory};
    const struct ts_timings_options paced = {.pace = &v->pace}, unpaced = {.pace = &usual};
    enum ts_status status = ts_timings_of_sim(&v->predicted, model, requests, v->n, &paced, diags);
    if (status == TS_OK) {
        status = ts_validate_compare(&v->comparison, &v->live, &v->predicted, 1);
    }
    if (status == TS_OK && v->pace.n > 0) {
        status = ts_timings_of_sim(&v->unpaced, model, requests, v->n, &unpaced, diags);
    }
    if (status == TS_OK && v->pace.n > 0) {
        status = ts_validate_compare(&v->unpaced_comparison, &v->live, &v->unpaced, 1);
    }
    return status;
}

static enum ts_status judge_engine(struct session *session, size_t index, struct ts_validation *v,
                                   struct ts_diags *diags)
{
    const struct ts_request *requests = session->arrivals[index];
    const struct ts_validate_budget_input input = {
        .model = &session->model, .requests = requests, .n = v->n, .run = v->live_run, .pace = &v->pace};
    v->steps = &session->pool.replica.steps;
    enum ts_status status = ts_calibration_pace(&v->pace, session->calibration, (uint32_t)index, session->engine,
                                                &session->memory, pace_window_s, session->arena);
    if (status == TS_OK) {
        status = predict(v, &session->model, requests, diags);
    }
    if (status == TS_OK) {
        status = ts_validate_budget(&v->ttft_budget, &input, TS_VALIDATE_TTFT, diags);
    }
    return status == TS_OK ? ts_validate_budget(&v->e2e_budget, &input, TS_VALIDATE_E2E, diags) : status;
}

/* With the step times as the rehearsals before and after have them. */
static enum ts_status judge_endpoint(struct session *session, size_t index, struct ts_validation *v,
                                     struct ts_diags *diags)
{
    struct ts_model model;
    struct ts_pool_model pool;
    const enum ts_status status = ts_endpoint_tune(&v->factors, &session->model, index, session->probe.rehearsals,
                                                   session->probe.n_rehearsals, diags);
    ts_endpoint_scale(&model, &pool, &session->model, &v->factors);
    return status == TS_OK ? predict(v, &model, session->arrivals[index], diags) : status;
}

static enum ts_status judge(struct session *session, size_t index, struct ts_validation *v, struct ts_diags *diags)
{
    const enum ts_status status = ts_timings_of_live(&v->live, v->live_run);
    if (status != TS_OK) {
        return status;
    }
    v->rate_per_s = v->n_users > 0 && v->live.end_s > 0.0 ? (double)v->live.n_done / v->live.end_s : v->rate_per_s;
    return session->live ? judge_engine(session, index, v, diags) : judge_endpoint(session, index, v, diags);
}

/* ---- the whole ---- */

static enum ts_status draw_requests(struct session *session, struct ts_diags *diags)
{
    const struct ts_progress progress = ts_progress_line_of(&session->line);
    const bool takes_users = session->endpoint.http.url != NULL;
    enum ts_status status = ts_request_list_draw(&session->list, &session->scenario, takes_users, &progress, diags);
    const uint32_t n_users = session->scenario.model.users.n;
    if (n_users > 0 && session->options->loads_are_usual) {
        session->loads[0] = 1.0;
        session->n_loads = 1;
        session->n_points = session->options->n_runs;
    }
    if (status == TS_OK && n_users > TS_HTTP_MAX_IN_FLIGHT) {
        status = ts_fail(diags, TS_ESCENARIO, ts_span_none(), NULL, "at most %d users can be had at once, not %u",
                         TS_HTTP_MAX_IN_FLIGHT, n_users);
    }
    return status;
}

static enum ts_status prepare_engine(struct session *session, struct ts_diags *diags)
{
    enum ts_status status = load_scenario(session, NULL, diags);
    if (status == TS_OK) {
        status = draw_requests(session, diags);
    }
    if (status == TS_OK) {
        status = open_engine(session, diags);
    }
    if (status == TS_OK) {
        status = measure_steps(session, first_share, diags);
    }
    if (status == TS_OK) {
        status = plan_points(session, diags);
    }
    if (status == TS_OK) {
        status = follow_workload(session, diags);
    }
    if (status == TS_OK) {
        status = measure_steps(session, second_share, diags);
    }
    return status == TS_OK ? plan_points(session, diags) : status;
}

/* Fits all that was probed so far. */
static enum ts_status fit_endpoint(struct session *session, struct ts_diags *diags)
{
    const enum ts_status status = ts_endpoint_probe_fit(session->engine, session->arena, &session->probe, diags);
    if (status == TS_OK) {
        ts_validate_endpoint_describe(&session->pool.replica, session->engine, session->options->n_slots,
                                      session->options->kv_unified);
    }
    return status;
}

static enum ts_status prepare_endpoint(struct session *session, struct ts_diags *diags)
{
    enum ts_status status = load_scenario(session, NULL, diags);
    if (status == TS_OK) {
        status = draw_requests(session, diags);
    }
    if (status == TS_OK) {
        status = ts_probe_try(&session->endpoint, diags);
    }
    if (status == TS_OK) {
        ts_endpoint_probe_init(&session->probe, &session->endpoint, session->probe_path);
        status =
            ts_endpoint_probe_grid(&session->probe, &session->list,
                                   session->options->n_slots ? session->options->n_slots : GRID_CONCURRENCY, diags);
    }
    if (status == TS_OK) {
        status = fit_endpoint(session, diags);
    }
    return status == TS_OK ? plan_points(session, diags) : status;
}

/* Other requests than any that are to be predicted, at the load of that point, for a third of its time. */
static enum ts_status rehearse(struct session *session, size_t index, struct ts_diags *diags)
{
    const struct ts_validation *v = &session->validations[index];
    const size_t n = v->n / 3 + 1;
    const size_t first = (session->list.n - (session->n_rehearsed += n) % session->list.n) % session->list.n;
    struct ts_request *requests = requests_at(session, v, first, n);
    return requests ? ts_endpoint_probe_rehearse(&session->probe, index, requests, n, v->n_users, diags) : TS_ENOMEM;
}

static struct ts_validate_limits limits_of(const struct session *session)
{
    const double given = session->options->max_error_frac;
    const double central_frac = isnan(given) ? usual_limit_frac : given;
    return (struct ts_validate_limits){central_frac, 2.0 * central_frac};
}

static enum ts_status serve_all(struct session *session, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < session->n_points; i++) {
        status = session->live ? TS_OK : rehearse(session, i, diags);
        if (status == TS_OK) {
            status = serve_point(session, i, diags);
        }
        if (status == TS_OK && !session->live) {
            status = rehearse(session, i, diags);
        }
    }
    if (status == TS_OK && session->live) {
        status = measure_steps(session, 1.0 - first_share - second_share, diags);
    }
    return status;
}

static enum ts_status judge_all(struct session *session, struct ts_diags *diags)
{
    enum ts_status status = session->live ? fit_steps(session, diags) : fit_endpoint(session, diags);
    if (status == TS_OK && session->live) {
        ts_calibration_memory(&session->memory, session->calibration, session->engine);
    }
    for (size_t i = 0; status == TS_OK && i < session->n_done; i++) {
        status = judge(session, i, &session->validations[i], diags);
    }
    return status;
}

static enum ts_status open_folder(struct session *session, struct ts_diags *diags)
{
    session->dir = ts_path_join("", session->options->folder);
    session->samples_path = session->dir ? ts_path_join(session->dir, "engine.json") : NULL;
    session->probe_path = session->dir ? ts_path_join(session->dir, "probe.json") : NULL;
    if (!session->samples_path || !session->probe_path) {
        return TS_ENOMEM;
    }
    const enum ts_status status = ts_mkdirs(session->dir, diags);
    if (status == TS_OK) {
        (void)remove(session->samples_path);
    }
    return status;
}

static enum ts_status write_pauses(const struct session *session, struct ts_diags *diags)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_calibration_csv(&text, session->calibration, session->engine, &session->memory);
    const enum ts_status status = ts_file_write_text(session->dir, "pauses.csv", &text, diags);
    ts_text_deinit(&text);
    return status;
}

static enum ts_status validate(struct session *session, struct ts_diags *diags)
{
    enum ts_status status = open_folder(session, diags);
    if (status == TS_OK) {
        session->engine = ts_arena_alloc(session->arena, sizeof *session->engine);
        status = !session->engine             ? TS_ENOMEM
                 : session->endpoint.http.url ? prepare_endpoint(session, diags)
                                              : prepare_engine(session, diags);
    }
    if (status == TS_OK) {
        status = serve_all(session, diags);
    }
    if (status != TS_OK && !(status == TS_EINTERRUPTED && session->n_done > 0)) {
        return status;
    }
    enum ts_status shown = judge_all(session, diags);
    if (shown == TS_OK) {
        const struct ts_validate_view view = {
            .live = session->live,
            .url = session->endpoint.http.url,
            .prompt_seed = session->options->prompt_seed,
            .engine = session->engine,
            .memory = &session->memory,
            .capacity_per_s = session->capacity_per_s,
            .validations = session->validations,
            .n = session->n_done,
            .limits = limits_of(session),
        };
        shown = ts_validate_print(&view);
    }
    if (shown == TS_OK) {
        printf("%s\n", session->dir);
        const struct ts_progress progress = ts_progress_line_of(&session->line);
        shown = ts_validate_write(session->dir, session->validations, session->n_done, &progress, diags);
    }
    if (shown == TS_OK) {
        shown = ts_model_measurement_write(session->engine, session->samples_path, diags); /* with the fits */
    }
    if (shown == TS_OK && session->live) {
        shown = write_pauses(session, diags);
    }
    if (shown == TS_OK) {
        shown = ts_validate_verdict(session->validations, session->n_done, session->options->max_error_frac, diags);
    }
    if (status == TS_OK && shown == TS_OK && ts_interrupt_requested()) {
        status = TS_EINTERRUPTED;
    }
    return status == TS_OK ? shown : status;
}

static void close_session(struct session *session)
{
    for (size_t i = 0; i < session->n_done; i++) {
        ts_timings_deinit(&session->validations[i].live);
        ts_timings_deinit(&session->validations[i].predicted);
        ts_timings_deinit(&session->validations[i].unpaced);
        ts_live_run_deinit(&session->runs[i]);
    }
    for (size_t i = 0; session->arrivals && i < session->n_points; i++) {
        free(session->arrivals[i]);
    }
    free(session->validations);
    free(session->runs);
    free(session->arrivals);
    free(session->dir);
    free(session->samples_path);
    free(session->probe_path);
    ts_calibration_destroy(session->calibration);
    ts_endpoint_probe_deinit(&session->probe);
    ts_live_destroy(session->live);
    ts_request_list_deinit(&session->list);
    if (session->scenario.model.name) {
        ts_scenario_deinit(&session->scenario);
    }
    free(session);
}

enum ts_status ts_validate_session_run(const struct ts_validate_options *options, struct ts_arena *arena,
                                       struct ts_diags *diags)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session) {
        return TS_ENOMEM;
    }
    session->options = options;
    session->arena = arena;
    session->endpoint = options->endpoint;
    session->line.quiet = options->quiet;
    session->endpoint.progress = ts_progress_line_of(&session->line);
    session->diags = diags;
    memcpy(session->loads, options->loads, sizeof session->loads);
    session->n_loads = options->n_loads;
    session->n_points = options->n_loads * options->n_runs;
    session->validations = calloc(session->n_points, sizeof *session->validations);
    session->runs = calloc(session->n_points, sizeof *session->runs);
    session->arrivals = calloc(session->n_points, sizeof *session->arrivals);
    const enum ts_status status =
        session->validations && session->runs && session->arrivals ? validate(session, diags) : TS_ENOMEM;
    close_session(session);
    return status;
}
