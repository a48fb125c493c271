/* Hides how one design is tried, and which bounds a scenario can state. */
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "study/in_order.h"
#include "study/plan_parts.h"
#include "study/uncertain_inputs.h"

static const double lead_s = 600.0; /* until queues and caches are those of the load */
static const double least_requests = 4000.0;
static const double sample_requests = 200.0; /* enough for there to be calls to scale a month from */
static const double window_share = 0.5;      /* a window longer than that of the whole saves nothing */
static const double noise_frac = 0.02;       /* of the attainment in so short a window */

/* ---- settings of a design ---- */

static const char *const *split_settings(size_t *n, const char *const *chosen, uint32_t n_axes, struct ts_arena *arena)
{
    size_t total = 0;
    for (uint32_t a = 0; a < n_axes; a++) {
        for (const char *s = chosen[a]; s; s = strchr(s, '\n') ? strchr(s, '\n') + 1 : NULL) {
            total++;
        }
    }
    const char **out = ts_arena_array(arena, total + 1, sizeof *out);
    for (uint32_t a = 0; out && a < n_axes; a++) {
        for (const char *s = chosen[a], *end; s; s = *end ? end + 1 : NULL) {
            end = s + strcspn(s, "\n");
            out[(*n)++] = ts_arena_strndup(arena, s, (size_t)(end - s));
        }
    }
    return arena->failed ? NULL : out;
}

const char *const *ts_plan_settings(size_t *n, const struct ts_plan_spec *spec, uint32_t index, struct ts_arena *arena)
{
    const char *chosen[TS_PLAN_MOST_AXES];
    for (uint32_t a = spec->n_axes; a-- > 0;) {
        chosen[a] = spec->axes[a].settings[index % spec->axes[a].n];
        index /= spec->axes[a].n;
    }
    *n = 0;
    return split_settings(n, chosen, spec->n_axes, arena);
}

/* ---- bounds ---- */

struct bound {
    const char *key, *unit;
    size_t offset; /* of a double in ts_model */
    bool is_share; /* at least so much of all calls: what may be missed is what is relaxed */
};

#define BOUND(key, unit, field, is_share)                                                                              \
    {                                                                                                                  \
        key, unit, offsetof(struct ts_model, field), is_share                                                          \
    }

static const struct bound bounds[] = {
    BOUND("slo.ttft", "s", slo.ttft_s, false),
    BOUND("slo.tpot", "s", slo.tpot_s, false),
    BOUND("slo.e2e", "s", slo.e2e_s, false),
    BOUND("slo.attainment", "frac", slo.attainment_frac, true),
    BOUND("limits.attainment", "frac", limits.min_attainment_frac, true),
    BOUND("limits.cost_per_month", "USD/month", limits.max_cost_usd_per_month, false),
    BOUND("limits.ttft_p95", "s", limits.max_ttft_p95_s, false),
    BOUND("limits.payback", "months", limits.max_payback_months, false),
    BOUND("limits.quality", "frac", limits.min_quality_frac, true),
    BOUND("limits.power", "W", limits.max_power_w, false),
};

enum { N_BOUNDS = sizeof bounds / sizeof bounds[0] };

uint32_t ts_plan_n_bounds(void)
{
    return N_BOUNDS;
}

const char *ts_plan_bound_key(uint32_t bound)
{
    return bounds[bound].key;
}

static double stated(uint32_t bound, const struct ts_model *model)
{
    double value;
    memcpy(&value, (const char *)model + bounds[bound].offset, sizeof value);
    return value;
}

bool ts_plan_bound_is_stated(uint32_t bound, const struct ts_model *model)
{
    return stated(bound, model) > 0.0;
}

static double relaxed_value(const struct ts_model *model, struct ts_plan_relaxed relaxed)
{
    const double value = stated(relaxed.bound, model);
    return bounds[relaxed.bound].is_share ? fmax(1.0 - (1.0 - value) * relaxed.factor, 0.0) : value * relaxed.factor;
}

void ts_plan_bound_put(char *out, size_t size, const struct ts_model *model, struct ts_plan_relaxed relaxed)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_metric_format(&text, relaxed_value(model, relaxed), bounds[relaxed.bound].unit);
    (void)snprintf(out, size, "%s", text.data);
    ts_text_deinit(&text);
}

