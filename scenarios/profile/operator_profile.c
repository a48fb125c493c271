/* Hides where the files of a profile are, and how the rows of attention.csv become a complete grid.
 *
 * The attention grid is what rows give and what they mean: without a chunk the past does not matter, without sequences
 * in decode their KV does not, and nothing at all takes no time. A point that is still empty lies on the line through
 * its two nearest neighbours along the first axis (KV, sequences, past, chunk) that has two: between them, or beyond.
 */
#include "scenarios/profile/operator_profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/names.h"
#include "base/sample.h"
#include "scenarios/profile/profile_parts.h"

enum { MAX_GRID = 1 << 22, META_MAX_BYTES = 1 << 20 };

static const struct ts_profile_columns token_columns = {.layers = true, .names = {"tokens"}};
static const struct ts_profile_columns sequence_columns = {.layers = true, .names = {"sequences"}};
static const struct ts_profile_columns attention_columns = {
    .names = {"prefill_chunk", "kv_prefill", "n_decode", "kv_decode"}};
static const struct ts_profile_columns linear_columns = {.layers = true, .names = {"prefill_tokens", "n_decode"}};
static const struct ts_profile_columns moe_columns = {.names = {"tokens", "activated_experts"}};
static const struct ts_profile_columns skew_columns = {
    .time = "t_skew_us", .repeats = true, .names = {"n", "pc", "t_mean_us", "t_max_us"}};

static const char *path_in(struct ts_loader *loader, const char *folder, const char *name)
{
    return ts_loader_printf(loader, "%s/%s", folder, name);
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
    const double *found = bsearch(&x, at, grid->n[axis], sizeof *at, ts_sample_compare);
    return found ? (size_t)(found - at) : 0;
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

static bool make_axes(struct ts_profile *p, struct grid *grid)
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
            return ts_profile_fail(p, table,
                                   axis == TS_ATTENTION_PAST ? "no row has a prompt chunk (prefill_chunk above 0)"
                                                             : "no row has sequences in decode (n_decode above 0)");
        }
        if (grid->n_all > MAX_GRID / n) {
            return ts_profile_fail(p, table, "its grid has more than four million points");
        }
        grid->ops->axes[axis].n = grid->n[axis] = n;
        grid->stride[axis] = grid->n_all;
        grid->n_all *= n;
    }
    return true;
}

/* Layers without attention, whose kernels know nothing of the past. */
static void add_linear(const struct ts_profile *p, struct grid *grid)
{
    for (size_t at = 0; p->linear.n > 0 && at < grid->n_all; at++) {
        const size_t chunk = at / grid->stride[TS_ATTENTION_CHUNK] % grid->n[TS_ATTENTION_CHUNK];
        const size_t decode = at / grid->stride[TS_ATTENTION_DECODE] % grid->n[TS_ATTENTION_DECODE];
        grid->s[at] += ts_profile_linear_s(p, grid->ops->axes[TS_ATTENTION_CHUNK].at[chunk],
                                           grid->ops->axes[TS_ATTENTION_DECODE].at[decode]);
    }
}

static bool make_grid(struct ts_profile *p)
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
        put_row(&grid, &p->attention.rows[i], ts_llm_attention_layers(p->ctx->llm));
    }
    put_row(&grid, &nothing, 0.0);
    p->out->n_filled = fill_empty(&grid);
    add_linear(p, &grid);
    p->out->operators->attention_s = grid.s;
    for (size_t i = 0; i < grid.n_all; i++) {
        if (!known(&grid, i)) {
            return ts_profile_fail(p, &p->attention,
                                   "too few rows: points of its grid have no two measured neighbours along any axis");
        }
    }
    return true;
}

/* ---- files ---- */

static bool has_tables(struct ts_loader *loader, const char *folder)
{
    return ts_file_exists(path_in(loader, folder, "dense.csv"));
}

/* Degrees of tensor parallelism that `folder` has tables for: "tp1, tp2"; "" if none. */
static const char *degrees_in(struct ts_loader *loader, const char *folder)
{
    struct ts_text text;
    ts_text_init(&text);
    for (unsigned n = 1; n <= 64; n++) {
        if (has_tables(loader, ts_loader_printf(loader, "%s/tp%u", folder, n))) {
            ts_text_printf(&text, "%stp%u", text.len > 0 ? ", " : "", n);
        }
    }
    return ts_loader_keep(loader, &text);
}

