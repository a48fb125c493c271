/* Hides what the first bytes of a file tell: whether it is text, what else it is, and how it is laid out. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/gzip.h"
#include "traces/trace_format.h"

static enum ts_status check_regular(const char *path, struct ts_diags *diags)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        return ts_fail_errno(diags, path, "cannot open", errno);
    }
    if (S_ISDIR(info.st_mode)) {
        return ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "cannot read: it is a folder");
    }
    if (!S_ISREG(info.st_mode)) {
        return ts_fail(
            diags, TS_EIO, ts_span_file(path),
            "a trace is opened more than once: write it to a file first, or give - and the trace on standard "
            "input",
            "cannot read: it is not a regular file");
    }
    return TS_OK;
}

/* What to do about a file that is known by its first bytes. */
static const char *binary_hint(const struct ts_trace_head *head, const char *path)
{
    static const struct {
        const char *magic, *hint;
    } kinds[] = {
        {"PK\x03\x04",
         "it is a zip archive: unpack it first; if it is a spreadsheet (.xlsx, .ods), open it and save it "
         "as CSV"},
        {"\xd0\xcf\x11\xe0", "it is a spreadsheet or document of an old Office: open it and save it as CSV"},
        {"PAR1", "it is a Parquet file: convert it to CSV first"},
        {"SQLite format 3", "it is a SQLite database: export the table as CSV"},
        {"Obj\x01", "it is an Avro file: convert it to CSV or JSON Lines first"},
        {"%PDF", "it is a PDF: export the table in it as CSV"},
        {"\x28\xb5\x2f\xfd", "it is compressed with zstd: unpack it first (gzip is read as it is)"},
        {"BZh", "it is compressed with bzip2: unpack it first (gzip is read as it is)"},
        {"\xfd"
         "7zXZ",
         "it is compressed with xz: unpack it first (gzip is read as it is)"},
        {"\xff\xfe", "it is text in UTF-16; convert it with: iconv -f UTF-16 -t UTF-8"},
        {"\xfe\xff", "it is text in UTF-16; convert it with: iconv -f UTF-16 -t UTF-8"},
    };
    static const char sheet[] = "it is a spreadsheet: open it and save it as CSV";
    const size_t path_len = strlen(path);
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        const size_t len = strlen(kinds[i].magic);
        if (head->len >= len && memcmp(head->data, kinds[i].magic, len) == 0) {
            const bool is_sheet =
                i == 0 && path_len > 5 &&
                (ts_trace_name_is(path + path_len - 5, 5, ".xlsx") || ts_trace_name_is(path + path_len - 4, 4, ".ods"));
            return is_sheet ? sheet : kinds[i].hint;
        }
    }
    /* UTF-16 without its mark: every second byte of plain text is 0. */
    if (head->len >= 4 && ((head->data[0] && !head->data[1] && head->data[2] && !head->data[3]) ||
                           (!head->data[0] && head->data[1] && !head->data[2] && head->data[3]))) {
        return head->data[0] ? "it is text in UTF-16; convert it with: iconv -f UTF-16LE -t UTF-8"
                             : "it is text in UTF-16; convert it with: iconv -f UTF-16BE -t UTF-8";
    }
    return "a trace is a text file, plain or compressed with gzip";
}

static enum ts_status check_text(const struct ts_trace_head *head, const char *path, struct ts_diags *diags)
{
    enum { LOOKED_AT = 4096 }; /* what is binary further on has a line number to be told with */
    if (head->len == 0) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(path), NULL, "the file is empty: a trace begins with a header");
    }
    const bool has_magic = memcmp(head->data, "%PDF", head->len < 4 ? head->len : 4) == 0;
    for (size_t i = 0; i < head->len && i < LOOKED_AT; i++) {
        const unsigned char c = (unsigned char)head->data[i];
        if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r' && c != '\f' && c != '\v') || has_magic) {
            return ts_fail(diags, TS_EINPUT, ts_span_file(path), binary_hint(head, path), "a binary file, not a trace");
        }
    }
    return TS_OK;
}

enum ts_status ts_trace_head_read(struct ts_trace_head *out, const char *path, struct ts_diags *diags)
{
    enum ts_status status = check_regular(path, diags);
    struct ts_gzip *file = NULL;
    if (status == TS_OK) {
        status = ts_gzip_open(&file, path, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    struct ts_trace_head head = {.data = malloc(TS_TRACE_HEAD_BYTES)};
    if (!head.data) {
        status = ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory");
    }
    for (size_t len = 1; status == TS_OK && len > 0 && head.len < TS_TRACE_HEAD_BYTES; head.len += len) {
        len = 0;
        status = ts_gzip_read(file, head.data + head.len, TS_TRACE_HEAD_BYTES - head.len, &len, diags);
        if (len == 0) {
            break;
        }
    }
    ts_gzip_close(file);
    if (status == TS_OK) {
        status = check_text(&head, path, diags);
    }
    if (status != TS_OK) {
        free(head.data);
        return status;
    }
    *out = head;
    return TS_OK;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

const char *ts_trace_head_line(const struct ts_trace_head *head, size_t *len, uint32_t *line)
{
    const char *at = head->data;
    const char *end = head->data + head->len;
    *line = 1;
    if (head->len >= 3 && memcmp(at, "\xef\xbb\xbf", 3) == 0) {
        at += 3;
    }
    while (at < end && is_blank(*at)) {
        *line += *at == '\n';
        at++;
    }
    const char *stop = at;
    while (stop < end && *stop != '\n' && *stop != '\r') {
        stop++;
    }
    *len = (size_t)(stop - at);
    return at;
}

/* The one that is there most often, outside of quotes; a comma if none is. */
char ts_trace_head_separator(const char *line, size_t len)
{
    static const char separators[] = ",;\t|";
    size_t n[sizeof separators - 1] = {0};
    bool quoted = false;
    size_t best = 0;
    for (size_t i = 0; i < len; i++) {
        const char *hit = line[i] ? strchr(separators, line[i]) : NULL;
        quoted = line[i] == '"' ? !quoted : quoted;
        if (hit && !quoted) {
            n[hit - separators]++;
        }
    }
    for (size_t i = 1; i < sizeof n / sizeof n[0]; i++) {
        best = n[i] > n[best] ? i : best;
    }
    return separators[best];
}

bool ts_trace_head_is_object(const char *line, size_t len)
{
    bool quoted = false;
    size_t depth = 0;
    for (size_t i = 0; i < len; i++) {
        if (quoted) {
            const bool escape = line[i] == '\\';
            quoted = escape || line[i] != '"';
            i += escape;
            continue;
        }
        quoted = line[i] == '"';
        depth += line[i] == '{' || line[i] == '[';
        if (line[i] == '}' || line[i] == ']') {
            if (depth == 0 || --depth == 0) {
                return true;
            }
        }
    }
    return false;
}
