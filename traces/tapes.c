/* Hides what a workload is known by, who makes a tape and who waits for it, and which one goes. The key is the bytes of
 * the structs with zeros in place of pointers, and after them what these point to. A pointer that this file does not
 * know stays what it is: then nothing is shared, and nothing is wrong. */
#include "traces/tapes.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum { MAX_TAPES = 1024 };

struct key {
    unsigned char *bytes; /* [n] */
    size_t n, cap;
    bool failed;
};

struct tape {
    struct key key;
    struct ts_request *requests; /* [n] */
    uint64_t n, last_used;
    size_t n_bytes; /* that it may take, while it is made; then what it takes */
    uint32_t n_readers;
    bool is_made, is_used; /* readers wait until it is made */
};

struct ts_tapes {
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    struct tape tapes[MAX_TAPES];
    size_t max_bytes, n_bytes;
    uint64_t clock;
};

/* ---- keys ---- */

static void put(struct key *key, const void *bytes, size_t n)
{
    if (key->n + n > key->cap && !key->failed) {
        const size_t cap = 2 * key->cap + n;
        unsigned char *grown = realloc(key->bytes, cap);
        key->failed = !grown;
        key->bytes = grown ? grown : key->bytes;
        key->cap = grown ? cap : key->cap;
    }
    if (!key->failed && n > 0) {
        memcpy(key->bytes + key->n, bytes, n);
        key->n += n;
    }
}

static void put_numbers(struct key *key, const double *numbers, size_t n)
{
    n = numbers ? n : 0;
    put(key, &n, sizeof n);
    put(key, numbers, n * sizeof *numbers);
}

static void put_dist(struct key *key, const struct ts_dist *dist)
{
    put_numbers(key, dist->q, dist->n);
    put_numbers(key, dist->x, dist->n);
}

static void forget_dist(struct ts_dist *dist)
{
    dist->q = dist->x = NULL;
}

static void put_process(struct key *key, const struct ts_process *process)
{
    struct ts_process plain = *process;
    plain.week_curve = plain.rates = NULL;
    forget_dist(&plain.gap);
    forget_dist(&plain.on_s);
    forget_dist(&plain.off_s);
    put(key, &plain, sizeof plain);
    put_numbers(key, process->week_curve, TS_WEEK_HOURS);
    put_numbers(key, process->rates, process->n_rates);
    put_dist(key, &process->gap);
    put_dist(key, &process->on_s);
    put_dist(key, &process->off_s);
}

static void put_lengths(struct key *key, const struct ts_class_spec *spec)
{
    for (size_t i = 0; i < spec->n_lengths; i++) {
        struct ts_length_row plain = spec->lengths[i];
        put_dist(key, &plain.prompt_tok);
        put_dist(key, &plain.output_tok);
        put_dist(key, &plain.prefix_frac);
        put_numbers(key, plain.over_time, plain.n_over_time);
        plain.over_time = NULL;
        memset(&plain.prefix_lag, 0, sizeof plain.prefix_lag); /* of prefixes, which are not on tapes */
        forget_dist(&plain.prompt_tok);
        forget_dist(&plain.output_tok);
        forget_dist(&plain.prefix_frac);
        put(key, &plain, sizeof plain);
    }
}

/* Of one without sessions and prefixes; its name is nothing to the generator. */
static void put_class(struct key *key, const struct ts_class_spec *spec)
{
    struct ts_class_spec plain = *spec;
    plain.name = NULL;
    plain.process = NULL;
    plain.lengths = NULL;
    forget_dist(&plain.prompt_tok);
    forget_dist(&plain.output_tok);
    forget_dist(&plain.difficulty);
    memset(&plain.session, 0, sizeof plain.session);
    put(key, &plain, sizeof plain);
    put_dist(key, &spec->prompt_tok);
    put_dist(key, &spec->output_tok);
    put_dist(key, &spec->difficulty);
    put_lengths(key, spec);
    if (spec->process) {
        put_process(key, spec->process);
    }
}

static void put_workload(struct key *key, const struct ts_workload *workload, uint64_t seed, uint32_t replication)
{
    struct ts_workload plain = *workload;
    plain.represents = NULL;
    plain.classes = NULL;
    plain.window.holidays = NULL;
    memset(&plain.process, 0, sizeof plain.process);
    put(key, &seed, sizeof seed);
    put(key, &replication, sizeof replication);
    put(key, &plain, sizeof plain);
    put_numbers(key, workload->window.holidays, workload->window.n_holidays);
    put_process(key, &workload->process);
    for (size_t i = 0; i < workload->n_classes; i++) {
        put_class(key, &workload->classes[i]);
    }
}

