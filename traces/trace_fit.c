/* Hides how a sample becomes a section `workload`: which classes there are, each with a process and lengths of its own
 * (ServeGen's method, arXiv 2505.09999, where classes are clients), and how it is written. */
#include "traces/trace_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "traces/fit_arrivals.h"
#include "traces/fit_sessions.h"
#include "traces/workload.h"

enum { LEAST_REQUESTS = 20, PER_LINE = 20 };

/* One class, or what is left over. */
struct part {
    uint32_t class_id; /* UINT32_MAX: the rest */
    size_t n;
};

struct fit {
    const struct ts_trace_sample *sample;
    const struct ts_fit_options *options;
    struct part parts[TS_FIT_MAX_CLASSES];
    size_t n_parts;
    uint32_t *part_of; /* [n_classes] */
    size_t n_classes;
    double duration_s, start_hour, tick_s; /* start_hour -1: not known */
    struct ts_trace_sample_row *rows;      /* [sample->n] of a part */
    double *times_s;                       /* of these; of sessions, when they begin */
    bool any_lengths;                      /* a class whose requests are no sessions */
};

/* ---- classes ---- */

static int by_count(const void *a, const void *b)
{
    const struct part *x = a, *y = b;
    return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : (x->class_id > y->class_id) - (x->class_id < y->class_id);
}

/* The most frequent classes, and the rest as one. */
static bool choose_parts(struct fit *fit)
{
    const struct ts_trace_sample *sample = fit->sample;
    for (size_t i = 0; i < sample->n; i++) {
        fit->n_classes = sample->rows[i].class_id >= fit->n_classes ? sample->rows[i].class_id + 1U : fit->n_classes;
    }
    struct part *all = calloc(fit->n_classes, sizeof *all);
    fit->part_of = calloc(fit->n_classes, sizeof *fit->part_of);
    if (!all || !fit->part_of) {
        free(all);
        return false;
    }
    for (size_t i = 0; i < fit->n_classes; i++) {
        all[i].class_id = (uint32_t)i;
    }
    for (size_t i = 0; i < sample->n; i++) {
        all[sample->rows[i].class_id].n++;
    }
    qsort(all, fit->n_classes, sizeof *all, by_count);
    for (size_t i = 0; i < fit->n_classes && all[i].n > 0; i++) {
        const bool own = fit->n_classes <= TS_FIT_MAX_CLASSES || i + 1 < TS_FIT_MAX_CLASSES;
        const size_t part = own ? i : TS_FIT_MAX_CLASSES - 1;
        fit->parts[part].class_id = own ? all[i].class_id : UINT32_MAX;
        fit->parts[part].n += all[i].n;
        fit->part_of[all[i].class_id] = (uint32_t)part;
        fit->n_parts = part + 1;
    }
    free(all);
    return true;
}

static size_t take_rows(struct fit *fit, size_t part)
{
    size_t n = 0;
    for (size_t i = 0; i < fit->sample->n; i++) {
        const struct ts_trace_sample_row *row = &fit->sample->rows[i];
        if (fit->part_of[row->class_id] == part) {
            fit->times_s[n] = ts_s_from_ns(row->arrival_ns - fit->sample->rows[0].arrival_ns);
            fit->rows[n++] = *row;
        }
    }
    return n;
}

/* ---- what is written ---- */

/* To six digits. */
static void put_number(struct ts_text *out, double value)
{
    const double scale = value != 0.0 ? pow(10.0, 5.0 - floor(log10(fabs(value)))) : 1.0;
    ts_text_double(out, round(value * scale) / scale);
}

static void put_weights(struct ts_text *out, const double *weights, size_t n, size_t indent)
{
    ts_text_puts(out, "[");
    for (size_t i = 0; i < n; i++) {
        if (i > 0) {
            ts_text_puts(out, i % PER_LINE == 0 ? ",\n" : ", ");
            ts_text_printf(out, "%*s", i % PER_LINE == 0 ? (int)indent : 0, "");
        }
        ts_text_double(out, round(weights[i] * 1e4) / 1e4);
    }
    ts_text_puts(out, "]");
}

