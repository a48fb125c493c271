/* What a scenario comes to: every derived number by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scenarios/catalog/efficiency.h"
#include "sim/serving/steptime.h"
#include "tests/scenarios/scenario_fixture.h"

#define WORKLOAD                                                                                                       \
    "scenario: t\n"                                                                                                    \
    "workload:\n"                                                                                                      \
    "  calls: 36 k/day\n"                                                                                              \
    "  classes: [{name: chat, share: 100 %, prompt: 800 tok, output: 200 tok}]\n"

static const char one_server[] =
    WORKLOAD "tiers:\n"
             "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-70B, quant: FP8, kv: fp8, ability: 1}\n";

/* MODEL: 70.55e9 B of weights, and 2 x 8192 x 128,256 more for tables at 16 bit, on 80 GB x 0.95, of which the engine
 * keeps 1.31, with 163,840 B per token leave 12,442 tokens. */
static void test_binding__seventy_billion_in_fp8_leave_12442_tokens_of_one_h100(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, one_server);
    const struct ts_tier_model *tier = &s.model.tiers[0];
    assert_int_equal(tier->kind, TS_TIER_SERVER);
    assert_int_equal(tier->u.server.pools[0].replica.kv_blocks, 12442 / 16);
    assert_int_equal(tier->context_tok, 12442);
    assert_string_equal(assumption(&s, "tiers.edge.kv_tokens")->value, "12442 tok of 163840 B");
    assert_int_equal(assumption(&s, "tiers.edge.kv_tokens")->origin, TS_ORIGIN_MODELLED);
    ts_scenario_deinit(&s);
}

/* KV bytes per token at 16 bit, over a sequence of 900 tokens (prompt 800 and half a reply of 200): gpt-oss-120b's are
 * (128 x 73,728 + 772 x 36,864)/900; DeepSeek's latent entry is kept by each of the 8; Qwen3-30B-A3B's 4 KV heads twice
 * on 8. */
static void test_binding__kv_bytes_follow_heads_windows_and_latents(void **state)
{
    (void)state;
    static const struct {
        const char *model, *quant, *end;
        unsigned n;
    } cases[] = {
        {"Llama-3.1-70B", "FP8", " tok of 327680 B", 8},        {"Llama-3.1-8B", "FP16", " tok of 131072 B", 1},
        {"gpt-oss-120b", "MXFP4", " tok of 42107 B", 8},        {"Gemma-3-27B", "FP16", " tok of 507904 B", 1},
        {"DeepSeek-V3", "INT4", " tok of 562176 B", 8},         {"Qwen3-30B-A3B", "FP8", " tok of 196608 B", 8},
        {"Mistral-Large-2-2407", "FP8", " tok of 360448 B", 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        struct ts_scenario s;
        snprintf(text, sizeof text,
                 "%stiers:\n  edge: {kind: server, hardware: H100 SXM, model: %s, quant: %s, accelerators: %u, "
                 "ability: 1}\n",
                 WORKLOAD, cases[i].model, cases[i].quant, cases[i].n);
        load_good(&s, text);
        const char *said = assumption(&s, "tiers.edge.kv_tokens")->value;
        assert_string_equal(said + strlen(said) - strlen(cases[i].end), cases[i].end);
        ts_scenario_deinit(&s);
    }
}

/* 16-bit 70B, and 123B at 8 bit, are too much for 80 GB x 95 %: the words say how much and what would do. */
/* A state of 100 MB over the 2,000 tokens of a sequence on the average is 50,000 B a token beside 131,072 B of KV. */
static void test_binding__a_state_takes_its_share_of_the_memory(void **state)
{
    (void)state;
    double blocks[2];
    for (int with = 0; with < 2; with++) {
        struct ts_scenario s;
        char text[1024];
        snprintf(
            text, sizeof text,
            "scenario: s\nworkload: {calls: 1 /s, classes: [{name: a, share: 1, prompt: 1000 tok, output: 2000 tok}]}\n"
            "models: {M: {layers: 32, hidden: 4096, heads: 32, kv_heads: 8, ffn: 14336, vocab: 128256, context: 8 "
            "ktok%s}}\n"
            "tiers: {e: {kind: server, hardware: H100 SXM, model: M, quant: FP8, ability: 1}}\n",
            with ? ", state: 100 MB" : "");
        load_good(&s, text);
        blocks[with] = (double)s.model.tiers[0].u.server.pools[0].replica.kv_blocks;
        assert_int_equal(assumption(&s, "tiers.e.state") != NULL, with);
        ts_scenario_deinit(&s);
    }
    assert_float_equal(blocks[1] / blocks[0], 131072.0 / (131072.0 + 50000.0), 1e-4);
}

static void test_binding__what_does_not_fit_says_what_would(void **state)
{
    (void)state;
    static const char *const models[] = {"model: Llama-3.1-70B, quant: FP16",
                                         "model: Mistral-Large-2-2407, quant: FP8"};
    static const char *const words[] = {
        "has 74.7 GB to use: 66.7 GB are missing",
        "has 74.7 GB to use: 49.1 GB are missing",
    };
    static const char *const hints[] = {"write accelerators: 2, or quant: FP8, or hardware: B200 SXM,",
                                        "write accelerators: 2, or quant: NVFP4, or hardware: H200 SXM 141GB,"};
    for (size_t i = 0; i < 2; i++) {
        char text[1024];
        struct ts_scenario s;
        struct ts_text said;
        ts_text_init(&said);
        snprintf(text, sizeof text, "%stiers:\n  edge: {kind: server, hardware: H100 SXM, %s, ability: 1}\n", WORKLOAD,
                 models[i]);
        assert_int_equal(load_text(&s, text, NULL, &said), TS_ESCENARIO);
        assert_non_null(strstr(said.data, words[i]));
        assert_non_null(strstr(said.data, hints[i]));
        ts_text_deinit(&said);
    }
}

/* Whole heads: 64 of them on 4 accelerators, on 6 in pairs of a pipeline... not on 6 alone; DeepSeek's 128 and
 * llama.cpp as they are. What is proposed divides them, too: 671 GB would be on 6 of 141 GB. */
static void test_binding__heads_are_divided_evenly(void **state)
{
    (void)state;
    static const struct {
        const char *keys, *said;
    } cases[] = {
        {"model: Llama-3.1-70B, accelerators: 4", NULL},
        {"model: Llama-3.1-70B, accelerators: 6", "write accelerators: 4 or 8"},
        {"model: Llama-3.1-70B, accelerators: 6, pipeline_parallel: 3", NULL},
        {"model: Llama-3.1-70B, accelerators: 10, pipeline_parallel: 2", "write accelerators: 8 or 16"},
        {"model: Llama-3.1-70B, accelerators: 3, engine: llama.cpp", NULL},
        {"model: Gemma-3-1B, accelerators: 8", "the 4 heads of Gemma-3-1B cannot be divided among 8 accelerators"},
        {"model: Qwen2.5-7B, accelerators: 8", "write accelerators: 4 or 14"},
        {"model: DeepSeek-R1", "write accelerators: 8, or "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[1024];
        struct ts_scenario s;
        struct ts_text said;
        ts_text_init(&said);
        snprintf(text, sizeof text, "%stiers:\n  e: {kind: server, hardware: H200 SXM, quant: FP8, ability: 1, %s}\n",
                 WORKLOAD, cases[i].keys);
        const enum ts_status status = load_text(&s, text, NULL, &said);
        assert_int_equal(status, cases[i].said ? TS_ESCENARIO : TS_OK);
        assert_true(!cases[i].said || strstr(said.data, cases[i].said));
        if (status == TS_OK) {
            ts_scenario_deinit(&s);
        }
        ts_text_deinit(&said);
    }
}

/* 2 stages of 4: weights pass at the bandwidth of 4. 80 layers x 2 ring all-reduces of 6 messages at 3 us, and a hop:
 * 2,883 us a step; (160 x 1.5 + 1) x 16,384 B at 450 GB/s: 8.775 us a token. */
static void test_binding__a_pipeline_of_tensor_parallel_groups(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, WORKLOAD
              "tiers:\n  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-70B, quant: FP8, "
              "accelerators: 8, pipeline_parallel: 2, steps: {roofline: {bandwidth: 75 %}}, overhead: 1 ms, ability: "
              "1}\n");
    const struct ts_steps_roofline *roof = &s.model.tiers[0].u.server.pools[0].replica.steps.u.roofline;
    assert_float_equal(roof->stages, 2.0, 0.0);
    assert_float_equal(roof->bytes_per_s, 4.0 * 0.75 * 3350e9, 1.0);
    assert_float_equal(roof->fixed_s, 1e-3 + (160.0 * 6.0 + 1.0) * 3e-6, 1e-12);
    assert_float_equal(roof->per_tok_s, 241.0 * 16384.0 / 450e9, 1e-15);
    ts_scenario_deinit(&s);
}

static void test_binding__a_roofline_that_is_written_is_peak_times_share(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s,
              WORKLOAD "tiers:\n  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-70B, quant: FP8, kv: fp8, "
                       "ability: 1, steps: {roofline: {compute: 45 %}}}\n");
    const struct ts_steps_model *steps = &s.model.tiers[0].u.server.pools[0].replica.steps;
    assert_int_equal(steps->kind, TS_STEPS_ROOFLINE);
    assert_int_equal(steps->origin, TS_ORIGIN_MODELLED);
    const struct ts_steps_roofline *roof = &steps->u.roofline;
    assert_float_equal(roof->fixed_s, 1.5e-3, 1e-12);
    assert_float_equal(roof->flop_per_s, 1979e12 * 0.45, 1e3);
    assert_float_equal(roof->bytes_per_s, 3350e9 * 0.75, 1.0);
    assert_float_equal(roof->shared_bytes, 70.55e9, 1.0);
    assert_float_equal(roof->expert_bytes, 0.0, 0.0);
    assert_float_equal(roof->kv_bytes_per_tok, 163840.0, 0.0);
    assert_float_equal(roof->attention_flop_per_pair, 4.0 * 64 * 128 * 80, 0.0);
    /* MODEL: 139e9 flop a token at 1979 TFLOPS x 0.45 = 0.156 ms. */
    assert_float_equal(roof->flop_per_tok / roof->flop_per_s, 0.1561e-3, 1e-7);
    ts_scenario_deinit(&s);
}

