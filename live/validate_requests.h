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
 * few to compare, or, without takes_users, in a closed loop. */
enum ts_status ts_request_list_draw(struct ts_request_list *out, const struct ts_scenario *scenario, bool takes_users,
                                    const struct ts_progress *progress, struct ts_diags *diags);
void ts_request_list_deinit(struct ts_request_list *list);

/* n of them, from `first` on (round and round), at `rate_per_s` on average from time 0: the gaps keep their shape.
 * The caller frees them; NULL: out of memory. n <= list->n. */
struct ts_request *ts_request_list_at(const struct ts_request_list *list, size_t first, size_t n, double rate_per_s);
/* The same of a closed loop: request i is of user i % n_users, who sends it so long after the reply to the one before
 * as it is drawn from think_s (turn->delay_ns); the first of each comes at 0. */
struct ts_request *ts_request_list_of_users(const struct ts_request_list *list, size_t first, size_t n,
                                            uint32_t n_users, const struct ts_dist *think_s, uint64_t seed);

#endif
