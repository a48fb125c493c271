/* KV levels behind the cache: loading against computing again, by bandwidth; hit rates of an LRU against Che's
 * approximation; that nothing is lost with room for all; and that both ways of stepping agree. */
#include "sim/serving/kv_levels.h"
#include "tests/sim/sim_world.h"

static struct ts_kv_level_model level_model(double bytes, double bytes_per_s, double latency_s)
{
    return (struct ts_kv_level_model){
        .name = "level", .bytes = bytes, .bytes_per_s = bytes_per_s, .latency_s = latency_s};
}

/* ---- loading against computing ---- */

enum { PROMPT_TOK = 16000, BLOCK_TOK = 16, N_IDS = PROMPT_TOK / BLOCK_TOK };

static const double kv_bytes_per_tok = 327680.0; /* a 70B model in bf16 */
static const double prefill_s = 156e-6;          /* of a token, on an H100 in FP8 */

/* The second of two prompts alike, when a third has taken the first one's place in the cache: its time to the first
 * token. */
static double ttft_s(const struct ts_kv_level_model *level, uint64_t kv_blocks, struct ts_result *out)
{
    static uint64_t same[N_IDS], other[N_IDS];
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 0.0);
    pool.replica.steps.u.linear.d_s_per_prefill_tok = prefill_s;
    pool.replica.prefix_cache = true;
    pool.replica.kv_blocks = kv_blocks;
    pool.replica.kv_block_bytes = kv_bytes_per_tok * BLOCK_TOK;
    tier.u.server.kv_levels[0] = level ? *level : (struct ts_kv_level_model){.bytes = 0.0};
    tier.u.server.n_kv_levels = level != NULL;
    for (uint64_t i = 0; i < N_IDS; i++) {
        same[i] = i + 1;
        other[i] = i + 1000000;
    }
    struct ts_request requests[3];
    for (uint64_t i = 0; i < COUNT(requests); i++) {
        requests[i] = world_request(i, (int64_t)i * 100 * S, PROMPT_TOK, 1);
        requests[i].prefix = (struct ts_prefix){.ids = i == 1 ? other : same, .n_ids = N_IDS, .block_tok = BLOCK_TOK};
    }
    struct ts_model model = world_model(&tier, 1);
    *out = world_run(&model, requests, COUNT(requests));
    return 1e-9 * ts_hist_quantile(&out->tiers[0].cells[0].latency_ns[TS_TTFT], 0.0);
}

/* Known answers a token: 6.6, 46.8 and 328 us to load, 156 to compute. Of the prompt's 1,000 blocks the last is
 * computed: a token has to be. */
static void test_kv_levels__a_disk_pays_and_a_far_store_does_not(void **state)
{
    (void)state;
    static const struct {
        double bytes_per_s, us_per_tok;
    } cases[] = {{50e9, 6.6}, {7e9, 46.8}, {1e9, 328.0}};
    const double computed_s = BLOCK_TOK * prefill_s, all_s = PROMPT_TOK * prefill_s;
    struct ts_result result;
    world_assert_near(ttft_s(NULL, N_IDS, &result), all_s, 1e-3);
    ts_result_deinit(&result);
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct ts_kv_level_model level = level_model(100e9, cases[i].bytes_per_s, 0.0);
        const double s = ttft_s(&level, N_IDS, &result);
        const double load_s = (PROMPT_TOK - BLOCK_TOK) * kv_bytes_per_tok / cases[i].bytes_per_s;
        print_message("%.0f GB/s: %.1f us a token\n", cases[i].bytes_per_s * 1e-9,
                      1e6 * load_s / (PROMPT_TOK - BLOCK_TOK));
        assert_true(fabs(1e6 * load_s / (PROMPT_TOK - BLOCK_TOK) - cases[i].us_per_tok) < 0.01 * cases[i].us_per_tok);
        world_assert_near(s < all_s ? s : 1.0, load_s + computed_s < all_s ? load_s + computed_s : 1.0, 2e-3);
        assert_true((load_s < all_s) == (i < 2));
        assert_int_equal(result.tiers[0].level1_tok, PROMPT_TOK - BLOCK_TOK);
        assert_int_equal(result.tiers[0].found_tok, PROMPT_TOK - BLOCK_TOK);
        world_assert_near(result.tiers[0].kv_load_bytes, (PROMPT_TOK - BLOCK_TOK) * kv_bytes_per_tok, 1e-12);
        world_assert_near(result.tiers[0].kv_load_s, load_s, 1e-6);
        ts_result_deinit(&result);
    }
}