static void test_binding__the_roofline_of_an_h100_has_the_constants_fitted_for_its_class(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, one_server);
    const struct ts_steps_model *steps = &s.model.tiers[0].u.server.pools[0].replica.steps;
    assert_int_equal(steps->kind, TS_STEPS_ROOFLINE);
    assert_int_equal(steps->origin, TS_ORIGIN_FITTED);
    assert_non_null(strstr(steps->source, "class hbm, serving engines (vllm), fitted to"));
    assert_non_null(strstr(steps->source, "points of 4 chips; median error on what was left out of the fit: time per"));
    assert_int_equal(assumption(&s, "tiers.edge.overhead")->origin, TS_ORIGIN_FITTED);
    assert_int_equal(assumption(&s, "tiers.edge.steps.interval")->origin, TS_ORIGIN_FITTED);
    assert_true(steps->error.low > 0.5 && steps->error.low < 1.0 && steps->error.high > 1.0);
    const struct ts_steps_roofline *roof = &steps->u.roofline;
    struct ts_arena arena;
    struct ts_catalog catalog;
    ts_arena_init(&arena);
    assert_int_equal(ts_catalog_load(&catalog, &arena, NULL), TS_OK);
    const struct ts_efficiency *hbm = ts_efficiency_find(&catalog, "hbm", TS_ENGINES_SERVING);
    const struct ts_engine_cost *vllm = ts_efficiency_engine(&catalog, "vllm");
    assert_true(roof->blends);
    assert_float_equal(roof->fixed_s, 80.0 * hbm->layer_s * vllm->layers, 1e-9);
    assert_float_equal(steps->host.fixed_s, vllm->step_s, 1e-12);
    assert_float_equal(steps->host.per_seq_s, vllm->seq_s, 1e-12);
    assert_float_equal(s.model.tiers[0].request_s, vllm->first_s, 1e-12);
    const struct ts_replica_model *replica = &s.model.tiers[0].u.server.pools[0].replica;
    assert_float_equal(replica->launch_s, 80.0 * vllm->first_layer_s, 1e-12);
    assert_int_equal(replica->graph_tok, 512);
    assert_true(replica->plans_ahead);
    assert_float_equal(roof->bytes_per_s, 3350e9 * hbm->bandwidth, 1e3);
    /* The matmuls 139.01e9/(1979e12 x share), the activations of 80 layers of 8192. */
    assert_float_equal(roof->flop_per_tok / roof->flop_per_s,
                       139.01e9 / (1979e12 * hbm->narrow) + 80.0 * 8192.0 / (3350e9 * hbm->activation), 1e-9);
    ts_arena_deinit(&arena);
    ts_scenario_deinit(&s);
}

static void test_binding__a_roofline_without_shares_is_the_default_one(void **state)
{
    (void)state;
    static const char *const ways[] = {"", ", steps: roofline", ", steps: {roofline: {}}"};
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        char text[1024];
        struct ts_scenario s;
        snprintf(text, sizeof text,
                 "%stiers:\n  e: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: BF16, ability: 1%s}\n",
                 WORKLOAD, ways[i]);
        load_good(&s, text);
        const struct ts_steps_model *steps = &s.model.tiers[0].u.server.pools[0].replica.steps;
        assert_int_equal(steps->origin, TS_ORIGIN_FITTED);
        assert_true(steps->u.roofline.blends);
        ts_scenario_deinit(&s);
    }
}

static void test_binding__a_gpu_that_servers_were_not_fitted_to_says_how_it_was_checked(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, WORKLOAD
              "tiers:\n  edge: {kind: server, hardware: RTX 4090, model: Llama-3.1-8B, quant: FP8, ability: 1, "
              "overhead: 3 ms}\n");
    const struct ts_steps_model *steps = &s.model.tiers[0].u.server.pools[0].replica.steps;
    assert_non_null(strstr(steps->source, "checked with one run of vLLM on an RTX 4090"));
    assert_float_equal(steps->u.roofline.fixed_s, 3e-3, 1e-12);
    ts_scenario_deinit(&s);
}

/* Published decode steps at batch 4: 18.0 ms on two H100, 12.0 ms on four. */
static void test_binding__the_roofline_meets_published_steps_of_several_accelerators_within_a_tenth(void **state)
{
    (void)state;
    static const double published_s[2] = {18.0e-3, 12.0e-3};
    for (int i = 0; i < 2; i++) {
        char text[1024];
        struct ts_scenario s;
        snprintf(text, sizeof text,
                 "%stiers:\n  e: {kind: server, hardware: H100 SXM, accelerators: %d, model: Llama-3.1-70B, quant: "
                 "FP8, ability: 1}\n",
                 WORKLOAD, 2 << i);
        load_good(&s, text);
        const struct ts_batch_load four = ts_steptime_decode_load(4, 4 * 1382);
        double step_s = ts_steptime_s(&s.model.tiers[0].u.server.pools[0].replica.steps, &four);
        assert_true(fabs(step_s / published_s[i] - 1.0) < 0.1);
        ts_scenario_deinit(&s);
    }
}

