/* Hides which formats there are: a row each, with the names that its columns or keys go by. Whether a file is CSV or
 * JSON is another matter: any row is read from either. The first row whose columns are all there is taken; the last one
 * knows what columns are called where nobody follows a format. */
#include <string.h>

#include "traces/trace_format.h"

#define ANY_CACHED                                                                                                     \
    "cached_tokens|cached_input_tokens|cached_prompt_tokens|cache_read_input_tokens|cache_read_tokens|"                \
    "prompt_cached_tokens|prompt_tokens_cached|usage.prompt_tokens_details.cached_tokens|"                             \
    "usage.input_tokens_details.cached_tokens|usage.cache_read_input_tokens"
#define ANY_TIME                                                                                                       \
    "timestamp|time|request_time|request_timestamp|request_start|start_time|start|created_at|created|"                 \
    "arrival_time|arrival_time_s|arrival_time_ms|arrival_time_us|arrival_time_ns|arrival_s|arrival_ms|arrival|"        \
    "arrived_at|event_time|datetime|date_time|date|time_utc|timestamp_utc|timestamp_ms|timestamp_us|"                  \
    "timestamp_ns|timestamp_s|time_s|time_ms|time_us|time_ns|start_timestamp|started_at|requested_at|"                 \
    "received_at|@timestamp|request_created_at|create_time|_time|response.body.created|t|ts"
#define ANTHROPIC(key) key "|usage." key "|message.usage." key "|response.usage." key
#define ANY_SESSION "session_id|session|conversation_id|conv_id|conversation|chat_id|thread_id"
#define ANY_LABELS                                                                                                     \
    [TS_TRACE_CLASS] = "class|request_class|traffic_class", [TS_TRACE_SENSITIVITY] = "sensitivity",                    \
    [TS_TRACE_DIFFICULTY] = "difficulty"
#define LENGTHS                                                                                                        \
    [TS_TRACE_TIME] = "timestamp", [TS_TRACE_PROMPT] = "input_length", [TS_TRACE_OUTPUT] = "output_length",            \
    [TS_TRACE_IDS] = "hash_ids"

