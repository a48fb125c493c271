/* What is used between simulated volumes, where it is known: straight lines, a parabola, steps that must not overshoot;
 * and the ledger that comes of it. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "econ/use_curve.h"

enum { SERVER, API, N_TIERS };

static void close_to(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) {
        fail_msg("got %.15g, want %.15g", got, want);
    }
}

/* A month of a server and an API at that volume, linear in it but for energy: `idle` kWh whatever comes, and `bend` of
 * its square. */
static struct ts_econ_use month_at(double volume, double idle, double bend)
{
    struct ts_econ_use use = {.month_factor = volume, .time_factor = 1.0};
    use.tiers[SERVER] = (struct ts_tier_use){.idle_kwh = idle,
                                             .active_kwh = 300.0 * volume + bend * volume * volume,
                                             .mean_up = 1.0,
                                             .displaced_usd = 900.0 * volume,
                                             .barred_usd = 100.0 * volume,
                                             .calls = 1e5 * volume,
                                             .tokens = 1e8 * volume};
    use.tiers[API] = (struct ts_tier_use){.api_usd = 70.0 * volume, .calls = 1e4 * volume};
    return use;
}

static struct ts_use_curve curve_of(const double *volumes, size_t n, double idle, double bend)
{
    struct ts_use_curve curve = {.n = 0};
    for (size_t i = 0; i < n; i++) {
        const struct ts_econ_use use = month_at(volumes[i], idle, bend);
        ts_use_curve_add(&curve, volumes[i], &use, N_TIERS);
    }
    ts_use_curve_finish(&curve, N_TIERS);
    return curve;
}

static struct ts_model model_of(void)
{
    struct ts_model model;
    memset(&model, 0, sizeof model);
    model.n_tiers = N_TIERS;
    model.n_classes = 1;
    model.tiers[SERVER].kind = TS_TIER_SERVER;
    model.tiers[SERVER].replaces = API;
    model.tiers[SERVER].owned.capex_usd = 20000.0;
    model.tiers[API].kind = TS_TIER_API;
    model.tiers[API].replaces = -1;
    model.money.horizon_months = 24;
    model.money.growth_frac_per_month = 0.03;
    model.money.electricity_usd_per_kwh = 0.3;
    model.money.tariff.peak_usd_per_kwh = NAN;
    return model;
}

static struct ts_econ econ_of(const struct ts_model *model, const struct ts_use_curve *curve, double capacity)
{
    const struct ts_econ_use today = month_at(1.0, 50.0, 0.0);
    struct ts_econ_capacity found = {.is_simulated = true, .curve = curve};
    struct ts_econ econ;
    found.volume[SERVER] = capacity;
    assert_int_equal(ts_econ_of_use(&econ, model, &today, &found, NULL), TS_OK);
    return econ;
}

/* In proportion to the calls: what it is without any curve. */
static void test_use_curve__of_a_straight_line_changes_nothing(void **state)
{
    (void)state;
    static const double volumes[] = {3.0, 1.0, 1.7, 0.5};
    const struct ts_use_curve curve = curve_of(volumes, 4, 50.0, 0.0);
    const struct ts_model model = model_of();
    struct ts_econ with = econ_of(&model, &curve, 1.5), without = econ_of(&model, NULL, 1.5);
    close_to(with.npv_usd, without.npv_usd, 1e-7);
    close_to(with.payback_months, without.payback_months, 1e-9);
    for (uint32_t m = 0; m <= with.n_months; m++) {
        close_to(with.plan_usd[m], without.plan_usd[m], 1e-9);
        close_to(with.lost[m], without.lost[m], 1e-9);
    }
    ts_econ_deinit(&with);
    ts_econ_deinit(&without);
}

