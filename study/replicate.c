/* Hides how replications are spread over threads: one each; where threads are left over, a replication's requests are
 * read or drawn ahead in a thread of their own. Neither changes a result. At most twice as many results are held as
 * there are threads. */
#include "study/replicate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "study/in_order.h"

/* One replication that runs or waits to be merged. */
struct slot {
    struct ts_trial_outcome outcome;
    struct ts_diags diags;
    struct ts_requests_part *rows; /* NULL: not wanted */
};

struct replication_run {
    struct ts_trial_base base;
    const struct ts_replicate_options *options;
    uint32_t n_ahead; /* the first so many replications read ahead */
    struct slot *slots;
    struct ts_replications *out;
    enum ts_status first; /* failure, by index */
    bool is_enough;       /* the rule holds: what is under way is left out */
    struct ts_diags *diags;
};

static enum ts_status simulate_once(const struct replication_run *run, struct slot *slot, uint64_t index, bool sorts)
{
    const struct ts_replicate_options *options = run->options;
    const struct ts_trial trial = {.base = &run->base, .replication = (uint32_t)index};
    enum ts_status status = TS_OK;
    ts_diags_init(&slot->diags);
    if (options->requests) {
        status = ts_requests_part_open(&slot->rows, options->requests, trial.replication, &slot->diags);
    }
    if (status == TS_OK) {
        const struct ts_trial_options how = {.single_steps = options->single_steps,
                                             .read_ahead = index < run->n_ahead,
                                             .progress = options->progress,
                                             .rows = slot->rows,
                                             .sorts_trace = sorts,
                                             .tapes = options->tapes,
                                             .skips_figures = options->skips_figures,
                                             .stop = options->stop};
        status = ts_trial_run(&slot->outcome, &trial, &how, &slot->diags);
    }
    if (slot->rows) {
        const enum ts_status finished = ts_requests_part_finish(slot->rows, &slot->diags);
        status = status == TS_OK ? finished : status;
    }
    return status;
}

/* Again, with the trace sorted, if it turns out to need that. */
static enum ts_status simulate(void *user, uint64_t index, uint32_t slot_number)
{
    const struct replication_run *run = user;
    struct slot *slot = &run->slots[slot_number];
    slot->outcome.trace.came_late = false;
    enum ts_status status = simulate_once(run, slot, index, false);
    if (status == TS_EINPUT && slot->outcome.trace.came_late) {
        ts_requests_part_destroy(slot->rows);
        slot->rows = NULL;
        ts_diags_deinit(&slot->diags);
        status = simulate_once(run, slot, index, true);
    }
    return status;
}

static enum ts_status merge(struct replication_run *run, struct slot *slot)
{
    struct ts_figure_rows *each = &run->out->each;
    if (each->n == 0) {
        run->out->trace = slot->outcome.trace;
        ts_diags_move(run->diags, &slot->diags);
    }
    const struct ts_replicate_options *options = run->options;
    if (!options->skips_figures) {
        memcpy(each->values + (size_t)each->n * each->list.n, slot->outcome.figures,
               each->list.n * sizeof *each->values);
    }
    each->n++;
    enum ts_status status = options->on_result ? options->on_result(options->user, &slot->outcome.result) : TS_OK;
    if (status == TS_OK) {
        status = ts_result_merge(&run->out->merged, &slot->outcome.result);
    }
    if (status == TS_OK && slot->rows && run->first == TS_OK) {
        status = ts_requests_csv_add(options->requests, slot->rows, &options->progress, run->diags);
    }
    return status;
}

static enum ts_status look(struct replication_run *run)
{
    const struct ts_until *until = run->options->until;
    enum ts_status status = TS_OK;
    if (until) {
        status = ts_until_width(&run->out->until_frac, until, &run->base.scenario->model, &run->out->merged);
        run->is_enough = status == TS_OK && run->out->until_frac <= until->frac;
    }
    return status;
}

/* What was interrupted is left out, what was finished after it is not; any other failure ends all. */
static enum ts_status take_wanted(struct replication_run *run, struct slot *slot, enum ts_status worked)
{
    enum ts_status status = worked;
    if (worked != TS_OK && run->first == TS_OK) {
        ts_diags_move(run->diags, &slot->diags);
    } else if (worked == TS_OK && (run->first == TS_OK || run->first == TS_EINTERRUPTED)) {
        status = merge(run, slot);
        status = status == TS_OK ? look(run) : status;
    }
    run->first = run->first == TS_OK ? status : run->first;
    return status;
}

static enum ts_status take(void *user, uint64_t index, uint32_t slot_number, enum ts_status worked)
{
    struct replication_run *run = user;
    struct slot *slot = &run->slots[slot_number];
    (void)index;
    const enum ts_status status = run->is_enough ? TS_OK : take_wanted(run, slot, worked);
    ts_trial_outcome_deinit(&slot->outcome);
    ts_requests_part_destroy(slot->rows);
    ts_diags_deinit(&slot->diags);
    *slot = (struct slot){.rows = NULL};
    return run->is_enough ? TS_EINTERRUPTED : status; /* begins no other */
}

static enum ts_status make_room(struct ts_replications *out, const struct ts_model *model, uint32_t n, bool figures)
{
    enum ts_status status = ts_result_init(&out->merged, model, 0);
    if (status != TS_OK) {
        return status;
    }
    out->merged.n_replications = 0; /* an empty sum */
    if (!figures) {
        return TS_OK;
    }
    status = ts_figure_list_init(&out->each.list, model, TS_FIGURES_OF_ONE);
    if (status != TS_OK) {
        return status;
    }
    out->each.values = calloc((size_t)n * out->each.list.n, sizeof *out->each.values);
    return out->each.values ? TS_OK : TS_ENOMEM;
}

enum ts_status ts_replicate(struct ts_replications *out, const struct ts_scenario *scenario,
                            const struct ts_replicate_options *options, struct ts_diags *diags)
{
    const uint32_t n = options->n_replications, n_threads = options->n_threads < n ? options->n_threads : n;
    memset(out, 0, sizeof *out);
    out->until_frac = NAN;
    enum ts_status status = make_room(out, &scenario->model, n, !options->skips_figures);
    if (status != TS_OK) {
        return status;
    }
    struct replication_run run = {.base = {.scenario = scenario},
                                  .options = options,
                                  .n_ahead = options->n_threads - n_threads,
                                  .slots = calloc(2 * (size_t)n_threads, sizeof *run.slots),
                                  .out = out,
                                  .diags = diags};
    if (!run.slots) {
        return TS_ENOMEM;
    }
    const struct ts_in_order job = {
        .n = n, .n_threads = n_threads, .window = 2 * n_threads, .user = &run, .work = simulate, .take = take};
    const double start_s = ts_clock_now_s();
    status = ts_in_order_run(&job);
    status = run.is_enough ? run.first : status;
    out->wall_s = ts_clock_now_s() - start_s;
    free(run.slots);
    return status;
}

void ts_replications_deinit(struct ts_replications *replications)
{
    ts_figure_list_deinit(&replications->each.list);
    free(replications->each.values);
    ts_result_deinit(&replications->merged);
    memset(replications, 0, sizeof *replications);
}

double ts_replications_month_scale(const struct ts_replications *replications, const struct ts_scenario *scenario)
{
    const struct ts_trace_counts *counts = &replications->trace;
    return scenario->model.users.n == 0 ? ts_trace_span_scale(&scenario->workload, counts->first_ns, counts->last_ns)
                                        : 0.0;
}
