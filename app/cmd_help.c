/* tiersim help [COMMAND] */
#include <stdio.h>

#include "app/command.h"

void ts_help_overview(void)
{
    size_t n = 0;
    const struct ts_command *const *commands = ts_commands(&n);
    puts("tiersim - where should your AI run: on devices, on your own servers, in the cloud?\n");
    puts("usage: tiersim COMMAND [options]\n");
    for (size_t i = 0; i < n; i++) {
        printf("  %-9s %s\n", commands[i]->name, commands[i]->summary);
    }
    puts("\n  tiersim help COMMAND shows a command's options and examples; tiersim --version the version.");
    puts("  Exit codes: 0 ok, 1 run-time or file error, 2 wrong usage or scenario, 3 a limit was missed, 130 "
         "interrupted.");
}

void ts_help_command(const struct ts_command *command)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_text_printf(&text, "usage: tiersim %s %s\n\n%s.\n\n", command->name, command->usage, command->summary);
    ts_options_help(&text, command->bit);
    ts_text_printf(&text, "\nexamples:\n%s", command->examples);
    fputs(text.data, stdout);
    ts_text_deinit(&text);
}

static enum ts_status run(const struct ts_args *args, struct ts_diags *diags)
{
    if (args->n_operands == 0) {
        ts_help_overview();
        return TS_OK;
    }
    const struct ts_command *command = ts_command_find(args->operands[0]);
    if (!command) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "'tiersim help' lists the commands", "unknown command '%s'",
                       args->operands[0]);
    }
    ts_help_command(command);
    return TS_OK;
}

const struct ts_command ts_command_help = {
    .name = "help",
    .bit = TS_CMD_HELP,
    .usage = "[COMMAND]",
    .summary = "Show the commands, or one command's options",
    .examples = "  tiersim help run\n",
    .run = run,
};
