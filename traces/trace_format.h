/* What the readers of traces are made of, from the file up:
 *   container (trace_csv.c, trace_json.c)  records of named cells
 *   format    (trace_formats.c)            which cell means what: a table of rows, and the user's map
 *   rows      (trace_rows.c)               cells -> numbers, with trace_clock.c, trace_label.c and trace_prefix.c
 *   order     (trace_order.c)              rows by time
 *   stream    (trace.c)                    requests: what is dropped, arrivals from 0 on */
#ifndef TS_TRACES_TRACE_FORMAT_H
#define TS_TRACES_TRACE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/csv.h"
#include "base/diag.h"
#include "base/json.h"
#include "base/key_table.h"
#include "base/progress.h"
#include "base/text.h"
#include "traces/request.h"
#include "traces/trace.h"

enum {
    TS_TRACE_MAX_TOK = 10000000, /* more in one request is a mistake of the file */
    TS_TRACE_HEAD_BYTES = 1 << 16,
};

/* ---- containers ---- */

enum ts_trace_cell_kind { TS_CELL_NONE, TS_CELL_TEXT, TS_CELL_INT, TS_CELL_REAL, TS_CELL_JSON };

/* One value of a record; text and json are the container's, until the next record. */
struct ts_trace_cell {
    enum ts_trace_cell_kind kind;
    const char *text; /* TEXT: NUL-terminated */
    size_t len;
    int64_t whole;
    double real;                /* REAL; of INT too */
    const struct ts_json *json; /* JSON: an array or object */
};

struct ts_trace_container;

struct ts_trace_container_ops {
    /* The next record; its cells are read with `cell`. */
    enum ts_status (*next)(struct ts_trace_container *container, bool *got, struct ts_diags *diags);
    /* A slot for the column with one of these names ("a|b|c", the best first), -1 if neither the header nor the current
     * record has one. The same slot for the same column. `exact`: one name, which may hold any sign. */
    int (*find)(struct ts_trace_container *container, const char *names, bool exact);
    /* The same, for a column that a later record may have: -1 only if none can. Names are borrowed until close. */
    int (*want)(struct ts_trace_container *container, const char *names, bool exact);
    void (*cell)(const struct ts_trace_container *container, size_t slot, struct ts_trace_cell *out);
    /* The name of a slot's column, as the file has it. */
    const char *(*name)(const struct ts_trace_container *container, size_t slot);
    /* Calls `each` with every column (of JSON: every key of the current record), and the slot that it has or -1. */
    void (*each)(const struct ts_trace_container *container, void (*each)(void *user, int slot, const char *name),
                 void *user);
    /* A value of the current record is wrong, or (slot < 0) all of it: adds the diagnostic with its place. */
    enum ts_status (*fail)(const struct ts_trace_container *container, int slot, struct ts_diags *diags,
                           const char *hint, const char *message);
    void (*close)(struct ts_trace_container *container);
};

/* Embedded as the first member. */
struct ts_trace_container {
    const struct ts_trace_container_ops *ops;
    uint64_t line;                     /* of the current record */
    const struct ts_csv_field *fields; /* of a CSV: the cells of the current row, by slot; NULL: ask `cell` */
    char separator;                    /* of a CSV; 0: JSON */
    bool has_header;                   /* all columns are known from the start */
    uint32_t place;                    /* of a record that follows others in one of the file's: 1, 2 ...; else 0 */
};

/* The header stands after n_skipped lines. */
enum ts_status ts_trace_csv_open(struct ts_trace_container **out, const char *path, char separator, uint32_t n_skipped,
                                 const struct ts_progress *progress, struct ts_diags *diags);
/* by_line: one object on each line. Else any text of objects: an array of them, one after the other, over several
 * lines, spans within an export of OpenTelemetry. */
enum ts_status ts_trace_json_open(struct ts_trace_container **out, const char *path, bool by_line,
                                  const struct ts_progress *progress, struct ts_diags *diags);

