/* Names that users write, as names of files. */
#ifndef TS_BASE_SLUG_H
#define TS_BASE_SLUG_H

#include "base/text.h"

enum { TS_SLUG_MAX_BYTES = 128 };

/* Appends `name` as one that is safe below any folder: ASCII letters, digits, '.', '-', '_' and letters of other
 * scripts (UTF-8) stay, every run of anything else becomes one '-'. It neither begins with '.' or '-' nor ends with
 * them, has 1 to TS_SLUG_MAX_BYTES bytes, and is "unnamed" if nothing is left. "../../x" is "x", "Größe, 2 GPUs" is
 * "Größe-2-GPUs". */
void ts_slug(struct ts_text *out, const char *name);

#endif
