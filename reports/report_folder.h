/* A folder whose new contents appear only when all of them are there. */
#ifndef TS_REPORTS_REPORT_FOLDER_H
#define TS_REPORTS_REPORT_FOLDER_H

#include "base/diag.h"

struct ts_report_folder {
    char *dir;     /* where it goes */
    char *partial; /* where to write until then */
    bool existed;
};

/* `dir` may be there already (its other files stay). TS_EIO, TS_ENOMEM. */
enum ts_status ts_report_folder_open(struct ts_report_folder *out, const char *dir, struct ts_diags *diags);
/* Puts everything in place. The folder is closed whatever comes back; on failure what was not yet in place is removed.
 */
enum ts_status ts_report_folder_commit(struct ts_report_folder *folder, struct ts_diags *diags);
/* Removes what was written. */
void ts_report_folder_abort(struct ts_report_folder *folder);

#endif
