/* Hides how the rows of schema_keys.inc are laid out in memory and searched. Its rows are read three
 * times: as a whole, and in the midst of that for the keys that pools and kinds of devices share with their tiers. A
 * path is matched by text: some 280 rows, looked up a few hundred times. */
#include "scenarios/language/schema.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "base/text.h"
#include "scenarios/catalog/catalog.h"

#define TYPE_NAME_SECTION "section"
#define TYPE_NAME_NAMES "names"
#define TYPE_NAME_LIST "list"
#define TYPE_NAME_QUANTITY "quantity"
#define TYPE_NAME_NUMBER "number"
#define TYPE_NAME_INTEGER "integer"
#define TYPE_NAME_TEXT "text"
#define TYPE_NAME_CHOICE "choice"
#define TYPE_NAME_BOOLEAN "boolean"
#define TYPE_NAME_DISTRIBUTION "distribution"
#define TYPE_NAME_REFERENCE "reference"
#define TYPE_NAME_REFERENCES "references"
#define TYPE_NAME_BOUND "bound"
#define TYPE_NAME_CURVE "curve"
#define TYPE_NAME_GAPS "gaps"
#define TYPE_NAME_NUMBERS "numbers"
#define TYPE_NAME_WEEKTIME "time of week"
#define TYPE_NAME_HOUR "hour of the day"
#define TYPE_NAME_MOMENT "moment"

#define APPLIES_ALL NULL
#define APPLIES_DEVICE "device"
#define APPLIES_SERVER "server"
#define APPLIES_UNDIVIDED "server"
#define APPLIES_API "api"
#define APPLIES_OWNED "device, server"
#define NEED_REQ true
#define NEED_OPT false

/* ---- the words of choices, and what they mean ---- */

static const struct ts_choice sensitivities[] = {
    {"public", TS_PUBLIC}, {"internal", TS_INTERNAL}, {"restricted", TS_RESTRICTED}, {0}};
static const struct ts_choice trace_turns[] = {
    {"as-told", TS_TRACE_AS_TOLD}, {"after-reply", TS_TRACE_AFTER_REPLY}, {"as-recorded", TS_TRACE_AS_RECORDED}, {0}};
static const struct ts_choice tier_kinds[] = {
    {"device", TS_TIER_DEVICE}, {"server", TS_TIER_SERVER}, {"api", TS_TIER_API}, {0}};
static const struct ts_choice balance_policies[] = {{"least-outstanding", TS_BALANCE_LEAST_OUTSTANDING},
                                                    {"round-robin", TS_BALANCE_ROUND_ROBIN},
                                                    {"least-kv", TS_BALANCE_LEAST_KV},
                                                    {"prefix", TS_BALANCE_PREFIX},
                                                    {"random", TS_BALANCE_RANDOM},
                                                    {0}};
static const struct ts_choice failed_calls[] = {{"retry", false}, {"fail", true}, {0}};  /* are dropped */
static const struct ts_choice while_down[] = {{"fallback", false}, {"wait", true}, {0}}; /* stores */
static const struct ts_choice link_sharings[] = {{"fifo", false}, {"equal", true}, {0}}; /* shares equally */
static const struct ts_choice incident_kinds[] = {
    {"down", TS_INCIDENT_DOWN}, {"throttled", TS_INCIDENT_THROTTLED}, {0}};
static const struct ts_choice kept_blocks[] = {{"prompts", true}, {"all", false}, {0}};
static const struct ts_choice pool_roles[] = {
    {"both", TS_POOL_BOTH}, {"prefill", TS_POOL_PREFILL}, {"decode", TS_POOL_DECODE}, {0}};
static const struct ts_choice sweep_designs[] = {
    {"grid", 0}, {"list", 1}, {"lhs", 2}, {"sobol", 3}, {0}}; /* as in study */
static const struct ts_choice serving_engines[] = {{"vllm", 0},      {"sglang", 1},    {"trtllm", 2},
                                                   {"llama.cpp", 3}, {"vllm-2025", 4}, {0}};
static const struct ts_choice kv_bits[] = {{"fp16", 16}, {"fp8", 8}, {0}};
static const struct ts_choice scheduler_policies[] = {
    {"vllm", TS_SCHEDULER_VLLM}, {"slots", TS_SCHEDULER_SLOTS}, {"static", TS_SCHEDULER_STATIC}, {0}};