static void test_binding__experts_are_what_is_not_active(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, WORKLOAD "tiers:\n  e: {kind: server, hardware: H100 SXM, accelerators: 2, model: Mixtral-8x7B, "
                           "quant: FP16, ability: 1}\n");
    const struct ts_steps_roofline *roof = &s.model.tiers[0].u.server.pools[0].replica.steps.u.roofline;
    /* 32 layers x 8 experts x 3 x 4096 x 14336 = 45.1e9 parameters. */
    assert_float_equal(roof->expert_bytes / 2.0, 45.1e9, 0.05e9);
    /* All but the input embeddings of 32,000 x 4,096. */
    assert_float_equal((roof->shared_bytes + roof->expert_bytes) / 2.0, 46.7e9 - 0.131e9, 0.02e9);
    assert_float_equal(roof->experts, 8.0, 0.0);
    assert_float_equal(roof->top_k, 2.0, 0.0);
    ts_scenario_deinit(&s);
}

static void test_binding__power_comes_from_the_catalog_row_and_the_region(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, one_server);
    const struct ts_power_model *power = &s.model.tiers[0].u.server.pools[0].replica.power;
    assert_float_equal(power->idle_w, 70.0, 0.0);
    assert_float_equal(power->prefill_w, 700.0, 0.0);
    /* Means of the lowest and of the highest power in 18 published fits of models of 14.77 to 235 B on H100. */
    assert_float_equal(power->decode_w, 410.22222, 1e-4);
    assert_float_equal(power->decode_rise_w, 153.73333, 1e-4);
    assert_float_equal(power->half_seqs, 48.0, 0.0);
    assert_float_equal(power->host_frac, 0.43, 0.0);
    assert_float_equal(power->pue, 1.56, 0.0);
    assert_int_equal(power->origin, TS_ORIGIN_FITTED);
    assert_float_equal(s.model.money.electricity_usd_per_kwh, 0.161, 0.0);
    assert_float_equal(s.model.money.carbon_g_per_kwh, 475.0, 0.0);
    assert_int_equal(assumption(&s, "money.electricity")->origin, TS_ORIGIN_CATALOG);
    ts_scenario_deinit(&s);
}

static void test_binding__owning_counts_every_replica(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, WORKLOAD "tiers:\n"
                           "  a: {kind: server, hardware: H100 SXM, accelerators: 2, replicas: 3, model: Llama-3.1-8B, "
                           "quant: FP8, ability: 1}\n"
                           "  b: {kind: server, hardware: H100 SXM, replicas: 3, model: Llama-3.1-8B, quant: FP8, "
                           "ability: 2, replaces: c,\n"
                           "      power: {idle: 60 W, prefill: 690 W, decode: 400 W, host: 10 %},\n"
                           "      owned: {capex: 38 kUSD, life: 4 years, lead_time: 12 weeks, maintenance: 10 %/year, "
                           "staff: 0.25 FTE, resale: 5 %,\n"
                           "              other: 200 USD/month}}\n"
                           "  c: {kind: api, ability: 3, offers: OpenAI/gpt-4o}\n"
                           "routing: {thresholds: {a: 0, b: 1}}\n"
                           "power: {pue: 1.4}\n");
    assert_float_equal(s.model.tiers[0].owned.capex_usd, 3.0 * (2.0 * 32000.0 + (32010.0 + 4500.0) / 4.0), 1e-6);
    assert_float_equal(s.model.tiers[0].u.server.pools[0].replica.power.prefill_w, 1400.0, 0.0);
    const struct ts_tier_model *b = &s.model.tiers[1];
    assert_float_equal(b->owned.capex_usd, 114000.0, 1e-6);
    assert_float_equal(b->owned.life_months, 48.0, 1e-9);
    assert_float_equal(b->owned.lead_time_months, 12.0 * 168.0 / 730.0, 1e-9);
    assert_float_equal(b->owned.maintenance_frac_per_year, 0.1, 1e-12);
    assert_float_equal(b->owned.staff_fte, 0.25, 0.0);
    assert_float_equal(b->owned.resale_frac, 0.05, 1e-12);
    assert_float_equal(b->owned.other_usd_per_month, 200.0, 1e-9);
    const struct ts_power_model *power = &b->u.server.pools[0].replica.power;
    assert_float_equal(power->decode_w, 400.0, 0.0);
    assert_float_equal(power->pue, 1.4, 0.0);
    assert_int_equal(power->origin, TS_ORIGIN_SCENARIO);
    assert_int_equal(b->replaces, 2);
    ts_scenario_deinit(&s);
}

static void test_binding__a_phone_is_bound_by_its_memory(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, WORKLOAD "tiers:\n"
                           "  phone: {kind: device, hardware: iPhone 15 Pro, model: Llama-3.2-3B, quant: Q4_0, users: "
                           "500, eligible: 40 %,\n"
                           "          battery: 13 Wh, ability: 0}\n");
    const struct ts_tier_model *phone = &s.model.tiers[0];
    assert_int_equal(phone->u.device.n_users, 500);
    assert_float_equal(phone->u.device.eligible_frac, 0.4, 1e-12);
    assert_float_equal(phone->u.device.battery_wh, 13.0, 1e-9);
    assert_int_equal(phone->u.device.max_queue, 2);
    /* (8 GB x 60 % - 3.21e9 x 4.5/8) / 114,688 B */
    assert_int_equal(phone->context_tok, (int)((4.8e9 - 3.21e9 * 4.5 / 8.0) / 114688.0));
    assert_float_equal(phone->u.device.power.pue, 1.0, 0.0);
    assert_float_equal(phone->u.device.power.host_frac, 0.0, 0.0);
    /* int8 computes at the int8 peak: 35 TOPS x 30 %. */
    assert_float_equal(phone->u.device.steps.u.roofline.flop_per_s, 35e12 * 0.3, 1.0);
    ts_scenario_deinit(&s);
}

static void test_binding__an_api_takes_prices_from_the_catalog_or_the_scenario(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s,
              WORKLOAD "tiers:\n"
                       "  cloud:\n"
                       "    kind: api\n"
                       "    ability: 3\n"
                       "    offers: [gpt-4o, {name: ours, input: 1 USD/Mtok, output: 0.002 USD/ktok, call: 0.01 USD}]\n"
                       "    limits: {requests: 600 /min, input: 1.2 Mtok/min}\n"
                       "    ttft: 0.5 s\n"
                       "    context: 128 ktok\n"
                       "    retries: 5\n");
    const struct ts_api_model *api = &s.model.tiers[0].u.api;
    assert_int_equal(api->n_offers, 2);
    assert_string_equal(api->offers[0].name, "OpenAI/gpt-4o");
    assert_float_equal(api->offers[0].input_usd_per_mtok, 2.5, 0.0);
    assert_float_equal(api->offers[0].cached_input_usd_per_mtok, 1.25, 0.0);
    assert_non_null(strstr(api->offers[0].source, "2026-07-24"));
    assert_float_equal(api->offers[1].output_usd_per_mtok, 2.0, 1e-12);
    assert_float_equal(api->offers[1].cached_input_usd_per_mtok, 1.0, 1e-12);
    assert_float_equal(api->offers[1].call_usd, 0.01, 1e-15);
    assert_float_equal(api->offers[0].requests_per_s, 10.0, 1e-9);
    assert_float_equal(api->offers[0].input_tok_per_s, 20000.0, 1e-6);
    assert_float_equal(api->offers[0].output_tok_per_s, 0.0, 0.0);
    assert_true(ts_dist_is_constant(&api->ttft_s));
    assert_int_equal(api->tok_per_s.kind, TS_DIST_LOGNORMAL);
    assert_float_equal(ts_dist_quantile(&api->tok_per_s, 0.5), 63.0, 1e-6);
    assert_float_equal(api->availability_frac, 0.998, 1e-12);
    assert_int_equal(api->max_retries, 5);
    assert_int_equal(s.model.tiers[0].context_tok, 128000);
    ts_scenario_deinit(&s);
}

