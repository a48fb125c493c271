/* Models' config.json: published weights and KV entries, the ways in which layers are told, and what is refused. */
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

static const char path[] = "test_hf_config.tmp";

/* JSON with ' in place of quotation marks. */
static void write_json(const char *text)
{
    struct ts_text json;
    ts_text_init(&json);
    ts_text_puts(&json, text);
    for (char *c = json.data; *c; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    assert_int_equal(ts_file_write(path, json.data, json.len, NULL), TS_OK);
    ts_text_deinit(&json);
}

static enum ts_status read_model(struct ts_own_model *model, const char *text, struct ts_diags *diags)
{
    write_json(text);
    memset(model, 0, sizeof *model);
    const enum ts_status status = ts_own_model_read(model, path, diags);
    (void)unlink(path);
    return status;
}

static const struct published {
    const char *name;
    double params, active, kv_bytes, tolerance;
    size_t n_warnings;
    const char *json;
} published[] = {
#define MODEL(name, params, active, kv_bytes, tolerance, n_warnings, json)                                             \
    {name, params, active, kv_bytes, tolerance, n_warnings, json},
#include "tests/models/hf_cases.inc"
#undef MODEL
};

static void test_hf_config__published_models_have_their_published_size(void **state)
{
    (void)state;
    size_t n_wrong = 0;
    for (size_t i = 0; i < sizeof published / sizeof published[0]; i++) {
        const struct published *want = &published[i];
        const double active = want->active > 0.0 ? want->active : want->params;
        struct ts_own_model m;
        struct ts_diags diags;
        ts_diags_init(&diags);
        assert_int_equal(read_model(&m, want->json, &diags), TS_OK);
        assert_null(ts_own_model_missing(&m));
        assert_null(ts_own_model_finish(&m));
        print_message("%s: %.4g parameters (%.4g), %.4g active (%.4g), %.0f B of KV (%.0f)\n", want->name,
                      m.llm.params + m.llm.tower_params, want->params, m.llm.params_active, active,
                      m.llm.kv_bytes_per_tok, want->kv_bytes);
        const bool right = fabs((m.llm.params + m.llm.tower_params) / want->params - 1.0) <= want->tolerance &&
                           (want->active < 0.0 || fabs(m.llm.params_active / active - 1.0) <= 3.0 * want->tolerance) &&
                           m.llm.kv_bytes_per_tok == want->kv_bytes && diags.n_warnings == want->n_warnings;
        n_wrong += !right;
        ts_diags_deinit(&diags);
    }
    assert_int_equal(n_wrong, 0);
}

/* ---- which layers attend ---- */

#define SHAPE                                                                                                          \
    "'hidden_size': 2048, 'intermediate_size': 6144, 'num_attention_heads': 16, 'num_key_value_heads': 4, "            \
    "'head_dim': 128, 'num_hidden_layers': 24, 'vocab_size': 100000, 'max_position_embeddings': 32768"
#define FOUR(a, b) "'" a "', '" a "', '" a "', '" b "'"
#define SIX(a, b) "'" a "', '" a "', '" a "', '" a "', '" a "', '" b "'"
#define TIMES_6(x) x ", " x ", " x ", " x ", " x ", " x
#define TIMES_4(x) x ", " x ", " x ", " x
#define LINEAR                                                                                                         \
    "'linear_num_key_heads': 16, 'linear_num_value_heads': 32, 'linear_key_head_dim': 128, "                           \
    "'linear_value_head_dim': 128, 'linear_conv_kernel_dim': 4"

/* A layer that attends has 2 x 2 B x 4 heads x 128 = 2,048 B of KV entries a token. */
static void test_hf_config__kv_entries_are_of_layers_that_attend(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        unsigned n_attention;
    } cases[] = {
        {"{" SHAPE ", 'model_type': 'qwen3_5_text', " LINEAR
         ", 'layer_types': [" TIMES_6(FOUR("linear_attention", "full_attention")) "]}",
         6},
        {"{" SHAPE ", 'model_type': 'qwen3_next', " LINEAR ", 'full_attention_interval': 4}", 6},
        {"{" SHAPE ", 'model_type': 'lfm2', 'layer_types': [" TIMES_6(FOUR("conv", "full_attention")) "]}", 6},
        {"{" SHAPE ", 'model_type': 'granitemoehybrid', 'layer_types': [" TIMES_4(SIX("mamba", "attention")) "]}", 4},
        {"{" SHAPE ", 'model_type': 'jamba', 'attn_layer_period': 8, 'attn_layer_offset': 4}", 3},
        {"{" SHAPE ", 'model_type': 'nemotron_h', 'hybrid_override_pattern': 'M-M-M*-M-M-M*-M-M-M*-M-M'}", 3},
        {"{" SHAPE ", 'model_type': 'bamba', 'attn_layer_indices': [9, 18, 20]}", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_own_model m;
        struct ts_diags diags;
        ts_diags_init(&diags);
        assert_int_equal(read_model(&m, cases[i].json, &diags), TS_OK);
        assert_null(ts_own_model_missing(&m));
        assert_null(ts_own_model_finish(&m));
        assert_true(m.llm.kv_bytes_per_tok == 2048.0 * cases[i].n_attention);
        assert_int_equal(ts_llm_attention_layers(&m.llm), cases[i].n_attention);
        assert_int_equal(diags.n_warnings, 0);
        ts_diags_deinit(&diags);
    }
}

/* What a sequence keeps in layers that do not attend: by hand, layers x (numbers of the state x bytes + the
 * convolution's last tokens x 2 B). */
static void test_hf_config__states_are_of_layers_that_do_not_attend(void **state)
{
    (void)state;
#define DELTA "{" SHAPE ", 'model_type': 'qwen3_next', " LINEAR ", 'full_attention_interval': 4"
#define NEMOTRON "{" SHAPE ", 'model_type': 'nemotron_h', 'hybrid_override_pattern': 'M-M-M*-M-M-M*-M-M-M*-M-M'"
    static const struct {
        const char *json;
        double bytes;
    } cases[] = {
        {DELTA "}", 18 * (32.0 * 128 * 128 * 2 + (2 * 16 * 128 + 32 * 128) * 3 * 2)},
        {DELTA ", 'mamba_ssm_dtype': 'float32'}", 18 * (32.0 * 128 * 128 * 4 + (2 * 16 * 128 + 32 * 128) * 3 * 2)},
        {NEMOTRON ", 'mamba_num_heads': 128, 'mamba_head_dim': 64, 'n_groups': 8, 'ssm_state_size': 128}",
         11 * (128.0 * 64 * 128 * 2 + (128 * 64 + 2 * 8 * 128) * 3 * 2)},
        {"{" SHAPE ", 'model_type': 'jamba', 'attn_layer_period': 8, 'attn_layer_offset': 4}",
         21 * (4096.0 * 16 * 2 + 4096 * 3 * 2)},
        {"{" SHAPE ", 'model_type': 'lfm2', 'layer_types': [" TIMES_6(FOUR("conv", "full_attention")) "]}",
         18 * 2048.0 * 2 * 2},
        {"{" SHAPE ", 'model_type': 'minimax_text_01', 'attn_type_list': [" TIMES_6("0, 0, 0, 1") "]}",
         18 * 16.0 * 128 * 128 * 4},
        {"{" SHAPE ", 'model_type': 'kimi_linear', 'linear_attn_config': {'full_attn_layers': [4, 8, 12, 16, 20, 24],"
         "'num_heads': 16, 'head_dim': 128, 'short_conv_kernel_size': 4}}",
         18 * (16.0 * 128 * 128 * 4 + 3 * 16 * 128 * 3 * 2)},
        {"{" SHAPE ", 'model_type': 'falcon_h1', 'mamba_n_heads': 24, 'mamba_d_head': 128, 'mamba_d_state': 256}",
         24 * (3072.0 * 256 * 2 + (3072 + 2 * 256) * 3 * 2)},
        {"{" SHAPE ", 'model_type': 'recurrent_gemma', 'attention_window_size': 2048,"
         "'block_types': ['recurrent', 'recurrent', 'attention']}",
         16 * (2048.0 * 4 + 2048 * 3 * 2)},
        {"{" SHAPE ", 'model_type': 'minimax_m2', 'attn_type_list': [" TIMES_6("1, 1, 1, 1") "]}", 0.0},
        {"{" SHAPE ", 'model_type': 'llama'}", 0.0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_own_model m;
        struct ts_diags diags;
        ts_diags_init(&diags);
        assert_int_equal(read_model(&m, cases[i].json, &diags), TS_OK);
        assert_null(ts_own_model_finish(&m));
        assert_true(m.llm.state_bytes == cases[i].bytes);
        assert_int_equal(diags.n_warnings, 0);
        ts_diags_deinit(&diags);
    }
}

static void test_hf_config__windows_are_of_the_layers_that_the_family_says(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        unsigned n_windowed;
        size_t n_warnings;
    } cases[] = {
        {"{" SHAPE ", 'model_type': 'mistral', 'sliding_window': 4096}", 24, 0},
        {"{" SHAPE ", 'model_type': 'mistral', 'sliding_window': null}", 0, 0},
        {"{" SHAPE ", 'model_type': 'gemma2', 'sliding_window': 4096}", 12, 0},
        {"{" SHAPE ", 'model_type': 'gemma3_text', 'sliding_window': 512}", 20, 0},
        {"{" SHAPE ", 'model_type': 'gemma3_text', 'sliding_window': 512, 'sliding_window_pattern': 4}", 18, 0},
        {"{" SHAPE ", 'model_type': 'qwen2', 'sliding_window': 4096, 'use_sliding_window': false}", 0, 0},
        {"{" SHAPE ", 'model_type': 'qwen2', 'sliding_window': 4096, 'max_window_layers': 20}", 4, 0},
        {"{" SHAPE ", 'model_type': 'llama', 'sliding_window': 4096}", 0, 1},
        {"{" SHAPE ", 'model_type': 'gpt_oss', 'sliding_window': 128, 'layer_types': [" TIMES_6(
             FOUR("sliding_attention", "full_attention")) "]}",
         18, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_own_model m;
        struct ts_diags diags;
        ts_diags_init(&diags);
        assert_int_equal(read_model(&m, cases[i].json, &diags), TS_OK);
        assert_int_equal(m.window_layers, cases[i].n_windowed);
        assert_int_equal(diags.n_warnings, cases[i].n_warnings);
        ts_diags_deinit(&diags);
    }
}

/* ---- the head ---- */

/* 24 x (2048 x 3072 + 2048 x 2048 + 3 x 2048 x 6144) weights, tables of 2048 x 100000, norms. */
static void test_hf_config__a_head_is_tied_as_a_key_or_the_family_says(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        double params;
        size_t n_warnings;
    } cases[] = {
        {"{" SHAPE ", 'model_type': 'gemma2'}", 1.362e9, 0},
        {"{" SHAPE ", 'model_type': 'gemma2', 'tie_word_embeddings': false}", 1.567e9, 0},
        {"{" SHAPE ", 'model_type': 'llama'}", 1.567e9, 0},
        {"{'model_type': 'mistral3', 'tie_word_embeddings': true, 'text_config': {" SHAPE
         ", 'model_type': 'ministral3'}}",
         1.362e9, 0},
        {"{'model_type': 'mistral3', 'text_config': {" SHAPE
         ", 'model_type': 'ministral3', 'tie_word_embeddings': true}}",
         1.362e9, 0},
        {"{'model_type': 'internvl_chat', 'llm_config': {" SHAPE ", 'model_type': 'internlm2'}}", 1.567e9, 0},
        {"{'model_type': 'deepseek_vl_v2', 'language_config': {" SHAPE ", 'tie_word_embeddings': true}}", 1.362e9, 1},
        {"{" SHAPE ", 'model_type': 'a stranger'}", 1.567e9, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_own_model m;
        struct ts_diags diags;
        ts_diags_init(&diags);
        assert_int_equal(read_model(&m, cases[i].json, &diags), TS_OK);
        assert_null(ts_own_model_finish(&m));
        assert_true(fabs(m.llm.params / cases[i].params - 1.0) < 1e-3);
        assert_int_equal(diags.n_warnings, cases[i].n_warnings);
        ts_diags_deinit(&diags);
    }
}

/* ---- experts ---- */

static void test_hf_config__experts_are_in_the_layers_that_the_file_says(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        unsigned n_moe;
    } cases[] = {
        {"'num_experts': 8", 24},
        {"'num_experts': 1", 0},
        {"'num_experts': 8, 'decoder_sparse_step': 2", 12},
        {"'num_experts': 8, 'decoder_sparse_step': 1, 'mlp_only_layers': [0, 5]", 22},
        {"'n_routed_experts': 8, 'first_k_dense_replace': 3", 21},
        {"'n_routed_experts': 8, 'first_k_dense_replace': 1, 'moe_layer_freq': 2", 11},
        {"'num_local_experts': 8, 'interleave_moe_layer_step': 3", 8},
        {"'num_local_experts': 8, 'moe_layers': [1, 3, 5]", 3},
        {"'num_experts': 8, 'num_dense_layers': 2", 22},
        {"'moe_num_experts': 8, 'moe_k': 2, 'moe_layer_start_index': 1, 'moe_layer_end_index': 22", 22},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[1024];
        struct ts_own_model m;
        snprintf(json, sizeof json, "{" SHAPE ", 'model_type': 'qwen3_moe', %s}", cases[i].json);
        assert_int_equal(read_model(&m, json, NULL), TS_OK);
        assert_int_equal(m.config.n_moe, cases[i].n_moe);
        assert_int_equal(m.config.n_dense, 24 - cases[i].n_moe);
    }
}

/* ---- what it does not know, and what it only tells ---- */

static void test_hf_config__keys_that_sound_of_shapes_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *json, *says; /* NULL: nothing */
    } cases[] = {
        {"{" SHAPE ", 'model_type': 'llama',\n'narrow_layers': [1, 2], 'attention_bias': true, 'num_beams': 4,"
         "'second_rank': 64, 'n_group': 8, 'wide_heads': 1}",
         "narrow_layers, second_rank"},
        {"{" SHAPE ", 'model_type': 'llama',\n'num_experts_per_tok': 4}", "num_experts_per_tok"},
        {"{" SHAPE ", 'model_type': 'llama',\n'pad_token_id': 7, 'mtp_hidden_size': 64}", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_own_model m;
        struct ts_diags diags;
        ts_diags_init(&diags);
        assert_int_equal(read_model(&m, cases[i].json, &diags), TS_OK);
        assert_int_equal(diags.n_warnings, cases[i].says ? 1 : 0);
        if (cases[i].says) {
            assert_non_null(strstr(diags.items[0].message, cases[i].says));
            assert_int_equal(diags.items[0].line, 2);
        }
        ts_diags_deinit(&diags);
    }
}

