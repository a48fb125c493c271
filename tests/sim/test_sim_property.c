/* Random small models with every kind of tier, link, rule and limit: the run does not crash, its books balance
 * (asserted inside every run), the same seed gives the same result, and the fast path gives what single steps give. */
#include "tests/sim/sim_world.h"

enum { N_MODELS = 400 };

static uint32_t below(struct ts_rng *rng, uint32_t n)
{
    return ts_rng_u32(rng) % n;
}

/* A table of operators with knots in the range of the tests' batches; its attention goes up and down. */
static const struct ts_steps_operators *some_operators(void)
{
    static const double tokens[] = {1, 8, 64};
    static const double token_s[] = {0.004, 0.0045, 0.01};
    static const double chunks[] = {0, 4, 50};
    static const double kv[] = {2, 9, 30, 60};
    static const double attention_s[3 * 2 * 3 * 4] = {
        0.000, 0.000, 0.000, 0.000, 0.001, 0.002, 0.004, 0.003, 0.002, 0.003, 0.007, 0.009, 0.000, 0.000, 0.000,
        0.000, 0.001, 0.002, 0.004, 0.003, 0.002, 0.003, 0.007, 0.009, 0.001, 0.001, 0.001, 0.001, 0.002, 0.003,
        0.004, 0.006, 0.002, 0.004, 0.008, 0.011, 0.001, 0.001, 0.001, 0.001, 0.002, 0.003, 0.004, 0.006, 0.002,
        0.004, 0.008, 0.011, 0.005, 0.005, 0.005, 0.005, 0.006, 0.007, 0.009, 0.010, 0.006, 0.007, 0.013, 0.016,
        0.008, 0.008, 0.008, 0.008, 0.009, 0.010, 0.012, 0.013, 0.009, 0.010, 0.016, 0.019};
    static const struct ts_steps_operators operators = {.per_tok_s = {.x = tokens, .y = token_s, .n = 3},
                                                        .axes = {{chunks, 3}, {kv, 2}, {chunks, 3}, {kv, 4}},
                                                        .attention_s = attention_s};
    return &operators;
}

static struct ts_steps_model random_steps(struct ts_rng *rng)
{
    static const double n_tok[] = {1, 4, 32};
    static const double seconds[] = {0.004, 0.005, 0.02};
    struct ts_steps_model steps = {.kind = (enum ts_steps_kind)below(rng, TS_N_STEPS_KINDS)};
    if (below(rng, 3) == 0) {
        steps.host = (struct ts_host_model){.fixed_s = 6e-3, .per_seq_s = 1e-4, .overlaps = below(rng, 2) != 0};
    }
    switch (steps.kind) {
    case TS_STEPS_OPERATORS:
        steps.u.operators = some_operators();
        break;
    case TS_STEPS_LINEAR:
        steps.u.linear = (struct ts_steps_linear){5e-3, 1e-4, below(rng, 2) ? 1e-6 : 0.0, 5e-5, 1e-8};
        break;
    case TS_STEPS_TABLE:
        steps.u.table = (struct ts_steps_table){
            .fixed_s = 1e-3, .n_tok = n_tok, .seconds = seconds, .n = 1 + below(rng, 3), .c_s_per_kv_tok = 1e-7};
        break;
    case TS_STEPS_ROOFLINE:
    case TS_N_STEPS_KINDS:
        steps.u.roofline = (struct ts_steps_roofline){.fixed_s = 1e-3,
                                                      .flop_per_tok = 1e9,
                                                      .flop_per_s = 1e13,
                                                      .shared_bytes = 1e9,
                                                      .expert_bytes = 1e9,
                                                      .experts = 8,
                                                      .top_k = 2,
                                                      .bytes_per_s = 1e12,
                                                      .kv_bytes_per_tok = 1e4};
        break;
    }
    return steps;
}

