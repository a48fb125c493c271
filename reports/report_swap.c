/* Hides the order of the steps, and how far a run that died had come:
 *
 *   old/   new/manifest.json   dir
 *   -      any                 -      no swap had begun
 *   yes    yes                 gone   between the two renames of a folder: old/ goes back
 *   yes    yes                 there  amid the files: what came is taken out, what went is put back
 *   yes    gone                there  all is in place: old/ is left over
 *
 * To exchange, the fresh report is renamed to old/ first: whatever happens then, old/ is what is not wanted. */
#include "reports/report_swap.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/exchange.h"
#include "base/file.h"
#include "reports/report_names.h"

/* ---- paths ---- */

struct paths {
    char *fresh, *old;
};

static bool paths_init(struct paths *out, const struct ts_report_swap *swap)
{
    *out = (struct paths){ts_path_join(swap->scratch, "new"), ts_path_join(swap->scratch, "old")};
    return out->fresh && out->old;
}

static void paths_deinit(struct paths *paths)
{
    free(paths->fresh);
    free(paths->old);
}

static bool has_file(const char *dir, const char *name)
{
    char *path = ts_path_join(dir, name);
    struct stat info;
    const bool has = path && lstat(path, &info) == 0;
    free(path);
    return has;
}

/* 0 or an error. */
static int move(const char *from_dir, const char *to_dir, const char *name)
{
    char *from = ts_path_join(from_dir, name), *to = ts_path_join(to_dir, name);
    const int error = !from || !to ? ENOMEM : rename(from, to) == 0 ? 0 : errno;
    free(from);
    free(to);
    return error;
}

static void remove_file(const char *dir, const char *name)
{
    char *path = ts_path_join(dir, name);
    if (path) {
        unlink(path);
    }
    free(path);
}

static enum ts_status fail(struct ts_diags *diags, const char *path, int error)
{
    return ts_fail_errno(diags, path, "cannot put the finished report in place", error);
}

/* ---- the folder as a whole ---- */

static int go_and_come(const struct paths *paths, const char *dir)
{
    if (rename(dir, paths->old) != 0) {
        return errno;
    }
    if (rename(paths->fresh, dir) == 0) {
        return 0;
    }
    const int error = errno;
    (void)rename(paths->old, dir);
    return error;
}

static int swap_folder(const struct paths *paths, const char *dir)
{
    if (!ts_dir_exists(dir)) {
        return rename(paths->fresh, dir) == 0 ? 0 : errno;
    }
    if (rename(paths->fresh, paths->old) != 0) {
        return errno;
    }
    const enum ts_exchange_outcome outcome = ts_exchange(paths->old, dir);
    const int error = errno;
    if (outcome == TS_EXCHANGE_DONE) {
        return 0;
    }
    if (rename(paths->old, paths->fresh) != 0) {
        return errno;
    }
    return outcome == TS_EXCHANGE_UNSUPPORTED ? go_and_come(paths, dir) : error;
}

enum ts_status ts_report_swap_folder(const struct ts_report_swap *swap, struct ts_diags *diags)
{
    struct paths paths;
    const int error = paths_init(&paths, swap) ? swap_folder(&paths, swap->dir) : ENOMEM;
    paths_deinit(&paths);
    return error == 0 ? TS_OK : fail(diags, swap->dir, error);
}

/* ---- its files ---- */

/* Takes out what came of `fresh`, and puts back what went. */
static void undo_files(const struct paths *paths, const char *dir, const struct ts_names *fresh)
{
    struct ts_names old;
    for (size_t i = 0; i < fresh->n; i++) {
        if (!has_file(paths->fresh, fresh->items[i])) {
            (void)move(dir, paths->fresh, fresh->items[i]);
        }
    }
    if (ts_names_of_folder(&old, paths->old, NULL) == TS_OK) {
        for (size_t i = 0; i < old.n; i++) {
            (void)move(paths->old, dir, old.items[i]);
        }
        ts_names_deinit(&old);
    }
    rmdir(paths->old);
}

static int move_old(const struct paths *paths, const char *dir, const struct ts_names *there,
                    const struct ts_names *listed)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < there->n; i++) {
        if (ts_report_names_have(listed, there->items[i])) {
            error = move(dir, paths->old, there->items[i]);
        }
    }
    return error;
}

