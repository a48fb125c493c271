/* Hides how rates in windows become a process: steps with the windows' weights, and gaps of one irregularity, which is
 * that of the windows by their requests. Of windows with Weibull gaps the shape is averaged, of the others the CV.
 * Check value: windows of 600 s with 2/s at a CV of 1 and 6/s at a CV of 2: 4/s, weights 0.5 and 1.5, CV 1.75. */
#include "traces/rate_file.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"

enum { START, RATE, CV, KIND, SHAPE, N_COLUMNS, PER_LINE = 20 };

static const char *const names[N_COLUMNS][3] = {
    {"t_s"}, {"rate_rps", "total_rate_rps"}, {"cv_iat", "rate_weighted_client_cv"}, {"dist"}, {"shape"}};

/* -1: there is none. */
static int column_of(const struct ts_csv_row *header, const char *const *any)
{
    for (size_t k = 0; k < 3 && any[k]; k++) {
        for (size_t i = 0; i < header->n_fields; i++) {
            if (ts_str_equal(header->fields[i].data, any[k])) {
                return (int)i;
            }
        }
    }
    return -1;
}

static bool number_at(double *out, const struct ts_csv_row *row, int column)
{
    return column >= 0 && (size_t)column < row->n_fields &&
           ts_parse_double(out, row->fields[column].data, row->fields[column].len) && isfinite(*out);
}

static bool is_kind(const char *text)
{
    return !*text || ts_str_equal(text, "Gamma") || ts_str_equal(text, "Weibull");
}

/* Where the columns are, from the first row; false: it is no such file. *has_header: that row is none of a window. */
static bool find_columns(int *columns, bool *has_header, const struct ts_csv_row *row)
{
    double number;
    *has_header = row->n_fields > 0 && !number_at(&number, row, 0);
    if (!*has_header) {
        for (int i = 0; i < N_COLUMNS; i++) {
            columns[i] = i;
        }
        return row->n_fields == 6 && is_kind(row->fields[KIND].data);
    }
    for (int i = 0; i < N_COLUMNS; i++) {
        columns[i] = column_of(row, names[i]);
    }
    return columns[START] >= 0 && columns[RATE] >= 0;
}

bool ts_rate_file_is(const char *path)
{
    struct ts_csv_reader *csv = NULL;
    const struct ts_csv_row *row = NULL;
    int columns[N_COLUMNS];
    bool has_header, is = ts_csv_open(&csv, path, false, NULL) == TS_OK;
    is = is && ts_csv_next(csv, &row, NULL) == TS_OK && row && find_columns(columns, &has_header, row);
    ts_csv_close(csv);
    return is;
}

/* ---- windows ---- */

static enum ts_status fail_at(const struct ts_csv_reader *csv, const struct ts_csv_row *row, int column,
                              const char *hint, const char *message, struct ts_diags *diags)
{
    return ts_fail(diags, TS_EINPUT, ts_csv_span(csv, row, column >= 0 ? (size_t)column : 0), hint, "%s", message);
}

static enum ts_status check_start(struct ts_rate_file *file, const struct ts_rate_window *window,
                                  const struct ts_csv_reader *csv, const struct ts_csv_row *row, const int *columns,
                                  struct ts_diags *diags)
{
    const double year_s = 3.2e7;
    const double step_s = file->n > 0 ? window->start_s - file->windows[file->n - 1].start_s : 0.0;
    if (file->n == 1) {
        file->step_s = step_s;
    }
    return file->n == 0 || (step_s > 0.0 && step_s < year_s && fabs(step_s - file->step_s) < 1e-6 * file->step_s)
               ? TS_OK
               : fail_at(csv, row, columns[START],
                         "windows must be contiguous and equally long; one without requests has the rate 0",
                         "a window that does not begin where the one before it ends", diags);
}

static bool append(struct ts_rate_file *file, const struct ts_rate_window *window)
{
    if (file->n % 1024 == 0) {
        struct ts_rate_window *grown = realloc(file->windows, (file->n + 1024) * sizeof *grown);
        if (!grown) {
            return false;
        }
        file->windows = grown;
    }
    file->windows[file->n++] = *window;
    return true;
}

static bool is_within(double value, double least, double most)
{
    return value >= least && value <= most;
}

/* CV, or the shape of Weibull gaps. An empty cell is none. */
static enum ts_status read_gaps(struct ts_rate_window *window, const struct ts_csv_reader *csv,
                                const struct ts_csv_row *row, const int *columns, struct ts_diags *diags)
{
    const double most_cv = 1000.0, least_shape = 0.05, most_shape = 100.0;
    const bool has_cv = columns[CV] >= 0 && row->fields[columns[CV]].len > 0;
    if (has_cv && (!number_at(&window->cv, row, columns[CV]) || !is_within(window->cv, 0.0, most_cv))) {
        return fail_at(csv, row, columns[CV], NULL, "the CV of gaps is a number from 0 to 1,000", diags);
    }
    const bool weibull = columns[KIND] >= 0 && ts_str_equal(row->fields[columns[KIND]].data, "Weibull");
    if (weibull &&
        (!number_at(&window->shape, row, columns[SHAPE]) || !is_within(window->shape, least_shape, most_shape))) {
        return fail_at(csv, row, columns[SHAPE], NULL, "the shape of Weibull gaps is a number from 0.05 to 100", diags);
    }
    return TS_OK;
}

