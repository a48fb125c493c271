/* The closed form of a closed loop: its worked number, and the same loop step by step through the scheduler. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "sim/serving/closed_loop.h"
#include "sim/serving/scheduler.h"
#include "sim/serving/steptime.h"

enum { MAX_USERS = 64, REQUESTS_PER_USER = 10 };

/* An 8B model in 16 bits on one accelerator: steps of 6 to 20 ms. */
static const struct ts_steps_model steps = {.kind = TS_STEPS_ROOFLINE,
                                            .host = {.fixed_s = 4e-4, .per_seq_s = 4e-5},
                                            .u.roofline = {.fixed_s = 2e-3,
                                                           .flop_per_tok = 15e9,
                                                           .flop_per_s = 6e14,
                                                           .shared_bytes = 16e9,
                                                           .bytes_per_s = 3.1e12,
                                                           .kv_bytes_per_tok = 131072,
                                                           .attention_flop_per_pair = 524288,
                                                           .blends = true}};

struct loop {
    struct ts_scheduler *scheduler;
    double sent_s[MAX_USERS], first_s[MAX_USERS];
    uint32_t n_left[MAX_USERS], reply_tok[MAX_USERS];
    double now_s, ttft_s, tpot_s;
    size_t n;
    uint32_t inbox[MAX_USERS], n_inbox; /* plans_ahead: whose requests come too late for the step that begins */
};

/* With a spread of 0.4, lengths from 0.8 to 1.2 of the mean, so that users do not march in step. */
static uint32_t about(double mean, double spread, uint32_t user, uint32_t n)
{
    const double share = (double)((user * 2654435761u + n * 40503u) % 1000u) / 1000.0;
    return (uint32_t)(mean * (1.0 + spread * (share - 0.5)));
}

static void send(struct loop *loop, uint32_t user, const struct ts_closed_loop *load)
{
    uint32_t handle = 0;
    const uint32_t n = loop->n_left[user]--;
    loop->sent_s[user] = loop->now_s;
    loop->first_s[user] = -1.0;
    loop->reply_tok[user] = about(load->output_tok, load->spread, user, n);
    assert_int_equal(ts_scheduler_submit(loop->scheduler, &handle, user,
                                         about(load->prompt_tok, load->spread, user, n + 7), loop->reply_tok[user]),
                     TS_OK);
}

static void end_step(struct loop *loop, const struct ts_closed_loop *load)
{
    struct ts_scheduler_step step;
    ts_scheduler_commit(loop->scheduler, &step);
    for (uint32_t i = 0; i < step.n_started; i++) {
        const uint32_t user = step.started[i];
        if (loop->first_s[user] < loop->sent_s[user]) { /* else it had paused */
            loop->first_s[user] = loop->now_s;
            loop->ttft_s += loop->now_s - loop->sent_s[user];
        }
    }
    for (uint32_t i = 0; i < step.n_finished; i++) {
        const uint32_t user = step.finished[i];
        loop->tpot_s += (loop->now_s - loop->first_s[user]) / (loop->reply_tok[user] - 1.0);
        loop->n++;
        if (loop->n_left[user] > 0 && load->plans_ahead && load->n_users > 1.0) {
            loop->sent_s[user] = loop->now_s;
            loop->inbox[loop->n_inbox++] = user;
        } else if (loop->n_left[user] > 0) {
            send(loop, user, load);
        }
    }
}

/* One step, and behind it those who came before it began. */
static bool advance(struct loop *loop, const struct ts_closed_loop *load)
{
    struct ts_scheduler_plan plan;
    const bool works = ts_scheduler_plan(loop->scheduler, &plan);
    const uint32_t n = loop->n_inbox;
    loop->n_inbox = 0;
    for (uint32_t i = 0; i < n; i++) {
        const double sent_s = loop->sent_s[loop->inbox[i]];
        send(loop, loop->inbox[i], load);
        loop->sent_s[loop->inbox[i]] = sent_s;
    }
    if (works) {
        loop->now_s += ts_steptime_s(&steps, &plan.load);
        end_step(loop, load);
    }
    return works || n > 0;
}

static struct ts_closed_loop_times step_by_step(const struct ts_closed_loop *load)
{
    const struct ts_scheduler_config config = {.max_batched_tok = (uint32_t)load->budget_tok,
                                               .max_seqs = 256,
                                               .chunked_prefill = true,
                                               .prompts_first = load->prompts_first,
                                               .block_tok = 16,
                                               .kv_blocks = 1 << 20};
    struct loop loop = {0};
    assert_int_equal(ts_scheduler_create(&loop.scheduler, &config), TS_OK);
    for (uint32_t user = 0; user < (uint32_t)load->n_users; user++) {
        loop.n_left[user] = REQUESTS_PER_USER;
        send(&loop, user, load);
    }
    while (advance(&loop, load)) {
    }
    ts_scheduler_destroy(loop.scheduler);
    return (struct ts_closed_loop_times){.ttft_s = loop.ttft_s / (double)loop.n,
                                         .tpot_s = loop.tpot_s / (double)loop.n};
}

