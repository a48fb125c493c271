/* Hides how a word on the command line becomes a command, and how its outcome becomes text on stderr and an exit code.
 */
#include "app/command.h"

#include <stdio.h>
#include <string.h>

#include "app/version.h"

static const struct ts_command *const commands[] = {
    &ts_command_run,     &ts_command_check,   &ts_command_bench,    &ts_command_trace, &ts_command_import,
    &ts_command_explain, &ts_command_catalog, &ts_command_validate, &ts_command_probe, &ts_command_help,
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

const struct ts_command *const *ts_commands(size_t *n)
{
    *n = N_COMMANDS;
    return commands;
}

const struct ts_command *ts_command_find(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (ts_str_equal(commands[i]->name, name)) {
            return commands[i];
        }
    }
    return NULL;
}

static enum ts_status unknown_command(const char *word, struct ts_diags *diags)
{
    const char *names[N_COMMANDS];
    for (size_t i = 0; i < N_COMMANDS; i++) {
        names[i] = commands[i]->name;
    }
    struct ts_text hint;
    ts_text_init(&hint);
    const char *near = ts_suggest(word, names, N_COMMANDS);
    if (near) {
        ts_text_printf(&hint, "did you mean 'tiersim %s'?", near);
    } else {
        ts_text_puts(&hint, "'tiersim help' lists the commands");
    }
    enum ts_status status = ts_fail(diags, TS_EUSAGE, ts_span_none(), hint.data, "unknown command '%s'", word);
    ts_text_deinit(&hint);
    return status;
}

static enum ts_status run_command(const struct ts_command *command, int argc, char **argv, struct ts_diags *diags)
{
    struct ts_args args;
    enum ts_status status = ts_options_parse(&args, command->bit, argc, argv, diags);
    if (status != TS_OK) {
        return status;
    }
    if (args.help) {
        ts_help_command(command);
        return TS_OK;
    }
    return command->run(&args, diags);
}

/* What is not about a file is told in the program's own name. */
static void print_diags(const struct ts_diags *diags)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_diags_render(diags, &text);
    for (const char *line = text.data; *line; line += strcspn(line, "\n") + 1) {
        bool nameless = ts_str_has_prefix(line, "error: ") || ts_str_has_prefix(line, "warning: ");
        fprintf(stderr, "%s%.*s\n", nameless ? "tiersim: " : "", (int)strcspn(line, "\n"), line);
    }
    ts_text_deinit(&text);
}

static enum ts_status dispatch(int argc, char **argv, struct ts_diags *diags)
{
    if (argc < 2 || ts_str_equal(argv[1], "--help") || ts_str_equal(argv[1], "-h")) {
        ts_help_overview();
        return argc < 2 ? TS_EUSAGE : TS_OK;
    }
    if (ts_str_equal(argv[1], "--version") || ts_str_equal(argv[1], "version")) {
        puts("tiersim " TS_VERSION);
        return TS_OK;
    }
    const struct ts_command *command = ts_command_find(argv[1]);
    return command ? run_command(command, argc - 1, argv + 1, diags) : unknown_command(argv[1], diags);
}

int ts_command_main(int argc, char **argv)
{
    struct ts_diags diags;
    ts_diags_init(&diags);
    enum ts_status status = dispatch(argc, argv, &diags);
    if (fflush(stdout) != 0 && status == TS_OK) {
        status = ts_fail(&diags, TS_EIO, ts_span_none(), NULL, "cannot write to standard output");
    }
    print_diags(&diags);
    if (status != TS_OK && diags.n_errors == 0 && argc >= 2) {
        fprintf(stderr, "tiersim: %s\n", ts_status_text(status));
    }
    ts_diags_deinit(&diags);
    return ts_status_exit_code(status);
}
