/* The batching scheduler: each of its rules as a hand-worked example, and random runs in which the fast path must agree
 * with single steps. */
#include "tests/sim/sim_world.h"

#include "sim/scheduler.h"

static struct ts_scheduler *make(struct ts_scheduler_config config)
{
    struct ts_scheduler *s = NULL;
    assert_int_equal(ts_scheduler_create(&s, &config), TS_OK);
    return s;
}

static struct ts_scheduler_config plenty(void)
{
    return (struct ts_scheduler_config){
        .max_batched_tok = 100, .max_seqs = 8, .chunked_prefill = true, .block_tok = 4, .kv_blocks = 1000};
}

static uint32_t submit(struct ts_scheduler *s, uint32_t tag, uint32_t prompt_tok, uint32_t output_tok)
{
    uint32_t handle = 0;
    assert_int_equal(ts_scheduler_submit(s, &handle, tag, prompt_tok, output_tok), TS_OK);
    return handle;
}

static struct ts_scheduler_plan plan(struct ts_scheduler *s)
{
    struct ts_scheduler_plan p;
    assert_true(ts_scheduler_plan(s, &p));
    return p;
}

static struct ts_scheduler_step commit(struct ts_scheduler *s)
{
    struct ts_scheduler_step step;
    ts_scheduler_commit(s, &step);
    return step;
}

static void assert_item(const struct ts_scheduler *s, uint32_t i, uint32_t tag, uint32_t past_tok, uint32_t n_new)
{
    const struct ts_scheduler_item item = ts_scheduler_item(s, i);
    assert_int_equal(item.tag, tag);
    assert_int_equal(item.past_tok, past_tok);
    assert_int_equal(item.n_new, n_new);
}

static void test_scheduler__nothing_to_do_is_no_step(void **state)
{
    (void)state;
    struct ts_scheduler *s = make(plenty());
    struct ts_scheduler_plan p;
    struct ts_scheduler_run run;
    assert_false(ts_scheduler_plan(s, &p));
    assert_false(ts_scheduler_steady(s, &run));
    ts_scheduler_destroy(s);
}

/* Rule 7: a prompt of 10 and 3 tokens out: one step for the prompt, which gives the first token, then two. */
static void test_scheduler__the_first_token_comes_with_the_end_of_the_prompt(void **state)
{
    (void)state;
    struct ts_scheduler *s = make(plenty());
    submit(s, 42, 10, 3);
    struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.load.prefill_tok, 10);
    assert_int_equal(p.load.n_decode, 0);
    assert_true(p.load.prefill_pairs == 55.0);
    assert_int_equal(p.n_admitted, 1);
    assert_int_equal(p.blocks_used, 3);
    struct ts_scheduler_step step = commit(s);
    assert_int_equal(step.n_started, 1);
    assert_int_equal(step.started[0], 42);
    assert_int_equal(step.n_finished, 0);
    p = plan(s);
    assert_int_equal(p.load.n_decode, 1);
    assert_true(p.load.kv_read_tok == 11.0);
    assert_item(s, 0, 42, 10, 1);
    assert_int_equal(commit(s).n_finished, 0);
    (void)plan(s);
    step = commit(s);
    assert_int_equal(step.n_finished, 1);
    assert_int_equal(step.finished[0], 42);
    assert_int_equal(ts_scheduler_blocks_used(s), 0);
    ts_scheduler_destroy(s);
}

static void test_scheduler__one_token_out_ends_with_the_prompt(void **state)
{
    (void)state;
    struct ts_scheduler *s = make(plenty());
    submit(s, 1, 10, 1);
    (void)plan(s);
    const struct ts_scheduler_step step = commit(s);
    assert_int_equal(step.n_started, 1);
    assert_int_equal(step.n_finished, 1);
    assert_int_equal(ts_scheduler_running(s), 0);
    ts_scheduler_destroy(s);
}

