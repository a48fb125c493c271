/* Hides the notation of randomness: {lognormal: {median: 35 ms, p95: 90 ms}} and its relatives are rows of a table. */
#include "scenarios/language/bind.h"

#include <math.h>
#include <string.h>

/* What a parameter is: of the key's unit (and range), a spread in the key's unit (>= 0), or a plain positive number. */
enum parameter_kind { PARAM_VALUE, PARAM_SPREAD, PARAM_RATIO };

struct parameter {
    const char *name;
    enum parameter_kind kind;
};

struct shape {
    const char *name;
    struct parameter parameters[2];
    size_t n;
    struct ts_dist (*make)(double a, double b);
};

static struct ts_dist make_exponential(double mean, double unused)
{
    (void)unused;
    return ts_dist_exponential(mean);
}

/* Several rows of one name are alternatives: the one whose parameters are written is taken. */
static const struct shape shapes[] = {
    {"lognormal", {{"median", PARAM_VALUE}, {"p95", PARAM_VALUE}}, 2, ts_dist_lognormal_median_p95},
    {"lognormal", {{"mean", PARAM_VALUE}, {"cv", PARAM_RATIO}}, 2, ts_dist_lognormal_mean_cv},
    {"normal", {{"mean", PARAM_VALUE}, {"sd", PARAM_SPREAD}}, 2, ts_dist_normal},
    {"gamma", {{"mean", PARAM_VALUE}, {"cv", PARAM_RATIO}}, 2, ts_dist_gamma_mean_cv},
    {"uniform", {{"low", PARAM_VALUE}, {"high", PARAM_VALUE}}, 2, ts_dist_uniform},
    {"exponential", {{"mean", PARAM_VALUE}}, 1, make_exponential},
    {"weibull", {{"shape", PARAM_RATIO}, {"scale", PARAM_VALUE}}, 2, ts_dist_weibull},
};

enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

static const char *const shape_names[] = {"lognormal",   "normal",  "gamma",     "uniform",
                                          "exponential", "weibull", "empirical", "quantiles"};

static bool names_shape(const char *word)
{
    bool found = false;
    for (size_t i = 0; i < N_SHAPES; i++) {
        found = found || ts_str_equal(shapes[i].name, word);
    }
    return found;
}

static const char *label_of(const struct ts_value *value)
{
    return value->is_item && value->name ? value->name : ts_schema_last(value->key.doc->path);
}

static bool bind_empirical(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const char *role = value->key.extra;
    const char *word = ts_bind_word(loader, node, "empirical", "a name");
    if (!word) {
        return false;
    }
    if (!role) {
        ts_bind_error(loader, node, NULL, "empirical distributions are of tokens: '%s' needs another one",
                      label_of(value));
        return false;
    }
    if (!ts_token_dist(&value->dist, word, ts_str_equal(role, "output"))) {
        const char *const *names = ts_token_dist_names();
        size_t n = 0;
        while (names[n]) {
            n++;
        }
        ts_bind_error(loader, node, ts_loader_hint(loader, word, names, n), "unknown empirical distribution '%s'",
                      word);
        return false;
    }
    return true;
}

/* The percentage that a key of quantiles stands for, as a share; -1: none. */
static double share_of(const char *key)
{
    double percent = -1.0;
    (void)ts_parse_double(&percent, key, strlen(key));
    return percent >= 0.0 && percent <= 100.0 ? percent / 100.0 : -1.0;
}

/* {quantiles: {0: 2, 50: 1020, 100: 14050}}: bare numbers, of tokens or of a share. */
static bool bind_quantiles(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const char *unit = value->key.doc->unit && ts_str_equal(value->key.doc->unit, "tok") ? NULL : value->key.doc->unit;
    double *q = ts_loader_array(loader, node->n + 1, sizeof *q), *x = ts_loader_array(loader, node->n + 1, sizeof *x);
    size_t n = 0;
    if (node->kind != TS_NODE_MAP || node->n < 2) {
        ts_bind_error(loader, node, "write {quantiles: {0: 2, 50: 1020, 100: 14050}}",
                      "quantiles: expected values by percentage");
        return false;
    }
    for (const struct ts_node *member = q && x ? node->first : NULL; member; member = member->next, n++) {
        q[n] = share_of(member->key);
        if (q[n] < 0.0 || (n > 0 && q[n] <= q[n - 1])) {
            ts_diags_add(loader->diags, TS_ERROR, member->key_at, "percentages rise from 0 to 100",
                         "quantiles: '%s' is not an increasing percentage from 0 to 100", member->key);
            return false;
        }
        if (!ts_bind_number(loader, member, "quantile", unit, value->key.min, value->key.max, &x[n])) {
            return false;
        }
        if (n > 0 && x[n] < x[n - 1]) {
            ts_bind_error(loader, member, NULL, "quantiles: a value below the one before it");
            return false;
        }
    }
    if (n < 2 || q[0] != 0.0 || q[n - 1] != 1.0) {
        ts_bind_error(loader, node, "write the smallest one as 0: and the largest as 100:",
                      "quantiles begin with 0 and end with 100");
        return false;
    }
    value->dist = ts_dist_empirical(q, x, n);
    return true;
}

