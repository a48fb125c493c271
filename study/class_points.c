/* Hides how recordings become comparable with step times. A prompt whose length was not published counts as one of 200
 * tokens, as chats have them; benchmarks send ten requests for each user. */
#include "study/class_points.h"

#include <math.h>

#include "base/check.h"
#include "scenarios/catalog/serving_power.h"

static const double unpublished_prompt_tok = 200.0;
static const double requests_per_user = 10.0;
static const double budget_tok = 8192.0;

static const char *const measure_names[TS_CLASS_N_MEASURES] = {
    "time per token", "time to first token", "throughput", "energy per token", "decode", "prefill",
};

static const char *const label_names[TS_CLASS_N_LABELS] = {"chip", "model", "source", "engine"};

const char *ts_class_measure_name(enum ts_class_measure measure)
{
    return measure_names[measure];
}

const char *ts_class_label_name(enum ts_class_label label)
{
    return label_names[label];
}

static bool is_of(const struct ts_catalog *catalog, const char *hardware, const char *engine, const char *class_name,
                  const char *engines)
{
    const struct ts_chip *chip = ts_catalog_chip(catalog, hardware);
    return chip && ts_str_equal(chip->class_name, class_name) && ts_str_equal(ts_efficiency_group(engine), engines);
}

static void add(struct ts_class_points *out, struct ts_class_point point, enum ts_class_measure measure,
                double recorded)
{
    if (recorded > 0.0) {
        point.measure = measure;
        point.recorded = recorded;
        out->points[out->n++] = point;
    }
}

/* Every engine that points are of has a row. */
static uint32_t engine_index(const struct ts_catalog *catalog, const char *name)
{
    const struct ts_engine_cost *engine = ts_efficiency_engine(catalog, name);
    TS_CHECK(engine != NULL);
    return (uint32_t)(engine - catalog->engines);
}

/* Whether the users' sequences, most of a reply long, find room beside the weights, in a cache of that share of 16
 * bits; where they do not, some of them wait and the batch is smaller than it says. */
static bool has_room(const struct ts_catalog *catalog, const struct ts_serving *from,
                     const struct ts_efficiency_case *on, double kv_share)
{
    static const double usable = 0.9, of_a_reply = 0.6;
    const struct ts_hardware *hardware = ts_catalog_hardware(catalog, from->hardware);
    const double kv_bytes = from->users * (from->prompt_tok + of_a_reply * from->output_tok) * on->kv_bytes_per_tok;
    const double weights = on->llm->params * on->bits_per_weight / 8.0;
    return !hardware || kv_share * kv_bytes < usable * hardware->memory_bytes * on->n_accelerators - weights;
}

static void add_serving(struct ts_class_points *out, const struct ts_catalog *catalog, const struct ts_serving *from)
{
    struct ts_serving known = *from;
    known.prompt_tok = from->prompt_tok > 0.0 ? from->prompt_tok : unpublished_prompt_tok;
    struct ts_class_point point = {
        .from = from,
        .simulated = {1.0, 1.0},
        .is_gap = from->itl_s > 0.0 && from->tpot_s <= 0.0,
        .load = {.n_users = from->users,
                 .prompt_tok = known.prompt_tok,
                 .output_tok = from->output_tok,
                 .requests_per_user = requests_per_user,
                 .budget_tok = from->budget_tok,
                 .wait_steps = from->wait_steps,
                 .spread = from->spread},
        .engine = engine_index(catalog, from->engine),
        .label = {from->hardware, from->model, from->source, from->engine},
    };
    point.load.prompts_first = catalog->engines[point.engine].prompts_first;
    point.load.plans_ahead = catalog->engines[point.engine].plans_ahead;
    const struct ts_hardware *hardware = ts_catalog_hardware(catalog, from->hardware);
    if (!ts_efficiency_serving_case(&point.on, catalog, &known)) {
        return;
    }
    /* Checkpoints in 8 bits and less often bring a cache of 8 bits; those in 16 have one of 16. */
    point.small_cache = point.on.bits_per_weight < 16.0 && !has_room(catalog, &known, &point.on, 1.0);
    if (has_room(catalog, &known, &point.on, point.small_cache ? 0.5 : 1.0)) {
        add(out, point, TS_CLASS_TPOT, point.is_gap ? from->itl_s : from->tpot_s);
        add(out, point, TS_CLASS_TTFT, from->ttft_s);
        add(out, point, TS_CLASS_RATE, from->tok_s);
        if (hardware) {
            point.power_w = from->n_accelerators * ts_serving_power_w(catalog, hardware, point.on.llm->params,
                                                                      point.on.llm->name, from->users);
            add(out, point, TS_CLASS_JOULES, from->j_per_tok);
        }
    }
}