/* Rule 2: budget 100, a prompt of 250 in chunks of 100, 100, 50; pairs: n*(past + (n+1)/2). */
static void test_scheduler__a_long_prompt_is_cut_into_chunks(void **state)
{
    (void)state;
    struct ts_scheduler *s = make(plenty());
    submit(s, 1, 250, 2);
    const uint32_t chunks[] = {100, 100, 50};
    uint32_t past = 0;
    for (size_t i = 0; i < COUNT(chunks); i++) {
        const struct ts_scheduler_plan p = plan(s);
        assert_int_equal(p.load.prefill_tok, chunks[i]);
        assert_true(p.load.prefill_pairs == chunks[i] * (past + (chunks[i] + 1) / 2.0));
        assert_item(s, 0, 1, past, chunks[i]);
        past += chunks[i];
        assert_int_equal(commit(s).n_started, i == 2);
    }
    ts_scheduler_destroy(s);
}

/* Rule 2: a running decode goes first; the prompt gets the 99 left, then the rest. */
static void test_scheduler__running_sequences_come_before_waiting_ones(void **state)
{
    (void)state;
    struct ts_scheduler *s = make(plenty());
    submit(s, 1, 5, 50);
    (void)plan(s);
    (void)commit(s);
    submit(s, 2, 120, 2);
    struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.load.n_decode, 1);
    assert_int_equal(p.load.prefill_tok, 99);
    assert_item(s, 0, 1, 5, 1);
    assert_item(s, 1, 2, 0, 99);
    (void)commit(s);
    p = plan(s);
    assert_int_equal(p.load.prefill_tok, 21);
    assert_int_equal(commit(s).n_started, 1);
    ts_scheduler_destroy(s);
}

static void test_scheduler__the_budget_is_shared_in_order_of_arrival(void **state)
{
    (void)state;
    struct ts_scheduler *s = make(plenty());
    submit(s, 1, 60, 2);
    submit(s, 2, 60, 2);
    submit(s, 3, 60, 2);
    struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.n_admitted, 2);
    assert_item(s, 0, 1, 0, 60);
    assert_item(s, 1, 2, 0, 40);
    (void)commit(s);
    p = plan(s); /* 1 decodes, 2 ends its prompt with 20, 3 begins with 60 */
    assert_int_equal(p.n_admitted, 1);
    assert_int_equal(p.load.n_decode, 1);
    assert_int_equal(p.load.prefill_tok, 80);
    (void)commit(s);
    ts_scheduler_destroy(s);
}

static void test_scheduler__without_chunks_a_prompt_waits_for_a_whole_place(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.chunked_prefill = false;
    struct ts_scheduler *s = make(config);
    submit(s, 1, 60, 2);
    submit(s, 2, 60, 2);
    submit(s, 3, 10, 2); /* would fit, but the head of the line does not */
    struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.n_admitted, 1);
    assert_int_equal(p.load.prefill_tok, 60);
    (void)commit(s);
    p = plan(s);
    assert_int_equal(p.n_admitted, 2);
    assert_int_equal(p.load.prefill_tok, 70);
    (void)commit(s);
    assert_false(ts_scheduler_can_hold(&config, 101, 1));
    ts_scheduler_destroy(s);
}

static void test_scheduler__a_long_prefill_limit_leaves_budget_for_others(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.long_prefill_tok = 30;
    struct ts_scheduler *s = make(config);
    for (uint32_t tag = 1; tag <= 4; tag++) {
        submit(s, tag, 50, 3);
    }
    const struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.n_admitted, 4);
    assert_item(s, 0, 1, 0, 30);
    assert_item(s, 2, 3, 0, 30);
    assert_item(s, 3, 4, 0, 10);
    assert_int_equal(commit(s).n_started, 0);
    (void)plan(s);
    assert_item(s, 0, 1, 30, 20);
    assert_item(s, 3, 4, 10, 30);
    assert_int_equal(commit(s).n_started, 3);
    ts_scheduler_destroy(s);
}

static void test_scheduler__max_seqs_bounds_the_running_list(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.max_seqs = 2;
    struct ts_scheduler *s = make(config);
    submit(s, 1, 5, 2);
    submit(s, 2, 5, 3);
    submit(s, 3, 5, 2);
    assert_int_equal(plan(s).n_admitted, 2);
    (void)commit(s);
    assert_int_equal(plan(s).n_admitted, 0);
    assert_int_equal(commit(s).n_finished, 1); /* 1 */
    assert_int_equal(plan(s).n_admitted, 1);   /* 3 */
    (void)commit(s);
    ts_scheduler_destroy(s);
}

