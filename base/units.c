/* Hides the table of units and the algebra of dimensions. A unit is an exact quotient mul/div of integers times powers
 * of base dimensions; a conversion multiplies the numerators, cancels the common factor and divides once, so "40 ms" is
 * exactly 0.04 s and "0.15 USD/kWh" asked for in USD/kWh is exactly 0.15. Requests and calls only count things and have
 * no dimension of their own. */
#include "base/units.h"

#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/units_table.h"

enum { NAME_MAX_BYTES = 24, TEXT_MAX_BYTES = 200, POWER_MAX = 8 };

/* A parsed unit: factor mul/div and its dimensions. */
struct measure {
    double mul, div;
    struct ts_units_dims dims;
};

/* A text being read, and what went wrong with it. */
struct cursor {
    const char *whole;
    const char *at;
    const char *want; /* the unit that is due */
    struct ts_text *why;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '%' || c == '$' || (unsigned char)c >= 0x80;
}

static void skip_blanks(struct cursor *cursor)
{
    while (is_blank(*cursor->at)) {
        cursor->at++;
    }
}

static bool same_dims(const struct ts_units_dims *a, const struct ts_units_dims *b)
{
    return memcmp(a->power, b->power, sizeof a->power) == 0;
}

static void explain(const struct cursor *cursor, const char *fmt, ...) TS_PRINTF(2, 3);

static void explain(const struct cursor *cursor, const char *fmt, ...)
{
    if (cursor->why == NULL) {
        return;
    }
    va_list args;
    va_start(args, fmt);
    ts_text_vprintf(cursor->why, fmt, args);
    va_end(args);
}

static bool name_is(const struct ts_units_row *unit, const char *name)
{
    return unit->any_case ? strcasecmp(unit->name, name) == 0 : strcmp(unit->name, name) == 0;
}

static const struct ts_units_row *find_exact(const char *name)
{
    for (const struct ts_units_row *unit = ts_units_rows; unit->name != NULL; unit++) {
        if (name_is(unit, name)) {
            return unit;
        }
    }
    return NULL;
}

/* A whole name first ("min"), then prefix and name ("ktok"). */
static bool find_unit(struct measure *out, const char *name)
{
    const struct ts_units_row *unit = find_exact(name);
    if (unit != NULL) {
        *out = (struct measure){unit->mul, unit->div, unit->dims};
        return true;
    }
    for (const struct ts_units_prefix *prefix = ts_units_prefixes; prefix->text != NULL; prefix++) {
        size_t len = strlen(prefix->text);
        if (strncmp(name, prefix->text, len) != 0) {
            continue;
        }
        unit = find_exact(name + len);
        if (unit != NULL && strchr(unit->prefixes, prefix->letter) != NULL) {
            *out = (struct measure){unit->mul * prefix->mul, unit->div * prefix->div, unit->dims};
            return true;
        }
    }
    return false;
}

/* Every spelling of every unit, for ts_suggest: the names as they are, then with their prefixes. The result lies in
 * `storage`. */
static const char *suggest_unit(char storage[NAME_MAX_BYTES], const char *name)
{
    enum { SPELLINGS_MAX = 256 };
    char spellings[SPELLINGS_MAX][NAME_MAX_BYTES];
    const char *candidates[SPELLINGS_MAX];
    size_t n = 0;
    for (const struct ts_units_row *unit = ts_units_rows; unit->name != NULL && n < SPELLINGS_MAX; unit++) {
        snprintf(spellings[n], NAME_MAX_BYTES, "%s", unit->name);
        candidates[n] = spellings[n];
        n++;
        for (const char *letter = unit->prefixes; *letter != '\0' && n < SPELLINGS_MAX; letter++) {
            snprintf(spellings[n], NAME_MAX_BYTES, "%c%s", *letter, unit->name);
            candidates[n] = spellings[n];
            n++;
        }
    }
    const char *found = ts_suggest(name, candidates, n);
    if (found == NULL) {
        return NULL;
    }
    snprintf(storage, NAME_MAX_BYTES, "%s", found);
    return storage;
}

static void explain_unknown(const struct cursor *cursor, const char *name)
{
    if (cursor->why == NULL) {
        return; /* an example is made by parsing, without words */
    }
    size_t len = strlen(name);
    char storage[NAME_MAX_BYTES];
    bool bit_or_byte = len <= 2 && len > 0 && name[len - 1] == 'b';
    const char *found = bit_or_byte ? NULL : suggest_unit(storage, name);
    explain(cursor, "unknown unit '%s' in '%s'", name, cursor->whole);
    if (bit_or_byte) {
        const char *prefix = len == 2 && strchr("kMGT", name[0]) != NULL ? (char[2]){name[0], '\0'} : "";
        explain(cursor, ": write '%sbit' for bits or '%sB' for bytes", prefix, prefix);
    } else if (found != NULL) {
        explain(cursor, ": did you mean '%s'?", found);
    } else {
        explain(cursor, ": write for example '%s'", ts_units_example(cursor->want));
    }
}

