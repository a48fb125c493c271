/* Hides the walk over tree and schema side by side: sections, lists and names here, single values in bind_scalar.c and
 * bind_dist.c. A key that the schema does not know, one of another kind of tier, and one that is missing are found
 * here. */
#include "scenarios/language/bind.h"

#include <string.h>

#include "base/check.h"

enum { MAX_ROWS_OF_SECTION = 64, MAX_NAME = 64 };

struct place {
    const char *schema; /* "tiers.*" */
    const char *path;   /* "tiers.edge" */
    unsigned kinds;     /* of the tier that we are in; 0: none or unknown */
};

static void bind_key(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node,
                     const struct place *place);

static const char *join(struct ts_loader *loader, const char *prefix, const char *name)
{
    const size_t n = strlen(prefix), n_name = strlen(name);
    char *path = n > 0 ? ts_loader_array(loader, n + 1 + n_name + 1, 1) : NULL; /* zeroed */
    if (!path) {
        return name;
    }
    memcpy(path, prefix, n);
    path[n] = '.';
    memcpy(path + n + 1, name, n_name);
    return path;
}

static const char *where(struct ts_loader *loader, const char *path)
{
    return *path ? ts_loader_printf(loader, "in %s", path) : "at the top of the file";
}

static bool applies(const struct ts_key *key, unsigned kinds)
{
    return key->kinds == 0 || kinds == 0 || (key->kinds & kinds);
}

/* ---- keys that should not be there ---- */

static void unknown_key(struct ts_loader *loader, const struct ts_node *node, const struct place *place,
                        const size_t *rows, size_t n)
{
    const char *names[MAX_ROWS_OF_SECTION];
    size_t n_names = 0;
    for (size_t i = 0; i < n; i++) {
        struct ts_key key = ts_schema_key(rows[i]);
        const char *last = ts_schema_last(key.doc->path);
        if (applies(&key, place->kinds) && (n_names == 0 || !ts_str_equal(names[n_names - 1], last))) {
            names[n_names++] = last;
        }
    }
    const char *advice = ts_schema_advice(place->schema, node->key);
    ts_diags_add(loader->diags, TS_ERROR, node->key_at,
                 advice ? advice : ts_loader_hint(loader, node->key, names, n_names), "unknown key '%s' %s", node->key,
                 where(loader, place->path));
}

static void stray_key(struct ts_loader *loader, const struct ts_node *node, const struct place *place,
                      const size_t *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        struct ts_key key = ts_schema_key(rows[i]);
        if (ts_str_equal(ts_schema_last(key.doc->path), node->key)) {
            static const char *const names[] = {
                [TS_FOR_DEVICE] = "a device", [TS_FOR_SERVER] = "a server", [TS_FOR_API] = "an api"};
            ts_diags_add(loader->diags, TS_ERROR, node->key_at, ts_schema_advice(place->schema, node->key),
                         "'%s' is a key of tiers of kind %s, but '%s' is %s", node->key, key.doc->applies,
                         ts_schema_last(place->path), names[place->kinds]);
            return;
        }
    }
    unknown_key(loader, node, place, rows, n);
}

static bool is_bound(const struct ts_value *value, const char *key)
{
    for (size_t i = 0; i < value->n_children; i++) {
        if (ts_str_equal(ts_schema_last(value->children[i].key.doc->path), key)) {
            return true;
        }
    }
    return false;
}

/* ---- sections ---- */

/* The kind of a tier decides which keys it has. */
static unsigned kind_of_tier(const char *schema, const struct ts_node *node)
{
    const struct ts_node *kind = ts_str_equal(schema, "tiers.*") ? ts_yaml_tree_find(node, "kind") : NULL;
    const struct ts_choice *choices = ts_schema_key((size_t)ts_schema_find("tiers.*.kind")).doc->choices;
    const struct ts_choice *choice =
        kind && kind->kind == TS_NODE_SCALAR ? ts_schema_choice(choices, kind->text) : NULL;
    return choice ? 1U << choice->value : 0;
}

