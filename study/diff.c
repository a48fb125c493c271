/* Hides how inputs are told apart and how a difference is shared out among them. What differs is read from the lists of
 * assumptions; an input of B is laid over A as a --set. Shapley's values take a run for each subset of the inputs. */
#include "study/diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <gsl/gsl_cdf.h>

#include "study/shapley.h"

const char *const ts_diff_explains_names[TS_N_DIFF_EXPLAINS] = {"off", "each", "shapley"};

struct making {
    struct ts_diff *out;
    const struct ts_trial_base *a, *b;
    const struct ts_diff_options *options;
    struct ts_diags *diags;
};

/* ---- inputs ---- */

static bool is_input(const struct ts_assumption *assumption)
{
    return (assumption->origin == TS_ORIGIN_SCENARIO || assumption->origin == TS_ORIGIN_COMMAND ||
            assumption->origin == TS_ORIGIN_DEFAULT) &&
           !ts_str_equal(assumption->key, "scenario") && !ts_str_equal(assumption->key, "description");
}

static const struct ts_assumption *find(const struct ts_model *model, const char *key)
{
    for (size_t i = 0; i < model->n_assumptions; i++) {
        if (is_input(&model->assumptions[i]) && ts_str_equal(model->assumptions[i].key, key)) {
            return &model->assumptions[i];
        }
    }
    return NULL;
}

static void add_input(struct making *m, const char *key, const struct ts_assumption *a, const struct ts_assumption *b)
{
    struct ts_arena *arena = &m->out->arena;
    m->out->inputs[m->out->n_inputs++] =
        (struct ts_diff_input){.key = ts_arena_strdup(arena, key),
                               .a = a ? ts_arena_strdup(arena, a->value) : NULL,
                               .b = b ? ts_arena_strdup(arena, b->value) : NULL,
                               .set = ts_arena_printf(arena, "%s=%s", key, b ? b->value : "null"),
                               .part = NAN};
}

static enum ts_status find_inputs(struct making *m)
{
    const struct ts_model *a = &m->a->scenario->model, *b = &m->b->scenario->model;
    m->out->inputs = ts_arena_array(&m->out->arena, a->n_assumptions + b->n_assumptions + 1, sizeof *m->out->inputs);
    for (size_t i = 0; m->out->inputs && i < a->n_assumptions; i++) {
        const struct ts_assumption *mine = &a->assumptions[i];
        const struct ts_assumption *other = is_input(mine) ? find(b, mine->key) : NULL;
        const bool gone = is_input(mine) && !other && mine->origin != TS_ORIGIN_DEFAULT;
        if (gone || (other && !ts_str_equal(mine->value, other->value))) {
            add_input(m, mine->key, mine, other);
        }
    }
    for (size_t i = 0; m->out->inputs && i < b->n_assumptions; i++) {
        const struct ts_assumption *other = &b->assumptions[i];
        if (is_input(other) && other->origin != TS_ORIGIN_DEFAULT && !find(a, other->key)) {
            add_input(m, other->key, NULL, other);
        }
    }
    return m->out->arena.failed ? TS_ENOMEM : TS_OK;
}

/* ---- figures ---- */

void ts_diff_pair(struct ts_diff_figure *figure, const double *a, const double *b, uint32_t n)
{
    double sum = 0.0, squares = 0.0;
    for (uint32_t r = 0; r < n; r++) {
        sum += b[r] - a[r];
    }
    for (uint32_t r = 0; r < n; r++) {
        squares += pow(b[r] - a[r] - sum / n, 2.0);
    }
    if (n >= 2) {
        figure->change = sum / n;
        figure->half = gsl_cdf_tdist_Pinv(0.975, n - 1.0) * sqrt(squares / (n * (n - 1.0)));
    }
}

static enum ts_status find_figures(struct making *m, const struct ts_point_outcome *a, const struct ts_point_outcome *b)
{
    struct ts_diff *out = m->out;
    out->figures = ts_arena_array(&out->arena, a->n_rows + 1, sizeof *out->figures);
    for (uint32_t i = 0; out->figures && i < a->n_rows; i++) {
        const struct ts_point_row *mine = &a->rows[i];
        const struct ts_point_row *other = ts_point_find(b, mine->subject, mine->metric->name, mine->metric->stat);
        if (!other || (isnan(mine->value) && isnan(other->value))) {
            continue;
        }
        struct ts_diff_figure *figure = &out->figures[out->n_figures++];
        *figure = (struct ts_diff_figure){.subject = ts_arena_strdup(&out->arena, mine->subject),
                                          .metric = mine->metric,
                                          .a = mine->value,
                                          .b = other->value,
                                          .change = mine->value == other->value ? 0.0 : other->value - mine->value,
                                          .half = NAN};
        if (a->n_replications > 1 && a->n_replications == b->n_replications) {
            ts_diff_pair(figure, mine->each, other->each, a->n_replications);
        }
    }
    return out->arena.failed ? TS_ENOMEM : TS_OK;
}

static enum ts_status run(struct making *m, struct ts_point_outcome *out, const struct ts_trial_base *base,
                          const char *const *sets, size_t n_sets, struct ts_diags *diags)
{
    const struct ts_point_options how = {.n_threads = m->options->n_threads,
                                         .effort = m->options->effort,
                                         .keeps_replications = true,
                                         .progress = m->options->progress};
    m->out->n_runs++;
    return ts_point_run(out, base, sets, n_sets, &how, diags);
}

