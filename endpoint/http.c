/* Hides libcurl's multi interface: one easy handle a post, kept and reused so that connections stay open. */
#include "endpoint/http.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <curl/curl.h>

#include "base/clock.h"
#include "base/text.h"

enum { MAX_WAIT_MS = 200 };

struct post {
    CURL *easy;
    struct ts_http *http;
    struct ts_text body;
    struct post *next_free;
    uint32_t tag;
    size_t n_received;
    char message[CURL_ERROR_SIZE];
};

struct ts_http {
    CURLM *multi;
    struct curl_slist *headers;
    struct ts_http_options options; /* strings: url and ca_file are copies */
    struct ts_http_handler handler;
    struct post *posts[TS_HTTP_MAX_IN_FLIGHT];
    uint32_t n_posts; /* made so far */
    uint32_t n_in_flight;
    struct post *free_posts;
    char *url, *ca_file, *agent;
    bool is_local;
};

/* ---- life ---- */

static void post_destroy(struct post *post)
{
    if (post) {
        curl_easy_cleanup(post->easy);
        ts_text_deinit(&post->body);
        free(post);
    }
}

void ts_http_destroy(struct ts_http *http)
{
    if (!http) {
        return;
    }
    for (uint32_t i = 0; i < http->n_posts; i++) {
        curl_multi_remove_handle(http->multi, http->posts[i]->easy);
        post_destroy(http->posts[i]);
    }
    curl_slist_free_all(http->headers);
    curl_multi_cleanup(http->multi);
    free(http->url);
    free(http->ca_file);
    free(http->agent);
    free(http);
    curl_global_cleanup();
}

static bool add_header(struct ts_http *http, const char *name, const char *value)
{
    struct ts_text line;
    ts_text_init(&line);
    ts_text_printf(&line, "%s: %s", name, value);
    struct curl_slist *longer = line.failed ? NULL : curl_slist_append(http->headers, line.data);
    if (line.len > 0) {
        memset(line.data, 0, line.len);
    }
    ts_text_deinit(&line);
    http->headers = longer ? longer : http->headers;
    return longer != NULL;
}

static bool add_headers(struct ts_http *http, const char *key)
{
    bool ok = add_header(http, "Content-Type", "application/json");
    ok = ok && add_header(http, "Accept", "text/event-stream, application/json");
    ok = ok && add_header(http, "Expect", "");
    if (ok && key) {
        struct ts_text value;
        ts_text_init(&value);
        ts_text_printf(&value, "Bearer %s", key);
        ok = !value.failed && add_header(http, "Authorization", value.data);
        memset(value.data, 0, value.len);
        ts_text_deinit(&value);
    }
    return ok;
}

static bool copy_options(struct ts_http *http, const struct ts_http_options *options)
{
    http->options = *options;
    http->options.key = NULL;
    http->url = strdup(options->url);
    http->ca_file = options->ca_file ? strdup(options->ca_file) : NULL;
    http->agent = strdup(options->agent);
    http->is_local = ts_http_is_local(options->url);
    return http->url && http->agent && (http->ca_file || !options->ca_file);
}

static enum ts_status check_url(const char *url, struct ts_diags *diags)
{
    static const char hint[] = "an address looks like http://localhost:8080 or https://host/v1";
    const bool scheme = ts_str_has_prefix(url, "http://") || ts_str_has_prefix(url, "https://");
    CURLU *parsed = curl_url();
    const bool ok = scheme && parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK;
    char *user = NULL;
    const bool has_user = ok && curl_url_get(parsed, CURLUPART_USER, &user, 0) == CURLUE_OK;
    curl_free(user);
    curl_url_cleanup(parsed);
    if (has_user) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(),
                       "put the key into an environment variable and name it: --key-env NAME",
                       "no user name or password in the address");
    }
    return ok ? TS_OK : ts_fail(diags, TS_EUSAGE, ts_span_none(), hint, "'%s' is not an http or https address", url);
}

