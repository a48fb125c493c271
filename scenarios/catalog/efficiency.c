/* Hides how fitted constants of a class of hardware become the roofline of a model on a chip.
 *
 * Worked: 512 prompt tokens of Llama-2-7B on a chip of 100 Tflop/s and 1 TB/s with compute 0.5 and activation 0.01 take
 * 512 x (13.21e9/50e12 + 32 x 4096/1e10) = 0.142 s of matmuls: the activations cost 13.1 us a token. */
#include "scenarios/catalog/efficiency.h"

#include <math.h>
#include <string.h>

static const struct {
    const char *engine, *group;
} engine_groups[] = {
    {"vllm", TS_ENGINES_SERVING},   {"vllm-2025", TS_ENGINES_SERVING}, {"trtllm", TS_ENGINES_SERVING},
    {"sglang", TS_ENGINES_SERVING}, {"llama.cpp", TS_ENGINES_LOCAL},   {"executorch", TS_ENGINES_LOCAL},
    {"genie", TS_ENGINES_LOCAL},
};

static const struct {
    const char *class_name, *engines, *class_of, *engines_of;
    const char *check; /* what held a prediction of theirs against a measurement, NULL: nothing */
} stand_ins[] = {
    {"gddr", TS_ENGINES_SERVING, "hbm", TS_ENGINES_SERVING,
     "on this class checked with one run of vLLM on an RTX 4090 and four points of TensorRT-LLM"},
    {"amd", TS_ENGINES_LOCAL, "hbm", TS_ENGINES_LOCAL, NULL},
    {"cdna4", TS_ENGINES_LOCAL, "hbm", TS_ENGINES_LOCAL, NULL},
    {"apple", TS_ENGINES_SERVING, "apple", TS_ENGINES_LOCAL, NULL},
    {"cpu", TS_ENGINES_SERVING, "cpu", TS_ENGINES_LOCAL, NULL},
    {"phone", TS_ENGINES_SERVING, "phone", TS_ENGINES_LOCAL, NULL},
};

const char *ts_efficiency_group(const char *engine)
{
    for (size_t i = 0; i < sizeof engine_groups / sizeof engine_groups[0]; i++) {
        if (ts_str_equal(engine_groups[i].engine, engine)) {
            return engine_groups[i].group;
        }
    }
    return TS_ENGINES_LOCAL;
}

static const struct ts_efficiency *find(const struct ts_catalog *catalog, const char *class_name, const char *engines)
{
    for (size_t i = 0; i < catalog->n_efficiencies; i++) {
        const struct ts_efficiency *row = &catalog->efficiencies[i];
        if (ts_str_equal(row->class_name, class_name) && ts_str_equal(row->engine, engines)) {
            return row;
        }
    }
    return NULL;
}

const struct ts_efficiency *ts_efficiency_find(const struct ts_catalog *catalog, const char *class_name,
                                               const char *engines)
{
    const struct ts_efficiency *row = find(catalog, class_name, engines);
    for (size_t i = 0; !row && i < sizeof stand_ins / sizeof stand_ins[0]; i++) {
        if (ts_str_equal(stand_ins[i].class_name, class_name) && ts_str_equal(stand_ins[i].engines, engines)) {
            row = find(catalog, stand_ins[i].class_of, stand_ins[i].engines_of);
        }
    }
    return row;
}

const struct ts_engine_cost *ts_efficiency_engine(const struct ts_catalog *catalog, const char *name)
{
    for (size_t i = 0; i < catalog->n_engines; i++) {
        if (ts_str_equal(catalog->engines[i].name, name)) {
            return &catalog->engines[i];
        }
    }
    return NULL;
}

const char *ts_efficiency_check_of(const struct ts_efficiency *row, const char *class_name, const char *engines)
{
    for (size_t i = 0; i < sizeof stand_ins / sizeof stand_ins[0]; i++) {
        if (ts_str_equal(stand_ins[i].class_name, class_name) && ts_str_equal(stand_ins[i].engines, engines) &&
            ts_str_equal(stand_ins[i].class_of, row->class_name)) {
            return stand_ins[i].check;
        }
    }
    return NULL;
}

