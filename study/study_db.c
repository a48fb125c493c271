/* Hides the tables, and how they are kept whole: a write-ahead log, which loses nothing that was put when the program
 * is killed, and at a loss of power at most the last points; never the file. The log is one process' own (exclusive),
 * so that it works on the shared disks of clusters, too. */
#include "study/study_db_parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "base/file.h"
#include "study/fingerprint.h"

enum { APPLICATION = 0x74696572, VERSION = 1 }; /* "tier" */

static const char schema[] =
    "CREATE TABLE study(name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE axes(axis INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);"
    "CREATE TABLE points(point INTEGER PRIMARY KEY, position INTEGER UNIQUE, key TEXT NOT NULL UNIQUE,"
    " status TEXT NOT NULL, why TEXT, replications INTEGER, limits_missed INTEGER, missed TEXT, slo_kept INTEGER);"
    "CREATE TABLE settings(point INTEGER NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY(point, key))"
    " WITHOUT ROWID;"
    "CREATE TABLE figures(figure INTEGER PRIMARY KEY, rank INTEGER NOT NULL, tier TEXT NOT NULL, metric TEXT NOT NULL,"
    " stat TEXT NOT NULL, unit TEXT NOT NULL, UNIQUE(tier, metric, stat));"
    "CREATE TABLE results(point INTEGER NOT NULL, figure INTEGER NOT NULL, value REAL, half REAL,"
    " PRIMARY KEY(point, figure)) WITHOUT ROWID;"
    "CREATE VIEW long AS SELECT position, tier, metric, stat, value, half, unit FROM points JOIN results USING(point)"
    " JOIN figures USING(figure) WHERE position IS NOT NULL;";

static const char *const statements[TS_STUDY_N_STATEMENTS] = {
    [TS_STUDY_HAS] = "SELECT 1 FROM points WHERE position = ?",
    [TS_STUDY_PUT_POINT] = "INSERT INTO points(position, key, status, why, replications, limits_missed, missed,"
                           " slo_kept) VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
    [TS_STUDY_PUT_SETTING] = "INSERT INTO settings VALUES(?, ?, ?)",
    [TS_STUDY_PUT_FIGURE] = "INSERT INTO figures(rank, tier, metric, stat, unit) VALUES(?, ?, ?, ?, ?)",
    [TS_STUDY_FIND_FIGURE] = "SELECT figure FROM figures WHERE tier = ? AND metric = ? AND stat = ?",
    [TS_STUDY_PUT_RESULT] = "INSERT INTO results VALUES(?, ?, ?, ?)",
    [TS_STUDY_GET_RESULT] = "SELECT value FROM points JOIN results USING(point) JOIN figures USING(figure)"
                            " WHERE position = ? AND tier = ? AND metric = ? AND stat = ?",
    [TS_STUDY_GET_SETTINGS] = "SELECT settings.key, value FROM points JOIN settings USING(point)"
                              " LEFT JOIN axes ON axes.key = settings.key WHERE position = ? ORDER BY axis",
};

/* ---- SQLite ---- */

enum ts_status ts_study_db_fail(const struct ts_study_db *db, struct ts_diags *diags)
{
    const int code = db->db && !db->unbound ? sqlite3_errcode(db->db) : SQLITE_NOMEM;
    switch (code) {
    case SQLITE_NOMEM:
    case SQLITE_OK: /* a later call hid it */
    case SQLITE_ROW:
    case SQLITE_DONE:
        return TS_ENOMEM;
    case SQLITE_BUSY:
        return ts_fail(diags, TS_EIO, ts_span_file(db->path), NULL, "another process has this study open");
    case SQLITE_NOTADB:
        return ts_fail(diags, TS_EINPUT, ts_span_file(db->path), "take another name with -o", "this file is no study");
    default:
        return ts_fail(diags, TS_EIO, ts_span_file(db->path), NULL, "%s", sqlite3_errmsg(db->db));
    }
}

