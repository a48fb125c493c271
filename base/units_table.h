/* Private to base/units*.c: the table of units, their prefixes, and what messages say of a dimension. */
#ifndef TS_BASE_UNITS_TABLE_H
#define TS_BASE_UNITS_TABLE_H

#include <stdbool.h>
#include <stddef.h>

enum ts_units_dim { SECOND, BYTE, TOKEN, JOULE, DOLLAR, FTE, FLOP, GRAM, N_DIMS };

struct ts_units_dims {
    signed char power[N_DIMS];
};

struct ts_units_row {
    const char *name;
    double mul, div; /* in base units, both whole numbers */
    struct ts_units_dims dims;
    const char *prefixes; /* letters allowed before the name: n u m k M G T P E */
    bool any_case;        /* a word, not a symbol: "USD", "usd" */
};

struct ts_units_prefix {
    const char *text;
    char letter;
    double mul, div;
};

/* What messages say of a dimension, and an example; the first row of a dimension speaks for it, an exact unit goes
 * first. */
struct ts_units_kind {
    const char *unit;
    const char *noun; /* NULL: see the first row of the dimension */
    const char *example;
    struct ts_units_dims dims;
};

/* Each ends with a row whose first member is NULL. */
extern const struct ts_units_row ts_units_rows[];
extern const struct ts_units_prefix ts_units_prefixes[];
extern const struct ts_units_kind ts_units_kinds[];

#endif
