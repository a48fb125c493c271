/* Calls with several attempts: cascades, hedged calls, budgets; what each of them costs and counts. */
#include "sim/network/link.h"
#include "tests/sim/sim_world.h"

enum { WEAK, STRONG, N_TIERS, N_CALLS = 20000 };

static double logit(double p)
{
    return log(p / (1.0 - p));
}

/* Two APIs that are right with .7 and .95 for a difficulty of 0, and take a second and two. */
static struct ts_model two_tiers(enum ts_router_policy policy)
{
    struct ts_tier_model tiers[N_TIERS] = {world_api(0.5, 100.0), world_api(1.5, 100.0)};
    tiers[WEAK].ability = logit(0.7);
    tiers[STRONG].ability = logit(0.95);
    tiers[WEAK].u.api.offers[0] = (struct ts_offer){.call_usd = 0.05};
    tiers[STRONG].u.api.offers[0] = (struct ts_offer){.call_usd = 1.0};
    struct ts_model model = world_model(tiers, N_TIERS);
    model.router.policy = policy;
    model.router.n_order = 2;
    model.router.order[1] = STRONG;
    model.router.threshold[0] = INFINITY;
    model.router.threshold[1] = INFINITY;
    model.router.n_fallback = 2;
    model.router.fallback[0] = STRONG;
    model.router.fallback[1] = WEAK;
    return model;
}

static struct ts_result run_calls(const struct ts_model *model, uint64_t n, int64_t gap_ns)
{
    struct ts_request *requests = calloc(n, sizeof *requests);
    assert_non_null(requests);
    for (uint64_t i = 0; i < n; i++) {
        requests[i] = world_request(i, (int64_t)i * gap_ns, 10, 51);
    }
    struct ts_result result = world_run(model, requests, n);
    free(requests);
    return result;
}

static const struct ts_cell *cell_of(const struct ts_result *result, uint32_t tier)
{
    return &result->tiers[tier].cells[0];
}

/* ---- cascade ---- */

/* Costs .05, .01, 1; right .7, .95; accepts .9 of the right, rejects .8 of the wrong: .31 go on, cost .37, quality
 * .9245. */
static void test_cascade__shares_cost_and_quality_are_the_closed_form(void **state)
{
    (void)state;
    struct ts_model model = two_tiers(TS_ROUTE_CASCADE);
    model.router.verify =
        (struct ts_verify_model){.accept_right_frac = 0.9, .reject_wrong_frac = 0.8, .usd_per_call = 0.01};
    struct ts_result result = run_calls(&model, N_CALLS, 10 * MS);
    const struct ts_cell *weak = cell_of(&result, WEAK), *strong = cell_of(&result, STRONG);
    const double n = N_CALLS, escalated = (double)strong->done / n;
    const double se = sqrt(0.31 * 0.69 / n);
    assert_true(weak->done + strong->done == N_CALLS);
    assert_true(weak->superseded == strong->done && strong->superseded == 0);
    assert_true(weak->superseded_tok == 61 * weak->superseded);
    assert_true(fabs(escalated - 0.31) < 4.0 * se);
    world_assert_near((weak->api_usd + weak->superseded_usd + strong->api_usd) / n, 0.05 + escalated, 1e-9);
    world_assert_near(weak->superseded_usd / n, 0.05 * escalated, 1e-9);
    world_assert_near((weak->router_usd + strong->router_usd) / n, 0.01, 1e-9);
    const double right = (double)(weak->right + strong->right) / n;
    assert_true(fabs(right - 0.9245) < 4.0 * sqrt(0.9245 * 0.0755 / n));
    assert_int_equal(weak->fell_back + strong->fell_back, 0);
    ts_result_deinit(&result);
    model.quality.shared_frac = 1.0; /* the strong tier is right where the weak one is, and in .25/.3 of the rest */
    result = run_calls(&model, N_CALLS, 10 * MS);
    const double shared = (double)(cell_of(&result, WEAK)->right + cell_of(&result, STRONG)->right) / n;
    assert_true(fabs(shared - 0.90) < 4.0 * sqrt(0.9 * 0.1 / n));
    ts_result_deinit(&result);
}

/* A reply of the weak tier takes .5 + .5 s and .2 s of checking, and is shown whole; after it the strong tier streams
 * after 1.5 s. */
