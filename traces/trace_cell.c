/* Hides how a mistake in a cell is put into words, and cells of a CSV that hold JSON. */
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

void ts_trace_array_of(struct ts_trace_cell *out, struct ts_trace_rows *rows, enum ts_trace_field field)
{
    ts_trace_cell_of(out, rows, field);
    if (out->kind != TS_CELL_TEXT || (out->text[0] != '[' && out->text[0] != '{')) {
        return;
    }
    ts_json_deinit(&rows->array);
    rows->array = (struct ts_json_doc){.root = NULL};
    if (ts_json_parse_lenient(&rows->array, rows->path, out->text, out->len) == TS_OK) {
        *out = (struct ts_trace_cell){.kind = TS_CELL_JSON, .json = ts_json_root(&rows->array)};
    } else {
        rows->array = (struct ts_json_doc){.root = NULL};
    }
}

uint32_t ts_trace_count_of(const struct ts_trace_rows *rows, enum ts_trace_field field, uint32_t most)
{
    struct ts_trace_cell cell;
    double value = 0.0;
    if (rows->slots[field] < 0) {
        return 0;
    }
    ts_trace_cell_of(&cell, rows, field);
    if (cell.kind == TS_CELL_INT || cell.kind == TS_CELL_REAL) {
        value = cell.real;
    } else if (cell.kind == TS_CELL_TEXT) {
        (void)ts_parse_double(&value, cell.text, cell.len);
    }
    return value >= most ? most : value >= 1.0 ? (uint32_t)value : 0;
}
