/* A report takes the place of another. It stands in a scratch folder on the same file system:
 *
 *   new/    the fresh report, all of it on the disk, its manifest among it
 *   old/    what it takes the place of, from the beginning of a swap until its end
 *
 * so that a swap that was cut off can be undone or ended by the next run. */
#ifndef TS_REPORTS_REPORT_SWAP_H
#define TS_REPORTS_REPORT_SWAP_H

#include <stdbool.h>

#include "base/diag.h"

struct ts_report_swap {
    const char *dir;     /* the place */
    const char *scratch; /* the scratch folder */
};

/* The fresh report as a folder in the place of `dir`, which may be missing: at once where the system can exchange two
 * names, else one goes and the other comes. On failure `dir` is as it was. */
enum ts_status ts_report_swap_folder(const struct ts_report_swap *swap, struct ts_diags *diags);
/* Its files in the place of those of the report in `dir`, one by one, the manifest last; other files stay. On failure
 * `dir` is as it was. */
enum ts_status ts_report_swap_files(const struct ts_report_swap *swap, struct ts_diags *diags);

/* For a run that died: a swap that it began and did not end is undone. */
void ts_report_swap_recover(const struct ts_report_swap *swap);
/* Removes the scratch folder. What is in old/ and is no report's goes back into `dir`. */
void ts_report_swap_clear(const struct ts_report_swap *swap);

#endif
