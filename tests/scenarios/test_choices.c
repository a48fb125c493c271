/* Words of the scenario language that stand for something: each means what it says, wherever it stands in its row. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scenarios/language/schema.h"
#include "tests/scenarios/scenario_fixture.h"

enum { MAX_CHOICES = 16, EDGE, SPLIT };

static const char text[] =
    "scenario: t\n"
    "workload: {calls: 36 k/day, classes: [{name: chat, share: 100 %, prompt: 800 tok, output: 200 tok}]}\n"
    "tiers:\n"
    "  phone: {kind: device, hardware: iPhone 15 Pro, model: Llama-3.2-1B, quant: Q4_0, users: 9, ability: 1}\n"
    "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: FP8, ability: 2}\n"
    "  split: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: FP8, ability: 3,\n"
    "          pools: [{name: p, role: prefill}, {name: d, role: decode}]}\n"
    "  cloud: {kind: api, offers: OpenAI/gpt-4o, ability: 4, link: wan}\n"
    "links: {wan: {rtt: 9 ms, bandwidth: 9 Mbit/s, outages: {mean_up: 9 h}}}\n"
    "events: [{at: 1 h, tier: cloud, for: 9 min}]\n"
    "routing: {thresholds: {phone: 0, edge: 1, split: 2}, static: {chat: edge},\n"
    "          hedge_after: 1 s, budget_per_day: 50 USD,\n"
    "          rules: [{when: {sensitivity: public}, never: [cloud]}]}\n";

/* ---- where a word arrives ---- */

static const struct ts_server_model *server_of(const struct ts_scenario *s, int tier)
{
    return &s->model.tiers[tier - EDGE + 1].u.server;
}

static int sensitivity(const struct ts_scenario *s)
{
    return s->workload.classes[0].sensitivity;
}

static int ruled_sensitivity(const struct ts_scenario *s)
{
    return s->model.router.rules[0].sensitivity;
}

static int first_kind(const struct ts_scenario *s)
{
    return s->model.tiers[0].kind;
}

static int second_kind(const struct ts_scenario *s)
{
    return s->model.tiers[1].kind;
}

static int last_kind(const struct ts_scenario *s)
{
    return s->model.tiers[3].kind;
}

static int rental(const struct ts_scenario *s)
{
    const struct ts_owned_model *owned = &s->model.tiers[1].owned;
    return owned->rent_is_reserved ? 1 : owned->rent_usd_per_h < 2.0 ? 2 : 0; /* of an H100 */
}

static int when_full(const struct ts_scenario *s)
{
    return s->model.tiers[1].owned.when_full;
}

static int depreciation(const struct ts_scenario *s)
{
    return s->model.money.depreciation;
}

static int balance(const struct ts_scenario *s)
{
    return server_of(s, EDGE)->balance;
}

static int drops_calls(const struct ts_scenario *s)
{
    return server_of(s, EDGE)->failures.drops_calls;
}

static int first_role(const struct ts_scenario *s)
{
    return server_of(s, SPLIT)->pools[0].role;
}

static int second_role(const struct ts_scenario *s)
{
    return server_of(s, SPLIT)->pools[1].role;
}

/* Llama-3.1-8B: 32 layers x 8 heads x 128 x 2, 65,536 numbers a token. */
static int kv_bits(const struct ts_scenario *s)
{
    return (int)(server_of(s, EDGE)->pools[0].replica.ideal.kv_bytes_per_tok / 65536.0 * 8.0);
}

/* Of the engines in the order of the schema: whose overhead the roofline has. */
static int engine(const struct ts_scenario *s)
{
    static const char *const names[] = {"(vllm)", "(sglang)", "(trtllm)", "(llama.cpp)", "(vllm-2025)"};
    for (int i = 0; i < 5; i++) {
        if (strstr(server_of(s, EDGE)->pools[0].replica.steps.source, names[i])) {
            return i;
        }
    }
    return -1;
}

static int policy(const struct ts_scenario *s)
{
    return (int)server_of(s, EDGE)->pools[0].replica.policy;
}

static int by_priority(const struct ts_scenario *s)
{
    return server_of(s, EDGE)->pools[0].replica.by_priority;
}

static int predicts(const struct ts_scenario *s)
{
    return (int)s->model.router.predicts;
}

