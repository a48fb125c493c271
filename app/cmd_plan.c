/* tiersim plan SCENARIO: the cheapest design that keeps everything, and what would change that. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/load_scenario.h"
#include "app/month_note.h"
#include "app/plan_print.h"
#include "app/progress_line.h"
#include "app/study_words.h"
#include "base/file.h"
#include "base/run_info.h"
#include "study/plan_space.h"

struct plan_args {
    struct ts_scenario_args scenario;
    const char *out;
    double confidence;
    uint32_t replications, runs, threads;
    bool quiet;
};

static const struct plan_args defaults = {.confidence = 0.95, .replications = 16, .runs = 600};

static const struct ts_option options[] = {
    {TS_INTO(struct plan_args, scenario.path), "SCENARIO", "a scenario file, e.g. scenarios/hybrid-enterprise.yaml",
     .operand = TS_NEEDED},
    {"set", 's', TS_INTO(struct plan_args, scenario.sets), "KEY=VALUES",
     "what may be chosen: 1,2,4 or 1:8:1; or one value for all designs (repeatable; without any choice, and without a "
     "section `search`: all cards of the catalog)"},
    {"space", 0, TS_INTO(struct plan_args, scenario.space), "FILE",
     "a file whose section `search` says what may be chosen, in place of the scenario's"},
    TS_OPTION_TRACE(struct plan_args, scenario.trace),
    TS_OPTION_MEASUREMENT(struct plan_args, scenario),
    {"replications", 'r', TS_INTO(struct plan_args, replications), "N",
     "maximum replications of each of the last designs, to tell them apart", .range = {1, TS_PLAN_MOST_REPLICATIONS}},
    {"runs", 0, TS_INTO(struct plan_args, runs), "N", "stop the search after about this many whole runs",
     .range = {1, 1000000}},
    {"out", 'o', TS_INTO(struct plan_args, out), "FILE", "a CSV of every design and what was found about it"},
    {"threads", 'j', TS_INTO(struct plan_args, threads), "N",
     "threads (default: all CPUs); the answer does not depend on it", .range = {1, TS_MAX_THREADS}},
    TS_OPTION_QUIET(struct plan_args, quiet),
};

struct job {
    const struct plan_args *args;
    struct ts_arena *arena;
    struct ts_scenario_args once; /* what is set for all designs */
    struct ts_design_spec words;
    struct ts_loaded_base loaded;
    struct ts_progress_line line;
};

static enum ts_status check_axes(const struct ts_design_spec *words, struct ts_diags *diags)
{
    for (uint32_t a = 0; a < words->n_axes; a++) {
        if (words->axes[a].n == 0) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write values or a step: 1:8:1",
                           "%s is a range without a step", words->axes[a].key);
        }
    }
    return words->n_axes > TS_PLAN_MOST_AXES
               ? ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "more than %d axes", TS_PLAN_MOST_AXES)
               : TS_OK;
}

/* What is typed, what the scenario says, or else all cards of the catalog. */
static enum ts_status find_axes(struct job *job, struct ts_diags *diags)
{
    struct ts_design_spec *words = &job->words;
    const struct ts_scenario *scenario = &job->loaded.scenario;
    enum ts_status status = ts_words_scenario_axes(words, &scenario->search, &job->once.sets, diags);
    if (status == TS_OK && words->n_axes == 0) {
        status = ts_plan_default_space(words->axes, &words->n_axes, scenario, job->arena, diags);
    }
    return status == TS_OK ? check_axes(words, diags) : status;
}

static enum ts_status describe_replicas(struct ts_plan_headroom *out, const struct ts_model *model,
                                        struct ts_arena *arena)
{
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        const struct ts_tier_model *tier = &model->tiers[i];
        out->replica[i] = "";
        if (tier->kind == TS_TIER_SERVER) {
            const uint32_t n = tier->u.server.pools[0].replica.n_accelerators;
            out->replica[i] = n > 1 && !tier->u.server.lists_pools
                                  ? ts_arena_printf(arena, "%u x %s", n, tier->hardware)
                                  : ts_arena_strdup(arena, tier->hardware);
        }
    }
    return arena->failed ? TS_ENOMEM : TS_OK;
}

