/* Hides the layout of the two files that a finance department takes over: plan.csv, a row a month, and bill_focus.csv,
 * the plan's ledger as rows of FOCUS 1.2 (FinOps Open Cost and Usage Specification), one for each month, tier and kind
 * of cost. Numbers are the shortest decimals that read back exactly, so that sums are those of the report. */
#include <math.h>
#include <string.h>

#include "base/csv.h"
#include "base/units.h"
#include "econ/finance.h"
#include "reports/report_parts.h"

/* ---- plan.csv ---- */

static double of_kind(const struct ts_econ *econ, uint32_t month, int kind)
{
    double usd = 0.0;
    for (uint32_t i = 0; i <= econ->n_tiers; i++) {
        usd += econ->ledger_usd[ts_econ_row(econ, month, i)][kind];
    }
    return usd;
}

static double of_tier(const struct ts_econ *econ, uint32_t month, uint32_t tier)
{
    double usd = 0.0;
    for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
        usd += econ->ledger_usd[ts_econ_row(econ, month, tier)][kind];
    }
    return usd;
}

static void put_plan_header(struct ts_text *out, const struct ts_model *model, bool has_quality)
{
    ts_csv_put(out, "month", true);
    ts_csv_put(out, "calls", false);
    ts_csv_put(out, "lost", false);
    for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
        ts_csv_put(out, ts_cost_kind_name((enum ts_cost_kind)kind), false);
    }
    ts_text_puts(out, ",plan,baseline,net,plan_so_far,baseline_so_far,net_so_far,residual,discount_factor,"
                      "present_value,currency");
    struct ts_text name;
    ts_text_init(&name);
    for (uint32_t i = 0; i <= model->n_tiers; i++) {
        static const char *const ends[] = {" cost", " baseline", " replicas"};
        for (size_t k = 0; k < sizeof ends / sizeof ends[0]; k++) {
            ts_text_clear(&name);
            ts_text_printf(&name, "%s%s", ts_metric_tier_name(model, i), ends[k]);
            ts_csv_put(out, name.data, false);
        }
    }
    out->failed = out->failed || name.failed;
    ts_text_deinit(&name);
    ts_text_puts(out, has_quality ? ",quality,quality_retained\n" : "\n");
}

void ts_report_plan_csv(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_econ *econ = report->input.econ;
    const struct ts_model *model = report->input.model;
    const double rate = ts_finance_monthly_rate(model->money.discount_frac_per_year);
    const struct ts_quality_months *quality = report->input.quality;
    put_plan_header(out, model, quality != NULL);
    for (uint32_t m = 0; m <= econ->n_months; m++) {
        const double residual_usd = m == econ->n_months ? econ->residual_usd : 0.0;
        const double factor = pow(1.0 + rate, -(double)m);
        ts_csv_put_number(out, m, true);
        ts_csv_put_number(out, econ->calls[m], false);
        ts_csv_put_number(out, econ->lost[m], false);
        for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
            ts_csv_put_number(out, of_kind(econ, m, kind), false);
        }
        const double numbers[] = {econ->plan_usd[m],
                                  econ->baseline_usd[m],
                                  econ->net_usd[m],
                                  econ->plan_cumulative_usd[m],
                                  econ->baseline_cumulative_usd[m],
                                  econ->baseline_cumulative_usd[m] - econ->plan_cumulative_usd[m],
                                  residual_usd,
                                  factor,
                                  (econ->net_usd[m] + residual_usd) * factor};
        for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
            ts_csv_put_number(out, numbers[i], false);
        }
        ts_csv_put(out, ts_model_currency(model), false);
        for (uint32_t i = 0; i <= econ->n_tiers; i++) {
            ts_csv_put_number(out, of_tier(econ, m, i), false);
            ts_csv_put_number(out, econ->ledger_baseline_usd[ts_econ_row(econ, m, i)], false);
            ts_csv_put_number(out, econ->units[ts_econ_row(econ, m, i)], false);
        }
        if (quality) {
            ts_csv_put_number(out, quality->right_frac[m], false);
            ts_csv_put_number(out, quality->retained_frac[m], false);
        }
        ts_text_puts(out, "\n");
    }
}

/* ---- bill_focus.csv ---- */

/* How the specification files what the plan pays for. */
static const struct {
    const char *category, *frequency, *service_category, *service;
} charges[TS_N_COST_KINDS] = {
    [TS_COST_CAPEX] = {"Purchase", "One-Time", "Compute", "Machines"},
    [TS_COST_ENERGY] = {"Usage", "Usage-Based", "Compute", "Electricity"},
    [TS_COST_MAINTENANCE] = {"Usage", "Recurring", "Compute", "Maintenance"},
    [TS_COST_STAFF] = {"Usage", "Recurring", "Management and Governance", "Staff"},
    [TS_COST_COLOCATION] = {"Usage", "Recurring", "Compute", "Colocation"},
    [TS_COST_LICENCES] = {"Usage", "Recurring", "AI and Machine Learning", "Licences"},
    [TS_COST_OTHER] = {"Usage", "Recurring", "Other", "Other"},
    [TS_COST_DOWNLOADS] = {"Usage", "Usage-Based", "Networking", "Downloads of models"},
    [TS_COST_RENT] = {"Usage", "Usage-Based", "Compute", "Rented machines"},
    [TS_COST_API] = {"Usage", "Usage-Based", "AI and Machine Learning", "API"},
    [TS_COST_TAX] = {"Tax", "Recurring", "Other", "Tax on profit"},
};

