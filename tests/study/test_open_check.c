/* Recorded stages of open loops, simulated: what the prediction of nobody's fit is worth. --verbose prints the table.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "study/open_check.h"
#include "tests/published_catalog.h"

static struct ts_open_ratio *ratios;

static int setup(void **state)
{
    if (load_published_catalog(state) != 0) {
        return -1;
    }
    ratios = calloc(catalog.n_open_stages, sizeof *ratios);
    return ratios && ts_open_check(ratios, &catalog, NULL) == TS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    free(ratios);
    return unload_catalog(state);
}

static size_t first_of(const char *source)
{
    size_t i = 0;
    while (i + 1 < catalog.n_open_stages && !ts_str_equal(catalog.open_stages[i].source, source)) {
        i++;
    }
    return i;
}

static void assert_within(enum ts_open_measure measure, enum ts_open_label label, size_t stage, double median,
                          double p90)
{
    const struct ts_open_error e = ts_open_error(&catalog, ratios, measure, label, stage);
    if (e.median > median || e.p90 > p90) {
        fail_msg("measure %d, %zu stages: %.3f / %.3f, at most %.3f / %.3f", (int)measure, e.n, e.median, e.p90, median,
                 p90);
    }
}

static void test_open_check__stages_are_predicted_from_catalog_names(void **state)
{
    (void)state;
    struct ts_text text;
    ts_text_init(&text);
    ts_open_print(&text, &catalog, ratios);
    printf("%s", text.data); /* longer than print_message takes */
    ts_text_deinit(&text);
    assert_int_equal(catalog.n_open_stages, 96);
    assert_within(TS_OPEN_E2E, TS_OPEN_ALL, 0, 0.08, 0.20);
    assert_within(TS_OPEN_TTFT, TS_OPEN_ALL, 0, 0.13, 0.40);
    assert_within(TS_OPEN_TTFT_P90, TS_OPEN_ALL, 0, 0.10, 0.40);
    assert_within(TS_OPEN_TPOT, TS_OPEN_ALL, 0, 0.08, 0.20);
}

/* The 57 stages of the last source, most of them on H100, and 12 on A100 and L40S. */
static void test_open_check__the_source_apart_is_no_worse(void **state)
{
    (void)state;
    const size_t apart = first_of("sim-to-real@7f3b270 results_iter36");
    assert_within(TS_OPEN_E2E, TS_OPEN_SOURCE, apart, 0.07, 0.20);
    assert_within(TS_OPEN_TTFT, TS_OPEN_SOURCE, apart, 0.13, 0.40);
}

/* (e2e - ttft)/(output - 1), and a p90 that is not below the median. */
static void test_open_check__rows_are_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < catalog.n_open_stages; i++) {
        const struct ts_open_stage *s = &catalog.open_stages[i];
        assert_true(s->e2e_s > s->ttft_s && s->e2e_p90_s > 0.9 * s->e2e_s && s->e2e_s < 60.0);
        for (int m = 0; m < TS_OPEN_N_MEASURES; m++) {
            assert_true(isfinite(ratios[i].of[m]) && ratios[i].of[m] > 0.05 && ratios[i].of[m] < 20.0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_open_check__stages_are_predicted_from_catalog_names),
        cmocka_unit_test(test_open_check__the_source_apart_is_no_worse),
        cmocka_unit_test(test_open_check__rows_are_sound),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
