/* Recorded servers at their most, simulated. --verbose prints the table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "study/saturated_check.h"
#include "tests/published_catalog.h"

static double *ratios;

static int setup(void **state)
{
    if (load_published_catalog(state) != 0) {
        return -1;
    }
    ratios = calloc(catalog.n_saturated, sizeof *ratios);
    return ratios && ts_saturated_check(ratios, &catalog, NULL) == TS_OK ? 0 : -1;
}

static int teardown(void **state)
{
    free(ratios);
    return unload_catalog(state);
}

static void test_saturated_check__the_most_is_predicted_from_catalog_names(void **state)
{
    (void)state;
    struct ts_text text;
    ts_text_init(&text);
    ts_saturated_print(&text, &catalog, ratios);
    printf("%s", text.data); /* longer than print_message takes */
    ts_text_deinit(&text);
    assert_int_equal(catalog.n_saturated, 32);
    for (size_t i = 0; i < catalog.n_saturated; i++) {
        assert_true(ratios[i] > 0.5 && ratios[i] < 2.0);
    }
    assert_true(ts_saturated_error(ratios, catalog.n_saturated, 0.5) < 0.2);
    assert_true(ts_saturated_error(ratios, catalog.n_saturated, 0.9) < 0.6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_saturated_check__the_most_is_predicted_from_catalog_names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
