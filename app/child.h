/* Another program, run to its end. */
#ifndef TS_APP_CHILD_H
#define TS_APP_CHILD_H

#include "base/diag.h"

/* Runs argv (the last is NULL), found as a shell finds it, and appends what it prints on stdout; its stderr is ours.
 * TS_EUNSUPPORTED without a diagnostic if there is no such program; TS_EIO with one if it cannot be run, or fails. */
enum ts_status ts_child_read(struct ts_text *out, const char *const *argv, struct ts_diags *diags);

#endif
