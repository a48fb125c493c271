/* Imports: step times are found again in what they led to; what cannot be used is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <math.h>

#include "base/file.h"
#include "base/gzip.h"
#include "base/rng.h"
#include "imports/import.h"

static const char path[] = "test_import.tmp";

static enum ts_status import_text(struct ts_model_measurement *out, struct ts_import *info, struct ts_arena *arena,
                                  const char *text, size_t len, const char *format, struct ts_diags *diags)
{
    assert_int_equal(ts_file_write(path, text, len, NULL), TS_OK);
    enum ts_status status = ts_import_read(out, info, arena, path, format, diags);
    (void)unlink(path);
    return status;
}

/* ---- a made-up server with continuous batching ---- */

enum { N_REQUESTS = 160, N_TOGETHER = 24, BUDGET_TOK = 2048 };

static const double truth[TS_STEP_LINEAR_COEFS] = {7e-3, 60e-6, 0.22e-6, 50e-6, 3e-9};

struct served {
    uint32_t prompt, output, done_prompt, done_output;
    double start_s, first_s, last_s;
};

/* One step over those in [first, next): decoding ones, and prompts while the budget lasts. Returns its time. */
static double serve_step(struct served *r, size_t first, size_t next, double now_s)
{
    double seqs = 0.0, kv = 0.0, prefill = 0.0, pairs = 0.0;
    uint32_t budget = BUDGET_TOK, chunk[N_REQUESTS] = {0};
    for (size_t i = first; i < next; i++) {
        bool decodes = r[i].done_prompt == r[i].prompt && r[i].done_output < r[i].output;
        seqs += decodes;
        kv += decodes ? r[i].prompt + r[i].done_output : 0.0;
    }
    for (size_t i = first; i < next; i++) {
        uint32_t left = r[i].prompt - r[i].done_prompt, n = left < budget ? left : budget;
        chunk[i] = n;
        budget -= n;
        prefill += n;
        seqs += n > 0;
        pairs += n * (r[i].done_prompt + (n + 1.0) / 2.0);
    }
    double seconds = truth[0] + truth[1] * seqs + truth[2] * kv + truth[3] * prefill + truth[4] * pairs;
    for (size_t i = first; i < next; i++) {
        bool was_ready = r[i].done_prompt == r[i].prompt;
        r[i].done_prompt += chunk[i];
        if (r[i].done_prompt == r[i].prompt && r[i].done_output < r[i].output && (was_ready || chunk[i] > 0)) {
            r[i].first_s = r[i].done_output == 0 ? now_s + seconds : r[i].first_s;
            r[i].last_s = now_s + seconds;
            r[i].done_output++;
        }
    }
    return seconds;
}

static size_t n_unfinished(const struct served *r, size_t next)
{
    size_t n = 0;
    for (size_t i = 0; i < next; i++) {
        n += r[i].done_output < r[i].output;
    }
    return n;
}

/* First some one at a time, then N_TOGETHER at a time. */
static void serve(struct served *r)
{
    struct ts_rng rng;
    double now_s = 0.0;
    size_t next = 0;
    ts_rng_init(&rng, 11, 0, 0, 0);
    for (size_t i = 0; i < N_REQUESTS; i++) {
        r[i] = (struct served){.prompt = 60 + (uint32_t)(1500.0 * ts_rng_uniform(&rng)),
                               .output = 20 + (uint32_t)(200.0 * ts_rng_uniform(&rng))};
    }
    while (next < N_REQUESTS || n_unfinished(r, next) > 0) {
        size_t together = next < 12 ? 1 : N_TOGETHER;
        while (next < N_REQUESTS && n_unfinished(r, next) < together) {
            r[next++].start_s = now_s;
        }
        now_s += serve_step(r, 0, next, now_s);
    }
}

