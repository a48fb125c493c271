/* tiersim run SCENARIO: the whole way from the user's text to a report. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/load_scenario.h"
#include "app/month_note.h"
#include "app/progress_line.h"
#include "app/run_words.h"
#include "app/study_words.h"
#include "app/version.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/run_info.h"
#include "base/slug.h"
#include "econ/econ.h"
#include "reports/report.h"
#include "study/growth.h"
#include "study/quality_ahead.h"
#include "study/replicate.h"
#include "study/service.h"
#include "study/uncertainty.h"

enum { MAX_REPLICATIONS = 10000, MIN_DRAWS = 16, MAX_DRAWS = 1000000 };

struct run_args {
    struct ts_scenario_args scenario;
    const char *out, *requests, *capacity, *until;
    uint32_t replications, threads; /* 0: as the scenario says; all CPUs */
    uint32_t draws;
    bool exact, no_report, quiet, uncertainty;
};

static const struct run_args defaults = {.draws = 10000};

static const struct ts_option options[] = {
    TS_SCENARIO_OPTIONS(struct run_args, scenario),
    {"replications", 'r', TS_INTO(struct run_args, replications), "N",
     "independent replications (default: as the scenario says)", .range = {1, MAX_REPLICATIONS}},
    TS_OPTION_UNTIL(struct run_args, until),
    {"threads", 'j', TS_INTO(struct run_args, threads), "N",
     "threads (default: all CPUs); the results do not depend on it", .range = {1, TS_MAX_THREADS}},
    {"out", 'o', TS_INTO(struct run_args, out), "FOLDER",
     "where to write the report (default: out/ and the scenario's name)", .without = {"no-report"}},
    {"requests", 0, TS_INTO(struct run_args, requests), "FILE",
     "also write a row for every request, as CSV (gzip if the name ends in .gz)"},
    {"capacity", 0, TS_INTO(struct run_args, capacity), "EFFORT",
     "how to find the volume up to which servers keep the SLO: off, quick (default where calls grow) or full"},
    {"uncertainty", 'u', TS_INTO(struct run_args, uncertainty), NULL,
     "also draw the uncertain inputs: those written as uncertain, and those that always are"},
    {"draws", 0, TS_INTO(struct run_args, draws), "N", "how often", .range = {MIN_DRAWS, MAX_DRAWS},
     .with = "uncertainty"},
    {"exact", 0, TS_INTO(struct run_args, exact), NULL,
     "simulate every step of a server on its own: slower, the same result"},
    {"no-report", 0, TS_INTO(struct run_args, no_report), NULL, "print the summary, write no report"},
    TS_OPTION_QUIET(struct run_args, quiet),
};

static const char *command_text(struct ts_arena *arena, const struct run_args *args)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_printf(&text, "tiersim run %s", args->scenario.path);
    if (args->uncertainty) {
        ts_text_printf(&text, " --uncertainty --draws %u", args->draws);
    }
    if (args->scenario.trace) {
        ts_text_printf(&text, " --trace %s", args->scenario.trace);
    }
    if (args->scenario.map) {
        ts_text_printf(&text, " --map \"%s\"", args->scenario.map);
    }
    for (size_t i = 0; i < args->scenario.sets.n; i++) {
        ts_text_printf(&text, " --set '%s'", args->scenario.sets.items[i]);
    }
    if (args->replications) {
        ts_text_printf(&text, " --replications %u", args->replications);
    }
    if (args->until) {
        ts_text_printf(&text, " --until '%s'", args->until);
    }
    const char *copy = ts_arena_strdup(arena, text.data);
    ts_text_deinit(&text);
    return copy;
}

/* A run under way. */
struct job {
    const struct run_args *args;
    struct ts_scenario *scenario;
    uint32_t n_threads;
    enum ts_capacity_effort effort;
    struct ts_until until; /* if one is written */
    struct ts_use_curve curve;
    double begin_s;
    struct ts_progress_line line;
    struct ts_progress finish; /* asked once the simulating is over */
    struct ts_report_folder folder;
    char *dir;    /* the folder as the user named it; NULL: no report is wanted */
    bool written; /* the report, or there is none to write */
};

