/* Hides how the tables of a profile become curves and a complete grid.
 *
 * All operators over a step's tokens are one curve, the sum over operators of (times in a step) x (its table): a sum of
 * piecewise linear functions has its knots where any of them has one. A mixture of experts computes the expected number
 * of experts that B tokens touch, E (1 - (1 - k/E)^B); its table is read there, at every number of tokens that it has.
 *
 * The attention grid is what rows give and what they mean: without a chunk the past does not matter, without sequences
 * in decode their KV does not, and nothing at all takes no time. A point that is still empty lies on the line through
 * its two nearest neighbours along the first axis (KV, sequences, past, chunk) that has two: between them, or beyond.
 */
#include "scenarios/operator_profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "scenarios/profile_table.h"

enum { MAX_GRID = 1 << 22, META_MAX_BYTES = 1 << 20 };

static const char *const attention_columns[] = {"prefill_chunk", "kv_prefill", "n_decode", "kv_decode", NULL};
static const char *const token_columns[] = {"tokens", NULL};
static const char *const sequence_columns[] = {"sequences", NULL};
static const char *const moe_columns[] = {"tokens", "activated_experts", NULL};

/* What is being made, and of what. */
struct profile {
    struct ts_operator_profile *out;
    struct ts_loader *loader;
    const struct ts_tier_context *ctx;
    struct ts_profile_table dense, per_sequence, attention, moe;
    struct ts_text layers;
};

static const char *path_in(struct ts_loader *loader, const char *folder, const char *name)
{
    return ts_loader_printf(loader, "%s/%s", folder, name);
}

static bool fail(struct profile *p, const struct ts_profile_table *table, const char *message)
{
    ts_loader_fail(p->loader, ts_fail(p->loader->diags, TS_EINPUT, ts_span_file(table->path), NULL, "%s", message));
    return false;
}

/* ---- curves ---- */

static double times_in_step(const char *layer, double n_layers)
{
    if (ts_str_equal(layer, "embedding") || ts_str_equal(layer, "final_layernorm")) {
        return 1.0;
    }
    return ts_str_equal(layer, "layernorm") ? 2.0 * n_layers : n_layers;
}

/* Adds `times` x the rows [first, end) to a curve over its knots. */
static void add_to_curve(double *y, const double *knots, size_t n, const struct ts_profile_table *table, size_t first,
                         size_t end, double times)
{
    size_t low = first;
    for (size_t i = 0; i < n; i++) {
        while (low + 2 < end && table->rows[low + 1].x[0] <= knots[i]) {
            low++;
        }
        const struct ts_profile_row *a = &table->rows[low];
        double value = a->seconds;
        if (low + 1 < end && knots[i] > a->x[0]) {
            const struct ts_profile_row *b = a + 1;
            value += (b->seconds - a->seconds) * (knots[i] - a->x[0]) / (b->x[0] - a->x[0]);
        }
        y[i] += times * value;
    }
}

static bool sum_layers(struct profile *p, struct ts_curve *out, const struct ts_profile_table *table, double n_layers)
{
    size_t n = 0;
    const double *knots = ts_profile_axis(&n, p->loader, table, 0, -1, false);
    double *y = ts_loader_array(p->loader, n, sizeof *y);
    if (!knots || !y) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        y[i] = 0.0;
    }
    for (size_t first = 0, end = 0; first < table->n; first = end) {
        const uint32_t layer = table->rows[first].layer;
        while (end < table->n && table->rows[end].layer == layer) {
            end++;
        }
        const double times = n_layers > 0.0 ? times_in_step(table->layers[layer], n_layers) : 1.0;
        add_to_curve(y, knots, n, table, first, end, times);
        ts_text_printf(&p->layers, "%s%s x %g", p->layers.len > 0 ? ", " : "", table->layers[layer], times);
    }
    *out = (struct ts_curve){.x = knots, .y = y, .n = n};
    return true;
}

/* ---- mixture of experts ---- */

/* The rows [first, end) of one number of tokens, read at a number of experts. */
static double at_experts(const struct ts_profile_table *table, size_t first, size_t end, double experts)
{
    size_t low = first;
    while (low + 2 < end && table->rows[low + 1].x[1] <= experts) {
        low++;
    }
    const struct ts_profile_row *a = &table->rows[low];
    if (low + 1 >= end || experts <= a->x[1]) {
        return a->seconds;
    }
    const struct ts_profile_row *b = a + 1;
    return fmax(0.0, a->seconds + (b->seconds - a->seconds) * (experts - a->x[1]) / (b->x[1] - a->x[1]));
}

