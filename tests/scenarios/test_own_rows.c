/* Hardware and models that a scenario writes itself: what follows from their numbers, and that tiers find them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/file.h"
#include "scenarios/catalog/own_model.h"
#include "tests/scenarios/scenario_fixture.h"

#define START                                                                                                          \
    "scenario: t\n"                                                                                                    \
    "workload: {calls: 36 k/day, classes: [{name: chat, share: 100 %, prompt: 800 tok, output: 200 tok}]}\n"
#define EIGHT_B                                                                                                        \
    "models:\n"                                                                                                        \
    "  Mine: {layers: 32, hidden: 4096, heads: 32, kv_heads: 8, ffn: 14336, vocab: 128256, context: 131072}\n"
#define CARD                                                                                                           \
    "hardware:\n"                                                                                                      \
    "  Card X (2 slots): {compute: 500 Tflop/s, memory: 96 GB, bandwidth: 1792 GB/s, power: 600 W, price: 8500 USD}\n"

static void assert_near(double value, double expected, double tolerance)
{
    if (!(fabs(value - expected) <= tolerance)) {
        fail_msg("%.10g where %.10g is due", value, expected);
    }
}

static enum ts_status read_config(struct ts_own_model *model, const char *text)
{
    char path[64];
    snprintf(path, sizeof path, "config-%ld.json", (long)getpid());
    assert_int_equal(ts_file_write(path, text, strlen(text), NULL), TS_OK);
    memset(model, 0, sizeof *model);
    enum ts_status status = ts_own_model_read(model, path, NULL);
    remove(path);
    return status;
}

static void read_and_finish(struct ts_own_model *model, const char *text)
{
    assert_int_equal(read_config(model, text), TS_OK);
    assert_null(ts_own_model_missing(model));
    assert_null(ts_own_model_finish(model));
}

static void test_own_rows__a_written_shape_counts_as_the_catalog_does(void **state)
{
    (void)state;
    struct ts_scenario own, same;
    load_good(&own, START EIGHT_B
              "tiers:\n  edge: {kind: server, hardware: H100 SXM, model: Mine, quant: FP16, ability: 1}\n");
    load_good(&same, START
              "tiers:\n  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: FP16, ability: 1}\n");
    const struct ts_replica_model *a = &own.model.tiers[0].u.server.pools[0].replica;
    const struct ts_replica_model *b = &same.model.tiers[0].u.server.pools[0].replica;
    assert_string_equal(own.model.tiers[0].model, "Mine FP16");
    assert_in_range(a->kv_blocks, b->kv_blocks - 2, b->kv_blocks + 2); /* 8.0303e9 against the published 8.03e9 */
    assert_near(a->steps.u.roofline.flop_per_tok, 15.01e9, 0.005e9);
    assert_int_equal(assumption(&own, "tiers.edge.model.row")->origin, TS_ORIGIN_SCENARIO);
    ts_scenario_deinit(&own);
    ts_scenario_deinit(&same);
}

static void test_own_rows__written_hardware_serves_and_is_marked_as_the_scenarios(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s,
              START CARD "tiers:\n  edge: {kind: server, hardware: Card X (2 slots), model: Llama-3.1-70B, quant: FP8, "
                         "kv: fp8, ability: 1}\n");
    const struct ts_tier_model *tier = &s.model.tiers[0];
    /* (96e9 x 0.95 - 1.31e9 - 70.55e9 - 2.10e9 of tables at 16 bit) / 163,840 B */
    const struct ts_replica_model *replica = &tier->u.server.pools[0].replica;
    assert_int_equal(replica->kv_blocks, 105216 / 16);
    assert_near(tier->owned.capex_usd, 8500.0 + 10424.0 + 563.0, 1e-9); /* the card, a host and its network */
    assert_near(replica->power.idle_w, 60.0, 1e-9);
    assert_int_equal(assumption(&s, "tiers.edge.hardware.row")->origin, TS_ORIGIN_SCENARIO);
    ts_scenario_deinit(&s);
}

