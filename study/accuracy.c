/* Hides how errors are summed up: medians and 90th percentiles of |predicted/recorded - 1|, and the interval, which is
 * that of 9 of 10 recordings over predictions by fits without their model, chip or source: of the three the widest. */
#include "study/accuracy.h"

#include <math.h>
#include <stdlib.h>

#include "sim/serving/roofline_fit.h"
#include "study/class_simulation.h"

enum { MAX_POINTS = 16384 };

static const double outside = 0.05; /* on either side */

static bool is_first(enum ts_class_measure measure)
{
    return measure == TS_CLASS_TTFT || measure == TS_CLASS_PREFILL;
}

static bool is_rate(enum ts_class_measure measure)
{
    return measure == TS_CLASS_DECODE || measure == TS_CLASS_PREFILL || measure == TS_CLASS_RATE;
}

/* Recorded time over predicted time. */
static double factor(enum ts_class_measure measure, double ratio)
{
    return is_rate(measure) ? ratio : 1.0 / ratio;
}

/* ---- errors ---- */

struct ts_accuracy_error ts_accuracy_error(const struct ts_accuracy *of, const double *ratios,
                                           enum ts_class_measure measure, enum ts_class_label label, uint32_t group)
{
    static _Thread_local double some[MAX_POINTS], off[MAX_POINTS];
    const struct ts_efficiency *row = &of->constants.efficiency;
    const double low = is_first(measure) ? row->first_low : row->low;
    const double high = is_first(measure) ? row->first_high : row->high;
    struct ts_accuracy_error error = {0};
    size_t inside = 0;
    for (size_t i = 0; i < of->points.n && error.n < MAX_POINTS; i++) {
        const struct ts_class_point *point = &of->points.points[i];
        if (point->measure == measure && !isnan(ratios[i]) &&
            (group == TS_ACCURACY_ALL || point->group[label] == group)) {
            const double f = factor(measure, ratios[i]);
            inside += f >= low && f <= high;
            some[error.n] = ratios[i];
            off[error.n++] = fabs(ratios[i] - 1.0);
        }
    }
    error.median = ts_roofline_fit_quantile(off, error.n, 0.5);
    error.p90 = ts_roofline_fit_quantile(off, error.n, 0.9);
    error.ratio = ts_roofline_fit_quantile(some, error.n, 0.5);
    error.covered = high > 0.0 && error.n > 0 ? (double)inside / (double)error.n : (double)NAN;
    return error;
}

/* Of the time per token, or of the decode rate; and of the first token's, or of prompts. */
static enum ts_class_measure main_measure(const struct ts_accuracy *of, bool first)
{
    const bool serving = ts_str_equal(of->class->engines, TS_ENGINES_SERVING);
    return serving ? (first ? TS_CLASS_TTFT : TS_CLASS_TPOT) : (first ? TS_CLASS_PREFILL : TS_CLASS_DECODE);
}

bool ts_accuracy_has_left(const struct ts_accuracy *of, enum ts_class_label label)
{
    bool all = of->left[label] != NULL;
    for (size_t i = 0; all && i < of->points.n; i++) {
        all = !isnan(of->left[label][i]);
    }
    return all;
}

/* The widest 90 % of recordings over predictions among chips, models and sources left out. */
static void find_interval(double *low, double *high, const struct ts_accuracy *of, bool first)
{
    static _Thread_local double factors[MAX_POINTS];
    const enum ts_class_measure measure = main_measure(of, first);
    *low = *high = 0.0;
    for (int label = 0; label < TS_CLASS_ENGINE; label++) {
        size_t n = 0;
        const size_t n_left = ts_accuracy_has_left(of, (enum ts_class_label)label) ? of->points.n : 0;
        for (size_t i = 0; i < n_left && n < MAX_POINTS; i++) {
            if (of->points.points[i].measure == measure) {
                factors[n++] = factor(measure, of->left[label][i]);
            }
        }
        if (n > 0) {
            const double from = ts_roofline_fit_quantile(factors, n, outside);
            const double to = ts_roofline_fit_quantile(factors, n, 1.0 - outside);
            *low = *low > 0.0 ? fmin(*low, from) : from;
            *high = fmax(*high, to);
        }
    }
}

/* The worst of chips, models and sources left out; of a single chip and model, in the fit itself; 0: unknown. */
static double worst_error(const struct ts_accuracy *of, bool first)
{
    double worst = 0.0;
    if (!of->left[TS_CLASS_CHIP] && !of->left[TS_CLASS_MODEL]) {
        worst = ts_accuracy_error(of, of->fitted, main_measure(of, first), TS_CLASS_CHIP, TS_ACCURACY_ALL).median;
    }
    for (int label = 0; label < TS_CLASS_ENGINE; label++) {
        if (ts_accuracy_has_left(of, (enum ts_class_label)label)) {
            const struct ts_accuracy_error error =
                ts_accuracy_error(of, of->left[label], main_measure(of, first), TS_CLASS_CHIP, TS_ACCURACY_ALL);
            worst = error.n > 0 ? fmax(worst, error.median) : worst;
        }
    }
    return worst;
}

