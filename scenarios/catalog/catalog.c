/* Hides the shape of the catalogs' CSV files: one table of columns per file says which column goes into which field, in
 * which unit. */
#include "scenarios/catalog/catalog.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/embed.h"

extern const struct ts_embedded_file ts_embedded_catalog[];

#include "scenarios/catalog/catalog_columns.inc"

enum { MAX_ROWS = 4096 };

struct sheet {
    struct ts_csv_reader *csv;
    const struct ts_csv_row *row;
    struct ts_arena *arena;
    struct ts_diags *diags;
};

static const char *field(const struct sheet *sheet, const char *column)
{
    int i = ts_csv_column(sheet->csv, column);
    return i >= 0 && (size_t)i < sheet->row->n_fields ? sheet->row->fields[i].data : NULL;
}

static enum ts_status bad_cell(const struct sheet *sheet, const struct column *column, const char *text,
                               const char *due)
{
    int i = ts_csv_column(sheet->csv, column->name);
    struct ts_span at = ts_csv_span(sheet->csv, sheet->row, i < 0 ? 0 : (size_t)i);
    return ts_fail(sheet->diags, TS_EINPUT, at, NULL, "column '%s': '%s' where %s is due", column->name,
                   text ? text : "", due);
}

static enum ts_status store_number(const struct sheet *sheet, const struct column *column, const char *text, void *at)
{
    double value = 0.0;
    if (text[0] && (!ts_parse_double(&value, text, strlen(text)) || value < 0.0)) {
        return bad_cell(sheet, column, text, "a number from 0 on");
    }
    if (column->cell == CELL_NUMBER) {
        *(double *)at = value * column->scale;
        return TS_OK;
    }
    if (value > 1e9 || value != (double)(uint32_t)value) {
        return bad_cell(sheet, column, text, "a whole number");
    }
    if (column->cell == CELL_COUNT) {
        *(unsigned *)at = (unsigned)value;
    } else {
        *(int *)at = (int)value;
    }
    return TS_OK;
}

static enum ts_status store(const struct sheet *sheet, const struct column *column, void *row)
{
    const char *text = field(sheet, column->name);
    if (!text || (column->required && !text[0])) {
        return bad_cell(sheet, column, text, "a value");
    }
    void *at = (char *)row + column->offset;
    switch (column->cell) {
    case CELL_TEXT: {
        char *copy = ts_arena_strdup(sheet->arena, text);
        *(const char **)at = copy;
        return copy ? TS_OK : TS_ENOMEM;
    }
    case CELL_FLAG:
        *(bool *)at = ts_str_equal(text, "yes");
        return *(bool *)at || ts_str_equal(text, "no") ? TS_OK : bad_cell(sheet, column, text, "yes or no");
    case CELL_NUMBER:
    case CELL_COUNT:
    case CELL_YEAR:
        return store_number(sheet, column, text, at);
    }
    return TS_OK;
}

/* What one column alone does not say. */
static enum ts_status finish_hardware(const struct sheet *sheet, void *row)
{
    struct ts_hardware *hardware = row;
    hardware->confidence = ts_arena_printf(
        sheet->arena, "compute %s, memory %s, power %s, idle %s, price %s", field(sheet, "conf_compute"),
        field(sheet, "conf_memory"), field(sheet, "conf_power"), field(sheet, "conf_idle"), field(sheet, "conf_price"));
    return hardware->confidence ? TS_OK : TS_ENOMEM;
}

static enum ts_status finish_price(const struct sheet *sheet, void *row)
{
    struct ts_price *price = row;
    price->name = ts_arena_printf(sheet->arena, "%s/%s", field(sheet, "provider"), price->name);
    return price->name ? TS_OK : TS_ENOMEM;
}

static enum ts_status finish_speed(const struct sheet *sheet, void *row)
{
    struct ts_speed *speed = row;
    speed->name = ts_arena_printf(sheet->arena, "%s/%s", field(sheet, "provider"), speed->name);
    return speed->name ? TS_OK : TS_ENOMEM;
}

