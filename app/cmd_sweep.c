/* tiersim sweep SCENARIO: many points of one scenario into one study. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/load_scenario.h"
#include "app/month_note.h"
#include "app/print_table.h"
#include "app/progress_line.h"
#include "app/slurm.h"
#include "app/study_words.h"
#include "app/version.h"
#include "base/file.h"
#include "base/run_info.h"
#include "study/fingerprint.h"
#include "study/sweep.h"

enum { MAX_REPLICATIONS = 10000, N_BEST = 5 };

struct sweep_args {
    struct ts_scenario_args scenario;
    const char *design, *out, *capacity, *goal, *shard, *slurm, *until;
    uint32_t points, replications, threads, shards;
    bool resume, early_stop, dry_run, quiet;
};

static const struct sweep_args defaults = {.capacity = "off", .goal = "cost.total", .shards = 16};

static const struct ts_option options[] = {
    {TS_INTO(struct sweep_args, scenario.path), "SCENARIO", "a scenario file, e.g. scenarios/hybrid-enterprise.yaml",
     .operand = TS_NEEDED},
    {"set", 's', TS_INTO(struct sweep_args, scenario.sets), "KEY=VALUES",
     "an axis: 1,2,4 or 0.1:0.9:0.1 or 1:64:*2, for lhs and sobol 0.1:0.9; or one value for all points (repeatable)"},
    TS_OPTION_TRACE(struct sweep_args, scenario.trace),
    TS_OPTION_MEASUREMENT(struct sweep_args, scenario),
    {"design", 'd', TS_INTO(struct sweep_args, design), "NAME",
     "which points (default: the scenario's sweep.design, or grid): all combinations: grid; value by value: list; "
     "drawn: lhs (Latin hypercube), sobol"},
    {"points", 'n', TS_INTO(struct sweep_args, points), "N", "how many points are drawn", .range = {1, TS_MAX_POINTS}},
    {"replications", 'r', TS_INTO(struct sweep_args, replications), "N",
     "independent replications of every point (default: as the scenario says)", .range = {1, MAX_REPLICATIONS}},
    TS_OPTION_UNTIL(struct sweep_args, until),
    {"early-stop", 0, TS_INTO(struct sweep_args, early_stop), NULL,
     "stop a point, without figures, once it is certain to miss slo.attainment or limits.attainment",
     .without = {"until"}},
    {"goal", 'g', TS_INTO(struct sweep_args, goal), "FIGURE",
     "what to minimize, e.g. cost.total or edge.ttft.p95; to maximize: max:attainment.mean"},
    {"out", 'o', TS_INTO(struct sweep_args, out), "FILE",
     "the study, STUDY.db, with a CSV beside it (default: out/ and the scenario's name)"},
    {"resume", 0, TS_INTO(struct sweep_args, resume), NULL,
     "continue an existing study: run the points of this design that it lacks"},
    {"shard", 0, TS_INTO(struct sweep_args, shard), "I/N",
     "only every N-th point, starting at I = 0 ... N-1, for `tiersim merge`; I may be the name of an environment "
     "variable"},
    {"slurm", 0, TS_INTO(struct sweep_args, slurm), "OPTIONS",
     "run the shards as a Slurm array and merge them after it; options of sbatch as one text, '' for none",
     .without = {"shard", "threads"}},
    {"shards", 0, TS_INTO(struct sweep_args, shards), "N",
     "number of shards; at least a minute of work in each is best", .range = {1, 60000}, .with = "slurm"},
    {"dry-run", 0, TS_INTO(struct sweep_args, dry_run), NULL, "print the scripts and what would be submitted",
     .with = "slurm"},
    {"capacity", 0, TS_INTO(struct sweep_args, capacity), "EFFORT",
     "how to find the volume up to which servers keep the SLO: off (by busy share), quick or full"},
    {"threads", 'j', TS_INTO(struct sweep_args, threads), "N",
     "threads (default: all CPUs); the results do not depend on it", .range = {1, TS_MAX_THREADS}},
    TS_OPTION_QUIET(struct sweep_args, quiet),
};

struct job {
    const struct sweep_args *args;
    struct ts_arena *arena;
    struct ts_scenario_args once; /* what is set for all points */
    struct ts_design_spec spec;
    struct ts_design design;
    struct ts_loaded_base loaded;
    struct ts_study_goal goal;
    uint32_t shard, n_shards;
    enum ts_capacity_effort effort;
    struct ts_until until; /* if one is written */
    struct ts_progress_line line;
    const char *path, *csv_path; /* the latter NULL for a shard */
};

