/* Hides how a stream is called: through the operations that it begins with. Also the simplest of streams, over an
 * array. */
#include "traces/request.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/rng.h"

struct array_stream {
    struct ts_request_stream base;
    const struct ts_request *requests;
    uint64_t n, next;
};

const char *ts_sensitivity_name(enum ts_sensitivity sensitivity)
{
    switch (sensitivity) {
    case TS_PUBLIC:
        return "public";
    case TS_INTERNAL:
        return "internal";
    case TS_RESTRICTED:
        return "restricted";
    case TS_N_SENSITIVITIES:
        break;
    }
    TS_CHECK(!"a sensitivity");
    return "";
}

uint32_t ts_context_n_ids(const struct ts_context *context)
{
    return context->known_tok / TS_CONTEXT_BLOCK_TOK;
}

void ts_context_ids(uint64_t *ids, const struct ts_context *context)
{
    const uint32_t n = ts_context_n_ids(context), n_shared = context->shared_tok / TS_CONTEXT_BLOCK_TOK;
    for (uint32_t i = 0; i < n; i++) {
        ids[i] = ts_mix64((i < n_shared ? context->shared_key : context->own_key) + i);
    }
}

enum ts_status ts_request_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                               struct ts_diags *diags)
{
    return stream->ops->next(stream, out, got, diags);
}

void ts_request_stream_destroy(struct ts_request_stream *stream)
{
    if (stream != NULL) {
        stream->ops->destroy(stream);
    }
}

static enum ts_status array_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                 struct ts_diags *diags)
{
    struct array_stream *array = (struct array_stream *)stream;
    (void)diags;
    *got = array->next < array->n;
    if (*got) {
        *out = array->requests[array->next++];
    }
    return TS_OK;
}

static void array_destroy(struct ts_request_stream *stream)
{
    free(stream);
}

enum ts_status ts_request_stream_from_array(struct ts_request_stream **out, const struct ts_request *requests,
                                            uint64_t n)
{
    static const struct ts_request_stream_ops ops = {.next = array_next, .destroy = array_destroy};
    struct array_stream *array = malloc(sizeof *array);
    if (array == NULL) {
        return TS_ENOMEM;
    }
    *array = (struct array_stream){.base = {.ops = &ops}, .requests = requests, .n = n};
    *out = &array->base;
    return TS_OK;
}
