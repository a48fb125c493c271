/* Hides the search path of measurement files. */
#include "app/locate.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

static char *copy(const char *string)
{
    return ts_path_join("", string);
}

char *ts_locate_cached_measurement(void)
{
    const char *cache = getenv("XDG_CACHE_HOME");
    if (cache && cache[0] == '/') {
        return ts_path_join(cache, "tiersim/measurement.json");
    }
    const char *home = getenv("HOME");
    return home && home[0] ? ts_path_join(home, ".cache/tiersim/measurement.json") : NULL;
}

char *ts_locate_measurement(const char *named)
{
    if (named) {
        return copy(named);
    }
    const char *variable = getenv("TIERSIM_MEASUREMENT");
    if (variable && variable[0]) {
        return copy(variable);
    }
    if (ts_file_exists("out/measurement.json")) {
        return copy("out/measurement.json");
    }
    char *cached = ts_locate_cached_measurement();
    if (cached && ts_file_exists(cached)) {
        return cached;
    }
    free(cached);
    return NULL;
}

char *ts_locate_unfinished(const char *name)
{
    char *cached = ts_locate_cached_measurement();
    char *dir = cached ? ts_path_dir(cached) : NULL;
    struct ts_text file;
    ts_text_init(&file);
    ts_text_puts(&file, "unfinished-");
    for (const char *c = name; *c; c++) {
        ts_text_append(&file, strchr("/\\ :", *c) ? "-" : c, 1);
    }
    ts_text_puts(&file, ".json");
    char *path = dir && !file.failed ? ts_path_join(dir, file.data) : NULL;
    ts_text_deinit(&file);
    free(dir);
    free(cached);
    return path;
}
