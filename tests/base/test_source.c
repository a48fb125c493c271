/* Source text and its line map. */
#include "base/source.h"

#include "tests/base/base_test.h"

static void expect_lines(const char *data, size_t len, const char *const *lines, uint32_t n)
{
    struct ts_source source;
    assert_int_equal(ts_source_from_text(&source, "x.yaml", data, len, NULL), TS_OK);
    assert_int_equal(source.n_lines, n);
    for (uint32_t i = 1; i <= n; i++) {
        size_t line_len = 0;
        const char *line = ts_source_line(&source, i, &line_len);
        assert_int_equal(line_len, strlen(lines[i - 1]));
        assert_memory_equal(line, lines[i - 1], line_len);
    }
    size_t line_len = 9;
    assert_string_equal(ts_source_line(&source, n + 1, &line_len), "");
    assert_int_equal(line_len, 0);
    ts_source_line(&source, 0, &line_len);
    assert_int_equal(line_len, 0);
    ts_source_deinit(&source);
}

static void test_source__lines_end_at_lf_crlf_or_the_end(void **state)
{
    (void)state;
    expect_lines("", 0, NULL, 0);
    expect_lines("a\nbc\n", 5, (const char *const[]){"a", "bc"}, 2);
    expect_lines("a\r\n\r\nlast", 9, (const char *const[]){"a", "", "last"}, 3);
    expect_lines("\n", 1, (const char *const[]){""}, 1);
}

static void test_source__a_nul_byte_is_refused_with_its_place(void **state)
{
    (void)state;
    struct ts_diags diags;
    struct ts_source source;
    ts_diags_init(&diags);
    assert_int_equal(ts_source_from_text(&source, "x.yaml", "ab\nc\0d", 6, &diags), TS_EINPUT);
    assert_diags(&diags,
                 "x.yaml:2:2: error: a NUL byte: this is not a text file\nhelp: the file must be text in UTF-8\n");
}

static void test_source__reads_a_file_up_to_a_limit(void **state)
{
    (void)state;
    char path[] = "/tmp/ts_source.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "one\ntwo\n", 8), 8);
    close(fd);
    struct ts_diags diags;
    struct ts_source source;
    ts_diags_init(&diags);
    assert_int_equal(ts_source_read(&source, path, 8, &diags), TS_OK);
    assert_int_equal(source.n_lines, 2);
    assert_string_equal(source.name, path);
    assert_string_equal(source.data, "one\ntwo\n");
    ts_source_deinit(&source);
    assert_int_equal(ts_source_read(&source, path, 7, &diags), TS_EIO);
    assert_int_equal(diags.n_errors, 1);
    unlink(path);
    assert_int_equal(ts_source_read(&source, path, 8, &diags), TS_EIO);
    assert_int_equal(diags.n_errors, 2);
    ts_diags_deinit(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_source__lines_end_at_lf_crlf_or_the_end),
        cmocka_unit_test(test_source__a_nul_byte_is_refused_with_its_place),
        cmocka_unit_test(test_source__reads_a_file_up_to_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
