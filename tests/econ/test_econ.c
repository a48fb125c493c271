/* Monthly cash flows: hand-built windows whose months are known, so that every number can be worked out on paper. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "econ/econ.h"
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
    close_to(econ->baseline_usd_per_month, 3700, 1e-9); /* what policy lets out: 5000 - 2000 + 700 */
    close_to(econ->barred_usd_per_month, 2000, 1e-9);
    close_to(econ->tier_kwh_per_month[SERVER], 350, 1e-9);
    close_to(econ->tier_baseline_usd_per_month[SERVER], 3000, 1e-9);
    close_to(econ->tier_baseline_usd_per_month[API], 700, 1e-9);
    close_to(econ->usd_per_mtok, 4770, 1e-9);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_econ_payback__matches_the_falling_price_table),
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
