/* Hides how labels are drawn: each request has a random stream of its own, keyed by its id (the upper half of an id
 * goes into the purpose), so that a label does not depend on the requests before it. First the class by the shares,
 * then the class's difficulty. */
#include "traces/label.h"

/* By inversion of the cumulative weights; what rounding leaves over goes to the last class that has one. */
static uint16_t pick_class(const double *weights, size_t n, double u)
{
    double sum = 0.0, below = 0.0;
    size_t last = 0;
    for (size_t i = 0; i < n; i++) {
        sum += weights[i];
    }
    for (size_t i = 0; i < n; i++) {
        if (weights[i] <= 0.0) {
            continue;
        }
        last = i;
        below += weights[i];
        if (u * sum < below) {
            break;
        }
    }
    return (uint16_t)last;
}

static uint16_t draw_class(const struct ts_request *request, const struct ts_workload *workload,
                           const struct ts_label_fit *fit, double u)
{
    double weights[TS_MAX_CLASSES];
    if (workload->n_classes == 1) {
        return 0;
    }
    for (size_t i = 0; i < workload->n_classes; i++) {
        weights[i] = workload->classes[i].process ? 0.0
                     : fit ? ts_label_fit_weight(fit, i, request->prompt_tok, request->output_tok)
                           : workload->classes[i].share;
    }
    return pick_class(weights, workload->n_classes, u);
}

void ts_label_draw(struct ts_request *request, const struct ts_workload *workload, const struct ts_label_fit *fit,
                   uint64_t seed, uint32_t replication)
{
    struct ts_rng rng;
    ts_rng_init(&rng, seed, replication, (uint32_t)request->id, TS_TRACE_LABELS + (uint32_t)(request->id >> 32));
    const double u = ts_rng_uniform(&rng);
    request->class_id = request->has_class ? request->class_id : draw_class(request, workload, fit, u);
    const struct ts_class_spec *spec = &workload->classes[request->class_id];
    const float difficulty = (float)ts_dist_sample(&spec->difficulty, &rng);
    request->sensitivity = request->has_sensitivity ? request->sensitivity : spec->sensitivity;
    request->priority = spec->priority;
    request->difficulty = request->has_difficulty ? request->difficulty : difficulty;
}
