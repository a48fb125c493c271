/* How recordings name hardware, models, formats and engines -> names of the catalogs; NULL: none of them. */
#ifndef TS_TESTS_SERVING_NAMES_H
#define TS_TESTS_SERVING_NAMES_H

const char *serving_chip(const char *said);
const char *serving_model(const char *said);
const char *serving_quant(const char *said);
const char *serving_engine(const char *said);
/* Of serving2026.csv and serving_amd.csv. */
const char *serving_source(const char *said);

#endif