static enum ts_status run_both(struct making *m)
{
    struct ts_point_outcome a, b;
    enum ts_status status = run(m, &a, m->a, NULL, 0, m->diags);
    if (status != TS_OK) {
        return status;
    }
    status = run(m, &b, m->b, NULL, 0, m->diags);
    if (status == TS_OK) {
        m->out->n_replications = a.n_replications;
        status = find_figures(m, &a, &b);
        ts_point_outcome_deinit(&b);
    }
    ts_point_outcome_deinit(&a);
    return status;
}

/* ---- parts ---- */

/* The goal of A with the inputs of B whose bits are set; NaN: such a scenario cannot be. */
static enum ts_status goal_of(double *out, struct making *m, uint32_t subset)
{
    const char *sets[TS_MAX_SHAPLEY + 1];
    struct ts_diags own;
    struct ts_point_outcome outcome;
    size_t n = 0;
    for (size_t i = 0; i < m->out->n_inputs && i < TS_MAX_SHAPLEY; i++) {
        if (subset >> i & 1u) {
            sets[n++] = m->out->inputs[i].set;
        }
    }
    ts_diags_init(&own);
    enum ts_status status = run(m, &outcome, m->a, sets, n, &own);
    *out = NAN;
    if (status == TS_OK) {
        const struct ts_study_goal *goal = &m->options->goal;
        const struct ts_point_row *row = ts_point_find(&outcome, goal->subject, goal->name, goal->stat);
        *out = row ? row->value : NAN;
        ts_point_outcome_deinit(&outcome);
    }
    ts_diags_deinit(&own);
    return status == TS_ESCENARIO || status == TS_ERANGE || status == TS_EUSAGE ? TS_OK : status;
}

static enum ts_status share_out(struct making *m)
{
    const uint32_t n = (uint32_t)m->out->n_inputs;
    double values[1u << TS_MAX_SHAPLEY], parts[TS_MAX_SHAPLEY];
    enum ts_status status = TS_OK;
    for (uint32_t subset = 0; status == TS_OK && subset < 1u << n; subset++) {
        status = goal_of(&values[subset], m, subset);
    }
    if (status == TS_OK) {
        ts_shapley(parts, values, n);
        for (uint32_t i = 0; i < n; i++) {
            m->out->inputs[i].part = parts[i];
        }
    }
    return status;
}

static enum ts_status change_each(struct making *m, double a)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < m->out->n_inputs; i++) {
        struct making one = *m;
        struct ts_diff only = {.inputs = &m->out->inputs[i], .n_inputs = 1};
        double value = NAN;
        one.out = &only;
        status = goal_of(&value, &one, 1);
        m->out->inputs[i].part = value - a;
        m->out->n_runs++;
    }
    return status;
}

static enum ts_status explain(struct making *m)
{
    const struct ts_diff_figure *figure = ts_diff_find(m->out, &m->options->goal);
    const enum ts_diff_explains by = m->options->explains;
    if (by == TS_DIFF_NOTHING || m->out->n_inputs == 0 || !figure || !isfinite(figure->a) || !isfinite(figure->b)) {
        return TS_OK;
    }
    if (by == TS_DIFF_SHAPLEY && m->out->n_inputs > TS_MAX_SHAPLEY) {
        return ts_fail(m->diags, TS_ERANGE, ts_span_none(), "take --explain each",
                       "%zu inputs differ: --explain shapley takes at most %d", m->out->n_inputs, TS_MAX_SHAPLEY);
    }
    const enum ts_status status = by == TS_DIFF_SHAPLEY ? share_out(m) : change_each(m, figure->a);
    m->out->explained = by;
    m->out->rest = figure->b - figure->a;
    for (size_t i = 0; i < m->out->n_inputs; i++) {
        m->out->rest -= m->out->inputs[i].part;
    }
    return status;
}

enum ts_status ts_diff_make(struct ts_diff *out, const struct ts_trial_base *a, const struct ts_trial_base *b,
                            const struct ts_diff_options *options, struct ts_diags *diags)
{
    struct ts_diff diff = {.rest = NAN};
    struct making m = {&diff, a, b, options, diags};
    ts_arena_init(&diff.arena);
    enum ts_status status = find_inputs(&m);
    if (status == TS_OK) {
        status = run_both(&m);
    }
    if (status == TS_OK) {
        status = explain(&m);
    }
    if (status == TS_OK) {
        *out = diff;
    } else {
        ts_arena_deinit(&diff.arena);
    }
    return status;
}

void ts_diff_deinit(struct ts_diff *diff)
{
    ts_arena_deinit(&diff->arena);
    *diff = (struct ts_diff){.rest = NAN};
}

const struct ts_diff_figure *ts_diff_find(const struct ts_diff *diff, const struct ts_study_goal *of)
{
    for (size_t i = 0; i < diff->n_figures; i++) {
        const struct ts_diff_figure *figure = &diff->figures[i];
        if (ts_str_equal(figure->subject, of->subject) && ts_str_equal(figure->metric->name, of->name) &&
            ts_str_equal(figure->metric->stat, of->stat)) {
            return figure;
        }
    }
    return NULL;
}
