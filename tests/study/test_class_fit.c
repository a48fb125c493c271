/* The shipped constants against a fit to the shipped points: every class of hardware with every group of engines, and
 * what a fit says about what it has not seen. TS_REFRESH=1 writes efficiency.csv and engines.csv. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/file.h"
#include "sim/serving/roofline_fit.h"
#include "study/accuracy.h"
#include "tests/published_catalog.h"

static void put_class(struct ts_text *out, const struct ts_efficiency *c)
{
    ts_text_printf(out, "%s,%s,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%u,%u,%u,", c->class_name,
                   c->engine, c->layer_s * 1e6, c->moe_layer_s * 1e6, c->compute, c->narrow, c->experts,
                   c->expert_width, c->bandwidth, c->kv, c->activation, c->attention, c->link, c->n_decode,
                   c->n_prefill, c->n_hardware);
    const double errors[] = {c->decode_error, c->prefill_error, c->low, c->high, c->first_low, c->first_high};
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++) {
        ts_text_printf(out, errors[i] > 0.0 ? "%.4f," : ",", errors[i]);
    }
    ts_text_printf(out, "2026-11-29,\"%s\"\n", c->source);
}

static void put_engines(struct ts_text *out, const struct ts_class_constants *all)
{
    ts_text_puts(out, "name,group,step_us,sequence_us,layers,tile_tok,no_evict,prompts_first,async,graph_tok,first_ms,"
                      "first_layer_us,first_moe_layer_us,exchange_us,memory_gb,points,versions,date,source\n");
    for (size_t i = 0; i < all->n_engines; i++) {
        const struct ts_engine_cost *e = &all->engines[i];
        ts_text_printf(out,
                       "%s,%s,%.4g,%.4g,%.4g,%.4g,%s,%s,%s,%.4g,%.4g,%.4g,%.4g,%.4g,%.4g,%u,%s,2026-11-29,\"%s\"\n",
                       e->name, e->group, e->step_s * 1e6, e->seq_s * 1e6, e->layers, e->tile_tok,
                       e->no_evict ? "yes" : "no", e->prompts_first ? "yes" : "no", e->plans_ahead ? "yes" : "no",
                       e->graph_tok, e->first_s * 1e3, e->first_layer_s * 1e6, e->first_moe_layer_s * 1e6,
                       e->exchange_s * 1e6, e->memory_bytes / 1e9, e->n_points, e->versions, e->source);
    }
}

static void assert_near(double is, double found)
{
    if (fabs(is - found) > 0.02 * fabs(found) + 1e-7) {
        fail_msg("%g is shipped, %g found", is, found);
    }
}

/* Of a few points a quantile is one of them, and another one after next to nothing. */
static void assert_like(double is, double found)
{
    if (fabs(is - found) > 0.1 * fabs(found)) {
        fail_msg("%g is shipped, %g found", is, found);
    }
}

static void compare(const struct ts_efficiency *is, const struct ts_efficiency *found)
{
    assert_near(is->layer_s, found->layer_s);
    assert_near(is->moe_layer_s, found->moe_layer_s);
    assert_near(is->compute, found->compute);
    assert_near(is->narrow, found->narrow);
    assert_near(is->experts, found->experts);
    assert_near(is->expert_width, found->expert_width);
    assert_near(is->bandwidth, found->bandwidth);
    assert_near(is->kv, found->kv);
    assert_near(is->activation, found->activation);
    assert_near(is->attention, found->attention);
    assert_near(is->link, found->link);
    assert_like(is->decode_error, found->decode_error);
    assert_like(is->prefill_error, found->prefill_error);
    assert_like(is->low, found->low);
    assert_like(is->high, found->high);
    assert_int_equal(is->n_decode, found->n_decode);
    assert_int_equal(is->n_prefill, found->n_prefill);
    assert_int_equal(is->n_hardware, found->n_hardware);
    const double shares[] = {found->compute, found->narrow,     found->experts, found->bandwidth,
                             found->kv,      found->activation, found->link};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        assert_true(shares[i] > 0.0 && shares[i] <= 1.0);
    }
}

