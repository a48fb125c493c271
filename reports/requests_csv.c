/* Hides the layout of the requests' file and how the rows of replications that run at once come to be in order: each
 * has a file of its own, and they are put after one another. Times are whole nanoseconds, so their decimals are
 * exact. */
#include "reports/requests_csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/file.h"
#include "base/gzip.h"

static const char header[] = "replication,id,class,sensitivity,tier,replica,arrival_s,prompt_tok,output_tok,queue_s,"
                             "ttft_s,engine_ttft_s,tpot_s,e2e_s,outcome,preemptions,reason\n";

enum { COPY_BYTES = 1 << 16 };

struct ts_requests_csv {
    const struct ts_model *model;
    char *path;
    struct ts_file_writer file;
    uint32_t n_replications;
    bool zipped;
};

struct ts_requests_part {
    const struct ts_requests_csv *csv;
    FILE *own; /* NULL: rows go straight into the csv's file */
    FILE *stream;
    struct ts_gzip_writer *gzip; /* NULL: plain */
    struct ts_text row;
    uint32_t replication;
};

static enum ts_status fail_write(const char *path, enum ts_status status, struct ts_diags *diags)
{
    return status == TS_ENOMEM ? ts_fail(diags, TS_ENOMEM, ts_span_file(path), NULL, "out of memory")
                               : ts_fail_errno(diags, path, "cannot write", errno ? errno : EIO);
}

/* ---- the file ---- */

static enum ts_status write_header(struct ts_requests_csv *csv)
{
    if (!csv->zipped) {
        return fwrite(header, 1, sizeof header - 1, csv->file.stream) == sizeof header - 1 ? TS_OK : TS_EIO;
    }
    struct ts_gzip_writer *gzip = NULL;
    enum ts_status status = ts_gzip_writer_open(&gzip, csv->file.stream);
    if (status != TS_OK) {
        return status;
    }
    status = ts_gzip_writer_write(gzip, header, sizeof header - 1);
    const enum ts_status finished = ts_gzip_writer_finish(gzip);
    return status == TS_OK ? finished : status;
}

enum ts_status ts_requests_csv_open(struct ts_requests_csv **out, const char *path, const struct ts_model *model,
                                    uint32_t n_replications, struct ts_diags *diags)
{
    struct ts_requests_csv *csv = calloc(1, sizeof *csv);
    char *kept = strdup(path);
    if (!csv || !kept) {
        free(csv);
        free(kept);
        return fail_write(path, TS_ENOMEM, diags);
    }
    csv->model = model;
    csv->path = kept;
    csv->n_replications = n_replications;
    csv->zipped = ts_str_has_suffix(path, ".gz");
    enum ts_status status = ts_file_writer_open(&csv->file, path, diags);
    if (status == TS_OK) {
        status = write_header(csv);
        status = status == TS_OK ? TS_OK : fail_write(path, status, diags);
    }
    if (status != TS_OK) {
        ts_requests_csv_abort(csv);
        return status;
    }
    *out = csv;
    return TS_OK;
}

void ts_requests_csv_abort(struct ts_requests_csv *csv)
{
    if (csv) {
        ts_file_writer_abort(&csv->file);
        free(csv->path);
        free(csv);
    }
}

enum ts_status ts_requests_csv_commit(struct ts_requests_csv *csv, struct ts_diags *diags)
{
    const enum ts_status status = ts_file_writer_commit(&csv->file, diags);
    ts_requests_csv_abort(csv);
    return status;
}

/* ---- a replication's rows ---- */

enum ts_status ts_requests_part_open(struct ts_requests_part **out, const struct ts_requests_csv *csv,
                                     uint32_t replication, struct ts_diags *diags)
{
    struct ts_requests_part *part = calloc(1, sizeof *part);
    if (!part) {
        return fail_write(csv->path, TS_ENOMEM, diags);
    }
    part->csv = csv;
    part->replication = replication;
    ts_text_init(&part->row);
    enum ts_status status = TS_OK;
    if (csv->n_replications > 1) {
        status = ts_file_temp(&part->own, csv->path, diags);
    }
    part->stream = part->own ? part->own : csv->file.stream;
    if (status == TS_OK && csv->zipped) {
        status = ts_gzip_writer_open(&part->gzip, part->stream);
        status = status == TS_OK ? TS_OK : fail_write(csv->path, status, diags);
    }
    if (status != TS_OK) {
        ts_requests_part_destroy(part);
        return status;
    }
    *out = part;
    return TS_OK;
}

