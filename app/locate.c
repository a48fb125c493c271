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