/* Simulated over closed form: median, and the value that 9 of 10 stay below, of how far it is from 1. */
static void assert_close(const struct ts_class_points *points, uint32_t engine, bool first, double median, double most)
{
    static double off[4096];
    size_t n = 0;
    for (size_t i = 0; i < points->n && n < sizeof off / sizeof off[0]; i++) {
        const struct ts_class_point *point = &points->points[i];
        if (point->engine == engine && point->measure == TS_CLASS_TPOT) {
            off[n++] = fabs((first ? point->simulated.ttft : point->simulated.tpot) - 1.0);
        }
    }
    const double middle = ts_roofline_fit_quantile(off, n, 0.5), far = ts_roofline_fit_quantile(off, n, 0.9);
    printf("%s, %s: simulated and closed form, %zu points: half within %.1f %%, 9 of 10 within %.1f %%\n",
           catalog.engines[engine].name, first ? "to the first token" : "per token", n, 100.0 * middle, 100.0 * far);
    assert_true(n > 100 && middle < median && far < most);
}

/* A fit goes by the closed form's slopes: it has to be near the simulator under every engine. */
static void assert_simulated(const struct ts_accuracy *of)
{
    for (uint32_t engine = 0; engine < of->constants.n_engines; engine++) {
        if (ts_str_equal(catalog.engines[engine].group, TS_ENGINES_SERVING)) {
            assert_close(&of->points, engine, false, 0.05, 0.2);
            assert_close(&of->points, engine, true, 0.25, 1.0);
        }
    }
}

static void test_class_fit__the_shipped_constants_are_those_of_the_shipped_points(void **state)
{
    (void)state;
    struct ts_text classes, engines, said;
    ts_text_init(&classes);
    ts_text_init(&engines);
    ts_text_init(&said);
    ts_text_puts(&classes,
                 "class,engine,layer_us,moe_layer_us,compute,narrow,experts,expert_width,bandwidth,kv,activation,"
                 "attention,link,decode_points,prefill_points,hardware,decode_error,prefill_error,low,high,"
                 "first_low,first_high,date,source\n");
    for (size_t i = 0; i < ts_class_count(); i++) {
        const struct ts_class_head *class = ts_class_at(i);
        struct ts_accuracy accuracy;
        assert_int_equal(ts_accuracy_measure(&accuracy, i, &catalog, &arena, NULL), TS_OK);
        struct ts_efficiency *found = &accuracy.constants.efficiency;
        put_class(&classes, found);
        if (i == 0) {
            put_engines(&engines, &accuracy.constants);
            assert_simulated(&accuracy);
        }
        ts_accuracy_print(&said, &accuracy);
        printf("%s, %s: decode %.3f, prefill %.3f\n%s\n", class->name, class->engines, found->decode_error,
               found->prefill_error, said.data);
        ts_text_clear(&said);
        if (getenv("TS_REFRESH")) {
            continue;
        }
        if (class->bar > 0.0) {
            assert_true(found->decode_error <= class->bar);
        }
        compare(ts_efficiency_find(&catalog, class->name, class->engines), found);
    }
    if (getenv("TS_REFRESH")) {
        static const char path[] = TS_SOURCE_DIR "/scenarios/catalog/efficiency.csv";
        static const char engines_path[] = TS_SOURCE_DIR "/scenarios/catalog/engines.csv";
        assert_int_equal(ts_file_write(path, classes.data, classes.len, NULL), TS_OK);
        assert_int_equal(ts_file_write(engines_path, engines.data, engines.len, NULL), TS_OK);
    }
    ts_text_deinit(&classes);
    ts_text_deinit(&engines);
    ts_text_deinit(&said);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_class_fit__the_shipped_constants_are_those_of_the_shipped_points),
    };
    return cmocka_run_group_tests(tests, load_published_catalog, unload_catalog);
}
