/* Hides how plans become forward passes. A sequence keeps its tokens (made-up prompt, then what the model gave) until
 * it ends, so that a preempted one can be computed again; its pages are the blocks that the scheduler counts. */
#include "live/live_engine.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/rng.h"

enum { SPIN_NS = 200000, FIRST_STEPS = 4096 };

/* A request in the engine. */
struct sequence {
    struct ts_kv_seq kv;
    uint32_t *tokens; /* [prompt + output] */
    uint32_t n_tok;   /* known so far */
    uint32_t handle;
};

struct serving {
    struct ts_live *live;
    struct ts_scheduler *scheduler;
    const struct ts_request *requests;
    struct sequence *sequences; /* [n] */
    size_t n, n_seen, n_ended;
    struct ts_live_run *run;
    size_t max_steps;
    int64_t start_ns;                  /* later by every pause */
    int64_t next_pause_ns;             /* of the run's clock */
    const struct ts_live_hooks *hooks; /* or NULL */
    struct ts_diags *diags;
};

/* ---- arrivals ---- */

static int64_t elapsed_ns(const struct serving *serving)
{
    return ts_clock_now_ns() - serving->start_ns;
}

static void forget(struct serving *serving, size_t index)
{
    struct sequence *sequence = &serving->sequences[index];
    ts_kv_seq_release(&serving->live->cache, &sequence->kv);
    free(sequence->tokens);
    sequence->tokens = NULL;
    serving->n_ended++;
}

static enum ts_status take_in(struct serving *serving, size_t index)
{
    const struct ts_request *request = &serving->requests[index];
    struct sequence *sequence = &serving->sequences[index];
    struct ts_live_record *record = &serving->run->records[index];
    const uint32_t vocab = serving->live->config.vocab;
    record->seen_ns = elapsed_ns(serving);
    if (!ts_scheduler_can_hold(&serving->live->options.scheduler, request->prompt_tok, request->output_tok)) {
        record->rejected = true;
        serving->n_ended++;
        return TS_OK;
    }
    sequence->tokens = calloc((size_t)request->prompt_tok + request->output_tok, sizeof *sequence->tokens);
    if (!sequence->tokens) {
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i < request->prompt_tok; i++) {
        sequence->tokens[i] = (uint32_t)(ts_mix64(request->id * 1000003 + i) % vocab);
    }
    sequence->n_tok = request->prompt_tok;
    return ts_scheduler_submit(serving->scheduler, &sequence->handle, (uint32_t)index, request->prompt_tok,
                               request->output_tok);
}

/* Nothing to do since the last step ended, and the next request came later than that. */
static bool is_idle(const struct serving *serving)
{
    const struct ts_live_run *run = serving->run;
    const int64_t last_end_ns = run->n_steps > 0 ? run->steps[run->n_steps - 1].end_ns : -1;
    return ts_scheduler_running(serving->scheduler) == 0 && ts_scheduler_waiting(serving->scheduler) == 0 &&
           serving->requests[serving->n_seen].arrival_ns > last_end_ns;
}

/* An idle engine begins with the first request, as the simulated one does: those that came while it woke up, which may
 * take a while, wait for the next step. */
static enum ts_status take_in_due(struct serving *serving)
{
    enum ts_status status = TS_OK;
    bool alone = false;
    while (status == TS_OK && !alone && serving->n_seen < serving->n &&
           serving->requests[serving->n_seen].arrival_ns <= elapsed_ns(serving)) {
        alone = is_idle(serving);
        status = take_in(serving, serving->n_seen++);
    }
    return status;
}

/* Sleeps most of the time to the next arrival and spins the rest. */
static void await_arrival(const struct serving *serving)
{
    const int64_t due_ns = serving->requests[serving->n_seen].arrival_ns;
    int64_t left_ns = due_ns - elapsed_ns(serving);
    if (left_ns > SPIN_NS) {
        const int64_t nap_ns = left_ns - SPIN_NS < 50000000 ? left_ns - SPIN_NS : 50000000;
        ts_clock_sleep_s(1e-9 * (double)nap_ns);
        return;
    }
    while (left_ns > 0) {
        left_ns = due_ns - elapsed_ns(serving);
    }
}

/* ---- a step ---- */

static void note_preempted(struct serving *serving, const struct ts_scheduler_plan *plan)
{
    for (uint32_t i = 0; i < plan->n_preempted; i++) {
        struct sequence *sequence = &serving->sequences[plan->preempted[i]];
        serving->run->records[plan->preempted[i]].n_preemptions++;
        ts_kv_seq_release(&serving->live->cache, &sequence->kv);
    }
}

