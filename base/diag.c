/* Hides how diagnostics are kept and how they look on a terminal: control characters of a user's file never reach it.
 */
#include "base/diag.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/source.h"

enum { LINE_TEXT_MAX = 400 };

void ts_diags_init(struct ts_diags *diags)
{
    *diags = (struct ts_diags){.n_items = 0};
}

static void diag_deinit(struct ts_diag *diag)
{
    free(diag->file);
    free(diag->message);
    free(diag->hint);
    free(diag->line_text);
}

void ts_diags_deinit(struct ts_diags *diags)
{
    for (size_t i = 0; i < diags->n_items; i++) {
        diag_deinit(&diags->items[i]);
    }
    ts_diags_init(diags);
}

/* A copy in which control characters are '?' (tab and, in messages, newline stay). NULL when out of memory. */
static char *copy_clean(const char *bytes, size_t len, bool keep_newlines)
{
    char *copy = malloc(len + 1);
    if (copy == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)bytes[i];
        bool kept = (c >= 0x20 && c != 0x7f) || c == '\t' || (c == '\n' && keep_newlines);
        copy[i] = kept ? bytes[i] : '?';
    }
    copy[len] = '\0';
    return copy;
}

/* NULL too if there is no line to show. */
static char *copy_line(struct ts_span at, bool *failed)
{
    if (at.source == NULL || at.line == 0) {
        return NULL;
    }
    size_t len = 0;
    const char *line = ts_source_line(at.source, at.line, &len);
    if (len == 0 || at.col > LINE_TEXT_MAX) {
        return NULL;
    }
    if (len > LINE_TEXT_MAX) {
        len = LINE_TEXT_MAX;
        while (len > 0 && ((unsigned char)line[len] & 0xc0) == 0x80) {
            len--; /* not in the middle of a character */
        }
    }
    char *copy = copy_clean(line, len, false);
    *failed = copy == NULL;
    return copy;
}

/* False if something found no memory; what is there by then stays. */
static bool fill(struct ts_diag *diag, struct ts_span at, const char *hint, const char *fmt, va_list args)
{
    struct ts_text message;
    bool line_failed = false;
    const char *file = at.source != NULL ? at.source->name : at.file;
    ts_text_init(&message);
    ts_text_vprintf(&message, fmt, args);
    if (!message.failed) {
        diag->message = copy_clean(message.data, message.len, true);
        diag->file = file != NULL ? copy_clean(file, strlen(file), false) : NULL;
        diag->hint = hint != NULL ? copy_clean(hint, strlen(hint), true) : NULL;
        diag->line_text = copy_line(at, &line_failed);
    }
    ts_text_deinit(&message);
    return diag->message != NULL && (diag->file != NULL || file == NULL) && (diag->hint != NULL || hint == NULL) &&
           !line_failed;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* At that place, in those words. */
static bool is_known(const struct ts_diags *diags, const struct ts_diag *diag)
{
    bool known = false;
    for (size_t i = 0; !known && diag->line > 0 && i < diags->n_items; i++) {
        const struct ts_diag *item = &diags->items[i];
        known = item->severity == diag->severity && item->line == diag->line && item->col == diag->col &&
                same_text(item->file, diag->file) && same_text(item->message, diag->message) &&
                same_text(item->hint, diag->hint) && same_text(item->line_text, diag->line_text);
    }
    return known;
}

static void add(struct ts_diags *diags, enum ts_severity severity, struct ts_span at, const char *hint, const char *fmt,
                va_list args)
{
    if (diags == NULL) {
        return;
    }
    diags->n_errors += severity == TS_ERROR;
    diags->n_warnings += severity == TS_WARNING;
    if (diags->n_items == TS_DIAGS_MAX) {
        diags->n_dropped++;
        return;
    }
    struct ts_diag diag = {.severity = severity, .line = at.line, .col = at.col, .len = at.len};
    if (!fill(&diag, at, hint, fmt, args)) {
        diags->no_memory = true;
    }
    if (diag.message == NULL || is_known(diags, &diag)) {
        diags->n_dropped += diag.message == NULL;
        diag_deinit(&diag);
        return;
    }
    diags->items[diags->n_items++] = diag;
}

void ts_diags_add(struct ts_diags *diags, enum ts_severity severity, struct ts_span at, const char *hint,
                  const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(diags, severity, at, hint, fmt, args);
    va_end(args);
}

enum ts_status ts_fail(struct ts_diags *diags, enum ts_status status, struct ts_span at, const char *hint,
                       const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(diags, TS_ERROR, at, hint, fmt, args);
    va_end(args);
    return status;
}

enum ts_status ts_fail_hint(struct ts_diags *diags, enum ts_status status, struct ts_span at, struct ts_text *hint,
                            const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add(diags, TS_ERROR, at, hint->data, fmt, args);
    va_end(args);
    if (diags != NULL) {
        diags->no_memory = diags->no_memory || hint->failed;
    }
    ts_text_deinit(hint);
    return status;
}

enum ts_status ts_fail_errno(struct ts_diags *diags, const char *path, const char *what, int error)
{
    return error == ENOMEM ? ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "%s", ts_status_text(TS_ENOMEM))
                           : ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "%s: %s", what, strerror(error));
}

