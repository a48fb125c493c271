/* The whole report in its folder: complete or absent, with gnuplot or without, whatever the names. */
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/file.h"
#include "reports/chart.h"
#include "scratch.h"

static const char *const text_files[] = {"summary.csv", "timeseries.csv", "run.json",       "manifest.json",
                                         "report.html", "plan.csv",       "bill_focus.csv", "outcomes.csv"};

enum { N_TEXT_FILES = sizeof text_files / sizeof *text_files };

static void assert_sources_there(const struct scratch *scratch)
{
    char name[64];
    for (size_t i = 0; i < sizeof text_files / sizeof *text_files; i++) {
        assert_true(scratch_has(scratch, text_files[i]));
    }
    for (const struct ts_chart *chart = ts_charts; chart->id != NULL && !chart->applies; chart++) {
        snprintf(name, sizeof name, "%s.dat", chart->id);
        assert_true(scratch_has(scratch, name));
        snprintf(name, sizeof name, "%s.gp", chart->id);
        assert_true(scratch_has(scratch, name));
    }
}

/* ---- HTML: a small checker ---- */

static bool is_void(const char *name, size_t len)
{
    static const char *const names[] = {"meta", "input", "br", "img", "link", "hr"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i]) == len && strncmp(names[i], name, len) == 0) {
            return true;
        }
    }
    return false;
}

struct tag {
    const char *name;
    size_t len;
};

/* Every tag closed in order; every quote closed; no '<' that begins no tag. */
static void check_balance(const char *html)
{
    struct tag open[64];
    size_t depth = 0;
    for (const char *at = strchr(html, '<'); at != NULL; at = strchr(at, '<')) {
        bool closing = at[1] == '/';
        const char *name = at + 1 + closing;
        size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!");
        assert_true(len > 0);
        const char *end = name + len;
        for (char quote = '\0'; *end != '>' || quote != '\0'; end++) {
            assert_true(*end != '\0');
            quote = quote == '\0' && (*end == '"' || *end == '\'') ? *end : *end == quote ? '\0' : quote;
        }
        if (closing) {
            assert_true(depth > 0 && open[depth - 1].len == len && strncmp(open[depth - 1].name, name, len) == 0);
            depth--;
        } else if (name[0] != '!' && end[-1] != '/' && !is_void(name, len)) {
            assert_true(depth < 64);
            open[depth++] = (struct tag){name, len};
        }
        at = end;
    }
    assert_int_equal(depth, 0);
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0, len = strlen(what);
    for (size_t i = 0; text[i] != '\0'; i++) {
        n += strncmp(&text[i], what, len) == 0;
    }
    return n;
}

/* Only names of XML dialects may look like addresses; nothing is fetched and nothing is run. */
static void check_self_contained(const char *html)
{
    assert_int_equal(count(html, "http://") + count(html, "https://"), count(html, "http://www.w3.org/"));
    assert_int_equal(count(html, "<script") + count(html, "<img") + count(html, "<link") + count(html, "<iframe"), 0);
    assert_int_equal(count(html, "@import") + count(html, "src="), 0);
    assert_null(strstr(html, "javascript:"));
}

/* ---- tests ---- */

static void test_report__with_gnuplot_holds_every_chart_twice(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    struct ts_diags diags;
    bool charts = false;
    scratch_need_gnuplot();
    ts_diags_init(&diags);
    report_fixture_day(&fixture);
    assert_int_equal(scratch_report(scratch->out, &fixture, &charts, &diags), TS_OK);
    assert_true(charts);
    assert_int_equal(diags.n_items, 0);
    assert_sources_there(scratch);
    for (const struct ts_chart *chart = ts_charts; chart->id != NULL && !chart->applies; chart++) {
        char name[64], *svg = NULL;
        snprintf(name, sizeof name, "%s.svg", chart->id);
        svg = scratch_contents(scratch, name);
        assert_non_null(strstr(svg, "</svg>"));
        assert_true(strlen(svg) < 400000);
        free(svg);
        snprintf(name, sizeof name, "%s.png", chart->id);
        assert_true(scratch_has(scratch, name));
    }
    assert_int_equal(scratch_count(scratch->out), N_TEXT_FILES + 4 * 4);
    assert_int_equal(scratch_count(scratch->root), 1);
    char *html = scratch_contents(scratch, "report.html");
    check_balance(html);
    check_self_contained(html);
    assert_int_equal(count(html, "<svg"), 4);
    assert_null(strstr(html, "Not drawn"));
    free(html);
    report_fixture_deinit(&fixture);
    ts_diags_deinit(&diags);
}

