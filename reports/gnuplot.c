/* Hides how gnuplot is started, watched and quoted. It is told to change into the folder by itself (-e "cd ..."), so
 * no shell and no fork with changed state is needed. What it says goes to gnuplot.log in that folder, which is removed
 * again. */
#include "reports/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"

enum { QUOTE_MAX_CHARS = 60, NOT_FOUND_EXIT = 127, LOG_MAX_BYTES = 1 << 20 };

#define POLL_S 0.005

extern char **environ;

/* ---- quoting ---- */

/* gnuplot 5.4 misreads a literal that begins with a doubled quote ('''x'), so a name's apostrophes are set as
 * typographic ones, which mean nothing to it. */
void ts_gnuplot_quote(struct ts_text *out, const char *string)
{
    size_t n = 0;
    ts_text_puts(out, "'");
    for (const char *at = string != NULL ? string : ""; *at != '\0'; at++) {
        bool starts = ((unsigned char)*at & 0xc0) != 0x80;
        if (starts && ++n > QUOTE_MAX_CHARS) {
            ts_text_puts(out, "...");
            break;
        }
        if (*at == '\'') {
            ts_text_puts(out, "\xe2\x80\x99");
        } else {
            ts_text_append(out, (unsigned char)*at < 0x20 || *at == 0x7f ? " " : at, 1);
        }
    }
    ts_text_puts(out, "'");
}

/* cd 'dir', where a relative path gets "./" in front, for the same reason. */
static void put_change_dir(struct ts_text *out, const char *dir)
{
    ts_text_printf(out, "cd '%s", dir[0] == '/' ? "" : "./");
    for (const char *at = dir; *at != '\0'; at++) {
        ts_text_append(out, at, 1);
        if (*at == '\'') {
            ts_text_append(out, at, 1);
        }
    }
    ts_text_puts(out, "'");
}

/* ---- the process ---- */

/* Waits for the child; kills it at the limit. Returns its wait status; *timed_out says whether it had to be killed. */
static int wait_for(pid_t child, double limit_s, bool *timed_out)
{
    double end = ts_clock_now_s() + limit_s;
    int status = 0;
    *timed_out = false;
    for (;;) {
        pid_t got = waitpid(child, &status, WNOHANG);
        if (got == child) {
            return status;
        }
        if (got < 0 && errno != EINTR) {
            return -1;
        }
        if (ts_clock_now_s() >= end) {
            break;
        }
        ts_clock_sleep_s(POLL_S);
    }
    *timed_out = true;
    kill(child, SIGKILL);
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

/* argv is not written to by posix_spawnp; its type is older than const. */
static int spawn(pid_t *child, const char *log_path, char *change_dir, char *name)
{
    char program[] = "gnuplot", defaults[] = "-d", execute[] = "-e";
    char *argv[] = {program, defaults, execute, change_dir, name, NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }
    error = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (error == 0) {
        error = posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, log_path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    }
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, STDOUT_FILENO, STDERR_FILENO);
    }
    if (error == 0) {
        error = posix_spawnp(child, program, &actions, NULL, argv, environ);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* The last line that says something: gnuplot prints the source line and a caret before it. */
static void put_last_line(struct ts_text *why, const char *log_path)
{
    char *log = NULL;
    size_t len = 0;
    if (ts_file_read(&log, &len, log_path, LOG_MAX_BYTES, NULL) != TS_OK) {
        return;
    }
    while (len > 0 && (unsigned char)log[len - 1] <= ' ') {
        log[--len] = '\0';
    }
    const char *last = strrchr(log, '\n');
    last = last != NULL ? last + 1 : log;
    last += strspn(last, " \t");
    ts_text_printf(why, "%s%.200s", *last != '\0' ? ": " : "", last);
    free(log);
}

static enum ts_gnuplot_outcome judge(struct ts_text *why, int status, bool timed_out, double limit_s,
                                     const char *log_path)
{
    if (timed_out) {
        ts_text_printf(why, "it was stopped after %.0f s", limit_s);
        return TS_GNUPLOT_FAILED;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        return TS_GNUPLOT_OK;
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_FOUND_EXIT) {
        return TS_GNUPLOT_MISSING;
    }
    if (WIFSIGNALED(status)) {
        ts_text_printf(why, "it was killed by signal %d", WTERMSIG(status));
    } else {
        ts_text_printf(why, "it exited with code %d", WEXITSTATUS(status));
        put_last_line(why, log_path);
    }
    return TS_GNUPLOT_FAILED;
}

static enum ts_gnuplot_outcome run(const char *log_path, struct ts_text *change_dir, char *name, double limit_s,
                                   struct ts_text *why)
{
    pid_t child = 0;
    bool timed_out = false;
    int error = spawn(&child, log_path, change_dir->data, name);
    if (error == ENOENT || error == ENOTDIR) {
        return TS_GNUPLOT_MISSING;
    }
    if (error != 0) {
        ts_text_printf(why, "it could not be started: %s", strerror(error));
        return TS_GNUPLOT_FAILED;
    }
    int status = wait_for(child, limit_s, &timed_out);
    return judge(why, status, timed_out, limit_s, log_path);
}

enum ts_gnuplot_outcome ts_gnuplot_run(const char *dir, const char *name, double limit_s, struct ts_text *why)
{
    struct ts_text change_dir;
    char *log_path = ts_path_join(dir, "gnuplot.log"), *script = strdup(name);
    enum ts_gnuplot_outcome outcome = TS_GNUPLOT_FAILED;
    ts_text_init(&change_dir);
    put_change_dir(&change_dir, dir);
    if (log_path == NULL || script == NULL || change_dir.failed) {
        ts_text_puts(why, "out of memory");
    } else {
        outcome = run(log_path, &change_dir, script, limit_s, why);
        unlink(log_path);
    }
    ts_text_deinit(&change_dir);
    free(script);
    free(log_path);
    return outcome;
}
