/* Hides which steps are timed when. Stretches are taken in an order shuffled anew for each round, so that a disturbance
 * is spread over all of them. The first steps of a stretch are not counted: what came before them is none of the
 * workload's, and the processor remembers it for a while (a decode step after a prompt's chunk is slower, and so are,
 * ever less, the next ten). */
#include "live/calibrate_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "engine/model_plan.h"
#include "measure/spread.h"

enum { MAX_ITEMS = 4096, MAX_GRID = 96, DEPTH_STEP = 16, FIRST_NOTES = 1024 };
enum { MAX_STRETCHES = TS_STRETCHES * TS_CALIBRATION_MAX_GROUPS };

static const double stretch_s = 0.2; /* no further step after that long */
static const double settle_s =
    0.03; /* steps that begin earlier than that in a stretch, and in its first third, do not count */
static const double awake_s = 2e-4;
static const double longest_idle_s = 0.01; /* the processor sleeps no deeper after it */

/* ---- items ---- */

/* Its index; MAX_ITEMS: the engine cannot do it, or there is no room. */
static uint32_t add_item(struct ts_calibration *calibration, const struct ts_model_step *step)
{
    for (uint32_t i = 0; i < calibration->n_items; i++) {
        if (ts_model_plan_same(&calibration->items[i].step, step)) {
            return i;
        }
    }
    if (calibration->n_items == MAX_ITEMS || !ts_live_can_time(calibration->options.live, step)) {
        return MAX_ITEMS;
    }
    calibration->items[calibration->n_items] = (struct ts_timed_item){.step = *step};
    return (uint32_t)calibration->n_items++;
}

static void add_grid(struct ts_calibration *calibration)
{
    const struct ts_calibration_options *options = &calibration->options;
    struct ts_model_step steps[MAX_GRID];
    const struct ts_model_plan_limits limits = {.max_batch = options->max_batch,
                                                .max_prefill = options->max_prefill,
                                                .max_depth = options->max_depth,
                                                .max_kv_tok = UINT64_MAX,
                                                .check = true};
    const size_t n = ts_model_plan(steps, MAX_GRID, &limits);
    for (size_t i = 0; i < n; i++) {
        (void)add_item(calibration, &steps[i]);
    }
    calibration->n_grid = calibration->n_items;
}

void ts_calibration_destroy(struct ts_calibration *calibration)
{
    if (calibration) {
        free(calibration->items);
        free(calibration->stretches);
        free(calibration->notes);
        free(calibration);
    }
}

enum ts_status ts_calibration_create(struct ts_calibration **out, const struct ts_calibration_options *options,
                                     struct ts_diags *diags)
{
    struct ts_calibration *calibration = calloc(1, sizeof *calibration);
    if (!calibration) {
        return TS_ENOMEM;
    }
    calibration->options = *options;
    calibration->items = calloc(MAX_ITEMS, sizeof *calibration->items);
    calibration->stretches = calloc(MAX_STRETCHES, sizeof *calibration->stretches);
    if (!calibration->items || !calibration->stretches) {
        ts_calibration_destroy(calibration);
        return TS_ENOMEM;
    }
    ts_rng_init(&calibration->rng, options->seed, 0, 0, 0);
    add_grid(calibration);
    if (calibration->n_items == 0) {
        ts_calibration_destroy(calibration);
        return ts_fail(diags, TS_ERANGE, ts_span_none(), "give it more kv_blocks",
                       "no step to measure fits into the server");
    }
    *out = calibration;
    return TS_OK;
}

static uint32_t rounded_depth(double depth)
{
    return depth > 0.0 ? (uint32_t)(depth / DEPTH_STEP + 0.5) * DEPTH_STEP : 0;
}

/* The load as sequences of one depth, and prompts of one depth and length. */
static struct ts_model_step step_like(const struct ts_batch_load *load)
{
    struct ts_model_step step = {
        .n_decode = load->n_decode, .prefill = load->prefill_tok, .n_prompts = load->n_seqs - load->n_decode};
    if (load->n_decode > 0) {
        step.depth = rounded_depth(load->kv_read_tok / load->n_decode - 1.0);
    }
    if (load->prefill_tok > 0) {
        const double chunk = (double)load->prefill_tok / ts_model_step_prompts(&step);
        step.prefill_depth = rounded_depth(load->prefill_pairs / load->prefill_tok - (chunk + 1.0) / 2.0);
    }
    return step;
}

