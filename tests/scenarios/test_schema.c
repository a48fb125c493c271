/* The table that checks scenarios also writes their reference: the files under docs/ must be what it writes.
 * TS_REFRESH=1 rewrites them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/json.h"
#include "base/units.h"
#include "scenarios/language/schema.h"

static void same_file(const char *path, const struct ts_text *text)
{
    char *data = NULL;
    size_t len = 0;
    assert_false(text->failed);
    if (getenv("TS_REFRESH")) {
        assert_int_equal(ts_file_write(path, text->data, text->len, NULL), TS_OK);
    }
    assert_int_equal(ts_file_read(&data, &len, path, 1 << 20, NULL), TS_OK);
    assert_int_equal(len, text->len);
    assert_string_equal(data, text->data);
    free(data);
}

static void test_schema__the_reference_page_is_what_the_table_says(void **state)
{
    (void)state;
    struct ts_text text;
    ts_text_init(&text);
    ts_schema_markdown(&text);
    same_file(TS_SOURCE_DIR "/docs/SCENARIO-REFERENCE.md", &text);
    ts_text_deinit(&text);
}

static void test_schema__the_json_schema_is_what_the_table_says_and_is_json(void **state)
{
    (void)state;
    struct ts_text text;
    struct ts_json_doc doc;
    ts_text_init(&text);
    ts_schema_json(&text);
    same_file(TS_SOURCE_DIR "/docs/scenario.schema.json", &text);
    assert_int_equal(ts_json_parse(&doc, "schema", text.data, text.len, NULL), TS_OK);
    const struct ts_json *tiers = ts_json_get(ts_json_get(ts_json_root(&doc), "properties"), "tiers");
    const struct ts_json *replicas =
        ts_json_get(ts_json_get(ts_json_get(tiers, "additionalProperties"), "properties"), "replicas");
    assert_string_equal(ts_json_string(ts_json_get(replicas, "description")),
                        "Servers, each with its own copy of the model.");
    ts_json_deinit(&doc);
    ts_text_deinit(&text);
}

static bool is_unit(const char *unit)
{
    char text[64];
    double value = 0.0;
    (void)snprintf(text, sizeof text, "%s%s", unit[0] == '1' ? "" : "1 ", unit);
    return ts_units_parse(&value, text, unit, NULL);
}

static void test_schema__every_key_is_documented_and_its_unit_known(void **state)
{
    (void)state;
    size_t n = 0;
    const struct ts_key_doc *docs = ts_scenario_keys(&n);
    assert_true(n > 100);
    for (size_t i = 0; i < n; i++) {
        struct ts_key key = ts_schema_key(i);
        assert_ptr_equal(key.doc, &docs[i]);
        assert_true(docs[i].doc[strlen(docs[i].doc) - 1] == '.');
        assert_true(!docs[i].unit || is_unit(docs[i].unit));
        assert_false(docs[i].required && docs[i].dflt);
        assert_true(key.min <= key.max);
        assert_true((key.type == TS_KEY_CHOICE) == (docs[i].choices != NULL));
    }
}

static void test_schema__every_key_hangs_under_a_section(void **state)
{
    (void)state;
    size_t n = 0;
    const struct ts_key_doc *docs = ts_scenario_keys(&n);
    for (size_t i = 0; i < n; i++) {
        const char *dot = strrchr(docs[i].path, '.');
        if (!dot) {
            continue;
        }
        char parent[128];
        size_t len = (size_t)(dot - docs[i].path);
        assert_true(len < sizeof parent);
        memcpy(parent, docs[i].path, len);
        parent[len] = '\0';
        if (ts_str_has_suffix(parent, "[]") || ts_str_has_suffix(parent, ".*")) {
            parent[len - 2] = '\0';
        }
        assert_true(ts_schema_find(parent) >= 0);
    }
}

/* Of one path, only rows for different kinds of tier. */
static void test_schema__no_key_has_two_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ts_schema_n_keys(); i++) {
        const struct ts_key a = ts_schema_key(i);
        for (size_t k = i + 1; k < ts_schema_n_keys(); k++) {
            const struct ts_key b = ts_schema_key(k);
            if (ts_str_equal(a.doc->path, b.doc->path) && (a.kinds == TS_FOR_ALL || (a.kinds & b.kinds))) {
                fail_msg("two rows for %s", a.doc->path);
            }
        }
    }
}

