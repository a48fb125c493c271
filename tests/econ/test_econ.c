/* Monthly cash flows: hand-built windows whose months are known, so that every number can be worked out on paper. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "econ/baselines.h"
#include "tests/econ/falling_prices.h"

#define COUNT(a) (sizeof(a) / sizeof *(a))

enum { SERVER, API, N_TIERS };

/* One server that replaces one API; one class; a window of exactly a month, so that every factor is 1. */
struct world {
    struct ts_model model;
    struct ts_cell cells[N_TIERS + 1];
    struct ts_tier_result tiers[N_TIERS + 1];
    struct ts_result result;
    struct ts_econ econ;
    struct ts_diags diags;
};

static void world_init(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->model.n_tiers = N_TIERS;
    world->model.n_classes = 1;
    world->model.tiers[SERVER].kind = TS_TIER_SERVER;
    world->model.tiers[SERVER].replaces = API;
    world->model.tiers[API].kind = TS_TIER_API;
    world->model.tiers[API].replaces = -1;
    world->model.money.horizon_months = 24;
    for (size_t i = 0; i <= N_TIERS; i++) {
        world->tiers[i].cells = &world->cells[i];
    }
    world->cells[SERVER].arrived = world->cells[SERVER].done = 1000;
    world->result = (struct ts_result){
        .n_tiers = N_TIERS, .n_classes = 1, .n_replications = 1, .tiers = world->tiers, .window_s = 730.0 * 3600.0};
    ts_diags_init(&world->diags);
}

static const struct ts_econ *compute(struct world *world)
{
    ts_econ_deinit(&world->econ);
    assert_int_equal(ts_econ_compute(&world->econ, &world->model, &world->result, NULL, &world->diags), TS_OK);
    return &world->econ;
}

static void world_deinit(struct world *world)
{
    ts_econ_deinit(&world->econ);
    ts_diags_deinit(&world->diags);
}

static void close_to(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) {
        fail_msg("got %.12g, want %.12g", got, want);
    }
}

static void test_econ_payback__matches_the_falling_price_table(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.cells[SERVER].displaced_usd = 15000;
    world.model.money.horizon_months = 240;
    for (size_t i = 0; i < COUNT(falling_prices); i++) {
        const struct falling_price *row = &falling_prices[i];
        world.model.tiers[SERVER].owned =
            (struct ts_owned_model){.capex_usd = row->capex, .other_usd_per_month = row->opex};
        world.model.money.api_price_decline_frac_per_year = 1 - row->price;
        const struct ts_econ *econ = compute(&world);
        if (isinf(row->months)) {
            assert_true(econ->payback_months == INFINITY);
        } else {
            close_to(econ->payback_months, row->months, 1e-8);
        }
    }
    world_deinit(&world);
}

/* A server, 40,000 USD, whose calls cost 15,000 USD a month at the API, a third of it barred: each row by hand. */
static void test_econ__baselines_are_named(void **state)
{
    (void)state;
    struct world world;
    struct ts_baseline rows[TS_N_BASELINES];
    world_init(&world);
    world.model.tiers[SERVER].owned = (struct ts_owned_model){.capex_usd = 40000};
    world.model.tiers[SERVER].same_weights =
        (struct ts_same_weights){.offer = "Other/model", .input_usd_per_mtok = 1.0, .output_usd_per_mtok = 4.0};
    world.model.money.present_usd_per_month = 8000;
    world.model.money.api_price_decline_frac_per_year = 0.5;
    world.cells[SERVER] = (struct ts_cell){.arrived = 1000,
                                           .done = 800, /* the others would have cost as much */
                                           .displaced_usd = 15000,
                                           .barred_usd = 5000,
                                           .prompt_tok = 400000000,
                                           .output_tok = 100000000};
    world.cells[API] = (struct ts_cell){.arrived = 500, .done = 500, .api_usd = 700};
    const struct ts_econ *econ = compute(&world);
    assert_int_equal(ts_baselines_compute(rows, econ, &world.model, &world.result), TS_OK);
    close_to(rows[TS_BASELINE_PERMITTED].usd_per_month, 10700, 1e-9);
    close_to(rows[TS_BASELINE_PERMITTED].npv_usd, econ->npv_usd, 1e-6);
    close_to(rows[TS_BASELINE_PERMITTED].payback_months, econ->payback_months, 1e-9);
    assert_true(rows[TS_BASELINE_ALL].is_there && !rows[TS_BASELINE_ALL].is_permitted);
    close_to(rows[TS_BASELINE_ALL].usd_per_month, 15700, 1e-9);
    close_to(rows[TS_BASELINE_ALL].payback_months, econ->payback_all_api_months, 1e-9);
    /* (400 + 4 x 100) USD / .8 of the calls x 2/3 that may go, and the API's own bill */
    close_to(rows[TS_BASELINE_SAME_WEIGHTS].usd_per_month, 800.0 / 0.8 * 2.0 / 3.0 + 700.0, 1e-9);
    assert_true(rows[TS_BASELINE_SAME_WEIGHTS].payback_months == INFINITY);
    /* 8,000 a month that do not fall, less the API's 700 x .5^((m-1)/12) */
    double ahead = -40000.0, month = 0.0;
    for (int m = 1; ahead < 0.0; m++) {
        const double flow = 8000.0 - 700.0 * pow(0.5, (m - 1) / 12.0);
        month = ahead + flow < 0.0 ? m : m - 1 - ahead / flow;
        ahead += flow;
    }
    close_to(rows[TS_BASELINE_PRESENT].payback_months, month, 1e-9);
    close_to(rows[TS_BASELINE_NOTHING].usd_per_month, 0, 0);
    assert_true(rows[TS_BASELINE_NOTHING].npv_usd < -40000.0);
    world_deinit(&world);
}

