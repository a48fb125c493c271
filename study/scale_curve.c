/* Hides how a line is read between its nodes, and how crossings are found among steps.
 *
 * A server of 1,000 USD a month without a share by call, and an API of 0.01 USD a call, which is 0.01 x 730/24 USD a
 * month for each call a day: they cross at 1,000/0.304167 = 3,287.67 calls a day. */
#include "study/scale_curve.h"

#include <math.h>
#include <stdlib.h>

enum { STEPS_PER_DECADE = 240, MOST_STEPS = 64, MOST_HALVINGS = 200 };

static const double slack = 1e-9; /* of a replica: what rounding may take */

const char *const ts_scale_basis_names[] = {"by call", "simulated", "interpolated", "extrapolated"};

/* ---- a line ---- */

static const struct ts_scale_node *last_of(const struct ts_scale_line *line)
{
    return &line->nodes[line->n_nodes - 1];
}

/* The last node with at most n replicas, that has one after it; the first at least. */
static uint32_t segment_of(const struct ts_scale_line *line, double n_replicas)
{
    uint32_t i = 0;
    while (i + 2 < line->n_nodes && line->nodes[i + 1].n_replicas <= n_replicas) {
        i++;
    }
    return i;
}

/* Where n is between two nodes: 0 at the first, 1 at the second; beyond 1 after the last. */
static double place_of(const struct ts_scale_node *a, const struct ts_scale_node *b, double n_replicas)
{
    return (n_replicas - a->n_replicas) / ((double)b->n_replicas - a->n_replicas);
}

double ts_scale_capacity(const struct ts_scale_line *line, double n_replicas)
{
    const struct ts_scale_node *last = last_of(line);
    if (line->n_nodes == 1 || n_replicas >= last->n_replicas) {
        return isinf(last->calls_per_day) ? INFINITY : last->calls_per_day * n_replicas / last->n_replicas;
    }
    const struct ts_scale_node *a = &line->nodes[segment_of(line, n_replicas)], *b = a + 1;
    return a->calls_per_day + place_of(a, b, n_replicas) * (b->calls_per_day - a->calls_per_day);
}

double ts_scale_usd_with(const struct ts_scale_line *line, double n_replicas, double calls_per_day)
{
    if (line->n_nodes == 1) {
        const struct ts_scale_node *only = line->nodes;
        const double times = only->n_replicas > 0 ? n_replicas / only->n_replicas : 1.0;
        return only->fixed_usd * times + only->usd_per_call_a_day * calls_per_day;
    }
    const struct ts_scale_node *a = &line->nodes[segment_of(line, n_replicas)], *b = a + 1;
    const double place = place_of(a, b, n_replicas);
    const double fixed = a->fixed_usd + place * (b->fixed_usd - a->fixed_usd);
    const double slope = a->usd_per_call_a_day + fmin(place, 1.0) * (b->usd_per_call_a_day - a->usd_per_call_a_day);
    return fixed + slope * calls_per_day;
}

double ts_scale_replicas(const struct ts_scale_line *line, double calls_per_day)
{
    const struct ts_scale_node *last = last_of(line), *first = line->nodes;
    if (isinf(last->calls_per_day)) {
        return 0.0;
    }
    if (calls_per_day >= last->calls_per_day) {
        return ceil(calls_per_day / last->calls_per_day * last->n_replicas - slack);
    }
    if (calls_per_day <= first->calls_per_day) {
        return first->n_replicas;
    }
    const struct ts_scale_node *a = first;
    while (a[1].calls_per_day < calls_per_day) {
        a++;
    }
    const double place = (calls_per_day - a->calls_per_day) / (a[1].calls_per_day - a->calls_per_day);
    return ceil(a->n_replicas + place * ((double)a[1].n_replicas - a->n_replicas) - slack);
}

double ts_scale_usd(const struct ts_scale_line *line, double calls_per_day)
{
    return ts_scale_usd_with(line, ts_scale_replicas(line, calls_per_day), calls_per_day);
}

enum ts_scale_basis ts_scale_basis(const struct ts_scale_line *line, double calls_per_day)
{
    const double n_replicas = ts_scale_replicas(line, calls_per_day);
    for (uint32_t i = 0; i < line->n_nodes; i++) {
        if (isinf(line->nodes[i].calls_per_day)) {
            return TS_SCALE_BY_CALL;
        }
        if (n_replicas == line->nodes[i].n_replicas) {
            return TS_SCALE_SIMULATED;
        }
    }
    return n_replicas < last_of(line)->n_replicas ? TS_SCALE_INTERPOLATED : TS_SCALE_EXTRAPOLATED;
}

uint32_t ts_scale_cheapest(const struct ts_scale_line *lines, uint32_t n_lines, double calls_per_day)
{
    uint32_t best = UINT32_MAX;
    for (uint32_t l = 0; l < n_lines; l++) {
        const bool better =
            best == UINT32_MAX || ts_scale_usd(&lines[l], calls_per_day) < ts_scale_usd(&lines[best], calls_per_day);
        best = lines[l].counts && better ? l : best;
    }
    return best;
}

