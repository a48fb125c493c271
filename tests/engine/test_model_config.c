/* Shapes from a catalog, from config.json and from GGUF's metadata; parameters against published counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/csv.h"
#include "base/file.h"
#include "engine/model_config.h"
#include "tests/engine/gguf_write.h"
#include "tests/engine/published_configs.h"

static const char path[] = "test_model_config.tmp";

static const struct ts_model_shape llama_1b = {"Llama-3.2-1B", 16, 2048, 8192, 32, 8, 64, 128256, 131072, 1.24e9};

static void test_model_config__llama_1b_from_the_catalogs_numbers(void **state)
{
    (void)state;
    struct ts_model_config config;
    assert_int_equal(ts_model_config_from_shape(&config, &llama_1b, NULL), TS_OK);
    assert_int_equal(config.family, TS_MODEL_LLAMA);
    assert_true(config.tied);
    assert_true(ts_model_config_params(&config) == 1235814400.0); /* the model card's 1.24 billion, exactly */
    assert_int_equal(ts_model_config_kv_bytes_per_tok(&config, 2), 32768);
    double frequencies[32];
    ts_model_config_frequencies(&config, frequencies);
    assert_true(frequencies[0] == 1.0);
    assert_true(fabs(frequencies[31] / (pow(500000.0, -62.0 / 64.0) / 32.0) - 1.0) < 1e-12);
    assert_true(fabs(frequencies[31] - 9.418e-8) < 1e-11);
}

static void test_model_config__every_dense_model_of_the_catalog_has_its_published_size(void **state)
{
    (void)state;
    static const char catalog[] = TS_SHARED_DIR "/data/catalog/models.csv";
    if (!ts_file_exists(catalog)) {
        skip();
    }
    struct ts_csv_reader *reader;
    const struct ts_csv_row *row;
    int n = 0;
    assert_int_equal(ts_csv_open(&reader, catalog, true, NULL), TS_OK);
    const char *const names[] = {"layers", "hidden", "ffn", "heads", "kv_heads", "head_dim", "vocab", "context"};
    int params = ts_csv_column(reader, "params_total_b_published"), type = ts_csv_column(reader, "type");
    while (ts_csv_next(reader, &row, NULL) == TS_OK && row) {
        struct ts_model_shape shape = {.name = row->fields[0].data};
        uint32_t *to[] = {&shape.layers,   &shape.hidden,   &shape.ffn,   &shape.heads,
                          &shape.kv_heads, &shape.head_dim, &shape.vocab, &shape.context};
        if (strcmp(row->fields[type].data, "dense") != 0 || strncmp(shape.name, "gemma", 5) == 0 ||
            strncmp(shape.name, "Gemma", 5) == 0) {
            continue;
        }
        for (size_t i = 0; i < sizeof to / sizeof to[0]; i++) {
            uint64_t value = 0;
            const struct ts_csv_field *field = &row->fields[ts_csv_column(reader, names[i])];
            assert_true(ts_parse_u64(&value, field->data, field->len));
            *to[i] = (uint32_t)value;
        }
        assert_true(ts_parse_double(&shape.params, row->fields[params].data, row->fields[params].len));
        shape.params *= 1e9;
        struct ts_model_config config;
        assert_int_equal(ts_model_config_from_shape(&config, &shape, NULL), TS_OK);
        if (fabs(ts_model_config_params(&config) / shape.params - 1.0) > 0.03) {
            fail_msg("%s: %g parameters, published %g", shape.name, ts_model_config_params(&config), shape.params);
        }
        n++;
    }
    ts_csv_close(reader);
    assert_true(n >= 8);
}

static enum ts_status read_json(struct ts_model_config *config, const char *json, struct ts_diags *diags)
{
    assert_int_equal(ts_file_write(path, json, strlen(json), NULL), TS_OK);
    enum ts_status status = ts_model_config_read(config, path, diags);
    (void)unlink(path);
    return status;
}

#define LLAMA_NUMBERS                                                                                                  \
    "\"hidden_size\": 2048, \"intermediate_size\": 8192, \"num_hidden_layers\": 16, \"num_attention_heads\": 32, "     \
    "\"num_key_value_heads\": 8, \"vocab_size\": 128256, \"max_position_embeddings\": 131072"

