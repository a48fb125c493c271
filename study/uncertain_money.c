/* Hides that each economic number of a model is affine in the inputs it follows from: its slope is found by loading the
 * scenario with the input at both ends. A capex of 30 to 50 kUSD for each of two replicas has slope 2 in the price of
 * all. Numbers that follow from a product of two uncertain inputs (rent x interruptions of a spot machine) are so in
 * each alone; what that is off by is in the error that the study prints. */
#include "study/uncertain_money.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct field {
    size_t offset;
    bool is_count; /* uint32_t, else double */
};

#define MONEY(name)                                                                                                    \
    {                                                                                                                  \
        offsetof(struct ts_money_model, name), false                                                                   \
    }
#define OWNED(name)                                                                                                    \
    {                                                                                                                  \
        offsetof(struct ts_owned_model, name), false                                                                   \
    }

static const struct field money_fields[] = {
    MONEY(electricity_usd_per_kwh),
    MONEY(tariff.peak_usd_per_kwh),
    MONEY(tariff.demand_usd_per_kw),
    MONEY(carbon_g_per_kwh),
    MONEY(discount_frac_per_year),
    MONEY(growth_frac_per_month),
    MONEY(api_price_decline_frac_per_year),
    MONEY(hardware_price_decline_frac_per_year),
    MONEY(salary_usd_per_year),
    MONEY(tax_frac),
};

static const struct field owned_fields[] = {
    OWNED(capex_usd),
    OWNED(life_months),
    OWNED(lead_time_months),
    OWNED(maintenance_frac_per_year),
    OWNED(staff_fte),
    OWNED(resale_frac),
    OWNED(colocation_usd_per_month),
    OWNED(licences_usd_per_month),
    OWNED(other_usd_per_month),
    OWNED(first_download_usd),
    OWNED(downloads_usd_per_month),
    OWNED(rent_usd_per_h),
    OWNED(rent_instead_usd_per_h),
    {offsetof(struct ts_owned_model, buy_month), true},
    {offsetof(struct ts_owned_model, replicas_per_staff), true},
};

enum {
    N_MONEY = sizeof money_fields / sizeof money_fields[0],
    N_OWNED = sizeof owned_fields / sizeof owned_fields[0],
    MAX_FIELDS = N_MONEY + TS_MAX_TIERS * N_OWNED
};

bool ts_uncertain_is_money(const char *key)
{
    static const char *const counted[] = {"money.peak.from", "money.peak.to"};
    for (size_t i = 0; i < sizeof counted / sizeof counted[0]; i++) {
        if (ts_str_equal(key, counted[i])) {
            return false;
        }
    }
    const bool of_spot = strstr(key, ".owned.interruptions") || strstr(key, ".owned.restart");
    return (ts_str_has_prefix(key, "money.") && !ts_str_has_prefix(key, "money.rates.")) ||
           (strstr(key, ".owned.") && !of_spot);
}

/* ---- the numbers of a model ---- */

static double get(const void *at, const struct field *field)
{
    const char *from = (const char *)at + field->offset;
    return field->is_count ? (double)*(const uint32_t *)(const void *)from : *(const double *)(const void *)from;
}

static void set(void *at, const struct field *field, double value)
{
    char *to = (char *)at + field->offset;
    if (field->is_count) {
        *(uint32_t *)(void *)to = (uint32_t)fmax(round(value), 0.0);
    } else {
        *(double *)(void *)to = value;
    }
}

static uint32_t n_fields(const struct ts_model *model)
{
    return N_MONEY + model->n_tiers * N_OWNED;
}

static void read_fields(double *out, const struct ts_model *model)
{
    for (size_t k = 0; k < N_MONEY; k++) {
        *out++ = get(&model->money, &money_fields[k]);
    }
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        for (size_t k = 0; k < N_OWNED; k++) {
            *out++ = get(&model->tiers[i].owned, &owned_fields[k]);
        }
    }
}