/* What the cache has is not loaded. */
static void test_kv_levels__are_asked_behind_the_cache(void **state)
{
    (void)state;
    const struct ts_kv_level_model level = level_model(100e9, 1e9, 0.03);
    struct ts_result result;
    const double s = ttft_s(&level, 4 * N_IDS, &result);
    world_assert_near(s, BLOCK_TOK * prefill_s, 2e-3);
    assert_int_equal(result.tiers[0].found_tok, PROMPT_TOK - BLOCK_TOK);
    assert_int_equal(result.tiers[0].level1_tok, 0);
    assert_int_equal(result.tiers[0].n_kv_loads, 0);
    ts_result_deinit(&result);
}

/* ---- several levels ---- */

static struct ts_kv_levels open_levels(const struct ts_kv_level_model *models, uint32_t n)
{
    struct ts_kv_levels levels = {.n = n};
    for (uint32_t i = 0; i < n; i++) {
        assert_int_equal(ts_kv_level_create(&levels.items[i], &models[i], 1.0), TS_OK);
    }
    return levels;
}

static void close_levels(struct ts_kv_levels *levels)
{
    for (uint32_t i = 0; i < levels->n; i++) {
        ts_kv_level_destroy(levels->items[i]);
    }
}

static void test_kv_levels__are_written_through_and_promote(void **state)
{
    (void)state;
    struct ts_kv_level_model models[] = {level_model(2.0, 1.0, 0.0), level_model(4.0, 0.5, 1.0),
                                         level_model(8.0, 1.0, 0.0)};
    models[2].prompts_only = true;
    struct ts_kv_levels levels = open_levels(models, 3);
    for (uint64_t key = 1; key <= 6; key++) {
        ts_kv_levels_keep(&levels, key, key <= 3);
    }
    static const uint32_t where[] = {2, 2, 1, 1, 0, 0}; /* 5 6 | 3 4 5 6 | 1 2 3 */
    for (uint64_t key = 1; key <= 6; key++) {
        assert_int_equal(ts_kv_levels_find(&levels, key), where[key - 1]);
    }
    assert_int_equal(ts_kv_levels_find(&levels, 7), 3);
    ts_kv_levels_use(&levels, 3); /* 6 3 | 4 5 6 3 */
    assert_int_equal(ts_kv_levels_find(&levels, 3), 0);
    assert_int_equal(ts_kv_levels_find(&levels, 5), 1);
    ts_kv_levels_touch(&levels, 4);
    ts_kv_levels_keep(&levels, 8, false); /* 3 8 | 6 3 4 8 */
    assert_int_equal(ts_kv_levels_find(&levels, 5), 3);
    assert_int_equal(ts_kv_levels_find(&levels, 4), 1);
    /* 2 blocks at 1 B/s; 3 at 0.5 B/s and a latency of 1 s, and again after those. */
    const struct ts_kv_found found = {.n_blocks = {2, 3}};
    assert_int_equal(ts_kv_levels_load_ns(&levels, &found, 1.0, 10 * S), 17 * S);
    assert_int_equal(ts_kv_levels_load_ns(&levels, &found, 1.0, 10 * S), 23 * S);
    close_levels(&levels);
    struct ts_kv_level *level = NULL;
    assert_int_equal(ts_kv_level_create(&level, &models[0], 3.0), TS_ERANGE);
}

/* ---- Che's approximation ---- */

enum { N_KEYS = 2000 };

/* An LRU of n places under independent requests of popularities p is hit with probability sum p (1 - exp(-p T)), where
 * T solves sum (1 - exp(-p T)) = n (Che, Tung and Wang, IEEE JSAC 20, 2002). */
