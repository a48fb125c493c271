/* tiersim curve capacity SCENARIO: how many calls each design takes within the SLO, against what it costs. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/curve_volume.h"
#include "app/draw_chart.h"
#include "app/interrupt.h"
#include "app/load_scenario.h"
#include "app/print_table.h"
#include "app/progress_line.h"
#include "app/study_words.h"
#include "base/file.h"
#include "base/run_info.h"
#include "reports/chart.h"
#include "reports/gnuplot.h"
#include "study/capacity_curve.h"

struct capacity_args {
    struct ts_scenario_args scenario;
    const char *out, *capacity;
    uint32_t threads;
    bool quiet;
};

static const struct capacity_args defaults = {.capacity = "quick"};

static const struct ts_option options[] = {
    {TS_INTO(struct capacity_args, scenario.path), "SCENARIO", "a scenario file, e.g. scenarios/hybrid-enterprise.yaml",
     .operand = TS_NEEDED},
    {"set", 's', TS_INTO(struct capacity_args, scenario.sets), "KEY=VALUES",
     "designs: 1,2,4 or 1:8:1; the last axis runs along the lines of the chart; or one value for all (repeatable)"},
    TS_OPTION_TRACE(struct capacity_args, scenario.trace),
    TS_OPTION_MEASUREMENT(struct capacity_args, scenario),
    {"capacity", 0, TS_INTO(struct capacity_args, capacity), "EFFORT",
     "how closely the volume is determined: quick (5 %) or full (2 %)"},
    {"out", 'o', TS_INTO(struct capacity_args, out), "FOLDER",
     "where capacity.csv, capacity.svg and capacity.png go (default: out/ and the scenario's name)"},
    TS_OPTION_THREADS(struct capacity_args, threads),
    TS_OPTION_QUIET(struct capacity_args, quiet),
};

struct job {
    const struct capacity_args *args;
    struct ts_arena *arena;
    struct ts_scenario_args once; /* what is set for all designs */
    struct ts_design_spec words;
    struct ts_design design;
    struct ts_capacity_point *points; /* [design.n] */
    struct ts_loaded_base loaded;
    struct ts_progress_line line;
};

static const struct ts_model *model_of(const struct job *job)
{
    return &job->loaded.scenario.model;
}

/* "4" of "tiers.edge.replicas=4". */
static const char *value_of(const struct job *job, uint32_t point, uint32_t axis)
{
    return strchr(ts_design_point(&job->design, point)[axis], '=') + 1;
}

/* ---- tables ---- */

static void put_headers(struct ts_table *table, const struct job *job, bool whole)
{
    const char *currency = ts_model_currency(model_of(job));
    for (uint32_t a = 0; a < job->words.n_axes; a++) {
        ts_table_column(table, job->words.axes[a].key, false);
    }
    ts_table_column(table, whole ? "calls_per_day" : "calls a day", true);
    const char *const per[] = {whole ? "_per_month" : "/month", whole ? "_per_mtok" : "/Mtok"};
    for (size_t i = 0; i < sizeof per / sizeof per[0]; i++) {
        struct ts_text header;
        ts_text_init(&header);
        ts_text_printf(&header, "%s%s", currency, per[i]);
        ts_table_column(table, header.data, true);
        ts_text_deinit(&header);
    }
    ts_table_column(table, whole ? "kwh_per_mtok" : "kWh/Mtok", true);
    ts_table_column(table, whole ? "attainment" : "within SLO", true);
    if (whole) {
        ts_table_column(table, "volume", true);
    }
    ts_table_column(table, whole ? "then" : "beyond that", false);
}

static void put_end(struct ts_table *table, const struct job *job, const struct ts_capacity_point *point)
{
    if (point->why_not) {
        ts_table_put(table, point->why_not);
    } else {
        ts_table_putf(table, "%s: %s", model_of(job)->tiers[point->tier].name, ts_report_bound_word(point->bound));
    }
}

static void put_point(struct ts_table *table, const struct job *job, uint32_t i, bool whole)
{
    const struct ts_capacity_point *point = &job->points[i];
    struct ts_text text;
    ts_table_row(table);
    for (uint32_t a = 0; a < job->words.n_axes; a++) {
        ts_table_put(table, value_of(job, i, a));
    }
    if (point->why_not) {
        for (int skipped = whole ? 6 : 5; skipped > 0; skipped--) {
            ts_table_num(table, NAN, 3);
        }
        put_end(table, job, point);
        return;
    }
    ts_text_init(&text);
    if (whole) {
        ts_table_num(table, point->calls_per_day, 6);
    } else {
        ts_curve_put_volume(&text, point->calls_per_day, 3);
        ts_table_put(table, text.data);
    }
    ts_table_num(table, point->usd_per_month, 5);
    ts_table_num(table, point->usd_per_mtok, 3);
    ts_table_num(table, point->kwh_per_mtok, 3);
    if (whole) {
        ts_table_num(table, point->attainment_frac, 4);
        ts_table_num(table, point->volume, 4);
    } else {
        ts_text_clear(&text);
        ts_metric_format(&text, point->attainment_frac, "frac");
        ts_table_put(table, text.data);
    }
    put_end(table, job, point);
    ts_text_deinit(&text);
}

