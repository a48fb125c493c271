/* Measuring a tiny model: steps, fit, file, taking up again, stopping. */
#include "tests/engine/tiny_model.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/bench_model.h"
#include "engine/llama_shape.h"
#include "engine/model_plan.h"
#include "engine/router_shape.h"
#include "imports/import.h"
#include "tests/engine/published_configs.h"

static const char path[] = "test_bench_model.json";

static struct ts_model_bench_options small_options(const struct ts_model_config *config)
{
    return (struct ts_model_bench_options){.config = config,
                                           .quant = "Q4_0",
                                           .seed = 1,
                                           .n_threads = 1,
                                           .max_batch = 4,
                                           .max_prefill = 64,
                                           .max_depth = 2048,
                                           .budget_s = 2.0, /* enough for every step once, on a busy machine as well */
                                           .check = true};
}

static void test_bench_model__measures_and_fits(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    struct ts_model_bench_options options = small_options(&config);
    struct ts_model_measurement m;
    struct ts_arena arena;
    size_t prefills = 0, decodes = 0, mixed = 0, held = 0;
    ts_arena_init(&arena);
    assert_int_equal(ts_bench_model_run(&m, &arena, &options, NULL), TS_OK);
    for (size_t i = 0; i < m.n_steps; i++) {
        const struct ts_model_step *step = &m.steps[i];
        assert_true(step->n_decode <= 4 && step->prefill <= 64 && step->depth <= 2048);
        assert_true(step->n_samples > 0 && step->seconds.min > 0.0);
        prefills += step->prefill > 0 && step->n_decode == 0;
        decodes += step->prefill == 0;
        mixed += step->prefill > 0 && step->n_decode > 0;
        held += step->held_out;
    }
    assert_true(prefills >= 3 && decodes >= 9 && mixed >= 1 && held >= 3);
    assert_true(m.fitted && m.checked);
    assert_int_equal(m.linear.error.n, m.n_steps - held);
    assert_int_equal(m.table_check.n, held);
    assert_true(m.steps[m.table_check.worst].held_out && !m.steps[m.table.error.worst].held_out);
    assert_string_equal(m.quant, "Q4_0");
    assert_int_equal(m.kv_bytes_per_tok, 3 * 2 * 2 * 16 * 2);
    ts_arena_deinit(&arena);
}

/* Published shapes with one layer, a narrow feed-forward block and few words, so that they are small enough to measure
 * in a test; slow programs get more time. */
static void test_bench_model__published_configs_run_to_the_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PUBLISHED_CONFIGS; i++) {
        char json[2048];
        struct ts_model_config config;
        struct ts_arena arena;
        struct ts_model_measurement m;
        (void)snprintf(json, sizeof json, published_configs[i].json, 1U, 256U);
        assert_int_equal(ts_file_write(path, json, strlen(json), NULL), TS_OK);
        assert_int_equal(ts_model_config_read(&config, path, NULL), TS_OK);
        struct ts_model_bench_options options = small_options(&config);
        enum ts_status status = TS_ERANGE;
        config.ffn = 512;
        options.max_depth = 64;
        options.max_kv_bytes = 16 << 20;
        ts_arena_init(&arena);
        for (options.budget_s = 0.5; status == TS_ERANGE && options.budget_s <= 32.0; options.budget_s *= 2.0) {
            status = ts_bench_model_run(&m, &arena, &options, NULL);
        }
        assert_int_equal(status, TS_OK);
        assert_true(m.n_steps > 0);
        ts_arena_deinit(&arena);
        (void)unlink(path);
    }
}

static void test_bench_model__no_deeper_than_the_context(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    struct ts_model_bench_options options = small_options(&config);
    struct ts_model_measurement m;
    struct ts_arena arena;
    struct ts_diags diags;
    static const uint32_t batches[] = {1}, depths[] = {0, 600};
    ts_arena_init(&arena);
    ts_diags_init(&diags);
    options.max_depth = 0;
    assert_int_equal(ts_bench_model_run(&m, &arena, &options, &diags), TS_OK);
    for (size_t i = 0; i < m.n_steps; i++) {
        assert_true(m.steps[i].depth <= config.context && m.steps[i].prefill_depth <= config.context);
    }
    assert_int_equal(diags.n_warnings, 0);
    options.batches = batches;
    options.depths = depths;
    options.n_batches = 1;
    options.n_depths = 2;
    assert_int_equal(ts_bench_model_run(&m, &arena, &options, &diags), TS_OK);
    assert_int_equal(diags.n_warnings, 1);
    assert_non_null(strstr(diags.items[0].message, "600 cached tokens"));
    ts_diags_deinit(&diags);
    ts_arena_deinit(&arena);
}