static void test_report__curves_are_binned(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    setenv("PATH", "/nonexistent", 1);
    report_fixture_day(&fixture);
    assert_int_equal(scratch_report(scratch->out, &fixture, NULL, NULL), TS_OK);
    char *dat = scratch_contents(scratch, "latency.dat");
    size_t points = 0, most = 0;
    for (const char *line = dat; *line != '\0'; line = strchr(line, '\n') + 1) {
        points = *line == '\n' ? 0 : points + 1;
        most = points > most ? points : most;
    }
    assert_true(most > 100 && most <= 2000);
    free(dat);
    report_fixture_deinit(&fixture);
}

static void test_report__without_gnuplot_is_complete_but_for_the_drawings(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    struct ts_diags diags;
    bool charts = true;
    ts_diags_init(&diags);
    setenv("PATH", "/nonexistent", 1);
    report_fixture_tiny(&fixture);
    assert_int_equal(scratch_report(scratch->out, &fixture, &charts, &diags), TS_OK);
    assert_false(charts);
    assert_int_equal(diags.n_warnings, 1);
    assert_int_equal(diags.n_errors, 0);
    assert_non_null(strstr(diags.items[0].message, "gnuplot is not installed"));
    assert_non_null(strstr(diags.items[0].hint, "gnuplot-nox"));
    assert_sources_there(scratch);
    assert_int_equal(scratch_count(scratch->out), N_TEXT_FILES + 2 * 4);
    char *html = scratch_contents(scratch, "report.html");
    check_balance(html);
    assert_int_equal(count(html, "Not drawn"), 4);
    free(html);
    report_fixture_deinit(&fixture);
    ts_diags_deinit(&diags);
}

static void test_report__a_failing_gnuplot_is_a_warning_with_its_words(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    struct ts_diags diags;
    bool charts = true;
    ts_diags_init(&diags);
    scratch_fake_gnuplot(scratch, "#!/bin/sh\necho half > latency.svg\necho 'no such terminal' >&2\nexit 3\n");
    report_fixture_tiny(&fixture);
    assert_int_equal(scratch_report(scratch->out, &fixture, &charts, &diags), TS_OK);
    assert_false(charts);
    assert_int_equal(diags.n_warnings, 4);
    assert_string_equal(diags.items[0].message,
                        "gnuplot could not draw latency.gp: it exited with code 3: no such terminal");
    assert_false(scratch_has(scratch, "latency.svg"));
    assert_false(scratch_has(scratch, "gnuplot.log"));
    assert_sources_there(scratch);
    report_fixture_deinit(&fixture);
    ts_diags_deinit(&diags);
}

static void test_report__old_drawings_do_not_stay_beside_new_data(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    setenv("PATH", "/nonexistent", 1);
    report_fixture_tiny(&fixture);
    assert_int_equal(mkdir(scratch->out, 0700), 0);
    scratch_put(scratch, "manifest.json", "{\"tool\": \"tiersim\"}");
    scratch_put(scratch, "power.svg", "old");
    scratch_put(scratch, "notes.txt", "mine");
    scratch_put(scratch, "summary.csv", "old");
    assert_int_equal(scratch_report(scratch->out, &fixture, NULL, NULL), TS_OK);
    assert_false(scratch_has(scratch, "power.svg"));
    assert_true(scratch_has(scratch, "notes.txt"));
    char *summary = scratch_contents(scratch, "summary.csv");
    assert_true(ts_str_has_prefix(summary, "scenario,"));
    free(summary);
    assert_int_equal(scratch_count(scratch->out), 1 + N_TEXT_FILES + 2 * 4);
    report_fixture_deinit(&fixture);
}

