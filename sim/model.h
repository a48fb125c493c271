/* The model: everything the simulator knows about the world, as plain data. scenarios/ builds it from the user's text,
 * tests build it by hand; it is const from then on. Quantities are in the unit that their name ends with. Pointers are
 * borrowed from whoever built the model (an arena). */
#ifndef TS_SIM_MODEL_H
#define TS_SIM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dist.h"
#include "sim/model_money.h"
#include "sim/model_network.h"
#include "sim/model_steps.h"
#include "traces/request.h"

enum {
    TS_MAX_TIERS = 16,
    TS_MAX_LINKS = 32,
    TS_MAX_RULES = 64,
    TS_MAX_OFFERS = 8,
    TS_MAX_POOLS = 8,
    TS_MAX_KV_LEVELS = 3
};

/* ---- tiers ---- */

enum ts_tier_kind { TS_TIER_DEVICE, TS_TIER_SERVER, TS_TIER_API, TS_N_TIER_KINDS };

/* Power of one unit (a device in use; a replica with all its accelerators). Energy = idle over all time + (state -
 * idle) while busy. */
struct ts_power_model {
    double idle_w;
    double prefill_w;                /* while a step holds prompt tokens */
    double decode_w;                 /* while a step only decodes */
    double decode_rise_w, half_seqs; /* with n sequences decode_w + decode_rise_w x n/(n + half_seqs); 0: decode_w */
    double host_frac;                /* adder for the host, of the accelerator's power */
    double pue;                      /* facility factor, once, on top (1 for a user's device) */
    enum ts_origin origin;
    const char *source;
};

/* A device that works gets slower: see sim/tiers/device_heat.h. */
struct ts_heat_model {
    double sustained_frac; /* its rate when it is hot, of that when it is cold; 0: it does not get slower */
    double heating_s, cooling_s;
};

/* When devices are switched off or out of reach, by the clock of the user's site: see sim/tiers/device_offline.h. */
struct ts_offline_model {
    double share_frac;         /* of the users, in these hours of the day */
    double from_hour, to_hour; /* from is after to: over midnight; equal: there are none */
    bool has_weekend;          /* Saturdays and Sundays are told apart: */
    double weekend_frac;       /* of the users, all day */
};

/* Are there any such hours? */
static inline bool ts_offline_is_told(const struct ts_offline_model *offline)
{
    return offline->has_weekend || offline->from_hour < offline->to_hour || offline->from_hour > offline->to_hour;
}

struct ts_device_kind;

/* A fleet of users' devices: each request belongs to a user; it runs on that user's device, one at a time, first come
 * first served. */
struct ts_device_model {
    uint32_t n_users;
    const struct ts_device_kind *kinds; /* [n_kinds] of a mixed fleet: what follows, but max_queue, is each one's own */
    uint32_t n_kinds;                   /* up to TS_MAX_POOLS; 0: all devices are alike */
    double eligible_frac;               /* share of users whose device can run the model */
    bool rolls_out; /* devices begin without the model: each begins to load it within rollout_s from the
                       start of the run, and has it download_s later; kinds of a mixed fleet as the fleet */
    double rollout_s, download_s;
    uint32_t max_queue;          /* waiting on one device; beyond it the request is turned away (and falls back) */
    struct ts_steps_model steps; /* prefill of p tokens in one step; then one step a token */
    double battery_wh;           /* 0 = mains */
    double battery_day_frac;     /* of a charge that calls may take in 24 h; then it refuses them; 0 = no bound */
    struct ts_heat_model heat;
    struct ts_offline_model offline;
    struct ts_power_model power;
};

/* Devices of one kind in a mixed fleet. Each user has one, the same in every run: see sim/tiers/device_users.h. */
struct ts_device_kind {
    const char *name, *hardware;
    double share_frac;             /* of the users; those of all kinds sum to 1 */
    uint32_t context_tok;          /* prompt + output at most; 0 = unlimited */
    struct ts_device_model device; /* without kinds; n_users is that of the fleet */
};