static enum ts_status make_room(struct ts_accuracy *out, struct ts_arena *arena, struct ts_diags *diags)
{
    const size_t n = out->points.n + 1;
    out->fitted = ts_arena_array(arena, n, sizeof *out->fitted);
    bool complete = out->fitted != NULL;
    for (int label = 0; label < TS_CLASS_N_LABELS; label++) {
        if (out->points.n_groups[label] > 1) {
            out->left[label] = ts_arena_array(arena, n, sizeof *out->left[label]);
            complete = complete && out->left[label];
        }
    }
    return complete ? TS_OK : ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "no memory for errors");
}

enum ts_status ts_accuracy_measure(struct ts_accuracy *out, size_t i, const struct ts_catalog *catalog,
                                   struct ts_arena *arena, struct ts_diags *diags)
{
    *out = (struct ts_accuracy){.class = ts_class_at(i)};
    enum ts_status status =
        ts_class_points_collect(&out->points, catalog, out->class->name, out->class->engines, arena, diags);
    status = status == TS_OK ? ts_class_points_simulate(&out->points, catalog, diags) : status;
    status = status == TS_OK ? make_room(out, arena, diags) : status;
    status =
        status == TS_OK ? ts_class_fit(&out->constants, i, &out->points, catalog, out->left, arena, diags) : status;
    if (status != TS_OK) {
        return status;
    }
    struct ts_efficiency *row = &out->constants.efficiency;
    for (size_t j = 0; j < out->points.n; j++) {
        const struct ts_class_point *point = &out->points.points[j];
        out->fitted[j] = ts_class_point_ratio(point, row, &out->constants.engines[point->engine]);
    }
    row->decode_error = worst_error(out, false);
    row->prefill_error = worst_error(out, true);
    if (out->left[TS_CLASS_CHIP] || out->left[TS_CLASS_MODEL]) {
        find_interval(&row->low, &row->high, out, false);
        find_interval(&row->first_low, &row->first_high, out, true);
    }
    return TS_OK;
}

/* ---- tables ---- */

static void put_error(struct ts_text *out, const struct ts_accuracy_error *error)
{
    if (error->n == 0) {
        ts_text_puts(out, " - |");
    } else {
        ts_text_printf(out, " %zu: %.1f / %.0f %%, %.2f |", error->n, 100.0 * error->median, 100.0 * error->p90,
                       error->ratio);
    }
}

static void put_measures(struct ts_text *out, const struct ts_accuracy *of, const double *ratios,
                         enum ts_class_label label, uint32_t group)
{
    const bool serving = ts_str_equal(of->class->engines, TS_ENGINES_SERVING);
    static const enum ts_class_measure measures[2][4] = {
        {TS_CLASS_DECODE, TS_CLASS_PREFILL, TS_CLASS_N_MEASURES, TS_CLASS_N_MEASURES},
        {TS_CLASS_TPOT, TS_CLASS_TTFT, TS_CLASS_RATE, TS_CLASS_JOULES}};
    for (int k = 0; k < 4 && measures[serving][k] < TS_CLASS_N_MEASURES; k++) {
        const struct ts_accuracy_error error = ts_accuracy_error(of, ratios, measures[serving][k], label, group);
        put_error(out, &error);
    }
    ts_text_puts(out, "\n");
}

static void put_header(struct ts_text *out, const struct ts_accuracy *of, const char *first)
{
    const bool serving = ts_str_equal(of->class->engines, TS_ENGINES_SERVING);
    static const char *const names[2][4] = {{"decode", "prefill"},
                                            {"time per token", "to the first token", "throughput", "energy per token"}};
    ts_text_printf(out, "| %s |", first);
    for (int k = 0; k < 4 && names[serving][k]; k++) {
        ts_text_printf(out, " %s |", names[serving][k]);
    }
    ts_text_puts(out, serving ? "\n|---|---|---|---|---|\n" : "\n|---|---|---|\n");
}

static void put_groups(struct ts_text *out, const struct ts_accuracy *of, enum ts_class_label label)
{
    for (uint32_t g = 0; g < of->points.n_groups[label]; g++) {
        const char *name = "";
        for (size_t i = 0; i < of->points.n; i++) {
            if (of->points.points[i].group[label] == g) {
                name = of->points.points[i].label[label];
                break;
            }
        }
        ts_text_printf(out, "| %s |", name);
        put_measures(out, of, of->left[label], label, g);
    }
}

void ts_accuracy_print(struct ts_text *out, const struct ts_accuracy *of)
{
    put_header(out, of, "left out of the fit");
    ts_text_puts(out, "| nothing |");
    put_measures(out, of, of->fitted, TS_CLASS_CHIP, TS_ACCURACY_ALL);
    for (int label = 0; label < TS_CLASS_N_LABELS; label++) {
        if (ts_accuracy_has_left(of, (enum ts_class_label)label)) {
            ts_text_printf(out, "| each %s |", ts_class_label_name((enum ts_class_label)label));
            put_measures(out, of, of->left[label], TS_CLASS_CHIP, TS_ACCURACY_ALL);
        }
    }
    for (int label = 0; label < TS_CLASS_N_LABELS; label++) {
        if (ts_accuracy_has_left(of, (enum ts_class_label)label)) {
            ts_text_puts(out, "\n");
            put_header(out, of, ts_class_label_name((enum ts_class_label)label));
            put_groups(out, of, (enum ts_class_label)label);
        }
    }
}
