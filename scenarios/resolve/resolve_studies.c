/* Hides the sections `sweep` and `search`: which keys take several values, and which. */
#include "scenarios/language/loader.h"

static bool is_there(const struct ts_axis *axes, uint32_t n, const char *key)
{
    bool any = false;
    for (uint32_t i = 0; i < n; i++) {
        any = any || ts_str_equal(axes[i].key, key);
    }
    return any;
}

/* The axis after those that are there; false: it has a mistake. */
static bool read_axis(struct ts_loader *loader, struct ts_axis *axes, uint32_t n, struct ts_value *item)
{
    const char *key = ts_value_text(item, "key"), *values = ts_value_text(item, "values");
    const struct ts_value *key_at = ts_value_at(item, "key"), *values_at = ts_value_at(item, "values");
    bool is_axis = false;
    if (!key || !values) {
        return false;
    }
    if (!ts_schema_takes(key)) {
        ts_loader_error(loader, key_at, "`tiersim explain` lists all keys", "there is no key '%s'", key);
        return false;
    }
    if (is_there(axes, n, key)) {
        ts_loader_error(loader, key_at, "write all of its values in one place", "%s is there twice", key);
        return false;
    }
    const char *text = ts_loader_printf(loader, "%s=%s", key, values);
    const enum ts_status status = ts_axis_parse(&axes[n], &is_axis, text, values_at->at, loader->arena, loader->diags);
    if (status == TS_ENOMEM) {
        ts_loader_fail(loader, status);
    } else if (status == TS_OK && !is_axis) {
        ts_loader_error(loader, values_at, "write several values, or set the key itself",
                        "%s has one value and is no axis", key);
    }
    return status == TS_OK && is_axis;
}

static struct ts_axes read_axes(struct ts_loader *loader, struct ts_value *list)
{
    struct ts_axis *axes = ts_loader_array(loader, list->n_children, sizeof *axes);
    uint32_t n = 0;
    for (size_t i = 0; axes && i < list->n_children; i++) {
        if (n == TS_MAX_AXES) {
            ts_loader_error(loader, &list->children[i], NULL, "more than %d axes", TS_MAX_AXES);
            break;
        }
        n += read_axis(loader, axes, n, &list->children[i]);
    }
    return (struct ts_axes){axes, n};
}

static void resolve_sweep(struct ts_loader *loader, struct ts_value *sweep, struct ts_sweep_words *out)
{
    out->axes = read_axes(loader, ts_value_at(sweep, "axes"));
    out->design = ts_value_choice(sweep, "design");
    out->n_points = ts_value_count(sweep, "points");
    out->n_replications = ts_value_count(sweep, "replications");
}

/* A search has no design that would draw from a range. */
static void resolve_search(struct ts_loader *loader, struct ts_value *search, struct ts_axes *out)
{
    struct ts_value *list = ts_value_at(search, "axes");
    *out = read_axes(loader, list);
    for (uint32_t i = 0; i < out->n && out->n == list->n_children; i++) {
        if (out->items[i].n == 0) {
            ts_loader_error(loader, ts_value_at(&list->children[i], "values"), "write values or a step: 1:8:1",
                            "%s is a range without a step", out->items[i].key);
        }
    }
}

static struct ts_value *written_section(struct ts_loader *loader, const char *name)
{
    struct ts_value *section = ts_value_at(loader->root, name);
    if (!ts_value_is_written(loader->root, name) || section->broken) {
        return NULL;
    }
    if (loader->options->is_point) {
        ts_value_ignore(section);
        return NULL;
    }
    return section;
}

void ts_resolve_studies(struct ts_loader *loader, struct ts_scenario *out)
{
    struct ts_value *sweep = written_section(loader, "sweep"), *search = written_section(loader, "search");
    if (sweep) {
        resolve_sweep(loader, sweep, &out->sweep);
    }
    if (search) {
        resolve_search(loader, search, &out->search);
    }
}
