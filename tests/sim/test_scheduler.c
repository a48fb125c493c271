/* The batching scheduler: each of its rules as a hand-worked example, and random runs in which the fast path must agree
 * with single steps. */
#include "tests/sim/sim_world.h"

#include "sim/serving/scheduler.h"

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
    struct ts_scheduler_config config = plenty();
    config.counts_kv_max = true;
    struct ts_scheduler *s = make(config);
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
    assert_int_equal(run.kv_max_tok, 8 + 1);
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

/* ---- whole-sequence admission, priorities ---- */

/* 6 blocks of 4, budget 8: the first holds 3, the second's first chunk of 8 needs 2, all of its 16 tokens need 4. */
static void test_scheduler__whole_admission_waits_for_blocks_of_all_tokens(void **state)
{
    (void)state;
    for (int whole = 0; whole < 2; whole++) {
        struct ts_scheduler_config config = plenty();
        config.kv_blocks = 6;
        config.max_batched_tok = 9;
        config.whole_admission = whole;
        struct ts_scheduler *s = make(config);
        submit(s, 1, 9, 3);
        (void)plan(s);
        (void)commit(s);
        submit(s, 2, 16, 1);
        assert_int_equal(plan(s).n_admitted, whole ? 0 : 1);
        (void)commit(s);
        ts_scheduler_destroy(s);
    }
}

/* 6 blocks of 4: the first has 9 tokens now, but 12 at its end, the second 13 at its end: 3 + 4 blocks. It enters when
 * the first is through. Where entries are evicted it enters at once, and one of them starts over. */
static void test_scheduler__no_evict_waits_for_blocks_of_the_whole_reply(void **state)
{
    (void)state;
    for (int keeps = 0; keeps < 2; keeps++) {
        struct ts_scheduler_config config = plenty();
        config.kv_blocks = 6;
        config.no_evict = keeps;
        struct ts_scheduler *s = make(config);
        uint32_t n_preempted = 0, n_steps = 0;
        submit(s, 1, 9, 4);
        submit(s, 2, 10, 4);
        for (uint32_t n_done = 0; n_done < 2; n_steps++) {
            const struct ts_scheduler_plan p = plan(s);
            assert_int_equal(p.n_admitted, n_steps == 0 ? 2 - keeps : n_steps == 4);
            n_preempted += p.n_preempted;
            n_done += commit(s).n_finished;
        }
        assert_int_equal(n_preempted, 1 - keeps);
        assert_int_equal(n_steps, keeps ? 8 : 5);
        assert_int_equal(ts_scheduler_blocks_used(s), 0);
        ts_scheduler_destroy(s);
    }
}

/* 7 blocks of 4. In step 4 the first needs its fourth block, and the second, with 13 tokens in three full blocks and
 * one begun, makes way. In step 8 the first needs a fifth, and takes one of those three. When it is through, the second
 * has 14 tokens, 8 of which stand in the two that are left. */
static void test_scheduler__a_preempted_sequence_finds_what_nobody_took(void **state)
{
    (void)state;
    enum { FORGETS, FINDS_OWN, CACHE, N };
    for (int how = 0; how < N; how++) {
        struct ts_scheduler_config config = plenty();
        config.kv_blocks = 7;
        config.finds_own = how == FINDS_OWN;
        config.prefix_cache = how == CACHE;
        struct ts_scheduler *s = make(config);
        submit(s, 1, 9, 12);
        submit(s, 2, 10, 8);
        for (uint32_t n_steps = 0; n_steps < 12; n_steps++) {
            assert_int_equal(plan(s).n_preempted, n_steps == 4);
            (void)commit(s);
        }
        (void)plan(s);
        assert_item(s, 0, 2, how == FORGETS ? 0 : 8, how == FORGETS ? 14 : 6);
        ts_scheduler_destroy(s);
    }
}

/* One decodes when two prompts of 60 come, budget 100: 60 + 40, then 20, all alone; then all three decode, and whoever
 * paused is told. */