static enum ts_status read_words(struct job *job, struct ts_diags *diags)
{
    const struct sweep_args *args = job->args;
    job->once = args->scenario;
    enum ts_status status = ts_words_axes(&job->spec, &job->once.sets, &args->scenario.sets, job->arena, diags);
    if (status == TS_OK && args->design) {
        status = ts_words_design(&job->spec.kind, args->design, diags);
    }
    if (status == TS_OK) {
        status = ts_words_goal(&job->goal, args->goal, job->arena, diags);
    }
    if (status == TS_OK) {
        status = ts_words_shard(&job->shard, &job->n_shards, args->shard, diags);
    }
    if (status == TS_OK) {
        status = ts_words_effort(&job->effort, args->capacity, true, diags);
    }
    if (status == TS_OK && args->until) {
        status = ts_until_parse(&job->until, args->until, diags);
    }
    return status;
}

/* What the command line does not say, the scenario may. */
static enum ts_status read_scenario(struct job *job, struct ts_diags *diags)
{
    const struct ts_sweep_words *sweep = &job->loaded.scenario.sweep;
    const uint32_t n_points = job->args->points;
    if (!job->args->design) {
        job->spec.kind = (enum ts_design_kind)sweep->design;
    }
    const bool drawn = job->spec.kind == TS_DESIGN_LHS || job->spec.kind == TS_DESIGN_SOBOL;
    if (n_points > 0 && !drawn) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "leave it out, or take --design lhs or sobol",
                       "--points does nothing: the axes of a %s determine its points", ts_design_names[job->spec.kind]);
    }
    job->spec.n_points = n_points > 0 ? n_points : drawn ? sweep->n_points : 0;
    return ts_words_scenario_axes(&job->spec, &sweep->axes, &job->once.sets, diags);
}

static enum ts_status name_files(struct job *job)
{
    const char *stem = ts_words_study_stem(job->args->out, job->loaded.scenario.model.name, job->arena);
    if (!stem) {
        return TS_ENOMEM;
    }
    if (job->n_shards > 1) {
        job->path = ts_arena_printf(job->arena, "%s.shard-%u-of-%u.db", stem, job->shard, job->n_shards);
    } else {
        job->path = ts_arena_printf(job->arena, "%s.db", stem);
        job->csv_path = ts_arena_printf(job->arena, "%s.csv", stem);
    }
    return job->arena->failed ? TS_ENOMEM : TS_OK;
}

/* ---- fingerprint and file ---- */

static const struct ts_until *until_of(const struct job *job)
{
    return job->args->until ? &job->until : NULL;
}

static enum ts_status print_fingerprint(struct ts_text *out, struct job *job, struct ts_diags *diags)
{
    size_t n = 0, at = 0;
    for (uint32_t a = 0; a < job->spec.n_axes; a++) {
        n += job->spec.axes[a].n;
    }
    const char **values = ts_arena_array(job->arena, n + 1, sizeof *values);
    for (uint32_t a = 0; values && a < job->spec.n_axes; a++) {
        for (uint32_t i = 0; i < job->spec.axes[a].n; i++) {
            values[at++] = strchr(job->spec.axes[a].settings[i], '=') + 1;
        }
    }
    const struct ts_progress progress = ts_progress_line_of(&job->line);
    const struct ts_point_options how = {
        .effort = job->effort, .until = until_of(job), .stops_early = job->args->early_stop};
    return values ? ts_fingerprint_put(out, TS_VERSION, &job->loaded.base, &how, values, &progress, diags) : TS_ENOMEM;
}

static void put_option(struct ts_text *out, const char *name, const char *value)
{
    if (value) {
        ts_text_printf(out, " --%s ", name);
        ts_words_put_shell(out, value);
    }
}

static void put_count(struct ts_text *out, const char *name, uint32_t count)
{
    if (count > 0) {
        ts_text_printf(out, " --%s %u", name, count);
    }
}

