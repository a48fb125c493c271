/* Hides how offers by name become price sheets. */
#include "scenarios/language/loader.h"

static double price(struct ts_loader *loader, struct ts_value *item, const char *key, double listed, const char *source)
{
    if (ts_value_is_set(item, key)) {
        return ts_value_number(item, key);
    }
    ts_loader_assume_number(loader, ts_loader_printf(loader, "%s.%s", item->path, key),
                            source ? TS_ORIGIN_CATALOG : TS_ORIGIN_DEFAULT,
                            source ? source : "no discount for cached tokens", listed, "USD/Mtok");
    return listed;
}

/* A discount that nothing can earn. Whether a trace tells of its prompts, the run says. */
static void check_cached(struct ts_loader *loader, struct ts_value *item, const struct ts_offer *offer)
{
    if (!offer->cached_is_written) {
        return;
    }
    if (offer->cached_input_usd_per_mtok > offer->input_usd_per_mtok) {
        ts_loader_warning(loader, ts_value_at(item, "cached_input"), NULL,
                          "prompt tokens found in the cache cost more than others, which cost %.4g USD/Mtok",
                          offer->input_usd_per_mtok);
    }
    if (!loader->model->prompts_are_told) {
        ts_loader_warning(loader, ts_value_at(item, "cached_input"),
                          "replay a trace with prefix ids (mooncake, qwen-bailian, ragpulse, llmservingsim), give a "
                          "class a session, or leave it out",
                          "no call can get the price of cached input: %s what its prompts start with",
                          loader->workload->trace_path ? "the trace does not say"
                                                       : "a generated workload does not say");
    }
}

/* What calls with long prompts cost: as written, or as the catalog has it of its own rows. */
static void resolve_long(struct ts_loader *loader, struct ts_value *item, const struct ts_price *row,
                         struct ts_offer *offer)
{
    uint32_t over_tok = 0;
    const struct ts_price *listed = row ? ts_catalog_long_price(&over_tok, &loader->catalog, row->name) : NULL;
    if (ts_value_is_written(item, "long")) {
        offer->long_over_tok = ts_value_count(item, "long.over");
        offer->long_input_usd_per_mtok = ts_value_number(item, "long.input");
        offer->long_output_usd_per_mtok = ts_value_number(item, "long.output");
        offer->long_cached_input_usd_per_mtok =
            ts_value_number_or(item, "long.cached_input", offer->long_input_usd_per_mtok);
    } else if (listed) {
        offer->long_over_tok = over_tok;
        offer->long_input_usd_per_mtok = listed->input_usd_per_mtok;
        offer->long_output_usd_per_mtok = listed->output_usd_per_mtok;
        offer->long_cached_input_usd_per_mtok =
            listed->cached_input_usd_per_mtok > 0.0 ? listed->cached_input_usd_per_mtok : listed->input_usd_per_mtok;
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.long", item->path), TS_ORIGIN_CATALOG,
                         ts_loader_printf(loader, "prices.csv: %s, %s", listed->name, listed->date),
                         "prompts over %u tok: %.4g and %.4g %s/Mtok", (unsigned)over_tok, listed->input_usd_per_mtok,
                         listed->output_usd_per_mtok, loader->currencies.code);
    }
}

/* What the provider takes for tokens that its cache takes in. */
static void resolve_cache_write(struct ts_loader *loader, struct ts_value *item, const struct ts_price *row,
                                struct ts_offer *offer)
{
    const bool written = ts_value_is_set(item, "cache_write");
    if (written) {
        offer->cache_write_usd_per_mtok = ts_value_number(item, "cache_write");
    } else if (row && row->cache_write_usd_per_mtok > 0.0) {
        offer->cache_write_usd_per_mtok = row->cache_write_usd_per_mtok;
        ts_loader_assume_number(loader, ts_loader_printf(loader, "%s.cache_write", item->path), TS_ORIGIN_CATALOG,
                                ts_loader_printf(loader, "prices.csv: %s, %s", row->name, row->date),
                                row->cache_write_usd_per_mtok, "USD/Mtok");
    }
}

