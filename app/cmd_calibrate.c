/* tiersim calibrate SCENARIO LOG...: the step times of a deployment from its own log, with what the scenario says of it
 * as the prior; as a measurement file. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/load_scenario.h"
#include "app/print_table.h"
#include "app/progress_line.h"
#include "app/version.h"
#include "base/file.h"
#include "base/run_info.h"
#include "base/units.h"
#include "scenarios/catalog/catalog.h"
#include "study/log_fit.h"
#include "study/step_grid.h"

struct calibrate_args {
    struct ts_scenario_args scenario;
    struct ts_option_texts logs;
    const char *tier, *hold_out, *out;
    bool quiet;
};

static const struct calibrate_args defaults = {.out = "measurement.json", .hold_out = "30 %"};

static const struct ts_option options[] = {
    TS_SCENARIO_OPTIONS(struct calibrate_args, scenario),
    {TS_INTO(struct calibrate_args, logs), "LOG",
     "a log of requests that the deployment served: results of vllm bench serve --save-detailed, guidellm or aiperf, a "
     "spend log of LiteLLM, requests.csv of `tiersim probe`",
     .operand = TS_NEEDED},
    {"tier", 0, TS_INTO(struct calibrate_args, tier), "NAME", "the server that the log is of (default: the only one)"},
    {"hold-out", 0, TS_INTO(struct calibrate_args, hold_out), "SHARE",
     "share of the log held out from the fit, at its end, to check it on; 0 % fits to all"},
    {"out", 'o', TS_INTO(struct calibrate_args, out), "FILE", "the measurement file"},
    TS_OPTION_QUIET(struct calibrate_args, quiet),
};

struct job {
    const struct calibrate_args *args;
    struct ts_scenario scenario;
    struct ts_log log;
    struct ts_log_fit fit;
    uint32_t tier;
    double held_frac;
};

/* ---- which tier ---- */

static enum ts_status find_tier(struct job *job, struct ts_diags *diags)
{
    const struct ts_model *model = &job->scenario.model;
    const char *names[TS_MAX_TIERS];
    uint32_t n_servers = 0;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        names[i] = model->tiers[i].name;
        if (job->args->tier ? ts_str_equal(names[i], job->args->tier) : model->tiers[i].kind == TS_TIER_SERVER) {
            job->tier = i;
            n_servers++;
        }
    }
    if (n_servers == 1) {
        return ts_log_fit_check(model, job->tier, diags);
    }
    if (job->args->tier) {
        const char *near = ts_suggest(job->args->tier, names, model->n_tiers);
        struct ts_text hint;
        ts_text_init(&hint);
        ts_text_printf(&hint, near ? "did you mean '%s'?" : "there are:", near);
        for (uint32_t i = 0; !near && i < model->n_tiers; i++) {
            ts_text_printf(&hint, " %s", names[i]);
        }
        return ts_fail_hint(diags, TS_EUSAGE, ts_span_none(), &hint, "--tier: the scenario has no tier '%s'",
                            job->args->tier);
    }
    return ts_fail(diags, TS_EUSAGE, ts_span_none(),
                   n_servers > 0 ? "name the one that the log is of: --tier NAME" : NULL,
                   n_servers > 0 ? "the scenario has %u servers" : "the scenario has %u servers: nothing to calibrate",
                   (unsigned)n_servers);
}

/* ---- what is printed ---- */

static void print_head(const struct job *job)
{
    const struct ts_log_fit *fit = &job->fit;
    const struct ts_tier_model *tier = &job->scenario.model.tiers[job->tier];
    printf("log: %s%s%s; rows read %llu = used %zu + dropped %llu\n", job->log.format, *job->log.program ? ", " : "",
           job->log.program, (unsigned long long)job->log.n_rows, job->log.n,
           (unsigned long long)(job->log.n_rows - job->log.n));
    for (size_t i = 0; i < job->log.n_drops; i++) {
        printf("  dropped %llu, first at line %llu: %s\n", (unsigned long long)job->log.drops[i].n,
               (unsigned long long)job->log.drops[i].line, job->log.drops[i].reason);
    }
    printf("tier %s: %s on %s\nprior: %s\n", tier->name, tier->model, tier->u.server.pools[0].hardware,
           tier->u.server.pools[0].replica.steps.source);
    printf("  in the form of a measurement file: off by %.1f %% in the median, %.0f %% at worst\n",
           100.0 * fit->form_error.median_frac, 100.0 * fit->form_error.worst_frac);
    printf("batches: simulated from %s\n",
           fit->by_trace ? "the scenario's trace with the log's requests" : "the log's own requests");
    printf("fitted to %zu requests, %zu held out; %zu outliers left out; a request counts as %.2g of one (errors of "
           "neighbours are correlated)\n",
           fit->n_fitted, fit->n_held, fit->n_far, fit->count);
    printf("%u rounds of simulating and fitting%s\n\n", (unsigned)fit->n_rounds,
           fit->settled ? "" : ": the constants had not converged");
}

