/* Tiers whose step times come from a measurement file. The file is written by the same code that `tiersim bench` uses.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <math.h>

#include "imports/import.h"
#include "measure/model_measurement.h"
#include "tests/scenarios/scenario_fixture.h"

static const char path[] = "measurement-for-scenarios.json";

#define HEAD                                                                                                           \
    "scenario: t\n"                                                                                                    \
    "workload: {calls: 36 k/day, classes: [{name: chat, share: 100 %, prompt: 800 tok, output: 200 tok}]}\n"           \
    "tiers:\n"

static const struct ts_scenario_options with_file = {.measurement_path = path};

/* Two shapes: 2 x 1000 x 1000 x 16 + 2 x 500 x 1000 x 1 = 33 Mflop a token; 64 tokens take 40 ms. */
static void write_measurement(const char *quant, double idle_w, double busy_w)
{
    static const struct ts_matmul_shape shapes[] = {{"ffn", 1000, 1000, 16}, {"output", 500, 1000, 1}};
    static const struct ts_matmul_sample matmuls[] = {{0, 1, {1e-4, 1.1e-4, 1.2e-4, 5}, 18.0},
                                                      {1, 1, {1e-4, 1.1e-4, 1.2e-4, 5}, 9.0}};
    static const struct ts_bandwidth_sample bandwidths[] = {{1 << 20, {90.0, 100.0, 110.0, 5}},
                                                            {1 << 28, {18.0, 20.0, 21.0, 5}}};
    static const struct ts_step_sample steps[] = {{1, 20e-3, 0.05}, {8, 24e-3, 0.05}, {64, 40e-3, 0.05}};
    struct ts_measurement m;
    memset(&m, 0, sizeof m);
    m.created = "2026-01-02T03:04:05Z";
    m.tool_version = "0.1.0";
    m.host = (struct ts_host){"Example CPU", "Linux x86_64", "avx2",  "gcc, Release", 2,
                              8000000000ULL, 32768,          1 << 20, 1 << 25};
    m.kernel = "scalar";
    m.model = "Llama-3.2-1B";
    m.quant = quant;
    m.n_threads = 2;
    m.weight_bytes = 697500000;
    m.energy_source = idle_w > 0.0 ? "rapl" : "unavailable";
    m.idle_w = idle_w;
    m.busy_w = busy_w;
    m.shapes = shapes;
    m.n_shapes = 2;
    m.matmuls = matmuls;
    m.n_matmuls = 2;
    m.bandwidths = bandwidths;
    m.n_bandwidths = 2;
    m.steps = steps;
    m.n_steps = 3;
    assert_int_equal(ts_measurement_write(&m, path, NULL), TS_OK);
}

/* Twelve steps of t = 20 ms + 1 ms x tokens + 2 us x cached tokens read, so that both fits are exact. */
static void add_engine(const char *model, const char *quant)
{
    enum { N_STEPS = 12 };
    static double samples[N_STEPS];
    static struct ts_model_step steps[N_STEPS];
    struct ts_arena arena;
    struct ts_measurement m;
    struct ts_model_measurement engine;
    ts_arena_init(&arena);
    assert_int_equal(ts_measurement_read(&m, &arena, path, NULL), TS_OK);
    memset(&engine, 0, sizeof engine);
    engine.model = model;
    engine.quant = quant;
    engine.kernel = "scalar";
    engine.cpu = "Example CPU";
    engine.weights = "synthetic, seed 1";
    engine.n_threads = 2;
    engine.weight_bytes = 697500000;
    engine.kv_bytes_per_tok = 32768;
    engine.working_bytes = 1 << 20;
    for (uint32_t i = 0; i < N_STEPS; i++) {
        bool prompt = i % 3 == 2;
        steps[i] = (struct ts_model_step){
            .n_decode = prompt ? 0 : 1U << i % 6, .depth = prompt ? 0 : 100 * i, .prefill = prompt ? 64U * (1 + i) : 0};
        struct ts_step_load load = ts_model_step_load(&steps[i]);
        samples[i] = 20e-3 + 1e-3 * load.tokens + 2e-6 * load.kv_tok;
        steps[i].samples = &samples[i];
        steps[i].n_samples = 1;
        steps[i].seconds = (struct ts_spread){samples[i], samples[i], samples[i], 1};
        steps[i].undisturbed_s = samples[i];
    }
    engine.steps = steps;
    engine.n_steps = N_STEPS;
    assert_int_equal(ts_model_measurement_fit(&engine, &arena), TS_OK);
    assert_true(engine.fitted);
    m.engine = &engine;
    assert_int_equal(ts_measurement_write(&m, path, NULL), TS_OK);
    ts_arena_deinit(&arena);
}

