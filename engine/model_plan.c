/* Hides the grid. Fitted: batches at the knots of the fit's table, at up to four depths; prompts by powers of two;
 * prompts on top of what is cached; mixtures. Held out: batches between the knots, depths and prompts between the
 * fitted ones. */
#include "engine/model_plan.h"

#include <stdlib.h>

#include "engine/kv_cache.h"

enum { SHALLOW = 16 /* cached tokens of the shortest sequences */ };

uint64_t ts_model_plan_kv_tok(const struct ts_model_step *step)
{
    uint64_t pages = (uint64_t)step->n_decode * ts_kv_pages_for(step->depth + 1);
    for (uint32_t i = 0; i < ts_model_step_prompts(step); i++) {
        pages += ts_kv_pages_for(step->prefill_depth + ts_model_step_chunk(step, i));
    }
    return pages * TS_KV_PAGE_TOK;
}

bool ts_model_plan_same(const struct ts_model_step *a, const struct ts_model_step *b)
{
    return a->n_decode == b->n_decode && a->depth == b->depth && a->prefill == b->prefill &&
           a->prefill_depth == b->prefill_depth && ts_model_step_prompts(a) == ts_model_step_prompts(b);
}

struct plan {
    const struct ts_model_plan_limits *limits;
    struct ts_model_step *steps;
    size_t n, max;
};

/* Adds it if it keeps to the limits and is not there yet. */
static void add_step(struct plan *plan, struct ts_model_step step)
{
    const struct ts_model_plan_limits *limits = plan->limits;
    if (plan->n == plan->max || step.n_decode > limits->max_batch || step.prefill > limits->max_prefill ||
        step.depth > limits->max_depth || step.prefill_depth > limits->max_depth ||
        ts_model_plan_kv_tok(&step) > limits->max_kv_tok) {
        return;
    }
    for (size_t i = 0; i < plan->n; i++) {
        if (ts_model_plan_same(&plan->steps[i], &step)) {
            return;
        }
    }
    plan->steps[plan->n++] = step;
}

static int by_tokens(const void *a, const void *b)
{
    const struct ts_model_step *x = a, *y = b;
    uint64_t x_tok = x->n_decode + x->prefill, y_tok = y->n_decode + y->prefill;
    return x_tok != y_tok ? (x_tok > y_tok) - (x_tok < y_tok)
                          : (ts_model_plan_kv_tok(x) > ts_model_plan_kv_tok(y)) -
                                (ts_model_plan_kv_tok(x) < ts_model_plan_kv_tok(y));
}

static void add_fitted(struct plan *plan)
{
    const struct ts_model_plan_limits *limits = plan->limits;
    const uint32_t own_depths[] = {SHALLOW, 512, 2048, limits->max_depth};
    const uint32_t *depths = limits->n_depths > 0 ? limits->depths : own_depths;
    const uint32_t *batches = limits->n_batches > 0 ? limits->batches : ts_model_knots;
    size_t n_depths = limits->n_depths > 0 ? limits->n_depths : sizeof own_depths / sizeof own_depths[0];
    size_t n_batches = limits->n_batches > 0 ? limits->n_batches : TS_MODEL_N_KNOTS;
    for (size_t b = 0; b < n_batches; b++) {
        for (size_t d = 0; d < n_depths; d++) {
            bool between = batches[b] % 3 == 0; /* these bend the curve finer; two depths are enough */
            if (!between || d < 2 || limits->n_batches > 0) {
                add_step(plan, (struct ts_model_step){.n_decode = batches[b], .depth = depths[d]});
            }
        }
    }
    for (uint32_t prefill = 32; prefill <= limits->max_prefill; prefill *= 2) {
        add_step(plan, (struct ts_model_step){.prefill = prefill});
    }
    for (size_t d = 0; d < n_depths; d++) {
        if (depths[d] > SHALLOW) {
            add_step(plan, (struct ts_model_step){.prefill = limits->max_prefill / 2, .prefill_depth = depths[d]});
        }
    }
    add_step(plan, (struct ts_model_step){.n_decode = 4, .depth = 512, .prefill = plan->limits->max_prefill / 4});
    add_step(plan, (struct ts_model_step){.n_decode = 16, .depth = 512, .prefill = plan->limits->max_prefill / 2});
}

static void add_prompts(struct plan *plan)
{
    for (size_t i = 0; i < plan->limits->n_prompts; i++) {
        add_step(plan, (struct ts_model_step){.prefill = plan->limits->prompts[i]});
    }
}

static void add_held_out(struct plan *plan)
{
    static const struct ts_model_step steps[] = {
        {.n_decode = 1, .depth = 1024},
        {.n_decode = 2, .depth = 1024},
        {.n_decode = 3, .depth = 1536},
        {.n_decode = 5, .depth = 256},
        {.n_decode = 5, .depth = 1024},
        {.n_decode = 7, .depth = 768},
        {.n_decode = 10, .depth = 256},
        {.n_decode = 10, .depth = 1024},
        {.n_decode = 14, .depth = 384},
        {.n_decode = 20, .depth = 256},
        {.n_decode = 20, .depth = 768},
        {.n_decode = 40, .depth = 128},
        {.n_decode = 40, .depth = 384},
        {.n_decode = 56, .depth = 256},
        {.prefill = 96},
        {.prefill = 192},
        {.prefill = 384},
        {.prefill = 192, .prefill_depth = 1024},
        {.n_decode = 8, .depth = 256, .prefill = 96},
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct ts_model_step step = steps[i];
        step.held_out = true;
        add_step(plan, step);
    }
}

size_t ts_model_plan(struct ts_model_step *out, size_t max, const struct ts_model_plan_limits *limits)
{
    struct plan plan = {limits, out, 0, max};
    if (limits->n_prompts > 0) {
        add_prompts(&plan);
    } else {
        add_fitted(&plan);
    }
    if (limits->check) {
        add_held_out(&plan);
    }
    qsort(plan.steps, plan.n, sizeof *plan.steps, by_tokens);
    return plan.n;
}
