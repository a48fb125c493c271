/* Hides how a command line is read: getopt_long over rows generated from one table. */
#include "app/options.h"

#include <getopt.h>
#include <string.h>

enum kind { FLAG, TEXT, COUNT, LIST };

struct option_row {
    const char *name;
    char letter; /* 0: none */
    enum kind kind;
    size_t offset;
    unsigned commands;
    const char *metavar;
    const char *doc;
};

#define AT(field) offsetof(struct ts_args, field)

static const struct option_row rows[] = {
    {"trace", 't', TEXT, AT(trace), TS_CMD_RUN | TS_CMD_CHECK | TS_CMD_PROBE | TS_CMD_VALIDATE, "FILE",
     "replay this request trace instead of the scenario's workload (probe: instead of a grid)"},
    {"set", 's', LIST, AT(sets), TS_CMD_RUN | TS_CMD_CHECK | TS_CMD_VALIDATE, "KEY=VALUE",
     "override one key, e.g. --set tiers.edge.replicas=4 (repeatable)"},
    {"measurement", 'm', TEXT, AT(measurement), TS_CMD_RUN | TS_CMD_CHECK, "FILE",
     "measurement behind `hardware: this-machine`"},
    {"replications", 'r', COUNT, AT(replications), TS_CMD_RUN, "N",
     "independent replications (default: as the scenario says)"},
    {"threads", 'j', COUNT, AT(threads), TS_CMD_RUN | TS_CMD_BENCH | TS_CMD_VALIDATE, "N",
     "threads (default: all CPUs); results of a run do not depend on it"},
    {"out", 'o', TEXT, AT(out), TS_CMD_RUN | TS_CMD_BENCH | TS_CMD_PROBE | TS_CMD_VALIDATE, "PATH",
     "where to write: a folder (run, probe, validate; bench matmul: the roofline chart), the measurement file (bench)"},
    {"out", 'o', TEXT, AT(out), TS_CMD_IMPORT, "FILE", "the measurement file (default measurement.json)"},
    {"requests", 0, TEXT, AT(requests), TS_CMD_RUN, "FILE",
     "also write a row for every request, as CSV (gzip if the name ends in .gz)"},
    {"exact", 0, FLAG, AT(exact), TS_CMD_RUN, NULL,
     "simulate every step of a server on its own: slower, the same result"},
    {"no-report", 0, FLAG, AT(no_report), TS_CMD_RUN, NULL, "print the summary, write no files"},
    {"quick", 0, FLAG, AT(quick), TS_CMD_BENCH | TS_CMD_VALIDATE, NULL, "a shorter measurement, under a minute"},
    {"seconds", 0, COUNT, AT(seconds), TS_CMD_BENCH, "N", "bench, bench model: measure for so long"},
    {"fresh", 0, FLAG, AT(fresh), TS_CMD_BENCH, NULL,
     "bench model: begin anew instead of going on where an interrupted run stopped"},
    {"batches", 0, TEXT, AT(batches), TS_CMD_BENCH, "LIST", "bench model: sequences that decode together, e.g. 1,4,16"},
    {"depths", 0, TEXT, AT(depths), TS_CMD_BENCH, "LIST",
     "bench model: cached tokens of each sequence, e.g. 0,512,4096"},
    {"model", 0, TEXT, AT(model), TS_CMD_BENCH, "NAME",
     "measure the shapes of this catalog model (default Llama-3.2-1B)"},
    {"model", 0, TEXT, AT(model), TS_CMD_PROBE | TS_CMD_VALIDATE, "NAME", "the model to ask an endpoint for"},
    {"model", 0, TEXT, AT(model), TS_CMD_IMPORT, "NAME", "the catalog's name of the model that was measured"},
    {"hardware", 0, TEXT, AT(hardware), TS_CMD_IMPORT, "NAME", "the catalog's name of what it ran on"},
    {"quant", 0, TEXT, AT(quant), TS_CMD_IMPORT, "NAME", "the weights' format, where the file does not say it"},
    {"format", 'f', TEXT, AT(format), TS_CMD_IMPORT, "NAME",
     "llama-bench, llama-batched-bench, vllm, guidellm, aiperf or operators (default: found out)"},
    {"quant", 0, TEXT, AT(quant), TS_CMD_BENCH, "NAME", "weight format (default Q4_0); bench matmul takes a list"},
    {"isa", 0, TEXT, AT(isa), TS_CMD_BENCH | TS_CMD_VALIDATE, "NAME", "force a kernel variant, see --list"},
    {"n", 0, TEXT, AT(n_tok), TS_CMD_BENCH, "LIST", "token counts, e.g. 1,8,512 (default 1..512 in powers of two)"},
    {"shape", 0, TEXT, AT(shape), TS_CMD_BENCH, "ROWSxCOLS", "bench matmul: the matrix (default 4096x14336)"},
    {"gguf", 0, TEXT, AT(gguf), TS_CMD_BENCH | TS_CMD_VALIDATE, "FILE",
     "bench model: the weights of this GGUF file instead of made-up ones"},
    {"config", 0, TEXT, AT(config), TS_CMD_BENCH, "FILE",
     "bench model: the shape of this Hugging Face config.json; --model names it"},
    {"check", 0, FLAG, AT(check), TS_CMD_BENCH, NULL,
     "bench model: also measure steps that the fit has not seen, and say its error there"},
    {"affinity", 0, FLAG, AT(affinity), TS_CMD_BENCH, NULL,
     "bench, bench matmul: bind each thread to a processor of its own (Linux)"},
    {"no-baseline", 0, FLAG, AT(no_baseline), TS_CMD_BENCH, NULL, "leave out the OpenBLAS float baseline"},
    {"list", 0, FLAG, AT(list), TS_CMD_BENCH, NULL, "list the kernel variants and which of them this machine can run"},
    {"format", 'f', TEXT, AT(format), TS_CMD_BENCH | TS_CMD_TRACE | TS_CMD_CATALOG | TS_CMD_PROBE, "NAME",
     "bench, catalog: text, md, csv or json (bench model: llama-bench's shapes, jsonl too); trace, probe: the trace's "
     "format (default auto)"},
    {"prompts", 0, TEXT, AT(prompts), TS_CMD_PROBE, "LIST", "prompt lengths in tokens (default 128,512)"},
    {"concurrency", 0, TEXT, AT(concurrency), TS_CMD_PROBE, "LIST", "requests at once (default 1,4)"},
    {"output", 0, COUNT, AT(output_tok), TS_CMD_PROBE, "N",
     "tokens to ask for (default 64); with a trace: at most that many"},
    {"count", 0, COUNT, AT(count), TS_CMD_PROBE, "N",
     "requests a point (default four times the concurrency, at least 8); with a trace: at most that many"},
    {"rate", 0, TEXT, AT(rate), TS_CMD_PROBE, "FACTOR", "with a trace: play it that much faster, e.g. 0.1"},
    {"duration", 0, TEXT, AT(duration), TS_CMD_PROBE | TS_CMD_VALIDATE, "TIME",
     "probe with a trace: only its first part, e.g. '60 s'; validate: of arrivals at each load"},
    {"endpoint", 0, TEXT, AT(endpoint), TS_CMD_VALIDATE, "URL",
     "hold the simulation against this OpenAI-compatible endpoint instead of the reference engine"},
    {"slots", 0, COUNT, AT(slots), TS_CMD_VALIDATE, "N",
     "the endpoint serves that many sequences at once, each in a slot (llama-server's -np)"},
    {"kv-unified", 0, FLAG, AT(kv_unified), TS_CMD_VALIDATE, NULL,
     "with --slots: they share one KV buffer (llama-server --kv-unified; always so in ik_llama.cpp)"},
    {"load", 0, TEXT, AT(load), TS_CMD_VALIDATE, "LIST", "loads in percent of capacity (default 30,60,90,110)"},
    {"runs", 0, COUNT, AT(runs), TS_CMD_VALIDATE, "N",
     "serve each load that many times, with other requests, and judge the median (default 1)"},
    {"max-error", 0, TEXT, AT(max_error), TS_CMD_VALIDATE, "SHARE",
     "exit 3 if a mean or median is off by more, e.g. '5 %'; percentiles may be off twice as much"},
    {"api", 0, TEXT, AT(api), TS_CMD_PROBE | TS_CMD_VALIDATE, "NAME",
     "chat (default), chat-new (max_completion_tokens) or completions"},
    {"key-env", 0, TEXT, AT(key_env), TS_CMD_PROBE | TS_CMD_VALIDATE, "NAME",
     "environment variable that holds the key; it is sent to the endpoint and written nowhere"},
    {"ca-file", 0, TEXT, AT(ca_file), TS_CMD_PROBE | TS_CMD_VALIDATE, "FILE",
     "certificates to trust instead of the system's"},
    {"timeout", 0, TEXT, AT(timeout), TS_CMD_PROBE | TS_CMD_VALIDATE, "TIME",
     "give up on a reply after that long (default '5 min')"},
    {"retries", 0, COUNT, AT(retries), TS_CMD_PROBE | TS_CMD_VALIDATE, "N",
     "send again what is refused for the time being, at most that often (default 4)"},
    {"ignore-eos", 0, FLAG, AT(ignore_eos), TS_CMD_PROBE | TS_CMD_VALIDATE, NULL,
     "ask for replies of exactly the wanted length (vLLM, llama-server)"},
    {"quiet", 'q', FLAG, AT(quiet), TS_CMD_RUN | TS_CMD_BENCH | TS_CMD_PROBE | TS_CMD_VALIDATE, NULL,
     "no progress on the terminal"},
    {"help", 'h', FLAG, AT(help), ~0U, NULL, "show this help"},
};

