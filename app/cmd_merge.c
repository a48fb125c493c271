/* tiersim merge STUDY [PART...]: the shards of a study into one. */
#include <stdio.h>
#include <stdlib.h>

#include "app/command.h"
#include "app/study_words.h"
#include "base/file.h"
#include "base/names.h"
#include "study/study_db.h"

struct merge_args {
    const char *study;
    struct ts_option_texts parts;
};

static const struct merge_args defaults;

static const struct ts_option options[] = {
    {TS_INTO(struct merge_args, study), "STUDY", "the study to make, STUDY.db", .operand = TS_NEEDED},
    {TS_INTO(struct merge_args, parts), "PART", "its parts (default: all STUDY.shard-*.db)", .operand = TS_OPTIONAL},
};

struct parts {
    const char *const *items;
    size_t n;
};

/* Those that `sweep --shard` has written beside it. */
static enum ts_status find_parts(struct parts *out, const char *stem, struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_names names = {.n = 0};
    char *dir = ts_path_dir(stem);
    const char *prefix = ts_arena_printf(arena, "%s.shard-", ts_path_base(stem));
    enum ts_status status = dir && prefix ? ts_names_of_folder(&names, dir, diags) : TS_ENOMEM;
    const char **items = status == TS_OK ? ts_arena_array(arena, names.n + 1, sizeof *items) : NULL;
    *out = (struct parts){items, 0};
    for (size_t i = 0; items && i < names.n; i++) {
        if (ts_str_has_prefix(names.items[i], prefix) && ts_str_has_suffix(names.items[i], ".db")) {
            items[out->n++] = ts_arena_printf(arena, "%s/%s", dir, names.items[i]);
        }
    }
    ts_names_deinit(&names);
    free(dir);
    if (status == TS_OK && arena->failed) {
        status = TS_ENOMEM;
    }
    return status == TS_OK && out->n == 0
               ? ts_fail(diags, TS_EINPUT, ts_span_none(), "name them", "there is no part %s*.db", prefix)
               : status;
}

static enum ts_status export_csv(const char *path, const char *csv_path, struct ts_diags *diags)
{
    struct ts_study_db *db = NULL;
    struct ts_study_counts counts;
    enum ts_status status = ts_study_db_open_old(&db, path, diags);
    if (status != TS_OK) {
        return status;
    }
    status = ts_study_db_counts(&counts, db, diags);
    if (status == TS_OK) {
        status = ts_study_db_csv(db, csv_path, diags);
    }
    if (status == TS_OK) {
        printf("%u points in %s and %s\n", counts.n_done + counts.n_impossible + counts.n_stopped, path, csv_path);
    }
    ts_study_db_close(db);
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct merge_args *args = untyped;
    const char *stem = ts_words_study_stem(args->study, "", arena);
    const char *path = stem ? ts_arena_printf(arena, "%s.db", stem) : NULL;
    const char *csv_path = stem ? ts_arena_printf(arena, "%s.csv", stem) : NULL;
    struct parts parts = {args->parts.items, args->parts.n};
    if (!path || !csv_path) {
        return TS_ENOMEM;
    }
    enum ts_status status = parts.n > 0 ? TS_OK : find_parts(&parts, stem, arena, diags);
    if (status == TS_OK) {
        status = ts_study_db_merge(path, parts.items, parts.n, diags);
    }
    return status == TS_OK ? export_csv(path, csv_path, diags) : status;
}

const struct ts_command ts_command_merge = {
    .name = "merge",
    .summary = "Put the shards of a study together",
    .examples = "  tiersim merge out/hybrid-enterprise-study.db\n"
                "  tiersim merge study.db node1/study.shard-0-of-2.db node2/study.shard-1-of-2.db\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
