/* Hides what counts as a figure: not how many events the simulator took, nor what the manifest says of assumptions. */
#include "tests/scenarios/every_key_outcome.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "reports/report_parts.h"
#include "scenarios/language/scenario.h"
#include "study/quality_ahead.h"
#include "study/replicate.h"

enum { MAX_SETS_OF_TRIAL = 8, MAX_PATH = 256 };

void outcome_deinit(struct outcome *outcome)
{
    ts_text_deinit(&outcome->figures);
    ts_text_deinit(&outcome->words);
    ts_text_deinit(&outcome->keys);
    ts_text_deinit(&outcome->said);
}

static void put_figure(struct ts_text *out, double value)
{
    ts_text_puts(out, " ");
    if (isnan(value)) {
        ts_text_puts(out, "-");
    } else {
        ts_text_double(out, value);
    }
}

/* How many events the simulator took is no figure of the system that it simulates. */
static void put_metrics(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_figure_list *list = &report->list;
    for (uint32_t i = 0; i < list->n; i++) {
        if (!ts_str_equal(list->metrics[i]->name, "events")) {
            ts_text_printf(out, "\n%s,%s", list->metrics[i]->name, list->metrics[i]->stat);
            put_figure(out, report->values[i]);
        }
    }
}

static void put_series(struct ts_text *out, const struct ts_result *result)
{
    ts_text_printf(out, "\n%u bins of", result->n_bins);
    put_figure(out, result->bin_s);
    for (uint32_t tier = 0; tier < result->n_tiers; tier++) {
        for (uint32_t bin = 0; bin < result->n_bins; bin++) {
            put_figure(out, result->tiers[tier].power_w[bin]);
            put_figure(out, result->tiers[tier].busy[bin]);
        }
    }
}

static void put_plan(struct ts_text *out, const struct ts_econ *econ)
{
    ts_text_puts(out, econ->unpays ? "\nplan unpays" : "\nplan");
    for (uint32_t month = 0; month <= econ->n_months; month++) {
        put_figure(out, econ->plan_usd[month]);
        put_figure(out, econ->baseline_usd[month]);
    }
}

static void put_figures(struct ts_text *out, const struct ts_report_input *input)
{
    struct ts_report *report = NULL;
    assert_int_equal(ts_report_create(&report, input), TS_OK);
    put_metrics(out, report);
    put_plan(out, input->econ);
    put_series(out, input->result);
    for (size_t i = 0; i < report->n_verdicts; i++) {
        ts_text_printf(out, "\n%s %s", report->verdicts[i].key, report->verdicts[i].met ? "kept" : "missed");
    }
    for (size_t i = 0; i < report->n_recorded; i++) {
        ts_text_printf(out, "\n%s,%s", report->recorded[i].key, report->recorded[i].stat);
        put_figure(out, report->recorded[i].error_frac);
    }
    ts_report_destroy(report);
}

/* Names and sources: what the report calls things. */
static void put_words(struct ts_text *out, const struct ts_model *model)
{
    ts_text_printf(out, "%s\n%s\n", model->name, model->description);
    for (uint32_t c = 0; c < model->n_classes; c++) {
        ts_text_printf(out, "%s\n", model->class_names[c]);
    }
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        ts_text_printf(out, "%s, %s, %s\n", model->tiers[i].name, model->tiers[i].hardware, model->tiers[i].model);
        for (uint32_t p = 0; model->tiers[i].kind == TS_TIER_SERVER && p < ts_tier_n_pools(&model->tiers[i]); p++) {
            ts_text_printf(out, "%s\n", model->tiers[i].u.server.pools[p].name);
        }
        for (uint32_t k = 0; model->tiers[i].kind == TS_TIER_SERVER && k < model->tiers[i].u.server.n_kv_levels; k++) {
            ts_text_printf(out, "%s\n", model->tiers[i].u.server.kv_levels[k].name);
        }
    }
    for (size_t i = 0; i < model->n_assumptions; i++) {
        ts_text_printf(out, "%s\n", model->assumptions[i].source);
    }
    ts_text_printf(out, "%s %u\n", ts_model_currency(model), (unsigned)model->money.start_month);
    ts_text_puts(out, model->money.rates ? model->money.rates : "");
    ts_text_puts(out, model->recorded ? model->recorded->source : "");
}

static void put_axes(struct ts_text *out, const struct ts_axes *axes)
{
    for (uint32_t a = 0; a < axes->n; a++) {
        const struct ts_axis *axis = &axes->items[a];
        ts_text_printf(out, "%s %g %g\n", axis->key, axis->low, axis->high);
        for (uint32_t i = 0; i < axis->n; i++) {
            ts_text_printf(out, "%s\n", axis->settings[i]);
        }
    }
}