/* A line end in it would begin another header. */
static enum ts_status check_key(const char *key, struct ts_diags *diags)
{
    for (size_t i = 0; key && key[i] != '\0'; i++) {
        const unsigned char c = (unsigned char)key[i];
        if (c < 0x20 || c == 0x7f) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), "put the key alone into the variable, without a line end",
                           "the key was not sent: its byte %zu is %s", i + 1,
                           c == '\n' || c == '\r' ? "a line end" : "a control character");
        }
    }
    return TS_OK;
}

enum ts_status ts_http_create(struct ts_http **out, const struct ts_http_options *options,
                              const struct ts_http_handler *handler, struct ts_diags *diags)
{
    enum ts_status status = check_url(options->url, diags);
    if (status == TS_OK) {
        status = check_key(options->key, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    struct ts_http *http = calloc(1, sizeof *http);
    if (!http || curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        free(http);
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    http->handler = *handler;
    http->multi = curl_multi_init();
    if (!http->multi || !copy_options(http, options) || !add_headers(http, options->key)) {
        ts_http_destroy(http);
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    *out = http;
    return TS_OK;
}

/* ---- posts ---- */

static size_t on_write(char *bytes, size_t size, size_t n, void *user)
{
    struct post *post = user;
    const struct ts_http_handler *handler = &post->http->handler;
    const int64_t now_ns = ts_clock_now_ns();
    const size_t len = size * n;
    long http_status = 0;
    curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &http_status);
    post->n_received += len;
    const bool goes_on = post->n_received <= TS_HTTP_MAX_REPLY_BYTES &&
                         handler->on_data(handler->context, post->tag, (int)http_status, bytes, len, now_ns);
    return goes_on ? len : 0;
}

static long milliseconds(double seconds)
{
    return seconds < 0.001 ? 1 : seconds > 1e6 ? 1000000000 : (long)(seconds * 1e3);
}

static void restrict_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

static void set_up(struct post *post)
{
    const struct ts_http *http = post->http;
    CURL *easy = post->easy;
    restrict_protocols(easy);
    curl_easy_setopt(easy, CURLOPT_URL, http->url);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->headers);
    curl_easy_setopt(easy, CURLOPT_HEADEROPT, (long)CURLHEADER_SEPARATE); /* the key is not for a proxy */
    if (http->is_local) {
        curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* http_proxy is for other machines */
    }
    curl_easy_setopt(easy, CURLOPT_USERAGENT, http->agent);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(http->options.connect_s));
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, milliseconds(http->options.total_s));
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (milliseconds(http->options.stall_s) + 999L) / 1000L);
    if (http->ca_file) {
        curl_easy_setopt(easy, CURLOPT_CAINFO, http->ca_file);
    }
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_write);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, post);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, post);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, post->message);
}

static struct post *take_post(struct ts_http *http)
{
    struct post *post = http->free_posts;
    if (post) {
        http->free_posts = post->next_free;
        return post;
    }
    post = calloc(1, sizeof *post);
    if (!post) {
        return NULL;
    }
    ts_text_init(&post->body);
    post->http = http;
    post->easy = curl_easy_init();
    if (!post->easy) {
        post_destroy(post);
        return NULL;
    }
    set_up(post);
    http->posts[http->n_posts++] = post;
    return post;
}

static void give_post(struct ts_http *http, struct post *post)
{
    post->next_free = http->free_posts;
    http->free_posts = post;
    http->n_in_flight--;
}

enum ts_status ts_http_post(struct ts_http *http, uint32_t tag, const char *body, size_t len)
{
    if (http->n_in_flight == TS_HTTP_MAX_IN_FLIGHT) {
        return TS_ERANGE;
    }
    struct post *post = take_post(http);
    if (!post) {
        return TS_ENOMEM;
    }
    http->n_in_flight++;
    post->tag = tag;
    post->n_received = 0;
    post->message[0] = '\0';
    ts_text_clear(&post->body);
    ts_text_append(&post->body, body, len);
    curl_easy_setopt(post->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)post->body.len);
    curl_easy_setopt(post->easy, CURLOPT_POSTFIELDS, post->body.data);
    if (post->body.failed || curl_multi_add_handle(http->multi, post->easy) != CURLM_OK) {
        give_post(http, post);
        return TS_ENOMEM;
    }
    return TS_OK;
}

