/* Hides how an operator profile is told: its name, its files, what is not in it. */
#include "app/import_operators.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/run_info.h"
#include "study/step_grid.h"

/* "bf16/tp1", "rtx4090": a folder tpN says nothing without the one that it is in. */
static const char *short_name(const char *folder)
{
    const char *base = ts_path_base(folder);
    if (strncmp(base, "tp", 2) == 0) {
        for (base -= base > folder; base > folder && base[-1] != '/'; base--) {
        }
    }
    return base;
}

/* "dense.csv crc32:.., 12 bytes; attention.csv .." of what was read. */
static enum ts_status describe_files(struct ts_import *info, struct ts_arena *arena,
                                     const struct ts_operator_about *about, struct ts_diags *diags)
{
    static const char *const tables[] = {"dense.csv", "attention.csv", "per_sequence.csv", "moe.csv", "skew.csv"};
    const char *files = "";
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && files; i++) {
        const char *path = ts_arena_printf(arena, "%s/%s", about->folder, tables[i]), *hash = "";
        if (path && !ts_file_exists(path)) {
            continue;
        }
        enum ts_status status = path ? ts_run_info_hash(&hash, arena, path, NULL, diags) : TS_ENOMEM;
        if (status != TS_OK) {
            return status;
        }
        files = ts_arena_printf(arena, "%s%s%s %s", files, *files ? "; " : "", tables[i], hash);
    }
    info->file = ts_arena_strdup(arena, short_name(about->folder));
    info->hash = files;
    return info->file && info->hash ? TS_OK : TS_ENOMEM;
}

static const double poor_fit_frac = 0.25;

static void tell_error(const struct ts_model_measurement *m, const struct ts_operator_about *about,
                       struct ts_diags *diags)
{
    const double worst = fmax(m->table.error.worst_frac, m->table_check.worst_frac);
    if (worst > poor_fit_frac) {
        ts_diags_add(diags, TS_NOTE, ts_span_file(about->folder),
                     "the tables themselves have no such error: steps: {operators: FOLDER}",
                     "some steps are up to %.0f %% off the fit, whose form cannot follow the tables there",
                     100.0 * worst);
    }
}

static void tell_what_is_missing(const struct ts_operator_about *about, const struct ts_operator_steps *from,
                                 struct ts_diags *diags)
{
    if (about->tensor_parallel > 1) {
        ts_diags_add(diags, TS_WARNING, ts_span_file(about->folder),
                     "write accelerators: N, and overhead: TIME beside measured:",
                     "the tables do not time what joins %u accelerators: it is not in the step times",
                     (unsigned)about->tensor_parallel);
    }
    if (from->n_unlike > 0) {
        ts_diags_add(diags, TS_NOTE, ts_span_file(about->folder),
                     "the tables themselves have it: steps: {operators: FOLDER}",
                     "that sequences of unlike length take longer (skew.csv) is not in the fit");
    }
    if (from->n_filled > 0) {
        ts_diags_add(diags, TS_NOTE, ts_span_file(about->folder), NULL,
                     "%zu points of the attention grid have no measurement: they lie on the line through their "
                     "neighbours",
                     from->n_filled);
    }
}

enum ts_status ts_import_operators(struct ts_model_measurement *m, struct ts_import *info, struct ts_arena *arena,
                                   const struct ts_operator_about *about, const struct ts_llm *llm,
                                   struct ts_diags *diags)
{
    struct ts_operator_steps from;
    enum ts_status status = ts_operator_steps_read(&from, arena, about, llm, diags);
    if (status == TS_OK) {
        status = describe_files(info, arena, about, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    tell_what_is_missing(about, &from, diags);
    info->n_rows = info->n_used = from.n_rows;
    info->method = ts_arena_printf(
        arena,
        "derived from operator profiles: times of steps over a grid of batches, depths and prompt chunks, from %s",
        from.layers);
    const struct ts_step_grid within = {from.most_tok, from.most_seqs, from.most_past_tok, from.most_depth_tok};
    status = info->method ? ts_step_grid_fit(m, info, arena, &from.steps, &within) : TS_ENOMEM;
    if (status == TS_OK) {
        tell_error(m, about, diags);
    }
    return status == TS_ERANGE ? ts_fail(diags, TS_EINPUT, ts_span_file(about->folder),
                                         "a tier can take the tables themselves: steps: {operators: FOLDER}",
                                         "the tables end too early to fit step times to: at %g tokens, %g sequences",
                                         from.most_tok, from.most_seqs)
                               : status;
}