static void test_scheduler__where_prompts_come_first_decoding_pauses(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.prompts_first = true;
    struct ts_scheduler *s = make(config);
    struct ts_scheduler_run run;
    submit(s, 1, 10, 9);
    (void)plan(s);
    (void)commit(s);
    assert_true(ts_scheduler_steady(s, &run));
    submit(s, 2, 60, 3);
    submit(s, 3, 60, 3);
    assert_false(ts_scheduler_run_goes_on(s));
    struct ts_scheduler_plan p = plan(s);
    assert_item(s, 0, 1, 10, 0);
    assert_item(s, 1, 2, 0, 60);
    assert_item(s, 2, 3, 0, 40);
    assert_int_equal(p.load.n_seqs, 2);
    assert_int_equal(p.load.n_decode, 0);
    assert_int_equal(p.n_paused, 1);
    assert_int_equal(p.paused[0], 1);
    assert_int_equal(commit(s).n_started, 1);
    p = plan(s);
    assert_item(s, 0, 1, 10, 0);
    assert_item(s, 1, 2, 60, 0);
    assert_item(s, 2, 3, 40, 20);
    assert_int_equal(p.n_paused, 1); /* the first pauses already */
    assert_int_equal(p.paused[0], 2);
    struct ts_scheduler_step step = commit(s);
    assert_int_equal(step.n_started, 1);
    assert_int_equal(step.started[0], 3);
    assert_false(ts_scheduler_steady(s, &run)); /* the pause is to be told */
    p = plan(s);
    assert_int_equal(p.load.n_decode, 3);
    assert_true(p.load.kv_read_tok == 11.0 + 61.0 + 61.0);
    step = commit(s);
    assert_int_equal(step.n_started, 2);
    assert_int_equal(step.started[0], 1);
    assert_int_equal(step.started[1], 2);
    assert_true(ts_scheduler_steady(s, &run));
    assert_int_equal(run.max_steps, 1);
    ts_scheduler_destroy(s);
}

/* 6 blocks of 4, and 3 of them held: a prompt of 16 tokens waits, as its first chunk alone would stop everybody. */
static void test_scheduler__a_prompt_that_comes_first_has_blocks_for_all_of_it(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.prompts_first = true;
    config.kv_blocks = 6;
    config.max_batched_tok = 9;
    struct ts_scheduler *s = make(config);
    submit(s, 1, 9, 3);
    (void)plan(s);
    (void)commit(s);
    submit(s, 2, 16, 1);
    const struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.n_admitted, 0);
    assert_int_equal(p.load.n_decode, 1);
    (void)commit(s);
    ts_scheduler_destroy(s);
}

static uint32_t submit_with(struct ts_scheduler *s, uint32_t tag, uint32_t prompt_tok, uint32_t output_tok,
                            struct ts_scheduler_extras extras)
{
    uint32_t handle = 0;
    assert_int_equal(ts_scheduler_submit_with(s, &handle, tag, prompt_tok, output_tok, &extras), TS_OK);
    return handle;
}

static void test_scheduler__the_highest_priority_enters_first(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.by_priority = true;
    struct ts_scheduler *s = make(config);
    submit_with(s, 1, 5, 2, (struct ts_scheduler_extras){.priority = 0});
    submit_with(s, 2, 5, 2, (struct ts_scheduler_extras){.priority = 7});
    submit_with(s, 3, 5, 2, (struct ts_scheduler_extras){.priority = 15});
    submit_with(s, 4, 5, 2, (struct ts_scheduler_extras){.priority = 7});
    const struct ts_scheduler_plan p = plan(s);
    static const uint32_t order[] = {3, 2, 4, 1};
    assert_int_equal(p.n_admitted, 4);
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(p.admitted[i], order[i]);
    }
    (void)commit(s);
    ts_scheduler_destroy(s);
}

/* 6 blocks of 4. 2 (high) asks for its third when 1 and 3 (low) hold two each: 3, the last of the low ones, goes. When
 * 2 asks for its fourth, 1 goes, though it stands before it and had its share of the step. */
static void test_scheduler__the_lowest_priority_is_preempted_wherever_it_stands(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.by_priority = true;
    config.kv_blocks = 6;
    struct ts_scheduler *s = make(config);
    submit_with(s, 1, 5, 20, (struct ts_scheduler_extras){.priority = 1});
    (void)plan(s);
    (void)commit(s);
    submit_with(s, 2, 7, 14, (struct ts_scheduler_extras){.priority = 2});
    submit_with(s, 3, 4, 10, (struct ts_scheduler_extras){.priority = 1});
    assert_int_equal(plan(s).n_admitted, 2);
    (void)commit(s);
    assert_int_equal(plan(s).blocks_used, 6);
    (void)commit(s);
    struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.n_preempted, 1);
    assert_int_equal(p.preempted[0], 3);
    assert_int_equal(p.load.n_decode, 2);
    assert_int_equal(p.blocks_used, 5);
    for (int i = 0; i < 3; i++) {
        (void)commit(s);
        assert_int_equal(plan(s).n_preempted, 0);
    }
    (void)commit(s);
    p = plan(s);
    assert_int_equal(p.n_preempted, 1);
    assert_int_equal(p.preempted[0], 1);
    assert_int_equal(p.load.n_seqs, 1);
    assert_int_equal(p.load.n_decode, 1);
    assert_true(p.load.kv_read_tok == 13.0);
    assert_item(s, 0, 2, 12, 1);
    assert_int_equal(p.blocks_used, 4);
    (void)commit(s);
    ts_scheduler_destroy(s);
}

/* ---- the prefix cache ---- */

