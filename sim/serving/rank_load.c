/* Hides how a step's batch is spread over ranks. Worked: of 10 sequences in decode on 4 ranks one has 3, and reads 3/10
 * of the KV entries; of 3 prompts of 900 tokens each it has one, 900 tokens of 2,700. */
#include "sim/serving/rank_load.h"

#include <math.h>

struct ts_rank_load ts_rank_load(const struct ts_batch_load *load, uint32_t ranks)
{
    const double d = ranks > 1 ? ranks : 1.0;
    const uint32_t n_prompts = load->n_seqs > load->n_decode ? load->n_seqs - load->n_decode : 1;
    const double n = ceil(load->n_decode / d);
    const double share = ceil(n_prompts / d) / n_prompts;
    const double kv_share = load->n_decode > 0 ? n / load->n_decode : 1.0;
    const double chunk = load->prefill_tok * share;
    return (struct ts_rank_load){
        .tokens = chunk + n + load->verify_tok * kv_share,
        .seqs = ceil(load->n_seqs / d),
        .chunk = chunk,
        .pairs = load->prefill_pairs * share,
        .n = n,
        .kv_share = kv_share,
    };
}