/* Which replica of a tier a request joins: see sim/serving/balance.c. */
enum ts_balance_policy {
    TS_BALANCE_LEAST_OUTSTANDING,
    TS_BALANCE_ROUND_ROBIN,
    TS_BALANCE_LEAST_KV,
    TS_BALANCE_PREFIX,
    TS_BALANCE_RANDOM,
    TS_N_BALANCE_POLICIES
};

/* How many replicas are up follows the load; those of all its pools are the most. See sim/serving/fleet.c. */
struct ts_autoscale_model {
    bool on;
    uint32_t min_replicas;     /* 0: scales to zero, and a request starts the first */
    double target_outstanding; /* requests, waiting or running, that a replica is meant to have; 0: not looked at */
    double target_kv_frac;     /* share of its KV blocks that is meant to be in use; 0: not looked at */
    double interval_s;         /* between evaluations, > 0 */
    struct ts_dist scrape_s;   /* age of the load that an evaluation sees */
    struct ts_dist machine_s;  /* until a machine is there for a replica that is switched on */
    double image_s;            /* until it has the image, then */
    double cooldown_s;         /* fewer are wanted for that long before one goes */
};

/* Every replica fails by itself: time up and time to repair are exponential. */
struct ts_failure_model {
    double mtbf_s;    /* of time up; 0 = never */
    double mttr_s;    /* until it serves again */
    bool drops_calls; /* what was in flight there is turned away; else it starts over at another replica */
    double notice_s;  /* how long before it takes no new calls (of spot machines); mtbf_s ends with the notice */
};

/* A small model drafts, the replica's model checks all of a draft in one step; both are part of a step. */
struct ts_speculative_model {
    uint32_t draft_tok;     /* k; 0 = none */
    double acceptance_frac; /* a drafted token is right, given that those before it were */
    double draft_step_s;    /* the draft model's time for a token of every sequence */
};

/* How a server batches: see sim/serving/scheduler.h. */
enum ts_scheduler_policy { TS_SCHEDULER_VLLM, TS_SCHEDULER_SLOTS, TS_SCHEDULER_STATIC, TS_N_SCHEDULER_POLICIES };

/* How the KV entries of a prompt get from a prefill pool to a decode pool. */
struct ts_kv_transfer_model {
    int link;             /* index into links: half its round trip and its jitter, and its bandwidth; -1: at once */
    double bytes_per_tok; /* of KV; whole blocks are sent */
};

/* A store of KV blocks behind the accelerators' cache: see sim/serving/kv_levels.h. */
struct ts_kv_level_model {
    const char *name;
    double bytes, bytes_per_s, latency_s;
    bool is_shared;    /* one for all replicas of the tier; else each has its own */
    bool prompts_only; /* replies are not kept */
};

/* A replica of a server tier, an engine that batches: KV blocks, a token budget for each step, a policy. */
struct ts_replica_model {
    uint32_t n_accelerators;
    struct ts_steps_model steps;
    struct ts_steps_roofline ideal; /* at the full peaks of its hardware, for MFU and MBU; 0: unknown */
    uint32_t max_batched_tok;       /* token budget of a step */
    uint32_t max_seqs;
    enum ts_scheduler_policy policy;
    bool chunked_prefill;
    bool plans_ahead;          /* a step is planned when the one before it begins: new requests wait one step longer */
    uint32_t long_prefill_tok; /* prompt tokens of one sequence in a step at most; 0 = no such limit */
    bool whole_admission;      /* a sequence enters only if all its tokens so far find blocks */
    bool prompts_first;        /* a step computes prompts or decodes, never both; see sim/serving/scheduler.h */
    bool no_evict;             /* a sequence enters only if its whole reply finds blocks, too */
    bool by_priority;          /* a request's priority decides who enters first and who is preempted */
    bool prefix_cache;
    bool finds_own; /* without it: a preempted sequence finds its own blocks again */
    /* Of a request of which more than graph_tok prompt tokens are computed, beside link and service: its kernels are
     * launched one by one. Shorter ones run as a recorded graph. */
    double launch_s;
    uint32_t graph_tok;
    bool kv_unified;                         /* of TS_SCHEDULER_SLOTS */
    struct ts_speculative_model speculative; /* TS_SCHEDULER_VLLM only */
    uint32_t block_tok;                      /* KV block size, 16 */
    uint64_t kv_blocks;
    double kv_block_bytes; /* with KV levels */
    struct ts_power_model power;
};

