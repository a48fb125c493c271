/* Hides in which order a validation measures and serves. */
#include "app/validate_session.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/bench_common.h"
#include "app/interrupt.h"
#include "app/probe_options.h"
#include "app/validate_endpoint.h"
#include "app/validate_report.h"
#include "app/validate_scenario.h"
#include "base/file.h"
#include "kernels/bench_model.h"
#include "sim/server.h"

enum { SLOT_BATCH_TOK = 512, SLOT_BLOCKS = 512 };
enum { MAX_REQUESTS = 20000, CAPACITY_REQUESTS = 200, LEAST_REQUESTS = 20 };

/* A validation under way. */
struct session {
    const struct ts_validate_options *options;
    const struct ts_args *args;
    struct ts_arena arena;
    struct ts_model_measurement *engine; /* step times, measured before anything is served */
    struct ts_scenario scenario;
    struct ts_model model; /* the server alone */
    struct ts_model_config config;
    char quant[32];
    struct ts_live *live;             /* NULL with an endpoint */
    struct ts_probe_options endpoint; /* http.url NULL: the reference engine */
    char *probe_path;
    struct ts_request *requests; /* [n_requests] as the workload has them */
    size_t n_requests, n_done;
    double capacity_per_s;
    struct ts_validation validations[TS_VALIDATE_MAX_LOADS];
    struct ts_live_run runs[TS_VALIDATE_MAX_LOADS];
    struct ts_request *arrivals[TS_VALIDATE_MAX_LOADS]; /* of each load */
    char *dir, *samples_path;
    double load_frac; /* under way */
};

static bool on_probing(void *context, size_t n_ended, size_t n, double elapsed_s)
{
    const struct session *session = context;
    if (!session->args->quiet && isatty(STDERR_FILENO)) {
        fprintf(stderr, "\rendpoint: %zu of %zu requests, %.0f s ", n_ended, n, elapsed_s);
    }
    return !ts_interrupt_requested();
}

/* Which model, in which format. */
static enum ts_status read_names(struct session *session, struct ts_diags *diags)
{
    struct ts_scenario scenario;
    uint32_t tier = 0;
    enum ts_status status = ts_validate_scenario_load(&scenario, &tier, session->args, NULL, &session->arena, diags);
    if (status != TS_OK) {
        return status;
    }
    status = ts_validate_scenario_check(&scenario.model.tiers[tier], diags);
    if (status == TS_OK) {
        const char *name = scenario.model.tiers[tier].model;
        const char *blank_at = strrchr(name, ' ');
        char *model = blank_at ? ts_arena_strndup(&session->arena, name, (size_t)(blank_at - name)) : NULL;
        snprintf(session->quant, sizeof session->quant, "%s", blank_at ? blank_at + 1 : "");
        status = model ? ts_bench_model_config(&session->config, &session->arena, model, diags) : TS_ENOMEM;
    }
    ts_scenario_deinit(&scenario);
    return status;
}

/* ---- step times ---- */

/* Part of the measurement's time: it is spread over the whole validation, so that a machine whose speed drifts is met
 * at the same speeds as the live runs were. Samples of earlier parts are kept in a file and counted in. */
static enum ts_status measure_steps(struct session *session, size_t part, struct ts_diags *diags)
{
    const struct ts_args *args = session->args;
    const double n_parts = (double)session->options->n_loads + 1.0;
    const struct ts_model_bench_options options = {
        .config = &session->config,
        .quant = session->quant,
        .seed = 1,
        .gguf_path = args->gguf,
        .isa = args->isa,
        .n_threads = (uint32_t)args->threads,
        .max_batch = 32,
        .max_prefill = 512,
        .max_depth = 1024,
        .budget_s = session->options->measure_s * (double)(part + 1) / n_parts,
        .fit_means = true,
        .check = true,
        .resume_path = session->samples_path,
        .progress = ts_bench_progress_of(args),
    };
    const enum ts_status status = ts_bench_model_run(session->engine, &session->arena, &options, diags);
    ts_bench_progress_end(args);
    return status;
}

/* The scenario again, now with step times of this machine. */
static enum ts_status resolve_scenario(struct session *session, struct ts_diags *diags)
{
    struct ts_scenario scenario;
    uint32_t tier = 0;
    const enum ts_status status =
        ts_validate_scenario_load(&scenario, &tier, session->args, session->engine, &session->arena, diags);
    if (status != TS_OK) {
        return status;
    }
    if (session->scenario.model.name) {
        ts_scenario_deinit(&session->scenario);
    }
    session->scenario = scenario;
    ts_validate_alone(&session->model, &scenario.model, tier);
    return TS_OK;
}

