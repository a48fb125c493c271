/* What holds for generated workloads whatever the seed. Seeds are fixed; the bounds are four or more standard
 * deviations. */
#include "tests/traces/traces_test.h"
#include "traces/trace_stats.h"

enum { REPLICATIONS = 1000 };

static struct ts_request_stream *open_stream(const struct ts_workload *workload, uint64_t seed, uint32_t replication)
{
    struct ts_request_stream *stream = NULL;
    assert_int_equal(ts_workload_open(&stream, workload, seed, replication, NULL, NULL), TS_OK);
    return stream;
}

/* Counts the requests; checks ids, order, window and what every request must have. */
static uint64_t count(const struct ts_workload *workload, uint64_t seed, uint32_t replication)
{
    struct ts_request_stream *stream = open_stream(workload, seed, replication);
    uint64_t n = 0;
    int64_t last_ns = 0;
    int got = 1;
    for (;;) {
        struct ts_request request;
        assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
        if (!got) {
            break;
        }
        bool sound = request.id == n && request.arrival_ns >= last_ns &&
                     request.arrival_ns <= (int64_t)(workload->window.duration_s * 1e9) && request.prompt_tok >= 1 &&
                     request.output_tok >= 1 && request.class_id < workload->n_classes && isfinite(request.difficulty);
        if (!sound) {
            fail_msg("request %llu is not sound", (unsigned long long)n);
        }
        last_ns = request.arrival_ns;
        n++;
    }
    assert_int_equal(ts_request_next(stream, &(struct ts_request){.id = 0}, &got, NULL), TS_OK);
    assert_int_equal(got, 0);
    ts_request_stream_destroy(stream);
    return n;
}

/* Mean of the counts of many replications against the expectation, within 4.5 standard errors. */
static void assert_mean_count(const struct ts_workload *workload, const char *what)
{
    double sum = 0.0;
    double sum_squares = 0.0;
    for (uint32_t replication = 0; replication < REPLICATIONS; replication++) {
        double n = (double)count(workload, 7, replication);
        sum += n;
        sum_squares += n * n;
    }
    double mean = sum / REPLICATIONS;
    double error = sqrt((sum_squares / REPLICATIONS - mean * mean) / REPLICATIONS);
    double expected = ts_workload_expected_calls(workload);
    if (!(fabs(mean - expected) <= 4.5 * error + 1e-9)) {
        fail_msg("%s: %g requests on average, %g expected, standard error %g", what, mean, expected, error);
    }
}

/* A renewal process that began with a full gap at the start of the window would have (cv^2 - 1)/2 requests too many: 31
 * of 100 for CV 8, and a half too few for constant gaps. */
static void test_generator__mean_count_is_exact_in_short_windows_for_every_gap(void **state)
{
    (void)state;
    const struct {
        const char *name;
        struct ts_dist gap;
    } rows[] = {
        {"constant", ts_dist_constant(1.0)},
        {"uniform", ts_dist_uniform(0.0, 2.0)},
        {"exponential", ts_dist_exponential(1.0)},
        {"gamma of CV 1.6", ts_dist_gamma_mean_cv(1.0, 1.6)},
        {"gamma of CV 8", ts_dist_gamma_mean_cv(1.0, 8.0)},
        {"log-normal of CV 2", ts_dist_lognormal_mean_cv(1.0, 2.0)},
        {"Weibull of another mean", ts_dist_weibull(0.7, 35.0)},
    };
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    workload.calls_per_s = 0.5;
    workload.window.duration_s = 201.0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        workload.process.gap = rows[i].gap;
        assert_mean_count(&workload, rows[i].name);
    }
}

static void test_generator__mean_count_follows_the_curve_from_within_an_hour(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    workload.calls_per_s = 0.02;
    workload.process.week_curve = ts_week_curve("office-week");
    workload.window.duration_s = 2.4 * 3600.0;
    workload.window.start_hour = 7.7;
    assert_mean_count(&workload, "Monday morning");
    workload.window.start_hour = 166.9;
    assert_mean_count(&workload, "across the end of the week");
    workload.window.start_hour = -1.1;
    assert_mean_count(&workload, "the same, counted backwards");
}

