/* The program as a process: how it ends on a signal, in every phase of a run, and what it leaves. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "app/interrupt.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/gzip.h"
#include "base/names.h"

enum { PATH_BYTES = 256, MAX_ARGS = 24, INTERRUPTED = 130 };

/* On a machine where much else runs; the limit is a second on one that is free. */
static const double patience_s = 5.0;

static const char scenario[] =
    "scenario: tiny\n"
    "workload:\n"
    "  duration: 10 min\n"
    "  calls: 0.2 /s\n"
    "  classes: [{name: chat, share: 100 %, prompt: 200 tok, output: 60 tok}]\n"
    "tiers:\n"
    "  edge: {kind: server, ability: 1, hardware: RTX 4090, model: Llama-3.1-8B, quant: FP8, replicas: 1}\n"
    "  cloud: {kind: api, ability: 2, offers: [{name: acme/big, input: 1 USD/Mtok, output: 2 USD/Mtok}]}\n"
    "routing: {thresholds: {edge: 0.8}}\n";

/* Reads its requests from a file in place of them. */
static const char replaying[] =
    "scenario: replay\n"
    "trace: {file: long.csv.gz}\n"
    "tiers:\n"
    "  edge: {kind: server, ability: 1, hardware: RTX 4090, model: Llama-3.1-8B, quant: FP8, replicas: 1}\n";

/* Endless for a test's purposes. */
#define LONG "--set", "workload.duration=370 days", "--set", "workload.calls=1000 /s"

/* ---- a folder with a program in it ---- */

struct world {
    char root[64];
    pid_t pid;
};

static void put_file(const struct world *world, const char *name, const char *text)
{
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", world->root, name);
    assert_int_equal(ts_file_write(path, text, strlen(text), NULL), TS_OK);
}

/* The text of a file there, free() it; "" if it is not. */
static char *text_of(const struct world *world, const char *name)
{
    char path[PATH_BYTES], *text = NULL;
    size_t len = 0;
    snprintf(path, sizeof path, "%s/%s", world->root, name);
    return ts_file_read(&text, &len, path, 1 << 24, NULL) == TS_OK ? text : strdup("");
}

static void put_gnuplot(const struct world *world, const char *script)
{
    char path[PATH_BYTES];
    put_file(world, "bin/gnuplot", script);
    snprintf(path, sizeof path, "%s/bin/gnuplot", world->root);
    assert_int_equal(chmod(path, 0700), 0);
}

static int set_up(void **state)
{
    static struct world world;
    char path[PATH_BYTES];
    snprintf(world.root, sizeof world.root, "/tmp/tiersim-signal-XXXXXX");
    world.pid = 0;
    if (!mkdtemp(world.root)) {
        return -1;
    }
    snprintf(path, sizeof path, "%s/bin", world.root);
    if (mkdir(path, 0700) != 0) {
        return -1;
    }
    put_file(&world, "tiny.yaml", scenario);
    put_gnuplot(&world, "#!/bin/sh\nexit 0\n");
    *state = &world;
    return 0;
}

static void remove_all(const char *path)
{
    struct ts_names names;
    if (unlink(path) == 0 || ts_names_of_folder(&names, path, NULL) != TS_OK) {
        return;
    }
    for (size_t i = 0; i < names.n; i++) {
        char *inner = ts_path_join(path, names.items[i]);
        remove_all(inner);
        free(inner);
    }
    ts_names_deinit(&names);
    rmdir(path);
}

static int tear_down(void **state)
{
    struct world *world = *state;
    if (world->pid > 0) {
        kill(world->pid, SIGKILL);
        waitpid(world->pid, NULL, 0);
    }
    remove_all(world->root);
    return 0;
}

/* What a run added to the folder: none but `wanted`. On a machine that hardly lets it run it may have been out of time:
 * then a hidden folder is there, too, for the next run to collect. */
static void expect_left(const struct world *world, const char *wanted)
{
    char *said = text_of(world, "stderr");
    const bool untidy = strstr(said, "without tidying up") != NULL;
    free(said);
    static const char *const ours[] = {"bin", "tiny.yaml", "replay.yaml", "long.csv.gz", "stdout", "stderr", "pids"};
    struct ts_names names;
    assert_int_equal(ts_names_of_folder(&names, world->root, NULL), TS_OK);
    for (size_t i = 0; i < names.n; i++) {
        bool known = (wanted && strcmp(names.items[i], wanted) == 0) || (untidy && names.items[i][0] == '.');
        for (size_t k = 0; k < sizeof ours / sizeof ours[0]; k++) {
            known = known || strcmp(names.items[i], ours[k]) == 0;
        }
        if (!known) {
            print_error("left behind: %s\n", names.items[i]);
        }
        assert_true(known);
    }
    ts_names_deinit(&names);
}

