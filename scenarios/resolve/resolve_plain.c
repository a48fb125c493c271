/* Hides how the plain sections become the model's: links, SLO, money, limits, the run itself. */
#include <math.h>
#include <string.h>

#include "scenarios/language/loader.h"

static bool is_of_kind(struct ts_value *tier, const char *kind)
{
    const struct ts_value *value = tier->n_children > 0 ? ts_value_at(tier, "kind") : NULL;
    return value && value->text && ts_str_equal(value->text, kind);
}

static bool refers_to(struct ts_value *tier, const char *key, int link)
{
    const struct ts_value *value = ts_value_at(tier, key);
    return value && value->text && value->choice == link;
}

struct link_use {
    bool by_users, by_kv_cache;
};

/* Is it a site's link to any tier? */
static bool is_of_site(struct ts_loader *loader, int link)
{
    struct ts_value *sites = ts_value_at(loader->root, "sites");
    bool any = false;
    for (size_t i = 0; i < sites->n_children; i++) {
        const struct ts_value *links =
            sites->children[i].n_children > 0 ? ts_value_at(&sites->children[i], "links") : NULL;
        for (size_t k = 0; links && k < links->n_children; k++) {
            any = any || (links->children[k].text && links->children[k].choice == link);
        }
    }
    return any;
}

static struct link_use use_of_link(struct ts_loader *loader, int link)
{
    struct ts_value *tiers = ts_value_at(loader->root, "tiers");
    struct link_use use = {is_of_site(loader, link), false};
    for (size_t i = 0; i < tiers->n_children; i++) {
        struct ts_value *tier = &tiers->children[i];
        use.by_users = use.by_users || (tier->n_children > 0 && refers_to(tier, "link", link));
        use.by_kv_cache = use.by_kv_cache || (is_of_kind(tier, "server") && refers_to(tier, "kv_link", link));
    }
    return use;
}

/* As many hours a year as the region's households are without electricity. */
static double mean_up_of_region(struct ts_loader *loader, struct ts_value *value, double mean_down_s)
{
    const double year_s = 8760.0 * 3600.0;
    struct ts_value *money = ts_value_at(loader->root, "money");
    const char *name = money->broken ? NULL : ts_value_at(money, "region")->text;
    const struct ts_region *region = name ? ts_catalog_region(&loader->catalog, name) : NULL;
    const double outage_s = region ? region->outage_h_per_year * 3600.0 : 0.0;
    if (!(outage_s > 0.0)) {
        ts_loader_error(loader, ts_value_at(value, "outages"), "write outages: {mean_up: 30 days, mean_down: 20 min}",
                        "the catalog has no hours of outage for %s: 'mean_up' is needed",
                        region ? region->name : "the region");
        return 0.0;
    }
    const double mean_up_s = mean_down_s * (year_s / outage_s - 1.0);
    ts_loader_assume_number(loader, ts_loader_printf(loader, "%s.outages.mean_up", value->path), TS_ORIGIN_CATALOG,
                            ts_loader_printf(loader, "regions.csv: %s, %.4g h a year without electricity", region->name,
                                             region->outage_h_per_year),
                            mean_up_s, "s");
    return mean_up_s;
}

static bool is_struck(struct ts_loader *loader, int link)
{
    struct ts_value *events = ts_value_at(loader->root, "events");
    bool any = false;
    for (size_t i = 0; i < events->n_children; i++) {
        any = any || (events->children[i].n_children > 0 && refers_to(&events->children[i], "link", link));
    }
    return any;
}

static void resolve_sharing(struct ts_loader *loader, struct ts_value *value, struct link_use use,
                            struct ts_link_model *link)
{
    const bool takes_time = ts_value_is_written(value, "bandwidth");
    const bool counts = takes_time && use.by_users;
    const char *why = takes_time ? "no tokens cross the link" : "without a bandwidth it has no effect";
    ts_value_counts_if(value, "token_size", counts, why);
    ts_value_counts_if(value, "sharing", counts, why);
    link->bytes_per_s = ts_value_number(value, "bandwidth");
    link->bytes_per_tok = ts_value_number(value, "token_size");
    link->shares_equally = counts && ts_value_choice(value, "sharing") == true;
    if (link->shares_equally && use.by_kv_cache) {
        ts_loader_error(loader, ts_value_at(value, "sharing"), "give them a link of their own",
                        "the KV entries of a tier use '%s' one after the other: prompts cannot share it equally",
                        value->path);
    }
}

