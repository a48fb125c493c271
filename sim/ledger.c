/* Hides how a run's figures are put together. Latencies are the client's, see record.c.
 * Worked: gpt-4o at 2.50 and 10.00 USD/Mtok, 1,000 tokens in, 200 out: 0.0045 USD; 600M calls a year: 2,700,000 USD. */
#include "sim/ledger_parts.h"

#include <math.h>
#include <stddef.h>

#include "base/check.h"
#include "base/units.h"
#include "sim/routing/router_time.h"
#include "sim/tiers/device_users.h"

/* ---- units ---- */

static struct ts_ledger_units devices_of(const struct ts_device_model *fleet, uint32_t kind, uint64_t seed)
{
    const struct ts_device_model *device = ts_device_of_kind(fleet, kind);
    return (struct ts_ledger_units){.n = ts_device_n_eligible(seed, fleet, kind),
                                    .idle_w = device->power.idle_w,
                                    .host_frac = device->power.host_frac,
                                    .pue = device->power.pue};
}

static struct ts_ledger_units replicas_of(const struct ts_pool_model *pool)
{
    const struct ts_power_model *power = &pool->replica.power;
    return (struct ts_ledger_units){.n = pool->n_replicas,
                                    .idle_w = power->idle_w,
                                    .counts_idle = true,
                                    .host_frac = power->host_frac,
                                    .pue = power->pue,
                                    .ideal = pool->replica.ideal,
                                    .kv_blocks = pool->replica.kv_blocks};
}

static struct ts_ledger_units units_of(const struct ts_tier_model *tier, uint32_t pool, uint64_t seed)
{
    switch (tier->kind) {
    case TS_TIER_DEVICE:
        return devices_of(&tier->u.device, pool, seed);
    case TS_TIER_SERVER:
        return replicas_of(&tier->u.server.pools[pool]);
    case TS_TIER_API:
    case TS_N_TIER_KINDS:
        break;
    }
    return (struct ts_ledger_units){.pue = 1.0};
}

static struct ts_ledger_units router_of(const struct ts_router_model *router)
{
    return (struct ts_ledger_units){
        .n = router->n_servers, .idle_w = router->idle_w, .counts_idle = true, .pue = router->pue};
}

static enum ts_status open_pools(struct ts_ledger *ledger)
{
    const struct ts_model *model = ledger->model;
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        const uint32_t n = ts_tier_n_pools(&model->tiers[i]);
        if (n == 0 || n > TS_MAX_POOLS) {
            return TS_ERANGE;
        }
        for (uint32_t pool = 0; pool < n; pool++) {
            ledger->pools[ledger->n_pools++].units = units_of(&model->tiers[i], pool, model->seed);
        }
    }
    if (model->router.n_servers > 0) {
        ledger->pools[ledger->n_pools++].units = router_of(&model->router);
    }
    return TS_OK;
}

/* ---- life ---- */

enum ts_status ts_ledger_init(struct ts_ledger *out, const struct ts_model *model)
{
    const double default_bin_s = 60.0;
    *out = (struct ts_ledger){
        .model = model, .warmup_ns = ts_ns_from_s(model->warmup_s), .counts_outcomes = ts_model_has_incidents(model)};
    const int64_t bin_ns = ts_ns_from_s(model->series_bin_s > 0.0 ? model->series_bin_s : default_bin_s);
    enum ts_status status = open_pools(out);
    if (status == TS_OK) {
        const uint32_t n_tiers = out->counts_outcomes ? model->n_tiers + 1 : 0;
        status = ts_timeline_init(&out->timeline, ts_ledger_outcome_row(out, n_tiers, TS_LEDGER_SERVED),
                                  bin_ns > 0 ? bin_ns : 1);
    }
    if (status != TS_OK) {
        return status;
    }
    status = ts_result_init(&out->result, model, 0);
    if (status != TS_OK) {
        ts_timeline_deinit(&out->timeline);
    }
    return status;
}