static void put_aiperf(struct ts_text *out, const struct served *r)
{
    for (size_t i = 0; i < N_REQUESTS; i++) {
        ts_text_printf(
            out,
            "{\"metadata\": {\"request_start_ns\": %lld}, \"metrics\": {\"input_sequence_length\": {\"value\": %u}, "
            "\"output_sequence_length\": {\"value\": %u}, \"time_to_first_token\": {\"value\": %.6f, \"unit\": "
            "\"ms\"}, "
            "\"request_latency\": {\"value\": %.9f, \"unit\": \"s\"}}}\n",
            1790000000000000000LL + (long long)(1e9 * r[i].start_s), r[i].prompt, r[i].output,
            1e3 * (r[i].first_s - r[i].start_s), r[i].last_s - r[i].start_s);
    }
}

static void test_import__the_step_times_of_a_server_are_found_in_its_requests(void **state)
{
    (void)state;
    struct served served[N_REQUESTS];
    struct ts_model_measurement m;
    struct ts_import info;
    struct ts_arena arena;
    struct ts_text text;
    ts_arena_init(&arena);
    ts_text_init(&text);
    serve(served);
    put_aiperf(&text, served);
    assert_int_equal(import_text(&m, &info, &arena, text.data, text.len, NULL, NULL), TS_OK);
    assert_string_equal(info.format, "aiperf");
    assert_int_equal(info.n_used, N_REQUESTS);
    assert_true(m.fitted && m.import == &info && m.table.n_knots == 0);
    assert_true(m.linear.error.median_frac < 0.02);
    /* Loads as the server had them: one sequence to all, mean contexts, with and without a prompt. */
    for (int n = 1; n <= N_TOGETHER; n += 4) {
        for (int prompt = 0; prompt <= 1000; prompt += 500) {
            double kv = n * 860.0, pairs = prompt * (prompt + 1) / 2.0;
            struct ts_step_load load = {n + (prompt > 0), kv, prompt, n + prompt, pairs};
            double due = truth[0] + truth[1] * load.seqs + truth[2] * kv + truth[3] * prompt + truth[4] * pairs;
            double off = ts_step_predict_linear(&m.linear, &load) / due - 1.0;
            if (!(off < 0.05 && off > -0.05)) {
                fail_msg("%d sequences, prompt of %d: off by %.1f %%", n, prompt, 100.0 * off);
            }
        }
    }
    ts_text_deinit(&text);
    ts_arena_deinit(&arena);
}

/* ---- llama-bench ---- */

#define PP(n, ns) "{\"n_prompt\": " n ", \"n_gen\": 0, \"avg_ns\": " ns ", \"model_type\": \"llama 1B F16\"}\n"
#define TG(n, depth, ns)                                                                                               \
    "{\"n_prompt\": 0, \"n_gen\": " n ", \"n_depth\": " depth ", \"avg_ns\": " ns                                      \
    ", \"model_type\": \"llama 1B F16\"}\n"

static void test_import__two_tests_of_llama_bench_are_met_exactly(void **state)
{
    (void)state;
    static const char text[] = PP("512", "800000000") TG("100", "0", "5000000000");
    struct ts_model_measurement m;
    struct ts_import info;
    struct ts_arena arena;
    ts_arena_init(&arena);
    assert_int_equal(import_text(&m, &info, &arena, text, strlen(text), NULL, NULL), TS_OK);
    assert_int_equal(info.n_points, 2);
    assert_true(m.linear.error.worst_frac < 1e-6);
    assert_string_equal(m.quant, "FP16");
    /* a token takes 50 ms, 512 take 800 ms: d = 750/512 ms and a little, since a decoding sequence counts as a token */
    assert_true(m.linear.coef[3] > 1.46e-3 && m.linear.coef[3] < 1.48e-3);
    assert_true(m.linear.coef[1] == m.linear.coef[3] && m.linear.coef[2] == 0.0 && m.linear.coef[4] == 0.0);
    assert_non_null(strstr(info.coefs[1], "= d"));
    ts_arena_deinit(&arena);
}