/* Balancers, failures, restarts and autoscaling, each in some of the models. */
static void random_fleet(struct ts_rng *rng, struct ts_server_model *server)
{
    server->balance = (enum ts_balance_policy)below(rng, TS_N_BALANCE_POLICIES);
    server->cold_start_s = below(rng, 2) ? 0.3 * ts_rng_uniform(rng) : 0.0;
    if (below(rng, 3) == 0) {
        server->failures = (struct ts_failure_model){.mtbf_s = 0.2 + ts_rng_uniform(rng),
                                                     .mttr_s = 0.2 * ts_rng_uniform(rng),
                                                     .drops_calls = below(rng, 3) == 0};
    }
    server->restart_every_s = below(rng, 4) == 0 ? 0.1 + ts_rng_uniform(rng) : 0.0;
    if (below(rng, 3) == 0) {
        server->autoscale = (struct ts_autoscale_model){.on = true,
                                                        .min_replicas = below(rng, 2),
                                                        .target_outstanding = 1.0 + below(rng, 5),
                                                        .target_kv_frac = below(rng, 2) ? 0.5 : 0.0,
                                                        .interval_s = 0.05 + 0.2 * ts_rng_uniform(rng),
                                                        .cooldown_s = 0.3 * ts_rng_uniform(rng)};
    }
}

enum { MOST_POOLS = 3 };

/* Replicas that differ in speed, seats and blocks, and otherwise are as those of the first pool. */
static void random_pools(struct ts_rng *rng, struct ts_server_model *server, struct ts_pool_model *pools)
{
    const uint32_t n = 1 + below(rng, MOST_POOLS);
    for (uint32_t i = 0; i < n; i++) {
        pools[i] = pools[0];
        pools[i].weight = 1.0 + below(rng, 3);
        pools[i].n_replicas = 1 + below(rng, 2);
        struct ts_replica_model *replica = &pools[i].replica;
        replica->max_seqs = 1 + below(rng, 10);
        replica->kv_blocks = 60 / replica->block_tok + 1 + below(rng, 60);
        replica->steps = random_steps(rng);
        replica->power.idle_w = 10.0 + below(rng, 40);
    }
    server->n_pools = n;
}

/* The first pools compute prompts, the others decode; what is not simulated with that is taken away. */
static void divide_by_role(struct ts_rng *rng, struct ts_server_model *server, struct ts_pool_model *pools,
                           uint32_t n_links)
{
    const uint32_t n_prefill = 1 + below(rng, server->n_pools - 1);
    for (uint32_t i = 0; i < server->n_pools; i++) {
        pools[i].role = i < n_prefill ? TS_POOL_PREFILL : TS_POOL_DECODE;
        pools[i].replica.policy = TS_SCHEDULER_VLLM;
        pools[i].replica.prefix_cache = pools[i].replica.prefix_cache && i < n_prefill;
    }
    server->autoscale.on = false;
    server->failures.mtbf_s = server->restart_every_s = 0.0;
    server->kv_transfer =
        (struct ts_kv_transfer_model){.link = (int)below(rng, n_links + 1) - 1, .bytes_per_tok = 500.0};
}

static const struct ts_power_model power = {
    .idle_w = 50.0, .prefill_w = 300.0, .decode_w = 200.0, .host_frac = 0.3, .pue = 1.3};

