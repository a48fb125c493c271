/* Hides the handlers. The flag is the one piece of mutable state in the program: a signal handler can reach nothing
 * else.
 *
 * Whoever works asks it often enough to end within some hundredths of a second. Where the system itself is busy (a slow
 * disk, a name to be resolved) nobody can ask: the timer is for that. */
#include "app/interrupt.h"

#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

enum { LIMIT_US = 900000 };

static volatile sig_atomic_t requested;
static volatile sig_atomic_t limited;

static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

enum { N_SIGNALS = sizeof signals / sizeof signals[0] };

static void handle(int number, void (*handler)(int))
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, NULL);
}

/* setitimer is not among the functions that POSIX calls safe here, alone because it is older than the list: it is one
 * system call everywhere. */
static void on_signal(int number)
{
    const struct itimerval limit = {.it_value = {.tv_usec = LIMIT_US}};
    (void)number;
    requested = 1;
    for (int i = 0; i < N_SIGNALS; i++) {
        handle(signals[i], SIG_DFL);
    }
    if (limited) {
        setitimer(ITIMER_REAL, &limit, NULL);
    }
}

static void on_limit(int number)
{
    static const char words[] = "tiersim: interrupted, and busy for too long: ended without tidying up\n";
    (void)number;
    (void)!write(STDERR_FILENO, words, sizeof words - 1);
    _exit(130);
}

/* With nohup SIGHUP is ignored, and stays so. */
static bool is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

void ts_interrupt_arm(void)
{
    for (int i = 0; i < N_SIGNALS; i++) {
        if (signals[i] != SIGHUP || !is_ignored(SIGHUP)) {
            handle(signals[i], on_signal);
        }
    }
}

void ts_interrupt_arm_with_limit(void)
{
    limited = 1;
    handle(SIGALRM, on_limit);
    ts_interrupt_arm();
}

bool ts_interrupt_requested(void)
{
    return requested != 0;
}
