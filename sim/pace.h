/* A machine whose speed changes: factors on the step times of a model, by what was computed before and by the time. */
#ifndef TS_SIM_PACE_H
#define TS_SIM_PACE_H

#include <stdbool.h>
#include <stddef.h>

/* A processor remembers steps with prompt tokens: what comes after them is slower, for a while (likely weights that
 * were in its caches have to come back). How much it remembers, its heat, goes towards 1 while such steps run and
 * towards 0 while others do or none does, by a factor of e in memory_s. A step that begins with that heat takes factor
 * x the model's time + heat x extra_s. */
struct ts_pace_kind {
    double factor, extra_s;
};
struct ts_pace_memory {
    struct ts_pace_kind prompt, decode; /* of steps with prompt tokens, and of others */
    double memory_s;                    /* above 0 */
};

/* The heat after so many seconds of steps with prompt tokens or without. */
double ts_pace_heat(double heat, double seconds, bool has_prompt, double memory_s);
double ts_pace_memory_s(const struct ts_pace_memory *memory, double model_s, bool has_prompt, double heat);

/* By time: linear between the points, constant before the first and after the last; 1 without any. */
struct ts_pace {
    const double *at_s;                  /* [n] not falling */
    const double *factor;                /* [n] above zero: 1.1 = steps take a tenth longer */
    size_t n;                            /* may be 0 */
    const struct ts_pace_memory *memory; /* NULL: nothing is remembered */
};

double ts_pace_at(const struct ts_pace *pace, double at_s);
/* What a step takes that begins at at_s. */
double ts_pace_step_s(const struct ts_pace *pace, double at_s, double model_s, bool has_prompt, double heat);

#endif
