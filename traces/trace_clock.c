/* Hides how a column of times is understood. A text with a date is a date. A number is in the unit that the format, the
 * map or the column's name tells; else the first one tells it by its size: seconds, milliseconds, microseconds and
 * nanoseconds since 1970 lie a factor of 1,000 apart (the years 1973 to 2286), days since 1899-12-30 as a spreadsheet
 * writes dates lie between 36,526 (2000-01-01) and 73,050 (2099-12-31) and have a fraction; what is smaller are seconds
 * since some start. Check value: 46084.05225 is 2026-03-03 01:15:14.4. */
#include <math.h>
#include <string.h>

#include "base/units.h"
#include "traces/trace_format.h"

enum { EXCEL_EPOCH_DAYS = 25569, DAY_S = 86400, MAX_DIGITS = 19 };

static const double excel_first = 36526.0, excel_last = 73050.0;

static double unit_of_word(const char *unit)
{
    static const struct {
        const char *word;
        double unit_s;
    } units[] = {{"s", 1.0}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        if (ts_str_equal(units[i].word, unit)) {
            return units[i].unit_s;
        }
    }
    return 0.0;
}

/* "arrival_time_ns", "time [ms]", "createTimeMs" and "START_MS": lower case, words with a _ between and none at the
 * end.
 */
static void words_of(char *out, size_t size, const char *name)
{
    size_t n = 0;
    for (size_t i = 0; name[i] && n + 2 < size; i++) {
        const char c = name[i], before = i > 0 ? name[i - 1] : '_';
        const bool upper = c >= 'A' && c <= 'Z';
        const bool letter = upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        const bool begins = upper && before >= 'a' && before <= 'z';
        if ((begins || !letter) && n > 0 && out[n - 1] != '_') {
            out[n++] = '_';
        }
        if (letter) {
            out[n++] = upper ? (char)(c - 'A' + 'a') : c;
        }
    }
    n -= n > 0 && out[n - 1] == '_';
    out[n] = '\0';
}

static double unit_of_name(const char *name)
{
    static const struct {
        const char *ending;
        double unit_s;
    } endings[] = {{"_ns", 1e-9},   {"nano", 1e-9},   {"nanos", 1e-9},        {"nanoseconds", 1e-9},
                   {"_us", 1e-6},   {"micros", 1e-6}, {"microseconds", 1e-6}, {"_ms", 1e-3},
                   {"_msec", 1e-3}, {"millis", 1e-3}, {"milliseconds", 1e-3}, {"_s", 1.0},
                   {"_sec", 1.0},   {"_secs", 1.0},   {"_seconds", 1.0}};
    char words[128];
    words_of(words, sizeof words, name);
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        if (ts_str_has_suffix(words, endings[i].ending)) {
            return endings[i].unit_s;
        }
    }
    return 0.0;
}

void ts_trace_clock_init(struct ts_trace_clock *clock, double unit_s, const char *unit)
{
    *clock = (struct ts_trace_clock){
        .unit_s = unit_s, .unit_is_told = unit_s > 0.0, .tick_ns = DAY_S * TS_NS_PER_S, .names_nothing = unit != NULL};
    if (unit) {
        clock->unit_s = unit_of_word(unit);
        clock->unit_is_told = clock->unit_s > 0.0;
        clock->day_first = ts_str_equal(unit, "dmy");
        clock->month_first = ts_str_equal(unit, "mdy");
        clock->kind = ts_str_equal(unit, "excel") ? TS_TIME_EXCEL : TS_TIME_UNKNOWN;
    }
}

void ts_trace_clock_name(struct ts_trace_clock *clock, const char *column)
{
    if (!clock->unit_is_told && !clock->names_nothing) {
        clock->unit_s = unit_of_name(column);
        clock->unit_is_told = clock->unit_s > 0.0;
    }
}

