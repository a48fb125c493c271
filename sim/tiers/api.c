/* Hides what a call to a cloud API meets: rate limits (429), failures, time to the first token and token rate drawn per
 * call. Back-off k (from 0) is uniform in (0, retry_s * 2^k): "full jitter" (M. Brooker, "Exponential backoff and
 * jitter", AWS Architecture Blog, 2015); after a 429 it comes on top of what Retry-After says, as official clients
 * heed it. A call that is refused or fails costs nothing; a call whose client gives up before the first token is not
 * billed either. Worked: 30,000 tokens a minute at 1,200 a call let 25 calls a minute through, 36,000 a day. */
#include "sim/tiers/api.h"

#include <math.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/units.h"
#include "sim/incidents.h"
#include "sim/serving/steptime.h"
#include "sim/tiers/prompt_cache.h"

enum { BUCKET_REQUESTS, BUCKET_INPUT, BUCKET_OUTPUT, BUCKET_PROVISIONED, N_BUCKETS };

struct api {
    const struct ts_api_model *model;
    uint32_t context_tok;
    struct ts_prompt_cache cache; /* of all offers: none finds what another one has seen */
    struct ts_bucket buckets[TS_MAX_OFFERS][N_BUCKETS];
};

/* ---- buckets ---- */

struct ts_bucket ts_bucket_of_rate(double per_s)
{
    const double minute_s = 60.0;
    return (struct ts_bucket){.per_s = per_s, .capacity = per_s * minute_s, .level = per_s * minute_s};
}

bool ts_bucket_has(struct ts_bucket *bucket, int64_t now_ns, double amount)
{
    const double rounding = 1e-9; /* of the capacity */
    if (!(bucket->per_s > 0.0)) {
        return true;
    }
    bucket->level =
        fmin(bucket->capacity, bucket->level + bucket->per_s * ((double)(now_ns - bucket->filled_ns) * 1e-9));
    bucket->filled_ns = now_ns;
    return bucket->level >= amount - rounding * bucket->capacity;
}

void ts_bucket_take(struct ts_bucket *bucket, double amount)
{
    if (bucket->per_s > 0.0) {
        bucket->level -= amount;
    }
}

static double amount_of(int bucket, const struct ts_offer *offer, const struct ts_request *request)
{
    const double in = (double)request->prompt_tok, out = (double)request->output_tok;
    return bucket == BUCKET_REQUESTS      ? 1.0
           : bucket == BUCKET_INPUT       ? in
           : bucket == BUCKET_PROVISIONED ? in + offer->provisioned.output_weight * out
                                          : out;
}

static bool has_room(struct api *api, uint32_t offer, int64_t now_ns, const struct ts_request *request)
{
    bool room = true;
    for (int b = 0; b < N_BUCKETS; b++) {
        room =
            ts_bucket_has(&api->buckets[offer][b], now_ns, amount_of(b, &api->model->offers[offer], request)) && room;
    }
    return room;
}

static void take(struct api *api, struct ts_account *account, uint32_t offer, const struct ts_request *request)
{
    const struct ts_offer *model = &api->model->offers[offer];
    for (int b = 0; b < N_BUCKETS; b++) {
        ts_bucket_take(&api->buckets[offer][b], amount_of(b, model, request));
    }
    account->provisioned_tok += model->provisioned.units > 0.0 ? amount_of(BUCKET_PROVISIONED, model, request) : 0.0;
}

/* ---- life ---- */

static void api_destroy(struct ts_tier *tier)
{
    struct api *api = tier->state;
    if (api) {
        ts_prompt_cache_deinit(&api->cache);
    }
    free(api);
    tier->state = NULL;
}

static enum ts_status api_create(struct ts_tier *tier, struct ts_engine *engine)
{
    (void)engine;
    const struct ts_api_model *model = &tier->model->u.api;
    TS_CHECK(model->n_offers >= 1 && model->n_offers <= TS_MAX_OFFERS);
    struct api *api = calloc(1, sizeof *api);
    if (!api) {
        return TS_ENOMEM;
    }
    api->model = model;
    api->context_tok = tier->model->context_tok;
    api->cache = ts_prompt_cache_of(&model->cache);
    for (uint32_t i = 0; i < model->n_offers; i++) {
        const struct ts_offer *offer = &model->offers[i];
        api->buckets[i][BUCKET_REQUESTS] = ts_bucket_of_rate(offer->requests_per_s);
        api->buckets[i][BUCKET_INPUT] = ts_bucket_of_rate(offer->input_tok_per_s);
        api->buckets[i][BUCKET_OUTPUT] = ts_bucket_of_rate(offer->output_tok_per_s);
        api->buckets[i][BUCKET_PROVISIONED] = ts_bucket_of_rate(offer->provisioned.tok_per_s);
    }
    tier->state = api;
    return TS_OK;
}

