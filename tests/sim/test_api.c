/* The API tier: latency, rate limits, failures, prices. */
#include "tests/sim/sim_world.h"

#include "sim/tiers/api.h"

static const struct ts_cell *cell_of(const struct ts_result *result, uint32_t tier)
{
    return &result->tiers[tier].cells[0];
}

static struct ts_request *evenly(uint64_t n, int64_t gap_ns, uint32_t prompt_tok, uint32_t output_tok)
{
    struct ts_request *requests = calloc(n, sizeof *requests);
    assert_non_null(requests);
    for (uint64_t i = 0; i < n; i++) {
        requests[i] = world_request(i, (int64_t)i * gap_ns, prompt_tok, output_tok);
    }
    return requests;
}

/* First token after 0.5 s, then 50 at 100 tok/s: 1 s. */
static void test_api__a_call_streams_at_a_constant_rate(void **state)
{
    (void)state;
    const struct ts_tier_model tier = world_api(0.5, 100.0);
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request request = world_request(0, 0, 10, 51);
    struct ts_result result = world_run(&model, &request, 1);
    assert_int_equal(cell_of(&result, 0)->latency_ns[TS_TTFT].max, 500 * MS);
    assert_int_equal(cell_of(&result, 0)->latency_ns[TS_E2E].max, S);
    assert_int_equal(cell_of(&result, 0)->latency_ns[TS_TPOT].max, 10 * MS);
    assert_int_equal(cell_of(&result, 0)->latency_ns[TS_ITL].count, 0);
    ts_result_deinit(&result);
}

/* 246 provider-model pairs: log-normal, median 709 ms, p95 2,523 ms. */
static void test_api__time_to_first_token_has_the_quantiles_of_its_distribution(void **state)
{
    (void)state;
    enum { N = 100000 };
    struct ts_tier_model tier = world_api(0.5, 100.0);
    tier.u.api.ttft_s = ts_dist_lognormal_median_p95(0.709, 2.523);
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request *requests = evenly(N, 10 * MS, 10, 1);
    struct ts_result result = world_run(&model, requests, N);
    const struct ts_hist *ttft = &cell_of(&result, 0)->latency_ns[TS_TTFT];
    assert_true(fabs(1e-9 * ts_hist_quantile(ttft, 0.50) / 0.709 - 1.0) < 0.01);
    assert_true(fabs(1e-9 * ts_hist_quantile(ttft, 0.95) / 2.523 - 1.0) < 0.02);
    ts_result_deinit(&result);
    free(requests);
}

/* 30,000 tokens a minute at 1,200 a call: 36,000 calls a day, and the 25 that the full bucket holds at the start. */
static void test_api__a_token_limit_caps_the_calls_of_a_day(void **state)
{
    (void)state;
    const uint64_t n = 2 * 86400;
    struct ts_tier_model tier = world_api(0.5, 100.0);
    tier.u.api.offers[0].input_tok_per_s = 30000.0 / 60.0;
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request *requests = evenly(n, S / 2, 1200, 1);
    struct ts_result result = world_run(&model, requests, n);
    const uint64_t done = cell_of(&result, 0)->done;
    print_message("%llu calls in a day\n", (unsigned long long)done);
    assert_true(done >= 36000 && done <= 36025);
    assert_int_equal(cell_of(&result, 0)->rejected, n - done);
    assert_int_equal(result.tiers[0].n_throttled, n - done);
    ts_result_deinit(&result);
    free(requests);
}

static void test_api__a_bucket_holds_one_minute(void **state)
{
    (void)state;
    struct ts_bucket bucket = ts_bucket_of_rate(2.0);
    assert_true(ts_bucket_has(&bucket, 0, 120.0));
    assert_false(ts_bucket_has(&bucket, 0, 121.0));
    ts_bucket_take(&bucket, 120.0);
    assert_false(ts_bucket_has(&bucket, S, 2.1));
    assert_true(ts_bucket_has(&bucket, S, 2.0));
    assert_true(ts_bucket_has(&bucket, 1000 * S, 120.0));
    assert_false(ts_bucket_has(&bucket, 1000 * S, 121.0));
    struct ts_bucket unlimited = ts_bucket_of_rate(0.0);
    assert_true(ts_bucket_has(&unlimited, 0, 1e12));
}

/* One call a minute: the second is refused at once, backs off and comes back until there is room, about a minute later.
 */
