/* Hides what kind of text a file is, by its beginning: a log may stand before what was measured. */
#include <string.h>

#include "imports/import_parts.h"

enum { HEAD_BYTES = 8192 };

/* Does a line begin like rows of JSON? "[2026-11-29 12:00] loading" does not. */
static bool begins_json(const char *line, const char *end)
{
    if (line == end || (*line != '{' && *line != '[')) {
        return false;
    }
    const char *next = line + 1;
    while (next < end && (*next == ' ' || *next == '\t' || *next == '\r')) {
        next++;
    }
    return next == end || *next == '"' || *next == '}' || *next == ']' ||
           (*line == '[' && (*next == '{' || *next == '['));
}

static bool has_word(const char *text, const char *end, const char *word)
{
    const size_t len = strlen(word);
    for (; (size_t)(end - text) >= len; text++) {
        if (memcmp(text, word, len) == 0) {
            return true;
        }
    }
    return false;
}

size_t ts_import_csv_header(const struct ts_importer *importer, uint32_t *line)
{
    const char *begin = importer->data, *end = begin + (importer->len < HEAD_BYTES ? importer->len : HEAD_BYTES);
    *line = 1;
    for (const char *at = begin, *next; at < end; at = next + 1, ++*line) {
        next = memchr(at, '\n', (size_t)(end - at));
        next = next ? next : end;
        if (has_word(at, next, "avg_ns") && has_word(at, next, "n_prompt")) {
            return (size_t)(at - begin);
        }
    }
    *line = 1;
    return 0;
}

/* By the first line that is of one of them: a log may stand before it. */
enum ts_import_content ts_import_content_of(const struct ts_importer *importer)
{
    const char *at = importer->data, *end = at + (importer->len < HEAD_BYTES ? importer->len : HEAD_BYTES);
    bool prefixed = false;
    at += importer->len >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    for (const char *next; at < end; at = next + 1) {
        next = memchr(at, '\n', (size_t)(end - at));
        next = next ? next : end;
        while (at < next && (*at == ' ' || *at == '\t')) {
            at++;
        }
        if (begins_json(at, next)) {
            return TS_IMPORT_JSON;
        }
        if (at < next && *at == '|') {
            return TS_IMPORT_TABLE;
        }
        if (has_word(at, next, "{\"")) {
            prefixed = true;
        } else if (has_word(at, next, "avg_ns") && has_word(at, next, "n_prompt")) {
            return TS_IMPORT_CSV;
        }
    }
    return prefixed ? TS_IMPORT_JSON : TS_IMPORT_CSV;
}

bool ts_import_head_has(const struct ts_importer *importer, const char *word)
{
    return has_word(importer->data, importer->data + (importer->len < HEAD_BYTES ? importer->len : HEAD_BYTES), word);
}

enum ts_status ts_import_check_encoding(const struct ts_importer *importer)
{
    const char *d = importer->data;
    const bool marked = importer->len >= 2 && (memcmp(d, "\xff\xfe", 2) == 0 || memcmp(d, "\xfe\xff", 2) == 0);
    const bool little = importer->len >= 4 && d[0] != '\0' && d[1] == '\0' && d[2] != '\0' && d[3] == '\0';
    const bool big = importer->len >= 4 && d[0] == '\0' && d[1] != '\0' && d[2] == '\0' && d[3] != '\0';
    if (!marked && !little && !big) {
        return TS_OK;
    }
    return ts_fail(importer->diags, TS_EINPUT, ts_span_file(importer->path),
                   marked   ? "convert it with: iconv -f UTF-16 -t UTF-8"
                   : little ? "convert it with: iconv -f UTF-16LE -t UTF-8"
                            : "convert it with: iconv -f UTF-16BE -t UTF-8",
                   "this is text in UTF-16, not in UTF-8");
}
