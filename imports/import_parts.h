/* What the readers of imports share. import.c finds the format out and calls its reader; a reader adds points
 * (import_collect.c), or requests that import_serving.c makes points of; import_fit.c fits them. */
#ifndef TS_IMPORTS_IMPORT_PARTS_H
#define TS_IMPORTS_IMPORT_PARTS_H

#include <stdbool.h>

#include "imports/import.h"

enum { TS_IMPORT_MAX_REQUESTS = 1 << 20, TS_IMPORT_MAX_RAW_POINTS = 1 << 20 };

struct ts_importer {
    struct ts_arena *arena;
    struct ts_diags *diags;
    const char *path;
    const char *data; /* the file, NUL-terminated */
    size_t len;
    struct ts_import *info;
    struct ts_import_point *points; /* [n_points], on the heap */
    size_t n_points, cap_points;
    struct ts_import_request *requests; /* [n_requests], on the heap */
    size_t n_requests, cap_requests;
    const char *quant, *kernel; /* "" where the source does not say */
    uint32_t n_threads;
    uint64_t weight_bytes;
};

/* Readers: all rows of the file. */
enum ts_status ts_import_llama_json(struct ts_importer *importer);
enum ts_status ts_import_llama_csv(struct ts_importer *importer);
enum ts_status ts_import_llama_table(struct ts_importer *importer);
enum ts_status ts_import_vllm(struct ts_importer *importer);
enum ts_status ts_import_guidellm(struct ts_importer *importer);
enum ts_status ts_import_aiperf(struct ts_importer *importer);

/* The rows of a file of JSON; import_rows.c says what it copes with. */
struct ts_import_rows {
    struct ts_importer *importer;
    size_t pos, n_open; /* arrays that are open */
    uint32_t line, passed_line, first_passed;
    uint64_t n_rows, n_passed; /* so far; lines with text that was passed over */
    bool is_cut, quiet;        /* quiet: no warnings */
};

void ts_import_rows_init(struct ts_import_rows *rows, struct ts_importer *importer);
/* The next row, and the line that it begins at (from 1); line 0 and *out untouched at the end, with warnings of what
 * was passed over or is cut short. TS_EINPUT, TS_ENOMEM. */
enum ts_status ts_import_rows_next(struct ts_json_doc *out, uint32_t *line, struct ts_import_rows *rows);

enum ts_import_content { TS_IMPORT_TABLE, TS_IMPORT_CSV, TS_IMPORT_JSON };

/* By the first line that is of one of them: a log may stand before it. */
enum ts_import_content ts_import_content_of(const struct ts_importer *importer);
/* Where the header of a CSV file of llama-bench begins, and its line; 0 and 1 if there is none. */
size_t ts_import_csv_header(const struct ts_importer *importer, uint32_t *line);
/* A word in the beginning of the text. */
bool ts_import_head_has(const struct ts_importer *importer, const char *word);
/* TS_EINPUT for UTF-16, which PowerShell's > writes: how to convert it. */
enum ts_status ts_import_check_encoding(const struct ts_importer *importer);

/* Appends what is left of a document that ends within itself, with its brackets closed. False if that is nothing. */
bool ts_import_cut_back(struct ts_text *out, const char *data, size_t len);

/* Counts a row that is left out; `reason` outlives the importer. */
void ts_import_drop(struct ts_importer *importer, uint64_t line, const char *reason);
/* A copy in the arena; "" if `text` is NULL; never NULL (out of memory shows later, as an empty name). */
const char *ts_import_keep(struct ts_importer *importer, const char *text);
/* TS_ENOMEM; TS_EINPUT beyond the maximum. */
enum ts_status ts_import_add_point(struct ts_importer *importer, struct ts_import_point point);
enum ts_status ts_import_add_request(struct ts_importer *importer, struct ts_import_request request);

/* A number of the object within [min, max]; false if it is missing, of another type or outside. */
bool ts_import_number(const struct ts_json *object, const char *key, double min, double max, double *out);

/* What the steps of a run were on average, from its averages alone: n_seqs decoding together, a token taking
 * s_per_tok. */
enum ts_status ts_import_add_averages(struct ts_importer *importer, double n_seqs, double prompt_tok, double output_tok,
                                      double s_per_tok);
/* The step of a prompt processed while nobody else was served. */
enum ts_status ts_import_add_prompt(struct ts_importer *importer, double prompt_tok, double seconds);
/* Points from the requests. */
enum ts_status ts_import_serve(struct ts_importer *importer);

/* The fit of importer->points, and what is told about it. */
enum ts_status ts_import_fit(struct ts_model_measurement *out, struct ts_importer *importer);

#endif
