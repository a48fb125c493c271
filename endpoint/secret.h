/* A key must not come back: what a server says may repeat it, in an error about it or as an echo of the request. */
#ifndef TS_ENDPOINT_SECRET_H
#define TS_ENDPOINT_SECRET_H

#include "base/text.h"

/* Puts "[key]" in the place of the secret, and of any TS_SECRET_RUN characters of it in a row, in `text`: as they are,
 * escaped as in JSON, a URL or HTML, or as base64 at any offset. NULL or "" for no secret. */
enum { TS_SECRET_RUN = 8 };
void ts_secret_hide(struct ts_text *text, const char *secret);

#endif
