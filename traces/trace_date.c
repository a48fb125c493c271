/* Hides how dates are written. What nearly all rows have is read first, and fast, the clock of the Azure LLM inference
 * traces (github.com/Azure/AzurePublicDataset, CC-BY-4.0):
 *   2023: 2023-11-16 18:15:46.6805900         seven fractional digits, no zone (taken as UTC)
 *   2024: 2024-05-10 00:00:00.009930+00:00    six digits or none, with a zone
 * Else: 2026-3-2 8:00, 2026/03/02, 20260302T080000Z, 02.03.2026 08:00:00,5, 3/2/2026 8:00 PM, 2 Mar 2026, Mar 2, 2026,
 * with or without a day of the week, a time of day, a fraction, a zone (Z, UTC, GMT, +01:00, +0100, +01). Days since
 * 1970-01-01 are counted here rather than by mktime, which knows the local zone and no fraction: with y' = y-1, days
 * before year y = 365 y' + floor(y'/4) - floor(y'/100) + floor(y'/400). Check value: 2023-11-16 18:15:46.6805900 is
 * 1,700,158,546.68059 s (`date -u -d '2023-11-16 18:15:46' +%s`). */
#include <string.h>

#include "base/units.h"
#include "traces/trace_format.h"

enum { FIRST_YEAR = 1970, LAST_YEAR = 2199, FRACTION_DIGITS = 9 };

/* `n` digits at *text, which moves after them. */
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
    const char *at = *text;
    int64_t value = 0;
    int n = 0;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        if (n < FRACTION_DIGITS) {
            value = 10 * value + (*at - '0');
            n++;
        }
    }
    *text = at;
    *ns = value;
    for (int i = n; i < FRACTION_DIGITS; i++) {
        *ns *= 10;
    }
    return n > 0;
}

