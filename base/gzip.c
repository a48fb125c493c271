/* Hides zlib. */
#include "base/gzip.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#include "base/file.h"

enum { BUFFER_BYTES = 1 << 16, MAX_READ = 1 << 30 };

struct ts_gzip {
    gzFile file;
    char *path;
};

static enum ts_status no_memory(const char *path, struct ts_diags *diags)
{
    return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
}

enum ts_status ts_gzip_open(struct ts_gzip **out, const char *path, struct ts_diags *diags)
{
    if (ts_dir_exists(path)) {
        return ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "cannot read: it is a folder");
    }
    struct ts_gzip *file = calloc(1, sizeof *file);
    if (file == NULL) {
        return no_memory(path, diags);
    }
    file->path = strdup(path);
    errno = 0;
    file->file = file->path != NULL ? gzopen(path, "rb") : NULL;
    if (file->file == NULL) {
        int error = errno;
        bool exhausted = file->path == NULL || error == 0 || error == ENOMEM;
        ts_gzip_close(file);
        return exhausted ? no_memory(path, diags)
                         : ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "cannot open: %s", strerror(error));
    }
    gzbuffer(file->file, BUFFER_BYTES);
    *out = file;
    return TS_OK;
}

static enum ts_status fail_read(const struct ts_gzip *file, int error, const char *text, struct ts_diags *diags)
{
    struct ts_span at = ts_span_file(file->path);
    if (error == Z_ERRNO) {
        return ts_fail(diags, TS_EIO, at, NULL, "cannot read: %s", strerror(errno));
    }
    if (error == Z_MEM_ERROR) {
        return no_memory(file->path, diags);
    }
    return ts_fail(diags, TS_EINPUT, at, "the gzip file is damaged or incomplete; fetch it again",
                   "cannot decompress: %s", text);
}

enum ts_status ts_gzip_read(struct ts_gzip *file, void *bytes, size_t cap, size_t *len, struct ts_diags *diags)
{
    int n = gzread(file->file, bytes, cap > MAX_READ ? MAX_READ : (unsigned)cap);
    if (n <= 0) {
        int error = Z_OK;
        const char *text = gzerror(file->file, &error);
        if (error != Z_OK && error != Z_STREAM_END) {
            return fail_read(file, error, text, diags);
        }
    }
    *len = n > 0 ? (size_t)n : 0;
    return TS_OK;
}

void ts_gzip_close(struct ts_gzip *file)
{
    if (file == NULL) {
        return;
    }
    if (file->file != NULL) {
        gzclose(file->file);
    }
    free(file->path);
    free(file);
}

enum ts_status ts_gzip_crc32(uint32_t *crc, uint64_t *n_bytes, const char *path, struct ts_diags *diags)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "cannot open: %s", strerror(errno));
    }
    unsigned char buffer[BUFFER_BYTES];
    unsigned long sum = crc32(0L, Z_NULL, 0);
    uint64_t total = 0;
    size_t got;
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0) {
        sum = crc32(sum, buffer, (unsigned)got);
        total += got;
    }
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed) {
        return ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "cannot read");
    }
    *crc = (uint32_t)sum;
    *n_bytes = total;
    return TS_OK;
}
