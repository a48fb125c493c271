/* Calibration from logs: of made-up deployments whose constants are known, and of a recorded run of vLLM (skipped where
 * ../shared/data/vllm_rtx4090 is not there). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "study/log_fit.h"
#include "study/log_match.h"

#define DATA TS_SHARED_DIR "/data/vllm_rtx4090"

enum { N_TRUTHS = 160, N_REQUESTS = 300, N_LOGGED = 200 };

/* Between a fifth and four fifths of what it can serve, so that batches differ. */
static const char one_server[] =
    "scenario: calibrate\n"
    "seed: 3\n"
    "workload:\n"
    "  duration: 1 min\n"
    "  calls: 5 /s\n"
    "  classes: [{name: chat, share: 100 %, prompt: {lognormal: {mean: 1500 tok, cv: 1.2}},\n"
    "             output: {lognormal: {mean: 200 tok, cv: 0.8}}}]\n"
    "tiers:\n"
    "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: BF16, ability: 0}\n"
    "simulation: {patience: 0 s}\n";

static void load_scenario(struct ts_scenario *scenario, const char *text, const char *const *sets, size_t n_sets)
{
    const struct ts_scenario_options options = {.text = text, .sets = sets, .n_sets = n_sets};
    struct ts_diags diags;
    ts_diags_init(&diags);
    if (ts_scenario_load(scenario, "calibrate.yaml", &options, &diags) != TS_OK) {
        fail_msg("%s", diags.items[0].message);
    }
    ts_diags_deinit(&diags);
}

static void draw_requests(struct ts_request *requests, const struct ts_scenario *scenario)
{
    struct ts_request_stream *stream = NULL;
    int got = 1;
    assert_int_equal(ts_workload_open(&stream, &scenario->workload, scenario->model.seed, 0, NULL, NULL), TS_OK);
    for (size_t i = 0; i < N_REQUESTS; i++) {
        assert_int_equal(ts_request_next(stream, &requests[i], &got, NULL), TS_OK);
        if (!got) {
            requests[i] = requests[i - 1];
        }
    }
    ts_request_stream_destroy(stream);
}

struct deployment {
    const struct ts_scenario *scenario;
    struct ts_request requests[N_REQUESTS];
    uint32_t run[N_REQUESTS];
    struct ts_table_fit table;
    double factors[TS_LOG_N_PARTS], request_s;
    struct ts_log_request logged[N_REQUESTS];
};

static struct ts_log_replay replay_of(const struct deployment *d)
{
    return (struct ts_log_replay){
        .model = &d->scenario->model, .tier = 0, .requests = d->requests, .run = d->run, .n = N_REQUESTS};
}

/* What the deployment serves, each time off by a share of its own. */
static void write_log(struct deployment *d, double noise_frac, uint32_t truth)
{
    static struct ts_log_served served[N_REQUESTS];
    const struct ts_log_replay replay = replay_of(d);
    struct ts_rng rng;
    ts_rng_init(&rng, 11, truth, 0, 1);
    assert_int_equal(ts_log_replay(served, &replay, &d->table, d->factors, NULL), TS_OK);
    for (size_t i = 0; i < N_REQUESTS; i++) {
        const double first_s = (served[i].ttft_s + d->request_s) * (1.0 + noise_frac * ts_rng_normal(&rng));
        const double decode_s = (served[i].latency_s - served[i].ttft_s) * (1.0 + noise_frac * ts_rng_normal(&rng));
        d->logged[i] = (struct ts_log_request){.start_s = 1e-9 * (double)(d->requests[i].arrival_ns),
                                               .ttft_s = first_s,
                                               .latency_s = first_s + decode_s,
                                               .prompt_tok = d->requests[i].prompt_tok,
                                               .output_tok = d->requests[i].output_tok};
        d->logged[i].start_s -= 1e-9 * (double)d->requests[0].arrival_ns;
    }
}

