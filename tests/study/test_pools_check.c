/* Scenarios with prefill and decode pools against recorded deployments; what they are off by is printed. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sim/serving/roofline_fit.h"
#include "study/pools_check.h"
#include "tests/published_catalog.h"

enum { MAX_POINTS = 1024 };

static struct ts_pools_ratio ratios[MAX_POINTS];

static bool any(const struct ts_pooled *point)
{
    (void)point;
    return true;
}

static bool in_parallel(const struct ts_pooled *point)
{
    return point->decode_parallel > 1;
}

static bool out_of_seats(const struct ts_pooled *point)
{
    return point->decode_seqs > 0 &&
           point->users > (double)point->decode_seqs * point->decode_workers * point->decode_parallel;
}

static double median_error(bool (*is_wanted)(const struct ts_pooled *), size_t offset, const char *what)
{
    static double some[MAX_POINTS];
    size_t n = 0;
    for (size_t i = 0; i < catalog.n_pooled; i++) {
        const double ratio = *(const double *)((const char *)&ratios[i] + offset);
        if (is_wanted(&catalog.pooled[i]) && !isnan(ratio)) {
            some[n++] = ratio;
        }
    }
    const double error = ts_roofline_fit_median_error(some, n);
    print_message("%s: %zu points, median error %.3f\n", what, n, error);
    assert_true(n > 25);
    return error;
}

#define OFFSET(field) offsetof(struct ts_pools_ratio, field)

static void test_pools_check__recorded_deployments_are_predicted(void **state)
{
    (void)state;
    assert_true(median_error(any, OFFSET(tpot), "time per token") < 0.12);
    assert_true(median_error(any, OFFSET(rate), "throughput") < 0.15);
    assert_true(median_error(in_parallel, OFFSET(tpot), "time per token, attention in parallel") < 0.12);
}

/* Where the wait for a seat decides, the first token is met; elsewhere the prompts' own time decides, which is not. */
static void test_pools_check__first_tokens_come_with_a_seat(void **state)
{
    (void)state;
    assert_true(median_error(out_of_seats, OFFSET(ttft), "to the first token, more users than seats") < 0.25);
    assert_true(median_error(any, OFFSET(ttft), "to the first token") < 0.5);
}

static int set_up(void **state)
{
    assert_int_equal(load_published_catalog(state), 0);
    assert_true(catalog.n_pooled <= MAX_POINTS);
    assert_int_equal(ts_pools_check(ratios, &catalog, NULL), TS_OK);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pools_check__recorded_deployments_are_predicted),
        cmocka_unit_test(test_pools_check__first_tokens_come_with_a_seat),
    };
    return cmocka_run_group_tests(tests, set_up, unload_catalog);
}
