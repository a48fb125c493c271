/* Hides how one word of the scenario is checked against its row: unit, range, choice; and what the message says. */
#include "scenarios/language/bind.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "base/units.h"

enum { MAX_CHOICES = 16 };

void ts_bind_error(struct ts_loader *loader, const struct ts_node *node, const char *hint, const char *fmt, ...)
{
    struct ts_text text;
    ts_text_init(&text);
    va_list args;
    va_start(args, fmt);
    ts_text_vprintf(&text, fmt, args);
    va_end(args);
    ts_diags_add(loader->diags, TS_ERROR, node->at, hint, "%s", ts_loader_keep(loader, &text));
}

const char *ts_bind_word(struct ts_loader *loader, const struct ts_node *node, const char *label, const char *due)
{
    if (node->bad) {
        return NULL;
    }
    if (node->kind != TS_NODE_SCALAR) {
        ts_bind_error(loader, node, NULL, "%s: expected %s, not a %s", label, due,
                      node->kind == TS_NODE_MAP ? "section" : "list");
        return NULL;
    }
    if (!node->text[0] && !node->quoted) {
        struct ts_span at = node->key ? node->key_at : node->at;
        ts_diags_add(loader->diags, TS_ERROR, at, NULL, "%s: expected %s, but nothing is written", label, due);
        return NULL;
    }
    return node->text;
}

/* ---- numbers ---- */

static const char *noun_of(const char *unit)
{
    if (!unit || ts_str_equal(unit, "1")) {
        return NULL;
    }
    if (ts_str_has_prefix(unit, "USD")) {
        return "a price";
    }
    return ts_str_equal(unit, "s") || ts_str_equal(unit, "month") ? "a time"
           : ts_str_equal(unit, "W")                              ? "a power"
                                                                  : NULL;
}

static void put_limit(struct ts_text *out, double limit, const char *unit)
{
    if (!unit || limit == 0.0) {
        ts_text_double(out, limit);
    } else if (ts_str_equal(unit, "1") && fabs(limit) <= 1.0) {
        ts_text_double(out, limit * 100.0);
        ts_text_puts(out, " %");
    } else {
        ts_units_format(out, limit, unit);
    }
}

static void out_of_range(struct ts_loader *loader, const struct ts_node *node, const char *label, const char *unit,
                         double value, double min, double max)
{
    struct ts_text text;
    ts_text_init(&text);
    const char *noun = noun_of(unit);
    bool low = value < min;
    ts_text_printf(&text, "%s is %s: ", node->text,
                   low && value < 0.0 && min >= 0.0 ? "negative"
                   : low                            ? "too small"
                                                    : "too large");
    ts_text_printf(&text, "%s%s%s is at %s ", noun && min >= 0.0 ? noun : "'", noun && min >= 0.0 ? "" : label,
                   noun && min >= 0.0 ? "" : "'", low ? "least" : "most");
    put_limit(&text, low ? min : max, unit);
    bool percent = !low && unit && ts_str_equal(unit, "1") && max == 1.0 && value <= 100.0 && !strchr(node->text, '%');
    ts_diags_add(loader->diags, TS_ERROR, node->at,
                 percent ? ts_loader_printf(loader, "did you mean '%s %%'?", node->text) : NULL, "%s",
                 ts_loader_keep(loader, &text));
}

bool ts_bind_number(struct ts_loader *loader, const struct ts_node *node, const char *label, const char *unit,
                    double min, double max, double *out)
{
    const char *word = ts_bind_word(loader, node, label, unit ? "a quantity" : "a number");
    if (!word) {
        return false;
    }
    double value = 0.0, factor = 1.0;
    if (unit && ts_str_has_prefix(unit, "USD") && !(word = ts_currencies_read(loader, node, word, &factor))) {
        return false;
    }
    struct ts_text why;
    ts_text_init(&why);
    bool ok = ts_units_parse(&value, word, unit ? unit : "1", &why);
    value *= factor;
    if (!ok) {
        ts_bind_error(loader, node, NULL, "%s: %s", label, why.data);
        if (why.failed) {
            ts_loader_fail(loader, TS_ENOMEM);
        }
    } else if (!(value >= min && value <= max)) {
        out_of_range(loader, node, label, unit, value, min, max);
        ok = false;
    } else {
        *out = value;
    }
    ts_text_deinit(&why);
    return ok;
}

