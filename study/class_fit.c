/* Hides which constants are free in a class, where they start, and how points weigh: a class's decode and prefill the
 * same, times to first token a quarter of times per token; throughputs are not fitted, they follow from both. */
#include "study/class_fit.h"

#include <math.h>
#include <string.h>

#include "sim/serving/roofline_fit.h"

enum constant {
    LAYER,
    MOE_LAYER,
    COMPUTE,
    NARROW,
    EXPERTS,
    WIDTH,
    BANDWIDTH,
    KV,
    ACTIVATION,
    ATTENTION,
    LINK,
    N_CONSTANTS
};
enum cost { STEP, SEQ, LAYERS, TILE, FIRST, FIRST_LAYER, FIRST_MOE_LAYER, N_COSTS };
enum { MAX_PARAMS = N_CONSTANTS + TS_CLASS_MAX_ENGINES * N_COSTS }; /* a fit takes TS_ROOFLINE_FIT_MAX_PARAMS */

#define BIT(constant) (1u << (constant))
#define LOCAL_BITS (BIT(LAYER) | BIT(COMPUTE) | BIT(BANDWIDTH) | BIT(KV) | BIT(ACTIVATION) | BIT(ATTENTION))
#define ALL_BITS (BIT(N_CONSTANTS) - 1u)

static const size_t constant_at[N_CONSTANTS] = {
    offsetof(struct ts_efficiency, layer_s),    offsetof(struct ts_efficiency, moe_layer_s),
    offsetof(struct ts_efficiency, compute),    offsetof(struct ts_efficiency, narrow),
    offsetof(struct ts_efficiency, experts),    offsetof(struct ts_efficiency, expert_width),
    offsetof(struct ts_efficiency, bandwidth),  offsetof(struct ts_efficiency, kv),
    offsetof(struct ts_efficiency, activation), offsetof(struct ts_efficiency, attention),
    offsetof(struct ts_efficiency, link),
};
static const bool constant_is_share[N_CONSTANTS] = {
    [COMPUTE] = true, [NARROW] = true,     [EXPERTS] = true, [BANDWIDTH] = true,
    [KV] = true,      [ACTIVATION] = true, [LINK] = true,
};
static const size_t cost_at[N_COSTS] = {
    offsetof(struct ts_engine_cost, step_s),
    offsetof(struct ts_engine_cost, seq_s),
    offsetof(struct ts_engine_cost, layers),
    offsetof(struct ts_engine_cost, tile_tok),
    offsetof(struct ts_engine_cost, first_s),
    offsetof(struct ts_engine_cost, first_layer_s),
    offsetof(struct ts_engine_cost, first_moe_layer_s),
};
static const double cost_start[N_COSTS] = {1e-3, 2e-5, 1.0, 32.0, 15e-3, 2e-4, 1e-3};

/* Constants that are not free keep their start; NAN: as the row of another class has them. */
struct class
{
    struct ts_class_head said;
    unsigned free;
    bool fits_engines;
    const char *starts_as; /* class of efficiency.csv whose constants are the start; NULL: these */
    double start[N_CONSTANTS];
};