/* Half of it, unless the catalog knows better. */
static void take_batch_prices(struct ts_loader *loader, struct ts_value *item, const struct ts_price *row,
                              struct ts_offer *offer)
{
    const bool listed = row && row->batch_input_usd_per_mtok > 0.0 && row->batch_output_usd_per_mtok > 0.0;
    const double of_input = listed ? row->batch_input_usd_per_mtok / row->input_usd_per_mtok : 0.5;
    const double of_output = listed ? row->batch_output_usd_per_mtok / row->output_usd_per_mtok : 0.5;
    offer->input_usd_per_mtok *= of_input;
    offer->cached_input_usd_per_mtok *= of_input;
    offer->cache_write_usd_per_mtok *= of_input;
    offer->long_input_usd_per_mtok *= of_input;
    offer->long_cached_input_usd_per_mtok *= of_input;
    offer->output_usd_per_mtok *= of_output;
    offer->long_output_usd_per_mtok *= of_output;
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.batch", item->path),
                     listed ? TS_ORIGIN_CATALOG : TS_ORIGIN_DEFAULT,
                     listed ? ts_loader_printf(loader, "prices.csv: %s, %s", row->name, row->date)
                            : "OpenAI, Anthropic and Google: half of the price, within 24 h",
                     "%.3g and %.3g of the prices of input and output", of_input, of_output);
}

static double unit_tok_per_s(struct ts_loader *loader, struct ts_value *item, const struct ts_offer *offer)
{
    const struct ts_provision *row = offer->name ? ts_catalog_provision(&loader->catalog, offer->name) : NULL;
    const unsigned units = ts_value_count(item, "provisioned.units");
    if (ts_value_is_written(item, "provisioned.input")) {
        return ts_value_number(item, "provisioned.input");
    }
    if (!row) {
        ts_loader_error(loader, ts_value_at(item, "provisioned"), "write input: 3000 tok/min, what a unit takes",
                        "the catalog has no capacity of a provisioned unit of '%s'", offer->name);
        return 1.0;
    }
    if (units < row->minimum || (units - row->minimum) % row->step != 0) {
        ts_loader_warning(loader, ts_value_at(item, "provisioned.units"), NULL,
                          "the minimum is %u units, in steps of %u (%s)", row->minimum, row->step, row->date);
    }
    ts_loader_assume_number(loader, ts_loader_printf(loader, "%s.provisioned.input", item->path), TS_ORIGIN_CATALOG,
                            ts_loader_printf(loader, "provisioned.csv: %s, %s, %s", row->model, row->date, row->source),
                            row->input_tok_per_s, "tok/s");
    return row->input_tok_per_s;
}

/* A unit at full load is worth its tokens by the token: below which share of that they would be cheaper. */
static void tell_break_even(struct ts_loader *loader, const struct ts_value *item, const struct ts_offer *offer)
{
    const double month_s = 730.0 * 3600.0;
    const double full_usd = offer->provisioned.tok_per_s * month_s * offer->input_usd_per_mtok * 1e-6;
    if (full_usd > 0.0) {
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.provisioned.break_even", item->path), TS_ORIGIN_MODELLED,
                         "price of the units over that of their prompt tokens one by one", "%.3g %% of what they take",
                         100.0 * offer->provisioned.usd_per_month / full_usd);
    }
}

static void resolve_provisioned(struct ts_loader *loader, struct ts_value *item, struct ts_offer *offer)
{
    if (!ts_value_is_written(item, "provisioned") || ts_value_at(item, "provisioned")->broken) {
        return;
    }
    const double h_per_month = 730.0, units = ts_value_count(item, "provisioned.units");
    double weight = offer->input_usd_per_mtok > 0.0 ? offer->output_usd_per_mtok / offer->input_usd_per_mtok : 1.0;
    if (ts_value_is_written(item, "provisioned.output_weight")) {
        weight = ts_value_number(item, "provisioned.output_weight");
    } else {
        ts_loader_assume_number(loader, ts_loader_printf(loader, "%s.provisioned.output_weight", item->path),
                                TS_ORIGIN_MODELLED, "price of output over that of input", weight, "1");
    }
    offer->provisioned =
        (struct ts_provisioned){.units = units,
                                .tok_per_s = units * unit_tok_per_s(loader, item, offer),
                                .output_weight = weight,
                                .usd_per_month = units * ts_value_number(item, "provisioned.price") * h_per_month};
    tell_break_even(loader, item, offer);
}

