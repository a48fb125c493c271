/* A provider's prompt cache: what it finds, for how long, what that does to bills, and how much memory it takes. */
#include "tests/sim/sim_world.h"

#include "base/file.h"
#include "sim/tiers/prompt_cache.h"
#include "tests/open_trace.h"
#include "traces/trace.h"

#define MOONCAKE TS_SHARED_DIR "/data/traces/mooncake_synthetic_trace.jsonl"

enum { BLOCK = 128 };

static const struct ts_prompt_cache_model five_minutes = {.life_s = 300.0, .least_tok = 1024};

/* A prompt of n blocks of 128 tokens: those before `own` are everybody's, the others of this text alone. */
static struct ts_request prompt(uint64_t id, int64_t arrival_ns, uint64_t *ids, uint32_t n, uint32_t own, uint64_t text)
{
    struct ts_request request = world_request(id, arrival_ns, n * BLOCK, 1);
    for (uint32_t i = 0; i < n; i++) {
        ids[i] = i < own ? i : text << 32 | i;
    }
    request.prefix = (struct ts_prefix){.ids = ids, .n_ids = n, .block_tok = BLOCK};
    return request;
}

/* What a prompt of 18 blocks, of which `own` on its own text, finds at that time. */
static uint32_t meet(struct ts_prompt_cache *cache, int64_t now_ns, int64_t ready_ns, uint32_t own, uint64_t text)
{
    uint64_t ids[18];
    uint32_t found_tok = 0;
    const struct ts_request request = prompt(0, 0, ids, 18, own, text);
    assert_int_equal(ts_prompt_cache_meet(&found_tok, cache, 0, &request, now_ns, ready_ns), TS_OK);
    return found_tok;
}

static struct ts_tier_model api_with_cache(void)
{
    struct ts_tier_model tier = world_api(0.5, 100.0);
    tier.u.api.offers[0] = (struct ts_offer){
        .name = "offer", .input_usd_per_mtok = 3.0, .cached_input_usd_per_mtok = 0.3, .output_usd_per_mtok = 15.0};
    tier.u.api.cache = five_minutes;
    return tier;
}

/* ---- bills ---- */

/* 2,304 tokens at 3 USD/Mtok: 0.006912 USD. A minute later, another text after 2,048 of them: 256 at 3 and 2,048 at
 * 0.30: 0.0013824 USD. A token of reply each: 15e-6 USD. */
static void test_prompt_cache__what_is_found_costs_the_price_of_cached_input(void **state)
{
    (void)state;
    uint64_t ids[2][18];
    const struct ts_tier_model tier = api_with_cache();
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {prompt(0, 0, ids[0], 18, 16, 1), prompt(1, 60 * S, ids[1], 18, 16, 2)};
    struct ts_result result = world_run(&model, requests, 2);
    const struct ts_cell *cell = &result.tiers[0].cells[0];
    world_assert_near(cell->api_usd, 0.006912 + 0.0013824 + 2.0 * 15e-6, 1e-12);
    assert_int_equal(cell->prompt_tok, 2 * 2304);
    assert_int_equal(cell->cached_tok, 2048);
    assert_int_equal(result.tiers[0].looked_up_tok, 2 * 2304);
    assert_int_equal(result.tiers[0].found_tok, 2048);
    ts_result_deinit(&result);
}

/* The same at 3.75 USD/Mtok for what the cache takes in: 2,304 tokens, 0.00864 USD; then 256 of them at that price and
 * 2,048 at 0.30: 0.0015744 USD. */
static void test_prompt_cache__what_is_written_costs_more(void **state)
{
    (void)state;
    uint64_t ids[2][18];
    struct ts_tier_model tier = api_with_cache();
    tier.u.api.offers[0].cache_write_usd_per_mtok = 3.75;
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {prompt(0, 0, ids[0], 18, 16, 1), prompt(1, 60 * S, ids[1], 18, 16, 2)};
    struct ts_result result = world_run(&model, requests, 2);
    const struct ts_cell *cell = &result.tiers[0].cells[0];
    world_assert_near(cell->api_usd, 0.00864 + 0.0015744 + 2.0 * 15e-6, 1e-12);
    assert_int_equal(cell->written_tok, 2304 + 256);
    ts_result_deinit(&result);
}

