/* Hides how hardware and models that a scenario writes itself join the catalogs: as rows like any other, so that every
 * reference finds them. A name of the catalog replaces that row. */
#include <string.h>
#include <strings.h>

#include "scenarios/catalog/own_model.h"
#include "scenarios/language/loader.h"

/* Accelerators on HBM are joined by NVLink 4 or the like. */
static const double nvlink_bytes_per_s = 450e9;

/* A copy of the catalog's rows with room for n more; NULL: out of memory. */
static void *grown(struct ts_loader *loader, const void *rows, size_t n_rows, size_t n, size_t row_size)
{
    void *all = ts_loader_array(loader, n_rows + n, row_size);
    if (all && n_rows > 0) {
        memcpy(all, rows, n_rows * row_size);
    }
    return all;
}

/* In place of the row of that name, or after the n rows; how many there are then. A row begins with its name. */
static size_t put_row(void *rows, size_t n, const void *row, size_t row_size)
{
    const char *name = *(const char *const *)row;
    size_t at = 0;
    while (at < n && strcasecmp(*(const char *const *)((char *)rows + at * row_size), name) != 0) {
        at++;
    }
    memcpy((char *)rows + at * row_size, row, row_size);
    return at == n ? n + 1 : n;
}

/* ---- hardware ---- */

static const char *own_source(struct ts_value *value)
{
    const char *source = ts_value_text(value, "source");
    return source && source[0] ? source : "no source given";
}

static struct ts_hardware hardware_row(struct ts_value *value)
{
    return (struct ts_hardware){
        .name = value->name,
        .class_name = "own",
        .fp16_tflops = ts_value_number(value, "compute") / 1e12,
        .int8_tops = ts_value_number(value, "compute_8bit") / 1e12,
        .memory_bytes = ts_value_number(value, "memory"),
        .bytes_per_s = ts_value_number(value, "bandwidth"),
        .tdp_w = ts_value_number(value, "power"),
        .idle_w = ts_value_number(value, "idle"),
        .list_price_usd = ts_value_number(value, "price"),
        .includes_host = ts_value_flag(value, "whole_machine"),
        .source = own_source(value),
        .notes = "",
        .confidence = "written in the scenario",
        .own = true,
        .broken = value->broken,
    };
}

static void add_hardware(struct ts_loader *loader)
{
    struct ts_value *section = ts_value_at(loader->root, "hardware");
    struct ts_catalog *catalog = &loader->catalog;
    const size_t n = section->n_children;
    if (n == 0) {
        return;
    }
    struct ts_hardware *rows = grown(loader, catalog->hardware, catalog->n_hardware, n, sizeof *rows);
    struct ts_chip *chips = grown(loader, catalog->chips, catalog->n_chips, n, sizeof *chips);
    if (!rows || !chips) {
        return;
    }
    size_t n_rows = catalog->n_hardware;
    size_t n_chips = catalog->n_chips;
    for (size_t i = 0; i < n; i++) {
        struct ts_value *value = &section->children[i];
        const struct ts_hardware row = hardware_row(value);
        const char *class = ts_value_text(value, "class");
        const bool hbm = class && ts_catalog_is_gpu(class) && !ts_str_equal(class, "gddr");
        const struct ts_chip chip = {.name = row.name,
                                     .class_name = class ? class : "",
                                     .link_bytes_per_s = hbm ? nvlink_bytes_per_s : 0.0,
                                     .source = row.source};
        n_rows = put_row(rows, n_rows, &row, sizeof row);
        n_chips = put_row(chips, n_chips, &chip, sizeof chip);
    }
    catalog->hardware = rows;
    catalog->n_hardware = n_rows;
    catalog->chips = chips;
    catalog->n_chips = n_chips;
}

/* ---- models ---- */

static void take_count(struct ts_value *value, const char *key, unsigned *at)
{
    if (ts_value_is_set(value, key)) {
        *at = ts_value_count(value, key);
    }
}

static void take_number(struct ts_value *value, const char *key, double *at)
{
    if (ts_value_is_set(value, key)) {
        *at = ts_value_number(value, key);
    }
}

