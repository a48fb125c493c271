/* Hides how a name finds its row: the one that it matches best (scenarios/catalog/catalog_name.h). */
#include "scenarios/catalog/catalog.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>

#include "scenarios/catalog/catalog_name.h"
#include "scenarios/catalog/catalog_parts.h"

enum { MIN_PART = 3, MAX_WORD = 128 };

static const struct ts_catalog_kind *kind_of(const char *name)
{
    for (const struct ts_catalog_kind *kind = ts_catalog_kinds; kind->name; kind++) {
        if (ts_str_equal(kind->name, name)) {
            return kind;
        }
    }
    return NULL;
}

static enum ts_name_match row_match(const struct ts_catalog_kind *kind, const void *row, const char *word)
{
    const enum ts_name_match best = ts_catalog_name_match(ts_catalog_text(row, 0), word, kind->sort);
    const enum ts_name_match other = kind->alias_at
                                         ? ts_catalog_name_match(ts_catalog_text(row, kind->alias_at), word, kind->sort)
                                         : TS_NAME_NO_MATCH;
    return other > best ? other : best;
}

const void *ts_catalog_row_named(const struct ts_catalog *catalog, const struct ts_catalog_kind *kind, const char *name)
{
    for (size_t i = 0; i < ts_catalog_count(catalog, kind); i++) {
        const void *row = ts_catalog_row(catalog, kind, i);
        if (ts_str_equal(ts_catalog_text(row, 0), name)) {
            return row;
        }
    }
    return NULL;
}

/* Rows of the best match only: the name itself beats all, a whole name those that merely start with it. */
static size_t matches(const struct ts_catalog *catalog, const struct ts_catalog_kind *kind, const char *word,
                      const void **first, const char **names, size_t cap)
{
    size_t n = 0;
    enum ts_name_match best = TS_NAME_PART_OPEN;
    const void *named = ts_catalog_row_named(catalog, kind, word);
    if (named && first) {
        *first = named;
    }
    if (named && cap > 0) {
        names[0] = ts_catalog_text(named, 0);
    }
    if (named) {
        return 1;
    }
    for (size_t i = 0; i < ts_catalog_count(catalog, kind); i++) {
        const void *row = ts_catalog_row(catalog, kind, i);
        const enum ts_name_match how = row_match(kind, row, word);
        if (how < best) {
            continue;
        }
        if (how > best) {
            best = how;
            n = 0;
        }
        if (how == TS_NAME_WHOLE && n == 1 && strchr(ts_catalog_text(row, 0), '/')) {
            break;
        }
        if (n == 0 && first) {
            *first = row;
        }
        if (n < cap) {
            names[n] = ts_catalog_text(row, 0);
        }
        n++;
    }
    return n;
}

size_t ts_catalog_matches(const struct ts_catalog *catalog, const char *kind, const char *name, const char **names,
                          size_t cap)
{
    const struct ts_catalog_kind *k = kind_of(kind);
    return k ? matches(catalog, k, name, NULL, names, cap) : 0;
}

static const void *find(const struct ts_catalog *catalog, const char *kind, const char *name)
{
    const void *row = NULL;
    return name && matches(catalog, kind_of(kind), name, &row, NULL, 0) == 1 ? row : NULL;
}

const struct ts_hardware *ts_catalog_hardware(const struct ts_catalog *catalog, const char *name)
{
    return find(catalog, "hardware", name);
}

const struct ts_llm *ts_catalog_llm(const struct ts_catalog *catalog, const char *name)
{
    return find(catalog, "model", name);
}

const struct ts_price *ts_catalog_price(const struct ts_catalog *catalog, const char *name)
{
    return find(catalog, "price", name);
}

