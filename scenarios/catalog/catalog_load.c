/* Hides where a catalog's rows come from: the files built into the program, a folder of the user's over them, and the
 * day as of which they are read. */
#include <stdlib.h>
#include <string.h>

#include "base/embed.h"
#include "base/file.h"
#include "base/names.h"
#include "scenarios/catalog/catalog_parts.h"

extern const struct ts_embedded_file ts_embedded_catalog[];

static size_t count_lines(const struct ts_embedded_file *file)
{
    size_t n = 1;
    for (size_t i = 0; i < file->len; i++) {
        n += file->data[i] == '\n';
    }
    return n < TS_CATALOG_MAX_ROWS ? n : TS_CATALOG_MAX_ROWS;
}

static const struct ts_embedded_file *built_in(const struct ts_catalog_kind *kind)
{
    const struct ts_embedded_file *file = ts_embedded_catalog;
    while (file->name && !ts_str_equal(file->name, kind->file)) {
        file++;
    }
    return file->name ? file : NULL;
}

/* Of rows that agree in all keys the newest stays, and none that is later than as_of; those that agree stand side by
 * side. */
static void keep_newest(struct ts_catalog_rows *rows, const struct ts_catalog_kind *kind, const char *as_of)
{
    size_t n = 0;
    for (size_t i = 0; i < rows->n && kind->date_at; i++) {
        const char *row = rows->rows + i * kind->row_size, *date = ts_catalog_text(row, kind->date_at);
        if (as_of && strcmp(date, as_of) > 0) {
            continue;
        }
        char *last = n > 0 ? rows->rows + (n - 1) * kind->row_size : NULL;
        const bool again = last && ts_catalog_agree(kind, row, last, kind->n_keys);
        if (again && strcmp(date, ts_catalog_text(last, kind->date_at)) < 0) {
            continue;
        }
        n += again ? 0 : 1;
        memmove(rows->rows + (n - 1) * kind->row_size, row, kind->row_size);
        rows->lines[n - 1] = rows->lines[i];
    }
    rows->n = kind->date_at ? n : rows->n;
}

static enum ts_status read_built_in(struct ts_catalog_rows *out, const struct ts_catalog_kind *kind,
                                    struct ts_arena *arena, struct ts_diags *diags)
{
    const struct ts_embedded_file *file = built_in(kind);
    if (!file) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(kind->file), NULL, "this catalog is not built in");
    }
    struct ts_csv_reader *csv = NULL;
    enum ts_status status = ts_csv_open_text(&csv, kind->file, file->data, file->len, true, diags);
    if (status == TS_OK) {
        status = ts_catalog_read(out, kind, csv, count_lines(file), false, arena, diags);
        ts_csv_close(csv);
    }
    return status;
}

/* ---- a user's file ---- */

/* Built-in files have columns of words that nothing reads; a user may have them, too. */
static void warn_unread(const struct ts_catalog_kind *kind, const struct ts_csv_reader *csv, struct ts_diags *diags)
{
    const struct ts_embedded_file *file = built_in(kind);
    struct ts_csv_reader *ours = NULL;
    const struct ts_csv_row *header = ts_csv_header(csv);
    if (!file || ts_csv_open_text(&ours, kind->file, file->data, file->len, true, NULL) != TS_OK) {
        return;
    }
    for (size_t i = 0; i < header->n_fields; i++) {
        if (ts_csv_column(ours, header->fields[i].data) < 0) {
            ts_diags_add(diags, TS_WARNING, ts_csv_span(csv, header, i), NULL, "the column '%s' is not read",
                         header->fields[i].data);
        }
    }
    ts_csv_close(ours);
}

static struct ts_span row_at(const char *path, uint32_t line)
{
    return (struct ts_span){.file = path, .line = line, .col = 1};
}

/* Which of the rows from `first` to `n` has the row's date, or has it without one; n: none. */
static size_t same_day(const char *rows, size_t first, size_t n, const struct ts_catalog_kind *kind, const char *row)
{
    for (size_t i = first; i < n; i++) {
        const char *other = rows + i * kind->row_size;
        if (!kind->date_at ||
            ts_str_equal(ts_catalog_text(other, kind->date_at), ts_catalog_text(row, kind->date_at))) {
            return i;
        }
    }
    return n;
}

