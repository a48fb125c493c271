/* Hides how a record says of which class it is: by columns that the scenario looks at (where), or by a column with the
 * class's name; and how it says its sensitivity and difficulty. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "traces/trace_format.h"

static bool find_class(uint16_t *out, const struct ts_trace_classes *classes, const char *name, struct ts_text *hint)
{
    for (uint32_t i = 0; i < classes->n; i++) {
        if (ts_str_equal(classes->names[i], name)) {
            *out = (uint16_t)i;
            return true;
        }
    }
    const char *near = ts_suggest(name, classes->names, classes->n);
    if (near) {
        ts_text_printf(hint, "did you mean '%s'?", near);
        return false;
    }
    ts_text_puts(hint, "the scenario's classes are: ");
    for (uint32_t i = 0; i < classes->n; i++) {
        ts_text_printf(hint, "%s%s", i > 0 ? ", " : "", classes->names[i]);
    }
    return false;
}

static enum ts_status read_class(struct ts_trace_row *out, const struct ts_trace_rows *rows, struct ts_diags *diags)
{
    const struct ts_trace_classes *classes = rows->options->classes;
    struct ts_trace_names *learns = rows->options->learns;
    const int slot = rows->slots[TS_TRACE_CLASS];
    struct ts_trace_cell cell;
    ts_trace_cell_of(&cell, rows, TS_TRACE_CLASS);
    out->names_class = cell.kind != TS_CELL_NONE;
    if (learns && !out->names_class) {
        cell = (struct ts_trace_cell){.kind = TS_CELL_TEXT, .text = ""};
    } else if (!out->names_class || (!classes && !learns) || out->has_class) {
        return TS_OK;
    }
    char number[32];
    if (cell.kind == TS_CELL_INT) {
        (void)snprintf(number, sizeof number, "%lld", (long long)cell.whole);
        cell.text = number;
    } else if (cell.kind != TS_CELL_TEXT) {
        return ts_trace_cell_fail(rows, slot, "the name of a class", NULL, diags);
    }
    if (learns) {
        out->has_class = ts_trace_names_find(&out->class_id, learns, cell.text);
        return out->has_class ? TS_OK : ts_fail(diags, TS_ENOMEM, ts_span_file(rows->path), NULL, "out of memory");
    }
    struct ts_text hint, message;
    ts_text_init(&hint);
    ts_text_init(&message);
    enum ts_status status = TS_OK;
    out->has_class = find_class(&out->class_id, classes, cell.text, &hint);
    if (!out->has_class) {
        ts_text_printf(&message, "unknown class '%.40s'", cell.text);
        status = rows->container->ops->fail(rows->container, slot, diags, hint.failed ? NULL : hint.data,
                                            message.failed ? "unknown class" : message.data);
    }
    ts_text_deinit(&message);
    ts_text_deinit(&hint);
    return status;
}

static bool holds(const struct ts_trace_rows *rows, size_t i)
{
    const char *text = rows->options->where[i].text;
    struct ts_trace_cell cell = {.kind = TS_CELL_NONE};
    double number = 0.0;
    if (rows->where_slots[i] >= 0) {
        rows->container->ops->cell(rows->container, (size_t)rows->where_slots[i], &cell);
    }
    switch (cell.kind) {
    case TS_CELL_TEXT:
        return ts_str_equal(cell.text, text);
    case TS_CELL_INT:
    case TS_CELL_REAL:
        return ts_parse_double(&number, text, strlen(text)) && number == cell.real;
    case TS_CELL_NONE:
        return *text == '\0';
    case TS_CELL_JSON:
        break;
    }
    return false;
}

/* The first class all of whose conditions hold; and those that are of none must. */
static void select_class(struct ts_trace_row *out, const struct ts_trace_rows *rows)
{
    const struct ts_trace_options *options = rows->options;
    for (size_t i = 0; i < options->n_where;) {
        const uint16_t class_id = options->where[i].class_id;
        bool all = class_id == TS_TRACE_NO_CLASS || !out->has_class;
        for (; i < options->n_where && options->where[i].class_id == class_id; i++) {
            all = all && holds(rows, i);
        }
        if (class_id == TS_TRACE_NO_CLASS) {
            out->drop = (uint8_t)(all || out->drop != TS_TRACE_KEPT ? out->drop : TS_TRACE_NOT_ASKED_FOR);
        } else if (all) {
            out->has_class = true;
            out->class_id = class_id;
        }
    }
    if (!out->has_class && options->drops_others && out->drop == TS_TRACE_KEPT) {
        out->drop = TS_TRACE_OTHER_CLASS;
    }
}