/* 1,000 USD a month of units, in the plan and in the baseline, neither grow nor fall. */
static void test_econ__provisioned_units_cost_the_same_in_every_month(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.money.growth_frac_per_month = 0.10;
    world.model.money.api_price_decline_frac_per_year = 0.5;
    world.cells[API] = (struct ts_cell){.arrived = 500, .done = 500, .api_usd = 700};
    world.model.tiers[API].u.api.n_offers = 2;
    world.model.tiers[API].u.api.offers[0].provisioned = (struct ts_provisioned){.units = 10, .usd_per_month = 1000};
    const struct ts_econ *econ = compute(&world);
    close_to(econ->total_usd_per_month, 1700, 1e-9);
    close_to(econ->baseline_usd_per_month, 1700, 1e-9);
    for (uint32_t m = 1; m <= econ->n_months; m++) {
        const double by_token = 700 * pow(1.1, m - 1.0) * pow(0.5, (m - 1.0) / 12.0);
        close_to(econ->plan_usd[m], 1000 + by_token, 1e-6);
        close_to(econ->baseline_usd[m], 1000 + by_token, 1e-6);
    }
    world_deinit(&world);
}

static void test_econ__first_month_lists_every_kind(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.tiers[SERVER].owned = (struct ts_owned_model){.capex_usd = 40000,
                                                              .life_months = 36,
                                                              .resale_frac = 0.1,
                                                              .maintenance_frac_per_year = 0.06,
                                                              .staff_fte = 0.25,
                                                              .other_usd_per_month = 300};
    world.model.money.salary_usd_per_year = 120000;
    world.model.money.electricity_usd_per_kwh = 0.20;
    world.model.money.carbon_g_per_kwh = 400;
    world.tiers[SERVER] = (struct ts_tier_result){
        .cells = &world.cells[SERVER], .idle_j = 3.6e8, .active_j = 3.6e8, .host_j = 1.8e8, .overhead_j = 3.6e8};
    world.cells[API] =
        (struct ts_cell){.arrived = 500, .done = 500, .api_usd = 700, .prompt_tok = 900000, .output_tok = 100000};
    world.cells[SERVER].displaced_usd = 5000;
    world.cells[SERVER].barred_usd = 2000;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->monthly_usd[SERVER][TS_COST_CAPEX], 1000, 1e-9);
    close_to(econ->monthly_usd[SERVER][TS_COST_MAINTENANCE], 200, 1e-9);
    close_to(econ->monthly_usd[SERVER][TS_COST_STAFF], 2500, 1e-9);
    close_to(econ->monthly_usd[SERVER][TS_COST_OTHER], 300, 1e-9);
    close_to(econ->monthly_usd[SERVER][TS_COST_ENERGY], 350 * 0.20, 1e-9);
    close_to(econ->monthly_usd[API][TS_COST_API], 700, 1e-9);
    close_to(econ->kwh_per_month, 350, 1e-9);
    close_to(econ->carbon_kg_per_month, 140, 1e-9);
    close_to(econ->total_usd_per_month, 1000 + 200 + 2500 + 300 + 70 + 700, 1e-9);
    close_to(econ->baseline_usd_per_month, 3700, 1e-9); /* what policy permits: 5000 - 2000 + 700 */
    close_to(econ->barred_usd_per_month, 2000, 1e-9);
    close_to(econ->tier_kwh_per_month[SERVER], 350, 1e-9);
    close_to(econ->tier_baseline_usd_per_month[SERVER], 3000, 1e-9);
    close_to(econ->tier_baseline_usd_per_month[API], 700, 1e-9);
    close_to(econ->worth[N_TIERS + 1].usd_per_mtok, 4770, 1e-9);
    /* capex is cash at month 0 and depreciation is none */
    close_to(econ->plan_usd[0], 40000, 1e-9);
    close_to(econ->plan_usd[1], 3770, 1e-9);
    close_to(econ->net_usd[1], 3700 - 3770, 1e-9);
    assert_true(econ->payback_months == INFINITY);
    close_to(econ->payback_all_api_months, 40000.0 / 1930, 1e-9); /* 5700 - 3770: not permitted */
    world_deinit(&world);
}

static void test_econ__window_scales_by_calls_and_by_time(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.result.window_s = 3600;
    world.model.calls_per_month = 2000000;
    world.cells[SERVER].displaced_usd = 10;
    world.tiers[SERVER].idle_j = 3.6e6;
    world.tiers[SERVER].active_j = 7.2e6;
    world.tiers[SERVER].busy_frac = 0.01;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->time_factor, 730, 1e-9);
    close_to(econ->month_factor, 2000, 1e-9);
    close_to(econ->kwh_per_month, 730 + 4000, 1e-9);
    close_to(econ->baseline_usd_per_month, 20000, 1e-9);
    close_to(econ->capacity_growth, 1 / (0.01 * 2000 / 730), 1e-9);
    world.result.simulated_s = 7200; /* an hour to drain: idle energy was drawn for two */
    close_to(compute(&world)->kwh_per_month, 365 + 4000, 1e-9);
    world.result.simulated_s = 3600;
    world.model.calls_per_month = 0;
    econ = compute(&world);
    close_to(econ->month_factor, 730, 1e-9);
    close_to(econ->kwh_per_month, 730 * 3, 1e-9);
    world_deinit(&world);
}

static void test_econ__energy_carries_host_and_pue_as_published(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    /* one hour of eight accelerators at 0.7 kW and a 2 kW host, PUE 1.4, 0.10 USD/kWh: 1.064 USD (an open guide's
     * worked example) */
    double hour_j = 3600.0;
    world.result.window_s = 3600;
    world.tiers[SERVER].active_j = 8 * 700 * hour_j;
    world.tiers[SERVER].host_j = 2000 * hour_j;
    world.tiers[SERVER].overhead_j = 0.4 * (8 * 700 + 2000) * hour_j;
    world.model.money.electricity_usd_per_kwh = 0.10;
    close_to(compute(&world)->monthly_usd[SERVER][TS_COST_ENERGY], 1.064 * 730, 1e-9);
    /* 1e6 tokens at 1.2069 J each, x1.72 for all around it, 0.15 USD/kWh */
    world.result.window_s = 730.0 * 3600;
    world.tiers[SERVER].active_j = 1.2069e6;
    world.tiers[SERVER].host_j = 0.43 * 1.2069e6;
    world.tiers[SERVER].overhead_j = 0.29 * 1.2069e6;
    world.model.money.electricity_usd_per_kwh = 0.15;
    close_to(compute(&world)->monthly_usd[SERVER][TS_COST_ENERGY], 0.0864945, 1e-9);
    world_deinit(&world);
}