static double che_hit_frac(const double *p, double n)
{
    double low = 0.0, high = 1e12, hit = 0.0;
    for (int i = 0; i < 200; i++) {
        const double t = (low + high) / 2.0;
        double held = 0.0;
        for (int k = 0; k < N_KEYS; k++) {
            held += -expm1(-p[k] * t);
        }
        *(held < n ? &low : &high) = t;
    }
    for (int k = 0; k < N_KEYS; k++) {
        hit += p[k] * -expm1(-p[k] * low);
    }
    return hit;
}

static void test_kv_levels__are_hit_as_often_as_ches_approximation_says(void **state)
{
    (void)state;
    enum { N_WARM = 100000, N_REQUESTS = 1000000 };
    static const double sizes[] = {20.0, 200.0, 1000.0}, exponents[] = {0.7, 1.1};
    double p[N_KEYS], sums[N_KEYS];
    for (size_t e = 0; e < COUNT(exponents); e++) {
        double sum = 0.0;
        for (int k = 0; k < N_KEYS; k++) {
            sum += pow(k + 1, -exponents[e]);
            sums[k] = sum;
        }
        for (int k = 0; k < N_KEYS; k++) {
            p[k] = pow(k + 1, -exponents[e]) / sum;
        }
        for (size_t i = 0; i < COUNT(sizes); i++) {
            const struct ts_kv_level_model model = level_model(sizes[i], 1.0, 0.0);
            struct ts_kv_levels levels = open_levels(&model, 1);
            struct ts_rng rng;
            uint64_t n_hits = 0;
            ts_rng_init(&rng, 9, 0, 0, 0);
            for (int r = 0; r < N_WARM + N_REQUESTS; r++) {
                const double u = ts_rng_uniform(&rng) * sum;
                uint32_t low = 0, high = N_KEYS - 1;
                while (low < high) {
                    const uint32_t middle = (low + high) / 2;
                    *(sums[middle] < u ? &low : &high) = sums[middle] < u ? middle + 1 : middle;
                }
                const uint64_t key = ts_mix64(low + 1);
                n_hits += r >= N_WARM && ts_kv_levels_find(&levels, key) == 0;
                ts_kv_levels_keep(&levels, key, true);
            }
            const double hit = (double)n_hits / N_REQUESTS, theory = che_hit_frac(p, sizes[i]);
            print_message("%.0f of %d, exponent %.1f: %.4f, by Che %.4f\n", sizes[i], (int)N_KEYS, exponents[e], hit,
                          theory);
            assert_true(fabs(hit - theory) < 0.005);
            close_levels(&levels);
        }
    }
}

/* ---- many requests ---- */

enum { N_REQUESTS = 400, MOST_IDS = 60 };

/* Conversations: prompts that begin as others do. */
static void draw(struct ts_request *requests, uint64_t (*ids)[MOST_IDS])
{
    struct ts_rng rng;
    ts_rng_init(&rng, 4, 0, 0, 0);
    int64_t at_ns = 0;
    for (uint64_t i = 0; i < N_REQUESTS; i++) {
        const uint32_t talk = ts_rng_u32(&rng) % 25, n = 5 + ts_rng_u32(&rng) % (MOST_IDS - 5);
        for (uint32_t k = 0; k < n; k++) {
            ids[i][k] = k < 8 ? k + 1 : (uint64_t)talk << 20 | (k + 1);
        }
        at_ns += (int64_t)(0.03e9 * ts_rng_exponential(&rng));
        requests[i] = world_request(i, at_ns, n * 16 + ts_rng_u32(&rng) % 16, 1 + ts_rng_u32(&rng) % 40);
        requests[i].prefix = (struct ts_prefix){.ids = ids[i], .n_ids = n, .block_tok = 16};
    }
}

static struct ts_tier_model small_server(struct ts_pool_model *pool, uint64_t kv_blocks, double level_blocks)
{
    struct ts_tier_model tier = world_server(pool, 2e-3);
    pool->n_replicas = 2;
    pool->replica.steps.u.linear.d_s_per_prefill_tok = 20e-6;
    pool->replica.prefix_cache = true;
    pool->replica.max_seqs = 12;
    pool->replica.max_batched_tok = 600;
    pool->replica.kv_blocks = kv_blocks;
    pool->replica.kv_block_bytes = 1e6;
    tier.u.server.n_kv_levels = 2;
    tier.u.server.kv_levels[0] = level_model(level_blocks * 1e6, 2e9, 1e-4);
    tier.u.server.kv_levels[1] = level_model(1e5 * 1e6, 5e8, 1e-3);
    tier.u.server.kv_levels[1].is_shared = true;
    return tier;
}