static const char *label_of(const struct ts_value *value)
{
    return value->is_item && value->name ? value->name : ts_schema_last(value->key.doc->path);
}

/* "'restart_every' is 0 s or at least 1 s". */
static bool bind_quantity(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const struct ts_key *key = &value->key;
    const bool or_0 = key->extra != NULL;
    const char *unit = key->doc->unit;
    if (!ts_bind_number(loader, node, label_of(value), unit, or_0 ? 0.0 : key->min, key->max, &value->number)) {
        return false;
    }
    if (or_0 && value->number > 0.0 && value->number < key->min) {
        struct ts_text least;
        ts_text_init(&least);
        put_limit(&least, key->min, unit);
        ts_bind_error(loader, node, ts_loader_printf(loader, "write for example '%s'", least.data),
                      "%s is too small: '%s' is 0 %s or at least %s", node->text, label_of(value), unit, least.data);
        ts_text_deinit(&least);
        return false;
    }
    return true;
}

static bool bind_integer(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const struct ts_key *key = &value->key;
    double ignored = 0.0;
    const char *word = ts_bind_word(loader, node, label_of(value), "a whole number");
    if (!word) {
        return false;
    }
    bool bare = ts_units_parse(&ignored, word, "1", NULL);
    const char *unit = bare ? NULL : key->doc->unit;
    if (!ts_bind_number(loader, node, label_of(value), unit, key->min, key->max, &value->number)) {
        return false;
    }
    if (value->number != floor(value->number)) {
        ts_bind_error(loader, node, NULL, "%s: '%s' is not a whole number", label_of(value), word);
        return false;
    }
    return true;
}

/* ---- words ---- */

static const char *choices_hint(struct ts_loader *loader, const struct ts_choice *choices, const char *word)
{
    const char *words[MAX_CHOICES];
    size_t n = 0;
    for (const struct ts_choice *choice = choices; choice->word && n < MAX_CHOICES; choice++) {
        words[n++] = choice->word;
    }
    return ts_loader_hint(loader, word, words, n);
}

static bool bind_choice(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const struct ts_choice *choices = value->key.doc->choices;
    value->text = ts_bind_word(loader, node, label_of(value), "a word");
    const struct ts_choice *choice = value->text ? ts_schema_choice(choices, value->text) : NULL;
    if (value->text && !choice) {
        ts_bind_error(loader, node, choices_hint(loader, choices, value->text), "%s: unknown value '%s'",
                      label_of(value), value->text);
    }
    if (!choice) {
        return false;
    }
    value->text = choice->word;
    value->choice = choice->value;
    return true;
}

static bool bind_boolean(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const char *word = ts_bind_word(loader, node, label_of(value), "true or false");
    if (!word) {
        return false;
    }
    value->flag = ts_str_equal(word, "true") || ts_str_equal(word, "yes");
    if (!value->flag && !ts_str_equal(word, "false") && !ts_str_equal(word, "no")) {
        ts_bind_error(loader, node, NULL, "%s: '%s' is neither true nor false", label_of(value), word);
        return false;
    }
    return true;
}

static bool bind_text(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const char *word = ts_bind_word(loader, node, label_of(value), "a text");
    value->text = word;
    if (word && !word[0] && value->key.doc->required) {
        ts_bind_error(loader, node, NULL, "%s: the text is empty", label_of(value));
        return false;
    }
    return word != NULL;
}

/* '>= 99 %' */
static bool bind_bound(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const struct ts_key *key = &value->key;
    const char *example = ts_str_equal(key->doc->unit, "1") ? "99 %" : ts_units_example(key->doc->unit);
    const char *word = ts_bind_word(loader, node, label_of(value), "a bound");
    if (!word) {
        return false;
    }
    if (!ts_str_has_prefix(word, key->extra)) {
        ts_bind_error(loader, node,
                      ts_loader_printf(loader, "write for example %s: '%s %s'", label_of(value), key->extra, example),
                      "%s: a bound begins with %s", label_of(value), key->extra);
        return false;
    }
    struct ts_node number = *node;
    number.text = word + strlen(key->extra) + strspn(word + strlen(key->extra), " ");
    return ts_bind_number(loader, &number, label_of(value), key->doc->unit, key->min, key->max, &value->number);
}

