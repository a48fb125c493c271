/* The simulator against queueing theory. Independent replications give a mean and a 99 % confidence interval (Student's
 * t); the theory's value must lie inside. A fixed seed makes the outcome certain: a failure means that something
 * changed, not bad luck. */
#include "tests/sim/sim_world.h"

enum { N_REPLICATIONS = 20 };
static const double t_99 = 2.8609; /* Student's t, 19 degrees of freedom, two-sided 99 % */

struct station {
    struct ts_model model;
    double rate_per_s;
    double prompt_mean_tok; /* exponential; constant if prompt_constant */
    double output_mean_tok; /* exponential; 1 if 0 */
    bool prompt_constant;
    uint64_t n;
};

struct sample {
    double wait_s[N_REPLICATIONS];
    double present[N_REPLICATIONS];
    double busy_frac[N_REPLICATIONS];
};

static struct ts_request *arrivals(const struct station *station, uint32_t replication)
{
    struct ts_request *requests = calloc(station->n, sizeof *requests);
    struct ts_rng rng;
    double t = 0.0;
    assert_non_null(requests);
    ts_rng_init(&rng, 2024, replication, 0, 0);
    for (uint64_t i = 0; i < station->n; i++) {
        t += ts_rng_exponential(&rng) / station->rate_per_s;
        const double prompt_tok =
            station->prompt_mean_tok * (station->prompt_constant ? 1.0 : ts_rng_exponential(&rng));
        const double output_tok =
            station->output_mean_tok > 0.0 ? station->output_mean_tok * ts_rng_exponential(&rng) : 0.0;
        requests[i] = world_request(i, ts_ns_from_s(t), (uint32_t)fmax(1.0, prompt_tok + 0.5),
                                    (uint32_t)fmax(1.0, output_tok + 0.5));
    }
    return requests;
}

static struct sample simulate(const struct station *station)
{
    struct sample sample;
    for (uint32_t r = 0; r < N_REPLICATIONS; r++) {
        struct ts_request *requests = arrivals(station, r);
        const struct ts_sim_options options = {.replication = r};
        struct ts_result result = world_run_with(&station->model, requests, station->n, &options);
        assert_int_equal(result.tiers[0].cells[0].done, station->n);
        sample.wait_s[r] = 1e-9 * ts_hist_mean(&result.tiers[0].cells[0].latency_ns[TS_WAIT]);
        sample.present[r] = result.tiers[0].mean_in_tier;
        sample.busy_frac[r] = result.tiers[0].busy_frac;
        ts_result_deinit(&result);
        free(requests);
    }
    return sample;
}

static void assert_confident(const char *what, const double *x, double theory)
{
    double mean = 0.0;
    double square = 0.0;
    for (int i = 0; i < N_REPLICATIONS; i++) {
        mean += x[i] / N_REPLICATIONS;
    }
    for (int i = 0; i < N_REPLICATIONS; i++) {
        square += (x[i] - mean) * (x[i] - mean);
    }
    const double half = t_99 * sqrt(square / (N_REPLICATIONS - 1) / N_REPLICATIONS);
    print_message("%s: theory %.4f, simulated %.4f +- %.4f\n", what, theory, mean, half);
    if (!(fabs(mean - theory) <= half) || !(half < 0.05 * fmax(theory, 0.1))) {
        fail_msg("%s: %.5f +- %.5f, theory says %.5f", what, mean, half, theory);
    }
}

/* One sequence at a time, a microsecond a prompt token, one token out: a single server whose service times are the
 * prompts. */
static struct station single_server(double load)
{
    struct ts_tier_model tier = world_server(0.0);
    tier.u.server.max_seqs = 1;
    tier.u.server.steps.u.linear.d_s_per_prefill_tok = 1e-6;
    return (struct station){.model = world_model(&tier, 1), .rate_per_s = load, .prompt_mean_tok = 1e6, .n = 100000};
}

/* M/M/1: Wq = rho/(mu - lambda), L = rho/(1 - rho). */
static void test_queueing__mm1_waits_as_theory_says(void **state)
{
    (void)state;
    const double rho = 0.7;
    const struct station station = single_server(rho);
    const struct sample sample = simulate(&station);
    assert_confident("M/M/1 mean wait, s", sample.wait_s, rho / (1.0 - rho));
    assert_confident("M/M/1 mean number in system", sample.present, rho / (1.0 - rho));
    assert_confident("M/M/1 busy share", sample.busy_frac, rho);
}

