/* Hides the search: families, and the climb to what keeps everything. */
#include "study/plan.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "study/in_order.h"
#include "study/plan_parts.h"

const char *const ts_plan_fate_names[TS_PLAN_N_FATES] = {"untried",  "impossible", "too weak",
                                                         "too dear", "misses",     "keeps"};

/* Families that climb together; at first fewer, until one of them says what the best may cost. */
enum { CHUNK = 128, CLIMBERS = 8, FIRST_CLIMBERS = 2, MOST_MOVES = 6 };

/* Designs that differ by their replicas alone. */
struct family {
    uint32_t first;  /* index of the design with the fewest */
    uint32_t rung;   /* the one that may keep everything; on the climb: the one that is tried */
    double estimate; /* USD a month there */
    double attainment_frac;
    double requests; /* of a whole run, as the window says */
    uint32_t n_tries;
    bool is_alive;
};

struct search {
    const struct ts_plan_spec *spec;
    struct ts_plan *plan;
    struct ts_diags *diags;
    uint32_t ladder, n_rungs, stride; /* the axis of replicas; n_axes: there is none */
    struct family *families;
    uint32_t cap_designs;
    double best_usd; /* of what keeps everything; INFINITY: nothing does yet */
    bool has_window;
    uint32_t chunk; /* the first family of those at hand */
    struct ts_diags *slots;
    double whole_requests; /* of a whole run of the base */
};

/* ---- the grid ---- */

static bool is_replicas(const char *key)
{
    return ts_str_equal(key, "replicas") || ts_str_has_suffix(key, ".replicas");
}

static enum ts_status measure_grid(struct search *search)
{
    const struct ts_plan_spec *spec = search->spec;
    uint64_t n = 1;
    search->ladder = spec->n_axes;
    for (uint32_t a = 0; a < spec->n_axes; a++) {
        n *= spec->axes[a].n;
        if (is_replicas(spec->axes[a].key) &&
            (search->ladder == spec->n_axes || spec->axes[a].n > spec->axes[search->ladder].n)) {
            search->ladder = a;
        }
        if (n > TS_PLAN_MOST_DESIGNS) {
            return ts_fail(search->diags, TS_EUSAGE, ts_span_none(), "leave values out", "more than %d designs",
                           TS_PLAN_MOST_DESIGNS);
        }
    }
    search->n_rungs = search->ladder < spec->n_axes ? spec->axes[search->ladder].n : 1;
    search->stride = 1;
    for (uint32_t a = search->ladder + 1; a < spec->n_axes; a++) {
        search->stride *= spec->axes[a].n;
    }
    search->plan->n_designs = (uint32_t)n;
    search->plan->n_families = (uint32_t)(n / search->n_rungs);
    return TS_OK;
}

static uint32_t design_of(const struct search *search, const struct family *family, uint32_t rung)
{
    return family->first + rung * search->stride;
}

static enum ts_status allocate(struct search *search)
{
    struct ts_plan *plan = search->plan;
    plan->fates = ts_arena_array(&plan->arena, plan->n_designs, sizeof *plan->fates);
    plan->estimates = ts_arena_array(&plan->arena, plan->n_designs, sizeof *plan->estimates);
    plan->why = ts_arena_array(&plan->arena, plan->n_designs, sizeof *plan->why);
    search->families = calloc(plan->n_families, sizeof *search->families);
    if (!plan->fates || !plan->estimates || !plan->why || !search->families) {
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i < plan->n_designs; i++) {
        plan->estimates[i] = NAN;
    }
    for (uint32_t f = 0; f < plan->n_families; f++) {
        const uint32_t above = f / search->stride, within = f % search->stride;
        search->families[f].first = above * search->stride * search->n_rungs + within;
        search->families[f].is_alive = true;
    }
    return TS_OK;
}

/* ---- stage 1: families ---- */

static uint32_t chunk_size(const struct search *search)
{
    const uint32_t left = search->plan->n_families - search->chunk;
    return left < CHUNK ? left : CHUNK;
}