static void shuffle(struct ts_calibration *calibration, uint32_t *order, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const size_t k = (size_t)(ts_rng_u64(&calibration->rng) % i);
        const uint32_t swapped = order[i - 1];
        order[i - 1] = order[k];
        order[k] = swapped;
    }
}

static bool make_stretch(struct ts_stretch *out, struct ts_calibration *calibration, const struct ts_live_load *loads,
                         size_t n)
{
    *out = (struct ts_stretch){.first = 1};
    for (size_t i = 0; i < n && i < TS_STRETCH_STEPS; i++) {
        const struct ts_model_step step = step_like(&loads[i].load);
        const uint32_t item = add_item(calibration, &step);
        if (item == MAX_ITEMS) {
            break;
        }
        out->items[out->n] = item;
        out->idle_s[out->n++] = fmin(loads[i].idle_s, longest_idle_s);
    }
    return out->n > 1;
}

void ts_calibration_follow(struct ts_calibration *calibration, const struct ts_live_load *loads, size_t n)
{
    TS_CHECK(calibration->n_groups < TS_CALIBRATION_MAX_GROUPS);
    struct ts_stretch_group *group = &calibration->groups[calibration->n_groups++];
    *group = (struct ts_stretch_group){.first = calibration->n_stretches};
    for (size_t i = 0; i < TS_STRETCHES && n > 0; i++) {
        const size_t from = (2 * i + 1) * n / ((size_t)2 * TS_STRETCHES);
        struct ts_stretch *stretch = &calibration->stretches[group->first + group->n];
        if (make_stretch(stretch, calibration, loads + from, n - from)) {
            group->order[group->n] = (uint32_t)(group->first + group->n);
            group->n++;
        }
    }
    calibration->n_stretches += group->n;
    shuffle(calibration, group->order, group->n);
}

/* ---- measuring ---- */

static void keep_sample(struct ts_timed_item *item, double seconds)
{
    item->samples[item->n_taken++ % TS_MODEL_STEP_MAX_SAMPLES] = seconds;
}

/* As the serving loop waits: asleep first, awake at the end. */
static void rest(double seconds)
{
    const double until_s = ts_clock_now_s() + seconds;
    if (seconds > awake_s) {
        ts_clock_sleep_s(seconds - awake_s);
    }
    while (ts_clock_now_s() < until_s) {
    }
}

/* Twice: the first time leaves the caches as the second is to find them. */
static enum ts_status time_grid_item(struct ts_calibration *calibration, uint32_t index, struct ts_diags *diags)
{
    struct ts_timed_item *item = &calibration->items[index];
    double seconds = 0.0;
    enum ts_status status = ts_live_time_step(calibration->options.live, &seconds, &item->step, diags);
    if (status == TS_OK) {
        status = ts_live_time_step(calibration->options.live, &seconds, &item->step, diags);
    }
    if (status == TS_OK) {
        keep_sample(item, seconds);
    }
    return status;
}

static enum ts_status take_note(struct ts_calibration *calibration, const struct ts_stretch_note *note)
{
    if (calibration->n_notes == calibration->max_notes) {
        const size_t max = calibration->max_notes ? 2 * calibration->max_notes : FIRST_NOTES;
        struct ts_stretch_note *notes = realloc(calibration->notes, max * sizeof *notes);
        if (!notes) {
            return TS_ENOMEM;
        }
        calibration->notes = notes;
        calibration->max_notes = max;
    }
    calibration->notes[calibration->n_notes++] = *note;
    return TS_OK;
}

static enum ts_status time_place(struct ts_calibration *calibration, uint32_t index, size_t place, double at_s,
                                 double *seconds, struct ts_diags *diags)
{
    struct ts_stretch *stretch = &calibration->stretches[index];
    struct ts_timed_item *item = &calibration->items[stretch->items[place]];
    struct ts_stretch_note note = {.run = isnan(at_s) ? TS_NO_RUN : calibration->run,
                                   .item = stretch->items[place],
                                   .stretch = index,
                                   .at_s = at_s,
                                   .idle_s = stretch->idle_s[place]};
    rest(note.idle_s);
    ts_live_heats(note.heats, calibration->options.live);
    const enum ts_status status = ts_live_time_step(calibration->options.live, seconds, &item->step, diags);
    if (status != TS_OK || place < stretch->first) {
        return status;
    }
    note.seconds = *seconds;
    keep_sample(item, *seconds);
    stretch->sum_s += *seconds;
    return take_note(calibration, &note);
}