static struct ts_prefix prefix_of(const uint64_t *ids, uint32_t n_ids)
{
    return (struct ts_prefix){.ids = ids, .n_ids = n_ids, .block_tok = 4};
}

static struct ts_scheduler_config caching(void)
{
    struct ts_scheduler_config config = plenty();
    config.prefix_cache = true;
    return config;
}

/* Blocks of 4: two prompts of 10 share 8 tokens. The second computes 2, in the same step, and one block more is used.
 */
static void test_scheduler__a_known_prefix_is_not_computed_again(void **state)
{
    (void)state;
    static const uint64_t ids[][3] = {{1, 2, 3}, {1, 2, 4}};
    struct ts_scheduler *s = make(caching());
    submit_with(s, 1, 10, 2, (struct ts_scheduler_extras){.prefix = prefix_of(ids[0], 3)});
    submit_with(s, 2, 10, 2, (struct ts_scheduler_extras){.prefix = prefix_of(ids[1], 3)});
    const struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.load.prefill_tok, 12);
    assert_item(s, 1, 2, 8, 2);
    assert_true(p.load.prefill_pairs == 55.0 + 2 * (8 + 1.5));
    assert_int_equal(p.blocks_used, 4);
    assert_int_equal(p.looked_up_tok, 20);
    assert_int_equal(p.found_tok, 8);
    (void)commit(s);
    ts_scheduler_destroy(s);
}

/* All 8 tokens are known, but the last must be computed: one block of two is found. */
static void test_scheduler__at_least_one_token_is_computed(void **state)
{
    (void)state;
    static const uint64_t ids[] = {1, 2};
    struct ts_scheduler *s = make(caching());
    for (uint32_t tag = 1; tag <= 2; tag++) {
        submit_with(s, tag, 8, 1, (struct ts_scheduler_extras){.prefix = prefix_of(ids, 2)});
        const struct ts_scheduler_plan p = plan(s);
        assert_int_equal(p.load.prefill_tok, tag == 1 ? 8 : 4);
        assert_int_equal(commit(s).n_finished, 1);
        assert_int_equal(ts_scheduler_blocks_used(s), 0);
    }
    ts_scheduler_destroy(s);
}

/* Without ids nothing is alike, and a block that reply tokens reach into is nobody else's. */
static void test_scheduler__unknown_tokens_are_like_nothing_else(void **state)
{
    (void)state;
    static const uint64_t ids[] = {1, 2, 3};
    struct ts_scheduler *s = make(caching());
    for (uint32_t tag = 1; tag <= 2; tag++) {
        submit_with(s, tag, 12, 3, (struct ts_scheduler_extras){.priority = 0});
        submit_with(s, 10 + tag, 11, 3, (struct ts_scheduler_extras){.prefix = prefix_of(ids, 3)});
        for (int i = 0; i < 3; i++) {
            const struct ts_scheduler_plan p = plan(s);
            assert_int_equal(p.found_tok, i == 0 && tag == 2 ? 8 : 0);
            (void)commit(s);
        }
        assert_int_equal(ts_scheduler_running(s), 0);
    }
    ts_scheduler_destroy(s);
}

/* 4 blocks of 4. A chain of 3 blocks and one token is given back tail first: the next two blocks that others need are
 * the one never used, or rather its last one, and c's. Of a b c, a and b are still known. */
static void test_scheduler__the_tail_of_a_chain_is_forgotten_first(void **state)
{
    (void)state;
    static const uint64_t ids[] = {1, 2, 3};
    struct ts_scheduler_config config = caching();
    config.kv_blocks = 4;
    struct ts_scheduler *s = make(config);
    submit_with(s, 1, 13, 1, (struct ts_scheduler_extras){.prefix = prefix_of(ids, 3)});
    (void)plan(s);
    (void)commit(s);
    submit(s, 2, 7, 1);
    assert_int_equal(plan(s).found_tok, 0);
    (void)commit(s);
    submit_with(s, 3, 13, 1, (struct ts_scheduler_extras){.prefix = prefix_of(ids, 3)});
    assert_int_equal(plan(s).found_tok, 8);
    (void)commit(s);
    ts_scheduler_destroy(s);
}

/* As in the_tail_is_preempted_and_recomputed, but its first block has survived: 5 of 9 tokens are computed again. The
 * share of prompts found counts first admissions only. */
static void test_scheduler__a_preempted_sequence_finds_its_own_blocks(void **state)
{
    (void)state;
    struct ts_scheduler_config config = caching();
    config.kv_blocks = 4;
    struct ts_scheduler *s = make(config);
    submit(s, 1, 8, 3);
    submit(s, 2, 8, 3);
    (void)plan(s);
    (void)commit(s);
    assert_int_equal(plan(s).n_preempted, 1); /* 1 takes the tail of 2 */
    (void)commit(s);
    (void)plan(s);
    assert_int_equal(commit(s).n_finished, 1);
    const struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.n_admitted, 1);
    assert_item(s, 0, 2, 4, 5);
    assert_int_equal(p.looked_up_tok, 0);
    (void)commit(s);
    ts_scheduler_destroy(s);
}