static struct ts_table *constants_table(const struct ts_calibrated *told)
{
    static const char *const headers[] = {"constant", "before", "+-", "calibrated", "+-", "told by the log %"};
    static const char *const about[] = {
        "step: weights, layers, host (x)",   "sequence: each further one in a step (x)",
        "prompt: matmuls of its tokens (x)", "kv: entries that decode reads (x)",
        "attention: of prompts (x)",         "request: in addition to its steps, network included (ms)"};
    struct ts_table *table = ts_table_create("Constants: factors on the scenario's step times");
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 1);
    for (size_t i = 0; i < told->n; i++) {
        const struct ts_calibrated_constant *c = &told->constants[i];
        const double unit = i == TS_LOG_REQUEST ? 1e3 : 1.0;
        ts_table_row(table);
        ts_table_put(table, about[i]);
        ts_table_num(table, unit * c->prior, 3);
        ts_table_num(table, unit * c->prior_sd, 2);
        ts_table_num(table, unit * c->value, 4);
        ts_table_num(table, unit * c->sd, 2);
        ts_table_num(table, 100.0 * c->told_frac, 3);
    }
    return table;
}

/* Directions of which more than half of the prior's variance is left. */
static void print_untold(const struct ts_log_fit *fit)
{
    static const double untold = 0.5, worth_naming = 0.3;
    size_t n = 0;
    for (size_t d = 0; d < fit->posterior.n; d++) {
        const struct ts_direction *direction = &fit->posterior.directions[d];
        if (direction->left_frac < untold) {
            continue;
        }
        printf(n++ == 0 ? "Not identified by the log, so the prior holds:\n" : "");
        printf(" ");
        const char *sign = "";
        for (size_t j = 0; j < fit->posterior.n; j++) {
            if (fabs(direction->along[j]) >= worth_naming) {
                printf("%s%s %s", sign, direction->along[j] > 0.0 ? " more" : " less",
                       fit->calibrated.constants[j].name);
                sign = " with";
            }
        }
        printf(" (%.0f %% of the variance is left)\n", 100.0 * direction->left_frac);
    }
    printf(n == 0 ? "The log identifies all constants.\n\n" : "\n");
}

static struct ts_table *error_table(const struct ts_log_fit *fit)
{
    static const char *const headers[] = {
        "latency",        "requests",           "before: error %",  "predicted/recorded",
        "after: error %", "predicted/recorded", "in the interval %"};
    static const char *const names[TS_LOG_N_MEASURES] = {"TTFT", "TPOT", "E2E"};
    struct ts_table *table = ts_table_create(fit->n_held > 0 ? "Median error of a request, on those held out"
                                                             : "Median error of a request, on those fitted to");
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 1);
    for (int m = 0; m < TS_LOG_N_MEASURES; m++) {
        ts_table_row(table);
        ts_table_put(table, names[m]);
        ts_table_putf(table, "%zu", fit->after[m].n);
        ts_table_num(table, 100.0 * fit->before[m].median, 3);
        ts_table_num(table, fit->before[m].ratio, 3);
        ts_table_num(table, 100.0 * fit->after[m].median, 3);
        ts_table_num(table, fit->after[m].ratio, 3);
        ts_table_num(table, 100.0 * fit->after[m].covered, 3);
    }
    return table;
}

static const double worse = 1.1;

/* "Llama-3.1-8B BF16": the format comes last. */
static const char *model_name(struct ts_arena *arena, const char *text, const char **quant)
{
    const char *blank = strrchr(text, ' ');
    *quant = blank ? blank + 1 : "";
    return blank ? ts_arena_printf(arena, "%.*s", (int)(blank - text), text) : text;
}

