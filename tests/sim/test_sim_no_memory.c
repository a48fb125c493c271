/* The n-th allocation fails, for n = 1, 2, ... until the run succeeds: each failure is reported as such (not as a
 * rejected request), and nothing leaks (the address sanitizer watches). Allocations go through the linker's --wrap. */
#include "tests/failing_allocator.h"
#include "tests/sim/sim_world.h"

enum { N = 600 };

static const struct ts_device_kind kinds[] = {
    {.name = "a", .share_frac = 0.5, .device = {.eligible_frac = 1.0, .power = {.pue = 1.0}, .battery_wh = 13.0}},
    {.name = "b", .share_frac = 0.5, .device = {.eligible_frac = 1.0, .power = {.pue = 1.0}}}};

static struct ts_model three_tiers(struct ts_pool_model *pool)
{
    const struct ts_tier_model tiers[3] = {world_server(pool, 5e-3), world_device(5e-3), world_api(0.1, 100.0)};
    struct ts_model model = world_model(tiers, 3);
    pool->n_replicas = 2;
    model.tiers[0].replaces = 2;
    model.tiers[1].u.device.n_users = 10000;
    model.tiers[1].u.device.kinds = kinds;
    model.tiers[1].u.device.n_kinds = 2;
    model.tiers[2].u.api.cache = (struct ts_prompt_cache_model){.life_s = 300.0, .least_tok = 128};
    model.n_classes = 3;
    model.router.static_tier[1] = 1;
    model.router.static_tier[2] = 2;
    model.patience_s = 30.0;
    model.series_bin_s = 1e-3;
    return model;
}

static enum ts_status run(struct ts_result *out, const struct ts_model *model, const struct ts_request *requests,
                          long fail_at)
{
    struct ts_request_stream *stream = NULL;
    assert_int_equal(ts_request_stream_from_array(&stream, requests, N), TS_OK);
    countdown = fail_at;
    const enum ts_status status = ts_sim_run(out, model, stream, NULL, NULL);
    countdown = -1;
    ts_request_stream_destroy(stream);
    return status;
}

static void test_sim__every_failed_allocation_is_reported(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_model model = three_tiers(&pool);
    struct ts_request requests[N];
    struct ts_result result;
    long n_failures = 0;
    for (uint64_t i = 0; i < N; i++) {
        requests[i] = world_request(i, (int64_t)i * MS, 20, 30);
        requests[i].class_id = i % 3;
    }
    static uint64_t ids[N][10];
    for (uint64_t i = 0; i < N; i++) {
        ids[i][9] = i;
        requests[i].prompt_tok = 10 * 128;
        requests[i].prefix = (struct ts_prefix){.ids = ids[i], .n_ids = 10, .block_tok = 128};
    }
    while (run(&result, &model, requests, n_failures) != TS_OK) {
        n_failures++;
        assert_true(n_failures < 1000);
    }
    print_message("%ld allocations\n", n_failures);
    assert_true(n_failures > 40);
    struct ts_cell sum;
    assert_int_equal(ts_result_sum(&sum, &result, 4, TS_ALL_CLASSES), TS_OK);
    assert_int_equal(sum.done, N);
    ts_cell_deinit(&sum);
    ts_result_deinit(&result);
}

static void test_result__a_failed_merge_leaks_nothing(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_model model = three_tiers(&pool);
    struct ts_request requests[N];
    struct ts_result from;
    enum ts_status status = TS_ENOMEM;
    for (uint64_t i = 0; i < N; i++) {
        requests[i] = world_request(i, (int64_t)i * MS, 20, 30);
    }
    assert_int_equal(run(&from, &model, requests, -1), TS_OK);
    for (long fail_at = 0; status != TS_OK; fail_at++) {
        struct ts_result into;
        assert_true(fail_at < 1000);
        assert_int_equal(ts_result_init(&into, &model, 0), TS_OK);
        countdown = fail_at;
        status = ts_result_merge(&into, &from);
        countdown = -1;
        assert_true(status == TS_OK || status == TS_ENOMEM);
        ts_result_deinit(&into);
    }
    ts_result_deinit(&from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim__every_failed_allocation_is_reported),
        cmocka_unit_test(test_result__a_failed_merge_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