const struct ts_trace_format ts_trace_formats[] = {
    {.name = "azure",
     .columns = {[TS_TRACE_TIME] = "TIMESTAMP",
                 [TS_TRACE_PROMPT] = "ContextTokens",
                 [TS_TRACE_OUTPUT] = "GeneratedTokens",
                 ANY_LABELS}},
    {.name = "burstgpt",
     .columns = {[TS_TRACE_TIME] = "Timestamp",
                 [TS_TRACE_PROMPT] = "Request tokens",
                 [TS_TRACE_OUTPUT] = "Response tokens",
                 [TS_TRACE_SESSION] = "Session ID",
                 ANY_LABELS},
     .time_unit_s = 1.0},
    {.name = "qwen-bailian",
     .columns = {LENGTHS, ANY_LABELS, [TS_TRACE_CALL] = "chat_id", [TS_TRACE_WAITS] = "parent_chat_id"},
     .marker = "parent_chat_id",
     .time_unit_s = 1.0,
     .wait_unit_s = 1.0,
     .prefix_tok = 16},
    {.name = "ragpulse",
     .columns = {LENGTHS, ANY_LABELS},
     .marker = "hash_ids.sys_prompt",
     .time_unit_s = 1.0,
     .prefix_tok = 512,
     .ids_below = "sys_prompt"},
    {.name = "mooncake",
     .columns = {LENGTHS, ANY_LABELS, [TS_TRACE_SESSION] = "session_id", [TS_TRACE_CALL] = "request_id",
                 [TS_TRACE_WAITS] = "wait_for", [TS_TRACE_DELAY] = "delay", [TS_TRACE_TOOL] = "tool_wait_ms"},
     .time_unit_s = 1e-3,
     .wait_unit_s = 1e-3,
     .prefix_tok = 512},
    {.name = "llmservingsim",
     .columns = {[TS_TRACE_TIME] = "arrival_time_ns",
                 [TS_TRACE_PROMPT] = "input_toks",
                 [TS_TRACE_OUTPUT] = "output_toks",
                 [TS_TRACE_TOKENS] = "input_tok_ids",
                 [TS_TRACE_SESSION] = "session_id",
                 [TS_TRACE_TOOL] = "tool_duration_ns",
                 ANY_LABELS},
     .time_unit_s = 1e-9,
     .wait_unit_s = 1e-9,
     .prefix_tok = 16},
    {.name = "vidur",
     .columns = {[TS_TRACE_TIME] = "arrived_at",
                 [TS_TRACE_PROMPT] = "num_prefill_tokens",
                 [TS_TRACE_OUTPUT] = "num_decode_tokens",
                 [TS_TRACE_SESSION] = "session_id",
                 ANY_LABELS},
     .time_unit_s = 1.0},
    {.name = "litellm",
     .columns = {[TS_TRACE_TIME] = "startTime",
                 [TS_TRACE_PROMPT] = "prompt_tokens",
                 [TS_TRACE_OUTPUT] = "completion_tokens",
                 [TS_TRACE_SESSION] = "session_id",
                 [TS_TRACE_CACHED] = "metadata.usage_object.prompt_tokens_details.cached_tokens|"
                                     "metadata.additional_usage_values.cache_read_input_tokens|" ANY_CACHED,
                 [TS_TRACE_STATUS] = "status|metadata.status",
                 [TS_TRACE_GATEWAY_HIT] = "cache_hit",
                 ANY_LABELS},
     .marker = "spend|cache_hit|completionStartTime"},
    {.name = "opentelemetry",
     .columns = {[TS_TRACE_TIME] = "startTimeUnixNano|start_time_unix_nano|startTime|start_time|Timestamp|time",
                 [TS_TRACE_PROMPT] = "gen_ai.usage.input_tokens|gen_ai.usage.prompt_tokens|llm.usage.prompt_tokens|"
                                     "llm.token_count.prompt",
                 [TS_TRACE_OUTPUT] = "gen_ai.usage.output_tokens|gen_ai.usage.completion_tokens|"
                                     "llm.usage.completion_tokens|llm.token_count.completion",
                 [TS_TRACE_SESSION] = "gen_ai.conversation.id|session.id",
                 [TS_TRACE_CACHED] = "gen_ai.usage.cache_read.input_tokens|gen_ai.usage.cache_read_input_tokens|"
                                     "gen_ai.usage.cached_tokens|llm.token_count.prompt_details.cache_read",
                 [TS_TRACE_STATUS] = "status.code|status.status_code|StatusCode|status_code",
                 [TS_TRACE_OPERATION] = "gen_ai.operation.name",
                 ANY_LABELS}},
    {.name = "anthropic",
     .columns = {[TS_TRACE_TIME] = ANY_TIME,
                 [TS_TRACE_PROMPT] = "usage.input_tokens|message.usage.input_tokens|response.usage.input_tokens|"
                                     "input_tokens|input.inputTokenCount",
                 [TS_TRACE_OUTPUT] = "usage.output_tokens|message.usage.output_tokens|response.usage.output_tokens|"
                                     "output_tokens|output.outputTokenCount",
                 [TS_TRACE_CACHED] = ANTHROPIC("cache_read_input_tokens") "|input.cacheReadInputTokenCount",
                 [TS_TRACE_WRITTEN] = ANTHROPIC("cache_creation_input_tokens") "|input.cacheWriteInputTokenCount",
                 [TS_TRACE_SESSION] = ANY_SESSION,
                 [TS_TRACE_STATUS] = "status|status_code",
                 ANY_LABELS},
     .marker = ANTHROPIC("cache_creation_input_tokens") "|" ANTHROPIC(
         "cache_read_input_tokens") "|input.cacheReadInputTokenCount|input.cacheWriteInputTokenCount",
     .cached_is_beside = true},
    {.name = "mapped",
     .columns = {[TS_TRACE_TIME] = ANY_TIME,
                 [TS_TRACE_PROMPT] =
                     "prompt_tokens|input_tokens|context_tokens|request_tokens|input_length|prompt_length|"
                     "usage.prompt_tokens|usage.input_tokens|response.usage.prompt_tokens|"
                     "response.usage.input_tokens|num_prompt_tokens|num_input_tokens|n_prompt_tokens|"
                     "n_input_tokens|num_prefill_tokens|prefill_tokens|prompt_token_count|input_token_count|"
                     "input_toks|tokens_in|in_tokens|input_len|prompt_len|response.body.usage.prompt_tokens|"
                     "response.body.usage.input_tokens|usage_details.input|usage.input|input.inputTokenCount|"
                     "usageMetadata.promptTokenCount|response.usageMetadata.promptTokenCount|isl|in",
                 [TS_TRACE_OUTPUT] =
                     "completion_tokens|output_tokens|generated_tokens|response_tokens|output_length|"
                     "completion_length|response_length|usage.completion_tokens|usage.output_tokens|"
                     "response.usage.completion_tokens|response.usage.output_tokens|num_completion_tokens|"
                     "num_output_tokens|n_completion_tokens|n_output_tokens|num_decode_tokens|decode_tokens|"
                     "completion_token_count|candidates_token_count|output_token_count|output_toks|"
                     "tokens_out|out_tokens|output_len|completion_len|response_len|num_generation_tokens|"
                     "generation_tokens|response.body.usage.completion_tokens|"
                     "response.body.usage.output_tokens|usage_details.output|usage.output|"
                     "output.outputTokenCount|usageMetadata.candidatesTokenCount|"
                     "response.usageMetadata.candidatesTokenCount|osl|out",
                 [TS_TRACE_THOUGHTS] = "usageMetadata.thoughtsTokenCount|response.usageMetadata.thoughtsTokenCount",
                 [TS_TRACE_SESSION] = ANY_SESSION,
                 [TS_TRACE_CACHED] = ANY_CACHED,
                 [TS_TRACE_IDS] = "hash_ids",
                 [TS_TRACE_STATUS] = "status|status_code|response.status_code",
                 [TS_TRACE_GATEWAY_HIT] = "cache_hit",
                 ANY_LABELS},
     .prefix_tok = 512},
};

