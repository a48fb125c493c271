/* Hides the words of an answer: the best design first, what binds it, what lost and why, what would change it. */
#include "app/plan_print.h"

#include <math.h>
#include <stdio.h>

#include "app/study_words.h"
#include "reports/table.h"

enum { WIDTH = 100, INDENT = 13 };

struct page {
    struct ts_text *out;
    const struct ts_plan *plan;
    const struct ts_plan_spec *spec;
    struct ts_arena arena;
};

/* "  best       14,220 USD/month: ...", broken at 100 columns. */
static void put_line(struct page *page, const char *label, const struct ts_text *line)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_printf(&text, "  %-11s%s", label, line->data);
    ts_text_wrap(page->out, text.data, WIDTH, INDENT);
    ts_text_puts(page->out, "\n");
    page->out->failed = page->out->failed || text.failed || line->failed;
    ts_text_deinit(&text);
}

static void put_usd(struct ts_text *out, double usd)
{
    ts_metric_format(out, usd, "USD/month");
}

static void put_settings(struct ts_text *out, struct page *page, uint32_t index)
{
    size_t n = 0;
    const char *const *sets = ts_plan_settings(&n, page->spec, index, &page->arena);
    for (size_t i = 0; sets && i < n; i++) {
        if (!ts_str_has_suffix(sets[i], "=null")) {
            ts_text_printf(out, "%s%s", i > 0 ? ", " : "", sets[i]);
        }
    }
    out->failed = out->failed || !sets;
}

static void put_margin(struct ts_text *out, const struct ts_plan_margin *margin)
{
    const struct ts_verdict verdict = {.label = margin->label,
                                       .unit = margin->unit,
                                       .wanted = margin->wanted,
                                       .got = margin->got,
                                       .at_least = margin->at_least};
    ts_text_printf(out, "%s: ", margin->key);
    ts_report_verdict_put(out, &verdict);
}

/* ---- the best ---- */

static void put_best(struct page *page)
{
    const struct ts_plan_design *best = &page->plan->designs[page->plan->best];
    struct ts_text line;
    ts_text_init(&line);
    put_usd(&line, best->usd_per_month);
    if (best->usd_half > 0.0) {
        ts_text_puts(&line, " +- ");
        ts_text_number(&line, best->usd_half, 2);
    }
    ts_text_puts(&line, ": ");
    put_settings(&line, page, best->index);
    put_line(page, "best", &line);
    ts_text_clear(&line);
    ts_text_puts(&line, "the cheapest that keeps everything with a probability of ");
    if (best->probability > 0.99) {
        ts_text_puts(&line, "over 99 %");
    } else {
        ts_text_printf(&line, "%.0f %%", 100.0 * best->probability);
    }
    ts_text_printf(&line, " (%u run%s on common random numbers)", best->n_runs, best->n_runs == 1 ? "" : "s");
    put_line(page, "", &line);
    ts_text_deinit(&line);
}

static void put_base(struct page *page)
{
    const struct ts_plan *plan = page->plan;
    if (isnan(plan->base_usd_per_month)) {
        return;
    }
    struct ts_text line;
    ts_text_init(&line);
    put_usd(&line, plan->base_usd_per_month);
    ts_text_puts(&line, plan->base_keeps ? "; keeps the SLO and all limits" : "; MISSES the SLO or a limit");
    const struct ts_plan_design *best = plan->best == UINT32_MAX ? NULL : &plan->designs[plan->best];
    const double half = best && best->usd_half > 0.0 ? best->usd_half : 0.0;
    const bool cheaper = best && plan->base_keeps && plan->base_usd_per_month < best->usd_per_month - half;
    ts_text_puts(&line, cheaper ? ", and is CHEAPER than every design of these" : "");
    put_line(page, "as it is", &line);
    ts_text_deinit(&line);
}