void ts_ledger_deinit(struct ts_ledger *ledger)
{
    ts_timeline_deinit(&ledger->timeline);
    ts_result_deinit(&ledger->result);
}

void ts_ledger_arrive(struct ts_ledger *ledger, int64_t now_ns)
{
    ledger->n_arrived++;
    ts_timeline_count(&ledger->timeline, ts_ledger_arrivals_row(ledger), now_ns, 1.0);
}

void ts_ledger_count_outcome(struct ts_ledger *ledger, uint32_t tier, enum ts_outcome outcome, int64_t now_ns)
{
    if (outcome != TS_UNFINISHED) {
        const enum ts_ledger_outcome_row row = outcome == TS_DONE ? TS_LEDGER_SERVED : TS_LEDGER_REFUSED;
        ts_timeline_count(&ledger->timeline, ts_ledger_outcome_row(ledger, tier, row), now_ns, 1.0);
    }
}

/* The part of [from_ns, to_ns) that lies after the warm-up. */
static int64_t measured_ns(const struct ts_ledger *ledger, int64_t from_ns, int64_t to_ns)
{
    const int64_t begin_ns = from_ns > ledger->warmup_ns ? from_ns : ledger->warmup_ns;
    return to_ns > begin_ns ? to_ns - begin_ns : 0;
}

static double measured_s(const struct ts_ledger *ledger, int64_t from_ns, int64_t to_ns)
{
    return (double)measured_ns(ledger, from_ns, to_ns) * 1e-9;
}

/* ---- presence ---- */

static void integrate_presence(struct ts_ledger *ledger, uint32_t tier, int64_t now_ns)
{
    struct ts_account *account = &ledger->accounts[tier];
    TS_CHECK(now_ns >= account->changed_ns);
    const double n_present = (double)account->n_present;
    account->present_s += n_present * measured_s(ledger, account->changed_ns, now_ns);
    if (account->n_present > 0) {
        ts_timeline_add(&ledger->timeline, ts_ledger_present_row(ledger, tier), account->changed_ns, now_ns, n_present);
    }
    account->changed_ns = now_ns;
}

void ts_ledger_enter(struct ts_ledger *ledger, uint32_t tier, int64_t now_ns)
{
    integrate_presence(ledger, tier, now_ns);
    ledger->accounts[tier].n_present++;
}

void ts_ledger_leave(struct ts_ledger *ledger, uint32_t tier, int64_t now_ns, int64_t entered_ns)
{
    integrate_presence(ledger, tier, now_ns);
    struct ts_account *account = &ledger->accounts[tier];
    TS_CHECK(account->n_present > 0);
    account->n_present--;
    account->stayed_s += measured_s(ledger, entered_ns, now_ns);
}

void ts_ledger_work(struct ts_ledger *ledger, uint32_t book, int64_t from_ns, int64_t to_ns, double power_w)
{
    struct ts_pool_account *account = &ledger->pools[book];
    const double above_idle_w = power_w - account->units.idle_w;
    const int64_t busy_ns = measured_ns(ledger, from_ns, to_ns);
    ts_unit_time_add(&account->busy, 1, busy_ns);
    account->active_j += (double)busy_ns * 1e-9 * above_idle_w;
    ts_timeline_add(&ledger->timeline, ts_ledger_row(book, TS_LEDGER_POWER), from_ns, to_ns, above_idle_w);
    ts_timeline_add_units(&ledger->timeline, ts_ledger_row(book, TS_LEDGER_BUSY), from_ns, to_ns, 1);
}

void ts_ledger_router(struct ts_ledger *ledger, int64_t from_ns, int64_t to_ns)
{
    if (to_ns > from_ns) {
        ts_ledger_work(ledger, ledger->n_pools - 1, from_ns, to_ns, ledger->model->router.busy_w);
    }
}

