/* The commands of tiersim: one row each, one file each (cmd_*.c). */
#ifndef TS_APP_COMMAND_H
#define TS_APP_COMMAND_H

#include <stddef.h>

#include "app/options.h"

struct ts_command {
    const char *name;
    enum ts_command_bit bit;
    const char *usage;    /* "SCENARIO [options]" */
    const char *summary;  /* one line */
    const char *examples; /* lines, each indented by two blanks */
    /* Does the work and prints its results on stdout; what went wrong is in `diags`. */
    enum ts_status (*run)(const struct ts_args *args, struct ts_diags *diags);
};

extern const struct ts_command ts_command_run, ts_command_check, ts_command_bench, ts_command_trace, ts_command_explain,
    ts_command_catalog, ts_command_probe, ts_command_validate, ts_command_help;
extern const struct ts_command ts_command_import;

/* All of them, in the order of the help. */
const struct ts_command *const *ts_commands(size_t *n);
const struct ts_command *ts_command_find(const char *name);

/* The whole program: finds the command, parses, runs, prints diagnostics on stderr; returns the exit code. argv as in
 * main; argv[0] is replaced. */
int ts_command_main(int argc, char **argv);

/* Help texts on stdout. */
void ts_help_overview(void);
void ts_help_command(const struct ts_command *command);

#endif
