/* How constants become step times: formulas by hand, stand-ins, peaks; and what grows with the load. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/rng.h"
#include "scenarios/catalog/efficiency.h"
#include "scenarios/catalog/serving_power.h"
#include "sim/serving/closed_loop.h"
#include "sim/serving/steptime.h"
#include "tests/published_catalog.h"

/* The worked example of scenarios/catalog/efficiency.c; and the weights of 13.21e9/2 at 4.5 bits, in part after it. */
static void test_efficiency__activations_slow_a_prompt_as_the_formula_says(void **state)
{
    (void)state;
    const struct ts_efficiency constants = {.layer_s = 1e-12,
                                            .compute = 0.5,
                                            .experts = 1.0,
                                            .bandwidth = 1.0,
                                            .kv = 1.0,
                                            .activation = 0.01,
                                            .attention = 1e30,
                                            .link = 1.0};
    const struct ts_efficiency_case on = {.peak_flop_per_s = 100e12,
                                          .bytes_per_s = 1e12,
                                          .n_accelerators = 1.0,
                                          .llm = ts_catalog_llm(&catalog, "Llama-2-7B"),
                                          .bits_per_weight = 4.5,
                                          .kv_bytes_per_tok = 524288.0};
    const struct ts_steps_model steps = ts_efficiency_steps(&constants, NULL, &on);
    const double weights_s = 13.21e9 / 2.0 * 4.5 / 8.0 / 1e12;
    const double matmuls_s = 512.0 * (13.21e9 / 50e12 + 32.0 * 4096.0 / 1e10);
    assert_float_equal(512.0 / ts_closed_loop_prefill_tok_s(&steps, 512),
                       pow(pow(matmuls_s, 1.5) + pow(weights_s, 1.5), 2.0 / 3.0), 1e-6);
}

/* 2 x 32 all-reduces of 2 x 3/4 x 8,192 B at 450 GB/s x 50 %: 3.5 us a token among four. */
static void test_efficiency__all_reduces_pass_the_link(void **state)
{
    (void)state;
    const struct ts_efficiency *hbm = ts_efficiency_find(&catalog, "hbm", TS_ENGINES_SERVING);
    struct ts_efficiency half = *hbm;
    half.link = 0.5;
    struct ts_efficiency_case on = {.peak_flop_per_s = 1e15,
                                    .bytes_per_s = 3e12,
                                    .link_bytes_per_s = 450e9,
                                    .n_accelerators = 4.0,
                                    .llm = ts_catalog_llm(&catalog, "Llama-3.1-8B"),
                                    .bits_per_weight = 16.0,
                                    .kv_bytes_per_tok = 131072.0};
    assert_float_equal(ts_efficiency_steps(&half, NULL, &on).u.roofline.per_tok_s, 64.0 * 1.5 * 8192.0 / (450e9 * 0.5),
                       1e-12);
    on.n_accelerators = 1.0;
    assert_true(ts_efficiency_steps(&half, NULL, &on).u.roofline.per_tok_s == 0.0);
}

/* DeepSeek-R1 on 8 ranks of one accelerator: a token of 7,168 numbers goes out in 8 bits and comes back in 16, to and
 * from 7 x (1 - (7/8)^8) = 4.595 others, in each of 61 layers, at 81 % of 900 GB/s. Dense weights are read by every
 * rank: eight times. With two accelerators to a rank each takes half of its tokens' way, and they all-reduce once a
 * layer. */
