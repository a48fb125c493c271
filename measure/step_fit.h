/* Step time as a function of what a step computes, fitted to measured steps. Two forms, both with coefficients that
 * cannot be negative: linear  t = a + b*seqs + c*kv + d*prefill + e*pairs table   t = f(tokens) + b*seqs + c*kv +
 * e*pairs, f piecewise linear and never falling: it can bend where a step turns from waiting for the weights to
 * computing, which the linear form cannot. seqs = sequences in the step (rows of logits), kv = cached tokens read by
 * those that decode, prefill = prompt tokens, tokens = decoding sequences + prefill, pairs = query-key pairs of the
 * prompt's attention. */
#ifndef TS_MEASURE_STEP_FIT_H
#define TS_MEASURE_STEP_FIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { TS_STEP_MAX_KNOTS = 24, TS_STEP_LINEAR_COEFS = 5 };

/* What a step computed. */
struct ts_step_load {
    double seqs, kv_tok, prefill_tok, tokens, pairs;
};

struct ts_timed_step {
    struct ts_step_load load;
    double seconds;
    double weight; /* above 0: the mean of so many noisy samples, and counts as much; 0: counts as one, without noise */
};

/* How well a fit does, as shares of the measured time. */
struct ts_fit_error {
    double r2;
    double median_frac, worst_frac;
    size_t n, worst; /* steps; index of the worst among those given (in a ts_model_measurement: among all its steps) */
};

struct ts_linear_fit {
    double coef[TS_STEP_LINEAR_COEFS]; /* a, b, c, d, e: seconds */
    double covariance[TS_STEP_LINEAR_COEFS][TS_STEP_LINEAR_COEFS];
    struct ts_fit_error error;
};

struct ts_table_fit {
    size_t n_knots;
    double tokens[TS_STEP_MAX_KNOTS];  /* increasing */
    double seconds[TS_STEP_MAX_KNOTS]; /* f, not falling */
    double b_s_per_seq, c_s_per_kv_tok, e_s_per_pair;
    double sd_b, sd_c, sd_e; /* standard deviations */
    struct ts_fit_error error;
};

/* Relative errors are minimised. steps: n > 0, seconds > 0. TS_ERANGE with fewer steps than coefficients; TS_ENOMEM. */
enum ts_status ts_step_fit_linear(struct ts_linear_fit *out, const struct ts_timed_step *steps, size_t n);
/* The same with some of the coefficients left out, because what was measured cannot tell them from the others: those
 * are 0. If b is left out and `seq_as_prompt_tok` is true, b = d instead: a sequence computes as much as a prompt
 * token.
 */
struct ts_linear_form {
    bool fitted[TS_STEP_LINEAR_COEFS];
    bool seq_as_prompt_tok;
};
enum ts_status ts_step_fit_form(struct ts_linear_fit *out, const struct ts_linear_form *form,
                                const struct ts_timed_step *steps, size_t n);

/* What these steps can tell apart: of the coefficients in the order a, d, b, c, e, those whose feature, over the times,
 * is at least as far as `least_frac` of its length from anything that the ones before it can make up. */
void ts_step_identify(bool out[TS_STEP_LINEAR_COEFS], const struct ts_timed_step *steps, size_t n, double least_frac,
                      bool seq_as_prompt_tok);

/* knots: token counts, increasing, at most TS_STEP_MAX_KNOTS, first to last spanning what is to be predicted; beyond
 * the last f goes on straight. */
enum ts_status ts_step_fit_table(struct ts_table_fit *out, const struct ts_timed_step *steps, size_t n,
                                 const double *knots, size_t n_knots);

double ts_step_predict_linear(const struct ts_linear_fit *fit, const struct ts_step_load *load);
double ts_step_predict_table(const struct ts_table_fit *fit, const struct ts_step_load *load);

/* Errors over other steps than those fitted; n > 0. */
enum ts_status ts_step_check_linear(struct ts_fit_error *out, const struct ts_linear_fit *fit,
                                    const struct ts_timed_step *steps, size_t n);
enum ts_status ts_step_check_table(struct ts_fit_error *out, const struct ts_table_fit *fit,
                                   const struct ts_timed_step *steps, size_t n);

#endif
