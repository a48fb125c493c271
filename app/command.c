/* Hides how words on the command line become a command, and how its outcome becomes text on stderr and an exit code. */
#include "app/command.h"

#include <stdio.h>
#include <string.h>

#include "app/help.h"
#include "app/spool.h"

/* What people write for a command. */
static const struct {
    const char *word, *command;
} aliases[] = {{"--help", "help"}, {"-h", "help"}, {"--version", "version"}};

/* ---- what is not there ---- */

/* The first command that has the option: of those whose name begins with `word`, all with "". */
static const struct ts_command *owner_of(const char *option, const char *word)
{
    size_t n = 0;
    const struct ts_command *const *commands = ts_commands(&n);
    for (size_t i = 0; i < n; i++) {
        if (strncmp(commands[i]->name, word, strcspn(word, " ")) == 0 &&
            ts_options_find(&commands[i]->options, option)) {
            return commands[i];
        }
    }
    return NULL;
}

static enum ts_status unknown_option(const struct ts_command *command, const char *option, struct ts_diags *diags)
{
    const char *near = ts_options_suggest(&command->options, option);
    const struct ts_command *owner = owner_of(option, command->name);
    owner = owner || near ? owner : owner_of(option, "");
    struct ts_text hint;
    ts_text_init(&hint);
    if (owner) {
        ts_text_printf(&hint, "it is an option of 'tiersim %s'", owner->name);
    } else if (near) {
        ts_text_printf(&hint, "did you mean '--%s'?", near);
    } else {
        ts_text_printf(&hint, "'tiersim %s --help' lists the options", command->name);
    }
    return owner ? ts_fail_hint(diags, TS_EUSAGE, ts_span_none(), &hint, "%s has no option '%s'", command->name, option)
                 : ts_fail_hint(diags, TS_EUSAGE, ts_span_none(), &hint, "unknown option '%s'", option);
}

static enum ts_status surplus_word(const struct ts_command *command, const char *word, struct ts_diags *diags)
{
    const struct ts_command *meant = ts_command_find(command->name, word);
    const struct ts_option *last = NULL;
    for (size_t i = 0; i < command->options.n; i++) {
        const struct ts_option *row = &command->options.rows[i];
        last = row->operand != TS_NO_OPERAND ? row : last;
    }
    struct ts_text hint;
    ts_text_init(&hint);
    ts_text_puts(&hint, "usage: ");
    ts_options_usage(&hint, meant ? meant->name : command->name, meant ? &meant->options : &command->options);
    if (last) {
        ts_text_printf(&hint, "; %s: %s", last->metavar, last->doc);
    }
    return ts_fail_hint(diags, TS_EUSAGE, ts_span_none(), &hint, "one word too many: '%s'", word);
}

/* ---- the way of a command ---- */

static enum ts_status parse_and_run(const struct ts_command *command, struct ts_arena *arena, int argc, char **argv,
                                    struct ts_diags *diags)
{
    struct ts_options_outcome outcome;
    void *args = ts_arena_alloc(arena, command->options.size);
    if (!args) {
        return TS_ENOMEM;
    }
    enum ts_status status = ts_options_parse(args, &outcome, command->name, &command->options, argc, argv, diags);
    if (outcome.unknown[0] != '\0') {
        return unknown_option(command, outcome.unknown, diags);
    }
    if (outcome.surplus) {
        return surplus_word(command, outcome.surplus, diags);
    }
    if (outcome.help) {
        return ts_help_command(command);
    }
    if (status == TS_OK) {
        status = ts_spool_stdin(args, &command->options, arena, diags);
    }
    return status == TS_OK ? command->run(args, arena, diags) : status;
}

static enum ts_status run_command(const struct ts_command *command, int argc, char **argv, struct ts_diags *diags)
{
    struct ts_arena arena;
    ts_arena_init(&arena);
    enum ts_status status = parse_and_run(command, &arena, argc, argv, diags);
    ts_arena_deinit(&arena);
    return status;
}

static bool is_word(const char *text)
{
    return text && text[0] != '-';
}

/* "catalog prices" beside "catalog diff": a word of its own may follow a command that has kinds, too. */
static bool takes_word(const struct ts_command *command)
{
    bool takes = false;
    for (size_t i = 0; i < command->options.n && !takes; i++) {
        takes = command->options.rows[i].operand != TS_NO_OPERAND;
    }
    return takes;
}

static enum ts_status dispatch(int argc, char **argv, struct ts_diags *diags)
{
    const char *word = argv[1];
    const char *kind = argc > 2 ? argv[2] : NULL;
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        word = ts_str_equal(word, aliases[i].word) ? aliases[i].command : word;
    }
    const struct ts_command *command = is_word(kind) ? ts_command_find(word, kind) : NULL;
    if (command) {
        return run_command(command, argc - 3, argv + 3, diags);
    }
    command = ts_command_find(word, NULL);
    if (command && (!is_word(kind) || takes_word(command) || !ts_command_has_kinds(word))) {
        return run_command(command, argc - 2, argv + 2, diags);
    }
    if (!is_word(kind) && kind && (ts_str_equal(kind, "--help") || ts_str_equal(kind, "-h")) &&
        ts_command_first(word)) {
        return ts_help_command(ts_command_first(word));
    }
    return ts_command_unknown(word, is_word(kind) ? kind : NULL, diags);
}

/* What is not about a file is told in the program's own name. */
static enum ts_status print_diags(const struct ts_diags *diags)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_diags_render(diags, &text);
    const bool failed = text.failed;
    for (const char *line = text.data; !failed && *line; line += strcspn(line, "\n") + 1) {
        bool nameless = ts_str_has_prefix(line, "error: ") || ts_str_has_prefix(line, "warning: ");
        fprintf(stderr, "%s%.*s\n", nameless ? "tiersim: " : "", (int)strcspn(line, "\n"), line);
    }
    ts_text_deinit(&text);
    return failed ? TS_ENOMEM : TS_OK;
}

/* Without memory whatever else was found wrong may be of that: it is not told. */
static enum ts_status tell(const struct ts_diags *diags, enum ts_status status)
{
    if (status != TS_ENOMEM && !diags->no_memory && print_diags(diags) == TS_OK) {
        if (status != TS_OK && diags->n_errors == 0) {
            fprintf(stderr, "tiersim: %s\n", ts_status_text(status));
        }
        return status;
    }
    fprintf(stderr, "tiersim: error: %s\n", ts_status_text(TS_ENOMEM));
    return TS_ENOMEM;
}

int ts_command_main(int argc, char **argv)
{
    if (argc < 2) {
        (void)ts_help_overview(stderr);
        return ts_status_exit_code(TS_EUSAGE);
    }
    struct ts_diags diags;
    ts_diags_init(&diags);
    enum ts_status status = dispatch(argc, argv, &diags);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == TS_OK) {
        status = ts_fail(&diags, TS_EIO, ts_span_none(), NULL, "cannot write to standard output");
    }
    status = tell(&diags, status);
    ts_diags_deinit(&diags);
    return ts_status_exit_code(status);
}
