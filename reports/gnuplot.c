/* Hides how gnuplot is started, watched and quoted. It is told to change into the folder by itself (-e "cd ..."), so
 * no shell and no fork with changed state is needed. What it says goes to gnuplot.log in that folder, which is removed
 * again.
 *
 * It must not outlive us, not even if we are killed. Linux could send it a signal then (PR_SET_PDEATHSIG), but neither
 * to what it starts itself nor through posix_spawn; a pipe does on every system: a forked watcher reads from it, and it
 * ends when the last one who could write to it, which is us, is gone. */
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

/* gnuplot and whatever it starts are a process group of their own; a watcher sees to it that the group does not outlive
 * us, whatever we die of. */
struct group {
    pid_t leader, watcher;
    int lifeline; /* the end of a pipe that we alone hold: it closes with us */
};

/* argv is not written to by posix_spawnp; its type is older than const. */
static int spawn_in(pid_t *leader, const posix_spawn_file_actions_t *actions, char *change_dir, char *name)
{
    char program[] = "gnuplot", defaults[] = "-d", execute[] = "-e";
    char *argv[] = {program, defaults, execute, change_dir, name, NULL};
    posix_spawnattr_t attributes;
    int error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        return error;
    }
    error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    if (error == 0) {
        error = posix_spawnattr_setpgroup(&attributes, 0);
    }
    if (error == 0) {
        error = posix_spawnp(leader, program, actions, &attributes, argv, environ);
    }
    posix_spawnattr_destroy(&attributes);
    return error;
}

static int spawn(pid_t *leader, const char *log_path, char *change_dir, char *name)
{
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
        error = spawn_in(leader, &actions, change_dir, name);
    }
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

/* The watcher's whole life: it waits for the end of the pipe. */
static void watch(const int pipe_ends[2], pid_t leader)
{
    char byte;
    (void)setpgid(0, 0);
    close(pipe_ends[1]);
    while (read(pipe_ends[0], &byte, 1) < 0 && errno == EINTR) {
    }
    (void)kill(-leader, SIGKILL);
    _exit(0);
}

/* Also if somebody is in the middle of it. */
static void reap(pid_t child)
{
    while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
    }
}

/* 0 or an error; the group is gone then. */
static int start_watcher(struct group *group)
{
    int ends[2] = {-1, -1};
    int error = pipe(ends) == 0 ? 0 : errno;
    if (error == 0) {
        (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
        (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
        group->watcher = fork();
        error = group->watcher < 0 ? errno : 0;
    }
    if (error == 0 && group->watcher == 0) {
        watch(ends, group->leader);
    }
    if (ends[0] >= 0) {
        close(ends[0]);
    }
    if (error != 0) {
        if (ends[1] >= 0) {
            close(ends[1]);
        }
        (void)kill(-group->leader, SIGKILL);
        reap(group->leader);
        return error;
    }
    group->lifeline = ends[1];
    return 0;
}

enum wait_outcome { WAIT_ENDED, WAIT_TIMED_OUT, WAIT_STOPPED };

/* Until the leader has ended, the limit is reached, or the user wants no more. The leader stays a zombie, so that the
 * group's number is not given to others. */
static enum wait_outcome wait_for(pid_t leader, double limit_s, const struct ts_progress *progress)
{
    const double end_s = ts_clock_now_s() + limit_s;
    for (;;) {
        siginfo_t info = {.si_pid = 0};
        if (waitid(P_PID, (id_t)leader, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == leader) {
            return WAIT_ENDED;
        }
        if (!ts_progress_ask(progress)) {
            return WAIT_STOPPED;
        }
        if (ts_clock_now_s() >= end_s) {
            return WAIT_TIMED_OUT;
        }
        ts_clock_sleep_s(POLL_S);
    }
}

/* Ends whatever is left of the group; returns the leader's wait status. */
static int end_group(const struct group *group)
{
    int status = -1;
    (void)kill(group->watcher, SIGKILL);
    reap(group->watcher);
    close(group->lifeline);
    (void)kill(-group->leader, SIGKILL);
    while (waitpid(group->leader, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
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

static enum ts_gnuplot_outcome judge(struct ts_text *why, int status, const char *log_path)
{
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

static enum ts_gnuplot_outcome wait_and_judge(struct group *group, double limit_s, const struct ts_progress *progress,
                                              const char *log_path, struct ts_text *why)
{
    const enum wait_outcome outcome = wait_for(group->leader, limit_s, progress);
    const int status = end_group(group);
    switch (outcome) {
    case WAIT_ENDED:
        return judge(why, status, log_path);
    case WAIT_TIMED_OUT:
        ts_text_printf(why, "it was stopped after %.0f s", limit_s);
        return TS_GNUPLOT_TIMED_OUT;
    case WAIT_STOPPED:
        ts_text_puts(why, "interrupted");
        break;
    }
    return TS_GNUPLOT_STOPPED;
}

static enum ts_gnuplot_outcome run(const char *log_path, struct ts_text *change_dir, char *name, double limit_s,
                                   const struct ts_progress *progress, struct ts_text *why)
{
    struct group group = {.lifeline = -1};
    int error = spawn(&group.leader, log_path, change_dir->data, name);
    if (error == ENOENT || error == ENOTDIR) {
        return TS_GNUPLOT_MISSING;
    }
    if (error == 0) {
        error = start_watcher(&group);
    }
    if (error != 0) {
        ts_text_printf(why, "it could not be started: %s", strerror(error));
        return TS_GNUPLOT_FAILED;
    }
    return wait_and_judge(&group, limit_s, progress, log_path, why);
}

/* Half of a picture would be taken for a whole one. */
static void remove_pictures(const char *dir, const char *id)
{
    static const char *const ends[] = {".svg", ".png"};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct ts_text path;
        ts_text_init(&path);
        ts_text_printf(&path, "%s/%s%s", dir, id, ends[i]);
        if (!path.failed) {
            unlink(path.data);
        }
        ts_text_deinit(&path);
    }
}

enum ts_gnuplot_outcome ts_gnuplot_draw(const char *dir, const char *id, double limit_s,
                                        const struct ts_progress *progress, struct ts_text *why)
{
    struct ts_text change_dir, script;
    char *log_path = ts_path_join(dir, "gnuplot.log");
    enum ts_gnuplot_outcome outcome = TS_GNUPLOT_FAILED;
    ts_text_init(&change_dir);
    ts_text_init(&script);
    put_change_dir(&change_dir, dir);
    ts_text_printf(&script, "%s.gp", id);
    if (log_path == NULL || script.failed || change_dir.failed) {
        ts_text_puts(why, "out of memory");
    } else {
        outcome = run(log_path, &change_dir, script.data, limit_s, progress, why);
        unlink(log_path);
    }
    if (outcome != TS_GNUPLOT_OK) {
        remove_pictures(dir, id);
    }
    ts_text_deinit(&script);
    ts_text_deinit(&change_dir);
    free(log_path);
    return outcome;
}
