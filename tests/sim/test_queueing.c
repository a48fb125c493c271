/* The simulator against queueing theory, twice: independent replications with a 99 % confidence interval (Student's t),
 * and long runs with the 95 % interval that a run states by batch means, whose mean must also lie within 1 % of the
 * theory's. A fixed seed makes the outcome certain: a failure means that something changed, not bad luck. */
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
        const struct ts_cell *cell = &result.tiers[0].cells[0];
        assert_int_equal(cell->done + cell->unfinished, station->n);
        assert_true(cell->unfinished == 0 || station->model.drain_s > 0.0);
        sample.wait_s[r] = 1e-9 * ts_hist_mean(&result.tiers[0].cells[0].latency_ns[TS_WAIT]);
        sample.present[r] = result.tiers[0].mean_in_tier;
        sample.busy_frac[r] = result.tiers[0].busy_frac;
        ts_result_deinit(&result);
        free(requests);
    }
    return sample;
}

static double mean_of(const double *x)
{
    double mean = 0.0;
    for (int i = 0; i < N_REPLICATIONS; i++) {
        mean += x[i] / N_REPLICATIONS;
    }
    return mean;
}

static void assert_confident(const char *what, const double *x, double theory)
{
    const double mean = mean_of(x);
    double square = 0.0;
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
static struct station single_server(struct ts_pool_model *pool, double load)
{
    struct ts_tier_model tier = world_server(pool, 0.0);
    pool->replica.max_seqs = 1;
    pool->replica.steps.u.linear.d_s_per_prefill_tok = 1e-6;
    return (struct station){.model = world_model(&tier, 1), .rate_per_s = load, .prompt_mean_tok = 1e6, .n = 100000};
}

/* M/M/1: Wq = rho/(mu - lambda), L = rho/(1 - rho). */
static void test_queueing__mm1_waits_as_theory_says(void **state)
{
    (void)state;
    const double rho = 0.7;
    struct ts_pool_model pool;
    const struct station station = single_server(&pool, rho);
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
    struct ts_pool_model pool;
    struct station station = single_server(&pool, rho);
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
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 1e-3);
    pool.replica.max_seqs = (uint32_t)c;
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

/* An API without limits: M/M/infinity, nobody waits, L = lambda E[S]. The time in which it fills (40 mean services) is
 * left out, and the run ends with the last arrival, so that nothing biases the mean: it must be within 0.1 %. */
static void test_queueing__an_api_without_limits_is_mg_infinity(void **state)
{
    (void)state;
    struct ts_tier_model tier = world_api(0.5, 200.0);
    tier.u.api.ttft_s = ts_dist_exponential(0.5);
    struct station station = {.model = world_model(&tier, 1), .rate_per_s = 20.0, .prompt_mean_tok = 10.0, .n = 400000};
    station.model.warmup_s = 20.0;
    station.model.drain_s = 1e-9;
    struct sample sample = simulate(&station);
    assert_confident("M/M/infinity mean number in system", sample.present, 20.0 * 0.5);
    assert_true(fabs(mean_of(sample.present) / 10.0 - 1.0) < 1e-3);
    station.model.drain_s = 0.0;
    station.output_mean_tok = 100.0;
    station.n = 20000;
    sample = simulate(&station);
    for (int i = 0; i < N_REPLICATIONS; i++) {
        assert_true(sample.wait_s[i] == 0.0);
    }
}

/* ---- long runs ---- */

/* Draws a service time in seconds. */
typedef double service_fn(struct ts_rng *rng);

/* Poisson arrivals, drawn as they are taken: a microsecond of service is a token of the prompt, or step_s of service
 * one of the reply. */
struct poisson_stream {
    struct ts_request_stream base;
    struct ts_rng gaps, services;
    service_fn *service;
    double rate_per_s, step_s; /* step_s = 0: by the prompt */
    double at_s;
    uint64_t n, next;
};

static enum ts_status poisson_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                   struct ts_diags *diags)
{
    struct poisson_stream *poisson = (struct poisson_stream *)stream;
    (void)diags;
    *got = poisson->next < poisson->n;
    poisson->at_s += ts_rng_exponential(&poisson->gaps) / poisson->rate_per_s;
    const double service_s = poisson->service(&poisson->services);
    const bool by_reply = poisson->step_s > 0.0;
    const uint32_t n_tok = (uint32_t)fmax(1.0, service_s / (by_reply ? poisson->step_s : 1e-6) + 0.5);
    *out = world_request(poisson->next++, ts_ns_from_s(poisson->at_s), by_reply ? 1 : n_tok, by_reply ? n_tok : 1);
    return TS_OK;
}

static void poisson_destroy(struct ts_request_stream *stream)
{
    (void)stream;
}

static struct ts_result run_poisson(const struct ts_model *model, service_fn *service, double rate_per_s, double step_s,
                                    uint64_t n, uint32_t replication)
{
    static const struct ts_request_stream_ops ops = {.next = poisson_next, .destroy = poisson_destroy};
    struct poisson_stream stream = {
        .base = {.ops = &ops}, .service = service, .rate_per_s = rate_per_s, .step_s = step_s, .n = n};
    struct ts_result result;
    ts_rng_init(&stream.gaps, 11, replication, 1, 0);
    ts_rng_init(&stream.services, 11, replication, 2, 0);
    assert_int_equal(ts_sim_run(&result, model, &stream.base, NULL, NULL), TS_OK);
    return result;
}

