/* Hides zlib. */
#include "base/gzip.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ZLIB_CONST
#include <zlib.h>

#include "base/file.h"

/* zlib reads into the caller's memory at once where that has room for two of its buffers: CSV and JSON give 64 KiB. */
enum { BUFFER_BYTES = 1 << 15, MAX_READ = 1 << 30 };

struct ts_gzip {
    gzFile file;
    char *path;
    const struct ts_progress *progress;
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
        return exhausted ? no_memory(path, diags) : ts_fail_errno(diags, path, "cannot open", error);
    }
    gzbuffer(file->file, BUFFER_BYTES);
    *out = file;
    return TS_OK;
}

static enum ts_status fail_read(const struct ts_gzip *file, int error, const char *text, struct ts_diags *diags)
{
    struct ts_span at = ts_span_file(file->path);
    if (error == Z_ERRNO) {
        return ts_fail_errno(diags, file->path, "cannot read", errno);
    }
    if (error == Z_MEM_ERROR) {
        return no_memory(file->path, diags);
    }
    return ts_fail(diags, TS_EINPUT, at, "the gzip file is damaged or incomplete; fetch it again",
                   "cannot decompress: %s", text);
}

enum ts_status ts_gzip_read(struct ts_gzip *file, void *bytes, size_t cap, size_t *len, struct ts_diags *diags)
{
    if (!ts_progress_ask(file->progress)) {
        return TS_EINTERRUPTED;
    }
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

void ts_gzip_watch(struct ts_gzip *file, const struct ts_progress *progress)
{
    file->progress = progress;
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

/* ---- writing ---- */

struct ts_gzip_writer {
    z_stream z;
    FILE *stream;
    unsigned char buffer[BUFFER_BYTES];
};

enum ts_status ts_gzip_writer_open(struct ts_gzip_writer **out, FILE *stream)
{
    enum { GZIP_WINDOW_BITS = 15 + 16, MEMORY_LEVEL = 8 };
    struct ts_gzip_writer *writer = calloc(1, sizeof *writer);
    if (writer == NULL || deflateInit2(&writer->z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW_BITS, MEMORY_LEVEL,
                                       Z_DEFAULT_STRATEGY) != Z_OK) {
        free(writer);
        return TS_ENOMEM;
    }
    writer->stream = stream;
    *out = writer;
    return TS_OK;
}

static enum ts_status deflate_all(struct ts_gzip_writer *writer, int flush)
{
    do {
        writer->z.next_out = writer->buffer;
        writer->z.avail_out = sizeof writer->buffer;
        (void)deflate(&writer->z, flush);
        const size_t len = sizeof writer->buffer - writer->z.avail_out;
        if (fwrite(writer->buffer, 1, len, writer->stream) != len) {
            return TS_EIO;
        }
    } while (writer->z.avail_out == 0);
    return TS_OK;
}

enum ts_status ts_gzip_writer_write(struct ts_gzip_writer *writer, const void *bytes, size_t len)
{
    const unsigned char *next = bytes;
    enum ts_status status = TS_OK;
    while (len > 0 && status == TS_OK) {
        const unsigned n = len > MAX_READ ? MAX_READ : (unsigned)len;
        writer->z.next_in = next;
        writer->z.avail_in = n;
        status = deflate_all(writer, Z_NO_FLUSH);
        next += n;
        len -= n;
    }
    return status;
}

enum ts_status ts_gzip_writer_finish(struct ts_gzip_writer *writer)
{
    writer->z.avail_in = 0;
    const enum ts_status status = deflate_all(writer, Z_FINISH);
    ts_gzip_writer_abort(writer);
    return status;
}

void ts_gzip_writer_abort(struct ts_gzip_writer *writer)
{
    if (writer != NULL) {
        deflateEnd(&writer->z);
        free(writer);
    }
}

enum ts_status ts_gzip_crc32(uint32_t *crc, uint64_t *n_bytes, const char *path, const struct ts_progress *progress,
                             struct ts_diags *diags)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        return ts_fail_errno(diags, path, "cannot open", errno);
    }
    unsigned char buffer[BUFFER_BYTES];
    unsigned long sum = crc32(0L, Z_NULL, 0);
    uint64_t total = 0;
    size_t got;
    bool goes_on = true;
    while ((goes_on = ts_progress_ask(progress)) && (got = fread(buffer, 1, sizeof buffer, file)) > 0) {
        sum = crc32(sum, buffer, (unsigned)got);
        total += got;
    }
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed) {
        return ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "cannot read");
    }
    if (!goes_on) {
        return TS_EINTERRUPTED;
    }
    *crc = (uint32_t)sum;
    *n_bytes = total;
    return TS_OK;
}
