/* Measurement files: what was written is read again; every fault is named. */
#include "tests/kernels/kernels_test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "measure/measurement.h"
#include "measure/model_measurement.h"
#include "measure/spread.h"

struct folder {
    char path[64];
    char file[96];
    struct ts_arena arena;
    struct ts_diags diags;
};

static int set_up(void **state)
{
    struct folder *f = calloc(1, sizeof *f);
    *state = f;
    if (!f) {
        return -1;
    }
    strcpy(f->path, "/tmp/ts_measurement_XXXXXX");
    if (!mkdtemp(f->path)) {
        return -1;
    }
    (void)snprintf(f->file, sizeof f->file, "%s/m.json", f->path);
    ts_arena_init(&f->arena);
    ts_diags_init(&f->diags);
    return 0;
}

static int tear_down(void **state)
{
    struct folder *f = *state;
    ts_arena_deinit(&f->arena);
    ts_diags_deinit(&f->diags);
    (void)unlink(f->file);
    (void)rmdir(f->path);
    free(f);
    return 0;
}

static const struct ts_matmul_shape shapes[] = {{"attn_qkv", 3072, 2048, 16}, {"output", 128256, 2048, 1}};
static const struct ts_matmul_sample matmuls[] = {
    {0, 1, {0.0001, 0.00012, 0.0002, 30}, 104.9},
    {1, 1, {0.004, 0.0051, 0.006, 30}, 103.0},
    {0, 512, {0.01, 0.011, 0.012, 9}, 585.7},
};
static const struct ts_matmul_sample baseline[] = {{0, 512, {0.03, 0.031, 0.04, 5}, 207.8}};
static const struct ts_bandwidth_sample bandwidths[] = {
    {32768, {400, 410.5, 420, 9}}, {1 << 30, {40, 41.25, 43, 9}}, {65536, {1, 2, 3, 1}}};
static const struct ts_step_sample steps[] = {{1, 0.02, 0.1}, {512, 1.75, 0.02}};
static const double read_s[] = {0.004, 0.002, 0.003};
static const struct ts_model_step prompts[] = {{.prefill = 16, .samples = read_s, .n_samples = 3},
                                               {.prefill = 77, .samples = read_s, .n_samples = 3}};
static const struct ts_model_measurement router = {.model = "MiniLM-L6",
                                                   .quant = "Q8_0",
                                                   .kernel = "avx512vnni",
                                                   .cpu = "AMD \"EPYC\" 9654",
                                                   .weights = "synthetic, seed 1",
                                                   .n_threads = 2,
                                                   .weight_bytes = 23700000,
                                                   .steps = prompts,
                                                   .n_steps = 2};

static struct ts_measurement sample(void)
{
    return (struct ts_measurement){
        .created = "2026-11-22T18:00:00Z",
        .tool_version = "0.1.0",
        .host = {"AMD \"EPYC\" 9654", "Linux 6.1 x86_64", "avx2 avx512", "gcc 12.2.0, Release", 2, 24ULL << 30,
                 48 << 10, 1 << 20, 32 << 20},
        .kernel = "avx512vnni",
        .model = "Llama-3.2-1B",
        .quant = "Q4_0",
        .n_threads = 2,
        .weight_bytes = 695000000,
        .energy_source = "rapl",
        .idle_w = 50.5,
        .busy_w = 120.25,
        .shapes = shapes,
        .n_shapes = 2,
        .matmuls = matmuls,
        .n_matmuls = 3,
        .bandwidths = bandwidths,
        .n_bandwidths = 3,
        .steps = steps,
        .n_steps = 2,
        .peak_dot_gops = 900.5,
        .peak_fma_gflops = 220.25,
        .peak_bf16_gflops = 440.5,
        .baseline_name = "OpenBLAS 0.3.21 Zen",
        .baseline = baseline,
        .n_baseline = 1,
        .router = &router,
    };
}

static void slurp(char **text, const char *path)
{
    size_t len;
    assert_int_equal(ts_file_read(text, &len, path, 1 << 20, NULL), TS_OK);
}

