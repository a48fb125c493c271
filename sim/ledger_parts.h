/* The inside of the ledger: what booking (ledger.c) and closing (ledger_close.c) share. */
#ifndef TS_SIM_LEDGER_PARTS_H
#define TS_SIM_LEDGER_PARTS_H

#include "sim/ledger.h"

/* Rows of the timeline: those of each pool, then the requests present in each tier, then the arrivals, then
 * outcomes. BUSY and UP are whole nanoseconds of units, the others are by the second. */
enum ts_ledger_row { TS_LEDGER_POWER, TS_LEDGER_BUSY, TS_LEDGER_UP, TS_LEDGER_KV, TS_LEDGER_N_ROWS };

static inline uint32_t ts_ledger_row(uint32_t book, enum ts_ledger_row row)
{
    return book * TS_LEDGER_N_ROWS + (uint32_t)row;
}

static inline uint32_t ts_ledger_present_row(const struct ts_ledger *ledger, uint32_t tier)
{
    return ledger->n_pools * TS_LEDGER_N_ROWS + tier;
}

static inline uint32_t ts_ledger_arrivals_row(const struct ts_ledger *ledger)
{
    return ts_ledger_present_row(ledger, ledger->model->n_tiers);
}

/* With incidents: for each tier and nowhere, the requests that it answered and those that came to nothing there. */
enum ts_ledger_outcome_row { TS_LEDGER_SERVED, TS_LEDGER_REFUSED, TS_LEDGER_N_OUTCOME_ROWS };

static inline uint32_t ts_ledger_outcome_row(const struct ts_ledger *ledger, uint32_t tier,
                                             enum ts_ledger_outcome_row row)
{
    return ts_ledger_arrivals_row(ledger) + 1 + tier * TS_LEDGER_N_OUTCOME_ROWS + (uint32_t)row;
}

struct ts_cell *ts_ledger_cell_in_mix(struct ts_ledger *ledger, uint32_t tier, const struct ts_request *request);
/* The books of the caller's kind of device, in a mixed fleet; else NULL. */
static inline struct ts_cell *ts_ledger_cell_of_kind(struct ts_ledger *ledger, uint32_t tier,
                                                     const struct ts_request *request)
{
    const struct ts_model *model = ledger->model;
    const bool is_mixed = tier < model->n_tiers && ts_tier_is_mixed(&model->tiers[tier]);
    return is_mixed ? ts_ledger_cell_in_mix(ledger, tier, request) : NULL;
}
/* What an API counts of the call beside prompt and reply. */
struct ts_billed_tok ts_ledger_billed_tok(const struct ts_flight *flight);

/* Books the units that are up until now. */
void ts_ledger_integrate_up(struct ts_ledger *ledger, uint32_t book, int64_t now_ns);

#endif
