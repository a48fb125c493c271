/* The ledger is one: for random owners, prices, taxes and growth the rows of plan.csv, those of bill_focus.csv, the
 * cumulative curve, the cash table and the figures of the report come to the same, to the cent. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/csv.h"
#include "base/rng.h"
#include "econ/finance.h"
#include "report_fixture.h"
#include "reports/report_parts.h"

enum { N_SCENARIOS = 500, MAX_TEXT = 64 };

static const double cent = 0.005;

static double between(struct ts_rng *rng, double low, double high)
{
    return low + (high - low) * ts_rng_uniform(rng);
}

static bool one_in(struct ts_rng *rng, uint32_t n)
{
    return ts_rng_u32(rng) % n == 0;
}

static void draw_owned(struct ts_owned_model *owned, struct ts_rng *rng)
{
    *owned = (struct ts_owned_model){.capex_usd = one_in(rng, 4) ? 0.0 : between(rng, 100, 1e6),
                                     .buy_month = one_in(rng, 2) ? 0 : ts_rng_u32(rng) % 40,
                                     .life_months = one_in(rng, 3) ? 0.0 : between(rng, 1, 80),
                                     .lead_time_months = one_in(rng, 2) ? 0.0 : between(rng, 0, 9),
                                     .maintenance_frac_per_year = between(rng, 0, 0.2),
                                     .staff_fte = between(rng, 0, 2),
                                     .replicas_per_staff = ts_rng_u32(rng) % 3,
                                     .resale_frac = between(rng, 0, 1),
                                     .colocation_usd_per_month = between(rng, 0, 1000),
                                     .licences_usd_per_month = between(rng, 0, 1000),
                                     .other_usd_per_month = between(rng, 0, 1000),
                                     .rent_usd_per_h = one_in(rng, 3) ? between(rng, 0, 10) : 0.0,
                                     .rent_is_reserved = one_in(rng, 2),
                                     .rent_instead_usd_per_h = between(rng, 0, 200),
                                     .when_full = (enum ts_when_full)(ts_rng_u32(rng) % 3),
                                     .rated_w = between(rng, 0, 9000)};
}

static void draw(struct report_fixture *fixture, struct ts_rng *rng)
{
    struct ts_money_model *money = &fixture->model.money;
    report_fixture_tiny(fixture);
    draw_owned(&fixture->model.tiers[0].owned, rng);
    draw_owned(&fixture->model.tiers[1].owned, rng);
    money->horizon_months = 1 + ts_rng_u32(rng) % 60;
    money->start_month = 2026 * 12 + ts_rng_u32(rng) % 24;
    money->discount_frac_per_year = between(rng, 0, 0.3);
    money->growth_frac_per_month = between(rng, -0.05, 0.1);
    money->api_price_decline_frac_per_year = between(rng, 0, 0.8);
    money->hardware_price_decline_frac_per_year = between(rng, 0, 0.5);
    money->tax_frac = one_in(rng, 2) ? between(rng, 0, 0.4) : 0.0;
    money->depreciation = one_in(rng, 2) ? TS_DEPRECIATION_MACRS_5 : TS_DEPRECIATION_STRAIGHT_LINE;
    fixture->model.site_cap_w = one_in(rng, 2) ? between(rng, 0, 50000) : 0.0;
    fixture->result.tiers[1].mean_up = between(rng, 0, 1);
    fixture->result.tiers[1].cells[1].displaced_usd = between(rng, 0, 5);
    fixture->result.tiers[1].cells[1].barred_usd = 0.3 * fixture->result.tiers[1].cells[1].displaced_usd;
    fixture->result.tiers[1].busy_frac = between(rng, 0, 1.2);
    report_fixture_reckon(fixture);
}

/* Sums of the columns of a CSV by name. */
struct columns {
    char names[MAX_TEXT][MAX_TEXT];
    double sums[MAX_TEXT], last[MAX_TEXT];
    size_t n, n_rows;
};

