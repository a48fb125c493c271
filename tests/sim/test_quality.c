/* Right and wrong replies, and routers that predict them, against closed forms and published tables
 * (../shared/data/oracle; skipped where that is not there). */
#include "base/csv.h"
#include "sim/frontier.h"
#include "sim/quality.h"
#include "tests/sim/sim_world.h"

enum { WEAK, STRONG, N_TIERS, N_CALLS = 100000 };

static double logit(double p)
{
    return log(p / (1.0 - p));
}

/* Two tiers, the strong one right wherever the weak one is, and in a share p of the calls besides. */
static struct ts_model two_tiers(double p, double auc)
{
    const double weak = 0.6;
    struct ts_tier_model tiers[N_TIERS] = {world_api(0.001, 1e5), world_api(0.001, 1e5)};
    tiers[WEAK].ability = logit(weak);
    tiers[STRONG].ability = logit(weak + p);
    struct ts_model model = world_model(tiers, N_TIERS);
    model.quality.shared_frac = 1.0;
    model.router.policy = TS_ROUTE_DIFFICULTY;
    model.router.predicts = TS_PREDICTS_CORRECTNESS;
    model.router.auc = auc;
    model.router.n_order = 2;
    model.router.order[1] = STRONG;
    model.router.threshold[1] = INFINITY;
    return model;
}

static struct ts_result run_calls(const struct ts_model *model, uint64_t n)
{
    struct ts_request *requests = calloc(n, sizeof *requests);
    assert_non_null(requests);
    for (uint64_t i = 0; i < n; i++) {
        requests[i] = world_request(i, (int64_t)i * MS, 10, 1);
    }
    struct ts_result result = world_run(model, requests, n);
    free(requests);
    return result;
}

static double apgr_of(double p, double auc)
{
    const struct ts_model model = two_tiers(p, auc);
    struct ts_result result = run_calls(&model, N_CALLS);
    const double apgr = ts_frontier_apgr(&result.frontier, &model);
    ts_result_deinit(&result);
    return apgr;
}

/* Four standard errors of the AUC of that many calls (Hanley and McNeil 1982, at its largest: AUC = 1/2). */
static double auc_error(double p)
{
    return 4.0 * sqrt((1.0 / 3.0 - 0.25) * (1.0 / (p * N_CALLS) + 1.0 / ((1.0 - p) * N_CALLS)));
}

/* ---- closed forms ---- */

static void test_router__a_score_has_the_apgr_that_its_auc_stands_for(void **state)
{
    (void)state;
    const double aucs[] = {0.5, 0.8, 0.95, 1.0}, ps[] = {0.05, 0.2, 0.35};
    for (size_t i = 0; i < COUNT(aucs); i++) {
        for (size_t j = 0; j < COUNT(ps); j++) {
            assert_true(fabs(apgr_of(ps[j], aucs[i]) - ts_quality_apgr(ps[j], 0.0, aucs[i])) < auc_error(ps[j]));
        }
    }
    world_assert_near(ts_quality_apgr(0.2, 0.0, 1.0), 0.9, 1e-12); /* perfect: 1 - p/2 */
}

/* Abilities .4 and 2.0 with difficulties from N(0, 1): where a router that sees the difficulty exactly reaches .599,
 * one that sees the correctness has 1 - p/2. */
static void test_router__what_predicts_correctness_beats_what_sees_difficulty(void **state)
{
    (void)state;
    struct ts_request *requests = calloc(N_CALLS, sizeof *requests);
    struct ts_model model = two_tiers(0.2, 1.0);
    double apgr[2], p = 0.0;
    assert_non_null(requests);
    model.tiers[WEAK].ability = 0.4;
    model.tiers[STRONG].ability = 2.0;
    for (int predicts = 0; predicts < 2; predicts++) {
        struct ts_rng rng;
        ts_rng_init(&rng, 3, 0, 0, 0);
        for (uint64_t i = 0; i < N_CALLS; i++) {
            requests[i] = world_request(i, (int64_t)i * MS, 10, 1);
            requests[i].difficulty = (float)ts_rng_normal(&rng);
        }
        model.router.predicts = predicts == 0 ? TS_PREDICTS_DIFFICULTY : TS_PREDICTS_CORRECTNESS;
        struct ts_result result = world_run(&model, requests, N_CALLS);
        apgr[predicts] = ts_frontier_apgr(&result.frontier, &model);
        p = ts_frontier_quality(&result.frontier, STRONG) - ts_frontier_quality(&result.frontier, WEAK);
        ts_result_deinit(&result);
    }
    assert_true(fabs(apgr[0] - 0.599) < 0.01);
    assert_true(fabs(apgr[1] - (1.0 - p / 2.0)) < 0.001);
    free(requests);
}

