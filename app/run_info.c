/* Hides how host, clock and file contents are identified. */
#include "app/run_info.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

const char *ts_run_info_host(struct ts_arena *arena)
{
    struct utsname name;
    if (uname(&name) != 0) {
        return "unknown";
    }
    return ts_arena_printf(arena, "%s %s %s, %u CPUs", name.sysname, name.release, name.machine, ts_run_info_cpus());
}

const char *ts_run_info_now(struct ts_arena *arena)
{
    time_t now = time(NULL);
    struct tm utc;
    char text[32];
    if (!gmtime_r(&now, &utc) || strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc) == 0) {
        return "unknown";
    }
    return ts_arena_strdup(arena, text);
}

enum ts_status ts_run_info_hash(const char **out, struct ts_arena *arena, const char *path, struct ts_diags *diags)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        return ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "cannot open: %s", strerror(errno));
    }
    unsigned char buffer[65536];
    unsigned long crc = crc32(0L, Z_NULL, 0);
    unsigned long long n_bytes = 0;
    size_t got;
    while ((got = fread(buffer, 1, sizeof buffer, file)) > 0) {
        crc = crc32(crc, buffer, (unsigned)got);
        n_bytes += got;
    }
    bool failed = ferror(file) != 0;
    fclose(file);
    if (failed) {
        return ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "cannot read");
    }
    *out = ts_arena_printf(arena, "crc32:%08lx, %llu bytes", crc, n_bytes);
    return *out ? TS_OK : TS_ENOMEM;
}

uint32_t ts_run_info_cpus(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (uint32_t)n : 1;
}
