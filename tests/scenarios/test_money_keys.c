/* Money as people write it: any currency with a dated rate, whole servers, hosts around cards, rent by the hour. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scenarios/catalog/catalog.h"
#include "tests/scenarios/scenario_fixture.h"

#define START                                                                                                          \
    "scenario: t\n"                                                                                                    \
    "workload: {calls: 36 k/day, classes: [{name: chat, share: 100 %, prompt: 800 tok, output: 200 tok}]}\n"
#define TIERS(owned)                                                                                                   \
    "tiers:\n"                                                                                                         \
    "  edge: {kind: server, hardware: L40S, model: Llama-3.1-8B, quant: FP8, replicas: 2, ability: 1, replaces: "      \
    "cloud, owned: {" owned "}}\n"                                                                                     \
    "  cloud: {kind: api, offers: [OpenAI/gpt-4o], ability: 2}\n"                                                      \
    "routing: {policy: static, static: {chat: edge}}\n"
#define RATES "rates: {EUR: {usd: 1.25, date: 2026-11-27}, CHF: {usd: 1.5, date: 2026-11-27}}"

static void assert_near(double value, double expected)
{
    if (!(fabs(value - expected) <= 1e-9 * fmax(1.0, fabs(expected)))) {
        fail_msg("%.12g where %.12g is due", value, expected);
    }
}

/* ---- currencies ---- */

static void test_currency__a_price_may_be_in_any_that_has_a_rate(void **state)
{
    (void)state;
    static const struct {
        const char *price;
        double usd;
    } cases[] = {{"EUR 0.31/kWh", 0.3875},
                 {"0.31 EUR/kWh", 0.3875},
                 {"\xe2\x82\xac 0.31/kWh", 0.3875},
                 {"0.31 \xe2\x82\xac/kWh", 0.3875},
                 {"0.2 CHF/kWh", 0.30},
                 {"0.31 USD/kWh", 0.31},
                 {"$ 0.31/kWh", 0.31},
                 {"EUR 310 /MWh", 0.3875},
                 {"0.31 kEUR/MWh", 0.3875}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_scenario scenario;
        char text[1024];
        snprintf(text, sizeof text, "%s%s'}\n", START TIERS("capex: 1 USD") "money: {" RATES ", electricity: '",
                 cases[i].price);
        load_ok(&scenario, text);
        assert_near(scenario.model.money.electricity_usd_per_kwh, cases[i].usd);
        ts_scenario_deinit(&scenario);
    }
}

static void test_currency__the_report_speaks_one(void **state)
{
    (void)state;
    struct ts_scenario usd, eur;
    load_ok(&usd, START TIERS("staff: 1 FTE"));
    load_ok(&eur, START TIERS("staff: 1 FTE") "money: {currency: EUR, " RATES ", salary: 100 kEUR/year}\n");
    const struct ts_model *a = &usd.model, *b = &eur.model;
    assert_string_equal(ts_model_currency(a), "USD");
    assert_string_equal(ts_model_currency(b), "EUR");
    assert_string_equal(b->money.rates, "1 EUR = 1.25 USD (2026-11-27), 1 CHF = 1.5 USD (2026-11-27)");
    assert_near(b->money.salary_usd_per_year, 100000);
    assert_near(b->money.electricity_usd_per_kwh, a->money.electricity_usd_per_kwh / 1.25);
    assert_near(b->tiers[0].owned.capex_usd, a->tiers[0].owned.capex_usd / 1.25);
    assert_near(b->tiers[0].owned.rent_instead_usd_per_h, a->tiers[0].owned.rent_instead_usd_per_h / 1.25);
    assert_near(b->tiers[1].u.api.offers[0].output_usd_per_mtok, 10 / 1.25);
    assert_near(b->tiers[1].u.api.offers[0].cached_input_usd_per_mtok, 1.25 / 1.25);
    assert_non_null(strstr(assumption(&eur, "tiers.cloud.offers.OpenAI/gpt-4o.output")->value, "8 EUR/Mtok"));
    ts_scenario_deinit(&usd);
    ts_scenario_deinit(&eur);
}