static enum ts_status describe(struct ts_run_info *out, const struct job *job, const struct ts_replications *runs,
                               struct ts_diags *diags)
{
    const struct ts_scenario *scenario = job->scenario;
    struct ts_arena *arena = &job->scenario->arena;
    *out = (struct ts_run_info){
        .tool_version = TS_VERSION,
        .scenario_path = job->args->scenario.path,
        .trace_path = scenario->workload.trace_path,
        .measurement_path = scenario->measurement_path,
        .command = command_text(arena, job->args),
        .host = ts_run_info_host(arena),
        .created = ts_run_info_now(arena),
        .n_dropped_rows = runs->trace.n_dropped,
        .n_threads = job->n_threads,
        .wall_s = runs->wall_s,
    };
    return out->trace_path && job->dir ? ts_run_info_hash(&out->trace_hash, arena, out->trace_path, &job->finish, diags)
                                       : TS_OK;
}

static enum ts_status print_summary(const struct ts_report *made, const struct ts_report_input *input,
                                    const struct job *job)
{
    struct ts_text text;
    ts_text_init(&text);
    enum ts_status status = ts_report_terminal(&text, made);
    if (status == TS_OK) {
        fputs(text.data, stdout);
        ts_run_print_speed(input, job->begin_s);
    }
    if (status == TS_OK && job->dir) {
        char *page = ts_path_join(job->dir, "report.html");
        if (page) {
            printf("report: %s\n", page);
        }
        status = page ? TS_OK : TS_ENOMEM;
        free(page);
    }
    ts_text_deinit(&text);
    return status;
}

static enum ts_status check_limits(const struct ts_report *made, struct ts_diags *diags)
{
    struct ts_text text;
    ts_text_init(&text);
    size_t n_missed = ts_report_limits(&text, made);
    enum ts_status status = TS_OK;
    if (n_missed > 0) {
        status = ts_fail(diags, TS_ELIMIT, ts_span_none(), NULL, "%zu limit%s of the scenario missed:\n%.*s", n_missed,
                         n_missed == 1 ? "" : "s", (int)strlen(text.data) - 1, text.data);
    }
    ts_text_deinit(&text);
    return status;
}

/* Where the report goes: where the user says, else below out/ by the scenario's name, which chooses no other place. */
static char *report_dir(const struct run_args *args, const struct ts_model *model)
{
    struct ts_text name;
    if (args->out) {
        return ts_path_join("", args->out);
    }
    ts_text_init(&name);
    ts_slug(&name, model->name);
    char *dir = name.failed ? NULL : ts_path_join("out", name.data);
    ts_text_deinit(&name);
    return dir;
}

/* Writes the report and prints it. */
static enum ts_status give_out(const struct ts_report_input *input, struct job *job, struct ts_diags *diags)
{
    bool drawn = false;
    struct ts_report *made = NULL;
    enum ts_status status = ts_report_create(&made, input);
    if (status == TS_OK && job->dir) {
        status = ts_report_write(&drawn, &job->folder, made, diags);
    }
    if (status == TS_OK) {
        job->written = true;
        ts_report_folder_close(&job->folder); /* whoever reads what is printed may break off */
        status = print_summary(made, input, job);
    }
    if (status == TS_OK) {
        status = check_limits(made, diags);
    }
    ts_report_destroy(made);
    return status;
}

/* Growth asks what becomes of calls beyond today's; without it nobody waits for the answer. written: NULL if the
 * command line says nothing. */
static enum ts_status choose_effort(struct job *job, const enum ts_capacity_effort *written, struct ts_diags *diags)
{
    const bool applies = ts_capacity_applies(job->scenario);
    const bool grows = job->scenario->model.money.growth_frac_per_month > 0.0 || job->args->uncertainty;
    job->effort = written ? *written : applies && grows ? TS_CAPACITY_QUICK : TS_CAPACITY_OFF;
    return job->effort == TS_CAPACITY_OFF || applies
               ? TS_OK
               : ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL,
                         "--capacity: no tier is a server, or the load is a closed loop");
}

