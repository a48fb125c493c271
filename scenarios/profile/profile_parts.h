/* The inside of reading an operator profile. Private to operator_profile.c and profile_curves.c. */
#ifndef TS_SCENARIOS_PROFILE_PROFILE_PARTS_H
#define TS_SCENARIOS_PROFILE_PROFILE_PARTS_H

#include "scenarios/profile/operator_profile.h"
#include "scenarios/profile/profile_table.h"

/* What is being made, and of what. Tables that the profile does not have are empty. */
struct ts_profile {
    struct ts_operator_profile *out;
    struct ts_loader *loader;
    const struct ts_value *at; /* who named the folder */
    const struct ts_tier_context *ctx;
    struct ts_profile_table dense, per_sequence, attention, linear, moe, skew;
    struct ts_text layers;
};

/* Reports a mistake of a table as a whole; false. */
bool ts_profile_fail(struct ts_profile *p, const struct ts_profile_table *table, const char *message);

/* The curves of a step over tokens, sequences, and of experts over tokens; the operators' times in a step are listed in
 * p->layers. False: reported. */
bool ts_profile_curves(struct ts_profile *p, struct ts_steps_operators *out);

/* Is that an operator of layers without attention? How many of these the model has; and what the kernels of all of them
 * take in a step of so many prompt tokens and sequences in decode (profile_linear.c). */
bool ts_profile_is_linear(const char *name);
unsigned ts_profile_linear_layers(const struct ts_profile *p);
double ts_profile_linear_s(const struct ts_profile *p, double chunk, double n_decode);

/* How unlike sequences take longer, from the table of them: columns n, pc, t_mean_us, t_max_us. */
bool ts_profile_unlike(struct ts_profile *p, struct ts_steps_operators *out);

#endif