/* Puts the experts' block on top of the curve over tokens: new knots where either has one. */
static bool add_experts(struct profile *p, struct ts_curve *curve)
{
    const struct ts_profile_table *moe = &p->moe;
    const double n_experts = p->ctx->llm->n_experts;
    const double top_k = p->ctx->llm->top_k;
    if (!(n_experts > 0.0 && top_k > 0.0)) {
        return fail(p, moe, "a table of experts, but the tier's model is no mixture of experts");
    }
    double *x = ts_loader_array(p->loader, curve->n + moe->n, sizeof *x);
    double *y = ts_loader_array(p->loader, curve->n + moe->n, sizeof *y);
    struct ts_profile_table block = {.rows = malloc(moe->n * sizeof *block.rows)};
    if (!x || !y || !block.rows) {
        free(block.rows);
        ts_loader_fail(p->loader, TS_ENOMEM);
        return false;
    }
    for (size_t first = 0, end = 0; first < moe->n; first = end) {
        const double tokens = moe->rows[first].x[0];
        while (end < moe->n && moe->rows[end].x[0] == tokens) {
            end++;
        }
        const double touched = n_experts * (1.0 - pow(1.0 - top_k / n_experts, tokens));
        block.rows[block.n++] = (struct ts_profile_row){.x = {tokens}, .seconds = at_experts(moe, first, end, touched)};
    }
    size_t n = 0;
    for (size_t i = 0, j = 0; i < curve->n || j < block.n; n++) {
        const bool from_curve = j == block.n || (i < curve->n && curve->x[i] <= block.rows[j].x[0]);
        x[n] = from_curve ? curve->x[i] : block.rows[j].x[0];
        i += i < curve->n && curve->x[i] == x[n];
        j += j < block.n && block.rows[j].x[0] == x[n];
    }
    struct ts_profile_table plain = {.rows = malloc(curve->n * sizeof *plain.rows), .n = curve->n};
    if (plain.rows) {
        for (size_t i = 0; i < curve->n; i++) {
            plain.rows[i] = (struct ts_profile_row){.x = {curve->x[i]}, .seconds = curve->y[i]};
        }
        for (size_t i = 0; i < n; i++) {
            y[i] = 0.0;
        }
        add_to_curve(y, x, n, &plain, 0, plain.n, 1.0);
        add_to_curve(y, x, n, &block, 0, block.n, p->ctx->llm->layers);
        *curve = (struct ts_curve){.x = x, .y = y, .n = n};
        ts_text_printf(&p->layers, ", experts x %u", p->ctx->llm->layers);
    } else {
        ts_loader_fail(p->loader, TS_ENOMEM);
    }
    free(block.rows);
    free(plain.rows);
    return !p->loader->failed;
}

/* ---- attention ---- */

struct grid {
    struct ts_steps_operators *ops;
    size_t n[TS_N_ATTENTION_AXES];
    size_t stride[TS_N_ATTENTION_AXES];
    size_t n_all;
    double *s; /* NaN: empty */
};

