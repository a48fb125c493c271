/* Tapes: what they give is what the generator gives, whatever was made before. */
#include "tests/traces/traces_test.h"
#include "traces/tapes.h"

enum { MOST = 8192 };

static struct ts_request of_tape[MOST], of_generator[MOST];

static size_t read_stream(struct ts_request *out, struct ts_tapes *tapes, const struct ts_workload *workload,
                          uint64_t seed, uint32_t replication)
{
    struct ts_request_stream *stream = NULL;
    assert_int_equal(ts_tapes_open(&stream, tapes, workload, seed, replication, NULL, NULL), TS_OK);
    const size_t n = read_all(stream, out, MOST);
    ts_request_stream_destroy(stream);
    return n;
}

static void expect_same(struct ts_tapes *tapes, const struct ts_workload *workload, uint64_t seed, uint32_t replication)
{
    const size_t n = read_stream(of_tape, tapes, workload, seed, replication);
    assert_int_equal(read_stream(of_generator, NULL, workload, seed, replication), n);
    assert_true(n > 0);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(of_tape[i].id, of_generator[i].id);
        assert_int_equal(of_tape[i].arrival_ns, of_generator[i].arrival_ns);
        assert_int_equal(of_tape[i].prompt_tok, of_generator[i].prompt_tok);
        assert_int_equal(of_tape[i].output_tok, of_generator[i].output_tok);
        assert_int_equal(of_tape[i].class_id, of_generator[i].class_id);
        assert_true(of_tape[i].difficulty == of_generator[i].difficulty);
    }
}

/* Other places in memory are no other workload; other numbers after a pointer are. */
static void test_like_others(void **state)
{
    (void)state;
    double curve[TS_WEEK_HOURS], same_curve[TS_WEEK_HOURS];
    for (int i = 0; i < TS_WEEK_HOURS; i++) {
        curve[i] = same_curve[i] = 1.0 + i % 2;
    }
    const struct ts_class_spec class = plain_class();
    const struct ts_class_spec same_class = plain_class();
    struct ts_workload workload = plain_workload(&class, 1), same = plain_workload(&same_class, 1);
    workload.process.week_curve = curve;
    same.process.week_curve = same_curve;
    struct ts_tapes *tapes = NULL;
    assert_int_equal(ts_tapes_create(&tapes, 1 << 24), TS_OK);
    expect_same(tapes, &workload, 1, 0);
    expect_same(tapes, &same, 1, 0);
    expect_same(tapes, &workload, 2, 0);
    expect_same(tapes, &workload, 1, 1);
    same_curve[0] = 3.0;
    expect_same(tapes, &same, 1, 0);
    same.calls_per_s *= 1.1;
    expect_same(tapes, &same, 1, 0);
    expect_same(tapes, &workload, 1, 0);
    ts_tapes_destroy(tapes);
}

/* Room for one: it goes when another is made, and not while somebody reads it. */
static void test_room(void **state)
{
    (void)state;
    const struct ts_class_spec class = plain_class();
    const struct ts_workload workload = plain_workload(&class, 1);
    struct ts_tapes *tapes = NULL;
    struct ts_request_stream *reading = NULL;
    assert_int_equal(ts_tapes_create(&tapes, 5000 * sizeof(struct ts_request)), TS_OK);
    expect_same(tapes, &workload, 1, 0);
    expect_same(tapes, &workload, 2, 0);
    expect_same(tapes, &workload, 1, 0);
    assert_int_equal(ts_tapes_open(&reading, tapes, &workload, 1, 0, NULL, NULL), TS_OK);
    expect_same(tapes, &workload, 2, 0);
    ts_request_stream_destroy(reading);
    expect_same(tapes, &workload, 2, 0);
    ts_tapes_destroy(tapes);
    assert_int_equal(ts_tapes_create(&tapes, 1000), TS_OK);
    expect_same(tapes, &workload, 1, 0);
    ts_tapes_destroy(tapes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_like_others), cmocka_unit_test(test_room)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