static void test_currency__without_a_rate_is_a_mistake(void **state)
{
    (void)state;
    refuse(START TIERS("capex: 1 USD") "money: {electricity: SEK 1.2/kWh}\n", "there is no rate of 'SEK'");
    refuse(START TIERS("capex: 1 USD") "money: {currency: SEK}\n", "there is no rate of 'SEK'");
    refuse(START TIERS("capex: 1 EUR") "money: {rates: {EUR: {usd: 1.08, date: last week}}}\n", "is no date");
    refuse(START TIERS("capex: 1 USD") "money: {rates: {EUR: {usd: 1.08}}}\n", "date");
    refuse(START TIERS("capex: 1 EUR") "money: {start: 2027-13, " RATES "}\n", "is no month");
}

/* ---- machines ---- */

/* A card is not a server: 8,000 + 10,424 + 563 for each of two replicas. */
static void test_owned__cards_come_with_their_hosts(void **state)
{
    (void)state;
    struct ts_scenario scenario;
    load_ok(&scenario, START TIERS("staff: 0.1 FTE"));
    assert_near(scenario.model.tiers[0].owned.capex_usd, 2 * (8000 + 10424 + 563));
    assert_true(scenario.model.tiers[0].owned.is_bare); /* a report says so */
    ts_scenario_deinit(&scenario);
    load_ok(&scenario, START "tiers:\n  edge: {kind: server, hardware: H100 SXM, accelerators: 4, model: Llama-3.1-8B, "
                             "quant: FP8, ability: 1}\n");
    assert_near(scenario.model.tiers[0].owned.capex_usd, 4 * 32000 + 0.5 * (32010 + 4500));
    ts_scenario_deinit(&scenario);
}

static void test_owned__whole_servers_hold_all_cards(void **state)
{
    (void)state;
    struct ts_scenario scenario;
    load_ok(&scenario, START "tiers:\n  edge: {kind: server, hardware: H100 SXM, accelerators: 4, replicas: 3, model: "
                             "Llama-3.1-8B, quant: FP8, ability: 1, owned: {server: HGX H100}}\n");
    assert_near(scenario.model.tiers[0].owned.capex_usd, 2 * (310000 + 4500)); /* 12 cards */
    assert_false(scenario.model.tiers[0].owned.is_bare);
    ts_scenario_deinit(&scenario);
    refuse(START TIERS("server: HGX H100"), "has cards of H100 SXM 80GB, the tier runs on NVIDIA L40S");
    refuse(START TIERS("server: HGX L40"), "unknown server 'HGX L40'");
}

static void test_owned__rent_by_the_catalog(void **state)
{
    (void)state;
    struct ts_scenario scenario;
    struct ts_arena arena;
    struct ts_catalog catalog;
    unsigned n = 0;
    ts_arena_init(&arena);
    assert_int_equal(ts_catalog_load(&catalog, &arena, NULL), TS_OK);
    const double h100 = ts_catalog_rental(&n, &catalog, "H100 SXM 80GB", TS_RENTAL_ON_DEMAND);
    assert_true(n >= 20 && h100 > 2.0 && h100 < 5.0);
    const double spot = ts_catalog_rental(&n, &catalog, "H100 SXM 80GB", TS_RENTAL_SPOT);
    assert_true(n >= 2 && spot < h100);
    ts_arena_deinit(&arena);
#define H100(owned)                                                                                                    \
    START "tiers:\n  edge: {kind: server, hardware: H100 SXM, accelerators: 2, replicas: 3, model: Llama-3.1-8B, "     \
          "quant: FP8, ability: 1, owned: {" owned "}}\n"
    load_ok(&scenario, H100("rental: on-demand"));
    assert_near(scenario.model.tiers[0].owned.rent_usd_per_h, 2 * h100);
    assert_near(scenario.model.tiers[0].owned.capex_usd, 0);
    ts_scenario_deinit(&scenario);
    load_ok(&scenario, H100("rental: spot, interruptions: 0.1/h, restart: 12 min"));
    assert_near(scenario.model.tiers[0].owned.rent_usd_per_h, 2 * spot * 1.02);           /* p (1 + lambda R) */
    const struct ts_failure_model *failures = &scenario.model.tiers[0].u.server.failures; /* up 1/(1.02) of the time */
    assert_near(failures->mtbf_s, 36000);
    assert_near(failures->mttr_s, 720);
    assert_near(failures->notice_s, 30);
    ts_scenario_deinit(&scenario);
    load_ok(&scenario, H100("rental: spot}, failures: {mtbf: 2 h, mttr: 5 min"));
    assert_near(scenario.model.tiers[0].u.server.failures.mtbf_s, 7200);
    assert_near(scenario.model.tiers[0].u.server.failures.notice_s, 0);
    ts_scenario_deinit(&scenario);
    load_ok(&scenario, H100("rental: on-demand"));
    assert_near(scenario.model.tiers[0].u.server.failures.mtbf_s, 0);
    ts_scenario_deinit(&scenario);
    load_ok(&scenario, H100("rental: reserved, rent: 4 USD/h"));
    assert_near(scenario.model.tiers[0].owned.rent_usd_per_h, 4);
    assert_true(scenario.model.tiers[0].owned.rent_is_reserved);
    ts_scenario_deinit(&scenario);
    refuse(START TIERS("rental: reserved"), "the catalog has no such rent of NVIDIA L40S");
    struct ts_text said;
    ts_text_init(&said);
    assert_int_equal(load_text(&scenario, H100("rental: on-demand, capex: 9000 USD"), NULL, &said), TS_OK);
    assert_non_null(strstr(said.data, "both are paid: the machines are rented, and bought"));
    ts_text_deinit(&said);
    ts_scenario_deinit(&scenario);
}

