/* Hides the names and the order of llama-bench's fields, and how its Markdown table is set. A row of k sequences and n
 * tokens each that took t: avg_ns = t, avg_ts = k n / t. */
#include "engine/llama_shape.h"

#include <math.h>
#include <string.h>

#include "base/csv.h"

enum { N_FIELDS = 26 };

/* A field as CSV and JSON write it: a text, or a number. */
struct field {
    const char *key, *text;
    double number;
};

struct test {
    const struct ts_model_step *step;
    uint32_t n_prompt, n_gen, n_depth, n_seqs;
    double avg_ns, stddev_ns, avg_ts, stddev_ts;
};

bool ts_llama_shape_parse(enum ts_llama_shape *out, const char *name)
{
    static const char *const names[] = {"md", "csv", "json", "jsonl"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (ts_str_equal(name, names[i])) {
            *out = (enum ts_llama_shape)i;
            return true;
        }
    }
    return false;
}

static double deviation(const double *values, size_t n, double mean)
{
    double squares = 0.0;
    for (size_t i = 0; i < n; i++) {
        squares += (values[i] - mean) * (values[i] - mean);
    }
    return n > 1 ? sqrt(squares / (double)(n - 1)) : 0.0;
}

static double mean_of(const double *values, size_t n)
{
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) {
        sum += values[i];
    }
    return sum / (double)n;
}

static double tokens_of(const struct test *test)
{
    return (double)test->n_seqs * (test->n_prompt + test->n_gen);
}

static struct test test_of(const struct ts_model_step *step)
{
    struct test test = {.step = step, .n_seqs = 1};
    double rates[TS_MODEL_STEP_MAX_SAMPLES];
    if (step->prefill > 0) {
        test.n_prompt = step->prefill;
        test.n_depth = step->prefill_depth;
    } else {
        test.n_gen = 1;
        test.n_depth = step->depth;
        test.n_seqs = step->n_decode;
    }
    double mean_s = mean_of(step->samples, step->n_samples);
    for (uint32_t i = 0; i < step->n_samples; i++) {
        rates[i] = tokens_of(&test) / step->samples[i];
    }
    test.avg_ns = round(1e9 * mean_s);
    test.stddev_ns = round(1e9 * deviation(step->samples, step->n_samples, mean_s));
    test.avg_ts = mean_of(rates, step->n_samples);
    test.stddev_ts = deviation(rates, step->n_samples, test.avg_ts);
    return test;
}

/* ---- CSV, JSON ---- */

static void fill_fields(struct field fields[N_FIELDS], const struct ts_model_measurement *m,
                        const struct ts_llama_names *names, const struct test *test, const char *model_type)
{
    double ubatch = test->n_prompt > 512 ? test->n_prompt : 512.0;
    const struct field all[N_FIELDS] = {
        {"build_commit", names->build, 0.0},
        {"build_number", NULL, 0.0},
        {"cpu_info", m->cpu, 0.0},
        {"gpu_info", "", 0.0},
        {"backends", "CPU", 0.0},
        {"model_filename", m->model, 0.0},
        {"model_type", model_type, 0.0},
        {"model_size", NULL, (double)m->weight_bytes},
        {"model_n_params", NULL, names->n_params},
        {"n_batch", NULL, ubatch},
        {"n_ubatch", NULL, ubatch},
        {"n_threads", NULL, m->n_threads},
        {"type_k", "f16", 0.0},
        {"type_v", "f16", 0.0},
        {"n_gpu_layers", NULL, 0.0},
        {"split_mode", "none", 0.0},
        {"flash_attn", NULL, 1.0},
        {"n_prompt", NULL, test->n_prompt},
        {"n_gen", NULL, test->n_gen},
        {"n_depth", NULL, test->n_depth},
        {"test_time", names->time, 0.0},
        {"avg_ns", NULL, test->avg_ns},
        {"stddev_ns", NULL, test->stddev_ns},
        {"avg_ts", NULL, test->avg_ts},
        {"stddev_ts", NULL, test->stddev_ts},
        {"n_seqs", NULL, test->n_seqs},
    };
    memcpy(fields, all, sizeof all);
}

static void put_csv_head(struct ts_text *out, const struct field fields[N_FIELDS])
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        ts_csv_put(out, fields[i].key, i == 0);
    }
    ts_text_puts(out, "\n");
}

/* llama-bench quotes every field of a row. */
static void put_csv_row(struct ts_text *out, const struct field fields[N_FIELDS])
{
    for (size_t i = 0; i < N_FIELDS; i++) {
        ts_text_puts(out, i > 0 ? ",\"" : "\"");
        ts_text_puts(out, fields[i].text && ts_csv_is_formula(fields[i].text) ? "'" : "");
        for (const char *c = fields[i].text; c && *c; c++) {
            ts_text_puts(out, *c == '"' ? "\"" : "");
            ts_text_append(out, c, 1);
        }
        if (!fields[i].text) {
            ts_text_double(out, fields[i].number);
        }
        ts_text_puts(out, "\"");
    }
    ts_text_puts(out, "\n");
}

static void put_samples(struct ts_json_writer *json, const char *key, const struct test *test, bool rates)
{
    ts_json_key(json, key);
    ts_json_begin_array(json);
    for (uint32_t i = 0; i < test->step->n_samples; i++) {
        double seconds = test->step->samples[i];
        ts_json_put_double(json, rates ? tokens_of(test) / seconds : round(1e9 * seconds));
    }
    ts_json_end_array(json);
}