static void test_cascade__a_checked_reply_is_shown_whole_and_the_last_one_streams(void **state)
{
    (void)state;
    struct ts_model model = two_tiers(TS_ROUTE_CASCADE);
    model.router.verify = (struct ts_verify_model){.accept_right_frac = 1.0, .latency_s = 0.2};
    struct ts_result result = run_calls(&model, 1, S);
    const struct ts_cell *weak = cell_of(&result, WEAK);
    assert_int_equal(weak->done, 1);
    assert_int_equal(weak->latency_ns[TS_TTFT].max, 1200 * MS);
    assert_int_equal(weak->latency_ns[TS_E2E].max, 1200 * MS);
    ts_result_deinit(&result);
    model.router.verify = (struct ts_verify_model){.reject_wrong_frac = 1.0, .latency_s = 0.2};
    result = run_calls(&model, 1, S);
    const struct ts_cell *strong = cell_of(&result, STRONG);
    assert_int_equal(strong->done, 1);
    assert_int_equal(strong->latency_ns[TS_TTFT].max, (1200 + 1500) * MS);
    assert_int_equal(strong->latency_ns[TS_E2E].max, (1200 + 2000) * MS);
    ts_result_deinit(&result);
}

/* The stronger tier is full for good: the reply that the check rejected has to do, with the quality of one that was
 * rejected. */
static void test_cascade__a_rejected_reply_is_better_than_none(void **state)
{
    (void)state;
    struct ts_model model = two_tiers(TS_ROUTE_CASCADE);
    model.router.verify = (struct ts_verify_model){.accept_right_frac = 0.0, .reject_wrong_frac = 1.0};
    model.tiers[STRONG].u.api.availability_frac = 0.0;
    model.tiers[STRONG].u.api.max_retries = 2;
    model.tiers[STRONG].u.api.retry_s = 0.1;
    struct ts_result result = run_calls(&model, 100, S);
    const struct ts_cell *weak = cell_of(&result, WEAK);
    assert_int_equal(weak->done, 100);
    assert_int_equal(cell_of(&result, STRONG)->superseded, 100);
    assert_int_equal(weak->right, weak->weakest_right);
    assert_in_range(weak->right, 50, 88); /* 4 standard deviations about 70 */
    ts_result_deinit(&result);
}

/* Patience ends while the check goes on: nothing was shown yet. The reply that is there is paid for. */
static void test_cascade__a_client_that_saw_nothing_gives_up(void **state)
{
    (void)state;
    struct ts_model model = two_tiers(TS_ROUTE_CASCADE);
    model.router.verify = (struct ts_verify_model){.accept_right_frac = 1.0, .latency_s = 0.5};
    for (int at = 0; at < 2; at++) {
        model.patience_s = at == 0 ? 1.3 : 0.7; /* in the check; in the reply */
        struct ts_result result = run_calls(&model, 1, S);
        const struct ts_cell *weak = cell_of(&result, WEAK);
        assert_int_equal(weak->timed_out, 1);
        assert_int_equal(weak->superseded, 1);
        world_assert_near(weak->superseded_usd, 0.05, 1e-12);
        ts_result_deinit(&result);
    }
}

/* ---- hedge ---- */

/* The first tier takes 1.5 s to its first token, the other one .5 s: after .4 s a second attempt is made, which wins at
 * .9 s. The first one had begun: an API charges its call and prompt. */
static void test_hedge__the_first_token_wins_and_the_loser_is_called_back(void **state)
{
    (void)state;
    struct ts_model model = two_tiers(TS_ROUTE_HEDGE);
    model.router.order[0] = STRONG;
    model.router.order[1] = WEAK;
    model.router.hedge_after_s = 0.4;
    model.tiers[STRONG].u.api.offers[0] = (struct ts_offer){.input_usd_per_mtok = 1e5, .output_usd_per_mtok = 1e6};
    struct ts_result result = run_calls(&model, 1, S);
    const struct ts_cell *weak = cell_of(&result, WEAK), *strong = cell_of(&result, STRONG);
    assert_int_equal(weak->done, 1);
    assert_int_equal(weak->latency_ns[TS_TTFT].max, 900 * MS);
    assert_int_equal(weak->latency_ns[TS_E2E].max, 1400 * MS);
    assert_int_equal(strong->superseded, 1);
    assert_int_equal(strong->superseded_tok, 0);
    world_assert_near(strong->superseded_usd, 1.0, 1e-12);
    assert_int_equal(strong->arrived, 0);
    ts_result_deinit(&result);
}

