/* Pieces of traces put together: nothing is lost, nothing comes twice, and what is thinned out or laid over itself has
 * the rates that it should have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "tests/traces/traces_test.h"
#include "traces/trace_splice.h"

enum { N = 20000, TURNS = 4, MAX_SEEN = 3 * N };

struct seen {
    int64_t times_ns[MAX_SEEN];
    uint32_t prompts[MAX_SEEN];
    uint64_t sessions[MAX_SEEN];
    uint16_t classes[MAX_SEEN];
    size_t n;
};

static struct seen *collect_all(const struct ts_trace_part *parts, size_t n_parts, bool is_aligned)
{
    struct seen *seen = calloc(1, sizeof *seen);
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    int got = 1;
    assert_non_null(seen);
    assert_int_equal(ts_trace_splice_open(&stream, parts, n_parts, is_aligned, NULL), TS_OK);
    for (;;) {
        assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
        if (!got) {
            break;
        }
        assert_true(seen->n < MAX_SEEN);
        assert_int_equal(request.id, seen->n);
        seen->times_ns[seen->n] = request.arrival_ns;
        seen->prompts[seen->n] = request.prompt_tok;
        seen->sessions[seen->n] = request.turn ? request.turn->session : 0;
        seen->classes[seen->n++] = request.class_id;
    }
    ts_request_stream_destroy(stream);
    return seen;
}

/* Row i comes at i s, with a prompt of i + 1 tokens, as a turn of session i / TURNS. */
static void write_rows(struct temp_file *file, size_t n, bool sessions)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_puts(&text, sessions ? "time,in,out,session\n" : "time,in,out\n");
    for (size_t i = 0; i < n; i++) {
        ts_text_printf(&text, "%zu,%zu,7", i + 100, i + 1);
        if (sessions) {
            ts_text_printf(&text, ",s%zu", i / TURNS);
        }
        ts_text_puts(&text, "\n");
    }
    write_text(file, text.data);
    ts_text_deinit(&text);
}

static const struct ts_trace_options plain = {.format = "auto"};

static void test_splice__pieces_make_the_whole(void **state)
{
    (void)state;
    struct temp_file file;
    write_rows(&file, N, false);
    struct ts_trace_part parts[3];
    const int64_t second_ns = 1000000000, cuts_ns[] = {INT64_MIN, 7777 * second_ns, 7778 * second_ns, INT64_MAX};
    for (size_t i = 0; i < 3; i++) {
        parts[i] = ts_trace_part_whole(file.path, &plain);
        parts[i].from_ns = cuts_ns[i];
        parts[i].to_ns = cuts_ns[i + 1];
    }
    struct seen *seen = collect_all(parts, 3, false);
    assert_int_equal(seen->n, N);
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(seen->times_ns[i], (int64_t)i * second_ns);
        assert_int_equal(seen->prompts[i], i + 1);
    }
    free(seen);
    remove_file(&file);
}

static void test_splice__what_is_left_out_is_counted(void **state)
{
    (void)state;
    struct temp_file file;
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    struct ts_trace_left left;
    int got = 1;
    write_rows(&file, N, false);
    struct ts_trace_part part = ts_trace_part_whole(file.path, &plain);
    part.from_ns = INT64_C(1000) * 1000000000;
    part.first = 101;
    part.last = 2100;
    part.keep_frac = 0.25;
    assert_int_equal(ts_trace_splice_open(&stream, &part, 1, false, NULL), TS_OK);
    uint64_t n = 0;
    while (ts_request_next(stream, &request, &got, NULL) == TS_OK && got) {
        n++;
    }
    const struct ts_trace_counts counts = ts_trace_splice_counts(&left, stream, 0);
    assert_int_equal(counts.n_rows, N);
    assert_int_equal(left.n_outside, 1000);
    assert_int_equal(left.n_other_rows, N - 1000 - 2000);
    assert_int_equal(n + left.n_thinned, 2000);
    assert_in_range(n, 500 - 5 * 19, 500 + 5 * 19); /* binomial, sd 19.4 */
    ts_request_stream_destroy(stream);
    remove_file(&file);
}

static void test_splice__sessions_are_thinned_out_as_a_whole(void **state)
{
    (void)state;
    struct temp_file file;
    write_rows(&file, N, true);
    struct ts_trace_part part = ts_trace_part_whole(file.path, &plain);
    part.keep_frac = 0.5;
    part.seed = 3;
    struct seen *seen = collect_all(&part, 1, false);
    assert_true(seen->n % TURNS == 0);
    for (size_t i = 0; i < seen->n; i += TURNS) {
        for (size_t k = 1; k < TURNS; k++) {
            assert_true(seen->sessions[i + k] == seen->sessions[i]);
        }
    }
    assert_in_range(seen->n / TURNS, 2500 - 5 * 36, 2500 + 5 * 36); /* of 5000 sessions, sd 35.4 */
    free(seen);
    remove_file(&file);
}

