/* What is drawn of a trace, on traces whose answers are known by hand. */
#include "traces/trace_shape.h"

#include "tests/traces/traces_test.h"
#include "traces/trace.h"

static const int64_t second = 1000000000;

static void shape_of(struct ts_trace_shape *shape, const char *text)
{
    struct temp_file file;
    struct ts_request_stream *stream = NULL;
    struct ts_trace_stats stats;
    const struct ts_trace_options how = {.format = "auto"};
    write_text(&file, text);
    assert_int_equal(ts_trace_open_as(&stream, file.path, &how, NULL), TS_OK);
    assert_int_equal(ts_trace_shape_collect(shape, &stats, stream, NULL), TS_OK);
    ts_request_stream_destroy(stream);
    ts_trace_stats_deinit(&stats);
    remove_file(&file);
}

/* 2,000 s in bins of 4 s: of three calls two are in the first bin, one in the last, number 500. */
static void test_shape__bins_widen_with_the_trace(void **state)
{
    (void)state;
    struct ts_trace_shape shape;
    shape_of(&shape, "time,in,out\n0,10,1\n3.5,20,2\n2000,40,4\n");
    assert_int_equal(shape.bin_ns, 4 * second);
    assert_int_equal(shape.n_bins, 501);
    assert_int_equal(shape.bins[0].n, 2);
    assert_near(shape.bins[0].prompt_tok, 30.0, 0.0);
    assert_int_equal(shape.bins[500].n, 1);
    assert_near(shape.bins[500].output_tok, 4.0, 0.0);
    assert_int_equal(shape.bins[1].n + shape.bins[250].n, 0);
    assert_false(shape.is_dated);
    ts_trace_shape_deinit(&shape);
}

/* 2026-03-02 is a Monday: from 8:30 to 10:15 it covers half of hour 8, hour 9, and a quarter of hour 10. */
static void test_shape__hours_of_the_week_are_those_covered(void **state)
{
    (void)state;
    struct ts_trace_shape shape;
    shape_of(&shape, "time,in,out\n2026-03-02 08:30:00,1,1\n2026-03-02 08:59:59,1,1\n2026-03-02 10:15:00,1,1\n");
    assert_true(shape.is_dated);
    assert_int_equal(shape.n_of_hour[8], 2);
    assert_int_equal(shape.n_of_hour[9], 0);
    assert_int_equal(shape.n_of_hour[10], 1);
    assert_near(shape.hours_of_hour[7], 0.0, 0.0);
    assert_near(shape.hours_of_hour[8], 0.5, 1e-12);
    assert_near(shape.hours_of_hour[9], 1.0, 1e-12);
    assert_near(shape.hours_of_hour[10], 0.25, 1e-12);
    ts_trace_shape_deinit(&shape);
}

/* A session of three calls over 30 s, one of one. Of 16 tokens' blocks the second prompt finds the first one's. */
static void test_shape__sessions_and_what_they_share(void **state)
{
    (void)state;
    struct ts_trace_shape shape;
    shape_of(&shape, "time,in,out,session\n0,16,16,a\n10,48,16,a\n15,160,1,b\n30,80,16,a\n");
    assert_int_equal(shape.n_sessions, 2);
    assert_near(ts_hist_mean(&shape.turns), 2.0, 1e-12);
    assert_near((double)shape.turns.max, 3.0, 0.0);
    assert_near((double)shape.length_ns.max, 30e9, 0.0);
    assert_near(ts_hist_mean(&shape.pause_ns), 15e9, 1.0);
    assert_int_equal(shape.block_tok, 16);
    /* found: 32 of 48 and 64 of 80, of 304 in all */
    assert_near(ts_reuse_hit_frac(shape.reuse, INFINITY), 96.0 / 304.0, 1e-12);
    ts_trace_shape_deinit(&shape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shape__bins_widen_with_the_trace),
        cmocka_unit_test(test_shape__hours_of_the_week_are_those_covered),
        cmocka_unit_test(test_shape__sessions_and_what_they_share),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
