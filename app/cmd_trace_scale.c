/* tiersim trace scale FILE: more or fewer requests than a trace has, longer or shorter ones.
 *
 * Fewer: each request, or each session as a whole, is kept with that probability, by a hash of its number and the seed.
 * More: copies of the file are overlaid, each copy a shift later than the one before it; what a copy has after the end
 * of the file comes before its beginning, so that the rate is that many times as high at any time. Independent copies
 * have the variance/mean of the file, while gaps divided by the factor (trace: {scale_rate: ...} of a scenario) have
 * that of windows that are longer by the factor. A file of sessions is not wrapped round: that would cut them. */
#include <math.h>
#include <stdlib.h>

#include "app/command.h"
#include "app/trace_output.h"
#include "base/units.h"

enum { MAX_COPIES = 32 };

struct scale_args {
    struct ts_trace_args trace;
    struct ts_trace_out_args out;
    const char *rate, *prompt, *output, *shift;
    uint32_t seed;
};

static const struct scale_args defaults = {.trace.format = "auto", .out.path = "trace.csv", .seed = 1};

static const struct ts_option options[] = {
    TS_TRACE_ARGS_OPTIONS(struct scale_args, trace),
    {"rate", 0, TS_INTO(struct scale_args, rate), "FACTOR",
     "factor on the number of requests: below 1 thinned at random, above 1 copies of the file are overlaid"},
    {"prompt", 0, TS_INTO(struct scale_args, prompt), "FACTOR", "factor on prompt lengths"},
    {"output", 0, TS_INTO(struct scale_args, output), "FACTOR", "factor on reply lengths"},
    {"shift", 0, TS_INTO(struct scale_args, shift), "TIME",
     "shift from one copy to the next (default: 10 min, or the file's length divided by the copies if that is less)",
     .with = "rate"},
    {"seed", 0, TS_INTO(struct scale_args, seed), "N", "random seed of the thinning", .range = {0, UINT32_MAX},
     .with = "rate"},
    TS_TRACE_OUT_OPTIONS(struct scale_args, out),
};

/* How much there is to be made of. */
struct extent {
    struct ts_trace_part *parts; /* [2 * MAX_COPIES] */
    uint64_t n;
    int64_t last_ns, period_ns; /* with the gap after the last request */
    bool has_sessions;
};

struct factors {
    double rate, prompt, output, shift_s; /* shift_s 0: not said */
};

static enum ts_status measure(void *user, struct ts_request_stream *stream, struct ts_diags *diags)
{
    struct extent *extent = user;
    struct ts_request request;
    int got = 1;
    extent->n = 0;
    for (;;) {
        const enum ts_status status = ts_request_next(stream, &request, &got, diags);
        if (status != TS_OK || !got) {
            const double gap_ns = extent->n > 1 ? (double)extent->last_ns / (double)(extent->n - 1) : 0.0;
            extent->period_ns = extent->last_ns + (int64_t)gap_ns;
            return status;
        }
        extent->n++;
        extent->last_ns = request.arrival_ns;
        extent->has_sessions = extent->has_sessions || request.turn;
    }
}

static enum ts_status read_factors(struct factors *out, const struct scale_args *args, struct ts_diags *diags)
{
    *out = (struct factors){.rate = 1.0, .prompt = 1.0, .output = 1.0};
    enum ts_status status = TS_OK;
    if (!args->rate && !args->prompt && !args->output) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write for example --rate 2",
                       "nothing to scale: --rate, --prompt or --output");
    }
    if (args->rate) {
        status = ts_trace_number(&out->rate, "--rate", args->rate, "1", 0.0, diags);
    }
    if (status == TS_OK && args->prompt) {
        status = ts_trace_number(&out->prompt, "--prompt", args->prompt, "1", 0.0, diags);
    }
    if (status == TS_OK && args->output) {
        status = ts_trace_number(&out->output, "--output", args->output, "1", 0.0, diags);
    }
    if (status == TS_OK && args->shift) {
        status = ts_trace_number(&out->shift_s, "--shift", args->shift, "s", 0.0, diags);
    }
    if (status == TS_OK && out->rate > MAX_COPIES) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(), "scale a file that was scaled before",
                         "--rate %g: at most %d copies of a file are overlaid", out->rate, (int)MAX_COPIES);
    }
    if (status == TS_OK && args->shift && out->rate <= 1.0) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--shift does nothing with a --rate of at most 1");
    }
    return status;
}

/* ---- copies ---- */

/* The shift between copies. */
static int64_t shift_of(const struct factors *factors, const struct extent *extent)
{
    const int64_t usual_ns = 600 * TS_NS_PER_S, even_ns = extent->period_ns / (int64_t)ceil(factors->rate);
    return factors->shift_s > 0.0 ? ts_ns_from_s(factors->shift_s) : even_ns < usual_ns ? even_ns : usual_ns;
}