void ts_diags_move(struct ts_diags *to, struct ts_diags *from)
{
    if (!to) {
        ts_diags_deinit(from);
        ts_diags_init(from);
        return;
    }
    for (size_t i = 0; i < from->n_items; i++) {
        if (to->n_items < TS_DIAGS_MAX) {
            to->items[to->n_items++] = from->items[i];
        } else {
            diag_deinit(&from->items[i]);
            to->n_dropped++;
        }
    }
    to->n_errors += from->n_errors;
    to->n_warnings += from->n_warnings;
    to->n_dropped += from->n_dropped;
    to->no_memory = to->no_memory || from->no_memory;
    ts_diags_init(from);
}

const char *ts_diags_first_error(const struct ts_diags *diags)
{
    for (size_t i = 0; i < diags->n_items; i++) {
        if (diags->items[i].severity == TS_ERROR) {
            return diags->items[i].message;
        }
    }
    return "";
}

struct ts_span ts_span_file(const char *file)
{
    return (struct ts_span){.file = file};
}

struct ts_span ts_span_none(void)
{
    return (struct ts_span){.file = NULL};
}

static const char *severity_text(enum ts_severity severity)
{
    switch (severity) {
    case TS_NOTE:
        return "note";
    case TS_WARNING:
        return "warning";
    case TS_ERROR:
        return "error";
    }
    return "error";
}

static bool is_continuation(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* The source line and below it "^~~~"; tabs are kept and bytes of one character count once, so that the caret stands
 * right. */
static void render_caret(const struct ts_diag *diag, struct ts_text *out)
{
    ts_text_printf(out, "%5lu | %s\n", (unsigned long)diag->line, diag->line_text);
    if (diag->col == 0) {
        return;
    }
    size_t text_len = strlen(diag->line_text);
    size_t start = diag->col - 1;
    ts_text_puts(out, "      | ");
    for (size_t i = 0; i < start; i++) {
        bool tab = i < text_len && diag->line_text[i] == '\t';
        if (i >= text_len || !is_continuation(diag->line_text[i])) {
            ts_text_puts(out, tab ? "\t" : " ");
        }
    }
    ts_text_puts(out, "^");
    for (size_t i = start + 1; i < start + diag->len && i < text_len; i++) {
        if (!is_continuation(diag->line_text[i])) {
            ts_text_puts(out, "~");
        }
    }
    ts_text_puts(out, "\n");
}

static void render_one(const struct ts_diag *diag, struct ts_text *out)
{
    if (diag->file != NULL) {
        ts_text_printf(out, "%s:", diag->file);
        if (diag->line > 0) {
            ts_text_printf(out, "%lu:", (unsigned long)diag->line);
        }
        if (diag->line > 0 && diag->col > 0) {
            ts_text_printf(out, "%lu:", (unsigned long)diag->col);
        }
        ts_text_puts(out, " ");
    }
    ts_text_printf(out, "%s: %s\n", severity_text(diag->severity), diag->message);
    if (diag->line_text != NULL) {
        render_caret(diag, out);
    }
    if (diag->hint != NULL) {
        ts_text_printf(out, "help: %s\n", diag->hint);
    }
}

void ts_diags_render(const struct ts_diags *diags, struct ts_text *out)
{
    for (size_t i = 0; i < diags->n_items; i++) {
        render_one(&diags->items[i], out);
    }
    if (diags->n_dropped > 0) {
        ts_text_printf(out, "and %zu more\n", diags->n_dropped);
    }
}