static void test_econ__growth_compounds_and_overflow_is_billed_by_the_api(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.money.growth_frac_per_month = 0.10;
    world.model.money.horizon_months = 12;
    world.cells[SERVER].displaced_usd = 1000;
    world.tiers[SERVER].active_j = 3.6e8;
    world.tiers[SERVER].busy_frac = 0.8;
    world.model.money.electricity_usd_per_kwh = 1.0;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->capacity_growth, 1.25, 1e-12);
    close_to(econ->baseline_usd[1], 1000, 1e-9);
    close_to(econ->baseline_usd[3], 1210, 1e-9);
    close_to(econ->baseline_usd[12], 1000 * pow(1.1, 11), 1e-9);
    close_to(econ->plan_usd[3], 100 * 1.21, 1e-9); /* energy alone: 100 kWh at today's volume */
    close_to(econ->plan_usd[4], 100 * 1.25 + 1000 * (1.331 - 1.25), 1e-9);
    close_to(econ->plan_usd[12], 100 * 1.25 + 1000 * (pow(1.1, 11) - 1.25), 1e-9);
    world_deinit(&world);
}

static void test_econ__too_little_capacity_today_overflows_in_the_first_month(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.calls_per_month = 4000; /* four times what was simulated */
    world.cells[SERVER].displaced_usd = 100;
    world.tiers[SERVER].busy_frac = 0.5;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->capacity_growth, 0.5, 1e-12);
    close_to(econ->monthly_usd[SERVER][TS_COST_API], 200, 1e-9);
    close_to(econ->plan_usd[1], 200, 1e-9);
    close_to(econ->baseline_usd[1], 400, 1e-9);
    world_deinit(&world);
}

static void test_econ__lead_time_pays_now_and_saves_later(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.tiers[SERVER].owned =
        (struct ts_owned_model){.capex_usd = 40000, .lead_time_months = 2.5, .other_usd_per_month = 5000};
    world.cells[SERVER].displaced_usd = 15000;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->net_usd[0], -40000, 1e-9);
    close_to(econ->net_usd[1], 0, 1e-9);
    close_to(econ->plan_usd[2], 15000, 1e-9);
    close_to(econ->net_usd[3], 5000, 1e-9); /* half a month in service */
    close_to(econ->net_usd[4], 10000, 1e-9);
    close_to(econ->payback_months, 6.5, 1e-9);
    world_deinit(&world);
}

static void test_econ__refresh_can_undo_the_payback(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.tiers[SERVER].owned =
        (struct ts_owned_model){.capex_usd = 10000, .life_months = 12, .resale_frac = 0.2};
    world.cells[SERVER].displaced_usd = 1000;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->payback_months, 10, 1e-9);
    close_to(econ->plan_usd[12], 8000, 1e-9);
    close_to(econ->plan_usd[24], -2000, 1e-9); /* the horizon's end: sold, not bought again */
    assert_true(econ->unpays);                 /* 12,000 saved - 18,000 paid */
    world.cells[SERVER].displaced_usd = 10000;
    assert_false(compute(&world)->unpays);
    world_deinit(&world);
}

static void test_econ__unequal_lives_count_from_service(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.tiers[SERVER].owned =
        (struct ts_owned_model){.capex_usd = 100, .life_months = 6.5, .lead_time_months = 1};
    const struct ts_econ *econ = compute(&world);
    for (uint32_t m = 1; m <= 24; m++) {
        close_to(econ->plan_usd[m], m == 8 || m == 14 || m == 21 ? 100 : 0, 1e-9); /* ends at 7.5, 14, 20.5 */
    }
    world_deinit(&world);
}

static void test_econ__a_router_is_paid_by_the_plan_alone(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.cells[SERVER].router_usd = 10; /* 1000 calls */
    world.cells[SERVER].displaced_usd = 100;
    world.cells[API] = (struct ts_cell){.arrived = 500, .done = 500, .api_usd = 50, .router_usd = 5};
    world.cells[N_TIERS] = (struct ts_cell){.arrived = 100, .rejected = 100, .router_usd = 1};
    world.model.money.api_price_decline_frac_per_year = 0.75;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->baseline_usd_per_month, 150, 1e-9);
    close_to(econ->total_usd_per_month, 10 + 55 + 1, 1e-9);
    close_to(econ->monthly_usd[N_TIERS][TS_COST_API], 1, 1e-9);
    close_to(econ->plan_usd[13], 50 * 0.25 + 16, 1e-9); /* the fee does not fall with the API's price */
    close_to(econ->baseline_usd[13], 150 * 0.25, 1e-9);
    world_deinit(&world);
}

static void test_econ__attempts_that_came_to_nothing_are_paid_by_the_plan_alone(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.cells[SERVER].displaced_usd = 100;
    world.cells[API] = (struct ts_cell){.arrived = 500, .done = 500, .api_usd = 50, .superseded_usd = 20};
    world.model.money.api_price_decline_frac_per_year = 0.75;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->baseline_usd_per_month, 150, 1e-9);
    close_to(econ->monthly_usd[API][TS_COST_API], 70, 1e-9);
    close_to(econ->plan_usd[13], 70 * 0.25, 1e-9); /* at the API's price */
    close_to(econ->baseline_usd[13], 150 * 0.25, 1e-9);
    world_deinit(&world);
}

