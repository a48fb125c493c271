/* Links that many share, against queueing theory: first come first served, and equal parts for all (processor sharing).
 * Prompts of 10 ms in the mean come at random instants, 50 of them a second, at 50 % load. */
#include "tests/sim/sim_world.h"

#include "sim/network/sharing.h"

enum { N = 1000000, MEAN_TOK = 1000 };

enum sizes { EQUAL, EXPONENTIAL, OF_TWO_KINDS };

/* One in ten is 4,600 tokens long, the others 600: cv^2 = (0.1 x 4.6^2 + 0.9 x 0.6^2) - 1 = 1.44. */
static uint32_t draw_tok(struct ts_rng *rng, enum sizes sizes)
{
    const double u = ts_rng_uniform(rng);
    switch (sizes) {
    case EXPONENTIAL:
        return 1 + (uint32_t)(MEAN_TOK * ts_rng_exponential(rng));
    case OF_TWO_KINDS:
        return u < 0.1 ? 4600 : 600;
    case EQUAL:
        break;
    }
    return MEAN_TOK;
}

/* Mean time of a prompt on the link, over its mean time alone. */
static double mean_stay(bool shares_equally, enum sizes sizes)
{
    const double load = 0.5, mean_s = 0.01;
    struct ts_tier_model tier = world_api(0.1, 1000.0);
    tier.link = 0;
    struct ts_model model = world_model(&tier, 1);
    model.n_links = 1;
    model.links[0] = (struct ts_link_model){.rtt_s = ts_dist_constant(0.0),
                                            .jitter_s = ts_dist_constant(0.0),
                                            .bytes_per_s = MEAN_TOK / mean_s,
                                            .bytes_per_tok = 1.0,
                                            .shares_equally = shares_equally};
    struct ts_request *requests = calloc(N, sizeof *requests);
    struct ts_rng rng;
    double t = 0.0;
    assert_non_null(requests);
    ts_rng_init(&rng, 31, 0, 0, 0);
    for (uint32_t i = 0; i < N; i++) {
        t += ts_rng_exponential(&rng) * mean_s / load;
        requests[i] = world_request(i, ts_ns_from_s(t), draw_tok(&rng, sizes), 1);
    }
    struct ts_result result = world_run(&model, requests, N);
    const struct ts_hist *ttft = &result.tiers[0].cells[0].latency_ns[TS_TTFT];
    const double tok_down_s = 1.0 / model.links[0].bytes_per_s;
    assert_int_equal(ttft->count, N);
    const double stay_s = ts_hist_sum(ttft) * 1e-9 / N - 0.1 - tok_down_s;
    ts_result_deinit(&result);
    free(requests);
    return stay_s / mean_s;
}

/* 1 + rho (1 + cv^2)/(2 (1 - rho)) = 1.5 for equal sizes, 2 for exponential ones, 2.22 for those of two kinds. */
static void test_link__one_after_the_other_waits_as_m_g_1_has_it(void **state)
{
    (void)state;
    world_assert_near(mean_stay(false, EQUAL), 1.5, 0.01);
    world_assert_near(mean_stay(false, EXPONENTIAL), 2.0, 0.01);
    world_assert_near(mean_stay(false, OF_TWO_KINDS), 2.22, 0.01);
}

/* 1/(1 - rho) = 2, whatever the sizes. */
static void test_link__equal_parts_take_as_long_as_m_g_1_ps_has_it(void **state)
{
    (void)state;
    world_assert_near(mean_stay(true, EQUAL), 2.0, 0.01);
    world_assert_near(mean_stay(true, EXPONENTIAL), 2.0, 0.01);
    world_assert_near(mean_stay(true, OF_TWO_KINDS), 2.0, 0.01);
}

/* Two that alone take 100 ms, the second 50 ms after the first: through at 150 and 200 ms. With a third one of 10 ms
 * at 60 ms, when the first has 45 ms left and the second 95: it is through at 90 ms, the others at 160 and 210. */