static void resolve_offer(struct ts_loader *loader, struct ts_value *item, bool batch, struct ts_offer *offer)
{
    const char *name = ts_value_text(item, "name");
    bool inline_prices = ts_value_is_set(item, "input") && ts_value_is_set(item, "output");
    const char *names[6];
    size_t n = ts_catalog_matches(&loader->catalog, "price", name, names, 6);
    const struct ts_price *row = ts_catalog_price(&loader->catalog, name);
    if (ts_value_is_set(item, "input") != ts_value_is_set(item, "output")) {
        ts_loader_error(loader, ts_value_at(item, "name"), "write both, or neither for the catalog's",
                        "offer '%s': 'input' and 'output' go together", name);
        return;
    }
    if (!row && !inline_prices) {
        const char *near = ts_catalog_suggest(&loader->catalog, "price", name);
        const char *hint = n > 1  ? ts_loader_printf(loader, "among them '%s' and '%s'", names[0], names[1])
                           : near ? ts_loader_printf(loader, "did you mean '%s'?", near)
                                  : "write {name: ..., input: 2.5 USD/Mtok, output: 10 USD/Mtok}";
        ts_loader_error(loader, ts_value_at(item, "name"), hint,
                        n > 1 ? "'%s' matches several rows of the price catalog"
                              : "unknown offer '%s': the price catalog does not have it",
                        name);
        return;
    }
    const char *source = row ? ts_loader_printf(loader, "prices.csv: %s, %s%s%s", row->name, row->date,
                                                row->date[0] ? ", " : "", row->source)
                             : NULL;
    offer->name = row && !inline_prices ? row->name : name;
    offer->input_usd_per_mtok = price(loader, item, "input", row ? row->input_usd_per_mtok : 0.0, source);
    offer->output_usd_per_mtok = price(loader, item, "output", row ? row->output_usd_per_mtok : 0.0, source);
    bool cached = row && !inline_prices && row->cached_input_usd_per_mtok > 0.0;
    offer->cached_input_usd_per_mtok =
        price(loader, item, "cached_input", cached ? row->cached_input_usd_per_mtok : offer->input_usd_per_mtok,
              cached ? source : NULL);
    offer->cached_is_written = ts_value_is_written(item, "cached_input");
    check_cached(loader, item, offer);
    ts_value_counts_if(item, "cache_write", loader->model->prompts_are_told,
                       "requests do not say what their prompts start with");
    resolve_cache_write(loader, item, inline_prices ? NULL : row, offer);
    resolve_long(loader, item, inline_prices ? NULL : row, offer);
    resolve_provisioned(loader, item, offer);
    if (batch) {
        take_batch_prices(loader, item, inline_prices ? NULL : row, offer);
    }
    offer->call_usd = ts_value_number(item, "call");
    offer->source = source && !inline_prices ? source : "written in the scenario";
}

/* ---- how much ---- */

static void take_account(struct ts_loader *loader, struct ts_value *item, struct ts_offer *offer)
{
    const char *account = ts_value_text(item, "account");
    struct ts_text known;
    ts_text_init(&known);
    const struct ts_provider_account *row =
        ts_catalog_account(&loader->catalog, offer->name ? offer->name : "", account, &known);
    const char *listed = ts_loader_keep(loader, &known);
    if (!row) {
        const char *hint = listed[0] ? ts_loader_printf(loader, "one of: %s", listed)
                                     : "write the tier's limits: {requests: 500 /min, input: 30 ktok/min}";
        ts_loader_error(loader, ts_value_at(item, "account"), hint, "the catalog has no rate limits of '%s' at '%s'",
                        offer->name, account);
    } else {
        offer->requests_per_s = row->requests_per_s;
        offer->input_tok_per_s = row->input_tok_per_s;
        offer->output_tok_per_s = row->output_tok_per_s;
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.limits", item->path), TS_ORIGIN_CATALOG,
                         ts_loader_printf(loader, "accounts.csv: %s, %s, %s", row->offer, row->account, row->source),
                         "%.4g calls, %.4g prompt tokens, %.4g tokens of replies a minute (0: not limited)",
                         row->requests_per_s * 60.0, row->input_tok_per_s * 60.0, row->output_tok_per_s * 60.0);
    }
}