/* The scheduler's items as the transformer's chunks. As in vLLM each has a row of logits, which is what step models
 * count, but only one that reaches the last known token gives a token. */
static enum ts_status make_chunks(struct serving *serving, uint32_t *n_chunks, int64_t begin_ns)
{
    struct ts_live *live = serving->live;
    const uint32_t n_running = ts_scheduler_running(serving->scheduler);
    uint32_t n = 0;
    for (uint32_t i = 0; i < n_running; i++) {
        const struct ts_scheduler_item item = ts_scheduler_item(serving->scheduler, i);
        if (item.n_new == 0) {
            continue;
        }
        struct sequence *sequence = &serving->sequences[item.tag];
        struct ts_live_record *record = &serving->run->records[item.tag];
        TS_CHECK(sequence->kv.n_tok == item.past_tok && item.past_tok + item.n_new <= sequence->n_tok);
        const enum ts_status status = ts_kv_seq_reserve(&live->cache, &sequence->kv, item.past_tok + item.n_new);
        if (status != TS_OK) {
            return status;
        }
        record->start_ns = record->start_ns == TS_NEVER_NS ? begin_ns : record->start_ns;
        live->owners[n] = item.tag;
        live->gives[n] = item.past_tok + item.n_new == sequence->n_tok;
        live->chunks[n++] = (struct ts_step_chunk){
            .seq = &sequence->kv, .tokens = sequence->tokens + item.past_tok, .n_tok = item.n_new, .n_logits = 1};
    }
    *n_chunks = n;
    return TS_OK;
}

static void take_tokens(struct serving *serving, uint32_t n_chunks)
{
    const struct ts_live *live = serving->live;
    const float *logits = live->logits;
    for (uint32_t i = 0; i < n_chunks; i++) {
        struct sequence *sequence = &serving->sequences[live->owners[i]];
        if (live->gives[i]) {
            sequence->tokens[sequence->n_tok++] = ts_live_likeliest(logits, live->config.vocab);
        }
        logits += live->config.vocab;
    }
}

static void note_tokens(struct serving *serving, uint32_t n_chunks, int64_t now_ns)
{
    const struct ts_live *live = serving->live;
    for (uint32_t i = 0; i < n_chunks; i++) {
        struct ts_live_record *record = &serving->run->records[live->owners[i]];
        if (live->gives[i]) {
            record->first_ns = record->n_given == 0 ? now_ns : record->first_ns;
            record->last_ns = now_ns;
            record->n_given++;
            if (serving->hooks && serving->hooks->on_token) {
                const struct sequence *sequence = &serving->sequences[live->owners[i]];
                serving->hooks->on_token(serving->hooks->user, live->owners[i], sequence->tokens[sequence->n_tok - 1]);
            }
        }
    }
}

static enum ts_status note_step(struct serving *serving, const struct ts_live_step *step)
{
    struct ts_live_run *run = serving->run;
    if (run->n_steps == serving->max_steps) {
        const size_t max = serving->max_steps ? 2 * serving->max_steps : FIRST_STEPS;
        struct ts_live_step *steps = realloc(run->steps, max * sizeof *steps);
        if (!steps) {
            return TS_ENOMEM;
        }
        run->steps = steps;
        serving->max_steps = max;
    }
    run->steps[run->n_steps++] = *step;
    return TS_OK;
}

static enum ts_status run_step(struct serving *serving, const struct ts_scheduler_plan *plan, int64_t begin_ns)
{
    struct ts_live *live = serving->live;
    struct ts_scheduler_step done;
    struct ts_live_step step = {.begin_ns = begin_ns, .load = plan->load};
    uint32_t n_chunks = 0;
    step.n_waiting = ts_scheduler_waiting(serving->scheduler);
    note_preempted(serving, plan);
    enum ts_status status = make_chunks(serving, &n_chunks, begin_ns);
    if (status != TS_OK) {
        return status;
    }
    const int64_t model_ns = elapsed_ns(serving);
    status = ts_transformer_step(live->transformer, live->chunks, n_chunks, live->logits, serving->diags);
    if (status != TS_OK) {
        return status;
    }
    take_tokens(serving, n_chunks);
    step.model_ns = elapsed_ns(serving) - model_ns;
    ts_live_remember(live, ts_clock_now_ns() - step.model_ns, plan->load.prefill_tok > 0);
    ts_scheduler_commit(serving->scheduler, &done);
    step.end_ns = elapsed_ns(serving);
    note_tokens(serving, n_chunks, step.end_ns);
    for (uint32_t i = 0; i < done.n_finished; i++) {
        const struct ts_live_record *record = &serving->run->records[done.finished[i]];
        TS_CHECK(record->n_given == record->output_tok);
        forget(serving, done.finished[i]);
    }
    return note_step(serving, &step);
}

