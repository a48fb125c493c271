/* The requests of a validation: drawn once, then sent at each load's rate. */
#ifndef TS_LIVE_VALIDATE_REQUESTS_H
#define TS_LIVE_VALIDATE_REQUESTS_H

#include "base/diag.h"
#include "scenarios/language/scenario.h"

struct ts_request_list {
    struct ts_request *requests; /* [n] as the workload has them */
    size_t n;
};

/* The first of the scenario's requests, up to a number that no validation needs more of. TS_ESCENARIO if there are too
 * few to compare. */
enum ts_status ts_request_list_draw(struct ts_request_list *out, const struct ts_scenario *scenario,
                                    const struct ts_progress *progress, struct ts_diags *diags);
void ts_request_list_deinit(struct ts_request_list *list);

/* n of them, from `first` on (round and round), at `rate_per_s` on average from time 0: the gaps keep their shape.
 * The caller frees them; NULL: out of memory. n <= list->n. */
struct ts_request *ts_request_list_at(const struct ts_request_list *list, size_t first, size_t n, double rate_per_s);

#endif
