#include "tests/engine/engine_live.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "kernels/host.h"
#include "measure/spread.h"
#include "tests/engine/live_model.h"
#include "tests/engine/recorded_model.h"

enum { PIECE_TOK = 64, MAX_PROMPT = 512, MAX_SEQS = 64, KV_TOK = 16384 };

/* -- logits -- */

static enum ts_status write_text(struct live_model *model, uint64_t seed, uint32_t n_tok, uint32_t piece_tok,
                                 float *logits, FILE *stream, struct ts_diags *diags)
{
    struct ts_kv_seq seq = {0};
    uint32_t tokens[PIECE_TOK], vocab = model->config.vocab;
    enum ts_status status = TS_OK;
    for (uint32_t at = 0; at < n_tok && status == TS_OK; at += piece_tok) {
        uint32_t n = n_tok - at < piece_tok ? n_tok - at : piece_tok;
        for (uint32_t i = 0; i < n; i++) {
            tokens[i] = live_token(&seed, vocab);
        }
        struct ts_step_chunk chunk = {&seq, tokens, n, n};
        status = ts_transformer_step(model->transformer, &chunk, 1, logits, diags);
        (void)fwrite(logits, sizeof *logits, (size_t)n * vocab, stream);
    }
    ts_kv_seq_release(&model->cache, &seq);
    return status;
}

enum ts_status engine_live_logits(const char *gguf, uint64_t seed, uint32_t n_tok, uint32_t n_seqs, uint32_t piece_tok,
                                  const char *out, struct ts_diags *diags)
{
    if (piece_tok < 1 || piece_tok > PIECE_TOK) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "steps take from 1 to %d tokens", PIECE_TOK);
    }
    struct live_model model;
    struct live_limits limits = {1, n_tok, PIECE_TOK, PIECE_TOK};
    struct ts_file_writer file;
    enum ts_status status = live_model_open(&model, gguf, &limits, diags);
    if (status != TS_OK) {
        return status;
    }
    float *logits = malloc((size_t)PIECE_TOK * model.config.vocab * sizeof *logits);
    status = logits ? ts_file_writer_open(&file, out, diags) : TS_ENOMEM;
    if (status == TS_OK) {
        for (uint32_t i = 0; i < n_seqs && status == TS_OK; i++) {
            status = write_text(&model, seed + i, n_tok, piece_tok, logits, file.stream, diags);
        }
        if (status == TS_OK) {
            status = ts_file_writer_commit(&file, diags);
        } else {
            ts_file_writer_abort(&file);
        }
    }
    free(logits);
    live_model_close(&model);
    return status;
}

static void print_record(const char *family, const char *quant, uint32_t position, const float *row)
{
    uint32_t best = 0;
    for (uint32_t i = 1; i < RECORDED_VOCAB; i++) {
        best = row[i] > row[best] ? i : best;
    }
    printf("%s,%s,%u,%u", family, quant, position, best);
    for (uint32_t i = 0; i < RECORDED_LOGITS; i++) {
        printf(",%.6g", (double)row[(size_t)i * RECORDED_STRIDE]);
    }
    printf("\n");
}

enum ts_status engine_live_record(const char *logits, const char *family, const char *quant, struct ts_diags *diags)
{
    float row[RECORDED_VOCAB];
    FILE *stream = fopen(logits, "rb");
    if (!stream) {
        return ts_fail(diags, TS_EIO, ts_span_file(logits), NULL, "cannot open");
    }
    uint32_t position = 0;
    for (; position < RECORDED_TOK && fread(row, sizeof row, 1, stream) == 1; position++) {
        if (position % RECORDED_STEP == 0) {
            print_record(family, quant, position, row);
        }
    }
    (void)fclose(stream);
    return position == RECORDED_TOK ? TS_OK : ts_fail(diags, TS_EINPUT, ts_span_file(logits), NULL, "too short");
}

struct comparison {
    size_t n_rows, n_same;
    double squares, errors;
};

static void compare_row(struct comparison *sums, const float *a, const float *b, uint32_t vocab)
{
    uint32_t best_a = 0, best_b = 0;
    for (uint32_t i = 0; i < vocab; i++) {
        double error = (double)a[i] - (double)b[i];
        sums->errors += error * error;
        sums->squares += (double)b[i] * (double)b[i];
        best_a = a[i] > a[best_a] ? i : best_a;
        best_b = b[i] > b[best_b] ? i : best_b;
    }
    sums->n_rows++;
    sums->n_same += best_a == best_b;
}

static enum ts_status compare_streams(FILE *a, FILE *b, uint32_t vocab)
{
    struct comparison sums = {0};
    float *row_a = malloc(vocab * sizeof *row_a), *row_b = malloc(vocab * sizeof *row_b);
    while (row_a && row_b && fread(row_a, sizeof *row_a, vocab, a) == vocab &&
           fread(row_b, sizeof *row_b, vocab, b) == vocab) {
        compare_row(&sums, row_a, row_b, vocab);
    }
    free(row_a);
    free(row_b);
    printf("%zu rows, the same largest logit on %.2f %%, relative RMS difference %.3f %%\n", sums.n_rows,
           100.0 * (double)sums.n_same / (double)sums.n_rows, 100.0 * sqrt(sums.errors / sums.squares));
    return sums.n_rows > 0 ? TS_OK : TS_EINPUT;
}

