/* Small models and runs for the simulator's tests. */
#include "tests/sim/sim_world.h"

void world_assert_near(double a, double b, double tolerance)
{
    const double scale = fmax(fmax(fabs(a), fabs(b)), 1e-300);
    if (!(fabs(a - b) <= tolerance * scale)) {
        fail_msg("%.17g is not %.17g (relative difference %.3g)", a, b, fabs(a - b) / scale);
    }
}

struct ts_tier_model world_server(struct ts_pool_model *pool, double step_s)
{
    *pool = (struct ts_pool_model){.name = "server",
                                   .hardware = "",
                                   .weight = 1.0,
                                   .n_replicas = 1,
                                   .replica = {.n_accelerators = 1,
                                               .steps = {.kind = TS_STEPS_LINEAR, .u.linear = {.a_s = step_s}},
                                               .max_batched_tok = 1U << 30,
                                               .max_seqs = 256,
                                               .chunked_prefill = true,
                                               .block_tok = 16,
                                               .kv_blocks = 1ULL << 40,
                                               .power = {.pue = 1.0}}};
    return (struct ts_tier_model){.name = "server",
                                  .kind = TS_TIER_SERVER,
                                  .link = -1,
                                  .replaces = -1,
                                  .u.server = {.pools = pool, .n_pools = 1, .kv_transfer = {.link = -1}}};
}

struct ts_tier_model world_device(double step_s)
{
    struct ts_tier_model tier = {.name = "device", .kind = TS_TIER_DEVICE, .link = -1, .replaces = -1};
    tier.u.device =
        (struct ts_device_model){.n_users = 1, .eligible_frac = 1.0, .max_queue = 1000000, .power = {.pue = 1.0}};
    tier.u.device.steps.kind = TS_STEPS_LINEAR;
    tier.u.device.steps.u.linear.a_s = step_s;
    return tier;
}

struct ts_tier_model world_api(double ttft_s, double tok_per_s)
{
    struct ts_tier_model tier = {.name = "api", .kind = TS_TIER_API, .link = -1, .replaces = -1};
    tier.u.api = (struct ts_api_model){.n_offers = 1, .availability_frac = 1.0};
    tier.u.api.offers[0] = (struct ts_offer){.name = "offer", .input_usd_per_mtok = 2.5, .output_usd_per_mtok = 10.0};
    tier.u.api.ttft_s = ts_dist_constant(ttft_s);
    tier.u.api.tok_per_s = ts_dist_constant(tok_per_s);
    return tier;
}

struct ts_model world_model(const struct ts_tier_model *tiers, uint32_t n_tiers)
{
    static const char *const classes[] = {"a", "b", "c", "d"};
    struct ts_model model = {
        .name = "world", .seed = 7, .n_tiers = n_tiers, .class_names = classes, .n_classes = 1, .series_bin_s = 1.0};
    memcpy(model.tiers, tiers, n_tiers * sizeof *tiers);
    model.router.policy = TS_ROUTE_STATIC;
    model.router.auc = 1.0;
    return model;
}

struct ts_result world_run_with(const struct ts_model *model, const struct ts_request *requests, uint64_t n,
                                const struct ts_sim_options *options)
{
    struct ts_request_stream *stream = NULL;
    struct ts_result result;
    assert_int_equal(ts_request_stream_from_array(&stream, requests, n), TS_OK);
    assert_int_equal(ts_sim_run(&result, model, stream, options, NULL), TS_OK);
    ts_request_stream_destroy(stream);
    return result;
}

struct ts_result world_run(const struct ts_model *model, const struct ts_request *requests, uint64_t n)
{
    return world_run_with(model, requests, n, NULL);
}

static void assert_same_hist(const struct ts_hist *a, const struct ts_hist *b)
{
    uint32_t cursor_a = 0;
    uint32_t cursor_b = 0;
    double value_a, value_b;
    uint64_t count_a, count_b;
    assert_int_equal(a->count, b->count);
    assert_int_equal(a->min, b->min);
    assert_int_equal(a->max, b->max);
    assert_true(a->sum == b->sum);
    int more = ts_hist_next(a, &cursor_a, &value_a, &count_a);
    assert_int_equal(more, ts_hist_next(b, &cursor_b, &value_b, &count_b));
    while (more) {
        assert_true(value_a == value_b);
        assert_int_equal(count_a, count_b);
        more = ts_hist_next(a, &cursor_a, &value_a, &count_a);
        assert_int_equal(more, ts_hist_next(b, &cursor_b, &value_b, &count_b));
    }
}

static void assert_same_batches(const struct ts_batch_means *a, const struct ts_batch_means *b, double tolerance)
{
    for (int l = 0; l < TS_N_LATENCIES; l++) {
        assert_int_equal(a[l].size, b[l].size);
        assert_int_equal(a[l].n, b[l].n);
        assert_int_equal(a[l].n_open, b[l].n_open);
        for (uint32_t i = 0; i < a[l].n; i++) {
            world_assert_near(a[l].sum[i], b[l].sum[i], tolerance);
        }
        if (a[l].n >= TS_BATCHES_LEAST) {
            world_assert_near(ts_batch_means_mean(&a[l]), ts_batch_means_mean(&b[l]), tolerance);
            world_assert_near(ts_batch_means_half(&a[l], 0.95), ts_batch_means_half(&b[l], 0.95), 1e-6);
        }
    }
}

