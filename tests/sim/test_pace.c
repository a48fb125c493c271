/* A machine whose speed changes, and steps as they are reported. */
#include "tests/sim/sim_world.h"

#include <math.h>

static void test_pace__is_linear_between_its_points_and_constant_outside(void **state)
{
    (void)state;
    static const double at_s[] = {1.0, 2.0, 4.0};
    static const double factor[] = {1.0, 3.0, 2.0};
    const struct ts_pace pace = {.at_s = at_s, .factor = factor, .n = COUNT(at_s)};
    assert_true(ts_pace_at(&pace, 0.0) == 1.0);
    assert_true(ts_pace_at(&pace, 1.0) == 1.0);
    assert_true(ts_pace_at(&pace, 1.5) == 2.0);
    assert_true(ts_pace_at(&pace, 2.0) == 3.0);
    assert_true(ts_pace_at(&pace, 3.0) == 2.5);
    assert_true(ts_pace_at(&pace, 4.0) == 2.0);
    assert_true(ts_pace_at(&pace, 1e9) == 2.0);
}

/* Two points at one time: a jump. */
static void test_pace__may_jump(void **state)
{
    (void)state;
    static const double at_s[] = {1.0, 1.0};
    static const double factor[] = {1.0, 2.0};
    const struct ts_pace pace = {.at_s = at_s, .factor = factor, .n = COUNT(at_s)};
    assert_true(ts_pace_at(&pace, 0.5) == 1.0);
    assert_true(ts_pace_at(&pace, 1.0) == 2.0);
}

static enum ts_status take_e2e(void *user, const struct ts_request_record *record)
{
    int64_t *e2e_ns = user;
    e2e_ns[record->request->id] = record->e2e_ns;
    return TS_OK;
}

struct steps {
    uint32_t n, n_decode;
    double prefill_tok;
    int64_t begin_ns[32], step_ns[32];
};

static void take_step(void *user, uint32_t unit, int64_t begin_ns, int64_t step_ns, const struct ts_batch_load *load)
{
    struct steps *steps = user;
    assert_int_equal(unit, 0);
    assert_true(steps->n < COUNT(steps->begin_ns));
    steps->begin_ns[steps->n] = begin_ns;
    steps->step_ns[steps->n++] = step_ns;
    steps->n_decode += load->n_decode;
    steps->prefill_tok += load->prefill_tok;
}

/* Steps of 10 ms; from 1 s on the machine is three times slower. */
static void test_pace__slows_the_steps_that_begin_at_its_time(void **state)
{
    (void)state;
    static const double at_s[] = {1.0, 1.0};
    static const double factor[] = {1.0, 3.0};
    const struct ts_pace pace = {.at_s = at_s, .factor = factor, .n = COUNT(at_s)};
    struct ts_pool_model pool;
    const struct ts_tier_model tier = world_server(&pool, 0.01);
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {world_request(0, 0, 8, 4), world_request(1, 2 * S, 8, 4)};
    int64_t e2e_ns[2] = {0};
    const struct ts_sim_options options = {
        .single_steps = true, .pace = &pace, .on_request = take_e2e, .request_user = e2e_ns};
    struct ts_result result = world_run_with(&model, requests, COUNT(requests), &options);
    assert_int_equal(e2e_ns[0], 40 * MS);
    assert_int_equal(e2e_ns[1], 120 * MS);
    ts_result_deinit(&result);
}

static void test_pace__heat_goes_towards_one_in_prompts_and_towards_zero_else(void **state)
{
    (void)state;
    const double after = ts_pace_heat(0.0, 0.01, true, 0.01);
    assert_true(fabs(after - (1.0 - exp(-1.0))) < 1e-12);
    assert_true(fabs(ts_pace_heat(after, 0.02, false, 0.01) - after * exp(-2.0)) < 1e-12);
    const double halves = ts_pace_heat(ts_pace_heat(0.0, 0.004, true, 0.01), 0.006, true, 0.01);
    assert_true(fabs(halves - after) < 1e-12);
}

/* Steps of 10 ms. The prompt takes 20: it begins cold. What decodes after it begins with the heat that the prompt left
 * and each step before it took from it; so does the next prompt, after a second. */
static void test_pace__steps_behind_a_prompt_are_slower_for_a_while(void **state)
{
    (void)state;
    const struct ts_pace_memory memory = {.prompt = {2.0, 0.02}, .decode = {1.0, 0.005}, .memory_s = 0.02};
    const struct ts_pace pace = {.memory = &memory};
    struct ts_pool_model pool;
    const struct ts_tier_model tier = world_server(&pool, 0.01);
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {world_request(0, 0, 8, 4), world_request(1, 1 * S, 8, 2)};
    struct steps steps = {0};
    const struct ts_sim_options options = {
        .single_steps = true, .pace = &pace, .on_step = take_step, .step_user = &steps};
    struct ts_result result = world_run_with(&model, requests, COUNT(requests), &options);
    double heat = 0.0;
    assert_int_equal(steps.n, 6);
    for (uint32_t i = 0; i < steps.n; i++) {
        const bool has_prompt = i == 0 || i == 4;
        const double idle_s = i == 4 ? 1e-9 * (double)(steps.begin_ns[4] - steps.begin_ns[3] - steps.step_ns[3]) : 0.0;
        heat *= exp(-idle_s / 0.02);
        const double expected_s = has_prompt ? 0.02 + 0.02 * heat : 0.01 + 0.005 * heat;
        assert_true(fabs(1e-9 * (double)steps.step_ns[i] - expected_s) < 2e-9);
        const double kept = exp(-1e-9 * (double)steps.step_ns[i] / 0.02);
        heat = heat * kept + (has_prompt ? 1.0 - kept : 0.0);
    }
    assert_true(steps.step_ns[1] > steps.step_ns[2] && steps.step_ns[2] > steps.step_ns[3]);
    ts_result_deinit(&result);
}

static void test_pace__every_step_is_reported_with_its_length_and_load(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_tier_model tier = world_server(&pool, 0.01);
    const struct ts_model model = world_model(&tier, 1);
    const struct ts_request requests[] = {world_request(0, 0, 8, 4), world_request(1, 2 * S, 20, 3)};
    struct steps steps = {0};
    const struct ts_sim_options options = {.single_steps = true, .on_step = take_step, .step_user = &steps};
    struct ts_result result = world_run_with(&model, requests, COUNT(requests), &options);
    assert_int_equal(steps.n, 7);
    assert_int_equal(steps.n_decode, 3 + 2);
    assert_true(steps.prefill_tok == 28.0);
    for (uint32_t i = 0; i < steps.n; i++) {
        assert_int_equal(steps.step_ns[i], 10 * MS);
        assert_int_equal(steps.begin_ns[i], i < 4 ? i * 10 * MS : 2 * S + (i - 4) * 10 * MS);
    }
    ts_result_deinit(&result);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pace__is_linear_between_its_points_and_constant_outside),
        cmocka_unit_test(test_pace__may_jump),
        cmocka_unit_test(test_pace__slows_the_steps_that_begin_at_its_time),
        cmocka_unit_test(test_pace__heat_goes_towards_one_in_prompts_and_towards_zero_else),
        cmocka_unit_test(test_pace__steps_behind_a_prompt_are_slower_for_a_while),
        cmocka_unit_test(test_pace__every_step_is_reported_with_its_length_and_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
