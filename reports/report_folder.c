/* Hides where the scratch folder and the locks are. Scratch: beside the place, as .NAME.tiersim- and six letters, so
 * that the two can change places; inside it if the place is a mount or its parent is not ours to write. Locks: a file
 * beside the place, .NAME.tiersim-lock, since the place may be missing, and the place itself, since it may be reached
 * by another way (a mount in a container). Whoever holds them knows that a scratch folder there is nobody's any more.
 */
#include "reports/report_folder.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "reports/report_names.h"
#include "reports/report_swap.h"

#define SCRATCH_MARK ".tiersim-"
#define SCRATCH_TEMPLATE SCRATCH_MARK "\x58\x58\x58\x58\x58\x58" /* X six times, for mkdtemp */

enum { N_LETTERS = 6 };

static enum ts_status out_of_memory(const struct ts_report_folder *folder, struct ts_diags *diags)
{
    return ts_fail_errno(diags, folder->dir ? folder->dir : "report", "cannot write a report here", ENOMEM);
}

/* ---- names ---- */

/* The place's sibling ".NAME" + `end`, free() it. */
static char *sibling(const struct ts_report_folder *folder, const char *end)
{
    struct ts_text name;
    char *parent = ts_path_dir(folder->dir);
    ts_text_init(&name);
    ts_text_printf(&name, ".%s%s", ts_path_base(folder->dir), end);
    char *path = parent && !name.failed ? ts_path_join(parent, name.data) : NULL;
    ts_text_deinit(&name);
    free(parent);
    return path;
}

static char *without_trailing_slashes(const char *dir)
{
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/') {
        len--;
    }
    return strndup(dir, len);
}

/* The first of the folders on the way to `path` that is missing, free() it; NULL if none is. */
static char *first_missing(const char *path)
{
    for (size_t len = 1; len <= strlen(path); len++) {
        if (path[len] == '/' || path[len] == '\0') {
            char *prefix = strndup(path, len);
            if (!prefix || !ts_dir_exists(prefix)) {
                return prefix;
            }
            free(prefix);
        }
    }
    return NULL;
}

/* The place by its real name; its parent is made. */
static enum ts_status find_place(struct ts_report_folder *folder, const char *dir, struct ts_diags *diags)
{
    char *named = without_trailing_slashes(dir[0] != '\0' ? dir : ".");
    char *parent = named ? ts_path_dir(named) : NULL, *real = NULL;
    enum ts_status status = parent ? TS_OK : out_of_memory(folder, diags);
    if (status == TS_OK && ts_file_exists(named)) {
        status = ts_fail(diags, TS_EIO, ts_span_file(named), "give the name of a folder",
                         "cannot write a report here: it is a file");
    } else if (status == TS_OK && ts_dir_exists(named)) {
        folder->dir = realpath(named, NULL);
        status = folder->dir ? TS_OK : ts_fail_errno(diags, named, "cannot write a report here", errno);
    } else if (status == TS_OK) {
        folder->made = first_missing(parent);
        status = ts_mkdirs(parent, diags);
        real = status == TS_OK ? realpath(parent, NULL) : NULL;
        folder->dir = real ? ts_path_join(real, ts_path_base(named)) : NULL;
        status = status != TS_OK || folder->dir ? status : out_of_memory(folder, diags);
    }
    free(real);
    free(parent);
    free(named);
    return status;
}

/* ---- locks ---- */

static enum ts_status fail_busy(const char *path, struct ts_diags *diags)
{
    return ts_fail(diags, TS_EIO, ts_span_file(path), "wait for it, or name another folder: -o DIR",
                   "another run is writing here");
}

static enum ts_status judge_lock(const struct ts_report_folder *folder, enum ts_lock_outcome outcome,
                                 struct ts_diags *diags)
{
    switch (outcome) {
    case TS_LOCK_TAKEN:
    case TS_LOCK_UNSUPPORTED:
        break;
    case TS_LOCK_BUSY:
        return fail_busy(folder->dir, diags);
    case TS_LOCK_FAILED:
        return ts_fail_errno(diags, folder->dir, "cannot write a report here", errno);
    }
    return TS_OK;
}

static void warn_without_locks(const struct ts_report_folder *folder, struct ts_diags *diags)
{
    if (folder->beside.fd < 0 && folder->itself.fd < 0) {
        ts_diags_add(diags, TS_WARNING, ts_span_file(folder->dir), "let one run at a time write there",
                     "this file system has no locks: another run that writes here would not be noticed");
    }
}

/* The parent of a place that is there need not be ours to write. */
static enum ts_status lock_beside(struct ts_report_folder *folder, struct ts_diags *diags)
{
    char *path = sibling(folder, ".tiersim-lock");
    if (!path) {
        return out_of_memory(folder, diags);
    }
    const enum ts_lock_outcome outcome = ts_lock_file(&folder->beside, path);
    const int error = errno;
    const bool barred = outcome == TS_LOCK_FAILED && (error == EACCES || error == EPERM || error == EROFS);
    free(path);
    if (barred && ts_dir_exists(folder->dir)) {
        return TS_OK;
    }
    errno = error;
    return judge_lock(folder, outcome, diags);
}

