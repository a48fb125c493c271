/* Hides the words, tables and drawing of cost against scale. */
#include "app/scale_print.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/curve_volume.h"
#include "app/draw_chart.h"
#include "base/file.h"
#include "reports/chart.h"
#include "reports/gnuplot.h"
#include "reports/table.h"

enum { WIDTH = 100, INDENT = 13, ROWS_PER_DECADE = 20, DRAWN_PER_DECADE = 100, DECADES = 7, MOST_FRONTS = 12 };

static const double days_per_month = 730.0 / 24.0;

static const char *name_of(const struct ts_scale *scale, uint32_t line)
{
    return scale->curves[scale->of_line[line]].name;
}

static double volume_at(int i, int per_decade)
{
    return i == DECADES * per_decade ? TS_SCALE_HIGH : TS_SCALE_LOW * pow(10.0, (double)i / per_decade);
}

/* line: UINT32_MAX where none keeps the SLO. */
static const char *cheapest_name(const struct ts_scale *scale, uint32_t line)
{
    return line == UINT32_MAX ? "none keeps the SLO" : name_of(scale, line);
}

static uint32_t cheapest_at(const struct ts_scale *scale, double volume)
{
    return ts_scale_cheapest(scale->lines, scale->n_lines, volume);
}

/* ---- terminal ---- */

static enum ts_status put_table(struct ts_text *out, const struct ts_scale *scale, const struct ts_model *model)
{
    struct ts_text title;
    ts_text_init(&title);
    ts_text_printf(&title, "%s a month, all calls served in one way", ts_model_currency(model));
    struct ts_table *table = ts_table_create(title.data);
    ts_text_deinit(&title);
    ts_table_column(table, "calls a day", true);
    for (uint32_t l = 0; l < scale->n_lines; l++) {
        ts_table_column(table, name_of(scale, l), true);
    }
    ts_table_column(table, "cheapest", false);
    for (int decade = 0; decade <= DECADES; decade++) {
        const double volume = volume_at(decade, 1);
        struct ts_text cell;
        ts_text_init(&cell);
        ts_curve_put_volume(&cell, volume, 3);
        ts_table_row(table);
        ts_table_put(table, cell.data);
        ts_text_deinit(&cell);
        for (uint32_t l = 0; l < scale->n_lines; l++) {
            ts_table_num(table, ts_scale_usd(&scale->lines[l], volume), 4);
        }
        ts_table_put(table, cheapest_name(scale, cheapest_at(scale, volume)));
    }
    const enum ts_status status = table ? ts_table_render(table, TS_TABLE_TEXT, out) : TS_ENOMEM;
    ts_table_destroy(table);
    return status;
}

static void put_line(struct ts_text *out, const char *label, const struct ts_text *line)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_printf(&text, "  %-11s%s", label, line->data);
    ts_text_wrap(out, text.data, WIDTH, INDENT);
    ts_text_puts(out, "\n");
    out->failed = out->failed || text.failed || line->failed;
    ts_text_deinit(&text);
}

static void put_cheapest(struct ts_text *line, const struct ts_scale *scale, uint32_t of)
{
    const double permitted_frac = of == UINT32_MAX ? 1.0 : scale->curves[scale->of_line[of]].permitted_frac;
    ts_text_puts(line, cheapest_name(scale, of));
    if (permitted_frac < 1.0) {
        ts_text_puts(line, " (for the ");
        ts_metric_format(line, permitted_frac, "frac");
        ts_text_puts(line, " of the calls that the rules let there)");
    }
}

static void put_fronts(struct ts_text *out, const struct ts_scale *scale)
{
    struct ts_text line;
    uint32_t n = 0;
    ts_text_init(&line);
    put_cheapest(&line, scale, cheapest_at(scale, TS_SCALE_LOW));
    put_line(out, "cheapest", &line);
    for (uint32_t i = 0; i < scale->n_crossings; i++) {
        const struct ts_scale_crossing *crossing = &scale->crossings[i];
        if (!crossing->is_front || ++n > MOST_FRONTS) {
            continue;
        }
        ts_text_clear(&line);
        ts_text_puts(&line, "from ");
        ts_curve_put_volume(&line, crossing->calls_per_day, 4);
        ts_text_puts(&line, " calls a day: ");
        put_cheapest(&line, scale, crossing->above);
        put_line(out, "", &line);
    }
    ts_text_clear(&line);
    if (n > MOST_FRONTS) {
        ts_text_printf(&line, "and %u more changes, by steps of a replica: crossings.csv", n - MOST_FRONTS);
        put_line(out, "", &line);
    }
    ts_text_deinit(&line);
}

