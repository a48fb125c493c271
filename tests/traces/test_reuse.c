/* What caches of every size find, in one pass, against caches that are simulated. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include <math.h>

#include "base/rng.h"
#include "tests/traces/traces_test.h"
#include "traces/reuse.h"

static struct ts_reuse_found add(struct ts_reuse *reuse, uint32_t group, const uint64_t *ids, uint32_t n)
{
    const struct ts_prefix prefix = {.ids = ids, .n_ids = n, .block_tok = 10};
    struct ts_reuse_found found;
    assert_true(ts_reuse_add(&found, reuse, group, &prefix, n * 10));
    return found;
}

/* The check value at the top of reuse.c. */
static void test_reuse__finds_the_beginning_in_small_caches_and_the_end_in_larger_ones(void **state)
{
    (void)state;
    const uint64_t first[] = {1, 2, 3}, second[] = {1, 2, 4};
    struct ts_reuse *reuse = ts_reuse_create();
    assert_int_equal(add(reuse, 0, first, 3).n_ids, 0);
    struct ts_reuse_found found = add(reuse, 0, second, 3);
    assert_int_equal(found.n_ids, 2);
    assert_int_equal(found.lag, 1);
    found = add(reuse, 0, first, 3);
    assert_int_equal(found.n_ids, 3);
    assert_int_equal(found.tok, 30);
    assert_int_equal(found.lag, 2);
    assert_near(ts_reuse_hit_frac(reuse, INFINITY), 50.0 / 90.0, 1e-12);
    assert_near(ts_reuse_hit_frac(reuse, 4.0), 50.0 / 90.0, 1e-12);
    assert_near(ts_reuse_hit_frac(reuse, 2.0), 40.0 / 90.0, 1e-12);
    assert_near(ts_reuse_hit_frac(reuse, 1.0), 20.0 / 90.0, 1e-12);
    assert_int_equal(ts_reuse_n_ids(reuse), 4);
    ts_reuse_destroy(reuse);
}

static void test_reuse__groups_share_nothing(void **state)
{
    (void)state;
    const uint64_t ids[] = {7, 8};
    struct ts_reuse *reuse = ts_reuse_create();
    add(reuse, 1, ids, 2);
    assert_int_equal(add(reuse, 2, ids, 2).n_ids, 0);
    assert_int_equal(add(reuse, 1, ids, 2).n_ids, 2);
    ts_reuse_destroy(reuse);
}

enum { N_PROMPTS = 3000, MAX_IDS = 12, N_KEPT = 64 };

/* A cache of N_KEPT ids, the last used first; what it finds of a prompt. */
static uint32_t simulate(uint64_t kept[N_KEPT], const uint64_t *keys, uint32_t n)
{
    uint32_t found = 0;
    for (bool hit = true; hit && found < n; found += hit) {
        hit = false;
        for (size_t i = 0; i < N_KEPT; i++) {
            hit = hit || kept[i] == keys[found];
        }
    }
    for (uint32_t i = n; i > 0; i--) {
        size_t at = 0;
        while (at + 1 < N_KEPT && kept[at] != keys[i - 1]) {
            at++;
        }
        memmove(&kept[1], &kept[0], at * sizeof kept[0]);
        kept[0] = keys[i - 1];
    }
    return found;
}

static void test_reuse__is_what_a_simulated_cache_finds(void **state)
{
    (void)state;
    struct ts_reuse *reuse = ts_reuse_create();
    struct ts_rng rng;
    uint64_t kept[N_KEPT] = {0};
    double n_found = 0.0, n_all = 0.0;
    ts_rng_init(&rng, 1, 0, 0, 1);
    for (size_t i = 0; i < N_PROMPTS; i++) {
        uint64_t ids[MAX_IDS], keys[MAX_IDS], key = 0;
        const uint32_t n = 1 + ts_rng_u32(&rng) % MAX_IDS;
        for (uint32_t k = 0; k < n; k++) {
            ids[k] = ts_rng_u32(&rng) % (k < 6 ? 2 : 3);
            key = keys[k] = ts_mix64(key ^ (ids[k] + 1));
        }
        n_found += simulate(kept, keys, n);
        n_all += n;
        add(reuse, 0, ids, n);
    }
    assert_near(ts_reuse_hit_frac(reuse, N_KEPT), n_found / n_all, 1e-12);
    assert_true(n_found / n_all > 0.2 && n_found / n_all < 0.9);
    ts_reuse_destroy(reuse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reuse__finds_the_beginning_in_small_caches_and_the_end_in_larger_ones),
        cmocka_unit_test(test_reuse__groups_share_nothing),
        cmocka_unit_test(test_reuse__is_what_a_simulated_cache_finds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
