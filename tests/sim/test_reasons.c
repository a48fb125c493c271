/* Why attempts end: each reason once where the call goes on and once where it is lost by it, counted on paper; and the
 * time, tokens and money of attempts that were left since they took too long. */
#include "tests/sim/sim_world.h"

enum { FIRST, SECOND, NOWHERE };

/* The first tier is meant for every call, the second is what they fall back to; 1,000 tokens a second. */
static struct ts_model two_apis(void)
{
    const struct ts_tier_model tiers[2] = {world_api(0.5, 1000.0), world_api(0.1, 1000.0)};
    struct ts_model model = world_model(tiers, 2);
    model.router.fallback[0] = SECOND;
    model.router.n_fallback = 1;
    return model;
}

static const struct ts_attempts *attempts_of(const struct ts_result *result, uint32_t tier)
{
    return &result->tiers[tier].cells[0].attempts;
}

/* One call at 1 s ends at the first tier for that reason, and is answered by the second; without that it is lost. */
static void assert_reason(const struct ts_model *model, enum ts_reason reason, uint32_t lost_at)
{
    const struct ts_request request = world_request(0, S, 100, 10);
    struct ts_result result = world_run(model, &request, 1);
    assert_int_equal(attempts_of(&result, FIRST)->sent, 1);
    assert_int_equal(attempts_of(&result, FIRST)->went_on[reason], 1);
    assert_int_equal(attempts_of(&result, SECOND)->sent, 1);
    assert_int_equal(attempts_of(&result, SECOND)->answered, 1);
    ts_result_deinit(&result);
    struct ts_model alone = *model;
    alone.router.n_fallback = 0;
    result = world_run(&alone, &request, 1);
    assert_int_equal(attempts_of(&result, FIRST)->lost[reason], 1);
    assert_int_equal(result.tiers[lost_at].cells[0].rejected, 1);
    ts_result_deinit(&result);
}

static void test_reason__barred_by_a_rule(void **state)
{
    (void)state;
    struct ts_model model = two_apis();
    model.router.rules[0] = (struct ts_rule){.sensitivity = -1, .class_id = -1, .barred = 1U << FIRST};
    model.router.n_rules = 1;
    assert_reason(&model, TS_REASON_BARRED, NOWHERE);
}

static void test_reason__barred_as_the_device_is_not_eligible(void **state)
{
    (void)state;
    struct ts_model model = two_apis();
    model.tiers[FIRST] = world_device(0.01);
    model.tiers[FIRST].u.device.eligible_frac = 0.0;
    assert_reason(&model, TS_REASON_BARRED, NOWHERE);
}

static void test_reason__too_long_for_the_context(void **state)
{
    (void)state;
    struct ts_model model = two_apis();
    model.tiers[FIRST].context_tok = 109;
    assert_reason(&model, TS_REASON_TOO_LONG, NOWHERE);
    model.tiers[FIRST] = world_device(0.01);
    model.tiers[FIRST].context_tok = 109;
    assert_reason(&model, TS_REASON_TOO_LONG, NOWHERE);
}

static void test_reason__throttled_by_an_incident_and_failed_by_a_coin(void **state)
{
    (void)state;
    struct ts_model model = two_apis();
    struct ts_incident_model incident = {
        .kind = TS_INCIDENT_THROTTLED, .link = -1, .tier = FIRST, .offer = -1, .for_s = 10.0, .share_frac = 1.0};
    model.incidents = &incident;
    model.n_incidents = 1;
    assert_reason(&model, TS_REASON_THROTTLED, FIRST);
    incident.kind = TS_INCIDENT_DOWN;
    assert_reason(&model, TS_REASON_DOWN, FIRST);
    model.n_incidents = 0;
    model.tiers[FIRST].u.api.availability_frac = 0.0;
    assert_reason(&model, TS_REASON_FAILED, FIRST);
}

/* The line is down when the call is sent; and when the reply is on its way, which another tier then gives again. */
static void test_reason__down_as_the_line_is(void **state)
{
    (void)state;
    struct ts_model model = two_apis();
    model.links[0] = (struct ts_link_model){
        .name = "wan", .rtt_s = ts_dist_constant(0.0), .jitter_s = ts_dist_constant(0.0), .detect_s = 0.01};
    model.n_links = 1;
    model.tiers[FIRST].link = 0;
    struct ts_incident_model incident = {.link = 0, .tier = -1, .offer = -1, .for_s = 10.0, .share_frac = 1.0};
    model.incidents = &incident;
    model.n_incidents = 1;
    assert_reason(&model, TS_REASON_DOWN, NOWHERE);
    incident.at_s = 1.505; /* amid the reply */
    assert_reason(&model, TS_REASON_DOWN, NOWHERE);
}

