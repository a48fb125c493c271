/* Step times: worked numbers of every kind, and what all kinds have in common. */
#include "tests/sim/sim_world.h"

#include "sim/serving/steptime.h"

static struct ts_steps_model roofline(struct ts_steps_roofline r)
{
    struct ts_steps_model model = {.kind = TS_STEPS_ROOFLINE};
    model.u.roofline = r;
    return model;
}

/* 139e9 flop a token at 1979 Tflop/s x 0.45: 0.156 ms a prompt token; 50 ms buy 320. */
static void test_steptime__a_prompt_token_of_70b_takes_156_us(void **state)
{
    (void)state;
    const struct ts_steps_model model = roofline(
        (struct ts_steps_roofline){.flop_per_tok = 139e9, .flop_per_s = 1979e12 * 0.45, .bytes_per_s = 3.35e12});
    const struct ts_batch_load one = ts_steptime_prompt_load(1);
    assert_true(fabs(ts_steptime_s(&model, &one) - 0.156e-3) < 0.0005e-3);
    const struct ts_batch_load many = ts_steptime_prompt_load(320);
    assert_true(ts_steptime_s(&model, &many) <= 0.050);
    const struct ts_batch_load more = ts_steptime_prompt_load(321);
    assert_true(ts_steptime_s(&model, &more) > 0.050);
}

/* Matmuls of 1 ms and weights of 1 ms: 2^(2/3) ms; of 8 and 0 ms: 8. */
static void test_steptime__matmuls_and_weights_overlap_in_part_where_they_blend(void **state)
{
    (void)state;
    struct ts_steps_model model = roofline((struct ts_steps_roofline){
        .flop_per_tok = 1e9, .flop_per_s = 1e12, .shared_bytes = 1e9, .bytes_per_s = 1e12, .blends = true});
    const struct ts_batch_load one = ts_steptime_prompt_load(1), eight = ts_steptime_prompt_load(8);
    assert_float_equal(ts_steptime_s(&model, &one), 1.5874e-3, 1e-7);
    model.u.roofline.shared_bytes = 0.0;
    assert_float_equal(ts_steptime_s(&model, &eight), 8e-3, 1e-12);
}

/* 16 GB of weights at 2 TB/s: 8 ms whatever the batch, until the flop take longer: 16e9 x n / 1e15 > 8 ms from n = 500
 * on. */
static void test_steptime__roofline_is_bound_by_memory_then_by_flop(void **state)
{
    (void)state;
    const struct ts_steps_model model = roofline((struct ts_steps_roofline){
        .fixed_s = 1e-3, .flop_per_tok = 16e9, .flop_per_s = 1e15, .shared_bytes = 16e9, .bytes_per_s = 2e12});
    const struct ts_batch_load small = ts_steptime_decode_load(1, 0);
    const struct ts_batch_load large = ts_steptime_prompt_load(1000);
    world_assert_near(ts_steptime_s(&model, &small), 9e-3, 1e-12);
    world_assert_near(ts_steptime_s(&model, &large), 17e-3, 1e-12);
}

/* 8 experts, 2 used: a batch of 1 touches 1/4 of the expert bytes, a batch of 2 touches 1-(3/4)^2 = 7/16. */
static void test_steptime__a_mixture_reads_the_experts_that_the_batch_touches(void **state)
{
    (void)state;
    const struct ts_steps_model model = roofline((struct ts_steps_roofline){.flop_per_tok = 1.0,
                                                                            .flop_per_s = 1e15,
                                                                            .shared_bytes = 1e9,
                                                                            .expert_bytes = 16e9,
                                                                            .experts = 8,
                                                                            .top_k = 2,
                                                                            .bytes_per_s = 1e12});
    const struct ts_batch_load one = ts_steptime_decode_load(1, 0);
    const struct ts_batch_load two = ts_steptime_decode_load(2, 0);
    world_assert_near(ts_steptime_s(&model, &one), 5e-3, 1e-12);
    world_assert_near(ts_steptime_s(&model, &two), 8e-3, 1e-12);
}

/* Ten sequences on 4 ranks: one has three, so that all but the experts is as for 12: 12 x 6 + 10 x 4 of 10 operations a
 * token; 3 tokens cross the link, and 3/10 of the entries read make 12/10 of them in all. Of three prompts a rank has
 * one. */
