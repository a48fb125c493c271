/* Lines, tiers and replicas that fail: runs that can be worked out on paper, and the share of the time that a link is
 * down. */
#include "tests/sim/sim_world.h"

#include "sim/network/link.h"

enum { NEAR, FAR };

/* Tier FAR lies after a link, calls are meant for it; NEAR is what they fall back to. 1,000 tokens a second. */
static struct ts_model two_tiers(void)
{
    struct ts_tier_model tiers[2] = {[NEAR] = world_api(0.1, 1000.0), [FAR] = world_api(0.5, 1000.0)};
    tiers[FAR].link = 0;
    struct ts_model model = world_model(tiers, 2);
    model.n_links = 1;
    model.links[0] = (struct ts_link_model){.name = "wan",
                                            .rtt_s = ts_dist_constant(0.02),
                                            .jitter_s = ts_dist_constant(0.0),
                                            .bytes_per_tok = 4.0,
                                            .detect_s = 1.0};
    for (size_t c = 0; c < COUNT(model.router.static_tier); c++) {
        model.router.static_tier[c] = FAR;
    }
    model.router.fallback[0] = NEAR;
    model.router.n_fallback = 1;
    return model;
}

static const struct ts_incident_model wan_is_down = {
    .link = 0, .tier = -1, .offer = -1, .at_s = 10.0, .for_s = 100.0, .share_frac = 1.0};

static const struct ts_cell *cell_of(const struct ts_result *result, uint32_t tier)
{
    return &result->tiers[tier].cells[0];
}

/* A call at 9 s is answered; one at 20 s is told after 1 s that the line is dead, and answered by NEAR at 21.1 s; one
 * at 110.5 s by FAR again. */
static void test_link__calls_fall_back_once_they_know(void **state)
{
    (void)state;
    struct ts_model model = two_tiers();
    model.incidents = &wan_is_down;
    model.n_incidents = 1;
    const struct ts_request requests[] = {world_request(0, 9 * S, 10, 1), world_request(1, 20 * S, 10, 1),
                                          world_request(2, 110500 * MS, 10, 1)};
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    assert_int_equal(cell_of(&result, FAR)->done, 2);
    assert_int_equal(cell_of(&result, NEAR)->done, 1);
    assert_int_equal(cell_of(&result, NEAR)->fell_back, 1);
    assert_true(ts_hist_sum(&cell_of(&result, NEAR)->latency_ns[TS_TTFT]) == 1100.0 * MS);
    assert_true(ts_hist_sum(&cell_of(&result, FAR)->latency_ns[TS_TTFT]) == 2 * 520.0 * MS);
    world_assert_near(result.tiers[FAR].link_down_frac * result.simulated_s, 100.0, 1e-9);
    double served = 0.0;
    for (uint32_t bin = 0; bin < result.n_bins; bin++) {
        served += result.tiers[FAR].served_per_s[bin];
    }
    assert_true(served >= 2.0);
    ts_result_deinit(&result);
}

/* What waits instead goes when the line is up: 90 s later. Nobody else is asked. A call on its way when the line failed
 * is held up, and so is the reply of one that was being served: its first token waits from 10.2 s to 110 s. */
static void test_link__store_and_forward_waits(void **state)
{
    (void)state;
    struct ts_model model = two_tiers();
    model.links[0].stores = true;
    model.incidents = &wan_is_down;
    model.n_incidents = 1;
    const struct ts_request requests[] = {world_request(0, 9700 * MS, 10, 1), world_request(1, 9995 * MS, 10, 1),
                                          world_request(2, 20 * S, 10, 1)};
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    assert_int_equal(cell_of(&result, FAR)->done, 3);
    const double wait_ms = (110000.0 + 10.0 - 9700.0) + (110000.0 + 510.0 - 9995.0) + (90000.0 + 520.0);
    world_assert_near(ts_hist_sum(&cell_of(&result, FAR)->latency_ns[TS_TTFT]), wait_ms * MS, 1e-12);
    ts_result_deinit(&result);
}