static void test_own_rows__a_name_of_the_catalog_is_replaced(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, START "hardware:\n"
                        "  rtx 4090: {compute: 165 Tflop/s, memory: 48 GB, bandwidth: 1008 GB/s, power: 450 W, "
                        "price: 3000 USD, class: gddr}\n"
                        "tiers:\n"
                        "  edge: {kind: server, hardware: RTX 4090, model: Llama-3.1-8B, quant: FP16, ability: 1}\n");
    /* (48e9 x 0.95 - 1.31e9 - 16.06e9) / 131,072 B: the catalog's 24 GB would leave 41,427 */
    assert_int_equal(s.model.tiers[0].u.server.pools[0].replica.kv_blocks, 215377 / 16);
    ts_scenario_deinit(&s);
}

/* Qwen3-30B-A3B: published 30.5e9 and 3.3e9. */
static void test_own_model__experts_of_a_config_are_counted(void **state)
{
    (void)state;
    struct ts_own_model m;
    read_and_finish(&m, "{\"model_type\": \"qwen3_moe\", \"hidden_size\": 2048, \"intermediate_size\": 6144,"
                        "\"moe_intermediate_size\": 768, \"num_hidden_layers\": 48, \"num_attention_heads\": 32,"
                        "\"num_key_value_heads\": 4, \"head_dim\": 128, \"vocab_size\": 151936,"
                        "\"max_position_embeddings\": 40960, \"num_experts\": 128, \"num_experts_per_tok\": 8,"
                        "\"sliding_window\": null, \"use_sliding_window\": false}");
    assert_string_equal(m.llm.type, "moe");
    assert_near(m.llm.params, 30.53e9, 0.01e9);
    assert_near(m.llm.params_active, 3.35e9, 0.01e9);
    assert_near(m.llm.kv_bytes_per_tok, 98304.0, 0.0);
    assert_near(m.llm.flop_per_tok, 6.08e9, 0.02e9);
}

/* Gemma-3-1B: 22 of 26 layers look back over 512 tokens; the language model of a multimodal file is in text_config. */
static void test_own_model__windows_and_text_config_are_read(void **state)
{
    (void)state;
    struct ts_text text;
    ts_text_init(&text);
    ts_text_puts(&text, "{\"text_config\": {\"hidden_size\": 1152, \"intermediate_size\": 6912,"
                        "\"num_hidden_layers\": 26, \"num_attention_heads\": 4, \"num_key_value_heads\": 1,"
                        "\"head_dim\": 256, \"vocab_size\": 262144, \"max_position_embeddings\": 32768,"
                        "\"tie_word_embeddings\": true, \"sliding_window\": 512, \"layer_types\": [");
    for (int i = 0; i < 26; i++) {
        ts_text_printf(&text, "%s\"%s\"", i > 0 ? "," : "", i % 6 == 5 ? "full_attention" : "sliding_attention");
    }
    ts_text_puts(&text, "]}}");
    struct ts_own_model m;
    read_and_finish(&m, text.data);
    ts_text_deinit(&text);
    assert_int_equal(m.window_layers, 22);
    assert_near(m.llm.params, 1.0e9, 0.005e9);
    assert_near(m.llm.kv_bytes_per_tok, 26624.0, 0.0);
    assert_near(m.llm.kv_bytes_per_tok_beyond_window, 4096.0, 1e-9);
}

static void test_own_model__latent_attention_needs_its_parameters(void **state)
{
    (void)state;
    struct ts_own_model m;
    assert_int_equal(
        read_config(&m, "{\"hidden_size\": 7168, \"intermediate_size\": 18432, \"moe_intermediate_size\": 2048,"
                        "\"num_hidden_layers\": 61, \"num_attention_heads\": 128, \"num_key_value_heads\": 128,"
                        "\"vocab_size\": 129280, \"max_position_embeddings\": 163840, \"n_routed_experts\": 256,"
                        "\"num_experts_per_tok\": 8, \"n_shared_experts\": 1, \"kv_lora_rank\": 512,"
                        "\"qk_rope_head_dim\": 64}"),
        TS_OK);
    assert_string_equal(ts_own_model_missing(&m), "parameters");
    m.llm.params = 671e9;
    assert_string_equal(ts_own_model_missing(&m), "active_parameters");
    m.llm.params_active = 37.5e9;
    assert_null(ts_own_model_missing(&m));
    assert_null(ts_own_model_finish(&m));
    assert_string_equal(m.llm.type, "moe-mla");
    assert_near(m.llm.kv_bytes_per_tok, 70272.0, 0.0);
    assert_near(m.llm.flop_per_tok, 73.1e9, 0.2e9);
}