/* ---- tapes ---- */

bool ts_tapes_can_count(const struct ts_workload *workload)
{
    bool can = !workload->trace_path && !workload->is_closed;
    for (size_t i = 0; i < workload->n_classes; i++) {
        can = can && !workload->classes[i].session.on && !workload->classes[i].has_prefixes;
    }
    return can;
}

static void clear(struct ts_tapes *tapes, struct tape *tape)
{
    tapes->n_bytes -= tape->n_bytes;
    free(tape->requests);
    free(tape->key.bytes);
    *tape = (struct tape){.n = 0};
}

static struct tape *find(struct ts_tapes *tapes, const struct key *key)
{
    for (int i = 0; i < MAX_TAPES; i++) {
        struct tape *tape = &tapes->tapes[i];
        if (tape->is_used && tape->key.n == key->n && memcmp(tape->key.bytes, key->bytes, key->n) == 0) {
            return tape;
        }
    }
    return NULL;
}

/* That which nobody reads and was not used for longest; NULL: all are read. */
static struct tape *oldest(struct ts_tapes *tapes)
{
    struct tape *oldest = NULL;
    for (int i = 0; i < MAX_TAPES; i++) {
        struct tape *tape = &tapes->tapes[i];
        if (tape->is_made && tape->n_readers == 0 && (!oldest || tape->last_used < oldest->last_used)) {
            oldest = tape;
        }
    }
    return oldest;
}

/* An empty place for one of that many bytes; NULL: there is no room. */
static struct tape *make_room(struct ts_tapes *tapes, size_t n_bytes)
{
    struct tape *old = n_bytes <= tapes->max_bytes ? oldest(tapes) : NULL;
    while (old && tapes->n_bytes + n_bytes > tapes->max_bytes) {
        clear(tapes, old);
        old = oldest(tapes);
    }
    for (int i = 0; i < MAX_TAPES && tapes->n_bytes + n_bytes <= tapes->max_bytes; i++) {
        if (!tapes->tapes[i].is_used) {
            return &tapes->tapes[i];
        }
    }
    return NULL;
}

/* All requests of a stream; what the array has room for is told to begin with. */
static enum ts_status read_all(struct tape *tape, struct ts_request_stream *stream, size_t room, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (int got = 1; status == TS_OK && got;) {
        if (tape->n == room || !tape->requests) {
            room = tape->requests ? room + room / 4 + 64 : room + 64;
            struct ts_request *grown = realloc(tape->requests, room * sizeof *grown);
            if (!grown) {
                return TS_ENOMEM;
            }
            tape->requests = grown;
        }
        status = ts_request_next(stream, &tape->requests[tape->n], &got, diags);
        tape->n += status == TS_OK && got;
    }
    return status;
}

static enum ts_status make(struct tape *tape, const struct ts_workload *workload, uint64_t seed, uint32_t replication,
                           const struct ts_progress *progress, struct ts_diags *diags)
{
    struct ts_request_stream *stream = NULL;
    enum ts_status status = ts_workload_open(&stream, workload, seed, replication, progress, diags);
    if (status == TS_OK) {
        status = read_all(tape, stream, (size_t)(1.05 * ts_workload_expected_calls(workload)), diags);
        ts_request_stream_destroy(stream);
    }
    return status;
}

/* ---- a stream ---- */

struct reader {
    struct ts_request_stream base;
    struct ts_tapes *tapes;
    struct tape *tape;
    uint64_t next;
};

static enum ts_status reader_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                  struct ts_diags *diags)
{
    struct reader *reader = (struct reader *)stream;
    (void)diags;
    *got = reader->next < reader->tape->n;
    if (*got) {
        *out = reader->tape->requests[reader->next++];
    }
    return TS_OK;
}

static void reader_destroy(struct ts_request_stream *stream)
{
    struct reader *reader = (struct reader *)stream;
    pthread_mutex_lock(&reader->tapes->lock);
    reader->tape->n_readers--;
    pthread_mutex_unlock(&reader->tapes->lock);
    free(reader);
}

static const struct ts_request_stream_ops reader_ops = {.next = reader_next, .destroy = reader_destroy};

static enum ts_status open_reader(struct ts_request_stream **out, struct ts_tapes *tapes, struct tape *tape)
{
    struct reader *reader = malloc(sizeof *reader);
    if (!reader) {
        return TS_ENOMEM;
    }
    *reader = (struct reader){.base = {.ops = &reader_ops}, .tapes = tapes, .tape = tape};
    tape->n_readers++;
    tape->last_used = ++tapes->clock;
    *out = &reader->base;
    return TS_OK;
}

/* ---- the whole ---- */

