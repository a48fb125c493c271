/* Hides the mapping of the file and the look-ups. */
#include "engine/gguf.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/gguf_parse.h"

static const struct ts_gguf_type tensor_types[] = {
    {0, "F32", 1, 4},   {1, "F16", 1, 2},       {2, "Q4_0", 32, 18},    {8, "Q8_0", 32, 34},
    {30, "BF16", 1, 2}, {12, "Q4_K", 256, 144}, {14, "Q6_K", 256, 210},
};

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

static enum ts_status open_bytes(struct ts_gguf **out, const char *name, const uint8_t *data, size_t len, void *map,
                                 struct ts_diags *diags)
{
    struct ts_gguf *gguf = calloc(1, sizeof *gguf);
    if (!gguf) {
        return TS_ENOMEM;
    }
    ts_arena_init(&gguf->arena);
    gguf->data = data;
    gguf->len = len;
    gguf->name = ts_arena_strdup(&gguf->arena, name);
    enum ts_status status = gguf->name ? ts_gguf_parse(gguf, diags) : TS_ENOMEM;
    if (status != TS_OK) {
        ts_gguf_close(gguf);
        return status;
    }
    gguf->map = map;
    *out = gguf;
    return TS_OK;
}

enum ts_status ts_gguf_open_memory(struct ts_gguf **out, const char *name, const uint8_t *data, size_t len,
                                   struct ts_diags *diags)
{
    return open_bytes(out, name, data, len, NULL, diags);
}

static enum ts_status open_mapped(struct ts_gguf **out, const char *path, int file, struct ts_diags *diags)
{
    struct stat info;
    if (fstat(file, &info) != 0 || !S_ISREG(info.st_mode)) {
        return ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "this is not a regular file");
    }
    if (info.st_size <= 0) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(path), NULL, "the file is empty");
    }
    size_t len = (size_t)info.st_size;
    void *map = mmap(NULL, len, PROT_READ, MAP_PRIVATE, file, 0);
    if (map == MAP_FAILED) {
        return ts_fail_errno(diags, path, "cannot map the file", errno);
    }
    enum ts_status status = open_bytes(out, path, map, len, map, diags);
    if (status != TS_OK) {
        munmap(map, len);
    }
    return status;
}

enum ts_status ts_gguf_open(struct ts_gguf **out, const char *path, struct ts_diags *diags)
{
    int file = open(path, O_RDONLY);
    if (file < 0) {
        return ts_fail_errno(diags, path, "cannot open", errno);
    }
    enum ts_status status = open_mapped(out, path, file, diags);
    close(file);
    return status;
}

void ts_gguf_close(struct ts_gguf *gguf)
{
    if (!gguf) {
        return;
    }
    if (gguf->map) {
        munmap(gguf->map, gguf->len);
    }
    ts_arena_deinit(&gguf->arena);
    free(gguf);
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
