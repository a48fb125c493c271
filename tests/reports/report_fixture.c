/* Hides how a result is built without a simulator. */
#include "report_fixture.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/dist.h"
#include "base/units.h"

enum { DEVICE, EDGE, CLOUD, NOWHERE };

static const char *const class_names[FIXTURE_CLASSES] = {"chat", "code"};

static const struct ts_assumption assumptions[] = {
    {"money.electricity", "0.27 USD/kWh", TS_ORIGIN_CATALOG, "regions.csv: Germany, 2026-01"},
    {"money.growth", "2 %/month", TS_ORIGIN_SCENARIO, "hybrid.yaml:14:11"},
    {"money.discount", "8 %/year", TS_ORIGIN_DEFAULT, "built in"},
    {"tiers.phone.model", "Llama-3.2-1B Q4_0", TS_ORIGIN_SCENARIO, "hybrid.yaml:20:12"},
    {"tiers.phone.eligible", "60 %", TS_ORIGIN_COMMAND, "--set tiers.phone.eligible=60%"},
    {"tiers.phone.steps", "table of 10 points", TS_ORIGIN_MEASURED,
     "measurement.json: AMD EPYC 9R14, 2 threads, avx512vnni"},
    {"tiers.edge.hardware", "2 x NVIDIA H100 SXM", TS_ORIGIN_SCENARIO, "hybrid.yaml:31:15"},
    {"tiers.edge.steps", "15.3 ms + 0.107 ms/seq", TS_ORIGIN_FITTED, "points.csv: 70B on 4xH100, 12 points, R2 0.994"},
    {"tiers.edge.kv_blocks", "4158 blocks", TS_ORIGIN_MODELLED, "memory x 0.95 - weights"},
    {"tiers.edge.power", "519 W", TS_ORIGIN_CATALOG, "hardware.csv: H100 SXM, 2025-11"},
    {"tiers.cloud.price", "2.5 / 10 USD/Mtok", TS_ORIGIN_CATALOG, "prices.csv: OpenAI/gpt-4o, 2026-01-15"},
};

static const struct ts_pool_model edge_pool = {
    .name = "edge",
    .hardware = "2 x NVIDIA H100 SXM",
    .weight = 1.0,
    .n_replicas = 1,
    .replica = {.steps = {.kind = TS_STEPS_LINEAR, .origin = TS_ORIGIN_FITTED, .source = "points.csv: 70B on 4xH100"}}};

static void build_tiers(struct ts_model *model)
{
    model->n_tiers = FIXTURE_TIERS;
    struct ts_tier_model *device = &model->tiers[DEVICE], *edge = &model->tiers[EDGE], *cloud = &model->tiers[CLOUD];
    *device = (struct ts_tier_model){
        .name = "phone", .kind = TS_TIER_DEVICE, .hardware = "users' phones", .model = "Llama-3.2-1B Q4_0"};
    *edge = (struct ts_tier_model){
        .name = "edge", .kind = TS_TIER_SERVER, .hardware = "2 x NVIDIA H100 SXM", .model = "Llama-3.1-70B FP8"};
    *cloud = (struct ts_tier_model){.name = "cloud", .kind = TS_TIER_API, .hardware = "OpenAI", .model = "gpt-4o"};
    device->link = edge->link = cloud->link = -1;
    device->replaces = edge->replaces = CLOUD;
    cloud->replaces = -1;
    device->u.device.steps = (struct ts_steps_model){
        .kind = TS_STEPS_TABLE, .origin = TS_ORIGIN_MEASURED, .source = "measurement.json of AMD EPYC, 2 threads"};
    edge->u.server = (struct ts_server_model){.pools = &edge_pool, .n_pools = 1};
}