static void test_bench_model__a_file_keeps_everything(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    struct ts_model_bench_options options = small_options(&config);
    struct ts_model_measurement m, back;
    struct ts_arena arena;
    ts_arena_init(&arena);
    assert_int_equal(ts_bench_model_run(&m, &arena, &options, NULL), TS_OK);
    assert_int_equal(ts_model_measurement_write(&m, path, NULL), TS_OK);
    assert_int_equal(ts_model_measurement_read(&back, &arena, path, NULL), TS_OK);
    assert_string_equal(back.model, m.model);
    assert_string_equal(back.kernel, m.kernel);
    assert_int_equal(back.weight_bytes, m.weight_bytes);
    assert_int_equal(back.n_steps, m.n_steps);
    for (size_t i = 0; i < m.n_steps; i++) {
        assert_int_equal(back.steps[i].n_decode, m.steps[i].n_decode);
        assert_int_equal(back.steps[i].held_out, m.steps[i].held_out);
        assert_int_equal(back.steps[i].n_samples, m.steps[i].n_samples);
        assert_memory_equal(back.steps[i].samples, m.steps[i].samples, m.steps[i].n_samples * sizeof(double));
        assert_true(back.steps[i].seconds.median == m.steps[i].seconds.median);
    }
    assert_true(back.fitted && back.checked);
    assert_memory_equal(back.linear.coef, m.linear.coef, sizeof m.linear.coef);
    assert_memory_equal(back.linear.covariance, m.linear.covariance, sizeof m.linear.covariance);
    assert_memory_equal(back.table.seconds, m.table.seconds, m.table.n_knots * sizeof(double));
    assert_true(back.table.sd_c == m.table.sd_c && back.table_check.worst_frac == m.table_check.worst_frac);
    (void)unlink(path);
    ts_arena_deinit(&arena);
}

/* The engine's part of a whole measurement file. */
static void test_bench_model__a_measurement_file_carries_the_engine(void **state)
{
    (void)state;
    static const struct ts_matmul_shape shape = {"output", 64, 64, 1};
    static const struct ts_matmul_sample matmul = {0, 1, {1e-3, 1e-3, 1e-3, 3}, 0.008};
    static const struct ts_bandwidth_sample bandwidth = {1 << 20, {10.0, 11.0, 12.0, 3}};
    static const struct ts_step_sample step = {1, 1e-3, 0.1};
    static const double samples[] = {0.25, 0.5, 0.125};
    const struct ts_model_step model_step = {.n_decode = 2, .depth = 10, .samples = samples, .n_samples = 3};
    const struct ts_model_measurement engine = {.model = "m",
                                                .quant = "Q4_0",
                                                .kernel = "k",
                                                .cpu = "c",
                                                .weights = "w",
                                                .n_threads = 1,
                                                .steps = &model_step,
                                                .n_steps = 1};
    struct ts_measurement m = {
        .created = "2026-01-01T00:00:00Z",
        .tool_version = "0",
        .host = {"cpu", "os", "isa", "compiler", 1, 1, 0, 0, 0},
        .kernel = "k",
        .model = "m",
        .quant = "Q4_0",
        .n_threads = 1,
        .weight_bytes = 1,
        .energy_source = "unavailable",
        .shapes = &shape,
        .n_shapes = 1,
        .matmuls = &matmul,
        .n_matmuls = 1,
        .bandwidths = &bandwidth,
        .n_bandwidths = 1,
        .steps = &step,
        .n_steps = 1,
        .baseline_name = "",
        .engine = &engine,
    };
    struct ts_measurement back;
    struct ts_arena arena;
    ts_arena_init(&arena);
    assert_int_equal(ts_measurement_write(&m, path, NULL), TS_OK);
    assert_int_equal(ts_measurement_read(&back, &arena, path, NULL), TS_OK);
    assert_non_null(back.engine);
    assert_int_equal(back.engine->n_steps, 1);
    assert_true(back.engine->steps[0].seconds.median == 0.25 && !back.engine->fitted);
    m.engine = NULL;
    assert_int_equal(ts_measurement_write(&m, path, NULL), TS_OK);
    assert_int_equal(ts_measurement_read(&back, &arena, path, NULL), TS_OK);
    assert_null(back.engine);
    (void)unlink(path);
    ts_arena_deinit(&arena);
}

