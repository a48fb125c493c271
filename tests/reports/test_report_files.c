/* summary.csv, timeseries.csv, run.json, manifest.json: exact where a reader would parse them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/json.h"
#include "report_fixture.h"
#include "reports/chart.h"
#include "reports/report_parts.h"

enum { MAX_BYTES = 1 << 24 };

struct scratch_file {
    char path[64];
};

static struct scratch_file scratch_file(void)
{
    struct scratch_file file = {"/tmp/tiersim-report-XXXXXX"};
    int fd = mkstemp(file.path);
    assert_true(fd >= 0);
    close(fd);
    return file;
}

typedef enum ts_status write_fn(const char *path, const struct ts_report *report, struct ts_diags *diags);

static char *written_by(write_fn *write, const struct report_fixture *fixture)
{
    struct scratch_file file = scratch_file();
    struct ts_report *report = report_fixture_report(fixture);
    char *text = NULL;
    size_t len = 0;
    assert_int_equal(write(file.path, report, NULL), TS_OK);
    ts_report_destroy(report);
    assert_int_equal(ts_file_read(&text, &len, file.path, MAX_BYTES, NULL), TS_OK);
    unlink(file.path);
    return text;
}

static void test_summary_csv__every_row_of_a_tier_is_exact(void **state)
{
    (void)state;
    struct report_fixture fixture;
    report_fixture_tiny(&fixture);
    char *text = written_by(ts_report_summary_csv, &fixture);
    assert_true(ts_str_has_prefix(
        text, "scenario,replication,tier,class,metric,stat,value,unit\nhybrid,all,all,all,arrived,sum,5,1\n"));
    const char *edge = "hybrid,all,edge,all,arrived,sum,2,1\n"
                       "hybrid,all,edge,all,done,sum,2,1\n"
                       "hybrid,all,edge,all,rejected,sum,0,1\n"
                       "hybrid,all,edge,all,timed_out,sum,0,1\n"
                       "hybrid,all,edge,all,unfinished,sum,0,1\n"
                       "hybrid,all,edge,all,slo_met,sum,1,1\n"
                       "hybrid,all,edge,all,fell_back,sum,0,1\n"
                       "hybrid,all,edge,all,prompt_tok,sum,2000,tok\n"
                       "hybrid,all,edge,all,output_tok,sum,102,tok\n"
                       "hybrid,all,edge,all,attainment,mean,0.5,frac\n"
                       "hybrid,all,edge,all,quality,mean,0.5,frac\n"
                       "hybrid,all,edge,all,goodput,mean,0.0002777777777777778,1/s\n"
                       "hybrid,all,edge,all,output_rate,mean,0.028333333333333332,tok/s\n"
                       "hybrid,all,edge,all,ttft,mean,1.125,s\n"
                       "hybrid,all,edge,all,ttft,p50,0.25,s\n"
                       "hybrid,all,edge,all,ttft,p95,2,s\n"
                       "hybrid,all,edge,all,ttft,p99,2,s\n"
                       "hybrid,all,edge,all,ttft,p999,2,s\n"
                       "hybrid,all,edge,all,ttft,max,2,s\n"
                       "hybrid,all,edge,all,ttft_server,mean,,s\n"
                       "hybrid,all,edge,all,ttft_server,p50,,s\n"
                       "hybrid,all,edge,all,ttft_server,p95,,s\n"
                       "hybrid,all,edge,all,ttft_server,p99,,s\n"
                       "hybrid,all,edge,all,ttft_server,p999,,s\n"
                       "hybrid,all,edge,all,ttft_server,max,,s\n"
                       "hybrid,all,edge,all,tpot,mean,0.02,s\n"
                       "hybrid,all,edge,all,tpot,p50,0.02,s\n"
                       "hybrid,all,edge,all,tpot,p95,0.02,s\n"
                       "hybrid,all,edge,all,tpot,p99,0.02,s\n"
                       "hybrid,all,edge,all,tpot,p999,0.02,s\n"
                       "hybrid,all,edge,all,tpot,max,0.02,s\n"
                       "hybrid,all,edge,all,itl,mean,0.02,s\n"
                       "hybrid,all,edge,all,itl,p50,0.02,s\n"
                       "hybrid,all,edge,all,itl,p95,0.02,s\n"
                       "hybrid,all,edge,all,itl,p99,0.02,s\n"
                       "hybrid,all,edge,all,itl,p999,0.02,s\n"
                       "hybrid,all,edge,all,itl,max,0.02,s\n"
                       "hybrid,all,edge,all,e2e,mean,2.125,s\n"
                       "hybrid,all,edge,all,e2e,p50,2,s\n"
                       "hybrid,all,edge,all,e2e,p95,2.25,s\n"
                       "hybrid,all,edge,all,e2e,p99,2.25,s\n"
                       "hybrid,all,edge,all,e2e,p999,2.25,s\n"
                       "hybrid,all,edge,all,e2e,max,2.25,s\n"
                       "hybrid,all,edge,all,wait,mean,0,s\n"
                       "hybrid,all,edge,all,wait,p50,0,s\n"
                       "hybrid,all,edge,all,wait,p95,0,s\n"
                       "hybrid,all,edge,all,wait,p99,0,s\n"
                       "hybrid,all,edge,all,wait,p999,0,s\n"
                       "hybrid,all,edge,all,wait,max,0,s\n"
                       "hybrid,all,edge,all,ttft_ci95,mean,,s\n"
                       "hybrid,all,edge,all,ttft_server_ci95,mean,,s\n"
                       "hybrid,all,edge,all,tpot_ci95,mean,,s\n"
                       "hybrid,all,edge,all,e2e_ci95,mean,,s\n"
                       "hybrid,all,edge,all,wait_ci95,mean,,s\n"
                       "hybrid,all,edge,all,api_bill,sum,0,USD\n"
                       "hybrid,all,edge,all,displaced_bill,sum,0.5,USD\n"
                       "hybrid,all,edge,all,barred_bill,sum,0.125,USD\n"
                       "hybrid,all,edge,all,energy,idle,1,kWh\n"
                       "hybrid,all,edge,all,energy,active,0.5,kWh\n"
                       "hybrid,all,edge,all,energy,host,0,kWh\n"
                       "hybrid,all,edge,all,energy,overhead,0.5,kWh\n"
                       "hybrid,all,edge,all,energy,total,2,kWh\n"
                       "hybrid,all,edge,all,power,peak,2000,W\n"
                       "hybrid,all,edge,all,busy,mean,0.5,frac\n"
                       "hybrid,all,edge,all,in_tier,mean,0,1\n"
                       "hybrid,all,edge,all,batch,mean,1.5,1\n"
                       "hybrid,all,edge,all,kv_used,mean,0,frac\n"
                       "hybrid,all,edge,all,kv_used,max,0,frac\n"
                       "hybrid,all,edge,all,cache_hit,mean,,frac\n"
                       "hybrid,all,edge,all,saturation,value,0,1\n"
                       "hybrid,all,edge,all,output_rate_busy,mean,,tok/s\n"
                       "hybrid,all,edge,all,mfu,mean,0.25,frac\n"
                       "hybrid,all,edge,all,mbu,mean,0.75,frac\n"
                       "hybrid,all,edge,all,steps,sum,0,1\n"
                       "hybrid,all,edge,all,preemptions,sum,0,1\n"
                       "hybrid,all,edge,all,throttled,sum,0,1\n"
                       "hybrid,all,edge,all,retries,sum,0,1\n"
                       "hybrid,all,edge,all,replicas_up,mean,0,1\n"
                       "hybrid,all,edge,all,cold_starts,sum,0,1\n"
                       "hybrid,all,edge,all,failures,sum,0,1\n"
                       "hybrid,all,edge,all,cost,capex,25,USD/month\n"
                       "hybrid,all,edge,all,cost,energy,365,USD/month\n"
                       "hybrid,all,edge,all,cost,maintenance,10,USD/month\n"
                       "hybrid,all,edge,all,cost,staff,0,USD/month\n"
                       "hybrid,all,edge,all,cost,other,0,USD/month\n"
                       "hybrid,all,edge,all,cost,rent,0,USD/month\n"
                       "hybrid,all,edge,all,cost,api,0,USD/month\n"
                       "hybrid,all,edge,all,cost,total,400,USD/month\n"
                       "hybrid,all,edge,all,baseline_cost,total,273.75,USD/month\n"
                       "hybrid,all,edge,all,energy_use,total,1460,kWh/month\n";
    assert_non_null(strstr(text, edge));
    assert_non_null(strstr(text, "\nhybrid,all,all,all,payback,value,inf,months\n"));
    assert_non_null(strstr(text, "\nhybrid,all,all,all,irr,value,,frac/year\n"));
    assert_non_null(strstr(text, "\nhybrid,all,all,all,cost,total,582.5,USD/month\n"));
    assert_non_null(strstr(text, "\nhybrid,all,cloud,code,ttft,p50,,s\n"));
    assert_non_null(strstr(text, "\nhybrid,all,nowhere,all,rejected,sum,1,1\n"));
    free(text);
    report_fixture_deinit(&fixture);
}

static void test_summary_csv__has_each_replication_by_number(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_figure_rows replications = {.n = 2};
    report_fixture_tiny(&fixture);
    assert_int_equal(ts_figure_list_init(&replications.list, &fixture.model, TS_FIGURES_OF_ONE), TS_OK);
    replications.values = calloc(2 * (size_t)replications.list.n, sizeof *replications.values);
    assert_non_null(replications.values);
    for (uint32_t i = 0; i < 2; i++) {
        double *row = replications.values + (size_t)i * replications.list.n;
        assert_int_equal(ts_figures_compute(row, &replications.list, &fixture.result, NULL), TS_OK);
    }
    fixture.input.replications = &replications;
    char *text = written_by(ts_report_summary_csv, &fixture);
    assert_non_null(strstr(text, "\nhybrid,0,edge,all,ttft,mean,1.125,s\n"));
    assert_non_null(strstr(text, "\nhybrid,1,all,all,arrived,sum,5,1\n"));
    assert_null(strstr(text, "\nhybrid,1,all,all,payback"));
    assert_null(strstr(text, "\nhybrid,0,edge,chat"));
    free(text);
    free(replications.values);
    ts_figure_list_deinit(&replications.list);
    report_fixture_deinit(&fixture);
}

static void test_summary_csv__hostile_names_stay_inside_their_fields(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_csv_reader *reader = NULL;
    const struct ts_csv_row *row = NULL;
    size_t n_rows = 0, n_evil = 0;
    report_fixture_hostile(&fixture);
    char *text = written_by(ts_report_summary_csv, &fixture);
    assert_int_equal(ts_csv_open_text(&reader, "summary.csv", text, strlen(text), true, NULL), TS_OK);
    while (ts_csv_next(reader, &row, NULL) == TS_OK && row != NULL) {
        n_rows++;
        assert_int_equal(row->n_fields, 8);
        assert_string_equal(row->fields[0].data, fixture.model.name);
        n_evil += strcmp(row->fields[3].data, "a,\"b\"\n'c'") == 0;
    }
    assert_true(n_rows > 500 && n_evil > 100);
    ts_csv_close(reader);
    free(text);
    report_fixture_deinit(&fixture);
}

static void test_series_csv__is_exact(void **state)
{
    (void)state;
    struct report_fixture fixture;
    report_fixture_tiny(&fixture);
    char *text = written_by(ts_report_series_csv, &fixture);
    assert_string_equal(text, "start_s,end_s,tier,arrivals_per_s,power_w,requests_in_tier,busy_frac,kv_used_frac\n"
                              "0,1800,all,0.0011111111111111111,1000,0.5,,\n"
                              "0,1800,phone,,0,0,0,\n"
                              "0,1800,edge,,1000,0.5,0.25,0.125\n"
                              "0,1800,cloud,,0,0,,\n"
                              "1800,3600,all,0.0016666666666666668,2000,0.5,,\n"
                              "1800,3600,phone,,0,0,0,\n"
                              "1800,3600,edge,,2000,0.5,0.5,0.25\n"
                              "1800,3600,cloud,,0,0,,\n");
    free(text);
    report_fixture_deinit(&fixture);
}

/* ---- JSON ---- */