static void test_binding__every_notation_of_a_distribution_works(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, "scenario: t\n"
                  "workload:\n"
                  "  calls: 1 /s\n"
                  "  gaps: {weibull: {shape: 0.7}}\n"
                  "  classes:\n"
                  "    - {name: a, share: 25 %, prompt: {lognormal: {mean: 100 tok, cv: 0.5}}, output: {uniform: {low: "
                  "10 tok, high: 30 tok}},\n"
                  "       difficulty: {normal: {mean: -1, sd: 0.5}}}\n"
                  "    - {name: b, share: 25 %, prompt: {gamma: {mean: 200 tok, cv: 2}}, output: {exponential: {mean: "
                  "40 tok}}, difficulty: 0.5}\n"
                  "    - {name: c, share: 25 %, prompt: {weibull: {shape: 1, scale: 50 tok}}, output: {normal: {mean: "
                  "20 tok, sd: 5 tok}}}\n"
                  "    - {name: d, share: 25 %, prompt: {empirical: azure-conversation}, output: {empirical: "
                  "azure-code}, sensitivity: restricted}\n"
                  "tiers: {cloud: {kind: api, ability: 3, offers: OpenAI/gpt-4o}}\n"
                  "routing: {rules: [{when: {sensitivity: public}, only: cloud}]}\n");
    const struct ts_class_spec *c = s.workload.classes;
    assert_int_equal(s.workload.n_classes, 4);
    assert_float_equal(ts_dist_mean(&c[0].prompt_tok), 100.0, 1e-9);
    assert_float_equal(ts_dist_mean(&c[0].output_tok), 20.0, 1e-9);
    assert_float_equal(ts_dist_mean(&c[0].difficulty), -1.0, 1e-12);
    assert_float_equal(ts_dist_mean(&c[1].prompt_tok), 200.0, 1e-9);
    assert_float_equal(ts_dist_mean(&c[1].output_tok), 40.0, 1e-9);
    assert_float_equal(ts_dist_mean(&c[1].difficulty), 0.5, 1e-12);
    assert_float_equal(ts_dist_mean(&c[2].prompt_tok), 50.0, 1e-9);
    assert_float_equal(c[2].output_tok.min, 1.0, 0.0);
    assert_int_equal(c[3].prompt_tok.kind, TS_DIST_EMPIRICAL);
    assert_int_equal(c[3].sensitivity, TS_RESTRICTED);
    assert_int_equal(c[2].sensitivity, TS_INTERNAL);
    assert_float_equal(ts_dist_mean(&s.workload.process.gap), 1.0, 1e-9);
    assert_int_equal(s.workload.process.gap.kind, TS_DIST_WEIBULL);
    assert_non_null(assumption(&s, "workload.classes.d.prompt.quantiles"));
    ts_scenario_deinit(&s);
}

static void test_binding__a_month_of_calls_is_730_hours_of_the_mean_rate(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, one_server);
    assert_float_equal(s.model.calls_per_month, 36000.0 / 24.0 * 730.0, 1e-3);
    assert_float_equal(s.workload.window.duration_s, 86400.0, 0.0);
    assert_null(s.workload.trace_path);
    ts_scenario_deinit(&s);
}

static const char three_tiers[] =
    "tiers:\n"
    "  cloud: {kind: api, ability: 3, offers: OpenAI/gpt-4o, link: wan}\n"
    "  phone: {kind: device, hardware: iPhone 16 Pro, model: Llama-3.2-1B, quant: Q4_0, users: 500, ability: -1}\n"
    "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: FP8, ability: 1, link: lan}\n"
    "links:\n"
    "  lan: {rtt: 0.4 ms, bandwidth: 10 Gbit/s, token_size: 8 B}\n"
    "  wan: {rtt: {lognormal: {median: 35 ms, p95: 90 ms}}, jitter: 1 ms}\n";

static void test_binding__tiers_are_walked_by_ability_and_rules_bar_by_mask(void **state)
{
    (void)state;
    char text[2048];
    struct ts_scenario s;
    snprintf(text, sizeof text, "%s%s%s", WORKLOAD, three_tiers,
             "routing:\n"
             "  thresholds: {edge: 1.0, phone: -0.5}\n"
             "  rules:\n"
             "    - {when: {sensitivity: restricted}, never: cloud}\n"
             "    - {when: {class: chat, prompt_over: 2 ktok}, only: [edge, cloud]}\n"
             "  router: {auc: 0.82, latency: 4 ms, price: 0.001 USD}\n");
    load_good(&s, text);
    const struct ts_router_model *r = &s.model.router;
    assert_int_equal(r->n_order, 3);
    assert_string_equal(s.model.tiers[0].name, "phone"); /* the file begins with the cloud */
    assert_string_equal(s.model.tiers[2].name, "cloud");
    assert_int_equal(r->order[0], 0);
    assert_int_equal(r->order[1], 1);
    assert_int_equal(r->order[2], 2);
    assert_float_equal(r->threshold[0], -0.5, 0.0);
    assert_float_equal(r->threshold[1], 1.0, 0.0);
    assert_true(isinf(r->threshold[2]) && r->threshold[2] > 0.0);
    assert_int_equal(r->n_rules, 2);
    assert_int_equal(r->rules[0].barred, 4);
    assert_int_equal(r->rules[0].sensitivity, TS_RESTRICTED);
    assert_int_equal(r->rules[0].class_id, -1);
    assert_int_equal(r->rules[1].barred, 1);
    assert_int_equal(r->rules[1].class_id, 0);
    assert_int_equal(r->rules[1].min_prompt_tok, 2001);
    assert_int_equal(r->n_fallback, 3);
    assert_int_equal(r->fallback[0], 2);
    assert_int_equal(r->fallback[2], 0);
    assert_float_equal(r->auc, 0.82, 0.0);
    assert_float_equal(r->latency_s, 0.004, 1e-15);
    assert_int_equal(s.model.tiers[0].link, -1);
    assert_int_equal(s.model.tiers[2].link, 1);
    assert_float_equal(s.model.links[0].bytes_per_s, 1.25e9, 1.0);
    assert_float_equal(s.model.links[1].bytes_per_s, 0.0, 0.0);
    assert_float_equal(s.model.links[0].bytes_per_tok, 8.0, 0.0);
    assert_float_equal(ts_dist_quantile(&s.model.links[1].rtt_s, 0.95), 0.09, 1e-9);
    ts_scenario_deinit(&s);
}

static void test_binding__a_static_policy_names_a_tier_for_each_class(void **state)
{
    (void)state;
    char text[2048];
    struct ts_scenario s;
    snprintf(text, sizeof text, "%s%s%s", WORKLOAD, three_tiers,
             "routing: {policy: static, static: {chat: edge}, fallback: [cloud, phone]}\n");
    load_good(&s, text);
    assert_int_equal(s.model.router.policy, TS_ROUTE_STATIC);
    assert_int_equal(s.model.router.static_tier[0], 1);
    assert_int_equal(s.model.router.n_fallback, 2);
    ts_scenario_deinit(&s);
}

/* Correct but odd: said, not refused. */
static void test_binding__what_has_no_effect_is_a_warning(void **state)
{
    (void)state;
    char text[2048];
    struct ts_scenario s;
    struct ts_text said;
    ts_text_init(&said);
    snprintf(text, sizeof text, "%s%s%s", WORKLOAD, three_tiers,
             "routing: {policy: static, static: {chat: edge}, thresholds: {edge: 1}, fallback: [cloud],\n"
             "          rules: [{never: [cloud, phone, edge]}]}\n");
    assert_int_equal(load_text(&s, text, NULL, &said), TS_OK);
    assert_non_null(strstr(said.data, "warning: nothing is ever routed to 'phone'"));
    assert_non_null(strstr(said.data, "warning: 'routing.thresholds.edge' has no effect here"));
    assert_non_null(strstr(said.data, "warning: no tier is left for the requests of this rule"));
    ts_scenario_deinit(&s);
    ts_text_deinit(&said);
}