static size_t n_written(const struct shape *shape, const struct ts_node *node)
{
    size_t n = 0;
    for (size_t i = 0; i < shape->n; i++) {
        n += ts_yaml_tree_find(node, shape->parameters[i].name) != NULL;
    }
    return n;
}

/* The alternative of which most is written. */
static const struct shape *pick_shape(const struct ts_node *node)
{
    const struct shape *best = NULL;
    size_t best_n = 0;
    for (size_t i = 0; i < N_SHAPES; i++) {
        if (!ts_str_equal(shapes[i].name, node->key)) {
            continue;
        }
        size_t n = n_written(&shapes[i], node);
        if (!best || n > best_n) {
            best = &shapes[i];
            best_n = n;
        }
    }
    return best;
}

static const char *usage(struct ts_loader *loader, const struct shape *shape)
{
    if (shape->n == 1) {
        return ts_loader_printf(loader, "write {%s: {%s: ...}}", shape->name, shape->parameters[0].name);
    }
    return ts_loader_printf(loader, "write {%s: {%s: ..., %s: ...}}", shape->name, shape->parameters[0].name,
                            shape->parameters[1].name);
}

static bool check_parameters(struct ts_loader *loader, const struct shape *shape, const struct ts_node *node)
{
    bool ok = true;
    for (const struct ts_node *member = node->first; member; member = member->next) {
        bool known = false;
        for (size_t i = 0; i < shape->n; i++) {
            known = known || ts_str_equal(shape->parameters[i].name, member->key);
        }
        if (!known) {
            ts_diags_add(loader->diags, TS_ERROR, member->key_at, usage(loader, shape), "%s: unknown parameter '%s'",
                         shape->name, member->key);
            ok = false;
        }
    }
    for (size_t i = 0; ok && i < shape->n; i++) {
        if (!ts_yaml_tree_find(node, shape->parameters[i].name)) {
            ts_diags_add(loader->diags, TS_ERROR, node->key_at, usage(loader, shape), "%s: '%s' is missing",
                         shape->name, shape->parameters[i].name);
            ok = false;
        }
    }
    return ok;
}

static bool bind_parameter(struct ts_loader *loader, struct ts_value *value, const char *shape,
                           const struct parameter *parameter, const struct ts_node *node, double *out)
{
    const struct ts_key *key = &value->key;
    if (parameter->kind == PARAM_VALUE && ts_bind_is_uncertain(node)) {
        const char *path = ts_loader_printf(loader, "%s.%s.%s", value->path, shape, parameter->name);
        return ts_bind_uncertain(loader, value, node, path, out);
    }
    switch (parameter->kind) {
    case PARAM_VALUE:
        return ts_bind_number(loader, node, parameter->name, key->doc->unit, key->min, key->max, out);
    case PARAM_SPREAD:
        return ts_bind_number(loader, node, parameter->name, key->doc->unit, 0.0, key->max, out);
    case PARAM_RATIO:
        return ts_bind_number(loader, node, parameter->name, NULL, 1e-6, 1000.0, out);
    }
    return false;
}

/* The parameters must fit each other, and a logarithm its argument. */
static const char *misfit(const struct shape *shape, const double *p)
{
    const char *first = shape->parameters[0].name;
    if (ts_str_equal(first, "median") && (p[0] <= 0.0 || p[1] < p[0])) {
        return p[0] <= 0.0 ? "the median of a lognormal is above 0" : "p95 is below the median";
    }
    if (ts_str_equal(first, "low") && p[1] < p[0]) {
        return "high is below low";
    }
    bool positive = ts_str_equal(shape->name, "lognormal") || ts_str_equal(shape->name, "gamma") ||
                    ts_str_equal(shape->name, "exponential");
    if (positive && p[0] <= 0.0) {
        return "its mean is above 0";
    }
    return ts_str_equal(shape->name, "weibull") && p[1] <= 0.0 ? "its scale is above 0" : NULL;
}