static int stores(const struct ts_scenario *s)
{
    return s->model.links[0].stores;
}

static int shares(const struct ts_scenario *s)
{
    return s->model.links[0].shares_equally;
}

static int incident(const struct ts_scenario *s)
{
    return (int)s->model.incidents[0].kind;
}

static int router(const struct ts_scenario *s)
{
    return (int)s->model.router.policy;
}

static int sweep_design(const struct ts_scenario *s)
{
    return s->sweep.design;
}

struct meaning {
    const char *path;
    const char *word;
    const char *set; /* NULL: it stands in the text */
    int (*of)(const struct ts_scenario *s);
    int due;
};

#define CLASS "workload.classes[].sensitivity"
#define WHEN "routing.rules[].when.sensitivity"
#define PLAIN_POOLS "tiers.split.pools=[{name: a, role: both}]"

static const struct meaning meanings[] = {
    {CLASS, "public", "workload.classes.chat.sensitivity=public", sensitivity, TS_PUBLIC},
    {CLASS, "internal", "workload.classes.chat.sensitivity=internal", sensitivity, TS_INTERNAL},
    {CLASS, "restricted", "workload.classes.chat.sensitivity=restricted", sensitivity, TS_RESTRICTED},
    {WHEN, "public", "routing.rules.0.when.sensitivity=public", ruled_sensitivity, TS_PUBLIC},
    {WHEN, "internal", "routing.rules.0.when.sensitivity=internal", ruled_sensitivity, TS_INTERNAL},
    {WHEN, "restricted", "routing.rules.0.when.sensitivity=restricted", ruled_sensitivity, TS_RESTRICTED},
    {"tiers.*.kind", "device", NULL, first_kind, TS_TIER_DEVICE},
    {"tiers.*.kind", "server", NULL, second_kind, TS_TIER_SERVER},
    {"tiers.*.kind", "api", NULL, last_kind, TS_TIER_API},
    {"tiers.*.balance", "least-outstanding", "tiers.edge.balance=least-outstanding", balance,
     TS_BALANCE_LEAST_OUTSTANDING},
    {"tiers.*.balance", "round-robin", "tiers.edge.balance=round-robin", balance, TS_BALANCE_ROUND_ROBIN},
    {"tiers.*.balance", "least-kv", "tiers.edge.balance=least-kv", balance, TS_BALANCE_LEAST_KV},
    {"tiers.*.balance", "prefix", "tiers.edge.balance=prefix", balance, TS_BALANCE_PREFIX},
    {"tiers.*.balance", "random", "tiers.edge.balance=random", balance, TS_BALANCE_RANDOM},
    {"tiers.*.failures.calls", "retry", "tiers.edge.failures={mtbf: 1 h, calls: retry}", drops_calls, false},
    {"tiers.*.failures.calls", "fail", "tiers.edge.failures={mtbf: 1 h, calls: fail}", drops_calls, true},
    {"tiers.*.pools[].role", "both", PLAIN_POOLS, first_role, TS_POOL_BOTH},
    {"tiers.*.pools[].role", "prefill", NULL, first_role, TS_POOL_PREFILL},
    {"tiers.*.pools[].role", "decode", NULL, second_role, TS_POOL_DECODE},
    {"tiers.*.kv", "fp16", "tiers.edge.kv=fp16", kv_bits, 16},
    {"tiers.*.kv", "fp8", "tiers.edge.kv=fp8", kv_bits, 8},
    {"tiers.*.engine", "vllm", "tiers.edge.engine=vllm", engine, 0},
    {"tiers.*.engine", "sglang", "tiers.edge.engine=sglang", engine, 1},
    {"tiers.*.engine", "trtllm", "tiers.edge.engine=trtllm", engine, 2},
    {"tiers.*.engine", "llama.cpp", "tiers.edge.engine=llama.cpp", engine, 3},
    {"tiers.*.engine", "vllm-2025", "tiers.edge.engine=vllm-2025", engine, 4},
    {"tiers.*.scheduler.policy", "vllm", "tiers.edge.scheduler.policy=vllm", policy, TS_SCHEDULER_VLLM},
    {"tiers.*.scheduler.policy", "slots", "tiers.edge.scheduler.policy=slots", policy, TS_SCHEDULER_SLOTS},
    {"tiers.*.scheduler.policy", "static", "tiers.edge.scheduler.policy=static", policy, TS_SCHEDULER_STATIC},
    {"tiers.*.scheduler.order", "fcfs", "tiers.edge.scheduler.order=fcfs", by_priority, false},
    {"tiers.*.scheduler.order", "priority", "tiers.edge.scheduler.order=priority", by_priority, true},
    {"links.*.sharing", "fifo", "links.wan.sharing=fifo", shares, false},
    {"links.*.sharing", "equal", "links.wan.sharing=equal", shares, true},
    {"links.*.while_down", "fallback", "links.wan.while_down=fallback", stores, false},
    {"links.*.while_down", "wait", "links.wan.while_down=wait", stores, true},
    {"events[].is", "down", "events.0.is=down", incident, TS_INCIDENT_DOWN},
    {"events[].is", "throttled", "events.0.is=throttled", incident, TS_INCIDENT_THROTTLED},
    {"tiers.*.owned.rental", "on-demand", "tiers.edge.owned.rental=on-demand", rental, 0},
    {"tiers.*.owned.rental", "reserved", "tiers.edge.owned.rental=reserved", rental, 1},
    {"tiers.*.owned.rental", "spot", "tiers.edge.owned.rental=spot", rental, 2},
    {"tiers.*.owned.when_full", "overflow", "tiers.edge.owned.when_full=overflow", when_full, TS_FULL_OVERFLOW},
    {"tiers.*.owned.when_full", "buy", "tiers.edge.owned.when_full=buy", when_full, TS_FULL_BUY},
    {"tiers.*.owned.when_full", "refuse", "tiers.edge.owned.when_full=refuse", when_full, TS_FULL_REFUSE},
    {"money.depreciation", "straight-line", "money.depreciation=straight-line", depreciation,
     TS_DEPRECIATION_STRAIGHT_LINE},
    {"money.depreciation", "macrs-5", "money.depreciation=macrs-5", depreciation, TS_DEPRECIATION_MACRS_5},
    {"routing.policy", "difficulty", "routing.policy=difficulty", router, TS_ROUTE_DIFFICULTY},
    {"routing.policy", "static", "routing.policy=static", router, TS_ROUTE_STATIC},
    {"routing.policy", "least-loaded", "routing.policy=least-loaded", router, TS_ROUTE_LEAST_LOADED},
    {"routing.policy", "least-latency", "routing.policy=least-latency", router, TS_ROUTE_LEAST_LATENCY},
    {"routing.policy", "cheapest", "routing.policy=cheapest", router, TS_ROUTE_CHEAPEST},
    {"routing.policy", "cascade", "routing.policy=cascade", router, TS_ROUTE_CASCADE},
    {"routing.policy", "hedge", "routing.policy=hedge", router, TS_ROUTE_HEDGE},
    {"routing.policy", "budget", "routing.policy=budget", router, TS_ROUTE_BUDGET},
    {"routing.router.predicts", "difficulty", "routing.router.predicts=difficulty", predicts, TS_PREDICTS_DIFFICULTY},
    {"routing.router.predicts", "correctness", "routing.router.predicts=correctness", predicts,
     TS_PREDICTS_CORRECTNESS},
    {"sweep.design", "grid", "sweep.design=grid", sweep_design, 0},
    {"sweep.design", "list", "sweep.design=list", sweep_design, 1},
    {"sweep.design", "lhs", "sweep.design=lhs", sweep_design, 2},
    {"sweep.design", "sobol", "sweep.design=sobol", sweep_design, 3},
};