static size_t index_on(const struct grid *grid, int axis, double x)
{
    const double *at = grid->ops->axes[axis].at;
    size_t low = 0;
    size_t high = grid->n[axis];
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (at[middle] <= x) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* A row stands at one point, or along a whole axis that does not matter for it. */
static void put_row(struct grid *grid, const struct ts_profile_row *row, double n_layers)
{
    const bool no_chunk = row->x[TS_ATTENTION_CHUNK] == 0.0;
    const bool no_decode = row->x[TS_ATTENTION_DECODE] == 0.0;
    const size_t chunk = index_on(grid, TS_ATTENTION_CHUNK, row->x[TS_ATTENTION_CHUNK]);
    const size_t decode = index_on(grid, TS_ATTENTION_DECODE, row->x[TS_ATTENTION_DECODE]);
    const size_t past = no_chunk ? 0 : index_on(grid, TS_ATTENTION_PAST, row->x[TS_ATTENTION_PAST]);
    const size_t kv = no_decode ? 0 : index_on(grid, TS_ATTENTION_KV, row->x[TS_ATTENTION_KV]);
    const size_t n_past = no_chunk ? grid->n[TS_ATTENTION_PAST] : past + 1;
    const size_t n_kv = no_decode ? grid->n[TS_ATTENTION_KV] : kv + 1;
    for (size_t i = past; i < n_past; i++) {
        for (size_t j = kv; j < n_kv; j++) {
            grid->s[chunk * grid->stride[TS_ATTENTION_CHUNK] + i * grid->stride[TS_ATTENTION_PAST] +
                    decode * grid->stride[TS_ATTENTION_DECODE] + j] = row->seconds * n_layers;
        }
    }
}

static bool known(const struct grid *grid, size_t at)
{
    return !isnan(grid->s[at]);
}

/* The empty point `at` from its nearest neighbours along one axis; false: there are no two. */
static bool fill_along(struct grid *grid, size_t at, int axis)
{
    const size_t stride = grid->stride[axis];
    const size_t i = at / stride % grid->n[axis];
    const size_t begin = at - i * stride;
    size_t found[2];
    size_t n_found = 0;
    for (size_t d = 1; d < grid->n[axis] && n_found < 2; d++) {
        if (d <= i && known(grid, begin + (i - d) * stride)) {
            found[n_found++] = i - d;
        }
        if (n_found < 2 && i + d < grid->n[axis] && known(grid, begin + (i + d) * stride)) {
            found[n_found++] = i + d;
        }
    }
    if (n_found < 2) {
        return false;
    }
    const double *x = grid->ops->axes[axis].at;
    const double a = grid->s[begin + found[0] * stride];
    const double b = grid->s[begin + found[1] * stride];
    grid->s[at] = fmax(0.0, a + (b - a) * (x[i] - x[found[0]]) / (x[found[1]] - x[found[0]]));
    return true;
}

/* How many points were empty; all are full afterwards if any row was there. */
static size_t fill_empty(struct grid *grid)
{
    static const int order[] = {TS_ATTENTION_KV, TS_ATTENTION_DECODE, TS_ATTENTION_PAST, TS_ATTENTION_CHUNK};
    size_t n_filled = 0;
    bool any = true;
    while (any) {
        any = false;
        for (size_t at = 0; at < grid->n_all; at++) {
            for (size_t k = 0; k < sizeof order / sizeof order[0] && !known(grid, at); k++) {
                if (fill_along(grid, at, order[k])) {
                    n_filled++;
                    any = true;
                }
            }
        }
    }
    return n_filled;
}

static bool make_axes(struct profile *p, struct grid *grid)
{
    const struct ts_profile_table *table = &p->attention;
    static const struct {
        int where;
        bool zero;
    } rule[TS_N_ATTENTION_AXES] = {[TS_ATTENTION_CHUNK] = {-1, true},
                                   [TS_ATTENTION_PAST] = {TS_ATTENTION_CHUNK, false},
                                   [TS_ATTENTION_DECODE] = {-1, true},
                                   [TS_ATTENTION_KV] = {TS_ATTENTION_DECODE, false}};
    grid->n_all = 1;
    for (int axis = TS_N_ATTENTION_AXES - 1; axis >= 0; axis--) {
        size_t n = 0;
        grid->ops->axes[axis].at = ts_profile_axis(&n, p->loader, table, axis, rule[axis].where, rule[axis].zero);
        if (!grid->ops->axes[axis].at) {
            return false;
        }
        if (n == 0) {
            return fail(p, table,
                        axis == TS_ATTENTION_PAST ? "no row has a prompt chunk (prefill_chunk above 0)"
                                                  : "no row has sequences in decode (n_decode above 0)");
        }
        if (grid->n_all > MAX_GRID / n) {
            return fail(p, table, "its grid has more than four million points");
        }
        grid->ops->axes[axis].n = grid->n[axis] = n;
        grid->stride[axis] = grid->n_all;
        grid->n_all *= n;
    }
    return true;
}

static bool make_grid(struct profile *p)
{
    struct grid grid = {.ops = p->out->operators};
    if (!make_axes(p, &grid)) {
        return false;
    }
    grid.s = ts_loader_array(p->loader, grid.n_all, sizeof *grid.s);
    if (!grid.s) {
        return false;
    }
    for (size_t i = 0; i < grid.n_all; i++) {
        grid.s[i] = NAN;
    }
    const struct ts_profile_row nothing = {.seconds = 0.0};
    for (size_t i = 0; i < p->attention.n; i++) {
        put_row(&grid, &p->attention.rows[i], p->ctx->llm->layers);
    }
    put_row(&grid, &nothing, 0.0);
    p->out->n_filled = fill_empty(&grid);
    p->out->operators->attention_s = grid.s;
    for (size_t i = 0; i < grid.n_all; i++) {
        if (!known(&grid, i)) {
            return fail(p, &p->attention,
                        "too few rows: points of its grid have no two measured neighbours along any axis");
        }
    }
    return true;
}

/* ---- files ---- */

/* `folder`, or the one in it for the number of accelerators. */
static const char *find_folder(struct ts_loader *loader, const struct ts_value *at, const char *folder,
                               unsigned n_accelerators)
{
    const char *inner = ts_loader_printf(loader, "%s/tp%u", folder, n_accelerators);
    if (ts_file_exists(path_in(loader, folder, "dense.csv"))) {
        return folder;
    }
    if (ts_file_exists(path_in(loader, inner, "dense.csv"))) {
        return inner;
    }
    if (!ts_dir_exists(folder)) {
        ts_loader_error(loader, at, "a path is relative to the scenario's folder; --set KEY=FOLDER names another",
                        "there is no folder '%s'", folder);
    } else {
        ts_loader_error(loader, at, "expected: dense.csv, attention.csv, per_sequence.csv",
                        "no operator profile in '%s' or in '%s'", folder, inner);
    }
    return NULL;
}

static const char *text_of(struct ts_loader *loader, const struct ts_node *map, const char *key)
{
    const struct ts_node *node = ts_yaml_tree_find(map, key);
    return node && node->kind == TS_NODE_SCALAR ? ts_loader_printf(loader, "%s", node->text) : "";
}

/* What the meta file says of the measurement; one that cannot be read says nothing. */
static void read_meta(struct ts_operator_profile *out, struct ts_loader *loader)
{
    static const char *const names[] = {"profile_meta.yaml", "meta.yaml", "../profile_meta.yaml", "../meta.yaml"};
    out->gpu = out->model = out->engine = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *path = path_in(loader, out->folder, names[i]);
        struct ts_source source;
        struct ts_diags ignored;
        struct ts_node *root = NULL;
        ts_diags_init(&ignored);
        const bool there = ts_file_exists(path) && ts_source_read(&source, path, META_MAX_BYTES, &ignored) == TS_OK;
        if (there) {
            if (ts_yaml_tree_parse(&root, loader->arena, &source, 0, &ignored) == TS_OK && root) {
                out->gpu = text_of(loader, root, "gpu");
                out->model = text_of(loader, root, "model");
                out->engine = text_of(loader, root, "vllm_version");
            }
            ts_source_deinit(&source);
        }
        ts_diags_deinit(&ignored);
        if (there) {
            return;
        }
    }
}

