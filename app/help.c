/* Hides how the help texts are laid out. */
#include "app/help.h"

#include <string.h>

static enum ts_status print(struct ts_text *text, FILE *stream)
{
    const bool failed = text->failed;
    if (!failed) {
        fputs(text->data, stream);
    }
    ts_text_deinit(text);
    return failed ? TS_ENOMEM : TS_OK;
}

static void put_command(struct ts_text *out, const struct ts_command *command)
{
    ts_text_printf(out, "  %-13s %s\n", command->name, command->summary);
}

enum ts_status ts_help_overview(FILE *stream)
{
    size_t n = 0;
    const struct ts_command *const *commands = ts_commands(&n);
    struct ts_text text;
    ts_text_init(&text);
    ts_text_puts(&text, "tiersim - where should your AI run: on devices, on your own servers, in the cloud?\n\n"
                        "usage: tiersim COMMAND [options]\n\n");
    for (size_t i = 0; i < n; i++) {
        put_command(&text, commands[i]);
    }
    ts_text_puts(&text,
                 "\n  Begin with: tiersim run scenarios/hybrid-enterprise.yaml\n"
                 "  'tiersim COMMAND --help' shows a command's options and examples.\n"
                 "  Exit codes: 0 ok, 1 run-time or file error, 2 wrong usage or scenario, 3 a limit was missed, 130 "
                 "interrupted.\n");
    return print(&text, stream);
}

enum ts_status ts_help_command(const struct ts_command *command)
{
    size_t n = 0;
    const struct ts_command *const *commands = ts_commands(&n);
    struct ts_text text;
    ts_text_init(&text);
    ts_text_puts(&text, "usage: ");
    ts_options_usage(&text, command->name, &command->options);
    ts_text_printf(&text, "\n\n%s.\n\n", command->summary);
    ts_options_help(&text, &command->options);
    ts_text_printf(&text, "\nexamples:\n%s", command->examples);
    const char *before = "\nsee also:\n";
    for (size_t i = 0; i < n; i++) {
        if (ts_command_kind(commands[i], command->name)) {
            ts_text_puts(&text, before);
            put_command(&text, commands[i]);
            before = "";
        }
    }
    return print(&text, stdout);
}