static void test_efficiency__tokens_go_to_the_experts_of_all_ranks(void **state)
{
    (void)state;
    struct ts_efficiency half = *ts_efficiency_find(&catalog, "hbm", TS_ENGINES_SERVING);
    half.link = 0.5;
    struct ts_efficiency_case on = {.peak_flop_per_s = 4.5e15,
                                    .narrow = true,
                                    .bytes_per_s = 8e12,
                                    .link_bytes_per_s = 900e9,
                                    .n_accelerators = 8.0,
                                    .llm = ts_catalog_llm(&catalog, "DeepSeek-R1"),
                                    .bits_per_weight = 8.0};
    const double once_bytes = ts_efficiency_steps(&half, NULL, &on).u.roofline.shared_bytes;
    on.ranks = 8;
    const struct ts_steps_roofline alone = ts_efficiency_steps(&half, NULL, &on).u.roofline;
    const double exchange_s = 61.0 * 4.595 * 3.0 * 7168.0 / (0.81 * 900e9);
    const struct ts_engine_cost waits = {.layers = 1.0, .exchange_s = 75e-6};
    assert_float_equal(ts_efficiency_steps(&half, &waits, &on).u.roofline.fixed_s - alone.fixed_s, 61.0 * 75e-6, 1e-12);
    assert_float_equal(alone.per_tok_s, exchange_s, 1e-4 * exchange_s);
    assert_float_equal(alone.shared_bytes, 8.0 * once_bytes, 1.0);
    on.ranks = 4;
    const double reduce_s = 61.0 * 2.0 * 0.5 * 2.0 * 7168.0 / (0.5 * 900e9);
    assert_float_equal(ts_efficiency_steps(&half, NULL, &on).u.roofline.per_tok_s, exchange_s / 2.0 + reduce_s,
                       1e-4 * exchange_s);
}

static void test_efficiency__a_class_without_its_own_row_takes_its_stand_in(void **state)
{
    (void)state;
    assert_string_equal(ts_efficiency_find(&catalog, "gddr", TS_ENGINES_SERVING)->class_name, "hbm");
    assert_string_equal(ts_efficiency_find(&catalog, "gddr", TS_ENGINES_LOCAL)->class_name, "gddr");
    assert_string_equal(ts_efficiency_find(&catalog, "amd", TS_ENGINES_SERVING)->class_name, "amd");
    assert_string_equal(ts_efficiency_find(&catalog, "apple", TS_ENGINES_SERVING)->engine, "local");
    assert_null(ts_efficiency_find(&catalog, "sram", TS_ENGINES_LOCAL));
    assert_null(ts_efficiency_engine(&catalog, "none"));
}

/* No fit has seen them: they check the constants that stand in. */
static void test_efficiency__gddr_cards_under_serving_engines_are_predicted_by_the_stand_in(void **state)
{
    (void)state;
    const struct ts_efficiency *constants = ts_efficiency_find(&catalog, "gddr", TS_ENGINES_SERVING);
    size_t n = 0;
    for (size_t i = 0; i < catalog.n_servings; i++) {
        const struct ts_serving *point = &catalog.servings[i];
        const struct ts_chip *chip = ts_catalog_chip(&catalog, point->hardware);
        struct ts_efficiency_case on;
        if (!ts_str_equal(chip->class_name, "gddr")) {
            continue;
        }
        assert_true(ts_efficiency_serving_case(&on, &catalog, point));
        const struct ts_steps_model steps =
            ts_efficiency_steps(constants, ts_efficiency_engine(&catalog, point->engine), &on);
        const struct ts_closed_loop load = {.n_users = point->users,
                                            .prompt_tok = point->prompt_tok,
                                            .output_tok = point->output_tok,
                                            .budget_tok = 8192.0};
        const double is = ts_closed_loop(&steps, &load).tpot_s / point->tpot_s;
        print_message("%s, %s, %.0f users: predicted/recorded time per token %.3f\n", chip->name, point->model,
                      point->users, is);
        assert_true(fabs(is - 1.0) <= 0.2);
        n++;
    }
    assert_int_equal(n, 5);
    assert_non_null(ts_efficiency_check_of(constants, "gddr", TS_ENGINES_SERVING));
    assert_null(ts_efficiency_check_of(constants, "hbm", TS_ENGINES_SERVING));
}

