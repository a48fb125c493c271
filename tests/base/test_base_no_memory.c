/* The n-th allocation fails, for n = 1, 2, ... until a call succeeds: each failure is reported, nothing leaks (the
 * address sanitizer watches), nothing is half-made. Allocations of the library go through the linker's --wrap. */
#include "base/arena.h"
#include "base/csv.h"
#include "base/file.h"
#include "base/hist.h"
#include "base/json.h"
#include "base/source.h"
#include "tests/base/base_test.h"
#include "tests/failing_allocator.h"

/* Runs `attempt` with the n-th allocation failing until it returns TS_OK; every other result must be TS_ENOMEM. */
static void until_success(enum ts_status (*attempt)(void), long at_least)
{
    long n = 0;
    for (;; n++) {
        countdown = n;
        enum ts_status status = attempt();
        bool unused = countdown >= 0;
        countdown = -1;
        if (status == TS_OK && unused) {
            break;
        }
        assert_int_equal(status, TS_ENOMEM);
        assert_true(n < 1000);
    }
    if (n < at_least) {
        fail_msg("%ld allocations, expected at least %ld", n, at_least);
    }
}

static enum ts_status try_source(void)
{
    struct ts_source source;
    enum ts_status status = ts_source_from_text(&source, "x", "a\nb\n", 4, NULL);
    if (status == TS_OK) {
        ts_source_deinit(&source);
    }
    return status;
}

static enum ts_status try_csv(void)
{
    static const char data[] = "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q,r\n1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18\n";
    struct ts_csv_reader *reader = NULL;
    const struct ts_csv_row *row = NULL;
    enum ts_status status = ts_csv_open_text(&reader, "x", data, strlen(data), true, NULL);
    if (status == TS_OK) {
        status = ts_csv_next(reader, &row, NULL);
    }
    ts_csv_close(reader);
    return status;
}

static enum ts_status try_csv_file(void)
{
    struct ts_csv_reader *reader = NULL;
    enum ts_status status = ts_csv_open(&reader, "/dev/null", false, NULL);
    ts_csv_close(reader);
    return status;
}

/* What jansson reads is right, or it is not there: without memory its lexer would lose bytes of a long string. */
static enum ts_status try_json(void)
{
    static const char text[] =
        "{\"a key of more than sixteen bytes\": [\"a text of more than sixteen bytes, too\", 1.25e3]}";
    struct ts_json_doc doc;
    enum ts_status status = ts_json_parse(&doc, "x", text, strlen(text), NULL);
    if (status == TS_OK) {
        const struct ts_json *list = ts_json_get(ts_json_root(&doc), "a key of more than sixteen bytes");
        assert_string_equal(ts_json_string(ts_json_at(list, 0)), "a text of more than sixteen bytes, too");
        ts_json_deinit(&doc);
    }
    return status;
}

static enum ts_status try_file(void)
{
    char path[64];
    snprintf(path, sizeof path, "/tmp/ts_no_memory.%ld", (long)getpid());
    enum ts_status status = ts_file_write(path, "x", 1, NULL);
    char *data = NULL;
    size_t len = 0;
    if (status == TS_OK) {
        status = ts_file_read(&data, &len, path, 100, NULL);
    }
    free(data);
    unlink(path);
    return status;
}

static enum ts_status try_arena(void)
{
    struct ts_arena arena;
    ts_arena_init(&arena);
    bool ok = ts_arena_alloc(&arena, 4000) != NULL && ts_arena_printf(&arena, "%200d", 1) != NULL &&
              ts_arena_strdup(&arena, "x") != NULL;
    ts_arena_deinit(&arena);
    return ok ? TS_OK : TS_ENOMEM;
}

static enum ts_status try_text(void)
{
    struct ts_text text;
    ts_text_init(&text);
    for (int i = 0; i < 100; i++) {
        ts_text_printf(&text, "%d,", i);
        assert_int_equal(text.len, strlen(text.data));
    }
    bool failed = text.failed;
    ts_text_deinit(&text);
    return failed ? TS_ENOMEM : TS_OK;
}

static enum ts_status try_diags(void)
{
    struct ts_diags diags;
    ts_diags_init(&diags);
    ts_diags_add(&diags, TS_ERROR, ts_span_file("x"), "hint", "message");
    assert_int_equal(diags.n_errors, 1);
    assert_int_equal(diags.n_items + diags.n_dropped, 1);
    bool complete = diags.n_items == 1 && diags.items[0].file != NULL && diags.items[0].hint != NULL;
    ts_diags_deinit(&diags);
    return complete ? TS_OK : TS_ENOMEM;
}

static enum ts_status try_hist_merge(void)
{
    struct ts_hist into;
    struct ts_hist from;
    long armed = countdown;
    countdown = -1;
    ts_hist_init(&into);
    ts_hist_init(&from);
    ts_hist_add(&into, 1);
    for (int64_t v = 1; v < INT64_MAX / 4; v *= 3) {
        ts_hist_add(&from, v);
    }
    countdown = armed;
    enum ts_status status = ts_hist_merge(&into, &from);
    assert_int_equal(into.count, status == TS_OK ? 1 + from.count : 1);
    if (status != TS_OK) {
        for (int p = 1; p < TS_HIST_PAGES; p++) {
            assert_null(into.pages[p]);
        }
    }
    ts_hist_deinit(&into);
    ts_hist_deinit(&from);
    return status;
}

static enum ts_status try_hist_add(void)
{
    struct ts_hist hist;
    ts_hist_init(&hist);
    ts_hist_add(&hist, 5);
    ts_hist_add_n(&hist, 5000000, 3);
    enum ts_status status = hist.lost == 0 ? TS_OK : TS_ENOMEM;
    assert_int_equal(hist.count + hist.lost, 4);
    ts_hist_deinit(&hist);
    return status;
}

static void test_no_memory__every_failed_allocation_is_reported(void **state)
{
    (void)state;
    until_success(try_source, 3);
    until_success(try_csv, 8);
    until_success(try_csv_file, 3);
    until_success(try_json, 10);
    until_success(try_file, 3);
    until_success(try_arena, 2);
    until_success(try_text, 3);
    until_success(try_diags, 4);
    until_success(try_hist_merge, 20);
    until_success(try_hist_add, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_memory__every_failed_allocation_is_reported)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
