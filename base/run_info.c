/* Hides how host, clock and file contents are identified. */
#include "base/run_info.h"

#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/gzip.h"

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

enum ts_status ts_run_info_hash(const char **out, struct ts_arena *arena, const char *path,
                                const struct ts_progress *progress, struct ts_diags *diags)
{
    uint32_t crc = 0;
    uint64_t n_bytes = 0;
    enum ts_status status = ts_gzip_crc32(&crc, &n_bytes, path, progress, diags);
    if (status != TS_OK) {
        return status;
    }
    *out = ts_arena_printf(arena, "crc32:%08lx, %llu bytes", (unsigned long)crc, (unsigned long long)n_bytes);
    return *out ? TS_OK : TS_ENOMEM;
}

uint32_t ts_run_info_cpus(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n > 0 ? (uint32_t)n : 1;
}

double ts_run_info_peak_bytes(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) {
        return 0.0;
    }
#if defined(__APPLE__)
    return (double)usage.ru_maxrss;
#else
    return (double)usage.ru_maxrss * 1024.0;
#endif
}