void ts_ledger_router_wait(struct ts_ledger *ledger, const struct ts_request *request, int64_t wait_ns)
{
    struct ts_pool_account *account = &ledger->pools[ledger->n_pools - 1];
    if (!ts_ledger_leaves_out(ledger, request)) {
        account->n_routed++;
        account->router_wait_s += ts_s_from_ns(wait_ns);
    }
}

void ts_ledger_steps(struct ts_ledger *ledger, uint32_t book, uint32_t n_steps, double tok_per_step, double kv_tok,
                     double pairs)
{
    struct ts_pool_account *account = &ledger->pools[book];
    const struct ts_steps_roofline *ideal = &account->units.ideal;
    if (!(ideal->flop_per_s > 0.0 || ideal->bytes_per_s > 0.0)) {
        return;
    }
    const double hit_frac = ideal->experts > 0.0 ? 1.0 - pow(1.0 - ideal->top_k / ideal->experts, tok_per_step) : 0.0;
    account->flop += n_steps * tok_per_step * ideal->flop_per_tok + (kv_tok + pairs) * ideal->attention_flop_per_pair;
    account->bytes +=
        n_steps * (ideal->shared_bytes + hit_frac * ideal->expert_bytes) + kv_tok * ideal->kv_bytes_per_tok;
}

void ts_ledger_blocks(struct ts_ledger *ledger, uint32_t book, int64_t from_ns, int64_t to_ns, uint64_t n_blocks)
{
    struct ts_pool_account *account = &ledger->pools[book];
    if (to_ns >= ledger->warmup_ns) {
        account->kv_block_s += (double)n_blocks * measured_s(ledger, from_ns, to_ns);
        account->kv_peak = n_blocks > account->kv_peak ? n_blocks : account->kv_peak;
    }
    ts_timeline_add(&ledger->timeline, ts_ledger_row(book, TS_LEDGER_KV), from_ns, to_ns, (double)n_blocks);
}

bool ts_ledger_blocks_of_run(struct ts_ledger *ledger, uint32_t book, int64_t from_ns, int64_t to_ns, double block_s,
                             uint64_t peak)
{
    if (!ts_timeline_in_one_bin(&ledger->timeline, from_ns, to_ns) ||
        (from_ns < ledger->warmup_ns && to_ns >= ledger->warmup_ns)) {
        return false;
    }
    struct ts_pool_account *account = &ledger->pools[book];
    if (to_ns >= ledger->warmup_ns) {
        account->kv_block_s += block_s;
        account->kv_peak = peak > account->kv_peak ? peak : account->kv_peak;
    }
    ts_timeline_count(&ledger->timeline, ts_ledger_row(book, TS_LEDGER_KV), to_ns - 1, block_s);
    return true;
}

/* ---- units that are down ---- */

void ts_ledger_integrate_up(struct ts_ledger *ledger, uint32_t book, int64_t now_ns)
{
    struct ts_pool_account *account = &ledger->pools[book];
    const uint32_t n_up = account->units.n - account->n_down;
    ts_unit_time_add(&account->up, n_up, measured_ns(ledger, account->down_changed_ns, now_ns));
    ts_timeline_add_units(&ledger->timeline, ts_ledger_row(book, TS_LEDGER_UP), account->down_changed_ns, now_ns, n_up);
    account->down_changed_ns = now_ns;
}

void ts_ledger_down(struct ts_ledger *ledger, uint32_t book, int64_t now_ns, int32_t n_units)
{
    ts_ledger_integrate_up(ledger, book, now_ns);
    struct ts_pool_account *account = &ledger->pools[book];
    const int64_t n_down = (int64_t)account->n_down + n_units;
    TS_CHECK(n_down >= 0 && n_down <= account->units.n);
    account->n_down = (uint32_t)n_down;
}