static void test_binding__explicit_blocks_and_coefficients_win(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s,
              WORKLOAD "tiers:\n"
                       "  e:\n"
                       "    kind: server\n"
                       "    hardware: RTX 4090\n"
                       "    model: Llama-3.1-8B\n"
                       "    quant: FP16\n"
                       "    ability: 1\n"
                       "    kv_blocks: 2588\n"
                       "    max_queue: 100\n"
                       "    context: 4 ktok\n"
                       "    steps: {linear: {a: 16 ms, b: 0.02 ms, c: 130 ns, d: 95 us, e: 2 ns}}\n"
                       "    scheduler: {batched_tokens: 2048, sequences: 128, chunked_prefill: false, block: 16}\n");
    const struct ts_server_model *server = &s.model.tiers[0].u.server;
    const struct ts_replica_model *replica = &server->pools[0].replica;
    assert_int_equal(replica->kv_blocks, 2588);
    assert_int_equal(s.model.tiers[0].context_tok, 4000);
    assert_int_equal(server->max_queue, 100);
    assert_int_equal(replica->max_batched_tok, 2048);
    assert_int_equal(replica->max_seqs, 128);
    assert_false(replica->chunked_prefill);
    assert_int_equal(replica->steps.kind, TS_STEPS_LINEAR);
    assert_int_equal(replica->steps.origin, TS_ORIGIN_FITTED);
    assert_float_equal(replica->steps.u.linear.a_s, 16e-3, 1e-15);
    assert_float_equal(replica->steps.u.linear.b_s_per_seq, 2e-5, 1e-18);
    assert_float_equal(replica->steps.u.linear.c_s_per_kv_tok, 1.3e-7, 1e-18);
    assert_float_equal(replica->steps.u.linear.d_s_per_prefill_tok, 9.5e-5, 1e-18);
    assert_float_equal(replica->steps.u.linear.e_s_per_pair, 2e-9, 1e-20);
    ts_scenario_deinit(&s);
}

#define DRAFTING                                                                                                       \
    WORKLOAD "tiers:\n"                                                                                                \
             "  e: {kind: server, hardware: RTX 4090, model: Llama-3.1-8B, quant: FP16, ability: 1,\n"                 \
             "      speculative: {acceptance: 70 %, draft_step: 2 ms}, "

static void test_binding__drafts_need_the_vllm_policy(void **state)
{
    (void)state;
    struct ts_scenario s;
    struct ts_text said;
    ts_text_init(&said);
    load_good(&s, DRAFTING "context: 4 ktok}\n");
    assert_int_equal(s.model.tiers[0].u.server.pools[0].replica.speculative.draft_tok, 4);
    assert_float_equal(s.model.tiers[0].u.server.pools[0].replica.speculative.acceptance_frac, 0.7, 1e-12);
    assert_float_equal(s.model.tiers[0].u.server.pools[0].replica.speculative.draft_step_s, 2e-3, 1e-12);
    ts_scenario_deinit(&s);
    assert_int_equal(load_text(&s, DRAFTING "scheduler: {policy: slots}}\n", NULL, &said), TS_ESCENARIO);
    assert_non_null(strstr(said.data, "speculative decoding is not modelled for this scheduler.policy"));
    ts_text_deinit(&said);
}

static void test_binding__only_slots_share_one_buffer(void **state)
{
    (void)state;
    struct ts_scenario s;
    struct ts_text said;
    ts_text_init(&said);
#define SHARING                                                                                                        \
    WORKLOAD                                                                                                           \
    "tiers:\n"                                                                                                         \
    "  e: {kind: server, hardware: RTX 4090, model: Llama-3.1-8B, quant: FP16, ability: 1, context: 4 ktok,\n"         \
    "      scheduler: {kv_unified: true"
    load_good(&s, SHARING ", policy: slots, sequences: 4}}\n");
    assert_true(s.model.tiers[0].u.server.pools[0].replica.kv_unified);
    ts_scenario_deinit(&s);
    assert_int_equal(load_text(&s, SHARING "}}\n", NULL, &said), TS_ESCENARIO);
    assert_non_null(strstr(said.data, "kv_unified is of the policy slots"));
    assert_non_null(strstr(said.data, "leave kv_unified out, or use policy: slots"));
#undef SHARING
    ts_text_deinit(&said);
}

/* The schedulers of SGLang and TensorRT-LLM, under their names or by the keys. */
static void test_binding__the_engine_says_how_it_schedules(void **state)
{
    (void)state;
    static const struct {
        const char *keys;
        bool first, no_evict;
    } cases[] = {{"", false, false},
                 {"engine: trtllm, ", false, true},
                 {"engine: sglang, ", true, false},
                 {"engine: trtllm, scheduler: {prompts_first: true}, ", true, true},
                 {"engine: trtllm, scheduler: {no_evict: false}, ", false, false},
                 {"engine: sglang, scheduler: {prompts_first: false}, ", false, false},
                 {"engine: vllm, scheduler: {no_evict: true}, ", false, true},
                 {"engine: sglang, scheduler: {policy: slots}, ", false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_scenario s;
        char text[1024];
        snprintf(text, sizeof text, "%s%scontext: 4 ktok}\n",
                 WORKLOAD "tiers:\n"
                          "  e: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: FP8, ability: 1, ",
                 cases[i].keys);
        load_good(&s, text);
        const struct ts_replica_model *replica = &s.model.tiers[0].u.server.pools[0].replica;
        assert_int_equal(replica->prompts_first, cases[i].first);
        assert_int_equal(replica->no_evict, cases[i].no_evict);
        const struct ts_assumption *said = assumption(&s, "tiers.e.scheduler.prompts_first");
        assert_int_equal(said != NULL, cases[i].first || strstr(cases[i].keys, "prompts_first") != NULL);
        ts_scenario_deinit(&s);
    }
}

/* A rate compounds over the period that it is written for. */
static void test_binding__growth_is_effective_in_its_period(void **state)
{
    (void)state;
    static const struct {
        const char *written;
        double per_month;
    } rows[] = {{"15 %/year", 0.011714916919853}, {"2 %/month", 0.02}, {"-50 %/year", -0.056125687318306}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[1024];
        struct ts_scenario s;
        snprintf(text, sizeof text,
                 "%stiers: {edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: FP8, "
                 "ability: 1}}\nmoney: {growth: %s}\n",
                 WORKLOAD, rows[i].written);
        load_good(&s, text);
        assert_float_equal(s.model.money.growth_frac_per_month, rows[i].per_month, 1e-12);
        ts_scenario_deinit(&s);
    }
}

static void test_binding__slo_money_and_limits(void **state)
{
    (void)state;
    char text[2048];
    struct ts_scenario s;
    snprintf(text, sizeof text, "%s%s", WORKLOAD,
             "seed: 42\nreplications: 3\n"
             "tiers:\n"
             "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: FP8, ability: 1, owned: {staff: 1 "
             "FTE}}\n"
             "  cloud: {kind: api, ability: 3, offers: OpenAI/gpt-4o}\n"
             "routing: {thresholds: {edge: 0}}\n"
             "slo: {ttft: 1 s, tpot: 60 ms, attainment: 99 %}\n"
             "money: {region: Germany, horizon: 3 years, discount: 8 %/year, growth: 2 %/month, api_price_decline: 30 "
             "%/year,\n"
             "        salary: 200 kUSD/year, electricity: 0.2 USD/kWh, carbon: 0.3 kg/kWh}\n"
             "limits: {attainment: '>= 99 %', cost_per_month: '<= 12 kUSD', ttft_p95: '<= 800 ms', payback: '<= 18 "
             "months'}\n"
             "simulation: {patience: 0 s, drain: 1 h, series_bin: 1 min}\n");
    load_good(&s, text);
    const struct ts_model *m = &s.model;
    assert_int_equal(m->seed, 42);
    assert_int_equal(s.replications, 3);
    assert_float_equal(m->slo.ttft_s, 1.0, 0.0);
    assert_float_equal(m->slo.tpot_s, 0.06, 1e-15);
    assert_float_equal(m->slo.attainment_frac, 0.99, 1e-15);
    assert_string_equal(m->money.region, "de-germany");
    assert_int_equal(m->money.horizon_months, 36);
    assert_float_equal(m->money.discount_frac_per_year, 0.08, 1e-15);
    assert_float_equal(m->money.growth_frac_per_month, 0.02, 1e-15);
    assert_float_equal(m->money.electricity_usd_per_kwh, 0.2, 1e-15);
    assert_float_equal(m->money.carbon_g_per_kwh, 300.0, 1e-9);
    assert_float_equal(m->money.salary_usd_per_year, 200e3, 1e-6);
    assert_float_equal(m->limits.min_attainment_frac, 0.99, 1e-15);
    assert_float_equal(m->limits.max_cost_usd_per_month, 12e3, 1e-9);
    assert_float_equal(m->limits.max_ttft_p95_s, 0.8, 1e-15);
    assert_float_equal(m->limits.max_payback_months, 18.0, 1e-12);
    assert_float_equal(m->patience_s, 0.0, 0.0);
    assert_float_equal(m->drain_s, 3600.0, 0.0);
    assert_float_equal(m->series_bin_s, 60.0, 0.0);
    ts_scenario_deinit(&s);
}

static void test_binding__limits_that_are_not_written_are_not_set(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, one_server);
    assert_true(isnan(s.model.limits.min_attainment_frac) && isnan(s.model.limits.max_cost_usd_per_month));
    assert_true(isnan(s.model.limits.max_ttft_p95_s) && isnan(s.model.limits.max_payback_months));
    ts_scenario_deinit(&s);
}

