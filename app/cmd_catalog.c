/* tiersim catalog [KIND [NAME]]: the built-in facts, with their sources; for named hardware also what was published
 * about it beside what the fitted roofline says. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/accuracy_report.h"
#include "app/command.h"
#include "app/name_filter.h"
#include "app/print_table.h"
#include "app/published_table.h"
#include "scenarios/catalog/catalog.h"

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

static struct ts_table *hardware(const struct ts_catalog *catalog, const struct ts_name_filter *filter)
{
    static const char *const headers[] = {"hardware", "fp16 TFLOPS", "int8 TOPS", "memory GB", "GB/s", "TDP W",
                                          "idle W",   "list USD",    "year",      "source",    NULL};
    struct ts_table *table = ts_table_create("Hardware");
    columns(table, headers);
    for (size_t i = 0; i < catalog->n_hardware; i++) {
        const struct ts_hardware *row = &catalog->hardware[i];
        if (ts_name_wanted(filter, row->name)) {
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

static struct ts_table *models(const struct ts_catalog *catalog, const struct ts_name_filter *filter)
{
    static const char *const headers[] = {"model",  "type",         "params B", "active B", "layers",
                                          "hidden", "KV bytes/tok", "context",  "source",   NULL};
    struct ts_table *table = ts_table_create("Models");
    columns(table, headers);
    for (size_t i = 0; i < catalog->n_llms; i++) {
        const struct ts_llm *row = &catalog->llms[i];
        if (ts_name_wanted(filter, row->name)) {
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

static struct ts_table *prices(const struct ts_catalog *catalog, const struct ts_name_filter *filter)
{
    static const char *const headers[] = {
        "offer", "input USD/Mtok", "cached USD/Mtok", "output USD/Mtok", "date", "source", NULL};
    struct ts_table *table = ts_table_create("Prices");
    columns(table, headers);
    for (size_t i = 0; i < catalog->n_prices; i++) {
        const struct ts_price *row = &catalog->prices[i];
        if (ts_name_wanted(filter, row->name)) {
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

static struct ts_table *regions(const struct ts_catalog *catalog, const struct ts_name_filter *filter)
{
    static const char *const headers[] = {"region", "country",       "USD/kWh", "carbon g/kWh",
                                          "PUE",    "outage h/year", "source",  NULL};
    struct ts_table *table = ts_table_create("Regions");
    columns(table, headers);
    for (size_t i = 0; i < catalog->n_regions; i++) {
        const struct ts_region *row = &catalog->regions[i];
        if (ts_name_wanted(filter, row->name) || ts_name_wanted(filter, row->country)) {
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

static struct ts_table *scores(const struct ts_catalog *catalog, const struct ts_name_filter *filter)
{
    static const char *const headers[] = {"model or offer", "MMLU-Pro %", "as evaluated", "date", "source", NULL};
    struct ts_table *table = ts_table_create("Scores");
    columns(table, headers);
    for (size_t i = 0; i < catalog->n_scores; i++) {
        const struct ts_score *row = &catalog->scores[i];
        if (ts_name_wanted(filter, row->name)) {
            ts_table_row(table);
            ts_table_put(table, row->name);
            ts_table_num(table, 100.0 * row->mmlu_pro, 4);
            ts_table_put(table, row->evaluated);
            ts_table_put(table, row->date);
            ts_table_put(table, row->source);
        }
    }
    return table;
}

static struct ts_table *servers(const struct ts_catalog *catalog, const struct ts_name_filter *filter)
{
    static const char *const headers[] = {"server",     "for",  "cards", "price USD", "network USD",
                                          "with cards", "date", "conf",  "source",    NULL};
    struct ts_table *table = ts_table_create("Servers");
    columns(table, headers);
    for (size_t i = 0; i < catalog->n_servers; i++) {
        const struct ts_server_row *row = &catalog->servers[i];
        if (ts_name_wanted(filter, row->name)) {
            ts_table_row(table);
            ts_table_put(table, row->name);
            ts_table_put(table, row->accelerator[0] ? row->accelerator : "any");
            ts_table_putf(table, "%u", row->n_cards);
            ts_table_num(table, row->price_usd, 7);
            ts_table_num(table, row->network_usd, 6);
            ts_table_put(table, row->includes_cards ? "yes" : "no");
            ts_table_put(table, row->date);
            ts_table_put(table, row->confidence);
            ts_table_put(table, row->source);
        }
    }
    return table;
}

static struct ts_table *rentals(const struct ts_catalog *catalog, const struct ts_name_filter *filter)
{
    static const char *const headers[] = {"hardware",       "provider", "GPUs", "USD/h",  "spot USD/h",
                                          "reserved USD/h", "date",     "conf", "source", NULL};
    struct ts_table *table = ts_table_create("Rentals, an hour of one accelerator");
    columns(table, headers);
    for (size_t i = 0; i < catalog->n_rentals; i++) {
        const struct ts_rental *row = &catalog->rentals[i];
        if (ts_name_wanted(filter, row->hardware)) {
            ts_table_row(table);
            ts_table_put(table, row->hardware);
            ts_table_put(table, row->provider);
            ts_table_putf(table, "%u", row->n_gpus);
            ts_table_num(table, or_nan(row->usd_per_h), 4);
            ts_table_num(table, or_nan(row->spot_usd_per_h), 4);
            ts_table_num(table, or_nan(row->reserved_usd_per_h), 4);
            ts_table_put(table, row->date);
            ts_table_put(table, row->confidence);
            ts_table_put(table, row->source);
        }
    }
    return table;
}

static const struct {
    const char *name;
    struct ts_table *(*list)(const struct ts_catalog *catalog, const struct ts_name_filter *filter);
} kinds[] = {{"hardware", hardware}, {"servers", servers}, {"rentals", rentals}, {"models", models},
             {"prices", prices},     {"regions", regions}, {"scores", scores}};

enum { N_KINDS = sizeof kinds / sizeof kinds[0], MAX_NAMES = 512 };

/* All names of a kind; hardware's are those of chips with published points too. */
static size_t names_of(const char **out, const struct ts_catalog *catalog, const char *kind)
{
    size_t n = 0;
    for (size_t i = 0; ts_str_equal(kind, "hardware") && i < catalog->n_hardware; i++) {
        out[n++] = catalog->hardware[i].name;
    }
    for (size_t i = 0; ts_str_equal(kind, "hardware") && i < catalog->n_chips; i++) {
        out[n++] = catalog->chips[i].name;
    }
    for (size_t i = 0; ts_str_equal(kind, "servers") && i < catalog->n_servers; i++) {
        out[n++] = catalog->servers[i].name;
    }
    for (size_t i = 0; ts_str_equal(kind, "rentals") && i < catalog->n_rentals; i++) {
        out[n++] = catalog->rentals[i].hardware;
    }
    for (size_t i = 0; ts_str_equal(kind, "models") && i < catalog->n_llms; i++) {
        out[n++] = catalog->llms[i].name;
    }
    for (size_t i = 0; ts_str_equal(kind, "prices") && i < catalog->n_prices; i++) {
        out[n++] = catalog->prices[i].name;
    }
    for (size_t i = 0; ts_str_equal(kind, "regions") && i < catalog->n_regions; i++) {
        out[n++] = catalog->regions[i].name;
        out[n++] = catalog->regions[i].country;
    }
    for (size_t i = 0; ts_str_equal(kind, "scores") && i < catalog->n_scores; i++) {
        out[n++] = catalog->scores[i].name;
    }
    return n;
}

