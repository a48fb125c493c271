/* Hides virtual time and its heap. Worked: two messages that alone take 100 ms, the second 50 ms after the first: the
 * first has 50 ms left then, which take 100 ms at half the bandwidth: through at 150 ms; the second at 200 ms. */
#include "sim/network/sharing.h"

#include <math.h>
#include <stdlib.h>

enum { FIRST_CAP = 16 };

void ts_sharing_deinit(struct ts_sharing *sharing)
{
    free(sharing->heap);
    *sharing = (struct ts_sharing){.n = 0};
}

static bool is_before(const struct ts_sharing_message *a, const struct ts_sharing_message *b)
{
    return a->until < b->until || (!(a->until > b->until) && a->number < b->number);
}

static void swap(struct ts_sharing_message *a, struct ts_sharing_message *b)
{
    const struct ts_sharing_message t = *a;
    *a = *b;
    *b = t;
}

static void advance(struct ts_sharing *sharing, int64_t now_ns)
{
    if (now_ns > sharing->at_ns) {
        sharing->virtual_ns += sharing->n > 0 ? (double)(now_ns - sharing->at_ns) / sharing->n : 0.0;
        sharing->at_ns = now_ns;
    }
    if (sharing->n == 0) {
        sharing->virtual_ns = 0.0; /* so that it stays small, and exact */
    }
}

static enum ts_status reserve(struct ts_sharing *sharing)
{
    if (sharing->n < sharing->cap) {
        return TS_OK;
    }
    const uint32_t cap = sharing->cap > 0 ? 2 * sharing->cap : FIRST_CAP;
    struct ts_sharing_message *heap = realloc(sharing->heap, cap * sizeof *heap);
    if (!heap) {
        return TS_ENOMEM;
    }
    sharing->heap = heap;
    sharing->cap = cap;
    return TS_OK;
}

enum ts_status ts_sharing_add(struct ts_sharing *sharing, int64_t now_ns, int64_t alone_ns, uint32_t target,
                              uint32_t stamp)
{
    const enum ts_status status = reserve(sharing);
    if (status != TS_OK) {
        return status;
    }
    advance(sharing, now_ns);
    uint32_t i = sharing->n++;
    sharing->heap[i] = (struct ts_sharing_message){.until = sharing->virtual_ns + (double)alone_ns,
                                                   .number = sharing->n_messages++,
                                                   .target = target,
                                                   .stamp = stamp};
    while (i > 0 && is_before(&sharing->heap[i], &sharing->heap[(i - 1) / 2])) {
        swap(&sharing->heap[i], &sharing->heap[(i - 1) / 2]);
        i = (i - 1) / 2;
    }
    return TS_OK;
}

int64_t ts_sharing_next_ns(const struct ts_sharing *sharing, int64_t now_ns)
{
    if (sharing->n == 0) {
        return INT64_MAX;
    }
    const double left_ns = ceil((sharing->heap[0].until - sharing->virtual_ns) * sharing->n);
    const double latest_ns = (double)(INT64_MAX / 2);
    const double next_ns = (double)sharing->at_ns + left_ns;
    if (next_ns >= latest_ns) {
        return INT64_MAX / 2;
    }
    const int64_t exact_ns = sharing->at_ns + (left_ns > 0.0 ? (int64_t)left_ns : 0);
    return exact_ns > now_ns ? exact_ns : now_ns;
}

static void remove_first(struct ts_sharing *sharing)
{
    sharing->heap[0] = sharing->heap[--sharing->n];
    for (uint32_t i = 0;;) {
        uint32_t least = i;
        for (uint32_t child = 2 * i + 1; child <= 2 * i + 2 && child < sharing->n; child++) {
            least = is_before(&sharing->heap[child], &sharing->heap[least]) ? child : least;
        }
        if (least == i) {
            return;
        }
        swap(&sharing->heap[i], &sharing->heap[least]);
        i = least;
    }
}

/* Times are whole nanoseconds: what is less than that many short is through. */
bool ts_sharing_take(struct ts_sharing *sharing, int64_t now_ns, struct ts_sharing_message *out)
{
    const double rounding_ns = 1e-6;
    if (sharing->n == 0 || now_ns < sharing->at_ns) {
        return false;
    }
    advance(sharing, now_ns);
    if (sharing->heap[0].until > sharing->virtual_ns + rounding_ns) {
        return false;
    }
    *out = sharing->heap[0];
    remove_first(sharing);
    return true;
}

void ts_sharing_stop(struct ts_sharing *sharing, int64_t now_ns, int64_t until_ns)
{
    advance(sharing, now_ns);
    sharing->at_ns = until_ns > sharing->at_ns ? until_ns : sharing->at_ns;
}

bool ts_sharing_lose(struct ts_sharing *sharing, struct ts_sharing_message *out)
{
    if (sharing->n == 0) {
        return false;
    }
    *out = sharing->heap[--sharing->n];
    return true;
}
