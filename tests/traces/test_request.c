/* Streams and names. */
#include "tests/traces/traces_test.h"

static void test_request__array_stream_gives_each_request_once_in_order(void **state)
{
    (void)state;
    const struct ts_request requests[] = {{.id = 0, .arrival_ns = 5}, {.id = 1, .arrival_ns = 7}};
    struct ts_request_stream *stream = NULL;
    struct ts_request read[2];
    assert_int_equal(ts_request_stream_from_array(&stream, requests, 2), TS_OK);
    assert_int_equal(read_all(stream, read, 2), 2);
    assert_int_equal(read[0].arrival_ns, 5);
    assert_int_equal(read[1].arrival_ns, 7);
    assert_int_equal(read_all(stream, read, 0), 0);
    ts_request_stream_destroy(stream);
}

static void test_request__an_empty_array_is_an_empty_stream(void **state)
{
    (void)state;
    struct ts_request_stream *stream = NULL;
    assert_int_equal(ts_request_stream_from_array(&stream, NULL, 0), TS_OK);
    assert_int_equal(read_all(stream, NULL, 0), 0);
    ts_request_stream_destroy(stream);
}

static void test_request__destroying_null_is_fine(void **state)
{
    (void)state;
    ts_request_stream_destroy(NULL);
}

static void test_request__sensitivities_have_names(void **state)
{
    (void)state;
    assert_string_equal(ts_sensitivity_name(TS_PUBLIC), "public");
    assert_string_equal(ts_sensitivity_name(TS_INTERNAL), "internal");
    assert_string_equal(ts_sensitivity_name(TS_RESTRICTED), "restricted");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request__array_stream_gives_each_request_once_in_order),
        cmocka_unit_test(test_request__an_empty_array_is_an_empty_stream),
        cmocka_unit_test(test_request__destroying_null_is_fine),
        cmocka_unit_test(test_request__sensitivities_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
