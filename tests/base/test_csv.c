/* CSV: what real traces look like, and what breaks them. */
#include "base/csv.h"

#include <zlib.h>

#include "base/file.h"
#include "base/rng.h"
#include "tests/base/base_test.h"

/* Appends every row as "line: a|b|c;". */
static enum ts_status dump(struct ts_text *out, struct ts_csv_reader *reader, struct ts_diags *diags)
{
    for (;;) {
        const struct ts_csv_row *row = NULL;
        enum ts_status status = ts_csv_next(reader, &row, diags);
        if (status != TS_OK || row == NULL) {
            return status;
        }
        ts_text_printf(out, "%d:", (int)row->line);
        for (size_t i = 0; i < row->n_fields; i++) {
            assert_int_equal(row->fields[i].data[row->fields[i].len], '\0');
            ts_text_printf(out, "%s%s", i > 0 ? "|" : " ", row->fields[i].data);
        }
        ts_text_puts(out, ";");
    }
}

static void expect_rows_len(const char *data, size_t len, bool has_header, const char *expected)
{
    struct ts_csv_reader *reader = NULL;
    struct ts_diags diags;
    struct ts_text out;
    ts_diags_init(&diags);
    ts_text_init(&out);
    assert_int_equal(ts_csv_open_text(&reader, "t.csv", data, len, has_header, &diags), TS_OK);
    assert_int_equal(dump(&out, reader, &diags), TS_OK);
    assert_string_equal(out.data, expected);
    assert_int_equal(diags.n_errors, 0);
    ts_text_deinit(&out);
    ts_csv_close(reader);
}

static void expect_rows(const char *data, const char *expected)
{
    expect_rows_len(data, strlen(data), false, expected);
}

static void expect_failure_len(const char *data, size_t len, bool has_header, const char *expected)
{
    struct ts_csv_reader *reader = NULL;
    struct ts_diags diags;
    struct ts_text out;
    ts_diags_init(&diags);
    ts_text_init(&out);
    enum ts_status status = ts_csv_open_text(&reader, "t.csv", data, len, has_header, &diags);
    if (status == TS_OK) {
        status = dump(&out, reader, &diags);
    }
    assert_int_equal(status, TS_EINPUT);
    assert_diags(&diags, expected);
    ts_text_deinit(&out);
    ts_csv_close(reader);
}

static void expect_failure(const char *data, const char *expected)
{
    expect_failure_len(data, strlen(data), false, expected);
}

static void test_csv__line_ends_of_every_kind(void **state)
{
    (void)state;
    expect_rows("a,b\n1,2\n", "1: a|b;2: 1|2;");
    expect_rows("a,b\n1,2", "1: a|b;2: 1|2;");
    expect_rows("a,b\r\n1,2\r\n", "1: a|b;2: 1|2;");
    expect_rows("a,b\r\n1,2", "1: a|b;2: 1|2;");
    expect_rows("a,b\r1,2\r", "1: a|b;2: 1|2;");
    expect_rows("a,b\n\n  \n1,2\n\n", "1: a|b;4: 1|2;");
    expect_rows("a,b\r\n\r\n1,2\r\n\r\n", "1: a|b;3: 1|2;");
    expect_rows("\r\n\na,b\r\r1,2", "3: a|b;5: 1|2;");
    expect_rows("", "");
    expect_rows("\n\n", "");
}

static void test_csv__fields_of_every_kind(void **state)
{
    (void)state;
    expect_rows("a,,c\n,,\n", "1: a||c;2: ||;");
    expect_rows("\"a,b\",\"say \"\"yes\"\"\"\n", "1: a,b|say \"yes\";");
    expect_rows("\"two\nlines\",b\nc,d\n", "1: two\nlines|b;3: c|d;");
    expect_rows("\"two\r\nlines\",b\r\nc,d\r\n", "1: two\r\nlines|b;3: c|d;");
    expect_rows(" a , b\t\n", "1: a|b;");
    expect_rows("\" a \", \"b\" \n", "1:  a |b;");
    expect_rows("\"\"\n", "1: ;");
    expect_rows("\"\",\"\"\nx,\"\"", "1: |;2: x|;");
    expect_rows("a,b,", "1: a|b|;");
    expect_rows("\xc3\xa9,b\n", "1: \xc3\xa9|b;");
}