/* An outage that is over before anybody knows of it is waited for. */
static void test_link__a_short_outage_is_waited_for(void **state)
{
    (void)state;
    struct ts_model model = two_tiers();
    struct ts_incident_model blip = wan_is_down;
    blip.for_s = 0.8;
    model.incidents = &blip;
    model.n_incidents = 1;
    const struct ts_request request = world_request(0, 10500 * MS, 10, 1);
    struct ts_result result = world_run(&model, &request, 1);
    assert_int_equal(cell_of(&result, FAR)->done, 1);
    assert_true(ts_hist_sum(&cell_of(&result, FAR)->latency_ns[TS_TTFT]) == (300.0 + 520.0) * MS);
    ts_result_deinit(&result);
}

/* A reply of 5 s that the line cuts short at 10 s: at 11 s the client asks NEAR, which gives it all again by 16.099 s.
 * FAR goes on for nobody and charges all of it. One that waits for its first token is called back, at the price of the
 * prompt that the provider has read. */
static void test_link__replies_that_are_cut_short_are_asked_for_again(void **state)
{
    (void)state;
    struct ts_model model = two_tiers();
    model.incidents = &wan_is_down;
    model.n_incidents = 1;
    model.tiers[FAR].u.api.ttft_s = ts_dist_constant(2.0);
    const struct ts_request requests[] = {world_request(0, 7 * S, 100, 5000), world_request(1, 9500 * MS, 100, 5000)};
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    const struct ts_cell *far = cell_of(&result, FAR);
    assert_int_equal(cell_of(&result, NEAR)->done, 2);
    assert_int_equal(far->superseded, 2);
    assert_int_equal(far->superseded_tok, 5100);
    world_assert_near(far->superseded_usd, (2 * 100 * 2.5 + 5000 * 10.0) * 1e-6, 1e-12);
    const double ms = (11000.0 + 100.0 - 7000.0) + (11000.0 + 100.0 - 9500.0);
    world_assert_near(ts_hist_sum(&cell_of(&result, NEAR)->latency_ns[TS_TTFT]), ms * MS, 1e-12);
    ts_result_deinit(&result);
}

/* Nothing to fall back to: refused, and told over time. */
static void test_link__without_a_fallback_calls_are_refused(void **state)
{
    (void)state;
    struct ts_model model = two_tiers();
    model.incidents = &wan_is_down;
    model.n_incidents = 1;
    model.router.n_fallback = 0;
    const struct ts_request requests[] = {world_request(0, 20 * S, 10, 1), world_request(1, 200 * S, 10, 1)};
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    assert_int_equal(cell_of(&result, 2)->rejected, 1);
    assert_int_equal(cell_of(&result, FAR)->done, 1);
    world_assert_near(result.tiers[2].refused_per_s[21], 1.0, 1e-12);
    ts_result_deinit(&result);
}

/* Up for 100 s and down for 25 s in the mean: down 20 % of 200,000 s. The share has a standard deviation of
 * sqrt(2 u^2 d^2/((u + d)^3 T)) = .57 %; that of 20 runs together of .13 %. */
static void test_link__is_down_as_the_two_state_process_has_it(void **state)
{
    (void)state;
    const double up_s = 100.0, down_s = 25.0, window_s = 200000.0;
    const double sd = sqrt(2.0 * up_s * up_s * down_s * down_s / (pow(up_s + down_s, 3.0) * window_s));
    struct ts_model model = two_tiers();
    model.links[0].mean_up_s = up_s;
    model.links[0].mean_down_s = down_s;
    const struct ts_request request = world_request(0, 0, 1, 1);
    double sum = 0.0;
    enum { N_RUNS = 20 };
    for (uint32_t i = 0; i < N_RUNS; i++) {
        const struct ts_sim_options options = {.window_s = window_s, .replication = i};
        struct ts_result result = world_run_with(&model, &request, 1, &options);
        assert_true(fabs(result.tiers[FAR].link_down_frac - 0.2) < 4.0 * sd);
        sum += result.tiers[FAR].link_down_frac;
        ts_result_deinit(&result);
    }
    assert_true(fabs(sum / N_RUNS - 0.2) < 3.0 * sd / sqrt(N_RUNS));
}