/* ---- slots and static batches ---- */

/* Two slots, budget 10: the first prompt takes all of the step, the second sits out; then both get on, and a third
 * waits for a slot. Each holds its half of the cache. */
static void test_scheduler__slots_share_the_cache_and_the_budget_in_their_order(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.policy = TS_SCHEDULER_SLOTS;
    config.max_seqs = 2;
    config.max_batched_tok = 10;
    config.kv_blocks = 20;
    assert_true(ts_scheduler_can_hold(&config, 30, 11));
    assert_false(ts_scheduler_can_hold(&config, 30, 12));
    struct ts_scheduler *s = make(config);
    submit(s, 1, 14, 3);
    submit(s, 2, 8, 2);
    submit(s, 3, 1, 1);
    struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.n_admitted, 2);
    assert_int_equal(p.blocks_used, 20);
    assert_int_equal(p.load.n_seqs, 1);
    assert_item(s, 0, 1, 0, 10);
    assert_item(s, 1, 2, 0, 0);
    assert_int_equal(commit(s).n_started, 0);
    p = plan(s);
    assert_item(s, 0, 1, 10, 4);
    assert_item(s, 1, 2, 0, 6);
    assert_int_equal(commit(s).n_started, 1);
    p = plan(s);
    assert_int_equal(p.load.n_decode, 1);
    assert_int_equal(p.load.prefill_tok, 2);
    assert_int_equal(commit(s).n_started, 1);
    p = plan(s);
    assert_int_equal(p.load.n_decode, 2);
    assert_int_equal(commit(s).n_finished, 2);
    p = plan(s);
    assert_int_equal(p.n_admitted, 1);
    assert_int_equal(commit(s).n_finished, 1);
    ts_scheduler_destroy(s);
}

/* A slot keeps what it held: the next prompt that begins alike goes there, though the other slot is unused. */
static void test_scheduler__a_slot_is_chosen_by_what_it_holds(void **state)
{
    (void)state;
    static const uint64_t ids[][3] = {{1, 2, 3}, {1, 2, 4}};
    struct ts_scheduler_config config = caching();
    config.policy = TS_SCHEDULER_SLOTS;
    config.max_seqs = 2;
    struct ts_scheduler *s = make(config);
    submit_with(s, 1, 12, 1, (struct ts_scheduler_extras){.prefix = prefix_of(ids[0], 3)});
    (void)plan(s);
    assert_int_equal(commit(s).n_finished, 1);
    submit_with(s, 2, 12, 1, (struct ts_scheduler_extras){.prefix = prefix_of(ids[1], 3)});
    const struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.found_tok, 8);
    assert_int_equal(p.looked_up_tok, 12);
    assert_item(s, 0, 2, 8, 4);
    (void)commit(s);
    ts_scheduler_destroy(s);
}

/* Two slots over one buffer: the first has left 10 + 2 - 1 entries there when the second computes its prompt of 4, 11
 * and then itself, and when it decodes, 11 + 5 and one more each step; a third takes the first slot, and what that kept
 * is gone. */
static void test_scheduler__unified_slots_read_what_all_of_them_hold(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.policy = TS_SCHEDULER_SLOTS;
    config.kv_unified = true;
    config.max_seqs = 2;
    struct ts_scheduler *s = make(config);
    submit(s, 1, 10, 2);
    assert_true(plan(s).load.prefill_pairs == 55.0);
    (void)commit(s);
    assert_true(plan(s).load.kv_read_tok == 11.0);
    assert_int_equal(commit(s).n_finished, 1);
    submit(s, 2, 4, 5);
    assert_true(plan(s).load.prefill_pairs == 4 * 11.0 + 10.0);
    (void)commit(s);
    struct ts_scheduler_run run;
    assert_true(ts_scheduler_steady(s, &run));
    assert_int_equal(run.kv_read_tok, 11 + 5);
    assert_int_equal(run.kv_growth_tok, 1);
    assert_true(plan(s).load.kv_read_tok == 11.0 + 5.0);
    (void)commit(s);
    submit(s, 3, 3, 9);
    const struct ts_scheduler_plan p = plan(s);
    assert_true(p.load.kv_read_tok == 6.0 + 3.0);
    assert_true(p.load.prefill_pairs == 3 * 6.0 + 6.0);
    (void)commit(s);
    assert_true(ts_scheduler_steady(s, &run));
    assert_int_equal(run.kv_read_tok, 2 * (7 + 4));
    assert_int_equal(run.kv_growth_tok, 4);
    ts_scheduler_destroy(s);
    config.policy = TS_SCHEDULER_VLLM;
    assert_int_equal(ts_scheduler_create(&s, &config), TS_ERANGE);
}