static void test_api__a_throttled_call_backs_off_and_comes_back(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_api(0.5, 100.0);
    tier.u.api.offers[0].requests_per_s = 1.0 / 60.0;
    tier.u.api.max_retries = 20;
    tier.u.api.retry_s = 1.0;
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {world_request(0, 0, 10, 1), world_request(1, 0, 10, 1)};
    struct ts_result result = world_run(&model, requests, 2);
    assert_int_equal(cell_of(&result, 0)->done, 2);
    assert_true(result.tiers[0].n_retries >= 5);
    assert_int_equal(result.tiers[0].n_retries, result.tiers[0].n_throttled);
    assert_true(cell_of(&result, 0)->latency_ns[TS_WAIT].max >= 60 * S);
    assert_true(cell_of(&result, 0)->latency_ns[TS_WAIT].max <= 200 * S);
    ts_result_deinit(&result);
}

static void test_api__a_refused_call_goes_to_the_next_offer_at_its_price(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_api(0.5, 100.0);
    tier.u.api.offers[0].requests_per_s = 1.0 / 60.0;
    tier.u.api.n_offers = 2;
    tier.u.api.offers[1] = (struct ts_offer){.name = "second",
                                             .input_usd_per_mtok = 5.0,
                                             .output_usd_per_mtok = 20.0,
                                             .call_usd = 0.001,
                                             .requests_per_s = 1.0 / 60.0};
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request *requests = evenly(3, MS, 1000, 200);
    struct ts_result result = world_run(&model, requests, 3);
    assert_int_equal(cell_of(&result, 0)->done, 2);
    assert_int_equal(cell_of(&result, 0)->rejected, 1);
    assert_int_equal(result.tiers[0].n_throttled, 3);
    world_assert_near(cell_of(&result, 0)->api_usd, 0.0045 + 0.009 + 0.001, 1e-12);
    ts_result_deinit(&result);
    free(requests);
}

/* 100 calls a minute of 1,000 + 200 tokens, a token of reply counting four times, at 3,000 a minute for a unit: 60
 * units hold them, 57 do not hold one in twenty, which then goes to the next offer by the token; what is in the units
 * is not billed. The full bucket at the start takes 31 calls more. */
static void test_api__provisioned_units_hold_what_they_should(void **state)
{
    (void)state;
    const uint64_t n = 6000;
    const struct {
        double units;
        uint64_t least, most; /* calls spilled over */
    } cases[] = {{60.0, 0, 0}, {57.0, 300 - 96, 300}};
    for (size_t i = 0; i < 2; i++) {
        struct ts_tier_model tier = world_api(0.5, 100.0);
        tier.u.api.n_offers = 2;
        tier.u.api.offers[1] = tier.u.api.offers[0];
        tier.u.api.offers[1].input_usd_per_mtok = 2.0;
        tier.u.api.offers[1].output_usd_per_mtok = 8.0;
        tier.u.api.offers[0].provisioned = (struct ts_provisioned){
            .units = cases[i].units, .tok_per_s = cases[i].units * 3000.0 / 60.0, .output_weight = 4.0};
        const struct ts_model model = world_model(&tier, 1);
        struct ts_request *requests = evenly(n, 600 * MS, 1000, 200);
        struct ts_result result = world_run(&model, requests, n);
        const struct ts_cell *cell = cell_of(&result, 0);
        const double spilled = cell->api_usd / (1000 * 2e-6 + 200 * 8e-6);
        assert_int_equal(cell->done, n);
        assert_true(spilled > (double)cases[i].least - 1e-6 && spilled < (double)cases[i].most + 1e-6);
        world_assert_near(result.tiers[0].provisioned_tok, ((double)n - spilled) * 1800.0, 1e-3);
        ts_result_deinit(&result);
        free(requests);
    }
}

/* Availability 90 %, no retries: one call in ten fails; with 3 retries one in ten thousand. */
static void test_api__failures_are_retried(void **state)
{
    (void)state;
    enum { N = 50000 };
    struct ts_tier_model tier = world_api(0.5, 100.0);
    tier.u.api.availability_frac = 0.9;
    tier.u.api.retry_s = 0.1;
    struct ts_model model = world_model(&tier, 1);
    struct ts_request *requests = evenly(N, MS, 10, 1);
    struct ts_result result = world_run(&model, requests, N);
    assert_true(fabs((double)cell_of(&result, 0)->rejected / N - 0.1) < 0.005);
    ts_result_deinit(&result);
    model.tiers[0].u.api.max_retries = 3;
    result = world_run(&model, requests, N);
    assert_true(cell_of(&result, 0)->rejected <= 20);
    assert_true(fabs((double)result.tiers[0].n_retries / N - 0.111) < 0.005);
    assert_int_equal(result.tiers[0].n_throttled, 0);
    ts_result_deinit(&result);
    free(requests);
}

