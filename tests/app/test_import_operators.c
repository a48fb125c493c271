/* Operator profiles as measurements: what the fit makes of tables whose steps have its very form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/import_operators.h"
#include "base/file.h"

#define FOLDER "test_import_operators.d"

/* Chunks that are asked for, so that nothing lies between the points of the attention grid, which is bent there. */
static const int chunks[] = {2,   4,   8,   16,  24,  32,  40,  48,  64,   96,   100,  128,  192,
                             200, 256, 300, 384, 512, 700, 768, 800, 1024, 1200, 1536, 1800, 2048};

static void put(const char *folder, const char *name, const struct ts_text *text)
{
    char path[256];
    assert_int_equal(ts_mkdirs(folder, NULL), TS_OK);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(ts_file_write(path, text->data, text->len, NULL), TS_OK);
}

/* Microseconds a layer: 0.001 a cached token, 0.002 a pair. */
static void put_attention(const char *folder)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_puts(&text, "prefill_chunk,kv_prefill,n_decode,kv_decode,time_us\n");
    ts_text_printf(&text, "0,0,256,16,%.17g\n0,0,256,16384,%.17g\n", 256 * 16 * 1e-3, 256 * 16384 * 1e-3);
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        for (int past = 0; past <= 8192; past += 8192) {
            const double prompt_us = 2e-3 * chunks[i] * (past + (chunks[i] + 1) / 2.0);
            ts_text_printf(&text, "%d,%d,0,0,%.17g\n", chunks[i], past, prompt_us);
            ts_text_printf(&text, "%d,%d,256,16,%.17g\n", chunks[i], past, prompt_us + 256 * 16 * 1e-3);
            ts_text_printf(&text, "%d,%d,256,16384,%.17g\n", chunks[i], past, prompt_us + 256 * 16384 * 1e-3);
        }
    }
    put(folder, "attention.csv", &text);
    ts_text_deinit(&text);
}

/* A layer takes 100 us up to 64 tokens, 1 us a token beyond; the head 500 us and 2 us a sequence. */
static void put_profile(const char *folder, const char *meta)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_puts(&text, "layer,tokens,time_us\nqkv_proj,1,10\nqkv_proj,2048,10\no_proj,1,10\no_proj,2048,10\n"
                        "gate_up_proj,1,70\ngate_up_proj,64,70\ngate_up_proj,2048,2054\ndown_proj,1,10\n"
                        "down_proj,2048,10\n");
    put(folder, "dense.csv", &text);
    ts_text_clear(&text);
    ts_text_puts(&text, "layer,sequences,time_us\nlm_head,1,502\nlm_head,256,1012\n");
    put(folder, "per_sequence.csv", &text);
    ts_text_clear(&text);
    ts_text_puts(&text, meta);
    put(folder, "meta.yaml", &text);
    ts_text_deinit(&text);
    put_attention(folder);
}

static void remove_profile(const char *folder)
{
    static const char *const names[] = {"dense.csv", "per_sequence.csv", "attention.csv", "meta.yaml"};
    char path[256];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(folder);
    (void)rmdir(FOLDER);
}

static const struct ts_llm llm = {.name = "m", .type = "dense", .layers = 10};

static void test_import_operators__tables_of_the_fits_form_are_met_exactly(void **state)
{
    (void)state;
    struct ts_operator_about about;
    struct ts_model_measurement m = {0};
    struct ts_import info = {0};
    struct ts_arena arena;
    struct ts_diags diags;
    ts_arena_init(&arena);
    ts_diags_init(&diags);
    put_profile(FOLDER, "gpu: G\nmodel: a/b\nvariant: fp8-kvfp8\nvllm_version: 1.2\n");
    assert_true(ts_operator_profile_is(FOLDER) && ts_operator_profile_is(FOLDER "/attention.csv"));
    assert_false(ts_operator_profile_is(FOLDER "/meta.yaml"));
    assert_int_equal(ts_operator_about_read(&about, &arena, FOLDER "/attention.csv", &diags), TS_OK);
    assert_string_equal(about.gpu, "G");
    assert_string_equal(about.variant, "fp8-kvfp8");
    assert_int_equal(about.tensor_parallel, 1);
    assert_int_equal(ts_import_operators(&m, &info, &arena, &about, &llm, &diags), TS_OK);
    assert_true(m.fitted && m.checked);
    assert_true(m.table.error.worst_frac < 1e-6 && m.table_check.worst_frac < 1e-6);
    assert_true(m.table.error.n > 100 && m.table_check.n > 30 && info.n_points == m.table.error.n + m.table_check.n);
    assert_true(fabs(m.table.c_s_per_kv_tok / (10 * 1e-9) - 1.0) < 1e-5);
    assert_true(fabs(m.table.e_s_per_pair / (10 * 2e-9) - 1.0) < 1e-5);
    assert_true(fabs(m.table.b_s_per_seq / 2e-6 - 1.0) < 1e-3);
    assert_true(fabs(m.table.seconds[0] / 1.5e-3 - 1.0) < 1e-5); /* 10 x 100 us, and 500 us */
    assert_non_null(strstr(info.method, "derived from operator profiles"));
    assert_non_null(strstr(info.hash, "attention.csv crc32:"));
    assert_int_equal(diags.n_warnings, 0);
    remove_profile(FOLDER);
    ts_diags_deinit(&diags);
    ts_arena_deinit(&arena);
}