bool ts_trace_seconds(int64_t *out_ns, const char *text, size_t len, double unit_s, bool decimal_comma)
{
    const int64_t unit_ns = (int64_t)llround(unit_s * (double)TS_NS_PER_S);
    const char point = decimal_comma ? ',' : '.';
    const bool negative = len > 1 && text[0] == '-';
    int64_t whole = 0;
    int64_t part_ns = 0;
    int64_t digit_ns = unit_ns;
    size_t n_digits = 0;
    bool fraction = false;
    for (size_t i = negative; i < len; i++) {
        if (text[i] == point && !fraction && n_digits > 0) {
            fraction = true;
            continue;
        }
        const int digit = text[i] - '0';
        n_digits += !fraction;
        if (digit < 0 || digit > 9 || n_digits > MAX_DIGITS || (!fraction && whole > (INT64_MAX - digit) / 10)) {
            return false;
        }
        digit_ns = fraction ? digit_ns / 10 : digit_ns;
        part_ns += fraction ? digit_ns * digit : 0;
        whole = fraction ? whole : 10 * whole + digit;
    }
    if (n_digits == 0 || whole > INT64_MAX / unit_ns - 1) {
        return false;
    }
    *out_ns = (negative ? -1 : 1) * (whole * unit_ns + part_ns);
    return true;
}

/* A number however it is written; false: it is none. */
static bool number_of(double *out, const struct ts_trace_clock *clock, const struct ts_trace_cell *cell)
{
    char text[64];
    if (cell->kind != TS_CELL_TEXT) {
        *out = cell->real;
        return isfinite(*out) != 0;
    }
    if (cell->len >= sizeof text) {
        return false;
    }
    memcpy(text, cell->text, cell->len + 1);
    char *comma = clock->decimal_comma ? strchr(text, ',') : NULL;
    if (comma) {
        *comma = '.';
    }
    return ts_parse_double(out, text, cell->len);
}

static void tell_unit(struct ts_trace_clock *clock, double first)
{
    static const struct {
        double from, unit_s;
    } sizes[] = {{1e17, 1e-9}, {1e14, 1e-6}, {1e11, 1e-3}};
    const double size = fabs(first);
    if (clock->unit_is_told) {
        clock->kind = TS_TIME_NUMBER;
        return;
    }
    if (size >= excel_first && size <= excel_last && size != floor(size)) {
        clock->kind = TS_TIME_EXCEL;
        return;
    }
    clock->kind = TS_TIME_NUMBER;
    clock->unit_s = 1.0;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (size >= sizes[i].from) {
            clock->unit_s = sizes[i].unit_s;
            return;
        }
    }
}

static bool read_number(int64_t *out_ns, struct ts_trace_clock *clock, const struct ts_trace_cell *cell)
{
    double value = 0.0;
    if (clock->kind == TS_TIME_UNKNOWN || clock->kind == TS_TIME_EXCEL) {
        if (!number_of(&value, clock, cell)) {
            return false;
        }
        if (clock->kind == TS_TIME_UNKNOWN) {
            tell_unit(clock, value);
        }
    }
    if (clock->kind == TS_TIME_EXCEL) {
        if (!(value >= 1.0 && value <= 1e5)) {
            return false;
        }
        clock->is_naive = true;
        *out_ns = llround((value - EXCEL_EPOCH_DAYS) * DAY_S * 1e3) * 1000000; /* a spreadsheet knows milliseconds */
        return true;
    }
    if (cell->kind == TS_CELL_TEXT &&
        ts_trace_seconds(out_ns, cell->text, cell->len, clock->unit_s, clock->decimal_comma)) {
        return true;
    }
    const int64_t unit_ns = (int64_t)llround(clock->unit_s * (double)TS_NS_PER_S);
    if (cell->kind == TS_CELL_INT) {
        if (cell->whole > INT64_MAX / unit_ns || cell->whole < INT64_MIN / unit_ns) {
            return false;
        }
        *out_ns = cell->whole * unit_ns;
        return true;
    }
    if (!number_of(&value, clock, cell) || !(fabs(value) * clock->unit_s < 9.2e9)) {
        return false;
    }
    const double whole = trunc(value); /* two parts: a double has no nanoseconds of 1970 */
    *out_ns = (int64_t)whole * unit_ns + llround((value - whole) * (double)unit_ns);
    return true;
}