/* Whole words are meant where a name has them. A name that nobody has is an error with the nearest. */
static enum ts_status choose_least(struct ts_name_filter *filter, const struct ts_catalog *catalog, const char *kind,
                                   struct ts_arena *arena, struct ts_diags *diags)
{
    const char *names[MAX_NAMES];
    size_t n = filter->text ? names_of(names, catalog, kind) : 0;
    enum ts_name_match best = TS_NAME_MATCH_NONE;
    for (size_t i = 0; i < n; i++) {
        enum ts_name_match match = ts_name_match(names[i], filter->text);
        best = match > best ? match : best;
    }
    filter->least = best;
    if (n == 0 || best > TS_NAME_MATCH_NONE) {
        return TS_OK;
    }
    const char *near = ts_suggest(filter->text, names, n);
    return ts_fail(diags, TS_EUSAGE, ts_span_none(),
                   near ? ts_arena_printf(arena, "did you mean '%s'?", near)
                        : ts_arena_printf(arena, "tiersim catalog %s lists them all", kind),
                   "the catalog of %s has no '%s'", kind, filter->text);
}

static bool has_published(const struct ts_catalog *catalog, const struct ts_name_filter *filter)
{
    for (size_t i = 0; i < catalog->n_published; i++) {
        if (ts_name_wanted(filter, catalog->published[i].hardware)) {
            return true;
        }
    }
    return false;
}

static bool has_serving(const struct ts_catalog *catalog, const struct ts_name_filter *filter)
{
    for (size_t i = 0; i < catalog->n_servings; i++) {
        if (ts_name_wanted(filter, catalog->servings[i].hardware)) {
            return true;
        }
    }
    return false;
}