bool ts_efficiency_is_trusted(const struct ts_efficiency *row)
{
    static const double bound = 1.0 / 3.0;
    return row->decode_error > 0.0 && row->decode_error <= bound && row->prefill_error > 0.0 &&
           row->prefill_error <= bound;
}

static double serving_peak(bool *narrow, const struct ts_chip *chip, const struct ts_hardware *hardware,
                           const struct ts_weight_quant *quant)
{
    static const int first_with_fp4 = 2025;
    double fp16 = hardware->fp16_tflops * 1e12;
    double int8 = hardware->int8_tops * 1e12;
    bool fp4 = strstr(quant->name, "FP4") && hardware->year >= first_with_fp4;
    *narrow = ts_catalog_is_gpu(chip->class_name) && (quant->compute_int8 || fp4) && int8 > fp16;
    return !*narrow ? fp16 : fp4 ? 2.0 * int8 : int8;
}

double ts_efficiency_peak(bool *narrow, const struct ts_chip *chip, const struct ts_hardware *hardware,
                          const char *engines, const struct ts_weight_quant *quant)
{
    bool serving = ts_str_equal(engines, TS_ENGINES_SERVING);
    *narrow = false;
    if (!hardware || (!serving && chip->fp16_tflops > 0.0)) {
        return chip->fp16_tflops * 1e12;
    }
    double fp16 = hardware->fp16_tflops * 1e12;
    double int8 = hardware->int8_tops * 1e12;
    if (fp16 <= 0.0) {
        return int8;
    }
    if (serving) {
        return serving_peak(narrow, chip, hardware, quant);
    }
    return ts_str_equal(chip->class_name, "gddr") ? fmax(fp16, int8 / 2.0) : fp16;
}

double ts_efficiency_kv_copies(const struct ts_llm *llm, double tensor_parallel)
{
    const double heads =
        strstr(llm->type, "mla") ? 1.0 : llm->kv_heads; /* every accelerator has all of a latent entry */
    return heads > 0.0 ? fmax(1.0, tensor_parallel / heads) : 1.0;
}

/* A hybrid's linear layers have no entries. */
double ts_efficiency_attention_flop(const struct ts_llm *llm)
{
    return 4.0 * llm->heads * llm->head_dim * ts_llm_attention_layers(llm);
}

void ts_efficiency_split_experts(const struct ts_llm *llm, double bits_per_weight, struct ts_steps_roofline *roof)
{
    double bytes = bits_per_weight / 8.0;
    roof->shared_bytes = llm->params * bytes;
    if (llm->n_experts > 0 && llm->top_k > 0 && llm->top_k < llm->n_experts) {
        double share = (double)llm->top_k / llm->n_experts;
        roof->expert_bytes = (llm->params - llm->params_active) / (1.0 - share) * bytes;
        roof->shared_bytes = fmax(0.0, roof->shared_bytes - roof->expert_bytes);
        roof->experts = llm->n_experts;
        roof->top_k = llm->top_k;
    }
}

/* Operations of a token in the experts that it goes to. */
static double expert_flop(const struct ts_efficiency_case *on, const struct ts_steps_roofline *roof)
{
    const double weights = on->bits_per_weight > 0.0 ? roof->expert_bytes * 8.0 / on->bits_per_weight : 0.0;
    const double chosen = roof->experts > 0.0 ? roof->top_k / roof->experts : 0.0;
    return fmin(2.0 * weights * chosen, on->llm->flop_per_tok);
}

/* Experts' share of dense matmuls, in (0, experts]. */
static double expert_share(const struct ts_efficiency *c, const struct ts_efficiency_case *on)
{
    const double width = on->llm->moe_ffn / (on->ranks > 1 ? 1.0 : fmax(1.0, on->n_accelerators));
    return width > 0.0 ? c->experts * width / (width + c->expert_width) : c->experts;
}

/* What a layer of experts takes beside that of a dense model: tokens are sorted to k experts each, and gathered. */
static double moe_s(double of_8, const struct ts_llm *llm)
{
    static const double as_fitted = 8.0;
    return llm->n_experts > 0 ? of_8 * llm->top_k / as_fitted : 0.0;
}

/* What that many operations take in dense matmuls. */
static double matmul_s(const struct ts_efficiency *c, const struct ts_efficiency_case *on, double flop)
{
    return flop / (on->peak_flop_per_s * on->n_accelerators * (on->narrow ? c->narrow : c->compute));
}