/* The first offer takes a call a minute; the second one's provider has not seen the prompt. */
static void test_prompt_cache__an_offer_does_not_find_what_another_has_seen(void **state)
{
    (void)state;
    uint64_t ids[3][18];
    struct ts_tier_model tier = api_with_cache();
    tier.u.api.offers[0].requests_per_s = 1.0 / 60.0;
    tier.u.api.n_offers = 2;
    tier.u.api.offers[1] = tier.u.api.offers[0];
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {prompt(0, 0, ids[0], 18, 18, 0), prompt(1, 10 * S, ids[1], 18, 18, 0),
                                          prompt(2, 70 * S, ids[2], 18, 18, 0)};
    struct ts_result result = world_run(&model, requests, 3);
    assert_int_equal(result.tiers[0].n_throttled, 1);
    assert_int_equal(result.tiers[0].found_tok, 2304);
    ts_result_deinit(&result);
}

/* A tier that replaces the API: its calls would have found each other's prompts there, and those that do go there. */
static void test_prompt_cache__the_baseline_has_the_discount_too(void **state)
{
    (void)state;
    uint64_t ids[3][18];
    struct ts_pool_model pool;
    struct ts_tier_model tiers[] = {world_server(&pool, 1e-3), api_with_cache()};
    tiers[0].replaces = 1;
    struct ts_model model = world_model(tiers, 2);
    model.n_classes = 2;
    model.router.static_tier[1] = 1;
    struct ts_request requests[] = {prompt(0, 0, ids[0], 18, 18, 0), prompt(1, 60 * S, ids[1], 18, 18, 0),
                                    prompt(2, 120 * S, ids[2], 18, 16, 2)};
    struct ts_result result = world_run(&model, requests, 3);
    const double output_usd = 15e-6;
    world_assert_near(result.tiers[0].cells[0].displaced_usd, 0.006912 + 2304 * 0.3e-6 + 0.0013824 + 3.0 * output_usd,
                      1e-12);
    assert_int_equal(result.tiers[0].cells[0].cached_tok, 0);
    ts_result_deinit(&result);
    requests[0].class_id = 1; /* at the API itself: the next one would have found it */
    result = world_run(&model, requests, 3);
    world_assert_near(result.tiers[0].cells[0].displaced_usd, 2304 * 0.3e-6 + 0.0013824 + 2.0 * output_usd, 1e-12);
    world_assert_near(result.tiers[1].cells[1].api_usd, 0.006912 + output_usd, 1e-12);
    ts_result_deinit(&result);
}

/* ---- what is found ---- */

static void test_prompt_cache__a_use_begins_the_time_to_live_anew(void **state)
{
    (void)state;
    struct ts_prompt_cache cache = ts_prompt_cache_of(&five_minutes);
    assert_int_equal(meet(&cache, 0, 0, 18, 0), 0);
    assert_int_equal(meet(&cache, 300 * S, 300 * S, 18, 0), 2304);
    assert_int_equal(meet(&cache, 600 * S, 600 * S, 18, 0), 2304);
    assert_int_equal(meet(&cache, 900 * S + 1, 900 * S + 1, 18, 0), 0);
    assert_int_equal(meet(&cache, 5000 * S, 5000 * S, 18, 0), 0);
    ts_prompt_cache_deinit(&cache);
}

/* Of 18 blocks 7 are alike: 896 tokens are fewer than the least. A prompt of 1,023 tokens is too short as a whole. */
static void test_prompt_cache__short_beginnings_and_short_prompts_are_not_kept(void **state)
{
    (void)state;
    struct ts_prompt_cache cache = ts_prompt_cache_of(&five_minutes);
    assert_int_equal(meet(&cache, 0, 0, 7, 1), 0);
    assert_int_equal(meet(&cache, S, S, 7, 2), 0);
    assert_int_equal(meet(&cache, 2 * S, 2 * S, 8, 2), 0); /* an eighth block for all is new */
    assert_int_equal(meet(&cache, 3 * S, 3 * S, 8, 3), 1024);
    uint64_t ids[8];
    uint32_t found_tok = 7;
    struct ts_request request = prompt(0, 0, ids, 8, 8, 0);
    request.prompt_tok = 1023;
    assert_int_equal(ts_prompt_cache_meet(&found_tok, &cache, 0, &request, 4 * S, 4 * S), TS_OK);
    assert_int_equal(found_tok, 0);
    ts_prompt_cache_deinit(&cache);
}

