/* The script of the roofline: a flat line for every instruction that one of the formats used, rising ones up to the
 * highest. */
#include "app/bench_roofline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"

static const struct ts_matmul_shape shape = {"matmul", 4096, 14336, 16};
static const struct ts_matmul_sample products[] = {{0, 1, {0.002, 0.0021, 0.003, 9}, 55.9},
                                                   {0, 512, {0.05, 0.051, 0.06, 9}, 1179.1}};
static const struct ts_bandwidth_sample bandwidths[] = {{1 << 30, {14, 15.5, 16, 9}}};

static struct ts_measurement format_of(const char *quant, double dot, double bf16)
{
    return (struct ts_measurement){.kernel = "any",
                                   .quant = quant,
                                   .n_threads = 1,
                                   .weight_bytes = 16ULL * 33030144,
                                   .shapes = &shape,
                                   .n_shapes = 1,
                                   .matmuls = products,
                                   .n_matmuls = 2,
                                   .bandwidths = bandwidths,
                                   .n_bandwidths = 1,
                                   .peak_dot_gops = dot,
                                   .peak_bf16_gflops = bf16,
                                   .peak_fma_gflops = 150.0};
}

/* The script of these formats; what gnuplot drew of it is thrown away. */
static char *script_of(const struct ts_measurement *m, size_t n)
{
    static const char *const files[] = {"roofline.dat", "roofline.svg", "roofline.png", "roofline.gp"};
    char dir[] = "/tmp/ts_roofline_XXXXXX", path[64], *script = NULL;
    size_t len;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_non_null(mkdtemp(dir));
    assert_int_equal(ts_bench_roofline(dir, m, n, NULL, &diags), TS_OK);
    assert_int_equal(diags.n_errors, 0);
    (void)snprintf(path, sizeof path, "%s/roofline.gp", dir);
    assert_int_equal(ts_file_read(&script, &len, path, 1 << 20, NULL), TS_OK);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(dir), 0);
    ts_diags_deinit(&diags);
    return script;
}

static void test_bench_roofline__rises_to_the_peak_of_bf16_where_that_is_what_multiplies(void **state)
{
    (void)state;
    const struct ts_measurement tiles = format_of("Q4_0", 0.0, 3600.0);
    char *script = script_of(&tiles, 1);
    assert_non_null(strstr(script, "x * gb_per_s <= 3600 ?"));
    assert_non_null(strstr(script, "BF16 dot products 3600 GFLOPS"));
    assert_non_null(strstr(script, "float multiply-adds 150 GFLOPS"));
    assert_null(strstr(script, "int8 dot products"));
    assert_non_null(strstr(script, "set yrange [10:10000]"));
    free(script);
}

static void test_bench_roofline__has_the_peaks_of_all_formats(void **state)
{
    (void)state;
    const struct ts_measurement both[] = {format_of("Q4_0", 0.0, 3600.0), format_of("Q6_K", 620.0, 0.0)};
    const struct ts_bench_peaks peaks = ts_bench_peaks(both, 2);
    assert_true(peaks.dot_gops == 620.0 && peaks.bf16_gflops == 3600.0 && peaks.fma_gflops == 150.0);
    char *script = script_of(both, 2);
    assert_non_null(strstr(script, "x * gb_per_s <= 3600 ?"));
    assert_non_null(strstr(script, "int8 dot products 620 GOPS"));
    assert_non_null(strstr(script, "BF16 dot products 3600 GFLOPS"));
    free(script);
}

static void test_bench_roofline__rises_to_the_int8_peak_without_bf16(void **state)
{
    (void)state;
    const struct ts_measurement one = format_of("Q4_0", 620.0, 0.0);
    char *script = script_of(&one, 1);
    assert_non_null(strstr(script, "x * gb_per_s <= 620 ?"));
    assert_null(strstr(script, "BF16 dot"));
    free(script);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_roofline__rises_to_the_peak_of_bf16_where_that_is_what_multiplies),
        cmocka_unit_test(test_bench_roofline__has_the_peaks_of_all_formats),
        cmocka_unit_test(test_bench_roofline__rises_to_the_int8_peak_without_bf16),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