static void resolve_outages(struct ts_loader *loader, struct ts_value *value, int index, struct ts_link_model *link)
{
    const bool written = ts_value_is_written(value, "outages");
    const bool fails = written || is_struck(loader, index);
    ts_value_counts_if(value, "while_down", fails, "the link is never down: write outages, or events");
    link->stores = fails && ts_value_choice(value, "while_down") == true;
    ts_value_counts_if(value, "detect", fails && !link->stores,
                       fails ? "whatever is sent waits" : "the link is never down: write outages, or events");
    link->detect_s = fails && !link->stores ? ts_value_number(value, "detect") : 0.0;
    if (written) {
        link->mean_down_s = ts_value_number(value, "outages.mean_down");
        link->mean_up_s = ts_value_is_set(value, "outages.mean_up")
                              ? ts_value_number(value, "outages.mean_up")
                              : mean_up_of_region(loader, value, link->mean_down_s);
    }
}

void ts_resolve_links(struct ts_loader *loader)
{
    struct ts_value *links = ts_value_at(loader->root, "links");
    if (links->n_children > TS_MAX_LINKS) {
        ts_loader_error(loader, links, NULL, "more than %d links", TS_MAX_LINKS);
        return;
    }
    for (size_t i = 0; i < links->n_children; i++) {
        struct ts_value *value = &links->children[i];
        struct ts_link_model *link = &loader->model->links[i];
        link->name = value->name;
        if (value->broken) {
            continue;
        }
        const struct link_use use = use_of_link(loader, (int)i);
        if (!use.by_users && !use.by_kv_cache) {
            ts_loader_warning(loader, value, NULL, "'%s' has no effect here: no tier uses it", value->path);
        }
        link->rtt_s = ts_value_dist(value, "rtt");
        link->jitter_s = ts_value_dist(value, "jitter");
        resolve_sharing(loader, value, use, link);
        ts_value_counts_if(value, "outages", use.by_users, "no calls cross the link");
        resolve_outages(loader, value, (int)i, link);
    }
    loader->model->n_links = (uint32_t)links->n_children;
}

static void resolve_slo(struct ts_loader *loader)
{
    struct ts_value *slo = ts_value_at(loader->root, "slo");
    struct ts_slo_model *out = &loader->model->slo;
    if (slo->broken) {
        return;
    }
    out->ttft_s = ts_value_number(slo, "ttft");
    out->tpot_s = ts_value_number(slo, "tpot");
    out->e2e_s = ts_value_number(slo, "e2e");
    out->attainment_frac = ts_value_number(slo, "attainment");
}

static double from_region(struct ts_loader *loader, struct ts_value *money, const char *key,
                          const struct ts_region *region, double value, const char *unit)
{
    if (ts_value_is_set(money, key)) {
        return ts_value_number(money, key);
    }
    const char *path = ts_loader_printf(loader, "money.%s", key);
    const char *source = ts_loader_printf(loader, "regions.csv: %s, %s", region->name, region->source);
    if (value <= 0.0) {
        ts_loader_assume(loader, path, TS_ORIGIN_CATALOG, source, "unknown, counted as 0 %s", unit);
        ts_loader_warning(loader, ts_value_at(money, "region"), ts_loader_printf(loader, "write %s: under money", key),
                          "the catalog has no %s for %s", key, region->name);
        return 0.0;
    }
    ts_loader_assume_number(loader, path, TS_ORIGIN_CATALOG, source, value, unit);
    return value;
}

/* Prices of what no tier of the scenario has. */
static void settle_prices(struct ts_loader *loader, struct ts_value *money)
{
    struct ts_value *power = ts_value_at(loader->root, "power");
    struct ts_value *tiers = ts_value_at(loader->root, "tiers");
    bool any_api = false, any_server = false, any_owned = false, any_staff = false;
    for (size_t i = 0; i < tiers->n_children; i++) {
        struct ts_value *tier = &tiers->children[i];
        const bool api = is_of_kind(tier, "api");
        const struct ts_value *staff = tier->n_children > 0 && !api ? ts_value_at(tier, "owned.staff") : NULL;
        any_api = any_api || api;
        any_server = any_server || is_of_kind(tier, "server");
        any_owned = any_owned || !api;
        any_staff = any_staff || (staff && staff->number > 0.0);
    }
    ts_value_counts_if(money, "salary", any_staff, "no tier has owned: {staff: ...}");
    ts_value_counts_if(money, "api_price_decline", any_api, "no tier is an API");
    ts_value_counts_if(power, "pue", any_server, "no tier is a server");
    ts_value_counts_if(money, "electricity", any_owned, "every tier is an API: its provider pays for the power");
    ts_value_counts_if(money, "carbon", any_owned, "every tier is an API: its provider's carbon is not known");
}

