/* Hides how published points are put side by side with predictions: a point is decode (all sequences together, prompts
 * of newcomers in between) or prefill (a lone prompt), each by the constants of the hardware's class and the engine's
 * group. */
#include "app/published_table.h"

#include <math.h>
#include <stdlib.h>

#include "scenarios/catalog/efficiency.h"
#include "sim/serving/closed_loop.h"

enum { MAX_OF_A_KIND = 512 };

struct compared {
    const struct ts_published *point;
    double published, predicted, ratio;
};

static const struct ts_efficiency *constants_of(const struct ts_catalog *catalog, const struct ts_published *point)
{
    const struct ts_chip *chip = ts_catalog_chip(catalog, point->hardware);
    return chip ? ts_efficiency_find(catalog, chip->class_name, ts_efficiency_group(point->engine)) : NULL;
}

static bool compare(struct compared *out, const struct ts_catalog *catalog, const struct ts_published *point)
{
    struct ts_efficiency_case on;
    const struct ts_efficiency *constants = constants_of(catalog, point);
    if (!constants || !ts_efficiency_published_case(&on, catalog, point)) {
        return false;
    }
    const struct ts_steps_model steps =
        ts_efficiency_steps(constants, ts_efficiency_engine(catalog, point->engine), &on);
    bool decode = point->decode_tok_s > 0.0;
    out->point = point;
    out->published = decode ? point->decode_tok_s : point->prefill_tok_s;
    out->predicted = decode ? ts_closed_loop_decode_tok_s(&steps, point->batch, point->prompt_tok, point->output_tok)
                            : ts_closed_loop_prefill_tok_s(&steps, point->prompt_tok);
    out->ratio = out->predicted / out->published;
    return true;
}

static bool same_kind(const struct ts_published *a, const struct ts_published *b)
{
    return ts_str_equal(a->hardware, b->hardware) && a->n_accelerators == b->n_accelerators &&
           ts_str_equal(a->model, b->model) && ts_str_equal(a->quant, b->quant) && ts_str_equal(a->engine, b->engine) &&
           (a->decode_tok_s > 0.0) == (b->decode_tok_s > 0.0);
}

static int by_ratio(const void *a, const void *b)
{
    double x = ((const struct compared *)a)->ratio;
    double y = ((const struct compared *)b)->ratio;
    return (x > y) - (x < y);
}

/* The cells that say what was measured. */
static void begin_row(struct ts_table *table, const char *hardware, unsigned n_accelerators, const char *model,
                      const char *quant, const char *engine)
{
    ts_table_row(table);
    ts_table_put(table, hardware);
    ts_table_putf(table, "%u", n_accelerators);
    ts_table_put(table, model);
    ts_table_put(table, quant);
    ts_table_put(table, engine);
}

static void put_kind(struct ts_table *table, struct compared *compared, size_t n)
{
    qsort(compared, n, sizeof *compared, by_ratio);
    const struct compared *middle = &compared[(n - 1) / 2];
    const struct ts_published *point = middle->point;
    begin_row(table, point->hardware, point->n_accelerators, point->model, point->quant, point->engine);
    ts_table_put(table, point->decode_tok_s > 0.0 ? "decode" : "prefill");
    ts_table_num(table, point->batch, 4);
    ts_table_putf(table, "%u", point->prompt_tok);
    ts_table_putf(table, "%u", point->output_tok);
    ts_table_num(table, middle->published, 4);
    ts_table_num(table, middle->predicted, 4);
    ts_table_num(table, middle->ratio, 3);
    ts_table_putf(table, "%zu", n);
    ts_table_num(table, compared[0].ratio, 3);
    ts_table_num(table, compared[n - 1].ratio, 3);
    ts_table_put(table, point->source);
}

struct ts_table *ts_published_table(const struct ts_catalog *catalog, const struct ts_name_filter *filter)
{
    static const char *const headers[] = {
        "hardware", "count",           "model",           "quant", "engine",    "metric",    "batch",     "prompt",
        "output",   "published tok/s", "predicted tok/s", "ratio", "of points", "ratio min", "ratio max", "source"};
    enum { N_HEADERS = sizeof headers / sizeof headers[0] };
    static const bool right[N_HEADERS] = {false, true, false, false, false, false, true, true,
                                          true,  true, true,  true,  true,  true,  true, false};
    struct compared compared[MAX_OF_A_KIND];
    struct ts_table *table = ts_table_create("Published and predicted: the point of the median ratio of each kind");
    for (size_t i = 0; i < N_HEADERS; i++) {
        ts_table_column(table, headers[i], right[i]);
    }
    for (size_t i = 0; i < catalog->n_published;) {
        const struct ts_published *first = &catalog->published[i];
        size_t n = 0;
        for (; i < catalog->n_published && same_kind(first, &catalog->published[i]); i++) {
            if (n < MAX_OF_A_KIND && ts_name_wanted(filter, first->hardware)) {
                n += compare(&compared[n], catalog, &catalog->published[i]);
            }
        }
        if (n > 0) {
            put_kind(table, compared, n);
        }
    }
    return table;
}

/* ---- recorded serving ---- */

struct served {
    const struct ts_serving *point;
    double predicted_s, ratio; /* of the time per token */
};

