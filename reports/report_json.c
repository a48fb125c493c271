/* Hides the layout of run.json (what came out) and manifest.json (what went in). Keys carry their units: metric "ttft"
 * in "s" becomes "ttft_s", "cost" in "USD/month" becomes "cost_usd_per_month"; metrics with several statistics become
 * an object. NaN is null, an endless payback is "never". */
#include <ctype.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "econ/baselines.h"
#include "econ/use_curve.h"
#include "reports/report_parts.h"

enum { FORMAT_VERSION = 1 };

/* ---- run.json ---- */

static void put_key(struct ts_json_writer *writer, const struct ts_metric *metric, const struct ts_model *model)
{
    struct ts_text key;
    ts_text_init(&key);
    ts_metric_put_key(&key, metric, model);
    writer->out->failed = writer->out->failed || key.failed;
    ts_json_key(writer, key.data);
    ts_text_deinit(&key);
}

static void put_value(struct ts_json_writer *writer, double value, const char *unit)
{
    if (ts_metric_is_never(value, unit)) {
        ts_json_put_string(writer, "never");
    } else {
        ts_json_put_double(writer, value);
    }
}

static bool same_name(const struct ts_metric *a, const struct ts_metric *b)
{
    return strcmp(a->name, b->name) == 0;
}

/* All figures of a subject of one scope, inside an object that is open. */
static void put_scope(struct ts_json_writer *writer, const struct ts_report *report, uint32_t subject,
                      enum ts_metric_scope scope)
{
    const struct ts_figure_list *list = &report->list;
    const uint32_t first = list->first[subject], end = list->first[subject + 1];
    for (uint32_t k = first; k < end; k++) {
        const struct ts_metric *metric = list->metrics[k];
        if (metric->scope != scope) {
            continue;
        }
        bool continues = k > first && same_name(list->metrics[k - 1], metric);
        bool goes_on = k + 1 < end && same_name(metric, list->metrics[k + 1]);
        if (!continues) {
            put_key(writer, metric, list->model);
        }
        if (!continues && goes_on) {
            ts_json_begin_object(writer);
        }
        if (continues || goes_on) {
            ts_json_key(writer, metric->stat);
        }
        put_value(writer, report->values[k], metric->unit);
        if (continues && !goes_on) {
            ts_json_end_object(writer);
        }
    }
}

static void put_pool_begin(struct ts_json_writer *writer, const struct ts_tier_model *tier, uint32_t i)
{
    if (ts_tier_is_mixed(tier)) {
        const struct ts_device_kind *kind = &tier->u.device.kinds[i];
        ts_json_member_string(writer, "name", kind->name);
        ts_json_member_string(writer, "hardware", kind->hardware);
        ts_json_member_double(writer, "share_frac", kind->share_frac);
    } else {
        const struct ts_pool_model *pool = &tier->u.server.pools[i];
        ts_json_member_string(writer, "name", pool->name);
        ts_json_member_string(writer, "hardware", pool->hardware);
        ts_json_member_int(writer, "replicas", pool->n_replicas);
    }
}

static void put_pools(struct ts_json_writer *writer, const struct ts_report *report, uint32_t tier)
{
    const struct ts_model *model = report->input.model;
    const uint32_t first = ts_model_first_pool(model, tier);
    ts_json_key(writer, ts_tier_is_mixed(&model->tiers[tier]) ? "kinds" : "pools");
    ts_json_begin_array(writer);
    for (uint32_t i = 0; i < ts_tier_n_pools(&model->tiers[tier]); i++) {
        ts_json_begin_object(writer);
        put_pool_begin(writer, &model->tiers[tier], i);
        put_scope(writer, report, ts_figure_pool(&report->list, first + i), TS_METRIC_TIER);
        ts_json_end_object(writer);
    }
    ts_json_end_array(writer);
}