static enum ts_http_end end_of(CURLcode code)
{
    switch ((int)code) {
    case CURLE_OK:
        return TS_HTTP_WHOLE;
    case CURLE_OPERATION_TIMEDOUT:
        return TS_HTTP_TIMED_OUT;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
        return TS_HTTP_UNREACHED;
    case CURLE_WRITE_ERROR:
        return TS_HTTP_STOPPED;
    default:
        return TS_HTTP_BROKEN;
    }
}

static void settle(struct ts_http *http, struct post *post, CURLcode code)
{
    long http_status = 0;
    curl_off_t retry_after = 0;
    curl_easy_getinfo(post->easy, CURLINFO_RESPONSE_CODE, &http_status);
    curl_easy_getinfo(post->easy, CURLINFO_RETRY_AFTER, &retry_after);
    char words[CURL_ERROR_SIZE]; /* on_done may use the handle again */
    snprintf(words, sizeof words, "%s", post->message[0] != '\0' ? post->message : curl_easy_strerror(code));
    const struct ts_http_done done = {
        .end = end_of(code),
        .http_status = (int)http_status,
        .retry_after_s = retry_after > 0 ? (double)retry_after : -1.0,
        .message = code == CURLE_OK ? "" : words,
    };
    curl_multi_remove_handle(http->multi, post->easy);
    give_post(http, post);
    http->handler.on_done(http->handler.context, post->tag, &done, ts_clock_now_ns());
}

static bool settle_all(struct ts_http *http)
{
    bool any = false;
    int n_left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(http->multi, &n_left)) != NULL) {
        struct post *post = NULL;
        const CURLcode code = message->data.result;
        if (message->msg == CURLMSG_DONE &&
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&post) == CURLE_OK && post) {
            settle(http, post, code);
            any = true;
        }
    }
    return any;
}

enum ts_status ts_http_wait(struct ts_http *http, int64_t until_ns)
{
    int n_running = 0;
    for (;;) {
        if (curl_multi_perform(http->multi, &n_running) != CURLM_OK) {
            return TS_EIO;
        }
        const int64_t left_ns = until_ns - ts_clock_now_ns();
        if (settle_all(http) || left_ns <= 0) {
            return TS_OK;
        }
        int wait_ms = (int)(left_ns / 1000000 < MAX_WAIT_MS ? left_ns / 1000000 : MAX_WAIT_MS);
        wait_ms = wait_ms < 1 ? 1 : wait_ms;
        int n_ready = 0;
        if (curl_multi_poll(http->multi, NULL, 0, wait_ms, &n_ready) != CURLM_OK) {
            return TS_EIO;
        }
        if (n_ready == 0 && wait_ms == MAX_WAIT_MS) {
            (void)curl_multi_perform(http->multi, &n_running);
            (void)settle_all(http);
            return TS_OK; /* the caller looks at its own clock and at Ctrl-C */
        }
    }
}

/* ---- addresses ---- */

static bool is_loopback(char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    const size_t len = strlen(host);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
        host[len - 1] = '\0';
        return inet_pton(AF_INET6, host + 1, &v6) == 1 && memcmp(&v6, &in6addr_loopback, sizeof v6) == 0;
    }
    return strcasecmp(host, "localhost") == 0 || (inet_pton(AF_INET, host, &v4) == 1 && ntohl(v4.s_addr) >> 24 == 127);
}

bool ts_http_is_local(const char *url)
{
    CURLU *parsed = curl_url();
    char *host = NULL;
    const bool local = parsed && curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK &&
                       curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK && is_loopback(host);
    curl_free(host);
    curl_url_cleanup(parsed);
    return local;
}

bool ts_http_in_the_clear(const char *url)
{
    return ts_str_has_prefix(url, "http://") && !ts_http_is_local(url);
}
