/* The one piece of mutable state in the program: a signal handler can reach nothing else. */
#include "app/interrupt.h"

#include <signal.h>
#include <string.h>

static volatile sig_atomic_t requested;

static void on_signal(int number)
{
    requested = 1;
    signal(number, SIG_DFL);
}

void ts_interrupt_arm(void)
{
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = on_signal;
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
}

bool ts_interrupt_requested(void)
{
    return requested != 0;
}
