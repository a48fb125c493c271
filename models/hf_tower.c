/* Hides what the parts of a model that see are called, and how their weights are counted: layers of four square
 * matrices and a feed-forward part, patches, positions, and what leads from there into the text model.
 *
 * Worked: Qwen3-VL-2B: 24 x (4 x 1024 x 1024 + 2 x 1024 x 4096) = 302.0e6, four times 4096 x 4096 + 4096 x 2048 =
 * 100.7e6 behind it, 406e6 in all; the text model has 1.72e9. */
#include <math.h>

#include "base/text.h"
#include "models/hf_config.h"

static const char vision[] = "vision_config";

struct tower {
    double depth, width, ffn, patch, merge, out, n_mergers, positions;
    bool gated;
};

/* The first of these keys of the tower that is there. */
static double first_number(const struct ts_json *json, const char *const *keys, double fallback)
{
    double value = fallback;
    for (; *keys; keys++) {
        if (ts_json_double(ts_json_get(json, *keys), &value)) {
            break;
        }
    }
    return value;
}

static double number_of(const struct ts_json *json, const char *key, double fallback)
{
    return first_number(json, (const char *const[]){key, NULL}, fallback);
}

static bool is_gated(const struct ts_json *json)
{
    static const char *const types[] = {"pixtral", "gemma4_vision", "mistral3_vision"};
    const char *act = ts_json_string(ts_json_get(json, "hidden_act"));
    const char *type = ts_json_string(ts_json_get(json, "model_type"));
    bool gated = act && ts_str_equal(act, "silu");
    for (size_t i = 0; type && i < sizeof types / sizeof types[0]; i++) {
        gated = gated || ts_str_equal(types[i], type);
    }
    return gated;
}

static struct tower tower_of(const struct ts_hf_config *config, const struct ts_json *json, const struct ts_json *root)
{
    static const char *const depths[] = {"num_hidden_layers", "depth", "layers", "vt_num_hidden_layers", NULL};
    static const char *const widths[] = {"embed_dim", "width", "vt_hidden_size", "hidden_size", NULL};
    static const char *const ffns[] = {"intermediate_size", "vt_intermediate_size", NULL};
    static const char *const patches[] = {"spatial_patch_size", "patch_size", NULL};
    struct tower t = {.depth = first_number(json, depths, 0.0), .width = first_number(json, widths, 0.0)};
    t.depth += number_of(json, "num_global_layers", 0.0);
    t.ffn = first_number(json, ffns, number_of(json, "mlp_ratio", 4.0) * t.width);
    t.patch = first_number(json, patches, 14.0);
    t.merge = number_of(json, "spatial_merge_size", number_of(root, "spatial_merge_size", 1.0));
    t.out = number_of(json, "out_hidden_size", config->hidden);
    t.n_mergers = 1.0 + (double)ts_json_length(ts_json_get(json, "deepstack_visual_indexes"));
    t.positions = number_of(json, "num_position_embeddings", pow(number_of(json, "image_size", 0.0) / t.patch, 2.0));
    t.gated = is_gated(json);
    return t;
}

static double weights_of(const struct tower *t)
{
    const double merged = t->width * t->merge * t->merge;
    return t->depth * (4.0 * t->width * t->width + (t->gated ? 3.0 : 2.0) * t->width * t->ffn) +
           t->width * (3.0 * t->patch * t->patch + t->positions) + t->n_mergers * (merged * merged + merged * t->out);
}

enum ts_status ts_hf_tower_read(struct ts_hf_config *config, const struct ts_hf_file *file)
{
    static const char *const others[] = {"audio_config", "speech_config", NULL};
    const struct ts_json *json = ts_json_get(file->root, vision);
    bool unknown = false;
    for (const char *const *key = others; *key; key++) {
        unknown = unknown || ts_json_is_object(ts_json_get(file->root, *key));
    }
    if (ts_json_is_object(json)) {
        const struct tower t = tower_of(config, json, file->root);
        const bool sane = t.depth >= 1.0 && t.depth < 1e4 && t.width >= 1.0 && t.width < 1e6 && t.ffn >= 0.0 &&
                          t.ffn < 1e7 && t.patch >= 1.0 && t.merge >= 1.0 && t.merge < 100.0;
        unknown = unknown || !sane;
        config->tower_weights = sane ? weights_of(&t) : 0.0;
    }
    config->tower_weights = unknown ? (double)NAN : config->tower_weights;
    return TS_OK;
}