/* ---- the process ---- */

static void be_the_program(const struct world *world, char *const *argv, bool nohup)
{
    char search[2 * PATH_BYTES];
    snprintf(search, sizeof search, "%s/bin:/usr/bin:/bin", world->root);
    if (chdir(world->root) != 0 || setenv("PATH", search, 1) != 0 || setenv("HOME", world->root, 1) != 0) {
        _exit(126);
    }
    const int out = open("stdout", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    const int err = open("stderr", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (out < 0 || err < 0 || dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0) {
        _exit(126);
    }
    signal(SIGHUP, nohup ? SIG_IGN : SIG_DFL);
    execv(TS_TIERSIM, argv);
    _exit(127);
}

static void start(struct world *world, bool nohup, const char *first, ...)
{
    char *argv[MAX_ARGS] = {strdup("tiersim")};
    size_t n = 1;
    va_list args;
    va_start(args, first);
    for (const char *arg = first; arg; arg = va_arg(args, const char *)) {
        assert_true(n + 1 < MAX_ARGS);
        argv[n++] = strdup(arg);
    }
    va_end(args);
    world->pid = fork();
    assert_true(world->pid >= 0);
    if (world->pid == 0) {
        be_the_program(world, argv, nohup);
    }
    for (size_t i = 0; i < n; i++) {
        free(argv[i]);
    }
}

/* Does it catch SIGTERM by now? */
static bool is_armed(const struct world *world)
{
    char path[64], line[256];
    unsigned long long caught = 0;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)world->pid);
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        (void)sscanf(line, "SigCgt: %llx", &caught);
    }
    if (file) {
        fclose(file);
    }
    return (caught >> (SIGTERM - 1) & 1) != 0;
}

static void wait_until_armed(const struct world *world)
{
    const double end_s = ts_clock_now_s() + 30.0;
    while (!is_armed(world) && ts_clock_now_s() < end_s) {
        ts_clock_sleep_s(0.002);
    }
    assert_true(is_armed(world));
}

/* The wait status; a failure if it takes too long. */
static int wait_for_end(struct world *world, double limit_s)
{
    const double end_s = ts_clock_now_s() + limit_s;
    int status = 0;
    pid_t got = 0;
    while ((got = waitpid(world->pid, &status, WNOHANG)) == 0 && ts_clock_now_s() < end_s) {
        ts_clock_sleep_s(0.002);
    }
    assert_int_equal(got, world->pid);
    world->pid = 0;
    return status;
}

static void expect_code(int status, int code)
{
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), code);
}

static void send_and_expect(struct world *world, int number, int code)
{
    assert_int_equal(kill(world->pid, number), 0);
    expect_code(wait_for_end(world, patience_s), code);
}

/* ---- phases ---- */

static void test_interrupt__amid_the_simulation_nothing_is_left(void **state)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct world *world = *state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        start(world, false, "run", "tiny.yaml", "-q", "-o", "a/b/out", "--requests", "r.csv.gz", LONG, NULL);
        wait_until_armed(world);
        ts_clock_sleep_s(0.1);
        send_and_expect(world, numbers[i], INTERRUPTED);
        expect_left(world, NULL);
    }
}

/* Header and one row, then gigabytes of blank lines. */
static void put_long_trace(const struct world *world)
{
    enum { MIB = 1 << 20, N_MIB = 64, N_MEMBERS = 64 };
    static const char head[] = "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,10,10\n";
    char path[PATH_BYTES], *member = NULL, *blank = malloc(MIB);
    size_t len = 0;
    struct ts_gzip_writer *writer = NULL;
    assert_non_null(blank);
    memset(blank, '\n', MIB);
    FILE *stream = open_memstream(&member, &len);
    assert_non_null(stream);
    assert_int_equal(ts_gzip_writer_open(&writer, stream), TS_OK);
    for (int i = 0; i < N_MIB; i++) {
        assert_int_equal(ts_gzip_writer_write(writer, blank, MIB), TS_OK);
    }
    assert_int_equal(ts_gzip_writer_finish(writer), TS_OK);
    fclose(stream);
    snprintf(path, sizeof path, "%s/long.csv.gz", world->root);
    stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(ts_gzip_writer_open(&writer, stream), TS_OK);
    assert_int_equal(ts_gzip_writer_write(writer, head, sizeof head - 1), TS_OK);
    assert_int_equal(ts_gzip_writer_finish(writer), TS_OK);
    for (int i = 0; i < N_MEMBERS; i++) {
        assert_int_equal(fwrite(member, 1, len, stream), len);
    }
    fclose(stream);
    free(member);
    free(blank);
}

