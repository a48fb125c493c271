/* Hides the grammar of axes. A part of a range is a number with whatever stands after it; numbers of a stepped range
 * are written with the decimals of its parts, so that 0.1:0.9:0.1 has 0.3 and not 0.30000000000000004. */
#include "scenarios/language/axis.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

struct part {
    double number;
    int decimals;
    bool is_factor; /* "*2" */
    const char *unit;
    size_t unit_len;
};

struct parsing {
    const char *text;  /* all of it, for diagnostics */
    struct ts_span at; /* where the value is written; none: on the command line */
    const char *key;
    size_t key_len;
    struct ts_arena *arena;
    struct ts_diags *diags;
    const char **settings;
    uint32_t n, cap;
};

static enum ts_status complain(const struct parsing *p, const char *what)
{
    return ts_fail(p->diags, TS_EUSAGE, p->at,
                   p->at.line > 0
                       ? "write for example '1, 2, 4' or '0.1:0.9:0.1'"
                       : "write for example tiers.edge.replicas=1,2,4 or routing.thresholds.edge=0.1:0.9:0.1",
                   "'%s': %s", p->text, what);
}

/* ---- values ---- */

/* Until `stop` outside of brackets, braces and quotes. */
static size_t until(const char *text, size_t len, char stop)
{
    int depth = 0;
    char quote = '\0';
    for (size_t i = 0; i < len; i++) {
        const char c = text[i];
        if (quote) {
            quote = c == quote ? '\0' : quote;
        } else if (c == '\'' || c == '"') {
            quote = c;
        } else if (strchr("[{(", c)) {
            depth++;
        } else if (strchr("]})", c)) {
            depth--;
        } else if (c == stop && depth == 0) {
            return i;
        }
    }
    return len;
}

static void trim(const char **text, size_t *len)
{
    while (*len > 0 && **text == ' ') {
        (*text)++;
        (*len)--;
    }
    while (*len > 0 && (*text)[*len - 1] == ' ') {
        (*len)--;
    }
}

static enum ts_status add_value(struct parsing *p, const char *value, size_t len)
{
    if (len == 0) {
        return complain(p, "a value is missing");
    }
    const char *setting = ts_arena_printf(p->arena, "%.*s=%.*s", (int)p->key_len, p->key, (int)len, value);
    if (!setting) {
        return TS_ENOMEM;
    }
    if (p->n == TS_MAX_AXIS_VALUES) {
        return complain(p, "more than 100,000 values");
    }
    if (p->n == p->cap) {
        const uint32_t cap = p->cap ? 2 * p->cap : 16;
        const char **grown = ts_arena_array(p->arena, cap, sizeof *grown);
        if (!grown) {
            return TS_ENOMEM;
        }
        if (p->n > 0) {
            memcpy(grown, p->settings, p->n * sizeof *grown);
        }
        p->settings = grown;
        p->cap = cap;
    }
    p->settings[p->n++] = setting;
    return TS_OK;
}

/* ---- ranges ---- */

static bool read_part(struct part *out, const char *text, size_t len)
{
    trim(&text, &len);
    *out = (struct part){.is_factor = len > 0 && *text == '*'};
    text += out->is_factor;
    len -= out->is_factor;
    size_t n = 0, point = 0;
    bool has_point = false;
    for (; n < len && strchr("+-.0123456789", text[n]); n++) {
        if (text[n] == '.') {
            has_point = true;
            point = n;
        }
    }
    if (n + 1 < len && (text[n] == 'e' || text[n] == 'E') && strchr("+-0123456789", text[n + 1])) {
        for (n += 2; n < len && strchr("0123456789", text[n]); n++) {
        }
        has_point = true;
        point = 0; /* 1e-3: as many digits as the number has */
    }
    if (!ts_parse_double(&out->number, text, n)) {
        return false;
    }
    out->decimals = !has_point ? 0 : point > 0 || text[0] == '.' ? (int)(n - point - 1) : -1;
    out->unit = text + n;
    out->unit_len = len - n;
    return true;
}

static size_t split(struct part parts[3], bool *is_log, const char *text, size_t len)
{
    size_t n = 0;
    *is_log = false;
    for (size_t from = 0; from <= len; n++) {
        size_t to = from + until(text + from, len - from, ':'), word_len = to - from;
        const char *word = text + from;
        trim(&word, &word_len);
        if (n == 2 && word_len == 3 && strncmp(word, "log", 3) == 0) {
            *is_log = true;
        } else if (n == 3 || !read_part(&parts[n], word, word_len)) {
            return 0;
        }
        from = to + 1;
    }
    return n;
}

static bool same_unit(const struct part *first, const struct part *other)
{
    return other->unit_len == 0 ||
           (other->unit_len == first->unit_len && strncmp(first->unit, other->unit, first->unit_len) == 0);
}

static enum ts_status add_number(struct parsing *p, const struct part parts[3], double number)
{
    const bool plain = parts[0].decimals >= 0 && parts[1].decimals >= 0 && parts[2].decimals >= 0;
    int decimals = parts[0].decimals > parts[1].decimals ? parts[0].decimals : parts[1].decimals;
    decimals = parts[2].decimals > decimals ? parts[2].decimals : decimals;
    struct ts_text text;
    ts_text_init(&text);
    if (plain && !parts[2].is_factor) {
        ts_text_printf(&text, "%.*f", decimals, number);
    } else {
        ts_text_printf(&text, "%.12g", number);
    }
    ts_text_append(&text, parts[0].unit, parts[0].unit_len);
    const enum ts_status status = text.failed ? TS_ENOMEM : add_value(p, text.data, text.len);
    ts_text_deinit(&text);
    return status;
}

