/* Hides how the cells of a record become the numbers of a row, and which records are no requests: those without a time
 * or tokens (a call that failed), those that say that they failed, and what is no call of a model. Nothing that is not
 * needed is looked at, so that nothing there refuses a row. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "traces/trace_told.h"

static bool is_word(const struct ts_trace_cell *cell, const char *const *words)
{
    for (size_t i = 0; words[i]; i++) {
        if (cell->kind == TS_CELL_TEXT && ts_trace_name_is(cell->text, cell->len, words[i])) {
            return true;
        }
    }
    return false;
}

/* There is no value, however that is written. */
static bool is_missing(const struct ts_trace_cell *cell)
{
    static const char *const words[] = {"nan", "null", "none", "na", "inf", "infinity", "nil", "n", NULL};
    if (cell->kind == TS_CELL_TEXT) {
        return is_word(cell, words) || ts_trace_name_is(cell->text, cell->len, "");
    }
    return cell->kind == TS_CELL_NONE || (cell->kind == TS_CELL_REAL && !isfinite(cell->real));
}

static enum ts_status fail_tokens(const struct ts_trace_rows *rows, enum ts_trace_field field, bool too_many,
                                  struct ts_diags *diags)
{
    return ts_trace_cell_fail(
        rows, rows->slots[field], too_many ? "at most 10,000,000 tokens" : "a whole number of tokens",
        too_many ? "a request this large is an error in the file: is this the right column?" : NULL, diags);
}

/* At most n digits; how many. */
static size_t read_digits(double *value, const char *text, size_t len, size_t n)
{
    size_t i = 0;
    for (; i < n && i < len && text[i] >= '0' && text[i] <= '9'; i++) {
        *value = 10.0 * *value + (text[i] - '0');
    }
    return i;
}

/* "1.200", "12,345,678", "1 200", "1'200": digits in threes after one mark. A point in a file with commas between its
 * columns is one before decimals: 374.000. */
static bool read_grouped(double *out, const char *text, size_t len, char separator)
{
    static const char *const marks[] = {".", ",", " ", "'", "_", "\xc2\xa0", "\xe2\x80\xaf"};
    for (size_t m = separator == ',' ? 1 : 0; m < sizeof marks / sizeof marks[0]; m++) {
        const size_t size = strlen(marks[m]);
        double value = 0.0;
        const size_t n_first = read_digits(&value, text, len, 3);
        size_t at = n_first;
        while (n_first > 0 && at + size < len && memcmp(text + at, marks[m], size) == 0 &&
               read_digits(&value, text + at + size, len - at - size, 3) == 3) {
            at += size + 3;
        }
        if (at > n_first && at == len) {
            *out = value;
            return true;
        }
    }
    return false;
}

/* A number of tokens that was not written in digits alone: "374.0", 374.0. */
static enum ts_status read_other_tokens(uint32_t *out, struct ts_trace_rows *rows, enum ts_trace_field field,
                                        const struct ts_trace_cell *cell, struct ts_diags *diags)
{
    const char separator = rows->container->separator;
    double value = cell->real;
    if (cell->kind == TS_CELL_JSON) {
        return fail_tokens(rows, field, false, diags);
    }
    if (cell->kind == TS_CELL_TEXT &&
        read_grouped(&value, cell->text, cell->len, separator != '\0' ? separator : ',')) {
        rows->grouped_line = rows->grouped_line > 0 ? rows->grouped_line : rows->container->line;
    } else if (cell->kind == TS_CELL_TEXT) {
        int64_t ns = 0;
        const bool is_number = ts_trace_seconds(&ns, cell->text, cell->len, 1.0, rows->clock.decimal_comma) ||
                               ts_trace_seconds(&ns, cell->text, cell->len, 1.0, false);
        if (!is_number && !ts_parse_double(&value, cell->text, cell->len)) {
            return fail_tokens(rows, field, false, diags);
        }
        value = is_number ? (double)ns / 1e9 : value;
    }
    if (!(value >= 0.0) || value != floor(value) || value > TS_TRACE_MAX_TOK) {
        return fail_tokens(rows, field, value > TS_TRACE_MAX_TOK && value == floor(value), diags);
    }
    *out = (uint32_t)value;
    return TS_OK;
}