enum ts_status engine_live_compare(const char *mine, const char *other, uint32_t vocab, struct ts_diags *diags)
{
    FILE *a = fopen(mine, "rb"), *b = fopen(other, "rb");
    enum ts_status status = a && b ? compare_streams(a, b, vocab)
                                   : ts_fail(diags, TS_EIO, ts_span_file(a ? other : mine), NULL, "cannot open");
    if (a) {
        (void)fclose(a);
    }
    if (b) {
        (void)fclose(b);
    }
    return status;
}

/* -- steps -- */

struct stepper {
    struct live_model model;
    struct ts_diags *diags;
    struct ts_kv_seq seqs[MAX_SEQS];
    struct ts_step_chunk chunks[MAX_SEQS];
    uint32_t tokens[MAX_PROMPT];
    uint64_t text;
    float *logits; /* [MAX_SEQS][vocab] */
};

static enum ts_status step(struct stepper *stepper, uint32_t n_seqs, uint32_t n_tok, bool logits)
{
    for (uint32_t i = 0; i < n_seqs * n_tok; i++) {
        stepper->tokens[i] = live_token(&stepper->text, stepper->model.config.vocab);
    }
    for (uint32_t s = 0; s < n_seqs; s++) {
        stepper->chunks[s] =
            (struct ts_step_chunk){&stepper->seqs[s], stepper->tokens + (size_t)s * n_tok, n_tok, logits ? 1 : 0};
    }
    return ts_transformer_step(stepper->model.transformer, stepper->chunks, n_seqs, stepper->logits, stepper->diags);
}

/* Sequences of `depth` tokens, then n_steps of n_tok tokens each: the seconds of the latter. */
static enum ts_status time_steps(struct stepper *stepper, double *seconds, uint32_t n_seqs, uint32_t n_tok,
                                 uint32_t n_steps, uint32_t depth)
{
    enum ts_status status = TS_OK;
    uint32_t piece = MAX_PROMPT / n_seqs;
    for (uint32_t at = 0; at < depth && status == TS_OK; at += piece) {
        status = step(stepper, n_seqs, depth - at < piece ? depth - at : piece, false);
    }
    double start = ts_clock_now_s();
    for (uint32_t i = 0; i < n_steps && status == TS_OK; i++) {
        status = step(stepper, n_seqs, n_tok, true);
    }
    *seconds = ts_clock_now_s() - start;
    for (uint32_t s = 0; s < n_seqs; s++) {
        ts_kv_seq_release(&stepper->model.cache, &stepper->seqs[s]);
    }
    return status;
}

static enum ts_status answer(struct stepper *stepper, const char *line)
{
    unsigned n_seqs = 1, n = 0, depth = 0;
    double seconds = 0.0;
    enum ts_status status = TS_EUSAGE;
    if (strncmp(line, "mem", 3) == 0) {
        printf("%llu\n", (unsigned long long)ts_host_peak_bytes());
        status = TS_OK;
    } else if (sscanf(line, "pp %u %u", &n, &depth) >= 1 && n > 0 && n <= MAX_PROMPT) {
        status = time_steps(stepper, &seconds, 1, n, 1, depth);
        printf("%.6f\n", seconds);
    } else if (sscanf(line, "bd %u %u %u", &n_seqs, &n, &depth) >= 2 && n_seqs > 0 && n_seqs <= MAX_SEQS && n > 0) {
        status = time_steps(stepper, &seconds, n_seqs, 1, n, depth);
        printf("%.6f\n", seconds);
    }
    (void)fflush(stdout);
    return status;
}

enum ts_status engine_live_steps(const char *gguf, uint32_t n_threads, struct ts_diags *diags)
{
    char line[80];
    struct stepper *stepper = calloc(1, sizeof *stepper);
    struct live_limits limits = {n_threads, KV_TOK, MAX_PROMPT, MAX_SEQS};
    enum ts_status status = stepper ? live_model_open(&stepper->model, gguf, &limits, diags) : TS_ENOMEM;
    if (status != TS_OK) {
        free(stepper);
        return status;
    }
    stepper->diags = diags;
    stepper->logits = malloc((size_t)MAX_SEQS * stepper->model.config.vocab * sizeof *stepper->logits);
    status = stepper->logits ? TS_OK : TS_ENOMEM;
    while (status == TS_OK && fgets(line, sizeof line, stdin)) {
        status = answer(stepper, line);
    }
    free(stepper->logits);
    live_model_close(&stepper->model);
    free(stepper);
    return status;
}