/* ---- crossings ---- */

struct crossings {
    const struct ts_scale_line *lines;
    uint32_t n_lines;
    double *at; /* [n_at] volumes to look at, growing */
    uint32_t n_at;
    struct ts_scale_crossing *found;
    uint32_t n, cap;
};

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int by_volume(const void *a, const void *b)
{
    const struct ts_scale_crossing *x = a, *y = b;
    const int d = (x->calls_per_day > y->calls_per_day) - (x->calls_per_day < y->calls_per_day);
    return d != 0                 ? d
           : x->below != y->below ? (x->below > y->below) - (x->below < y->below)
                                  : (x->above > y->above) - (x->above < y->above);
}

static void note_volume(struct crossings *all, double volume)
{
    if (volume >= TS_SCALE_LOW && volume <= TS_SCALE_HIGH) {
        all->at[all->n_at++] = volume;
    }
}

static enum ts_status list_volumes(struct crossings *all)
{
    const uint32_t n_even = (uint32_t)lround(STEPS_PER_DECADE * log10(TS_SCALE_HIGH / TS_SCALE_LOW));
    all->at = calloc(n_even + 1 + (size_t)all->n_lines * MOST_STEPS * 2, sizeof *all->at);
    if (!all->at) {
        return TS_ENOMEM;
    }
    for (uint32_t i = 0; i <= n_even; i++) {
        note_volume(all, i == n_even ? TS_SCALE_HIGH : TS_SCALE_LOW * pow(10.0, (double)i / STEPS_PER_DECADE));
    }
    for (uint32_t l = 0; l < all->n_lines; l++) {
        for (uint32_t n = 1; n <= MOST_STEPS; n++) {
            const double step = ts_scale_capacity(&all->lines[l], n);
            note_volume(all, step);
            note_volume(all, step * (1.0 + 1e-9));
        }
    }
    qsort(all->at, all->n_at, sizeof *all->at, by_value);
    return TS_OK;
}

static bool is_cheaper(const struct crossings *all, uint32_t a, uint32_t b, double volume)
{
    return ts_scale_usd(&all->lines[a], volume) < ts_scale_usd(&all->lines[b], volume);
}

static bool is_front(const struct crossings *all, uint32_t below, uint32_t above, double low, double high)
{
    return all->lines[below].counts && all->lines[above].counts &&
           !is_cheaper(all, ts_scale_cheapest(all->lines, all->n_lines, low), below, low) &&
           !is_cheaper(all, ts_scale_cheapest(all->lines, all->n_lines, high), above, high);
}

static enum ts_status note_crossing(struct crossings *all, uint32_t below, uint32_t above, double low, double high)
{
    for (int i = 0; i < MOST_HALVINGS; i++) {
        const double middle = 0.5 * (low + high);
        if (middle <= low || middle >= high) {
            break;
        }
        if (is_cheaper(all, below, above, middle)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    if (all->n == all->cap) {
        const uint32_t cap = all->cap ? 2 * all->cap : 64;
        struct ts_scale_crossing *more = realloc(all->found, cap * sizeof *more);
        if (!more) {
            return TS_ENOMEM;
        }
        all->found = more;
        all->cap = cap;
    }
    all->found[all->n++] = (struct ts_scale_crossing){
        .calls_per_day = high, .below = below, .above = above, .is_front = is_front(all, below, above, low, high)};
    return TS_OK;
}

/* Where they cost the same, neither is the cheaper one: the change is between the last two volumes where one is. */
static enum ts_status cross(struct crossings *all, uint32_t a, uint32_t b)
{
    enum ts_status status = TS_OK;
    uint32_t cheaper = UINT32_MAX;
    double since = 0.0;
    for (uint32_t i = 0; status == TS_OK && i < all->n_at; i++) {
        const double at = all->at[i];
        const uint32_t now = is_cheaper(all, a, b, at) ? a : is_cheaper(all, b, a, at) ? b : UINT32_MAX;
        if (now == UINT32_MAX) {
            continue;
        }
        if (cheaper != UINT32_MAX && now != cheaper) {
            status = note_crossing(all, cheaper, now, since, at);
        }
        cheaper = now;
        since = at;
    }
    return status;
}

enum ts_status ts_scale_crossings(struct ts_scale_crossing **out, uint32_t *n, const struct ts_scale_line *lines,
                                  uint32_t n_lines)
{
    struct crossings all = {.lines = lines, .n_lines = n_lines};
    enum ts_status status = list_volumes(&all);
    for (uint32_t a = 0; a < n_lines; a++) {
        for (uint32_t b = a + 1; status == TS_OK && b < n_lines; b++) {
            status = cross(&all, a, b);
        }
    }
    free(all.at);
    if (status != TS_OK) {
        free(all.found);
        return status;
    }
    if (all.n > 0) {
        qsort(all.found, all.n, sizeof *all.found, by_volume);
    }
    *out = all.found;
    *n = all.n;
    return TS_OK;
}
