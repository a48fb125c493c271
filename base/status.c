/* The one list of what a status means to a person and to a shell. */
#include "base/status.h"

const char *ts_status_text(enum ts_status status)
{
    switch (status) {
    case TS_OK:
        return "ok";
    case TS_ENOMEM:
        return "out of memory";
    case TS_EIO:
        return "input or output failed";
    case TS_EINPUT:
        return "a data file is malformed";
    case TS_EUSAGE:
        return "the command line is wrong";
    case TS_ESCENARIO:
        return "the scenario is wrong";
    case TS_EUNSUPPORTED:
        return "not supported on this machine";
    case TS_ERANGE:
        return "a value is out of range";
    case TS_ELIMIT:
        return "a limit of the scenario was missed";
    case TS_EINTERRUPTED:
        return "interrupted";
    }
    return "unknown status";
}

int ts_status_exit_code(enum ts_status status)
{
    switch (status) {
    case TS_OK:
        return 0;
    case TS_EUSAGE:
    case TS_ESCENARIO:
        return 2;
    case TS_ELIMIT:
        return 3;
    case TS_EINTERRUPTED:
        return 130;
    case TS_ENOMEM:
    case TS_EIO:
    case TS_EINPUT:
    case TS_EUNSUPPORTED:
    case TS_ERANGE:
        return 1;
    }
    return 1;
}