static void no_tables(struct ts_loader *loader, const struct ts_value *at, const char *folder, unsigned degree)
{
    static const char *const variants[] = {"bf16", "fp16", "fp8", "bf16-kvfp8", "fp8-kvfp8"};
    const char *degrees = degrees_in(loader, folder);
    if (degrees[0]) {
        ts_loader_error(loader, at, ts_loader_printf(loader, "accelerators that the profile has: %s", degrees),
                        "the profile in '%s' has no tables for %u accelerators that share a layer (tp%u)", folder,
                        degree, degree);
        return;
    }
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        const char *inner = ts_loader_printf(loader, "%s/%s", folder, variants[i]);
        if (has_tables(loader, inner) || degrees_in(loader, inner)[0]) {
            ts_loader_error(loader, at, ts_loader_printf(loader, "the tables are in %s", inner),
                            "no operator profile in '%s' itself", folder);
            return;
        }
    }
    ts_loader_error(loader, at,
                    ts_file_exists(path_in(loader, folder, "layers.csv"))
                        ? "layers.csv is from an older profiler, whose tables are not read; expected: dense.csv, "
                          "attention.csv, per_sequence.csv"
                        : "expected: dense.csv, attention.csv, per_sequence.csv",
                    "no operator profile in '%s' or in '%s/tp%u'", folder, folder, degree);
}

/* The folder itself is of another degree than the tier's. */
static void warn_other_degree(struct ts_loader *loader, const struct ts_value *at, const char *folder, unsigned degree)
{
    const char *base = ts_path_base(folder);
    char *end = NULL;
    const unsigned long is = strncmp(base, "tp", 2) == 0 ? strtoul(base + 2, &end, 10) : 0;
    if (is > 0 && *end == '\0' && is != degree) {
        ts_loader_warning(loader, at, "name the folder that has tp1, tp2 ... in it",
                          "the tables in '%s' are of %lu accelerators that share a layer, the tier's are %u", folder,
                          is, degree);
    }
}

/* `folder`, or the one in it for the number of accelerators that share a layer; one of the tables stands for its
 * folder. */
static const char *find_folder(struct ts_loader *loader, const struct ts_value *at, const char *folder, unsigned degree)
{
    const size_t len = strlen(folder);
    if (len > 4 && ts_str_equal(folder + len - 4, ".csv") && ts_file_exists(folder)) {
        char *dir = ts_path_dir(folder);
        folder = ts_loader_printf(loader, "%s", dir ? dir : "");
        free(dir);
    }
    for (size_t n = strlen(folder); n > 1 && folder[n - 1] == '/'; n--) {
        folder = ts_loader_printf(loader, "%.*s", (int)(n - 1), folder);
    }
    const char *inner = ts_loader_printf(loader, "%s/tp%u", folder, degree);
    if (has_tables(loader, folder)) {
        warn_other_degree(loader, at, folder, degree);
        return folder;
    }
    if (has_tables(loader, inner)) {
        return inner;
    }
    if (!ts_dir_exists(folder)) {
        ts_loader_error(loader, at, "a path is relative to the scenario's folder; --set KEY=FOLDER names another",
                        "there is no folder '%s'", folder);
    } else {
        no_tables(loader, at, folder, degree);
    }
    return NULL;
}

static const char *text_of(struct ts_loader *loader, const struct ts_node *map, const char *key)
{
    const struct ts_node *node = ts_yaml_tree_find(map, key);
    return node && node->kind == TS_NODE_SCALAR ? ts_loader_printf(loader, "%s", node->text) : "";
}

/* skew_profile: {enabled: false}: the sweep of unlike sequences was not part of the profile, whatever lies there. */
static bool is_off(const struct ts_node *root, const char *section)
{
    const struct ts_node *map = ts_yaml_tree_find(root, section);
    const struct ts_node *enabled = map && map->kind == TS_NODE_MAP ? ts_yaml_tree_find(map, "enabled") : NULL;
    return enabled && enabled->kind == TS_NODE_SCALAR && ts_str_equal(enabled->text, "false");
}

/* What the meta file says of the measurement. */
static void read_meta(struct ts_operator_profile *out, struct ts_loader *loader, const struct ts_value *at)
{
    static const char *const names[] = {"profile_meta.yaml", "meta.yaml", "../profile_meta.yaml", "../meta.yaml"};
    out->gpu = out->model = out->engine = out->variant = "";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *path = path_in(loader, out->folder, names[i]);
        struct ts_source source;
        struct ts_diags ignored;
        struct ts_node *root = NULL;
        ts_diags_init(&ignored);
        const bool there = ts_file_exists(path) && ts_source_read(&source, path, META_MAX_BYTES, &ignored) == TS_OK;
        if (there) {
            if (ts_yaml_tree_parse(&root, loader->arena, &source, 0, &ignored) != TS_OK) {
                ts_loader_warning(loader, at, "mend it, or take it away",
                                  "'%s' cannot be read as YAML: for which card and model the profile was measured, "
                                  "and whether its skew.csv counts, is not known",
                                  path);
            } else if (root) {
                out->gpu = text_of(loader, root, "gpu");
                out->model = text_of(loader, root, "model");
                out->engine = text_of(loader, root, "vllm_version");
                out->variant = text_of(loader, root, "variant");
                out->skew_is_off = is_off(root, "skew_profile") || is_off(root, "skew_fit");
            }
            ts_source_deinit(&source);
        }
        ts_diags_deinit(&ignored);
        if (there) {
            return;
        }
    }
}