static void test_owned__colocation_and_licences_by_replica(void **state)
{
    (void)state;
    struct ts_scenario scenario;
    load_ok(&scenario,
            START TIERS("capex: 1 USD, colocation: 150 USD/kW/month, licences: 4500 USD/year") "power: {pue: 1.5}\n");
    const struct ts_tier_model *tier = &scenario.model.tiers[0];
    const double it_kw = 0.350 * 1.43; /* an L40S at its design power, and its host */
    assert_near(tier->owned.colocation_usd_per_month, 2 * 150 * it_kw);
    assert_near(tier->owned.licences_usd_per_month, 2 * 4500 / 12.0);
    assert_near(tier->owned.rated_w, 1000 * it_kw * 1.5);
    ts_scenario_deinit(&scenario);
    refuse(START TIERS("capex: 1 USD") "power: {pue: 1.5, site_cap: 1.5 kW}\n",
           "the servers draw up to 1.502 kW under load, the site has 1.5 kW");
}

/* Without a word, calls would be at the only API; with two, the scenario has to say at which. */
static void test_owned__a_tier_replaces_the_only_api(void **state)
{
    (void)state;
    static const struct {
        const char *said, *more_tiers;
        int replaces;
    } cases[] = {
        {"", "", 1},
        {", replaces: none", "", -1},
        {"", "  other: {kind: api, offers: [OpenAI/gpt-4o-mini], ability: 2}\n", -1},
        {", replaces: other", "  other: {kind: api, offers: [OpenAI/gpt-4o-mini], ability: 2}\n", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_text text;
        struct ts_scenario scenario;
        ts_text_init(&text);
        ts_text_puts(&text, START "tiers:\n"
                                  "  edge: {kind: server, hardware: L40S, model: Llama-3.1-8B, quant: FP8, ability: 1");
        ts_text_printf(&text, "%s}\n  cloud: {kind: api, offers: [OpenAI/gpt-4o], ability: 2}\n%s", cases[i].said,
                       cases[i].more_tiers);
        ts_text_puts(&text, "routing: {policy: static, static: {chat: edge}}\n");
        load_ok(&scenario, text.data);
        assert_int_equal(scenario.model.tiers[0].replaces, cases[i].replaces);
        ts_scenario_deinit(&scenario);
        ts_text_deinit(&text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_currency__a_price_may_be_in_any_that_has_a_rate),
        cmocka_unit_test(test_currency__the_report_speaks_one),
        cmocka_unit_test(test_currency__without_a_rate_is_a_mistake),
        cmocka_unit_test(test_owned__cards_come_with_their_hosts),
        cmocka_unit_test(test_owned__whole_servers_hold_all_cards),
        cmocka_unit_test(test_owned__rent_by_the_catalog),
        cmocka_unit_test(test_owned__colocation_and_licences_by_replica),
        cmocka_unit_test(test_owned__a_tier_replaces_the_only_api),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
