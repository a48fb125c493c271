/* Hides how a router's time and power come from a measurement: the median of each prompt, over its length; and what the
 * scenario says of its servers. */
#include "measure/model_measurement.h"
#include "scenarios/language/loader.h"

static void resolve_reading(struct ts_loader *loader, const struct ts_model_measurement *m)
{
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

/* The scenario's word, or that of the machine. */
static double watt(struct ts_loader *loader, struct ts_value *router, const char *key, double found,
                   const struct ts_machine_watts *watts)
{
    if (ts_value_is_set(router, key)) {
        return ts_value_number(router, key);
    }
    ts_loader_assume_number(loader, ts_loader_printf(loader, "routing.router.%s", key), watts->origin, watts->source,
                            found, "W");
    return found;
}

static void resolve_power(struct ts_loader *loader, struct ts_value *router, const struct ts_measurement *m)
{
    struct ts_router_model *out = &loader->model->router;
    const struct ts_machine_watts watts = ts_resolve_machine_watts(loader, m);
    out->idle_w = watt(loader, router, "power.idle", watts.idle, &watts);
    out->busy_w = watt(loader, router, "power.busy", watts.busy, &watts);
    out->pue = ts_resolve_pue(loader, "routing.router");
    if (out->busy_w < out->idle_w) {
        ts_loader_error(loader, ts_value_at(router, "power"), NULL,
                        "the power while busy (%.4g W) is below the power while idle (%.4g W)", out->busy_w,
                        out->idle_w);
    }
}

void ts_resolve_router_time(struct ts_loader *loader, struct ts_value *routing)
{
    struct ts_value *router = ts_value_at(routing, "router");
    struct ts_router_model *out = &loader->model->router;
    const struct ts_measurement *m = ts_resolve_measured(loader, router, "tiersim bench router");
    if (m && !m->router) {
        ts_loader_error(loader, ts_value_at(router, "measured"),
                        "add one to it: `tiersim bench router`, with -o FILE for a file of its own",
                        "the measurement has no router");
        return;
    }
    resolve_reading(loader, m ? m->router : NULL);
    const bool takes_time = m || out->latency_s > 0.0;
    ts_value_counts_if(router, "servers", takes_time, "the router takes no time: write latency, or measured");
    out->n_servers = takes_time && ts_value_is_set(router, "servers") ? ts_value_count(router, "servers") : m ? 1 : 0;
    ts_value_counts_if(router, "power", out->n_servers > 0,
                       takes_time ? "it has no servers: write servers" : "the router takes no time");
    if (out->n_servers > 0) {
        resolve_power(loader, router, m);
    }
    if (m && !ts_value_is_set(router, "servers")) {
        ts_loader_assume(loader, "routing.router.servers", TS_ORIGIN_DEFAULT, "one such machine as was measured", "1");
    }
}
