/* Hides how a class's `session` becomes part of the workload, and which of its keys have an effect. */
#include "scenarios/language/loader.h"
#include "traces/workload.h"

/* Is it a count that is never more? */
static bool is_at_most(struct ts_value *section, const char *key, double most)
{
    const struct ts_dist *dist = &ts_value_at(section, key)->dist;
    return ts_dist_is_constant(dist) && ts_dist_quantile(dist, 0.5) < most + 0.5;
}

static void moot_keys(struct ts_value *section)
{
    static const char *const of_tools[] = {"tool_time", "tool_result", "subagents"};
    const bool one_turn = is_at_most(section, "turns", 1.0), no_tools = is_at_most(section, "tools", 0.0);
    for (size_t i = 0; i < sizeof of_tools / sizeof of_tools[0]; i++) {
        ts_value_counts_if(section, of_tools[i], !no_tools, "no tool is called: write tools");
    }
    ts_value_counts_if(section, "think", !one_turn, "there is one turn: write turns");
    ts_value_counts_if(section, "context", !one_turn || !no_tools, "a session is one call: write turns or tools");
}

void ts_resolve_session(struct ts_loader *loader, struct ts_value *item, struct ts_session_spec *out)
{
    struct ts_value *section = ts_value_at(item, "session");
    *out = (struct ts_session_spec){.on = false};
    if (!section || !ts_value_is_written(item, "session")) {
        return;
    }
    moot_keys(section);
    *out = (struct ts_session_spec){.on = true,
                                    .turns = ts_value_dist(section, "turns"),
                                    .think_s = ts_value_dist(section, "think"),
                                    .tools = ts_value_dist(section, "tools"),
                                    .tool_s = ts_value_dist(section, "tool_time"),
                                    .tool_tok = ts_value_dist(section, "tool_result"),
                                    .subagents = ts_value_dist(section, "subagents"),
                                    .system_tok = ts_value_count(section, "system"),
                                    .max_context_tok = ts_value_count(section, "context")};
    if (out->max_context_tok > 0 && out->max_context_tok <= out->system_tok) {
        ts_loader_error(loader, ts_value_at(section, "context"), "allow for the system prompt and what is new",
                        "a context of %u tokens has no room after a system prompt of %u",
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
        loader->model->turns_until_s = workload->window.duration_s;
    }
    if (workload->trace_path && !workload->is_closed) {
        loader->model->has_sessions = ts_workload_tells_sessions(workload);
    }
}
