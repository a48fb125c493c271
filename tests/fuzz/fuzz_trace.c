/* Any bytes as a trace: an error or requests in order, never a crash. A first line "--map TEXT" is a map of columns for
 * what is after it. */
#include <stdlib.h>
#include <string.h>

#include "tests/fuzz/fuzz_input.h"
#include "traces/trace.h"

enum { MAP_MAX = 512 };

static void read_requests(struct ts_request_stream *stream, struct ts_diags *diags)
{
    struct ts_request request;
    int got = 1;
    int64_t last_ns = 0;
    uint64_t n = 0;
    while (got && ts_request_next(stream, &request, &got, diags) == TS_OK && got) {
        if (request.arrival_ns < last_ns || request.prompt_tok == 0 || request.output_tok == 0) {
            abort();
        }
        last_ns = request.arrival_ns;
        n++;
    }
    const struct ts_trace_counts counts = ts_trace_counts(stream);
    if (counts.n_kept != n || counts.n_rows != counts.n_kept + counts.n_dropped) {
        abort();
    }
}

/* What a user is told of the file. */
static void tell(const struct ts_request_stream *stream, struct ts_diags *diags)
{
    const struct ts_trace_counts counts = ts_trace_counts(stream);
    struct ts_text text;
    ts_text_init(&text);
    ts_trace_counts_tell(&text, &counts);
    ts_trace_tell(&text, stream);
    ts_trace_counts_warn(&counts, "fuzz", diags);
    ts_text_deinit(&text);
}

static void read_trace(const char *path, const struct ts_trace_map *map)
{
    struct ts_diags diags;
    struct ts_request_stream *stream = NULL;
    const struct ts_trace_options options = {.map = map};
    ts_diags_init(&diags);
    if (ts_trace_open_as(&stream, path, &options, &diags) == TS_OK) {
        read_requests(stream, &diags);
        tell(stream, &diags);
        ts_request_stream_destroy(stream);
    } else if (diags.n_errors == 0) {
        abort();
    }
    ts_diags_deinit(&diags);
}

/* The length of a first line "--map TEXT" with its end; 0: the input has none. */
static size_t map_line(const uint8_t *data, size_t size)
{
    static const char word[] = "--map ";
    const size_t skip = sizeof word - 1;
    const uint8_t *end = size > skip && memcmp(data, word, skip) == 0 ? memchr(data, '\n', size) : NULL;
    return end && end - data < MAP_MAX ? (size_t)(end - data) + 1 : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const size_t len = map_line(data, size);
    char words[MAP_MAX] = {0};
    char names[MAP_MAX];
    struct ts_trace_map map;
    struct ts_diags diags;
    if (len == 0) {
        read_trace(ts_fuzz_file(data, size), NULL);
        return 0;
    }
    memcpy(words, data, len - 1);
    ts_diags_init(&diags);
    if (ts_trace_map_parse(&map, names, words + strlen("--map "), &diags) == TS_OK) {
        read_trace(ts_fuzz_file(data + len, size - len), &map);
    } else if (diags.n_errors == 0) {
        abort();
    }
    ts_diags_deinit(&diags);
    return 0;
}