static void test_hedge__a_call_that_is_answered_in_time_has_one_attempt(void **state)
{
    (void)state;
    struct ts_model model = two_tiers(TS_ROUTE_HEDGE);
    model.router.hedge_after_s = 0.5;
    struct ts_result result = run_calls(&model, 1, S);
    assert_int_equal(cell_of(&result, WEAK)->done, 1);
    assert_int_equal(cell_of(&result, STRONG)->superseded, 0);
    ts_result_deinit(&result);
}

/* A server that is busy with one long prompt: the hedge goes to the API, and the server forgets the call before it did
 * any work on it. */
static void test_hedge__a_queued_attempt_leaves_no_trace_but_its_count(void **state)
{
    (void)state;
    struct ts_model model = two_tiers(TS_ROUTE_HEDGE);
    struct ts_pool_model pool;
    model.tiers[WEAK] = world_server(&pool, 1.0);
    model.tiers[WEAK].name = "server";
    pool.replica.max_seqs = 1;
    model.router.hedge_after_s = 0.5;
    model.router.fallback[0] = STRONG;
    struct ts_request requests[] = {world_request(0, 0, 10, 6), world_request(1, 1 * MS, 10, 6)};
    struct ts_result result = world_run(&model, requests, 2);
    assert_int_equal(cell_of(&result, WEAK)->done, 1);
    assert_int_equal(cell_of(&result, STRONG)->done, 1);
    assert_int_equal(cell_of(&result, WEAK)->superseded, 1);
    assert_int_equal(cell_of(&result, STRONG)->superseded, 1); /* the first call's: it had its token after 1 s */
    assert_int_equal(result.tiers[WEAK].n_steps, 6);
    ts_result_deinit(&result);
}

/* ---- least latency, cheapest under the SLO ---- */

/* .5 + .5 s against 1.5 + .5 s: each is tried once, then the faster one gets every call; what the other one was fades,
 * and it is tried again after the time in which 2 s become less than 1 s: 300 s ln 2 = 208 s. */
static void test_least_latency__the_faster_tier_gets_the_calls(void **state)
{
    (void)state;
    struct ts_model model = two_tiers(TS_ROUTE_LEAST_LATENCY);
    struct ts_result result = run_calls(&model, 101, 2 * S);
    assert_int_equal(cell_of(&result, WEAK)->done, 100);
    assert_int_equal(cell_of(&result, STRONG)->done, 1);
    ts_result_deinit(&result);
    result = run_calls(&model, 1001, 2 * S);
    assert_in_range(cell_of(&result, STRONG)->done, 2001 / 212, 2001 / 206 + 1);
    ts_result_deinit(&result);
}

/* A server that answers in .3 s with one seat beside an API that takes 1 s: a third call after two would wait .6 s and
 * be there after .9 s, a fourth after 1.2 s: that one goes to the API. */
static void test_least_latency__a_queue_is_waited_for_as_long_as_it_pays(void **state)
{
    (void)state;
    struct ts_model model = two_tiers(TS_ROUTE_LEAST_LATENCY);
    struct ts_pool_model pool;
    model.tiers[STRONG] = model.tiers[WEAK];
    model.tiers[WEAK] = world_server(&pool, 0.3);
    pool.replica.max_seqs = 1;
    struct ts_request requests[6];
    for (uint32_t i = 0; i < COUNT(requests); i++) {
        requests[i] = world_request(i, i < 2 ? (int64_t)i * 2 * S : 10 * S + (int64_t)i * MS, 10, 1);
    }
    model.tiers[STRONG].u.api.ttft_s = ts_dist_constant(1.0);
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    assert_int_equal(cell_of(&result, WEAK)->done, 1 + 3);
    assert_int_equal(cell_of(&result, STRONG)->done, 1 + 1);
    ts_result_deinit(&result);
}

/* The dear tier is the faster one. With a bound on E2E that both keep the cheap one gets the calls, with one that only
 * the dear one keeps that one does, and with one that none keeps the faster one. */