/* ---- requests ---- */

static enum ts_status draw_requests(struct session *session, struct ts_diags *diags)
{
    struct ts_request_stream *stream;
    enum ts_status status =
        ts_workload_open(&stream, &session->scenario.workload, session->scenario.model.seed, 0, diags);
    if (status != TS_OK) {
        return status;
    }
    session->requests = calloc(MAX_REQUESTS, sizeof *session->requests);
    int got = session->requests != NULL;
    while (got && session->n_requests < MAX_REQUESTS) {
        struct ts_request *request = &session->requests[session->n_requests];
        status = ts_request_next(stream, request, &got, diags);
        if (status != TS_OK || !got) {
            break;
        }
        request->id = session->n_requests++;
    }
    ts_request_stream_destroy(stream);
    if (status == TS_OK && session->n_requests < LEAST_REQUESTS) {
        status = ts_fail(diags, TS_ESCENARIO, ts_span_none(), "lengthen the workload",
                         "the workload has %zu requests: too few to compare", session->n_requests);
    }
    return status;
}

/* The first n requests at `rate_per_s` on average: the gaps keep their shape. */
static struct ts_request *requests_at(const struct session *session, double rate_per_s, size_t n)
{
    struct ts_request *requests = malloc(n * sizeof *requests);
    const double span_s = 1e-9 * (double)(session->requests[n - 1].arrival_ns - session->requests[0].arrival_ns);
    const double stretch = span_s > 0.0 ? (double)n / rate_per_s / span_s : 0.0;
    for (size_t i = 0; requests && i < n; i++) {
        requests[i] = session->requests[i];
        requests[i].arrival_ns =
            (int64_t)(stretch * (double)(session->requests[i].arrival_ns - session->requests[0].arrival_ns));
    }
    return requests;
}

/* ---- one load ---- */

static bool on_serving(void *user, size_t n_ended, size_t n, double elapsed_s)
{
    const struct session *session = user;
    if (!session->args->quiet && isatty(STDERR_FILENO)) {
        const double n_left = (double)(session->options->n_loads - session->n_done - 1);
        const double rest_s = fmax(0.0, session->options->serve_s - elapsed_s) + n_left * session->options->serve_s;
        fprintf(stderr, "\rserving at %.0f %%: %zu of %zu requests, %.0f s left ", 100.0 * session->load_frac, n_ended,
                n, rest_s);
    }
    return !ts_interrupt_requested();
}

static enum ts_status judge(const struct session *session, size_t index, struct ts_validation *v,
                            struct ts_diags *diags)
{
    const struct ts_request *requests = session->arrivals[index];
    enum ts_status status = ts_timings_of_live(&v->live, v->live_run);
    if (status == TS_OK) {
        status = ts_timings_of_sim(&v->predicted, &session->model, requests, v->n, NULL, diags);
    }
    if (status == TS_OK) {
        status = ts_validate_compare(&v->comparison, &v->live, &v->predicted, 1);
    }
    if (status == TS_OK && session->live) {
        status =
            ts_validate_budget(&v->ttft_budget, &session->model, requests, v->n, v->live_run, TS_VALIDATE_TTFT, diags);
    }
    if (status == TS_OK && session->live) {
        status =
            ts_validate_budget(&v->e2e_budget, &session->model, requests, v->n, v->live_run, TS_VALIDATE_E2E, diags);
    }
    return status;
}

static enum ts_status serve_load(struct session *session, double load_frac, struct ts_diags *diags)
{
    struct ts_validation *v = &session->validations[session->n_done];
    const struct ts_live_progress progress = {.report = on_serving, .user = session};
    const double rate_per_s = load_frac * session->capacity_per_s;
    const double wanted = fmax(LEAST_REQUESTS, rate_per_s * session->options->serve_s);
    session->load_frac = load_frac;
    *v = (struct ts_validation){
        .load_frac = load_frac,
        .rate_per_s = rate_per_s,
        .n = wanted < (double)session->n_requests ? (size_t)wanted : session->n_requests,
        .live_run = &session->runs[session->n_done],
    };
    session->arrivals[session->n_done] = requests_at(session, rate_per_s, v->n);
    if (!session->arrivals[session->n_done]) {
        return TS_ENOMEM;
    }
    struct ts_live_run *run = &session->runs[session->n_done];
    struct ts_request *arrivals = session->arrivals[session->n_done];
    const enum ts_status status = session->live
                                      ? ts_live_serve(run, session->live, arrivals, v->n, &progress, diags)
                                      : ts_validate_endpoint_serve(run, arrivals, v->n, &session->endpoint, diags);
    ts_bench_progress_end(session->args);
    if (status == TS_OK) {
        session->n_done++;
    } else if (status == TS_EINTERRUPTED) {
        ts_live_run_deinit(&session->runs[session->n_done]);
    }
    return status;
}

