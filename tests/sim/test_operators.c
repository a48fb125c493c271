/* Tables of operators: values by hand, edges, and that the pieces of a run are those of single steps. */
#include "tests/sim/sim_world.h"

#include "sim/serving/operators.h"

static const double chunk_at[] = {0, 16, 32};
static const double past_at[] = {0, 100};
static const double decode_at[] = {0, 1, 3};
static const double kv_at[] = {100, 300, 500};

/* [CHUNK 3][PAST 2][DECODE 3][KV 3], in units of 1 s: large numbers, so that a test reads easily. */
static const double attention_s[3 * 2 * 3 * 3] = {
    0,  0,  0,  10, 20, 60, 30, 60, 90,  /* no chunk: the past does not matter */
    0,  0,  0,  10, 20, 60, 30, 60, 90,  /* */
    8,  8,  8,  16, 26, 66, 36, 66, 96,  /* chunk 16, past 0 */
    12, 12, 12, 20, 30, 70, 40, 70, 100, /* chunk 16, past 100 */
    24, 24, 24, 30, 40, 80, 50, 80, 110, /* chunk 32, past 0 */
    40, 40, 40, 46, 56, 96, 66, 96, 126, /* chunk 32, past 100 */
};

static const double tokens[] = {1, 2, 4};
static const double token_s[] = {1, 3, 4};
static const double sequences[] = {1, 5};
static const double sequence_s[] = {0.5, 0.7};

static struct ts_steps_operators attention_alone(void)
{
    return (struct ts_steps_operators){.axes = {{chunk_at, 3}, {past_at, 2}, {decode_at, 3}, {kv_at, 3}},
                                       .attention_s = attention_s};
}

static double step_s(const struct ts_steps_operators *ops, struct ts_batch_load load)
{
    const struct ts_steps_model model = {.kind = TS_STEPS_OPERATORS, .u.operators = ops};
    return ts_steptime_s(&model, &load);
}

static void test_curve__is_linear_between_knots_and_beyond_the_last(void **state)
{
    (void)state;
    const struct ts_curve curve = {.x = tokens, .y = token_s, .n = 3};
    static const struct {
        double x, y;
    } rows[] = {{0, 1}, {1, 1}, {1.5, 2}, {2, 3}, {3, 3.5}, {4, 4}, {6, 5}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        world_assert_near(ts_curve_at(&curve, rows[i].x), rows[i].y, 1e-12);
    }
    const struct ts_curve empty = {.n = 0};
    const struct ts_curve single = {.x = tokens, .y = token_s, .n = 1};
    assert_true(ts_curve_at(&empty, 3.0) == 0.0);
    assert_true(ts_curve_at(&single, 3.0) == 1.0);
}

/* The worked number of operators.c, then the third piece of n = 1, the extrapolation and the first value below. */
static void test_operators__decode_is_linear_in_both_its_axes(void **state)
{
    (void)state;
    const struct ts_steps_operators ops = attention_alone();
    static const struct {
        uint32_t n;
        uint64_t kv;
        double s;
    } rows[] = {{2, 400, 30}, {1, 100, 10}, {1, 300, 20},  {1, 400, 40},   {1, 600, 80},   {1, 20, 10},
                {3, 300, 30}, {3, 900, 60}, {3, 1500, 90}, {5, 1500, 100}, {2, 700, 48.75}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        world_assert_near(step_s(&ops, ts_steptime_decode_load(rows[i].n, rows[i].kv)), rows[i].s, 1e-12);
    }
}

/* 16 tokens after 50: between 8 and 12; 24 after 0: between 8 and 24; beside one sequence that reads 300: 26, 40. */
static void test_operators__a_chunk_is_linear_in_its_length_and_its_past(void **state)
{
    (void)state;
    const struct ts_steps_operators ops = attention_alone();
    const struct ts_batch_load behind = {.n_seqs = 1, .prefill_tok = 16, .prefill_pairs = ts_steptime_pairs(50, 16)};
    const struct ts_batch_load half = {.n_seqs = 1, .prefill_tok = 24, .prefill_pairs = ts_steptime_pairs(0, 24)};
    struct ts_batch_load mixed = half;
    mixed.n_decode = 1;
    mixed.kv_read_tok = 300.0;
    world_assert_near(step_s(&ops, behind), 10.0, 1e-12);
    world_assert_near(step_s(&ops, half), 16.0, 1e-12);
    world_assert_near(step_s(&ops, mixed), 33.0, 1e-12);
}