static void test_generator__count_of_a_day_is_near_its_expectation(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    workload.calls_per_s = 2.0;
    workload.window.duration_s = 86400.0;
    workload.process.gap = ts_dist_gamma_mean_cv(1.0, 1.6);
    double expected = ts_workload_expected_calls(&workload);
    assert_near(expected, 172800.0, 1e-6);
    assert_near((double)count(&workload, 11, 0), expected, 4.0 * 1.6 * sqrt(expected));
}

static void test_generator__gaps_have_the_coefficient_of_variation_asked_for(void **state)
{
    (void)state;
    static const double cvs[] = {0.5, 1.6, 4.0};
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    workload.calls_per_s = 4.0;
    workload.window.duration_s = 86400.0;
    for (size_t i = 0; i < sizeof cvs / sizeof cvs[0]; i++) {
        workload.process.gap = ts_dist_gamma_mean_cv(1.0, cvs[i]);
        struct ts_request_stream *stream = open_stream(&workload, 3, 0);
        struct ts_trace_stats stats;
        assert_int_equal(ts_trace_stats_collect(&stats, stream, NULL), TS_OK);
        assert_near(stats.gap_cv, cvs[i], 0.02 * cvs[i]);
        ts_trace_stats_deinit(&stats);
        ts_request_stream_destroy(stream);
    }
}

/* Poisson arrivals: chi-square over the hours of one week, 168 degrees of freedom, standard deviation 18.3. */
static void test_generator__hourly_counts_follow_the_curve(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    double hours[TS_WEEK_HOURS] = {0.0};
    workload.process.week_curve = ts_week_curve("office-week");
    workload.window.duration_s = TS_WEEK_HOURS * 3600.0;
    workload.window.start_hour = 30.0;
    struct ts_request_stream *stream = open_stream(&workload, 5, 0);
    struct ts_request request;
    int got = 1;
    while (ts_request_next(stream, &request, &got, NULL) == TS_OK && got) {
        hours[(request.arrival_ns / 3600000000000LL + 30) % TS_WEEK_HOURS] += 1.0;
    }
    ts_request_stream_destroy(stream);
    double chi_square = 0.0;
    for (size_t hour = 0; hour < TS_WEEK_HOURS; hour++) {
        double expected = 3600.0 * workload.process.week_curve[hour];
        chi_square += (hours[hour] - expected) * (hours[hour] - expected) / expected;
    }
    assert_in_range((uintmax_t)chi_square, 168 - 92, 168 + 92);
}

static void test_generator__an_hour_of_weight_zero_stays_empty(void **state)
{
    (void)state;
    struct ts_class_spec spec = plain_class();
    struct ts_workload workload = plain_workload(&spec, 1);
    double curve[TS_WEEK_HOURS] = {0.0};
    curve[2] = 84.0;
    curve[167] = 84.0;
    workload.process.week_curve = curve;
    workload.calls_per_s = 0.01;
    workload.window.duration_s = TS_WEEK_HOURS * 3600.0;
    struct ts_request_stream *stream = open_stream(&workload, 5, 0);
    struct ts_request request;
    int got = 1;
    uint64_t n = 0;
    while (ts_request_next(stream, &request, &got, NULL) == TS_OK && got) {
        int64_t hour = request.arrival_ns / 3600000000000LL;
        assert_true(hour == 2 || hour == 167);
        n++;
    }
    ts_request_stream_destroy(stream);
    assert_near((double)n, 6048.0, 4.5 * sqrt(6048.0));
    workload.window.duration_s = 2.0 * 3600.0;
    assert_int_equal(count(&workload, 5, 0), 0);
}

