/* Replicas that come and go, and who joins which: runs that can be worked out on paper. */
#include "tests/sim/sim_world.h"

static const struct ts_cell *cell_of(const struct ts_result *result, uint32_t tier)
{
    return &result->tiers[tier].cells[0];
}

static struct ts_result run_for(const struct ts_tier_model *tier, const struct ts_request *requests, uint64_t n,
                                double window_s)
{
    const struct ts_model model = world_model(tier, 1);
    const struct ts_sim_options options = {.window_s = window_s};
    return world_run_with(&model, requests, n, &options);
}

/* ---- balancers ---- */

/* One token each at 10 ms, a seat per replica: four at once go to four replicas in turn, and nobody waits. The fifth
 * joins the first again. */
static void test_balance__round_robin_takes_turns(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.replica.max_seqs = 1;
    pool.n_replicas = 4;
    tier.u.server.balance = TS_BALANCE_ROUND_ROBIN;
    struct ts_request requests[5];
    for (uint64_t i = 0; i < 5; i++) {
        requests[i] = world_request(i, 0, 1, i == 0 ? 3 : 1);
    }
    struct ts_result result = run_for(&tier, requests, 5, 0.0);
    assert_true(ts_hist_sum(&cell_of(&result, 0)->latency_ns[TS_WAIT]) == 30.0 * MS); /* the fifth, after the first */
    ts_result_deinit(&result);
}

/* A long prompt at the first replica, two short ones at the second: the next request goes by blocks to the second,
 * by requests to the first. With one seat each it waits there. */
static void test_balance__least_kv_looks_at_blocks(void **state)
{
    (void)state;
    static const enum ts_balance_policy policies[] = {TS_BALANCE_LEAST_KV, TS_BALANCE_LEAST_OUTSTANDING};
    static const uint64_t n_steps[] = {100 + 104, 103 + 104};
    for (size_t i = 0; i < COUNT(policies); i++) {
        struct ts_pool_model pool;
        struct ts_tier_model tier = world_server(&pool, 10e-3);
        pool.n_replicas = 2;
        pool.replica.kv_blocks = 1000;
        tier.u.server.balance = policies[i];
        const struct ts_request requests[] = {world_request(0, 0, 1600, 100), world_request(1, 1, 16, 100),
                                              world_request(2, 20 * MS, 16, 100), world_request(3, 40 * MS, 16, 100)};
        struct ts_result result = run_for(&tier, requests, 4, 0.0);
        assert_int_equal(cell_of(&result, 0)->done, 4);
        /* the later ones enter after 2 and 4 steps of the second, or one of them after 3 of the first */
        assert_int_equal(result.tiers[0].n_steps, n_steps[i]);
        ts_result_deinit(&result);
    }
}

/* Sessions at four replicas with prefix caches, each turn repeating what was said: a session that stays where it was
 * computes its new tokens alone. 8 sessions of 10 turns a second apart; turn t has 16 x (t + 1) tokens, of which 16 x t
 * are known: 9/11 of all, but that at least one token is computed. */
static double found_share(enum ts_balance_policy policy)
{
    enum { N_SESSIONS = 8, N_TURNS = 10 };
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 1e-3);
    pool.n_replicas = 4;
    pool.replica.prefix_cache = true;
    pool.replica.kv_blocks = 10000;
    tier.u.server.balance = policy;
    uint64_t ids[N_SESSIONS][N_TURNS];
    struct ts_request requests[N_SESSIONS * N_TURNS];
    for (uint64_t i = 0; i < COUNT(requests); i++) {
        const uint64_t session = (i * 5 + i / N_SESSIONS) % N_SESSIONS;
        const uint64_t turn = i / N_SESSIONS;
        ids[session][turn] = session * 100 + turn + 1;
        requests[i] = world_request(i, (int64_t)i * S, 16 * (uint32_t)(turn + 1), 1);
        requests[i].prefix = (struct ts_prefix){.ids = ids[session], .n_ids = (uint32_t)turn + 1, .block_tok = 16};
    }
    struct ts_result result = run_for(&tier, requests, COUNT(requests), 0.0);
    const double share = (double)result.tiers[0].found_tok / (double)result.tiers[0].looked_up_tok;
    ts_result_deinit(&result);
    return share;
}

static void test_balance__prefix_sends_a_session_where_it_was(void **state)
{
    (void)state;
    assert_true(found_share(TS_BALANCE_PREFIX) > 0.75);
    assert_true(found_share(TS_BALANCE_ROUND_ROBIN) < 0.6);
}

