#include "endpoint/openai.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "tests/live/live_test.h"

static struct ts_openai_event parse(const char *text)
{
    struct ts_openai_event event;
    assert_int_equal(ts_openai_parse(&event, text, strlen(text), NULL), TS_OK);
    return event;
}

static void check_url(const char *base, const char *api, const char *wanted)
{
    char *url = ts_openai_url(base, ts_openai_api_find(api));
    assert_string_equal(url, wanted);
    free(url);
}

static void test_openai__a_host_alone_gets_the_usual_path(void **state)
{
    (void)state;
    check_url("http://localhost:8080", "chat", "http://localhost:8080/v1/chat/completions");
    check_url("http://localhost:8080/", "completions", "http://localhost:8080/v1/completions");
    check_url("https://host/v1", "chat", "https://host/v1/chat/completions");
    check_url("https://host/openai/v1/", "chat", "https://host/openai/v1/chat/completions");
    check_url("https://host/v1/chat/completions", "chat-new", "https://host/v1/chat/completions");
}

static void test_openai__the_body_is_json_with_the_fields_of_the_interface(void **state)
{
    (void)state;
    const struct ts_openai_ask ask = {.model = "m", .prompt = "say \"hi\"", .max_tok = 7, .ignore_eos = true};
    struct ts_text body;
    struct ts_json_doc doc;
    bool flag = false;
    int64_t n = 0;
    ts_text_init(&body);
    ts_openai_body(&body, ts_openai_api_find("chat-new"), &ask);
    assert_int_equal(ts_json_parse(&doc, "body", body.data, body.len, NULL), TS_OK);
    const struct ts_json *root = ts_json_root(&doc);
    const struct ts_json *message = ts_json_at(ts_json_get(root, "messages"), 0);
    assert_string_equal(ts_json_string(ts_json_get(root, "model")), "m");
    assert_string_equal(ts_json_string(ts_json_get(message, "content")), "say \"hi\"");
    assert_true(ts_json_int(ts_json_get(root, "max_completion_tokens"), &n) && n == 7);
    assert_true(ts_json_bool(ts_json_get(root, "stream"), &flag) && flag);
    assert_true(ts_json_bool(ts_json_get(root, "ignore_eos"), &flag) && flag);
    assert_true(ts_json_bool(ts_json_get(ts_json_get(root, "stream_options"), "include_usage"), &flag) && flag);
    ts_json_deinit(&doc);
    ts_text_deinit(&body);
}

static void test_openai__text_is_found_in_chat_completions_and_reasoning(void **state)
{
    (void)state;
    assert_true(parse("{\"choices\":[{\"delta\":{\"content\":\"x\"}}]}").has_text);
    assert_true(parse("{\"choices\":[{\"delta\":{\"reasoning_content\":\"x\"}}]}").has_text);
    assert_true(parse("{\"choices\":[{\"text\":\"x\"}]}").has_text);
    assert_false(parse("{\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\"}}]}").has_text);
    assert_false(parse("{\"choices\":[]}").has_text);
    assert_true(parse("{\"choices\":[{\"delta\":{},\"finish_reason\":\"length\"}]}").finished);
    assert_false(parse("{\"choices\":[{\"delta\":{\"content\":\"x\"},\"finish_reason\":null}]}").finished);
    assert_true(parse("[DONE]").done);
}

static void test_openai__usage_counts_are_taken_if_they_are_counts(void **state)
{
    (void)state;
    const struct ts_openai_event good =
        parse("{\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":3}}");
    const struct ts_openai_event bad = parse("{\"usage\":{\"prompt_tokens\":-5,\"completion_tokens\":1e300}}");
    assert_int_equal(good.prompt_tok, 12);
    assert_int_equal(good.output_tok, 3);
    assert_int_equal(bad.prompt_tok, -1);
    assert_int_equal(bad.output_tok, -1);
}

static void test_openai__errors_come_in_three_shapes(void **state)
{
    (void)state;
    assert_string_equal(parse("{\"error\":{\"message\":\"too\\nmany\"}}").error, "too many");
    assert_string_equal(parse("{\"error\":\"busy\"}").error, "busy");
    assert_string_equal(parse("{\"object\":\"error\",\"message\":\"no\"}").error, "no");
    assert_string_equal(parse("{\"error\":null,\"choices\":[]}").error, "");
}

static void test_openai__what_is_no_event_is_told(void **state)
{
    (void)state;
    static const char *const texts[] = {"{", "{\"a\":1}x", "{\"choices\":[1]} {", " {\"choices\": [} "};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct ts_openai_event event;
        assert_int_equal(ts_openai_parse(&event, texts[i], strlen(texts[i]), NULL), TS_EINPUT);
        assert_false(event.has_text || event.done);
    }
}

/* Gateways and proxies keep a connection alive so; the last word is kept, in case nothing else comes. */
static void test_openai__keep_alive_says_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "", " ", "null", "ping", "[]", "7", "\"text\"", ": keep-alive", "{}", "\r\n", "{\"type\":\"ping\"}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        const struct ts_openai_event event = parse(texts[i]);
        assert_false(event.has_text || event.done || event.finished);
        assert_string_equal(event.error, "");
    }
    assert_string_equal(parse("Bad Gateway\n").aside, "Bad Gateway");
    assert_true(parse(" [DONE]\r").done);
}

