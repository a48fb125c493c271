/* Weights: made-up ones are what they promise to be; a model written as GGUF and read back computes the same bits. */
#include "tests/engine/tiny_model.h"

#include <math.h>
#include <unistd.h>

#include "base/file.h"
#include "kernels/cpu.h"
#include "kernels/formats/half.h"
#include "kernels/formats/quant.h"
#include "tests/engine/gguf_write.h"

static const char path[] = "test_weights.gguf";

static void check_round_trip(const struct ts_model_config *config, const char *quant)
{
    enum { N = 40 };
    uint32_t tokens[N];
    struct tiny tiny;
    struct ts_gguf *gguf;
    struct ts_model_config read;
    struct ts_weight_source *source;
    struct ts_weights *weights;
    struct ts_transformer *transformer;
    float *made = malloc(config->vocab * sizeof *made), *loaded = malloc(config->vocab * sizeof *loaded);
    tiny_open(&tiny, config, quant, NULL, TS_KV_F16, 2);
    tiny_tokens(tokens, N, config->vocab, 1);
    assert_int_equal(ts_gguf_write_model(path, config, tiny.source, NULL), TS_OK);
    assert_int_equal(ts_gguf_open(&gguf, path, NULL), TS_OK);
    assert_int_equal(ts_model_config_from_gguf(&read, gguf, NULL), TS_OK);
    assert_int_equal(ts_weight_source_from_gguf(&source, gguf), TS_OK);
    assert_int_equal(ts_weights_create(&weights, &read, source, NULL, tiny.pool, NULL), TS_OK);
    assert_int_equal(ts_transformer_create(&transformer, weights, &tiny.cache, tiny.pool, N, 1), TS_OK);
    assert_string_equal(ts_weights_quant(weights), quant);
    assert_int_equal(ts_gguf_array_length(gguf, "tokenizer.ggml.tokens"), config->vocab);
    struct ts_kv_seq one = {0}, two = {0};
    tiny_step(&tiny, &one, tokens, N, false, made);
    struct ts_step_chunk chunk = {&two, tokens, N, 1};
    assert_int_equal(ts_transformer_step(transformer, &chunk, 1, loaded, NULL), TS_OK);
    for (uint32_t i = 0; i < config->vocab;
         i++) { /* llama3's factors are stored as float: the last bit of an angle may differ */
        assert_true(fabsf(made[i] - loaded[i]) <= (config->rope_scaling == TS_ROPE_PLAIN ? 0.0F : 2e-2F));
    }
    ts_kv_seq_release(&tiny.cache, &one);
    ts_kv_seq_release(&tiny.cache, &two);
    ts_transformer_destroy(transformer);
    ts_weights_destroy(weights);
    ts_weight_source_destroy(source);
    ts_gguf_close(gguf);
    tiny_close(&tiny);
    (void)unlink(path);
    free(made);
    free(loaded);
}

static void test_weights__a_model_survives_gguf(void **state)
{
    (void)state;
    static const char *const quants[] = {"F32", "F16", "BF16", "Q4_0", "Q8_0"};
    for (size_t i = 0; i < sizeof quants / sizeof quants[0]; i++) {
        struct ts_model_config llama = tiny_llama(), plain = tiny_llama(), qwen2 = tiny_qwen2(), qwen3 = tiny_qwen3();
        plain.rope_scaling = TS_ROPE_PLAIN;
        check_round_trip(&llama, quants[i]);
        check_round_trip(&plain, quants[i]);
        check_round_trip(&qwen2, quants[i]);
        qwen3.rope_scaling = TS_ROPE_PLAIN;
        check_round_trip(&qwen3, quants[i]);
    }
}