static void test_import__a_long_prompt_is_several_steps(void **state)
{
    (void)state;
    static const char text[] = PP("2048", "4000000000");
    struct ts_model_measurement m;
    struct ts_import info;
    struct ts_arena arena;
    ts_arena_init(&arena);
    assert_int_equal(import_text(&m, &info, &arena, text, strlen(text), NULL, NULL), TS_OK);
    assert_true(info.points[0].load.prefill_tok == 512.0 && info.points[0].seconds == 1.0);
    assert_true(info.points[0].load.pairs == 2048.0 * 2049.0 / 2.0 / 4.0);
    ts_arena_deinit(&arena);
}

/* ---- files as they are left behind ---- */

/* Five rows; what stands around them is passed over, and a row that is cut off is left out, with a warning each. */
static void test_import__whole_rows_are_found(void **state)
{
    (void)state;
    static const char five[] = PP("64", "1e9") "," PP("128", "1e9") "," PP("256", "1e9") "," PP("512", "2e9") ",";
    static const struct {
        const char *before, *behind;
        uint64_t n_rows;
        size_t n_warnings;
    } cases[] = {
        {"[", PP("1024", "4e9") "]", 5, 0},
        {"[", PP("1024", "4e9"), 5, 1},
        {"[", PP("1024", "4e9") ",\n", 5, 1},
        {"[", PP("1024", "4e9") ",]", 5, 0},
        {"[", "{\"n_prompt\": 102", 4, 1},
        {"[", "{\"n_prompt\": 1024, \"model\": \"half a na", 4, 1},
        {"", "{\"n_prompt\": 10\n\n", 4, 1},
        {"loading, please wait\n[2026-11-29 12:00] {loaded}\n[\n", PP("1024", "4e9") "]\nbye\n", 5, 1},
        {"server-1  | ", "\nserver-1  | " PP("1024", "4e9"), 5, 1},
        {"\xef\xbb\xbf[", PP("1024", "4e9") "]", 5, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_model_measurement m;
        struct ts_import info;
        struct ts_arena arena;
        struct ts_diags diags;
        char text[4096];
        ts_arena_init(&arena);
        ts_diags_init(&diags);
        snprintf(text, sizeof text, "%s%s%s", cases[i].before, five, cases[i].behind);
        assert_int_equal(import_text(&m, &info, &arena, text, strlen(text), NULL, &diags), TS_OK);
        if (info.n_rows != cases[i].n_rows || info.n_used != info.n_rows || diags.n_items != cases[i].n_warnings) {
            fail_msg("case %zu: %d rows, %d used, %zu warnings", i, (int)info.n_rows, (int)info.n_used, diags.n_items);
        }
        ts_diags_deinit(&diags);
        ts_arena_deinit(&arena);
    }
}

/* The only document of a file: its lists up to the last whole item; whole runs, where there are some. */
static void test_import__a_document_that_is_cut_is_used_so_far(void **state)
{
    (void)state;
    static const char vllm[] =
        "{\"request_throughput\": 1, \"input_lens\": [100, 200, 400, 800], \"output_lens\": [3, 3, 3, 3], "
        "\"start_times\": "
        "[0, 1, 2, 3], \"ttfts\": [0.04, 0.06, 0.1, 0.18], \"itls\": [[0.02, 0.02], [0.02, 0.02], [0.02, 0.02], [0.02";
    static const char request[] = "{\"request_start_time\": 1, \"request_end_time\": 2, \"prompt_tokens\": 100, "
                                  "\"output_tokens\": 3, \"time_to_first_token_ms\": 40}";
    char guidellm[4096];
    struct ts_model_measurement m;
    struct ts_import info;
    struct ts_arena arena;
    struct ts_diags diags;
    ts_arena_init(&arena);
    ts_diags_init(&diags);
    assert_int_equal(import_text(&m, &info, &arena, vllm, strlen(vllm), NULL, &diags), TS_OK);
    assert_true(info.n_rows == 4 && info.n_used == 3);
    assert_true(diags.n_warnings == 1 && strstr(diags.items[0].message, "cut short"));
    snprintf(guidellm, sizeof guidellm, "{\"benchmarks\": [{\"requests\": {\"successful\": [%s, %s, {\"request_start",
             request, request);
    assert_int_equal(import_text(&m, &info, &arena, guidellm, strlen(guidellm), NULL, NULL), TS_OK);
    assert_true(info.n_rows == 2 && info.n_used == 2);
    snprintf(guidellm, sizeof guidellm,
             "{\"benchmarks\": [{\"requests\": {\"successful\": [%s, %s, %s]}}, {\"requests\": {\"successful\": [%s, {",
             request, request, request, request);
    assert_int_equal(import_text(&m, &info, &arena, guidellm, strlen(guidellm), NULL, NULL), TS_OK);
    assert_true(info.n_rows == 3 && info.n_used == 3);
    ts_diags_deinit(&diags);
    ts_arena_deinit(&arena);
}

/* CSV, too: a log before the header, and a last line that is cut within its quotes. */
static void test_import__whole_lines_are_found(void **state)
{
    (void)state;
    static const char text[] = "ggml_cuda_init: found 1 CUDA devices:\n  Device 0: \"GPU\", VMM: yes\n"
                               "n_prompt,n_gen,avg_ns\n\"64\",\"0\",\"1000000000\"\n\"128\",\"0\",\"2000000000\"\n"
                               "\"pp\",\"0\",\"1\"\n\"256\",\"0\",\"40";
    struct ts_model_measurement m;
    struct ts_import info;
    struct ts_arena arena;
    struct ts_diags diags;
    ts_arena_init(&arena);
    ts_diags_init(&diags);
    assert_int_equal(import_text(&m, &info, &arena, text, strlen(text), NULL, &diags), TS_OK);
    assert_true(info.n_rows == 3 && info.n_used == 2 && info.drops[0].line == 6);
    assert_true(diags.n_warnings == 1 && strstr(diags.items[0].message, "cut short"));
    ts_diags_deinit(&diags);
    ts_arena_deinit(&arena);
}

/* 20 ms + 0.2 ms a prompt token, one after the other. A reply of one token has no gaps: its latency is its TTFT, and
 * the other way round. NaN, 64-bit ids and halves of characters in fields that nobody needs are no reason to refuse. */
static void test_import__replies_of_one_token_are_prompts(void **state)
{
    (void)state;
    static const char text[] =
        "{\"request_rate\": Infinity, \"id\": 18446744073709551615, \"generated_texts\": [\"a\\u0000\", \"\\ud83d\"],"
        "\"input_lens\": [100, 200, 400, 800], \"output_lens\": [1, 1, 1, 1], \"ttfts\": [0.04, 0.06, 0.1, 0],"
        "\"itls\": [[], [], [], []], \"latencies\": [NaN, null, 0.1, 0.18], \"start_times\": [0, 1, 2, 3]}";
    struct ts_model_measurement m;
    struct ts_import info;
    struct ts_arena arena;
    ts_arena_init(&arena);
    assert_int_equal(import_text(&m, &info, &arena, text, strlen(text), NULL, NULL), TS_OK);
    assert_true(info.n_rows == 4 && info.n_used == 4);
    assert_true(fabs(m.linear.coef[0] + m.linear.coef[1] - 0.02) < 1e-6);
    assert_true(fabs(m.linear.coef[3] - 0.2e-3) < 1e-8);
    ts_arena_deinit(&arena);
}

/* sglang's bench_serving tells no start times, so its averages are what counts. */
static void test_import__sglang_is_known_by_its_fields(void **state)
{
    (void)state;
    char text[2000];
    size_t len = 0;
    for (int n = 1; n <= 4; n *= 2) {
        const double step_s = 0.018 + 0.002 * n;
        len += (size_t)snprintf(text + len, sizeof text - len,
                                "{\"backend\": \"sglang\", \"dataset_name\": \"random\", \"request_rate\": Infinity,"
                                "\"completed\": 100, \"total_input_tokens\": 51200, \"total_output_tokens\": 12900,"
                                "\"request_throughput\": %.9g, \"mean_tpot_ms\": %.9g, \"median_ttft_ms\": 120}\n",
                                n / (128.0 * step_s), 1e3 * step_s);
    }
    struct ts_model_measurement m;
    struct ts_import info;
    struct ts_arena arena;
    ts_arena_init(&arena);
    assert_int_equal(import_text(&m, &info, &arena, text, len, NULL, NULL), TS_OK);
    assert_string_equal(info.format, "sglang");
    assert_string_equal(info.program, "sglang");
    assert_true(info.n_rows == 3 && info.n_used == 3);
    ts_arena_deinit(&arena);
}

/* ---- hostile files ---- */

static void test_import__what_cannot_be_read_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *format, *says;
        uint32_t line;
    } cases[] = {
        {"", NULL, "the file is empty", 0},
        {"{\"request_throughput\": {\"avg\": 2.0}}", NULL, "a summary by aiperf or genai-perf", 0},
        {"hello", NULL, "no known format", 0},
        {"{}", NULL, "no known format", 0},
        {"[]", NULL, "no known format", 0},
        {"{\"metrics\": 1, \"metadata\": 2}", "llama-bench", "none of 1 rows can be used", 1},
        {"a,b\n1,2\n", "guidellm", "this is no file of guidellm", 0},
        {"{}", "xml", "unknown format of measurements 'xml'", 0},
        {"{\"n_prompt\": ", NULL, "not valid JSON", 1},
        {PP("512", "1e9") "\n{\"n_prompt\": 12x}", NULL, "not valid JSON", 3},
        {PP("NaN", "1e9"), NULL, "none of 1 rows can be used", 1},
        {"\xff\xfe{\0\"\0", NULL, "UTF-16", 0},
        {PP("512", "-1"), NULL, "none of 1 rows can be used", 1},
        {PP("1e300", "1000"), NULL, "none of 1 rows can be used", 1},
        {PP("\"512\"", "1000"), NULL, "none of 1 rows can be used", 1},
        {PP("0", "1000"), NULL, "neither prompt nor generated", 1},
        {"{\"benchmarks\": 3}", NULL, "nothing to import", 0},
        {"{\"benchmarks\": [{\"requests\": {\"successful\": [7]}}]}", NULL, "none of 1 rows", 1},
        {"{\"ttfts\": [1], \"start_times\": [0], \"input_lens\": [5, 5]}", NULL, "none of 2 rows", 1},
        {"{\"request_throughput\": \"inf\"}", NULL, "none of 1 rows", 1},
        {"n_prompt,n_gen,avg_ns\n512,0\n", NULL, "not as many fields", 2},
        {"n_prompt,n_gen,avg_ns\n512,0,nan\n", NULL, "no number", 2},
        {"| model | test | t/s |\n| - | - | - |\n| x | zz5 | 3 |\n", NULL, "neither pp nor tg", 2},
        {"layer,tokens,time_us\nqkv,1,2\n", NULL, "one table of an operator profile", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_model_measurement m;
        struct ts_import info;
        struct ts_arena arena;
        struct ts_diags diags;
        ts_arena_init(&arena);
        ts_diags_init(&diags);
        enum ts_status status =
            import_text(&m, &info, &arena, cases[i].text, strlen(cases[i].text), cases[i].format, &diags);
        assert_true(status == TS_EINPUT || status == TS_EUSAGE);
        if (!strstr(diags.items[0].message, cases[i].says) || diags.items[0].line != cases[i].line) {
            fail_msg("case %zu: line %u: '%s'", i, diags.items[0].line, diags.items[0].message);
        }
        ts_diags_deinit(&diags);
        ts_arena_deinit(&arena);
    }
}