static void build_model(struct ts_model *model)
{
    *model = (struct ts_model){.name = "hybrid",
                               .description = "Three tiers for a small firm",
                               .seed = 42,
                               .class_names = class_names,
                               .n_classes = FIXTURE_CLASSES,
                               .series_bin_s = 300.0};
    model->money = (struct ts_money_model){.region = "Germany",
                                           .electricity_usd_per_kwh = 0.25,
                                           .carbon_g_per_kwh = 400,
                                           .horizon_months = 36,
                                           .salary_usd_per_year = 120000};
    model->limits = (struct ts_limits_model){NAN, NAN, NAN, NAN, NAN, NAN};
    build_tiers(model);
    model->tiers[EDGE].owned =
        (struct ts_owned_model){.capex_usd = 1000, .life_months = 40, .maintenance_frac_per_year = 0.12};
    model->assumptions = assumptions;
    model->n_assumptions = sizeof assumptions / sizeof *assumptions;
}

static void set_input(struct report_fixture *fixture)
{
    fixture->info = (struct ts_run_info){.tool_version = "0.1.0",
                                         .scenario_path = "hybrid.yaml",
                                         .command = "tiersim run hybrid.yaml",
                                         .host = "Linux 6.1 x86_64, 2 CPUs",
                                         .created = "2026-01-31T12:00:00Z",
                                         .n_threads = 2,
                                         .wall_s = 0.25,
                                         .measurement_path = "measurement.json"};
    fixture->input = (struct ts_report_input){
        .model = &fixture->model, .result = &fixture->result, .econ = &fixture->econ, .info = &fixture->info};
}

struct ts_report *report_fixture_report(const struct report_fixture *fixture)
{
    struct ts_report *report = NULL;
    assert_int_equal(ts_report_create(&report, &fixture->input), TS_OK);
    return report;
}

void report_fixture_reckon(struct report_fixture *fixture)
{
    ts_econ_deinit(&fixture->econ);
    assert_int_equal(ts_econ_compute(&fixture->econ, &fixture->model, &fixture->result, NULL, NULL), TS_OK);
}

/* One request done, with round latencies. */
static void add_request(struct ts_cell *cell, int64_t ttft_ms, int64_t e2e_ms, uint32_t output_tok)
{
    const int64_t ms = 1000000;
    cell->arrived++;
    cell->done++;
    cell->slo_met += ttft_ms <= 1000;
    cell->prompt_tok += 1000;
    cell->output_tok += output_tok;
    cell->right += ttft_ms <= 500;
    ts_hist_add(&cell->latency_ns[TS_TTFT], ttft_ms * ms);
    ts_hist_add(&cell->latency_ns[TS_E2E], e2e_ms * ms);
    ts_hist_add(&cell->latency_ns[TS_WAIT], 0);
    if (output_tok > 1) {
        ts_hist_add(&cell->latency_ns[TS_TPOT], (e2e_ms - ttft_ms) * ms / (output_tok - 1));
        ts_hist_add_n(&cell->latency_ns[TS_ITL], (e2e_ms - ttft_ms) * ms / (output_tok - 1), output_tok - 1);
    }
}