static void test_csv__a_byte_order_mark_is_not_data(void **state)
{
    (void)state;
    struct ts_csv_reader *reader = NULL;
    assert_int_equal(ts_csv_open_text(&reader, "t", "\xef\xbb\xbfTIMESTAMP,b\r\n1,2", 19, true, NULL), TS_OK);
    assert_int_equal(ts_csv_column(reader, "TIMESTAMP"), 0);
    ts_csv_close(reader);
    expect_rows("\xef\xbb\xbf\"q\",b\n", "1: q|b;");
    expect_rows("\xef\xbb\xbf", "");
}

static void test_csv__columns_have_names(void **state)
{
    (void)state;
    static const char data[] = "time,\"Request tokens\",out\n1,2,3\n4,5,6\n";
    struct ts_csv_reader *reader = NULL;
    assert_int_equal(ts_csv_open_text(&reader, "t", data, strlen(data), true, NULL), TS_OK);
    const struct ts_csv_row *row = NULL;
    assert_int_equal(ts_csv_next(reader, &row, NULL), TS_OK);
    assert_int_equal(ts_csv_next(reader, &row, NULL), TS_OK);
    assert_string_equal(row->fields[1].data, "5");
    assert_int_equal(ts_csv_header(reader)->n_fields, 3);
    assert_string_equal(ts_csv_header(reader)->fields[1].data, "Request tokens"); /* survives the rows */
    assert_int_equal(ts_csv_column(reader, "Request tokens"), 1);
    assert_int_equal(ts_csv_column(reader, "out"), 2);
    assert_int_equal(ts_csv_column(reader, "Out"), -1);
    ts_csv_close(reader);
    assert_int_equal(ts_csv_open_text(&reader, "t", data, strlen(data), false, NULL), TS_OK);
    assert_int_equal(ts_csv_header(reader)->n_fields, 0);
    assert_int_equal(ts_csv_column(reader, "out"), -1);
    ts_csv_close(reader);
    ts_csv_close(NULL);
}

static void expect_span(struct ts_csv_reader *reader, const struct ts_csv_row *row, size_t i, uint32_t line,
                        uint32_t col, uint32_t len)
{
    struct ts_span at = ts_csv_span(reader, row, i);
    assert_string_equal(at.file, "t.csv");
    assert_int_equal(at.line, line);
    assert_int_equal(at.col, col);
    assert_int_equal(at.len, len);
}

static void test_csv__every_field_knows_its_place(void **state)
{
    (void)state;
    static const char data[] = "\xef\xbb\xbfone,two,three\n\n1,  22,\"3,3\"\n\"a\nb\",c,\"d\"\n";
    struct ts_csv_reader *reader = NULL;
    const struct ts_csv_row *row = NULL;
    assert_int_equal(ts_csv_open_text(&reader, "t.csv", data, strlen(data), true, NULL), TS_OK);
    expect_span(reader, ts_csv_header(reader), 1, 1, 5, 3);
    assert_int_equal(ts_csv_next(reader, &row, NULL), TS_OK);
    expect_span(reader, row, 0, 3, 1, 1);
    expect_span(reader, row, 1, 3, 5, 2);
    expect_span(reader, row, 2, 3, 8, 3);
    assert_int_equal(row->fields[2].col, 8);
    expect_span(reader, row, 3, 3, 11, 0);
    assert_int_equal(ts_csv_next(reader, &row, NULL), TS_OK);
    assert_int_equal(row->line, 4);
    expect_span(reader, row, 0, 4, 1, 3);
    expect_span(reader, row, 1, 5, 4, 1);
    expect_span(reader, row, 2, 5, 6, 1);
    expect_span(reader, ts_csv_header(reader), 2, 1, 9, 5);
    ts_csv_close(reader);
}

