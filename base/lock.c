/* Hides flock(). A lock's file is removed by who held it, so whoever gets the lock of a file looks whether it is still
 * the one of that name. */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TRIES = 100 };

static bool is_still_there(int fd, const char *path)
{
    struct stat held, named;
    return fstat(fd, &held) == 0 && lstat(path, &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
}

/* EBADF: NFS wants a file that can be written, and a folder cannot. */
static bool knows_no_locks(int error)
{
    return error == ENOLCK || error == ENOTSUP || error == ENOSYS || error == EINVAL || error == EBADF;
}

static enum ts_lock_outcome lock_open(int fd)
{
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EINTR) {
            return errno == EWOULDBLOCK ? TS_LOCK_BUSY : knows_no_locks(errno) ? TS_LOCK_UNSUPPORTED : TS_LOCK_FAILED;
        }
    }
    return TS_LOCK_TAKEN;
}

static enum ts_lock_outcome lock_path(int *out, const char *path, int flags)
{
    for (int i = 0; i < TRIES; i++) {
        const int fd = open(path, flags | O_NOFOLLOW | O_CLOEXEC, 0666);
        if (fd < 0) {
            return TS_LOCK_FAILED;
        }
        const enum ts_lock_outcome outcome = lock_open(fd);
        if (outcome == TS_LOCK_TAKEN && is_still_there(fd, path)) {
            *out = fd;
            return TS_LOCK_TAKEN;
        }
        const int error = errno;
        close(fd);
        errno = error;
        if (outcome != TS_LOCK_TAKEN) {
            return outcome;
        }
    }
    return TS_LOCK_BUSY;
}

enum ts_lock_outcome ts_lock_file(struct ts_lock *out, const char *path)
{
    char *kept = strdup(path);
    int fd = -1;
    *out = (struct ts_lock){.fd = -1};
    const enum ts_lock_outcome outcome = kept ? lock_path(&fd, path, O_RDWR | O_CREAT) : TS_LOCK_FAILED;
    if (outcome == TS_LOCK_TAKEN) {
        *out = (struct ts_lock){fd, kept};
        return outcome;
    }
    const int error = errno;
    if (outcome == TS_LOCK_UNSUPPORTED) {
        unlink(path);
    }
    free(kept);
    errno = error;
    return outcome;
}

enum ts_lock_outcome ts_lock_folder(struct ts_lock *out, const char *path)
{
    *out = (struct ts_lock){.fd = -1};
    return lock_path(&out->fd, path, O_RDONLY | O_DIRECTORY);
}

bool ts_lock_is_of(const struct ts_lock *lock, const char *path)
{
    return is_still_there(lock->fd, path);
}

void ts_lock_release(struct ts_lock *lock)
{
    if (lock->path) {
        unlink(lock->path);
    }
    if (lock->fd >= 0) {
        close(lock->fd);
    }
    free(lock->path);
    *lock = (struct ts_lock){.fd = -1};
}
