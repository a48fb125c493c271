/* Hides which of the system's clocks counts. */
#include "base/clock.h"

#include <time.h>

int64_t ts_clock_now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

double ts_clock_now_s(void)
{
    return 1e-9 * (double)ts_clock_now_ns();
}

void ts_clock_sleep_s(double seconds)
{
    const int64_t ns = seconds > 0.0 ? (int64_t)(1e9 * seconds) : 0;
    const struct timespec nap = {(time_t)(ns / 1000000000), (long)(ns % 1000000000)};
    (void)nanosleep(&nap, NULL);
}
