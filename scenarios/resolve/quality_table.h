/* A table of right and wrong: a row for every prompt, a bit for every item of quality.columns. Private to scenarios/.
 */
#ifndef TS_SCENARIOS_RESOLVE_QUALITY_TABLE_H
#define TS_SCENARIOS_RESOLVE_QUALITY_TABLE_H

#include "scenarios/language/loader.h"

struct ts_quality_table {
    uint32_t *right;     /* [n] bit i: the i-th of quality.columns was right */
    const char **labels; /* [n] what the column of classes says; NULL: there is none */
    uint32_t n;
    const char *source; /* the file's name */
};

/* Reads what quality.table and quality.columns name into the loader's arena; false: it has been told why not. */
bool ts_quality_table_read(struct ts_quality_table *out, struct ts_loader *loader, struct ts_value *quality);

#endif
