/* gnuplot as a process: it ends when it should, with all that it started, and names mean nothing to it. */
#include <errno.h>
#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "reports/gnuplot.h"
#include "scratch.h"

/* Says its own number and that of a child of its own, then both sleep. */
static const char sleepy[] = "#!/bin/sh\nsleep 60 &\necho $$ $! > pids.tmp\nmv pids.tmp pids\nwait\n";

/* The two numbers that it wrote. */
static void read_pids(const struct scratch *scratch, long pids[2])
{
    char path[PATH_BYTES];
    const double end_s = ts_clock_now_s() + 20.0;
    snprintf(path, sizeof path, "%s/pids", scratch->root);
    while (!ts_file_exists(path) && ts_clock_now_s() < end_s) {
        ts_clock_sleep_s(0.005);
    }
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    assert_int_equal(fscanf(file, "%ld %ld", &pids[0], &pids[1]), 2);
    fclose(file);
}

/* Whoever is nobody's child any more may be a zombie for a moment. */
static void assert_gone(long pid)
{
    char path[64], state = '?';
    const double end_s = ts_clock_now_s() + 1.0;
    do {
        snprintf(path, sizeof path, "/proc/%ld/stat", pid);
        FILE *file = fopen(path, "r");
        if (!file || fscanf(file, "%*d %*s %c", &state) != 1) {
            state = 'Z';
        }
        if (file) {
            fclose(file);
        }
        ts_clock_sleep_s(0.005);
    } while (state != 'Z' && ts_clock_now_s() < end_s);
    assert_int_equal(state, 'Z');
}

/* Changes into the folder as gnuplot would: "-d -e cd '...' x.gp". */
static void fake_in_folder(const struct scratch *scratch, const char *script)
{
    struct ts_text text;
    ts_text_init(&text);
    const char *body = strchr(script, '\n') + 1;
    ts_text_printf(&text, "#!/bin/sh\ncd %s\n%s", scratch->root, body);
    scratch_fake_gnuplot(scratch, text.data);
    ts_text_deinit(&text);
}

static void put_half_pictures(const struct scratch *scratch)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/x.svg", scratch->root);
    assert_int_equal(ts_file_write(path, "half", 4, NULL), TS_OK);
}

static bool has_half_picture(const struct scratch *scratch)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/x.svg", scratch->root);
    return ts_file_exists(path);
}

static void test_gnuplot__a_hanging_one_is_stopped_with_its_children(void **state)
{
    struct scratch *scratch = *state;
    struct ts_text why;
    long pids[2];
    ts_text_init(&why);
    fake_in_folder(scratch, sleepy);
    put_half_pictures(scratch);
    assert_int_equal(ts_gnuplot_draw(scratch->root, "x", 1.0, NULL, &why), TS_GNUPLOT_TIMED_OUT);
    assert_string_equal(why.data, "it was stopped after 1 s");
    read_pids(scratch, pids);
    assert_gone(pids[0]);
    assert_gone(pids[1]);
    assert_false(has_half_picture(scratch));
    ts_text_deinit(&why);
}

static bool until_it_runs(void *user, const struct ts_progress_state *state)
{
    char path[PATH_BYTES];
    (void)state;
    snprintf(path, sizeof path, "%s/pids", ((const struct scratch *)user)->root);
    return !ts_file_exists(path);
}

static void test_gnuplot__one_that_nobody_waits_for_is_stopped_with_its_children(void **state)
{
    struct scratch *scratch = *state;
    const struct ts_progress progress = {.go_on = until_it_runs, .user = scratch};
    struct ts_text why;
    long pids[2];
    ts_text_init(&why);
    fake_in_folder(scratch, sleepy);
    put_half_pictures(scratch);
    assert_int_equal(ts_gnuplot_draw(scratch->root, "x", 60.0, &progress, &why), TS_GNUPLOT_STOPPED);
    read_pids(scratch, pids);
    assert_gone(pids[0]);
    assert_gone(pids[1]);
    assert_false(has_half_picture(scratch));
    ts_text_deinit(&why);
}

