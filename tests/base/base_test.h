/* What the tests of base/ share: cmocka with its includes, near-equality of doubles, a temporary folder, rendered
 * diagnostics. */
#ifndef TS_TESTS_BASE_TEST_H
#define TS_TESTS_BASE_TEST_H

#include "base/diag.h"
#include "tests/near.h"

/* Empties `diags` and compares what they say. */
static inline void assert_diags(struct ts_diags *diags, const char *expected)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_diags_render(diags, &text);
    assert_string_equal(text.data, expected);
    ts_text_deinit(&text);
    ts_diags_deinit(diags);
}

static inline void make_temp_dir(char path[64])
{
    strcpy(path, "/tmp/ts_base_test.XXXXXX");
    assert_non_null(mkdtemp(path));
}

static inline void write_bytes(const char *path, const char *data, size_t len)
{
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(data, 1, len, stream), len);
    assert_int_equal(fclose(stream), 0);
}

#endif