enum ts_status ts_study_db_run(struct ts_study_db *db, const char *sql, struct ts_diags *diags)
{
    return sqlite3_exec(db->db, sql, NULL, NULL, NULL) == SQLITE_OK ? TS_OK : ts_study_db_fail(db, diags);
}

static sqlite3_stmt *statement(struct ts_study_db *db, enum ts_study_statement which)
{
    if (!db->statements[which]) {
        (void)sqlite3_prepare_v2(db->db, statements[which], -1, &db->statements[which], NULL);
    }
    return db->statements[which];
}

static void bind_text(struct ts_study_db *db, sqlite3_stmt *to, int at, const char *text)
{
    db->unbound = sqlite3_bind_text(to, at, text, -1, SQLITE_TRANSIENT) != SQLITE_OK || db->unbound;
}

/* NaN is NULL there. */
static void bind_number(sqlite3_stmt *to, int at, double value)
{
    (void)sqlite3_bind_double(to, at, value);
}

/* Runs one that gives no rows. */
static bool done(const struct ts_study_db *db, sqlite3_stmt *of)
{
    const bool good = of && !db->unbound && sqlite3_step(of) == SQLITE_DONE;
    return sqlite3_reset(of) == SQLITE_OK && good;
}

/* ---- opening ---- */

static enum ts_status open_file(struct ts_study_db **out, const char *path, int flags, struct ts_diags *diags)
{
    struct ts_study_db *db = calloc(1, sizeof *db);
    char *name = ts_path_join("", path);
    if (!db || !name) {
        free(db);
        free(name);
        return TS_ENOMEM;
    }
    db->path = name;
    enum ts_status status = TS_OK;
    if (sqlite3_open_v2(path, &db->db, flags, NULL) != SQLITE_OK) {
        status = ts_study_db_fail(db, diags);
    }
    if (status == TS_OK) {
        status = ts_study_db_run(db,
                                 "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
                                 "PRAGMA synchronous = NORMAL; PRAGMA temp_store = MEMORY",
                                 diags);
    }
    if (status == TS_OK) { /* takes the lock */
        status = ts_study_db_run(db, "BEGIN EXCLUSIVE; COMMIT", diags);
    }
    if (status != TS_OK) {
        ts_study_db_close(db);
        return status;
    }
    *out = db;
    return TS_OK;
}

void ts_study_db_close(struct ts_study_db *db)
{
    if (!db) {
        return;
    }
    for (int i = 0; i < TS_STUDY_N_STATEMENTS; i++) {
        sqlite3_finalize(db->statements[i]);
    }
    if (db->db) {
        (void)sqlite3_exec(db->db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
        sqlite3_close(db->db);
    }
    free(db->path);
    free(db);
}

enum ts_status ts_study_db_number(int64_t *out, struct ts_study_db *db, const char *sql, struct ts_diags *diags)
{
    sqlite3_stmt *query = NULL;
    const bool good = sqlite3_prepare_v2(db->db, sql, -1, &query, NULL) == SQLITE_OK;
    const int code = good ? sqlite3_step(query) : SQLITE_ERROR;
    *out = code == SQLITE_ROW ? sqlite3_column_int64(query, 0) : 0;
    const enum ts_status status = code == SQLITE_ROW || code == SQLITE_DONE ? TS_OK : ts_study_db_fail(db, diags);
    sqlite3_finalize(query);
    return status;
}

static enum ts_status make_tables(struct ts_study_db *db, struct ts_diags *diags)
{
    struct ts_text sql;
    ts_text_init(&sql);
    ts_text_printf(&sql, "BEGIN; %s PRAGMA application_id = %d; PRAGMA user_version = %d; COMMIT", schema, APPLICATION,
                   VERSION);
    const enum ts_status status = sql.failed ? TS_ENOMEM : ts_study_db_run(db, sql.data, diags);
    ts_text_deinit(&sql);
    return status;
}

static enum ts_status check_kind(struct ts_study_db *db, struct ts_diags *diags)
{
    int64_t application = 0, version = 0;
    enum ts_status status = ts_study_db_number(&application, db, "PRAGMA application_id", diags);
    if (status == TS_OK) {
        status = ts_study_db_number(&version, db, "PRAGMA user_version", diags);
    }
    if (status == TS_OK && application != APPLICATION) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(db->path), "take another name with -o",
                       "this database is no study");
    }
    return status == TS_OK && version != VERSION
               ? ts_fail(diags, TS_EINPUT, ts_span_file(db->path), NULL, "this study was made by another version")
               : status;
}

