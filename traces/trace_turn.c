/* Hides what a record says of its session:
 *   agentic Mooncake  "request_id", "session_id", "wait_for": [...], "delay" and "tool_wait_ms" in ms: it begins when
 *                     all that it waits for have their replies, and that long after; without a "wait_for" at its time
 *   Mooncake, aiperf  "session_id" with a "delay" or without a time: after the reply to the one before in its session
 *   Qwen-Bailian      "chat_id", "parent_chat_id" (-1: none): not before the reply to that one. The session is that of
 *                     the parent
 *   LLMServingSim     "sub_requests": [...], each after the one before it and that one's "tool_duration_ns"
 *   any session       as it was recorded, or (TS_TRACE_AFTER_REPLY) not before the reply to the one before it
 * A row that waits may have no time of its own: it stands where the row before it does, and waits from there on. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "traces/trace_format.h"

static enum ts_status fail_memory(const struct ts_trace_rows *rows, struct ts_diags *diags)
{
    return ts_fail(diags, TS_ENOMEM, ts_span_file(rows->path), NULL, "out of memory");
}

bool ts_trace_turn_is_told(const struct ts_trace_rows *rows)
{
    return rows->slots[TS_TRACE_SESSION] >= 0 || rows->format->wait_unit_s > 0.0;
}

/* ---- what it waits for ---- */

static bool reserve_waits(struct ts_trace_rows *rows, size_t n)
{
    if (n <= rows->waits_cap) {
        return true;
    }
    uint64_t *grown = realloc(rows->waits, n * sizeof *grown);
    if (grown) {
        rows->waits = grown;
        rows->waits_cap = n;
    }
    return grown != NULL;
}

/* The text or number of an item of an array, as a cell. */
static struct ts_trace_cell cell_of_item(const struct ts_json *item)
{
    struct ts_trace_cell cell = {.kind = TS_CELL_NONE};
    if (ts_json_int(item, &cell.whole)) {
        cell.kind = TS_CELL_INT;
    } else if ((cell.text = ts_json_string(item)) != NULL) {
        cell.kind = TS_CELL_TEXT;
        cell.len = strlen(cell.text);
    }
    return cell;
}

/* "-1" and nothing: it has no parent. */
static bool is_none(const struct ts_trace_cell *cell)
{
    return cell->kind == TS_CELL_NONE || (cell->kind == TS_CELL_INT && cell->whole == -1) ||
           (cell->kind == TS_CELL_TEXT && (cell->len == 0 || strcmp(cell->text, "-1") == 0));
}

static enum ts_status add_wait(struct ts_trace_row *row, struct ts_trace_rows *rows, const struct ts_trace_cell *cell,
                               struct ts_diags *diags)
{
    static const char due[] = "names of requests";
    static const char missing[] = "a request waits for requests of earlier rows and has no time of its own: put the "
                                  "rows in order, or give it a time";
    const uint64_t key = ts_trace_key_of(cell);
    if (key == 0) {
        return ts_trace_cell_fail(rows, rows->slots[TS_TRACE_WAITS], due, NULL, diags);
    }
    const uint64_t *session = ts_key_table_find(&rows->calls, key);
    if (!session && row->drop == TS_TRACE_NO_TIME) {
        return ts_trace_cell_fail(rows, rows->slots[TS_TRACE_WAITS], "the names of requests before it", missing, diags);
    }
    if (session) {
        rows->waits[row->n_waits++] = key;
        row->session = row->session != 0 ? row->session : *session;
    }
    return TS_OK;
}

static enum ts_status read_waits(struct ts_trace_row *row, struct ts_trace_rows *rows, struct ts_diags *diags)
{
    struct ts_trace_cell cell;
    ts_trace_array_of(&cell, rows, TS_TRACE_WAITS);
    const size_t n = cell.kind == TS_CELL_JSON ? ts_json_length(cell.json) : !is_none(&cell);
    if (!reserve_waits(rows, n)) {
        return fail_memory(rows, diags);
    }
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < n; i++) {
        const struct ts_trace_cell item = cell.kind == TS_CELL_JSON ? cell_of_item(ts_json_at(cell.json, i)) : cell;
        status = add_wait(row, rows, &item, diags);
    }
    return status;
}

/* ---- and how long after ---- */