/* Within 1 % of the theory, and the theory inside the 95 % interval. */
static void assert_exact(const char *what, double mean, double half, double theory)
{
    print_message("%s: theory %.5f, simulated %.5f +- %.5f\n", what, theory, mean, half);
    if (!(fabs(mean - theory) <= 0.01 * theory) || !(fabs(mean - theory) <= half)) {
        fail_msg("%s: %.6f +- %.6f, theory says %.6f", what, mean, half, theory);
    }
}

static void assert_wait(const char *what, const struct ts_model *model, service_fn *service, double rate_per_s,
                        double step_s, uint64_t n, double theory_s)
{
    struct ts_result result = run_poisson(model, service, rate_per_s, step_s, n, 0);
    const struct ts_batch_means *waits = &result.tiers[0].batches[TS_WAIT];
    assert_int_equal(result.tiers[0].cells[0].done, n);
    assert_exact(what, ts_batch_means_mean(waits), ts_batch_means_half(waits, 0.95), theory_s);
    ts_result_deinit(&result);
}

static double exponential_service(struct ts_rng *rng)
{
    return ts_rng_exponential(rng);
}

static double constant_service(struct ts_rng *rng)
{
    (void)rng;
    return 1.0;
}

/* Nine of ten take 0.5 s, one takes 5.5 s: E[S] = 1, E[S^2] = 3.25. */
static double two_point_service(struct ts_rng *rng)
{
    return ts_rng_uniform(rng) < 0.9 ? 0.5 : 5.5;
}

static double half_second_service(struct ts_rng *rng)
{
    return 0.5 * ts_rng_exponential(rng);
}

/* Pollaczek-Khinchine: Wq = lambda E[S^2]/(2 (1 - rho)), with E[S] = 1. */
static double pollaczek_khinchine(double lambda, double second_moment)
{
    return lambda * second_moment / (2.0 * (1.0 - lambda));
}

static void test_queueing__long_runs_wait_as_pollaczek_and_khinchine_say(void **state)
{
    (void)state;
    struct ts_pool_model pool;
    const struct ts_model model = single_server(&pool, 0.5).model;
    assert_wait("M/M/1 mean wait, s", &model, exponential_service, 0.5, 0.0, 2000000, pollaczek_khinchine(0.5, 2.0));
    assert_wait("M/D/1 mean wait, s", &model, constant_service, 0.5, 0.0, 1000000, pollaczek_khinchine(0.5, 1.0));
    assert_wait("M/G/1 mean wait, s", &model, two_point_service, 0.5, 0.0, 3000000, pollaczek_khinchine(0.5, 3.25));
}

/* As batching_with_c_seats, with steps of 0.2 ms. */
static void test_queueing__a_long_run_of_c_seats_waits_as_erlang_says(void **state)
{
    (void)state;
    const int c = 2;
    const double lambda = 2.0;
    struct ts_pool_model pool;
    struct ts_tier_model tier = world_server(&pool, 2e-4);
    pool.replica.max_seqs = (uint32_t)c;
    const struct ts_model model = world_model(&tier, 1);
    assert_wait("M/M/2 mean wait, s", &model, half_second_service, lambda, 2e-4, 1500000,
                erlang_c(c, lambda / 2.0) / (c * 2.0 - lambda));
}

/* Erlang's B by its recursion: B(0) = 1, B(k) = a B(k-1)/(k + a B(k-1)). */
static double erlang_b(int c, double a)
{
    double b = 1.0;
    for (int k = 1; k <= c; k++) {
        b = a * b / (k + a * b);
    }
    return b;
}

/* Four devices without a queue, tried in order: a loss system of four servers. Its blocking depends on the mean of the
 * service alone. */
static void test_queueing__calls_that_find_all_lines_busy_are_lost_as_erlang_says(void **state)
{
    (void)state;
    enum { LINES = 4, N_RUNS = 32, N_CALLS = 100000 };
    const double t_95 = 2.0395; /* Student's t, 31 degrees of freedom */
    static service_fn *const services[] = {exponential_service, two_point_service};
    struct ts_tier_model lines[LINES];
    for (uint32_t i = 0; i < LINES; i++) {
        lines[i] = world_device(0.0);
        lines[i].u.device.steps.u.linear.d_s_per_prefill_tok = 1e-6;
        lines[i].u.device.max_queue = 0;
    }
    struct ts_model model = world_model(lines, LINES);
    model.router.n_fallback = LINES;
    for (uint32_t i = 0; i < LINES; i++) {
        model.router.fallback[i] = i;
    }
    for (size_t s = 0; s < COUNT(services); s++) {
        double sum = 0.0;
        double squares = 0.0;
        for (uint32_t r = 0; r < N_RUNS; r++) {
            struct ts_result result = run_poisson(&model, services[s], 3.0, 0.0, N_CALLS, r);
            const double lost = (double)result.tiers[LINES].cells[0].rejected / N_CALLS;
            sum += lost;
            squares += lost * lost;
            ts_result_deinit(&result);
        }
        const double mean = sum / N_RUNS;
        const double half = t_95 * sqrt((squares / N_RUNS - mean * mean) / (N_RUNS - 1));
        assert_exact("Erlang B, share lost", mean, half, erlang_b(LINES, 3.0));
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
        cmocka_unit_test(test_queueing__long_runs_wait_as_pollaczek_and_khinchine_say),
        cmocka_unit_test(test_queueing__a_long_run_of_c_seats_waits_as_erlang_says),
        cmocka_unit_test(test_queueing__calls_that_find_all_lines_busy_are_lost_as_erlang_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
