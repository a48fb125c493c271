/* Hides how a folder of `tiersim run` is read back. */
#include "study/diff.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"

enum { MAX_MANIFEST_BYTES = 64 << 20 };

struct row {
    const char *subject;
    const struct ts_metric *metric;
    int64_t replication; /* -1: all */
    double value;
};

/* One folder. */
struct read {
    struct ts_arena *arena;
    struct row *rows;
    size_t n, cap;
    struct ts_json_doc manifest;
};

static enum ts_status add_row(struct read *r, struct row row)
{
    if (r->n == r->cap) {
        const size_t cap = r->cap ? 2 * r->cap : 1024;
        struct row *grown = ts_arena_array(r->arena, cap, sizeof *grown);
        if (!grown) {
            return TS_ENOMEM;
        }
        if (r->n > 0) {
            memcpy(grown, r->rows, r->n * sizeof *grown);
        }
        r->rows = grown;
        r->cap = cap;
    }
    r->rows[r->n++] = row;
    return TS_OK;
}

static double number_of(const struct ts_csv_field *field)
{
    double value = NAN;
    if (field->len > 0 && !ts_parse_double(&value, field->data, field->len)) {
        value = ts_str_equal(field->data, "inf") ? INFINITY : ts_str_equal(field->data, "-inf") ? -INFINITY : NAN;
    }
    return value;
}

/* Rows of figures that this version knows. */
static enum ts_status read_rows(struct read *r, struct ts_csv_reader *csv, struct ts_diags *diags)
{
    static const char *const names[] = {"replication", "tier", "class", "metric", "stat", "value"};
    int at[6];
    for (int i = 0; i < 6; i++) {
        at[i] = ts_csv_column(csv, names[i]);
        if (at[i] < 0) {
            return ts_fail(diags, TS_EINPUT, ts_csv_span(csv, ts_csv_header(csv), 0), NULL,
                           "this is no summary of a run: there is no column '%s'", names[i]);
        }
    }
    for (;;) {
        const struct ts_csv_row *row = NULL;
        enum ts_status status = ts_csv_next(csv, &row, diags);
        if (status != TS_OK || !row) {
            return status;
        }
        const struct ts_csv_field *fields = row->fields;
        const struct ts_metric *metric = ts_metric_find(fields[at[3]].data, fields[at[4]].data);
        uint64_t replication = 0;
        const bool one = ts_parse_u64(&replication, fields[at[0]].data, fields[at[0]].len);
        if (metric && ts_str_equal(fields[at[2]].data, "all")) {
            const char *subject = ts_arena_strdup(r->arena, fields[at[1]].data);
            status = subject ? add_row(r, (struct row){subject, metric, one ? (int64_t)replication : -1,
                                                       number_of(&fields[at[5]])})
                             : TS_ENOMEM;
        }
        if (status != TS_OK) {
            return status;
        }
    }
}

static enum ts_status read_folder(struct read *r, const char *dir, struct ts_diags *diags)
{
    char *summary = ts_path_join(dir, "summary.csv"), *manifest = ts_path_join(dir, "manifest.json");
    struct ts_csv_reader *csv = NULL;
    enum ts_status status = summary && manifest ? ts_csv_open(&csv, summary, true, diags) : TS_ENOMEM;
    if (status == TS_OK) {
        status = read_rows(r, csv, diags);
        ts_csv_close(csv);
    }
    if (status == TS_OK) {
        status = ts_json_read(&r->manifest, manifest, MAX_MANIFEST_BYTES, diags);
    }
    free(summary);
    free(manifest);
    return status;
}

/* ---- inputs ---- */

static bool is_input(const struct ts_json *assumption)
{
    const char *origin = ts_json_string(ts_json_get(assumption, "origin"));
    const char *key = ts_json_string(ts_json_get(assumption, "key"));
    return origin && key && ts_json_string(ts_json_get(assumption, "value")) && !ts_str_equal(key, "scenario") &&
           !ts_str_equal(key, "description") &&
           (ts_str_equal(origin, "scenario") || ts_str_equal(origin, "command line") ||
            ts_str_equal(origin, "default"));
}

static bool is_default(const struct ts_json *assumption)
{
    return ts_str_equal(ts_json_string(ts_json_get(assumption, "origin")), "default");
}

static const struct ts_json *find(const struct ts_json *list, const char *key)
{
    for (size_t i = 0; i < ts_json_length(list); i++) {
        const struct ts_json *one = ts_json_at(list, i);
        if (is_input(one) && ts_str_equal(ts_json_string(ts_json_get(one, "key")), key)) {
            return one;
        }
    }
    return NULL;
}

static void add_input(struct ts_diff *out, const char *key, const struct ts_json *a, const struct ts_json *b)
{
    const char *from = ts_json_string(ts_json_get(a, "value")), *to = ts_json_string(ts_json_get(b, "value"));
    out->inputs[out->n_inputs++] =
        (struct ts_diff_input){.key = ts_arena_strdup(&out->arena, key),
                               .a = from ? ts_arena_strdup(&out->arena, from) : NULL,
                               .b = to ? ts_arena_strdup(&out->arena, to) : NULL,
                               .set = ts_arena_printf(&out->arena, "%s=%s", key, to ? to : "null"),
                               .part = NAN};
}