/* A rate is meant for the period that it is written for, and compounds: 15 %/year is 1.15^(1/12) - 1 a month, not 1.25
 * %. `number` is the rate in proportion, a month. */
static double growth_per_month(struct ts_value *money)
{
    static const struct {
        const char *period;
        double n_months;
    } periods[] = {{"/year", 12.0}, {"/week", 168.0 / 730.0}, {"/day", 24.0 / 730.0}};
    const double number = ts_value_number(money, "growth");
    const struct ts_value *value = ts_value_at(money, "growth");
    for (size_t i = 0; value && value->shown && i < sizeof periods / sizeof periods[0]; i++) {
        if (strstr(value->shown, periods[i].period)) {
            return pow(fmax(1.0 + number * periods[i].n_months, 0.01), 1.0 / periods[i].n_months) - 1.0;
        }
    }
    return number;
}

/* "2027-01" */
static uint32_t start_month(struct ts_loader *loader, struct ts_value *money)
{
    const char *text = ts_value_text(money, "start");
    uint64_t year = 0, month = 0;
    const bool good = text && strlen(text) == 7 && text[4] == '-' && ts_parse_u64(&year, text, 4) &&
                      ts_parse_u64(&month, text + 5, 2) && year > 0 && month >= 1 && month <= 12;
    if (text && !good) {
        ts_loader_error(loader, ts_value_at(money, "start"), "write for example '2027-01'", "'%s' is no month", text);
    }
    return good ? (uint32_t)(year * 12 + month - 1) : 0;
}

/* YYYY-MM-DD */
static bool is_date(const char *text)
{
    uint64_t year = 0, month = 0, day = 0;
    return strlen(text) == 10 && text[4] == '-' && text[7] == '-' && ts_parse_u64(&year, text, 4) &&
           ts_parse_u64(&month, text + 5, 2) && ts_parse_u64(&day, text + 8, 2) && month >= 1 && month <= 12 &&
           day >= 1 && day <= 31;
}

static const char *rates_in_words(struct ts_loader *loader, struct ts_value *rates)
{
    struct ts_text text;
    ts_text_init(&text);
    for (size_t i = 0; i < rates->n_children; i++) {
        struct ts_value *rate = &rates->children[i];
        const char *date = ts_value_text(rate, "date");
        ts_text_printf(&text, "%s1 %s = ", i > 0 ? ", " : "", rate->name);
        ts_text_number(&text, ts_value_number(rate, "usd"), 6);
        ts_text_printf(&text, " USD (%s)", date ? date : "");
    }
    return ts_loader_keep(loader, &text);
}

static void resolve_currency(struct ts_loader *loader, struct ts_value *money)
{
    const struct ts_currencies *currencies = &loader->currencies;
    struct ts_value *rates = ts_value_at(money, "rates");
    const char *code = ts_value_text(money, "currency");
    bool found = code && ts_str_equal(code, "USD");
    for (size_t i = 0; i < rates->n_children; i++) {
        struct ts_value *rate = &rates->children[i];
        const char *date = ts_value_text(rate, "date");
        bool used = false;
        for (size_t k = 0; k < currencies->n; k++) {
            used = used || (currencies->known[k].used && ts_str_equal(currencies->known[k].code, rate->name));
        }
        ts_value_counts_if(rate, "usd", used, "no price is in it");
        ts_value_counts_if(rate, "date", used, "no price is in it");
        (void)ts_value_number(rate, "usd");
        found = found || (code && ts_str_equal(code, rate->name));
        if (date && !is_date(date)) {
            ts_loader_error(loader, ts_value_at(rate, "date"), "write for example '2026-11-27'", "'%s' is no date",
                            date);
        }
    }
    if (rates->n_children > TS_MAX_CURRENCIES) {
        ts_loader_error(loader, rates, NULL, "more than %d currencies", TS_MAX_CURRENCIES);
    }
    if (!found && code) {
        ts_loader_error(loader, ts_value_at(money, "currency"),
                        ts_loader_printf(loader, "write it: rates: {%s: {usd: 1.08, date: 2026-11-27}}", code),
                        "there is no rate of '%s'", code);
    }
    loader->model->money.currency = currencies->code;
    loader->model->money.rates = rates->n_children > 0 ? rates_in_words(loader, rates) : NULL;
}