static const struct ts_choice orders[] = {{"fcfs", false}, {"priority", true}, {0}}; /* by priority */
static const struct ts_choice router_policies[] = {
#define TS_ROUTER_POLICY(id, name, word) {word, TS_ROUTE_##id},
#include "sim/routing/policies.inc"
#undef TS_ROUTER_POLICY
    {0}};
static const struct ts_choice router_targets[] = {
    {"difficulty", TS_PREDICTS_DIFFICULTY}, {"correctness", TS_PREDICTS_CORRECTNESS}, {0}};
/* Their words are what is read. */
static const struct ts_choice chip_classes[] = {{"hbm", 0},   {"amd", 0}, {"cdna4", 0}, {"gddr", 0},
                                                {"apple", 0}, {"cpu", 0}, {"phone", 0}, {0}};
static const struct ts_choice rentals[] = {
    {"on-demand", TS_RENTAL_ON_DEMAND}, {"reserved", TS_RENTAL_RESERVED}, {"spot", TS_RENTAL_SPOT}, {0}};
static const struct ts_choice when_full[] = {
    {"overflow", TS_FULL_OVERFLOW}, {"buy", TS_FULL_BUY}, {"refuse", TS_FULL_REFUSE}, {0}};
static const struct ts_choice depreciations[] = {
    {"straight-line", TS_DEPRECIATION_STRAIGHT_LINE}, {"macrs-5", TS_DEPRECIATION_MACRS_5}, {0}};

/* ---- rows ---- */

/* What a row is in either reading. The default of a pool's key is the tier's value; what stands in a section that a
 * pool has as a whole or not at all keeps its own, and may have to be written. */