static void test_model_config__llama_1b_from_config_json_is_the_same_model(void **state)
{
    (void)state;
    struct ts_model_config config, catalog;
    assert_int_equal(
        read_json(&config,
                  "{\"model_type\": \"llama\", " LLAMA_NUMBERS ", \"rms_norm_eps\": 1e-05, \"rope_theta\": 500000.0, "
                  "\"tie_word_embeddings\": true, \"head_dim\": 64, \"torch_dtype\": \"bfloat16\", \"rope_scaling\": "
                  "{\"factor\": 32.0, \"high_freq_factor\": 4.0, \"low_freq_factor\": 1.0, "
                  "\"original_max_position_embeddings\": 8192, \"rope_type\": \"llama3\"}}",
                  NULL),
        TS_OK);
    assert_int_equal(ts_model_config_from_shape(&catalog, &llama_1b, NULL), TS_OK);
    double a[32], b[32];
    ts_model_config_frequencies(&config, a);
    ts_model_config_frequencies(&catalog, b);
    assert_memory_equal(a, b, sizeof a);
    assert_true(ts_model_config_params(&config) == ts_model_config_params(&catalog));
    assert_true(config.norm_eps == 1e-5F && config.tied && config.head_dim == 64);
}

static void test_model_config__qwen_rows(void **state)
{
    (void)state;
    struct ts_model_config config;
    assert_int_equal(
        read_json(&config, "{\"model_type\": \"qwen2\", " LLAMA_NUMBERS ", \"rope_theta\": 1000000.0}", NULL), TS_OK);
    assert_true(config.qkv_bias && !config.qk_norm && !config.tied && config.head_dim == 64 && config.rope_base == 1e6);
    assert_int_equal(read_json(&config, "{\"model_type\": \"qwen3\", " LLAMA_NUMBERS ", \"head_dim\": 128}", NULL),
                     TS_OK);
    assert_true(!config.qkv_bias && config.qk_norm && config.head_dim == 128);
    struct ts_model_shape shape = {"Qwen2.5-7B", 28, 3584, 18944, 28, 4, 128, 152064, 131072, 7.62e9};
    assert_int_equal(ts_model_config_from_shape(&config, &shape, NULL), TS_OK);
    assert_true(config.family == TS_MODEL_QWEN2 && config.qkv_bias && !config.tied);
}

static void test_model_config__published_files_have_their_published_size(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PUBLISHED_CONFIGS; i++) {
        const struct published_config *published = &published_configs[i];
        struct ts_model_config config;
        struct ts_diags diags;
        char json[2048];
        ts_diags_init(&diags);
        (void)snprintf(json, sizeof json, published->json, published->layers, published->vocab);
        assert_int_equal(read_json(&config, json, &diags), TS_OK);
        assert_int_equal(diags.n_errors + diags.n_warnings, 0);
        if (fabs(ts_model_config_params(&config) / published->params - 1.0) > 1e-4) {
            fail_msg("%s: %.0f parameters, published %.0f", published->name, ts_model_config_params(&config),
                     published->params);
        }
        assert_true(config.rope_base >= 5e5 && config.context > 4096);
        assert_int_equal(config.rope_scaling,
                         config.family == TS_MODEL_LLAMA && config.rope_base < 1e6 ? TS_ROPE_LLAMA3 : TS_ROPE_PLAIN);
        ts_diags_deinit(&diags);
    }
}

#define FOUR_KINDS "\"full_attention\", \"sliding_attention\", \"sliding_attention\", \"sliding_attention\""

static void window_case(const char *fields, uint32_t context, size_t n_warnings)
{
    struct ts_model_config config;
    struct ts_diags diags;
    char json[1024];
    ts_diags_init(&diags);
    (void)snprintf(json, sizeof json, "{%s, " LLAMA_NUMBERS "}", fields);
    assert_int_equal(read_json(&config, json, &diags), TS_OK);
    assert_int_equal(config.context, context);
    assert_int_equal(diags.n_warnings, n_warnings);
    ts_diags_deinit(&diags);
}

