/* Hides the files of llama-bench (JSON, JSON Lines, CSV, Markdown) and llama-batched-bench (JSON Lines). A test of n
 * prompt tokens is ceil(n/ubatch) steps, one of g generated tokens is g steps: the point is the mean of these steps, so
 *
 *   pp: n/k tokens and n (d + (n+1)/2)/k query-key pairs, with k = ceil(n/ubatch) and d cached tokens
 *   tg: one token, and d + (g+1)/2 cached ones read
 *
 * Worked: tg128 at 20 tok/s, depth 0, is a step of 50 ms that reads 64.5 cached tokens. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "imports/import_parts.h"
#include "measure/spread.h"

#define MAX_TOK 1e8
#define MAX_NS 1e16
#define DEFAULT_UBATCH 512.0

enum { MAX_SAMPLES = 1024, MAX_CELLS = 32 };

static const char not_numbers[] = "n_prompt, n_gen, n_depth or the time is missing, no number, or out of range";
static const char both[] = "prompt and generated tokens in one time (pg): they cannot be told apart";
static const char neither[] = "neither prompt nor generated tokens";
static const char other_setting[] = "another model, machine or setting than the first row's: import it on its own";

/* A row of whatever kind of file. */
struct row {
    const struct ts_json *json; /* or else: */
    const struct ts_csv_reader *csv;
    const struct ts_csv_row *fields;
};

static const char *row_text(const struct row *row, const char *key)
{
    if (row->json) {
        return ts_json_string(ts_json_get(row->json, key));
    }
    int column = ts_csv_column(row->csv, key);
    return column >= 0 ? row->fields->fields[column].data : NULL;
}

static bool row_number(const struct row *row, const char *key, double min, double max, double *out)
{
    double value = 0.0;
    if (row->json) {
        return ts_import_number(row->json, key, min, max, out);
    }
    const char *text = row_text(row, key);
    if (!text || !ts_parse_double(&value, text, strlen(text)) || !(value >= min && value <= max)) {
        return false;
    }
    *out = value;
    return true;
}

static bool row_has(const struct row *row, const char *key)
{
    return row->json ? ts_json_get(row->json, key) != NULL : ts_csv_column(row->csv, key) >= 0;
}

/* A number that may be missing, but not wrong. */
static bool optional_number(const struct row *row, const char *key, double min, double max, double if_missing,
                            double *out)
{
    *out = if_missing;
    return !row_has(row, key) || row_number(row, key, min, max, out);
}

/* ---- what was measured ---- */

/* How llama.cpp's files call a format, at the end of model_type, and how the catalog does. */
static const struct {
    const char *tail, *name;
} quants[] = {
    {"Q4_K - Medium", "Q4_K_M"},
    {"Q4_K - Small", "Q4_K"},
    {"Q5_K - Medium", "Q5_K"},
    {"Q5_K - Small", "Q5_K"},
    {"Q3_K - Large", "Q3_K"},
    {"Q3_K - Medium", "Q3_K"},
    {"Q3_K - Small", "Q3_K"},
    {"Q2_K - Medium", "Q2_K"},
    {"Q2_K", "Q2_K"},
    {"Q4_K", "Q4_K"},
    {"Q5_K", "Q5_K"},
    {"Q6_K", "Q6_K"},
    {"Q8_0", "Q8_0"},
    {"Q4_0", "Q4_0"},
    {"BF16", "BF16"},
    {"F16", "FP16"},
    {"F32", "FP32"},
    {"MXFP4 MoE", "MXFP4"},
};

static const char *quant_of(const char *model_type)
{
    for (size_t i = 0; model_type && i < sizeof quants / sizeof quants[0]; i++) {
        if (ts_str_has_suffix(model_type, quants[i].tail)) {
            return quants[i].name;
        }
    }
    return "";
}