/* The same file, compressed: the same measurement. */
static void test_import__gzip_is_read_as_it_is(void **state)
{
    (void)state;
    static const char text[] = "[{\"n_prompt\": 512, \"n_gen\": 0, \"avg_ns\": 1000000000, \"n_threads\": 8},\n"
                               " {\"n_prompt\": 0, \"n_gen\": 128, \"avg_ns\": 4000000000, \"n_threads\": 8}]\n";
    struct ts_model_measurement plain, packed;
    struct ts_import info;
    struct ts_arena arena;
    struct ts_gzip_writer *writer = NULL;
    ts_arena_init(&arena);
    assert_int_equal(import_text(&plain, &info, &arena, text, sizeof text - 1, NULL, NULL), TS_OK);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(ts_gzip_writer_open(&writer, file), TS_OK);
    assert_int_equal(ts_gzip_writer_write(writer, text, sizeof text - 1), TS_OK);
    assert_int_equal(ts_gzip_writer_finish(writer), TS_OK);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(ts_import_read(&packed, &info, &arena, path, NULL, NULL), TS_OK);
    (void)unlink(path);
    assert_memory_equal(plain.linear.coef, packed.linear.coef, sizeof plain.linear.coef);
    ts_arena_deinit(&arena);
}

static void test_import__deep_nesting_is_refused(void **state)
{
    (void)state;
    enum { DEEP = 100000 };
    struct ts_model_measurement m;
    struct ts_import info;
    struct ts_arena arena;
    struct ts_diags diags;
    char *text = malloc(DEEP);
    ts_arena_init(&arena);
    ts_diags_init(&diags);
    assert_non_null(text);
    for (size_t i = 0; i < DEEP; i++) {
        text[i] = "{\"a\":"[i % 5];
    }
    assert_int_equal(import_text(&m, &info, &arena, text, DEEP, NULL, &diags), TS_EINPUT);
    assert_non_null(strstr(diags.items[0].message, "depth"));
    free(text);
    ts_diags_deinit(&diags);
    ts_arena_deinit(&arena);
}