static void test_model_config__a_sliding_window_that_matters_bounds_the_context(void **state)
{
    (void)state;
    window_case("\"model_type\": \"mistral\", \"sliding_window\": 4096", 4096, 1);
    window_case("\"model_type\": \"mistral\", \"sliding_window\": null", 131072, 0);
    window_case("\"model_type\": \"mistral\", \"sliding_window\": 131072", 131072, 0);
    window_case("\"model_type\": \"qwen2\", \"sliding_window\": 4096, \"use_sliding_window\": false", 131072, 0);
    window_case("\"model_type\": \"qwen2\", \"sliding_window\": 4096, \"use_sliding_window\": true, "
                "\"max_window_layers\": 8",
                4096, 1);
    window_case("\"model_type\": \"qwen3\", \"sliding_window\": 4096, \"layer_types\": [\"full_attention\"]", 131072,
                0);
    window_case("\"model_type\": \"qwen3\", \"sliding_window\": 4096, \"layer_types\": [" FOUR_KINDS ", " FOUR_KINDS
                ", " FOUR_KINDS ", " FOUR_KINDS "]",
                4096, 1);
}

static void test_model_config__a_diagnostic_shows_the_field(void **state)
{
    (void)state;
    static const struct {
        const char *json, *says;
        uint32_t line, col;
    } cases[] = {
        {"{\"model_type\": \"llama\",\n \"head_dim\": \"64\", " LLAMA_NUMBERS "}", "head_dim", 2, 14},
        {"{\"model_type\":\n  \"qwen3_moe\"}", "mixture of experts", 2, 3},
        {"{\"model_type\": \"llama\", \"num_local_experts\":\n8}", "mixture of experts", 2, 1},
        {"{\"model_type\": \"llama\", " LLAMA_NUMBERS ",\n\"hidden_act\": \"gelu\"}", "'gelu'", 2, 15},
        {"{\"model_type\": \"llama\", " LLAMA_NUMBERS ",\n\"mlp_bias\": true}", "biases", 2, 13},
        {"{\"model_type\": \"llama\", " LLAMA_NUMBERS ",\n\"partial_rotary_factor\": 0.5}", "in part", 2, 26},
        {"{\"model_type\": \"llama\", " LLAMA_NUMBERS ",\n\"rope_theta\": \"1e6\"}", "rope_theta", 2, 15},
        {"{\"model_type\": \"llama\", " LLAMA_NUMBERS ",\n\"rope_scaling\": \"yarn\"}", "rope_scaling", 2, 17},
        {"{\"model_type\": \"llama\", " LLAMA_NUMBERS ",\n\"rope_scaling\": {\"factor\": \"8\", \"type\": \"linear\"}}",
         "factor", 2, 28},
        {"{\"model_type\": \"llama\", " LLAMA_NUMBERS ",\n\"rope_parameters\": {\"rope_type\": \"yarn\"}}", "'yarn'", 2,
         34},
        {"{\"model_type\": \"llama\", " LLAMA_NUMBERS ",\n\"tie_word_embeddings\": 1}", "neither true", 2, 24},
        {"{\"model_type\": \"llava\", \"text_config\": {\"model_type\":\n\"mamba\"}}", "'mamba'", 2, 1},
        {"{\"model_type\": \"llava\", \"text_config\": {\"model_type\": \"mistral\",\n\"num_hidden_layers\": 1.5}}",
         "num_hidden_layers", 2, 22},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_model_config config;
        struct ts_diags diags;
        ts_diags_init(&diags);
        assert_int_not_equal(read_json(&config, cases[i].json, &diags), TS_OK);
        if (!strstr(diags.items[0].message, cases[i].says) || diags.items[0].line != cases[i].line ||
            diags.items[0].col != cases[i].col) {
            fail_msg("%u:%u: '%s', not %u:%u '%s'", diags.items[0].line, diags.items[0].col, diags.items[0].message,
                     cases[i].line, cases[i].col, cases[i].says);
        }
        assert_non_null(diags.items[0].line_text);
        ts_diags_deinit(&diags);
    }
}