static void test_interrupt__amid_reading_nothing_is_left(void **state)
{
    struct world *world = *state;
    put_file(world, "replay.yaml", replaying);
    put_long_trace(world);
    for (int threads = 1; threads <= 2; threads++) { /* the second reads ahead */
        start(world, false, "run", "replay.yaml", "-q", "-o", "out", "-j", threads == 1 ? "1" : "2", NULL);
        wait_until_armed(world);
        ts_clock_sleep_s(0.1);
        send_and_expect(world, SIGTERM, INTERRUPTED);
        expect_left(world, NULL);
    }
}

/* Nothing is written, so nothing is caught. */
static void test_interrupt__what_only_reads_ends_at_once(void **state)
{
    struct world *world = *state;
    put_long_trace(world);
    start(world, false, "trace", "info", "long.csv.gz", NULL);
    ts_clock_sleep_s(0.3);
    assert_int_equal(kill(world->pid, SIGINT), 0);
    const int status = wait_for_end(world, patience_s);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    expect_left(world, NULL);
}

/* ---- drawing ---- */

/* The numbers of a gnuplot that sleeps and of its child. */
static void wait_for_sleepers(const struct world *world, long pids[2])
{
    const double end_s = ts_clock_now_s() + 30.0;
    int n = 0;
    while (n != 2 && ts_clock_now_s() < end_s) {
        char *text = text_of(world, "pids");
        n = sscanf(text, "%ld %ld", &pids[0], &pids[1]);
        free(text);
        ts_clock_sleep_s(0.005);
    }
    assert_int_equal(n, 2);
    ts_clock_sleep_s(0.1); /* the watcher of gnuplot is started after it */
}

static void expect_gone(const long pids[2])
{
    const double end_s = ts_clock_now_s() + patience_s;
    for (int i = 0; i < 2; i++) {
        char path[64], state = '?';
        while (state != 'Z' && ts_clock_now_s() < end_s) {
            snprintf(path, sizeof path, "/proc/%ld/stat", pids[i]);
            FILE *file = fopen(path, "r");
            state = file && fscanf(file, "%*d %*s %c", &state) == 1 ? state : 'Z';
            if (file) {
                fclose(file);
            }
            ts_clock_sleep_s(0.005);
        }
        assert_int_equal(state, 'Z');
    }
}

static void start_drawing(struct world *world, long pids[2])
{
    char script[4 * PATH_BYTES], pids_path[PATH_BYTES];
    snprintf(pids_path, sizeof pids_path, "%s/pids", world->root);
    unlink(pids_path);
    snprintf(script, sizeof script, "#!/bin/sh\nsleep 60 &\necho $$ $! > %s.new\nmv %s.new %s\nwait\n", pids_path,
             pids_path, pids_path);
    put_gnuplot(world, script);
    start(world, false, "run", "tiny.yaml", "-q", "-o", "out", NULL);
    wait_for_sleepers(world, pids);
}

static void test_interrupt__amid_drawing_nothing_is_left_and_nobody_draws_on(void **state)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    struct world *world = *state;
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        long pids[2];
        start_drawing(world, pids);
        send_and_expect(world, numbers[i], INTERRUPTED);
        expect_left(world, NULL);
        expect_gone(pids);
    }
}

static void test_interrupt__amid_drawing_the_old_report_stays(void **state)
{
    struct world *world = *state;
    long pids[2];
    start(world, false, "run", "tiny.yaml", "-q", "-o", "out", "--set", "seed=9", NULL);
    expect_code(wait_for_end(world, 30.0), 0);
    char *before = text_of(world, "out/run.json");
    start_drawing(world, pids);
    send_and_expect(world, SIGTERM, INTERRUPTED);
    char *after = text_of(world, "out/run.json");
    assert_string_equal(before, after);
    assert_non_null(strstr(before, "\"seed\": \"9\""));
    expect_left(world, "out");
    free(after);
    free(before);
}