static void test_weights__a_model_of_256_wide_blocks_survives_gguf(void **state)
{
    (void)state;
    static const char *const quants[] = {"Q4_K", "Q6_K"};
    for (size_t i = 0; i < sizeof quants / sizeof quants[0]; i++) {
        struct ts_model_config config = tiny_llama();
        config.rope_scaling = TS_ROPE_PLAIN;
        config.hidden = 256;
        config.ffn = 512;
        config.heads = 16;
        check_round_trip(&config, quants[i]);
    }
}

/* A row as floats. */
static void read_row(float *out, const struct ts_weight_source *source, const struct ts_tensor *tensor, uint32_t row)
{
    uint8_t bytes[4096];
    assert_true(tensor->row_bytes <= sizeof bytes);
    ts_weight_source_rows(source, tensor, row, 1, bytes);
    ts_quant_find(tensor->type->name)->dequantize(out, bytes, tensor->cols);
}

static void test_weights__made_up_ones_have_the_promised_spread(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    struct ts_weight_source *source;
    config.hidden = 256;
    config.vocab = 2000;
    assert_int_equal(ts_weight_source_synthetic(&source, &config, "Q8_0", 3, NULL), TS_OK);
    const struct ts_tensor *tensor = ts_weight_source_find(source, "token_embd.weight");
    assert_int_equal(tensor->rows, 2000);
    double sum = 0.0, squares = 0.0, n = 0.0;
    for (uint32_t r = 0; r < tensor->rows; r++) {
        float row[256];
        read_row(row, source, tensor, r);
        for (uint32_t c = 0; c < tensor->cols; c++, n += 1.0) {
            sum += (double)row[c];
            squares += (double)row[c] * (double)row[c];
        }
    }
    assert_true(fabs(sum / n) < 0.02 / 16.0);
    assert_true(fabs(sqrt(squares / n) * 16.0 - 1.0) < 0.02);
    ts_weight_source_destroy(source);
}

static void test_weights__rows_do_not_depend_on_how_they_are_read(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    struct ts_weight_source *source, *other;
    assert_int_equal(ts_weight_source_synthetic(&source, &config, "Q4_0", 3, NULL), TS_OK);
    assert_int_equal(ts_weight_source_synthetic(&other, &config, "Q4_0", 4, NULL), TS_OK);
    const struct ts_tensor *tensor = ts_weight_source_find(source, "blk.1.ffn_up.weight");
    uint8_t *all = malloc(tensor->rows * tensor->row_bytes), *one = malloc(tensor->row_bytes);
    ts_weight_source_rows(source, tensor, 0, tensor->rows, all);
    for (uint32_t r = tensor->rows; r > 0; r--) {
        ts_weight_source_rows(source, tensor, r - 1, 1, one);
        assert_memory_equal(one, all + (r - 1) * tensor->row_bytes, tensor->row_bytes);
    }
    ts_weight_source_rows(other, ts_weight_source_find(other, tensor->name), 0, 1, one);
    assert_memory_not_equal(one, all, tensor->row_bytes);
    assert_memory_not_equal(all, all + tensor->row_bytes, tensor->row_bytes);
    free(all);
    free(one);
    ts_weight_source_destroy(source);
    ts_weight_source_destroy(other);
}

/* A source that lacks a tensor, or has one of another shape, because the config says otherwise. */
static void config_refused(struct ts_model_config asked, const char *quant, const char *isa, enum ts_status want,
                           const char *says)
{
    struct ts_model_config config = tiny_llama();
    struct ts_weight_source *source;
    struct ts_weights *weights;
    struct ts_pool *pool;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_pool_create(&pool, 2), TS_OK);
    assert_int_equal(ts_weight_source_synthetic(&source, &config, quant, 3, NULL), TS_OK);
    assert_int_equal(ts_weights_create(&weights, &asked, source, isa, pool, &diags), want);
    assert_true(diags.n_errors >= 1);
    if (!strstr(diags.items[0].message, says)) {
        fail_msg("'%s' does not say '%s'", diags.items[0].message, says);
    }
    ts_diags_deinit(&diags);
    ts_weight_source_destroy(source);
    ts_pool_destroy(pool);
}

