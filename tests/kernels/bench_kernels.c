/* The kernels' speed without the command line tool. `bench_kernels` runs a second on small matrices and checks that the
 * numbers make sense; `bench_kernels QUANT THREADS SECONDS [VARIANT]` measures at the shapes of Llama-3.2-1B and prints
 * a table. */
#include <stdio.h>
#include <stdlib.h>

#include "kernels/bench/bench.h"

static const uint32_t all_n_tok[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512};
static const uint32_t few_n_tok[] = {1, 8, 48};
static const struct ts_matmul_shape small_shapes[] = {{"small", 100, 256, 2}, {"large", 512, 512, 1}};

static void print_matmuls(const struct ts_measurement *m)
{
    printf("%-12s %6s %6s %6s %12s %8s %9s\n", "shape", "rows", "cols", "n_tok", "median us", "GOPS", "baseline");
    for (size_t i = 0; i < m->n_matmuls; i++) {
        const struct ts_matmul_sample *s = &m->matmuls[i];
        const struct ts_matmul_shape *shape = &m->shapes[s->shape];
        printf("%-12s %6lu %6lu %6lu %12.1f %8.1f", shape->name, (unsigned long)shape->rows, (unsigned long)shape->cols,
               (unsigned long)s->n_tok, s->seconds.median * 1e6, s->gops);
        for (size_t b = 0; b < m->n_baseline; b++) {
            if (m->baseline[b].shape == s->shape && m->baseline[b].n_tok == s->n_tok) {
                printf(" %9.1f (%.2fx)", m->baseline[b].gops, s->gops / m->baseline[b].gops);
            }
        }
        printf("\n");
    }
}

/* Seconds of one forward pass of the baseline; 0 if it was not measured at that count. */
static double baseline_step_s(const struct ts_measurement *m, uint32_t n_tok)
{
    double sum = 0.0;
    for (size_t b = 0; b < m->n_baseline; b++) {
        if (m->baseline[b].n_tok == n_tok) {
            sum += m->baseline[b].seconds.median * m->shapes[m->baseline[b].shape].count;
        }
    }
    return sum;
}

static void print_measurement(const struct ts_measurement *m)
{
    printf("%s, %s, %s, %lu threads, %s, baseline %s\n", m->host.cpu, m->kernel, m->quant, (unsigned long)m->n_threads,
           m->host.compiler, m->baseline_name);
    print_matmuls(m);
    double operations = 0.0;
    for (size_t i = 0; i < m->n_shapes; i++) {
        operations += 2.0 * m->shapes[i].rows * m->shapes[i].cols * m->shapes[i].count;
    }
    for (size_t i = 0; i < m->n_steps; i++) {
        const struct ts_step_sample *s = &m->steps[i];
        double baseline = baseline_step_s(m, s->n_tok);
        printf("step %4lu tokens: %9.2f ms, %8.1f tok/s, %7.1f GOPS, %6.1f GB/s of weights, spread %.0f %%",
               (unsigned long)s->n_tok, s->seconds * 1e3, s->n_tok / s->seconds,
               operations * s->n_tok / s->seconds / 1e9, (double)m->weight_bytes / s->seconds / 1e9,
               s->spread_frac * 100.0);
        if (baseline > 0.0) {
            printf(", %.2fx the baseline", baseline / s->seconds);
        }
        printf("\n");
    }
    printf("peak: int8 dot %.1f GOPS, float multiply-add %.1f GFLOPS, BF16 dot %.1f GFLOPS\n", m->peak_dot_gops,
           m->peak_fma_gflops, m->peak_bf16_gflops);
    for (size_t i = 0; i < m->n_bandwidths; i++) {
        const struct ts_bandwidth_sample *s = &m->bandwidths[i];
        printf("read %8lu KiB: %7.1f GB/s (%lu samples)\n", (unsigned long)(s->bytes >> 10), s->gb_per_s.median,
               (unsigned long)s->gb_per_s.n_samples);
    }
}

static bool report(void *user, const struct ts_progress_state *state)
{
    (void)user;
    fprintf(stderr, "\r%3.0f %%  %-20s %4.0f s left ", state->done * 100.0, state->what, state->left_s);
    return true;
}

static int measure(struct ts_bench_options options)
{
    struct ts_arena arena;
    struct ts_diags diags;
    struct ts_measurement m;
    struct ts_text text;
    ts_arena_init(&arena);
    ts_diags_init(&diags);
    ts_text_init(&text);
    enum ts_status status = TS_OK;
    if (!options.shapes) {
        status = ts_bench_model_shapes(&options.shapes, &options.n_shapes, &arena, 16, 2048, 8192, 32, 8, 64, 128256);
    }
    if (status == TS_OK) {
        status = ts_bench_run(&m, &arena, &options, &diags);
    }
    ts_diags_render(&diags, &text);
    fprintf(stderr, "\n%s", text.data);
    if (status == TS_OK) {
        print_measurement(&m);
        status = m.n_steps == options.n_n_tok && m.steps[0].seconds > 0.0 ? TS_OK : TS_ERANGE;
    }
    ts_text_deinit(&text);
    ts_diags_deinit(&diags);
    ts_arena_deinit(&arena);
    return ts_status_exit_code(status);
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        return measure((struct ts_bench_options){.model = "small",
                                                 .quant = "q4_0",
                                                 .n_threads = 2,
                                                 .shapes = small_shapes,
                                                 .n_shapes = 2,
                                                 .n_tok = few_n_tok,
                                                 .n_n_tok = 3,
                                                 .budget_s = 1.0,
                                                 .baseline = true});
    }
    return measure((struct ts_bench_options){.model = "Llama-3.2-1B",
                                             .quant = argv[1],
                                             .isa = argc > 4 ? argv[4] : NULL,
                                             .n_threads = (uint32_t)atoi(argv[2]),
                                             .n_tok = all_n_tok,
                                             .n_n_tok = sizeof all_n_tok / sizeof all_n_tok[0],
                                             .budget_s = atof(argv[3]),
                                             .baseline = true,
                                             .progress = {report, NULL}});
}