/* ---- the loop ---- */

/* Stops the clock for what is to be done in between. */
static enum ts_status take_pause(struct serving *serving)
{
    const struct ts_live_hooks *hooks = serving->hooks;
    const int64_t at_ns = elapsed_ns(serving);
    if (!hooks || !hooks->pause || at_ns < serving->next_pause_ns) {
        return TS_OK;
    }
    const enum ts_status status = hooks->pause(hooks->user, 1e-9 * (double)at_ns);
    serving->next_pause_ns = at_ns + (int64_t)(1e9 * hooks->pause_every_s);
    serving->start_ns += elapsed_ns(serving) - at_ns;
    return status;
}

static enum ts_status serve(struct serving *serving)
{
    const struct ts_live_hooks *hooks = serving->hooks;
    enum ts_status status = TS_OK;
    int64_t begin_ns = 0;
    while (status == TS_OK && serving->n_ended < serving->n) {
        struct ts_scheduler_plan plan;
        const struct ts_progress_state state = {.what = "requests",
                                                .done = (double)serving->n_ended,
                                                .total = (double)serving->n,
                                                .elapsed_s = 1e-9 * (double)elapsed_ns(serving),
                                                .left_s = NAN};
        if (hooks && !ts_progress_go_on(&hooks->progress, &state)) {
            return TS_EINTERRUPTED;
        }
        status = take_pause(serving);
        if (status == TS_OK) {
            status = take_in_due(serving);
        }
        if (status == TS_OK && ts_scheduler_plan(serving->scheduler, &plan)) {
            status = run_step(serving, &plan, begin_ns);
            begin_ns = serving->run->n_steps > 0 ? serving->run->steps[serving->run->n_steps - 1].end_ns : 0;
        } else if (status == TS_OK && serving->n_seen < serving->n) {
            await_arrival(serving);
            begin_ns = elapsed_ns(serving);
        }
    }
    return status;
}

static enum ts_status init_run(struct ts_live_run *run, const struct ts_request *requests, size_t n)
{
    *run = (struct ts_live_run){.n_records = n};
    run->records = calloc(n ? n : 1, sizeof *run->records);
    if (!run->records) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < n; i++) {
        run->records[i] = (struct ts_live_record){
            .due_ns = requests[i].arrival_ns,
            .seen_ns = TS_NEVER_NS,
            .start_ns = TS_NEVER_NS,
            .first_ns = TS_NEVER_NS,
            .last_ns = TS_NEVER_NS,
            .prompt_tok = requests[i].prompt_tok,
            .output_tok = requests[i].output_tok,
        };
    }
    return TS_OK;
}

enum ts_status ts_live_serve(struct ts_live_run *out, struct ts_live *live, const struct ts_request *requests, size_t n,
                             const struct ts_live_hooks *hooks, struct ts_diags *diags)
{
    struct ts_live_run run;
    struct serving serving = {.live = live, .requests = requests, .n = n, .run = &run, .hooks = hooks, .diags = diags};
    enum ts_status status = init_run(&run, requests, n);
    serving.sequences = calloc(n ? n : 1, sizeof *serving.sequences);
    if (status == TS_OK && !serving.sequences) {
        status = TS_ENOMEM;
    }
    if (status == TS_OK) {
        status = ts_scheduler_create(&serving.scheduler, &live->options.scheduler);
    }
    if (status == TS_OK) {
        serving.start_ns = ts_clock_now_ns();
        status = serve(&serving);
        run.end_ns = elapsed_ns(&serving);
    }
    for (size_t i = 0; serving.sequences && i < n; i++) {
        ts_kv_seq_release(&live->cache, &serving.sequences[i].kv);
        free(serving.sequences[i].tokens);
    }
    free(serving.sequences);
    ts_scheduler_destroy(serving.scheduler);
    if (status == TS_OK || status == TS_EINTERRUPTED) {
        *out = run;
    } else {
        ts_live_run_deinit(&run);
    }
    return status;
}

void ts_live_run_deinit(struct ts_live_run *run)
{
    free(run->records);
    free(run->steps);
    *run = (struct ts_live_run){0};
}