static int remove_file(void **state)
{
    (void)state;
    remove(path);
    return 0;
}

static const char laptop[] =
    HEAD "  laptop: {kind: device, hardware: this-machine, model: Llama-3.2-1B, quant: Q4_0, users: 10, ability: 0}\n";

static void test_measured__steps_are_the_measured_ones(void **state)
{
    (void)state;
    struct ts_scenario s;
    struct ts_text said;
    ts_text_init(&said);
    write_measurement("Q4_0", 0.0, 0.0);
    assert_int_equal(load_text(&s, laptop, &with_file, &said), TS_OK);
    assert_string_equal(said.data, "");
    const struct ts_steps_model *steps = &s.model.tiers[0].u.device.steps;
    assert_int_equal(steps->kind, TS_STEPS_TABLE);
    assert_int_equal(steps->origin, TS_ORIGIN_MEASURED);
    assert_non_null(strstr(steps->source, "Example CPU, 2 threads"));
    const struct ts_steps_table *t = &steps->u.table;
    assert_int_equal(t->n, 3);
    assert_float_equal(t->n_tok[1], 8.0, 0.0);
    assert_float_equal(t->seconds[0], 20e-3, 1e-15);
    assert_float_equal(t->seconds[2], 40e-3, 1e-15);
    assert_float_equal(t->fixed_s, 1e-3, 1e-15);
    /* 32,768 B of KV at 20 GB/s. */
    assert_float_equal(t->c_s_per_kv_tok, 32768.0 / 20e9, 1e-15);
    /* 4 x 32 heads x 64 x 16 layers flop at a quarter of 33e6 x 64 / 0.04 s. */
    assert_float_equal(t->e_s_per_pair, 131072.0 * 4.0 / (33e6 * 64.0 / 0.04), 1e-15);
    assert_string_equal(s.measurement_path, path);
    ts_scenario_deinit(&s);
    ts_text_deinit(&said);
}

static void test_measured__whole_steps_of_the_same_model_come_before_matmuls(void **state)
{
    (void)state;
    struct ts_scenario s;
    write_measurement("Q4_0", 0.0, 0.0);
    add_engine("Llama-3.2-1B", "Q4_0");
    assert_int_equal(load_text(&s, laptop, &with_file, NULL), TS_OK);
    const struct ts_steps_model *steps = &s.model.tiers[0].u.device.steps;
    assert_int_equal(steps->kind, TS_STEPS_TABLE);
    assert_int_equal(steps->origin, TS_ORIGIN_MEASURED);
    assert_non_null(strstr(steps->source, "tiersim bench model on Example CPU"));
    assert_float_equal(steps->u.table.c_s_per_kv_tok, 2e-6, 2e-7);
    assert_float_equal(steps->u.table.fixed_s, 0.0, 0.0);
    ts_scenario_deinit(&s);
}

static void test_measured__whole_steps_of_another_model_do_not_count(void **state)
{
    (void)state;
    struct ts_scenario s;
    write_measurement("Q4_0", 0.0, 0.0);
    add_engine("Llama-3.2-3B", "Q4_0");
    assert_int_equal(load_text(&s, laptop, &with_file, NULL), TS_OK);
    assert_null(strstr(s.model.tiers[0].u.device.steps.source, "bench model"));
    assert_float_equal(s.model.tiers[0].u.device.steps.u.table.fixed_s, 1e-3, 1e-15);
    ts_scenario_deinit(&s);
}

