/* Hides which bound is the strictest. Worked: 95 % of 1,000 calls; the 51st that misses ends it: at most 949 are left.
 */
#include "study/early_stop.h"

#include <math.h>

#include "base/units.h"

static struct ts_early_stop wanted(const struct ts_model *model)
{
    const double slo = model->slo.attainment_frac, limit = model->limits.min_attainment_frac;
    const bool is_limit = limit > slo;
    return (struct ts_early_stop){.key = is_limit    ? "limits.attainment"
                                         : slo > 0.0 ? "slo.attainment"
                                                     : NULL,
                                  .wanted_frac = is_limit ? limit : slo};
}

bool ts_early_stop_applies(const struct ts_scenario *scenario)
{
    return wanted(&scenario->model).key && ts_tapes_can_count(&scenario->workload);
}

enum ts_status ts_early_stop_find(struct ts_early_stop *out, const struct ts_scenario *scenario, struct ts_tapes *tapes,
                                  const struct ts_progress *progress, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    *out = (struct ts_early_stop){.key = NULL};
    if (!ts_early_stop_applies(scenario)) {
        return TS_OK;
    }
    *out = wanted(&scenario->model);
    for (uint32_t r = 0; status == TS_OK && r < scenario->replications; r++) {
        uint64_t n = 0;
        status = ts_tapes_count(&n, tapes, &scenario->workload, scenario->model.seed, r, progress, diags);
        out->n_calls += n;
    }
    out->most_missed = (uint64_t)ceil((1.0 - out->wanted_frac) * (double)out->n_calls);
    return status;
}

enum ts_status ts_early_stop_look(void *user, const struct ts_request_record *record)
{
    struct ts_early_stop_watch *watch = user;
    const bool counts = record->request->arrival_ns >= ts_ns_from_s(watch->model->warmup_s);
    watch->n_missed += counts && !ts_record_meets(record, &watch->model->slo);
    if (watch->n_missed <= watch->stop->most_missed) {
        return TS_OK;
    }
    watch->at_ns = record->request->arrival_ns;
    return TS_ELIMIT;
}

void ts_early_stop_tell(const struct ts_early_stop_watch *watch, struct ts_diags *diags)
{
    const struct ts_early_stop *stop = watch->stop;
    ts_diags_add(diags, TS_ERROR, ts_span_none(), NULL,
                 "%s of %g %% is missed for certain: %llu of %llu calls have missed the SLO after %.3g h", stop->key,
                 100.0 * stop->wanted_frac, (unsigned long long)watch->n_missed, (unsigned long long)stop->n_calls,
                 (double)watch->at_ns * 1e-9 / 3600.0);
}
