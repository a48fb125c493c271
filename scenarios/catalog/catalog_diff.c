/* Hides how two catalogs are told apart: row by row by their keys, number by number. */
#include <string.h>

#include "scenarios/catalog/catalog_parts.h"

struct walk {
    const struct ts_catalog *from, *to;
    ts_catalog_change_fn *tell;
    void *context;
    struct ts_arena *arena;
};

/* "H100 SXM 80GB, lambda, 8" */
static const char *name_of(const struct ts_catalog_kind *kind, const void *row, struct ts_arena *arena)
{
    const char *name = ts_catalog_text(row, 0);
    for (unsigned i = 1; i < kind->n_keys && name; i++) {
        const struct ts_catalog_column *c = &kind->columns[i];
        unsigned count = 0;
        memcpy(&count, (const char *)row + c->offset, sizeof count);
        name = c->cell == TS_CELL_TEXT ? ts_arena_printf(arena, "%s, %s", name, ts_catalog_text(row, c->offset))
                                       : ts_arena_printf(arena, "%s, %u", name, count);
    }
    return name;
}

static double number_of(const struct ts_catalog_column *column, const void *row)
{
    const char *at = (const char *)row + column->offset;
    double number = 0.0;
    unsigned count = 0;
    bool flag = false;
    switch (column->cell) {
    case TS_CELL_NUMBER:
        memcpy(&number, at, sizeof number);
        return number / column->scale;
    case TS_CELL_COUNT:
    case TS_CELL_YEAR:
        memcpy(&count, at, sizeof count);
        return count;
    case TS_CELL_FLAG:
        memcpy(&flag, at, sizeof flag);
        return flag;
    case TS_CELL_TEXT:
        break;
    }
    return 0.0;
}

static const void *same_row(const struct ts_catalog *catalog, const struct ts_catalog_kind *kind, const void *row)
{
    for (size_t i = 0; i < ts_catalog_count(catalog, kind); i++) {
        const void *other = ts_catalog_row(catalog, kind, i);
        if (ts_catalog_agree(kind, row, other, kind->n_keys)) {
            return other;
        }
    }
    return NULL;
}

static enum ts_status tell(const struct walk *walk, const struct ts_catalog_kind *kind, const void *row,
                           struct ts_catalog_change change)
{
    change.kind = kind->name;
    change.name = name_of(kind, row, walk->arena);
    if (!change.name) {
        return TS_ENOMEM;
    }
    walk->tell(walk->context, &change);
    return TS_OK;
}

static enum ts_status compare(const struct walk *walk, const struct ts_catalog_kind *kind, const void *before,
                              const void *after)
{
    enum ts_status status = TS_OK;
    for (const struct ts_catalog_column *c = kind->columns; c->name && status == TS_OK; c++) {
        const double x = number_of(c, before), y = number_of(c, after);
        if (x < y || x > y) {
            status = tell(walk, kind, after, (struct ts_catalog_change){.column = c->name, .before = x, .after = y});
        }
    }
    return status;
}

static enum ts_status diff_kind(const struct walk *walk, const struct ts_catalog_kind *kind)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < ts_catalog_count(walk->to, kind); i++) {
        const void *row = ts_catalog_row(walk->to, kind, i), *before = same_row(walk->from, kind, row);
        status = before ? compare(walk, kind, before, row)
                        : tell(walk, kind, row, (struct ts_catalog_change){.what = TS_CATALOG_NEW});
    }
    for (size_t i = 0; status == TS_OK && i < ts_catalog_count(walk->from, kind); i++) {
        const void *row = ts_catalog_row(walk->from, kind, i);
        if (!same_row(walk->to, kind, row)) {
            status = tell(walk, kind, row, (struct ts_catalog_change){.what = TS_CATALOG_GONE});
        }
    }
    return status;
}

enum ts_status ts_catalog_diff(const struct ts_catalog *from, const struct ts_catalog *to,
                               ts_catalog_change_fn *tell_of, void *context, struct ts_arena *arena)
{
    const struct walk walk = {from, to, tell_of, context, arena};
    enum ts_status status = TS_OK;
    for (const struct ts_catalog_kind *kind = ts_catalog_kinds; kind->name && status == TS_OK; kind++) {
        status = kind->n_over > 0 ? diff_kind(&walk, kind) : TS_OK;
    }
    return status;
}
