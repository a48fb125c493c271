/* Hides how a trial comes to its scenario, and that its requests may be read ahead. */
#include "study/trial.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "sim/sim.h"
#include "traces/read_ahead.h"

static enum ts_status run_stream(struct ts_trial_outcome *out, const struct ts_scenario *scenario,
                                 const struct ts_trial *trial, const struct ts_trial_options *options,
                                 struct ts_request_stream *stream, struct ts_diags *diags)
{
    const struct ts_workload *workload = &scenario->workload;
    struct ts_early_stop_watch watch = {.stop = options->stop, .model = &scenario->model};
    const bool stops = options->stop && options->stop->key;
    TS_CHECK(!stops || !options->rows);
    const struct ts_sim_options sim = {.replication = trial->replication,
                                       .progress = options->progress,
                                       .window_s = ts_workload_window_s(workload),
                                       .single_steps = options->single_steps,
                                       .on_request = options->rows ? ts_requests_part_put
                                                     : stops       ? ts_early_stop_look
                                                                   : NULL,
                                       .request_user = stops ? (void *)&watch : options->rows};
    struct ts_request_stream *ahead = NULL;
    if (options->read_ahead && ts_read_ahead_open(&ahead, stream) != TS_OK) {
        ahead = NULL; /* no thread to be had: then without */
    }
    const enum ts_status status = ts_sim_run(&out->result, &scenario->model, ahead ? ahead : stream, &sim, diags);
    ts_request_stream_destroy(ahead);
    if (status == TS_ELIMIT) {
        ts_early_stop_tell(&watch, diags);
    }
    return status;
}

static enum ts_status simulate(struct ts_trial_outcome *out, const struct ts_scenario *scenario,
                               const struct ts_trial *trial, const struct ts_trial_options *options,
                               struct ts_diags *diags)
{
    struct ts_request_stream *stream = NULL;
    struct ts_workload workload = scenario->workload;
    workload.sorts = options->sorts_trace;
    enum ts_status status = ts_tapes_open(&stream, options->tapes, &workload, scenario->model.seed, trial->replication,
                                          &options->progress, diags);
    if (status != TS_OK) {
        return status;
    }
    status = run_stream(out, scenario, trial, options, stream, diags);
    if (workload.trace_path) {
        out->trace = ts_workload_trace_counts(stream);
    }
    ts_request_stream_destroy(stream);
    return status;
}

static enum ts_status find_figures(struct ts_trial_outcome *out, const struct ts_model *model)
{
    struct ts_figure_list list;
    enum ts_status status = ts_figure_list_init(&list, model, TS_FIGURES_OF_ONE);
    if (status != TS_OK) {
        return status;
    }
    out->n_figures = list.n;
    out->figures = calloc(list.n, sizeof *out->figures);
    status = out->figures ? ts_figures_compute(out->figures, &list, &out->result, NULL) : TS_ENOMEM;
    ts_figure_list_deinit(&list);
    return status;
}

static enum ts_status run_scenario(struct ts_trial_outcome *out, const struct ts_scenario *scenario,
                                   const struct ts_trial *trial, const struct ts_trial_options *options,
                                   struct ts_diags *diags)
{
    struct ts_trial_outcome outcome = {.figures = NULL};
    enum ts_status status = simulate(&outcome, scenario, trial, options, diags);
    if (status != TS_OK) {
        out->trace.came_late = outcome.trace.came_late;
        return status;
    }
    status = options->skips_figures ? TS_OK : find_figures(&outcome, &scenario->model);
    if (status != TS_OK) {
        ts_trial_outcome_deinit(&outcome);
        return status;
    }
    *out = outcome;
    return TS_OK;
}

enum ts_status ts_trial_load(struct ts_scenario *out, const struct ts_trial_base *base, const char *const *sets,
                             size_t n_sets, struct ts_diags *diags)
{
    struct ts_scenario_options options = base->options;
    const char **all = calloc(options.n_sets + n_sets + 1, sizeof *all);
    if (!all) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < options.n_sets; i++) {
        all[i] = options.sets[i];
    }
    for (size_t i = 0; i < n_sets; i++) {
        all[options.n_sets + i] = sets[i];
    }
    options.sets = all;
    options.catalog = base->scenario->catalog;
    options.n_sets += n_sets;
    options.is_point = true;
    const enum ts_status status = ts_scenario_load(out, base->path, &options, diags);
    free(all);
    return status;
}

enum ts_status ts_trial_run(struct ts_trial_outcome *out, const struct ts_trial *trial,
                            const struct ts_trial_options *options, struct ts_diags *diags)
{
    if (trial->n_sets == 0) {
        return run_scenario(out, trial->base->scenario, trial, options, diags);
    }
    struct ts_scenario scenario;
    enum ts_status status = ts_trial_load(&scenario, trial->base, trial->sets, trial->n_sets, diags);
    if (status == TS_OK) {
        status = run_scenario(out, &scenario, trial, options, diags);
        ts_scenario_deinit(&scenario);
    }
    return status;
}

void ts_trial_outcome_deinit(struct ts_trial_outcome *outcome)
{
    ts_result_deinit(&outcome->result);
    free(outcome->figures);
    *outcome = (struct ts_trial_outcome){.figures = NULL};
}

bool ts_trial_is_impossible(enum ts_status status)
{
    return status == TS_ESCENARIO || status == TS_ERANGE;
}

const char *ts_trial_reason(const struct ts_diags *diags, struct ts_arena *arena)
{
    return ts_arena_strdup(arena, ts_diags_first_error(diags));
}

static bool has_times(const struct ts_process *process)
{
    return process->has_bursts || process->n_rates > 0;
}

bool ts_trial_has_bursts(const struct ts_workload *workload)
{
    bool has = has_times(&workload->process);
    for (size_t i = 0; i < workload->n_classes; i++) {
        has = has || (workload->classes[i].process && has_times(workload->classes[i].process));
    }
    return has;
}
