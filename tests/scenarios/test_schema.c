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

static void test_schema__a_key_is_known_as_it_is_written_behind_set(void **state)
{
    (void)state;
    assert_true(ts_schema_takes("seed"));
    assert_true(ts_schema_takes("tiers.edge.replicas"));
    assert_true(ts_schema_takes("tiers.edge.owned"));
    assert_true(ts_schema_takes("workload.classes.chat.share"));
    assert_true(ts_schema_takes("workload.classes[0].prompt.lognormal.median"));
    assert_true(ts_schema_takes("limits"));
    assert_false(ts_schema_takes(""));
    assert_false(ts_schema_takes("tiers.edge.replicsa"));
    assert_false(ts_schema_takes("tiers.edge.owned.price"));
    assert_false(ts_schema_takes("seeds"));
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

static struct ts_key row_of(const char *path, unsigned kind)
{
    for (size_t i = 0; i < ts_schema_n_keys(); i++) {
        const struct ts_key key = ts_schema_key(i);
        if (ts_str_equal(key.doc->path, path) && (key.kinds & kind)) {
            return key;
        }
    }
    fail_msg("no row for %s", path);
    return (struct ts_key){0};
}

/* How many rows begin with `prefix` that a tier of that kind has too: the same key but for its default, which is the
 * tier's value, and for who must write it. */
static size_t n_shared(const char *prefix, unsigned kind)
{
    size_t n = 0;
    for (size_t i = 0; i < ts_schema_n_keys(); i++) {
        const struct ts_key part = ts_schema_key(i);
        if (!ts_str_has_prefix(part.doc->path, prefix) || part.rule == TS_RULE_NONE) {
            continue;
        }
        char path[128];
        snprintf(path, sizeof path, "tiers.*.%s", part.doc->path + strlen(prefix));
        const struct ts_key tier = row_of(path, kind);
        const bool inside = part.rule == TS_RULE_IN_STEPS || part.rule == TS_RULE_TIMED ||
                            (kind == TS_FOR_DEVICE && part.rule == TS_RULE_OF_HARDWARE);
        assert_true(tier.type == part.type && tier.rule == part.rule && tier.extra == part.extra);
        assert_true(tier.min == part.min && tier.max == part.max && tier.doc->unit == part.doc->unit);
        assert_int_equal(part.kinds, kind);
        assert_true(inside ? tier.doc->dflt == part.doc->dflt : !part.doc->dflt && !part.doc->required);
        n++;
    }
    return n;
}

/* Two or three rows from one. */
static void test_schema__a_pool_s_key_is_its_tier_s(void **state)
{
    size_t n_servers = 0, n_devices = 0;
    (void)state;
    for (size_t i = 0; i < ts_schema_n_keys(); i++) {
        const struct ts_key key = ts_schema_key(i);
        const bool shared = !strstr(key.doc->path, "[]") && key.rule != TS_RULE_NONE;
        n_servers += shared && (key.kinds & TS_FOR_SERVER) != 0;
        n_devices += shared && (key.kinds & TS_FOR_DEVICE) != 0;
    }
    assert_true(n_servers > 30 && n_devices > 20);
    assert_int_equal(n_shared("tiers.*.pools[].", TS_FOR_SERVER), n_servers);
    assert_int_equal(n_shared("tiers.*.mix[].", TS_FOR_DEVICE), n_devices);
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
        cmocka_unit_test(test_schema__a_key_is_known_as_it_is_written_behind_set),
        cmocka_unit_test(test_schema__the_json_schema_is_what_the_table_says_and_is_json),
        cmocka_unit_test(test_schema__every_key_is_documented_and_its_unit_known),
        cmocka_unit_test(test_schema__every_key_hangs_under_a_section),
        cmocka_unit_test(test_schema__no_key_has_two_rows),
        cmocka_unit_test(test_schema__a_pool_s_key_is_its_tier_s),
        cmocka_unit_test(test_schema__a_period_that_may_be_0_has_a_least_value_beside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
