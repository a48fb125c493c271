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
    assert_true(ts_hist_sum(a) == ts_hist_sum(b));
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

#define ASSERT_SAME_COUNT(field) assert_int_equal(a->field, b->field)
#define ASSERT_SAME_REAL(field) world_assert_near(a->field, b->field, tolerance)

static void assert_same_cell(const struct ts_cell *a, const struct ts_cell *b, double tolerance)
{
#define TS_CELL(type, field, ...) ASSERT_SAME_##type(field);
#include "sim/counters.inc"
    assert_memory_equal(&a->attempts, &b->attempts, sizeof a->attempts);
    for (int l = 0; l < TS_N_LATENCIES; l++) {
        assert_same_hist(&a->latency_ns[l], &b->latency_ns[l]);
    }
}

static void assert_same_counters(const struct ts_tier_result *a, const struct ts_tier_result *b, double tolerance)
{
#define TS_TIER(books, made, type, field, ...) ASSERT_SAME_##type(field);
#include "sim/counters.inc"
    assert_true(a->kv_peak_frac == b->kv_peak_frac);
    assert_true(a->transfer_bytes == b->transfer_bytes);
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
        assert_same_counters(&a->pools[i], &b->pools[i], tolerance);
    }
    for (uint32_t i = 0; i <= a->n_tiers; i++) {
        const struct ts_tier_result *x = &a->tiers[i];
        const struct ts_tier_result *y = &b->tiers[i];
        assert_same_counters(x, y, tolerance);
        for (uint32_t c = 0; c < a->n_classes; c++) {
            assert_same_cell(&x->cells[c], &y->cells[c], tolerance);
        }
        assert_same_hist(&x->transfer_ns, &y->transfer_ns);
        assert_same_hist(&x->transfer_wait_ns, &y->transfer_wait_ns);
        for (uint32_t bin = 0; bin < a->n_bins; bin++) {
#define TS_SERIES(field, ...) world_assert_near(x->field[bin], y->field[bin], tolerance);
#include "sim/counters.inc"
        }
    }
    for (uint32_t bin = 0; bin < a->n_bins; bin++) {
        assert_int_equal(a->arrivals[bin], b->arrivals[bin]);
    }
}
