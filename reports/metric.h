/* Every figure of a report, defined once: its name, statistic, unit and how to get it. CSV, JSON, HTML and terminal
 * all read this table. */
#ifndef TS_REPORTS_METRIC_H
#define TS_REPORTS_METRIC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"
#include "econ/econ.h"
#include "sim/result.h"

enum ts_metric_scope {
    TS_METRIC_REQUESTS, /* of a tier and a class, or of all */
    TS_METRIC_TIER,     /* of a tier, or of all */
    TS_METRIC_MONEY,    /* of a tier or of all, in the first month in full service; merged run only */
    TS_METRIC_CALLS,    /* of a tier and a class, or of all, in that month; merged run only */
    TS_METRIC_CLASSES,  /* of a class over all tiers, or of all; merged run only */
    TS_METRIC_RUN,      /* of a run as a whole */
    TS_METRIC_PLAN,     /* of the plan as a whole; merged run only */
};

/* What a figure is computed from: one tier or all, one class or all. */
struct ts_metric_view {
    const struct ts_model *model;
    const struct ts_result *result;
    const struct ts_econ *econ;   /* NULL for a single replication: figures of money are NaN */
    uint32_t tier;                /* an index; n_tiers: nowhere; n_tiers + 1: all */
    uint32_t class_id;            /* TS_ALL_CLASSES: all */
    struct ts_cell cell;          /* summed */
    struct ts_tier_result totals; /* see ts_result_total */
};

/* The columns of sim/counters.inc. */
enum ts_counter_type { TS_COUNTER_IS_COUNT, TS_COUNTER_IS_REAL };
enum ts_counter_has { TS_HAS_ANY, TS_HAS_OWNED, TS_HAS_SERVER, TS_HAS_CROSSING, TS_HAS_INCIDENTS };

struct ts_metric {
    const char *name;
    const char *stat;
    const char *unit; /* "s", "1", "frac" (0..1), "tok", "kWh", "USD/month", ... */
    enum ts_metric_scope scope;
    double (*get)(const struct ts_metric_view *view, const struct ts_metric *self);
    int index;    /* for the getter: which latency, which kind of cost */
    double p;     /* for the getter: which quantile */
    size_t field; /* of a number that is kept as it is: where it stands in its struct */
    enum ts_counter_type type;
    enum ts_counter_has has;
    double per;
    bool of_pools;                                  /* exists for each pool too */
    bool (*concerns)(const struct ts_model *model); /* NULL: every model; else the figure exists for those alone */
    const char *merge; /* how replications merge: "sum", ...; NULL: as it follows from what was merged */
    const char *doc;   /* a sentence */
};

static inline bool ts_metric_concerns(const struct ts_metric *metric, const struct ts_model *model)
{
    return !metric->concerns || metric->concerns(model);
}

/* The table ends with name = NULL; metrics of one name follow one another. */
extern const struct ts_metric ts_metrics[];

/* NULL if there is none. */
const struct ts_metric *ts_metric_find(const char *name, const char *stat);

static inline uint32_t ts_all_tiers(const struct ts_model *model)
{
    return model->n_tiers + 1;
}

/* "edge", "nowhere", "all". */
const char *ts_metric_tier_name(const struct ts_model *model, uint32_t tier);

/* Sums what is to be summed. TS_ENOMEM. Deinit it. */
enum ts_status ts_metric_view_init(struct ts_metric_view *out, const struct ts_model *model,
                                   const struct ts_result *result, const struct ts_econ *econ, uint32_t tier,
                                   uint32_t class_id);
void ts_metric_view_deinit(struct ts_metric_view *view);

/* Is the pool, by its place among those of all tiers, one that reports tell of: one that its tier lists? */
bool ts_metric_shows_pool(const struct ts_model *model, uint32_t pool);
/* Its figures: those of units and steps. The view is for metrics that are of pools. */
struct ts_metric_view ts_metric_pool_view(const struct ts_model *model, const struct ts_result *result, uint32_t pool);
uint32_t ts_metric_tier_of_pool(const struct ts_model *model, uint32_t pool);
/* "edge/old", of one that is shown. Free what *out holds with ts_text_deinit. */
void ts_metric_pool_name(struct ts_text *out, const struct ts_model *model, uint32_t pool);

/* A column of timeseries.csv; the table ends with column = NULL. */
struct ts_series {
    const char *column, *doc;
    size_t field; /* of struct ts_tier_result */
    enum ts_counter_has has;
};
extern const struct ts_series ts_series[];

/* Do reports of that model have its column? */
bool ts_series_is_told(const struct ts_series *series, const struct ts_model *model);
/* In a bin; of all tiers together, or of a tier of another kind, NaN where it has none. */
double ts_series_value(const struct ts_series *series, const struct ts_model *model, const struct ts_result *result,
                       uint32_t tier, uint32_t bin);

/* Does a tier (n_tiers + 1: all together) have what the counter is about? */
bool ts_metric_has(const struct ts_model *model, uint32_t tier, enum ts_counter_has what);

enum { TS_UNIT_BYTES = 32 };

/* A unit of the table in the model's currency: "USD/month" -> "EUR/month"; lies in `out` where it is another. */
const char *ts_metric_unit(char out[TS_UNIT_BYTES], const char *unit, const struct ts_model *model);

/* The key of run.json: "ttft_s", "cost_usd_per_month"; model NULL: in USD. */
void ts_metric_put_key(struct ts_text *out, const struct ts_metric *metric, const struct ts_model *model);
/* docs/FIGURES.md. */
void ts_metric_markdown(struct ts_text *out);

/* Is it a time or a volume that is never reached? */
bool ts_metric_is_never(double value, const char *unit);
/* For people: "42.3 ms", "97.3 %", "12,345 USD/month", "never" for an infinite time, "-" for NaN. */
void ts_metric_format(struct ts_text *out, double value, const char *unit);

/* The same without its unit, for a column that names it. */
void ts_metric_format_bare(struct ts_text *out, double value, const char *unit);

#endif
