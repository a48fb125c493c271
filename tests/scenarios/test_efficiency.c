/* The shipped constants against a fit to the shipped points: every class of hardware with every group of engines, and
 * what a fit says about hardware that it has not seen. TS_REFRESH=1 writes efficiency.csv. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "scenarios/catalog/efficiency.h"
#include "sim/serving/roofline_fit.h"

enum constant { LAYER, REDUCE, COMPUTE, BANDWIDTH, KV, ACTIVATION, ATTENTION, PROMPT, N_CONSTANTS };
enum { DECODE, PREFILL, N_METRICS, MAX_POINTS = 4096, MAX_GROUPS = 64 };

#define BIT(constant) (1u << (constant))
#define LOCAL_BITS (BIT(LAYER) | BIT(COMPUTE) | BIT(BANDWIDTH) | BIT(KV) | BIT(ACTIVATION) | BIT(ATTENTION))

static const size_t field_at[N_CONSTANTS] = {
    offsetof(struct ts_efficiency, layer_s),   offsetof(struct ts_efficiency, reduce_s),
    offsetof(struct ts_efficiency, compute),   offsetof(struct ts_efficiency, bandwidth),
    offsetof(struct ts_efficiency, kv),        offsetof(struct ts_efficiency, activation),
    offsetof(struct ts_efficiency, attention), offsetof(struct ts_efficiency, prompt_layer_s),
};

/* Constants that are not free keep their start. `bar`: the error allowed on unseen hardware, 0 = only shown. */
static const struct class
{
    const char *name, *engines;
    unsigned free;
    double start[N_CONSTANTS];
    double bar;
    const char *source;
} classes[] = {
    {"hbm",
     TS_ENGINES_SERVING,
     LOCAL_BITS | BIT(REDUCE) | BIT(PROMPT),
     {6e-5, 1e-5, 0.7, 0.8, 0.8, 0.01, 40, 3e-4},
     0.15,
     "decode: aiconfigurator@095f58a (H100, B200); prompts: splitwise-sim@8f99e7d (A100, H100)"},
    {"hbm",
     TS_ENGINES_LOCAL,
     LOCAL_BITS,
     {1e-4, 0, 0.4, 0.7, 0.3, 0.01, 10, 0},
     0.15,
     "llama.cpp CUDA: GPU-Benchmarks-on-LLM-Inference@aa72e0e; llama.cpp/discussions/15013"},
    {"gddr",
     TS_ENGINES_LOCAL,
     LOCAL_BITS,
     {1e-4, 0, 0.4, 0.8, 0.3, 0.01, 10, 0},
     0.15,
     "llama.cpp: GPU-Benchmarks-on-LLM-Inference@aa72e0e; llama.cpp/discussions/15013 and 15396; "
     "ai-benchmarks@022fb93; "
     "holohub/issues/170"},
    {"apple",
     TS_ENGINES_LOCAL,
     LOCAL_BITS,
     {1e-4, 0, 0.4, 0.8, 0.3, 0.01, 10, 0},
     0.15,
     "llama.cpp Metal: discussions/4167 and 15396; GPU-Benchmarks-on-LLM-Inference@aa72e0e; ai-benchmarks@022fb93"},
    {"cpu",
     TS_ENGINES_LOCAL,
     BIT(COMPUTE) | BIT(BANDWIDTH),
     {1e-5, 0, 0.3, 0.7, 0.3, 1, 2, 0},
     0.0,
     "llama.cpp CPU: ik_llama.cpp/discussions/164 (plain llama.cpp); ai-benchmarks@022fb93"},
    {"phone",
     TS_ENGINES_LOCAL,
     BIT(COMPUTE) | BIT(BANDWIDTH),
     {1e-5, 0, 0.2, 0.5, 0.3, 1, 2, 0},
     0.0,
     "executorch@0074856; ai-hub-models@33c3d03"},
};

enum { N_CLASSES = sizeof classes / sizeof classes[0] };

struct sample {
    struct ts_efficiency_case on;
    const struct ts_published *point;
};

