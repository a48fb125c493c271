/* tiersim help [COMMAND [KIND]] */
#include "app/help.h"

struct help_args {
    const char *word, *kind;
};

static const struct help_args defaults;

static const struct ts_option options[] = {
    {TS_INTO(struct help_args, word), "COMMAND", "the command to show (default: all of them)", .operand = TS_OPTIONAL},
    {TS_INTO(struct help_args, kind), "KIND", "its second word, as in `bench model`", .operand = TS_OPTIONAL},
};

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    (void)arena;
    const struct help_args *args = untyped;
    if (!args->word) {
        return ts_help_overview(stdout);
    }
    const struct ts_command *command =
        args->kind ? ts_command_find(args->word, args->kind) : ts_command_first(args->word);
    return command ? ts_help_command(command) : ts_command_unknown(args->word, args->kind, diags);
}

const struct ts_command ts_command_help = {
    .name = "help",
    .summary = "Show the commands, or one command's options",
    .examples = "  tiersim help run\n"
                "  tiersim help bench model\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
