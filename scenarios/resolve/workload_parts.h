/* Parts of resolve_workload.c that are about generated requests. */
#ifndef TS_SCENARIOS_RESOLVE_WORKLOAD_PARTS_H
#define TS_SCENARIOS_RESOLVE_WORKLOAD_PARTS_H

#include "scenarios/language/loader.h"

/* curve, gaps, rates and bursts of a section: `workload`, or a class's `arrivals`. */
void ts_resolve_process(struct ts_loader *loader, struct ts_value *section, struct ts_process *out);
/* trend, holidays, tick. any_curve: some process follows the hours. */
void ts_resolve_window(struct ts_value *section, struct ts_workload *workload, bool any_curve);
/* Of a class: how long its requests are, what their prompts begin like; when they come, if it is on its own. */
void ts_resolve_lengths(struct ts_loader *loader, struct ts_value *item, struct ts_class_spec *out);
void ts_resolve_own_process(struct ts_loader *loader, struct ts_value *item, struct ts_class_spec *out);

#endif