/* ---- calls ---- */

/* Does an incident of that kind strike a call to that offer? */
static bool is_struck(const struct ts_tier *tier, const struct ts_engine *engine, const struct ts_flight *flight,
                      uint32_t offer, enum ts_incident_kind kind)
{
    const double share = ts_incidents_share(engine, tier->index, (int)offer, kind);
    if (share <= 0.0 || share >= 1.0) {
        return share >= 1.0;
    }
    struct ts_rng rng;
    const uint32_t draw = flight->number << 16 | (uint32_t)flight->n_retries << 8 | offer << 1 | (uint32_t)kind;
    ts_engine_rng(engine, &rng, &flight->request, TS_PURPOSE_INCIDENT, tier->key, draw);
    return ts_rng_uniform(&rng) < share;
}

/* The first offer that takes the call now; n_offers if none does, and why the last one does not. Draws once an offer
 * that has room: is it up? */
static uint32_t choose_offer(struct ts_tier *tier, struct ts_engine *engine, const struct ts_flight *flight,
                             struct ts_rng *rng, enum ts_reason *reason)
{
    struct api *api = tier->state;
    const bool any = engine->incidents != 0;
    for (uint32_t i = 0; i < api->model->n_offers; i++) {
        if (!has_room(api, i, engine->now_ns, &flight->request) ||
            (any && is_struck(tier, engine, flight, i, TS_INCIDENT_THROTTLED))) {
            engine->ledger.accounts[tier->index].n_throttled++;
            *reason = TS_REASON_THROTTLED;
            continue;
        }
        if (ts_rng_uniform(rng) > api->model->availability_frac) {
            *reason = TS_REASON_FAILED;
        } else if (any && is_struck(tier, engine, flight, i, TS_INCIDENT_DOWN)) {
            *reason = TS_REASON_DOWN;
        } else {
            return i;
        }
    }
    return api->model->n_offers;
}

/* Draws nothing where nothing is drawn. */
static uint32_t hidden_tok(const struct ts_api_model *model, struct ts_rng *rng)
{
    const double most = 1e8;
    if (ts_dist_is_constant(&model->hidden_tok)) {
        return (uint32_t)ts_dist_mean(&model->hidden_tok);
    }
    return (uint32_t)fmin(fmax(ts_dist_sample(&model->hidden_tok, rng), 0.0) + 0.5, most);
}

static void begin_reply(const struct api *api, struct ts_engine *engine, uint32_t id, struct ts_rng *rng)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const double slowest_tok_per_s = 1e-3;
    const struct ts_offer *offer = &api->model->offers[flight->offer];
    const double ttft_s = ts_dist_sample(offer->ttft_s ? offer->ttft_s : &api->model->ttft_s, rng);
    const double tok_per_s =
        fmax(ts_dist_sample(offer->tok_per_s ? offer->tok_per_s : &api->model->tok_per_s, rng), slowest_tok_per_s);
    flight->hidden_tok = hidden_tok(api->model, rng);
    flight->start_ns = engine->now_ns;
    flight->first_ns = engine->now_ns + ts_steptime_ns(ttft_s + flight->hidden_tok / tok_per_s);
    const int64_t end_ns = flight->first_ns + ts_ns_from_s((flight->request.output_tok - 1) / tok_per_s);
    ts_engine_schedule_flight(engine, end_ns, TS_EVENT_SERVICE, id);
    ts_engine_expect_first(engine, id);
}

static void look_up_prompt(struct ts_tier *tier, struct ts_engine *engine, struct ts_flight *flight)
{
    struct api *api = tier->state;
    if (flight->request.prefix.n_ids == 0 || api->cache.life_ns == 0) {
        return;
    }
    struct ts_pool_account *account = &engine->ledger.pools[ts_model_first_pool(engine->model, tier->index)];
    ts_engine_fail(engine, ts_prompt_cache_meet(&flight->found_tok, &api->cache, flight->offer, &flight->request,
                                                engine->now_ns, flight->first_ns));
    const uint32_t whole_tok =
        flight->request.prompt_tok / TS_PROMPT_CACHE_BLOCK_TOK * (uint32_t)TS_PROMPT_CACHE_BLOCK_TOK;
    flight->written_tok =
        whole_tok >= api->cache.least_tok && whole_tok > flight->found_tok ? whole_tok - flight->found_tok : 0;
    account->looked_up_tok += flight->request.prompt_tok;
    account->found_tok += flight->found_tok;
}

/* What the first offer tells a call that its limits turn away: how long until they have room. 0: they have, or not
 * within a minute, which clients do not wait for. */
