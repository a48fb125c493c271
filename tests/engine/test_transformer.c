/* The forward pass against the plain decoder, and its promise that results do not depend on how work is cut. */
#include "tests/engine/tiny_model.h"

#include <math.h>
#include <stdio.h>

#include "kernels/cpu.h"
#include "kernels/kernel.h"
#include "tests/engine/plain_decoder.h"

enum { N = 150 };

/* Root mean square of the difference over that of the reference. */
static double relative_error(const float *got, const double *want, size_t n)
{
    double difference = 0.0, size = 0.0;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)got[i] - want[i]) * ((double)got[i] - want[i]);
        size += want[i] * want[i];
    }
    return sqrt(difference / size);
}

static double worst_error(const float *got, const double *want, size_t n)
{
    double worst = 0.0, size = 0.0;
    for (size_t i = 0; i < n; i++) {
        worst = fmax(worst, fabs((double)got[i] - want[i]));
        size += want[i] * want[i];
    }
    return worst / sqrt(size / (double)n);
}

static void check_against_plain(const struct ts_model_config *config, const char *isa, enum ts_kv_type kv,
                                double max_error)
{
    uint32_t tokens[N];
    struct tiny tiny;
    tiny_open(&tiny, config, "F32", isa, kv, 2);
    tiny_tokens(tokens, N, config->vocab, 1);
    size_t n = (size_t)N * config->vocab;
    double *want = malloc(n * sizeof *want);
    float *got = malloc(n * sizeof *got);
    plain_decoder_run(want, config, tiny.source, tokens, N);
    struct ts_kv_seq seq = {0};
    tiny_step(&tiny, &seq, tokens, N, true, got);
    if (kv == TS_KV_F32) {
        assert_true(worst_error(got, want, n) <= max_error);
    }
    assert_true(relative_error(got, want, n) <= max_error);
    ts_kv_seq_release(&tiny.cache, &seq);
    free(want);
    free(got);
    tiny_close(&tiny);
}

static void test_transformer__llama_equals_the_plain_decoder(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    check_against_plain(&config, NULL, TS_KV_F32, 1e-4);
    check_against_plain(&config, "ref", TS_KV_F32, 1e-4);
}

static void test_transformer__qwen2_with_biases_equals_the_plain_decoder(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_qwen2();
    check_against_plain(&config, NULL, TS_KV_F32, 1e-4);
}

static void test_transformer__qwen3_with_head_norms_equals_the_plain_decoder(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_qwen3();
    check_against_plain(&config, NULL, TS_KV_F32, 1e-4);
}

static void test_transformer__half_precision_cache_costs_little(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    check_against_plain(&config, NULL, TS_KV_F16, 1e-3);
}

static const char *const quants[] = {"F32", "F16", "BF16", "Q4_0", "Q8_0"};

/* The best variant that computes all numbers of tokens in one arithmetic. */
static const char *one_arithmetic(const char *quant)
{
    const struct ts_quant_format *format = ts_quant_find(quant);
    const struct ts_kernel *kernel = NULL;
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    do {
        kernel = format ? ts_kernel_after(kernel, cpu.features, format->id) : NULL;
    } while (kernel && ts_kernel_format(kernel, format->id)->few_tok > 0);
    return kernel ? kernel->name : NULL;
}

/* So does the one that is taken. */
static bool best_has_one_arithmetic(enum ts_quant quant)
{
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    return ts_kernel_format(ts_kernel_select(cpu.features, quant, NULL, NULL), quant)->few_tok == 0;
}

static double relative_difference(const float *a, const float *b, size_t n)
{
    double difference = 0.0, size = 0.0;
    for (size_t i = 0; i < n; i++) {
        difference += pow((double)a[i] - (double)b[i], 2);
        size += pow((double)b[i], 2);
    }
    return sqrt(difference / size);
}

