/* What is written is read back as it was. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/text.h"
#include "tests/traces/traces_test.h"
#include "traces/trace_write.h"

static const char *const names[] = {"chat", "a, \"b\""};
static const uint64_t ids[] = {11, 12, UINT64_MAX};

static struct ts_request request_of(size_t i, uint32_t n_ids, uint16_t block_tok)
{
    struct ts_request request = {.id = i,
                                 .arrival_ns = (int64_t)i * 1234567891,
                                 .prompt_tok = block_tok == 16 ? 40 : 1500,
                                 .output_tok = (uint32_t)i + 1,
                                 .class_id = (uint16_t)(i % 2),
                                 .sensitivity = TS_RESTRICTED,
                                 .difficulty = -0.25F};
    request.prefix.ids = ids;
    request.prefix.n_ids = n_ids;
    request.prefix.block_tok = block_tok;
    return request;
}

/* Writes three requests to a file of that end and reads them. */
static void round_trip(const char *end, uint32_t n_ids, uint16_t block_tok, int64_t base_ns, struct ts_diags *diags,
                       uint32_t n_read_ids, uint32_t read_block_tok)
{
    char path[96];
    struct temp_file file;
    struct ts_trace_writer *writer = NULL;
    const struct ts_trace_write_options how = {.classes = names,
                                               .n_classes = 2,
                                               .says_class = true,
                                               .says_sensitivity = true,
                                               .says_difficulty = true,
                                               .block_tok = block_tok == 300 ? 512 : block_tok,
                                               .base_ns = base_ns,
                                               .is_dated = base_ns > 0};
    struct ts_trace_names learned = {.n = 0};
    const struct ts_trace_options options = {.learns = &learned};
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    int got = 0;
    write_text(&file, "");
    (void)snprintf(path, sizeof path, "%s%s", file.path, end);
    assert_int_equal(ts_trace_writer_open(&writer, path, &how, NULL), TS_OK);
    for (size_t i = 0; i < 3; i++) {
        request = request_of(i, n_ids, block_tok);
        assert_int_equal(ts_trace_writer_put(writer, &request, NULL), TS_OK);
    }
    assert_int_equal(ts_trace_writer_commit(writer, diags), TS_OK);
    assert_int_equal(ts_trace_open_as(&stream, path, &options, NULL), TS_OK);
    for (size_t i = 0; i < 3; i++) {
        const struct ts_request wanted = request_of(i, n_ids, block_tok);
        assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
        assert_int_equal(got, 1);
        assert_near((double)request.arrival_ns, (double)wanted.arrival_ns, base_ns > 0 ? 1000.0 : 0.0);
        assert_int_equal(request.prompt_tok, wanted.prompt_tok);
        assert_int_equal(request.output_tok, i + 1);
        assert_int_equal(request.sensitivity, TS_RESTRICTED);
        assert_near((double)request.difficulty, -0.25, 0.0);
        assert_string_equal(learned.names[request.class_id], names[i % 2]);
        assert_int_equal(request.prefix.n_ids, n_read_ids);
        assert_true(n_read_ids == 0 || request.prefix.block_tok == read_block_tok);
    }
    ts_request_stream_destroy(stream);
    ts_trace_names_deinit(&learned);
    assert_int_equal(unlink(path), 0);
    remove_file(&file);
}

static void test_write__is_read_back(void **state)
{
    (void)state;
    round_trip(".csv", 0, 0, 0, NULL, 0, 0);
    round_trip(".csv.gz", 0, 0, 0, NULL, 0, 0);
    round_trip(".csv", 0, 0, 1700158546000000000, NULL, 0, 0);
    round_trip(".jsonl", 3, 512, 0, NULL, 3, 512);
    round_trip(".jsonl.gz", 3, 512, 1700158546000000000, NULL, 3, 512);
    round_trip(".jsonl", 3, 16, 0, NULL, 3, 16);
}

static void test_write__what_is_lost_is_told(void **state)
{
    (void)state;
    struct ts_diags diags;
    ts_diags_init(&diags);
    round_trip(".csv", 3, 512, 0, &diags, 0, 0);
    assert_int_equal(diags.n_items, 1);
    assert_non_null(strstr(diags.items[0].message, "a CSV has no place for content ids"));
    ts_diags_deinit(&diags);
    ts_diags_init(&diags);
    round_trip(".jsonl", 3, 300, 0, &diags, 1, 512);
    assert_int_equal(diags.n_items, 1);
    assert_non_null(strstr(diags.items[0].message, "for every 512 tokens"));
    ts_diags_deinit(&diags);
}

static void test_write__a_name_without_a_known_end_is_refused(void **state)
{
    (void)state;
    const struct ts_trace_write_options how = {.n_classes = 0};
    struct ts_trace_writer *writer = NULL;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_trace_writer_open(&writer, "trace.xlsx", &how, &diags), TS_EUSAGE);
    assert_null(writer);
    ts_diags_deinit(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_write__is_read_back),
        cmocka_unit_test(test_write__what_is_lost_is_told),
        cmocka_unit_test(test_write__a_name_without_a_known_end_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