static void test_econ__without_capex_payback_is_now_or_when_losses_are_recovered(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.tiers[SERVER].owned.other_usd_per_month = 10;
    world.cells[SERVER].displaced_usd = 100;
    assert_true(compute(&world)->payback_months == 0.0);
    world.cells[SERVER].displaced_usd = 5;
    assert_true(compute(&world)->payback_months == INFINITY);
    world.model.money.growth_frac_per_month = 1.0; /* saves 5, 10, 20, 40 against 10: -5, -5, 5 */
    close_to(compute(&world)->payback_months, 2.5, 1e-9);
    world_deinit(&world);
}

static void test_econ__npv_and_irr_follow_from_the_net_flows(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.money.horizon_months = 12;
    world.model.money.discount_frac_per_year = 0.10;
    world.model.tiers[SERVER].owned.capex_usd = 10000;
    world.cells[SERVER].displaced_usd = 1000;
    const struct ts_econ *econ = compute(&world);
    double rate = pow(1.1, 1.0 / 12) - 1, annuity = (1 - pow(1 + rate, -12)) / rate;
    close_to(econ->npv_usd, -10000 + 1000 * annuity, 1e-8);
    double monthly = pow(1 + econ->irr_per_year, 1.0 / 12) - 1;
    close_to((1 - pow(1 + monthly, -12)) / monthly, 10.0, 1e-9);
    assert_true(econ->discounted_payback_months > econ->payback_months);
    world.cells[SERVER].displaced_usd = 0;
    assert_true(isnan(compute(&world)->irr_per_year));
    world_deinit(&world);
}

static void test_econ__a_machine_that_lasts_longer_is_worth_more_at_the_end(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.cells[SERVER].displaced_usd = 15000;
    world.model.money.horizon_months = 36;
    world.model.tiers[SERVER].owned =
        (struct ts_owned_model){.capex_usd = 40000, .life_months = 36, .resale_frac = 0.2};
    const double at_36_usd = compute(&world)->npv_usd; /* sold at the end of its life, as a flow */
    close_to(world.econ.residual_usd, 0, 1e-9);
    world.model.tiers[SERVER].owned.life_months = 48;
    const double at_48_usd = compute(&world)->npv_usd;
    close_to(world.econ.residual_usd, 40000 - 0.8 * 40000 * 36 / 48, 1e-9);
    close_to(at_48_usd - at_36_usd, 16000 - 8000, 1e-6); /* no discount */
    world.model.tiers[SERVER].owned.life_months = 36;
    world.model.tiers[SERVER].owned.lead_time_months = 3;
    close_to(compute(&world)->residual_usd, 40000 - 0.8 * 40000 * 33 / 36, 1e-9);
    world.model.money.horizon_months = 12;
    world.model.tiers[SERVER].owned.lead_time_months = 0;
    close_to(compute(&world)->residual_usd, 40000 - 0.8 * 40000 * 12 / 36, 1e-9);
    world_deinit(&world);
}

static void test_econ__of_several_rates_of_return_none_is_the_answer(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.money.horizon_months = 2;
    world.model.money.growth_frac_per_month = -1.0; /* nobody calls in the second month */
    world.cells[SERVER].displaced_usd = 330;
    world.model.tiers[SERVER].owned = (struct ts_owned_model){.capex_usd = 100, .other_usd_per_month = 100};
    const struct ts_econ *econ = compute(&world); /* -100, 230, -100 */
    close_to(econ->net_usd[1], 230, 1e-6);
    close_to(econ->net_usd[2], -100, 1e-6);
    assert_int_equal(econ->n_irr, 2);
    assert_true(isnan(econ->irr_per_year));
    world_deinit(&world);
}

/* 1,000 displaced, 400 of them barred; the server is full at half of today's calls. */
static void test_econ__what_policy_bars_does_not_overflow_to_the_api(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.cells[SERVER].displaced_usd = 1000;
    world.cells[SERVER].barred_usd = 400;
    world.tiers[SERVER].busy_frac = 2.0;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->monthly_usd[SERVER][TS_COST_API], 600 * 0.5, 1e-9);
    close_to(econ->baseline_usd[1], 600, 1e-9);
    world_deinit(&world);
}

static void test_econ__rent_follows_the_replicas_that_are_up_and_includes_power(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.money.electricity_usd_per_kwh = 0.2;
    world.tiers[SERVER].mean_up = 1.5;
    world.tiers[SERVER].idle_j = 3.6e8;
    world.model.tiers[SERVER].owned.rent_usd_per_h = 2.5;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->monthly_usd[SERVER][TS_COST_RENT], 2.5 * 1.5 * 730, 1e-9);
    close_to(econ->monthly_usd[SERVER][TS_COST_ENERGY], 0, 1e-12);
    close_to(econ->kwh_per_month, 100, 1e-9);
    world_deinit(&world);
}

/* A tier that is 2 % busy does not overflow because another is 80 % busy. */
static void test_econ__one_full_tier_does_not_fill_the_others(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.tiers[API] = (struct ts_tier_model){.kind = TS_TIER_SERVER, .replaces = -1};
    world.cells[SERVER].displaced_usd = 1000;
    world.tiers[SERVER].busy_frac = 0.02;
    world.tiers[API].busy_frac = 0.8;
    world.model.money.growth_frac_per_month = 1.0; /* month 2: twice the calls */
    const struct ts_econ *econ = compute(&world);
    close_to(econ->capacity_growth, 1.25, 1e-12);
    close_to(econ->plan_usd[2], 0, 1e-9);
    world_deinit(&world);
}

/* A server that stands by, 24,000 USD over 24 months, beside an API that answers all: 1,000 USD a month more. */
static void test_econ__what_stands_by_is_held_against_the_api(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.cells[SERVER] = (struct ts_cell){.arrived = 0};
    world.cells[API] = (struct ts_cell){.arrived = 1000, .done = 1000, .api_usd = 3000};
    assert_false(compute(&world)->has_baseline);
    world.model.tiers[SERVER].owned.capex_usd = 24000;
    const struct ts_econ *econ = compute(&world);
    assert_true(econ->has_baseline);
    close_to(econ->baseline_usd_per_month, 3000, 1e-9);
    close_to(econ->total_usd_per_month, 4000, 1e-9);
    close_to(econ->npv_usd, -24000, 1e-9);
    assert_true(econ->payback_months == INFINITY);
    world_deinit(&world);
}

