/* Hides how `--set tiers.edge.replicas=4` finds its place: it changes the tree before it is bound, so that it is
 * checked by the same rows and complains in the same words as the file. Items of a list are found by name or by number:
 * workload.classes.chat.share, workload.classes.0.share. `--set tiers.edge.owned.capex=null` takes a key out, so that
 * its default holds. */
#include <stdlib.h>
#include <string.h>

#include "scenarios/language/loader.h"
#include "scenarios/language/yaml_tree.h"

enum { MAX_SEGMENTS = 16, MAX_CANDIDATES = 64 };

struct segment {
    const char *text;
    struct ts_span at;
};

struct walk {
    struct ts_loader *loader;
    const char *schema; /* path of the schema so far, "tiers.*" */
    const char *path;   /* as written so far, "tiers.edge" */
};

static enum ts_status split(struct ts_loader *loader, const struct ts_source *source, size_t len, struct segment *out,
                            size_t *n)
{
    *n = 0;
    for (size_t from = 0; from <= len;) {
        size_t to = from;
        while (to < len && !strchr(".[]", source->data[to])) {
            to++;
        }
        struct ts_span at = {source, NULL, 1, (uint32_t)from + 1, (uint32_t)(to > from ? to - from : 1)};
        if (to == from || *n == MAX_SEGMENTS) {
            return ts_fail(loader->diags, TS_ESCENARIO, at, "write for example --set tiers.edge.replicas=4",
                           "this is no key");
        }
        out[(*n)++] = (struct segment){ts_loader_printf(loader, "%.*s", (int)(to - from), source->data + from), at};
        from = to + 1;
        if (to < len && source->data[to] == ']') {
            from += from < len && source->data[from] == '.';
        }
        if (from == len && source->data[to] == ']') {
            break;
        }
    }
    return TS_OK;
}

static struct ts_node *new_map(struct ts_loader *loader, const struct segment *segment)
{
    struct ts_node *node = ts_loader_array(loader, 1, sizeof *node);
    if (node) {
        *node = (struct ts_node){
            .kind = TS_NODE_MAP, .text = "", .at = segment->at, .key = segment->text, .key_at = segment->at};
    }
    return node;
}

static void make_map(struct ts_node *node, struct ts_span at)
{
    node->kind = TS_NODE_MAP;
    node->text = "";
    node->first = node->last = NULL;
    node->n = 0;
    node->at = at;
}

static struct ts_node *unknown_item(struct walk *walk, const struct ts_node *node, const struct segment *segment)
{
    const char *names[MAX_CANDIDATES];
    size_t n = 0;
    for (const struct ts_node *member = node->first; member && n < MAX_CANDIDATES; member = member->next) {
        const struct ts_node *name = ts_yaml_tree_find(member, "name");
        const char *text = member->key ? member->key : name ? name->text : member->text;
        if (text[0]) {
            names[n++] = text;
        }
    }
    ts_diags_add(walk->loader->diags, TS_ERROR, segment->at,
                 n > 0 ? ts_loader_hint(walk->loader, segment->text, names, n) : NULL, "there is no '%s' in %s",
                 segment->text, walk->path);
    return NULL;
}

static struct ts_node *list_item(struct walk *walk, const struct ts_node *list, const struct segment *segment)
{
    uint64_t wanted = UINT64_MAX;
    ts_parse_u64(&wanted, segment->text, strlen(segment->text));
    uint64_t i = 0;
    for (struct ts_node *member = list->first; member; member = member->next, i++) {
        const struct ts_node *name = ts_yaml_tree_find(member, "name");
        const char *text = name ? name->text : member->text;
        if (i == wanted || ts_str_equal(text, segment->text)) {
            return member;
        }
    }
    return unknown_item(walk, list, segment);
}

/* The members of this section are names of the user's that hold sections: a new one cannot come from the command line.
 */
static bool fixed_names(const struct walk *walk)
{
    int row = *walk->schema ? ts_schema_find(walk->schema) : -1;
    return row >= 0 && ts_schema_key((size_t)row).type == TS_KEY_NAMES &&
           ts_schema_find(ts_loader_printf(walk->loader, "%s.*", walk->schema)) < 0;
}

static struct ts_node *map_member(struct walk *walk, struct ts_node *map, const struct segment *segment)
{
    struct ts_node *member = ts_yaml_tree_find(map, segment->text);
    if (member) {
        return member;
    }
    if (fixed_names(walk)) {
        return unknown_item(walk, map, segment);
    }
    member = new_map(walk->loader, segment);
    if (member) {
        ts_yaml_tree_append(map, member);
    }
    return member;
}