static const char focus_header[] =
    "BilledCost,BillingAccountId,BillingAccountName,BillingCurrency,BillingPeriodEnd,BillingPeriodStart,ChargeCategory,"
    "ChargeClass,ChargeDescription,ChargeFrequency,ChargePeriodEnd,ChargePeriodStart,ContractedCost,EffectiveCost,"
    "InvoiceIssuerName,ListCost,PricingQuantity,PricingUnit,ProviderName,PublisherName,ServiceCategory,ServiceName\n";

/* Who is paid: the API's provider, that of the API which takes the calls of a tier, or nobody outside. */
static void put_provider(struct ts_text *out, const struct ts_model *model, uint32_t tier, int kind)
{
    const uint32_t api =
        tier < model->n_tiers && model->tiers[tier].replaces >= 0 ? (uint32_t)model->tiers[tier].replaces : tier;
    if (kind == TS_COST_API && api < model->n_tiers && model->tiers[api].kind == TS_TIER_API) {
        const char *name = model->tiers[api].model; /* of its first offer */
        ts_text_append(out, name, strcspn(name, "/"));
    } else {
        ts_text_puts(out, kind == TS_COST_API ? "Router" : "Own operation");
    }
}

/* The first instant of a month after the plan's first. */
static void put_instant(struct ts_text *out, const struct ts_model *model, uint32_t months)
{
    const uint32_t month = model->money.start_month + months;
    ts_text_printf(out, "%04u-%02u-01T00:00:00Z", (unsigned)(month / 12), (unsigned)(month % 12 + 1));
}

struct focus_row {
    struct ts_text provider, begin, end, description;
};

static void put_focus_row(struct ts_text *out, const struct ts_model *model, const struct focus_row *row, int kind,
                          double usd)
{
    const bool is_tax = kind == TS_COST_TAX;
    const char *category = usd < 0.0 && !is_tax ? "Credit" : charges[kind].category;
    ts_csv_put_number(out, usd, true);
    ts_csv_put(out, model->name, false);
    ts_csv_put(out, model->name, false);
    ts_csv_put(out, ts_model_currency(model), false);
    ts_csv_put(out, row->end.data, false);
    ts_csv_put(out, row->begin.data, false);
    ts_csv_put(out, category, false);
    ts_csv_put(out, "", false); /* ChargeClass: no correction */
    ts_csv_put(out, row->description.data, false);
    ts_csv_put(out, charges[kind].frequency, false);
    ts_csv_put(out, row->end.data, false);
    ts_csv_put(out, row->begin.data, false);
    ts_csv_put_number(out, usd, false);
    ts_csv_put_number(out, usd, false);
    ts_csv_put(out, row->provider.data, false);
    ts_csv_put_number(out, usd, false);
    ts_csv_put(out, is_tax ? "" : "1", false);
    ts_csv_put(out, is_tax ? "" : kind == TS_COST_CAPEX ? "Purchases" : "Months", false);
    ts_csv_put(out, row->provider.data, false);
    ts_csv_put(out, row->provider.data, false);
    ts_csv_put(out, charges[kind].service_category, false);
    ts_csv_put(out, charges[kind].service, false);
    ts_text_puts(out, "\n");
}

static void put_focus_month(struct ts_text *out, const struct ts_report *report, struct focus_row *row, uint32_t m)
{
    const struct ts_model *model = report->input.model;
    const struct ts_econ *econ = report->input.econ;
    ts_text_clear(&row->begin);
    ts_text_clear(&row->end);
    put_instant(&row->begin, model, m > 0 ? m - 1 : 0);
    put_instant(&row->end, model, m > 0 ? m : 1);
    for (uint32_t i = 0; i <= econ->n_tiers; i++) {
        for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
            const double usd = econ->ledger_usd[ts_econ_row(econ, m, i)][kind];
            if (usd != 0.0) {
                ts_text_clear(&row->description);
                ts_text_clear(&row->provider);
                ts_text_printf(&row->description, "%s of tier %s, month %u", charges[kind].service,
                               ts_metric_tier_name(model, i), (unsigned)m);
                put_provider(&row->provider, model, i, kind);
                put_focus_row(out, model, row, kind, usd);
            }
        }
    }
}

void ts_report_focus_csv(struct ts_text *out, const struct ts_report *report)
{
    struct focus_row row;
    struct ts_text *const texts[] = {&row.provider, &row.begin, &row.end, &row.description};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        ts_text_init(texts[i]);
    }
    ts_text_puts(out, focus_header);
    for (uint32_t m = 0; m <= report->input.econ->n_months; m++) {
        put_focus_month(out, report, &row, m);
    }
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        out->failed = out->failed || texts[i]->failed;
        ts_text_deinit(texts[i]);
    }
}
