/* tiersim curve map STUDY.db: a figure of a study over two of its axes, as a heat map. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "app/draw_chart.h"
#include "app/study_words.h"
#include "base/file.h"
#include "reports/chart.h"
#include "reports/gnuplot.h"
#include "reports/table.h"
#include "study/study_db.h"

enum { MOST_AXES = 40, MOST_VALUES = 400, MOST_WRITTEN = 12, MOST_TICS = 12 };

struct map_args {
    const char *study, *x, *y, *goal, *out;
};

static const struct map_args defaults = {.goal = "cost.total"};

static const struct ts_option options[] = {
    {TS_INTO(struct map_args, study), "STUDY.db", "a study of `tiersim sweep`", .operand = TS_NEEDED},
    {"goal", 'g', TS_INTO(struct map_args, goal), "FIGURE",
     "figure to draw, e.g. cost.total or max:attainment.mean: with further axes the lowest (max: the highest) over "
     "them"},
    {"x", 'x', TS_INTO(struct map_args, x), "KEY", "the horizontal axis (default: the study's last)"},
    {"y", 'y', TS_INTO(struct map_args, y), "KEY", "the vertical axis (default: the last but one)"},
    {"out", 'o', TS_INTO(struct map_args, out), "FOLDER",
     "where map.csv, map.svg and map.png go (default: beside the study, its name and -map)"},
};

/* An axis of the study and the values that it has. */
struct axis {
    const char *key;
    const char *values[MOST_VALUES]; /* [n] in the order of the map */
    uint32_t n;
    bool is_number; /* all of them begin with one */
};

struct job {
    const struct map_args *args;
    struct ts_arena *arena;
    struct ts_study_db *db;
    struct ts_study_goal goal;
    struct ts_study_place *places; /* [n] */
    uint32_t n;
    struct axis x, y;
    double *cells; /* [y.n][x.n]; NaN: none */
};

/* ---- axes ---- */

static enum ts_status choose_axes(struct job *job, const char *const *settings, uint32_t n, struct ts_diags *diags)
{
    const char *names[2] = {job->args->x, job->args->y};
    struct axis *axes[2] = {&job->x, &job->y};
    for (uint32_t k = 0; k < 2; k++) {
        for (uint32_t a = n; a-- > 0 && !axes[k]->key;) {
            const char *key = settings[2 * (size_t)a];
            const bool taken =
                names[1 - k] ? ts_str_equal(key, names[1 - k]) : job->x.key && ts_str_equal(key, job->x.key);
            axes[k]->key = names[k] ? (ts_str_equal(key, names[k]) ? key : NULL) : taken ? NULL : key;
        }
        if (!axes[k]->key && names[k]) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), "the columns after `point` in its CSV are its axes",
                           "%s is no axis of %s", names[k], job->args->study);
        }
    }
    if (!job->x.key || !job->y.key || ts_str_equal(job->x.key, job->y.key)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "sweep two: --set a=1:8:1 --set b=0:2:0.5",
                       "a map needs two axes, %s has %s", job->args->study, n == 1 ? "one" : "not two of these");
    }
    return TS_OK;
}

static bool begins_with_number(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && isfinite(*out);
}

static int by_number(const void *a, const void *b)
{
    double x = 0.0, y = 0.0;
    (void)begins_with_number(*(const char *const *)a, &x);
    (void)begins_with_number(*(const char *const *)b, &y);
    return (x > y) - (x < y);
}

static enum ts_status note_value(struct axis *axis, const char *value, struct ts_diags *diags)
{
    double number;
    for (uint32_t i = 0; i < axis->n; i++) {
        if (ts_str_equal(axis->values[i], value)) {
            return TS_OK;
        }
    }
    if (axis->n == MOST_VALUES) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "take a grid of fewer", "%s has more than %d values",
                       axis->key, MOST_VALUES);
    }
    axis->is_number = (axis->n == 0 || axis->is_number) && begins_with_number(value, &number);
    axis->values[axis->n++] = value;
    return TS_OK;
}

static const char *setting_of(const char *const *settings, uint32_t n, const char *key)
{
    for (uint32_t a = 0; a < n; a++) {
        if (ts_str_equal(settings[2 * (size_t)a], key)) {
            return settings[2 * (size_t)a + 1];
        }
    }
    return "";
}

/* ---- cells ---- */

