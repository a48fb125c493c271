/* Hides how a study is read as a whole: as CSV, and as a part of a larger one. A merged study is made beside its place
 * and takes it when it is whole. */
#include "study/study_db_parts.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "base/csv.h"
#include "base/file.h"
#include "study/fingerprint.h"

enum { FLUSH_BYTES = 1 << 16 };

/* ---- CSV ---- */

struct table {
    struct ts_study_db *db;
    struct ts_file_writer file;
    struct ts_text text;
    struct ts_diags *diags;
    char **axes;
    uint32_t n_axes;
    int64_t *figures; /* [n_figures] ascending by rank */
    uint32_t n_figures;
    int32_t *column_of; /* [most_figure + 1] -1: none */
    int64_t most_figure;
    double *values, *halves; /* [n_figures] of one point */
    bool has_halves;
};

static sqlite3_stmt *prepare(struct ts_study_db *db, const char *sql)
{
    sqlite3_stmt *query = NULL;
    return sqlite3_prepare_v2(db->db, sql, -1, &query, NULL) == SQLITE_OK ? query : NULL;
}

static enum ts_status end_query(struct table *t, sqlite3_stmt *query, enum ts_status status)
{
    const int code = sqlite3_finalize(query);
    return status != TS_OK || (query && code == SQLITE_OK) ? status : ts_study_db_fail(t->db, t->diags);
}

static enum ts_status list_axes(struct table *t)
{
    t->axes = calloc(TS_MAX_AXES, sizeof *t->axes);
    sqlite3_stmt *query = prepare(t->db, "SELECT key FROM axes ORDER BY axis");
    if (!t->axes || !query) {
        sqlite3_finalize(query);
        return t->axes ? ts_study_db_fail(t->db, t->diags) : TS_ENOMEM;
    }
    enum ts_status status = TS_OK;
    while (status == TS_OK && t->n_axes < TS_MAX_AXES && sqlite3_step(query) == SQLITE_ROW) {
        const char *key = (const char *)sqlite3_column_text(query, 0);
        t->axes[t->n_axes] = key ? ts_path_join("", key) : NULL;
        status = t->axes[t->n_axes++] ? TS_OK : TS_ENOMEM;
    }
    return end_query(t, query, status);
}

static enum ts_status put_header_figure(struct table *t, sqlite3_stmt *query)
{
    const char *tier = (const char *)sqlite3_column_text(query, 1);
    const char *metric = (const char *)sqlite3_column_text(query, 2);
    const char *stat = (const char *)sqlite3_column_text(query, 3);
    char *name = sqlite3_mprintf("%s.%s.%s", tier, metric, stat), *half = sqlite3_mprintf("%s.half", name);
    const bool good = tier && metric && stat && name && half;
    ts_csv_put(&t->text, good ? name : "", false);
    if (t->has_halves) {
        ts_csv_put(&t->text, good ? half : "", false);
    }
    sqlite3_free(name);
    sqlite3_free(half);
    return good ? TS_OK : TS_ENOMEM;
}

/* The figures that some point of the design has, each a column. */
static enum ts_status put_header(struct table *t)
{
    int64_t has_halves = 0;
    enum ts_status status = ts_study_db_number(&t->most_figure, t->db, "SELECT max(figure) FROM figures", t->diags);
    if (status == TS_OK) {
        status = ts_study_db_number(&has_halves, t->db,
                                    "SELECT EXISTS(SELECT 1 FROM points JOIN results USING(point)"
                                    " WHERE position IS NOT NULL AND half IS NOT NULL)",
                                    t->diags);
    }
    if (status != TS_OK) {
        return status;
    }
    t->has_halves = has_halves != 0;
    t->figures = calloc((size_t)t->most_figure + 1, sizeof *t->figures);
    t->column_of = calloc((size_t)t->most_figure + 1, sizeof *t->column_of);
    t->values = calloc((size_t)t->most_figure + 1, sizeof *t->values);
    t->halves = calloc((size_t)t->most_figure + 1, sizeof *t->halves);
    if (!t->figures || !t->column_of || !t->values || !t->halves) {
        return TS_ENOMEM;
    }
    ts_csv_put(&t->text, "point", true);
    for (uint32_t a = 0; a < t->n_axes; a++) {
        ts_csv_put(&t->text, t->axes[a], false);
    }
    ts_text_puts(&t->text, ",status,replications,limits_missed,slo_kept");
    sqlite3_stmt *query = prepare(t->db, "SELECT figure, tier, metric, stat FROM figures WHERE figure IN (SELECT"
                                         " figure FROM points JOIN results USING(point) WHERE position IS NOT NULL)"
                                         " ORDER BY rank, tier, metric, stat");
    while (query && status == TS_OK && sqlite3_step(query) == SQLITE_ROW) {
        status = put_header_figure(t, query);
        t->column_of[sqlite3_column_int64(query, 0)] = (int32_t)t->n_figures + 1;
        t->figures[t->n_figures++] = sqlite3_column_int64(query, 0);
    }
    ts_text_puts(&t->text, ",why\n");
    return end_query(t, query, status);
}