static bool read_table(struct ts_profile *p, struct ts_profile_table *table, const char *name,
                       const struct ts_profile_columns *columns)
{
    const char *path = path_in(p->loader, p->out->folder, name);
    const enum ts_status status = ts_profile_table_read(table, p->loader, path, columns);
    if (status != TS_OK) {
        ts_loader_fail(p->loader, status);
        return false;
    }
    p->out->n_rows += table->n;
    return true;
}

/* A table that not every profile has. */
static bool read_if_there(struct ts_profile *p, struct ts_profile_table *table, const char *name,
                          const struct ts_profile_columns *columns)
{
    return !ts_file_exists(path_in(p->loader, p->out->folder, name)) || read_table(p, table, name, columns);
}

/* Has it a column time_us? Other files beside the tables (a recording's, say) are nobody's business. */
static bool is_table(struct ts_profile *p, const char *name)
{
    struct ts_csv_reader *csv;
    struct ts_diags ignored;
    ts_diags_init(&ignored);
    const char *path = path_in(p->loader, p->out->folder, name);
    const bool opened = ts_str_has_suffix(name, ".csv") && ts_csv_open(&csv, path, true, &ignored) == TS_OK;
    const bool is = opened && ts_csv_column(csv, "time_us") >= 0;
    if (opened) {
        ts_csv_close(csv);
    }
    ts_diags_deinit(&ignored);
    return is;
}

/* Tables that count for nothing here are named: a profile of another kind of model, or of a newer profiler. */
static bool name_unread(struct ts_profile *p)
{
    static const char *const read[] = {"dense.csv", "per_sequence.csv", "attention.csv", "moe.csv", "skew.csv"};
    struct ts_names names;
    const enum ts_status status = ts_names_of_folder(&names, p->out->folder, p->loader->diags);
    if (status != TS_OK) {
        ts_loader_fail(p->loader, status);
        return false;
    }
    for (size_t i = 0; i < names.n; i++) {
        const char *name = names.items[i];
        bool known = !is_table(p, name) || (ts_str_equal(name, "linear_attention.csv") && p->linear.n > 0);
        for (size_t k = 0; k < sizeof read / sizeof read[0]; k++) {
            known = known || ts_str_equal(name, read[k]);
        }
        if (!known) {
            ts_loader_warning(p->loader, p->at, NULL, "%s of the profile is not read%s: it takes no time", name,
                              ts_str_equal(name, "linear_attention.csv") ? ", as every layer of the model attends"
                                                                         : "");
        }
    }
    ts_names_deinit(&names);
    return true;
}

static bool read_tables(struct ts_profile *p)
{
    const bool has_linear = ts_profile_linear_layers(p) > 0;
    const bool own_moe = ts_file_exists(path_in(p->loader, p->out->folder, "moe.csv"));
    bool good = read_table(p, &p->dense, "dense.csv", &token_columns);
    good = read_if_there(p, &p->per_sequence, "per_sequence.csv", &sequence_columns) && good;
    good = read_table(p, &p->attention, "attention.csv", &attention_columns) && good;
    /* Experts are profiled on one accelerator alone. */
    good = read_if_there(p, &p->moe, own_moe ? "moe.csv" : "../tp1/moe.csv", &moe_columns) && good;
    good = (!has_linear || read_if_there(p, &p->linear, "linear_attention.csv", &linear_columns)) && good;
    good = (p->out->skew_is_off || read_if_there(p, &p->skew, "skew.csv", &skew_columns)) && good;
    return good && name_unread(p);
}

bool ts_operator_profile_find(struct ts_operator_profile *out, struct ts_loader *loader, const struct ts_value *at,
                              const char *folder, uint32_t tensor_parallel)
{
    *out = (struct ts_operator_profile){.folder = find_folder(loader, at, folder, tensor_parallel)};
    if (out->folder) {
        read_meta(out, loader, at);
    }
    return out->folder != NULL;
}

bool ts_operator_profile_read(struct ts_operator_profile *out, struct ts_loader *loader, const struct ts_value *at,
                              const char *folder, const struct ts_tier_context *ctx)
{
    if (!ts_operator_profile_find(out, loader, at, folder, ctx->tensor_parallel)) {
        return false;
    }
    out->operators = ts_loader_array(loader, 1, sizeof *out->operators);
    if (!out->operators) {
        return false;
    }
    *out->operators = (struct ts_steps_operators){.data_parallel = ctx->data_parallel};
    struct ts_profile p = {.out = out, .loader = loader, .at = at, .ctx = ctx};
    ts_text_init(&p.layers);
    const bool good = read_tables(&p) && ts_profile_curves(&p, out->operators) && make_grid(&p) &&
                      ts_profile_unlike(&p, out->operators);
    out->layers = ts_loader_keep(loader, &p.layers);
    out->n_unlike = p.skew.n;
    free(p.dense.rows);
    free(p.per_sequence.rows);
    free(p.attention.rows);
    free(p.linear.rows);
    free(p.moe.rows);
    free(p.skew.rows);
    return good && !loader->failed;
}
