/* Hides how a name is found: among the scenario's own tiers, links and classes, or in a catalog. */
#include <string.h>

#include "scenarios/language/loader.h"

enum { MAX_NAMES = 128, MAX_SHOWN = 6 };

/* The names that the scenario itself gives to things of that sort; NULL with *own false for sorts that live in
 * catalogs. */
static const struct ts_value *own_names(struct ts_loader *loader, const char *sort, bool *own)
{
    *own = true;
    if (ts_str_equal(sort, "tier")) {
        return ts_value_at(loader->root, "tiers");
    }
    if (ts_str_equal(sort, "link")) {
        return ts_value_at(loader->root, "links");
    }
    if (ts_str_equal(sort, "site")) {
        return ts_value_at(loader->root, "sites");
    }
    if (ts_str_equal(sort, "class")) {
        const char *path = ts_value_is_written(loader->root, "workload") ? "workload.classes" : "trace.classes";
        return ts_value_at(loader->root, path);
    }
    *own = false;
    return NULL;
}

static void fail_at(struct ts_value *value)
{
    value->state = value->state == TS_VALUE_ABSENT ? TS_VALUE_ABSENT : TS_VALUE_BROKEN;
    value->broken = true;
}

/* Finds `word`; *index is its place. */
static void check_own(struct ts_loader *loader, struct ts_value *value, struct ts_span at, const char *sort,
                      const char *word, const struct ts_value *names, int *index)
{
    const char *all[MAX_NAMES];
    size_t n = 0;
    for (size_t i = 0; names && i < names->n_children; i++) {
        if (ts_str_equal(names->children[i].name, word)) {
            *index = (int)i;
            return;
        }
        if (n < MAX_NAMES) {
            all[n++] = names->children[i].name;
        }
    }
    const char *hint =
        n > 0 ? ts_loader_hint(loader, word, all, n) : ts_loader_printf(loader, "the scenario has no %s", sort);
    ts_diags_add(loader->diags, TS_ERROR, at, hint, "unknown %s '%s'", sort, word);
    fail_at(value);
}

static const char *join_names(struct ts_loader *loader, const char *const *names, size_t n)
{
    struct ts_text text;
    ts_text_init(&text);
    for (size_t i = 0; i < n && i < MAX_SHOWN; i++) {
        ts_text_printf(&text, "%s'%s'", i > 0 ? ", " : "", names[i]);
    }
    ts_text_puts(&text, n > MAX_SHOWN ? " ..." : "");
    return ts_loader_keep(loader, &text);
}

/* The scenario's own row of that name, if that is what the word stands for, is of use. */
static void mark_own(struct ts_loader *loader, const char *sort, const char *word)
{
    const bool is_hardware = ts_str_equal(sort, "hardware"), is_model = ts_str_equal(sort, "model");
    const struct ts_hardware *hardware = is_hardware ? ts_catalog_hardware(&loader->catalog, word) : NULL;
    const struct ts_llm *llm = is_model ? ts_catalog_llm(&loader->catalog, word) : NULL;
    const char *own = hardware && hardware->own ? hardware->name : llm && llm->own ? llm->name : NULL;
    struct ts_value *section = ts_value_at(loader->root, is_hardware ? "hardware" : "models");
    for (size_t i = 0; own && i < section->n_children; i++) {
        struct ts_value *item = &section->children[i];
        item->used = item->used || ts_str_equal(item->name, own);
    }
}

static void warn_unused_rows(struct ts_loader *loader, const char *sort)
{
    struct ts_value *section = ts_value_at(loader->root, sort);
    for (size_t i = 0; i < section->n_children; i++) {
        const struct ts_value *item = &section->children[i];
        if (!item->used && !section->broken) {
            ts_loader_warning(loader, item, NULL, "'%s' has no effect here: no tier uses it", item->path);
        }
    }
}

static void check_catalog(struct ts_loader *loader, struct ts_value *value, const char *sort, const char *word)
{
    const char *names[MAX_SHOWN];
    if (ts_str_equal(sort, "hardware") && ts_str_equal(word, "this-machine")) {
        return;
    }
    size_t n = ts_catalog_matches(&loader->catalog, sort, word, names, MAX_SHOWN);
    if (n == 1) {
        mark_own(loader, sort, word);
        return;
    }
    if (n > 1) {
        ts_diags_add(loader->diags, TS_ERROR, value->at,
                     ts_loader_printf(loader, "write one of %s", join_names(loader, names, n)),
                     "'%s' matches several rows of the %s catalog", word, sort);
    } else {
        const char *near = ts_catalog_suggest(&loader->catalog, sort, word);
        const char *own = ts_str_equal(sort, "hardware") ? "; another's numbers go under hardware:"
                          : ts_str_equal(sort, "model")  ? "; another's config.json goes under models:"
                                                         : "";
        const char *hint = near ? ts_loader_printf(loader, "did you mean '%s'?", near)
                                : ts_loader_printf(loader, "'tiersim catalog' lists what is known%s", own);
        ts_diags_add(loader->diags, TS_ERROR, value->at, hint, "unknown %s '%s'", sort, word);
    }
    fail_at(value);
}

static void check_reference(struct ts_loader *loader, struct ts_value *value)
{
    if (!value->text || value->state == TS_VALUE_BROKEN || value->state == TS_VALUE_ABSENT) {
        return;
    }
    bool own = false;
    const struct ts_value *names = own_names(loader, value->key.extra, &own);
    if (own && ts_str_equal(value->text, "none") && ts_str_equal(ts_schema_last(value->key.doc->path), "replaces")) {
        value->choice = -1;
    } else if (own) {
        check_own(loader, value, value->at, value->key.extra, value->text, names, &value->choice);
    } else {
        check_catalog(loader, value, value->key.extra, value->text);
    }
}

/* thresholds: {laptop: -0.5}: the keys are names of tiers. */
static void check_keys(struct ts_loader *loader, struct ts_value *value)
{
    bool own = false;
    const struct ts_value *names = own_names(loader, value->key.extra, &own);
    for (size_t i = 0; own && i < value->n_children; i++) {
        struct ts_value *item = &value->children[i];
        check_own(loader, item, item->node->key_at, value->key.extra, item->name, names, &item->index);
    }
}

static void check(struct ts_loader *loader, struct ts_value *value)
{
    if (value->key.type == TS_KEY_REFERENCE) {
        check_reference(loader, value);
    }
    for (size_t i = 0; i < value->n_children; i++) {
        check(loader, &value->children[i]);
        value->broken = value->broken || value->children[i].broken;
    }
    if (value->key.type == TS_KEY_NAMES && value->key.extra) {
        check_keys(loader, value);
        for (size_t i = 0; i < value->n_children; i++) {
            value->broken = value->broken || value->children[i].broken;
        }
    }
}

void ts_references_check(struct ts_loader *loader)
{
    check(loader, loader->root);
    warn_unused_rows(loader, "hardware");
    warn_unused_rows(loader, "models");
}
