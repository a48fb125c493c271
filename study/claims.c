/* Hides how a claim is run. Draws are points of a Sobol sequence over the inputs that the claim's scenario writes as
 * uncertain and those that always are; all runs have the same random streams, so that what differs between two is the
 * inputs alone. Along a key, 9 values over its range are tried; between two of unlike verdicts the turn is bisected to
 * 0.4 % of the range. */
#include "study/claims.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/embed.h"
#include "base/units.h"
#include "study/in_order.h"
#include "study/sobol.h"
#include "study/trial.h"
#include "study/uncertain_inputs.h"

enum { MAX_SETS = 2 * TS_CLAIM_MAX_SETS + TS_SOBOL_MAX_INPUTS + 1, MAX_STEPS = 5, N_TRIED = 9 };

extern const struct ts_embedded_file ts_embedded_claims[];

struct judging {
    const struct ts_claim *claim;
    const struct ts_progress *progress;
    struct ts_diags *diags;
    struct ts_scenario_options options; /* with the scenario's text */
    const char *path;
};

struct sets {
    const char *items[MAX_SETS];
    size_t n;
};

/* What a run came to: the value of each bound, and whether all are kept. */
struct verdict {
    double value[TS_CLAIM_MAX_BOUNDS];
    bool held;
};

const char *ts_claim_verdict_name(enum ts_claim_verdict verdict)
{
    static const char *const names[] = {"holds", "holds if", "does not hold"};
    return names[verdict];
}

static void add_sets(struct sets *sets, const char *const *more)
{
    for (size_t i = 0; i < TS_CLAIM_MAX_SETS && more[i]; i++) {
        sets->items[sets->n++] = more[i];
    }
}

static size_t n_bounds(const struct ts_claim *claim)
{
    size_t n = 0;
    while (claim->bounds[n].label) {
        n++;
    }
    return n;
}

/* ---- figures ---- */

/* "metric.stat@subject" */
static double one_figure(const struct ts_figure_list *list, const double *values, const char *text, size_t len)
{
    char name[96];
    TS_CHECK(len < sizeof name);
    memcpy(name, text, len);
    name[len] = '\0';
    char *at = strchr(name, '@'), *dot = strchr(name, '.');
    TS_CHECK(at && dot && dot < at);
    *at = *dot = '\0';
    const struct ts_metric *metric = ts_metric_find(name, dot + 1);
    TS_CHECK(metric);
    const struct ts_model *model = list->model;
    uint32_t tier = ts_str_equal(at + 1, "nowhere") ? model->n_tiers : ts_all_tiers(model);
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        tier = ts_str_equal(at + 1, model->tiers[i].name) ? i : tier;
    }
    TS_CHECK(tier != ts_all_tiers(model) || ts_str_equal(at + 1, "all"));
    return ts_figure_value(list, values, ts_figure_tier(list, tier), metric);
}

static double figure_of(const struct ts_figure_list *list, const double *values, const struct ts_claim_bound *bound)
{
    const char *over = strstr(bound->figure, " / ");
    const size_t len = over ? (size_t)(over - bound->figure) : strlen(bound->figure);
    const double scale = bound->scale > 0.0 ? bound->scale : 1.0;
    const double value = one_figure(list, values, bound->figure, len) * scale;
    return over ? value / one_figure(list, values, over + 3, strlen(over + 3)) : value;
}