static void test_sharing__departures_on_paper(void **state)
{
    (void)state;
    struct ts_sharing sharing = {.n = 0};
    struct ts_sharing_message out;
    assert_int_equal(ts_sharing_add(&sharing, 0, 100 * MS, 1, 0), TS_OK);
    assert_int_equal(ts_sharing_next_ns(&sharing, 0), 100 * MS);
    assert_int_equal(ts_sharing_add(&sharing, 50 * MS, 100 * MS, 2, 0), TS_OK);
    assert_int_equal(ts_sharing_next_ns(&sharing, 50 * MS), 150 * MS);
    assert_int_equal(ts_sharing_add(&sharing, 60 * MS, 10 * MS, 3, 0), TS_OK);
    const int64_t through_ms[] = {90, 160, 210};
    const uint32_t whose[] = {3, 1, 2};
    for (size_t i = 0; i < COUNT(whose); i++) {
        const int64_t next_ns = ts_sharing_next_ns(&sharing, 60 * MS);
        assert_int_equal(next_ns, through_ms[i] * MS);
        assert_false(ts_sharing_take(&sharing, next_ns - 1000, &out));
        assert_true(ts_sharing_take(&sharing, next_ns, &out));
        assert_int_equal(out.target, whose[i]);
    }
    assert_int_equal(ts_sharing_next_ns(&sharing, S), INT64_MAX);
    ts_sharing_deinit(&sharing);
}

/* A prompt of 100 ms, sent at 1 s to a link that is down from 1.02 s on for 10 s: it waits and is through at 11.1 s; or
 * it is lost, known 30 ms later, and another tier answers. */
static void test_link__what_shares_a_link_that_fails(void **state)
{
    (void)state;
    struct ts_tier_model tiers[2] = {world_api(0.1, 1000.0), world_api(0.1, 1000.0)};
    tiers[0].link = 0;
    struct ts_model model = world_model(tiers, 2);
    const struct ts_incident_model incident = {
        .link = 0, .tier = -1, .offer = -1, .at_s = 1.02, .for_s = 10.0, .share_frac = 1.0};
    model.incidents = &incident;
    model.n_incidents = 1;
    model.n_links = 1;
    model.links[0] = (struct ts_link_model){.rtt_s = ts_dist_constant(0.0),
                                            .jitter_s = ts_dist_constant(0.0),
                                            .bytes_per_s = 1e6,
                                            .bytes_per_tok = 1.0,
                                            .shares_equally = true,
                                            .stores = true};
    const struct ts_request request = world_request(0, S, 100000, 1);
    struct ts_result result = world_run(&model, &request, 1);
    assert_int_equal(result.tiers[0].cells[0].done, 1);
    world_assert_near(ts_hist_sum(&result.tiers[0].cells[0].latency_ns[TS_TTFT]), 10200001000.0, 1e-9);
    ts_result_deinit(&result);
    model.links[0].stores = false;
    model.links[0].detect_s = 0.03;
    model.router.fallback[0] = 1;
    model.router.n_fallback = 1;
    result = world_run(&model, &request, 1);
    assert_int_equal(result.tiers[0].cells[0].attempts.went_on[TS_REASON_DOWN], 1);
    assert_int_equal(result.tiers[1].cells[0].done, 1);
    assert_true(ts_hist_sum(&result.tiers[1].cells[0].latency_ns[TS_TTFT]) == 150.0 * MS);
    ts_result_deinit(&result);
}

/* Requests of two sites at one tier, over a line of 20 ms and one of 600 ms there and back; the second line is down for
 * half of 20 s: for the 3 of 4 requests that come from there, 37.5 % of the tier's time. */
