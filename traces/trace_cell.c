/* Hides how a mistake in a cell is put into words. */
#include "traces/trace_format.h"

enum { SHOWN_CHARS = 40 };

enum ts_status ts_trace_cell_fail(const struct ts_trace_rows *rows, int slot, const char *due, const char *hint,
                                  struct ts_diags *diags)
{
    struct ts_trace_cell cell = {.kind = TS_CELL_NONE};
    struct ts_text message;
    ts_text_init(&message);
    rows->container->ops->cell(rows->container, (size_t)slot, &cell);
    ts_text_printf(&message, "%s must be %s", rows->container->ops->name(rows->container, (size_t)slot), due);
    if (cell.kind == TS_CELL_TEXT) {
        const bool cut = cell.len > SHOWN_CHARS;
        ts_text_printf(&message, ", not '%.*s%s'", cut ? SHOWN_CHARS : (int)cell.len, cell.text, cut ? "..." : "");
    } else if (cell.kind == TS_CELL_INT || cell.kind == TS_CELL_REAL) {
        ts_text_puts(&message, ", not ");
        ts_text_double(&message, cell.real);
    }
    const enum ts_status status = rows->container->ops->fail(rows->container, slot, diags, hint,
                                                             message.failed ? "a value is malformed" : message.data);
    ts_text_deinit(&message);
    return status;
}
