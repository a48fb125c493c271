/* Hides the shape between three points. */
#include "base/uncertain.h"

#include <math.h>

#include <gsl/gsl_cdf.h>

static double through_points(const struct ts_uncertain *input, double p)
{
    const double c = gsl_cdf_ugaussian_Pinv(0.9), z = gsl_cdf_ugaussian_Pinv(p);
    const double up = input->p90 - input->p50, down = input->p50 - input->p10;
    if (!(up > 0.0 && down > 0.0) || fabs(up - down) < 1e-9 * (up + down)) {
        return input->p50 + (z > 0.0 ? up : down) * z / c;
    }
    const double a = up / down;
    return input->p50 + up * expm1(log(a) * z / c) / (a - 1.0);
}

double ts_uncertain_at(const struct ts_uncertain *input, double p)
{
    double value = input->dist ? ts_dist_quantile(input->dist, p) : through_points(input, p);
    value = fmin(fmax(value, input->min), input->max);
    return input->is_whole ? fmin(fmax(round(value), ceil(input->min)), floor(input->max)) : value;
}

void ts_uncertain_put(struct ts_text *out, const struct ts_uncertain *input, double value)
{
    const char *unit = !input->unit ? "" : input->unit[0] == '1' ? input->unit + 1 : input->unit; /* "5 /s" is 5 1/s */
    ts_text_printf(out, "%s=", input->key);
    ts_text_double(out, value);
    ts_text_printf(out, "%s%s", *unit ? " " : "", unit);
}