void ts_ledger_transfer(struct ts_ledger *ledger, uint32_t tier, const struct ts_ledger_transfer *transfer)
{
    struct ts_tier_result *out = &ledger->result.tiers[tier];
    struct ts_account *account = &ledger->accounts[tier];
    account->link_s += measured_s(ledger, transfer->start_ns, transfer->sent_ns);
    if (!ts_ledger_leaves_out(ledger, transfer->request)) {
        ts_hist_add(&out->transfer_ns, transfer->there_ns - transfer->given_ns);
        ts_hist_add(&out->transfer_wait_ns, transfer->start_ns - transfer->given_ns);
        account->transfer_bytes += transfer->bytes;
    }
}

/* ---- outcomes ---- */

double ts_ledger_price_usd(const struct ts_offer *offer, const struct ts_request *request, struct ts_billed_tok tok)
{
    const bool is_long = offer->long_over_tok > 0 && request->prompt_tok > offer->long_over_tok;
    const double input = is_long ? offer->long_input_usd_per_mtok : offer->input_usd_per_mtok;
    const double cached = is_long ? offer->long_cached_input_usd_per_mtok : offer->cached_input_usd_per_mtok;
    const double output = is_long ? offer->long_output_usd_per_mtok : offer->output_usd_per_mtok;
    const double write_more = offer->cache_write_usd_per_mtok > 0.0 && offer->input_usd_per_mtok > 0.0
                                  ? input * (offer->cache_write_usd_per_mtok / offer->input_usd_per_mtok - 1.0)
                                  : 0.0;
    const double input_usd = input * (request->prompt_tok - tok.found) + cached * tok.found + write_more * tok.written;
    return offer->call_usd + (input_usd + output * ((double)request->output_tok + tok.hidden)) * 1e-6;
}

double ts_ledger_bill_usd(const struct ts_offer *offer, const struct ts_request *request, struct ts_billed_tok tok)
{
    return offer->provisioned.units > 0.0 ? 0.0 : ts_ledger_price_usd(offer, request, tok);
}

struct ts_billed_tok ts_ledger_billed_tok(const struct ts_flight *flight)
{
    return (struct ts_billed_tok){flight->found_tok, flight->written_tok, flight->hidden_tok};
}

struct ts_cell *ts_ledger_cell_in_mix(struct ts_ledger *ledger, uint32_t tier, const struct ts_request *request)
{
    const struct ts_model *model = ledger->model;
    const struct ts_device_model *fleet = &model->tiers[tier].u.device;
    const uint32_t user = ts_device_user_of(model->seed, request, fleet->n_users);
    return ledger->result.pools[ts_model_first_pool(model, tier) + ts_device_kind(model->seed, user, fleet)].cells;
}

struct ts_hist *ts_ledger_itl(struct ts_ledger *ledger, uint32_t tier, uint32_t class_id)
{
    return &ledger->result.tiers[tier].cells[class_id].latency_ns[TS_ITL];
}

static inline void add_latency(struct ts_ledger *ledger, struct ts_cell *cell, uint32_t tier, enum ts_latency latency,
                               int64_t value_ns)
{
    const double value_s = (double)value_ns * 1e-9;
    ts_hist_add(&cell->latency_ns[latency], value_ns);
    ts_batch_means_add(&ledger->result.tiers[tier].batches[latency], value_s);
    ts_batch_means_add(&ledger->result.batches[latency], value_s);
}

static inline void add_tail(struct ts_ledger *ledger, uint32_t class_id, enum ts_tail tail, int64_t value_ns)
{
    ts_exceedance_add(ts_result_tail(&ledger->result, class_id, tail), value_ns);
    if (ledger->result.n_classes > 1) {
        ts_exceedance_add(ts_result_tail(&ledger->result, TS_ALL_CLASSES, tail), value_ns);
    }
}

bool ts_ledger_meets(const struct ts_ledger *ledger, const struct ts_request_record *record)
{
    return ts_record_meets(record, &ledger->model->slo);
}

