/* A stopping rule: replications are added until a figure's 95 % interval is narrow enough. The interval is the report's
 * own, of all replications so far; they are looked at in their order, so that the number does not depend on threads. */
#ifndef TS_STUDY_UNTIL_H
#define TS_STUDY_UNTIL_H

#include "reports/metric.h"

enum { TS_UNTIL_REPLICATIONS = 1000 }; /* the most, if nobody says how many */

struct ts_until {
    const struct ts_metric *metric;     /* of all calls */
    const struct ts_metric *low, *high; /* the ends of its interval; of a mean: half its width, and NULL */
    double frac;                        /* half the width over the value */
};

/* "ttft.p99 +-2 %", also "ttft_p99 +- 2%". Figures with an interval: ttft, tpot and e2e, with .p95, .p99, .p999 and
 * .mean; ttft_server.mean and wait.mean. TS_EUSAGE. */
enum ts_status ts_until_parse(struct ts_until *out, const char *text, struct ts_diags *diags);

/* Half the width of the interval over the value, so far; NaN: there is none yet. TS_ENOMEM. */
enum ts_status ts_until_width(double *out, const struct ts_until *until, const struct ts_model *model,
                              const struct ts_result *result);

/* "ttft.p99 is 1.51 s +-3.2 % after 8 replications; 2 % would take about 21"; that there is no interval. */
void ts_until_put(struct ts_text *out, const struct ts_until *until, double width_frac, uint32_t n_replications);

#endif