/* Everything that makes another row's times incomparable. */
static void put_setting(struct ts_text *out, const struct row *row)
{
    static const char *const keys[] = {"model_type", "model_filename", "model_size", "cpu_info",
                                       "gpu_info",   "backends",       "n_threads",  "n_gpu_layers",
                                       "type_k",     "type_v",         "split_mode", "flash_attn"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        double number = 0.0;
        const char *text = row_text(row, keys[i]);
        if (text) {
            ts_text_puts(out, text);
        } else if (row_number(row, keys[i], -1e18, 1e18, &number)) {
            ts_text_double(out, number);
        }
        ts_text_puts(out, "|");
    }
}

static void take_names(struct ts_importer *importer, const struct row *row)
{
    const char *type = row_text(row, "model_type"), *file = row_text(row, "model_filename");
    const char *gpu = row_text(row, "gpu_info"), *cpu = row_text(row, "cpu_info"),
               *build = row_text(row, "build_commit");
    double layers = -1.0, threads = 0.0, size = 0.0;
    (void)row_number(row, "n_gpu_layers", -1.0, 1e6, &layers);
    (void)row_number(row, "n_threads", 1.0, 65536.0, &threads);
    (void)row_number(row, "model_size", 0.0, 1e16, &size);
    importer->info->model = ts_import_keep(importer, file && *file ? ts_path_base(file) : type);
    importer->info->hardware = ts_import_keep(importer, gpu && *gpu && layers != 0.0 ? gpu : cpu);
    importer->info->program = ts_import_keep(importer, build && ts_str_has_prefix(build, "tiersim") ? build : NULL);
    if (build && !*importer->info->program) {
        char *program = ts_arena_printf(importer->arena, "llama.cpp %s", build);
        importer->info->program = program ? program : "";
    }
    importer->quant = quant_of(type);
    importer->n_threads = (uint32_t)threads;
    importer->weight_bytes = (uint64_t)size;
}

/* ---- points ---- */

static enum ts_status add_prompt(struct ts_importer *importer, double n, double depth, double ubatch, double n_seqs,
                                 double seconds, uint32_t n_samples)
{
    double steps = ceil(n * n_seqs / ubatch);
    struct ts_import_point point = {.seconds = seconds / steps, .n_samples = n_samples};
    point.load.prefill_tok = point.load.tokens = n * n_seqs / steps;
    point.load.seqs = fmax(1.0, n_seqs / steps);
    point.load.pairs = n_seqs * n * (depth + (n + 1.0) / 2.0) / steps;
    return ts_import_add_point(importer, point);
}

static enum ts_status add_decode(struct ts_importer *importer, double n_gen, double depth, double n_seqs,
                                 double seconds, uint32_t n_samples)
{
    struct ts_import_point point = {.seconds = seconds / n_gen, .n_samples = n_samples};
    point.load.seqs = point.load.tokens = n_seqs;
    point.load.kv_tok = n_seqs * (depth + (n_gen + 1.0) / 2.0);
    return ts_import_add_point(importer, point);
}

/* Seconds of a test: the median of its samples, or the mean where they are not given. */
static bool test_seconds(const struct row *row, double *seconds, uint32_t *n_samples)
{
    double samples[MAX_SAMPLES];
    const struct ts_json *list = row->json ? ts_json_get(row->json, "samples_ns") : NULL;
    size_t n = ts_json_length(list) < MAX_SAMPLES ? ts_json_length(list) : MAX_SAMPLES;
    *n_samples = 1;
    if (n == 0) {
        bool found = row_number(row, "avg_ns", 1.0, MAX_NS, seconds);
        *seconds *= 1e-9;
        return found;
    }
    for (size_t i = 0; i < n; i++) {
        if (!ts_json_double(ts_json_at(list, i), &samples[i]) || !(samples[i] >= 1.0 && samples[i] <= MAX_NS)) {
            return false;
        }
    }
    *seconds = 1e-9 * ts_spread_of(samples, n).median;
    *n_samples = (uint32_t)n;
    return true;
}

/* False if the row is of another setting than the first; the first one's names are taken. */
static bool same_setting(struct ts_importer *importer, const char **first, const struct row *row)
{
    struct ts_text setting;
    ts_text_init(&setting);
    put_setting(&setting, row);
    if (!*first) {
        *first = ts_import_keep(importer, setting.data);
        take_names(importer, row);
    }
    bool same = ts_str_equal(*first, setting.data);
    importer->arena->failed = importer->arena->failed || setting.failed;
    ts_text_deinit(&setting);
    return same;
}

