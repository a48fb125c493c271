/* Hides the types of a file and the look-ups in it. */
#include "engine/gguf.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "engine/gguf_parse.h"

static const struct ts_gguf_type tensor_types[] = {
    {0, "F32", 1, 4},   {1, "F16", 1, 2},       {2, "Q4_0", 32, 18},    {8, "Q8_0", 32, 34},
    {30, "BF16", 1, 2}, {12, "Q4_K", 256, 144}, {14, "Q6_K", 256, 210},
};

const uint8_t ts_gguf_type_bytes[TS_GGUF_N_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

const struct ts_gguf_type *ts_gguf_type_by_id(uint32_t id)
{
    for (size_t i = 0; i < sizeof tensor_types / sizeof tensor_types[0]; i++) {
        if (tensor_types[i].id == id) {
            return &tensor_types[i];
        }
    }
    return NULL;
}

const struct ts_gguf_type *ts_gguf_type_by_name(const char *name)
{
    for (size_t i = 0; i < sizeof tensor_types / sizeof tensor_types[0]; i++) {
        if (ts_str_equal(tensor_types[i].name, name)) {
            return &tensor_types[i];
        }
    }
    return NULL;
}

int ts_gguf_compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct ts_gguf_entry *)a)->key, ((const struct ts_gguf_entry *)b)->key);
}

int ts_gguf_compare_tensors(const void *a, const void *b)
{
    return strcmp(((const struct ts_gguf_tensor *)a)->name, ((const struct ts_gguf_tensor *)b)->name);
}

uint64_t ts_gguf_little(const uint8_t *bytes, size_t n)
{
    uint64_t value = 0;
    for (size_t i = n; i > 0; i--) {
        value = value << 8 | bytes[i - 1];
    }
    return value;
}

const char *ts_gguf_name(const struct ts_gguf *gguf)
{
    return gguf->name;
}

static const struct ts_gguf_entry *find_entry(const struct ts_gguf *gguf, const char *key)
{
    struct ts_gguf_entry wanted = {.key = key};
    return gguf->n_entries ? bsearch(&wanted, gguf->entries, gguf->n_entries, sizeof wanted, ts_gguf_compare_entries)
                           : NULL;
}

const char *ts_gguf_string(const struct ts_gguf *gguf, const char *key)
{
    const struct ts_gguf_entry *entry = find_entry(gguf, key);
    return entry && entry->type == TS_GGUF_STRING ? entry->string : NULL;
}

uint64_t ts_gguf_array_length(const struct ts_gguf *gguf, const char *key)
{
    const struct ts_gguf_entry *entry = find_entry(gguf, key);
    return entry && entry->type == TS_GGUF_ARRAY ? entry->n : 0;
}

static double signed_value(uint64_t bits, size_t n)
{
    uint64_t sign = (uint64_t)1 << (8 * n - 1);
    return (bits & sign) ? -(double)((~bits & (sign - 1)) + 1) : (double)bits;
}

static double float_value(uint64_t bits)
{
    uint32_t low = (uint32_t)bits;
    float value;
    memcpy(&value, &low, sizeof value);
    return (double)value;
}

static double double_value(uint64_t bits)
{
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

bool ts_gguf_double(const struct ts_gguf *gguf, const char *key, double *out)
{
    const struct ts_gguf_entry *entry = find_entry(gguf, key);
    if (!entry || entry->type == TS_GGUF_STRING || entry->type == TS_GGUF_ARRAY) {
        return false;
    }
    size_t n = ts_gguf_type_bytes[entry->type];
    uint64_t bits = ts_gguf_little(entry->data, n);
    if (entry->type == TS_GGUF_F32) {
        *out = float_value(bits);
    } else if (entry->type == TS_GGUF_F64) {
        *out = double_value(bits);
    } else if (entry->type == TS_GGUF_I8 || entry->type == TS_GGUF_I16 || entry->type == TS_GGUF_I32 ||
               entry->type == TS_GGUF_I64) {
        *out = signed_value(bits, n);
    } else {
        *out = entry->type == TS_GGUF_BOOL ? (double)(bits != 0) : (double)bits;
    }
    return true;
}

size_t ts_gguf_n_tensors(const struct ts_gguf *gguf)
{
    return gguf->n_tensors;
}

const struct ts_gguf_tensor *ts_gguf_tensor_at(const struct ts_gguf *gguf, size_t index)
{
    return &gguf->tensors[index];
}

const struct ts_gguf_tensor *ts_gguf_tensor(const struct ts_gguf *gguf, const char *name)
{
    struct ts_gguf_tensor wanted = {.name = name};
    return gguf->n_tensors ? bsearch(&wanted, gguf->tensors, gguf->n_tensors, sizeof wanted, ts_gguf_compare_tensors)
                           : NULL;
}

void ts_gguf_forget(const struct ts_gguf *gguf, const struct ts_gguf_tensor *tensor)
{
#if defined(MADV_DONTNEED)
    if (gguf->map) {
        const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        uintptr_t first = (uintptr_t)tensor->data / page * page, map = (uintptr_t)gguf->map;
        (void)madvise((uint8_t *)gguf->map + (first - map), (size_t)((uintptr_t)tensor->data + tensor->bytes - first),
                      MADV_DONTNEED);
    }
#else
    (void)gguf;
    (void)tensor;
#endif
}
