/* A row of every request: the same requests and times as in the result, and none kept. */
#include <string.h>

#include "sim/record.h"
#include "tests/sim/sim_world.h"

enum { N = 400, FAIL_AFTER = 5 };

struct tally {
    uint64_t n, n_outcomes[TS_N_OUTCOMES], n_reasons[TS_N_REASONS + 1], n_preemptions, n_tpot;
    int64_t sum_ttft_ns, sum_e2e_ns, sum_tpot_ns, sum_wait_ns, last_end_ns;
    bool seen[N];
    bool in_order;
};

static enum ts_status count(void *user, const struct ts_request_record *record)
{
    struct tally *tally = user;
    assert_false(tally->seen[record->request->id]);
    tally->seen[record->request->id] = true;
    tally->n++;
    tally->n_outcomes[record->outcome]++;
    tally->n_reasons[record->reason]++;
    tally->n_preemptions += record->n_preemptions;
    if (record->outcome == TS_DONE) {
        const int64_t end_ns = record->request->arrival_ns + record->e2e_ns;
        tally->in_order = tally->in_order && end_ns >= tally->last_end_ns;
        tally->last_end_ns = end_ns;
        tally->sum_ttft_ns += record->ttft_ns;
        tally->sum_e2e_ns += record->e2e_ns;
        tally->sum_wait_ns += record->wait_ns;
        tally->n_tpot += record->tpot_ns != TS_NEVER_NS;
        tally->sum_tpot_ns += record->tpot_ns != TS_NEVER_NS ? record->tpot_ns : 0;
    } else {
        assert_true(record->e2e_ns == TS_NEVER_NS && record->tpot_ns == TS_NEVER_NS);
    }
    return TS_OK;
}

/* A server with few blocks: queues and preemptions; every seventh request has one token. */
static struct ts_model pressed(struct ts_pool_model *pool)
{
    struct ts_tier_model server = world_server(pool, 0.01);
    pool->replica.kv_blocks = 60;
    return world_model(&server, 1);
}

static void fill(struct ts_request requests[N])
{
    for (uint32_t i = 0; i < N; i++) {
        requests[i] = (struct ts_request){.id = i,
                                          .arrival_ns = (int64_t)i * 40000000,
                                          .prompt_tok = 40 + i % 90,
                                          .output_tok = i % 7 == 0 ? 1 : 10 + i % 53};
    }
}

static void test_record__rows_add_up_to_the_result(void **state)
{
    (void)state;
    static struct ts_request requests[N];
    struct tally tally = {.in_order = true};
    struct ts_pool_model pool;
    const struct ts_model model = pressed(&pool);
    const struct ts_sim_options options = {.on_request = count, .request_user = &tally};
    fill(requests);
    struct ts_result result = world_run_with(&model, requests, N, &options);
    const struct ts_cell *cell = &result.tiers[0].cells[0];
    assert_int_equal(tally.n, N);
    assert_int_equal(tally.n_outcomes[TS_DONE], cell->done);
    assert_true(tally.n_preemptions > 0);
    assert_int_equal(tally.n_preemptions, result.tiers[0].n_preemptions);
    assert_true(tally.in_order);
    assert_int_equal(tally.n_tpot, cell->latency_ns[TS_TPOT].count);
    world_assert_near((double)tally.sum_ttft_ns, ts_hist_sum(&cell->latency_ns[TS_TTFT]), 1e-12);
    world_assert_near((double)tally.sum_e2e_ns, ts_hist_sum(&cell->latency_ns[TS_E2E]), 1e-12);
    world_assert_near((double)tally.sum_wait_ns, ts_hist_sum(&cell->latency_ns[TS_WAIT]), 1e-12);
    world_assert_near((double)tally.sum_tpot_ns, ts_hist_sum(&cell->latency_ns[TS_TPOT]), 1e-12);
    ts_result_deinit(&result);
}

static void test_record__who_gives_up_or_is_left_has_a_row(void **state)
{
    (void)state;
    static struct ts_request requests[N];
    struct tally tally = {.in_order = true};
    struct ts_pool_model pool;
    struct ts_model model = pressed(&pool);
    model.patience_s = 0.5;
    model.drain_s = 0.2;
    const struct ts_sim_options options = {.on_request = count, .request_user = &tally};
    fill(requests);
    struct ts_result result = world_run_with(&model, requests, N, &options);
    const struct ts_cell *cell = &result.tiers[0].cells[0];
    assert_int_equal(tally.n, N);
    assert_true(cell->timed_out > 0 && cell->unfinished > 0);
    assert_int_equal(tally.n_outcomes[TS_TIMED_OUT], cell->timed_out);
    assert_int_equal(tally.n_outcomes[TS_UNFINISHED], cell->unfinished);
    assert_int_equal(tally.n_reasons[TS_REASON_GAVE_UP], cell->timed_out);
    assert_int_equal(tally.n_reasons[TS_REASON_NONE], cell->done + cell->unfinished);
    ts_result_deinit(&result);
}

/* Two may wait at the replica, and there is no other tier: the reasons of the rows are those of the books. */
static void test_record__who_is_turned_away_says_why(void **state)
{
    (void)state;
    static struct ts_request requests[N];
    struct tally tally = {.in_order = true};
    struct ts_pool_model pool;
    struct ts_model model = pressed(&pool);
    model.tiers[0].u.server.max_queue = 2;
    const struct ts_sim_options options = {.on_request = count, .request_user = &tally};
    fill(requests);
    struct ts_result result = world_run_with(&model, requests, N, &options);
    assert_true(tally.n_outcomes[TS_REJECTED] > 0);
    assert_int_equal(tally.n_reasons[TS_REASON_FULL], tally.n_outcomes[TS_REJECTED]);
    assert_int_equal(tally.n_reasons[TS_REASON_FULL], result.tiers[0].cells[0].attempts.lost[TS_REASON_FULL]);
    ts_result_deinit(&result);
}

static enum ts_status fail_soon(void *user, const struct ts_request_record *record)
{
    uint32_t *n = user;
    (void)record;
    return ++*n >= FAIL_AFTER ? TS_EIO : TS_OK;
}

static void test_record__a_full_disk_ends_the_run(void **state)
{
    (void)state;
    static struct ts_request requests[N];
    uint32_t n = 0;
    struct ts_request_stream *stream = NULL;
    struct ts_result result;
    struct ts_pool_model pool;
    const struct ts_model model = pressed(&pool);
    const struct ts_sim_options options = {.on_request = fail_soon, .request_user = &n};
    fill(requests);
    assert_int_equal(ts_request_stream_from_array(&stream, requests, N), TS_OK);
    assert_int_equal(ts_sim_run(&result, &model, stream, &options, NULL), TS_EIO);
    assert_true(n >= FAIL_AFTER && n < N);
    ts_request_stream_destroy(stream);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record__rows_add_up_to_the_result),
        cmocka_unit_test(test_record__who_gives_up_or_is_left_has_a_row),
        cmocka_unit_test(test_record__who_is_turned_away_says_why),
        cmocka_unit_test(test_record__a_full_disk_ends_the_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
