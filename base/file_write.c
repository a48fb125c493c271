/* Hides how a write is made whole or absent. Where the system has files without a name (Linux: O_TMPFILE), the data go
 * into one, so that nothing is left of a writer that is killed; it gets a name beside its place when all is on the
 * disk, and is renamed into it. Elsewhere it has that name from the beginning. A link is followed to what it names; a
 * device or a pipe (/dev/stdout) is written straight to, since it must not be replaced. */
#define _GNU_SOURCE /* O_TMPFILE */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#if defined(__APPLE__)
#include <sys/random.h>
#endif

#include "base/file.h"

enum { TEMP_NAME_TRIES = 100, SUFFIX_BYTES = 12, PERMISSIONS = 0666 };

static const char own_files[] = "/proc/self/fd"; /* where a file without a name can be found, to give it one */

static void free_writer(struct ts_file_writer *writer)
{
    free(writer->path);
    free(writer->temp_path);
    *writer = (struct ts_file_writer){.stream = NULL};
}

/* Letters that nobody can guess, so that nobody can be there before. */
static bool put_suffix(char suffix[SUFFIX_BYTES + 1])
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz234567";
    unsigned char random[SUFFIX_BYTES];
    if (getentropy(random, sizeof random) != 0) {
        return false;
    }
    for (size_t i = 0; i < SUFFIX_BYTES; i++) {
        suffix[i] = letters[random[i] % 32];
    }
    suffix[SUFFIX_BYTES] = '\0';
    return true;
}

/* A fresh name beside `path`, free() it; NULL with errno. */
static char *temp_name(const char *path)
{
    char suffix[SUFFIX_BYTES + 1];
    const size_t size = strlen(path) + sizeof suffix + 8;
    char *name = put_suffix(suffix) ? malloc(size) : NULL;
    if (name != NULL) {
        snprintf(name, size, "%s.%s.tmp", path, suffix);
    }
    return name;
}

/* ---- opening ---- */

/* A file without a name in the folder of `path`; -1 where there is none to be had. */
static int open_nameless(const char *path, int flags)
{
#if defined(O_TMPFILE)
    char *dir = access(own_files, X_OK) == 0 ? ts_path_dir(path) : NULL;
    const int fd = dir != NULL ? open(dir, flags | O_TMPFILE | O_CLOEXEC, PERMISSIONS) : -1;
    free(dir);
    return fd;
#else
    (void)path;
    (void)flags;
    return -1;
#endif
}

/* A fresh file beside `path`; -1 with errno. */
static int open_named(char **temp_path, const char *path, int flags)
{
    int fd = -1;
    for (int i = 0; i < TEMP_NAME_TRIES; i++) {
        char *name = temp_name(path);
        if (name == NULL) {
            return -1;
        }
        fd = open(name, flags | O_CREAT | O_EXCL | O_CLOEXEC, PERMISSIONS);
        if (fd >= 0) {
            *temp_path = name;
            return fd;
        }
        const int error = errno;
        free(name);
        errno = error;
        if (error != EEXIST) {
            break;
        }
    }
    return fd;
}

static int open_temp(struct ts_file_writer *writer)
{
    const int fd = open_nameless(writer->path, O_WRONLY);
    writer->nameless = fd >= 0;
    return fd >= 0 ? fd : open_named(&writer->temp_path, writer->path, O_WRONLY);
}

/* A file that is replaced keeps its permissions. */
static void keep_mode(int fd, const struct stat *before)
{
    if (fd >= 0 && before != NULL) {
        (void)fchmod(fd, before->st_mode & 0777);
    }
}

static enum ts_status fail_open(struct ts_file_writer *writer, const char *path, int fd, int error,
                                struct ts_diags *diags)
{
    if (fd >= 0) {
        close(fd);
    }
    if (writer->temp_path != NULL) {
        unlink(writer->temp_path);
    }
    free_writer(writer);
    return ts_fail_errno(diags, path, "cannot write", error);
}

enum ts_status ts_file_writer_open(struct ts_file_writer *out, const char *path, struct ts_diags *diags)
{
    struct stat info;
    const bool exists = stat(path, &info) == 0;
    if (exists && S_ISDIR(info.st_mode)) {
        return ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "cannot write: it is a folder");
    }
    struct ts_file_writer writer = {.path = exists ? realpath(path, NULL) : strdup(path)};
    if (writer.path == NULL) {
        return ts_fail_errno(diags, path, "cannot write", errno);
    }
    writer.special = exists && !S_ISREG(info.st_mode);
    const int fd = writer.special ? open(path, O_WRONLY | O_CLOEXEC) : open_temp(&writer);
    keep_mode(fd, exists && !writer.special ? &info : NULL);
    writer.stream = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (writer.stream == NULL) {
        return fail_open(&writer, path, fd, errno, diags);
    }
    *out = writer;
    return TS_OK;
}

