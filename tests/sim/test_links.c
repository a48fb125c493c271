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
    const double stay_s = ttft->sum * 1e-9 / N - 0.1 - tok_down_s;
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
    world_assert_near(result.tiers[0].cells[0].latency_ns[TS_TTFT].sum, 10200001000.0, 1e-9);
    ts_result_deinit(&result);
    model.links[0].stores = false;
    model.links[0].detect_s = 0.03;
    model.router.fallback[0] = 1;
    model.router.n_fallback = 1;
    result = world_run(&model, &request, 1);
    assert_int_equal(result.tiers[0].cells[0].attempts.went_on[TS_REASON_DOWN], 1);
    assert_int_equal(result.tiers[1].cells[0].done, 1);
    assert_true(result.tiers[1].cells[0].latency_ns[TS_TTFT].sum == 150.0 * MS);
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
    assert_true(result.tiers[0].cells[0].latency_ns[TS_TTFT].sum == 120.0 * MS);
    assert_true(result.tiers[0].cells[1].latency_ns[TS_TTFT].sum == 700.0 * MS);
    assert_int_equal(result.tiers[0].cells[1].attempts.lost[TS_REASON_DOWN], 2);
    world_assert_near(result.tiers[0].link_down_frac, 0.375, 1e-9);
    ts_result_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sharing__departures_on_paper),
        cmocka_unit_test(test_link__what_shares_a_link_that_fails),
        cmocka_unit_test(test_sites__have_lines_of_their_own),
        cmocka_unit_test(test_link__one_after_the_other_waits_as_m_g_1_has_it),
        cmocka_unit_test(test_link__equal_parts_take_as_long_as_m_g_1_ps_has_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
