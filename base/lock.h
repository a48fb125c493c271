/* A lock that one process at a time holds, as long as all who mind it take it: advisory, and gone with its process. */
#ifndef TS_BASE_LOCK_H
#define TS_BASE_LOCK_H

#include <stdbool.h>

#include "base/diag.h"

struct ts_lock {
    int fd;     /* -1: none is held */
    char *path; /* of a file that goes with the lock; NULL: a folder, which stays */
};

enum ts_lock_outcome {
    TS_LOCK_TAKEN,
    TS_LOCK_BUSY,        /* somebody else holds it */
    TS_LOCK_UNSUPPORTED, /* this file system knows no locks */
    TS_LOCK_FAILED,      /* errno says why */
};

/* Of a file that is made for it. */
enum ts_lock_outcome ts_lock_file(struct ts_lock *out, const char *path);
/* Of a folder that is there. */
enum ts_lock_outcome ts_lock_folder(struct ts_lock *out, const char *path);
/* Is it still that of the folder of this name? */
bool ts_lock_is_of(const struct ts_lock *lock, const char *path);
/* Also of one that is not held. */
void ts_lock_release(struct ts_lock *lock);

#endif
