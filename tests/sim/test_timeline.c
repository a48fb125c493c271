/* Time series: amounts are split exactly at the bins' borders, and memory is bounded. */
#include "tests/sim/sim_world.h"

#include "sim/flight.h"
#include "sim/timeline.h"

static void test_timeline__an_interval_is_split_at_the_borders(void **state)
{
    (void)state;
    struct ts_timeline t;
    assert_int_equal(ts_timeline_init(&t, 2, S), TS_OK);
    ts_timeline_add(&t, 1, S / 2, 3 * S + S / 4, 8.0);
    assert_int_equal(t.n_bins, 4);
    const double *row = ts_timeline_row(&t, 1);
    assert_true(row[0] == 4.0 && row[1] == 8.0 && row[2] == 8.0 && row[3] == 2.0);
    assert_true(ts_timeline_row(&t, 0)[1] == 0.0);
    ts_timeline_add(&t, 1, S, 2 * S, 1.0); /* ends at a border: no new bin, nothing in the next */
    assert_true(ts_timeline_row(&t, 1)[1] == 9.0 && ts_timeline_row(&t, 1)[2] == 8.0);
    ts_timeline_add(&t, 1, S, S, 1.0);
    assert_true(ts_timeline_row(&t, 1)[1] == 9.0);
    ts_timeline_deinit(&t);
}

static void test_timeline__bins_double_in_width_beyond_the_maximum(void **state)
{
    (void)state;
    struct ts_timeline t;
    assert_int_equal(ts_timeline_init(&t, 1, S), TS_OK);
    const int64_t horizon_ns = 5 * (int64_t)TS_TIMELINE_MAX_BINS * S;
    for (int64_t at_ns = 0; at_ns < horizon_ns; at_ns += 7 * S) {
        ts_timeline_add(&t, 0, at_ns, at_ns + 7 * S, 2.0);
    }
    ts_timeline_count(&t, 0, 3 * S, 100.0);
    assert_true(t.width_ns == 8 * S);
    assert_int_equal(t.cap, TS_TIMELINE_MAX_BINS);
    assert_true(t.n_bins <= TS_TIMELINE_MAX_BINS);
    double sum = 0.0;
    for (uint32_t bin = 0; bin < t.n_bins; bin++) {
        sum += ts_timeline_row(&t, 0)[bin];
    }
    const int64_t covered_ns = (horizon_ns + 7 * S - 1) / (7 * S) * (7 * S);
    world_assert_near(sum, 100.0 + 2.0 * (double)covered_ns / (double)S, 1e-12);
    world_assert_near(ts_timeline_row(&t, 0)[0], 116.0, 1e-12);
    world_assert_near(ts_timeline_row(&t, 0)[1000], 16.0, 1e-12);
    ts_timeline_deinit(&t);
}

static void test_flight__records_are_reused_with_a_new_stamp(void **state)
{
    (void)state;
    const struct ts_request request = world_request(7, 0, 10, 10);
    struct ts_slots flights;
    ts_flights_init(&flights);
    uint32_t a, b;
    assert_int_equal(ts_flights_take(&flights, &a, &request), TS_OK);
    const uint32_t stamp = ts_flights_at(&flights, a)->slot.stamp;
    ts_flights_at(&flights, a)->n_retries = 9;
    ts_slots_give(&flights, a);
    assert_int_equal(ts_flights_take(&flights, &b, &request), TS_OK);
    assert_int_equal(a, b);
    assert_int_equal(ts_flights_at(&flights, b)->slot.stamp, stamp + 1);
    assert_int_equal(ts_flights_at(&flights, b)->n_retries, 0);
    assert_int_equal(ts_flights_at(&flights, b)->request.id, 7);
    assert_true(ts_flights_at(&flights, b)->first_ns == TS_NEVER_NS);
    assert_int_equal(flights.n_used, 1);
    ts_slots_deinit(&flights);
}

static void test_flight__the_pool_has_a_maximum(void **state)
{
    (void)state;
    const struct ts_request request = world_request(0, 0, 10, 10);
    struct ts_slots flights;
    ts_flights_init(&flights);
    flights.cap = TS_FLIGHT_MAX; /* as if it had grown to it and everything were taken */
    uint32_t id = 0;
    assert_int_equal(ts_flights_take(&flights, &id, &request), TS_ERANGE);
    ts_slots_deinit(&flights);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timeline__an_interval_is_split_at_the_borders),
        cmocka_unit_test(test_timeline__bins_double_in_width_beyond_the_maximum),
        cmocka_unit_test(test_flight__records_are_reused_with_a_new_stamp),
        cmocka_unit_test(test_flight__the_pool_has_a_maximum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