/* 0 where there is no value. */
static enum ts_status read_tokens(uint32_t *out, struct ts_trace_rows *rows, enum ts_trace_field field,
                                  struct ts_diags *diags)
{
    struct ts_trace_cell cell;
    ts_trace_cell_of(&cell, rows, field);
    *out = 0;
    if (cell.kind == TS_CELL_TEXT && cell.len < 10) {
        uint32_t value = 0;
        size_t i = 0;
        for (; i < cell.len && cell.text[i] >= '0' && cell.text[i] <= '9'; i++) {
            value = 10 * value + (uint32_t)(cell.text[i] - '0');
        }
        if (i == cell.len) {
            *out = value;
            return value <= TS_TRACE_MAX_TOK ? TS_OK : fail_tokens(rows, field, true, diags);
        }
    }
    return is_missing(&cell) ? TS_OK : read_other_tokens(out, rows, field, &cell, diags);
}

/* The day and the time of day may stand in two columns. */
static void time_cell_of(struct ts_trace_cell *out, struct ts_trace_rows *rows)
{
    struct ts_trace_cell clock;
    ts_trace_cell_of(out, rows, TS_TRACE_TIME);
    if (rows->slots[TS_TRACE_CLOCK] < 0 || out->kind != TS_CELL_TEXT) {
        return;
    }
    ts_trace_cell_of(&clock, rows, TS_TRACE_CLOCK);
    if (clock.kind == TS_CELL_TEXT) {
        (void)snprintf(rows->when, sizeof rows->when, "%s %s", out->text, clock.text);
        *out = (struct ts_trace_cell){.kind = TS_CELL_TEXT, .text = rows->when, .len = strlen(rows->when)};
    }
}

static enum ts_status fail_time(struct ts_trace_rows *rows, struct ts_diags *diags)
{
    const struct ts_trace_clock *clock = &rows->clock;
    struct ts_trace_cell cell;
    time_cell_of(&cell, rows);
    const char *hint = cell.kind == TS_CELL_TEXT   ? ts_trace_date_hint(clock, cell.text, cell.len)
                       : cell.kind == TS_CELL_JSON ? "are the columns side by side, an array each? Write an object for "
                                                     "each row: pandas' to_json(orient='records', lines=True)"
                                                   : NULL;
    const bool is_ambiguous = hint && strstr(hint, "unit=dmy") != NULL;
    const char *due = is_ambiguous                    ? "a date that can be read in one way"
                      : clock->kind == TS_TIME_NUMBER ? "a number, as the times before it"
                      : clock->kind == TS_TIME_EXCEL  ? "a date of a spreadsheet, as the times before it"
                      : clock->kind == TS_TIME_DATE
                          ? "a time like 2023-11-16 18:15:46.6805900 or 2024-05-10 00:00:00.009930+00:00"
                          : "a time like 2023-11-16 18:15:46.68, 2024-05-10T00:00:00+00:00, 1700158546.68 or 12.5";
    return ts_trace_cell_fail(rows, rows->slots[TS_TRACE_TIME], due, hint, diags);
}

/* What programs write where they have no time: Go and .NET, SQL Server, spreadsheets. */
static bool is_null_date(const struct ts_trace_cell *cell)
{
    static const char *const dates[] = {"0001-01-01", "1900-01-01", "1899-12-30"};
    bool is = false;
    for (size_t i = 0; i < sizeof dates / sizeof dates[0]; i++) {
        is = is || (cell->kind == TS_CELL_TEXT && ts_str_has_prefix(cell->text, dates[i]));
    }
    return is;
}

/* Do the cells of time and tokens hold the names of their columns? */
static bool is_header_again(const struct ts_trace_rows *rows)
{
    bool is = rows->container->has_header;
    for (size_t field = TS_TRACE_TIME; field <= TS_TRACE_OUTPUT && is; field++) {
        const char *name = rows->container->ops->name(rows->container, (size_t)rows->slots[field]);
        struct ts_trace_cell cell;
        ts_trace_cell_of(&cell, rows, (enum ts_trace_field)field);
        is = cell.kind == TS_CELL_TEXT && ts_str_equal(cell.text, name);
    }
    return is;
}

static enum ts_status read_time(struct ts_trace_row *out, struct ts_trace_rows *rows, struct ts_diags *diags)
{
    struct ts_trace_cell cell;
    time_cell_of(&cell, rows);
    if (rows->clock.kind == TS_TIME_UNKNOWN && cell.kind != TS_CELL_NONE) {
        ts_trace_clock_name(&rows->clock,
                            rows->container->ops->name(rows->container, (size_t)rows->slots[TS_TRACE_TIME]));
    }
    if (ts_trace_clock_read(&out->time_ns, &rows->clock, &cell)) {
        const bool is_quiet = out->time_ns >= rows->clock.quiet_ns[0] && out->time_ns < rows->clock.quiet_ns[1];
        if (!is_quiet && rows->clock.is_naive && !rows->naive_line && !rows->clock.has_zone &&
            ts_trace_clock_is_twice(&rows->clock, out->time_ns)) {
            rows->naive_line = out->line;
        }
        return TS_OK;
    }
    if (is_missing(&cell) || is_null_date(&cell)) {
        out->drop = TS_TRACE_NO_TIME;
        return TS_OK;
    }
    if (is_header_again(rows)) {
        out->drop = TS_TRACE_HEADER_AGAIN;
        return TS_OK;
    }
    return fail_time(rows, diags);
}

