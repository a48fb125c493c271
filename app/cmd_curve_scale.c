/* tiersim curve scale SCENARIO: what a month costs from 100 calls a day to 1e9. */
#include <stdio.h>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/load_scenario.h"
#include "app/progress_line.h"
#include "app/scale_print.h"
#include "app/study_words.h"
#include "base/file.h"
#include "base/run_info.h"

struct scale_args {
    struct ts_scenario_args scenario;
    const char *out, *capacity;
    uint32_t threads;
    bool quiet;
};

static const struct scale_args defaults = {.capacity = "quick"};

static const struct ts_option options[] = {
    {TS_INTO(struct scale_args, scenario.path), "SCENARIO", "a scenario file, e.g. scenarios/hybrid-enterprise.yaml",
     .operand = TS_NEEDED},
    TS_OPTION_SETS(struct scale_args, scenario.sets),
    TS_OPTION_MEASUREMENT(struct scale_args, scenario),
    {"capacity", 0, TS_INTO(struct scale_args, capacity), "EFFORT",
     "how closely the capacity of replicas is determined: quick (5 %) or full (2 %)"},
    {"out", 'o', TS_INTO(struct scale_args, out), "FOLDER",
     "where scale.csv, crossings.csv, scale.svg and scale.png go (default: out/ and the scenario's name)"},
    TS_OPTION_THREADS(struct scale_args, threads),
    TS_OPTION_QUIET(struct scale_args, quiet),
};

struct job {
    const struct scale_args *args;
    struct ts_arena *arena;
    struct ts_loaded_base loaded;
    struct ts_progress_line line;
};

static enum ts_status tell(const struct job *job, const struct ts_scale *scale, struct ts_diags *diags)
{
    const struct ts_model *model = &job->loaded.scenario.model;
    const char *dir = ts_words_folder(job->args->out, model->name, "scale", job->arena);
    struct ts_text text;
    ts_text_init(&text);
    enum ts_status status = dir ? ts_scale_print(&text, scale, model) : TS_ENOMEM;
    if (status == TS_OK) {
        status = ts_mkdirs(dir, diags);
    }
    if (status == TS_OK) {
        status = ts_scale_write(dir, scale, model, diags);
    }
    if (status == TS_OK) {
        printf("%s\n%u runs, all of their points in %s/\n", text.data, scale->n_runs, dir);
    }
    ts_text_deinit(&text);
    return status;
}

static enum ts_status find(struct job *job, enum ts_capacity_effort effort, struct ts_diags *diags)
{
    const struct ts_scale_spec spec = {.base = &job->loaded.base,
                                       .effort = effort,
                                       .n_threads = job->args->threads ? job->args->threads : ts_run_info_cpus(),
                                       .progress = ts_progress_line_of(&job->line)};
    struct ts_scale scale;
    ts_interrupt_arm();
    enum ts_status status = ts_scale_find(&scale, &spec, diags);
    ts_progress_line_end(&job->line);
    if (status == TS_OK) {
        status = tell(job, &scale, diags);
        ts_scale_deinit(&scale);
    }
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    struct job *job = ts_arena_alloc(arena, sizeof *job);
    enum ts_capacity_effort effort = TS_CAPACITY_QUICK;
    if (!job) {
        return TS_ENOMEM;
    }
    job->args = untyped;
    job->arena = arena;
    job->line.quiet = job->args->quiet;
    enum ts_status status = ts_words_effort(&effort, job->args->capacity, false, diags);
    if (status == TS_OK) {
        status = ts_load_base(&job->loaded, &job->args->scenario, "replications=1", diags);
    }
    if (status == TS_OK) {
        status = find(job, effort, diags);
        ts_loaded_base_deinit(&job->loaded);
    }
    return status;
}

const struct ts_command ts_command_curve_scale = {
    .name = "curve scale",
    .summary = "Cost from 100 calls a day to 1e9: devices, servers, APIs, and where they cross",
    .examples = "  tiersim curve scale scenarios/hybrid-enterprise.yaml\n"
                "  tiersim curve scale scenarios/hybrid-enterprise.yaml --set tiers.edge.accelerators=4 -o out/scale\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
