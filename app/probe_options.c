/* Hides the options' defaults and how a prompt's words are counted: tokens = extra + words x tokens a word, from two
 * prompts. */
#include "app/probe_options.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "app/version.h"
#include "base/rng.h"
#include "base/units.h"

enum { SHORT_TOK = 64, LONG_TOK = 256 };

static const double connect_s = 10.0;
static const double longest_stall_s = 60.0;

enum ts_status ts_probe_parse_quantity(double *out, const char *option, const char *text, const char *unit,
                                       struct ts_diags *diags)
{
    struct ts_text why;
    double value;
    enum ts_status status = TS_OK;
    ts_text_init(&why);
    if (!ts_units_parse(&value, text, unit, &why) || !(value > 0.0)) {
        status = why.failed ? TS_ENOMEM
                            : ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--%s: %s", option,
                                      why.len > 0 ? why.data : "it must be above zero");
    } else {
        *out = value;
    }
    ts_text_deinit(&why);
    return status;
}

static enum ts_status read_key(const char **out, const char *address, const struct ts_endpoint_args *args,
                               struct ts_diags *diags)
{
    if (!args->key_env) {
        return TS_OK;
    }
    *out = getenv(args->key_env);
    if (!*out || **out == '\0') {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "put the key into that variable, not on the command line",
                       "the environment variable '%s' of --key-env is not set", args->key_env);
    }
    if (ts_http_in_the_clear(address)) {
        const bool by_proxy = getenv("http_proxy") || getenv("all_proxy") || getenv("ALL_PROXY");
        ts_diags_add(diags, TS_WARNING, ts_span_none(), "use https", "the key travels unencrypted to %s%s", address,
                     by_proxy ? ", and through the proxy that the environment names" : "");
    }
    return TS_OK;
}

/* Other prompts every time: those of a run before may be in the endpoint's prefix cache. */
static uint32_t fresh_seed(void)
{
    struct timespec now = {0};
    (void)timespec_get(&now, TIME_UTC);
    const uint64_t bits = ts_mix64((uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec) ^ (uint64_t)getpid();
    const uint32_t seed = (uint32_t)(ts_mix64(bits) >> 32);
    return seed ? seed : 1;
}

enum ts_status ts_probe_options_read(struct ts_probe_options *out, uint32_t *seed, const char *address,
                                     const struct ts_endpoint_args *args, struct ts_diags *diags)
{
    const char *key = NULL;
    double timeout_s = 0.0;
    enum ts_status status = read_key(&key, address, args, diags);
    if (status == TS_OK) {
        status = ts_probe_parse_quantity(&timeout_s, "timeout", args->timeout, "s", diags);
    }
    const struct ts_openai_api *row = ts_openai_api_find(args->api);
    if (status == TS_OK && !row) {
        status =
            ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--api is %s, not '%s'", ts_openai_api_names(), args->api);
    }
    if (status != TS_OK) {
        return status;
    }
    char *url = ts_openai_url(address, row);
    if (!url) {
        return TS_ENOMEM;
    }
    *seed = args->seed ? args->seed : fresh_seed();
    *out = (struct ts_probe_options){
        .http = {.url = url,
                 .key = key,
                 .ca_file = args->ca_file,
                 .connect_s = connect_s,
                 .stall_s = timeout_s < longest_stall_s ? timeout_s : longest_stall_s,
                 .total_s = timeout_s,
                 .agent = "tiersim/" TS_VERSION},
        .url = url,
        .api = row,
        .model = args->model,
        .ignore_eos = args->ignore_eos,
        .max_retries = args->retries,
        .retry_s = 0.5,
        .seed = ts_mix64(*seed), /* points count on from here: those of seeds 1 and 2 are not the same */
    };
    return TS_OK;
}

void ts_probe_options_free(struct ts_probe_options *options)
{
    free(options->url);
    options->url = NULL;
}

/* Of a refused request: may it pass without stream_options? Some servers say only that a field is not allowed. */
static bool may_pass_plain(const struct ts_probe_result *result)
{
    const struct ts_probe_record *r = &result->records[result->n_outcomes[TS_PROBE_DONE] > 0 ? 1 : 0];
    const char *message = r->message >= 0 ? result->messages[r->message].text : "";
    return r->http_status == 400 || r->http_status == 422 || r->http_status == 501 ||
           strstr(message, "stream_options") || strstr(message, "include_usage");
}

static enum ts_status fail_try(const struct ts_probe_options *options, const struct ts_probe_result *result,
                               struct ts_diags *diags)
{
    const char *words = result->n_messages > 0 ? result->messages[0].text : "no answer";
    const bool wants_new = strstr(words, "max_completion_tokens") && strcmp(options->api->name, "chat-new") != 0;
    return ts_fail(diags, TS_EIO, ts_span_none(), wants_new ? "try --api chat-new" : NULL, "%s: %s", options->http.url,
                   words);
}

static void take_counts(struct ts_probe_options *options, const struct ts_probe_record *r, struct ts_diags *diags)
{
    if (r[0].counted && r[1].counted && r[1].prompt_tok > r[0].prompt_tok) {
        const double tok_per_word = (double)(r[1].prompt_tok - r[0].prompt_tok) / (LONG_TOK - SHORT_TOK);
        options->words_per_tok = 1.0 / tok_per_word;
        options->words_extra = (double)r[0].prompt_tok - tok_per_word * SHORT_TOK;
        return;
    }
    ts_diags_add(diags, TS_WARNING, ts_span_none(), NULL,
                 "the endpoint does not say how many tokens it saw: prompts count a token a word, replies a token an "
                 "event");
}

/* Sends the load as the options say; when some of it is refused, once more without stream_options. */
static enum ts_status run_try(struct ts_probe_result *out, struct ts_probe_options *options,
                              const struct ts_probe_load *load, struct ts_diags *diags)
{
    struct ts_probe_options plain = *options;
    struct ts_probe_result second;
    enum ts_status status = ts_probe_run(out, load, options, diags);
    if (status != TS_OK || out->n_outcomes[TS_PROBE_DONE] == load->n || !may_pass_plain(out)) {
        return status;
    }
    plain.plain = true;
    status = ts_probe_run(&second, load, &plain, diags);
    if (status == TS_OK && second.n_outcomes[TS_PROBE_DONE] == load->n) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), NULL,
                     "the endpoint refuses stream_options, so requests go without: %s", out->messages[0].text);
        ts_probe_result_deinit(out);
        *out = second;
        options->plain = true;
    } else if (status == TS_OK || status == TS_EINTERRUPTED) {
        ts_probe_result_deinit(&second);
    } else {
        ts_probe_result_deinit(out);
    }
    return status;
}

enum ts_status ts_probe_try(struct ts_probe_options *options, struct ts_diags *diags)
{
    const struct ts_probe_ask asks[] = {{.prompt_tok = SHORT_TOK, .output_tok = 1},
                                        {.prompt_tok = LONG_TOK, .output_tok = 1}};
    const struct ts_probe_load load = {.asks = asks, .n = 2, .concurrency = 1};
    struct ts_probe_result result;
    enum ts_status status = run_try(&result, options, &load, diags);
    if (status != TS_OK && status != TS_EINTERRUPTED) {
        return status;
    }
    if (status == TS_OK && result.n_outcomes[TS_PROBE_DONE] < load.n) {
        status = fail_try(options, &result, diags);
    } else if (status == TS_OK) {
        take_counts(options, result.records, diags);
    }
    ts_probe_result_deinit(&result);
    return status;
}