static void put_tier(struct ts_json_writer *writer, const struct ts_report *report, uint32_t tier)
{
    const struct ts_model *model = report->input.model;
    const uint32_t subject = ts_figure_tier(&report->list, tier);
    ts_json_begin_object(writer);
    ts_json_member_string(writer, "name", ts_metric_tier_name(model, tier));
    if (tier < model->n_tiers) {
        ts_json_member_string(writer, "kind", ts_tier_kind_name(model->tiers[tier].kind));
        ts_json_member_string(writer, "hardware", model->tiers[tier].hardware);
        ts_json_member_string(writer, "model", model->tiers[tier].model);
    }
    put_scope(writer, report, subject, TS_METRIC_REQUESTS);
    ts_report_outcomes_json(writer, report, tier, TS_ALL_CLASSES);
    put_scope(writer, report, subject, TS_METRIC_TIER);
    put_scope(writer, report, subject, TS_METRIC_MONEY);
    put_scope(writer, report, subject, TS_METRIC_CALLS);
    put_scope(writer, report, subject, TS_METRIC_CLASSES);
    if (tier < model->n_tiers && ts_tier_lists_pools(&model->tiers[tier])) {
        put_pools(writer, report, tier);
    }
    ts_json_end_object(writer);
}

/* "plan_usd_by_month" */
static void put_months(struct ts_json_writer *writer, const struct ts_report *report, const char *name,
                       const double *values, size_t n)
{
    struct ts_text key;
    ts_text_init(&key);
    ts_text_printf(&key, "%s_", name);
    for (const char *at = ts_model_currency(report->input.model); *at; at++) {
        ts_text_printf(&key, "%c", tolower((unsigned char)*at));
    }
    ts_text_puts(&key, "_by_month");
    writer->out->failed = writer->out->failed || key.failed;
    ts_json_member_doubles(writer, key.data, values, n);
    ts_text_deinit(&key);
}

/* Months at other volumes than today's, as simulated. */
static void put_growth(struct ts_json_writer *writer, const struct ts_use_curve *curve, uint32_t n_tiers)
{
    double lost_frac[TS_USE_CURVE_MOST];
    for (uint32_t v = 0; v < curve->n; v++) {
        double calls = 0.0, lost = 0.0;
        for (uint32_t i = 0; i <= n_tiers; i++) {
            calls += curve->use[v].tiers[i].calls;
            lost += curve->use[v].tiers[i].lost;
        }
        lost_frac[v] = calls > 0.0 ? lost / calls : 0.0;
    }
    ts_json_key(writer, "growth");
    ts_json_begin_object(writer);
    ts_json_member_doubles(writer, "volume", curve->volume, curve->n);
    ts_json_member_doubles(writer, "usd_per_month", curve->usd, curve->n);
    ts_json_member_doubles(writer, "kwh_per_month", curve->kwh, curve->n);
    ts_json_member_doubles(writer, "lost_frac", lost_frac, curve->n);
    ts_json_key(writer, "cost_error_frac");
    put_value(writer, curve->cost_error_frac, "frac");
    ts_json_key(writer, "energy_error_frac");
    put_value(writer, curve->energy_error_frac, "frac");
    ts_json_end_object(writer);
}

static void put_plan(struct ts_json_writer *writer, const struct ts_report *report)
{
    const struct ts_econ *econ = report->input.econ;
    size_t n = (size_t)econ->n_months + 1;
    ts_json_key(writer, "plan");
    ts_json_begin_object(writer);
    put_scope(writer, report, TS_SUBJECT_ALL, TS_METRIC_PLAN);
    ts_json_member_string(writer, "currency", ts_model_currency(report->input.model));
    ts_json_member_bool(writer, "unpays", econ->unpays);
    put_months(writer, report, "plan", econ->plan_usd, n);
    put_months(writer, report, "baseline", econ->baseline_usd, n);
    put_months(writer, report, "net", econ->net_usd, n);
    const struct ts_quality_months *quality = report->input.quality;
    if (quality) {
        ts_json_member_doubles(writer, "quality_frac_by_month", quality->right_frac, n);
        ts_json_member_doubles(writer, "quality_retained_frac_by_month", quality->retained_frac, n);
    }
    if (econ->capacity.curve) {
        put_growth(writer, econ->capacity.curve, econ->n_tiers);
    }
    ts_json_end_object(writer);
}

