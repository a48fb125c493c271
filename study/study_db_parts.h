/* What the two files that know SQLite share. */
#ifndef TS_STUDY_STUDY_DB_PARTS_H
#define TS_STUDY_STUDY_DB_PARTS_H

#include "study/study_db.h"

struct sqlite3;
struct sqlite3_stmt;

enum ts_study_statement {
    TS_STUDY_HAS,
    TS_STUDY_PUT_POINT,
    TS_STUDY_PUT_SETTING,
    TS_STUDY_PUT_FIGURE,
    TS_STUDY_FIND_FIGURE,
    TS_STUDY_PUT_RESULT,
    TS_STUDY_GET_RESULT,
    TS_STUDY_GET_SETTINGS,
    TS_STUDY_N_STATEMENTS
};

struct ts_study_db {
    struct sqlite3 *db;
    struct sqlite3_stmt *statements[TS_STUDY_N_STATEMENTS]; /* NULL: not prepared yet */
    char *path;
    bool unbound;                   /* a text found no memory: nothing more is put */
    const struct ts_design *design; /* NULL: of an old one */
};

/* TS_EIO with what SQLite says; TS_ENOMEM if that is it. */
enum ts_status ts_study_db_fail(const struct ts_study_db *db, struct ts_diags *diags);
/* Runs statements without results. */
enum ts_status ts_study_db_run(struct ts_study_db *db, const char *sql, struct ts_diags *diags);
/* Makes an empty study at `path`, which nothing is at. */
enum ts_status ts_study_db_make(struct ts_study_db **out, const char *path, struct ts_diags *diags);
/* The number that a query gives; 0: no row. */
enum ts_status ts_study_db_number(int64_t *out, struct ts_study_db *db, const char *sql, struct ts_diags *diags);
/* What the study says of itself under that name; "" if nothing. free() it; NULL: out of memory. */
char *ts_study_db_about(struct ts_study_db *db, const char *schema, const char *name);

#endif
