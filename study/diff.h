/* Two scenarios beside each other: the inputs that differ, the figures with the confidence of their difference over
 * paired replications (the same random numbers in both), and how much of a figure's difference each input explains. */
#ifndef TS_STUDY_DIFF_H
#define TS_STUDY_DIFF_H

#include "study/study_db.h"

enum { TS_MAX_SHAPLEY = 8 };

enum ts_diff_explains {
    TS_DIFF_NOTHING,
    TS_DIFF_EACH,    /* A with that input of B alone, less A: what the inputs do together is left over */
    TS_DIFF_SHAPLEY, /* its mean part over all orders of changing one input after the other (Shapley, 1953): no rest */
    TS_N_DIFF_EXPLAINS
};

/* "off", "each", "shapley". */
extern const char *const ts_diff_explains_names[TS_N_DIFF_EXPLAINS];

/* An input that differs: of what is written or stands as a default, not of what follows from that. */
struct ts_diff_input {
    const char *key, *a, *b; /* a, b NULL: there is no such key */
    const char *set;         /* makes A's as B's: "key=b" */
    double part;             /* of the goal's difference; NaN: not asked for, or some run of it cannot be */
};

struct ts_diff_figure {
    const char *subject;
    const struct ts_metric *metric;
    double a, b;
    double change; /* mean of b - a over replications: with one, b - a */
    double half;   /* half the width of the 95 % interval of that, by Student's t on the pairs; NaN: one replication */
};

struct ts_diff {
    struct ts_arena arena; /* owns what follows */
    struct ts_diff_input *inputs;
    size_t n_inputs;
    struct ts_diff_figure *figures; /* that both have, of all classes together, in the order of summary.csv */
    size_t n_figures;
    enum ts_diff_explains explained; /* by what the parts are */
    double rest;                     /* of the goal's difference; NaN */
    uint32_t n_replications, n_runs;
};

struct ts_diff_options {
    struct ts_study_goal goal; /* the figure that is explained */
    enum ts_diff_explains explains;
    uint32_t n_threads;
    enum ts_capacity_effort effort;
    struct ts_progress progress;
};

/* Both with the same replications. TS_ERANGE with a diagnostic if more than TS_MAX_SHAPLEY inputs differ and
 * TS_DIFF_SHAPLEY is asked for; what ts_point_run returns. On TS_OK call ts_diff_deinit. */
enum ts_status ts_diff_make(struct ts_diff *out, const struct ts_trial_base *a, const struct ts_trial_base *b,
                            const struct ts_diff_options *options, struct ts_diags *diags);
/* The same of two folders that `tiersim run` has written: from their summary.csv and manifest.json; nothing is run, and
 * nothing explained. TS_EIO, TS_EINPUT. */
enum ts_status ts_diff_folders(struct ts_diff *out, const char *a, const char *b, struct ts_diags *diags);
void ts_diff_deinit(struct ts_diff *diff);

/* Of the pairs a[n], b[n]; n < 2: half is NaN. */
void ts_diff_pair(struct ts_diff_figure *figure, const double *a, const double *b, uint32_t n);

/* NULL: both have no such figure. */
const struct ts_diff_figure *ts_diff_find(const struct ts_diff *diff, const struct ts_study_goal *of);

#endif
