/* The command line: words to a struct, by a table; and the tables of all commands, which have to be consistent. */
#include "app/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct args {
    const char *first, *second, *out, *trace, *rate;
    struct ts_option_texts sets;
    uint32_t count;
    bool quiet, list;
};

static const struct args defaults = {.out = "here", .count = 7};

static const struct ts_option rows[] = {
    {TS_INTO(struct args, first), "FIRST", "a word", .operand = TS_NEEDED},
    {TS_INTO(struct args, second), "SECOND", "another word", .operand = TS_OPTIONAL},
    {"out", 'o', TS_INTO(struct args, out), "FILE", "a file"},
    {"trace", 't', TS_INTO(struct args, trace), "FILE", "a trace"},
    {"rate", 0, TS_INTO(struct args, rate), "X", "of the trace", .with = "trace"},
    {"set", 's', TS_INTO(struct args, sets), "KEY=VALUE", "one of many"},
    {"count", 'n', TS_INTO(struct args, count), "N", "a number", .range = {2, 9}, .without = {"trace"}},
    {"quiet", 'q', TS_INTO(struct args, quiet), NULL, "say nothing"},
    {"list", 'l', TS_INTO(struct args, list), NULL, "only list", .beside = "out"},
};

static const struct ts_option_table table = TS_OPTIONS(rows, defaults);

enum { MAX_WORDS = 16 };

/* Parses words parted by blanks; "_" stands for an empty one. */
static enum ts_status parse(struct args *out, struct ts_options_outcome *outcome, const char *line,
                            struct ts_diags *diags)
{
    static char buffer[256];
    char *words[MAX_WORDS];
    int n = 0;
    (void)snprintf(buffer, sizeof buffer, "%s", line);
    for (char *word = strtok(buffer, " "); word; word = strtok(NULL, " ")) {
        assert_true(n < MAX_WORDS);
        words[n++] = strcmp(word, "_") == 0 ? word + 1 : word;
    }
    ts_diags_init(diags);
    return ts_options_parse(out, outcome, "do", &table, n, words, diags);
}

static struct args parsed(const char *line)
{
    struct args args;
    struct ts_options_outcome outcome;
    struct ts_diags diags;
    assert_int_equal(parse(&args, &outcome, line, &diags), TS_OK);
    assert_int_equal(diags.n_items, 0);
    assert_false(outcome.help);
    return args;
}

static void expect_error(const char *line, const char *message)
{
    struct args args;
    struct ts_options_outcome outcome;
    struct ts_diags diags;
    assert_int_equal(parse(&args, &outcome, line, &diags), TS_EUSAGE);
    assert_true(diags.n_items >= 1);
    assert_string_equal(diags.items[0].message, message);
    ts_diags_deinit(&diags);
}

static void test_options__values_stand_behind_or_within_a_word(void **state)
{
    (void)state;
    struct args args = parsed("a --out x -s k=1 --set=k=2 -sk=3 -qn 3");
    assert_string_equal(args.first, "a");
    assert_null(args.second);
    assert_string_equal(args.out, "x");
    assert_int_equal(args.sets.n, 3);
    assert_string_equal(args.sets.items[0], "k=1");
    assert_string_equal(args.sets.items[1], "k=2");
    assert_string_equal(args.sets.items[2], "k=3");
    assert_true(args.quiet);
    assert_int_equal(args.count, 3);
    args = parsed("--tr t --out=-x - --quiet");
    assert_string_equal(args.first, "-");
    assert_string_equal(args.trace, "t");
    assert_string_equal(args.out, "-x");
}

static void test_options__what_is_not_given_is_the_default(void **state)
{
    (void)state;
    const struct args args = parsed("a");
    assert_string_equal(args.out, "here");
    assert_int_equal(args.count, 7);
    assert_false(args.quiet);
    assert_int_equal(args.sets.n, 0);
}

static void test_options__two_dashes_end_the_options(void **state)
{
    (void)state;
    const struct args args = parsed("-q -- --out -q");
    assert_string_equal(args.first, "--out");
    assert_string_equal(args.second, "-q");
    assert_true(args.quiet);
}

static void test_options__help_is_found_before_anything_is_missed(void **state)
{
    (void)state;
    static const char *const lines[] = {"--help", "-h", "--he", "-qh", "a --rate 3 -h"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct args args;
        struct ts_options_outcome outcome;
        struct ts_diags diags;
        assert_int_equal(parse(&args, &outcome, lines[i], &diags), TS_OK);
        assert_true(outcome.help);
    }
}

static void test_options__mistakes_are_told(void **state)
{
    (void)state;
    expect_error("", "do needs a word");
    expect_error("a --out", "option '--out' needs a value");
    expect_error("a -o", "option '--out' needs a value");
    expect_error("a --out --quiet", "option '--out' needs a value");
    expect_error("a --out x -o y", "--out is given twice");
    expect_error("a --out= ", "--out is empty");
    expect_error("_", "FIRST is empty");
    expect_error("a --quiet=1", "--quiet takes no value, not '1'");
    expect_error("a --count 1", "--count takes a whole number from 2 to 9, not '1'");
    expect_error("a --count 10", "--count takes a whole number from 2 to 9, not '10'");
    expect_error("a --count -3", "--count takes a whole number from 2 to 9, not '-3'");
    expect_error("a --count 3x", "--count takes a whole number from 2 to 9, not '3x'");
}