enum ts_status ts_study_db_make(struct ts_study_db **out, const char *path, struct ts_diags *diags)
{
    struct ts_study_db *db = NULL;
    enum ts_status status = open_file(&db, path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, diags);
    if (status == TS_OK) {
        status = make_tables(db, diags);
    }
    if (status != TS_OK) {
        ts_study_db_close(db);
        return status;
    }
    *out = db;
    return TS_OK;
}

enum ts_status ts_study_db_open_old(struct ts_study_db **out, const char *path, struct ts_diags *diags)
{
    struct ts_study_db *db = NULL;
    enum ts_status status = open_file(&db, path, SQLITE_OPEN_READWRITE, diags);
    if (status == TS_OK) {
        status = check_kind(db, diags);
    }
    if (status != TS_OK) {
        ts_study_db_close(db);
        return status;
    }
    *out = db;
    return TS_OK;
}

/* ---- what a study is about ---- */

char *ts_study_db_about(struct ts_study_db *db, const char *of, const char *name)
{
    sqlite3_stmt *query = NULL;
    char *sql = sqlite3_mprintf("SELECT value FROM \"%w\".study WHERE name = ?", of), *value = NULL;
    if (sql && sqlite3_prepare_v2(db->db, sql, -1, &query, NULL) == SQLITE_OK) {
        bind_text(db, query, 1, name);
        const int code = sqlite3_step(query);
        const char *text = code == SQLITE_ROW ? (const char *)sqlite3_column_text(query, 0) : "";
        value = text && (code == SQLITE_ROW || code == SQLITE_DONE) ? ts_path_join("", text) : NULL;
    }
    sqlite3_finalize(query);
    sqlite3_free(sql);
    return value;
}

static enum ts_status tell(struct ts_study_db *db, const char *name, const char *value, struct ts_diags *diags)
{
    sqlite3_stmt *put = NULL;
    bool good = sqlite3_prepare_v2(db->db, "INSERT OR REPLACE INTO study VALUES(?, ?)", -1, &put, NULL) == SQLITE_OK;
    if (good) {
        bind_text(db, put, 1, name);
        bind_text(db, put, 2, value);
        good = done(db, put);
    }
    const enum ts_status status = good ? TS_OK : ts_study_db_fail(db, diags);
    sqlite3_finalize(put);
    return status;
}

static enum ts_status tell_number(struct ts_study_db *db, const char *name, uint64_t value, struct ts_diags *diags)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    return tell(db, name, text, diags);
}

/* The points of a design in their order, as a number. */
static uint64_t hash_of(const struct ts_design *design)
{
    uint64_t hash = 0xcbf29ce484222325u;
    const size_t n = (size_t)design->n * design->spec->n_axes;
    for (size_t i = 0; i < n; i++) {
        for (const char *at = design->settings[i]; *at; at++) {
            hash = (hash ^ (unsigned char)*at) * 0x100000001b3u;
        }
        hash = (hash ^ '\n') * 0x100000001b3u;
    }
    return hash;
}