/* What the scenario writes goes before what config.json says. */
static void take_written(struct ts_value *value, struct ts_own_model *model)
{
    struct ts_llm *llm = &model->llm;
    take_count(value, "layers", &llm->layers);
    take_count(value, "hidden", &llm->hidden);
    take_count(value, "ffn", &llm->ffn);
    take_count(value, "heads", &llm->heads);
    take_count(value, "kv_heads", &llm->kv_heads);
    take_count(value, "head_dim", &llm->head_dim);
    take_count(value, "vocab", &llm->vocab);
    take_count(value, "context", &llm->context);
    take_count(value, "experts", &llm->n_experts);
    take_count(value, "experts_per_token", &llm->top_k);
    take_count(value, "expert_ffn", &llm->moe_ffn);
    take_count(value, "shared_experts", &llm->shared_experts);
    take_count(value, "window", &llm->sliding_window);
    take_count(value, "window_layers", &model->window_layers);
    take_number(value, "parameters", &llm->params);
    take_number(value, "active_parameters", &llm->params_active);
    take_number(value, "kv_per_token", &llm->kv_bytes_per_tok);
    take_number(value, "state", &llm->state_bytes);
    if (ts_value_is_set(value, "tied")) {
        model->tied = ts_value_flag(value, "tied");
    }
}

/* False, with an error at the model, if its shape cannot be. */
static bool finish_model(struct ts_loader *loader, struct ts_value *value, struct ts_own_model *model)
{
    const char *missing = ts_own_model_missing(model);
    const char *wrong = missing ? NULL : ts_own_model_finish(model);
    if (missing) {
        ts_loader_error(loader, value,
                        "write it, or name a Hugging Face config.json under config:", "model '%s' needs '%s'",
                        value->name, missing);
    } else if (wrong) {
        ts_loader_error(loader, value, NULL, "model '%s': %s", value->name, wrong);
    }
    value->broken = value->broken || missing || wrong;
    return !missing && !wrong;
}

/* What a model of that shape, in config.json and as written, has no use for. */
static void settle_shape(struct ts_value *value, const struct ts_own_model *config)
{
    static const char *const of_experts[] = {"experts_per_token", "expert_ffn", "shared_experts"};
    const bool experts = config->llm.n_experts > 0 || ts_value_is_written(value, "experts");
    const bool expert_ffn = config->llm.moe_ffn > 0 || ts_value_is_written(value, "expert_ffn");
    const bool window = ts_value_is_written(value, "window_layers") ? ts_value_at(value, "window_layers")->number > 0.0
                                                                    : config->window_layers > 0;
    for (size_t i = 0; i < sizeof of_experts / sizeof of_experts[0]; i++) {
        ts_value_counts_if(value, of_experts[i], experts, "the model has no experts");
    }
    ts_value_counts_if(value, "active_parameters", experts || config->uncountable,
                       "the model has no experts: every token uses all weights");
    ts_value_counts_if(value, "ffn", !experts || !expert_ffn || config->config.n_dense > 0,
                       "expert_ffn is the width of all feed-forward parts");
    ts_value_counts_if(value, "window", window, "no layer is limited to it: write window_layers");
    ts_value_counts_if(value, "tied", config->uncountable || !ts_value_is_written(value, "parameters"),
                       "parameters says how many weights there are");
}

static bool model_row(struct ts_loader *loader, struct ts_value *value, struct ts_llm *row)
{
    if (value->broken) {
        return false;
    }
    struct ts_own_model model = {.llm = {.name = value->name, .source = own_source(value)}};
    const char *config = ts_value_text(value, "config");
    if (config) {
        const char *path = ts_loader_beside(loader, config);
        if (ts_own_model_read(&model, path, loader->diags) != TS_OK) {
            ts_loader_error(loader, ts_value_at(value, "config"), NULL, "the model's config cannot be used");
            value->broken = true;
            return false;
        }
        model.llm.source = path;
    }
    settle_shape(value, &model);
    take_written(value, &model);
    if (!finish_model(loader, value, &model)) {
        return false;
    }
    *row = model.llm;
    return true;
}

static void add_models(struct ts_loader *loader)
{
    struct ts_value *section = ts_value_at(loader->root, "models");
    struct ts_catalog *catalog = &loader->catalog;
    if (section->n_children == 0) {
        return;
    }
    struct ts_llm *rows = grown(loader, catalog->llms, catalog->n_llms, section->n_children, sizeof *rows);
    if (!rows) {
        return;
    }
    size_t n = catalog->n_llms;
    for (size_t i = 0; i < section->n_children; i++) {
        struct ts_llm row = {.name = section->children[i].name, .type = "", .source = "", .own = true};
        row.broken = !model_row(loader, &section->children[i], &row);
        n = put_row(rows, n, &row, sizeof row);
    }
    catalog->llms = rows;
    catalog->n_llms = n;
}

void ts_own_rows_add(struct ts_loader *loader)
{
    add_hardware(loader);
    if (!loader->failed) {
        add_models(loader);
    }
}
