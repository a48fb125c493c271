/* Hides how often a run of the benchmark says how far it is. */
#include "base/clock.h"
#include "kernels/bench/bench_run.h"

static const double report_every_s = 0.1;

double ts_bench_elapsed_s(const struct ts_bench *bench)
{
    return ts_clock_now_s() - bench->start_s;
}

void ts_bench_report(struct ts_bench *bench, const struct ts_bench_item *item)
{
    const struct ts_progress *progress = &bench->options->progress;
    double now = ts_bench_elapsed_s(bench);
    if (!progress->go_on || (bench->last_report_s > 0.0 && now - bench->last_report_s < report_every_s)) {
        return;
    }
    bench->last_report_s = now;
    static const char *const what[] = {"matrix products", "memory bandwidth", "arithmetic peak", "arithmetic peak",
                                       "arithmetic peak", "wake-up",          "wake-up",         "float baseline"};
    double budget = bench->options->budget_s > 0.0 ? bench->options->budget_s : 1.0;
    double done = now / budget < 0.99 ? now / budget : 0.99;
    double left = budget > now ? budget - now : 0.0;
    const struct ts_progress_state state = {.what = item ? what[item->kind] : "preparing weights",
                                            .done = done,
                                            .total = 1.0,
                                            .elapsed_s = now,
                                            .left_s = left};
    bench->stopped = bench->stopped || !ts_progress_go_on(progress, &state);
}