static void assert_same_cell(const struct ts_cell *a, const struct ts_cell *b, double tolerance)
{
    assert_int_equal(a->arrived, b->arrived);
    assert_int_equal(a->done, b->done);
    assert_int_equal(a->rejected, b->rejected);
    assert_int_equal(a->timed_out, b->timed_out);
    assert_int_equal(a->unfinished, b->unfinished);
    assert_int_equal(a->left_out, b->left_out);
    assert_int_equal(a->left_out_done, b->left_out_done);
    assert_int_equal(a->slo_met, b->slo_met);
    assert_int_equal(a->fell_back, b->fell_back);
    assert_int_equal(a->superseded, b->superseded);
    assert_int_equal(a->superseded_tok, b->superseded_tok);
    assert_int_equal(a->prompt_tok, b->prompt_tok);
    assert_int_equal(a->output_tok, b->output_tok);
    world_assert_near(a->expected_right, b->expected_right, tolerance);
    world_assert_near(a->api_usd, b->api_usd, tolerance);
    world_assert_near(a->displaced_usd, b->displaced_usd, tolerance);
    world_assert_near(a->barred_usd, b->barred_usd, tolerance);
    for (int l = 0; l < TS_N_LATENCIES; l++) {
        assert_same_hist(&a->latency_ns[l], &b->latency_ns[l]);
    }
}

static void assert_same_units(const struct ts_tier_result *x, const struct ts_tier_result *y, double tolerance)
{
    assert_int_equal(x->n_steps, y->n_steps);
    assert_int_equal(x->n_preemptions, y->n_preemptions);
    assert_int_equal(x->looked_up_tok, y->looked_up_tok);
    assert_int_equal(x->found_tok, y->found_tok);
    world_assert_near(x->mean_up, y->mean_up, tolerance);
    assert_true(x->kv_peak_frac == y->kv_peak_frac);
    world_assert_near(x->mean_batch, y->mean_batch, tolerance);
    world_assert_near(x->idle_j, y->idle_j, tolerance);
    world_assert_near(x->active_j, y->active_j, tolerance);
    world_assert_near(x->host_j, y->host_j, tolerance);
    world_assert_near(x->overhead_j, y->overhead_j, tolerance);
    world_assert_near(x->busy_frac, y->busy_frac, tolerance);
    world_assert_near(x->flop, y->flop, tolerance);
    world_assert_near(x->bytes, y->bytes, tolerance);
    world_assert_near(x->peak_flop, y->peak_flop, tolerance);
    world_assert_near(x->kv_mean_frac, y->kv_mean_frac, tolerance);
}

void world_assert_same_intervals(const struct ts_result *a, const struct ts_result *b, double tolerance)
{
    assert_same_batches(a->batches, b->batches, tolerance);
    for (uint32_t i = 0; i <= a->n_tiers; i++) {
        assert_same_batches(a->tiers[i].batches, b->tiers[i].batches, tolerance);
    }
}

void world_assert_equal(const struct ts_result *a, const struct ts_result *b, double tolerance)
{
    assert_int_equal(a->n_tiers, b->n_tiers);
    assert_int_equal(a->n_classes, b->n_classes);
    assert_int_equal(a->n_bins, b->n_bins);
    assert_true(a->bin_s == b->bin_s);
    world_assert_near(a->window_s, b->window_s, tolerance);
    world_assert_near(a->simulated_s, b->simulated_s, tolerance);
    assert_true(a->warmup_s == b->warmup_s);
    for (uint32_t i = 0; a->n_pools == b->n_pools && i < a->n_pools; i++) {
        assert_same_units(&a->pools[i], &b->pools[i], tolerance);
    }
    for (uint32_t i = 0; i <= a->n_tiers; i++) {
        const struct ts_tier_result *x = &a->tiers[i];
        const struct ts_tier_result *y = &b->tiers[i];
        assert_same_units(x, y, tolerance);
        for (uint32_t c = 0; c < a->n_classes; c++) {
            assert_same_cell(&x->cells[c], &y->cells[c], tolerance);
        }
        assert_int_equal(x->n_throttled, y->n_throttled);
        assert_int_equal(x->n_retries, y->n_retries);
        assert_int_equal(x->n_starts, y->n_starts);
        assert_int_equal(x->n_failures, y->n_failures);
        world_assert_near(x->mean_in_tier, y->mean_in_tier, tolerance);
        world_assert_near(x->transfer_busy_frac, y->transfer_busy_frac, tolerance);
        assert_true(x->transfer_bytes == y->transfer_bytes);
        assert_same_hist(&x->transfer_ns, &y->transfer_ns);
        assert_same_hist(&x->transfer_wait_ns, &y->transfer_wait_ns);
        for (uint32_t bin = 0; bin < a->n_bins; bin++) {
            world_assert_near(x->power_w[bin], y->power_w[bin], tolerance);
            world_assert_near(x->in_tier[bin], y->in_tier[bin], tolerance);
            world_assert_near(x->busy[bin], y->busy[bin], tolerance);
            world_assert_near(x->kv_used[bin], y->kv_used[bin], tolerance);
        }
    }
    for (uint32_t bin = 0; bin < a->n_bins; bin++) {
        assert_int_equal(a->arrivals[bin], b->arrivals[bin]);
    }
}