/* "2023-11-16 18:15:46.68": most rows are of the day of the row before. */
static bool read_plain_date(int64_t *out_ns, struct ts_trace_clock *clock, const struct ts_trace_cell *cell)
{
    const size_t len = sizeof clock->day;
    int64_t in_day_ns = 0;
    bool has_zone = false;
    if (cell->len <= len || !ts_trace_time_of_day(&in_day_ns, &has_zone, cell->text + len, cell->len - len)) {
        return false;
    }
    if (memcmp(clock->day, cell->text, len) != 0) {
        int64_t time_ns = 0;
        if (!ts_trace_azure_time(&time_ns, cell->text, cell->len)) {
            return false;
        }
        clock->day_ns = time_ns - in_day_ns;
        memcpy(clock->day, cell->text, len);
    }
    *out_ns = clock->day_ns + in_day_ns;
    clock->kind = TS_TIME_DATE;
    clock->has_zone = clock->has_zone || has_zone;
    clock->is_naive = clock->is_naive || !has_zone;
    return true;
}

static bool read_any(int64_t *out_ns, struct ts_trace_clock *clock, const struct ts_trace_cell *cell)
{
    if (cell->kind == TS_CELL_TEXT && clock->kind != TS_TIME_NUMBER && clock->kind != TS_TIME_EXCEL) {
        if (read_plain_date(out_ns, clock, cell)) {
            return true;
        }
        double number = 0.0;
        const bool is_compact = cell->len == 14 && (cell->text[0] == '1' || cell->text[0] == '2'); /* yyyymmddhhmmss */
        if ((clock->kind == TS_TIME_DATE || is_compact || !number_of(&number, clock, cell)) &&
            ts_trace_date(out_ns, clock, cell->text, cell->len)) {
            clock->kind = TS_TIME_DATE;
            return true;
        }
    }
    return clock->kind != TS_TIME_DATE && cell->kind != TS_CELL_JSON && cell->kind != TS_CELL_NONE &&
           read_number(out_ns, clock, cell);
}

/* The years 1938 to 2223: any two of these times are less than 292 years apart. */
static bool read_near(int64_t *out_ns, struct ts_trace_clock *clock, const struct ts_trace_cell *cell)
{
    return read_any(out_ns, clock, cell) && *out_ns >= -1000000000 * TS_NS_PER_S &&
           *out_ns <= INT64_C(8000000000) * TS_NS_PER_S;
}

/* What is no time teaches a clock nothing. */
static bool read_first(int64_t *out_ns, struct ts_trace_clock *clock, const struct ts_trace_cell *cell)
{
    const struct ts_trace_clock before = *clock;
    const bool is_time = read_near(out_ns, clock, cell);
    *clock = is_time ? *clock : before;
    return is_time;
}

bool ts_trace_clock_read(int64_t *out_ns, struct ts_trace_clock *clock, const struct ts_trace_cell *cell)
{
    const bool is_time =
        clock->kind == TS_TIME_UNKNOWN ? read_first(out_ns, clock, cell) : read_near(out_ns, clock, cell);
    while (is_time && clock->tick_ns > 0 && *out_ns % clock->tick_ns != 0) {
        clock->tick_ns = clock->tick_ns > 3600 * TS_NS_PER_S ? 3600 * TS_NS_PER_S
                         : clock->tick_ns > 60 * TS_NS_PER_S ? 60 * TS_NS_PER_S
                                                             : 0;
    }
    return is_time;
}

/* ---- clocks that are set back ---- */

/* The n-th (from 1) Sunday of a month, or the last (0): days since 1970. 1970-01-01 was a Thursday. */
static int64_t sunday_of(int year, int month, int n)
{
    const int64_t first = ts_trace_days(year, month, 1);
    const int64_t sunday = first + (10 - first % 7) % 7;
    if (n > 0) {
        return sunday + 7 * (int64_t)(n - 1);
    }
    const int64_t last = ts_trace_days(year, month, 31);
    return sunday + (last - sunday) / 7 * 7;
}

