/* tiersim catalog [KIND [NAME]]: the built-in facts, with their sources; for named hardware also what was published
 * about it beside what the fitted roofline says. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "app/command.h"
#include "app/published_table.h"
#include "reports/table.h"
#include "scenarios/catalog.h"

static bool wanted(const char *name, const char *filter)
{
    if (!filter) {
        return true;
    }
    size_t n = strlen(filter);
    for (const char *p = name; *p; p++) {
        if (strncasecmp(p, filter, n) == 0) {
            return true;
        }
    }
    return false;
}

static void columns(struct ts_table *table, const char *const *headers)
{
    for (size_t i = 0; headers[i]; i++) {
        bool text = i == 0 || headers[i + 1] == NULL;
        ts_table_column(table, headers[i], !text);
    }
}

static double or_nan(double value)
{
    return value > 0.0 ? value : (double)NAN;
}

static struct ts_table *hardware(const struct ts_catalog *catalog, const char *filter)
{
    static const char *const headers[] = {"hardware", "fp16 TFLOPS", "int8 TOPS", "memory GB", "GB/s", "TDP W",
                                          "idle W",   "list USD",    "year",      "source",    NULL};
    struct ts_table *table = ts_table_create("Hardware");
    columns(table, headers);
    for (size_t i = 0; i < catalog->n_hardware; i++) {
        const struct ts_hardware *row = &catalog->hardware[i];
        if (wanted(row->name, filter)) {
            ts_table_row(table);
            ts_table_put(table, row->name);
            ts_table_num(table, or_nan(row->fp16_tflops), 4);
            ts_table_num(table, or_nan(row->int8_tops), 4);
            ts_table_num(table, row->memory_bytes / 1e9, 4);
            ts_table_num(table, row->bytes_per_s / 1e9, 5);
            ts_table_num(table, row->tdp_w, 4);
            ts_table_num(table, or_nan(row->idle_w), 4);
            ts_table_num(table, or_nan(row->list_price_usd), 7);
            ts_table_putf(table, "%d", row->year);
            ts_table_put(table, row->source);
        }
    }
    return table;
}

static struct ts_table *models(const struct ts_catalog *catalog, const char *filter)
{
    static const char *const headers[] = {"model",  "type",         "params B", "active B", "layers",
                                          "hidden", "KV bytes/tok", "context",  "source",   NULL};
    struct ts_table *table = ts_table_create("Models");
    columns(table, headers);
    for (size_t i = 0; i < catalog->n_llms; i++) {
        const struct ts_llm *row = &catalog->llms[i];
        if (wanted(row->name, filter)) {
            ts_table_row(table);
            ts_table_put(table, row->name);
            ts_table_put(table, row->type);
            ts_table_num(table, row->params / 1e9, 5);
            ts_table_num(table, row->params_active / 1e9, 5);
            ts_table_putf(table, "%u", row->layers);
            ts_table_putf(table, "%u", row->hidden);
            ts_table_num(table, row->kv_bytes_per_tok, 7);
            ts_table_num(table, row->context, 7);
            ts_table_put(table, row->source);
        }
    }
    return table;
}

static struct ts_table *prices(const struct ts_catalog *catalog, const char *filter)
{
    static const char *const headers[] = {
        "offer", "input USD/Mtok", "cached USD/Mtok", "output USD/Mtok", "date", "source", NULL};
    struct ts_table *table = ts_table_create("Prices");
    columns(table, headers);
    for (size_t i = 0; i < catalog->n_prices; i++) {
        const struct ts_price *row = &catalog->prices[i];
        if (wanted(row->name, filter)) {
            ts_table_row(table);
            ts_table_put(table, row->name);
            ts_table_num(table, row->input_usd_per_mtok, 4);
            ts_table_num(table, or_nan(row->cached_input_usd_per_mtok), 4);
            ts_table_num(table, row->output_usd_per_mtok, 4);
            ts_table_put(table, row->date);
            ts_table_put(table, row->source);
        }
    }
    return table;
}

static struct ts_table *regions(const struct ts_catalog *catalog, const char *filter)
{
    static const char *const headers[] = {"region", "country",       "USD/kWh", "carbon g/kWh",
                                          "PUE",    "outage h/year", "source",  NULL};
    struct ts_table *table = ts_table_create("Regions");
    columns(table, headers);
    for (size_t i = 0; i < catalog->n_regions; i++) {
        const struct ts_region *row = &catalog->regions[i];
        if (wanted(row->name, filter) || wanted(row->country, filter)) {
            ts_table_row(table);
            ts_table_put(table, row->name);
            ts_table_put(table, row->country);
            ts_table_num(table, row->electricity_usd_per_kwh, 4);
            ts_table_num(table, or_nan(row->carbon_g_per_kwh), 4);
            ts_table_num(table, or_nan(row->pue), 3);
            ts_table_num(table, or_nan(row->outage_h_per_year), 3);
            ts_table_put(table, row->source);
        }
    }
    return table;
}

static const struct {
    const char *name;
    struct ts_table *(*list)(const struct ts_catalog *catalog, const char *filter);
} kinds[] = {{"hardware", hardware}, {"models", models}, {"prices", prices}, {"regions", regions}};

enum { N_KINDS = sizeof kinds / sizeof kinds[0] };

static enum ts_status print(struct ts_table *table, enum ts_table_format format)
{
    struct ts_text text;
    ts_text_init(&text);
    enum ts_status status = table ? ts_table_render(table, format, &text) : TS_ENOMEM;
    if (status == TS_OK) {
        puts(text.data);
    }
    ts_text_deinit(&text);
    ts_table_destroy(table);
    return status;
}

static enum ts_status list_published(struct ts_catalog *catalog, struct ts_arena *arena, const char *filter,
                                     enum ts_table_format format, struct ts_diags *diags)
{
    enum ts_status status = ts_catalog_load_published(catalog, arena, diags);
    if (status == TS_OK) {
        status = print(ts_published_table(catalog, wanted, filter), format);
    }
    if (status == TS_OK) {
        status = print(ts_published_errors(catalog, wanted, filter), format);
    }
    return status;
}

static enum ts_status list(const struct ts_args *args, enum ts_table_format format, struct ts_diags *diags)
{
    const char *kind = args->n_operands > 0 ? args->operands[0] : NULL;
    const char *filter = args->n_operands > 1 ? args->operands[1] : NULL;
    struct ts_arena arena;
    struct ts_catalog catalog;
    ts_arena_init(&arena);
    enum ts_status status = ts_catalog_load(&catalog, &arena, diags);
    bool known = kind == NULL;
    for (size_t i = 0; status == TS_OK && i < N_KINDS; i++) {
        if (!kind || ts_str_equal(kind, kinds[i].name)) {
            known = true;
            status = print(kinds[i].list(&catalog, filter), format);
        }
    }
    if (status == TS_OK && filter && ts_str_equal(kind, "hardware")) {
        status = list_published(&catalog, &arena, filter, format, diags);
    }
    ts_arena_deinit(&arena);
    if (status == TS_OK && !known) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "hardware, models, prices or regions",
                       "no catalog is named '%s'", kind);
    }
    return status;
}

static enum ts_status run(const struct ts_args *args, struct ts_diags *diags)
{
    enum ts_table_format format = TS_TABLE_TEXT;
    if (args->n_operands > 2) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "tiersim catalog hardware H100",
                       "catalog takes a kind and part of a name");
    }
    if (args->format && !ts_table_format_parse(&format, args->format)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "text, md, csv, json or html", "unknown format '%s'",
                       args->format);
    }
    return list(args, format, diags);
}

const struct ts_command ts_command_catalog = {
    .name = "catalog",
    .bit = TS_CMD_CATALOG,
    .usage = "[hardware|models|prices|regions [NAME]] [options]",
    .summary = "Show the built-in hardware, models, prices and regions with their sources",
    .examples = "  tiersim catalog hardware 'H100 SXM'   (with published and predicted rates)\n  tiersim catalog "
                "models --format md\n",
    .run = run,
};
