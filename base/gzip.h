/* Reading files that may be compressed with gzip (plain files come through as they are), and a checksum of a file's
 * bytes. */
#ifndef TS_BASE_GZIP_H
#define TS_BASE_GZIP_H

#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

struct ts_gzip;

/* TS_EIO for a file that cannot be opened or is a folder, TS_ENOMEM. */
enum ts_status ts_gzip_open(struct ts_gzip **out, const char *path, struct ts_diags *diags);
/* Up to `cap` bytes; *len = 0 at the end. TS_EIO, or TS_EINPUT for a damaged or incomplete gzip file. */
enum ts_status ts_gzip_read(struct ts_gzip *file, void *bytes, size_t cap, size_t *len, struct ts_diags *diags);
/* NULL is fine. */
void ts_gzip_close(struct ts_gzip *file);

/* CRC-32 (as in gzip and zip) and length of the file as it lies on the disk. TS_EIO. */
enum ts_status ts_gzip_crc32(uint32_t *crc, uint64_t *n_bytes, const char *path, struct ts_diags *diags);

#endif