static void relax(struct ts_model *model, struct ts_plan_relaxed relaxed)
{
    for (uint32_t b = 0; b < N_BOUNDS && relaxed.factor > 0.0; b++) {
        if (b == relaxed.bound || (relaxed.bound == TS_PLAN_ALL_BOUNDS && ts_plan_bound_is_stated(b, model))) {
            const double value = relaxed_value(model, (struct ts_plan_relaxed){b, relaxed.factor});
            memcpy((char *)model + bounds[b].offset, &value, sizeof value);
        }
    }
}

/* ---- margins ---- */

static double margin_of(const struct ts_verdict *verdict)
{
    if (isnan(verdict->got) || isinf(verdict->got)) {
        return -1.0;
    }
    return (verdict->at_least ? verdict->got - verdict->wanted : verdict->wanted - verdict->got) / verdict->wanted;
}

static void find_margins(struct ts_plan_try *out, const struct ts_report *report)
{
    size_t n = 0;
    const struct ts_verdict *verdicts = ts_report_verdicts(report, &n);
    out->n_margins = (uint32_t)(n < TS_PLAN_MOST_MARGINS ? n : TS_PLAN_MOST_MARGINS);
    for (uint32_t i = 0; i < out->n_margins; i++) {
        out->margins[i] = (struct ts_plan_margin){.key = verdicts[i].key,
                                                  .label = verdicts[i].label,
                                                  .unit = verdicts[i].unit,
                                                  .at_least = verdicts[i].at_least,
                                                  .is_limit = verdicts[i].is_limit,
                                                  .wanted = verdicts[i].wanted,
                                                  .got = verdicts[i].got,
                                                  .margin = margin_of(&verdicts[i])};
    }
}

double ts_plan_least_margin(const struct ts_plan_margin *margins, uint32_t n)
{
    double least = INFINITY;
    for (uint32_t i = 0; i < n; i++) {
        least = fmin(least, margins[i].margin);
    }
    return least;
}

bool ts_plan_grows_worse(const struct ts_plan_margin *margins, uint32_t n)
{
    bool any = false;
    for (uint32_t i = 0; i < n; i++) {
        any = any || (margins[i].margin < 0.0 && ts_str_equal(margins[i].key, "limits.power"));
    }
    return any;
}

bool ts_plan_keeps(const struct ts_plan_margin *margins, uint32_t n)
{
    return ts_plan_least_margin(margins, n) >= 0.0;
}

/* ---- a try ---- */

static double machines_of(const struct ts_econ *econ)
{
    double usd = 0.0;
    for (uint32_t tier = 0; tier <= econ->n_tiers; tier++) {
        for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
            const bool depends = kind == TS_COST_ENERGY || kind == TS_COST_API || kind == TS_COST_RENT;
            usd += depends ? 0.0 : econ->monthly_usd[tier][kind];
        }
    }
    return usd;
}

static enum ts_status appraise(struct ts_plan_try *out, const struct ts_scenario *scenario,
                               const struct ts_result *result, struct ts_diags *diags)
{
    struct ts_econ econ;
    enum ts_status status = ts_econ_compute(&econ, &scenario->model, result, NULL, diags);
    if (status != TS_OK) {
        return status;
    }
    const struct ts_report_input input = {.model = &scenario->model, .result = result, .econ = &econ, .is_point = true};
    struct ts_report *report = NULL;
    status = ts_report_create(&report, &input);
    if (status == TS_OK) {
        const struct ts_figure_list *list;
        const double *figures = ts_report_figures(report, &list);
        out->usd_per_month = econ.total_usd_per_month;
        out->machines_usd_per_month = machines_of(&econ);
        out->attainment_frac = ts_figure_value(list, figures, TS_SUBJECT_ALL, ts_metric_find("attainment", "mean"));
        out->requests = ts_figure_value(list, figures, TS_SUBJECT_ALL, ts_metric_find("arrived", "sum"));
        find_margins(out, report);
    }
    ts_report_destroy(report);
    ts_econ_deinit(&econ);
    return status;
}