static void test_model_config__config_json_is_named_by_its_folder(void **state)
{
    (void)state;
    static const char json[] = "{\"model_type\": \"llama\", " LLAMA_NUMBERS "}";
    static const char named[] = "{\"model_type\": \"llama\", \"_name_or_path\": \"meta/Own\", " LLAMA_NUMBERS "}";
    struct ts_model_config config;
    assert_int_equal(ts_mkdirs("test_model_config.d/Some-1B", NULL), TS_OK);
    static const char file[] = "test_model_config.d/Some-1B/config.json";
    assert_int_equal(ts_file_write(file, json, strlen(json), NULL), TS_OK);
    assert_int_equal(ts_model_config_read(&config, file, NULL), TS_OK);
    assert_string_equal(config.name, "Some-1B");
    assert_int_equal(ts_file_write(file, named, strlen(named), NULL), TS_OK);
    assert_int_equal(ts_model_config_read(&config, file, NULL), TS_OK);
    assert_string_equal(config.name, "Own");
    (void)unlink(file);
    (void)rmdir("test_model_config.d/Some-1B");
    (void)rmdir("test_model_config.d");
    assert_int_equal(read_json(&config, json, NULL), TS_OK);
    assert_string_equal(config.name, path);
}

static void json_refused(const char *json, enum ts_status want, const char *says)
{
    struct ts_model_config config;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(read_json(&config, json, &diags), want);
    if (!strstr(diags.items[0].message, says)) {
        fail_msg("'%s' does not say '%s'", diags.items[0].message, says);
    }
    ts_diags_deinit(&diags);
}

static void test_model_config__what_is_wrong_is_named(void **state)
{
    (void)state;
    json_refused("{\"model_type\": \"mamba\"}", TS_EUNSUPPORTED, "'mamba' is not supported");
    json_refused("{}", TS_EUNSUPPORTED, "model_type");
    json_refused("{\"model_type\": \"llama\"}", TS_EINPUT, "num_hidden_layers is missing");
    json_refused("{\"model_type\": \"llama\", " LLAMA_NUMBERS ", \"num_hidden_layer\": 3, \"head_dim\": -4}", TS_EINPUT,
                 "head_dim");
    json_refused("{\"model_type\": \"llama\", " LLAMA_NUMBERS ", \"head_dim\": 63}", TS_EINPUT, "odd");
    json_refused("{\"model_type\": \"llama\", " LLAMA_NUMBERS ", \"rope_scaling\": {\"type\": \"yarn\"}}",
                 TS_EUNSUPPORTED, "yarn");
    json_refused(
        "{\"model_type\": \"llama\", \"hidden_size\": 2048, \"intermediate_size\": 8192, \"num_hidden_layers\": 16, "
        "\"num_attention_heads\": 32, \"num_key_value_heads\": 5, \"vocab_size\": 128256, \"max_position_embeddings\": "
        "131072}",
        TS_EINPUT, "cannot share 5");
    struct ts_model_shape shape = llama_1b;
    struct ts_model_config config;
    shape.layers = 0;
    assert_int_equal(ts_model_config_from_shape(&config, &shape, NULL), TS_EINPUT);
}

static void fill_zero(void *user, uint8_t *out, uint64_t first, uint64_t n)
{
    (void)first;
    const size_t *row_bytes = user;
    memset(out, 0, (size_t)n * *row_bytes);
}