static void put_baselines(struct ts_json_writer *writer, const struct ts_report *report)
{
    ts_json_key(writer, "baselines");
    ts_json_begin_array(writer);
    for (int i = 0; ts_report_has_baselines(report) && i < TS_N_BASELINES; i++) {
        const struct ts_baseline *row = &report->input.baselines[i];
        if (row->is_there) {
            ts_json_begin_object(writer);
            ts_json_member_string(writer, "name", ts_report_baseline_key((enum ts_baseline_kind)i));
            ts_json_member_bool(writer, "permitted", row->is_permitted);
            ts_json_key(writer, "usd_per_month");
            put_value(writer, row->usd_per_month, "USD/month");
            ts_json_key(writer, "plan_payback_months");
            put_value(writer, row->payback_months, "months");
            ts_json_key(writer, "plan_npv_usd");
            put_value(writer, row->npv_usd, "USD");
            ts_json_key(writer, "slo_frac");
            put_value(writer, row->service.slo_frac, "frac");
            ts_json_key(writer, "ttft_p95_s");
            put_value(writer, row->service.ttft_p95_s, "s");
            ts_json_key(writer, "right_frac");
            put_value(writer, row->service.right_frac, "frac");
            ts_json_end_object(writer);
        }
    }
    ts_json_end_array(writer);
}

static void put_verdicts(struct ts_json_writer *writer, const struct ts_report *report)
{
    ts_json_key(writer, "verdicts");
    ts_json_begin_array(writer);
    for (size_t i = 0; i < report->n_verdicts; i++) {
        const struct ts_verdict *verdict = &report->verdicts[i];
        ts_json_begin_object(writer);
        ts_json_member_string(writer, "key", verdict->key);
        ts_json_member_string(writer, "unit", verdict->unit);
        ts_json_member_string(writer, "bound", verdict->at_least ? "at least" : "at most");
        ts_json_key(writer, "wanted");
        put_value(writer, verdict->wanted, verdict->unit);
        ts_json_key(writer, "got");
        put_value(writer, verdict->got, verdict->unit);
        ts_json_member_bool(writer, "met", verdict->met);
        ts_json_end_object(writer);
    }
    ts_json_end_array(writer);
}

/* Every figure of the whole plan with its interval, and how likely promises are kept. */
static void put_uncertainty(struct ts_json_writer *writer, const struct ts_report *report)
{
    const struct ts_uncertainty *uncertainty = report->input.uncertainty;
    if (!uncertainty) {
        return;
    }
    ts_json_key(writer, "uncertainty");
    ts_json_begin_object(writer);
    ts_json_member_int(writer, "draws", uncertainty->n_draws);
    ts_json_key(writer, "figures");
    ts_json_begin_object(writer);
    for (int k = 0; k < TS_N_DOUBTS; k++) {
        const struct ts_metric *metric = ts_metric_find(ts_doubts[k].name, ts_doubts[k].stat);
        const struct ts_interval *interval = &uncertainty->figures[k];
        put_key(writer, metric, report->input.model);
        ts_json_begin_object(writer);
        ts_json_key(writer, "value");
        put_value(writer, ts_report_value(report, TS_SUBJECT_ALL, metric->name, metric->stat), metric->unit);
        ts_json_key(writer, "p10");
        put_value(writer, interval->p10, metric->unit);
        ts_json_key(writer, "p50");
        put_value(writer, interval->p50, metric->unit);
        ts_json_key(writer, "p90");
        put_value(writer, interval->p90, metric->unit);
        ts_json_end_object(writer);
    }
    ts_json_end_object(writer);
    ts_json_key(writer, "promises");
    ts_json_begin_array(writer);
    for (uint32_t i = 0; i < uncertainty->n_promises; i++) {
        ts_json_begin_object(writer);
        ts_json_member_string(writer, "key", uncertainty->promises[i].key);
        ts_json_member_string(writer, "label", uncertainty->promises[i].label);
        ts_json_key(writer, "probability");
        put_value(writer, uncertainty->promises[i].probability, "frac");
        ts_json_end_object(writer);
    }
    ts_json_end_array(writer);
    ts_json_end_object(writer);
}

static void put_tiers_and_classes(struct ts_json_writer *writer, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    ts_json_key(writer, "all");
    put_tier(writer, report, ts_all_tiers(model));
    ts_json_key(writer, "tiers");
    ts_json_begin_array(writer);
    for (uint32_t i = 0; i <= model->n_tiers; i++) {
        put_tier(writer, report, i);
    }
    ts_json_end_array(writer);
    ts_json_key(writer, "classes");
    ts_json_begin_array(writer);
    for (uint32_t i = 0; i < model->n_classes; i++) {
        ts_json_begin_object(writer);
        ts_json_member_string(writer, "name", model->class_names[i]);
        put_scope(writer, report, ts_figure_class(&report->list, i), TS_METRIC_REQUESTS);
        ts_report_outcomes_json(writer, report, ts_all_tiers(model), i);
        put_scope(writer, report, ts_figure_class(&report->list, i), TS_METRIC_CALLS);
        put_scope(writer, report, ts_figure_class(&report->list, i), TS_METRIC_CLASSES);
        ts_json_end_object(writer);
    }
    ts_json_end_array(writer);
}

