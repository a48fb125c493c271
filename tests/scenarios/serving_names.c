/* Hides the words: whole, as a beginning, or anywhere in a name. */
#include "serving_names.h"

#include <stddef.h>
#include <string.h>

struct words {
    const char *said, *meant;
};

static const struct words chips[] = {
    {"h100_sxm", "H100 SXM 80GB"},        {"h200_sxm", "H200 SXM 141GB"},       {"b200_sxm", "B200 SXM"},
    {"NVIDIA H100 SXM", "H100 SXM 80GB"}, {"NVIDIA B200 SXM", "B200 SXM"},      {"B200 SXM", "B200 SXM"},
    {"H100 SXM 80GB", "H100 SXM 80GB"},   {"H200 SXM 141GB", "H200 SXM 141GB"}, {"H100 PCIe 80GB", "H100 PCIe 80GB"},
    {"AMD MI300X", "AMD MI300X"},         {"AMD MI355X", "AMD MI355X"},         {"RTX 4090", "RTX 4090"},
};

/* By what stands in the name; longer ones first. Of the same shape: one name, or a model left out would speak for
 * itself (the sample of April calls InferenceX's DeepSeek-R1 V3). */
static const struct words models[] = {
    {"DeepSeek-R1", "DeepSeek-R1"},
    {"DeepSeek-V3", "DeepSeek-R1"},
    {"MiniMax-M2", "MiniMax-M2.5"},
    {"Qwen3.5-397B", "Qwen3.5-397B-A17B"},
    {"Qwen3-235B", "Qwen3-235B-A22B"},
    {"Qwen3-Coder-480B", "Qwen3-Coder-480B-A35B"},
    {"Qwen3-Next-80B", "Qwen3-Next-80B-A3B"},
    {"Qwen3-30B", "Qwen3-30B-A3B"},
    {"Qwen3-32B", "Qwen3-32B"},
    {"Qwen3-14B", "Qwen3-14B"},
    {"Qwen3-8B", "Qwen3-8B"},
    {"Llama-3.1-405B", "Llama-3.1-405B"},
    {"Llama-3.1-70B", "Llama-3.1-70B"},
    {"Llama-3.3-70B", "Llama-3.1-70B"},
    {"Llama-3.1-8B", "Llama-3.1-8B"},
    {"gpt-oss-120b", "gpt-oss-120b"},
    {"gpt-oss-20b", "gpt-oss-20b"},
    {"gemma-3-12b", "Gemma-3-12B"},
    {"Mistral-7B-v0.3", "Mistral-7B-v0.3"},
    {"Llama-4-Scout", "Llama-4-Scout-17B-16E"},
    {"Llama-4-Maverick", "Llama-4-Maverick-17B-128E"},
    {"GLM-4.7", "GLM-4.7"},
    {"Kimi-K2", "Kimi-K2"},
};

static const struct words quants[] = {
    {"", "BF16"},   {"bf16", "BF16"}, {"bfloat16", "BF16"}, {"FP16", "FP16"},
    {"fp8", "FP8"}, {"fp4", "FP4"},   {"mxfp4", "MXFP4"},   {"MXFP4", "MXFP4"},
};

static const struct words sources[] = {
    {"ml-energy", "ML.ENERGY@0cd52da"},
    {"sariekr", "gpu_conc@c848ef1"},
    {"mushfiqrahman.dev", "mushfiqrahman.dev"},
    {"ROCm/vllm", "ROCm/vllm"},
    {"ROCm/ATOM", "ATOM@526468e"},
    {"sgl-project/sgl-cookbook", "sgl-cookbook@7b5bd9c"},
    {"SemiAnalysisAI/InferenceX", "InferenceX"},
    {"blogs.oracle.com", "Oracle"},
    {"cmontemuino", "cmontemuino@081d8b3"},
};

static const struct words engines[] = {{"vllm", "vllm"}, {"sglang", "sglang"}, {"trtllm", "trtllm"}};

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

enum fit { WHOLE, START, INSIDE };

static const char *meant(const struct words *words, size_t n, const char *said, enum fit fit)
{
    for (size_t i = 0; i < n; i++) {
        const char *word = words[i].said;
        const char *at = fit == INSIDE ? strstr(said, word) : said;
        if (fit == WHOLE ? strcmp(said, word) == 0 : at && strncmp(at, word, strlen(word)) == 0) {
            return words[i].meant;
        }
    }
    return NULL;
}

const char *serving_chip(const char *said)
{
    return meant(chips, COUNT(chips), said, WHOLE);
}

const char *serving_model(const char *said)
{
    return meant(models, COUNT(models), said, INSIDE);
}

const char *serving_quant(const char *said)
{
    return meant(quants, COUNT(quants), said, WHOLE);
}

const char *serving_engine(const char *said)
{
    return meant(engines, COUNT(engines), said, START);
}

const char *serving_source(const char *said)
{
    return meant(sources, COUNT(sources), said, START);
}
