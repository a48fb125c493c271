/* How right a plan is in later months, where models become better: made by study/quality_ahead.h, said by reports. */
#ifndef TS_REPORTS_QUALITY_MONTHS_H
#define TS_REPORTS_QUALITY_MONTHS_H

#include <stdint.h>

struct ts_quality_months {
    uint32_t n_months, n_simulated; /* of them: between two the line is straight */
    /* [n_months + 1] share answered right; and of what the strongest tier alone would answer right in that month, NaN
     * where there is no choice. Index 0 is as 1. */
    const double *right_frac, *retained_frac;
};

#endif