/* What the replicas of a pool do for a request: all of it, or (prefill/decode disaggregation) the prompt and the first
 * token alone, or all further tokens. See sim/serving/kv_transfer.h. */
enum ts_pool_role { TS_POOL_BOTH, TS_POOL_PREFILL, TS_POOL_DECODE, TS_N_POOL_ROLES };

/* A group of equal replicas of a server tier. */
struct ts_pool_model {
    const char *name, *hardware;
    enum ts_pool_role role; /* of a tier, all BOTH, or PREFILL ones first and then DECODE ones */
    double weight;          /* of each replica, for the balancers: its speed beside the others' */
    uint32_t n_replicas;
    struct ts_replica_model replica;
};

/* Replicas behind one balancer. */
struct ts_server_model {
    const struct ts_pool_model *pools;       /* [n_pools] */
    uint32_t n_pools;                        /* 1..TS_MAX_POOLS */
    bool lists_pools;                        /* the scenario names them; else there is one, of the tier's name */
    struct ts_kv_transfer_model kv_transfer; /* between pools by role */
    struct ts_kv_level_model kv_levels[TS_MAX_KV_LEVELS]; /* [n_kv_levels], the nearest first */
    uint32_t n_kv_levels;
    uint32_t max_queue; /* waiting at a replica; 0 = unbounded (up to TS_SERVER_QUEUE_MAX) */
    enum ts_balance_policy balance;
    struct ts_autoscale_model autoscale;
    struct ts_failure_model failures;
    double restart_every_s; /* rolling restart, one replica at a time, each drained first; 0 = never */
    double cold_start_s;    /* from switched on to serving: load the weights, start the engine */
};

/* Throughput that is paid whether it is used or not: a bucket of prompt tokens, of a minute's worth. */
struct ts_provisioned {
    double units;         /* 0: none, calls are paid by the token */
    double tok_per_s;     /* of all units */
    double output_weight; /* prompt tokens that a token of reply counts as */
    double usd_per_month; /* of all units */
};

struct ts_offer {
    const char *name; /* "OpenAI/gpt-4o" */
    double input_usd_per_mtok, cached_input_usd_per_mtok, output_usd_per_mtok;
    bool cached_is_written;          /* the price of cached input, in the scenario itself */
    double cache_write_usd_per_mtok; /* of prompt tokens that its cache takes in; 0: as input */
    double call_usd;                 /* per request */
    /* Of calls with a longer prompt than long_over_tok, all of their tokens; 0: no other prices */
    uint32_t long_over_tok;
    double long_input_usd_per_mtok, long_cached_input_usd_per_mtok, long_output_usd_per_mtok;
    double requests_per_s, input_tok_per_s, output_tok_per_s; /* token buckets of a minute's worth; 0: unlimited */
    struct ts_provisioned provisioned;
    const struct ts_dist *ttft_s, *tok_per_s; /* NULL: the tier's */
    const char *source;                       /* catalog row with date */
};

/* What a provider keeps of the prompts that it has seen: see sim/tiers/prompt_cache.h. */
struct ts_prompt_cache_model {
    double life_s;      /* since the last use; 0 = there is none */
    uint32_t least_tok; /* shorter prompts and beginnings are not kept */
};

/* A cloud API: somebody else's capacity, seen through its TTFT and token rate, its price and its rate limits. */
struct ts_api_model {
    struct ts_offer offers[TS_MAX_OFFERS]; /* [0] preferred; the others when it is rate-limited or down */
    uint32_t n_offers;
    struct ts_prompt_cache_model cache; /* of each offer */
    struct ts_dist ttft_s;              /* at the provider, for a call that was admitted */
    struct ts_dist tok_per_s;           /* per stream */
    double availability_frac;           /* a call fails at once with probability 1 - availability, and is retried */
    uint32_t max_retries;
    double retry_s;         /* first back-off, doubles each time, full jitter */
    bool heeds_retry_after; /* after a rate limit also waits until there is room, if that is within a minute */
    struct ts_dist
        hidden_tok; /* of reasoning before the reply: billed as output, and the first token comes after them */
    bool is_batch;  /* replies come some day: nobody loses patience once a call is accepted */
};