static void test_sites__have_lines_of_their_own(void **state)
{
    (void)state;
    static const int links[2][TS_MAX_TIERS] = {{0}, {1}};
    struct ts_tier_model tier = world_api(0.1, 1000.0);
    tier.link = 0;
    struct ts_model model = world_model(&tier, 1);
    const struct ts_incident_model incident = {
        .link = 1, .tier = -1, .offer = -1, .at_s = 10.0, .for_s = 10.0, .share_frac = 1.0};
    model.incidents = &incident;
    model.n_incidents = 1;
    model.n_classes = 2;
    model.site_links = links;
    model.n_links = 2;
    model.links[0] = (struct ts_link_model){.rtt_s = ts_dist_constant(0.02), .jitter_s = ts_dist_constant(0.0)};
    model.links[1] =
        (struct ts_link_model){.rtt_s = ts_dist_constant(0.6), .jitter_s = ts_dist_constant(0.0), .detect_s = 0.5};
    struct ts_request requests[] = {world_request(0, S, 10, 1), world_request(1, S, 10, 1),
                                    world_request(2, 12 * S, 10, 1), world_request(3, 12 * S, 10, 1)};
    requests[1].class_id = requests[2].class_id = requests[3].class_id = 1;
    const struct ts_sim_options options = {.window_s = 20.0};
    struct ts_result result = world_run_with(&model, requests, COUNT(requests), &options);
    assert_true(ts_hist_sum(&result.tiers[0].cells[0].latency_ns[TS_TTFT]) == 120.0 * MS);
    assert_true(ts_hist_sum(&result.tiers[0].cells[1].latency_ns[TS_TTFT]) == 700.0 * MS);
    assert_int_equal(result.tiers[0].cells[1].attempts.lost[TS_REASON_DOWN], 2);
    world_assert_near(result.tiers[0].link_down_frac, 0.375, 1e-9);
    ts_result_deinit(&result);
}

/* ---- round trips, jitter and outages as processes ---- */

enum { FAR, NEAR_BY, N_TIERS };

/* An API behind a line without a bandwidth that answers after a millisecond, and one without a line. */
static struct ts_model behind_a_line(struct ts_tier_model tiers[N_TIERS])
{
    tiers[FAR] = tiers[NEAR_BY] = world_api(1e-3, 1000.0);
    tiers[FAR].link = 0;
    struct ts_model model = world_model(tiers, N_TIERS);
    model.n_links = 1;
    model.links[0] = (struct ts_link_model){
        .name = "wan", .rtt_s = ts_dist_constant(0.0), .jitter_s = ts_dist_constant(0.0), .stores = true};
    return model;
}

static struct ts_request *make_evenly(double every_s, uint32_t n)
{
    struct ts_request *requests = calloc(n, sizeof *requests);
    assert_non_null(requests);
    for (uint32_t i = 0; i < n; i++) {
        requests[i] = world_request(i, ts_ns_from_s(i * every_s), 10, 1);
    }
    return requests;
}

/* A round trip of 35 ms in the median and 90 ms in the 95th percentile is what calls see; jitter of 4 ms in the mean
 * comes on top twice, on the way there and on the way back: log-normal with a mean of 35 ms x exp(s^2/2), s = ln(90/35)
 * /1.645, plus 8 ms. */
static void test_link__round_trips_and_jitter_have_their_distributions(void **state)
{
    (void)state;
    enum { MANY = 200000 };
    struct ts_tier_model tiers[N_TIERS];
    struct ts_model model = behind_a_line(tiers);
    struct ts_request *requests = make_evenly(1.0, MANY);
    model.links[0].rtt_s = ts_dist_lognormal_median_p95(0.035, 0.090);
    struct ts_result result = world_run(&model, requests, MANY);
    const struct ts_hist *ttft = &result.tiers[FAR].cells[0].latency_ns[TS_TTFT];
    assert_true(fabs(1e-9 * ts_hist_quantile(ttft, 0.50) - 0.036) < 0.036 * 0.01);
    assert_true(fabs(1e-9 * ts_hist_quantile(ttft, 0.95) - 0.091) < 0.091 * 0.015);
    ts_result_deinit(&result);
    model.links[0].jitter_s = ts_dist_exponential(0.004);
    result = world_run(&model, requests, MANY);
    const double s = log(90.0 / 35.0) / 1.6448536;
    const double mean_s = 0.035 * exp(s * s / 2.0) + 2.0 * 0.004 + 1e-3;
    assert_true(fabs(ts_hist_mean(&result.tiers[FAR].cells[0].latency_ns[TS_TTFT]) * 1e-9 - mean_s) < 2.5e-4);
    ts_result_deinit(&result);
    free(requests);
}

enum { RUNS = 20, CALLS_OF_RUN = 50000 };

static const double up_s = 100.0, down_s = 25.0;