struct problem {
    const struct class *class;
    struct sample samples[MAX_POINTS];
    uint32_t group[MAX_POINTS];
    double weight[MAX_POINTS];
    const char *groups[MAX_GROUPS];
    uint32_t n_groups;
    size_t n, n_metric[N_METRICS];
    bool seen[N_METRICS][MAX_GROUPS];
};

static struct ts_arena arena;
static struct ts_catalog catalog;

static int setup(void **state)
{
    (void)state;
    ts_arena_init(&arena);
    return ts_catalog_load(&catalog, &arena, NULL) == TS_OK &&
                   ts_catalog_load_published(&catalog, &arena, NULL) == TS_OK
               ? 0
               : -1;
}

static int teardown(void **state)
{
    (void)state;
    ts_arena_deinit(&arena);
    return 0;
}

static void set_constant(struct ts_efficiency *constants, int which, double value)
{
    memcpy((char *)constants + field_at[which], &value, sizeof value);
}

static double get_constant(const struct ts_efficiency *constants, int which)
{
    double value = 0.0;
    memcpy(&value, (const char *)constants + field_at[which], sizeof value);
    return value;
}

static struct ts_efficiency constants_of(const struct class *class, const double *params)
{
    struct ts_efficiency constants = {.class_name = class->name, .engine = class->engines};
    size_t j = 0;
    for (int which = 0; which < N_CONSTANTS; which++) {
        set_constant(&constants, which, class->free & BIT(which) ? params[j++] : class->start[which]);
    }
    return constants;
}

static double ratio_of(const struct ts_efficiency *constants, const struct sample *sample)
{
    const struct ts_published *point = sample->point;
    struct ts_steps_roofline roof = ts_efficiency_published_roofline(constants, &sample->on, point);
    if (point->decode_tok_s > 0.0) {
        return ts_roofline_decode_tok_s(&roof, point->batch, point->prompt_tok, point->output_tok) /
               point->decode_tok_s;
    }
    return ts_roofline_prefill_tok_s(&roof, point->prompt_tok) / point->prefill_tok_s;
}

static double ratio(const void *user, const double *params, size_t point)
{
    const struct problem *problem = user;
    struct ts_efficiency constants = constants_of(problem->class, params);
    return ratio_of(&constants, &problem->samples[point]);
}

static uint32_t group_of(struct problem *problem, const char *hardware)
{
    for (uint32_t i = 0; i < problem->n_groups; i++) {
        if (ts_str_equal(problem->groups[i], hardware)) {
            return i;
        }
    }
    assert_true(problem->n_groups < MAX_GROUPS);
    problem->groups[problem->n_groups] = hardware;
    return problem->n_groups++;
}

static int metric_of(const struct ts_published *point)
{
    return point->decode_tok_s > 0.0 ? DECODE : PREFILL;
}

static struct problem *problem_of(const struct class *class)
{
    struct problem *problem = calloc(1, sizeof *problem);
    assert_non_null(problem);
    problem->class = class;
    for (size_t i = 0; i < catalog.n_published; i++) {
        const struct ts_published *point = &catalog.published[i];
        const struct ts_chip *chip = ts_catalog_chip(&catalog, point->hardware);
        if (!ts_str_equal(chip->class_name, class->name) ||
            !ts_str_equal(ts_efficiency_group(point->engine), class->engines) ||
            (ts_str_equal(point->engine, "genie") && metric_of(point) == PREFILL)) {
            continue;
        }
        struct sample *sample = &problem->samples[problem->n];
        assert_true(ts_efficiency_published_case(&sample->on, &catalog, point));
        sample->point = point;
        problem->group[problem->n] = group_of(problem, point->hardware);
        problem->n_metric[metric_of(point)]++;
        problem->seen[metric_of(point)][problem->group[problem->n]] = true;
        problem->n++;
    }
    for (size_t i = 0; i < problem->n; i++) { /* decode and prefill count the same */
        problem->weight[i] = (double)problem->n / (2.0 * problem->n_metric[metric_of(problem->samples[i].point)]);
    }
    return problem;
}