static enum ts_status run_scenario(struct ts_plan_try *out, const struct ts_scenario *scenario,
                                   const struct ts_plan_job *job, struct ts_diags *diags)
{
    struct ts_progress outer = job->spec->progress;
    const struct ts_trial_base base = {.scenario = scenario};
    const struct ts_trial trial = {.base = &base, .replication = job->replication};
    const struct ts_trial_options options = {.progress = {.go_on = ts_progress_ask_alone, .user = &outer}};
    struct ts_trial_outcome outcome;
    enum ts_status status = ts_trial_run(&outcome, &trial, &options, diags);
    if (status == TS_OK) {
        status = appraise(out, scenario, &outcome.result, diags);
        ts_trial_outcome_deinit(&outcome);
    }
    return status;
}

/* The settings, and with them those that make fitted step times slow. */
static const char *const *slowed(size_t *n, const char *const *sets, const struct ts_model *model,
                                 struct ts_arena *arena)
{
    const char **out = ts_arena_array(arena, *n + 2 * (size_t)model->n_tiers, sizeof *out);
    for (size_t i = 0; out && i < *n; i++) {
        out[i] = sets[i];
    }
    for (uint32_t i = 0; out && i < model->n_tiers; i++) {
        const struct ts_steps_error *error = ts_uncertain_steps(&model->tiers[i]);
        if (error->high > 0.0) {
            const char *name = model->tiers[i].name;
            out[(*n)++] = ts_arena_printf(arena, "tiers.%s.steps_error.decode=%.17g", name, error->high);
            out[(*n)++] =
                ts_arena_printf(arena, "tiers.%s.steps_error.prefill=%.17g", name, fmax(error->first_high, 1.0));
        }
    }
    return arena->failed ? NULL : out;
}

static enum ts_status load(struct ts_scenario *out, const struct ts_plan_job *job, struct ts_diags *diags)
{
    struct ts_arena arena;
    size_t n = 0;
    ts_arena_init(&arena);
    const char *const *sets = ts_plan_settings(&n, job->spec, job->index, &arena);
    enum ts_status status = sets ? ts_trial_load(out, job->spec->base, sets, n, diags) : TS_ENOMEM;
    if (status == TS_OK && job->slow) {
        sets = slowed(&n, sets, &out->model, &arena);
        ts_scenario_deinit(out);
        status = sets ? ts_trial_load(out, job->spec->base, sets, n, diags) : TS_ENOMEM;
    }
    ts_arena_deinit(&arena);
    if (status == TS_OK) {
        relax(&out->model, job->relaxed);
    }
    return status;
}

enum ts_status ts_plan_try_whole(struct ts_plan_try *out, const struct ts_plan_job *job, struct ts_diags *diags)
{
    struct ts_scenario scenario;
    enum ts_status status = load(&scenario, job, diags);
    if (status == TS_OK) {
        status = run_scenario(out, &scenario, job, diags);
        ts_scenario_deinit(&scenario);
    }
    return status;
}

/* ---- a window ---- */

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The weight of the hour such that at least half of the calls come in hours as busy or busier, and the share of the
 * calls that come in quieter ones. */
static double busy_weight(double *quieter_frac, const struct ts_workload *workload)
{
    double weights[TS_WEEK_HOURS], total = 0.0, below = 0.0;
    int n = (int)ceil(fmin(workload->window.duration_s / 3600.0, TS_WEEK_HOURS));
    *quieter_frac = 0.0;
    if (!workload->process.week_curve) {
        return 1.0;
    }
    n = n > 0 ? n : 1;
    for (int i = 0; i < n; i++) {
        weights[i] = workload->process.week_curve[((int)workload->window.start_hour + i) % TS_WEEK_HOURS];
        total += weights[i];
    }
    qsort(weights, (size_t)n, sizeof *weights, compare);
    int hour = 0;
    while (hour + 1 < n && below + weights[hour] <= 0.5 * total) {
        below += weights[hour++];
    }
    *quieter_frac = below / total;
    return weights[hour];
}

static double window_s(const struct ts_workload *workload)
{
    double quieter_frac;
    return lead_s + fmax(1200.0, least_requests / (workload->calls_per_s * busy_weight(&quieter_frac, workload)));
}

/* Does a part of it stand for the whole, but for the hours of the week? */
static bool is_even(const struct ts_workload *workload)
{
    return !workload->trace_path && !workload->is_closed && workload->calls_per_s > 0.0 &&
           !ts_trial_has_bursts(workload);
}

bool ts_plan_has_window(const struct ts_scenario *scenario)
{
    const struct ts_workload *workload = &scenario->workload;
    return is_even(workload) && window_s(workload) < window_share * workload->window.duration_s;
}

