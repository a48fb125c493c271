/* The reference engine under the scheduler, and the simulation of what it did. Nothing here depends on how fast the
 * machine is. */
#include "live/validate_report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "engine/kv_cache.h"
#include "tests/engine/tiny_model.h"

enum { N = 60 };

static struct ts_scheduler_config scheduler_of(uint32_t max_batched_tok, uint32_t max_seqs, uint64_t kv_blocks)
{
    return (struct ts_scheduler_config){
        .max_batched_tok = max_batched_tok,
        .max_seqs = max_seqs,
        .chunked_prefill = true,
        .block_tok = TS_KV_PAGE_TOK,
        .kv_blocks = kv_blocks,
    };
}

static struct ts_live *open_live(const struct ts_scheduler_config *scheduler)
{
    const struct ts_model_config config = tiny_llama();
    const struct ts_live_options options = {
        .config = &config, .quant = "Q8_0", .n_threads = 1, .seed = 3, .scheduler = *scheduler};
    struct ts_live *live;
    assert_int_equal(ts_live_create(&live, &options, NULL), TS_OK);
    return live;
}

/* Requests of 1 to 120 tokens in and 1 to 16 out, gap_ns apart. */
static void make_requests(struct ts_request *requests, size_t n, int64_t gap_ns)
{
    struct ts_rng rng;
    ts_rng_init(&rng, 17, 0, 0, 0);
    for (size_t i = 0; i < n; i++) {
        requests[i] = (struct ts_request){
            .id = i,
            .arrival_ns = (int64_t)i * gap_ns,
            .prompt_tok = 1 + ts_rng_u32(&rng) % 120,
            .output_tok = 1 + ts_rng_u32(&rng) % 16,
        };
    }
}

static void check_run(const struct ts_live_run *run, size_t n)
{
    assert_int_equal(run->n_records, n);
    for (size_t i = 0; i < n; i++) {
        const struct ts_live_record *r = &run->records[i];
        assert_false(r->rejected);
        assert_int_equal(r->n_given, r->output_tok);
        assert_true(r->due_ns <= r->seen_ns && r->start_ns <= r->first_ns && r->first_ns <= r->last_ns);
        assert_true(r->output_tok == 1 ? r->first_ns == r->last_ns : r->first_ns < r->last_ns);
        assert_true(r->last_ns <= run->end_ns);
    }
    for (size_t i = 0; i < run->n_steps; i++) {
        const struct ts_live_step *s = &run->steps[i];
        assert_true(s->begin_ns <= s->end_ns && s->model_ns <= s->end_ns - s->begin_ns);
        assert_true(i == 0 || s->begin_ns >= run->steps[i - 1].end_ns);
    }
}

static void test_live__every_request_gets_its_tokens(void **state)
{
    (void)state;
    struct ts_request requests[N];
    const struct ts_scheduler_config scheduler = scheduler_of(64, 8, 256);
    struct ts_live *live = open_live(&scheduler);
    struct ts_live_run run;
    make_requests(requests, N, 200000);
    assert_int_equal(ts_live_serve(&run, live, requests, N, NULL, NULL), TS_OK);
    check_run(&run, N);
    ts_live_run_deinit(&run);
    assert_int_equal(ts_live_serve(&run, live, requests, 5, NULL, NULL), TS_OK); /* and again, with the same model */
    check_run(&run, 5);
    ts_live_run_deinit(&run);
    ts_live_destroy(live);
}

static void test_live__preempted_requests_are_computed_again(void **state)
{
    (void)state;
    struct ts_request requests[N];
    const struct ts_scheduler_config scheduler = scheduler_of(256, 16, 20); /* room for 320 tokens */
    struct ts_live *live = open_live(&scheduler);
    struct ts_live_run run;
    uint64_t n_preemptions = 0;
    make_requests(requests, N, 0);
    assert_int_equal(ts_live_serve(&run, live, requests, N, NULL, NULL), TS_OK);
    check_run(&run, N);
    for (size_t i = 0; i < N; i++) {
        n_preemptions += run.records[i].n_preemptions;
    }
    assert_true(n_preemptions > 0);
    ts_live_run_deinit(&run);
    ts_live_destroy(live);
}

