/* Hides the result files of `vllm bench serve` and sglang's bench_serving: one document, or several appended; lists of
 * all requests (seconds) only with --save-detailed or --output-details, averages (milliseconds) always.
 *
 * sglang's and older lists do not say when a request started. At the rate inf that follows: requests go in their order,
 * each as soon as fewer than max_concurrency are under way. Of two at a time that take 3, 1, 1 s the third starts at 1.
 */
#include <math.h>
#include <stdlib.h>

#include "imports/import_parts.h"

#define MAX_S 1e6
#define MAX_TOK 1e8

/* Item i of a list; false if it is no number within [min, max]. */
static bool item(const struct ts_json *list, size_t i, double min, double max, double *out)
{
    double value = 0.0;
    if (!ts_json_double(ts_json_at(list, i), &value) || !(value >= min && value <= max)) {
        return false;
    }
    *out = value;
    return true;
}

/* The time of a request's last token: `latencies`, or the gaps between its tokens; of a reply of one token, the TTFT.
 */
static bool latency(const struct ts_json *root, size_t i, double output_tok, double ttft_s, double *out)
{
    const struct ts_json *gaps = ts_json_at(ts_json_get(root, "itls"), i);
    if (item(ts_json_get(root, "latencies"), i, 0.0, MAX_S, out)) {
        return true;
    }
    *out = ttft_s;
    for (size_t k = 0; k < ts_json_length(gaps); k++) {
        double gap_s = 0.0;
        if (!item(gaps, k, 0.0, MAX_S, &gap_s)) {
            return false;
        }
        *out += gap_s;
    }
    return ts_json_length(gaps) > 0 || output_tok < 2.0;
}

/* The time of a request's first token; of a reply of one token, that of its last. */
static bool first_token(const struct ts_json *root, size_t i, double output_tok, double *out)
{
    return item(ts_json_get(root, "ttfts"), i, 1e-9, MAX_S, out) ||
           (output_tok < 2.0 && item(ts_json_get(root, "latencies"), i, 1e-9, MAX_S, out));
}

/* ---- when requests started ---- */

enum { MAX_AT_ONCE = 4096 };

struct starts {
    double free_s[MAX_AT_ONCE]; /* when each place is free again */
    size_t n;                   /* places; 0: for all requests */
};

/* Does it follow when requests start? *n_places: how many are under way at once, 0: all of them. */
static bool starts_follow(size_t *n_places, const struct ts_json *root)
{
    const struct ts_json *rate = ts_json_get(root, "request_rate");
    const char *word = ts_json_string(rate);
    double most = 0.0;
    (void)ts_import_number(root, "max_concurrency", 1.0, 1e9, &most);
    *n_places = most <= MAX_AT_ONCE ? (size_t)most : 0;
    const bool at_once = ts_json_is_null(rate) || (word && ts_str_equal(word, "inf")); /* Infinity is read as null */
    return at_once && most <= MAX_AT_ONCE;
}

/* The time at which the next request starts, which takes that long. */
static double next_start(struct starts *starts, double takes_s)
{
    size_t first = 0;
    if (starts->n == 0) {
        return 0.0;
    }
    for (size_t i = 1; i < starts->n; i++) {
        first = starts->free_s[i] < starts->free_s[first] ? i : first;
    }
    const double start_s = starts->free_s[first];
    starts->free_s[first] += takes_s;
    return start_s;
}

static bool has_lists(const struct ts_json *root)
{
    size_t n_places;
    return ts_json_length(ts_json_get(root, "ttfts")) > 0 &&
           (ts_json_length(ts_json_get(root, "start_times")) > 0 ||
            (starts_follow(&n_places, root) && ts_json_length(ts_json_get(root, "itls")) > 0));
}

/* ---- requests ---- */

static bool start_of(const struct ts_json *root, size_t i, struct starts *starts, const struct ts_import_request *r,
                     double *out)
{
    if (!starts) {
        return item(ts_json_get(root, "start_times"), i, 0.0, 1e12, out);
    }
    *out = next_start(starts, r->latency_s);
    return true;
}

static enum ts_status add_listed(struct ts_importer *importer, const struct ts_json *root, struct starts *starts,
                                 uint32_t run, uint32_t line)
{
    const struct ts_json *prompts = ts_json_get(root, "input_lens"), *errors = ts_json_get(root, "errors");
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < ts_json_length(prompts) && status == TS_OK; i++) {
        struct ts_import_request r = {.run = run};
        const char *error = ts_json_string(ts_json_at(errors, i));
        importer->info->n_rows++;
        if (error && *error) {
            ts_import_drop(importer, line, "the request failed");
        } else if (!item(prompts, i, 1.0, MAX_TOK, &r.prompt_tok) ||
                   !item(ts_json_get(root, "output_lens"), i, 1.0, MAX_TOK, &r.output_tok) ||
                   !first_token(root, i, r.output_tok, &r.ttft_s) ||
                   !latency(root, i, r.output_tok, r.ttft_s, &r.latency_s) ||
                   !start_of(root, i, starts, &r, &r.start_s)) {
            ts_import_drop(importer, line, "a length or time of the request is missing, no number, or out of range");
        } else if (r.latency_s < r.ttft_s) {
            ts_import_drop(importer, line, "the last token came before the first");
        } else {
            importer->info->n_used++;
            status = ts_import_add_request(importer, r);
        }
    }
    return status;
}