/* Is the missing key there with a slip of the pen? The unknown key's own error, with its "did you mean", then says it
 * all. */
static bool is_misspelt(struct ts_loader *loader, const struct ts_node *section, const struct place *place,
                        const char *key)
{
    for (const struct ts_node *member = section && section->kind == TS_NODE_MAP ? section->first : NULL; member;
         member = member->next) {
        if (ts_suggest(member->key, &key, 1) && ts_schema_find(join(loader, place->schema, member->key)) < 0) {
            return true;
        }
    }
    return false;
}

static void missing_key(struct ts_loader *loader, struct ts_value *value, const struct ts_node *section,
                        const struct place *place)
{
    const char *last = ts_schema_last(value->key.doc->path);
    value->state = TS_VALUE_BROKEN;
    value->broken = true;
    if (is_misspelt(loader, section, place, last)) {
        return;
    }
    ts_diags_add(loader->diags, TS_ERROR, value->at, ts_loader_printf(loader, "%s: %s", last, value->key.doc->doc),
                 "'%s' is missing %s", last, where(loader, place->path));
}

/* Is anything below that must be written? */
static bool has_required(const char *schema, unsigned kinds)
{
    size_t rows[MAX_ROWS_OF_SECTION];
    size_t n = ts_schema_children(schema, rows, MAX_ROWS_OF_SECTION);
    for (size_t i = 0; i < n; i++) {
        struct ts_key key = ts_schema_key(rows[i]);
        if (key.doc->required && applies(&key, kinds)) {
            return true;
        }
    }
    return false;
}

static size_t rows_of(const struct place *place, size_t *rows, size_t n, size_t *taken)
{
    size_t n_taken = 0;
    for (size_t i = 0; i < n; i++) {
        struct ts_key key = ts_schema_key(rows[i]);
        bool twin = n_taken > 0 && ts_str_equal(ts_schema_key(taken[n_taken - 1]).doc->path, key.doc->path);
        if (applies(&key, place->kinds) && !twin) {
            taken[n_taken++] = rows[i];
        }
    }
    return n_taken;
}

static void bind_section(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node,
                         const struct place *place)
{
    size_t all[MAX_ROWS_OF_SECTION];
    size_t rows[MAX_ROWS_OF_SECTION];
    size_t n_all = ts_schema_children(place->schema, all, MAX_ROWS_OF_SECTION);
    size_t n = rows_of(place, all, n_all, rows);
    value->children = ts_loader_array(loader, n, sizeof *value->children);
    value->n_children = value->children ? n : 0;
    for (size_t i = 0; i < value->n_children; i++) {
        struct ts_value *child = &value->children[i];
        child->key = ts_schema_key(rows[i]);
        const char *last = ts_schema_last(child->key.doc->path);
        child->path = join(loader, place->path, last);
        child->at = value->at;
        const struct ts_node *written = ts_yaml_tree_find(node, last);
        if (!written && child->key.doc->required && (child->key.kinds == 0 || place->kinds != 0)) {
            missing_key(loader, child, node, place);
        } else {
            bind_key(loader, child, written, place);
        }
        value->broken = value->broken || child->broken;
    }
    for (const struct ts_node *member = node && node->kind == TS_NODE_MAP ? node->first : NULL; member;
         member = member->next) {
        if (!is_bound(value, member->key)) {
            stray_key(loader, member, place, all, n_all);
            value->broken = true;
        }
    }
}

/* A bare word where a section may stand: `steps: roofline`, an offer's name. It becomes {word: {}} or {name: word}. */
static const struct ts_node *unfold(struct ts_loader *loader, const struct ts_node *node, const char *key, bool as_key)
{
    struct ts_node *map = ts_loader_array(loader, 1, sizeof *map);
    struct ts_node *member = ts_loader_array(loader, 1, sizeof *member);
    if (!map || !member) {
        return NULL;
    }
    *map = (struct ts_node){.kind = TS_NODE_MAP, .text = "", .at = node->at};
    *member = *node;
    member->next = NULL;
    member->key = key;
    member->key_at = node->at;
    if (as_key) {
        member->kind = TS_NODE_MAP;
    }
    ts_yaml_tree_append(map, member);
    return map;
}

