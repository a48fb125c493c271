/* Routing: policy, choice, fallback, links, and the meaning of AUC. */
#include "tests/sim/sim_world.h"

#include "sim/network/link.h"
#include "sim/routing/router.h"

enum { WEAK, STRONG, N_TIERS };

static struct ts_model two_tiers(void)
{
    const struct ts_tier_model tiers[N_TIERS] = {world_api(0.1, 100.0), world_api(0.2, 100.0)};
    struct ts_model model = world_model(tiers, N_TIERS);
    model.router.policy = TS_ROUTE_DIFFICULTY;
    model.router.n_order = 2;
    model.router.order[1] = STRONG;
    model.router.threshold[0] = 0.0;
    model.router.threshold[1] = INFINITY;
    return model;
}

static struct ts_request request_of(uint64_t id, float difficulty, uint8_t sensitivity, uint16_t class_id)
{
    struct ts_request request = world_request(id, (int64_t)id * S, 10, 1);
    request.difficulty = difficulty;
    request.sensitivity = sensitivity;
    request.class_id = class_id;
    return request;
}

static uint64_t done_at(const struct ts_result *result, uint32_t tier)
{
    return result->tiers[tier].cells[0].done;
}

static void test_router__thresholds_send_hard_requests_to_the_strong_tier(void **state)
{
    (void)state;
    const struct ts_model model = two_tiers();
    const struct ts_request requests[] = {request_of(0, -1.0F, 0, 0), request_of(1, 0.0F, 0, 0),
                                          request_of(2, 0.1F, 0, 0)};
    struct ts_result result = world_run(&model, requests, 3);
    assert_int_equal(done_at(&result, WEAK), 2);
    assert_int_equal(done_at(&result, STRONG), 1);
    assert_int_equal(result.tiers[STRONG].cells[0].fell_back, 0);
    ts_result_deinit(&result);
}

/* Restricted requests may not go to the strong tier: they fall back to the weak one; without fallback nobody takes
 * them. */
static void test_router__a_barred_request_falls_back_or_goes_nowhere(void **state)
{
    (void)state;
    struct ts_model model = two_tiers();
    model.router.n_rules = 1;
    model.router.rules[0] = (struct ts_rule){.sensitivity = TS_RESTRICTED, .class_id = -1, .barred = 1U << STRONG};
    const struct ts_request requests[] = {request_of(0, 1.0F, TS_RESTRICTED, 0), request_of(1, 1.0F, TS_INTERNAL, 0)};
    struct ts_result result = world_run(&model, requests, 2);
    assert_int_equal(done_at(&result, STRONG), 1);
    assert_int_equal(result.tiers[N_TIERS].cells[0].rejected, 1);
    ts_result_deinit(&result);
    model.router.n_fallback = 2;
    model.router.fallback[0] = STRONG;
    model.router.fallback[1] = WEAK;
    result = world_run(&model, requests, 2);
    assert_int_equal(done_at(&result, WEAK), 1);
    assert_int_equal(result.tiers[WEAK].cells[0].fell_back, 1);
    assert_int_equal(result.tiers[N_TIERS].cells[0].arrived, 0);
    ts_result_deinit(&result);
}

static void test_router__a_rule_asks_for_all_its_conditions(void **state)
{
    (void)state;
    struct ts_router_model model = {.n_rules = 2};
    model.rules[0] = (struct ts_rule){.sensitivity = TS_RESTRICTED, .class_id = 2, .min_prompt_tok = 100, .barred = 1};
    model.rules[1] = (struct ts_rule){.sensitivity = -1, .class_id = -1, .min_prompt_tok = 1000, .barred = 6};
    struct ts_request request = world_request(0, 0, 100, 1);
    request.sensitivity = TS_RESTRICTED;
    request.class_id = 2;
    assert_int_equal(ts_router_barred(&model, &request), 1);
    request.prompt_tok = 99;
    assert_int_equal(ts_router_barred(&model, &request), 0);
    request.prompt_tok = 1000;
    assert_int_equal(ts_router_barred(&model, &request), 7);
    request.class_id = 1;
    assert_int_equal(ts_router_barred(&model, &request), 6);
}