enum ts_status ts_tapes_create(struct ts_tapes **out, size_t max_bytes)
{
    struct ts_tapes *tapes = calloc(1, sizeof *tapes);
    if (!tapes) {
        return TS_ENOMEM;
    }
    pthread_mutex_init(&tapes->lock, NULL);
    pthread_cond_init(&tapes->changed, NULL);
    tapes->max_bytes = max_bytes;
    *out = tapes;
    return TS_OK;
}

void ts_tapes_destroy(struct ts_tapes *tapes)
{
    if (!tapes) {
        return;
    }
    for (int i = 0; i < MAX_TAPES; i++) {
        TS_CHECK(tapes->tapes[i].n_readers == 0);
        clear(tapes, &tapes->tapes[i]);
    }
    pthread_cond_destroy(&tapes->changed);
    pthread_mutex_destroy(&tapes->lock);
    free(tapes);
}

/* Under the lock, which is not held while a tape is made. Takes the key. *out stays NULL if there is no room. */
static enum ts_status open_kept(struct ts_request_stream **out, struct ts_tapes *tapes, struct key *key,
                                const struct ts_workload *workload, uint64_t seed, uint32_t replication,
                                const struct ts_progress *progress, struct ts_diags *diags)
{
    struct tape *tape;
    while ((tape = find(tapes, key)) != NULL && !tape->is_made) {
        pthread_cond_wait(&tapes->changed, &tapes->lock);
    }
    if (tape) {
        return open_reader(out, tapes, tape);
    }
    const double expected = 1.05 * ts_workload_expected_calls(workload) * sizeof *tape->requests;
    tape = expected < (double)tapes->max_bytes ? make_room(tapes, (size_t)expected) : NULL;
    if (!tape) {
        return TS_OK;
    }
    *tape = (struct tape){.key = *key, .is_used = true, .n_bytes = (size_t)expected};
    tapes->n_bytes += tape->n_bytes;
    *key = (struct key){.n = 0};
    pthread_mutex_unlock(&tapes->lock);
    enum ts_status status = make(tape, workload, seed, replication, progress, diags);
    pthread_mutex_lock(&tapes->lock);
    pthread_cond_broadcast(&tapes->changed);
    if (status != TS_OK) {
        clear(tapes, tape);
        return status;
    }
    tape->is_made = true;
    tapes->n_bytes -= tape->n_bytes;
    tape->n_bytes = tape->n * sizeof *tape->requests;
    tapes->n_bytes += tape->n_bytes;
    return open_reader(out, tapes, tape);
}

enum ts_status ts_tapes_open(struct ts_request_stream **out, struct ts_tapes *tapes, const struct ts_workload *workload,
                             uint64_t seed, uint32_t replication, const struct ts_progress *progress,
                             struct ts_diags *diags)
{
    struct ts_request_stream *stream = NULL;
    enum ts_status status = TS_OK;
    if (tapes && ts_tapes_can_count(workload)) {
        struct key key = {.n = 0};
        put_workload(&key, workload, seed, replication);
        status = key.failed ? TS_ENOMEM : TS_OK;
        if (status == TS_OK) {
            pthread_mutex_lock(&tapes->lock);
            status = open_kept(&stream, tapes, &key, workload, seed, replication, progress, diags);
            pthread_mutex_unlock(&tapes->lock);
        }
        free(key.bytes);
    }
    if (status != TS_OK || stream) {
        *out = stream ? stream : *out;
        return status;
    }
    return ts_workload_open(out, workload, seed, replication, progress, diags);
}

static enum ts_status count_rest(uint64_t *out, struct ts_request_stream *stream, struct ts_diags *diags)
{
    struct ts_request request;
    enum ts_status status = TS_OK;
    *out = 0;
    for (int got = 1; status == TS_OK && got;) {
        status = ts_request_next(stream, &request, &got, diags);
        *out += status == TS_OK && got;
    }
    return status;
}

enum ts_status ts_tapes_count(uint64_t *out, struct ts_tapes *tapes, const struct ts_workload *workload, uint64_t seed,
                              uint32_t replication, const struct ts_progress *progress, struct ts_diags *diags)
{
    struct ts_request_stream *stream = NULL;
    TS_CHECK(ts_tapes_can_count(workload));
    enum ts_status status = ts_tapes_open(&stream, tapes, workload, seed, replication, progress, diags);
    if (status != TS_OK) {
        return status;
    }
    if (stream->ops == &reader_ops) {
        *out = ((struct reader *)stream)->tape->n;
    } else {
        status = count_rest(out, stream, diags);
    }
    ts_request_stream_destroy(stream);
    return status;
}
