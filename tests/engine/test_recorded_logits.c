/* Our logits against those that llama.cpp has made of the same files: llama_cpp_logits.csv, recorded as docs/ENGINE.md
 * tells. Both programs round activations, each in its own way: that is the difference allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/engine/gguf_write.h"
#include "tests/engine/live_model.h"
#include "tests/engine/recorded_model.h"

enum { ROWS = RECORDED_TOK / RECORDED_STEP, MAX_RECORDINGS = 16 };

/* What llama.cpp made of one model. */
struct recording {
    char family[16], quant[16];
    uint32_t n_rows, largest[ROWS];
    double logits[ROWS][RECORDED_LOGITS];
};

struct recordings {
    struct recording items[MAX_RECORDINGS];
    size_t n;
};

static bool read_row(struct recordings *all, const char *line)
{
    struct recording row = {.n_rows = 0};
    unsigned position, largest;
    int used = 0;
    if (sscanf(line, "%15[^,],%15[^,],%u,%u%n", row.family, row.quant, &position, &largest, &used) != 4) {
        return false;
    }
    struct recording *item = all->n > 0 ? &all->items[all->n - 1] : NULL;
    if (!item || strcmp(item->family, row.family) != 0 || strcmp(item->quant, row.quant) != 0) {
        assert_true(all->n < MAX_RECORDINGS);
        item = &all->items[all->n++];
        *item = row;
    }
    assert_true(item->n_rows < ROWS);
    assert_int_equal(position, item->n_rows * RECORDED_STEP);
    item->largest[item->n_rows] = largest;
    char *at = (char *)(uintptr_t)line + used;
    for (int i = 0; i < RECORDED_LOGITS; i++) {
        assert_int_equal(*at, ',');
        item->logits[item->n_rows][i] = strtod(at + 1, &at);
    }
    item->n_rows++;
    return true;
}

static int read_recordings(void **state)
{
    struct recordings *all = calloc(1, sizeof *all);
    FILE *stream = fopen(TS_SOURCE_DIR "/tests/engine/llama_cpp_logits.csv", "r");
    char line[512];
    assert_true(all && stream && fgets(line, sizeof line, stream)); /* the header */
    while (fgets(line, sizeof line, stream)) {
        assert_true(read_row(all, line));
    }
    (void)fclose(stream);
    *state = all;
    return 0;
}

static int free_recordings(void **state)
{
    free(*state);
    return 0;
}

/* [RECORDED_TOK][RECORDED_VOCAB], by way of a file as the other program has read it. */
static void our_logits(float *logits, const struct recording *recording)
{
    static const char path[] = "test_recorded_logits.gguf";
    struct ts_model_config config;
    struct ts_weight_source *source;
    struct live_model model;
    struct live_limits limits = {2, RECORDED_TOK, RECORDED_TOK, RECORDED_TOK};
    uint64_t text = RECORDED_SEED;
    uint32_t tokens[RECORDED_TOK];
    assert_true(recorded_config(&config, recording->family));
    assert_int_equal(ts_weight_source_lifelike(&source, &config, recording->quant, RECORDED_SEED, NULL), TS_OK);
    assert_int_equal(ts_gguf_write_model(path, &config, source, NULL), TS_OK);
    ts_weight_source_destroy(source);
    assert_int_equal(live_model_open(&model, path, &limits, NULL), TS_OK);
    for (uint32_t i = 0; i < RECORDED_TOK; i++) {
        tokens[i] = live_token(&text, RECORDED_VOCAB);
    }
    struct ts_kv_seq seq = {0};
    struct ts_step_chunk chunk = {&seq, tokens, RECORDED_TOK, RECORDED_TOK};
    assert_int_equal(ts_transformer_step(model.transformer, &chunk, 1, logits, NULL), TS_OK);
    ts_kv_seq_release(&model.cache, &seq);
    live_model_close(&model);
    unlink(path);
}

static uint32_t largest_of(const float *logits)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < RECORDED_VOCAB; i++) {
        best = logits[i] > logits[best] ? i : best;
    }
    return best;
}

static void test_recorded_logits__there_are_all_families_and_formats(void **state)
{
    const struct recordings *all = *state;
    static const char *const families[] = {"llama", "qwen2", "qwen3"};
    static const char *const quants[] = {"Q4_0", "Q8_0", "Q4_K", "Q6_K", "F16", "BF16", "F32"};
    size_t found = 0;
    for (size_t i = 0; i < all->n; i++) {
        assert_int_equal(all->items[i].n_rows, ROWS);
        for (size_t q = 0; q < sizeof quants / sizeof quants[0]; q++) {
            found += strcmp(all->items[i].family, "llama") == 0 && strcmp(all->items[i].quant, quants[q]) == 0;
        }
        for (size_t f = 1; f < sizeof families / sizeof families[0]; f++) {
            found += strcmp(all->items[i].family, families[f]) == 0 && strcmp(all->items[i].quant, "Q4_0") == 0;
        }
    }
    assert_int_equal(found, sizeof quants / sizeof quants[0] + sizeof families / sizeof families[0] - 1);
}

static void test_recorded_logits__ours_are_those_of_llama_cpp(void **state)
{
    const struct recordings *all = *state;
    float *logits = malloc((size_t)RECORDED_TOK * RECORDED_VOCAB * sizeof *logits);
    assert_non_null(logits);
    for (size_t i = 0; i < all->n; i++) {
        const struct recording *recording = &all->items[i];
        double errors = 0.0, squares = 0.0;
        uint32_t n_other = 0;
        our_logits(logits, recording);
        for (uint32_t r = 0; r < ROWS; r++) {
            const float *row = logits + (size_t)r * RECORDED_STEP * RECORDED_VOCAB;
            n_other += largest_of(row) != recording->largest[r];
            for (uint32_t l = 0; l < RECORDED_LOGITS; l++) {
                double want = recording->logits[r][l], error = (double)row[(size_t)l * RECORDED_STRIDE] - want;
                errors += error * error;
                squares += want * want;
            }
        }
        bool floats = strchr(recording->quant, 'F') != NULL;
        double error = sqrt(errors / squares);
        if (error > (floats ? 0.005 : 0.02) || n_other > 1) {
            fail_msg("%s %s: relative difference %.4f, %u of %d largest logits differ", recording->family,
                     recording->quant, error, n_other, (int)ROWS);
        }
    }
    free(logits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recorded_logits__there_are_all_families_and_formats),
        cmocka_unit_test(test_recorded_logits__ours_are_those_of_llama_cpp),
    };
    return cmocka_run_group_tests(tests, read_recordings, free_recordings);
}
