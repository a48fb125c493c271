/* AMX: products of 16 tokens and 16 rows in one instruction, for many tokens; few go the way of AVX-512 VNNI, with the same packed weights and, as all
 * integers are exact and scaled and added alike, with the same bits.
 *
 * A packed block of avx512vnni is two weight tiles already (8 rows of 4 columns x 16 rows), an activation block of a tile of tokens another (a row of 32
 * bytes per token). TDPBSSD makes the exact products of a block, they go through the first-level cache into vectors, are scaled there and
 * added to sums that stay in registers. Products run AHEAD blocks before their scaling, so that nothing waits for them.
 *
 * Panel block: [half][8 vectors] of signed bytes, 32 scales as float, and for Q4_K 32 d x minimum.
 *
 * A thread sets its tiles up once for a product and releases them then (doing so for every tile of tokens took a seventh of the time): no state is
 * left in it, and switching between threads does not save tiles for long. The tiles of tokens in a product have two widths, of which one is
 * even: each has its own pair of tiles. */
#include <immintrin.h>
#include <stdalign.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/kernel.h"
#include "kernels/x86/avx512vnni_k.h"
#include "kernels/x86/avx512vnni_tiles.h"
#include "kernels/x86/quantize_x86.h"

enum {
    TILE_ROWS = 16,
    QUADS = 8, /* of 4 columns, in a block */
    PRODUCT_BYTES = TILE_ROWS * VECTOR,
    RING = 4, /* products on their way; a power of two */
    AHEAD = RING - 1,
    SCALES_AT = PANEL_TABLE,
    AMX_PANEL = SCALES_AT + 2 * VECTOR,
    MINS_AT = AMX_PANEL,
    AMX_MIN_PANEL = MINS_AT + 2 * VECTOR,
    AMX_PANEL_BLOCKS = 16,
    Q4_0_MIN_TOK = 32, /* from here on panels are faster than avx512vnni's tiles */
    Q8_0_MIN_TOK = 64,
    Q4_K_MIN_TOK = 80,
    LEAST_WIDTH = 11, /* of nearly equal tiles of at most 16 tokens, from 32 tokens on */
};

/* The operand of LDTILECFG. */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

_Static_assert(sizeof(struct tile_config) == 64, "as the instruction reads it");

/* Tiles 0 and 1: products and activations of tiles of tokens of even width; 2 and 3: of odd width; 4: weights. */
static void enter(uint32_t width)
{
    const uint8_t even = (uint8_t)(width + width % 2);
    const uint8_t odd = (uint8_t)(width % 2 == 1 ? width : width < TILE_ROWS ? width + 1 : width - 1);
    struct tile_config config = {.palette = 1,
                                 .row_bytes = {VECTOR, TS_ACT_COLS, VECTOR, TS_ACT_COLS, VECTOR},
                                 .rows = {even, even, odd, odd, QUADS}};
    __asm__ volatile("" : : "r"(&config) : "memory"); /* GCC 12 takes the intrinsic to read 8 bytes only */
    _tile_loadconfig(&config);
}

static void leave(void)
{
    _tile_release();
}

struct operands {
    const uint8_t *panel; /* of the half */
    const int8_t *values;
    uint32_t panel_bytes, values_bytes; /* of a block */
    uint8_t *ring;
};

#define DEFINE_MULTIPLY(name, product, acts)                                                                                \
    static inline void name(const struct operands *at, uint32_t block)                                                      \
    {                                                                                                                       \
        _tile_zero(product);                                                                                                \
        _tile_loadd(acts, at->values + (size_t)block * at->values_bytes, TS_ACT_COLS);                                      \
        _tile_loadd(4, at->panel + (size_t)block * at->panel_bytes, VECTOR);                                                \
        _tile_dpbssd(product, acts, 4);                                                                                     \
        _tile_stored(product, at->ring + block % RING * PRODUCT_BYTES, VECTOR);                                             \
    }

DEFINE_MULTIPLY(multiply_even, 0, 1)
DEFINE_MULTIPLY(multiply_odd, 2, 3)

#define MULTIPLY(n, operands, block) ((n) % 2 == 0 ? multiply_even(operands, block) : multiply_odd(operands, block))

#define AMX_1(DO) DO(0)
#define AMX_2(DO) AMX_1(DO) DO(1)
#define AMX_3(DO) AMX_2(DO) DO(2)
#define AMX_4(DO) AMX_3(DO) DO(3)
#define AMX_5(DO) AMX_4(DO) DO(4)
#define AMX_6(DO) AMX_5(DO) DO(5)
#define AMX_7(DO) AMX_6(DO) DO(6)
#define AMX_8(DO) AMX_7(DO) DO(7)
#define AMX_9(DO) AMX_8(DO) DO(8)
#define AMX_10(DO) AMX_9(DO) DO(9)
#define AMX_11(DO) AMX_10(DO) DO(10)
#define AMX_12(DO) AMX_11(DO) DO(11)
#define AMX_13(DO) AMX_12(DO) DO(12)
#define AMX_14(DO) AMX_13(DO) DO(13)
#define AMX_15(DO) AMX_14(DO) DO(14)
#define AMX_16(DO) AMX_15(DO) DO(15)

