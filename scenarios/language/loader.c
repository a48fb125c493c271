/* Hides the scenario's memory, its list of assumptions and how measurement files are found and kept. */
#include "scenarios/language/loader.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/units.h"

enum { MAX_DERIVED = 4096, MAX_LISTED = 40 };

void ts_loader_fail(struct ts_loader *loader, enum ts_status status)
{
    if (!loader->failed) {
        loader->failed = true;
        loader->status = status;
    }
}

void *ts_loader_array(struct ts_loader *loader, size_t n, size_t size)
{
    void *memory = ts_arena_array(loader->arena, n ? n : 1, size);
    if (!memory) {
        ts_loader_fail(loader, TS_ENOMEM);
    }
    return memory;
}

const char *ts_loader_keep(struct ts_loader *loader, struct ts_text *text)
{
    const char *copy = text->failed ? NULL : ts_arena_strndup(loader->arena, text->data, text->len);
    ts_text_deinit(text);
    if (!copy) {
        ts_loader_fail(loader, TS_ENOMEM);
    }
    return copy ? copy : "";
}

static const char *keep_format(struct ts_loader *loader, const char *fmt, va_list args) TS_PRINTF(2, 0);

static const char *keep_format(struct ts_loader *loader, const char *fmt, va_list args)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_vprintf(&text, fmt, args);
    return ts_loader_keep(loader, &text);
}

const char *ts_loader_printf(struct ts_loader *loader, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *text = keep_format(loader, fmt, args);
    va_end(args);
    return text;
}

static void tell(struct ts_loader *loader, enum ts_severity severity, const struct ts_value *at, const char *hint,
                 const char *fmt, va_list args) TS_PRINTF(5, 0);

static void tell(struct ts_loader *loader, enum ts_severity severity, const struct ts_value *at, const char *hint,
                 const char *fmt, va_list args)
{
    const char *text = keep_format(loader, fmt, args);
    ts_diags_add(loader->diags, severity, at ? at->at : ts_span_file(loader->path), hint, "%s", text);
}

void ts_loader_error(struct ts_loader *loader, const struct ts_value *at, const char *hint, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tell(loader, TS_ERROR, at, hint, fmt, args);
    va_end(args);
}

void ts_loader_warning(struct ts_loader *loader, const struct ts_value *at, const char *hint, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    tell(loader, TS_WARNING, at, hint, fmt, args);
    va_end(args);
}

/* ---- assumptions ---- */

static bool room_for_one(struct ts_loader *loader)
{
    if (loader->n_derived < loader->cap_derived) {
        return true;
    }
    size_t cap = loader->cap_derived ? loader->cap_derived * 2 : 64;
    struct ts_assumption *grown = cap <= MAX_DERIVED ? ts_loader_array(loader, cap, sizeof *grown) : NULL;
    if (!grown) {
        ts_loader_fail(loader, TS_ENOMEM);
        return false;
    }
    if (loader->n_derived > 0) {
        memcpy(grown, loader->derived, loader->n_derived * sizeof *grown);
    }
    loader->derived = grown;
    loader->cap_derived = cap;
    return true;
}

void ts_loader_assume(struct ts_loader *loader, const char *key, enum ts_origin origin, const char *source,
                      const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    const char *value = keep_format(loader, fmt, args);
    va_end(args);
    if (room_for_one(loader)) {
        loader->derived[loader->n_derived++] = (struct ts_assumption){key, value, origin, source};
    }
}

void ts_loader_assume_number(struct ts_loader *loader, const char *key, enum ts_origin origin, const char *source,
                             double value, const char *unit)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_units_format(&text, value, unit);
    const char *shown = ts_loader_keep(loader, &text), *usd = strstr(shown, "USD");
    if (usd) {
        shown = ts_loader_printf(loader, "%.*s%s%s", (int)(usd - shown), shown, loader->currencies.code, usd + 3);
    }
    ts_loader_assume(loader, key, origin, source, "%s", shown);
}

const char *ts_loader_hint(struct ts_loader *loader, const char *word, const char *const *candidates, size_t n)
{
    const char *near = ts_suggest(word, candidates, n);
    if (near) {
        return ts_loader_printf(loader, "did you mean '%s'?", near);
    }
    struct ts_text text;
    ts_text_init(&text);
    ts_text_puts(&text, "one of: ");
    for (size_t i = 0; i < n && i < MAX_LISTED; i++) {
        ts_text_printf(&text, "%s%s", i > 0 ? ", " : "", candidates[i]);
    }
    return ts_loader_keep(loader, &text);
}

/* ---- files ---- */

static void note_file(struct ts_loader *loader, const char *path)
{
    if (loader->n_files == loader->cap_files) {
        const size_t cap = loader->cap_files ? 2 * loader->cap_files : 8;
        const char **grown = ts_loader_array(loader, cap, sizeof *grown);
        if (!grown) {
            return;
        }
        if (loader->n_files > 0) {
            memcpy(grown, loader->files, loader->n_files * sizeof *grown);
        }
        loader->files = grown;
        loader->cap_files = cap;
    }
    loader->files[loader->n_files++] = path;
}

const char *ts_loader_beside(struct ts_loader *loader, const char *path)
{
    char *folder = ts_path_dir(loader->path);
    bool here = folder && ts_str_equal(folder, ".");
    char *joined = folder ? ts_path_join(here ? "" : folder, path) : NULL;
    const char *kept = joined ? ts_loader_printf(loader, "%s", joined) : "";
    if (!joined) {
        ts_loader_fail(loader, TS_ENOMEM);
    }
    free(joined);
    free(folder);
    note_file(loader, kept);
    return kept;
}

const struct ts_measurement *ts_loader_measurement(struct ts_loader *loader, const char *path)
{
    for (size_t i = 0; i < loader->n_measurements; i++) {
        if (ts_str_equal(loader->measurements[i].path, path)) {
            return loader->measurements[i].measurement;
        }
    }
    const struct ts_scenario_options *options = loader->options;
    if (options->measurement && ts_str_equal(path, options->measurement_path)) {
        return options->measurement;
    }
    if (loader->n_measurements == TS_MAX_MEASUREMENTS) {
        return NULL;
    }
    struct ts_measurement *measurement = ts_loader_array(loader, 1, sizeof *measurement);
    if (!measurement) {
        return NULL;
    }
    enum ts_status status = ts_measurement_read(measurement, loader->arena, path, loader->diags);
    if (status != TS_OK) {
        ts_loader_fail(loader, status);
        measurement = NULL;
    }
    loader->measurements[loader->n_measurements].path = path;
    loader->measurements[loader->n_measurements].measurement = measurement;
    loader->n_measurements++;
    return measurement;
}