/* Reads a run of letters into `name`; "" if there is none. */
static bool read_name(struct cursor *cursor, char name[NAME_MAX_BYTES])
{
    size_t len = 0;
    while (is_name_byte(cursor->at[len])) {
        len++;
    }
    if (len >= NAME_MAX_BYTES) {
        explain(cursor, "'%.*s' in '%s' is not a unit", (int)len, cursor->at, cursor->whole);
        return false;
    }
    memcpy(name, cursor->at, len);
    name[len] = '\0';
    cursor->at += len;
    return true;
}

static double multiplier_of(const char *name)
{
    if (name[0] == '\0' || name[1] != '\0') {
        return 0.0;
    }
    switch (name[0]) {
    case 'k':
        return 1e3;
    case 'M':
        return 1e6;
    case 'G':
        return 1e9;
    case 'T':
        return 1e12;
    default:
        return 0.0;
    }
}

static bool scale(struct measure *measure, const struct measure *by, int power)
{
    measure->mul *= power > 0 ? by->mul : by->div;
    measure->div *= power > 0 ? by->div : by->mul;
    for (size_t i = 0; i < N_DIMS; i++) {
        int sum = measure->dims.power[i] + power * by->dims.power[i];
        if (sum > POWER_MAX || sum < -POWER_MAX) {
            return false;
        }
        measure->dims.power[i] = (signed char)sum;
    }
    return true;
}

/* One factor: [multiplier] [name]. Before the first slash both may be absent ("5 /s", "40 k/day"), after one a name is
 * due. */
static bool read_factor(struct cursor *cursor, struct measure *out, int power)
{
    char name[NAME_MAX_BYTES];
    skip_blanks(cursor);
    if (!read_name(cursor, name)) {
        return false;
    }
    skip_blanks(cursor);
    double multiplier = multiplier_of(name);
    bool has_name = is_name_byte(*cursor->at);
    if (multiplier > 0.0 && (power > 0 || has_name)) {
        struct measure by = {.mul = multiplier, .div = 1.0};
        scale(out, &by, power);
        if (!read_name(cursor, name)) {
            return false;
        }
        skip_blanks(cursor);
    }
    if (name[0] == '\0' && power < 0) {
        explain(cursor, "a unit is missing after '/' in '%s'", cursor->whole);
        return false;
    }
    struct measure unit = {.mul = 1.0, .div = 1.0};
    if (name[0] != '\0' && !find_unit(&unit, name)) {
        explain_unknown(cursor, name);
        return false;
    }
    if (!scale(out, &unit, power)) {
        explain(cursor, "'%s' has too many units", cursor->whole);
        return false;
    }
    return true;
}

static void explain_rest(const struct cursor *cursor)
{
    if (is_name_byte(*cursor->at)) {
        explain(cursor, "'%s' does not belong there in '%s': units are divided by '/', as in 'USD/kWh'", cursor->at,
                cursor->whole);
        return;
    }
    explain(cursor, "'%s' does not belong there in '%s'", cursor->at, cursor->whole);
}

/* factor {"/" factor} to the end of the text. */
static bool read_units(struct cursor *cursor, struct measure *out)
{
    *out = (struct measure){.mul = 1.0, .div = 1.0};
    if (!read_factor(cursor, out, 1)) {
        return false;
    }
    while (*cursor->at == '/') {
        cursor->at++;
        if (!read_factor(cursor, out, -1)) {
            return false;
        }
    }
    if (*cursor->at != '\0') {
        explain_rest(cursor);
        return false;
    }
    return true;
}

/* A unit as the program writes it: "s", "USD/kWh", "1/s", "1". */
static bool parse_unit(struct measure *out, const char *unit)
{
    struct cursor cursor = {.whole = unit, .at = unit, .want = unit};
    if (unit[0] == '\0' || unit[0] == '/' || strlen(unit) > TEXT_MAX_BYTES) {
        return false;
    }
    if (unit[0] == '1' && (unit[1] == '\0' || unit[1] == '/')) {
        cursor.at++;
    }
    return read_units(&cursor, out);
}

/* Bytes of the number that `text` begins with: [+-] digits [. digits] [e [+-] digits]. */
static size_t number_length(const char *text)
{
    size_t i = text[0] == '+' || text[0] == '-';
    size_t digits = 0;
    for (; is_digit(text[i]); i++) {
        digits++;
    }
    if (text[i] == '.') {
        i++;
        for (; is_digit(text[i]); i++) {
            digits++;
        }
    }
    if (digits == 0) {
        return 0;
    }
    if (text[i] == 'e' || text[i] == 'E') {
        size_t sign = text[i + 1] == '+' || text[i + 1] == '-';
        if (is_digit(text[i + 1 + sign])) {
            i += 1 + sign;
            i += strspn(text + i, "0123456789");
        }
    }
    return i;
}