static void test_options__a_short_name_has_to_be_the_only_one(void **state)
{
    (void)state;
    struct args args;
    struct ts_options_outcome outcome;
    struct ts_diags diags;
    assert_int_equal(parse(&args, &outcome, "a --l --o x", &diags), TS_OK);
    assert_true(args.list);
    assert_string_equal(args.out, "x");
    static const struct ts_option alike[] = {
        {"rate", 0, TS_INTO(struct args, rate), "X", "a rate"},
        {"ratelimit", 0, TS_INTO(struct args, out), "X", "a limit"},
        {"rat", 0, TS_INTO(struct args, trace), "X", "an animal"},
    };
    static const struct ts_option_table rats = TS_OPTIONS(alike, defaults);
    char ambiguous[] = "--ra", whole[] = "--rate", value[] = "1";
    char *first[] = {ambiguous, value}, *second[] = {whole, value};
    assert_int_equal(ts_options_parse(&args, &outcome, "do", &rats, 2, first, &diags), TS_EUSAGE);
    assert_string_equal(diags.items[0].message, "'--ra' can be --rate or --ratelimit");
    assert_int_equal(ts_options_parse(&args, &outcome, "do", &rats, 2, second, &diags), TS_OK);
    assert_string_equal(args.rate, "1");
    ts_diags_deinit(&diags);
}

static void test_options__options_that_do_nothing_are_errors(void **state)
{
    (void)state;
    expect_error("a --rate 3", "--rate does nothing without --trace");
    expect_error("a --trace t --count 3", "--count does nothing beside --trace");
    expect_error("a --list --quiet", "--quiet does nothing beside --list");
    const struct args args = parsed("a --list --out x");
    assert_true(args.list);
}

static void test_options__what_the_table_has_not_is_left_to_the_caller(void **state)
{
    (void)state;
    struct args args;
    struct ts_options_outcome outcome;
    struct ts_diags diags;
    assert_int_equal(parse(&args, &outcome, "a --tracee=3", &diags), TS_EUSAGE);
    assert_string_equal(outcome.unknown, "--tracee");
    assert_string_equal(ts_options_suggest(&table, outcome.unknown), "trace");
    assert_int_equal(parse(&args, &outcome, "a -qx", &diags), TS_EUSAGE);
    assert_string_equal(outcome.unknown, "-x");
    assert_int_equal(parse(&args, &outcome, "a b c", &diags), TS_EUSAGE);
    assert_string_equal(outcome.surplus, "c");
    assert_int_equal(diags.n_items, 0);
}

/* ---- the commands ---- */

static void assert_row_is_sound(const struct ts_option_table *options, size_t i)
{
    const struct ts_option *row = &options->rows[i];
    assert_non_null(row->doc);
    assert_true((row->name == NULL) == (row->operand != TS_NO_OPERAND));
    assert_true((row->metavar == NULL) == (row->kind == TS_OPTION_FLAG));
    assert_true(row->offset < options->size);
    if (row->kind == TS_OPTION_COUNT) {
        assert_true(row->range.least < row->range.most);
    }
    for (size_t k = 0; k < i; k++) {
        const struct ts_option *other = &options->rows[k];
        assert_int_not_equal(row->offset, other->offset);
        assert_false(row->name && other->name && strcmp(row->name, other->name) == 0);
        assert_false(row->letter && row->letter == other->letter);
    }
    assert_true(!row->with || ts_options_find(options, row->with));
    assert_true(!row->beside || ts_options_find(options, row->beside));
    for (size_t k = 0; k < sizeof row->without / sizeof row->without[0]; k++) {
        assert_true(!row->without[k] || ts_options_find(options, row->without[k]));
    }
}

static void test_options__the_tables_of_all_commands_are_sound(void **state)
{
    (void)state;
    size_t n = 0;
    const struct ts_command *const *commands = ts_commands(&n);
    assert_true(n > 10);
    for (size_t c = 0; c < n; c++) {
        const struct ts_option_table *options = &commands[c]->options;
        assert_true(options->n <= TS_MAX_OPTIONS);
        assert_true(commands[c]->run && commands[c]->summary && commands[c]->examples);
        for (size_t i = 0; i < options->n; i++) {
            assert_row_is_sound(options, i);
        }
    }
}

/* An example that the help shows is a command line: at least its command is there and has its options. */
static void test_options__examples_are_of_the_command(void **state)
{
    (void)state;
    size_t n = 0;
    const struct ts_command *const *commands = ts_commands(&n);
    for (size_t c = 0; c < n; c++) {
        char start[64];
        (void)snprintf(start, sizeof start, "  tiersim %s", commands[c]->name);
        assert_true(strncmp(commands[c]->examples, start, strlen(start)) == 0);
        for (const char *at = strstr(commands[c]->examples, " --"); at; at = strstr(at + 1, " --")) {
            char name[64];
            (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(at + 1, " \n="), at + 1);
            if (!ts_options_find(&commands[c]->options, name)) {
                fail_msg("%s has no %s, but an example of it", commands[c]->name, name);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options__values_stand_behind_or_within_a_word),
        cmocka_unit_test(test_options__what_is_not_given_is_the_default),
        cmocka_unit_test(test_options__two_dashes_end_the_options),
        cmocka_unit_test(test_options__help_is_found_before_anything_is_missed),
        cmocka_unit_test(test_options__mistakes_are_told),
        cmocka_unit_test(test_options__a_short_name_has_to_be_the_only_one),
        cmocka_unit_test(test_options__options_that_do_nothing_are_errors),
        cmocka_unit_test(test_options__what_the_table_has_not_is_left_to_the_caller),
        cmocka_unit_test(test_options__the_tables_of_all_commands_are_sound),
        cmocka_unit_test(test_options__examples_are_of_the_command),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
