/* Pages: who owns which, and what happens when there are none left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "engine/kv_cache.h"

static void test_kv_cache__pages_belong_to_one_sequence_and_come_back(void **state)
{
    (void)state;
    struct ts_kv_cache cache;
    struct ts_kv_seq seqs[3] = {{0}};
    uint8_t owner[10] = {0};
    assert_int_equal(ts_kv_cache_create(&cache, TS_KV_F16, 2, 3, 8, 10), TS_OK);
    assert_int_equal(ts_kv_seq_reserve(&cache, &seqs[0], 1), TS_OK);
    assert_int_equal(ts_kv_seq_reserve(&cache, &seqs[1], 17), TS_OK);
    assert_int_equal(ts_kv_seq_reserve(&cache, &seqs[2], 64), TS_OK);
    assert_int_equal(ts_kv_seq_reserve(&cache, &seqs[0], 48), TS_OK);
    assert_int_equal(cache.n_free, 1);
    for (int s = 0; s < 3; s++) {
        for (uint32_t p = 0; p < seqs[s].n_pages; p++) {
            assert_int_equal(owner[seqs[s].pages[p]]++, 0);
        }
    }
    assert_int_equal(ts_kv_seq_reserve(&cache, &seqs[1], 64), TS_ERANGE);
    assert_int_equal(seqs[1].n_pages, 2);
    ts_kv_seq_release(&cache, &seqs[2]);
    assert_int_equal(ts_kv_seq_reserve(&cache, &seqs[1], 64), TS_OK);
    ts_kv_seq_release(&cache, &seqs[0]);
    ts_kv_seq_release(&cache, &seqs[1]);
    ts_kv_seq_release(&cache, &seqs[1]);
    assert_int_equal(cache.n_free, 10);
    ts_kv_cache_deinit(&cache);
}

static void test_kv_cache__every_slot_has_its_own_memory(void **state)
{
    (void)state;
    struct ts_kv_cache cache;
    assert_int_equal(ts_kv_cache_create(&cache, TS_KV_F32, 2, 3, 8, 4), TS_OK);
    assert_int_equal(cache.half_bytes, 8 * 16 * 4);
    uint8_t *before = cache.data - cache.half_bytes;
    for (uint32_t page = 0; page < 4; page++) { /* a page's layers lie together: unused pages take no memory */
        for (uint32_t layer = 0; layer < 2; layer++) {
            for (uint32_t head = 0; head < 3; head++) {
                assert_ptr_equal(ts_kv_keys(&cache, layer, page, head), before + cache.half_bytes);
                assert_ptr_equal(ts_kv_values(&cache, layer, page, head), before + 2 * cache.half_bytes);
                before += 2 * cache.half_bytes;
            }
        }
    }
    assert_ptr_equal(before + cache.half_bytes, cache.data + cache.total_bytes);
    ts_kv_cache_deinit(&cache);
}

static void test_kv_cache__long_sequences_grow_their_lists(void **state)
{
    (void)state;
    struct ts_kv_cache cache;
    struct ts_kv_seq seq = {0};
    assert_int_equal(ts_kv_cache_create(&cache, TS_KV_F16, 1, 1, 2, 1000), TS_OK);
    for (uint32_t n = 1; n <= 16000; n += 333) {
        assert_int_equal(ts_kv_seq_reserve(&cache, &seq, n), TS_OK);
        assert_int_equal(seq.n_pages, (n + 15) / 16);
    }
    ts_kv_seq_release(&cache, &seq);
    ts_kv_cache_deinit(&cache);
    assert_int_equal(ts_kv_cache_create(&cache, TS_KV_F16, 1, 1, 2, 0), TS_ERANGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kv_cache__pages_belong_to_one_sequence_and_come_back),
        cmocka_unit_test(test_kv_cache__every_slot_has_its_own_memory),
        cmocka_unit_test(test_kv_cache__long_sequences_grow_their_lists),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
