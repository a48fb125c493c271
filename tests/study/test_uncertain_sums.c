/* How often promises are kept, of draws that can be counted. */
#include <string.h>

#include "tests/near.h"

#include "study/uncertain_sums.h"

enum { N_DRAWS = 100, N_MONTHS = 12 };

static double odds_of(const struct ts_uncertainty *sums, const char *key)
{
    for (uint32_t i = 0; i < sums->n_promises; i++) {
        if (ts_str_equal(sums->promises[i].key, key)) {
            return sums->promises[i].probability;
        }
    }
    fail_msg("'%s' is no promise", key);
    return 0.0;
}

/* Draw i has i % in every share, i kUSD, i W and i months; bounds at 70, 30, 45 and 10. */
static void test_uncertain_sums__every_promise_has_its_odds(void **state)
{
    (void)state;
    static double figures[N_DRAWS][TS_N_DOUBTS], ahead[N_DRAWS][N_MONTHS + 1];
    struct ts_model model;
    struct ts_uncertainty sums = {.n_draws = 0};
    struct ts_arena arena;
    memset(&model, 0, sizeof model);
    model.money.horizon_months = N_MONTHS;
    model.slo.attainment_frac = 0.9;
    model.limits = (struct ts_limits_model){.min_attainment_frac = (double)NAN,
                                            .max_ttft_p95_s = (double)NAN,
                                            .max_payback_months = 10.0,
                                            .max_cost_usd_per_month = 30e3,
                                            .min_quality_frac = 0.70,
                                            .max_power_w = 45.0};
    for (int i = 0; i < N_DRAWS; i++) {
        figures[i][TS_DOUBT_ATTAINMENT] = figures[i][TS_DOUBT_QUALITY] = i / 100.0;
        figures[i][TS_DOUBT_COST] = i * 1e3;
        figures[i][TS_DOUBT_POWER] = figures[i][TS_DOUBT_PAYBACK] = i;
    }
    ts_arena_init(&arena);
    assert_int_equal(ts_uncertain_sums(&sums, figures[0], ahead[0], N_DRAWS, &model, &arena), TS_OK);
    assert_near(odds_of(&sums, "slo.attainment"), 0.10, 1e-12);
    assert_near(odds_of(&sums, "limits.quality"), 0.30, 1e-12);
    assert_near(odds_of(&sums, "limits.power"), 0.46, 1e-12);
    assert_near(odds_of(&sums, "limits.cost_per_month"), 0.31, 1e-12);
    assert_near(odds_of(&sums, "limits.payback"), 0.11, 1e-12);
    assert_near(odds_of(&sums, "payback"), 0.13, 1e-12);
    assert_near(sums.figures[TS_DOUBT_POWER].p50, 49.5, 1e-12);
    ts_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uncertain_sums__every_promise_has_its_odds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