static void test_binding__every_assumption_has_a_value_and_a_source(void **state)
{
    (void)state;
    char text[2048];
    struct ts_scenario s;
    snprintf(text, sizeof text, "%s%s%s", WORKLOAD, three_tiers, "routing: {thresholds: {edge: 1.0, phone: -0.5}}\n");
    load_good(&s, text);
    assert_true(s.model.n_assumptions > 80);
    for (size_t i = 0; i < s.model.n_assumptions; i++) {
        const struct ts_assumption *a = &s.model.assumptions[i];
        assert_true(a->key[0] && a->value[0] && a->source[0]);
        for (size_t j = 0; j < i; j++) {
            assert_string_not_equal(a->key, s.model.assumptions[j].key);
        }
    }
    assert_int_equal(assumption(&s, "tiers.edge.hardware")->origin, TS_ORIGIN_SCENARIO);
    assert_non_null(strstr(assumption(&s, "tiers.edge.hardware")->source, ".yaml:8:"));
    assert_int_equal(assumption(&s, "tiers.edge.memory_use")->origin, TS_ORIGIN_DEFAULT);
    assert_string_equal(assumption(&s, "tiers.edge.scheduler.batched_tokens")->value, "8192 tok");
    ts_scenario_deinit(&s);
}

static void test_binding__a_trace_needs_labels_only(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, "scenario: t\n"
                  "trace: {file: sub/trace.csv, scale_rate: 2, repeat_to: 24 h, classes: [{name: a, share: 60 %}, "
                  "{name: b, share: 40 %, difficulty: 1}]}\n"
                  "tiers: {cloud: {kind: api, ability: 3, offers: OpenAI/gpt-4o}}\n");
    assert_string_equal(s.workload.trace_path, "sub/trace.csv");
    assert_string_equal(s.workload.trace_format, "auto");
    assert_float_equal(s.workload.scale_rate, 2.0, 0.0);
    assert_float_equal(s.workload.repeat_to_s, 86400.0, 0.0);
    assert_float_equal(s.model.calls_per_month, 0.0, 0.0);
    assert_int_equal(s.workload.n_classes, 2);
    assert_string_equal(s.model.class_names[1], "b");
    ts_scenario_deinit(&s);
}

static void test_binding__a_trace_on_the_command_line_replaces_file_or_generator(void **state)
{
    (void)state;
    struct ts_scenario s;
    struct ts_scenario_options options = {.trace_path = "other.csv"};
    assert_int_equal(load_text(&s, one_server, &options, NULL), TS_OK);
    assert_string_equal(s.workload.trace_path, "other.csv");
    assert_float_equal(s.workload.scale_rate, 1.0, 0.0);
    assert_float_equal(s.workload.calls_per_s, 0.0, 0.0);
    assert_float_equal(s.model.calls_per_month, 0.0, 0.0);
    assert_int_equal(assumption(&s, "trace.file")->origin, TS_ORIGIN_COMMAND);
    ts_scenario_deinit(&s);
    assert_int_equal(
        load_text(
            &s, "scenario: t\ntrace: {format: azure}\ntiers: {cloud: {kind: api, ability: 3, offers: OpenAI/gpt-4o}}\n",
            &options, NULL),
        TS_OK);
    assert_string_equal(s.workload.trace_path, "other.csv");
    assert_int_equal(s.workload.n_classes, 1);
    ts_scenario_deinit(&s);
}

static const char pooled[] =
    WORKLOAD "tiers:\n"
             "  edge:\n"
             "    kind: server\n"
             "    hardware: H100 SXM\n"
             "    model: Llama-3.1-70B\n"
             "    quant: FP8\n"
             "    kv: fp8\n"
             "    ability: 1\n"
             "    kv_blocks: 1500\n"
             "    scheduler: {sequences: 100, batched_tokens: 4096}\n"
             "    power: {idle: 60 W, prefill: 600 W, decode: 500 W}\n"
             "    owned: {capex: 30 kUSD}\n"
             "    pools:\n"
             "      - {name: one, replicas: 3, weight: 2, scheduler: {sequences: 50}}\n"
             "      - {name: two, accelerators: 2, hardware: A100 80GB SXM, owned: {capex: 10 kUSD}}\n";

/* What a pool does not write it takes from the tier, but for what belongs to other hardware. */
static void test_binding__a_pool_takes_from_the_tier_what_it_does_not_write(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, pooled);
    const struct ts_tier_model *tier = &s.model.tiers[0];
    const struct ts_pool_model *pools = tier->u.server.pools;
    assert_int_equal(tier->u.server.n_pools, 2);
    assert_int_equal(ts_server_n_replicas(&tier->u.server), 4);
    assert_string_equal(tier->hardware, "3 x H100 SXM 80GB and 2 x A100 80GB SXM");
    assert_true(tier->owned.capex_usd == 3 * 30000.0 + 10000.0);
    assert_string_equal(pools[0].name, "one");
    assert_true(pools[0].weight == 2.0 && pools[1].weight == 1.0);
    assert_int_equal(pools[0].replica.max_seqs, 50);
    assert_int_equal(pools[1].replica.max_seqs, 100);
    assert_int_equal(pools[0].replica.max_batched_tok, 4096);
    assert_int_equal(pools[0].replica.kv_blocks, 1500);
    /* (2 x (80e9 x 0.95 - 1.31e9) - 72.65e9) / 163,840 = 468,313 tokens */
    assert_int_equal(pools[1].replica.kv_blocks, 468313 / 16);
    assert_true(pools[0].replica.power.decode_w == 500.0);
    assert_true(pools[1].replica.power.prefill_w == 2 * 400.0);
    assert_true(tier->context_tok > 24000);
    assert_non_null(assumption(&s, "tiers.edge.pools.two.kv_tokens"));
    assert_non_null(assumption(&s, "tiers.edge.kv_blocks")); /* read by one of them */
    ts_scenario_deinit(&s);
}