/* ---- the whole ---- */

static enum ts_status find_capacity(struct session *session, struct ts_diags *diags)
{
    enum ts_status status = draw_requests(session, diags);
    if (status != TS_OK) {
        return status;
    }
    const size_t n = session->n_requests < CAPACITY_REQUESTS ? session->n_requests : CAPACITY_REQUESTS;
    status = ts_validate_capacity(&session->capacity_per_s, &session->model, session->requests, n, diags);
    if (status == TS_OK && !(session->capacity_per_s > 0.0)) {
        status = ts_fail(diags, TS_ESCENARIO, ts_span_none(), "give it more kv_blocks, or shorter requests",
                         "the server can hold none of the requests");
    }
    return status;
}

static enum ts_status prepare_engine(struct session *session, struct ts_diags *diags)
{
    enum ts_status status = read_names(session, diags);
    if (status == TS_OK) {
        status = measure_steps(session, 0, diags);
    }
    if (status == TS_OK) {
        status = resolve_scenario(session, diags);
    }
    if (status == TS_OK) {
        status = find_capacity(session, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    const struct ts_live_options options = {
        .config = &session->config,
        .quant = session->quant,
        .gguf_path = session->args->gguf,
        .isa = session->args->isa,
        .n_threads = (uint32_t)session->args->threads,
        .seed = 1,
        .scheduler = ts_server_scheduler_config(&session->model.tiers[0].u.server),
    };
    return ts_live_create(&session->live, &options, diags);
}

/* The endpoint's server: the scenario's scheduler, or slots; its step times as probing found them. */
static void describe_endpoint(struct session *session)
{
    struct ts_server_model *server = &session->model.tiers[0].u.server;
    const double *coef = session->engine->linear.coef;
    if (session->args->slots) {
        server->policy = TS_SCHEDULER_SLOTS;
        server->max_seqs = (uint32_t)session->args->slots;
        server->max_batched_tok = SLOT_BATCH_TOK;
        server->kv_blocks = session->args->slots * SLOT_BLOCKS;
    }
    server->steps = (struct ts_steps_model){
        .kind = TS_STEPS_LINEAR,
        .origin = TS_ORIGIN_MEASURED,
        .source = "probed over a grid of prompt lengths and concurrencies",
        .u.linear = {.a_s = coef[0],
                     .b_s_per_seq = coef[1],
                     .c_s_per_kv_tok = coef[2],
                     .d_s_per_prefill_tok = coef[3],
                     .e_s_per_pair = coef[4]},
    };
}

static enum ts_status prepare_endpoint(struct session *session, struct ts_diags *diags)
{
    static const struct ts_endpoint_grid grid = {.prompts = "16,64,256", .concurrency = "1,2,4", .output_tok = 24};
    uint32_t tier = 0;
    enum ts_status status = ts_validate_scenario_load(&session->scenario, &tier, session->args, NULL, &session->arena, diags);
    if (status != TS_OK) {
        return status;
    }
    ts_validate_alone(&session->model, &session->scenario.model, tier);
    status = ts_probe_try(&session->endpoint, diags);
    if (status == TS_OK) {
        status = ts_validate_endpoint_calibrate(session->engine, &session->arena, session->probe_path,
                                                &session->endpoint, &grid, diags);
    }
    if (status == TS_OK && !session->engine->fitted) {
        status = ts_fail(diags, TS_EIO, ts_span_none(), "see requests and times in probe.json",
                         "no step times could be fitted to what the endpoint did");
    }
    if (status != TS_OK) {
        return status;
    }
    describe_endpoint(session);
    return find_capacity(session, diags);
}

static enum ts_status print(const struct session *session)
{
    if (session->live) {
        printf("%s %s on this machine, %u thread%s, kernel %s\n", ts_live_model(session->live),
               ts_live_quant(session->live), ts_live_threads(session->live),
               ts_live_threads(session->live) == 1 ? "" : "s", ts_live_kernel(session->live));
    } else {
        printf("%s\n", session->endpoint.http.url);
    }
    printf("step times: %s\ncapacity: %.3g requests/s (simulated)\n\n", session->model.tiers[0].u.server.steps.source,
           session->capacity_per_s);
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < session->n_done; i++) {
        status = ts_bench_print_table(ts_validate_table(&session->validations[i]), TS_TABLE_TEXT);
    }
    if (status == TS_OK && session->live) {
        status = ts_bench_print_table(ts_validate_budget_table(session->validations, session->n_done), TS_TABLE_TEXT);
    }
    return status;
}

static enum ts_status verdict(const struct session *session, struct ts_diags *diags)
{
    double central_frac = 0.0;
    double tail_frac = 0.0;
    for (size_t i = 0; i < session->n_done; i++) {
        double central, tail;
        if (session->validations[i].comparison.n_pairs == 0) {
            return ts_fail(diags, TS_EIO, ts_span_none(), "see requests.csv",
                           "at %.0f %% load no request was answered: nothing to compare",
                           100.0 * session->validations[i].load_frac);
        }
        ts_validate_worst(&session->validations[i].comparison, &central, &tail);
        central_frac = fmax(central_frac, central);
        tail_frac = fmax(tail_frac, tail);
    }
    printf("verdict: means and medians off by %.2g %% at worst, 90th and 99th percentiles by %.2g %%\n%s\n",
           100.0 * central_frac, 100.0 * tail_frac, session->dir);
    const double limit = session->options->max_error_frac;
    if (central_frac > limit || tail_frac > 2.0 * limit) {
        return ts_fail(diags, TS_ELIMIT, ts_span_none(), NULL,
                       "the error passes the limit of %.3g %% (percentiles %.3g %%)", 100.0 * limit, 200.0 * limit);
    }
    return TS_OK;
}

static enum ts_status serve_all(struct session *session, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < session->options->n_loads; i++) {
        status = serve_load(session, session->options->loads[i], diags);
        if (status == TS_OK && session->live) {
            status = measure_steps(session, i + 1, diags);
        }
    }
    return status;
}