static enum ts_status list_published(struct ts_catalog *catalog, struct ts_arena *arena,
                                     const struct ts_name_filter *filter, enum ts_table_format format,
                                     struct ts_diags *diags)
{
    enum ts_status status = ts_catalog_load_published(catalog, arena, diags);
    if (status == TS_OK && has_published(catalog, filter)) {
        status = ts_print_table(ts_published_table(catalog, filter), format);
    } else if (status == TS_OK && format == TS_TABLE_TEXT && !has_serving(catalog, filter)) {
        printf("The catalog has no published rates of %s: what follows was fitted to other chips of its class.\n\n",
               filter->text);
    }
    if (status == TS_OK && has_serving(catalog, filter)) {
        status = ts_print_table(ts_published_serving(catalog, filter), format);
    }
    if (status == TS_OK) {
        status = ts_print_table(ts_published_errors(catalog, filter), format);
    }
    return status;
}

static bool lists_hardware(const struct ts_catalog *catalog, const struct ts_name_filter *filter)
{
    for (size_t i = 0; i < catalog->n_hardware; i++) {
        if (ts_name_wanted(filter, catalog->hardware[i].name)) {
            return true;
        }
    }
    return false;
}

static enum ts_status list_kind(size_t i, struct ts_catalog *catalog, struct ts_arena *arena, const char *text,
                                enum ts_table_format format, struct ts_diags *diags)
{
    const bool is_hardware = ts_str_equal(kinds[i].name, "hardware");
    struct ts_name_filter filter = {text, TS_NAME_MATCH_NONE};
    enum ts_status status = choose_least(&filter, catalog, kinds[i].name, arena, diags);
    if (status == TS_OK && (!is_hardware || lists_hardware(catalog, &filter))) {
        status = ts_print_table(kinds[i].list(catalog, &filter), format);
    }
    return status == TS_OK && text && is_hardware ? list_published(catalog, arena, &filter, format, diags) : status;
}

struct catalog_args {
    const char *kind, *name, *format, *out;
    struct ts_catalog_choice choice;
};

static const struct catalog_args defaults = {.format = "text"};

static const struct ts_option options[] = {
    {TS_INTO(struct catalog_args, kind), "KIND",
     "hardware, servers, rentals, models, prices, regions or scores (default: all of them), or accuracy: predictions "
     "of the fitted step times against recordings that the fit has not seen",
     .operand = TS_OPTIONAL},
    {TS_INTO(struct catalog_args, name), "NAME", "a name or a part of one, in quotes if it has blanks",
     .operand = TS_OPTIONAL},
    {"include", 'i', TS_INTO(struct catalog_args, choice.include), "DIR", "with the files of this folder over them"},
    {"as-of", 0, TS_INTO(struct catalog_args, choice.as_of), "DATE", "without rows of a later date: 2026-08"},
    TS_OPTION_TABLE_FORMAT(struct catalog_args, format),
    {"out", 'o', TS_INTO(struct catalog_args, out), "DIR",
     "with accuracy: write ACCURACY.md, accuracy.csv (each point) and charts into this folder"},
};

static enum ts_status list(const struct catalog_args *args, struct ts_arena *arena, enum ts_table_format format,
                           struct ts_diags *diags)
{
    struct ts_catalog catalog;
    enum ts_status status = ts_catalog_load_chosen(&catalog, &args->choice, arena, diags);
    for (size_t i = 0; status == TS_OK && i < N_KINDS; i++) {
        if (!args->kind || ts_str_equal(args->kind, kinds[i].name)) {
            status = list_kind(i, &catalog, arena, args->name, format, diags);
        }
    }
    return status;
}

static enum ts_status check_kind(const char *kind, struct ts_arena *arena, struct ts_diags *diags)
{
    const char *names[N_KINDS];
    for (size_t i = 0; i < N_KINDS; i++) {
        names[i] = kinds[i].name;
        if (!kind || ts_str_equal(kind, names[i])) {
            return TS_OK;
        }
    }
    const char *near = ts_suggest(kind, names, N_KINDS);
    return ts_fail(diags, TS_EUSAGE, ts_span_none(),
                   near ? ts_arena_printf(arena, "did you mean '%s'?", near)
                        : "hardware, servers, rentals, models, prices, regions, scores or accuracy; or check, diff",
                   "no catalog is named '%s'", kind);
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct catalog_args *args = untyped;
    enum ts_table_format format;
    enum ts_status status = ts_print_format(&format, args->format, diags);
    if (status == TS_OK && args->kind && ts_str_equal(args->kind, "accuracy")) {
        return ts_accuracy_report(args->out, arena, diags);
    }
    if (status == TS_OK) {
        status = check_kind(args->kind, arena, diags);
    }
    return status == TS_OK ? list(args, arena, format, diags) : status;
}

const struct ts_command ts_command_catalog = {
    .name = "catalog",
    .summary = "Show the built-in hardware, servers, rents, models, prices, regions and scores with their sources",
    .examples = "  tiersim catalog hardware 'H100 SXM'     # with published and predicted rates\n"
                "  tiersim catalog models --format md\n"
                "  tiersim catalog accuracy --out accuracy        # predicted beside recorded: a minute of fits\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
