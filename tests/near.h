/* cmocka with what its header needs, and near-equality of doubles. */
#ifndef TS_TESTS_NEAR_H
#define TS_TESTS_NEAR_H

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define assert_near(actual, expected, tolerance)                                                                       \
    do {                                                                                                               \
        double near_a = (actual);                                                                                      \
        double near_e = (expected);                                                                                    \
        if (!(fabs(near_a - near_e) <= (tolerance))) {                                                                 \
            fail_msg("%s = %.17g, expected %.17g within %g", #actual, near_a, near_e, (double)(tolerance));            \
        }                                                                                                              \
    } while (0)

#endif