static void test_bench_model__batches_and_depths_can_be_chosen(void **state)
{
    (void)state;
    enum { MAX = 128 };
    static const uint32_t batches[] = {1, 5, 9}, depths[] = {0, 100};
    const struct ts_model_plan_limits limits = {.max_batch = 9,
                                                .max_prefill = 64,
                                                .max_depth = 100,
                                                .max_kv_tok = 100000,
                                                .batches = batches,
                                                .n_batches = 3,
                                                .depths = depths,
                                                .n_depths = 2};
    struct ts_model_step steps[MAX];
    size_t n = ts_model_plan(steps, MAX, &limits), n_decode = 0;
    for (size_t i = 0; i < n; i++) {
        if (steps[i].n_decode > 0 && steps[i].prefill == 0) {
            assert_true(steps[i].n_decode % 4 == 1 && steps[i].depth % 100 == 0);
            n_decode++;
        }
    }
    assert_int_equal(n_decode, 6);
}

/* What llama-bench's readers get, our own reader gets back. */
static void test_bench_model__llama_benchs_shapes_are_read_back(void **state)
{
    (void)state;
    static const double one[] = {0.05, 0.052, 0.05}, eight[] = {0.1, 0.1, 0.1}, prompt[] = {2.0, 2.0, 2.0},
                        mixed[] = {3.0};
    const struct ts_model_step steps[] = {
        {.n_decode = 1, .depth = 512, .samples = one, .n_samples = 3},
        {.n_decode = 8, .depth = 512, .samples = eight, .n_samples = 3},
        {.prefill = 1024, .samples = prompt, .n_samples = 3},
        {.prefill = 64, .n_decode = 2, .samples = mixed, .n_samples = 1},
    };
    const struct ts_model_measurement m = {.model = "Llama-3.2-1B",
                                           .quant = "Q4_0",
                                           .cpu = "A \"CPU\"",
                                           .n_threads = 2,
                                           .weight_bytes = 700000000,
                                           .steps = steps,
                                           .n_steps = 4};
    const struct ts_llama_names names = {"tiersim 0", "2026-01-01T00:00:00Z", 1.24e9};
    for (int shape = TS_LLAMA_MARKDOWN; shape <= TS_LLAMA_JSONL; shape++) {
        struct ts_model_measurement back;
        struct ts_import info;
        struct ts_arena arena;
        struct ts_text text;
        ts_arena_init(&arena);
        ts_text_init(&text);
        assert_int_equal(ts_llama_shape_put(&text, &m, &names, (enum ts_llama_shape)shape), 1);
        assert_int_equal(ts_file_write(path, text.data, text.len, NULL), TS_OK);
        assert_int_equal(ts_import_read(&back, &info, &arena, path, NULL, NULL), TS_OK);
        assert_string_equal(info.format, "llama-bench");
        assert_string_equal(back.quant, "Q4_0");
        assert_int_equal(info.n_used, 3);
        assert_int_equal(info.n_drops, 0);
        assert_true(info.points[0].load.seqs == 1.0 && info.points[0].load.kv_tok == 513.0);
        assert_true(
            fabs(info.points[0].seconds / (shape == TS_LLAMA_MARKDOWN || shape == TS_LLAMA_CSV ? 0.05065 : 0.05) -
                 1.0) < 2e-3);
        assert_true(info.points[1].load.seqs == 8.0 && info.points[1].load.kv_tok == 8.0 * 513.0);
        assert_true(fabs(info.points[1].seconds / 0.1 - 1.0) < 1e-3);
        if (shape != TS_LLAMA_MARKDOWN) { /* a table does not tell that the prompt was one step */
            assert_true(info.points[2].load.prefill_tok == 1024.0 && info.points[2].seconds == 2.0);
            assert_int_equal(back.n_threads, 2);
        }
        ts_text_deinit(&text);
        ts_arena_deinit(&arena);
    }
    (void)unlink(path);
}