/* All that a link of 1 kB/s has to carry is through later by as long as it is down, once, however outages overlap. */
static void test_link__outages_push_what_waits(void **state)
{
    (void)state;
    const struct ts_link_model model = {.bytes_per_s = 1000.0, .bytes_per_tok = 1.0, .stores = true};
    struct ts_link link = {.model = &model};
    assert_int_equal(ts_link_send(&link, TS_LINK_UP, 0, 3000.0, 0), 0);
    ts_link_break(&link, 1 * S, 11 * S);
    ts_link_break(&link, 5 * S, 9 * S);
    ts_link_break(&link, 6 * S, 16 * S);
    assert_int_equal(link.down_ns, 15 * S);
    assert_int_equal(ts_link_down_ns(&link, 6 * S), 10 * S);
    assert_int_equal(ts_link_wait_ns(&link, TS_LINK_UP, 6 * S), 12 * S); /* two of the three seconds are left */
    assert_int_equal(ts_link_wait_ns(&link, TS_LINK_DOWN, 6 * S), 10 * S);
}

/* ---- tiers ---- */

enum { N_CALLS = 20000 };

static struct ts_result run_struck(struct ts_incident_model incident, uint32_t n_offers)
{
    struct ts_model model = two_tiers();
    model.tiers[FAR].link = -1;
    model.tiers[FAR].u.api.n_offers = n_offers;
    model.tiers[FAR].u.api.offers[1] = model.tiers[FAR].u.api.offers[0];
    model.tiers[FAR].u.api.offers[1].output_usd_per_mtok = 100.0;
    incident.link = -1;
    incident.tier = FAR;
    model.incidents = &incident;
    model.n_incidents = 1;
    struct ts_request *requests = calloc(N_CALLS, sizeof *requests);
    assert_non_null(requests);
    for (uint64_t i = 0; i < N_CALLS; i++) {
        requests[i] = world_request(i, (int64_t)i * MS * 10, 10, 1);
    }
    struct ts_result result = world_run(&model, requests, N_CALLS);
    free(requests);
    return result;
}

/* From 50 s to 100 s three of ten calls: 1,500 of 5,000, with a standard deviation of 32. */
static void test_api__a_share_of_its_calls_is_struck(void **state)
{
    (void)state;
    for (int kind = 0; kind < TS_N_INCIDENT_KINDS; kind++) {
        struct ts_result result = run_struck(
            (struct ts_incident_model){
                .kind = (enum ts_incident_kind)kind, .offer = -1, .at_s = 50.0, .for_s = 50.0, .share_frac = 0.3},
            1);
        assert_true(fabs((double)cell_of(&result, NEAR)->done - 1500.0) < 4 * 32.0);
        assert_int_equal(cell_of(&result, NEAR)->done + cell_of(&result, FAR)->done, N_CALLS);
        assert_int_equal(result.tiers[FAR].n_throttled,
                         kind == TS_INCIDENT_THROTTLED ? cell_of(&result, NEAR)->done : 0);
        ts_result_deinit(&result);
    }
}

/* All of them, again every 100 s: 100 s of 200 s. The second offer takes them, at ten times the price. */
static void test_api__another_offer_takes_over(void **state)
{
    (void)state;
    struct ts_result result = run_struck(
        (struct ts_incident_model){.offer = 0, .at_s = 50.0, .for_s = 50.0, .every_s = 100.0, .share_frac = 1.0}, 2);
    assert_int_equal(cell_of(&result, FAR)->done, N_CALLS);
    const double usd = N_CALLS * (10 * 2.5 + 0.5 * 10.0 + 0.5 * 100.0) * 1e-6;
    world_assert_near(cell_of(&result, FAR)->api_usd, usd, 1e-9);
    ts_result_deinit(&result);
}

