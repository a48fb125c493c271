/* The contract of a kernel variant: what one instruction set brings to the matrix product y = W x. The loops over rows,
 * tokens and columns are written once, in matmul.c; a variant gives packing and micro-kernels. How to add one:
 * docs/KERNELS.md.
 *
 * A variant packs `group_rows` rows of W together, block by block: [group][block][block_bytes]. Rows beyond the matrix
 * are zero weights, so no kernel reads or writes out of bounds. Of formats with blocks of 256 weights a variant sees
 * whole ones only: 8 blocks from a multiple of 8 on (panel_blocks must be one, too). Three ways to compute the
 * group_rows x width results of one group and one tile of tokens: few     straight from the packed weights, with
 * activations of a form of its own: the fewest tokens, where `direct` is no match for memory; direct  straight from the
 * packed weights: few tokens, bound by memory; wide    from a panel, packed blocks expanded once and used by all tiles:
 * many tokens, bound by arithmetic. */
#ifndef TS_KERNELS_KERNEL_H
#define TS_KERNELS_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernels/formats/activation.h"
#include "kernels/formats/quant.h"
#include "kernels/probes.h"

enum { TS_KERNEL_MAX_GROUP_ROWS = 32, TS_KERNEL_MAX_TILE_TOK = 16 };

/* c[tok*group_rows + row], tok < width, gets (accumulate: is raised by) what the form of the activations says:
 *   int8                the sum over the blocks of weight scale x activation scale x integer dot product. The integer
 * part is exact; additions are in the order of the blocks, each rounded once (fused) or twice; floats, BF16        with
 * weights of 16 bits the sum of the products, in the order of the columns; raised BF16         the sum of the products
 * with the weights dequantized and rounded to BF16, in the order of the blocks. values and meta: as in activation.h, of
 * one tile; `few` gets them in the form few_act, the others in act. Only int8 has meta. */
typedef void ts_kernel_tile_fn(float *c, const uint8_t *weights, const void *values, const struct ts_act_meta *meta,
                               uint32_t n_blocks, uint32_t width, bool accumulate);

struct ts_kernel_format {
    enum ts_quant quant;
    uint32_t group_rows;           /* at most TS_KERNEL_MAX_GROUP_ROWS */
    const struct ts_act_form *act; /* what its activations are */
    int32_t offset; /* int8: what the packed weights are raised by: meta.start = -offset x sum of the values. Q4_K: 1,
                       start is what minima are multiplied by */
    uint32_t block_bytes; /* of a packed block of a group: 32 columns x group_rows */
    /* False if some of n source blocks hold weights that the format cannot: another variant has to. NULL: it takes all.
     */
    bool (*takes)(const uint8_t *blocks, size_t n);
    /* n_rows <= group_rows rows of blocks, row_bytes apart, into n_blocks packed ones. A block of scale 0 must be
     * packed as zero weights. */
    void (*pack)(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks);

    /* Up to so many tokens are computed by other means, in one tile, from activations of another form; the bits are
     * others, too. 0: no. At most direct_tok and below wide_min_tok, and `offset` is few_act's. */
    uint32_t few_tok;
    const struct ts_act_form *few_act;
    ts_kernel_tile_fn *few;

    uint32_t direct_tok; /* widest tile of `direct` */
    ts_kernel_tile_fn *direct;

    uint32_t wide_min_tok; /* from here on `wide` is faster; 0: there is none */
    uint32_t wide_tok;     /* widest tile of `wide` */
    uint32_t panel_block_bytes;
    uint32_t panel_blocks; /* expanded at a time: the panel should stay in the first-level cache */
    void (*expand)(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks); /* NULL: packed blocks are the panel */
    ts_kernel_tile_fn *wide;                                                  /* weights = the panel */
    /* Around all calls of `direct` or `wide` that a thread makes for one product, whose tiles are `width` or width + 1
     * tokens wide: state of the processor that is not to be set up for every tile. NULL: there is none. */
    void (*enter)(uint32_t width);
    void (*leave)(void);
};

struct ts_kernel {
    const char *name;
    uint32_t needs;           /* TS_CPU_ bits, all of them */
    const char *needs_text;   /* for people: "needs avx2 fma f16c" */
    const char *formats_text; /* "Q4_0 Q8_0" */
    const struct ts_probes *probes;
    const struct ts_kernel_format *formats;
    size_t n_formats;
};

#define TS_KERNEL(name) extern const struct ts_kernel ts_kernel_##name;
#include "kernels/kernel_list.inc"
#undef TS_KERNEL

/* Best first; the last is the reference. */
size_t ts_kernel_count(void);
const struct ts_kernel *ts_kernel_at(size_t index);

/* NULL if the variant does not do that format. */
const struct ts_kernel_format *ts_kernel_format(const struct ts_kernel *kernel, enum ts_quant quant);

/* The best variant after `kernel` in the list, or of all with NULL, that has the format and needs no feature beyond
 * `features`; NULL if there is none. Whoever cannot use a variant goes on from it. */
const struct ts_kernel *ts_kernel_after(const struct ts_kernel *kernel, uint32_t features, enum ts_quant quant);

/* The best variant that has the format and needs no feature beyond `features`; with `forced` not NULL, the one of that
 * name. NULL if there is none. *why, if not NULL, then says in a few words why that one or why none. A pure function.
 */
const struct ts_kernel *ts_kernel_select(uint32_t features, enum ts_quant quant, const char *forced, const char **why);

/* One row per kernel variant built into this program, best first: for `tiersim bench --list`. */
struct ts_kernel_info {
    const char *name;    /* "avx512vnni" */
    const char *formats; /* "Q4_0 Q8_0" */
    bool supported;      /* on this machine */
    bool chosen;         /* by default */
    const char *why;     /* "needs avx512vnni", "best supported" */
};
size_t ts_kernel_list(struct ts_kernel_info *out, size_t max);

#endif