static enum ts_status judge_all(struct session *session, struct ts_diags *diags)
{
    enum ts_status status = session->live ? resolve_scenario(session, diags) : TS_OK;
    for (size_t i = 0; status == TS_OK && i < session->n_done; i++) {
        status = judge(session, i, &session->validations[i], diags);
    }
    return status;
}

static enum ts_status open_folder(struct session *session, struct ts_diags *diags)
{
    session->dir = ts_path_join("", session->args->out ? session->args->out : "out/validation");
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

static enum ts_status validate(struct session *session, struct ts_diags *diags)
{
    enum ts_status status = open_folder(session, diags);
    if (status == TS_OK) {
        session->engine = ts_arena_alloc(&session->arena, sizeof *session->engine);
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
        shown = print(session);
    }
    if (shown == TS_OK) {
        shown = ts_validate_write(session->dir, session->validations, session->n_done, diags);
    }
    if (shown == TS_OK) {
        shown = ts_model_measurement_write(session->engine, session->samples_path, diags); /* with the fits */
    }
    if (shown == TS_OK) {
        shown = verdict(session, diags);
    }
    return status == TS_OK ? shown : status;
}

enum ts_status ts_validate_session_run(const struct ts_validate_options *options, struct ts_diags *diags)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session) {
        return TS_ENOMEM;
    }
    session->options = options;
    session->args = options->args;
    session->endpoint = options->endpoint;
    session->endpoint.on_progress = on_probing;
    session->endpoint.context = session;
    ts_arena_init(&session->arena);
    const enum ts_status status = validate(session, diags);
    for (size_t i = 0; i < session->n_done; i++) {
        ts_timings_deinit(&session->validations[i].live);
        ts_timings_deinit(&session->validations[i].predicted);
        ts_live_run_deinit(&session->runs[i]);
    }
    for (size_t i = 0; i < TS_VALIDATE_MAX_LOADS; i++) {
        free(session->arrivals[i]);
    }
    free(session->dir);
    free(session->samples_path);
    free(session->probe_path);
    ts_live_destroy(session->live);
    free(session->requests);
    if (session->scenario.model.name) {
        ts_scenario_deinit(&session->scenario);
    }
    ts_arena_deinit(&session->arena);
    free(session);
    return status;
}
