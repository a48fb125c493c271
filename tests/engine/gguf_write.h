/* Writing GGUF version 3: metadata and tensors are announced first, data are drawn from callbacks when the file is
 * written, so that a model of many gigabytes never has to be in memory. Also a whole model from a weight source, with
 * the least of a tokenizer that programs ask for. */
#ifndef TS_TESTS_ENGINE_GGUF_WRITE_H
#define TS_TESTS_ENGINE_GGUF_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "engine/gguf.h"
#include "engine/model_config.h"
#include "engine/weight_source.h"

struct ts_gguf_writer;

/* Copies rows [first, first + n) of the tensor to out. */
typedef void ts_gguf_fill_fn(void *user, uint8_t *out, uint64_t first, uint64_t n);

enum ts_status ts_gguf_writer_create(struct ts_gguf_writer **out);
void ts_gguf_writer_destroy(struct ts_gguf_writer *writer);

/* A failed allocation is remembered and reported by save. */
void ts_gguf_put_string(struct ts_gguf_writer *writer, const char *key, const char *value);
void ts_gguf_put_u32(struct ts_gguf_writer *writer, const char *key, uint32_t value);
void ts_gguf_put_f32(struct ts_gguf_writer *writer, const char *key, float value);
void ts_gguf_put_bool(struct ts_gguf_writer *writer, const char *key, bool value);
void ts_gguf_put_strings(struct ts_gguf_writer *writer, const char *key, const char *const *values, size_t n);
void ts_gguf_put_f32s(struct ts_gguf_writer *writer, const char *key, const float *values, size_t n);
void ts_gguf_put_i32s(struct ts_gguf_writer *writer, const char *key, const int32_t *values, size_t n);

/* rows x cols, or a vector of cols with rows = 0; cols must be whole blocks. */
void ts_gguf_add_tensor(struct ts_gguf_writer *writer, const char *name, const struct ts_gguf_type *type, uint32_t rows,
                        uint32_t cols, ts_gguf_fill_fn *fill, void *user);

/* Writes the file atomically. TS_EIO, TS_ENOMEM. */
enum ts_status ts_gguf_writer_save(const struct ts_gguf_writer *writer, const char *path, struct ts_diags *diags);

/* All tensors of a source, with the model's metadata and a made-up vocabulary of <unk>, <s>, </s>, 256 bytes and
 * numbered words. */
enum ts_status ts_gguf_write_model(const char *path, const struct ts_model_config *config,
                                   const struct ts_weight_source *source, struct ts_diags *diags);

#endif
