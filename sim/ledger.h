/* The ledger: everything that a run counts and integrates. Integrals over time (requests present, busy time, energy, KV
 * blocks) are exact: they are added up at every change of state. Ends as a ts_result.
 *
 * Energy of a unit = idle power over all time that it is up + (power of the state - idle power) while it is busy.
 * Servers count both parts. A user's device is there anyway: only what lies above its idle power counts, idle_j = 0.
 * The host's adder is host_frac of both; (PUE - 1) of all that comes on top, once.
 *
 * Warm-up: requests that arrive before its end are counted by outcome and nowhere else; integrals over time, and steps,
 * begin at its end (a step counts if it begins there or later). Counts of what happens to units (preemptions, retries,
 * starts, failures, throttled calls, prefix cache) and the time series are of the whole run. Little's law is asserted
 * over what is integrated: requests of the warm-up that are still there count in both of its sides. */
#ifndef TS_SIM_LEDGER_H
#define TS_SIM_LEDGER_H

#include <stdbool.h>

#include "sim/flight.h"
#include "sim/record.h"
#include "sim/result.h"
#include "sim/timeline.h"
#include "sim/unit_time.h"

/* The equal units of a pool; a tier that is no server is one pool. */
struct ts_ledger_units {
    uint32_t n;
    double idle_w;    /* of one */
    bool counts_idle; /* else only what is drawn above it counts */
    double host_frac, pue;
    struct ts_steps_roofline ideal;
    uint64_t kv_blocks; /* of one */
};

/* Counters that are of units, or of a tier's requests. */
#define TS_ACCOUNT_UNITS_COUNTED(type, field) TS_COUNTER_##type field;
#define TS_ACCOUNT_UNITS_CLOSED(type, field)
#define TS_ACCOUNT_TIER_COUNTED(type, field)
#define TS_ACCOUNT_TIER_CLOSED(type, field)

/* Running totals of a pool: what is about units and steps. */
struct ts_pool_account {
    struct ts_ledger_units units;
    struct ts_unit_time busy;
    double kv_block_s; /* integral of KV blocks in use, all replicas */
    uint64_t kv_peak;  /* of one replica */
#define TS_TIER(books, made, type, field, ...) TS_ACCOUNT_##books##_##made(type, field)
#include "sim/counters.inc"
    uint64_t n_step_seqs;    /* sum over steps of the sequences in each */
    uint32_t n_down;         /* units switched off or broken */
    int64_t down_changed_ns; /* when that last changed */
    struct ts_unit_time up;  /* of the others */
};

#undef TS_ACCOUNT_UNITS_COUNTED
#undef TS_ACCOUNT_TIER_COUNTED
#define TS_ACCOUNT_UNITS_COUNTED(type, field)
#define TS_ACCOUNT_TIER_COUNTED(type, field) TS_COUNTER_##type field;

/* Running totals of a tier: what is about its requests and its units' lives. */
struct ts_account {
    uint64_t n_present;
    int64_t changed_ns; /* when n_present last changed */
    double present_s;   /* integral of n_present */
    double stayed_s;    /* sum over requests of the time that each was present: the same number, by Little's law */
#define TS_TIER(books, made, type, field, ...) TS_ACCOUNT_##books##_##made(type, field)
#include "sim/counters.inc"
    double link_s;        /* in which KV entries crossed its link */
    int64_t link_down_ns; /* for which the link of its users was down, of the whole run */
};

struct ts_ledger {
    const struct ts_model *model;
    struct ts_result result;
    struct ts_account accounts[TS_MAX_TIERS];
    struct ts_pool_account pools[TS_MAX_TIERS * TS_MAX_POOLS + 1]; /* [n_pools] in the order of ts_model_first_pool;
                                                                      then the router's servers, if it has any */
    uint32_t n_pools;
    struct ts_timeline timeline; /* see sim/ledger.c */
    uint64_t n_arrived;
    uint64_t whole_tok;   /* prompt and output of every attempt that gave a whole reply, but those of the warm-up */
    double charged_usd;   /* by APIs, for every attempt */
    int64_t warmup_ns;    /* its end */
    bool counts_outcomes; /* over time: the model has incidents */
};

/* TS_ERANGE if a tier has no pools, or more than TS_MAX_POOLS. */
enum ts_status ts_ledger_init(struct ts_ledger *out, const struct ts_model *model);
void ts_ledger_deinit(struct ts_ledger *ledger);

void ts_ledger_count_outcome(struct ts_ledger *ledger, uint32_t tier, enum ts_outcome outcome, int64_t now_ns);
void ts_ledger_arrive(struct ts_ledger *ledger, int64_t now_ns);
void ts_ledger_enter(struct ts_ledger *ledger, uint32_t tier, int64_t now_ns);
void ts_ledger_leave(struct ts_ledger *ledger, uint32_t tier, int64_t now_ns, int64_t entered_ns);
/* The book for the work of units is the place of their pool, see ts_model_first_pool. */
/* A unit of that pool worked over that time and drew that much (accelerator or device alone). */
void ts_ledger_work(struct ts_ledger *ledger, uint32_t book, int64_t from_ns, int64_t to_ns, double power_w);
/* A server of the router was at work over that time: in the books of `nowhere`. / A request waited that long for one.
 */
