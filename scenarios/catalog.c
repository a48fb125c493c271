/* Hides the shape of the catalogs' CSV files: one table of columns per file says which column goes into which field, in
 * which unit. */
#include "scenarios/catalog.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>

#include "base/csv.h"
#include "base/embed.h"

extern const struct ts_embedded_file ts_embedded_catalog[];

enum cell { CELL_TEXT, CELL_NUMBER, CELL_COUNT, CELL_YEAR, CELL_FLAG };

struct column {
    const char *name;
    enum cell cell;
    size_t offset;
    double scale;  /* NUMBER: what one of the file's units is in ours */
    bool required; /* an empty cell is an error; otherwise it is 0 or "" */
};

#define HW(f) offsetof(struct ts_hardware, f)
#define LM(f) offsetof(struct ts_llm, f)
#define PR(f) offsetof(struct ts_price, f)
#define RG(f) offsetof(struct ts_region, f)
#define QT(f) offsetof(struct ts_quant, f)

static const struct column hardware_columns[] = {
    {"name", CELL_TEXT, HW(name), 0, true},
    {"class", CELL_TEXT, HW(class_name), 0, true},
    {"peak_fp16_dense_tflops", CELL_NUMBER, HW(fp16_tflops), 1, false},
    {"peak_int8_dense_tops", CELL_NUMBER, HW(int8_tops), 1, false},
    {"memory_gb", CELL_NUMBER, HW(memory_bytes), 1e9, true},
    {"mem_bw_gb_s", CELL_NUMBER, HW(bytes_per_s), 1e9, true},
    {"tdp_w", CELL_NUMBER, HW(tdp_w), 1, true},
    {"idle_w", CELL_NUMBER, HW(idle_w), 1, false},
    {"list_price_usd", CELL_NUMBER, HW(list_price_usd), 1, true},
    {"includes_host", CELL_FLAG, HW(includes_host), 0, true},
    {"year", CELL_YEAR, HW(year), 0, true},
    {"source", CELL_TEXT, HW(source), 0, true},
    {"notes", CELL_TEXT, HW(notes), 0, false},
    {NULL, CELL_TEXT, 0, 0, false},
};

static const struct column llm_columns[] = {
    {"name", CELL_TEXT, LM(name), 0, true},
    {"type", CELL_TEXT, LM(type), 0, true},
    {"params_total_b_published", CELL_NUMBER, LM(params), 1e9, true},
    {"params_active_b_published", CELL_NUMBER, LM(params_active), 1e9, true},
    {"layers", CELL_COUNT, LM(layers), 0, true},
    {"hidden", CELL_COUNT, LM(hidden), 0, true},
    {"ffn", CELL_COUNT, LM(ffn), 0, true},
    {"heads", CELL_COUNT, LM(heads), 0, true},
    {"kv_heads", CELL_COUNT, LM(kv_heads), 0, true},
    {"head_dim", CELL_COUNT, LM(head_dim), 0, true},
    {"vocab", CELL_COUNT, LM(vocab), 0, true},
    {"context", CELL_COUNT, LM(context), 0, true},
    {"n_experts", CELL_COUNT, LM(n_experts), 0, false},
    {"top_k", CELL_COUNT, LM(top_k), 0, false},
    {"moe_ffn", CELL_COUNT, LM(moe_ffn), 0, false},
    {"shared_experts", CELL_COUNT, LM(shared_experts), 0, false},
    {"sliding_window", CELL_COUNT, LM(sliding_window), 0, false},
    {"kv_bytes_per_token_bf16", CELL_NUMBER, LM(kv_bytes_per_tok), 1, true},
    {"kv_bytes_per_token_bf16_beyond_window", CELL_NUMBER, LM(kv_bytes_per_tok_beyond_window), 1, true},
    {"gflop_per_decode_token_ex_attention", CELL_NUMBER, LM(flop_per_tok), 1e9, true},
    {"source", CELL_TEXT, LM(source), 0, true},
    {NULL, CELL_TEXT, 0, 0, false},
};