static void set_fates(struct search *search, const struct family *family, uint32_t from, uint32_t to,
                      enum ts_plan_fate fate)
{
    for (uint32_t rung = from; rung < to; rung++) {
        search->plan->fates[design_of(search, family, rung)] = (uint8_t)fate;
    }
}

/* Where a family's bisection stands: rungs below `weak` cannot keep the SLO, `strong` may, the machines of `dear` cost
 * more than the best. n_rungs: no such rung is known. */
struct bracket {
    uint32_t weak, strong, dear;
};

static uint32_t limit_of(const struct bracket *bracket)
{
    return bracket->strong < bracket->dear ? bracket->strong : bracket->dear;
}

static uint32_t next_rung(const struct search *search, const struct bracket *bracket)
{
    const uint32_t limit = limit_of(bracket), doubled = 2 * bracket->weak; /* 0, 2, 6, 14: replicas double */
    const uint32_t last = search->n_rungs - 1;
    return limit < search->n_rungs ? (bracket->weak + limit) / 2 : doubled < last ? doubled : last;
}

/* No design of a family is cheaper than the machines of its fewest replicas. */
static enum ts_status look_at_machines(const struct search *search, struct family *family, struct ts_diags *diags)
{
    const struct ts_plan_job job = {.spec = search->spec, .index = design_of(search, family, 0)};
    struct ts_plan_try result;
    const enum ts_status status = ts_plan_try_sample(&result, &job, diags);
    if (status == TS_OK) {
        family->n_tries = 1;
        family->requests = result.requests;
        family->attainment_frac = result.attainment_frac;
        family->estimate = result.machines_usd_per_month;
    }
    return status;
}

static enum ts_status look(struct search *search, struct family *family, struct ts_diags *diags)
{
    if (!search->has_window) {
        return look_at_machines(search, family, diags);
    }
    struct bracket bracket = {0, search->n_rungs, search->n_rungs};
    while (bracket.weak < limit_of(&bracket)) {
        const uint32_t rung = next_rung(search, &bracket);
        const struct ts_plan_job job = {.spec = search->spec, .index = design_of(search, family, rung)};
        struct ts_plan_try result;
        bool can_keep = false;
        const enum ts_status status = ts_plan_try_window(&result, &can_keep, &job, diags);
        if (status != TS_OK) {
            return status;
        }
        family->n_tries++;
        family->requests += result.requests;
        family->attainment_frac = result.attainment_frac;
        search->plan->estimates[job.index] = result.usd_per_month;
        bracket.dear = result.machines_usd_per_month >= search->best_usd ? rung : bracket.dear;
        if (can_keep) {
            bracket.strong = rung;
            family->estimate = result.usd_per_month;
        } else {
            bracket.weak = rung + 1;
        }
    }
    set_fates(search, family, 0, bracket.weak, TS_PLAN_TOO_WEAK);
    set_fates(search, family, bracket.dear > bracket.weak ? bracket.dear : bracket.weak, search->n_rungs,
              TS_PLAN_TOO_DEAR);
    family->rung = bracket.strong;
    family->is_alive = bracket.strong < bracket.dear;
    return TS_OK;
}

static enum ts_status work(void *user, uint64_t index, uint32_t slot)
{
    struct search *search = user;
    struct family *family = &search->families[search->chunk + index];
    ts_diags_init(&search->slots[slot]);
    const enum ts_status status = look(search, family, &search->slots[slot]);
    if (!ts_trial_is_impossible(status)) {
        return status;
    }
    family->is_alive = false;
    family->rung = search->n_rungs;
    family->n_tries = 0;
    return TS_OK;
}