static void test_scheduler__nobody_joins_a_static_batch(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.policy = TS_SCHEDULER_STATIC;
    config.max_seqs = 2;
    assert_false(ts_scheduler_can_hold(&config, 101, 1));
    struct ts_scheduler *s = make(config);
    submit(s, 1, 10, 2);
    submit(s, 2, 10, 4);
    submit(s, 3, 10, 1);
    struct ts_scheduler_plan p = plan(s);
    assert_int_equal(p.n_admitted, 2);
    assert_int_equal(p.blocks_used, 3 + 4); /* of 11 and 13 tokens: for all their lives */
    assert_int_equal(commit(s).n_started, 2);
    (void)plan(s);
    assert_int_equal(commit(s).n_finished, 1);
    for (int i = 0; i < 2; i++) {
        p = plan(s);
        assert_int_equal(p.n_admitted, 0);
        assert_int_equal(p.load.n_decode, 1);
        assert_int_equal(p.blocks_used, 4);
        assert_int_equal(commit(s).n_finished, i);
    }
    assert_int_equal(plan(s).n_admitted, 1);
    assert_int_equal(commit(s).n_finished, 1);
    config.prefix_cache = true;
    struct ts_scheduler *none = NULL;
    assert_int_equal(ts_scheduler_create(&none, &config), TS_ERANGE);
    ts_scheduler_destroy(s);
}

/* ---- random runs ---- */

enum { N_RANDOM = 200 };

struct load {
    uint64_t due[N_RANDOM]; /* submitted while that step is under way */
    uint32_t prompt_tok[N_RANDOM], output_tok[N_RANDOM];
    struct ts_scheduler_extras extras[N_RANDOM];
    uint64_t ids[N_RANDOM][10];
    uint64_t abort_at[N_RANDOM]; /* before that step; UINT64_MAX: never */
};

struct log {
    uint64_t hash;
    uint64_t n_steps, n_started, n_finished, n_preempted, n_aborted, found_tok;
    double kv_read_tok;
};

struct drive {
    struct ts_scheduler *s;
    const struct load *load;
    struct log log;
    uint32_t next; /* to be submitted */
    uint32_t handle[N_RANDOM];
    bool present[N_RANDOM];
};

static void note(struct log *log, uint64_t value)
{
    log->hash = ts_mix64(log->hash * 31 + value + 1);
}

static struct load *random_load(uint64_t seed, const struct ts_scheduler_config *config)
{
    struct ts_rng rng;
    struct load *load = calloc(1, sizeof *load);
    assert_non_null(load);
    ts_rng_init(&rng, seed, 0, 0, 0);
    const bool aborts = ts_rng_u32(&rng) % 2;
    const uint32_t id_tok = 1 + ts_rng_u32(&rng) % 12;
    uint64_t at = 0;
    for (uint32_t i = 0; i < N_RANDOM; i++) {
        at += ts_rng_u32(&rng) % 12;
        load->due[i] = at;
        do {
            load->prompt_tok[i] = 1 + ts_rng_u32(&rng) % 40;
            load->output_tok[i] = 1 + ts_rng_u32(&rng) % 40;
        } while (!ts_scheduler_can_hold(config, load->prompt_tok[i], load->output_tok[i]));
        load->abort_at[i] = aborts && ts_rng_u32(&rng) % 5 == 0 ? at + ts_rng_u32(&rng) % 60 : UINT64_MAX;
        for (uint32_t j = 0; j < 10; j++) { /* a few chains that part sooner or later */
            load->ids[i][j] = j < 2 ? ts_rng_u32(&rng) % 2 : ts_rng_u32(&rng) % 3;
        }
        load->extras[i] = (struct ts_scheduler_extras){
            .priority = ts_rng_u32(&rng) % 4,
            .prefix = {.ids = load->ids[i], .n_ids = ts_rng_u32(&rng) % 11, .block_tok = id_tok}};
    }
    return load;
}

/* True if anybody came. */
static bool submit_due(struct drive *d, uint64_t step)
{
    const uint32_t first = d->next;
    for (; d->next < N_RANDOM && d->load->due[d->next] <= step; d->next++) {
        const uint32_t i = d->next;
        d->handle[i] = submit_with(d->s, i, d->load->prompt_tok[i], d->load->output_tok[i], d->load->extras[i]);
        d->present[i] = true;
    }
    return d->next > first;
}

