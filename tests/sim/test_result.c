/* Results: names, sums, and merging of replications. */
#include "tests/sim/sim_world.h"

enum { N_REPLICATIONS = 3, N = 300 };

static struct ts_model model_of_test(struct ts_pool_model *pool, double bin_s)
{
    const struct ts_tier_model tiers[2] = {world_server(pool, 5e-3), world_api(0.1, 100.0)};
    struct ts_model model = world_model(tiers, 2);
    pool->replica.power = (struct ts_power_model){.idle_w = 10.0, .prefill_w = 50.0, .decode_w = 30.0, .pue = 1.0};
    model.n_classes = 2;
    model.router.static_tier[1] = 1;
    model.series_bin_s = bin_s;
    return model;
}

static struct ts_result replicate(uint32_t replication, double bin_s)
{
    struct ts_pool_model pool;
    const struct ts_model model = model_of_test(&pool, bin_s);
    const struct ts_sim_options options = {.replication = replication};
    struct ts_request requests[N];
    struct ts_rng rng;
    double t = 0.0;
    ts_rng_init(&rng, 5, replication, 0, 0);
    for (uint64_t i = 0; i < N; i++) {
        t += 0.01 * (1 + replication) * ts_rng_exponential(&rng);
        requests[i] = world_request(i, ts_ns_from_s(t), 10, 1 + ts_rng_u32(&rng) % 20);
        requests[i].class_id = ts_rng_u32(&rng) % 2;
    }
    return world_run_with(&model, requests, N, &options);
}

static void test_result__kinds_and_origins_have_names(void **state)
{
    (void)state;
    assert_string_equal(ts_tier_kind_name(TS_TIER_DEVICE), "device");
    assert_string_equal(ts_tier_kind_name(TS_TIER_SERVER), "server");
    assert_string_equal(ts_tier_kind_name(TS_TIER_API), "api");
    assert_string_equal(ts_origin_name(TS_ORIGIN_MEASURED), "measured");
}

static struct ts_result merge_in_order(const int *order)
{
    struct ts_result merged = replicate((uint32_t)order[0], 0.5);
    for (int i = 1; i < N_REPLICATIONS; i++) {
        struct ts_result next = replicate((uint32_t)order[i], 0.5);
        assert_int_equal(ts_result_merge(&merged, &next), TS_OK);
        ts_result_deinit(&next);
    }
    return merged;
}

static void test_result__merging_does_not_depend_on_the_order(void **state)
{
    (void)state;
    const int orders[][N_REPLICATIONS] = {{0, 1, 2}, {2, 0, 1}, {1, 2, 0}};
    struct ts_result first = merge_in_order(orders[0]);
    assert_int_equal(first.n_replications, N_REPLICATIONS);
    for (size_t i = 1; i < COUNT(orders); i++) {
        struct ts_result other = merge_in_order(orders[i]);
        world_assert_equal(&first, &other, 1e-12);
        ts_result_deinit(&other);
    }
    ts_result_deinit(&first);
}

static void test_result__merged_counts_add_up_and_means_are_weighted(void **state)
{
    (void)state;
    struct ts_result a = replicate(0, 0.5);
    struct ts_result b = replicate(2, 0.5);
    const struct ts_tier_result a0 = a.tiers[0];
    const uint64_t done = a0.cells[0].done + b.tiers[0].cells[0].done;
    const double present_s = a0.mean_in_tier * a.simulated_s + b.tiers[0].mean_in_tier * b.simulated_s;
    const double simulated_s = a.simulated_s + b.simulated_s;
    const double energy_j = ts_tier_energy_j(&a0) + ts_tier_energy_j(&b.tiers[0]);
    const uint32_t a_bins = a.n_bins;
    const double late_w = b.tiers[0].power_w[b.n_bins - 1];
    const double early_w = (a0.power_w[0] + b.tiers[0].power_w[0]) / 2.0;
    assert_int_equal(ts_result_merge(&a, &b), TS_OK);
    assert_int_equal(a.tiers[0].cells[0].done, done);
    world_assert_near(a.tiers[0].mean_in_tier, present_s / simulated_s, 1e-12);
    world_assert_near(ts_tier_energy_j(&a.tiers[0]), energy_j, 1e-12);
    assert_true(a_bins < b.n_bins && a.n_bins == b.n_bins);
    world_assert_near(a.tiers[0].power_w[a.n_bins - 1], late_w, 1e-12);
    world_assert_near(a.tiers[0].power_w[0], early_w, 1e-12);
    assert_true(ts_result_balances(&a));
    a.tiers[0].cells[0].done++;
    assert_false(ts_result_balances(&a));
    ts_result_deinit(&a);
    ts_result_deinit(&b);
}

/* 1 and 3 in runs of 10 s with 2 steps and of 30 s with 6, warm-ups of 4 and of 12 s: whole results carry the weights.
 */