static void test_live__what_can_never_fit_is_turned_away(void **state)
{
    (void)state;
    const struct ts_request requests[] = {{.id = 0, .prompt_tok = 500, .output_tok = 4},
                                          {.id = 1, .prompt_tok = 5, .output_tok = 4}};
    const struct ts_scheduler_config scheduler = scheduler_of(64, 4, 8); /* room for 128 tokens */
    struct ts_live *live = open_live(&scheduler);
    struct ts_live_run run;
    assert_int_equal(ts_live_serve(&run, live, requests, 2, NULL, NULL), TS_OK);
    assert_true(run.records[0].rejected);
    assert_int_equal(run.records[0].n_given, 0);
    assert_int_equal(run.records[1].n_given, 4);
    ts_live_run_deinit(&run);
    ts_live_destroy(live);
}

static bool stop_soon(void *user, const struct ts_progress_state *state)
{
    (void)user;
    return state->done < 3.0;
}

static void test_live__a_stopped_run_keeps_what_was_done(void **state)
{
    (void)state;
    struct ts_request requests[N];
    const struct ts_scheduler_config scheduler = scheduler_of(64, 2, 256);
    struct ts_live *live = open_live(&scheduler);
    const struct ts_live_hooks hooks = {.progress.go_on = stop_soon};
    struct ts_live_run run;
    uint64_t n_done = 0;
    make_requests(requests, N, 0);
    assert_int_equal(ts_live_serve(&run, live, requests, N, &hooks, NULL), TS_EINTERRUPTED);
    for (size_t i = 0; i < N; i++) {
        n_done += run.records[i].n_given == run.records[i].output_tok;
    }
    assert_true(n_done >= 3 && n_done < N);
    ts_live_run_deinit(&run);
    ts_live_destroy(live);
}

/* ---- against the simulation ---- */

static void make_model(struct ts_model *model, struct ts_pool_model *pool, const struct ts_scheduler_config *scheduler)
{
    const struct ts_pool_model whole = {
        .name = "here",
        .hardware = "this machine",
        .weight = 1.0,
        .n_replicas = 1,
        .replica = {.n_accelerators = 1,
                    .max_batched_tok = scheduler->max_batched_tok,
                    .max_seqs = scheduler->max_seqs,
                    .chunked_prefill = true,
                    .block_tok = scheduler->block_tok,
                    .kv_blocks = scheduler->kv_blocks,
                    .steps = {.kind = TS_STEPS_LINEAR, .u.linear = {.a_s = 1e-4, .d_s_per_prefill_tok = 1e-6}},
                    .power = {.pue = 1.0}}};
    const struct ts_model from = {
        .name = "live",
        .n_tiers = 1,
        .series_bin_s = 1.0,
        .tiers = {{.name = "here", .kind = TS_TIER_SERVER, .u.server = {.pools = &whole, .n_pools = 1}}}};
    ts_validate_alone(model, pool, &from, 0);
}

/* The replay of a live run; true if nothing fell into another step. With the recorded step times, the simulated
 * scheduler does what the live one did: only a request that arrives in the microseconds between the end of a step and
 * the next plan may fall into another step. */
static bool replay(const struct ts_request *requests, uint64_t kv_blocks)
{
    const struct ts_scheduler_config scheduler = scheduler_of(64, 8, kv_blocks);
    struct ts_live *live = open_live(&scheduler);
    struct ts_live_run run;
    struct ts_model *model = malloc(sizeof *model);
    struct ts_pool_model pool;
    struct ts_error_budget budget;
    assert_non_null(model);
    make_model(model, &pool, &scheduler);
    assert_int_equal(ts_live_serve(&run, live, requests, N, NULL, NULL), TS_OK);
    const struct ts_validate_budget_input input = {.model = model, .requests = requests, .n = N, .run = &run};
    assert_int_equal(ts_validate_budget(&budget, &input, TS_VALIDATE_E2E, NULL), TS_OK);
    assert_int_equal(budget.recorded.live_done, N);
    assert_int_equal(budget.recorded.predicted_done, N);
    const double product = (1.0 + budget.scheduler_frac) * (1.0 + budget.arrivals_frac) * (1.0 + budget.host_frac) *
                           (1.0 + budget.steps_frac);
    assert_true(fabs(product - 1.0 - budget.whole_frac) < 1e-9);
    assert_true(budget.host_frac < 0.0 && budget.host_frac > -1.0);
    bool same = budget.recorded.live_preemptions == budget.recorded.predicted_preemptions;
    for (size_t i = 0; i < TS_N_VALIDATE_LATENCIES; i++) {
        const struct ts_validate_row *p99 = &budget.recorded.rows[i][TS_VALIDATE_P99];
        same = same && fabs(p99->predicted_s - p99->live_s) < 1e-9; /* the simulator's clock */
    }
    ts_live_run_deinit(&run);
    ts_live_destroy(live);
    free(model);
    return same && fabs(budget.scheduler_frac) < 1e-6;
}

