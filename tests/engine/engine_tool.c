/* For developers: a random-weight GGUF of a model of the catalog, for other programs to be measured on; that file's
 * logits, and its steps timed on demand; and a look at what `bench model` measures. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/bench_model.h"
#include "kernels/host.h"
#include "scenarios/catalog/catalog.h"
#include "tests/engine/engine_live.h"
#include "tests/engine/gguf_write.h"
#include "tests/engine/recorded_model.h"

static enum ts_status config_of(struct ts_model_config *out, const char *name, struct ts_diags *diags)
{
    struct ts_arena arena;
    struct ts_catalog catalog;
    ts_arena_init(&arena);
    enum ts_status status = ts_catalog_load(&catalog, &arena, diags);
    const struct ts_llm *llm = status == TS_OK ? ts_catalog_llm(&catalog, name) : NULL;
    if (llm) {
        struct ts_model_shape shape = {llm->name,     llm->layers,   llm->hidden, llm->ffn,     llm->heads,
                                       llm->kv_heads, llm->head_dim, llm->vocab,  llm->context, llm->params};
        status = ts_model_config_from_shape(out, &shape, diags);
    } else if (status == TS_OK) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "no model is named '%s'", name);
    }
    ts_arena_deinit(&arena);
    return status;
}

static enum ts_status write_gguf(const char *path, const char *model, const char *quant, bool lifelike,
                                 struct ts_diags *diags)
{
    struct ts_model_config config;
    struct ts_weight_source *source = NULL;
    enum ts_status status = config_of(&config, model, diags);
    if (status == TS_OK && lifelike) {
        config.tied = false;
        status = ts_weight_source_lifelike(&source, &config, quant, 1, diags);
    } else if (status == TS_OK) {
        status = ts_weight_source_synthetic(&source, &config, quant, 1, diags);
    }
    if (status != TS_OK) {
        return status;
    }
    status = ts_gguf_write_model(path, &config, source, diags);
    ts_weight_source_destroy(source);
    return status;
}

/* One of the models whose logits are recorded for the tests. */
static enum ts_status run_small(int n, char **words, struct ts_diags *diags)
{
    (void)n;
    struct ts_model_config config;
    struct ts_weight_source *source = NULL;
    if (!recorded_config(&config, words[1])) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "llama, qwen2 or qwen3", "no family is named '%s'", words[1]);
    }
    enum ts_status status = ts_weight_source_lifelike(&source, &config, words[2], RECORDED_SEED, diags);
    if (status == TS_OK) {
        status = ts_gguf_write_model(words[0], &config, source, diags);
    }
    ts_weight_source_destroy(source);
    return status;
}

static bool on_progress(void *user, const struct ts_progress_state *state)
{
    (void)user;
    fprintf(stderr, "\r[%3.0f %%] %-40.40s %3.0f s left ", 100.0 * state->done, state->what, state->left_s);
    return true;
}

static void print_error(const char *what, const struct ts_model_measurement *m, const struct ts_fit_error *error)
{
    struct ts_text name;
    ts_text_init(&name);
    ts_model_step_name(&name, &m->steps[error->worst]);
    printf("%-22s R2 %.5f, median %.2f %%, worst %.2f %% (%s), %zu steps\n", what, error->r2,
           100.0 * error->median_frac, 100.0 * error->worst_frac, name.data, error->n);
    ts_text_deinit(&name);
}

static void print_measurement(const struct ts_model_measurement *m)
{
    printf("%s %s %s, %u threads, %s; weights %.0f MB (%s), working %.0f MB\n\n| step | n | ms | tok/s | linear %% | "
           "table %% |\n|---|---:|---:|---:|---:|---:|\n",
           m->model, m->quant, m->kernel, m->n_threads, m->cpu, (double)m->weight_bytes / 1e6, m->weights,
           (double)m->working_bytes / 1e6);
    for (size_t i = 0; i < m->n_steps; i++) {
        const struct ts_model_step *step = &m->steps[i];
        struct ts_step_load load = ts_model_step_load(step);
        struct ts_text name;
        ts_text_init(&name);
        ts_model_step_name(&name, step);
        printf("| %s%s | %u | %.2f | %.1f | %+.1f | %+.1f |\n", name.data, step->held_out ? " (held out)" : "",
               step->n_samples, 1e3 * step->seconds.median, ts_model_step_tok_per_s(step),
               m->fitted ? 100.0 * (ts_step_predict_linear(&m->linear, &load) / step->seconds.median - 1.0) : 0.0,
               m->fitted ? 100.0 * (ts_step_predict_table(&m->table, &load) / step->seconds.median - 1.0) : 0.0);
        ts_text_deinit(&name);
    }
    if (m->fitted) {
        printf("\nlinear: a %.4g b %.4g c %.4g d %.4g e %.4g s\ntable: b %.4g +- %.2g, c %.4g +- %.2g, e %.4g +- %.2g "
               "s; f:",
               m->linear.coef[0], m->linear.coef[1], m->linear.coef[2], m->linear.coef[3], m->linear.coef[4],
               m->table.b_s_per_seq, m->table.sd_b, m->table.c_s_per_kv_tok, m->table.sd_c, m->table.e_s_per_pair,
               m->table.sd_e);
        for (size_t k = 0; k < m->table.n_knots; k++) {
            printf(" %g: %.2f ms", m->table.tokens[k], 1e3 * m->table.seconds[k]);
        }
        printf("\n");
        print_error("linear, fitted steps:", m, &m->linear.error);
        print_error("table, fitted steps:", m, &m->table.error);
    }
    if (m->checked) {
        print_error("linear, held out:", m, &m->linear_check);
        print_error("table, held out:", m, &m->table_check);
    }
}