static void test_steptime__ranks_wait_for_the_busiest(void **state)
{
    (void)state;
    const struct ts_steps_model model = roofline((struct ts_steps_roofline){.flop_per_tok = 10.0,
                                                                            .expert_flop_per_tok = 4.0,
                                                                            .flop_per_s = 8.0,
                                                                            .bytes_per_s = 2.0,
                                                                            .kv_bytes_per_tok = 1.0,
                                                                            .attention_flop_per_pair = 1.0,
                                                                            .per_tok_s = 0.5,
                                                                            .ranks = 4});
    const struct ts_batch_load decode = {.n_seqs = 10, .n_decode = 10, .kv_read_tok = 100.0};
    assert_float_equal(ts_steptime_s(&model, &decode), (12.0 * 6.0 + 10.0 * 4.0) / 8.0 + 0.5 * 3.0 + 1.2 * 100.0 / 2.0,
                       1e-9);
    const struct ts_batch_load prompts = {.n_seqs = 3, .prefill_tok = 90, .prefill_pairs = 60.0};
    assert_float_equal(ts_steptime_s(&model, &prompts),
                       (4.0 * 30.0 * 6.0 + 90.0 * 4.0) / 8.0 + 0.5 * 30.0 + 4.0 * 20.0 / 8.0, 1e-9);
}

static void test_steptime__roofline_adds_kv_reads_and_attention(void **state)
{
    (void)state;
    const struct ts_steps_model model = roofline((struct ts_steps_roofline){.flop_per_tok = 0.0,
                                                                            .flop_per_s = 1e12,
                                                                            .bytes_per_s = 1e12,
                                                                            .kv_bytes_per_tok = 131072.0,
                                                                            .attention_flop_per_pair = 1e6});
    const struct ts_batch_load load = {
        .n_seqs = 3, .n_decode = 2, .prefill_tok = 4, .kv_read_tok = 1000.0, .prefill_pairs = ts_steptime_pairs(10, 4)};
    assert_true(load.prefill_pairs == 4.0 * (10.0 + 2.5));
    world_assert_near(ts_steptime_s(&model, &load), 1000.0 * 131072e-12 + 50.0 * 1e-6, 1e-12);
}

/* 8B on an H100, published fit: 6.2 + 0.081 b ms. */
static void test_steptime__linear_is_the_sum_of_its_terms(void **state)
{
    (void)state;
    struct ts_steps_model model = {.kind = TS_STEPS_LINEAR};
    model.u.linear = (struct ts_steps_linear){6.2e-3, 0.081e-3, 1e-7, 2e-5, 3e-9};
    const struct ts_batch_load load = {
        .n_seqs = 10, .n_decode = 9, .prefill_tok = 100, .kv_read_tok = 5000.0, .prefill_pairs = 5050.0};
    world_assert_near(ts_steptime_s(&model, &load), 6.2e-3 + 0.81e-3 + 5e-4 + 2e-3 + 1.515e-5, 1e-12);
}

static void test_steptime__table_interpolates_and_extrapolates(void **state)
{
    (void)state;
    static const double n_tok[] = {1, 8, 64};
    static const double seconds[] = {0.010, 0.017, 0.045};
    struct ts_steps_model model = {.kind = TS_STEPS_TABLE};
    model.u.table = (struct ts_steps_table){
        .fixed_s = 0.001, .n_tok = n_tok, .seconds = seconds, .n = 3, .c_s_per_kv_tok = 1e-6, .e_s_per_pair = 1e-7};
    const struct {
        uint32_t n;
        double s;
    } rows[] = {{0, 0.010}, {1, 0.010}, {4, 0.013}, {8, 0.017}, {36, 0.031}, {64, 0.045}, {128, 0.077}};
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct ts_batch_load load = {.n_seqs = 1, .n_decode = rows[i].n};
        world_assert_near(ts_steptime_s(&model, &load), rows[i].s + 0.001, 1e-12);
    }
    const struct ts_batch_load mixed = {
        .n_seqs = 5, .n_decode = 4, .prefill_tok = 4, .kv_read_tok = 100.0, .prefill_pairs = 10.0};
    world_assert_near(ts_steptime_s(&model, &mixed), 0.018 + 1e-4 + 1e-6, 1e-12);
    model.u.table.n = 1;
    const struct ts_batch_load beyond = {.n_seqs = 1, .n_decode = 50};
    world_assert_near(ts_steptime_s(&model, &beyond), 0.011, 1e-12);
}