static void test_csv__a_stray_quote_is_an_error_with_its_place(void **state)
{
    (void)state;
    expect_failure("a,b\n1,2\"x\n3,4\n",
                   "t.csv:2:4: error: a quotation mark out of place\n"
                   "help: write a quote within a field twice, and the field in quotes: \"say \"\"yes\"\"\"\n");
    expect_failure("a,b\n\"1\"x,2\n",
                   "t.csv:2:4: error: a quotation mark out of place\n"
                   "help: write a quote within a field twice, and the field in quotes: \"say \"\"yes\"\"\"\n");
    expect_failure("a,b\n1,\"open\n3,4\n", "t.csv:2:3: error: a quotation mark is opened here and never closed\n");
}

static void test_csv__a_final_error_is_returned_again_without_words(void **state)
{
    (void)state;
    struct ts_csv_reader *reader = NULL;
    struct ts_diags diags;
    const struct ts_csv_row *row = NULL;
    ts_diags_init(&diags);
    assert_int_equal(ts_csv_open_text(&reader, "t", "a\"\nb\n", 5, false, &diags), TS_OK);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ts_csv_next(reader, &row, &diags), TS_EINPUT);
        assert_int_equal(diags.n_errors, 1);
    }
    ts_csv_close(reader);
    ts_diags_deinit(&diags);
}

static void test_csv__a_nul_byte_is_an_error_with_its_place(void **state)
{
    (void)state;
    static const char *const words = "error: a NUL byte: this is not a text file\n"
                                     "help: CSV is text in UTF-8; convert UTF-16 with: iconv -f UTF-16 -t UTF-8\n";
    struct ts_text expected;
    ts_text_init(&expected);
    ts_text_printf(&expected, "t.csv:2:4: %s", words);
    expect_failure_len("a,b\n1,2\0,3\n", 11, false, expected.data);
    ts_text_clear(&expected);
    ts_text_printf(&expected, "t.csv:1:1: %s", words);
    expect_failure_len("\0", 1, true, expected.data);
    ts_text_clear(&expected);
    ts_text_printf(&expected, "t.csv:1:4: %s", words);
    expect_failure_len("\xff\xfe"
                       "a\0,\0b\0\n\0",
                       10, true, expected.data); /* UTF-16 */
    ts_text_deinit(&expected);
}

static void test_csv__a_row_of_another_length_is_reported_and_passed(void **state)
{
    (void)state;
    static const char data[] = "a,b,c\n1,2\n3,4,5\n6,7,8,9\n10,11,12\n";
    struct ts_csv_reader *reader = NULL;
    struct ts_diags diags;
    const struct ts_csv_row *row = NULL;
    ts_diags_init(&diags);
    assert_int_equal(ts_csv_open_text(&reader, "t.csv", data, strlen(data), true, &diags), TS_OK);
    assert_int_equal(ts_csv_next(reader, &row, &diags), TS_EINPUT);
    assert_int_equal(ts_csv_next(reader, &row, &diags), TS_OK);
    assert_string_equal(row->fields[0].data, "3");
    assert_int_equal(ts_csv_next(reader, &row, &diags), TS_EINPUT);
    assert_int_equal(ts_csv_next(reader, &row, &diags), TS_OK);
    assert_string_equal(row->fields[0].data, "10");
    assert_int_equal(row->line, 5);
    assert_int_equal(ts_csv_next(reader, &row, &diags), TS_OK);
    assert_null(row);
    assert_int_equal(ts_csv_next(reader, &row, &diags), TS_OK);
    assert_null(row);
    ts_csv_close(reader);
    assert_diags(&diags, "t.csv:2:4: error: 2 fields, but the header has 3: is the row cut off?\n"
                         "t.csv:4:7: error: 4 fields, but the header has 3: does a field with a comma lack quotes?\n");
    expect_failure("a,b\n1\n", "t.csv:2:2: error: 1 field, but the first row has 2: is the row cut off?\n");
}

