/* Hides the layout on the way out: the mirror of gguf.c. */
#include "tests/engine/gguf_write.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/file.h"

enum { ALIGNMENT = 32, PIECE_BYTES = 1 << 20, SPECIAL_TOKENS = 3, BYTE_TOKENS = 256 };
enum { TYPE_U32 = 4, TYPE_I32 = 5, TYPE_F32 = 6, TYPE_BOOL = 7, TYPE_STRING = 8, TYPE_ARRAY = 9 };
/* llama.cpp's kinds of tokens. */
enum { TOKEN_NORMAL = 1, TOKEN_UNKNOWN = 2, TOKEN_CONTROL = 3, TOKEN_BYTE = 6 };

struct out_tensor {
    uint64_t rows, row_bytes;
    ts_gguf_fill_fn *fill;
    void *user;
};

struct ts_gguf_writer {
    struct ts_text entries, records;
    uint64_t n_entries, n_tensors, data_bytes;
    struct out_tensor *tensors;
    size_t max_tensors;
    bool failed;
};

enum ts_status ts_gguf_writer_create(struct ts_gguf_writer **out)
{
    struct ts_gguf_writer *writer = calloc(1, sizeof *writer);
    if (!writer) {
        return TS_ENOMEM;
    }
    ts_text_init(&writer->entries);
    ts_text_init(&writer->records);
    *out = writer;
    return TS_OK;
}

void ts_gguf_writer_destroy(struct ts_gguf_writer *writer)
{
    if (!writer) {
        return;
    }
    ts_text_deinit(&writer->entries);
    ts_text_deinit(&writer->records);
    free(writer->tensors);
    free(writer);
}

static void put_number(struct ts_text *out, uint64_t value, int n_bytes)
{
    char bytes[8];
    for (int i = 0; i < n_bytes; i++) {
        bytes[i] = (char)(unsigned char)(value >> (8 * i));
    }
    ts_text_append(out, bytes, (size_t)n_bytes);
}

static void put_float(struct ts_text *out, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_number(out, bits, 4);
}

static void put_text(struct ts_text *out, const char *string)
{
    size_t len = strlen(string);
    put_number(out, len, 8);
    ts_text_append(out, string, len);
}

static void put_key(struct ts_gguf_writer *writer, const char *key, uint32_t type)
{
    writer->n_entries++;
    put_text(&writer->entries, key);
    put_number(&writer->entries, type, 4);
}

static void put_array_key(struct ts_gguf_writer *writer, const char *key, uint32_t type, size_t n)
{
    put_key(writer, key, TYPE_ARRAY);
    put_number(&writer->entries, type, 4);
    put_number(&writer->entries, n, 8);
}

void ts_gguf_put_string(struct ts_gguf_writer *writer, const char *key, const char *value)
{
    put_key(writer, key, TYPE_STRING);
    put_text(&writer->entries, value);
}

void ts_gguf_put_u32(struct ts_gguf_writer *writer, const char *key, uint32_t value)
{
    put_key(writer, key, TYPE_U32);
    put_number(&writer->entries, value, 4);
}

void ts_gguf_put_f32(struct ts_gguf_writer *writer, const char *key, float value)
{
    put_key(writer, key, TYPE_F32);
    put_float(&writer->entries, value);
}

void ts_gguf_put_bool(struct ts_gguf_writer *writer, const char *key, bool value)
{
    put_key(writer, key, TYPE_BOOL);
    put_number(&writer->entries, value ? 1 : 0, 1);
}

void ts_gguf_put_strings(struct ts_gguf_writer *writer, const char *key, const char *const *values, size_t n)
{
    put_array_key(writer, key, TYPE_STRING, n);
    for (size_t i = 0; i < n; i++) {
        put_text(&writer->entries, values[i]);
    }
}

void ts_gguf_put_f32s(struct ts_gguf_writer *writer, const char *key, const float *values, size_t n)
{
    put_array_key(writer, key, TYPE_F32, n);
    for (size_t i = 0; i < n; i++) {
        put_float(&writer->entries, values[i]);
    }
}

void ts_gguf_put_i32s(struct ts_gguf_writer *writer, const char *key, const int32_t *values, size_t n)
{
    put_array_key(writer, key, TYPE_I32, n);
    for (size_t i = 0; i < n; i++) {
        put_number(&writer->entries, (uint32_t)values[i], 4);
    }
}

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

