/* How right tiers are: written, by class, by a table, by files of LLMRouterBench, by a published score. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "reports/metric.h"
#include "sim/quality.h"
#include "tests/scenarios/scenario_fixture.h"

#define WORKLOAD                                                                                                       \
    "scenario: quality\nworkload: {calls: 1/s, duration: 1 min, classes: [\n"                                          \
    "  {name: chat, share: 60 %, prompt: 100 tok, output: 10 tok, difficulty: {normal: {mean: -1, sd: 1}}},\n"         \
    "  {name: memo, share: 40 %, prompt: 100 tok, output: 10 tok}]}\n"

static void write_file(const char *name, const char *text)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0 && fclose(file) == 0);
}

static void test_quality__a_score_on_mmlu_pro_stands_in_for_an_ability(void **state)
{
    (void)state;
    struct ts_scenario s;
    struct ts_text said;
    const struct ts_dist spread = ts_dist_normal(0.0, 1.0);
    ts_text_init(&said);
    assert_int_equal(load_text(&s,
                               WORKLOAD "tiers:\n  large: {kind: api, offers: [OpenAI/gpt-4o]}\n"
                                        "  small: {kind: api, offers: [Groq/llama-3.1-8b-instant]}\n"
                                        "routing: {policy: cascade}\n",
                               NULL, &said),
                     TS_OK);
    assert_string_equal(s.model.tiers[0].name, "small"); /* 48.3 % before 74.7 % */
    assert_float_equal(s.model.tiers[0].ability, ts_quality_ability_of(0.483, &spread), 1e-12);
    assert_float_equal(s.model.tiers[1].ability, ts_quality_ability_of(0.747, &spread), 1e-12);
    assert_non_null(
        strstr(said.data, "'large' has no ability: it is taken from its model's score on MMLU-Pro, 74.7 %"));
    const struct ts_assumption *told = assumption(&s, "tiers.small.ability");
    assert_true(told->origin == TS_ORIGIN_CATALOG && strstr(told->source, "Meta-Llama-3.1-8B-Instruct") != NULL);
    ts_scenario_deinit(&s);
    ts_text_deinit(&said);
}

#define WITHOUT_SCORE                                                                                                  \
    WORKLOAD                                                                                                           \
    "tiers:\n  small: {kind: api, offers: [OpenAI/gpt-4o]}\n  large: {kind: api, offers: [OpenAI/gpt-4o-mini]}\n"

static void test_quality__what_decides_by_it_needs_an_ability(void **state)
{
    (void)state;
    static const char *const decides[] = {"routing: {policy: cascade}\n",
                                          "routing: {policy: least-loaded}\nlimits: {quality: '>= 70 %'}\n"};
    for (size_t i = 0; i < 2; i++) {
        struct ts_scenario s;
        struct ts_text said, text;
        ts_text_init(&said);
        ts_text_init(&text);
        ts_text_puts(&text, WITHOUT_SCORE);
        ts_text_puts(&text, decides[i]);
        assert_int_equal(load_text(&s, text.data, NULL, &said), TS_ESCENARIO);
        assert_non_null(
            strstr(said.data, "'large' has no ability, and the catalog has no score of OpenAI/gpt-4o-mini"));
        assert_non_null(strstr(said.data, "write ability: 1.2, or accuracy: {a class: 80 %}"));
        ts_text_deinit(&text);
        ts_text_deinit(&said);
    }
}

static void test_quality__is_unknown_without_a_score_where_nothing_depends_on_it(void **state)
{
    (void)state;
    struct ts_scenario s;
    struct ts_text said;
    ts_text_init(&said);
    assert_int_equal(load_text(&s, WITHOUT_SCORE "routing: {policy: least-loaded}\n", NULL, &said), TS_OK);
    assert_non_null(strstr(said.data, "there are no figures of quality: 'large' has no ability"));
    assert_true(s.model.quality.unknown);
    assert_false(ts_metric_concerns(ts_metric_find("quality", "mean"), &s.model));
    assert_false(ts_metric_concerns(ts_metric_find("pgr", "mean"), &s.model));
    assert_true(ts_metric_concerns(ts_metric_find("attainment", "mean"), &s.model));
    ts_scenario_deinit(&s);
    ts_text_deinit(&said);
}