static enum ts_status list_points(struct job *job, struct ts_diags *diags)
{
    struct ts_study_counts counts;
    enum ts_status status = ts_study_db_counts(&counts, job->db, diags);
    if (status != TS_OK) {
        return status;
    }
    job->places = ts_arena_array(job->arena, (size_t)counts.n_done + 1, sizeof *job->places);
    if (!job->places) {
        return TS_ENOMEM;
    }
    status = ts_study_db_best(job->places, &job->n, counts.n_done, job->db, &job->goal, false, diags);
    if (status == TS_OK && job->n == 0) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(),
                       "docs/FIGURES.md lists figures, its CSV has those of the study",
                       "no point of %s has the figure %s", job->args->study, job->args->goal);
    }
    return status;
}

static enum ts_status find_axes(struct job *job, const char *const **settings, uint32_t *n_axes, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (uint32_t i = 0; status == TS_OK && i < job->n; i++) {
        status = ts_study_db_settings(&settings[i], n_axes, job->db, job->places[i].position, job->arena);
        if (status == TS_OK && i == 0) {
            status = choose_axes(job, settings[0], *n_axes, diags);
        }
        if (status == TS_OK) {
            status = note_value(&job->x, setting_of(settings[i], *n_axes, job->x.key), diags);
        }
        if (status == TS_OK) {
            status = note_value(&job->y, setting_of(settings[i], *n_axes, job->y.key), diags);
        }
    }
    struct axis *const axes[2] = {&job->x, &job->y};
    for (int k = 0; status == TS_OK && k < 2; k++) {
        if (axes[k]->is_number) {
            qsort(axes[k]->values, axes[k]->n, sizeof *axes[k]->values, by_number);
        }
    }
    return status;
}

static uint32_t place_of(const struct axis *axis, const char *value)
{
    uint32_t i = 0;
    while (i < axis->n && !ts_str_equal(axis->values[i], value)) {
        i++;
    }
    return i;
}

/* Points come the best first: the first of a cell is its own. */
static enum ts_status fill_cells(struct job *job, struct ts_diags *diags)
{
    const char *const **settings = ts_arena_array(job->arena, (size_t)job->n + 1, sizeof *settings);
    uint32_t n_axes = 0;
    enum ts_status status = settings ? find_axes(job, settings, &n_axes, diags) : TS_ENOMEM;
    if (status != TS_OK) {
        return status;
    }
    const size_t n_cells = (size_t)job->x.n * job->y.n;
    job->cells = ts_arena_array(job->arena, n_cells, sizeof *job->cells);
    if (!job->cells) {
        return TS_ENOMEM;
    }
    for (size_t i = 0; i < n_cells; i++) {
        job->cells[i] = NAN;
    }
    for (uint32_t i = 0; i < job->n; i++) {
        double *cell = &job->cells[(size_t)place_of(&job->y, setting_of(settings[i], n_axes, job->y.key)) * job->x.n +
                                   place_of(&job->x, setting_of(settings[i], n_axes, job->x.key))];
        *cell = isnan(*cell) ? job->places[i].value : *cell;
    }
    return TS_OK;
}

/* ---- what comes out ---- */

static enum ts_status write_csv(const struct job *job, const char *dir, struct ts_diags *diags)
{
    struct ts_table *table = ts_table_create(NULL);
    struct ts_text text;
    ts_text_init(&text);
    ts_words_put_goal(&text, &job->goal);
    ts_table_column(table, job->y.key, false);
    ts_table_column(table, job->x.key, false);
    ts_table_column(table, text.data, true);
    for (uint32_t y = 0; y < job->y.n; y++) {
        for (uint32_t x = 0; x < job->x.n; x++) {
            ts_table_row(table);
            ts_table_put(table, job->y.values[y]);
            ts_table_put(table, job->x.values[x]);
            ts_table_num(table, job->cells[(size_t)y * job->x.n + x], 6);
        }
    }
    ts_text_clear(&text);
    enum ts_status status = table ? ts_table_render(table, TS_TABLE_CSV, &text) : TS_ENOMEM;
    if (status == TS_OK) {
        status = ts_file_write_text(dir, "map.csv", &text, diags);
    }
    ts_text_deinit(&text);
    ts_table_destroy(table);
    return status;
}