enum { N_ROWS = sizeof rows / sizeof rows[0] };

static size_t collect(const struct option_row **taken, const char **names, enum ts_command_bit command)
{
    size_t n = 0;
    for (size_t i = 0; i < N_ROWS; i++) {
        if (rows[i].commands & (unsigned)command) {
            taken[n] = &rows[i];
            names[n] = rows[i].name;
            n++;
        }
    }
    return n;
}

static enum ts_status store(struct ts_args *out, const struct option_row *row, const char *value,
                            struct ts_diags *diags)
{
    char *base = (char *)out;
    switch (row->kind) {
    case FLAG:
        *(bool *)(base + row->offset) = true;
        return TS_OK;
    case TEXT:
        *(const char **)(base + row->offset) = value;
        return TS_OK;
    case COUNT:
        if (!ts_parse_u64((uint64_t *)(base + row->offset), value, strlen(value)) ||
            *(uint64_t *)(base + row->offset) == 0) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--%s takes a whole number from 1 on, not '%s'",
                           row->name, value);
        }
        return TS_OK;
    case LIST:
        if (out->n_sets == TS_MAX_SETS) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "more than %d times --%s", TS_MAX_SETS, row->name);
        }
        out->sets[out->n_sets++] = value;
        return TS_OK;
    }
    return TS_OK;
}