/* What every token multiplies with, experts apart: of the input embeddings only a row is looked up. */
static double read_always(const struct ts_efficiency_case *on, const struct ts_steps_roofline *roof)
{
    const double chosen = roof->experts > 0.0 ? roof->top_k / roof->experts : 0.0;
    return fmax(0.0, on->llm->flop_per_tok / 2.0 * on->bits_per_weight / 8.0 - roof->expert_bytes * chosen);
}

/* A ring all-reduce of a token's 16-bit activations in every layer, among n accelerators. */
static double reduce_s(const struct ts_efficiency *c, const struct ts_efficiency_case *on, double n)
{
    return on->llm->layers * 2.0 * (n - 1.0) / n * 2.0 * on->llm->hidden / (on->link_bytes_per_s * c->link);
}

/* A token goes once to each accelerator that has one of its k experts, in 8 bits where they compute below 16, and comes
 * back from each in 16. */
static double exchange_s(const struct ts_efficiency_case *on)
{
    static const double link_share = 0.81; /* DeepEP@dd758ca, README.md: 726 and 740 of 900 GB/s, EP 8 on SM100 */
    const double n = on->n_accelerators, bytes = (on->narrow ? 1.0 : 2.0) + 2.0;
    const double others = (n - 1.0) * (1.0 - pow(1.0 - 1.0 / n, on->llm->top_k));
    return ts_llm_moe_layers(on->llm) * others * bytes * on->llm->hidden / (on->link_bytes_per_s * link_share);
}

/* What joins accelerators, for each token of an engine: two all-reduces a layer; where attention is in parallel one
 * among an engine's own accelerators, which divide its tokens' way to the experts and back among them. */
static double join_s(const struct ts_efficiency *c, const struct ts_efficiency_case *on)
{
    if (on->n_accelerators <= 1.0 || on->link_bytes_per_s <= 0.0) {
        return 0.0;
    }
    if (on->ranks <= 1) {
        return 2.0 * reduce_s(c, on, on->n_accelerators);
    }
    const double own = on->n_accelerators / on->ranks;
    return reduce_s(c, on, own) + exchange_s(on) / own;
}

/* An engine's kernels: how long a layer takes by itself, and the tiles that experts' tokens are filled up to. */
static void add_kernels(struct ts_steps_roofline *roof, const struct ts_efficiency *constants,
                        const struct ts_engine_cost *engine, const struct ts_efficiency_case *on)
{
    const double layers = engine ? engine->layers : 1.0;
    roof->fixed_s = on->llm->layers * (constants->layer_s * layers + moe_s(constants->moe_layer_s, on->llm));
    if (engine && on->ranks > 1) {
        roof->fixed_s += ts_llm_moe_layers(on->llm) * moe_s(engine->exchange_s, on->llm);
    }
    const bool fills_tiles = engine && on->narrow && engine->tile_tok > 0.0;
    if (roof->experts > 0.0 && (fills_tiles || on->ranks > 1)) {
        roof->expert_tile_tok = fills_tiles ? engine->tile_tok : 0.0;
        roof->expert_flop_per_tok =
            matmul_s(constants, on, expert_flop(on, roof) / expert_share(constants, on)) * roof->flop_per_s;
    }
}

static struct ts_steps_roofline roofline_of(const struct ts_efficiency *constants, const struct ts_engine_cost *engine,
                                            const struct ts_efficiency_case *on)
{
    const struct ts_llm *llm = on->llm;
    const double all_bytes_per_s = on->bytes_per_s * on->n_accelerators;
    const double ranks = on->ranks > 1 ? on->ranks : 1.0;
    const double activation_s = (double)llm->layers * llm->hidden / (on->bytes_per_s * constants->activation) / ranks;
    struct ts_steps_roofline roof = {.blends = true, .ranks = on->ranks};
    ts_efficiency_split_experts(llm, on->bits_per_weight, &roof);
    roof.shared_bytes = fmin(roof.shared_bytes, read_always(on, &roof)) * ranks;
    const double experts_flop = expert_flop(on, &roof);
    roof.flop_per_tok = llm->flop_per_tok;
    roof.flop_per_s =
        llm->flop_per_tok /
        (matmul_s(constants, on, llm->flop_per_tok - experts_flop + experts_flop / expert_share(constants, on)) +
         activation_s);
    add_kernels(&roof, constants, engine, on);
    roof.bytes_per_s = all_bytes_per_s * constants->bandwidth;
    roof.kv_bytes_per_tok = on->kv_bytes_per_tok * constants->bandwidth / constants->kv;
    roof.attention_flop_per_pair =
        ts_efficiency_attention_flop(llm) * roof.flop_per_s / (all_bytes_per_s * constants->attention);
    roof.per_tok_s = join_s(constants, on);
    return roof;
}