/* Rule 5, head of line: 5 blocks of 4. The first takes 3 and will grow; the second wants 3 and blocks the third, which
 * wants 1. */
static void test_scheduler__a_head_without_blocks_holds_up_the_line(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.kv_blocks = 5;
    struct ts_scheduler *s = make(config);
    submit(s, 1, 10, 3);
    submit(s, 2, 11, 2);
    submit(s, 3, 2, 2);
    const struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.n_admitted, 1);
    assert_int_equal(p.blocks_used, 3);
    (void)commit(s);
    assert_int_equal(plan(s).n_admitted, 0);
    (void)commit(s);
    (void)plan(s);
    assert_int_equal(commit(s).n_finished, 1);
    assert_int_equal(plan(s).n_admitted, 2); /* 3 + 1 blocks */
    (void)commit(s);
    ts_scheduler_destroy(s);
}

/* Rules 3 and 4: 4 blocks of 4, two prompts of 8 fill them; the first decode step of the first finds no block: the tail
 * is preempted, loses its 2 blocks, keeps its token, and recomputes 8 + 1 tokens when there is room again. */
static void test_scheduler__the_tail_is_preempted_and_recomputed(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.kv_blocks = 4;
    struct ts_scheduler *s = make(config);
    submit(s, 1, 8, 3);
    submit(s, 2, 8, 3);
    submit(s, 3, 1, 1);
    struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.n_admitted, 2);
    assert_int_equal(commit(s).n_started, 2);
    p = plan(s);
    assert_int_equal(p.n_preempted, 1);
    assert_int_equal(p.preempted[0], 2);
    assert_int_equal(p.n_admitted, 0); /* nobody enters a step that preempted, though 1 block is free */
    assert_int_equal(p.load.n_seqs, 1);
    assert_true(p.load.kv_read_tok == 9.0);
    assert_int_equal(p.blocks_used, 3);
    (void)commit(s);
    assert_int_equal(ts_scheduler_waiting(s), 2);
    p = plan(s); /* 2 is back at the head; its 9 tokens need 3 blocks, 1 is free */
    assert_int_equal(p.n_admitted, 0);
    assert_int_equal(commit(s).n_finished, 1);
    p = plan(s);
    assert_int_equal(p.n_admitted, 2);
    assert_int_equal(p.admitted[0], 2);
    assert_int_equal(p.admitted[1], 3);
    assert_item(s, 0, 2, 0, 9);
    struct ts_scheduler_step step = commit(s);
    assert_int_equal(step.n_started, 2);
    assert_int_equal(step.n_finished, 1); /* 3 */
    (void)plan(s);
    step = commit(s);
    assert_int_equal(step.n_finished, 1); /* 2: one token before, one on recomputing, one now */
    assert_int_equal(step.finished[0], 2);
    ts_scheduler_destroy(s);
}

/* Rule 5: prompts in chunks of 4, 4 blocks of 4. In the step that preempts the second sequence, its first chunk would
 * fit the block that is left; it comes back in the step after. */
static void test_scheduler__nobody_enters_a_step_that_preempted(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.kv_blocks = 4;
    config.long_prefill_tok = 4;
    struct ts_scheduler *s = make(config);
    submit(s, 1, 8, 3);
    submit(s, 2, 8, 3);
    (void)plan(s);
    (void)commit(s);
    (void)plan(s);
    assert_int_equal(commit(s).n_started, 2);
    struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.n_preempted, 1);
    assert_int_equal(p.n_admitted, 0);
    assert_int_equal(p.blocks_used, 3);
    (void)commit(s);
    p = plan(s);
    assert_int_equal(p.n_admitted, 1);
    assert_item(s, 1, 2, 0, 4);
    (void)commit(s);
    ts_scheduler_destroy(s);
}