/* 600M calls a year of 1000 in and 200 out. */
static void test_api__yearly_bills_of_known_price_sheets(void **state)
{
    (void)state;
    const struct ts_request request = world_request(0, 0, 1000, 200);
    const struct {
        double input, output, usd;
    } rows[] = {{2.5, 10.0, 2700000.0}, {0.15, 0.6, 162000.0},  {2.0, 8.0, 2160000.0},
                {0.59, 0.79, 448800.0}, {0.88, 0.88, 633600.0}, {0.05, 0.08, 39600.0}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct ts_offer offer = {.input_usd_per_mtok = rows[i].input, .output_usd_per_mtok = rows[i].output};
        world_assert_near(600e6 * ts_ledger_price_usd(&offer, &request, (struct ts_billed_tok){0}), rows[i].usd, 1e-9);
    }
}

/* A call of more tokens than a minute's limit can never pass: it is refused at the door. */
static void test_api__a_call_above_a_minutes_limit_is_refused_at_the_door(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_api(0.5, 100.0);
    tier.u.api.offers[0].input_tok_per_s = 10.0;
    tier.u.api.max_retries = 5;
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {world_request(0, 0, 601, 1), world_request(1, 0, 600, 1)};
    struct ts_result result = world_run(&model, requests, 2);
    assert_int_equal(cell_of(&result, 0)->done, 1);
    assert_int_equal(cell_of(&result, 1)->rejected, 1);
    assert_int_equal(result.tiers[0].n_throttled, 0);
    ts_result_deinit(&result);
}

/* First token after 2 s, patience 1 s: gone, and not billed. */
static void test_api__patience_counts_here_too(void **state)
{
    (void)state;
    const struct ts_tier_model tier = world_api(2.0, 100.0);
    struct ts_model model = world_model(&tier, 1);
    model.patience_s = 1.0;
    const struct ts_request request = world_request(0, 0, 10, 51);
    struct ts_result result = world_run(&model, &request, 1);
    assert_int_equal(cell_of(&result, 0)->timed_out, 1);
    assert_true(cell_of(&result, 0)->api_usd == 0.0);
    world_assert_near(result.simulated_s, 1.0, 1e-12);
    ts_result_deinit(&result);
}

/* Ten calls a minute, eleven at once: Retry-After tells the last one 6 s, in which the bucket gains a call. Without
 * heeding it, and with a back-off of 0 s, it is refused as often as it may try. */
static void test_api__retry_after_is_waited_for(void **state)
{
    (void)state;
    for (int heeds = 0; heeds < 2; heeds++) {
        struct ts_tier_model tier = world_api(0.1, 100.0);
        tier.u.api.offers[0].requests_per_s = 10.0 / 60.0;
        tier.u.api.max_retries = 3;
        tier.u.api.heeds_retry_after = heeds;
        const struct ts_model model = world_model(&tier, 1);
        struct ts_request *requests = evenly(11, 0, 10, 1);
        struct ts_result result = world_run(&model, requests, 11);
        uint64_t done = 0;
        for (uint32_t i = 0; i <= 1; i++) {
            done += cell_of(&result, i)->done;
        }
        assert_int_equal(done, heeds ? 11 : 10);
        assert_int_equal(result.tiers[0].n_retries, heeds ? 1 : 3);
        if (heeds) {
            world_assert_near(cell_of(&result, 0)->latency_ns[TS_TTFT].max, 6100.0 * MS, 1e-6);
        }
        ts_result_deinit(&result);
        free(requests);
    }
}

/* gemini-2.5-pro: 1.25 and 10 USD/Mtok, of prompts over 200,000 tokens 2.50 and 15. 30 calls of 100,000 and 30 of
 * 300,000 prompt tokens with 1,000 of reply: 30 x (0.125 + 0.010) + 30 x (0.75 + 0.015) = 27.00 USD. */