static enum ts_status take(void *user, uint64_t index, uint32_t slot, enum ts_status worked)
{
    struct search *search = user;
    struct family *family = &search->families[search->chunk + index];
    struct ts_plan *plan = search->plan;
    struct ts_diags *diags = &search->slots[slot];
    const bool impossible = worked == TS_OK && family->n_tries == 0;
    const char *why = impossible ? ts_trial_reason(diags, &plan->arena) : NULL;
    for (uint32_t rung = 0; impossible && rung < search->n_rungs; rung++) {
        const uint32_t design = design_of(search, family, rung);
        plan->fates[design] = TS_PLAN_IMPOSSIBLE;
        plan->why[design] = why;
    }
    plan->n_windows += family->n_tries;
    plan->requests += family->requests;
    if (worked != TS_OK) {
        ts_diags_move(search->diags, diags);
    }
    ts_diags_deinit(diags);
    ts_plan_tell(search->spec, "families of designs", search->chunk + (double)index + 1.0, plan->n_families);
    return worked;
}

static enum ts_status look_at_chunk(struct search *search)
{
    const uint32_t n = chunk_size(search);
    const uint32_t n_threads = search->spec->n_threads < n ? search->spec->n_threads : n;
    const struct ts_in_order job = {
        .n = n, .n_threads = n_threads, .window = 8 * n_threads, .user = search, .work = work, .take = take};
    search->slots = calloc(job.window, sizeof *search->slots);
    const enum ts_status status = search->slots ? ts_in_order_run(&job) : TS_ENOMEM;
    free(search->slots);
    return status;
}

/* ---- stage 2: the climb ---- */

static enum ts_status record(struct search *search, uint32_t index, const struct ts_plan_try *result)
{
    struct ts_plan *plan = search->plan;
    if (plan->n == search->cap_designs) {
        const uint32_t cap = search->cap_designs ? 2 * search->cap_designs : 64;
        struct ts_plan_design *more = ts_arena_array(&plan->arena, cap, sizeof *more);
        if (!more) {
            return TS_ENOMEM;
        }
        if (plan->n > 0) {
            memcpy(more, plan->designs, plan->n * sizeof *more);
        }
        plan->designs = more;
        search->cap_designs = cap;
    }
    const bool keeps = ts_plan_keeps(result->margins, result->n_margins);
    struct ts_plan_design *design = &plan->designs[plan->n++];
    *design = (struct ts_plan_design){.index = index,
                                      .fate = keeps ? TS_PLAN_KEEPS : TS_PLAN_MISSES,
                                      .usd_per_month = result->usd_per_month,
                                      .n_margins = result->n_margins,
                                      .n_runs = 1,
                                      .usd_half = NAN};
    memcpy(design->margins, result->margins, sizeof design->margins);
    plan->fates[index] = (uint8_t)design->fate;
    plan->n_runs++;
    plan->requests += result->requests;
    search->best_usd = keeps ? fmin(search->best_usd, result->usd_per_month) : search->best_usd;
    return TS_OK;
}

/* Runs them whole, on all threads. */
static enum ts_status run_designs(struct search *search, const uint32_t *indices, uint32_t n, struct ts_plan_try *tries,
                                  const char **why)
{
    struct ts_plan *plan = search->plan;
    struct ts_plan_job jobs[CLIMBERS * 2] = {{.index = 0}};
    for (uint32_t i = 0; i < n; i++) {
        jobs[i] = (struct ts_plan_job){.spec = search->spec, .index = indices[i]};
    }
    enum ts_status status = ts_plan_try_all(tries, why, jobs, n, &plan->arena, search->diags);
    for (uint32_t i = 0; status == TS_OK && i < n; i++) {
        if (why[i]) {
            plan->fates[indices[i]] = TS_PLAN_IMPOSSIBLE;
            plan->why[indices[i]] = why[i];
        } else {
            status = record(search, indices[i], &tries[i]);
        }
    }
    ts_plan_tell(search->spec, "whole runs", plan->n_runs, 0.0);
    return status;
}

