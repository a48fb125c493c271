/* Many streaming HTTP POSTs to one address at once, on one thread. Hides libcurl.
 *
 * A reply's bytes go to on_data as they come, with the time at which they came; every post ends with exactly one
 * on_done, whatever the server does. TLS certificates are verified, redirects are not followed (a key must not go
 * elsewhere), only http and https are spoken. */
#ifndef TS_ENDPOINT_HTTP_H
#define TS_ENDPOINT_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/diag.h"

enum { TS_HTTP_MAX_IN_FLIGHT = 1024, TS_HTTP_MAX_REPLY_BYTES = 64 << 20 };

struct ts_http_options {
    const char *url;
    const char *key;     /* sent as a bearer token; NULL: none. Copied, never written anywhere. */
    const char *ca_file; /* certificates to trust instead of the system's; NULL: the system's */
    double connect_s;    /* give up connecting after that long */
    double stall_s;      /* give up on a reply that sends nothing for that long */
    double total_s;      /* give up on a reply after this time */
    const char *agent;   /* "tiersim/0.1" */
};

enum ts_http_end {
    TS_HTTP_WHOLE,     /* the reply came to its end, with any HTTP status */
    TS_HTTP_TIMED_OUT, /* connect_s, stall_s or total_s */
    TS_HTTP_UNREACHED, /* no connection: refused, unknown host, bad certificate */
    TS_HTTP_BROKEN,    /* the connection broke off, or what came is not HTTP */
    TS_HTTP_STOPPED,   /* on_data said so, or the reply was too long */
};

struct ts_http_done {
    enum ts_http_end end;
    int http_status;      /* 0 before the status line */
    double retry_after_s; /* of the Retry-After header, seconds form; -1 without one */
    const char *message;  /* what went wrong, in words; "" for TS_HTTP_WHOLE */
};

struct ts_http_handler {
    /* A piece of a reply; false stops this one. */
    bool (*on_data)(void *context, uint32_t tag, int http_status, const char *bytes, size_t len, int64_t now_ns);
    /* Last call for that post. New posts may be made from here. */
    void (*on_done)(void *context, uint32_t tag, const struct ts_http_done *done, int64_t now_ns);
    void *context;
};

struct ts_http; /* opaque */

/* TS_EUSAGE for an address that is none or a key that no header can hold; TS_ENOMEM. The handler is copied. */
enum ts_status ts_http_create(struct ts_http **out, const struct ts_http_options *options,
                              const struct ts_http_handler *handler, struct ts_diags *diags);
/* Breaks off what is under way, without on_done. NULL is fine. */
void ts_http_destroy(struct ts_http *http);

/* Starts a post; the body is copied. TS_ERANGE when TS_HTTP_MAX_IN_FLIGHT are under way, TS_ENOMEM. */
enum ts_status ts_http_post(struct ts_http *http, uint32_t tag, const char *body, size_t len);

/* Works on what is under way until `until_ns` (ts_clock_now_ns) or until something has happened. TS_EIO if the polling
 * itself fails. */
enum ts_status ts_http_wait(struct ts_http *http, int64_t until_ns);

/* Is the host of an address this machine: localhost, 127.0.0.0/8, or ::1? No proxy is asked then. */
bool ts_http_is_local(const char *url);
/* Of an address: http to a host that is not this machine, so that a key would travel in the clear. */
bool ts_http_in_the_clear(const char *url);

#endif