static bool bind_shape(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const struct shape *shape = pick_shape(node);
    if (node->kind != TS_NODE_MAP) {
        if (!node->bad) {
            ts_bind_error(loader, node, usage(loader, shape), "%s: expected parameters", shape->name);
        }
        return false;
    }
    if (!check_parameters(loader, shape, node)) {
        return false;
    }
    double p[2] = {0.0, 0.0};
    bool ok = true;
    for (size_t i = 0; i < shape->n; i++) {
        ok = bind_parameter(loader, value, shape->name, &shape->parameters[i],
                            ts_yaml_tree_find(node, shape->parameters[i].name), &p[i]) &&
             ok;
    }
    const char *why = ok ? misfit(shape, p) : NULL;
    if (why) {
        ts_diags_add(loader->diags, TS_ERROR, node->key_at, NULL, "%s: %s", shape->name, why);
        return false;
    }
    if (ok) {
        value->dist = shape->make(p[0], p[1]);
    }
    return ok;
}

static bool bind_map(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const struct ts_node *member = node->first;
    size_t n_names = sizeof shape_names / sizeof shape_names[0];
    if (!member || node->n != 1) {
        ts_bind_error(loader, node, "write for example {lognormal: {median: ..., p95: ...}}",
                      "%s: expected one distribution", label_of(value));
        return false;
    }
    if (ts_str_equal(member->key, "uncertain")) {
        const bool ok = ts_bind_uncertain(loader, value, node, value->path, &value->number);
        value->dist = ts_dist_constant(value->number);
        return ok;
    }
    if (ts_str_equal(member->key, "empirical")) {
        return bind_empirical(loader, value, member);
    }
    if (ts_str_equal(member->key, "quantiles")) {
        return bind_quantiles(loader, value, member);
    }
    if (!pick_shape(member)) {
        ts_diags_add(loader->diags, TS_ERROR, member->key_at, ts_loader_hint(loader, member->key, shape_names, n_names),
                     "unknown distribution '%s'", member->key);
        return false;
    }
    return bind_shape(loader, value, member);
}

bool ts_bind_distribution(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const struct ts_key *key = &value->key;
    bool ok = false;
    if (node->kind == TS_NODE_MAP) {
        ok = bind_map(loader, value, node);
    } else {
        ok = ts_bind_number(loader, node, label_of(value), key->doc->unit, key->min, key->max, &value->number);
        if (ok) {
            value->dist = ts_dist_constant(value->number);
        }
    }
    if (ok) {
        value->dist.min = key->min;
        value->dist.max = key->max;
    }
    return ok;
}

/* ---- one value that nobody knows ---- */

bool ts_bind_is_uncertain(const struct ts_node *node)
{
    const struct ts_node *first = node->kind == TS_NODE_MAP && node->n == 1 ? node->first : NULL;
    return first && (ts_str_equal(first->key, "uncertain") || names_shape(first->key));
}

static bool bind_doubted_shape(struct ts_loader *loader, struct ts_uncertain *out, const struct ts_value *value,
                               const struct ts_node *node)
{
    struct ts_value shaped = {.key = value->key, .path = value->path, .is_item = value->is_item, .name = value->name};
    struct ts_dist *dist = ts_loader_array(loader, 1, sizeof *dist);
    if (!dist || !bind_shape(loader, &shaped, node->first)) {
        return false;
    }
    *dist = shaped.dist;
    dist->min = value->key.min;
    dist->max = value->key.max;
    out->dist = dist;
    out->p10 = ts_uncertain_at(out, 0.1);
    out->p50 = ts_uncertain_at(out, 0.5);
    out->p90 = ts_uncertain_at(out, 0.9);
    return true;
}

bool ts_bind_uncertain(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node, const char *path,
                       double *out)
{
    struct ts_uncertain *input = ts_bind_input(loader, value, node, path);
    const struct ts_node *inner = ts_str_equal(node->first->key, "uncertain") ? node->first : node;
    if (!input) {
        return false;
    }
    if (inner->kind != TS_NODE_MAP) {
        ts_bind_error(loader, inner, "write {uncertain: {p10: ..., p90: ...}}", "uncertain: expected points");
        return false;
    }
    const bool is_shape = inner->n == 1 && names_shape(inner->first->key);
    if (is_shape ? !bind_doubted_shape(loader, input, value, inner) : !ts_bind_points(loader, input, inner)) {
        return false;
    }
    *out = ts_uncertain_at(input, 0.5);
    return true;
}