static enum ts_status figures_of(struct verdict *out, const struct judging *judging, const struct ts_scenario *scenario,
                                 const struct ts_trial_outcome *outcome)
{
    struct ts_figure_list list;
    struct ts_econ econ;
    enum ts_status status = ts_econ_compute(&econ, &scenario->model, &outcome->result, NULL, judging->diags);
    if (status != TS_OK) {
        return status;
    }
    status = ts_figure_list_init(&list, &scenario->model, TS_FIGURES_OF_RUN);
    double *values = status == TS_OK ? calloc(list.n, sizeof *values) : NULL;
    if (values) {
        status = ts_figures_compute(values, &list, &outcome->result, &econ);
    }
    for (size_t i = 0; values && status == TS_OK && i < n_bounds(judging->claim); i++) {
        const struct ts_claim_bound *bound = &judging->claim->bounds[i];
        out->value[i] = ts_str_equal(bound->figure, "fits") ? 1.0 : figure_of(&list, values, bound);
    }
    free(values);
    if (status == TS_OK || list.n > 0) {
        ts_figure_list_deinit(&list);
    }
    ts_econ_deinit(&econ);
    return status;
}

/* A scenario that is refused fits nothing. */
static enum ts_status run_once(struct verdict *out, const struct judging *judging, const struct sets *sets)
{
    struct ts_scenario_options options = judging->options;
    struct ts_scenario scenario;
    struct ts_diags said;
    options.sets = sets->items;
    options.n_sets = sets->n;
    ts_diags_init(&said);
    enum ts_status status = ts_scenario_load(&scenario, judging->path, &options, &said);
    if (status == TS_ESCENARIO && ts_str_equal(judging->claim->bounds[0].figure, "fits")) {
        ts_diags_deinit(&said);
        *out = (struct verdict){.held = false};
        return TS_OK;
    }
    if (status != TS_OK) {
        ts_diags_move(judging->diags, &said);
    }
    ts_diags_deinit(&said);
    if (status != TS_OK) {
        return status;
    }
    struct ts_trial_outcome outcome;
    const struct ts_trial_base base = {.scenario = &scenario};
    const struct ts_trial trial = {.base = &base};
    const struct ts_trial_options how = {.progress = *judging->progress};
    status = ts_trial_run(&outcome, &trial, &how, judging->diags);
    if (status == TS_OK) {
        status = figures_of(out, judging, &scenario, &outcome);
        ts_trial_outcome_deinit(&outcome);
    }
    ts_scenario_deinit(&scenario);
    return status;
}

static bool keeps(const struct ts_claim_bound *bound, double value)
{
    return bound->at_least ? value >= bound->bound : value <= bound->bound;
}

/* With these inputs. Of the run that is compared with they are the same. */
static enum ts_status run(struct verdict *out, const struct judging *judging, const char *const *inputs, size_t n)
{
    const struct ts_claim *claim = judging->claim;
    struct verdict other = {.held = false};
    struct sets sets = {.n = 0};
    add_sets(&sets, claim->sets);
    for (size_t i = 0; i < n; i++) {
        sets.items[sets.n++] = inputs[i];
    }
    enum ts_status status = run_once(out, judging, &sets);
    if (status == TS_OK && claim->other[0]) {
        add_sets(&sets, claim->other);
        status = run_once(&other, judging, &sets);
    }
    out->held = true;
    for (size_t i = 0; status == TS_OK && i < n_bounds(claim); i++) {
        out->value[i] /= claim->bounds[i].of_other ? other.value[i] : 1.0;
        out->held = out->held && keeps(&claim->bounds[i], out->value[i]);
    }
    return status;
}

/* ---- draws ---- */

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Between the sorted values, at i + 1/2 each. "Never" stays what it is. */
static double quantile(const double *sorted, uint32_t n, double p)
{
    const double at = fmin(fmax(p * n - 0.5, 0.0), n - 1.0);
    const uint32_t i = (uint32_t)at < n - 1 ? (uint32_t)at : n - 1;
    const double next = sorted[i + 1 < n ? i + 1 : i];
    return next == sorted[i] ? next : sorted[i] + (at - i) * (next - sorted[i]);
}

