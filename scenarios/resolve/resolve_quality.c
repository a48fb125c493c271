/* Hides how right a tier is where the scenario does not write its ability: by class, by a table, or by what its model
 * scored on MMLU-Pro (Wang et al. 2024; 12,032 questions with ten choices). A score of a becomes the ability with which
 * a share a of difficulties from N(0, 1) is answered right: so that scale is "as hard as MMLU-Pro". Worked: 48.3 %
 * (Llama-3.1-8B) -> -0.08, 74.7 % (gpt-4o) -> 1.27. */
#include "scenarios/resolve/quality_table.h"

#include "sim/quality.h"

#include <math.h>
#include <string.h>

static const double least = 0.001; /* of a table or a score: nobody is right or wrong for ever */

static double ability_of(double accuracy)
{
    const struct ts_dist difficulty = ts_dist_normal(0.0, 1.0);
    const double used = accuracy < least ? least : accuracy > 1.0 - least ? 1.0 - least : accuracy;
    return ts_quality_ability_of(used, &difficulty);
}

/* ---- abilities that are not written ---- */

static void set_ability(struct ts_loader *loader, struct ts_value *tier, enum ts_origin origin, const char *source,
                        double accuracy)
{
    struct ts_value *ability = ts_value_at(tier, "ability");
    ability->number = ability_of(accuracy);
    ability->state = TS_VALUE_DEFAULT;
    ts_loader_assume(loader, ability->path, origin, source, "%.3g, as %.3g %% right on difficulties of N(0, 1)",
                     ability->number, 100.0 * accuracy);
}

/* It is not known, for a mistake that is told. */
static void forget_ability(struct ts_value *tier)
{
    struct ts_value *ability = ts_value_at(tier, "ability");
    ability->state = TS_VALUE_BROKEN;
    ability->broken = true;
}

static bool by_class(struct ts_loader *loader, struct ts_value *tier)
{
    const struct ts_value *list = ts_value_at(tier, "accuracy");
    double sum = 0.0;
    for (size_t i = 0; i < list->n_children; i++) {
        sum += list->children[i].number;
    }
    if (list->n_children > 0) {
        set_ability(loader, tier, TS_ORIGIN_MODELLED, "mean of its accuracy by class", sum / (double)list->n_children);
    }
    return list->n_children > 0;
}

static bool by_table(struct ts_loader *loader, struct ts_value *tier, const struct ts_value *columns)
{
    const struct ts_quality_table *table = loader->quality;
    for (size_t c = 0; table && c < columns->n_children; c++) {
        uint32_t n_right = 0;
        for (uint32_t i = 0; i < table->n; i++) {
            n_right += table->right[i] >> c & 1U;
        }
        if (ts_str_equal(columns->children[c].name, tier->name)) {
            set_ability(loader, tier, TS_ORIGIN_IMPORTED, table->source, (double)n_right / table->n);
            return true;
        }
    }
    return false;
}

/* The name of the row of the catalog that the tier's model is; NULL: of none. */
static const char *row_of(const struct ts_loader *loader, struct ts_value *tier)
{
    if (ts_value_at(tier, "kind")->choice == (int)TS_TIER_API) {
        const struct ts_value *offers = ts_value_at(tier, "offers");
        const char *name = offers->n_children > 0 ? ts_value_at(&offers->children[0], "name")->text : NULL;
        const struct ts_price *price = name ? ts_catalog_price(&loader->catalog, name) : NULL;
        return price ? price->name : name;
    }
    const struct ts_value *model = ts_value_at(tier, "model");
    const struct ts_llm *llm = model->text ? ts_catalog_llm(&loader->catalog, model->text) : NULL;
    return llm ? llm->name : NULL;
}

/* Does a router, a check or a bound ask who answers right? */
static bool ability_decides(struct ts_loader *loader, bool alone)
{
    bool by_router = true;
    switch (ts_value_choice(loader->root, "routing.policy")) {
    case TS_ROUTE_STATIC:
    case TS_ROUTE_LEAST_LOADED:
    case TS_ROUTE_LEAST_LATENCY:
    case TS_ROUTE_CHEAPEST:
        by_router = false;
        break;
    default:
        break;
    }
    return (by_router && !alone) || ts_value_is_written(loader->root, "limits.quality");
}