struct kind {
    const char *name; /* "hardware" */
    const char *file;
    const struct column *columns;
    size_t row_size;
    enum ts_status (*finish)(const struct sheet *sheet, void *row); /* what one column alone does not say, or NULL */
    const char *extra_columns[8];                                   /* those that `finish` reads */
    size_t rows_at, n_at;                                           /* in struct ts_catalog */
    size_t alias_at;                                                /* a second name in the row, 0: none */
    bool later;                                                     /* read on demand only: ts_catalog_load_published */
};

#define CT(f) offsetof(struct ts_catalog, f)

#include "scenarios/catalog/catalog_kinds.inc"

enum { N_KINDS = sizeof kinds / sizeof kinds[0], MIN_PART = 3 };

static enum ts_status check_columns(const struct kind *kind, const struct sheet *sheet)
{
    for (const struct column *c = kind->columns; c->name; c++) {
        if (ts_csv_column(sheet->csv, c->name) < 0) {
            return ts_fail(sheet->diags, TS_EINPUT, ts_span_file(kind->file), NULL, "there is no column '%s'", c->name);
        }
    }
    for (size_t i = 0; kind->extra_columns[i]; i++) {
        if (ts_csv_column(sheet->csv, kind->extra_columns[i]) < 0) {
            return ts_fail(sheet->diags, TS_EINPUT, ts_span_file(kind->file), NULL, "there is no column '%s'",
                           kind->extra_columns[i]);
        }
    }
    return TS_OK;
}

static enum ts_status read_rows(const struct kind *kind, struct sheet *sheet, char *rows, size_t *n)
{
    *n = 0;
    for (;;) {
        enum ts_status status = ts_csv_next(sheet->csv, &sheet->row, sheet->diags);
        if (status != TS_OK || !sheet->row) {
            return status;
        }
        if (*n == MAX_ROWS) {
            return ts_fail(sheet->diags, TS_EINPUT, ts_span_file(kind->file), NULL, "more than %d rows", MAX_ROWS);
        }
        void *row = rows + *n * kind->row_size;
        for (const struct column *c = kind->columns; c->name; c++) {
            status = store(sheet, c, row);
            if (status != TS_OK) {
                return status;
            }
        }
        status = kind->finish ? kind->finish(sheet, row) : TS_OK;
        if (status != TS_OK) {
            return status;
        }
        (*n)++;
    }
}

static size_t count_lines(const struct ts_embedded_file *file)
{
    size_t n = 1;
    for (size_t i = 0; i < file->len; i++) {
        n += file->data[i] == '\n';
    }
    return n < MAX_ROWS ? n : MAX_ROWS;
}

static enum ts_status load_kind(struct ts_catalog *catalog, const struct kind *kind,
                                const struct ts_embedded_file *file, struct ts_arena *arena, struct ts_diags *diags)
{
    struct sheet sheet = {NULL, NULL, arena, diags};
    enum ts_status status = ts_csv_open_text(&sheet.csv, kind->file, file->data, file->len, true, diags);
    if (status != TS_OK) {
        return status;
    }
    size_t n = 0;
    char *rows = ts_arena_array(arena, count_lines(file), kind->row_size);
    status = rows ? check_columns(kind, &sheet) : TS_ENOMEM;
    if (status == TS_OK) {
        status = read_rows(kind, &sheet, rows, &n);
    }
    ts_csv_close(sheet.csv);
    if (status == TS_OK) {
        memcpy((char *)catalog + kind->rows_at, &rows, sizeof rows);
        memcpy((char *)catalog + kind->n_at, &n, sizeof n);
    }
    return status;
}

static enum ts_status load(struct ts_catalog *out, bool later, struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_catalog catalog = *out;
    for (size_t i = 0; i < N_KINDS; i++) {
        if (kinds[i].later != later) {
            continue;
        }
        const struct ts_embedded_file *file = ts_embedded_catalog;
        while (file->name && !ts_str_equal(file->name, kinds[i].file)) {
            file++;
        }
        if (!file->name) {
            return ts_fail(diags, TS_EINPUT, ts_span_file(kinds[i].file), NULL, "this catalog is not built in");
        }
        enum ts_status status = load_kind(&catalog, &kinds[i], file, arena, diags);
        if (status != TS_OK) {
            return status;
        }
    }
    *out = catalog;
    return TS_OK;
}

enum ts_status ts_catalog_load(struct ts_catalog *out, struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_catalog catalog;
    memset(&catalog, 0, sizeof catalog);
    enum ts_status status = load(&catalog, false, arena, diags);
    if (status == TS_OK) {
        *out = catalog;
    }
    return status;
}

