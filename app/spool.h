/* Standard input as a file that can be opened more than once. */
#ifndef TS_APP_SPOOL_H
#define TS_APP_SPOOL_H

#include "app/options.h"
#include "base/arena.h"

/* In place of each "-" that stands for standard input in the options of `table` (`reads_stdin`): the path of a file
 * without a name that holds what was there to read; it is gone when the program ends. TS_EIO, TS_ENOMEM. */
enum ts_status ts_spool_stdin(void *args, const struct ts_option_table *table, struct ts_arena *arena,
                              struct ts_diags *diags);

#endif
