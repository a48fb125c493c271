/* AMX: products of 16 tokens and 16 rows of BF16 in one instruction, which adds them up itself. Weights are dequantized
 * to BF16 on the way, to nearest, and activations rounded to BF16: 9 bits each, where the integer kernels round
 * activations to 8 bits of a block's largest. A result is one chain of additions in the order of the blocks, whatever
 * the number of tokens. But few tokens of Q4_0 and Q4_K cannot pay for dequantizing: they go the way of avx512vnni,
 * with its bits and from the same packed weights (docs/decisions/0007-two-arithmetics-on-amx.md).
 *
 * A weight is made in FP16 arithmetic, which knows the formats' scales as they are: a product of the scale and the
 * integer (Q4_K: less the minimum), rounded once, 2^8 times as large so that it is no subnormal number. Its bits moved
 * right by 3, rounded, are those of a BF16 2^112 times smaller: activations are raised by TS_ACT_RAISE instead of
 * adding to every exponent. Weights beyond MAX_WEIGHT do not fit (`takes`); below 2^-22 they count as zero.
 *
 * A group is 32 rows, two halves of 16. A weight tile is 16 pairs of columns x 16 rows x 2 columns, in the order of
 * TS_ACT_RAISED_BFLOAT: a packed vector has 4 columns of 16 rows, so bytes 0 and 2 of a row, and 1 and 3, become pairs.
 * Panel block: [half] weight tile. */
#include <immintrin.h>
#include <stdalign.h>

#include "kernels/cpu.h"
#include "kernels/formats/half.h"
#include "kernels/kernel.h"
#include "kernels/pack/pack_super.h"
#include "kernels/x86/avx512vnni_k.h"
#include "kernels/x86/avx512vnni_tiles.h"
#include "kernels/x86/probes_x86.h"
#include "kernels/x86/quantize_x86.h"

enum {
    TILE_ROWS = 16,
    TILE = TILE_ROWS * VECTOR,
    PANEL = 2 * TILE,
    TOKENS = 16,
    Q4_0_FEW_TOK = AVX512_TOK,
    BYTES_HALF = 8 * VECTOR,
    SUPER = TS_SUPER_BLOCKS,
    SUPER_STEPS = SUPER * 2 * NIBBLES_HALF,
    SUPER_D = SUPER_STEPS + SUPER * 2 * ROWS,
    SUPER_BYTES = SUPER_D + 4 * ROWS,
    AHEAD = 1024,     /* bytes of the stream to ask for in advance, into the first-level cache */
    FAR_AHEAD = 4096, /* into the second-level cache */
    MAX_WEIGHT = 255, /* x 2^8 is below the largest FP16 number */
};

_Static_assert(SUPER_BYTES == SUPER * AVX512_Q4_K_BLOCK, "as it is packed");

/* -- tiles -- */

/* The operand of LDTILECFG. */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

_Static_assert(sizeof(struct tile_config) == 64, "as the instruction reads it");

/* Tiles 0, 1 and 2: sums of both halves and activations of tiles of tokens of even width; 3, 4 and 5: of odd width; 6
 * and 7: weights. */
static void enter(uint32_t width)
{
    const uint8_t even = (uint8_t)(width + width % 2);
    const uint8_t odd = (uint8_t)(width % 2 == 1 ? width : width < TOKENS ? width + 1 : width - 1);
    const struct tile_config config = {.palette = 1,
                                       .row_bytes = {VECTOR, VECTOR, VECTOR, VECTOR, VECTOR, VECTOR, VECTOR, VECTOR},
                                       .rows = {even, even, even, odd, odd, odd, TILE_ROWS, TILE_ROWS}};
    __asm__ volatile("" : : "r"(&config) : "memory"); /* GCC 12 takes the intrinsic to read 8 bytes only */
    _tile_loadconfig(&config);
}

static void leave(void)
{
    _tile_release();
}

/* Tile loads do not tell the compiler that they read memory: what was written for them has to be there before. */
static inline void written(void)
{
    __asm__ volatile("" : : : "memory");
}