/* ---- what runs that died left ---- */

static bool is_scratch(const char *name, const char *prefix)
{
    return ts_str_has_prefix(name, prefix) && strlen(name) == strlen(prefix) + N_LETTERS;
}

/* Of the scratch folders in `where` whose names begin with `prefix`. */
static void collect(const struct ts_report_folder *folder, const char *where, const char *prefix)
{
    struct ts_names names;
    if (ts_names_of_folder(&names, where, NULL) != TS_OK) {
        return;
    }
    for (size_t i = 0; i < names.n; i++) {
        char *scratch = is_scratch(names.items[i], prefix) ? ts_path_join(where, names.items[i]) : NULL;
        if (scratch && ts_dir_exists(scratch)) {
            ts_report_swap_recover(&(struct ts_report_swap){.dir = folder->dir, .scratch = scratch});
        }
        free(scratch);
    }
    ts_names_deinit(&names);
}

static enum ts_status collect_beside(const struct ts_report_folder *folder, struct ts_diags *diags)
{
    char *prefix = sibling(folder, SCRATCH_MARK), *parent = ts_path_dir(folder->dir);
    const enum ts_status status = prefix && parent ? TS_OK : out_of_memory(folder, diags);
    if (status == TS_OK && folder->beside.fd >= 0) {
        collect(folder, parent, ts_path_base(prefix));
    }
    free(parent);
    free(prefix);
    return status;
}

/* ---- what is there ---- */

static bool is_plain_file(const struct ts_report_folder *folder, const char *name)
{
    struct stat info;
    char *path = ts_path_join(folder->dir, name);
    const bool plain = path && lstat(path, &info) == 0 && S_ISREG(info.st_mode);
    free(path);
    return plain;
}

/* A file of a report's name that no report wrote is the user's, and so is a link or a folder: nothing may take its
 * place. */
static enum ts_status check_contents(const struct ts_report_folder *folder, struct ts_diags *diags)
{
    struct ts_names there, listed;
    bool is_report = false;
    enum ts_status status = ts_names_of_folder(&there, folder->dir, diags);
    if (status != TS_OK) {
        return status;
    }
    status = ts_report_names_read(&listed, &is_report, folder->dir, diags);
    for (size_t i = 0; status == TS_OK && i < there.n; i++) {
        const char *name = there.items[i];
        if (ts_report_names_have(&listed, name) && (!is_report || !is_plain_file(folder, name))) {
            status = ts_fail(diags, TS_EIO, ts_span_file(folder->dir), "name another folder with -o, or move the file",
                             "cannot write a report here: '%s' is in the way, and %s", name,
                             is_report ? "it is no file" : "no report's manifest.json is beside it");
        }
    }
    ts_names_deinit(&listed);
    ts_names_deinit(&there);
    return status;
}

/* Whoever works in a folder must not find himself in one that is gone. */
static bool is_working_folder(const struct ts_report_folder *folder)
{
    struct stat place, here;
    return stat(folder->dir, &place) == 0 && stat(".", &here) == 0 && place.st_dev == here.st_dev &&
           place.st_ino == here.st_ino;
}

/* Does it hold nothing but a report? */
static bool is_only_report(const struct ts_report_folder *folder)
{
    struct ts_names there, listed;
    bool is_report = false;
    if (ts_names_of_folder(&there, folder->dir, NULL) != TS_OK) {
        return false;
    }
    bool only = ts_report_names_read(&listed, &is_report, folder->dir, NULL) == TS_OK;
    for (size_t i = 0; i < there.n; i++) {
        only = only && is_report && ts_report_names_have(&listed, there.items[i]);
    }
    ts_names_deinit(&listed);
    ts_names_deinit(&there);
    return only;
}

/* ---- life ---- */

static enum ts_status lock_and_look(struct ts_report_folder *folder, struct ts_diags *diags)
{
    enum ts_status status = lock_beside(folder, diags);
    if (status == TS_OK) {
        status = collect_beside(folder, diags);
    }
    const bool is_there = ts_dir_exists(folder->dir);
    if (status == TS_OK && is_there) {
        status = judge_lock(folder, ts_lock_folder(&folder->itself, folder->dir), diags);
    }
    if (status != TS_OK) {
        return status;
    }
    warn_without_locks(folder, diags);
    if (folder->itself.fd >= 0) {
        collect(folder, folder->dir, SCRATCH_MARK);
    }
    return is_there ? check_contents(folder, diags) : TS_OK;
}

enum ts_status ts_report_folder_open(struct ts_report_folder *out, const char *dir, struct ts_diags *diags)
{
    *out = (struct ts_report_folder){.beside.fd = -1, .itself.fd = -1};
    enum ts_status status = find_place(out, dir, diags);
    if (status == TS_OK) {
        status = lock_and_look(out, diags);
    }
    if (status != TS_OK) {
        ts_report_folder_close(out);
    }
    return status;
}

