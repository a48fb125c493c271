/* What the fitted rooflines say about published measurements, as tables. */
#ifndef TS_APP_PUBLISHED_TABLE_H
#define TS_APP_PUBLISHED_TABLE_H

#include "app/name_filter.h"
#include "reports/table.h"
#include "scenarios/catalog/catalog.h"

/* One row for each hardware, model, quant, engine and metric: the point whose ratio of predicted to published is the
 * median, and the range of all ratios. NULL when out of memory. The catalog has its published points. */
struct ts_table *ts_published_table(const struct ts_catalog *catalog, const struct ts_name_filter *filter);

/* The same for recorded serving: times per token in closed loops, a row for each hardware, count, model, quant and
 * engine. */
struct ts_table *ts_published_serving(const struct ts_catalog *catalog, const struct ts_name_filter *filter);

/* The classes of that hardware and their errors on chips left out of the fit; where a class is predicted by the
 * constants of another, that is said. NULL when out of memory. */
struct ts_table *ts_published_errors(const struct ts_catalog *catalog, const struct ts_name_filter *filter);

#endif
