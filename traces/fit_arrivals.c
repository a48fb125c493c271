/* Hides how a process is learned: by simulated moments. Candidates are, from the simplest on, a constant rate, the
 * file's own hours of the week (where it has a week), and its rate in ever shorter steps; to each belongs the CV of
 * gamma gaps with which the process comes nearest to the file's variance/mean of counts in windows of 1, 10 and 60 s:
 * by the root of the mean square over four draws. The first candidate within 8 % is taken, else the best one. Of
 * exponential, gamma and Weibull gaps the likeliest one (fit_gaps.c) takes the gamma's place if it has the bursts, too;
 * so do times on and off, of a constant rate alone: before steps are tried, within 20 % of the file's bursts, since
 * draws of some hundred times on and off differ by so much from one another.
 *
 * Steps are counted: chance places the calls of a step but does not change their number again, as it has been at work
 * in the file's counts already. The hours of a week, means of several where the file is long, are drawn to their mean
 * by the share of their variance that chance explains. Per client and window this is how ServeGen describes traffic
 * (arXiv 2505.09999); the search by moments is our own. */
#include "traces/fit_arrivals.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "traces/trace_sample.h"

const double ts_fit_scales_s[TS_FIT_SCALES] = {1.0, 10.0, 60.0};

enum { N_CVS = 13, N_SEEDS = 4, MAX_SIMULATED = 100000, LEAST_WINDOWS = 20, LEAST_PER_STEP = 5 };
static const double good_error = 0.08, good_on_off = 0.2, decisive_bic = 10.0;
static const double steps_s[] = {3600.0, 1800.0, 900.0, 600.0, 300.0, 120.0, 60.0, 30.0, 20.0, 10.0, 5.0, 2.0, 1.0};
enum { N_STEPS = sizeof steps_s / sizeof steps_s[0] };

/* What is fitted. */
struct target {
    const double *times_s;
    size_t n;
    double duration_s, start_hour, tick_s;
    double dispersion[TS_FIT_SCALES]; /* of the first part_s seconds; NaN: too few windows */
    double part_s;
    double *drawn_s;           /* [cap] of a simulated process */
    enum ts_gap_family family; /* of its gaps */
    size_t cap;
};

/* ---- how near a process comes ---- */

static size_t draw(struct target *target, const struct ts_process *process, const struct ts_window *window,
                   double calls_per_s, uint64_t seed)
{
    const struct ts_arrivals_key key = {seed, 0, 0};
    struct ts_arrivals *arrivals = ts_arrivals_create(process, window, calls_per_s, key);
    size_t n = 0;
    for (double at_s = arrivals ? ts_arrivals_next(arrivals) : INFINITY; isfinite(at_s) && n < target->cap; n++) {
        target->drawn_s[n] = target->tick_s > 0.0 ? floor(at_s / target->tick_s) * target->tick_s : at_s;
        at_s = ts_arrivals_next(arrivals);
    }
    ts_arrivals_destroy(arrivals);
    return n;
}

static double error_of(struct target *target, const struct ts_process *process, double calls_per_s)
{
    const struct ts_window window = {.duration_s = target->part_s,
                                     .start_hour = target->start_hour >= 0.0 ? target->start_hour : 0.0};
    double squares[TS_FIT_SCALES] = {0.0}, error = 0.0;
    for (uint64_t seed = 1; seed <= N_SEEDS; seed++) {
        const size_t n = draw(target, process, &window, calls_per_s, seed);
        for (size_t i = 0; i < TS_FIT_SCALES; i++) {
            const double drawn = ts_dispersion(target->drawn_s, n, target->part_s, ts_fit_scales_s[i]);
            const double off = log(drawn / target->dispersion[i]);
            squares[i] += isfinite(off) ? off * off : 100.0;
        }
    }
    for (size_t i = 0; i < TS_FIT_SCALES; i++) {
        if (isfinite(target->dispersion[i])) {
            error = fmax(error, sqrt(squares[i] / N_SEEDS));
        }
    }
    return error;
}

/* ---- candidates ---- */