static void test_econ__refuses_an_empty_window(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    const double simulated_s = world.result.simulated_s;
    world.result.window_s = world.result.simulated_s = 0;
    assert_int_equal(ts_econ_compute(&world.econ, &world.model, &world.result, NULL, &world.diags), TS_ERANGE);
    world.result.simulated_s = simulated_s;
    assert_int_equal(world.diags.n_errors, 1);
    world.result.window_s = 10;
    world.model.calls_per_month = 5;
    world.cells[SERVER].arrived = 0;
    assert_int_equal(ts_econ_compute(&world.econ, &world.model, &world.result, NULL, &world.diags), TS_ERANGE);
    world.model.calls_per_month = 0;
    world.model.money.horizon_months = 1000000;
    assert_int_equal(ts_econ_compute(&world.econ, &world.model, &world.result, NULL, &world.diags), TS_ERANGE);
    assert_null(world.econ.plan_usd);
    world_deinit(&world);
}

static void test_econ__what_is_never_busy_is_never_full(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.money.growth_frac_per_month = 0.10;
    world.model.money.horizon_months = 12;
    world.cells[SERVER].displaced_usd = 1000;
    const struct ts_econ *econ = compute(&world);
    assert_true(isnan(econ->capacity_growth)); /* not infinite: no file has a number for that */
    close_to(econ->plan_usd[12], 0.0, 1e-9);   /* and nothing overflows to the API */
    world_deinit(&world);
}

/* ---- what a plan is worth ---- */

static void test_econ__levelised_cost_and_rent_or_buy_are_the_published_ones(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    /* 40,000 USD, 20,000 a year, 20e9 tokens a year, 8 %, three years, 8,000 left. By month, so nearer to now than the
     * yearly 1.6529: checked against the sum by hand. */
    world.model.money.horizon_months = 36;
    world.model.money.discount_frac_per_year = 0.08;
    world.model.tiers[SERVER].owned = (struct ts_owned_model){
        .capex_usd = 40000, .life_months = 36, .resale_frac = 0.2, .other_usd_per_month = 20000.0 / 12};
    world.cells[SERVER].prompt_tok = 20000000000ULL / 12;
    const struct ts_econ *econ = compute(&world);
    double costs = 40000 - 8000 / pow(1.08, 3), mtok = 0;
    for (int m = 1; m <= 36; m++) {
        costs += 20000.0 / 12 / pow(1.08, m / 12.0);
        mtok += 20e9 / 12 / 1e6 / pow(1.08, m / 12.0);
    }
    close_to(econ->worth[SERVER].levelised_usd_per_mtok, costs / mtok, 1e-6);
    close_to(econ->worth[N_TIERS + 1].levelised_usd_per_mtok, costs / mtok, 1e-6);
    /* Eight cards at 98.32 USD/h rented; owned, 0.87 USD/h: the published 8,556 h, and 15,392 h after the price cut. */
    world.model.tiers[SERVER].owned = (struct ts_owned_model){
        .capex_usd = 833806, .colocation_usd_per_month = 0.87 * 730, .rent_instead_usd_per_h = 98.32};
    close_to(compute(&world)->worth[SERVER].rent_hours, 8556.2442278091, 1e-6);
    world.model.tiers[SERVER].owned.rent_instead_usd_per_h = 55.04;
    close_to(compute(&world)->worth[SERVER].rent_hours, 15392.394314196, 1e-6);
    world.model.tiers[SERVER].owned.rent_instead_usd_per_h = 0.5;
    assert_true(compute(&world)->worth[SERVER].rent_hours == INFINITY);
    world_deinit(&world);
}

static void test_econ__breaks_even_within_the_capacity_or_never(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    /* F = 4,833.33 USD a month; the API takes .88 for what costs .10 here: 6,196.6 units, of 1,000 calls today. */
    world.model.money.electricity_usd_per_kwh = 1.0;
    world.model.tiers[SERVER].owned.other_usd_per_month = 4833.33;
    world.tiers[SERVER].active_j = 0.10 * 3.6e6;
    world.cells[SERVER].displaced_usd = 0.88;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->worth[SERVER].break_even_calls_per_month, 1000 * 6196.576923076922, 1e-3);
    world.tiers[SERVER].busy_frac = 1.0 / 12393.153846153844;
    econ = compute(&world);
    close_to(econ->worth[SERVER].break_even_busy_frac, 0.5, 1e-9);
    close_to(econ->worth[SERVER].usd_per_call, (4833.33 + 0.10) / 1000, 1e-9);
    world.tiers[SERVER].busy_frac = 1.0 / 6000.0; /* full before that */
    assert_true(compute(&world)->worth[SERVER].break_even_calls_per_month == INFINITY);
    world.tiers[SERVER].active_j = 0.9 * 3.6e6; /* dearer than the API */
    world.tiers[SERVER].busy_frac = 0.0;
    assert_true(compute(&world)->worth[SERVER].break_even_calls_per_month == INFINITY);
    world_deinit(&world);
}

static void test_econ__reserved_and_busy_cost_of_a_token(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.tiers[SERVER].owned.other_usd_per_month = 1000;
    world.tiers[SERVER].busy_frac = 0.25;
    world.cells[SERVER].output_tok = 500000000;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->worth[SERVER].usd_per_mtok, 2.0, 1e-12);
    close_to(econ->worth[SERVER].busy_usd_per_mtok, 0.5, 1e-12);
    assert_true(isnan(econ->worth[API].usd_per_mtok));
    world_deinit(&world);
}

