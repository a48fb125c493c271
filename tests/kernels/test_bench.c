/* Measuring, on matrices so small that it takes a moment; energy on a made-up counter tree. */
#include "kernels_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernels/bench/bench.h"
#include "kernels/bench/energy.h"

static const struct ts_matmul_shape shapes[] = {{"first", 40, 64, 3}, {"second", 64, 96, 1}};
static const uint32_t n_tok[] = {1, 3, 70};

static struct ts_bench_options options(void)
{
    return (struct ts_bench_options){.model = "toy",
                                     .quant = "Q8_0",
                                     .isa = "ref",
                                     .n_threads = 1,
                                     .shapes = shapes,
                                     .n_shapes = 2,
                                     .n_tok = n_tok,
                                     .n_n_tok = 3,
                                     .budget_s = 0.2,
                                     .baseline = true};
}

static void test_bench__every_pair_is_measured_and_steps_are_their_sums(void **state)
{
    (void)state;
    struct ts_arena arena;
    struct ts_measurement m;
    struct ts_bench_options o = options();
    ts_arena_init(&arena);
    assert_int_equal(ts_bench_run(&m, &arena, &o, NULL), TS_OK);
    assert_string_equal(m.kernel, "ref");
    assert_string_equal(m.quant, "Q8_0");
    assert_string_equal(m.model, "toy");
    assert_int_equal(m.n_matmuls, 6);
    assert_int_equal(m.n_baseline, 6);
    assert_int_equal(m.n_steps, 3);
    assert_int_equal(m.weight_bytes, 40 * 2 * 34 * 3 + 64 * 3 * 34);
    for (size_t i = 0; i < m.n_steps; i++) {
        double sum = 0.0;
        for (size_t k = 0; k < m.n_matmuls; k++) {
            sum +=
                m.matmuls[k].n_tok == n_tok[i] ? m.matmuls[k].seconds.median * shapes[m.matmuls[k].shape].count : 0.0;
        }
        assert_int_equal(m.steps[i].n_tok, n_tok[i]);
        assert_true(m.steps[i].seconds > 0.99 * sum && m.steps[i].seconds < 1.01 * sum && sum > 0.0);
        assert_true(m.steps[i].spread_frac >= 0.0);
    }
    assert_true(m.matmuls[0].seconds.n_samples >= 3 && m.n_bandwidths >= 2);
    assert_true(ts_measurement_memory_bytes_per_s(&m) > 1e8);
    assert_int_equal(strlen(m.created), strlen("2026-11-22T18:00:00Z"));
    ts_arena_deinit(&arena);
}

static void expect_refusal(const struct ts_bench_options *o, enum ts_status status, const char *message,
                           const char *hint)
{
    struct ts_arena arena;
    struct ts_diags diags;
    struct ts_measurement m;
    ts_arena_init(&arena);
    ts_diags_init(&diags);
    assert_int_equal(ts_bench_run(&m, &arena, o, &diags), status);
    assert_int_equal(diags.n_items, 1);
    assert_string_equal(diags.items[0].message, message);
    if (hint) {
        assert_non_null(strstr(diags.items[0].hint, hint));
    }
    ts_diags_deinit(&diags);
    ts_arena_deinit(&arena);
}

static void test_bench__wrong_options_are_refused_with_what_to_write(void **state)
{
    (void)state;
    struct ts_bench_options o = options();
    o.quant = "q9";
    expect_refusal(&o, TS_EUNSUPPORTED, "unknown weight format 'q9'", "formats: Q4_0, Q8_0");
    o = options();
    o.isa = "abacus";
    expect_refusal(&o, TS_EUNSUPPORTED,
                   "kernel variant 'abacus' cannot be used for Q8_0: there is no variant of that name", "ref");
    o = options();
    o.n_n_tok = 0;
    expect_refusal(&o, TS_ERANGE, "there is nothing to measure: no shape or no token count", NULL);
    o = options();
    const uint32_t wrong[] = {4, 2};
    o.n_tok = wrong;
    o.n_n_tok = 2;
    expect_refusal(&o, TS_ERANGE, "token counts must increase and lie between 1 and 4096", "1,8,64,512");
    o = options();
    const struct ts_matmul_shape odd[] = {{"odd", 10, 33, 1}};
    o.shapes = odd;
    o.n_shapes = 1;
    expect_refusal(&o, TS_ERANGE, "Q8_0 cannot hold matrix 'odd' of 10 x 33: columns must be a multiple of 32", NULL);
}