/* M/D/1 (Pollaczek-Khinchine): Wq = rho/(2 mu (1 - rho)). */
static void test_queueing__md1_waits_half_as_long(void **state)
{
    (void)state;
    const double rho = 0.7;
    struct station station = single_server(rho);
    station.prompt_constant = true;
    const struct sample sample = simulate(&station);
    assert_confident("M/D/1 mean wait, s", sample.wait_s, rho / (2.0 * (1.0 - rho)));
    assert_confident("M/D/1 mean number in system", sample.present, rho + rho * rho / (2.0 * (1.0 - rho)));
}

/* The same M/M/1 on one user's device. */
static void test_queueing__a_device_is_an_mm1_too(void **state)
{
    (void)state;
    const double rho = 0.6;
    struct ts_tier_model tier = world_device(0.0);
    tier.u.device.steps.u.linear.d_s_per_prefill_tok = 1e-6;
    const struct station station = {
        .model = world_model(&tier, 1), .rate_per_s = rho, .prompt_mean_tok = 1e6, .n = 50000};
    const struct sample sample = simulate(&station);
    assert_confident("device M/M/1 mean wait, s", sample.wait_s, rho / (1.0 - rho));
    assert_confident("device busy share", sample.busy_frac, rho);
}

/* Erlang's C: the probability that all c servers are busy, for a = lambda/mu. */
static double erlang_c(int c, double a)
{
    double term = 1.0;
    double sum = 0.0;
    for (int k = 0; k < c; k++) {
        sum += term;
        term *= a / (k + 1);
    }
    const double last = term * c / (c - a);
    return last / (sum + last);
}

/* Batching with c seats and a step time that does not depend on the batch is c servers with one queue: a request holds
 * a seat for as many steps as it has tokens. Steps of 1 ms against a mean service of 0.5 s: the grain of time is 0.2 %.
 * Wq = C/(c mu - lambda). */
static void test_queueing__batching_with_c_seats_is_mmc(void **state)
{
    (void)state;
    const int c = 4;
    const double mu = 2.0;
    const double lambda = 6.0;
    struct ts_tier_model tier = world_server(1e-3);
    tier.u.server.max_seqs = (uint32_t)c;
    const struct station station = {.model = world_model(&tier, 1),
                                    .rate_per_s = lambda,
                                    .prompt_mean_tok = 1.0,
                                    .prompt_constant = true,
                                    .output_mean_tok = 500.0,
                                    .n = 40000};
    const struct sample sample = simulate(&station);
    const double wait_s = erlang_c(c, lambda / mu) / (c * mu - lambda);
    assert_confident("M/M/4 mean wait, s", sample.wait_s, wait_s);
    assert_confident("M/M/4 mean number in system", sample.present, lambda * (wait_s + 1.0 / mu));
}

/* An API without limits: M/G/infinity, nobody waits, L = lambda E[S]; here E[S] = 0.5 s + 100 gaps at 200 tok/s. */
static void test_queueing__an_api_without_limits_is_mg_infinity(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_api(0.5, 200.0);
    tier.u.api.ttft_s = ts_dist_exponential(0.5);
    struct station station = {.model = world_model(&tier, 1),
                              .rate_per_s = 20.0,
                              .prompt_mean_tok = 10.0,
                              .n = 20000,
                              .output_mean_tok = 0.0};
    struct sample sample = simulate(&station);
    assert_confident("M/M/infinity mean number in system", sample.present, 20.0 * 0.5);
    station.output_mean_tok = 100.0;
    sample = simulate(&station);
    for (int i = 0; i < N_REPLICATIONS; i++) {
        assert_true(sample.wait_s[i] == 0.0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queueing__mm1_waits_as_theory_says),
        cmocka_unit_test(test_queueing__md1_waits_half_as_long),
        cmocka_unit_test(test_queueing__a_device_is_an_mm1_too),
        cmocka_unit_test(test_queueing__batching_with_c_seats_is_mmc),
        cmocka_unit_test(test_queueing__an_api_without_limits_is_mg_infinity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
