/* Hides that a workload is loaded as a scenario is: with one tier, where the file has none. */
#include "app/workload_file.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"

enum { MAX_BYTES = 16 << 20 };
static const char tier[] = "tiers: {api: {kind: api, offers: [OpenAI/gpt-4o], ability: 0}}\n";

/* Does a line begin with that key? */
static bool has_key(const char *text, const char *key)
{
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
        if (ts_str_has_prefix(line, key)) {
            return true;
        }
    }
    return false;
}

/* The file with what a scenario needs beside a workload, after it so that its lines keep their numbers. */
static enum ts_status put_scenario(struct ts_text *out, const char *name, const char *text, struct ts_diags *diags)
{
    char *data = NULL;
    size_t len = 0;
    if (!text && !ts_file_exists(name)) {
        ts_text_printf(out, "workload: {like: %s}\n", name);
    } else if (!text) {
        const enum ts_status status = ts_file_read(&data, &len, name, MAX_BYTES, diags);
        if (status != TS_OK) {
            return status;
        }
    }
    text = text ? text : data ? data : "";
    ts_text_puts(out, text);
    ts_text_puts(out, "\n");
    if (!has_key(text, "scenario:")) {
        ts_text_puts(out, "scenario: workload\n");
    }
    if (!has_key(text, "tiers:")) {
        ts_text_puts(out, tier);
    }
    free(data);
    return out->failed ? ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory") : TS_OK;
}

/* Can its requests be drawn without anybody who serves them? */
static enum ts_status check(struct ts_scenario *scenario, const char *name, bool has_times, struct ts_diags *diags)
{
    const char *why = scenario->workload.trace_path ? "the scenario replays a trace: there is nothing to generate"
                      : scenario->workload.is_closed
                          ? "users of a closed loop send when they have their reply: their requests have no times"
                      : scenario->model.has_sessions && has_times
                          ? "calls of a session come when the reply to the one before is there: they have no times"
                          : NULL;
    if (!why) {
        return TS_OK;
    }
    ts_scenario_deinit(scenario);
    return ts_fail(diags, TS_ESCENARIO, ts_span_file(name), NULL, "%s", why);
}

enum ts_status ts_workload_file_load(struct ts_scenario *out, const char *name, const char *text,
                                     const struct ts_option_texts *sets, struct ts_diags *diags)
{
    struct ts_text whole;
    ts_text_init(&whole);
    enum ts_status status = put_scenario(&whole, name, text, diags);
    if (status == TS_OK) {
        const struct ts_scenario_options how = {
            .sets = sets ? sets->items : NULL, .n_sets = sets ? sets->n : 0, .text = whole.data};
        status = ts_scenario_load(out, name, &how, diags);
    }
    ts_text_deinit(&whole);
    if (status == TS_OK) {
        status = check(out, name, !text, diags);
    }
    return status;
}
