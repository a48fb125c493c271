#include "sim/pace.h"

/* The first point behind at_s; n: none. */
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
    if (i == 0) {
        return pace->factor[0];
    }
    if (i == pace->n) {
        return pace->factor[i - 1];
    }
    const double share = (at_s - pace->at_s[i - 1]) / (pace->at_s[i] - pace->at_s[i - 1]);
    return pace->factor[i - 1] + share * (pace->factor[i] - pace->factor[i - 1]);
}