/* The run begins at 22:00. Tier 0 is barred from 8 to 18, tier 1 from 20 to 6. */
static void test_router__a_rule_holds_at_its_hours(void **state)
{
    (void)state;
    struct ts_router_model model = {.n_rules = 2, .start_hour = 22.0};
    model.rules[0] =
        (struct ts_rule){.sensitivity = -1, .class_id = -1, .from_hour = 8.0, .to_hour = 18.0, .barred = 1};
    model.rules[1] =
        (struct ts_rule){.sensitivity = -1, .class_id = -1, .from_hour = 20.0, .to_hour = 6.0, .barred = 2};
    const struct {
        double at_h; /* of the run */
        uint32_t barred;
    } cases[] = {{0.0, 2}, {7.9, 2}, {8.1, 0}, {9.9, 0}, {10.0, 1}, {19.9, 1}, {20.1, 0}, {22.1, 2}, {34.5, 1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ts_request request = world_request(0, (int64_t)(cases[i].at_h * 3600.0) * S, 10, 1);
        assert_int_equal(ts_router_barred(&model, &request), cases[i].barred);
    }
}

static void test_router__static_routes_by_class(void **state)
{
    (void)state;
    struct ts_model model = two_tiers();
    model.n_classes = 2;
    model.router.policy = TS_ROUTE_STATIC;
    model.router.static_tier[0] = STRONG;
    model.router.static_tier[1] = WEAK;
    const struct ts_request requests[] = {request_of(0, -9.0F, 0, 0), request_of(1, 9.0F, 0, 1),
                                          request_of(2, 9.0F, 0, 1)};
    struct ts_result result = world_run(&model, requests, 3);
    assert_int_equal(result.tiers[STRONG].cells[0].done, 1);
    assert_int_equal(result.tiers[WEAK].cells[1].done, 2);
    ts_result_deinit(&result);
}

/* A server with one seat before an API: the first is served there, the second, while it is busy, by the API. */
static void test_router__least_loaded_overflows_when_the_seats_are_taken(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tiers[N_TIERS] = {world_server(&pool, 1.0), world_api(0.1, 100.0)};
    pool.replica.max_seqs = 1;
    struct ts_model model = world_model(tiers, N_TIERS);
    model.router.policy = TS_ROUTE_LEAST_LOADED;
    model.router.n_order = 2;
    model.router.order[1] = 1;
    const struct ts_request requests[] = {world_request(0, 0, 1, 3), world_request(1, S / 2, 1, 1),
                                          world_request(2, 4 * S, 1, 1)};
    struct ts_result result = world_run(&model, requests, 3);
    assert_int_equal(done_at(&result, 0), 2);
    assert_int_equal(done_at(&result, 1), 1);
    ts_result_deinit(&result);
}

/* A full server sends back; the way there and back (10 ms each) is lost, then the API answers: 20 + 100 ms. */
static void test_router__a_full_tier_costs_the_way_there_and_back(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tiers[N_TIERS] = {world_server(&pool, 10.0), world_api(0.1, 100.0)};
    pool.replica.max_seqs = 1;
    tiers[0].u.server.max_queue = 1;
    tiers[0].link = 0;
    struct ts_model model = world_model(tiers, N_TIERS);
    model.n_links = 1;
    model.links[0] = (struct ts_link_model){.rtt_s = ts_dist_constant(0.020), .jitter_s = ts_dist_constant(0.0)};
    model.router.n_fallback = 1;
    model.router.fallback[0] = 1;
    const struct ts_request requests[] = {world_request(0, 0, 1, 1), world_request(1, S, 1, 1),
                                          world_request(2, 2 * S, 1, 1)};
    struct ts_result result = world_run(&model, requests, 3);
    assert_int_equal(done_at(&result, 0), 2);
    assert_int_equal(done_at(&result, 1), 1);
    assert_int_equal(result.tiers[1].cells[0].fell_back, 1);
    assert_int_equal(result.tiers[1].cells[0].latency_ns[TS_TTFT].max, 120 * MS);
    ts_result_deinit(&result);
}

static void test_router__latency_and_price_are_added_to_every_request(void **state)
{
    (void)state;
    struct ts_model model = two_tiers();
    model.router.latency_s = 0.004;
    model.router.usd_per_call = 0.5;
    model.tiers[WEAK].u.api.offers[0] = (struct ts_offer){.call_usd = 1.0};
    const struct ts_request requests[] = {request_of(0, -1.0F, 0, 0), request_of(1, -1.0F, 0, 0)};
    struct ts_result result = world_run(&model, requests, 2);
    assert_int_equal(result.tiers[WEAK].cells[0].latency_ns[TS_TTFT].max, 104 * MS);
    world_assert_near(result.tiers[WEAK].cells[0].api_usd, 2.0, 1e-12);
    world_assert_near(result.tiers[WEAK].cells[0].router_usd, 1.0, 1e-12);
    ts_result_deinit(&result);
}

/* 16 tokens in 2 ms, 64 in 5 ms: 8 tokens take 2 ms, 40 take 3.5 ms, and of 1000 it reads the first 64; with 4 ms
 * beside, after 100 ms at the tier. */
static void test_router__a_measured_one_takes_what_its_prompt_takes(void **state)
{
    (void)state;
    static const double n_tok[] = {16, 64}, seconds[] = {2e-3, 5e-3};
    static const uint32_t prompts[] = {8, 16, 40, 64, 1000};
    static const int64_t us[] = {2000, 2000, 3500, 5000, 5000};
    struct ts_model model = two_tiers();
    model.router.latency_s = 0.004;
    for (size_t i = 0; i < sizeof prompts / sizeof prompts[0]; i++) {
        struct ts_request request = request_of(0, -1.0F, 0, 0);
        request.prompt_tok = prompts[i];
        model.router.reads_s = (struct ts_curve){NULL, NULL, 0};
        model.router.n_servers = 0;
        struct ts_result without = world_run(&model, &request, 1);
        model.router.reads_s = (struct ts_curve){n_tok, seconds, 2};
        model.router.n_servers = 1;
        struct ts_result with = world_run(&model, &request, 1);
        assert_int_equal(with.tiers[WEAK].cells[0].latency_ns[TS_TTFT].max,
                         without.tiers[WEAK].cells[0].latency_ns[TS_TTFT].max + 1000 * us[i]);
        assert_int_equal(with.tiers[WEAK].cells[0].latency_ns[TS_E2E].max,
                         without.tiers[WEAK].cells[0].latency_ns[TS_E2E].max + 1000 * us[i]);
        world_assert_near(with.tiers[WEAK].cells[0].router_s, 0.004 + 1e-6 * (double)us[i], 1e-12);
        assert_true(without.tiers[WEAK].cells[0].router_s == 0.0);
        ts_result_deinit(&with);
        ts_result_deinit(&without);
    }
}

/* Three requests at once at a router of 4 ms, a fourth after a second. One server: decided after 4, 8, 12 and 4 ms,
 * waits of 0, 4, 8 and 0; two servers: 4, 4, 8 and 4. Of the run's 1.104 s it is at work for 16 ms, at 40 W, else at
 * 10 W, and all of that half as much again at the meter. */
static void test_router__requests_wait_for_its_servers(void **state)
{
    (void)state;
    static const double waits_s[] = {0.012, 0.004}, total_ms[] = {28.0, 20.0};
    struct ts_model model = two_tiers();
    model.router.latency_s = 0.004;
    model.router.idle_w = 10.0;
    model.router.busy_w = 40.0;
    model.router.pue = 1.5;
    struct ts_request requests[] = {request_of(0, -1.0F, 0, 0), request_of(1, -1.0F, 0, 0), request_of(2, -1.0F, 0, 0),
                                    request_of(3, -1.0F, 0, 0)};
    for (size_t i = 0; i < COUNT(requests); i++) {
        requests[i].arrival_ns = i < 3 ? 0 : S;
    }
    for (uint32_t n = 1; n <= 2; n++) {
        model.router.n_servers = n;
        struct ts_result result = world_run(&model, requests, COUNT(requests));
        const struct ts_tier_result *router = &result.tiers[N_TIERS];
        const struct ts_hist *ttft = &result.tiers[WEAK].cells[0].latency_ns[TS_TTFT];
        world_assert_near(ts_hist_sum(ttft), (total_ms[n - 1] + 4 * 100.0) * MS, 1e-12);
        world_assert_near(router->router_wait_s, waits_s[n - 1], 1e-12);
        assert_int_equal(router->n_routed, 4);
        world_assert_near(result.simulated_s, 1.104, 1e-12);
        world_assert_near(router->idle_j, n * 10.0 * 1.104, 1e-12);
        world_assert_near(router->active_j, 30.0 * 0.016, 1e-12);
        world_assert_near(router->overhead_j, 0.5 * (router->idle_j + router->active_j), 1e-12);
        world_assert_near(router->busy_frac, 0.016 / (n * 1.104), 1e-9);
        ts_result_deinit(&result);
    }
}

/* At random instants to a router of 4 ms: at load rho a request waits rho/(2 (1 - rho)) x 4 ms in the mean (M/D/1;
 * Pollaczek-Khinchine without spread). Within 2 %; and whoever gives up leaves the others' waits as they are. */
static void test_router__requests_wait_as_m_d_1_has_it(void **state)
{
    (void)state;
    enum { MANY = 400000 };
    static const double loads[] = {0.3, 0.6, 0.8};
    struct ts_request *requests = calloc(MANY, sizeof *requests);
    assert_non_null(requests);
    struct ts_model model = two_tiers();
    model.router.latency_s = 0.004;
    model.router.n_servers = 1;
    for (size_t l = 0; l < COUNT(loads); l++) {
        const double rho = loads[l];
        struct ts_rng rng;
        double now_s = 0.0;
        ts_rng_init(&rng, 5, (uint32_t)l, 0, 0);
        for (uint64_t i = 0; i < MANY; i++) {
            now_s += ts_rng_exponential(&rng) * 0.004 / rho;
            requests[i] = request_of(i, -1.0F, 0, 0);
            requests[i].arrival_ns = (int64_t)(now_s * 1e9);
        }
        model.patience_s = 0.0;
        struct ts_result result = world_run(&model, requests, MANY);
        world_assert_near(result.tiers[N_TIERS].router_wait_s / MANY, 0.004 * rho / (2.0 * (1.0 - rho)), 0.02);
        model.patience_s = 0.106;
        struct ts_result hasty = world_run(&model, requests, MANY);
        assert_true(hasty.tiers[WEAK].cells[0].done < MANY);
        assert_true(hasty.tiers[N_TIERS].router_wait_s == result.tiers[N_TIERS].router_wait_s);
        ts_result_deinit(&hasty);
        ts_result_deinit(&result);
    }
    free(requests);
}

/* 60, 30 and 10 % of the calls have 200, 800 and 2,000 tokens and cost 0, .1 and 1 a token at their tiers: .400 of all
 * of them at the last. */
static void test_router__shares_of_calls_are_not_shares_of_tokens(void **state)
{
    (void)state;
    enum { SORTS = 3, N = 10 };
    static const uint32_t n_calls[SORTS] = {6, 3, 1}, tok[SORTS] = {200, 800, 2000};
    struct ts_tier_model tiers[SORTS];
    struct ts_request requests[N];
    uint32_t n = 0;
    for (uint16_t i = 0; i < SORTS; i++) {
        const double usd = (double[]){0.0, 0.1, 1.0}[i];
        tiers[i] = world_api(0.1, 1000.0);
        tiers[i].u.api.offers[0].input_usd_per_mtok = tiers[i].u.api.offers[0].output_usd_per_mtok = usd;
        for (uint32_t k = 0; k < n_calls[i]; k++) {
            requests[n] = world_request(n, (int64_t)n * S, tok[i] / 2, tok[i] / 2);
            requests[n++].class_id = i;
        }
    }
    struct ts_model model = world_model(tiers, SORTS);
    model.n_classes = SORTS;
    double usd[2] = {0.0, 0.0};
    for (int all_last = 0; all_last < 2; all_last++) {
        for (uint32_t c = 0; c < SORTS; c++) {
            model.router.static_tier[c] = all_last ? SORTS - 1 : c;
        }
        struct ts_result result = world_run(&model, requests, N);
        for (uint32_t i = 0; i < SORTS * SORTS; i++) {
            usd[all_last] += result.tiers[i / SORTS].cells[i % SORTS].api_usd;
        }
        ts_result_deinit(&result);
    }
    world_assert_near(usd[0] / usd[1], 0.4, 1e-12);
}

/* 1000 + 200 tokens served by a tier that replaces gpt-4o: 0.0045 USD saved; half of the requests would not have been
 * allowed there. */
static void test_router__displaced_and_barred_money(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tiers[N_TIERS] = {world_server(&pool, 1e-3), world_api(0.2, 100.0)};
    struct ts_model model = world_model(tiers, N_TIERS);
    model.tiers[0].replaces = 1;
    model.router.n_rules = 1;
    model.router.rules[0] = (struct ts_rule){.sensitivity = TS_RESTRICTED, .class_id = -1, .barred = 2};
    struct ts_request requests[] = {world_request(0, 0, 1000, 200), world_request(1, 0, 1000, 200)};
    requests[1].sensitivity = TS_RESTRICTED;
    struct ts_result result = world_run(&model, requests, 2);
    world_assert_near(result.tiers[0].cells[0].displaced_usd, 0.009, 1e-12);
    world_assert_near(result.tiers[0].cells[0].barred_usd, 0.0045, 1e-12);
    assert_true(result.tiers[0].cells[0].api_usd == 0.0);
    ts_result_deinit(&result);
}

/* The second prompt waits after the first for longer than its client does: the API would have answered it. */
static void test_router__calls_that_were_lost_are_displaced_too(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tiers[N_TIERS] = {world_server(&pool, 1e-3), world_api(0.2, 100.0)};
    pool.replica.max_seqs = 1;
    struct ts_model model = world_model(tiers, N_TIERS);
    model.tiers[0].replaces = 1;
    model.patience_s = 0.050;
    const struct ts_request requests[] = {world_request(0, 0, 1000, 200), world_request(1, 0, 1000, 200)};
    struct ts_result result = world_run(&model, requests, 2);
    assert_int_equal(result.tiers[0].cells[0].timed_out, 1);
    world_assert_near(result.tiers[0].cells[0].displaced_usd, 0.009, 1e-12);
    ts_result_deinit(&result);
}

/* ---- fallback by reason ---- */

/* An API that is down: after its retries the call goes to the next tier of the fallback order, once. */
static void test_router__a_call_that_an_api_gives_up_falls_back(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tiers[N_TIERS] = {world_server(&pool, 1e-3), world_api(0.2, 100.0)};
    struct ts_model model = world_model(tiers, N_TIERS);
    model.tiers[1].u.api.availability_frac = -1.0;
    model.tiers[1].u.api.max_retries = 2;
    model.tiers[1].u.api.retry_s = 0.1;
    model.router.policy = TS_ROUTE_STATIC;
    model.router.static_tier[0] = 1;
    model.router.n_fallback = 1;
    model.router.fallback[0] = 0;
    const struct ts_request request = world_request(0, 0, 10, 5);
    struct ts_result result = world_run(&model, &request, 1);
    assert_int_equal(result.tiers[0].cells[0].done, 1);
    assert_int_equal(result.tiers[0].cells[0].fell_back, 1);
    assert_int_equal(result.tiers[1].n_retries, 2);
    assert_int_equal(result.tiers[1].cells[0].arrived, 0);
    ts_result_deinit(&result);
    model.router.n_fallback = 0;
    result = world_run(&model, &request, 1);
    assert_int_equal(result.tiers[1].cells[0].rejected, 1);
    ts_result_deinit(&result);
}

/* The only replica is broken when the call comes: it does not wait for the repair if it can go elsewhere. */
static void test_router__a_dead_server_is_passed_over(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tiers[N_TIERS] = {world_server(&pool, 1e-3), world_api(0.2, 100.0)};
    struct ts_model model = world_model(tiers, N_TIERS);
    model.tiers[0].u.server.failures.mtbf_s = 1e-3;
    model.tiers[0].u.server.failures.mttr_s = 1e9;
    model.router.policy = TS_ROUTE_STATIC;
    model.router.static_tier[0] = 0;
    model.router.n_fallback = 1;
    model.router.fallback[0] = 1;
    const struct ts_request request = world_request(0, 3600 * 1000 * MS, 10, 5);
    struct ts_result result = world_run(&model, &request, 1);
    assert_int_equal(result.tiers[1].cells[0].done, 1);
    ts_result_deinit(&result);
}

/* ---- links ---- */

/* 1,000 tokens of 4 bytes over 1 MB/s, rtt 40 ms: 20 + 4 ms up, 20 ms + 4 us down. */
static void test_link__delays_are_half_the_round_trip_and_the_bytes(void **state)
{
    (void)state;
    const struct ts_link_model link = {.rtt_s = ts_dist_constant(0.040),
                                       .jitter_s = ts_dist_constant(0.001),
                                       .bytes_per_s = 1e6,
                                       .bytes_per_tok = 4.0};
    assert_true(ts_link_is_constant(&link));
    const struct ts_link_delays delays = ts_link_draw(&link, 1000, NULL);
    assert_true(delays.up_ns == 25 * MS);
    assert_true(delays.down_ns == 21 * MS + 4000);
}

/* Client-side: router 4 ms + up 24 ms + prompt 100 ms + down 20.004 ms. */
static void test_link__the_clients_latencies_include_both_ways(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 0.1);
    tier.link = 0;
    struct ts_model model = world_model(&tier, 1);
    model.n_links = 1;
    model.links[0] = (struct ts_link_model){
        .rtt_s = ts_dist_constant(0.040), .jitter_s = ts_dist_constant(0.0), .bytes_per_s = 1e6, .bytes_per_tok = 4.0};
    model.router.latency_s = 0.004;
    const struct ts_request request = world_request(0, 0, 1000, 3);
    struct ts_result result = world_run(&model, &request, 1);
    const struct ts_cell *cell = &result.tiers[0].cells[0];
    assert_int_equal(cell->latency_ns[TS_TTFT].max, 148 * MS + 4000);
    assert_int_equal(cell->latency_ns[TS_E2E].max, 348 * MS + 4000);
    assert_int_equal(cell->latency_ns[TS_TPOT].max, 100 * MS);
    assert_int_equal(cell->latency_ns[TS_WAIT].max, 0);
    ts_result_deinit(&result);
}