static void put_object(struct ts_json_writer *json, const struct field fields[N_FIELDS], const struct test *test)
{
    ts_json_begin_object(json);
    for (size_t i = 0; i < N_FIELDS; i++) {
        ts_json_key(json, fields[i].key);
        if (fields[i].text) {
            ts_json_put_string(json, fields[i].text);
        } else {
            ts_json_put_double(json, fields[i].number);
        }
    }
    put_samples(json, "samples_ns", test, false);
    put_samples(json, "samples_ts", test, true);
    ts_json_end_object(json);
}

/* The writer breaks lines; a line break inside a JSON text can only be layout, so a blank may stand for it. */
static void put_line(struct ts_text *out, const struct ts_text *object)
{
    for (const char *c = object->data; *c; c++) {
        if (*c != '\n') {
            ts_text_append(out, c, 1);
        } else {
            c += strspn(c + 1, " ");
        }
    }
    ts_text_puts(out, "\n");
}

/* ---- Markdown ---- */

static void put_table_head(struct ts_text *out)
{
    ts_text_puts(out,
                 "| model                          |       size |     params | backend    | threads |            test "
                 "|                  t/s |\n"
                 "| ------------------------------ | ---------: | ---------: | ---------- | ------: | --------------: "
                 "| -------------------: |\n");
}

static void put_right(struct ts_text *out, const struct ts_text *cell, int width)
{
    ts_text_printf(out, " %*s |", width, cell->data);
}

static void put_table_row(struct ts_text *out, const struct ts_model_measurement *m, const struct ts_llama_names *names,
                          const struct test *test, const char *model_type)
{
    struct ts_text cell;
    ts_text_init(&cell);
    ts_text_printf(out, "| %-30s |", model_type);
    ts_text_printf(&cell, "%.2f %s", (double)m->weight_bytes / (m->weight_bytes >= 1U << 30 ? 0x1p30 : 0x1p20),
                   m->weight_bytes >= 1U << 30 ? "GiB" : "MiB");
    put_right(out, &cell, 10);
    ts_text_clear(&cell);
    if (names->n_params > 0.0) {
        ts_text_printf(&cell, "%.2f %s", names->n_params / (names->n_params >= 1e9 ? 1e9 : 1e6),
                       names->n_params >= 1e9 ? "B" : "M");
    }
    put_right(out, &cell, 10);
    ts_text_clear(&cell);
    ts_text_printf(out, " %-10s | %7u |", "CPU", m->n_threads);
    if (test->n_seqs > 1) {
        ts_text_printf(&cell, "%u x ", test->n_seqs);
    }
    ts_text_printf(&cell, "%s%u", test->n_prompt > 0 ? "pp" : "tg", test->n_prompt + test->n_gen);
    if (test->n_depth > 0) {
        ts_text_printf(&cell, " @ d%u", test->n_depth);
    }
    put_right(out, &cell, 15);
    ts_text_clear(&cell);
    ts_text_printf(&cell, "%.2f \xc2\xb1 %.2f", test->avg_ts, test->stddev_ts);
    put_right(out, &cell, 21); /* one more: the sign takes two bytes */
    ts_text_puts(out, "\n");
    ts_text_deinit(&cell);
}

/* ---- all ---- */

struct shaping {
    struct ts_text *out;
    struct ts_text object; /* JSON Lines: the row's object */
    struct ts_json_writer json;
    const struct ts_model_measurement *m;
    const struct ts_llama_names *names;
    enum ts_llama_shape shape;
    size_t n_rows;
};

static void put_test(struct shaping *s, const struct test *test, const char *model_type)
{
    struct field fields[N_FIELDS];
    fill_fields(fields, s->m, s->names, test, model_type);
    switch (s->shape) {
    case TS_LLAMA_MARKDOWN:
        if (s->n_rows == 0) {
            put_table_head(s->out);
        }
        put_table_row(s->out, s->m, s->names, test, model_type);
        break;
    case TS_LLAMA_CSV:
        if (s->n_rows == 0) {
            put_csv_head(s->out, fields);
        }
        put_csv_row(s->out, fields);
        break;
    case TS_LLAMA_JSON:
        put_object(&s->json, fields, test);
        break;
    case TS_LLAMA_JSONL:
        ts_text_clear(&s->object);
        ts_json_writer_init(&s->json, &s->object);
        put_object(&s->json, fields, test);
        put_line(s->out, &s->object);
        break;
    }
    s->n_rows++;
}

size_t ts_llama_shape_put(struct ts_text *out, const struct ts_model_measurement *m, const struct ts_llama_names *names,
                          enum ts_llama_shape shape)
{
    struct shaping s = {.out = out, .m = m, .names = names, .shape = shape};
    struct ts_text model_type;
    size_t n_mixed = 0;
    ts_text_init(&s.object);
    ts_text_init(&model_type);
    ts_text_printf(&model_type, "%s %s", m->model, m->quant);
    ts_json_writer_init(&s.json, out);
    if (shape == TS_LLAMA_JSON) {
        ts_json_begin_array(&s.json);
    }
    for (size_t i = 0; i < m->n_steps; i++) {
        bool mixed = m->steps[i].n_decode > 0 && m->steps[i].prefill > 0;
        n_mixed += mixed;
        if (!mixed) {
            struct test test = test_of(&m->steps[i]);
            put_test(&s, &test, model_type.data);
        }
    }
    if (shape == TS_LLAMA_JSON) {
        ts_json_end_array(&s.json);
        ts_text_puts(out, "\n");
    }
    out->failed = out->failed || s.object.failed || model_type.failed;
    ts_text_deinit(&s.object);
    ts_text_deinit(&model_type);
    return n_mixed;
}