static void test_weights__tensors_that_do_not_fit_are_named(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    config.layers = 4;
    config_refused(config, "Q4_0", NULL, TS_EINPUT, "'blk.3.attn_norm.weight' is missing");
    config = tiny_llama();
    config.ffn = 192;
    config_refused(config, "Q4_0", NULL, TS_EINPUT, "is 160 x 96, but the model's metadata say 192 x 96");
    config = tiny_llama();
    config.tied = false;
    config_refused(config, "Q4_0", NULL, TS_EINPUT, "'output.weight' is missing");
    config = tiny_llama();
    config_refused(config, "Q4_0", "no-such-kernel", TS_EUNSUPPORTED, "no-such-kernel");
}

static void test_weights__types_that_cannot_be_made_up_are_refused(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    struct ts_weight_source *source;
    assert_int_equal(ts_weight_source_synthetic(&source, &config, "Q9_X", 1, NULL), TS_EUNSUPPORTED);
    config.ffn = 100;
    assert_int_equal(ts_weight_source_synthetic(&source, &config, "Q4_0", 1, NULL), TS_EUNSUPPORTED);
    assert_int_equal(ts_weight_source_synthetic(&source, &config, "F16", 1, NULL), TS_OK);
    ts_weight_source_destroy(source);
}

/* Packed weights and embedding take no more than a tenth above the file's tensors. */
static void test_weights__memory_is_that_of_the_weights(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    config.hidden = 256;
    config.ffn = 512;
    config.heads = 4;
    config.head_dim = 64;
    config.vocab = 4096;
    struct tiny tiny;
    tiny_open(&tiny, &config, "Q4_0", NULL, TS_KV_F16, 1);
    double bytes = 0.0;
    for (size_t i = 0; i < ts_weight_source_n_tensors(tiny.source); i++) {
        const struct ts_tensor *tensor = ts_weight_source_at(tiny.source, i);
        bytes += (double)tensor->rows * (double)tensor->row_bytes;
    }
    assert_true((double)tiny.weights->packed_bytes <= 1.1 * bytes);
    tiny_close(&tiny);
}

/* The file of a tiny model, in memory, each matrix's first block under a scale of 64: too much for a variant that has
 * no room for weights beyond 255. */
struct large_model {
    struct ts_model_config config;
    uint8_t *file;
    struct ts_gguf *gguf;
    struct ts_weight_source *source;
};

static void large_open(struct large_model *large, const char *quant)
{
    const uint16_t scale = ts_half_from_float(64.0F);
    struct ts_weight_source *made;
    char *file;
    size_t len;
    large->config = tiny_llama();
    large->config.hidden = 256;
    large->config.ffn = 256;
    large->config.heads = 16;
    assert_int_equal(ts_weight_source_synthetic(&made, &large->config, quant, 3, NULL), TS_OK);
    assert_int_equal(ts_gguf_write_model(path, &large->config, made, NULL), TS_OK);
    ts_weight_source_destroy(made);
    assert_int_equal(ts_file_read(&file, &len, path, 1U << 30, NULL), TS_OK);
    large->file = (uint8_t *)file;
    assert_int_equal(ts_gguf_open_memory(&large->gguf, path, large->file, len, NULL), TS_OK);
    (void)unlink(path);
    for (size_t i = 0; i < ts_gguf_n_tensors(large->gguf); i++) {
        const struct ts_gguf_tensor *tensor = ts_gguf_tensor_at(large->gguf, i);
        if (ts_str_equal(tensor->type->name, quant)) {
            ts_quant_store_u16(large->file + (tensor->data - large->file), scale);
        }
    }
    assert_int_equal(ts_weight_source_from_gguf(&large->source, large->gguf), TS_OK);
}

static void large_close(struct large_model *large)
{
    ts_weight_source_destroy(large->source);
    ts_gguf_close(large->gguf);
    free(large->file);
}

