/* Trials are pure, and replications of them do not depend on threads, nor on being interrupted in others. */
#include <dirent.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "study/replicate.h"

enum { N = 9 };

static const char text[] = "scenario: study\n"
                           "seed: 3\n"
                           "workload:\n"
                           "  duration: 2 min\n"
                           "  calls: 2 /s\n"
                           "  classes: [{name: chat, share: 100 %, prompt: 100 tok, output: 20 tok}]\n"
                           "tiers:\n"
                           "  edge: {kind: server, hardware: RTX 4090, model: Llama-3.1-8B, quant: BF16, ability: 0,\n"
                           "         steps: {linear: {a: 10 ms}}}\n";

static struct ts_trial_base load(struct ts_scenario *scenario, const char *const *sets, size_t n_sets)
{
    const struct ts_trial_base base = {
        .scenario = scenario, .path = "study.yaml", .options = {.sets = sets, .n_sets = n_sets, .text = text}};
    struct ts_diags diags;
    ts_diags_init(&diags);
    const enum ts_status status = ts_scenario_load(scenario, base.path, &base.options, &diags);
    if (status != TS_OK) {
        fail_msg("%s", diags.items[0].message);
    }
    ts_diags_deinit(&diags);
    return base;
}

static double figure(const struct ts_figure_list *list, const double *values, const char *name, const char *stat)
{
    return ts_figure_value(list, values, TS_SUBJECT_ALL, ts_metric_find(name, stat));
}

static void assert_same(const struct ts_trial_outcome *a, const struct ts_trial_outcome *b)
{
    assert_int_equal(a->n_figures, b->n_figures);
    for (uint32_t i = 0; i < a->n_figures; i++) {
        assert_true(a->figures[i] == b->figures[i] || (isnan(a->figures[i]) && isnan(b->figures[i])));
    }
}

static void test_trial__its_list_is_laid_over_the_scenario(void **state)
{
    (void)state;
    static const char *const all[] = {"seed=8", "workload.calls=3 /s", "seed=9"};
    struct ts_scenario plain, changed;
    const struct ts_trial_base base = load(&plain, all, 2), whole = load(&changed, all, 3);
    const struct ts_trial_options options = {.read_ahead = false};
    const struct ts_trial with_list = {.base = &base, .sets = all + 2, .n_sets = 1, .replication = 1};
    const struct ts_trial without = {.base = &whole, .replication = 1}, other = {.base = &base, .replication = 1};
    struct ts_trial_outcome a, b, c;
    assert_int_equal(ts_trial_run(&a, &with_list, &options, NULL), TS_OK);
    assert_int_equal(ts_trial_run(&b, &without, &options, NULL), TS_OK);
    assert_int_equal(ts_trial_run(&c, &other, &options, NULL), TS_OK);
    assert_same(&a, &b);
    assert_true(a.result.n_events != c.result.n_events);
    ts_trial_outcome_deinit(&a);
    ts_trial_outcome_deinit(&b);
    ts_trial_outcome_deinit(&c);
    ts_scenario_deinit(&plain);
    ts_scenario_deinit(&changed);
}

static void test_trial__how_it_is_run_does_not_show(void **state)
{
    (void)state;
    struct ts_scenario scenario;
    const struct ts_trial_base base = load(&scenario, NULL, 0);
    const struct ts_trial trial = {.base = &base, .replication = 4};
    const struct ts_trial_options plainly = {.read_ahead = false}, ahead = {.read_ahead = true};
    struct ts_trial_outcome a, b;
    assert_int_equal(ts_trial_run(&a, &trial, &plainly, NULL), TS_OK);
    assert_int_equal(ts_trial_run(&b, &trial, &ahead, NULL), TS_OK);
    assert_same(&a, &b);
    ts_trial_outcome_deinit(&a);
    ts_trial_outcome_deinit(&b);
    ts_scenario_deinit(&scenario);
}

static void test_trial__a_wrong_list_is_a_diagnostic(void **state)
{
    (void)state;
    static const char *const wrong[] = {"workload.cals=3 /s"};
    struct ts_scenario scenario;
    struct ts_diags diags;
    const struct ts_trial_base base = load(&scenario, NULL, 0);
    const struct ts_trial trial = {.base = &base, .sets = wrong, .n_sets = 1};
    const struct ts_trial_options options = {.read_ahead = false};
    struct ts_trial_outcome outcome;
    ts_diags_init(&diags);
    assert_int_equal(ts_trial_run(&outcome, &trial, &options, &diags), TS_ESCENARIO);
    assert_int_equal(diags.n_errors, 1);
    ts_diags_deinit(&diags);
    ts_scenario_deinit(&scenario);
}

