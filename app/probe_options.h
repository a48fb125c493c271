/* How the command line becomes the options of a probe; and the first words with an endpoint. */
#ifndef TS_APP_PROBE_OPTIONS_H
#define TS_APP_PROBE_OPTIONS_H

#include "app/options.h"
#include "endpoint/probe.h"

/* What is said about an endpoint beside its address. */
struct ts_endpoint_args {
    const char *model, *api, *key_env, *ca_file, *timeout;
    uint32_t retries, seed; /* seed 0: another one every time */
    bool ignore_eos;
};

#define TS_ENDPOINT_DEFAULTS                                                                                           \
    {                                                                                                                  \
        .api = "chat", .timeout = "5 min", .retries = 4                                                                \
    }

/* needs: the option without which they do nothing, or NULL. */
#define TS_ENDPOINT_OPTIONS(type, field, needs)                                                                        \
    {"model", 0, TS_INTO(type, field.model), "NAME", "the model to ask the endpoint for", .with = (needs)},            \
        {"api",          0, TS_INTO(type, field.api), "NAME", "chat, chat-new (max_completion_tokens) or completions", \
         .with = (needs)},                                                                                             \
        {"key-env",                                                                                                    \
         0,                                                                                                            \
         TS_INTO(type, field.key_env),                                                                                 \
         "NAME",                                                                                                       \
         "environment variable that holds the key; it is sent to the endpoint and written nowhere",                    \
         .with = (needs)},                                                                                             \
        {"ca-file",      0, TS_INTO(type, field.ca_file), "FILE", "certificates to trust instead of the system's",     \
         .with = (needs)},                                                                                             \
        {"timeout", 0, TS_INTO(type, field.timeout), "TIME", "give up on a reply after this time", .with = (needs)},   \
        {"retries",                                                                                                    \
         0,                                                                                                            \
         TS_INTO(type, field.retries),                                                                                 \
         "N",                                                                                                          \
         "maximum retries of requests refused temporarily (429, 503)",                                                 \
         .range = {0, 20},                                                                                             \
         .with = (needs)},                                                                                             \
        {"seed",                                                                                                       \
         0,                                                                                                            \
         TS_INTO(type, field.seed),                                                                                    \
         "N",                                                                                                          \
         "seed of the prompts' words, to repeat them (default: new ones every time)",                                  \
         .range = {1, UINT32_MAX},                                                                                     \
         .with = (needs)},                                                                                             \
    {                                                                                                                  \
        "ignore-eos", 0, TS_INTO(type, field.ignore_eos), NULL,                                                        \
            "ask for replies of exactly the requested length (vLLM, llama-server)", .with = (needs)                    \
    }

/* *seed: of the prompts, as the user may write it again. address: as the user wrote it. The key comes from the
 * environment variable of --key-env. TS_EUSAGE. Free with ts_probe_options_free, also after a failure (of a zeroed
 * struct). */
enum ts_status ts_probe_options_read(struct ts_probe_options *out, uint32_t *seed, const char *address,
                                     const struct ts_endpoint_args *args, struct ts_diags *diags);
void ts_probe_options_free(struct ts_probe_options *options);

/* "60 s" or "5 %" of --option, above zero, in `unit`. */
enum ts_status ts_probe_parse_quantity(double *out, const char *option, const char *text, const char *unit,
                                       struct ts_diags *diags);

/* Two short requests: does the endpoint answer, and how many tokens do our words come to? Sets words_per_tok and
 * words_extra; without stream_options (plain) if it refuses those. TS_EIO with what it said if it does not answer; a
 * warning if it does not count. */
enum ts_status ts_probe_try(struct ts_probe_options *options, struct ts_diags *diags);

#endif