/* Nothing (UTC), Z, or +hh:mm. */
static bool take_zone(int *offset_s, bool *has_zone, const char **text, const char *end)
{
    *offset_s = 0;
    *has_zone = *text != end;
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

bool ts_trace_time_of_day(int64_t *out_ns, bool *has_zone, const char *text, size_t len)
{
    const char *end = text + len;
    int64_t fraction_ns = 0;
    int seconds = 0;
    int offset_s = 0;
    if (!(take_char(&text, end, ' ') || take_char(&text, end, 'T')) || !take_clock(&seconds, &text, end) ||
        !take_fraction(&fraction_ns, &text, end) || !take_zone(&offset_s, has_zone, &text, end) || text != end) {
        return false;
    }
    *out_ns = (seconds - offset_s) * TS_NS_PER_S + fraction_ns;
    return true;
}

bool ts_trace_azure_time(int64_t *out_ns, const char *text, size_t len)
{
    const char *end = text + len;
    int64_t days = 0;
    int64_t in_day_ns = 0;
    bool has_zone = false;
    if (!take_date(&days, &text, end) || !ts_trace_time_of_day(&in_day_ns, &has_zone, text, (size_t)(end - text))) {
        return false;
    }
    *out_ns = days * 86400 * TS_NS_PER_S + in_day_ns;
    return true;
}

int64_t ts_trace_days(int year, int month, int day)
{
    int64_t days = 0;
    (void)days_from_date(&days, year, month, day);
    return days;
}

int ts_trace_year_of(int64_t time_ns)
{
    const int64_t days = time_ns / (86400 * TS_NS_PER_S);
    int year = FIRST_YEAR + (int)(days / 366);
    while (days_before_year(year + 1) - days_before_year(FIRST_YEAR) <= days) {
        year++;
    }
    return year;
}

/* ---- other ways to write it ---- */

/* One to `most` digits. */
static int take_number(int *out, const char **text, const char *end, int most)
{
    int n = 0;
    int value = 0;
    for (; *text < end && **text >= '0' && **text <= '9' && n < most; (*text)++, n++) {
        value = 10 * value + (**text - '0');
    }
    *out = value;
    return n;
}

static void skip_blanks(const char **text, const char *end)
{
    while (*text < end && (**text == ' ' || **text == ',')) {
        (*text)++;
    }
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* The name of a month or a day of the week, in English, by its first three letters: 1 .. 12, or 13 .. 19. 0: none. */
static int take_name(const char **text, const char *end)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdecmontuewedthufrisatsun";
    const char *at = *text;
    for (int i = 0; end - at >= 3 && names[3 * i]; i++) {
        if (lower(at[0]) == names[3 * i] && lower(at[1]) == names[3 * i + 1] && lower(at[2]) == names[3 * i + 2]) {
            while (at < end && lower(*at) >= 'a' && lower(*at) <= 'z') {
                at++;
            }
            at += at < end && *at == '.';
            *text = at;
            return i + 1;
        }
    }
    return 0;
}

struct date {
    int year, month, day;
};

/* "3/2/2026": which of the two is the month must be known. */
static bool order_by_slash(struct date *out, const struct ts_trace_clock *clock, int a, int b, int year)
{
    *out = clock->day_first ? (struct date){year, b, a} : (struct date){year, a, b};
    return clock->day_first || clock->month_first || a == b;
}

/* Three numbers with a sign between them: the year first, or last. */
static bool take_numeric_date(struct date *out, const struct ts_trace_clock *clock, const char **text, const char *end)
{
    int a = 0;
    int b = 0;
    int c = 0;
    const int n = take_number(&a, text, end, 8);
    if (n == 8) {
        *out = (struct date){a / 10000, a / 100 % 100, a % 100};
        return true;
    }
    const char sign = *text < end ? **text : '\0';
    const bool year_first = n == 4;
    if (n == 0 || n == 3 || n > 4 || (sign != '-' && sign != '/' && sign != '.')) {
        return false;
    }
    (*text)++;
    const int month = take_name(text, end); /* 02-Mar-2026, 02/Mar/2026 */
    if ((month == 0 && take_number(&b, text, end, 2) == 0) || month > 12 || !take_char(text, end, sign)) {
        return false;
    }
    const int n_last = take_number(&c, text, end, year_first ? 2 : 4);
    c += n_last == 2 && !year_first && sign != '-' ? 2000 : 0; /* 14.03.26, 3/14/26 */
    if (!year_first && c < 1000) {
        return false;
    }
    if (year_first || month > 0) {
        *out = year_first ? (struct date){a, month ? month : b, c} : (struct date){c, month, a};
        return true;
    }
    return sign == '/' ? order_by_slash(out, clock, a, b, c) : (*out = (struct date){c, b, a}, true);
}

static bool take_any_date(struct date *out, const struct ts_trace_clock *clock, const char **text, const char *end)
{
    int name = take_name(text, end);
    if (name > 12) {
        skip_blanks(text, end);
        name = take_name(text, end);
    }
    skip_blanks(text, end);
    if (name > 0) { /* Mar 2, 2026 */
        out->month = name;
        if (take_number(&out->day, text, end, 2) == 0) {
            return false;
        }
        skip_blanks(text, end);
        return take_number(&out->year, text, end, 4) == 4;
    }
    const char *begin = *text;
    if (take_numeric_date(out, clock, text, end)) {
        return true;
    }
    *text = begin;
    if (take_number(&out->day, text, end, 2) == 0) {
        return false;
    }
    skip_blanks(text, end);
    out->month = take_name(text, end);
    skip_blanks(text, end);
    return out->month > 0 && out->month <= 12 && take_number(&out->year, text, end, 4) == 4;
}

/* h:mm[:ss[.fraction]] [AM|PM], or hhmmss. */
static bool take_any_clock(int64_t *ns, const char **text, const char *end)
{
    int hour = 0;
    int minute = 0;
    int second = 0;
    int64_t fraction_ns = 0;
    const int n = take_number(&hour, text, end, 6);
    if (n == 6) {
        second = hour % 100;
        minute = hour / 100 % 100;
        hour /= 10000;
    } else if (n == 0 || n > 2 || !take_char(text, end, ':') || take_number(&minute, text, end, 2) != 2 ||
               (take_char(text, end, ':') && take_number(&second, text, end, 2) != 2)) {
        return false;
    }
    if (*text + 1 < end && **text == ',' && (*text)[1] >= '0' && (*text)[1] <= '9') {
        char with_point[FRACTION_DIGITS + 2] = ".";
        const char *at = with_point;
        int n_digits = 1;
        for ((*text)++; *text < end && **text >= '0' && **text <= '9'; (*text)++) {
            if (n_digits <= FRACTION_DIGITS) {
                with_point[n_digits++] = **text;
            }
        }
        (void)take_fraction(&fraction_ns, &at, with_point + n_digits);
    } else if (!take_fraction(&fraction_ns, text, end)) {
        return false;
    }
    const char *at = *text;
    skip_blanks(&at, end);
    if (end - at >= 2 && (lower(at[0]) == 'a' || lower(at[0]) == 'p') && lower(at[1]) == 'm') {
        if (hour < 1 || hour > 12) {
            return false;
        }
        hour = hour % 12 + (lower(at[0]) == 'p' ? 12 : 0);
        *text = at + 2;
    }
    *ns = ((hour * 60 + minute) * 60 + second) * TS_NS_PER_S + fraction_ns;
    return hour < 24 && minute < 60 && second <= 60;
}

/* UTC, GMT, and those that mean the same everywhere. */
static bool take_zone_name(int *offset_s, const char **text, const char *end)
{
    static const struct {
        const char *name;
        int hours;
    } zones[] = {{"UTC", 0},  {"GMT", 0},  {"CEST", 2}, {"CET", 1},  {"EEST", 3}, {"EET", 2},
                 {"EDT", -4}, {"EST", -5}, {"MDT", -6}, {"MST", -7}, {"PDT", -7}, {"PST", -8}};
    for (size_t i = 0; i < sizeof zones / sizeof zones[0]; i++) {
        const size_t len = strlen(zones[i].name);
        if ((size_t)(end - *text) >= len && strncmp(*text, zones[i].name, len) == 0) {
            *text += len;
            *offset_s = zones[i].hours * 3600;
            return true;
        }
    }
    return false;
}

/* Nothing, or the zone's name in brackets after its offset: +02:00[Europe/Berlin]. */
static bool is_at_end(const char *text, const char *end)
{
    return text == end || (*text == '[' && end[-1] == ']');
}

/* Nothing, Z, a name, or +hh:mm, +hhmm, +hh; and nothing after it but the zone's name in brackets. */
static bool take_any_zone(int *offset_s, bool *has_zone, const char **text, const char *end)
{
    skip_blanks(text, end);
    *offset_s = 0;
    *has_zone = *text < end;
    if (take_zone_name(offset_s, text, end) || *text == end || take_char(text, end, 'Z') || take_char(text, end, 'z')) {
        return is_at_end(*text, end);
    }
    const int sign = **text == '-' ? -1 : 1;
    int hours = 0;
    int minutes = 0;
    if ((**text != '-' && **text != '+') || (++*text, !take_digits(&hours, text, end, 2))) {
        return false;
    }
    (void)take_char(text, end, ':');
    if (*text < end && !take_digits(&minutes, text, end, 2)) {
        return false;
    }
    *offset_s = sign * (hours * 60 + minutes) * 60;
    return hours <= 14 && minutes < 60 && is_at_end(*text, end);
}

/* "Tue Mar  3 08:00:00 2026": with the year after the day, as all others have it. */
static bool year_behind_day(char *out, size_t size, const char *text, size_t len)
{
    const char *colon = memchr(text, ':', len);
    const char *end = text + len;
    int year = 0;
    const char *at = len > 5 ? end - 4 : end;
    if (!colon || colon - text < 6 || len + 2 > size || lower(text[0]) < 'a' || lower(text[0]) > 'z' ||
        !take_digits(&year, &at, end, 4) || end[-5] != ' ' || colon[-3] != ' ') {
        return false;
    }
    const size_t day_len = (size_t)(colon - 2 - text), rest = (size_t)(end - 5 - (colon - 2));
    memcpy(out, text, day_len);
    memcpy(out + day_len, end - 4, 4);
    out[day_len + 4] = ' ';
    memcpy(out + day_len + 5, colon - 2, rest);
    return true;
}

bool ts_trace_date(int64_t *out_ns, struct ts_trace_clock *clock, const char *text, size_t len)
{
    char moved[64];
    if (year_behind_day(moved, sizeof moved, text, len)) {
        text = moved;
    }
    const char *end = text + len;
    struct date date = {0, 0, 0};
    int64_t days = 0;
    int64_t clock_ns = 0;
    int offset_s = 0;
    bool has_zone = false;
    skip_blanks(&text, end);
    if (!take_any_date(&date, clock, &text, end) || !days_from_date(&days, date.year, date.month, date.day)) {
        return false;
    }
    const bool is_compact = end - text == 6 && *text >= '0' && *text <= '9'; /* 20260302080000 */
    const bool has_time = text < end && (strchr(" T@t:,", *text) != NULL || is_compact);
    while (has_time && text < end && strchr(" T@t:,", *text)) {
        text++;
    }
    if ((has_time && text < end && !take_any_clock(&clock_ns, &text, end)) ||
        !take_any_zone(&offset_s, &has_zone, &text, end)) {
        return false;
    }
    clock->has_zone = clock->has_zone || has_zone;
    clock->is_naive = clock->is_naive || !has_zone;
    *out_ns = (days * 86400 - offset_s) * TS_NS_PER_S + clock_ns;
    return true;
}

const char *ts_trace_date_hint(const struct ts_trace_clock *clock, const char *text, size_t len)
{
    const char *end = text + len;
    const char *at = text;
    int a = 0;
    int b = 0;
    if (take_number(&a, &at, end, 2) > 0 && take_char(&at, end, '/') && take_number(&b, &at, end, 2) > 0 &&
        take_char(&at, end, '/') && !clock->day_first && !clock->month_first && a <= 12 && b <= 12) {
        return "nothing shows whether the day or the month comes first: say unit=dmy or unit=mdy in the map of the "
               "trace's columns";
    }
    at = text;
    if (take_number(&a, &at, end, 2) > 0 && take_char(&at, end, ':')) {
        return "a time of day alone: name the column of the day, too: time=DAY,clock=TIME in the map of the trace's "
               "columns";
    }
    return len > 19 && end[-1] >= 'A' && end[-1] <= 'Z' && end[-2] >= 'A' && end[-2] <= 'Z'
               ? "write the zone as an offset, +02:00, or times in UTC"
               : NULL;
}

const char *ts_trace_date_order(const char *text, size_t len)
{
    const char *end = text + len;
    const char *slash = memchr(text, '/', len);
    for (; slash; slash = memchr(slash + 1, '/', (size_t)(end - slash - 1))) {
        const char *from = slash;
        int a = 0;
        int b = 0;
        int year = 0;
        while (from > text && from[-1] >= '0' && from[-1] <= '9') {
            from--;
        }
        if (take_number(&a, &from, end, 2) > 0 && take_char(&from, end, '/') && take_number(&b, &from, end, 2) > 0 &&
            take_char(&from, end, '/') && take_number(&year, &from, end, 4) % 2 == 0 && year > 0 &&
            (a > 12) != (b > 12)) {
            return a > 12 ? "dmy" : "mdy";
        }
    }
    return NULL;
}