static bool wrong_shape(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node, const char *due)
{
    if (!node->bad) {
        const char *label = value->is_item ? value->name : ts_schema_last(value->key.doc->path);
        bool empty = node->kind == TS_NODE_SCALAR && !node->text[0] && !node->quoted;
        struct ts_span at = empty && node->key ? node->key_at : node->at;
        ts_diags_add(loader->diags, TS_ERROR, at, NULL, "%s: expected %s%s", label, due,
                     empty ? ", but nothing is written" : "");
    }
    value->state = TS_VALUE_BROKEN;
    value->broken = true;
    return false;
}

static void bind_section_key(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node,
                             const struct place *below)
{
    if (!node) {
        if (!has_required(below->schema, below->kinds)) {
            bind_section(loader, value, NULL, below);
        }
        return;
    }
    if (node->kind == TS_NODE_SCALAR && value->key.extra && ts_str_equal(node->text, value->key.extra)) {
        node = unfold(loader, node, value->key.extra, true);
    }
    if (!node || node->kind != TS_NODE_MAP) {
        if (node) {
            wrong_shape(loader, value, node,
                        value->key.extra ? ts_loader_printf(loader, "%s or a section with keys", value->key.extra)
                                         : "a section with keys");
        }
        return;
    }
    bind_section(loader, value, node, below);
}

/* ---- items ---- */

#define NAME_BYTES "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

/* Names of tiers and links stand in paths and file names; those of catalog rows are free text. */
static void check_name(struct ts_loader *loader, struct ts_value *value, const struct ts_node *member)
{
    const char *name = member->key;
    const bool row = value->key.extra && ts_str_equal(value->key.extra, "row");
    if (value->key.extra && ts_str_equal(value->key.extra, "column")) {
        return; /* a file's columns have any name */
    }
    const size_t n = strlen(name);
    if (n == 0 || n > MAX_NAME || strspn(name, row ? NAME_BYTES " .+/()" : NAME_BYTES) != n) {
        ts_diags_add(loader->diags, TS_ERROR, member->key_at, NULL,
                     "'%s' is not a name: letters, digits, %s only, at most %d", name,
                     row ? "spaces and -_.+/()" : "- and _", MAX_NAME);
    } else if (ts_str_equal(name, "all") || ts_str_equal(name, "nowhere") || ts_str_equal(name, "this-machine")) {
        ts_diags_add(loader->diags, TS_ERROR, member->key_at, "choose another name",
                     row ? "'%s' is a reserved word" : "'%s' is reserved in the reports", name);
    } else {
        return;
    }
    value->broken = true;
}

static void bind_item(struct ts_loader *loader, struct ts_value *list, struct ts_value *item,
                      const struct ts_node *node, const struct place *below)
{
    item->is_item = true;
    item->node = node;
    item->state = TS_VALUE_WRITTEN;
    item->at = node->key ? node->key_at : node->at;
    int leaf = ts_schema_find(below->schema);
    if (leaf >= 0) {
        item->key = ts_schema_key((size_t)leaf);
        item->at = node->at;
        item->path = below->path;
        bind_key(loader, item, node, below);
        return;
    }
    item->key = list->key;
    item->key.type = TS_KEY_SECTION;
    item->path = below->path;
    if (node->kind != TS_NODE_MAP) {
        wrong_shape(loader, item, node, "a section with keys");
        return;
    }
    bind_section(loader, item, node, below);
}