static void test_balance__every_policy_serves_all(void **state)
{
    (void)state;
    for (int policy = 0; policy < TS_N_BALANCE_POLICIES; policy++) {
        struct ts_pool_model pool;
        struct ts_tier_model tier = world_server(&pool, 10e-3);
        pool.n_replicas = 3;
        pool.replica.max_seqs = 2;
        tier.u.server.balance = (enum ts_balance_policy)policy;
        struct ts_request requests[50];
        for (uint64_t i = 0; i < COUNT(requests); i++) {
            requests[i] = world_request(i, (int64_t)i * 7 * MS, 10, 5);
        }
        struct ts_result result = run_for(&tier, requests, COUNT(requests), 0.0);
        assert_int_equal(cell_of(&result, 0)->done, COUNT(requests));
        ts_result_deinit(&result);
    }
}

/* ---- failures ---- */

/* Up a share MTBF/(MTBF + MTTR) = 0.8 of the time; broken replicas draw nothing. */
static void test_fleet__availability_is_that_of_the_renewal_process(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    pool.replica.power.idle_w = 10.0;
    pool.n_replicas = 20;
    tier.u.server.failures = (struct ts_failure_model){.mtbf_s = 100.0, .mttr_s = 25.0};
    const struct ts_request request = world_request(0, 0, 1, 1);
    struct ts_result result = run_for(&tier, &request, 1, 200000.0);
    assert_true(fabs(result.tiers[0].mean_up / 20.0 - 0.8) < 0.008);
    world_assert_near(result.tiers[0].idle_j, result.tiers[0].mean_up * 10.0 * 200000.0, 1e-9);
    assert_true(fabs((double)result.tiers[0].n_failures / (20.0 * 200000.0 / 125.0) - 1.0) < 0.03);
    double series_j = 0.0;
    for (uint32_t bin = 0; bin < result.n_bins; bin++) {
        series_j += result.tiers[0].power_w[bin] * result.bin_s;
    }
    world_assert_near(series_j, ts_tier_energy_j(&result.tiers[0]), 1e-3); /* the last bin is cut off */
    ts_result_deinit(&result);
}

enum { N_LONG = 20000 };

static struct ts_result run_long_calls(bool drops)
{
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    tier.u.server.failures = (struct ts_failure_model){.mtbf_s = 5.0, .mttr_s = 1e-9, .drops_calls = drops};
    struct ts_request *requests = calloc(N_LONG, sizeof *requests);
    assert_non_null(requests);
    for (uint64_t i = 0; i < N_LONG; i++) {
        requests[i] = world_request(i, (int64_t)i * 100 * S, 1, 100);
    }
    struct ts_result result = run_for(&tier, requests, N_LONG, 0.0);
    free(requests);
    return result;
}

/* Broken before the warm-up ends and for the rest: no time up, no energy, not even -1e-16 of them. */
static void test_fleet__what_is_down_throughout_is_exactly_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 0; seed < 50; seed++) {
        struct ts_pool_model pool;
        struct ts_tier_model tier = world_server(&pool, 10e-3);
        pool.replica.power.idle_w = 10.1;
        pool.n_replicas = 3;
        tier.u.server.failures = (struct ts_failure_model){.mtbf_s = 1.0, .mttr_s = 1e9};
        struct ts_model model = world_model(&tier, 1);
        model.warmup_s = 111.1 + 0.013 * (double)seed;
        model.patience_s = 60.0;
        model.seed = seed;
        const struct ts_request requests[] = {world_request(0, 0, 1, 1), world_request(1, 300 * S, 1, 1)};
        const struct ts_sim_options options = {.window_s = 900.1 + 0.37 * (double)seed};
        struct ts_result result = world_run_with(&model, requests, 2, &options);
        const struct ts_tier_result *got = &result.tiers[0];
        assert_int_equal(got->n_failures, 3);
        assert_true(got->mean_up == 0.0 && got->idle_j == 0.0 && got->busy_frac == 0.0);
        for (uint32_t bin = 112; bin < result.n_bins; bin++) {
            assert_true(got->power_w[bin] == 0.0 && got->busy[bin] == 0.0);
        }
        ts_result_deinit(&result);
    }
}

