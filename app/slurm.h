/* A study on a Slurm cluster: its shards as a job array, and a job after it that merges them. */
#ifndef TS_APP_SLURM_H
#define TS_APP_SLURM_H

#include "base/arena.h"
#include "base/diag.h"

struct ts_slurm_job {
    const char *words;   /* "sweep scenario.yaml --set ...", as a shell reads them, without shard and file */
    const char *stem;    /* of the study's file */
    const char *options; /* of sbatch, for all jobs: "--partition=long --time=1:00:00"; may be empty */
    uint32_t n_shards;
    bool dry; /* print what would be done */
};

/* Writes STEM.slurm/shard.sh and merge.sh, submits them and prints the jobs' numbers; shards that are done run nothing
 * again, so that it may be repeated. An array is as long as the cluster allows (MaxArraySize), and there are as many as
 * are needed. TS_EUNSUPPORTED: there is no sbatch; TS_EIO. */
enum ts_status ts_slurm_submit(const struct ts_slurm_job *job, struct ts_arena *arena, struct ts_diags *diags);

#endif
