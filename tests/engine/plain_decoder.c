#include "tests/engine/plain_decoder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kernels/formats/quant.h"

/* A tensor's values, or NULL. */
static double *values_of(const struct ts_weight_source *source, const char *name)
{
    const struct ts_tensor *tensor = ts_weight_source_find(source, name);
    if (!tensor) {
        return NULL;
    }
    size_t n = (size_t)tensor->rows * tensor->cols;
    uint8_t *bytes = malloc(tensor->rows * tensor->row_bytes);
    float *floats = malloc(n * sizeof *floats);
    double *values = malloc(n * sizeof *values);
    const struct ts_quant_format *format = ts_quant_find(tensor->type->name);
    ts_weight_source_rows(source, tensor, 0, tensor->rows, bytes);
    if (format) {
        format->dequantize(floats, bytes, n);
    } else {
        memcpy(floats, bytes, n * sizeof *floats); /* F32 */
    }
    for (size_t i = 0; i < n; i++) {
        values[i] = (double)floats[i];
    }
    free(bytes);
    free(floats);
    return values;
}

static double *layer_values(const struct ts_weight_source *source, uint32_t layer, const char *name)
{
    char full[80];
    (void)snprintf(full, sizeof full, "blk.%u.%s", layer, name);
    return values_of(source, full);
}

static void norm(double *out, const double *x, const double *weight, uint32_t n, double eps)
{
    double squares = 0.0;
    for (uint32_t i = 0; i < n; i++) {
        squares += x[i] * x[i];
    }
    for (uint32_t i = 0; i < n; i++) {
        out[i] = x[i] / sqrt(squares / n + eps) * weight[i];
    }
}

static void multiply(double *y, const double *matrix, const double *x, uint32_t rows, uint32_t cols, const double *bias)
{
    for (uint32_t r = 0; r < rows; r++) {
        y[r] = bias ? bias[r] : 0.0;
        for (uint32_t c = 0; c < cols; c++) {
            y[r] += matrix[(size_t)r * cols + c] * x[c];
        }
    }
}

static double frequency(const struct ts_model_config *config, uint32_t pair)
{
    double plain = 1.0 / pow(config->rope_base, 2.0 * pair / config->head_dim);
    if (config->rope_scaling == TS_ROPE_LINEAR) {
        return plain / config->rope_factor;
    }
    if (config->rope_scaling == TS_ROPE_PLAIN) {
        return plain;
    }
    double wavelength = 2.0 * acos(-1.0) / plain;
    double low = config->rope_original_context / config->rope_low_freq,
           high = config->rope_original_context / config->rope_high_freq;
    if (wavelength < high) {
        return plain;
    }
    if (wavelength > low) {
        return plain / config->rope_factor;
    }
    double blend = (config->rope_original_context / wavelength - config->rope_low_freq) /
                   (config->rope_high_freq - config->rope_low_freq);
    return (1.0 - blend) * plain / config->rope_factor + blend * plain;
}

/* Llama's files pair neighbours, Qwen's pair the halves of a head. */
static void rotate(double *head, const struct ts_model_config *config, uint32_t pos)
{
    uint32_t half = config->head_dim / 2;
    for (uint32_t i = 0; i < half; i++) {
        double angle = pos * frequency(config, i);
        double *a = config->family == TS_MODEL_LLAMA ? head + 2 * i : head + i;
        double *b = config->family == TS_MODEL_LLAMA ? head + 2 * i + 1 : head + i + half;
        double x = *a, y = *b;
        *a = x * cos(angle) - y * sin(angle);
        *b = x * sin(angle) + y * cos(angle);
    }
}

static void attend(double *out, const double *q, const double *keys, const double *values, uint32_t n_keys,
                   uint32_t stride, uint32_t dim)
{
    double *p = malloc(n_keys * sizeof *p);
    double max = -INFINITY, sum = 0.0;
    for (uint32_t t = 0; t < n_keys; t++) {
        p[t] = 0.0;
        for (uint32_t i = 0; i < dim; i++) {
            p[t] += q[i] * keys[(size_t)t * stride + i];
        }
        p[t] /= sqrt(dim);
        max = fmax(max, p[t]);
    }
    for (uint32_t t = 0; t < n_keys; t++) {
        p[t] = exp(p[t] - max);
        sum += p[t];
    }
    for (uint32_t i = 0; i < dim; i++) {
        out[i] = 0.0;
        for (uint32_t t = 0; t < n_keys; t++) {
            out[i] += p[t] / sum * values[(size_t)t * stride + i];
        }
    }
    free(p);
}