static enum ts_status tell_head(struct ts_study_db *db, const struct ts_study_head *head, struct ts_diags *diags)
{
    const struct {
        const char *name, *value;
    } texts[] = {{"fingerprint", head->fingerprint},
                 {"scenario", head->scenario},
                 {"command", head->command},
                 {"created", head->created},
                 {"host", head->host},
                 {"design", ts_design_names[head->design->spec->kind]}};
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < sizeof texts / sizeof texts[0]; i++) {
        status = tell(db, texts[i].name, texts[i].value ? texts[i].value : "", diags);
    }
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {{"points", head->design->n},
                   {"design_hash", hash_of(head->design)},
                   {"seed", head->design->spec->seed},
                   {"shard", head->shard},
                   {"shards", head->n_shards}};
    for (size_t i = 0; status == TS_OK && i < sizeof numbers / sizeof numbers[0]; i++) {
        status = tell_number(db, numbers[i].name, numbers[i].value, diags);
    }
    return status;
}

static enum ts_status tell_axes(struct ts_study_db *db, const struct ts_design_spec *spec, struct ts_diags *diags)
{
    sqlite3_stmt *put = NULL;
    enum ts_status status = ts_study_db_run(db, "DELETE FROM axes", diags);
    if (status == TS_OK && sqlite3_prepare_v2(db->db, "INSERT INTO axes VALUES(?, ?)", -1, &put, NULL) != SQLITE_OK) {
        status = ts_study_db_fail(db, diags);
    }
    for (uint32_t a = 0; status == TS_OK && a < spec->n_axes; a++) {
        (void)sqlite3_bind_int64(put, 1, a);
        bind_text(db, put, 2, spec->axes[a].key);
        status = done(db, put) ? TS_OK : ts_study_db_fail(db, diags);
    }
    sqlite3_finalize(put);
    return status;
}

/* Gives the points that it has the places of the design. */
static enum ts_status place_points(struct ts_study_db *db, const struct ts_design *design, struct ts_diags *diags)
{
    sqlite3_stmt *put = NULL;
    enum ts_status status = ts_study_db_run(db, "UPDATE points SET position = NULL", diags);
    const char *sql = "UPDATE points SET position = ? WHERE key = ?";
    if (status == TS_OK && sqlite3_prepare_v2(db->db, sql, -1, &put, NULL) != SQLITE_OK) {
        status = ts_study_db_fail(db, diags);
    }
    struct ts_text key;
    ts_text_init(&key);
    for (uint32_t i = 0; status == TS_OK && i < design->n; i++) {
        ts_text_clear(&key);
        ts_design_put_key(&key, design, i);
        (void)sqlite3_bind_int64(put, 1, i);
        bind_text(db, put, 2, key.data);
        status = key.failed ? TS_ENOMEM : done(db, put) ? TS_OK : ts_study_db_fail(db, diags);
    }
    ts_text_deinit(&key);
    sqlite3_finalize(put);
    return status;
}

static enum ts_status check_fingerprint(struct ts_study_db *db, const char *fingerprint, struct ts_diags *diags)
{
    char *old = ts_study_db_about(db, "main", "fingerprint");
    enum ts_status status = old ? TS_OK : TS_ENOMEM;
    if (old && old[0] != '\0' && !ts_str_equal(old, fingerprint)) {
        struct ts_text what;
        ts_text_init(&what);
        ts_fingerprint_put_difference(&what, old, fingerprint);
        status = ts_fail(diags, TS_EINPUT, ts_span_file(db->path), "take another file with -o",
                         "this study was made from other inputs: %s", what.data);
        ts_text_deinit(&what);
    }
    free(old);
    return status;
}

static enum ts_status open_any(struct ts_study_db **out, const char *path, bool resumes, struct ts_diags *diags)
{
    if (!ts_file_exists(path)) {
        return ts_study_db_make(out, path, diags);
    }
    if (!resumes) {
        return ts_fail(diags, TS_EUSAGE, ts_span_file(path), "add --resume to finish it, or take another file with -o",
                       "there is a study of that name");
    }
    struct ts_study_db *db = NULL;
    enum ts_status status = open_file(&db, path, SQLITE_OPEN_READWRITE, diags);
    int64_t n_tables = 0;
    if (status == TS_OK) {
        status = ts_study_db_number(&n_tables, db, "SELECT count(*) FROM sqlite_master", diags);
    }
    if (status == TS_OK) { /* one that ended in its first moment has none yet */
        status = n_tables == 0 ? make_tables(db, diags) : check_kind(db, diags);
    }
    if (status != TS_OK) {
        ts_study_db_close(db);
        return status;
    }
    *out = db;
    return TS_OK;
}