/* Gaps have mean 1: only their irregularity is written. */
static bool gaps_of(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    bool weibull = ts_str_equal(node->key, "weibull");
    const char *name = weibull ? "shape" : "cv";
    const struct ts_node *number = node->kind == TS_NODE_MAP && node->n == 1 ? ts_yaml_tree_find(node, name) : NULL;
    double p = 0.0;
    if (!number) {
        ts_diags_add(loader->diags, TS_ERROR, node->key_at,
                     ts_loader_printf(loader, "write {%s: {%s: %s}}", node->key, name, weibull ? "0.7" : "1.6"),
                     "%s: expected only '%s': the mean follows from the rate of calls", node->key, name);
        return false;
    }
    if (!ts_bind_number(loader, number, name, NULL, 0.01, 100.0, &p)) {
        return false;
    }
    value->dist = weibull                            ? ts_dist_weibull(p, 1.0 / tgamma(1.0 + 1.0 / p))
                  : ts_str_equal(node->key, "gamma") ? ts_dist_gamma_mean_cv(1.0, p)
                                                     : ts_dist_lognormal_mean_cv(1.0, p);
    return true;
}

bool ts_bind_gaps(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    static const char *const names[] = {"poisson", "regular", "gamma", "lognormal", "weibull"};
    const struct ts_node *member = node->kind == TS_NODE_MAP && node->n == 1 ? node->first : NULL;
    const char *word =
        member ? member->key : ts_bind_word(loader, node, label_of(value), "poisson, regular or {gamma: {cv: 1.6}}");
    if (!word) {
        return false;
    }
    if (!member && ts_str_equal(word, "poisson")) {
        value->dist = ts_dist_exponential(1.0);
        return true;
    }
    if (!member && ts_str_equal(word, "regular")) {
        value->dist = ts_dist_constant(1.0);
        return true;
    }
    if (member && (ts_str_equal(word, "gamma") || ts_str_equal(word, "lognormal") || ts_str_equal(word, "weibull"))) {
        return gaps_of(loader, value, member);
    }
    ts_diags_add(loader->diags, TS_ERROR, member ? member->key_at : node->at, ts_loader_hint(loader, word, names, 5),
                 "gaps: '%s' is not possible here", word);
    return false;
}

static bool week_of_weights(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    double *week = ts_loader_array(loader, TS_WEEK_HOURS, sizeof *week);
    double sum = 0.0;
    size_t i = 0;
    if (node->n != TS_WEEK_HOURS) {
        ts_bind_error(loader, node, NULL, "curve: a week has 168 weights, this has %zu", node->n);
        return false;
    }
    for (const struct ts_node *member = week ? node->first : NULL; member; member = member->next) {
        if (!ts_bind_number(loader, member, "weight", NULL, 0.0, 1e9, &week[i])) {
            return false;
        }
        sum += week[i++];
    }
    if (week && sum <= 0.0) {
        ts_bind_error(loader, node, NULL, "curve: all weights are 0");
        return false;
    }
    for (i = 0; week && i < TS_WEEK_HOURS; i++) {
        week[i] *= TS_WEEK_HOURS / sum;
    }
    value->curve = week;
    return week != NULL;
}

bool ts_bind_curve(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    if (node->kind == TS_NODE_LIST) {
        return week_of_weights(loader, value, node);
    }
    const char *word = ts_bind_word(loader, node, "curve", "a name or a list of 168 weights");
    if (!word) {
        return false;
    }
    value->text = word;
    value->curve = ts_week_curve(word);
    if (!value->curve) {
        const char *const *names = ts_week_curve_names();
        size_t n = 0;
        while (names[n]) {
            n++;
        }
        ts_bind_error(loader, node, ts_loader_hint(loader, word, names, n), "unknown curve '%s'", word);
    }
    return value->curve != NULL;
}

bool ts_bind_numbers(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const char *label = label_of(value);
    double *numbers = ts_loader_array(loader, node->n + 1, sizeof *numbers);
    if (node->kind != TS_NODE_LIST || node->n == 0) {
        ts_bind_error(loader, node, "write for example [1, 2, 3]", "%s: expected a list of numbers", label);
        return false;
    }
    for (const struct ts_node *member = numbers ? node->first : NULL; member; member = member->next) {
        if (!ts_bind_number(loader, member, label, NULL, value->key.min, value->key.max,
                            &numbers[value->n_numbers++])) {
            return false;
        }
    }
    value->curve = numbers;
    return numbers != NULL;
}
