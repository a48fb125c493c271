/* Hides that points are looked at in the order of their values: whoever beats a point stands before it, so that each is
 * held against the front so far alone (Kung, Luccio and Preparata, 1975, without their division). */
#include "study/pareto.h"

#include <math.h>
#include <stdlib.h>

struct row {
    const double *values;
    uint32_t n_figures, index;
};

static int by_values(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    for (uint32_t f = 0; f < x->n_figures; f++) {
        if (x->values[f] != y->values[f]) {
            return x->values[f] < y->values[f] ? -1 : 1;
        }
    }
    return (x->index > y->index) - (x->index < y->index);
}

static bool beats(const struct row *a, const struct row *b)
{
    bool better = false;
    for (uint32_t f = 0; f < a->n_figures; f++) {
        if (a->values[f] > b->values[f]) {
            return false;
        }
        better = better || a->values[f] < b->values[f];
    }
    return better;
}

static bool is_whole(const struct row *row)
{
    for (uint32_t f = 0; f < row->n_figures; f++) {
        if (isnan(row->values[f])) {
            return false;
        }
    }
    return true;
}

enum ts_status ts_pareto_front(bool *front, const double *values, uint32_t n, uint32_t n_figures)
{
    struct row *rows = calloc((size_t)n + 1, sizeof *rows);
    uint32_t n_rows = 0, n_front = 0;
    if (!rows) {
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i < n; i++) {
        rows[n_rows] = (struct row){&values[(size_t)i * n_figures], n_figures, i};
        n_rows += is_whole(&rows[n_rows]);
        front[i] = false;
    }
    qsort(rows, n_rows, sizeof *rows, by_values);
    for (uint32_t i = 0; i < n_rows; i++) {
        const struct row row = rows[i];
        bool is_front = true;
        for (uint32_t k = 0; k < n_front && is_front; k++) {
            is_front = !beats(&rows[k], &row);
        }
        if (is_front) {
            rows[n_front++] = row; /* what was there has been looked at */
            front[row.index] = true;
        }
    }
    free(rows);
    return TS_OK;
}