static const char *after(const char *word, const char *prefix)
{
    return ts_str_has_prefix(word, prefix) ? word + strlen(prefix) : NULL;
}

static enum ts_status bench(int n, char **words, struct ts_diags *diags)
{
    struct ts_model_config config;
    struct ts_model_measurement m;
    struct ts_arena arena;
    struct ts_model_bench_options options = {
        .config = &config, .quant = words[1], .seed = 1, .progress = {on_progress, NULL}};
    options.n_threads = (uint32_t)strtoul(words[2], NULL, 10);
    options.budget_s = strtod(words[3], NULL);
    for (int i = 4; i < n; i++) {
        options.check = options.check || ts_str_equal(words[i], "check");
        options.resume_path = after(words[i], "resume=") ? after(words[i], "resume=") : options.resume_path;
        options.isa = after(words[i], "isa=") ? after(words[i], "isa=") : options.isa;
        options.gguf_path = after(words[i], "gguf=") ? after(words[i], "gguf=") : options.gguf_path;
    }
    enum ts_status status = config_of(&config, words[0], diags);
    ts_arena_init(&arena);
    if (status == TS_OK) {
        status = ts_bench_model_run(&m, &arena, &options, diags);
    }
    fprintf(stderr, "\n");
    if (status == TS_OK) {
        print_measurement(&m);
        printf("peak memory %.0f MB\n", (double)ts_host_peak_bytes() / 1e6);
    }
    ts_arena_deinit(&arena);
    return status;
}

static enum ts_status run_gguf(int n, char **words, struct ts_diags *diags)
{
    return write_gguf(words[0], words[1], words[2], n == 4, diags);
}

static uint32_t number(const char *word)
{
    return (uint32_t)strtoul(word, NULL, 10);
}

static enum ts_status run_logits(int n, char **words, struct ts_diags *diags)
{
    return engine_live_logits(words[0], number(words[1]), number(words[2]), number(words[3]),
                              n == 6 ? number(words[5]) : 64, words[4], diags);
}

static enum ts_status run_record(int n, char **words, struct ts_diags *diags)
{
    (void)n;
    return engine_live_record(words[0], words[1], words[2], diags);
}

static enum ts_status run_compare(int n, char **words, struct ts_diags *diags)
{
    (void)n;
    return engine_live_compare(words[0], words[1], number(words[2]), diags);
}

static enum ts_status run_steps(int n, char **words, struct ts_diags *diags)
{
    (void)n;
    return engine_live_steps(words[0], number(words[1]), diags);
}

static const struct command {
    const char *name;
    int min_words, max_words;
    enum ts_status (*run)(int n, char **words, struct ts_diags *diags);
    const char *words;
} commands[] = {
    {"gguf", 3, 4, run_gguf, "FILE MODEL QUANT [lifelike]"},
    {"logits", 5, 6, run_logits, "FILE.gguf SEED TOKENS TEXTS OUT [TOKENS OF A STEP]"},
    {"small", 3, 3, run_small, "FILE llama|qwen2|qwen3 QUANT"},
    {"record", 3, 3, run_record, "LOGITS FAMILY QUANT"},
    {"compare", 3, 3, run_compare, "LOGITS LOGITS VOCABULARY"},
    {"steps", 2, 2, run_steps, "FILE.gguf THREADS < lines (engine_live.h)"},
    {"bench", 4, 8, bench, "MODEL QUANT THREADS SECONDS [check] [resume=FILE] [isa=NAME] [gguf=FILE]"},
};

static enum ts_status run_command(int argc, char **argv, struct ts_diags *diags)
{
    static const size_t n = sizeof commands / sizeof commands[0];
    for (size_t i = 0; argc >= 2 && i < n; i++) {
        bool fits = argc - 2 >= commands[i].min_words && argc - 2 <= commands[i].max_words;
        if (fits && ts_str_equal(argv[1], commands[i].name)) {
            return commands[i].run(argc - 2, argv + 2, diags);
        }
    }
    for (size_t i = 0; i < n; i++) {
        fprintf(stderr, "engine_tool %s %s\n", commands[i].name, commands[i].words);
    }
    return TS_EUSAGE;
}

int main(int argc, char **argv)
{
    struct ts_diags diags;
    ts_diags_init(&diags);
    enum ts_status status = run_command(argc, argv, &diags);
    struct ts_text text;
    ts_text_init(&text);
    ts_diags_render(&diags, &text);
    fputs(text.data, stderr);
    ts_text_deinit(&text);
    ts_diags_deinit(&diags);
    return ts_status_exit_code(status);
}
