/* What a simulation came to. Plain data plus histograms; results of replications merge exactly, in any order, except
 * for doubles, which callers merge in the order of the replication's index (so that bytes do not depend on threads). */
#ifndef TS_SIM_RESULT_H
#define TS_SIM_RESULT_H

#include "base/hist.h"
#include "sim/batch_means.h"
#include "sim/exceedance.h"
#include "sim/frontier.h"
#include "sim/model.h"
#include "sim/reasons.h"

/* TTFT and E2E are what the client sees: router, links, retries
 * and queueing included. TTFT_SERVER: arrival at the tier that served it to the first token there. TPOT = (E2E -
 * TTFT)/(output - 1), undefined for one token. ITL: every gap between two tokens (only servers and devices; APIs stream
 * at a constant rate). WAIT: arrival at the tier to start of service. SESSION: from the
 * first call of a session to its last reply, by the tier of that one. */
enum ts_latency { TS_TTFT, TS_TTFT_SERVER, TS_TPOT, TS_ITL, TS_E2E, TS_WAIT, TS_SESSION, TS_N_LATENCIES };

/* The types of sim/counters.inc, whose rows are the fields below. */
#define TS_COUNTER_COUNT uint64_t
#define TS_COUNTER_REAL double

/* Of requests, once for each (tier, class). arrived = done + rejected + timed_out + unfinished, asserted. A request
 * counts for the tier it ended at; one that no tier would take counts for the pseudo-tier `nowhere`, whose units are
 * the router's servers. What came in the warm-up is in the counts by outcome alone. */
struct ts_cell {
#define TS_CELL(type, field, ...) TS_COUNTER_##type field;
#include "sim/counters.inc"
    struct ts_attempts attempts;
    struct ts_hist latency_ns[TS_N_LATENCIES]; /* of requests done */
};

struct ts_tier_result {
    struct ts_cell *cells; /* [n_classes] */
#define TS_TIER(books, made, type, field, ...) TS_COUNTER_##type field;
#include "sim/counters.inc"
    struct ts_hist transfer_ns, transfer_wait_ns; /* servers with pools by role: from the end of the prompt until its KV
                                                     entries are there, and the part of it before the link was free */
#define TS_SERIES(field, ...) double *field;      /* [n_bins] */
#include "sim/counters.inc"
    struct ts_batch_means batches[TS_N_LATENCIES]; /* in seconds, all classes, in order of completion; ITL: none */
};

/* Latencies whose high quantiles have intervals. */
enum ts_tail { TS_TAIL_TTFT, TS_TAIL_TPOT, TS_TAIL_E2E, TS_N_TAILS };

/* From the highest score that did not pass a threshold (-INFINITY: none) to below the lowest that did (INFINITY): with
 * any other in it every call goes the same way. */
struct ts_threshold_range {
    double from, below;
};

struct ts_result {
    uint32_t n_tiers; /* tiers[n_tiers] is `nowhere` */
    uint32_t n_classes;
    struct ts_tier_result *tiers; /* [n_tiers + 1] */
    uint32_t n_pools;             /* of all tiers, in order: see ts_model_first_pool */
    struct ts_tier_result *pools; /* [n_pools] what is about units and steps; no series, no batches; their tier's
                                     figures hold the sums, and the means over all units. Cells of kinds of devices
                                     alone: one, all classes together, with outcomes, attempts, tokens, and TTFT, TPOT,
                                     E2E and WAIT of what they answered */
#define TS_RUN(type, field, ...) TS_COUNTER_##type field;
#include "sim/counters.inc"
    struct ts_frontier frontier;
    struct ts_threshold_range thresholds[TS_MAX_TIERS]; /* of ts_router_model.threshold */
    uint32_t n_bins;
    double bin_s;
    uint64_t *arrivals; /* [n_bins] */
    uint32_t *
        n_reached; /* [n_bins] replications that went on until that bin: the series of the tiers are means over those */
    struct ts_batch_means batches[TS_N_LATENCIES]; /* of all tiers, as in a tier */
    struct ts_exceedance *tails; /* [n_classes + 1][TS_N_TAILS] of all tiers, by class; the last, where there are
                                    several, of all classes */
};

enum ts_status ts_result_init(struct ts_result *out, const struct ts_model *model, uint32_t n_bins);
void ts_result_deinit(struct ts_result *result);

/* into += from, by the rules of sim/counters.inc. Same model; the longer series wins. */
enum ts_status ts_result_merge(struct ts_result *into, const struct ts_result *from);

#define TS_ALL_CLASSES UINT32_MAX

static inline struct ts_exceedance *ts_result_tail(const struct ts_result *result, uint32_t class_id, enum ts_tail tail)
{
    const uint32_t row = class_id != TS_ALL_CLASSES ? class_id : result->n_classes > 1 ? result->n_classes : 0;
    return &result->tails[row * TS_N_TAILS + tail];
}

/* Sums over the classes of a tier, or of one of them (tier == n_tiers + 1: over all tiers). The histograms of *out are
 * fresh: deinit it with ts_cell_deinit. */
enum ts_status ts_result_sum(struct ts_cell *out, const struct ts_result *result, uint32_t tier, uint32_t class_id);
void ts_cell_deinit(struct ts_cell *cell);

/* The counters of a tier (tier == n_tiers + 1: of all, where they add up; 0 where they do not), and nothing else of
 * *out. */
void ts_result_total(struct ts_tier_result *out, const struct ts_result *result, uint32_t tier);

/* Adds what a group of units did to what others did. No means. */
void ts_result_add_units(struct ts_tier_result *into, const struct ts_tier_result *from);

/* Checks arrived = done + rejected + timed out + unfinished in every cell, and the sums of sim/reasons.h. */
int ts_result_balances(const struct ts_result *result);

/* The time that rates are of: the window of the arrivals; requests that all came at one instant have none, theirs is
 * the time until the last was done. Over all replications. */
static inline double ts_result_window_s(const struct ts_result *result)
{
    return result->window_s > 0.0 ? result->window_s : result->simulated_s;
}

/* Does a server keep up with what comes? STABLE: it does. BACKLOGGED: more waited at some time than chance leaves, and
 * it was worked off or given up. OVERLOADED: the queue grows until the end of the window. By the requests present
 * beyond its seats, over the bins of the series, and those that were given up. */
enum ts_saturation { TS_SATURATION_STABLE, TS_SATURATION_BACKLOGGED, TS_SATURATION_OVERLOADED };
enum ts_saturation ts_result_saturation(const struct ts_model *model, const struct ts_result *result, uint32_t tier);

/* Energy of a tier in joules, all parts. */
double ts_tier_energy_j(const struct ts_tier_result *tier);

#endif