/* t is a token, s its sums. */
#define LOAD_HALF(t) __m512 s##t = accumulate ? _mm512_loadu_ps(c + (t)*ROWS) : _mm512_setzero_ps();
#define STORE_HALF(t) _mm512_storeu_ps(c + (t)*ROWS, s##t);
#define SCALE_HALF(t)                                                                                                       \
    s##t = _mm512_fmadd_ps(_mm512_cvtepi32_ps(_mm512_load_si512(product + (t)*VECTOR)),                                     \
                           _mm512_mul_ps(d, _mm512_set1_ps(at_block[t].scale)), s##t);
#define ADD_MINS_HALF(t) s##t = _mm512_fmadd_ps(m, _mm512_set1_ps((float)at_block[t].start * at_block[t].scale), s##t);
#define NO_MINS
#define WITH_MINS(tokens)                                                                    \
    const __m512 m = _mm512_loadu_ps(scales + (MINS_AT - SCALES_AT)); \
    tokens(ADD_MINS_HALF)

/* One half, 16 rows, of n tokens. scales: of the half's first block. */
#define DEFINE_HALF(name, n, MINS)                                                                                            \
    static void name##n(float *c, const struct operands *operands, const uint8_t *scales, const struct ts_act_meta *meta,      \
                        uint32_t n_blocks, bool accumulate)                                                                   \
    {                                                                                                                         \
        AMX_##n(LOAD_HALF)                                                                                                    \
        for (uint32_t b = 0; b < AHEAD && b < n_blocks; b++) {                                                                \
            MULTIPLY(n, operands, b);                                                                                         \
        }                                                                                                                     \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                             \
            if (b + AHEAD < n_blocks) {                                                                                       \
                MULTIPLY(n, operands, b + AHEAD);                                                                             \
            }                                                                                                                 \
            const uint8_t *product = operands->ring + b % RING * PRODUCT_BYTES;                                               \
            const struct ts_act_meta *at_block = meta + (size_t)b * (n);                                                      \
            const __m512 d = _mm512_loadu_ps(scales);                                                                         \
            AMX_##n(SCALE_HALF)                                                                                               \
            MINS                                                                                                              \
            scales += operands->panel_bytes;                                                                                  \
        }                                                                                                                     \
        AMX_##n(STORE_HALF)                                                                                                   \
    }

#define DEFINE_WIDTH(n)             \
    DEFINE_HALF(half_, n, NO_MINS)  \
    DEFINE_HALF(min_half_, n, WITH_MINS(AMX_##n))

DEFINE_WIDTH(11)
DEFINE_WIDTH(12)
DEFINE_WIDTH(13)
DEFINE_WIDTH(14)
DEFINE_WIDTH(15)
DEFINE_WIDTH(16)

typedef void half_fn(float *c, const struct operands *operands, const uint8_t *scales, const struct ts_act_meta *meta,
                     uint32_t n_blocks, bool accumulate);

static void wide_tile(half_fn *half_of_width, uint32_t panel_bytes, float *c, const uint8_t *panel, const void *values,
                      const struct ts_act_meta *meta, uint32_t n_blocks, uint32_t width, bool accumulate)
{
    alignas(VECTOR) uint8_t ring[RING * PRODUCT_BYTES];
    for (uint32_t half = 0; half < 2; half++) {
        const struct operands operands = {panel + (size_t)half * PANEL_HALF, values, panel_bytes, width * TS_ACT_COLS, ring};
        half_of_width(c + (size_t)half * HALF_ROWS, &operands, panel + SCALES_AT + (size_t)half * VECTOR, meta, n_blocks, accumulate);
    }
}

static void wide(float *c, const uint8_t *panel, const void *values, const struct ts_act_meta *meta, uint32_t n_blocks,
                 uint32_t width, bool accumulate)
{
    static half_fn *const by_width[TILE_ROWS - LEAST_WIDTH + 1] = {half_11, half_12, half_13, half_14, half_15, half_16};
    wide_tile(by_width[width - LEAST_WIDTH], AMX_PANEL, c, panel, values, meta, n_blocks, width, accumulate);
}

static void wide_q4_k(float *c, const uint8_t *panel, const void *values, const struct ts_act_meta *meta, uint32_t n_blocks,
                      uint32_t width, bool accumulate)
{
    static half_fn *const by_width[TILE_ROWS - LEAST_WIDTH + 1] = {min_half_11, min_half_12, min_half_13,
                                                                       min_half_14, min_half_15, min_half_16};
    wide_tile(by_width[width - LEAST_WIDTH], AMX_MIN_PANEL, c, panel, values, meta, n_blocks, width, accumulate);
}

static void lower_bytes(uint8_t *panel, uint8_t by)
{
    const __m512i offset = _mm512_set1_epi8((char)by);
    for (int at = 0; at < PANEL_TABLE; at += VECTOR) {
        _mm512_storeu_si512(panel + at, _mm512_sub_epi8(_mm512_loadu_si512(panel + at), offset));
    }
}

static void expand_scales(uint8_t *panel, const uint8_t *scales)
{
    _mm512_storeu_ps(panel + SCALES_AT, half_scales(scales));
    _mm512_storeu_ps(panel + SCALES_AT + VECTOR, half_scales(scales + ROWS));
}

static void expand_q4_0(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++, panel += AMX_PANEL, packed += AVX512_Q4_0_BLOCK) {
        avx512_expand_nibbles(panel, packed);
        lower_bytes(panel, 8);
        expand_scales(panel, packed + 2 * NIBBLES_HALF);
    }
}

static void expand_q8_0(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++, panel += AMX_PANEL, packed += AVX512_Q8_0_BLOCK) {
        memcpy(panel, packed, PANEL_TABLE);
        lower_bytes(panel, 128);
        expand_scales(panel, packed + PANEL_TABLE);
    }
}