/* AUC 1/2: thresholds draw the whole diagonal, whatever is predicted. */
static void test_router__a_random_router_draws_the_random_frontier(void **state)
{
    (void)state;
    for (int predicts = 0; predicts < 2; predicts++) {
        struct ts_model model = two_tiers(0.2, 0.5);
        model.router.predicts = predicts == 0 ? TS_PREDICTS_DIFFICULTY : TS_PREDICTS_CORRECTNESS;
        struct ts_frontier_point points[TS_FRONTIER_BINS + 1];
        for (int t = -1; t <= 1; t++) {
            model.router.threshold[0] = 1.2815515655446004 * t;
            struct ts_result result = run_calls(&model, N_CALLS);
            const struct ts_frontier *frontier = &result.frontier;
            const double weak = ts_frontier_quality(frontier, WEAK), strong = ts_frontier_quality(frontier, STRONG);
            const double share = (double)result.tiers[STRONG].cells[0].done / N_CALLS;
            assert_true(fabs(share - (0.5 - 0.4 * t)) < 4.0 * sqrt(0.25 / N_CALLS));
            ts_frontier_points(points, frontier, &model);
            for (size_t i = 0; i <= TS_FRONTIER_BINS; i++) {
                assert_true(fabs((points[i].quality - weak) / (strong - weak) - points[i].share) < 0.016);
            }
            ts_result_deinit(&result);
        }
    }
}

/* A threshold far from both humps sends on exactly the calls that gain; over three tiers each call ends at the weakest
 * tier that is right. */
static void test_router__a_perfect_router_is_as_good_as_the_oracle(void **state)
{
    (void)state;
    struct ts_tier_model tiers[3] = {world_api(0.001, 1e5), world_api(0.001, 1e5), world_api(0.001, 1e5)};
    struct ts_model model = world_model(tiers, 3);
    model.router = two_tiers(0.2, 1.0).router;
    model.router.n_order = 3;
    model.router.order[2] = 2;
    model.router.threshold[0] = model.router.threshold[1] = 6.0;
    model.quality.shared_frac = 0.5;
    for (uint32_t i = 0; i < 3; i++) {
        model.tiers[i].ability = logit(0.5 + 0.1 * i);
    }
    struct ts_result result = run_calls(&model, N_CALLS);
    uint64_t right = 0;
    for (uint32_t i = 0; i < 3; i++) {
        right += result.tiers[i].cells[0].right;
    }
    assert_true(right == result.frontier.any_right);
    assert_true(result.tiers[0].cells[0].right == result.frontier.right[0]);
    assert_true(result.tiers[2].cells[0].right == result.tiers[2].cells[0].done); /* .7 of 3 x .5 would be wrong */
    ts_result_deinit(&result);
}

/* ---- dependence ---- */

static void test_quality__tiers_share_their_luck_as_stated(void **state)
{
    (void)state;
    const double p1 = 0.6, p2 = 0.8, shares[] = {0.0, 0.576, 1.0};
    for (size_t i = 0; i < COUNT(shares); i++) {
        struct ts_model model = two_tiers(p2 - p1, 1.0);
        model.quality.shared_frac = shares[i];
        struct ts_result result = run_calls(&model, N_CALLS);
        const double n = N_CALLS, error = 4.0 * sqrt(0.25 / n);
        const double either = (double)result.frontier.any_right / n;
        const double both = shares[i] * p1 + (1.0 - shares[i]) * p1 * p2;
        assert_true(fabs(ts_frontier_quality(&result.frontier, WEAK) - p1) < error);
        assert_true(fabs(ts_frontier_quality(&result.frontier, STRONG) - p2) < error);
        assert_true(fabs(either - (p1 + p2 - both)) < error);
        world_assert_near(ts_quality_shared_of(p1, p2, both) + 1.0, shares[i] + 1.0, 1e-12);
        ts_result_deinit(&result);
    }
}