/* Rows that agree in all keys are moved side by side; two of one date are a mistake. */
static enum ts_status gather(struct ts_catalog_rows *rows, const struct ts_catalog_kind *kind, const char *path,
                             struct ts_arena *arena, struct ts_diags *diags)
{
    char *sorted = ts_arena_array(arena, rows->n ? rows->n : 1, kind->row_size);
    uint32_t *lines = ts_arena_array(arena, rows->n ? rows->n : 1, sizeof *lines);
    bool *taken = ts_arena_array(arena, rows->n ? rows->n : 1, sizeof *taken);
    enum ts_status status = sorted && lines && taken ? TS_OK : TS_ENOMEM;
    size_t n = 0;
    for (size_t i = 0; status != TS_ENOMEM && i < rows->n; i++) {
        const char *first = rows->rows + i * kind->row_size;
        const size_t group = n;
        for (size_t j = i; j < rows->n && !taken[i]; j++) {
            const char *row = rows->rows + j * kind->row_size;
            if (taken[j] || !ts_catalog_agree(kind, first, row, kind->n_keys)) {
                continue;
            }
            const size_t twin = same_day(sorted, group, n, kind, row);
            if (twin < n) {
                status = ts_fail(diags, TS_EINPUT, row_at(path, rows->lines[j]), NULL, "'%s' is in line %u already%s",
                                 ts_catalog_text(row, 0), lines[twin], kind->date_at ? ", with the same date" : "");
            }
            taken[j] = j > i;
            memcpy(sorted + n * kind->row_size, row, kind->row_size);
            lines[n++] = rows->lines[j];
        }
    }
    rows->rows = sorted;
    rows->lines = lines;
    return status;
}

static enum ts_status read_own(struct ts_catalog_rows *out, const struct ts_catalog_kind *kind, const char *path,
                               struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_csv_reader *csv = NULL;
    enum ts_status status = ts_csv_open(&csv, path, true, diags);
    if (status != TS_OK) {
        return status;
    }
    warn_unread(kind, csv, diags);
    status = ts_catalog_read(out, kind, csv, TS_CATALOG_MAX_ROWS, true, arena, diags);
    ts_csv_close(csv);
    return status == TS_OK ? gather(out, kind, path, arena, diags) : status;
}

/* The user's rows first, then those of `base` whose place they do not take. */
static enum ts_status lay_over(struct ts_catalog_rows *base, const struct ts_catalog_kind *kind,
                               const struct ts_catalog_rows *own, struct ts_arena *arena)
{
    char *rows = ts_arena_array(arena, base->n + own->n + 1, kind->row_size);
    if (!rows) {
        return TS_ENOMEM;
    }
    size_t n = own->n;
    if (n > 0) {
        memcpy(rows, own->rows, n * kind->row_size);
    }
    for (size_t i = 0; i < base->n; i++) {
        const char *row = base->rows + i * kind->row_size;
        bool replaced = false;
        for (size_t j = 0; j < own->n && !replaced; j++) {
            replaced = ts_catalog_agree(kind, row, own->rows + j * kind->row_size, kind->n_over);
        }
        if (!replaced) {
            memcpy(rows + n++ * kind->row_size, row, kind->row_size);
        }
    }
    base->rows = rows;
    base->n = n;
    return TS_OK;
}

/* ---- names of other catalogs in a user's rows ---- */

static bool has_row(const struct ts_catalog *catalog, const char *kind_name, const char *name)
{
    const struct ts_catalog_kind *kind = ts_catalog_kinds;
    while (!ts_str_equal(kind->name, kind_name)) {
        kind++;
    }
    return ts_catalog_row_named(catalog, kind, name) != NULL;
}

static const struct {
    const char *kind;
    size_t at;              /* a name in its row; "" is none */
    const char *of, *or_of; /* the catalogs that must have it */
} references[] = {
    {"device", offsetof(struct ts_device_rate, hardware), "hardware", NULL},
    {"device", offsetof(struct ts_device_rate, model), "model", NULL},
    {"rental", offsetof(struct ts_rental, hardware), "hardware", NULL},
    {"server", offsetof(struct ts_server_row, accelerator), "hardware", NULL},
    {"score", offsetof(struct ts_score, name), "model", "price"},
};

static enum ts_status check_references(const struct ts_catalog *catalog, const struct ts_catalog_kind *kind,
                                       const struct ts_catalog_rows *own, const char *path, struct ts_arena *arena,
                                       struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t r = 0; r < sizeof references / sizeof references[0]; r++) {
        for (size_t i = 0; ts_str_equal(references[r].kind, kind->name) && i < own->n; i++) {
            const char *name = ts_catalog_text(own->rows + i * kind->row_size, references[r].at);
            if (!name[0] || has_row(catalog, references[r].of, name) ||
                (references[r].or_of && has_row(catalog, references[r].or_of, name))) {
                continue;
            }
            const char *near = NULL;
            if (ts_catalog_matches(catalog, references[r].of, name, &near, 1) == 0) {
                near = ts_catalog_suggest(catalog, references[r].of, name);
            }
            status = ts_fail(diags, TS_EINPUT, row_at(path, own->lines[i]),
                             near ? ts_arena_printf(arena, "did you mean '%s'?", near) : NULL,
                             "unknown %s '%s': the full name is needed here", references[r].of, name);
        }
    }
    return status;
}

/* ---- a folder ---- */

static const struct ts_catalog_kind *kind_of_file(const char *name)
{
    for (const struct ts_catalog_kind *kind = ts_catalog_kinds; kind->name; kind++) {
        if (kind->n_over > 0 && ts_str_equal(kind->file, name)) {
            return kind;
        }
    }
    return NULL;
}

