/* Hides the arrival process: a renewal process in operational time, mapped to the clock by the inverse of the
 * cumulative rate (Cinlar, "Introduction to Stochastic Processes", 1975, ch. 4.7; Gerhardt and Nelson, INFORMS J.
 * Computing 21, 2009). One unit of operational time is one expected arrival: a piece of time with rate r and length s
 * lasts r s units, the rate is constant within it, so the inverse is exact. Pieces end where an hour ends, a step of
 * the curve of its own, or a time on or off. Gaps have mean 1, whatever their distribution, so the expected number of
 * arrivals in any window is the integral of the rate. That holds if the process is stationary at the start of the
 * window and does not begin with a full gap: it is started 4,096 units (and a uniform fraction) before. For gamma gaps
 * of CV 13 a start with a full gap would add (13^2 - 1)/2 = 84 arrivals to every window. Times on and off are started
 * 64 of their cycles before, for the same reason. Where the steps of a curve are counted, the gaps of each step are
 * scaled so that it has as many arrivals as are expected of it: a copy of the stream of gaps tells their sum before. */
#include "traces/arrivals.h"

#include <math.h>
#include <stdlib.h>

#include "base/units.h"
#include "traces/label.h"

static const double burn_in = 4096.0;
static const double burn_in_cycles = 64.0;
static const double hour_s = 3600.0;
enum { HOURS_OF_DAY = 24, SUNDAY = 6 };

/* A stretch of the clock with one rate. */
struct piece {
    double start_s; /* since the start of the window; of the first one below 0 if that lies within an hour */
    double end_s;
    double arrivals; /* expected: its length in operational time */
};

/* The pieces of a window, one after the other. */
struct pieces {
    const struct ts_process *process;
    const struct ts_window *window;
    double calls_per_s, week_mean, rates_mean;
    double hours_at_s; /* start of the current hour */
    size_t hour_of_week;
    double n_hours;   /* passed since the one that the window starts in */
    double n_steps;   /* steps of the own curve passed */
    double on_weight; /* of times on: 1 / their share; 0 in times off; 1: there are none */
    double switch_s;  /* when that ends */
    struct piece now;
};

struct ts_arrivals {
    struct pieces pieces;
    struct ts_rng gaps, switches;
    double gap_scale; /* makes the mean of the gaps 1 */
    double at;        /* operational time since the start of the piece */
    double next_gap;  /* from there to the next arrival */
    double share_on;  /* of the time */
    bool is_over;
    struct {
        struct pieces ahead; /* at the start of the step after the one that gaps are drawn for */
        uint64_t n_left;     /* gaps that end within the step */
        double scale;        /* of its gaps */
        double rest;         /* from its last arrival to its end */
        double fraction;     /* of an arrival, left over by rounding */
    } counted;
};

static double mean_weight(const double *weights, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; weights && i < n; i++) {
        sum += weights[i];
    }
    return weights && n > 0 ? sum / (double)n : 1.0;
}

/* ---- pieces ---- */

static bool is_holiday(const struct ts_window *window, double hours)
{
    const double start = fmod(floor(window->start_hour), HOURS_OF_DAY);
    const double day = floor((start + hours) / HOURS_OF_DAY) + 1.0;
    for (size_t i = 0; i < window->n_holidays; i++) {
        if (window->holidays[i] == day) {
            return true;
        }
    }
    return false;
}

static double weight_of_hour(const struct pieces *pieces)
{
    const double *curve = pieces->process->week_curve;
    if (!curve) {
        return 1.0;
    }
    size_t hour = pieces->hour_of_week;
    if (pieces->window->n_holidays > 0 && is_holiday(pieces->window, pieces->n_hours)) {
        hour = SUNDAY * HOURS_OF_DAY + hour % HOURS_OF_DAY;
    }
    return curve[hour] / pieces->week_mean;
}