static void put_percent(struct ts_text *out, double frac)
{
    ts_text_printf(out, "%s", frac < 0.0 ? "-" : "+");
    ts_text_number(out, fabs(100.0 * frac), 2);
    ts_text_puts(out, " %");
}

/* "replica", "block of 60 units". */
static void put_step(struct ts_text *line, const struct ts_scale_curve *curve, const struct ts_tier_model *tier)
{
    double units = 0.0;
    for (uint32_t i = 0; curve->way == TS_SCALE_PROVISIONED && i < tier->u.api.n_offers && units == 0.0; i++) {
        units = tier->u.api.offers[i].provisioned.units;
    }
    if (units > 0.0) {
        ts_text_printf(line, "block of %.0f units", units);
    } else {
        ts_text_puts(line, "replica");
    }
}

static void put_steps(struct ts_text *line, const struct ts_scale_curve *curve, const struct ts_scale_line *nodes,
                      const struct ts_tier_model *tier, double tolerance_frac)
{
    const struct ts_scale_node *first = &nodes->nodes[0], *last = &nodes->nodes[nodes->n_nodes - 1];
    ts_text_printf(line, ": %u ", first->n_replicas);
    put_step(line, curve, tier);
    ts_text_puts(line, " takes ");
    ts_curve_put_volume(line, first->calls_per_day, 3);
    ts_text_printf(line, " calls a day within the SLO, %u take ", last->n_replicas);
    ts_curve_put_volume(line, last->calls_per_day, 3);
    ts_text_puts(line, " (to within ");
    ts_metric_format(line, tolerance_frac, "frac");
    ts_text_puts(line, "); beyond that extrapolated, checked at ");
    ts_curve_put_volume(line, curve->check_calls_per_day, 3);
    ts_text_puts(line, ": capacity off by ");
    put_percent(line, curve->capacity_error_frac);
    ts_text_puts(line, ", cost by ");
    put_percent(line, curve->usd_error_frac);
}

static void put_by_call(struct ts_text *line, const struct ts_scale_curve *curve)
{
    ts_text_puts(line, ": by the call, checked at ");
    ts_curve_put_volume(line, curve->check_calls_per_day, 3);
    ts_text_puts(line, " calls a day: cost off by ");
    put_percent(line, curve->usd_error_frac);
    if (isfinite(curve->limit_calls_per_day)) {
        ts_text_puts(line, "; its rate limits are reached at ");
        ts_curve_put_volume(line, curve->limit_calls_per_day, 3);
        ts_text_puts(line, " calls a day, and would have to grow");
    }
}

static void put_curves(struct ts_text *out, const struct ts_scale *scale, const struct ts_model *model)
{
    struct ts_text line;
    const char *label = "curves";
    ts_text_init(&line);
    for (uint32_t i = 0; i < scale->n; i++) {
        const struct ts_scale_curve *curve = &scale->curves[i];
        ts_text_clear(&line);
        ts_text_puts(&line, curve->name);
        if (curve->why_not) {
            ts_text_printf(&line, ": none, %s", curve->why_not);
        } else if (curve->way != TS_SCALE_DEVICE && curve->way != TS_SCALE_API) {
            put_steps(&line, curve, &scale->lines[curve->line], &model->tiers[curve->tier], scale->tolerance_frac);
        } else {
            put_by_call(&line, curve);
        }
        if (!curve->why_not && curve->kept_frac < model->slo.attainment_frac) {
            ts_text_puts(&line, "; MISSES the SLO: ");
            ts_metric_format(&line, curve->kept_frac, "frac");
            ts_text_puts(&line, " of the calls meet it");
        }
        if (curve->permitted_frac < 1.0) {
            ts_text_puts(&line, "; the rules let ");
            ts_metric_format(&line, curve->permitted_frac, "frac");
            ts_text_puts(&line, " of the calls there");
        }
        put_line(out, label, &line);
        label = "";
    }
    ts_text_deinit(&line);
}

enum ts_status ts_scale_print(struct ts_text *out, const struct ts_scale *scale, const struct ts_model *model)
{
    ts_text_printf(out, "%s\n\n", model->name);
    if (scale->n_lines > 0) {
        const enum ts_status status = put_table(out, scale, model);
        if (status != TS_OK) {
            return status;
        }
        ts_text_puts(out, "\n");
        put_fronts(out, scale);
    }
    put_curves(out, scale, model);
    return out->failed ? TS_ENOMEM : TS_OK;
}

/* ---- CSV ---- */

static enum ts_status write_table(const char *dir, const char *name, struct ts_table *table, struct ts_diags *diags)
{
    struct ts_text text;
    ts_text_init(&text);
    enum ts_status status = table ? ts_table_render(table, TS_TABLE_CSV, &text) : TS_ENOMEM;
    if (status == TS_OK) {
        status = ts_file_write_text(dir, name, &text, diags);
    }
    ts_text_deinit(&text);
    ts_table_destroy(table);
    return status;
}