static int move_fresh(const struct paths *paths, const char *dir, const struct ts_names *fresh)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < fresh->n; i++) {
        if (!ts_str_equal(fresh->items[i], ts_report_manifest_name)) {
            error = move(paths->fresh, dir, fresh->items[i]);
        }
    }
    return error == 0 ? move(paths->fresh, dir, ts_report_manifest_name) : error;
}

static int swap_files(const struct paths *paths, const char *dir, const struct ts_names *fresh,
                      const struct ts_names *there, const struct ts_names *listed)
{
    if (mkdir(paths->old, 0700) != 0) {
        return errno;
    }
    int error = move_old(paths, dir, there, listed);
    error = error == 0 ? move_fresh(paths, dir, fresh) : error;
    if (error != 0) {
        undo_files(paths, dir, fresh);
    }
    return error;
}

enum ts_status ts_report_swap_files(const struct ts_report_swap *swap, struct ts_diags *diags)
{
    struct paths paths;
    struct ts_names fresh = {.n = 0}, there = {.n = 0}, listed = {.n = 0};
    bool is_report = false;
    enum ts_status status = paths_init(&paths, swap) ? TS_OK : TS_ENOMEM;
    if (status == TS_OK) {
        status = ts_names_of_folder(&fresh, paths.fresh, diags);
    }
    if (status == TS_OK) {
        status = ts_names_of_folder(&there, swap->dir, diags);
    }
    if (status == TS_OK) {
        status = ts_report_names_read(&listed, &is_report, swap->dir, diags);
    }
    if (status == TS_OK) {
        const int error = swap_files(&paths, swap->dir, &fresh, &there, &listed);
        status = error == 0 ? TS_OK : fail(diags, swap->dir, error);
    }
    ts_names_deinit(&listed);
    ts_names_deinit(&there);
    ts_names_deinit(&fresh);
    paths_deinit(&paths);
    return status;
}

/* ---- afterwards ---- */

static void recover(const struct paths *paths, const char *dir)
{
    struct ts_names fresh;
    bool is_report = false;
    if (!ts_dir_exists(paths->old)) {
        return;
    }
    if (!ts_dir_exists(dir)) {
        (void)rename(paths->old, dir);
    } else if (has_file(paths->fresh, ts_report_manifest_name) &&
               ts_report_names_read(&fresh, &is_report, paths->fresh, NULL) == TS_OK) {
        undo_files(paths, dir, &fresh);
        ts_names_deinit(&fresh);
    }
}

void ts_report_swap_recover(const struct ts_report_swap *swap)
{
    struct paths paths;
    if (paths_init(&paths, swap)) {
        recover(&paths, swap->dir);
    }
    paths_deinit(&paths);
    ts_report_swap_clear(swap);
}

/* What is no report's goes back, unless there is something of that name by now. */
static void clear_old(const char *old, const char *dir)
{
    struct ts_names there, listed;
    bool is_report = false;
    if (ts_names_of_folder(&there, old, NULL) != TS_OK) {
        return;
    }
    if (ts_report_names_read(&listed, &is_report, old, NULL) == TS_OK) {
        for (size_t i = 0; i < there.n; i++) {
            if (ts_report_names_have(&listed, there.items[i])) {
                remove_file(old, there.items[i]);
            } else if (!has_file(dir, there.items[i])) {
                (void)move(old, dir, there.items[i]);
            }
        }
        ts_names_deinit(&listed);
    }
    ts_names_deinit(&there);
    rmdir(old);
}

static void clear_fresh(const char *fresh)
{
    struct ts_names there;
    if (ts_names_of_folder(&there, fresh, NULL) == TS_OK) {
        for (size_t i = 0; i < there.n; i++) {
            remove_file(fresh, there.items[i]);
        }
        ts_names_deinit(&there);
    }
    rmdir(fresh);
}

void ts_report_swap_clear(const struct ts_report_swap *swap)
{
    struct paths paths;
    if (paths_init(&paths, swap)) {
        clear_old(paths.old, swap->dir);
        clear_fresh(paths.fresh);
        rmdir(swap->scratch);
    }
    paths_deinit(&paths);
}
