/* The commands of tiersim: one row each, one file each (cmd_*.c). Some have two words: a kind of `bench` is a command
 * of its own, with options of its own. */
#ifndef TS_APP_COMMAND_H
#define TS_APP_COMMAND_H

#include "app/options.h"
#include "base/arena.h"

struct ts_command {
    const char *name;               /* "run", "bench model" */
    const char *summary;            /* one line */
    const char *examples;           /* lines, each indented by two blanks */
    struct ts_option_table options; /* its words, and the struct that they go to */
    /* Does the work and prints its results on stdout; what went wrong is in `diags`. `args` is the command's struct;
     * `arena` lives until the end. */
    enum ts_status (*run)(const void *args, struct ts_arena *arena, struct ts_diags *diags);
};

/* A row's .options: a table, and the struct before anything is read. */
#define TS_OPTIONS(table, initial)                                                                                     \
    {                                                                                                                  \
        .rows = (table), .n = sizeof(table) / sizeof(table)[0], .defaults = &(initial), .size = sizeof(initial)        \
    }

extern const struct ts_command ts_command_run, ts_command_sweep, ts_command_merge, ts_command_plan,
    ts_command_curve_scale, ts_command_curve_capacity, ts_command_curve_front, ts_command_curve_map, ts_command_diff,
    ts_command_check, ts_command_bench, ts_command_bench_matmul, ts_command_bench_model, ts_command_bench_router,
    ts_command_trace_info, ts_command_trace_fit, ts_command_trace_generate, ts_command_trace_convert,
    ts_command_trace_cut, ts_command_trace_scale, ts_command_trace_merge, ts_command_import, ts_command_explain,
    ts_command_catalog, ts_command_catalog_check, ts_command_catalog_diff, ts_command_validate, ts_command_calibrate,
    ts_command_probe, ts_command_claims, ts_command_help, ts_command_version;

/* The whole program: finds the command, parses, runs, prints diagnostics on stderr; returns the exit code. argv as in
 * main. */
int ts_command_main(int argc, char **argv);

/* All of them, in the order of the help. */
const struct ts_command *const *ts_commands(size_t *n);
/* The command of that word, or with `kind` of those two; NULL: none. */
const struct ts_command *ts_command_find(const char *word, const char *kind);
/* The first command that begins with that word, the one of it alone before others; NULL: none. */
const struct ts_command *ts_command_first(const char *word);
/* The second word of a command that has two and begins with `word`; else NULL. */
const char *ts_command_kind(const struct ts_command *command, const char *word);

/* Are there commands of two words that begin with that one? */
bool ts_command_has_kinds(const char *word);

/* TS_EUSAGE with a diagnostic that names the nearest command; `kind` may be NULL. */
enum ts_status ts_command_unknown(const char *word, const char *kind, struct ts_diags *diags);

#endif