static void step_schema(struct walk *walk, const struct ts_node *node, const struct segment *segment)
{
    struct ts_loader *loader = walk->loader;
    int row = *walk->schema ? ts_schema_find(walk->schema) : -1;
    bool names = row >= 0 && ts_schema_key((size_t)row).type == TS_KEY_NAMES;
    if (node->kind == TS_NODE_LIST) {
        walk->schema = ts_loader_printf(loader, "%s[]", walk->schema);
    } else if (names) {
        walk->schema = ts_loader_printf(loader, "%s.*", walk->schema);
    } else {
        walk->schema = *walk->schema ? ts_loader_printf(loader, "%s.%s", walk->schema, segment->text) : segment->text;
    }
    walk->path = *walk->path ? ts_loader_printf(loader, "%s.%s", walk->path, segment->text) : segment->text;
}

/* A bare word on the way becomes the section that it stands for: an offer's name, or nothing of it remains (`steps:
 * roofline`). */
static void open_word(struct walk *walk, struct ts_node *node, const struct segment *segment)
{
    struct ts_node name = *node;
    make_map(node, segment->at);
    if (ts_schema_find(ts_loader_printf(walk->loader, "%s.name", walk->schema)) >= 0) {
        struct ts_node *member = ts_loader_array(walk->loader, 1, sizeof *member);
        if (member) {
            *member = name;
            member->next = NULL;
            member->key = "name";
            member->key_at = name.at;
            ts_yaml_tree_append(node, member);
        }
    }
}

/* way: [n + 1] from the root to the place. */
static struct ts_node *find_place(struct walk *walk, struct ts_node **way, const struct segment *segments, size_t n)
{
    struct ts_node *node = way[0];
    for (size_t i = 0; node && i < n; i++) {
        if (node->kind == TS_NODE_SCALAR) {
            open_word(walk, node, &segments[i]);
        }
        struct ts_node *next =
            node->kind == TS_NODE_LIST ? list_item(walk, node, &segments[i]) : map_member(walk, node, &segments[i]);
        step_schema(walk, node, &segments[i]);
        node = way[i + 1] = next;
    }
    return node;
}

/* Out with it, and with sections that are left empty by that. A key that the language has not stays, to be complained
 * about as in a file. */
static void unset(const struct walk *walk, struct ts_node **way, size_t n)
{
    if (way[n - 1]->kind == TS_NODE_MAP && ts_schema_find(walk->schema) < 0) {
        return;
    }
    do {
        ts_yaml_tree_remove(way[n - 1], way[n]);
        n--;
    } while (n > 0 && way[n]->n == 0);
}

static bool is_null(const struct ts_node *value)
{
    return value->kind == TS_NODE_SCALAR && !value->quoted &&
           (ts_str_equal(value->text, "null") || ts_str_equal(value->text, "~"));
}

/* What begins with > or | would be a text over several lines in YAML, which a --set is not: it is meant as it stands,
 * limits.attainment=>= 99 %. */
static struct ts_node *verbatim(struct ts_loader *loader, const struct ts_source *source, size_t from)
{
    from += strspn(source->data + from, " ");
    size_t to = source->len;
    while (to > from && source->data[to - 1] == ' ') {
        to--;
    }
    struct ts_node *node =
        source->data[from] == '>' || source->data[from] == '|' ? ts_loader_array(loader, 1, sizeof *node) : NULL;
    if (node) {
        *node = (struct ts_node){
            .kind = TS_NODE_SCALAR,
            .quoted = true,
            .text = ts_loader_printf(loader, "%.*s", (int)(to - from), source->data + from),
            .at = {source, NULL, 1, (uint32_t)from + 1, (uint32_t)(to - from)},
        };
    }
    return node;
}

enum ts_status ts_scenario_set(struct ts_loader *loader, struct ts_node *root, const struct ts_source *source)
{
    size_t len = strcspn(source->data, "=");
    if (source->data[len] != '=') {
        return ts_fail(loader->diags, TS_ESCENARIO, (struct ts_span){source, NULL, 1, 1, (uint32_t)(len ? len : 1)},
                       "write for example --set tiers.edge.replicas=4", "--set needs a key and a value");
    }
    struct segment segments[MAX_SEGMENTS];
    size_t n = 0;
    enum ts_status status = split(loader, source, len, segments, &n);
    struct ts_node *value = status == TS_OK ? verbatim(loader, source, len + 1) : NULL;
    if (status == TS_OK && !value) {
        status = ts_yaml_tree_parse(&value, loader->arena, source, len + 1, loader->diags);
    }
    if (status != TS_OK) {
        return status;
    }
    if (!value) {
        return ts_fail(loader->diags, TS_ESCENARIO, (struct ts_span){source, NULL, 1, (uint32_t)len + 1, 1}, NULL,
                       "a value is missing after '='");
    }
    struct walk walk = {loader, "", ""};
    struct ts_node *way[MAX_SEGMENTS + 1] = {root};
    struct ts_node *node = find_place(&walk, way, segments, n);
    if (!node) {
        return loader->failed ? loader->status : TS_ESCENARIO;
    }
    if (is_null(value)) {
        unset(&walk, way, n);
        return TS_OK;
    }
    struct ts_node old = *node;
    *node = *value;
    node->key = old.key;
    node->key_at = segments[n - 1].at;
    node->next = old.next;
    return TS_OK;
}