enum ts_status ts_catalog_load_published(struct ts_catalog *catalog, struct ts_arena *arena, struct ts_diags *diags)
{
    return load(catalog, true, arena, diags);
}

/* ---- look-up ---- */

static const struct kind *kind_of(const char *name)
{
    for (size_t i = 0; i < N_KINDS; i++) {
        if (ts_str_equal(kinds[i].name, name)) {
            return &kinds[i];
        }
    }
    return NULL;
}

static size_t kind_count(const struct ts_catalog *catalog, const struct kind *kind)
{
    size_t n = 0;
    memcpy(&n, (const char *)catalog + kind->n_at, sizeof n);
    return n;
}

static const void *kind_row(const struct ts_catalog *catalog, const struct kind *kind, size_t i)
{
    const char *rows = NULL;
    memcpy(&rows, (const char *)catalog + kind->rows_at, sizeof rows);
    return rows + i * kind->row_size;
}

/* The name is the first member of every row. */
static const char *row_text(const void *row, size_t offset)
{
    const char *text = NULL;
    memcpy(&text, (const char *)row + offset, sizeof text);
    return text;
}

static bool same_folded(const char *a, const char *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (tolower((unsigned char)a[i]) != tolower((unsigned char)b[i])) {
            return false;
        }
    }
    return true;
}

/* How well `name` fits `word`: 3 the whole, 2 the start, 1 a part, 0 not at all. What stands behind a slash counts as
 * whole, too. */
static int fit(const char *name, const char *word)
{
    size_t n = strlen(name);
    size_t w = strlen(word);
    if (w == 0 || w > n) {
        return 0;
    }
    const char *slash = strchr(name, '/');
    if ((n == w && same_folded(name, word, w)) ||
        (slash && strlen(slash + 1) == w && same_folded(slash + 1, word, w))) {
        return 3;
    }
    if (w < MIN_PART) {
        return 0;
    }
    if (same_folded(name, word, w)) {
        return 2;
    }
    for (size_t i = 1; i + w <= n; i++) {
        if (same_folded(name + i, word, w)) {
            return 1;
        }
    }
    return 0;
}

static int row_fit(const struct kind *kind, const void *row, const char *word)
{
    int best = fit(row_text(row, 0), word);
    if (kind->alias_at) {
        int other = fit(row_text(row, kind->alias_at), word);
        best = other > best ? other : best;
    }
    return best;
}

/* Rows of the best fit only: a whole name beats those that merely start with it. */
static size_t matches(const struct ts_catalog *catalog, const struct kind *kind, const char *word, const void **first,
                      const char **names, size_t cap)
{
    size_t n = 0;
    int best = 1;
    for (size_t i = 0; i < kind_count(catalog, kind); i++) {
        const void *row = kind_row(catalog, kind, i);
        int how = row_fit(kind, row, word);
        if (how < best) {
            continue;
        }
        if (how > best) {
            best = how;
            n = 0;
        }
        if (n == 0 && first) {
            *first = row;
        }
        if (n < cap) {
            names[n] = row_text(row, 0);
        }
        n++;
    }
    return n;
}

size_t ts_catalog_matches(const struct ts_catalog *catalog, const char *kind, const char *name, const char **names,
                          size_t cap)
{
    const struct kind *k = kind_of(kind);
    return k ? matches(catalog, k, name, NULL, names, cap) : 0;
}

static const void *find(const struct ts_catalog *catalog, const char *kind, const char *name)
{
    const void *row = NULL;
    return name && matches(catalog, kind_of(kind), name, &row, NULL, 0) == 1 ? row : NULL;
}

const struct ts_hardware *ts_catalog_hardware(const struct ts_catalog *catalog, const char *name)
{
    return find(catalog, "hardware", name);
}

const struct ts_llm *ts_catalog_llm(const struct ts_catalog *catalog, const char *name)
{
    return find(catalog, "model", name);
}

const struct ts_price *ts_catalog_price(const struct ts_catalog *catalog, const char *name)
{
    return find(catalog, "price", name);
}