static void put_process(struct ts_text *out, const struct ts_fit_process *process, size_t indent)
{
    ts_text_printf(out, "%*sgaps: ", (int)indent, "");
    if (process->gap == TS_GAPS_EXPONENTIAL || process->gap == TS_GAPS_ON_OFF) {
        ts_text_puts(out, "poisson\n");
    } else {
        const bool weibull = process->gap == TS_GAPS_WEIBULL;
        ts_text_puts(out, weibull ? "{weibull: {shape: " : "{gamma: {cv: ");
        put_number(out, weibull ? ts_weibull_shape(process->gap_cv) : process->gap_cv);
        ts_text_puts(out, "}}\n");
    }
    if (process->gap == TS_GAPS_ON_OFF) {
        ts_text_printf(out, "%*sbursts: {on: {exponential: {mean: ", (int)indent, "");
        put_number(out, process->gaps.on);
        ts_text_puts(out, " s}}, off: {exponential: {mean: ");
        put_number(out, process->gaps.off);
        ts_text_puts(out, " s}}}\n");
    }
    if (process->follows_week) {
        ts_text_printf(out, "%*scurve: ", (int)indent, "");
        put_weights(out, process->week, TS_WEEK_HOURS, indent + 8);
        ts_text_puts(out, "\n");
    }
    if (process->n_rates > 0) {
        ts_text_printf(out, "%*srates:\n%*severy: ", (int)indent, "", (int)indent + 2, "");
        put_number(out, process->rate_step_s);
        ts_text_printf(out, " s\n%*scounted: true\n%*sweights: ", (int)indent + 2, "", (int)indent + 2, "");
        put_weights(out, process->rates, process->n_rates, indent + 12);
        ts_text_puts(out, "\n");
    }
}

/* In single quotes, as YAML has it. */
static void put_name(struct ts_text *out, const char *name)
{
    ts_text_puts(out, "'");
    for (const char *c = name; *c; c++) {
        const bool plain = (unsigned char)*c >= ' ' && *c != '\'';
        ts_text_append(out, plain ? c : *c == '\'' ? "''" : "?", *c == '\'' ? 2 : 1);
    }
    ts_text_puts(out, "'");
}

static const char *name_of(const struct fit *fit, size_t part)
{
    const uint32_t class_id = fit->parts[part].class_id;
    const char *name = class_id == UINT32_MAX             ? "rest"
                       : class_id < fit->options->n_names ? fit->options->names[class_id]
                                                          : "request";
    return ts_str_equal(name, "all") ? "all of them" : *name ? name : "(none)";
}

static void put_head(struct ts_text *out, const struct fit *fit, double calls_per_s, bool any_week)
{
    static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
    ts_text_puts(out, "# Learned from ");
    ts_text_puts(out, fit->options->label);
    ts_text_puts(out, " by `tiersim trace fit`: ");
    ts_text_number(out, (double)fit->sample->n, 12);
    ts_text_puts(out, " requests over ");
    ts_text_number(out, fit->duration_s, 5);
    ts_text_puts(out, " s.\nworkload:\n  duration: ");
    put_number(out, fit->duration_s);
    ts_text_puts(out, " s\n");
    if (any_week) {
        const double minutes = floor(fit->start_hour * 60.0);
        ts_text_printf(out, "  start: %s %02d:%02d\n", days[(int)(minutes / 1440.0) % 7],
                       (int)fmod(minutes / 60.0, 24.0), (int)fmod(minutes, 60.0));
    }
    ts_text_puts(out, "  calls: ");
    put_number(out, calls_per_s);
    ts_text_puts(out, "/s\n");
    if (fit->tick_s > 0.0) {
        ts_text_puts(out, "  tick: ");
        put_number(out, fit->tick_s);
        ts_text_puts(out, " s\n");
    }
}

/* "sessions of 'chat': 812 with 3,004 calls; think times are from request to request ...". */
static void tell_sessions(struct ts_text *told, const char *name, const struct ts_fit_sessions *sessions,
                          bool ids_are_told, bool held)
{
    ts_text_printf(told, "sessions of '%s': ", name);
    ts_text_number(told, (double)sessions->n_sessions, 12);
    ts_text_puts(told, " with ");
    ts_text_number(told, (double)sessions->n_calls, 12);
    ts_text_puts(told, " calls");
    if (!held) {
        ts_text_puts(told,
                     "; learned as single calls, since too few are of several calls, or their prompts do not go on "
                     "with one another\n");
        return;
    }
    if (sessions->system_tok > 0 && !ids_are_told) {
        ts_text_printf(told,
                       "; a system prompt of %u tokens is assumed: so much longer are the shortest first prompts than "
                       "those of later turns",
                       (unsigned)sessions->system_tok);
    }
    ts_text_puts(told, sessions->waits_are_told
                           ? "\n"
                           : "; the file does not say when replies were there: times between turns "
                             "are from request to request, the reply's time included\n");
}