static void put_seed(struct ts_json_writer *writer, uint64_t seed)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_printf(&text, "%llu", (unsigned long long)seed);
    writer->out->failed = writer->out->failed || text.failed;
    ts_json_member_string(writer, "seed", text.data); /* as a string: 64 bits do not fit into every reader's numbers */
    ts_text_deinit(&text);
}

enum ts_status ts_report_run_json(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    struct ts_json_writer writer;
    ts_json_writer_init(&writer, out);
    ts_json_begin_object(&writer);
    ts_json_member_int(&writer, "format_version", FORMAT_VERSION);
    ts_json_member_string(&writer, "scenario", model->name);
    ts_json_member_string(&writer, "description", model->description);
    put_seed(&writer, model->seed);
    put_scope(&writer, report, TS_SUBJECT_ALL, TS_METRIC_RUN);
    put_plan(&writer, report);
    put_baselines(&writer, report);
    put_verdicts(&writer, report);
    put_uncertainty(&writer, report);
    put_tiers_and_classes(&writer, report);
    ts_json_end_object(&writer);
    ts_text_puts(out, "\n");
    return out->failed ? TS_ENOMEM : TS_OK;
}

/* ---- manifest.json ---- */

static void put_assumptions(struct ts_json_writer *writer, const struct ts_model *model)
{
    ts_json_key(writer, "assumptions");
    ts_json_begin_array(writer);
    for (size_t i = 0; i < model->n_assumptions; i++) {
        const struct ts_assumption *assumption = &model->assumptions[i];
        ts_json_begin_object(writer);
        ts_json_member_string(writer, "key", assumption->key);
        ts_json_member_string(writer, "value", assumption->value);
        ts_json_member_string(writer, "origin", ts_origin_name(assumption->origin));
        ts_json_member_string(writer, "source", assumption->source);
        ts_json_end_object(writer);
    }
    ts_json_end_array(writer);
}

enum ts_status ts_report_manifest_json(struct ts_text *out, const struct ts_report *report,
                                       const struct ts_names *files)
{
    const struct ts_report_input *input = &report->input;
    const struct ts_run_info *info = input->info;
    struct ts_json_writer writer;
    ts_json_writer_init(&writer, out);
    ts_json_begin_object(&writer);
    ts_json_member_int(&writer, "format_version", FORMAT_VERSION);
    ts_json_member_string(&writer, "tool", "tiersim");
    ts_json_member_string(&writer, "tool_version", info->tool_version);
    ts_json_member_string(&writer, "command", info->command);
    ts_json_member_string(&writer, "created", info->created);
    ts_json_member_string(&writer, "host", info->host);
    ts_json_member_int(&writer, "threads", info->n_threads);
    ts_json_member_double(&writer, "simulation_wall_s", info->wall_s);
    ts_json_member_string(&writer, "scenario", input->model->name);
    ts_json_member_string(&writer, "scenario_path", info->scenario_path);
    put_seed(&writer, input->model->seed);
    ts_json_member_int(&writer, "replications", input->result->n_replications);
    ts_json_member_string(&writer, "trace_path", info->trace_path);
    ts_json_member_string(&writer, "trace_hash", info->trace_hash);
    ts_json_member_int(&writer, "trace_rows_dropped", (int64_t)info->n_dropped_rows);
    ts_json_member_string(&writer, "measurement_path", info->measurement_path);
    put_assumptions(&writer, input->model);
    ts_json_key(&writer, "files");
    ts_json_begin_array(&writer);
    for (size_t i = 0; i < files->n; i++) {
        ts_json_put_string(&writer, files->items[i]);
    }
    ts_json_end_array(&writer);
    ts_json_end_object(&writer);
    ts_text_puts(out, "\n");
    return out->failed ? TS_ENOMEM : TS_OK;
}