static void test_live__an_idle_engine_begins_with_one_request(void **state)
{
    (void)state;
    struct ts_request requests[N];
    const struct ts_scheduler_config scheduler = scheduler_of(64, 8, 256);
    struct ts_live *live = open_live(&scheduler);
    struct ts_live_run run;
    make_requests(requests, N, 0); /* all at once */
    requests[0].prompt_tok = 20;
    assert_int_equal(ts_live_serve(&run, live, requests, N, NULL, NULL), TS_OK);
    assert_int_equal(run.steps[0].load.n_seqs, 1);
    assert_true(run.steps[1].load.n_seqs > 1);
    ts_live_run_deinit(&run);
    ts_live_destroy(live);
}

/* All at once: the simulated engine begins with the first of them too. */
static void test_live__a_replay_of_requests_that_come_together_has_no_error(void **state)
{
    (void)state;
    struct ts_request requests[N];
    make_requests(requests, N, 0);
    assert_true(replay(requests, 256));
    assert_true(replay(requests, 20));
}

/* The first request comes alone, the others while its first step is under way, which takes longer than that: unless the
 * system takes the processor away in between, so that is tried a few times. */
static void test_live__recorded_step_times_leave_nothing_to_the_scheduler(void **state)
{
    (void)state;
    static const uint64_t kv_blocks[] = {256, 20};
    for (size_t k = 0; k < 2; k++) {
        struct ts_request requests[N];
        bool same = false;
        make_requests(requests, N, 0);
        requests[0].prompt_tok = 120;
        for (size_t i = 1; i < N; i++) {
            requests[i].arrival_ns = 50000;
        }
        for (int attempt = 0; attempt < 20 && !same; attempt++) {
            same = replay(requests, kv_blocks[k]);
        }
        assert_true(same);
    }
}

/* Request 1 comes a microsecond after the first step's end and is seen before the next plan. */
static void test_validate__a_request_that_slips_into_a_plan_is_replayed_in_it(void **state)
{
    (void)state;
    enum { MS = 1000000 };
    const struct ts_scheduler_config scheduler = scheduler_of(64, 8, 256);
    const struct ts_request requests[] = {
        {.id = 0, .prompt_tok = 8, .output_tok = 4},
        {.id = 1, .arrival_ns = 10 * MS + 1000, .prompt_tok = 8, .output_tok = 2},
    };
    struct ts_live_record records[] = {
        {.first_ns = 10 * MS, .last_ns = 50 * MS, .prompt_tok = 8, .output_tok = 4, .n_given = 4},
        {.due_ns = 10 * MS + 1000,
         .seen_ns = 10 * MS + 2000,
         .first_ns = 25 * MS,
         .last_ns = 40 * MS,
         .prompt_tok = 8,
         .output_tok = 2,
         .n_given = 2},
    };
    struct ts_live_step steps[] = {{.begin_ns = 0, .end_ns = 10 * MS},
                                   {.begin_ns = 10 * MS, .end_ns = 25 * MS},
                                   {.begin_ns = 25 * MS, .end_ns = 40 * MS},
                                   {.begin_ns = 40 * MS, .end_ns = 50 * MS}};
    const struct ts_live_run run = {.records = records, .n_records = 2, .steps = steps, .n_steps = 4};
    struct ts_model *model = malloc(sizeof *model);
    struct ts_pool_model pool;
    struct ts_error_budget budget;
    assert_non_null(model);
    make_model(model, &pool, &scheduler);
    const struct ts_validate_budget_input input = {.model = model, .requests = requests, .n = 2, .run = &run};
    assert_int_equal(ts_validate_budget(&budget, &input, TS_VALIDATE_TTFT, NULL), TS_OK);
    assert_true(fabs(budget.scheduler_frac) < 1e-9);
    assert_int_equal(ts_validate_budget(&budget, &input, TS_VALIDATE_E2E, NULL), TS_OK);
    assert_true(fabs(budget.scheduler_frac) < 1e-9);
    free(model);
}