/* Texts are in `arena`. */
static enum ts_status headroom_of_best(struct ts_plan_headroom *out, const struct ts_plan *plan,
                                       const struct ts_plan_spec *spec, struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_scenario scenario;
    size_t n = 0;
    const char *const *sets = ts_plan_settings(&n, spec, plan->designs[plan->best].index, arena);
    struct ts_diags said; /* the scenario's warnings were told when it was loaded first */
    ts_diags_init(&said);
    enum ts_status status = sets ? ts_trial_load(&scenario, spec->base, sets, n, &said) : TS_ENOMEM;
    if (status != TS_OK) {
        ts_diags_move(diags, &said);
    }
    ts_diags_deinit(&said);
    if (status == TS_OK) {
        status = describe_replicas(out, &scenario.model, arena);
        if (status == TS_OK && ts_capacity_applies(&scenario)) {
            status = ts_capacity_find(&out->capacity, &scenario, TS_CAPACITY_QUICK, &spec->progress, diags);
        }
        ts_scenario_deinit(&scenario);
    }
    return status;
}

static enum ts_status write_designs(const char *path, const struct ts_plan *plan, const struct ts_plan_spec *spec,
                                    struct ts_diags *diags)
{
    struct ts_text text;
    ts_text_init(&text);
    enum ts_status status = ts_plan_csv(&text, plan, spec);
    if (status == TS_OK) {
        status = ts_file_write(path, text.data, text.len, diags);
    }
    ts_text_deinit(&text);
    return status;
}

static enum ts_status answer(struct job *job, const struct ts_plan *plan, const struct ts_plan_spec *spec,
                             struct ts_diags *diags)
{
    struct ts_plan_headroom headroom = {.capacity = {.is_simulated = false}};
    enum ts_status status =
        plan->best == UINT32_MAX ? TS_OK : headroom_of_best(&headroom, plan, spec, job->arena, diags);
    if (status == TS_OK && plan->best != UINT32_MAX) {
        status = ts_plan_doubt(&headroom.doubt, plan, spec, job->arena, diags);
    }
    ts_progress_line_end(&job->line);
    if (status == TS_OK && job->args->out) {
        status = write_designs(job->args->out, plan, spec, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    struct ts_text text;
    ts_text_init(&text);
    status = ts_plan_print(&text, plan, spec, &headroom, &job->args->scenario);
    fputs(text.data, stdout);
    ts_text_deinit(&text);
    return status == TS_OK && plan->best == UINT32_MAX ? TS_ELIMIT : status;
}

static enum ts_status plan(struct job *job, struct ts_diags *diags)
{
    const struct ts_plan_spec spec = {.base = &job->loaded.base,
                                      .axes = job->words.axes,
                                      .n_axes = job->words.n_axes,
                                      .n_threads = job->args->threads ? job->args->threads : ts_run_info_cpus(),
                                      .confidence = job->args->confidence,
                                      .most_replications = job->args->replications,
                                      .most_runs = job->args->runs,
                                      .progress = ts_progress_line_of(&job->line)};
    struct ts_plan found;
    ts_interrupt_arm();
    ts_month_note_trace(&job->loaded.scenario, diags);
    enum ts_status status = ts_plan_make(&found, &spec, diags);
    if (status == TS_OK) {
        status = answer(job, &found, &spec, diags);
        ts_plan_deinit(&found);
    } else {
        ts_progress_line_end(&job->line);
    }
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    struct job *job = ts_arena_alloc(arena, sizeof *job);
    if (!job) {
        return TS_ENOMEM;
    }
    job->args = untyped;
    job->arena = arena;
    job->line.quiet = job->args->quiet;
    job->once = job->args->scenario;
    enum ts_status status = ts_words_axes(&job->words, &job->once.sets, &job->args->scenario.sets, arena, diags);
    if (status == TS_OK) {
        status = ts_load_base(&job->loaded, &job->once, "replications=1", diags);
    }
    if (status == TS_OK) {
        status = find_axes(job, diags);
        status = status == TS_OK ? plan(job, diags) : status;
        ts_loaded_base_deinit(&job->loaded);
    }
    return status;
}

const struct ts_command ts_command_plan = {
    .name = "plan",
    .summary = "Find the cheapest design that keeps the SLO and every limit",
    .examples =
        "  tiersim plan scenarios/hybrid-enterprise.yaml\n"
        "  tiersim plan scenarios/hybrid-enterprise.yaml --set tiers.edge.replicas=1:8:1 --set "
        "routing.thresholds.edge=0:2:0.25\n"
        "  tiersim plan scenarios/hybrid-enterprise.yaml --set 'tiers.edge.hardware=H100 SXM,H200 SXM,L40S' --set "
        "tiers.edge.accelerators=1,2,4,8 --set tiers.edge.owned.capex=null --set tiers.edge.replicas=1:16:1 -o "
        "designs.csv\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
