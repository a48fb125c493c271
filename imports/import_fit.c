/* Hides which coefficients of the linear form an import can tell, what is assumed for the others, and how many points
 * are kept. A coefficient counts as told if its feature stands out from what the others can make up (ts_step_identify);
 * b, where all steps have one sequence, is bounded from below by d: a decoding sequence computes what a prompt token
 * does. Points far off the first fit (more than FAR times its median error: a stalled request, a paging machine) are
 * left out of the second, and counted. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/sample.h"
#include "imports/import_parts.h"

#define LEAST_FRAC 0.05
#define FAR 6.0
#define FAR_AT_LEAST 0.1

static int by_load(const void *a, const void *b)
{
    const struct ts_import_point *x = a, *y = b;
    bool px = x->load.kv_tok < x->load.prefill_tok, py = y->load.kv_tok < y->load.prefill_tok;
    if (px != py) {
        return px ? 1 : -1;
    }
    double kx = px ? x->load.prefill_tok : x->load.seqs, ky = py ? y->load.prefill_tok : y->load.seqs;
    if (kx != ky) {
        return kx < ky ? -1 : 1;
    }
    if (x->load.kv_tok != y->load.kv_tok) {
        return x->load.kv_tok < y->load.kv_tok ? -1 : 1;
    }
    return (x->seconds > y->seconds) - (x->seconds < y->seconds);
}

/* The mean of neighbours, which lies on a linear fit as they do. */
static struct ts_import_point mean_of(const struct ts_import_point *points, size_t n)
{
    struct ts_import_point mean = {0};
    uint64_t n_samples = 0;
    double share = 1.0 / (double)n;
    for (size_t i = 0; i < n; i++) {
        mean.load.seqs += points[i].load.seqs * share;
        mean.load.kv_tok += points[i].load.kv_tok * share;
        mean.load.prefill_tok += points[i].load.prefill_tok * share;
        mean.load.tokens += points[i].load.tokens * share;
        mean.load.pairs += points[i].load.pairs * share;
        mean.seconds += points[i].seconds * share;
        n_samples += points[i].n_samples;
    }
    mean.n_samples = n_samples < UINT32_MAX ? (uint32_t)n_samples : UINT32_MAX;
    return mean;
}

/* Few enough points to keep; neighbours are merged. */
static void merge_points(struct ts_importer *importer)
{
    size_t n = importer->n_points, most = TS_IMPORT_MAX_POINTS;
    if (n <= most) {
        return;
    }
    qsort(importer->points, n, sizeof *importer->points, by_load);
    for (size_t i = 0; i < most; i++) {
        size_t from = i * n / most, to = (i + 1) * n / most;
        importer->points[i] = mean_of(importer->points + from, to - from);
    }
    importer->n_points = most;
}

static void say_coefs(struct ts_importer *importer, const struct ts_linear_form *form)
{
    static const char *const not_told[TS_STEP_LINEAR_COEFS] = {
        "0: not identified by the source",
        "0: all steps have as many sequences",
        "0, bounded from below: the source has no two depths to fit it; its cost is in a and b",
        "0: the source times no prompts",
        "0, bounded from below: prompts differ too little in length; its cost is in d",
    };
    for (int j = 0; j < TS_STEP_LINEAR_COEFS; j++) {
        importer->info->coefs[j] = form->fitted[j] ? "fitted" : not_told[j];
    }
    if (!form->fitted[1] && form->seq_as_prompt_tok) {
        importer->info->coefs[1] = "= d, bounded from below: all steps have one sequence";
    }
}

static void choose_form(struct ts_linear_form *form, const struct ts_timed_step *steps, size_t n)
{
    memset(form, 0, sizeof *form);
    ts_step_identify(form->fitted, steps, n, LEAST_FRAC, false);
    if (!form->fitted[1] && form->fitted[3]) {
        form->seq_as_prompt_tok = true;
        ts_step_identify(form->fitted, steps, n, LEAST_FRAC, true);
        form->fitted[1] = false;
    }
}

static double ascending_median(double *values, size_t n)
{
    qsort(values, n, sizeof *values, ts_sample_compare);
    return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2.0;
}

/* Those not far off the fit, to the front of `steps`. Returns how many. */
static size_t near_ones(struct ts_timed_step *steps, size_t n, const struct ts_linear_fit *fit, double *errors)
{
    for (size_t i = 0; i < n; i++) {
        errors[i] = fabs(ts_step_predict_linear(fit, &steps[i].load) / steps[i].seconds - 1.0);
    }
    double limit = fmax(FAR_AT_LEAST, FAR * ascending_median(errors, n));
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (fabs(ts_step_predict_linear(fit, &steps[i].load) / steps[i].seconds - 1.0) <= limit) {
            steps[kept++] = steps[i];
        }
    }
    return kept;
}

static enum ts_status fit_steps(struct ts_model_measurement *out, struct ts_importer *importer,
                                struct ts_timed_step *steps, double *errors)
{
    struct ts_linear_form form;
    size_t n = importer->n_points;
    for (size_t i = 0; i < n; i++) {
        steps[i] = (struct ts_timed_step){.load = importer->points[i].load, .seconds = importer->points[i].seconds};
    }
    choose_form(&form, steps, n);
    enum ts_status status = ts_step_fit_form(&out->linear, &form, steps, n);
    if (status == TS_OK) {
        size_t kept = near_ones(steps, n, &out->linear, errors);
        importer->info->n_far = n - kept;
        choose_form(&form, steps, kept);
        status = ts_step_fit_form(&out->linear, &form, steps, kept);
    }
    say_coefs(importer, &form);
    return status;
}

/* The points, to the arena; the errors are over all of them. */
static enum ts_status finish(struct ts_model_measurement *out, struct ts_importer *importer,
                             struct ts_timed_step *steps)
{
    struct ts_import_point *kept = ts_arena_array(importer->arena, importer->n_points, sizeof *kept);
    if (!kept) {
        return TS_ENOMEM;
    }
    memcpy(kept, importer->points, importer->n_points * sizeof *kept);
    for (size_t i = 0; i < importer->n_points; i++) {
        steps[i] = (struct ts_timed_step){.load = kept[i].load, .seconds = kept[i].seconds};
    }
    importer->info->points = kept;
    importer->info->n_points = importer->n_points;
    out->fitted = true;
    return ts_step_check_linear(&out->linear.error, &out->linear, steps, importer->n_points);
}

enum ts_status ts_import_fit(struct ts_model_measurement *out, struct ts_importer *importer)
{
    merge_points(importer);
    size_t n = importer->n_points;
    struct ts_timed_step *steps = calloc(n + 1, sizeof *steps);
    double *errors = malloc((n + 1) * sizeof *errors);
    enum ts_status status = steps && errors ? TS_OK : TS_ENOMEM;
    if (status == TS_OK) {
        status = fit_steps(out, importer, steps, errors);
    }
    if (status == TS_OK) {
        status = finish(out, importer, steps);
    }
    free(steps);
    free(errors);
    return status;
}
