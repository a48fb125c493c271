/* Hides the search path of measurement files. */
#include "app/locate.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/slug.h"

static enum ts_status join(char **out, const char *dir, const char *name)
{
    *out = ts_path_join(dir, name);
    return *out ? TS_OK : TS_ENOMEM;
}

enum ts_status ts_locate_cached_measurement(char **out)
{
    const char *cache = getenv("XDG_CACHE_HOME");
    const char *home = getenv("HOME");
    *out = NULL;
    if (cache && cache[0] == '/') {
        return join(out, cache, "tiersim/measurement.json");
    }
    return home && home[0] ? join(out, home, ".cache/tiersim/measurement.json") : TS_OK;
}

enum ts_status ts_locate_measurement(char **out, const char *named)
{
    const char *variable = getenv("TIERSIM_MEASUREMENT");
    const char *path = named                                    ? named
                       : variable && variable[0]                ? variable
                       : ts_file_exists("out/measurement.json") ? "out/measurement.json"
                                                                : NULL;
    if (path) {
        return join(out, "", path);
    }
    const enum ts_status status = ts_locate_cached_measurement(out);
    if (status == TS_OK && *out && !ts_file_exists(*out)) {
        free(*out);
        *out = NULL;
    }
    return status;
}

/* The name without what a file's name should not have. */
static enum ts_status join_unfinished(char **out, const char *dir, const char *name)
{
    struct ts_text file;
    ts_text_init(&file);
    ts_text_puts(&file, "unfinished-");
    ts_slug(&file, name);
    ts_text_puts(&file, ".json");
    const enum ts_status status = dir && !file.failed ? join(out, dir, file.data) : TS_ENOMEM;
    ts_text_deinit(&file);
    return status;
}

enum ts_status ts_locate_unfinished(char **out, const char *name)
{
    char *cached;
    enum ts_status status = ts_locate_cached_measurement(&cached);
    *out = NULL;
    if (status == TS_OK && cached) {
        char *dir = ts_path_dir(cached);
        status = join_unfinished(out, dir, name);
        free(dir);
    }
    free(cached);
    return status;
}
