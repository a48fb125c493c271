/* Hides how long a window is said to be, and where a text is cut off. */
#include <math.h>

#include "base/units.h"
#include "econ/use_curve.h"
#include "reports/report_parts.h"

void ts_report_put_time(struct ts_text *out, double seconds)
{
    if (seconds >= 7200.0 && seconds <= 172800.0) {
        ts_text_number(out, seconds / 3600.0, 3);
        ts_text_puts(out, " h");
        return;
    }
    ts_units_format(out, seconds, "s");
}

void ts_report_put_clipped(struct ts_text *out, const char *string, size_t max)
{
    size_t width = 0;
    for (const char *at = string; *at != '\0'; at++) {
        width += ((unsigned char)*at & 0xc0) != 0x80;
    }
    size_t keep = width > max ? max - 3 : max, n = 0;
    for (const char *at = string; *at != '\0'; at++) {
        n += ((unsigned char)*at & 0xc0) != 0x80;
        if (n > keep) {
            ts_text_puts(out, "...");
            return;
        }
        ts_text_append(out, (unsigned char)*at < 0x20 || *at == 0x7f ? " " : at, 1);
    }
}

const char *ts_report_no_baseline(const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    uint32_t n_apis = 0;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        n_apis += model->tiers[i].kind == TS_TIER_API;
    }
    if (n_apis == model->n_tiers) {
        return "all calls are at APIs: no investment has to pay back";
    }
    return n_apis > 1 ? "it is not said which API its tiers replace (replaces: TIER): there is nothing to compare with"
                      : "no owned tier replaces an API: there is nothing to compare with";
}

const char *ts_report_bound_word(enum ts_slo_bound bound)
{
    static const char *const words[TS_N_SLO_BOUNDS] = {"calls are lost", "TTFT", "TPOT", "E2E"};
    return words[bound];
}

bool ts_report_put_capacity(struct ts_text *out, const struct ts_report *report, uint32_t tier)
{
    const struct ts_econ_capacity *capacity = &report->input.econ->capacity;
    if (!capacity->is_simulated || isinf(capacity->volume[tier])) {
        return false;
    }
    ts_text_printf(out, "%s keeps the SLO %s ", report->input.model->tiers[tier].name,
                   capacity->is_reached[tier] ? "up to" : "at");
    ts_text_number(out, capacity->volume[tier], 2);
    ts_text_puts(out, " times today's volume at the peak of the week");
    if (capacity->is_reached[tier]) {
        ts_text_printf(out, " (then %s)", ts_report_bound_word(capacity->bound[tier]));
    } else {
        ts_text_puts(out, ", the most that was tried");
    }
    return true;
}

static void put_off(struct ts_text *out, double frac)
{
    ts_text_number(out, 100.0 * frac, 2);
    ts_text_puts(out, " %");
}

bool ts_report_put_growth(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_use_curve *curve = report->input.econ->capacity.curve;
    if (!curve) {
        return false;
    }
    const uint32_t end = curve->today + 1 < curve->n ? curve->n - 1 : 0;
    char unit[TS_UNIT_BYTES];
    ts_text_puts(out, "a month at ");
    ts_text_number(out, curve->volume[end], 3);
    ts_text_puts(out, " times today's volume costs ");
    ts_metric_format(out, curve->usd[end], ts_metric_unit(unit, "USD", report->input.model));
    if (end == curve->n - 1) {
        const double more = curve->usd[end] / curve->proportional_usd - 1.0;
        ts_text_puts(out, ", ");
        put_off(out, fabs(more));
        ts_text_puts(out, more < 0.0 ? " less than in proportion" : " more than in proportion");
    }
    ts_text_printf(out, "; simulated at %u volumes, error between them at most ", (unsigned)curve->n);
    put_off(out, curve->cost_error_frac);
    ts_text_puts(out, " of cost, ");
    put_off(out, curve->energy_error_frac);
    ts_text_puts(out, " of energy");
    return true;
}

bool ts_report_put_later(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_quality_months *quality = report->input.quality;
    if (!quality) {
        return false;
    }
    const uint32_t last = quality->n_months;
    ts_text_printf(out, "in month %u ", (unsigned)last);
    ts_metric_format(out, quality->right_frac[last], "frac");
    ts_text_puts(out, " answered right");
    if (!isnan(quality->retained_frac[last])) {
        const uint32_t strongest = ts_frontier_strongest(report->input.model);
        ts_text_puts(out, ": ");
        ts_metric_format(out, quality->retained_frac[last], "frac");
        ts_text_printf(out, " of what %s alone gets right then", report->input.model->tiers[strongest].name);
    }
    ts_text_printf(out, " (%u months simulated)", (unsigned)quality->n_simulated);
    return true;
}