/* Four times what it can take: of 500e6 tokens a month 125e6 are served, for the same money, in every month alike. */
static void test_econ__tokens_that_a_full_tier_refuses_share_no_cost(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.money.horizon_months = 12;
    world.model.tiers[SERVER].owned.other_usd_per_month = 1000;
    world.tiers[SERVER].busy_frac = 4.0;
    world.cells[SERVER].output_tok = 500000000;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->worth[SERVER].usd_per_mtok, 8.0, 1e-12);
    close_to(econ->worth[SERVER].usd_per_call, 1000.0 / 250.0, 1e-12);
    close_to(econ->worth[SERVER].levelised_usd_per_mtok, 8.0, 1e-9);
    close_to(econ->worth[N_TIERS + 1].levelised_usd_per_mtok, 8.0, 1e-9);
    world_deinit(&world);
}

static void test_econ__a_tier_pays_back_by_itself(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.tiers[SERVER].owned.capex_usd = 40000;
    world.cells[SERVER].displaced_usd = 15000;
    world.cells[API] = (struct ts_cell){.arrived = 10, .done = 10, .api_usd = 500, .router_usd = 5000};
    const struct ts_econ *econ = compute(&world);
    close_to(econ->worth[SERVER].payback_months, 40000.0 / 15000, 1e-9);
    close_to(econ->payback_months, 4.0, 1e-9); /* 5,000 a month for the router: not the tier's fault */
    close_to(econ->worth[N_TIERS + 1].payback_months, 4.0, 1e-9);
    assert_true(isnan(econ->worth[API].payback_months));
    world_deinit(&world);
}

static void test_econ__mirr_is_the_documented_one(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.money.horizon_months = 2;
    world.model.money.discount_frac_per_year = pow(1.1, 12) - 1; /* 10 % a month */
    world.model.tiers[SERVER].owned.capex_usd = 1000;
    world.cells[SERVER].displaced_usd = 600;
    /* 600 x 1.1 + 600 = 1,260 of 1,000 in two months */
    close_to(compute(&world)->mirr_per_year, pow(1.26, 6) - 1, 1e-9);
    world_deinit(&world);
}

/* ---- machines ---- */

static void test_econ__waiting_buys_cheaper_machines(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.money.hardware_price_decline_frac_per_year = 0.5;
    world.model.tiers[SERVER].owned = (struct ts_owned_model){
        .capex_usd = 1000, .buy_month = 6, .lead_time_months = 1, .life_months = 12, .resale_frac = 0.1};
    world.cells[SERVER].displaced_usd = 100;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->plan_usd[0], 0, 1e-9);
    close_to(econ->plan_usd[6], 100 + 1000 * pow(0.5, 0.5), 1e-9);
    close_to(econ->plan_usd[7], 100, 1e-9); /* on the way */
    close_to(econ->plan_usd[8], 0, 1e-9);
    /* ends at 7 + 12 = 19: a tenth of what was paid comes back, the new one costs half as much a year later */
    close_to(econ->plan_usd[19], 1000 * pow(0.5, 19.0 / 12) - 0.1 * 1000 * pow(0.5, 0.5), 1e-9);
    world_deinit(&world);
}

/* Volume doubles every month from 1; full at 1.5. */
static void grow_fast(struct world *world)
{
    world_init(world);
    world->model.money.growth_frac_per_month = 1.0;
    world->model.money.horizon_months = 4;
    world->cells[SERVER].displaced_usd = 1000;
    world->tiers[SERVER].busy_frac = 1 / 1.5;
    world->model.tiers[SERVER].owned =
        (struct ts_owned_model){.capex_usd = 600, .other_usd_per_month = 7, .licences_usd_per_month = 10};
}

static void test_econ__what_is_full_overflows_buys_or_refuses(void **state)
{
    (void)state;
    struct world world;
    grow_fast(&world);
    const struct ts_econ *econ = compute(&world);
    close_to(econ->plan_usd[2], 17 + 500, 1e-9); /* volume 2, of it 0.5 at the API */
    close_to(econ->plan_usd[4], 17 + 6500, 1e-9);
    close_to(econ->refused_frac, 0, 1e-12);
    assert_true(isnan(econ->refused_usd_per_call));
    world.model.tiers[SERVER].owned.when_full = TS_FULL_REFUSE;
    econ = compute(&world);
    close_to(econ->plan_usd[4], 17, 1e-9);
    close_to(econ->refused_frac, (0.5 + 2.5 + 6.5) / 15, 1e-12);
    close_to(econ->refused_usd_per_call, 1.0, 1e-12); /* 1,000 calls at 1,000 USD */
    world.cells[SERVER].barred_usd = 400;             /* the price of those that may go out is the same */
    close_to(compute(&world)->refused_usd_per_call, 1.0, 1e-12);
    world.cells[SERVER].barred_usd = 0;
    world.model.tiers[SERVER].owned.when_full = TS_FULL_BUY;
    econ = compute(&world); /* replicas for volumes 1, 2, 4, 8: 1, 2, 3, 6 */
    close_to(econ->plan_usd[0], 600, 1e-9);
    close_to(econ->plan_usd[1], 600 + 7 + 10, 1e-9); /* ordered when month 2 begins */
    close_to(econ->plan_usd[2], 600 + 7 + 20, 1e-9);
    close_to(econ->plan_usd[3], 1800 + 7 + 30, 1e-9);
    close_to(econ->plan_usd[4], 7 + 60, 1e-9);
    close_to(econ->units[ts_econ_row(econ, 4, SERVER)], 6, 1e-12);
    world.model.tiers[SERVER].owned.lead_time_months = 1;
    econ = compute(&world); /* ordered a month earlier; what serves in month 2 is ordered today */
    close_to(econ->plan_usd[0], 1200, 1e-9);
    close_to(econ->plan_usd[1], 600 + 1000, 1e-9); /* the first is on its way */
    close_to(econ->plan_usd[2], 1800 + 7 + 20, 1e-9);
    world_deinit(&world);
}

static void test_econ__the_site_powers_no_more_than_it_can(void **state)
{
    (void)state;
    struct world world;
    grow_fast(&world);
    world.model.tiers[SERVER].owned.when_full = TS_FULL_BUY;
    world.model.tiers[SERVER].owned.rated_w = 1000;
    world.model.site_cap_w = 2999; /* two replicas: full at 3 */
    const struct ts_econ *econ = compute(&world);
    close_to(econ->units[ts_econ_row(econ, 4, SERVER)], 2, 1e-12);
    close_to(econ->plan_usd[4], 7 + 20 + 5000, 1e-9);
    world_deinit(&world);
}