static const struct class classes[] = {
    {{"hbm", TS_ENGINES_SERVING, 0.15,
      "serving.csv: InferenceX and aiconfigurator@095f58a, ML.ENERGY@0cd52da, gpu_conc@c848ef1"},
     ALL_BITS,
     true,
     NULL,
     {6e-5, 3e-5, 0.7, 0.6, 0.2, 64, 0.85, 0.8, 0.1, 100, 0.5}},
    {{"amd", TS_ENGINES_SERVING, 0.25,
      "serving.csv: ROCm/vllm, sgl-cookbook@7b5bd9c, InferenceX, Oracle, cmontemuino@081d8b3, gpu_conc@c848ef1"},
     BIT(LAYER) | BIT(MOE_LAYER) | BIT(BANDWIDTH) | BIT(LINK),
     false,
     "hbm",
     {0}},
    {{"cdna4", TS_ENGINES_SERVING, 0.25, "serving.csv: ATOM@526468e"},
     BIT(LAYER) | BIT(MOE_LAYER) | BIT(BANDWIDTH),
     false,
     "hbm",
     {0}},
    {{"hbm", TS_ENGINES_LOCAL, 0.15,
      "llama.cpp CUDA: GPU-Benchmarks-on-LLM-Inference@aa72e0e; llama.cpp/discussions/15013"},
     LOCAL_BITS,
     false,
     NULL,
     {1e-4, 0, 0.4, 0.4, 1, 0, 0.7, 0.3, 0.01, 10, 1}},
    {{"gddr", TS_ENGINES_LOCAL, 0.15,
      "llama.cpp: GPU-Benchmarks-on-LLM-Inference@aa72e0e; llama.cpp/discussions/15013 and 15396; "
      "ai-benchmarks@022fb93; holohub/issues/170"},
     LOCAL_BITS,
     false,
     NULL,
     {1e-4, 0, 0.4, 0.4, 1, 0, 0.8, 0.3, 0.01, 10, 1}},
    {{"apple", TS_ENGINES_LOCAL, 0.15,
      "llama.cpp Metal: discussions/4167 and 15396; GPU-Benchmarks-on-LLM-Inference@aa72e0e; ai-benchmarks@022fb93"},
     LOCAL_BITS,
     false,
     NULL,
     {1e-4, 0, 0.4, 0.4, 1, 0, 0.8, 0.3, 0.01, 10, 1}},
    {{"cpu", TS_ENGINES_LOCAL, 0.0,
      "llama.cpp CPU: ik_llama.cpp/discussions/164 (plain llama.cpp); ai-benchmarks@022fb93"},
     BIT(COMPUTE) | BIT(BANDWIDTH),
     false,
     NULL,
     {1e-5, 0, 0.3, 0.3, 1, 0, 0.7, 0.3, 1, 2, 1}},
    {{"phone", TS_ENGINES_LOCAL, 0.0, "executorch@0074856; ai-hub-models@33c3d03"},
     BIT(COMPUTE) | BIT(BANDWIDTH),
     false,
     NULL,
     {1e-5, 0, 0.2, 0.2, 1, 0, 0.5, 0.3, 1, 2, 1}},
};

size_t ts_class_count(void)
{
    return sizeof classes / sizeof classes[0];
}

const struct ts_class_head *ts_class_at(size_t i)
{
    return &classes[i].said;
}

struct problem {
    const struct class *class;
    const struct ts_class_points *points;
    struct ts_class_constants base;        /* what is not free */
    uint32_t engine[TS_CLASS_MAX_ENGINES]; /* rows of engines.csv that points have */
    size_t n_engines, n_params;
    double start[MAX_PARAMS];
    bool share[MAX_PARAMS];
};

static double get(const void *row, size_t at)
{
    double value = 0.0;
    memcpy(&value, (const char *)row + at, sizeof value);
    return value;
}

static void set(void *row, size_t at, double value)
{
    memcpy((char *)row + at, &value, sizeof value);
}

/* What engines.csv has at 0 is none of the engine's: host time where steps are scheduled while the accelerator works
 * (what stayed of it was found to be nothing), tiles. Closed loops hardly tell vLLM's time of a request from that of
 * its layers; open ones whose prompts were in the cache do: 7 ms (open.csv, the median of 96 stages: time to the first
 * token less 2.5 recorded steps). */
static bool has_cost(const struct problem *problem, size_t e, int cost)
{
    const struct ts_engine_cost *engine = &problem->base.engines[problem->engine[e]];
    const bool is_measured = cost == FIRST && ts_str_equal(engine->name, "vllm");
    return !is_measured && get(engine, cost_at[cost]) > 0.0;
}

static struct ts_class_constants constants_of(const struct problem *problem, const double *params)
{
    struct ts_class_constants all = problem->base;
    size_t j = 0;
    for (int which = 0; which < N_CONSTANTS; which++) {
        if (problem->class->free & BIT(which)) {
            set(&all.efficiency, constant_at[which], params[j++]);
        }
    }
    for (size_t e = 0; e < problem->n_engines; e++) {
        for (int cost = 0; cost < N_COSTS; cost++) {
            if (has_cost(problem, e, cost)) {
                set(&all.engines[problem->engine[e]], cost_at[cost], params[j++]);
            }
        }
    }
    if (!(problem->class->free & BIT(NARROW))) {
        all.efficiency.narrow = problem->class->starts_as ? all.efficiency.narrow : all.efficiency.compute;
    }
    return all;
}