/* In the place if it is there, and then beside it: that works if both are on one file system and none is a mount. */
static char *make_scratch(struct ts_report_folder *folder)
{
    char *beside = sibling(folder, SCRATCH_TEMPLATE), *inside = ts_path_join(folder->dir, SCRATCH_TEMPLATE);
    char *made = NULL;
    folder->is_beside = true;
    if (beside && inside && ts_dir_exists(folder->dir) && mkdtemp(inside)) {
        memcpy(beside + strlen(beside) - N_LETTERS, inside + strlen(inside) - N_LETTERS, N_LETTERS);
        folder->is_beside = rename(inside, beside) == 0;
        made = folder->is_beside ? beside : inside;
    } else if (beside && inside && mkdtemp(beside)) {
        made = beside;
    }
    const int error = beside && inside ? errno : ENOMEM;
    free(made == beside ? inside : beside);
    if (!made) {
        free(inside);
    }
    errno = error;
    return made;
}

enum ts_status ts_report_folder_begin(struct ts_report_folder *folder, struct ts_diags *diags)
{
    folder->scratch = make_scratch(folder);
    if (!folder->scratch) {
        return ts_fail_errno(diags, folder->dir, "cannot create the report's folder", errno);
    }
    folder->fresh = ts_path_join(folder->scratch, "new");
    if (!folder->fresh) {
        return out_of_memory(folder, diags);
    }
    return mkdir(folder->fresh, 0777) == 0
               ? TS_OK
               : ts_fail_errno(diags, folder->dir, "cannot create the report's folder", errno);
}

/* Every file, and their names. */
static enum ts_status sync_fresh(const struct ts_report_folder *folder, struct ts_diags *diags)
{
    struct ts_names names;
    enum ts_status status = ts_names_of_folder(&names, folder->fresh, diags);
    if (status != TS_OK) {
        return status;
    }
    for (size_t i = 0; status == TS_OK && i < names.n; i++) {
        char *path = ts_path_join(folder->fresh, names.items[i]);
        status = path ? ts_sync(path, diags) : out_of_memory(folder, diags);
        free(path);
    }
    ts_names_deinit(&names);
    status = status == TS_OK ? ts_sync(folder->fresh, diags) : status;
    return status == TS_OK ? ts_sync(folder->scratch, diags) : status;
}

static enum ts_status sync_place(const struct ts_report_folder *folder, struct ts_diags *diags)
{
    char *parent = ts_path_dir(folder->dir);
    enum ts_status status = parent ? ts_sync(folder->dir, diags) : out_of_memory(folder, diags);
    status = status == TS_OK ? ts_sync(parent, diags) : status;
    free(parent);
    return status;
}

/* The place keeps its permissions. */
static void keep_mode(const struct ts_report_folder *folder)
{
    struct stat info;
    if (stat(folder->dir, &info) == 0) {
        (void)chmod(folder->fresh, info.st_mode & 0777);
    }
}

enum ts_status ts_report_folder_commit(struct ts_report_folder *folder, struct ts_diags *diags)
{
    const struct ts_report_swap swap = {.dir = folder->dir, .scratch = folder->scratch};
    enum ts_status status = sync_fresh(folder, diags);
    if (status == TS_OK && folder->itself.fd >= 0 && !ts_lock_is_of(&folder->itself, folder->dir)) {
        status = fail_busy(folder->dir, diags);
    }
    const bool as_whole =
        !ts_dir_exists(folder->dir) || (folder->is_beside && is_only_report(folder) && !is_working_folder(folder));
    if (status == TS_OK && as_whole) {
        keep_mode(folder);
        status = ts_report_swap_folder(&swap, diags);
    } else if (status == TS_OK) {
        status = ts_report_swap_files(&swap, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    folder->committed = true;
    return sync_place(folder, diags);
}

/* The parents that were made for a report that did not come. */
static void remove_parents(const struct ts_report_folder *folder)
{
    char *made = realpath(folder->made, NULL);
    char *path = made ? ts_path_dir(folder->dir) : NULL;
    while (path && strlen(path) >= strlen(made) && rmdir(path) == 0) {
        char *above = ts_path_dir(path);
        free(path);
        path = above;
    }
    free(path);
    free(made);
}

void ts_report_folder_close(struct ts_report_folder *folder)
{
    if (folder->scratch) {
        ts_report_swap_clear(&(struct ts_report_swap){.dir = folder->dir, .scratch = folder->scratch});
    }
    if (folder->dir) {
        ts_lock_release(&folder->itself);
        ts_lock_release(&folder->beside);
    }
    if (folder->dir && folder->made && !folder->committed) {
        remove_parents(folder);
    }
    free(folder->dir);
    free(folder->made);
    free(folder->scratch);
    free(folder->fresh);
    *folder = (struct ts_report_folder){.beside.fd = -1, .itself.fd = -1};
}