/* Calls of 1 s alone at a replica that fails every 5 s: lost with probability 1 - exp(-1/5) = 0.1813. */
static void test_fleet__a_failure_turns_away_what_was_in_flight(void **state)
{
    (void)state;
    struct ts_result result = run_long_calls(true);
    const struct ts_cell *cell = cell_of(&result, 0);
    assert_int_equal(cell->done + cell->rejected, N_LONG);
    assert_int_equal(cell->rejected, result.tiers[0].n_retries);
    assert_true(fabs((double)cell->rejected / N_LONG - 0.18127) < 0.01);
    ts_result_deinit(&result);
}

/* Starting over: a call of length T takes (exp(T/MTBF) - 1) x MTBF = 1.107 s in the mean. */
static void test_fleet__what_was_in_flight_starts_over(void **state)
{
    (void)state;
    struct ts_result result = run_long_calls(false);
    const struct ts_cell *cell = cell_of(&result, 0);
    assert_int_equal(cell->done, N_LONG);
    assert_true(fabs(ts_hist_mean(&cell->latency_ns[TS_E2E]) / (1.1070 * S) - 1.0) < 0.01);
    assert_true(fabs((double)result.tiers[0].n_retries / N_LONG - (exp(0.2) - 1.0)) < 0.01);
    ts_result_deinit(&result);
}

struct ended {
    uint64_t ids[16];
    size_t n;
};

static enum ts_status note_rejected(void *user, const struct ts_request_record *record)
{
    struct ended *ended = user;
    if (record->outcome == TS_REJECTED) {
        ended->ids[ended->n++] = record->request->id;
    }
    return TS_OK;
}

/* One replica with a step of 1000 s under way when it fails: its request runs, others wait by priority, or in the inbox
 * of an engine that plans ahead. With patience one more comes late, so that the run goes on until a failure. */
static struct ts_result run_until_failure(struct ended *ended, bool plans_ahead, double patience_s)
{
    enum { N_AT_ONCE = 6 };
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 1000.0);
    pool.replica.max_seqs = 1;
    pool.replica.by_priority = true;
    pool.replica.plans_ahead = plans_ahead;
    tier.u.server.failures = (struct ts_failure_model){.mtbf_s = 100.0, .mttr_s = 1.0, .drops_calls = true};
    struct ts_model model = world_model(&tier, 1);
    model.patience_s = patience_s;
    struct ts_request requests[N_AT_ONCE + 1];
    for (uint64_t i = 0; i < COUNT(requests); i++) {
        requests[i] = world_request(i, i < N_AT_ONCE ? (int64_t)i * MS : 500 * S, 1, 1);
        requests[i].priority = (uint8_t)(i * 7 % 5);
    }
    const struct ts_sim_options options = {.on_request = note_rejected, .request_user = ended};
    return world_run_with(&model, requests, patience_s > 0.0 ? COUNT(requests) : N_AT_ONCE, &options);
}

/* Running, waiting and unnoticed, in order of arrival whatever their priority. */
static void test_fleet__a_failure_finds_all_that_is_at_the_replica(void **state)
{
    (void)state;
    for (int plans_ahead = 0; plans_ahead < 2; plans_ahead++) {
        struct ended ended = {.n = 0};
        struct ts_result result = run_until_failure(&ended, plans_ahead, 0.0);
        assert_int_equal(ended.n, 6);
        for (uint64_t i = 0; i < ended.n; i++) {
            assert_int_equal(ended.ids[i], i);
        }
        assert_int_equal(result.tiers[0].n_failures, 1);
        assert_int_equal(result.tiers[0].n_retries, 6);
        ts_result_deinit(&result);
    }
}

/* One that gave up in the step under way is not there any more, though the engine still computes it. */
static void test_fleet__a_failure_finds_nobody_who_gave_up(void **state)
{
    (void)state;
    struct ended ended = {.n = 0};
    struct ts_result result = run_until_failure(&ended, false, 0.01);
    assert_int_equal(ended.n, 0);
    assert_int_equal(cell_of(&result, 0)->timed_out, 7);
    assert_true(result.tiers[0].n_failures > 0);
    assert_int_equal(result.tiers[0].n_retries, 0);
    ts_result_deinit(&result);
}

/* ---- restarts ---- */

/* Every 10 s, 5 s to start again. Alone, a replica makes the request of 11 s wait until 15; with a second one nobody
 * waits, and the second goes when the first is back. */
