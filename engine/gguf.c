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

static double number_at(const uint8_t *data, uint32_t type)
{
    size_t n = ts_gguf_type_bytes[type];
    uint64_t bits = ts_gguf_little(data, n);
    switch (type) {
    case TS_GGUF_F32:
        return float_value(bits);
    case TS_GGUF_F64:
        return double_value(bits);
    case TS_GGUF_I8:
    case TS_GGUF_I16:
    case TS_GGUF_I32:
    case TS_GGUF_I64:
        return signed_value(bits, n);
    case TS_GGUF_BOOL:
        return (double)(bits != 0);
    default:
        return (double)bits;
    }
}

static bool is_numbers(const struct ts_gguf_entry *entry)
{
    return entry && entry->type == TS_GGUF_ARRAY && entry->element != TS_GGUF_STRING && entry->n > 0;
}

uint64_t ts_gguf_odd_one(const struct ts_gguf *gguf, const char *key)
{
    const struct ts_gguf_entry *entry = find_entry(gguf, key);
    const size_t bytes = is_numbers(entry) ? ts_gguf_type_bytes[entry->element] : 0;
    for (uint64_t i = 1; bytes > 0 && i < entry->n; i++) {
        if (memcmp(entry->data, entry->data + i * bytes, bytes) != 0) {
            return i;
        }
    }
    return 0;
}

bool ts_gguf_double(const struct ts_gguf *gguf, const char *key, double *out)
{
    const struct ts_gguf_entry *entry = find_entry(gguf, key);
    if (is_numbers(entry) && ts_gguf_odd_one(gguf, key) == 0) {
        *out = number_at(entry->data, entry->element);
        return true;
    }
    if (!entry || entry->type == TS_GGUF_STRING || entry->type == TS_GGUF_ARRAY) {
        return false;
    }
    *out = number_at(entry->data, entry->type);
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

/* The mapped file that the tensor lies in, NULL if it is none. */
static const struct ts_gguf *mapped_part(const struct ts_gguf *gguf, const struct ts_gguf_tensor *tensor)
{
    const uintptr_t at = (uintptr_t)tensor->data;
    for (size_t i = 0; i <= gguf->n_parts; i++) {
        const struct ts_gguf *part = i == 0 ? gguf : gguf->parts[i - 1];
        if (part->map && at >= (uintptr_t)part->map && at < (uintptr_t)part->map + part->len) {
            return part;
        }
    }
    return NULL;
}

void ts_gguf_forget(const struct ts_gguf *gguf, const struct ts_gguf_tensor *tensor)
{
#if defined(MADV_DONTNEED)
    const struct ts_gguf *part = mapped_part(gguf, tensor);
    if (part) {
        const uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
        uintptr_t first = (uintptr_t)tensor->data / page * page, map = (uintptr_t)part->map;
        (void)madvise((uint8_t *)part->map + (first - map), (size_t)((uintptr_t)tensor->data + tensor->bytes - first),
                      MADV_DONTNEED);
    }
#else
    (void)gguf;
    (void)tensor;
#endif
}