static void test_report__the_same_run_gives_the_same_bytes(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    char *first[sizeof text_files / sizeof *text_files];
    setenv("PATH", "/nonexistent", 1);
    report_fixture_day(&fixture);
    assert_int_equal(scratch_report(scratch->out, &fixture, NULL, NULL), TS_OK);
    for (size_t i = 0; i < sizeof text_files / sizeof *text_files; i++) {
        first[i] = scratch_contents(scratch, text_files[i]);
    }
    assert_int_equal(scratch_report(scratch->out, &fixture, NULL, NULL), TS_OK);
    for (size_t i = 0; i < sizeof text_files / sizeof *text_files; i++) {
        char *second = scratch_contents(scratch, text_files[i]);
        assert_string_equal(first[i], second);
        free(second);
        free(first[i]);
    }
    report_fixture_deinit(&fixture);
}

static void test_report__hostile_names_do_nothing(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    struct ts_diags diags;
    bool charts = false;
    scratch_need_gnuplot();
    ts_diags_init(&diags);
    report_fixture_hostile(&fixture);
    assert_int_equal(scratch_report(scratch->out, &fixture, &charts, &diags), TS_OK);
    assert_true(charts);
    assert_int_equal(diags.n_items, 0);
    assert_false(scratch_has(scratch, "pwned"));
    assert_false(ts_file_exists("pwned"));
    assert_int_equal(scratch_count(scratch->out), N_TEXT_FILES + 4 * 4);
    char *html = scratch_contents(scratch, "report.html");
    check_balance(html);
    assert_int_equal(count(html, "<script"), 0);
    assert_int_equal(count(html, "<img"), 0);
    assert_true(count(html, "&lt;script") > 10);
    assert_non_null(strstr(html, "<title>&lt;/title&gt;&lt;script&gt;alert(2)&lt;/script&gt;"));
    free(html);
    report_fixture_deinit(&fixture);
    ts_diags_deinit(&diags);
}

static void test_report__odd_folder_names_work(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    bool charts = false;
    scratch_need_gnuplot();
    report_fixture_tiny(&fixture);
    snprintf(scratch->out, sizeof scratch->out, "%s/a 'b' $(c) `d`/deep///", scratch->root);
    assert_int_equal(scratch_report(scratch->out, &fixture, &charts, NULL), TS_OK);
    assert_true(charts);
    assert_true(scratch_has(scratch, "report.html"));
    report_fixture_deinit(&fixture);
}

static void test_report__an_unwritable_place_is_an_error_that_names_it(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    struct ts_diags diags;
    char file[PATH_BYTES], inside[2 * PATH_BYTES];
    ts_diags_init(&diags);
    report_fixture_tiny(&fixture);
    snprintf(file, sizeof file, "%s/file", scratch->root);
    snprintf(inside, sizeof inside, "%s/out", file);
    assert_int_equal(ts_file_write(file, "x", 1, NULL), TS_OK);
    assert_int_equal(scratch_report(file, &fixture, NULL, &diags), TS_EIO);
    assert_non_null(strstr(diags.items[0].message, "it is a file"));
    assert_int_equal(scratch_report(inside, &fixture, NULL, &diags), TS_EIO);
    assert_int_equal(diags.n_errors, 2);
    assert_int_equal(scratch_count(scratch->root), 1);
    report_fixture_deinit(&fixture);
    ts_diags_deinit(&diags);
}