static enum ts_status draw_all(struct ts_claim_outcome *out, const struct judging *judging,
                               const struct ts_uncertain_inputs *inputs, struct ts_arena *arena)
{
    double points[TS_CLAIM_DRAWS * TS_SOBOL_MAX_INPUTS], values[TS_CLAIM_MAX_BOUNDS][TS_CLAIM_DRAWS];
    enum ts_status status = ts_sobol_points(points, TS_CLAIM_DRAWS, inputs->n, 1, 0);
    for (uint32_t k = 0; status == TS_OK && k < TS_CLAIM_DRAWS; k++) {
        const char *sets[TS_SOBOL_MAX_INPUTS];
        struct verdict verdict = {.held = false};
        status = ts_uncertain_inputs_sets(sets, inputs, points + (size_t)k * inputs->n, arena);
        status = status == TS_OK ? run(&verdict, judging, sets, inputs->n) : status;
        for (size_t i = 0; i < TS_CLAIM_MAX_BOUNDS; i++) {
            values[i][k] = verdict.value[i];
        }
        out->n_held += verdict.held;
    }
    out->n_drawn = TS_CLAIM_DRAWS;
    for (size_t i = 0; status == TS_OK && i < n_bounds(judging->claim); i++) {
        qsort(values[i], TS_CLAIM_DRAWS, sizeof values[i][0], ascending);
        out->p10[i] = quantile(values[i], TS_CLAIM_DRAWS, 0.1);
        out->p90[i] = quantile(values[i], TS_CLAIM_DRAWS, 0.9);
    }
    return status;
}

/* ---- flips ---- */

static enum ts_status at_key(bool *held, const struct judging *judging, const struct ts_claim_key *key, double value)
{
    struct ts_text text;
    struct verdict verdict = {.held = false};
    ts_text_init(&text);
    const struct ts_uncertain input = {.key = key->key, .unit = key->unit};
    ts_uncertain_put(&text, &input, key->is_whole ? round(value) : value);
    const char *const set = text.data;
    const enum ts_status status = text.failed ? TS_ENOMEM : run(&verdict, judging, &set, 1);
    ts_text_deinit(&text);
    *held = verdict.held;
    return status;
}

static double between(double a, double b, bool logarithmic)
{
    return logarithmic ? sqrt(a * b) : 0.5 * (a + b);
}

static double span(const struct ts_claim_key *key, double a, double b)
{
    return key->from > 0.0 ? fabs(log(a / b)) / log(key->to / key->from) : fabs(a - b) / (key->to - key->from);
}

/* The key's value as it is, of the scenario's assumptions: what is uncertain, at its median. */
static double now_of(const struct ts_scenario *scenario, const struct ts_claim_key *key)
{
    double value = (double)NAN;
    for (size_t i = 0; i < scenario->n_uncertain; i++) {
        if (ts_str_equal(scenario->uncertain[i].key, key->key)) {
            return scenario->uncertain[i].p50;
        }
    }
    for (size_t i = 0; i < scenario->model.n_assumptions; i++) {
        const struct ts_assumption *assumption = &scenario->model.assumptions[i];
        if (ts_str_equal(assumption->key, key->key) &&
            ts_units_parse(&value, assumption->value, key->unit ? key->unit : "1", NULL)) {
            return value;
        }
    }
    return value;
}

/* The value of an input between which and `far` the verdict turns: held at `near`, or not. */
static enum ts_status bisect(double *out, const struct judging *judging, const struct ts_claim_key *key, double near,
                             double far, bool held_near)
{
    for (int i = 0; i < MAX_STEPS; i++) {
        const double middle = between(near, far, key->from > 0.0);
        bool held = false;
        const enum ts_status status = at_key(&held, judging, key, middle);
        if (status != TS_OK) {
            return status;
        }
        *(held == held_near ? &near : &far) = middle;
    }
    *out = between(near, far, key->from > 0.0);
    return TS_OK;
}

/* The values that are tried, ascending: evenly over the range, and the one of now. */
struct tried {
    double at[N_TRIED + 1];
    bool held[N_TRIED + 1];
    size_t n;
};

