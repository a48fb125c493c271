/* A program of its own, since the peak of resident memory is a process's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kernels/host.h"
#include "tests/engine/gguf_write.h"
#include "tests/engine/live_model.h"

enum { STEP_TOK = 64, STEPS = 2 };

static const char path[] = "test_engine_memory.gguf";

/* 220 MB of Q4_0, tied: the embedding's rows are read from the file. */
static void write_model(void)
{
    struct ts_model_config config = {
        .name = "memory",
        .family = TS_MODEL_LLAMA,
        .layers = 24,
        .hidden = 1024,
        .ffn = 4096,
        .heads = 16,
        .kv_heads = 4,
        .head_dim = 64,
        .vocab = 32000,
        .context = 2048,
        .tied = true,
        .norm_eps = 1e-5F,
        .rope_base = 10000.0,
    };
    struct ts_weight_source *source;
    assert_int_equal(ts_weight_source_synthetic(&source, &config, "Q4_0", 1, NULL), TS_OK);
    assert_int_equal(ts_gguf_write_model(path, &config, source, NULL), TS_OK);
    ts_weight_source_destroy(source);
}

static void test_engine_memory__is_that_of_weights_and_cache(void **state)
{
    (void)state;
#if defined(TS_SANITIZED) || !defined(__linux__)
    skip();
#endif
    struct live_model model;
    struct live_limits limits = {1, STEP_TOK * STEPS, STEP_TOK, 1};
    struct ts_kv_seq seq = {0};
    uint32_t tokens[STEP_TOK];
    uint64_t text = 1;
    write_model();
    uint64_t before = ts_host_peak_bytes();
    assert_int_equal(live_model_open(&model, path, &limits, NULL), TS_OK);
    float *logits = malloc(model.config.vocab * sizeof *logits);
    assert_non_null(logits);
    for (int step = 0; step < STEPS; step++) {
        for (uint32_t i = 0; i < STEP_TOK; i++) {
            tokens[i] = live_token(&text, model.config.vocab);
        }
        struct ts_step_chunk chunk = {&seq, tokens, STEP_TOK, 1};
        assert_int_equal(ts_transformer_step(model.transformer, &chunk, 1, logits, NULL), TS_OK);
    }
    uint64_t used = ts_host_peak_bytes() - before, due = model.weights->packed_bytes + model.cache.total_bytes;
    assert_true(due > (uint64_t)200 << 20);
    assert_true((double)used <= 1.1 * (double)due);
    free(logits);
    ts_kv_seq_release(&model.cache, &seq);
    live_model_close(&model);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_engine_memory__is_that_of_weights_and_cache),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