/* Logits of a whole prompt against those of its parts. */
static void check_chunks(const char *quant, const char *isa, bool same_bits)
{
    static const uint32_t cuts[] = {1, 7, 64, 5, 70, 3};
    struct ts_model_config config = tiny_llama();
    const size_t n = (size_t)N * config.vocab;
    uint32_t tokens[N], at = 0;
    struct tiny tiny;
    tiny_open(&tiny, &config, quant, isa, TS_KV_F16, 2);
    tiny_tokens(tokens, N, config.vocab, 2);
    float *whole = malloc(n * sizeof *whole), *parts = malloc(n * sizeof *parts);
    struct ts_kv_seq one = {0}, two = {0};
    tiny_step(&tiny, &one, tokens, N, true, whole);
    for (size_t c = 0; c < sizeof cuts / sizeof cuts[0]; c++) {
        tiny_step(&tiny, &two, tokens + at, cuts[c], true, parts + (size_t)at * config.vocab);
        at += cuts[c];
    }
    assert_int_equal(at, N);
    if (same_bits) {
        assert_memory_equal(whole, parts, n * sizeof *whole);
    } else {
        assert_true(relative_difference(parts, whole, n) < 0.02);
    }
    ts_kv_seq_release(&tiny.cache, &one);
    ts_kv_seq_release(&tiny.cache, &two);
    free(whole);
    free(parts);
    tiny_close(&tiny);
}

static void test_transformer__chunks_of_a_prompt_give_the_same_bits(void **state)
{
    (void)state;
    for (size_t q = 0; q < sizeof quants / sizeof quants[0]; q++) {
        check_chunks(quants[q], one_arithmetic(quants[q]), true);
    }
}

static void test_transformer__chunks_in_two_arithmetics_differ_by_their_rounding_only(void **state)
{
    (void)state;
    check_chunks("Q4_0", NULL, best_has_one_arithmetic(TS_QUANT_Q4_0));
}

/* Sequences of many lengths, in one step with prompts that start, against each of them alone. */
static void check_batch(const struct ts_model_config *config, const char *quant, const char *isa)
{
    enum { SEQS = 9, OLD = 5 };
    static const uint32_t lengths[SEQS] = {1, 15, 16, 63, 90, 40, 3, 1, 33};
    static const uint32_t added[OLD] = {1, 1, 1, 19, 1}; /* the fourth is in the midst of its prompt */
    struct tiny tiny;
    uint32_t tokens[SEQS][N];
    tiny_open(&tiny, config, quant, isa, TS_KV_F16, 2);
    float *alone = malloc((size_t)SEQS * config->vocab * sizeof *alone),
          *together = malloc((size_t)SEQS * config->vocab * sizeof *together);
    struct ts_kv_seq single[SEQS] = {{0}}, batch[SEQS] = {{0}};
    struct ts_step_chunk chunks[SEQS];
    for (uint32_t s = 0; s < SEQS; s++) {
        uint32_t length = lengths[s];
        tiny_tokens(tokens[s], N, config->vocab, 10 + s);
        uint32_t before = s < OLD ? length : 0;
        if (before) { /* the first OLD go on, the others are prompts that start */
            tiny_step(&tiny, &single[s], tokens[s], before, false, alone);
            tiny_step(&tiny, &batch[s], tokens[s], before, false, alone);
        }
        chunks[s] = (struct ts_step_chunk){&batch[s], tokens[s] + before, s < OLD ? added[s] : length, 1};
    }
    for (uint32_t s = 0; s < SEQS; s++) {
        tiny_step(&tiny, &single[s], chunks[s].tokens, chunks[s].n_tok, false, alone + (size_t)s * config->vocab);
    }
    assert_int_equal(ts_transformer_step(tiny.transformer, chunks, SEQS, together, NULL), TS_OK);
    assert_memory_equal(alone, together, (size_t)SEQS * config->vocab * sizeof *alone);
    for (uint32_t s = 0; s < SEQS; s++) {
        assert_int_equal(single[s].n_tok, batch[s].n_tok);
        ts_kv_seq_release(&tiny.cache, &single[s]);
        ts_kv_seq_release(&tiny.cache, &batch[s]);
    }
    free(alone);
    free(together);
    tiny_close(&tiny);
}

