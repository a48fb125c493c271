/* Operator profiles without a scenario around them (the form: scenarios/profile/operator_profile.h): for `tiersim
 * import`. */
#ifndef TS_SCENARIOS_PROFILE_OPERATOR_STEPS_H
#define TS_SCENARIOS_PROFILE_OPERATOR_STEPS_H

#include "scenarios/catalog/catalog.h"
#include "sim/model.h"

/* What a profile says of itself; "" where it does not. */
struct ts_operator_about {
    const char *folder; /* of the tables */
    const char *gpu, *model, *engine;
    const char *variant;      /* "bf16", "fp8-kvfp8": the weights' format comes first */
    uint32_t tensor_parallel; /* accelerators that share a layer: N of a folder tpN, else 1 */
};

struct ts_operator_steps {
    struct ts_steps_model steps; /* of kind TS_STEPS_OPERATORS; what joins several accelerators is not in it */
    const char *layers;          /* "qkv_proj x 32, ..." */
    size_t n_rows;               /* read, all tables */
    size_t n_filled;             /* points of the attention grid without a measurement */
    size_t n_unlike;             /* rows about sequences of unlike length */
    double most_tok, most_seqs;  /* up to which the tables go: tokens and sequences of a step ... */
    double most_past_tok;        /* ... tokens before a prompt's chunk ... */
    double most_depth_tok;       /* ... and KV entries that a sequence in decode reads */
};

/* Whether `path` is a folder, or a table of a profile beside the others. */
bool ts_operator_profile_is(const char *path);

/* Both: everything in `arena`. TS_EINPUT with diagnostics, TS_EIO, TS_ENOMEM. */
enum ts_status ts_operator_about_read(struct ts_operator_about *out, struct ts_arena *arena, const char *path,
                                      struct ts_diags *diags);
enum ts_status ts_operator_steps_read(struct ts_operator_steps *out, struct ts_arena *arena,
                                      const struct ts_operator_about *about, const struct ts_llm *llm,
                                      struct ts_diags *diags);

#endif