static bool read_table(struct profile *p, struct ts_profile_table *table, const char *name, bool has_layers,
                       const char *const *columns)
{
    const char *path = path_in(p->loader, p->out->folder, name);
    const enum ts_status status = ts_profile_table_read(table, p->loader, path, has_layers, columns);
    if (status != TS_OK) {
        ts_loader_fail(p->loader, status);
        return false;
    }
    p->out->n_rows += table->n;
    return true;
}

static bool read_tables(struct profile *p)
{
    bool good = read_table(p, &p->dense, "dense.csv", true, token_columns);
    good = read_table(p, &p->per_sequence, "per_sequence.csv", true, sequence_columns) && good;
    good = read_table(p, &p->attention, "attention.csv", false, attention_columns) && good;
    if (ts_file_exists(path_in(p->loader, p->out->folder, "moe.csv"))) {
        good = read_table(p, &p->moe, "moe.csv", false, moe_columns) && good;
    }
    return good;
}

static bool make_operators(struct profile *p)
{
    struct ts_steps_operators *ops = p->out->operators;
    bool good = sum_layers(p, &ops->per_tok_s, &p->dense, p->ctx->llm->layers);
    good = good && (p->moe.n == 0 || add_experts(p, &ops->per_tok_s));
    return good && sum_layers(p, &ops->per_seq_s, &p->per_sequence, 0.0) && make_grid(p);
}

bool ts_operator_profile_read(struct ts_operator_profile *out, struct ts_loader *loader, const struct ts_value *at,
                              const char *folder, const struct ts_tier_context *ctx)
{
    *out = (struct ts_operator_profile){.folder = find_folder(loader, at, folder, ctx->n_accelerators),
                                        .operators = ts_loader_array(loader, 1, sizeof *out->operators)};
    if (!out->folder || !out->operators) {
        return false;
    }
    *out->operators = (struct ts_steps_operators){.fixed_s = 0.0};
    read_meta(out, loader);
    struct profile p = {.out = out, .loader = loader, .ctx = ctx};
    ts_text_init(&p.layers);
    const bool good = read_tables(&p) && make_operators(&p);
    out->layers = ts_loader_keep(loader, &p.layers);
    free(p.dense.rows);
    free(p.per_sequence.rows);
    free(p.attention.rows);
    free(p.moe.rows);
    return good && !loader->failed;
}
