/* Hides what cannot be in a row of a catalog: mistakes of a unit or a column that would go unseen into every answer. */
#include <string.h>

#include "scenarios/catalog/catalog_parts.h"

struct rule {
    bool broken;
    const char *what;
};

static const char *first_broken(const struct rule *rules, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (rules[i].broken) {
            return rules[i].what;
        }
    }
    return NULL;
}

#define FIRST_BROKEN(rules) first_broken((rules), sizeof(rules) / sizeof(rules)[0])

/* "2026", "2026-08", "2026-08-31" */
bool ts_catalog_is_date(const char *date)
{
    static const char form[] = "0000-00-00";
    const size_t n = strlen(date);
    bool is = n == 4 || n == 7 || n == 10;
    for (size_t i = 0; i < n && is; i++) {
        is = form[i] == '-' ? date[i] == '-' : date[i] >= '0' && date[i] <= '9';
    }
    return is && (n < 7 || (memcmp(date + 5, "00", 2) > 0 && memcmp(date + 5, "13", 2) < 0));
}

static const char date_due[] = "the date is not of the form 2026, 2026-08 or 2026-08-31";

const char *ts_catalog_bad_hardware(const void *row)
{
    const struct ts_hardware *hardware = row;
    const struct rule rules[] = {
        {hardware->memory_bytes < 0.1e9 || hardware->memory_bytes > 1e14, "memory_gb is not between 0.1 and 100,000"},
        {hardware->bytes_per_s < 1e9 || hardware->bytes_per_s > 1e17, "mem_bw_gb_s is not between 1 and 100,000,000"},
        {hardware->fp16_tflops > 1e6, "peak_fp16_dense_tflops is above 1,000,000: is it in GFLOPS?"},
        {hardware->tdp_w < 0.5, "tdp_w is below 0.5"},
        {hardware->idle_w > hardware->tdp_w, "idle_w is above tdp_w"},
    };
    return FIRST_BROKEN(rules);
}

const char *ts_catalog_bad_llm(const void *row)
{
    const struct ts_llm *llm = row;
    const struct rule rules[] = {
        {llm->params < 1e6 || llm->params > 1e14,
         "params_total_b_published is not between 0.001 and 100,000 (billions)"},
        {llm->params_active > llm->params * 1.01, "more active parameters than parameters"},
        {llm->layers == 0 || llm->hidden == 0 || llm->heads == 0, "layers, hidden or heads is 0"},
        {llm->kv_heads > llm->heads, "more kv_heads than heads"},
        {llm->top_k > llm->n_experts, "top_k is above n_experts"},
        {llm->kv_bytes_per_tok_beyond_window > llm->kv_bytes_per_tok,
         "a token takes more KV beyond the window than within it"},
    };
    return FIRST_BROKEN(rules);
}

const char *ts_catalog_bad_price(const void *row)
{
    const struct ts_price *price = row;
    const double dearest =
        price->input_usd_per_mtok > price->output_usd_per_mtok ? price->input_usd_per_mtok : price->output_usd_per_mtok;
    const struct rule rules[] = {
        {dearest > 0.0 && dearest < 1e-3, "below 0.001 USD/Mtok: are these prices per token?"},
        {dearest > 1e4, "more than 10,000 USD/Mtok"},
        {price->cached_input_usd_per_mtok > price->input_usd_per_mtok, "cached input costs more than input"},
        {price->batch_input_usd_per_mtok > price->input_usd_per_mtok ||
             price->batch_output_usd_per_mtok > price->output_usd_per_mtok,
         "batch costs more than the same calls at once"},
        {price->date[0] && !ts_catalog_is_date(price->date), date_due},
    };
    return FIRST_BROKEN(rules);
}

const char *ts_catalog_bad_device(const void *row)
{
    const struct ts_device_rate *rate = row;
    const struct rule rules[] = {
        {rate->prefill_tok_per_s <= 0.0 || rate->decode_tok_per_s <= 0.0, "a rate is 0"},
        {rate->decode_tok_per_s > rate->prefill_tok_per_s * 2.0, "it decodes twice as fast as it reads a prompt"},
        {!ts_catalog_is_date(rate->date), date_due},
    };
    return FIRST_BROKEN(rules);
}