static void put_axis(struct ts_text *gp, const char *name, const struct axis *axis)
{
    const uint32_t step = (axis->n + MOST_TICS - 1) / MOST_TICS;
    ts_text_printf(gp, "set %srange [-0.5:%u.5]\nset %slabel ", name, axis->n - 1, name);
    ts_gnuplot_quote(gp, axis->key);
    ts_text_printf(gp, "\nset %stics (", name);
    for (uint32_t i = 0; i < axis->n; i += step) {
        ts_text_puts(gp, i > 0 ? ", " : "");
        ts_gnuplot_quote(gp, axis->values[i]);
        ts_text_printf(gp, " %u", i);
    }
    ts_text_puts(gp, ")\n");
}

/* Every cell, and (where there is room) its value written into it. */
static void put_cells(struct ts_text *dat, struct ts_text *gp, const struct job *job, const char *unit)
{
    const bool written = job->x.n <= MOST_WRITTEN && job->y.n <= MOST_WRITTEN;
    for (uint32_t y = 0; y < job->y.n; y++) {
        for (uint32_t x = 0; x < job->x.n; x++) {
            const double value = job->cells[(size_t)y * job->x.n + x];
            ts_text_printf(dat, "%u %u ", x, y);
            ts_chart_put(dat, value, "\n");
            struct ts_text label;
            ts_text_init(&label);
            (ts_str_equal(unit, "s") ? ts_metric_format : ts_metric_format_bare)(&label, value, unit);
            if (written) {
                ts_text_puts(gp, "set label ");
                ts_gnuplot_quote(gp, isnan(value) ? "cannot be" : label.data);
                ts_text_printf(gp, " at %u,%u center font 'sans-serif,10' textcolor rgb '%s' front\n", x, y,
                               isnan(value) ? TS_CHART_FAINT : TS_CHART_INK);
            }
            ts_text_deinit(&label);
        }
    }
}

static enum ts_status draw(const struct job *job, const char *dir, struct ts_diags *diags)
{
    const char *unit = ts_metric_find(job->goal.name, job->goal.stat)->unit;
    struct ts_text dat, gp, title;
    ts_text_init(&dat);
    ts_text_init(&gp);
    ts_text_init(&title);
    ts_words_put_goal(&title, &job->goal);
    ts_text_printf(&title, ", %s", unit);
    ts_chart_begin(&gp, "map", title.data);
    put_axis(&gp, "x", &job->x);
    put_axis(&gp, "y", &job->y);
    ts_text_puts(&gp, "unset grid\nset rmargin 12\nset border 0\n"
                      "set palette defined (0 '#fff7bc', 0.5 '#fec44f', 1 '#d95f0e')\n");
    put_cells(&dat, &gp, job, unit);
    ts_text_puts(&gp, "plot 'map.dat' using 1:2:3 with image pixels notitle\n");
    ts_chart_end(&gp, "map");
    const enum ts_status status = ts_draw_chart(dir, "map", &dat, &gp, diags);
    ts_text_deinit(&title);
    ts_text_deinit(&dat);
    ts_text_deinit(&gp);
    return status;
}

static enum ts_status tell(const struct job *job, struct ts_diags *diags)
{
    const char *stem = ts_words_study_stem(job->args->study, "", job->arena);
    const char *dir = job->args->out ? job->args->out : stem ? ts_arena_printf(job->arena, "%s-map", stem) : NULL;
    enum ts_status status = dir ? ts_mkdirs(dir, diags) : TS_ENOMEM;
    if (status == TS_OK) {
        status = write_csv(job, dir, diags);
    }
    if (status == TS_OK) {
        status = draw(job, dir, diags);
    }
    if (status == TS_OK) {
        printf("%s over %s (%u) and %s (%u) in %s/\n", job->args->goal, job->x.key, job->x.n, job->y.key, job->y.n,
               dir);
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
    enum ts_status status = ts_words_goal(&job->goal, job->args->goal, arena, diags);
    if (status == TS_OK) {
        status = ts_study_db_open_old(&job->db, job->args->study, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    status = list_points(job, diags);
    status = status == TS_OK ? fill_cells(job, diags) : status;
    status = status == TS_OK ? tell(job, diags) : status;
    ts_study_db_close(job->db);
    return status;
}

const struct ts_command ts_command_curve_map = {
    .name = "curve map",
    .summary = "Draw a figure of a study over two of its axes: a heat map",
    .examples = "  tiersim curve map out/hybrid-enterprise-study.db --goal edge.ttft.p95\n"
                "  tiersim curve map study.db --goal max:attainment.mean --x tiers.edge.replicas "
                "--y routing.thresholds.edge\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
