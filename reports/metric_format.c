/* Hides how people read a figure: shares as percent, money to the cent or the dollar, times in a fitting unit. */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "reports/metric.h"

static bool starts_with(const char *string, const char *prefix)
{
    return strncmp(string, prefix, strlen(prefix)) == 0;
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

void ts_metric_format(struct ts_text *out, double value, const char *unit)
{
    if (isnan(value)) {
        ts_text_puts(out, "-");
    } else if (isinf(value)) {
        ts_text_puts(out, strcmp(unit, "months") == 0 ? "never" : value > 0 ? "unlimited" : "-inf");
    } else if (starts_with(unit, "frac")) {
        ts_text_number(out, 100.0 * value, fabs(value) > 0.9 && fabs(value) < 1.0 ? 4 : 3);
        ts_text_printf(out, " %%%s", unit + strlen("frac"));
    } else if (strcmp(unit, "s") == 0) {
        ts_units_format(out, value, unit);
    } else if (starts_with(unit, "USD")) {
        put_usd(out, value);
        ts_text_printf(out, " %s", unit);
    } else if (strcmp(unit, "1") == 0) {
        ts_text_number(out, value, value == floor(value) ? 15 : 3);
    } else if (strcmp(unit, "tok") == 0) {
        ts_text_number(out, value, 15);
        ts_text_puts(out, " tok");
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
