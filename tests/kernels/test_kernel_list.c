/* Choosing a variant: a pure function of features and name. */
#include "kernels_test.h"

#include <string.h>

#include "kernels/bench/bench.h"
#include "kernels/cpu.h"
#include "kernels/kernel.h"

static const uint32_t everything = 0xFFFFFFFFU;

static void test_kernel_list__ends_with_the_reference_that_needs_nothing_and_does_all_formats(void **state)
{
    (void)state;
    const struct ts_kernel *last = ts_kernel_at(ts_kernel_count() - 1);
    assert_string_equal(last->name, "ref");
    assert_int_equal(last->needs, 0);
    for (int q = 0; q < TS_QUANT_COUNT; q++) {
        assert_non_null(ts_kernel_format(last, (enum ts_quant)q));
    }
}

static void test_kernel_list__first_that_has_features_and_format_is_chosen(void **state)
{
    (void)state;
    const char *why;
    for (int q = 0; q < TS_QUANT_COUNT; q++) {
        assert_string_equal(ts_kernel_select(0, (enum ts_quant)q, NULL, &why)->name, "ref");
        assert_string_equal(why, "nothing faster runs on this machine");
        const struct ts_kernel *best = ts_kernel_select(everything, (enum ts_quant)q, NULL, &why);
        for (size_t k = 0; ts_kernel_at(k) != best; k++) {
            assert_null(ts_kernel_format(ts_kernel_at(k), (enum ts_quant)q));
        }
    }
}

static void test_kernel_list__a_variant_is_never_chosen_without_one_of_its_features(void **state)
{
    (void)state;
    for (size_t k = 0; k < ts_kernel_count(); k++) {
        const struct ts_kernel *kernel = ts_kernel_at(k);
        for (int bit = 0; bit < TS_CPU_FEATURE_COUNT; bit++) {
            if (kernel->needs >> bit & 1U) {
                assert_null(ts_kernel_select(everything & ~(1U << bit), kernel->formats[0].quant, kernel->name, NULL));
            }
        }
    }
}

static void test_kernel_list__going_on_from_a_variant_visits_all_that_can_do_it_best_first(void **state)
{
    (void)state;
    for (int q = 0; q < TS_QUANT_COUNT; q++) {
        const struct ts_kernel *kernel = NULL;
        for (size_t k = 0; k < ts_kernel_count(); k++) {
            if (ts_kernel_format(ts_kernel_at(k), (enum ts_quant)q)) {
                kernel = ts_kernel_after(kernel, everything, (enum ts_quant)q);
                assert_ptr_equal(kernel, ts_kernel_at(k));
                const struct ts_kernel *without = ts_kernel_after(NULL, kernel->needs, (enum ts_quant)q);
                assert_true((without->needs & ~kernel->needs) == 0);
            }
        }
        assert_string_equal(kernel->name, "ref");
        assert_null(ts_kernel_after(kernel, everything, (enum ts_quant)q));
        assert_string_equal(ts_kernel_after(NULL, 0, (enum ts_quant)q)->name, "ref");
    }
}

static void test_kernel_list__a_name_is_obeyed_or_refused_with_a_reason(void **state)
{
    (void)state;
    const char *why;
    for (size_t k = 0; k < ts_kernel_count(); k++) {
        const struct ts_kernel *kernel = ts_kernel_at(k);
        assert_ptr_equal(ts_kernel_select(everything, kernel->formats[0].quant, kernel->name, &why), kernel);
        assert_string_equal(why, "asked for by name");
        if (kernel->needs != 0) {
            assert_null(ts_kernel_select(0, kernel->formats[0].quant, kernel->name, &why));
            assert_string_equal(why, "this machine lacks what it needs");
        }
    }
    assert_null(ts_kernel_select(everything, TS_QUANT_Q4_0, "abacus", &why));
    assert_string_equal(why, "there is no variant of that name");
}

static void test_kernel_list__texts_say_what_the_tables_say(void **state)
{
    (void)state;
    struct ts_kernel_info infos[32];
    size_t n = ts_kernel_list(infos, 32);
    assert_int_equal(n, ts_kernel_count());
    int n_chosen = 0;
    for (size_t k = 0; k < n; k++) {
        const struct ts_kernel *kernel = ts_kernel_at(k);
        assert_string_equal(infos[k].name, kernel->name);
        char formats[128] = "";
        for (int q = 0; q < TS_QUANT_COUNT; q++) {
            if (ts_kernel_format(kernel, (enum ts_quant)q)) {
                strcat(formats, formats[0] ? " " : "");
                strcat(formats, ts_quant_format((enum ts_quant)q)->name);
            }
        }
        assert_string_equal(infos[k].formats, formats);
        assert_int_equal(strncmp(kernel->needs_text, "needs ", 6), 0);
        n_chosen += infos[k].chosen;
        assert_true(!infos[k].chosen || infos[k].supported);
        assert_string_equal(infos[k].why, infos[k].chosen      ? "best supported"
                                          : infos[k].supported ? "supported"
                                                               : kernel->needs_text);
    }
    assert_int_equal(n_chosen, 1);
    assert_int_equal(ts_kernel_list(infos, 1), 1);
}

static void test_kernel_list__ways_to_compute_fit_each_other(void **state)
{
    (void)state;
    for (size_t k = 0; k < ts_kernel_count(); k++) {
        const struct ts_kernel *kernel = ts_kernel_at(k);
        for (size_t i = 0; i < kernel->n_formats; i++) {
            const struct ts_kernel_format *format = &kernel->formats[i];
            assert_true(format->direct_tok >= 1 && format->direct_tok <= TS_KERNEL_MAX_TILE_TOK && format->direct);
            assert_true(format->group_rows <= TS_KERNEL_MAX_GROUP_ROWS &&
                        format->act->block_bytes <= TS_ACT_MAX_BLOCK_BYTES);
            if (format->few_tok > 0) {
                assert_true(format->few && format->few_act && format->few_act->block_bytes <= TS_ACT_MAX_BLOCK_BYTES);
                assert_true(format->few_tok <= format->direct_tok);
                assert_true(format->wide_min_tok == 0 || format->few_tok < format->wide_min_tok);
            }
            if (format->wide_min_tok > 0) {
                assert_true(format->wide && format->wide_tok >= 1 && format->wide_tok <= TS_KERNEL_MAX_TILE_TOK);
            }
            assert_true(!format->enter == !format->leave);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kernel_list__ends_with_the_reference_that_needs_nothing_and_does_all_formats),
        cmocka_unit_test(test_kernel_list__first_that_has_features_and_format_is_chosen),
        cmocka_unit_test(test_kernel_list__a_variant_is_never_chosen_without_one_of_its_features),
        cmocka_unit_test(test_kernel_list__going_on_from_a_variant_visits_all_that_can_do_it_best_first),
        cmocka_unit_test(test_kernel_list__a_name_is_obeyed_or_refused_with_a_reason),
        cmocka_unit_test(test_kernel_list__texts_say_what_the_tables_say),
        cmocka_unit_test(test_kernel_list__ways_to_compute_fit_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
