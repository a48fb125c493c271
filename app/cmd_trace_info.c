/* tiersim trace info FILE: what a request trace looks like. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "app/print_table.h"
#include "app/trace_args.h"
#include "traces/trace_stats.h"

enum { BAR_WIDTH = 40 };

static enum ts_status print_rates(const struct ts_trace_stats *stats)
{
    static const char *const headers[] = {"window s", "variance/mean", "peak 1/s", "empty windows %"};
    struct ts_table *table = ts_table_create("Burstiness (variance/mean of counts: 1 = Poisson)");
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 0);
    for (size_t i = 0; i < TS_STATS_SCALES; i++) {
        ts_table_row(table);
        ts_table_num(table, stats->scale_s[i], 4);
        ts_table_num(table, stats->dispersion[i], 4);
        ts_table_num(table, stats->peak_per_s[i], 4);
        ts_table_num(table, 100.0 * stats->empty_frac[i], 3);
    }
    return ts_print_table(table, TS_TABLE_TEXT);
}

static void put_quantiles(struct ts_table *table, const char *name, const struct ts_hist *hist, double total)
{
    ts_table_row(table);
    ts_table_put(table, name);
    ts_table_num(table, ts_hist_mean(hist), 5);
    ts_table_num(table, ts_hist_quantile(hist, 0.5), 6);
    ts_table_num(table, ts_hist_quantile(hist, 0.9), 6);
    ts_table_num(table, ts_hist_quantile(hist, 0.99), 6);
    ts_table_num(table, (double)hist->max, 7);
    ts_table_num(table, total, 12);
}

static enum ts_status print_tokens(const struct ts_trace_stats *stats)
{
    static const char *const headers[] = {"", "mean", "p50", "p90", "p99", "max", "total"};
    struct ts_table *table = ts_table_create("Tokens a request");
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 1);
    put_quantiles(table, "prompt", &stats->prompt_tok, stats->prompt_total_tok);
    put_quantiles(table, "output", &stats->output_tok, stats->output_total_tok);
    return ts_print_table(table, TS_TABLE_TEXT);
}

/* Counts by powers of two: bar i holds [2^i, 2^(i+1)). */
static void print_histogram(const char *title, const struct ts_hist *hist)
{
    uint64_t bars[64] = {0};
    uint32_t cursor = 0;
    double value;
    uint64_t count;
    int first = 63;
    int last = 0;
    while (ts_hist_next(hist, &cursor, &value, &count)) {
        int bar = value < 1.0 ? 0 : (int)floor(log2(value));
        bars[bar] += count;
        first = bar < first ? bar : first;
        last = bar > last ? bar : last;
    }
    uint64_t most = 1;
    for (int i = first; i <= last; i++) {
        most = bars[i] > most ? bars[i] : most;
    }
    puts(title);
    for (int i = first; i <= last; i++) {
        int width = (int)ceil((double)bars[i] * BAR_WIDTH / (double)most);
        printf("  %8.0f-%-8.0f %6.2f %%%s%.*s\n", ldexp(1.0, i), ldexp(1.0, i + 1) - 1.0,
               100.0 * (double)bars[i] / (double)hist->count, width > 0 ? " " : "", width,
               "########################################");
    }
    puts("");
}

static enum ts_status print_head(const char *path, const struct ts_trace_stats *stats,
                                 const struct ts_request_stream *stream)
{
    const struct ts_trace_counts counts = ts_trace_counts(stream);
    struct ts_text head;
    ts_text_init(&head);
    ts_text_puts(&head, "requests ");
    ts_text_number(&head, (double)stats->n_requests, 12);
    ts_text_puts(&head, " over ");
    ts_text_number(&head, stats->duration_s / 60.0, 4);
    ts_text_puts(&head, " min");
    if (isfinite(stats->rate_per_s)) {
        ts_text_puts(&head, ", ");
        ts_text_number(&head, stats->rate_per_s, 4);
        ts_text_puts(&head, " /s");
    }
    if (isfinite(stats->gap_cv)) {
        ts_text_puts(&head, ", CV of gaps ");
        ts_text_number(&head, stats->gap_cv, 4);
    }
    ts_text_printf(&head, "\nrows read %llu = kept %llu + dropped %llu", (unsigned long long)counts.n_rows,
                   (unsigned long long)counts.n_kept, (unsigned long long)counts.n_dropped);
    if (counts.n_dropped > 0) {
        ts_text_puts(&head, ": ");
        ts_trace_counts_tell(&head, &counts);
    }
    ts_text_puts(&head, "\n\n");
    ts_trace_tell(&head, stream);
    const bool failed = head.failed;
    printf("%s\n%s\n", path, head.data);
    ts_text_deinit(&head);
    return failed ? TS_ENOMEM : TS_OK;
}

static enum ts_status print_info(const char *path, const struct ts_trace_stats *stats,
                                 const struct ts_request_stream *stream)
{
    enum ts_status status = print_head(path, stats, stream);
    if (status == TS_OK) {
        status = print_rates(stats);
    }
    if (status == TS_OK) {
        status = print_tokens(stats);
    }
    if (status == TS_OK) {
        print_histogram("Prompt tokens", &stats->prompt_tok);
        print_histogram("Output tokens", &stats->output_tok);
    }
    return status;
}

struct trace_info_args {
    struct ts_trace_args trace;
};

static const struct trace_info_args defaults = {.trace.format = "auto"};

static const struct ts_option options[] = {
    TS_TRACE_ARGS_OPTIONS(struct trace_info_args, trace),
};

static enum ts_status collect(void *user, struct ts_request_stream *stream, struct ts_diags *diags)
{
    return ts_trace_stats_collect(user, stream, diags);
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct trace_info_args *args = untyped;
    struct ts_trace_options how = {.format = args->trace.format};
    struct ts_request_stream *stream = NULL;
    struct ts_trace_stats stats;
    enum ts_status status = ts_trace_args_map(&how.map, args->trace.map, arena, diags);
    if (status != TS_OK) {
        return status;
    }
    status = ts_trace_args_read(&stream, args->trace.file, &how, &(struct ts_trace_consumer){collect, &stats}, diags);
    if (status == TS_OK) {
        const struct ts_trace_counts counts = ts_trace_counts(stream);
        status = print_info(args->trace.file, &stats, stream);
        if (counts.was_sorted || counts.naive_line > 0) {
            ts_trace_counts_warn(&(struct ts_trace_counts){.was_sorted = counts.was_sorted,
                                                           .late_line = counts.late_line,
                                                           .naive_line = counts.naive_line},
                                 args->trace.file, diags);
        }
        ts_trace_stats_deinit(&stats);
    }
    ts_request_stream_destroy(stream);
    return status;
}

const struct ts_command ts_command_trace_info = {
    .name = "trace info",
    .summary = "Describe a request trace: rates, burstiness, tokens",
    .examples = "  tiersim trace info traces/samples/azure-like.csv\n"
                "  tiersim trace info my.csv --format azure\n"
                "  tiersim trace info export.csv --map time='Request Start',in=Prompt_Tokens,out=Completion_Tokens\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