/* ---- replications ---- */

static void assert_row(const struct ts_replications *runs, uint32_t row, const struct ts_trial_base *base,
                       uint32_t replication, bool single_steps)
{
    const struct ts_trial trial = {.base = base, .replication = replication};
    const struct ts_trial_options options = {.single_steps = single_steps};
    struct ts_trial_outcome outcome;
    assert_int_equal(ts_trial_run(&outcome, &trial, &options, NULL), TS_OK);
    assert_int_equal(outcome.n_figures, runs->each.list.n);
    assert_memory_equal(ts_figure_row(&runs->each, row), outcome.figures, outcome.n_figures * sizeof(double));
    ts_trial_outcome_deinit(&outcome);
}

static void test_replicate__threads_do_not_show(void **state)
{
    (void)state;
    struct ts_scenario scenario;
    const struct ts_trial_base base = load(&scenario, NULL, 0);
    double e2e_s = 0.0, busy = 0.0;
    for (uint32_t n_threads = 1; n_threads <= N + 3; n_threads += 2) {
        const struct ts_replicate_options options = {.n_replications = N, .n_threads = n_threads};
        struct ts_replications runs;
        assert_int_equal(ts_replicate(&runs, &scenario, &options, NULL), TS_OK);
        assert_int_equal(runs.each.n, N);
        assert_int_equal(runs.merged.n_replications, N);
        for (uint32_t i = 0; i < N; i++) {
            assert_row(&runs, i, &base, i, false);
        }
        double *values = calloc(runs.each.list.n, sizeof *values);
        assert_non_null(values);
        assert_int_equal(ts_figures_compute(values, &runs.each.list, &runs.merged, NULL), TS_OK);
        assert_true(n_threads == 1 || e2e_s == figure(&runs.each.list, values, "e2e", "mean"));
        assert_true(n_threads == 1 || busy == runs.merged.tiers[0].busy_frac);
        e2e_s = figure(&runs.each.list, values, "e2e", "mean");
        busy = runs.merged.tiers[0].busy_frac;
        free(values);
        ts_replications_deinit(&runs);
    }
    assert_true(e2e_s > 0.0 && busy > 0.0);
    ts_scenario_deinit(&scenario);
}

/* Says stop when it was asked for the n-th time, and from then on. */
struct stopper {
    pthread_mutex_t lock;
    int asks_left;
};

static bool ask(void *user, const struct ts_progress_state *progress)
{
    (void)progress;
    struct stopper *stopper = user;
    pthread_mutex_lock(&stopper->lock);
    const bool go_on = stopper->asks_left > 0;
    stopper->asks_left -= go_on;
    pthread_mutex_unlock(&stopper->lock);
    return go_on;
}

static void test_replicate__an_interrupted_study_keeps_what_was_done(void **state)
{
    (void)state;
    static const char *const longer[] = {"workload.duration=30 min"};
    struct ts_scenario scenario;
    const struct ts_trial_base base = load(&scenario, longer, 1);
    struct stopper count = {.asks_left = 1000000};
    struct ts_replicate_options options = {
        .n_replications = 1, .n_threads = 1, .single_steps = true, .progress = {ask, &count}};
    struct ts_replications runs;
    pthread_mutex_init(&count.lock, NULL);
    assert_int_equal(ts_replicate(&runs, &scenario, &options, NULL), TS_OK);
    ts_replications_deinit(&runs);
    const int n_asks = 1000000 - count.asks_left; /* of a replication */
    assert_true(n_asks > 2);
    count.asks_left = 4 * n_asks;
    options.n_replications = 100;
    assert_int_equal(ts_replicate(&runs, &scenario, &options, NULL), TS_EINTERRUPTED);
    assert_in_range(runs.each.n, 2, 6);
    assert_int_equal(runs.merged.n_replications, runs.each.n);
    for (uint32_t i = 0; i < runs.each.n; i++) {
        assert_row(&runs, i, &base, i, true);
    }
    ts_replications_deinit(&runs);
    count.asks_left = 1;
    assert_int_equal(ts_replicate(&runs, &scenario, &options, NULL), TS_EINTERRUPTED);
    assert_int_equal(runs.each.n, 0);
    ts_replications_deinit(&runs);
    pthread_mutex_destroy(&count.lock);
    ts_scenario_deinit(&scenario);
}

