/* Hides the list of commands, and how a word is found in it. */
#include "app/command.h"

#include <string.h>

static const struct ts_command *const commands[] = {
    &ts_command_run,           &ts_command_sweep,          &ts_command_merge,
    &ts_command_plan,          &ts_command_curve_scale,    &ts_command_curve_capacity,
    &ts_command_curve_front,   &ts_command_curve_map,      &ts_command_diff,
    &ts_command_check,         &ts_command_bench,          &ts_command_bench_matmul,
    &ts_command_bench_model,   &ts_command_bench_router,   &ts_command_trace_info,
    &ts_command_trace_fit,     &ts_command_trace_generate, &ts_command_trace_convert,
    &ts_command_trace_cut,     &ts_command_trace_scale,    &ts_command_trace_merge,
    &ts_command_import,        &ts_command_explain,        &ts_command_catalog,
    &ts_command_catalog_check, &ts_command_catalog_diff,   &ts_command_calibrate,
    &ts_command_validate,      &ts_command_probe,          &ts_command_claims,
    &ts_command_version,       &ts_command_help,
};

enum { N_COMMANDS = sizeof commands / sizeof commands[0] };

const struct ts_command *const *ts_commands(size_t *n)
{
    *n = N_COMMANDS;
    return commands;
}

const char *ts_command_kind(const struct ts_command *command, const char *word)
{
    const size_t len = strlen(word);
    return strncmp(command->name, word, len) == 0 && command->name[len] == ' ' ? command->name + len + 1 : NULL;
}

const struct ts_command *ts_command_find(const char *word, const char *kind)
{
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const char *second = ts_command_kind(commands[i], word);
        if (kind ? second && ts_str_equal(second, kind) : ts_str_equal(commands[i]->name, word)) {
            return commands[i];
        }
    }
    return NULL;
}

const struct ts_command *ts_command_first(const char *word)
{
    const struct ts_command *first = ts_command_find(word, NULL);
    for (size_t i = 0; i < N_COMMANDS && !first; i++) {
        first = ts_command_kind(commands[i], word) ? commands[i] : NULL;
    }
    return first;
}

/* The second words of commands that begin with that one. */
static size_t collect_kinds(const char **out, const char *word)
{
    size_t n = 0;
    for (size_t i = 0; i < N_COMMANDS; i++) {
        const char *kind = ts_command_kind(commands[i], word);
        if (kind) {
            out[n++] = kind;
        }
    }
    return n;
}

bool ts_command_has_kinds(const char *word)
{
    const char *kinds[N_COMMANDS];
    return collect_kinds(kinds, word) > 0;
}

static void put_usages(struct ts_text *out, const char *word)
{
    const char *before = "usage: ";
    for (size_t i = 0; i < N_COMMANDS; i++) {
        if (ts_str_equal(commands[i]->name, word) || ts_command_kind(commands[i], word)) {
            ts_text_puts(out, before);
            ts_options_usage(out, commands[i]->name, &commands[i]->options);
            before = ", ";
        }
    }
}

static enum ts_status unknown_kind(const char *word, const char *kind, struct ts_diags *diags)
{
    const char *kinds[N_COMMANDS];
    const char *near = kind ? ts_suggest(kind, kinds, collect_kinds(kinds, word)) : NULL;
    struct ts_text hint;
    ts_text_init(&hint);
    if (near) {
        ts_text_printf(&hint, "did you mean 'tiersim %s %s'?", word, near);
    } else {
        put_usages(&hint, word);
    }
    return kind ? ts_fail_hint(diags, TS_EUSAGE, ts_span_none(), &hint, "%s knows no '%s'", word, kind)
                : ts_fail_hint(diags, TS_EUSAGE, ts_span_none(), &hint, "%s needs one more word", word);
}

enum ts_status ts_command_unknown(const char *word, const char *kind, struct ts_diags *diags)
{
    if (ts_command_first(word)) {
        return unknown_kind(word, kind, diags);
    }
    if (word[0] == '-') {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write tiersim COMMAND [options]; 'tiersim help' lists both",
                       "no command before '%s'", word);
    }
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
    return ts_fail_hint(diags, TS_EUSAGE, ts_span_none(), &hint, "unknown command '%s'", word);
}
