/* One table of an operator profile: rows of numbers, perhaps each under a layer's name. Private to scenarios/. */
#ifndef TS_SCENARIOS_PROFILE_PROFILE_TABLE_H
#define TS_SCENARIOS_PROFILE_PROFILE_TABLE_H

#include "scenarios/language/loader.h"

enum { TS_PROFILE_MAX_COLUMNS = 4, TS_PROFILE_MAX_LAYERS = 64, TS_PROFILE_MAX_ROWS = 4000000 };

struct ts_profile_row {
    double x[TS_PROFILE_MAX_COLUMNS];
    double seconds;
    uint32_t layer; /* index into layers; 0 where the table has none */
    uint64_t line;
};

struct ts_profile_table {
    const char *path;
    const char *layers[TS_PROFILE_MAX_LAYERS]; /* in order of appearance */
    size_t n_layers;
    struct ts_profile_row *rows; /* sorted by layer, then x; no two alike unless they may be */
    size_t n;
    size_t n_columns;
};

struct ts_profile_columns {
    bool layers;                                   /* there is a column `layer` */
    bool repeats;                                  /* the same point may come again */
    const char *time;                              /* of the column with the time in us; NULL: time_us */
    const char *names[TS_PROFILE_MAX_COLUMNS + 1]; /* of x; NULL at the end */
};

/* Reads `path`. Columns are found by name, in any order, among others. Numbers must be finite and not negative. free()
 * the rows. TS_EINPUT and the like, reported with file and line. */
enum ts_status ts_profile_table_read(struct ts_profile_table *out, struct ts_loader *loader, const char *path,
                                     const struct ts_profile_columns *columns);

/* The distinct values of a column in rows with x[where] > 0 (where < 0: in all rows), ascending, in the scenario's
 * memory; *n of them. `zero` puts a 0 in front if there is none. NULL: out of memory. */
const double *ts_profile_axis(size_t *n, struct ts_loader *loader, const struct ts_profile_table *table, int column,
                              int where, bool zero);

#endif