static void add_up(struct columns *out, const char *name, const struct ts_text *text)
{
    struct ts_csv_reader *reader = NULL;
    const struct ts_csv_row *row = NULL;
    *out = (struct columns){.n = 0};
    assert_false(text->failed);
    assert_int_equal(ts_csv_open_text(&reader, name, text->data, text->len, false, NULL), TS_OK);
    while (ts_csv_next(reader, &row, NULL) == TS_OK && row) {
        for (size_t i = 0; i < row->n_fields; i++) {
            assert_true(i < MAX_TEXT);
            if (out->n_rows == 0) {
                snprintf(out->names[i], MAX_TEXT, "%s", row->fields[i].data);
                out->n = row->n_fields;
            } else {
                out->last[i] = strtod(row->fields[i].data, NULL);
                out->sums[i] += out->last[i];
            }
        }
        assert_int_equal(row->n_fields, out->n);
        out->n_rows++;
    }
    ts_csv_close(reader);
}

static size_t column(const struct columns *columns, const char *name)
{
    for (size_t i = 0; i < columns->n; i++) {
        if (strcmp(columns->names[i], name) == 0) {
            return i;
        }
    }
    fail_msg("there is no column '%s'", name);
    return 0;
}

static double sum_of(const struct columns *columns, const char *name)
{
    return columns->sums[column(columns, name)];
}

static void to_the_cent(double got, double want, const char *what)
{
    if (!(fabs(got - want) <= cent * fmax(1.0, 1e-9 * fabs(want)))) {
        fail_msg("%s: got %.10g, want %.10g", what, got, want);
    }
}

static void check_plan(const struct report_fixture *fixture, const struct ts_report *report, const struct columns *plan)
{
    const struct ts_econ *econ = &fixture->econ;
    const uint32_t n = econ->n_months;
    double kinds = 0.0;
    for (int kind = 0; kind < TS_N_COST_KINDS; kind++) {
        kinds += sum_of(plan, ts_cost_kind_name((enum ts_cost_kind)kind));
    }
    assert_int_equal(plan->n_rows, n + 2);
    to_the_cent(kinds, econ->plan_cumulative_usd[n], "kinds of cost");
    to_the_cent(sum_of(plan, "plan"), econ->plan_cumulative_usd[n], "plan");
    to_the_cent(sum_of(plan, "baseline"), econ->baseline_cumulative_usd[n], "baseline");
    to_the_cent(plan->last[column(plan, "plan_so_far")], econ->plan_cumulative_usd[n], "plan so far");
    to_the_cent(plan->last[column(plan, "net_so_far")], sum_of(plan, "net"), "net so far");
    to_the_cent(sum_of(plan, "present_value"), ts_report_value(report, TS_SUBJECT_ALL, "npv", "value"), "npv");
    to_the_cent(sum_of(plan, "residual"), ts_report_value(report, TS_SUBJECT_ALL, "residual", "value"), "residual");
    to_the_cent(sum_of(plan, "phone cost") + sum_of(plan, "edge cost") + sum_of(plan, "cloud cost") +
                    sum_of(plan, "nowhere cost"),
                econ->plan_cumulative_usd[n], "tiers");
    to_the_cent(report->cash[report->n_cash - 1].plan_so_far_usd, econ->plan_cumulative_usd[n], "cash table");
}

/* The payback is where the cumulative net first comes from below to zero. */
static void check_payback(const struct ts_econ *econ)
{
    if (!isfinite(econ->payback_months) || econ->payback_months <= 0.0) {
        return;
    }
    const uint32_t after = (uint32_t)ceil(econ->payback_months - 1e-9);
    for (uint32_t m = after > 0 ? after - 1 : 0; m <= after && m <= econ->n_months; m++) {
        const double net = econ->baseline_cumulative_usd[m] - econ->plan_cumulative_usd[m];
        assert_true(m < after ? net <= cent : net >= -cent);
    }
}

