#include "tests/endpoint/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { HEAD_MAX = 16384, BODY_MAX = 32 << 20 };

struct endpoint {
    endpoint_reply *reply;
    void *context;
    int listener;
    pthread_t accepter;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    uint64_t n_requests, n_open;
    bool stops;
    char url[64];
};

struct connection {
    struct endpoint *endpoint;
    int socket;
};

/* ---- reading ---- */

static size_t read_head(char *head, int socket)
{
    size_t len = 0;
    while (len + 1 < HEAD_MAX) {
        const ssize_t n = recv(socket, head + len, 1, 0);
        if (n <= 0) {
            return 0;
        }
        head[++len] = '\0';
        if (len >= 4 && memcmp(head + len - 4, "\r\n\r\n", 4) == 0) {
            return len;
        }
    }
    return 0;
}

static bool read_body(char *body, size_t len, int socket)
{
    size_t got = 0;
    while (got < len) {
        const ssize_t n = recv(socket, body + got, len - got, 0);
        if (n <= 0) {
            return false;
        }
        got += (size_t)n;
    }
    return true;
}

static void answer(struct connection *connection)
{
    struct endpoint *endpoint = connection->endpoint;
    char *head = calloc(1, HEAD_MAX);
    const size_t head_len = head ? read_head(head, connection->socket) : 0;
    const char *field = head_len ? strstr(head, "Content-Length: ") : NULL;
    const size_t body_len = field ? strtoul(field + strlen("Content-Length: "), NULL, 10) : 0;
    char *body = body_len <= BODY_MAX ? calloc(1, body_len + 1) : NULL;
    if (head_len && body && read_body(body, body_len, connection->socket)) {
        pthread_mutex_lock(&endpoint->lock);
        const uint64_t number = endpoint->n_requests++;
        pthread_mutex_unlock(&endpoint->lock);
        const struct endpoint_request request = {.number = number, .head = head, .body = body, .body_len = body_len};
        endpoint->reply(endpoint->context, &request, connection->socket);
    }
    free(head);
    free(body);
}

/* ---- life ---- */

static void *serve(void *user)
{
    struct connection *connection = user;
    struct endpoint *endpoint = connection->endpoint;
    answer(connection);
    shutdown(connection->socket, SHUT_RDWR);
    close(connection->socket);
    free(connection);
    pthread_mutex_lock(&endpoint->lock);
    endpoint->n_open--;
    pthread_cond_broadcast(&endpoint->idle);
    pthread_mutex_unlock(&endpoint->lock);
    return NULL;
}

static void open_connection(struct endpoint *endpoint, int socket)
{
    struct connection *connection = malloc(sizeof *connection);
    pthread_t thread;
    if (!connection) {
        close(socket);
        return;
    }
    *connection = (struct connection){.endpoint = endpoint, .socket = socket};
    pthread_mutex_lock(&endpoint->lock);
    endpoint->n_open++;
    pthread_mutex_unlock(&endpoint->lock);
    if (pthread_create(&thread, NULL, serve, connection) != 0) {
        (void)serve(connection);
        return;
    }
    pthread_detach(thread);
}

static void *accept_all(void *user)
{
    struct endpoint *endpoint = user;
    for (;;) {
        const int socket = accept(endpoint->listener, NULL, NULL);
        pthread_mutex_lock(&endpoint->lock);
        const bool stops = endpoint->stops;
        pthread_mutex_unlock(&endpoint->lock);
        if (stops || socket < 0) {
            if (socket >= 0) {
                close(socket);
            }
            return NULL;
        }
        open_connection(endpoint, socket);
    }
}

struct endpoint *endpoint_start(endpoint_reply *reply, void *context)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    struct endpoint *endpoint = calloc(1, sizeof *endpoint);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    signal(SIGPIPE, SIG_IGN);
    if (!endpoint || listener < 0 || bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, 1024) != 0 || getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        free(endpoint);
        return NULL;
    }
    endpoint->reply = reply;
    endpoint->context = context;
    endpoint->listener = listener;
    pthread_mutex_init(&endpoint->lock, NULL);
    pthread_cond_init(&endpoint->idle, NULL);
    snprintf(endpoint->url, sizeof endpoint->url, "http://127.0.0.1:%u", (unsigned)ntohs(address.sin_port));
    if (pthread_create(&endpoint->accepter, NULL, accept_all, endpoint) != 0) {
        close(listener);
        free(endpoint);
        return NULL;
    }
    return endpoint;
}

