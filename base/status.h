/* Status codes: what a call came to. Functions return one; details for a user go into struct ts_diags (base/diag.h). */
#ifndef TS_BASE_STATUS_H
#define TS_BASE_STATUS_H

enum ts_status {
    TS_OK = 0,
    TS_ENOMEM,       /* an allocation failed */
    TS_EIO,          /* a file could not be read, written or renamed */
    TS_EINPUT,       /* a data file (trace, measurement, catalog) is malformed */
    TS_EUSAGE,       /* the command line is wrong */
    TS_ESCENARIO,    /* the scenario is wrong */
    TS_EUNSUPPORTED, /* this machine or build cannot do it */
    TS_ERANGE,       /* a value is outside of what the function is defined for */
    TS_ELIMIT,       /* a limit that the scenario states was missed */
    TS_EINTERRUPTED, /* the user interrupted the run */
};

/* A short lower-case phrase, for example "out of memory". Never NULL. */
const char *ts_status_text(enum ts_status status);

/* The process exit code: 0 ok, 1 run-time or I/O failure, 2 usage or scenario error, 3 limit missed, 130 interrupted.
 */
int ts_status_exit_code(enum ts_status status);

#endif
