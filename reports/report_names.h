/* Which files of a folder are a report's: those that its manifest lists, and those that this version may write. */
#ifndef TS_REPORTS_REPORT_NAMES_H
#define TS_REPORTS_REPORT_NAMES_H

#include "base/names.h"

/* What the manifest of a folder says; deinit with ts_names_deinit. *is_report: there is one. */
enum ts_status ts_report_names_read(struct ts_names *out, bool *is_report, const char *dir, struct ts_diags *diags);

/* Is it one of the report whose manifest lists `listed`? */
bool ts_report_names_have(const struct ts_names *listed, const char *name);

extern const char ts_report_manifest_name[]; /* "manifest.json": the last file to be written and to be put in place */

#endif
