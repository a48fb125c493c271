/* Hides which hardware is looked at. */
#include "study/plan_space.h"

#include "scenarios/catalog/catalog.h"

static const char *const counts[] = {"1", "2", "4", "8"};
static const char *const replicas[] = {"1",  "2",  "3",  "4",  "5",  "6",  "8", "10",
                                       "12", "16", "20", "24", "32", "48", "64"};

enum { N_COUNTS = sizeof counts / sizeof counts[0], N_REPLICAS = sizeof replicas / sizeof replicas[0] };

static const struct ts_assumption *find_assumption(const struct ts_model *model, const char *tier, const char *key)
{
    for (size_t i = 0; i < model->n_assumptions; i++) {
        const char *path = model->assumptions[i].key;
        const size_t len = strlen(tier);
        if (ts_str_has_prefix(path, "tiers.") && strncmp(path + 6, tier, len) == 0 && path[6 + len] == '.' &&
            ts_str_equal(path + 7 + len, key)) {
            return &model->assumptions[i];
        }
    }
    return NULL;
}

static bool is_written(const struct ts_model *model, const char *tier, const char *key)
{
    const struct ts_assumption *a = find_assumption(model, tier, key);
    return a && (a->origin == TS_ORIGIN_SCENARIO || a->origin == TS_ORIGIN_COMMAND);
}

/* The catalog's row that a tier names; NULL: it is measured, profiled, or a row of the scenario's own. */
static const struct ts_hardware *hardware_of(const struct ts_catalog *catalog, const struct ts_model *model,
                                             const struct ts_tier_model *tier)
{
    const struct ts_assumption *a = find_assumption(model, tier->name, "hardware");
    return tier->kind == TS_TIER_SERVER && a ? ts_catalog_hardware(catalog, a->value) : NULL;
}

static bool is_candidate(const struct ts_catalog *catalog, const struct ts_hardware *hardware)
{
    const struct ts_chip *chip = ts_catalog_chip(catalog, hardware->name);
    return chip && ts_catalog_is_gpu(chip->class_name) && !hardware->includes_host && hardware->list_price_usd > 0.0;
}

/* Hardware and how many of it, as one axis. */
static enum ts_status put_hardware(struct ts_axis *axis, const struct ts_catalog *catalog, const struct ts_model *model,
                                   const struct ts_tier_model *tier, struct ts_arena *arena)
{
    const char **settings = ts_arena_array(arena, catalog->n_hardware * N_COUNTS + 1, sizeof *settings);
    const bool priced = is_written(model, tier->name, "owned.capex");
    *axis = (struct ts_axis){.key = ts_arena_printf(arena, "tiers.%s.hardware", tier->name), .settings = settings};
    for (size_t i = 0; settings && i < catalog->n_hardware; i++) {
        for (int k = 0; k < N_COUNTS && is_candidate(catalog, &catalog->hardware[i]); k++) {
            settings[axis->n++] =
                ts_arena_printf(arena, "tiers.%s.hardware=%s\ntiers.%s.accelerators=%s%s%s%s", tier->name,
                                catalog->hardware[i].name, tier->name, counts[k], priced ? "\ntiers." : "",
                                priced ? tier->name : "", priced ? ".owned.capex=null" : "");
        }
    }
    return arena->failed ? TS_ENOMEM : TS_OK;
}

static enum ts_status put_replicas(struct ts_axis *axis, const struct ts_tier_model *tier, struct ts_arena *arena)
{
    const char **settings = ts_arena_array(arena, N_REPLICAS, sizeof *settings);
    *axis = (struct ts_axis){.key = ts_arena_printf(arena, "tiers.%s.replicas", tier->name), .settings = settings};
    for (int i = 0; settings && i < N_REPLICAS; i++) {
        settings[axis->n++] = ts_arena_printf(arena, "%s=%s", axis->key, replicas[i]);
    }
    return arena->failed ? TS_ENOMEM : TS_OK;
}

enum ts_status ts_plan_default_space(struct ts_axis *axes, uint32_t *n, const struct ts_scenario *scenario,
                                     struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_catalog catalog;
    enum ts_status status = ts_catalog_load(&catalog, arena, diags);
    *n = 0;
    for (uint32_t i = 0; status == TS_OK && i < scenario->model.n_tiers && *n + 2 <= TS_PLAN_MOST_AXES; i++) {
        const struct ts_tier_model *tier = &scenario->model.tiers[i];
        if (hardware_of(&catalog, &scenario->model, tier)) {
            status = put_hardware(&axes[(*n)++], &catalog, &scenario->model, tier, arena);
            if (status == TS_OK) {
                status = put_replicas(&axes[(*n)++], tier, arena);
            }
        }
    }
    if (status == TS_OK && *n == 0) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write for example --set tiers.edge.replicas=1:8:1",
                       "there is nothing to choose: no server takes its hardware from the catalog");
    }
    return status;
}
