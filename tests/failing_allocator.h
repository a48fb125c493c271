/* Lets the n-th allocation of the library under test fail: its calls come here through the linker's --wrap
 * (ts_fail_allocations in tests/CMakeLists.txt). For one file of a test program. */
#ifndef TS_TESTS_FAILING_ALLOCATOR_H
#define TS_TESTS_FAILING_ALLOCATOR_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *memory, size_t size);
char *__real_strdup(const char *string);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *memory, size_t size);
char *__wrap_strdup(const char *string);

static long countdown = -1; /* allocations until one fails; negative: none does */

static bool fails_now(void)
{
    if (countdown < 0 || countdown-- > 0) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

void *__wrap_malloc(size_t size)
{
    return fails_now() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    return fails_now() ? NULL : __real_realloc(memory, size);
}

char *__wrap_strdup(const char *string)
{
    return fails_now() ? NULL : __real_strdup(string);
}

#endif
