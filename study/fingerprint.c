/* Hides what counts: contents, not places. A folder (operator tables) counts with all files in it. Numbers of the
 * catalogs come in through the list of assumptions. */
#include "study/fingerprint.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/names.h"
#include "base/run_info.h"

struct printing {
    struct ts_text *out;
    struct ts_arena arena;
    const struct ts_progress *progress;
    struct ts_diags *diags;
};

static enum ts_status put_file(struct printing *p, const char *what, const char *path)
{
    const char *hash = NULL;
    const enum ts_status status = ts_run_info_hash(&hash, &p->arena, path, p->progress, p->diags);
    if (status == TS_OK) {
        ts_text_printf(p->out, "%s %s: %s\n", what, ts_path_base(path), hash);
    }
    return status;
}

static enum ts_status put_path(struct printing *p, const char *path)
{
    struct ts_names names = {.n = 0};
    if (!ts_dir_exists(path)) {
        return put_file(p, "file", path);
    }
    enum ts_status status = ts_names_of_folder(&names, path, p->diags);
    for (size_t i = 0; status == TS_OK && i < names.n; i++) {
        char *inside = ts_path_join(path, names.items[i]);
        status = !inside ? TS_ENOMEM : ts_dir_exists(inside) ? TS_OK : put_file(p, "file", inside);
        free(inside);
    }
    ts_names_deinit(&names);
    return status;
}

/* A value of an axis that is the name of something beside the scenario. */
static enum ts_status put_axis_value(struct printing *p, const char *scenario_path, const char *value)
{
    char *folder = ts_path_dir(scenario_path), *path = folder ? ts_path_join(folder, value) : NULL;
    enum ts_status status = path ? TS_OK : TS_ENOMEM;
    if (path && value[0] != '\0' && (ts_file_exists(path) || ts_dir_exists(path))) {
        status = put_path(p, path);
    }
    free(path);
    free(folder);
    return status;
}

/* FNV-1a, 64 bits. */
static uint64_t add_to_hash(uint64_t hash, const char *text)
{
    for (; *text; text++) {
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
    }
    return (hash ^ '\n') * 0x100000001b3u;
}

static void put_assumptions(struct printing *p, const struct ts_model *model)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < model->n_assumptions; i++) {
        hash = add_to_hash(hash, model->assumptions[i].key);
        hash = add_to_hash(hash, model->assumptions[i].value);
    }
    ts_text_printf(p->out, "assumptions: %016llx\n", (unsigned long long)hash);
}

static enum ts_status put_files(struct printing *p, const struct ts_trial_base *base)
{
    const struct ts_scenario *scenario = base->scenario;
    const char *trace = scenario->workload.trace_path;
    bool listed = false;
    enum ts_status status = put_file(p, "scenario", base->path);
    for (size_t i = 0; status == TS_OK && i < scenario->n_files; i++) {
        listed = listed || (trace && ts_str_equal(scenario->files[i], trace));
        status = put_path(p, scenario->files[i]);
    }
    if (status == TS_OK && trace && !listed) {
        status = put_file(p, "trace", trace);
    }
    if (status == TS_OK && scenario->measurement_path) {
        status = put_file(p, "measurement", scenario->measurement_path);
    }
    return status;
}

enum ts_status ts_fingerprint_put(struct ts_text *out, const char *version, const struct ts_trial_base *base,
                                  const struct ts_point_options *options, const char *const *axis_values,
                                  const struct ts_progress *progress, struct ts_diags *diags)
{
    struct printing p = {.out = out, .progress = progress, .diags = diags};
    ts_arena_init(&p.arena);
    ts_text_printf(out, "tiersim: %s\n", version);
    enum ts_status status = put_files(&p, base);
    for (size_t i = 0; status == TS_OK && axis_values[i]; i++) {
        status = put_axis_value(&p, base->path, axis_values[i]);
    }
    for (size_t i = 0; i < base->options.n_sets; i++) {
        ts_text_printf(out, "set: %s\n", base->options.sets[i]);
    }
    put_assumptions(&p, &base->scenario->model);
    ts_text_printf(out, "replications: %u\ncapacity: %s\n", base->scenario->replications,
                   ts_capacity_efforts[options->effort]);
    if (options->stops_early) {
        ts_text_puts(out, "early stop\n");
    }
    if (options->until) {
        const struct ts_metric *metric = options->until->metric;
        ts_text_printf(out, "until: %s.%s %g\n", metric->name, metric->stat, options->until->frac);
    }
    ts_arena_deinit(&p.arena);
    return status == TS_OK && out->failed ? TS_ENOMEM : status;
}

static const char *behind_line(const char *at)
{
    at += strcspn(at, "\n");
    return *at ? at + 1 : at;
}

static bool has_line(const char *text, const char *line, size_t len)
{
    for (const char *at = text; *at; at = behind_line(at)) {
        if (strcspn(at, "\n") == len && strncmp(at, line, len) == 0) {
            return true;
        }
    }
    return false;
}

static bool put_missing(struct ts_text *out, const char *of, const char *in)
{
    for (const char *at = of; *at; at = behind_line(at)) {
        const size_t len = strcspn(at, "\n");
        if (!has_line(in, at, len)) {
            ts_text_append(out, at, len);
            return true;
        }
    }
    return false;
}

void ts_fingerprint_put_difference(struct ts_text *out, const char *a, const char *b)
{
    struct ts_text mine, other;
    ts_text_init(&mine);
    ts_text_init(&other);
    const bool in_a = put_missing(&mine, a, b), in_b = put_missing(&other, b, a);
    if (in_a && in_b) {
        ts_text_printf(out, "%s, and %s", mine.data, other.data);
    } else if (in_a || in_b) {
        ts_text_printf(out, "%s in one of them alone", in_a ? mine.data : other.data);
    }
    ts_text_deinit(&mine);
    ts_text_deinit(&other);
}
