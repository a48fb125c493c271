/* An input that is known by its distribution alone, one number for the whole run: not what differs from request to
 * request (base/dist.h), but what nobody knows. */
#ifndef TS_BASE_UNCERTAIN_H
#define TS_BASE_UNCERTAIN_H

#include <stdbool.h>

#include "base/dist.h"
#include "base/text.h"

struct ts_uncertain {
    const char *key;            /* as --set takes it: "tiers.edge.owned.capex" */
    const char *unit;           /* of the numbers, as in base/units.h; NULL: a bare number */
    double p10, p50, p90;       /* p10 <= p50 <= p90; a plain run takes p50 */
    const struct ts_dist *dist; /* a shape of its own; NULL: the one through the three points, see below */
    double min, max;            /* what the key allows: values are clamped */
    bool is_whole;              /* rounded to a whole number */
    const char *source;         /* "hybrid.yaml:31:19", or why it is taken to be uncertain */
};

/* The value that is not exceeded with probability p, 0 < p < 1. Through three points: with z the normal quantile, c =
 * 1.28155 and a = (p90 - p50)/(p50 - p10)
 *   x = p50 + (p90 - p50) (a^(z/c) - 1)/(a - 1),     for a = 1: p50 + (p90 - p50) z/c,
 * which is a normal distribution for a = 1, a lognormal one for p50 = sqrt(p10 p90), and else a lognormal one that is
 * moved (Tukey's g distribution; Hoaglin 1985). 10, 20, 40: 80 at z = 2c. A side without a width is a point. */
double ts_uncertain_at(const struct ts_uncertain *input, double p);

/* Appends "key=value" as --set reads it, to the last bit. */
void ts_uncertain_put(struct ts_text *out, const struct ts_uncertain *input, double value);

#endif
