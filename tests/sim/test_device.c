/* The device tier: users, queues, service times, energy. */
#include "tests/sim/sim_world.h"

#include "sim/serving/steptime.h"
#include "sim/tiers/device.h"
#include "sim/tiers/device_heat.h"

static void test_device__the_eligible_share_is_what_it_says(void **state)
{
    (void)state;
    enum { N = 200000 };
    uint32_t n_eligible = 0;
    for (uint32_t user = 0; user < N; user++) {
        n_eligible += ts_device_is_eligible(5, user, 0.6);
    }
    assert_true(fabs(n_eligible / (double)N - 0.6) < 0.005);
    assert_false(ts_device_is_eligible(5, 1, 0.0));
    assert_true(ts_device_is_eligible(5, 1, 1.0));
}

static void test_device__requests_spread_evenly_over_users(void **state)
{
    (void)state;
    enum { USERS = 100, N = 100000 };
    uint32_t counts[USERS] = {0};
    double chi2 = 0.0;
    for (uint64_t id = 0; id < N; id++) {
        const uint32_t user = ts_device_user(3, id, USERS);
        assert_true(user < USERS);
        counts[user]++;
    }
    for (int u = 0; u < USERS; u++) {
        const double difference = (double)counts[u] - N / USERS;
        chi2 += difference * difference / (N / USERS);
    }
    assert_true(chi2 < 149.0); /* 99.9 % quantile of chi-square with 99 degrees is 148.2 */
    assert_true(chi2 > 50.0);
}

static int64_t decode_in_a_loop(struct ts_hist *itl, const struct ts_steps_model *steps, uint64_t first_kv_tok,
                                uint32_t n)
{
    double total_s = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        const struct ts_batch_load load = ts_steptime_decode_load(1, first_kv_tok + i);
        const double step_s = ts_steptime_s(steps, &load);
        ts_hist_add(itl, ts_steptime_ns(step_s));
        total_s += step_s;
    }
    return ts_steptime_ns(total_s);
}

/* The closed sum against a loop over the tokens, the grouped gaps against each gap by itself. */
static void test_device__the_closed_form_equals_the_loop(void **state)
{
    (void)state;
    const double per_kv_s[] = {0.0, 1e-8, 1e-6, 1e-4};
    const uint32_t lengths[] = {1, 2, 17, 400, 5000};
    for (size_t k = 0; k < COUNT(per_kv_s); k++) {
        for (size_t l = 0; l < COUNT(lengths); l++) {
            struct ts_steps_model steps = {.kind = TS_STEPS_LINEAR};
            struct ts_hist closed, looped;
            steps.u.linear = (struct ts_steps_linear){.a_s = 0.02, .c_s_per_kv_tok = per_kv_s[k]};
            ts_hist_init(&closed);
            ts_hist_init(&looped);
            const int64_t a = ts_device_decode_ns(&closed, &steps, 301, lengths[l], 1.0);
            const int64_t b = decode_in_a_loop(&looped, &steps, 301, lengths[l]);
            assert_true(llabs(a - b) <= 1);
            assert_int_equal(closed.count, looped.count);
            world_assert_near(ts_hist_sum(&closed), ts_hist_sum(&looped), 1e-6);
            for (double p = 0.0; p <= 1.0; p += 0.1) {
                world_assert_near(ts_hist_quantile(&closed, p), ts_hist_quantile(&looped, p), 0.003);
            }
            ts_hist_deinit(&closed);
            ts_hist_deinit(&looped);
        }
    }
}

/* One user. A: 20 ms prompt, 2 gaps of 20: [0, 60]. B comes at 10 and is served in [60, 80]. C finds one waiting, the
 * most allowed, and is turned away. */
