/* Names that are learned while a file is read: of classes, clients. */
#ifndef TS_TRACES_TRACE_NAMES_H
#define TS_TRACES_TRACE_NAMES_H

#include <stdbool.h>
#include <stdint.h>

enum { TS_TRACE_MAX_NAMES = 4096 };

struct ts_trace_names {
    char **names; /* [n] in the order of their first row */
    uint32_t n;
    uint32_t *slots; /* of a hash table: index + 1 */
    bool is_full;    /* there were more: they count as the last one */
};

void ts_trace_names_deinit(struct ts_trace_names *names);
/* The name's index; beyond TS_TRACE_MAX_NAMES the last one's. False without memory. */
bool ts_trace_names_find(uint16_t *out, struct ts_trace_names *names, const char *name);

#endif