static void run_json(struct ts_text *text, const struct report_fixture *fixture)
{
    struct ts_report *report = report_fixture_report(fixture);
    ts_text_init(text);
    assert_int_equal(ts_report_run_json(text, report), TS_OK);
    ts_report_destroy(report);
}

static double number_at(const struct ts_json *value)
{
    double number = NAN;
    assert_true(ts_json_double(value, &number));
    return number;
}

static void test_run_json__carries_units_in_its_keys(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_text text;
    struct ts_json_doc doc;
    report_fixture_tiny(&fixture);
    run_json(&text, &fixture);
    assert_true(ts_str_has_prefix(text.data, "{\n  \"format_version\": 1,\n  \"scenario\": \"hybrid\",\n"));
    assert_int_equal(ts_json_parse(&doc, "run.json", text.data, text.len, NULL), TS_OK);
    const struct ts_json *root = ts_json_root(&doc), *edge = ts_json_at(ts_json_get(root, "tiers"), 1);
    assert_string_equal(ts_json_string(ts_json_get(edge, "name")), "edge");
    assert_string_equal(ts_json_string(ts_json_get(edge, "kind")), "server");
    assert_true(number_at(ts_json_get(ts_json_get(edge, "ttft_s"), "p95")) == 2.0);
    assert_true(number_at(ts_json_get(ts_json_get(edge, "energy_kwh"), "total")) == 2.0);
    assert_true(number_at(ts_json_get(ts_json_get(edge, "cost_usd_per_month"), "energy")) == 365.0);
    assert_true(number_at(ts_json_get(edge, "energy_use_kwh_per_month")) == 1460.0);
    assert_true(number_at(ts_json_get(edge, "prompt_tok")) == 2000.0);
    assert_true(number_at(ts_json_get(edge, "attainment_frac")) == 0.5);
    const struct ts_json *plan = ts_json_get(root, "plan");
    assert_string_equal(ts_json_string(ts_json_get(plan, "payback_months")), "never");
    assert_true(number_at(ts_json_get(plan, "carbon_kg_per_month")) == 584.0);
    assert_int_equal(ts_json_length(ts_json_get(plan, "plan_usd_by_month")), 37);
    assert_int_equal(ts_json_length(ts_json_get(root, "classes")), FIXTURE_CLASSES);
    assert_int_equal(ts_json_length(ts_json_get(root, "tiers")), FIXTURE_TIERS + 1);
    ts_json_deinit(&doc);
    ts_text_deinit(&text);
    report_fixture_deinit(&fixture);
}

