/* Hides what of a measurement a router's time is: the median of each prompt, over its length. */
#include "measure/model_measurement.h"
#include "scenarios/language/loader.h"

static const struct ts_model_measurement *router_of(struct ts_loader *loader, struct ts_value *router)
{
    const struct ts_measurement *m = ts_resolve_measured(loader, router, "tiersim bench router");
    if (m && !m->router) {
        ts_loader_error(loader, ts_value_at(router, "measured"),
                        "add one to it: `tiersim bench router`, with -o FILE for a file of its own",
                        "the measurement has no router");
    }
    return m ? m->router : NULL;
}

void ts_resolve_router_time(struct ts_loader *loader, struct ts_value *routing)
{
    struct ts_value *router = ts_value_at(routing, "router");
    if (!ts_value_is_set(router, "measured")) {
        return;
    }
    const struct ts_model_measurement *m = router_of(loader, router);
    double *n_tok = m ? ts_loader_array(loader, m->n_steps, sizeof *n_tok) : NULL;
    double *seconds = m ? ts_loader_array(loader, m->n_steps, sizeof *seconds) : NULL;
    if (!n_tok || !seconds) {
        return;
    }
    for (size_t i = 0; i < m->n_steps; i++) {
        n_tok[i] = m->steps[i].prefill;
        seconds[i] = m->steps[i].seconds.median;
    }
    loader->model->router.reads_s = (struct ts_curve){.x = n_tok, .y = seconds, .n = m->n_steps};
    ts_loader_assume(loader, "routing.router.reads", TS_ORIGIN_MEASURED,
                     ts_loader_printf(loader, "tiersim bench router on %s, %u threads, %s: %s %s, weights %s; medians",
                                      m->cpu, (unsigned)m->n_threads, m->kernel, m->model, m->quant, m->weights),
                     "%.0f tok in %.4g ms to %.0f tok in %.4g ms", n_tok[0], 1e3 * seconds[0], n_tok[m->n_steps - 1],
                     1e3 * seconds[m->n_steps - 1]);
}
