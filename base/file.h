/* Files: whole reads, and writes that are complete or absent: all of it is on the disk before it takes the old one's
 * place. */
#ifndef TS_BASE_FILE_H
#define TS_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/diag.h"

struct ts_file_writer {
    FILE *stream; /* write here; do not close */
    char *path;
    char *temp_path; /* NULL: it has none (yet) */
    bool nameless, special, plain;
};

/* Opens what will take the place of `path`; until commit nothing is seen of it. */
enum ts_status ts_file_writer_open(struct ts_file_writer *out, const char *path, struct ts_diags *diags);
/* Writes straight into a fresh `path`, for a folder that nobody looks into yet: who swaps it in syncs it. */
enum ts_status ts_file_writer_create(struct ts_file_writer *out, const char *path, struct ts_diags *diags);
/* Flushes, checks for errors (full disk), waits for the disk and renames into place. The writer is closed whatever
 * comes back; on failure what was written is removed. */
enum ts_status ts_file_writer_commit(struct ts_file_writer *writer, struct ts_diags *diags);
/* Closes and removes the temporary file. Does nothing on a committed or zeroed writer. */
void ts_file_writer_abort(struct ts_file_writer *writer);

/* Writes a whole file at once, atomically. */
enum ts_status ts_file_write(const char *path, const char *data, size_t len, struct ts_diags *diags);

/* The same for dir/name and a text that was put together; TS_ENOMEM if that failed. */
enum ts_status ts_file_write_text(const char *dir, const char *name, const struct ts_text *text,
                                  struct ts_diags *diags);

/* A file without a name on the disk of `beside`, to write and to read again; it is gone once it is closed. */
enum ts_status ts_file_temp(FILE **out, const char *beside, struct ts_diags *diags);

/* Reads a whole file into fresh memory (NUL-terminated, free() it). A file larger than max_bytes is an error. */
enum ts_status ts_file_read(char **out, size_t *out_len, const char *path, size_t max_bytes, struct ts_diags *diags);

/* Waits until a file, or the names in a folder, are on the disk. */
enum ts_status ts_sync(const char *path, struct ts_diags *diags);

bool ts_file_exists(const char *path);
bool ts_dir_exists(const char *path);

/* Creates a folder and its parents; fine if it is there. */
enum ts_status ts_mkdirs(const char *path, struct ts_diags *diags);

/* dir + "/" + name, or name alone if dir is "" or name is absolute; free() it. NULL when out of memory. */
char *ts_path_join(const char *dir, const char *name);
/* The folder of a path, "." if it has none; free() it. */
char *ts_path_dir(const char *path);
/* The last component, inside `path`. */
const char *ts_path_base(const char *path);

#endif