/* By the times of the first n of its requests. */
static struct ts_log_fit calibrate(struct deployment *d, size_t n, double held_frac)
{
    struct ts_log_fit fit;
    struct ts_arena arena;
    struct ts_diags diags;
    static struct ts_log_request logged[N_REQUESTS]; /* with the times of the first n */
    for (size_t i = 0; i < N_REQUESTS; i++) {
        logged[i] = d->logged[i];
        logged[i].latency_s = i < n ? logged[i].latency_s : (double)NAN;
        logged[i].ttft_s = i < n ? logged[i].ttft_s : (double)NAN;
    }
    const struct ts_log log = {.requests = logged, .n = N_REQUESTS, .n_runs = 1, .format = "", .program = ""};
    const struct ts_log_fit_options options = {.scenario = d->scenario, .tier = 0, .log = &log, .held_frac = held_frac};
    ts_arena_init(&arena);
    ts_diags_init(&diags);
    if (ts_log_fit(&fit, &options, &arena, &diags) != TS_OK) {
        fail_msg("%s", diags.items[0].message);
    }
    ts_diags_deinit(&diags);
    ts_arena_deinit(&arena);
    return fit;
}

/* Prior and table of the scenario, by way of any log. */
static struct ts_log_fit prior_of(const struct ts_scenario *scenario)
{
    static struct deployment any;
    any = (struct deployment){.scenario = scenario};
    draw_requests(any.requests, scenario);
    for (size_t i = 0; i < N_REQUESTS; i++) {
        any.logged[i] = (struct ts_log_request){.start_s = 1e-9 * (double)any.requests[i].arrival_ns,
                                                .ttft_s = 0.1,
                                                .latency_s = 0.1 + 0.01 * any.requests[i].output_tok,
                                                .prompt_tok = any.requests[i].prompt_tok,
                                                .output_tok = any.requests[i].output_tok};
    }
    return calibrate(&any, N_REQUESTS, 0.0);
}

struct tally {
    size_t n, inside;
};

static void count(struct tally *tally, double value, double low, double high)
{
    tally->n++;
    tally->inside += value >= low && value <= high;
}

static void check(const struct tally *tally, const char *what)
{
    const double covered = (double)tally->inside / (double)tally->n;
    print_message("%s: 90 %% intervals hold %.1f %% of %zu\n", what, 100.0 * covered, tally->n);
    assert_true(fabs(covered - 0.9) <= 0.03);
}

/* Requests that the fit has not seen, predicted with what it found. */
static void count_further(struct tally tallies[2], const struct deployment *d, const struct ts_log_fit *fit)
{
    static struct ts_log_served served[N_REQUESTS];
    static const double ones[TS_LOG_N_PARTS] = {1.0, 1.0, 1.0, 1.0, 1.0};
    const struct ts_log_replay replay = replay_of(d);
    assert_int_equal(ts_log_replay(served, &replay, &fit->table, ones, NULL), TS_OK);
    for (size_t i = N_LOGGED; i < N_REQUESTS; i++) {
        const struct ts_log_request *r = &d->logged[i];
        count(&tallies[0], r->ttft_s / (served[i].ttft_s + fit->calibrated.request_s), fit->calibrated.first_low,
              fit->calibrated.first_high);
        if (r->output_tok > 16) { /* times per token of fewer are noisier */
            count(&tallies[1], (r->latency_s - r->ttft_s) / (served[i].latency_s - served[i].ttft_s),
                  fit->calibrated.low, fit->calibrated.high);
        }
    }
}

/* Truths drawn from the prior. */
static void draw_truth(struct deployment *d, const struct ts_log_fit *like, uint32_t truth)
{
    struct ts_rng rng;
    ts_rng_init(&rng, 10, truth, 0, 0);
    for (int p = 0; p < TS_LOG_N_PARTS; p++) {
        d->factors[p] = fmax(0.15, 1.0 + like->prior.sd[p] * ts_rng_normal(&rng));
    }
    const double request = like->prior.mean[TS_LOG_REQUEST] + like->prior.sd[TS_LOG_REQUEST] * ts_rng_normal(&rng);
    d->request_s = like->unit_s * fmax(0.0, request);
}