static void test_import__a_folder_and_a_missing_file_are_told(void **state)
{
    (void)state;
    struct ts_model_measurement m;
    struct ts_import info;
    struct ts_arena arena;
    ts_arena_init(&arena);
    assert_int_equal(ts_import_read(&m, &info, &arena, ".", NULL, NULL), TS_EINPUT);
    assert_int_equal(ts_import_read(&m, &info, &arena, "absent.json", NULL, NULL), TS_EIO);
    ts_arena_deinit(&arena);
}

/* ---- the file ---- */

static void test_import__a_measurement_file_keeps_the_origin(void **state)
{
    (void)state;
    static const char text[] = PP("512", "800000000") TG("100", "0", "5000000000") TG("-1", "0", "1");
    struct ts_model_measurement m;
    struct ts_measurement whole, back;
    struct ts_import info;
    struct ts_arena arena;
    ts_arena_init(&arena);
    assert_int_equal(import_text(&m, &info, &arena, text, strlen(text), NULL, NULL), TS_OK);
    ts_import_measurement(&whole, &m, "2026-01-01T00:00:00Z", "0");
    assert_int_equal(ts_measurement_write(&whole, path, NULL), TS_OK);
    assert_int_equal(ts_measurement_read(&back, &arena, path, NULL), TS_OK);
    assert_true(ts_measurement_is_import(&back));
    assert_memory_equal(back.engine->linear.coef, m.linear.coef, sizeof m.linear.coef);
    const struct ts_import *import = back.engine->import;
    assert_string_equal(import->format, "llama-bench");
    assert_string_equal(import->coefs[1], info.coefs[1]);
    assert_int_equal(import->n_points, 2);
    assert_true(import->points[1].seconds == info.points[1].seconds);
    assert_int_equal(import->n_drops, 1);
    assert_int_equal(import->drops[0].line, 3);
    (void)unlink(path);
    ts_arena_deinit(&arena);
}