static void test_cheapest__the_price_decides_among_those_that_keep_the_slo(void **state)
{
    (void)state;
    struct ts_model model = two_tiers(TS_ROUTE_CHEAPEST);
    const double bounds_s[] = {3.0, 1.5, 0.5};
    const uint64_t n_cheap[] = {50, 2, 1}; /* tried at first, and when 300 s ln(2/1.5) = 86 s have passed */
    model.tiers[WEAK].u.api.ttft_s = ts_dist_constant(1.5); /* 2 s for .05 USD; 1 s for 1 USD */
    model.tiers[STRONG].u.api.ttft_s = ts_dist_constant(0.5);
    for (size_t i = 0; i < COUNT(bounds_s); i++) {
        model.slo.e2e_s = bounds_s[i];
        struct ts_result result = run_calls(&model, 50, 2 * S);
        const uint64_t n_weak = cell_of(&result, WEAK)->done;
        assert_int_equal(n_weak + cell_of(&result, STRONG)->done, 50);
        assert_int_equal(n_weak, n_cheap[i]);
        ts_result_deinit(&result);
    }
}

/* ---- budget ---- */

/* Ten days of 1,000 calls; the strong tier costs 1 USD a call, the weak one nothing. */
static void test_budget__a_days_sum_is_spent_and_not_passed(void **state)
{
    (void)state;
    enum { PER_DAY = 1000, DAYS = 10 };
    struct ts_model model = two_tiers(TS_ROUTE_BUDGET);
    model.tiers[WEAK].u.api.offers[0].call_usd = 0.0;
    model.router.budget_usd_per_day = 300.0;
    struct ts_result result = run_calls(&model, (uint64_t)PER_DAY * DAYS, 86400 * S / PER_DAY);
    const double spent = cell_of(&result, STRONG)->api_usd;
    assert_true(spent <= 300.0 * DAYS + 2.0);
    assert_true(spent >= 0.9 * 300.0 * DAYS);
    ts_result_deinit(&result);
}

/* With difficulties spread out the dollars go where they gain most: better than a coin that spends as much. */
static void test_budget__money_goes_to_the_calls_that_gain_most(void **state)
{
    (void)state;
    enum { PER_DAY = 1000, DAYS = 10 };
    struct ts_model model = two_tiers(TS_ROUTE_BUDGET);
    struct ts_request *requests = calloc((size_t)PER_DAY * DAYS, sizeof *requests);
    struct ts_rng rng;
    assert_non_null(requests);
    ts_rng_init(&rng, 1, 0, 0, 0);
    model.tiers[WEAK].u.api.offers[0].call_usd = 0.0;
    model.tiers[WEAK].ability = 0.0;
    model.tiers[STRONG].ability = 3.0;
    model.router.auc = 1.0;
    model.router.difficulty_sd = 3.0;
    model.router.budget_usd_per_day = 300.0;
    for (uint64_t i = 0; i < (uint64_t)PER_DAY * DAYS; i++) {
        requests[i] = world_request(i, (int64_t)i * (86400 * S / PER_DAY), 10, 51);
        requests[i].difficulty = (float)(3.0 * ts_rng_normal(&rng));
    }
    struct ts_result result = world_run(&model, requests, (uint64_t)PER_DAY * DAYS);
    const double share = (double)cell_of(&result, STRONG)->done / (PER_DAY * DAYS);
    const struct ts_cell *cells[] = {cell_of(&result, WEAK), cell_of(&result, STRONG)};
    const double right = (double)(cells[0]->right + cells[1]->right);
    const double weak = (double)(cells[0]->weakest_right + cells[1]->weakest_right);
    const double strong = (double)(cells[0]->strongest_right + cells[1]->strongest_right);
    const double coin = weak + share * (strong - weak);
    assert_true(share > 0.2 && share <= 0.301);
    assert_true(right > coin + 0.3 * (strong - coin));
    ts_result_deinit(&result);
    free(requests);
}

/* ---- links ---- */