static struct ts_table *table_of(const struct job *job, bool whole)
{
    struct ts_table *table =
        ts_table_create(whole ? NULL : "At the volume up to which servers keep the SLO in the busiest hour");
    put_headers(table, job, whole);
    for (uint32_t i = 0; i < job->design.n; i++) {
        put_point(table, job, i, whole);
    }
    return table;
}

static enum ts_status write_csv(const struct job *job, const char *dir, struct ts_diags *diags)
{
    struct ts_table *table = table_of(job, true);
    struct ts_text text;
    ts_text_init(&text);
    enum ts_status status = table ? ts_table_render(table, TS_TABLE_CSV, &text) : TS_ENOMEM;
    if (status == TS_OK) {
        status = ts_file_write_text(dir, "capacity.csv", &text, diags);
    }
    ts_text_deinit(&text);
    ts_table_destroy(table);
    return status;
}

/* ---- the chart: a line for each choice on all axes but the last ---- */

static uint32_t per_line(const struct job *job)
{
    return job->words.n_axes > 0 ? job->words.axes[job->words.n_axes - 1].n : 1;
}

static bool is_drawn(const struct ts_capacity_point *point)
{
    return !point->why_not && point->calls_per_day > 0.0 && point->usd_per_month > 0.0;
}

/* The value on the last axis, at each point. */
static void put_labels(struct ts_text *gp, const struct job *job)
{
    for (uint32_t i = 0; job->words.n_axes > 0 && i < job->design.n; i++) {
        const struct ts_capacity_point *point = &job->points[i];
        if (is_drawn(point)) {
            ts_text_puts(gp, "set label ");
            ts_gnuplot_quote(gp, value_of(job, i, job->words.n_axes - 1));
            ts_text_puts(gp, " at ");
            ts_chart_put(gp, point->usd_per_month, ",");
            ts_chart_put(gp, point->calls_per_day / 1000.0,
                         " right offset -0.6,0.5 font 'sans-serif,12' textcolor rgb '" TS_CHART_INK "' front\n");
        }
    }
}

/* "accelerators=2, quant=FP8" */
static void put_title(struct ts_text *gp, const struct job *job, uint32_t first)
{
    struct ts_text title;
    ts_text_init(&title);
    for (uint32_t a = 0; a + 1 < job->words.n_axes; a++) {
        const char *setting = ts_design_point(&job->design, first)[a], *dot = setting;
        for (const char *at = setting; *at != '='; at++) {
            dot = *at == '.' ? at + 1 : dot;
        }
        ts_text_printf(&title, "%s%s", a > 0 ? ", " : "", dot);
    }
    ts_gnuplot_quote(gp, title.data);
    ts_text_deinit(&title);
}

static void put_data(struct ts_text *dat, const struct job *job)
{
    ts_text_puts(dat, "# cost a month, 1,000 calls a day, cost of a million tokens, kWh of a million tokens\n");
    for (uint32_t i = 0; i < job->design.n; i++) {
        const struct ts_capacity_point *point = &job->points[i];
        if (is_drawn(point)) {
            ts_chart_put(dat, point->usd_per_month, " ");
            ts_chart_put(dat, point->calls_per_day / 1000.0, " ");
            ts_chart_put(dat, point->usd_per_mtok, " ");
            ts_chart_put(dat, point->kwh_per_mtok, "\n");
        }
        ts_text_puts(dat, (i + 1) % per_line(job) == 0 ? "NaN NaN NaN NaN\n\n\n" : "");
    }
}

static void put_lines(struct ts_text *gp, const struct job *job)
{
    const uint32_t n = per_line(job);
    for (uint32_t l = 0; l < job->design.n / n; l++) {
        const char *colour = ts_chart_colour(l);
        ts_text_printf(gp,
                       "%s'capacity.dat' index %u using 1:2 with linespoints pointtype 7 pointsize 0.7 linewidth 2.4 "
                       "linecolor rgb '%s' title ",
                       l == 0 ? "plot " : ", \\\n     ", l, colour);
        put_title(gp, job, l * n);
        ts_text_printf(gp,
                       ", \\\n     '' index %u using 1:3 axes x1y2 with lines dashtype (6,3) linewidth 1.4 linecolor "
                       "rgb '%s' notitle, \\\n     '' index %u using 1:4 axes x1y2 with lines dashtype (2,3) "
                       "linewidth 1.4 linecolor rgb '%s' notitle",
                       l, colour, l, colour);
    }
    ts_text_puts(gp, "\n");
}