/* Two calls at once both pay in full; the third finds what the first of them has left. */
static void test_prompt_cache__is_filled_when_the_reply_begins(void **state)
{
    (void)state;
    struct ts_prompt_cache cache = ts_prompt_cache_of(&five_minutes);
    assert_int_equal(meet(&cache, 0, S, 18, 0), 0);
    assert_int_equal(meet(&cache, S / 2, 3 * S, 18, 0), 0);
    assert_int_equal(meet(&cache, S, 2 * S, 18, 0), 2304);
    ts_prompt_cache_deinit(&cache);
}

/* Ids that stand for 512 tokens are whole blocks; of 16 each eight make one of 128. */
static void test_prompt_cache__blocks_are_of_128_tokens_or_of_the_traces_ids(void **state)
{
    (void)state;
    static const struct {
        uint32_t block_tok, prompt_tok, found_tok;
    } cases[] = {{512, 2000, 1536}, {512, 2048, 2048}, {16, 1279, 1152}, {16, 1280, 1280}};
    uint64_t ids[100];
    for (uint64_t i = 0; i < COUNT(ids); i++) {
        ids[i] = i;
    }
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ts_prompt_cache cache = ts_prompt_cache_of(&five_minutes);
        struct ts_request request = world_request(0, 0, cases[i].prompt_tok, 1);
        request.prefix = (struct ts_prefix){.ids = ids, .n_ids = 100, .block_tok = cases[i].block_tok};
        uint32_t found_tok = 7;
        assert_int_equal(ts_prompt_cache_meet(&found_tok, &cache, 0, &request, 0, 0), TS_OK);
        assert_int_equal(found_tok, 0);
        assert_int_equal(ts_prompt_cache_meet(&found_tok, &cache, 0, &request, S, S), TS_OK);
        assert_int_equal(found_tok, cases[i].found_tok);
        ts_prompt_cache_deinit(&cache);
    }
}

/* Poisson calls of one prompt, one in 5 min: 1 - 1/e of them find it. */
static void test_prompt_cache__poisson_calls_find_it_with_one_minus_e_to_the_minus_life_over_gap(void **state)
{
    (void)state;
    enum { N = 200000 };
    struct ts_prompt_cache cache = ts_prompt_cache_of(&five_minutes);
    struct ts_rng rng;
    ts_rng_init(&rng, 3, 0, 0, 0);
    int64_t now_ns = 0;
    uint64_t n_found = 0;
    for (int i = 0; i < N; i++) {
        now_ns += ts_ns_from_s(-300.0 * log(ts_rng_uniform(&rng)));
        n_found += meet(&cache, now_ns, now_ns, 18, 0) > 0;
    }
    print_message("found %.4f, expected %.4f\n", (double)n_found / N, 1.0 - exp(-1.0));
    assert_true(fabs((double)n_found / N - (1.0 - exp(-1.0))) < 0.004); /* 3.7 standard deviations */
    ts_prompt_cache_deinit(&cache);
}

/* 3,993 requests, 61,194,628 prompt tokens in blocks of 512; known: a script of 20 lines with one table of last uses.
 */
static void test_prompt_cache__finds_in_the_mooncake_trace_what_an_independent_model_finds(void **state)
{
    (void)state;
    static const struct {
        double life_s;
        uint64_t found_tok;
    } known[] = {{60.0, 20028928}, {300.0, 36369920}, {3600.0, 39796224}};
    if (!ts_file_exists(MOONCAKE)) {
        print_message("%s is absent\n", MOONCAKE);
        skip();
    }
    for (size_t i = 0; i < COUNT(known); i++) {
        const struct ts_prompt_cache_model of = {.life_s = known[i].life_s, .least_tok = 1024};
        struct ts_prompt_cache cache = ts_prompt_cache_of(&of);
        struct ts_request_stream *stream = NULL;
        struct ts_request request;
        uint64_t sum_tok = 0;
        int got = 0;
        assert_int_equal(open_trace(&stream, MOONCAKE, NULL, NULL, NULL), TS_OK);
        while (ts_request_next(stream, &request, &got, NULL) == TS_OK && got) {
            uint32_t found_tok = 0;
            assert_int_equal(
                ts_prompt_cache_meet(&found_tok, &cache, 0, &request, request.arrival_ns, request.arrival_ns), TS_OK);
            sum_tok += found_tok;
        }
        ts_request_stream_destroy(stream);
        ts_prompt_cache_deinit(&cache);
        assert_int_equal(sum_tok, known[i].found_tok);
    }
}

/* ---- the two generations against one list ---- */

