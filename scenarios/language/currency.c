/* Hides how currencies are written: by a code of three capitals (ISO 4217) or a sign, before the number or in the unit;
 * "EUR 38 k/year", "38 kEUR/year". The code gives its place to USD, which base/units knows. */
#include "scenarios/language/currency.h"

#include <string.h>

#include "scenarios/language/loader.h"

enum { CODE_LEN = 3 };

static const struct {
    const char *sign, *code;
} signs[] = {{"$", "USD"}, {"\xe2\x82\xac", "EUR"}, {"\xc2\xa3", "GBP"}};

static bool is_capital(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
    return is_capital(c) || (c >= 'a' && c <= 'z');
}

/* Bytes of the code or sign that `at` begins with, 0: none; *code gets it. */
static size_t code_at(char code[CODE_LEN + 1], const char *at)
{
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++) {
        if (strncmp(at, signs[i].sign, strlen(signs[i].sign)) == 0) {
            memcpy(code, signs[i].code, CODE_LEN + 1);
            return strlen(signs[i].sign);
        }
    }
    if (is_capital(at[0]) && is_capital(at[1]) && is_capital(at[2]) && !is_letter(at[3])) {
        memcpy(code, at, CODE_LEN);
        code[CODE_LEN] = '\0';
        return CODE_LEN;
    }
    return 0;
}

/* Where the word has a code: at its beginning, or in its unit, after k, M, G or no letter. */
static const char *find_code(char code[CODE_LEN + 1], size_t *len, const char *word)
{
    for (const char *at = word; *at; at++) {
        const bool begins = at == word || !is_letter(at[-1]) || strchr("kMG", at[-1]);
        *len = begins ? code_at(code, at) : 0;
        if (*len > 0) {
            return at;
        }
    }
    return NULL;
}

static double usd_of(struct ts_currencies *currencies, const char *code)
{
    for (size_t i = 0; i < currencies->n; i++) {
        if (ts_str_equal(currencies->known[i].code, code)) {
            currencies->known[i].used = true;
            return currencies->known[i].usd;
        }
    }
    return ts_str_equal(code, "USD") ? 1.0 : 0.0;
}

const char *ts_currencies_read(struct ts_loader *loader, const struct ts_node *node, const char *word, double *factor)
{
    struct ts_currencies *currencies = &loader->currencies;
    char code[CODE_LEN + 1];
    size_t len = 0;
    *factor = currencies->per_usd;
    const char *at = find_code(code, &len, word);
    if (!at) {
        return word;
    }
    const double usd = usd_of(currencies, code);
    if (!(usd > 0.0)) {
        ts_diags_add(loader->diags, TS_ERROR, node->at,
                     ts_loader_printf(loader, "write it: money: {rates: {%s: {usd: 1.08, date: 2026-11-27}}}", code),
                     "there is no rate of '%s'", code);
        return NULL;
    }
    *factor *= usd;
    if (at != word) {
        return ts_loader_printf(loader, "%.*sUSD%s", (int)(at - word), word, at + len);
    }
    const char *number = word + len + strspn(word + len, " "), *slash = strchr(number, '/');
    const size_t n = slash ? (size_t)(slash - number) : strlen(number);
    return ts_loader_printf(loader, "%.*s USD%s", (int)n, number, number + n);
}

/* ---- what the scenario says ---- */

static void add_rate(struct ts_currencies *currencies, const struct ts_node *node)
{
    const struct ts_node *usd = ts_yaml_tree_find(node, "usd");
    double value = 0.0;
    if (currencies->n < TS_MAX_CURRENCIES && node->key && usd && usd->kind == TS_NODE_SCALAR &&
        ts_parse_double(&value, usd->text, strlen(usd->text)) && value > 0.0) {
        currencies->known[currencies->n].code = node->key;
        currencies->known[currencies->n++].usd = value;
    }
}

/* A copy of a catalog's rows, whose prices at those places are converted. */
static void *converted(struct ts_loader *loader, const void *rows, size_t n, size_t row_size, const size_t *places,
                       size_t n_places)
{
    char *copy = ts_loader_array(loader, n, row_size);
    if (copy && n > 0) {
        memcpy(copy, rows, n * row_size);
    }
    for (size_t i = 0; copy && i < n * n_places; i++) {
        double value = 0.0;
        char *at = copy + i / n_places * row_size + places[i % n_places];
        memcpy(&value, at, sizeof value);
        value *= loader->currencies.per_usd;
        memcpy(at, &value, sizeof value);
    }
    return copy;
}

void ts_currencies_convert(struct ts_loader *loader)
{
    if (loader->currencies.per_usd == 1.0) {
        return;
    }
    static const size_t hardware[] = {offsetof(struct ts_hardware, list_price_usd)};
    static const size_t prices[] = {
        offsetof(struct ts_price, input_usd_per_mtok),       offsetof(struct ts_price, cached_input_usd_per_mtok),
        offsetof(struct ts_price, output_usd_per_mtok),      offsetof(struct ts_price, cache_write_usd_per_mtok),
        offsetof(struct ts_price, batch_input_usd_per_mtok), offsetof(struct ts_price, batch_output_usd_per_mtok)};
    static const size_t regions[] = {offsetof(struct ts_region, electricity_usd_per_kwh)};
    static const size_t rentals[] = {offsetof(struct ts_rental, usd_per_h), offsetof(struct ts_rental, spot_usd_per_h),
                                     offsetof(struct ts_rental, reserved_usd_per_h)};
    static const size_t servers[] = {offsetof(struct ts_server_row, price_usd),
                                     offsetof(struct ts_server_row, network_usd)};
    struct ts_catalog *catalog = &loader->catalog;
    catalog->hardware =
        converted(loader, catalog->hardware, catalog->n_hardware, sizeof *catalog->hardware, hardware, 1);
    catalog->prices = converted(loader, catalog->prices, catalog->n_prices, sizeof *catalog->prices, prices,
                                sizeof prices / sizeof prices[0]);
    catalog->regions = converted(loader, catalog->regions, catalog->n_regions, sizeof *catalog->regions, regions, 1);
    catalog->rentals = converted(loader, catalog->rentals, catalog->n_rentals, sizeof *catalog->rentals, rentals, 3);
    catalog->servers = converted(loader, catalog->servers, catalog->n_servers, sizeof *catalog->servers, servers, 2);
}

void ts_currencies_find(struct ts_loader *loader, const struct ts_node *root)
{
    struct ts_currencies *currencies = &loader->currencies;
    const struct ts_node *money = ts_yaml_tree_find(root, "money");
    const struct ts_node *rates = ts_yaml_tree_find(money, "rates");
    const struct ts_node *code = ts_yaml_tree_find(money, "currency");
    *currencies = (struct ts_currencies){.code = "USD", .per_usd = 1.0};
    for (const struct ts_node *rate = rates && rates->kind == TS_NODE_MAP ? rates->first : NULL; rate;
         rate = rate->next) {
        add_rate(currencies, rate);
    }
    if (code && code->kind == TS_NODE_SCALAR && code->text[0]) {
        currencies->code = code->text;
        const double usd = usd_of(currencies, code->text);
        currencies->per_usd = usd > 0.0 ? 1.0 / usd : 1.0; /* no rate: resolve_money says so */
    }
}