static size_t starts(const struct class *class, double *out)
{
    size_t n = 0;
    for (int which = 0; which < N_CONSTANTS; which++) {
        if (class->free & BIT(which)) {
            out[n++] = class->start[which];
        }
    }
    return n;
}

static double median(const struct problem *problem, const double *ratios, int metric)
{
    static double some[MAX_POINTS];
    size_t n = 0;
    for (size_t i = 0; i < problem->n; i++) {
        if (metric_of(problem->samples[i].point) == metric) {
            some[n++] = ratios[i];
        }
    }
    return ts_roofline_fit_median_error(some, n);
}

/* How many chips have points of that metric. */
static unsigned n_chips(const struct problem *problem, int metric)
{
    unsigned n = 0;
    for (uint32_t group = 0; group < problem->n_groups; group++) {
        n += problem->seen[metric][group];
    }
    return n;
}

static void show_groups(const struct problem *problem, const double *ratios)
{
    for (uint32_t group = 0; group < problem->n_groups; group++) {
        double some[2][MAX_POINTS];
        size_t n[2] = {0, 0};
        for (size_t i = 0; i < problem->n; i++) {
            if (problem->group[i] == group) {
                int metric = metric_of(problem->samples[i].point);
                some[metric][n[metric]++] = ratios[i];
            }
        }
        double decode = 100.0 * ts_roofline_fit_median_error(some[DECODE], n[DECODE]);
        double prefill = 100.0 * ts_roofline_fit_median_error(some[PREFILL], n[PREFILL]);
        print_message("      %-34s decode %5.1f %% of %3zu   prefill %5.1f %% of %3zu\n", problem->groups[group],
                      decode, n[DECODE], prefill, n[PREFILL]);
    }
}

static struct ts_efficiency fit_class(const struct class *class, double errors[N_METRICS])
{
    struct problem *problem = problem_of(class);
    double start[N_CONSTANTS];
    double params[N_CONSTANTS];
    double *ratios = calloc(MAX_POINTS, sizeof *ratios);
    assert_non_null(ratios);
    struct ts_roofline_fit fit = {problem->n, starts(class, start), ratio,          problem,
                                  start,      problem->group,       problem->weight};
    assert_int_equal(ts_roofline_fit(params, &fit, TS_ROOFLINE_FIT_ALL, NULL), TS_OK);
    struct ts_efficiency constants = constants_of(class, params);
    constants.n_decode = (unsigned)problem->n_metric[DECODE];
    constants.n_prefill = (unsigned)problem->n_metric[PREFILL];
    constants.n_hardware = problem->n_groups;
    for (size_t i = 0; i < problem->n; i++) {
        ratios[i] = ratio_of(&constants, &problem->samples[i]);
    }
    print_message("%s, %s: %zu points of %u chips; in the fit: decode %.1f %%, prefill %.1f %%\n", class->name,
                  class->engines, problem->n, problem->n_groups, 100.0 * median(problem, ratios, DECODE),
                  100.0 * median(problem, ratios, PREFILL));
    assert_int_equal(ts_roofline_fit_leave_out(ratios, &fit, problem->n_groups, NULL), TS_OK);
    for (int metric = 0; metric < N_METRICS; metric++) {
        errors[metric] = n_chips(problem, metric) > 1 ? median(problem, ratios, metric) : (double)NAN;
    }
    print_message("   leave one chip out, median error: decode %.1f %%, prefill %.1f %%\n", 100.0 * errors[DECODE],
                  100.0 * errors[PREFILL]);
    show_groups(problem, ratios);
    free(ratios);
    free(problem);
    return constants;
}