static enum ts_status add_steps(struct parsing *p, const struct part parts[3])
{
    const double from = parts[0].number, to = parts[1].number, step = parts[2].number;
    const bool is_factor = parts[2].is_factor;
    const double most = is_factor ? log(to / from) / log(step) : (to - from) / step;
    if (!isfinite(most) || most < 0.0 || (is_factor && (step <= 0.0 || from == 0.0))) {
        return complain(p, "these steps do not lead from the first to the second number");
    }
    if (most > TS_MAX_AXIS_VALUES) {
        return complain(p, "more than 100,000 values");
    }
    enum ts_status status = TS_OK;
    const uint32_t n = (uint32_t)floor(most + 1e-9) + 1;
    for (uint32_t i = 0; status == TS_OK && i < n; i++) {
        status = add_number(p, parts, is_factor ? from * pow(step, i) : from + step * i);
    }
    return status;
}

/* ---- the axis ---- */

static int compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static enum ts_status refuse_doubles(const struct parsing *p)
{
    const char **sorted = malloc((p->n ? p->n : 1) * sizeof *sorted);
    if (!sorted) {
        return TS_ENOMEM;
    }
    memcpy(sorted, p->settings, p->n * sizeof *sorted);
    qsort(sorted, p->n, sizeof *sorted, compare_texts);
    enum ts_status status = TS_OK;
    for (uint32_t i = 1; status == TS_OK && i < p->n; i++) {
        status = ts_str_equal(sorted[i - 1], sorted[i]) ? complain(p, "it has the same value twice") : TS_OK;
    }
    free(sorted);
    return status;
}

static enum ts_status take_range(struct ts_axis *out, const struct parsing *p, const struct part parts[3], bool is_log)
{
    const double low = parts[0].number, high = parts[1].number;
    if (!(low < high) || (is_log && low <= 0.0)) {
        return complain(p, is_log && low <= 0.0 ? "a logarithm needs positive numbers"
                                                : "the first number is not below the second");
    }
    *out = (struct ts_axis){.key = ts_arena_strndup(p->arena, p->key, p->key_len),
                            .low = low,
                            .high = high,
                            .is_log = is_log,
                            .is_whole = parts[0].decimals == 0 && parts[1].decimals == 0,
                            .unit = ts_arena_strndup(p->arena, parts[0].unit, parts[0].unit_len)};
    return out->key && out->unit ? TS_OK : TS_ENOMEM;
}

static enum ts_status add_item(struct parsing *p, const char *item, size_t len)
{
    struct part parts[3];
    bool is_log;
    trim(&item, &len);
    const size_t n = split(parts, &is_log, item, len);
    if (n == 3 && !is_log) {
        return same_unit(&parts[0], &parts[1]) && same_unit(&parts[0], &parts[2])
                   ? add_steps(p, parts)
                   : complain(p, "the parts of the range have different units: write all in one");
    }
    return add_value(p, item, len);
}

enum ts_status ts_axis_parse(struct ts_axis *out, bool *is_axis, const char *text, struct ts_span at,
                             struct ts_arena *arena, struct ts_diags *diags)
{
    struct parsing p = {
        .text = text, .at = at, .key = text, .key_len = strcspn(text, "="), .arena = arena, .diags = diags};
    struct part parts[3];
    bool is_log = false;
    *is_axis = false;
    if (text[p.key_len] != '=' || p.key_len == 0) {
        return TS_OK; /* no setting: whoever reads it as one says so */
    }
    const char *value = text + p.key_len + 1;
    const size_t len = strlen(value);
    const bool several = until(value, len, ',') < len;
    const size_t n = several ? 0 : split(parts, &is_log, value, len);
    if (n == 2 || (n == 3 && is_log)) {
        if (!same_unit(&parts[0], &parts[1])) {
            return complain(&p, "the parts of the range have different units: write all in one");
        }
        *is_axis = true;
        return take_range(out, &p, parts, is_log);
    }
    enum ts_status status = TS_OK;
    const bool is_list = several || n == 3;
    for (size_t from = 0; status == TS_OK && is_list && from <= len;) {
        const size_t item = until(value + from, len - from, ',');
        status = add_item(&p, value + from, item);
        from += item + 1;
    }
    if (status != TS_OK || !is_list) {
        return status;
    }
    status = refuse_doubles(&p);
    const char *key = ts_arena_strndup(arena, p.key, p.key_len);
    if (status == TS_OK && key) {
        *is_axis = true;
        *out = (struct ts_axis){.key = key, .settings = p.settings, .n = p.n, .unit = ""};
    }
    return key ? status : TS_ENOMEM;
}

const char *ts_axis_at(const struct ts_axis *axis, double u, struct ts_arena *arena)
{
    const double low = axis->low, high = axis->high + (axis->is_whole ? 1.0 : 0.0);
    double number = axis->is_log ? low * pow(high / low, u) : low + u * (high - low);
    if (axis->is_whole) {
        number = fmin(floor(number), axis->high);
        return ts_arena_printf(arena, "%s=%.0f%s", axis->key, number, axis->unit);
    }
    return ts_arena_printf(arena, "%s=%.6g%s", axis->key, number, axis->unit);
}
