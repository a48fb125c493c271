/* GGUF, version 2 and 3: the file format of ggml's models (docs/gguf.md of the ggml project). The reader maps the file
 * and checks all of it before anything is handed out: every count, length, type, offset and size may lie. Little-endian
 * files and hosts only. */
#ifndef TS_ENGINE_GGUF_H
#define TS_ENGINE_GGUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct ts_gguf;

/* An element type of tensors. */
struct ts_gguf_type {
    uint32_t id;      /* ggml's number */
    const char *name; /* "Q4_0" */
    uint32_t block_cols, block_bytes;
};

enum { TS_GGUF_MAX_DIMS = 4 };

struct ts_gguf_tensor {
    const char *name;
    const struct ts_gguf_type *type;
    uint32_t n_dims;
    uint64_t dims[TS_GGUF_MAX_DIMS]; /* dims[0] = columns, contiguous; dims[1] = rows; 1 beyond n_dims */
    uint64_t offset;                 /* in the data section */
    const uint8_t *data;             /* `bytes` of blocks; may be unaligned */
    uint64_t bytes;
};

/* NULL if not one of F32, F16, BF16, Q4_0, Q8_0, Q4_K, Q6_K. */
const struct ts_gguf_type *ts_gguf_type_by_name(const char *name);
const struct ts_gguf_type *ts_gguf_type_by_id(uint32_t id);

/* Of a split model ("...-00001-of-00003.gguf") any part opens all, which lie beside it; its name is the first's.
 * TS_EIO, TS_ENOMEM, TS_EINPUT with a diagnostic that says what is wrong. A file changed by others while it is open is
 * not defended against. */
enum ts_status ts_gguf_open(struct ts_gguf **out, const char *path, struct ts_diags *diags);
/* The same over memory, borrowed until close. */
enum ts_status ts_gguf_open_memory(struct ts_gguf **out, const char *name, const uint8_t *data, size_t len,
                                   struct ts_diags *diags);
void ts_gguf_close(struct ts_gguf *gguf);

const char *ts_gguf_name(const struct ts_gguf *gguf);

/* Metadata: NULL or false where the key is absent or of another type. Any number, a bool as 0 or 1, and an array of
 * equal ones (a value a layer) reads as a double. */
const char *ts_gguf_string(const struct ts_gguf *gguf, const char *key);
bool ts_gguf_double(const struct ts_gguf *gguf, const char *key, double *out);
/* Index of the first number of an array that is not as the one at 0; 0 if all are equal or there is no such array. */
uint64_t ts_gguf_odd_one(const struct ts_gguf *gguf, const char *key);
/* Length of an array; 0 if there is none. */
uint64_t ts_gguf_array_length(const struct ts_gguf *gguf, const char *key);

size_t ts_gguf_n_tensors(const struct ts_gguf *gguf);
const struct ts_gguf_tensor *ts_gguf_tensor_at(const struct ts_gguf *gguf, size_t index); /* by name, ascending */
const struct ts_gguf_tensor *ts_gguf_tensor(const struct ts_gguf *gguf, const char *name);

/* Tells the system that the tensor's pages are not needed for now. */
void ts_gguf_forget(const struct ts_gguf *gguf, const struct ts_gguf_tensor *tensor);

#endif