static void bind_names(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    if (node->kind != TS_NODE_MAP) {
        wrong_shape(loader, value, node, "a section with names");
        return;
    }
    value->children = ts_loader_array(loader, node->n, sizeof *value->children);
    for (const struct ts_node *member = value->children ? node->first : NULL; member; member = member->next) {
        struct ts_value *item = &value->children[value->n_children++];
        item->name = member->key;
        struct place below = {ts_loader_printf(loader, "%s.*", value->key.doc->path),
                              join(loader, value->path, member->key), 0};
        check_name(loader, value, member);
        below.kinds = kind_of_tier(below.schema, member);
        bind_item(loader, value, item, member, &below);
        value->broken = value->broken || item->broken;
    }
}

static const char *item_name(struct ts_loader *loader, const struct ts_node *node, size_t index)
{
    const struct ts_node *name = ts_yaml_tree_find(node, "name");
    return name && name->kind == TS_NODE_SCALAR && name->text[0] ? name->text : ts_loader_printf(loader, "%zu", index);
}

static void bind_list(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node,
                      const struct place *place)
{
    struct place below = {ts_loader_printf(loader, "%s[]", value->key.doc->path), "", place->kinds};
    bool named = ts_schema_find(ts_loader_printf(loader, "%s.name", below.schema)) >= 0;
    bool alone = named && node->kind == TS_NODE_SCALAR && node->text[0];
    if (node->kind != TS_NODE_LIST && !alone) {
        wrong_shape(loader, value, node, "a list");
        return;
    }
    value->children = ts_loader_array(loader, alone ? 1 : node->n, sizeof *value->children);
    const struct ts_node *first = alone ? node : node->first;
    for (const struct ts_node *member = value->children ? first : NULL; member; member = alone ? NULL : member->next) {
        struct ts_value *item = &value->children[value->n_children];
        const struct ts_node *shaped = member;
        if (named && member->kind == TS_NODE_SCALAR && member->text[0] && !member->bad) {
            shaped = unfold(loader, member, "name", false);
        }
        if (!shaped) {
            return;
        }
        item->name = item_name(loader, shaped, value->n_children);
        value->n_children++;
        below.path = join(loader, value->path, item->name);
        bind_item(loader, value, item, shaped, &below);
        value->broken = value->broken || item->broken;
    }
}

/* [a, b], or a alone. */
static void bind_references(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const struct ts_node *first = node->kind == TS_NODE_LIST ? node->first : node;
    if (node->kind == TS_NODE_MAP) {
        wrong_shape(loader, value, node, "a list of names");
        return;
    }
    value->children = ts_loader_array(loader, node->kind == TS_NODE_LIST ? node->n : 1, sizeof *value->children);
    for (const struct ts_node *member = value->children ? first : NULL; member;
         member = node->kind == TS_NODE_LIST ? member->next : NULL) {
        struct ts_value *item = &value->children[value->n_children++];
        item->key = value->key;
        item->key.type = TS_KEY_REFERENCE;
        item->is_item = true;
        item->node = member;
        item->at = member->at;
        item->state = TS_VALUE_WRITTEN;
        item->path = value->path;
        item->text = ts_bind_word(loader, member, ts_schema_last(value->key.doc->path), "a name");
        item->name = item->text ? item->text : "";
        if (!item->text) {
            item->state = TS_VALUE_BROKEN;
            item->broken = value->broken = true;
        }
    }
}

/* ---- one key ---- */