/* What decides about the points, as a shell reads it: "sweep SCENARIO --set ...". */
static const char *command_words(struct job *job)
{
    const struct sweep_args *args = job->args;
    struct ts_text text;
    ts_text_init(&text);
    ts_text_puts(&text, "sweep ");
    ts_words_put_shell(&text, args->scenario.path);
    put_option(&text, "trace", args->scenario.trace);
    put_option(&text, "measurement", job->loaded.scenario.measurement_path);
    for (size_t i = 0; i < args->scenario.sets.n; i++) {
        put_option(&text, "set", args->scenario.sets.items[i]);
    }
    put_option(&text, "design", args->design);
    put_count(&text, "points", args->points);
    put_count(&text, "replications", args->replications);
    put_option(&text, "until", args->until);
    put_option(&text, "capacity", args->capacity);
    ts_text_puts(&text, args->early_stop ? " --early-stop" : "");
    const char *kept = text.failed ? NULL : ts_arena_strdup(job->arena, text.data);
    ts_text_deinit(&text);
    return kept;
}

static enum ts_status make_folder(const char *path, struct ts_diags *diags)
{
    char *dir = ts_path_dir(path);
    const enum ts_status status = dir ? ts_mkdirs(dir, diags) : TS_ENOMEM;
    free(dir);
    return status;
}

static enum ts_status open_study(struct ts_study_db **out, struct job *job, struct ts_diags *diags)
{
    struct ts_text fingerprint;
    const char *words = command_words(job);
    if (!words) {
        return TS_ENOMEM;
    }
    ts_text_init(&fingerprint);
    enum ts_status status = print_fingerprint(&fingerprint, job, diags);
    if (status == TS_OK) {
        status = make_folder(job->path, diags);
    }
    if (status == TS_OK) {
        const struct ts_study_head head = {.fingerprint = fingerprint.data,
                                           .design = &job->design,
                                           .shard = job->shard,
                                           .n_shards = job->n_shards,
                                           .scenario = job->loaded.scenario.model.name,
                                           .command = ts_arena_printf(job->arena, "tiersim %s", words),
                                           .created = ts_run_info_now(job->arena),
                                           .host = ts_run_info_host(job->arena)};
        status = ts_study_db_open(out, job->path, &head, job->args->resume, diags);
    }
    ts_text_deinit(&fingerprint);
    return status;
}

/* ---- what is printed ---- */

static const struct {
    const char *header, *name, *stat;
} shown[] = {{"cost", "cost", "total"},
             {"within SLO", "attainment", "mean"},
             {"TTFT p95", "ttft", "p95"},
             {"payback", "payback", "value"}};

static enum ts_status put_figure(struct ts_table *table, struct ts_study_db *db, uint32_t position, const char *subject,
                                 const char *name, const char *stat)
{
    struct ts_text text;
    double value = NAN;
    ts_text_init(&text);
    const enum ts_status status = ts_study_db_figure(&value, db, position, subject, name, stat);
    ts_metric_format(&text, value, ts_metric_find(name, stat)->unit);
    ts_table_put(table, text.data);
    const bool failed = text.failed;
    ts_text_deinit(&text);
    return failed ? TS_ENOMEM : status;
}

static bool is_goal(const struct ts_study_goal *goal, size_t column)
{
    return ts_str_equal(shown[column].name, goal->name) && ts_str_equal(goal->subject, "all");
}

static enum ts_status put_best(struct ts_table *table, struct ts_study_db *db, const struct ts_study_goal *goal,
                               const struct ts_study_place *place)
{
    struct ts_text settings;
    ts_text_init(&settings);
    enum ts_status status = ts_study_db_put_settings(&settings, db, place->position);
    ts_table_row(table);
    ts_table_putf(table, "%u", place->position);
    ts_table_put(table, settings.data);
    if (status == TS_OK) {
        status = put_figure(table, db, place->position, goal->subject, goal->name, goal->stat);
    }
    for (size_t i = 0; status == TS_OK && i < sizeof shown / sizeof shown[0]; i++) {
        if (!is_goal(goal, i)) {
            status = put_figure(table, db, place->position, "all", shown[i].name, shown[i].stat);
        }
    }
    status = settings.failed ? TS_ENOMEM : status;
    ts_text_deinit(&settings);
    return status;
}