/* 0 where there is no value. */
static enum ts_status read_wait(int64_t *out_ns, bool *any, const struct ts_trace_rows *rows, enum ts_trace_field field,
                                struct ts_diags *diags)
{
    struct ts_trace_cell cell;
    ts_trace_cell_of(&cell, rows, field);
    double value = cell.real;
    *out_ns = 0;
    const bool is_number = cell.kind == TS_CELL_INT || cell.kind == TS_CELL_REAL ||
                           (cell.kind == TS_CELL_TEXT && ts_parse_double(&value, cell.text, cell.len));
    if (cell.kind == TS_CELL_NONE || (is_number && isnan(value))) {
        return TS_OK;
    }
    const double year_s = 366.0 * 86400.0, wait_s = value * rows->format->wait_unit_s;
    if (!is_number || !(wait_s >= 0.0 && wait_s <= year_s)) {
        return ts_trace_cell_fail(rows, rows->slots[field], "a time from 0 to a year", NULL, diags);
    }
    *out_ns = ts_ns_from_s(wait_s);
    *any = true;
    return TS_OK;
}

static enum ts_status read_delay(struct ts_trace_row *row, struct ts_trace_rows *rows, bool *has_delay,
                                 struct ts_diags *diags)
{
    int64_t tool_ns = 0;
    bool has_tool = false;
    enum ts_status status = read_wait(&row->delay_ns, has_delay, rows, TS_TRACE_DELAY, diags);
    if (status == TS_OK) {
        status = read_wait(&tool_ns, &has_tool, rows, TS_TRACE_TOOL, diags);
    }
    if (rows->container->place > 0) {
        const int64_t before_ns = rows->tool_behind_ns;
        rows->tool_behind_ns = tool_ns;
        tool_ns = rows->container->place > 1 ? before_ns : 0;
    } else {
        *has_delay = *has_delay || (has_tool && rows->slots[TS_TRACE_WAITS] >= 0);
    }
    row->is_tool = tool_ns > row->delay_ns;
    row->delay_ns += tool_ns;
    return status;
}

/* ---- a row ---- */

static void name_session(struct ts_trace_row *row, const struct ts_trace_rows *rows)
{
    const struct ts_trace_cell line = {.kind = TS_CELL_INT, .whole = (int64_t)row->line};
    struct ts_trace_cell cell;
    ts_trace_cell_of(&cell, rows, TS_TRACE_SESSION);
    row->session = ts_trace_key_of(&cell);
    if (row->session == 0 && rows->container->place > 0) {
        row->session = ts_trace_key_of(&line);
    }
}

/* After the reply to the one before it in its session? */
static bool is_behind(const struct ts_trace_row *row, const struct ts_trace_rows *rows, bool has_delay)
{
    const bool is_said =
        rows->container->place > 1 || (rows->container->place == 0 && has_delay) || row->drop == TS_TRACE_NO_TIME;
    return row->session != 0 && row->n_waits == 0 &&
           (rows->options->turns == TS_TRACE_AFTER_REPLY || (rows->format->wait_unit_s > 0.0 && is_said));
}

enum ts_status ts_trace_turn_read(struct ts_trace_row *row, struct ts_trace_rows *rows, struct ts_diags *diags)
{
    bool has_delay = false;
    name_session(row, rows);
    struct ts_trace_cell cell;
    ts_trace_cell_of(&cell, rows, TS_TRACE_CALL);
    row->call = ts_trace_key_of(&cell);
    const bool waits = rows->options->turns != TS_TRACE_AS_RECORDED;
    enum ts_status status = waits ? read_waits(row, rows, diags) : TS_OK;
    if (status == TS_OK && waits) {
        status = read_delay(row, rows, &has_delay, diags);
    }
    row->session = row->session != 0 ? row->session : row->call;
    if (status == TS_OK && row->call != 0 && ts_key_table_put(&rows->calls, row->call, row->session) != TS_OK) {
        return fail_memory(rows, diags);
    }
    row->follows = waits && is_behind(row, rows, has_delay);
    if (row->drop == TS_TRACE_NO_TIME && (row->n_waits > 0 || row->follows)) {
        row->drop = TS_TRACE_KEPT;
        row->has_no_time = true;
    }
    return status;
}

enum ts_status ts_trace_turn_place(struct ts_trace_row *row, struct ts_trace_rows *rows, struct ts_diags *diags)
{
    const size_t n_ids = row->prefix.n_ids;
    if (row->n_waits == 0) {
        return TS_OK;
    }
    if (!ts_trace_ids_reserve(rows, n_ids + row->n_waits)) {
        return fail_memory(rows, diags);
    }
    memcpy(rows->ids + n_ids, rows->waits, row->n_waits * sizeof *rows->waits);
    row->prefix.ids = rows->ids;
    return TS_OK;
}