static enum ts_status try_range(struct tried *out, const struct judging *judging, const struct ts_claim_key *key,
                                double now, bool held_now)
{
    out->n = 0;
    for (size_t i = 0; i < N_TRIED; i++) {
        const double share = (double)i / (N_TRIED - 1);
        const double value =
            key->from > 0.0 ? key->from * pow(key->to / key->from, share) : key->from + (key->to - key->from) * share;
        const bool is_behind = out->n > 0 && out->at[out->n - 1] < now && now < value;
        if (now == value || is_behind) {
            out->at[out->n] = now;
            out->held[out->n++] = held_now;
        }
        if (now != value) {
            out->at[out->n] = value;
            const enum ts_status status = at_key(&out->held[out->n], judging, key, value);
            if (status != TS_OK) {
                return status;
            }
            out->n++;
        }
    }
    return TS_OK;
}

static enum ts_status find_flip(struct ts_claim_flip *flip, const struct judging *judging,
                                const struct ts_claim_key *key, double now, bool held_now)
{
    struct tried tried;
    enum ts_status status = try_range(&tried, judging, key, now, held_now);
    *flip = (struct ts_claim_flip){.now = now, .low = -INFINITY, .high = INFINITY};
    double nearest = INFINITY;
    size_t in = tried.n;
    for (size_t i = 0; status == TS_OK && i < tried.n; i++) { /* the value nearest to now at which it holds */
        const double far = isnan(now) ? (double)i : span(key, tried.at[i], now);
        if (tried.held[i] && far < nearest) {
            nearest = far;
            in = i;
        }
    }
    if (status != TS_OK || in == tried.n) {
        return status;
    }
    size_t low = in, high = in;
    while (low > 0 && tried.held[low - 1]) {
        low--;
    }
    while (high + 1 < tried.n && tried.held[high + 1]) {
        high++;
    }
    flip->turns = low > 0 || high + 1 < tried.n;
    if (low > 0) {
        status = bisect(&flip->low, judging, key, tried.at[low], tried.at[low - 1], true);
    }
    if (status == TS_OK && high + 1 < tried.n) {
        status = bisect(&flip->high, judging, key, tried.at[high], tried.at[high + 1], true);
    }
    return status;
}

/* How far it is from now to where the verdict turns, as a share of the range. */
static double distance(const struct ts_claim_key *key, const struct ts_claim_flip *flip)
{
    const double low = isfinite(flip->low) ? span(key, flip->low, flip->now) : INFINITY;
    const double high = isfinite(flip->high) ? span(key, flip->high, flip->now) : INFINITY;
    return isnan(flip->now) ? 0.5 : fmin(low, high);
}

static enum ts_status find_flips(struct ts_claim_outcome *out, const struct judging *judging,
                                 const struct ts_scenario *scenario)
{
    double nearest = INFINITY;
    out->decides = -1;
    for (size_t i = 0; i < TS_CLAIM_MAX_KEYS && judging->claim->keys[i].key; i++) {
        const struct ts_claim_key *key = &judging->claim->keys[i];
        const double now = now_of(scenario, key);
        const enum ts_status status = find_flip(&out->flips[i], judging, key, now, out->held);
        if (status != TS_OK) {
            return status;
        }
        const double far = distance(key, &out->flips[i]);
        if (out->flips[i].turns && far < nearest) {
            nearest = far;
            out->decides = (int)i;
        }
    }
    return TS_OK;
}

/* ---- all of it ---- */

static enum ts_claim_verdict verdict_of(const struct ts_claim_outcome *out)
{
    const double share = out->n_drawn > 0 ? (double)out->n_held / out->n_drawn : (double)out->held;
    if (out->decides < 0 && out->held && share >= 0.9) {
        return TS_CLAIM_HOLDS;
    }
    return out->decides < 0 && !out->held && share <= 0.1 ? TS_CLAIM_FAILS : TS_CLAIM_HOLDS_IF;
}

