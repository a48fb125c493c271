/* Hides the scripts and how sbatch is spoken to. A shard's number is the task's, plus where its array begins; the
 * options of the user stand in the scripts as a line of sbatch's own, so that sbatch reads them. */
#include "app/slurm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/child.h"
#include "app/study_words.h"
#include "base/file.h"

enum { DEFAULT_MAX_ARRAY = 1001, MAX_ARRAYS = 64 }; /* Slurm's own default */

static const char *own_path(struct ts_arena *arena)
{
    char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    return n > 0 && (size_t)n < sizeof path ? ts_arena_strndup(arena, path, (size_t)n) : "tiersim";
}

/* Longest array, from `scontrol show config`. */
static enum ts_status read_max_array(uint32_t *out, bool dry, struct ts_diags *diags)
{
    static const char *const argv[] = {"scontrol", "show", "config", NULL};
    static const char key[] = "MaxArraySize";
    struct ts_text config;
    ts_text_init(&config);
    struct ts_diags own;
    ts_diags_init(&own);
    const enum ts_status status = ts_child_read(&config, argv, dry ? &own : diags);
    const char *at = status == TS_OK ? strstr(config.data, key) : NULL;
    const long size = at ? strtol(at + strlen(key) + strspn(at + strlen(key), " ="), NULL, 10) : 0;
    ts_text_deinit(&config);
    ts_diags_deinit(&own);
    *out = size > 0 ? (uint32_t)size : DEFAULT_MAX_ARRAY;
    if (status == TS_EUNSUPPORTED && !dry) {
        return ts_fail(diags, status, ts_span_none(), "use --dry-run to print what would be done",
                       "there is no Slurm here: scontrol is not installed");
    }
    if (dry && !at) {
        printf("# no Slurm here says its MaxArraySize: %d, its default, is assumed\n", DEFAULT_MAX_ARRAY);
    }
    return dry ? TS_OK : status;
}

static void put_head(struct ts_text *out, const struct ts_slurm_job *job, const char *what)
{
    ts_text_printf(out, "#!/bin/bash\n#SBATCH --job-name=tiersim-%s\n#SBATCH --output=%s.slurm/%s-%%j.out\n", what,
                   job->stem, what);
    if (job->options[0] != '\0') {
        ts_text_printf(out, "#SBATCH %s\n", job->options);
    }
    ts_text_puts(out, "set -eu\n");
}

static void put_scripts(struct ts_text *shard, struct ts_text *merge, const struct ts_slurm_job *job, const char *self)
{
    put_head(shard, job, "shard");
    ts_text_puts(shard, "exec ");
    ts_words_put_shell(shard, self);
    ts_text_printf(shard, " %s \\\n  --out ", job->words);
    ts_words_put_shell(shard, job->stem);
    ts_text_printf(shard,
                   ".db --shard $((SLURM_ARRAY_TASK_ID + $1))/%u --resume --quiet"
                   " --threads \"${SLURM_CPUS_PER_TASK:-1}\"\n",
                   job->n_shards);
    put_head(merge, job, "merge");
    ts_text_puts(merge, "exec ");
    ts_words_put_shell(merge, self);
    ts_text_puts(merge, " merge ");
    ts_words_put_shell(merge, job->stem);
    ts_text_puts(merge, ".db\n");
}

/* The number that sbatch --parsable prints: "123" or "123;cluster". Dry: a name for it. */
static enum ts_status submit(struct ts_text *id, const char *const *argv, bool dry, const char *dry_name,
                             struct ts_diags *diags)
{
    if (dry) {
        for (size_t i = 0; argv[i]; i++) {
            printf("%s%s", i > 0 ? " " : "", argv[i]);
        }
        printf("\n");
        ts_text_puts(id, dry_name);
        return TS_OK;
    }
    struct ts_text said;
    ts_text_init(&said);
    enum ts_status status = ts_child_read(&said, argv, diags);
    if (status == TS_EUNSUPPORTED) {
        status = ts_fail(diags, status, ts_span_none(), "use --dry-run to print what would be done",
                         "there is no Slurm here: sbatch is not installed");
    }
    const size_t n = strspn(said.data, "0123456789");
    if (status == TS_OK && n == 0) {
        status =
            ts_fail(diags, TS_EIO, ts_span_none(), NULL, "sbatch does not say the number of the job: '%s'", said.data);
    }
    ts_text_append(id, said.data, n);
    ts_text_deinit(&said);
    return status;
}