static void put_kept(struct page *page)
{
    const struct ts_plan_design *best = &page->plan->designs[page->plan->best];
    for (uint32_t m = 0; m < best->n_margins; m++) {
        struct ts_text line;
        ts_text_init(&line);
        put_margin(&line, &best->margins[m]);
        put_line(page, m == 0 ? "keeps" : "", &line);
        ts_text_deinit(&line);
    }
}

static const struct ts_plan_margin *missed_most(const struct ts_plan_design *design)
{
    const struct ts_plan_margin *least = NULL;
    for (uint32_t m = 0; m < design->n_margins; m++) {
        if (design->margins[m].margin < 0.0 && (!least || design->margins[m].margin < least->margin)) {
            least = &design->margins[m];
        }
    }
    return least;
}

/* What keeps the plan from being cheaper: the dearest design below the best, and what it misses. */
static void put_binding(struct page *page)
{
    const struct ts_plan *plan = page->plan;
    struct ts_text line;
    ts_text_init(&line);
    for (uint32_t i = plan->best; i-- > 0;) {
        const struct ts_plan_margin *missed = missed_most(&plan->designs[i]);
        if (missed) {
            put_margin(&line, missed);
            ts_text_puts(&line, ": ");
            put_settings(&line, page, plan->designs[i].index);
            ts_text_puts(&line, " would cost ");
            put_usd(&line, plan->designs[i].usd_per_month);
            break;
        }
    }
    if (line.len == 0) {
        ts_text_puts(&line, "nothing: no cheaper design that was run misses any limit");
    }
    put_line(page, "bound by", &line);
    ts_text_deinit(&line);
}

static void put_second(struct page *page)
{
    const struct ts_plan *plan = page->plan;
    if (plan->second == UINT32_MAX) {
        return;
    }
    const struct ts_plan_design *second = &plan->designs[plan->second];
    struct ts_text line;
    ts_text_init(&line);
    put_usd(&line, second->usd_per_month);
    ts_text_puts(&line, ", ");
    put_usd(&line, second->usd_per_month - plan->designs[plan->best].usd_per_month);
    ts_text_puts(&line, " more: ");
    put_settings(&line, page, second->index);
    put_line(page, "runner-up", &line);
    ts_text_deinit(&line);
}

static void put_relaxations(struct page *page)
{
    const struct ts_plan *plan = page->plan;
    const char *label = "relaxed";
    for (uint32_t i = 0; i < plan->n_relaxations; i++) {
        const struct ts_plan_relaxation *relaxation = &plan->relaxations[i];
        struct ts_text line;
        ts_text_init(&line);
        ts_text_printf(&line, "%s to %s ", relaxation->key, relaxation->wanted);
        if (relaxation->saving_usd_per_month > 0.0) {
            ts_text_puts(&line, "saves ");
            put_usd(&line, relaxation->saving_usd_per_month);
            ts_text_puts(&line, ": ");
            put_settings(&line, page, relaxation->index);
        } else {
            ts_text_puts(&line, "saves nothing");
        }
        put_line(page, label, &line);
        label = "";
        ts_text_deinit(&line);
    }
}

static void put_doubt(struct page *page, const struct ts_plan_doubt *doubt)
{
    struct ts_text line;
    if (!doubt->slowed) {
        return;
    }
    ts_text_init(&line);
    ts_text_printf(&line, "step times are fitted; were they as slow as 1 measurement in 20 (%s), ", doubt->slowed);
    if (doubt->keeps) {
        ts_text_puts(&line, "it would keep everything");
    } else {
        ts_text_puts(&line, "it would MISS ");
        put_margin(&line, &doubt->missed);
        ts_text_puts(&line, "; ");
        ts_text_puts(&line, doubt->sure != UINT32_MAX ? "the cheapest that keeps everything even so: "
                            : doubt->n_tried > 1      ? "so would the next ones: measure before buying"
                                                      : "measure before buying");
    }
    if (!doubt->keeps && doubt->sure != UINT32_MAX) {
        put_usd(&line, page->plan->designs[doubt->sure].usd_per_month);
        ts_text_puts(&line, ", ");
        put_settings(&line, page, page->plan->designs[doubt->sure].index);
    }
    put_line(page, "if slower", &line);
    ts_text_deinit(&line);
}

