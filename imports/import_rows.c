/* Hides how rows are found in a file of JSON as it is left behind: one after the other, in an array or a line each;
 * with lines of a log before, between and after them, and the prefix of a log before each; cut short where the program
 * died or the disk was full. A row is an object from its brace to the one that closes it, outside of strings. What is
 * in it may be JSON as Python writes it (base/json.h: NaN, Infinity). Worked: 'loading\n[{"a": 1}, {"a": 2}, {"a"' has
 * two rows, a line that is passed over and a warning that the file is cut short. */
#include <string.h>

#include "imports/import_parts.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next byte after pos that is not blank; NUL at the end. */
static char peek(const struct ts_import_rows *rows, size_t pos)
{
    do {
        pos++;
    } while (pos < rows->importer->len && is_blank(rows->importer->data[pos]));
    return pos < rows->importer->len ? rows->importer->data[pos] : '\0';
}

static bool begins_object(const struct ts_import_rows *rows, size_t pos)
{
    const char next = rows->importer->data[pos] == '{' ? peek(rows, pos) : 'x';
    return next == '"' || next == '}' || next == '\0';
}

static bool begins_array(const struct ts_import_rows *rows, size_t pos)
{
    const char next = rows->importer->data[pos] == '[' ? peek(rows, pos) : 'x';
    return next == '{' || next == '[' || next == ']' || next == '\0';
}

/* Text that is no JSON: to the end of its line, or to a row that a log has put its prefix before. */
static void pass_over(struct ts_import_rows *rows)
{
    if (rows->line != rows->passed_line) {
        rows->n_passed++;
        rows->first_passed = rows->n_passed == 1 ? rows->line : rows->first_passed;
        rows->passed_line = rows->line;
    }
    do {
        rows->pos++;
    } while (rows->pos < rows->importer->len && rows->importer->data[rows->pos] != '\n' &&
             !(rows->importer->data[rows->pos] == '{' && peek(rows, rows->pos) == '"'));
}

/* To the next row, or to the end. */
static void go_to_row(struct ts_import_rows *rows)
{
    while (rows->pos < rows->importer->len) {
        const char c = rows->importer->data[rows->pos];
        if (is_blank(c) || c == ',') {
            rows->line += c == '\n';
            rows->pos++;
        } else if (begins_object(rows, rows->pos)) {
            return;
        } else if (begins_array(rows, rows->pos)) {
            rows->n_open++;
            rows->pos++;
        } else if (c == ']' && rows->n_open > 0) {
            rows->n_open--;
            rows->pos++;
        } else {
            pass_over(rows);
        }
    }
}

/* After the row that begins at pos. 0: the file ends within it; or the row does, since no string goes over a line. */
static size_t end_of_row(const struct ts_import_rows *rows, bool *at_end)
{
    const char *data = rows->importer->data;
    size_t depth = 0;
    bool in_string = false;
    *at_end = false;
    for (size_t i = rows->pos; i < rows->importer->len; i++) {
        const char c = data[i];
        if (in_string) {
            in_string = c != '"';
            i += c == '\\';
            if (c == '\n') {
                return 0;
            }
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            depth++;
        } else if (c == '}' || c == ']') {
            depth--;
            if (depth == 0) {
                return i + 1;
            }
        }
    }
    *at_end = true;
    return 0;
}

static enum ts_status tell(const struct ts_import_rows *rows)
{
    struct ts_diags *diags = rows->quiet ? NULL : rows->importer->diags;
    const struct ts_span end = {.file = rows->importer->path, .line = rows->line};
    const struct ts_span passed = {.file = rows->importer->path, .line = rows->first_passed};
    if (rows->is_cut || rows->n_open > 0) {
        if (rows->n_rows > 0) {
            ts_diags_add(diags, TS_WARNING, end, NULL,
                         "the file is cut short: the %llu whole rows before that are used",
                         (unsigned long long)rows->n_rows);
        } else {
            ts_diags_add(diags, TS_WARNING, end,
                         "missing requests may have been served together with those that are here",
                         "the file is cut short: what is whole before that is used");
        }
    }
    if (rows->n_passed > 0) {
        ts_diags_add(diags, TS_WARNING, passed, NULL, "%llu lines are not JSON and are skipped",
                     (unsigned long long)rows->n_passed);
    }
    return TS_OK;
}