void ts_requests_part_destroy(struct ts_requests_part *part)
{
    if (part) {
        ts_gzip_writer_abort(part->gzip);
        if (part->own) {
            fclose(part->own);
        }
        ts_text_deinit(&part->row);
        free(part);
    }
}

static void put_u64(struct ts_text *row, uint64_t value)
{
    char digits[20];
    size_t n = sizeof digits;
    do {
        digits[--n] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    ts_text_append(row, digits + n, sizeof digits - n);
}

/* ",SECONDS" with nine decimals, or an empty field. */
static void put_ns(struct ts_text *row, int64_t ns)
{
    ts_text_append(row, ",", 1);
    if (ns == TS_NEVER_NS) {
        return;
    }
    const uint64_t per_s = 1000000000;
    char decimals[10] = {'.'};
    uint64_t rest = (uint64_t)ns % per_s;
    for (size_t i = sizeof decimals; i-- > 1; rest /= 10) {
        decimals[i] = (char)('0' + rest % 10);
    }
    put_u64(row, (uint64_t)ns / per_s);
    ts_text_append(row, decimals, sizeof decimals);
}

static void put_count(struct ts_text *row, uint64_t value)
{
    ts_text_append(row, ",", 1);
    put_u64(row, value);
}

static void put_row(struct ts_text *row, const struct ts_requests_part *part, const struct ts_request_record *record)
{
    const struct ts_model *model = part->csv->model;
    const struct ts_request *request = record->request;
    const bool somewhere = record->tier < model->n_tiers;
    put_u64(row, part->replication);
    put_count(row, request->id);
    ts_csv_put(row, request->class_id < model->n_classes ? model->class_names[request->class_id] : "", false);
    ts_csv_put(row, ts_sensitivity_name((enum ts_sensitivity)request->sensitivity), false);
    ts_csv_put(row, somewhere ? model->tiers[record->tier].name : "nowhere", false);
    if (somewhere && model->tiers[record->tier].kind == TS_TIER_SERVER) {
        put_count(row, record->unit);
    } else {
        ts_text_append(row, ",", 1);
    }
    put_ns(row, request->arrival_ns);
    put_count(row, request->prompt_tok);
    put_count(row, request->output_tok);
    put_ns(row, record->wait_ns);
    put_ns(row, record->ttft_ns);
    put_ns(row, record->engine_ttft_ns);
    put_ns(row, record->tpot_ns);
    put_ns(row, record->e2e_ns);
    ts_csv_put(row, ts_outcome_name(record->outcome), false);
    put_count(row, record->n_preemptions);
    ts_csv_put(row, record->reason < TS_REASON_NONE ? ts_reason_word(record->reason) : "", false);
    ts_text_append(row, "\n", 1);
}

enum ts_status ts_requests_part_put(void *user, const struct ts_request_record *record)
{
    struct ts_requests_part *part = user;
    struct ts_text *row = &part->row;
    ts_text_clear(row);
    put_row(row, part, record);
    if (row->failed) {
        return TS_ENOMEM;
    }
    if (part->gzip) {
        return ts_gzip_writer_write(part->gzip, row->data, row->len);
    }
    return fwrite(row->data, 1, row->len, part->stream) == row->len ? TS_OK : TS_EIO;
}

enum ts_status ts_requests_part_finish(struct ts_requests_part *part, struct ts_diags *diags)
{
    enum ts_status status = TS_OK;
    if (part->gzip) {
        status = ts_gzip_writer_finish(part->gzip);
        part->gzip = NULL;
    }
    if (status == TS_OK && fflush(part->stream) != 0) {
        status = TS_EIO;
    }
    return status == TS_OK ? TS_OK : fail_write(part->csv->path, status, diags);
}

enum ts_status ts_requests_csv_add(struct ts_requests_csv *csv, struct ts_requests_part *part,
                                   const struct ts_progress *progress, struct ts_diags *diags)
{
    if (!part->own) {
        return TS_OK;
    }
    char *buffer = malloc(COPY_BYTES);
    enum ts_status status = !buffer ? TS_ENOMEM : fseek(part->own, 0, SEEK_SET) == 0 ? TS_OK : TS_EIO;
    size_t len = 0;
    while (status == TS_OK && (len = fread(buffer, 1, COPY_BYTES, part->own)) > 0) {
        status = fwrite(buffer, 1, len, csv->file.stream) == len ? TS_OK : TS_EIO;
        status = status == TS_OK && !ts_progress_ask(progress) ? TS_EINTERRUPTED : status;
    }
    if (status == TS_OK && ferror(part->own)) {
        status = TS_EIO;
    }
    free(buffer);
    return status == TS_OK || status == TS_EINTERRUPTED ? status : fail_write(csv->path, status, diags);
}