/* Counts by step as rates; the last step may be cut. */
static void count_steps(double *counts, size_t n_steps, double step_s, const struct target *target)
{
    memset(counts, 0, n_steps * sizeof *counts);
    for (size_t i = 0; i < target->n; i++) {
        const size_t at = (size_t)(target->times_s[i] / step_s);
        counts[at < n_steps ? at : n_steps - 1] += 1.0;
    }
    const double rest_s = target->duration_s - (double)(n_steps - 1) * step_s;
    counts[n_steps - 1] *= rest_s > step_s / 2.0 ? fmin(step_s / rest_s, 2.0) : 1.0;
    if (n_steps > 1 && rest_s <= step_s / 2.0) {
        counts[n_steps - 1] = counts[n_steps - 2];
    }
}

/* Less what chance explains, as weights of mean 1. */
static void shrink(double *weights, const double *counts, size_t n, double cv)
{
    double sum = 0.0, squares = 0.0, total = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += counts[i];
        squares += counts[i] * counts[i];
    }
    const double mean = sum / (double)n, variance = squares / (double)n - mean * mean;
    const double kept = variance > 0.0 ? sqrt(fmax(0.0, 1.0 - cv * cv * mean / variance)) : 0.0;
    for (size_t i = 0; i < n; i++) {
        weights[i] = fmax(0.0, mean + kept * (counts[i] - mean));
        total += weights[i];
    }
    for (size_t i = 0; i < n; i++) {
        weights[i] *= total > 0.0 ? (double)n / total : 1.0;
    }
}

struct candidate {
    double step_s; /* 0: constant */
    const double *week;
    double *counts; /* [n_steps] */
    size_t n_steps;
    double calls_per_s;
};

static double try_cv(struct target *target, const struct candidate *candidate, double cv)
{
    struct ts_process process = {.gap = ts_gap_dist(target->family, cv), .week_curve = candidate->week};
    if (candidate->n_steps > 0) {
        process.rates = candidate->counts;
        process.n_rates = candidate->n_steps;
        process.rate_step_s = candidate->step_s;
        process.counts_steps = true;
    }
    return error_of(target, &process, candidate->calls_per_s);
}

/* The best CV of a candidate. */
static double search_cv(double *cv, struct target *target, const struct candidate *candidate)
{
    const double ratio = 1.35;
    double best_cv = 1.0, best = try_cv(target, candidate, best_cv);
    for (int i = -5; i < N_CVS - 5; i++) {
        const double error = try_cv(target, candidate, pow(ratio, i));
        best_cv = error < best ? pow(ratio, i) : best_cv;
        best = fmin(error, best);
    }
    for (double factor = sqrt(ratio); factor > 1.02; factor = sqrt(factor)) {
        const double tried[] = {best_cv * factor, best_cv / factor};
        for (size_t i = 0; i < 2; i++) {
            const double error = try_cv(target, candidate, tried[i]);
            best_cv = error < best ? tried[i] : best_cv;
            best = fmin(error, best);
        }
    }
    *cv = best_cv;
    return best;
}

static enum ts_status keep(struct ts_fit_process *out, struct candidate *candidate, double cv, double error)
{
    double *rates = NULL;
    if (candidate->n_steps > 0) {
        rates = malloc(candidate->n_steps * sizeof *rates);
        if (!rates) {
            return TS_ENOMEM;
        }
        const double mean = candidate->calls_per_s * candidate->step_s;
        for (size_t i = 0; i < candidate->n_steps; i++) {
            rates[i] = candidate->counts[i] / mean;
        }
    }
    free(out->rates);
    out->rates = rates;
    out->n_rates = candidate->n_steps;
    out->rate_step_s = candidate->step_s;
    out->follows_week = candidate->week != NULL;
    out->calls_per_s = candidate->calls_per_s;
    out->gap_cv = cv;
    out->error = error;
    return TS_OK;
}

static enum ts_status consider(struct ts_fit_process *out, struct target *target, struct candidate *candidate)
{
    double cv = 1.0;
    const double error = search_cv(&cv, target, candidate);
    return error < out->error ? keep(out, candidate, cv, error) : TS_OK;
}

