/* What tiers use in a month at other volumes than today's: simulated at some of them, interpolated between; pure. */
#ifndef TS_ECON_USE_CURVE_H
#define TS_ECON_USE_CURVE_H

#include "econ/econ.h"

enum { TS_USE_CURVE_MOST = 9 };

struct ts_use_curve {
    uint32_t n; /* volumes, ascending, >= 2; one of them is 1 */
    uint32_t today;
    double volume[TS_USE_CURVE_MOST];          /* times today's */
    struct ts_econ_use use[TS_USE_CURVE_MOST]; /* of a month at that volume */
    struct ts_econ_use slope[TS_USE_CURVE_MOST];
    double usd[TS_USE_CURVE_MOST], kwh[TS_USE_CURVE_MOST]; /* what the month costs and draws, at today's prices and with
                                                              today's machines */
    double proportional_usd; /* the last volume's, if use were in proportion to the calls of today */
    /* How far the line would be from a volume in between if that had not been simulated, at the worst of them: of the
     * month's cost and energy there. NaN: there is none in between. */
    double cost_error_frac, energy_error_frac;
};

/* Puts a volume among those that are there, in their order; there is room, and it is none of them. */
void ts_use_curve_add(struct ts_use_curve *curve, double volume, const struct ts_econ_use *use, uint32_t n_tiers);
/* Sets `today` and the slopes at the volumes: no number rises or falls between two of them that does not from one to
 * the other, and a straight line stays one (Steffen, 1990, Astronomy and Astrophysics 239, 443-450). */
void ts_use_curve_finish(struct ts_use_curve *curve, uint32_t n_tiers);

/* `today` at another volume, relative to the line's own today, so that it may be of another run. Numbers that grow with
 * calls are divided by the volume: those of one of today's volumes there. Below and above all volumes they are those of
 * the nearest: in proportion to the calls. */
struct ts_tier_use ts_use_curve_at(const struct ts_use_curve *curve, uint32_t tier, const struct ts_tier_use *today,
                                   double volume);

/* All tiers at a volume, as if it were today's: a month there. curve NULL: in proportion. */
struct ts_econ_use ts_use_curve_month(const struct ts_use_curve *curve, const struct ts_econ_use *today,
                                      uint32_t n_tiers, double volume);

#endif