/* Of three calls at once one is served on the user's device, and with no place to wait the others are turned away. */
static void test_reason__full(void **state)
{
    (void)state;
    struct ts_model model = two_apis();
    model.tiers[FIRST] = world_device(0.01);
    model.tiers[FIRST].u.device.max_queue = 0;
    const struct ts_request requests[] = {world_request(0, 0, 1, 1), world_request(1, 0, 1, 1),
                                          world_request(2, 0, 1, 1)};
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    assert_int_equal(attempts_of(&result, FIRST)->sent, 3);
    assert_int_equal(attempts_of(&result, FIRST)->answered, 1);
    assert_int_equal(attempts_of(&result, FIRST)->went_on[TS_REASON_FULL], 2);
    assert_int_equal(attempts_of(&result, SECOND)->answered, 2);
    ts_result_deinit(&result);
}

/* Patience of 300 ms, less than the 500 ms that a token takes; and a run that ends before. */
static void test_reason__gave_up_and_still_open(void **state)
{
    (void)state;
    struct ts_model model = two_apis();
    model.patience_s = 0.3;
    const struct ts_request request = world_request(0, S, 100, 10);
    struct ts_result result = world_run(&model, &request, 1);
    assert_int_equal(attempts_of(&result, FIRST)->lost[TS_REASON_GAVE_UP], 1);
    ts_result_deinit(&result);
    model.patience_s = 0.0;
    model.drain_s = 0.2;
    result = world_run(&model, &request, 1);
    assert_int_equal(attempts_of(&result, FIRST)->open, 1);
    ts_result_deinit(&result);
}

/* The first tier takes 500 ms to a token. After 200 ms there the call goes on: its first token comes after 200 + 100
 * ms. The first provider has read the prompt, and charges for it: 100 tokens at 2.50 USD/Mtok. With 500 ms the token is
 * in time. With nothing to fall back to the call stays. */
static void test_fallback_after__a_slow_tier_is_left(void **state)
{
    (void)state;
    struct ts_model model = two_apis();
    model.router.fallback_after_s = 0.2;
    const struct ts_request request = world_request(0, S, 100, 10);
    struct ts_result result = world_run(&model, &request, 1);
    assert_int_equal(attempts_of(&result, FIRST)->went_on[TS_REASON_TOO_SLOW], 1);
    assert_int_equal(attempts_of(&result, SECOND)->answered, 1);
    const struct ts_cell *first = &result.tiers[FIRST].cells[0];
    assert_int_equal(first->superseded, 1);
    world_assert_near(first->superseded_usd, 100 * 2.5e-6, 1e-12);
    assert_true(ts_hist_sum(&result.tiers[SECOND].cells[0].latency_ns[TS_TTFT]) == 300.0 * MS);
    ts_result_deinit(&result);
    model.router.fallback_after_s = 0.5;
    result = world_run(&model, &request, 1);
    assert_int_equal(attempts_of(&result, FIRST)->answered, 1);
    ts_result_deinit(&result);
    model.router.fallback_after_s = 0.2;
    model.router.n_fallback = 0;
    result = world_run(&model, &request, 1);
    assert_int_equal(attempts_of(&result, FIRST)->answered, 1);
    ts_result_deinit(&result);
}

/* A device that works for 1 s on its prompt is left after 200 ms: its energy until then is in the books, 200 ms of 4 W
 * above idle. */
static void test_fallback_after__energy_until_then_counts(void **state)
{
    (void)state;
    struct ts_model model = two_apis();
    model.tiers[FIRST] = world_device(1.0);
    model.tiers[FIRST].u.device.power =
        (struct ts_power_model){.idle_w = 1.0, .prefill_w = 5.0, .decode_w = 3.0, .pue = 1.0};
    model.router.fallback_after_s = 0.2;
    const struct ts_request request = world_request(0, S, 100, 10);
    struct ts_result result = world_run(&model, &request, 1);
    assert_int_equal(attempts_of(&result, FIRST)->went_on[TS_REASON_TOO_SLOW], 1);
    world_assert_near(result.tiers[FIRST].active_j, 0.2 * 4.0, 1e-12);
    assert_int_equal(result.tiers[SECOND].cells[0].done, 1);
    ts_result_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reason__barred_by_a_rule),
        cmocka_unit_test(test_reason__barred_as_the_device_is_not_eligible),
        cmocka_unit_test(test_reason__too_long_for_the_context),
        cmocka_unit_test(test_reason__throttled_by_an_incident_and_failed_by_a_coin),
        cmocka_unit_test(test_reason__down_as_the_line_is),
        cmocka_unit_test(test_reason__full),
        cmocka_unit_test(test_reason__gave_up_and_still_open),
        cmocka_unit_test(test_fallback_after__a_slow_tier_is_left),
        cmocka_unit_test(test_fallback_after__energy_until_then_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