static bool put_settings(struct table *t, sqlite3_stmt *settings, int64_t point)
{
    bool good = true;
    for (uint32_t a = 0; good && a < t->n_axes; a++) {
        (void)sqlite3_bind_int64(settings, 1, point);
        (void)sqlite3_bind_text(settings, 2, t->axes[a], -1, SQLITE_STATIC);
        const char *value =
            sqlite3_step(settings) == SQLITE_ROW ? (const char *)sqlite3_column_text(settings, 0) : NULL;
        ts_csv_put(&t->text, value ? value : "", false);
        good = sqlite3_reset(settings) == SQLITE_OK && value;
    }
    return good;
}

static bool read_results(struct table *t, sqlite3_stmt *results, int64_t point)
{
    for (uint32_t k = 0; k < t->n_figures; k++) {
        t->values[k] = t->halves[k] = NAN;
    }
    (void)sqlite3_bind_int64(results, 1, point);
    while (sqlite3_step(results) == SQLITE_ROW) {
        const int64_t figure = sqlite3_column_int64(results, 0);
        const int32_t column = figure >= 0 && figure <= t->most_figure ? t->column_of[figure] : 0;
        if (column > 0) {
            const bool no_half = sqlite3_column_type(results, 2) == SQLITE_NULL;
            t->values[column - 1] = sqlite3_column_double(results, 1);
            t->halves[column - 1] = no_half ? NAN : sqlite3_column_double(results, 2);
        }
    }
    return sqlite3_reset(results) == SQLITE_OK;
}

/* A column's text, "" where it has none; *good = false without memory. */
static const char *text_of(sqlite3_stmt *row, int column, bool *good)
{
    const bool is_null = sqlite3_column_type(row, column) == SQLITE_NULL;
    const char *text = is_null ? "" : (const char *)sqlite3_column_text(row, column);
    *good = *good && text;
    return text ? text : "";
}

static enum ts_status flush(struct table *t, size_t more_than)
{
    if (t->text.failed) {
        return TS_ENOMEM;
    }
    if (t->text.len > more_than) {
        if (fwrite(t->text.data, 1, t->text.len, t->file.stream) != t->text.len) {
            return ts_fail_errno(t->diags, t->file.path, "cannot write", errno);
        }
        ts_text_clear(&t->text);
    }
    return TS_OK;
}

static enum ts_status put_point(struct table *t, sqlite3_stmt *point, sqlite3_stmt *settings, sqlite3_stmt *results)
{
    ts_text_printf(&t->text, "%lld", (long long)sqlite3_column_int64(point, 1));
    bool good = put_settings(t, settings, sqlite3_column_int64(point, 0));
    for (int column = 2; column < 6; column++) {
        ts_csv_put(&t->text, text_of(point, column, &good), false);
    }
    good = read_results(t, results, sqlite3_column_int64(point, 0)) && good;
    for (uint32_t k = 0; k < t->n_figures; k++) {
        ts_csv_put_number(&t->text, t->values[k], false);
        if (t->has_halves) {
            ts_csv_put_number(&t->text, t->halves[k], false);
        }
    }
    ts_csv_put(&t->text, text_of(point, 6, &good), false);
    ts_text_puts(&t->text, "\n");
    return good ? flush(t, FLUSH_BYTES) : ts_study_db_fail(t->db, t->diags);
}