/* at_s: of the run under way; NaN: there is none. */
static enum ts_status time_stretch(struct ts_calibration *calibration, uint32_t index, double at_s,
                                   struct ts_diags *diags)
{
    struct ts_stretch *stretch = &calibration->stretches[index];
    const bool is_new = stretch->n_times++ == 0;
    const double start_s = ts_clock_now_s();
    for (size_t i = 0; i < stretch->n; i++) {
        const double spent_s = ts_clock_now_s() - start_s;
        double seconds;
        if (is_new && i >= stretch->first + 2 && spent_s >= stretch_s) {
            stretch->n = i;
            break;
        }
        if (is_new && i > 0 && i == stretch->first && 3 * i < stretch->n && spent_s < settle_s) {
            stretch->first++;
        }
        const enum ts_status status = time_place(calibration, index, i, at_s, &seconds, diags);
        if (status != TS_OK) {
            return status;
        }
    }
    return TS_OK;
}

static uint32_t next_stretch(struct ts_calibration *calibration, struct ts_stretch_group *group)
{
    if (group->next == group->n) {
        shuffle(calibration, group->order, group->n);
        group->next = 0;
    }
    return group->order[group->next++];
}

static bool stopped(const struct ts_calibration *calibration, const struct ts_model_step *step, double spent_s,
                    double seconds)
{
    const struct ts_progress *progress = &calibration->options.progress;
    struct ts_text name;
    if (!progress->go_on) {
        return false;
    }
    ts_text_init(&name);
    ts_model_step_name(&name, step);
    const struct ts_progress_state state = {.what = name.data,
                                            .done = fmin(1.0, spent_s / seconds),
                                            .total = 1.0,
                                            .elapsed_s = spent_s,
                                            .left_s = fmax(0.0, seconds - spent_s)};
    const bool go_on = ts_progress_go_on(progress, &state);
    ts_text_deinit(&name);
    return !go_on;
}

/* All of the grid once, in another order. */
static enum ts_status measure_grid(struct ts_calibration *calibration, double start_s, double seconds,
                                   struct ts_diags *diags)
{
    uint32_t order[MAX_GRID];
    for (uint32_t i = 0; i < calibration->n_grid; i++) {
        order[i] = i;
    }
    shuffle(calibration, order, calibration->n_grid);
    for (size_t i = 0; i < calibration->n_grid; i++) {
        const struct ts_timed_item *item = &calibration->items[order[i]];
        const double spent_s = ts_clock_now_s() - start_s;
        if (spent_s >= seconds && item->n_taken > 0) {
            continue;
        }
        if (stopped(calibration, &item->step, spent_s, seconds)) {
            return TS_EINTERRUPTED;
        }
        const enum ts_status status = time_grid_item(calibration, order[i], diags);
        if (status != TS_OK) {
            return status;
        }
    }
    return TS_OK;
}

/* A stretch of each group. */
static enum ts_status measure_stretches(struct ts_calibration *calibration, double start_s, double seconds,
                                        struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t g = 0; status == TS_OK && g < calibration->n_groups; g++) {
        struct ts_stretch_group *group = &calibration->groups[g];
        if (group->n == 0) {
            continue;
        }
        const uint32_t index = next_stretch(calibration, group);
        const struct ts_model_step *first = &calibration->items[calibration->stretches[index].items[0]].step;
        if (stopped(calibration, first, ts_clock_now_s() - start_s, seconds)) {
            return TS_EINTERRUPTED;
        }
        status = time_stretch(calibration, index, NAN, diags);
    }
    return status;
}

enum ts_status ts_calibration_measure(struct ts_calibration *calibration, double seconds, struct ts_diags *diags)
{
    const double start_s = ts_clock_now_s();
    enum ts_status status = TS_OK;
    for (size_t round = 0; status == TS_OK && (round == 0 || ts_clock_now_s() - start_s < seconds); round++) {
        status = calibration->n_stretches > 0 ? measure_stretches(calibration, start_s, seconds, diags)
                                              : measure_grid(calibration, start_s, seconds, diags);
    }
    return status;
}

void ts_calibration_begin_run(struct ts_calibration *calibration, uint32_t run, uint32_t group)
{
    TS_CHECK(run < TS_CALIBRATION_MAX_RUNS && group < calibration->n_groups);
    calibration->run = run;
    calibration->group = calibration->run_groups[run] = group;
}

enum ts_status ts_calibration_pause(struct ts_calibration *calibration, double at_s, struct ts_diags *diags)
{
    struct ts_stretch_group *group = &calibration->groups[calibration->group];
    return group->n > 0 ? time_stretch(calibration, next_stretch(calibration, group), at_s, diags) : TS_OK;
}