/* Its last logits after a prompt; returns the name of the variant that computed them. */
static const char *large_logits(float *logits, const struct large_model *large, const char *isa)
{
    enum { N = 20 };
    struct tiny tiny = {.config = large->config};
    struct ts_kv_seq seq = {0};
    uint32_t tokens[N];
    assert_int_equal(ts_pool_create(&tiny.pool, 2), TS_OK);
    assert_int_equal(ts_weights_create(&tiny.weights, &large->config, large->source, isa, tiny.pool, NULL), TS_OK);
    assert_int_equal(ts_kv_cache_create(&tiny.cache, TS_KV_F32, large->config.layers, large->config.kv_heads,
                                        large->config.head_dim, TINY_PAGES),
                     TS_OK);
    assert_int_equal(ts_transformer_create(&tiny.transformer, tiny.weights, &tiny.cache, tiny.pool, N, N), TS_OK);
    tiny_tokens(tokens, N, large->config.vocab, 1);
    tiny_step(&tiny, &seq, tokens, N, false, logits);
    const char *name = ts_linear_kernel(&tiny.weights->layers[0].down)->name;
    assert_string_equal(ts_linear_kernel(&tiny.weights->head)->name, name);
    ts_kv_seq_release(&tiny.cache, &seq);
    tiny_close(&tiny);
    return name;
}

static void refused_for_its_size(const struct large_model *large, const char *quant, const char *isa)
{
    struct ts_weights *weights;
    struct ts_pool *pool;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_pool_create(&pool, 1), TS_OK);
    assert_int_equal(ts_weights_create(&weights, &large->config, large->source, isa, pool, &diags), TS_EUNSUPPORTED);
    assert_true(diags.n_errors >= 1);
    assert_non_null(strstr(diags.items[0].message, "weight' has weights"));
    assert_non_null(strstr(diags.items[0].message, quant));
    assert_non_null(strstr(diags.items[0].message, isa));
    assert_non_null(strstr(diags.items[0].hint, "--isa"));
    ts_diags_deinit(&diags);
    ts_pool_destroy(pool);
}

static void test_weights__too_large_for_one_variant_go_to_the_next_or_are_named(void **state)
{
    (void)state;
    static const char *const quants[] = {"Q4_0", "Q8_0", "Q4_K"};
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    for (size_t q = 0; q < sizeof quants / sizeof quants[0]; q++) {
        const struct ts_quant_format *format = ts_quant_find(quants[q]);
        struct large_model large;
        large_open(&large, quants[q]);
        const struct ts_kernel *kernel = ts_kernel_after(NULL, cpu.features, format->id);
        for (; ts_kernel_format(kernel, format->id)->takes;
             kernel = ts_kernel_after(kernel, cpu.features, format->id)) {
            refused_for_its_size(&large, quants[q], kernel->name);
        }
        float *own = malloc(large.config.vocab * sizeof *own), *named = malloc(large.config.vocab * sizeof *named);
        assert_string_equal(large_logits(own, &large, NULL), kernel->name);
        assert_string_equal(large_logits(named, &large, kernel->name), kernel->name);
        assert_memory_equal(own, named, large.config.vocab * sizeof *own);
        free(own);
        free(named);
        large_close(&large);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weights__a_model_survives_gguf),
        cmocka_unit_test(test_weights__a_model_of_256_wide_blocks_survives_gguf),
        cmocka_unit_test(test_weights__made_up_ones_have_the_promised_spread),
        cmocka_unit_test(test_weights__rows_do_not_depend_on_how_they_are_read),
        cmocka_unit_test(test_weights__tensors_that_do_not_fit_are_named),
        cmocka_unit_test(test_weights__types_that_cannot_be_made_up_are_refused),
        cmocka_unit_test(test_weights__memory_is_that_of_the_weights),
        cmocka_unit_test(test_weights__too_large_for_one_variant_go_to_the_next_or_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