static enum ts_status draw(const struct job *job, const char *dir, struct ts_diags *diags)
{
    const char *currency = ts_model_currency(model_of(job));
    struct ts_text dat, gp;
    ts_text_init(&dat);
    ts_text_init(&gp);
    ts_chart_begin(&gp, "capacity", "Calls a day within the SLO, against cost");
    ts_text_printf(&gp,
                   "set xrange [0:*]\nset yrange [0:*]\nset y2range [0:*]\nset border 11\nset rmargin 10\n"
                   "set y2tics nomirror out\nset format x '%%.0f'\nset xlabel '%s a month'\n"
                   "set ylabel '1,000 calls a day at the SLO'\n"
                   "set y2label 'of a million tokens: %s (dashed), kWh (dotted)' textcolor rgb '" TS_CHART_INK "'\n",
                   currency, currency);
    put_labels(&gp, job);
    put_data(&dat, job);
    put_lines(&gp, job);
    ts_chart_end(&gp, "capacity");
    const enum ts_status status = ts_draw_chart(dir, "capacity", &dat, &gp, diags);
    ts_text_deinit(&dat);
    ts_text_deinit(&gp);
    return status;
}

/* ---- the whole ---- */

static enum ts_status tell(const struct job *job, struct ts_diags *diags)
{
    const char *dir = ts_words_folder(job->args->out, model_of(job)->name, "capacity", job->arena);
    bool any = false;
    for (uint32_t i = 0; i < job->design.n; i++) {
        any = any || is_drawn(&job->points[i]);
    }
    enum ts_status status = dir ? ts_mkdirs(dir, diags) : TS_ENOMEM;
    if (status == TS_OK) {
        status = write_csv(job, dir, diags);
    }
    if (status == TS_OK && any) {
        status = draw(job, dir, diags);
    }
    if (status == TS_OK) {
        status = ts_print_table(table_of(job, false), TS_TABLE_TEXT);
        printf("all of it in %s/\n", dir);
    }
    return status;
}

static enum ts_status find(struct job *job, enum ts_capacity_effort effort, struct ts_diags *diags)
{
    const struct ts_capacity_curve_spec spec = {.base = &job->loaded.base,
                                                .design = &job->design,
                                                .effort = effort,
                                                .n_threads =
                                                    job->args->threads ? job->args->threads : ts_run_info_cpus(),
                                                .progress = ts_progress_line_of(&job->line)};
    enum ts_status status = ts_design_make(&job->design, &job->words, job->arena, diags);
    if (status == TS_OK) {
        job->points = ts_arena_array(job->arena, job->design.n, sizeof *job->points);
        status = job->points ? TS_OK : TS_ENOMEM;
    }
    if (status == TS_OK) {
        ts_interrupt_arm();
        status = ts_capacity_curve(job->points, &spec, job->arena, diags);
    }
    ts_progress_line_end(&job->line);
    return status == TS_OK ? tell(job, diags) : status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    struct job *job = ts_arena_alloc(arena, sizeof *job);
    enum ts_capacity_effort effort = TS_CAPACITY_QUICK;
    if (!job) {
        return TS_ENOMEM;
    }
    job->args = untyped;
    job->arena = arena;
    job->line.quiet = job->args->quiet;
    job->once = job->args->scenario;
    enum ts_status status = ts_words_effort(&effort, job->args->capacity, false, diags);
    if (status == TS_OK) {
        status = ts_words_axes(&job->words, &job->once.sets, &job->args->scenario.sets, arena, diags);
    }
    if (status == TS_OK) {
        status = ts_load_base(&job->loaded, &job->once, "replications=1", diags);
    }
    if (status == TS_OK) {
        status = find(job, effort, diags);
        ts_loaded_base_deinit(&job->loaded);
    }
    return status;
}

const struct ts_command ts_command_curve_capacity = {
    .name = "curve capacity",
    .summary = "Calls that designs handle within the SLO, against their cost",
    .examples = "  tiersim curve capacity scenarios/hybrid-enterprise.yaml --set tiers.edge.replicas=1,2,4,8\n"
                "  tiersim curve capacity scenarios/hybrid-enterprise.yaml --set 'tiers.edge.hardware=H100 SXM,L40S' "
                "--set tiers.edge.owned.capex=null --set tiers.edge.replicas=1:8:*2\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