enum ts_status ts_study_db_open(struct ts_study_db **out, const char *path, const struct ts_study_head *head,
                                bool resumes, struct ts_diags *diags)
{
    struct ts_study_db *db = NULL;
    enum ts_status status = open_any(&db, path, resumes, diags);
    if (status != TS_OK) {
        return status;
    }
    db->design = head->design;
    status = check_fingerprint(db, head->fingerprint, diags);
    if (status == TS_OK) {
        status = ts_study_db_run(db, "BEGIN", diags);
    }
    if (status == TS_OK) {
        status = tell_head(db, head, diags);
    }
    if (status == TS_OK) {
        status = tell_axes(db, head->design->spec, diags);
    }
    if (status == TS_OK) {
        status = place_points(db, head->design, diags);
    }
    if (status == TS_OK) {
        status = ts_study_db_run(db, "COMMIT", diags);
    }
    if (status != TS_OK) {
        ts_study_db_close(db);
        return status;
    }
    *out = db;
    return TS_OK;
}

/* ---- points ---- */

enum ts_status ts_study_db_has(bool *has, struct ts_study_db *db, uint32_t position, struct ts_diags *diags)
{
    sqlite3_stmt *query = statement(db, TS_STUDY_HAS);
    (void)sqlite3_bind_int64(query, 1, position);
    const int code = query ? sqlite3_step(query) : SQLITE_NOMEM;
    *has = code == SQLITE_ROW;
    (void)sqlite3_reset(query);
    return code == SQLITE_ROW || code == SQLITE_DONE ? TS_OK : ts_study_db_fail(db, diags);
}

/* < 0: it could not be had. */
static int64_t figure_number(struct ts_study_db *db, const struct ts_point_row *row)
{
    sqlite3_stmt *find = statement(db, TS_STUDY_FIND_FIGURE), *put;
    bind_text(db, find, 1, row->subject);
    bind_text(db, find, 2, row->metric->name);
    bind_text(db, find, 3, row->metric->stat);
    const int code = find ? sqlite3_step(find) : SQLITE_NOMEM;
    const int64_t known = code == SQLITE_ROW ? sqlite3_column_int64(find, 0) : -1;
    (void)sqlite3_reset(find);
    if (code != SQLITE_DONE) {
        return known;
    }
    put = statement(db, TS_STUDY_PUT_FIGURE);
    (void)sqlite3_bind_int64(put, 1, row->rank);
    bind_text(db, put, 2, row->subject);
    bind_text(db, put, 3, row->metric->name);
    bind_text(db, put, 4, row->metric->stat);
    bind_text(db, put, 5, row->metric->unit);
    return done(db, put) ? sqlite3_last_insert_rowid(db->db) : -1;
}

static bool put_results(struct ts_study_db *db, int64_t point, const struct ts_point_outcome *outcome)
{
    sqlite3_stmt *put = statement(db, TS_STUDY_PUT_RESULT);
    bool good = true;
    for (uint32_t i = 0; good && i < outcome->n_rows; i++) {
        const struct ts_point_row *row = &outcome->rows[i];
        if (isnan(row->value)) {
            continue;
        }
        const int64_t figure = figure_number(db, row);
        (void)sqlite3_bind_int64(put, 1, point);
        (void)sqlite3_bind_int64(put, 2, figure);
        bind_number(put, 3, row->value);
        bind_number(put, 4, row->half);
        good = figure >= 0 && done(db, put);
    }
    return good;
}

