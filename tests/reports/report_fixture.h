/* Runs made by hand, for the tests of reports: a tiny one whose every number can be checked on paper, and a day of a
 * firm that looks like a real run. */
#ifndef TS_TESTS_REPORT_FIXTURE_H
#define TS_TESTS_REPORT_FIXTURE_H

#include "reports/report.h"

enum { FIXTURE_TIERS = 3, FIXTURE_CLASSES = 2 };

struct report_fixture {
    struct ts_model model;
    struct ts_result result;
    struct ts_econ econ;
    struct ts_run_info info;
    struct ts_report_input input;
};

/* Device, edge, cloud; two classes; four requests in a window of an hour. */
void report_fixture_tiny(struct report_fixture *fixture);
/* The same tiers over a day with 41,000 requests. */
void report_fixture_day(struct report_fixture *fixture);
/* The tiny run with names that mean something to a shell, to HTML, to CSV, to gnuplot. */
void report_fixture_hostile(struct report_fixture *fixture);
/* The run with inputs drawn: one written, one by default. To be called after one of the others. */
void report_fixture_draw(struct report_fixture *fixture);
void report_fixture_deinit(struct report_fixture *fixture);

/* The report of what the fixture is now; for ts_report_destroy. */
struct ts_report *report_fixture_report(const struct report_fixture *fixture);

/* Computes econ again after the test has changed model or result. */
void report_fixture_reckon(struct report_fixture *fixture);

#endif