#define WHOLE_KEY(path, type, unit, min, max, dflt, extra, need, kinds, doc)                                           \
    ROW(path, type, unit, min, max, dflt, extra, NULL, NEED_##need, kinds, NONE, doc)
#define WHOLE_CHOICE_KEY(path, choices, dflt, need, kinds, doc)                                                        \
    ROW(path, CHOICE, NULL, 0, 0, dflt, NULL, choices, NEED_##need, kinds, NONE, doc)
#define WHOLE_POOLED(name, type, unit, min, max, dflt, extra, need, kinds, rule, doc, pool_doc)                        \
    ROW("tiers.*." name, type, unit, min, max, dflt, extra, NULL, NEED_##need, kinds, rule, doc)
#define IS_INSIDE(rule) (TS_RULE_##rule == TS_RULE_IN_STEPS || TS_RULE_##rule == TS_RULE_TIMED)
#define POOLS_KEY(path, type, unit, min, max, dflt, extra, need, kinds, doc)
#define POOLS_CHOICE_KEY(path, choices, dflt, need, kinds, doc)
#define POOLS_POOLED(name, type, unit, min, max, dflt, extra, need, kinds, rule, doc, pool_doc)                        \
    POOLS_OF_##kinds(ROW("tiers.*.pools[]." name, type, unit, min, max, IS_INSIDE(rule) ? (dflt) : NULL, extra, NULL,  \
                         IS_INSIDE(rule) && NEED_##need, SERVER, rule, sizeof(pool_doc) > 1 ? (pool_doc) : (doc)))
#define POOLS_OF_OWNED(row) row
#define POOLS_OF_SERVER(row) row
#define POOLS_OF_DEVICE(row)
/* A device of other hardware than the tier's has the key's own default. */
#define IS_OWN(rule) (IS_INSIDE(rule) || TS_RULE_##rule == TS_RULE_OF_HARDWARE)
#define MIX_KEY(path, type, unit, min, max, dflt, extra, need, kinds, doc)
#define MIX_CHOICE_KEY(path, choices, dflt, need, kinds, doc)
#define MIX_POOLED(name, type, unit, min, max, dflt, extra, need, kinds, rule, doc, pool_doc)                          \
    MIX_OF_##kinds(ROW("tiers.*.mix[]." name, type, unit, min, max, IS_OWN(rule) ? (dflt) : NULL, extra, NULL,         \
                       IS_INSIDE(rule) && NEED_##need, DEVICE, rule, doc))
#define MIX_OF_OWNED(row) row
#define MIX_OF_SERVER(row)
#define MIX_OF_DEVICE(row) row

#define JOINED(reading, macro) reading##_##macro
#define IN_READING(reading, macro) JOINED(reading, macro)
#define KEY IN_READING(READING, KEY)
#define CHOICE_KEY IN_READING(READING, CHOICE_KEY)
#define POOLED IN_READING(READING, POOLED)
#define READING WHOLE

static const struct ts_key_doc docs[] = {
#define ROW(path, type, unit, min, max, dflt, extra, choices, need, kinds, rule, doc)                                  \
    {path, TYPE_NAME_##type, unit, choices, dflt, need, doc, APPLIES_##kinds},
#include "scenarios/language/schema_keys.inc"
#undef ROW
};

static const struct ts_key keys[] = {
#define ROW(path, type, unit, min, max, dflt, extra, choices, need, kinds, rule, doc)                                  \
    {TS_KEY_##type, min, max, TS_FOR_##kinds, TS_RULE_##rule, extra, NULL},
#include "scenarios/language/schema_keys.inc"
#undef ROW
};

enum { N_KEYS = sizeof docs / sizeof docs[0] };

/* What people write who have not seen this language, or know an engine's options: the words of a section, and what to
 * write instead. */
static const struct {
    const char *section, *words, *advice;
} foreign[] = {
    {"", "name|title", "write scenario: NAME"},
    {"", "requests|load|traffic", "write workload: for a generated load, or trace: for a file"},
    {"", "duration|calls|users|classes",
     "write it below workload:, as in workload: {duration: 24 h, calls: 10/s, ...}"},
    {"", "timeout|patience", "write simulation: {patience: 60 s}"},
    {"workload", "rate|rps|qps|requests_per_second|arrival_rate|calls_per_day", "write calls: 10/s, or 40 k/day"},
    {"workload", "concurrency", "write users: 64 for a closed loop"},
    {"workload", "prompt|input|output|prompt_tokens|input_tokens|output_tokens|isl|osl",
     "write it in a class: classes: [{name: chat, share: 100 %, prompt: 800 tok, output: 200 tok}]"},
    {"workload.classes[]", "input|input_tokens|prompt_tokens|isl", "write prompt: 800 tok"},
    {"workload.classes[]", "output_tokens|completion|completion_tokens|osl", "write output: 200 tok"},
    {"workload.classes[]", "weight|percent|fraction", "write share: 60 %"},
    {"tiers.*", "type", "write kind: device, server or api"},
    {"tiers.*", "gpu|gpu_type|accelerator|chip|machine|instance_type", "write hardware: H100 SXM"},
    {"tiers.*", "gpus|gpu_count|num_gpus|tp|tp_size|tensor_parallel|tensor_parallel_size",
     "write accelerators: 4, those of one replica"},
    {"tiers.*", "pp|pp_size|pipeline_parallel_size", "write pipeline_parallel: 2"},
    {"tiers.*", "dp|dp_size|data_parallel_size",
     "write replicas: 2, or data_parallel: 2 for engines that share experts"},
    {"tiers.*", "ep|ep_size|expert_parallel|enable_expert_parallel",
     "write data_parallel: 8: experts are divided among all accelerators"},
    {"tiers.*", "count|instances|nodes|servers", "write replicas: 2"},
    {"tiers.*", "quantization|precision|dtype|weights", "write quant: FP8"},
    {"tiers.*", "kv_cache_dtype", "write kv: fp8"},
    {"tiers.*", "provider|vendor|price|prices|api|model",
     "write offers: [OpenAI/gpt-4o], or offers: [{name: ours, input: 2.5 USD/Mtok, output: 10 USD/Mtok}]"},
    {"tiers.*", "max_model_len|context_length|max_context", "write context: 32768"},
    {"tiers.*", "gpu_memory_utilization", "write memory_use: 95 % for 0.9 of vLLM: a card sold as 80 GB has 85.0e9 B"},
    {"tiers.*", "batch_size|max_batch_size|max_num_seqs", "write scheduler: {sequences: 256}"},
    {"tiers.*", "max_num_batched_tokens", "write scheduler: {batched_tokens: 8192}"},
    {"tiers.*", "enable_prefix_caching|prefix_cache|prefix_caching", "write scheduler: {prefix_cache: true}"},
    {"tiers.*", "enable_chunked_prefill|chunked_prefill", "write scheduler: {chunked_prefill: true}"},
    {"tiers.*", "async_scheduling", "write scheduler: {async: true}"},
    {"tiers.*", "block_size", "write scheduler: {block: 16}"},
    {"tiers.*", "queue|queue_size|max_waiting", "write max_queue: 512"},
    {"tiers.*.scheduler", "batch_size|max_num_seqs", "write sequences: 256"},
    {"tiers.*.scheduler", "max_num_batched_tokens", "write batched_tokens: 8192"},
    {"tiers.*.scheduler", "priority", "write order: priority, and a priority for each class of the workload"},
    {"tiers.*", "operators|profile", "write steps: {operators: FOLDER}"},
    {"tiers.*", "network|rtt|latency", "write link: NAME, and links: {NAME: {rtt: 20 ms}}"},
    {"tiers.*", "capex|cost|purchase", "write owned: {capex: 40 kUSD}"},
    {"tiers.*", "rent|rental", "write owned: {rental: on-demand}, or owned: {rent: 2.5 USD/h}"},
    {"slo", "latency|total|response_time", "write e2e: 10 s, or ttft: 2 s"},
    {"slo", "itl|tbt", "write tpot: 50 ms"},
    {"slo", "ttft_p95|p95|p99", "write ttft: 2 s and attainment: 95 %, or limits: {ttft_p95: '<= 2 s'}"},
    {"money", "electricity_price|power_price", "write electricity: 0.15 USD/kWh"},
    {"money", "wacc|interest", "write discount: 8 %/year"},
    {"money", "years|months|period", "write horizon: 36 months"},
};

const struct ts_choice *ts_schema_choice(const struct ts_choice *choices, const char *word)
{
    for (const struct ts_choice *choice = choices; choice->word; choice++) {
        if (strcasecmp(choice->word, word) == 0) {
            return choice;
        }
    }
    return NULL;
}

const struct ts_key_doc *ts_scenario_keys(size_t *n)
{
    *n = N_KEYS;
    return docs;
}

size_t ts_schema_n_keys(void)
{
    return N_KEYS;
}

struct ts_key ts_schema_key(size_t index)
{
    TS_CHECK(index < N_KEYS);
    struct ts_key key = keys[index];
    key.doc = &docs[index];
    return key;
}

static bool directly_below(const char *path, const char *prefix, size_t n)
{
    if (n > 0 && (path[0] != prefix[0] || strncmp(path, prefix, n) != 0 || path[n] != '.')) {
        return false;
    }
    const char *rest = path + (n > 0 ? n + 1 : 0);
    return strcspn(rest, ".[*") == strlen(rest);
}

size_t ts_schema_children(const char *prefix, size_t *rows, size_t cap)
{
    size_t n = 0;
    const size_t n_prefix = strlen(prefix);
    for (size_t i = 0; i < N_KEYS; i++) {
        if (directly_below(docs[i].path, prefix, n_prefix)) {
            TS_CHECK(n < cap);
            rows[n++] = i;
        }
    }
    return n;
}

const char *ts_schema_last(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot + 1 : path;
}

int ts_schema_find(const char *path)
{
    for (size_t i = 0; i < N_KEYS; i++) {
        if (ts_str_equal(docs[i].path, path)) {
            return (int)i;
        }
    }
    return -1;
}

/* A row stands for a key, or for a part of its value: {lognormal: {median: 3 s}}. */
static bool row_takes(const struct ts_key *row, const char *key)
{
    for (const char *path = row->doc->path; *path;) {
        const char *part = path += *path == '.';
        path += *path == '[' ? strlen("[]") : strcspn(path, ".[");
        key += strspn(key, ".[]");
        const size_t len = (size_t)(path - part), n = strcspn(key, ".[]");
        const bool is_any = *part == '*' || *part == '[';
        if (n == 0 || !(is_any || (n == len && strncmp(part, key, n) == 0))) {
            return false;
        }
        key += n;
    }
    const bool is_whole = row->type == TS_KEY_SECTION || row->type == TS_KEY_LIST || row->type == TS_KEY_NAMES;
    return key[strspn(key, "]")] == '\0' || !is_whole;
}

bool ts_schema_takes(const char *key)
{
    bool any = false;
    for (size_t i = 0; !any && *key && i < N_KEYS; i++) {
        const struct ts_key row = ts_schema_key(i);
        any = row_takes(&row, key);
    }
    return any;
}

static bool is_one_of(const char *words, const char *word)
{
    const size_t len = strlen(word);
    for (const char *at = words; *at; at += strspn(at, "|")) {
        const size_t n = strcspn(at, "|");
        if (n == len && strncmp(at, word, len) == 0) {
            return true;
        }
        at += n;
    }
    return false;
}

const char *ts_schema_advice(const char *section, const char *word)
{
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (ts_str_equal(foreign[i].section, section) && is_one_of(foreign[i].words, word)) {
            return foreign[i].advice;
        }
    }
    return NULL;
}