/* Two prompts of 16: 2 x 8 rather than the 24 of one of 32. Beside a sequence that takes 20 alone, one adds 6: 32, not
 * 40. Many prompts of one token never take more than one of all. */
static void test_operators__short_prompts_take_less_than_one_long(void **state)
{
    (void)state;
    const struct ts_steps_operators ops = attention_alone();
    struct ts_batch_load two = {.n_seqs = 2, .prefill_tok = 32, .prefill_pairs = 2.0 * ts_steptime_pairs(0, 16)};
    world_assert_near(step_s(&ops, two), 16.0, 1e-12);
    two.n_decode = 1;
    two.kv_read_tok = 300.0;
    world_assert_near(step_s(&ops, two), 32.0, 1e-12);
    const struct ts_batch_load many = {.n_seqs = 32, .prefill_tok = 32, .prefill_pairs = 32.0};
    world_assert_near(step_s(&ops, many), 16.0, 1e-12);
}

static void test_operators__all_tables_and_the_host_add_up(void **state)
{
    (void)state;
    struct ts_steps_operators ops = attention_alone();
    ops.fixed_s = 0.25;
    ops.per_tok_s = (struct ts_curve){.x = tokens, .y = token_s, .n = 3};
    ops.per_seq_s = (struct ts_curve){.x = sequences, .y = sequence_s, .n = 2};
    const struct ts_batch_load load = ts_steptime_decode_load(3, 900);
    const double alone_s = 0.25 + 3.5 + 0.6 + 60.0;
    world_assert_near(step_s(&ops, load), alone_s, 1e-12);
    struct ts_steps_model model = {
        .kind = TS_STEPS_OPERATORS, .u.operators = &ops, .host = {.fixed_s = 70.0, .per_seq_s = 1.0}};
    world_assert_near(ts_steptime_s(&model, &load), alone_s + 73.0, 1e-12);
    model.host.overlaps = true;
    world_assert_near(ts_steptime_s(&model, &load), 73.0, 1e-12);
    model.host.fixed_s = 1.0;
    world_assert_near(ts_steptime_s(&model, &load), alone_s, 1e-12);
}

static void check_lines(const struct ts_steps_operators *ops, double max_tok, double first_until)
{
    const struct ts_steps_model model = {.kind = TS_STEPS_OPERATORS, .u.operators = ops};
    for (uint32_t n = 2; n <= 7; n++) {
        struct ts_batch_load load = ts_steptime_decode_load(n, n);
        load.kv_max_tok = max_tok;
        struct ts_step_line line = ts_steptime_line(&model, &load);
        uint32_t n_lines = 1;
        assert_true(line.until_kv < n * first_until);
        for (; load.kv_read_tok < n * 1500.0; load.kv_read_tok += n, load.kv_max_tok += 1.0) {
            if (load.kv_read_tok > line.until_kv) {
                line = ts_steptime_line(&model, &load);
                n_lines++;
            }
            world_assert_near(ts_step_line_s(&line, load.kv_read_tok), ts_steptime_s(&model, &load), 1e-12);
        }
        assert_int_equal(n_lines, 3);
    }
}

static void test_operators__a_run_of_unlike_sequences_or_ranks_is_made_of_single_steps(void **state)
{
    (void)state;
    static const double n_at[] = {2, 100};
    static const double alpha[] = {0.5, 0.5};
    struct ts_steps_operators ops = attention_alone();
    ops.unlike = (struct ts_curve){.x = n_at, .y = alpha, .n = 2};
    check_lines(&ops, 151.0, 30.0); /* halfway to the first knot: the mean is 75 ahead */
    ops.data_parallel = 2;
    check_lines(&ops, 1.0, 101.0);
}