static void test_transformer__a_batch_gives_the_bits_of_one_by_one(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    for (size_t q = 0; q < sizeof quants / sizeof quants[0]; q++) {
        check_batch(&config, quants[q], one_arithmetic(quants[q]));
    }
    check_batch(&config, "Q4_0", "ref");
    config.hidden = 256;
    config.ffn = 256;
    config.heads = 16;
    check_batch(&config, "Q4_K", one_arithmetic("Q4_K"));
    check_batch(&config, "Q6_K", NULL);
    config = tiny_qwen3();
    config.hidden = 128;
    check_batch(&config, "Q8_0", NULL);
    config.head_dim = 64; /* keys and values straight from the pages where rows are few */
    config.kv_heads = 2;
    check_batch(&config, "Q4_0", one_arithmetic("Q4_0"));
}

static void logits_of(float *logits, const struct ts_model_config *config, const char *quant, const char *isa)
{
    uint32_t tokens[N];
    struct tiny tiny;
    struct ts_kv_seq seq = {0};
    tiny_open(&tiny, config, quant, isa, TS_KV_F16, 1);
    tiny_tokens(tokens, N, config->vocab, 5);
    tiny_step(&tiny, &seq, tokens, N, true, logits);
    ts_kv_seq_release(&tiny.cache, &seq);
    tiny_close(&tiny);
}

static uint32_t most_likely(const float *logits, uint32_t vocab)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < vocab; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}

/* The reference's token everywhere, but where two are as good as equal: a last bit may move an activation to the next
 * int8. */
static void check_tokens(const float *got, const float *want, uint32_t vocab)
{
    uint32_t n_same = 0;
    for (uint32_t t = 0; t < N; t++, got += vocab, want += vocab) {
        uint32_t a = most_likely(got, vocab), b = most_likely(want, vocab);
        double size = 0.0;
        for (uint32_t i = 0; i < vocab; i++) {
            size += (double)want[i] * want[i] / vocab;
        }
        assert_true(want[b] - want[a] <= 0.02 * sqrt(size));
        n_same += a == b;
    }
    assert_true(n_same >= N - N / 50);
}

/* What the plain decoder makes of the model that logits_of computes, on the weights as their format holds them. */
static void exact_logits_of(double *logits, const struct ts_model_config *config, const char *quant)
{
    uint32_t tokens[N];
    struct tiny tiny;
    tiny_open(&tiny, config, quant, "ref", TS_KV_F16, 1);
    tiny_tokens(tokens, N, config->vocab, 5);
    plain_decoder_run(logits, config, tiny.source, tokens, N);
    tiny_close(&tiny);
}

/* The error of the reference in Q8_0, whose weights cost next to nothing: that of rounding activations to int8. */
static double int8_error(const struct ts_model_config *config)
{
    const size_t n = (size_t)N * config->vocab;
    double *exact = malloc(n * sizeof *exact);
    float *got = malloc(n * sizeof *got);
    exact_logits_of(exact, config, "Q8_0");
    logits_of(got, config, "Q8_0", "ref");
    const double error = relative_error(got, exact, n);
    free(exact);
    free(got);
    return error;
}

/* How far from exact a variant may be: as far as the reference, but for float rounding that is carried on. One that
 * rounds to BF16, for the int8 or the floats of the reference, is about half as far from exact as int8. */
static double allowed_error(const struct ts_model_config *config, enum ts_act_kind kind, double reference)
{
    switch (kind) {
    case TS_ACT_INT8:
    case TS_ACT_FLOAT:
        return 1.1 * reference + 1e-5;
    case TS_ACT_RAISED_BFLOAT:
        return 0.6 * reference + 1e-5;
    case TS_ACT_BFLOAT:
        return 0.6 * int8_error(config);
    }
    return 0.0;
}

