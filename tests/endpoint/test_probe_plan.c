/* The requests of a trace that a probe sends. */
#include "endpoint/probe_plan.h"

#include <string.h>

#include "base/text.h"
#include "tests/traces/traces_test.h"
#include "traces/trace.h"

/* 9,000 rows in order, under names of their own, and one after them that is of the beginning: it shows later than the
 * rows that are looked at before any is handed out. */
static void test_probe_plan__a_file_out_of_order_late_is_sorted(void **state)
{
    (void)state;
    enum { N = 9000 };
    struct temp_file file;
    struct ts_text text;
    struct ts_probe_plan plan;
    struct ts_trace_map map;
    struct ts_diags diags;
    char words[64];
    ts_text_init(&text);
    ts_text_puts(&text, "when;asked;told\n");
    for (int i = 0; i < N; i++) {
        ts_text_printf(&text, "%d;%d;7\n", i, 100 + i % 10);
    }
    ts_text_puts(&text, "0,5;1;9\n");
    write_text(&file, text.data);
    ts_text_deinit(&text);
    ts_diags_init(&diags);
    assert_int_equal(ts_trace_map_parse(&map, words, "time=when,in=asked,out=told", NULL), TS_OK);
    const struct ts_probe_trace trace = {.path = file.path, .map = &map, .scale_rate = 2.0};
    assert_int_equal(ts_probe_plan_trace(&plan, &trace, &diags), TS_OK);
    assert_int_equal(plan.points[0].load.n, N + 1);
    assert_int_equal(plan.points[0].asks[1].prompt_tok, 1);
    assert_int_equal(plan.points[0].asks[1].due_ns, 250000000);
    assert_int_equal(plan.points[0].asks[2].prompt_tok, 101);
    assert_int_equal(diags.n_items, 1);
    assert_non_null(strstr(diags.items[0].message, "they were sorted"));
    ts_probe_plan_deinit(&plan);
    ts_diags_deinit(&diags);
    remove_file(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe_plan__a_file_out_of_order_late_is_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