/* 2 ms + 10 us a token + 1 us a cached token, with a bend at 64 tokens. */
static size_t derived_points(struct ts_import_point *points)
{
    size_t n = 0;
    for (uint32_t batch = 1; batch <= 256; batch *= 2) {
        for (uint32_t depth = 16; depth <= 1024; depth *= 8) {
            for (uint32_t prefill = 0; prefill <= 64; prefill += 32) {
                const struct ts_model_step step = {.n_decode = batch, .depth = depth, .prefill = prefill};
                const struct ts_step_load load = ts_model_step_load(&step);
                const double seconds = 2e-3 + 1e-5 * fmax(64.0, load.tokens) + 1e-6 * load.kv_tok;
                points[n++] = (struct ts_import_point){.load = load, .seconds = seconds, .n_samples = 1};
            }
        }
    }
    return n;
}

static void test_import__derived_steps_are_fitted_in_both_forms_and_kept(void **state)
{
    (void)state;
    static const double knots[] = {1, 64, 384};
    static struct ts_import_point points[TS_IMPORT_MAX_POINTS];
    const size_t n = derived_points(points);
    const struct ts_import_steps steps = {
        .points = points, .n_fitted = n - 9, .n_held = 9, .knots = knots, .n_knots = 3};
    struct ts_import info = {
        .format = "operators", .program = "", .file = "tp1", .hash = "", .model = "", .hardware = "", .method = ""};
    struct ts_model_measurement m = {.model = "m", .quant = "BF16", .kernel = "k", .cpu = "c", .weights = "w"};
    struct ts_measurement whole, back;
    struct ts_arena arena;
    ts_arena_init(&arena);
    assert_int_equal(ts_import_fit_steps(&m, &info, &steps), TS_OK);
    assert_true(m.fitted && m.checked && m.import == &info);
    assert_int_equal(m.table.error.n, n - 9);
    assert_int_equal(m.table_check.n, 9);
    assert_true(m.table.error.worst < n - 9 && m.table_check.worst >= n - 9 && m.table_check.worst < n);
    assert_true(m.table.error.worst_frac < 1e-6 && m.table_check.worst_frac < 1e-6);
    assert_true(m.linear.error.worst_frac > 0.01); /* it cannot bend */
    assert_true(fabs(m.table.c_s_per_kv_tok - 1e-6) < 1e-11);
    assert_true(fabs(m.table.seconds[2] - (2e-3 + 384e-5)) < 1e-8);
    ts_import_measurement(&whole, &m, "2026-01-01T00:00:00Z", "0");
    assert_int_equal(ts_measurement_write(&whole, path, NULL), TS_OK);
    assert_int_equal(ts_measurement_read(&back, &arena, path, NULL), TS_OK);
    assert_true(ts_measurement_is_import(&back) && back.engine->checked);
    assert_int_equal(back.engine->table.n_knots, 3);
    assert_memory_equal(back.engine->table.seconds, m.table.seconds, 3 * sizeof(double));
    assert_int_equal(back.engine->import->n_points, n);
    (void)unlink(path);
    ts_arena_deinit(&arena);
}