static void add_latencies(struct ts_ledger *ledger, struct ts_cell *cell, const struct ts_flight *flight,
                          const struct ts_request_record *record)
{
    const uint32_t tier = flight->tier, class_id = flight->request.class_id;
    add_tail(ledger, class_id, TS_TAIL_TTFT, record->ttft_ns);
    add_tail(ledger, class_id, TS_TAIL_E2E, record->e2e_ns);
    add_latency(ledger, cell, tier, TS_TTFT, record->ttft_ns);
    add_latency(ledger, cell, tier, TS_TTFT_SERVER, flight->first_ns + flight->crossed_ns - flight->entered_ns);
    add_latency(ledger, cell, tier, TS_E2E, record->e2e_ns);
    add_latency(ledger, cell, tier, TS_WAIT, record->wait_ns);
    if (record->tpot_ns != TS_NEVER_NS) {
        add_latency(ledger, cell, tier, TS_TPOT, record->tpot_ns);
        add_tail(ledger, class_id, TS_TAIL_TPOT, record->tpot_ns);
    }
    cell->slo_met += ts_ledger_meets(ledger, record);
}

/* What the API that its tier replaces would have charged, whether or not the call was answered here. One that no tier
 * took counts as its first choice's. */
static void add_displaced(struct ts_ledger *ledger, struct ts_cell *cell, const struct ts_call *call,
                          const struct ts_flight *flight)
{
    const struct ts_model *model = ledger->model;
    const uint32_t tier = flight->tier < model->n_tiers ? flight->tier : flight->choice;
    const int api = tier < model->n_tiers ? model->tiers[tier].replaces : -1;
    if (api >= 0) {
        const double usd = ts_ledger_price_usd(&model->tiers[api].u.api.offers[0], &flight->request,
                                               (struct ts_billed_tok){.found = call->displaced_tok});
        cell->displaced_usd += usd;
        cell->barred_usd += (call->barred >> api & 1U) != 0 ? usd : 0.0;
    }
}

/* Of what its session said before: how much of it was in a cache, after a tool's time or a user's. */
static void add_kept(struct ts_cell *cell, const struct ts_call_session *session, uint32_t found_tok)
{
    const uint32_t kept_tok = found_tok < session->context_tok ? found_tok : session->context_tok;
    if (session->is_behind_tool) {
        cell->tool_context_tok += session->context_tok;
        cell->tool_kept_tok += kept_tok;
    } else {
        cell->think_context_tok += session->context_tok;
        cell->think_kept_tok += kept_tok;
    }
}

void ts_ledger_session(struct ts_ledger *ledger, const struct ts_ledger_session *session)
{
    struct ts_cell *cell = &ledger->result.tiers[session->tier].cells[session->class_id];
    const double stay_s = measured_s(ledger, session->begin_ns, session->end_ns);
    cell->session_s += stay_s;
    cell->session_met_s += session->met ? stay_s : 0.0;
    if (session->begin_ns < ledger->warmup_ns || session->is_open) {
        return;
    }
    if (session->is_broken) {
        cell->sessions_broken++;
        return;
    }
    cell->sessions++;
    cell->sessions_met += session->met;
    add_latency(ledger, cell, session->tier, TS_SESSION, session->end_ns - session->begin_ns);
}

static void add_quality(struct ts_ledger *ledger, struct ts_cell *cell, const struct ts_call *call,
                        const struct ts_flight *flight)
{
    const struct ts_model *model = ledger->model;
    const uint32_t strongest = ts_frontier_strongest(model);
    cell->right += call->right >> flight->tier & 1U;
    cell->weakest_right += call->right >> ts_frontier_weakest(model) & 1U;
    cell->strongest_right += call->right >> strongest & 1U;
    cell->any_right += call->right != 0;
    ts_frontier_add(&ledger->result.frontier, model, call->right, (double)call->score);
    if (model->tiers[strongest].kind == TS_TIER_API) {
        cell->strongest_usd += ts_ledger_price_usd(
            &model->tiers[strongest].u.api.offers[0], &flight->request,
            (struct ts_billed_tok){.found = flight->tier == strongest ? flight->found_tok : call->displaced_tok});
    }
}