/* Wakes the accepter by connecting to it. */
static void knock(const struct endpoint *endpoint)
{
    struct sockaddr_in address;
    socklen_t size = sizeof address;
    const int knocker = socket(AF_INET, SOCK_STREAM, 0);
    if (knocker >= 0 && getsockname(endpoint->listener, (struct sockaddr *)&address, &size) == 0) {
        (void)connect(knocker, (struct sockaddr *)&address, size);
    }
    close(knocker);
}

void endpoint_stop(struct endpoint *endpoint)
{
    pthread_mutex_lock(&endpoint->lock);
    endpoint->stops = true;
    pthread_mutex_unlock(&endpoint->lock);
    knock(endpoint);
    pthread_join(endpoint->accepter, NULL);
    close(endpoint->listener);
    pthread_mutex_lock(&endpoint->lock);
    while (endpoint->n_open > 0) {
        pthread_cond_wait(&endpoint->idle, &endpoint->lock);
    }
    pthread_mutex_unlock(&endpoint->lock);
    pthread_mutex_destroy(&endpoint->lock);
    pthread_cond_destroy(&endpoint->idle);
    free(endpoint);
}

const char *endpoint_url(const struct endpoint *endpoint)
{
    return endpoint->url;
}

uint64_t endpoint_n_requests(const struct endpoint *endpoint)
{
    return endpoint->n_requests;
}

/* ---- replies ---- */

bool endpoint_send_bytes(int socket, const char *bytes, size_t len)
{
    while (len > 0) {
        const ssize_t n = send(socket, bytes, len, 0);
        if (n <= 0) {
            return false;
        }
        bytes += n;
        len -= (size_t)n;
    }
    return true;
}

bool endpoint_send(int socket, const char *text)
{
    return endpoint_send_bytes(socket, text, strlen(text));
}

void endpoint_sleep_ms(unsigned ms)
{
    const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000L};
    nanosleep(&pause, NULL);
}

bool endpoint_send_stream_head(int socket)
{
    return endpoint_send(socket, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");
}

bool endpoint_send_token(int socket, const char *text)
{
    char event[256];
    snprintf(event, sizeof event, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%s\"}}]}\n\n", text);
    return endpoint_send(socket, event);
}

bool endpoint_send_end(int socket, uint32_t prompt_tok, uint32_t output_tok)
{
    char event[256];
    snprintf(event, sizeof event,
             "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
             "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":%u,\"completion_tokens\":%u}}\n\n"
             "data: [DONE]\n\n",
             prompt_tok, output_tok);
    return endpoint_send(socket, event);
}

uint32_t endpoint_number(const char *body, const char *key, uint32_t otherwise)
{
    char quoted[64];
    snprintf(quoted, sizeof quoted, "\"%s\":", key);
    const char *at = strstr(body, quoted);
    return at ? (uint32_t)strtoul(at + strlen(quoted), NULL, 10) : otherwise;
}

/* Words of the prompt, as a tokenizer of one token a word would count them; eight more for a chat's frame. */
static uint32_t count_prompt(const char *body)
{
    const char *field = strstr(body, "\"content\":");
    const char *at = field ? strchr(field + strlen("\"content\":"), '"') : NULL;
    uint32_t n = 9;
    for (; at && *at != '\0' && *(at + 1) != '"'; at++) {
        n += *at == ' ';
    }
    return n;
}

void endpoint_send_good(const struct endpoint_request *request, int socket, unsigned gap_ms)
{
    const uint32_t n = endpoint_number(request->body, "max_tokens", 8);
    if (!endpoint_send_stream_head(socket)) {
        return;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (gap_ms > 0) {
            endpoint_sleep_ms(gap_ms);
        }
        if (!endpoint_send_token(socket, "word ")) {
            return;
        }
    }
    (void)endpoint_send_end(socket, count_prompt(request->body), n);
}