#define HAND_SUM 4.0
#define HAND_MAX 3.0
#define HAND_TIME_MEAN 2.5
#define HAND_STEP_MEAN 2.5

static void set_counters(struct ts_result *result, double scale)
{
    for (uint32_t i = 0; i <= result->n_tiers; i++) {
        struct ts_tier_result *tier = &result->tiers[i];
#define TS_TIER(books, made, type, field, ...) tier->field = (TS_COUNTER_##type)scale;
#include "sim/counters.inc"
        tier->n_steps = (uint64_t)(2.0 * scale);
        for (uint32_t c = 0; c < result->n_classes; c++) {
            struct ts_cell *cell = &tier->cells[c];
#define TS_CELL(type, field, ...) cell->field = (TS_COUNTER_##type)scale;
#include "sim/counters.inc"
        }
    }
#define TS_RUN(type, field, ...) result->field = (TS_COUNTER_##type)scale;
#include "sim/counters.inc"
    result->simulated_s = 10.0 * scale;
    result->warmup_s = 4.0 * scale;
}

static void test_result__every_counter_merges_by_its_rule(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_model model = model_of_test(&pool, 1.0);
    struct ts_result a, b;
    assert_int_equal(ts_result_init(&a, &model, 0), TS_OK);
    assert_int_equal(ts_result_init(&b, &model, 0), TS_OK);
    set_counters(&a, 1.0);
    set_counters(&b, 3.0);
    assert_int_equal(ts_result_merge(&a, &b), TS_OK);
    for (uint32_t i = 0; i <= a.n_tiers; i++) {
        a.tiers[i].n_steps /= 2;
#define TS_TIER(books, made, type, field, rule, ...) assert_true((double)a.tiers[i].field == HAND_##rule);
#include "sim/counters.inc"
#define TS_CELL(type, field, rule, ...) assert_true((double)a.tiers[i].cells[1].field == HAND_##rule);
#include "sim/counters.inc"
    }
    a.simulated_s /= 10.0;
    a.warmup_s /= 4.0;
#define TS_RUN(type, field, rule, ...) assert_true((double)a.field == HAND_##rule);
#include "sim/counters.inc"
    ts_result_deinit(&a);
    ts_result_deinit(&b);
}

/* Bins of 0.5 and of 1 s, as when one replication ran so long that its bins doubled: the finer ones are merged in
 * pairs, whichever side they stand on. */
static void test_result__bins_of_double_width_merge(void **state)
{
    (void)state;
    for (int swapped = 0; swapped < 2; swapped++) {
        struct ts_result a = replicate(0, swapped ? 1.0 : 0.5);
        struct ts_result b = replicate(1, swapped ? 0.5 : 1.0);
        uint64_t n = 0;
        assert_int_equal(ts_result_merge(&a, &b), TS_OK);
        assert_true(a.bin_s == 1.0);
        for (uint32_t bin = 0; bin < a.n_bins; bin++) {
            n += a.arrivals[bin];
        }
        assert_int_equal(n, 2 * N);
        ts_result_deinit(&a);
        ts_result_deinit(&b);
    }
}

static void test_result__sums_run_over_classes_and_tiers(void **state)
{
    (void)state;
    struct ts_result result = replicate(0, 0.5);
    struct ts_cell server, all;
    assert_int_equal(ts_result_sum(&server, &result, 0, TS_ALL_CLASSES), TS_OK);
    assert_int_equal(ts_result_sum(&all, &result, result.n_tiers + 1, TS_ALL_CLASSES), TS_OK);
    assert_int_equal(server.done, result.tiers[0].cells[0].done + result.tiers[0].cells[1].done);
    assert_int_equal(all.arrived, N);
    assert_int_equal(all.latency_ns[TS_TTFT].count, N);
    struct ts_cell one;
    assert_int_equal(ts_result_sum(&one, &result, 0, 1), TS_OK);
    assert_int_equal(one.done, result.tiers[0].cells[1].done);
    ts_cell_deinit(&one);
    struct ts_tier_result total;
    ts_result_total(&total, &result, result.n_tiers + 1);
    assert_true(total.active_j == result.tiers[0].active_j + result.tiers[1].active_j);
    assert_true(total.busy_frac == 0.0 && result.tiers[0].busy_frac > 0.0);
    ts_cell_deinit(&server);
    ts_cell_deinit(&all);
    ts_result_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_result__kinds_and_origins_have_names),
        cmocka_unit_test(test_result__merging_does_not_depend_on_the_order),
        cmocka_unit_test(test_result__merged_counts_add_up_and_means_are_weighted),
        cmocka_unit_test(test_result__every_counter_merges_by_its_rule),
        cmocka_unit_test(test_result__bins_of_double_width_merge),
        cmocka_unit_test(test_result__sums_run_over_classes_and_tiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