static void test_model_config__gguf_without_its_metadata_is_refused(void **state)
{
    (void)state;
    static const char *const keys[] = {"block_count", "embedding_length", "feed_forward_length", "attention.head_count",
                                       "context_length"};
    for (size_t missing = 0; missing <= sizeof keys / sizeof keys[0]; missing++) {
        size_t row_bytes = 32 * 4;
        struct ts_gguf_writer *writer;
        struct ts_gguf *gguf;
        struct ts_model_config config;
        struct ts_diags diags;
        ts_diags_init(&diags);
        assert_int_equal(ts_gguf_writer_create(&writer), TS_OK);
        ts_gguf_put_string(writer, "general.architecture", "llama");
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
            char key[64];
            (void)snprintf(key, sizeof key, "llama.%s", keys[i]);
            if (i != missing) {
                ts_gguf_put_u32(writer, key, 32);
            }
        }
        ts_gguf_add_tensor(writer, "token_embd.weight", ts_gguf_type_by_name("F32"), 100, 32, fill_zero, &row_bytes);
        assert_int_equal(ts_gguf_writer_save(writer, path, NULL), TS_OK);
        assert_int_equal(ts_gguf_open(&gguf, path, NULL), TS_OK);
        enum ts_status status = ts_model_config_from_gguf(&config, gguf, &diags);
        if (missing < sizeof keys / sizeof keys[0]) {
            assert_int_equal(status, TS_EINPUT);
            assert_non_null(strstr(diags.items[0].message, keys[missing]));
        } else { /* a head of one element */
            assert_int_equal(status, TS_EINPUT);
            assert_non_null(strstr(diags.items[0].message, "head size"));
        }
        ts_gguf_close(gguf);
        ts_gguf_writer_destroy(writer);
        ts_diags_deinit(&diags);
        (void)unlink(path);
    }
}

/* A value a layer: equal ones are the model's, others are told with the first layer that differs. */
static void test_model_config__values_a_layer_must_be_equal(void **state)
{
    (void)state;
    static const int32_t heads[] = {4, 4}, kv_heads[][2] = {{2, 2}, {2, 1}};
    for (size_t i = 0; i < 2; i++) {
        size_t row_bytes = 64 * 4;
        struct ts_gguf_writer *writer;
        struct ts_gguf *gguf;
        struct ts_model_config config;
        struct ts_diags diags;
        ts_diags_init(&diags);
        assert_int_equal(ts_gguf_writer_create(&writer), TS_OK);
        ts_gguf_put_string(writer, "general.architecture", "llama");
        ts_gguf_put_u32(writer, "llama.block_count", 2);
        ts_gguf_put_u32(writer, "llama.context_length", 512);
        ts_gguf_put_u32(writer, "llama.embedding_length", 64);
        ts_gguf_put_u32(writer, "llama.feed_forward_length", 128);
        ts_gguf_put_i32s(writer, "llama.attention.head_count", heads, 2);
        ts_gguf_put_i32s(writer, "llama.attention.head_count_kv", kv_heads[i], 2);
        ts_gguf_add_tensor(writer, "token_embd.weight", ts_gguf_type_by_name("F32"), 96, 64, fill_zero, &row_bytes);
        assert_int_equal(ts_gguf_writer_save(writer, path, NULL), TS_OK);
        assert_int_equal(ts_gguf_open(&gguf, path, NULL), TS_OK);
        const enum ts_status status = ts_model_config_from_gguf(&config, gguf, &diags);
        if (i == 0) {
            assert_int_equal(status, TS_OK);
            assert_true(config.heads == 4 && config.kv_heads == 2 && config.head_dim == 16);
        } else {
            assert_int_equal(status, TS_EUNSUPPORTED);
            assert_non_null(strstr(diags.items[0].message, "head_count_kv of layer 1 is not that of layer 0"));
        }
        ts_gguf_close(gguf);
        ts_gguf_writer_destroy(writer);
        ts_diags_deinit(&diags);
        (void)unlink(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model_config__llama_1b_from_the_catalogs_numbers),
        cmocka_unit_test(test_model_config__every_dense_model_of_the_catalog_has_its_published_size),
        cmocka_unit_test(test_model_config__llama_1b_from_config_json_is_the_same_model),
        cmocka_unit_test(test_model_config__qwen_rows),
        cmocka_unit_test(test_model_config__values_a_layer_must_be_equal),
        cmocka_unit_test(test_model_config__published_files_have_their_published_size),
        cmocka_unit_test(test_model_config__a_sliding_window_that_matters_bounds_the_context),
        cmocka_unit_test(test_model_config__a_diagnostic_shows_the_field),
        cmocka_unit_test(test_model_config__config_json_is_named_by_its_folder),
        cmocka_unit_test(test_model_config__what_is_wrong_is_named),
        cmocka_unit_test(test_model_config__gguf_without_its_metadata_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