/* One more replica for each family that misses and is not dearer than the best yet. */
static enum ts_status climb(struct search *search, struct family *const *climbers, uint32_t n)
{
    enum ts_status status = TS_OK;
    uint32_t n_left = n;
    while (status == TS_OK && n_left > 0 && search->plan->n_runs < search->spec->most_runs) {
        uint32_t indices[CLIMBERS];
        struct family *of[CLIMBERS];
        struct ts_plan_try tries[CLIMBERS];
        const char *why[CLIMBERS];
        n_left = 0;
        for (uint32_t i = 0; i < n; i++) {
            if (climbers[i]->is_alive) {
                of[n_left] = climbers[i];
                indices[n_left++] = design_of(search, climbers[i], climbers[i]->rung);
            }
        }
        status = run_designs(search, indices, n_left, tries, why);
        for (uint32_t i = 0; status == TS_OK && i < n_left; i++) {
            struct family *family = of[i];
            const bool ends = why[i] || ts_plan_keeps(tries[i].margins, tries[i].n_margins) ||
                              ts_plan_grows_worse(tries[i].margins, tries[i].n_margins) ||
                              tries[i].usd_per_month >= search->best_usd || family->rung + 1 >= search->n_rungs;
            family->is_alive = !ends;
            family->rung += ends ? 0 : 1;
        }
    }
    return status;
}

static int by_estimate(const void *a, const void *b)
{
    const struct family *const *x = a, *const *y = b;
    const double d = (*x)->estimate - (*y)->estimate;
    return d != 0.0 ? (d > 0.0) - (d < 0.0) : ((*x)->first > (*y)->first) - ((*x)->first < (*y)->first);
}

static enum ts_status climb_chunk(struct search *search)
{
    struct ts_plan *plan = search->plan;
    struct family *order[CHUNK];
    uint32_t n = 0;
    for (uint32_t f = 0; f < chunk_size(search); f++) {
        struct family *family = &search->families[search->chunk + f];
        if (family->is_alive) {
            order[n++] = family;
        }
    }
    qsort(order, n, sizeof(struct family *), by_estimate);
    enum ts_status status = TS_OK;
    uint32_t i = 0;
    while (status == TS_OK && i < n && order[i]->estimate <= (1.0 + TS_PLAN_NEAR_FRAC) * search->best_usd &&
           plan->n_runs < search->spec->most_runs) {
        const uint32_t most = isinf(search->best_usd) ? FIRST_CLIMBERS : CLIMBERS;
        const uint32_t n_batch = n - i < most ? n - i : most;
        status = climb(search, &order[i], n_batch);
        i += n_batch;
    }
    plan->gave_up = plan->n_runs >= search->spec->most_runs;
    return status;
}

static enum ts_status look_and_climb(struct search *search)
{
    enum ts_status status = TS_OK;
    for (; status == TS_OK && search->chunk < search->plan->n_families; search->chunk += CHUNK) {
        status = search->has_window || ts_plan_has_sample(search->spec->base->scenario) ? look_at_chunk(search) : TS_OK;
        if (status == TS_OK) {
            status = climb_chunk(search);
        }
    }
    return status;
}

static uint32_t best_design(const struct ts_plan *plan)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t i = 0; i < plan->n; i++) {
        if (plan->designs[i].fate == TS_PLAN_KEEPS &&
            (best == UINT32_MAX || plan->designs[i].usd_per_month < plan->designs[best].usd_per_month)) {
            best = i;
        }
    }
    return best;
}

static uint32_t list_neighbours(uint32_t *out, const struct search *search, uint32_t index)
{
    const struct ts_plan_spec *spec = search->spec;
    uint32_t n = 0, stride = 1;
    for (uint32_t a = spec->n_axes; a-- > 0;) {
        const uint32_t choice = index / stride % spec->axes[a].n;
        const uint32_t near[2] = {choice > 0 ? index - stride : index,
                                  choice + 1 < spec->axes[a].n ? index + stride : index};
        for (int k = 0; k < 2 && n < 2 * CLIMBERS; k++) {
            const uint8_t fate = search->plan->fates[near[k]];
            if (near[k] != index && (fate == TS_PLAN_UNTRIED || fate == TS_PLAN_TOO_WEAK)) {
                out[n++] = near[k];
            }
        }
        stride *= spec->axes[a].n;
    }
    return n;
}

