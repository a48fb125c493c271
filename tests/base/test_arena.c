/* The arena: aligned, zeroed, stable memory; sizes that overflow are refused. */
#include "base/arena.h"

#include "tests/base/base_test.h"

static void test_arena__memory_is_zeroed_aligned_and_stays_put(void **state)
{
    (void)state;
    enum { N = 2000 };
    struct ts_arena arena;
    unsigned char *blocks[N];
    size_t total = 0;
    ts_arena_init(&arena);
    for (size_t i = 0; i < N; i++) {
        size_t size = i * 7 % 300;
        blocks[i] = ts_arena_alloc(&arena, size);
        assert_non_null(blocks[i]);
        assert_int_equal((uintptr_t)blocks[i] % _Alignof(max_align_t), 0);
        for (size_t k = 0; k < size; k++) {
            assert_int_equal(blocks[i][k], 0);
        }
        memset(blocks[i], (int)(i & 0xff), size);
        total += size;
    }
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < i * 7 % 300; k++) {
            assert_int_equal(blocks[i][k], i & 0xff);
        }
    }
    assert_int_equal(arena.used_bytes, total);
    ts_arena_deinit(&arena);
    assert_null(arena.chunks);
    assert_int_equal(arena.used_bytes, 0);
}

static void test_arena__a_large_object_gets_its_own_chunk(void **state)
{
    (void)state;
    struct ts_arena arena;
    ts_arena_init(&arena);
    char *large = ts_arena_alloc(&arena, 5 << 20);
    char *small = ts_arena_alloc(&arena, 10);
    assert_non_null(large);
    assert_non_null(small);
    large[(5 << 20) - 1] = 1;
    small[9] = 1;
    ts_arena_deinit(&arena);
}

static void test_arena__an_overflowing_array_is_refused(void **state)
{
    (void)state;
    struct ts_arena arena;
    ts_arena_init(&arena);
    assert_null(ts_arena_array(&arena, SIZE_MAX / 2, 3));
    assert_null(ts_arena_array(&arena, SIZE_MAX / 8, 8));
    assert_null(ts_arena_alloc(&arena, SIZE_MAX));
    assert_null(ts_arena_strndup(&arena, "x", SIZE_MAX));
    assert_non_null(ts_arena_array(&arena, 0, 8));
    assert_non_null(ts_arena_array(&arena, 8, 0));
    assert_non_null(ts_arena_array(&arena, 10, 8));
    ts_arena_deinit(&arena);
}

static void test_arena__strings_are_copied(void **state)
{
    (void)state;
    struct ts_arena arena;
    ts_arena_init(&arena);
    char word[] = "edge tier";
    char *whole = ts_arena_strdup(&arena, word);
    char *part = ts_arena_strndup(&arena, word, 4);
    char *empty = ts_arena_strndup(&arena, NULL, 0);
    word[0] = 'X';
    assert_string_equal(whole, "edge tier");
    assert_string_equal(part, "edge");
    assert_string_equal(empty, "");
    assert_string_equal(ts_arena_printf(&arena, "%s has %d", part, 12), "edge has 12");
    ts_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arena__memory_is_zeroed_aligned_and_stays_put),
        cmocka_unit_test(test_arena__a_large_object_gets_its_own_chunk),
        cmocka_unit_test(test_arena__an_overflowing_array_is_refused),
        cmocka_unit_test(test_arena__strings_are_copied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