const struct ts_device_rate *ts_catalog_device_rate(const struct ts_catalog *catalog, const char *hardware,
                                                    const char *model, const struct ts_weight_quant *quant,
                                                    const char *runtime)
{
    const double widest_of_4 = 5.5; /* scales included */
    for (size_t i = 0; i < catalog->n_device_rates; i++) {
        const struct ts_device_rate *row = &catalog->device_rates[i];
        const bool fits = row->quant[0] ? ts_str_equal(row->quant, quant->name) : quant->bits_per_weight <= widest_of_4;
        if (fits && ts_str_equal(row->hardware, hardware) && ts_str_equal(row->model, model) &&
            (!runtime || ts_str_has_prefix(row->runtime, runtime))) {
            return row;
        }
    }
    return NULL;
}

const struct ts_speed *ts_catalog_speed(const struct ts_catalog *catalog, const char *offer)
{
    for (size_t i = 0; offer && i < catalog->n_speeds; i++) {
        if (ts_str_equal(catalog->speeds[i].name, offer)) {
            return &catalog->speeds[i];
        }
    }
    return NULL;
}

/* "OpenAI/gpt-200k+" stands for longer prompts of "OpenAI/gpt". */
const struct ts_price *ts_catalog_long_price(uint32_t *over_tok, const struct ts_catalog *catalog, const char *offer)
{
    const size_t n = strlen(offer);
    for (size_t i = 0; i < catalog->n_prices; i++) {
        const char *name = catalog->prices[i].name;
        const size_t len = strlen(name);
        uint64_t ktok = 0;
        if (len > n + 3 && strncmp(name, offer, n) == 0 && name[n] == '-' && ts_str_equal(name + len - 2, "k+") &&
            ts_parse_u64(&ktok, name + n + 1, len - n - 3) && ktok < 1000000) {
            *over_tok = (uint32_t)ktok * 1000;
            return &catalog->prices[i];
        }
    }
    return NULL;
}

/* "meta.llama3-1-70b-instruct-v1:0" -> "metallama3170binstructv10" */
static void squeeze(char out[128], const char *name)
{
    size_t n = 0;
    for (; *name && n < 127; name++) {
        if (isalnum((unsigned char)*name)) {
            out[n++] = (char)tolower((unsigned char)*name);
        }
    }
    out[n] = '\0';
}

/* Is an offer of these weights: it has the model's name, and not another's that begins like it. */
static bool offers_weights(const char *offer, const char *model)
{
    static const char *const others[] = {"distill", "guard", "embed", "rerank", "safeguard"};
    char squeezed[128], wanted[128];
    const char *slash = strchr(offer, '/');
    squeeze(squeezed, slash ? slash + 1 : offer);
    squeeze(wanted, model);
    const char *at = strstr(squeezed, wanted);
    bool is = at && strlen(wanted) >= MIN_PART && !isdigit((unsigned char)at[strlen(wanted)]) &&
              (at == squeezed || !isdigit((unsigned char)at[-1]));
    for (size_t i = 0; i < sizeof others / sizeof others[0] && is; i++) {
        is = !strstr(squeezed, others[i]) || strstr(wanted, others[i]);
    }
    return is && !ts_str_equal(offer + strlen(offer) - 2, "k+");
}

const struct ts_price *ts_catalog_same_weights(const struct ts_catalog *catalog, const char *model)
{
    const double prompts_per_reply = 3.0; /* in tokens, for the choice only */
    const struct ts_price *best = NULL;
    double least = HUGE_VAL;
    for (size_t i = 0; i < catalog->n_prices; i++) {
        const struct ts_price *price = &catalog->prices[i];
        const double usd = prompts_per_reply * price->input_usd_per_mtok + price->output_usd_per_mtok;
        if (usd > 0.0 && usd < least && offers_weights(price->name, model)) {
            least = usd;
            best = price;
        }
    }
    return best;
}

const struct ts_provider_account *ts_catalog_account(const struct ts_catalog *catalog, const char *offer,
                                                     const char *account, struct ts_text *known)
{
    for (size_t i = 0; i < catalog->n_accounts; i++) {
        const struct ts_provider_account *row = &catalog->accounts[i];
        if (!ts_str_equal(row->offer, offer)) {
            continue;
        }
        if (ts_str_equal(row->account, account)) {
            return row;
        }
        ts_text_printf(known, "%s'%s'", known->len > 0 ? ", " : "", row->account);
    }
    return NULL;
}

