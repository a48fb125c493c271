/* A folder whose new contents appear when all of them are there and on the disk, whatever happens to the run, and to
 * which one run at a time writes. docs/decisions/0010-report-folders.md says why it is done so. */
#ifndef TS_REPORTS_REPORT_FOLDER_H
#define TS_REPORTS_REPORT_FOLDER_H

#include "base/diag.h"
#include "base/lock.h"

struct ts_report_folder {
    char *dir;      /* the place, links followed */
    char *made;     /* the first of its parents that is new; NULL: none is */
    char *scratch;  /* see report_swap.h; NULL before begin */
    char *fresh;    /* write here */
    bool is_beside; /* the scratch folder lies beside the place, not in it */
    bool committed;
    struct ts_lock beside, itself;
};

/* Takes the place for this run, which may be missing, hold an earlier report, or other files; ends or undoes what a run
 * that died left there. TS_EIO: another run has it, it is a file, it holds a file of a report's name that no report
 * wrote, or it cannot be written to; TS_ENOMEM. */
enum ts_status ts_report_folder_open(struct ts_report_folder *out, const char *dir, struct ts_diags *diags);
/* Makes the scratch folder. */
enum ts_status ts_report_folder_begin(struct ts_report_folder *folder, struct ts_diags *diags);
/* Puts everything in place, the manifest among it. On failure the place is as it was. */
enum ts_status ts_report_folder_commit(struct ts_report_folder *folder, struct ts_diags *diags);
/* Gives the place back, and removes what was written but not committed. Fine for a zeroed folder. */
void ts_report_folder_close(struct ts_report_folder *folder);

#endif