/* Rule 3: the victim may be the sequence that asks. 5 blocks: 1 holds 3 with room left, 2 at the tail needs a third and
 * must go itself. */
static void test_scheduler__the_victim_may_be_the_one_that_asks(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.kv_blocks = 5;
    struct ts_scheduler *s = make(config);
    submit(s, 1, 9, 3);
    submit(s, 2, 8, 3);
    (void)plan(s);
    (void)commit(s);
    const struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.n_preempted, 1);
    assert_int_equal(p.preempted[0], 2);
    assert_int_equal(p.load.n_seqs, 1);
    assert_item(s, 0, 1, 9, 1);
    (void)commit(s);
    ts_scheduler_destroy(s);
}

/* Several at once are preempted from the tail, and come back in their old order. */
static void test_scheduler__preempted_sequences_keep_their_order(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.kv_blocks = 6;
    config.max_batched_tok = 16;
    struct ts_scheduler *s = make(config);
    submit(s, 1, 8, 9);
    submit(s, 2, 4, 4);
    submit(s, 3, 4, 4);
    (void)plan(s); /* 2 + 1 + 1 blocks */
    (void)commit(s);
    struct ts_scheduler_plan p = plan(s); /* each wants one more, two are free: 3 goes, then its block serves 2 */
    assert_int_equal(p.n_preempted, 1);
    assert_int_equal(p.preempted[0], 3);
    assert_int_equal(p.blocks_used, 5);
    (void)commit(s);
    p = plan(s); /* 3 is head: 5 tokens need 2 blocks, 1 free */
    assert_int_equal(p.n_admitted, 0);
    (void)commit(s);
    ts_scheduler_destroy(s);
}

/* Llama-3.1-70B in FP8 (70.55 GB) on 80 GB x 0.95 with 163,840 B a token leaves 33,264 tokens: 2,079 blocks of 16. */
static void test_scheduler__kv_arithmetic_of_70b_on_80_gb(void **state)
{
    (void)state;
    const double kv_tok = floor((80e9 * 0.95 - 70.55e9) / 163840.0);
    assert_true(kv_tok == 33264.0);
    struct ts_scheduler_config config = plenty();
    config.block_tok = 16;
    config.kv_blocks = (uint64_t)kv_tok / 16;
    assert_int_equal(config.kv_blocks, 2079);
    assert_true(ts_scheduler_can_hold(&config, 33264, 1));
    assert_true(ts_scheduler_can_hold(&config, 33000, 265));
    assert_false(ts_scheduler_can_hold(&config, 33000, 266));
}

static void test_scheduler__an_aborted_sequence_is_never_heard_of_again(void **state)
{
    (void)state;
    struct ts_scheduler *s = make(plenty());
    const uint32_t first = submit(s, 1, 5, 1);
    const uint32_t second = submit(s, 2, 5, 9);
    const uint32_t third = submit(s, 3, 5, 9);
    ts_scheduler_abort(s, third); /* waiting */
    (void)plan(s);
    ts_scheduler_abort(s, first); /* in the step under way */
    struct ts_scheduler_step step = commit(s);
    assert_int_equal(step.n_started, 1);
    assert_int_equal(step.started[0], 2);
    assert_int_equal(step.n_finished, 0);
    assert_int_equal(ts_scheduler_running(s), 1);
    ts_scheduler_abort(s, second); /* running, between steps */
    assert_int_equal(ts_scheduler_running(s), 0);
    assert_int_equal(ts_scheduler_blocks_used(s), 0);
    ts_scheduler_destroy(s);
}

static void test_scheduler__impossible_settings_are_refused(void **state)
{
    (void)state;
    struct ts_scheduler *s = NULL;
    struct ts_scheduler_config bad[5];
    for (size_t i = 0; i < COUNT(bad); i++) {
        bad[i] = plenty();
    }
    bad[0].max_batched_tok = 0;
    bad[1].max_seqs = 0;
    bad[2].block_tok = 0;
    bad[3].kv_blocks = 0;
    bad[4].block_tok = TS_SCHEDULER_MAX_BLOCK_TOK + 1;
    for (size_t i = 0; i < COUNT(bad); i++) {
        assert_int_equal(ts_scheduler_create(&s, &bad[i]), TS_ERANGE);
    }
}

