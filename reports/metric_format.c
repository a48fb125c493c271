/* Hides how people read a figure: shares as percent, money to the cent or the dollar, times in a fitting unit. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"
#include "reports/metric.h"

static bool starts_with(const char *string, const char *prefix)
{
    return strncmp(string, prefix, strlen(prefix)) == 0;
}

const char *ts_metric_unit(char out[TS_UNIT_BYTES], const char *unit, const struct ts_model *model)
{
    if (!starts_with(unit, "USD") || !model->money.currency) {
        return unit;
    }
    (void)snprintf(out, TS_UNIT_BYTES, "%.8s%.20s", model->money.currency, unit + strlen("USD"));
    return out;
}

/* "USD", "EUR/month": three capitals. */
static bool is_money(const char *unit)
{
    return strspn(unit, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 3 && (unit[3] == '\0' || unit[3] == '/');
}

/* Money to the cent below 100, to the dollar above 1,000: what a reader would say. */
static void put_usd(struct ts_text *out, double usd)
{
    if (fabs(usd) < 0.995 && usd != 0.0) {
        ts_text_number(out, usd, 3);
        return;
    }
    double magnitude = fabs(usd), step = magnitude < 99.995 ? 0.01 : magnitude < 999.5 ? 0.1 : 1.0;
    ts_text_number(out, round(usd / step) * step, magnitude < 999.5 ? 4 : 15);
}

/* 3,179,304 as 3,180,000: such a volume is worked out, not counted. */
static double three_digits(double value)
{
    const double step = value != 0.0 ? pow(10.0, floor(log10(fabs(value))) - 2.0) : 1.0;
    return round(value / fmax(step, 1.0)) * fmax(step, 1.0);
}

bool ts_metric_is_never(double value, const char *unit)
{
    return isinf(value) && value > 0.0 &&
           (strcmp(unit, "months") == 0 || strcmp(unit, "h") == 0 || strcmp(unit, "calls/month") == 0);
}

void ts_metric_format(struct ts_text *out, double value, const char *unit)
{
    if (isnan(value)) {
        ts_text_puts(out, "-");
    } else if (isinf(value)) {
        ts_text_puts(out, ts_metric_is_never(value, unit) ? "never" : value > 0 ? "unlimited" : "-inf");
    } else if (starts_with(unit, "frac")) {
        ts_text_number(out, 100.0 * value, fabs(value) > 0.9 && fabs(value) < 1.0 ? 4 : 3);
        ts_text_printf(out, " %%%s", unit + strlen("frac"));
    } else if (strcmp(unit, "s") == 0) {
        ts_units_format(out, value, unit);
    } else if (is_money(unit)) {
        put_usd(out, value);
        ts_text_printf(out, " %s", unit);
    } else if (strcmp(unit, "1") == 0) {
        ts_text_number(out, value, value == floor(value) ? 15 : 3);
    } else if (strcmp(unit, "tok") == 0) {
        ts_text_number(out, round(value), 15);
        ts_text_printf(out, " %s", unit);
    } else if (strcmp(unit, "calls/month") == 0) {
        ts_text_number(out, three_digits(value), 15);
        ts_text_printf(out, " %s", unit);
    } else {
        ts_text_number(out, value, 3);
        ts_text_printf(out, " %s", unit);
    }
}

void ts_metric_format_bare(struct ts_text *out, double value, const char *unit)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_metric_format(&text, value, unit);
    const char *blank = strchr(text.data, ' ');
    ts_text_append(out, text.data, blank != NULL ? (size_t)(blank - text.data) : text.len);
    out->failed = out->failed || text.failed;
    ts_text_deinit(&text);
}
