/* Hides how a class's `session` becomes part of the workload, and which of its keys have an effect. */
#include "scenarios/language/loader.h"
#include "traces/workload.h"

static bool is_constant(const struct ts_dist *dist, double below)
{
    return ts_dist_is_constant(dist) && ts_dist_quantile(dist, 0.5) < below;
}

static void moot_keys(struct ts_value *section, const struct ts_session_spec *spec)
{
    static const char *const of_tools[] = {"tool_time", "tool_result", "subagents"};
    static const char no_tools[] = "no tool is called: write tools";
    const double one = 1.5, none = 0.5;
    for (size_t i = 0; i < sizeof of_tools / sizeof of_tools[0]; i++) {
        ts_value_counts_if(section, of_tools[i], !is_constant(&spec->tools, none), no_tools);
    }
    ts_value_counts_if(section, "think", !is_constant(&spec->turns, one), "there is one turn: write turns");
    ts_value_counts_if(section, "context", !is_constant(&spec->turns, one) || !is_constant(&spec->tools, none),
                       "a session is one call: write turns or tools");
}

void ts_resolve_session(struct ts_loader *loader, struct ts_value *item, struct ts_session_spec *out)
{
    struct ts_value *section = ts_value_at(item, "session");
    *out = (struct ts_session_spec){.on = false};
    if (!section || !ts_value_is_written(item, "session")) {
        return;
    }
    *out = (struct ts_session_spec){.on = true,
                                    .turns = ts_value_dist(section, "turns"),
                                    .think_s = ts_value_dist(section, "think"),
                                    .tools = ts_value_dist(section, "tools"),
                                    .tool_s = ts_value_dist(section, "tool_time"),
                                    .tool_tok = ts_value_dist(section, "tool_result"),
                                    .subagents = ts_value_dist(section, "subagents"),
                                    .system_tok = ts_value_count(section, "system"),
                                    .max_context_tok = ts_value_count(section, "context")};
    moot_keys(section, out);
    if (out->max_context_tok > 0 && out->max_context_tok <= out->system_tok) {
        ts_loader_error(loader, ts_value_at(section, "context"), "allow for the system prompt and what is new",
                        "a context of %u tokens has no room behind a system prompt of %u",
                        (unsigned)out->max_context_tok, (unsigned)out->system_tok);
    }
}

void ts_resolve_sessions(struct ts_loader *loader)
{
    const struct ts_workload *workload = loader->workload;
    for (size_t i = 0; !workload->trace_path && i < workload->n_classes; i++) {
        loader->model->has_sessions = loader->model->has_sessions || workload->classes[i].session.on;
    }
    if (loader->model->has_sessions) {
        loader->model->prompts_are_told = true;
        loader->model->turns_until_s = workload->duration_s;
    }
    if (workload->trace_path && !workload->is_closed) {
        loader->model->has_sessions = ts_workload_tells_sessions(workload);
    }
}