static void test_econ__staff_comes_in_steps(void **state)
{
    (void)state;
    struct world world;
    grow_fast(&world);
    world.model.money.salary_usd_per_year = 12000;
    world.model.tiers[SERVER].owned.when_full = TS_FULL_BUY;
    world.model.tiers[SERVER].owned.staff_fte = 0.5;
    world.model.tiers[SERVER].owned.replicas_per_staff = 2;
    const struct ts_econ *econ = compute(&world);
    close_to(econ->ledger_usd[ts_econ_row(econ, 1, SERVER)][TS_COST_STAFF], 500, 1e-9);
    close_to(econ->ledger_usd[ts_econ_row(econ, 2, SERVER)][TS_COST_STAFF], 500, 1e-9);
    close_to(econ->ledger_usd[ts_econ_row(econ, 3, SERVER)][TS_COST_STAFF], 1000, 1e-9); /* three replicas */
    close_to(econ->ledger_usd[ts_econ_row(econ, 4, SERVER)][TS_COST_STAFF], 1500, 1e-9);
    world_deinit(&world);
}

static void test_econ__what_is_reserved_is_paid_around_the_clock(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.tiers[SERVER].mean_up = 0.25;
    world.model.tiers[SERVER].owned = (struct ts_owned_model){.rent_usd_per_h = 2};
    close_to(compute(&world)->monthly_usd[SERVER][TS_COST_RENT], 2 * 0.25 * 730, 1e-9);
    world.model.tiers[SERVER].owned.rent_is_reserved = true;
    close_to(compute(&world)->monthly_usd[SERVER][TS_COST_RENT], 2 * 730, 1e-9);
    world_deinit(&world);
}

/* ---- electricity and tax ---- */

static void test_econ__a_tariff_by_hours_and_its_demand_charge(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    double power_w[48]; /* two days of hours from Friday 00:00: 1 kW, 3 kW from 8 to 20 */
    for (int hour = 0; hour < 48; hour++) {
        power_w[hour] = hour % 24 >= 8 && hour % 24 < 20 ? 3000 : 1000;
    }
    world.result.n_bins = 48;
    world.result.bin_s = 3600;
    world.result.window_s = world.result.simulated_s = 48 * 3600.0;
    world.tiers[SERVER].power_w = power_w;
    world.tiers[SERVER].active_j = 96 * 3.6e6;
    world.model.start_hour = 96;
    world.model.money.electricity_usd_per_kwh = 0.10;
    world.model.money.tariff = (struct ts_tariff_model){
        .peak_usd_per_kwh = 0.30, .peak_from_hour = 8, .peak_to_hour = 20, .demand_usd_per_kw = 15};
    /* Saturday has no peak: 36 of 96 kWh at .30 */
    const double kwh = 96 * 730.0 / 48;
    close_to(compute(&world)->monthly_usd[SERVER][TS_COST_ENERGY], kwh * (0.30 * 36 + 0.10 * 60) / 96 + 45, 1e-9);
    world.model.money.tariff = (struct ts_tariff_model){.peak_usd_per_kwh = NAN};
    close_to(compute(&world)->monthly_usd[SERVER][TS_COST_ENERGY], kwh * 0.10, 1e-9);
    world_deinit(&world);
}

static void test_econ__tax_takes_its_part_of_what_is_saved(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.money.horizon_months = 72;
    world.model.money.tax_frac = 0.25;
    world.model.money.depreciation = TS_DEPRECIATION_MACRS_5;
    world.model.tiers[SERVER].owned = (struct ts_owned_model){.capex_usd = 10000};
    world.cells[SERVER].displaced_usd = 1000;
    const struct ts_econ *econ = compute(&world);
    static const double macrs[] = {0.20, 0.32, 0.192, 0.1152, 0.1152, 0.0576};
    double sum = 0;
    for (size_t year = 0; year < COUNT(macrs); year++) {
        sum += macrs[year];
        close_to(econ->plan_usd[12 * (year + 1)], -0.25 * 10000 * macrs[year], 1e-9);
    }
    close_to(sum, 1.0, 1e-12);
    close_to(econ->net_usd[1], 750, 1e-9);
    close_to(econ->plan_cumulative_usd[72], 7500, 1e-9);
    /* Straight line from price to resale; the sale is at what is left in the books. */
    world.model.money.horizon_months = 24;
    world.model.money.depreciation = TS_DEPRECIATION_STRAIGHT_LINE;
    world.model.tiers[SERVER].owned =
        (struct ts_owned_model){.capex_usd = 10000, .life_months = 20, .resale_frac = 0.2};
    econ = compute(&world);
    close_to(econ->plan_usd[1], -0.25 * 400, 1e-9);
    close_to(econ->plan_usd[20], 10000 - 2000 - 0.25 * 400, 1e-9);
    /* Written off faster than it loses its worth: what the sale brings beyond the books is taxed. */
    world.model.money.depreciation = TS_DEPRECIATION_MACRS_5;
    econ = compute(&world);
    close_to(econ->plan_usd[12], -0.25 * 2000, 1e-9);
    close_to(econ->plan_usd[20], 10000 - 2000 - 0.25 * (8000 - 2000), 1e-9);
    world_deinit(&world);
}