static double retry_after_s(struct api *api, const struct ts_engine *engine, const struct ts_request *request)
{
    const double longest_s = 60.0;
    double after_s = 0.0;
    for (int b = 0; api->model->heeds_retry_after && b < N_BUCKETS; b++) {
        struct ts_bucket *bucket = &api->buckets[0][b];
        const double amount = amount_of(b, &api->model->offers[0], request);
        if (!ts_bucket_has(bucket, engine->now_ns, amount)) {
            after_s = fmax(after_s, (amount - bucket->level) / bucket->per_s);
        }
    }
    return after_s <= longest_s ? after_s : 0.0;
}

static void back_off(struct ts_tier *tier, struct ts_engine *engine, uint32_t id, struct ts_rng *rng,
                     enum ts_reason reason)
{
    struct api *api = tier->state;
    struct ts_flight *flight = ts_engine_flight(engine, id);
    if (flight->n_retries >= api->model->max_retries || flight->n_retries == UINT8_MAX) {
        ts_engine_turn_away(engine, id, reason);
        return;
    }
    const double wait_s = retry_after_s(api, engine, &flight->request) +
                          ts_rng_uniform(rng) * ldexp(api->model->retry_s, flight->n_retries);
    flight->n_retries++;
    engine->ledger.accounts[tier->index].n_retries++;
    ts_engine_schedule_flight(engine, engine->now_ns + ts_steptime_ns(wait_s), TS_EVENT_RETRY, id);
}

static void call(struct ts_tier *tier, struct ts_engine *engine, uint32_t id)
{
    struct api *api = tier->state;
    struct ts_flight *flight = ts_engine_flight(engine, id);
    struct ts_rng rng;
    ts_engine_rng(engine, &rng, &flight->request, TS_PURPOSE_API, tier->key, flight->number << 8 | flight->n_retries);
    enum ts_reason reason = TS_REASON_NONE;
    const uint32_t offer = choose_offer(tier, engine, flight, &rng, &reason);
    if (offer == api->model->n_offers) {
        back_off(tier, engine, id, &rng, reason);
        return;
    }
    take(api, &engine->ledger.accounts[tier->index], offer, &flight->request);
    flight->offer = (uint8_t)offer;
    begin_reply(api, engine, id, &rng);
    look_up_prompt(tier, engine, ts_engine_flight(engine, id));
}

/* ---- the functions of the tier ---- */

/* A call that is larger than a minute's worth of a limit would be refused for ever. */
static bool fits(const struct api *api, uint32_t offer, const struct ts_request *request)
{
    bool fits = true;
    for (int b = 0; b < N_BUCKETS; b++) {
        const struct ts_bucket *bucket = &api->buckets[offer][b];
        fits =
            fits && (!(bucket->per_s > 0.0) || amount_of(b, &api->model->offers[offer], request) <= bucket->capacity);
    }
    return fits;
}

static bool api_can_hold(const struct ts_tier *tier, const struct ts_request *request)
{
    const struct api *api = tier->state;
    const uint64_t n_tok = (uint64_t)request->prompt_tok + request->output_tok;
    bool any = false;
    for (uint32_t i = 0; i < api->model->n_offers && !any; i++) {
        any = fits(api, i, request);
    }
    return any && (api->context_tok == 0 || n_tok <= api->context_tok);
}

/* 1 when the preferred offer would refuse the call now. */
static double api_pressure(const struct ts_tier *tier, const struct ts_engine *engine, const struct ts_request *request)
{
    struct api *api = tier->state;
    return has_room(api, 0, engine->now_ns, request) ? 0.0 : 1.0;
}

static bool api_enter(struct ts_tier *tier, struct ts_engine *engine, uint32_t id)
{
    ts_engine_flight(engine, id)->n_retries = 0;
    ts_engine_accept(engine, id);
    call(tier, engine, id);
    return true;
}

static void api_fire(struct ts_tier *tier, struct ts_engine *engine, enum ts_event_kind kind, uint32_t target,
                     uint32_t stamp)
{
    (void)stamp;
    if (kind == TS_EVENT_RETRY) {
        call(tier, engine, target);
    } else {
        TS_CHECK(kind == TS_EVENT_SERVICE);
        ts_engine_finish(engine, target, TS_DONE);
    }
}

/* Its events are stale once it has gone. */
static void api_abandon(struct ts_tier *tier, struct ts_engine *engine, uint32_t id)
{
    (void)tier;
    (void)engine;
    (void)id;
}

static void api_close(struct ts_tier *tier, struct ts_engine *engine)
{
    (void)tier;
    (void)engine;
}

const struct ts_tier_ops ts_api_ops = {
    .name = "api",
    .create = api_create,
    .destroy = api_destroy,
    .can_hold = api_can_hold,
    .pressure = api_pressure,
    .enter = api_enter,
    .fire = api_fire,
    .abandon = api_abandon,
    .close = api_close,
};