static void test_steptime__every_kind_is_affine_in_what_decode_reads(void **state)
{
    (void)state;
    static const double n_tok[] = {1, 16};
    static const double seconds[] = {0.01, 0.02};
    struct ts_steps_model models[TS_N_STEPS_KINDS] = {
        {.kind = TS_STEPS_LINEAR}, {.kind = TS_STEPS_TABLE}, {.kind = TS_STEPS_ROOFLINE}, {.kind = TS_STEPS_OPERATORS}};
    models[0].u.linear = (struct ts_steps_linear){1e-3, 1e-4, 1e-6, 1e-5, 1e-8};
    models[1].u.table = (struct ts_steps_table){.n_tok = n_tok, .seconds = seconds, .n = 2, .c_s_per_kv_tok = 2e-6};
    models[2].u.roofline = (struct ts_steps_roofline){
        .flop_per_tok = 1e9, .flop_per_s = 1e12, .shared_bytes = 1e9, .bytes_per_s = 1e11, .kv_bytes_per_tok = 1e5};
    const double axis[] = {0, 10, 1000};
    double attention_s[3 * 3 * 3 * 3];
    for (size_t i = 0; i < COUNT(attention_s); i++) {
        attention_s[i] = 1e-6 * (double)i;
    }
    const struct ts_steps_operators operators = {.axes = {{axis, 3}, {axis, 3}, {axis, 3}, {axis, 3}},
                                                 .attention_s = attention_s};
    models[3].u.operators = &operators;
    for (int k = 0; k < TS_N_STEPS_KINDS; k++) {
        assert_non_null(ts_steptime_kinds[k].name);
        const struct ts_batch_load a = ts_steptime_decode_load(7, 1000);
        const struct ts_batch_load b = ts_steptime_decode_load(7, 3000);
        const double grown_s = ts_steptime_s(&models[k], &b) - ts_steptime_s(&models[k], &a);
        const struct ts_step_line line = ts_steptime_line(&models[k], &a);
        assert_true(line.until_kv >= 3000.0);
        world_assert_near(grown_s, 2000.0 * line.per_kv_s, 1e-9);
    }
}

static void test_steptime__time_moves_by_a_nanosecond_at_least(void **state)
{
    (void)state;
    assert_true(ts_steptime_ns(0.0) == 1);
    assert_true(ts_steptime_ns(-1.0) == 1);
    assert_true(ts_steptime_ns(1.4e-9) == 1);
    assert_true(ts_steptime_ns(1.6e-9) == 2);
    assert_true(ts_steptime_ns(6.2e-3) == 6200000);
    assert_true(ts_steptime_ns(1e30) > 0);
}

/* Two stages: four sequences go round in two parts of 2 ms each (2e9 flop at 1e12/s; the weights' 1 ms hides), and the
 * KV entries at twice the bandwidth; a lone one finds the second stage idle: the weights' 1 ms. 1 us a token more. */
static void test_steptime__a_pipeline_works_on_parts_of_the_batch(void **state)
{
    (void)state;
    const struct ts_steps_model model = {.kind = TS_STEPS_ROOFLINE,
                                         .u.roofline = {.flop_per_tok = 1e9,
                                                        .flop_per_s = 1e12,
                                                        .shared_bytes = 1e9,
                                                        .bytes_per_s = 1e12,
                                                        .kv_bytes_per_tok = 1e6,
                                                        .per_tok_s = 1e-6,
                                                        .stages = 2.0}};
    const struct ts_batch_load four = ts_steptime_decode_load(4, 1000);
    const struct ts_batch_load one = ts_steptime_decode_load(1, 0);
    assert_float_equal(ts_steptime_s(&model, &four), 2e-3 + 2e-6 + 0.5e-3, 1e-12);
    assert_float_equal(ts_steptime_s(&model, &one), 1e-3 + 1e-6, 1e-12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steptime__matmuls_and_weights_overlap_in_part_where_they_blend),
        cmocka_unit_test(test_steptime__a_prompt_token_of_70b_takes_156_us),
        cmocka_unit_test(test_steptime__roofline_is_bound_by_memory_then_by_flop),
        cmocka_unit_test(test_steptime__a_mixture_reads_the_experts_that_the_batch_touches),
        cmocka_unit_test(test_steptime__ranks_wait_for_the_busiest),
        cmocka_unit_test(test_steptime__roofline_adds_kv_reads_and_attention),
        cmocka_unit_test(test_steptime__linear_is_the_sum_of_its_terms),
        cmocka_unit_test(test_steptime__table_interpolates_and_extrapolates),
        cmocka_unit_test(test_steptime__every_kind_is_affine_in_what_decode_reads),
        cmocka_unit_test(test_steptime__time_moves_by_a_nanosecond_at_least),
        cmocka_unit_test(test_steptime__a_pipeline_works_on_parts_of_the_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