void ts_gguf_add_tensor(struct ts_gguf_writer *writer, const char *name, const struct ts_gguf_type *type, uint32_t rows,
                        uint32_t cols, ts_gguf_fill_fn *fill, void *user)
{
    TS_CHECK(cols > 0 && cols % type->block_cols == 0);
    if (writer->n_tensors == writer->max_tensors) {
        size_t max = writer->max_tensors ? 2 * writer->max_tensors : 64;
        struct out_tensor *tensors = realloc(writer->tensors, max * sizeof *tensors);
        if (!tensors) {
            writer->failed = true;
            return;
        }
        writer->tensors = tensors;
        writer->max_tensors = max;
    }
    struct out_tensor tensor = {rows ? rows : 1, (uint64_t)cols / type->block_cols * type->block_bytes, fill, user};
    put_text(&writer->records, name);
    put_number(&writer->records, rows ? 2 : 1, 4);
    put_number(&writer->records, cols, 8);
    if (rows) {
        put_number(&writer->records, rows, 8);
    }
    put_number(&writer->records, type->id, 4);
    put_number(&writer->records, writer->data_bytes, 8);
    writer->tensors[writer->n_tensors++] = tensor;
    writer->data_bytes += aligned(tensor.rows * tensor.row_bytes);
}

/* fwrite's errors are sticky in the stream; commit looks at them. */
static void pad(FILE *stream, uint64_t written)
{
    static const char zeros[ALIGNMENT];
    (void)fwrite(zeros, 1, (size_t)(aligned(written) - written), stream);
}

static void write_tensor(FILE *stream, const struct out_tensor *tensor, uint8_t *piece)
{
    uint64_t step = tensor->row_bytes < PIECE_BYTES ? PIECE_BYTES / tensor->row_bytes : 1;
    for (uint64_t row = 0; row < tensor->rows; row += step) {
        uint64_t n = tensor->rows - row < step ? tensor->rows - row : step;
        tensor->fill(tensor->user, piece, row, n);
        (void)fwrite(piece, 1, (size_t)(n * tensor->row_bytes), stream);
    }
    pad(stream, tensor->rows * tensor->row_bytes);
}

static enum ts_status write_all(const struct ts_gguf_writer *writer, FILE *stream)
{
    uint64_t largest = PIECE_BYTES;
    for (uint64_t i = 0; i < writer->n_tensors; i++) {
        largest = writer->tensors[i].row_bytes > largest ? writer->tensors[i].row_bytes : largest;
    }
    uint8_t *piece = malloc((size_t)largest);
    struct ts_text header;
    ts_text_init(&header);
    ts_text_append(&header, "GGUF", 4);
    put_number(&header, 3, 4);
    put_number(&header, writer->n_tensors, 8);
    put_number(&header, writer->n_entries, 8);
    enum ts_status status = !piece || header.failed ? TS_ENOMEM : TS_OK;
    if (status == TS_OK) {
        (void)fwrite(header.data, 1, header.len, stream);
        (void)fwrite(writer->entries.data, 1, writer->entries.len, stream);
        (void)fwrite(writer->records.data, 1, writer->records.len, stream);
        pad(stream, header.len + writer->entries.len + writer->records.len);
        for (uint64_t i = 0; i < writer->n_tensors && !ferror(stream); i++) {
            write_tensor(stream, &writer->tensors[i], piece);
        }
    }
    ts_text_deinit(&header);
    free(piece);
    return status;
}

enum ts_status ts_gguf_writer_save(const struct ts_gguf_writer *writer, const char *path, struct ts_diags *diags)
{
    if (writer->failed || writer->entries.failed || writer->records.failed) {
        return TS_ENOMEM;
    }
    struct ts_file_writer file;
    enum ts_status status = ts_file_writer_open(&file, path, diags);
    if (status != TS_OK) {
        return status;
    }
    status = write_all(writer, file.stream);
    if (status != TS_OK) {
        ts_file_writer_abort(&file);
        return status;
    }
    return ts_file_writer_commit(&file, diags);
}

/* A whole model. */

static void put_arch_u32(struct ts_gguf_writer *writer, const struct ts_model_config *config, const char *key,
                         uint32_t value)
{
    char full[96];
    (void)snprintf(full, sizeof full, "%s.%s", ts_model_family_name(config->family), key);
    ts_gguf_put_u32(writer, full, value);
}

static void put_arch_f32(struct ts_gguf_writer *writer, const struct ts_model_config *config, const char *key,
                         float value)
{
    char full[96];
    (void)snprintf(full, sizeof full, "%s.%s", ts_model_family_name(config->family), key);
    ts_gguf_put_f32(writer, full, value);
}