/* The first bytes of a file, decompressed. */
struct ts_trace_head {
    char *data;
    size_t len;
};
/* TS_EIO, or TS_EINPUT for what is no text: the hint says what to do with it. free(out->data). */
enum ts_status ts_trace_head_read(struct ts_trace_head *out, const char *path, struct ts_diags *diags);
/* The first line that is not blank, without byte-order mark, blanks around and line end; *len = 0: there is none. */
const char *ts_trace_head_line(const struct ts_trace_head *head, size_t *len, uint32_t *line);
/* What separates the columns of that header. */
char ts_trace_head_separator(const char *line, size_t len);
/* Does that line hold a whole object? */
bool ts_trace_head_is_object(const char *line, size_t len);

/* Are the names the same, but for case, blanks and signs? `len` of the first. */
bool ts_trace_name_is(const char *name, size_t len, const char *other);
/* Or is the name what a column is called but for a unit after it, "(ms)", or an "attributes." in front of it? */
bool ts_trace_column_is(const char *name, size_t len, const char *column);

/* ---- formats ---- */

struct ts_trace_format {
    const char *name;
    const char *columns[TS_TRACE_N_FIELDS]; /* names of each, "a|b|c"; NULL: there is none */
    const char *marker;                     /* a further column that tells it from its relatives, or NULL */
    double time_unit_s;                     /* of times written as numbers; 0: told by their size */
    uint16_t prefix_tok;                    /* tokens that one id stands for */
    double wait_unit_s;                     /* of delays and times of tools */
    bool cached_is_beside;                  /* PROMPT does not count the cached tokens */
    const char *ids_below;                  /* ids are an object's array of this key, without its last; or NULL */
};

extern const struct ts_trace_format ts_trace_formats[];
size_t ts_trace_n_formats(void);
const struct ts_trace_format *ts_trace_format_find(const char *name); /* NULL: none */
/* The names that a field has: those of the map, else of the format; NULL: none. */
const char *ts_trace_format_names_of(const struct ts_trace_format *format, const struct ts_trace_map *map,
                                     enum ts_trace_field field);
/* Are the columns of a format, and all those of the map, in the header or the current record? chosen: by its name, so
 * that its marker does not matter. */
bool ts_trace_format_matches(const struct ts_trace_format *format, const struct ts_trace_map *map,
                             struct ts_trace_container *container, bool chosen);
/* What a file with that header is, if it is no trace, and what to do with it; NULL: not known. */
const char *ts_trace_format_refusal(const char *line, size_t len, const char **hint);

/* ---- clock ---- */

enum ts_trace_time_kind { TS_TIME_UNKNOWN, TS_TIME_DATE, TS_TIME_NUMBER, TS_TIME_EXCEL };

struct ts_trace_clock {
    enum ts_trace_time_kind kind;
    double unit_s;               /* NUMBER: 0 until the first value */
    bool unit_is_told;           /* by the format, the map or the column's name: not by the size of the first value */
    bool names_nothing;          /* the user's map says the unit, or how dates are written */
    bool decimal_comma;          /* "12,5" is a number */
    bool day_first, month_first; /* of dates with slashes; neither: not known yet */
    bool has_zone, is_naive;     /* dates with and without a zone were seen */
    int64_t quiet_ns[2];         /* [begin, end) around the last time, in which no clock is set back */
    int64_t tick_ns;             /* the longest of day, hour and minute that all dates are whole ones of; else 0 */
    char day[10];                /* "2023-11-16", the last one that was read, and the nanoseconds before it */
    int64_t day_ns;
};

/* unit: of ts_trace_time_units, or NULL. */
void ts_trace_clock_init(struct ts_trace_clock *clock, double unit_s, const char *unit);
/* What the name of the column tells of the unit, if nothing else has told it yet. */
void ts_trace_clock_name(struct ts_trace_clock *clock, const char *column);
/* False if the cell is no time like those before it. */
bool ts_trace_clock_read(int64_t *out_ns, struct ts_trace_clock *clock, const struct ts_trace_cell *cell);
/* Is this naive local time in an hour that there may be twice? No if it lies in quiet_ns. */
bool ts_trace_clock_is_twice(struct ts_trace_clock *clock, int64_t time_ns);
/* Appends "seconds since 1970", "dates without a zone" ... / "2026-03-03 00:01:14.412" or "12.5 s". */
void ts_trace_clock_tell(struct ts_text *out, const struct ts_trace_clock *clock);
void ts_trace_clock_show(struct ts_text *out, const struct ts_trace_clock *clock, int64_t time_ns);

