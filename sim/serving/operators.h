/* Step times from tables of operators. A step runs, for every layer, matmuls and the like over all its tokens, and one
 * attention kernel over its prompt chunks and its sequences in decode; then the output head over its sequences.
 *
 * Between the knots of a table everything is linear (in the quantity itself, not in its logarithm), attention in all
 * four axes. Beyond the last knot the last slope goes on; below the first the first value holds. A batch is put into
 * the four numbers of the attention table like this:
 *   - sequences in decode: as many as there are, each with the mean of the KV entries read;
 *   - prompt chunks: one chunk of all prompt tokens c, after k tokens such that it has as many query-key pairs P as
 *     they have together: k = P/c - (c + 1)/2. Several short prompts have fewer pairs than one chunk without past: then
 *     c/m chunks of m = 2P/c - 1 tokens each, of which each adds what one adds to the step without prompt tokens; but
 *     no more than one chunk of c would.
 * Ranks of data-parallel attention step together, each with sequences of its own: the step takes what the rank with
 * most to do takes, with sequences spread evenly and a prompt on one rank; the experts' blocks see all tokens. */
#ifndef TS_SIM_SERVING_OPERATORS_H
#define TS_SIM_SERVING_OPERATORS_H

#include "sim/serving/steptime.h"

double ts_curve_at(const struct ts_curve *curve, double x);

/* Valid for one kv alone if the step has prompt tokens; else to the next knot of the mean KV length. */
struct ts_step_line ts_operators_line(const struct ts_steps_operators *ops, const struct ts_batch_load *load);

#endif
