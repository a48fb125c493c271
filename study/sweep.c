/* Hides which thread runs which point. A thread has a point to itself, from its text to its figures; where there are
 * more threads than points, each point's replications share some. */
#include "study/sweep.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "study/in_order.h"

enum { TRIED = 64 };

static const size_t tape_bytes = 128 << 20;

struct slot {
    struct ts_point_outcome outcome;
    struct ts_diags diags;
    enum ts_point_fate fate;
};

struct sweep {
    const struct ts_sweep_spec *spec;
    struct ts_study_db *db;
    uint32_t *positions; /* [n] to be run */
    uint32_t n, threads_of_point;
    struct slot *slots;
    struct ts_tapes *tapes;
    struct ts_shared_runs *shared;
    struct ts_sweep_outcome *out;
    struct ts_diags *diags;
    double begin_s, best;
};

static enum ts_status work(void *user, uint64_t index, uint32_t slot_number)
{
    struct sweep *sweep = user;
    const struct ts_sweep_spec *spec = sweep->spec;
    struct slot *slot = &sweep->slots[slot_number];
    struct ts_progress outer = spec->progress;
    const struct ts_point_options options = {.n_threads = sweep->threads_of_point,
                                             .effort = spec->effort,
                                             .progress = {.go_on = ts_progress_ask_alone, .user = &outer},
                                             .tapes = sweep->tapes,
                                             .shared = sweep->shared,
                                             .until = spec->until,
                                             .stops_early = spec->stops_early};
    ts_diags_init(&slot->diags);
    const enum ts_status status =
        ts_point_run(&slot->outcome, spec->base, ts_design_point(spec->design, sweep->positions[index]),
                     spec->design->spec->n_axes, &options, &slot->diags);
    if (status != TS_OK) {
        slot->outcome = (struct ts_point_outcome){.n_rows = 0};
    }
    slot->fate = status == TS_OK ? TS_POINT_DONE : status == TS_ELIMIT ? TS_POINT_STOPPED : TS_POINT_IMPOSSIBLE;
    return ts_trial_is_impossible(status) || status == TS_ELIMIT ? TS_OK : status; /* and no rows */
}

static bool is_eligible(const struct ts_point_outcome *outcome)
{
    return outcome->n_limits_missed == 0 && outcome->keeps_slo;
}

static void note_best(struct sweep *sweep, const struct ts_point_outcome *outcome)
{
    const struct ts_study_goal *goal = &sweep->spec->goal;
    const struct ts_point_row *row = ts_point_find(outcome, goal->subject, goal->name, goal->stat);
    if (row && is_eligible(outcome) && !isnan(row->value) &&
        (isnan(sweep->best) || (goal->most ? row->value > sweep->best : row->value < sweep->best))) {
        sweep->best = row->value;
    }
}

static void tell(const struct sweep *sweep)
{
    const struct ts_study_goal *goal = &sweep->spec->goal;
    const double elapsed_s = ts_clock_now_s() - sweep->begin_s, n_run = sweep->out->n_run;
    struct ts_text what;
    ts_text_init(&what);
    ts_text_printf(&what, "points, %.3g/s, best %s ", n_run / fmax(elapsed_s, 1e-3), goal->name);
    ts_metric_format(&what, sweep->best, ts_metric_find(goal->name, goal->stat)->unit);
    ts_text_puts(&what, ",");
    const struct ts_progress_state state = {.what = what.data,
                                            .done = sweep->out->n_had + n_run,
                                            .total = sweep->out->n_points,
                                            .elapsed_s = elapsed_s,
                                            .left_s = elapsed_s / n_run * (sweep->n - n_run)};
    (void)ts_progress_go_on(&sweep->spec->progress, &state);
    ts_text_deinit(&what);
}

static enum ts_status take(void *user, uint64_t index, uint32_t slot_number, enum ts_status worked)
{
    struct sweep *sweep = user;
    struct slot *slot = &sweep->slots[slot_number];
    const bool can_be = slot->fate == TS_POINT_DONE;
    enum ts_status status = worked;
    if (worked == TS_OK) {
        status = ts_study_db_put(sweep->db, sweep->positions[index], slot->fate, &slot->outcome,
                                 ts_diags_first_error(&slot->diags), sweep->diags);
        sweep->out->n_run += status == TS_OK;
        sweep->out->n_inexact += can_be && !slot->outcome.is_exact;
    } else {
        ts_diags_move(sweep->diags, &slot->diags);
    }
    if (status == TS_OK) {
        note_best(sweep, &slot->outcome);
        tell(sweep);
    }
    if (can_be) {
        ts_point_outcome_deinit(&slot->outcome);
    }
    ts_diags_deinit(&slot->diags);
    return status;
}