static void test_generator__classes_come_by_their_shares_with_their_own_draws(void **state)
{
    (void)state;
    struct ts_class_spec specs[4] = {plain_class(), plain_class(), plain_class(), plain_class()};
    static const double shares[4] = {0.5, 0.0, 0.3, 0.2};
    double counts[4] = {0.0};
    double difficulty[4] = {0.0};
    for (size_t i = 0; i < 4; i++) {
        specs[i].share = shares[i];
        specs[i].prompt_tok = ts_dist_constant(100.0 * (double)(i + 1));
        specs[i].difficulty = ts_dist_normal((double)i, 0.5);
        specs[i].sensitivity = i == 2 ? TS_RESTRICTED : TS_PUBLIC;
    }
    struct ts_workload workload = plain_workload(specs, 4);
    workload.window.duration_s = 100000.0;
    struct ts_request_stream *stream = open_stream(&workload, 2, 0);
    struct ts_request request;
    int got = 1;
    double n = 0.0;
    while (ts_request_next(stream, &request, &got, NULL) == TS_OK && got) {
        counts[request.class_id] += 1.0;
        difficulty[request.class_id] += request.difficulty;
        assert_int_equal(request.prompt_tok, 100 * (request.class_id + 1));
        assert_int_equal(request.sensitivity, request.class_id == 2 ? TS_RESTRICTED : TS_PUBLIC);
        n += 1.0;
    }
    ts_request_stream_destroy(stream);
    for (size_t i = 0; i < 4; i++) {
        assert_near(counts[i], shares[i] * n, 4.5 * sqrt(n * shares[i] * (1.0 - shares[i])));
        if (counts[i] > 0.0) {
            assert_near(difficulty[i] / counts[i], (double)i, 4.5 * 0.5 / sqrt(counts[i]));
        }
    }
}

static void test_generator__tokens_are_rounded_and_clamped(void **state)
{
    (void)state;
    static const struct {
        double drawn;
        uint32_t cap, expected;
    } rows[] = {{-3.0, 0, 1},   {0.2, 0, 1}, {1.49, 0, 1},        {1.5, 0, 2}, {99.5, 0, 100},
                {99.5, 99, 99}, {5.0, 1, 1}, {1e12, 0, 10000000}, {NAN, 0, 1}};
    struct ts_class_spec spec = plain_class();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        spec.prompt_tok = ts_dist_constant(rows[i].drawn);
        spec.output_tok = ts_dist_constant(rows[i].drawn);
        struct ts_workload workload = plain_workload(&spec, 1);
        workload.max_prompt_tok = rows[i].cap;
        workload.max_output_tok = rows[i].cap;
        struct ts_request_stream *stream = open_stream(&workload, 1, 0);
        struct ts_request request;
        int got = 0;
        assert_int_equal(ts_request_next(stream, &request, &got, NULL), TS_OK);
        assert_int_equal(got, 1);
        assert_int_equal(request.prompt_tok, rows[i].expected);
        assert_int_equal(request.output_tok, rows[i].expected);
        ts_request_stream_destroy(stream);
    }
}

/* The tables' means come out of the draws: within 4.5 standard errors, the rounding of half a token included. */
static void test_generator__draws_of_token_tables_have_their_mean(void **state)
{
    (void)state;
    for (const char *const *name = ts_token_dist_names(); *name != NULL; name++) {
        struct ts_class_spec spec = plain_class();
        assert_true(ts_token_dist(&spec.prompt_tok, *name, false));
        assert_true(ts_token_dist(&spec.output_tok, *name, true));
        struct ts_workload workload = plain_workload(&spec, 1);
        workload.window.duration_s = 100000.0;
        struct ts_request_stream *stream = open_stream(&workload, 1, 0);
        struct ts_trace_stats stats;
        assert_int_equal(ts_trace_stats_collect(&stats, stream, NULL), TS_OK);
        assert_near(ts_hist_mean(&stats.prompt_tok), ts_dist_mean(&spec.prompt_tok),
                    0.02 * ts_dist_mean(&spec.prompt_tok));
        assert_near(ts_hist_mean(&stats.output_tok), ts_dist_mean(&spec.output_tok),
                    0.05 * ts_dist_mean(&spec.output_tok));
        ts_trace_stats_deinit(&stats);
        ts_request_stream_destroy(stream);
    }
}

static bool same(const struct ts_request *a, const struct ts_request *b)
{
    return a->id == b->id && a->arrival_ns == b->arrival_ns && a->prompt_tok == b->prompt_tok &&
           a->output_tok == b->output_tok && a->class_id == b->class_id && a->sensitivity == b->sensitivity &&
           memcmp(&a->difficulty, &b->difficulty, sizeof a->difficulty) == 0;
}

struct pair {
    struct ts_class_spec specs[2];
    struct ts_workload workload;
};