/* "usd_per_month": CSV writes headers in lower case. */
static void put_money_column(struct ts_table *table, const struct ts_model *model, const char *per)
{
    struct ts_text header;
    ts_text_init(&header);
    ts_text_printf(&header, "%s_per_%s", ts_model_currency(model), per);
    ts_table_column(table, header.data, true);
    ts_text_deinit(&header);
}

static struct ts_table *table_of_lines(const struct ts_scale *scale, const struct ts_model *model)
{
    struct ts_table *table = ts_table_create(NULL);
    ts_table_column(table, "curve", false);
    ts_table_column(table, "calls_per_day", true);
    put_money_column(table, model, "month");
    put_money_column(table, model, "call");
    ts_table_column(table, "replicas", true);
    ts_table_column(table, "basis", false);
    for (uint32_t l = 0; l < scale->n_lines; l++) {
        for (int i = 0; i <= DECADES * ROWS_PER_DECADE; i++) {
            const double volume = volume_at(i, ROWS_PER_DECADE), usd = ts_scale_usd(&scale->lines[l], volume);
            ts_table_row(table);
            ts_table_put(table, name_of(scale, l));
            ts_table_num(table, volume, 6);
            ts_table_num(table, usd, 6);
            ts_table_num(table, usd / (volume * days_per_month), 6);
            ts_table_num(table, ts_scale_replicas(&scale->lines[l], volume), 6);
            ts_table_put(table, ts_scale_basis_names[ts_scale_basis(&scale->lines[l], volume)]);
        }
    }
    return table;
}

static struct ts_table *table_of_crossings(const struct ts_scale *scale, const struct ts_model *model)
{
    struct ts_table *table = ts_table_create(NULL);
    ts_table_column(table, "calls_per_day", true);
    ts_table_column(table, "cheaper_below", false);
    ts_table_column(table, "cheaper_above", false);
    put_money_column(table, model, "month");
    ts_table_column(table, "cheapest_of_all", false);
    for (uint32_t i = 0; i < scale->n_crossings; i++) {
        const struct ts_scale_crossing *crossing = &scale->crossings[i];
        ts_table_row(table);
        ts_table_num(table, crossing->calls_per_day, 6);
        ts_table_put(table, name_of(scale, crossing->below));
        ts_table_put(table, name_of(scale, crossing->above));
        ts_table_num(table, ts_scale_usd(&scale->lines[crossing->above], crossing->calls_per_day), 6);
        ts_table_put(table, crossing->is_front ? "yes" : "no");
    }
    return table;
}

/* ---- the chart ---- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Volumes at which a line is drawn: even ones, and both sides of each step. */
static uint32_t list_volumes(double *out, const struct ts_scale_line *line)
{
    uint32_t n = 0;
    for (int i = 0; i <= DECADES * DRAWN_PER_DECADE; i++) {
        out[n++] = volume_at(i, DRAWN_PER_DECADE);
    }
    for (int replicas = 1; replicas <= DRAWN_PER_DECADE; replicas++) {
        const double step = ts_scale_capacity(line, replicas);
        if (step > TS_SCALE_LOW && step < TS_SCALE_HIGH) {
            out[n++] = step;
            out[n++] = step * (1.0 + 1e-6);
        }
    }
    qsort(out, n, sizeof *out, by_value);
    return n;
}

/* Two blocks a line, what was simulated or lies between, and what is beyond: volume, cost of 1,000 calls. */
static void put_block(struct ts_text *dat, const struct ts_scale_line *line, const double *volumes, uint32_t n,
                      bool beyond)
{
    for (uint32_t i = 0; i < n; i++) {
        const bool is_beyond = ts_scale_basis(line, volumes[i]) == TS_SCALE_EXTRAPOLATED;
        const double usd = ts_scale_usd(line, volumes[i]) * 1000.0 / (volumes[i] * days_per_month);
        if (is_beyond == beyond && usd > 0.0) {
            ts_chart_put(dat, volumes[i], " ");
            ts_chart_put(dat, usd, "\n");
        }
    }
    ts_text_puts(dat, beyond || n == 0 ? "NaN NaN\n\n\n" : "\n\n");
}

static enum ts_status put_data(struct ts_text *dat, const struct ts_scale *scale)
{
    double *volumes = calloc((DECADES + 2) * DRAWN_PER_DECADE * 2, sizeof *volumes);
    if (!volumes) {
        return TS_ENOMEM;
    }
    for (uint32_t l = 0; l < scale->n_lines; l++) {
        const uint32_t n = list_volumes(volumes, &scale->lines[l]);
        put_block(dat, &scale->lines[l], volumes, n, false);
        put_block(dat, &scale->lines[l], volumes, n, true);
    }
    free(volumes);
    return TS_OK;
}

