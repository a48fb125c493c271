/* Hides how what readers find is kept. */
#include <stdlib.h>

#include "imports/import_parts.h"

void ts_import_drop(struct ts_importer *importer, uint64_t line, const char *reason)
{
    struct ts_import *info = importer->info;
    size_t i = 0;
    while (i < info->n_drops && !ts_str_equal(info->drops[i].reason, reason)) {
        i++;
    }
    if (i == info->n_drops && i < TS_IMPORT_MAX_REASONS) {
        info->drops[info->n_drops++] = (struct ts_import_drop){reason, 0, line};
    }
    if (i < info->n_drops) {
        info->drops[i].n++;
    }
}

const char *ts_import_keep(struct ts_importer *importer, const char *text)
{
    char *copy = text ? ts_arena_strdup(importer->arena, text) : NULL;
    return copy ? copy : "";
}

/* Room for one more; *items moves. */
static enum ts_status grow(struct ts_importer *importer, void **items, size_t size, size_t n, size_t *cap, size_t max)
{
    if (n < *cap) {
        return TS_OK;
    }
    if (n >= max) {
        return ts_fail(importer->diags, TS_EINPUT, ts_span_file(importer->path), "split the file", "more than %zu rows",
                       max);
    }
    size_t wanted = *cap > 0 ? 2 * *cap : 256;
    void *moved = realloc(*items, wanted * size);
    if (!moved) {
        return TS_ENOMEM;
    }
    *items = moved;
    *cap = wanted;
    return TS_OK;
}

enum ts_status ts_import_add_point(struct ts_importer *importer, struct ts_import_point point)
{
    void *items = importer->points;
    if (!(point.seconds > 0.0)) {
        return TS_OK;
    }
    enum ts_status status =
        grow(importer, &items, sizeof point, importer->n_points, &importer->cap_points, TS_IMPORT_MAX_RAW_POINTS);
    importer->points = items;
    if (status == TS_OK) {
        importer->points[importer->n_points++] = point;
    }
    return status;
}

enum ts_status ts_import_add_request(struct ts_importer *importer, struct ts_import_request request)
{
    void *items = importer->requests;
    enum ts_status status =
        grow(importer, &items, sizeof request, importer->n_requests, &importer->cap_requests, TS_IMPORT_MAX_REQUESTS);
    importer->requests = items;
    if (status == TS_OK) {
        importer->requests[importer->n_requests++] = request;
    }
    return status;
}

bool ts_import_number(const struct ts_json *object, const char *key, double min, double max, double *out)
{
    double value = 0.0;
    if (!ts_json_double(ts_json_get(object, key), &value) || !(value >= min && value <= max)) {
        return false;
    }
    *out = value;
    return true;
}