static double settle_done(struct ts_ledger *ledger, struct ts_cell *cell, const struct ts_call *call,
                          const struct ts_flight *flight, const struct ts_request_record *record)
{
    const struct ts_tier_model *tier = &ledger->model->tiers[flight->tier];
    const struct ts_request *request = &flight->request;
    cell->prompt_tok += request->prompt_tok;
    cell->output_tok += request->output_tok;
    add_quality(ledger, cell, call, flight);
    const double charged_usd = tier->kind == TS_TIER_API ? ts_ledger_bill_usd(&tier->u.api.offers[flight->offer],
                                                                              request, ts_ledger_billed_tok(flight))
                                                         : 0.0;
    cell->api_usd += charged_usd;
    ledger->charged_usd += charged_usd;
    cell->cached_tok += tier->kind == TS_TIER_API ? flight->found_tok : 0;
    if (call->session.context_tok > 0) {
        add_kept(cell, &call->session, flight->found_tok);
    }
    cell->written_tok += flight->written_tok;
    cell->hidden_tok += flight->hidden_tok;
    add_latencies(ledger, cell, flight, record);
    return charged_usd;
}

static void count_outcome(struct ts_cell *cell, enum ts_outcome outcome, bool left_out)
{
    cell->arrived++;
    cell->left_out += left_out;
    switch (outcome) {
    case TS_DONE:
        cell->done++;
        cell->left_out_done += left_out;
        break;
    case TS_REJECTED:
        cell->rejected++;
        break;
    case TS_TIMED_OUT:
        cell->timed_out++;
        break;
    case TS_UNFINISHED:
        cell->unfinished++;
        break;
    case TS_N_OUTCOMES:
        TS_CHECK(!"an outcome");
    }
}

/* What a mixed fleet's kinds are told apart by: see reports/report_kinds.c. */
static void settle_kind(struct ts_ledger *ledger, const struct ts_call *call, const struct ts_flight *flight,
                        const struct ts_request_record *record)
{
    const bool left_out = ts_ledger_leaves_out(ledger, &flight->request);
    struct ts_cell *cell = ts_ledger_cell_of_kind(ledger, flight->tier, &flight->request);
    if (!cell) {
        return;
    }
    count_outcome(cell, record->outcome, left_out);
    if (record->outcome != TS_DONE || left_out) {
        return;
    }
    cell->slo_met += ts_ledger_meets(ledger, record);
    cell->right += call->right >> flight->tier & 1U;
    cell->prompt_tok += flight->request.prompt_tok;
    cell->output_tok += flight->request.output_tok;
    ts_hist_add(&cell->latency_ns[TS_TTFT], record->ttft_ns);
    ts_hist_add(&cell->latency_ns[TS_E2E], record->e2e_ns);
    ts_hist_add(&cell->latency_ns[TS_WAIT], record->wait_ns);
    if (record->tpot_ns != TS_NEVER_NS) {
        ts_hist_add(&cell->latency_ns[TS_TPOT], record->tpot_ns);
    }
}

double ts_ledger_settle(struct ts_ledger *ledger, const struct ts_call *call, const struct ts_flight *flight,
                        const struct ts_request_record *record)
{
    struct ts_cell *cell = &ledger->result.tiers[flight->tier].cells[flight->request.class_id];
    const bool left_out = ts_ledger_leaves_out(ledger, &flight->request);
    cell->fell_back += flight->tier != flight->choice;
    if (!left_out) {
        cell->router_usd += ledger->model->router.usd_per_call;
        cell->router_s +=
            ledger->model->router.n_servers > 0 ? ts_router_service_s(&ledger->model->router, &flight->request) : 0.0;
        add_displaced(ledger, cell, call, flight);
    }
    count_outcome(cell, record->outcome, left_out);
    settle_kind(ledger, call, flight, record);
    return record->outcome == TS_DONE && !left_out ? settle_done(ledger, cell, call, flight, record) : 0.0;
}