const char *ts_catalog_bad_speed(const void *row)
{
    const struct ts_speed *speed = row;
    const struct rule rules[] = {
        {speed->tok_per_s <= 0.0 || speed->tok_per_s > 1e5, "tok_per_s is not between 0 and 100,000"},
        {speed->ttft_s > 600.0, "ttft_ms is above 600,000"},
        {!ts_catalog_is_date(speed->date), date_due},
    };
    return FIRST_BROKEN(rules);
}

const char *ts_catalog_bad_region(const void *row)
{
    const struct ts_region *region = row;
    const struct rule rules[] = {
        {region->electricity_usd_per_kwh > 5.0, "electricity_usd_per_kwh is above 5: is it in cents?"},
        {region->carbon_g_per_kwh > 2000.0, "carbon_g_per_kwh_national is above 2,000"},
        {region->pue < 1.0 || region->pue > 4.0, "default_pue_estimate is not between 1 and 4"},
        {region->outage_h_per_year > 8760.0, "saidi_hours_per_year is more than a year"},
    };
    return FIRST_BROKEN(rules);
}

const char *ts_catalog_bad_rental(const void *row)
{
    const struct ts_rental *rental = row;
    const double usd = rental->usd_per_h;
    const struct rule rules[] = {
        {rental->n_gpus == 0, "gpus is 0"},
        {usd <= 0.0 && rental->spot_usd_per_h <= 0.0 && rental->reserved_usd_per_h <= 0.0, "it has no price"},
        {usd > 1000.0, "more than 1,000 USD an hour for one accelerator"},
        {usd > 0.0 && rental->spot_usd_per_h > usd, "spot costs more than on demand"},
        {usd > 0.0 && rental->reserved_usd_per_h > usd, "reserved costs more than on demand"},
        {!ts_catalog_is_date(rental->date), date_due},
    };
    return FIRST_BROKEN(rules);
}

const char *ts_catalog_bad_server(const void *row)
{
    const struct ts_server_row *server = row;
    const struct rule rules[] = {
        {server->n_cards > 1024, "it has more than 1,024 cards"},
        {server->price_usd <= 0.0, "price_usd is 0"},
        {server->includes_cards && !server->accelerator[0], "it includes cards, and does not say which"},
        {!ts_catalog_is_date(server->date), date_due},
    };
    return FIRST_BROKEN(rules);
}

const char *ts_catalog_bad_quant(const void *row)
{
    const struct ts_weight_quant *quant = row;
    const struct rule rules[] = {
        {quant->bits_per_weight < 0.5 || quant->bits_per_weight > 64.0, "bits_per_weight is not between 0.5 and 64"},
    };
    return FIRST_BROKEN(rules);
}

const char *ts_catalog_bad_provision(const void *row)
{
    const struct ts_provision *provision = row;
    const struct rule rules[] = {
        {provision->input_tok_per_s <= 0.0, "tok_per_min is 0"},
        {provision->step == 0, "step is 0"},
        {!ts_catalog_is_date(provision->date), date_due},
    };
    return FIRST_BROKEN(rules);
}

const char *ts_catalog_bad_account(const void *row)
{
    const struct ts_provider_account *account = row;
    const struct rule rules[] = {
        {!(account->requests_per_s > 0.0 || account->input_tok_per_s > 0.0 || account->output_tok_per_s > 0.0),
         "nothing is limited"},
    };
    return FIRST_BROKEN(rules);
}

const char *ts_catalog_bad_score(const void *row)
{
    const struct ts_score *score = row;
    const struct rule rules[] = {
        {score->mmlu_pro <= 0.0 || score->mmlu_pro >= 1.0, "mmlu_pro_percent is not between 0 and 100"},
        {!ts_catalog_is_date(score->date), date_due},
    };
    return FIRST_BROKEN(rules);
}

const char *ts_catalog_bad_chip(const void *row)
{
    static const char *const classes[] = {"hbm", "amd", "cdna4", "gddr", "apple", "cpu", "phone"};
    const struct ts_chip *chip = row;
    bool known = false;
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        known = known || ts_str_equal(chip->class_name, classes[i]);
    }
    return known ? NULL : "class is none of hbm, amd, cdna4, gddr, apple, cpu, phone";
}