static enum ts_status consider_steps(struct ts_fit_process *out, struct target *target, double step_s)
{
    const size_t n_steps = (size_t)ceil(target->duration_s / step_s);
    struct candidate candidate = {.step_s = step_s, .n_steps = n_steps};
    candidate.counts = malloc(n_steps * sizeof *candidate.counts);
    enum ts_status status = candidate.counts ? TS_OK : TS_ENOMEM;
    if (status == TS_OK) {
        double sum = 0.0;
        count_steps(candidate.counts, n_steps, step_s, target);
        for (size_t i = 0; i < n_steps; i++) {
            sum += candidate.counts[i];
        }
        candidate.calls_per_s = sum / ((double)n_steps * step_s);
        status = consider(out, target, &candidate);
    }
    free(candidate.counts);
    return status;
}

/* Rates by hour of the week, of a file that has all hours. */
static bool fill_week(struct ts_fit_process *out, const struct target *target)
{
    const double hour_s = 3600.0;
    double seconds[TS_WEEK_HOURS] = {0.0}, counts[TS_WEEK_HOURS] = {0.0};
    if (target->start_hour < 0.0 || target->duration_s < 0.98 * TS_WEEK_HOURS * hour_s) {
        return false;
    }
    for (size_t i = 0; i < target->n; i++) {
        counts[(size_t)fmod(target->start_hour + target->times_s[i] / hour_s, TS_WEEK_HOURS)] += 1.0;
    }
    for (double at_s = 0.0; at_s < target->duration_s; at_s += 60.0) {
        seconds[(size_t)fmod(target->start_hour + at_s / hour_s, TS_WEEK_HOURS)] += 60.0;
    }
    for (size_t i = 0; i < TS_WEEK_HOURS; i++) {
        counts[i] =
            seconds[i] > 0.0 ? counts[i] * hour_s / seconds[i] : (double)target->n * hour_s / target->duration_s;
    }
    shrink(out->week, counts, TS_WEEK_HOURS, 1.0);
    return true;
}

/* ---- the gaps' family ---- */

static double weight_at(const struct ts_fit_process *process, const struct target *target, double time_s)
{
    if (process->n_rates > 0) {
        const size_t step = (size_t)(time_s / process->rate_step_s);
        return process->rates[step < process->n_rates ? step : process->n_rates - 1];
    }
    return process->follows_week ? process->week[(size_t)fmod(target->start_hour + time_s / 3600.0, TS_WEEK_HOURS)]
                                 : 1.0;
}

/* Likelihoods of the gaps, each times what the process weighs there. */
static void weigh_gaps(struct ts_fit_process *out, struct target *target)
{
    const size_t n = target->n - 1 < target->cap ? target->n - 1 : target->cap;
    for (size_t i = 0; i < n; i++) {
        const double from_s = target->times_s[i], to_s = target->times_s[i + 1];
        const double weights = weight_at(out, target, from_s) + weight_at(out, target, to_s);
        target->drawn_s[i] = (to_s - from_s) * weights / 2.0;
    }
    ts_fit_gaps(&out->gaps, target->drawn_s, target->tick_s > 0.0 ? 0 : n);
}

/* Times on and off, if they are by far the likeliest: a difference of 10 decides (Kass and Raftery, JASA 90, 1995). */
static void consider_on_off(struct ts_fit_process *out, struct target *target)
{
    weigh_gaps(out, target);
    double next = INFINITY;
    for (int i = 0; i < TS_N_GAP_FAMILIES; i++) {
        next = i != TS_GAPS_ON_OFF ? fmin(next, out->gaps.bic[i]) : next;
    }
    if (!out->gaps.known || out->gaps.bic[TS_GAPS_ON_OFF] > next - decisive_bic) {
        return;
    }
    const struct ts_process process = {.gap = ts_dist_exponential(1.0),
                                       .has_bursts = true,
                                       .on_s = ts_dist_exponential(out->gaps.on),
                                       .off_s = ts_dist_exponential(out->gaps.off)};
    const double error = error_of(target, &process, out->calls_per_s);
    if (error <= good_on_off) {
        out->gap = TS_GAPS_ON_OFF;
        out->gap_cv = 1.0;
        out->error = error;
    }
}