/* y = x^2 at 1, 2, 3: the cubic is the parabola. */
static void test_use_curve__has_the_parabola(void **state)
{
    (void)state;
    static const double volumes[] = {1.0, 2.0, 3.0};
    const struct ts_use_curve curve = curve_of(volumes, 3, 50.0, 40.0);
    for (double v = 1.0; v <= 3.0; v += 0.125) {
        const struct ts_tier_use use = ts_use_curve_at(&curve, SERVER, &curve.use[0].tiers[SERVER], v);
        close_to(use.active_kwh, 300.0 + 40.0 * v, 1e-10);
        close_to(use.idle_kwh, 50.0, 0.0);
    }
    const struct ts_tier_use beyond = ts_use_curve_at(&curve, SERVER, &curve.use[0].tiers[SERVER], 9.0);
    close_to(beyond.active_kwh, 300.0 + 40.0 * 3.0, 1e-10);
}

/* A step stays within its ends, and a level is level. */
static void test_use_curve__does_not_overshoot(void **state)
{
    (void)state;
    static const double volumes[] = {1.0, 2.0, 2.1, 4.0}, up[] = {1.0, 1.0, 6.0, 6.0};
    struct ts_use_curve curve = {.n = 0};
    for (size_t i = 0; i < 4; i++) {
        struct ts_econ_use use = month_at(volumes[i], 0.0, 0.0);
        use.tiers[SERVER].mean_up = up[i];
        ts_use_curve_add(&curve, volumes[i], &use, N_TIERS);
    }
    ts_use_curve_finish(&curve, N_TIERS);
    double last = 1.0;
    for (double v = 1.0; v <= 4.0; v += 0.01) {
        const double now = ts_use_curve_at(&curve, SERVER, &curve.use[0].tiers[SERVER], v).mean_up;
        assert_true(now >= last && now <= 6.0);
        assert_true(v > 2.0 || now == 1.0);
        last = now;
    }
    close_to(last, 6.0, 0.0);
}

/* Energy a + b v of which a falls as machines work more: idle 50 at volume 1, 20 at 2, 0.3 USD a kWh; and with two lots
 * the load of each is half. Month 24 of 3 % growth: v = 1.97359. */
static void test_use_curve__is_in_the_ledger(void **state)
{
    (void)state;
    struct ts_use_curve curve = {.n = 0};
    for (int v = 1; v <= 2; v++) {
        const struct ts_econ_use use = month_at(v, 80.0 - 30.0 * v, 0.0);
        ts_use_curve_add(&curve, v, &use, N_TIERS);
    }
    ts_use_curve_finish(&curve, N_TIERS);
    struct ts_model model = model_of();
    struct ts_econ econ = econ_of(&model, &curve, INFINITY);
    for (uint32_t m = 1; m <= econ.n_months; m++) {
        const double v = pow(1.03, m - 1.0);
        close_to(econ.ledger_usd[ts_econ_row(&econ, m, SERVER)][TS_COST_ENERGY], 0.3 * (80.0 - 30.0 * v + 300.0 * v),
                 1e-9);
        close_to(econ.ledger_usd[ts_econ_row(&econ, m, API)][TS_COST_API], 70.0 * v, 1e-9);
    }
    ts_econ_deinit(&econ);
    model.tiers[SERVER].owned.when_full = TS_FULL_BUY;
    econ = econ_of(&model, &curve, 1.5);
    const double v = pow(1.03, 23.0);
    close_to(econ.units[ts_econ_row(&econ, 24, SERVER)], 2.0, 0.0);
    close_to(econ.ledger_usd[ts_econ_row(&econ, 24, SERVER)][TS_COST_ENERGY],
             0.3 * (2.0 * (80.0 - 30.0 * v / 2.0 > 50.0 ? 50.0 : 80.0 - 30.0 * v / 2.0) + 300.0 * v), 1e-9);
    ts_econ_deinit(&econ);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_use_curve__of_a_straight_line_changes_nothing),
        cmocka_unit_test(test_use_curve__has_the_parabola),
        cmocka_unit_test(test_use_curve__does_not_overshoot),
        cmocka_unit_test(test_use_curve__is_in_the_ledger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