static void test_splice__files_keep_their_clocks_or_begin_together(void **state)
{
    (void)state;
    struct temp_file first, second;
    write_text(&first, "time,in,out\n2024-05-10 10:00:00,1,1\n2024-05-10 10:00:10,2,1\n");
    write_text(&second, "time,in,out\n2024-05-10 10:00:05,3,1\n2024-05-10 10:00:09,4,1\n");
    struct ts_trace_part parts[2] = {ts_trace_part_whole(first.path, &plain), ts_trace_part_whole(second.path, &plain)};
    parts[1].has_label = true;
    parts[1].label_id = 9;
    struct seen *seen = collect_all(parts, 2, false);
    const int64_t second_ns = 1000000000;
    assert_int_equal(seen->n, 4);
    assert_int_equal(seen->prompts[1], 3);
    assert_int_equal(seen->times_ns[1], 5 * second_ns);
    assert_int_equal(seen->classes[1], 9);
    assert_int_equal(seen->classes[3], 0);
    assert_int_equal(seen->prompts[3], 2);
    free(seen);
    seen = collect_all(parts, 2, true);
    assert_int_equal(seen->times_ns[1], 0);
    assert_int_equal(seen->prompts[2], 4);
    assert_int_equal(seen->times_ns[2], 4 * second_ns);
    free(seen);
    remove_file(&second);
    write_text(&second, "time,in,out\n5,3,1\n");
    struct ts_request_stream *stream = NULL;
    parts[1].path = second.path;
    assert_int_equal(ts_trace_splice_open(&stream, parts, 2, false, NULL), TS_EINPUT);
    ts_request_stream_destroy(stream);
    remove_file(&second);
    remove_file(&first);
}

/* A prompt of 4 blocks, of which 3 are those of the prompt before, made 2.5 times as long, and half as long. */
static void test_splice__what_prompts_share_is_stretched(void **state)
{
    (void)state;
    struct temp_file file;
    write_text(&file, "{\"timestamp\": 0, \"input_length\": 2048, \"output_length\": 1, \"hash_ids\": [1, 2, 3, 4]}\n"
                      "{\"timestamp\": 5, \"input_length\": 2048, \"output_length\": 1, \"hash_ids\": [1, 2, 3, 9]}\n");
    static const struct {
        double factor;
        uint32_t tok, n_ids, n_shared;
    } cases[] = {{1.0, 2048, 4, 3}, {2.5, 5120, 10, 7}, {0.5, 1024, 2, 1}, {3.0, 6144, 12, 9}};
    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct ts_request_stream *stream = NULL;
        struct ts_request request;
        uint64_t first[12];
        int got = 0;
        struct ts_trace_part part = ts_trace_part_whole(file.path, &plain);
        part.prompt_factor = cases[c].factor;
        assert_int_equal(ts_trace_splice_open(&stream, &part, 1, false, NULL), TS_OK);
        assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
        assert_int_equal(request.prompt_tok, cases[c].tok);
        assert_int_equal(request.prefix.n_ids, cases[c].n_ids);
        memcpy(first, request.prefix.ids, cases[c].n_ids * sizeof *first);
        assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
        uint32_t n_shared = 0;
        while (n_shared < cases[c].n_ids && first[n_shared] == request.prefix.ids[n_shared]) {
            n_shared++;
        }
        assert_int_equal(n_shared, cases[c].n_shared);
        ts_request_stream_destroy(stream);
    }
    remove_file(&file);
}

/* The salt of a part makes its sessions and prompts unlike those of another. */
static void test_splice__parts_of_other_salts_share_nothing(void **state)
{
    (void)state;
    struct temp_file file;
    write_rows(&file, TURNS, true);
    struct ts_trace_part parts[2] = {ts_trace_part_whole(file.path, &plain), ts_trace_part_whole(file.path, &plain)};
    struct seen *seen = collect_all(parts, 2, false);
    assert_true(seen->sessions[0] == seen->sessions[1]);
    free(seen);
    parts[1].salt = 1;
    seen = collect_all(parts, 2, false);
    assert_true(seen->sessions[0] != seen->sessions[1]);
    assert_true(seen->sessions[1] == seen->sessions[3]);
    free(seen);
    remove_file(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_splice__pieces_make_the_whole),
        cmocka_unit_test(test_splice__what_is_left_out_is_counted),
        cmocka_unit_test(test_splice__sessions_are_thinned_out_as_a_whole),
        cmocka_unit_test(test_splice__files_keep_their_clocks_or_begin_together),
        cmocka_unit_test(test_splice__what_prompts_share_is_stretched),
        cmocka_unit_test(test_splice__parts_of_other_salts_share_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