static struct ts_tier_model random_server(struct ts_rng *rng, struct ts_pool_model *pools)
{
    struct ts_tier_model tier = world_server(pools, 0.0);
    struct ts_replica_model *replica = &pools[0].replica;
    replica->ideal = (struct ts_steps_roofline){.flop_per_tok = 3.0,
                                                .flop_per_s = 7.0,
                                                .shared_bytes = 11.0,
                                                .expert_bytes = 5.0,
                                                .experts = 8.0,
                                                .top_k = 2.0,
                                                .bytes_per_s = 13.0,
                                                .kv_bytes_per_tok = 2.0,
                                                .attention_flop_per_pair = 0.5};
    pools[0].n_replicas = 1 + below(rng, 3);
    replica->max_batched_tok = 4 + below(rng, 200);
    replica->max_seqs = 1 + below(rng, 10);
    replica->chunked_prefill = below(rng, 4) != 0;
    replica->plans_ahead = below(rng, 3) == 0;
    replica->block_tok = 1 + below(rng, 20);
    replica->kv_blocks = 120 / replica->block_tok + 1 + below(rng, 30);
    tier.u.server.max_queue = below(rng, 3) ? 0 : below(rng, 20);
    replica->policy = below(rng, 2) ? TS_SCHEDULER_VLLM : (enum ts_scheduler_policy)below(rng, TS_N_SCHEDULER_POLICIES);
    replica->long_prefill_tok = below(rng, 3) ? 0 : 1 + below(rng, 20);
    replica->whole_admission = below(rng, 2);
    replica->by_priority = below(rng, 2);
    replica->prompts_first = replica->policy == TS_SCHEDULER_VLLM && below(rng, 3) == 0;
    replica->prefix_cache = below(rng, 2) && replica->policy != TS_SCHEDULER_STATIC;
    if (replica->policy == TS_SCHEDULER_VLLM && below(rng, 3) == 0) {
        replica->speculative = (struct ts_speculative_model){
            .draft_tok = 1 + below(rng, 8), .acceptance_frac = ts_rng_uniform(rng), .draft_step_s = 0.0003};
    }
    replica->steps = random_steps(rng);
    random_fleet(rng, &tier.u.server);
    replica->power = power;
    return tier;
}

/* Of mixed fleets: phones that get hot and have little charge, laptops. */
static const struct ts_device_kind kinds[] = {
    {.name = "phone",
     .share_frac = 0.4,
     .device = {.eligible_frac = 0.7,
                .steps = {.kind = TS_STEPS_LINEAR, .u.linear = {.a_s = 2e-3, .d_s_per_prefill_tok = 1e-4}},
                .battery_wh = 1e-3,
                .battery_day_frac = 0.5,
                .heat = {.sustained_frac = 0.5, .heating_s = 0.1, .cooling_s = 0.3},
                .power = {.idle_w = 1.0, .prefill_w = 9.0, .decode_w = 8.0, .pue = 1.0}}},
    {.name = "laptop",
     .share_frac = 0.6,
     .context_tok = 90,
     .device = {.eligible_frac = 1.0,
                .steps = {.kind = TS_STEPS_LINEAR, .u.linear = {.a_s = 1e-3, .c_s_per_kv_tok = 1e-6}},
                .power = {.idle_w = 3.0, .prefill_w = 30.0, .decode_w = 25.0, .pue = 1.0}}},
};

static void random_devices(struct ts_rng *rng, struct ts_device_model *device)
{
    device->n_users = 1 + below(rng, 100);
    device->eligible_frac = ts_rng_uniform(rng);
    device->max_queue = below(rng, 4);
    device->steps = random_steps(rng);
    device->steps.host = (struct ts_host_model){0};
    device->power = power;
    device->rolls_out = below(rng, 3) == 0;
    device->rollout_s = 2.0;
    device->download_s = 0.5;
    device->kinds = kinds;
    device->n_kinds = below(rng, COUNT(kinds) + 1);
}

