/* Hides which settings a simulation looks at, who makes a run and who waits for it, and which one goes. */
#include "study/shared_runs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RUNS = 16 };

struct ts_shared_run {
    struct ts_text key; /* settings that the simulation looks at, but for thresholds */
    double thresholds[TS_MAX_TIERS];
    uint32_t n_thresholds; /* calls are held against so many */
    struct ts_replications runs;
    uint32_t n_users;
    uint64_t last_used;
    bool is_made, is_listed;
};

struct ts_shared_runs {
    pthread_mutex_t lock; /* guards all below, and of a run what is not made once for all */
    pthread_cond_t changed;
    struct ts_shared_run *runs[MAX_RUNS];
    uint64_t clock;
};

enum ts_status ts_shared_runs_create(struct ts_shared_runs **out)
{
    struct ts_shared_runs *shared = calloc(1, sizeof *shared);
    if (!shared) {
        return TS_ENOMEM;
    }
    (void)pthread_mutex_init(&shared->lock, NULL);
    (void)pthread_cond_init(&shared->changed, NULL);
    *out = shared;
    return TS_OK;
}

static void destroy_run(struct ts_shared_run *run)
{
    ts_replications_deinit(&run->runs);
    ts_text_deinit(&run->key);
    free(run);
}

void ts_shared_runs_destroy(struct ts_shared_runs *shared)
{
    for (size_t i = 0; shared && i < MAX_RUNS; i++) {
        if (shared->runs[i]) {
            destroy_run(shared->runs[i]);
        }
    }
    if (shared) {
        (void)pthread_cond_destroy(&shared->changed);
        (void)pthread_mutex_destroy(&shared->lock);
    }
    free(shared);
}

/* ---- which run ---- */

static bool is_one_of(const char *key, const char *const *words)
{
    bool is = false;
    for (size_t i = 0; words[i]; i++) {
        is = is || ts_str_equal(key, words[i]);
    }
    return is;
}

/* Keys that are not here are looked at: API prices are converted by currency and rates, links fail as the power of
 * their region does, spot machines are taken away. */
static bool is_looked_at(const char *key)
{
    static const char *const money[] = {"growth",
                                        "horizon",
                                        "discount",
                                        "electricity",
                                        "carbon",
                                        "peak.price",
                                        "salary",
                                        "tax",
                                        "present",
                                        "demand_charge",
                                        "depreciation",
                                        "api_price_decline",
                                        "hardware_price_decline",
                                        NULL};
    static const char *const owned[] = {
        "capex",  "life",  "buy",        "lead_time", "maintenance", "staff", "replicas_per_staff",
        "resale", "other", "colocation", "licences",  "when_full",   "rent",  "rent_instead",
        NULL};
    static const char of_money[] = "money.", of_owning[] = ".owned.";
    const char *owning = ts_str_has_prefix(key, "tiers.") ? strstr(key, of_owning) : NULL;
    const bool is_money = ts_str_has_prefix(key, of_money) && is_one_of(key + strlen(of_money), money);
    const bool is_of_owning = owning && is_one_of(owning + strlen(of_owning), owned);
    return !is_money && !is_of_owning && !ts_str_has_prefix(key, "limits.") &&
           !ts_str_has_prefix(key, "routing.thresholds.");
}

static void put_settings(struct ts_text *out, const char *const *sets, size_t n_sets)
{
    struct ts_text key;
    ts_text_init(&key);
    for (size_t i = 0; i < n_sets; i++) {
        ts_text_clear(&key);
        ts_text_printf(&key, "%.*s", (int)strcspn(sets[i], "="), sets[i]);
        if (is_looked_at(key.data)) {
            ts_text_printf(out, "%s\n", sets[i]);
        }
    }
    out->failed = out->failed || key.failed;
    ts_text_deinit(&key);
}

static struct ts_shared_run *create_run(const struct ts_model *model, const char *const *sets, size_t n_sets)
{
    struct ts_shared_run *run = calloc(1, sizeof *run);
    if (!run) {
        return NULL;
    }
    ts_text_init(&run->key);
    put_settings(&run->key, sets, n_sets);
    run->n_thresholds = model->router.n_order;
    memcpy(run->thresholds, model->router.threshold, sizeof run->thresholds);
    run->n_users = 1;
    return run;
}