static void test_device__a_device_serves_first_come_first_served(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_device(20e-3);
    tier.u.device.max_queue = 1;
    tier.u.device.power = (struct ts_power_model){.idle_w = 2.0, .prefill_w = 12.0, .decode_w = 7.0, .pue = 1.0};
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {world_request(0, 0, 5, 3), world_request(1, 10 * MS, 5, 1),
                                          world_request(2, 20 * MS, 5, 1)};
    struct ts_result result = world_run(&model, requests, 3);
    const struct ts_cell *cell = &result.tiers[0].cells[0];
    assert_int_equal(cell->done, 2);
    assert_int_equal(result.tiers[1].cells[0].rejected, 1);
    assert_int_equal(cell->latency_ns[TS_WAIT].max, 50 * MS);
    assert_int_equal(cell->latency_ns[TS_TTFT].max, 70 * MS);
    assert_int_equal(cell->latency_ns[TS_E2E].min, 60 * MS);
    assert_int_equal(cell->latency_ns[TS_ITL].count, 2);
    /* above idle: 40 ms of prompts at 10 W, 40 ms of decode at 5 W; idle is not charged */
    world_assert_near(result.tiers[0].active_j, 0.6, 1e-12);
    assert_true(result.tiers[0].idle_j == 0.0);
    world_assert_near(result.tiers[0].busy_frac, 1.0, 1e-12);
    ts_result_deinit(&result);
}

/* Whether the only user of an eligible half is in or out is a matter of the seed; it is not half a device. */
static void test_device__eligible_devices_are_counted_whole(void **state)
{
    (void)state;
    uint32_t n_in = 0;
    for (uint64_t seed = 0; seed < 40; seed++) {
        struct ts_tier_model tier = world_device(20e-3);
        tier.u.device.eligible_frac = 0.5;
        struct ts_model model = world_model(&tier, 1);
        model.seed = seed;
        const struct ts_request request = world_request(0, 0, 5, 3);
        struct ts_result result = world_run(&model, &request, 1);
        const uint64_t done = result.tiers[0].cells[0].done;
        assert_int_equal(done, ts_device_n_eligible(seed, &model.tiers[0].u.device, 0));
        assert_true(result.tiers[0].busy_frac == (double)done); /* busy from the first to the last moment, or never */
        assert_true(result.tiers[0].mean_up == (double)done);
        n_in += (uint32_t)done;
        ts_result_deinit(&result);
    }
    assert_in_range(n_in, 8, 32);
    struct ts_device_model fleet = {.n_users = 1000, .eligible_frac = 1.0};
    assert_int_equal(ts_device_n_eligible(7, &fleet, 0), 1000);
    fleet.eligible_frac = 0.0;
    assert_int_equal(ts_device_n_eligible(7, &fleet, 0), 0);
}

/* 200 tokens at 0.28 J: 0.016 Wh, 0.12 % of a 13 Wh battery. */
static void test_device__a_reply_takes_its_share_of_the_battery(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_device(1e-3);
    tier.u.device.battery_wh = 13.0;
    tier.u.device.power = (struct ts_power_model){.idle_w = 0.0, .prefill_w = 280.0, .decode_w = 280.0, .pue = 1.0};
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request request = world_request(0, 0, 1, 200);
    struct ts_result result = world_run(&model, &request, 1);
    const double wh = ts_tier_energy_j(&result.tiers[0]) / 3600.0;
    assert_true(fabs(wh - 0.016) < 0.0005);
    assert_true(fabs(wh / 13.0 - 0.0012) < 0.00005);
    assert_true(result.tiers[0].active_users == 1.0);
    ts_result_deinit(&result);
}

/* Who has called after the warm-up, in which the first of 400 calls comes. On mains nobody is counted. */
static void test_device__users_with_a_battery_are_counted_once(void **state)
{
    (void)state;
    enum { N = 400, USERS = 50 };
    struct ts_tier_model tier = world_device(1e-3);
    tier.u.device.n_users = USERS;
    tier.u.device.battery_wh = 13.0;
    struct ts_model model = world_model(&tier, 1);
    model.warmup_s = 1e-3;
    struct ts_request requests[N];
    bool called[USERS] = {false};
    double n_called = 0.0;
    for (uint64_t i = 0; i < N; i++) {
        requests[i] = world_request(i, (int64_t)i * MS, 1, 1);
        bool *user = &called[ts_device_user(model.seed, i, USERS)];
        n_called += i > 0 && !*user;
        *user = i > 0;
    }
    struct ts_result result = world_run(&model, requests, N);
    assert_true(result.tiers[0].active_users == n_called && n_called > 45.0);
    ts_result_deinit(&result);
    model.tiers[0].u.device.battery_wh = 0.0;
    result = world_run(&model, requests, N);
    assert_true(result.tiers[0].active_users == 0.0);
    ts_result_deinit(&result);
}

/* Patience 30 ms: the one in service has its first token after 20 and stays; the two after it leave, in the middle of
 * the queue and at its end; the one that comes later is served. */