static void test_csv__ragged_rows_may_be_allowed(void **state)
{
    (void)state;
    struct ts_csv_reader *reader = NULL;
    struct ts_text out;
    ts_text_init(&out);
    assert_int_equal(ts_csv_open_text(&reader, "t", "a,b\n1\n2,3,4\n", 12, true, NULL), TS_OK);
    ts_csv_allow_ragged(reader);
    assert_int_equal(dump(&out, reader, NULL), TS_OK);
    assert_string_equal(out.data, "2: 1;3: 2|3|4;");
    ts_text_deinit(&out);
    ts_csv_close(reader);
}

static void test_csv__an_empty_file_has_no_header(void **state)
{
    (void)state;
    expect_failure_len("", 0, true, "t.csv: error: the file is empty: a header row is expected\n");
    expect_failure_len("\n\r\n", 3, true, "t.csv: error: the file is empty: a header row is expected\n");
    expect_rows_len("a,b\n", 4, true, "");
}

static void test_csv__rows_and_fields_have_a_maximum(void **state)
{
    (void)state;
    enum { N = 3 << 20 };
    char *data = malloc(N);
    assert_non_null(data);
    memset(data, 'x', N);
    memcpy(data, "a\n\"", 3);
    expect_failure_len(data, N, false,
                       "t.csv:2:1: error: a row of more than 1 MiB\nhelp: is a quotation mark left open, or is this "
                       "not a CSV file?\n");
    memset(data, ',', N);
    expect_failure_len(data, N, false, "t.csv:1:1: error: a row of more than 16384 fields\n");
    for (int i = 0; i < N; i += 2) {
        memcpy(data + i, "x\n", 2);
    }
    data[0] = '"';
    expect_failure_len(data, N, false,
                       "t.csv:1:1: error: a row of more than 1 MiB\nhelp: is a quotation mark left open, or is this "
                       "not a CSV file?\n");
    free(data);
}

static void test_csv__a_row_just_below_the_maximum_is_fine(void **state)
{
    (void)state;
    enum { N = (1 << 20) - 10 };
    char *data = malloc(N + 4);
    assert_non_null(data);
    memset(data, 'x', N);
    memcpy(data + N, ",y\nz", 4);
    struct ts_csv_reader *reader = NULL;
    const struct ts_csv_row *row = NULL;
    assert_int_equal(ts_csv_open_text(&reader, "t", data, N + 3, false, NULL), TS_OK);
    assert_int_equal(ts_csv_next(reader, &row, NULL), TS_OK);
    assert_int_equal(row->n_fields, 2);
    assert_int_equal(row->fields[0].len, N);
    assert_int_equal(row->fields[1].col, N + 2);
    ts_csv_close(reader);
    free(data);
}

static void write_rows(struct ts_text *text, int n)
{
    ts_text_puts(text, "TIMESTAMP,ContextTokens,GeneratedTokens\r\n");
    for (int i = 0; i < n; i++) {
        ts_text_printf(text, "2023-11-16 18:15:46.6805900,\"%d\",%d\r\n", i, i % 97);
    }
}

static void expect_file(const char *path, int n)
{
    struct ts_csv_reader *reader = NULL;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_csv_open(&reader, path, true, &diags), TS_OK);
    for (int i = 0; i < n; i++) {
        const struct ts_csv_row *row = NULL;
        uint64_t value = 0;
        assert_int_equal(ts_csv_next(reader, &row, &diags), TS_OK);
        assert_non_null(row);
        assert_int_equal(row->line, i + 2);
        assert_true(ts_parse_u64(&value, row->fields[1].data, row->fields[1].len) && value == (uint64_t)i);
        assert_int_equal(row->fields[1].col, 29);
    }
    const struct ts_csv_row *row = NULL;
    assert_int_equal(ts_csv_next(reader, &row, &diags), TS_OK);
    assert_null(row);
    assert_int_equal(diags.n_errors, 0);
    ts_csv_close(reader);
}