static void test_binding__a_pool_alike_is_the_tier_without_it(void **state)
{
    (void)state;
    struct ts_scenario plain, listed;
    load_good(&plain, one_server);
    load_good(
        &listed, WORKLOAD
        "tiers:\n"
        "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-70B, quant: FP8, kv: fp8, ability: 1, pools: "
        "[{name: all}]}\n");
    const struct ts_server_model *servers[] = {&plain.model.tiers[0].u.server, &listed.model.tiers[0].u.server};
    const struct ts_replica_model *a = &servers[0]->pools[0].replica;
    const struct ts_replica_model *b = &servers[1]->pools[0].replica;
    assert_int_equal(servers[0]->n_pools, 1);
    assert_int_equal(servers[1]->n_pools, 1);
    assert_false(servers[0]->lists_pools);
    assert_true(servers[1]->lists_pools);
    assert_string_equal(servers[0]->pools[0].name, "edge");
    assert_string_equal(servers[1]->pools[0].name, "all");
    assert_int_equal(a->kv_blocks, b->kv_blocks);
    assert_int_equal(a->max_batched_tok, b->max_batched_tok);
    assert_int_equal(plain.model.tiers[0].context_tok, listed.model.tiers[0].context_tok);
    assert_true(a->steps.u.roofline.flop_per_s == b->steps.u.roofline.flop_per_s);
    assert_true(a->steps.u.roofline.fixed_s == b->steps.u.roofline.fixed_s);
    assert_true(a->steps.host.per_seq_s == b->steps.host.per_seq_s);
    assert_true(a->power.decode_w == b->power.decode_w);
    assert_true(plain.model.tiers[0].owned.capex_usd == listed.model.tiers[0].owned.capex_usd);
    ts_scenario_deinit(&plain);
    ts_scenario_deinit(&listed);
}

/* Prefill pools come first, however the file lists them; the KV cache is that of the memory plan. */
static void test_binding__pools_by_role_are_joined_by_a_link(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(
        &s, WORKLOAD
        "tiers:\n"
        "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-70B, quant: FP8, kv: fp8, ability: 1, link: lan,\n"
        "         scheduler: {prefix_cache: true}, kv_link: fabric,\n"
        "         pools: [{name: d, role: decode, replicas: 2}, {name: p, role: prefill}]}\n"
        "links:\n"
        "  lan: {rtt: 1 ms}\n"
        "  fabric: {rtt: 20 us, bandwidth: 100 Gbit/s}\n");
    const struct ts_server_model *server = &s.model.tiers[0].u.server;
    assert_string_equal(server->pools[0].name, "p");
    assert_int_equal(server->pools[0].role, TS_POOL_PREFILL);
    assert_int_equal(server->pools[1].role, TS_POOL_DECODE);
    assert_true(server->pools[0].replica.prefix_cache && !server->pools[1].replica.prefix_cache);
    assert_int_equal(server->kv_transfer.link, 1);
    assert_true(server->kv_transfer.bytes_per_tok == 163840.0);
    assert_true(ts_tier_is_disaggregated(&s.model.tiers[0]));
    ts_scenario_deinit(&s);
}

/* Phones take what the tier has; laptops have other hardware, so none of its battery or heat, and a price. */
static void test_binding__a_mix_takes_what_holds_for_it(void **state)
{
    (void)state;
    static const char text[] =
        "scenario: t\n"
        "workload: {calls: 36 k/day, classes: [{name: chat, share: 100 %, prompt: 800 tok, output: 200 tok}]}\n"
        "tiers:\n"
        "  fleet: {kind: device, hardware: 'Galaxy S25 Ultra (Snapdragon 8 Elite)', model: Llama-3.2-3B, quant: INT4,\n"
        "    users: 1000, max_queue: 4, ability: 0, battery: 19 Wh, heat: {}, eligible: 50 %, mix: [\n"
        "    {name: phone, share: 60 %}, {name: laptop, share: 40 %, hardware: Snapdragon X Elite laptop,\n"
        "     eligible: 90 %, owned: {capex: 1000 USD}}], owned: {life: 36 months}}\n";
    struct ts_scenario s;
    load_good(&s, text);
    const struct ts_device_model *fleet = &s.model.tiers[0].u.device;
    assert_int_equal(fleet->n_kinds, 2);
    assert_int_equal(fleet->n_users, 1000);
    assert_int_equal(fleet->max_queue, 4);
    const struct ts_device_model *phone = ts_device_of_kind(fleet, 0), *laptop = ts_device_of_kind(fleet, 1);
    assert_true(phone->battery_wh == 19.0 && phone->heat.sustained_frac == 0.565 && phone->eligible_frac == 0.5);
    assert_true(laptop->battery_wh == 0.0 && laptop->heat.sustained_frac == 0.0 && laptop->eligible_frac == 0.9);
    assert_float_equal(phone->steps.u.table.seconds[0], 1.0 / 23.47, 1e-12);
    assert_float_equal(laptop->steps.u.table.seconds[0], 1.0 / 18.42, 1e-12);
    assert_float_equal(s.model.tiers[0].owned.capex_usd, 400.0 * 1000.0, 1e-6);
    assert_string_equal(s.model.tiers[0].hardware,
                        "60 % Galaxy S25 Ultra (Snapdragon 8 Elite) and 40 % Snapdragon X Elite laptop");
    ts_scenario_deinit(&s);
}

/* 3.21e9 weights of 4.25 bits are 1.705 GB: to 1,000 x 50 % devices at 0.1 USD/GB 85.27 USD, six times a year 42.63 a
 * month; at 10 MB/s each takes 170.5 s. */
static void test_binding__a_model_is_brought_to_the_devices_that_can_run_it(void **state)
{
    (void)state;
    static const char text[] =
        "scenario: t\n"
        "workload: {calls: 36 k/day, classes: [{name: chat, share: 100 %, prompt: 800 tok, output: 200 tok}]}\n"
        "tiers:\n"
        "  fleet: {kind: device, hardware: Snapdragon X Elite laptop, model: Llama-3.2-3B, quant: INT4, users: 1000,\n"
        "    ability: 0, eligible: 50 %, download: {price: 0.1 USD/GB, updates: 6, rollout: 2 h, bandwidth: 10 "
        "MB/s}}\n";
    struct ts_scenario s;
    load_good(&s, text);
    const struct ts_tier_model *tier = &s.model.tiers[0];
    assert_float_equal(tier->owned.first_download_usd, 3.21 * 4.25 / 8.0 * 500.0 * 0.1, 1e-6);
    assert_float_equal(tier->owned.downloads_usd_per_month, 3.21 * 4.25 / 8.0 * 500.0 * 0.1 / 2.0, 1e-6);
    assert_true(tier->u.device.rolls_out && tier->u.device.rollout_s == 7200.0);
    assert_float_equal(tier->u.device.download_s, 170.53125, 1e-6);
    ts_scenario_deinit(&s);
}

/* Qualcomm's figures of Llama 3.2 1B on a Snapdragon 8 Elite: 53.6 tok/s, the first token of 128 after 37 ms, of 4,096
 * after 1.19 s. */
static void test_binding__measured_rates_have_the_published_first_tokens(void **state)
{
    (void)state;
    static const char text[] =
        "scenario: t\n"
        "workload: {calls: 36 k/day, classes: [{name: chat, share: 100 %, prompt: 800 tok, output: 200 tok}]}\n"
        "tiers:\n"
        "  fleet: {kind: device, hardware: 'Galaxy S25 Ultra (Snapdragon 8 Elite)', model: Llama-3.2-1B, quant: INT4,\n"
        "    users: 10, ability: 0}\n";
    struct ts_scenario s;
    load_good(&s, text);
    const struct ts_steps_model *steps = &s.model.tiers[0].u.device.steps;
    const struct ts_batch_load one = ts_steptime_decode_load(1, 500), short_prompt = ts_steptime_prompt_load(8),
                               prompt = ts_steptime_prompt_load(128), long_prompt = ts_steptime_prompt_load(4096);
    assert_float_equal(1.0 / ts_steptime_s(steps, &one), 53.64, 1e-9);
    assert_float_equal(ts_steptime_s(steps, &short_prompt), 1.0 / 53.64, 1e-9);
    assert_float_equal(ts_steptime_s(steps, &prompt), 0.037, 0.0005);
    assert_float_equal(ts_steptime_s(steps, &long_prompt), 1.19, 0.005);
    ts_scenario_deinit(&s);
}