static void test_device__waiting_requests_lose_patience(void **state)
{
    (void)state;
    const struct ts_tier_model tier = world_device(20e-3);
    struct ts_model model = world_model(&tier, 1);
    model.patience_s = 0.030;
    const struct ts_request requests[] = {world_request(0, 0, 1, 4), world_request(1, MS, 1, 1),
                                          world_request(2, 2 * MS, 1, 1), world_request(3, 75 * MS, 1, 1)};
    struct ts_result result = world_run(&model, requests, 4);
    assert_int_equal(result.tiers[0].cells[0].done, 2);
    assert_int_equal(result.tiers[0].cells[0].timed_out, 2);
    assert_int_equal(result.tiers[0].cells[0].latency_ns[TS_WAIT].max, 5 * MS);
    ts_result_deinit(&result);
}

/* The first gives up inside its prompt (100 ms): the device turns to the second at once. */
static void test_device__giving_up_inside_the_prompt_frees_the_device(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_device(0.0);
    tier.u.device.steps.u.linear.d_s_per_prefill_tok = 1e-3;
    struct ts_model model = world_model(&tier, 1);
    model.patience_s = 0.030;
    const struct ts_request requests[] = {world_request(0, 0, 100, 1), world_request(1, 10 * MS, 5, 1)};
    struct ts_result result = world_run(&model, requests, 2);
    assert_int_equal(result.tiers[0].cells[0].timed_out, 1);
    assert_int_equal(result.tiers[0].cells[0].done, 1);
    assert_int_equal(result.tiers[0].cells[0].latency_ns[TS_TTFT].max, 25 * MS);
    world_assert_near(result.tiers[0].busy_frac, 1.0, 1e-12);
    ts_result_deinit(&result);
}

/* Ten million users: only those that are busy take memory, so this is quick. */
static void test_device__ten_million_users_cost_nothing_until_they_ask(void **state)
{
    (void)state;
    enum { N = 20000 };
    struct ts_tier_model tier = world_device(5e-3);
    tier.u.device.n_users = 10000000;
    tier.u.device.eligible_frac = 0.6;
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request *requests = calloc(N, sizeof *requests);
    assert_non_null(requests);
    for (uint64_t i = 0; i < N; i++) {
        requests[i] = world_request(i, (int64_t)i * 1000, 10, 100);
    }
    struct ts_result result = world_run(&model, requests, N);
    const double done_frac = (double)result.tiers[0].cells[0].done / N;
    assert_true(fabs(done_frac - 0.6) < 0.02);
    assert_int_equal(result.tiers[1].cells[0].rejected, N - result.tiers[0].cells[0].done);
    ts_result_deinit(&result);
    free(requests);
}

/* s = 0.565, heating 60 s: what takes a cold device 60 s takes 73.56 s; then it is as cold as exp(-73.56/60) = 0.293.
 * The neural engine of an iPhone 17 Pro, from 33 to 22 tok/s in 281 s: 29.9 tok/s after 93 s (measured: a tenth
 * lost, 29.7), 24.7 after 390 s (measured: a quarter, 24.75). */
static void test_device_heat__is_a_first_order_fall(void **state)
{
    (void)state;
    const struct ts_heat_model phone = {.sustained_frac = 0.565, .heating_s = 60.0, .cooling_s = 300.0};
    const double t = ts_device_heat_time_s(&phone, 1.0, 60.0);
    world_assert_near(0.565 * t + 0.435 * 60.0 * (1.0 - exp(-t / 60.0)), 60.0, 1e-12);
    assert_true(fabs(t - 73.557) < 0.001);
    world_assert_near(ts_device_heat_time_s(&phone, 0.0, 60.0), 60.0 / 0.565, 1e-12);
    world_assert_near(ts_device_heat_at_work(&phone, 1.0, t), exp(-t / 60.0), 1e-12);
    world_assert_near(ts_device_heat_at_rest(&phone, 0.2, 300.0), 1.0 - 0.8 * exp(-1.0), 1e-12);
    const struct ts_heat_model engine = {.sustained_frac = 22.0 / 33.0, .heating_s = 281.0};
    const double s = engine.sustained_frac;
    assert_true(fabs(33.0 * (s + (1.0 - s) * ts_device_heat_at_work(&engine, 1.0, 93.0)) - 29.7) < 0.3);
    assert_true(fabs(33.0 * (s + (1.0 - s) * ts_device_heat_at_work(&engine, 1.0, 390.0)) - 24.75) < 0.1);
}

