/* Hides the system's way to huge pages: an anonymous mapping, aligned to 2 MiB by trimming, with madvise where there is
 * one. The end is rounded up to a huge page where that costs little, and stays on small pages where it would cost
 * memory. */
#include "kernels/pages.h"

#include <stdint.h>
#include <sys/mman.h>

#if !defined(MAP_ANONYMOUS) && defined(MAP_ANON)
#define MAP_ANONYMOUS MAP_ANON
#endif

enum { MAX_WASTE = 16 }; /* rounding up adds at most 1/16 */

static const size_t huge = (size_t)2 << 20, unit = (size_t)64 << 10;

static size_t rounded(size_t bytes)
{
    size_t whole = (bytes + huge - 1) / huge * huge;
    return whole - bytes <= bytes / MAX_WASTE ? whole : (bytes + unit - 1) / unit * unit;
}

void *ts_pages_alloc(size_t bytes)
{
    if (bytes == 0 || bytes > SIZE_MAX / 2) {
        return NULL;
    }
    size_t size = rounded(bytes);
    size_t slack = size >= huge ? huge : 0;
    uint8_t *base = mmap(NULL, size + slack, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (base == MAP_FAILED) {
        return NULL;
    }
    if (slack == 0) {
        return base;
    }
    size_t head = (huge - (uintptr_t)base % huge) % huge;
    if (head > 0) {
        munmap(base, head);
    }
    if (head < slack) {
        munmap(base + head + size, slack - head);
    }
#if defined(MADV_HUGEPAGE)
    (void)madvise(base + head, size, MADV_HUGEPAGE);
#endif
    return base + head;
}

void ts_pages_free(void *memory, size_t bytes)
{
    if (memory) {
        munmap(memory, rounded(bytes));
    }
}
