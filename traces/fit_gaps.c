/* Hides likelihoods: with L the mean of ln x and m the mean of x, a value's share of ln L is -ln m - 1 for exponential
 * gaps, k ln(k / m) - lgamma(k) + (k - 1) L - k for gamma ones of shape k, and ln k - ln mean(x^k) + (k - 1) L - 1 for
 * Weibull ones, each at its best scale. The shape of gamma gaps is Minka's approximation (2002), within 1.5 % of the
 * best one; that of Weibull ones the root of mean(x^k ln x) / mean(x^k) - 1 / k - L. Check value: a Weibull
 * distribution of shape 0.5 has the CV sqrt(5).
 *
 * Gaps of an interrupted Poisson process are independent and hyperexponential: with the rate a in times on, b the rate
 * at which these end, and c that of times off, their density is p u exp(-u x) + (1 - p) v exp(-v x), where u and v are
 * the roots of r^2 - (a + b + c) r + a c = 0 and p = (a - v) / (u - v) (Kuczura, Bell System Technical Journal 52,
 * 1973). So p, u and v are those of most likelihood, by expectation and maximization (Dempster, Laird and Rubin, 1977),
 * and a = p u + (1 - p) v, c = u v / a, b = u + v - a - c. Check value: a = 16/s, times on of 5 s and off of 15 s
 * (b = 0.2/s, c = 0.0667/s) have u = 16.2008/s, v = 0.065840/s, p = 0.98755. */
#include "traces/fit_gaps.h"

#include <math.h>

enum { LEAST_GAPS = 200, N_HALVINGS = 60, N_ROUNDS = 300 };

static const double floor_frac = 1e-4, most_floored = 0.1;

struct gaps {
    const double *values;
    size_t n;
    double least, mean, mean_log;
};

static double at(const struct gaps *gaps, size_t i)
{
    return fmax(gaps->values[i], gaps->least);
}

/* *powers: mean of x^k; returns mean(x^k ln x) / mean(x^k) - 1 / k - L, which rises with k. */
static double weibull_slope(double *powers, const struct gaps *gaps, double k)
{
    double sum = 0.0, logs = 0.0;
    for (size_t i = 0; i < gaps->n; i++) {
        const double log_x = log(at(gaps, i)), power = exp(k * log_x);
        sum += power;
        logs += power * log_x;
    }
    *powers = sum / (double)gaps->n;
    return logs / sum - 1.0 / k - gaps->mean_log;
}

static double fit_weibull(double *shape, const struct gaps *gaps)
{
    double low = 0.05, high = 20.0, powers = 1.0;
    for (int i = 0; i < N_HALVINGS && high / low > 1.0 + 1e-6; i++) {
        const double k = sqrt(low * high);
        if (weibull_slope(&powers, gaps, k) > 0.0) {
            high = k;
        } else {
            low = k;
        }
    }
    *shape = sqrt(low * high);
    (void)weibull_slope(&powers, gaps, *shape);
    return log(*shape) - log(powers) + (*shape - 1.0) * gaps->mean_log - 1.0;
}

static double fit_gamma(double *shape, const struct gaps *gaps)
{
    const double s = fmax(log(gaps->mean) - gaps->mean_log, 1e-9);
    const double k = (3.0 - s + sqrt((s - 3.0) * (s - 3.0) + 24.0 * s)) / (12.0 * s);
    *shape = k;
    return k * log(k / gaps->mean) - lgamma(k) + (k - 1.0) * gaps->mean_log - k;
}

struct mixture {
    double p, fast, slow; /* rates, and the share of the fast one */
};

/* One round: a better mixture, and the mean log-likelihood of the one before it. */
static double improve(struct mixture *m, const struct gaps *gaps)
{
    double n_fast = 0.0, sum_fast = 0.0, sum = 0.0, each = 0.0;
    for (size_t i = 0; i < gaps->n; i++) {
        const double x = at(gaps, i);
        const double fast = m->p * m->fast * exp(-m->fast * x);
        const double both = fast + (1.0 - m->p) * m->slow * exp(-m->slow * x);
        const double share = both > 0.0 ? fast / both : 0.0;
        n_fast += share;
        sum_fast += share * x;
        sum += x;
        each += log(fmax(both, 1e-300));
    }
    const double n = (double)gaps->n;
    if (n_fast > 0.0 && n_fast < n && sum_fast > 0.0 && sum > sum_fast) {
        *m = (struct mixture){.p = n_fast / n, .fast = n_fast / sum_fast, .slow = (n - n_fast) / (sum - sum_fast)};
    }
    return each / n;
}

