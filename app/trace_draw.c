/* Hides how curves and maps become rows of characters. */
#include "app/trace_draw.h"

#include <math.h>
#include <stdio.h>

#include "base/units.h"

enum { COLS = 64, ROWS = 8, BAR = 40, DAY_HOURS = 24, MAX_SIZES = 16 };

static void put_bar(struct ts_text *out, double frac)
{
    const int width = (int)ceil(frac * BAR - 1e-9);
    for (int i = 0; i < width; i++) {
        ts_text_puts(out, i == 0 ? " #" : "#");
    }
    ts_text_puts(out, "\n");
}

/* ---- rate over time ---- */

/* Bins of one column, merged; the last one may cover less. Returns the width of a column in seconds. */
static double columns(double out[COLS], size_t *n_cols, const struct ts_trace_shape *shape)
{
    const size_t per_col = (shape->n_bins + COLS - 1) / COLS;
    const double bin_s = ts_s_from_ns(shape->bin_ns);
    *n_cols = (shape->n_bins + per_col - 1) / per_col;
    for (size_t col = 0; col < *n_cols; col++) {
        uint64_t n = 0;
        size_t n_bins = 0;
        for (size_t i = col * per_col; i < (col + 1) * per_col && i < shape->n_bins; i++, n_bins++) {
            n += shape->bins[i].n;
        }
        const double covered_s =
            fmin((double)n_bins * bin_s, ts_s_from_ns(shape->last_ns) - (double)(col * per_col) * bin_s + 1e-9);
        out[col] = (double)n / fmax(covered_s, n_bins > 1 ? bin_s : 1e-9);
    }
    if (*n_cols > 1 && shape->n_bins % per_col == 1) {
        --*n_cols; /* a single bin, and of that a part */
    }
    return (double)per_col * bin_s;
}

static void draw_rate(struct ts_text *out, const struct ts_trace_shape *shape)
{
    double rates[COLS], most = 0.0;
    size_t n = 0;
    if (shape->n_bins < 2) {
        return;
    }
    const double col_s = columns(rates, &n, shape);
    for (size_t i = 0; i < n; i++) {
        most = fmax(most, rates[i]);
    }
    ts_text_puts(out, "Calls over time, 1/s (a column is ");
    ts_units_format(out, col_s, "s");
    ts_text_puts(out, ")\n");
    for (int row = ROWS - 1; row >= 0; row--) {
        char label[16] = "";
        struct ts_text number;
        ts_text_init(&number);
        if (row == ROWS - 1 || row == ROWS / 2 - 1) {
            ts_text_number(&number, most * (row + 1) / ROWS, 3);
            (void)snprintf(label, sizeof label, "%s", number.failed ? "" : number.data);
        }
        out->failed = out->failed || number.failed;
        ts_text_deinit(&number);
        ts_text_printf(out, "%9s |", label);
        size_t last = 0;
        for (size_t i = 0; i < n; i++) {
            last = rates[i] / most * ROWS > row ? i + 1 : last;
        }
        for (size_t i = 0; i < last; i++) {
            ts_text_puts(out, rates[i] / most * ROWS > row ? "#" : " ");
        }
        ts_text_puts(out, "\n");
    }
    ts_text_puts(out, "        0 +");
    for (size_t i = 0; i < n; i++) {
        ts_text_puts(out, "-");
    }
    ts_text_puts(out, "\n           0 s");
    struct ts_text end;
    ts_text_init(&end);
    ts_units_format(&end, (double)n * col_s, "s");
    const int gap = (int)n - 3 - (int)end.len;
    ts_text_printf(out, "%*s%s\n\n", gap > 1 ? gap : 1, "", end.failed ? "" : end.data);
    out->failed = out->failed || end.failed;
    ts_text_deinit(&end);
}

/* ---- the week ---- */

bool ts_trace_has_week(const struct ts_trace_shape *shape)
{
    return shape->is_dated && shape->last_ns >= 86400 * TS_NS_PER_S;
}

