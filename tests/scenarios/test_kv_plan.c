/* What is left for the KV cache, against what vLLM found: by its meta.json (0.19, an RTX 4090) and by the logs of its
 * runs on H100 (0.15; trained_physics_iter29.json of inference-sim@73f5769a has their blocks). memory_use is the
 * default. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "tests/scenarios/scenario_fixture.h"

#define YI "  Yi-34B: {layers: 60, hidden: 7168, ffn: 20480, heads: 56, kv_heads: 8, vocab: 64000, context: 4096}\n"

static double blocks_of(const char *model, const char *quant, const char *hardware, int n, int batch)
{
    char text[1024];
    struct ts_scenario s;
    struct ts_text said;
    ts_text_init(&said);
    snprintf(
        text, sizeof text,
        "scenario: t\nworkload: {calls: 36 k/day, classes: [{name: chat, share: 100 %%, prompt: 800 tok, output: 200 "
        "tok}]}\nmodels:\n" YI "tiers:\n  edge: {kind: server, hardware: %s, accelerators: %d, model: %s, quant: %s, "
        "ability: 1, scheduler: {batched_tokens: %d, sequences: 128}}\n",
        hardware, n, model, quant, batch);
    assert_int_equal(load_text(&s, text, NULL, &said), TS_OK);
    const double blocks = (double)s.model.tiers[0].u.server.pools[0].replica.kv_blocks;
    ts_scenario_deinit(&s);
    ts_text_deinit(&said);
    return blocks;
}

static void test_kv_plan__is_within_three_percent_of_recorded_ones(void **state)
{
    (void)state;
    static const struct {
        const char *model, *hardware;
        int n, batch;
        double recorded;
    } runs[] = {
        {"Llama-2-7B", "H100 SXM", 1, 2048, 7463},        {"Mistral-Nemo-12B", "H100 SXM", 1, 2048, 19251},
        {"Mistral-Nemo-12B", "H100 SXM", 2, 1024, 48009}, {"Qwen2.5-7B", "H100 SXM", 1, 2048, 65352},
        {"Qwen2.5-7B", "H100 SXM", 1, 1024, 65368},       {"Yi-34B", "H100 SXM", 2, 2048, 20793},
        {"Llama-3.1-70B", "H100 SXM", 4, 2048, 30425},    {"Llama-3.1-70B", "H100 SXM", 4, 8192, 30251},
        {"Llama-3.1-8B", "RTX 4090", 1, 2048, 2588},
    };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        const double planned = blocks_of(runs[i].model, "BF16", runs[i].hardware, runs[i].n, runs[i].batch);
        print_message("%d x %s, %s, %d tokens: %.0f planned, %.0f recorded, %.3f\n", runs[i].n, runs[i].hardware,
                      runs[i].model, runs[i].batch, planned, runs[i].recorded, planned / runs[i].recorded);
        assert_true(planned > 0.97 * runs[i].recorded && planned < 1.03 * runs[i].recorded);
    }
}

/* Published files: RedHat's 70B in FP8 72.7 GB, 8B in AWQ 5.73 GB. What is left, times 131,072 B a token, tells. */
static void test_kv_plan__tables_stay_at_16_bit(void **state)
{
    (void)state;
    static const struct {
        const char *model, *quant;
        double bytes_per_token, weights;
    } files[] = {{"Llama-3.1-70B", "FP8", 327680.0, 72.7e9}, {"Llama-3.1-8B", "AWQ", 131072.0, 5.73e9}};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const double tokens = 16.0 * blocks_of(files[i].model, files[i].quant, "H200 SXM", 1, 2048);
        const double weights = 141e9 * 0.95 - 1.31e9 - tokens * files[i].bytes_per_token;
        print_message("%s in %s: %.2f GB of weights, %.2f published\n", files[i].model, files[i].quant, weights / 1e9,
                      files[i].weights / 1e9);
        assert_true(weights > 0.98 * files[i].weights && weights < 1.02 * files[i].weights);
    }
}

/* config.json of Llama-3.1-8B with its attention left at 16 bit: 32 x (2 x 4096 x 4096 + 2 x 4096 x 1024) weights. */
static void test_kv_plan__what_a_file_leaves_out_of_its_quantization_stays_at_16_bit(void **state)
{
    (void)state;
    static const char path[] = "test_kv_plan.json";
    static const char *const ignored[] = {"lm_head", "model.layers.0.self_attn.q_proj"};
    double tokens[2];
    for (int i = 0; i < 2; i++) {
        char json[1024];
        struct ts_scenario s;
        snprintf(json, sizeof json,
                 "{\"model_type\": \"llama\", \"hidden_size\": 4096, \"intermediate_size\": 14336, "
                 "\"num_hidden_layers\": 32, \"num_attention_heads\": 32, \"num_key_value_heads\": 8, \"vocab_size\": "
                 "128256, \"max_position_embeddings\": 131072, \"quantization_config\": {\"quant_method\": \"fp8\", "
                 "\"ignore\": [\"%s\"]}}",
                 ignored[i]);
        assert_int_equal(ts_file_write(path, json, strlen(json), NULL), TS_OK);
        load_good(
            &s,
            "scenario: t\nworkload: {calls: 36 k/day, classes: [{name: chat, share: 100 %, prompt: 800 tok, output: "
            "200 tok}]}\nmodels: {Mine: {config: test_kv_plan.json}}\ntiers:\n  edge: {kind: server, hardware: H100 "
            "SXM, model: Mine, quant: FP8, ability: 1}\n");
        tokens[i] = 16.0 * (double)s.model.tiers[0].u.server.pools[0].replica.kv_blocks;
        ts_scenario_deinit(&s);
    }
    remove(path);
    const double attention = 32.0 * (2.0 * 4096 * 4096 + 2.0 * 4096 * 1024);
    assert_true(tokens[0] - tokens[1] > attention / 131072.0 - 32.0 &&
                tokens[0] - tokens[1] < attention / 131072.0 + 32.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kv_plan__is_within_three_percent_of_recorded_ones),
        cmocka_unit_test(test_kv_plan__tables_stay_at_16_bit),
        cmocka_unit_test(test_kv_plan__what_a_file_leaves_out_of_its_quantization_stays_at_16_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
