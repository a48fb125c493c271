/* The one place where the library may print and abort: a bug of ours. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void ts_check_failed(const char *expression, const char *file, int line)
{
    fprintf(stderr, "%s:%d: internal error: '%s' does not hold; this is a bug in tiersim\n", file, line, expression);
    abort();
}