static void test_hf_config__bits_are_those_of_the_stored_weights(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        unsigned bits;
    } cases[] = {
        {"{'quant_method': 'fp8', 'fmt': 'e4m3', 'weight_block_size': [128, 128]}", 8},
        {"{'quant_method': 'gptq', 'bits': 8, 'group_size': 128}", 8},
        {"{'quant_method': 'awq', 'w_bit': 4}", 4},
        {"{'quant_method': 'mxfp4'}", 4},
        {"{'quant_method': 'bitsandbytes', 'load_in_4bit': true, 'load_in_8bit': false}", 4},
        {"{'quant_method': 'compressed-tensors', 'config_groups': {'group_0': {'weights': {'num_bits': 8}}}}", 8},
        {"{'quant_method': 'modelopt', 'quant_algo': 'NVFP4'}", 4},
        {"{'quant_method': 'modelopt', 'quant_algo': 'MIXED_PRECISION',"
         "'config_groups': {'group_0': {'weights': {'num_bits': 8}}}}",
         0},
        {"{'quant_method': 'another'}", 0},
        {"null", 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[1024];
        struct ts_own_model m;
        snprintf(json, sizeof json, "{" SHAPE ", 'model_type': 'llama', 'quantization_config': %s}", cases[i].json);
        assert_int_equal(read_model(&m, json, NULL), TS_OK);
        assert_int_equal(m.llm.stored_bits, cases[i].bits);
    }
}

