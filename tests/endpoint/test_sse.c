#include "endpoint/sse.h"

#include <string.h>

#include "tests/live/live_test.h"

struct heard {
    char text[4096];
    size_t n;
};

static void hear(void *context, const char *data, size_t len)
{
    struct heard *heard = context;
    const size_t at = strlen(heard->text);
    if (at + len + 2 < sizeof heard->text) {
        memcpy(heard->text + at, data, len);
        strcpy(heard->text + at + len, "|");
    }
    heard->n++;
}

/* Feeds the text in pieces of that size, and checks what is heard. */
static void check(const char *text, size_t piece, const char *wanted)
{
    struct heard heard = {0};
    struct ts_sse sse;
    ts_sse_init(&sse);
    for (size_t i = 0; i < strlen(text); i += piece) {
        const size_t rest = strlen(text) - i;
        assert_int_equal(ts_sse_feed(&sse, text + i, rest < piece ? rest : piece, hear, &heard), TS_OK);
    }
    assert_int_equal(ts_sse_finish(&sse, hear, &heard), TS_OK);
    assert_string_equal(heard.text, wanted);
    ts_sse_deinit(&sse);
}

static void check_all(const char *text, const char *wanted)
{
    for (size_t piece = 1; piece <= strlen(text); piece++) {
        check(text, piece, wanted);
    }
}

static void test_sse__lines_end_in_lf_crlf_or_cr(void **state)
{
    (void)state;
    check_all("data: a\n\ndata: b\n\n", "a|b|");
    check_all("data: a\r\n\r\ndata: b\r\n\r\n", "a|b|");
    check_all("data: a\r\rdata: b\r\r", "a|b|");
}

static void test_sse__data_lines_of_an_event_are_joined(void **state)
{
    (void)state;
    check_all("data: one\ndata:two\ndata\n\n", "one\ntwo\n|");
}

static void test_sse__other_fields_and_comments_are_read_over(void **state)
{
    (void)state;
    check_all(": ping\n\nevent: message\nid: 7\nretry: 10\ndata: x\ndatax: y\n\n: done\n", "x|");
}

static void test_sse__a_byte_order_mark_is_no_text(void **state)
{
    (void)state;
    check_all("\xEF\xBB\xBF"
              "data: x\n\n",
              "x|");
}

static void test_sse__the_last_event_needs_no_blank_line(void **state)
{
    (void)state;
    check_all("data: a\n\ndata: [DONE]", "a|[DONE]|");
}

static void test_sse__an_endless_line_is_refused(void **state)
{
    (void)state;
    static char piece[1 << 16];
    struct heard heard = {0};
    struct ts_sse sse;
    enum ts_status status = TS_OK;
    size_t n = 0;
    memset(piece, 'x', sizeof piece);
    ts_sse_init(&sse);
    while (status == TS_OK && n < 1000) {
        status = ts_sse_feed(&sse, piece, sizeof piece, hear, &heard);
        n++;
    }
    assert_int_equal(status, TS_EINPUT);
    assert_true(n * sizeof piece <= TS_SSE_MAX_EVENT_BYTES + 2 * sizeof piece);
    ts_sse_deinit(&sse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sse__lines_end_in_lf_crlf_or_cr),
        cmocka_unit_test(test_sse__data_lines_of_an_event_are_joined),
        cmocka_unit_test(test_sse__other_fields_and_comments_are_read_over),
        cmocka_unit_test(test_sse__a_byte_order_mark_is_no_text),
        cmocka_unit_test(test_sse__the_last_event_needs_no_blank_line),
        cmocka_unit_test(test_sse__an_endless_line_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