static void write_fields(struct ts_model *model, const double *values)
{
    for (size_t k = 0; k < N_MONEY; k++) {
        set(&model->money, &money_fields[k], *values++);
    }
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        for (size_t k = 0; k < N_OWNED; k++) {
            set(&model->tiers[i].owned, &owned_fields[k], *values++);
        }
    }
}

/* ---- slopes ---- */

static enum ts_status load_at(double *out, const struct ts_trial_base *base, const struct ts_uncertain *input,
                              double value, struct ts_diags *diags)
{
    struct ts_scenario scenario;
    struct ts_diags said; /* warnings are those of the run itself */
    struct ts_text text;
    ts_text_init(&text);
    ts_diags_init(&said);
    ts_uncertain_put(&text, input, value);
    const char *const at = text.data;
    enum ts_status status = text.failed ? TS_ENOMEM : ts_trial_load(&scenario, base, &at, 1, &said);
    if (status != TS_OK) {
        ts_diags_move(diags, &said);
    }
    ts_diags_deinit(&said);
    ts_text_deinit(&text);
    if (status == TS_OK) {
        read_fields(out, &scenario.model);
        ts_scenario_deinit(&scenario);
    }
    return status;
}

static enum ts_status find_slopes(double *out, uint32_t n, const struct ts_trial_base *base,
                                  const struct ts_uncertain *input, struct ts_diags *diags)
{
    double low[MAX_FIELDS], high[MAX_FIELDS];
    const double p10 = ts_uncertain_at(input, 0.1), p90 = ts_uncertain_at(input, 0.9);
    if (!(p90 > p10)) {
        return TS_OK;
    }
    enum ts_status status = load_at(low, base, input, p10, diags);
    if (status == TS_OK) {
        status = load_at(high, base, input, p90, diags);
    }
    for (uint32_t k = 0; status == TS_OK && k < n; k++) {
        out[k] = isnan(low[k]) ? 0.0 : (high[k] - low[k]) / (p90 - p10);
    }
    return status;
}

enum ts_status ts_money_effects_init(struct ts_money_effects *out, const struct ts_trial_base *base,
                                     const struct ts_uncertain_inputs *inputs, struct ts_diags *diags)
{
    const uint32_t n = n_fields(&base->scenario->model);
    struct ts_money_effects effects = {.slopes = calloc((size_t)inputs->n * n, sizeof *effects.slopes),
                                       .base = calloc(n, sizeof *effects.base),
                                       .n_inputs = inputs->n,
                                       .n_fields = n};
    enum ts_status status = effects.slopes && effects.base ? TS_OK : TS_ENOMEM;
    if (status == TS_OK) {
        read_fields(effects.base, &base->scenario->model);
    }
    for (uint32_t i = 0; status == TS_OK && i < inputs->n; i++) {
        if (ts_uncertain_is_money(inputs->items[i].key)) {
            status = find_slopes(effects.slopes + (size_t)i * n, n, base, &inputs->items[i], diags);
        }
    }
    if (status != TS_OK) {
        ts_money_effects_deinit(&effects);
        return status;
    }
    *out = effects;
    return TS_OK;
}

void ts_money_effects_deinit(struct ts_money_effects *effects)
{
    free(effects->slopes);
    free(effects->base);
    *effects = (struct ts_money_effects){.n_inputs = 0};
}

void ts_money_effects_apply(struct ts_model *model, const struct ts_money_effects *effects,
                            const struct ts_uncertain_inputs *inputs, const double *values)
{
    double fields[MAX_FIELDS];
    memcpy(fields, effects->base, effects->n_fields * sizeof *fields);
    for (uint32_t i = 0; i < effects->n_inputs; i++) {
        const double *slopes = effects->slopes + (size_t)i * effects->n_fields;
        const double moved = values[i] - ts_uncertain_at(&inputs->items[i], 0.5);
        for (uint32_t k = 0; moved != 0.0 && k < effects->n_fields; k++) {
            fields[k] += slopes[k] * moved;
        }
    }
    write_fields(model, fields);
}