/* "2023-11-16 18:15:46.6805900" and its relatives, fast (trace_date.c). */
bool ts_trace_azure_time(int64_t *out_ns, const char *text, size_t len);
/* The part after the date: " 18:15:46.6805900". *has_zone: it says one. */
bool ts_trace_time_of_day(int64_t *out_ns, bool *has_zone, const char *text, size_t len);
/* Any date with a time of day, or alone. */
bool ts_trace_date(int64_t *out_ns, struct ts_trace_clock *clock, const char *text, size_t len);
int64_t ts_trace_days(int year, int month, int day); /* since 1970-01-01, of a date that there is */
int ts_trace_year_of(int64_t time_ns);
/* What to do about a text that is no date; NULL: nothing is known. */
const char *ts_trace_date_hint(const struct ts_trace_clock *clock, const char *text, size_t len);
/* What the dates with slashes in a text show: "dmy", "mdy"; NULL: nothing. */
const char *ts_trace_date_order(const char *text, size_t len);
/* A decimal number times a unit, to the nanosecond: "1700158546.6805900" in s. False if it is none, or beyond 292
 * years. */
bool ts_trace_seconds(int64_t *out_ns, const char *text, size_t len, double unit_s, bool decimal_comma);

/* ---- rows ---- */

struct ts_trace_row {
    int64_t time_ns;                 /* on the file's own clock */
    uint32_t prompt_tok, output_tok; /* may be 0 here */
    uint64_t line;
    float difficulty;
    uint16_t class_id; /* of the classes that the reader was opened with */
    uint8_t sensitivity;
    uint8_t drop; /* enum ts_trace_drop */
    bool has_no_time, names_class, has_class, has_sensitivity, has_difficulty;
    bool is_tool, follows;  /* see ts_turn */
    uint64_t session, call; /* 0: none */
    int64_t delay_ns;
    uint32_t n_waits;        /* after the prefix's ids: keys of those that it waits for */
    struct ts_prefix prefix; /* its ids belong to the reader, until the next row */
};

/* Ids of the prefix, and keys after them. */
static inline size_t ts_trace_row_n_ids(const struct ts_trace_row *row)
{
    return (size_t)row->prefix.n_ids + row->n_waits;
}

/* Cells into numbers. */
struct ts_trace_rows {
    struct ts_trace_container *container; /* owned */
    const struct ts_trace_format *format;
    const struct ts_trace_options *options;
    char *path;
    int slots[TS_TRACE_N_FIELDS]; /* -1: the file has no such column */
    int where_slots[TS_TRACE_MAX_WHERE];
    struct ts_trace_clock clock;
    uint64_t *ids; /* [ids_cap] of the current row */
    size_t ids_cap;
    uint64_t *waits; /* [waits_cap] of the current row */
    size_t waits_cap;
    struct ts_key_table calls;         /* by the key of a call: that of its session */
    int64_t tool_behind_ns;            /* the row before this one was followed by a tool of that time */
    uint16_t prefix_tok;               /* tokens of an id, as the first row with some shows */
    struct ts_json_doc array;          /* that a cell of a CSV was read as */
    char when[64];                     /* a day and a time of day, joined */
    uint64_t naive_line, grouped_line; /* see ts_trace_counts */
    /* There are columns that say why a row is no request, labels, what prompts consist of. */
    bool says_drops, says_labels, says_prompts, says_turns;
    bool says_more; /* any of the last three */
    bool any;       /* a request was read */
    struct ts_trace_tells tells;
    char unused[128]; /* see ts_trace_counts */
};

