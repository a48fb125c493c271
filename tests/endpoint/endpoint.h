/* A small HTTP server on loopback for tests: each request is read whole and handed to a function that writes whatever
 * it likes to the socket. One thread a connection, one request a connection. */
#ifndef TS_TESTS_ENDPOINT_ENDPOINT_H
#define TS_TESTS_ENDPOINT_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct endpoint_request {
    uint64_t number;  /* of the request, from 0, in order of arrival */
    const char *head; /* request line and headers */
    const char *body;
    size_t body_len;
};

/* Writes the reply; the socket is closed after it. */
typedef void endpoint_reply(void *context, const struct endpoint_request *request, int socket);

struct endpoint;

/* NULL if no port is to be had. */
struct endpoint *endpoint_start(endpoint_reply *reply, void *context);
/* Waits until all connections are closed. */
void endpoint_stop(struct endpoint *endpoint);
/* "http://127.0.0.1:PORT" */
const char *endpoint_url(const struct endpoint *endpoint);
uint64_t endpoint_n_requests(const struct endpoint *endpoint);

/* For replies. False when the client is gone. */
bool endpoint_send(int socket, const char *text);
bool endpoint_send_bytes(int socket, const char *bytes, size_t len);
void endpoint_sleep_ms(unsigned ms);
/* The header of a stream, and a chunk with some text; the last one says how many tokens there were. */
bool endpoint_send_stream_head(int socket);
bool endpoint_send_token(int socket, const char *text);
bool endpoint_send_end(int socket, uint32_t prompt_tok, uint32_t output_tok);
/* A whole well-behaved reply: as many tokens as the body asks for, gap_ms apart. */
void endpoint_send_good(const struct endpoint_request *request, int socket, unsigned gap_ms);
/* The number after "key": in the body, or `otherwise`. */
uint32_t endpoint_number(const char *body, const char *key, uint32_t otherwise);

#endif
