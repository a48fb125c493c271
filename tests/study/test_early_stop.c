/* When a point is certain to miss what is wanted: exactly one call after what may be missed, and never sooner. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "study/early_stop.h"
#include "study/trial.h"

/* An API that answers after exactly a second; the SLO allows 2 s, or .5 s. */
static const char text[] = "scenario: second\nseed: 4\n"
                           "workload: {duration: 1000 s, calls: 1/s, classes: [{name: a, share: 100 %, prompt: 9 "
                           "tok, output: 1 tok}]}\n"
                           "tiers:\n  cloud: {kind: api, offers: [OpenAI/gpt-4o], ttft: 1 s}\n"
                           "slo: {ttft: 2 s, attainment: 95 %}\n";

struct fixture {
    struct ts_scenario scenario;
    struct ts_trial_base base;
    struct ts_diags diags;
};

static void load(struct fixture *f, const char *const *sets, size_t n_sets)
{
    memset(f, 0, sizeof *f);
    ts_diags_init(&f->diags);
    f->base = (struct ts_trial_base){
        .scenario = &f->scenario, .path = "stop.yaml", .options = {.text = text, .sets = sets, .n_sets = n_sets}};
    if (ts_scenario_load(&f->scenario, f->base.path, &f->base.options, &f->diags) != TS_OK) {
        fail_msg("%s", f->diags.items[0].message);
    }
}

static void unload(struct fixture *f)
{
    ts_scenario_deinit(&f->scenario);
    ts_diags_deinit(&f->diags);
}

static void test_early_stop__the_51st_of_1000_calls_is_one_too_many(void **state)
{
    (void)state;
    struct fixture f;
    load(&f, NULL, 0);
    const struct ts_early_stop stop = {
        .key = "slo.attainment", .wanted_frac = 0.95, .n_calls = 1000, .most_missed = 50};
    struct ts_early_stop_watch watch = {.stop = &stop, .model = &f.scenario.model};
    const struct ts_request request = {.arrival_ns = 7};
    struct ts_request_record good = {.request = &request, .outcome = TS_DONE, .ttft_ns = 1, .tpot_ns = TS_NEVER_NS};
    struct ts_request_record bad = good;
    bad.outcome = TS_REJECTED;
    for (int i = 0; i < 50; i++) {
        assert_int_equal(ts_early_stop_look(&watch, &good), TS_OK);
        assert_int_equal(ts_early_stop_look(&watch, &bad), TS_OK);
    }
    assert_int_equal(ts_early_stop_look(&watch, &good), TS_OK);
    assert_int_equal(ts_early_stop_look(&watch, &bad), TS_ELIMIT);
    assert_int_equal(watch.n_missed, 51);
    assert_int_equal(watch.at_ns, 7);
    unload(&f);
}

/* Attainment is 1 or 0: nothing stops the one; the other stops when a twentieth of all calls has come. */
static void test_early_stop__a_run_ends_when_a_twentieth_has_missed(void **state)
{
    (void)state;
    static const char *const strict[] = {"slo.ttft=0.5 s"};
    for (size_t n_sets = 0; n_sets < 2; n_sets++) {
        struct fixture f;
        struct ts_early_stop stop;
        struct ts_trial_outcome outcome;
        load(&f, strict, n_sets);
        assert_true(ts_early_stop_applies(&f.scenario));
        assert_int_equal(ts_early_stop_find(&stop, &f.scenario, NULL, NULL, &f.diags), TS_OK);
        assert_true(stop.n_calls > 800 && stop.n_calls < 1200);
        assert_int_equal(stop.most_missed, (stop.n_calls + 19) / 20);
        const struct ts_trial trial = {.base = &f.base};
        const struct ts_trial_options options = {.stop = &stop, .skips_figures = true};
        const enum ts_status status = ts_trial_run(&outcome, &trial, &options, &f.diags);
        assert_int_equal(status, n_sets == 0 ? TS_OK : TS_ELIMIT);
        if (status == TS_OK) {
            ts_trial_outcome_deinit(&outcome);
        } else {
            assert_non_null(strstr(ts_diags_first_error(&f.diags), "slo.attainment of 95 % is missed for certain"));
        }
        unload(&f);
    }
}

static void test_early_stop__needs_calls_that_can_be_counted(void **state)
{
    (void)state;
    static const char *const users[] = {"workload.calls=null", "workload.users=5"};
    struct fixture f;
    struct ts_early_stop stop;
    load(&f, users, 2);
    assert_false(ts_early_stop_applies(&f.scenario));
    assert_int_equal(ts_early_stop_find(&stop, &f.scenario, NULL, NULL, &f.diags), TS_OK);
    assert_null(stop.key);
    unload(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_early_stop__the_51st_of_1000_calls_is_one_too_many),
        cmocka_unit_test(test_early_stop__a_run_ends_when_a_twentieth_has_missed),
        cmocka_unit_test(test_early_stop__needs_calls_that_can_be_counted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