/* Aborts who is due, and says before which step the next one is: of those too that come in a run. */
static uint64_t abort_due(struct drive *d)
{
    uint64_t next = UINT64_MAX;
    for (uint32_t i = 0; i < N_RANDOM; i++) {
        const bool comes = i >= d->next;
        if ((!comes && !d->present[i]) || d->load->abort_at[i] == UINT64_MAX) {
            continue;
        }
        if (comes) {
            const uint64_t first = d->load->due[i] + 1;
            const uint64_t at = d->load->abort_at[i] > first ? d->load->abort_at[i] : first;
            next = at < next ? at : next;
        } else if (d->load->abort_at[i] <= d->log.n_steps) {
            ts_scheduler_abort(d->s, d->handle[i]);
            d->present[i] = false;
            d->log.n_aborted++;
        } else {
            next = d->load->abort_at[i] < next ? d->load->abort_at[i] : next;
        }
    }
    return next;
}

static void note_step(struct drive *d, const struct ts_scheduler_step *step)
{
    struct log *log = &d->log;
    for (uint32_t i = 0; i < step->n_started; i++) {
        note(log, 1000000 + step->started[i]);
        assert_true(d->present[step->started[i]]);
    }
    for (uint32_t i = 0; i < step->n_finished; i++) {
        note(log, 2000000 + step->finished[i]);
        assert_true(d->present[step->finished[i]]);
        d->present[step->finished[i]] = false;
    }
    log->n_started += step->n_started;
    log->n_finished += step->n_finished;
    if (step->n_started + step->n_finished > 0) {
        note(log, log->n_steps);
        note(log, ts_scheduler_blocks_used(d->s));
    }
}

static void note_plan(struct drive *d, const struct ts_scheduler_plan *p, const struct ts_scheduler_config *config)
{
    struct ts_batch_load sum = {0};
    for (uint32_t i = 0; i < p->n_admitted; i++) {
        note(&d->log, 3000000 + p->admitted[i]);
    }
    for (uint32_t i = 0; i < p->n_preempted; i++) {
        note(&d->log, 4000000 + p->preempted[i]);
    }
    if (p->n_admitted > 0) {
        note(&d->log, p->found_tok);
    }
    d->log.n_preempted += p->n_preempted;
    d->log.found_tok += p->found_tok;
    assert_true(p->blocks_used <= config->kv_blocks);
    assert_true(p->load.prefill_tok + p->load.n_decode <= config->max_batched_tok);
    assert_true(ts_scheduler_running(d->s) <= config->max_seqs);
    assert_true(p->found_tok == 0 || config->prefix_cache);
    for (uint32_t i = 0; i < ts_scheduler_running(d->s); i++) {
        const struct ts_scheduler_item item = ts_scheduler_item(d->s, i);
        assert_true(item.n_new >= 1 || (config->policy == TS_SCHEDULER_SLOTS && !item.decodes) ||
                    config->prompts_first);
        sum.n_seqs += item.n_new > 0;
        sum.n_decode += item.decodes && item.n_new > 0;
        sum.prefill_tok += item.decodes ? 0 : item.n_new;
        sum.kv_read_tok += item.decodes && item.n_new > 0 ? item.past_tok + 1.0 : 0.0;
        sum.kv_max_tok = fmax(sum.kv_max_tok, item.decodes && item.n_new > 0 ? item.past_tok + 1.0 : 0.0);
        sum.prefill_pairs += item.decodes ? 0.0 : item.n_new * (item.past_tok + (item.n_new + 1) / 2.0);
    }
    assert_memory_equal(&sum.n_seqs, &p->load.n_seqs, sizeof sum.n_seqs);
    assert_int_equal(sum.n_decode, p->load.n_decode);
    assert_true(!config->prompts_first || p->load.n_decode == 0 || p->load.prefill_tok == 0);
    assert_int_equal(sum.prefill_tok, p->load.prefill_tok);
    assert_true(p->load.kv_max_tok == (config->counts_kv_max ? sum.kv_max_tok : 0.0));
    if (config->kv_unified) {
        assert_true(sum.kv_read_tok <= p->load.kv_read_tok);
        assert_true(sum.prefill_pairs <= p->load.prefill_pairs);
    } else {
        assert_true(sum.kv_read_tok == p->load.kv_read_tok);
        assert_true(sum.prefill_pairs == p->load.prefill_pairs);
    }
    d->log.kv_read_tok += p->load.kv_read_tok;
}

