/* Hides what counts as a like model: parameters within a factor of 5, whatever the task. Of 204 recorded powers of
 * ML.ENERGY, each predicted by the fits of other models, half are met within 13 % and nine of ten within 29 %, with
 * half of the rise at 48 sequences; one power whatever the batch, at 0.6 of the range, had 15 and 39 %. */
#include "scenarios/catalog/serving_power.h"

#include <string.h>

static const double like_size = 5.0;

static bool is_like(const struct ts_energy *fit, const char *hardware, double params, const char *without)
{
    const double ratio = fit->params / params;
    return ts_str_equal(fit->hardware, hardware) && ratio <= like_size && ratio >= 1.0 / like_size &&
           !(without && strncmp(fit->model, without, strlen(without)) == 0);
}

struct ts_serving_power ts_serving_power_fitted(const struct ts_catalog *catalog, const char *hardware, double params,
                                                const char *without)
{
    struct ts_serving_power power = {0};
    for (size_t i = 0; i < catalog->n_energies; i++) {
        const struct ts_energy *fit = &catalog->energies[i];
        if (is_like(fit, hardware, params, without)) {
            power.low_w += fit->min_w;
            power.high_w += fit->max_w;
            power.n_fits++;
        }
    }
    if (power.n_fits > 0) {
        power.low_w /= power.n_fits;
        power.high_w /= power.n_fits;
    }
    return power;
}

double ts_serving_power_at(const struct ts_serving_power *power, double n_seqs)
{
    return power->low_w + (power->high_w - power->low_w) * n_seqs / (n_seqs + TS_SERVING_POWER_HALF_SEQS);
}

double ts_serving_power_w(const struct ts_catalog *catalog, const struct ts_hardware *hardware, double params,
                          const char *without, double n_seqs)
{
    const struct ts_serving_power fitted = ts_serving_power_fitted(catalog, hardware->name, params, without);
    return fitted.low_w > hardware->idle_w ? ts_serving_power_at(&fitted, n_seqs)
                                           : hardware->tdp_w * TS_SERVING_POWER_SHARE;
}