enum ts_status ts_plan_try_window(struct ts_plan_try *out, bool *can_keep, const struct ts_plan_job *job,
                                  struct ts_diags *diags)
{
    struct ts_scenario scenario;
    enum ts_status status = load(&scenario, job, diags);
    if (status != TS_OK) {
        return status;
    }
    double quieter_frac;
    struct ts_scenario copy = scenario; /* shallow */
    copy.workload.window.duration_s = window_s(&scenario.workload);
    copy.workload.calls_per_s *= busy_weight(&quieter_frac, &scenario.workload);
    copy.workload.process.week_curve = NULL;
    copy.model.warmup_s = lead_s;
    status = run_scenario(out, &copy, job, diags);
    const double wanted_frac = scenario.model.slo.attainment_frac;
    const double least_frac = 1.0 - (1.0 - wanted_frac) / (1.0 - quieter_frac) - noise_frac;
    *can_keep = status == TS_OK && !(out->attainment_frac < least_frac);
    ts_scenario_deinit(&scenario);
    return status;
}

bool ts_plan_has_sample(const struct ts_scenario *scenario)
{
    const struct ts_workload *workload = &scenario->workload;
    return is_even(workload) && sample_requests < 0.1 * workload->calls_per_s * workload->window.duration_s;
}

enum ts_status ts_plan_try_sample(struct ts_plan_try *out, const struct ts_plan_job *job, struct ts_diags *diags)
{
    struct ts_scenario scenario;
    enum ts_status status = load(&scenario, job, diags);
    if (status == TS_OK) {
        struct ts_scenario copy = scenario; /* shallow */
        copy.workload.window.duration_s = sample_requests / scenario.workload.calls_per_s;
        copy.workload.process.week_curve = NULL;
        copy.model.warmup_s = 0.0;
        status = run_scenario(out, &copy, job, diags);
        ts_scenario_deinit(&scenario);
    }
    return status;
}

/* ---- several at once ---- */

void ts_plan_tell(const struct ts_plan_spec *spec, const char *what, double done, double total)
{
    const struct ts_progress_state state = {.what = what, .done = done, .total = total, .left_s = NAN};
    (void)ts_progress_go_on(&spec->progress, &state);
}

struct batch {
    struct ts_plan_try *out;
    const char **why;
    const struct ts_plan_job *jobs;
    struct ts_arena *arena;
    struct ts_diags *diags;
    struct ts_diags *slots; /* [window] */
};

static enum ts_status work(void *user, uint64_t index, uint32_t slot)
{
    struct batch *batch = user;
    ts_diags_init(&batch->slots[slot]);
    const enum ts_status status = ts_plan_try_whole(&batch->out[index], &batch->jobs[index], &batch->slots[slot]);
    batch->why[index] = ts_trial_is_impossible(status) ? "" : NULL; /* take knows the reason */
    return batch->why[index] ? TS_OK : status;
}

static enum ts_status take(void *user, uint64_t index, uint32_t slot, enum ts_status worked)
{
    struct batch *batch = user;
    enum ts_status status = worked;
    if (batch->why[index]) {
        batch->why[index] = ts_trial_reason(&batch->slots[slot], batch->arena);
        status = batch->why[index] ? TS_OK : TS_ENOMEM;
    } else if (worked != TS_OK) {
        ts_diags_move(batch->diags, &batch->slots[slot]);
    }
    ts_diags_deinit(&batch->slots[slot]);
    return status;
}

enum ts_status ts_plan_try_all(struct ts_plan_try *out, const char **why, const struct ts_plan_job *jobs, uint32_t n,
                               struct ts_arena *arena, struct ts_diags *diags)
{
    if (n == 0) {
        return TS_OK;
    }
    const uint32_t n_threads = jobs[0].spec->n_threads < n ? jobs[0].spec->n_threads : n;
    struct batch batch = {.out = out, .why = why, .jobs = jobs, .arena = arena, .diags = diags};
    const struct ts_in_order job = {
        .n = n, .n_threads = n_threads, .window = 2 * n_threads, .user = &batch, .work = work, .take = take};
    batch.slots = calloc(job.window, sizeof *batch.slots);
    const enum ts_status status = batch.slots ? ts_in_order_run(&job) : TS_ENOMEM;
    free(batch.slots);
    return status;
}
