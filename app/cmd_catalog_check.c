/* tiersim catalog check FOLDER: whether a scenario can include that folder, with every mistake in it. */
#include <stdio.h>

#include "app/command.h"
#include "scenarios/catalog/catalog.h"

struct catalog_check_args {
    struct ts_catalog_choice choice;
};

static const struct catalog_check_args defaults;

static const struct ts_option options[] = {
    {TS_INTO(struct catalog_check_args, choice.include), "FOLDER",
     "a folder with prices.csv, hardware.csv etc., as named by a scenario's `include`", .operand = TS_NEEDED},
};

struct counts {
    size_t n_new, n_changed;
};

static void count(void *context, const struct ts_catalog_change *change)
{
    struct counts *counts = context;
    counts->n_new += change->what == TS_CATALOG_NEW;
    counts->n_changed += change->what == TS_CATALOG_CHANGED;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct catalog_check_args *args = untyped;
    struct ts_catalog built_in, with;
    struct counts counts = {0, 0};
    enum ts_status status = ts_catalog_load(&built_in, arena, diags);
    if (status == TS_OK) {
        status = ts_catalog_load_chosen(&with, &args->choice, arena, diags);
    }
    if (status == TS_OK) {
        status = ts_catalog_diff(&built_in, &with, count, &counts, arena);
    }
    if (status == TS_OK) {
        printf("%s: rows that are new: %zu; numbers that differ from the built-in ones: %zu\n", args->choice.include,
               counts.n_new, counts.n_changed);
    }
    return status;
}

const struct ts_command ts_command_catalog_check = {
    .name = "catalog check",
    .summary = "Check your own catalogs for mistakes",
    .examples = "  tiersim catalog check my-catalog\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
