/* How a benchmark set an engine for a run, where that shows in what was recorded. InferenceX: from the scripts and the
 * change log of its repository (SemiAnalysisAI/InferenceX@843c625, as of the day that the run has). */
#ifndef TS_TESTS_SERVING_RECIPES_H
#define TS_TESTS_SERVING_RECIPES_H

#include <stdbool.h>

struct serving_run {
    const char *engine, *model, *said_model, *hardware, *quant, *version;
    const char *measured; /* "2026-03-25"; "": not told */
    unsigned tensor_parallel, data_parallel;
    double isl, osl, users; /* as the run's name has them */
};

struct serving_recipe {
    bool drafts;            /* several tokens a step were predicted, or may have been: no run of the model alone */
    bool cold;              /* nothing warmed the engine up: first tokens waited for kernels to be compiled */
    double budget_tok;      /* of a step */
    double wait_steps;      /* that a request is held back, on the average */
    unsigned data_parallel; /* where the run's name does not tell it */
};

/* Runs of InferenceX, and those of aiconfigurator's own; those of others are at an engine's defaults. */
struct serving_recipe serving_recipe(const struct serving_run *run);
struct serving_recipe serving_recipe_own(const struct serving_run *run);
struct serving_recipe serving_recipe_default(void);

#endif