static double trend_at(const struct pieces *pieces, double time_s)
{
    const double growth = pieces->window->trend_frac_per_month;
    return growth != 0.0 && time_s > 0.0 ? pow(1.0 + growth, time_s / TS_S_PER_MONTH) : 1.0;
}

/* The piece from start_s to what ends first. */
static void set_piece(struct pieces *pieces, double start_s)
{
    const struct ts_process *process = pieces->process;
    double end_s = fmin(pieces->switch_s, pieces->hours_at_s + hour_s);
    double rate_weight = 1.0;
    if (process->n_rates > 0) {
        end_s = fmin(end_s, (pieces->n_steps + 1.0) * process->rate_step_s);
        rate_weight = process->rates[(size_t)fmod(pieces->n_steps, (double)process->n_rates)] / pieces->rates_mean;
    }
    pieces->now = (struct piece){.start_s = start_s, .end_s = end_s};
    pieces->now.arrivals = pieces->calls_per_s * (end_s - start_s) * weight_of_hour(pieces) * rate_weight *
                           pieces->on_weight * trend_at(pieces, start_s);
}

/* Without steps and times on and off the first piece is the hour in which the window begins. */
static void pieces_begin(struct pieces *pieces, const struct ts_process *process, const struct ts_window *window,
                         double calls_per_s)
{
    double start_hour = fmod(window->start_hour, (double)TS_WEEK_HOURS);
    start_hour += start_hour < 0.0 ? (double)TS_WEEK_HOURS : 0.0;
    *pieces = (struct pieces){.process = process,
                              .window = window,
                              .calls_per_s = calls_per_s,
                              .week_mean = mean_weight(process->week_curve, TS_WEEK_HOURS),
                              .rates_mean = mean_weight(process->rates, process->n_rates),
                              .hour_of_week = (size_t)floor(start_hour) % TS_WEEK_HOURS,
                              .hours_at_s = -(start_hour - floor(start_hour)) * hour_s,
                              .on_weight = 1.0,
                              .switch_s = INFINITY};
    set_piece(pieces, process->n_rates > 0 || process->has_bursts ? 0.0 : pieces->hours_at_s);
}

/* To the next piece; the caller has set what follows a time on or off. */
static void pieces_step(struct pieces *pieces)
{
    const double at_s = pieces->now.end_s;
    if (at_s >= pieces->hours_at_s + hour_s) {
        pieces->hours_at_s += hour_s;
        pieces->n_hours += 1.0;
        pieces->hour_of_week = (pieces->hour_of_week + 1) % TS_WEEK_HOURS;
    }
    if (pieces->process->n_rates > 0 && at_s >= (pieces->n_steps + 1.0) * pieces->process->rate_step_s) {
        pieces->n_steps += 1.0;
    }
    set_piece(pieces, at_s);
}

double ts_arrivals_expected(const struct ts_process *process, const struct ts_window *window, double calls_per_s)
{
    struct pieces pieces;
    double sum = 0.0;
    pieces_begin(&pieces, process, window, calls_per_s);
    for (; pieces.now.start_s < window->duration_s; pieces_step(&pieces)) {
        const struct piece *now = &pieces.now;
        const double from_s = fmax(now->start_s, 0.0), to_s = fmin(now->end_s, window->duration_s);
        const double share = now->end_s > now->start_s ? (to_s - from_s) / (now->end_s - now->start_s) : 0.0;
        sum += to_s > from_s ? now->arrivals * share : 0.0;
    }
    return sum;
}

