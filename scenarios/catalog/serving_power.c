/* Hides what counts as a like model: parameters within a factor of 5. A chat's answers are of common length. Of the
 * range from the lowest to the highest power of a fit's batches, recorded ones (210 of ML.ENERGY) lie at 0.6 in the
 * median: near the low end with 8 users, near the high one from 128 on. */
#include "scenarios/catalog/serving_power.h"

#include <stdlib.h>
#include <string.h>

#include "base/sample.h"

static const double like_size = 5.0;
static const double of_the_range = 0.6;
static const char task[] = "lm-arena-chat";

enum { MAX_FITS = 64 };

static bool is_like(const struct ts_energy *fit, const char *hardware, double params, const char *without)
{
    const double ratio = fit->params / params;
    return ts_str_equal(fit->hardware, hardware) && ts_str_equal(fit->task, task) && ratio <= like_size &&
           ratio >= 1.0 / like_size && !(without && strncmp(fit->model, without, strlen(without)) == 0);
}

double ts_serving_power_fitted(unsigned *n_fits, const struct ts_catalog *catalog, const char *hardware, double params,
                               const char *without)
{
    double middle[MAX_FITS];
    unsigned n = 0;
    for (size_t i = 0; i < catalog->n_energies && n < MAX_FITS; i++) {
        const struct ts_energy *fit = &catalog->energies[i];
        if (is_like(fit, hardware, params, without)) {
            middle[n++] = fit->min_w + of_the_range * (fit->max_w - fit->min_w);
        }
    }
    qsort(middle, n, sizeof *middle, ts_sample_compare);
    *n_fits = n;
    return n == 0 ? 0.0 : n % 2 ? middle[n / 2] : (middle[n / 2 - 1] + middle[n / 2]) / 2.0;
}

double ts_serving_power_w(const struct ts_catalog *catalog, const struct ts_hardware *hardware, double params,
                          const char *without)
{
    unsigned n_fits = 0;
    const double fitted = ts_serving_power_fitted(&n_fits, catalog, hardware->name, params, without);
    return fitted > hardware->idle_w ? fitted : hardware->tdp_w * TS_SERVING_POWER_SHARE;
}