void report_fixture_tiny(struct report_fixture *fixture)
{
    memset(fixture, 0, sizeof *fixture);
    build_model(&fixture->model);
    assert_int_equal(ts_result_init(&fixture->result, &fixture->model, 2), TS_OK);
    struct ts_result *result = &fixture->result;
    result->n_replications = 1;
    result->window_s = result->simulated_s = 3600.0;
    result->bin_s = 1800.0;
    result->n_events = 12;
    add_request(&result->tiers[DEVICE].cells[0], 500, 1500, 11);
    add_request(&result->tiers[EDGE].cells[0], 250, 2250, 101);
    add_request(&result->tiers[EDGE].cells[1], 2000, 2000, 1);
    result->tiers[EDGE].cells[1].displaced_usd = 0.5;
    result->tiers[EDGE].cells[1].barred_usd = 0.125;
    add_request(&result->tiers[CLOUD].cells[0], 750, 1750, 101);
    result->tiers[CLOUD].cells[0].api_usd = 0.25;
    result->tiers[NOWHERE].cells[1].arrived = result->tiers[NOWHERE].cells[1].rejected = 1;
    result->tiers[EDGE].idle_j = 3.6e6;
    result->tiers[EDGE].active_j = 1.8e6;
    result->tiers[EDGE].overhead_j = 1.8e6;
    result->tiers[EDGE].busy_frac = 0.5;
    result->tiers[EDGE].mean_batch = 1.5;
    result->tiers[EDGE].flop = 1e12;
    result->tiers[EDGE].peak_flop = result->tiers[EDGE].peak_bytes = 4e12;
    result->tiers[EDGE].bytes = 3e12;
    for (uint32_t bin = 0; bin < 2; bin++) {
        result->arrivals[bin] = 2 + bin;
        result->tiers[EDGE].power_w[bin] = 1000.0 * (bin + 1);
        result->tiers[EDGE].in_tier[bin] = 0.5;
        result->tiers[EDGE].busy[bin] = 0.25 * (bin + 1);
        result->tiers[EDGE].kv_used[bin] = 0.125 * (bin + 1);
    }
    set_input(fixture);
    report_fixture_reckon(fixture);
}

/* ---- a day ---- */

struct day_tier {
    uint32_t n;
    double ttft_s, ttft_p95_s, e2e_s, e2e_p95_s;
    double usd_per_call;
};

static void fill_latencies(struct ts_cell *cell, const struct day_tier *day, uint32_t n)
{
    struct ts_dist ttft = ts_dist_lognormal_median_p95(day->ttft_s, day->ttft_p95_s),
                   e2e = ts_dist_lognormal_median_p95(day->e2e_s, day->e2e_p95_s);
    for (uint32_t i = 0; i < n; i++) {
        double p = (i + 0.5) / n, ttft_s = ts_dist_quantile(&ttft, p), e2e_s = ts_dist_quantile(&e2e, p);
        ts_hist_add(&cell->latency_ns[TS_TTFT], ts_ns_from_s(ttft_s));
        ts_hist_add(&cell->latency_ns[TS_E2E], ts_ns_from_s(e2e_s));
        ts_hist_add(&cell->latency_ns[TS_TPOT], ts_ns_from_s((e2e_s - ttft_s) / 200.0));
        ts_hist_add_n(&cell->latency_ns[TS_ITL], ts_ns_from_s((e2e_s - ttft_s) / 200.0), 200);
        ts_hist_add(&cell->latency_ns[TS_WAIT], ts_ns_from_s(ttft_s / 4.0));
        cell->slo_met += ttft_s <= 2.0 && e2e_s <= 30.0;
    }
    cell->arrived = cell->done = n;
    cell->prompt_tok = 1100ULL * n;
    cell->output_tok = 210ULL * n;
    cell->right = 83ULL * n / 100;
}

static void fill_series(struct ts_result *result)
{
    for (uint32_t bin = 0; bin < result->n_bins; bin++) {
        double hour = (bin + 0.5) * result->bin_s / 3600.0,
               load = exp(-0.5 * pow((hour - 10.5) / 2.2, 2)) + 0.9 * exp(-0.5 * pow((hour - 15.5) / 2.4, 2));
        double wiggle = 1.0 + 0.12 * sin(1.7 * bin) * cos(0.31 * bin);
        result->arrivals[bin] = (uint64_t)(420.0 * load * wiggle);
        result->tiers[DEVICE].power_w[bin] = 260.0 * load * wiggle;
        result->tiers[EDGE].power_w[bin] = 620.0 + 1500.0 * fmin(load * wiggle, 1.0);
        result->tiers[DEVICE].in_tier[bin] = 9.0 * load;
        result->tiers[EDGE].in_tier[bin] = 22.0 * load;
        result->tiers[CLOUD].in_tier[bin] = 4.0 * load;
    }
}