static void test_operators__a_run_along_lines_is_made_of_single_steps(void **state)
{
    (void)state;
    const struct ts_steps_operators ops = attention_alone();
    const struct ts_steps_model model = {.kind = TS_STEPS_OPERATORS, .u.operators = &ops};
    for (uint32_t n = 1; n <= 7; n++) {
        struct ts_batch_load load = ts_steptime_decode_load(n, n);
        struct ts_step_line line = ts_steptime_line(&model, &load);
        uint32_t n_lines = 1;
        for (; load.kv_read_tok < n * 700.0; load.kv_read_tok += n) {
            if (load.kv_read_tok > line.until_kv) {
                line = ts_steptime_line(&model, &load);
                n_lines++;
            }
            assert_true(ts_step_line_s(&line, load.kv_read_tok) == ts_steptime_s(&model, &load));
        }
        assert_int_equal(n_lines, 3);
    }
}

/* The worked number of operators.c. At three sequences alpha is 0: beyond, the last holds. */
static void test_operators__sequences_of_unlike_length_take_longer_than_equals(void **state)
{
    (void)state;
    static const double n_at[] = {2, 3};
    static const double alpha[] = {0.5, 0.0};
    struct ts_steps_operators ops = attention_alone();
    ops.unlike = (struct ts_curve){.x = n_at, .y = alpha, .n = 2};
    struct ts_batch_load load = ts_steptime_decode_load(2, 400);
    world_assert_near(step_s(&ops, load), 30.0, 1e-12);
    load.kv_max_tok = 250.0;
    world_assert_near(step_s(&ops, load), 32.5, 1e-12);
    load.kv_max_tok = 200.0;
    world_assert_near(step_s(&ops, load), 30.0, 1e-12);
    load = ts_steptime_decode_load(4, 1200);
    load.kv_max_tok = 900.0;
    const struct ts_batch_load equals = ts_steptime_decode_load(4, 1200);
    assert_true(step_s(&ops, load) == step_s(&ops, equals));
    load = ts_steptime_decode_load(2, 400);
    load.kv_max_tok = 250.0;
    load.prefill_tok = 16;
    load.n_seqs = 3;
    load.prefill_pairs = ts_steptime_pairs(0, 16);
    const double without_s = step_s(&ops, load);
    ops.unlike_mixed = ops.unlike;
    world_assert_near(step_s(&ops, load), without_s + 2.5, 1e-12);
}

/* Two ranks of two sequences each take what one of them takes; a prompt is on one rank; experts see all tokens. */
static void test_operators__ranks_step_together(void **state)
{
    (void)state;
    struct ts_steps_operators ops = attention_alone();
    ops.per_tok_s = (struct ts_curve){.x = tokens, .y = token_s, .n = 3};
    ops.per_seq_s = (struct ts_curve){.x = sequences, .y = sequence_s, .n = 2};
    const double alone_s = step_s(&ops, ts_steptime_decode_load(2, 400));
    const double prompt_s = step_s(&ops, ts_steptime_prompt_load(16));
    ops.data_parallel = 2;
    world_assert_near(step_s(&ops, ts_steptime_decode_load(4, 800)), alone_s, 1e-12);
    world_assert_near(step_s(&ops, ts_steptime_prompt_load(16)), prompt_s, 1e-12);
    struct ts_batch_load two = ts_steptime_prompt_load(32);
    two.n_seqs = 2;
    two.prefill_pairs = 2.0 * ts_steptime_pairs(0, 16);
    world_assert_near(step_s(&ops, two), prompt_s, 1e-12);
    ops.experts_s = (struct ts_curve){.x = tokens, .y = token_s, .n = 3};
    ops.joined_s_per_tok = 0.125;
    world_assert_near(step_s(&ops, ts_steptime_decode_load(4, 800)), alone_s + 4.0 + 2.0 * 0.125, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_curve__is_linear_between_knots_and_beyond_the_last),
        cmocka_unit_test(test_operators__decode_is_linear_in_both_its_axes),
        cmocka_unit_test(test_operators__a_chunk_is_linear_in_its_length_and_its_past),
        cmocka_unit_test(test_operators__short_prompts_take_less_than_one_long),
        cmocka_unit_test(test_operators__all_tables_and_the_host_add_up),
        cmocka_unit_test(test_operators__a_run_along_lines_is_made_of_single_steps),
        cmocka_unit_test(test_operators__sequences_of_unlike_length_take_longer_than_equals),
        cmocka_unit_test(test_operators__ranks_step_together),
        cmocka_unit_test(test_operators__a_run_of_unlike_sequences_or_ranks_is_made_of_single_steps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
