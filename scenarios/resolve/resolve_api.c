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
                          "no call can earn the price of cached input: %s what its prompts begin with",
                          loader->workload->trace_path ? "the trace does not tell"
                                                       : "a generated workload does not tell");
    }
}

static void resolve_offer(struct ts_loader *loader, struct ts_value *item, struct ts_offer *offer)
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
                        n > 1 ? "'%s' fits several rows of the price catalog"
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
    offer->call_usd = ts_value_number(item, "call");
    offer->source = source && !inline_prices ? source : "written in the scenario";
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
    for (size_t i = 0; i < offers->n_children; i++) {
        resolve_offer(loader, &offers->children[i], &api->offers[i]);
    }
    api->n_offers = (uint32_t)offers->n_children;
    ts_value_counts_if(value, "prompt_cache", loader->model->prompts_are_told,
                       "requests do not tell what their prompts begin with");
    if (loader->model->prompts_are_told) {
        api->cache = (struct ts_prompt_cache_model){.life_s = ts_value_number(value, "prompt_cache.life"),
                                                    .least_tok = ts_value_count(value, "prompt_cache.least")};
    }
    api->ttft_s = ts_value_dist(value, "ttft");
    api->tok_per_s = ts_value_dist(value, "rate");
    api->requests_per_s = ts_value_number(value, "limits.requests");
    api->input_tok_per_s = ts_value_number(value, "limits.input");
    api->output_tok_per_s = ts_value_number(value, "limits.output");
    const bool fails = ts_value_at(value, "availability")->number < 1.0 || ts_value_is_written(value, "limits");
    ts_value_counts_if(value, "retries", fails, "no call fails, and none is limited");
    ts_value_counts_if(value, "backoff", fails && ts_value_at(value, "retries")->number > 0.0,
                       "nothing is tried again");
    api->availability_frac = ts_value_number(value, "availability");
    api->max_retries = ts_value_count(value, "retries");
    api->retry_s = ts_value_number(value, "backoff");
    ctx->tier->model = api->offers[0].name;
    ctx->tier->hardware = "API";
}
