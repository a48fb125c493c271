/* Reading ahead: what comes out is what the stream after it gives, whoever is faster. */
#include "tests/traces/traces_test.h"
#include "traces/read_ahead.h"

enum { N_MANY = 20000, MOST_IDS = 40 };

/* Gives n requests, then the end or an error. */
struct counting_stream {
    struct ts_request_stream base;
    uint64_t n, next;
    enum ts_status end;
    uint64_t ids[MOST_IDS]; /* of the request given last */
};

static enum ts_status counting_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                    struct ts_diags *diags)
{
    struct counting_stream *counting = (struct counting_stream *)stream;
    *got = 0;
    if (counting->next == counting->n) {
        return counting->end == TS_OK ? TS_OK : ts_fail(diags, counting->end, ts_span_file("t.csv"), NULL, "a bad row");
    }
    *out = (struct ts_request){.id = counting->next, .arrival_ns = (int64_t)counting->next * 3};
    out->prefix =
        (struct ts_prefix){.ids = counting->ids, .n_ids = (uint32_t)(counting->next % MOST_IDS), .block_tok = 16};
    for (uint32_t i = 0; i < MOST_IDS; i++) {
        counting->ids[i] = counting->next + i;
    }
    counting->next++;
    *got = 1;
    return TS_OK;
}

static void counting_destroy(struct ts_request_stream *stream)
{
    (void)stream;
}

static struct counting_stream counting_stream(uint64_t n, enum ts_status end)
{
    static const struct ts_request_stream_ops ops = {.next = counting_next, .destroy = counting_destroy};
    return (struct counting_stream){.base = {.ops = &ops}, .n = n, .end = end};
}

static void expect_requests(struct ts_request_stream *stream, uint64_t n)
{
    for (uint64_t i = 0; i < n; i++) {
        struct ts_request request = {.id = 0};
        int got = 0;
        assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
        assert_true(got);
        assert_int_equal(request.id, i);
        assert_int_equal(request.arrival_ns, 3 * i);
        assert_int_equal(request.prefix.n_ids, i % MOST_IDS);
        for (uint32_t k = 0; k < request.prefix.n_ids; k++) {
            assert_int_equal(request.prefix.ids[k], i + k);
        }
    }
}

static void test_read_ahead__gives_every_request_in_order(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {0, 1, 511, 512, 513, 4096, N_MANY};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct counting_stream inner = counting_stream(sizes[i], TS_OK);
        struct ts_request_stream *ahead = NULL;
        assert_int_equal(ts_read_ahead_open(&ahead, &inner.base), TS_OK);
        expect_requests(ahead, sizes[i]);
        for (int again = 0; again < 2; again++) {
            struct ts_request request;
            int got = 1;
            assert_int_equal(ts_request_next(ahead, &request, &got, NULL), TS_OK);
            assert_false(got);
        }
        ts_request_stream_destroy(ahead);
    }
}

static void test_read_ahead__an_error_comes_behind_the_requests_before_it(void **state)
{
    (void)state;
    struct counting_stream inner = counting_stream(700, TS_EINPUT);
    struct ts_request_stream *ahead = NULL;
    struct ts_request request;
    struct ts_diags diags;
    int got = 1;
    ts_diags_init(&diags);
    assert_int_equal(ts_read_ahead_open(&ahead, &inner.base), TS_OK);
    expect_requests(ahead, 700);
    assert_int_equal(ts_request_next(ahead, &request, &got, &diags), TS_EINPUT);
    assert_int_equal(diags.n_errors, 1);
    assert_int_equal(ts_request_next(ahead, &request, &got, &diags), TS_EINPUT);
    assert_int_equal(diags.n_errors, 1);
    assert_string_equal(diags.items[0].message, "a bad row");
    ts_request_stream_destroy(ahead);
    ts_diags_deinit(&diags);
}

static void test_read_ahead__may_be_left_at_any_time(void **state)
{
    (void)state;
    for (uint64_t taken = 0; taken < 2000; taken += 333) {
        struct counting_stream inner = counting_stream(UINT64_MAX, TS_OK);
        struct ts_request_stream *ahead = NULL;
        assert_int_equal(ts_read_ahead_open(&ahead, &inner.base), TS_OK);
        expect_requests(ahead, taken);
        ts_request_stream_destroy(ahead);
        assert_true(inner.next >= taken);
        assert_true(inner.next < taken + 20000);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read_ahead__gives_every_request_in_order),
        cmocka_unit_test(test_read_ahead__an_error_comes_behind_the_requests_before_it),
        cmocka_unit_test(test_read_ahead__may_be_left_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