static void check_variants(const struct ts_model_config *config, const struct ts_quant_format *format)
{
    struct ts_cpu cpu;
    ts_cpu_detect(&cpu);
    size_t n = (size_t)N * config->vocab;
    double *exact = malloc(n * sizeof *exact);
    float *want = malloc(n * sizeof *want), *got = malloc(n * sizeof *got);
    assert_true(exact && want && got);
    exact_logits_of(exact, config, format->name);
    logits_of(want, config, format->name, "ref");
    const double reference = relative_error(want, exact, n);
    assert_true(reference < 0.03);
    for (const struct ts_kernel *kernel = NULL; (kernel = ts_kernel_after(kernel, cpu.features, format->id)) != NULL;) {
        const enum ts_act_kind kind = ts_kernel_format(kernel, format->id)->act->kind;
        logits_of(got, config, format->name, kernel->name);
        const double error = relative_error(got, exact, n);
        if (error > allowed_error(config, kind, reference)) {
            fail_msg("%s, %s: %.6f from exact, the reference is %.6f", format->name, kernel->name, error, reference);
        }
        if (kind != TS_ACT_RAISED_BFLOAT) {
            check_tokens(got, want, config->vocab);
        }
    }
    free(exact);
    free(want);
    free(got);
}

static void test_transformer__every_variant_is_as_near_to_exact_as_the_reference(void **state)
{
    (void)state;
    for (int q = 0; q < TS_QUANT_COUNT; q++) {
        const struct ts_quant_format *format = ts_quant_format((enum ts_quant)q);
        struct ts_model_config config = tiny_llama();
        if (format->block_cols == 256) {
            config.hidden = 256;
            config.ffn = 256;
            config.heads = 16;
        }
        check_variants(&config, format);
    }
}

static void test_transformer__threads_do_not_matter(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    float *logits[2];
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t tokens[N];
        struct tiny tiny;
        struct ts_kv_seq seq = {0};
        logits[i] = malloc((size_t)N * config.vocab * sizeof *logits[i]);
        tiny_open(&tiny, &config, "Q4_0", NULL, TS_KV_F16, i == 0 ? 1 : 3);
        tiny_tokens(tokens, N, config.vocab, 3);
        tiny_step(&tiny, &seq, tokens, N, true, logits[i]);
        ts_kv_seq_release(&tiny.cache, &seq);
        tiny_close(&tiny);
    }
    assert_memory_equal(logits[0], logits[1], (size_t)N * config.vocab * sizeof *logits[0]);
    free(logits[0]);
    free(logits[1]);
}

static void test_transformer__pages_used_before_leave_no_trace(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    uint32_t tokens[N], others[N];
    struct tiny tiny;
    tiny_open(&tiny, &config, "Q4_0", NULL, TS_KV_F16, 1);
    tiny_tokens(tokens, N, config.vocab, 4);
    tiny_tokens(others, N, config.vocab, 5);
    float *first = malloc(config.vocab * sizeof *first), *again = malloc(config.vocab * sizeof *again);
    struct ts_kv_seq seq = {0}, other = {0};
    tiny_step(&tiny, &seq, tokens, 37, false, first);
    ts_kv_seq_release(&tiny.cache, &seq);
    tiny_step(&tiny, &other, others, N, false, again);
    ts_kv_seq_release(&tiny.cache, &other);
    tiny_step(&tiny, &seq, tokens, 37, false, again);
    assert_memory_equal(first, again, config.vocab * sizeof *first);
    ts_kv_seq_release(&tiny.cache, &seq);
    assert_int_equal(tiny.cache.n_free, TINY_PAGES);
    free(first);
    free(again);
    tiny_close(&tiny);
}

