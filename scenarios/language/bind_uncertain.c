/* Hides the three points of {uncertain: {p10: .., p50: .., p90: ..}}, and where an input that nobody knows is kept. */
#include <math.h>
#include <string.h>

#include "base/file.h"
#include "scenarios/language/bind.h"

/* What is a choice and not a guess. */
static const char *const choices[] = {"seed", "replications", "money.horizon"};

static bool is_choice(struct ts_loader *loader, const struct ts_node *node, const char *path)
{
    for (size_t i = 0; i < sizeof choices / sizeof choices[0]; i++) {
        if (ts_str_equal(path, choices[i])) {
            ts_bind_error(loader, node, "write one value", "%s: this is a choice and cannot be uncertain", path);
            return true;
        }
    }
    return false;
}

struct ts_uncertain *ts_bind_input(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node,
                                   const char *path)
{
    const struct ts_key *key = &value->key;
    struct ts_uncertain_input *made = ts_loader_array(loader, 1, sizeof *made);
    if (!made || is_choice(loader, node, path)) {
        return NULL;
    }
    made->input = (struct ts_uncertain){
        .key = path,
        .unit = key->doc->unit,
        .min = key->min,
        .max = key->max,
        .is_whole = key->type == TS_KEY_INTEGER,
        .source = ts_loader_printf(loader, "%s:%u:%u", node->at.source ? ts_path_base(node->at.source->name) : "",
                                   (unsigned)node->at.line, (unsigned)node->at.col)};
    struct ts_uncertain_input **end = &value->uncertain;
    while (*end) {
        end = &(*end)->next;
    }
    *end = made;
    return &made->input;
}

bool ts_bind_points(struct ts_loader *loader, struct ts_uncertain *out, const struct ts_node *node)
{
    static const char *const names[] = {"p10", "p50", "p90"};
    double *const points[] = {&out->p10, &out->p50, &out->p90};
    const struct ts_node *found[3] = {NULL, NULL, NULL};
    bool ok = true;
    for (const struct ts_node *member = node->first; member; member = member->next) {
        const int i = ts_str_equal(member->key, "p10") ? 0 : ts_str_equal(member->key, "p50") ? 1 : 2;
        if (!ts_str_equal(member->key, names[i])) {
            ts_diags_add(loader->diags, TS_ERROR, member->key_at, "write {p10: ..., p50: ..., p90: ...}",
                         "uncertain: unknown point '%s'", member->key);
            return false;
        }
        found[i] = member;
        ok = ts_bind_number(loader, member, names[i], out->unit, out->min, out->max, points[i]) && ok;
    }
    if (!found[0] || !found[2]) {
        ts_diags_add(loader->diags, TS_ERROR, node->key_at, "write {p10: ..., p90: ...}", "uncertain: '%s' is missing",
                     found[0] ? "p90" : "p10");
        return false;
    }
    if (ok && !found[1]) { /* a lognormal distribution, where it can be one */
        out->p50 = out->p10 > 0.0 ? sqrt(out->p10 * out->p90) : 0.5 * (out->p10 + out->p90);
    }
    if (ok && !(out->p10 <= out->p50 && out->p50 <= out->p90 && out->p10 < out->p90)) {
        ts_diags_add(loader->diags, TS_ERROR, node->key_at, "1 value in 10 is below p10, half are below p50",
                     "uncertain: the points do not ascend");
        return false;
    }
    return ok;
}