static struct ts_tier_model random_tier(struct ts_rng *rng, uint32_t n_links, struct ts_pool_model *pools)
{
    const enum ts_tier_kind kind = (enum ts_tier_kind)below(rng, TS_N_TIER_KINDS);
    struct ts_tier_model tier;
    switch (kind) {
    case TS_TIER_SERVER:
        tier = random_server(rng, pools);
        break;
    case TS_TIER_DEVICE:
        tier = world_device(0.0);
        random_devices(rng, &tier.u.device);
        break;
    case TS_TIER_API:
    case TS_N_TIER_KINDS:
        tier = world_api(0.1, 100.0);
        tier.u.api.ttft_s = ts_dist_lognormal_median_p95(0.1, 0.5);
        tier.u.api.tok_per_s = ts_dist_lognormal_median_p95(100.0, 300.0);
        tier.u.api.n_offers = 1 + below(rng, 3);
        for (uint32_t i = 0; i < tier.u.api.n_offers; i++) {
            tier.u.api.offers[i].requests_per_s = below(rng, 2) ? 1.0 + below(rng, 20) : 0.0;
            tier.u.api.offers[i].output_tok_per_s = below(rng, 2) ? 5.0 + below(rng, 100) : 0.0;
        }
        tier.u.api.availability_frac = below(rng, 2) ? 0.7 : 1.0;
        tier.u.api.max_retries = below(rng, 5);
        tier.u.api.retry_s = 0.05;
        break;
    }
    if (kind == TS_TIER_SERVER && below(rng, 2)) {
        random_pools(rng, &tier.u.server, pools);
        if (tier.u.server.n_pools > 1 && below(rng, 2)) {
            divide_by_role(rng, &tier.u.server, pools, n_links);
        }
    }
    tier.link = (int)below(rng, n_links + 1) - 1;
    tier.context_tok = below(rng, 3) ? 0 : 60 + below(rng, 60);
    return tier;
}

static void random_router(struct ts_rng *rng, struct ts_model *model)
{
    struct ts_router_model *router = &model->router;
    router->policy = (enum ts_router_policy)below(rng, TS_N_ROUTER_POLICIES);
    router->auc = 0.5 + 0.5 * ts_rng_uniform(rng);
    static const double read_tok[] = {4, 64}, read_s[] = {1e-3, 9e-3};
    router->latency_s = below(rng, 2) ? 0.004 : 0.0;
    router->reads_s = (struct ts_curve){read_tok, read_s, below(rng, 3) == 0 ? COUNT(read_tok) : 0};
    router->usd_per_call = 1e-4;
    router->verify = (struct ts_verify_model){.accept_right_frac = ts_rng_uniform(rng),
                                              .reject_wrong_frac = ts_rng_uniform(rng),
                                              .latency_s = below(rng, 2) ? 0.03 : 0.0,
                                              .usd_per_call = 1e-5};
    router->fallback_after_s = below(rng, 3) == 0 ? 0.02 + 0.3 * ts_rng_uniform(rng) : 0.0;
    router->hedge_after_s = 0.1 * ts_rng_uniform(rng);
    router->budget_usd_per_day = ts_rng_uniform(rng);
    for (uint32_t i = 0; i < model->n_tiers; i++) {
        router->order[i] = i;
        router->threshold[i] = i + 1 < model->n_tiers ? (double)i - 1.0 : INFINITY;
        router->fallback[i] = below(rng, model->n_tiers);
    }
    router->n_order = model->n_tiers;
    router->n_fallback = below(rng, model->n_tiers + 1);
    router->n_rules = below(rng, 3);
    for (uint32_t i = 0; i < router->n_rules; i++) {
        router->rules[i] = (struct ts_rule){.sensitivity = (int)below(rng, 4) - 1,
                                            .class_id = (int)below(rng, 5) - 1,
                                            .min_prompt_tok = below(rng, 50),
                                            .barred = below(rng, 16)};
    }
    for (size_t c = 0; c < COUNT(router->static_tier); c++) {
        router->static_tier[c] = below(rng, model->n_tiers);
    }
}

enum { MOST_TIERS = 4, MOST_INCIDENTS = 4 };