static void test_measurement__what_was_written_is_read_again(void **state)
{
    struct folder *f = *state;
    struct ts_measurement m = sample(), back;
    assert_int_equal(ts_measurement_write(&m, f->file, &f->diags), TS_OK);
    char *first = NULL;
    slurp(&first, f->file);
    assert_int_equal(ts_measurement_read(&back, &f->arena, f->file, &f->diags), TS_OK);
    assert_int_equal(f->diags.n_items, 0);
    assert_string_equal(back.host.cpu, m.host.cpu);
    assert_int_equal(back.host.memory_bytes, m.host.memory_bytes);
    assert_int_equal(back.n_matmuls, 3);
    assert_string_equal(back.shapes[1].name, "output");
    assert_true(back.matmuls[2].seconds.min == 0.01 && back.matmuls[2].seconds.median == 0.011);
    assert_true(back.matmuls[2].seconds.p90 == 0.012 && back.matmuls[2].seconds.n_samples == 9);
    assert_true(back.steps[1].seconds == 1.75);
    assert_string_equal(back.energy_source, "rapl");
    assert_true(back.busy_w == 120.25);
    assert_null(back.engine);
    assert_int_equal(back.router->n_steps, 2);
    assert_int_equal(back.router->steps[1].prefill, 77);
    assert_true(back.router->steps[1].seconds.median == 0.003 && back.router->steps[1].seconds.p90 == 0.004);
    assert_true(back.peak_dot_gops == 900.5 && back.peak_fma_gflops == 220.25 && back.peak_bf16_gflops == 440.5);
    assert_int_equal(ts_measurement_write(&back, f->file, &f->diags), TS_OK);
    char *second = NULL;
    slurp(&second, f->file);
    assert_string_equal(first, second);
    free(first);
    free(second);
}

static void test_measurement__memory_bandwidth_is_that_of_the_largest_working_set(void **state)
{
    (void)state;
    struct ts_measurement m = sample();
    assert_true(ts_measurement_memory_bytes_per_s(&m) == 41.25e9);
    m.n_bandwidths = 0;
    assert_true(ts_measurement_memory_bytes_per_s(&m) == 0.0);
}

static void test_measurement__the_peak_is_that_of_the_instruction_that_multiplies_the_format(void **state)
{
    (void)state;
    struct ts_measurement m = sample();
    assert_true(ts_measurement_peak_gops(&m) == 900.5);
    m.peak_dot_gops = 0.0; /* tiles of BF16 */
    assert_true(ts_measurement_peak_gops(&m) == 440.5);
    m.quant = "BF16";
    assert_true(ts_measurement_peak_gops(&m) == 440.5);
    m.peak_bf16_gflops = 0.0;
    assert_true(ts_measurement_peak_gops(&m) == 220.25);
    m.quant = "F16";
    m.peak_dot_gops = 900.5;
    m.peak_bf16_gflops = 440.5;
    assert_true(ts_measurement_peak_gops(&m) == 220.25);
}

/* Writes the sample with `from` replaced by `to`, reads it, and compares the message; %s in `expected` is the path. */
static void expect_fault(struct folder *f, const char *from, const char *to, enum ts_status status,
                         const char *expected)
{
    struct ts_measurement m = sample(), back;
    assert_int_equal(ts_measurement_write(&m, f->file, NULL), TS_OK);
    char *text = NULL;
    slurp(&text, f->file);
    char *at = strstr(text, from);
    assert_non_null(at);
    struct ts_text broken;
    ts_text_init(&broken);
    ts_text_append(&broken, text, (size_t)(at - text));
    ts_text_puts(&broken, to);
    ts_text_puts(&broken, at + strlen(from));
    assert_int_equal(ts_file_write(f->file, broken.data, broken.len, NULL), TS_OK);
    back.n_steps = 77;
    assert_int_equal(ts_measurement_read(&back, &f->arena, f->file, &f->diags), status);
    assert_int_equal(back.n_steps, 77);
    assert_true(f->diags.n_items > 0);
    assert_string_equal(f->diags.items[0].file, f->file);
    assert_string_equal(f->diags.items[0].message, expected);
    ts_diags_deinit(&f->diags);
    ts_diags_init(&f->diags);
    ts_text_deinit(&broken);
    free(text);
}

static void test_measurement__faults_are_named_by_their_field(void **state)
{
    struct folder *f = *state;
    expect_fault(f, "\"format_version\": 1", "\"format_version\": 2", TS_EINPUT,
                 "format_version is 2, but this program reads version 1");
    expect_fault(f, "\"format_version\": 1", "\"format\": 1", TS_EINPUT,
                 "format_version is missing: this is not a measurement file");
    expect_fault(f, "\"n_threads\": 2", "\"n_threads\": \"2\"", TS_EINPUT, "n_threads must be a whole number");
    expect_fault(f, "\"n_threads\": 2", "\"n_threads\": 0", TS_EINPUT, "n_threads is out of range");
    expect_fault(f, "\"cpu\"", "\"gpu\"", TS_EINPUT, "host.cpu is missing");
    expect_fault(f, "\"kernel\": \"avx512vnni\"", "\"kernel\": 7", TS_EINPUT, "kernel must be a text");
    expect_fault(f, "\"seconds\": 1.75", "\"seconds\": -1.75", TS_EINPUT, "steps[1].seconds is out of range");
    expect_fault(f, "\"n_tok\": 512,\n      \"seconds\": 1.75", "\"n_tok\": 1,\n      \"seconds\": 1.75", TS_EINPUT,
                 "steps[1].n_tok must be larger than that of the step before");
    expect_fault(f, "\"median\": 0.0051", "\"median\": 5.1", TS_EINPUT,
                 "matmuls[1].seconds.median must lie between min and p90");
    expect_fault(f, "\"dot_gops\": 900.5", "\"dot_gops\": -1", TS_EINPUT, "peaks.dot_gops is out of range");
    expect_fault(f, "\"shape\": 1", "\"shape\": 2", TS_EINPUT, "matmuls[1].shape is out of range");
    expect_fault(f, "\"bandwidths\": [", "\"bandwidths\": null, \"other\": [", TS_EINPUT, "bandwidths must be a list");
    expect_fault(f, "\"quant\": \"Q8_0\"", "\"quant\": 8", TS_EINPUT, "router.quant is missing or not a string");
    expect_fault(f, "\"prefill_tok\": 77", "\"prefill_tok\": 16", TS_EINPUT,
                 "router.steps must be single prompts of increasing length");
}

