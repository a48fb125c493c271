/* Hides nothing but the section `sweep`: what its words mean is for who runs one (study/axis.h, study/design.h). */
#include "scenarios/language/loader.h"

static void resolve_axes(struct ts_loader *loader, struct ts_value *axes, struct ts_sweep_words *out)
{
    struct ts_sweep_axis *all = ts_loader_array(loader, axes->n_children, sizeof *all);
    for (size_t i = 0; all && i < axes->n_children; i++) {
        struct ts_value *axis = &axes->children[i];
        const char *key = ts_value_text(axis, "key"), *values = ts_value_text(axis, "values");
        all[i] = (struct ts_sweep_axis){.key = key ? key : "", .values = values ? values : ""};
    }
    out->axes = all;
    out->n_axes = all ? axes->n_children : 0;
}

void ts_resolve_sweep(struct ts_loader *loader, struct ts_sweep_words *out)
{
    struct ts_value *sweep = ts_value_at(loader->root, "sweep");
    if (!ts_value_is_written(loader->root, "sweep") || sweep->broken) {
        return;
    }
    resolve_axes(loader, ts_value_at(sweep, "axes"), out);
    out->design = ts_value_choice(sweep, "design");
    out->n_points = ts_value_count(sweep, "points");
    out->n_replications = ts_value_count(sweep, "replications");
}