/* What happens to calls beyond the volume at which a tier keeps its SLO. */
enum ts_when_full { TS_FULL_OVERFLOW, TS_FULL_BUY, TS_FULL_REFUSE };

/* What the tier costs to own; all zero for an API or for devices that people have anyway. Money is in the scenario's
 * currency here and everywhere in the model and its results, whatever `usd` in a name says. */
struct ts_owned_model {
    double capex_usd;                 /* of all replicas, today's price */
    uint32_t buy_month;               /* paid then */
    double life_months;               /* refresh after it, inside the horizon; 0 = never */
    double lead_time_months;          /* from paying to serving */
    double maintenance_frac_per_year; /* of the capex */
    double staff_fte;                 /* at least; the tier's first replicas_per_staff have them */
    uint32_t replicas_per_staff;      /* each further so many need staff_fte again; 0: never */
    double resale_frac;               /* of the capex, at the end of its life */
    double colocation_usd_per_month;  /* all replicas: of their rated power */
    double licences_usd_per_month;    /* all replicas */
    double other_usd_per_month;       /* all together, however many */
    double first_download_usd;        /* of its model to all devices, when they are bought or begin */
    double downloads_usd_per_month;   /* of its updates */
    double rent_usd_per_h;            /* of one replica, power included; 0: bought */
    bool rent_is_reserved;            /* paid around the clock; else while it is up */
    double rent_instead_usd_per_h;    /* what one replica would cost to rent, to compare with; 0: not known */
    enum ts_when_full when_full;
    double rated_w; /* facility power of one replica at work */
    bool is_bare;   /* capex is by default: the accelerators' list price, without a host */
};

/* Where an API offers the weights that an owned tier runs, and for how much. */
struct ts_same_weights {
    const char *offer; /* NULL: nobody that is known */
    double input_usd_per_mtok, output_usd_per_mtok;
    const struct ts_dist *ttft_s, *tok_per_s; /* NULL: as the API which the tier replaces */
};

struct ts_tier_model {
    const char *name;
    enum ts_tier_kind kind;
    const char *hardware;        /* for the report */
    const char *model;           /* "Llama-3.2-1B Q4_0" */
    double ability;              /* theta: how right it is, see sim/quality.h */
    const double *class_ability; /* [n_classes] that for each class; NULL: the same for all */
    double ability_per_year;     /* by which models of later months are better; nothing that is simulated today */
    double renewed_months;       /* an own one is replaced so often by a model of that month; INFINITY: never */
    uint32_t context_tok;        /* prompt + output at most; 0 = unlimited */
    int link;                    /* index into links, -1: none */
    double request_s;            /* of every request beside link and service: HTTP, tokenizing, handing out tokens */
    int replaces;                /* index of the API tier whose bill this tier displaces, -1: none */
    struct ts_owned_model owned;
    struct ts_same_weights same_weights;
    union {
        struct ts_device_model device;
        struct ts_server_model server;
        struct ts_api_model api;
    } u;
};

/* ---- routing ---- */

/* A policy rule: a request that matches (all given conditions) may not go to the barred tiers. */
struct ts_rule {
    int sensitivity;           /* enum ts_sensitivity, -1: any */
    int class_id;              /* -1: any */
    uint32_t min_prompt_tok;   /* 0: any */
    double from_hour, to_hour; /* of the day, 0..24; from is after to: over midnight; equal: any */
    uint32_t barred;           /* bit mask of tiers */
};

enum ts_router_policy {
#define TS_ROUTER_POLICY(id, name, word) TS_ROUTE_##id,
#include "sim/routing/policies.inc"
#undef TS_ROUTER_POLICY
    TS_N_ROUTER_POLICIES
};

