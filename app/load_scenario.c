/* Hides what a scenario is loaded with: this machine, and the measurement of it. */
#include "app/load_scenario.h"

#include <stdlib.h>
#include <string.h>

#include "app/locate.h"
#include "base/file.h"

enum { MAX_TEXT_BYTES = 16 << 20 };

static size_t list_sets(const char **out, const struct ts_scenario_args *args, const char *last_set)
{
    size_t n = args->sets.n;
    memcpy(out, args->sets.items, n * sizeof *out);
    if (last_set) {
        out[n++] = last_set;
    }
    return n;
}

static enum ts_status load(struct ts_scenario *out, const struct ts_scenario_args *args,
                           const struct ts_scenario_options *how, struct ts_diags *diags)
{
    const enum ts_status status = ts_scenario_load(out, args->path, how, diags);
    if (status == TS_OK && args->measurement && !out->measurement_path) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), "leave it out, or write hardware: this-machine below a tier",
                     "--measurement does nothing: no tier of the scenario is this machine");
    }
    return status;
}

enum ts_status ts_load_scenario(struct ts_scenario *out, const struct ts_scenario_args *args, const char *last_set,
                                struct ts_diags *diags)
{
    const char *sets[TS_MAX_SETS + 1];
    struct ts_arena arena;
    struct ts_host host;
    char *measurement = NULL;
    ts_arena_init(&arena);
    enum ts_status status = ts_host_detect(&host, &arena);
    if (status == TS_OK) {
        status = ts_locate_measurement(&measurement, args->measurement);
    }
    if (status == TS_OK) {
        const struct ts_scenario_options how = {.sets = sets,
                                                .n_sets = list_sets(sets, args, last_set),
                                                .trace_path = args->trace,
                                                .trace_map = args->map,
                                                .measurement_path = measurement,
                                                .host = &host};
        status = load(out, args, &how, diags);
    }
    free(measurement);
    ts_arena_deinit(&arena);
    return status;
}

/* ---- for many trials ---- */

static enum ts_status prepare(struct ts_loaded_base *out, const struct ts_scenario_args *args, const char *last_set,
                              struct ts_diags *diags)
{
    char *measurement = NULL;
    size_t len = 0;
    enum ts_status status = ts_host_detect(&out->host, &out->arena);
    if (status == TS_OK) {
        status = ts_locate_measurement(&measurement, args->measurement);
    }
    if (status == TS_OK) {
        status = ts_file_read(&out->text, &len, args->path, MAX_TEXT_BYTES, diags);
    }
    out->base = (struct ts_trial_base){
        .scenario = &out->scenario,
        .path = args->path,
        .options = {.sets = out->sets,
                    .n_sets = list_sets(out->sets, args, last_set),
                    .trace_path = args->trace,
                    .trace_map = args->map,
                    .measurement_path = measurement ? ts_arena_strdup(&out->arena, measurement) : NULL,
                    .host = &out->host,
                    .text = out->text,
                    .space_path = args->space}};
    free(measurement);
    return status == TS_OK && out->arena.failed ? TS_ENOMEM : status;
}

enum ts_status ts_load_base(struct ts_loaded_base *out, const struct ts_scenario_args *args, const char *last_set,
                            struct ts_diags *diags)
{
    *out = (struct ts_loaded_base){.text = NULL};
    ts_arena_init(&out->arena);
    enum ts_status status = prepare(out, args, last_set, diags);
    if (status == TS_OK) {
        status = load(&out->scenario, args, &out->base.options, diags);
    }
    if (status == TS_OK && out->scenario.measurement_path) {
        status = ts_measurement_read(&out->measurement, &out->arena, out->scenario.measurement_path, NULL);
        out->base.options.measurement = &out->measurement;
    }
    if (status != TS_OK) {
        free(out->text);
        ts_arena_deinit(&out->arena);
    }
    return status;
}

void ts_loaded_base_deinit(struct ts_loaded_base *loaded)
{
    ts_scenario_deinit(&loaded->scenario);
    ts_arena_deinit(&loaded->arena);
    free(loaded->text);
}