/* ---- AUC ---- */

struct scored {
    double score;
    int hard;
};

static int by_score(const void *a, const void *b)
{
    const double x = ((const struct scored *)a)->score;
    const double y = ((const struct scored *)b)->score;
    return x < y ? -1 : x > y;
}

/* Mann-Whitney: the share of (hard, easy) pairs in which the hard one scores higher. */
static double auc_of(struct scored *all, size_t n)
{
    double rank_sum = 0.0;
    double n_hard = 0.0;
    qsort(all, n, sizeof *all, by_score);
    for (size_t i = 0; i < n; i++) {
        rank_sum += all[i].hard ? (double)(i + 1) : 0.0;
        n_hard += all[i].hard;
    }
    return (rank_sum - n_hard * (n_hard + 1.0) / 2.0) / (n_hard * ((double)n - n_hard));
}

static void test_router__the_correlation_gives_the_auc(void **state)
{
    (void)state;
    enum { N = 200000 };
    const double aucs[] = {0.55, 0.7, 0.8, 0.95};
    struct scored *all = calloc(N, sizeof *all);
    assert_non_null(all);
    for (size_t k = 0; k < COUNT(aucs); k++) {
        struct ts_rng rng;
        const double sz = 1.7;
        const double r = ts_router_correlation(aucs[k]);
        ts_rng_init(&rng, 11, (uint32_t)k, 0, 0);
        for (size_t i = 0; i < N; i++) {
            const double z = 0.3 + sz * ts_rng_normal(&rng);
            all[i] = (struct scored){r * (z - 0.3) + sqrt(1.0 - r * r) * sz * ts_rng_normal(&rng), z > 0.3};
        }
        assert_true(fabs(auc_of(all, N) - aucs[k]) < 0.004);
    }
    assert_true(ts_router_correlation(1.0) == 1.0 && ts_router_correlation(0.5) == 0.0);
    world_assert_near(ts_router_correlation(0.8), 0.64203952192, 1e-9);
    free(all);
}

