/* One replication from start to end: engine up, run, books closed, engine down. */
#include "sim/sim.h"

#include "base/units.h"
#include "sim/engine.h"
#include "sim/incidents.h"

static enum ts_status run(struct ts_result *out, struct ts_engine *engine, struct ts_request_stream *requests,
                          const struct ts_sim_options *options, struct ts_diags *diags)
{
    int64_t window_ns = 0;
    const enum ts_status status = ts_engine_run(engine, &window_ns, requests, diags);
    if (status != TS_OK) {
        return status;
    }
    const int64_t wanted_ns = ts_ns_from_s(options->window_s);
    window_ns = window_ns > wanted_ns ? window_ns : wanted_ns;
    const int64_t end_ns = engine->last_ns > window_ns ? engine->last_ns : window_ns;
    ts_incidents_close(engine, end_ns);
    ts_router_close(engine, end_ns);
    return ts_ledger_close(&engine->ledger, out, window_ns, end_ns, engine->n_events);
}

enum ts_status ts_sim_run(struct ts_result *out, const struct ts_model *model, struct ts_request_stream *requests,
                          const struct ts_sim_options *options, struct ts_diags *diags)
{
    const struct ts_sim_options defaults = {.replication = 0};
    const struct ts_sim_options *used = options ? options : &defaults;
    struct ts_engine engine;
    enum ts_status status = ts_engine_init(&engine, model, used);
    if (status != TS_OK) {
        return status;
    }
    status = run(out, &engine, requests, used, diags);
    ts_engine_deinit(&engine);
    return status;
}