static bool bind_leaf(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const enum ts_key_type type = value->key.type;
    const bool is_number = type == TS_KEY_QUANTITY || type == TS_KEY_NUMBER || type == TS_KEY_INTEGER;
    if (is_number && ts_bind_is_uncertain(node)) {
        return ts_bind_uncertain(loader, value, node, value->path, &value->number);
    }
    switch (value->key.type) {
    case TS_KEY_DISTRIBUTION:
        return ts_bind_distribution(loader, value, node);
    case TS_KEY_GAPS:
        return ts_bind_gaps(loader, value, node);
    case TS_KEY_CURVE:
        return ts_bind_curve(loader, value, node);
    case TS_KEY_NUMBERS:
        return ts_bind_numbers(loader, value, node);
    case TS_KEY_QUANTITY:
    case TS_KEY_NUMBER:
    case TS_KEY_INTEGER:
    case TS_KEY_TEXT:
    case TS_KEY_CHOICE:
    case TS_KEY_BOOLEAN:
    case TS_KEY_REFERENCE:
    case TS_KEY_BOUND:
    case TS_KEY_WEEKTIME:
    case TS_KEY_HOUR:
    case TS_KEY_MOMENT:
        return ts_bind_scalar(loader, value, node);
    case TS_KEY_SECTION:
    case TS_KEY_NAMES:
    case TS_KEY_LIST:
    case TS_KEY_REFERENCES:
    case TS_N_KEY_TYPES:
        break;
    }
    return false;
}

/* Defaults are written in the same language and read by the same code; a test binds every one of them. */
static const struct ts_node *default_node(struct ts_loader *loader, const struct ts_value *value)
{
    struct ts_source source;
    struct ts_node *node = NULL;
    const char *text = value->key.doc->dflt;
    enum ts_status status = ts_source_from_text(&source, "default", text, strlen(text), loader->diags);
    if (status == TS_OK) {
        status = ts_yaml_tree_parse(&node, loader->arena, &source, 0, loader->diags);
        ts_source_deinit(&source);
    }
    if (status != TS_OK) {
        ts_loader_fail(loader, status);
        return NULL;
    }
    node->at = ts_span_none();
    return node;
}

static const char *shown(struct ts_loader *loader, const struct ts_value *value, const struct ts_node *node)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_yaml_tree_show(&text, node);
    if (value->key.type == TS_KEY_INTEGER && value->key.doc->unit && text.len > 0 && text.data[text.len - 1] <= '9') {
        ts_text_printf(&text, " %s", value->key.doc->unit);
    }
    return ts_loader_keep(loader, &text);
}

static void bind_leaf_key(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    enum ts_value_state state = node ? TS_VALUE_WRITTEN : TS_VALUE_DEFAULT;
    if (!node) {
        node = value->key.doc->dflt ? default_node(loader, value) : NULL;
        if (!node) {
            return;
        }
    }
    value->state = state;
    if (!bind_leaf(loader, value, node)) {
        value->state = TS_VALUE_BROKEN;
        value->broken = true;
        return;
    }
    value->shown = shown(loader, value, node);
}

static void bind_key(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node,
                     const struct place *place)
{
    if (node) {
        value->node = node;
        value->at = node->at;
        value->state = TS_VALUE_WRITTEN;
        if (node->bad) {
            value->state = TS_VALUE_BROKEN;
            value->broken = true;
            return;
        }
    }
    struct place below = {value->key.doc->path, value->path, place->kinds};
    switch (value->key.type) {
    case TS_KEY_SECTION:
        if (node && node->key) {
            value->at = node->key_at;
        }
        bind_section_key(loader, value, node, &below);
        return;
    case TS_KEY_NAMES:
    case TS_KEY_LIST:
    case TS_KEY_REFERENCES:
        if (!node) {
            return;
        }
        value->at = node->key ? node->key_at : node->at;
        if (value->key.type == TS_KEY_NAMES) {
            bind_names(loader, value, node);
        } else if (value->key.type == TS_KEY_LIST) {
            bind_list(loader, value, node, place);
        } else {
            bind_references(loader, value, node);
        }
        return;
    default:
        bind_leaf_key(loader, value, node);
    }
}

void ts_bind(struct ts_loader *loader, const struct ts_node *root)
{
    struct ts_value *value = ts_loader_array(loader, 1, sizeof *value);
    if (!value) {
        return;
    }
    value->key.type = TS_KEY_SECTION;
    value->key.doc = NULL;
    value->path = "";
    value->state = TS_VALUE_WRITTEN;
    value->at = ts_span_file(loader->path);
    loader->root = value;
    struct place top = {"", "", 0};
    bind_section(loader, value, root, &top);
}
