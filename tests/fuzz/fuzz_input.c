#include "tests/fuzz/fuzz_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static char path[256];

static void remove_file(void)
{
    (void)unlink(path);
}

static void name_file(const char *suffix)
{
    const char *dir = getenv("TMPDIR");
    snprintf(path, sizeof path, "%s/tiersim-fuzz-%ld%s", dir ? dir : "/tmp", (long)getpid(), suffix);
    (void)atexit(remove_file);
}

const char *ts_fuzz_file(const uint8_t *data, size_t size, const char *suffix)
{
    if (!path[0]) {
        name_file(suffix);
    }
    FILE *file = fopen(path, "wb");
    if (!file || fwrite(data, 1, size, file) != size || fclose(file) != 0) {
        perror(path);
        abort();
    }
    return path;
}