static void test_openai__text_may_be_a_list_of_chunks(void **state)
{
    (void)state;
    const struct ts_openai_event text = parse("{\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\","
                                              "\"text\":\"x\"}]}}]}");
    const struct ts_openai_event thought = parse("{\"choices\":[{\"delta\":{\"content\":[{\"type\":\"thinking\","
                                                 "\"thinking\":[{\"type\":\"text\",\"text\":\"r\"}]}]}}]}");
    assert_true(text.has_text && !text.has_reasoning);
    assert_true(thought.has_text && thought.has_reasoning);
    assert_true(parse("{\"choices\":[{\"delta\":{\"content\":null,\"reasoning\":\"r\"}}]}").has_reasoning);
    assert_false(parse("{\"choices\":[{\"delta\":{\"content\":[]}}]}").has_text);
    assert_false(parse("{\"choices\":[{\"delta\":{\"content\":[{\"type\":\"text\",\"text\":\"\"}]}}]}").has_text);
    assert_false(parse("{\"choices\":[{\"index\":0,\"delta\":null}]}").has_text);
}

/* 10 of prompt, 3 shown, 40 that are not: the total tells where reasoning stands beside the reply. */
static void test_openai__reasoning_is_part_of_the_output(void **state)
{
    (void)state;
    const struct ts_openai_event within =
        parse("{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":43,\"total_tokens\":53,"
              "\"completion_tokens_details\":{\"reasoning_tokens\":40}}}");
    const struct ts_openai_event beside =
        parse("{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":3,\"total_tokens\":53,"
              "\"completion_tokens_details\":{\"reasoning_tokens\":40}}}");
    const struct ts_openai_event unnamed =
        parse("{\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":3,\"total_tokens\":53}}");
    assert_true(within.output_tok == 43 && within.reasoning_tok == 40);
    assert_true(beside.output_tok == 43 && beside.reasoning_tok == 40);
    assert_true(unnamed.output_tok == 43 && unnamed.reasoning_tok == 40);
    assert_int_equal(parse("{\"choices\":[{\"usage\":{\"completion_tokens\":7}}]}").output_tok, 7);
    assert_int_equal(parse("{\"x_groq\":{\"usage\":{\"completion_tokens\":7}}}").output_tok, 7);
}

static void test_openai__a_reply_that_was_given_up_is_an_error(void **state)
{
    (void)state;
    static const char *const fine[] = {"stop", "length", "tool_calls", "content_filter", "eos_token", "STOP"};
    assert_string_equal(parse("{\"choices\":[{\"finish_reason\":\"abort\"}]}").error,
                        "the server aborted the reply: finish_reason 'abort'");
    assert_string_equal(parse("{\"choices\":[{\"finish_reason\":{\"type\":\"abort\"}}]}").error,
                        "the server aborted the reply: finish_reason 'abort'");
    assert_string_not_equal(parse("{\"choices\":[{\"finish_reason\":\"error\"}]}").error, "");
    assert_string_not_equal(parse("{\"choices\":[{\"finish_reason\":\"Cancelled\"}]}").error, "");
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        char text[100];
        snprintf(text, sizeof text, "{\"choices\":[{\"finish_reason\":\"%s\"}]}", fine[i]);
        assert_true(parse(text).finished);
        assert_string_equal(parse(text).error, "");
    }
}

static void test_openai__a_refusal_is_one_printable_line(void **state)
{
    (void)state;
    char out[TS_OPENAI_ERROR_BYTES];
    static const char page[] = "<html>\n\n<b>\x1b[31mno</b>";
    ts_openai_refusal(out, "{\"error\":{\"message\":\"quota\"}}", 29, NULL);
    assert_string_equal(out, "quota");
    ts_openai_refusal(out, page, sizeof page - 1, NULL);
    assert_string_equal(out, "<html> <b>[31mno</b>");
    ts_openai_refusal(out,
                      "a\xc2\x9b"
                      "31m\xc2\xa0\xc3\xb6",
                      10, NULL);
    assert_string_equal(out, "a31m\xc2\xa0\xc3\xb6");
}

/* Nor a part of it: what is shown is cut after 199 bytes, and the key goes on beyond them. */
static void test_openai__the_key_does_not_come_back(void **state)
{
    (void)state;
    char body[600], out[TS_OPENAI_ERROR_BYTES];
    struct ts_openai_event event;
    const char *key = "sk-proj-0123456789abcdef0123456789";
    for (int pad = 0; pad < 250; pad++) {
        const int len = snprintf(body, sizeof body, "{\"error\":{\"message\":\"%*s no such key: %s.\"}}", pad, "", key);
        ts_openai_refusal(out, body, (size_t)len, key);
        assert_null(strstr(out, "sk-pr"));
        assert_int_equal(ts_openai_parse(&event, body, (size_t)len, key), TS_OK);
        assert_null(strstr(event.error, "sk-pr"));
        ts_openai_refusal(out, body, (size_t)len - 8 - (size_t)(pad % 20), key); /* not JSON any more */
        assert_null(strstr(out, "sk-proj-"));
    }
    ts_openai_refusal(out,
                      "bad key sk-p\x01roj-01234567\x02"
                      "89abcdef0123456789!",
                      45, key);
    assert_string_equal(out, "bad key [key]!");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_openai__a_host_alone_gets_the_usual_path),
        cmocka_unit_test(test_openai__the_body_is_json_with_the_fields_of_the_interface),
        cmocka_unit_test(test_openai__text_is_found_in_chat_completions_and_reasoning),
        cmocka_unit_test(test_openai__usage_counts_are_taken_if_they_are_counts),
        cmocka_unit_test(test_openai__errors_come_in_three_shapes),
        cmocka_unit_test(test_openai__what_is_no_event_is_told),
        cmocka_unit_test(test_openai__keep_alive_says_nothing),
        cmocka_unit_test(test_openai__text_may_be_a_list_of_chunks),
        cmocka_unit_test(test_openai__reasoning_is_part_of_the_output),
        cmocka_unit_test(test_openai__a_reply_that_was_given_up_is_an_error),
        cmocka_unit_test(test_openai__a_refusal_is_one_printable_line),
        cmocka_unit_test(test_openai__the_key_does_not_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