static void load_with(struct ts_scenario *out, const char *yaml, const char *set)
{
    const struct ts_scenario_options options = {.sets = &set, .n_sets = set ? 1 : 0};
    struct ts_text said;
    ts_text_init(&said);
    if (load_text(out, yaml, &options, &said) != TS_OK) {
        fail_msg("%s: %s", set ? set : "as it stands", said.data);
    }
    ts_text_deinit(&said);
}

static void test_choices__a_word_arrives_as_what_it_says(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        const struct meaning *meaning = &meanings[i];
        struct ts_scenario s;
        load_with(&s, text, meaning->set);
        if (meaning->of(&s) != meaning->due) {
            fail_msg("%s: %s came as %d, %d is due", meaning->path, meaning->word, meaning->of(&s), meaning->due);
        }
        ts_scenario_deinit(&s);
    }
}

static bool is_above(const char *path, const char *word)
{
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++) {
        if (strcmp(meanings[i].path, path) == 0 && strcmp(meanings[i].word, word) == 0) {
            return true;
        }
    }
    return false;
}

/* Labels of traces have the words of generated classes; a class of hardware is its word; test_every_key has a trace for
 * trace.turns and a prefix cache for KV levels. */
static void test_choices__no_word_is_left_out_above(void **state)
{
    (void)state;
    size_t n = 0;
    size_t n_choices = 0;
    const struct ts_key_doc *docs = ts_scenario_keys(&n);
    for (size_t i = 0; i < n; i++) {
        const bool other = strcmp(docs[i].path, "trace.classes[].sensitivity") == 0 ||
                           strcmp(docs[i].path, "hardware.*.class") == 0 || strcmp(docs[i].path, "trace.turns") == 0 ||
                           strcmp(docs[i].path, "tiers.*.kv_levels[].keeps") == 0;
        n_choices += docs[i].choices != NULL;
        for (const struct ts_choice *choice = docs[i].choices; choice && choice->word && !other; choice++) {
            if (!is_above(docs[i].path, choice->word)) {
                fail_msg("%s: %s is not tested", docs[i].path, choice->word);
            }
        }
    }
    assert_int_equal(n_choices, 23);
}