/* ---- what there is to do ---- */

static enum ts_status list_positions(struct sweep *sweep)
{
    const struct ts_sweep_spec *spec = sweep->spec;
    sweep->positions = malloc((spec->design->n + 1) * sizeof *sweep->positions);
    if (!sweep->positions) {
        return TS_ENOMEM;
    }
    enum ts_status status = TS_OK;
    for (uint32_t i = spec->shard; status == TS_OK && i < spec->design->n; i += spec->n_shards) {
        bool has = false;
        status = ts_study_db_has(&has, sweep->db, i, sweep->diags);
        sweep->out->n_points++;
        if (has) {
            sweep->out->n_had++;
        } else {
            sweep->positions[sweep->n++] = i;
        }
    }
    return status;
}

/* A key that is not there is wrong at every point: better said at once than a thousand times. Points from all over the
 * design are loaded until one can be. */
enum ts_status ts_sweep_check(const struct ts_sweep_spec *spec, struct ts_diags *diags)
{
    const uint32_t n = spec->design->n, n_tried = n < TRIED ? n : TRIED;
    enum ts_status status = TS_ESCENARIO;
    struct ts_diags first, other;
    ts_diags_init(&first);
    for (uint32_t i = 0; i < n_tried && ts_trial_is_impossible(status); i++) {
        const uint32_t position = (uint32_t)((uint64_t)i * n / n_tried);
        struct ts_scenario scenario;
        ts_diags_init(&other);
        status = ts_trial_load(&scenario, spec->base, ts_design_point(spec->design, position),
                               spec->design->spec->n_axes, i == 0 ? &first : &other);
        if (status == TS_OK) {
            ts_scenario_deinit(&scenario);
        }
        ts_diags_deinit(&other);
    }
    if (status != TS_OK) {
        ts_diags_move(diags, &first);
    }
    ts_diags_deinit(&first);
    return status;
}

static enum ts_status run_points(struct sweep *sweep)
{
    const uint32_t all = sweep->spec->n_threads, n_threads = all < sweep->n ? all : sweep->n;
    if (sweep->n == 0) {
        return TS_OK;
    }
    const struct ts_in_order job = {
        .n = sweep->n, .n_threads = n_threads, .window = 4 * n_threads, .user = sweep, .work = work, .take = take};
    sweep->threads_of_point = all / n_threads;
    enum ts_status status = ts_tapes_create(&sweep->tapes, tape_bytes);
    if (status == TS_OK) {
        status = ts_shared_runs_create(&sweep->shared);
    }
    sweep->slots = calloc(job.window, sizeof *sweep->slots);
    if (status == TS_OK) {
        status = sweep->slots ? ts_in_order_run(&job) : TS_ENOMEM;
    }
    ts_shared_runs_destroy(sweep->shared);
    ts_tapes_destroy(sweep->tapes);
    return status;
}

enum ts_status ts_sweep_run(struct ts_sweep_outcome *out, const struct ts_sweep_spec *spec, struct ts_study_db *db,
                            struct ts_diags *diags)
{
    struct sweep sweep = {.spec = spec, .db = db, .out = out, .diags = diags};
    *out = (struct ts_sweep_outcome){.n_points = 0};
    sweep.begin_s = ts_clock_now_s();
    struct ts_study_place best;
    uint32_t n_best = 0;
    enum ts_status status = ts_study_db_best(&best, &n_best, 1, db, &spec->goal, true, diags);
    sweep.best = n_best > 0 ? best.value : NAN;
    if (status == TS_OK) {
        status = list_positions(&sweep);
    }
    if (status == TS_OK) {
        status = run_points(&sweep);
    }
    out->wall_s = ts_clock_now_s() - sweep.begin_s;
    free(sweep.slots);
    free(sweep.positions);
    return status;
}
