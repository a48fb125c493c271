/* What a warm-up leaves out, on runs that can be worked out on paper: a server whose steps take 10 ms. */
#include "econ/econ.h"
#include "tests/sim/sim_world.h"

static struct ts_model warmed(const struct ts_tier_model *tier, double warmup_s)
{
    struct ts_model model = world_model(tier, 1);
    model.warmup_s = warmup_s;
    model.slo.ttft_s = 1.0;
    return model;
}

/* Three requests of 10, 20 and 30 tokens, at 0, 0.4 and 1 s. The warm-up ends at 0.5 s, inside the second. */
static struct ts_result run_three(double warmup_s, bool single_steps)
{
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.replica.power = (struct ts_power_model){.idle_w = 10.0, .prefill_w = 110.0, .decode_w = 60.0, .pue = 1.0};
    pool.replica.kv_blocks = 100;
    const struct ts_model model = warmed(&tier, warmup_s);
    const struct ts_request requests[] = {world_request(0, 0, 16, 10), world_request(1, 400 * MS, 16, 20),
                                          world_request(2, 1000 * MS, 16, 30)};
    const struct ts_sim_options options = {.single_steps = single_steps};
    return world_run_with(&model, requests, COUNT(requests), &options);
}

static void test_warmup__requests_that_come_in_it_are_counted_and_nothing_else(void **state)
{
    (void)state;
    struct ts_result result = run_three(0.5, false);
    const struct ts_cell *cell = &result.tiers[0].cells[0];
    assert_int_equal(cell->arrived, 3);
    assert_int_equal(cell->done, 3);
    assert_int_equal(cell->left_out, 2);
    assert_int_equal(cell->left_out_done, 2);
    assert_int_equal(cell->slo_met, 1);
    assert_int_equal(cell->output_tok, 30);
    for (int l = 0; l < TS_N_LATENCIES; l++) {
        assert_int_equal(cell->latency_ns[l].count, l == TS_ITL ? 29 : l != TS_SESSION);
    }
    assert_int_equal(result.tiers[0].batches[TS_E2E].n, 1);
    ts_result_deinit(&result);
}

/* After 0.5 s the second request is there for 0.1 s more (until 0.4 + 0.2), the third for 0.3 s, of 0.8 s in all.
 * Ten and thirty steps begin there, of which one is a prompt's. */
static void test_warmup__shares_and_energies_begin_at_its_end(void **state)
{
    (void)state;
    for (int single = 0; single < 2; single++) {
        struct ts_result result = run_three(0.5, single != 0);
        const struct ts_tier_result *tier = &result.tiers[0];
        assert_true(result.warmup_s == 0.5);
        world_assert_near(result.simulated_s, 1.3, 1e-12);
        world_assert_near(tier->busy_frac, 0.4 / 0.8, 1e-12);
        world_assert_near(tier->mean_in_tier, 0.4 / 0.8, 1e-12);
        world_assert_near(tier->mean_up, 1.0, 1e-12);
        assert_int_equal(tier->n_steps, 40);
        world_assert_near(tier->mean_batch, 1.0, 1e-12);
        world_assert_near(tier->idle_j, 10.0 * 0.8, 1e-12);
        world_assert_near(tier->active_j, 0.01 * 100.0 + 0.39 * 50.0, 1e-12);
        /* one block in a request's 1st step, two up to its 17th, three beyond: 7 and 3 steps, then 1, 16 and 13 */
        world_assert_near(tier->kv_mean_frac, (0.07 * 2 + 0.03 * 3 + 0.01 * 1 + 0.16 * 2 + 0.13 * 3) / (100.0 * 0.8),
                          1e-9);
        assert_true(tier->kv_peak_frac == 0.03);
        ts_result_deinit(&result);
    }
}

/* What was in the warm-up alone does not show. */
static void test_warmup__a_peak_in_it_is_left_out(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.replica.kv_blocks = 100;
    const struct ts_model model = warmed(&tier, 0.5);
    const struct ts_request requests[] = {world_request(0, 0, 800, 10), world_request(1, 600 * MS, 16, 10)};
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    assert_true(result.tiers[0].kv_peak_frac == 0.02);
    assert_int_equal(result.tiers[0].cells[0].latency_ns[TS_ITL].count, 9);
    ts_result_deinit(&result);
}

static void test_warmup__none_changes_nothing(void **state)
{
    (void)state;
    struct ts_result result = run_three(0.0, false);
    const struct ts_cell *cell = &result.tiers[0].cells[0];
    assert_int_equal(cell->left_out, 0);
    assert_int_equal(cell->latency_ns[TS_E2E].count, 3);
    world_assert_near(result.tiers[0].busy_frac, 0.6 / 1.3, 1e-12);
    ts_result_deinit(&result);
}

static enum ts_status money_of(double warmup_s)
{
    struct ts_result result = run_three(warmup_s, false);
    struct ts_pool_model pool;
    const struct ts_tier_model tier = world_server(&pool, 10e-3);
    struct ts_model model = warmed(&tier, warmup_s);
    struct ts_econ econ;
    model.money.horizon_months = 12;
    const enum ts_status status = ts_econ_compute(&econ, &model, &result, NULL, NULL);
    if (status == TS_OK) {
        /* window: 1 s less the warm-up; run: 1.3 s less it */
        world_assert_near(econ.month_factor, 730.0 * 3600.0 / (1.0 - warmup_s), 1e-12);
        world_assert_near(econ.time_factor, 730.0 * 3600.0 / (1.3 - warmup_s), 1e-12);
        ts_econ_deinit(&econ);
    }
    ts_result_deinit(&result);
    return status;
}

static void test_warmup__a_month_is_scaled_from_what_is_left(void **state)
{
    (void)state;
    assert_int_equal(money_of(0.0), TS_OK);
    assert_int_equal(money_of(0.5), TS_OK);
    assert_int_equal(money_of(1.2), TS_ERANGE); /* nobody came after it */
    assert_int_equal(money_of(100.0), TS_ERANGE);
}

static void test_warmup__replications_add_their_warmups(void **state)
{
    (void)state;
    struct ts_result a = run_three(0.5, false);
    struct ts_result b = run_three(0.5, false);
    assert_int_equal(ts_result_merge(&a, &b), TS_OK);
    assert_true(a.warmup_s == 1.0);
    assert_int_equal(a.tiers[0].cells[0].left_out, 4);
    world_assert_near(a.tiers[0].busy_frac, 0.5, 1e-12);
    ts_result_deinit(&a);
    ts_result_deinit(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_warmup__requests_that_come_in_it_are_counted_and_nothing_else),
        cmocka_unit_test(test_warmup__shares_and_energies_begin_at_its_end),
        cmocka_unit_test(test_warmup__a_peak_in_it_is_left_out),
        cmocka_unit_test(test_warmup__none_changes_nothing),
        cmocka_unit_test(test_warmup__a_month_is_scaled_from_what_is_left),
        cmocka_unit_test(test_warmup__replications_add_their_warmups),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