static void test_efficiency__peaks_follow_the_format_the_chip_and_the_engine(void **state)
{
    (void)state;
    static const struct {
        const char *chip, *engines, *quant;
        double peak;
        bool narrow;
    } cases[] = {
        {"RTX 3090", TS_ENGINES_LOCAL, "Q4_0", 142e12, false},
        {"RTX 3090", TS_ENGINES_SERVING, "BF16", 71.2e12, false},
        {"DGX Spark (GB10)", TS_ENGINES_LOCAL, "Q4_0", 124.6e12, false},
        {"DGX Spark (GB10)", TS_ENGINES_SERVING, "BF16", 62.5e12, false},
        {"RTX A6000", TS_ENGINES_LOCAL, "Q4_0", 154.8e12, false},
        {"H100 SXM 80GB", TS_ENGINES_LOCAL, "FP8", 989.4e12, false},
        {"H100 SXM 80GB", TS_ENGINES_SERVING, "FP8", 1979e12, true},
        {"H100 SXM 80GB", TS_ENGINES_SERVING, "MXFP4", 989.4e12, false},
        {"B200 SXM", TS_ENGINES_SERVING, "MXFP4", 9000e12, true},
        {"iPhone 16 Pro (A18 Pro)", TS_ENGINES_LOCAL, "FP8", 4.6e12, false},
        {"Raspberry Pi 5 + Hailo-10H", TS_ENGINES_LOCAL, "FP8", 20e12, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct ts_chip *chip = ts_catalog_chip(&catalog, cases[i].chip);
        const struct ts_hardware *found = ts_catalog_hardware(&catalog, cases[i].chip);
        const struct ts_hardware *hardware = found && ts_str_equal(found->name, chip->name) ? found : NULL;
        const struct ts_weight_quant *quant = ts_catalog_quant(&catalog, cases[i].quant);
        bool narrow = false;
        assert_float_equal(ts_efficiency_peak(&narrow, chip, hardware, cases[i].engines, quant), cases[i].peak, 1.0);
        assert_true(narrow == cases[i].narrow);
    }
}

/* A lone sequence of a mixture in FP8 touches top_k experts, whose tiles are filled up to t tokens each: its experts'
 * matmuls count as those of sqrt(1 + t^2) tokens. In 16 bits, and without tiles, as those of one. */
static void test_efficiency__experts_compute_whole_tiles_below_16_bits(void **state)
{
    (void)state;
    const struct ts_efficiency *hbm = ts_efficiency_find(&catalog, "hbm", TS_ENGINES_SERVING);
    struct ts_engine_cost engine = *ts_efficiency_engine(&catalog, "vllm-2025");
    struct ts_efficiency_case on = {.peak_flop_per_s = 2e15,
                                    .narrow = true,
                                    .bytes_per_s = 1e18, /* weights take no time */
                                    .n_accelerators = 1.0,
                                    .llm = ts_catalog_llm(&catalog, "Qwen3-235B-A22B"),
                                    .bits_per_weight = 8.0};
    double step_s[2];
    const struct ts_batch_load one = {.n_seqs = 1, .n_decode = 1};
    for (int tiled = 0; tiled < 2; tiled++) {
        engine.tile_tok = tiled ? 40.0 : 0.0;
        const struct ts_steps_model steps = ts_efficiency_steps(hbm, &engine, &on);
        step_s[tiled] = ts_steptime_s(&steps, &one);
    }
    struct ts_steps_roofline roof = {0};
    ts_efficiency_split_experts(on.llm, 8.0, &roof);
    const double flop = 2.0 * roof.expert_bytes * roof.top_k / roof.experts;
    assert_float_equal(step_s[1] - step_s[0],
                       (sqrt(1.0 + 40.0 * 40.0) - 1.0) * flop /
                           (2e15 * hbm->narrow * hbm->experts * 1536.0 / (1536.0 + hbm->expert_width)),
                       1e-8);
    on.narrow = false;
    const struct ts_steps_model wide = ts_efficiency_steps(hbm, &engine, &on);
    assert_true(wide.u.roofline.expert_tile_tok == 0.0);
}

/* Half of the experts' share where an accelerator has expert_width of their columns; tensor parallelism cuts them, and
 * where attention is in parallel they stay whole. 1,536 columns among 4: 384. */
static void test_efficiency__narrow_experts_reach_less_of_their_share(void **state)
{
    (void)state;
    const struct ts_efficiency constants = {.compute = 1.0,
                                            .narrow = 1.0,
                                            .experts = 0.5,
                                            .expert_width = 384.0,
                                            .bandwidth = 1.0,
                                            .kv = 1.0,
                                            .activation = 1e9,
                                            .attention = 1e30,
                                            .link = 1.0};
    struct ts_efficiency_case on = {.peak_flop_per_s = 2e15,
                                    .bytes_per_s = 1e18,
                                    .n_accelerators = 4.0,
                                    .llm = ts_catalog_llm(&catalog, "Qwen3-235B-A22B"),
                                    .bits_per_weight = 16.0};
    struct ts_steps_roofline roof = {0};
    ts_efficiency_split_experts(on.llm, 16.0, &roof);
    const double experts_s = roof.expert_bytes * roof.top_k / roof.experts / (8e15 * 0.5);
    const double cut_s = on.llm->flop_per_tok / ts_efficiency_steps(&constants, NULL, &on).u.roofline.flop_per_s;
    on.ranks = 4;
    const double whole_s = on.llm->flop_per_tok / ts_efficiency_steps(&constants, NULL, &on).u.roofline.flop_per_s;
    assert_int_equal(on.llm->moe_ffn, 1536);
    assert_float_equal(cut_s - whole_s, experts_s * (2.0 - 1.25), 1e-3 * experts_s);
}

/* Tokens go to k experts: gpt-oss-120b has 36 layers with 4, half of what 8 take; a dense model has none. */
static void test_efficiency__layers_of_experts_take_time_by_the_experts_of_a_token(void **state)
{
    (void)state;
    const struct ts_efficiency constants = {.moe_layer_s = 40e-6,
                                            .compute = 1.0,
                                            .experts = 1.0,
                                            .bandwidth = 1.0,
                                            .kv = 1.0,
                                            .activation = 1.0,
                                            .attention = 1.0,
                                            .link = 1.0};
    const struct ts_engine_cost engine = {.layers = 1.0, .first_s = 10e-3, .first_moe_layer_s = 2e-3};
    struct ts_efficiency_case on = {.peak_flop_per_s = 1e15,
                                    .bytes_per_s = 3e12,
                                    .n_accelerators = 1.0,
                                    .llm = ts_catalog_llm(&catalog, "gpt-oss-120b"),
                                    .bits_per_weight = 4.25};
    assert_float_equal(ts_efficiency_steps(&constants, &engine, &on).u.roofline.fixed_s, 36 * 20e-6, 1e-12);
    assert_float_equal(ts_efficiency_launch_s(&engine, on.llm), 36 * 1e-3, 1e-12);
    on.llm = ts_catalog_llm(&catalog, "Llama-3.1-8B");
    assert_float_equal(ts_efficiency_steps(&constants, &engine, &on).u.roofline.fixed_s, 0.0, 1e-12);
    assert_float_equal(ts_efficiency_launch_s(&engine, on.llm), 0.0, 1e-12);
}

/* Means of the fits of models like one of 70B on H100 lie between its idle and its design power and rise with the
 * batch. */
static void test_efficiency__serving_power_rises_with_the_batch(void **state)
{
    (void)state;
    const struct ts_serving_power power = {.low_w = 400.0, .high_w = 640.0, .n_fits = 1};
    assert_float_equal(ts_serving_power_at(&power, 0.0), 400.0, 1e-9);
    assert_float_equal(ts_serving_power_at(&power, TS_SERVING_POWER_HALF_SEQS), 520.0, 1e-9);
    const struct ts_hardware *h100 = ts_catalog_hardware(&catalog, "H100 SXM 80GB");
    const struct ts_serving_power found = ts_serving_power_fitted(&catalog, h100->name, 70e9, NULL);
    assert_true(found.n_fits > 2 && found.low_w > h100->idle_w && found.low_w < found.high_w);
    assert_true(found.high_w < 1.05 * h100->tdp_w);
    const struct ts_hardware *l40s = ts_catalog_hardware(&catalog, "L40S");
    assert_int_equal(ts_serving_power_fitted(&catalog, l40s->name, 70e9, NULL).n_fits, 0);
    assert_float_equal(ts_serving_power_w(&catalog, l40s, 70e9, NULL, 8.0), 0.74 * l40s->tdp_w, 1e-9);
}

/* An engine's layers are a share of the class's. */
static void test_efficiency__an_engines_kernels_scale_the_time_of_a_layer(void **state)
{
    (void)state;
    const struct ts_efficiency constants = {.layer_s = 60e-6,
                                            .compute = 1.0,
                                            .experts = 1.0,
                                            .bandwidth = 1.0,
                                            .kv = 1.0,
                                            .activation = 1.0,
                                            .attention = 1.0,
                                            .link = 1.0};
    const struct ts_engine_cost engine = {.layers = 0.5};
    const struct ts_efficiency_case on = {.peak_flop_per_s = 1e15,
                                          .bytes_per_s = 3e12,
                                          .n_accelerators = 1.0,
                                          .llm = ts_catalog_llm(&catalog, "Llama-3.1-8B"),
                                          .bits_per_weight = 16.0};
    assert_float_equal(ts_efficiency_steps(&constants, NULL, &on).u.roofline.fixed_s, 32 * 60e-6, 1e-12);
    assert_float_equal(ts_efficiency_steps(&constants, &engine, &on).u.roofline.fixed_s, 32 * 30e-6, 1e-12);
}

static double a_step(const struct ts_steps_model *steps, uint32_t n_seqs, double kv_tok, uint32_t prompt_tok)
{
    const struct ts_batch_load load = {.n_seqs = n_seqs,
                                       .n_decode = n_seqs,
                                       .prefill_tok = prompt_tok,
                                       .kv_read_tok = kv_tok,
                                       .prefill_pairs = ts_steptime_pairs(0, prompt_tok)};
    return ts_steptime_s(steps, &load);
}

/* Of random models on random chips: more sequences, context or prompt never take less time. Where ranks wait for the
 * busiest, entries divided among more sequences do: there one more brings its own. */
static void test_efficiency__steps_grow_with_sequences_context_and_prompts(void **state)
{
    (void)state;
    struct ts_rng rng;
    ts_rng_init(&rng, 20261129, 0, 0, 0);
    for (size_t i = 0; i < catalog.n_servings; i++) {
        const struct ts_serving *point = &catalog.servings[i];
        const struct ts_chip *chip = ts_catalog_chip(&catalog, point->hardware);
        struct ts_efficiency_case on;
        assert_true(ts_efficiency_serving_case(&on, &catalog, point));
        const struct ts_steps_model steps =
            ts_efficiency_steps(ts_efficiency_find(&catalog, chip->class_name, TS_ENGINES_SERVING),
                                ts_efficiency_engine(&catalog, point->engine), &on);
        const uint32_t n = 1 + (uint32_t)(ts_rng_uniform(&rng) * 500.0);
        const double kv = n * (1.0 + ts_rng_uniform(&rng) * 4000.0);
        const uint32_t prompt = (uint32_t)(ts_rng_uniform(&rng) * 8000.0);
        const double is = a_step(&steps, n, kv, prompt);
        assert_true(a_step(&steps, n + 1, on.ranks > 1 ? kv / n * (n + 1) : kv, prompt) > is);
        assert_true(a_step(&steps, n, kv + n, prompt) > is);
        assert_true(a_step(&steps, n, kv, prompt + 1) > is);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_efficiency__activations_slow_a_prompt_as_the_formula_says),
        cmocka_unit_test(test_efficiency__all_reduces_pass_the_link),
        cmocka_unit_test(test_efficiency__tokens_go_to_the_experts_of_all_ranks),
        cmocka_unit_test(test_efficiency__a_class_without_its_own_row_takes_its_stand_in),
        cmocka_unit_test(test_efficiency__gddr_cards_under_serving_engines_are_predicted_by_the_stand_in),
        cmocka_unit_test(test_efficiency__peaks_follow_the_format_the_chip_and_the_engine),
        cmocka_unit_test(test_efficiency__experts_compute_whole_tiles_below_16_bits),
        cmocka_unit_test(test_efficiency__an_engines_kernels_scale_the_time_of_a_layer),
        cmocka_unit_test(test_efficiency__narrow_experts_reach_less_of_their_share),
        cmocka_unit_test(test_efficiency__layers_of_experts_take_time_by_the_experts_of_a_token),
        cmocka_unit_test(test_efficiency__serving_power_rises_with_the_batch),
        cmocka_unit_test(test_efficiency__steps_grow_with_sequences_context_and_prompts),
    };
    return cmocka_run_group_tests(tests, load_published_catalog, unload_catalog);
}
