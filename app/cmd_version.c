/* tiersim version */
#include <stdio.h>

#include "app/command.h"
#include "app/version.h"

static enum ts_status run(const void *args, struct ts_arena *arena, struct ts_diags *diags)
{
    (void)args;
    (void)arena;
    (void)diags;
    puts("tiersim " TS_VERSION);
    return TS_OK;
}

const struct ts_command ts_command_version = {
    .name = "version",
    .summary = "Print the version",
    .examples = "  tiersim version\n",
    .run = run,
};