/* What hears, or a tower whose size is not written. */
static void test_hf_config__towers_that_cannot_be_counted_are_told(void **state)
{
    (void)state;
    static const char *const cases[] = {"'vision_config': {'model_type': 'a stranger'}",
                                        "'audio_config': {'hidden_size': 1280}"};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char json[1024];
        struct ts_own_model m;
        struct ts_diags diags;
        ts_diags_init(&diags);
        snprintf(json, sizeof json, "{'text_config': {" SHAPE ", 'model_type': 'llama'}, %s}", cases[i]);
        assert_int_equal(read_model(&m, json, &diags), TS_OK);
        assert_non_null(strstr(diags.items[0].message, "sees or hears cannot be told"));
        assert_true(m.llm.tower_params == 0.0);
        ts_diags_deinit(&diags);
    }
}

/* ---- refused ---- */

static void test_hf_config__what_is_not_modelled_is_refused_at_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *json, *says;
    } cases[] = {
        {"{" SHAPE ",\n'layer_types': [" TIMES_4(SIX("retention", "full_attention")) "]}", "'retention' are not known"},
        {"{" SHAPE ",\n'layer_types': ['conv', 'attention', 'conv']}", "3 words for 24 layers"},
        {"{" SHAPE ",\n'mamba_d_ssm': 1536, 'model_type': 'a stranger'}", "not, or not only, attention (mamba_d_ssm)"},
        {"{" SHAPE ",\n'model_type': 'mamba2'}", "'mamba2' are not, or not only, attention"},
        {"{" SHAPE ",\n'block_configs': [{}]}", "layers of different shapes"},
        {"{" SHAPE ",\n'block_configs': [{'attention': {'replace_with_linear': true}}]}", "layers of different shapes"},
        {"{" SHAPE ",\n'intermediate_size': [1, 2]}", "intermediate_size"},
        {"{" SHAPE ",\n'num_kv_heads': [1, 2]}", "num_kv_heads is a list: layers of different shapes"},
        {"{" SHAPE ",\n'compress_ratios': [0, 4, 128]}", "entries that stand for several tokens"},
        {"{" SHAPE ",\n'zero_expert_num': 256}", "experts that compute nothing"},
        {"{" SHAPE ",\n'hybrid_layer_pattern': [0, 1]}", "2 numbers for 24 layers"},
        {"{" SHAPE ",\n'attention_other_setting': {'num_attention_heads': 0}}", "heads are out of range"},
        {"{" SHAPE ",\n'ffn_config': {'moe_top_k': -1}}", "moe_top_k is out of range"},
        {"{" SHAPE ",\n'hybrid_override_pattern': 'M*'}", "no letter for each of 24 layers"},
        {"{" SHAPE ",\n'attn_type_list': [1, 1]}", "2 numbers for 24 layers"},
        {"{" SHAPE ",\n'attn_type_list': [1, 2]}", "a type other than 0 and 1"},
        {"{" SHAPE ",\n'model_type': 'bert'}", "is an encoder: it generates no tokens"},
        {"{" SHAPE ",\n'is_encoder_decoder': true, 'model_type': 't5'}", "an encoder and a decoder"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_own_model m;
        struct ts_diags diags;
        ts_diags_init(&diags);
        assert_int_not_equal(read_model(&m, cases[i].json, &diags), TS_OK);
        if (!strstr(diags.items[0].message, cases[i].says) || diags.items[0].line != 2) {
            fail_msg("line %u: '%s', not '%s'", diags.items[0].line, diags.items[0].message, cases[i].says);
        }
        ts_diags_deinit(&diags);
    }
}