static bool put_settings(struct ts_study_db *db, int64_t point, uint32_t position)
{
    sqlite3_stmt *put = statement(db, TS_STUDY_PUT_SETTING);
    const char *const *settings = ts_design_point(db->design, position);
    bool good = true;
    for (uint32_t a = 0; good && a < db->design->spec->n_axes; a++) {
        (void)sqlite3_bind_int64(put, 1, point);
        bind_text(db, put, 2, db->design->spec->axes[a].key);
        bind_text(db, put, 3, strchr(settings[a], '=') + 1);
        good = done(db, put);
    }
    return good;
}

static bool put_point(struct ts_study_db *db, uint32_t position, enum ts_point_fate fate,
                      const struct ts_point_outcome *outcome, const char *why_not)
{
    static const char *const words[TS_POINT_N_FATES] = {"done", "impossible", "stopped"};
    const bool is_done = fate == TS_POINT_DONE;
    sqlite3_stmt *put = statement(db, TS_STUDY_PUT_POINT);
    struct ts_text key;
    ts_text_init(&key);
    ts_design_put_key(&key, db->design, position);
    (void)sqlite3_clear_bindings(put);
    (void)sqlite3_bind_int64(put, 1, position);
    bind_text(db, put, 2, key.data);
    bind_text(db, put, 3, words[fate]);
    if (is_done) {
        (void)sqlite3_bind_int64(put, 5, outcome->n_replications);
        (void)sqlite3_bind_int64(put, 6, outcome->n_limits_missed);
        bind_text(db, put, 7, outcome->missed);
        (void)sqlite3_bind_int64(put, 8, outcome->keeps_slo);
    } else {
        bind_text(db, put, 4, why_not);
    }
    bool good = !key.failed && done(db, put);
    const int64_t point = sqlite3_last_insert_rowid(db->db);
    good = good && put_settings(db, point, position) && (!is_done || put_results(db, point, outcome));
    ts_text_deinit(&key);
    return good;
}