/* pools: room for those of its tiers, which it points to. */
/* Lines that fail, and things that go wrong at stated times, in some of the models. */
static void random_incidents(struct ts_rng *rng, struct ts_model *model, struct ts_incident_model *incidents)
{
    for (uint32_t i = 0; i < model->n_links; i++) {
        model->links[i].mean_up_s = below(rng, 3) == 0 ? 0.3 : 0.0;
        model->links[i].mean_down_s = 0.2;
        model->links[i].stores = below(rng, 2);
        model->links[i].detect_s = below(rng, 2) ? 0.05 : 0.0;
    }
    const uint32_t n = below(rng, 2) * MOST_INCIDENTS;
    for (uint32_t i = 0; i < n; i++) {
        const bool of_link = model->n_links > 0 && below(rng, 2);
        const uint32_t tier = below(rng, model->n_tiers);
        if (!of_link && ts_tier_is_disaggregated(&model->tiers[tier])) {
            continue;
        }
        incidents[model->n_incidents++] = (struct ts_incident_model){
            .kind = !of_link && model->tiers[tier].kind == TS_TIER_API ? (enum ts_incident_kind)below(rng, 2)
                                                                       : TS_INCIDENT_DOWN,
            .link = of_link ? (int)below(rng, model->n_links) : -1,
            .tier = of_link ? -1 : (int)tier,
            .offer = -1,
            .at_s = 3.0 * ts_rng_uniform(rng),
            .for_s = 0.5 * ts_rng_uniform(rng),
            .every_s = below(rng, 2) ? 0.7 : 0.0,
            .share_frac = 0.5 * below(rng, 3),
            .notice_s = 0.1 * below(rng, 3),
        };
    }
    model->incidents = incidents;
}

static struct ts_model random_model(struct ts_rng *rng, struct ts_pool_model (*pools)[MOST_POOLS])
{
    struct ts_tier_model tiers[MOST_TIERS];
    const uint32_t n_tiers = 1 + below(rng, MOST_TIERS);
    const uint32_t n_links = below(rng, 3);
    for (uint32_t i = 0; i < n_tiers; i++) {
        tiers[i] = random_tier(rng, n_links, pools[i]);
    }
    struct ts_model model = world_model(tiers, n_tiers);
    model.n_classes = 1 + below(rng, 4);
    model.n_links = n_links;
    for (uint32_t i = 0; i < n_links; i++) {
        model.links[i] = (struct ts_link_model){.rtt_s = below(rng, 2) ? ts_dist_lognormal_median_p95(0.03, 0.09)
                                                                       : ts_dist_constant(0.001 * below(rng, 3)),
                                                .jitter_s = ts_dist_constant(0.0),
                                                .bytes_per_s = below(rng, 2) ? 1e6 : 0.0,
                                                .shares_equally = below(rng, 2) != 0,
                                                .bytes_per_tok = 4.0};
    }
    for (uint32_t i = 0; i < n_tiers; i++) {
        const uint32_t other = below(rng, n_tiers);
        model.tiers[i].replaces =
            model.tiers[other].kind == TS_TIER_API && model.tiers[i].kind != TS_TIER_API ? (int)other : -1;
    }
    random_router(rng, &model);
    model.patience_s = below(rng, 2) ? 0.05 + 0.5 * ts_rng_uniform(rng) : 0.0;
    model.drain_s = below(rng, 2) ? 0.2 * ts_rng_uniform(rng) : 0.0;
    model.series_bin_s = below(rng, 2) ? 0.1 : 3.0;
    model.warmup_s = below(rng, 2) ? 4.0 * ts_rng_uniform(rng) : 0.0;
    model.slo = (struct ts_slo_model){.ttft_s = 0.1, .tpot_s = 0.01, .e2e_s = 1.0};
    model.seed = ts_rng_u64(rng);
    return model;
}

/* Prompts that begin alike: eight chains of ids. */
static struct ts_prefix random_prefix(struct ts_rng *rng)
{
    static const uint64_t ids[][4] = {{1, 2, 3, 4},     {1, 2, 3, 5},     {1, 2, 6, 7},     {1, 8, 9, 10},
                                      {11, 12, 13, 14}, {11, 12, 15, 16}, {17, 18, 19, 20}, {21, 22, 23, 24}};
    return (struct ts_prefix){.ids = ids[below(rng, COUNT(ids))], .n_ids = below(rng, 5), .block_tok = 16};
}