/* The class's sessions, where it has such as the generator has: *held. */
static enum ts_status fit_sessions(bool *held, struct ts_fit_process *process, struct ts_text *lengths, struct fit *fit,
                                   size_t n, size_t part)
{
    struct ts_fit_sessions sessions;
    enum ts_status status =
        ts_fit_sessions(&sessions, fit->rows, n, fit->sample->ids_are_told ? fit->sample->block_tok : 0);
    *held = status == TS_OK && ts_fit_sessions_hold(&sessions);
    if (*held) {
        const size_t n_starts = ts_fit_session_starts(fit->times_s, fit->rows, n);
        status = n_starts == 0
                     ? TS_ENOMEM
                     : ts_fit_process(process, fit->times_s, n_starts, fit->duration_s, fit->start_hour, fit->tick_s);
        process->calls_per_s *= (double)n / (double)sessions.n_sessions;
        ts_fit_sessions_put(lengths, &sessions, 6);
    }
    if (status == TS_OK && fit->options->told) {
        tell_sessions(fit->options->told, name_of(fit, part), &sessions, fit->sample->ids_are_told, *held);
    }
    ts_fit_sessions_deinit(&sessions);
    return status;
}

static enum ts_status fit_part(struct ts_fit_process *process, struct ts_text *lengths, struct fit *fit, size_t part)
{
    const size_t n = take_rows(fit, part);
    bool any_session = false, held = false;
    for (size_t i = 0; i < n; i++) {
        any_session = any_session || fit->rows[i].session != 0;
    }
    if (any_session) {
        const enum ts_status tried = fit_sessions(&held, process, lengths, fit, n, part);
        if (tried != TS_OK || held) {
            return tried;
        }
    }
    fit->any_lengths = true;
    enum ts_status status = ts_fit_process(process, fit->times_s, n, fit->duration_s, fit->start_hour, fit->tick_s);
    const struct ts_fit_span span = {fit->sample->rows[0].arrival_ns, fit->duration_s};
    if (status == TS_OK && !ts_fit_lengths(lengths, fit->rows, n, &span, 6)) {
        ts_fit_process_deinit(process);
        status = TS_ENOMEM;
    }
    return status;
}

/* "gaps of 'chat': weibull; BIC: weibull best, gamma +12.3, exponential +456". */
static void tell_gaps(struct ts_text *told, const char *name, const struct ts_fit_process *process)
{
    const struct ts_gap_fit *gaps = &process->gaps;
    ts_text_printf(told, "gaps of '%s': %s", name, ts_gap_family_name(process->gap));
    if (!gaps->known) {
        ts_text_puts(told, " (too few, or too coarse a clock, to compare likelihoods)\n");
        return;
    }
    ts_text_printf(told, "%s; BIC: %s best",
                   process->gap == gaps->best ? "" : ", since the likeliest does not have the bursts",
                   ts_gap_family_name(gaps->best));
    for (int i = TS_N_GAP_FAMILIES; i-- > 0;) {
        if (i != (int)gaps->best) {
            ts_text_printf(told, ", %s +%.4g", ts_gap_family_name((enum ts_gap_family)i),
                           gaps->bic[i] - gaps->bic[gaps->best]);
        }
    }
    ts_text_puts(told, "\n");
}