/* A layer has as many weights as the encoder's: 4 h^2 + 2 h x 4 h = 12 h^2 (BERT-tiny's block of 341.3 is rounded up),
 * in whole blocks of 32. */
static void test_bench_model__routers_have_the_sizes_of_their_encoders(void **state)
{
    (void)state;
    const struct ts_router_shape *found = NULL;
    for (size_t i = 0; i < TS_N_ROUTER_SHAPES; i++) {
        const struct ts_router_shape *shape = &ts_router_shapes[i];
        struct ts_model_config config;
        const double h = shape->hidden, of_layer = h * (4.0 * h + 3.0 * shape->ffn);
        assert_int_equal(ts_router_shape_find(&found, shape->name, NULL), TS_OK);
        assert_ptr_equal(found, shape);
        assert_int_equal(ts_router_shape_config(&config, shape, NULL), TS_OK);
        assert_int_equal(config.heads * config.head_dim, shape->hidden);
        assert_int_equal(shape->ffn % 32, 0);
        assert_true(of_layer >= 12.0 * h * h && of_layer < 12.3 * h * h);
        const double all = shape->layers * of_layer + (shape->vocab + 2 * shape->layers + 1) * h; /* with its norms */
        assert_true(fabs(ts_model_config_params(&config) - all) < 1.0);
    }
    assert_int_equal(ts_router_shape_find(&found, "GPT", NULL), TS_EUSAGE);
}

static void test_bench_model__prompts_alone_have_no_fit(void **state)
{
    (void)state;
    static const uint32_t prompts[] = {8, 24, 40};
    struct ts_model_config config = tiny_llama();
    struct ts_model_bench_options options = small_options(&config);
    struct ts_model_measurement m;
    struct ts_arena arena;
    options.check = false;
    options.max_prefill = 0;
    options.prompts = prompts;
    options.n_prompts = 3;
    ts_arena_init(&arena);
    assert_int_equal(ts_bench_model_run(&m, &arena, &options, NULL), TS_OK);
    assert_int_equal(m.n_steps, 3);
    for (size_t i = 0; i < m.n_steps; i++) {
        assert_int_equal(m.steps[i].prefill, prompts[i]);
        assert_int_equal(m.steps[i].n_decode + m.steps[i].depth + m.steps[i].prefill_depth, 0);
        assert_true(m.steps[i].seconds.median > 0.0 && m.steps[i].seconds.p90 >= m.steps[i].seconds.median);
    }
    assert_false(m.fitted);
    ts_arena_deinit(&arena);
}

static void test_bench_model__plans_keep_to_their_limits(void **state)
{
    (void)state;
    enum { MAX = 128 };
    static const struct ts_model_plan_limits limits[] = {
        {64, 512, 4096, 100000, true, NULL, NULL, 0, 0, NULL, 0},
        {64, 512, 2048, 4096, true, NULL, NULL, 0, 0, NULL, 0},
        {1, 32, 16, 64, false, NULL, NULL, 0, 0, NULL, 0},
        {1024, 8192, 65536, 1U << 30, true, NULL, NULL, 0, 0, NULL, 0}};
    for (size_t l = 0; l < sizeof limits / sizeof limits[0]; l++) {
        struct ts_model_step steps[MAX];
        size_t n = ts_model_plan(steps, MAX, &limits[l]), held = 0;
        assert_true(n > 0 && n <= MAX);
        for (size_t i = 0; i < n; i++) {
            assert_true(steps[i].n_decode <= limits[l].max_batch && steps[i].prefill <= limits[l].max_prefill);
            assert_true(steps[i].depth <= limits[l].max_depth && steps[i].prefill_depth <= limits[l].max_depth);
            assert_true(ts_model_plan_kv_tok(&steps[i]) <= limits[l].max_kv_tok);
            assert_true(steps[i].n_decode + steps[i].prefill > 0);
            assert_true(i == 0 || steps[i].n_decode + steps[i].prefill >= steps[i - 1].n_decode + steps[i - 1].prefill);
            held += steps[i].held_out;
            for (size_t k = 0; k < i; k++) {
                assert_false(ts_model_plan_same(&steps[i], &steps[k]));
            }
        }
        assert_int_equal(held > 0, limits[l].check);
        assert_true(n - held >= (limits[l].max_batch >= 64 ? 20U : 1U));
    }
}

