/* Hides how the user's map of columns is written: field=COLUMN with commas between, a column in quotes where a comma or
 * blank at its ends belongs to it. */
#include <string.h>

#include "traces/trace_format.h"

static const struct {
    const char *word;
    enum ts_trace_field field;
} words[] = {
    {"time", TS_TRACE_TIME},
    {"clock", TS_TRACE_CLOCK},
    {"in", TS_TRACE_PROMPT},
    {"out", TS_TRACE_OUTPUT},
    {"class", TS_TRACE_CLASS},
    {"sensitivity", TS_TRACE_SENSITIVITY},
    {"difficulty", TS_TRACE_DIFFICULTY},
    {"session", TS_TRACE_SESSION},
    {"cached", TS_TRACE_CACHED},
    {"status", TS_TRACE_STATUS},
    {"model", TS_TRACE_MODEL},
    {"user", TS_TRACE_USER},
    {"modality", TS_TRACE_MODALITY},
    {"deadline", TS_TRACE_DEADLINE},
    {"right", TS_TRACE_RIGHT},
    {"cost", TS_TRACE_COST},
};
enum { N_WORDS = sizeof words / sizeof words[0] };

static const char *const units[] = {"s", "ms", "us", "ns", "excel", "dmy", "mdy", NULL};

const char *const *ts_trace_time_units(void)
{
    return units;
}

const char *ts_trace_map_word(enum ts_trace_field field)
{
    for (size_t i = 0; i < N_WORDS; i++) {
        if (words[i].field == field) {
            return words[i].word;
        }
    }
    return NULL;
}

static enum ts_status fail(struct ts_diags *diags, const char *what, const char *text, size_t len)
{
    return ts_fail(diags, TS_EUSAGE, ts_span_none(),
                   "--map time=COLUMN,in=COLUMN,out=COLUMN; further fields: class, sensitivity, difficulty, session, "
                   "cached, status; unit=s, ms, us, ns, excel, dmy or mdy is that of the time",
                   "--map: %s '%.*s'", what, (int)len, text);
}

/* The column after the '=': up to a comma, or within quotes. Returns what is after it, NULL if a quote stays open. */
static const char *take_column(char **out, const char *at)
{
    const char quote = *at == '\'' || *at == '"' ? *at : '\0';
    const char *end = quote ? strchr(at + 1, quote) : at + strcspn(at, ",");
    if (!end) {
        return NULL;
    }
    at += quote != '\0';
    memcpy(*out, at, (size_t)(end - at));
    *out += end - at;
    *(*out)++ = '\0';
    return end + (quote != '\0');
}

static enum ts_status keep(struct ts_trace_map *map, const char *word, size_t len, const char *column,
                           struct ts_diags *diags)
{
    for (size_t i = 0; i < N_WORDS; i++) {
        if (strlen(words[i].word) == len && memcmp(words[i].word, word, len) == 0) {
            if (map->columns[words[i].field]) {
                return fail(diags, "a field that is there twice:", word, len);
            }
            map->columns[words[i].field] = column;
            return TS_OK;
        }
    }
    if (len == 4 && memcmp(word, "unit", 4) == 0) {
        for (size_t i = 0; units[i]; i++) {
            if (ts_str_equal(units[i], column)) {
                map->time_unit = column;
                return TS_OK;
            }
        }
        return fail(diags, "no unit of time:", column, strlen(column));
    }
    return fail(diags, "no such field:", word, len);
}

enum ts_status ts_trace_map_parse(struct ts_trace_map *out, char *text, const char *map, struct ts_diags *diags)
{
    struct ts_trace_map result = {.time_unit = NULL};
    const char *at = map;
    do {
        const size_t len = strcspn(at, "=,");
        const char *column = text;
        if (len == 0 || at[len] != '=' || at[len + 1] == ',' || at[len + 1] == '\0') {
            return fail(diags, "expected field=COLUMN, not", at, strcspn(at, ","));
        }
        const char *behind = take_column(&text, at + len + 1);
        if (!behind || (*behind != ',' && *behind != '\0')) {
            return fail(diags, "a quote out of place in", at, strlen(at));
        }
        const enum ts_status status = keep(&result, at, len, column, diags);
        if (status != TS_OK) {
            return status;
        }
        at = *behind == ',' ? behind + 1 : NULL;
    } while (at);
    *out = result;
    return TS_OK;
}