/* Classes, each with its arrivals where there are several. */
static enum ts_status put_classes(struct ts_text *classes, struct ts_text *shared, double *calls_per_s, bool *any_week,
                                  struct fit *fit)
{
    const struct ts_progress *progress = fit->options->progress;
    double below = 0.0;
    for (size_t i = 0; i < fit->n_parts; i++) {
        struct ts_fit_process process;
        struct ts_text lengths;
        ts_text_init(&lengths);
        if (!ts_progress_ask(progress)) {
            ts_text_deinit(&lengths);
            return TS_EINTERRUPTED;
        }
        const enum ts_status status = fit_part(&process, &lengths, fit, i);
        if (status != TS_OK) {
            ts_text_deinit(&lengths);
            return status;
        }
        const double share = i + 1 < fit->n_parts ? round((double)fit->parts[i].n / (double)fit->sample->n * 1e6) / 1e4
                                                  : round((100.0 - below) * 1e4) / 1e4;
        below += share;
        *calls_per_s += process.calls_per_s;
        *any_week = *any_week || process.follows_week;
        ts_text_puts(classes, "    - name: ");
        put_name(classes, name_of(fit, i));
        ts_text_puts(classes, "\n      share: ");
        ts_text_double(classes, share);
        ts_text_puts(classes, " %\n");
        if (fit->n_parts > 1) {
            ts_text_puts(classes, "      arrivals:\n");
        }
        put_process(fit->n_parts > 1 ? classes : shared, &process, fit->n_parts > 1 ? 8 : 2);
        ts_text_append(classes, lengths.data, lengths.len);
        if (fit->options->told) {
            tell_gaps(fit->options->told, name_of(fit, i), &process);
        }
        ts_fit_process_deinit(&process);
        ts_text_deinit(&lengths);
    }
    return TS_OK;
}

static enum ts_status put_workload(struct ts_text *out, struct fit *fit)
{
    struct ts_text classes, shared;
    double calls_per_s = 0.0;
    bool any_week = false;
    ts_text_init(&classes);
    ts_text_init(&shared);
    enum ts_status status = put_classes(&classes, &shared, &calls_per_s, &any_week, fit);
    if (status == TS_OK) {
        put_head(out, fit, calls_per_s, any_week);
        ts_text_append(out, shared.data, shared.len);
        if (fit->sample->block_tok > 0 && fit->any_lengths) {
            ts_text_printf(out, "  prefix_block: %u tok\n", (unsigned)fit->sample->block_tok);
        }
        ts_text_puts(out, "  classes:\n");
        ts_text_append(out, classes.data, classes.len);
        status = classes.failed || shared.failed || out->failed ? TS_ENOMEM : TS_OK;
    }
    ts_text_deinit(&classes);
    ts_text_deinit(&shared);
    return status;
}

/* Hours since Monday 00:00. */
static double hour_of_week(int64_t time_ns)
{
    const double hours = (double)time_ns / 3600e9 + 72.0; /* 1970-01-01 was a Thursday */
    return fmod(hours, TS_WEEK_HOURS);
}

enum ts_status ts_trace_fit(struct ts_text *out, const struct ts_trace_sample *sample,
                            const struct ts_fit_options *options, struct ts_diags *diags)
{
    const double span_s = ts_trace_sample_duration_s(sample);
    if (sample->n < LEAST_REQUESTS || !(span_s > 0.0)) {
        return ts_fail(diags, TS_EINPUT, ts_span_none(), NULL,
                       "too few requests to learn from: %zu of at least %d, over %.3g s", sample->n,
                       (int)LEAST_REQUESTS, span_s);
    }
    struct fit fit = {.sample = sample, .options = options};
    fit.duration_s = span_s * (double)sample->n / (double)(sample->n - 1);
    fit.start_hour = options->first_ns > 0 ? hour_of_week(options->first_ns) : -1.0;
    fit.rows = malloc(sample->n * sizeof *fit.rows);
    fit.times_s = malloc(sample->n * sizeof *fit.times_s);
    int64_t *times_ns = malloc(sample->n * sizeof *times_ns);
    enum ts_status status = fit.rows && fit.times_s && times_ns && choose_parts(&fit) ? TS_OK : TS_ENOMEM;
    if (status == TS_OK) {
        for (size_t i = 0; i < sample->n; i++) {
            times_ns[i] = sample->rows[i].arrival_ns - sample->rows[0].arrival_ns;
        }
        fit.tick_s = ts_fit_tick_s(times_ns, sample->n);
        status = put_workload(out, &fit);
    }
    free(times_ns);
    free(fit.part_of);
    free(fit.rows);
    free(fit.times_s);
    return status == TS_ENOMEM ? ts_fail(diags, status, ts_span_none(), NULL, "out of memory") : status;
}