static enum ts_status appraise(struct ts_econ *out, struct job *job, const struct ts_replications *runs,
                               struct ts_diags *diags)
{
    struct ts_econ_capacity capacity = {.is_simulated = false};
    const struct ts_progress progress = ts_progress_line_of(&job->line);
    const struct ts_growth_options how = {.today = &runs->merged,
                                          .effort = job->effort,
                                          .is_uncertain = job->args->uncertainty,
                                          .n_threads = job->n_threads,
                                          .progress = &progress};
    enum ts_status status = TS_OK;
    if (job->effort != TS_CAPACITY_OFF) {
        status = ts_growth_find(&capacity, &job->curve, job->scenario, &how, diags);
        ts_progress_line_end(&job->line);
        status = status == TS_EINTERRUPTED ? TS_OK : status; /* the report goes without */
    }
    return status == TS_OK ? ts_econ_compute(out, &job->scenario->model, &runs->merged, &capacity, diags) : status;
}

static enum ts_status find_baselines(struct ts_baseline out[TS_N_BASELINES], const struct ts_econ *econ,
                                     struct job *job, const struct ts_replications *runs, struct ts_diags *diags)
{
    const struct ts_progress progress = ts_progress_line_of(&job->line);
    enum ts_status status = ts_baselines_compute(out, econ, &job->scenario->model, &runs->merged);
    if (status == TS_OK && !ts_interrupt_requested()) {
        status = ts_service_find(out, job->scenario, runs->trace.was_sorted, &progress, diags);
        ts_progress_line_end(&job->line);
    }
    return status == TS_EINTERRUPTED ? TS_OK : status; /* the report goes without their services */
}

/* The base of its draws: the scenario as it was run, loaded once more with what draws need. */
static enum ts_status study_base(struct ts_uncertainty *out, const struct ts_loaded_base *loaded, struct job *job,
                                 const struct ts_econ *econ, const struct ts_replications *runs, struct ts_diags *diags)
{
    const struct ts_progress progress = ts_progress_line_of(&job->line);
    const struct ts_uncertainty_options how = {.n_draws = job->args->draws,
                                               .n_threads = job->n_threads,
                                               .capacity = &econ->capacity,
                                               .effort = job->effort,
                                               .progress = &progress};
    const enum ts_status status =
        ts_uncertainty_study(out, &loaded->base, &runs->merged, &how, &job->scenario->arena, diags);
    ts_progress_line_end(&job->line);
    return status;
}

/* *found: it was asked for, and not interrupted. */
static enum ts_status study(struct ts_uncertainty *out, bool *found, struct job *job, const struct ts_econ *econ,
                            const struct ts_replications *runs, struct ts_diags *diags)
{
    char replications[64];
    struct ts_loaded_base loaded;
    *found = false;
    if (!job->args->uncertainty) {
        return TS_OK;
    }
    (void)snprintf(replications, sizeof replications, "replications=%u", job->scenario->replications);
    enum ts_status status = ts_load_base(&loaded, &job->args->scenario, replications, NULL); /* warnings: once */
    if (status == TS_OK) {
        loaded.scenario.model.month_scale = job->scenario->model.month_scale;
        status = study_base(out, &loaded, job, econ, runs, diags);
        ts_loaded_base_deinit(&loaded);
    }
    *found = status == TS_OK;
    return status == TS_EINTERRUPTED ? TS_OK : status; /* the report goes without */
}

/* *found: some model becomes better, and nobody interrupted. */
static enum ts_status look_ahead(struct ts_quality_months *out, bool *found, struct job *job, struct ts_diags *diags)
{
    const struct ts_progress progress = ts_progress_line_of(&job->line);
    *found = ts_quality_improves(&job->scenario->model) && !ts_interrupt_requested();
    if (!*found) {
        return TS_OK;
    }
    const enum ts_status status =
        ts_quality_ahead(out, job->scenario, job->n_threads, &progress, &job->scenario->arena, diags);
    ts_progress_line_end(&job->line);
    *found = status == TS_OK;
    return status == TS_EINTERRUPTED ? TS_OK : status; /* the report goes without */
}

