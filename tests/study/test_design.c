/* Axes as people write them, and which points a design makes of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "study/design.h"

static struct ts_arena arena;

static int set_up(void **state)
{
    (void)state;
    ts_arena_init(&arena);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ts_arena_deinit(&arena);
    return 0;
}

static struct ts_axis parse(const char *text)
{
    struct ts_axis axis;
    bool is_axis = false;
    assert_int_equal(ts_axis_parse(&axis, &is_axis, text, ts_span_none(), &arena, NULL), TS_OK);
    assert_true(is_axis);
    return axis;
}

static void assert_values(const char *text, const char *values)
{
    const struct ts_axis axis = parse(text);
    struct ts_text all;
    ts_text_init(&all);
    for (uint32_t i = 0; i < axis.n; i++) {
        ts_text_printf(&all, "%s%s", i > 0 ? "|" : "", strchr(axis.settings[i], '=') + 1);
    }
    assert_string_equal(all.data, values);
    ts_text_deinit(&all);
}

static void assert_no_axis(const char *text)
{
    struct ts_axis axis;
    bool is_axis = true;
    assert_int_equal(ts_axis_parse(&axis, &is_axis, text, ts_span_none(), &arena, NULL), TS_OK);
    assert_false(is_axis);
}

static void assert_refused(const char *text, const char *because)
{
    struct ts_axis axis;
    bool is_axis;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_axis_parse(&axis, &is_axis, text, ts_span_none(), &arena, &diags), TS_EUSAGE);
    assert_non_null(strstr(diags.items[0].message, because));
    ts_diags_deinit(&diags);
}

static void test_axis__lists_and_steps(void **state)
{
    (void)state;
    assert_values("a.b=1,2,4", "1|2|4");
    assert_values("a= 1 , 2", "1|2");
    assert_values("a=0.1:0.9:0.2", "0.1|0.3|0.5|0.7|0.9");
    assert_values("a=1:64:*4", "1|4|16|64");
    assert_values("a=4:1:-1", "4|3|2|1");
    assert_values("a=1:2:0.4", "1.0|1.4|1.8");
    assert_values("a=10 k/day:30 k/day:10 k/day", "10 k/day|20 k/day|30 k/day");
    assert_values("a=10 %:30:10", "10 %|20 %|30 %");
    assert_values("a=1e-3:3e-3:1e-3", "0.001|0.002|0.003");
    assert_values("a=0,1:3:1,8", "0|1|2|3|8");
    assert_values("a=[x, y],{b: 1, c: 2},'p,q'", "[x, y]|{b: 1, c: 2}|'p,q'");
    assert_values("a=FP8,INT4", "FP8|INT4");
}

static void test_axis__one_value_is_none(void **state)
{
    (void)state;
    assert_no_axis("a=4");
    assert_no_axis("a=[edge, cloud]");
    assert_no_axis("workload.start=Monday 08:00");
    assert_no_axis("limits.attainment=>= 99 %");
    assert_no_axis("nothing");
}

static void test_axis__ranges(void **state)
{
    (void)state;
    const struct ts_axis plain = parse("a=0.2:0.6"), whole = parse("a=1:4"), log = parse("a=1 s:100 s:log"),
                         unit = parse("a=10 %:90 %");
    assert_null(plain.settings);
    assert_string_equal(ts_axis_at(&plain, 0.25, &arena), "a=0.3");
    assert_string_equal(ts_axis_at(&whole, 0.0, &arena), "a=1");
    assert_string_equal(ts_axis_at(&whole, 0.999999, &arena), "a=4");
    assert_string_equal(ts_axis_at(&unit, 0.5, &arena), "a=50 %");
    assert_true(log.is_log && log.is_whole);
}

static void test_axis__mistakes(void **state)
{
    (void)state;
    assert_refused("a=1,,2", "a value is missing");
    assert_refused("a=1,2,1", "the same value twice");
    assert_refused("a=1:9:-1", "do not lead");
    assert_refused("a=1:9:0", "do not lead");
    assert_refused("a=0:9:*2", "do not lead");
    assert_refused("a=1 s:900 ms:1 s", "different units");
    assert_refused("a=0:1e9:1", "more than 100,000");
    assert_refused("a=2:1", "not below");
    assert_refused("a=0:1:log", "logarithm");
}

static struct ts_design make(struct ts_design_spec *spec)
{
    struct ts_design design;
    assert_int_equal(ts_design_make(&design, spec, &arena, NULL), TS_OK);
    return design;
}

static void assert_point(const struct ts_design *design, uint32_t i, const char *key)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_design_put_key(&text, design, i);
    assert_string_equal(text.data, key);
    ts_text_deinit(&text);
}

static void test_design__grid_and_list(void **state)
{
    (void)state;
    struct ts_design_spec spec = {.axes = {parse("b=1,2"), parse("a=x,y,z")}, .n_axes = 2};
    const struct ts_design grid = make(&spec);
    assert_int_equal(grid.n, 6);
    assert_point(&grid, 0, "a=x\nb=1");
    assert_point(&grid, 1, "a=y\nb=1");
    assert_point(&grid, 5, "a=z\nb=2");
    spec.kind = TS_DESIGN_LIST;
    struct ts_design design;
    assert_int_equal(ts_design_make(&design, &spec, &arena, NULL), TS_EUSAGE);
    spec.axes[0] = parse("b=1,2,3");
    const struct ts_design list = make(&spec);
    assert_int_equal(list.n, 3);
    assert_point(&list, 2, "a=z\nb=3");
    spec.n_axes = 0;
    spec.kind = TS_DESIGN_GRID;
    assert_int_equal(make(&spec).n, 1);
}

static double number_of(const struct ts_design *design, uint32_t i, uint32_t axis)
{
    return atof(strchr(ts_design_point(design, i)[axis], '=') + 1);
}

/* Of n parts of each axis every one has a point, and another seed puts them elsewhere. */
static void test_design__a_latin_hypercube_has_a_point_in_each_part(void **state)
{
    (void)state;
    enum { N = 50 };
    struct ts_design_spec spec = {
        .kind = TS_DESIGN_LHS, .axes = {parse("a=0.0:1.0"), parse("b=0.0:1.0")}, .n_axes = 2, .n_points = N, .seed = 1};
    struct ts_design_spec reseeded = spec;
    const struct ts_design design = make(&spec);
    reseeded.seed = 2;
    const struct ts_design other = make(&reseeded);
    assert_int_equal(design.n, N);
    bool differs = false;
    for (uint32_t a = 0; a < 2; a++) {
        bool seen[N] = {false};
        for (uint32_t i = 0; i < N; i++) {
            seen[(int)(number_of(&design, i, a) * N)] = true;
            differs = differs || number_of(&design, i, a) != number_of(&other, i, a);
        }
        for (int part = 0; part < N; part++) {
            assert_true(seen[part]);
        }
    }
    assert_true(differs);
}

