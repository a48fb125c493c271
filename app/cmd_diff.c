/* tiersim diff A B: two scenarios, or two runs, beside each other. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/command.h"
#include "app/diff_print.h"
#include "app/interrupt.h"
#include "app/load_scenario.h"
#include "app/progress_line.h"
#include "app/study_words.h"
#include "base/file.h"
#include "base/run_info.h"

struct diff_args {
    const char *a, *b, *trace, *measurement, *explain, *goal, *format, *capacity;
    struct ts_option_texts sets, fail_if;
    uint32_t replications, threads;
    bool all, quiet;
};

static const struct diff_args defaults = {
    .explain = "each", .goal = "cost.total", .format = "text", .capacity = "off", .replications = 5};

static const struct ts_option options[] = {
    {TS_INTO(struct diff_args, a), "A", "a scenario file, or the folder of a run", .operand = TS_NEEDED},
    {TS_INTO(struct diff_args, b), "B", "a second scenario file or folder", .operand = TS_NEEDED},
    TS_OPTION_TRACE(struct diff_args, trace),
    TS_OPTION_SETS(struct diff_args, sets),
    {"measurement", 'm', TS_INTO(struct diff_args, measurement), "FILE",
     "the measurement for `hardware: this-machine` (default: what `tiersim bench` wrote)"},
    {"replications", 'r', TS_INTO(struct diff_args, replications), "N",
     "replications of both, with the same random numbers", .range = {1, 10000}},
    {"goal", 'g', TS_INTO(struct diff_args, goal), "FIGURE", "the figure to explain, e.g. cost.total"},
    {"explain", 0, TS_INTO(struct diff_args, explain), "HOW",
     "how much of it each input explains: each (one at a time), shapley (at most 8 inputs), off"},
    {"fail-if", 0, TS_INTO(struct diff_args, fail_if), "BOUND",
     "exit code 3 if B exceeds a bound, e.g. 'cost>+5%' or 'edge.ttft.p95>+0.5' (repeatable)"},
    {"all", 0, TS_INTO(struct diff_args, all), NULL, "all figures that differ, not only those that matter most"},
    {"capacity", 0, TS_INTO(struct diff_args, capacity), "EFFORT",
     "how to find the volume up to which servers keep the SLO: off (by busy share), quick or full"},
    {"format", 'f', TS_INTO(struct diff_args, format), "NAME", "text, md, json or html"},
    TS_OPTION_THREADS(struct diff_args, threads),
    TS_OPTION_QUIET(struct diff_args, quiet),
};

/* ---- bounds ---- */

struct bound {
    struct ts_study_goal figure;
    char relation; /* '>', '<' */
    double change; /* relative, or in the figure's unit */
    bool relative;
};

static enum ts_status read_bound(struct bound *out, const char *word, struct ts_arena *arena, struct ts_diags *diags)
{
    const size_t len = strcspn(word, "<>");
    const char *figure = ts_arena_strndup(arena, word, len), *number = word + len + (word[len] != '\0');
    size_t n = strlen(number);
    if (!figure) {
        return TS_ENOMEM;
    }
    out->relation = word[len];
    out->relative = n > 0 && number[n - 1] == '%';
    n -= out->relative;
    while (n > 0 && number[n - 1] == ' ') {
        n--;
    }
    const bool plus = n > 0 && number[0] == '+';
    if (word[len] == '\0' || !ts_parse_double(&out->change, number + plus, n - plus)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write for example 'cost>+5%' or 'attainment<-1%'",
                       "--fail-if %s: this is not a bound", word);
    }
    out->change = out->relative ? out->change / 100.0 : out->change;
    return ts_words_goal(&out->figure, figure, arena, diags);
}

/* Nothing is so far beyond as a figure that one of the two has not, or that was 0. */
static bool is_beyond(const struct bound *bound, const struct ts_diff_figure *figure)
{
    if (figure->change == 0.0) {
        return bound->relation == '>' ? 0.0 > bound->change : 0.0 < bound->change;
    }
    const double change = bound->relative ? figure->change / fabs(figure->a) : figure->change;
    return isnan(change) || (bound->relation == '>' ? change > bound->change : change < bound->change);
}

static enum ts_status check_bounds(const struct ts_diff *diff, const struct bound *bounds, const struct diff_args *args,
                                   struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < args->fail_if.n; i++) {
        const struct ts_diff_figure *figure = ts_diff_find(diff, &bounds[i].figure);
        if (!figure) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--fail-if %s: A and B have no such figure",
                           args->fail_if.items[i]);
        }
        if (is_beyond(&bounds[i], figure)) {
            struct ts_text change;
            ts_text_init(&change);
            ts_diff_put_change(&change, figure);
            status =
                ts_fail(diags, TS_ELIMIT, ts_span_none(), NULL, "%s: %s.%s.%s changes by %s", args->fail_if.items[i],
                        figure->subject, figure->metric->name, figure->metric->stat, change.data);
            ts_text_deinit(&change);
        }
    }
    return status;
}

