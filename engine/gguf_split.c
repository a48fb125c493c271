/* Hides how the files of a split model are called and joined: "model-00002-of-00003.gguf", each with split.no (from 0)
 * and split.count; the first has the metadata, all have tensors. */
#include "engine/gguf_split.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TAIL_LEN = 20, MAX_PARTS = 9999 }; /* "-00001-of-00002.gguf" */

static uint64_t number_of(const struct ts_gguf *gguf, const char *key, uint64_t otherwise)
{
    double value = 0.0;
    return ts_gguf_double(gguf, key, &value) && value >= 0.0 && value <= UINT32_MAX ? (uint64_t)value : otherwise;
}

uint64_t ts_gguf_split_number(const struct ts_gguf *gguf)
{
    return number_of(gguf, "split.no", 0);
}

uint64_t ts_gguf_split_count(const struct ts_gguf *gguf)
{
    return number_of(gguf, "split.count", 1);
}

static void put_tail(char out[64], uint64_t part, uint64_t n)
{
    (void)snprintf(out, 64, "-%05llu-of-%05llu.gguf", (unsigned long long)part + 1, (unsigned long long)n);
}

enum ts_status ts_gguf_split_check(const struct ts_gguf *gguf, struct ts_diags *diags)
{
    const uint64_t n = ts_gguf_split_count(gguf), part = ts_gguf_split_number(gguf);
    char tail[64];
    put_tail(tail, part, n);
    if (part >= n || n > MAX_PARTS) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(gguf->name), NULL,
                       "split.no and split.count say that this is part %llu of %llu, which does not exist",
                       (unsigned long long)part + 1, (unsigned long long)n);
    }
    if (!ts_str_has_suffix(gguf->name, tail)) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(gguf->name), "the parts are found by their names",
                       "this is part %llu of %llu of a split model, but its name does not end in %s",
                       (unsigned long long)part + 1, (unsigned long long)n, tail);
    }
    return TS_OK;
}

void ts_gguf_split_path(struct ts_text *out, const struct ts_gguf *gguf, uint64_t part)
{
    char tail[64];
    put_tail(tail, part, ts_gguf_split_count(gguf));
    ts_text_append(out, gguf->name, strlen(gguf->name) - TAIL_LEN);
    ts_text_puts(out, tail);
}

/* Which of the parts the tensor lies in. */
static size_t part_of(struct ts_gguf *const *parts, size_t n, const struct ts_gguf_tensor *tensor)
{
    size_t i = 0;
    while (i + 1 < n && !(tensor->data >= parts[i]->data && tensor->data < parts[i]->data + parts[i]->len)) {
        i++;
    }
    return i;
}

enum ts_status ts_gguf_split_join(struct ts_gguf *const *parts, size_t n, struct ts_diags *diags)
{
    struct ts_gguf *first = parts[0];
    size_t n_tensors = 0;
    for (size_t i = 0; i < n; i++) {
        if (ts_gguf_split_count(parts[i]) != n || ts_gguf_split_number(parts[i]) != i) {
            return ts_fail(diags, TS_EINPUT, ts_span_file(parts[i]->name), NULL,
                           "its split.no and split.count do not say that this is part %zu of %zu", i + 1, n);
        }
        n_tensors += parts[i]->n_tensors;
    }
    struct ts_gguf_tensor *all = ts_arena_array(&first->arena, n_tensors ? n_tensors : 1, sizeof *all);
    if (!all) {
        return TS_ENOMEM;
    }
    for (size_t i = 0, at = 0; i < n; at += parts[i++]->n_tensors) {
        memcpy(all + at, parts[i]->tensors, parts[i]->n_tensors * sizeof *all);
    }
    qsort(all, n_tensors, sizeof *all, ts_gguf_compare_tensors);
    for (size_t i = 1; i < n_tensors; i++) {
        if (strcmp(all[i - 1].name, all[i].name) == 0) {
            const size_t x = part_of(parts, n, &all[i - 1]), y = part_of(parts, n, &all[i]);
            return ts_fail(diags, TS_EINPUT, ts_span_file(parts[x > y ? x : y]->name), NULL,
                           "this is part %zu of %zu of a split model, and has tensor '%s', as part %zu has",
                           (x > y ? x : y) + 1, n, all[i].name, (x > y ? y : x) + 1);
        }
    }
    const uint64_t told = number_of(first, "split.tensors.count", n_tensors);
    if (told != n_tensors) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(first->name), NULL,
                       "the %zu parts of this split model have %zu tensors, but split.tensors.count says %llu", n,
                       n_tensors, (unsigned long long)told);
    }
    first->tensors = all;
    first->n_tensors = n_tensors;
    return TS_OK;
}
