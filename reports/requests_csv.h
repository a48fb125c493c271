/* A row for every request of a run, written while it goes on: requests.csv, or requests.csv.gz by its name. Rows come
 * in the order in which requests end, replication after replication. The file appears whole at the end, or not at all.
 *
 *   replication,id,class,sensitivity,tier,replica,arrival_s,prompt_tok,output_tok,queue_s,ttft_s,engine_ttft_s,tpot_s,
 *   e2e_s,outcome,preemptions
 *
 * An empty field: there is no such value (see sim/record.h). `replica` and `engine_ttft_s` are for servers alone. */
#ifndef TS_REPORTS_REQUESTS_CSV_H
#define TS_REPORTS_REQUESTS_CSV_H

#include "base/diag.h"
#include "base/progress.h"
#include "sim/model.h"
#include "sim/record.h"

struct ts_requests_csv;  /* the file */
struct ts_requests_part; /* the rows of one replication */

/* The model is borrowed until commit or abort. TS_EIO, TS_ENOMEM. */
enum ts_status ts_requests_csv_open(struct ts_requests_csv **out, const char *path, const struct ts_model *model,
                                    uint32_t n_replications, struct ts_diags *diags);

/* Parts may be opened, written and closed on several threads at once, each on one. With one replication its rows go
 * straight into the file, else into one of their own without a name until they are added. */
enum ts_status ts_requests_part_open(struct ts_requests_part **out, const struct ts_requests_csv *csv,
                                     uint32_t replication, struct ts_diags *diags);
/* For ts_sim_options.on_request; `part` is a struct ts_requests_part. TS_EIO, TS_ENOMEM. */
enum ts_status ts_requests_part_put(void *part, const struct ts_request_record *record);
/* No further rows. */
enum ts_status ts_requests_part_finish(struct ts_requests_part *part, struct ts_diags *diags);
void ts_requests_part_destroy(struct ts_requests_part *part); /* NULL is fine */

/* Adds the rows of a finished part after those that are there. TS_EINTERRUPTED: it was told to stop. */
enum ts_status ts_requests_csv_add(struct ts_requests_csv *csv, struct ts_requests_part *part,
                                   const struct ts_progress *progress, struct ts_diags *diags);
/* Puts the file in place. The csv is gone afterwards, whatever comes back. */
enum ts_status ts_requests_csv_commit(struct ts_requests_csv *csv, struct ts_diags *diags);
void ts_requests_csv_abort(struct ts_requests_csv *csv); /* NULL is fine */

#endif