/* Half of 10,000 users, each of whom asks once: 5,000 are out of reach, with a standard deviation of 50. */
static void test_device__half_of_the_fleet_is_out_of_reach(void **state)
{
    (void)state;
    struct ts_model model = two_tiers();
    model.tiers[FAR] = world_device(1e-3);
    model.tiers[FAR].u.device.n_users = 10000;
    const struct ts_incident_model incident = {
        .link = -1, .tier = FAR, .offer = -1, .at_s = 1.0, .for_s = 10.0, .share_frac = 0.5};
    model.incidents = &incident;
    model.n_incidents = 1;
    struct ts_request *requests = calloc(10000, sizeof *requests);
    assert_non_null(requests);
    for (uint32_t i = 0; i < 10000; i++) {
        requests[i] = world_request(i, 2 * S, 10, 10);
        requests[i].user = i + 1;
    }
    struct ts_result result = world_run(&model, requests, 10000);
    assert_true(fabs((double)cell_of(&result, NEAR)->done - 5000.0) < 4 * 50.0);
    assert_int_equal(cell_of(&result, NEAR)->done + cell_of(&result, FAR)->done, 10000);
    free(requests);
    ts_result_deinit(&result);
}

/* Three replicas, two of them gone from 1 s to 11 s: up 3 x 20 - 2 x 10 s of 20 s. Calls of 4 s, one at each at 0 s:
 * the two that are lost start over at the third. */
static void test_server__loses_replicas_for_as_long_as_it_says(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.n_replicas = 3;
    struct ts_model model = world_model(&tier, 1);
    const struct ts_incident_model incident = {
        .link = -1, .tier = 0, .offer = -1, .at_s = 1.0, .for_s = 10.0, .share_frac = 0.5};
    model.incidents = &incident;
    model.n_incidents = 1;
    const struct ts_request requests[] = {world_request(0, 0, 1, 400), world_request(1, 0, 1, 400),
                                          world_request(2, 0, 1, 400)};
    const struct ts_sim_options options = {.window_s = 20.0};
    struct ts_result result = world_run_with(&model, requests, COUNT(requests), &options);
    assert_int_equal(cell_of(&result, 0)->done, 3);
    assert_int_equal(result.tiers[0].n_failures, 2);
    assert_int_equal(result.tiers[0].n_retries, 2);
    world_assert_near(result.tiers[0].mean_up * 20.0, 40.0, 1e-9);
    assert_true(cell_of(&result, 0)->latency_ns[TS_E2E].max >= 5 * S);
    ts_result_deinit(&result);
}

/* The same with 5 s of notice: the calls are done in time, no new ones come, and nothing is lost. */
static void test_server__notice_lets_calls_finish(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.n_replicas = 3;
    struct ts_model model = world_model(&tier, 1);
    const struct ts_incident_model incident = {
        .link = -1, .tier = 0, .offer = -1, .at_s = 1.0, .for_s = 10.0, .n_replicas = 2, .notice_s = 5.0};
    model.incidents = &incident;
    model.n_incidents = 1;
    const struct ts_request requests[] = {world_request(0, 0, 1, 400), world_request(1, 0, 1, 400),
                                          world_request(2, 0, 1, 400), world_request(3, 2 * S, 1, 400)};
    const struct ts_sim_options options = {.window_s = 20.0};
    struct ts_result result = world_run_with(&model, requests, COUNT(requests), &options);
    assert_int_equal(cell_of(&result, 0)->done, 4);
    assert_int_equal(result.tiers[0].n_failures, 2);
    assert_int_equal(result.tiers[0].n_retries, 0);
    world_assert_near(result.tiers[0].mean_up * 20.0, 40.0, 1e-9);
    ts_result_deinit(&result);
}