/* Of calls that are paid by the token. Is anything limited? */
static bool resolve_limits(struct ts_loader *loader, struct ts_value *value, struct ts_value *offers,
                           struct ts_api_model *api)
{
    bool is_limited = false;
    for (uint32_t i = 0; i < api->n_offers; i++) {
        struct ts_offer *offer = &api->offers[i];
        const bool has_account = ts_value_is_written(&offers->children[i], "account");
        is_limited =
            is_limited || offer->provisioned.units > 0.0 || has_account || ts_value_is_written(value, "limits");
        ts_value_counts_if(&offers->children[i], "account", !(offer->provisioned.units > 0.0),
                           "provisioned throughput has no other limit");
        if (offer->provisioned.units > 0.0) {
            continue;
        }
        if (has_account) {
            take_account(loader, &offers->children[i], offer);
            continue;
        }
        offer->requests_per_s = ts_value_number(value, "limits.requests");
        offer->input_tok_per_s = ts_value_number(value, "limits.input");
        offer->output_tok_per_s = ts_value_number(value, "limits.output");
    }
    return is_limited;
}

/* ---- how fast ---- */

static const struct ts_dist *keep(struct ts_loader *loader, struct ts_dist dist)
{
    struct ts_dist *kept = ts_loader_array(loader, 1, sizeof *kept);
    if (kept) {
        *kept = dist;
    }
    return kept;
}

static void tell_speed(struct ts_loader *loader, const char *key, const struct ts_speed *row, double value,
                       const char *unit, const char *spread)
{
    ts_loader_assume_number(loader, key, TS_ORIGIN_CATALOG,
                            ts_loader_printf(loader, "speeds.csv: %s, %s, %s, confidence %s, %s; %s", row->name,
                                             row->stat, row->date, row->confidence, row->source, spread),
                            value, unit);
}

const struct ts_speed *ts_resolve_speed(struct ts_loader *loader, const char *offer, const struct ts_dist **ttft_s,
                                        const struct ts_dist **tok_per_s)
{
    const double ttft_spread = 2.0, rate_spread = 1.25; /* p95 over the median: assumed */
    const struct ts_speed *row = ts_catalog_speed(&loader->catalog, offer);
    *ttft_s = *tok_per_s = NULL;
    if (row && row->ttft_s > 0.0) {
        *ttft_s = keep(loader, ts_dist_lognormal_median_p95(row->ttft_s, ttft_spread * row->ttft_s));
    }
    if (row) {
        *tok_per_s = keep(loader, ts_dist_lognormal_median_p95(row->tok_per_s, rate_spread * row->tok_per_s));
    }
    return row;
}

/* That of the catalog, where the scenario says nothing; within a provider calls differ less than providers do. */
static void resolve_speed(struct ts_loader *loader, struct ts_value *tier, const char *path, struct ts_offer *offer)
{
    const struct ts_dist *ttft_s, *tok_per_s;
    const struct ts_speed *row = ts_resolve_speed(loader, offer->name, &ttft_s, &tok_per_s);
    if (ttft_s && !ts_value_is_written(tier, "ttft")) {
        offer->ttft_s = ttft_s;
        tell_speed(loader, ts_loader_printf(loader, "%s.ttft", path), row, row->ttft_s, "s",
                   "p95 assumed at twice that");
    }
    if (tok_per_s && !ts_value_is_written(tier, "rate")) {
        offer->tok_per_s = tok_per_s;
        tell_speed(loader, ts_loader_printf(loader, "%s.rate", path), row, row->tok_per_s, "tok/s",
                   "p95 assumed at 1.25 times that");
    }
}

