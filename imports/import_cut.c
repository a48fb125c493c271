/* Hides what is left of a document that is cut short: all up to the last whole item of the list that it is cut in, and
 * its brackets closed. That is the outermost list with a whole object or list in it, since of runs that served many
 * requests together only whole ones tell the load, and half a request tells nothing; else the outermost of numbers or
 * texts. Worked: '{"itls": [[1, 2], [3, 4], [5' is left as '{"itls": [[1, 2], [3, 4]]}'. */
#include <string.h>

#include "imports/import_parts.h"

enum { MAX_OPEN = 64 };

struct open {
    char close;
    bool holds;          /* lists or objects */
    size_t n_whole, end; /* items, and after the last one */
};

struct open_list {
    struct open open[MAX_OPEN];
    size_t n;
};

static void end_item(struct open_list *list, size_t end)
{
    if (list->n > 0) {
        list->open[list->n - 1].n_whole++;
        list->open[list->n - 1].end = end;
    }
}

/* What is open at the end. False if it is too deep, or nothing is. */
static bool find_open(struct open_list *out, const char *data, size_t len)
{
    bool in_string = false;
    out->n = 0;
    for (size_t i = 0; i < len; i++) {
        const char c = data[i];
        if (in_string) {
            in_string = c != '"';
            i += c == '\\';
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (out->n == MAX_OPEN) {
                return false;
            }
            if (out->n > 0) {
                out->open[out->n - 1].holds = true;
            }
            out->open[out->n++] = (struct open){.close = c == '{' ? '}' : ']', .end = i + 1};
        } else if ((c == '}' || c == ']') && out->n > 0) {
            out->n--;
            end_item(out, i + 1);
        } else if (c == ',') {
            end_item(out, i);
        }
    }
    return out->n > 0;
}

/* Which of those the document is cut back to. */
static size_t choose(const struct open_list *list)
{
    for (int rows = 1; rows >= 0; rows--) {
        for (size_t i = 0; i < list->n; i++) {
            const struct open *open = &list->open[i];
            if (open->close == ']' && open->n_whole > 0 && (open->holds || rows == 0)) {
                return i;
            }
        }
    }
    return list->n - 1;
}

bool ts_import_cut_back(struct ts_text *out, const char *data, size_t len)
{
    struct open_list list;
    if (!find_open(&list, data, len)) {
        return false;
    }
    const size_t chosen = choose(&list);
    ts_text_append(out, data, list.open[chosen].end);
    for (size_t i = chosen + 1; i-- > 0;) {
        ts_text_append(out, &list.open[i].close, 1);
    }
    return true;
}