static struct ts_key row_of_server(const char *path)
{
    for (size_t i = 0; i < ts_schema_n_keys(); i++) {
        const struct ts_key key = ts_schema_key(i);
        if (ts_str_equal(key.doc->path, path) && (key.kinds & TS_FOR_SERVER)) {
            return key;
        }
    }
    fail_msg("no row for %s", path);
    return (struct ts_key){0};
}

/* Two rows from one: the same key but for its default, which is the tier's value, and for who must write it. */
static void test_schema__a_pool_s_key_is_its_tier_s(void **state)
{
    static const char pools[] = "tiers.*.pools[].";
    size_t n_shared = 0;
    (void)state;
    for (size_t i = 0; i < ts_schema_n_keys(); i++) {
        const struct ts_key pool = ts_schema_key(i);
        if (!ts_str_has_prefix(pool.doc->path, pools) || pool.rule == TS_RULE_NONE) {
            continue;
        }
        char path[128];
        snprintf(path, sizeof path, "tiers.*.%s", pool.doc->path + sizeof pools - 1);
        const struct ts_key tier = row_of_server(path);
        const bool inside = pool.rule == TS_RULE_IN_STEPS || pool.rule == TS_RULE_TIMED;
        assert_true(tier.type == pool.type && tier.rule == pool.rule && tier.extra == pool.extra);
        assert_true(tier.min == pool.min && tier.max == pool.max && tier.doc->unit == pool.doc->unit);
        assert_int_equal(pool.kinds, TS_FOR_SERVER);
        assert_true(inside ? tier.doc->dflt == pool.doc->dflt : !pool.doc->dflt && !pool.doc->required);
        n_shared++;
    }
    for (size_t i = 0; i < ts_schema_n_keys(); i++) {
        n_shared -= !strstr(ts_schema_key(i).doc->path, "[]") && ts_schema_key(i).rule != TS_RULE_NONE;
    }
    assert_int_equal(n_shared, 0);
}

/* "0 s = never" and the like: next to nothing must not be taken for it, and an event every nanosecond ends no run. */
static void test_schema__a_period_that_may_be_0_has_a_least_value_beside(void **state)
{
    (void)state;
    static const char *const words[] = {"0 s = never", "0 months = never", "0 s = once", "0 s = until"};
    size_t n = 0, n_found = 0;
    const struct ts_key_doc *docs = ts_scenario_keys(&n);
    for (size_t i = 0; i < n; i++) {
        bool found = false;
        for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
            found = found || strstr(docs[i].doc, words[w]);
        }
        const struct ts_key key = ts_schema_key(i);
        if (key.type == TS_KEY_QUANTITY) {
            assert_true(found == (key.extra != NULL));
            assert_true(!found || (key.min > 0.0 && ts_str_equal(key.extra, "or 0")));
        }
        n_found += found;
    }
    assert_in_range(n_found, 5, 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema__the_reference_page_is_what_the_table_says),
        cmocka_unit_test(test_schema__the_json_schema_is_what_the_table_says_and_is_json),
        cmocka_unit_test(test_schema__every_key_is_documented_and_its_unit_known),
        cmocka_unit_test(test_schema__every_key_hangs_under_a_section),
        cmocka_unit_test(test_schema__no_key_has_two_rows),
        cmocka_unit_test(test_schema__a_pool_s_key_is_its_tier_s),
        cmocka_unit_test(test_schema__a_period_that_may_be_0_has_a_least_value_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
