/* A study's file: one SQLite database that points stream into, a transaction each. Whatever ends the program loses at
 * most what had not been put yet. One process at a time has it open. docs/STUDIES.md shows the tables.
 *
 * A point is known by its content, its settings: a study that is opened again with another design has what it had, and
 * only what is new is run. Its points stand at the positions of that design; those that it has not stay without one,
 * and are not exported. */
#ifndef TS_STUDY_STUDY_DB_H
#define TS_STUDY_STUDY_DB_H

#include "study/design.h"
#include "study/point.h"

struct ts_study_db;

/* What a study is about. Strings are borrowed. */
struct ts_study_head {
    const char *fingerprint; /* study/fingerprint.h */
    const struct ts_design *design;
    uint32_t shard, n_shards; /* which of how many parts of the design; 0 of 1: all */
    const char *scenario;     /* its name */
    const char *command;      /* as typed */
    const char *created;      /* ISO 8601 */
    const char *host;
};

/* Opens the study at `path`, which begins if there is none. With one there: TS_EUSAGE unless `resumes`; TS_EINPUT if it
 * is no study, or one of another fingerprint; its points take the positions of the head's design. TS_EIO: what SQLite
 * says, also that another process has it open. */
enum ts_status ts_study_db_open(struct ts_study_db **out, const char *path, const struct ts_study_head *head,
                                bool resumes, struct ts_diags *diags);
/* Opens one that is there, as it is. */
enum ts_status ts_study_db_open_old(struct ts_study_db **out, const char *path, struct ts_diags *diags);
/* Makes one file of it. NULL is fine. */
void ts_study_db_close(struct ts_study_db *db);

/* Does it have the point at that position? */
enum ts_status ts_study_db_has(bool *has, struct ts_study_db *db, uint32_t position, struct ts_diags *diags);

enum ts_point_fate {
    TS_POINT_DONE,
    TS_POINT_IMPOSSIBLE, /* the scenario refuses it */
    TS_POINT_STOPPED,    /* early: it has certainly missed what is wanted */
    TS_POINT_N_FATES
};

/* Puts a point of the head's design: what it came to, or (of one that is not done) why it has no figures. TS_EIO. */
enum ts_status ts_study_db_put(struct ts_study_db *db, uint32_t position, enum ts_point_fate fate,
                               const struct ts_point_outcome *outcome, const char *why_not, struct ts_diags *diags);

/* A figure that points are compared by. */
struct ts_study_goal {
    const char *subject, *name, *stat; /* "all", "cost", "total" */
    bool most;                         /* the most of it, else the least */
};

struct ts_study_place {
    uint32_t position;
    double value;
};

/* The best points with a place in the design, at most `max`, those of equal value by position; eligible: only those
 * that keep the limits and the wanted attainment. */
enum ts_status ts_study_db_best(struct ts_study_place *out, uint32_t *n, uint32_t max, struct ts_study_db *db,
                                const struct ts_study_goal *goal, bool eligible, struct ts_diags *diags);

/* A figure of a point; NaN: it has none. */
enum ts_status ts_study_db_figure(double *out, struct ts_study_db *db, uint32_t position, const char *subject,
                                  const char *name, const char *stat);
/* The settings of a point in the order of axes, *n pairs of key and value one after the other; in `arena`. */
enum ts_status ts_study_db_settings(const char *const **out, uint32_t *n, struct ts_study_db *db, uint32_t position,
                                    struct ts_arena *arena);
/* The settings of a point, with blanks between. */
enum ts_status ts_study_db_put_settings(struct ts_text *out, struct ts_study_db *db, uint32_t position);

struct ts_study_counts {
    uint32_t n_design; /* points of the whole design */
    uint32_t n_done, n_impossible, n_stopped;
};
enum ts_status ts_study_db_counts(struct ts_study_counts *out, struct ts_study_db *db, struct ts_diags *diags);

/* Every point of the design, a row each in its order: point, axes, status, limits, figures; the same bytes however the
 * study came about. */
enum ts_status ts_study_db_csv(struct ts_study_db *db, const char *path, struct ts_diags *diags);

/* Puts studies of parts of one design together into a new one at `path`: TS_EINPUT with a diagnostic if fingerprints or
 * designs differ, if a point is in two of them, or missing in all. */
enum ts_status ts_study_db_merge(const char *path, const char *const *parts, size_t n_parts, struct ts_diags *diags);

#endif
