/* Hides what is told of a validation on the terminal, and what only its files hold. */
#include "app/validate_print.h"

#include <stdio.h>

#include "app/print_table.h"

static void print_steps(const struct ts_validate_view *view)
{
    const struct ts_model_measurement *engine = view->engine;
    size_t n_samples = 0;
    for (size_t i = 0; i < engine->n_steps; i++) {
        n_samples += engine->steps[i].n_samples;
    }
    if (view->live) {
        printf("step times: %zu samples of %zu kinds of steps, before, during and after serving; fit off by %.2g %% in "
               "the "
               "median\n",
               n_samples, engine->n_steps, 100.0 * engine->table.error.median_frac);
        printf("after prompts: steps that only decode take up to %.2g ms longer, others %.2g ms; it fades by e in %.2g "
               "ms\n",
               1e3 * view->memory->decode.extra_s, 1e3 * view->memory->prompt.extra_s, 1e3 * view->memory->memory_s);
    } else {
        printf("step times: probed over a grid and with other requests of the workload; fit off by %.2g %% in the "
               "median\n",
               100.0 * engine->linear.error.median_frac);
    }
}

static enum ts_status print_tables(const struct ts_validate_view *view)
{
    const struct ts_validation *validations = view->validations;
    enum ts_status status = TS_OK;
    for (size_t i = 0; status == TS_OK && i < view->n; i++) {
        status = ts_print_table(ts_validate_table(&validations[i], &view->limits), TS_TABLE_TEXT);
    }
    if (status == TS_OK && view->n > 0 && validations[view->n - 1].run > 0) {
        status = ts_print_table(ts_validate_runs_table(validations, view->n, &view->limits), TS_TABLE_TEXT);
    }
    if (status == TS_OK && view->live) {
        status = ts_print_table(ts_validate_budget_table(validations, view->n), TS_TABLE_TEXT);
    }
    return status;
}

enum ts_status ts_validate_print(const struct ts_validate_view *view)
{
    if (view->live) {
        printf("%s %s on this machine, %u thread%s, kernel %s\n", ts_live_model(view->live), ts_live_quant(view->live),
               ts_live_threads(view->live), ts_live_threads(view->live) == 1 ? "" : "s", ts_live_kernel(view->live));
    } else {
        printf("%s, prompts of --seed %lu\n", view->url, (unsigned long)view->prompt_seed);
    }
    print_steps(view);
    printf("capacity: %.3g requests/s (simulated: a full batch)\n\n", view->capacity_per_s);
    return print_tables(view);
}