/* ---- rows of requests ---- */

struct watch {
    const char *dir;
    uint32_t most_parts;
    pthread_mutex_t lock;
};

/* Files under `dir` that this process has open, with a name or (O_TMPFILE) without; where the system does not tell,
 * those that have a name. */
static uint32_t count_files(const char *dir)
{
    DIR *open_files = opendir("/proc/self/fd");
    DIR *listing = open_files ? open_files : opendir(dir);
    uint32_t n = 0;
    assert_non_null(listing);
    for (const struct dirent *entry = readdir(listing); entry; entry = readdir(listing)) {
        char link[32], path[256];
        snprintf(link, sizeof link, "/proc/self/fd/%.12s", entry->d_name);
        const ssize_t len = open_files ? readlink(link, path, sizeof path - 1) : -1;
        path[len > 0 ? len : 0] = '\0';
        n += open_files ? strncmp(path, dir, strlen(dir)) == 0 : entry->d_name[0] != '.';
    }
    closedir(listing);
    return n;
}

static bool look(void *user, const struct ts_progress_state *progress)
{
    (void)progress;
    struct watch *watch = user;
    pthread_mutex_lock(&watch->lock);
    const uint32_t n = count_files(watch->dir);
    watch->most_parts = n > watch->most_parts ? n : watch->most_parts;
    pthread_mutex_unlock(&watch->lock);
    return true;
}

static char *requests_of(const char *dir, const struct ts_scenario *scenario, uint32_t n_threads, uint32_t *most_parts)
{
    char path[64];
    char *rows = NULL;
    size_t len = 0;
    struct watch watch = {.dir = dir};
    struct ts_replications runs;
    struct ts_replicate_options options = {
        .n_replications = 40, .n_threads = n_threads, .single_steps = true, .progress = {look, &watch}};
    snprintf(path, sizeof path, "%s/requests.csv", dir);
    pthread_mutex_init(&watch.lock, NULL);
    assert_int_equal(ts_requests_csv_open(&options.requests, path, &scenario->model, 40, NULL), TS_OK);
    assert_int_equal(ts_replicate(&runs, scenario, &options, NULL), TS_OK);
    assert_int_equal(ts_requests_csv_commit(options.requests, NULL), TS_OK);
    assert_int_equal(ts_file_read(&rows, &len, path, 1 << 24, NULL), TS_OK);
    pthread_mutex_destroy(&watch.lock);
    ts_replications_deinit(&runs);
    unlink(path);
    *most_parts = watch.most_parts;
    return rows;
}

static void test_replicate__rows_of_requests_are_in_order_and_do_not_pile_up(void **state)
{
    (void)state;
    char dir[] = "/tmp/tiersim-study-XXXXXX";
    static const char *const longer[] = {"workload.duration=10 min"};
    struct ts_scenario scenario;
    uint32_t one_part = 0, many_parts = 0;
    (void)load(&scenario, longer, 1);
    assert_non_null(mkdtemp(dir));
    char *one = requests_of(dir, &scenario, 1, &one_part), *many = requests_of(dir, &scenario, 3, &many_parts);
    assert_string_equal(one, many);
    assert_in_range(one_part, 2, 1 + 2); /* the file itself, and twice the threads */
    assert_in_range(many_parts, 2, 1 + 6);
    const char *last = strrchr(one, '\n');
    while (last > one && last[-1] != '\n') {
        last--;
    }
    assert_true(strncmp(last, "39,", 3) == 0);
    free(one);
    free(many);
    assert_int_equal(rmdir(dir), 0);
    ts_scenario_deinit(&scenario);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_trial__its_list_is_laid_over_the_scenario),
        cmocka_unit_test(test_trial__how_it_is_run_does_not_show),
        cmocka_unit_test(test_trial__a_wrong_list_is_a_diagnostic),
        cmocka_unit_test(test_replicate__threads_do_not_show),
        cmocka_unit_test(test_replicate__an_interrupted_study_keeps_what_was_done),
        cmocka_unit_test(test_replicate__rows_of_requests_are_in_order_and_do_not_pile_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
