/* Hides how sites come out of what is there: each class becomes one of every site, with its share, its clock, its links
 * and its rules, so that whatever is told by class is told by site. Worked: classes of 60 and 40 % at sites of 75 and
 * 25 %: 45, 15, 30 and 10 %. A site one hour ahead has at 8 o'clock of workload.start's clock what the curve says of 9,
 * and a rule from 8 to 18 holds there from 7 to 17 of that clock. */
#include <math.h>
#include <string.h>

#include "scenarios/language/loader.h"

enum { WEEK_H = 168 };

struct site {
    const char *name;
    double share, ahead_h;
    int links[TS_MAX_TIERS]; /* -1: none */
};

/* ---- what they are ---- */

static void resolve_site(struct ts_loader *loader, struct ts_value *value, struct site *site)
{
    struct ts_value *links = ts_value_at(value, "links");
    const char *name = ts_value_text(value, "name");
    site->name = name ? name : "";
    site->share = ts_value_number(value, "share");
    site->ahead_h = ts_value_number(value, "utc_offset");
    for (uint32_t t = 0; t < loader->model->n_tiers; t++) {
        site->links[t] = loader->model->tiers[t].link;
    }
    for (size_t i = 0; i < links->n_children; i++) {
        struct ts_value *link = &links->children[i];
        link->used = true;
        site->links[link->index] = link->choice;
    }
}

static bool has_hours(const struct ts_rule *rule)
{
    return rule->from_hour > 0.0 || rule->to_hour < 24.0;
}

static bool has_curve(const struct ts_process *process)
{
    bool varies = false;
    for (int h = 1; process->week_curve && h < WEEK_H; h++) {
        varies = varies || fabs(process->week_curve[h] - process->week_curve[0]) > 0.0;
    }
    return varies;
}

/* Are there hours in which devices of the tier are offline? */
static bool goes_offline(const struct ts_tier_model *tier)
{
    bool does = false;
    for (uint32_t k = 0; tier->kind == TS_TIER_DEVICE && k < ts_tier_n_pools(tier); k++) {
        does = does || ts_offline_is_told(&ts_device_of_kind(&tier->u.device, k)->offline);
    }
    return does;
}

/* Does it matter what time it is? */
static bool looks_at_clock(const struct ts_loader *loader)
{
    const struct ts_router_model *router = &loader->model->router;
    bool looks = has_curve(&loader->workload->process);
    for (size_t c = 0; c < loader->workload->n_classes; c++) {
        const struct ts_process *own = loader->workload->classes[c].process;
        looks = looks || (own && has_curve(own));
    }
    looks = looks && !loader->workload->is_closed;
    for (uint32_t i = 0; i < router->n_rules; i++) {
        looks = looks || has_hours(&router->rules[i]);
    }
    for (uint32_t i = 0; i < loader->model->n_tiers; i++) {
        looks = looks || goes_offline(&loader->model->tiers[i]);
    }
    return looks;
}

static struct site *resolve_all(struct ts_loader *loader, struct ts_value *sites)
{
    struct site *out = ts_loader_array(loader, sites->n_children, sizeof *out);
    double sum = 0.0;
    const bool by_clock = looks_at_clock(loader);
    for (size_t i = 0; out && i < sites->n_children; i++) {
        ts_value_counts_if(&sites->children[i], "utc_offset", by_clock,
                           "nothing depends on the hour: write a curve, rules with hours, or offline");
        resolve_site(loader, &sites->children[i], &out[i]);
        sum += out[i].share;
    }
    if (out && fabs(sum - 1.0) > 1e-6) {
        ts_loader_error(loader, sites, NULL, "the shares of the sites sum to %.4g %%, not to 100 %%", sum * 100.0);
        return NULL;
    }
    return out;
}

/* ---- classes ---- */

/* The week as a clock that is ahead sees it; between two hours, of both. */
static const struct ts_process *shift(struct ts_loader *loader, const struct ts_process *process, double ahead_h)
{
    struct ts_process *shifted = ts_loader_array(loader, 1, sizeof *shifted);
    double *week = ts_loader_array(loader, WEEK_H, sizeof *week);
    if (!shifted || !week) {
        return process;
    }
    *shifted = *process;
    if (process->week_curve) {
        const double whole_h = floor(ahead_h), part = ahead_h - whole_h;
        for (int h = 0; h < WEEK_H; h++) {
            const int from = (h + (int)whole_h + WEEK_H) % WEEK_H;
            week[h] = (1.0 - part) * process->week_curve[from] + part * process->week_curve[(from + 1) % WEEK_H];
        }
        shifted->week_curve = week;
    }
    return shifted;
}

static void multiply_classes(struct ts_loader *loader, const struct site *sites, size_t n_sites)
{
    struct ts_workload *workload = loader->workload;
    const size_t n = workload->n_classes * n_sites;
    struct ts_class_spec *classes = ts_loader_array(loader, n, sizeof *classes);
    const char **names = ts_loader_array(loader, n, sizeof *names);
    for (size_t i = 0; classes && names && i < n; i++) {
        const struct site *site = &sites[i % n_sites];
        classes[i] = workload->classes[i / n_sites];
        classes[i].name = names[i] = ts_loader_printf(loader, "%s@%s", classes[i].name, site->name);
        classes[i].share *= site->share;
        if (fabs(site->ahead_h) > 0.0) {
            classes[i].process =
                shift(loader, classes[i].process ? classes[i].process : &workload->process, site->ahead_h);
        }
    }
    if (classes && names) {
        workload->classes = classes;
        workload->n_classes = n;
        loader->model->class_names = names;
        loader->model->n_classes = (uint32_t)n;
    }
}