static void gz_write(const char *path, const char *data, size_t len)
{
    gzFile gz = gzopen(path, "wb");
    assert_non_null(gz);
    assert_int_equal(gzwrite(gz, data, (unsigned)len), len);
    assert_int_equal(gzclose(gz), Z_OK);
}

/* Rows lie across the 64 KiB chunks in every possible way. */
static void test_csv__plain_and_gzip_files_are_read_alike(void **state)
{
    (void)state;
    char dir[64];
    make_temp_dir(dir);
    char *plain = ts_path_join(dir, "t.csv");
    char *packed = ts_path_join(dir, "t.csv.gz");
    struct ts_text text;
    ts_text_init(&text);
    write_rows(&text, 20000);
    write_bytes(plain, text.data, text.len);
    gz_write(packed, text.data, text.len);
    expect_file(plain, 20000);
    expect_file(packed, 20000);
    ts_text_deinit(&text);
    unlink(plain);
    unlink(packed);
    rmdir(dir);
    free(plain);
    free(packed);
}

static void expect_open_failure(const char *path, enum ts_status expected, const char *message)
{
    struct ts_csv_reader *reader = NULL;
    struct ts_diags diags;
    ts_diags_init(&diags);
    enum ts_status status = ts_csv_open(&reader, path, true, &diags);
    const struct ts_csv_row *row = NULL;
    while (status == TS_OK) {
        status = ts_csv_next(reader, &row, &diags);
        assert_true(status != TS_OK || row != NULL);
    }
    assert_int_equal(status, expected);
    assert_int_equal(diags.n_errors, 1);
    assert_true(ts_str_has_prefix(diags.items[0].message, message));
    ts_csv_close(reader);
    ts_diags_deinit(&diags);
}

static void test_csv__a_damaged_gzip_file_is_an_error(void **state)
{
    (void)state;
    char dir[64];
    make_temp_dir(dir);
    char *path = ts_path_join(dir, "t.csv.gz");
    struct ts_text text;
    char *packed = NULL;
    size_t len = 0;
    ts_text_init(&text);
    write_rows(&text, 20000);
    gz_write(path, text.data, text.len);
    assert_int_equal(ts_file_read(&packed, &len, path, 1 << 24, NULL), TS_OK);
    write_bytes(path, packed, len / 2);
    expect_open_failure(path, TS_EINPUT, "cannot decompress: ");
    packed[len - 6] ^= 0x55; /* the checksum */
    write_bytes(path, packed, len);
    expect_open_failure(path, TS_EINPUT, "cannot decompress: ");
    free(packed);
    ts_text_deinit(&text);
    unlink(path);
    rmdir(dir);
    free(path);
}

static void test_csv__what_cannot_be_opened_says_why(void **state)
{
    (void)state;
    expect_open_failure("/tmp/ts-absent.csv", TS_EIO, "cannot open: No such file or directory");
    expect_open_failure("/tmp", TS_EIO, "cannot read: it is a folder");
    expect_open_failure("/dev/null", TS_EINPUT, "the file is empty");
}

/* Random bytes, and random bytes of the characters that matter: no crash, no endless loop, errors always with words. */
static void test_csv__garbage_never_breaks_the_reader(void **state)
{
    (void)state;
    static const char letters[] = "a1,\"\n\r \t";
    struct ts_rng rng;
    ts_rng_init(&rng, 11, 0, 0, 0);
    for (int round = 0; round < 3000; round++) {
        char data[200];
        size_t len = ts_rng_u32(&rng) % sizeof data;
        for (size_t i = 0; i < len; i++) {
            uint32_t r = ts_rng_u32(&rng);
            data[i] = round % 2 == 0 ? (char)r : letters[r % (sizeof letters - 1)];
        }
        struct ts_csv_reader *reader = NULL;
        struct ts_diags diags;
        struct ts_text out;
        ts_diags_init(&diags);
        ts_text_init(&out);
        enum ts_status status = ts_csv_open_text(&reader, "t", data, len, round % 3 == 0, &diags);
        if (status == TS_OK) {
            ts_csv_allow_ragged(reader);
            status = dump(&out, reader, &diags);
        }
        assert_int_equal(diags.n_errors, status == TS_OK ? 0 : 1);
        ts_csv_close(reader);
        ts_text_deinit(&out);
        ts_diags_deinit(&diags);
    }
}