/* In the order of tiers it is then among the ablest. */
static void leave_unknown(struct ts_loader *loader, struct ts_value *tier)
{
    struct ts_value *ability = ts_value_at(tier, "ability");
    double most = least;
    for (size_t i = 0; i < loader->catalog.n_scores; i++) {
        most = fmax(most, loader->catalog.scores[i].mmlu_pro);
    }
    ability->number = ability_of(most);
    ability->state = TS_VALUE_DEFAULT;
    loader->ability_unknown = true;
    ts_loader_assume(loader, ability->path, TS_ORIGIN_DEFAULT, "no published score: no figures of quality",
                     "unknown; in the order of tiers among the ablest");
}

static void by_score(struct ts_loader *loader, struct ts_value *tier, bool alone)
{
    static const char hint[] = "write ability: 1.2, or accuracy: {a class: 80 %}";
    const char *row = row_of(loader, tier), *shown = row ? row : "its model";
    const struct ts_score *score = row ? ts_catalog_score(&loader->catalog, row) : NULL;
    if (!score && ability_decides(loader, alone)) {
        forget_ability(tier);
        ts_loader_error(loader, tier, hint, "'%s' has no ability, and the catalog has no score of %s on MMLU-Pro",
                        tier->name, shown);
        return;
    }
    if (!score) {
        leave_unknown(loader, tier);
        ts_loader_warning(loader, tier, hint,
                          "there are no figures of quality: '%s' has no ability, and the catalog has no score of %s on "
                          "MMLU-Pro",
                          tier->name, shown);
        return;
    }
    set_ability(
        loader, tier, TS_ORIGIN_CATALOG,
        ts_loader_printf(loader, "quality.csv: %s on MMLU-Pro, %s (%s)", score->evaluated, score->source, score->date),
        score->mmlu_pro);
    if (!alone) {
        ts_loader_warning(loader, tier, "write ability: or accuracy: from your own calls",
                          "'%s' has no ability: it is taken from its model's score on MMLU-Pro, %.3g %%", tier->name,
                          100.0 * score->mmlu_pro);
    }
}

void ts_abilities_settle(struct ts_loader *loader)
{
    struct ts_value *tiers = ts_value_at(loader->root, "tiers"), *quality = ts_value_at(loader->root, "quality");
    struct ts_value *columns = ts_value_at(quality, "columns");
    if (!quality->broken && columns->n_children > 0) {
        loader->quality = ts_loader_array(loader, 1, sizeof *loader->quality);
        if (!loader->quality || !ts_quality_table_read(loader->quality, loader, quality)) {
            loader->quality = NULL;
            quality->broken = true;
        }
    }
    for (size_t i = 0; i < tiers->n_children; i++) {
        struct ts_value *tier = &tiers->children[i];
        if (tier->n_children == 0 || ts_value_at(tier, "ability")->state != TS_VALUE_ABSENT) {
            continue;
        }
        if (tier->broken || quality->broken) {
            forget_ability(tier);
        } else if (!by_class(loader, tier) && !by_table(loader, tier, columns)) {
            by_score(loader, tier, tiers->n_children == 1);
        }
    }
}

/* ---- the model ---- */

static void resolve_accuracy(struct ts_loader *loader, struct ts_value *value, struct ts_tier_model *tier)
{
    const struct ts_workload *workload = loader->workload;
    struct ts_value *list = ts_value_at(value, "accuracy");
    if (list->n_children == 0) {
        return;
    }
    double *abilities = ts_loader_array(loader, workload->n_classes, sizeof *abilities);
    for (size_t c = 0; abilities && c < workload->n_classes; c++) {
        struct ts_value *found = NULL;
        for (size_t i = 0; i < list->n_children; i++) {
            found = list->children[i].index == (int)c ? &list->children[i] : found;
        }
        if (found) {
            found->used = true;
            abilities[c] = ts_quality_ability_of(found->number, &workload->classes[c].difficulty);
        } else if (ts_value_is_written(value, "ability")) {
            abilities[c] = tier->ability;
        } else {
            ts_loader_error(loader, list, "write all classes, or an ability for the others",
                            "'%s' has no accuracy for class '%s'", tier->name, workload->classes[c].name);
        }
    }
    tier->class_ability = abilities;
}

static bool stands_for(const char *label, const char *class_name)
{
    const size_t len = strlen(class_name);
    return strncmp(label, class_name, len) == 0 && (label[len] == '\0' || label[len] == '/');
}

