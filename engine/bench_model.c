/* Hides how time is shared out among the steps of model_plan.c. Items are ordered by tokens; a first round warms up,
 * gives estimates and leaves out what would take more than a third of the time in one round. Rounds then take each item
 * once (short ones a few times), so that a disturbance is spread over all. An item is settled when its two fastest
 * samples agree; once each has been taken twice, only those that are not settled are taken again, and when all are,
 * all. One that never settles (a lucky sample that does not come again) is not waited for beyond four times the rounds
 * of the others. */
#include "base/clock.h"
#include "engine/bench_model_run.h"

#include <math.h>

#include "measure/spread.h"

enum {
    MAX_REPEATS = 5,
    ROUNDS_AHEAD = 4, /* of an item that does not settle, for each round of the others */
};

static const double repeat_until_s = 0.08;
static const double first_round_frac = 0.35; /* of the time left */
static const double least_round_frac = 0.02; /* of the time: what is left is not worth another round */
static const double settled_frac = 0.01;     /* by which the two fastest samples may differ */

static enum ts_status time_step(struct ts_model_bench *bench, const struct ts_model_step *step, double *seconds)
{
    enum ts_status status = ts_spare_steps_make(&bench->spare, step);
    if (status == TS_OK) {
        double start = ts_clock_now_s();
        status =
            ts_transformer_step(bench->transformer, bench->spare.chunks, bench->spare.n, bench->logits, bench->diags);
        *seconds = ts_clock_now_s() - start;
    }
    ts_spare_steps_release(&bench->spare);
    return status;
}

static double spent_s(const struct ts_model_bench *bench)
{
    return ts_clock_now_s() - bench->start_s + bench->spent_before_s;
}

/* True if it is time to stop. */
static bool report(const struct ts_model_bench *bench, const struct ts_model_step *step)
{
    const struct ts_progress *progress = &bench->options->progress;
    if (!progress->go_on) {
        return false;
    }
    struct ts_text name;
    ts_text_init(&name);
    if (step) {
        ts_model_step_name(&name, step);
    } else {
        ts_text_puts(&name, "loading the model");
    }
    double done = spent_s(bench) / bench->options->budget_s, left = bench->options->budget_s - spent_s(bench);
    const struct ts_progress_state state = {.what = name.data,
                                            .done = done < 1.0 ? done : 1.0,
                                            .total = 1.0,
                                            .elapsed_s = spent_s(bench),
                                            .left_s = left > 0.0 ? left : 0.0};
    const bool go_on = ts_progress_go_on(progress, &state);
    ts_text_deinit(&name);
    return !go_on;
}

static void keep_sample(struct ts_model_bench_item *item, double seconds)
{
    if (item->step.n_samples < TS_MODEL_STEP_MAX_SAMPLES) {
        item->samples[item->step.n_samples++] = seconds;
    }
}

/* The two fastest samples agree, of at least two for a long step and three for a short one. */
static bool is_settled(const struct ts_model_bench_item *item)
{
    uint32_t least = item->estimate_s > repeat_until_s ? 2 : 3;
    double first = INFINITY, second = INFINITY;
    for (uint32_t i = 0; i < item->step.n_samples; i++) {
        double s = item->samples[i];
        second = s < first ? first : s < second ? s : second;
        first = s < first ? s : first;
    }
    return item->step.n_samples >= least && second <= (1.0 + settled_frac) * first;
}

/* Every item once; those after the first that would take too long are left out. */
static enum ts_status first_round(struct ts_model_bench *bench)
{
    double limit = first_round_frac * (bench->options->budget_s - (ts_clock_now_s() - bench->start_s)), used = 0.0;
    double per_tok = 0.0;
    for (size_t i = 0; i < bench->n_items; i++) {
        struct ts_model_bench_item *item = &bench->items[i];
        double tokens = item->step.n_decode + item->step.prefill;
        if (report(bench, &item->step)) {
            return TS_EINTERRUPTED;
        }
        if (i > 0 && used + 0.8 * per_tok * tokens > limit) {
            item->dropped = true;
            continue;
        }
        enum ts_status status = time_step(bench, &item->step, &item->estimate_s);
        if (status != TS_OK) {
            return status;
        }
        if (item->estimate_s > repeat_until_s) {
            keep_sample(item, item->estimate_s);
        }
        used += item->estimate_s;
        per_tok = item->estimate_s / tokens;
    }
    return TS_OK;
}