static enum ts_status search(struct ts_fit_process *out, struct target *target)
{
    const double rate = (double)target->n / target->duration_s;
    const double least_s = fmax(target->duration_s / TS_FIT_MAX_STEPS, LEAST_PER_STEP / rate);
    struct candidate plain = {.calls_per_s = rate};
    enum ts_status status = consider(out, target, &plain);
    if (status == TS_OK) {
        consider_on_off(out, target);
    }
    if (status == TS_OK && out->gap != TS_GAPS_ON_OFF && fill_week(out, target)) {
        struct candidate weekly = {.calls_per_s = rate, .week = out->week};
        status = consider(out, target, &weekly);
    }
    for (size_t i = 0; i < N_STEPS && status == TS_OK && out->gap != TS_GAPS_ON_OFF && out->error > good_error; i++) {
        if (steps_s[i] >= least_s && steps_s[i] < target->duration_s) {
            status = consider_steps(out, target, steps_s[i]);
        }
    }
    return status;
}

/* The likeliest family, of gaps in the process's operational time, where bursts are as near to the file's with it. A
 * clock with ticks does not tell. */
static void choose_gaps(struct ts_fit_process *out, struct target *target)
{
    const struct candidate candidate = {.step_s = out->rate_step_s,
                                        .week = out->follows_week ? out->week : NULL,
                                        .counts = out->rates,
                                        .n_steps = out->n_rates,
                                        .calls_per_s = out->calls_per_s};
    enum ts_gap_family best = TS_GAPS_EXPONENTIAL;
    weigh_gaps(out, target);
    for (int i = 0; i < TS_GAPS_ON_OFF; i++) {
        best = out->gaps.bic[i] < out->gaps.bic[best] ? (enum ts_gap_family)i : best;
    }
    out->gap = TS_GAPS_GAMMA;
    if (out->gaps.known && best != TS_GAPS_GAMMA) {
        double cv = 1.0;
        target->family = best;
        const double error =
            best == TS_GAPS_EXPONENTIAL ? try_cv(target, &candidate, cv) : search_cv(&cv, target, &candidate);
        if (error <= fmax(good_error, out->error)) {
            out->gap = best;
            out->gap_cv = cv;
            out->error = error;
        }
    }
}

enum ts_status ts_fit_process(struct ts_fit_process *out, const double *times_s, size_t n, double duration_s,
                              double start_hour, double tick_s)
{
    struct target target = {.times_s = times_s,
                            .n = n,
                            .duration_s = duration_s,
                            .start_hour = start_hour,
                            .tick_s = tick_s,
                            .family = TS_GAPS_GAMMA};
    const size_t n_part = n < MAX_SIMULATED ? n : MAX_SIMULATED;
    target.part_s = n_part == n ? duration_s : times_s[n_part - 1];
    *out = (struct ts_fit_process){
        .calls_per_s = (double)n / duration_s, .gap = TS_GAPS_GAMMA, .gap_cv = 1.0, .error = INFINITY};
    for (size_t i = 0; i < TS_FIT_SCALES; i++) {
        const bool enough = target.part_s >= LEAST_WINDOWS * ts_fit_scales_s[i];
        target.dispersion[i] = enough ? ts_dispersion(times_s, n_part, target.part_s, ts_fit_scales_s[i]) : NAN;
    }
    target.cap = 2 * n_part + 1024;
    target.drawn_s = malloc(target.cap * sizeof *target.drawn_s);
    enum ts_status status = target.drawn_s ? search(out, &target) : TS_ENOMEM;
    if (status == TS_OK && out->gap != TS_GAPS_ON_OFF) {
        choose_gaps(out, &target);
    }
    free(target.drawn_s);
    if (status != TS_OK) {
        ts_fit_process_deinit(out);
    }
    return status;
}

void ts_fit_process_deinit(struct ts_fit_process *process)
{
    free(process->rates);
    process->rates = NULL;
}

double ts_fit_tick_s(const int64_t *times_ns, size_t n)
{
    int64_t tick_ns = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t rest = times_ns[i];
        while (rest != 0) {
            const int64_t next = tick_ns % rest;
            tick_ns = rest;
            rest = next;
        }
    }
    return n >= LEAST_WINDOWS && tick_ns >= 100000000 ? ts_s_from_ns(tick_ns) : 0.0;
}
