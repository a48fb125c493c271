/* Hides how the options of `tiersim bench` become what the benchmarks want. */
#include "app/bench_common.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/interrupt.h"
#include "app/locate.h"
#include "base/file.h"

enum { MAX_TOKENS = 8192, PROGRESS_COLS = 70 };

#define NOISY_FRAC 0.5

enum ts_status ts_bench_parse_list(uint32_t *out, size_t *out_n, const char *option, const char *list, uint32_t min,
                                   uint32_t max, struct ts_diags *diags)
{
    size_t n = 0;
    for (const char *p = list; *p; p += *p == ',') {
        size_t len = strcspn(p, ",");
        uint64_t value;
        if (n == TS_BENCH_ARGS_MAX_N_TOK || !ts_parse_u64(&value, p, len) || value < min || value > max ||
            (n > 0 && value <= out[n - 1])) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), "for example 1,8,512",
                           "--%s takes up to %d increasing numbers from %u to %u, not '%s'", option,
                           TS_BENCH_ARGS_MAX_N_TOK, min, max, list);
        }
        out[n++] = (uint32_t)value;
        p += len;
    }
    *out_n = n;
    return n > 0 ? TS_OK : ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--%s is empty", option);
}

enum ts_status ts_bench_parse_n_tok(uint32_t *out, size_t *out_n, const char *list, struct ts_diags *diags)
{
    return ts_bench_parse_list(out, out_n, "n", list, 1, MAX_TOKENS, diags);
}

enum ts_status ts_bench_find_model(const struct ts_llm **out, struct ts_arena *arena, const char *name,
                                   struct ts_diags *diags)
{
    struct ts_catalog catalog;
    enum ts_status status = ts_catalog_load(&catalog, arena, diags);
    if (status != TS_OK) {
        return status;
    }
    const struct ts_llm *llm = ts_catalog_llm(&catalog, name);
    if (!llm) {
        const char *near = ts_catalog_suggest(&catalog, "model", name);
        char *hint = near ? ts_arena_printf(arena, "did you mean '%s'?", near) : NULL;
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), hint ? hint : "'tiersim catalog models' lists them",
                       "no model is named '%s'", name);
    }
    if (strcmp(llm->type, "dense") != 0) {
        return ts_fail(diags, TS_EUNSUPPORTED, ts_span_none(),
                       "measure a dense model, for example --model Llama-3.2-1B",
                       "'%s' is a %s model: bench measures dense models", llm->name, llm->type);
    }
    *out = llm;
    return TS_OK;
}

enum ts_status ts_bench_model_config(struct ts_model_config *out, struct ts_arena *arena, const char *name,
                                     struct ts_diags *diags)
{
    const struct ts_llm *llm = NULL;
    enum ts_status status = ts_bench_find_model(&llm, arena, name, diags);
    if (status != TS_OK) {
        return status;
    }
    const struct ts_model_shape shape = {
        .name = llm->name,
        .layers = llm->layers,
        .hidden = llm->hidden,
        .ffn = llm->ffn,
        .heads = llm->heads,
        .kv_heads = llm->kv_heads,
        .head_dim = llm->head_dim,
        .vocab = llm->vocab,
        .context = llm->context,
        .params = llm->params,
    };
    return ts_model_config_from_shape(out, &shape, diags);
}

enum ts_status ts_bench_target_path(char **out, const struct ts_args *args, struct ts_diags *diags)
{
    char *path = args->out ? ts_path_join("", args->out) : ts_locate_cached_measurement();
    if (!path) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "name a file with -o",
                       "there is no home folder to keep the measurement in");
    }
    char *dir = ts_path_dir(path);
    enum ts_status status = dir ? ts_mkdirs(dir, diags) : TS_ENOMEM;
    free(dir);
    if (status != TS_OK) {
        free(path);
        return status;
    }
    *out = path;
    return TS_OK;
}

static int on_progress(void *user, double done_frac, const char *what, double seconds_left)
{
    (void)user;
    fprintf(stderr, "\r[%3.0f %%] %-40.40s %3.0f s left ", 100.0 * done_frac, what, seconds_left);
    return ts_interrupt_requested();
}

static int on_quiet_progress(void *user, double done_frac, const char *what, double seconds_left)
{
    (void)user, (void)done_frac, (void)what, (void)seconds_left;
    return ts_interrupt_requested();
}

static bool shows_progress(const struct ts_args *args)
{
    return !args->quiet && isatty(STDERR_FILENO);
}

struct ts_bench_progress ts_bench_progress_of(const struct ts_args *args)
{
    return (struct ts_bench_progress){.report = shows_progress(args) ? on_progress : on_quiet_progress};
}

void ts_bench_progress_end(const struct ts_args *args)
{
    if (shows_progress(args)) {
        fprintf(stderr, "\r%*s\r", PROGRESS_COLS, "");
    }
}

void ts_bench_warn_if_noisy(const struct ts_measurement *measurements, size_t n, struct ts_diags *diags)
{
    double worst_frac = 0.0;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < measurements[i].n_steps; k++) {
            worst_frac = fmax(worst_frac, measurements[i].steps[k].spread_frac);
        }
    }
    if (worst_frac > NOISY_FRAC) {
        ts_diags_add(diags, TS_WARNING, ts_span_none(), "close other programs and measure again",
                     "the samples of a step spread by up to %.0f %% of their median: this machine was busy",
                     100.0 * worst_frac);
    }
}

void ts_bench_print_wake(const struct ts_measurement *m)
{
    if (m->n_threads > 1) {
        printf("starting %u threads' work takes %.1f us while they spin, %.0f us once they sleep\n", m->n_threads,
               1e6 * m->wake_spin_s, 1e6 * m->wake_sleep_s);
    }
}

enum ts_status ts_bench_print_table(struct ts_table *table, enum ts_table_format format)
{
    struct ts_text text;
    ts_text_init(&text);
    enum ts_status status = table ? ts_table_render(table, format, &text) : TS_ENOMEM;
    if (status == TS_OK) {
        puts(text.data);
    }
    ts_text_deinit(&text);
    ts_table_destroy(table);
    return status;
}
