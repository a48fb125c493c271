/* The claims: docs/CLAIMS.md and docs/claims.html are what they come to (TS_REFRESH=1 rewrites them), and what is known
 * in closed form comes out. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/run_info.h"
#include "study/claims_text.h"

static struct ts_claim_outcome *outcomes;

static int judge_all(void **state)
{
    (void)state;
    const struct ts_progress progress = {.go_on = NULL};
    struct ts_diags diags;
    ts_diags_init(&diags);
    outcomes = calloc(ts_n_claims, sizeof *outcomes);
    assert_non_null(outcomes);
    const enum ts_status status = ts_claims_judge(outcomes, ts_run_info_cpus(), &progress, &diags);
    if (status != TS_OK) {
        fail_msg("%s", diags.n_items ? diags.items[0].message : "no message");
    }
    ts_diags_deinit(&diags);
    return 0;
}

static int free_all(void **state)
{
    (void)state;
    free(outcomes);
    return 0;
}

static const struct ts_claim_outcome *outcome_of(const char *id)
{
    for (size_t i = 0; i < ts_n_claims; i++) {
        if (ts_str_equal(ts_claims[i].id, id)) {
            return &outcomes[i];
        }
    }
    fail_msg("no claim %s", id);
    return NULL;
}

static void same_file(const char *name, const struct ts_text *text)
{
    char *data = NULL, *path = ts_path_join(TS_SOURCE_DIR "/docs", name);
    size_t len = 0;
    assert_false(text->failed);
    assert_non_null(path);
    if (getenv("TS_REFRESH")) {
        assert_int_equal(ts_file_write(path, text->data, text->len, NULL), TS_OK);
    }
    assert_int_equal(ts_file_read(&data, &len, path, 1 << 20, NULL), TS_OK);
    assert_string_equal(data, text->data);
    free(data);
    free(path);
}

static void test_claims__the_page_is_what_they_come_to(void **state)
{
    (void)state;
    struct ts_text markdown, html;
    ts_text_init(&markdown);
    ts_text_init(&html);
    ts_claims_markdown(&markdown, outcomes);
    assert_int_equal(ts_claims_html(&html, outcomes), TS_OK);
    same_file("CLAIMS.md", &markdown);
    same_file("claims.html", &html);
    ts_text_deinit(&markdown);
    ts_text_deinit(&html);
}

/* 500,000 USD a year over 50 M calls a month at 10 USD/Mtok are 83.3 tokens a call. */
static void test_claims__the_bill_turns_at_83_tokens(void **state)
{
    (void)state;
    const struct ts_claim_outcome *outcome = outcome_of("1");
    assert_true(fabs(outcome->value[0] - 6e6) < 6e4);
    assert_int_equal(outcome->verdict, TS_CLAIM_HOLDS_IF);
    assert_true(isinf(outcome->flips[0].low) && fabs(outcome->flips[0].high + 1.0 - 83.3) < 2.0);
}

/* 50 ms buy 320 tokens of prompt at 0.156 ms each. */
static void test_claims__fifty_ms_buy_320_tokens(void **state)
{
    (void)state;
    assert_true(fabs(outcome_of("4b")->flips[0].high - 320.0) < 16.0);
}

/* 30,000 tokens a minute are 43,200 calls a day of 1,000 tokens; a bucket that is full at first adds a little. */
static void test_claims__a_rate_limit_turns_where_it_is_reached(void **state)
{
    (void)state;
    const struct ts_claim_outcome *outcome = outcome_of("9");
    assert_true(fabs(outcome->flips[1].high * 86400.0 - 43200.0) < 2500.0);
    assert_true(fabs(outcome->flips[0].low - 1e5 * 1000.0 / 86400.0) < 60.0);
}

/* 141 GB of weights and 4,096 tokens of 327,680 bytes in 95 % of the memory, beside what the engine keeps. */
static void test_claims__a_model_fits_where_its_bytes_do(void **state)
{
    (void)state;
    const struct ts_claim_outcome *outcome = outcome_of("8b");
    assert_int_equal(outcome->value[0], 0);
    assert_true(outcome->flips[0].low > 141.1e9 && outcome->flips[0].low < 160e9);
    assert_int_equal(outcome_of("8a")->verdict, TS_CLAIM_HOLDS);
}

/* 19.87 GB of weights a token: 10 tokens a second need at least 199 GB/s, more at an efficiency below 1. */
static void test_claims__a_laptop_decodes_at_its_bandwidth(void **state)
{
    (void)state;
    const double turn = outcome_of("7")->flips[0].low;
    assert_true(turn > 199e9 && turn < 300e9);
}

static void test_claims__verdicts_of_every_kind_and_energy_both_ways(void **state)
{
    (void)state;
    size_t n[3] = {0};
    for (size_t i = 0; i < ts_n_claims; i++) {
        n[outcomes[i].verdict]++;
    }
    assert_true(n[TS_CLAIM_HOLDS] > 0 && n[TS_CLAIM_HOLDS_IF] > 0 && n[TS_CLAIM_FAILS] > 0);
    assert_true(fabs(outcome_of("5c")->value[0] - 0.2) < 0.06); /* Wh, measured serving */
    assert_true(outcome_of("5d")->flips[0].turns);              /* few calls: 2.7 Wh */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_claims__the_page_is_what_they_come_to),
        cmocka_unit_test(test_claims__the_bill_turns_at_83_tokens),
        cmocka_unit_test(test_claims__fifty_ms_buy_320_tokens),
        cmocka_unit_test(test_claims__a_rate_limit_turns_where_it_is_reached),
        cmocka_unit_test(test_claims__a_model_fits_where_its_bytes_do),
        cmocka_unit_test(test_claims__a_laptop_decodes_at_its_bandwidth),
        cmocka_unit_test(test_claims__verdicts_of_every_kind_and_energy_both_ways),
    };
    return cmocka_run_group_tests(tests, judge_all, free_all);
}
