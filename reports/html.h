/* Text that goes into HTML or SVG. */
#ifndef TS_REPORTS_HTML_H
#define TS_REPORTS_HTML_H

#include "base/text.h"

/* Escapes what has a meaning in HTML, inside elements and inside quoted attributes; control characters become blanks.
 * NULL is "". */
void ts_html_put(struct ts_text *out, const char *string);

#endif