/* What the file says of each layer does not hold for another number of them. */
static void test_hf_config__another_number_of_layers_needs_equal_ones(void **state)
{
    (void)state;
    struct ts_own_model m;
    assert_int_equal(read_model(&m, "{" SHAPE ", 'model_type': 'llama'}", NULL), TS_OK);
    m.llm.layers = 12;
    assert_null(ts_own_model_finish(&m));
    assert_true(m.llm.kv_bytes_per_tok == 12 * 2048.0);
    assert_int_equal(
        read_model(&m, "{" SHAPE ", 'model_type': 'jamba', 'attn_layer_period': 8, 'attn_layer_offset': 4}", NULL),
        TS_OK);
    m.llm.layers = 12;
    assert_non_null(strstr(ts_own_model_finish(&m), "another number of layers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hf_config__published_models_have_their_published_size),
        cmocka_unit_test(test_hf_config__kv_entries_are_of_layers_that_attend),
        cmocka_unit_test(test_hf_config__states_are_of_layers_that_do_not_attend),
        cmocka_unit_test(test_hf_config__windows_are_of_the_layers_that_the_family_says),
        cmocka_unit_test(test_hf_config__a_head_is_tied_as_a_key_or_the_family_says),
        cmocka_unit_test(test_hf_config__experts_are_in_the_layers_that_the_file_says),
        cmocka_unit_test(test_hf_config__keys_that_sound_of_shapes_are_told),
        cmocka_unit_test(test_hf_config__bits_are_those_of_the_stored_weights),
        cmocka_unit_test(test_hf_config__towers_that_cannot_be_counted_are_told),
        cmocka_unit_test(test_hf_config__what_is_not_modelled_is_refused_at_its_place),
        cmocka_unit_test(test_hf_config__another_number_of_layers_needs_equal_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
