/* Hides the bytes of GGUF: magic "GGUF", u32 version, u64 tensors, u64 metadata entries; entries (string key, u32 type,
 * value); tensor records (string name, u32 dims, u64 dim.., u32 type, u64 offset); then the data, aligned. Strings are
 * u64 length + bytes. All reading goes through a cursor that cannot leave the file. */
#include "engine/gguf_parse.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_TENSORS = 1 << 16,
    MAX_ENTRIES = 1 << 16,
    MAX_KEY = 1 << 12,
    MAX_STRING = 1 << 20,
    DEFAULT_ALIGNMENT = 32,
    MAX_ALIGNMENT = 1 << 20,
};

struct cursor {
    struct ts_gguf *gguf;
    struct ts_diags *diags;
    size_t at;
};

static struct ts_span span(const struct cursor *in)
{
    return ts_span_file(in->gguf->name);
}

static size_t left(const struct cursor *in)
{
    return in->gguf->len - in->at;
}

static enum ts_status truncated(const struct cursor *in, const char *what)
{
    return ts_fail(in->diags, TS_EINPUT, span(in), NULL, "the file ends inside %s (at byte %zu)", what, in->at);
}

static enum ts_status take(struct cursor *in, const uint8_t **out, uint64_t n, const char *what)
{
    if (n > left(in)) {
        return truncated(in, what);
    }
    *out = in->gguf->data + in->at;
    in->at += (size_t)n;
    return TS_OK;
}

static enum ts_status take_number(struct cursor *in, uint64_t *out, size_t n, const char *what)
{
    const uint8_t *bytes = NULL;
    enum ts_status status = take(in, &bytes, n, what);
    if (status == TS_OK) {
        *out = ts_gguf_little(bytes, n);
    }
    return status;
}

/* A copy with a NUL after it; a NUL inside is an error. */
static enum ts_status take_string(struct cursor *in, const char **out, uint64_t max, const char *what)
{
    uint64_t len = 0;
    const uint8_t *bytes = NULL;
    enum ts_status status = take_number(in, &len, 8, what);
    if (status != TS_OK) {
        return status;
    }
    if (len > max && len <= left(in)) {
        return ts_fail(in->diags, TS_EINPUT, span(in), NULL,
                       "%s has a string of %llu bytes, more than the %llu allowed", what, (unsigned long long)len,
                       (unsigned long long)max);
    }
    status = take(in, &bytes, len, what);
    if (status != TS_OK) {
        return status;
    }
    if (len > 0 && memchr(bytes, 0, (size_t)len)) {
        return ts_fail(in->diags, TS_EINPUT, span(in), NULL, "%s has a string with a zero byte in it", what);
    }
    *out = ts_arena_strndup(&in->gguf->arena, (const char *)bytes, (size_t)len);
    return *out ? TS_OK : TS_ENOMEM;
}

/* Strings of an array are checked for their lengths alone: a vocabulary is not needed here. */
static enum ts_status skip_strings(struct cursor *in, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        uint64_t len = 0;
        const uint8_t *bytes = NULL;
        enum ts_status status = take_number(in, &len, 8, "an array of strings");
        if (status == TS_OK) {
            status = take(in, &bytes, len, "an array of strings");
        }
        if (status != TS_OK) {
            return status;
        }
    }
    return TS_OK;
}

static enum ts_status take_array(struct cursor *in, struct ts_gguf_entry *entry)
{
    uint64_t type;
    enum ts_status status = take_number(in, &type, 4, "an array");
    if (status == TS_OK) {
        status = take_number(in, &entry->n, 8, "an array");
    }
    if (status != TS_OK) {
        return status;
    }
    if (type >= TS_GGUF_N_TYPES || type == TS_GGUF_ARRAY) {
        return ts_fail(in->diags, TS_EINPUT, span(in), NULL,
                       "metadata '%s' is an array of type %llu, which does not exist or is an array", entry->key,
                       (unsigned long long)type);
    }
    entry->element = (uint32_t)type;
    if (type == TS_GGUF_STRING) {
        return skip_strings(in, entry->n);
    }
    if (entry->n > left(in) / ts_gguf_type_bytes[type]) {
        return ts_fail(in->diags, TS_EINPUT, span(in), NULL,
                       "metadata '%s' says it has %llu elements, but the file ends before that", entry->key,
                       (unsigned long long)entry->n);
    }
    return take(in, &entry->data, entry->n * ts_gguf_type_bytes[type], "an array");
}