/* The first crossings of the cheapest lines, with their volume. */
static void put_marks(struct ts_text *gp, const struct ts_scale *scale)
{
    enum { N_HEIGHTS = 4 };
    static const char *const heights[N_HEIGHTS] = {"0.97", "0.91", "0.85", "0.79"};
    uint32_t n = 0;
    for (uint32_t i = 0; i < scale->n_crossings && n < MOST_FRONTS; i++) {
        const struct ts_scale_crossing *crossing = &scale->crossings[i];
        if (!crossing->is_front) {
            continue;
        }
        const double usd = ts_scale_usd(&scale->lines[crossing->above], crossing->calls_per_day) * 1000.0 /
                           (crossing->calls_per_day * days_per_month);
        struct ts_text label;
        ts_text_init(&label);
        ts_curve_put_volume(&label, crossing->calls_per_day, 3);
        ts_text_puts(gp, "set label '' at ");
        ts_chart_put(gp, crossing->calls_per_day, ",");
        ts_chart_put(gp, usd,
                     " point pointtype 7 pointsize 0.8 linecolor rgb '" TS_CHART_INK "' front\nset arrow from ");
        ts_chart_put(gp, crossing->calls_per_day, ",graph 0 to ");
        ts_chart_put(gp, crossing->calls_per_day,
                     ",graph 1 nohead dashtype (2,3) linecolor rgb '" TS_CHART_FAINT "'\nset label ");
        ts_gnuplot_quote(gp, label.data);
        ts_text_puts(gp, " at ");
        ts_chart_put(gp, crossing->calls_per_day, "");
        ts_text_printf(gp, ",graph %s left offset 0.4,0 textcolor rgb '" TS_CHART_INK "'\n", heights[n % N_HEIGHTS]);
        ts_text_deinit(&label);
        n++;
    }
}

static void put_script(struct ts_text *gp, const struct ts_scale *scale, const struct ts_model *model)
{
    ts_chart_begin(gp, "scale", "What 1,000 calls cost, by how many come");
    ts_text_puts(gp, "set logscale xy\nset grid xtics ytics linecolor rgb '" TS_CHART_GRID
                     "' linewidth 1 linetype 1\nset xrange [99.9:1.001e9]\n"
                     "set xtics ('100' 100, '1 k' 1000, '10 k' 10000, '100 k' 1e5, '1 M' 1e6, '10 M' 1e7, '100 M' 1e8, "
                     "'1 G' 1e9)\nset xlabel 'calls a day (thin: extrapolated)'\nset ylabel ");
    struct ts_text label;
    ts_text_init(&label);
    ts_text_printf(&label, "%s for 1,000 calls", ts_model_currency(model));
    ts_gnuplot_quote(gp, label.data);
    ts_text_deinit(&label);
    ts_text_puts(gp, "\n");
    put_marks(gp, scale);
    for (uint32_t l = 0; l < scale->n_lines; l++) {
        ts_text_printf(gp, "%s'scale.dat' index %u with lines linewidth 2.6 linecolor rgb '%s' title ",
                       l == 0 ? "plot " : ", \\\n     ", 2 * l, ts_chart_colour(l));
        ts_gnuplot_quote(gp, name_of(scale, l));
        ts_text_printf(gp, ", \\\n     '' index %u with lines linewidth 1 linecolor rgb '%s' notitle", 2 * l + 1,
                       ts_chart_colour(l));
    }
    ts_text_puts(gp, "\n");
    ts_chart_end(gp, "scale");
}

static enum ts_status draw(const char *dir, const struct ts_scale *scale, const struct ts_model *model,
                           struct ts_diags *diags)
{
    struct ts_text dat, gp;
    ts_text_init(&dat);
    ts_text_init(&gp);
    enum ts_status status = put_data(&dat, scale);
    put_script(&gp, scale, model);
    status = status == TS_OK ? ts_draw_chart(dir, "scale", &dat, &gp, diags) : status;
    ts_text_deinit(&dat);
    ts_text_deinit(&gp);
    return status;
}

enum ts_status ts_scale_write(const char *dir, const struct ts_scale *scale, const struct ts_model *model,
                              struct ts_diags *diags)
{
    enum ts_status status = write_table(dir, "scale.csv", table_of_lines(scale, model), diags);
    if (status == TS_OK) {
        status = write_table(dir, "crossings.csv", table_of_crossings(scale, model), diags);
    }
    return status == TS_OK && scale->n_lines > 0 ? draw(dir, scale, model, diags) : status;
}
