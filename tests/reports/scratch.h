/* A folder for each test, and programs that call themselves gnuplot. */
#ifndef TS_TESTS_REPORTS_SCRATCH_H
#define TS_TESTS_REPORTS_SCRATCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "report_fixture.h"
#include "reports/report.h"

enum { PATH_BYTES = 256 };

struct scratch {
    char root[64];
    char out[PATH_BYTES];
    char *path_before; /* of the environment */
};

/* For cmocka: a scratch as the state of a test. */
int scratch_set_up(void **state);
int scratch_tear_down(void **state);
#define WITH_FOLDER(test) cmocka_unit_test_setup_teardown(test, scratch_set_up, scratch_tear_down)

/* Of a file in scratch->out. */
bool scratch_has(const struct scratch *scratch, const char *name);
char *scratch_contents(const struct scratch *scratch, const char *name); /* free() it */
void scratch_put(const struct scratch *scratch, const char *name, const char *text);
/* With all that is in it; fine if it is not there. */
void scratch_remove(const char *path);
/* Of a folder; hidden ones count. */
size_t scratch_count(const char *path);

/* A program of that name in the PATH before all others. */
void scratch_fake_gnuplot(const struct scratch *scratch, const char *script);
/* Skips the test if there is no gnuplot. */
void scratch_need_gnuplot(void);

/* The report of a fixture into a folder. */
enum ts_status scratch_report(const char *dir, const struct report_fixture *fixture, bool *drawn,
                              struct ts_diags *diags);

#endif
