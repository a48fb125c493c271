/* Parts of engine_tool that run a GGUF file, beside other programs on the same file. */
#ifndef TS_TESTS_ENGINE_ENGINE_LIVE_H
#define TS_TESTS_ENGINE_ENGINE_LIVE_H

#include "base/diag.h"

/* Writes the logits of n_seqs texts of n_tok made-up tokens (live_model.h; text i starts from seed + i), read in steps
 * of piece_tok (at most 64), as floats, [n_seqs][n_tok][vocab]. */
enum ts_status engine_live_logits(const char *gguf, uint64_t seed, uint32_t n_tok, uint32_t n_seqs, uint32_t piece_tok,
                                  const char *out, struct ts_diags *diags);

/* Prints rows of llama_cpp_logits.csv from another program's such file of one text of a recorded model. */
enum ts_status engine_live_record(const char *logits, const char *family, const char *quant, struct ts_diags *diags);

/* Prints on how many rows of two such files the largest logit is the same, and the relative RMS difference. */
enum ts_status engine_live_compare(const char *mine, const char *other, uint32_t vocab, struct ts_diags *diags);

/* Answers each line of the standard input with seconds, so that several programs can be timed in turns:
 *   pp N [DEPTH]     a prompt of N tokens after DEPTH cached ones
 *   bd B N [DEPTH]   N steps of B sequences that decode
 *   mem              the peak of resident memory, bytes */
enum ts_status engine_live_steps(const char *gguf, uint32_t n_threads, struct ts_diags *diags);

#endif