/* c is [token][32 rows]. */
#define DEFINE_STEPS(parity, sums0, sums1, acts)                                                                       \
    static inline void begin_##parity(const float *c, bool accumulate)                                                 \
    {                                                                                                                  \
        if (accumulate) {                                                                                              \
            _tile_loadd(sums0, c, ROWS * sizeof *c);                                                                   \
            _tile_loadd(sums1, c + HALF_ROWS, ROWS * sizeof *c);                                                       \
        } else {                                                                                                       \
            _tile_zero(sums0);                                                                                         \
            _tile_zero(sums1);                                                                                         \
        }                                                                                                              \
    }                                                                                                                  \
    static inline void step_##parity(const uint8_t *values, const uint8_t *panel)                                      \
    {                                                                                                                  \
        _tile_loadd(acts, values, TS_ACT_COLS * 2);                                                                    \
        _tile_loadd(6, panel, VECTOR);                                                                                 \
        _tile_dpbf16ps(sums0, acts, 6);                                                                                \
        _tile_loadd(7, panel + TILE, VECTOR);                                                                          \
        _tile_dpbf16ps(sums1, acts, 7);                                                                                \
    }                                                                                                                  \
    static inline void end_##parity(float *c)                                                                          \
    {                                                                                                                  \
        _tile_stored(sums0, c, ROWS * sizeof *c);                                                                      \
        _tile_stored(sums1, c + HALF_ROWS, ROWS * sizeof *c);                                                          \
    }                                                                                                                  \
    static void wide_##parity(float *c, const uint8_t *panel, const uint8_t *values, uint32_t n_blocks,                \
                              size_t values_bytes, bool accumulate)                                                    \
    {                                                                                                                  \
        begin_##parity(c, accumulate);                                                                                 \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                      \
            step_##parity(values + b * values_bytes, panel + (size_t)b * PANEL);                                       \
        }                                                                                                              \
        end_##parity(c);                                                                                               \
    }

DEFINE_STEPS(even, 0, 1, 2)
DEFINE_STEPS(odd, 3, 4, 5)

static void wide(float *c, const uint8_t *panel, const void *values, const struct ts_act_meta *meta, uint32_t n_blocks,
                 uint32_t width, bool accumulate)
{
    (void)meta;
    written();
    (width % 2 == 0 ? wide_even : wide_odd)(c, panel, values, n_blocks, (size_t)width * TS_ACT_COLS * 2, accumulate);
}

/* -- weights -- */

/* FP16 to BF16 x 2^-112: exponent and mantissa move right by 3, rounded. The product with 2^12 is (x 2^12 + 2^14) /
 * 2^15. */
static inline __m512i bfloat_bits(__m512h weights)
{
    __m512i moved = _mm512_mulhrs_epi16(_mm512_castph_si512(weights), _mm512_set1_epi16(1 << 12));
    return _mm512_and_si512(moved, _mm512_set1_epi16((short)0x8FFF));
}

/* 32 numbers of f16 x 2^8. */
static inline __m512h raised_halves(const uint8_t *halves)
{
    const __m512h raise = _mm512_castsi512_ph(_mm512_set1_epi16(0x5C00));
    return _mm512_mul_ph(_mm512_castsi512_ph(_mm512_loadu_si512(halves)), raise);
}

/* Of 32 rows' numbers those of a half, each twice. */
static inline __m512h for_pairs(__m512h of_rows, int half)
{
    const __m512i twice = _mm512_set_epi16(15, 15, 14, 14, 13, 13, 12, 12, 11, 11, 10, 10, 9, 9, 8, 8, 7, 7, 6, 6, 5, 5,
                                           4, 4, 3, 3, 2, 2, 1, 1, 0, 0);
    const __m512i index = half == 0 ? twice : _mm512_add_epi16(twice, _mm512_set1_epi16(HALF_ROWS));
    return _mm512_castsi512_ph(_mm512_permutexvar_epi16(index, _mm512_castph_si512(of_rows)));
}