static struct ts_request *random_requests(struct ts_rng *rng, const struct ts_model *model, uint64_t n)
{
    struct ts_request *requests = calloc(n, sizeof *requests);
    const double gap_s = 0.002 + 0.05 * ts_rng_uniform(rng);
    double t = 0.0;
    assert_non_null(requests);
    for (uint64_t i = 0; i < n; i++) {
        t += below(rng, 4) ? gap_s * ts_rng_exponential(rng) : 0.0;
        requests[i] = world_request(i, ts_ns_from_s(t), 1 + below(rng, 60), 1 + below(rng, 60));
        requests[i].class_id = (uint16_t)below(rng, model->n_classes);
        requests[i].sensitivity = (uint8_t)below(rng, TS_N_SENSITIVITIES);
        requests[i].difficulty = (float)ts_rng_normal(rng);
        requests[i].priority = (uint8_t)below(rng, 4);
        requests[i].prefix = random_prefix(rng);
    }
    return requests;
}

struct tally {
    struct ts_attempts attempts;
    uint64_t n_transfers;
    uint64_t done, rejected, timed_out, unfinished, fell_back, superseded, n_preemptions, n_retries, n_starts,
        n_failures;
};

/* Energy is booked at changes of state, power by bins: two ways to the same integral, without a warm-up, which only the
 * former leaves out. The last bin ends with the simulation. */
static void assert_power_is_energy(const struct ts_result *result, const struct ts_tier_result *tier)
{
    const double energy_j = ts_tier_energy_j(tier);
    double integral_j = 0.0;
    for (uint32_t bin = 0; bin < result->n_bins; bin++) {
        integral_j += tier->power_w[bin] * fmin(result->bin_s, result->simulated_s - bin * result->bin_s);
    }
    if (result->warmup_s == 0.0 && !(fabs(integral_j - energy_j) <= 1e-9 * fmax(energy_j, 1e-3))) {
        fail_msg("%.17g J by bins, %.17g J by states", integral_j, energy_j);
    }
}

static void add_to_tally(struct tally *tally, const struct ts_result *result, uint64_t n)
{
    struct ts_cell sum;
    assert_true(ts_result_balances(result));
    assert_int_equal(ts_result_sum(&sum, result, result->n_tiers + 1, TS_ALL_CLASSES), TS_OK);
    assert_int_equal(sum.arrived, n);
    tally->done += sum.done;
    tally->rejected += sum.rejected;
    tally->timed_out += sum.timed_out;
    tally->unfinished += sum.unfinished;
    tally->fell_back += sum.fell_back;
    tally->superseded += sum.superseded;
    ts_attempts_add(&tally->attempts, &sum.attempts);
    ts_cell_deinit(&sum);
    for (uint32_t i = 0; i < result->n_tiers; i++) {
        assert_true(result->tiers[i].busy_frac >= 0.0 && result->tiers[i].busy_frac <= 1.0);
        assert_true(result->tiers[i].mean_up >= 0.0 && result->tiers[i].idle_j >= 0.0);
        for (uint32_t bin = 0; bin < result->n_bins; bin++) {
            assert_true(result->tiers[i].busy[bin] >= 0.0 && result->tiers[i].busy[bin] <= 1.0);
            assert_true(result->tiers[i].power_w[bin] >= 0.0 && result->tiers[i].kv_used[bin] >= 0.0);
        }
        assert_power_is_energy(result, &result->tiers[i]);
        assert_true(result->tiers[i].kv_mean_frac <= result->tiers[i].kv_peak_frac + 1e-12);
        tally->n_transfers += result->tiers[i].transfer_ns.count;
        tally->n_preemptions += result->tiers[i].n_preemptions;
        tally->n_retries += result->tiers[i].n_retries;
        tally->n_starts += result->tiers[i].n_starts;
        tally->n_failures += result->tiers[i].n_failures;
    }
}

/* Two replications together balance as each does, reason by reason. */
static void assert_merged_balances(const struct ts_result *first, const struct ts_model *model,
                                   const struct ts_request *requests, uint64_t n)
{
    const struct ts_sim_options other = {.replication = 1};
    struct ts_result merged = world_run_with(model, requests, n, &other);
    assert_int_equal(ts_result_merge(&merged, first), TS_OK);
    assert_true(ts_result_balances(&merged));
    merged.tiers[0].cells[0].attempts.lost[TS_REASON_FULL]++; /* and one that is in no book is found */
    assert_false(ts_result_balances(&merged));
    ts_result_deinit(&merged);
}