/* The same calls are answered right whatever else the model has: designs are compared call by call. */
static void test_quality__a_further_tier_changes_no_reply(void **state)
{
    (void)state;
    struct ts_model model = two_tiers(0.2, 0.8);
    model.quality.shared_frac = 0.5;
    struct ts_result two = run_calls(&model, 1000);
    model.tiers[2] = model.tiers[STRONG];
    model.n_tiers = 3;
    struct ts_result three = run_calls(&model, 1000);
    assert_true(two.frontier.right[WEAK] == three.frontier.right[WEAK]);
    assert_true(two.frontier.right[STRONG] == three.frontier.right[STRONG]);
    ts_result_deinit(&two);
    ts_result_deinit(&three);
}

static void test_quality__an_accuracy_becomes_the_ability_that_has_it(void **state)
{
    (void)state;
    const struct ts_dist one = ts_dist_constant(0.5), spread = ts_dist_normal(0.0, 1.0);
    world_assert_near(ts_quality_ability_of(0.7, &one), 0.5 + logit(0.7), 1e-9);
    assert_true(fabs(ts_quality_ability_of(0.5, &spread)) < 1e-9);
    /* The mean of logistic(1 - z) over N(0, 1) is .6967347 (by quadrature). */
    assert_true(fabs(ts_quality_ability_of(0.6967347, &spread) - 1.0) < 2e-3);
}

static void test_quality__a_class_has_its_own_ability(void **state)
{
    (void)state;
    static const double weak[] = {-20.0, 20.0}, strong[] = {20.0, -20.0};
    struct ts_model model = two_tiers(0.2, 1.0);
    struct ts_request requests[100];
    model.n_classes = 2;
    model.tiers[WEAK].class_ability = weak;
    model.tiers[STRONG].class_ability = strong;
    for (uint64_t i = 0; i < COUNT(requests); i++) {
        requests[i] = world_request(i, (int64_t)i * MS, 10, 1);
        requests[i].class_id = i % 4 == 0;
    }
    struct ts_result result = world_run(&model, requests, COUNT(requests));
    assert_int_equal(result.frontier.right[WEAK], 25);
    assert_int_equal(result.frontier.right[STRONG], 75);
    ts_result_deinit(&result);
}

/* ---- tables ---- */

/* Any n calls in a row see each row once. */
static void test_quality__a_table_is_walked_evenly(void **state)
{
    (void)state;
    enum { N = 97, ROUNDS = 3 };
    uint32_t right[N];
    for (uint32_t i = 0; i < N; i++) {
        right[i] = i < 10 ? 3 : i < 50 ? 2 : i < 60 ? 1 : 0;
    }
    const struct ts_quality_rows rows = {right, N};
    struct ts_model model = two_tiers(0.2, 1.0);
    model.quality.tables = &rows;
    struct ts_result result = run_calls(&model, (uint64_t)N * ROUNDS);
    assert_int_equal(result.frontier.right[WEAK], 20 * ROUNDS);
    assert_int_equal(result.frontier.right[STRONG], 50 * ROUNDS);
    assert_int_equal(result.frontier.any_right, 60 * ROUNDS);
    ts_result_deinit(&result);
}

static struct ts_csv_reader *open_table(const char *name)
{
    struct ts_diags diags;
    struct ts_csv_reader *reader = NULL;
    char path[512];
    ts_diags_init(&diags);
    (void)snprintf(path, sizeof path, "%s/data/oracle/%s", TS_SHARED_DIR, name);
    const enum ts_status status = ts_csv_open(&reader, path, true, &diags);
    ts_diags_deinit(&diags);
    if (status != TS_OK) {
        skip();
    }
    return reader;
}

/* Weak right or wrong, strong right or wrong, of 15,361 prompts of MMLU and GSM8K (RouteLLM): Mixtral-8x7B and GPT-4.
 * Random: PGR = share. Perfect: first the prompts that gain (p01), then the rest, of which some lose (p10):
 *   PGR(s) = s/(p01 - p10) up to s = p01, then (p01 - p10 (s - p01)/(1 - p01))/(p01 - p10). */
