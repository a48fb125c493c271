/* A validation from measuring to verdict: step times, capacity, each load live and simulated, what came of it. */
#ifndef TS_APP_VALIDATE_SESSION_H
#define TS_APP_VALIDATE_SESSION_H

#include "endpoint/probe.h"
#include "live/validate_scenario.h"

enum { TS_VALIDATE_MAX_LOADS = 8, TS_VALIDATE_MAX_SLOTS = 1024, TS_VALIDATE_MAX_RUNS = 99 };

struct ts_validate_options {
    struct ts_validate_source source;
    double loads[TS_VALIDATE_MAX_LOADS]; /* shares of the capacity, or of the users of a closed loop */
    bool loads_are_usual;                /* nobody named them: of a closed loop all users */
    size_t n_loads, n_runs;              /* each load is served so many times */
    double serve_s;                      /* each load for so long */
    double measure_s;                    /* step times, all in all */
    double max_error_frac;               /* NaN: none */
    const char *folder;                  /* of the files */
    bool quiet;
    /* The reference engine. */
    const char *gguf_path, *isa; /* NULL: made-up weights; the best for this machine */
    uint32_t n_threads;          /* 0: all usable CPUs */
    /* Or in its place */
    struct ts_probe_options endpoint; /* http.url NULL: the reference engine */
    uint32_t prompt_seed;             /* of its prompts, for --seed */
    uint32_t n_slots;                 /* 0: it has none */
    bool kv_unified;
};

/* Measures, serves, prints, and writes the files of a validation. TS_ELIMIT if the error passes the limit,
 * TS_EINTERRUPTED (what was done is shown), and what its parts can come to, with diagnostics. */
enum ts_status ts_validate_session_run(const struct ts_validate_options *options, struct ts_arena *arena,
                                       struct ts_diags *diags);

#endif
