/* Hides that the reader of a profile is one of a scenario's loading: here the loader has no scenario, and the tier has
 * a model and its accelerators alone. */
#include "scenarios/profile/operator_steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "scenarios/profile/operator_profile.h"

enum { MOST_DEGREE = 64 };

struct outside {
    struct ts_scenario_options options;
    struct ts_loader loader;
    struct ts_value at;
    struct ts_diags own; /* where the caller wants none */
    size_t n_errors;     /* before */
};

static void begin(struct outside *o, struct ts_arena *arena, const char *path, struct ts_diags *diags)
{
    *o = (struct outside){.at = {.at = ts_span_file(path), .path = "operators"}};
    ts_diags_init(&o->own);
    o->loader = (struct ts_loader){
        .arena = arena, .diags = diags ? diags : &o->own, .options = &o->options, .path = path, .status = TS_OK};
    o->n_errors = o->loader.diags->n_errors;
}

static enum ts_status end(struct outside *o, bool good)
{
    enum ts_status status = o->loader.failed ? o->loader.status : good ? TS_OK : TS_EINPUT;
    ts_diags_deinit(&o->own);
    return status;
}

static bool is_table(const char *name)
{
    static const char *const tables[] = {"dense.csv", "attention.csv", "per_sequence.csv", "moe.csv", "skew.csv"};
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (ts_str_equal(name, tables[i])) {
            return true;
        }
    }
    return false;
}

bool ts_operator_profile_is(const char *path)
{
    if (ts_dir_exists(path)) {
        return true;
    }
    char *dir = is_table(ts_path_base(path)) ? ts_path_dir(path) : NULL;
    struct ts_text dense;
    ts_text_init(&dense);
    ts_text_printf(&dense, "%s/dense.csv", dir ? dir : "");
    const bool is = dir && !dense.failed && ts_file_exists(dense.data);
    ts_text_deinit(&dense);
    free(dir);
    return is;
}

/* N of a folder named tpN; 0: it is named otherwise. */
static uint32_t degree_of(const char *folder)
{
    const char *base = ts_path_base(folder);
    char *rest = NULL;
    const unsigned long n = strncmp(base, "tp", 2) == 0 ? strtoul(base + 2, &rest, 10) : 0;
    return n > 0 && n <= MOST_DEGREE && *rest == '\0' ? (uint32_t)n : 0;
}

/* The folder that a path stands for: its own, a table's, without a '/' at the end. */
static const char *folder_of(struct ts_loader *loader, const char *path)
{
    size_t n = strlen(path);
    if (!ts_dir_exists(path)) {
        char *dir = ts_path_dir(path);
        const char *folder = ts_loader_printf(loader, "%s", dir ? dir : path);
        free(dir);
        return folder;
    }
    while (n > 1 && path[n - 1] == '/') {
        n--;
    }
    return ts_loader_printf(loader, "%.*s", (int)n, path);
}

/* Which of tp1, tp2 ... in the folder is read: the first there is; others are told of. 1 if there is none. */
static uint32_t choose_degree(struct ts_loader *loader, const char *folder)
{
    uint32_t chosen = 0;
    if (ts_file_exists(ts_loader_printf(loader, "%s/dense.csv", folder))) {
        const uint32_t degree = degree_of(folder);
        return degree > 0 ? degree : 1;
    }
    for (uint32_t n = 1; n <= MOST_DEGREE; n++) {
        const char *inner = ts_loader_printf(loader, "%s/tp%u", folder, n);
        if (!ts_file_exists(ts_loader_printf(loader, "%s/dense.csv", inner))) {
            continue;
        }
        if (chosen > 0) {
            ts_diags_add(loader->diags, TS_NOTE, ts_span_file(folder), ts_loader_printf(loader, "name %s", inner),
                         "the tables of tp%u are taken; others are there too", chosen);
            return chosen;
        }
        chosen = n;
    }
    return chosen > 0 ? chosen : 1;
}

enum ts_status ts_operator_about_read(struct ts_operator_about *out, struct ts_arena *arena, const char *path,
                                      struct ts_diags *diags)
{
    struct outside o;
    struct ts_operator_profile profile;
    begin(&o, arena, path, diags);
    if (!ts_dir_exists(path) && !ts_file_exists(path)) {
        (void)end(&o, false);
        return ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "no such file or folder");
    }
    const char *folder = folder_of(&o.loader, path);
    const uint32_t degree = choose_degree(&o.loader, folder);
    const bool good = ts_operator_profile_find(&profile, &o.loader, &o.at, folder, degree);
    const enum ts_status status = end(&o, good);
    if (status == TS_OK) {
        *out = (struct ts_operator_about){.folder = profile.folder,
                                          .gpu = profile.gpu,
                                          .model = profile.model,
                                          .engine = profile.engine,
                                          .variant = profile.variant,
                                          .tensor_parallel = degree};
    }
    return status;
}

static double last_knot(const struct ts_steps_operators *ops, enum ts_attention_axis axis)
{
    return ops->axes[axis].at[ops->axes[axis].n - 1];
}

enum ts_status ts_operator_steps_read(struct ts_operator_steps *out, struct ts_arena *arena,
                                      const struct ts_operator_about *about, const struct ts_llm *llm,
                                      struct ts_diags *diags)
{
    struct outside o;
    struct ts_operator_profile profile;
    begin(&o, arena, about->folder, diags);
    const struct ts_tier_context ctx = {.llm = llm,
                                        .n_accelerators = about->tensor_parallel,
                                        .tensor_parallel = about->tensor_parallel,
                                        .pipeline_parallel = 1,
                                        .data_parallel = 1};
    const bool good = ts_operator_profile_read(&profile, &o.loader, &o.at, about->folder, &ctx);
    const enum ts_status status = end(&o, good);
    if (status != TS_OK) {
        return status;
    }
    const struct ts_steps_operators *ops = profile.operators;
    *out = (struct ts_operator_steps){
        .steps = {.kind = TS_STEPS_OPERATORS, .origin = TS_ORIGIN_MEASURED, .source = "", .u.operators = ops},
        .layers = profile.layers,
        .n_rows = profile.n_rows,
        .n_filled = profile.n_filled,
        .n_unlike = profile.n_unlike,
        .most_tok = ops->per_tok_s.n > 0 ? ops->per_tok_s.x[ops->per_tok_s.n - 1] : 0.0,
        .most_seqs = last_knot(ops, TS_ATTENTION_DECODE),
        .most_past_tok = last_knot(ops, TS_ATTENTION_PAST),
        .most_depth_tok = last_knot(ops, TS_ATTENTION_KV),
    };
    return TS_OK;
}