static void test_measured__power_that_could_not_be_measured_is_said_to_be_a_default(void **state)
{
    (void)state;
    struct ts_scenario s;
    write_measurement("Q4_0", 0.0, 0.0);
    assert_int_equal(load_text(&s, laptop, &with_file, NULL), TS_OK);
    assert_float_equal(s.model.tiers[0].u.device.power.idle_w, 15.0, 0.0);
    assert_float_equal(s.model.tiers[0].u.device.power.decode_w, 45.0, 0.0);
    assert_int_equal(s.model.tiers[0].u.device.power.origin, TS_ORIGIN_DEFAULT);
    assert_int_equal(assumption(&s, "tiers.laptop.power.idle")->origin, TS_ORIGIN_DEFAULT);
    ts_scenario_deinit(&s);
    write_measurement("Q4_0", 5.0, 28.0);
    assert_int_equal(load_text(&s, laptop, &with_file, NULL), TS_OK);
    assert_float_equal(s.model.tiers[0].u.device.power.idle_w, 5.0, 0.0);
    assert_float_equal(s.model.tiers[0].u.device.power.prefill_w, 28.0, 0.0);
    assert_int_equal(s.model.tiers[0].u.device.power.origin, TS_ORIGIN_MEASURED);
    ts_scenario_deinit(&s);
}

static void test_measured__another_quant_scales_with_weights_and_operations_and_says_so(void **state)
{
    (void)state;
    struct ts_scenario s;
    struct ts_text said;
    ts_text_init(&said);
    write_measurement("Q8_0", 0.0, 0.0);
    assert_int_equal(load_text(&s, laptop, &with_file, &said), TS_OK);
    const struct ts_steps_model *steps = &s.model.tiers[0].u.device.steps;
    /* The same operations; the weights are 4.5/8.5 as large, but computing 8 tokens takes as long as before. */
    assert_float_equal(steps->u.table.seconds[1], 24e-3, 1e-15);
    assert_int_equal(steps->origin, TS_ORIGIN_MODELLED);
    assert_non_null(strstr(said.data, "warning: the measurement is of Llama-3.2-1B Q8_0"));
    assert_non_null(assumption(&s, "tiers.laptop.steps.scaled"));
    ts_scenario_deinit(&s);
    ts_text_clear(&said);
    write_measurement("Q2_K", 0.0, 0.0);
    assert_int_equal(load_text(&s, laptop, &with_file, &said), TS_OK);
    /* Weights 4.5/2.625 as large: the step of one token is bound by memory. */
    assert_float_equal(s.model.tiers[0].u.device.steps.u.table.seconds[0], 20e-3 * 4.5 / 2.625, 1e-12);
    assert_float_equal(s.model.tiers[0].u.device.steps.u.table.seconds[2], 40e-3, 1e-15);
    ts_scenario_deinit(&s);
    ts_text_deinit(&said);
}

static void test_measured__a_server_may_use_a_file_beside_the_scenario(void **state)
{
    (void)state;
    struct ts_scenario s;
    write_measurement("Q4_0", 0.0, 0.0);
    assert_int_equal(
        load_text(
            &s,
            HEAD
            "  box: {kind: server, hardware: AMD EPYC 9654, measured: measurement-for-scenarios.json, overhead: 2 ms,\n"
            "        model: Llama-3.2-1B, quant: Q4_0, ability: 0}\n",
            NULL, NULL),
        TS_OK);
    assert_int_equal(s.model.tiers[0].u.server.pools[0].replica.steps.kind, TS_STEPS_TABLE);
    assert_float_equal(s.model.tiers[0].u.server.pools[0].replica.steps.u.table.fixed_s, 2e-3, 1e-15);
    assert_float_equal(s.model.tiers[0].u.server.pools[0].replica.power.idle_w, 90.0, 0.0);
    assert_null(s.measurement_path);
    ts_scenario_deinit(&s);
}