/* All of a server with nothing to fall back to: what was in flight is held until it is back, and starts over, the
 * second one a step after the first. */
static void test_server__all_gone_and_back(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.n_replicas = 2;
    struct ts_model model = world_model(&tier, 1);
    const struct ts_incident_model incident = {
        .link = -1, .tier = 0, .offer = -1, .at_s = 1.0, .for_s = 10.0, .share_frac = 1.0};
    model.incidents = &incident;
    model.n_incidents = 1;
    const struct ts_request requests[] = {world_request(0, 0, 1, 400), world_request(1, 5 * S, 1, 400)};
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    assert_int_equal(cell_of(&result, 0)->done, 2);
    world_assert_near(ts_hist_sum(&cell_of(&result, 0)->latency_ns[TS_E2E]), (15.0 + 10.01) * S, 1e-12);
    ts_result_deinit(&result);
}

/* The only replica dies at 1 s, amid a reply, for 10 s; an API stands behind it. What was in flight is asked for again
 * there at once, what comes meanwhile goes there, and what comes when it is back is served by it. */
static void test_server__calls_of_a_dead_replica_fall_back_at_once(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const double ttft_s = 0.1, tok_per_s = 1000.0;
    const struct ts_tier_model tiers[] = {world_server(&pool, 10e-3), world_api(ttft_s, tok_per_s)};
    struct ts_model model = world_model(tiers, 2);
    model.router.n_fallback = 2;
    model.router.fallback[0] = 0;
    model.router.fallback[1] = 1;
    const struct ts_incident_model incident = {
        .link = -1, .tier = 0, .offer = -1, .at_s = 1.0, .for_s = 10.0, .share_frac = 1.0};
    model.incidents = &incident;
    model.n_incidents = 1;
    const struct ts_request requests[] = {world_request(0, 0, 1, 400), world_request(1, 5 * S, 1, 400),
                                          world_request(2, 12 * S, 1, 400)};
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    const struct ts_cell *own = cell_of(&result, 0), *api = cell_of(&result, 1);
    const double reply_s = ttft_s + 399.0 / tok_per_s;
    assert_int_equal(own->done, 1);
    assert_int_equal(api->done, 2);
    assert_int_equal(own->attempts.went_on[TS_REASON_DOWN] + own->attempts.went_on[TS_REASON_FAILED], 2);
    assert_true(fabs((double)api->latency_ns[TS_E2E].max * 1e-9 - (1.0 + reply_s)) < 2e-3);
    assert_true(fabs((double)api->latency_ns[TS_E2E].min * 1e-9 - reply_s) < 2e-3);
    assert_int_equal(own->latency_ns[TS_E2E].max, 4 * S);
    ts_result_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_link__calls_fall_back_once_they_know),
        cmocka_unit_test(test_link__store_and_forward_waits),
        cmocka_unit_test(test_link__a_short_outage_is_waited_for),
        cmocka_unit_test(test_link__replies_that_are_cut_short_are_asked_for_again),
        cmocka_unit_test(test_link__without_a_fallback_calls_are_refused),
        cmocka_unit_test(test_link__is_down_as_the_two_state_process_has_it),
        cmocka_unit_test(test_link__outages_push_what_waits),
        cmocka_unit_test(test_api__a_share_of_its_calls_is_struck),
        cmocka_unit_test(test_api__another_offer_takes_over),
        cmocka_unit_test(test_device__half_of_the_fleet_is_out_of_reach),
        cmocka_unit_test(test_server__loses_replicas_for_as_long_as_it_says),
        cmocka_unit_test(test_server__notice_lets_calls_finish),
        cmocka_unit_test(test_server__all_gone_and_back),
        cmocka_unit_test(test_server__calls_of_a_dead_replica_fall_back_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
