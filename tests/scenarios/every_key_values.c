/* Hides how a key's type and range become values: a quantity takes some about its default, then powers of ten over its
 * range; a reference the names that the scenarios of every_key/ use. */
#include "tests/scenarios/every_key_values.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/units.h"
#include "tests/scenarios/every_key_outcome.h"

static void add(struct values *values, const char *fmt, ...) TS_PRINTF(2, 3);

static void add(struct values *values, const char *fmt, ...)
{
    char word[EVERY_KEY_WORD];
    va_list args;
    va_start(args, fmt);
    assert_true(vsnprintf(word, sizeof word, fmt, args) < EVERY_KEY_WORD);
    va_end(args);
    assert_true(values->n < MAX_VALUES);
    values->items[values->n] = malloc(strlen(word) + 1);
    assert_non_null(values->items[values->n]);
    strcpy(values->items[values->n++], word);
}

static void add_pieces(struct values *values, const char *text)
{
    char copy[EVERY_KEY_WORD];
    char *pieces[MAX_VALUES];
    assert_true(snprintf(copy, sizeof copy, "%s", text) < EVERY_KEY_WORD);
    const size_t n = every_key_divide(copy, pieces, MAX_VALUES);
    for (size_t i = 0; i < n; i++) {
        add(values, "%s", pieces[i]);
    }
}

static void add_number(struct values *values, const struct ts_key *key, double number)
{
    const char *unit = key->doc->unit ? key->doc->unit : "1";
    number = key->type == TS_KEY_INTEGER ? floor(number) : number;
    if (number >= key->min && number <= key->max) {
        add(values, key->type == TS_KEY_BOUND ? "\"%s %.6g%s%s\"" : "%s%.6g%s%s",
            key->type == TS_KEY_BOUND ? key->extra : "", number, unit[0] == '1' ? "" : " ",
            unit[0] == '1' ? unit + 1 : unit);
    }
}

/* About the default, then over the key's range. */
static void add_numbers(struct values *values, const struct ts_key *key)
{
    static const double steps[] = {2.0, 0.5, 1.2, 0.8, 10.0, 0.1};
    double usual = 0.0;
    const char *unit = key->doc->unit ? key->doc->unit : "1";
    if (key->doc->dflt && ts_units_parse(&usual, key->doc->dflt, unit, NULL) && usual != 0.0) {
        for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
            add_number(values, key, usual * steps[i]);
        }
    }
    for (int power = 0; power <= 15; power++) {
        add_number(values, key, 2.0 * pow(10.0, power));
        add_number(values, key, 5.0 * pow(10.0, -power));
    }
    add_number(values, key, key->min);
    add_number(values, key, key->max);
}

/* Names that the fixture gives to things of that sort, one level below `section`. */
static void add_references(struct values *values, const struct ts_key *key)
{
    static const struct {
        const char *sort, *values;
    } sorts[] = {
        {"hardware", "H200 SXM 141GB|A100 40GB PCIe|NVIDIA L40S|MacBook Pro M4 Max 64GB|this-machine"},
        {"model", "Llama-3.2-3B|Llama-3.2-1B|Qwen2.5-7B"},
        {"quant", "FP8|INT4|FP16|Q8_0"},
        {"region", "us-virginia|fr-france"},
        {"tier", "edge|cloud|phone"},
        {"link", "lan|wan|slow"},
        {"class", "chat|memo|urgent"},
    };
    for (size_t i = 0; i < sizeof sorts / sizeof sorts[0]; i++) {
        if (ts_str_equal(sorts[i].sort, key->extra)) {
            add_pieces(values, sorts[i].values);
        }
    }
}

static void add_distributions(struct values *values, const struct ts_key *key)
{
    struct ts_key constant = *key;
    constant.type = TS_KEY_QUANTITY;
    add_numbers(values, &constant);
}

void values_of(struct values *values, const struct ts_key *key, const char *listed)
{
    values->n = 0;
    if (listed) {
        add_pieces(values, listed);
        return;
    }
    switch (key->type) {
    case TS_KEY_QUANTITY:
    case TS_KEY_NUMBER:
    case TS_KEY_INTEGER:
    case TS_KEY_BOUND:
        add_numbers(values, key);
        break;
    case TS_KEY_DISTRIBUTION:
        add_distributions(values, key);
        break;
    case TS_KEY_BOOLEAN:
        add_pieces(values, "true|false");
        break;
    case TS_KEY_CHOICE:
        for (const struct ts_choice *choice = key->doc->choices; choice->word; choice++) {
            add(values, "%s", choice->word);
        }
        break;
    case TS_KEY_REFERENCE:
        add_references(values, key);
        break;
    case TS_KEY_CURVE:
        add_pieces(values, "constant|office-week|consumer-week");
        break;
    case TS_KEY_GAPS:
        add_pieces(values, "poisson|regular|{weibull: {shape: 0.7}}");
        break;
    case TS_KEY_NUMBERS:
        add_pieces(values, "[1, 2]|[1]");
        break;
    case TS_KEY_WEEKTIME:
        add_pieces(values, "Sunday|Tuesday 14:00");
        break;
    case TS_KEY_HOUR:
        add_numbers(values, key);
        add(values, "08:30");
        break;
    case TS_KEY_MOMENT:
        add_pieces(values, "2 min|08:35|Monday 08:33");
        break;
    case TS_KEY_TEXT:
    case TS_KEY_REFERENCES:
    case TS_KEY_SECTION:
    case TS_KEY_NAMES:
    case TS_KEY_LIST:
    case TS_N_KEY_TYPES:
        break;
    }
}

void values_free(struct values *values)
{
    for (size_t i = 0; i < values->n; i++) {
        free(values->items[i]);
    }
}