/* With correlation r of what it sees and what is, a router that cuts at the median sends P = 1/2 + asin(r)/pi of the
 * hard requests to the strong tier (Sheppard): AUC 0.8 -> r = 0.64204 -> 0.7219. */
static void test_router__a_noisy_router_misroutes_its_share(void **state)
{
    (void)state;
    enum { N = 40000 };
    struct ts_model model = two_tiers();
    struct ts_request *requests = calloc(N, sizeof *requests);
    struct ts_rng rng;
    assert_non_null(requests);
    model.n_classes = 2;
    model.router.auc = 0.8;
    model.router.difficulty_sd = 2.0;
    ts_rng_init(&rng, 1, 2, 3, 4);
    for (uint64_t i = 0; i < N; i++) {
        const double z = 2.0 * ts_rng_normal(&rng);
        requests[i] = request_of(i, (float)z, 0, z > 0.0);
    }
    struct ts_result result = world_run(&model, requests, N);
    const double hard_right = (double)result.tiers[STRONG].cells[1].done /
                              (double)(result.tiers[STRONG].cells[1].done + result.tiers[WEAK].cells[1].done);
    const double r = sqrt(2.0) * sin(acos(-1.0) / 2.0 * 0.3);
    assert_true(fabs(hard_right - (0.5 + asin(r) / acos(-1.0))) < 0.01);
    ts_result_deinit(&result);
    free(requests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_router__thresholds_send_hard_requests_to_the_strong_tier),
        cmocka_unit_test(test_router__a_barred_request_falls_back_or_goes_nowhere),
        cmocka_unit_test(test_router__a_rule_asks_for_all_its_conditions),
        cmocka_unit_test(test_router__a_rule_holds_at_its_hours),
        cmocka_unit_test(test_router__static_routes_by_class),
        cmocka_unit_test(test_router__least_loaded_overflows_when_the_seats_are_taken),
        cmocka_unit_test(test_router__a_full_tier_costs_the_way_there_and_back),
        cmocka_unit_test(test_router__latency_and_price_are_added_to_every_request),
        cmocka_unit_test(test_router__a_measured_one_takes_what_its_prompt_takes),
        cmocka_unit_test(test_router__requests_wait_for_its_servers),
        cmocka_unit_test(test_router__requests_wait_as_m_d_1_has_it),
        cmocka_unit_test(test_router__shares_of_calls_are_not_shares_of_tokens),
        cmocka_unit_test(test_router__displaced_and_barred_money),
        cmocka_unit_test(test_router__calls_that_were_lost_are_displaced_too),
        cmocka_unit_test(test_router__a_call_that_an_api_gives_up_falls_back),
        cmocka_unit_test(test_router__a_dead_server_is_passed_over),
        cmocka_unit_test(test_link__delays_are_half_the_round_trip_and_the_bytes),
        cmocka_unit_test(test_link__the_clients_latencies_include_both_ways),
        cmocka_unit_test(test_router__the_correlation_gives_the_auc),
        cmocka_unit_test(test_router__a_noisy_router_misroutes_its_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