enum ts_status ts_study_db_put(struct ts_study_db *db, uint32_t position, enum ts_point_fate fate,
                               const struct ts_point_outcome *outcome, const char *why_not, struct ts_diags *diags)
{
    enum ts_status status = ts_study_db_run(db, "BEGIN", diags);
    if (status != TS_OK) {
        return status;
    }
    status = put_point(db, position, fate, outcome, why_not) ? ts_study_db_run(db, "COMMIT", diags)
                                                             : ts_study_db_fail(db, diags);
    if (status != TS_OK && !sqlite3_get_autocommit(db->db)) {
        (void)sqlite3_exec(db->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

/* ---- what came of it ---- */

enum ts_status ts_study_db_figure(double *out, struct ts_study_db *db, uint32_t position, const char *subject,
                                  const char *name, const char *stat)
{
    sqlite3_stmt *query = statement(db, TS_STUDY_GET_RESULT);
    (void)sqlite3_bind_int64(query, 1, position);
    bind_text(db, query, 2, subject);
    bind_text(db, query, 3, name);
    bind_text(db, query, 4, stat);
    const int code = query ? sqlite3_step(query) : SQLITE_NOMEM;
    *out = code == SQLITE_ROW ? sqlite3_column_double(query, 0) : NAN;
    (void)sqlite3_reset(query);
    return code == SQLITE_ROW || code == SQLITE_DONE ? TS_OK : ts_study_db_fail(db, NULL);
}

enum ts_status ts_study_db_settings(const char *const **out, uint32_t *n, struct ts_study_db *db, uint32_t position,
                                    struct ts_arena *arena)
{
    sqlite3_stmt *query = statement(db, TS_STUDY_GET_SETTINGS);
    const char **pairs = ts_arena_array(arena, 2 * (size_t)TS_MAX_AXES, sizeof *pairs);
    (void)sqlite3_bind_int64(query, 1, position);
    int code = query && pairs ? SQLITE_ROW : SQLITE_NOMEM;
    for (*n = 0; code == SQLITE_ROW && (code = sqlite3_step(query)) == SQLITE_ROW && *n < TS_MAX_AXES; (*n)++) {
        const char *key = (const char *)sqlite3_column_text(query, 0);
        const char *value = (const char *)sqlite3_column_text(query, 1);
        pairs[2 * *n] = ts_arena_strdup(arena, key ? key : "");
        pairs[2 * *n + 1] = ts_arena_strdup(arena, value ? value : "");
        code = key && value && !arena->failed ? code : SQLITE_NOMEM;
    }
    (void)sqlite3_reset(query);
    *out = pairs;
    return code == SQLITE_DONE ? TS_OK : arena->failed ? TS_ENOMEM : ts_study_db_fail(db, NULL);
}

enum ts_status ts_study_db_put_settings(struct ts_text *out, struct ts_study_db *db, uint32_t position)
{
    const char *const *pairs;
    struct ts_arena arena;
    uint32_t n = 0;
    ts_arena_init(&arena);
    const enum ts_status status = ts_study_db_settings(&pairs, &n, db, position, &arena);
    for (uint32_t i = 0; status == TS_OK && i < n; i++) {
        ts_text_printf(out, "%s%s=%s", i > 0 ? " " : "", pairs[2 * i], pairs[2 * i + 1]);
    }
    ts_arena_deinit(&arena);
    return status;
}

enum ts_status ts_study_db_counts(struct ts_study_counts *out, struct ts_study_db *db, struct ts_diags *diags)
{
    static const char *const queries[] = {
        "SELECT value FROM study WHERE name = 'points'",
        "SELECT count(*) FROM points WHERE position IS NOT NULL AND status = 'done'",
        "SELECT count(*) FROM points WHERE position IS NOT NULL AND status = 'impossible'",
        "SELECT count(*) FROM points WHERE position IS NOT NULL AND status = 'stopped'",
    };
    int64_t n[4] = {0};
    enum ts_status status = TS_OK;
    for (int i = 0; status == TS_OK && i < 4; i++) {
        status = ts_study_db_number(&n[i], db, queries[i], diags);
    }
    *out = (struct ts_study_counts){(uint32_t)n[0], (uint32_t)n[1], (uint32_t)n[2], (uint32_t)n[3]};
    return status;
}

enum ts_status ts_study_db_best(struct ts_study_place *out, uint32_t *n, uint32_t max, struct ts_study_db *db,
                                const struct ts_study_goal *goal, bool eligible, struct ts_diags *diags)
{
    sqlite3_stmt *query = NULL;
    char *sql =
        sqlite3_mprintf("SELECT position, value FROM points JOIN results USING(point) JOIN figures USING(figure)"
                        " WHERE position IS NOT NULL AND tier = ? AND metric = ? AND stat = ?%s"
                        " ORDER BY value %s, position LIMIT ?",
                        eligible ? " AND limits_missed = 0 AND slo_kept = 1" : "", goal->most ? "DESC" : "ASC");
    *n = 0;
    if (!sql) {
        return TS_ENOMEM;
    }
    enum ts_status status =
        sqlite3_prepare_v2(db->db, sql, -1, &query, NULL) == SQLITE_OK ? TS_OK : ts_study_db_fail(db, diags);
    if (status == TS_OK) {
        bind_text(db, query, 1, goal->subject);
        bind_text(db, query, 2, goal->name);
        bind_text(db, query, 3, goal->stat);
        (void)sqlite3_bind_int64(query, 4, max);
    }
    while (status == TS_OK && *n < max && sqlite3_step(query) == SQLITE_ROW) {
        out[(*n)++] =
            (struct ts_study_place){(uint32_t)sqlite3_column_int64(query, 0), sqlite3_column_double(query, 1)};
    }
    if (sqlite3_finalize(query) != SQLITE_OK && status == TS_OK) {
        status = ts_study_db_fail(db, diags);
    }
    sqlite3_free(sql);
    return status;
}
