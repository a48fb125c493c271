/* Hides the words in which a reader says what it understood. */
#include "traces/trace_told.h"

#include <stdio.h>
#include <string.h>

#include "base/units.h"

const char *ts_trace_drop_text(enum ts_trace_drop reason)
{
    switch (reason) {
    case TS_TRACE_KEPT:
        return "kept";
    case TS_TRACE_NO_PROMPT:
        return "no prompt tokens";
    case TS_TRACE_NO_OUTPUT:
        return "no output tokens";
    case TS_TRACE_NO_TIME:
        return "no time";
    case TS_TRACE_FAILED:
        return "it failed, by its status";
    case TS_TRACE_FROM_GATEWAY:
        return "answered from the gateway's cache";
    case TS_TRACE_NO_CALL:
        return "no call of a model";
    case TS_TRACE_OTHER_CLASS:
        return "no class of the scenario selects it";
    case TS_TRACE_NOT_ASKED_FOR:
        return "its columns do not match the selection";
    case TS_TRACE_HEADER_AGAIN:
        return "the header once more";
    case TS_TRACE_N_DROPS:
        break;
    }
    return "";
}

void ts_trace_counts_tell(struct ts_text *out, const struct ts_trace_counts *counts)
{
    bool first = true;
    for (size_t i = 0; i < TS_TRACE_N_DROPS; i++) {
        if (counts->drops[i].n > 0) {
            ts_text_printf(out, "%s%llu %s (%sline %llu)", first ? "" : ", ", (unsigned long long)counts->drops[i].n,
                           ts_trace_drop_text((enum ts_trace_drop)i), counts->drops[i].n > 1 ? "first: " : "",
                           (unsigned long long)counts->drops[i].first_line);
            first = false;
        }
    }
}

static struct ts_span line_of(const char *path, uint64_t line)
{
    return (struct ts_span){.file = path, .line = line <= UINT32_MAX ? (uint32_t)line : 0};
}

void ts_trace_counts_warn(const struct ts_trace_counts *counts, const char *path, struct ts_diags *diags)
{
    if (counts->n_dropped > 0) {
        struct ts_text reasons;
        ts_text_init(&reasons);
        ts_trace_counts_tell(&reasons, counts);
        ts_diags_add(diags, TS_WARNING, line_of(path, counts->drop_line), NULL, "%llu of %llu rows dropped: %s",
                     (unsigned long long)counts->n_dropped, (unsigned long long)counts->n_rows, reasons.data);
        ts_text_deinit(&reasons);
    }
    if (counts->was_sorted) {
        ts_diags_add(diags, TS_NOTE, line_of(path, counts->late_line), NULL,
                     "rows are out of time order, here first: they were sorted");
    }
    if (counts->naive_line > 0) {
        ts_diags_add(diags, TS_WARNING, line_of(path, counts->naive_line),
                     "write the times with a zone or in UTC, if the clock observes daylight saving time",
                     "a time without a zone, in the hour that clocks repeat in autumn: it is taken as UTC, and two "
                     "hours may overlap here");
    }
    if (counts->header_line > 0) {
        ts_diags_add(diags, TS_NOTE, line_of(path, counts->header_line), NULL,
                     "this line is the header: what stands before it is not read");
    }
    if (counts->tick_ns > 0) {
        const char *what = counts->tick_ns >= 86400 * TS_NS_PER_S  ? "days"
                           : counts->tick_ns >= 3600 * TS_NS_PER_S ? "hours"
                                                                   : "minutes";
        ts_diags_add(diags, TS_WARNING, ts_span_file(path),
                     "export the times with their seconds; a time of day in another column is clock=COLUMN in the map",
                     "all times are whole %s: the requests of one come all at once, at its beginning", what);
    }
    if (counts->grouped_line > 0) {
        ts_diags_add(diags, TS_NOTE, line_of(path, counts->grouped_line), NULL,
                     "tokens are written with thousands separators, here first: 1.200, 1,200 and 1 200 are 1200");
    }
    if (counts->unused[0]) {
        ts_diags_add(diags, TS_NOTE, ts_span_file(path), NULL, "columns that are not used: %s", counts->unused);
    }
}

/* ---- columns that are not used ---- */

struct unused {
    struct ts_text text;
    const struct ts_trace_rows *rows;
    size_t n_more;
};

/* The name that the file has for a field; "": it has none. */
static const char *column_of(const struct ts_trace_rows *rows, enum ts_trace_field field)
{
    const int slot = rows->slots[field];
    return slot >= 0 ? rows->container->ops->name(rows->container, (size_t)slot) : "";
}

/* What prompts consist of is taken from the first of these that the file has. */
static bool is_told_better(const struct ts_trace_rows *rows, enum ts_trace_field field)
{
    static const enum ts_trace_field best_first[] = {TS_TRACE_TOKENS, TS_TRACE_IDS, TS_TRACE_SESSION, TS_TRACE_CACHED};
    bool better = false;
    if (field == TS_TRACE_SESSION) {
        return false; /* it says more than that */
    }
    for (size_t i = 0; i < sizeof best_first / sizeof best_first[0]; i++) {
        if (best_first[i] == field) {
            return better;
        }
        better = better || *column_of(rows, best_first[i]);
    }
    return false;
}

static bool is_used(const struct ts_trace_rows *rows, int slot)
{
    bool used = false;
    for (size_t i = 0; i < TS_TRACE_N_READ; i++) {
        used = used || (slot >= 0 && rows->slots[i] == slot && !is_told_better(rows, (enum ts_trace_field)i));
    }
    for (size_t i = 0; i < rows->options->n_where; i++) {
        used = used || (slot >= 0 && rows->where_slots[i] == slot);
    }
    return used;
}