/* "08:00", "8:00": hours since midnight. */
static bool read_clock(double *hours, const char *clock)
{
    uint64_t hour = 0, minute = 0;
    const size_t len = strcspn(clock, ":");
    const bool good = len >= 1 && len <= 2 && strlen(clock) == len + 3 && ts_parse_u64(&hour, clock, len) &&
                      ts_parse_u64(&minute, clock + len + 1, 2) && hour < 24 && minute < 60;
    *hours = good ? (double)hour + (double)minute / 60.0 : *hours;
    return good;
}

/* "Monday", "Monday 08:00": hours since Monday 00:00. */
static bool read_weektime(double *hours, const char *word)
{
    static const char *const days[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
    const size_t len = strcspn(word, " ");
    double of_day = 0.0;
    const bool good = read_clock(&of_day, word[len] ? word + len + 1 : "00:00");
    for (size_t i = 0; good && i < 7; i++) {
        if (strlen(days[i]) == len && strncmp(days[i], word, len) == 0) {
            *hours = (double)i * 24.0 + of_day;
            return true;
        }
    }
    return false;
}

static bool bind_moment(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const struct ts_key *key = &value->key;
    const char *word = ts_bind_word(loader, node, label_of(value), "a moment");
    if (!word) {
        return false;
    }
    if (read_clock(&value->number, word)) {
        value->choice = TS_MOMENT_OF_DAY;
        return true;
    }
    if (read_weektime(&value->number, word)) {
        value->choice = TS_MOMENT_OF_WEEK;
        return true;
    }
    value->choice = TS_MOMENT_SINCE_START;
    if (strchr("0123456789.", word[0]) && !strchr(word, ':')) {
        return ts_bind_number(loader, node, label_of(value), key->doc->unit, key->min, key->max, &value->number);
    }
    ts_bind_error(loader, node, "write for example '12:00', 'Tuesday 12:00' or '36 min' from the start",
                  "%s: '%s' is not a time of the run", label_of(value), word);
    return false;
}

static bool bind_weektime(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const char *word = ts_bind_word(loader, node, label_of(value), "a time of the week");
    if (!word) {
        return false;
    }
    if (read_weektime(&value->number, word)) {
        return true;
    }
    ts_bind_error(loader, node, "write for example 'Monday 08:00'", "%s: '%s' is not a time of the week",
                  label_of(value), word);
    return false;
}

static bool bind_hour(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const struct ts_key *key = &value->key;
    const char *word = ts_bind_word(loader, node, label_of(value), "an hour of the day");
    const bool is_plain = word && strspn(word, "0123456789.") == strlen(word);
    if (word && ts_str_equal(word, "24:00")) {
        value->number = 24.0;
        return true;
    }
    if (word && !is_plain && !read_clock(&value->number, word)) {
        ts_bind_error(loader, node, "write for example 22, 17.5 or '17:30'", "%s: '%s' is no hour of the day",
                      label_of(value), word);
        return false;
    }
    return word && (!is_plain ||
                    ts_bind_number(loader, node, label_of(value), key->doc->unit, key->min, key->max, &value->number));
}

bool ts_bind_scalar(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node)
{
    const struct ts_key *key = &value->key;
    switch (key->type) {
    case TS_KEY_QUANTITY:
        return bind_quantity(loader, value, node);
    case TS_KEY_NUMBER:
        return ts_bind_number(loader, node, label_of(value), key->doc->unit, key->min, key->max, &value->number);
    case TS_KEY_INTEGER:
        return bind_integer(loader, value, node);
    case TS_KEY_CHOICE:
        return bind_choice(loader, value, node);
    case TS_KEY_BOOLEAN:
        return bind_boolean(loader, value, node);
    case TS_KEY_BOUND:
        return bind_bound(loader, value, node);
    case TS_KEY_WEEKTIME:
        return bind_weektime(loader, value, node);
    case TS_KEY_HOUR:
        return bind_hour(loader, value, node);
    case TS_KEY_MOMENT:
        return bind_moment(loader, value, node);
    default:
        return bind_text(loader, value, node);
    }
}