static void test_measurement__all_faults_are_shown_at_once_with_what_to_do(void **state)
{
    struct folder *f = *state;
    struct ts_measurement back;
    const char text[] = "{\"format_version\": 1}";
    assert_int_equal(ts_file_write(f->file, text, sizeof text - 1, NULL), TS_OK);
    assert_int_equal(ts_measurement_read(&back, &f->arena, f->file, &f->diags), TS_EINPUT);
    assert_int_equal(f->diags.n_items, 8);
    assert_string_equal(f->diags.items[0].message, "created is missing");
    assert_string_equal(f->diags.items[2].message, "host is missing");
    assert_string_equal(f->diags.items[7].hint, "measure this machine again with `tiersim bench`");
}

static void test_measurement__a_file_that_is_absent_truncated_or_not_json_is_an_error(void **state)
{
    struct folder *f = *state;
    struct ts_measurement back;
    assert_int_equal(ts_measurement_read(&back, &f->arena, f->file, &f->diags), TS_EIO);
    assert_int_equal(f->diags.n_items, 1);
    struct ts_measurement m = sample();
    assert_int_equal(ts_measurement_write(&m, f->file, NULL), TS_OK);
    char *text = NULL;
    slurp(&text, f->file);
    assert_int_equal(ts_file_write(f->file, text, strlen(text) / 2, NULL), TS_OK);
    assert_int_equal(ts_measurement_read(&back, &f->arena, f->file, &f->diags), TS_EINPUT);
    assert_int_equal(ts_file_write(f->file, "", 0, NULL), TS_OK);
    assert_int_equal(ts_measurement_read(&back, &f->arena, f->file, &f->diags), TS_EINPUT);
    assert_int_equal(ts_file_write(f->file, "[1, 2]", 6, NULL), TS_OK);
    assert_int_equal(ts_measurement_read(&back, &f->arena, f->file, &f->diags), TS_EINPUT);
    assert_string_equal(f->diags.items[3].message, "format_version is missing: this is not a measurement file");
    free(text);
}

static void test_measurement__a_folder_that_cannot_be_written_is_an_error(void **state)
{
    struct folder *f = *state;
    struct ts_measurement m = sample();
    assert_int_equal(ts_measurement_write(&m, "/nonexistent/m.json", &f->diags), TS_EIO);
    assert_int_equal(f->diags.n_items, 1);
}

static void test_spread__median_and_p90_are_as_defined(void **state)
{
    (void)state;
    double ten[] = {10, 9, 8, 7, 6, 5, 4, 3, 2, 1}, one[] = {4.0}, three[] = {3, 1, 2};
    struct ts_spread spread = ts_spread_of(ten, 10);
    assert_true(spread.min == 1.0 && spread.median == 5.5 && spread.p90 == 9.0 && spread.n_samples == 10);
    spread = ts_spread_of(one, 1);
    assert_true(spread.min == 4.0 && spread.median == 4.0 && spread.p90 == 4.0);
    spread = ts_spread_of(three, 3);
    assert_true(spread.min == 1.0 && spread.median == 2.0 && spread.p90 == 3.0);
}

#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_measurement__what_was_written_is_read_again),
        WITH_FOLDER(test_measurement__memory_bandwidth_is_that_of_the_largest_working_set),
        WITH_FOLDER(test_measurement__the_peak_is_that_of_the_instruction_that_multiplies_the_format),
        WITH_FOLDER(test_measurement__faults_are_named_by_their_field),
        WITH_FOLDER(test_measurement__all_faults_are_shown_at_once_with_what_to_do),
        WITH_FOLDER(test_measurement__a_file_that_is_absent_truncated_or_not_json_is_an_error),
        WITH_FOLDER(test_measurement__a_folder_that_cannot_be_written_is_an_error),
        cmocka_unit_test(test_spread__median_and_p90_are_as_defined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
