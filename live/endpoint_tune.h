/* Step times of an endpoint, corrected by replaying what it did: nobody sees its steps, and what is fitted to the gaps
 * between tokens misses what slows a server down as a whole (other slots' cells in a shared cache, the host's work). */
#ifndef TS_LIVE_ENDPOINT_TUNE_H
#define TS_LIVE_ENDPOINT_TUNE_H

#include "live/validate.h"

/* Requests that the endpoint served at their times, to find out how fast it is. */
struct ts_rehearsal {
    size_t run;                  /* before or after which it was served */
    struct ts_request *requests; /* [n] owned; lengths as the endpoint counted them */
    size_t n;
    struct ts_timings live; /* owned */
};
void ts_rehearsal_deinit(struct ts_rehearsal *rehearsal);

struct ts_endpoint_factors {
    double decode; /* on what a step takes without prompts */
    double prompt; /* on what prompt tokens add */
    double left;   /* root mean square of ln(simulated/live), over means and medians of TTFT, TPOT and E2E */
    size_t n;      /* requests replayed; 0: none, both factors are 1 */
};

/* The factors with which simulations of that run's rehearsals come nearest to what the endpoint did. The model is
 * that of the endpoint alone, with linear step times. TS_ENOMEM, TS_ERANGE. */
enum ts_status ts_endpoint_tune(struct ts_endpoint_factors *out, const struct ts_model *model, size_t run,
                                const struct ts_rehearsal *rehearsals, size_t n, struct ts_diags *diags);

/* The model with its linear step times changed by those factors. Its pool is put into *pool, which *out points to. */
void ts_endpoint_scale(struct ts_model *out, struct ts_pool_model *pool, const struct ts_model *from,
                       const struct ts_endpoint_factors *factors);

#endif