static void put_config(struct ts_gguf_writer *writer, const struct ts_model_config *config)
{
    ts_gguf_put_string(writer, "general.architecture", ts_model_family_name(config->family));
    ts_gguf_put_string(writer, "general.name", config->name);
    ts_gguf_put_u32(writer, "general.alignment", ALIGNMENT);
    put_arch_u32(writer, config, "block_count", config->layers);
    put_arch_u32(writer, config, "context_length", config->context);
    put_arch_u32(writer, config, "embedding_length", config->hidden);
    put_arch_u32(writer, config, "feed_forward_length", config->ffn);
    put_arch_u32(writer, config, "attention.head_count", config->heads);
    put_arch_u32(writer, config, "attention.head_count_kv", config->kv_heads);
    put_arch_u32(writer, config, "attention.key_length", config->head_dim);
    put_arch_u32(writer, config, "attention.value_length", config->head_dim);
    put_arch_u32(writer, config, "rope.dimension_count", config->head_dim);
    put_arch_u32(writer, config, "vocab_size", config->vocab);
    put_arch_f32(writer, config, "attention.layer_norm_rms_epsilon", config->norm_eps);
    put_arch_f32(writer, config, "rope.freq_base", (float)config->rope_base);
    if (config->rope_scaling == TS_ROPE_LINEAR) {
        char key[96];
        (void)snprintf(key, sizeof key, "%s.rope.scaling.type", ts_model_family_name(config->family));
        ts_gguf_put_string(writer, key, "linear");
        put_arch_f32(writer, config, "rope.scaling.factor", (float)config->rope_factor);
    }
}

static const char *token_name(struct ts_arena *arena, uint32_t token, int32_t *kind)
{
    static const char *const special[SPECIAL_TOKENS] = {"<unk>", "<s>", "</s>"};
    if (token < SPECIAL_TOKENS) {
        *kind = token == 0 ? TOKEN_UNKNOWN : TOKEN_CONTROL;
        return special[token];
    }
    if (token < SPECIAL_TOKENS + BYTE_TOKENS) {
        *kind = TOKEN_BYTE;
        return ts_arena_printf(arena, "<0x%02X>", token - SPECIAL_TOKENS);
    }
    *kind = TOKEN_NORMAL;
    return ts_arena_printf(arena, "word%u", token);
}

static enum ts_status put_vocabulary(struct ts_gguf_writer *writer, struct ts_arena *arena, uint32_t vocab)
{
    const char **names = ts_arena_array(arena, vocab, sizeof *names);
    float *scores = ts_arena_array(arena, vocab, sizeof *scores);
    int32_t *kinds = ts_arena_array(arena, vocab, sizeof *kinds);
    if (!names || !scores || !kinds) {
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i < vocab; i++) {
        names[i] = token_name(arena, i, &kinds[i]);
        scores[i] = -(float)i;
        if (!names[i]) {
            return TS_ENOMEM;
        }
    }
    ts_gguf_put_string(writer, "tokenizer.ggml.model", "llama");
    ts_gguf_put_strings(writer, "tokenizer.ggml.tokens", names, vocab);
    ts_gguf_put_f32s(writer, "tokenizer.ggml.scores", scores, vocab);
    ts_gguf_put_i32s(writer, "tokenizer.ggml.token_type", kinds, vocab);
    ts_gguf_put_u32(writer, "tokenizer.ggml.unknown_token_id", 0);
    ts_gguf_put_u32(writer, "tokenizer.ggml.bos_token_id", 1);
    ts_gguf_put_u32(writer, "tokenizer.ggml.eos_token_id", 2);
    return TS_OK;
}

struct source_tensor {
    const struct ts_weight_source *source;
    const struct ts_tensor *tensor;
};

static void fill_from_source(void *user, uint8_t *out, uint64_t first, uint64_t n)
{
    const struct source_tensor *from = user;
    ts_weight_source_rows(from->source, from->tensor, (uint32_t)first, (uint32_t)n, out);
}

static enum ts_status put_tensors(struct ts_gguf_writer *writer, struct ts_arena *arena,
                                  const struct ts_weight_source *source)
{
    size_t n = ts_weight_source_n_tensors(source);
    struct source_tensor *all = ts_arena_array(arena, n, sizeof *all);
    if (!all) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        const struct ts_tensor *tensor = ts_weight_source_at(source, i);
        all[i] = (struct source_tensor){source, tensor};
        ts_gguf_add_tensor(writer, tensor->name, tensor->type, tensor->n_dims == 1 ? 0 : tensor->rows, tensor->cols,
                           fill_from_source, &all[i]);
    }
    return TS_OK;
}

enum ts_status ts_gguf_write_model(const char *path, const struct ts_model_config *config,
                                   const struct ts_weight_source *source, struct ts_diags *diags)
{
    struct ts_gguf_writer *writer;
    enum ts_status status = ts_gguf_writer_create(&writer);
    if (status != TS_OK) {
        return status;
    }
    struct ts_arena arena;
    ts_arena_init(&arena);
    put_config(writer, config);
    status = put_vocabulary(writer, &arena, config->vocab);
    if (status == TS_OK) {
        status = put_tensors(writer, &arena, source);
    }
    if (status == TS_OK) {
        status = ts_gguf_writer_save(writer, path, diags);
    }
    ts_gguf_writer_destroy(writer);
    ts_arena_deinit(&arena);
    return status;
}
