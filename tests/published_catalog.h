/* The catalog with its recorded points, for tests of a whole group. */
#ifndef TS_TESTS_PUBLISHED_CATALOG_H
#define TS_TESTS_PUBLISHED_CATALOG_H

#include "scenarios/catalog/catalog.h"

static struct ts_arena arena;
static struct ts_catalog catalog;

static int load_published_catalog(void **state)
{
    (void)state;
    ts_arena_init(&arena);
    return ts_catalog_load(&catalog, &arena, NULL) == TS_OK &&
                   ts_catalog_load_published(&catalog, &arena, NULL) == TS_OK
               ? 0
               : -1;
}

static int unload_catalog(void **state)
{
    (void)state;
    ts_arena_deinit(&arena);
    return 0;
}

#endif
