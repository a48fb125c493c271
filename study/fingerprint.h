/* What a study is made from, apart from its axes: version, scenario, its settings and files, trace, measurement, how it
 * is appraised. Two studies whose fingerprints agree may be put together. */
#ifndef TS_STUDY_FINGERPRINT_H
#define TS_STUDY_FINGERPRINT_H

#include "study/point.h"

/* Appends lines "what: crc32 of its content", of files by their names without folders, so that it is the same on every
 * machine. options: those that change a point. axis_files: values of axes, of which those that name a file or folder
 * beside the scenario count too; NULL-terminated. TS_EIO, TS_EINTERRUPTED, TS_ENOMEM. */
enum ts_status ts_fingerprint_put(struct ts_text *out, const char *version, const struct ts_trial_base *base,
                                  const struct ts_point_options *options, const char *const *axis_values,
                                  const struct ts_progress *progress, struct ts_diags *diags);

/* The first line of `a` that `b` has not, or the other way round: what differs, for people; "" if nothing does. */
void ts_fingerprint_put_difference(struct ts_text *out, const char *a, const char *b);

#endif