static bool stop_later(void *user, const struct ts_progress_state *state)
{
    int *calls = user;
    assert_true(state->done >= 0.0 && state->done <= 1.0 && state->left_s >= 0.0 && state->what[0] != '\0');
    return ++*calls <= 60;
}

static void test_bench_model__an_interrupted_run_is_taken_up_again(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    struct ts_model_bench_options options = small_options(&config);
    struct ts_model_measurement first, second;
    struct ts_arena arena;
    int calls = 0;
    ts_arena_init(&arena);
    options.resume_path = path;
    options.budget_s = 60.0;
    options.progress = (struct ts_progress){stop_later, &calls};
    (void)unlink(path);
    assert_int_equal(ts_bench_model_run(&first, &arena, &options, NULL), TS_EINTERRUPTED);
    assert_int_equal(ts_model_measurement_read(&first, &arena, path, NULL), TS_OK);
    options.progress = (struct ts_progress){NULL, NULL};
    options.budget_s = 1.0;
    assert_int_equal(ts_bench_model_run(&second, &arena, &options, NULL), TS_OK);
    for (size_t i = 0; i < first.n_steps; i++) {
        bool found = false;
        for (size_t k = 0; k < second.n_steps; k++) {
            const struct ts_model_step *a = &first.steps[i], *b = &second.steps[k];
            if (a->n_decode == b->n_decode && a->depth == b->depth && a->prefill == b->prefill &&
                a->prefill_depth == b->prefill_depth) {
                found = true;
                assert_memory_equal(a->samples, b->samples, a->n_samples * sizeof(double));
            }
        }
        assert_true(found);
    }
    (void)unlink(path);
    ts_arena_deinit(&arena);
}

static void test_bench_model__samples_of_something_else_are_refused(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    struct ts_model_bench_options options = small_options(&config);
    struct ts_model_measurement m;
    struct ts_arena arena;
    struct ts_diags diags;
    ts_arena_init(&arena);
    ts_diags_init(&diags);
    options.resume_path = path;
    (void)unlink(path);
    assert_int_equal(ts_bench_model_run(&m, &arena, &options, &diags), TS_OK);
    options.quant = "Q8_0";
    assert_int_equal(ts_bench_model_run(&m, &arena, &options, &diags), TS_EINPUT);
    assert_non_null(strstr(diags.items[0].message, "of another format: 'Q4_0', not 'Q8_0'"));
    options.quant = "Q4_0";
    options.n_threads = 2;
    assert_int_equal(ts_bench_model_run(&m, &arena, &options, &diags), TS_EINPUT);
    assert_non_null(strstr(diags.items[1].message, "1 threads, not 2"));
    (void)unlink(path);
    ts_diags_deinit(&diags);
    ts_arena_deinit(&arena);
}

static void file_refused(const char *json, const char *says)
{
    struct ts_model_measurement m;
    struct ts_arena arena;
    struct ts_diags diags;
    ts_arena_init(&arena);
    ts_diags_init(&diags);
    assert_int_equal(ts_file_write(path, json, strlen(json), NULL), TS_OK);
    assert_int_equal(ts_model_measurement_read(&m, &arena, path, &diags), TS_EINPUT);
    if (!strstr(diags.items[0].message, says)) {
        fail_msg("'%s' does not say '%s'", diags.items[0].message, says);
    }
    (void)unlink(path);
    ts_diags_deinit(&diags);
    ts_arena_deinit(&arena);
}

#define HEAD                                                                                                           \
    "{\"engine\": {\"version\": 1, \"model\": \"m\", \"quant\": \"q\", \"kernel\": \"k\", \"cpu\": \"c\", "            \
    "\"weights\": \"w\", "                                                                                             \
    "\"n_threads\": 1, \"weight_bytes\": 1, \"kv_bytes_per_tok\": 1, \"working_bytes\": 1, "