static void test_import_operators__accelerators_that_share_a_layer_are_told_of(void **state)
{
    (void)state;
    struct ts_operator_about about;
    struct ts_model_measurement m = {0};
    struct ts_import info = {0};
    struct ts_arena arena;
    struct ts_diags diags;
    ts_arena_init(&arena);
    ts_diags_init(&diags);
    put_profile(FOLDER "/tp4", "gpu: G\n");
    assert_int_equal(ts_operator_about_read(&about, &arena, FOLDER, &diags), TS_OK);
    assert_int_equal(about.tensor_parallel, 4);
    assert_string_equal(about.model, "");
    assert_int_equal(ts_import_operators(&m, &info, &arena, &about, &llm, &diags), TS_OK);
    assert_int_equal(diags.n_warnings, 1);
    assert_non_null(strstr(diags.items[0].message, "joins 4 accelerators"));
    remove_profile(FOLDER "/tp4");
    ts_diags_deinit(&diags);
    ts_arena_deinit(&arena);
}

static void test_import_operators__what_is_no_profile_is_told(void **state)
{
    (void)state;
    struct ts_operator_about about;
    struct ts_arena arena;
    struct ts_diags diags;
    ts_arena_init(&arena);
    ts_diags_init(&diags);
    assert_int_equal(ts_mkdirs(FOLDER, NULL), TS_OK);
    assert_int_equal(ts_operator_about_read(&about, &arena, FOLDER "/absent", &diags), TS_EIO);
    assert_int_equal(ts_operator_about_read(&about, &arena, FOLDER, &diags), TS_EINPUT);
    assert_non_null(strstr(diags.items[1].message, "no operator profile"));
    assert_int_equal(ts_operator_about_read(&about, &arena, FOLDER, NULL), TS_EINPUT);
    (void)rmdir(FOLDER);
    ts_diags_deinit(&diags);
    ts_arena_deinit(&arena);
}

/* Tables of a step of one token: no fit, and no crash. */
static void test_import_operators__tables_that_end_too_early_are_refused(void **state)
{
    (void)state;
    struct ts_operator_about about;
    struct ts_model_measurement m = {0};
    struct ts_import info = {0};
    struct ts_arena arena;
    struct ts_diags diags;
    struct ts_text text;
    ts_arena_init(&arena);
    ts_diags_init(&diags);
    ts_text_init(&text);
    put_profile(FOLDER, "");
    ts_text_puts(&text, "layer,tokens,time_us\nqkv_proj,1,10\n");
    put(FOLDER, "dense.csv", &text);
    assert_int_equal(ts_operator_about_read(&about, &arena, FOLDER, &diags), TS_OK);
    assert_int_equal(ts_import_operators(&m, &info, &arena, &about, &llm, &diags), TS_EINPUT);
    assert_non_null(strstr(diags.items[diags.n_items - 1].message, "end too early"));
    remove_profile(FOLDER);
    ts_text_deinit(&text);
    ts_diags_deinit(&diags);
    ts_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_import_operators__tables_of_the_fits_form_are_met_exactly),
        cmocka_unit_test(test_import_operators__accelerators_that_share_a_layer_are_told_of),
        cmocka_unit_test(test_import_operators__what_is_no_profile_is_told),
        cmocka_unit_test(test_import_operators__tables_that_end_too_early_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