/* The log names a model: is it the tier's? Both by the catalog's names; what it does not know is not compared. */
static enum ts_status compare_models(const struct job *job, struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_catalog catalog;
    const char *quant = NULL;
    const char *own = model_name(arena, job->scenario.model.tiers[job->tier].model, &quant);
    const enum ts_status status = own ? ts_catalog_load(&catalog, arena, diags) : TS_ENOMEM;
    if (status != TS_OK) {
        return status;
    }
    const struct ts_llm *tier = ts_catalog_llm(&catalog, own), *log = ts_catalog_llm(&catalog, job->log.model);
    if (tier && log && tier != log) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), "name the model that was served, or take its log",
                     "the log is of '%s', the tier has %s", job->log.model, tier->name);
    }
    return TS_OK;
}

static void warn(const struct ts_log_fit *fit, struct ts_diags *diags)
{
    const struct ts_log_error *before = &fit->before[TS_LOG_E2E], *after = &fit->after[TS_LOG_E2E];
    if (fit->n_held > 0 && after->n > 0 && after->median > worse * before->median + 0.005) {
        ts_diags_add(
            diags, TS_WARNING, ts_span_none(),
            "does the held-out part have another load, or do kv_blocks and scheduler differ from the deployment's?",
            "on the held-out requests the calibrated step times are further off than the scenario's own");
    }
    if (!fit->settled) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(),
                     "a log under a load that the server keeps up with is more informative",
                     "batches and constants had not converged after %u rounds", (unsigned)fit->n_rounds);
    }
}

static enum ts_status print(const struct job *job)
{
    const struct ts_log_fit *fit = &job->fit;
    const struct ts_calibrated *told = &fit->calibrated;
    print_head(job);
    enum ts_status status = ts_print_table(constants_table(told), TS_TABLE_TEXT);
    if (status == TS_OK) {
        print_untold(fit);
        status = ts_print_table(error_table(fit), TS_TABLE_TEXT);
    }
    if (status == TS_OK) {
        printf("9 of 10 times lie within these factors of the predicted: per token %.2f to %.2f, to the first token "
               "%.2f to "
               "%.2f\n",
               told->low, told->high, told->first_low, told->first_high);
        printf("written: %s; use it in a tier with measured: %s, instead of steps\n", job->args->out, job->args->out);
    }
    return status;
}

/* ---- the file ---- */

static enum ts_status describe_logs(struct ts_import *info, struct ts_arena *arena, const struct job *job,
                                    struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    info->file = info->hash = "";
    for (size_t i = 0; i < job->args->logs.n && status == TS_OK; i++) {
        const char *hash = "", *between = i > 0 ? "; " : "";
        status = ts_run_info_hash(&hash, arena, job->args->logs.items[i], NULL, diags);
        info->file = ts_arena_printf(arena, "%s%s%s", info->file, between, ts_path_base(job->args->logs.items[i]));
        info->hash = ts_arena_printf(arena, "%s%s%s", info->hash, between, hash);
        status = status == TS_OK && !(info->file && info->hash) ? TS_ENOMEM : status;
    }
    return status;
}

/* The fits and points of a file that a tier takes, from the calibrated table. */
static enum ts_status fit_file(struct ts_model_measurement *m, struct ts_import *info, struct ts_arena *arena,
                               const struct job *job)
{
    const struct ts_table_fit *table = &job->fit.table;
    const struct ts_steps_model steps = {.kind = TS_STEPS_TABLE,
                                         .u.table = {.b_s_per_seq = table->b_s_per_seq,
                                                     .n_tok = table->tokens,
                                                     .seconds = table->seconds,
                                                     .n = table->n_knots,
                                                     .c_s_per_kv_tok = table->c_s_per_kv_tok,
                                                     .e_s_per_pair = table->e_s_per_pair}};
    const struct ts_step_grid within = {.most_tok = table->tokens[table->n_knots - 1],
                                        .most_seqs = table->tokens[table->n_knots - 1],
                                        .most_past_tok = 4096.0,
                                        .most_depth_tok = 8192.0};
    const enum ts_status status = ts_step_grid_fit(m, info, arena, &steps, &within);
    m->table = *table; /* itself, not what was fitted to it */
    m->table.error = job->fit.form_error;
    m->checked = false;
    for (size_t i = 0; i < TS_STEP_LINEAR_COEFS; i++) {
        info->coefs[i] = "calibrated";
    }
    return status;
}