static void put_row(struct ts_text *out, const struct class *class, const struct ts_efficiency *c, const double *errors)
{
    ts_text_printf(out, "%s,%s,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%u,%u,%u,", class->name, class->engines,
                   c->layer_s * 1e6, c->reduce_s * 1e6, c->compute, c->bandwidth, c->kv, c->activation, c->attention,
                   c->prompt_layer_s * 1e6, c->n_decode, c->n_prefill, c->n_hardware);
    for (int metric = 0; metric < N_METRICS; metric++) {
        if (!isnan(errors[metric])) {
            ts_text_printf(out, "%.4f", errors[metric]);
        }
        ts_text_puts(out, ",");
    }
    ts_text_printf(out, "2026-11-22,\"%s\"\n", class->source);
}

static void test_efficiency__unseen_gpus_and_apple_chips_are_predicted_within_the_bar(void **state)
{
    (void)state;
    struct ts_text made;
    ts_text_init(&made);
    ts_text_puts(&made, "class,engine,layer_us,reduce_us,compute,bandwidth,kv,activation,attention,prompt_layer_us,"
                        "decode_points,prefill_points,hardware,decode_error,prefill_error,date,source\n");
    for (size_t k = 0; k < N_CLASSES; k++) {
        const struct class *class = &classes[k];
        double errors[N_METRICS];
        struct ts_efficiency found = fit_class(class, errors);
        put_row(&made, class, &found, errors);
        if (class->bar > 0.0) {
            assert_true(errors[DECODE] <= class->bar && errors[PREFILL] <= class->bar);
        }
        if (getenv("TS_REFRESH")) {
            continue;
        }
        const struct ts_efficiency *shipped = ts_efficiency_find(&catalog, class->name, class->engines);
        for (int which = 0; which < N_CONSTANTS; which++) {
            double is = get_constant(shipped, which);
            assert_true(fabs(is - get_constant(&found, which)) <= 0.02 * is);
        }
        assert_true(fabs(shipped->decode_error - (isnan(errors[DECODE]) ? 0.0 : errors[DECODE])) < 0.005);
        assert_true(fabs(shipped->prefill_error - (isnan(errors[PREFILL]) ? 0.0 : errors[PREFILL])) < 0.005);
        assert_int_equal(shipped->n_decode, found.n_decode);
        assert_int_equal(shipped->n_prefill, found.n_prefill);
        assert_int_equal(shipped->n_hardware, found.n_hardware);
    }
    if (getenv("TS_REFRESH")) {
        static const char path[] = TS_SOURCE_DIR "/scenarios/catalog/efficiency.csv";
        assert_int_equal(ts_file_write(path, made.data, made.len, NULL), TS_OK);
    }
    ts_text_deinit(&made);
}

/* The worked example of scenarios/catalog/efficiency.c. */
static void test_efficiency__activations_slow_a_prompt_as_the_formula_says(void **state)
{
    (void)state;
    const struct ts_efficiency constants = {
        .layer_s = 1e-9, .compute = 0.5, .bandwidth = 1.0, .kv = 1.0, .activation = 0.01, .attention = 1e30};
    const struct ts_efficiency_case on = {.peak_flop_per_s = 100e12,
                                          .bytes_per_s = 1e12,
                                          .n_accelerators = 1.0,
                                          .llm = ts_catalog_llm(&catalog, "Llama-2-7B"),
                                          .bits_per_weight = 4.5,
                                          .kv_bytes_per_tok = 524288.0};
    struct ts_steps_roofline roof = ts_efficiency_roofline(&constants, &on);
    assert_float_equal(512.0 / ts_roofline_prefill_tok_s(&roof, 512), 512.0 * (13.21e9 / 50e12 + 32.0 * 4096.0 / 1e10),
                       1e-6);
}

static void test_efficiency__a_class_without_its_own_row_takes_its_stand_in(void **state)
{
    (void)state;
    assert_string_equal(ts_efficiency_find(&catalog, "gddr", TS_ENGINES_SERVING)->class_name, "hbm");
    assert_string_equal(ts_efficiency_find(&catalog, "gddr", TS_ENGINES_LOCAL)->class_name, "gddr");
    assert_string_equal(ts_efficiency_find(&catalog, "apple", TS_ENGINES_SERVING)->engine, "local");
    assert_null(ts_efficiency_find(&catalog, "sram", TS_ENGINES_LOCAL));
}

