/* Hides how quantization_config says in how many bits the linear layers' weights are stored: by the name of a method or
 * an algorithm, by bits, or for groups of layers; and whether attention is left out of that. */
#include <string.h>

#include "base/text.h"
#include "models/hf_config.h"

static uint32_t bits_of_name(const char *name)
{
    static const struct {
        const char *name;
        uint32_t bits;
    } names[] = {{"fp8", 8},   {"fbgemm_fp8", 8}, {"FP8", 8},   {"w8a8", 8},  {"W8A8", 8},
                 {"mxfp4", 4}, {"MXFP4", 4},      {"NVFP4", 4}, {"nvfp4", 4}, {"awq", 4},
                 {"gptq", 4},  {"W4A16", 4},      {"INT8", 8},  {"INT4", 4},  {"W4A16_AWQ", 4}};
    for (size_t i = 0; name && i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i].name, name) == 0) {
            return names[i].bits;
        }
    }
    return 0;
}

static uint32_t bits_of_groups(const struct ts_json *json)
{
    const struct ts_json *weights = ts_json_get(ts_json_get(ts_json_get(json, "config_groups"), "group_0"), "weights");
    int64_t bits = 0;
    return ts_json_int(ts_json_get(weights, "num_bits"), &bits) && bits > 0 && bits <= 32 ? (uint32_t)bits : 0;
}

static uint32_t bits_written(const struct ts_json *json)
{
    static const char *const keys[] = {"bits", "w_bit", NULL};
    bool in_4 = false, in_8 = false;
    for (const char *const *key = keys; *key; key++) {
        int64_t bits = 0;
        if (ts_json_int(ts_json_get(json, *key), &bits) && bits > 0 && bits <= 32) {
            return (uint32_t)bits;
        }
    }
    (void)ts_json_bool(ts_json_get(json, "load_in_4bit"), &in_4);
    (void)ts_json_bool(ts_json_get(json, "load_in_8bit"), &in_8);
    return in_4 ? 4 : in_8 ? 8 : 0;
}

/* Is attention among what is not quantized? By layer, or by a pattern. */
static bool leaves_attention(const struct ts_json *json)
{
    static const char *const keys[] = {"ignore", "modules_to_not_convert", "exclude_modules", NULL};
    bool found = false;
    for (const char *const *key = keys; *key; key++) {
        const struct ts_json *list = ts_json_get(json, *key);
        for (size_t i = 0; i < ts_json_length(list) && !found; i++) {
            const char *name = ts_json_string(ts_json_at(list, i));
            found = name && strstr(name, "self_attn") && !strstr(name, "vision");
        }
    }
    return found;
}

void ts_hf_stored_read(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    static const char key[] = "quantization_config";
    const struct ts_json *own = ts_hf_get(file, key);
    const struct ts_json *json = own ? own : ts_json_get(file->root, key);
    config->attention_wide = leaves_attention(json);
    const char *algorithm = ts_json_string(ts_json_get(json, "quant_algo"));
    if (algorithm && ts_str_equal(algorithm, "MIXED_PRECISION")) {
        return;
    }
    config->stored_bits = bits_of_name(algorithm);
    config->stored_bits = config->stored_bits > 0 ? config->stored_bits : bits_written(json);
    config->stored_bits = config->stored_bits > 0 ? config->stored_bits : bits_of_groups(json);
    config->stored_bits =
        config->stored_bits > 0 ? config->stored_bits : bits_of_name(ts_json_string(ts_json_get(json, "quant_method")));
}
