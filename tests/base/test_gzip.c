#include "base/gzip.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/base/base_test.h"

/* "hello" with a newline, compressed by `printf 'hello\n' | gzip -n`. */
static const unsigned char hello_gz[] = {0x1f, 0x8b, 0x08, 0,    0, 0,    0,    0,    0,    0x03, 0xcb, 0x48, 0xcd,
                                         0xc9, 0xc9, 0xe7, 0x02, 0, 0x20, 0x30, 0x3a, 0x36, 0x06, 0,    0,    0};

static void write_file(const char *path, const void *bytes, size_t len)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
}

static enum ts_status read_all(char *out, size_t cap, size_t *len, const char *path)
{
    struct ts_gzip *file = NULL;
    enum ts_status status = ts_gzip_open(&file, path, NULL);
    size_t got = 1;
    *len = 0;
    while (status == TS_OK && got > 0) {
        status = ts_gzip_read(file, out + *len, cap - *len, &got, NULL);
        *len += status == TS_OK ? got : 0;
    }
    ts_gzip_close(file);
    return status;
}

static void scratch(char *path, size_t cap)
{
    const char *dir = getenv("TMPDIR");
    snprintf(path, cap, "%s/tiersim-gzip-%ld", dir ? dir : "/tmp", (long)getpid());
}

static void test_gzip__plain_and_compressed_files_read_alike(void **state)
{
    (void)state;
    char path[512], text[64];
    size_t len = 0;
    scratch(path, sizeof path);
    write_file(path, "hello\n", 6);
    assert_int_equal(read_all(text, sizeof text, &len, path), TS_OK);
    assert_int_equal(len, 6);
    assert_memory_equal(text, "hello\n", 6);
    write_file(path, hello_gz, sizeof hello_gz);
    assert_int_equal(read_all(text, sizeof text, &len, path), TS_OK);
    assert_int_equal(len, 6);
    assert_memory_equal(text, "hello\n", 6);
    unlink(path);
}

static void test_gzip__a_damaged_or_cut_file_is_an_error(void **state)
{
    (void)state;
    char path[512], text[64];
    unsigned char bytes[sizeof hello_gz];
    size_t len = 0;
    scratch(path, sizeof path);
    memcpy(bytes, hello_gz, sizeof bytes);
    bytes[18] ^= 0xff;
    write_file(path, bytes, sizeof bytes);
    assert_int_equal(read_all(text, sizeof text, &len, path), TS_EINPUT);
    write_file(path, hello_gz, sizeof hello_gz - 9);
    assert_int_equal(read_all(text, sizeof text, &len, path), TS_EINPUT);
    unlink(path);
    assert_int_equal(read_all(text, sizeof text, &len, path), TS_EIO);
    assert_int_equal(read_all(text, sizeof text, &len, "/"), TS_EIO);
}

static void test_gzip__crc32_has_the_published_check_value(void **state)
{
    (void)state;
    char path[512];
    uint32_t crc = 0;
    uint64_t n_bytes = 0;
    scratch(path, sizeof path);
    write_file(path, "123456789", 9);
    assert_int_equal(ts_gzip_crc32(&crc, &n_bytes, path, NULL, NULL), TS_OK);
    assert_int_equal(crc, 0xcbf43926);
    assert_int_equal(n_bytes, 9);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gzip__plain_and_compressed_files_read_alike),
        cmocka_unit_test(test_gzip__a_damaged_or_cut_file_is_an_error),
        cmocka_unit_test(test_gzip__crc32_has_the_published_check_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