/* Sobol's sequence begins 1/2, 3/4, 1/4 in the first dimension and 1/2, 1/4, 3/4 in the second. */
static void test_design__sobol(void **state)
{
    (void)state;
    struct ts_design_spec spec = {
        .kind = TS_DESIGN_SOBOL, .axes = {parse("a=0.0:1.0"), parse("b=0.0:1.0")}, .n_axes = 2, .n_points = 3};
    const struct ts_design design = make(&spec);
    const double a[] = {0.5, 0.75, 0.25}, b[] = {0.5, 0.25, 0.75};
    for (uint32_t i = 0; i < 3; i++) {
        assert_true(number_of(&design, i, 0) == a[i] && number_of(&design, i, 1) == b[i]);
    }
}

static void test_design__points_that_come_out_alike_are_one(void **state)
{
    (void)state;
    struct ts_design_spec spec = {
        .kind = TS_DESIGN_SOBOL, .axes = {parse("a=1:2"), parse("b=x,y")}, .n_axes = 2, .n_points = 64};
    const struct ts_design design = make(&spec);
    assert_int_equal(design.n, 4);
    assert_point(&design, 0, "a=2\nb=y"); /* 1/2, 1/2 is the first */
}

static void test_design__mistakes(void **state)
{
    (void)state;
    struct ts_design design;
    struct ts_design_spec spec = {.axes = {parse("a=0.0:1.0")}, .n_axes = 1};
    assert_int_equal(ts_design_make(&design, &spec, &arena, NULL), TS_EUSAGE); /* a range has no end of values */
    spec.kind = TS_DESIGN_LHS;
    assert_int_equal(ts_design_make(&design, &spec, &arena, NULL), TS_EUSAGE); /* how many points? */
    struct ts_design_spec large = {.axes = {parse("a=1:2000:1"), parse("b=1:2000:1")}, .n_axes = 2};
    assert_int_equal(ts_design_make(&design, &large, &arena, NULL), TS_EUSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_axis__lists_and_steps),
        cmocka_unit_test(test_axis__one_value_is_none),
        cmocka_unit_test(test_axis__ranges),
        cmocka_unit_test(test_axis__mistakes),
        cmocka_unit_test(test_design__grid_and_list),
        cmocka_unit_test(test_design__a_latin_hypercube_has_a_point_in_each_part),
        cmocka_unit_test(test_design__sobol),
        cmocka_unit_test(test_design__points_that_come_out_alike_are_one),
        cmocka_unit_test(test_design__mistakes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
