/* The catalog of published points against the measurements that it was made from. TS_REFRESH=1 writes the catalog. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "calibration_rows.h"
#include "pooled_rows.h"
#include "scenarios/catalog/efficiency.h"
#include "serving_rows.h"

static const char catalog_path[] = TS_SOURCE_DIR "/scenarios/catalog/published.csv";
static const char measurements_path[] = TS_SHARED_DIR "/data/calibration/hardware_measurements.csv";

static void test_published__the_catalog_is_what_the_measurements_say(void **state)
{
    (void)state;
    if (!ts_file_exists(measurements_path)) {
        skip();
    }
    struct ts_text made;
    size_t counts[CALIBRATION_N_FATES] = {0};
    size_t all = 0;
    ts_text_init(&made);
    assert_int_equal(calibration_rows(&made, measurements_path, counts, NULL), TS_OK);
    for (int fate = 0; fate < CALIBRATION_N_FATES; fate++) {
        print_message("%5zu rows: %s\n", counts[fate], calibration_fate_name((enum calibration_fate)fate));
        all += counts[fate];
    }
    assert_int_equal(all, 4559);
    if (getenv("TS_REFRESH")) {
        assert_int_equal(ts_file_write(catalog_path, made.data, made.len, NULL), TS_OK);
    }
    char *shipped = NULL;
    size_t len = 0;
    assert_int_equal(ts_file_read(&shipped, &len, catalog_path, 1 << 20, NULL), TS_OK);
    assert_int_equal(len, made.len);
    assert_memory_equal(shipped, made.data, len);
    assert_true(len < 150000);
    free(shipped);
    ts_text_deinit(&made);
}

static void test_published__the_recorded_serving_points_are_what_the_recordings_say(void **state)
{
    (void)state;
    static const char folder[] = TS_SHARED_DIR "/data/calibration";
    static const char path[] = TS_SOURCE_DIR "/scenarios/catalog/serving.csv";
    if (!ts_file_exists(measurements_path)) {
        skip();
    }
    struct ts_text made;
    size_t counts[SERVING_N_FATES] = {0}, all = 0;
    ts_text_init(&made);
    static struct serving_repeats repeats[2];
    static const char *const times[2] = {"to the first token", "per token"};
    assert_int_equal(serving_rows(&made, folder, counts, repeats, NULL), TS_OK);
    for (int i = 0; i < 2; i++) {
        print_message("times %s of points recorded more than once: %zu; half within %.1f %%, 9 of 10 within %.1f %%\n",
                      times[i], repeats[i].n, 100.0 * serving_repeats_quantile(&repeats[i], 0.5),
                      100.0 * serving_repeats_quantile(&repeats[i], 0.9));
        assert_true(repeats[i].n > 100 && repeats[i].n < SERVING_MAX_REPEATS);
    }
    for (int fate = 0; fate < SERVING_N_FATES; fate++) {
        print_message("%5zu rows: %s\n", counts[fate], serving_fate_name((enum serving_fate)fate));
        all += counts[fate];
    }
    assert_int_equal(all, 3176 + 808 + 4559 + 490);
    if (getenv("TS_REFRESH")) {
        assert_int_equal(ts_file_write(path, made.data, made.len, NULL), TS_OK);
    }
    char *shipped = NULL;
    size_t len = 0;
    assert_int_equal(ts_file_read(&shipped, &len, path, 1 << 20, NULL), TS_OK);
    assert_int_equal(len, made.len);
    assert_memory_equal(shipped, made.data, len);
    free(shipped);
    ts_text_deinit(&made);
}

static void test_published__the_pools_are_what_the_recordings_say(void **state)
{
    (void)state;
    static const char path[] = TS_SOURCE_DIR "/scenarios/catalog/pooled.csv";
    if (!ts_file_exists(measurements_path)) {
        skip();
    }
    struct ts_text made;
    size_t counts[POOLED_N_FATES] = {0}, all = 0;
    ts_text_init(&made);
    assert_int_equal(pooled_rows(&made, TS_SHARED_DIR "/data/calibration/silicon_sample_2026.csv",
                                 TS_SOURCE_DIR "/tests/scenarios/pooled_recipes.csv", counts, NULL),
                     TS_OK);
    for (int fate = 0; fate < POOLED_N_FATES; fate++) {
        print_message("%5zu rows: %s\n", counts[fate], pooled_fate_name((enum pooled_fate)fate));
        all += counts[fate];
    }
    assert_int_equal(all, 1065);
    if (getenv("TS_REFRESH")) {
        assert_int_equal(ts_file_write(path, made.data, made.len, NULL), TS_OK);
    }
    char *shipped = NULL;
    size_t len = 0;
    assert_int_equal(ts_file_read(&shipped, &len, path, 1 << 20, NULL), TS_OK);
    assert_int_equal(len, made.len);
    assert_memory_equal(shipped, made.data, len);
    free(shipped);
    ts_text_deinit(&made);
}

static void test_published__every_name_is_in_the_catalogs_and_every_peak_is_known(void **state)
{
    (void)state;
    struct ts_arena arena;
    struct ts_catalog catalog;
    ts_arena_init(&arena);
    assert_int_equal(ts_catalog_load(&catalog, &arena, NULL), TS_OK);
    assert_int_equal(catalog.n_published, 0);
    assert_int_equal(ts_catalog_load_published(&catalog, &arena, NULL), TS_OK);
    assert_true(catalog.n_published > 500 && catalog.n_servings > 1500);
    for (size_t i = 0; i < catalog.n_published; i++) {
        const struct ts_published *point = &catalog.published[i];
        struct ts_efficiency_case on;
        if (!ts_efficiency_published_case(&on, &catalog, point)) {
            fail_msg("row %zu: %s, %s, %s", i + 2, point->hardware, point->model, point->quant);
        }
        assert_true((point->decode_tok_s > 0.0) != (point->prefill_tok_s > 0.0));
    }
    for (size_t i = 0; i < catalog.n_servings; i++) {
        const struct ts_serving *point = &catalog.servings[i];
        struct ts_efficiency_case on;
        if (!ts_efficiency_serving_case(&on, &catalog, point) || !ts_efficiency_engine(&catalog, point->engine)) {
            fail_msg("row %zu: %s, %s, %s, %s", i + 2, point->hardware, point->model, point->quant, point->engine);
        }
    }
    ts_arena_deinit(&arena);
}

static void test_published__every_row_of_the_hardware_catalog_has_a_class_unless_no_roofline_fits_it(void **state)
{
    (void)state;
    struct ts_arena arena;
    struct ts_catalog catalog;
    size_t without = 0;
    ts_arena_init(&arena);
    assert_int_equal(ts_catalog_load(&catalog, &arena, NULL), TS_OK);
    for (size_t i = 0; i < catalog.n_hardware; i++) {
        without += ts_catalog_chip(&catalog, catalog.hardware[i].name) == NULL;
    }
    assert_int_equal(without, 2); /* weights in SRAM: Groq, Cerebras */
    for (size_t i = 0; i < catalog.n_chips; i++) {
        assert_true(catalog.chips[i].bytes_per_s > 0.0 || ts_catalog_hardware(&catalog, catalog.chips[i].name));
    }
    ts_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published__the_catalog_is_what_the_measurements_say),
        cmocka_unit_test(test_published__the_recorded_serving_points_are_what_the_recordings_say),
        cmocka_unit_test(test_published__the_pools_are_what_the_recordings_say),
        cmocka_unit_test(test_published__every_name_is_in_the_catalogs_and_every_peak_is_known),
        cmocka_unit_test(test_published__every_row_of_the_hardware_catalog_has_a_class_unless_no_roofline_fits_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