enum { N_TEXTS = 40 };

static void test_prompt_cache__generations_forget_what_a_list_of_last_uses_forgets(void **state)
{
    (void)state;
    for (uint32_t seed = 0; seed < 20; seed++) {
        struct ts_prompt_cache cache = ts_prompt_cache_of(&five_minutes);
        int64_t used_ns[N_TEXTS], now_ns = 0;
        struct ts_rng rng;
        ts_rng_init(&rng, seed, 0, 0, 0);
        for (int i = 0; i < N_TEXTS; i++) {
            used_ns[i] = -1000 * S;
        }
        for (int i = 0; i < 2000; i++) {
            const uint64_t text = (uint64_t)(ts_rng_uniform(&rng) * N_TEXTS * 0.999);
            now_ns += ts_ns_from_s(-(seed % 4 == 0 ? 100.0 : 10.0) * log(ts_rng_uniform(&rng)));
            const bool expected = now_ns - used_ns[text] <= 300 * S;
            assert_int_equal(meet(&cache, now_ns, now_ns, 0, text + 1), expected ? 2304 : 0);
            used_ns[text] = now_ns;
        }
        ts_prompt_cache_deinit(&cache);
    }
}

/* Two million blocks within the time to live: the tables stop growing, and what was used last is still there. */
static void test_prompt_cache__memory_has_a_bound(void **state)
{
    (void)state;
    enum { N_BLOCKS = 8192, N_PROMPTS = 250 };
    struct ts_prompt_cache cache = ts_prompt_cache_of(&five_minutes);
    uint64_t *ids = calloc(N_BLOCKS, sizeof *ids);
    assert_non_null(ids);
    for (uint64_t text = 1; text <= N_PROMPTS; text++) {
        uint32_t found_tok = 7;
        const struct ts_request request = prompt(0, 0, ids, N_BLOCKS, 0, text);
        assert_int_equal(ts_prompt_cache_meet(&found_tok, &cache, 0, &request, (int64_t)text, (int64_t)text), TS_OK);
        assert_int_equal(found_tok, 0);
        assert_int_equal(ts_prompt_cache_meet(&found_tok, &cache, 0, &request, (int64_t)text, (int64_t)text), TS_OK);
        assert_int_equal(found_tok, N_BLOCKS * BLOCK);
    }
    assert_true(cache.young.cap <= 2 * TS_PROMPT_CACHE_MAX_BLOCKS && cache.old.cap <= 2 * TS_PROMPT_CACHE_MAX_BLOCKS);
    ts_prompt_cache_deinit(&cache);
    free(ids);
}

static void test_prompt_cache__requests_that_tell_nothing_take_no_memory(void **state)
{
    (void)state;
    struct ts_prompt_cache cache = ts_prompt_cache_of(&five_minutes);
    const struct ts_request request = world_request(0, 0, 100000, 1);
    uint32_t found_tok = 7;
    assert_int_equal(ts_prompt_cache_meet(&found_tok, &cache, 0, &request, S, S), TS_OK);
    assert_int_equal(found_tok, 0);
    assert_null(cache.young.entries);
    ts_prompt_cache_deinit(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prompt_cache__what_is_written_costs_more),
        cmocka_unit_test(test_prompt_cache__what_is_found_costs_the_price_of_cached_input),
        cmocka_unit_test(test_prompt_cache__an_offer_does_not_find_what_another_has_seen),
        cmocka_unit_test(test_prompt_cache__the_baseline_has_the_discount_too),
        cmocka_unit_test(test_prompt_cache__a_use_begins_the_time_to_live_anew),
        cmocka_unit_test(test_prompt_cache__short_beginnings_and_short_prompts_are_not_kept),
        cmocka_unit_test(test_prompt_cache__is_filled_when_the_reply_begins),
        cmocka_unit_test(test_prompt_cache__blocks_are_of_128_tokens_or_of_the_traces_ids),
        cmocka_unit_test(test_prompt_cache__poisson_calls_find_it_with_one_minus_e_to_the_minus_life_over_gap),
        cmocka_unit_test(test_prompt_cache__finds_in_the_mooncake_trace_what_an_independent_model_finds),
        cmocka_unit_test(test_prompt_cache__generations_forget_what_a_list_of_last_uses_forgets),
        cmocka_unit_test(test_prompt_cache__memory_has_a_bound),
        cmocka_unit_test(test_prompt_cache__requests_that_tell_nothing_take_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