const struct ts_provision *ts_catalog_provision(const struct ts_catalog *catalog, const char *offer)
{
    const char *slash = strchr(offer, '/'), *model = slash ? slash + 1 : offer;
    for (size_t i = 0; i < catalog->n_provisions; i++) {
        if (ts_str_equal(catalog->provisions[i].model, model)) {
            return &catalog->provisions[i];
        }
    }
    return NULL;
}

const struct ts_region *ts_catalog_region(const struct ts_catalog *catalog, const char *name)
{
    return find(catalog, "region", name);
}

const struct ts_server_row *ts_catalog_server(const struct ts_catalog *catalog, const char *name)
{
    return find(catalog, "server", name);
}

static int by_number(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double ts_catalog_rental(unsigned *n, const struct ts_catalog *catalog, const char *hardware, enum ts_rental_kind kind)
{
    double prices[TS_CATALOG_MAX_ROWS];
    *n = 0;
    for (size_t i = 0; i < catalog->n_rentals && *n < TS_CATALOG_MAX_ROWS; i++) {
        const struct ts_rental *row = &catalog->rentals[i];
        const double usd = kind == TS_RENTAL_SPOT       ? row->spot_usd_per_h
                           : kind == TS_RENTAL_RESERVED ? row->reserved_usd_per_h
                                                        : row->usd_per_h;
        if (usd > 0.0 && ts_str_equal(row->hardware, hardware)) {
            prices[(*n)++] = usd;
        }
    }
    qsort(prices, *n, sizeof *prices, by_number);
    return *n > 0 ? 0.5 * (prices[(*n - 1) / 2] + prices[*n / 2]) : 0.0;
}

const struct ts_weight_quant *ts_catalog_quant(const struct ts_catalog *catalog, const char *name)
{
    return find(catalog, "quant", name);
}

const struct ts_score *ts_catalog_score(const struct ts_catalog *catalog, const char *name)
{
    for (size_t i = 0; name && i < catalog->n_scores; i++) {
        if (ts_str_equal(catalog->scores[i].name, name)) {
            return &catalog->scores[i];
        }
    }
    return NULL;
}

const struct ts_chip *ts_catalog_chip(const struct ts_catalog *catalog, const char *name)
{
    for (size_t i = 0; name && i < catalog->n_chips; i++) {
        if (ts_str_equal(catalog->chips[i].name, name)) {
            return &catalog->chips[i];
        }
    }
    return NULL;
}

bool ts_catalog_is_gpu(const char *class_name)
{
    static const char *const gpus[] = {"hbm", "amd", "cdna4", "gddr"};
    for (size_t i = 0; i < sizeof gpus / sizeof gpus[0]; i++) {
        if (ts_str_equal(class_name, gpus[i])) {
            return true;
        }
    }
    return false;
}

/* The only row that the word's first words match: what stands behind them ("-FP8", "-AWQ") is of no row. */
static const char *suggest_by_start(const struct ts_catalog *catalog, const struct ts_catalog_kind *kind,
                                    const char *word)
{
    char shorter[MAX_WORD];
    const char *longer = word;
    const char *name = NULL;
    while (ts_catalog_name_shorten(shorter, sizeof shorter, longer)) {
        const size_t n = matches(catalog, kind, shorter, NULL, &name, 1);
        if (n > 0) {
            return n == 1 ? name : NULL;
        }
        longer = shorter;
    }
    return NULL;
}

const char *ts_catalog_suggest(const struct ts_catalog *catalog, const char *kind, const char *name)
{
    const struct ts_catalog_kind *k = kind_of(kind);
    if (!k || !name) {
        return NULL;
    }
    const char *names[TS_CATALOG_MAX_ROWS];
    size_t n = ts_catalog_count(catalog, k);
    for (size_t i = 0; i < n; i++) {
        names[i] = ts_catalog_text(ts_catalog_row(catalog, k, i), 0);
    }
    const char *near = suggest_by_start(catalog, k, name);
    return near ? near : ts_suggest(name, names, n);
}