static enum ts_status put_points(struct table *t)
{
    sqlite3_stmt *point = prepare(t->db, "SELECT point, position, status, replications, limits_missed, slo_kept, why"
                                         " FROM points WHERE position IS NOT NULL ORDER BY position");
    sqlite3_stmt *settings = prepare(t->db, "SELECT value FROM settings WHERE point = ? AND key = ?");
    sqlite3_stmt *results = prepare(t->db, "SELECT figure, value, half FROM results WHERE point = ?");
    enum ts_status status = point && settings && results ? TS_OK : ts_study_db_fail(t->db, t->diags);
    int code = SQLITE_DONE;
    while (status == TS_OK && (code = sqlite3_step(point)) == SQLITE_ROW) {
        status = put_point(t, point, settings, results);
    }
    if (status == TS_OK && code != SQLITE_DONE) {
        status = ts_study_db_fail(t->db, t->diags);
    }
    sqlite3_finalize(point);
    sqlite3_finalize(settings);
    sqlite3_finalize(results);
    return status == TS_OK ? flush(t, 0) : status;
}

static void free_table(struct table *t)
{
    for (uint32_t a = 0; t->axes && a < t->n_axes; a++) {
        free(t->axes[a]);
    }
    free(t->axes);
    free(t->figures);
    free(t->column_of);
    free(t->values);
    free(t->halves);
    ts_text_deinit(&t->text);
}

enum ts_status ts_study_db_csv(struct ts_study_db *db, const char *path, struct ts_diags *diags)
{
    struct table t = {.db = db, .diags = diags};
    ts_text_init(&t.text);
    enum ts_status status = ts_file_writer_open(&t.file, path, diags);
    if (status == TS_OK) {
        status = list_axes(&t);
        if (status == TS_OK) {
            status = put_header(&t);
        }
        if (status == TS_OK) {
            status = put_points(&t);
        }
        if (status == TS_OK) {
            status = ts_file_writer_commit(&t.file, diags);
        } else {
            ts_file_writer_abort(&t.file);
        }
    }
    free_table(&t);
    return status;
}

/* ---- merging ---- */

static const char *const shared[] = {"fingerprint", "design_hash", "points"};

/* Before the first part the whole says nothing yet. */
static enum ts_status check_part(struct ts_study_db *whole, const char *path, bool first, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && !first && i < sizeof shared / sizeof shared[0]; i++) {
        char *have = ts_study_db_about(whole, "main", shared[i]), *its = ts_study_db_about(whole, "part", shared[i]);
        if (!have || !its) {
            status = TS_ENOMEM;
        } else if (!ts_str_equal(have, its) && i == 0) {
            struct ts_text what;
            ts_text_init(&what);
            ts_fingerprint_put_difference(&what, have, its);
            status = ts_fail(diags, TS_EINPUT, ts_span_file(path), NULL,
                             "this part was made from other inputs than the first: %s", what.data);
            ts_text_deinit(&what);
        } else if (!ts_str_equal(have, its)) {
            status =
                ts_fail(diags, TS_EINPUT, ts_span_file(path), NULL, "this part is of another design than the first");
        }
        free(have);
        free(its);
    }
    int64_t twice = 0;
    if (status == TS_OK) {
        status = ts_study_db_number(&twice, whole,
                                    "SELECT count(*) FROM part.points p WHERE p.position IS NOT NULL AND EXISTS"
                                    "(SELECT 1 FROM main.points m WHERE m.key = p.key)",
                                    diags);
    }
    return status == TS_OK && twice > 0 ? ts_fail(diags, TS_EINPUT, ts_span_file(path), NULL,
                                                  "%lld of its points are in another part, too", (long long)twice)
                                        : status;
}

static const char add_part[] =
    "BEGIN;"
    "INSERT INTO main.points(position, key, status, why, replications, limits_missed, missed, slo_kept)"
    " SELECT position, key, status, why, replications, limits_missed, missed, slo_kept FROM part.points"
    " WHERE position IS NOT NULL ORDER BY position;"
    "INSERT INTO main.settings SELECT m.point, s.key, s.value FROM part.settings s JOIN part.points p USING(point)"
    " JOIN main.points m ON m.key = p.key WHERE p.position IS NOT NULL;"
    "INSERT OR IGNORE INTO main.figures(rank, tier, metric, stat, unit)"
    " SELECT rank, tier, metric, stat, unit FROM part.figures ORDER BY rank, tier, metric, stat;"
    "INSERT INTO main.results SELECT m.point, g.figure, r.value, r.half FROM part.results r"
    " JOIN part.points p USING(point) JOIN main.points m ON m.key = p.key JOIN part.figures f USING(figure)"
    " JOIN main.figures g ON g.tier = f.tier AND g.metric = f.metric AND g.stat = f.stat"
    " WHERE p.position IS NOT NULL;"
    "COMMIT";