/* What only trying can tell: its neighbours on every axis, as long as one of them is better. */
static enum ts_status try_neighbours(struct search *search)
{
    enum ts_status status = TS_OK;
    double before = INFINITY;
    for (int move = 0; status == TS_OK && move < MOST_MOVES && search->best_usd < before; move++) {
        uint32_t indices[2 * CLIMBERS];
        struct ts_plan_try tries[2 * CLIMBERS];
        const char *why[2 * CLIMBERS];
        before = search->best_usd;
        const uint32_t best = best_design(search->plan);
        const uint32_t n = best == UINT32_MAX ? 0 : list_neighbours(indices, search, search->plan->designs[best].index);
        status = run_designs(search, indices, n, tries, why);
    }
    return status;
}

/* ---- the whole ---- */

/* The scenario as it stands, to compare with. */
static enum ts_status run_base(struct search *search)
{
    struct ts_plan_spec alone = *search->spec;
    struct ts_plan_try result;
    struct ts_diags ignored;
    alone.n_axes = 0;
    const struct ts_plan_job job = {.spec = &alone};
    ts_diags_init(&ignored);
    const enum ts_status status = ts_plan_try_whole(&result, &job, &ignored);
    ts_diags_deinit(&ignored);
    if (status == TS_OK) {
        search->whole_requests = result.requests;
        search->plan->requests += result.requests;
        search->plan->base_usd_per_month = result.usd_per_month;
        search->plan->base_keeps = ts_plan_keeps(result.margins, result.n_margins);
    }
    return ts_trial_is_impossible(status) ? TS_OK : status;
}

/* Nothing may keep the SLO: some of the strongest are run whole, to say what would have to be relaxed. */
static enum ts_status run_strongest(struct search *search)
{
    const struct ts_plan *plan = search->plan;
    struct family *strongest = NULL;
    for (uint32_t f = 0; f < plan->n_families; f++) {
        struct family *family = &search->families[f];
        if (family->n_tries > 0 && (!strongest || family->attainment_frac > strongest->attainment_frac)) {
            strongest = family;
        }
    }
    const uint32_t index = strongest ? design_of(search, strongest, search->n_rungs - 1) : 0;
    struct ts_plan_try result;
    const char *why;
    return strongest ? run_designs(search, &index, 1, &result, &why) : TS_OK;
}

static enum ts_status find(struct search *search)
{
    enum ts_status status = run_base(search);
    search->has_window = ts_plan_has_window(search->spec->base->scenario);
    if (status == TS_OK) {
        status = look_and_climb(search);
    }
    if (status == TS_OK) {
        status = search->plan->n == 0 ? run_strongest(search) : try_neighbours(search);
    }
    if (status == TS_OK) {
        status = ts_plan_race(search->plan, search->spec, search->best_usd, search->diags);
    }
    search->plan->grid_requests = search->whole_requests * search->plan->n_designs;
    return status == TS_OK ? ts_plan_explain(search->plan, search->spec, search->diags) : status;
}

enum ts_status ts_plan_make(struct ts_plan *out, const struct ts_plan_spec *spec, struct ts_diags *diags)
{
    struct ts_plan plan = {.base_usd_per_month = NAN};
    struct search search = {.spec = spec, .plan = &plan, .diags = diags, .best_usd = INFINITY};
    ts_arena_init(&plan.arena);
    enum ts_status status = measure_grid(&search);
    if (status == TS_OK) {
        status = allocate(&search);
    }
    if (status == TS_OK) {
        status = find(&search);
    }
    free(search.families);
    if (status == TS_OK) {
        *out = plan;
    } else {
        ts_arena_deinit(&plan.arena);
    }
    return status;
}

void ts_plan_deinit(struct ts_plan *plan)
{
    ts_arena_deinit(&plan->arena);
    *plan = (struct ts_plan){.n_designs = 0};
}
