/* The part of the model that says where its numbers come from and how long an engine's steps take; included by
 * sim/model.h. */
#ifndef TS_SIM_MODEL_STEPS_H
#define TS_SIM_MODEL_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- where numbers come from ---- */

enum ts_origin {
    TS_ORIGIN_SCENARIO, /* written in the scenario file */
    TS_ORIGIN_COMMAND,  /* --set on the command line */
    TS_ORIGIN_DEFAULT,  /* our default */
    TS_ORIGIN_CATALOG,  /* from a catalog row, with source and date */
    TS_ORIGIN_MEASURED, /* measured by tiersim bench */
    TS_ORIGIN_IMPORTED, /* measured by another program (tiersim import) */
    TS_ORIGIN_FITTED,   /* fitted to published points */
    TS_ORIGIN_MODELLED, /* computed from other assumptions */
};

/* One assumption of the model, in words: for the manifest. */
struct ts_assumption {
    const char *key;   /* "tiers.edge.batched_tokens" */
    const char *value; /* as text, "8192 tok" */
    enum ts_origin origin;
    const char *source; /* "hybrid.yaml:31:19", "models.csv: litgpt@2685705", ... */
};

const char *ts_origin_name(enum ts_origin origin);

/* ---- step times ---- */

/* One iteration of an engine: what it computes. */
struct ts_batch_load {
    uint32_t n_seqs;      /* sequences in the step */
    uint32_t n_decode;    /* of those, in decode (one token each) */
    uint32_t prefill_tok; /* tokens of prompt chunks in the step */
    uint32_t verify_tok;  /* drafted tokens that are checked beside those of decode */
    double kv_read_tok;   /* KV entries read by decode attention: sum of context lengths over decoding sequences */
    double kv_max_tok;    /* those of the sequence that reads most; 0: not counted, taken for the mean */
    double prefill_pairs; /* query-key pairs of prefill attention: sum over chunks of chunk*(past + (chunk+1)/2) */
};

enum ts_steps_kind { TS_STEPS_LINEAR, TS_STEPS_TABLE, TS_STEPS_ROOFLINE, TS_STEPS_OPERATORS, TS_N_STEPS_KINDS };

/* t = a + b*n_seqs + c*kv_read + d*prefill_tok + e*prefill_pairs (MODEL: fitted coefficients). */
struct ts_steps_linear {
    double a_s, b_s_per_seq, c_s_per_kv_tok, d_s_per_prefill_tok, e_s_per_pair;
};

/* t = fixed + interpolate(n_decode + prefill_tok) + b*n_seqs + c*kv_read + e*prefill_pairs: times measured by tiersim
 * bench, linear between the measured token counts and beyond the last one. Of matmuls alone (attention then modelled, b
 * = 0), or fitted to whole steps. */
struct ts_steps_table {
    double fixed_s, b_s_per_seq;
    const double *n_tok;   /* [n] increasing, n >= 1 */
    const double *seconds; /* [n] */
    size_t n;
    double c_s_per_kv_tok, e_s_per_pair;
};

/* t = fixed + max(flop, weights/bandwidth) + KV/bandwidth + attention flop; for a mixture of experts the weights read
 * grow with the batch: shared + expert*(1-(1-k/E)^B). With `blends` (flop^1.5 + weights^1.5)^(2/3) instead of the
 * longer: matmuls and the reading of their weights overlap in part. With ranks everything but the experts is that of
 * the busiest rank (sim/serving/rank_load.h), times their number: flop_per_s and bytes_per_s are of all. */
struct ts_steps_roofline {
    double fixed_s;
    double flop_per_tok;        /* of the matmuls: 2 x active parameters */
    double flop_per_s;          /* peak x efficiency, all accelerators of a replica */
    double shared_bytes;        /* weights read in every step */
    double expert_bytes;        /* 0 for a dense model */
    double experts, top_k;      /* 0, 0 for a dense model */
    double expert_flop_per_tok; /* of flop_per_tok, as flop_per_s counts them; 0: neither tiles nor ranks need it */
    double expert_tile_tok; /* experts' matmuls compute at least so many tokens of each expert that has one; 0: no */
    double bytes_per_s;     /* bandwidth x efficiency, all accelerators of a replica */
    double kv_bytes_per_tok;
    double attention_flop_per_pair;
    double per_tok_s; /* beside the matmuls, of a rank's tokens: what joins accelerators, hops between stages */
    uint32_t ranks;   /* engines that step together over the same experts; 0, 1: one */
    bool blends;      /* what fits recorded steps */
    double stages;    /* of a pipeline; flop_per_s and bytes_per_s are then of one stage's accelerators. 0, 1: none */
};

/* Linear between its knots; constant below the first, on with the last slope beyond the last. */
struct ts_curve {
    const double *x; /* [n] increasing */
    const double *y; /* [n] */
    size_t n;        /* 0: the curve is 0 */
};

enum ts_attention_axis {
    TS_ATTENTION_CHUNK,  /* prompt tokens of the step */
    TS_ATTENTION_PAST,   /* cached tokens after which they stand */
    TS_ATTENTION_DECODE, /* sequences in decode */
    TS_ATTENTION_KV,     /* KV entries that each of those reads */
    TS_N_ATTENTION_AXES
};

/* Times of an engine's operators, all layers of the model added up: t = fixed + per_tok(tokens) + per_seq(sequences) +
 * experts(tokens) + attention(chunk, past, n_decode, kv), each linear between what was measured. See
 * sim/serving/operators.h.
 */
struct ts_steps_operators {
    double fixed_s;
    struct ts_curve per_tok_s; /* of a rank's tokens: prompt chunks and one for each sequence in decode */
    double joined_s_per_tok;   /* what joins accelerators, for each of a rank's tokens */
    struct ts_curve per_seq_s; /* of a rank's sequences: output head and sampler */
    struct ts_curve experts_s; /* of the tokens of all ranks: blocks of experts, divided among all accelerators */
    uint32_t data_parallel;    /* ranks that step together, each with sequences of its own; 0 and 1: one */
    /* How far a batch of unlike sequences is from one of equals, on the way from the mean of their KV entries (0) to
     * the largest (1), over the number of sequences: without and with a prompt chunk beside them. Empty: 0. */
    struct ts_curve unlike, unlike_mixed;
    struct {
        const double *at; /* [n] increasing; the first of CHUNK and DECODE is 0 */
        size_t n;         /* >= 1 */
    } axes[TS_N_ATTENTION_AXES];
    const double *attention_s; /* [CHUNK][PAST][DECODE][KV], complete */
};

/* The host's work between two steps: scheduling, preparing the input, handing out tokens. */
struct ts_host_model {
    double fixed_s, per_seq_s;
    bool overlaps; /* done while the accelerator computes: a step lasts as long as the longer of both; else their sum */
};

/* Between these factors of the predicted times 9 of 10 measurements lie; 0: unknown. */
struct ts_steps_error {
    double low, high;             /* of times per token */
    double first_low, first_high; /* of times to the first token */
};

struct ts_steps_model {
    enum ts_steps_kind kind;
    enum ts_origin origin; /* measured, fitted, modelled */
    struct ts_host_model host;
    struct ts_steps_error error;
    const char *source; /* for the report: "measurement.json of AMD EPYC, 2 threads, avx512vnni" */
    union {
        struct ts_steps_linear linear;
        struct ts_steps_table table;
        struct ts_steps_roofline roofline;
        const struct ts_steps_operators *operators;
    } u;
};

#endif