static enum ts_status print_best(const struct job *job, struct ts_study_db *db, struct ts_diags *diags)
{
    const struct ts_study_goal *goal = &job->goal;
    struct ts_study_place best[N_BEST];
    uint32_t n = 0;
    bool eligible = true;
    enum ts_status status = ts_study_db_best(best, &n, N_BEST, db, goal, true, diags);
    if (status == TS_OK && n == 0) {
        eligible = false;
        status = ts_study_db_best(best, &n, N_BEST, db, goal, false, diags);
    }
    if (status == TS_OK && n == 0) {
        printf("NO point keeps the SLO and all limits\n");
    }
    if (status != TS_OK || n == 0) {
        return status;
    }
    char title[160];
    (void)snprintf(
        title, sizeof title, "%s %s.%s.%s%s", goal->most ? "Most" : "Least", goal->subject, goal->name, goal->stat,
        eligible ? " of the points that keep the SLO and all limits" : "; NO point keeps the SLO and all limits");
    struct ts_table *table = ts_table_create(title);
    ts_table_column(table, "point", true);
    ts_table_column(table, "settings", false);
    ts_table_column(table, goal->name, true);
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++) {
        if (!is_goal(goal, i)) {
            ts_table_column(table, shown[i].header, true);
        }
    }
    for (uint32_t i = 0; status == TS_OK && i < n; i++) {
        status = put_best(table, db, goal, &best[i]);
    }
    if (status != TS_OK) {
        ts_table_destroy(table);
        return status;
    }
    return ts_print_table(table, TS_TABLE_TEXT);
}