/* Is the record no request, by what it says of itself? */
static enum ts_trace_drop drop_of(const struct ts_trace_rows *rows)
{
    static const char *const failed[] = {"failure", "failed",   "fail",         "error", "status_code_error",
                                         "timeout", "rejected", "rate_limited", NULL};
    static const char *const yes[] = {"true", "yes", "1", NULL};
    static const char *const no_calls[] = {"invoke_agent", "create_agent", "execute_tool", "invoke_workflow", NULL};
    struct ts_trace_cell cell;
    ts_trace_cell_of(&cell, rows, TS_TRACE_OPERATION);
    if (is_word(&cell, no_calls)) {
        return TS_TRACE_NO_CALL;
    }
    ts_trace_cell_of(&cell, rows, TS_TRACE_GATEWAY_HIT);
    if (is_word(&cell, yes)) {
        return TS_TRACE_FROM_GATEWAY;
    }
    ts_trace_cell_of(&cell, rows, TS_TRACE_STATUS);
    const bool is_otel = rows->slots[TS_TRACE_OPERATION] >= 0;
    uint64_t code = cell.kind == TS_CELL_INT && cell.whole > 0 ? (uint64_t)cell.whole : 0;
    if (cell.kind == TS_CELL_TEXT) {
        (void)ts_parse_u64(&code, cell.text, cell.len);
    }
    /* HTTP: 400 and above; OpenTelemetry: 2. */
    const bool is_error = (code >= 400 && code <= 599) || (is_otel && code == 2);
    return is_error || is_word(&cell, failed) ? TS_TRACE_FAILED : TS_TRACE_KEPT;
}

/* Tokens that the columns of prompt and reply do not count. */
static void add_tokens_beside(struct ts_trace_row *row, const struct ts_trace_rows *rows)
{
    const uint32_t written = ts_trace_count_of(rows, TS_TRACE_WRITTEN, TS_TRACE_MAX_TOK);
    const uint32_t cached =
        rows->format->cached_is_beside ? ts_trace_count_of(rows, TS_TRACE_CACHED, TS_TRACE_MAX_TOK) : 0;
    row->prompt_tok += written + cached;
    row->output_tok += ts_trace_count_of(rows, TS_TRACE_THOUGHTS, TS_TRACE_MAX_TOK);
}

static enum ts_status read_row(struct ts_trace_row *row, struct ts_trace_rows *rows, struct ts_diags *diags)
{
    const enum ts_status time_status = read_time(row, rows, diags);
    if (time_status == TS_OK && row->drop == TS_TRACE_HEADER_AGAIN) {
        return TS_OK;
    }
    const enum ts_status prompt_status = read_tokens(&row->prompt_tok, rows, TS_TRACE_PROMPT, diags);
    const enum ts_status output_status = read_tokens(&row->output_tok, rows, TS_TRACE_OUTPUT, diags);
    if (prompt_status == TS_OK && output_status == TS_OK) {
        add_tokens_beside(row, rows);
    }
    const enum ts_status label_status = rows->says_labels ? ts_trace_label_read(row, rows, diags) : TS_OK;
    if (time_status != TS_OK || prompt_status != TS_OK || output_status != TS_OK || label_status != TS_OK) {
        return TS_EINPUT; /* all that is wrong with the row has been said */
    }
    if (rows->says_turns) {
        const enum ts_status status = ts_trace_turn_read(row, rows, diags);
        if (status != TS_OK) {
            return status;
        }
    }
    if (row->drop == TS_TRACE_KEPT && (row->prompt_tok == 0 || row->output_tok == 0)) {
        row->drop = row->prompt_tok == 0 ? TS_TRACE_NO_PROMPT : TS_TRACE_NO_OUTPUT;
    }
    enum ts_status status = TS_OK;
    if (row->drop == TS_TRACE_KEPT && rows->says_prompts) {
        status = ts_trace_prefix_read(row, rows, diags);
    }
    const bool may_wait = status == TS_OK && row->drop == TS_TRACE_KEPT && rows->says_turns;
    return may_wait ? ts_trace_turn_place(row, rows, diags) : status;
}

