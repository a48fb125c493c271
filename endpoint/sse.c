/* Hides how an event stream is cut: lines end in LF, CRLF or CR, a blank line ends an event.
 *
 * Worked: "data: a\ndata:b\n\n" is one event, "a\nb": one blank after the colon is dropped. */
#include "endpoint/sse.h"

#include <string.h>

void ts_sse_init(struct ts_sse *sse)
{
    *sse = (struct ts_sse){0};
    ts_text_init(&sse->line);
    ts_text_init(&sse->data);
}

void ts_sse_deinit(struct ts_sse *sse)
{
    ts_text_deinit(&sse->line);
    ts_text_deinit(&sse->data);
}

static void give_event(struct ts_sse *sse, ts_sse_on_event *on_event, void *context)
{
    if (sse->has_data) {
        on_event(context, sse->data.data, sse->data.len);
    }
    ts_text_clear(&sse->data);
    sse->has_data = false;
}

static void take_field(struct ts_sse *sse, const char *line, size_t len)
{
    const char *colon = memchr(line, ':', len);
    const size_t name_len = colon ? (size_t)(colon - line) : len;
    if (name_len != 4 || memcmp(line, "data", 4) != 0) {
        return;
    }
    const char *value = colon ? colon + 1 : line + len;
    const char *end = line + len;
    if (value < end && *value == ' ') {
        value++;
    }
    if (sse->has_data) {
        ts_text_puts(&sse->data, "\n");
    }
    ts_text_append(&sse->data, value, (size_t)(end - value));
    sse->has_data = true;
}

static void end_line(struct ts_sse *sse, ts_sse_on_event *on_event, void *context)
{
    static const char byte_order_mark[] = "\xEF\xBB\xBF";
    const char *line = sse->line.data;
    size_t len = sse->line.len;
    if (!sse->begun && len >= 3 && memcmp(line, byte_order_mark, 3) == 0) {
        line += 3;
        len -= 3;
    }
    sse->begun = true;
    if (len == 0) {
        give_event(sse, on_event, context);
    } else {
        take_field(sse, line, len);
    }
    ts_text_clear(&sse->line);
}

static enum ts_status check_size(const struct ts_sse *sse)
{
    if (sse->line.failed || sse->data.failed) {
        return TS_ENOMEM;
    }
    return sse->line.len > TS_SSE_MAX_EVENT_BYTES || sse->data.len > TS_SSE_MAX_EVENT_BYTES ? TS_EINPUT : TS_OK;
}

enum ts_status ts_sse_feed(struct ts_sse *sse, const char *bytes, size_t len, ts_sse_on_event *on_event, void *context)
{
    enum ts_status status = TS_OK;
    size_t begin = 0;
    for (size_t i = 0; status == TS_OK && i < len; i++) {
        const char c = bytes[i];
        if (c == '\n' && sse->after_cr) {
            begin = i + 1;
        } else if (c == '\n' || c == '\r') {
            ts_text_append(&sse->line, bytes + begin, i - begin);
            status = check_size(sse);
            if (status == TS_OK) {
                end_line(sse, on_event, context);
                status = check_size(sse);
            }
            begin = i + 1;
        }
        sse->after_cr = c == '\r';
    }
    if (status == TS_OK) {
        ts_text_append(&sse->line, bytes + begin, len - begin);
        status = check_size(sse);
    }
    return status;
}

enum ts_status ts_sse_finish(struct ts_sse *sse, ts_sse_on_event *on_event, void *context)
{
    if (sse->line.len > 0) {
        end_line(sse, on_event, context);
    }
    const enum ts_status status = check_size(sse);
    if (status == TS_OK) {
        give_event(sse, on_event, context);
    }
    return status;
}
