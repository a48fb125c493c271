/* The highest power of what is owned, of series that are written down. */
#include "econ/econ.h"
#include "tests/near.h"

static void test_peak__is_of_all_owned_tiers_together(void **state)
{
    (void)state;
    static double edge_w[] = {100.0, 300.0, 200.0}, spare_w[] = {50.0, 10.0, 400.0}, cloud_w[] = {9e3, 9e3, 9e3};
    static struct ts_tier_result tiers[4] = {{.power_w = edge_w}, {.power_w = spare_w}, {.power_w = cloud_w}};
    static struct ts_model model = {
        .n_tiers = 3, .tiers = {{.kind = TS_TIER_SERVER}, {.kind = TS_TIER_SERVER}, {.kind = TS_TIER_API}}};
    const struct ts_result result = {.n_tiers = 3, .tiers = tiers, .n_bins = 3};
    double own_w;
    assert_near(ts_econ_peak_w(&own_w, &model, &result, 0), 600.0, 0.0);
    assert_near(own_w, 200.0, 0.0);
    assert_near(ts_econ_peak_w(&own_w, &model, &result, 4), 600.0, 0.0);
    assert_near(own_w, 0.0, 0.0);
    model.tiers[1].owned.rent_usd_per_h = 2.0; /* on somebody else's site */
    assert_near(ts_econ_peak_w(&own_w, &model, &result, 0), 300.0, 0.0);
    assert_near(own_w, 300.0, 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_peak__is_of_all_owned_tiers_together)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
