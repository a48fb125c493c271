/* tiersim curve front STUDY.db: the points of a study that no other beats in everything. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/draw_chart.h"
#include "app/print_table.h"
#include "app/study_words.h"
#include "base/file.h"
#include "reports/chart.h"
#include "reports/gnuplot.h"
#include "study/pareto.h"

enum { MOST_GOALS = 8, MOST_SHOWN = 20 };

struct front_args {
    const char *study, *out;
    struct ts_option_texts goals;
};

static const struct front_args defaults = {.study = NULL};

static const char *const usual[] = {"cost.total", "e2e.p95", "max:quality.mean", "energy_use.total"};
enum { N_USUAL = sizeof usual / sizeof usual[0] };

static const struct ts_option options[] = {
    {TS_INTO(struct front_args, study), "STUDY.db", "a study of `tiersim sweep`", .operand = TS_NEEDED},
    {"goal", 'g', TS_INTO(struct front_args, goals), "FIGURE",
     "a figure to compare, e.g. cost.total or max:quality.mean (repeatable, at most 8; default: cost, E2E p95, quality "
     "and energy)"},
    {"out", 'o', TS_INTO(struct front_args, out), "FOLDER",
     "where front.csv, front.svg and front.png go (default: beside the study, its name and -front)"},
};

struct job {
    const struct front_args *args;
    struct ts_arena *arena;
    struct ts_study_db *db;
    struct ts_study_goal goals[MOST_GOALS];
    uint32_t n_goals;
    struct ts_study_place *places; /* [n] */
    bool *kept, *front;            /* [n] it keeps the SLO and all limits */
    double *figures;               /* [n][n_goals] as they are */
    uint32_t n, n_kept;
};

/* ---- what is weighed ---- */

static enum ts_status read_goals(struct job *job, struct ts_diags *diags)
{
    const struct ts_option_texts *written = &job->args->goals;
    const size_t n = written->n > 0 ? written->n : N_USUAL;
    if (n > MOST_GOALS) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "more than %d figures to compare", MOST_GOALS);
    }
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < n; i++) {
        status = ts_words_goal(&job->goals[job->n_goals++], written->n > 0 ? written->items[i] : usual[i], job->arena,
                               diags);
    }
    return status;
}

/* Points that are done, and of these the ones that keep everything. */
static enum ts_status list_points(struct job *job, struct ts_diags *diags)
{
    static const struct ts_study_goal arrived = {.subject = "all", .name = "arrived", .stat = "sum"};
    struct ts_study_counts counts;
    enum ts_status status = ts_study_db_counts(&counts, job->db, diags);
    if (status != TS_OK) {
        return status;
    }
    const size_t cap = (size_t)counts.n_done + 1;
    struct ts_study_place *eligible = ts_arena_array(job->arena, cap, sizeof *eligible);
    bool *is_eligible = ts_arena_array(job->arena, (size_t)counts.n_design + 1, sizeof *is_eligible);
    job->places = ts_arena_array(job->arena, cap, sizeof *job->places);
    job->kept = ts_arena_array(job->arena, cap, sizeof *job->kept);
    job->front = ts_arena_array(job->arena, cap, sizeof *job->front);
    job->figures = ts_arena_array(job->arena, cap * job->n_goals, sizeof *job->figures);
    if (job->arena->failed) {
        return TS_ENOMEM;
    }
    status = ts_study_db_best(eligible, &job->n_kept, counts.n_done, job->db, &arrived, true, diags);
    if (status == TS_OK) {
        status = ts_study_db_best(job->places, &job->n, counts.n_done, job->db, &arrived, false, diags);
    }
    for (uint32_t i = 0; status == TS_OK && i < job->n_kept; i++) {
        is_eligible[eligible[i].position] = true;
    }
    for (uint32_t i = 0; status == TS_OK && i < job->n; i++) {
        job->kept[i] = is_eligible[job->places[i].position];
    }
    return status;
}

static enum ts_status read_figures(struct job *job)
{
    enum ts_status status = TS_OK;
    for (uint32_t i = 0; i < job->n; i++) {
        for (uint32_t g = 0; status == TS_OK && g < job->n_goals; g++) {
            const struct ts_study_goal *goal = &job->goals[g];
            status = ts_study_db_figure(&job->figures[(size_t)i * job->n_goals + g], job->db, job->places[i].position,
                                        goal->subject, goal->name, goal->stat);
        }
    }
    return status;
}