/* A run, with arrivals in it: those that end it let the step under way come to its end. Or one step. False: idle. */
static bool advance(struct drive *d, const struct ts_scheduler_config *config, bool fast, uint64_t next_abort)
{
    struct ts_scheduler_plan p;
    struct ts_scheduler_step step;
    struct ts_scheduler_run run;
    if (fast && ts_scheduler_steady(d->s, &run)) {
        const uint64_t until_abort = next_abort - d->log.n_steps;
        uint32_t n = until_abort < run.max_steps ? (uint32_t)until_abort : run.max_steps;
        for (uint32_t j = 0; j < n; j++) {
            if (submit_due(d, d->log.n_steps + j) && !ts_scheduler_run_goes_on(d->s)) {
                n = j + 1;
            }
        }
        d->log.n_steps += n;
        d->log.kv_read_tok += n * ((double)run.kv_read_tok + (double)run.kv_growth_tok * ((n - 1.0) / 2.0));
        ts_scheduler_advance(d->s, n, &step);
    } else if (ts_scheduler_plan(d->s, &p)) {
        note_plan(d, &p, config);
        (void)submit_due(d, d->log.n_steps);
        d->log.n_steps++;
        ts_scheduler_commit(d->s, &step);
    } else {
        return false;
    }
    note_step(d, &step);
    return true;
}

/* Both ways see the same arrivals and aborts at the same steps. */
static struct log drive(const struct ts_scheduler_config *config, const struct load *load, bool fast)
{
    struct drive d = {.s = make(*config), .load = load};
    for (;;) {
        const uint64_t next_abort = abort_due(&d);
        if (advance(&d, config, fast, next_abort)) {
            continue;
        }
        if (d.next == N_RANDOM) {
            break;
        }
        d.log.n_steps = load->due[d.next] > d.log.n_steps ? load->due[d.next] : d.log.n_steps;
        (void)submit_due(&d, d.log.n_steps);
    }
    assert_int_equal(d.log.n_finished + d.log.n_aborted, N_RANDOM);
    assert_int_equal(ts_scheduler_blocks_used(d.s), 0);
    ts_scheduler_destroy(d.s);
    return d.log;
}

static struct ts_scheduler_config random_config(struct ts_rng *rng, enum ts_scheduler_policy policy)
{
    struct ts_scheduler_config config = {.policy = policy,
                                         .max_batched_tok = 4 + ts_rng_u32(rng) % 120,
                                         .max_seqs = 1 + ts_rng_u32(rng) % 12,
                                         .chunked_prefill = ts_rng_u32(rng) % 4 != 0,
                                         .block_tok = 1 + ts_rng_u32(rng) % 20};
    config.kv_blocks = 60 / config.block_tok + 1 + ts_rng_u32(rng) % 20;
    config.long_prefill_tok = ts_rng_u32(rng) % 3 == 0 ? 1 + ts_rng_u32(rng) % 20 : 0;
    config.whole_admission = ts_rng_u32(rng) % 2;
    config.counts_kv_max = config.whole_admission;
    const bool finds_own = ts_rng_u32(rng) % 2;
    config.by_priority = ts_rng_u32(rng) % 2;
    config.prompts_first = policy == TS_SCHEDULER_VLLM && ts_rng_u32(rng) % 3 == 0;
    config.no_evict = policy == TS_SCHEDULER_VLLM && ts_rng_u32(rng) % 3 == 0;
    config.prefix_cache = ts_rng_u32(rng) % 2 && policy != TS_SCHEDULER_STATIC;
    config.finds_own = finds_own && policy == TS_SCHEDULER_VLLM && !config.prefix_cache;
    if (!config.chunked_prefill || policy == TS_SCHEDULER_STATIC) {
        config.long_prefill_tok = 0;
        config.max_batched_tok += 80;
    }
    if (policy == TS_SCHEDULER_SLOTS) {
        config.kv_blocks *= config.max_seqs;
        config.kv_unified = ts_rng_u32(rng) % 2;
    }
    return config;
}

static void test_scheduler__runs_equal_single_steps_on_random_loads(void **state)
{
    (void)state;
    struct log sum[TS_N_SCHEDULER_POLICIES] = {{0}};
    for (uint64_t seed = 0; seed < 1200; seed++) {
        struct ts_rng rng;
        ts_rng_init(&rng, seed, 1, 0, 0);
        const enum ts_scheduler_policy policy =
            seed % 2 ? TS_SCHEDULER_VLLM : (enum ts_scheduler_policy)(seed / 2 % TS_N_SCHEDULER_POLICIES);
        const struct ts_scheduler_config config = random_config(&rng, policy);
        struct load *load = random_load(seed, &config);
        const struct log a = drive(&config, load, false);
        const struct log b = drive(&config, load, true);
        assert_int_equal(a.n_steps, b.n_steps);
        assert_int_equal(a.n_started, b.n_started);
        assert_int_equal(a.n_preempted, b.n_preempted);
        assert_int_equal(a.found_tok, b.found_tok);
        assert_int_equal(a.hash, b.hash);
        assert_true(a.kv_read_tok == b.kv_read_tok);
        assert_true(!config.no_evict || a.n_preempted == 0);
        sum[policy].n_preempted += a.n_preempted;
        sum[policy].n_aborted += a.n_aborted;
        sum[policy].found_tok += a.found_tok;
        free(load);
    }
    assert_true(sum[TS_SCHEDULER_VLLM].n_preempted > 1000);
    assert_true(sum[TS_SCHEDULER_VLLM].found_tok > 10000);
    assert_true(sum[TS_SCHEDULER_SLOTS].found_tok > 1000);
    for (int policy = 0; policy < TS_N_SCHEDULER_POLICIES; policy++) {
        assert_true(sum[policy].n_aborted > 500);
        assert_true(policy == TS_SCHEDULER_VLLM || sum[policy].n_preempted == 0);
    }
}

