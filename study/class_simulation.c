/* Hides the scenario of a recording. Users, lengths and budget are the recording's, everything else is as the language
 * has it by default; the cache has 8 bits where users find no room for one of 16. Lengths are drawn evenly from a range
 * `spread` of their mean wide. What a benchmark held requests back for (wait_steps) is no key of a scenario: both sides
 * of the comparison are without it. */
#include "study/class_simulation.h"

#include <math.h>
#include <string.h>

#include "study/text_trial.h"

enum { REQUESTS_PER_USER = 10 };

static void put_length(struct ts_text *out, const char *name, double mean, double spread)
{
    if (spread > 0.0) {
        ts_text_printf(out, ", %s: {uniform: {low: %.1f tok, high: %.1f tok}}", name, mean * (1.0 - spread / 2.0),
                       mean * (1.0 + spread / 2.0));
    } else {
        ts_text_printf(out, ", %s: %.0f tok", name, mean);
    }
}

static double whole_users(const struct ts_serving *from)
{
    return fmax(1.0, round(from->users));
}

static void put_scenario(struct ts_text *out, const struct ts_class_point *point)
{
    const struct ts_serving *from = point->from;
    const double users = whole_users(from);
    ts_text_printf(out,
                   "scenario: recorded\nworkload:\n  users: %.0f\n  requests: %.0f\n  classes:\n    - {name: chat, "
                   "share: 100 %%",
                   users, fmax(2.0, REQUESTS_PER_USER * users));
    put_length(out, "prompt", point->load.prompt_tok, from->spread);
    put_length(out, "output", point->load.output_tok, from->spread);
    ts_text_printf(
        out,
        "}\ntiers:\n  servers:\n    kind: server\n    hardware: %s\n    accelerators: %u\n    data_parallel: "
        "%u\n    model: %s\n    quant: %s\n    engine: %s\n    ability: 0\n    kv: %s\n    scheduler: "
        "{sequences: %.0f, batched_tokens: %.0f}\nsimulation: {patience: 0 s}\n",
        from->hardware, from->n_accelerators, from->data_parallel, from->model, from->quant, from->engine,
        point->small_cache ? "fp8" : "fp16", users, from->budget_tok);
}

static struct ts_closed_loop_times in_closed_form(const struct ts_class_point *point, const struct ts_catalog *catalog)
{
    const struct ts_chip *chip = ts_catalog_chip(catalog, point->from->hardware);
    const struct ts_engine_cost *engine = &catalog->engines[point->engine];
    const struct ts_efficiency *row = ts_efficiency_find(catalog, chip->class_name, engine->group);
    struct ts_efficiency_case on = point->on;
    struct ts_closed_loop load = point->load;
    load.n_users = whole_users(point->from);
    load.wait_steps -= point->from->wait_steps;
    load.first_s = ts_class_point_first_s(point, engine);
    on.kv_bytes_per_tok *= point->small_cache ? 0.5 : 1.0;
    const struct ts_steps_model steps = ts_efficiency_steps(row, engine, &on);
    return ts_closed_loop(&steps, &load);
}

/* A scenario that is refused leaves it as it is. */
static enum ts_status compare(struct ts_class_point *point, const struct ts_catalog *catalog)
{
    struct ts_text_trial trial;
    struct ts_text text;
    ts_text_init(&text);
    put_scenario(&text, point);
    const enum ts_status status = ts_text_trial_run(&trial, "recorded", &text, NULL);
    ts_text_deinit(&text);
    if (status != TS_OK) {
        return status == TS_ENOMEM ? TS_ENOMEM : TS_OK;
    }
    const struct ts_hist *latency_ns = trial.cell->latency_ns;
    const struct ts_closed_loop_times said = in_closed_form(point, catalog);
    const double first_s = ts_class_point_first_s(point, &catalog->engines[point->engine]);
    point->simulated.tpot = 1e-9 * ts_hist_mean(&latency_ns[TS_TPOT]) / said.tpot_s;
    point->simulated.ttft = (1e-9 * ts_hist_mean(&latency_ns[TS_TTFT]) - first_s) / (said.ttft_s - first_s);
    ts_text_trial_deinit(&trial);
    return TS_OK;
}

enum ts_status ts_class_points_simulate(struct ts_class_points *points, const struct ts_catalog *catalog,
                                        struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < points->n && status == TS_OK; i++) {
        struct ts_class_point *point = &points->points[i];
        const struct ts_class_point *before = i > 0 ? point - 1 : NULL;
        if (before && before->from == point->from) { /* a recording's measures follow each other */
            point->simulated = before->simulated;
        } else if (point->from) {
            status = compare(point, catalog);
        }
    }
    return status == TS_OK ? TS_OK : ts_fail(diags, status, ts_span_none(), NULL, "recordings were not simulated");
}