static void test_own_model__a_hostile_config_is_an_error(void **state)
{
    (void)state;
    static const char *const texts[] = {"",
                                        "[",
                                        "{\"hidden_size\": -1}",
                                        "{\"hidden_size\": 99999999999}",
                                        "{\"hidden_size\": \"many\"}",
                                        "{\"num_hidden_layers\": 2, \"layer_types\": 3}",
                                        "{\"num_hidden_layers\": 2, \"layer_types\": [\"conv\", \"mamba\", \"conv\"]}",
                                        "{\"num_hidden_layers\": 2, \"attn_layer_period\": 0}",
                                        "{\"num_hidden_layers\": 2, \"hybrid_override_pattern\": \"M*M\"}",
                                        "{\"num_hidden_layers\": 2, \"num_experts\": 8, \"moe_layers\": [1, 2, 3]}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ts_own_model m;
        assert_int_equal(read_config(&m, texts[i]), TS_EINPUT);
    }
    struct ts_own_model m;
    assert_int_equal(read_config(&m, "{\"hidden_size\": 512, \"layer_types\": 3}"), TS_OK);
    assert_string_equal(ts_own_model_missing(&m), "layers");
}

/* 64 layers of hidden 1152 and two matrices of 4304 are 975.0e6 weights; 2 B of each are not there for KV entries. */
static void test_own_rows__a_tower_takes_memory_and_another_quant_is_told(void **state)
{
    (void)state;
    static const char path[] = "test_own_rows_tower.json";
    static const char tower[] = ", \"vision_config\": {\"num_hidden_layers\": 64, \"hidden_size\": 1152, "
                                "\"intermediate_size\": 4304, \"patch_size\": 1}";
    double free_tok[2];
    for (int with = 0; with < 2; with++) {
        char json[1024];
        struct ts_scenario scenario;
        struct ts_text said;
        ts_text_init(&said);
        snprintf(json, sizeof json,
                 "{\"text_config\": {\"model_type\": \"llama\", \"hidden_size\": 4096, \"intermediate_size\": 14336, "
                 "\"num_hidden_layers\": 32, \"num_attention_heads\": 32, \"num_key_value_heads\": 8, "
                 "\"vocab_size\": 128256, \"max_position_embeddings\": 131072}, "
                 "\"quantization_config\": {\"quant_method\": \"fp8\"}%s}",
                 with ? tower : "");
        assert_int_equal(ts_file_write(path, json, strlen(json), NULL), TS_OK);
        assert_int_equal(load_text(&scenario,
                                   START "models: {Mine: {config: test_own_rows_tower.json}}\n"
                                         "tiers:\n  edge: {kind: server, hardware: H100 SXM, model: Mine, quant: FP16, "
                                         "ability: 1}\n",
                                   NULL, &said),
                         TS_OK);
        assert_non_null(strstr(said.data, "config.json says that its files have 8"));
        const struct ts_replica_model *replica = &scenario.model.tiers[0].u.server.pools[0].replica;
        free_tok[with] = (double)replica->kv_blocks * replica->block_tok;
        ts_scenario_deinit(&scenario);
        ts_text_deinit(&said);
    }
    remove(path);
    const double weights = 64.0 * (4.0 * 1152 * 1152 + 2.0 * 1152 * 4304) + 1152.0 * (3 + 1152 + 4096);
    assert_near(free_tok[0] - free_tok[1], 2.0 * weights / 131072.0, 32.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_rows__a_written_shape_counts_as_the_catalog_does),
        cmocka_unit_test(test_own_rows__written_hardware_serves_and_is_marked_as_the_scenarios),
        cmocka_unit_test(test_own_rows__a_name_of_the_catalog_is_replaced),
        cmocka_unit_test(test_own_model__experts_of_a_config_are_counted),
        cmocka_unit_test(test_own_model__windows_and_text_config_are_read),
        cmocka_unit_test(test_own_model__latent_attention_needs_its_parameters),
        cmocka_unit_test(test_own_model__a_hostile_config_is_an_error),
        cmocka_unit_test(test_own_rows__a_tower_takes_memory_and_another_quant_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