static void test_log_fit__intervals_hold_nine_of_ten_of_what_made_up_deployments_do(void **state)
{
    (void)state;
    static struct deployment d;
    struct ts_scenario scenario;
    load_scenario(&scenario, one_server, NULL, 0);
    d = (struct deployment){.scenario = &scenario};
    draw_requests(d.requests, &scenario);
    const struct ts_log_fit like = prior_of(&scenario);
    d.table = like.prior_table;
    struct tally further[2] = {{0}}, constants = {0};
    double error_before = 0.0, error_after = 0.0;
    for (uint32_t t = 0; t < N_TRUTHS; t++) {
        draw_truth(&d, &like, t);
        write_log(&d, 0.05, t);
        const struct ts_log_fit fit = calibrate(&d, N_LOGGED, 0.0);
        assert_true(fit.n_held == 0 && !fit.by_trace && fit.after[TS_LOG_TTFT].n == N_LOGGED);
        count_further(further, &d, &fit);
        const double reach = ts_posterior_quantile(&fit.posterior, 0.95);
        for (size_t j = 0; j < TS_LOG_N_CONSTANTS; j++) {
            const struct ts_calibrated_constant *c = &fit.calibrated.constants[j];
            const double truth = j < TS_LOG_N_PARTS ? d.factors[j] : d.request_s;
            count(&constants, truth, c->value - reach * c->sd, c->value + reach * c->sd);
        }
        error_before += fit.before[TS_LOG_TPOT].median / N_TRUTHS;
        error_after += fit.after[TS_LOG_TPOT].median / N_TRUTHS;
    }
    print_message("time per token off by %.1f %% before, %.1f %% after\n", 100.0 * error_before, 100.0 * error_after);
    check(&further[0], "further times to the first token");
    check(&further[1], "further times per token");
    print_message("constants: 90 %% intervals hold %.1f %%\n", 100.0 * (double)constants.inside / (double)constants.n);
    assert_true((double)constants.inside >= 0.87 * (double)constants.n); /* exactly 90 %: test_posterior */
    assert_true(error_after < 0.05 && error_before > 2.0 * error_after);
    ts_scenario_deinit(&scenario);
}

/* A log without noise gives the constants back, and those that it cannot tell are named as such. */
static void test_log_fit__finds_what_was_put_in(void **state)
{
    (void)state;
    static struct deployment d;
    struct ts_scenario scenario;
    load_scenario(&scenario, one_server, NULL, 0);
    d = (struct deployment){.scenario = &scenario, .factors = {1.3, 1.2, 0.7, 0.9, 1.1}, .request_s = 0.030};
    draw_requests(d.requests, &scenario);
    d.table = prior_of(&scenario).prior_table;
    write_log(&d, 0.0, 0);
    const struct ts_log_fit fit = calibrate(&d, N_REQUESTS, 0.3);
    assert_true(fit.n_held == 90 && fit.settled);
    for (int j = 0; j < TS_LOG_N_CONSTANTS; j++) {
        const struct ts_calibrated_constant *c = &fit.calibrated.constants[j];
        print_message("%s: %.4f +- %.4f, told %.1f %%\n", c->name, c->value, c->sd, 100.0 * c->told_frac);
        if (c->told_frac > 0.99) {
            const double truth = j < TS_LOG_N_PARTS ? d.factors[j] : d.request_s;
            assert_true(fabs(c->value - truth) <= 3.0 * c->sd + 0.01 * truth);
        }
    }
    assert_true(fit.calibrated.constants[TS_LOG_STEP].told_frac > 0.9);
    assert_true(fit.calibrated.constants[TS_LOG_PROMPT].told_frac > 0.9);
    assert_true(fit.calibrated.constants[TS_LOG_SEQUENCE].told_frac < 0.5);
    assert_true(fit.before[TS_LOG_E2E].median > 0.08 && fit.after[TS_LOG_E2E].median < 0.01);
    ts_scenario_deinit(&scenario);
}

/* ---- the recorded run ---- */

static void load_recorded(struct ts_scenario *scenario)
{
    const char *const sets[] = {"trace.file=" DATA "/workload.jsonl", "recorded.requests=" DATA "/requests.jsonl",
                                "tiers.gpu.steps=roofline"};
    const struct ts_scenario_options options = {.sets = sets, .n_sets = 3};
    assert_int_equal(
        ts_scenario_load(scenario, TS_SOURCE_DIR "/scenarios/validation/vllm-rtx4090.yaml", &options, NULL), TS_OK);
}

/* Every sixth of the 300 requests, and the roofline of the class, which has seen neither the card's kind nor the run.
 * The interval is the posterior's: nothing of the others is known to it. */
