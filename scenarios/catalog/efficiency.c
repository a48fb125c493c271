/* Hides how fitted constants of a class of hardware become the roofline of a model on a chip.
 *
 * Worked: 512 prompt tokens of Llama-2-7B on a chip of 100 Tflop/s and 1 TB/s with compute 0.5 and activation 0.01 take
 * 512 x (13.21e9/50e12 + 32 x 4096/1e10) = 0.142 s of matmuls: the activations cost 13.1 us a token. */
#include "scenarios/catalog/efficiency.h"

#include <math.h>

static const struct {
    const char *engine, *group;
} engine_groups[] = {
    {"vllm", TS_ENGINES_SERVING},      {"trtllm", TS_ENGINES_SERVING},  {"sglang", TS_ENGINES_SERVING},
    {"splitwise", TS_ENGINES_SERVING}, {"llama.cpp", TS_ENGINES_LOCAL}, {"executorch", TS_ENGINES_LOCAL},
    {"genie", TS_ENGINES_LOCAL},
};

static const struct {
    const char *class_name, *engines, *class_of, *engines_of;
    const char *check; /* what held a prediction of theirs against a measurement, NULL: nothing */
} stand_ins[] = {
    {"gddr", TS_ENGINES_SERVING, "hbm", TS_ENGINES_SERVING,
     "on this class checked with one run of vLLM on an RTX 4090 (every latency within 3 %) and four points of "
     "TensorRT-LLM (within 15 %)"},
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
    static const double bound = 0.25;
    return row->decode_error > 0.0 && row->decode_error <= bound && row->prefill_error > 0.0 &&
           row->prefill_error <= bound;
}

double ts_efficiency_peak(const struct ts_chip *chip, const struct ts_hardware *hardware, const char *engines,
                          const struct ts_weight_quant *quant)
{
    bool gddr = ts_str_equal(chip->class_name, "gddr");
    bool serving = ts_str_equal(engines, TS_ENGINES_SERVING);
    if (!hardware || (!serving && chip->fp16_tflops > 0.0)) {
        return chip->fp16_tflops * 1e12;
    }
    double fp16 = hardware->fp16_tflops * 1e12;
    double int8 = hardware->int8_tops * 1e12;
    if (fp16 <= 0.0) {
        return int8;
    }
    if (serving && quant->compute_int8 && (gddr || ts_str_equal(chip->class_name, "hbm"))) {
        return fmax(fp16, int8);
    }
    return !serving && gddr ? fmax(fp16, int8 / 2.0) : fp16;
}

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

struct ts_steps_roofline ts_efficiency_roofline(const struct ts_efficiency *constants,
                                                const struct ts_efficiency_case *on)
{
    const struct ts_llm *llm = on->llm;
    double all_bytes_per_s = on->bytes_per_s * on->n_accelerators;
    double matmul_s = llm->flop_per_tok / (on->peak_flop_per_s * on->n_accelerators * constants->compute);
    double activation_s = (double)llm->layers * llm->hidden / (on->bytes_per_s * constants->activation);
    double flop_per_s = llm->flop_per_tok / (matmul_s + activation_s);
    double reduce_s = on->n_accelerators > 1.0 ? constants->reduce_s : 0.0;
    struct ts_steps_roofline roof = {
        .fixed_s = llm->layers * (constants->layer_s + reduce_s),
        .flop_per_tok = llm->flop_per_tok,
        .flop_per_s = flop_per_s,
        .bytes_per_s = all_bytes_per_s * constants->bandwidth,
        .kv_bytes_per_tok = on->kv_bytes_per_tok * constants->bandwidth / constants->kv,
        .attention_flop_per_pair =
            ts_efficiency_attention_flop(llm) * flop_per_s / (all_bytes_per_s * constants->attention),
    };
    ts_efficiency_split_experts(llm, on->bits_per_weight, &roof);
    return roof;
}

const struct ts_hardware *ts_efficiency_hardware(const struct ts_catalog *catalog, const struct ts_chip *chip)
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

bool ts_efficiency_published_case(struct ts_efficiency_case *out, const struct ts_catalog *catalog,
                                  const struct ts_published *point)
{
    const struct ts_chip *chip = ts_catalog_chip(catalog, point->hardware);
    const struct ts_llm *llm = ts_catalog_llm(catalog, point->model);
    const struct ts_weight_quant *quant = ts_catalog_quant(catalog, point->quant);
    if (!chip || !llm || !quant) {
        return false;
    }
    const struct ts_hardware *hardware = ts_efficiency_hardware(catalog, chip);
    *out = (struct ts_efficiency_case){
        .peak_flop_per_s = ts_efficiency_peak(chip, hardware, ts_efficiency_group(point->engine), quant),
        .bytes_per_s = hardware ? hardware->bytes_per_s : chip->bytes_per_s,
        .n_accelerators = point->n_accelerators,
        .llm = llm,
        .bits_per_weight = quant->bits_per_weight,
        .kv_bytes_per_tok = ts_efficiency_kv_bytes(llm, point->prompt_tok + point->output_tok / 2.0),
    };
    return out->peak_flop_per_s > 0.0 && out->bytes_per_s > 0.0;
}

struct ts_steps_roofline ts_efficiency_published_roofline(const struct ts_efficiency *constants,
                                                          const struct ts_efficiency_case *on,
                                                          const struct ts_published *point)
{
    struct ts_steps_roofline roof = ts_efficiency_roofline(constants, on);
    if (point->prefill_tok_s > 0.0 && ts_str_equal(point->engine, "splitwise")) {
        roof.fixed_s += constants->prompt_layer_s * on->llm->layers;
    }
    return roof;
}

bool ts_efficiency_published(struct ts_steps_roofline *out, const struct ts_catalog *catalog,
                             const struct ts_published *point, const struct ts_efficiency *constants)
{
    struct ts_efficiency_case on;
    if (!ts_efficiency_published_case(&on, catalog, point)) {
        return false;
    }
    *out = ts_efficiency_published_roofline(constants, &on, point);
    return true;
}