static void test_kv_levels__single_steps_come_to_the_same(void **state)
{
    (void)state;
    static struct ts_request requests[N_REQUESTS];
    static uint64_t ids[N_REQUESTS][MOST_IDS];
    const struct ts_sim_options options = {.single_steps = true};
    struct ts_pool_model pool;
    struct ts_tier_model tier = small_server(&pool, 150, 300);
    struct ts_model model = world_model(&tier, 1);
    model.patience_s = 2.0; /* some give up while they load */
    draw(requests, ids);
    struct ts_result fast = world_run(&model, requests, N_REQUESTS);
    struct ts_result slow = world_run_with(&model, requests, N_REQUESTS, &options);
    assert_true(fast.tiers[0].level1_tok > 0 && fast.tiers[0].level2_tok > 0 && fast.tiers[0].n_preemptions > 0);
    assert_int_equal(fast.tiers[0].level1_tok, slow.tiers[0].level1_tok);
    assert_int_equal(fast.tiers[0].level2_tok, slow.tiers[0].level2_tok);
    world_assert_equal(&fast, &slow, 1e-9);
    ts_result_deinit(&fast);
    ts_result_deinit(&slow);
}

/* A small cache with a large store behind it finds what a large cache finds. */
static void test_kv_levels__with_room_for_all_nothing_is_lost(void **state)
{
    (void)state;
    static struct ts_request requests[N_REQUESTS];
    static uint64_t ids[N_REQUESTS][MOST_IDS];
    struct ts_pool_model pool;
    draw(requests, ids);
    for (uint64_t i = 0; i < N_REQUESTS; i++) {
        requests[i].arrival_ns *= 100; /* one at a time */
    }
    struct ts_tier_model tier = small_server(&pool, 80, 100000);
    pool.n_replicas = 1;
    struct ts_model model = world_model(&tier, 1);
    struct ts_result small = world_run(&model, requests, N_REQUESTS);
    pool.replica.kv_blocks = 100000;
    struct ts_result large = world_run(&model, requests, N_REQUESTS);
    assert_int_equal(small.tiers[0].found_tok, large.tiers[0].found_tok);
    assert_true(small.tiers[0].level1_tok > small.tiers[0].found_tok / 4);
    assert_int_equal(large.tiers[0].level1_tok, 0);
    ts_result_deinit(&small);
    ts_result_deinit(&large);
}

/* Replicas fail, and their calls start over at the other: loads that were under way come to nothing. */
static void test_kv_levels__outlive_a_replica_that_fails(void **state)
{
    (void)state;
    static struct ts_request requests[N_REQUESTS];
    static uint64_t ids[N_REQUESTS][MOST_IDS];
    struct ts_pool_model pool;
    struct ts_tier_model tier = small_server(&pool, 150, 300);
    tier.u.server.failures = (struct ts_failure_model){.mtbf_s = 1.0, .mttr_s = 0.2};
    tier.u.server.kv_levels[0].bytes_per_s = 1e8;
    struct ts_model model = world_model(&tier, 1);
    draw(requests, ids);
    struct ts_result result = world_run(&model, requests, N_REQUESTS);
    assert_true(result.tiers[0].n_failures > 3 && result.tiers[0].n_kv_loads > 20);
    assert_int_equal(result.tiers[0].cells[0].done + result.tiers[1].cells[0].rejected +
                         result.tiers[0].cells[0].rejected,
                     N_REQUESTS);
    ts_result_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kv_levels__a_disk_pays_and_a_far_store_does_not),
        cmocka_unit_test(test_kv_levels__are_asked_behind_the_cache),
        cmocka_unit_test(test_kv_levels__are_written_through_and_promote),
        cmocka_unit_test(test_kv_levels__are_hit_as_often_as_ches_approximation_says),
        cmocka_unit_test(test_kv_levels__single_steps_come_to_the_same),
        cmocka_unit_test(test_kv_levels__with_room_for_all_nothing_is_lost),
        cmocka_unit_test(test_kv_levels__outlive_a_replica_that_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