/* The words of every row backwards mean the same. */
static void test_choices__the_order_of_words_means_nothing(void **state)
{
    (void)state;
    size_t n = 0;
    const struct ts_key_doc *docs = ts_scenario_keys(&n);
    for (size_t i = 0; i < n; i++) {
        struct ts_choice backwards[MAX_CHOICES + 1] = {{0}};
        size_t n_words = 0;
        while (docs[i].choices && docs[i].choices[n_words].word) {
            n_words++;
        }
        assert_true(n_words <= MAX_CHOICES);
        for (size_t k = 0; k < n_words; k++) {
            backwards[k] = docs[i].choices[n_words - 1 - k];
        }
        for (size_t k = 0; k < n_words; k++) {
            const char *word = docs[i].choices[k].word;
            char loud[64] = {0};
            for (size_t c = 0; c < strlen(word); c++) {
                loud[c] = (char)toupper((unsigned char)word[c]);
            }
            assert_ptr_equal(ts_schema_choice(docs[i].choices, word), &docs[i].choices[k]);
            assert_ptr_equal(ts_schema_choice(backwards, word), &backwards[n_words - 1 - k]);
            assert_ptr_equal(ts_schema_choice(docs[i].choices, loud), &docs[i].choices[k]);
        }
        assert_true(n_words == 0 || !ts_schema_choice(docs[i].choices, "none of them"));
    }
}

/* A class of hardware decides by its word whose constants its roofline takes. */
static void test_choices__a_class_of_hardware_is_its_word(void **state)
{
    (void)state;
    static const char *const told[][2] = {{"hbm", "class hbm"},        {"amd", "class amd"},
                                          {"cdna4", "class cdna4"},    {"gddr", "on this class checked"},
                                          {"apple", "class apple"},    {"cpu", "45 % of compute"},
                                          {"phone", "45 % of compute"}};
    static const char card[] = "hardware: {Card: {class: %s, compute: 500 Tflop/s, memory: 96 GB, bandwidth: 2 TB/s, "
                               "power: 600 W, price: 1 USD}}\n%s";
    for (size_t i = 0; i < sizeof told / sizeof *told; i++) {
        struct ts_text with;
        struct ts_scenario s;
        ts_text_init(&with);
        ts_text_printf(&with, card, told[i][0], text);
        load_with(&s, with.data, "tiers.edge.hardware=Card");
        assert_non_null(strstr(server_of(&s, EDGE)->pools[0].replica.steps.source, told[i][1]));
        ts_scenario_deinit(&s);
        ts_text_deinit(&with);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choices__a_word_arrives_as_what_it_says),
        cmocka_unit_test(test_choices__no_word_is_left_out_above),
        cmocka_unit_test(test_choices__the_order_of_words_means_nothing),
        cmocka_unit_test(test_choices__a_class_of_hardware_is_its_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