/* A figure that no point has decides nothing: what was asked for is a mistake, what is usual is left out. */
static enum ts_status drop_empty(struct job *job, struct ts_diags *diags)
{
    const uint32_t n_read = job->n_goals;
    uint32_t kept[MOST_GOALS], n = 0;
    for (uint32_t g = 0; g < n_read; g++) {
        bool any = false;
        for (uint32_t i = 0; i < job->n && !any; i++) {
            any = !isnan(job->figures[(size_t)i * n_read + g]);
        }
        if (any) {
            kept[n++] = g;
        } else if (job->args->goals.n > 0) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), "leave it out", "no point of %s has the figure %s",
                           job->args->study, job->args->goals.items[g]);
        }
    }
    if (n == 0) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(job->args->study), "run `tiersim sweep`",
                       "it has no finished point");
    }
    for (uint32_t i = 0; i < job->n; i++) {
        for (uint32_t k = 0; k < n; k++) {
            job->figures[(size_t)i * n + k] = job->figures[(size_t)i * n_read + kept[k]];
        }
    }
    for (uint32_t k = 0; k < n; k++) {
        job->goals[k] = job->goals[kept[k]];
    }
    job->n_goals = n;
    return TS_OK;
}

/* Of the points that keep everything; of all where none does. */
static enum ts_status find_front(struct job *job)
{
    const uint32_t m = job->n_goals;
    double *values = ts_arena_array(job->arena, (size_t)job->n * m + 1, sizeof *values);
    for (uint32_t i = 0; values && i < job->n; i++) {
        const bool counts = job->kept[i] || job->n_kept == 0;
        for (uint32_t g = 0; g < m; g++) {
            const double figure = job->figures[(size_t)i * m + g];
            values[(size_t)i * m + g] = !counts ? NAN : job->goals[g].most ? -figure : figure;
        }
    }
    return values ? ts_pareto_front(job->front, values, job->n, m) : TS_ENOMEM;
}

/* ---- CSV and terminal ---- */

static void put_figure_columns(struct ts_table *table, const struct job *job)
{
    for (uint32_t g = 0; g < job->n_goals; g++) {
        struct ts_text header;
        ts_text_init(&header);
        ts_words_put_goal(&header, &job->goals[g]);
        ts_table_column(table, header.data, true);
        ts_text_deinit(&header);
    }
}

static enum ts_status put_settings(struct ts_table *table, const struct job *job, uint32_t i)
{
    struct ts_text settings;
    ts_text_init(&settings);
    const enum ts_status status = ts_study_db_put_settings(&settings, job->db, job->places[i].position);
    ts_table_put(table, settings.data);
    ts_text_deinit(&settings);
    return status;
}

static enum ts_status write_csv(const struct job *job, const char *dir, struct ts_diags *diags)
{
    struct ts_table *table = ts_table_create(NULL);
    struct ts_text text;
    enum ts_status status = TS_OK;
    ts_table_column(table, "point", true);
    ts_table_column(table, "settings", false);
    put_figure_columns(table, job);
    ts_table_column(table, "kept", false);
    ts_table_column(table, "front", false);
    for (uint32_t i = 0; status == TS_OK && i < job->n; i++) {
        ts_table_row(table);
        ts_table_putf(table, "%u", job->places[i].position);
        status = put_settings(table, job, i);
        for (uint32_t g = 0; g < job->n_goals; g++) {
            ts_table_num(table, job->figures[(size_t)i * job->n_goals + g], 6);
        }
        ts_table_put(table, job->kept[i] ? "yes" : "no");
        ts_table_put(table, job->front[i] ? "yes" : "no");
    }
    ts_text_init(&text);
    status = status == TS_OK ? ts_table_render(table, TS_TABLE_CSV, &text) : status;
    status = status == TS_OK ? ts_file_write_text(dir, "front.csv", &text, diags) : status;
    ts_text_deinit(&text);
    ts_table_destroy(table);
    return status;
}

static void put_formatted(struct ts_table *table, double value, const struct ts_study_goal *goal)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_metric_format(&text, value, ts_metric_find(goal->name, goal->stat)->unit);
    ts_table_put(table, text.data);
    ts_text_deinit(&text);
}

static enum ts_status print_front(const struct job *job, uint32_t n_front)
{
    struct ts_text title;
    ts_text_init(&title);
    ts_text_printf(
        &title, "%u of %u points%s are dominated by no other", n_front, job->n_kept > 0 ? job->n_kept : job->n,
        job->n_kept > 0 ? " that keep the SLO and all limits" : ", NONE of which keeps the SLO and all limits,");
    struct ts_table *table = ts_table_create(title.data);
    ts_text_deinit(&title);
    enum ts_status status = TS_OK;
    uint32_t n = 0;
    ts_table_column(table, "point", true);
    ts_table_column(table, "settings", false);
    put_figure_columns(table, job);
    for (uint32_t i = 0; status == TS_OK && i < job->n && n < MOST_SHOWN; i++) {
        if (job->front[i]) {
            n++;
            ts_table_row(table);
            ts_table_putf(table, "%u", job->places[i].position);
            status = put_settings(table, job, i);
            for (uint32_t g = 0; g < job->n_goals; g++) {
                put_formatted(table, job->figures[(size_t)i * job->n_goals + g], &job->goals[g]);
            }
        }
    }
    if (status != TS_OK) {
        ts_table_destroy(table);
        return status;
    }
    status = ts_print_table(table, TS_TABLE_TEXT);
    if (n_front > n) {
        printf("%u more: front.csv\n", n_front - n);
    }
    return status;
}

