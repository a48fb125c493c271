#define _GNU_SOURCE /* memfd_create */
#include "tests/fuzz/fuzz_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/mman.h>
#endif

static char path[256];
static int scratch = -1;

#ifdef __linux__
static void open_scratch(void)
{
    scratch = memfd_create("tiersim-fuzz", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", scratch);
}
#else
static void remove_file(void)
{
    (void)unlink(path);
}

static void open_scratch(void)
{
    const char *dir = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/tiersim-fuzz-XXXXXX", dir ? dir : "/tmp");
    scratch = mkstemp(path);
    (void)atexit(remove_file);
}
#endif

const char *ts_fuzz_file(const uint8_t *data, size_t size)
{
    if (scratch < 0) {
        open_scratch();
    }
    if (scratch < 0 || ftruncate(scratch, 0) != 0 || (size > 0 && pwrite(scratch, data, size, 0) != (ssize_t)size)) {
        perror(path);
        abort();
    }
    return path;
}
