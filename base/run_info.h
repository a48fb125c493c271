/* What a manifest tells about a run: version, command, host, time, the trace's hash. */
#ifndef TS_BASE_RUN_INFO_H
#define TS_BASE_RUN_INFO_H

#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/progress.h"

/* All in `arena`; NULL when out of memory. */
const char *ts_run_info_host(struct ts_arena *arena);
const char *ts_run_info_now(struct ts_arena *arena); /* "2026-11-22T18:00:00Z" */
/* "crc32:1c291ca3, 719188 bytes"; streams the file. TS_EIO, TS_EINTERRUPTED. */
enum ts_status ts_run_info_hash(const char **out, struct ts_arena *arena, const char *path,
                                const struct ts_progress *progress, struct ts_diags *diags);

uint32_t ts_run_info_cpus(void);

/* The most memory that this process has held; 0 if the system does not say. */
double ts_run_info_peak_bytes(void);

#endif