/* "25_000" and "25,000" group digits, "0,5" has a decimal comma. */
static void explain_separator(const struct cursor *cursor, const char *start)
{
    size_t len = strspn(start, "+-0123456789_,.");
    bool decimal_comma = *cursor->at == ',' && strspn(cursor->at + 1, "0123456789") != 3;
    char plain[TEXT_MAX_BYTES + 1];
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        if (start + i == cursor->at && decimal_comma) {
            plain[n++] = '.';
        } else if (start[i] != '_' && start[i] != ',') {
            plain[n++] = start[i];
        }
    }
    plain[n] = '\0';
    explain(cursor, "'%s' has a '%c' within its number: write '%s%s'", cursor->whole, *cursor->at, plain, start + len);
}

static bool read_number(struct cursor *cursor, double *out)
{
    skip_blanks(cursor);
    const char *start = cursor->at;
    size_t len = number_length(start);
    if (len == 0) {
        bool empty = *start == '\0';
        explain(cursor, "%s%s%s: write for example '%s'", empty ? "a quantity is missing" : "'",
                empty ? "" : cursor->whole, empty ? "" : "' does not begin with a number",
                ts_units_example(cursor->want));
        return false;
    }
    cursor->at += len;
    if (*cursor->at == '_' || *cursor->at == ',') {
        explain_separator(cursor, start);
        return false;
    }
    if (!ts_parse_double(out, start, len)) {
        explain(cursor, "the number in '%s' is too large", cursor->whole);
        return false;
    }
    return true;
}

static const struct ts_units_kind *kind_of(const struct ts_units_dims *dims)
{
    for (const struct ts_units_kind *kind = ts_units_kinds; kind->unit != NULL; kind++) {
        if (same_dims(&kind->dims, dims)) {
            return kind;
        }
    }
    return NULL;
}

/* The example of a unit in quotes; a unit that the table lacks is shown with a 5. */
static void explain_example(const struct cursor *cursor, const char *want, const struct measure *wanted)
{
    if (kind_of(&wanted->dims) != NULL) {
        explain(cursor, "'%s'", ts_units_example(want));
    } else {
        explain(cursor, "'5 %s'", want);
    }
}

static void explain_mismatch(const struct cursor *cursor, const struct measure *got, bool bare, const char *want,
                             const struct measure *wanted)
{
    if (bare) {
        explain(cursor, "'%s' has no unit: write for example ", cursor->whole);
        explain_example(cursor, want, wanted);
        return;
    }
    const struct ts_units_kind *is = kind_of(&got->dims);
    const struct ts_units_kind *due = kind_of(&wanted->dims);
    explain(cursor, "'%s' is %s, but ", cursor->whole, is != NULL ? is->noun : "of another dimension");
    if (due != NULL) {
        explain(cursor, "%s is expected, for example ", due->noun);
    } else {
        explain(cursor, "a quantity in %s is expected, for example ", want);
    }
    explain_example(cursor, want, wanted);
}

static uint64_t greatest_common_divisor(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* value * mul / div; whole factors are cancelled first, so that a conversion to the unit it came in changes nothing. */
static double convert(double value, double mul, double div)
{
    const double exact_max = 9007199254740992.0;
    if (mul <= exact_max && div <= exact_max) {
        double common = (double)greatest_common_divisor((uint64_t)mul, (uint64_t)div);
        mul /= common;
        div /= common;
    }
    return value * mul / div;
}

/* Nothing after the number, or a multiplier alone. */
static bool is_bare(const char *rest)
{
    const char multiplier[2] = {*rest, '\0'};
    rest += multiplier_of(multiplier) > 0.0;
    return rest[strspn(rest, " \t")] == '\0';
}

bool ts_units_parse(double *out, const char *text, const char *want, struct ts_text *why)
{
    struct cursor cursor = {.whole = text, .at = text, .want = want, .why = why};
    struct measure wanted;
    if (!parse_unit(&wanted, want)) {
        explain(&cursor, "'%s' is not a unit", want);
        return false;
    }
    if (strlen(text) > TEXT_MAX_BYTES) {
        explain(&cursor, "too long for a quantity: write for example '%s'", ts_units_example(want));
        return false;
    }
    double number = 0.0;
    struct measure got;
    if (!read_number(&cursor, &number)) {
        return false;
    }
    skip_blanks(&cursor);
    bool bare = is_bare(cursor.at);
    if (!read_units(&cursor, &got)) {
        return false;
    }
    if (!same_dims(&got.dims, &wanted.dims)) {
        explain_mismatch(&cursor, &got, bare, want, &wanted);
        return false;
    }
    double value = convert(number, got.mul * wanted.div, got.div * wanted.mul);
    if (!isfinite(value)) {
        explain(&cursor, "the number in '%s' is too large", text);
        return false;
    }
    *out = value;
    return true;
}

const char *ts_units_example(const char *unit)
{
    struct measure measure;
    for (const struct ts_units_kind *row = ts_units_kinds; row->unit != NULL; row++) {
        if (strcmp(row->unit, unit) == 0) {
            return row->example;
        }
    }
    const struct ts_units_kind *kind = parse_unit(&measure, unit) ? kind_of(&measure.dims) : NULL;
    return kind != NULL ? kind->example : "a number and its unit";
}
