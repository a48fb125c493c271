/* What a month costs against how many calls come a day, and where one way to serve them becomes cheaper than another.
 * Pure.
 *
 * A server's curve has steps: n replicas take up to a volume c(n), and cost fixed(n) + slope(n) x volume a month. Nodes
 * say what was simulated; between them all three are linear in n, beyond the last one c(n) = c(last) n/last, fixed(n)
 * goes on as between the last two nodes, and slope(n) stays. Devices and APIs have one node that takes every volume. */
#ifndef TS_STUDY_SCALE_CURVE_H
#define TS_STUDY_SCALE_CURVE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum { TS_SCALE_MOST_NODES = 4, TS_SCALE_MOST_CURVES = 24 };

/* The axis: calls a day. */
#define TS_SCALE_LOW 100.0
#define TS_SCALE_HIGH 1e9

struct ts_scale_node {
    uint32_t n_replicas;
    double calls_per_day;      /* that they take within the SLO; INFINITY: any */
    double fixed_usd;          /* a month */
    double usd_per_call_a_day; /* a month, for each call a day */
};

struct ts_scale_line {
    struct ts_scale_node nodes[TS_SCALE_MOST_NODES]; /* [n_nodes >= 1], by replicas, calls_per_day growing */
    uint32_t n_nodes;
    bool counts; /* it keeps what it has to: it may be the cheapest */
};

/* How a value came about. */
enum ts_scale_basis { TS_SCALE_BY_CALL, TS_SCALE_SIMULATED, TS_SCALE_INTERPOLATED, TS_SCALE_EXTRAPOLATED };
/* "by call", "simulated", "interpolated", "extrapolated". */
extern const char *const ts_scale_basis_names[];

/* Volume that n replicas take; USD a month. */
double ts_scale_capacity(const struct ts_scale_line *line, double n_replicas);
double ts_scale_usd_with(const struct ts_scale_line *line, double n_replicas, double calls_per_day);

/* The fewest replicas that take the volume (0 where the line has none), and what a month costs with them. Within what
 * was simulated: at most as many replicas as the last node. */
double ts_scale_replicas(const struct ts_scale_line *line, double calls_per_day);
double ts_scale_usd(const struct ts_scale_line *line, double calls_per_day);
enum ts_scale_basis ts_scale_basis(const struct ts_scale_line *line, double calls_per_day);

/* The cheapest line that counts; UINT32_MAX: none does. */
uint32_t ts_scale_cheapest(const struct ts_scale_line *lines, uint32_t n_lines, double calls_per_day);

/* Below calls_per_day `below` is the cheaper of two lines, above it `above`: until the next crossing of the two. */
struct ts_scale_crossing {
    double calls_per_day;
    uint32_t below, above; /* indices of lines */
    bool is_front;         /* each is the cheapest there of all lines that count */
};

/* Every crossing of two lines between TS_SCALE_LOW and TS_SCALE_HIGH, by volume, to the last digit of a double: by
 * bisection of each change of sign between volumes at most 1 % apart, among them every step up to 64 replicas. Two
 * changes between the same two of those volumes go unseen. free(*out). TS_ENOMEM. */
enum ts_status ts_scale_crossings(struct ts_scale_crossing **out, uint32_t *n, const struct ts_scale_line *lines,
                                  uint32_t n_lines);

#endif