/* Drafts make shares grow from 1 to 5: those ahead leave one token of the budget for everybody after them. All drafts
 * are wrong: one token a step is kept. */
static void test_scheduler__drafts_leave_a_token_for_those_behind(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.max_batched_tok = 20;
    config.long_prefill_tok = 17;
    config.draft_tok = 4;
    struct ts_scheduler *s = make(config);
    (void)submit(s, 1, 1, 10);
    (void)submit(s, 2, 40, 10);
    (void)submit(s, 3, 1, 10);
    (void)submit(s, 4, 1, 10);
    (void)plan(s);
    assert_item(s, 1, 2, 0, 17);
    (void)commit(s);
    const struct ts_scheduler_plan p = plan(s);
    assert_item(s, 0, 1, 1, 5);
    assert_item(s, 1, 2, 17, 13);
    assert_item(s, 2, 3, 1, 1);
    assert_item(s, 3, 4, 1, 1);
    assert_int_equal(p.load.n_decode, 3);
    assert_int_equal(p.load.verify_tok, 4);
    assert_true(p.load.kv_read_tok == 6.0 + 2.0 + 2.0);
    assert_int_equal(p.blocks_used, 2 + 8 + 1 + 1);
    assert_int_equal(commit(s).n_several, 0);
    (void)plan(s);
    assert_item(s, 0, 1, 2, 5); /* its second block is there already */
    assert_item(s, 1, 2, 30, 10);
    ts_scheduler_destroy(s);
}

/* All right: five at once, then what is left. */
static void test_scheduler__right_drafts_are_given_at_once(void **state)
{
    (void)state;
    struct ts_scheduler_config config = plenty();
    config.draft_tok = 4;
    config.acceptance_frac = 1.0;
    struct ts_scheduler *s = make(config);
    (void)submit(s, 7, 3, 8);
    (void)plan(s);
    assert_int_equal(commit(s).n_started, 1);
    (void)plan(s);
    assert_item(s, 0, 7, 3, 5);
    const struct ts_scheduler_step step = commit(s);
    assert_int_equal(step.n_several, 1);
    assert_int_equal(step.several[0], 7);
    assert_int_equal(step.several_tok[0], 5);
    (void)plan(s);
    assert_item(s, 0, 7, 8, 2);
    assert_int_equal(commit(s).n_finished, 1);
    assert_true(ts_scheduler_blocks_used(s) == 0);
    ts_scheduler_destroy(s);
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
        cmocka_unit_test(test_scheduler__where_prompts_come_first_decoding_pauses),
        cmocka_unit_test(test_scheduler__a_prompt_that_comes_first_has_blocks_for_all_of_it),
        cmocka_unit_test(test_scheduler__whole_admission_waits_for_blocks_of_all_tokens),
        cmocka_unit_test(test_scheduler__a_preempted_sequence_finds_what_nobody_took),
        cmocka_unit_test(test_scheduler__no_evict_waits_for_blocks_of_the_whole_reply),
        cmocka_unit_test(test_scheduler__the_highest_priority_enters_first),
        cmocka_unit_test(test_scheduler__the_lowest_priority_is_preempted_wherever_it_stands),
        cmocka_unit_test(test_scheduler__a_known_prefix_is_not_computed_again),
        cmocka_unit_test(test_scheduler__at_least_one_token_is_computed),
        cmocka_unit_test(test_scheduler__unknown_tokens_are_like_nothing_else),
        cmocka_unit_test(test_scheduler__the_tail_of_a_chain_is_forgotten_first),
        cmocka_unit_test(test_scheduler__a_preempted_sequence_finds_its_own_blocks),
        cmocka_unit_test(test_scheduler__slots_share_the_cache_and_the_budget_in_their_order),
        cmocka_unit_test(test_scheduler__unified_slots_read_what_all_of_them_hold),
        cmocka_unit_test(test_scheduler__a_slot_is_chosen_by_what_it_holds),
        cmocka_unit_test(test_scheduler__nobody_joins_a_static_batch),
        cmocka_unit_test(test_scheduler__runs_equal_single_steps_on_random_loads),
        cmocka_unit_test(test_scheduler__drafts_leave_a_token_for_those_behind),
        cmocka_unit_test(test_scheduler__right_drafts_are_given_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