static void put_headroom(struct page *page, const struct ts_econ_capacity *capacity)
{
    const struct ts_model *model = &page->spec->base->scenario->model;
    const char *label = "head-room";
    for (uint32_t tier = 0; capacity->is_simulated && tier < model->n_tiers; tier++) {
        const double volume = capacity->volume[tier];
        if (isinf(volume)) {
            continue;
        }
        struct ts_text line;
        ts_text_init(&line);
        ts_text_printf(&line, "%s keeps the SLO up to ", model->tiers[tier].name);
        ts_text_number(&line, volume, 2);
        ts_text_puts(&line, " times today's volume at the peak of the week");
        if (capacity->is_reached[tier]) {
            ts_text_printf(&line, ", then %s", ts_report_bound_word(capacity->bound[tier]));
        } else {
            ts_text_puts(&line, ", the most that was tried");
        }
        put_line(page, label, &line);
        label = "";
        ts_text_deinit(&line);
    }
}

/* "one more replica of edge (2 x H100 SXM) at 1.4 times today's load, in month 17" */
static void put_next_steps(struct page *page, const struct ts_plan_headroom *headroom)
{
    const struct ts_model *model = &page->spec->base->scenario->model;
    const double growth = model->money.growth_frac_per_month;
    const char *label = "next step";
    for (uint32_t tier = 0; headroom->capacity.is_simulated && tier < model->n_tiers; tier++) {
        const double volume = headroom->capacity.volume[tier];
        if (isinf(volume) || !headroom->capacity.is_reached[tier]) {
            continue;
        }
        struct ts_text line;
        ts_text_init(&line);
        ts_text_printf(&line, "one more replica of %s (%s) ", model->tiers[tier].name, headroom->replica[tier]);
        if (volume <= 1.0) {
            ts_text_puts(&line, "so that the busiest hour keeps the SLO as well: over all hours it is kept without");
        } else {
            ts_text_puts(&line, "at ");
            ts_text_number(&line, volume, 2);
            ts_text_puts(&line, " times today's load");
            if (growth > 0.0) {
                ts_text_printf(&line, ", in month %.0f", floor(log(volume) / log1p(growth)));
            }
        }
        put_line(page, label, &line);
        label = "";
        ts_text_deinit(&line);
    }
}

static void put_command(struct page *page, const struct ts_scenario_args *args, uint32_t index)
{
    size_t n = 0;
    const char *const *sets = ts_plan_settings(&n, page->spec, index, &page->arena);
    ts_text_puts(page->out, "\ntiersim run ");
    ts_words_put_shell(page->out, args->path);
    const struct ts_trial_base *base = page->spec->base;
    for (size_t i = 0; i < base->options.n_sets; i++) {
        if (!ts_str_equal(base->options.sets[i], "replications=1")) {
            ts_text_puts(page->out, " --set ");
            ts_words_put_shell(page->out, base->options.sets[i]);
        }
    }
    for (size_t i = 0; sets && i < n; i++) {
        ts_text_puts(page->out, " --set ");
        ts_words_put_shell(page->out, sets[i]);
    }
    if (args->trace) {
        ts_text_puts(page->out, " --trace ");
        ts_words_put_shell(page->out, args->trace);
    }
    if (args->measurement) {
        ts_text_puts(page->out, " --measurement ");
        ts_words_put_shell(page->out, args->measurement);
    }
    ts_text_puts(page->out, "\n");
    page->out->failed = page->out->failed || !sets;
}

/* ---- none ---- */

static bool is_chosen(const struct ts_plan_spec *spec, const char *key)
{
    for (uint32_t i = 0; i < spec->n_axes; i++) {
        if (ts_str_equal(spec->axes[i].key, key)) {
            return true;
        }
    }
    return false;
}

