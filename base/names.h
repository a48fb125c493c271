/* The names of what lies in a folder. */
#ifndef TS_BASE_NAMES_H
#define TS_BASE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/diag.h"

struct ts_names {
    char **items; /* [n], in the order of their bytes where they are a folder's */
    size_t n;
};

/* All but "." and "..". TS_EIO, TS_ENOMEM. */
enum ts_status ts_names_of_folder(struct ts_names *out, const char *path, struct ts_diags *diags);
/* A copy of the name; false without memory. */
bool ts_names_add(struct ts_names *names, const char *name);
bool ts_names_have(const struct ts_names *names, const char *name);
void ts_names_deinit(struct ts_names *names);

#endif