static void test_fleet__a_rolling_restart_takes_one_at_a_time(void **state)
{
    (void)state;
    for (uint32_t n = 1; n <= 2; n++) {
        struct ts_pool_model pool;
        struct ts_tier_model tier = world_server(&pool, 10e-3);
        pool.n_replicas = n;
        tier.u.server.restart_every_s = 10.0;
        tier.u.server.cold_start_s = 5.0;
        const struct ts_request requests[] = {world_request(0, 11 * S, 1, 1), world_request(1, 17 * S, 1, 1)};
        struct ts_result result = run_for(&tier, requests, 2, 0.0);
        assert_int_equal(cell_of(&result, 0)->latency_ns[TS_TTFT].max, n == 1 ? 4010 * MS : 10 * MS);
        assert_int_equal(result.tiers[0].n_starts, n);
        ts_result_deinit(&result);
    }
}

/* It finishes what it has first: a call of 8 s from 5 s on ends at 13, and the next waits until 18. */
static void test_fleet__a_restart_drains_first(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 10e-3);
    tier.u.server.restart_every_s = 10.0;
    tier.u.server.cold_start_s = 5.0;
    const struct ts_request requests[] = {world_request(0, 5 * S, 1, 800), world_request(1, 11 * S, 1, 1)};
    struct ts_result result = run_for(&tier, requests, 2, 0.0);
    assert_int_equal(cell_of(&result, 0)->latency_ns[TS_E2E].max, 8000 * MS);
    assert_int_equal(cell_of(&result, 0)->latency_ns[TS_TTFT].max, 7010 * MS);
    ts_result_deinit(&result);
}

/* ---- autoscaling ---- */

static struct ts_tier_model scaled_server(struct ts_pool_model *pool, uint32_t n, uint32_t least)
{
    struct ts_tier_model tier = world_server(pool, 10e-3);
    pool->replica.power.idle_w = 100.0;
    pool->replica.power.decode_w = pool->replica.power.prefill_w = 100.0;
    pool->n_replicas = n;
    tier.u.server.cold_start_s = 30.0;
    tier.u.server.autoscale = (struct ts_autoscale_model){
        .on = true, .min_replicas = least, .target_outstanding = 2.0, .interval_s = 10.0, .cooldown_s = 60.0};
    return tier;
}

/* The first request, at 5 s, waits for the cold start of 30 s; at 40 s fewer are wanted, from 100 s on nothing is up:
 * 95 s at 100 W. */
static void test_fleet__from_zero_the_first_request_waits_for_the_cold_start(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tier = scaled_server(&pool, 4, 0);
    const struct ts_request request = world_request(0, 5 * S, 1, 1);
    struct ts_result result = run_for(&tier, &request, 1, 1000.0);
    assert_int_equal(cell_of(&result, 0)->latency_ns[TS_TTFT].max, 30010 * MS);
    assert_int_equal(result.tiers[0].n_starts, 1);
    world_assert_near(result.tiers[0].idle_j, 9500.0, 1e-9);
    world_assert_near(result.tiers[0].mean_up, 0.095, 1e-9);
    ts_result_deinit(&result);
}

/* Eight calls of 100 s, two wanted per replica, one up: at 10 s four are wanted, at 40 s they are there. Those that
 * came before stay where they are. */
static void test_fleet__replicas_follow_the_requests(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tier = scaled_server(&pool, 8, 1);
    struct ts_request requests[9];
    for (uint64_t i = 0; i < 8; i++) {
        requests[i] = world_request(i, 0, 1, 10000);
    }
    requests[8] = world_request(8, 41 * S, 1, 1);
    struct ts_result result = run_for(&tier, requests, 9, 500.0);
    assert_int_equal(cell_of(&result, 0)->done, 9);
    assert_int_equal(result.tiers[0].n_starts, 3);
    /* one all the time, three from 10 s to 170 s: the calls end at 100.01 s, fewer are wanted from 110 s on */
    world_assert_near(result.tiers[0].mean_up, (500.0 + 3.0 * 160.0) / 500.0, 1e-9);
    ts_result_deinit(&result);
}

/* As before, with seven calls and room for them in one replica: what is seen at 10 s is known at 15 s, and a new
 * machine takes 20 s, and 10 s for its image, before the cold start of 30 s. A call at 74 s waits until 100 s for the
 * others to end; one at 76 s finds the replicas that came up at 75 s. */