/* Who gets which calls is the other thing that may be chosen. */
static void put_thresholds(struct page *page)
{
    const struct ts_model *model = &page->spec->base->scenario->model;
    const struct ts_router_model *router = &model->router;
    struct ts_text line;
    ts_text_init(&line);
    for (uint32_t i = 0; router->policy == TS_ROUTE_DIFFICULTY && i + 1 < router->n_order; i++) {
        char key[128];
        (void)snprintf(key, sizeof key, "routing.thresholds.%s", model->tiers[router->order[i]].name);
        if (!is_chosen(page->spec, key)) {
            ts_text_printf(&line, "%s%s (here ", line.len > 0 ? ", " : "", key);
            ts_text_number(&line, router->threshold[i], 3);
            ts_text_puts(&line, ")");
        }
    }
    if (line.len > 0) {
        ts_text_puts(&line, ": --set KEY=from:to:step");
        put_line(page, "not tried", &line);
    }
    ts_text_deinit(&line);
}

static void put_none(struct page *page)
{
    const struct ts_plan *plan = page->plan;
    struct ts_text line;
    ts_text_init(&line);
    ts_text_puts(&line, "no design keeps the SLO and all limits");
    put_line(page, "NONE", &line);
    put_base(page);
    if (plan->nearest != UINT32_MAX) {
        const struct ts_plan_design *nearest = &plan->designs[plan->nearest];
        const struct ts_plan_margin *missed = missed_most(nearest);
        ts_text_clear(&line);
        put_usd(&line, nearest->usd_per_month);
        ts_text_puts(&line, ": ");
        put_settings(&line, page, nearest->index);
        put_line(page, "nearest", &line);
        ts_text_clear(&line);
        if (missed) {
            put_margin(&line, missed);
            put_line(page, "misses", &line);
        }
    }
    const char *label = "remedy";
    for (uint32_t i = 0; i < plan->n_remedies; i++) {
        ts_text_clear(&line);
        ts_text_printf(&line, "%s at %s would be kept by it", plan->remedies[i].key, plan->remedies[i].wanted);
        put_line(page, label, &line);
        label = "";
    }
    if (plan->nearest != UINT32_MAX && plan->n_remedies == 0) {
        ts_text_clear(&line);
        ts_text_puts(&line, "no single bound helps, however wide: several are missed, or calls are lost");
        put_line(page, "remedy", &line);
    }
    ts_text_deinit(&line);
    put_thresholds(page);
}

/* ---- the search ---- */

static void put_fates(struct page *page)
{
    static const char *const words[TS_PLAN_N_FATES] = {
        [TS_PLAN_UNTRIED] = "after what was found",
        [TS_PLAN_IMPOSSIBLE] = "cannot be (do not fit their memory, for example)",
        [TS_PLAN_TOO_WEAK] = "miss the SLO in the hours that half of the calls come in",
        [TS_PLAN_TOO_DEAR] = "whose machines alone cost more than a design that keeps everything",
        [TS_PLAN_MISSES] = "run whole and missing the SLO or a limit",
        [TS_PLAN_KEEPS] = "run whole and keeping everything",
    };
    const struct ts_plan *plan = page->plan;
    uint32_t n[TS_PLAN_N_FATES] = {0};
    for (uint32_t i = 0; i < plan->n_designs; i++) {
        n[plan->fates[i]]++;
    }
    ts_text_puts(page->out, "\n");
    ts_text_number(page->out, plan->n_designs, 6);
    ts_text_puts(page->out, plan->n_designs == 1 ? " design:\n" : " designs:\n");
    for (int fate = TS_PLAN_N_FATES; fate-- > 0;) {
        if (n[fate] > 0) {
            ts_text_printf(page->out, "  %8u %s\n", n[fate], words[fate]);
        }
    }
    ts_text_printf(page->out, "simulated: %u short windows and %u whole runs, ", plan->n_windows, plan->n_runs);
    ts_metric_format(page->out, plan->requests / plan->grid_requests, "frac");
    ts_text_puts(page->out, " of the requests that one run of each design would take\n");
    if (plan->gave_up) {
        ts_text_puts(page->out, "the search ended at its number of runs: --runs allows more\n");
    }
}