const struct ts_device_rate *ts_catalog_device_rate(const struct ts_catalog *catalog, const char *hardware,
                                                    const char *model, const struct ts_weight_quant *quant,
                                                    const char *runtime)
{
    const double widest_of_4 = 5.5; /* scales included */
    for (size_t i = 0; i < catalog->n_device_rates; i++) {
        const struct ts_device_rate *row = &catalog->device_rates[i];
        const bool fits = row->quant[0] ? ts_str_equal(row->quant, quant->name) : quant->bits_per_weight <= widest_of_4;
        if (fits && ts_str_equal(row->hardware, hardware) && ts_str_equal(row->model, model) &&
            (!runtime || ts_str_has_prefix(row->runtime, runtime))) {
            return row;
        }
    }
    return NULL;
}

const struct ts_speed *ts_catalog_speed(const struct ts_catalog *catalog, const char *offer)
{
    for (size_t i = 0; offer && i < catalog->n_speeds; i++) {
        if (ts_str_equal(catalog->speeds[i].name, offer)) {
            return &catalog->speeds[i];
        }
    }
    return NULL;
}

/* "OpenAI/gpt-200k+" stands for longer prompts of "OpenAI/gpt". */
const struct ts_price *ts_catalog_long_price(uint32_t *over_tok, const struct ts_catalog *catalog, const char *offer)
{
    const size_t n = strlen(offer);
    for (size_t i = 0; i < catalog->n_prices; i++) {
        const char *name = catalog->prices[i].name;
        const size_t len = strlen(name);
        uint64_t ktok = 0;
        if (len > n + 3 && strncmp(name, offer, n) == 0 && name[n] == '-' && ts_str_equal(name + len - 2, "k+") &&
            ts_parse_u64(&ktok, name + n + 1, len - n - 3) && ktok < 1000000) {
            *over_tok = (uint32_t)ktok * 1000;
            return &catalog->prices[i];
        }
    }
    return NULL;
}

const struct ts_region *ts_catalog_region(const struct ts_catalog *catalog, const char *name)
{
    return find(catalog, "region", name);
}

const struct ts_server_row *ts_catalog_server(const struct ts_catalog *catalog, const char *name)
{
    return find(catalog, "server", name);
}

static int by_number(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double ts_catalog_rental(unsigned *n, const struct ts_catalog *catalog, const char *hardware, enum ts_rental_kind kind)
{
    double prices[MAX_ROWS];
    *n = 0;
    for (size_t i = 0; i < catalog->n_rentals && *n < MAX_ROWS; i++) {
        const struct ts_rental *row = &catalog->rentals[i];
        const double usd = kind == TS_RENTAL_SPOT       ? row->spot_usd_per_h
                           : kind == TS_RENTAL_RESERVED ? row->reserved_usd_per_h
                                                        : row->usd_per_h;
        if (usd > 0.0 && ts_str_equal(row->hardware, hardware)) {
            prices[(*n)++] = usd;
        }
    }
    qsort(prices, *n, sizeof *prices, by_number);
    return *n > 0 ? 0.5 * (prices[(*n - 1) / 2] + prices[*n / 2]) : 0.0;
}

const struct ts_weight_quant *ts_catalog_quant(const struct ts_catalog *catalog, const char *name)
{
    return find(catalog, "quant", name);
}

const struct ts_score *ts_catalog_score(const struct ts_catalog *catalog, const char *name)
{
    for (size_t i = 0; name && i < catalog->n_scores; i++) {
        if (ts_str_equal(catalog->scores[i].name, name)) {
            return &catalog->scores[i];
        }
    }
    return NULL;
}

const struct ts_chip *ts_catalog_chip(const struct ts_catalog *catalog, const char *name)
{
    for (size_t i = 0; name && i < catalog->n_chips; i++) {
        if (ts_str_equal(catalog->chips[i].name, name)) {
            return &catalog->chips[i];
        }
    }
    return NULL;
}

const char *ts_catalog_suggest(const struct ts_catalog *catalog, const char *kind, const char *name)
{
    const struct kind *k = kind_of(kind);
    if (!k || !name) {
        return NULL;
    }
    const char *names[MAX_ROWS];
    size_t n = kind_count(catalog, k);
    for (size_t i = 0; i < n; i++) {
        names[i] = row_text(kind_row(catalog, k, i), 0);
    }
    return ts_suggest(name, names, n);
}