static bool compare_served(struct served *out, const struct ts_catalog *catalog, const struct ts_serving *point)
{
    struct ts_efficiency_case on;
    const struct ts_chip *chip = ts_catalog_chip(catalog, point->hardware);
    const struct ts_efficiency *constants =
        chip ? ts_efficiency_find(catalog, chip->class_name, ts_efficiency_group(point->engine)) : NULL;
    if (!constants || point->tpot_s <= 0.0 || !ts_efficiency_serving_case(&on, catalog, point)) {
        return false;
    }
    const struct ts_engine_cost *engine = ts_efficiency_engine(catalog, point->engine);
    const struct ts_steps_model steps = ts_efficiency_steps(constants, engine, &on);
    const struct ts_closed_loop load = {.n_users = point->users,
                                        .prompt_tok = point->prompt_tok,
                                        .output_tok = point->output_tok,
                                        .budget_tok = point->budget_tok,
                                        .spread = point->spread,
                                        .prompts_first = engine && engine->prompts_first};
    *out = (struct served){.point = point, .predicted_s = ts_closed_loop(&steps, &load).tpot_s};
    out->ratio = out->predicted_s / point->tpot_s;
    return true;
}

static bool served_alike(const struct ts_serving *a, const struct ts_serving *b)
{
    return ts_str_equal(a->hardware, b->hardware) && a->n_accelerators == b->n_accelerators &&
           ts_str_equal(a->model, b->model) && ts_str_equal(a->quant, b->quant) && ts_str_equal(a->engine, b->engine);
}

static int by_served_ratio(const void *a, const void *b)
{
    const double x = ((const struct served *)a)->ratio, y = ((const struct served *)b)->ratio;
    return (x > y) - (x < y);
}

static void put_served(struct ts_table *table, struct served *served, size_t n)
{
    qsort(served, n, sizeof *served, by_served_ratio);
    const struct served *middle = &served[(n - 1) / 2];
    const struct ts_serving *point = middle->point;
    begin_row(table, point->hardware, point->n_accelerators, point->model, point->quant, point->engine);
    ts_table_num(table, point->users, 4);
    ts_table_num(table, point->prompt_tok, 5);
    ts_table_num(table, point->output_tok, 5);
    ts_table_num(table, point->tpot_s * 1e3, 4);
    ts_table_num(table, middle->predicted_s * 1e3, 4);
    ts_table_num(table, middle->ratio, 3);
    ts_table_putf(table, "%zu", n);
    ts_table_num(table, served[0].ratio, 3);
    ts_table_num(table, served[n - 1].ratio, 3);
    ts_table_put(table, point->source);
}

struct ts_table *ts_published_serving(const struct ts_catalog *catalog, const struct ts_name_filter *filter)
{
    static const char *const headers[] = {"hardware", "count",     "model",     "quant",           "engine",
                                          "users",    "prompt",    "output",    "recorded ms/tok", "predicted ms/tok",
                                          "ratio",    "of points", "ratio min", "ratio max",       "source"};
    struct served served[MAX_OF_A_KIND];
    struct ts_table *table =
        ts_table_create("Recorded serving and predicted: the point of the median ratio of each kind");
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        ts_table_column(table, headers[i], i == 1 || (i >= 5 && i <= 13));
    }
    for (size_t i = 0; i < catalog->n_servings;) {
        const struct ts_serving *first = &catalog->servings[i];
        size_t n = 0;
        for (; i < catalog->n_servings && served_alike(first, &catalog->servings[i]); i++) {
            if (n < MAX_OF_A_KIND && ts_name_wanted(filter, first->hardware)) {
                n += compare_served(&served[n], catalog, &catalog->servings[i]);
            }
        }
        if (n > 0) {
            put_served(table, served, n);
        }
    }
    return table;
}

/* The class of a wanted chip that the row predicts, its own before one that it stands in for; NULL: none. */
static const char *class_predicted(const struct ts_catalog *catalog, const struct ts_efficiency *row,
                                   const struct ts_name_filter *filter)
{
    const char *other = NULL;
    for (size_t i = 0; i < catalog->n_chips; i++) {
        const struct ts_chip *chip = &catalog->chips[i];
        if (ts_name_wanted(filter, chip->name) &&
            (row == ts_efficiency_find(catalog, chip->class_name, TS_ENGINES_SERVING) ||
             row == ts_efficiency_find(catalog, chip->class_name, TS_ENGINES_LOCAL))) {
            if (ts_str_equal(chip->class_name, row->class_name)) {
                return chip->class_name;
            }
            other = chip->class_name;
        }
    }
    return other;
}

static void put_percent(struct ts_table *table, double frac)
{
    ts_table_num(table, frac > 0.0 ? round(frac * 1e4) / 100.0 : (double)NAN, 3);
}

struct ts_table *ts_published_errors(const struct ts_catalog *catalog, const struct ts_name_filter *filter)
{
    struct ts_table *table = ts_table_create("Fitted constants: median error on what was left out of the fit");
    static const char *const headers[] = {"class", "engines",        "decode points",   "prefill points",
                                          "chips", "decode error %", "prefill error %", "source"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        ts_table_column(table, headers[i], i >= 2 && i <= 6);
    }
    for (size_t i = 0; i < catalog->n_efficiencies; i++) {
        const struct ts_efficiency *row = &catalog->efficiencies[i];
        const char *predicted = class_predicted(catalog, row, filter);
        if (!predicted) {
            continue;
        }
        ts_table_row(table);
        if (ts_str_equal(predicted, row->class_name)) {
            ts_table_put(table, row->class_name);
        } else {
            ts_table_putf(table, "%s, for %s too", row->class_name, predicted);
        }
        ts_table_put(table, row->engine);
        ts_table_putf(table, "%u", row->n_decode);
        ts_table_putf(table, "%u", row->n_prefill);
        ts_table_putf(table, "%u", row->n_hardware);
        put_percent(table, row->decode_error);
        put_percent(table, row->prefill_error);
        ts_table_put(table, row->source);
    }
    return table;
}
