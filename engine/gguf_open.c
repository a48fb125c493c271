/* Hides the mapping of the file. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/gguf.h"
#include "engine/gguf_parse.h"

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