static enum ts_status add_requests(struct ts_importer *importer, const struct ts_json *root, uint32_t run,
                                   uint32_t line)
{
    if (ts_json_length(ts_json_get(root, "start_times")) > 0) {
        return add_listed(importer, root, NULL, run, line);
    }
    struct starts *starts = calloc(1, sizeof *starts);
    if (!starts) {
        return TS_ENOMEM;
    }
    (void)starts_follow(&starts->n, root);
    const enum ts_status status = add_listed(importer, root, starts, run, line);
    free(starts);
    return status;
}

/* Replies of one token have no time between tokens: only a prompt that was alone tells of a step. */
static enum ts_status add_one_token(struct ts_importer *importer, uint32_t line, double prompt_tok, double rate,
                                    double ttft_s)
{
    if (rate * ttft_s >= 1.5) {
        ts_import_drop(importer, line, "averages of one-token replies that were served together: use --save-detailed");
        return TS_OK;
    }
    importer->info->n_used++;
    return ts_import_add_prompt(importer, prompt_tok, ttft_s);
}

/* Averages only: Little's law gives the number of sequences that decode together. */
static enum ts_status add_averages(struct ts_importer *importer, const struct ts_json *root, uint32_t line)
{
    double n = 0.0, in = 0.0, out = 0.0, rate = 0.0, tpot_ms = 0.0, ttft_ms = 0.0;
    importer->info->n_rows++;
    if (!ts_import_number(root, "completed", 1.0, 1e12, &n) ||
        !ts_import_number(root, "total_input_tokens", 1.0, 1e15, &in) ||
        !ts_import_number(root, "total_output_tokens", 1.0, 1e15, &out) ||
        !ts_import_number(root, "request_throughput", 1e-9, 1e9, &rate) ||
        !(ts_import_number(root, "mean_tpot_ms", 1e-6, 1e9, &tpot_ms) || out / n < 1.5) ||
        !ts_import_number(root, "median_ttft_ms", 1e-6, 1e9, &ttft_ms) || in / n > MAX_TOK || out / n > MAX_TOK) {
        ts_import_drop(importer, line,
                       "no lists with start_times (--save-detailed, or sglang's --output-details at the rate inf), and "
                       "an average is missing, no number, or out of range");
        return TS_OK;
    }
    double s_per_tok = tpot_ms * 1e-3, out_tok = out / n;
    if (!(tpot_ms > 0.0)) {
        return add_one_token(importer, line, in / n, rate, ttft_ms * 1e-3);
    }
    double n_seqs = rate * s_per_tok * fmax(1.0, out_tok - 1.0);
    if (n_seqs > 1e6) {
        ts_import_drop(importer, line, "rate x time per token x tokens gives more than a million sequences");
        return TS_OK;
    }
    importer->info->n_used++;
    enum ts_status status = ts_import_add_averages(importer, n_seqs, in / n, out_tok, s_per_tok);
    if (status == TS_OK && n_seqs < 1.5) {
        status = ts_import_add_prompt(importer, in / n, ttft_ms * 1e-3);
    }
    return status;
}

static void take_names(struct ts_importer *importer, const struct ts_json *root)
{
    const char *model = ts_json_string(ts_json_get(root, "model_id"));
    const char *backend = ts_json_string(ts_json_get(root, "backend"));
    importer->info->model = ts_import_keep(importer, model);
    importer->info->program =
        ts_import_keep(importer, backend ? backend : ts_json_string(ts_json_get(root, "endpoint_type")));
    importer->kernel = "server";
    importer->info->method =
        "mean step of each request's decoding, and prompts served alone; of averages: Little's law";
}

enum ts_status ts_import_vllm(struct ts_importer *importer)
{
    struct ts_import_rows rows;
    struct ts_json_doc doc;
    uint32_t line = 0, run = 0;
    ts_import_rows_init(&rows, importer);
    enum ts_status status = ts_import_rows_next(&doc, &line, &rows);
    while (status == TS_OK && line > 0) {
        const struct ts_json *root = ts_json_root(&doc);
        const char *model = ts_json_string(ts_json_get(root, "model_id"));
        if (run == 0) {
            take_names(importer, root);
        }
        if (run > 0 && model && !ts_str_equal(model, importer->info->model)) {
            importer->info->n_rows++;
            ts_import_drop(importer, line, "another model than the first document's: import it on its own");
        } else if (has_lists(root)) {
            status = add_requests(importer, root, run, line);
        } else {
            status = add_averages(importer, root, line);
        }
        run++;
        ts_json_deinit(&doc);
        if (status == TS_OK) {
            status = ts_import_rows_next(&doc, &line, &rows);
        }
    }
    return status;
}
