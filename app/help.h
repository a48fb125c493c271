/* The help texts, made of the commands' rows. */
#ifndef TS_APP_HELP_H
#define TS_APP_HELP_H

#include <stdio.h>

#include "app/command.h"

/* What there is. TS_ENOMEM. */
enum ts_status ts_help_overview(FILE *stream);
/* A command's words and examples, on stdout. TS_ENOMEM. */
enum ts_status ts_help_command(const struct ts_command *command);
#endif