const char *ts_process_mistake(const struct ts_process *process)
{
    const double mean = ts_dist_mean(&process->gap);
    double sum = 0.0;
    for (size_t hour = 0; process->week_curve && hour < TS_WEEK_HOURS; hour++) {
        if (!(process->week_curve[hour] >= 0.0 && process->week_curve[hour] < HUGE_VAL)) {
            return "the weights of the week curve must be numbers of at least 0";
        }
    }
    for (size_t i = 0; i < process->n_rates; i++) {
        if (!(process->rates[i] >= 0.0 && process->rates[i] < HUGE_VAL)) {
            return "the weights of the rates must be numbers of at least 0";
        }
        sum += process->rates[i];
    }
    if (!(mean > 0.0 && mean < HUGE_VAL)) {
        return "the gaps between arrivals must have a mean above 0";
    }
    if (!(mean_weight(process->week_curve, TS_WEEK_HOURS) > 0.0)) {
        return "the week curve is 0 at every hour";
    }
    if (process->n_rates > 0 && !(sum > 0.0 && process->rate_step_s > 0.0)) {
        return "the rates are 0 at every step";
    }
    if (process->counts_steps && (process->n_rates == 0 || process->has_bursts)) {
        return "counted steps need rates, and no on and off periods";
    }
    if (process->has_bursts && !(ts_dist_mean(&process->on_s) > 0.0 && ts_dist_mean(&process->off_s) > 0.0)) {
        return "on and off periods must have a mean above 0";
    }
    return NULL;
}

/* ---- times on and off ---- */

static double draw_time(const struct ts_dist *dist, struct ts_rng *rng)
{
    const double least_s = 1e-3; /* of times that are drawn as 0: the clock goes on */
    return fmax(ts_dist_sample(dist, rng), least_s);
}

/* The other state, from switch_s on. */
static void turn(struct ts_arrivals *arrivals)
{
    struct pieces *pieces = &arrivals->pieces;
    const bool on = !(pieces->on_weight > 0.0);
    pieces->on_weight = on ? 1.0 / arrivals->share_on : 0.0;
    pieces->switch_s += draw_time(on ? &pieces->process->on_s : &pieces->process->off_s, &arrivals->switches);
}

/* The state at the start of the window. */
static void begin_bursts(struct ts_arrivals *arrivals)
{
    const struct ts_process *process = arrivals->pieces.process;
    const double on_s = ts_dist_mean(&process->on_s), off_s = ts_dist_mean(&process->off_s);
    arrivals->share_on = on_s / (on_s + off_s);
    arrivals->pieces.on_weight = 0.0;
    arrivals->pieces.switch_s = -(burn_in_cycles + ts_rng_uniform(&arrivals->switches)) * (on_s + off_s);
    while (!(arrivals->pieces.switch_s > 0.0)) {
        turn(arrivals);
    }
    set_piece(&arrivals->pieces, arrivals->pieces.now.start_s);
}

/* ---- gaps ---- */

static double draw_plain(const struct ts_arrivals *arrivals, struct ts_rng *rng)
{
    const double gap = ts_dist_sample(&arrivals->pieces.process->gap, rng) * arrivals->gap_scale;
    return gap > 0.0 ? gap : 0.0;
}

/* Expected arrivals of the next step. */
static double step_ahead(struct pieces *ahead)
{
    const double n_steps = ahead->n_steps;
    double sum = 0.0;
    while (!(ahead->n_steps > n_steps)) {
        sum += ahead->now.arrivals;
        pieces_step(ahead);
    }
    return sum;
}

/* Gaps for a step of so many arrivals: as they are drawn, but that they and the rest after them fill the step. */
static void begin_step(struct ts_arrivals *arrivals, double expected)
{
    struct ts_rng copy = arrivals->gaps;
    const double wanted = expected + arrivals->counted.fraction;
    double sum = 0.0;
    arrivals->counted.n_left = (uint64_t)wanted;
    arrivals->counted.fraction = wanted - floor(wanted);
    arrivals->counted.rest = expected;
    for (uint64_t i = 0; arrivals->counted.n_left > 0 && i <= arrivals->counted.n_left; i++) {
        sum += draw_plain(arrivals, &copy);
    }
    arrivals->counted.scale = sum > 0.0 ? expected / sum : 0.0;
}