enum ts_status ts_file_writer_create(struct ts_file_writer *out, const char *path, struct ts_diags *diags)
{
    struct ts_file_writer writer = {.path = strdup(path), .plain = true};
    const int fd =
        writer.path != NULL ? open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, PERMISSIONS) : -1;
    writer.stream = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (writer.stream == NULL) {
        return fail_open(&writer, path, fd, errno, diags);
    }
    *out = writer;
    return TS_OK;
}

/* Where nobody may write (beside /dev/stdout), in the system's place for such files. */
enum ts_status ts_file_temp(FILE **out, const char *beside, struct ts_diags *diags)
{
    char *name = NULL;
    int fd = open_nameless(beside, O_RDWR);
    if (fd < 0) {
        fd = open_named(&name, beside, O_RDWR);
    }
    if (name != NULL) {
        unlink(name);
        free(name);
    }
    FILE *stream = fd >= 0 ? fdopen(fd, "w+") : tmpfile();
    if (stream == NULL) {
        const int error = errno;
        if (fd >= 0) {
            close(fd);
        }
        return ts_fail_errno(diags, beside, "cannot write", error);
    }
    *out = stream;
    return TS_OK;
}

/* ---- closing ---- */

/* Gives a file without a name one beside its place; 0 or an error. */
static int name_it(struct ts_file_writer *writer)
{
#if defined(O_TMPFILE)
    char self[64];
    writer->temp_path = temp_name(writer->path);
    snprintf(self, sizeof self, "%s/%d", own_files, fileno(writer->stream));
    if (writer->temp_path == NULL || linkat(AT_FDCWD, self, AT_FDCWD, writer->temp_path, AT_SYMLINK_FOLLOW) != 0) {
        const int error = errno;
        free(writer->temp_path);
        writer->temp_path = NULL;
        return error;
    }
#else
    (void)writer;
#endif
    return 0;
}

/* All of it on the disk, under its temporary name if it has none yet; 0 or an error. */
static int finish(struct ts_file_writer *writer)
{
    errno = 0;
    bool failed = ferror(writer->stream) != 0;
    failed = fflush(writer->stream) != 0 || failed;
    int error = failed ? (errno != 0 ? errno : EIO) : 0;
    if (error == 0 && !writer->plain && !writer->special && fsync(fileno(writer->stream)) != 0) {
        error = errno == EINVAL || errno == ENOTSUP ? 0 : errno;
    }
    if (error == 0 && writer->nameless) {
        error = name_it(writer);
    }
    errno = 0;
    if (fclose(writer->stream) != 0 && error == 0) {
        error = errno != 0 ? errno : EIO;
    }
    return error;
}

static enum ts_status put_in_place(const struct ts_file_writer *writer, struct ts_diags *diags)
{
    if (rename(writer->temp_path, writer->path) != 0) {
        const int error = errno;
        unlink(writer->temp_path);
        return ts_fail_errno(diags, writer->path, "cannot put the finished file in place", error);
    }
    char *dir = ts_path_dir(writer->path);
    const enum ts_status status = dir != NULL ? ts_sync(dir, diags) : TS_ENOMEM;
    free(dir);
    return status;
}

enum ts_status ts_file_writer_commit(struct ts_file_writer *writer, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    const int error = finish(writer);
    if (error != 0) {
        status = ts_fail_errno(diags, writer->path, "cannot write", error);
        if (writer->temp_path != NULL || writer->plain) {
            unlink(writer->plain ? writer->path : writer->temp_path);
        }
    } else if (writer->temp_path != NULL) {
        status = put_in_place(writer, diags);
    }
    free_writer(writer);
    return status;
}

void ts_file_writer_abort(struct ts_file_writer *writer)
{
    if (writer->stream == NULL) {
        return;
    }
    fclose(writer->stream);
    if (writer->temp_path != NULL || writer->plain) {
        unlink(writer->plain ? writer->path : writer->temp_path);
    }
    free_writer(writer);
}

enum ts_status ts_file_write(const char *path, const char *data, size_t len, struct ts_diags *diags)
{
    struct ts_file_writer writer;
    enum ts_status status = ts_file_writer_open(&writer, path, diags);
    if (status != TS_OK) {
        return status;
    }
    if (len > 0 && fwrite(data, 1, len, writer.stream) != len) {
        status = ts_fail_errno(diags, path, "cannot write", errno);
        ts_file_writer_abort(&writer);
        return status;
    }
    return ts_file_writer_commit(&writer, diags);
}

enum ts_status ts_file_write_text(const char *dir, const char *name, const struct ts_text *text, struct ts_diags *diags)
{
    char *path = ts_path_join(dir, name);
    const enum ts_status status = path != NULL && !text->failed ? ts_file_write(path, text->data, text->len, diags)
                                                                : ts_fail_errno(diags, name, "cannot write", ENOMEM);
    free(path);
    return status;
}