static enum ts_status find_inputs(struct ts_diff *out, const struct read *a, const struct read *b)
{
    const struct ts_json *mine = ts_json_get(ts_json_root(&a->manifest), "assumptions");
    const struct ts_json *others = ts_json_get(ts_json_root(&b->manifest), "assumptions");
    out->inputs = ts_arena_array(&out->arena, ts_json_length(mine) + ts_json_length(others) + 1, sizeof *out->inputs);
    for (size_t i = 0; out->inputs && i < ts_json_length(mine); i++) {
        const struct ts_json *one = ts_json_at(mine, i);
        const char *key = ts_json_string(ts_json_get(one, "key"));
        const struct ts_json *other = is_input(one) ? find(others, key) : NULL;
        const bool gone = is_input(one) && !other && !is_default(one);
        if (gone || (other && !ts_str_equal(ts_json_string(ts_json_get(one, "value")),
                                            ts_json_string(ts_json_get(other, "value"))))) {
            add_input(out, key, one, other);
        }
    }
    for (size_t i = 0; out->inputs && i < ts_json_length(others); i++) {
        const struct ts_json *one = ts_json_at(others, i);
        const char *key = ts_json_string(ts_json_get(one, "key"));
        if (is_input(one) && !is_default(one) && !find(mine, key)) {
            add_input(out, key, NULL, one);
        }
    }
    return out->arena.failed ? TS_ENOMEM : TS_OK;
}

/* ---- figures ---- */

static const struct row *find_row(const struct read *r, const struct row *like, int64_t replication)
{
    for (size_t i = 0; i < r->n; i++) {
        const struct row *row = &r->rows[i];
        if (row->metric == like->metric && row->replication == replication &&
            ts_str_equal(row->subject, like->subject)) {
            return row;
        }
    }
    return NULL;
}

static enum ts_status pair_replications(struct ts_diff *out, struct ts_diff_figure *figure, const struct read *a,
                                        const struct read *b, const struct row *like)
{
    const uint32_t n = out->n_replications;
    double *x = ts_arena_array(&out->arena, n, sizeof *x), *y = ts_arena_array(&out->arena, n, sizeof *y);
    for (uint32_t r = 0; x && y && r < n; r++) {
        const struct row *of_a = find_row(a, like, r), *of_b = find_row(b, like, r);
        if (!of_a || !of_b) {
            return TS_OK; /* money is of all replications together */
        }
        x[r] = of_a->value;
        y[r] = of_b->value;
    }
    if (!x || !y) {
        return TS_ENOMEM;
    }
    ts_diff_pair(figure, x, y, n);
    return TS_OK;
}

static uint32_t count_replications(const struct read *r)
{
    int64_t most = -1;
    for (size_t i = 0; i < r->n; i++) {
        most = r->rows[i].replication > most ? r->rows[i].replication : most;
    }
    return (uint32_t)(most + 1);
}

static enum ts_status find_figures(struct ts_diff *out, const struct read *a, const struct read *b)
{
    const uint32_t n = count_replications(a);
    enum ts_status status = TS_OK;
    out->n_replications = n == count_replications(b) ? n : 1;
    out->figures = ts_arena_array(&out->arena, a->n + 1, sizeof *out->figures);
    for (size_t i = 0; out->figures && status == TS_OK && i < a->n; i++) {
        const struct row *mine = &a->rows[i];
        const struct row *other = mine->replication < 0 ? find_row(b, mine, -1) : NULL;
        if (!other || (isnan(mine->value) && isnan(other->value))) {
            continue;
        }
        struct ts_diff_figure *figure = &out->figures[out->n_figures++];
        *figure = (struct ts_diff_figure){.subject = mine->subject,
                                          .metric = mine->metric,
                                          .a = mine->value,
                                          .b = other->value,
                                          .change = mine->value == other->value ? 0.0 : other->value - mine->value,
                                          .half = NAN};
        if (out->n_replications > 1) {
            status = pair_replications(out, figure, a, b, mine);
        }
    }
    return out->arena.failed ? TS_ENOMEM : status;
}

enum ts_status ts_diff_folders(struct ts_diff *out, const char *a, const char *b, struct ts_diags *diags)
{
    struct ts_diff diff = {.rest = NAN};
    struct read of_a = {.arena = &diff.arena}, of_b = {.arena = &diff.arena};
    ts_arena_init(&diff.arena);
    enum ts_status status = read_folder(&of_a, a, diags);
    if (status == TS_OK) {
        status = read_folder(&of_b, b, diags);
    }
    if (status == TS_OK) {
        status = find_inputs(&diff, &of_a, &of_b);
    }
    if (status == TS_OK) {
        status = find_figures(&diff, &of_a, &of_b);
    }
    ts_json_deinit(&of_a.manifest);
    ts_json_deinit(&of_b.manifest);
    if (status == TS_OK) {
        *out = diff;
    } else {
        ts_arena_deinit(&diff.arena);
    }
    return status;
}
