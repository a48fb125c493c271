/* Hides how a folder is listed: whole, before anything in it is moved. */
#include "base/names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

bool ts_names_add(struct ts_names *names, const char *name)
{
    char **items = realloc(names->items, (names->n + 1) * sizeof *items);
    char *copy = strdup(name);
    names->items = items ? items : names->items;
    if (!items || !copy) {
        free(copy);
        return false;
    }
    items[names->n++] = copy;
    return true;
}

bool ts_names_have(const struct ts_names *names, const char *name)
{
    for (size_t i = 0; i < names->n; i++) {
        if (strcmp(names->items[i], name) == 0) {
            return true;
        }
    }
    return false;
}

void ts_names_deinit(struct ts_names *names)
{
    for (size_t i = 0; i < names->n; i++) {
        free(names->items[i]);
    }
    free(names->items);
    *names = (struct ts_names){.n = 0};
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

enum ts_status ts_names_of_folder(struct ts_names *out, const char *path, struct ts_diags *diags)
{
    DIR *listing = opendir(path);
    if (!listing) {
        return ts_fail_errno(diags, path, "cannot read", errno);
    }
    struct ts_names names = {.n = 0};
    enum ts_status status = TS_OK;
    for (const struct dirent *entry = readdir(listing); entry && status == TS_OK; entry = readdir(listing)) {
        const bool is_dot = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        status = is_dot || ts_names_add(&names, entry->d_name) ? TS_OK : TS_ENOMEM;
    }
    closedir(listing);
    if (status != TS_OK) {
        ts_names_deinit(&names);
        return ts_fail_errno(diags, path, "cannot read", ENOMEM);
    }
    if (names.n > 0) {
        qsort(names.items, names.n, sizeof *names.items, by_bytes);
    }
    *out = names;
    return TS_OK;
}