/* What a strict reader says of the row, with its place. */
static enum ts_status fail_row(const struct ts_import_rows *rows)
{
    struct ts_importer *importer = rows->importer;
    struct ts_json_stream stream;
    struct ts_json_doc doc;
    uint32_t line = 0;
    ts_json_stream_init(&stream, importer->path, importer->data, importer->len);
    stream.pos = rows->pos;
    stream.line = rows->line;
    const enum ts_status status = ts_json_next(&doc, &line, &stream, importer->diags);
    if (status == TS_OK && line > 0) { /* more than a row is wrong with it */
        const struct ts_span at = {.file = importer->path, .line = rows->line};
        ts_json_deinit(&doc);
        return ts_fail(importer->diags, TS_EINPUT, at, NULL, "not valid JSON");
    }
    return status == TS_OK ? TS_EINPUT : status;
}

/* The only document of a file that ends within it, cut back. TS_EINPUT if it holds no lists of requests. */
static enum ts_status take_cut(struct ts_json_doc *out, uint32_t *line, struct ts_import_rows *rows)
{
    struct ts_importer *importer = rows->importer;
    enum ts_status status = TS_EINPUT;
    struct ts_text text;
    ts_text_init(&text);
    if ((ts_import_head_has(importer, "\"input_lens\"") || ts_import_head_has(importer, "\"benchmarks\"")) &&
        ts_import_cut_back(&text, importer->data + rows->pos, importer->len - rows->pos)) {
        status = text.failed ? TS_ENOMEM : ts_json_parse_lenient(out, importer->path, text.data, text.len);
    }
    ts_text_deinit(&text);
    if (status == TS_OK) {
        *line = rows->line;
        rows->pos = importer->len;
        rows->is_cut = true;
        return TS_OK;
    }
    return status == TS_EINPUT ? fail_row(rows)
                               : ts_fail(importer->diags, status, ts_span_file(importer->path), NULL, "out of memory");
}

void ts_import_rows_init(struct ts_import_rows *rows, struct ts_importer *importer)
{
    const bool marked = importer->len >= 3 && memcmp(importer->data, "\xef\xbb\xbf", 3) == 0;
    *rows = (struct ts_import_rows){.importer = importer, .pos = marked ? 3 : 0, .line = 1};
}

enum ts_status ts_import_rows_next(struct ts_json_doc *out, uint32_t *line, struct ts_import_rows *rows)
{
    struct ts_importer *importer = rows->importer;
    bool at_end = false;
    size_t end = 0;
    *line = 0;
    for (go_to_row(rows); rows->pos < importer->len; go_to_row(rows)) {
        end = end_of_row(rows, &at_end);
        if (end > 0) {
            break;
        }
        if (rows->n_rows == 0) {
            return at_end ? take_cut(out, line, rows) : fail_row(rows);
        }
        rows->is_cut = rows->is_cut || at_end;
        if (at_end) {
            rows->pos = importer->len;
        } else {
            pass_over(rows);
        }
    }
    if (rows->pos >= importer->len) {
        return tell(rows);
    }
    const enum ts_status status =
        ts_json_parse_lenient(out, importer->path, importer->data + rows->pos, end - rows->pos);
    if (status == TS_EINPUT) {
        return fail_row(rows);
    }
    if (status != TS_OK) {
        return ts_fail(importer->diags, status, ts_span_file(importer->path), NULL, "out of memory");
    }
    *line = rows->line;
    rows->n_rows++;
    for (; rows->pos < end; rows->pos++) {
        rows->line += importer->data[rows->pos] == '\n';
    }
    return TS_OK;
}
