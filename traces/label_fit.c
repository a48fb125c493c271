/* Hides what lengths tell of a class: by Bayes, P(class | lengths) is proportional to share x P(lengths | class). The
 * lengths of a class are a table of 128 quantiles, so that any distribution is looked up at the same cost; the
 * probability of a length is that of lengths within a quarter of it. Check values: classes with a share of 1/2 each and
 * prompts uniform on 100 to 200 and on 1,000 to 2,000: a prompt of 150 is of the first. */
#include <math.h>
#include <stdlib.h>

#include "traces/label.h"

enum { N_QUANTILES = 128 };

static const double near = 1.25;   /* lengths that count as alike: a factor */
static const double unlike = 1e-6; /* of a length that the class never has: if no class has it, shares decide */

struct ts_label_fit {
    size_t n;
    struct {
        double share;
        double prompt[N_QUANTILES], output[N_QUANTILES]; /* at (i + 1/2) / N_QUANTILES */
    } classes[];
};

static void fill(double *quantiles, const struct ts_dist *dist)
{
    for (int i = 0; i < N_QUANTILES; i++) {
        quantiles[i] = ts_dist_quantile(dist, (i + 0.5) / N_QUANTILES);
    }
}

enum ts_status ts_label_fit_create(struct ts_label_fit **out, const struct ts_workload *workload)
{
    *out = NULL;
    for (size_t i = 0; i < workload->n_classes; i++) {
        if (!workload->classes[i].says_lengths && workload->classes[i].share > 0.0) {
            return TS_OK;
        }
    }
    struct ts_label_fit *fit = malloc(sizeof *fit + workload->n_classes * sizeof fit->classes[0]);
    if (!fit) {
        return TS_ENOMEM;
    }
    fit->n = workload->n_classes;
    for (size_t i = 0; i < fit->n; i++) {
        fit->classes[i].share = workload->classes[i].share;
        fill(fit->classes[i].prompt, &workload->classes[i].prompt_tok);
        fill(fit->classes[i].output, &workload->classes[i].output_tok);
    }
    *out = fit;
    return TS_OK;
}

void ts_label_fit_destroy(struct ts_label_fit *fit)
{
    free(fit);
}

/* How many of the quantiles are at most x. */
static int count_to(const double *quantiles, double x)
{
    int low = 0;
    int high = N_QUANTILES;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (quantiles[middle] <= x) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static double probability_near(const double *quantiles, double x)
{
    const int n = count_to(quantiles, x * near) - count_to(quantiles, x / near);
    return (double)n / N_QUANTILES + unlike;
}

double ts_label_fit_weight(const struct ts_label_fit *fit, size_t class_id, uint32_t prompt_tok, uint32_t output_tok)
{
    const double share = fit->classes[class_id].share;
    return share <= 0.0 ? 0.0
                        : share * probability_near(fit->classes[class_id].prompt, prompt_tok) *
                              probability_near(fit->classes[class_id].output, output_tok);
}