/* 16 values as FP16, twice: a look-up in 32 entries need not clear the fifth bit of its index. */
static inline __m512i nibble_table(float first)
{
    __m512 values =
        _mm512_add_ps(_mm512_set_ps(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), _mm512_set1_ps(first));
    return _mm512_broadcast_i64x4(_mm512_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

/* Words of which the lower 4 bits are that nibble of `words`. On another port than shifts, which the products need. */
static inline __m512i nibbles_at(__m512i words, int nibble)
{
    const __m512i from = _mm512_set1_epi64(0x3030202010100000 + 0x0404040404040404 * nibble);
    return nibble == 0 ? words : _mm512_multishift_epi64_epi8(from, words);
}

static inline __m512h from_nibbles(__m512i nibbles, int nibble, __m512i table)
{
    return _mm512_castsi512_ph(_mm512_permutexvar_epi16(nibbles_at(nibbles, nibble), table));
}

/* Which pair nibble `nibble` of the words of vector v belongs to: bit 0 of it is 16 columns further on, bit 1 one. */
static inline uint8_t *nibble_pair(uint8_t *tile, int v, int nibble)
{
    return tile + (2 * v + nibble % 2 * 8 + nibble / 2) * VECTOR;
}

/* Asks for what stands that far after a vector of the stream. Vector by vector, and where it is written: if a compiler
 * gathers the asking for a block, memory has nothing to do for as long as that is expanded, and 8 tokens take a tenth
 * longer. */
static inline void ask_behind(const uint8_t *vector, bool asks)
{
    if (asks) {
        __asm__ volatile("prefetcht1 %0\n\tprefetcht0 %1" : : "m"(vector[FAR_AHEAD]), "m"(vector[AHEAD]) : "memory");
    }
}

/* With `asks` the stream is read from memory; without, it is on its way (matmul.c) and comes to a panel of many blocks.
 */
#define EXPANDS static inline __attribute__((always_inline)) void

EXPANDS expand_q4_0_block(uint8_t *panel, const uint8_t *packed, uint32_t block, bool asks)
{
    const uint8_t *vectors = packed + (size_t)block * AVX512_Q4_0_BLOCK;
    const __m512i table = nibble_table(-8.0F);
    const __m512h scales = raised_halves(vectors + 2 * NIBBLES_HALF);
    ask_behind(vectors + 2 * NIBBLES_HALF, asks);
    for (int half = 0; half < 2; half++) {
        const __m512h d = for_pairs(scales, half);
        for (int v = 0; v < 4; v++) {
            ask_behind(vectors + half * NIBBLES_HALF + v * VECTOR, asks);
            const __m512i nibbles = _mm512_loadu_si512(vectors + half * NIBBLES_HALF + v * VECTOR);
            for (int i = 0; i < 4; i++) {
                _mm512_store_si512(nibble_pair(panel + half * TILE, v, i),
                                   bfloat_bits(_mm512_mul_ph(from_nibbles(nibbles, i, table), d)));
            }
        }
    }
}

/* A byte in the upper half of a word counts 2^8 times, which is the raise. Bytes are packed raised by 128. */
EXPANDS expand_q8_0_block(uint8_t *panel, const uint8_t *packed, uint32_t block, bool asks)
{
    const uint8_t *vectors = packed + (size_t)block * AVX512_Q8_0_BLOCK;
    const __m512i upper = _mm512_set1_epi16((short)0xFF00), offset = _mm512_set1_epi8((char)0x80);
    const __m512h scales = _mm512_castsi512_ph(_mm512_loadu_si512(vectors + 2 * BYTES_HALF));
    ask_behind(vectors + 2 * BYTES_HALF, asks);
    for (int half = 0; half < 2; half++) {
        const __m512h d = for_pairs(scales, half);
        for (int v = 0; v < 8; v++) {
            ask_behind(vectors + half * BYTES_HALF + v * VECTOR, asks);
            const __m512i bytes =
                _mm512_xor_si512(_mm512_loadu_si512(vectors + half * BYTES_HALF + v * VECTOR), offset);
            const __m512i words[2] = {_mm512_slli_epi16(bytes, 8), _mm512_and_si512(bytes, upper)};
            for (int odd = 0; odd < 2; odd++) {
                _mm512_store_si512(panel + half * TILE + (2 * v + odd) * VECTOR,
                                   bfloat_bits(_mm512_mul_ph(_mm512_cvtepi16_ph(words[odd]), d)));
            }
        }
    }
}

/* 32 bytes x 32 numbers. */
static inline __m512h scaled_bytes(const uint8_t *bytes, __m512h factors)
{
    __m512i words = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)bytes));
    return _mm512_mul_ph(_mm512_cvtepu16_ph(words), factors);
}

