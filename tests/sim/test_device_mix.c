/* A fleet of several kinds of devices: each user has one, calls and times are those of the kinds by themselves. */
#include "tests/sim/sim_world.h"

#include "sim/tiers/device_offline.h"
#include "sim/tiers/device_users.h"

enum { USERS = 400, N = 20000 };

static const double share = 0.3; /* of phones; the others have laptops */

/* A call every 30 s in the mean, 30 to 630 tokens; a phone needs 50 ms for a token, a laptop 20 ms. */
static struct ts_request *make_requests(void)
{
    struct ts_request *requests = malloc(N * sizeof *requests);
    struct ts_rng rng;
    int64_t now_ns = 0;
    assert_non_null(requests);
    ts_rng_init(&rng, 11, 0, 0, 0);
    for (uint64_t i = 0; i < N; i++) {
        now_ns += (int64_t)(ts_rng_exponential(&rng) * 0.075 * S);
        requests[i] = world_request(i, now_ns, 1, 30 + (uint32_t)(600.0 * ts_rng_uniform(&rng)));
    }
    return requests;
}

static struct ts_device_model device(double step_s, double eligible_frac, double power_w)
{
    struct ts_device_model model = world_device(step_s).u.device;
    model.n_users = USERS;
    model.eligible_frac = eligible_frac;
    model.max_queue = 1;
    model.battery_wh = 15.0;
    model.power.prefill_w = model.power.decode_w = power_w;
    return model;
}

static struct ts_model fleet_of(const struct ts_device_kind *kinds, uint32_t n_kinds)
{
    struct ts_tier_model tier = world_device(0.0);
    tier.u.device = kinds[0].device;
    tier.u.device.kinds = kinds;
    tier.u.device.n_kinds = n_kinds;
    return world_model(&tier, 1);
}

static struct ts_model alone(const struct ts_device_kind *kind)
{
    struct ts_tier_model tier = world_device(0.0);
    tier.u.device = kind->device;
    return world_model(&tier, 1);
}

static void assert_same_cell(const struct ts_cell *a, const struct ts_cell *b)
{
    static const enum ts_latency latencies[] = {TS_TTFT, TS_TPOT, TS_E2E, TS_WAIT};
    assert_true(a->arrived == b->arrived && a->done == b->done && a->output_tok == b->output_tok);
    assert_true(a->attempts.sent == b->attempts.sent);
    for (int r = 0; r < TS_N_REASONS; r++) {
        assert_int_equal(a->attempts.lost[r], b->attempts.lost[r]);
    }
    for (size_t l = 0; l < COUNT(latencies); l++) {
        const struct ts_hist *x = &a->latency_ns[latencies[l]], *y = &b->latency_ns[latencies[l]];
        assert_true(x->count == y->count && x->min == y->min && x->max == y->max && ts_hist_sum(x) == ts_hist_sum(y));
        assert_true(ts_hist_quantile(x, 0.9) == ts_hist_quantile(y, 0.9));
    }
}

/* Users have the kinds by their shares, and keep them. */
static void test_mix__users_are_divided_by_the_shares(void **state)
{
    (void)state;
    enum { MANY = 100000 };
    const struct ts_device_kind kinds[] = {{.share_frac = 0.2}, {.share_frac = 0.5}, {.share_frac = 0.3}};
    const struct ts_device_model fleet = {.n_users = MANY, .kinds = kinds, .n_kinds = 3};
    uint32_t n[3] = {0};
    for (uint32_t user = 0; user < MANY; user++) {
        n[ts_device_kind(5, user, &fleet)]++;
    }
    for (uint32_t k = 0; k < 3; k++) {
        const double p = kinds[k].share_frac;
        assert_true(fabs(n[k] / (double)MANY - p) < 4.0 * sqrt(p * (1.0 - p) / MANY));
    }
}

