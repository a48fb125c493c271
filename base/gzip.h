/* Reading files that may be compressed with gzip (plain files come through as they are), writing with gzip, and a
 * checksum of a file's bytes. */
#ifndef TS_BASE_GZIP_H
#define TS_BASE_GZIP_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/diag.h"
#include "base/progress.h"

struct ts_gzip;

/* TS_EIO for a file that cannot be opened or is a folder, TS_ENOMEM. */
enum ts_status ts_gzip_open(struct ts_gzip **out, const char *path, struct ts_diags *diags);
/* Up to `cap` bytes; *len = 0 at the end. TS_EIO, or TS_EINPUT for a damaged or incomplete gzip file. */
enum ts_status ts_gzip_read(struct ts_gzip *file, void *bytes, size_t cap, size_t *len, struct ts_diags *diags);
/* Asked before each read, whatever is done with the bytes: TS_EINTERRUPTED if told to stop. NULL: nobody listens. */
void ts_gzip_watch(struct ts_gzip *file, const struct ts_progress *progress);
/* NULL is fine. */
void ts_gzip_close(struct ts_gzip *file);

struct ts_gzip_writer;

/* Compresses what is written into `stream` (borrowed). The same bytes in give the same bytes out: no name, no time. */
enum ts_status ts_gzip_writer_open(struct ts_gzip_writer **out, FILE *stream);
/* TS_EIO: the stream takes no more. */
enum ts_status ts_gzip_writer_write(struct ts_gzip_writer *writer, const void *bytes, size_t len);
/* Ends the gzip member and frees the writer. Several members after one another are a good gzip file. */
enum ts_status ts_gzip_writer_finish(struct ts_gzip_writer *writer);
void ts_gzip_writer_abort(struct ts_gzip_writer *writer); /* NULL is fine */

/* CRC-32 (as in gzip and zip) and length of the file as it lies on the disk. TS_EIO, TS_EINTERRUPTED. */
enum ts_status ts_gzip_crc32(uint32_t *crc, uint64_t *n_bytes, const char *path, const struct ts_progress *progress,
                             struct ts_diags *diags);

#endif