enum ts_status ts_plan_print(struct ts_text *out, const struct ts_plan *plan, const struct ts_plan_spec *spec,
                             const struct ts_plan_headroom *headroom, const struct ts_scenario_args *args)
{
    struct page page = {.out = out, .plan = plan, .spec = spec};
    ts_arena_init(&page.arena);
    ts_text_printf(out, "%s\n\n", spec->base->scenario->model.name);
    if (plan->best == UINT32_MAX) {
        put_none(&page);
    } else {
        put_best(&page);
        put_base(&page);
        put_kept(&page);
        put_binding(&page);
        put_second(&page);
        put_relaxations(&page);
        put_doubt(&page, &headroom->doubt);
        put_headroom(&page, &headroom->capacity);
        put_next_steps(&page, headroom);
    }
    put_fates(&page);
    if (plan->best != UINT32_MAX) {
        put_command(&page, args, plan->designs[plan->best].index);
    }
    ts_arena_deinit(&page.arena);
    return out->failed ? TS_ENOMEM : TS_OK;
}

/* ---- CSV ---- */

static const struct ts_plan_design *run_of(const struct ts_plan *plan, uint32_t index)
{
    for (uint32_t i = 0; i < plan->n; i++) {
        if (plan->designs[i].index == index) {
            return &plan->designs[i];
        }
    }
    return NULL;
}

static void put_columns(struct ts_table *table, const struct ts_plan *plan)
{
    static const char *const headers[] = {"design",        "settings",    "fate", "why", "estimate_usd_per_month",
                                          "usd_per_month", "probability", "runs"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        ts_table_column(table, headers[i], i >= 4);
    }
    for (uint32_t m = 0; plan->n > 0 && m < plan->designs[0].n_margins; m++) {
        ts_table_column(table, plan->designs[0].margins[m].key, true);
    }
}

static void put_design(struct ts_table *table, struct page *page, uint32_t index)
{
    const struct ts_plan *plan = page->plan;
    const bool is_run = plan->fates[index] == TS_PLAN_KEEPS || plan->fates[index] == TS_PLAN_MISSES;
    const struct ts_plan_design *design = is_run ? run_of(plan, index) : NULL;
    struct ts_text settings;
    ts_text_init(&settings);
    put_settings(&settings, page, index);
    ts_table_row(table);
    ts_table_putf(table, "%u", index);
    ts_table_put(table, settings.data);
    ts_table_put(table, ts_plan_fate_names[plan->fates[index]]);
    ts_table_put(table, plan->why[index] ? plan->why[index] : "");
    ts_table_num(table, plan->estimates[index], 6);
    ts_table_num(table, design ? design->usd_per_month : NAN, 6);
    ts_table_num(table, design ? design->probability : NAN, 3);
    ts_table_putf(table, "%u", design ? design->n_runs : 0);
    for (uint32_t m = 0; design && m < design->n_margins; m++) {
        ts_table_num(table, design->margins[m].got, 6);
    }
    ts_text_deinit(&settings);
}

enum ts_status ts_plan_csv(struct ts_text *out, const struct ts_plan *plan, const struct ts_plan_spec *spec)
{
    struct page page = {.out = out, .plan = plan, .spec = spec};
    struct ts_table *table = ts_table_create(NULL);
    ts_arena_init(&page.arena);
    put_columns(table, plan);
    for (uint32_t i = 0; i < plan->n_designs; i++) {
        put_design(table, &page, i);
    }
    const enum ts_status status = table ? ts_table_render(table, TS_TABLE_CSV, out) : TS_ENOMEM;
    ts_table_destroy(table);
    ts_arena_deinit(&page.arena);
    return status;
}