/* All devices are of one kind: to the bit what the tier is without a mix. */
static void test_mix__one_kind_alone_is_the_tier_itself(void **state)
{
    (void)state;
    const struct ts_device_kind kind = {.name = "phone", .share_frac = 1.0, .device = device(0.05, 0.8, 5.0)};
    struct ts_request *requests = make_requests();
    struct ts_model mixed = fleet_of(&kind, 1), plain = alone(&kind);
    struct ts_result a = world_run(&mixed, requests, N), b = world_run(&plain, requests, N);
    world_assert_equal(&a, &b, 0.0);
    world_assert_same_intervals(&a, &b, 0.0);
    assert_true(a.tiers[0].active_j == b.tiers[0].active_j && a.tiers[0].active_users == b.tiers[0].active_users);
    assert_same_cell(a.pools[0].cells, &b.tiers[0].cells[0]);
    ts_result_deinit(&a);
    ts_result_deinit(&b);
    free(requests);
}

static double n_of_kind(const struct ts_model *model, uint32_t kind)
{
    double n = 0.0;
    for (uint32_t user = 0; user < USERS; user++) {
        n += ts_device_kind(model->seed, user, &model->tiers[0].u.device) == kind;
    }
    return n;
}

/* Calls of the users who have that kind. */
static uint64_t select_kind(struct ts_request *out, const struct ts_request *requests, const struct ts_model *model,
                            uint32_t kind)
{
    uint64_t n = 0;
    for (uint64_t i = 0; i < N; i++) {
        const uint32_t user = ts_device_user_of(model->seed, &requests[i], USERS);
        if (ts_device_kind(model->seed, user, &model->tiers[0].u.device) == kind) {
            out[n++] = requests[i];
        }
    }
    return n;
}

/* Phones and laptops: each kind has exactly the calls and times of its users alone, and the times of a fleet of that
 * kind within the 99 % interval of these; the calls are divided by the shares of the users. */
static void test_mix__kinds_are_as_if_alone(void **state)
{
    (void)state;
    const struct ts_device_kind kinds[] = {
        {.name = "phone", .share_frac = share, .device = device(0.05, 0.8, 5.0)},
        {.name = "laptop", .share_frac = 1.0 - share, .device = device(0.02, 0.9, 30.0)}};
    struct ts_request *requests = make_requests(), *own = malloc(N * sizeof *own);
    struct ts_model mixed = fleet_of(kinds, 2);
    struct ts_result all = world_run(&mixed, requests, N);
    uint64_t n_arrived = 0;
    double active_j = 0.0;
    assert_non_null(own);
    for (uint32_t k = 0; k < 2; k++) {
        const struct ts_cell *cell = all.pools[k].cells;
        const uint64_t n = select_kind(own, requests, &mixed, k);
        struct ts_model plain = alone(&kinds[k]);
        struct ts_result of_users = world_run(&plain, own, n), of_fleet = world_run(&plain, requests, N);
        assert_same_cell(cell, &of_users.tiers[0].cells[0]);
        world_assert_near(all.pools[k].active_j, of_users.tiers[0].active_j, 1e-12);
        const double mean_s = ts_hist_mean(&of_fleet.tiers[0].cells[0].latency_ns[TS_E2E]) * 1e-9;
        const double half_s = ts_batch_means_half(&of_fleet.tiers[0].batches[TS_E2E], 0.99);
        assert_true(fabs(ts_hist_mean(&cell->latency_ns[TS_E2E]) * 1e-9 - mean_s) <
                    half_s * sqrt(1.0 + 1.0 / kinds[k].share_frac));
        assert_true(fabs((double)n / N - n_of_kind(&mixed, k) / USERS) < 4.0 * sqrt(share * (1.0 - share) / N));
        n_arrived += cell->arrived;
        active_j += all.pools[k].active_j;
        ts_result_deinit(&of_users);
        ts_result_deinit(&of_fleet);
    }
    assert_int_equal(n_arrived, all.tiers[0].cells[0].arrived);
    world_assert_near(active_j, all.tiers[0].active_j, 1e-12);
    assert_true(all.pools[0].active_users + all.pools[1].active_users == all.tiers[0].active_users);
    ts_result_deinit(&all);
    free(own);
    free(requests);
}