/* A process that draws is killed: its gnuplot must not sleep on, nor what that started. */
static void test_gnuplot__it_does_not_outlive_us(void **state)
{
    struct scratch *scratch = *state;
    long pids[2];
    fake_in_folder(scratch, sleepy);
    const pid_t drawer = fork();
    assert_true(drawer >= 0);
    if (drawer == 0) {
        struct ts_text why;
        ts_text_init(&why);
        (void)ts_gnuplot_draw(scratch->root, "x", 60.0, NULL, &why);
        _exit(0);
    }
    read_pids(scratch, pids);
    ts_clock_sleep_s(0.1); /* the watcher is started after gnuplot */
    assert_int_equal(kill(drawer, SIGKILL), 0);
    while (waitpid(drawer, NULL, 0) < 0 && errno == EINTR) {
    }
    assert_gone(pids[0]);
    assert_gone(pids[1]);
}

static void test_gnuplot__what_a_finished_one_left_running_is_stopped(void **state)
{
    struct scratch *scratch = *state;
    struct ts_text why;
    long pids[2];
    ts_text_init(&why);
    fake_in_folder(scratch, "#!/bin/sh\nsleep 60 &\necho $$ $! > pids\n");
    assert_int_equal(ts_gnuplot_draw(scratch->root, "x", 60.0, NULL, &why), TS_GNUPLOT_OK);
    read_pids(scratch, pids);
    assert_gone(pids[1]);
    ts_text_deinit(&why);
}

static void test_gnuplot__a_killed_one_is_said_so(void **state)
{
    struct scratch *scratch = *state;
    struct ts_text why;
    ts_text_init(&why);
    scratch_fake_gnuplot(scratch, "#!/bin/sh\nkill -9 $$\n");
    assert_int_equal(ts_gnuplot_draw(scratch->root, "x", 20.0, NULL, &why), TS_GNUPLOT_FAILED);
    assert_string_equal(why.data, "it was killed by signal 9");
    ts_text_deinit(&why);
}

static void test_gnuplot__no_process_is_left_behind(void **state)
{
    struct scratch *scratch = *state;
    struct ts_text why;
    ts_text_init(&why);
    scratch_fake_gnuplot(scratch, "#!/bin/sh\nexit 0\n");
    for (int i = 0; i < 5; i++) {
        assert_int_equal(ts_gnuplot_draw(scratch->root, "x", 20.0, NULL, &why), TS_GNUPLOT_OK);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    ts_text_deinit(&why);
}

static void test_gnuplot_quote__leaves_no_way_out(void **state)
{
    (void)state;
    struct ts_text text;
    ts_text_init(&text);
    ts_gnuplot_quote(&text, "'; system('x')\n`y` \"@z\" \\");
    assert_string_equal(text.data, "'\xe2\x80\x99; system(\xe2\x80\x99x\xe2\x80\x99) `y` \"@z\" \\'");
    ts_text_clear(&text);
    ts_gnuplot_quote(&text, NULL);
    assert_string_equal(text.data, "''");
    ts_text_clear(&text);
    ts_gnuplot_quote(&text, "0123456789012345678901234567890123456789012345678901234567890123456789");
    assert_string_equal(text.data, "'012345678901234567890123456789012345678901234567890123456789...'");
    ts_text_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_gnuplot__a_hanging_one_is_stopped_with_its_children),
        WITH_FOLDER(test_gnuplot__one_that_nobody_waits_for_is_stopped_with_its_children),
        WITH_FOLDER(test_gnuplot__it_does_not_outlive_us),
        WITH_FOLDER(test_gnuplot__what_a_finished_one_left_running_is_stopped),
        WITH_FOLDER(test_gnuplot__a_killed_one_is_said_so),
        WITH_FOLDER(test_gnuplot__no_process_is_left_behind),
        cmocka_unit_test(test_gnuplot_quote__leaves_no_way_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