static enum ts_status add_test(struct ts_importer *importer, const char **first, const struct row *row, uint64_t line)
{
    double n_prompt = 0.0, n_gen = 0.0, depth = 0.0, ubatch = 0.0, n_seqs = 0.0, seconds = 0.0;
    uint32_t n_samples = 0;
    importer->info->n_rows++;
    if (!row_number(row, "n_prompt", 0.0, MAX_TOK, &n_prompt) || !row_number(row, "n_gen", 0.0, MAX_TOK, &n_gen) ||
        !optional_number(row, "n_depth", 0.0, MAX_TOK, 0.0, &depth) ||
        !optional_number(row, "n_ubatch", 1.0, MAX_TOK, DEFAULT_UBATCH, &ubatch) ||
        !optional_number(row, "n_seqs", 1.0, 1e6, 1.0, &n_seqs) || !test_seconds(row, &seconds, &n_samples)) {
        ts_import_drop(importer, line, not_numbers);
        return TS_OK;
    }
    if ((n_prompt > 0.0) == (n_gen > 0.0)) {
        ts_import_drop(importer, line, n_gen > 0.0 ? both : neither);
        return TS_OK;
    }
    if (!same_setting(importer, first, row)) {
        ts_import_drop(importer, line, other_setting);
        return TS_OK;
    }
    importer->info->n_used++;
    return n_prompt > 0.0 ? add_prompt(importer, n_prompt, depth, ubatch, n_seqs, seconds, n_samples)
                          : add_decode(importer, n_gen, depth, n_seqs, seconds, n_samples);
}

/* llama-batched-bench: pl sequences of pp prompt and tg generated tokens. */
static enum ts_status add_batched(struct ts_importer *importer, const char **first, const struct row *row,
                                  uint64_t line)
{
    double pp = 0.0, tg = 0.0, pl = 0.0, t_pp = 0.0, t_tg = 0.0, ubatch = 0.0, shared = 0.0;
    importer->info->n_rows++;
    if (!row_number(row, "pp", 1.0, MAX_TOK, &pp) || !row_number(row, "tg", 1.0, MAX_TOK, &tg) ||
        !row_number(row, "pl", 1.0, 1e6, &pl) || !row_number(row, "t_pp", 1e-9, 1e7, &t_pp) ||
        !row_number(row, "t_tg", 1e-9, 1e7, &t_tg) || !optional_number(row, "is_pp_shared", 0.0, 1.0, 0.0, &shared) ||
        !optional_number(row, "n_ubatch", 1.0, MAX_TOK, DEFAULT_UBATCH, &ubatch)) {
        ts_import_drop(importer, line, "pp, tg, pl, t_pp or t_tg is missing, no number, or out of range");
        return TS_OK;
    }
    if (!same_setting(importer, first, row)) {
        ts_import_drop(importer, line, other_setting);
        return TS_OK;
    }
    importer->info->n_used++;
    enum ts_status status = add_prompt(importer, pp, 0.0, ubatch, shared > 0.0 ? 1.0 : pl, t_pp, 1);
    return status == TS_OK ? add_decode(importer, tg, pp, pl, t_tg, 1) : status;
}

/* ---- files ---- */

static const char method[] = "each test is the mean of its steps: ceil(n_prompt/n_ubatch) of them, or n_gen";

static void describe(struct ts_importer *importer)
{
    importer->kernel = "llama.cpp";
    importer->info->method = method;
}