/* No fit has seen them: they check the constants that stand in. */
static void test_efficiency__gddr_cards_under_serving_engines_are_predicted_by_the_stand_in(void **state)
{
    (void)state;
    const struct ts_efficiency *constants = ts_efficiency_find(&catalog, "gddr", TS_ENGINES_SERVING);
    size_t n = 0;
    for (size_t i = 0; i < catalog.n_published; i++) {
        struct sample sample = {.point = &catalog.published[i]};
        const struct ts_chip *chip = ts_catalog_chip(&catalog, sample.point->hardware);
        if (!ts_str_equal(chip->class_name, "gddr") ||
            !ts_str_equal(ts_efficiency_group(sample.point->engine), TS_ENGINES_SERVING)) {
            continue;
        }
        assert_true(ts_efficiency_published_case(&sample.on, &catalog, sample.point));
        const double is = ratio_of(constants, &sample);
        print_message("%s, %s %s, %s: predicted/published %.3f\n", chip->name, sample.point->model, sample.point->quant,
                      sample.point->engine, is);
        assert_true(fabs(is - 1.0) <= 0.15);
        n++;
    }
    assert_int_equal(n, 4);
    assert_non_null(ts_efficiency_check_of(constants, "gddr", TS_ENGINES_SERVING));
    assert_null(ts_efficiency_check_of(constants, "hbm", TS_ENGINES_SERVING));
}

static void test_efficiency__geforce_runs_llama_cpp_at_its_rate_with_16_bit_accumulation(void **state)
{
    (void)state;
    const struct ts_weight_quant *q4 = ts_catalog_quant(&catalog, "Q4_0");
    const struct ts_weight_quant *fp8 = ts_catalog_quant(&catalog, "FP8");
    static const struct {
        const char *chip, *engines;
        bool eight_bit;
        double peak;
    } cases[] = {
        {"RTX 3090", TS_ENGINES_LOCAL, false, 142e12},
        {"RTX 3090", TS_ENGINES_SERVING, false, 71.2e12},
        {"DGX Spark (GB10)", TS_ENGINES_LOCAL, false, 124.6e12},
        {"DGX Spark (GB10)", TS_ENGINES_SERVING, false, 62.5e12},
        {"RTX A6000", TS_ENGINES_LOCAL, false, 154.8e12},
        {"H100 SXM 80GB", TS_ENGINES_LOCAL, true, 989.4e12},
        {"H100 SXM 80GB", TS_ENGINES_SERVING, true, 1979e12},
        {"iPhone 16 Pro (A18 Pro)", TS_ENGINES_LOCAL, true, 4.6e12},
        {"Raspberry Pi 5 + Hailo-10H", TS_ENGINES_LOCAL, true, 20e12},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct ts_chip *chip = ts_catalog_chip(&catalog, cases[i].chip);
        const struct ts_weight_quant *quant = cases[i].eight_bit ? fp8 : q4;
        if (ts_str_equal(cases[i].engines, TS_ENGINES_SERVING) && !cases[i].eight_bit) {
            quant = ts_catalog_quant(&catalog, "BF16");
        }
        double peak = ts_efficiency_peak(chip, ts_efficiency_hardware(&catalog, chip), cases[i].engines, quant);
        assert_float_equal(peak, cases[i].peak, 1.0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_efficiency__unseen_gpus_and_apple_chips_are_predicted_within_the_bar),
        cmocka_unit_test(test_efficiency__activations_slow_a_prompt_as_the_formula_says),
        cmocka_unit_test(test_efficiency__a_class_without_its_own_row_takes_its_stand_in),
        cmocka_unit_test(test_efficiency__gddr_cards_under_serving_engines_are_predicted_by_the_stand_in),
        cmocka_unit_test(test_efficiency__geforce_runs_llama_cpp_at_its_rate_with_16_bit_accumulation),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