static void test_interrupt__a_second_signal_ends_at_once(void **state)
{
    struct world *world = *state;
    long pids[2];
    start_drawing(world, pids);
    assert_int_equal(kill(world->pid, SIGHUP), 0);
    const double end_s = ts_clock_now_s() + 5.0;
    while (is_armed(world) && ts_clock_now_s() < end_s) {
    }
    assert_int_equal(kill(world->pid, SIGINT), 0);
    const int status = wait_for_end(world, patience_s);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    expect_gone(pids);
}

/* What a killed run left is collected by the next. */
static void test_interrupt__a_killed_run_is_in_nobodys_way(void **state)
{
    struct world *world = *state;
    long pids[2];
    start_drawing(world, pids);
    assert_int_equal(kill(world->pid, SIGKILL), 0);
    (void)wait_for_end(world, patience_s);
    expect_gone(pids);
    put_gnuplot(world, "#!/bin/sh\nexit 0\n");
    start(world, false, "run", "tiny.yaml", "-q", "-o", "out", NULL);
    expect_code(wait_for_end(world, 30.0), 0);
    expect_left(world, "out");
}

/* ---- others ---- */

/* Work that never asks: a second is all it gets, where that was agreed upon. */
static void test_interrupt__busy_work_is_ended(void **state)
{
    struct world *world = *state;
    world->pid = fork();
    assert_true(world->pid >= 0);
    if (world->pid == 0) {
        const int out = open("/dev/null", O_WRONLY);
        (void)dup2(out, STDERR_FILENO);
        ts_interrupt_arm_with_limit();
        raise(SIGTERM);
        for (volatile unsigned i = 0;; i++) {
        }
    }
    const double begin_s = ts_clock_now_s();
    expect_code(wait_for_end(world, patience_s), INTERRUPTED);
    assert_true(ts_clock_now_s() - begin_s >= 0.5);
}

static void test_interrupt__nohup_is_minded(void **state)
{
    struct world *world = *state;
    start(world, true, "run", "tiny.yaml", "-q", "--no-report", LONG, NULL);
    wait_until_armed(world);
    assert_int_equal(kill(world->pid, SIGHUP), 0);
    ts_clock_sleep_s(0.3);
    assert_int_equal(waitpid(world->pid, NULL, WNOHANG), 0);
    send_and_expect(world, SIGTERM, INTERRUPTED);
}

/* Of many replications some are finished: they are reported, or nothing is there. */
static void test_interrupt__finished_replications_are_reported_or_nothing_is(void **state)
{
    struct world *world = *state;
    start(world, false, "run", "tiny.yaml", "-q", "-o", "out", "-r", "10000", "-j", "1", NULL);
    wait_until_armed(world);
    ts_clock_sleep_s(0.5);
    send_and_expect(world, SIGINT, INTERRUPTED);
    char *said = text_of(world, "stderr"), *page = text_of(world, "out/report.html");
    const bool reported = strstr(said, "interrupted: the report covers ") != NULL;
    assert_true(reported == (page[0] != '\0'));
    assert_true(reported || strstr(said, "interrupted: no report is written"));
    expect_left(world, reported ? "out" : NULL);
    free(page);
    free(said);
}

static void test_interrupt__two_runs_do_not_write_one_report(void **state)
{
    struct world *world = *state;
    struct world second = *world;
    start(world, false, "run", "tiny.yaml", "-q", "-o", "out", LONG, NULL);
    wait_until_armed(world);
    ts_clock_sleep_s(0.2);
    start(&second, false, "run", "tiny.yaml", "-q", "-o", "out", NULL);
    expect_code(wait_for_end(&second, 30.0), 1);
    char *said = text_of(world, "stderr");
    assert_non_null(strstr(said, "another run is writing here"));
    free(said);
    send_and_expect(world, SIGTERM, INTERRUPTED);
    expect_left(world, NULL);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_WORLD(test_interrupt__amid_the_simulation_nothing_is_left),
        IN_WORLD(test_interrupt__amid_reading_nothing_is_left),
        IN_WORLD(test_interrupt__what_only_reads_ends_at_once),
        IN_WORLD(test_interrupt__amid_drawing_nothing_is_left_and_nobody_draws_on),
        IN_WORLD(test_interrupt__amid_drawing_the_old_report_stays),
        IN_WORLD(test_interrupt__a_second_signal_ends_at_once),
        IN_WORLD(test_interrupt__a_killed_run_is_in_nobodys_way),
        IN_WORLD(test_interrupt__busy_work_is_ended),
        IN_WORLD(test_interrupt__nohup_is_minded),
        IN_WORLD(test_interrupt__finished_replications_are_reported_or_nothing_is),
        IN_WORLD(test_interrupt__two_runs_do_not_write_one_report),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