static void test_validate__a_prediction_of_itself_has_no_error(void **state)
{
    (void)state;
    double ttft[] = {1.0, 2.0, 3.0, 4.0};
    double tpot[] = {0.1, NAN, 0.3, 0.2};
    double e2e[] = {2.0, 3.0, 4.0, 5.0};
    const struct ts_timings timings = {
        .ttft_s = ttft, .tpot_s = tpot, .e2e_s = e2e, .n = 4, .end_s = 5.0, .n_done = 4, .output_tok = 10};
    struct ts_comparison comparison;
    assert_int_equal(ts_validate_compare(&comparison, &timings, &timings, 1), TS_OK);
    for (size_t i = 0; i < TS_N_VALIDATE_LATENCIES; i++) {
        for (size_t k = 0; k < TS_N_VALIDATE_STATS; k++) {
            assert_true(comparison.rows[i][k].error_frac == 0.0);
        }
    }
    assert_int_equal(comparison.n_pairs, 4);
    assert_true(comparison.rows[TS_VALIDATE_TTFT][TS_VALIDATE_MEAN].live_s == 2.5);
    assert_true(comparison.rows[TS_VALIDATE_TTFT][TS_VALIDATE_P50].live_s == 2.5);
    assert_true(fabs(comparison.rows[TS_VALIDATE_TPOT][TS_VALIDATE_MEAN].live_s - 0.2) < 1e-12);
}

static void test_validate__a_constant_factor_is_found_with_a_narrow_interval(void **state)
{
    (void)state;
    enum { MANY = 200 };
    double values[MANY], doubled[MANY], none[MANY];
    struct ts_comparison comparison;
    for (size_t i = 0; i < MANY; i++) {
        values[i] = 1.0 + (double)(i * 37 % 101);
        doubled[i] = 1.1 * values[i];
        none[i] = NAN;
    }
    const struct ts_timings live = {.ttft_s = values, .tpot_s = none, .e2e_s = values, .n = MANY};
    const struct ts_timings predicted = {.ttft_s = doubled, .tpot_s = none, .e2e_s = values, .n = MANY};
    assert_int_equal(ts_validate_compare(&comparison, &live, &predicted, 1), TS_OK);
    const struct ts_validate_row *row = &comparison.rows[TS_VALIDATE_TTFT][TS_VALIDATE_MEAN];
    assert_true(fabs(row->error_frac - 0.1) < 1e-12);
    assert_true(fabs(row->low_frac - 0.1) < 1e-9 && fabs(row->high_frac - 0.1) < 1e-9); /* pairs share what varies */
    assert_true(isnan(comparison.rows[TS_VALIDATE_TPOT][TS_VALIDATE_MEAN].live_s));
}

/* Steps of 10 ms for four requests each: the batch is full in between, and neither the first nor the last step counts.
 */
static void test_validate__capacity_is_that_of_a_full_batch(void **state)
{
    (void)state;
    enum { MANY = 801 };
    struct ts_request *requests = calloc(MANY, sizeof *requests);
    const struct ts_scheduler_config scheduler = scheduler_of(8, 4, 256);
    struct ts_model *model = malloc(sizeof *model);
    struct ts_pool_model pool;
    double per_s = 0.0;
    assert_true(model && requests);
    make_model(model, &pool, &scheduler);
    pool.replica.steps.u.linear = (struct ts_steps_linear){.a_s = 0.01};
    for (size_t i = 0; i < MANY; i++) {
        requests[i] =
            (struct ts_request){.id = i, .arrival_ns = (int64_t)i * 1000000000, .prompt_tok = 1, .output_tok = 1};
    }
    assert_int_equal(ts_validate_capacity(&per_s, model, requests, MANY, NULL), TS_OK);
    assert_true(fabs(per_s / 400.0 - 1.0) < 0.01);
    free(requests);
    free(model);
}

/* A run at that load whose errors are all the same. */
static struct ts_validation validation_of(double load_frac, uint32_t run, double error_frac)
{
    struct ts_validation v = {.load_frac = load_frac, .run = run};
    for (size_t i = 0; i < TS_N_VALIDATE_LATENCIES; i++) {
        for (size_t k = 0; k < TS_N_VALIDATE_STATS; k++) {
            v.comparison.rows[i][k].error_frac = error_frac;
        }
    }
    return v;
}

