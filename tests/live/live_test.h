/* What the tests of the live side share. */
#ifndef TS_TESTS_LIVE_LIVE_TEST_H
#define TS_TESTS_LIVE_LIVE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
