/* The public Azure traces of 2023 and 2024, where they are at hand: published statistics come out, the token tables and
 * week curves agree with their source. Skipped where the data is absent. */
#include "base/csv.h"
#include "base/file.h"
#include "tests/traces/traces_test.h"
#include "traces/trace_stats.h"

#define CONVERSATION TS_SHARED_DIR "/data/traces/AzureLLMInferenceTrace_conv.csv"
#define CODE TS_SHARED_DIR "/data/traces/AzureLLMInferenceTrace_code.csv"
#define CODE_WEEK TS_SHARED_DIR "/data/traces/azure2024_code_week_rate_digitized.csv"
#define CONVERSATION_WEEK TS_SHARED_DIR "/data/traces/azure2024_conv_week_rate_digitized.csv"

static void need(const char *path)
{
    if (!ts_file_exists(path)) {
        print_message("%s is absent\n", path);
        skip();
    }
}

/* Rows in = rows kept + rows dropped, all of them kept. */
static struct ts_trace_stats stats_of(const char *path, uint64_t n_rows)
{
    struct ts_request_stream *stream = NULL;
    struct ts_trace_stats stats;
    assert_int_equal(open_trace(&stream, path, NULL, NULL, NULL), TS_OK);
    assert_int_equal(ts_trace_stats_collect(&stats, stream, NULL), TS_OK);
    struct ts_trace_counts counts = ts_trace_counts(stream);
    assert_int_equal(counts.n_rows, n_rows);
    assert_int_equal(counts.n_kept, n_rows);
    assert_int_equal(stats.n_requests, n_rows);
    ts_request_stream_destroy(stream);
    return stats;
}

/* A quantile of the histogram is right to one part in 1,024. */
static void assert_tokens(const struct ts_hist *hist, double mean, double p50, double p95, double p99, int64_t max)
{
    assert_near(ts_hist_mean(hist), mean, 0.0005 * mean);
    assert_near(ts_hist_quantile(hist, 0.50), p50, p50 / 1024.0);
    assert_near(ts_hist_quantile(hist, 0.95), p95, p95 / 1024.0);
    assert_near(ts_hist_quantile(hist, 0.99), p99, p99 / 1024.0);
    assert_int_equal(hist->max, max);
}

static void test_azure_2023__conversation_has_its_published_statistics(void **state)
{
    (void)state;
    need(CONVERSATION);
    struct ts_trace_stats stats = stats_of(CONVERSATION, 19366);
    assert_near(stats.rate_per_s, 5.530136, 1e-6);
    assert_near(stats.gap_cv, 1.0942, 5e-5);
    assert_near(stats.dispersion[2], 16.128, 5e-4);
    assert_near(stats.empty_frac[2], 0.0, 0.0);
    assert_tokens(&stats.prompt_tok, 1154.6974, 1020, 4083, 4142, 14050);
    assert_tokens(&stats.output_tok, 211.1259, 129, 451, 601, 1000);
    ts_trace_stats_deinit(&stats);
}