/* What is written reads back as it was. */
static void expect_put(const char *field, const char *expected)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_csv_put(&text, field, true);
    assert_string_equal(text.data, expected);
    ts_text_deinit(&text);
}

static void test_csv_put__a_text_is_no_formula(void **state)
{
    (void)state;
    expect_put("=1+1", "'=1+1");
    expect_put("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0");
    expect_put("=HYPERLINK(\"http://evil\",\"x\")", "\"'=HYPERLINK(\"\"http://evil\"\",\"\"x\"\")\"");
    expect_put("+49 30", "'+49 30");
    expect_put("-x", "'-x");
    expect_put("@SUM(A1)", "'@SUM(A1)");
    expect_put("\t=1", "\"'\t=1\"");
    expect_put("\r=1", "\"'\r=1\"");
    expect_put("\n=1", "\"'\n=1\"");
    expect_put("a=b", "a=b");
    expect_put("", "");
    expect_put("-1.5e-3", "-1.5e-3");
    expect_put("+5", "+5");
    expect_put("-", "'-");
    expect_put("-2+3", "'-2+3");
}

static void test_csv_put__numbers_are_numbers(void **state)
{
    (void)state;
    struct ts_text text;
    ts_text_init(&text);
    ts_csv_put_number(&text, -1e-16, true);
    ts_csv_put_number(&text, (double)NAN, false);
    ts_csv_put_number(&text, 0.1, false);
    assert_string_equal(text.data, "-1e-16,,0.1");
    ts_text_deinit(&text);
}

static void test_csv_put__reads_back(void **state)
{
    (void)state;
    static const char *const fields[] = {"plain", "",      "a,b",     "say \"yes\"", "two\nlines",
                                         "cr\r",  " lead", "trail\t", "\"",          "\xc3\xa9"};
    enum { N = sizeof fields / sizeof fields[0] };
    struct ts_text text;
    ts_text_init(&text);
    for (size_t i = 0; i < N; i++) {
        ts_csv_put(&text, fields[i], i == 0);
    }
    assert_string_equal(
        text.data,
        "plain,,\"a,b\",\"say \"\"yes\"\"\",\"two\nlines\",\"cr\r\",\" lead\",\"trail\t\",\"\"\"\",\xc3\xa9");
    struct ts_csv_reader *reader = NULL;
    const struct ts_csv_row *row = NULL;
    assert_int_equal(ts_csv_open_text(&reader, "t", text.data, text.len, false, NULL), TS_OK);
    assert_int_equal(ts_csv_next(reader, &row, NULL), TS_OK);
    assert_int_equal(row->n_fields, N);
    for (size_t i = 0; i < N; i++) {
        assert_string_equal(row->fields[i].data, fields[i]);
    }
    ts_csv_close(reader);
    ts_text_deinit(&text);
}

/* Rows, places and errors of a reader, as text. */
static void describe(struct ts_text *out, struct ts_csv_reader *reader)
{
    struct ts_diags diags;
    ts_diags_init(&diags);
    for (int i = 0; i < 100; i++) {
        const struct ts_csv_row *row = NULL;
        if (ts_csv_next(reader, &row, &diags) == TS_OK && row == NULL) {
            break;
        }
        for (size_t f = 0; row != NULL && f < row->n_fields; f++) {
            const struct ts_span at = ts_csv_span(reader, row, f);
            ts_text_printf(out, "%u:%u+%u|%s|", (unsigned)at.line, (unsigned)at.col, (unsigned)at.len,
                           row->fields[f].data);
        }
        ts_text_puts(out, ";");
    }
    ts_diags_render(&diags, out);
    ts_diags_deinit(&diags);
}