static void test_quality__an_accuracy_holds_for_its_class(void **state)
{
    (void)state;
    struct ts_scenario s;
    load_good(&s, WORKLOAD
              "tiers:\n  small: {kind: api, offers: [OpenAI/gpt-4o-mini], accuracy: {chat: 80 %, memo: 40 %}}\n"
              "  large: {kind: api, offers: [OpenAI/gpt-4o], ability: 2, accuracy: {chat: 95 %}}\n"
              "routing: {policy: cascade}\n");
    const double *small = s.model.tiers[0].class_ability, *large = s.model.tiers[1].class_ability;
    assert_float_equal(small[0], ts_quality_ability_of(0.8, &s.workload.classes[0].difficulty), 1e-12);
    assert_float_equal(small[1], ts_quality_ability_of(0.4, &s.workload.classes[1].difficulty), 1e-12);
    assert_float_equal(large[0], ts_quality_ability_of(0.95, &s.workload.classes[0].difficulty), 1e-12);
    assert_float_equal(large[1], 2.0, 0.0);
    ts_scenario_deinit(&s);
}

#define APIS                                                                                                           \
    "tiers:\n  small: {kind: api, offers: [OpenAI/gpt-4o-mini]}\n  large: {kind: api, offers: [OpenAI/gpt-4o]}\n"      \
    "routing: {policy: cascade}\n"

static void test_quality__a_table_has_rows_for_each_class_and_sets_the_order(void **state)
{
    (void)state;
    struct ts_scenario s;
    write_file("quality.csv", "kind,a,b\nchat/x,1,0\nchat,true,0.4\nmemo,1,1\nmemo,wrong,right\n");
    load_good(&s, WORKLOAD APIS "quality: {table: quality.csv, columns: {small: a, large: b}, class: kind}\n");
    assert_string_equal(s.model.tiers[0].name, "large"); /* right in 2 of 4, small in 3 */
    const struct ts_quality_rows *tables = s.model.quality.tables;
    assert_true(tables[0].n == 2 && tables[0].right[0] == 2 && tables[0].right[1] == 2);
    assert_true(tables[1].n == 2 && tables[1].right[0] == 3 && tables[1].right[1] == 1);
    ts_scenario_deinit(&s);
    remove("quality.csv");
}

/* Prompts 1 and 3 are in both files. */
static void test_quality__files_of_llmrouterbench_are_joined_by_index(void **state)
{
    (void)state;
    struct ts_scenario s;
    write_file("a.json", "{\"model_name\": \"a\", \"records\": [{\"index\": 3, \"score\": 1.0}, {\"index\": 1, "
                         "\"score\": 0.0}, {\"index\": 2, \"score\": 1}]}");
    write_file("b.json", "{\"records\": [{\"index\": 1, \"score\": 1}, {\"index\": 3, \"score\": null}]}");
    load_good(&s, WORKLOAD APIS "quality: {columns: {large: a.json, small: b.json}}\n");
    const struct ts_quality_rows *rows = &s.model.quality.tables[1];
    assert_int_equal(rows->n, 2);
    assert_string_equal(s.model.tiers[0].name, "large"); /* one of two each: by name */
    assert_true(rows->right[0] == 2 && rows->right[1] == 1);
    ts_scenario_deinit(&s);
    remove("a.json");
    remove("b.json");
}