/* Would every call have gone the same way with the thresholds of the other? */
static bool goes_the_same_way(const struct ts_shared_run *made, const struct ts_shared_run *other)
{
    bool same = made->n_thresholds == other->n_thresholds;
    for (uint32_t i = 0; same && i < made->n_thresholds; i++) {
        const struct ts_threshold_range *range = &made->runs.merged.thresholds[i];
        const double threshold = other->thresholds[i];
        same =
            threshold == made->thresholds[i] || (made->is_made && threshold >= range->from && threshold < range->below);
    }
    return same;
}

static struct ts_shared_run *find(const struct ts_shared_runs *shared, const struct ts_shared_run *wanted)
{
    for (size_t i = 0; i < MAX_RUNS; i++) {
        struct ts_shared_run *run = shared->runs[i];
        if (run && ts_str_equal(run->key.data, wanted->key.data) && goes_the_same_way(run, wanted)) {
            return run;
        }
    }
    return NULL;
}

/* In a free place, or that of the one that was used longest ago and nobody uses. */
static void list(struct ts_shared_runs *shared, struct ts_shared_run *run)
{
    size_t place = MAX_RUNS;
    for (size_t i = 0; i < MAX_RUNS; i++) {
        const struct ts_shared_run *there = shared->runs[i];
        const struct ts_shared_run *worst = place < MAX_RUNS ? shared->runs[place] : NULL;
        if (!there) {
            place = i;
            break;
        }
        if (there->n_users == 0 && (!worst || there->last_used < worst->last_used)) {
            place = i;
        }
    }
    if (place < MAX_RUNS) {
        if (shared->runs[place]) {
            destroy_run(shared->runs[place]);
        }
        shared->runs[place] = run;
        run->is_listed = true;
    }
}

static void unlist(struct ts_shared_runs *shared, struct ts_shared_run *run)
{
    for (size_t i = 0; i < MAX_RUNS; i++) {
        shared->runs[i] = shared->runs[i] == run ? NULL : shared->runs[i];
    }
    run->is_listed = false;
}

/* ---- making ---- */

/* NULL: it is for the caller to make, and listed. */
static struct ts_shared_run *find_or_list(struct ts_shared_runs *shared, struct ts_shared_run *wanted)
{
    struct ts_shared_run *found;
    (void)pthread_mutex_lock(&shared->lock);
    while ((found = find(shared, wanted)) && !found->is_made) {
        (void)pthread_cond_wait(&shared->changed, &shared->lock);
    }
    if (found) {
        found->n_users++;
        found->last_used = ++shared->clock;
    } else {
        list(shared, wanted);
        wanted->last_used = ++shared->clock;
    }
    (void)pthread_mutex_unlock(&shared->lock);
    return found;
}

/* Whoever waits for one that failed makes it himself. */
static void tell(struct ts_shared_runs *shared, struct ts_shared_run *run, enum ts_status status)
{
    (void)pthread_mutex_lock(&shared->lock);
    run->is_made = status == TS_OK;
    if (!run->is_made) {
        unlist(shared, run);
    }
    (void)pthread_cond_broadcast(&shared->changed);
    (void)pthread_mutex_unlock(&shared->lock);
}

static bool can_be_shared(const struct ts_replicate_options *options)
{
    return options->n_replications == 1 && !options->until && !(options->stop && options->stop->key);
}

enum ts_status ts_shared_run_get(struct ts_shared_run **out, struct ts_shared_runs *shared,
                                 const struct ts_scenario *scenario, const char *const *sets, size_t n_sets,
                                 const struct ts_replicate_options *options, struct ts_diags *diags)
{
    struct ts_shared_run *run = create_run(&scenario->model, sets, n_sets);
    *out = run;
    if (!run || run->key.failed) {
        return TS_ENOMEM;
    }
    const bool shares = shared && can_be_shared(options);
    struct ts_shared_run *found = shares ? find_or_list(shared, run) : NULL;
    if (found) {
        destroy_run(run);
        *out = found;
        return TS_OK;
    }
    const enum ts_status status = ts_replicate(&run->runs, scenario, options, diags);
    if (shares) {
        tell(shared, run, status);
    }
    return status;
}

void ts_shared_run_give(struct ts_shared_run *run, struct ts_shared_runs *shared)
{
    if (!run) {
        return;
    }
    if (shared) {
        (void)pthread_mutex_lock(&shared->lock);
    }
    const bool is_listed = run->is_listed;
    run->n_users--;
    if (shared) {
        (void)pthread_mutex_unlock(&shared->lock);
    }
    if (!is_listed) {
        destroy_run(run);
    }
}

const struct ts_replications *ts_shared_run_of(const struct ts_shared_run *run)
{
    return &run->runs;
}