/* The parts of copy k, after the n that there are. */
static size_t add_copy(struct ts_trace_part *parts, size_t n, const struct ts_trace_part *whole, size_t k,
                       int64_t shift_ns, const struct extent *extent)
{
    const int64_t later_ns = extent->period_ns > 0 ? (int64_t)k * shift_ns % extent->period_ns : 0;
    parts[n] = *whole;
    parts[n].salt = k;
    if (later_ns == 0) {
        return n + 1;
    }
    parts[n].shift_ns = later_ns;
    if (extent->has_sessions) {
        return n + 1;
    }
    const int64_t split_ns = extent->period_ns - later_ns;
    parts[n].to_ns = split_ns;
    parts[n + 1] = parts[n];
    parts[n + 1].from_ns = split_ns;
    parts[n + 1].to_ns = INT64_MAX;
    parts[n + 1].shift_ns = -split_ns;
    return n + 2;
}

static void tell_method(struct ts_text *out, const struct factors *factors, const struct extent *extent,
                        int64_t shift_ns, uint32_t seed)
{
    const double n_copies = ceil(factors->rate), rest = factors->rate - floor(factors->rate);
    const char *unit = extent->has_sessions ? "session, as a whole," : "request";
    if (factors->rate < 1.0) {
        ts_text_printf(out, "each %s is kept with probability %.9g (seed %u)", unit, factors->rate, (unsigned)seed);
    } else if (factors->rate > 1.0) {
        ts_text_printf(out, "%.0f copies overlaid, each ", n_copies);
        ts_units_format(out, ts_s_from_ns(shift_ns), "s");
        ts_text_puts(out, extent->has_sessions
                              ? " later than the one before it; the beginning and the end have fewer"
                              : " later than the one before it, and what is past the end moved to the beginning");
        if (rest > 0.0) {
            ts_text_printf(out, "; of the last one each %s is kept with probability %.9g (seed %u)", unit, rest,
                           (unsigned)seed);
        }
    }
    if (factors->prompt != 1.0) {
        ts_text_printf(out, "%stokens of prompts x %.9g", out->len > 0 ? "; " : "", factors->prompt);
    }
    if (factors->output != 1.0) {
        ts_text_printf(out, "%stokens of replies x %.9g", out->len > 0 ? "; " : "", factors->output);
    }
}

static enum ts_status scale(const struct scale_args *args, const struct factors *factors, struct extent *extent,
                            const struct ts_trace_options *how, struct ts_diags *diags)
{
    const double rest = factors->rate - floor(factors->rate);
    const int64_t shift_ns = shift_of(factors, extent);
    const size_t n_copies = (size_t)ceil(factors->rate);
    struct ts_trace_part whole = ts_trace_part_whole(args->trace.file, how);
    struct ts_trace_recipe recipe = {.parts = extent->parts, .names = how->learns};
    struct ts_text method;
    whole.seed = args->seed;
    whole.prompt_factor = factors->prompt;
    whole.output_factor = factors->output;
    for (size_t k = 0; k < n_copies; k++) {
        whole.keep_frac = k + 1 == n_copies && rest > 0.0 ? rest : 1.0;
        recipe.n_parts = add_copy(extent->parts, recipe.n_parts, &whole, k, shift_ns, extent);
    }
    recipe.n_files = 1;
    ts_text_init(&method);
    tell_method(&method, factors, extent, shift_ns, args->seed);
    recipe.method = method.data;
    const enum ts_status status = method.failed ? ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory")
                                                : ts_trace_output(&args->out, &recipe, diags);
    ts_text_deinit(&method);
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct scale_args *args = untyped;
    struct factors factors;
    struct ts_trace_names names = {.n = 0};
    struct ts_trace_options how = {.format = args->trace.format, .learns = &names};
    struct ts_request_stream *stream = NULL;
    struct extent extent = {.parts = ts_arena_alloc(arena, 2 * (size_t)MAX_COPIES * sizeof *extent.parts)};
    enum ts_status status = read_factors(&factors, args, diags);
    if (status == TS_OK && !extent.parts) {
        status = ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    if (status == TS_OK) {
        status = ts_trace_args_map(&how.map, args->trace.map, arena, diags);
    }
    if (status == TS_OK) {
        status =
            ts_trace_args_read(&stream, args->trace.file, &how, &(struct ts_trace_consumer){measure, &extent}, diags);
        ts_request_stream_destroy(stream);
    }
    if (status == TS_OK) {
        status = scale(args, &factors, &extent, &how, diags);
    }
    ts_trace_names_deinit(&names);
    return status;
}

const struct ts_command ts_command_trace_scale = {
    .name = "trace scale",
    .summary = "Scale a trace: more or fewer, longer or shorter requests",
    .examples = "  tiersim trace scale AzureLLMInferenceTrace_conv.csv --rate 3 -o busy.csv\n"
                "  tiersim trace scale calls.csv --rate 0.1 --seed 7 -o tenth.csv\n"
                "  tiersim trace scale calls.csv --prompt 2 --output 1.5 -o next-year.csv\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