static const char take_head[] = "INSERT INTO main.study SELECT * FROM part.study WHERE name NOT IN ('shard', 'shards');"
                                "INSERT INTO main.study VALUES('shard', '0'), ('shards', '1');"
                                "INSERT INTO main.axes SELECT * FROM part.axes";

static enum ts_status attach(struct ts_study_db *whole, const char *path, struct ts_diags *diags)
{
    char *sql = sqlite3_mprintf("ATTACH DATABASE %Q AS part", path);
    const enum ts_status status = sql ? ts_study_db_run(whole, sql, diags) : TS_ENOMEM;
    sqlite3_free(sql);
    return status;
}

static enum ts_status add(struct ts_study_db *whole, const char *path, bool first, struct ts_diags *diags)
{
    struct ts_study_db *part = NULL; /* opened by itself first: is it one, and whole? */
    enum ts_status status = ts_file_exists(path)
                                ? ts_study_db_open_old(&part, path, diags)
                                : ts_fail(diags, TS_EIO, ts_span_file(path), NULL, "there is no such file");
    ts_study_db_close(part);
    if (status == TS_OK) {
        status = attach(whole, path, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    status = first ? ts_study_db_run(whole, take_head, diags) : TS_OK;
    if (status == TS_OK) {
        status = check_part(whole, path, first, diags);
    }
    if (status == TS_OK) {
        status = ts_study_db_run(whole, add_part, diags);
    }
    if (status == TS_OK) {
        status = ts_study_db_run(whole, "DETACH DATABASE part", diags);
    }
    return status;
}

/* The first points that nobody has. */
static enum ts_status put_missing(struct ts_text *out, struct ts_study_db *whole, uint32_t n_design,
                                  struct ts_diags *diags)
{
    enum { NAMED = 5 };
    enum ts_status status = TS_OK;
    for (uint32_t i = 0, named = 0; status == TS_OK && i < n_design && named <= NAMED; i++) {
        bool has = false;
        status = ts_study_db_has(&has, whole, i, diags);
        if (!has && named == NAMED) {
            ts_text_puts(out, " ...");
        } else if (!has) {
            ts_text_printf(out, "%s%u", named > 0 ? ", " : "", i);
        }
        named += !has;
    }
    return status;
}

static enum ts_status check_gaps(struct ts_study_db *whole, const char *path, struct ts_diags *diags)
{
    struct ts_study_counts counts;
    enum ts_status status = ts_study_db_counts(&counts, whole, diags);
    const uint32_t n_missing =
        status == TS_OK ? counts.n_design - counts.n_done - counts.n_impossible - counts.n_stopped : 0;
    struct ts_text names;
    if (n_missing == 0) {
        return status;
    }
    ts_text_init(&names);
    status = put_missing(&names, whole, counts.n_design, diags);
    if (status == TS_OK) {
        status = ts_fail(diags, TS_EINPUT, ts_span_file(path), "finish the parts with --resume, and give all of them",
                         "%u of %u points are in no part: %s", n_missing, counts.n_design, names.data);
    }
    ts_text_deinit(&names);
    return status;
}

static enum ts_status merge_into(const char *made, const char *path, const char *const *parts, size_t n_parts,
                                 struct ts_diags *diags)
{
    struct ts_study_db *whole = NULL;
    enum ts_status status = ts_study_db_make(&whole, made, diags);
    for (size_t i = 0; status == TS_OK && i < n_parts; i++) {
        status = add(whole, parts[i], i == 0, diags);
    }
    if (status == TS_OK) {
        status = check_gaps(whole, path, diags);
    }
    ts_study_db_close(whole);
    if (status == TS_OK) {
        status = ts_sync(made, diags);
    }
    if (status == TS_OK && rename(made, path) != 0) {
        status = ts_fail_errno(diags, path, "cannot take its place", errno);
    }
    return status;
}

enum ts_status ts_study_db_merge(const char *path, const char *const *parts, size_t n_parts, struct ts_diags *diags)
{
    if (ts_file_exists(path)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_file(path), "take another file with -o",
                       "there is a file of that name");
    }
    struct ts_text made;
    ts_text_init(&made);
    ts_text_printf(&made, "%s.merging-%ld", path, (long)getpid());
    enum ts_status status = made.failed ? TS_ENOMEM : merge_into(made.data, path, parts, n_parts, diags);
    if (status != TS_OK && !made.failed) {
        (void)unlink(made.data);
    }
    ts_text_deinit(&made);
    return status;
}
