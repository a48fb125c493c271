/* Hides how figures are called in run.json, and how their tables become a page for people. The page is checked in as
 * docs/FIGURES.md and compared by a test. */
#include <ctype.h>
#include <string.h>

#include "reports/metric.h"

/* "USD/month" -> "_usd_per_month", "1" -> "", "1/s" -> "_per_s", "B" -> "_bytes". */
static void put_unit_suffix(struct ts_text *out, const char *unit)
{
    if (strcmp(unit, "B") == 0) {
        ts_text_puts(out, "_bytes");
        return;
    }
    const char *at = unit[0] == '1' ? unit + 1 : unit;
    if (*at != '\0' && *at != '/') {
        ts_text_puts(out, "_");
    }
    for (; *at != '\0'; at++) {
        if (*at == '/') {
            ts_text_puts(out, "_per_");
        } else {
            ts_text_printf(out, "%c", tolower((unsigned char)*at));
        }
    }
}

void ts_metric_put_key(struct ts_text *out, const struct ts_metric *metric, const struct ts_model *model)
{
    char unit[TS_UNIT_BYTES];
    struct ts_text suffix;
    ts_text_init(&suffix);
    put_unit_suffix(&suffix, model ? ts_metric_unit(unit, metric->unit, model) : metric->unit);
    ts_text_puts(out, metric->name);
    if (!ts_str_has_suffix(metric->name, suffix.data)) {
        ts_text_puts(out, suffix.data);
    }
    out->failed = out->failed || suffix.failed;
    ts_text_deinit(&suffix);
}

/* ---- the page ---- */

static const char intro[] =
    "# The figures of a report\n\n"
    "This page is made from the tables that reports are made from (`sim/counters.inc`, `reports/metric_rows.inc`), so "
    "it\n"
    "cannot disagree with the program.\n\n"
    "- `summary.csv` has one figure a row: `scenario,replication,tier,class,metric,stat,value,unit`. Replication `all` "
    "is the\n"
    "  merged run; tier `all` is all tiers, `nowhere` what no tier took, `tier/pool` a pool; class `all` is all "
    "classes.\n"
    "  An empty value: there is no such figure (no request was done, a tier has no KV cache).\n"
    "- `run.json` has the same figures under keys that carry the unit; several statistics of one figure are an "
    "object.\n"
    "- `timeseries.csv` has a row for each bin and tier.\n"
    "- *Merged*: how replications add up. Where nothing stands, the figure is computed from what was merged.\n"
    "- A warm-up is in no figure but the counts by outcome, the events and the counts of what happens to units.\n";

static const struct {
    enum ts_metric_scope scope;
    const char *title;
} scopes[] = {
    {TS_METRIC_REQUESTS, "Requests: of each tier, and of each class"},
    {TS_METRIC_TIER, "Tiers, and (marked \\*) the pools that they list"},
    {TS_METRIC_MONEY, "Money: of each tier, in the first month in full service; merged run only"},
    {TS_METRIC_CALLS, "Money: of each tier, and of each class, in that month; merged run only"},
    {TS_METRIC_CLASSES, "Intervals of percentiles: of each class over all tiers, and of all; merged run only"},
    {TS_METRIC_RUN, "The run"},
    {TS_METRIC_PLAN, "The plan; merged run only"},
};

static bool goes_on(const struct ts_metric *metric)
{
    const struct ts_metric *next = metric + 1;
    return next->name && strcmp(next->name, metric->name) == 0 && strcmp(next->doc, metric->doc) == 0;
}

/* Statistics that share a sentence share a line. */
static const struct ts_metric *put_line(struct ts_text *out, const struct ts_metric *metric)
{
    ts_text_printf(out, "| `%s`%s | %s", metric->name, metric->of_pools ? " \\*" : "", metric->stat);
    const struct ts_metric *last = metric;
    for (; goes_on(last); last++) {
        ts_text_printf(out, ", %s", last[1].stat);
    }
    ts_text_printf(out, " | %s | `", metric->unit);
    ts_metric_put_key(out, metric, NULL);
    ts_text_printf(out, "` | %s | %s |\n", metric->merge ? metric->merge : "", metric->doc);
    return last;
}

static void put_series(struct ts_text *out)
{
    ts_text_puts(out, "\n## Over time: `timeseries.csv`\n\n| column | meaning |\n|---|---|\n"
                      "| `start_s`, `end_s` | The bin. |\n| `tier` | Its name, or `all`. |\n"
                      "| `arrivals_per_s` | Requests that came, of all tiers alone. |\n");
    for (const struct ts_series *series = ts_series; series->column; series++) {
        ts_text_printf(out, "| `%s` | %s |\n", series->column, series->doc);
    }
}

static void put_reasons(struct ts_text *out)
{
    ts_text_puts(out,
                 "\n## Why attempts ended: `outcomes.csv`, `attempts` in `run.json`\n\n"
                 "An attempt is a call's stay at one tier: one that the router means for it, and one that is sent "
                 "on to it.\n`docs/OUTPUT.md` says what adds up to what.\n\n| outcome | meaning |\n|---|---|\n"
                 "| `sent` | All attempts at the tier. |\n| `answered` | Those that gave the call's answer. |\n"
                 "| `spared` | Those that were not needed: another one was faster, or a check rejected the reply. |\n"
                 "| `open` | Those that were under way when the simulation ended. |\n");
    for (int r = 0; r < TS_N_REASONS; r++) {
        ts_text_printf(out, "| `%s` | %s |\n", ts_reason_word((enum ts_reason)r), ts_reason_doc((enum ts_reason)r));
    }
}

void ts_metric_markdown(struct ts_text *out)
{
    ts_text_puts(out, intro);
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        ts_text_printf(out,
                       "\n## %s\n\n| figure | statistic | unit | key | merged | meaning |\n|---|---|---|---|---|---|\n",
                       scopes[i].title);
        for (const struct ts_metric *metric = ts_metrics; metric->name; metric++) {
            if (metric->scope == scopes[i].scope) {
                metric = put_line(out, metric);
            }
        }
    }
    put_reasons(out);
    put_series(out);
}