void report_fixture_day(struct report_fixture *fixture)
{
    static const struct day_tier days[FIXTURE_TIERS] = {{17000, 0.18, 0.9, 5.0, 19.0, 0.0031},
                                                        {18500, 0.11, 0.62, 4.1, 14.0, 0.0061},
                                                        {5700, 0.71, 2.52, 3.4, 11.0, 0.0093}};
    memset(fixture, 0, sizeof *fixture);
    build_model(&fixture->model);
    struct ts_model *model = &fixture->model;
    model->name = "hybrid-enterprise";
    model->description = "A firm of 2,000 people: phones, one edge server and a cloud API";
    model->slo = (struct ts_slo_model){.ttft_s = 2.0, .tpot_s = 0.1, .e2e_s = 30.0, .attainment_frac = 0.95};
    model->limits = (struct ts_limits_model){0.9, 20000.0, 2.0, 12.0, NAN, NAN};
    model->money.growth_frac_per_month = 0.02;
    model->money.discount_frac_per_year = 0.08;
    model->money.api_price_decline_frac_per_year = 0.2;
    model->tiers[EDGE].owned = (struct ts_owned_model){.capex_usd = 38000,
                                                       .life_months = 30,
                                                       .maintenance_frac_per_year = 0.06,
                                                       .staff_fte = 0.05,
                                                       .resale_frac = 0.15,
                                                       .lead_time_months = 2,
                                                       .other_usd_per_month = 180};
    assert_int_equal(ts_result_init(&fixture->result, model, 288), TS_OK);
    struct ts_result *result = &fixture->result;
    result->n_replications = 1;
    result->window_s = result->simulated_s = 86400.0;
    result->bin_s = 300.0;
    result->n_events = 9183321;
    for (uint32_t tier = 0; tier < FIXTURE_TIERS; tier++) {
        for (uint32_t c = 0; c < FIXTURE_CLASSES; c++) {
            struct ts_cell *cell = &result->tiers[tier].cells[c];
            uint32_t n = c == 0 ? days[tier].n * 7 / 10 : days[tier].n * 3 / 10;
            fill_latencies(cell, &days[tier], n);
            *(tier == CLOUD ? &cell->api_usd : &cell->displaced_usd) = n * days[tier].usd_per_call;
            cell->barred_usd = tier == EDGE && c == 1 ? 0.4 * cell->displaced_usd : 0.0;
        }
    }
    result->tiers[NOWHERE].cells[0].arrived = result->tiers[NOWHERE].cells[0].rejected = 41;
    result->tiers[DEVICE].active_j = 7.9e6;
    result->tiers[DEVICE].busy_frac = 0.02;
    result->tiers[EDGE].idle_j = 3.4e7;
    result->tiers[EDGE].active_j = 3.1e7;
    result->tiers[EDGE].host_j = 2.8e7;
    result->tiers[EDGE].overhead_j = 2.5e7;
    result->tiers[EDGE].busy_frac = 0.41;
    result->tiers[EDGE].mean_batch = 7.3;
    result->tiers[EDGE].kv_mean_frac = 0.12;
    result->tiers[EDGE].kv_peak_frac = 0.63;
    fill_series(result);
    set_input(fixture);
    report_fixture_reckon(fixture);
}

