/* What the files of the catalog share: a row for each kind of catalog, and how its file is read. Private to
 * scenarios/catalog. */
#ifndef TS_SCENARIOS_CATALOG_PARTS_H
#define TS_SCENARIOS_CATALOG_PARTS_H

#include <stdint.h>

#include "base/csv.h"
#include "scenarios/catalog/catalog.h"
#include "scenarios/catalog/catalog_name.h"

enum { TS_CATALOG_MAX_ROWS = 4096, TS_CATALOG_MAX_COLUMNS = 32 };

enum ts_cell { TS_CELL_TEXT, TS_CELL_NUMBER, TS_CELL_COUNT, TS_CELL_YEAR, TS_CELL_FLAG };

/* A column of a catalog's file, and where in a row it goes. */
struct ts_catalog_column {
    const char *name;
    enum ts_cell cell;
    size_t offset;
    double scale;  /* NUMBER: what one of the file's units is in ours */
    bool required; /* an empty cell is an error; otherwise it is 0 or "" */
};

/* A catalog's file while it is read. */
struct ts_catalog_sheet {
    struct ts_csv_reader *csv;
    const struct ts_csv_row *row;
    int at[TS_CATALOG_MAX_COLUMNS]; /* of the kind's columns: the file's, -1: it has none */
    struct ts_arena *arena;
    struct ts_diags *diags;
};

struct ts_catalog_kind {
    const char *name; /* "hardware" */
    const char *file;
    const struct ts_catalog_column *columns; /* up to one without a name; the first holds the row's name */
    size_t row_size;
    enum ts_status (*finish)(const struct ts_catalog_sheet *sheet, void *row); /* what one column alone does not say */
    const char *extra_columns[8];                                              /* those that `finish` reads */
    const char *(*nonsense)(const void *row); /* what cannot be in a row, or NULL if it can */
    size_t rows_at, n_at;                     /* in struct ts_catalog */
    enum ts_name_sort sort;                   /* of its names */
    size_t alias_at;                          /* a second name in the row, 0: none */
    size_t date_at;                           /* when the row was true, 0: not told */
    unsigned n_keys;                          /* the first so many columns tell rows apart */
    unsigned n_over; /* a user's row takes the place of all that agree with it in so many; 0: no
                        file of the user's has this kind */
    bool later;      /* read on demand only: ts_catalog_load_published */
};

extern const struct ts_catalog_kind ts_catalog_kinds[]; /* up to one without a name */

/* Rows as read, and where each stands in its file. */
struct ts_catalog_rows {
    char *rows;
    uint32_t *lines;
    size_t n;
};

/* Reads all rows of a file. `own`: a user's, which may lack columns that need not be filled. The reader stays the
 * caller's. */
enum ts_status ts_catalog_read(struct ts_catalog_rows *out, const struct ts_catalog_kind *kind,
                               struct ts_csv_reader *csv, size_t max_rows, bool own, struct ts_arena *arena,
                               struct ts_diags *diags);

/* The rows of a kind in a catalog. */
size_t ts_catalog_count(const struct ts_catalog *catalog, const struct ts_catalog_kind *kind);
const void *ts_catalog_row(const struct ts_catalog *catalog, const struct ts_catalog_kind *kind, size_t i);
/* That of exactly that name, or NULL. */
const void *ts_catalog_row_named(const struct ts_catalog *catalog, const struct ts_catalog_kind *kind,
                                 const char *name);
void ts_catalog_put_rows(struct ts_catalog *catalog, const struct ts_catalog_kind *kind, const char *rows, size_t n);
/* A text in a row; the name is at 0. */
const char *ts_catalog_text(const void *row, size_t offset);
/* Do two rows agree in their first n columns? */
bool ts_catalog_agree(const struct ts_catalog_kind *kind, const void *a, const void *b, unsigned n);

/* Of each kind: what cannot be in a row ("idle_w is above tdp_w"), or NULL. */
const char *ts_catalog_bad_hardware(const void *row);
const char *ts_catalog_bad_llm(const void *row);
const char *ts_catalog_bad_price(const void *row);
const char *ts_catalog_bad_device(const void *row);
const char *ts_catalog_bad_speed(const void *row);
const char *ts_catalog_bad_region(const void *row);
const char *ts_catalog_bad_rental(const void *row);
const char *ts_catalog_bad_server(const void *row);
const char *ts_catalog_bad_quant(const void *row);
const char *ts_catalog_bad_provision(const void *row);
const char *ts_catalog_bad_account(const void *row);
const char *ts_catalog_bad_score(const void *row);
const char *ts_catalog_bad_chip(const void *row);

#endif
