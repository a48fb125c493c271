/* tiersim catalog diff OLD [NEW]: what changed between two folders, or two days. */
#include <math.h>
#include <stdio.h>

#include "app/command.h"
#include "app/print_table.h"
#include "base/file.h"
#include "scenarios/catalog/catalog.h"

struct catalog_diff_args {
    const char *before, *after, *format;
};

static const struct catalog_diff_args defaults = {.format = "text"};

static const struct ts_option options[] = {
    {TS_INTO(struct catalog_diff_args, before), "OLD",
     "a date (2026-07: the catalogs as of then), or a folder of your own over the built-in ones", .operand = TS_NEEDED},
    {TS_INTO(struct catalog_diff_args, after), "NEW",
     "what to compare it with, in the same way (default: the built-in ones)", .operand = TS_OPTIONAL},
    TS_OPTION_TABLE_FORMAT(struct catalog_diff_args, format),
};

static struct ts_catalog_choice choice_of(const char *word)
{
    const bool is_date = word && ts_catalog_is_date(word) && !ts_dir_exists(word);
    return (struct ts_catalog_choice){.include = is_date ? NULL : word, .as_of = is_date ? word : NULL};
}

/* Zero in a catalog is "not known". */
static double known(double value)
{
    return value > 0.0 ? value : (double)NAN;
}

static void put_change(void *context, const struct ts_catalog_change *change)
{
    struct ts_table *table = context;
    const bool changed = change->what == TS_CATALOG_CHANGED;
    ts_table_row(table);
    ts_table_put(table, change->kind);
    ts_table_put(table, change->name);
    ts_table_put(table, changed ? change->column : change->what == TS_CATALOG_NEW ? "(new)" : "(gone)");
    ts_table_num(table, known(change->before), 6);
    ts_table_num(table, known(change->after), 6);
    if (change->before > 0.0 && change->after > 0.0) {
        ts_table_putf(table, "%+.1f %%", 100.0 * (change->after / change->before - 1.0));
    } else {
        ts_table_put(table, "");
    }
}

static enum ts_status print_diff(const struct ts_catalog *before, const struct ts_catalog *after,
                                 enum ts_table_format format, struct ts_arena *arena)
{
    static const char *const headers[] = {"catalog", "row", "figure", "old", "new", "change"};
    struct ts_table *table = ts_table_create("What changed");
    if (!table) {
        return TS_ENOMEM;
    }
    ts_table_columns(table, headers, sizeof headers / sizeof headers[0], 3);
    const enum ts_status status = ts_catalog_diff(before, after, put_change, table, arena);
    if (status != TS_OK) {
        ts_table_destroy(table);
        return status;
    }
    return ts_print_table(table, format);
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct catalog_diff_args *args = untyped;
    const struct ts_catalog_choice old = choice_of(args->before), new = choice_of(args->after);
    struct ts_catalog before, after;
    enum ts_table_format format;
    enum ts_status status = ts_print_format(&format, args->format, diags);
    if (status == TS_OK) {
        status = ts_catalog_load_chosen(&before, &old, arena, diags);
    }
    if (status == TS_OK) {
        status = ts_catalog_load_chosen(&after, &new, arena, diags);
    }
    return status == TS_OK ? print_diff(&before, &after, format, arena) : status;
}

const struct ts_command ts_command_catalog_diff = {
    .name = "catalog diff",
    .summary = "Compare catalogs: your own folders, or the state on two dates",
    .examples = "  tiersim catalog diff 2026-07-25                  # what changed since\n"
                "  tiersim catalog diff prices-2025 prices-2026 --format md\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
