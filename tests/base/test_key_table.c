/* The table of numbers by key against a plain list. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/key_table.h"
#include "base/rng.h"

enum { N_KEYS = 300, N_STEPS = 200000 };

static void test_key_table__holds_what_a_list_holds(void **state)
{
    (void)state;
    struct ts_key_table table = {NULL, 0, 0};
    struct ts_rng rng;
    uint64_t values[N_KEYS] = {0};
    bool held[N_KEYS] = {false};
    size_t n = 0;
    ts_rng_init(&rng, 3, 0, 0, 0);
    for (int step = 0; step < N_STEPS; step++) {
        const uint32_t i = ts_rng_u32(&rng) % N_KEYS;
        const uint64_t key = (uint64_t)i << 40; /* alike in their lower bits */
        const uint32_t what = ts_rng_u32(&rng) % 3;
        const uint64_t *found = ts_key_table_find(&table, key);
        assert_true((found != NULL) == held[i]);
        assert_true(!found || *found == values[i]);
        if (what == 0) {
            ts_key_table_remove(&table, key);
            n -= held[i];
            held[i] = false;
        } else if (what == 1) {
            values[i] = ts_rng_u64(&rng);
            assert_int_equal(ts_key_table_put(&table, key, values[i]), TS_OK);
            n += !held[i];
            held[i] = true;
        }
        assert_int_equal(table.n, n);
    }
    ts_key_table_deinit(&table);
    assert_null(ts_key_table_find(&table, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_key_table__holds_what_a_list_holds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