EXPANDS expand_q4_k_block(uint8_t *panel, const uint8_t *packed, uint32_t block, bool asks)
{
    const uint8_t *super = packed + (size_t)(block / SUPER) * SUPER_BYTES,
                  *steps = super + SUPER_STEPS + block % SUPER * 2 * ROWS;
    const uint8_t *vectors = super + (size_t)(block % SUPER) * 2 * NIBBLES_HALF;
    if (asks && block % SUPER == 0) {
        for (int at = SUPER_STEPS; at < SUPER_BYTES; at += VECTOR) {
            _mm_prefetch((const char *)super + SUPER_BYTES + at, _MM_HINT_T0);
        }
    }
    const __m512i table = nibble_table(0.0F);
    const __m512h scales = scaled_bytes(steps, raised_halves(super + SUPER_D));
    const __m512h minima = scaled_bytes(steps + ROWS, raised_halves(super + SUPER_D + 2 * ROWS));
    for (int half = 0; half < 2; half++) {
        const __m512h scale = for_pairs(scales, half), minimum = for_pairs(minima, half);
        for (int v = 0; v < 4; v++) {
            ask_behind(vectors + half * NIBBLES_HALF + v * VECTOR, asks);
            const __m512i nibbles = _mm512_loadu_si512(vectors + half * NIBBLES_HALF + v * VECTOR);
            for (int i = 0; i < 4; i++) {
                _mm512_store_si512(nibble_pair(panel + half * TILE, v, i),
                                   bfloat_bits(_mm512_fmsub_ph(from_nibbles(nibbles, i, table), scale, minimum)));
            }
        }
    }
}

/* The next block's weights are made before the tiles of this one are multiplied. */
#define DEFINE_DIRECT(name, parity)                                                                                    \
    static void direct_##name##_##parity(float *c, const uint8_t *packed, const uint8_t *values, uint32_t n_blocks,    \
                                         size_t values_bytes, bool accumulate)                                         \
    {                                                                                                                  \
        alignas(VECTOR) uint8_t ring[2][PANEL];                                                                        \
        begin_##parity(c, accumulate);                                                                                 \
        expand_##name##_block(ring[0], packed, 0, true);                                                               \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                      \
            if (b + 1 < n_blocks) {                                                                                    \
                expand_##name##_block(ring[(b + 1) % 2], packed, b + 1, true);                                         \
            }                                                                                                          \
            written();                                                                                                 \
            step_##parity(values + b * values_bytes, ring[b % 2]);                                                     \
        }                                                                                                              \
        end_##parity(c);                                                                                               \
    }

#define DEFINE_FORMAT(name)                                                                                            \
    DEFINE_DIRECT(name, even)                                                                                          \
    DEFINE_DIRECT(name, odd)                                                                                           \
    static void direct_##name(float *c, const uint8_t *packed, const void *values, const struct ts_act_meta *meta,     \
                              uint32_t n_blocks, uint32_t width, bool accumulate)                                      \
    {                                                                                                                  \
        (void)meta;                                                                                                    \
        (width % 2 == 0 ? direct_##name##_even : direct_##name##_odd)(c, packed, values, n_blocks,                     \
                                                                      (size_t)width * TS_ACT_COLS * 2, accumulate);    \
    }                                                                                                                  \
    static void expand_##name(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks)                                \
    {                                                                                                                  \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                      \
            expand_##name##_block(panel + (size_t)b * PANEL, packed, b, false);                                        \
        }                                                                                                              \
    }

DEFINE_FORMAT(q4_0)
DEFINE_FORMAT(q8_0)
DEFINE_FORMAT(q4_k)

/* Of every block, the half at `at` times `times` is at most MAX_WEIGHT in magnitude, and so is a number. */
static bool halves_within(const uint8_t *blocks, size_t n, enum ts_quant quant, size_t at, float times)
{
    const size_t block_bytes = ts_quant_format(quant)->block_bytes;
    for (size_t b = 0; b < n; b++) {
        float value = ts_half_to_float(ts_quant_load_u16(blocks + b * block_bytes + at)) * times;
        if (!(value >= -(float)MAX_WEIGHT && value <= (float)MAX_WEIGHT)) {
            return false;
        }
    }
    return true;
}

static bool takes_q4_0(const uint8_t *blocks, size_t n)
{
    return halves_within(blocks, n, TS_QUANT_Q4_0, 0, 8.0F);
}

