/* Room for the series of a result, for those who fill it. */
#ifndef TS_SIM_RESULT_BINS_H
#define TS_SIM_RESULT_BINS_H

#include "sim/result.h"

/* Gives arrivals and the series of the tiers n_bins places, zeroed beyond those that were there. TS_ENOMEM leaves the
 * result valid with its old bins. */
enum ts_status ts_result_resize_bins(struct ts_result *result, uint32_t n_bins);

#endif
