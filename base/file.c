/* Hides how a file is read whole, and how folders and paths are put together. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { READ_CHUNK = 1 << 16 };

static enum ts_status fail_memory(struct ts_diags *diags, const char *path)
{
    return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
}

/* Grows *data so that at least one more chunk fits, but never beyond max_bytes + 1 (the byte that proves a file too
 * large). */
static bool grow(char **data, size_t *cap, size_t len, size_t max_bytes)
{
    if (len < *cap) {
        return true;
    }
    size_t next = *cap == 0 ? READ_CHUNK : *cap > SIZE_MAX / 4 ? SIZE_MAX / 2 : 2 * *cap;
    next = next > max_bytes ? max_bytes + 1 : next;
    char *bigger = realloc(*data, next + 1);
    if (bigger == NULL) {
        return false;
    }
    *data = bigger;
    *cap = next;
    return true;
}

static enum ts_status read_stream(char **out, size_t *out_len, FILE *stream, const char *path, size_t max_bytes,
                                  struct ts_diags *diags)
{
    char *data = NULL;
    size_t len = 0;
    size_t cap = 0;
    enum ts_status status = TS_OK;
    for (;;) {
        if (!grow(&data, &cap, len, max_bytes)) {
            status = fail_memory(diags, path);
            goto fail;
        }
        errno = 0;
        size_t n = fread(data + len, 1, cap - len, stream);
        len += n;
        if (len > max_bytes) {
            status = ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "the file is larger than the limit of %zu bytes",
                             max_bytes);
            goto fail;
        }
        if (n == 0 && ferror(stream)) {
            status = ts_fail_errno(diags, path, "cannot read", errno != 0 ? errno : EIO);
            goto fail;
        }
        if (n == 0) {
            break;
        }
    }
    data[len] = '\0';
    *out = data;
    *out_len = len;
    return TS_OK;

fail:
    free(data);
    return status;
}

enum ts_status ts_file_read(char **out, size_t *out_len, const char *path, size_t max_bytes, struct ts_diags *diags)
{
    if (ts_dir_exists(path)) {
        return ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "cannot read: it is a folder");
    }
    FILE *stream = fopen(path, "rb");
    if (stream == NULL) {
        return ts_fail_errno(diags, path, "cannot open", errno);
    }
    max_bytes = max_bytes > SIZE_MAX / 2 ? SIZE_MAX / 2 : max_bytes;
    enum ts_status status = read_stream(out, out_len, stream, path, max_bytes, diags);
    fclose(stream);
    return status;
}

bool ts_file_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && !S_ISDIR(info.st_mode);
}

bool ts_dir_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

enum ts_status ts_mkdirs(const char *path, struct ts_diags *diags)
{
    char *prefix = strdup(path);
    if (prefix == NULL) {
        return fail_memory(diags, path);
    }
    enum ts_status status = TS_OK;
    size_t len = strlen(prefix);
    for (size_t i = 1; i <= len && status == TS_OK; i++) {
        if (prefix[i] != '/' && prefix[i] != '\0') {
            continue;
        }
        char kept = prefix[i];
        prefix[i] = '\0';
        if (mkdir(prefix, 0777) != 0) {
            int error = errno;
            if (!ts_dir_exists(prefix)) {
                status = ts_fail_errno(diags, prefix, "cannot create the folder", error);
            }
        }
        prefix[i] = kept;
    }
    free(prefix);
    return status;
}

enum ts_status ts_sync(const char *path, struct ts_diags *diags)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return ts_fail_errno(diags, path, "cannot write to the disk", errno);
    }
    const int error = fsync(fd) == 0 ? 0 : errno;
    close(fd);
    return error == 0 || error == EINVAL || error == ENOTSUP
               ? TS_OK
               : ts_fail_errno(diags, path, "cannot write to the disk", error);
}

char *ts_path_join(const char *dir, const char *name)
{
    size_t dir_len = name[0] == '/' ? 0 : strlen(dir);
    size_t name_len = strlen(name);
    char *path = malloc(dir_len + name_len + 2);
    if (path == NULL) {
        return NULL;
    }
    memcpy(path, dir, dir_len);
    if (dir_len > 0 && dir[dir_len - 1] != '/') {
        path[dir_len++] = '/';
    }
    memcpy(path + dir_len, name, name_len + 1);
    return path;
}

char *ts_path_dir(const char *path)
{
    size_t len = (size_t)(ts_path_base(path) - path);
    if (len == 0) {
        return strdup(".");
    }
    while (len > 1 && path[len - 1] == '/') {
        len--;
    }
    return strndup(path, len);
}

const char *ts_path_base(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}