static void test_report__a_full_disk_leaves_nothing(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    struct ts_diags diags;
    struct rlimit before, tight;
    setenv("PATH", "/nonexistent", 1);
    report_fixture_day(&fixture);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = (struct rlimit){before.rlim_cur, before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    for (rlim_t limit = 100; limit <= 30000; limit *= 6) {
        ts_diags_init(&diags);
        tight.rlim_cur = limit;
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
        enum ts_status status = scratch_report(scratch->out, &fixture, NULL, &diags);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(status, TS_EIO);
        assert_int_equal(diags.n_errors, 1);
        assert_int_equal(scratch_count(scratch->root), 0);
        ts_diags_deinit(&diags);
    }
    signal(SIGXFSZ, handler);
    report_fixture_deinit(&fixture);
}

static void test_report__a_full_disk_keeps_the_earlier_report(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    struct rlimit before, tight;
    setenv("PATH", "/nonexistent", 1);
    report_fixture_day(&fixture);
    assert_int_equal(scratch_report(scratch->out, &fixture, NULL, NULL), TS_OK);
    char *summary = scratch_contents(scratch, "summary.csv");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    tight = (struct rlimit){20000, before.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
    enum ts_status status = scratch_report(scratch->out, &fixture, NULL, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, handler);
    assert_int_equal(status, TS_EIO);
    char *again = scratch_contents(scratch, "summary.csv");
    assert_string_equal(summary, again);
    assert_int_equal(scratch_count(scratch->out), N_TEXT_FILES + 2 * 4);
    free(again);
    free(summary);
    report_fixture_deinit(&fixture);
}

static void test_report__empty_and_extreme_runs_are_drawn(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    struct ts_diags diags;
    bool charts = false;
    scratch_need_gnuplot();
    ts_diags_init(&diags);
    report_fixture_tiny(&fixture);
    for (uint32_t tier = 0; tier <= FIXTURE_TIERS; tier++) {
        for (uint32_t c = 0; c < FIXTURE_CLASSES; c++) {
            ts_cell_deinit(&fixture.result.tiers[tier].cells[c]);
            fixture.result.tiers[tier].cells[c] = (struct ts_cell){.arrived = 1, .rejected = 1};
        }
        fixture.result.tiers[tier].power_w[0] = fixture.result.tiers[tier].power_w[1] = 0.0;
        fixture.result.tiers[tier].idle_j = fixture.result.tiers[tier].active_j =
            fixture.result.tiers[tier].overhead_j = 0.0;
    }
    fixture.model.tiers[1].owned = (struct ts_owned_model){.capex_usd = 0.0};
    fixture.model.money.horizon_months = 0;
    report_fixture_reckon(&fixture);
    assert_int_equal(scratch_report(scratch->out, &fixture, &charts, &diags), TS_OK);
    assert_int_equal(diags.n_items, 0);
    assert_true(charts);
    fixture.result.n_bins = 0;
    ts_hist_add(&fixture.result.tiers[0].cells[0].latency_ns[TS_TTFT], 0);
    ts_hist_add(&fixture.result.tiers[0].cells[0].latency_ns[TS_E2E], INT64_MAX / 4);
    fixture.model.tiers[1].owned = (struct ts_owned_model){.capex_usd = 1e12, .life_months = 1.0};
    fixture.model.money.horizon_months = 600;
    report_fixture_reckon(&fixture);
    assert_int_equal(scratch_report(scratch->out, &fixture, &charts, &diags), TS_OK);
    assert_true(charts);
    char *html = scratch_contents(scratch, "report.html");
    check_balance(html);
    assert_null(strstr(html, ">nan"));
    free(html);
    report_fixture_deinit(&fixture);
    ts_diags_deinit(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_report__with_gnuplot_holds_every_chart_twice),
        WITH_FOLDER(test_report__curves_are_binned),
        WITH_FOLDER(test_report__without_gnuplot_is_complete_but_for_the_drawings),
        WITH_FOLDER(test_report__a_failing_gnuplot_is_a_warning_with_its_words),
        WITH_FOLDER(test_report__old_drawings_do_not_stay_beside_new_data),
        WITH_FOLDER(test_report__the_same_run_gives_the_same_bytes),
        WITH_FOLDER(test_report__hostile_names_do_nothing),
        WITH_FOLDER(test_report__odd_folder_names_work),
        WITH_FOLDER(test_report__an_unwritable_place_is_an_error_that_names_it),
        WITH_FOLDER(test_report__a_full_disk_leaves_nothing),
        WITH_FOLDER(test_report__a_full_disk_keeps_the_earlier_report),
        WITH_FOLDER(test_report__empty_and_extreme_runs_are_drawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
