/* Hides that a file is read twice if its disorder shows late. */
#include "app/trace_args.h"

#include <string.h>

enum ts_status ts_trace_args_map(const struct ts_trace_map **out, const char *text, struct ts_arena *arena,
                                 struct ts_diags *diags)
{
    *out = NULL;
    if (!text) {
        return TS_OK;
    }
    struct ts_trace_map *map = ts_arena_alloc(arena, sizeof *map);
    char *copy = ts_arena_alloc(arena, strlen(text) + 1);
    if (!map || !copy) {
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    const enum ts_status status = ts_trace_map_parse(map, copy, text, diags);
    *out = status == TS_OK ? map : NULL;
    return status;
}

enum ts_status ts_trace_args_read(struct ts_request_stream **stream, const char *path, struct ts_trace_options *how,
                                  const struct ts_trace_consumer *consumer, struct ts_diags *diags)
{
    struct ts_diags said;
    ts_diags_init(&said);
    *stream = NULL;
    enum ts_status status = ts_trace_open_as(stream, path, how, &said);
    if (status == TS_OK) {
        status = consumer->consume(consumer->user, *stream, &said);
    }
    if (status == TS_EINPUT && *stream && !how->sorts && ts_trace_counts(*stream).came_late) {
        ts_diags_deinit(&said);
        ts_request_stream_destroy(*stream);
        how->sorts = true;
        return ts_trace_args_read(stream, path, how, consumer, diags);
    }
    ts_diags_move(diags, &said);
    ts_diags_deinit(&said);
    return status;
}