static enum ts_status read_window(struct ts_rate_file *file, const struct ts_csv_reader *csv,
                                  const struct ts_csv_row *row, const int *columns, struct ts_diags *diags)
{
    const double most_per_s = 1e9;
    struct ts_rate_window window = {.cv = 0.0};
    if (!number_at(&window.start_s, row, columns[START])) {
        return fail_at(csv, row, columns[START], NULL, "the start of a window is a number of seconds", diags);
    }
    if (!number_at(&window.rate_per_s, row, columns[RATE]) || !is_within(window.rate_per_s, 0.0, most_per_s)) {
        return fail_at(csv, row, columns[RATE], NULL, "a rate is a number of requests a second, from 0 to 1e9", diags);
    }
    if (file->n == TS_RATE_FILE_MAX_WINDOWS) {
        return fail_at(csv, row, 0, NULL, "more than 100,000 windows", diags);
    }
    enum ts_status status = read_gaps(&window, csv, row, columns, diags);
    if (status == TS_OK) {
        status = check_start(file, &window, csv, row, columns, diags);
    }
    return status != TS_OK || append(file, &window) ? status : TS_ENOMEM;
}

static enum ts_status read_windows(struct ts_rate_file *file, struct ts_csv_reader *csv, struct ts_diags *diags)
{
    const struct ts_csv_row *row = NULL;
    int columns[N_COLUMNS];
    bool has_header = false;
    enum ts_status status = ts_csv_next(csv, &row, diags);
    if (status == TS_OK && row && !find_columns(columns, &has_header, row)) {
        return fail_at(csv, row, 0, NULL, "no rates in windows of time", diags);
    }
    if (status == TS_OK && has_header) {
        status = ts_csv_next(csv, &row, diags);
    }
    while (status == TS_OK && row) {
        status = read_window(file, csv, row, columns, diags);
        status = status == TS_OK ? ts_csv_next(csv, &row, diags) : status;
    }
    return status;
}

static void summarise(struct ts_rate_file *file)
{
    double sum = 0.0, weibull = 0.0, shapes = 0.0, cvs = 0.0, with_cv = 0.0;
    for (size_t i = 0; i < file->n; i++) {
        const struct ts_rate_window *window = &file->windows[i];
        sum += window->rate_per_s;
        file->peak_per_s = fmax(file->peak_per_s, window->rate_per_s);
        if (window->shape > 0.0) {
            weibull += window->rate_per_s;
            shapes += window->rate_per_s * window->shape;
        } else if (window->cv > 0.0) {
            with_cv += window->rate_per_s;
            cvs += window->rate_per_s * window->cv;
        }
    }
    file->mean_per_s = sum / (double)file->n;
    file->is_weibull = weibull > sum - weibull;
    file->gap_figure = file->is_weibull ? shapes / weibull : with_cv > 0.0 ? cvs / with_cv : 1.0;
}

enum ts_status ts_rate_file_read(struct ts_rate_file *out, const char *path, struct ts_diags *diags)
{
    struct ts_csv_reader *csv = NULL;
    enum ts_status status = ts_csv_open(&csv, path, false, diags);
    if (status == TS_OK) {
        status = read_windows(out, csv, diags);
    }
    ts_csv_close(csv);
    if (status == TS_ENOMEM) {
        return ts_fail(diags, status, ts_span_file(path), NULL, "out of memory");
    }
    if (status == TS_OK && out->n < 2) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(path), NULL, "fewer than two windows: how long is one?");
    }
    if (status == TS_OK) {
        summarise(out);
    }
    return status == TS_OK && !(out->mean_per_s > 0.0)
               ? ts_fail(diags, TS_EINPUT, ts_span_file(path), NULL, "no requests in any window")
               : status;
}

void ts_rate_file_deinit(struct ts_rate_file *file)
{
    free(file->windows);
    *file = (struct ts_rate_file){.windows = NULL};
}

/* ---- the workload ---- */

static void put_rounded(struct ts_text *out, double value)
{
    ts_text_double(out, round(value * 1e6) / 1e6);
}

void ts_rate_file_put(struct ts_text *out, const struct ts_rate_file *file, const char *label, const char *like)
{
    ts_text_printf(out,
                   "# Rates of %s by `tiersim trace fit`: %zu windows.\nworkload:\n  like: %s\n  duration: ", label,
                   file->n, like);
    put_rounded(out, (double)file->n * file->step_s);
    ts_text_puts(out, " s\n  calls: ");
    put_rounded(out, file->mean_per_s);
    ts_text_printf(out, "/s\n  curve: constant\n  gaps: {%s: ", file->is_weibull ? "weibull: {shape" : "gamma: {cv");
    put_rounded(out, file->gap_figure);
    ts_text_puts(out, "}}\n  rates:\n    every: ");
    put_rounded(out, file->step_s);
    ts_text_puts(out, " s\n    weights: [");
    for (size_t i = 0; i < file->n; i++) {
        ts_text_puts(out, i == 0 ? "" : i % PER_LINE == 0 ? ",\n              " : ", ");
        put_rounded(out, file->windows[i].rate_per_s / file->mean_per_s);
    }
    ts_text_puts(out, "]\n");
}
