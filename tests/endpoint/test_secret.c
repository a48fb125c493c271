/* A key in what a server says, however it is spelled. */
#include "endpoint/secret.h"

#include <string.h>

#include "tests/live/live_test.h"

static void expect(const char *secret, const char *said, const char *shown)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_puts(&text, said);
    ts_secret_hide(&text, secret);
    assert_string_equal(text.data, shown);
    ts_text_deinit(&text);
}

static void test_secret__is_hidden_wherever_it_stands(void **state)
{
    (void)state;
    expect("sk-live-12345", "no such key: sk-live-12345", "no such key: [key]");
    expect("sk-live-12345", "sk-live-12345 and 'sk-live-12345'", "[key] and '[key]'");
    expect("sk-live-12345", "sk-live-12345sk-live-12345", "[key]");
    expect("sk-live-12345", "", "");
    expect("abc", "no abc here", "no [key] here");
    expect("sk-live-12345", "quota exceeded", "quota exceeded");
}

static void test_secret__parts_of_eight_characters_are_hidden(void **state)
{
    (void)state;
    expect("sk-live-1234567890", "key sk-live-12... is unknown", "key [key]... is unknown");
    expect("sk-live-1234567890", "key ...34567890 is unknown", "key ...[key] is unknown");
    expect("sk-live-1234567890", "key e-123456 is unknown", "key [key] is unknown");
    expect("sk-live-1234567890", "key ...4567890 is unknown", "key ...4567890 is unknown"); /* seven: as masks show */
}

static void test_secret__escapes_do_not_help(void **state)
{
    (void)state;
    expect("sk/a+b\"c-12", "sk\\/a+b\\\"c-12", "[key]");
    expect("sk/a+b\"c-12", "sk\\u002fa\\u002Bb\\u0022c\\u002d12", "[key]");
    expect("sk/a+b\"c-12", "sk\\\\\\/a+b\\\\\\\"c-12", "[key]"); /* JSON within JSON */
    expect("sk/a+b\"c-12", "sk%2Fa%2bb%22c-12", "[key]");
    expect("sk/a+b\"c-12", "sk%252Fa%252bb%2522c-12", "[key]");
    expect("sk/a+b\"c-12", "%73%6b%2f%61%2b%62%22%63%2d%31%32", "[key]");
    expect("sk/a+b\"c-12", "sk/a+b&quot;c-12", "[key]");
    expect("sk/a+b\"c-12", "sk&#47;a&#x2B;b&#34;c-12", "[key]");
    expect("sk/a+b\"c-12", "sk\\x2fa\\x2bb\\x22c-12", "[key]");
    expect("sk/a+b\"c-12", "sk%2", "sk%2"); /* cut off: nothing to hide, and nothing read beyond the end */
    expect("sk/a+b\"c-12", "sk\\u00", "sk\\u00");
    expect("sk/a+b\"c-12", "sk&#x", "sk&#x");
}

/* "sk-live-1234567890" alone, and after "Bearer " and "user:": all three alignments. What the neighbours' bits are in
 * stays. */
static void test_secret__base64_does_not_help(void **state)
{
    (void)state;
    expect("sk-live-1234567890", "got c2stbGl2ZS0xMjM0NTY3ODkw", "got [key]");
    expect("sk-live-1234567890", "got QmVhcmVyIHNrLWxpdmUtMTIzNDU2Nzg5MA==", "got QmVhcmVyIH[key]A==");
    expect("sk-live-1234567890", "got dXNlcjpzay1saXZlLTEyMzQ1Njc4OTA=", "got dXNlcjp[key]A=");
    expect("sk-?~?~?~?~?~?~", "got c2stP34_fj9-P34_fj9-", "got [key]");
    expect("sk-?~?~?~?~?~?~", "got c2stP34%2Ffj9%2BP34/fj9+", "got [key]");
}

static void test_secret__without_one_nothing_changes(void **state)
{
    (void)state;
    expect(NULL, "a key", "a key");
    expect("", "a key", "a key");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret__is_hidden_wherever_it_stands),
        cmocka_unit_test(test_secret__parts_of_eight_characters_are_hidden),
        cmocka_unit_test(test_secret__escapes_do_not_help),
        cmocka_unit_test(test_secret__base64_does_not_help),
        cmocka_unit_test(test_secret__without_one_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