/* The check of a cascade: see sim/quality.h. */
struct ts_verify_model {
    double accept_right_frac, reject_wrong_frac;
    double latency_s;
    double usd_per_call;
};

/* What a router predicts. */
enum ts_router_target {
    TS_PREDICTS_DIFFICULTY,  /* z: thresholds are difficulties */
    TS_PREDICTS_CORRECTNESS, /* whether a stronger tier is needed: thresholds are scores, in standard deviations */
};

struct ts_router_model {
    enum ts_router_policy policy;
    struct ts_rule rules[TS_MAX_RULES];
    uint32_t n_rules;
    double start_hour;              /* of the day, when the run begins */
    uint32_t order[TS_MAX_TIERS];   /* tiers from weakest to strongest: what the thresholds walk along */
    double threshold[TS_MAX_TIERS]; /* DIFFICULTY: a request with a score <= threshold[i] goes to order[i]; the last is
                                       +inf */
    uint32_t n_order;
    uint32_t static_tier[64]; /* STATIC: tier of each class */
    uint32_t
        fallback[TS_MAX_TIERS]; /* tried in order when the chosen tier is barred, full or cannot hold the request */
    uint32_t n_fallback;
    double fallback_after_s; /* a call without its first token at a tier by then goes on to the next; 0 = never */
    enum ts_router_target predicts;
    double auc; /* 0.5: what it sees tells nothing; 1: it is the truth; see sim/routing/choice.c */
    double difficulty_mean, difficulty_sd; /* of z over all requests, for that; sd 0: 1 */
    double latency_s;                      /* added to every request */
    struct ts_curve reads_s; /* and what it takes to read so many tokens; a longer prompt is cut to the last of them */
    uint32_t n_servers;      /* that decide, one request each at a time; 0: as many as there are requests */
    double idle_w, busy_w, pue; /* of one server; of nothing else */
    double usd_per_call;
    struct ts_verify_model verify; /* CASCADE */
    double hedge_after_s;          /* HEDGE: a call without its first token by then gets a second attempt */
    double budget_usd_per_day;     /* BUDGET */
};

/* ---- quality ---- */

/* Rows of a table of right and wrong: which tiers were, as a mask. */
struct ts_quality_rows {
    const uint32_t *right; /* [n] */
    uint32_t n;            /* >= 1 */
};

/* See sim/quality.h. */
struct ts_quality_model {
    bool unknown;                         /* how able some tier is: there are no figures of quality */
    double shared_frac;                   /* of the requests: all tiers have the same luck */
    const struct ts_quality_rows *tables; /* [n_classes], NULL: by ability */
};

/* Who sends requests, where the load is a closed loop: see sim/users.h. */
struct ts_users_model {
    uint32_t n; /* 0: the load is open, requests come when their stream says */
    struct ts_dist think_s;
    double until_s; /* nothing is sent at it or later; 0: until the stream ends */
};

struct ts_model {
    const char *name, *description;
    uint64_t seed;
    struct ts_tier_model tiers[TS_MAX_TIERS];
    uint32_t n_tiers;
    struct ts_link_model links[TS_MAX_LINKS];
    uint32_t n_links;
    const struct ts_incident_model *incidents; /* [n_incidents] */
    uint32_t n_incidents;                      /* up to TS_MAX_INCIDENTS */
    const char *const *class_names;
    uint32_t n_classes;
    const int (*site_links)[TS_MAX_TIERS]; /* [n_classes] each class comes from one site: its link to every tier, -1:
                                              none; NULL: tiers[].link for all */
    const double *class_ahead_h;           /* [n_classes] its site's clock, in hours ahead of start_hour's; NULL: 0 */
    struct ts_router_model router;
    struct ts_quality_model quality;
    struct ts_users_model users;
    struct ts_slo_model slo;
    struct ts_money_model money;
    struct ts_limits_model limits;
    const struct ts_recorded_model *recorded; /* NULL: nothing is */
    double warmup_s;                          /* what comes before is left out of the statistics: see sim/ledger.h */
    double patience_s;   /* a request without its first token after this long gives up (timed out); 0 = never */
    double drain_s;      /* how long the simulation goes on after the last arrival; what is left then is unfinished; 0 =
                            until all is done */
    double series_bin_s; /* width of the time series' bins */
    bool has_sessions;   /* requests are of sessions: see sim/sessions.h */
    double turns_until_s;   /* no call of a session is sent then or later, but those that waited for none; 0: always */
    double start_hour;      /* of the week, 0 = Monday 00:00: when the window begins */
    double site_cap_w;      /* facility power of all servers at work together; 0: no cap */
    bool prompts_are_told;  /* requests may say what their prompts consist of: a trace, of a format that has that */
    double calls_per_month; /* what a month brings; 0: the simulated window repeated over 730 h */
    double month_scale;     /* of that repeated window: calls of a month by those of 730 h like it; 0: 1 */
    const char *month_told; /* how a month is made of a trace, for people; NULL: there is nothing to say */
    const struct ts_assumption *assumptions;
    size_t n_assumptions;
};

