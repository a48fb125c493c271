/* tiersim validate [SCENARIO]: is the simulator right about this machine? Serves requests live with the reference
 * engine, simulates the same requests with step times measured beforehand, and holds the two against each other. */
#include <math.h>
#include <string.h>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/probe_options.h"
#include "app/validate_session.h"

struct validate_args {
    const char *scenario, *trace, *map, *load, *duration, *max_error, *url, *gguf, *isa, *out;
    struct ts_option_texts sets;
    uint32_t runs, threads, slots; /* threads 0: all CPUs; slots 0: the endpoint has none */
    struct ts_endpoint_args endpoint;
    bool quick, kv_unified, quiet;
};

static const struct validate_args defaults = {.runs = 1, .out = "out/validation", .endpoint = TS_ENDPOINT_DEFAULTS};

static const struct ts_option options[] = {
    {TS_INTO(struct validate_args, scenario), "SCENARIO",
     "a scenario file with a server on this machine (default: a built-in one)", .operand = TS_OPTIONAL},
    TS_OPTION_TRACE(struct validate_args, trace),
    TS_OPTION_MAP(struct validate_args, map),
    TS_OPTION_SETS(struct validate_args, sets),
    {"load", 0, TS_INTO(struct validate_args, load), "LIST",
     "loads in percent of capacity (default 30,60,90,110; with --quick 60,90), or of the users of a closed loop "
     "(default 100)"},
    {"duration", 0, TS_INTO(struct validate_args, duration), "TIME",
     "how long requests arrive at each load (default 40 s; with --quick 13 s)"},
    {"runs", 0, TS_INTO(struct validate_args, runs), "N",
     "serve each load this many times, with different requests, and judge the median",
     .range = {1, TS_VALIDATE_MAX_RUNS}},
    {"max-error", 0, TS_INTO(struct validate_args, max_error), "SHARE",
     "exit code 3 if a mean or median is off by more, e.g. '5 %'; percentiles may be off by twice as much"},
    {"quick", 0, TS_INTO(struct validate_args, quick), NULL, "a shorter validation, in about a minute"},
    {"gguf", 0, TS_INTO(struct validate_args, gguf), "FILE",
     "serve with the weights of this GGUF file instead of made-up ones", .without = {"endpoint"}},
    {"isa", 0, TS_INTO(struct validate_args, isa), "NAME",
     "a kernel variant of `tiersim bench --list` (default: the best)", .without = {"endpoint"}},
    {"threads", 'j', TS_INTO(struct validate_args, threads), "N", "threads of the reference engine (default: all CPUs)",
     .range = {1, TS_MAX_THREADS}, .without = {"endpoint"}},
    {"endpoint", 0, TS_INTO(struct validate_args, url), "URL",
     "compare the simulation with this OpenAI-compatible endpoint instead of the reference engine"},
    {"slots", 0, TS_INTO(struct validate_args, slots), "N",
     "the endpoint serves this many sequences at once, each in a slot (llama-server's -np)",
     .range = {1, TS_VALIDATE_MAX_SLOTS}, .with = "endpoint"},
    {"kv-unified", 0, TS_INTO(struct validate_args, kv_unified), NULL,
     "the slots share one KV buffer (llama-server --kv-unified; always so in ik_llama.cpp)", .with = "slots"},
    TS_ENDPOINT_OPTIONS(struct validate_args, endpoint, "endpoint"),
    {"out", 'o', TS_INTO(struct validate_args, out), "FOLDER", "where to write"},
    TS_OPTION_QUIET(struct validate_args, quiet),
};

static const double quick_measure_s = 15.0, full_measure_s = 60.0;
static const double quick_serve_s = 13.0, full_serve_s = 40.0;

static enum ts_status parse_loads(struct ts_validate_options *out, const struct validate_args *args,
                                  struct ts_diags *diags)
{
    const char *list = args->load ? args->load : args->quick ? "60,90" : "30,60,90,110";
    out->loads_are_usual = !args->load;
    for (const char *p = list; *p != '\0'; p += *p == ',') {
        const size_t len = strcspn(p, ",");
        double percent;
        if (out->n_loads == TS_VALIDATE_MAX_LOADS || !ts_parse_double(&percent, p, len) ||
            !(percent >= 1.0 && percent <= 300.0)) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL,
                           "--load takes up to %d percentages from 1 to 300, for example 60,90, not '%s'",
                           TS_VALIDATE_MAX_LOADS, list);
        }
        out->loads[out->n_loads++] = percent / 100.0;
        p += len;
    }
    return out->n_loads > 0 ? TS_OK : ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--load is empty");
}

static enum ts_status read_options(struct ts_validate_options *out, const struct validate_args *args,
                                   struct ts_diags *diags)
{
    *out = (struct ts_validate_options){
        .source = {.path = args->scenario,
                   .sets = args->sets.items,
                   .n_sets = args->sets.n,
                   .trace_path = args->trace,
                   .trace_map = args->map},
        .gguf_path = args->gguf,
        .isa = args->isa,
        .n_threads = args->threads,
        .n_slots = args->slots,
        .kv_unified = args->kv_unified,
        .n_runs = args->runs,
        .serve_s = args->quick ? quick_serve_s : full_serve_s,
        .measure_s = args->quick ? quick_measure_s : full_measure_s,
        .max_error_frac = NAN,
        .folder = args->out,
        .quiet = args->quiet,
    };
    if (args->quick && args->url && args->load && args->duration) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "leave it out",
                       "--quick does nothing for an endpoint beside --load and --duration");
    }
    enum ts_status status = parse_loads(out, args, diags);
    if (status == TS_OK && args->duration) {
        status = ts_probe_parse_quantity(&out->serve_s, "duration", args->duration, "s", diags);
    }
    if (status == TS_OK && args->max_error) {
        status = ts_probe_parse_quantity(&out->max_error_frac, "max-error", args->max_error, "1", diags);
    }
    return status == TS_OK && args->url
               ? ts_probe_options_read(&out->endpoint, &out->prompt_seed, args->url, &args->endpoint, diags)
               : status;
}

static enum ts_status run(const void *args, struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_validate_options how;
    enum ts_status status = read_options(&how, args, diags);
    if (status == TS_OK) {
        ts_interrupt_arm();
        status = ts_validate_session_run(&how, arena, diags);
    }
    ts_probe_options_free(&how.endpoint);
    return status;
}

const struct ts_command ts_command_validate = {
    .name = "validate",
    .summary = "Compare the simulation with live runs of the reference engine on this machine",
    .examples = "  tiersim validate --quick\n"
                "  tiersim validate --endpoint http://localhost:8080 --slots 4 --ignore-eos --load 60\n"
                "  tiersim validate --load 60,90 --max-error '5 %'\n"
                "  tiersim validate my-server.yaml --trace conv.csv --duration '2 min'\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