/* 3 sequences in decode, block 4: a run takes blocks as their last ones fill up, and ends with the first to finish. */
static void test_scheduler__a_run_ends_with_the_first_to_finish(void **state)
{
    (void)state;
    struct ts_scheduler *s = make(plenty());
    struct ts_scheduler_run run;
    struct ts_scheduler_step step;
    submit(s, 1, 4, 20);
    submit(s, 2, 5, 7);
    submit(s, 3, 8, 30);
    assert_false(ts_scheduler_steady(s, &run));
    (void)plan(s);
    (void)commit(s);
    assert_true(ts_scheduler_steady(s, &run));
    assert_int_equal(run.n_seqs, 3);
    assert_int_equal(run.max_steps, 6);
    assert_int_equal(run.kv_read_tok, 4 + 5 + 8 + 3);
    assert_int_equal(run.blocks_used, 1 + 2 + 2);
    assert_int_equal(run.new_blocks[0], 2); /* 1 and 3 are full */
    assert_int_equal(run.new_blocks[3], 1); /* 2 has room for 3 */
    ts_scheduler_advance(s, 4, &step);
    assert_int_equal(step.n_finished, 0);
    assert_int_equal(ts_scheduler_blocks_used(s), 8);
    assert_true(ts_scheduler_steady(s, &run));
    assert_int_equal(run.max_steps, 2);
    ts_scheduler_advance(s, 2, &step);
    assert_int_equal(step.n_finished, 1);
    assert_int_equal(step.finished[0], 2);
    ts_scheduler_destroy(s);
}

/* ---- random runs ---- */

struct log {
    uint64_t hash;
    uint64_t n_steps, n_started, n_finished, n_preempted;
};

static void note(struct log *log, uint64_t value)
{
    log->hash = ts_mix64(log->hash * 31 + value + 1);
}

static void note_step(struct log *log, const struct ts_scheduler_step *step)
{
    for (uint32_t i = 0; i < step->n_started; i++) {
        note(log, 1000000 + step->started[i]);
    }
    for (uint32_t i = 0; i < step->n_finished; i++) {
        note(log, 2000000 + step->finished[i]);
    }
    log->n_started += step->n_started;
    log->n_finished += step->n_finished;
}

/* Submits by the number of the step, so that both ways see the same arrivals at the same steps. */
static struct log drive(const struct ts_scheduler_config *config, uint64_t seed, bool fast)
{
    enum { N = 200 };
    struct ts_rng rng;
    struct log log = {0};
    struct ts_scheduler *s = make(*config);
    uint64_t due[N];
    uint32_t prompt_tok[N], output_tok[N];
    uint32_t next = 0;
    ts_rng_init(&rng, seed, 0, 0, 0);
    for (uint64_t i = 0, at = 0; i < N; i++) {
        at += ts_rng_u32(&rng) % 12;
        due[i] = at;
        do {
            prompt_tok[i] = 1 + ts_rng_u32(&rng) % 40;
            output_tok[i] = 1 + ts_rng_u32(&rng) % 40;
        } while (!ts_scheduler_can_hold(config, prompt_tok[i], output_tok[i]));
    }
    for (;;) {
        struct ts_scheduler_plan p;
        struct ts_scheduler_step step;
        struct ts_scheduler_run run;
        for (; next < N && due[next] <= log.n_steps; next++) {
            submit(s, next, prompt_tok[next], output_tok[next]);
        }
        if (fast && ts_scheduler_steady(s, &run)) {
            const uint64_t until_due = next < N ? due[next] - log.n_steps : UINT64_MAX;
            const uint32_t n = until_due < run.max_steps ? (uint32_t)until_due : run.max_steps;
            log.n_steps += n;
            ts_scheduler_advance(s, n, &step);
        } else if (ts_scheduler_plan(s, &p)) {
            log.n_preempted += p.n_preempted;
            assert_true(p.blocks_used <= config->kv_blocks);
            assert_true(p.load.prefill_tok + p.load.n_decode <= config->max_batched_tok);
            assert_true(ts_scheduler_running(s) <= config->max_seqs);
            for (uint32_t i = 0; i < ts_scheduler_running(s); i++) {
                assert_true(ts_scheduler_item(s, i).n_new >= 1);
            }
            log.n_steps++;
            ts_scheduler_commit(s, &step);
        } else if (next < N) {
            log.n_steps = due[next];
            continue;
        } else {
            break;
        }
        note_step(&log, &step);
        if (step.n_started + step.n_finished > 0) {
            note(&log, log.n_steps);
            note(&log, ts_scheduler_blocks_used(s));
        }
    }
    assert_int_equal(log.n_finished, N);
    assert_int_equal(ts_scheduler_blocks_used(s), 0);
    ts_scheduler_destroy(s);
    return log;
}