/* From a mixture of short gaps and long ones. */
static double fit_on_off(struct ts_gap_fit *out, const struct gaps *gaps)
{
    struct mixture m = {.p = 0.9, .fast = 4.0 / gaps->mean, .slow = 0.2 / gaps->mean};
    double each = -INFINITY;
    for (int i = 0; i < N_ROUNDS; i++) {
        const double now = improve(&m, gaps);
        const bool is_there = fabs(now - each) < 1e-10;
        each = now;
        if (is_there) {
            break;
        }
    }
    const double rate = m.p * m.fast + (1.0 - m.p) * m.slow;
    const double off_ends = m.fast * m.slow / rate, on_ends = m.fast + m.slow - rate - off_ends;
    if (off_ends > 0.0 && on_ends > 0.0 && m.fast > m.slow) {
        out->on = 1.0 / on_ends;
        out->off = 1.0 / off_ends;
    }
    return out->on > 0.0 ? each : -INFINITY;
}

static bool look(struct gaps *gaps)
{
    size_t n_floored = 0;
    for (size_t i = 0; i < gaps->n; i++) {
        gaps->mean += gaps->values[i] / (double)gaps->n;
    }
    gaps->least = floor_frac * gaps->mean;
    for (size_t i = 0; i < gaps->n; i++) {
        n_floored += gaps->values[i] < gaps->least;
    }
    if (gaps->n < LEAST_GAPS || !(gaps->mean > 0.0) || (double)n_floored > most_floored * (double)gaps->n) {
        return false;
    }
    gaps->mean = 0.0;
    for (size_t i = 0; i < gaps->n; i++) {
        gaps->mean += at(gaps, i) / (double)gaps->n;
        gaps->mean_log += log(at(gaps, i)) / (double)gaps->n;
    }
    return true;
}

void ts_fit_gaps(struct ts_gap_fit *out, const double *values, size_t n)
{
    struct gaps gaps = {.values = values, .n = n};
    *out = (struct ts_gap_fit){.known = look(&gaps), .shape = {1.0, 1.0, 1.0, 1.0}};
    if (!out->known) {
        return;
    }
    const double each[TS_N_GAP_FAMILIES] = {-log(gaps.mean) - 1.0, fit_gamma(&out->shape[TS_GAPS_GAMMA], &gaps),
                                            fit_weibull(&out->shape[TS_GAPS_WEIBULL], &gaps), fit_on_off(out, &gaps)};
    static const double n_parameters[TS_N_GAP_FAMILIES] = {1.0, 2.0, 2.0, 3.0};
    for (int i = 0; i < TS_N_GAP_FAMILIES; i++) {
        out->bic[i] = n_parameters[i] * log((double)n) - 2.0 * (double)n * each[i];
        out->best = out->bic[i] < out->bic[out->best] ? (enum ts_gap_family)i : out->best;
    }
}

const char *ts_gap_family_name(enum ts_gap_family family)
{
    static const char *const names[TS_N_GAP_FAMILIES] = {"exponential", "gamma", "weibull", "on/off"};
    return names[family];
}

double ts_weibull_shape(double cv)
{
    double low = 0.05, high = 100.0;
    for (int i = 0; i < N_HALVINGS; i++) {
        const double k = sqrt(low * high);
        const double squared = expm1(lgamma(1.0 + 2.0 / k) - 2.0 * lgamma(1.0 + 1.0 / k));
        if (squared > cv * cv) {
            low = k;
        } else {
            high = k;
        }
    }
    return sqrt(low * high);
}

struct ts_dist ts_gap_dist(enum ts_gap_family family, double cv)
{
    if (family == TS_GAPS_WEIBULL) {
        const double k = ts_weibull_shape(cv);
        return ts_dist_weibull(k, 1.0 / tgamma(1.0 + 1.0 / k));
    }
    return family == TS_GAPS_GAMMA ? ts_dist_gamma_mean_cv(1.0, cv) : ts_dist_exponential(1.0);
}
