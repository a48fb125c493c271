/* What `tiersim plan` says, and the CSV of all designs. */
#ifndef TS_APP_PLAN_PRINT_H
#define TS_APP_PLAN_PRINT_H

#include "app/load_scenario.h"
#include "econ/econ.h"
#include "study/plan_doubt.h"

/* What the best design has left, and what it would be if its step times were slower than predicted. */
struct ts_plan_headroom {
    struct ts_plan_doubt doubt;
    struct ts_econ_capacity capacity;
    const char *replica[TS_MAX_TIERS]; /* what one more would be: "2 x H100 SXM" */
};

/* headroom: of the best design; args: the command line. TS_ENOMEM. */
enum ts_status ts_plan_print(struct ts_text *out, const struct ts_plan *plan, const struct ts_plan_spec *spec,
                             const struct ts_plan_headroom *headroom, const struct ts_scenario_args *args);

/* A row for each design, in the order of the grid: its settings, what came of it, why, and its figures. TS_ENOMEM. */
enum ts_status ts_plan_csv(struct ts_text *out, const struct ts_plan *plan, const struct ts_plan_spec *spec);

#endif