static void add_published(struct ts_class_points *out, const struct ts_catalog *catalog,
                          const struct ts_published *from)
{
    struct ts_class_point point = {
        .simulated = {1.0, 1.0},
        .load = {.n_users = from->batch,
                 .prompt_tok = from->prompt_tok,
                 .output_tok = from->output_tok,
                 .budget_tok = budget_tok},
        .engine = engine_index(catalog, from->engine),
        .label = {from->hardware, from->model, from->source, from->engine},
    };
    if (ts_efficiency_published_case(&point.on, catalog, from)) {
        add(out, point, TS_CLASS_DECODE, from->decode_tok_s);
        add(out, point, TS_CLASS_PREFILL, from->prefill_tok_s);
    }
}

static void number_groups(struct ts_class_points *out, enum ts_class_label label)
{
    for (size_t i = 0; i < out->n; i++) {
        struct ts_class_point *point = &out->points[i];
        size_t j = 0;
        while (j < i && !ts_str_equal(out->points[j].label[label], point->label[label])) {
            j++;
        }
        point->group[label] = j < i ? out->points[j].group[label] : out->n_groups[label]++;
    }
}

enum ts_status ts_class_points_collect(struct ts_class_points *out, const struct ts_catalog *catalog,
                                       const char *class_name, const char *engines, struct ts_arena *arena,
                                       struct ts_diags *diags)
{
    *out = (struct ts_class_points){0};
    out->points = ts_arena_array(arena, 2 * catalog->n_published + 4 * catalog->n_servings + 1, sizeof *out->points);
    if (!out->points) {
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "no memory for the recorded points");
    }
    for (size_t i = 0; i < catalog->n_published; i++) {
        const struct ts_published *from = &catalog->published[i];
        if (is_of(catalog, from->hardware, from->engine, class_name, engines)) {
            add_published(out, catalog, from);
        }
    }
    for (size_t i = 0; i < catalog->n_servings; i++) {
        const struct ts_serving *from = &catalog->servings[i];
        if (is_of(catalog, from->hardware, from->engine, class_name, engines)) {
            add_serving(out, catalog, from);
        }
    }
    for (int label = 0; label < TS_CLASS_N_LABELS; label++) {
        number_groups(out, (enum ts_class_label)label);
    }
    return TS_OK;
}

double ts_class_point_first_s(const struct ts_class_point *point, const struct ts_engine_cost *engine)
{
    const bool launches = point->load.prompt_tok > engine->graph_tok;
    return engine->first_s + (launches ? ts_efficiency_launch_s(engine, point->on.llm) : 0.0);
}

double ts_class_point_ratio(const struct ts_class_point *point, const struct ts_efficiency *constants,
                            const struct ts_engine_cost *engine)
{
    const struct ts_steps_model steps = ts_efficiency_steps(constants, engine, &point->on);
    struct ts_closed_loop load = point->load;
    if (point->measure == TS_CLASS_DECODE) {
        return ts_closed_loop_decode_tok_s(&steps, load.n_users, load.prompt_tok, load.output_tok) / point->recorded;
    }
    if (point->measure == TS_CLASS_PREFILL) {
        return ts_closed_loop_prefill_tok_s(&steps, (uint32_t)load.prompt_tok) / point->recorded;
    }
    load.first_s = engine ? ts_class_point_first_s(point, engine) : 0.0;
    struct ts_closed_loop_times times = ts_closed_loop(&steps, &load);
    const double beside_s = load.first_s + (point->from ? point->from->wait_steps * times.tpot_s : 0.0);
    times.ttft_s = beside_s + (times.ttft_s - beside_s) * point->simulated.ttft;
    times.tpot_s *= point->simulated.tpot;
    times.tok_s = load.n_users / (times.tpot_s + times.ttft_s / load.output_tok);
    const double said = point->measure == TS_CLASS_TTFT     ? times.ttft_s
                        : point->measure == TS_CLASS_RATE   ? times.tok_s
                        : point->measure == TS_CLASS_JOULES ? point->power_w / times.tok_s
                        : point->is_gap                     ? times.gap_s
                                                            : times.tpot_s;
    return said / point->recorded;
}