enum ts_status ts_import_llama_json(struct ts_importer *importer)
{
    struct ts_import_rows rows;
    struct ts_json_doc doc;
    const char *first = NULL;
    uint32_t line = 0;
    describe(importer);
    ts_import_rows_init(&rows, importer);
    enum ts_status status = ts_import_rows_next(&doc, &line, &rows);
    while (status == TS_OK && line > 0) {
        struct row row = {.json = ts_json_root(&doc)};
        bool batched = ts_json_get(row.json, "speed_tg") != NULL;
        status = batched ? add_batched(importer, &first, &row, line) : add_test(importer, &first, &row, line);
        ts_json_deinit(&doc);
        if (status == TS_OK) {
            status = ts_import_rows_next(&doc, &line, &rows);
        }
    }
    return status;
}

/* After the last whole row: a quotation mark that is not closed in the last line is that of a file cut short. */
static size_t end_of_rows(struct ts_importer *importer)
{
    size_t n_quotes = 0, begin = importer->len;
    while (begin > 0 && importer->data[begin - 1] != '\n') {
        begin--;
        n_quotes += importer->data[begin] == '"';
    }
    if (begin == 0 || n_quotes % 2 == 0) {
        return importer->len;
    }
    ts_diags_add(importer->diags, TS_WARNING, ts_span_file(importer->path), NULL,
                 "the file is cut short: the whole rows before its last line are used");
    return begin;
}

enum ts_status ts_import_llama_csv(struct ts_importer *importer)
{
    struct ts_csv_reader *reader = NULL;
    const struct ts_csv_row *fields = NULL;
    const char *first = NULL;
    describe(importer);
    uint32_t header_line = 1;
    const size_t begin = ts_import_csv_header(importer, &header_line);
    const size_t end = end_of_rows(importer);
    enum ts_status status =
        ts_csv_open_text(&reader, importer->path, importer->data + begin, end - begin, true, importer->diags);
    if (status != TS_OK) {
        return status;
    }
    ts_csv_allow_ragged(reader);
    while (status == TS_OK && (status = ts_csv_next(reader, &fields, importer->diags)) == TS_OK && fields) {
        struct row row = {.csv = reader, .fields = fields};
        if (fields->n_fields == ts_csv_header(reader)->n_fields) {
            status = add_test(importer, &first, &row, fields->line + header_line - 1);
        } else {
            importer->info->n_rows++;
            ts_import_drop(importer, fields->line + header_line - 1, "not as many fields as the header has");
        }
    }
    ts_csv_close(reader);
    return status;
}

/* ---- Markdown ---- */

struct cells {
    const char *text[MAX_CELLS];
    size_t len[MAX_CELLS];
    size_t n;
};

static void split_cells(struct cells *out, const char *line, size_t len)
{
    const char *end = line + len, *at = line;
    out->n = 0;
    while (at < end && *at == '|' && out->n < MAX_CELLS) {
        const char *start = at + 1, *bar = memchr(start, '|', (size_t)(end - start));
        if (!bar) {
            return;
        }
        at = bar;
        while (start < bar && *start == ' ') {
            start++;
        }
        while (bar > start && bar[-1] == ' ') {
            bar--;
        }
        out->text[out->n] = start;
        out->len[out->n++] = (size_t)(bar - start);
    }
}

static int find_cell(const struct cells *cells, const char *name)
{
    for (size_t i = 0; i < cells->n; i++) {
        if (cells->len[i] == strlen(name) && memcmp(cells->text[i], name, cells->len[i]) == 0) {
            return (int)i;
        }
    }
    return -1;
}

/* A number at *at, which goes after it. */
static bool take_number(const char **at, const char *end, double *out)
{
    size_t n = 0;
    while (*at < end && **at == ' ') {
        ++*at;
    }
    while (*at + n < end && strchr("0123456789.", (*at)[n]) && (*at)[n] != '\0') {
        n++;
    }
    bool found = n > 0 && ts_parse_double(out, *at, n);
    *at += n;
    return found;
}

struct table_test {
    double n_prompt, n_gen, depth, n_seqs;
};