static double ratio(const void *user, const double *params, size_t i)
{
    const struct problem *problem = user;
    const struct ts_class_constants all = constants_of(problem, params);
    const struct ts_class_point *point = &problem->points->points[i];
    return ts_class_point_ratio(point, &all.efficiency, &all.engines[point->engine]);
}

static void take_param(struct problem *problem, double start, bool share)
{
    problem->start[problem->n_params] = start;
    problem->share[problem->n_params++] = share;
}

static void take_engines(struct problem *problem)
{
    bool seen[TS_CLASS_MAX_ENGINES] = {false};
    for (size_t i = 0; problem->class->fits_engines && i < problem->points->n; i++) {
        seen[problem->points->points[i].engine] = true;
    }
    for (uint32_t e = 0; e < problem->base.n_engines; e++) {
        if (seen[e]) {
            problem->engine[problem->n_engines++] = e;
            for (int cost = 0; cost < N_COSTS; cost++) {
                if (has_cost(problem, problem->n_engines - 1, cost)) {
                    take_param(problem, cost_start[cost], false);
                }
            }
        }
    }
}

static struct problem problem_of(size_t i, const struct ts_class_points *points, const struct ts_catalog *catalog)
{
    const struct class *class = &classes[i];
    struct problem problem = {.class = class, .points = points};
    for (size_t e = 0; e < catalog->n_engines && e < TS_CLASS_MAX_ENGINES; e++) {
        problem.base.engines[problem.base.n_engines++] = catalog->engines[e];
    }
    const struct ts_efficiency *like =
        class->starts_as ? ts_efficiency_find(catalog, class->starts_as, class->said.engines) : NULL;
    problem.base.efficiency = like ? *like : (struct ts_efficiency){0};
    problem.base.efficiency.class_name = class->said.name;
    problem.base.efficiency.engine = class->said.engines;
    problem.base.efficiency.source = class->said.source;
    for (int which = 0; which < N_CONSTANTS; which++) {
        if (!like) {
            set(&problem.base.efficiency, constant_at[which], class->start[which]);
        }
        if (class->free & BIT(which)) {
            take_param(&problem, get(&problem.base.efficiency, constant_at[which]), constant_is_share[which]);
        }
    }
    take_engines(&problem);
    return problem;
}

/* ---- weights ---- */

static bool is_prompt(enum ts_class_measure measure)
{
    return measure == TS_CLASS_TTFT || measure == TS_CLASS_PREFILL;
}

static void weigh(double *weight, const struct ts_class_points *points)
{
    size_t n[TS_CLASS_N_MEASURES] = {0};
    for (size_t i = 0; i < points->n; i++) {
        n[points->points[i].measure]++;
    }
    const double rates = (double)(n[TS_CLASS_DECODE] + n[TS_CLASS_PREFILL]) / 2.0;
    for (size_t i = 0; i < points->n; i++) {
        const enum ts_class_measure measure = points->points[i].measure;
        weight[i] = measure == TS_CLASS_TPOT                                 ? 1.0
                    : measure == TS_CLASS_TTFT                               ? 0.5
                    : measure == TS_CLASS_RATE || measure == TS_CLASS_JOULES ? 0.0
                                                                             : rates / (double)n[measure];
    }
}

/* ---- what was left out ---- */

/* An engine that the fit has not seen has the median of each cost of the others. */
static void stand_in(struct ts_class_constants *all, const struct problem *problem, uint32_t unseen)
{
    for (int cost = 0; cost < N_COSTS; cost++) {
        double others[TS_CLASS_MAX_ENGINES];
        size_t n = 0;
        for (size_t e = 0; e < problem->n_engines; e++) {
            if (problem->engine[e] != unseen) {
                others[n++] = get(&all->engines[problem->engine[e]], cost_at[cost]);
            }
        }
        if (n > 0) {
            set(&all->engines[unseen], cost_at[cost], ts_roofline_fit_quantile(others, n, 0.5));
        }
    }
}

