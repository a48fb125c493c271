/* Hides what a scenario is loaded with: this machine, and the measurement of it. */
#include "app/load_scenario.h"

#include <stdlib.h>
#include <string.h>

#include "app/locate.h"
#include "kernels/host.h"

static enum ts_status load(struct ts_scenario *out, const struct ts_scenario_args *args, const char *last_set,
                           const struct ts_host *host, const char *measurement, struct ts_diags *diags)
{
    const char *sets[TS_MAX_SETS + 1];
    size_t n = args->sets.n;
    memcpy(sets, args->sets.items, n * sizeof *sets);
    if (last_set) {
        sets[n++] = last_set;
    }
    const struct ts_scenario_options how = {
        .sets = sets, .n_sets = n, .trace_path = args->trace, .measurement_path = measurement, .host = host};
    const enum ts_status status = ts_scenario_load(out, args->path, &how, diags);
    if (status == TS_OK && args->measurement && !out->measurement_path) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), "leave it out, or write hardware: this-machine below a tier",
                     "--measurement does nothing: no tier of the scenario is this machine");
    }
    return status;
}

enum ts_status ts_load_scenario(struct ts_scenario *out, const struct ts_scenario_args *args, const char *last_set,
                                struct ts_diags *diags)
{
    struct ts_arena arena;
    struct ts_host host;
    char *measurement = NULL;
    ts_arena_init(&arena);
    enum ts_status status = ts_host_detect(&host, &arena);
    if (status == TS_OK) {
        status = ts_locate_measurement(&measurement, args->measurement);
    }
    if (status == TS_OK) {
        status = load(out, args, last_set, &host, measurement, diags);
    }
    free(measurement);
    ts_arena_deinit(&arena);
    return status;
}