static double draw_counted(struct ts_arrivals *arrivals)
{
    double gap = 0.0;
    while (arrivals->counted.n_left == 0) {
        gap += arrivals->counted.rest;
        if (!(arrivals->counted.ahead.now.start_s < arrivals->pieces.window->duration_s)) {
            return INFINITY;
        }
        begin_step(arrivals, step_ahead(&arrivals->counted.ahead));
    }
    const double own = draw_plain(arrivals, &arrivals->gaps) * arrivals->counted.scale;
    arrivals->counted.rest -= own;
    if (--arrivals->counted.n_left == 0) {
        (void)draw_plain(arrivals, &arrivals->gaps); /* the rest */
    }
    return gap + own;
}

static double draw_gap(struct ts_arrivals *arrivals)
{
    return arrivals->pieces.process->counts_steps ? draw_counted(arrivals) : draw_plain(arrivals, &arrivals->gaps);
}

/* ---- arrivals ---- */

/* Steps to the next arrival; false when it lies after the window. */
static bool step(struct ts_arrivals *arrivals)
{
    struct pieces *pieces = &arrivals->pieces;
    arrivals->at += arrivals->next_gap;
    arrivals->next_gap = draw_gap(arrivals);
    while (!(arrivals->at < pieces->now.arrivals)) {
        arrivals->at -= pieces->now.arrivals;
        if (!(pieces->now.end_s < pieces->window->duration_s)) {
            return false;
        }
        if (pieces->now.end_s >= pieces->switch_s) {
            turn(arrivals);
        }
        pieces_step(pieces);
    }
    return true;
}

double ts_arrivals_next(struct ts_arrivals *arrivals)
{
    const struct piece *now = &arrivals->pieces.now;
    double time_s = INFINITY;
    if (!arrivals->is_over && step(arrivals)) {
        time_s = now->start_s + (now->end_s - now->start_s) * arrivals->at / now->arrivals;
    }
    arrivals->is_over = !(time_s < arrivals->pieces.window->duration_s);
    return arrivals->is_over ? INFINITY : time_s;
}

/* Puts the process at the start of the window, on the way to the first arrival after it. */
static void place_at_start(struct ts_arrivals *arrivals)
{
    const struct piece *now = &arrivals->pieces.now;
    arrivals->at = -now->start_s / (now->end_s - now->start_s) * now->arrivals;
    if (arrivals->pieces.process->counts_steps) {
        arrivals->counted.ahead = arrivals->pieces;
        arrivals->counted.fraction = ts_rng_uniform(&arrivals->gaps);
        arrivals->next_gap = draw_gap(arrivals);
        return;
    }
    double until_start = burn_in + ts_rng_uniform(&arrivals->gaps);
    double gap = draw_gap(arrivals);
    while (gap < until_start) {
        until_start -= gap;
        gap = draw_gap(arrivals);
    }
    arrivals->next_gap = gap - until_start;
}

struct ts_arrivals *ts_arrivals_create(const struct ts_process *process, const struct ts_window *window,
                                       double calls_per_s, struct ts_arrivals_key key)
{
    struct ts_arrivals *arrivals = calloc(1, sizeof *arrivals);
    if (!arrivals) {
        return NULL;
    }
    ts_rng_init(&arrivals->gaps, key.seed, key.replication, key.entity, TS_TRACE_GAPS);
    ts_rng_init(&arrivals->switches, key.seed, key.replication, key.entity, TS_TRACE_SWITCHES);
    arrivals->gap_scale = 1.0 / ts_dist_mean(&process->gap);
    pieces_begin(&arrivals->pieces, process, window, calls_per_s);
    if (process->has_bursts) {
        begin_bursts(arrivals);
    }
    place_at_start(arrivals);
    return arrivals;
}

void ts_arrivals_destroy(struct ts_arrivals *arrivals)
{
    free(arrivals);
}