static enum ts_status take_entry(struct cursor *in, struct ts_gguf_entry *entry)
{
    uint64_t type;
    enum ts_status status = take_string(in, &entry->key, MAX_KEY, "a metadata key");
    if (status == TS_OK) {
        status = take_number(in, &type, 4, "a metadata type");
    }
    if (status != TS_OK) {
        return status;
    }
    if (type >= TS_GGUF_N_TYPES) {
        return ts_fail(in->diags, TS_EINPUT, span(in), NULL, "metadata '%s' has type %llu, which does not exist",
                       entry->key, (unsigned long long)type);
    }
    entry->type = (uint32_t)type;
    if (type == TS_GGUF_STRING) {
        return take_string(in, &entry->string, MAX_STRING, "a metadata value");
    }
    return type == TS_GGUF_ARRAY ? take_array(in, entry)
                                 : take(in, &entry->data, ts_gguf_type_bytes[type], "a metadata value");
}

static enum ts_status take_entries(struct cursor *in, size_t n)
{
    struct ts_gguf *gguf = in->gguf;
    gguf->entries = ts_arena_array(&gguf->arena, n ? n : 1, sizeof *gguf->entries);
    if (!gguf->entries) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        enum ts_status status = take_entry(in, &gguf->entries[i]);
        if (status != TS_OK) {
            return status;
        }
    }
    gguf->n_entries = n;
    qsort(gguf->entries, n, sizeof *gguf->entries, ts_gguf_compare_entries);
    for (size_t i = 1; i < n; i++) {
        if (strcmp(gguf->entries[i - 1].key, gguf->entries[i].key) == 0) {
            return ts_fail(in->diags, TS_EINPUT, span(in), NULL, "metadata '%s' is given twice", gguf->entries[i].key);
        }
    }
    return TS_OK;
}

/* Bytes of a tensor from its dims; checked for overflow and for whole blocks. */
static enum ts_status size_tensor(const struct cursor *in, struct ts_gguf_tensor *tensor)
{
    const uint64_t max = (uint64_t)1 << 48;
    uint64_t n = 1;
    for (int d = 0; d < TS_GGUF_MAX_DIMS; d++) {
        if (tensor->dims[d] == 0 || tensor->dims[d] > max / n) {
            return ts_fail(in->diags, TS_EINPUT, span(in), NULL, "tensor '%s' has an impossible size", tensor->name);
        }
        n *= tensor->dims[d];
    }
    if (tensor->dims[0] % tensor->type->block_cols != 0) {
        return ts_fail(in->diags, TS_EINPUT, span(in), NULL,
                       "tensor '%s' has rows of %llu, not a multiple of %s's block of %u", tensor->name,
                       (unsigned long long)tensor->dims[0], tensor->type->name, tensor->type->block_cols);
    }
    tensor->bytes = n / tensor->type->block_cols * tensor->type->block_bytes;
    return TS_OK;
}

static enum ts_status take_dims(struct cursor *in, struct ts_gguf_tensor *tensor)
{
    uint64_t n_dims;
    enum ts_status status = take_number(in, &n_dims, 4, "a tensor's record");
    if (status != TS_OK) {
        return status;
    }
    if (n_dims < 1 || n_dims > TS_GGUF_MAX_DIMS) {
        return ts_fail(in->diags, TS_EINPUT, span(in), NULL, "tensor '%s' has %llu dimensions, but 1 to %d are allowed",
                       tensor->name, (unsigned long long)n_dims, TS_GGUF_MAX_DIMS);
    }
    tensor->n_dims = (uint32_t)n_dims;
    for (uint32_t d = 0; d < TS_GGUF_MAX_DIMS && status == TS_OK; d++) {
        tensor->dims[d] = 1;
        if (d < n_dims) {
            status = take_number(in, &tensor->dims[d], 8, "a tensor's record");
        }
    }
    return status;
}

static enum ts_status take_tensor(struct cursor *in, struct ts_gguf_tensor *tensor)
{
    uint64_t type;
    enum ts_status status = take_string(in, &tensor->name, MAX_KEY, "a tensor's name");
    if (status == TS_OK) {
        status = take_dims(in, tensor);
    }
    if (status == TS_OK) {
        status = take_number(in, &type, 4, "a tensor's record");
    }
    if (status == TS_OK) {
        status = take_number(in, &tensor->offset, 8, "a tensor's record");
    }
    if (status != TS_OK) {
        return status;
    }
    tensor->type = ts_gguf_type_by_id((uint32_t)type);
    if (!tensor->type) {
        return ts_fail(in->diags, TS_EINPUT, span(in), NULL,
                       "tensor '%s' has type %llu; supported are F32, F16, BF16, Q4_0, Q8_0, Q4_K, Q6_K", tensor->name,
                       (unsigned long long)type);
    }
    return size_tensor(in, tensor);
}

static int compare_offsets(const void *a, const void *b)
{
    const struct ts_gguf_tensor *x = a, *y = b;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static enum ts_status take_tensors(struct cursor *in, size_t n)
{
    struct ts_gguf *gguf = in->gguf;
    gguf->tensors = ts_arena_array(&gguf->arena, n ? n : 1, sizeof *gguf->tensors);
    if (!gguf->tensors) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        enum ts_status status = take_tensor(in, &gguf->tensors[i]);
        if (status != TS_OK) {
            return status;
        }
    }
    gguf->n_tensors = n;
    return TS_OK;
}

