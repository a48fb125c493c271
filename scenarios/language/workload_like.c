/* Hides how `workload: {like: ...}` takes what the scenario leaves out from another file's section or from a preset
 * that is built in: in the tree, before it is bound, so that all of it is checked by the same rows and mistakes are
 * told with their place in the file where they stand. */
#include <string.h>

#include "base/embed.h"
#include "base/file.h"
#include "scenarios/language/loader.h"
#include "scenarios/language/yaml_tree.h"

extern const struct ts_embedded_file ts_embedded_workloads[];

static size_t stem(const char *name)
{
    return strcspn(name, ".");
}

static const struct ts_embedded_file *find_preset(const char *word)
{
    for (const struct ts_embedded_file *file = ts_embedded_workloads; file->name; file++) {
        if (strlen(word) == stem(file->name) && memcmp(word, file->name, stem(file->name)) == 0) {
            return file;
        }
    }
    return NULL;
}

static enum ts_status read_source(struct ts_source *out, struct ts_loader *loader, const struct ts_node *like)
{
    const struct ts_embedded_file *preset = find_preset(like->text);
    if (preset) {
        return ts_source_from_text(out, ts_loader_printf(loader, "preset %s", like->text), preset->data, preset->len,
                                   loader->diags);
    }
    const char *path = ts_loader_beside(loader, like->text);
    if (ts_file_exists(path) || strpbrk(like->text, "./")) {
        return ts_source_read(out, path, TS_YAML_MAX_BYTES, loader->diags);
    }
    const char *names[TS_MAX_CLASSES];
    size_t n = 0;
    for (const struct ts_embedded_file *file = ts_embedded_workloads; file->name && n < TS_MAX_CLASSES; file++) {
        names[n++] = ts_loader_printf(loader, "%.*s", (int)stem(file->name), file->name);
    }
    ts_diags_add(loader->diags, TS_ERROR, like->at, ts_loader_hint(loader, like->text, names, n),
                 "like: there is no preset '%s', and no such file", like->text);
    return TS_ESCENARIO;
}

/* Users of a closed loop and a rate exclude each other: the scenario's word counts. */
static bool is_replaced(const struct ts_node *own, const char *key)
{
    const bool closed = ts_yaml_tree_find(own, "users") != NULL, open = ts_yaml_tree_find(own, "calls") != NULL;
    static const char *const of_rates[] = {"calls", "curve", "gaps", "rates", "bursts", "trend", "holidays", "tick"};
    for (size_t i = 0; closed && i < sizeof of_rates / sizeof of_rates[0]; i++) {
        if (ts_str_equal(key, of_rates[i])) {
            return true;
        }
    }
    return ts_yaml_tree_find(own, key) || (open && ts_str_equal(key, "users"));
}

static void take(struct ts_node *own, const struct ts_node *other)
{
    for (struct ts_node *member = other->first, *next; member; member = next) {
        next = member->next;
        if (!is_replaced(own, member->key)) {
            member->next = NULL;
            ts_yaml_tree_append(own, member);
        }
    }
}

enum ts_status ts_workload_like(struct ts_loader *loader, struct ts_node *root, struct ts_source *source, bool *read)
{
    struct ts_node *own = ts_yaml_tree_find(root, "workload");
    struct ts_node *like = ts_yaml_tree_find(own, "like");
    struct ts_node *tree = NULL;
    if (!like || like->kind != TS_NODE_SCALAR || !like->text[0]) {
        return TS_OK;
    }
    enum ts_status status = read_source(source, loader, like);
    if (status != TS_OK) {
        return status;
    }
    *read = true;
    status = ts_yaml_tree_parse(&tree, loader->arena, source, 0, loader->diags);
    const struct ts_node *other = ts_yaml_tree_find(tree, "workload");
    if (status == TS_OK && (!other || other->kind != TS_NODE_MAP)) {
        return ts_fail(loader->diags, TS_ESCENARIO, like->at, "name a file that `tiersim trace fit` wrote, or a preset",
                       "like: that file has no section 'workload'");
    }
    if (status == TS_OK && ts_yaml_tree_find(other, "like")) {
        return ts_fail(loader->diags, TS_ESCENARIO, ts_yaml_tree_find(other, "like")->at,
                       "write what it says into the file itself", "like: the other workload is like a third one");
    }
    if (status == TS_OK) {
        take(own, other);
    }
    return status;
}