/* Whether the points of the other groups decide the constants; where they do not, ratios are NAN. */
static bool decides(const struct ts_roofline_fit *fit, uint32_t without)
{
    size_t n = 0;
    for (size_t i = 0; i < fit->n_points; i++) {
        n += fit->group[i] != without;
    }
    return n >= 2 * fit->n_params;
}

static enum ts_status leave_out(double *ratios, const struct problem *problem, struct ts_roofline_fit *fit,
                                uint32_t *group, enum ts_class_label label, struct ts_diags *diags)
{
    const struct ts_class_points *points = problem->points;
    for (size_t i = 0; i < points->n; i++) {
        group[i] = points->points[i].group[label];
    }
    fit->group = group;
    for (uint32_t g = 0; g < points->n_groups[label]; g++) {
        double params[MAX_PARAMS];
        const bool decided = decides(fit, g);
        const enum ts_status status = decided ? ts_roofline_fit(params, fit, g, diags) : TS_OK;
        if (status != TS_OK) {
            return status;
        }
        struct ts_class_constants all = constants_of(problem, decided ? params : fit->from);
        for (size_t i = 0; i < points->n; i++) {
            const struct ts_class_point *point = &points->points[i];
            if (group[i] == g) {
                if (label == TS_CLASS_ENGINE && problem->n_engines > 0) {
                    stand_in(&all, problem, point->engine);
                }
                const double ratio_of = ts_class_point_ratio(point, &all.efficiency, &all.engines[point->engine]);
                ratios[i] = decided ? ratio_of : (double)NAN;
            }
        }
    }
    return TS_OK;
}

static void count_points(struct ts_class_constants *out, const struct ts_class_points *points)
{
    struct ts_efficiency *row = &out->efficiency;
    row->n_decode = row->n_prefill = 0;
    for (size_t e = 0; e < out->n_engines; e++) {
        out->engines[e].n_points = 0;
    }
    row->n_hardware = points->n_groups[TS_CLASS_CHIP];
    for (size_t i = 0; i < points->n; i++) {
        const struct ts_class_point *point = &points->points[i];
        out->engines[point->engine].n_points += point->measure == TS_CLASS_TPOT;
        row->n_prefill += is_prompt(point->measure);
        row->n_decode += point->measure == TS_CLASS_TPOT || point->measure == TS_CLASS_DECODE;
    }
}

enum ts_status ts_class_fit(struct ts_class_constants *out, size_t i, const struct ts_class_points *points,
                            const struct ts_catalog *catalog, double *const ratios[TS_CLASS_N_LABELS],
                            struct ts_arena *arena, struct ts_diags *diags)
{
    struct problem problem = problem_of(i, points, catalog);
    double params[MAX_PARAMS];
    double *weight = ts_arena_array(arena, points->n + 1, sizeof *weight);
    uint32_t *group = ts_arena_array(arena, points->n + 1, sizeof *group);
    if (!weight || !group) {
        return ts_fail(diags, TS_ENOMEM, ts_span_none(), NULL, "no memory for a fit");
    }
    weigh(weight, points);
    struct ts_roofline_fit fit = {.n_points = points->n,
                                  .n_params = problem.n_params,
                                  .ratio = ratio,
                                  .user = &problem,
                                  .start = problem.start,
                                  .share = problem.share,
                                  .weight = weight};
    enum ts_status status = ts_roofline_fit(params, &fit, TS_ROOFLINE_FIT_ALL, diags);
    if (status != TS_OK) {
        return status;
    }
    *out = constants_of(&problem, params);
    count_points(out, points);
    fit.from = params;
    for (int label = 0; ratios && status == TS_OK && label < TS_CLASS_N_LABELS; label++) {
        if (ratios[label] && points->n_groups[label] > 1) {
            status = leave_out(ratios[label], &problem, &fit, group, (enum ts_class_label)label, diags);
        }
    }
    return status;
}