static void test_scheduler__runs_equal_single_steps_on_random_loads(void **state)
{
    (void)state;
    uint64_t n_preempted = 0;
    for (uint64_t seed = 0; seed < 300; seed++) {
        struct ts_rng rng;
        ts_rng_init(&rng, seed, 1, 0, 0);
        struct ts_scheduler_config config = {.max_batched_tok = 4 + ts_rng_u32(&rng) % 120,
                                             .max_seqs = 1 + ts_rng_u32(&rng) % 12,
                                             .chunked_prefill = ts_rng_u32(&rng) % 4 != 0,
                                             .block_tok = 1 + ts_rng_u32(&rng) % 20};
        config.kv_blocks = 60 / config.block_tok + 1 + ts_rng_u32(&rng) % 20;
        config.long_prefill_tok = ts_rng_u32(&rng) % 3 == 0 ? 1 + ts_rng_u32(&rng) % 20 : 0;
        if (!config.chunked_prefill) {
            config.long_prefill_tok = 0;
            config.max_batched_tok += 80;
        }
        const struct log a = drive(&config, seed, false);
        const struct log b = drive(&config, seed, true);
        assert_int_equal(a.n_steps, b.n_steps);
        assert_int_equal(a.n_started, b.n_started);
        assert_int_equal(a.n_preempted, b.n_preempted);
        assert_int_equal(a.hash, b.hash);
        n_preempted += a.n_preempted;
    }
    assert_true(n_preempted > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scheduler__nothing_to_do_is_no_step),
        cmocka_unit_test(test_scheduler__the_first_token_comes_with_the_end_of_the_prompt),
        cmocka_unit_test(test_scheduler__one_token_out_ends_with_the_prompt),
        cmocka_unit_test(test_scheduler__a_long_prompt_is_cut_into_chunks),
        cmocka_unit_test(test_scheduler__running_sequences_come_before_waiting_ones),
        cmocka_unit_test(test_scheduler__the_budget_is_shared_in_order_of_arrival),
        cmocka_unit_test(test_scheduler__without_chunks_a_prompt_waits_for_a_whole_place),
        cmocka_unit_test(test_scheduler__a_long_prefill_limit_leaves_budget_for_others),
        cmocka_unit_test(test_scheduler__max_seqs_bounds_the_running_list),
        cmocka_unit_test(test_scheduler__a_head_without_blocks_holds_up_the_line),
        cmocka_unit_test(test_scheduler__the_tail_is_preempted_and_recomputed),
        cmocka_unit_test(test_scheduler__nobody_enters_a_step_that_preempted),
        cmocka_unit_test(test_scheduler__the_victim_may_be_the_one_that_asks),
        cmocka_unit_test(test_scheduler__preempted_sequences_keep_their_order),
        cmocka_unit_test(test_scheduler__kv_arithmetic_of_70b_on_80_gb),
        cmocka_unit_test(test_scheduler__an_aborted_sequence_is_never_heard_of_again),
        cmocka_unit_test(test_scheduler__impossible_settings_are_refused),
        cmocka_unit_test(test_scheduler__a_run_ends_with_the_first_to_finish),
        cmocka_unit_test(test_scheduler__runs_equal_single_steps_on_random_loads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