/* Calls at any time, of which a share u/(u + d) finds the line up; sums what many runs came to. */
static struct ts_result run_with_outages(const struct ts_model *model)
{
    struct ts_request *requests = make_evenly(4.0, CALLS_OF_RUN);
    struct ts_result sum = {0};
    for (uint32_t i = 0; i < RUNS; i++) {
        const struct ts_sim_options options = {.replication = i};
        struct ts_result result = world_run_with(model, requests, CALLS_OF_RUN, &options);
        if (i == 0) {
            sum = result;
        } else {
            assert_int_equal(ts_result_merge(&sum, &result), TS_OK);
            ts_result_deinit(&result);
        }
    }
    free(requests);
    return sum;
}

/* Store and forward: a fifth of the calls find the line down and wait for what is left of the outage, 25 s in the mean
 * as it is exponential: 5 s over all calls, and .2 exp(-1) of them for more than 25 s. The mean of 32,000 outages'
 * squares has a standard error of 1.3 %. */
static void test_link__calls_wait_for_what_is_left_of_an_outage(void **state)
{
    (void)state;
    struct ts_tier_model tiers[N_TIERS];
    struct ts_model model = behind_a_line(tiers);
    model.links[0].mean_up_s = up_s;
    model.links[0].mean_down_s = down_s;
    struct ts_result result = run_with_outages(&model);
    const struct ts_cell *far = &result.tiers[FAR].cells[0];
    const double p_down = down_s / (up_s + down_s);
    assert_int_equal(far->done, (uint64_t)RUNS * CALLS_OF_RUN);
    world_assert_near(ts_hist_mean(&far->latency_ns[TS_TTFT]) * 1e-9, p_down * down_s, 0.05);
    world_assert_near(ts_hist_quantile(&far->latency_ns[TS_TTFT], 1.0 - p_down * exp(-1.0)) * 1e-9, down_s, 0.05);
    ts_result_deinit(&result);
}

/* Fallback after 5 s: those calls go on whose outage has more than 5 s left, .2 exp(-5/25) = 16.4 % of all; where there
 * is nothing to go on to, so many are refused. The others wait, never longer than that. */
static void test_link__calls_go_on_from_outages_that_are_longer_than_they_wait(void **state)
{
    (void)state;
    const double p_lost = down_s / (up_s + down_s) * exp(-5.0 / down_s);
    struct ts_tier_model tiers[N_TIERS];
    struct ts_model model = behind_a_line(tiers);
    model.links[0].mean_up_s = up_s;
    model.links[0].mean_down_s = down_s;
    model.links[0].stores = false;
    model.links[0].detect_s = 5.0;
    model.router.fallback[0] = NEAR_BY;
    for (model.router.n_fallback = 0; model.router.n_fallback <= 1; model.router.n_fallback++) {
        struct ts_result result = run_with_outages(&model);
        const struct ts_cell *elsewhere = &result.tiers[model.router.n_fallback == 0 ? N_TIERS : NEAR_BY].cells[0];
        const struct ts_cell *far = &result.tiers[FAR].cells[0];
        assert_int_equal(elsewhere->arrived + far->done, (uint64_t)RUNS * CALLS_OF_RUN);
        assert_int_equal(model.router.n_fallback == 0 ? elsewhere->rejected : elsewhere->done, elsewhere->arrived);
        world_assert_near((double)elsewhere->arrived / ((double)RUNS * CALLS_OF_RUN), p_lost, 0.03);
        assert_true(ts_hist_quantile(&far->latency_ns[TS_TTFT], 1.0) < 5100 * MS);
        ts_result_deinit(&result);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sharing__departures_on_paper),
        cmocka_unit_test(test_link__what_shares_a_link_that_fails),
        cmocka_unit_test(test_sites__have_lines_of_their_own),
        cmocka_unit_test(test_link__round_trips_and_jitter_have_their_distributions),
        cmocka_unit_test(test_link__calls_wait_for_what_is_left_of_an_outage),
        cmocka_unit_test(test_link__calls_go_on_from_outages_that_are_longer_than_they_wait),
        cmocka_unit_test(test_link__one_after_the_other_waits_as_m_g_1_has_it),
        cmocka_unit_test(test_link__equal_parts_take_as_long_as_m_g_1_ps_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