static enum ts_status print_end(const struct job *job, struct ts_study_db *db, const struct ts_sweep_outcome *outcome,
                                struct ts_diags *diags)
{
    struct ts_study_counts counts;
    enum ts_status status = ts_study_db_counts(&counts, db, diags);
    if (status == TS_OK) {
        status = print_best(job, db, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    printf("\n%u of %u points in %s", counts.n_done + counts.n_impossible + counts.n_stopped, counts.n_design,
           job->path);
    if (counts.n_impossible > 0) {
        printf("; %u cannot be: column why", counts.n_impossible);
    }
    if (counts.n_stopped > 0) {
        printf("; %u stopped early, as they miss the SLO or a limit: column why", counts.n_stopped);
    }
    if (outcome->n_inexact > 0) {
        printf("\n%u did not reach --until '%s' within %u replications", outcome->n_inexact, job->args->until,
               job->loaded.scenario.replications);
    }
    printf("\n%u run, simulated in %.3g s (%.3g points/s); peak memory %.3g MB\n", outcome->n_run, outcome->wall_s,
           outcome->wall_s > 0.0 ? outcome->n_run / outcome->wall_s : 0.0, ts_run_info_peak_bytes() * 1e-6);
    return status;
}

/* ---- the whole ---- */

static enum ts_status run_study(struct job *job, const struct ts_sweep_spec *spec, struct ts_study_db *db,
                                struct ts_diags *diags)
{
    struct ts_sweep_outcome outcome;
    enum ts_status status = ts_sweep_run(&outcome, spec, db, diags);
    ts_progress_line_end(&job->line);
    if (status == TS_EINTERRUPTED || status == TS_EIO) {
        ts_diags_add(diags, TS_WARNING, ts_span_file(job->path), "type the same with --resume",
                     "%s: %u of %u points are there", status == TS_EIO ? "stopped" : "interrupted",
                     outcome.n_had + outcome.n_run, outcome.n_points);
    }
    if (status == TS_OK && job->csv_path) {
        status = ts_study_db_csv(db, job->csv_path, diags);
    }
    return status == TS_OK ? print_end(job, db, &outcome, diags) : status;
}

static enum ts_status make_design(struct job *job, struct ts_diags *diags)
{
    job->spec.seed = job->loaded.scenario.model.seed;
    enum ts_status status = read_scenario(job, diags);
    if (status == TS_OK) {
        status = ts_design_make(&job->design, &job->spec, job->arena, diags);
    }
    return status == TS_OK ? name_files(job) : status;
}

/* The shards as jobs of a cluster. */
static enum ts_status submit(struct job *job, struct ts_diags *diags)
{
    const uint32_t n = job->args->shards < job->design.n ? job->args->shards : job->design.n;
    const struct ts_slurm_job slurm = {
        .words = command_words(job),
        .stem = ts_words_study_stem(job->args->out, job->loaded.scenario.model.name, job->arena),
        .options = job->args->slurm,
        .n_shards = n,
        .dry = job->args->dry_run};
    return slurm.words && slurm.stem ? ts_slurm_submit(&slurm, job->arena, diags) : TS_ENOMEM;
}

/* Each point may want an attainment of its own, if that is an axis. */
static enum ts_status check_early_stop(const struct job *job, struct ts_diags *diags)
{
    bool applies = !job->args->early_stop || ts_early_stop_applies(&job->loaded.scenario);
    for (uint32_t a = 0; a < job->spec.n_axes; a++) {
        applies = applies || ts_str_has_suffix(job->spec.axes[a].key, ".attainment");
    }
    return applies ? TS_OK
                   : ts_fail(diags, TS_EUSAGE, ts_span_none(), "leave it out, or set slo.attainment='95 %'",
                             "--early-stop does nothing: it needs slo.attainment or limits.attainment, and a generated "
                             "workload without sessions, prefixes or users");
}

static enum ts_status sweep(struct job *job, struct ts_diags *diags)
{
    struct ts_study_db *db = NULL;
    const struct ts_sweep_spec spec = {.base = &job->loaded.base,
                                       .design = &job->design,
                                       .shard = job->shard,
                                       .n_shards = job->n_shards,
                                       .n_threads = job->args->threads ? job->args->threads : ts_run_info_cpus(),
                                       .effort = job->effort,
                                       .until = until_of(job),
                                       .stops_early = job->args->early_stop,
                                       .goal = job->goal,
                                       .progress = ts_progress_line_of(&job->line)};
    enum ts_status status = make_design(job, diags);
    if (status == TS_OK) {
        status = check_early_stop(job, diags);
    }
    if (status == TS_OK) {
        ts_interrupt_arm();
        status = ts_sweep_check(&spec, diags);
    }
    if (status == TS_OK && job->args->slurm) {
        return submit(job, diags);
    }
    if (status == TS_OK) {
        ts_month_note_trace(&job->loaded.scenario, diags);
        status = open_study(&db, job, diags);
    }
    if (status == TS_OK) {
        status = run_study(job, &spec, db, diags);
        ts_study_db_close(db);
    }
    return status; /* a signal after the last point has nothing to stop */
}

/* How many replications: as typed, as the scenario's sweep says, or as many as --until may take. 0: as for a run. */
static uint32_t replications_of(const struct job *job)
{
    const uint32_t typed = job->args->replications, own = job->loaded.scenario.sweep.n_replications;
    return typed > 0 ? typed : own > 0 ? own : job->args->until ? TS_UNTIL_REPLICATIONS : 0;
}

/* Twice where the scenario is what says how many replications its points have. */
static enum ts_status load(struct job *job, struct ts_diags *diags)
{
    enum ts_status status = ts_load_base(&job->loaded, &job->once, NULL, diags);
    const uint32_t n = status == TS_OK ? replications_of(job) : 0;
    if (n == 0) {
        return status;
    }
    const char *set = ts_arena_printf(job->arena, "replications=%u", n);
    ts_loaded_base_deinit(&job->loaded);
    return set ? ts_load_base(&job->loaded, &job->once, set, NULL) : TS_ENOMEM;
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
    enum ts_status status = read_words(job, diags);
    if (status == TS_OK) {
        status = load(job, diags);
    }
    if (status == TS_OK) {
        status = sweep(job, diags);
        ts_loaded_base_deinit(&job->loaded);
    }
    return status;
}

const struct ts_command ts_command_sweep = {
    .name = "sweep",
    .summary = "Run a scenario at many points, into one study (SQLite, CSV)",
    .examples =
        "  tiersim sweep scenarios/hybrid-enterprise.yaml --set tiers.edge.replicas=1,2,4 --set "
        "routing.thresholds.edge=0:2:0.5\n"
        "  tiersim sweep scenarios/hybrid-enterprise.yaml --design sobol --points 256 --set "
        "routing.thresholds.edge=0:2 --set tiers.laptop.eligible='20 %:90 %'\n"
        "  tiersim sweep scenarios/hybrid-enterprise.yaml --set tiers.edge.replicas=1:8:1 --replications 4 --resume\n"
        "  tiersim sweep scenarios/hybrid-enterprise.yaml --set tiers.edge.replicas=1:8:1 --shard 0/4\n"
        "  tiersim sweep scenarios/hybrid-enterprise.yaml --set tiers.edge.replicas=1:64:1 --shards 16 "
        "--slurm=--partition=long\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