static void test_run_json__lists_the_verdicts(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_text text;
    struct ts_json_doc doc;
    bool met = true;
    report_fixture_tiny(&fixture);
    fixture.model.limits.max_payback_months = 12;
    run_json(&text, &fixture);
    assert_int_equal(ts_json_parse(&doc, "run.json", text.data, text.len, NULL), TS_OK);
    const struct ts_json *verdicts = ts_json_get(ts_json_root(&doc), "verdicts"), *first = ts_json_at(verdicts, 0);
    assert_int_equal(ts_json_length(verdicts), 1);
    assert_string_equal(ts_json_string(ts_json_get(first, "key")), "limits.payback");
    assert_string_equal(ts_json_string(ts_json_get(first, "got")), "never");
    assert_true(number_at(ts_json_get(first, "wanted")) == 12.0);
    assert_true(ts_json_bool(ts_json_get(first, "met"), &met));
    assert_false(met);
    ts_json_deinit(&doc);
    ts_text_deinit(&text);
    report_fixture_deinit(&fixture);
}

static void test_manifest__lists_every_assumption_with_its_origin(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_text text;
    struct ts_json_doc doc;
    ts_text_init(&text);
    report_fixture_tiny(&fixture);
    fixture.info.trace_hash = "crc32:1a2b3c4d";
    char summary[] = "summary.csv", manifest[] = "manifest.json", *items[] = {summary, manifest};
    const struct ts_names files = {items, 2};
    struct ts_report *report = report_fixture_report(&fixture);
    assert_int_equal(ts_report_manifest_json(&text, report, &files), TS_OK);
    ts_report_destroy(report);
    assert_int_equal(ts_json_parse(&doc, "manifest.json", text.data, text.len, NULL), TS_OK);
    const struct ts_json *root = ts_json_root(&doc), *assumptions = ts_json_get(root, "assumptions");
    assert_int_equal(ts_json_length(assumptions), fixture.model.n_assumptions);
    for (size_t i = 0; i < fixture.model.n_assumptions; i++) {
        const struct ts_json *got = ts_json_at(assumptions, i);
        const struct ts_assumption *want = &fixture.model.assumptions[i];
        assert_string_equal(ts_json_string(ts_json_get(got, "key")), want->key);
        assert_string_equal(ts_json_string(ts_json_get(got, "value")), want->value);
        assert_string_equal(ts_json_string(ts_json_get(got, "origin")), ts_origin_name(want->origin));
        assert_string_equal(ts_json_string(ts_json_get(got, "source")), want->source);
    }
    assert_int_equal(ts_json_length(ts_json_get(root, "files")), 2);
    assert_string_equal(ts_json_string(ts_json_at(ts_json_get(root, "files"), 1)), "manifest.json");
    assert_string_equal(ts_json_string(ts_json_get(root, "seed")), "42");
    assert_string_equal(ts_json_string(ts_json_get(root, "trace_hash")), "crc32:1a2b3c4d");
    assert_string_equal(ts_json_string(ts_json_get(root, "host")), fixture.info.host);
    ts_json_deinit(&doc);
    ts_text_deinit(&text);
    report_fixture_deinit(&fixture);
}