static void test_bench__formats_share_rounds_and_limits(void **state)
{
    (void)state;
    struct ts_arena arena;
    struct ts_measurement m[2];
    struct ts_bench_options o[2] = {options(), options()};
    o[1].quant = "Q4_0";
    o[0].n_threads = 2;
    ts_arena_init(&arena);
    assert_int_equal(ts_bench_run_formats(m, &arena, o, 2, NULL), TS_OK);
    assert_string_equal(m[0].quant, "Q8_0");
    assert_string_equal(m[1].quant, "Q4_0");
    assert_int_equal(m[0].held_bytes, m[0].weight_bytes);
    assert_true(m[1].held_bytes < m[0].held_bytes && m[1].pack_bytes_per_s > 0.0);
    assert_true(m[0].wake_spin_s > 0.0 && m[0].wake_sleep_s > 0.0);
    assert_int_equal(m[0].n_bandwidths, m[1].n_bandwidths);
    size_t n_own = 0;
    for (size_t i = 0; i < m[0].n_bandwidths; i++) {
        assert_true(i == 0 || m[0].bandwidths[i].bytes > m[0].bandwidths[i - 1].bytes);
        n_own += m[0].bandwidths[i].bytes == m[0].held_bytes || m[0].bandwidths[i].bytes == m[1].held_bytes;
    }
    assert_int_equal(n_own, 2);
    ts_arena_deinit(&arena);
}

static bool stop_at_third(void *user, const struct ts_progress_state *state)
{
    int *calls = user;
    assert_true(state->done >= 0.0 && state->done <= 1.0 && state->what && state->left_s >= 0.0);
    return ++*calls != 3;
}

static void test_bench__stops_when_told_to(void **state)
{
    (void)state;
    struct ts_arena arena;
    struct ts_measurement m;
    struct ts_bench_options o = options();
    int calls = 0;
    o.budget_s = 30.0;
    o.progress = (struct ts_progress){stop_at_third, &calls};
    ts_arena_init(&arena);
    assert_int_equal(ts_bench_run(&m, &arena, &o, NULL), TS_EINTERRUPTED);
    assert_int_equal(calls, 3);
    ts_arena_deinit(&arena);
}

static void test_bench__shapes_of_a_model_add_up_to_its_weights(void **state)
{
    (void)state;
    struct ts_arena arena;
    const struct ts_matmul_shape *out;
    size_t n;
    ts_arena_init(&arena);
    assert_int_equal(ts_bench_model_shapes(&out, &n, &arena, 16, 2048, 8192, 32, 8, 64, 128256), TS_OK);
    uint64_t weights = 0;
    for (size_t i = 0; i < n; i++) {
        weights += (uint64_t)out[i].rows * out[i].cols * out[i].count;
    }
    assert_int_equal(n, 5);
    assert_int_equal(weights, 1235746816); /* Llama-3.2-1B: 1,235,814,400 parameters less 67,584 of its norms */
    assert_int_equal(ts_bench_model_shapes(&out, &n, &arena, 16, 0, 8192, 32, 8, 64, 128256), TS_ERANGE);
    ts_arena_deinit(&arena);
}

static void write_counter(const char *folder, const char *file, const char *text)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%s/%s", folder, file);
    FILE *stream = fopen(path, "w");
    assert_non_null(stream);
    assert_true(fputs(text, stream) >= 0);
    assert_int_equal(fclose(stream), 0);
}

static void test_energy__counters_are_read_and_wrap(void **state)
{
    (void)state;
    char root[] = "/tmp/ts_energy_XXXXXX", package[64];
    assert_non_null(mkdtemp(root));
    (void)snprintf(package, sizeof package, "%s/intel-rapl:0", root);
    struct ts_energy before, after;
    assert_false(ts_energy_read(&before, root));
    assert_int_equal(mkdir(package, 0755), 0);
    write_counter(package, "name", "package-0\n");
    write_counter(package, "max_energy_range_uj", "100000000\n");
    write_counter(package, "energy_uj", "99000000\n");
    assert_true(ts_energy_read(&before, root));
    write_counter(package, "energy_uj", "4000000\n");
    assert_true(ts_energy_read(&after, root));
    double joules = ts_energy_between_j(&before, &after);
    assert_true(joules > 4.999 && joules < 5.001);
    char path[128];
    static const char *const files[] = {"name", "max_energy_range_uj", "energy_uj"};
    for (int i = 0; i < 3; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", package, files[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(package), 0);
    assert_int_equal(rmdir(root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench__every_pair_is_measured_and_steps_are_their_sums),
        cmocka_unit_test(test_bench__wrong_options_are_refused_with_what_to_write),
        cmocka_unit_test(test_bench__formats_share_rounds_and_limits),
        cmocka_unit_test(test_bench__stops_when_told_to),
        cmocka_unit_test(test_bench__shapes_of_a_model_add_up_to_its_weights),
        cmocka_unit_test(test_energy__counters_are_read_and_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