enum { N_FORMATS = sizeof ts_trace_formats / sizeof ts_trace_formats[0] };

static const char *const format_names[] = {"azure",         "burstgpt",      "qwen-bailian", "ragpulse",
                                           "mooncake",      "llmservingsim", "vidur",        "litellm",
                                           "opentelemetry", "anthropic",     "mapped",       NULL};
_Static_assert(sizeof format_names / sizeof format_names[0] == N_FORMATS + 1,
               "each format has its name in the list, in the same order");

size_t ts_trace_n_formats(void)
{
    return N_FORMATS;
}

const char *const *ts_trace_format_names(void)
{
    return format_names;
}

const struct ts_trace_format *ts_trace_format_find(const char *name)
{
    for (size_t i = 0; i < N_FORMATS; i++) {
        if (ts_str_equal(ts_trace_formats[i].name, name)) {
            return &ts_trace_formats[i];
        }
    }
    return NULL;
}

bool ts_trace_format_tells_prompts(const char *format)
{
    const struct ts_trace_format *row = ts_trace_format_find(format);
    return row == NULL || row->prefix_tok > 0 || row->columns[TS_TRACE_SESSION] || row->columns[TS_TRACE_CACHED];
}

const char *ts_trace_format_names_of(const struct ts_trace_format *format, const struct ts_trace_map *map,
                                     enum ts_trace_field field)
{
    return map && map->columns[field] ? map->columns[field] : format->columns[field];
}

bool ts_trace_format_matches(const struct ts_trace_format *format, const struct ts_trace_map *map,
                             struct ts_trace_container *container, bool chosen)
{
    if (format->marker && !chosen && container->ops->find(container, format->marker, false) < 0) {
        return false;
    }
    for (size_t i = 0; i < TS_TRACE_N_FIELDS; i++) {
        const bool mapped = map && map->columns[i];
        const bool needed = i == TS_TRACE_TIME || i == TS_TRACE_PROMPT || i == TS_TRACE_OUTPUT;
        const char *names = ts_trace_format_names_of(format, map, (enum ts_trace_field)i);
        if ((mapped && container->has_header) || needed) {
            const bool within = mapped && container->has_header; /* a map may mean what lies in a column's cells */
            if (!names || (within ? container->ops->want : container->ops->find)(container, names, mapped) < 0) {
                return false;
            }
        }
    }
    return true;
}

/* ---- what is no trace ---- */

static bool has_name(const char *line, size_t len, const char *name)
{
    const char *end = line + len;
    for (const char *at = line; at <= end;) {
        const char *comma = memchr(at, ',', (size_t)(end - at));
        const char *stop = comma ? comma : end;
        if (ts_trace_name_is(at, (size_t)(stop - at), name)) {
            return true;
        }
        at = stop + 1;
    }
    return false;
}

/* ServeGen's chunks: start, rate, CV, Gamma or Weibull or nothing, two parameters; without a header. */
static bool is_servegen(const char *line, size_t len)
{
    size_t n_commas = 0;
    bool starts_with_number = len > 0 && line[0] >= '0' && line[0] <= '9';
    const char *third = NULL;
    for (size_t i = 0; i < len; i++) {
        n_commas += line[i] == ',';
        third = line[i] == ',' && n_commas == 3 ? line + i + 1 : third;
    }
    return starts_with_number && n_commas == 5 && third &&
           (*third == ',' || strncmp(third, "Gamma", 5) == 0 || strncmp(third, "Weibull", 7) == 0);
}

const char *ts_trace_format_refusal(const char *line, size_t len, const char **hint)
{
    static const char rates_hint[] =
        "tiersim trace fit FILE --like chat makes a workload of rates with a column t_s, and of "
        "ServeGen's; of others write workload: {calls: ..., rates: {every: ..., weights: "
        "[...]}}; its classes say how long prompts and replies are";
    *hint = rates_hint;
    if (is_servegen(line, len)) {
        return "rates of a client in windows of time (ServeGen: start, rate, CV, distribution of the gaps), not a "
               "trace "
               "of requests";
    }
    if (has_name(line, len, "rate_rps") || has_name(line, len, "total_rate_rps") ||
        has_name(line, len, "req_per_min_mid")) {
        return "rates in windows of time, not a trace of requests";
    }
    if (has_name(line, len, "cdf")) {
        *hint = "write it as the length of a class: prompt: {quantiles: ...}";
        return "a distribution of lengths, not a trace of requests";
    }
    return NULL;
}