static void test_sim__random_models_balance_and_repeat(void **state)
{
    (void)state;
    struct tally tally = {0};
    for (uint32_t i = 0; i < N_MODELS; i++) {
        struct ts_rng rng;
        ts_rng_init(&rng, 99, i, 0, 0);
        struct ts_pool_model pools[MOST_TIERS][MOST_POOLS];
        struct ts_model model = random_model(&rng, pools);
        const uint64_t n = below(&rng, 400);
        struct ts_request *requests = random_requests(&rng, &model, n);
        struct ts_incident_model incidents[MOST_INCIDENTS];
        random_incidents(&rng, &model, incidents);
        struct ts_result first = world_run(&model, requests, n);
        struct ts_result second = world_run(&model, requests, n);
        const struct ts_sim_options steps = {.single_steps = true};
        struct ts_result stepped = world_run_with(&model, requests, n, &steps);
        world_assert_equal(&first, &second, 0.0);
        assert_int_equal(first.n_events, second.n_events);
        world_assert_equal(&first, &stepped, 1e-9);
        world_assert_same_intervals(&first, &second, 0.0);
        world_assert_same_intervals(&first, &stepped, 1e-9);
        add_to_tally(&tally, &first, n);
        assert_merged_balances(&first, &model, requests, n);
        ts_result_deinit(&first);
        ts_result_deinit(&second);
        ts_result_deinit(&stepped);
        free(requests);
    }
    assert_true(tally.done > 10000);
    assert_true(tally.rejected > 1000);
    assert_true(tally.timed_out > 1000);
    assert_true(tally.unfinished > 500);
    assert_true(tally.fell_back > 1000);
    assert_true(tally.superseded > 1000);
    for (int r = 0; r < TS_N_REASONS; r++) {
        assert_true(tally.attempts.went_on[r] + tally.attempts.lost[r] > 200);
    }
    assert_true(tally.attempts.spared > 1000);
    assert_true(tally.n_preemptions > 500);
    assert_true(tally.n_transfers > 500);
    assert_true(tally.n_retries > 500);
    assert_true(tally.n_starts > 500);
    assert_true(tally.n_failures > 500);
}

/* The same models under the load of users. */
static void test_sim__closed_loops_balance_and_repeat(void **state)
{
    (void)state;
    struct tally tally = {0};
    for (uint32_t i = 0; i < N_MODELS; i++) {
        struct ts_rng rng;
        ts_rng_init(&rng, 123, i, 0, 0);
        struct ts_pool_model pools[MOST_TIERS][MOST_POOLS];
        struct ts_model model = random_model(&rng, pools);
        const uint64_t n = below(&rng, 400);
        struct ts_request *requests = random_requests(&rng, &model, n);
        const bool draws_thinking = below(&rng, 2);
        model.users =
            (struct ts_users_model){.n = 1 + below(&rng, 40),
                                    .think_s = draws_thinking ? ts_dist_exponential(0.2 * ts_rng_uniform(&rng))
                                                              : ts_dist_constant(0.05 * below(&rng, 2)),
                                    .until_s = below(&rng, 2) ? 5.0 * ts_rng_uniform(&rng) : 0.0};
        const struct ts_sim_options steps = {.single_steps = true};
        struct ts_result first = world_run(&model, requests, n);
        struct ts_result second = world_run(&model, requests, n);
        struct ts_result stepped = world_run_with(&model, requests, n, &steps);
        world_assert_equal(&first, &second, 0.0);
        world_assert_equal(&first, &stepped, 1e-9);
        struct ts_cell sum;
        assert_int_equal(ts_result_sum(&sum, &first, first.n_tiers + 1, TS_ALL_CLASSES), TS_OK);
        assert_true(model.users.until_s > 0.0 ? sum.arrived <= n : sum.arrived == n);
        add_to_tally(&tally, &first, sum.arrived);
        ts_cell_deinit(&sum);
        ts_result_deinit(&first);
        ts_result_deinit(&second);
        ts_result_deinit(&stepped);
        free(requests);
    }
    assert_true(tally.done > 10000);
    assert_true(tally.rejected > 1000);
    assert_true(tally.timed_out > 1000);
    assert_true(tally.unfinished > 500);
    assert_true(tally.n_preemptions > 500);
}