static void attention_block(double *x, const struct ts_model_config *config, const struct ts_weight_source *source,
                            uint32_t layer, uint32_t n)
{
    uint32_t dim = config->head_dim, hidden = config->hidden, q_dim = config->heads * dim,
             kv_dim = config->kv_heads * dim;
    double *w_norm = layer_values(source, layer, "attn_norm.weight"),
           *wq = layer_values(source, layer, "attn_q.weight"), *wk = layer_values(source, layer, "attn_k.weight"),
           *wv = layer_values(source, layer, "attn_v.weight"), *wo = layer_values(source, layer, "attn_output.weight"),
           *bq = layer_values(source, layer, "attn_q.bias"), *bk = layer_values(source, layer, "attn_k.bias"),
           *bv = layer_values(source, layer, "attn_v.bias"), *nq = layer_values(source, layer, "attn_q_norm.weight"),
           *nk = layer_values(source, layer, "attn_k_norm.weight");
    double *h = malloc(hidden * sizeof *h), *q = malloc(q_dim * sizeof *q), *out = malloc(q_dim * sizeof *out);
    double *k = malloc((size_t)n * kv_dim * sizeof *k), *v = malloc((size_t)n * kv_dim * sizeof *v);
    for (uint32_t t = 0; t < n; t++) {
        norm(h, x + (size_t)t * hidden, w_norm, hidden, (double)config->norm_eps);
        multiply(q, wq, h, q_dim, hidden, bq);
        multiply(k + (size_t)t * kv_dim, wk, h, kv_dim, hidden, bk);
        multiply(v + (size_t)t * kv_dim, wv, h, kv_dim, hidden, bv);
        for (uint32_t head = 0; head < config->kv_heads; head++) {
            double *at = k + (size_t)t * kv_dim + (size_t)head * dim;
            if (nk) {
                norm(at, at, nk, dim, (double)config->norm_eps);
            }
            rotate(at, config, t);
        }
        for (uint32_t head = 0; head < config->heads; head++) {
            double *at = q + (size_t)head * dim;
            size_t kv = (size_t)(head / (config->heads / config->kv_heads)) * dim;
            if (nq) {
                norm(at, at, nq, dim, (double)config->norm_eps);
            }
            rotate(at, config, t);
            attend(out + (size_t)head * dim, at, k + kv, v + kv, t + 1, kv_dim, dim);
        }
        multiply(h, wo, out, hidden, q_dim, NULL);
        for (uint32_t i = 0; i < hidden; i++) {
            x[(size_t)t * hidden + i] += h[i];
        }
    }
    double *all[] = {w_norm, wq, wk, wv, wo, bq, bk, bv, nq, nk, h, q, out, k, v};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        free(all[i]);
    }
}

static void ffn_block(double *x, const struct ts_model_config *config, const struct ts_weight_source *source,
                      uint32_t layer, uint32_t n)
{
    uint32_t hidden = config->hidden, ffn = config->ffn;
    double *w_norm = layer_values(source, layer, "ffn_norm.weight"),
           *gate = layer_values(source, layer, "ffn_gate.weight"), *up = layer_values(source, layer, "ffn_up.weight"),
           *down = layer_values(source, layer, "ffn_down.weight");
    double *h = malloc(hidden * sizeof *h), *g = malloc(ffn * sizeof *g), *u = malloc(ffn * sizeof *u);
    for (uint32_t t = 0; t < n; t++) {
        norm(h, x + (size_t)t * hidden, w_norm, hidden, (double)config->norm_eps);
        multiply(g, gate, h, ffn, hidden, NULL);
        multiply(u, up, h, ffn, hidden, NULL);
        for (uint32_t i = 0; i < ffn; i++) {
            g[i] = g[i] / (1.0 + exp(-g[i])) * u[i];
        }
        multiply(h, down, g, hidden, ffn, NULL);
        for (uint32_t i = 0; i < hidden; i++) {
            x[(size_t)t * hidden + i] += h[i];
        }
    }
    double *all[] = {w_norm, gate, up, down, h, g, u};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        free(all[i]);
    }
}

void plain_decoder_run(double *logits, const struct ts_model_config *config, const struct ts_weight_source *source,
                       const uint32_t *tokens, uint32_t n)
{
    uint32_t hidden = config->hidden;
    double *embedding = values_of(source, "token_embd.weight"), *own = values_of(source, "output.weight");
    double *w_norm = values_of(source, "output_norm.weight");
    double *x = malloc((size_t)n * hidden * sizeof *x), *h = malloc(hidden * sizeof *h);
    for (uint32_t t = 0; t < n; t++) {
        memcpy(x + (size_t)t * hidden, embedding + (size_t)tokens[t] * hidden, hidden * sizeof *x);
    }
    for (uint32_t layer = 0; layer < config->layers; layer++) {
        attention_block(x, config, source, layer, n);
        ffn_block(x, config, source, layer, n);
    }
    for (uint32_t t = 0; t < n; t++) {
        norm(h, x + (size_t)t * hidden, w_norm, hidden, (double)config->norm_eps);
        multiply(logits + (size_t)t * config->vocab, own ? own : embedding, h, config->vocab, hidden, NULL);
    }
    free(embedding);
    free(own);
    free(w_norm);
    free(x);
    free(h);
}
