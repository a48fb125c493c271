/* Hides how a folder appears whole: a fresh one is written beside its place as `<dir>.partial-<pid>` and renamed; one
 * that is there gets its files renamed in one by one from a hidden folder inside it (the same file system, and no need
 * to write to its parent). */
#include "reports/report_folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

static enum ts_status fail_errno(struct ts_diags *diags, const char *path, const char *what, int error)
{
    return ts_fail(diags, error == ENOMEM ? TS_ENOMEM : TS_EIO, ts_span_file(path), NULL, "%s: %s", what,
                   strerror(error));
}

static void close_folder(struct ts_report_folder *folder)
{
    free(folder->dir);
    free(folder->partial);
    *folder = (struct ts_report_folder){.dir = NULL};
}

static char *without_trailing_slashes(const char *dir)
{
    size_t len = strlen(dir);
    while (len > 1 && dir[len - 1] == '/') {
        len--;
    }
    return strndup(dir, len);
}

static char *partial_name(const char *dir, bool existed)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_printf(&text, existed ? "%s/.partial-%ld" : "%s.partial-%ld", dir, (long)getpid());
    char *name = text.failed ? NULL : strdup(text.data);
    ts_text_deinit(&text);
    return name;
}

static enum ts_status make_parent(const char *dir, struct ts_diags *diags)
{
    char *parent = ts_path_dir(dir);
    if (parent == NULL) {
        return TS_ENOMEM;
    }
    enum ts_status status = ts_mkdirs(parent, diags);
    free(parent);
    return status;
}

enum ts_status ts_report_folder_open(struct ts_report_folder *out, const char *dir, struct ts_diags *diags)
{
    struct ts_report_folder folder = {.dir = without_trailing_slashes(dir[0] != '\0' ? dir : ".")};
    if (folder.dir == NULL) {
        return TS_ENOMEM;
    }
    folder.existed = ts_dir_exists(folder.dir);
    folder.partial = partial_name(folder.dir, folder.existed);
    enum ts_status status = folder.partial == NULL ? TS_ENOMEM : TS_OK;
    if (status == TS_OK && !folder.existed && ts_file_exists(folder.dir)) {
        status = ts_fail(diags, TS_EIO, ts_span_file(folder.dir), "give the name of a folder",
                         "cannot write a report here: it is a file");
    }
    if (status == TS_OK && !folder.existed) {
        status = make_parent(folder.dir, diags);
    }
    if (status == TS_OK && mkdir(folder.partial, 0777) != 0) {
        status = fail_errno(diags, folder.dir, "cannot create the report's folder", errno);
    }
    if (status != TS_OK) {
        close_folder(&folder);
        return status;
    }
    *out = folder;
    return TS_OK;
}

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static enum ts_status move_file(const struct ts_report_folder *folder, const char *name, struct ts_diags *diags)
{
    char *from = ts_path_join(folder->partial, name), *to = ts_path_join(folder->dir, name);
    enum ts_status status = from != NULL && to != NULL ? TS_OK : TS_ENOMEM;
    if (status == TS_OK && rename(from, to) != 0) {
        status = fail_errno(diags, to, "cannot put the finished file in place", errno);
    }
    free(from);
    free(to);
    return status;
}

static enum ts_status move_files(const struct ts_report_folder *folder, struct ts_diags *diags)
{
    DIR *listing = opendir(folder->partial);
    enum ts_status status = TS_OK;
    if (listing == NULL) {
        return fail_errno(diags, folder->partial, "cannot read", errno);
    }
    for (struct dirent *entry = readdir(listing); status == TS_OK && entry != NULL; entry = readdir(listing)) {
        if (!is_dot(entry->d_name)) {
            status = move_file(folder, entry->d_name, diags);
        }
    }
    closedir(listing);
    return status;
}

enum ts_status ts_report_folder_commit(struct ts_report_folder *folder, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    if (folder->existed) {
        status = move_files(folder, diags);
    } else if (rename(folder->partial, folder->dir) != 0) {
        status = fail_errno(diags, folder->dir, "cannot put the finished report in place", errno);
    }
    if (status != TS_OK || folder->existed) {
        ts_report_folder_abort(folder);
    } else {
        close_folder(folder);
    }
    return status;
}

void ts_report_folder_abort(struct ts_report_folder *folder)
{
    DIR *listing = opendir(folder->partial);
    if (listing != NULL) {
        for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
            char *path = is_dot(entry->d_name) ? NULL : ts_path_join(folder->partial, entry->d_name);
            if (path != NULL) {
                unlink(path);
            }
            free(path);
        }
        closedir(listing);
    }
    rmdir(folder->partial);
    close_folder(folder);
}