void ts_ledger_router(struct ts_ledger *ledger, int64_t from_ns, int64_t to_ns);
void ts_ledger_router_wait(struct ts_ledger *ledger, const struct ts_request *request, int64_t wait_ns);
/* A server did n_steps of the same number of tokens, which together read kv_tok entries of the cache in decode
 * attention and have that many query-key pairs in prefill attention. What they need: 2 flop a parameter and token and
 * those of attention; the bytes of the weights once a step (of the experts that a batch hits) and of the KV entries
 * read. Against the peaks: model flop and bandwidth utilisation (MFU as in Chowdhery et al. 2022, PaLM, appendix B). */
void ts_ledger_steps(struct ts_ledger *ledger, uint32_t book, uint32_t n_steps, double tok_per_step, double kv_tok,
                     double pairs);
/* A replica of the pool held that many KV blocks over that time. */
void ts_ledger_blocks(struct ts_ledger *ledger, uint32_t book, int64_t from_ns, int64_t to_ns, uint64_t n_blocks);
/* The same for a whole run of steps at once: block_s is the integral, peak the most that were held. False, and nothing
 * is done, if the run crosses a border of the time series: then it takes a call for each step. */
bool ts_ledger_blocks_of_run(struct ts_ledger *ledger, uint32_t book, int64_t from_ns, int64_t to_ns, double block_s,
                             uint64_t peak);
/* That many units of the pool go down (or up again, if negative), and their idle power with them. */
void ts_ledger_down(struct ts_ledger *ledger, uint32_t book, int64_t now_ns, int32_t n_units);
/* Did the request come in the warm-up? */
static inline bool ts_ledger_leaves_out(const struct ts_ledger *ledger, const struct ts_request *request)
{
    return request->arrival_ns < ledger->warmup_ns;
}
/* The KV entries of a request crossed a tier's link. */
struct ts_ledger_transfer {
    const struct ts_request *request;
    int64_t given_ns, start_ns, sent_ns, there_ns; /* the link was free at start, and again at sent */
    double bytes;
};
void ts_ledger_transfer(struct ts_ledger *ledger, uint32_t tier, const struct ts_ledger_transfer *transfer);
/* The attempt is meant for, or sent on to, that tier (n_tiers: nowhere), and begins in its books. */
void ts_ledger_send(struct ts_ledger *ledger, struct ts_flight *flight, uint32_t tier);
/* It ends there, if it is in any; with a flight->reason: for that, and its call goes on; else it is spared. */
void ts_ledger_end_attempt(struct ts_ledger *ledger, struct ts_flight *flight);
/* It ends there with its call: rejected for flight->reason, or as the outcome says. */
void ts_ledger_end_with_call(struct ts_ledger *ledger, struct ts_flight *flight, enum ts_outcome outcome);
/* What became of a call, by the attempt that decided it, at flight->tier. What an API charges for it comes back. */
double ts_ledger_settle(struct ts_ledger *ledger, const struct ts_call *call, const struct ts_flight *flight,
                        const struct ts_request_record *record);
/* Is it done, within the SLO? */
bool ts_ledger_meets(const struct ts_ledger *ledger, const struct ts_request_record *record);
/* What became of a session, by the tier of its last outcome. */
struct ts_ledger_session {
    uint32_t tier, class_id;
    int64_t begin_ns, end_ns;
    bool is_broken, is_open; /* a call of it had no reply; it was under way when the time was up */
    bool met;                /* so far each of its calls */
};
void ts_ledger_session(struct ts_ledger *ledger, const struct ts_ledger_session *session);
/* When a call came to that outcome, at that tier: for the course of incidents. */
static inline void ts_ledger_tell(struct ts_ledger *ledger, uint32_t tier, enum ts_outcome outcome, int64_t now_ns)
{
    if (ledger->counts_outcomes) {
        ts_ledger_count_outcome(ledger, tier, outcome, now_ns);
    }
}
/* An attempt that came to nothing for its call. A whole reply is charged for; one that an API has begun, for its
 * prompt. That comes back. */
double ts_ledger_supersede(struct ts_ledger *ledger, const struct ts_flight *flight, int64_t now_ns, bool is_whole);
/* An attempt has given a whole reply, wanted or not. */
void ts_ledger_reply(struct ts_ledger *ledger, const struct ts_flight *flight);
/* The check of an attempt's reply. */
void ts_ledger_verify(struct ts_ledger *ledger, const struct ts_flight *flight);
/* The histogram of a tier's gaps between tokens. */
struct ts_hist *ts_ledger_itl(struct ts_ledger *ledger, uint32_t tier, uint32_t class_id);

/* Closes the books at end_ns and hands the result over. Checks what must balance: every arrival and every attempt is
 * accounted for (sim/reasons.h); the tokens of whole replies and what APIs charged, attempt by attempt, are those in
 * the cells; the work of units is that of the series (without a warm-up); Little's law in every tier. */
enum ts_status ts_ledger_close(struct ts_ledger *ledger, struct ts_result *out, int64_t window_ns, int64_t end_ns,
                               uint64_t n_events);

/* Of a request's prompt, found in an offer's cache and taken into it; of reasoning, beside the reply. */
struct ts_billed_tok {
    uint32_t found, written, hidden;
};

/* What a request costs by an offer's prices for tokens. */
double ts_ledger_price_usd(const struct ts_offer *offer, const struct ts_request *request, struct ts_billed_tok tok);
/* What it adds to the bill: the same, but nothing in provisioned throughput, which is paid anyway. */
double ts_ledger_bill_usd(const struct ts_offer *offer, const struct ts_request *request, struct ts_billed_tok tok);

#endif
