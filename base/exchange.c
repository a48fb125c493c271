/* Hides renameat2(), which Linux alone has, and not for every file system. */
#define _GNU_SOURCE /* renameat2 */
#include "base/exchange.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum ts_exchange_outcome ts_exchange(const char *a, const char *b)
{
#if defined(RENAME_EXCHANGE)
    if (renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE) == 0) {
        return TS_EXCHANGE_DONE;
    }
    return errno == EINVAL || errno == ENOSYS || errno == ENOTSUP ? TS_EXCHANGE_UNSUPPORTED : TS_EXCHANGE_FAILED;
#else
    (void)a;
    (void)b;
    return TS_EXCHANGE_UNSUPPORTED;
#endif
}