static void test_azure_2023__code_has_its_published_statistics(void **state)
{
    (void)state;
    need(CODE);
    struct ts_trace_stats stats = stats_of(CODE, 8819);
    assert_near(stats.rate_per_s, 2.566395, 1e-6);
    assert_near(stats.gap_cv, 13.1513, 5e-5);
    assert_near(stats.dispersion[2], 163.965, 5e-4);
    assert_near(stats.empty_frac[2], 12.0 / 57.0, 1e-12);
    assert_tokens(&stats.prompt_tok, 2047.8483, 1469, 7315, 7436, 7437);
    assert_tokens(&stats.output_tok, 27.8825, 13, 90, 252, 1899);
    ts_trace_stats_deinit(&stats);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

enum { MAX_ROWS = 20000 };

struct column {
    double x[MAX_ROWS];
    size_t n;
};

static void read_columns(const char *path, struct column *prompt, struct column *output)
{
    struct ts_request_stream *stream = NULL;
    struct ts_request request;
    int got = 1;
    prompt->n = 0;
    output->n = 0;
    assert_int_equal(open_trace(&stream, path, NULL, NULL, NULL), TS_OK);
    while (ts_request_next(stream, &request, &got, NULL) == TS_OK && got) {
        assert_true(prompt->n < MAX_ROWS);
        prompt->x[prompt->n++] = request.prompt_tok;
        output->x[output->n++] = request.output_tok;
    }
    ts_request_stream_destroy(stream);
    qsort(prompt->x, prompt->n, sizeof prompt->x[0], compare_doubles);
    qsort(output->x, output->n, sizeof output->x[0], compare_doubles);
}

/* The value of rank ceil(q n), counted from 1; the smallest at q = 0. q is a multiple of 1/10,000. */
static double sample_quantile(const struct column *column, double q)
{
    uint64_t parts = (uint64_t)llround(q * 10000.0);
    size_t rank = (size_t)((parts * column->n + 9999) / 10000);
    return column->x[rank > 0 ? rank - 1 : 0];
}

static void assert_table(const char *name, bool output, const struct column *column)
{
    static const double probabilities[] = {0.5, 0.95, 0.99};
    struct ts_dist dist;
    double sum = 0.0;
    assert_true(ts_token_dist(&dist, name, output));
    for (size_t i = 0; i < dist.n; i++) {
        assert_near(dist.x[i], sample_quantile(column, dist.q[i]), 0.0);
    }
    for (size_t i = 0; i < column->n; i++) {
        sum += column->x[i];
    }
    double mean = sum / (double)column->n;
    assert_near(ts_dist_mean(&dist), mean, 0.01 * mean);
    for (size_t i = 0; i < sizeof probabilities / sizeof probabilities[0]; i++) {
        double expected = sample_quantile(column, probabilities[i]);
        assert_near(ts_dist_quantile(&dist, probabilities[i]), expected, 0.01 * expected);
    }
}

static void test_token_tables__agree_with_their_source(void **state)
{
    (void)state;
    static const struct {
        const char *name, *path;
    } rows[] = {{"azure-conversation", CONVERSATION}, {"azure-code", CODE}};
    struct column *columns = calloc(2, sizeof *columns);
    assert_non_null(columns);
    for (size_t i = 0; i < 2; i++) {
        if (!ts_file_exists(rows[i].path)) {
            free(columns);
            need(rows[i].path);
        }
        read_columns(rows[i].path, &columns[0], &columns[1]);
        assert_table(rows[i].name, false, &columns[0]);
        assert_table(rows[i].name, true, &columns[1]);
    }
    free(columns);
}

/* Means of the readings by hour of the source's week. */
static void read_week(const char *path, double hours[TS_WEEK_HOURS])
{
    struct ts_csv_reader *reader = NULL;
    const struct ts_csv_row *row = NULL;
    double n[TS_WEEK_HOURS] = {0.0};
    assert_int_equal(ts_csv_open(&reader, path, true, NULL), TS_OK);
    int minute = ts_csv_column(reader, "minute_of_week");
    int rate = ts_csv_column(reader, "req_per_min_mid_rescaled");
    assert_true(minute >= 0 && rate >= 0);
    memset(hours, 0, TS_WEEK_HOURS * sizeof hours[0]);
    while (ts_csv_next(reader, &row, NULL) == TS_OK && row != NULL) {
        double at = 0.0;
        double value = 0.0;
        assert_true(ts_parse_double(&at, row->fields[minute].data, row->fields[minute].len));
        assert_true(ts_parse_double(&value, row->fields[rate].data, row->fields[rate].len));
        size_t hour = (size_t)(at / 60.0);
        assert_true(hour < TS_WEEK_HOURS);
        hours[hour] += value;
        n[hour] += 1.0;
    }
    ts_csv_close(reader);
    for (size_t hour = 0; hour < TS_WEEK_HOURS; hour++) {
        assert_true(n[hour] > 0.0);
        hours[hour] /= n[hour];
    }
}

static void assert_week(const char *name, const char *path, size_t turn)
{
    double hours[TS_WEEK_HOURS];
    double sum = 0.0;
    need(path);
    read_week(path, hours);
    for (size_t hour = 0; hour < TS_WEEK_HOURS; hour++) {
        sum += hours[hour];
    }
    for (size_t hour = 0; hour < TS_WEEK_HOURS; hour++) {
        double expected = hours[(hour + turn) % TS_WEEK_HOURS] * TS_WEEK_HOURS / sum;
        assert_near(ts_week_curve(name)[hour], expected, 1e-4);
    }
}

static void test_week_curves__agree_with_their_source(void **state)
{
    (void)state;
    assert_week("office-week", CODE_WEEK, 76);
    assert_week("consumer-week", CONVERSATION_WEEK, 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_azure_2023__conversation_has_its_published_statistics),
        cmocka_unit_test(test_azure_2023__code_has_its_published_statistics),
        cmocka_unit_test(test_token_tables__agree_with_their_source),
        cmocka_unit_test(test_week_curves__agree_with_their_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