static enum ts_status judge(struct ts_claim_outcome *out, const struct judging *judging, struct ts_arena *arena)
{
    struct ts_scenario scenario;
    struct ts_scenario_options options = judging->options;
    struct ts_uncertain_inputs inputs;
    struct verdict verdict = {.held = false};
    struct sets sets = {.n = 0};
    add_sets(&sets, judging->claim->sets);
    options.sets = sets.items;
    options.n_sets = sets.n;
    enum ts_status status = run(&verdict, judging, NULL, 0);
    if (status != TS_OK) {
        return status;
    }
    memcpy(out->value, verdict.value, sizeof out->value);
    out->held = verdict.held;
    out->decides = -1;
    status = ts_scenario_load(&scenario, judging->path, &options, NULL);
    if (status == TS_ESCENARIO) { /* refused, and that is the answer */
        scenario = (struct ts_scenario){.n_uncertain = 0};
        return find_flips(out, judging, &scenario);
    }
    if (status == TS_OK) {
        status = ts_uncertain_inputs_find(&inputs, &scenario, arena, judging->diags);
        if (status == TS_OK && inputs.n > 0) {
            status = draw_all(out, judging, &inputs, arena);
        }
        status = status == TS_OK ? find_flips(out, judging, &scenario) : status;
        ts_scenario_deinit(&scenario);
    }
    return status;
}

static enum ts_status judge_claim(struct ts_claim_outcome *out, size_t i, const struct ts_progress *progress,
                                  struct ts_diags *diags)
{
    struct judging judging = {.claim = &ts_claims[i], .progress = progress, .diags = diags};
    struct ts_claim_outcome outcome = {.n_drawn = 0};
    struct ts_arena arena;
    for (const struct ts_embedded_file *file = ts_embedded_claims; file->name; file++) {
        if (ts_str_equal(file->name, judging.claim->scenario)) {
            judging.options.text = file->data;
        }
    }
    TS_CHECK(judging.options.text);
    ts_arena_init(&arena);
    judging.path = ts_arena_printf(&arena, "scenarios/claims/%s", judging.claim->scenario);
    enum ts_status status = judging.path ? judge(&outcome, &judging, &arena) : TS_ENOMEM;
    ts_arena_deinit(&arena);
    if (status == TS_OK) {
        outcome.verdict = verdict_of(&outcome);
        *out = outcome;
    } else if (status != TS_EINTERRUPTED) {
        ts_diags_add(diags, TS_NOTE, ts_span_none(), NULL, "that was claim %s", judging.claim->id);
    }
    return status;
}

struct jury {
    struct ts_claim_outcome *out;
    const struct ts_progress *progress;
    struct ts_diags *diags; /* [window], then the caller's */
    struct ts_diags *all;
};

static enum ts_status work(void *user, uint64_t index, uint32_t slot)
{
    const struct jury *jury = user;
    ts_diags_init(&jury->diags[slot]);
    return judge_claim(&jury->out[index], index, jury->progress, &jury->diags[slot]);
}

static enum ts_status take(void *user, uint64_t index, uint32_t slot, enum ts_status worked)
{
    const struct jury *jury = user;
    (void)index;
    ts_diags_move(jury->all, &jury->diags[slot]);
    ts_diags_deinit(&jury->diags[slot]);
    return worked;
}

enum ts_status ts_claims_judge(struct ts_claim_outcome *out, uint32_t n_threads, const struct ts_progress *progress,
                               struct ts_diags *diags)
{
    const uint32_t window = 2 * n_threads;
    struct jury jury = {.out = out, .progress = progress, .diags = calloc(window, sizeof *jury.diags), .all = diags};
    if (!jury.diags) {
        return TS_ENOMEM;
    }
    const struct ts_in_order job = {
        .n = ts_n_claims, .n_threads = n_threads, .window = window, .user = &jury, .work = work, .take = take};
    const enum ts_status status = ts_in_order_run(&job);
    free(jury.diags);
    return status;
}