static bool takes_q8_0(const uint8_t *blocks, size_t n)
{
    return halves_within(blocks, n, TS_QUANT_Q8_0, 0, 128.0F);
}

/* Each part at most half of it. */
static bool takes_q4_k(const uint8_t *blocks, size_t n)
{
    return halves_within(blocks, n, TS_QUANT_Q4_K, 0, 2.0F * 63.0F * 15.0F) &&
           halves_within(blocks, n, TS_QUANT_Q4_K, 2, 2.0F * 63.0F);
}

/* -- activations -- */

static inline __m512 raised_floats(const float *x)
{
    const __m512 most = _mm512_set1_ps(TS_ACT_RAISED_MAX), least = _mm512_set1_ps(-TS_ACT_RAISED_MAX);
    return _mm512_mul_ps(_mm512_min_ps(_mm512_max_ps(_mm512_loadu_ps(x), least), most), _mm512_set1_ps(TS_ACT_RAISE));
}

static void raise_floats(void *out, struct ts_act_meta *meta, const struct ts_act_places *places, const float *x,
                         uint32_t n_blocks, int32_t offset)
{
    (void)meta;
    (void)offset;
    const __m512i order = _mm512_set_epi16(31, 29, 30, 28, 27, 25, 26, 24, 23, 21, 22, 20, 19, 17, 18, 16, 15, 13, 14,
                                           12, 11, 9, 10, 8, 7, 5, 6, 4, 3, 1, 2, 0);
    uint16_t *values = out;
    for (uint32_t b = 0; b < n_blocks; b++, x += TS_ACT_COLS) {
        __m512i both = (__m512i)_mm512_cvtne2ps_pbh(raised_floats(x + TS_ACT_COLS / 2), raised_floats(x));
        _mm512_storeu_si512(values + ts_act_place(places, b) * TS_ACT_COLS, _mm512_permutexvar_epi16(order, both));
    }
}

static const struct ts_act_form raised = {TS_ACT_RAISED_BFLOAT, TS_ACT_COLS * 2, raise_floats};

#define ON_TILES(name)                                                                                                 \
    .group_rows = ROWS, .act = &raised, .takes = takes_##name, .direct_tok = TOKENS, .direct = direct_##name,          \
    .wide_min_tok = TOKENS + 1, .wide_tok = TOKENS, .panel_block_bytes = PANEL, .panel_blocks = PANEL_BLOCKS,          \
    .expand = expand_##name, .wide = wide, .enter = enter, .leave = leave

static const struct ts_kernel_format formats[] = {
    {
        ON_TILES(q4_0),
        .quant = TS_QUANT_Q4_0,
        .block_bytes = AVX512_Q4_0_BLOCK,
        .pack = ts_avx512_pack_q4_0,
        .few_tok = Q4_0_FEW_TOK,
        .few_act = &ts_act_int8_avx512,
        .few = ts_avx512_near_q4_0,
        .offset = 8,
    },
    {
        ON_TILES(q8_0),
        .quant = TS_QUANT_Q8_0,
        .block_bytes = AVX512_Q8_0_BLOCK,
        .pack = ts_avx512_pack_q8_0,
    },
    {
        ON_TILES(q4_k),
        .quant = TS_QUANT_Q4_K,
        .block_bytes = AVX512_Q4_K_BLOCK,
        .pack = ts_avx512_pack_q4_k,
        .few_tok = AVX512_Q4_K_TOK,
        .few_act = &ts_act_int8_avx512,
        .few = ts_avx512_direct_q4_k,
        .offset = 1,
    },
};

const struct ts_kernel ts_kernel_amxbf16 = {
    .name = "amxbf16",
    .needs = TS_CPU_AVX2 | TS_CPU_AVX512 | TS_CPU_AVX512VNNI | TS_CPU_AVX512BF16 | TS_CPU_AVX512FP16 |
             TS_CPU_AVX512VBMI | TS_CPU_AMXBF16,
    .needs_text = "needs amx-tile amx-bf16 avx512vnni avx512bf16 avx512fp16 avx512vbmi and permission of the operating "
                  "system to use tiles",
    .formats_text = "Q4_0 Q8_0 Q4_K",
    .probes = &ts_probes_amxbf16,
    .formats = formats,
    .n_formats = sizeof formats / sizeof formats[0],
};