/* The last step is held out. */
static void write_import(const char *format)
{
    enum { N = 12 };
    static struct ts_import_point points[N];
    static const double knots[] = {1, 8, 64};
    for (uint32_t i = 0; i < N; i++) {
        const struct ts_model_step step = {.n_decode = 1U << i % 6, .depth = 100 * i, .prefill = i % 3 == 2 ? 16 : 0};
        const struct ts_step_load load = ts_model_step_load(&step);
        points[i] = (struct ts_import_point){load, 20e-3 + 1e-4 * load.tokens + 2e-6 * load.kv_tok, 1};
    }
    const struct ts_import_steps steps = {
        .points = points, .n_fitted = N - 1, .n_held = 1, .knots = knots, .n_knots = 3};
    struct ts_import info = {
        .format = format, .program = "", .file = "f", .hash = "h", .model = "", .hardware = "", .method = ""};
    struct ts_model_measurement engine = {
        .model = "Llama-3.1-8B", .quant = "BF16", .kernel = "k", .cpu = "RTX 4090", .weights = ""};
    struct ts_measurement m;
    assert_int_equal(ts_import_fit_steps(&engine, &info, &steps), TS_OK);
    ts_import_measurement(&m, &engine, "2026-01-02T03:04:05Z", "0.1.0");
    assert_int_equal(ts_measurement_write(&m, path, NULL), TS_OK);
}

static void test_measured__derived_steps_come_as_a_table_and_lack_the_hosts_time(void **state)
{
    (void)state;
    static const char text[] =
        HEAD "  gpu: {kind: server, hardware: RTX 4090, model: Llama-3.1-8B, quant: BF16, ability: 0, "
             "measured: measurement-for-scenarios.json}\n";
    struct ts_scenario scenario;
    write_import("operators");
    load_good(&scenario, text);
    const struct ts_steps_model *steps = &scenario.model.tiers[0].u.server.pools[0].replica.steps;
    assert_int_equal(steps->kind, TS_STEPS_TABLE);
    assert_int_equal(steps->origin, TS_ORIGIN_IMPORTED);
    assert_non_null(strstr(steps->source, "on 1 steps"));
    assert_true(steps->host.fixed_s == 1.5e-3 && steps->host.overlaps);
    assert_int_equal(steps->u.table.n, 3);
    assert_true(fabs(steps->u.table.c_s_per_kv_tok - 2e-6) < 1e-9);
    ts_scenario_deinit(&scenario);
    write_import("another");
    load_good(&scenario, text);
    assert_true(scenario.model.tiers[0].u.server.pools[0].replica.steps.host.fixed_s == 0.0);
    ts_scenario_deinit(&scenario);
}

static void test_measured__a_model_that_this_machine_cannot_hold_is_refused(void **state)
{
    (void)state;
    struct ts_scenario s;
    struct ts_text said;
    ts_text_init(&said);
    write_measurement("Q4_0", 0.0, 0.0);
    assert_int_equal(load_text(&s,
                               HEAD "  laptop: {kind: device, hardware: this-machine, model: Llama-3.1-70B, quant: "
                                    "Q4_0, users: 10, ability: 0}\n",
                               &with_file, &said),
                     TS_ESCENARIO);
    assert_non_null(strstr(
        said.data, "Llama-3.1-70B Q4_0 does not fit: its weights are 39.7 GB, and 4.8 GB of the device may be used"));
    ts_text_deinit(&said);
}

static void test_measured__a_file_that_cannot_be_read_is_an_io_error(void **state)
{
    (void)state;
    struct ts_scenario s;
    static const struct ts_scenario_options nowhere = {.measurement_path = "no-such-measurement.json"};
    assert_int_equal(load_text(&s, laptop, &nowhere, NULL), TS_EIO);
}

/* Three samples each, whose medians are 2 and 5 ms. */
static void add_router(void)
{
    static const double samples[2][3] = {{1e-3, 2e-3, 9e-3}, {5e-3, 4e-3, 8e-3}};
    static struct ts_model_step steps[2];
    struct ts_arena arena;
    struct ts_measurement m;
    struct ts_model_measurement router;
    ts_arena_init(&arena);
    assert_int_equal(ts_measurement_read(&m, &arena, path, NULL), TS_OK);
    memset(&router, 0, sizeof router);
    router.model = "MiniLM-L6";
    router.quant = "Q8_0";
    router.kernel = "scalar";
    router.cpu = "Example CPU";
    router.weights = "synthetic, seed 1";
    router.n_threads = 2;
    for (size_t i = 0; i < 2; i++) {
        steps[i] = (struct ts_model_step){.prefill = i == 0 ? 16 : 64, .samples = samples[i], .n_samples = 3};
    }
    router.steps = steps;
    router.n_steps = 2;
    m.router = &router;
    assert_int_equal(ts_measurement_write(&m, path, NULL), TS_OK);
    ts_arena_deinit(&arena);
}