void report_fixture_hostile(struct report_fixture *fixture)
{
    static const char *const names[FIXTURE_CLASSES] = {"<script>alert(1)</script>", "a,\"b\"\n'c'"};
    static const struct ts_assumption evil[] = {
        {"<b>key", "\"><img src=x onerror=alert(1)>", TS_ORIGIN_SCENARIO, "`id` & $(id)"}};
    report_fixture_tiny(fixture);
    fixture->model.class_names = names;
    fixture->model.name = "</title><script>alert(2)</script>";
    fixture->model.description = "`touch pwned` '; system('touch pwned') @x \\";
    fixture->model.tiers[DEVICE].name = "'; system('touch pwned'); '<script>`touch pwned`";
    fixture->model.tiers[EDGE].name = "a\nset output 'pwned'\n\"`touch pwned`\" @x $(touch pwned) \\";
    fixture->model.tiers[CLOUD].name = "</svg><script>alert(3)</script>&amp;{/:Bold b}_2";
    fixture->model.tiers[EDGE].hardware = "<img src=x>";
    fixture->model.assumptions = evil;
    fixture->model.n_assumptions = 1;
    fixture->info.command = "tiersim run '<script>'";
}

void report_fixture_draw(struct report_fixture *fixture)
{
    static const struct ts_doubt_input inputs[] = {{.key = "tiers.edge.owned.capex",
                                                    .unit = "USD",
                                                    .source = "a.yaml:3:4",
                                                    .p10 = 9e3,
                                                    .p50 = 12e3,
                                                    .p90 = 16e3,
                                                    .is_written = true,
                                                    .is_money = true,
                                                    .at_p10 = {[TS_DOUBT_NPV] = 900.0},
                                                    .at_p90 = {[TS_DOUBT_NPV] = 700.0},
                                                    .first = {[TS_DOUBT_NPV] = 0.2},
                                                    .total = {[TS_DOUBT_NPV] = 0.25}},
                                                   {.key = "money.growth",
                                                    .unit = "1/month",
                                                    .source = "a <judgement>",
                                                    .p10 = 0.0,
                                                    .p50 = 0.01,
                                                    .p90 = 0.02,
                                                    .is_money = true,
                                                    .at_p10 = {[TS_DOUBT_NPV] = 400.0},
                                                    .at_p90 = {[TS_DOUBT_NPV] = 1300.0},
                                                    .first = {[TS_DOUBT_NPV] = 0.75},
                                                    .total = {[TS_DOUBT_NPV] = 0.8}}};
    static const struct ts_doubt_promise promises[] = {{"payback", "pays back within 12 months", 0.25, 0.26},
                                                       {"payback", "pays back within 24 months", 0.75, 0.75},
                                                       {"slo.attainment", "keeps its SLO", 0.991, 0.99}};
    static struct ts_interval ahead[601];
    static struct ts_uncertainty drawn;
    for (uint32_t m = 0; m <= fixture->econ.n_months; m++) {
        ahead[m] = (struct ts_interval){-500.0 + 10.0 * m, -500.0 + 20.0 * m, -500.0 + 40.0 * m};
    }
    drawn = (struct ts_uncertainty){.inputs = inputs,
                                    .n_inputs = 2,
                                    .n_written = 1,
                                    .promises = promises,
                                    .n_promises = 3,
                                    .ahead_usd = ahead,
                                    .n_months = fixture->econ.n_months,
                                    .n_draws = 10000,
                                    .n_simulated = 40,
                                    .n_checked = 12,
                                    .cost_error_frac = 0.002,
                                    .ttft_error_frac = 0.04,
                                    .capacity_error_frac = (double)NAN};
    for (int k = 0; k < TS_N_DOUBTS; k++) {
        drawn.figures[k] = drawn.half[k] = (struct ts_interval){11913.0, 13000.0, 15310.0};
    }
    drawn.figures[TS_DOUBT_PAYBACK] = (struct ts_interval){7.2345, 21.0, INFINITY};
    drawn.figures[TS_DOUBT_TTFT] = (struct ts_interval){0.412, 0.6, 1.537};
    drawn.figures[TS_DOUBT_ATTAINMENT] = (struct ts_interval){0.9712, 0.99, 0.99};
    fixture->input.uncertainty = &drawn;
}

void report_fixture_deinit(struct report_fixture *fixture)
{
    ts_econ_deinit(&fixture->econ);
    ts_result_deinit(&fixture->result);
}