static void test_validate__the_verdict_is_on_the_median_of_a_loads_runs(void **state)
{
    (void)state;
    struct ts_validation validations[] = {
        validation_of(0.6, 0, 0.01), validation_of(0.9, 0, -0.3), validation_of(0.6, 1, 0.5),
        validation_of(0.9, 1, 0.02), validation_of(0.6, 2, 0.02), validation_of(0.9, 2, -0.04),
    };
    struct ts_validate_errors errors[6];
    double central, tail;
    validations[2].comparison.rows[TS_VALIDATE_TTFT][TS_VALIDATE_P99].error_frac = -0.2;
    validations[4].comparison.rows[TS_VALIDATE_TTFT][TS_VALIDATE_P99].error_frac = -0.1;
    assert_int_equal(ts_validate_medians(errors, validations, 6), 2);
    assert_true(errors[0].load_frac == 0.6 && errors[0].n_runs == 3);
    assert_true(errors[0].error_frac[TS_VALIDATE_E2E][TS_VALIDATE_MEAN] == 0.02);
    assert_true(errors[0].error_frac[TS_VALIDATE_TTFT][TS_VALIDATE_P99] == -0.1);
    assert_true(errors[1].error_frac[TS_VALIDATE_TPOT][TS_VALIDATE_P50] == -0.04);
    ts_validate_worst(errors, 2, &central, &tail);
    assert_true(central == 0.04 && tail == 0.1);
}

struct pauses {
    unsigned n;
    double last_s;
};

static enum ts_status sleep_a_while(void *user, double elapsed_s)
{
    struct pauses *pauses = user;
    const struct timespec nap = {.tv_nsec = 20000000};
    assert_true(elapsed_s >= pauses->last_s);
    pauses->last_s = elapsed_s;
    pauses->n++;
    nanosleep(&nap, NULL);
    return TS_OK;
}

static void test_live__the_clock_stands_still_in_a_pause(void **state)
{
    (void)state;
    struct ts_request requests[N];
    const struct ts_scheduler_config scheduler = scheduler_of(64, 8, 256);
    struct ts_live *live = open_live(&scheduler);
    struct pauses pauses = {0};
    const struct ts_live_hooks hooks = {.pause = sleep_a_while, .pause_every_s = 1e-4, .user = &pauses};
    struct ts_live_run run;
    make_requests(requests, N, 200000);
    const int64_t begin_ns = ts_clock_now_ns();
    assert_int_equal(ts_live_serve(&run, live, requests, N, &hooks, NULL), TS_OK);
    const int64_t wall_ns = ts_clock_now_ns() - begin_ns;
    check_run(&run, N);
    assert_true(pauses.n > 1);
    assert_true(run.end_ns + (int64_t)pauses.n * 20000000 <= wall_ns);
    ts_live_run_deinit(&run);
    ts_live_destroy(live);
}

static enum ts_status fail_at_once(void *user, double elapsed_s)
{
    (void)user;
    (void)elapsed_s;
    return TS_ENOMEM;
}

static void test_live__a_pause_that_fails_ends_the_run(void **state)
{
    (void)state;
    struct ts_request requests[N];
    const struct ts_scheduler_config scheduler = scheduler_of(64, 8, 256);
    struct ts_live *live = open_live(&scheduler);
    const struct ts_live_hooks hooks = {.pause = fail_at_once, .pause_every_s = 1.0};
    struct ts_live_run run;
    make_requests(requests, N, 0);
    assert_int_equal(ts_live_serve(&run, live, requests, N, &hooks, NULL), TS_ENOMEM);
    ts_live_destroy(live);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_live__every_request_gets_its_tokens),
        cmocka_unit_test(test_live__preempted_requests_are_computed_again),
        cmocka_unit_test(test_live__what_can_never_fit_is_turned_away),
        cmocka_unit_test(test_live__a_stopped_run_keeps_what_was_done),
        cmocka_unit_test(test_live__an_idle_engine_begins_with_one_request),
        cmocka_unit_test(test_live__a_replay_of_requests_that_come_together_has_no_error),
        cmocka_unit_test(test_live__recorded_step_times_leave_nothing_to_the_scheduler),
        cmocka_unit_test(test_validate__a_request_that_slips_into_a_plan_is_replayed_in_it),
        cmocka_unit_test(test_validate__a_prediction_of_itself_has_no_error),
        cmocka_unit_test(test_validate__a_constant_factor_is_found_with_a_narrow_interval),
        cmocka_unit_test(test_validate__capacity_is_that_of_a_full_batch),
        cmocka_unit_test(test_validate__the_verdict_is_on_the_median_of_a_loads_runs),
        cmocka_unit_test(test_live__the_clock_stands_still_in_a_pause),
        cmocka_unit_test(test_live__a_pause_that_fails_ends_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