static enum ts_status read_sensitivity(struct ts_trace_row *out, const struct ts_trace_rows *rows,
                                       struct ts_diags *diags)
{
    static const struct {
        const char *word;
        int sensitivity; /* -1: as the class says */
    } words[] = {{"public", TS_PUBLIC},
                 {"internal", TS_INTERNAL},
                 {"restricted", TS_RESTRICTED},
                 {"open", TS_PUBLIC},
                 {"confidential", TS_RESTRICTED},
                 {"secret", TS_RESTRICTED},
                 {"yes", TS_RESTRICTED},
                 {"true", TS_RESTRICTED},
                 {"1", TS_RESTRICTED},
                 {"no", -1},
                 {"false", -1},
                 {"0", -1},
                 {"sensitive", TS_RESTRICTED}};
    const int slot = rows->slots[TS_TRACE_SENSITIVITY];
    struct ts_trace_cell cell;
    ts_trace_cell_of(&cell, rows, TS_TRACE_SENSITIVITY);
    if (cell.kind == TS_CELL_NONE) {
        return TS_OK;
    }
    const char digit[2] = {(char)('0' + (cell.kind == TS_CELL_INT ? cell.whole % 10 : 9)), '\0'};
    const char *text = cell.kind == TS_CELL_TEXT ? cell.text : digit;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (ts_trace_name_is(text, strlen(text), words[i].word)) {
            out->has_sensitivity = words[i].sensitivity >= 0;
            out->sensitivity = (uint8_t)(out->has_sensitivity ? words[i].sensitivity : 0);
            return TS_OK;
        }
    }
    return ts_trace_cell_fail(rows, slot, "public, internal or restricted, or yes (restricted) or no", NULL, diags);
}

static enum ts_status read_difficulty(struct ts_trace_row *out, const struct ts_trace_rows *rows,
                                      struct ts_diags *diags)
{
    const int slot = rows->slots[TS_TRACE_DIFFICULTY];
    struct ts_trace_cell cell;
    ts_trace_cell_of(&cell, rows, TS_TRACE_DIFFICULTY);
    if (cell.kind == TS_CELL_NONE) {
        return TS_OK;
    }
    double value = cell.real;
    if (cell.kind == TS_CELL_TEXT) {
        char text[64] = "";
        const size_t len = cell.len < sizeof text ? cell.len : 0;
        memcpy(text, cell.text, len);
        char *comma = rows->clock.decimal_comma ? strchr(text, ',') : NULL;
        if (comma) {
            *comma = '.';
        }
        value = ts_parse_double(&value, text, len) ? value : NAN;
    }
    if (cell.kind == TS_CELL_JSON || !(fabs(value) <= 100.0)) {
        return ts_trace_cell_fail(rows, slot, "a number from -100 to 100", NULL, diags);
    }
    out->has_difficulty = true;
    out->difficulty = (float)value;
    return TS_OK;
}

enum ts_status ts_trace_label_read(struct ts_trace_row *out, const struct ts_trace_rows *rows, struct ts_diags *diags)
{
    if (rows->options->n_where > 0) {
        select_class(out, rows);
    }
    const bool by_name = rows->options->n_where == 0 || rows->options->learns ||
                         (rows->options->map && rows->options->map->columns[TS_TRACE_CLASS]);
    const enum ts_status class_status = by_name ? read_class(out, rows, diags) : TS_OK;
    const enum ts_status sensitivity_status = read_sensitivity(out, rows, diags);
    const enum ts_status difficulty_status = read_difficulty(out, rows, diags);
    return class_status != TS_OK ? class_status : sensitivity_status != TS_OK ? sensitivity_status : difficulty_status;
}