/* ---- the chart: the first two figures, the third as a colour ---- */

static void put_axis(struct ts_text *gp, const char *axis, const struct ts_study_goal *goal)
{
    struct ts_text name;
    ts_text_init(&name);
    ts_words_put_goal(&name, goal);
    ts_text_printf(&name, ", %s%s", ts_metric_find(goal->name, goal->stat)->unit,
                   goal->most ? " (more is better)" : "");
    ts_text_printf(gp, "set %slabel ", axis);
    ts_gnuplot_quote(gp, name.data);
    ts_text_puts(gp, "\n");
    ts_text_deinit(&name);
}

static void put_block(struct ts_text *dat, const struct job *job, bool front)
{
    for (uint32_t i = 0; i < job->n; i++) {
        if (job->front[i] == front) {
            for (uint32_t g = 0; g < job->n_goals && g < 3; g++) {
                ts_chart_put(dat, job->figures[(size_t)i * job->n_goals + g], " ");
            }
            ts_text_puts(dat, "\n");
        }
    }
    ts_text_puts(dat, front ? "" : "NaN NaN NaN\n\n\n");
}

static enum ts_status draw(const struct job *job, const char *dir, struct ts_diags *diags)
{
    struct ts_text dat, gp;
    ts_text_init(&dat);
    ts_text_init(&gp);
    put_block(&dat, job, false);
    put_block(&dat, job, true);
    ts_chart_begin(&gp, "front", "Points that no other dominates");
    ts_text_puts(&gp, "set grid xtics ytics linecolor rgb '" TS_CHART_GRID
                      "' linewidth 1 linetype 1\nset offsets graph 0.05, graph 0.05, graph 0.05, graph 0.05\n");
    put_axis(&gp, "x", &job->goals[0]);
    put_axis(&gp, "y", &job->goals[1]);
    if (job->n_goals > 2) {
        put_axis(&gp, "cb", &job->goals[2]);
        ts_text_puts(&gp, "set rmargin 14\nset palette defined (0 '#F0E442', 0.5 '#009E73', 1 '#0072B2')\n");
    }
    ts_text_printf(&gp,
                   "plot 'front.dat' index 0 using 1:2 with points pointtype 7 pointsize 0.5 linecolor rgb '#bbbbbb' "
                   "title 'others', \\\n     '' index 1 using %s with points pointtype 7 pointsize 1.1 %s title "
                   "'front'\n",
                   job->n_goals > 2 ? "1:2:3" : "1:2",
                   job->n_goals > 2 ? "linecolor palette" : "linecolor rgb '#0072B2'");
    ts_chart_end(&gp, "front");
    const enum ts_status status = ts_draw_chart(dir, "front", &dat, &gp, diags);
    ts_text_deinit(&dat);
    ts_text_deinit(&gp);
    return status;
}

/* ---- the whole ---- */

static enum ts_status tell(const struct job *job, struct ts_diags *diags)
{
    const char *stem = ts_words_study_stem(job->args->study, "", job->arena);
    const char *dir = job->args->out ? job->args->out : stem ? ts_arena_printf(job->arena, "%s-front", stem) : NULL;
    uint32_t n_front = 0;
    for (uint32_t i = 0; i < job->n; i++) {
        n_front += job->front[i];
    }
    enum ts_status status = dir ? ts_mkdirs(dir, diags) : TS_ENOMEM;
    if (status == TS_OK) {
        status = write_csv(job, dir, diags);
    }
    if (status == TS_OK && job->n_goals > 1) {
        status = draw(job, dir, diags);
    }
    if (status == TS_OK) {
        status = print_front(job, n_front);
        printf("all of it in %s/\n", dir);
    }
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    struct job *job = ts_arena_alloc(arena, sizeof *job);
    if (!job) {
        return TS_ENOMEM;
    }
    job->args = untyped;
    job->arena = arena;
    enum ts_status status = read_goals(job, diags);
    if (status == TS_OK) {
        status = ts_study_db_open_old(&job->db, job->args->study, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    status = list_points(job, diags);
    status = status == TS_OK ? read_figures(job) : status;
    status = status == TS_OK ? drop_empty(job, diags) : status;
    status = status == TS_OK ? find_front(job) : status;
    status = status == TS_OK ? tell(job, diags) : status;
    ts_study_db_close(job->db);
    return status;
}

const struct ts_command ts_command_curve_front = {
    .name = "curve front",
    .summary = "The Pareto front of a study in cost, latency, quality and energy",
    .examples = "  tiersim curve front out/hybrid-enterprise-study.db\n"
                "  tiersim curve front study.db --goal cost.total --goal edge.ttft.p95 --goal max:quality.mean\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