static void test_api__long_prompts_have_prices_of_their_own(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_api(0.1, 100.0);
    tier.u.api.offers[0] = (struct ts_offer){.name = "offer",
                                             .input_usd_per_mtok = 1.25,
                                             .output_usd_per_mtok = 10.0,
                                             .long_over_tok = 200000,
                                             .long_input_usd_per_mtok = 2.5,
                                             .long_output_usd_per_mtok = 15.0};
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request *requests = evenly(60, S, 100000, 1000);
    for (int i = 30; i < 60; i++) {
        requests[i].prompt_tok = 300000;
    }
    struct ts_result result = world_run(&model, requests, 60);
    world_assert_near(cell_of(&result, 0)->api_usd, 27.0, 1e-12);
    ts_result_deinit(&result);
    free(requests);
}

/* 400 tokens of reasoning at 100 tok/s come before the first one: 4.5 s; 451 tokens are billed as output. */
static void test_api__reasoning_is_waited_for_and_billed(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_api(0.5, 100.0);
    tier.u.api.hidden_tok = ts_dist_constant(400.0);
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request request = world_request(0, 0, 1000, 51);
    struct ts_result result = world_run(&model, &request, 1);
    assert_int_equal(cell_of(&result, 0)->latency_ns[TS_TTFT].max, 4500 * MS);
    assert_int_equal(cell_of(&result, 0)->output_tok, 51);
    assert_int_equal(cell_of(&result, 0)->hidden_tok, 400);
    world_assert_near(cell_of(&result, 0)->api_usd, (1000 * 2.5 + 451 * 10.0) * 1e-6, 1e-12);
    ts_result_deinit(&result);
}

/* The second offer is four times as fast as the tier's other one. */
static void test_api__offers_may_have_speeds_of_their_own(void **state)
{
    (void)state;
    const struct ts_dist ttft_s = ts_dist_constant(0.1), tok_per_s = ts_dist_constant(400.0);
    struct ts_tier_model tier = world_api(0.5, 100.0);
    tier.u.api.n_offers = 2;
    tier.u.api.offers[1] = tier.u.api.offers[0];
    tier.u.api.offers[1].ttft_s = &ttft_s;
    tier.u.api.offers[1].tok_per_s = &tok_per_s;
    tier.u.api.offers[0].requests_per_s = 1.0 / 60.0;
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request *requests = evenly(2, S, 10, 41);
    struct ts_result result = world_run(&model, requests, 2);
    assert_true(ts_hist_sum(&cell_of(&result, 0)->latency_ns[TS_E2E]) == 900.0 * MS + 200.0 * MS);
    ts_result_deinit(&result);
    free(requests);
}

/* Nobody loses patience with a batch. */
static void test_api__a_batch_is_waited_for(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_api(3600.0, 100.0);
    tier.u.api.is_batch = true;
    struct ts_model model = world_model(&tier, 1);
    model.patience_s = 60.0;
    const struct ts_request request = world_request(0, 0, 10, 1);
    struct ts_result result = world_run(&model, &request, 1);
    assert_int_equal(cell_of(&result, 0)->done, 1);
    ts_result_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_api__a_call_streams_at_a_constant_rate),
        cmocka_unit_test(test_api__time_to_first_token_has_the_quantiles_of_its_distribution),
        cmocka_unit_test(test_api__a_token_limit_caps_the_calls_of_a_day),
        cmocka_unit_test(test_api__a_bucket_holds_one_minute),
        cmocka_unit_test(test_api__provisioned_units_hold_what_they_should),
        cmocka_unit_test(test_api__a_throttled_call_backs_off_and_comes_back),
        cmocka_unit_test(test_api__a_refused_call_goes_to_the_next_offer_at_its_price),
        cmocka_unit_test(test_api__failures_are_retried),
        cmocka_unit_test(test_api__yearly_bills_of_known_price_sheets),
        cmocka_unit_test(test_api__a_call_above_a_minutes_limit_is_refused_at_the_door),
        cmocka_unit_test(test_api__patience_counts_here_too),
        cmocka_unit_test(test_api__retry_after_is_waited_for),
        cmocka_unit_test(test_api__long_prompts_have_prices_of_their_own),
        cmocka_unit_test(test_api__reasoning_is_waited_for_and_billed),
        cmocka_unit_test(test_api__offers_may_have_speeds_of_their_own),
        cmocka_unit_test(test_api__a_batch_is_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