/* An iPhone 16 Pro: 40 tok/s cold. Replies of 400 tokens one after the other: the first takes a little over 10 s,
 * those far in 400/22.6 = 17.7 s; after an hour of rest the first again. The energy of a reply stays. */
static void test_device_heat__replies_fall_to_the_sustained_rate_and_recover(void **state)
{
    (void)state;
    enum { N = 40 };
    struct ts_tier_model tier = world_device(1.0 / 40.0);
    tier.u.device.heat = (struct ts_heat_model){.sustained_frac = 22.6 / 40.0, .heating_s = 60.0, .cooling_s = 300.0};
    tier.u.device.power = (struct ts_power_model){.prefill_w = 8.0, .decode_w = 8.0, .pue = 1.0};
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request requests[N + 1];
    for (uint64_t i = 0; i < N; i++) {
        requests[i] = world_request(i, 0, 1, 400);
    }
    struct ts_result result = world_run(&model, requests, N);
    const double total_s = 1e-9 * (double)result.tiers[0].cells[0].latency_ns[TS_E2E].max;
    world_assert_near(total_s, ts_device_heat_time_s(&tier.u.device.heat, 1.0, N * 10.0), 1e-6);
    assert_true(fabs(total_s - (N * 400 / 22.6 - 60.0 * (1.0 / 0.565 - 1.0))) < 1.0);
    world_assert_near(result.tiers[0].active_j, N * 80.0, 1e-4);
    assert_true(ts_hist_quantile(&result.tiers[0].cells[0].latency_ns[TS_ITL], 0.5) > 0.95 * 1e9 / 22.6);
    ts_result_deinit(&result);
    requests[N] = world_request(N, 3600 * S + (int64_t)(total_s * 1e9), 1, 400);
    result = world_run(&model, requests, N + 1);
    const int64_t cold_ns = ts_hist_quantile(&result.tiers[0].cells[0].latency_ns[TS_E2E], 0.0);
    assert_true(fabs(1e-9 * (double)cold_ns - ts_device_heat_time_s(&tier.u.device.heat, 1.0, 10.0)) < 0.02);
    ts_result_deinit(&result);
}

/* A battery of 1 Wh of which calls may take a hundredth a day: 36 J, four and a half replies of 8 J. The fifth begins
 * below that, the sixth is refused; on the next day it goes on. */
static void test_device__gives_calls_a_share_of_its_charge_a_day(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_device(0.1);
    tier.u.device.battery_wh = 1.0;
    tier.u.device.battery_day_frac = 0.01;
    tier.u.device.power = (struct ts_power_model){.idle_w = 0.5, .prefill_w = 8.5, .decode_w = 8.5, .pue = 1.0};
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request requests[20];
    for (uint64_t i = 0; i < COUNT(requests); i++) {
        requests[i] = world_request(i, (int64_t)(i / 10) * 86400 * S + (int64_t)(i % 10) * 10 * S, 1, 10);
    }
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    assert_int_equal(result.tiers[0].cells[0].done, 10);
    assert_int_equal(result.tiers[1].cells[0].rejected, 10);
    ts_result_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_device__the_eligible_share_is_what_it_says),
        cmocka_unit_test(test_device__requests_spread_evenly_over_users),
        cmocka_unit_test(test_device__the_closed_form_equals_the_loop),
        cmocka_unit_test(test_device__a_device_serves_first_come_first_served),
        cmocka_unit_test(test_device__eligible_devices_are_counted_whole),
        cmocka_unit_test(test_device__a_reply_takes_its_share_of_the_battery),
        cmocka_unit_test(test_device__users_with_a_battery_are_counted_once),
        cmocka_unit_test(test_device__waiting_requests_lose_patience),
        cmocka_unit_test(test_device__giving_up_inside_the_prompt_frees_the_device),
        cmocka_unit_test(test_device__ten_million_users_cost_nothing_until_they_ask),
        cmocka_unit_test(test_device_heat__is_a_first_order_fall),
        cmocka_unit_test(test_device_heat__replies_fall_to_the_sustained_rate_and_recover),
        cmocka_unit_test(test_device__gives_calls_a_share_of_its_charge_a_day),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