/* Two replications are one of twice the calls. */
static void test_mix__kinds_merge(void **state)
{
    (void)state;
    const struct ts_device_kind kinds[] = {{.name = "a", .share_frac = share, .device = device(0.05, 1.0, 5.0)},
                                           {.name = "b", .share_frac = 1.0 - share, .device = device(0.02, 1.0, 9.0)}};
    struct ts_request *requests = make_requests();
    struct ts_model mixed = fleet_of(kinds, 2);
    struct ts_result one = world_run(&mixed, requests, N), two = world_run(&mixed, requests, N);
    assert_int_equal(ts_result_merge(&two, &one), TS_OK);
    for (uint32_t k = 0; k < 2; k++) {
        assert_true(one.pools[k].cells->done > 0);
        assert_int_equal(two.pools[k].cells->done, 2 * one.pools[k].cells->done);
        assert_int_equal(two.pools[k].cells->attempts.sent, 2 * one.pools[k].cells->attempts.sent);
        assert_int_equal(two.pools[k].cells->latency_ns[TS_E2E].count,
                         2 * one.pools[k].cells->latency_ns[TS_E2E].count);
    }
    ts_result_deinit(&one);
    ts_result_deinit(&two);
    free(requests);
}

/* Devices begin to load within 100 s and have the model 20 s later: of the calls at 70 s half find it (their user's
 * draw is below 0.5), at 10 s none, at 120 s all. */
static void test_mix__devices_take_calls_once_they_have_the_model(void **state)
{
    (void)state;
    static const int64_t at_s[] = {10, 70, 120};
    static const double want[] = {0.0, 0.5, 1.0};
    enum { CALLS = 4000 };
    struct ts_tier_model tier = world_device(1e-6);
    tier.u.device.n_users = 1000000;
    tier.u.device.rolls_out = true;
    tier.u.device.rollout_s = 100.0;
    tier.u.device.download_s = 20.0;
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request *requests = malloc(CALLS * sizeof *requests);
    assert_non_null(requests);
    for (size_t t = 0; t < COUNT(at_s); t++) {
        uint64_t n_have = 0;
        for (uint64_t i = 0; i < CALLS; i++) {
            requests[i] = world_request(i, at_s[t] * S, 1, 1);
            const uint32_t user = ts_device_user_of(model.seed, &requests[i], 1000000);
            n_have += ts_device_has_model_from_s(model.seed, user, &model.tiers[0].u.device) <= (double)at_s[t];
        }
        struct ts_result result = world_run(&model, requests, CALLS);
        assert_int_equal(result.tiers[0].cells[0].done, n_have);
        assert_true(fabs((double)n_have / CALLS - want[t]) < 4.0 * sqrt(0.25 / CALLS));
        ts_result_deinit(&result);
    }
    free(requests);
}

/* ---- offline hours ---- */

static const struct ts_offline_model nights = {
    .share_frac = 0.5, .from_hour = 22.0, .to_hour = 7.0, .has_weekend = true, .weekend_frac = 1.0};
static const struct ts_offline_model one_in_ten = {.share_frac = 0.1, .to_hour = 24.0};

/* Half of the users at night, who is drawn stays so until the morning; another half on the next day; all on weekends.
 */
static void test_offline__a_night_is_one_and_each_day_another(void **state)
{
    (void)state;
    enum { MANY = 20000, TUESDAY = 24, SATURDAY = 120 };
    uint32_t n_night = 0, n_both = 0;
    for (uint32_t user = 0; user < MANY; user++) {
        const bool monday = ts_device_is_offline(&nights, 7, user, 22.0);
        n_night += monday;
        n_both += monday && ts_device_is_offline(&nights, 7, user, TUESDAY + 22.0);
        assert_true(ts_device_is_offline(&nights, 7, user, TUESDAY + 6.999) == monday);
        assert_true(ts_device_is_offline(&nights, 7, user, SATURDAY + 12.0));
        assert_false(ts_device_is_offline(&nights, 7, user, TUESDAY + 7.0));
        assert_false(ts_device_is_offline(&nights, 7, user, 21.999));
    }
    assert_true(fabs(n_night - 0.5 * MANY) < 4.0 * sqrt(0.25 * MANY));
    assert_true(fabs(n_both - 0.25 * MANY) < 4.0 * sqrt(0.1875 * MANY));
    world_assert_near(ts_device_offline_frac(&nights, -1.0), 1.0, 0.0); /* a Sunday */
    struct ts_offline_model open_weekend = nights;
    open_weekend.weekend_frac = 0.0;
    assert_false(ts_device_is_offline(&open_weekend, 7, 3, SATURDAY + 1.0));
    open_weekend.has_weekend = false;
    world_assert_near(ts_device_offline_frac(&open_weekend, SATURDAY + 1.0), 0.5, 0.0);
}