static const char *file_name(size_t i)
{
    for (const struct ts_catalog_kind *kind = ts_catalog_kinds; kind->name; kind++) {
        if (kind->n_over > 0 && i-- == 0) {
            return kind->file;
        }
    }
    return NULL;
}

static const char *file_hint(const char *name, struct ts_arena *arena)
{
    const char *files[32];
    size_t n = 0;
    struct ts_text text;
    ts_text_init(&text);
    for (; file_name(n); n++) {
        files[n] = file_name(n);
        ts_text_printf(&text, "%s%s", n > 0 ? ", " : "it may have ", files[n]);
    }
    const char *near = ts_suggest(name, files, n);
    const char *hint = near ? ts_arena_printf(arena, "did you mean '%s'?", near)
                            : ts_arena_strndup(arena, text.failed ? "" : text.data, text.failed ? 0 : text.len);
    ts_text_deinit(&text);
    return hint;
}

/* Every CSV file must be one of the catalog's; other files are no business of ours. */
static enum ts_status check_folder(const char *folder, struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_names names = {NULL, 0};
    enum ts_status status = ts_names_of_folder(&names, folder, diags);
    size_t n_known = 0;
    for (size_t i = 0; status == TS_OK && i < names.n; i++) {
        const size_t len = strlen(names.items[i]);
        const bool known = kind_of_file(names.items[i]) != NULL;
        n_known += known;
        if (!known && len > 4 && ts_str_equal(names.items[i] + len - 4, ".csv")) {
            status = ts_fail(diags, TS_EINPUT, ts_span_file(folder), file_hint(names.items[i], arena),
                             "no catalog is named '%s'", names.items[i]);
        }
    }
    ts_names_deinit(&names);
    return status == TS_OK && n_known == 0
               ? ts_fail(diags, TS_EINPUT, ts_span_file(folder), file_hint("", arena), "there is no catalog in it")
               : status;
}

struct own_file {
    const char *path;
    struct ts_catalog_rows rows;
};

static enum ts_status load_kind(struct ts_catalog *catalog, struct own_file *own, const struct ts_catalog_kind *kind,
                                const struct ts_catalog_choice *choice, struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_catalog_rows base = {NULL, NULL, 0};
    enum ts_status status = read_built_in(&base, kind, arena, diags);
    if (status == TS_OK) {
        keep_newest(&base, kind, choice->as_of);
    }
    char *path = choice->include && kind->n_over > 0 ? ts_path_join(choice->include, kind->file) : NULL;
    if (status == TS_OK && path && ts_file_exists(path)) {
        own->path = ts_arena_strdup(arena, path);
        status = own->path ? read_own(&own->rows, kind, own->path, arena, diags) : TS_ENOMEM;
        if (status == TS_OK) {
            keep_newest(&own->rows, kind, choice->as_of);
            status = lay_over(&base, kind, &own->rows, arena);
        }
    }
    free(path);
    if (status == TS_OK) {
        ts_catalog_put_rows(catalog, kind, base.rows, base.n);
    }
    return status;
}

static enum ts_status load(struct ts_catalog *out, bool later, const struct ts_catalog_choice *choice,
                           struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_catalog catalog = *out;
    struct own_file own[32] = {{NULL, {NULL, NULL, 0}}};
    enum ts_status worst = TS_OK;
    for (size_t i = 0; ts_catalog_kinds[i].name; i++) {
        if (ts_catalog_kinds[i].later == later) {
            const enum ts_status status = load_kind(&catalog, &own[i], &ts_catalog_kinds[i], choice, arena, diags);
            worst = status != TS_OK ? status : worst;
        }
    }
    for (size_t i = 0; worst == TS_OK && ts_catalog_kinds[i].name; i++) {
        worst = own[i].path ? check_references(&catalog, &ts_catalog_kinds[i], &own[i].rows, own[i].path, arena, diags)
                            : TS_OK;
    }
    if (worst == TS_OK) {
        *out = catalog;
    }
    return worst;
}

enum ts_status ts_catalog_load_chosen(struct ts_catalog *out, const struct ts_catalog_choice *choice,
                                      struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_catalog catalog;
    memset(&catalog, 0, sizeof catalog);
    if (choice->as_of && !ts_catalog_is_date(choice->as_of)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write 2026, 2026-08 or 2026-08-31", "'%s' is no date",
                       choice->as_of);
    }
    enum ts_status status = choice->include ? check_folder(choice->include, arena, diags) : TS_OK;
    if (status == TS_OK) {
        status = load(&catalog, false, choice, arena, diags);
    }
    if (status == TS_OK) {
        *out = catalog;
    }
    return status;
}

static const struct ts_catalog_choice as_built_in = {NULL, NULL};

enum ts_status ts_catalog_load(struct ts_catalog *out, struct ts_arena *arena, struct ts_diags *diags)
{
    return ts_catalog_load_chosen(out, &as_built_in, arena, diags);
}

enum ts_status ts_catalog_load_published(struct ts_catalog *catalog, struct ts_arena *arena, struct ts_diags *diags)
{
    return load(catalog, true, &as_built_in, arena, diags);
}