static enum ts_status write_file(const struct job *job, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct ts_tier_model *tier = &job->scenario.model.tiers[job->tier];
    const struct ts_pool_model *pool = &tier->u.server.pools[0];
    struct ts_import info = {.format = "calibrate",
                             .program = job->log.program,
                             .method =
                                 "posterior of the step times that the scenario had, given the log's requests and "
                                 "the batches of their simulation",
                             .n_rows = job->log.n_rows,
                             .n_used = job->log.n,
                             .n_far = job->fit.n_far};
    memcpy(info.drops, job->log.drops, sizeof info.drops);
    info.n_drops = job->log.n_drops;
    struct ts_model_measurement m = {
        .kernel = "server", .cpu = pool->hardware, .n_threads = 1, .calibrated = &job->fit.calibrated};
    m.model = m.weights = info.model = model_name(arena, tier->model, &m.quant);
    info.hardware = pool->hardware;
    enum ts_status status = m.model ? describe_logs(&info, arena, job, diags) : TS_ENOMEM;
    if (status == TS_OK) {
        status = fit_file(&m, &info, arena, job);
    }
    if (status != TS_OK) {
        return status;
    }
    m.import = &info;
    struct ts_measurement measurement;
    const char *now = ts_run_info_now(arena);
    measurement =
        (struct ts_measurement){.created = now,
                                .tool_version = TS_VERSION,
                                .host = {.cpu = pool->hardware, .os = "", .isa = "", .compiler = "", .n_cpus = 1},
                                .kernel = "server",
                                .model = m.model,
                                .quant = m.quant,
                                .n_threads = 1,
                                .energy_source = "unavailable",
                                .baseline_name = "",
                                .engine = &m};
    return ts_measurement_write(&measurement, job->args->out, diags);
}

/* ---- whole ---- */

static enum ts_status calibrate(struct job *job, struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_progress_line line = {.quiet = job->args->quiet};
    enum ts_status status = find_tier(job, diags);
    if (status == TS_OK) {
        status = ts_log_read(&job->log, arena, job->args->logs.items, job->args->logs.n, diags);
    }
    if (status == TS_OK) {
        status = compare_models(job, arena, diags);
    }
    if (status == TS_OK) {
        const struct ts_log_fit_options how = {.scenario = &job->scenario,
                                               .tier = job->tier,
                                               .log = &job->log,
                                               .held_frac = job->held_frac,
                                               .progress = ts_progress_line_of(&line)};
        ts_interrupt_arm();
        status = ts_log_fit(&job->fit, &how, arena, diags);
        ts_progress_line_end(&line);
    }
    if (status == TS_OK) {
        status = write_file(job, arena, diags);
    }
    if (status == TS_OK) {
        warn(&job->fit, diags);
        status = print(job);
    }
    ts_log_deinit(&job->log);
    return status;
}

static enum ts_status read_share(double *out, const char *text, struct ts_diags *diags)
{
    struct ts_text why;
    ts_text_init(&why);
    enum ts_status status = TS_OK;
    if (!ts_units_parse(out, text, "1", &why)) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--hold-out: %s", why.data ? why.data : "no share");
    } else if (!(*out >= 0.0 && *out <= 0.9)) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL,
                         "--hold-out takes a share from 0 %% to 90 %%, not '%s'", text);
    }
    ts_text_deinit(&why);
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct calibrate_args *args = untyped;
    struct job *job = ts_arena_alloc(arena, sizeof *job);
    if (!job) {
        return TS_ENOMEM;
    }
    *job = (struct job){.args = args};
    enum ts_status status = read_share(&job->held_frac, args->hold_out, diags);
    if (status == TS_OK) {
        status = ts_load_scenario(&job->scenario, &args->scenario, NULL, diags);
    }
    if (status == TS_OK) {
        status = calibrate(job, arena, diags);
        ts_scenario_deinit(&job->scenario);
    }
    return status;
}

const struct ts_command ts_command_calibrate = {
    .name = "calibrate",
    .summary = "Fit a server's step times to its own log, with the scenario's as the prior; writes a measurement file",
    .examples = "  tiersim calibrate my-server.yaml vllm-bench.json -o measurement.json\n"
                "  tiersim calibrate hybrid.yaml --tier edge spend-log.csv\n"
                "  then in the scenario, below the tier:  measured: measurement.json\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
