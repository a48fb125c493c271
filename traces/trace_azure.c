/* Hides the clock of the Azure LLM inference traces (github.com/Azure/AzurePublicDataset, CC-BY-4.0):
 *   2023: 2023-11-16 18:15:46.6805900         seven fractional digits, no zone (taken as UTC)
 *   2024: 2024-05-10 00:00:00.009930+00:00    six digits or none, with a zone
 * Days since 1970-01-01 are counted here rather than by mktime, which knows the local zone and no fraction: with y' =
 * y-1, days before year y = 365 y' + floor(y'/4) - floor(y'/100) + floor(y'/400). Check value: 2023-11-16
 * 18:15:46.6805900 is 1,700,158,546.68059 s (`date -u -d '2023-11-16 18:15:46' +%s`). */
#include "traces/trace_format.h"

#include "base/units.h"

enum { FIRST_YEAR = 1970, LAST_YEAR = 2199, FRACTION_DIGITS = 9 };

/* `n` digits at *text, which moves behind them. */
static bool take_digits(int *out, const char **text, const char *end, int n)
{
    const char *at = *text;
    int value = 0;
    if (end - at < n) {
        return false;
    }
    for (int i = 0; i < n; i++) {
        if (at[i] < '0' || at[i] > '9') {
            return false;
        }
        value = 10 * value + (at[i] - '0');
    }
    *text = at + n;
    *out = value;
    return true;
}

static bool take_char(const char **text, const char *end, char c)
{
    if (*text == end || **text != c) {
        return false;
    }
    (*text)++;
    return true;
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int64_t days_before_year(int year)
{
    int64_t past = year - 1;
    return 365 * past + past / 4 - past / 100 + past / 400;
}

static bool days_from_date(int64_t *out, int year, int month, int day)
{
    static const int before_month[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    if (year < FIRST_YEAR || year > LAST_YEAR || month < 1 || month > 12 || day < 1) {
        return false;
    }
    int leap_day = is_leap(year) ? 1 : 0;
    int length = before_month[month] - before_month[month - 1] + (month == 2 ? leap_day : 0);
    if (day > length) {
        return false;
    }
    int in_year = before_month[month - 1] + (month > 2 ? leap_day : 0) + day - 1;
    *out = days_before_year(year) - days_before_year(FIRST_YEAR) + in_year;
    return true;
}

static bool take_date(int64_t *days, const char **text, const char *end)
{
    int year = 0;
    int month = 0;
    int day = 0;
    return take_digits(&year, text, end, 4) && take_char(text, end, '-') && take_digits(&month, text, end, 2) &&
           take_char(text, end, '-') && take_digits(&day, text, end, 2) && days_from_date(days, year, month, day);
}

static bool take_clock(int *seconds, const char **text, const char *end)
{
    int hour = 0;
    int minute = 0;
    int second = 0;
    if (!take_digits(&hour, text, end, 2) || !take_char(text, end, ':') || !take_digits(&minute, text, end, 2) ||
        !take_char(text, end, ':') || !take_digits(&second, text, end, 2)) {
        return false;
    }
    *seconds = (hour * 60 + minute) * 60 + second;
    return hour < 24 && minute < 60 && second < 60;
}

/* Nothing, or a point and digits; digits beyond the ninth are below a nanosecond and dropped. */
static bool take_fraction(int64_t *ns, const char **text, const char *end)
{
    *ns = 0;
    if (!take_char(text, end, '.')) {
        return true;
    }
    int n = 0;
    for (; *text < end && **text >= '0' && **text <= '9'; (*text)++, n++) {
        if (n < FRACTION_DIGITS) {
            *ns = 10 * *ns + (**text - '0');
        }
    }
    for (int i = n; i < FRACTION_DIGITS; i++) {
        *ns *= 10;
    }
    return n > 0;
}

/* Nothing (UTC), Z, or +hh:mm. */
static bool take_zone(int *offset_s, const char **text, const char *end)
{
    *offset_s = 0;
    if (*text == end || take_char(text, end, 'Z')) {
        return true;
    }
    int sign = take_char(text, end, '-') ? -1 : 1;
    int hours = 0;
    int minutes = 0;
    if ((sign > 0 && !take_char(text, end, '+')) || !take_digits(&hours, text, end, 2) || !take_char(text, end, ':') ||
        !take_digits(&minutes, text, end, 2) || hours > 14 || minutes > 59) {
        return false;
    }
    *offset_s = sign * (hours * 60 + minutes) * 60;
    return true;
}

bool ts_trace_azure_time(int64_t *out_ns, const char *text, size_t len)
{
    const char *end = text + len;
    int64_t days = 0;
    int64_t fraction_ns = 0;
    int seconds = 0;
    int offset_s = 0;
    if (!take_date(&days, &text, end) || !(take_char(&text, end, ' ') || take_char(&text, end, 'T')) ||
        !take_clock(&seconds, &text, end) || !take_fraction(&fraction_ns, &text, end) ||
        !take_zone(&offset_s, &text, end) || text != end) {
        return false;
    }
    *out_ns = (days * 86400 + seconds - offset_s) * TS_NS_PER_S + fraction_ns;
    return true;
}
