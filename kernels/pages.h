/* Large aligned memory, on huge pages where the system grants them: packed weights are read in long streams, and a page
 * walk per 4 KiB costs up to an eighth of the bandwidth. */
#ifndef TS_KERNELS_PAGES_H
#define TS_KERNELS_PAGES_H

#include <stddef.h>

/* Zeroed memory aligned to at least 64 bytes, or NULL. */
void *ts_pages_alloc(size_t bytes);
/* `bytes` as given to alloc. NULL is fine. */
void ts_pages_free(void *memory, size_t bytes);

#endif