static enum ts_status report(struct job *job, const struct ts_replications *runs, struct ts_diags *diags)
{
    struct ts_econ econ = {0};
    struct ts_run_info info;
    struct ts_uncertainty uncertainty;
    struct ts_quality_months quality;
    bool found = false, improves = false;
    enum ts_status status = appraise(&econ, job, runs, diags);
    if (status != TS_OK) {
        return status;
    }
    struct ts_baseline baselines[TS_N_BASELINES];
    status = find_baselines(baselines, &econ, job, runs, diags);
    if (status == TS_OK) {
        status = look_ahead(&quality, &improves, job, diags);
    }
    if (status == TS_OK) {
        status = study(&uncertainty, &found, job, &econ, runs, diags);
    }
    const struct ts_report_input input = {.model = &job->scenario->model,
                                          .result = &runs->merged,
                                          .replications = &runs->each,
                                          .econ = &econ,
                                          .baselines = baselines,
                                          .info = &info,
                                          .quality = improves ? &quality : NULL,
                                          .uncertainty = found ? &uncertainty : NULL,
                                          .progress = &job->finish};
    if (status == TS_OK) {
        status = describe(&info, job, runs, diags);
    }
    if (status == TS_OK) {
        status = give_out(&input, job, diags);
    }
    ts_econ_deinit(&econ);
    return status;
}

/* The requests' rows are complete, or nobody gets them. */
static enum ts_status close_requests(struct ts_requests_csv *requests, enum ts_status status, const char *path,
                                     struct ts_diags *diags)
{
    if (status == TS_OK) {
        return ts_requests_csv_commit(requests, diags);
    }
    ts_requests_csv_abort(requests);
    if (status == TS_EINTERRUPTED) {
        ts_diags_add(diags, TS_WARNING, ts_span_file(path), NULL, "interrupted: the requests are not written");
    }
    return status;
}

static enum ts_status replicate(struct ts_replications *runs, struct job *job, struct ts_diags *diags)
{
    const struct run_args *args = job->args;
    const struct ts_scenario *scenario = job->scenario;
    struct ts_replicate_options how = {
        .n_replications = scenario->replications,
        .until = args->until ? &job->until : NULL,
        .n_threads = job->n_threads,
        .progress = ts_progress_line_of(&job->line),
        .single_steps = args->exact,
    };
    enum ts_status status = TS_OK;
    if (args->requests) {
        status = ts_requests_csv_open(&how.requests, args->requests, &scenario->model, scenario->replications, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    status = ts_replicate(runs, scenario, &how, diags);
    ts_progress_line_end(&job->line);
    return args->requests ? close_requests(how.requests, status, args->requests, diags) : status;
}

/* What is finished of an interrupted run is reported if there is the time for it. */
static enum ts_status report_interrupted(struct job *job, const struct ts_replications *runs, struct ts_diags *diags)
{
    const uint32_t n_wanted = job->scenario->replications;
    job->effort = TS_CAPACITY_OFF;
    const enum ts_status status = report(job, runs, diags);
    if (status == TS_OK || status == TS_ELIMIT) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), NULL, "interrupted: the report covers %u of %u replications",
                     runs->each.n, n_wanted);
    }
    return status == TS_OK ? TS_EINTERRUPTED : status;
}

/* The replications ran out before the rule held. */
static void warn_about_width(const struct job *job, const struct ts_replications *runs, struct ts_diags *diags)
{
    struct ts_text text;
    if (!job->args->until || runs->until_frac <= job->until.frac) {
        return;
    }
    ts_text_init(&text);
    ts_until_put(&text, &job->until, runs->until_frac, runs->each.n);
    ts_diags_add(diags, TS_WARNING, ts_span_none(), "allow more with --replications", "--until is not reached: %s",
                 text.data);
    ts_text_deinit(&text);
}