static void test_json__survives_hostile_names(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_text text;
    struct ts_json_doc doc;
    report_fixture_hostile(&fixture);
    run_json(&text, &fixture);
    assert_int_equal(ts_json_parse(&doc, "run.json", text.data, text.len, NULL), TS_OK);
    const struct ts_json *edge = ts_json_at(ts_json_get(ts_json_root(&doc), "tiers"), 1);
    assert_string_equal(ts_json_string(ts_json_get(edge, "name")), fixture.model.tiers[1].name);
    ts_json_deinit(&doc);
    ts_text_deinit(&text);
    report_fixture_deinit(&fixture);
}

/* Ten calls: the phone answers 4 right, the cloud 8, either 9; by score the two calls that gain most come first. */
static void test_frontier__thresholds_are_read_off_from_the_strongest_end(void **state)
{
    (void)state;
    struct report_fixture fixture;
    struct ts_text csv, dat, gp;
    report_fixture_tiny(&fixture);
    struct ts_router_model *router = &fixture.model.router;
    struct ts_frontier *frontier = &fixture.result.frontier;
    router->policy = TS_ROUTE_DIFFICULTY;
    router->n_order = FIXTURE_TIERS;
    for (uint32_t i = 0; i < FIXTURE_TIERS; i++) {
        router->order[i] = i;
    }
    for (int i = 0; i < 10; i++) {
        const uint32_t right = i < 3 ? 1 : i < 8 ? 4 : i == 8 ? 5 : 0;
        ts_frontier_add(frontier, &fixture.model, i == 7 ? 5 : right, i < 3 ? -1.0 : i < 7 ? 2.0 : 0.0);
    }
    assert_true(frontier->right[0] == 5 && frontier->right[2] == 6 && frontier->any_right == 9);
    assert_float_equal(ts_frontier_share_of(frontier, &fixture.model, 1.0), 0.1, 1e-12);
    /* .4 of the calls gain .4; then .3 even; then .3 lose .3: mean of Q - .5 is .4 x .2 + .3 x .4 + .3 x .25, over .1
     */
    assert_float_equal(ts_frontier_apgr(frontier, &fixture.model), 2.75, 1e-9);
    struct ts_report *report = report_fixture_report(&fixture);
    ts_text_init(&csv);
    ts_report_frontier_csv(&csv, report);
    assert_true(ts_str_has_prefix(csv.data, "line,threshold,share_strongest,quality,pgr\nplan,,"));
    assert_non_null(strstr(csv.data, "\nrandom,,0,0.5,0\nbest-single,,0,0.6,1\n"));
    assert_non_null(strstr(csv.data, "\noracle,,1,0.9,"));
    assert_non_null(strstr(csv.data, ",0.4,0.9,"));
    ts_text_init(&dat);
    ts_text_init(&gp);
    ts_chart_frontier(&dat, &gp, report);
    assert_non_null(strstr(dat.data, "\n40 90\n"));
    assert_non_null(strstr(gp.data, "set xlabel '% of calls at cloud'"));
    ts_text_deinit(&gp);
    ts_text_deinit(&dat);
    ts_text_deinit(&csv);
    ts_report_destroy(report);
    report_fixture_deinit(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_summary_csv__every_row_of_a_tier_is_exact),
        cmocka_unit_test(test_summary_csv__has_each_replication_by_number),
        cmocka_unit_test(test_summary_csv__hostile_names_stay_inside_their_fields),
        cmocka_unit_test(test_series_csv__is_exact),
        cmocka_unit_test(test_run_json__carries_units_in_its_keys),
        cmocka_unit_test(test_run_json__lists_the_verdicts),
        cmocka_unit_test(test_manifest__lists_every_assumption_with_its_origin),
        cmocka_unit_test(test_json__survives_hostile_names),
        cmocka_unit_test(test_frontier__thresholds_are_read_off_from_the_strongest_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