static void test_closed_loop__is_what_the_scheduler_makes_of_it_step_by_step(void **state)
{
    (void)state;
    static const double cases[][3] = {{1, 1000, 400},  {4, 1000, 1000}, {16, 1000, 1000}, {64, 1000, 1000},
                                      {16, 200, 1500}, {8, 7000, 1000}, {32, 4000, 500},  {4, 128, 128}};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        const double *of = cases[i / 2];
        const struct ts_closed_loop load = {.n_users = of[0],
                                            .prompt_tok = of[1],
                                            .output_tok = of[2],
                                            .plans_ahead = i % 2 == 1,
                                            .requests_per_user = REQUESTS_PER_USER,
                                            .spread = 0.4,
                                            .budget_tok = 8192.0};
        const struct ts_closed_loop_times said = ts_closed_loop(&steps, &load), is = step_by_step(&load);
        print_message(
            "%3.0f users, %5.0f + %5.0f tokens%s: TPOT %.2f ms, in closed form %+.1f %%; TTFT %.1f ms, %+.1f %%\n",
            load.n_users, load.prompt_tok, load.output_tok, load.plans_ahead ? ", a step ahead" : "", is.tpot_s * 1e3,
            100.0 * (said.tpot_s / is.tpot_s - 1.0), is.ttft_s * 1e3, 100.0 * (said.ttft_s / is.ttft_s - 1.0));
        assert_true(fabs(said.tpot_s / is.tpot_s - 1.0) < 0.05);
        assert_true(fabs(said.ttft_s / is.ttft_s - 1.0) < 0.25);
    }
}

/* All lengths the same. A token's time is equal within 3 % either way. With prompts first the time to the first token
 * is too, where prompts fill the steps evenly: the closed form cuts them where the budget does. (With both in one step,
 * the first tokens of like users depend on how they bunch: the case above has the lengths of a benchmark.) */
static void test_closed_loop__equals_the_scheduler_where_all_lengths_are_alike(void **state)
{
    (void)state;
    static const struct {
        double users, prompt_tok, output_tok, ttft_within;
    } cases[] = {{1, 1000, 400, 0.03},   {4, 1000, 1000, 0.03},  {16, 1000, 1000, 0.03},
                 {32, 1000, 1000, 0.03}, {64, 1000, 1000, 0.03}, {16, 200, 1500, 0.03},
                 {32, 4000, 500, 0.03},  {4, 128, 128, 0.03},    {8, 7000, 1000, 0.08}};
    for (size_t i = 0; i < 2 * sizeof cases / sizeof cases[0]; i++) {
        const struct ts_closed_loop load = {.n_users = cases[i / 2].users,
                                            .prompt_tok = cases[i / 2].prompt_tok,
                                            .output_tok = cases[i / 2].output_tok,
                                            .requests_per_user = REQUESTS_PER_USER,
                                            .prompts_first = i % 2,
                                            .budget_tok = 8192.0};
        const struct ts_closed_loop_times said = ts_closed_loop(&steps, &load), is = step_by_step(&load);
        print_message(
            "%s, %2.0f users, %4.0f + %4.0f tokens: TPOT %.2f ms, in closed form %+.1f %%; TTFT %.0f ms, %+.1f %%\n",
            load.prompts_first ? "prompts first" : "mixed", load.n_users, load.prompt_tok, load.output_tok,
            is.tpot_s * 1e3, 100.0 * (said.tpot_s / is.tpot_s - 1.0), is.ttft_s * 1e3,
            100.0 * (said.ttft_s / is.ttft_s - 1.0));
        assert_true(fabs(said.tpot_s / is.tpot_s - 1.0) < 0.03);
        assert_true(!load.prompts_first || fabs(said.ttft_s / is.ttft_s - 1.0) < cases[i / 2].ttft_within);
    }
}

/* The worked number of sim/serving/closed_loop.c; one after another, and a lone prompt. */
static void test_closed_loop__a_token_pays_for_the_prompts_of_the_others(void **state)
{
    (void)state;
    const struct ts_steps_model simple = {.kind = TS_STEPS_LINEAR,
                                          .u.linear = {.a_s = 10e-3, .d_s_per_prefill_tok = 20e-3 / 200.0}};
    const struct ts_closed_loop load = {.n_users = 10, .prompt_tok = 200, .output_tok = 100, .budget_tok = 8192};
    assert_float_equal(ts_closed_loop(&simple, &load).tpot_s, 11.8e-3, 1e-9);
    assert_float_equal(ts_closed_loop(&simple, &load).gap_s, 10e-3, 1e-12);
    assert_float_equal(ts_closed_loop(&simple, &load).ttft_s, 30e-3 * (1.0 + 0.18 / 1.18) * (1.0 + 0.09 / 1.18), 1e-9);
    assert_float_equal(ts_closed_loop_decode_tok_s(&simple, 10.0, 200.0, 100.0), 10.0 / 11.8e-3, 1e-6);
    assert_float_equal(ts_closed_loop_decode_tok_s(&simple, 1.0, 0.0, 500.0), 100.0, 1e-6);
    assert_float_equal(ts_closed_loop_prefill_tok_s(&simple, 200), 200.0 / 30e-3, 1e-6);
}