/* "pp512", "tg 128 @ d512", and ours for several sequences: "8 x tg1 @ d512". */
static bool parse_test(struct table_test *out, const char *text, size_t len)
{
    const char *at = text, *end = text + len;
    *out = (struct table_test){.n_seqs = 1.0};
    if (len > 0 && *at >= '0' && *at <= '9') {
        if (!take_number(&at, end, &out->n_seqs) || end - at < 3 || memcmp(at, " x ", 3) != 0) {
            return false;
        }
        at += 3;
    }
    bool prompt = end - at > 2 && memcmp(at, "pp", 2) == 0;
    if (!prompt && !(end - at > 2 && memcmp(at, "tg", 2) == 0)) {
        return false;
    }
    at += 2;
    if (!take_number(&at, end, prompt ? &out->n_prompt : &out->n_gen)) {
        return false;
    }
    if (end - at > 4 && memcmp(at, " @ d", 4) == 0) {
        at += 4;
        return take_number(&at, end, &out->depth) && at == end;
    }
    return at == end;
}

static enum ts_status add_table_row(struct ts_importer *importer, const struct cells *cells, int test_at, int rate_at,
                                    uint64_t line)
{
    struct table_test test;
    double rate = 0.0;
    const char *number = cells->text[rate_at];
    if (!parse_test(&test, cells->text[test_at], cells->len[test_at])) {
        ts_import_drop(importer, line, "the test is neither pp nor tg");
        return TS_OK;
    }
    if (!take_number(&number, number + cells->len[rate_at], &rate) || !(rate > 0.0 && rate < 1e12) ||
        test.n_prompt + test.n_gen < 1.0 || test.n_prompt + test.n_gen + test.depth > MAX_TOK || test.n_seqs < 1.0 ||
        test.n_seqs > 1e6) {
        ts_import_drop(importer, line, not_numbers);
        return TS_OK;
    }
    importer->info->n_used++;
    double seconds = (test.n_prompt + test.n_gen) * test.n_seqs / rate;
    return test.n_prompt > 0.0
               ? add_prompt(importer, test.n_prompt, test.depth, DEFAULT_UBATCH, test.n_seqs, seconds, 1)
               : add_decode(importer, test.n_gen, test.depth, test.n_seqs, seconds, 1);
}

static void take_table_names(struct ts_importer *importer, const struct cells *cells, int model_at)
{
    char *model = model_at >= 0 ? ts_arena_strndup(importer->arena, cells->text[model_at], cells->len[model_at]) : NULL;
    importer->info->model = model ? model : "";
    importer->quant = quant_of(importer->info->model);
}

/* Settings are all columns but those of the test. */
static bool same_cells(const struct cells *a, const struct cells *b, int test_at, int rate_at)
{
    for (int i = 0; i < (int)a->n; i++) {
        bool varies = i == test_at || i == rate_at;
        if (!varies && (a->len[i] != b->len[i] || memcmp(a->text[i], b->text[i], a->len[i]) != 0)) {
            return false;
        }
    }
    return true;
}

enum ts_status ts_import_llama_table(struct ts_importer *importer)
{
    struct cells head = {.n = 0}, first = {.n = 0}, cells;
    int test_at = -1, rate_at = -1;
    uint64_t line = 0;
    enum ts_status status = TS_OK;
    describe(importer);
    for (const char *at = importer->data, *end = at + importer->len, *next; at < end && status == TS_OK; at = next) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        next = newline ? newline + 1 : end;
        line++;
        split_cells(&cells, at, (size_t)((newline ? newline : end) - at));
        if (head.n == 0 && find_cell(&cells, "test") >= 0 && find_cell(&cells, "t/s") >= 0) {
            head = cells;
            test_at = find_cell(&head, "test");
            rate_at = find_cell(&head, "t/s");
            continue;
        }
        if (head.n == 0 || cells.n != head.n || (cells.len[0] > 1 && memcmp(cells.text[0], "--", 2) == 0)) {
            continue; /* the rule below the head, or text around the table */
        }
        importer->info->n_rows++;
        if (first.n == 0) {
            first = cells;
            take_table_names(importer, &cells, find_cell(&head, "model"));
        }
        if (same_cells(&first, &cells, test_at, rate_at)) {
            status = add_table_row(importer, &cells, test_at, rate_at, line);
        } else {
            ts_import_drop(importer, line, other_setting);
        }
    }
    return status;
}