static void draw_week(struct ts_text *out, const struct ts_trace_shape *shape)
{
    static const char *const days[] = {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"};
    static const char shades[] = ".:-=+*#%@";
    double most = 0.0;
    for (size_t i = 0; i < TS_SHAPE_WEEK_HOURS; i++) {
        const double hours = shape->hours_of_hour[i];
        most = hours > 0.1 ? fmax(most, (double)shape->n_of_hour[i] / hours) : most;
    }
    if (!ts_trace_has_week(shape) || !(most > 0.0)) {
        return;
    }
    ts_text_puts(out, "Calls by hour of the week, UTC: @ is ");
    ts_text_number(out, most / 3600.0, 3);
    ts_text_puts(out, " /s, . a ninth of it or less; blank: the trace has no such hour\n");
    ts_text_puts(out, "    0     6     12    18\n");
    for (size_t day = 0; day < 7; day++) {
        char row[DAY_HOURS + 1] = "";
        for (size_t hour = 0; hour < DAY_HOURS; hour++) {
            const size_t i = day * DAY_HOURS + hour;
            const double hours = shape->hours_of_hour[i];
            const double level = hours > 0.1 ? (double)shape->n_of_hour[i] / hours / most : 0.0;
            const size_t shade = (size_t)fmin(fmax(ceil(level * 9.0 - 1e-9) - 1.0, 0.0), 8.0);
            row[hour] = hours > 0.1 ? shades[shade] : ' ';
        }
        size_t len = DAY_HOURS;
        while (len > 0 && row[len - 1] == ' ') {
            row[--len] = '\0';
        }
        ts_text_printf(out, "%s%s%s\n", days[day], len > 0 ? " " : "", row);
    }
    ts_text_puts(out, "\n");
}

/* ---- tokens ---- */

/* Counts by powers of two: bar i holds [2^i, 2^(i+1)). */
static void draw_tokens(struct ts_text *out, const char *title, const struct ts_hist *hist)
{
    uint64_t bars[64] = {0}, most = 1, so_far = 0, count;
    uint32_t cursor = 0;
    double value;
    int first = 63;
    int last = 0;
    while (ts_hist_next(hist, &cursor, &value, &count)) {
        const int bar = value < 1.0 ? 0 : (int)floor(log2(value));
        bars[bar] += count;
        first = bar < first ? bar : first;
        last = bar > last ? bar : last;
    }
    for (int i = first; i <= last; i++) {
        most = bars[i] > most ? bars[i] : most;
    }
    ts_text_printf(out, "%s: share of the requests, share up to there\n", title);
    for (int i = first; i <= last; i++) {
        so_far += bars[i];
        char range[40];
        (void)snprintf(range, sizeof range, i > 0 ? "%8.0f-%.0f" : "%8.0f", ldexp(1.0, i), ldexp(1.0, i + 1) - 1.0);
        ts_text_printf(out, "  %-17s %6.2f %% %6.2f %%", range, 100.0 * (double)bars[i] / (double)hist->count,
                       100.0 * (double)so_far / (double)hist->count);
        put_bar(out, (double)bars[i] / (double)most);
    }
    ts_text_puts(out, "\n");
}

/* ---- caches ---- */

/* Powers of 4 of blocks, up to all there are, and INFINITY at the end. Returns how many. */
static size_t cache_sizes(double sizes[MAX_SIZES], const struct ts_trace_shape *shape)
{
    const double all = (double)ts_reuse_n_ids(shape->reuse);
    size_t n = 0;
    for (double size = 64.0; size < all && n + 1 < MAX_SIZES; size *= 4.0) {
        sizes[n++] = size;
    }
    sizes[n++] = INFINITY;
    return n;
}

static void draw_reuse(struct ts_text *out, const struct ts_trace_shape *shape)
{
    double sizes[MAX_SIZES];
    if (shape->block_tok == 0) {
        return;
    }
    const size_t n = cache_sizes(sizes, shape);
    ts_text_printf(
        out, "Prompt tokens that a cache finds, by its size (of %u tokens each, least recently used goes first)\n",
        (unsigned)shape->block_tok);
    for (size_t i = 0; i < n; i++) {
        const double frac = ts_reuse_hit_frac(shape->reuse, sizes[i]);
        if (isfinite(sizes[i])) {
            ts_text_printf(out, "  %9.0f blocks  %6.2f %%", sizes[i], 100.0 * frac);
        } else {
            ts_text_printf(out, "  %9s %-7s %6.2f %%", "without", "bounds", 100.0 * frac);
        }
        put_bar(out, frac);
    }
    ts_text_puts(out, "\n");
}

/* ---- sessions ---- */

static void put_quantiles(struct ts_text *out, const char *name, const struct ts_hist *hist, const char *unit)
{
    static const double at[] = {0.5, 0.9, 0.99};
    if (hist->count == 0) {
        return;
    }
    const double scale = *unit ? 1.0 / (double)TS_NS_PER_S : 1.0;
    ts_text_printf(out, "  %-22s mean ", name);
    for (size_t i = 0; i < 4; i++) {
        const double value = scale * (i == 0 ? ts_hist_mean(hist) : ts_hist_quantile(hist, at[i - 1]));
        if (*unit) {
            ts_units_format(out, value, unit);
        } else {
            ts_text_number(out, value, 4);
        }
        ts_text_puts(out, i == 0 ? ", p50 " : i == 1 ? ", p90 " : i == 2 ? ", p99 " : "\n");
    }
}

static void draw_sessions(struct ts_text *out, const struct ts_trace_shape *shape)
{
    if (shape->n_sessions == 0) {
        return;
    }
    ts_text_printf(out, "Sessions: %s%llu\n", shape->sessions_are_cut ? "the first " : "",
                   (unsigned long long)shape->n_sessions);
    put_quantiles(out, "calls", &shape->turns, "");
    put_quantiles(out, "from first to last", &shape->length_ns, "s");
    put_quantiles(out, "between two calls", &shape->pause_ns, "s");
    ts_text_puts(out, "\n");
}

void ts_trace_draw(struct ts_text *out, const struct ts_trace_shape *shape, const struct ts_trace_stats *stats)
{
    draw_rate(out, shape);
    draw_week(out, shape);
    draw_tokens(out, "Prompt tokens", &stats->prompt_tok);
    draw_tokens(out, "Output tokens", &stats->output_tok);
    draw_reuse(out, shape);
    draw_sessions(out, shape);
}