/* The link to a tier for requests of that class; an index, -1: none. */
static inline int ts_model_link(const struct ts_model *model, uint32_t tier, uint32_t class_id)
{
    return model->site_links ? model->site_links[class_id][tier] : model->tiers[tier].link;
}
/* Does anything go wrong that reports tell the course of: an incident, or a link's own outages? */
bool ts_model_has_incidents(const struct ts_model *model);
/* "USD", "EUR": of all money in it. */
static inline const char *ts_model_currency(const struct ts_model *model)
{
    return model->money.currency ? model->money.currency : "USD";
}

/* Hours of the week, from Monday 00:00 on and not wrapped, by the clock of the class's site. */
double ts_model_hour(const struct ts_model *model, uint32_t class_id, int64_t now_ns);
/* Is an hour of the day between them? From is after to: over midnight. */
static inline bool ts_hours_hold(double from_hour, double to_hour, double hour)
{
    return from_hour <= to_hour ? hour >= from_hour && hour < to_hour : hour >= from_hour || hour < to_hour;
}

/* Is it a fleet of several kinds of devices? */
static inline bool ts_tier_is_mixed(const struct ts_tier_model *tier)
{
    return tier->kind == TS_TIER_DEVICE && tier->u.device.n_kinds > 0;
}
/* What a device of that kind is; of a fleet that is not mixed, 0. */
static inline const struct ts_device_model *ts_device_of_kind(const struct ts_device_model *fleet, uint32_t kind)
{
    return fleet->n_kinds > 0 ? &fleet->kinds[kind].device : fleet;
}
/* Groups of equal units: the pools of a server tier, the kinds of a mixed fleet; the devices of another, or an API, are
 * one. */
static inline uint32_t ts_tier_n_pools(const struct ts_tier_model *tier)
{
    return tier->kind == TS_TIER_SERVER ? tier->u.server.n_pools : ts_tier_is_mixed(tier) ? tier->u.device.n_kinds : 1;
}
/* Do reports tell of each of its pools? */
static inline bool ts_tier_lists_pools(const struct ts_tier_model *tier)
{
    return ts_tier_is_mixed(tier) || (tier->kind == TS_TIER_SERVER && tier->u.server.lists_pools);
}
/* Do its pools divide the work by role? */
static inline bool ts_tier_is_disaggregated(const struct ts_tier_model *tier)
{
    return tier->kind == TS_TIER_SERVER && tier->u.server.pools[0].role != TS_POOL_BOTH;
}
/* Replicas of all its pools. */
static inline uint32_t ts_server_n_replicas(const struct ts_server_model *server)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < server->n_pools; i++) {
        n += server->pools[i].n_replicas;
    }
    return n;
}
/* The place of a tier's first pool among those of all tiers; tier = n_tiers: how many there are. */
uint32_t ts_model_first_pool(const struct ts_model *model, uint32_t tier);

/* Kind names as a scenario writes them: "device", "server", "api". */
const char *ts_tier_kind_name(enum ts_tier_kind kind);

#endif
