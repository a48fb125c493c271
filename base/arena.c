/* Hides where an arena's memory comes from: chunks that double from 4 KiB to 1 MiB; a larger object gets a chunk of its
 * own. */
#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ts_arena_chunk {
    struct ts_arena_chunk *next;
    size_t used;
    size_t cap;
    max_align_t data[];
};

static const size_t first_chunk_bytes = (size_t)4 << 10;
static const size_t last_chunk_bytes = (size_t)1 << 20;
static const size_t arena_max_bytes = SIZE_MAX / 8;

void ts_arena_init(struct ts_arena *arena)
{
    *arena = (struct ts_arena){.chunks = NULL};
}

void ts_arena_deinit(struct ts_arena *arena)
{
    struct ts_arena_chunk *chunk = arena->chunks;
    while (chunk != NULL) {
        struct ts_arena_chunk *next = chunk->next;
        free(chunk);
        chunk = next;
    }
    ts_arena_init(arena);
}

static struct ts_arena_chunk *add_chunk(struct ts_arena *arena, size_t size)
{
    size_t cap = arena->chunks != NULL ? 2 * arena->chunks->cap : first_chunk_bytes;
    cap = cap > last_chunk_bytes ? last_chunk_bytes : cap;
    cap = cap < size ? size : cap;
    struct ts_arena_chunk *chunk = calloc(1, sizeof *chunk + cap);
    if (chunk != NULL) {
        chunk->cap = cap;
        chunk->next = arena->chunks;
        arena->chunks = chunk;
    }
    return chunk;
}

void *ts_arena_alloc(struct ts_arena *arena, size_t size)
{
    const size_t align = sizeof(max_align_t);
    if (size > arena_max_bytes || arena->used_bytes > arena_max_bytes - size) {
        arena->failed = true;
        return NULL;
    }
    size_t rounded = size == 0 ? align : (size + align - 1) / align * align;
    struct ts_arena_chunk *chunk = arena->chunks;
    if (chunk == NULL || chunk->cap - chunk->used < rounded) {
        chunk = add_chunk(arena, rounded);
    }
    if (chunk == NULL) {
        arena->failed = true;
        return NULL;
    }
    void *memory = (char *)chunk->data + chunk->used;
    chunk->used += rounded;
    arena->used_bytes += size;
    return memory;
}

void *ts_arena_array(struct ts_arena *arena, size_t n, size_t size)
{
    return ts_arena_alloc(arena, size == 0 || n <= SIZE_MAX / size ? n * size : SIZE_MAX);
}

char *ts_arena_strdup(struct ts_arena *arena, const char *string)
{
    return ts_arena_strndup(arena, string, strlen(string));
}

char *ts_arena_strndup(struct ts_arena *arena, const char *bytes, size_t len)
{
    char *copy = ts_arena_alloc(arena, len < SIZE_MAX ? len + 1 : SIZE_MAX);
    if (copy != NULL && len > 0) {
        memcpy(copy, bytes, len);
    }
    return copy;
}

char *ts_arena_printf(struct ts_arena *arena, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *text = len >= 0 ? ts_arena_alloc(arena, (size_t)len + 1) : NULL;
    if (text != NULL) {
        va_start(args, fmt);
        vsnprintf(text, (size_t)len + 1, fmt, args);
        va_end(args);
    }
    return text;
}