static void test_econ__a_call_costs_its_time_in_service(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    struct ts_cell cells[2];
    memset(cells, 0, sizeof cells);
    world.model.n_classes = world.result.n_classes = 2;
    struct ts_cell empty[2];
    memset(empty, 0, sizeof empty);
    world.tiers[SERVER].cells = cells;
    world.tiers[API].cells = empty;
    world.tiers[N_TIERS].cells = empty;
    for (int i = 0; i < 4; i++) { /* three of a second, one of nine; all waited for two */
        struct ts_cell *cell = &cells[i < 3 ? 0 : 1];
        cell->arrived++;
        cell->done++;
        ts_hist_add(&cell->latency_ns[TS_TTFT], 2500000000);
        ts_hist_add(&cell->latency_ns[TS_TTFT_SERVER], 2500000000);
        ts_hist_add(&cell->latency_ns[TS_WAIT], 2000000000);
        ts_hist_add(&cell->latency_ns[TS_E2E], i < 3 ? 3000000000 : 11000000000);
    }
    cells[1].router_usd = 4;
    world.model.tiers[SERVER].owned.other_usd_per_month = 1200;
    const struct ts_econ *econ = compute(&world);
    close_to(ts_econ_call_usd(econ, &world.result, SERVER, 0), 300.0 / 3, 0.2);
    close_to(ts_econ_call_usd(econ, &world.result, SERVER, 1), 900.0 + 4, 0.6);
    close_to(ts_econ_call_usd(econ, &world.result, N_TIERS + 1, TS_ALL_CLASSES), 1204.0 / 4, 1e-9);
    assert_true(isnan(ts_econ_call_usd(econ, &world.result, API, 0)));
    ts_cell_deinit(&cells[0]);
    ts_cell_deinit(&cells[1]);
    world_deinit(&world);
}

/* 1.5 GB to 1,000 devices at 0.05 USD/GB: 75 USD when the tier begins, 4 updates a year 25 USD a month. */
static void test_econ__models_are_loaded_once_and_with_every_update(void **state)
{
    (void)state;
    struct world world;
    world_init(&world);
    world.model.tiers[SERVER].kind = TS_TIER_DEVICE;
    world.model.tiers[SERVER].owned =
        (struct ts_owned_model){.first_download_usd = 75.0, .downloads_usd_per_month = 75.0 * 4.0 / 12.0};
    const struct ts_econ *econ = compute(&world);
    close_to(econ->monthly_usd[SERVER][TS_COST_DOWNLOADS], 25.0, 1e-12);
    close_to(econ->total_usd_per_month, 25.0, 1e-12);
    close_to(econ->plan_usd[0], 75.0, 1e-12);
    close_to(econ->plan_usd[1], 25.0, 1e-12);
    world.model.tiers[SERVER].owned.buy_month = 6;
    econ = compute(&world);
    close_to(econ->plan_usd[0], 0.0, 1e-12);
    close_to(econ->plan_usd[5], 0.0, 1e-12);
    close_to(econ->ledger_usd[ts_econ_row(econ, 6, SERVER)][TS_COST_DOWNLOADS], 75.0, 1e-12);
    close_to(econ->plan_usd[7], 25.0, 1e-12);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_econ__what_stands_by_is_held_against_the_api),
        cmocka_unit_test(test_econ__models_are_loaded_once_and_with_every_update),
        cmocka_unit_test(test_econ__levelised_cost_and_rent_or_buy_are_the_published_ones),
        cmocka_unit_test(test_econ__breaks_even_within_the_capacity_or_never),
        cmocka_unit_test(test_econ__reserved_and_busy_cost_of_a_token),
        cmocka_unit_test(test_econ__tokens_that_a_full_tier_refuses_share_no_cost),
        cmocka_unit_test(test_econ__a_tier_pays_back_by_itself),
        cmocka_unit_test(test_econ__mirr_is_the_documented_one),
        cmocka_unit_test(test_econ__waiting_buys_cheaper_machines),
        cmocka_unit_test(test_econ__what_is_full_overflows_buys_or_refuses),
        cmocka_unit_test(test_econ__the_site_powers_no_more_than_it_can),
        cmocka_unit_test(test_econ__staff_comes_in_steps),
        cmocka_unit_test(test_econ__what_is_reserved_is_paid_around_the_clock),
        cmocka_unit_test(test_econ__a_tariff_by_hours_and_its_demand_charge),
        cmocka_unit_test(test_econ__tax_takes_its_part_of_what_is_saved),
        cmocka_unit_test(test_econ__a_call_costs_its_time_in_service),
        cmocka_unit_test(test_econ_payback__matches_the_falling_price_table),
        cmocka_unit_test(test_econ__baselines_are_named),
        cmocka_unit_test(test_econ__provisioned_units_cost_the_same_in_every_month),
        cmocka_unit_test(test_econ__first_month_lists_every_kind),
        cmocka_unit_test(test_econ__window_scales_by_calls_and_by_time),
        cmocka_unit_test(test_econ__energy_carries_host_and_pue_as_published),
        cmocka_unit_test(test_econ__growth_compounds_and_overflow_is_billed_by_the_api),
        cmocka_unit_test(test_econ__too_little_capacity_today_overflows_in_the_first_month),
        cmocka_unit_test(test_econ__lead_time_pays_now_and_saves_later),
        cmocka_unit_test(test_econ__refresh_can_undo_the_payback),
        cmocka_unit_test(test_econ__unequal_lives_count_from_service),
        cmocka_unit_test(test_econ__a_router_is_paid_by_the_plan_alone),
        cmocka_unit_test(test_econ__attempts_that_came_to_nothing_are_paid_by_the_plan_alone),
        cmocka_unit_test(test_econ__without_capex_payback_is_now_or_when_losses_are_recovered),
        cmocka_unit_test(test_econ__npv_and_irr_follow_from_the_net_flows),
        cmocka_unit_test(test_econ__a_machine_that_lasts_longer_is_worth_more_at_the_end),
        cmocka_unit_test(test_econ__of_several_rates_of_return_none_is_the_answer),
        cmocka_unit_test(test_econ__what_policy_bars_does_not_overflow_to_the_api),
        cmocka_unit_test(test_econ__rent_follows_the_replicas_that_are_up_and_includes_power),
        cmocka_unit_test(test_econ__one_full_tier_does_not_fill_the_others),
        cmocka_unit_test(test_econ__refuses_an_empty_window),
        cmocka_unit_test(test_econ__what_is_never_busy_is_never_full),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