/* Prompts of 1 kB at random instants over 10 kB/s: M/D/1 with rho = .6; mean wait rho/(2(1-rho)) x 100 ms = 75 ms. */
static void test_link__prompts_queue_as_m_d_1_has_it(void **state)
{
    (void)state;
    enum { N = 200000 };
    const struct ts_link_model model = {.bytes_per_s = 1e4, .bytes_per_tok = 4.0};
    struct ts_link link = {.model = &model};
    struct ts_rng rng;
    double sum_s = 0.0, t = 0.0;
    ts_rng_init(&rng, 5, 0, 0, 0);
    for (int i = 0; i < N; i++) {
        t += ts_rng_exponential(&rng) / 6.0;
        sum_s += 1e-9 * (double)ts_link_send(&link, TS_LINK_UP, ts_ns_from_s(t), 1000.0, 0);
    }
    world_assert_near(sum_s / N, 0.075, 0.02);
}

/* Six times what the link carries: the way takes longer and longer (it did not before links queued). */
static void test_link__what_is_offered_beyond_the_bandwidth_waits(void **state)
{
    (void)state;
    struct ts_model model = two_tiers(TS_ROUTE_STATIC);
    model.tiers[WEAK].link = 0;
    model.n_links = 1;
    model.links[0] = (struct ts_link_model){
        .rtt_s = ts_dist_constant(0.0), .jitter_s = ts_dist_constant(0.0), .bytes_per_s = 8000.0, .bytes_per_tok = 6.0};
    struct ts_request requests[100];
    for (uint32_t i = 0; i < COUNT(requests); i++) {
        requests[i] = world_request(i, (int64_t)i * S / 8, 1000, 11);
    }
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    const struct ts_hist *ttft = &cell_of(&result, WEAK)->latency_ns[TS_TTFT];
    assert_int_equal(ttft->min, 1250 * MS + 750000);                                 /* 750 ms up, .5 s, a token down */
    assert_int_equal(ttft->max, 100 * 750 * MS - 99 * 125 * MS + 500 * MS + 750000); /* the last of the queue */
    ts_result_deinit(&result);
}

/* Two replies of 600 bytes that end together on a link of 8 kB/s: the second one's last token comes 75 ms later. */
static void test_link__replies_share_the_way_back(void **state)
{
    (void)state;
    const struct ts_link_model model = {.bytes_per_s = 8000.0, .bytes_per_tok = 6.0};
    struct ts_link link = {.model = &model};
    assert_int_equal(ts_link_send(&link, TS_LINK_DOWN, 10 * S, 600.0, 2 * S), 0);
    assert_int_equal(ts_link_wait_ns(&link, TS_LINK_DOWN, 10 * S), 0);
    assert_int_equal(ts_link_send(&link, TS_LINK_DOWN, 10 * S, 600.0, 2 * S), 75 * MS);
    assert_int_equal(ts_link_wait_ns(&link, TS_LINK_DOWN, 10 * S), 75 * MS);
    assert_int_equal(ts_link_send(&link, TS_LINK_UP, 10 * S, 600.0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cascade__shares_cost_and_quality_are_the_closed_form),
        cmocka_unit_test(test_cascade__a_checked_reply_is_shown_whole_and_the_last_one_streams),
        cmocka_unit_test(test_cascade__a_rejected_reply_is_better_than_none),
        cmocka_unit_test(test_cascade__a_client_that_saw_nothing_gives_up),
        cmocka_unit_test(test_hedge__the_first_token_wins_and_the_loser_is_called_back),
        cmocka_unit_test(test_hedge__a_call_that_is_answered_in_time_has_one_attempt),
        cmocka_unit_test(test_hedge__a_queued_attempt_leaves_no_trace_but_its_count),
        cmocka_unit_test(test_least_latency__the_faster_tier_gets_the_calls),
        cmocka_unit_test(test_least_latency__a_queue_is_waited_for_as_long_as_it_pays),
        cmocka_unit_test(test_cheapest__the_price_decides_among_those_that_keep_the_slo),
        cmocka_unit_test(test_budget__a_days_sum_is_spent_and_not_passed),
        cmocka_unit_test(test_budget__money_goes_to_the_calls_that_gain_most),
        cmocka_unit_test(test_link__prompts_queue_as_m_d_1_has_it),
        cmocka_unit_test(test_link__what_is_offered_beyond_the_bandwidth_waits),
        cmocka_unit_test(test_link__replies_share_the_way_back),
    };
    return cmocka_run_group_tests_name("attempts", tests, NULL, NULL);
}
