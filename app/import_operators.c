/* Hides which steps are asked of the tables: within what they were measured over, decode at batches and depths, prompt
 * chunks at depths, and both together; between them others that the fits have not seen. */
#include "app/import_operators.h"

#include <math.h>
#include <string.h>

#include "base/file.h"
#include "base/run_info.h"
#include "sim/serving/steptime.h"

/* Token counts at which the table may bend; batches and chunks that it is fitted to. */
static const double knots[] = {1,   2,   4,   8,   16,   24,   32,   48,   64,   96,   128, 192,
                               256, 384, 512, 768, 1024, 1536, 2048, 3072, 4096, 6144, 8192};

enum { N_KNOTS = sizeof knots / sizeof knots[0], MAX_LIST = 8 };

_Static_assert((int)N_KNOTS <= (int)TS_STEP_MAX_KNOTS, "a fit has room for so many");

/* One kind of step: every batch at every depth beside every chunk at every past. 0 ends a list of counts. */
struct grid {
    uint32_t batches[MAX_LIST], chunks[MAX_LIST];
    uint32_t depths[MAX_LIST], pasts[MAX_LIST]; /* the first may be 0; a further 0 ends the list */
    bool held_out;
};

static const struct grid grids[] = {
    {.batches = {4, 32, 128}, .chunks = {64, 256, 1024}, .depths = {512, 2048}, .pasts = {0, 2048}},
    {.batches = {3, 6, 12, 40, 80, 160}, .depths = {256, 1024, 4096}, .held_out = true},
    {.chunks = {40, 100, 300, 700, 1200, 1800}, .pasts = {0, 512, 2048}, .held_out = true},
    {.batches = {10, 60}, .chunks = {200, 800}, .depths = {1024}, .pasts = {0, 1024}, .held_out = true},
};

static const uint32_t depths[] = {64, 512, 2048, 8192}, pasts[] = {0, 1024, 4096};

struct sampling {
    const struct ts_operator_steps *from;
    struct ts_import_point *points; /* [TS_IMPORT_MAX_POINTS] */
    size_t n;
};

static void add(struct sampling *s, struct ts_model_step step)
{
    const struct ts_step_load load = ts_model_step_load(&step);
    if (load.tokens > s->from->most_tok || step.n_decode > s->from->most_seqs || step.depth > s->from->most_depth_tok ||
        step.prefill_depth > s->from->most_past_tok || s->n == TS_IMPORT_MAX_POINTS) {
        return;
    }
    const struct ts_batch_load batch = {.n_seqs = step.n_decode + (step.prefill > 0),
                                        .n_decode = step.n_decode,
                                        .prefill_tok = step.prefill,
                                        .kv_read_tok = load.kv_tok,
                                        .prefill_pairs = load.pairs};
    const double seconds = ts_steptime_s(&s->from->steps, &batch);
    if (seconds > 0.0) {
        s->points[s->n++] = (struct ts_import_point){.load = load, .seconds = seconds, .n_samples = 1};
    }
}

static void add_prompts(struct sampling *s, const struct grid *grid, struct ts_model_step step)
{
    for (size_t c = 0; c < MAX_LIST && grid->chunks[c] > 0; c++) {
        for (size_t p = 0; p < MAX_LIST && (p == 0 || grid->pasts[p] > 0); p++) {
            step.prefill = grid->chunks[c];
            step.prefill_depth = grid->pasts[p];
            add(s, step);
        }
    }
}

static void add_grid(struct sampling *s, const struct grid *grid)
{
    if (grid->batches[0] == 0) {
        add_prompts(s, grid, (struct ts_model_step){0});
    }
    for (size_t b = 0; b < MAX_LIST && grid->batches[b] > 0; b++) {
        for (size_t d = 0; d < MAX_LIST && (d == 0 || grid->depths[d] > 0); d++) {
            const struct ts_model_step step = {.n_decode = grid->batches[b], .depth = grid->depths[d]};
            if (grid->chunks[0] == 0) {
                add(s, step);
            } else {
                add_prompts(s, grid, step);
            }
        }
    }
}

/* Decode alone and prompts alone, at every knot. */
static void add_knots(struct sampling *s)
{
    for (size_t k = 0; k < N_KNOTS; k++) {
        const uint32_t n = (uint32_t)knots[k];
        for (size_t d = 0; d < sizeof depths / sizeof depths[0]; d++) {
            add(s, (struct ts_model_step){.n_decode = n, .depth = depths[d]});
        }
        for (size_t p = 0; p < sizeof pasts / sizeof pasts[0] && n > 1; p++) {
            add(s, (struct ts_model_step){.prefill = n, .prefill_depth = pasts[p]});
        }
    }
}

static void add_grids(struct sampling *s, bool held_out)
{
    for (size_t i = 0; i < sizeof grids / sizeof grids[0]; i++) {
        if (grids[i].held_out == held_out) {
            add_grid(s, &grids[i]);
        }
    }
}

static enum ts_status sample_and_fit(struct ts_model_measurement *m, struct ts_import *info, struct ts_arena *arena,
                                     const struct ts_operator_steps *from)
{
    struct sampling s = {.from = from, .points = ts_arena_array(arena, TS_IMPORT_MAX_POINTS, sizeof *s.points)};
    struct ts_import_steps steps = {.points = s.points, .knots = knots};
    if (!s.points) {
        return TS_ENOMEM;
    }
    add_knots(&s);
    add_grids(&s, false);
    steps.n_fitted = s.n;
    add_grids(&s, true);
    steps.n_held = s.n - steps.n_fitted;
    while (steps.n_knots < N_KNOTS && knots[steps.n_knots] <= from->most_tok) {
        steps.n_knots++;
    }
    return steps.n_knots > 0 ? ts_import_fit_steps(m, info, &steps) : TS_ERANGE;
}

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
    status = info->method ? sample_and_fit(m, info, arena, &from) : TS_ENOMEM;
    if (status == TS_OK) {
        tell_error(m, about, diags);
    }
    return status == TS_ERANGE ? ts_fail(diags, TS_EINPUT, ts_span_file(about->folder),
                                         "a tier can take the tables themselves: steps: {operators: FOLDER}",
                                         "the tables end too early to fit step times to: at %g tokens, %g sequences",
                                         from.most_tok, from.most_seqs)
                               : status;
}