/* ---- the two ---- */

static enum ts_status read_how(struct ts_diff_options *how, const struct diff_args *args, struct ts_arena *arena,
                               struct ts_diags *diags)
{
    how->explains = TS_N_DIFF_EXPLAINS;
    for (int i = 0; i < TS_N_DIFF_EXPLAINS; i++) {
        how->explains =
            ts_str_equal(args->explain, ts_diff_explains_names[i]) ? (enum ts_diff_explains)i : how->explains;
    }
    if (how->explains == TS_N_DIFF_EXPLAINS) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write each, shapley or off", "--explain: unknown word '%s'",
                       args->explain);
    }
    how->n_threads = args->threads ? args->threads : ts_run_info_cpus();
    const enum ts_status status = ts_words_effort(&how->effort, args->capacity, true, diags);
    return status == TS_OK ? ts_words_goal(&how->goal, args->goal, arena, diags) : status;
}

static enum ts_status diff_scenarios(struct ts_diff *out, const struct diff_args *args,
                                     const struct ts_diff_options *how, struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_scenario_args words = {
        .path = args->a, .trace = args->trace, .measurement = args->measurement, .sets = args->sets};
    struct ts_loaded_base *a = ts_arena_alloc(arena, sizeof *a), *b = ts_arena_alloc(arena, sizeof *b);
    char replications[64];
    (void)snprintf(replications, sizeof replications, "replications=%u", args->replications);
    if (!a || !b) {
        return TS_ENOMEM;
    }
    enum ts_status status = ts_load_base(a, &words, replications, diags);
    if (status != TS_OK) {
        return status;
    }
    words.path = args->b;
    status = ts_load_base(b, &words, replications, diags);
    if (status == TS_OK) {
        status = ts_diff_make(out, &a->base, &b->base, how, diags);
        ts_loaded_base_deinit(b);
    }
    ts_loaded_base_deinit(a);
    return status;
}

static enum ts_status diff(struct ts_diff *out, const struct diff_args *args, struct ts_diff_options *how,
                           struct ts_arena *arena, struct ts_diags *diags)
{
    const bool folder_a = ts_dir_exists(args->a), folder_b = ts_dir_exists(args->b);
    if (folder_a != folder_b) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "%s is the folder of a run, and %s is not",
                       folder_a ? args->a : args->b, folder_a ? args->b : args->a);
    }
    if (folder_a && (args->sets.n > 0 || args->trace || args->measurement)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "leave them out",
                       "--set, --trace and --measurement do nothing beside folders: nothing is run");
    }
    if (folder_a) {
        return ts_diff_folders(out, args->a, args->b, diags);
    }
    struct ts_progress_line line = {.quiet = args->quiet};
    how->progress = ts_progress_line_of(&line);
    ts_interrupt_arm();
    const enum ts_status status = diff_scenarios(out, args, how, arena, diags);
    ts_progress_line_end(&line);
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct diff_args *args = untyped;
    struct ts_diff_options how = {.n_threads = 1};
    struct bound *bounds = ts_arena_array(arena, args->fail_if.n + 1, sizeof *bounds);
    enum ts_table_format format = TS_TABLE_TEXT;
    enum ts_status status = bounds ? read_how(&how, args, arena, diags) : TS_ENOMEM;
    for (size_t i = 0; status == TS_OK && i < args->fail_if.n; i++) {
        status = read_bound(&bounds[i], args->fail_if.items[i], arena, diags);
    }
    if (status == TS_OK && (!ts_table_format_parse(&format, args->format) || format == TS_TABLE_CSV)) {
        status =
            ts_fail(diags, TS_EUSAGE, ts_span_none(), "text, md, json or html", "unknown format '%s'", args->format);
    }
    struct ts_diff made;
    if (status == TS_OK) {
        status = diff(&made, args, &how, arena, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    struct ts_text text;
    ts_text_init(&text);
    const struct ts_diff_print print = {args->a, args->b, &how.goal, format, args->all};
    status = ts_diff_render(&text, &made, &print);
    if (status == TS_OK) {
        fputs(text.data, stdout);
        status = check_bounds(&made, bounds, args, diags);
    }
    ts_text_deinit(&text);
    ts_diff_deinit(&made);
    return status;
}

const struct ts_command ts_command_diff = {
    .name = "diff",
    .summary = "Compare two scenarios or two runs: inputs, figures, and which input explains how much",
    .examples = "  tiersim diff old.yaml new.yaml\n"
                "  tiersim diff old.yaml new.yaml --explain shapley --goal ttft.p95 --replications 10\n"
                "  tiersim diff main.yaml branch.yaml --format md --fail-if 'cost>+5%' --fail-if 'attainment<-1%'\n"
                "  tiersim diff out/before out/after\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
