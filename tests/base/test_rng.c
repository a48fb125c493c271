/* The generator against its authors' vectors, and the two views of a stream. */
#include "base/rng.h"

#include <gsl/gsl_randist.h>

#include "tests/base/base_test.h"

/* Random123, tests/kat_vectors, "philox4x32 10". */
static void test_philox__gives_the_published_vectors(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], out[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint32_t out[4];
        ts_rng_philox(out, vectors[i].counter, vectors[i].key);
        assert_memory_equal(out, vectors[i].out, sizeof out);
    }
}

/* splitmix64 seeded with 1234567: the finaliser of seed + n * golden ratio (the reference program of Vigna). */
static void test_mix64__gives_the_published_sequence(void **state)
{
    (void)state;
    static const uint64_t expected[] = {6457827717110365317ULL, 3203168211198807973ULL, 9817491932198370423ULL};
    for (uint64_t i = 0; i < 3; i++) {
        assert_true(ts_mix64(1234567 + (i + 1) * 0x9e3779b97f4a7c15ULL) == expected[i]);
    }
}

static void test_rng__the_same_key_gives_the_same_stream(void **state)
{
    (void)state;
    struct ts_rng a;
    struct ts_rng b;
    ts_rng_init(&a, 42, 1, 2, 3);
    ts_rng_init(&b, 42, 1, 2, 3);
    for (int i = 0; i < 1000; i++) {
        assert_true(ts_rng_u32(&a) == ts_rng_u32(&b));
    }
}

static void test_rng__each_part_of_the_key_matters(void **state)
{
    (void)state;
    static const uint64_t keys[][4] = {
        {42, 0, 0, 0}, {43, 0, 0, 0}, {42ULL << 32, 0, 0, 0}, {42, 1, 0, 0},
        {42, 0, 1, 0}, {42, 0, 0, 1}, {0, 0, 0, 0},           {42, 1, 1, 1},
    };
    enum { N = sizeof keys / sizeof keys[0] };
    uint64_t first[N];
    for (size_t i = 0; i < N; i++) {
        struct ts_rng rng;
        ts_rng_init(&rng, keys[i][0], (uint32_t)keys[i][1], (uint32_t)keys[i][2], (uint32_t)keys[i][3]);
        first[i] = ts_rng_u64(&rng);
        for (size_t j = 0; j < i; j++) {
            assert_true(first[i] != first[j]);
        }
    }
}

static void test_rng__the_block_counter_carries(void **state)
{
    (void)state;
    struct ts_rng rng;
    ts_rng_init(&rng, 1, 0, 9, 9);
    rng.counter[0] = UINT32_MAX;
    for (int i = 0; i < 5; i++) {
        ts_rng_u32(&rng);
    }
    assert_int_equal(rng.counter[0], 1);
    assert_int_equal(rng.counter[1], 1);
    assert_int_equal(rng.counter[2], 9);
}

static void test_rng__uniform_never_reaches_its_ends(void **state)
{
    (void)state;
    struct ts_rng rng;
    ts_rng_init(&rng, 1, 0, 0, 0);
    rng.used = 0;
    memset(rng.block, 0, sizeof rng.block);
    assert_true(ts_rng_uniform(&rng) == 0x1p-54);
    memset(rng.block, 0xff, sizeof rng.block);
    double u = ts_rng_uniform(&rng);
    assert_true(u < 1.0 && u == 1.0 - 0x1p-53);
    rng.used = 0;
    assert_true(isfinite(ts_rng_normal(&rng)));
    assert_true(ts_rng_exponential(&rng) > 0.0);
}

static void test_rng__the_gsl_view_shares_the_position(void **state)
{
    (void)state;
    struct ts_rng a;
    struct ts_rng b;
    ts_rng_init(&a, 5, 0, 0, 0);
    b = a;
    gsl_rng *view = ts_rng_gsl(&a);
    assert_true(gsl_rng_get(view) == ts_rng_u32(&b));
    assert_true(ts_rng_u32(&a) == ts_rng_u32(&b));
    assert_true(gsl_rng_uniform(view) == ts_rng_uniform(&b));
    assert_true(gsl_ran_exponential(view, 2.0) == gsl_ran_exponential(ts_rng_gsl(&b), 2.0));
    assert_true(gsl_rng_max(view) == UINT32_MAX && gsl_rng_min(view) == 0);
}

static void test_rng__gsl_can_allocate_the_type(void **state)
{
    (void)state;
    gsl_rng *owned = gsl_rng_alloc(ts_rng_gsl_type());
    assert_non_null(owned);
    gsl_rng_set(owned, 42);
    struct ts_rng rng;
    ts_rng_init(&rng, 42, 0, 0, 0);
    for (int i = 0; i < 10; i++) {
        assert_true(gsl_rng_get(owned) == ts_rng_u32(&rng));
    }
    assert_string_equal(gsl_rng_name(owned), "philox4x32-10");
    gsl_rng_free(owned);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_philox__gives_the_published_vectors),
        cmocka_unit_test(test_mix64__gives_the_published_sequence),
        cmocka_unit_test(test_rng__the_same_key_gives_the_same_stream),
        cmocka_unit_test(test_rng__each_part_of_the_key_matters),
        cmocka_unit_test(test_rng__the_block_counter_carries),
        cmocka_unit_test(test_rng__uniform_never_reaches_its_ends),
        cmocka_unit_test(test_rng__the_gsl_view_shares_the_position),
        cmocka_unit_test(test_rng__gsl_can_allocate_the_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