static void test_ledger__is_the_report_and_its_files(void **state)
{
    (void)state;
    struct ts_rng rng;
    ts_rng_init(&rng, 20261129, 0, 0, 0);
    for (int i = 0; i < N_SCENARIOS; i++) {
        struct report_fixture fixture;
        struct columns plan, focus;
        struct ts_text text;
        draw(&fixture, &rng);
        struct ts_report *report = report_fixture_report(&fixture);
        ts_text_init(&text);
        ts_report_plan_csv(&text, report);
        add_up(&plan, "plan.csv", &text);
        ts_text_clear(&text);
        ts_report_focus_csv(&text, report);
        add_up(&focus, "bill_focus.csv", &text);
        ts_text_deinit(&text);
        check_plan(&fixture, report, &plan);
        check_payback(&fixture.econ);
        to_the_cent(sum_of(&focus, "BilledCost"), fixture.econ.plan_cumulative_usd[fixture.econ.n_months], "FOCUS");
        to_the_cent(sum_of(&focus, "EffectiveCost"), sum_of(&focus, "BilledCost"), "FOCUS, effective");
        ts_report_destroy(report);
        report_fixture_deinit(&fixture);
    }
}

/* FOCUS 1.2: the columns that must be there, what they may hold, and periods that hold their charges. */
static void test_ledger__focus_rows_are_valid(void **state)
{
    (void)state;
    static const char *const must[] = {
        "BilledCost",         "BillingAccountId", "BillingAccountName", "BillingCurrency",   "BillingPeriodEnd",
        "BillingPeriodStart", "ChargeCategory",   "ChargeClass",        "ChargeDescription", "ChargePeriodEnd",
        "ChargePeriodStart",  "ContractedCost",   "EffectiveCost",      "InvoiceIssuerName", "ListCost",
        "PricingQuantity",    "PricingUnit",      "ProviderName",       "PublisherName",     "ServiceCategory",
        "ServiceName"};
    static const char *const categories[] = {"Usage", "Purchase", "Tax", "Credit", "Adjustment"};
    struct report_fixture fixture;
    struct columns focus;
    struct ts_text text;
    report_fixture_day(&fixture);
    fixture.model.money.start_month = 2026 * 12 + 10; /* November 2026 */
    fixture.model.money.tax_frac = 0.25;
    report_fixture_reckon(&fixture);
    struct ts_report *report = report_fixture_report(&fixture);
    ts_text_init(&text);
    ts_report_focus_csv(&text, report);
    add_up(&focus, "bill_focus.csv", &text);
    for (size_t i = 0; i < sizeof must / sizeof must[0]; i++) {
        (void)column(&focus, must[i]);
    }
    struct ts_csv_reader *reader = NULL;
    const struct ts_csv_row *row = NULL;
    size_t n = 0;
    assert_int_equal(ts_csv_open_text(&reader, "bill_focus.csv", text.data, text.len, false, NULL), TS_OK);
    while (ts_csv_next(reader, &row, NULL) == TS_OK && row) {
        const char *category = row->fields[column(&focus, "ChargeCategory")].data;
        const char *begin = row->fields[column(&focus, "ChargePeriodStart")].data;
        const char *end = row->fields[column(&focus, "ChargePeriodEnd")].data;
        bool known = n == 0;
        for (size_t i = 0; i < sizeof categories / sizeof categories[0]; i++) {
            known = known || strcmp(category, categories[i]) == 0;
        }
        assert_true(known);
        if (n == 1) {
            assert_string_equal(begin, "2026-11-01T00:00:00Z");
            assert_string_equal(end, "2026-12-01T00:00:00Z");
        }
        assert_true(n == 0 || strcmp(begin, end) < 0);
        assert_string_equal(row->fields[column(&focus, "BillingCurrency")].data, n == 0 ? "BillingCurrency" : "USD");
        n++;
    }
    ts_csv_close(reader);
    ts_text_deinit(&text);
    ts_report_destroy(report);
    report_fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_ledger__is_the_report_and_its_files),
                                       cmocka_unit_test(test_ledger__focus_rows_are_valid)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
