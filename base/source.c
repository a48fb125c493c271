/* Hides where a line ends. */
#include "base/source.h"

const char *ts_source_line(const struct ts_source *source, uint32_t line, size_t *len)
{
    *len = 0;
    if (line == 0 || line > source->n_lines) {
        return "";
    }
    size_t start = source->line_start[line - 1];
    size_t end = line < source->n_lines ? source->line_start[line] : source->len;
    if (end > start && source->data[end - 1] == '\n') {
        end--;
    }
    if (end > start && source->data[end - 1] == '\r') {
        end--;
    }
    *len = end - start;
    return source->data + start;
}