static enum ts_status unknown(const char *word, const char *const *names, size_t n_names, struct ts_diags *diags)
{
    char shown[64];
    size_t len = strcspn(word, "=");
    len = len < sizeof shown ? len : sizeof shown - 1;
    memcpy(shown, word, len);
    shown[len] = '\0';

    struct ts_text hint;
    ts_text_init(&hint);
    const char *near = ts_suggest(shown + strspn(shown, "-"), names, n_names);
    if (near) {
        ts_text_printf(&hint, "did you mean '--%s'?", near);
    } else {
        ts_text_puts(&hint, "--help lists the options");
    }
    enum ts_status status = ts_fail(diags, TS_EUSAGE, ts_span_none(), hint.data, "unknown option '%s'", shown);
    ts_text_deinit(&hint);
    return status;
}

/* getopt_long's tables for one command. */
struct getopt_tables {
    struct option longs[N_ROWS + 1];
    char shorts[2 * N_ROWS + 2];
    const struct option_row *taken[N_ROWS];
    const char *names[N_ROWS];
    size_t n;
};

static void fill_tables(struct getopt_tables *tables, enum ts_command_bit command)
{
    memset(tables, 0, sizeof *tables);
    tables->n = collect(tables->taken, tables->names, command);
    char *letter = tables->shorts;
    *letter++ = ':';
    for (size_t i = 0; i < tables->n; i++) {
        const struct option_row *row = tables->taken[i];
        tables->longs[i] =
            (struct option){row->name, row->kind == FLAG ? no_argument : required_argument, NULL, (int)(256 + i)};
        if (row->letter) {
            *letter++ = row->letter;
            if (row->kind != FLAG) {
                *letter++ = ':';
            }
        }
    }
}

static const struct option_row *find_row(const struct getopt_tables *tables, int code)
{
    if (code >= 256) {
        return tables->taken[code - 256];
    }
    for (size_t i = 0; i < tables->n; i++) {
        if (tables->taken[i]->letter == code) {
            return tables->taken[i];
        }
    }
    return NULL;
}

enum ts_status ts_options_parse(struct ts_args *out, enum ts_command_bit command, int argc, char **argv,
                                struct ts_diags *diags)
{
    struct getopt_tables tables;
    struct ts_args args = {0};
    fill_tables(&tables, command);

    opterr = 0;
    optind = 1;
    int code;
    while ((code = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
        const char *word = argv[optind - 1];
        if (code == '?') {
            return unknown(word, tables.names, tables.n, diags);
        }
        if (code == ':') {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "option '%s' needs a value", word);
        }
        enum ts_status status = store(&args, find_row(&tables, code), optarg, diags);
        if (status != TS_OK) {
            return status;
        }
    }
    for (int i = optind; i < argc; i++) {
        if (args.n_operands == TS_MAX_OPERANDS) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "too many words on the command line, from '%s' on",
                           argv[i]);
        }
        args.operands[args.n_operands++] = argv[i];
    }
    *out = args;
    return TS_OK;
}

void ts_options_help(struct ts_text *out, enum ts_command_bit command)
{
    const struct option_row *taken[N_ROWS];
    const char *names[N_ROWS];
    size_t n = collect(taken, names, command);
    for (size_t i = 0; i < n; i++) {
        char left[64];
        struct ts_text word;
        ts_text_init(&word);
        if (taken[i]->letter) {
            ts_text_printf(&word, "-%c, ", taken[i]->letter);
        } else {
            ts_text_puts(&word, "    ");
        }
        ts_text_printf(&word, "--%s%s%s", taken[i]->name, taken[i]->metavar ? " " : "",
                       taken[i]->metavar ? taken[i]->metavar : "");
        size_t len = word.len < sizeof left ? word.len : sizeof left - 1;
        memcpy(left, word.data, len);
        left[len] = '\0';
        ts_text_printf(out, "  %-26s %s\n", left, taken[i]->doc);
        ts_text_deinit(&word);
    }
}
