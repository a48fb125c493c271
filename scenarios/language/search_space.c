/* Hides how another file's section `search` takes the place of the scenario's: in the tree, before it is bound, so that
 * it is checked by the same rows and mistakes are told with their place in the file where they stand. */
#include "scenarios/language/loader.h"
#include "scenarios/language/yaml_tree.h"

enum ts_status ts_search_space(struct ts_loader *loader, struct ts_node *root, struct ts_source *source, bool *read)
{
    const char *path = loader->options->space_path;
    struct ts_node *tree = NULL;
    if (!path || loader->options->is_point) {
        return TS_OK;
    }
    enum ts_status status = ts_source_read(source, path, TS_YAML_MAX_BYTES, loader->diags);
    if (status != TS_OK) {
        return status;
    }
    *read = true;
    status = ts_yaml_tree_parse(&tree, loader->arena, source, 0, loader->diags);
    struct ts_node *search = ts_yaml_tree_find(tree, "search");
    if (status == TS_OK && !search) {
        return ts_fail(loader->diags, TS_ESCENARIO, tree ? tree->at : ts_span_file(path),
                       "write search: {axes: [{key: tiers.edge.replicas, values: '1:8:1'}]}",
                       "this file has no section 'search'");
    }
    if (status == TS_OK) {
        struct ts_node *own = ts_yaml_tree_find(root, "search");
        if (own) {
            ts_yaml_tree_remove(root, own);
        }
        ts_yaml_tree_remove(tree, search);
        ts_yaml_tree_append(root, search);
    }
    return status;
}