static void test_quality__mistakes_of_tables_are_told(void **state)
{
    (void)state;
    static const struct {
        const char *quality, *message;
    } cases[] = {
        {"quality: {table: nowhere.csv, columns: {small: a, large: b}}\n", "nowhere.csv"},
        {"quality: {table: bad.csv, columns: {small: a, large: c}}\n", "bad.csv has no column 'c'"},
        {"quality: {table: bad.csv, columns: {small: a, large: b}}\n", "this is neither right nor wrong"},
        {"quality: {table: good.csv, columns: {small: a}}\n", "'large' has no ability"},
        {"quality: {table: good.csv, columns: {small: a, large: b}, class: k}\n",
         "no row of the table is of class 'memo'"},
        {"quality: {columns: {small: good.csv, large: good.csv}}\n", "good.csv"},
    };
    write_file("bad.csv", "a,b\n1,maybe\n");
    write_file("good.csv", "k,a,b\nchat,1,0\n");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct ts_scenario s;
        struct ts_text said, text;
        ts_text_init(&said);
        ts_text_init(&text);
        ts_text_puts(&text, WORKLOAD "tiers:\n  small: {kind: api, offers: [OpenAI/gpt-4o-mini]}\n"
                                     "  large: {kind: api, offers: [OpenAI/gpt-5]}\nrouting: {policy: cascade}\n");
        ts_text_puts(&text, cases[i].quality);
        assert_int_not_equal(load_text(&s, text.data, NULL, &said), TS_OK);
        assert_non_null(strstr(said.data, cases[i].message));
        ts_text_deinit(&text);
        ts_text_deinit(&said);
    }
    remove("bad.csv");
    remove("good.csv");
}

/* RouteLLM's APGR of .802 becomes an AUC; more than a router that is never wrong has is told. */
static void test_router__an_apgr_becomes_an_auc(void **state)
{
    (void)state;
    struct ts_scenario s;
    struct ts_text said;
    static const char tiers[] = WORKLOAD "tiers:\n  small: {kind: api, offers: [OpenAI/gpt-4o-mini], ability: 0.4}\n"
                                         "  large: {kind: api, offers: [OpenAI/gpt-4o], ability: 2}\n";
    struct ts_text text;
    ts_text_init(&text);
    ts_text_puts(&text, tiers);
    ts_text_puts(&text, "routing: {thresholds: {small: 1}, router: {predicts: correctness, apgr: 0.802}}\n");
    load_good(&s, text.data);
    assert_true(s.model.router.auc > 0.8 && s.model.router.auc < 0.9);
    assert_string_equal(assumption(&s, "routing.router.expected_apgr")->value, "0.8020");
    ts_scenario_deinit(&s);
    ts_text_deinit(&text);
    ts_text_init(&text);
    ts_text_init(&said);
    ts_text_printf(&text, "%srouting: {thresholds: {small: 1}, router: {predicts: correctness, apgr: 0.99}}\n", tiers);
    assert_int_equal(load_text(&s, text.data, NULL, &said), TS_OK);
    assert_non_null(strstr(said.data, "no router reaches that between these tiers: a perfect one"));
    assert_true(s.model.router.auc == 1.0);
    ts_scenario_deinit(&s);
    ts_text_deinit(&said);
    ts_text_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quality__a_score_on_mmlu_pro_stands_in_for_an_ability),
        cmocka_unit_test(test_quality__what_decides_by_it_needs_an_ability),
        cmocka_unit_test(test_quality__is_unknown_without_a_score_where_nothing_depends_on_it),
        cmocka_unit_test(test_quality__an_accuracy_holds_for_its_class),
        cmocka_unit_test(test_quality__a_table_has_rows_for_each_class_and_sets_the_order),
        cmocka_unit_test(test_quality__files_of_llmrouterbench_are_joined_by_index),
        cmocka_unit_test(test_quality__mistakes_of_tables_are_told),
        cmocka_unit_test(test_router__an_apgr_becomes_an_auc),
    };
    return cmocka_run_group_tests_name("scenario quality", tests, NULL, NULL);
}
