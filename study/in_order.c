/* Hides how threads wait for each other: whoever ends a piece takes all that are ready, unless another is at it. */
#include "study/in_order.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"

struct ended {
    bool ready;
    enum ts_status status;
};

struct crew {
    const struct ts_in_order *job;
    pthread_mutex_t lock; /* guards all below */
    pthread_cond_t changed;
    struct ended *ended; /* [window] */
    uint64_t n_begun, n_taken;
    bool taking, stop;
    enum ts_status first;
};

static bool begin(struct crew *crew, uint64_t *index)
{
    while (!crew->stop && crew->n_begun < crew->job->n && crew->n_begun - crew->n_taken >= crew->job->window) {
        pthread_cond_wait(&crew->changed, &crew->lock);
    }
    if (crew->stop || crew->n_begun >= crew->job->n) {
        return false;
    }
    *index = crew->n_begun++;
    return true;
}

static void take_ready(struct crew *crew)
{
    const struct ts_in_order *job = crew->job;
    if (crew->taking) {
        return;
    }
    crew->taking = true;
    while (crew->n_taken < crew->n_begun && crew->ended[crew->n_taken % job->window].ready) {
        const uint64_t index = crew->n_taken;
        struct ended *ended = &crew->ended[index % job->window];
        ended->ready = false;
        pthread_mutex_unlock(&crew->lock);
        const enum ts_status status = job->take(job->user, index, (uint32_t)(index % job->window), ended->status);
        pthread_mutex_lock(&crew->lock);
        crew->stop = crew->stop || status != TS_OK;
        crew->first = crew->first == TS_OK ? status : crew->first;
        crew->n_taken++;
        pthread_cond_broadcast(&crew->changed);
    }
    crew->taking = false;
}

static void *work(void *user)
{
    struct crew *crew = user;
    const struct ts_in_order *job = crew->job;
    uint64_t index;
    pthread_mutex_lock(&crew->lock);
    while (begin(crew, &index)) {
        pthread_mutex_unlock(&crew->lock);
        const enum ts_status status = job->work(job->user, index, (uint32_t)(index % job->window));
        pthread_mutex_lock(&crew->lock);
        crew->ended[index % job->window] = (struct ended){true, status};
        crew->stop = crew->stop || status != TS_OK;
        take_ready(crew);
    }
    pthread_cond_broadcast(&crew->changed);
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

enum ts_status ts_in_order_run(const struct ts_in_order *job)
{
    TS_CHECK(job->n_threads >= 1 && job->window >= 1);
    struct crew crew = {.job = job, .ended = calloc(job->window, sizeof *crew.ended)};
    pthread_t *threads = calloc(job->n_threads, sizeof *threads);
    uint32_t n_started = 0;
    if (!crew.ended || !threads) {
        free(crew.ended);
        free(threads);
        return TS_ENOMEM;
    }
    pthread_mutex_init(&crew.lock, NULL);
    pthread_cond_init(&crew.changed, NULL);
    while (n_started + 1 < job->n_threads && pthread_create(&threads[n_started], NULL, work, &crew) == 0) {
        n_started++;
    }
    work(&crew);
    for (uint32_t i = 0; i < n_started; i++) {
        pthread_join(threads[i], NULL);
    }
    pthread_cond_destroy(&crew.changed);
    pthread_mutex_destroy(&crew.lock);
    free(threads);
    free(crew.ended);
    TS_CHECK(crew.n_taken == crew.n_begun);
    return crew.first;
}
