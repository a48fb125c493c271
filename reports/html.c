/* Hides which characters mean something to a browser. The backquote is among them: old browsers took it for an
 * attribute's quote. */
#include "reports/html.h"

static const char *entity_of(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '`':
        return "&#96;";
    default:
        return (unsigned char)c < 0x20 || c == 0x7f ? " " : NULL;
    }
}

void ts_html_put(struct ts_text *out, const char *string)
{
    if (string == NULL) {
        return;
    }
    for (const char *at = string; *at != '\0'; at++) {
        const char *entity = entity_of(*at);
        if (entity != NULL) {
            ts_text_puts(out, entity);
        } else {
            ts_text_append(out, at, 1);
        }
    }
}