static enum ts_status submit_arrays(struct ts_text *ids, const struct ts_slurm_job *job, const char *script,
                                    struct ts_diags *diags)
{
    uint32_t max_array = 0;
    enum ts_status status = read_max_array(&max_array, job->dry, diags);
    if (status == TS_OK && (job->n_shards - 1) / max_array >= MAX_ARRAYS) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "%u shards are more than %d arrays of %u", job->n_shards,
                       MAX_ARRAYS, max_array);
    }
    for (uint32_t from = 0; status == TS_OK && from < job->n_shards; from += max_array) {
        const uint32_t n = job->n_shards - from < max_array ? job->n_shards - from : max_array;
        char array[64], offset[16], name[32];
        (void)snprintf(array, sizeof array, "--array=0-%u", n - 1);
        (void)snprintf(offset, sizeof offset, "%u", from);
        (void)snprintf(name, sizeof name, "ARRAY%u", from / max_array + 1);
        const char *const argv[] = {"sbatch", "--parsable", array, script, offset, NULL};
        ts_text_puts(ids, ":");
        status = submit(ids, argv, job->dry, name, diags);
    }
    return status;
}

static enum ts_status submit_all(const struct ts_slurm_job *job, const char *shard_path, const char *merge_path,
                                 struct ts_diags *diags)
{
    struct ts_text dependency, merge_id;
    ts_text_init(&dependency);
    ts_text_init(&merge_id);
    ts_text_puts(&dependency, "--dependency=afterok");
    enum ts_status status = submit_arrays(&dependency, job, shard_path, diags);
    if (status == TS_OK) {
        const char *const argv[] = {"sbatch",   "--parsable", dependency.data, "--kill-on-invalid-dep=yes",
                                    merge_path, NULL};
        status = dependency.failed ? TS_ENOMEM : submit(&merge_id, argv, job->dry, "MERGE", diags);
    }
    if (status == TS_OK && !job->dry) {
        printf("%u shards: job %s; merged into %s.db by job %s\n", job->n_shards,
               dependency.data + strlen("--dependency=afterok:"), job->stem, merge_id.data);
    }
    ts_text_deinit(&dependency);
    ts_text_deinit(&merge_id);
    return status;
}

static enum ts_status write_or_print(const struct ts_slurm_job *job, const char *dir, const char *name,
                                     const struct ts_text *text, struct ts_diags *diags)
{
    if (!job->dry) {
        return ts_file_write_text(dir, name, text, diags);
    }
    printf("# %s/%s\n%s\n", dir, name, text->data);
    return text->failed ? TS_ENOMEM : TS_OK;
}

enum ts_status ts_slurm_submit(const struct ts_slurm_job *job, struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_text shard, merge;
    const char *dir = ts_arena_printf(arena, "%s.slurm", job->stem), *db = ts_arena_printf(arena, "%s.db", job->stem);
    const char *shard_path = dir ? ts_arena_printf(arena, "%s/shard.sh", dir) : NULL;
    const char *merge_path = dir ? ts_arena_printf(arena, "%s/merge.sh", dir) : NULL;
    if (arena->failed) {
        return TS_ENOMEM;
    }
    if (ts_file_exists(db)) {
        return ts_fail(diags, TS_EUSAGE, ts_span_file(db), "take another file with -o",
                       "there is a study of that name: its shards could not be merged into it");
    }
    ts_text_init(&shard);
    ts_text_init(&merge);
    put_scripts(&shard, &merge, job, own_path(arena));
    enum ts_status status = job->dry ? TS_OK : ts_mkdirs(dir, diags);
    if (status == TS_OK) {
        status = write_or_print(job, dir, "shard.sh", &shard, diags);
    }
    if (status == TS_OK) {
        status = write_or_print(job, dir, "merge.sh", &merge, diags);
    }
    if (status == TS_OK) {
        status = submit_all(job, shard_path, merge_path, diags);
    }
    ts_text_deinit(&shard);
    ts_text_deinit(&merge);
    return status;
}