static enum ts_status alignment_of(const struct cursor *in, uint64_t *out)
{
    double value = DEFAULT_ALIGNMENT;
    ts_gguf_double(in->gguf, "general.alignment", &value);
    if (!(value >= 8.0 && value <= MAX_ALIGNMENT) || ((uint64_t)value & ((uint64_t)value - 1)) != 0) {
        return ts_fail(in->diags, TS_EINPUT, span(in), NULL, "general.alignment must be a power of two from 8 to %d",
                       MAX_ALIGNMENT);
    }
    *out = (uint64_t)value;
    return TS_OK;
}

/* Offsets become pointers; nothing may stick out of the file or lie on top of another. */
static enum ts_status place_tensors(struct cursor *in)
{
    struct ts_gguf *gguf = in->gguf;
    uint64_t alignment = DEFAULT_ALIGNMENT;
    enum ts_status status = alignment_of(in, &alignment);
    if (status != TS_OK) {
        return status;
    }
    uint64_t start = (in->at + alignment - 1) / alignment * alignment;
    uint64_t room = start < gguf->len ? gguf->len - start : 0;
    qsort(gguf->tensors, gguf->n_tensors, sizeof *gguf->tensors, compare_offsets);
    uint64_t end = 0;
    for (size_t i = 0; i < gguf->n_tensors; i++) {
        struct ts_gguf_tensor *tensor = &gguf->tensors[i];
        if (tensor->offset % alignment != 0) {
            return ts_fail(in->diags, TS_EINPUT, span(in), NULL, "tensor '%s' is not aligned to %llu bytes",
                           tensor->name, (unsigned long long)alignment);
        }
        if (tensor->offset > room || tensor->bytes > room - tensor->offset) {
            return ts_fail(in->diags, TS_EINPUT, span(in), "is the download complete?",
                           "tensor '%s' lies beyond the end of the file", tensor->name);
        }
        if (tensor->offset < end) {
            return ts_fail(in->diags, TS_EINPUT, span(in), NULL, "tensor '%s' overlaps another", tensor->name);
        }
        end = tensor->offset + tensor->bytes;
        tensor->data = gguf->data + start + tensor->offset;
    }
    qsort(gguf->tensors, gguf->n_tensors, sizeof *gguf->tensors, ts_gguf_compare_tensors);
    for (size_t i = 1; i < gguf->n_tensors; i++) {
        if (strcmp(gguf->tensors[i - 1].name, gguf->tensors[i].name) == 0) {
            return ts_fail(in->diags, TS_EINPUT, span(in), NULL, "tensor '%s' is given twice", gguf->tensors[i].name);
        }
    }
    return TS_OK;
}

static enum ts_status take_file(struct cursor *in)
{
    const uint8_t *magic;
    uint64_t version, n_tensors = 0, n_entries = 0;
    if (left(in) < 24) {
        return truncated(in, "the header");
    }
    enum ts_status status = take(in, &magic, 4, "the header");
    if (status != TS_OK || memcmp(magic, "GGUF", 4) != 0) {
        return ts_fail(in->diags, TS_EINPUT, span(in),
                       status == TS_OK && memcmp(magic, "vers", 4) == 0 ? "fetch what this points to: git lfs pull"
                                                                        : NULL,
                       "this is not a GGUF file: it does not start with 'GGUF'");
    }
    (void)take_number(in, &version, 4, "the header");
    (void)take_number(in, &n_tensors, 8, "the header");
    (void)take_number(in, &n_entries, 8, "the header");
    if (version != 0 && (version & 0xffff) == 0) {
        return ts_fail(in->diags, TS_EINPUT, span(in), "convert it with gguf-py: gguf_convert_endian.py FILE little",
                       "this GGUF file is big-endian, as for s390x; only little-endian ones are read");
    }
    if (version != 2 && version != 3) {
        return ts_fail(in->diags, TS_EINPUT, span(in), NULL, "GGUF version %llu is not supported (2 or 3)",
                       (unsigned long long)version);
    }
    if (n_tensors > MAX_TENSORS || n_entries > MAX_ENTRIES) {
        return ts_fail(in->diags, TS_EINPUT, span(in), NULL,
                       "the header counts %llu tensors and %llu metadata entries, more than %d",
                       (unsigned long long)n_tensors, (unsigned long long)n_entries, MAX_TENSORS);
    }
    status = take_entries(in, (size_t)n_entries);
    if (status == TS_OK) {
        status = take_tensors(in, (size_t)n_tensors);
    }
    return status == TS_OK ? place_tensors(in) : status;
}

enum ts_status ts_gguf_parse(struct ts_gguf *gguf, struct ts_diags *diags)
{
    struct cursor in = {gguf, diags, 0};
    return take_file(&in);
}