/* Rows between commas take the short way through plain rows, those between semicolons never do: both must see the same.
 */
static void test_csv__the_short_way_through_plain_rows_sees_the_same(void **state)
{
    (void)state;
    enum { N = 4000, LEN = 60 };
    static const char alphabet[] = "aaab01,,,,\n\n\n\r \t\"";
    char dir[64];
    make_temp_dir(dir);
    char *path = ts_path_join(dir, "rows.csv");
    assert_non_null(path);
    for (uint32_t i = 0; i < N; i++) {
        char data[4 + LEN] = "a,b\n", other[4 + LEN];
        struct ts_rng rng;
        struct ts_csv_reader *readers[2] = {NULL, NULL};
        struct ts_text seen[2];
        ts_rng_init(&rng, 5, i, 0, 0);
        const size_t len = 4 + 1 + ts_rng_u32(&rng) % LEN;
        const uint32_t n_letters = sizeof alphabet - 1 - (ts_rng_u32(&rng) % 5);
        for (size_t c = 0; c < len; c++) {
            data[c] = c < 4 ? data[c] : alphabet[ts_rng_u32(&rng) % n_letters];
            other[c] = (char)(data[c] == ',' ? ';' : data[c]);
        }
        write_bytes(path, other, len);
        assert_int_equal(ts_csv_open_text(&readers[0], path, data, len, true, NULL), TS_OK);
        assert_int_equal(ts_csv_open_separated(&readers[1], path, ';', 0, NULL), TS_OK);
        for (int r = 0; r < 2; r++) {
            ts_text_init(&seen[r]);
            if (i % 2 == 0) {
                ts_csv_allow_ragged(readers[r]);
            }
            describe(&seen[r], readers[r]);
            ts_csv_close(readers[r]);
            for (char *c = seen[r].data; (c = strchr(c, ';')) != NULL;) {
                *c = ',';
            }
        }
        assert_string_equal(seen[0].data, seen[1].data);
        ts_text_deinit(&seen[0]);
        ts_text_deinit(&seen[1]);
    }
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv__line_ends_of_every_kind),
        cmocka_unit_test(test_csv__fields_of_every_kind),
        cmocka_unit_test(test_csv__a_byte_order_mark_is_not_data),
        cmocka_unit_test(test_csv__columns_have_names),
        cmocka_unit_test(test_csv__every_field_knows_its_place),
        cmocka_unit_test(test_csv__a_stray_quote_is_an_error_with_its_place),
        cmocka_unit_test(test_csv__a_final_error_is_returned_again_without_words),
        cmocka_unit_test(test_csv__a_nul_byte_is_an_error_with_its_place),
        cmocka_unit_test(test_csv__a_row_of_another_length_is_reported_and_passed),
        cmocka_unit_test(test_csv__ragged_rows_may_be_allowed),
        cmocka_unit_test(test_csv__an_empty_file_has_no_header),
        cmocka_unit_test(test_csv__rows_and_fields_have_a_maximum),
        cmocka_unit_test(test_csv__a_row_just_below_the_maximum_is_fine),
        cmocka_unit_test(test_csv__plain_and_gzip_files_are_read_alike),
        cmocka_unit_test(test_csv__a_damaged_gzip_file_is_an_error),
        cmocka_unit_test(test_csv__what_cannot_be_opened_says_why),
        cmocka_unit_test(test_csv__garbage_never_breaks_the_reader),
        cmocka_unit_test(test_csv_put__a_text_is_no_formula),
        cmocka_unit_test(test_csv_put__numbers_are_numbers),
        cmocka_unit_test(test_csv_put__reads_back),
        cmocka_unit_test(test_csv__the_short_way_through_plain_rows_sees_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