static enum ts_status measure_item(struct ts_model_bench *bench, struct ts_model_bench_item *item)
{
    double total = 0.0;
    bool warm = item->estimate_s >
                repeat_until_s; /* a short step is slower after one that has filled the caches with something else */
    for (int repeat = 0; repeat < MAX_REPEATS && total < repeat_until_s; repeat++) {
        double seconds = 0.0;
        enum ts_status status = time_step(bench, &item->step, &seconds);
        if (status != TS_OK) {
            return status;
        }
        total += seconds;
        if (!warm) {
            warm = true;
            continue;
        }
        keep_sample(item, seconds);
    }
    return TS_OK;
}

/* Rounds that every item was taken in. */
static uint32_t least_rounds(const struct ts_model_bench *bench)
{
    uint32_t least = UINT32_MAX;
    for (size_t i = 0; i < bench->n_items; i++) {
        const struct ts_model_bench_item *item = &bench->items[i];
        least = !item->dropped && item->n_rounds < least ? item->n_rounds : least;
    }
    return least;
}

/* Not settled, and not yet far ahead of the others. */
static bool is_open(const struct ts_model_bench_item *item, uint32_t least)
{
    return !item->dropped && !is_settled(item) && item->n_rounds / ROUNDS_AHEAD <= least;
}

static size_t n_open(const struct ts_model_bench *bench)
{
    const uint32_t least = least_rounds(bench);
    size_t n = 0;
    for (size_t i = 0; i < bench->n_items; i++) {
        n += is_open(&bench->items[i], least);
    }
    return n;
}

/* All items, or those that are open; no further ones when the time is up, but each has a sample then. *n_taken: how
 * many there was time for. */
static enum ts_status measure_round(struct ts_model_bench *bench, bool all, size_t *n_taken)
{
    const uint32_t least = least_rounds(bench);
    *n_taken = 0;
    for (size_t i = 0; i < bench->n_items; i++) {
        struct ts_model_bench_item *item = &bench->items[i];
        bool late = item->step.n_samples > 0 && spent_s(bench) + item->estimate_s > bench->options->budget_s;
        if (item->dropped || late || (!all && !is_open(item, least))) {
            continue;
        }
        if (report(bench, &item->step)) {
            return TS_EINTERRUPTED;
        }
        enum ts_status status = measure_item(bench, item);
        if (status != TS_OK) {
            return status;
        }
        item->n_rounds++;
        ++*n_taken;
    }
    return TS_OK;
}

static enum ts_status measure(struct ts_model_bench *bench)
{
    enum ts_status status = ts_model_bench_resume(bench);
    if (status != TS_OK || spent_s(bench) >= bench->options->budget_s) {
        return status;
    }
    status = first_round(bench);
    for (size_t round = 0; status == TS_OK; round++) {
        size_t n_taken = 0;
        status = measure_round(bench, round == 0 || n_open(bench) == 0, &n_taken);
        enum ts_status saved = ts_model_bench_save(bench);
        status = status == TS_OK ? saved : status;
        if (spent_s(bench) > (1.0 - least_round_frac) * bench->options->budget_s || n_taken == 0) {
            break; /* the time is up, or too short for any item */
        }
    }
    return status;
}

enum ts_status ts_bench_model_run(struct ts_model_measurement *out, struct ts_arena *arena,
                                  const struct ts_model_bench_options *options, struct ts_diags *diags)
{
    struct ts_model_bench bench = {.options = options, .arena = arena, .diags = diags, .start_s = ts_clock_now_s()};
    struct ts_model_measurement m = {0};
    enum ts_status status = ts_model_bench_check(&bench);
    if (status != TS_OK) {
        return status;
    }
    status = report(&bench, NULL) ? TS_EINTERRUPTED : ts_model_bench_set_up(&bench);
    if (status == TS_OK) {
        status = measure(&bench);
    }
    if (status == TS_OK) {
        status = ts_model_bench_describe(&bench, &m);
    }
    if (status == TS_OK) {
        status = ts_model_bench_collect(&bench, &m);
    }
    if (status == TS_OK && m.n_steps == 0) {
        status = ts_fail(diags, TS_ERANGE, ts_span_none(), "give it more seconds, or a smaller model",
                         "no step could be measured in %.0f s, loading included", options->budget_s);
    }
    if (status == TS_OK && options->n_prompts == 0) {
        status = ts_model_measurement_fit(&m, arena);
    }
    ts_model_bench_tear_down(&bench);
    if (status == TS_OK) {
        *out = m;
    }
    return status;
}