/* Keeps in mind what the row says. */
static void see(struct ts_trace_rows *rows, const struct ts_trace_row *row)
{
    struct ts_trace_tells *tells = &rows->tells;
    const uint16_t tok = row->prefix.n_ids > 0 && !row->prefix.has_reply ? row->prefix.block_tok : 0;
    tells->classes = tells->classes || row->names_class;
    tells->sensitivity = tells->sensitivity || row->has_sensitivity;
    tells->difficulty = tells->difficulty || row->has_difficulty;
    tells->sessions = tells->sessions || row->session != 0;
    if (tok > 0) {
        tells->block_tok = tells->block_tok == 0 || tells->block_tok == tok ? tok : 1;
        tells->is_partial = tells->is_partial || (uint64_t)row->prefix.n_ids * tok < row->prompt_tok;
    }
}

enum ts_status ts_trace_rows_next(struct ts_trace_rows *rows, struct ts_trace_row *out, bool *got,
                                  struct ts_diags *diags)
{
    enum ts_status status = rows->container->ops->next(rows->container, got, diags);
    if (status != TS_OK || !*got) {
        *got = false;
        return status;
    }
    *out = (struct ts_trace_row){.line = rows->container->line};
    if (rows->says_drops) {
        out->drop = (uint8_t)drop_of(rows);
    }
    if (out->drop == TS_TRACE_KEPT) {
        status = read_row(out, rows, diags);
    } else {
        struct ts_trace_cell cell;
        time_cell_of(&cell, rows);
        out->has_no_time = !ts_trace_clock_read(&out->time_ns, &rows->clock, &cell);
        status = rows->says_turns ? ts_trace_turn_read(out, rows, diags) : TS_OK; /* others may wait for it */
    }
    if (rows->says_more && out->drop == TS_TRACE_KEPT && status == TS_OK) {
        see(rows, out);
    }
    if (!rows->any && out->drop == TS_TRACE_KEPT) {
        rows->any = true;
        ts_trace_told_unused(rows);
    }
    out->has_no_time = out->has_no_time || out->drop == TS_TRACE_NO_TIME || out->drop == TS_TRACE_HEADER_AGAIN;
    *got = status == TS_OK;
    return status;
}

enum ts_status ts_trace_rows_init(struct ts_trace_rows *rows, struct ts_trace_container *container,
                                  const struct ts_trace_format *format, const struct ts_trace_options *options,
                                  const char *path, struct ts_diags *diags)
{
    const struct ts_trace_map *map = options->map;
    *rows = (struct ts_trace_rows){.format = format, .options = options};
    for (size_t i = 0; i < TS_TRACE_N_FIELDS; i++) {
        const char *names = ts_trace_format_names_of(format, map, (enum ts_trace_field)i);
        rows->slots[i] = names ? container->ops->want(container, names, map && map->columns[i]) : -1;
    }
    for (size_t i = 0; i < options->n_where; i++) {
        rows->where_slots[i] = container->ops->want(container, options->where[i].column, true);
    }
    rows->says_drops = rows->slots[TS_TRACE_OPERATION] >= 0 || rows->slots[TS_TRACE_STATUS] >= 0 ||
                       rows->slots[TS_TRACE_GATEWAY_HIT] >= 0;
    rows->says_labels = options->n_where > 0 || rows->slots[TS_TRACE_CLASS] >= 0 ||
                        rows->slots[TS_TRACE_SENSITIVITY] >= 0 || rows->slots[TS_TRACE_DIFFICULTY] >= 0;
    rows->says_prompts = ts_trace_prefix_is_told(rows);
    rows->says_turns = ts_trace_turn_is_told(rows);
    rows->says_more = rows->says_labels || rows->says_prompts || rows->says_turns;
    ts_trace_clock_init(&rows->clock, format->time_unit_s, map ? map->time_unit : NULL);
    rows->clock.decimal_comma = container->separator != ',' && container->separator != '\0';
    rows->path = strdup(path);
    if (!rows->path) {
        return ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    }
    rows->container = container;
    return TS_OK;
}

void ts_trace_rows_deinit(struct ts_trace_rows *rows)
{
    if (rows->container) {
        rows->container->ops->close(rows->container);
    }
    free(rows->ids);
    free(rows->waits);
    ts_json_deinit(&rows->array);
    ts_key_table_deinit(&rows->calls);
    free(rows->path);
}