static void test_quality__the_frontier_on_routellms_prompts_is_the_closed_form(void **state)
{
    (void)state;
    enum { MAX_ROWS = 20000, ROUNDS = 8 };
    struct ts_csv_reader *reader = open_table("routellm_pair_correctness.csv");
    const struct ts_csv_row *row = NULL;
    static uint32_t right[MAX_ROWS];
    double counts[4] = {0};
    uint32_t n = 0;
    while (ts_csv_next(reader, &row, NULL) == TS_OK && row && n < MAX_ROWS) {
        right[n] = (uint32_t)(row->fields[2].data[0] == '1') | (uint32_t)(row->fields[3].data[0] == '1') << 1;
        counts[right[n++]]++;
    }
    ts_csv_close(reader);
    assert_int_equal(n, 15361);
    const struct ts_quality_rows rows = {right, n};
    const double p01 = counts[2] / n, p10 = counts[1] / n, gap = p01 - p10;
    for (int perfect = 0; perfect < 2; perfect++) {
        struct ts_model model = two_tiers(0.2, perfect ? 1.0 : 0.5);
        struct ts_frontier_point points[TS_FRONTIER_BINS + 1];
        double worst = 0.0;
        model.quality.tables = &rows;
        struct ts_result result = run_calls(&model, (uint64_t)n * ROUNDS);
        const double weak = ts_frontier_quality(&result.frontier, WEAK);
        world_assert_near(weak, (counts[1] + counts[3]) / n, 1e-12);
        ts_frontier_points(points, &result.frontier, &model);
        for (size_t i = 0; i <= TS_FRONTIER_BINS; i++) {
            const double s = points[i].share;
            const double best = s < p01 ? s / gap : (p01 - p10 * (s - p01) / (1.0 - p01)) / gap;
            worst = fmax(worst, fabs((points[i].quality - weak) / gap - (perfect ? best : s)));
        }
        assert_true(worst < 0.01);
        assert_true(fabs(ts_frontier_apgr(&result.frontier, &model) - ts_quality_apgr(p01, p10, model.router.auc)) <
                    0.01);
        ts_result_deinit(&result);
    }
    world_assert_near(ts_quality_shared_of((counts[1] + counts[3]) / n, (counts[2] + counts[3]) / n, counts[3] / n),
                      0.576, 1e-3); /* the default of quality.shared */
}

/* ---- router_tests.csv ---- */

static double value_in(const char *text, const char *name)
{
    double value = NAN;
    const char *at = strstr(text, name);
    assert_non_null(at);
    assert_int_equal(sscanf(at + strlen(name), "%lf", &value), 1);
    return value;
}

/* Escalated share of a million calls of the cascade, and its quality. */
static void run_cascade(const char *inputs, double *escalated, double *quality)
{
    struct ts_model model = two_tiers(0.2, 1.0);
    model.tiers[WEAK].ability = logit(value_in(inputs, "P(weak right)="));
    model.tiers[STRONG].ability = logit(value_in(inputs, "P(strong right)="));
    model.quality.shared_frac = 0.0;
    model.router.policy = TS_ROUTE_CASCADE;
    model.router.verify = (struct ts_verify_model){.accept_right_frac = 1.0 - value_in(inputs, "reject-right="),
                                                   .reject_wrong_frac = value_in(inputs, "reject-wrong=")};
    struct ts_result result = run_calls(&model, 1000000);
    *escalated = 1e-6 * (double)result.tiers[STRONG].cells[0].done;
    *quality = 1e-6 * (double)(result.tiers[WEAK].cells[0].right + result.tiers[STRONG].cells[0].right);
    ts_result_deinit(&result);
}

static void check_cascade(const char *inputs, const char *expected)
{
    double cost = 0.0, quality = 0.0, escalation = 0.0, got_escalated = 0.0, got_quality = 0.0;
    assert_int_equal(sscanf(expected, "(%lf, %lf, %lf)", &cost, &quality, &escalation), 3);
    run_cascade(inputs, &got_escalated, &got_quality);
    assert_true(fabs(got_escalated - escalation) < 4e-3 * sqrt(escalation * (1.0 - escalation)));
    assert_true(fabs(got_quality - quality) < 4e-3 * sqrt(quality * (1.0 - quality)));
    const double got_cost = value_in(inputs, "cw=") + value_in(inputs, "cv=") + got_escalated * value_in(inputs, "cs=");
    assert_true(fabs(got_cost - cost) < 4e-3 * sqrt(escalation * (1.0 - escalation)));
}

static double closed_form(const char *model, const char *inputs, const char *quantity)
{
    if (strstr(model, "binormal router")) {
        return ts_quality_apgr(value_in(inputs, "p="), 0.0, value_in(inputs, "AUC="));
    }
    if (strstr(inputs, "weak=8.3")) {
        return ts_quality_retained(strstr(inputs, "PGR=") ? value_in(inputs, "PGR=") : 0.0, value_in(inputs, "weak="),
                                   value_in(inputs, "strong="));
    }
    if (strstr(quantity, "share for PGR")) {
        return ts_quality_power_law_share(value_in(quantity, "share for PGR "), value_in(inputs, "A="));
    }
    if (strstr(model, "cheaper than always-strong")) {
        return ts_quality_cascade_worth(0.05, 0.01, 1.0);
    }
    return NAN;
}

