/* How the command line becomes the options of a probe; and the first words with an endpoint. */
#ifndef TS_APP_PROBE_OPTIONS_H
#define TS_APP_PROBE_OPTIONS_H

#include "app/options.h"
#include "endpoint/probe.h"

/* address: as the user wrote it, NULL: none. The key comes from the environment variable of --key-env. TS_EUSAGE. Free
 * with ts_probe_options_free, also after a failure (of a zeroed struct). */
enum ts_status ts_probe_options_read(struct ts_probe_options *out, const struct ts_args *args, const char *address,
                                     struct ts_diags *diags);
void ts_probe_options_free(struct ts_probe_options *options);

/* "60 s" of --option, above zero. */
enum ts_status ts_probe_parse_time(double *out, const char *option, const char *text, struct ts_diags *diags);

/* Two short requests: does the endpoint answer, and how many tokens do our words come to? Sets words_per_tok and
 * words_extra. TS_EIO with what it said if it does not answer; a warning if it does not count. */
enum ts_status ts_probe_try(struct ts_probe_options *options, struct ts_diags *diags);

#endif