static void expand_q4_k(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks)
{
    for (uint32_t b = 0; b < n_blocks; b++, panel += AMX_MIN_PANEL) {
        ts_avx512_expand_q4_k_block(panel, panel + SCALES_AT, panel + MINS_AT, packed, b);
    }
}

static const struct ts_kernel_format formats[] = {
    {
        .quant = TS_QUANT_Q4_0,
        .group_rows = ROWS,
        .act = &ts_act_int8_avx512,
        .offset = 8,
        .block_bytes = AVX512_Q4_0_BLOCK,
        .pack = ts_avx512_pack_q4_0,
        .direct_tok = AVX512_TOK,
        .direct = ts_avx512_near_q4_0,
        .wide_min_tok = Q4_0_MIN_TOK,
        .wide_tok = TILE_ROWS,
        .panel_block_bytes = AMX_PANEL,
        .panel_blocks = AMX_PANEL_BLOCKS,
        .expand = expand_q4_0,
        .wide = wide,
        .enter = enter,
        .leave = leave,
    },
    {
        .quant = TS_QUANT_Q8_0,
        .group_rows = ROWS,
        .act = &ts_act_int8_avx512,
        .offset = 128,
        .block_bytes = AVX512_Q8_0_BLOCK,
        .pack = ts_avx512_pack_q8_0,
        .direct_tok = AVX512_TOK,
        .direct = ts_avx512_near_q8_0,
        .wide_min_tok = Q8_0_MIN_TOK,
        .wide_tok = TILE_ROWS,
        .panel_block_bytes = AMX_PANEL,
        .panel_blocks = AMX_PANEL_BLOCKS,
        .expand = expand_q8_0,
        .wide = wide,
        .enter = enter,
        .leave = leave,
    },
    {
        .quant = TS_QUANT_Q4_K,
        .group_rows = ROWS,
        .act = &ts_act_int8_avx512,
        .offset = 1,
        .block_bytes = AVX512_Q4_K_BLOCK,
        .pack = ts_avx512_pack_q4_k,
        .direct_tok = AVX512_Q4_K_TOK,
        .direct = ts_avx512_near_q4_k,
        .wide_min_tok = Q4_K_MIN_TOK,
        .wide_tok = TILE_ROWS,
        .panel_block_bytes = AMX_MIN_PANEL,
        .panel_blocks = AMX_PANEL_BLOCKS,
        .expand = expand_q4_k,
        .wide = wide_q4_k,
        .enter = enter,
        .leave = leave,
    },
};

const struct ts_kernel ts_kernel_amxint8 = {
    .name = "amxint8",
    .needs = TS_CPU_AVX2 | TS_CPU_AVX512 | TS_CPU_AVX512VNNI | TS_CPU_AMXINT8,
    .needs_text = "needs amx-tile amx-int8 avx512vnni and the system's leave to use tiles",
    .formats_text = "Q4_0 Q8_0 Q4_K",
    .probes = &ts_probes_amxint8,
    .formats = formats,
    .n_formats = sizeof formats / sizeof formats[0],
};