static void test_quality__agrees_with_every_row_of_the_shared_table(void **state)
{
    (void)state;
    struct ts_csv_reader *reader = open_table("router_tests.csv");
    const struct ts_csv_row *row = NULL;
    size_t n = 0;
    for (; ts_csv_next(reader, &row, NULL) == TS_OK && row; n++) {
        const char *model = row->fields[0].data, *inputs = row->fields[1].data, *expected = row->fields[3].data;
        if (strcmp(model, "cascade") == 0) {
            check_cascade(inputs, expected);
        } else if (strstr(model, "Monte-Carlo")) {
            const double p = value_in(inputs, "p="), got = apgr_of(p, value_in(inputs, "AUC="));
            assert_true(fabs(got - atof(expected)) < 2.0 * auc_error(p)); /* both are drawn */
        } else if (!(fabs(closed_form(model, inputs, row->fields[2].data) - atof(expected)) <= 1e-6)) {
            fail_msg("%s (%s): got %.9g, want %s", model, inputs, closed_form(model, inputs, row->fields[2].data),
                     expected);
        }
    }
    ts_csv_close(reader);
    assert_int_equal(n, 13);
}

/* A weak tier .7 as right as the strong one, at .05 of its cost, .9 wanted: with an APGR of .802 a share of .24 goes to
 * the strong one, at .28 of its cost; with .5 .667, at .68. */
static void test_quality__what_a_routers_apgr_saves(void **state)
{
    (void)state;
    static const double apgr[] = {0.802, 0.5}, share[] = {0.24, 0.667}, cost[] = {0.28, 0.68};
    const double pgr = (0.9 - 0.7) / (1.0 - 0.7);
    for (int i = 0; i < 2; i++) {
        const double s = ts_quality_power_law_share(pgr, apgr[i]);
        assert_true(fabs(s - share[i]) < 0.005 && fabs(s + (1.0 - s) * 0.05 - cost[i]) < 0.005);
    }
}

/* Both ways, and the frontier whose APGR it is. */
static void test_quality__an_apgr_is_an_auc_and_a_power_law(void **state)
{
    (void)state;
    world_assert_near(ts_quality_auc_of_apgr(0.2, 0.1, ts_quality_apgr(0.2, 0.1, 0.8)), 0.8, 1e-12);
    assert_true(ts_quality_auc_of_apgr(0.5, 0.0, 0.9) == 1.0); /* more than any router reaches: 1 - p/2 */
    double area = 0.0;
    for (int i = 0; i < 100000; i++) {
        area += 1e-5 * ts_quality_power_law((i + 0.5) * 1e-5, 0.802);
    }
    world_assert_near(area, 0.802, 1e-6);
    world_assert_near(ts_quality_power_law(ts_quality_power_law_share(0.5, 0.802), 0.802), 0.5, 1e-12);
    assert_true(fabs(apgr_of(0.2, ts_quality_auc_of_apgr(0.2, 0.0, 0.802)) - 0.802) < auc_error(0.2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_router__a_score_has_the_apgr_that_its_auc_stands_for),
        cmocka_unit_test(test_router__what_predicts_correctness_beats_what_sees_difficulty),
        cmocka_unit_test(test_router__a_random_router_draws_the_random_frontier),
        cmocka_unit_test(test_router__a_perfect_router_is_as_good_as_the_oracle),
        cmocka_unit_test(test_quality__tiers_share_their_luck_as_stated),
        cmocka_unit_test(test_quality__a_further_tier_changes_no_reply),
        cmocka_unit_test(test_quality__an_accuracy_becomes_the_ability_that_has_it),
        cmocka_unit_test(test_quality__a_class_has_its_own_ability),
        cmocka_unit_test(test_quality__a_table_is_walked_evenly),
        cmocka_unit_test(test_quality__the_frontier_on_routellms_prompts_is_the_closed_form),
        cmocka_unit_test(test_quality__agrees_with_every_row_of_the_shared_table),
        cmocka_unit_test(test_quality__what_a_routers_apgr_saves),
        cmocka_unit_test(test_quality__an_apgr_is_an_auc_and_a_power_law),
    };
    return cmocka_run_group_tests_name("quality", tests, NULL, NULL);
}
