/* What long work tells while it goes on, and how it is told to stop: the one contract of simulations, measurements,
 * live runs and probes. Work that was stopped ends with TS_EINTERRUPTED. */
#ifndef TS_BASE_PROGRESS_H
#define TS_BASE_PROGRESS_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>

struct ts_progress_state {
    const char *what;   /* what is being done or counted: "matrix products", "requests" */
    double done, total; /* of that; total 0: nobody knows */
    double elapsed_s;   /* on the work's own clock: in a simulation, simulated time */
    double left_s;      /* NaN: nobody knows */
};

struct ts_progress {
    /* False: stop. NULL: nobody listens. Without a state: there is nothing new to show. Several threads may ask. */
    bool (*go_on)(void *user, const struct ts_progress_state *state);
    void *user;
};

static inline bool ts_progress_go_on(const struct ts_progress *progress, const struct ts_progress_state *state)
{
    return !progress || !progress->go_on || progress->go_on(progress->user, state);
}

/* For a part of the work, which is asked whether to go on, and whose states nobody wants; user: the progress of all. */
static inline bool ts_progress_ask_alone(void *user, const struct ts_progress_state *state)
{
    const struct ts_progress *all = (const struct ts_progress *)user;
    (void)state;
    return ts_progress_go_on(all, NULL);
}

/* Shall it go on? Whoever may be busy for long between two states asks as well, some hundred times a second. */
static inline bool ts_progress_ask(const struct ts_progress *progress)
{
    return ts_progress_go_on(progress, NULL);
}

#endif
