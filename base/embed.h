/* Files built into the program by ts_embed() of cmake/TsTargets.cmake; the table ends with name = NULL. */
#ifndef TS_BASE_EMBED_H
#define TS_BASE_EMBED_H

#include <stddef.h>

struct ts_embedded_file {
    const char *name;
    const char *data; /* NUL-terminated, `len` bytes before it */
    size_t len;
};

#endif
