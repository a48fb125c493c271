/* Hides the mapping of the file, and of the others of a split model. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/gguf.h"
#include "engine/gguf_parse.h"
#include "engine/gguf_split.h"

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

static enum ts_status open_one(struct ts_gguf **out, const char *path, struct ts_diags *diags)
{
    int file = open(path, O_RDONLY);
    if (file < 0) {
        return ts_fail_errno(diags, path, "cannot open", errno);
    }
    enum ts_status status = open_mapped(out, path, file, diags);
    close(file);
    return status;
}

static void close_one(struct ts_gguf *gguf)
{
    if (gguf) {
        if (gguf->map) {
            munmap(gguf->map, gguf->len);
        }
        ts_arena_deinit(&gguf->arena);
        free(gguf);
    }
}

static enum ts_status open_part(struct ts_gguf **out, const struct ts_gguf *one, uint64_t part, struct ts_diags *diags)
{
    struct ts_text path;
    ts_text_init(&path);
    ts_gguf_split_path(&path, one, part);
    enum ts_status status = path.failed ? TS_ENOMEM : TS_OK;
    if (status == TS_OK && !ts_file_exists(path.data)) {
        status = ts_fail(diags, TS_EINPUT, ts_span_file(one->name), "all parts lie in one folder",
                         "this is part %llu of %llu of a split model; part %llu is missing: %s",
                         (unsigned long long)ts_gguf_split_number(one) + 1,
                         (unsigned long long)ts_gguf_split_count(one), (unsigned long long)part + 1, path.data);
    } else if (status == TS_OK) {
        status = open_one(out, path.data, diags);
    }
    ts_text_deinit(&path);
    return status;
}

/* Opens all parts of a model that one of them has been opened of, and is of the result. */
static enum ts_status open_others(struct ts_gguf **one, struct ts_diags *diags)
{
    enum ts_status status = ts_gguf_split_check(*one, diags);
    if (status != TS_OK) {
        return status;
    }
    const size_t n = (size_t)ts_gguf_split_count(*one);
    struct ts_gguf **parts = calloc(n, sizeof *parts);
    if (!parts) {
        return TS_ENOMEM;
    }
    parts[ts_gguf_split_number(*one)] = *one;
    for (size_t i = 0; i < n && status == TS_OK; i++) {
        if (!parts[i]) {
            status = open_part(&parts[i], *one, i, diags);
        }
    }
    if (status == TS_OK) {
        status = ts_gguf_split_join(parts, n, diags);
    }
    if (status == TS_OK) {
        *one = parts[0];
        (*one)->parts = parts;
        (*one)->n_parts = n - 1;
        memmove(parts, parts + 1, (n - 1) * sizeof *parts);
        return TS_OK;
    }
    for (size_t i = 0; i < n; i++) {
        if (parts[i] != *one) {
            close_one(parts[i]);
        }
    }
    free(parts);
    return status;
}

enum ts_status ts_gguf_open(struct ts_gguf **out, const char *path, struct ts_diags *diags)
{
    struct ts_gguf *gguf = NULL;
    enum ts_status status = open_one(&gguf, path, diags);
    if (status == TS_OK && ts_gguf_split_count(gguf) > 1) {
        status = open_others(&gguf, diags);
    }
    if (status != TS_OK) {
        close_one(gguf);
        return status;
    }
    *out = gguf;
    return TS_OK;
}

void ts_gguf_close(struct ts_gguf *gguf)
{
    if (!gguf) {
        return;
    }
    for (size_t i = 0; i < gguf->n_parts; i++) {
        close_one(gguf->parts[i]);
    }
    free(gguf->parts);
    close_one(gguf);
}