static const struct column price_columns[] = {
    {"model", CELL_TEXT, PR(name), 0, true},
    {"input_usd_per_mtok", CELL_NUMBER, PR(input_usd_per_mtok), 1, true},
    {"cached_input_usd_per_mtok", CELL_NUMBER, PR(cached_input_usd_per_mtok), 1, false},
    {"output_usd_per_mtok", CELL_NUMBER, PR(output_usd_per_mtok), 1, true},
    {"date", CELL_TEXT, PR(date), 0, false},
    {"source", CELL_TEXT, PR(source), 0, true},
    {NULL, CELL_TEXT, 0, 0, false},
};

static const struct column region_columns[] = {
    {"region", CELL_TEXT, RG(name), 0, true},
    {"country", CELL_TEXT, RG(country), 0, true},
    {"electricity_usd_per_kwh", CELL_NUMBER, RG(electricity_usd_per_kwh), 1, true},
    {"carbon_g_per_kwh_national", CELL_NUMBER, RG(carbon_g_per_kwh), 1, false},
    {"default_pue_estimate", CELL_NUMBER, RG(pue), 1, true},
    {"saidi_hours_per_year", CELL_NUMBER, RG(outage_h_per_year), 1, false},
    {"price_source", CELL_TEXT, RG(source), 0, true},
    {NULL, CELL_TEXT, 0, 0, false},
};

static const struct column quant_columns[] = {
    {"name", CELL_TEXT, QT(name), 0, true},
    {"bits_per_weight", CELL_NUMBER, QT(bits_per_weight), 1, true},
    {"int8_compute", CELL_FLAG, QT(compute_int8), 0, true},
    {"source", CELL_TEXT, QT(source), 0, true},
    {NULL, CELL_TEXT, 0, 0, false},
};

enum { MAX_ROWS = 1024 };

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

struct kind {
    const char *name; /* "hardware" */
    const char *file;
    const struct column *columns;
    size_t row_size;
    enum ts_status (*finish)(const struct sheet *sheet, void *row); /* what one column alone does not say, or NULL */
    const char *extra_columns[8];                                   /* those that `finish` reads */
    size_t rows_at, n_at;                                           /* in struct ts_catalog */
    size_t alias_at;                                                /* a second name in the row, 0: none */
};

#define CT(f) offsetof(struct ts_catalog, f)

static const struct kind kinds[] = {
    {"hardware",
     "hardware.csv",
     hardware_columns,
     sizeof(struct ts_hardware),
     finish_hardware,
     {"conf_compute", "conf_memory", "conf_power", "conf_idle", "conf_price"},
     CT(hardware),
     CT(n_hardware),
     0},
    {"model", "models.csv", llm_columns, sizeof(struct ts_llm), NULL, {NULL}, CT(llms), CT(n_llms), 0},
    {"price",
     "prices.csv",
     price_columns,
     sizeof(struct ts_price),
     finish_price,
     {"provider"},
     CT(prices),
     CT(n_prices),
     0},
    {"region",
     "regions.csv",
     region_columns,
     sizeof(struct ts_region),
     NULL,
     {NULL},
     CT(regions),
     CT(n_regions),
     RG(country)},
    {"quant", "quants.csv", quant_columns, sizeof(struct ts_quant), NULL, {NULL}, CT(quants), CT(n_quants), 0},
};

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

enum ts_status ts_catalog_load(struct ts_catalog *out, struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_catalog catalog;
    memset(&catalog, 0, sizeof catalog);
    for (size_t i = 0; i < N_KINDS; i++) {
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

const struct ts_region *ts_catalog_region(const struct ts_catalog *catalog, const char *name)
{
    return find(catalog, "region", name);
}

const struct ts_quant *ts_catalog_quant(const struct ts_catalog *catalog, const char *name)
{
    return find(catalog, "quant", name);
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
