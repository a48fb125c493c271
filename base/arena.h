/* An arena: many small allocations that live and die together. Pointers stay valid until deinit. */
#ifndef TS_BASE_ARENA_H
#define TS_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

struct ts_arena_chunk;

struct ts_arena {
    struct ts_arena_chunk *chunks;
    size_t used_bytes; /* handed out in all */
    bool failed;       /* an allocation did: who did not look at each asks once at the end */
};

void ts_arena_init(struct ts_arena *arena);
void ts_arena_deinit(struct ts_arena *arena);

/* Zeroed memory, aligned for any object, or NULL. ts_arena_array checks n*size for overflow. */
void *ts_arena_alloc(struct ts_arena *arena, size_t size);
void *ts_arena_array(struct ts_arena *arena, size_t n, size_t size);
char *ts_arena_strdup(struct ts_arena *arena, const char *string);
char *ts_arena_strndup(struct ts_arena *arena, const char *bytes, size_t len);
char *ts_arena_printf(struct ts_arena *arena, const char *fmt, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

#endif