static void resolve_tariff(struct ts_loader *loader, struct ts_value *money, struct ts_money_model *out)
{
    struct ts_value *peak = ts_value_at(money, "peak");
    out->tariff =
        (struct ts_tariff_model){.peak_usd_per_kwh = NAN, .demand_usd_per_kw = ts_value_number(money, "demand_charge")};
    if (ts_value_is_written(money, "peak") && !peak->broken) {
        out->tariff.peak_usd_per_kwh = ts_value_number(peak, "price");
        out->tariff.peak_from_hour = ts_value_number(peak, "from");
        out->tariff.peak_to_hour = ts_value_number(peak, "to");
        if (!(out->tariff.peak_to_hour > out->tariff.peak_from_hour)) {
            ts_loader_error(loader, ts_value_at(peak, "to"), NULL, "peak hours end before they begin");
        }
    }
    loader->model->start_hour = loader->workload->trace_path ? 0.0 : loader->workload->window.start_hour;
}

static void resolve_money(struct ts_loader *loader)
{
    struct ts_value *money = ts_value_at(loader->root, "money");
    struct ts_money_model *out = &loader->model->money;
    if (money->broken) {
        return;
    }
    const struct ts_region *region = ts_catalog_region(&loader->catalog, ts_value_text(money, "region"));
    if (!region) {
        return;
    }
    resolve_currency(loader, money);
    settle_prices(loader, money);
    out->region = region->name;
    out->electricity_usd_per_kwh =
        from_region(loader, money, "electricity", region, region->electricity_usd_per_kwh, "USD/kWh");
    out->carbon_g_per_kwh = from_region(loader, money, "carbon", region, region->carbon_g_per_kwh, "g/kWh");
    out->start_month = start_month(loader, money);
    out->horizon_months = (uint32_t)(ts_value_number(money, "horizon") + 0.5);
    out->discount_frac_per_year = ts_value_number(money, "discount");
    out->growth_frac_per_month = growth_per_month(money);
    out->api_price_decline_frac_per_year = ts_value_number(money, "api_price_decline");
    out->hardware_price_decline_frac_per_year = ts_value_number(money, "hardware_price_decline");
    out->salary_usd_per_year = ts_value_number(money, "salary");
    out->present_usd_per_month = ts_value_number_or(money, "present", NAN);
    out->tax_frac = ts_value_number(money, "tax");
    ts_value_counts_if(money, "depreciation", out->tax_frac > 0.0, "there is no tax: write money: {tax: 25 %}");
    out->depreciation = (enum ts_depreciation)ts_value_choice(money, "depreciation");
    resolve_tariff(loader, money, out);
}

static void resolve_limits(struct ts_loader *loader)
{
    struct ts_value *limits = ts_value_at(loader->root, "limits");
    struct ts_limits_model *out = &loader->model->limits;
    if (limits->broken) {
        return;
    }
    out->min_attainment_frac = ts_value_number_or(limits, "attainment", NAN);
    out->max_cost_usd_per_month = ts_value_number_or(limits, "cost_per_month", NAN);
    out->max_ttft_p95_s = ts_value_number_or(limits, "ttft_p95", NAN);
    out->max_payback_months = ts_value_number_or(limits, "payback", NAN);
    out->min_quality_frac = ts_value_number_or(limits, "quality", NAN);
    out->max_power_w = ts_value_number_or(limits, "power", NAN);
}

void ts_resolve_plain(struct ts_loader *loader)
{
    struct ts_value *simulation = ts_value_at(loader->root, "simulation");
    resolve_slo(loader);
    resolve_money(loader);
    resolve_limits(loader);
    if (!simulation->broken) {
        loader->model->patience_s = ts_value_number(simulation, "patience");
        loader->model->drain_s = ts_value_number(simulation, "drain");
        loader->model->series_bin_s = ts_value_number(simulation, "series_bin");
    }
}
