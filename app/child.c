/* Hides how a program is started and listened to. */
#include "app/child.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { MAX_WORDS = 16 };

/* argv is not written to by posix_spawnp; its type is older than const. */
static int spawn(pid_t *child, const int ends[2], const char *const *argv)
{
    char *copy[MAX_WORDS + 1] = {NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    for (size_t i = 0; argv[i] && i < MAX_WORDS && error == 0; i++) {
        copy[i] = strdup(argv[i]);
        error = copy[i] ? 0 : ENOMEM;
    }
    if (error == 0) {
        error = posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    }
    if (error == 0) {
        error = posix_spawnp(child, copy[0], &actions, NULL, copy, environ);
    }
    posix_spawn_file_actions_destroy(&actions);
    for (size_t i = 0; i < MAX_WORDS; i++) {
        free(copy[i]);
    }
    return error;
}

static void listen_to(struct ts_text *out, int end)
{
    char bytes[4096];
    for (;;) {
        const ssize_t n = read(end, bytes, sizeof bytes);
        if (n > 0) {
            ts_text_append(out, bytes, (size_t)n);
        } else if (n == 0 || errno != EINTR) {
            return;
        }
    }
}

static enum ts_status wait_for(pid_t child, const char *name, struct ts_diags *diags)
{
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 127) {
        return TS_EUNSUPPORTED; /* what some C libraries make of a program that is not there */
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0
               ? TS_OK
               : ts_fail(diags, TS_EIO, ts_span_none(), NULL, "%s failed", name);
}

enum ts_status ts_child_read(struct ts_text *out, const char *const *argv, struct ts_diags *diags)
{
    int ends[2];
    pid_t child = 0;
    if (pipe(ends) != 0) {
        return ts_fail_errno(diags, argv[0], "cannot run", errno);
    }
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    const int error = spawn(&child, ends, argv);
    close(ends[1]);
    if (error == 0) {
        listen_to(out, ends[0]);
    }
    close(ends[0]);
    if (error == ENOENT) {
        return TS_EUNSUPPORTED;
    }
    return error != 0 ? ts_fail_errno(diags, argv[0], "cannot run", error) : wait_for(child, argv[0], diags);
}