/* With everything drawn, another replication differs and the same one does not. */
static void test_sim__replications_draw_their_own_numbers(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_api(0.1, 100.0);
    tier.u.api.ttft_s = ts_dist_lognormal_median_p95(0.7, 2.5);
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request request = world_request(0, 0, 10, 10);
    const struct ts_sim_options options[] = {{.replication = 0}, {.replication = 1}, {.replication = 1}};
    int64_t ttft_ns[3];
    for (size_t i = 0; i < 3; i++) {
        struct ts_result result = world_run_with(&model, &request, 1, &options[i]);
        ttft_ns[i] = result.tiers[0].cells[0].latency_ns[TS_TTFT].max;
        ts_result_deinit(&result);
    }
    assert_true(ttft_ns[0] != ttft_ns[1]);
    assert_true(ttft_ns[1] == ttft_ns[2]);
}

static void test_sim__no_requests_give_an_empty_result(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tier = world_server(&pool, 0.01);
    const struct ts_model model = world_model(&tier, 1);
    struct ts_result result = world_run(&model, NULL, 0);
    assert_true(result.simulated_s == 0.0);
    assert_int_equal(result.tiers[0].cells[0].arrived, 0);
    assert_int_equal(result.n_bins, 0);
    ts_result_deinit(&result);
}

/* A window that is longer than the arrivals: idle power goes on to its end. */
static void test_sim__the_window_may_be_longer_than_the_arrivals(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 0.01);
    pool.replica.power.idle_w = 10.0;
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request request = world_request(0, S, 1, 1);
    const struct ts_sim_options options = {.window_s = 60.0};
    struct ts_result result = world_run_with(&model, &request, 1, &options);
    assert_true(result.window_s == 60.0);
    assert_true(result.simulated_s == 60.0);
    world_assert_near(result.tiers[0].idle_j, 600.0, 1e-12);
    assert_int_equal(result.n_bins, 60);
    ts_result_deinit(&result);
}

static bool stop_at_once(void *user, const struct ts_progress_state *state)
{
    uint64_t *n_calls = user;
    assert_true(state->done >= 0.0 && state->elapsed_s >= 0.0);
    ++*n_calls;
    return false;
}

static void test_sim__progress_can_interrupt(void **state)
{
    (void)state;
    enum { N = 10000 };
    struct ts_pool_model pool;
    const struct ts_tier_model tier = world_server(&pool, 0.01);
    const struct ts_model model = world_model(&tier, 1);
    struct ts_request *requests = calloc(N, sizeof *requests);
    struct ts_request_stream *stream = NULL;
    struct ts_result result;
    uint64_t n_calls = 0;
    const struct ts_sim_options options = {.progress = {stop_at_once, &n_calls}};
    assert_non_null(requests);
    for (uint64_t i = 0; i < N; i++) {
        requests[i] = world_request(i, (int64_t)i * MS, 1, 1);
    }
    assert_int_equal(ts_request_stream_from_array(&stream, requests, N), TS_OK);
    assert_int_equal(ts_sim_run(&result, &model, stream, &options, NULL), TS_EINTERRUPTED);
    assert_int_equal(n_calls, 1);
    ts_request_stream_destroy(stream);
    free(requests);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sim__random_models_balance_and_repeat),
        cmocka_unit_test(test_sim__closed_loops_balance_and_repeat),
        cmocka_unit_test(test_sim__replications_draw_their_own_numbers),
        cmocka_unit_test(test_sim__no_requests_give_an_empty_result),
        cmocka_unit_test(test_sim__the_window_may_be_longer_than_the_arrivals),
        cmocka_unit_test(test_sim__progress_can_interrupt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