double ts_efficiency_launch_s(const struct ts_engine_cost *engine, const struct ts_llm *llm)
{
    return llm->layers * (engine->first_layer_s + moe_s(engine->first_moe_layer_s, llm));
}

struct ts_steps_model ts_efficiency_steps(const struct ts_efficiency *constants, const struct ts_engine_cost *engine,
                                          const struct ts_efficiency_case *on)
{
    struct ts_steps_model steps = {.kind = TS_STEPS_ROOFLINE, .origin = TS_ORIGIN_FITTED};
    steps.u.roofline = roofline_of(constants, engine, on);
    if (engine) {
        steps.host = (struct ts_host_model){.fixed_s = engine->step_s, .per_seq_s = engine->seq_s};
    }
    return steps;
}

static const struct ts_hardware *hardware_of(const struct ts_catalog *catalog, const struct ts_chip *chip)
{
    const struct ts_hardware *hardware = ts_catalog_hardware(catalog, chip->name);
    return hardware && ts_str_equal(hardware->name, chip->name) ? hardware : NULL;
}

double ts_efficiency_kv_bytes(const struct ts_llm *llm, double context_tok)
{
    double window = llm->sliding_window;
    if (window <= 0.0 || context_tok <= window) {
        return llm->kv_bytes_per_tok;
    }
    return (llm->kv_bytes_per_tok * window + llm->kv_bytes_per_tok_beyond_window * (context_tok - window)) /
           context_tok;
}

/* What names say. */
static bool named_case(struct ts_efficiency_case *out, const struct ts_catalog *catalog, const char *hardware_name,
                       const char *model, const char *quant_name, const char *engine)
{
    const struct ts_chip *chip = ts_catalog_chip(catalog, hardware_name);
    const struct ts_llm *llm = ts_catalog_llm(catalog, model);
    const struct ts_weight_quant *quant = ts_catalog_quant(catalog, quant_name);
    if (!chip || !llm || !quant) {
        return false;
    }
    const struct ts_hardware *hardware = hardware_of(catalog, chip);
    *out = (struct ts_efficiency_case){
        .bytes_per_s = hardware ? hardware->bytes_per_s : chip->bytes_per_s,
        .link_bytes_per_s = chip->link_bytes_per_s,
        .llm = llm,
        .bits_per_weight = quant->bits_per_weight,
    };
    out->peak_flop_per_s = ts_efficiency_peak(&out->narrow, chip, hardware, ts_efficiency_group(engine), quant);
    return out->peak_flop_per_s > 0.0 && out->bytes_per_s > 0.0;
}

bool ts_efficiency_published_case(struct ts_efficiency_case *out, const struct ts_catalog *catalog,
                                  const struct ts_published *point)
{
    if (!named_case(out, catalog, point->hardware, point->model, point->quant, point->engine)) {
        return false;
    }
    out->n_accelerators = point->n_accelerators;
    out->kv_bytes_per_tok = ts_efficiency_kv_bytes(out->llm, point->prompt_tok + point->output_tok / 2.0);
    return true;
}

bool ts_efficiency_serving_case(struct ts_efficiency_case *out, const struct ts_catalog *catalog,
                                const struct ts_serving *point)
{
    if (!named_case(out, catalog, point->hardware, point->model, point->quant, point->engine)) {
        return false;
    }
    out->n_accelerators = point->n_accelerators;
    out->ranks = point->data_parallel;
    out->kv_bytes_per_tok = ts_efficiency_kv_bytes(out->llm, point->prompt_tok + point->output_tok / 2.0) *
                            ts_efficiency_kv_copies(out->llm, out->n_accelerators / point->data_parallel);
    return true;
}
