/* The command line's options: one table for all commands; it drives parsing and --help. */
#ifndef TS_APP_OPTIONS_H
#define TS_APP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

enum { TS_MAX_SETS = 256, TS_MAX_OPERANDS = 8 };

struct ts_args {
    const char *operands[TS_MAX_OPERANDS]; /* what is not an option, in order */
    size_t n_operands;
    const char *sets[TS_MAX_SETS];
    size_t n_sets;
    const char *trace;
    const char *out;
    const char *requests;
    const char *measurement;
    const char *model;
    const char *hardware;
    const char *quant;
    const char *isa;
    const char *format;
    const char *n_tok;
    const char *batches, *depths;
    const char *gguf;
    const char *config;
    const char *shape;
    const char *api;
    const char *prompts;
    const char *concurrency;
    const char *key_env;
    const char *ca_file;
    const char *timeout;
    const char *rate;
    const char *duration;
    const char *load;
    const char *max_error;
    const char *endpoint;
    uint64_t slots;
    bool kv_unified;
    uint64_t runs;
    uint64_t output_tok;
    uint64_t count;
    uint64_t retries;      /* 0: the default */
    uint64_t threads;      /* 0: all CPUs */
    uint64_t replications; /* 0: as the scenario says */
    bool fresh;
    uint64_t seconds; /* to measure for; 0: as the kind of benchmark has it */
    bool quick, check, list, no_baseline, affinity, ignore_eos, quiet, help;
    bool exact, no_report;
};

/* Commands as bits: which options each of them takes. */
enum ts_command_bit {
    TS_CMD_RUN = 1 << 0,
    TS_CMD_CHECK = 1 << 1,
    TS_CMD_BENCH = 1 << 2,
    TS_CMD_TRACE = 1 << 3,
    TS_CMD_EXPLAIN = 1 << 4,
    TS_CMD_CATALOG = 1 << 5,
    TS_CMD_HELP = 1 << 6,
    TS_CMD_PROBE = 1 << 7,
    TS_CMD_VALIDATE = 1 << 8,
    TS_CMD_IMPORT = 1 << 20,
};

/* Parses argv[1..] (argv[0] is the command's own name) by the rows that `command` takes. TS_EUSAGE with diagnostics for
 * an unknown option (with the nearest one), a missing or malformed value, too many operands. Strings are borrowed from
 * argv. */
enum ts_status ts_options_parse(struct ts_args *out, enum ts_command_bit command, int argc, char **argv,
                                struct ts_diags *diags);

/* Appends one line per option of that command. */
void ts_options_help(struct ts_text *out, enum ts_command_bit command);

#endif