bool ts_trace_clock_is_twice(struct ts_trace_clock *clock, int64_t time_ns)
{
    const int64_t hour_ns = 3600 * TS_NS_PER_S, day_ns = 24 * hour_ns;
    const int year = ts_trace_year_of(time_ns < 0 ? 0 : time_ns);
    const int64_t europe_ns = sunday_of(year, 10, 0) * day_ns + 2 * hour_ns;
    const int64_t us_ns = sunday_of(year, 11, 1) * day_ns + hour_ns;
    /* What begins here is quiet, an hour, quiet ... */
    const int64_t begins_ns[] = {
        ts_trace_days(year, 1, 1) * day_ns,    europe_ns, europe_ns + hour_ns, us_ns, us_ns + hour_ns,
        ts_trace_days(year + 1, 1, 1) * day_ns};
    for (size_t i = 0; i + 1 < sizeof begins_ns / sizeof begins_ns[0]; i++) {
        if (time_ns >= begins_ns[i] && time_ns < begins_ns[i + 1]) {
            clock->quiet_ns[0] = i % 2 == 0 ? begins_ns[i] : 0;
            clock->quiet_ns[1] = i % 2 == 0 ? begins_ns[i + 1] : 0;
            return i % 2 == 1;
        }
    }
    return false;
}

/* ---- what was understood ---- */

static const char *unit_word(double unit_s)
{
    return unit_s == 1e-3   ? "milliseconds"
           : unit_s == 1e-6 ? "microseconds"
           : unit_s == 1e-9 ? "nanoseconds"
                            : "seconds";
}

void ts_trace_clock_tell(struct ts_text *out, const struct ts_trace_clock *clock)
{
    switch (clock->kind) {
    case TS_TIME_DATE:
        ts_text_puts(out, clock->has_zone && clock->is_naive ? "dates, some with a zone; the others are taken as UTC"
                          : clock->has_zone                  ? "dates with a zone"
                                                             : "dates without a zone, taken as UTC");
        ts_text_puts(out, clock->day_first ? ", day before month" : clock->month_first ? ", month before day" : "");
        break;
    case TS_TIME_EXCEL:
        ts_text_puts(out, "dates of a spreadsheet (days since 1899-12-30), without a zone, taken as UTC");
        break;
    case TS_TIME_NUMBER:
        ts_text_printf(out, "%s, as %s", unit_word(clock->unit_s),
                       clock->unit_is_told ? "from the format, the column or the map"
                                           : "from the size of the first one");
        break;
    case TS_TIME_UNKNOWN:
        break;
    }
}

static void show_date(struct ts_text *out, int64_t time_ns)
{
    const int year = ts_trace_year_of(time_ns);
    const int64_t days = time_ns / (DAY_S * TS_NS_PER_S), in_day_ns = time_ns % (DAY_S * TS_NS_PER_S);
    int month = 12;
    while (month > 1 && ts_trace_days(year, month, 1) > days) {
        month--;
    }
    const int seconds = (int)(in_day_ns / TS_NS_PER_S);
    ts_text_printf(out, "%04d-%02d-%02d %02d:%02d:%02d.%03d", year, month,
                   (int)(days - ts_trace_days(year, month, 1)) + 1, seconds / 3600, seconds / 60 % 60, seconds % 60,
                   (int)(in_day_ns % TS_NS_PER_S / 1000000));
}

void ts_trace_clock_show(struct ts_text *out, const struct ts_trace_clock *clock, int64_t time_ns)
{
    const int64_t year_1973_ns = 100000000 * TS_NS_PER_S;
    if (clock->kind == TS_TIME_DATE || clock->kind == TS_TIME_EXCEL || time_ns >= year_1973_ns) {
        show_date(out, time_ns < 0 ? 0 : time_ns);
    } else {
        ts_text_number(out, ts_s_from_ns(time_ns), 9);
        ts_text_puts(out, " s");
    }
}

bool ts_trace_date_parse(int64_t *out_ns, const char *text)
{
    struct ts_trace_clock clock = {.kind = TS_TIME_DATE};
    return ts_trace_date(out_ns, &clock, text, strlen(text));
}