static void add_unused(void *user, int slot, const char *name)
{
    struct unused *unused = user;
    const size_t room = sizeof((struct ts_trace_counts *)0)->unused - sizeof " and 1000000 more";
    if (is_used(unused->rows, slot) || *name == '\0') {
        return;
    }
    if (unused->n_more > 0 || unused->text.len + strlen(name) + 2 > room) {
        unused->n_more++;
        return;
    }
    ts_text_printf(&unused->text, "%s%s", unused->text.len > 0 ? ", " : "", name);
}

void ts_trace_told_unused(struct ts_trace_rows *rows)
{
    struct unused unused = {.rows = rows};
    ts_text_init(&unused.text);
    rows->container->ops->each(rows->container, add_unused, &unused);
    if (unused.n_more > 0) {
        ts_text_printf(&unused.text, " and %zu more", unused.n_more);
    }
    (void)snprintf(rows->unused, sizeof rows->unused, "%s", unused.text.failed ? "" : unused.text.data);
    ts_text_deinit(&unused.text);
}

/* ---- all of it ---- */

static const char *meaning_of(enum ts_trace_field field)
{
    static const char *const words[TS_TRACE_N_FIELDS] = {
        [TS_TRACE_TIME] = "time",
        [TS_TRACE_CLOCK] = "time of day",
        [TS_TRACE_PROMPT] = "prompt tokens",
        [TS_TRACE_OUTPUT] = "output tokens",
        [TS_TRACE_CLASS] = "class",
        [TS_TRACE_SENSITIVITY] = "sensitivity",
        [TS_TRACE_DIFFICULTY] = "difficulty",
        [TS_TRACE_SESSION] = "session (a longer prompt begins with the shorter one and its reply)",
        [TS_TRACE_CACHED] = "cached tokens (the same beginning in all prompts that have so many)",
        [TS_TRACE_IDS] = "what prompts consist of",
        [TS_TRACE_TOKENS] = "the tokens of prompts",
        [TS_TRACE_STATUS] = "whether it failed",
        [TS_TRACE_GATEWAY_HIT] = "whether a gateway's cache answered",
        [TS_TRACE_OPERATION] = "whether it is a call of a model",
        [TS_TRACE_CALL] = "its name, for those that wait for it",
        [TS_TRACE_WAITS] = "what it waits for",
        [TS_TRACE_WRITTEN] = "tokens of the prompt that were written into a cache, beside the others",
        [TS_TRACE_THOUGHTS] = "hidden tokens of the reply, beside the others",
        [TS_TRACE_DELAY] = "how long after that",
        [TS_TRACE_TOOL] = "time of a tool",
    };
    return words[field];
}

static void put_columns(struct ts_text *out, const struct ts_trace_rows *rows)
{
    bool first = true;
    ts_text_puts(out, "columns: ");
    for (size_t i = 0; i < TS_TRACE_N_READ; i++) {
        const char *name = column_of(rows, (enum ts_trace_field)i);
        if (*name && !is_told_better(rows, (enum ts_trace_field)i)) {
            ts_text_printf(out, "%s%s = %s", first ? "" : ", ", name, meaning_of((enum ts_trace_field)i));
            first = false;
        }
    }
    ts_text_puts(out, "\n");
}

static void put_layout(struct ts_text *out, const struct ts_trace_rows *rows)
{
    const char separator = rows->container->separator;
    ts_text_printf(out, "format: %s, ", rows->format->name);
    ts_text_puts(out, separator == ','    ? "CSV"
                      : separator == '\t' ? "CSV with tabs, a comma before decimals or a point"
                      : separator != '\0' ? "CSV, a comma before decimals or a point"
                                          : "JSON");
    if (separator != ',' && separator != '\t' && separator != '\0') {
        ts_text_printf(out, ", separated by '%c'", separator);
    }
    ts_text_puts(out, "\ntime: ");
    ts_trace_clock_tell(out, &rows->clock);
}

static void put_row(struct ts_text *out, const struct ts_trace_row *row, const struct ts_trace_rows *rows)
{
    ts_text_printf(out, "line %llu: ", (unsigned long long)row->line);
    ts_trace_clock_show(out, &rows->clock, row->time_ns);
    ts_text_printf(out, ", prompt %u, output %u", (unsigned)row->prompt_tok, (unsigned)row->output_tok);
    if (row->has_sensitivity) {
        ts_text_printf(out, ", %s", ts_sensitivity_name((enum ts_sensitivity)row->sensitivity));
    }
    if (row->has_difficulty) {
        ts_text_printf(out, ", difficulty %g", (double)row->difficulty);
    }
    if (row->prefix.n_ids > 0) {
        ts_text_printf(out, ", begins with %u ids of %u tokens", (unsigned)row->prefix.n_ids,
                       (unsigned)row->prefix.block_tok);
    }
    ts_text_puts(out, "\n");
}

void ts_trace_told_put(struct ts_text *out, const struct ts_trace_told *told, const struct ts_trace_rows *rows)
{
    put_layout(out, rows);
    if (told->n > 0) {
        ts_text_puts(out, "; from ");
        ts_trace_clock_show(out, &rows->clock, told->rows[0].time_ns);
        ts_text_puts(out, " to ");
        ts_trace_clock_show(out, &rows->clock, told->last_ns);
    }
    ts_text_puts(out, "\n");
    put_columns(out, rows);
    if (rows->unused[0]) {
        ts_text_printf(out, "not used: %s\n", rows->unused);
    }
    for (size_t i = 0; i < told->n; i++) {
        put_row(out, &told->rows[i], rows);
    }
}
