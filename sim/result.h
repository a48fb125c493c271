/* What a simulation came to. Plain data plus histograms; results of replications merge exactly, in any order, except
 * for doubles, which callers merge in the order of the replication's index (so that bytes do not depend on threads). */
#ifndef TS_SIM_RESULT_H
#define TS_SIM_RESULT_H

#include "base/hist.h"
#include "sim/batch_means.h"
#include "sim/model.h"

/* TTFT and E2E are what the client sees: router, links, retries
 * and queueing included. TTFT_SERVER: arrival at the tier that served it to the first token there. TPOT = (E2E -
 * TTFT)/(output - 1), undefined for one token. ITL: every gap between two tokens (only servers and devices; APIs stream
 * at a constant rate). WAIT: arrival at the tier to start of service. */
enum ts_latency { TS_TTFT, TS_TTFT_SERVER, TS_TPOT, TS_ITL, TS_E2E, TS_WAIT, TS_N_LATENCIES };

/* Counts of requests, once for each (tier, class). arrived = done + rejected + timed_out + unfinished, asserted. A
 * request counts for the tier it ended at; one that no tier would take counts for the pseudo-tier `nowhere`. */
struct ts_cell {
    uint64_t arrived, done, rejected, timed_out, unfinished;
    uint64_t left_out,
        left_out_done; /* of those arrived and done: came in the warm-up; in no other figure than counts */
    uint64_t slo_met;
    uint64_t fell_back;              /* were meant for another tier first */
    uint64_t superseded;             /* attempts here that came to nothing for their call, which ended elsewhere or by
                                        another attempt; in no other count */
    uint64_t superseded_tok;         /* tokens of those of them that gave a whole reply */
    uint64_t prompt_tok, output_tok; /* of requests done */
    double expected_right;           /* sum of logistic(theta - z) over those done */
    double api_usd;       /* paid to an API, also for superseded attempts; prices of router and check included */
    double displaced_usd; /* what the API that the tier replaces would have charged for those done */
    double barred_usd;    /* the part of displaced_usd that policy would have kept from that API */
    struct ts_hist latency_ns[TS_N_LATENCIES]; /* of requests done */
};

struct ts_tier_result {
    struct ts_cell *cells;             /* [n_classes] */
    double idle_j, active_j;           /* accelerator or device; idle_j over all the window, active_j above idle */
    double host_j, overhead_j;         /* host adder; (PUE - 1) x all before */
    double busy_frac;                  /* mean share of time that a unit (replica, eligible device) is busy */
    double mean_in_tier;               /* time average of requests present: L of Little's law */
    double mean_batch;                 /* servers: mean sequences per step */
    double kv_peak_frac, kv_mean_frac; /* servers: share of KV blocks in use */
    double flop, bytes;                /* servers with known peaks: what their steps need, see sim/ledger.h */
    double peak_flop, peak_bytes;      /* what the hardware does at its peaks in the time that they were busy */
    double mean_up;                    /* units that are neither off nor broken: replicas, eligible devices */
    uint64_t n_steps, n_preemptions, n_throttled;
    uint64_t n_retries;                /* APIs: further attempts; servers: requests that a failing replica lost */
    uint64_t n_starts, n_failures;     /* servers: cold starts; replicas that failed */
    uint64_t looked_up_tok, found_tok; /* servers with a prefix cache: prompt tokens of requests that were begun, and
                                          those of them that need not be computed */
    struct ts_hist transfer_ns, transfer_wait_ns; /* servers with pools by role: from the end of the prompt until its KV
                                                     entries are there, and the part of it before the link was free */
    double transfer_bytes;
    double transfer_busy_frac; /* share of the time in which the link carries KV entries */
    double *power_w;           /* [n_bins] mean facility power in that bin */
    double *in_tier;           /* [n_bins] mean requests present */
    double *busy;              /* [n_bins] share of the time that units which are up are busy */
    double *kv_used;           /* [n_bins] servers: share of the KV blocks in use, of replicas that are up */
    struct ts_batch_means batches[TS_N_LATENCIES]; /* in seconds, all classes, in order of completion; ITL: none */
};

struct ts_result {
    uint32_t n_tiers; /* tiers[n_tiers] is `nowhere` */
    uint32_t n_classes;
    uint32_t n_replications;      /* merged into this */
    struct ts_tier_result *tiers; /* [n_tiers + 1] */
    uint32_t n_pools;             /* that tiers list, in order: see ts_model_first_pool */
    struct ts_tier_result *pools; /* [n_pools] what is about units and steps; no cells, no series, no batches; their
                                     tier's figures hold the sums, and the means over all units */
    double window_s;              /* length of the arrival window: rates are per this, less the warm-up */
    double simulated_s;           /* until the last event */
    double warmup_s;              /* at its beginning: left out of means, shares, energies and rates */
    uint32_t n_bins;
    double bin_s;
    uint64_t *arrivals; /* [n_bins] */
    uint32_t *
        n_reached; /* [n_bins] replications that went on until that bin: the series of the tiers are means over those */
    uint64_t n_events;
    struct ts_batch_means batches[TS_N_LATENCIES]; /* of all tiers, as in a tier */
};

enum ts_status ts_result_init(struct ts_result *out, const struct ts_model *model, uint32_t n_bins);
void ts_result_deinit(struct ts_result *result);

/* into += from: counts, energies and money add up; fractions and means are weighted by simulated time; windows add.
 * Same model, same bins (the longer one wins). */
enum ts_status ts_result_merge(struct ts_result *into, const struct ts_result *from);

void ts_cell_deinit(struct ts_cell *cell);

/* Adds what a group of units did to what others did: energies, work, steps; the peak is the higher one. No means. */
void ts_result_add_units(struct ts_tier_result *into, const struct ts_tier_result *from);

/* Checks arrived = done + rejected + timed out + unfinished in every cell. */
int ts_result_balances(const struct ts_result *result);

/* Energy of a tier in joules, all parts. */
double ts_tier_energy_j(const struct ts_tier_result *tier);

#endif