/* Calls evenly over a week that begins on a Monday. Of those of users with phones 5 nights of 9 h with half of them and
 * two whole days are lost, (22.5 + 48)/168 = 42 %, of those with laptops a tenth; each as down. */
static void test_offline__calls_are_lost_by_the_hours(void **state)
{
    (void)state;
    struct ts_device_kind kinds[] = {{.name = "phone", .share_frac = share, .device = device(1e-6, 1.0, 5.0)},
                                     {.name = "laptop", .share_frac = 1.0 - share, .device = device(1e-6, 1.0, 5.0)}};
    static const double lost_frac[] = {(22.5 + 48.0) / 168.0, 0.1};
    struct ts_request *requests = make_requests();
    kinds[0].device.n_users = kinds[1].device.n_users = 100000;
    kinds[0].device.offline = nights;
    kinds[1].device.offline = one_in_ten;
    for (uint64_t i = 0; i < N; i++) {
        requests[i].arrival_ns = (int64_t)((double)i / N * 168.0 * 3600.0) * S;
    }
    const struct ts_model mixed = fleet_of(kinds, 2);
    struct ts_result result = world_run(&mixed, requests, N);
    for (uint32_t k = 0; k < 2; k++) {
        const struct ts_cell *cell = result.pools[k].cells;
        const double n = kinds[k].share_frac * N, lost = (double)cell->attempts.lost[TS_REASON_DOWN];
        assert_true(fabs(lost / (lost + (double)cell->done) - lost_frac[k]) < 4.0 * sqrt(0.25 / n));
        assert_int_equal(cell->attempts.sent, cell->done + cell->attempts.lost[TS_REASON_DOWN]);
    }
    assert_int_equal(result.tiers[0].cells[0].done + result.tiers[1].cells[0].rejected, N);
    ts_result_deinit(&result);
    free(requests);
}

/* At 20:00 of the run's clock nobody is offline; a site three hours ahead has 23:00, and all are. */
static void test_offline__a_site_has_its_own_hours(void **state)
{
    (void)state;
    static const double ahead_h[] = {0.0, 3.0};
    struct ts_device_kind kind = {.name = "phone", .share_frac = 1.0, .device = device(1e-6, 1.0, 5.0)};
    kind.device.offline = (struct ts_offline_model){.share_frac = 1.0, .from_hour = 22.0, .to_hour = 7.0};
    struct ts_model model = alone(&kind);
    model.start_hour = 20.0;
    model.class_ahead_h = ahead_h;
    model.n_classes = 2;
    static const char *const names[] = {"here", "east"};
    model.class_names = names;
    struct ts_request requests[] = {world_request(0, 0, 1, 1), world_request(1, 60 * S, 1, 1)};
    requests[1].class_id = 1;
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    assert_int_equal(result.tiers[0].cells[0].done, 1);
    assert_int_equal(result.tiers[0].cells[1].attempts.lost[TS_REASON_DOWN], 1);
    ts_result_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mix__users_are_divided_by_the_shares),
        cmocka_unit_test(test_mix__one_kind_alone_is_the_tier_itself),
        cmocka_unit_test(test_mix__kinds_are_as_if_alone),
        cmocka_unit_test(test_mix__kinds_merge),
        cmocka_unit_test(test_mix__devices_take_calls_once_they_have_the_model),
        cmocka_unit_test(test_offline__a_night_is_one_and_each_day_another),
        cmocka_unit_test(test_offline__calls_are_lost_by_the_hours),
        cmocka_unit_test(test_offline__a_site_has_its_own_hours),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