/* ---- results ---- */

static enum ts_status copy_samples(struct ts_model_step *step, const struct ts_timed_item *item, struct ts_arena *arena)
{
    const uint32_t n = item->n_taken < TS_MODEL_STEP_MAX_SAMPLES ? item->n_taken : TS_MODEL_STEP_MAX_SAMPLES;
    double *samples = ts_arena_array(arena, n, sizeof *samples);
    double *sorted = ts_arena_array(arena, n, sizeof *sorted);
    if (!samples || !sorted) {
        return TS_ENOMEM;
    }
    memcpy(samples, item->samples, n * sizeof *samples);
    memcpy(sorted, item->samples, n * sizeof *sorted);
    *step = item->step;
    step->samples = samples;
    step->n_samples = n;
    step->seconds = ts_spread_of(sorted, n);
    step->undisturbed_s = ts_spread_undisturbed(sorted, n);
    return TS_OK;
}

enum ts_status ts_calibration_fit(struct ts_model_measurement *out, const struct ts_calibration *calibration,
                                  struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_model_measurement m;
    struct ts_model_step *steps = ts_arena_array(arena, calibration->n_items, sizeof *steps);
    enum ts_status status = steps ? ts_live_describe(&m, calibration->options.live, arena) : TS_ENOMEM;
    if (status != TS_OK) {
        return status;
    }
    m.fit_means = true;
    for (size_t i = 0; status == TS_OK && i < calibration->n_items; i++) {
        if (calibration->items[i].n_taken > 0) {
            status = copy_samples(&steps[m.n_steps++], &calibration->items[i], arena);
        }
    }
    m.steps = steps;
    if (status == TS_OK) {
        status = ts_model_measurement_fit(&m, arena);
    }
    if (status == TS_OK && !m.fitted) {
        status = ts_fail(diags, TS_ERANGE, ts_span_none(), "give the server more sequences, or longer requests",
                         "too few kinds of steps to fit step times to");
    }
    if (status == TS_OK) {
        *out = m;
    }
    return status;
}

double ts_calibration_fitted_s(const struct ts_calibration *calibration, uint32_t item,
                               const struct ts_model_measurement *fit)
{
    const struct ts_step_load load = ts_model_step_load(&calibration->items[item].step);
    return ts_step_predict_table(&fit->table, &load);
}

bool ts_calibration_has_prompt(const struct ts_calibration *calibration, const struct ts_stretch_note *note)
{
    return calibration->items[note->item].step.prefill > 0;
}

double ts_calibration_expected_s(const struct ts_calibration *calibration, const struct ts_stretch_note *note,
                                 const struct ts_model_measurement *fit, const struct ts_pace_memory *memory)
{
    size_t i = 0;
    while (i + 1 < TS_LIVE_N_MEMORIES && ts_live_memory_s[i] < memory->memory_s) {
        i++;
    }
    return ts_pace_memory_s(memory, ts_calibration_fitted_s(calibration, note->item, fit),
                            ts_calibration_has_prompt(calibration, note), note->heats[i]);
}

void ts_calibration_csv(struct ts_text *out, const struct ts_calibration *calibration,
                        const struct ts_model_measurement *fit, const struct ts_pace_memory *memory)
{
    ts_text_puts(
        out, "run,at_s,idle_s,decoding,depth_tok,prompts,prefill_tok,prefill_depth_tok,seconds,fitted_s,expected_s\n");
    for (size_t i = 0; i < calibration->n_notes; i++) {
        const struct ts_stretch_note *note = &calibration->notes[i];
        const struct ts_model_step *step = &calibration->items[note->item].step;
        if (note->run == TS_NO_RUN) {
            continue;
        }
        ts_text_printf(out, "%u,", note->run);
        ts_text_double(out, note->at_s);
        ts_text_puts(out, ",");
        ts_text_double(out, note->idle_s);
        ts_text_printf(out, ",%u,%u,%u,%u,%u,", step->n_decode, step->depth, ts_model_step_prompts(step), step->prefill,
                       step->prefill_depth);
        ts_text_double(out, note->seconds);
        ts_text_puts(out, ",");
        ts_text_double(out, ts_calibration_fitted_s(calibration, note->item, fit));
        ts_text_puts(out, ",");
        ts_text_double(out, ts_calibration_expected_s(calibration, note, fit, memory));
        ts_text_puts(out, "\n");
    }
}
