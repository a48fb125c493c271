/* Hides what is text, and the table of line starts, built once. */
#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "base/file.h"
#include "base/source.h"

static uint32_t count_lines(const char *data, size_t len)
{
    uint32_t n = 0;
    for (size_t pos = 0; pos < len; n++) {
        const char *newline = memchr(data + pos, '\n', len - pos);
        pos = newline != NULL ? (size_t)(newline - data) + 1 : len;
    }
    return n;
}

static void map_lines(uint32_t *line_start, const char *data, size_t len)
{
    uint32_t n = 0;
    for (size_t pos = 0; pos < len; n++) {
        line_start[n] = (uint32_t)pos;
        const char *newline = memchr(data + pos, '\n', len - pos);
        pos = newline != NULL ? (size_t)(newline - data) + 1 : len;
    }
}

static enum ts_status refuse_nul(const char *name, const char *data, size_t nul_at, struct ts_diags *diags)
{
    uint32_t line = 1;
    size_t start = 0;
    for (size_t i = 0; i < nul_at; i++) {
        if (data[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    struct ts_span at = {.file = name, .line = line, .col = (uint32_t)(nul_at - start) + 1};
    return ts_fail(diags, TS_EINPUT, at, "the file must be text in UTF-8", "a NUL byte: this is not a text file");
}

/* Takes `data` over, also on failure. */
static enum ts_status adopt(struct ts_source *out, const char *name, char *data, size_t len, struct ts_diags *diags)
{
    enum ts_status status = TS_ENOMEM;
    struct ts_source source = {.data = data, .len = len};
    if (len >= UINT32_MAX) {
        status = ts_fail(diags, TS_EINPUT, ts_span_file(name), NULL, "the file is larger than 4 GiB");
        goto fail;
    }
    const char *nul = memchr(data, '\0', len);
    if (nul != NULL) {
        status = refuse_nul(name, data, (size_t)(nul - data), diags);
        goto fail;
    }
    source.n_lines = count_lines(data, len);
    source.line_start = malloc((source.n_lines + (size_t)1) * sizeof *source.line_start);
    source.name = strdup(name);
    if (source.line_start == NULL || source.name == NULL) {
        status = ts_fail(diags, TS_ENOMEM, ts_span_file(name), NULL, "out of memory");
        goto fail;
    }
    map_lines(source.line_start, data, len);
    *out = source;
    return TS_OK;

fail:
    ts_source_deinit(&source);
    return status;
}

enum ts_status ts_source_read(struct ts_source *out, const char *path, size_t max_bytes, struct ts_diags *diags)
{
    char *data = NULL;
    size_t len = 0;
    enum ts_status status = ts_file_read(&data, &len, path, max_bytes, diags);
    return status != TS_OK ? status : adopt(out, path, data, len, diags);
}

enum ts_status ts_source_from_text(struct ts_source *out, const char *name, const char *data, size_t len,
                                   struct ts_diags *diags)
{
    char *copy = malloc(len + 1);
    if (copy == NULL) {
        return ts_fail(diags, TS_ENOMEM, ts_span_file(name), NULL, "out of memory");
    }
    if (len > 0) {
        memcpy(copy, data, len);
    }
    copy[len] = '\0';
    return adopt(out, name, copy, len, diags);
}

void ts_source_deinit(struct ts_source *source)
{
    free(source->name);
    free(source->data);
    free(source->line_start);
    *source = (struct ts_source){.name = NULL};
}