static void test_import__too_few_derived_steps_have_no_fit(void **state)
{
    (void)state;
    static const double knots[] = {1, 64, 384};
    static struct ts_import_point points[TS_IMPORT_MAX_POINTS];
    (void)derived_points(points);
    const struct ts_import_steps steps = {.points = points, .n_fitted = 4, .knots = knots, .n_knots = 3};
    struct ts_import info = {.format = "operators"};
    struct ts_model_measurement m = {0};
    assert_int_equal(ts_import_fit_steps(&m, &info, &steps), TS_ERANGE);
    assert_false(m.fitted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import__the_step_times_of_a_server_are_found_in_its_requests),
        cmocka_unit_test(test_import__two_tests_of_llama_bench_are_met_exactly),
        cmocka_unit_test(test_import__a_long_prompt_is_several_steps),
        cmocka_unit_test(test_import__whole_rows_are_found),
        cmocka_unit_test(test_import__whole_lines_are_found),
        cmocka_unit_test(test_import__a_document_that_is_cut_is_used_so_far),
        cmocka_unit_test(test_import__replies_of_one_token_are_prompts),
        cmocka_unit_test(test_import__sglang_is_known_by_its_fields),
        cmocka_unit_test(test_import__what_cannot_be_read_is_told_with_its_line),
        cmocka_unit_test(test_import__gzip_is_read_as_it_is),
        cmocka_unit_test(test_import__deep_nesting_is_refused),
        cmocka_unit_test(test_import__a_folder_and_a_missing_file_are_told),
        cmocka_unit_test(test_import__a_measurement_file_keeps_the_origin),
        cmocka_unit_test(test_import__derived_steps_are_fitted_in_both_forms_and_kept),
        cmocka_unit_test(test_import__too_few_derived_steps_have_no_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
