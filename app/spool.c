/* Hides that a trace is opened more than once (to find out what it is, for each replication, for its hash), and that
 * standard input can be read once only: it is copied first. */
#include "app/spool.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/file.h"

static enum ts_status copy(FILE *to, struct ts_diags *diags)
{
    char bytes[1 << 16];
    size_t n = 0;
    while ((n = fread(bytes, 1, sizeof bytes, stdin)) > 0) {
        if (fwrite(bytes, 1, n, to) != n) {
            return ts_fail_errno(diags, "standard input", "cannot keep what was read from it", errno);
        }
    }
    if (ferror(stdin) || fflush(to) != 0) {
        return ts_fail_errno(diags, "standard input", "cannot read", errno);
    }
    return TS_OK;
}

static enum ts_status spool(const char **path, struct ts_arena *arena, struct ts_diags *diags)
{
    enum { PATH_BYTES = 32 };
    FILE *file = NULL;
    char *name = ts_arena_alloc(arena, PATH_BYTES);
    if (!name) {
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "out of memory");
    }
    enum ts_status status = ts_file_temp(&file, "/tmp/tiersim", diags);
    if (status != TS_OK) {
        return status;
    }
    status = copy(file, diags);
    const int fd = status == TS_OK ? dup(fileno(file)) : -1; /* open until the program ends */
    if (status == TS_OK && fd < 0) {
        status = ts_fail_errno(diags, "standard input", "cannot read", errno);
    }
    fclose(file);
    if (status == TS_OK) {
        (void)snprintf(name, PATH_BYTES, "/dev/fd/%d", fd);
        *path = name;
    }
    return status;
}

enum ts_status ts_spool_stdin(void *args, const struct ts_option_table *table, struct ts_arena *arena,
                              struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < table->n && status == TS_OK; i++) {
        const char **value = (const char **)((char *)args + table->rows[i].offset);
        if (table->rows[i].reads_stdin && *value && ts_str_equal(*value, "-")) {
            status = spool(value, arena, diags);
        }
    }
    return status;
}