static enum ts_status simulate(struct job *job, struct ts_diags *diags)
{
    struct ts_replications runs;
    struct ts_text month;
    memset(&runs, 0, sizeof runs);
    ts_text_init(&month);
    enum ts_status status = replicate(&runs, job, diags);
    const bool interrupted = status == TS_EINTERRUPTED;
    if (status == TS_OK || (interrupted && runs.each.n > 0)) {
        ts_month_note_run(&month, &runs, job->scenario, diags);
        ts_trace_counts_warn(&runs.trace, job->scenario->workload.trace_path, diags);
        ts_run_warn_prompts(&runs, job->scenario, diags);
        warn_about_width(job, &runs, diags);
        status = interrupted ? report_interrupted(job, &runs, diags) : report(job, &runs, diags);
    }
    ts_replications_deinit(&runs);
    job->scenario->model.month_told = NULL;
    ts_text_deinit(&month);
    if (status == TS_EINTERRUPTED && job->dir && !job->written) {
        ts_diags_add(diags, TS_WARNING, ts_span_file(job->dir), NULL, "interrupted: no report is written");
    }
    return status == TS_OK && ts_interrupt_requested() ? TS_EINTERRUPTED : status;
}

/* Takes the place of the report before the work begins: whoever cannot have it need not wait for the end to hear that.
 */
static enum ts_status run_job(struct job *job, struct ts_diags *diags)
{
    const struct run_args *args = job->args;
    job->line.quiet = args->quiet;
    job->finish = ts_progress_line_finishing(&job->line);
    job->n_threads = args->threads ? args->threads : ts_run_info_cpus();
    ts_interrupt_arm_with_limit();
    if (args->no_report) {
        return simulate(job, diags);
    }
    job->dir = report_dir(args, &job->scenario->model);
    enum ts_status status = job->dir ? ts_report_folder_open(&job->folder, job->dir, diags) : TS_ENOMEM;
    if (status == TS_OK) {
        status = simulate(job, diags);
        ts_report_folder_close(&job->folder);
    }
    free(job->dir);
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    (void)arena;
    const struct run_args *args = untyped;
    const double begin_s = ts_clock_now_s();
    /* --replications N is another way to write --set replications=N, so that the manifest says so. */
    char replications[64];
    const bool stops = args->until && args->replications == 0;
    const uint32_t n = stops ? TS_UNTIL_REPLICATIONS : args->replications;
    (void)snprintf(replications, sizeof replications, "replications=%u", n);
    enum ts_capacity_effort effort = TS_CAPACITY_OFF;
    enum ts_status status = args->capacity ? ts_words_effort(&effort, args->capacity, true, diags) : TS_OK;
    if (status != TS_OK) {
        return status;
    }
    struct ts_scenario scenario;
    struct job job = {.args = args, .scenario = &scenario, .begin_s = begin_s};
    status = args->until ? ts_until_parse(&job.until, args->until, diags) : TS_OK;
    if (status == TS_OK) {
        status = ts_load_scenario(&scenario, &args->scenario, n > 0 ? replications : NULL, diags);
    }
    if (status == TS_OK) {
        status = choose_effort(&job, args->capacity ? &effort : NULL, diags);
        status = status == TS_OK ? run_job(&job, diags) : status;
        ts_scenario_deinit(&scenario);
    }
    return status;
}

const struct ts_command ts_command_run = {
    .name = "run",
    .summary = "Simulate a scenario and write its report (CSV, charts, report.html)",
    .examples =
        "  tiersim run scenarios/hybrid-enterprise.yaml\n"
        "  tiersim run scenarios/azure-conversation.yaml --trace AzureLLMInferenceTrace_conv.csv -o out/azure\n"
        "  tiersim run scenarios/hybrid-enterprise.yaml --set tiers.edge.replicas=4 --replications 8 --threads 2\n"
        "  tiersim run scenarios/azure-conversation.yaml --requests requests.csv.gz\n"
        "  tiersim run scenarios/bench/one-server.yaml --trace AzureLLMInferenceTrace_conv.csv --no-report\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