/* Ten rounds. All lengths alike: 30 ms a prompt, 5.5 of them in the first round; then nine come within the 200 ms that
 * ten took, 0.9 of them prompts. Of unlike lengths, they spread from round to round, and a prompt comes sooner. */
static void test_closed_loop__users_of_like_lengths_stay_bunched(void **state)
{
    (void)state;
    const struct ts_steps_model simple = {.kind = TS_STEPS_LINEAR,
                                          .u.linear = {.a_s = 10e-3, .d_s_per_prefill_tok = 20e-3 / 200.0}};
    struct ts_closed_loop load = {
        .n_users = 10, .prompt_tok = 200, .output_tok = 100, .requests_per_user = 10, .budget_tok = 200};
    const double bunched_s = ts_closed_loop(&simple, &load).ttft_s;
    assert_float_equal(bunched_s, (30e-3 * 5.5 + 9.0 * 30e-3 * 1.9 * 1.45) / 10.0, 1e-9);
    load.spread = 0.2;
    const double spread_s = ts_closed_loop(&simple, &load).ttft_s;
    load.spread = 1.0;
    assert_true(spread_s < bunched_s && ts_closed_loop(&simple, &load).ttft_s < spread_s);
}

/* With prompts first, a reply stands still while others' prompts are computed: 30 ms of each instead of 20, and a
 * prompt has its step to itself. */
static void test_closed_loop__replies_stand_still_where_prompts_come_first(void **state)
{
    (void)state;
    const struct ts_steps_model simple = {.kind = TS_STEPS_LINEAR,
                                          .u.linear = {.a_s = 10e-3, .d_s_per_prefill_tok = 20e-3 / 200.0}};
    const struct ts_closed_loop load = {
        .n_users = 10, .prompt_tok = 200, .output_tok = 100, .budget_tok = 8192, .prompts_first = true, .spread = 1.0};
    const struct ts_closed_loop_times times = ts_closed_loop(&simple, &load);
    assert_float_equal(times.tpot_s, 10e-3 + 9.0 / 100.0 * 30e-3, 1e-9);
    assert_float_equal(times.ttft_s, 30e-3 * (1.0 + 0.27 / 1.27) * (1.0 + 0.135 / 1.27), 1e-9);
}

/* 10 users, prompts of 200 tokens, replies of 100; two prompts to a step of 10 + 40 ms. Five of them are 250 ms: the
 * mean prompt is through after three, 150 ms, and its reply waits 100 ms for the others, 1 ms a token. */
static void test_closed_loop__waves_compute_all_prompts_before_the_replies(void **state)
{
    (void)state;
    const struct ts_steps_model simple = {.kind = TS_STEPS_LINEAR,
                                          .u.linear = {.a_s = 10e-3, .d_s_per_prefill_tok = 20e-3 / 200.0}};
    struct ts_closed_loop load = {
        .n_users = 10, .prompt_tok = 200, .output_tok = 100, .budget_tok = 400, .prompts_first = true};
    const struct ts_closed_loop_times times = ts_closed_loop(&simple, &load);
    assert_float_equal(times.ttft_s, 150e-3, 1e-9);
    assert_float_equal(times.tpot_s, 11e-3, 1e-9);
    assert_float_equal(times.tok_s, 10.0 / (11e-3 + 1.5e-3), 1e-6);
    load.budget_tok = 8192; /* one step for all: 10 + 200 ms */
    assert_float_equal(ts_closed_loop(&simple, &load).ttft_s, 210e-3, 1e-9);
    assert_float_equal(ts_closed_loop(&simple, &load).tpot_s, 10e-3, 1e-9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_closed_loop__is_what_the_scheduler_makes_of_it_step_by_step),
        cmocka_unit_test(test_closed_loop__equals_the_scheduler_where_all_lengths_are_alike),
        cmocka_unit_test(test_closed_loop__a_token_pays_for_the_prompts_of_the_others),
        cmocka_unit_test(test_closed_loop__users_of_like_lengths_stay_bunched),
        cmocka_unit_test(test_closed_loop__replies_stand_still_where_prompts_come_first),
        cmocka_unit_test(test_closed_loop__waves_compute_all_prompts_before_the_replies),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
