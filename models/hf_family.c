/* Hides the tables. Worked: Gemma 2 leaves tie_word_embeddings out, which is true: 2.61 G weights, not 3.20 G. The
 * text_config of Gemma 3 4B has no more than its layers and widths; 262,208 words and 8 heads are its family's. */
#include "models/hf_family.h"

#include <stddef.h>
#include <string.h>

static const struct ts_hf_family families[] = {
    {.type = "afmoe"},
    {.type = "apertus", .ungated = true},
    {.type = "aquila"},
    {.type = "arctic"},
    {.type = "baichuan"},
    {.type = "bailing_moe"},
    {.type = "bailing_moe_v2"},
    {.type = "bamba"},
    {.type = "bitnet"},
    {.type = "bloom", .tied = true, .ungated = true, .ffn_is_4 = true, .context = 2048},
    {.type = "chatglm"},
    {.type = "codegen", .ungated = true, .ffn_is_4 = true},
    {.type = "cohere", .tied = true},
    {.type = "cohere2", .tied = true, .every = 4},
    {.type = "dbrx"},
    {.type = "deepseek"},
    {.type = "deepseek_ref"},
    {.type = "deepseek_v2"},
    {.type = "deepseek_v3"},
    {.type = "deepseek_v32"},
    {.type = "deepseek_v4"},
    {.type = "dots1"},
    {.type = "ernie4_5", .tied = true},
    {.type = "ernie4_5_moe", .tied = true},
    {.type = "exaone"},
    {.type = "exaone4"},
    {.type = "falcon", .tied = true, .ungated = true, .ffn_is_4 = true, .context = 2048},
    {.type = "falcon_h1", .mamba_beside = true},
    {.type = "falcon_mamba", .no_attention = true},
    {.type = "gemma", .tied = true},
    {.type = "gemma2", .tied = true, .every = 2},
    {.type = "gemma3", .tied = true, .every = 6},
    {.type = "gemma3_text", .tied = true, .every = 6},
    {.type = "gemma3n_text", .tied = true, .every = 5},
    {.type = "gemma4_text", .tied = true},
    {.type = "glm"},
    {.type = "glm4"},
    {.type = "glm4_moe"},
    {.type = "glm4_moe_lite"},
    {.type = "glm_moe_dsa"},
    {.type = "gpt2", .tied = true, .ungated = true, .ffn_is_4 = true},
    {.type = "gpt_bigcode", .tied = true, .ungated = true, .ffn_is_4 = true},
    {.type = "gpt_neo", .tied = true, .ungated = true, .ffn_is_4 = true},
    {.type = "gpt_neox", .ungated = true},
    {.type = "gpt_oss", .every = 2},
    {.type = "gptj", .ungated = true, .ffn_is_4 = true},
    {.type = "granite"},
    {.type = "granitemoe"},
    {.type = "granitemoehybrid"},
    {.type = "granitemoeshared"},
    {.type = "grok-1", .tied = true},
    {.type = "helium"},
    {.type = "hunyuan_v1_dense"},
    {.type = "hunyuan_v1_moe"},
    {.type = "internlm"},
    {.type = "internlm2"},
    {.type = "internlm3"},
    {.type = "jamba"},
    {.type = "kimi_k2"},
    {.type = "kimi_linear"},
    {.type = "lfm2", .tied = true},
    {.type = "lfm2_moe", .tied = true},
    {.type = "llama"},
    {.type = "llama4_text"},
    {.type = "mamba", .tied = true, .no_attention = true},
    {.type = "mamba2", .no_attention = true},
    {.type = "mimo"},
    {.type = "mimo_v2_flash"},
    {.type = "minicpm", .tied = true},
    {.type = "minicpm3", .tied = true},
    {.type = "minimax"},
    {.type = "minimax_m1"},
    {.type = "minimax_m2"},
    {.type = "minimax_m3"},
    {.type = "minimax_text_01"},
    {.type = "ministral", .all_window = true},
    {.type = "ministral3", .all_window = true},
    {.type = "mistral", .all_window = true},
    {.type = "mixtral", .all_window = true},
    {.type = "mllama_text_model"},
    {.type = "mpt", .tied = true, .ungated = true, .ffn_is_4 = true},
    {.type = "nemotron", .ungated = true},
    {.type = "nemotron_h", .ungated = true},
    {.type = "nemotron-nas"},
    {.type = "olmo"},
    {.type = "olmo2"},
    {.type = "olmo3", .every = 4},
    {.type = "olmoe"},
    {.type = "opt", .tied = true, .ungated = true},
    {.type = "orion"},
    {.type = "persimmon", .ungated = true},
    {.type = "phi", .ungated = true},
    {.type = "phi3", .all_window = true},
    {.type = "phi3small"},
    {.type = "phimoe", .all_window = true},
    {.type = "plamo2", .no_attention = true},
    {.type = "qwen", .ffn_is_half = true},
    {.type = "qwen2"},
    {.type = "qwen2_5_vl"},
    {.type = "qwen2_5_vl_text"},
    {.type = "qwen2_moe"},
    {.type = "qwen2_vl"},
    {.type = "qwen2_vl_text"},
    {.type = "qwen3"},
    {.type = "qwen3_5_moe_text", .q_gated = true},
    {.type = "qwen3_5_text", .q_gated = true},
    {.type = "qwen3_moe"},
    {.type = "qwen3_next", .q_gated = true},
    {.type = "qwen3_vl_moe_text"},
    {.type = "qwen3_vl_text"},
    {.type = "recurrent_gemma", .tied = true, .all_window = true, .ffn_is_half = true, .context = 8192},
    {.type = "rwkv", .no_attention = true},
    {.type = "seed_oss"},
    {.type = "smollm3", .tied = true},
    {.type = "solar"},
    {.type = "stablelm"},
    {.type = "starcoder2", .tied = true, .ungated = true, .all_window = true},
    {.type = "step3p5"},
    {.type = "step3p7"},
    {.type = "xlstm", .no_attention = true},
    {.type = "xverse"},
    {.type = "yi"},
    {.type = "zamba", .tied = true, .no_attention = true},
    {.type = "zamba2", .tied = true, .no_attention = true},
};

static const struct ts_hf_shape shapes[] = {
    {"gemma2", 26, 2304, 9216, 8, 4, 256, 256000, 8192},  {"gemma3_text", 26, 2304, 9216, 8, 4, 256, 262208, 131072},
    {"llama", 32, 4096, 11008, 32, 0, 0, 32000, 2048},    {"mistral", 32, 4096, 14336, 32, 8, 0, 32000, 131072},
    {"qwen2", 32, 4096, 22016, 32, 32, 0, 151936, 32768},
};

const struct ts_hf_family *ts_hf_family_find(const char *type)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        if (strcmp(families[i].type, type) == 0) {
            return &families[i];
        }
    }
    return NULL;
}

const struct ts_hf_shape *ts_hf_shape_find(const char *type)
{
    for (size_t i = 0; i < sizeof shapes / sizeof shapes[0]; i++) {
        if (strcmp(shapes[i].type, type) == 0) {
            return &shapes[i];
        }
    }
    return NULL;
}