static void init_pair(struct pair *pair)
{
    for (size_t i = 0; i < 2; i++) {
        pair->specs[i] = plain_class();
        pair->specs[i].share = 0.5;
        pair->specs[i].prompt_tok = ts_dist_gamma_mean_cv(1000.0, 1.5);
        pair->specs[i].output_tok = ts_dist_lognormal_median_p95(100.0, 900.0);
    }
    pair->workload = plain_workload(pair->specs, 2);
    pair->workload.process.gap = ts_dist_gamma_mean_cv(1.0, 3.0);
}

static size_t read_pair(const struct pair *pair, uint64_t seed, uint32_t replication, struct ts_request *out,
                        size_t max)
{
    struct ts_request_stream *stream = open_stream(&pair->workload, seed, replication);
    size_t n = read_all(stream, out, max);
    ts_request_stream_destroy(stream);
    return n;
}

enum { MAX = 8192 };

static void test_generator__the_same_seed_and_replication_give_the_same_requests(void **state)
{
    (void)state;
    static struct ts_request a[MAX];
    static struct ts_request b[MAX];
    struct pair pair;
    init_pair(&pair);
    size_t n = read_pair(&pair, 42, 3, a, MAX);
    assert_true(n > 1000);
    assert_int_equal(read_pair(&pair, 42, 3, b, MAX), n);
    for (size_t i = 0; i < n; i++) {
        assert_true(same(&a[i], &b[i]));
    }
}

static void test_generator__another_seed_or_replication_gives_other_requests(void **state)
{
    (void)state;
    static struct ts_request a[MAX];
    static struct ts_request b[MAX];
    static const struct {
        uint64_t seed;
        uint32_t replication;
    } others[] = {{42, 4}, {43, 3}};
    struct pair pair;
    init_pair(&pair);
    size_t n_a = read_pair(&pair, 42, 3, a, MAX);
    for (size_t k = 0; k < 2; k++) {
        size_t n_b = read_pair(&pair, others[k].seed, others[k].replication, b, MAX);
        size_t n = n_a < n_b ? n_a : n_b;
        size_t n_classes = 0;
        for (size_t i = 0; i < n; i++) {
            assert_true(a[i].arrival_ns != b[i].arrival_ns);
            assert_true(a[i].difficulty != b[i].difficulty);
            n_classes += a[i].class_id != b[i].class_id;
        }
        assert_near((double)n_classes, 0.5 * (double)n, 4.5 * 0.5 * sqrt((double)n));
    }
}

/* Streams of random numbers have a purpose each: one assumption changed leaves all other draws alone. */
static void test_generator__changing_one_distribution_leaves_the_other_draws(void **state)
{
    (void)state;
    static struct ts_request a[MAX];
    static struct ts_request b[MAX];
    struct pair pair;
    init_pair(&pair);
    size_t n = read_pair(&pair, 42, 3, a, MAX);
    pair.specs[0].output_tok = ts_dist_gamma_mean_cv(10.0, 0.3);
    pair.specs[1].output_tok = ts_dist_constant(3.0);
    assert_int_equal(read_pair(&pair, 42, 3, b, MAX), n);
    for (size_t i = 0; i < n; i++) {
        b[i].output_tok = a[i].output_tok;
        assert_true(same(&a[i], &b[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_generator__mean_count_is_exact_in_short_windows_for_every_gap),
        cmocka_unit_test(test_generator__mean_count_follows_the_curve_from_within_an_hour),
        cmocka_unit_test(test_generator__count_of_a_day_is_near_its_expectation),
        cmocka_unit_test(test_generator__gaps_have_the_coefficient_of_variation_asked_for),
        cmocka_unit_test(test_generator__hourly_counts_follow_the_curve),
        cmocka_unit_test(test_generator__an_hour_of_weight_zero_stays_empty),
        cmocka_unit_test(test_generator__classes_come_by_their_shares_with_their_own_draws),
        cmocka_unit_test(test_generator__tokens_are_rounded_and_clamped),
        cmocka_unit_test(test_generator__draws_of_token_tables_have_their_mean),
        cmocka_unit_test(test_generator__the_same_seed_and_replication_give_the_same_requests),
        cmocka_unit_test(test_generator__another_seed_or_replication_gives_other_requests),
        cmocka_unit_test(test_generator__changing_one_distribution_leaves_the_other_draws),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