/* Of which points a sweep has, and a search. */
static void put_studies(struct ts_text *out, const struct ts_scenario *scenario)
{
    const struct ts_sweep_words *sweep = &scenario->sweep;
    ts_text_printf(out, "sweep %d %u %u\n", sweep->design, sweep->n_points, sweep->n_replications);
    put_axes(out, &sweep->axes);
    ts_text_puts(out, "search\n");
    put_axes(out, &scenario->search);
}

static void put_keys(struct ts_text *out, const struct ts_model *model)
{
    ts_text_puts(out, "\n");
    for (size_t i = 0; i < model->n_assumptions; i++) {
        ts_text_printf(out, "%s\n", model->assumptions[i].key);
    }
}

static void put_later(struct ts_text *out, const struct ts_scenario *scenario, struct ts_diags *diags)
{
    static const struct ts_progress nobody;
    struct ts_quality_months quality;
    struct ts_arena arena;
    ts_arena_init(&arena);
    assert_int_equal(ts_quality_ahead(&quality, scenario, 1, &nobody, &arena, diags), TS_OK);
    for (uint32_t month = 1; month <= quality.n_months; month++) {
        put_figure(out, quality.right_frac[month]);
    }
    ts_arena_deinit(&arena);
}

static void simulate(struct outcome *out, const struct ts_scenario *scenario, struct ts_diags *diags)
{
    struct ts_replications runs;
    struct ts_econ econ = {0};
    const struct ts_replicate_options options = {.n_replications = scenario->replications, .n_threads = 1};
    out->status = ts_replicate(&runs, scenario, &options, diags);
    if (out->status == TS_OK) {
        struct ts_model model = scenario->model;
        model.month_scale = ts_replications_month_scale(&runs, scenario);
        out->status = ts_econ_compute(&econ, &model, &runs.merged, NULL, diags);
    }
    if (out->status == TS_OK && ts_quality_improves(&scenario->model)) {
        put_later(&out->figures, scenario, diags);
    }
    if (out->status == TS_OK) {
        const struct ts_report_input input = {.model = &scenario->model, .result = &runs.merged, .econ = &econ};
        put_figures(&out->figures, &input);
        put_words(&out->words, &scenario->model);
        put_studies(&out->words, scenario);
        ts_econ_deinit(&econ);
    }
    ts_replications_deinit(&runs);
}

size_t every_key_divide(char *text, char **out, size_t cap)
{
    size_t n = 0;
    for (char *at = text; at && *at;) {
        char *bar = strchr(at, '|');
        if (bar) {
            *bar = '\0';
        }
        at += strspn(at, " ");
        for (size_t len = strlen(at); len > 0 && at[len - 1] == ' '; len--) {
            at[len - 1] = '\0';
        }
        assert_true(n < cap);
        out[n++] = at;
        at = bar ? bar + 1 : NULL;
    }
    return n;
}

void every_key_run(struct outcome *out, const char *fixture, const char *const parts[EVERY_KEY_PARTS])
{
    char text[EVERY_KEY_PARTS][EVERY_KEY_WORD];
    char *sets[EVERY_KEY_PARTS * MAX_SETS_OF_TRIAL];
    char path[MAX_PATH];
    size_t n = 0;
    for (size_t i = 0; i < EVERY_KEY_PARTS; i++) {
        assert_true(snprintf(text[i], EVERY_KEY_WORD, "%s", parts[i] ? parts[i] : "") < EVERY_KEY_WORD);
        n += every_key_divide(text[i], sets + n, MAX_SETS_OF_TRIAL);
    }
    snprintf(path, sizeof path, "%s.yaml", fixture);
    const struct ts_scenario_options options = {
        .sets = (const char *const *)sets, .n_sets = n, .measurement_path = "../../golden/measurement.json"};
    struct ts_diags diags;
    struct ts_scenario scenario;
    *out = (struct outcome){.status = TS_OK};
    ts_text_init(&out->figures);
    ts_text_init(&out->words);
    ts_text_init(&out->keys);
    ts_text_init(&out->said);
    ts_diags_init(&diags);
    out->status = ts_scenario_load(&scenario, path, &options, &diags);
    if (out->status == TS_OK) {
        put_keys(&out->keys, &scenario.model);
        simulate(out, &scenario, &diags);
        ts_scenario_deinit(&scenario);
    }
    ts_diags_render(&diags, &out->said);
    ts_diags_deinit(&diags);
}
