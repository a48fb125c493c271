/* Hides how the link is shared: first come, first served. Worked: prompts of 4 blocks of 16 tokens of 100 kB are 6.4
 * MB, over 1 GB/s 6.4 ms each; two that are done at once arrive after 6.4 and 12.8 ms, and the latency. */
#include "sim/serving/kv_transfer.h"

#include "base/units.h"

void ts_kv_transfer_open(struct ts_kv_transfer *transfer, struct ts_engine *engine, const struct ts_tier *tier)
{
    const struct ts_kv_transfer_model *kv = &tier->model->u.server.kv_transfer;
    *transfer = (struct ts_kv_transfer){.link = kv->link >= 0 ? &engine->links[kv->link] : NULL,
                                        .bytes_per_tok = kv->bytes_per_tok,
                                        .tier = tier->index};
}

static double bytes_of(const struct ts_kv_transfer *transfer, uint64_t n_tok)
{
    return (double)n_tok * transfer->bytes_per_tok;
}

static int64_t occupied_ns(const struct ts_kv_transfer *transfer, uint64_t n_tok)
{
    return transfer->link ? ts_link_occupied_ns(transfer->link, bytes_of(transfer, n_tok)) : 0;
}

static int64_t latency_ns(const struct ts_kv_transfer *transfer, const struct ts_engine *engine,
                          const struct ts_request *request)
{
    struct ts_rng rng;
    if (!transfer->link) {
        return 0;
    }
    ts_engine_rng(engine, &rng, request, TS_PURPOSE_KV_TRANSFER, engine->tiers[transfer->tier].key, 0);
    const double half_rtt_s = ts_dist_sample(&transfer->link->model->rtt_s, &rng) / 2.0;
    const int64_t ns = ts_ns_from_s(half_rtt_s + ts_dist_sample(&transfer->link->model->jitter_s, &rng));
    return ns > 0 ? ns : 0;
}

void ts_kv_transfer_begin(struct ts_kv_transfer *transfer, struct ts_engine *engine, uint32_t id, uint64_t n_tok)
{
    struct ts_flight *flight = ts_engine_flight(engine, id);
    const int64_t wait_ns =
        transfer->link ? ts_link_send(transfer->link, TS_LINK_UP, engine->now_ns, bytes_of(transfer, n_tok), 0) : 0;
    flight->end_ns = engine->now_ns + wait_ns;
    const int64_t sent_ns = flight->end_ns + occupied_ns(transfer, n_tok);
    ts_engine_schedule_flight(engine, sent_ns + latency_ns(transfer, engine, &flight->request), TS_EVENT_SERVICE, id);
}

void ts_kv_transfer_end(const struct ts_kv_transfer *transfer, struct ts_engine *engine, uint32_t id, uint64_t n_tok)
{
    const struct ts_flight *flight = ts_engine_flight(engine, id);
    const struct ts_ledger_transfer done = {.request = &flight->request,
                                            .given_ns = flight->token_ns,
                                            .start_ns = flight->end_ns,
                                            .sent_ns = flight->end_ns + occupied_ns(transfer, n_tok),
                                            .there_ns = engine->now_ns,
                                            .bytes = bytes_of(transfer, n_tok)};
    ts_ledger_transfer(&engine->ledger, transfer->tier, &done);
}
