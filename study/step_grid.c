/* Hides which steps are asked of a model: within its bounds, decode at batches and depths, prompt chunks at depths, and
 * both together; between them others that the fits have not seen. */
#include "study/step_grid.h"

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
    const struct ts_steps_model *steps;
    const struct ts_step_grid *within;
    struct ts_import_point *points; /* [TS_IMPORT_MAX_POINTS] */
    size_t n;
};

static void add(struct sampling *s, struct ts_model_step step)
{
    const struct ts_step_load load = ts_model_step_load(&step);
    if (load.tokens > s->within->most_tok || step.n_decode > s->within->most_seqs ||
        step.depth > s->within->most_depth_tok || step.prefill_depth > s->within->most_past_tok ||
        s->n == TS_IMPORT_MAX_POINTS) {
        return;
    }
    const struct ts_batch_load batch = {.n_seqs = step.n_decode + (step.prefill > 0),
                                        .n_decode = step.n_decode,
                                        .prefill_tok = step.prefill,
                                        .kv_read_tok = load.kv_tok,
                                        .prefill_pairs = load.pairs};
    const double seconds = ts_steptime_s(s->steps, &batch);
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

enum ts_status ts_step_grid_fit(struct ts_model_measurement *m, struct ts_import *info, struct ts_arena *arena,
                                const struct ts_steps_model *from, const struct ts_step_grid *within)
{
    struct sampling s = {
        .steps = from, .within = within, .points = ts_arena_array(arena, TS_IMPORT_MAX_POINTS, sizeof *s.points)};
    struct ts_import_steps steps = {.points = s.points, .knots = knots};
    if (!s.points) {
        return TS_ENOMEM;
    }
    add_knots(&s);
    add_grids(&s, false);
    steps.n_fitted = s.n;
    add_grids(&s, true);
    steps.n_held = s.n - steps.n_fitted;
    while (steps.n_knots < N_KNOTS && knots[steps.n_knots] <= within->most_tok) {
        steps.n_knots++;
    }
    return steps.n_knots > 0 ? ts_import_fit_steps(m, info, &steps) : TS_ERANGE;
}
