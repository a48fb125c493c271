#include "sim/pace.h"

#include <math.h>

/* The first point after at_s; n: none. */
static size_t first_behind(const struct ts_pace *pace, double at_s)
{
    size_t low = 0;
    size_t high = pace->n;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (pace->at_s[middle] > at_s) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    return low;
}

double ts_pace_at(const struct ts_pace *pace, double at_s)
{
    const size_t i = first_behind(pace, at_s);
    if (pace->n == 0) {
        return 1.0;
    }
    if (i == 0) {
        return pace->factor[0];
    }
    if (i == pace->n) {
        return pace->factor[i - 1];
    }
    const double share = (at_s - pace->at_s[i - 1]) / (pace->at_s[i] - pace->at_s[i - 1]);
    return pace->factor[i - 1] + share * (pace->factor[i] - pace->factor[i - 1]);
}

double ts_pace_heat(double heat, double seconds, bool has_prompt, double memory_s)
{
    const double kept = exp(-seconds / memory_s);
    return heat * kept + (has_prompt ? 1.0 - kept : 0.0);
}

double ts_pace_memory_s(const struct ts_pace_memory *memory, double model_s, bool has_prompt, double heat)
{
    const struct ts_pace_kind *kind = has_prompt ? &memory->prompt : &memory->decode;
    return kind->factor * model_s + kind->extra_s * heat;
}

double ts_pace_step_s(const struct ts_pace *pace, double at_s, double model_s, bool has_prompt, double heat)
{
    return ts_pace_at(pace, at_s) *
           (pace->memory ? ts_pace_memory_s(pace->memory, model_s, has_prompt, heat) : model_s);
}