/* ---- what is said class by class ---- */

static void multiply_abilities(struct ts_loader *loader, size_t n, size_t n_sites)
{
    struct ts_model *model = loader->model;
    for (uint32_t t = 0; t < model->n_tiers; t++) {
        const double *of_class = model->tiers[t].class_ability;
        double *abilities = of_class ? ts_loader_array(loader, n, sizeof *abilities) : NULL;
        for (size_t i = 0; abilities && i < n; i++) {
            abilities[i] = of_class[i / n_sites];
        }
        model->tiers[t].class_ability = abilities;
    }
}

static void multiply_tables(struct ts_loader *loader, size_t n, size_t n_sites)
{
    const struct ts_quality_rows *of_class = loader->model->quality.tables;
    struct ts_quality_rows *tables = of_class ? ts_loader_array(loader, n, sizeof *tables) : NULL;
    for (size_t i = 0; tables && i < n; i++) {
        tables[i] = of_class[i / n_sites];
    }
    loader->model->quality.tables = tables;
}

static void multiply_links(struct ts_loader *loader, const struct site *sites, size_t n, size_t n_sites)
{
    int(*links)[TS_MAX_TIERS] = ts_loader_array(loader, n, sizeof *links);
    for (size_t i = 0; links && i < n; i++) {
        memcpy(links[i], sites[i % n_sites].links, sizeof links[i]);
    }
    loader->model->site_links = (const int(*)[TS_MAX_TIERS])links;
}

static void multiply_clocks(struct ts_loader *loader, const struct site *sites, size_t n, size_t n_sites)
{
    double *ahead_h = ts_loader_array(loader, n, sizeof *ahead_h);
    for (size_t i = 0; ahead_h && i < n; i++) {
        ahead_h[i] = sites[i % n_sites].ahead_h;
    }
    loader->model->class_ahead_h = ahead_h;
}

static double hour_of(double hour, double ahead_h)
{
    return fmod(hour - ahead_h + 48.0, 24.0);
}

/* That rule for the class of a site, by its clock. False: there are too many. */
static bool add_rule(struct ts_router_model *out, const struct ts_rule *rule, int class_id, double ahead_h)
{
    if (out->n_rules == TS_MAX_RULES) {
        return false;
    }
    struct ts_rule *added = &out->rules[out->n_rules++];
    *added = *rule;
    added->class_id = class_id;
    if (has_hours(rule)) {
        added->from_hour = hour_of(rule->from_hour, ahead_h);
        added->to_hour = hour_of(rule->to_hour, ahead_h);
    }
    return true;
}

static bool same_clock(const struct site *sites, size_t n_sites)
{
    bool same = true;
    for (size_t s = 0; s < n_sites; s++) {
        same = same && fabs(sites[s].ahead_h) <= 0.0;
    }
    return same;
}

static bool multiply_rule(struct ts_router_model *out, const struct ts_rule *rule, int of_site,
                          const struct site *sites, size_t n_sites, size_t n_classes)
{
    if (rule->class_id < 0 && of_site < 0 && (!has_hours(rule) || same_clock(sites, n_sites))) {
        return add_rule(out, rule, -1, 0.0);
    }
    bool fits = true;
    for (size_t i = 0; fits && i < n_classes * n_sites; i++) {
        const size_t s = i % n_sites;
        if ((rule->class_id < 0 || (size_t)rule->class_id == i / n_sites) && (of_site < 0 || (size_t)of_site == s)) {
            fits = add_rule(out, rule, (int)i, sites[s].ahead_h);
        }
    }
    return fits;
}

static void multiply_rules(struct ts_loader *loader, const struct site *sites, size_t n_sites, size_t n_classes)
{
    struct ts_value *rules = ts_value_at(loader->root, "routing.rules");
    struct ts_router_model *router = &loader->model->router;
    const struct ts_router_model before = *router;
    router->n_rules = 0;
    for (uint32_t i = 0; i < before.n_rules; i++) {
        const int of_site = ts_value_choice(&rules->children[i], "when.site");
        if (!multiply_rule(router, &before.rules[i], of_site, sites, n_sites, n_classes)) {
            ts_loader_error(loader, &rules->children[i], "write fewer rules, classes or sites",
                            "more than %d rules, counted once per class and site that each applies to", TS_MAX_RULES);
            return;
        }
    }
    for (size_t i = n_classes * n_sites; i-- > 0;) {
        router->static_tier[i] = before.static_tier[i / n_sites];
    }
}

void ts_resolve_sites(struct ts_loader *loader)
{
    struct ts_value *value = ts_value_at(loader->root, "sites");
    const size_t n_sites = value->n_children, n_classes = loader->workload->n_classes;
    if (n_sites == 0 || value->broken || loader->diags->n_errors > 0) {
        return;
    }
    if (loader->workload->trace_path) {
        ts_loader_error(loader, value, "leave sites out, or write a workload", "a trace has no sites");
        return;
    }
    if (n_classes * n_sites > TS_MAX_CLASSES) {
        ts_loader_error(loader, value, NULL, "%zu classes at %zu sites are more than %d", n_classes, n_sites,
                        TS_MAX_CLASSES);
        return;
    }
    const struct site *sites = resolve_all(loader, value);
    if (sites) {
        multiply_rules(loader, sites, n_sites, n_classes);
        multiply_classes(loader, sites, n_sites);
        multiply_abilities(loader, n_classes * n_sites, n_sites);
        multiply_tables(loader, n_classes * n_sites, n_sites);
        multiply_links(loader, sites, n_classes * n_sites, n_sites);
        multiply_clocks(loader, sites, n_classes * n_sites, n_sites);
    }
}