static void test_transformer__steps_that_cannot_be_are_refused_and_change_nothing(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    struct tiny tiny;
    struct ts_diags diags;
    struct ts_kv_seq seq = {0}, long_seq = {0};
    uint32_t tokens[TINY_MAX_TOK + 1] = {0}, bad[2] = {1, config.vocab};
    float *logits = malloc((size_t)TINY_MAX_TOK * config.vocab * sizeof *logits);
    ts_diags_init(&diags);
    tiny_open(&tiny, &config, "Q4_0", NULL, TS_KV_F16, 1);
    struct ts_step_chunk outside = {&seq, bad, 2, 1}, large = {&seq, tokens, TINY_MAX_TOK + 1, 1};
    assert_int_equal(ts_transformer_step(tiny.transformer, &outside, 1, logits, &diags), TS_ERANGE);
    assert_non_null(strstr(diags.items[0].message, "vocabulary"));
    assert_int_equal(ts_transformer_step(tiny.transformer, &large, 1, logits, &diags), TS_ERANGE);
    for (int i = 0; i < 4; i++) {
        tiny_step(&tiny, &long_seq, tokens, TINY_MAX_TOK, false, logits);
    }
    struct ts_step_chunk no_room = {&long_seq, tokens, 1, 1};
    assert_int_equal(tiny.cache.n_free, 0);
    assert_int_equal(ts_transformer_step(tiny.transformer, &no_room, 1, logits, &diags), TS_ERANGE);
    assert_non_null(strstr(diags.items[2].message, "pages"));
    assert_int_equal(long_seq.n_tok, 4 * TINY_MAX_TOK);
    assert_int_equal(seq.n_tok, 0);
    assert_int_equal(seq.n_pages, 0);
    ts_kv_seq_release(&tiny.cache, &long_seq);
    tiny_close(&tiny);
    ts_diags_deinit(&diags);
    free(logits);
}

/* A step without logits fills the cache all the same. */
static void test_transformer__logits_are_only_made_where_asked(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    struct tiny tiny;
    uint32_t tokens[N];
    struct ts_kv_seq one = {0}, two = {0};
    tiny_open(&tiny, &config, "Q4_0", NULL, TS_KV_F16, 2);
    tiny_tokens(tokens, N, config.vocab, 6);
    float *all = malloc((size_t)N * config.vocab * sizeof *all),
          *some = malloc((size_t)N * config.vocab * sizeof *some);
    tiny_step(&tiny, &one, tokens, N, true, all);
    struct ts_step_chunk silent = {&two, tokens, 100, 0}, last = {&two, tokens + 100, N - 100, 20};
    some[0] = 42.0F;
    assert_int_equal(ts_transformer_step(tiny.transformer, &silent, 1, some, NULL), TS_OK);
    assert_true(some[0] == 42.0F);
    assert_int_equal(ts_transformer_step(tiny.transformer, &last, 1, some, NULL), TS_OK);
    assert_memory_equal(all + (size_t)(N - 20) * config.vocab, some, (size_t)20 * config.vocab * sizeof *some);
    ts_kv_seq_release(&tiny.cache, &one);
    ts_kv_seq_release(&tiny.cache, &two);
    free(all);
    free(some);
    tiny_close(&tiny);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transformer__llama_equals_the_plain_decoder),
        cmocka_unit_test(test_transformer__qwen2_with_biases_equals_the_plain_decoder),
        cmocka_unit_test(test_transformer__qwen3_with_head_norms_equals_the_plain_decoder),
        cmocka_unit_test(test_transformer__half_precision_cache_costs_little),
        cmocka_unit_test(test_transformer__chunks_of_a_prompt_give_the_same_bits),
        cmocka_unit_test(test_transformer__chunks_in_two_arithmetics_differ_by_their_rounding_only),
        cmocka_unit_test(test_transformer__a_batch_gives_the_bits_of_one_by_one),
        cmocka_unit_test(test_transformer__every_variant_is_as_near_to_exact_as_the_reference),
        cmocka_unit_test(test_transformer__threads_do_not_matter),
        cmocka_unit_test(test_transformer__pages_used_before_leave_no_trace),
        cmocka_unit_test(test_transformer__steps_that_cannot_be_are_refused_and_change_nothing),
        cmocka_unit_test(test_transformer__logits_are_only_made_where_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