static void resolve_speeds(struct ts_loader *loader, struct ts_value *value, struct ts_value *offers, bool batch,
                           struct ts_api_model *api)
{
    bool needs_ttft = false, needs_rate = false;
    for (uint32_t i = 0; i < api->n_offers; i++) {
        if (!batch && api->offers[i].name) {
            resolve_speed(loader, value, offers->children[i].path, &api->offers[i]);
        }
        needs_ttft = needs_ttft || !api->offers[i].ttft_s;
        needs_rate = needs_rate || !api->offers[i].tok_per_s;
    }
    if (batch && !ts_value_is_written(value, "ttft")) {
        const double hour_s = 3600.0;
        api->ttft_s = ts_dist_lognormal_median_p95(hour_s, 12.0 * hour_s);
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.ttft.batch", value->path), TS_ORIGIN_DEFAULT,
                         "assumed: providers promise 24 h", "median 1 h, p95 12 h");
    } else if (needs_ttft) {
        api->ttft_s = ts_value_dist(value, "ttft");
    }
    if (needs_rate) {
        api->tok_per_s = ts_value_dist(value, "rate");
    }
}

/* A run goes on until its replies are there. */
static void drain_batch(struct ts_loader *loader, const struct ts_value *tier)
{
    const double day_s = 86400.0;
    struct ts_value *simulation = ts_value_at(loader->root, "simulation");
    if (!ts_value_is_written(simulation, "drain")) {
        loader->model->drain_s = day_s;
        ts_loader_assume_number(loader, ts_loader_printf(loader, "%s.batch.drain", tier->path), TS_ORIGIN_DEFAULT,
                                "simulation.drain, with a batch tier: replies come within 24 h", day_s, "s");
    }
}

void ts_resolve_api(struct ts_loader *loader, struct ts_tier_context *ctx)
{
    struct ts_value *value = ctx->value;
    struct ts_value *offers = ts_value_at(value, "offers");
    struct ts_api_model *api = &ctx->tier->u.api;
    if (offers->n_children == 0 || offers->n_children > TS_MAX_OFFERS) {
        ts_loader_error(loader, offers, NULL, "%s", offers->n_children ? "more than 8 offers" : "there are no offers");
        return;
    }
    const bool batch = ts_value_flag(value, "batch");
    api->is_batch = batch;
    if (batch) {
        drain_batch(loader, value);
    }
    for (size_t i = 0; i < offers->n_children; i++) {
        resolve_offer(loader, &offers->children[i], batch, &api->offers[i]);
    }
    api->n_offers = (uint32_t)offers->n_children;
    ts_value_counts_if(value, "prompt_cache", loader->model->prompts_are_told,
                       "requests do not say what their prompts start with");
    if (loader->model->prompts_are_told) {
        api->cache = (struct ts_prompt_cache_model){.life_s = ts_value_number(value, "prompt_cache.life"),
                                                    .least_tok = ts_value_count(value, "prompt_cache.least")};
    }
    resolve_speeds(loader, value, offers, batch, api);
    api->hidden_tok = ts_value_dist(value, "reasoning");
    const bool is_limited = resolve_limits(loader, value, offers, api);
    const bool fails = ts_value_at(value, "availability")->number < 1.0 || is_limited;
    ts_value_counts_if(value, "retries", fails, "no call fails, and none is rate-limited");
    ts_value_counts_if(value, "backoff", fails && ts_value_at(value, "retries")->number > 0.0,
                       "nothing is tried again");
    api->availability_frac = ts_value_number(value, "availability");
    api->max_retries = ts_value_count(value, "retries");
    api->retry_s = ts_value_number(value, "backoff");
    const bool limited = is_limited && api->max_retries > 0;
    ts_value_counts_if(value, "retry_after", limited, "rate-limited calls are not retried");
    api->heeds_retry_after = limited && ts_value_flag(value, "retry_after");
    ctx->tier->model = api->offers[0].name;
    ctx->tier->hardware = "API";
}