static void test_bench_model__wrong_files_are_told_what_is_wrong(void **state)
{
    (void)state;
    file_refused("{}", "there is no object");
    file_refused("{\"engine\": {\"version\": 2}}", "version is not known");
    file_refused("{\"engine\": {\"version\": 1}}", "model is missing");
    file_refused(HEAD "\"steps\": []}}", "steps is missing, empty");
    file_refused(HEAD "\"steps\": [{\"n_decode\": 1, \"depth_tok\": -1}]}}", "depth_tok is missing or out of range");
    file_refused(HEAD "\"steps\": [{\"n_decode\": 0, \"depth_tok\": 1, \"prefill_tok\": 0, \"prefill_depth_tok\": 0, "
                      "\"held_out\": false, "
                      "\"samples_s\": [1]}]}}",
                 "without tokens");
    file_refused(HEAD "\"steps\": [{\"n_decode\": 1, \"depth_tok\": 1, \"prefill_tok\": 0, \"prefill_depth_tok\": 0, "
                      "\"held_out\": false, "
                      "\"samples_s\": [0]}]}}",
                 "above 0");
}

static void test_bench_model__loads_and_rates_are_those_of_the_step(void **state)
{
    (void)state;
    struct ts_model_step step = {.n_decode = 8, .depth = 99, .prefill = 100, .prefill_depth = 50, .undisturbed_s = 0.5};
    struct ts_step_load load = ts_model_step_load(&step);
    struct ts_text name;
    assert_true(load.seqs == 9.0 && load.kv_tok == 800.0 && load.prefill_tok == 100.0 && load.tokens == 108.0);
    assert_true(load.pairs == 100.0 * 50.0 + 100.0 * 101.0 / 2.0);
    assert_true(ts_model_step_tok_per_s(&step) == 200.0);
    ts_text_init(&name);
    ts_model_step_name(&name, &step);
    assert_string_equal(name.data, "pp100 @ d50 + tg B=8 @ d99");
    ts_text_deinit(&name);
}

static void test_bench_model__impossible_options_are_refused(void **state)
{
    (void)state;
    struct ts_model_config config = tiny_llama();
    struct ts_model_bench_options options = small_options(&config);
    struct ts_model_measurement m;
    struct ts_arena arena;
    ts_arena_init(&arena);
    options.budget_s = 0.0;
    assert_int_equal(ts_bench_model_run(&m, &arena, &options, NULL), TS_ERANGE);
    options.budget_s = 1e-9; /* over before the model is there */
    assert_int_equal(ts_bench_model_run(&m, &arena, &options, NULL), TS_ERANGE);
    options = small_options(&config);
    options.max_kv_bytes = 1;
    assert_int_equal(ts_bench_model_run(&m, &arena, &options, NULL), TS_ERANGE);
    options = small_options(&config);
    options.quant = "Q5_9";
    assert_int_equal(ts_bench_model_run(&m, &arena, &options, NULL), TS_EUNSUPPORTED);
    options = small_options(&config);
    options.gguf_path = "absent.gguf";
    assert_int_equal(ts_bench_model_run(&m, &arena, &options, NULL), TS_EIO);
    ts_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bench_model__measures_and_fits),
        cmocka_unit_test(test_bench_model__published_configs_run_to_the_end),
        cmocka_unit_test(test_bench_model__no_deeper_than_the_context),
        cmocka_unit_test(test_bench_model__a_file_keeps_everything),
        cmocka_unit_test(test_bench_model__a_measurement_file_carries_the_engine),
        cmocka_unit_test(test_bench_model__batches_and_depths_can_be_chosen),
        cmocka_unit_test(test_bench_model__llama_benchs_shapes_are_read_back),
        cmocka_unit_test(test_bench_model__routers_have_the_sizes_of_their_encoders),
        cmocka_unit_test(test_bench_model__prompts_alone_have_no_fit),
        cmocka_unit_test(test_bench_model__plans_keep_to_their_limits),
        cmocka_unit_test(test_bench_model__an_interrupted_run_is_taken_up_again),
        cmocka_unit_test(test_bench_model__samples_of_something_else_are_refused),
        cmocka_unit_test(test_bench_model__wrong_files_are_told_what_is_wrong),
        cmocka_unit_test(test_bench_model__loads_and_rates_are_those_of_the_step),
        cmocka_unit_test(test_bench_model__impossible_options_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
