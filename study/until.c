/* Hides how the rule is written, and which figures have an interval. */
#include "study/until.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_NAME = 32 };

static const struct ts_metric *find(const char *name, const char *end, const char *stat)
{
    char full[2 * MOST_NAME];
    (void)snprintf(full, sizeof full, "%s%s", name, end);
    return ts_metric_find(full, stat);
}

/* Cuts "ttft.p99" or "ttft_p99" at its last sign. */
static bool find_figure(struct ts_until *out, char *figure)
{
    char *cut = strrchr(figure, '.');
    cut = cut ? cut : strrchr(figure, '_');
    if (!cut) {
        return false;
    }
    *cut = '\0';
    const char *stat = cut + 1;
    const bool is_mean = strcmp(stat, "mean") == 0;
    out->metric = ts_metric_find(figure, stat);
    out->low = find(figure, is_mean ? "_ci95" : "_low", stat);
    out->high = is_mean ? NULL : find(figure, "_high", stat);
    return out->metric && out->low && (is_mean || out->high);
}

/* " +-2 %" after the figure; false: it is something else. */
static bool read_width(double *out, const char *text)
{
    char *end;
    text += strspn(text, " ");
    if (strncmp(text, "+-", 2) != 0) {
        return false;
    }
    *out = strtod(text + 2, &end) / 100.0;
    const bool any = end != text + 2;
    end += strspn(end, " ");
    return any && strcmp(end, "%") == 0 && *out > 0.0 && *out < 1.0;
}

enum ts_status ts_until_parse(struct ts_until *out, const char *text, struct ts_diags *diags)
{
    char figure[MOST_NAME];
    struct ts_until until = {.frac = 0.0};
    const size_t len = strcspn(text, " +");
    if (!read_width(&until.frac, text + len)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write for example 'ttft.p99 +-2 %'",
                       "--until: '%s' is no figure with a width from 0 to 100 %%", text);
    }
    (void)snprintf(figure, sizeof figure, "%.*s", (int)len, text);
    if (len >= sizeof figure || !find_figure(&until, figure)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(),
                       "one of ttft, tpot and e2e with .p95, .p99, .p999 or .mean; ttft_server.mean, wait.mean",
                       "--until: '%.*s' has no interval", (int)len, text);
    }
    *out = until;
    return TS_OK;
}

enum ts_status ts_until_width(double *out, const struct ts_until *until, const struct ts_model *model,
                              const struct ts_result *result)
{
    struct ts_metric_view view;
    const enum ts_status status = ts_metric_view_init(&view, model, result, NULL, ts_all_tiers(model), TS_ALL_CLASSES);
    if (status == TS_OK) {
        const double value = until->metric->get(&view, until->metric), low = until->low->get(&view, until->low);
        const double half = until->high ? (until->high->get(&view, until->high) - low) / 2.0 : low;
        *out = value > 0.0 ? half / value : NAN;
        ts_metric_view_deinit(&view);
    }
    return status;
}

void ts_until_put(struct ts_text *out, const struct ts_until *until, double width_frac, uint32_t n_replications)
{
    ts_text_printf(out, "%s.%s ", until->metric->name, until->metric->stat);
    if (isnan(width_frac)) {
        ts_text_printf(out, "has no interval after %u replications: too few calls", n_replications);
        return;
    }
    const double ratio = width_frac / until->frac;
    ts_text_printf(out, "is known to +-%.2g %% after %u replications; +-%.2g %% would take about %.3g",
                   100.0 * width_frac, n_replications, 100.0 * until->frac, ceil(n_replications * ratio * ratio));
}