static void test_log_fit__fifty_of_the_recorded_requests_tell_the_others(void **state)
{
    (void)state;
    if (!ts_file_exists(DATA "/requests.jsonl")) {
        skip();
    }
    static struct ts_log_served served[512];
    static const double ones[TS_LOG_N_PARTS] = {1.0, 1.0, 1.0, 1.0, 1.0};
    struct ts_scenario scenario;
    struct ts_arena arena;
    struct ts_log all = {0};
    struct ts_log_workload workload = {0};
    struct ts_log_fit fit;
    const char *const paths[] = {DATA "/requests.jsonl"};
    ts_arena_init(&arena);
    load_recorded(&scenario);
    assert_int_equal(ts_log_read(&all, &arena, paths, 1, NULL), TS_OK);
    assert_true(all.n == 300 && all.n_runs == 1);
    struct ts_log_request some[50];
    for (size_t i = 0; i < 50; i++) {
        some[i] = all.requests[6 * i];
    }
    const struct ts_log log = {.requests = some, .n = 50, .n_runs = 1, .format = "", .program = ""};
    const struct ts_log_fit_options options = {.scenario = &scenario, .tier = 0, .log = &log};
    assert_int_equal(ts_log_fit(&fit, &options, &arena, NULL), TS_OK);
    assert_true(fit.by_trace && fit.n_held == 0);
    assert_int_equal(ts_log_match(&workload, &all, &scenario, NULL), TS_OK);
    assert_true(workload.by_trace && workload.n == 300);
    const struct ts_log_replay replay = {
        .model = &scenario.model, .tier = 0, .requests = workload.requests, .run = workload.run, .n = workload.n};
    assert_int_equal(ts_log_replay(served, &replay, &fit.table, ones, NULL), TS_OK);
    struct tally ttft = {0}, tpot = {0};
    double recorded_s = 0.0, predicted_s = 0.0;
    for (size_t i = 0; i < all.n; i++) {
        const struct ts_log_request *r = &all.requests[i];
        const struct ts_log_served *s = &served[workload.of[i]];
        if (i % 6 != 0) {
            count(&ttft, r->ttft_s / (s->ttft_s + fit.calibrated.request_s), fit.calibrated.first_low,
                  fit.calibrated.first_high);
            count(&tpot, (r->latency_s - r->ttft_s) / (s->latency_s - s->ttft_s), fit.calibrated.low,
                  fit.calibrated.high);
            recorded_s += r->latency_s;
            predicted_s += s->latency_s + fit.calibrated.request_s;
        }
    }
    print_message(
        "of the 250 others %zu times to the first token in %.2f to %.2f, %zu times per token in %.2f to %.2f; "
        "mean E2E %+.2f %%\n",
        ttft.inside, fit.calibrated.first_low, fit.calibrated.first_high, tpot.inside, fit.calibrated.low,
        fit.calibrated.high, 100.0 * (predicted_s / recorded_s - 1.0));
    /* nine of ten, less two standard deviations: 225 - 2 x 4.74 */
    assert_true(ttft.n == 250 && ttft.inside >= 216 && tpot.inside >= 216);
    assert_true(fabs(predicted_s / recorded_s - 1.0) < 0.02);
    assert_true(fit.calibrated.high / fit.calibrated.low < 1.35); /* it was 2.5 */
    ts_log_workload_deinit(&workload);
    ts_log_deinit(&all);
    ts_scenario_deinit(&scenario);
    ts_arena_deinit(&arena);
}

/* ---- what is refused ---- */

static void check_refused(const char *const *sets, size_t n_sets, const char *words)
{
    struct ts_scenario scenario;
    struct ts_diags diags;
    load_scenario(&scenario, one_server, sets, n_sets);
    ts_diags_init(&diags);
    assert_int_equal(ts_log_fit_check(&scenario.model, 0, &diags), TS_EINPUT);
    assert_non_null(strstr(diags.items[0].message, words));
    ts_diags_deinit(&diags);
    ts_scenario_deinit(&scenario);
}

static void test_log_fit__refuses_what_a_log_cannot_tell(void **state)
{
    (void)state;
    const char *const pools[] = {"tiers.edge.pools=[{name: a, replicas: 1}, {name: b, replicas: 1}]"};
    const char *const scaling[] = {"tiers.edge.replicas=4", "tiers.edge.autoscale.calls=20"};
    check_refused(pools, 1, "several pools");
    check_refused(scaling, 2, "scales by itself");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_fit__finds_what_was_put_in),
        cmocka_unit_test(test_log_fit__intervals_hold_nine_of_ten_of_what_made_up_deployments_do),
        cmocka_unit_test(test_log_fit__fifty_of_the_recorded_requests_tell_the_others),
        cmocka_unit_test(test_log_fit__refuses_what_a_log_cannot_tell),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