/* The rows of a class, their bits those of the model's tiers. */
static void pick_rows(struct ts_loader *loader, struct ts_quality_rows *out, const struct ts_value *columns,
                      const char *class_name)
{
    const struct ts_quality_table *table = loader->quality;
    uint32_t *rows = ts_loader_array(loader, table->n, sizeof *rows);
    for (uint32_t i = 0; rows && i < table->n; i++) {
        if (table->labels && !stands_for(table->labels[i], class_name)) {
            continue;
        }
        uint32_t right = 0;
        for (size_t c = 0; c < columns->n_children; c++) {
            right |= (table->right[i] >> c & 1U) << columns->children[c].index;
        }
        rows[out->n++] = right;
    }
    out->right = rows;
}

static void resolve_table(struct ts_loader *loader, struct ts_value *quality)
{
    const struct ts_workload *workload = loader->workload;
    const struct ts_value *columns = ts_value_at(quality, "columns");
    uint32_t told = 0;
    for (size_t c = 0; c < columns->n_children; c++) {
        told |= columns->children[c].index >= 0 ? 1U << columns->children[c].index : 0;
    }
    for (uint32_t i = 0; i < loader->model->n_tiers; i++) {
        if ((told >> i & 1U) == 0) {
            ts_loader_error(loader, columns, NULL, "tier '%s' has no column", loader->model->tiers[i].name);
        }
    }
    const size_t n_classes = loader->quality->labels ? workload->n_classes : 1;
    struct ts_quality_rows *tables = ts_loader_array(loader, workload->n_classes, sizeof *tables);
    for (size_t c = 0; tables && c < workload->n_classes; c++) {
        if (c < n_classes) {
            pick_rows(loader, &tables[c], columns, workload->classes[c].name);
        } else {
            tables[c] = tables[0];
        }
        if (tables[c].n == 0) {
            ts_loader_error(loader, ts_value_at(quality, "class"), NULL, "no row of the table is of class '%s'",
                            workload->classes[c].name);
        }
    }
    loader->model->quality.tables = tables;
    ts_loader_assume(loader, "quality.table", TS_ORIGIN_IMPORTED, loader->quality->source, "%u prompts",
                     (unsigned)loader->quality->n);
}

/* Of later months. An own model is renewed with its machines unless the scenario says how often. */
static void resolve_later(struct ts_value *value, struct ts_tier_model *tier, bool has_columns)
{
    ts_value_counts_if(value, "improves", !has_columns, "the table determines which replies are right");
    tier->ability_per_year = ts_value_number(value, "improves");
    if (tier->kind != TS_TIER_API) {
        ts_value_counts_if(value, "renewed", tier->ability_per_year > 0.0, "its models do not improve");
        const double life = tier->owned.life_months > 0.0 ? tier->owned.life_months : (double)INFINITY;
        tier->renewed_months = ts_value_is_written(value, "renewed") ? ts_value_number(value, "renewed") : life;
    }
}

void ts_resolve_quality(struct ts_loader *loader)
{
    struct ts_value *quality = ts_value_at(loader->root, "quality");
    struct ts_value *tiers = ts_value_at(loader->root, "tiers");
    struct ts_model *model = loader->model;
    const bool has_columns = ts_value_at(quality, "columns")->n_children > 0;
    ts_value_counts_if(quality, "table", has_columns, "write columns: {a tier: its column}");
    ts_value_counts_if(quality, "class", ts_value_is_written(quality, "table"), "there is no table");
    ts_value_counts_if(quality, "shared", !has_columns && model->n_tiers > 1,
                       has_columns ? "the table says it" : "there is one tier");
    if (quality->broken || loader->workload->n_classes == 0) {
        return;
    }
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        if (tiers->children[i].n_children > 0 && !tiers->children[i].broken) {
            ts_value_counts_if(&tiers->children[i], "accuracy", !has_columns,
                               "the table determines which replies are right");
            resolve_accuracy(loader, &tiers->children[i], &model->tiers[i]);
            resolve_later(&tiers->children[i], &model->tiers[i], has_columns);
        }
    }
    model->quality.unknown = loader->ability_unknown && !has_columns;
    model->quality.shared_frac = ts_value_number(quality, "shared");
    if (loader->quality) {
        resolve_table(loader, quality);
    }
}
