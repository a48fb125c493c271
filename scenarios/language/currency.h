/* Prices in any currency that the scenario gives a dated rate for. After binding, everything is in the scenario's own,
 * money.currency: what it writes in another, and the catalogs, which are in USD, are converted here. */
#ifndef TS_SCENARIOS_LANGUAGE_CURRENCY_H
#define TS_SCENARIOS_LANGUAGE_CURRENCY_H

#include <stdbool.h>
#include <stddef.h>

enum { TS_MAX_CURRENCIES = 16 };

struct ts_currencies {
    struct {
        const char *code; /* "EUR" */
        double usd;       /* for one of it */
        bool used;
    } known[TS_MAX_CURRENCIES];
    size_t n;
    const char *code; /* of the scenario */
    double per_usd;   /* for one USD */
};

struct ts_loader;
struct ts_node;

/* Before binding: what stands under money. Mistakes there are found by binding. */
void ts_currencies_find(struct ts_loader *loader, const struct ts_node *root);
/* The prices of the loader's catalogs, from USD into the currency of the report. */
void ts_currencies_convert(struct ts_loader *loader);

/* A price as base/units reads it, in USD, and by what it is to be multiplied: "EUR 0.31/kWh" -> "0.31 USD/kWh". NULL,
 * with an error at the node, if there is no rate. */
const char *ts_currencies_read(struct ts_loader *loader, const struct ts_node *node, const char *word, double *factor);

#endif