/* The processor of a phone under ExecuTorch, Llama 3.2 3B: reads 90 tokens a second, writes 19.7. */
static void test_binding__a_phones_processor_has_its_published_rates(void **state)
{
    (void)state;
    static const char text[] =
        "scenario: t\n"
        "workload: {calls: 36 k/day, classes: [{name: chat, share: 100 %, prompt: 800 tok, output: 200 tok}]}\n"
        "tiers:\n"
        "  fleet: {kind: device, hardware: 'OnePlus 12 (Snapdragon 8 Gen 3)', model: Llama-3.2-3B, quant: INT4,\n"
        "    users: 10, ability: 0}\n";
    struct ts_scenario s;
    load_good(&s, text);
    const struct ts_steps_model *steps = &s.model.tiers[0].u.device.steps;
    const struct ts_batch_load one = ts_steptime_decode_load(1, 500), prompt = ts_steptime_prompt_load(900);
    assert_float_equal(1.0 / ts_steptime_s(steps, &one), 19.7, 1e-9);
    assert_float_equal(900.0 / ts_steptime_s(steps, &prompt), 90.0, 0.5);
    ts_scenario_deinit(&s);
}

/* Phi Silica on a neural engine: 1.5 W above the 3 W at idle, whatever the laptop may draw. */
static void test_binding__a_device_draws_what_its_rates_were_measured_at(void **state)
{
    (void)state;
    static const char text[] =
        "scenario: t\n"
        "workload: {calls: 36 k/day, classes: [{name: chat, share: 100 %, prompt: 800 tok, output: 200 tok}]}\n"
        "tiers:\n"
        "  fleet: {kind: device, hardware: Copilot+ laptop, model: Phi-Silica, quant: INT4, users: 10, ability: 0}\n";
    struct ts_scenario s;
    load_good(&s, text);
    const struct ts_power_model *power = &s.model.tiers[0].u.device.power;
    assert_true(power->idle_w == 3.0 && power->prefill_w == 4.5 && power->decode_w == 4.5);
    assert_int_equal(power->origin, TS_ORIGIN_CATALOG);
    assert_non_null(strstr(power->source, "devices.csv: 1.5 W at work under Windows Copilot Runtime (NPU)"));
    ts_scenario_deinit(&s);
}

/* A key that some kinds have no use for has an effect, whatever their order; one that no kind has a use for has none.
 */
static void test_binding__a_key_counts_if_any_kind_of_a_mix_needs_it(void **state)
{
    (void)state;
    static const char *const mixes[] = {
        "{name: a, share: 60 %}, {name: b, share: 40 %, hardware: Plain laptop 16GB (CPU only)}",
        "{name: b, share: 40 %, hardware: Plain laptop 16GB (CPU only)}, {name: a, share: 60 %}",
        "{name: a, share: 60 %}, {name: b, share: 40 %}"};
    for (size_t i = 0; i < 3; i++) {
        struct ts_scenario s;
        struct ts_text said, text;
        ts_text_init(&said);
        ts_text_init(&text);
        ts_text_printf(
            &text,
            "scenario: t\n"
            "workload: {calls: 36 k/day, classes: [{name: c, share: 100 %%, prompt: 80 tok, output: 20 tok}]}\n"
            "tiers:\n"
            "  fleet: {kind: device, hardware: Snapdragon X Elite laptop, model: Llama-3.2-3B, quant: INT4,\n"
            "    users: 9, ability: 0, overhead: 5 ms, mix: [%s]}\n",
            mixes[i]);
        assert_int_equal(load_text(&s, text.data, NULL, &said), TS_OK);
        const bool is_moot = strstr(said.data, "'tiers.fleet.overhead' has no effect here") != NULL;
        assert_int_equal(is_moot, i == 2);
        ts_scenario_deinit(&s);
        ts_text_deinit(&text);
        ts_text_deinit(&said);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binding__a_mix_takes_what_holds_for_it),
        cmocka_unit_test(test_binding__measured_rates_have_the_published_first_tokens),
        cmocka_unit_test(test_binding__a_phones_processor_has_its_published_rates),
        cmocka_unit_test(test_binding__a_key_counts_if_any_kind_of_a_mix_needs_it),
        cmocka_unit_test(test_binding__a_device_draws_what_its_rates_were_measured_at),
        cmocka_unit_test(test_binding__a_model_is_brought_to_the_devices_that_can_run_it),
        cmocka_unit_test(test_binding__a_pool_takes_from_the_tier_what_it_does_not_write),
        cmocka_unit_test(test_binding__a_pool_alike_is_the_tier_without_it),
        cmocka_unit_test(test_binding__pools_by_role_are_joined_by_a_link),
        cmocka_unit_test(test_binding__seventy_billion_in_fp8_leave_12442_tokens_of_one_h100),
        cmocka_unit_test(test_binding__kv_bytes_follow_heads_windows_and_latents),
        cmocka_unit_test(test_binding__a_state_takes_its_share_of_the_memory),
        cmocka_unit_test(test_binding__what_does_not_fit_says_what_would),
        cmocka_unit_test(test_binding__heads_are_divided_evenly),
        cmocka_unit_test(test_binding__a_pipeline_of_tensor_parallel_groups),
        cmocka_unit_test(test_binding__a_roofline_that_is_written_is_peak_times_share),
        cmocka_unit_test(test_binding__the_roofline_of_an_h100_has_the_constants_fitted_for_its_class),
        cmocka_unit_test(test_binding__a_roofline_without_shares_is_the_default_one),
        cmocka_unit_test(test_binding__a_gpu_that_servers_were_not_fitted_to_says_how_it_was_checked),
        cmocka_unit_test(test_binding__the_roofline_meets_published_steps_of_several_accelerators_within_a_tenth),
        cmocka_unit_test(test_binding__experts_are_what_is_not_active),
        cmocka_unit_test(test_binding__power_comes_from_the_catalog_row_and_the_region),
        cmocka_unit_test(test_binding__owning_counts_every_replica),
        cmocka_unit_test(test_binding__a_phone_is_bound_by_its_memory),
        cmocka_unit_test(test_binding__an_api_takes_prices_from_the_catalog_or_the_scenario),
        cmocka_unit_test(test_binding__every_notation_of_a_distribution_works),
        cmocka_unit_test(test_binding__a_month_of_calls_is_730_hours_of_the_mean_rate),
        cmocka_unit_test(test_binding__tiers_are_walked_by_ability_and_rules_bar_by_mask),
        cmocka_unit_test(test_binding__a_static_policy_names_a_tier_for_each_class),
        cmocka_unit_test(test_binding__what_has_no_effect_is_a_warning),
        cmocka_unit_test(test_binding__explicit_blocks_and_coefficients_win),
        cmocka_unit_test(test_binding__drafts_need_the_vllm_policy),
        cmocka_unit_test(test_binding__only_slots_share_one_buffer),
        cmocka_unit_test(test_binding__slo_money_and_limits),
        cmocka_unit_test(test_binding__the_engine_says_how_it_schedules),
        cmocka_unit_test(test_binding__growth_is_effective_in_its_period),
        cmocka_unit_test(test_binding__limits_that_are_not_written_are_not_set),
        cmocka_unit_test(test_binding__every_assumption_has_a_value_and_a_source),
        cmocka_unit_test(test_binding__a_trace_needs_labels_only),
        cmocka_unit_test(test_binding__a_trace_on_the_command_line_replaces_file_or_generator),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