/* Takes the container over once it succeeds; deinit whatever comes back. */
enum ts_status ts_trace_rows_init(struct ts_trace_rows *rows, struct ts_trace_container *container,
                                  const struct ts_trace_format *format, const struct ts_trace_options *options,
                                  const char *path, struct ts_diags *diags);
void ts_trace_rows_deinit(struct ts_trace_rows *rows);
enum ts_status ts_trace_rows_next(struct ts_trace_rows *rows, struct ts_trace_row *out, bool *got,
                                  struct ts_diags *diags);
/* The current record's cell of a field; NONE if the file has no such column. */
static inline void ts_trace_cell_of(struct ts_trace_cell *out, const struct ts_trace_rows *rows,
                                    enum ts_trace_field field)
{
    *out = (struct ts_trace_cell){.kind = TS_CELL_NONE};
    if (rows->slots[field] >= 0 && rows->container->fields) {
        const struct ts_csv_field *cell = &rows->container->fields[rows->slots[field]];
        out->kind = cell->len > 0 ? TS_CELL_TEXT : TS_CELL_NONE;
        out->text = cell->data;
        out->len = cell->len;
    } else if (rows->slots[field] >= 0) {
        rows->container->ops->cell(rows->container, (size_t)rows->slots[field], out);
    }
}
/* "in must be a number, not 'y'", with its place (trace_cell.c). `due`: "a number". */
enum ts_status ts_trace_cell_fail(const struct ts_trace_rows *rows, int slot, const char *due, const char *hint,
                                  struct ts_diags *diags);
/* The same of a field that is an array or object: of a CSV, JSON within the cell, valid until the next one is read.
 * What is none stays text. */
void ts_trace_array_of(struct ts_trace_cell *out, struct ts_trace_rows *rows, enum ts_trace_field field);
/* A number of tokens that nothing depends on: at most `most`; 0 where the cell is no such number. */
uint32_t ts_trace_count_of(const struct ts_trace_rows *rows, enum ts_trace_field field, uint32_t most);
/* Class, sensitivity and difficulty (trace_label.c). */
enum ts_status ts_trace_label_read(struct ts_trace_row *out, const struct ts_trace_rows *rows, struct ts_diags *diags);
/* What the prompt consists of (trace_prefix.c). */
enum ts_status ts_trace_prefix_read(struct ts_trace_row *row, struct ts_trace_rows *rows, struct ts_diags *diags);
/* Does the file say anything of it? */
bool ts_trace_prefix_is_told(const struct ts_trace_rows *rows);
/* The key of a text, or of a whole number; 0: the cell holds neither. */
uint64_t ts_trace_key_of(const struct ts_trace_cell *cell);
/* Which session the row is of, and what it waits for (trace_turn.c): keys into rows->waits. A row that waits needs no
 * time of its own. */
enum ts_status ts_trace_turn_read(struct ts_trace_row *row, struct ts_trace_rows *rows, struct ts_diags *diags);
/* The keys, after the ids of its prompt. */
enum ts_status ts_trace_turn_place(struct ts_trace_row *row, struct ts_trace_rows *rows, struct ts_diags *diags);
bool ts_trace_turn_is_told(const struct ts_trace_rows *rows);
/* Room for n ids; false: out of memory. */
bool ts_trace_ids_reserve(struct ts_trace_rows *rows, size_t n);

/* ---- order ---- */

struct ts_trace_order;

/* `rows` is borrowed. sorts: all at once. */
enum ts_status ts_trace_order_create(struct ts_trace_order **out, struct ts_trace_rows *rows, bool sorts,
                                     struct ts_diags *diags);
void ts_trace_order_destroy(struct ts_trace_order *order); /* NULL is fine */
enum ts_status ts_trace_order_next(struct ts_trace_order *order, struct ts_trace_row *out, bool *got,
                                   struct ts_diags *diags);
/* Sets was_sorted, came_late and late_line. */
void ts_trace_order_count(struct ts_trace_counts *out, const struct ts_trace_order *order);

#endif