#define ROUTED                                                                                                         \
    HEAD "  edge: {kind: server, hardware: H100 SXM, model: Llama-3.1-8B, quant: FP8, ability: 0}\n"                   \
         "routing: {router: {measured: this-machine}}\n"

static void test_measured__a_router_reads_by_the_medians(void **state)
{
    (void)state;
    struct ts_scenario s;
    write_measurement("Q4_0", 0.0, 0.0);
    add_router();
    assert_int_equal(load_text(&s, ROUTED, &with_file, NULL), TS_OK);
    const struct ts_curve *reads = &s.model.router.reads_s;
    assert_int_equal(reads->n, 2);
    assert_true(reads->x[0] == 16.0 && reads->x[1] == 64.0);
    assert_true(reads->y[0] == 2e-3 && reads->y[1] == 5e-3);
    const struct ts_assumption *a = assumption(&s, "routing.router.reads");
    assert_int_equal(a->origin, TS_ORIGIN_MEASURED);
    assert_string_equal(a->value, "16 tok in 2 ms to 64 tok in 5 ms");
    assert_non_null(strstr(a->source, "MiniLM-L6 Q8_0, weights synthetic, seed 1; medians"));
    ts_scenario_deinit(&s);
}

static void test_measured__a_measurement_without_a_router_is_refused(void **state)
{
    (void)state;
    struct ts_scenario s;
    struct ts_text said;
    write_measurement("Q4_0", 0.0, 0.0);
    ts_text_init(&said);
    assert_int_equal(load_text(&s, ROUTED, &with_file, &said), TS_ESCENARIO);
    assert_non_null(strstr(said.data, ":5:30: error: the measurement has no router"));
    assert_non_null(strstr(said.data, "`tiersim bench router`"));
    ts_text_deinit(&said);
}

/* The two scenarios that come with the program load as they are. */
static void test_measured__the_examples_load_without_a_warning(void **state)
{
    (void)state;
    static const char *const names[] = {"hybrid-enterprise", "azure-conversation"};
    write_measurement("Q4_0", 0.0, 0.0);
    for (int i = 0; i < 2; i++) {
        char file[512];
        struct ts_scenario s;
        struct ts_diags diags;
        ts_diags_init(&diags);
        snprintf(file, sizeof file, "%s/scenarios/%s.yaml", TS_SOURCE_DIR, names[i]);
        assert_int_equal(ts_scenario_load(&s, file, &with_file, &diags), TS_OK);
        assert_int_equal(diags.n_items, 0);
        assert_string_equal(s.model.name, names[i]);
        assert_int_equal(s.model.n_tiers, 3);
        assert_int_equal(s.model.tiers[0].kind, TS_TIER_DEVICE);
        assert_int_equal(s.model.tiers[1].kind, TS_TIER_SERVER);
        assert_int_equal(s.model.tiers[2].kind, TS_TIER_API);
        ts_scenario_deinit(&s);
        ts_diags_deinit(&diags);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_measured__steps_are_the_measured_ones),
        cmocka_unit_test(test_measured__whole_steps_of_the_same_model_come_before_matmuls),
        cmocka_unit_test(test_measured__whole_steps_of_another_model_do_not_count),
        cmocka_unit_test(test_measured__power_that_could_not_be_measured_is_said_to_be_a_default),
        cmocka_unit_test(test_measured__another_quant_scales_with_weights_and_operations_and_says_so),
        cmocka_unit_test(test_measured__a_server_may_use_a_file_beside_the_scenario),
        cmocka_unit_test(test_measured__derived_steps_come_as_a_table_and_lack_the_hosts_time),
        cmocka_unit_test(test_measured__a_model_that_this_machine_cannot_hold_is_refused),
        cmocka_unit_test(test_measured__a_file_that_cannot_be_read_is_an_io_error),
        cmocka_unit_test(test_measured__a_router_reads_by_the_medians),
        cmocka_unit_test(test_measured__a_measurement_without_a_router_is_refused),
        cmocka_unit_test(test_measured__the_examples_load_without_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, remove_file);
}
