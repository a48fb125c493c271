/* What the tests of traces/ share: cmocka, temporary files, rendered diagnostics, a plain workload, a whole stream as
 * an array. */
#ifndef TS_TESTS_TRACES_TEST_H
#define TS_TESTS_TRACES_TEST_H

#include "tests/near.h"
#include "tests/open_trace.h"
#include "traces/workload.h"

struct temp_file {
    char path[64];
};

static inline void write_bytes(struct temp_file *file, const char *data, size_t len)
{
    (void)snprintf(file->path, sizeof file->path, "/tmp/ts_traces_test.XXXXXX");
    int fd = mkstemp(file->path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    assert_int_equal(close(fd), 0);
}

static inline void write_text(struct temp_file *file, const char *text)
{
    write_bytes(file, text, strlen(text));
}

static inline void remove_file(const struct temp_file *file)
{
    assert_int_equal(unlink(file->path), 0);
}

/* Empties `diags` and compares what they say; the path of the file reads FILE. */
static inline void assert_diags(struct ts_diags *diags, const struct temp_file *file, const char *expected)
{
    struct ts_text text;
    struct ts_text plain;
    ts_text_init(&text);
    ts_text_init(&plain);
    ts_diags_render(diags, &text);
    const char *at = text.data;
    for (const char *hit; file != NULL && (hit = strstr(at, file->path)) != NULL; at = hit + strlen(file->path)) {
        ts_text_append(&plain, at, (size_t)(hit - at));
        ts_text_puts(&plain, "FILE");
    }
    ts_text_puts(&plain, at);
    assert_string_equal(plain.data, expected);
    ts_text_deinit(&text);
    ts_text_deinit(&plain);
    ts_diags_deinit(diags);
}

/* Reads at most `max` requests; returns how many there were. */
static inline size_t read_all(struct ts_request_stream *stream, struct ts_request *out, size_t max)
{
    size_t n = 0;
    int got = 1;
    for (;;) {
        struct ts_request request;
        assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
        if (!got) {
            return n;
        }
        assert_true(n < max);
        out[n++] = request;
    }
}

static inline struct ts_class_spec plain_class(void)
{
    return (struct ts_class_spec){.name = "any",
                                  .share = 1.0,
                                  .prompt_tok = ts_dist_constant(100.0),
                                  .output_tok = ts_dist_constant(10.0),
                                  .difficulty = ts_dist_normal(0.0, 1.0),
                                  .sensitivity = TS_INTERNAL};
}

/* Poisson, one class. */
static inline struct ts_workload plain_workload(const struct ts_class_spec *classes, size_t n_classes)
{
    return (struct ts_workload){.calls_per_s = 1.0,
                                .window = {.duration_s = 3600.0},
                                .process = {.gap = ts_dist_exponential(1.0)},
                                .classes = classes,
                                .n_classes = n_classes};
}

static inline struct ts_workload trace_workload(const char *path, const struct ts_class_spec *classes, size_t n_classes)
{
    return (struct ts_workload){
        .trace_path = path, .trace_format = "auto", .scale_rate = 1.0, .classes = classes, .n_classes = n_classes};
}

#endif
