/* What the fitted rooflines say about published measurements, as tables. */
#ifndef TS_APP_PUBLISHED_TABLE_H
#define TS_APP_PUBLISHED_TABLE_H

#include "reports/table.h"
#include "scenarios/catalog.h"

/* Whether a name belongs to those asked for. */
typedef bool ts_published_wanted(const char *name, const char *filter);

/* One row for each hardware, model, quant, engine and metric: the point whose ratio of predicted to published is the
 * median, and the range of all ratios. NULL when out of memory. The catalog has its published points. */
struct ts_table *ts_published_table(const struct ts_catalog *catalog, ts_published_wanted *wanted, const char *filter);

/* The classes of that hardware and their errors on chips left out of the fit. NULL when out of memory. */
struct ts_table *ts_published_errors(const struct ts_catalog *catalog, ts_published_wanted *wanted, const char *filter);

#endif
