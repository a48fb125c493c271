/* A file's parts: gguf_open.c has them, gguf_parse.c fills them in, gguf.c looks things up in them. */
#ifndef TS_ENGINE_GGUF_PARSE_H
#define TS_ENGINE_GGUF_PARSE_H

#include "base/arena.h"
#include "engine/gguf.h"

/* Types of metadata. */
enum {
    TS_GGUF_U8,
    TS_GGUF_I8,
    TS_GGUF_U16,
    TS_GGUF_I16,
    TS_GGUF_U32,
    TS_GGUF_I32,
    TS_GGUF_F32,
    TS_GGUF_BOOL,
    TS_GGUF_STRING,
    TS_GGUF_ARRAY,
    TS_GGUF_U64,
    TS_GGUF_I64,
    TS_GGUF_F64,
    TS_GGUF_N_TYPES
};

/* Of one value; 0 for strings and arrays. */
extern const uint8_t ts_gguf_type_bytes[TS_GGUF_N_TYPES];

struct ts_gguf_entry {
    const char *key;
    uint32_t type;
    uint32_t element; /* of an array */
    uint64_t n;       /* elements of an array */
    const char *string;
    const uint8_t *data; /* of a number, or of an array of them */
};

struct ts_gguf {
    struct ts_arena arena;
    const char *name;
    const uint8_t *data;
    size_t len;
    void *map;              /* NULL: borrowed memory */
    struct ts_gguf **parts; /* [n_parts] the others of a split model, on the heap; NULL of a whole one */
    size_t n_parts;
    struct ts_gguf_entry *entries;
    size_t n_entries;
    struct ts_gguf_tensor *tensors;
    size_t n_tensors;
};

/* By key, and by name: for sorting and searching. */
int ts_gguf_compare_entries(const void *a, const void *b);
int ts_gguf_compare_tensors(const void *a, const void *b);

/* The first n bytes as a number. */
uint64_t ts_gguf_little(const uint8_t *bytes, size_t n);

/* Fills in entries (by key) and tensors (by name) from the data. */
enum ts_status ts_gguf_parse(struct ts_gguf *gguf, struct ts_diags *diags);

#endif