static void test_fleet__lags_of_the_load_and_of_machines_add_up(void **state)
{
    (void)state;
    for (int late = 0; late <= 1; late++) {
        struct ts_pool_model pool;
        struct ts_tier_model tier = scaled_server(&pool, 8, 1);
        pool.replica.max_seqs = 7;
        tier.u.server.balance = TS_BALANCE_LEAST_OUTSTANDING;
        tier.u.server.autoscale.scrape_s = ts_dist_constant(5.0);
        tier.u.server.autoscale.machine_s = ts_dist_constant(20.0);
        tier.u.server.autoscale.image_s = 10.0;
        struct ts_request requests[8];
        for (uint64_t i = 0; i < 7; i++) {
            requests[i] = world_request(i, 0, 1, 10010);
        }
        requests[7] = world_request(7, late ? 76 * S : 74 * S, 1, 1);
        struct ts_result result = run_for(&tier, requests, 8, 500.0);
        assert_int_equal(result.tiers[0].n_starts, 3);
        assert_int_equal(cell_of(&result, 0)->latency_ns[TS_TTFT].max, late ? 20 * MS : 26110 * MS);
        /* three from 15 s to 175 s: fewer are wanted from 110 s on, known at 115 s */
        world_assert_near(result.tiers[0].mean_up, (500.0 + 3.0 * 160.0) / 500.0, 1e-9);
        ts_result_deinit(&result);
    }
}

/* From zero the first call starts a machine at once: 20 s, and 30 s of cold start. */
static void test_fleet__from_zero_a_machine_is_fetched_first(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = scaled_server(&pool, 4, 0);
    tier.u.server.autoscale.machine_s = ts_dist_constant(20.0);
    const struct ts_request request = world_request(0, 5 * S, 1, 1);
    struct ts_result result = run_for(&tier, &request, 1, 1000.0);
    assert_int_equal(cell_of(&result, 0)->latency_ns[TS_TTFT].max, 50010 * MS);
    ts_result_deinit(&result);
}

/* Fewer for a moment, then as many again: the cooldown keeps them. */
static void test_fleet__the_cooldown_outlasts_a_lull(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tier = scaled_server(&pool, 2, 0);
    struct ts_request requests[40];
    for (uint64_t i = 0; i < COUNT(requests); i++) {
        requests[i] = world_request(i, (int64_t)i * 15 * S, 1, 1000);
    }
    struct ts_result result = run_for(&tier, requests, COUNT(requests), 0.0);
    assert_int_equal(result.tiers[0].n_starts, 1);
    ts_result_deinit(&result);
}

/* A request gives up while it waits for a replica: the ones before and after it do not notice. */
static void test_fleet__a_held_request_may_lose_patience(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tier = scaled_server(&pool, 1, 0);
    struct ts_model model = world_model(&tier, 1);
    model.patience_s = 25.0;
    const struct ts_request requests[] = {world_request(0, 0, 1, 1), world_request(1, S, 1, 1),
                                          world_request(2, 10 * S, 1, 1)};
    struct ts_result result = world_run(&model, requests, 3);
    assert_int_equal(cell_of(&result, 0)->timed_out, 2);
    assert_int_equal(cell_of(&result, 0)->done, 1);
    assert_int_equal(cell_of(&result, 0)->latency_ns[TS_TTFT].max, 20010 * MS);
    ts_result_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_balance__round_robin_takes_turns),
        cmocka_unit_test(test_balance__least_kv_looks_at_blocks),
        cmocka_unit_test(test_balance__prefix_sends_a_session_where_it_was),
        cmocka_unit_test(test_balance__every_policy_serves_all),
        cmocka_unit_test(test_fleet__availability_is_that_of_the_renewal_process),
        cmocka_unit_test(test_fleet__what_is_down_throughout_is_exactly_nothing),
        cmocka_unit_test(test_fleet__a_failure_turns_away_what_was_in_flight),
        cmocka_unit_test(test_fleet__what_was_in_flight_starts_over),
        cmocka_unit_test(test_fleet__a_failure_finds_all_that_is_at_the_replica),
        cmocka_unit_test(test_fleet__a_failure_finds_nobody_who_gave_up),
        cmocka_unit_test(test_fleet__a_rolling_restart_takes_one_at_a_time),
        cmocka_unit_test(test_fleet__a_restart_drains_first),
        cmocka_unit_test(test_fleet__from_zero_the_first_request_waits_for_the_cold_start),
        cmocka_unit_test(test_fleet__replicas_follow_the_requests),
        cmocka_unit_test(test_fleet__lags_of_the_load_and_of_machines_add_up),
        cmocka_unit_test(test_fleet__from_zero_a_machine_is_fetched_first),
        cmocka_unit_test(test_fleet__the_cooldown_outlasts_a_lull),
        cmocka_unit_test(test_fleet__a_held_request_may_lose_patience),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
