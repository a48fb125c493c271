/* AMX: products of 16 tokens and 16 rows of BF16 in one instruction, which adds them up itself. Weights are dequantized to BF16 on the way, to nearest,
 * and activations rounded to BF16: 9 bits each, where the integer kernels round activations to 8 bits of a block's largest. All numbers of
 * tokens go the same way, one chain of additions in the order of the blocks: how many are computed together does not show in a result.
 *
 * A weight is made in FP16 arithmetic, which knows the formats' scales as they are: a product of the scale and the integer (Q4_K: less the minimum),
 * rounded once, 2^WEIGHT_RAISE times as large so that it is no subnormal number. Its bits moved right by 3, rounded, are those of a BF16 2^112 times
 * smaller: activations are raised by 2^TS_ACT_RAISE instead of adding to every exponent. Weights beyond MAX_WEIGHT do not fit (`takes`);
 * below 2^-22 they count as zero.
 *
 * A group is 32 rows, two halves of 16. A weight tile is 16 pairs of columns x 16 rows x 2 columns. Packed block: [half][vectors], a word of a
 * vector for each row and column of the pair; Q4_0 and Q4_K have 4 vectors, whose nibbles from low to high are pairs 4v..4v+3, Q8_0 8, whose bytes are pairs 2v and
 * 2v+1. Then 32 scales as f16 (Q4_K: per block 32 scales and 32 minima as bytes, after 8 blocks 32 d and 32 dmin as f16). Panel block: [half] weight tile. */
#include <immintrin.h>
#include <stdalign.h>
#include <string.h>

#include "kernels/cpu.h"
#include "kernels/half.h"
#include "kernels/kernel.h"
#include "kernels/x86/probes_x86.h"

enum {
    VECTOR = 64,
    ROWS = 32,
    HALF_ROWS = 16,
    TILE_ROWS = 16,
    TILE = TILE_ROWS * VECTOR,
    PANEL = 2 * TILE,
    PANEL_BLOCKS = 16,
    NIBBLES_HALF = 4 * VECTOR,
    BYTES_HALF = 8 * VECTOR,
    SCALES = 2 * ROWS, /* bytes of them */
    Q4_0_BLOCK = 2 * NIBBLES_HALF + SCALES,
    Q8_0_BLOCK = 2 * BYTES_HALF + SCALES,
    SUPER_BLOCKS = 8,
    Q4_K_PART = 2 * NIBBLES_HALF + 2 * ROWS,
    Q4_K_BLOCK = Q4_K_PART + 2 * SCALES / SUPER_BLOCKS,
    Q4_K_D = SUPER_BLOCKS * Q4_K_PART,
    Q4_K_SUPER = SUPER_BLOCKS * Q4_K_BLOCK,
    TOKENS = 16,
    PREFETCH = 2048,
    WEIGHT_RAISE = 8,
    MAX_WEIGHT = 255, /* x 2^WEIGHT_RAISE is below the largest FP16 number */
};

/* -- tiles -- */

/* The operand of LDTILECFG. */
struct tile_config {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
};

_Static_assert(sizeof(struct tile_config) == 64, "as the instruction reads it");

/* Tiles 0, 1 and 2: sums of both halves and activations of tiles of tokens of even width; 3, 4 and 5: of odd width; 6 and 7: weights. */
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

/* c is [token][32 rows]. */
#define DEFINE_STEPS(parity, sums0, sums1, acts)                                                  \
    static inline void begin_##parity(const float *c, bool accumulate)                            \
    {                                                                                             \
        if (accumulate) {                                                                         \
            _tile_loadd(sums0, c, ROWS * sizeof *c);                                              \
            _tile_loadd(sums1, c + HALF_ROWS, ROWS * sizeof *c);                                  \
        } else {                                                                                  \
            _tile_zero(sums0);                                                                    \
            _tile_zero(sums1);                                                                    \
        }                                                                                         \
    }                                                                                             \
    static inline void step_##parity(const uint8_t *values, const uint8_t *panel)                 \
    {                                                                                             \
        _tile_loadd(acts, values, TS_ACT_COLS * 2);                                               \
        _tile_loadd(6, panel, VECTOR);                                                            \
        _tile_dpbf16ps(sums0, acts, 6);                                                           \
        _tile_loadd(7, panel + TILE, VECTOR);                                                     \
        _tile_dpbf16ps(sums1, acts, 7);                                                           \
    }                                                                                             \
    static inline void end_##parity(float *c)                                                     \
    {                                                                                             \
        _tile_stored(sums0, c, ROWS * sizeof *c);                                                 \
        _tile_stored(sums1, c + HALF_ROWS, ROWS * sizeof *c);                                     \
    }

DEFINE_STEPS(even, 0, 1, 2)
DEFINE_STEPS(odd, 3, 4, 5)

#define DEFINE_WIDE(parity)                                                                                     \
    static void wide_##parity(float *c, const uint8_t *panel, const uint8_t *values, uint32_t n_blocks,          \
                              size_t values_bytes, bool accumulate)                                             \
    {                                                                                                           \
        begin_##parity(c, accumulate);                                                                          \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                               \
            step_##parity(values + b * values_bytes, panel + (size_t)b * PANEL);                                \
        }                                                                                                       \
        end_##parity(c);                                                                                        \
    }

DEFINE_WIDE(even)
DEFINE_WIDE(odd)

/* Tile loads do not tell the compiler that they read memory: what was written for them has to be there before. */
static inline void written(void)
{
    __asm__ volatile("" : : : "memory");
}

static void wide(float *c, const uint8_t *panel, const void *values, const struct ts_act_meta *meta, uint32_t n_blocks, uint32_t width,
                 bool accumulate)
{
    (void)meta;
    written();
    (width % 2 == 0 ? wide_even : wide_odd)(c, panel, values, n_blocks, (size_t)width * TS_ACT_COLS * 2, accumulate);
}

/* -- weights -- */

static inline void prefetch(const uint8_t *packed, int n_bytes)
{
    for (int at = 0; at < n_bytes; at += VECTOR) {
        _mm_prefetch((const char *)packed + PREFETCH + at, _MM_HINT_T0);
    }
}

/* FP16 to BF16 x 2^-112: exponent and mantissa move right by 3, rounded. The product with 2^12 is (x 2^12 + 2^14) / 2^15. */
static inline __m512i bfloat_bits(__m512h weights)
{
    __m512i moved = _mm512_mulhrs_epi16(_mm512_castph_si512(weights), _mm512_set1_epi16(1 << 12));
    return _mm512_and_si512(moved, _mm512_set1_epi16((short)0x8FFF));
}

/* Of 32 f16 numbers, those of a half's rows, each twice. */
static inline __m512h for_pairs(__m512i of_rows, int half)
{
    const __m512i twice = _mm512_set_epi16(15, 15, 14, 14, 13, 13, 12, 12, 11, 11, 10, 10, 9, 9, 8, 8, 7, 7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1,
                                           1, 0, 0);
    const __m512i index = half == 0 ? twice : _mm512_add_epi16(twice, _mm512_set1_epi16(HALF_ROWS));
    return _mm512_castsi512_ph(_mm512_permutexvar_epi16(index, of_rows));
}

/* 16 values as FP16, twice: a look-up in 32 entries need not clear the fifth bit of its index. */
static inline __m512i nibble_table(float first)
{
    __m512 values = _mm512_add_ps(_mm512_set_ps(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0), _mm512_set1_ps(first));
    return _mm512_broadcast_i64x4(_mm512_cvtps_ph(values, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC));
}

static inline __m512h from_nibbles(__m512i nibbles, int shift, __m512i table)
{
    return _mm512_castsi512_ph(_mm512_permutexvar_epi16(_mm512_srli_epi16(nibbles, (unsigned)shift), table));
}

static inline void expand_q4_0_block(uint8_t *panel, const uint8_t *packed)
{
    const __m512i table = nibble_table(-8.0F), scales = _mm512_loadu_si512(packed + 2 * NIBBLES_HALF);
    for (int half = 0; half < 2; half++) {
        const __m512h d = for_pairs(scales, half);
        for (int v = 0; v < 4; v++) {
            const __m512i nibbles = _mm512_loadu_si512(packed + half * NIBBLES_HALF + v * VECTOR);
            for (int s = 0; s < 4; s++) {
                _mm512_store_si512(panel + half * TILE + (4 * v + s) * VECTOR,
                                   bfloat_bits(_mm512_mul_ph(from_nibbles(nibbles, 4 * s, table), d)));
            }
        }
    }
}

/* A byte in the upper half of a word counts 256 times, which is the raise. */
static inline void expand_q8_0_block(uint8_t *panel, const uint8_t *packed)
{
    const __m512i upper = _mm512_set1_epi16((short)0xFF00), scales = _mm512_loadu_si512(packed + 2 * BYTES_HALF);
    for (int half = 0; half < 2; half++) {
        const __m512h d = for_pairs(scales, half);
        for (int v = 0; v < 8; v++) {
            const __m512i bytes = _mm512_loadu_si512(packed + half * BYTES_HALF + v * VECTOR);
            const __m512i words[2] = {_mm512_slli_epi16(bytes, 8), _mm512_and_si512(bytes, upper)};
            for (int s = 0; s < 2; s++) {
                _mm512_store_si512(panel + half * TILE + (2 * v + s) * VECTOR,
                                   bfloat_bits(_mm512_mul_ph(_mm512_cvtepi16_ph(words[s]), d)));
            }
        }
    }
}

/* 32 bytes x f16 numbers. */
static inline __m512i scaled_bytes(const uint8_t *bytes, const uint8_t *factors)
{
    __m512i words = _mm512_cvtepu8_epi16(_mm256_loadu_si256((const __m256i *)(const void *)bytes));
    __m512h product = _mm512_mul_ph(_mm512_cvtepu16_ph(words), _mm512_castsi512_ph(_mm512_loadu_si512(factors)));
    return _mm512_castph_si512(product);
}

/* part: of packed, which is 8 blocks. */
static inline void expand_q4_k_block(uint8_t *panel, const uint8_t *packed, uint32_t part)
{
    const uint8_t *block = packed + (size_t)part * Q4_K_PART, *steps = block + 2 * NIBBLES_HALF, *d = packed + Q4_K_D;
    const __m512i table = nibble_table(0.0F), scales = scaled_bytes(steps, d), minima = scaled_bytes(steps + ROWS, d + SCALES);
    for (int half = 0; half < 2; half++) {
        const __m512h scale = for_pairs(scales, half), minimum = for_pairs(minima, half);
        for (int v = 0; v < 4; v++) {
            const __m512i nibbles = _mm512_loadu_si512(block + half * NIBBLES_HALF + v * VECTOR);
            for (int s = 0; s < 4; s++) {
                _mm512_store_si512(panel + half * TILE + (4 * v + s) * VECTOR,
                                   bfloat_bits(_mm512_fmsub_ph(from_nibbles(nibbles, 4 * s, table), scale, minimum)));
            }
        }
    }
}

#define AT_Q4_0(packed, b) ((packed) + (size_t)(b) * Q4_0_BLOCK)
#define EXPAND_Q4_0(panel, packed, b) expand_q4_0_block(panel, AT_Q4_0(packed, b))
#define EXPAND_Q8_0(panel, packed, b) expand_q8_0_block(panel, (packed) + (size_t)(b) * Q8_0_BLOCK)
#define EXPAND_Q4_K(panel, packed, b) expand_q4_k_block(panel, (packed) + (size_t)((b) / SUPER_BLOCKS) * Q4_K_SUPER, (b) % SUPER_BLOCKS)

/* The next block's weights are made while the tiles of this one are multiplied. */
#define DEFINE_DIRECT(name, parity, EXPAND, block_bytes)                                                           \
    static void direct_##name##_##parity(float *c, const uint8_t *packed, const uint8_t *values, uint32_t n_blocks, \
                                         size_t values_bytes, bool accumulate)                                     \
    {                                                                                                              \
        alignas(VECTOR) uint8_t ring[2][PANEL];                                                                    \
        begin_##parity(c, accumulate);                                                                             \
        EXPAND(ring[0], packed, 0);                                                                                \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                  \
            prefetch(packed + (size_t)b * (block_bytes), block_bytes);                                             \
            if (b + 1 < n_blocks) {                                                                                \
                EXPAND(ring[(b + 1) % 2], packed, b + 1);                                                          \
            }                                                                                                      \
            written();                                                                                             \
            step_##parity(values + b * values_bytes, ring[b % 2]);                                                 \
        }                                                                                                          \
        end_##parity(c);                                                                                           \
    }

#define DEFINE_FORMAT(name, EXPAND, block_bytes)                                                                                     \
    DEFINE_DIRECT(name, even, EXPAND, block_bytes)                                                                                   \
    DEFINE_DIRECT(name, odd, EXPAND, block_bytes)                                                                                    \
    static void direct_##name(float *c, const uint8_t *packed, const void *values, const struct ts_act_meta *meta, uint32_t n_blocks, \
                              uint32_t width, bool accumulate)                                                                       \
    {                                                                                                                                \
        (void)meta;                                                                                                                  \
        (width % 2 == 0 ? direct_##name##_even : direct_##name##_odd)(c, packed, values, n_blocks,                                   \
                                                                      (size_t)width * TS_ACT_COLS * 2, accumulate);                  \
    }                                                                                                                                \
    static void expand_##name(uint8_t *panel, const uint8_t *packed, uint32_t n_blocks)                                              \
    {                                                                                                                                \
        for (uint32_t b = 0; b < n_blocks; b++) {                                                                                    \
            EXPAND(panel + (size_t)b * PANEL, packed, b);                                                                            \
        }                                                                                                                            \
    }

DEFINE_FORMAT(q4_0, EXPAND_Q4_0, Q4_0_BLOCK)
DEFINE_FORMAT(q8_0, EXPAND_Q8_0, Q8_0_BLOCK)
DEFINE_FORMAT(q4_k, EXPAND_Q4_K, Q4_K_BLOCK)

/* -- packing, into memory that is all zeros -- */

/* Where the word of a row's even column stands in the first vector. */
static uint8_t *row_words(uint8_t *block, uint32_t half_bytes, uint32_t row)
{
    return block + row / HALF_ROWS * half_bytes + row % HALF_ROWS * 4;
}

static void put_nibbles(uint8_t *block, uint32_t row, const uint8_t q[TS_ACT_COLS])
{
    uint8_t *words = row_words(block, NIBBLES_HALF, row);
    for (uint32_t col = 0; col < TS_ACT_COLS; col++) {
        uint32_t pair = col / 2, nibble = pair % 4;
        uint8_t *byte = words + (size_t)(pair / 4) * VECTOR + col % 2 * 2 + nibble / 2;
        *byte = (uint8_t)(*byte | q[col] << (nibble % 2 * 4));
    }
}

static void put_half(uint8_t *at, const uint8_t *half, int raise)
{
    ts_quant_store_u16(at, ts_half_from_float(ts_half_to_float(ts_quant_load_u16(half)) * (float)(1 << raise)));
}

static void pack_q4_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    enum { SOURCE = 18 };
    memset(packed, 0, (size_t)n_blocks * Q4_0_BLOCK);
    for (uint32_t b = 0; b < n_blocks; b++, packed += Q4_0_BLOCK) {
        for (uint32_t row = 0; row < n_rows; row++) {
            const uint8_t *source = rows + row * row_bytes + (size_t)b * SOURCE;
            uint8_t q[TS_ACT_COLS];
            for (uint32_t i = 0; i < TS_ACT_COLS / 2; i++) {
                q[i] = source[2 + i] & 0xF;
                q[i + TS_ACT_COLS / 2] = source[2 + i] >> 4;
            }
            put_nibbles(packed, row, q);
            put_half(packed + 2 * NIBBLES_HALF + (size_t)2 * row, source, WEIGHT_RAISE);
        }
    }
}

static void pack_q8_0(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    enum { SOURCE = 34 };
    memset(packed, 0, (size_t)n_blocks * Q8_0_BLOCK);
    for (uint32_t b = 0; b < n_blocks; b++, packed += Q8_0_BLOCK) {
        for (uint32_t row = 0; row < n_rows; row++) {
            const uint8_t *source = rows + row * row_bytes + (size_t)b * SOURCE;
            uint8_t *words = row_words(packed, BYTES_HALF, row);
            for (uint32_t col = 0; col < TS_ACT_COLS; col++) {
                uint32_t pair = col / 2;
                words[(size_t)(pair / 2) * VECTOR + col % 2 * 2 + pair % 2] = source[2 + col];
            }
            put_half(packed + 2 * BYTES_HALF + (size_t)2 * row, source, 0);
        }
    }
}

static void pack_q4_k(uint8_t *packed, const uint8_t *rows, size_t row_bytes, uint32_t n_rows, uint32_t n_blocks)
{
    enum { SOURCE = 144 };
    memset(packed, 0, (size_t)n_blocks * Q4_K_BLOCK);
    for (uint32_t b = 0; b < n_blocks / SUPER_BLOCKS; b++, packed += Q4_K_SUPER) {
        for (uint32_t row = 0; row < n_rows; row++) {
            const uint8_t *source = rows + row * row_bytes + (size_t)b * SOURCE;
            uint8_t scales[SUPER_BLOCKS], minima[SUPER_BLOCKS], q[TS_ACT_COLS];
            ts_q4_k_scales(scales, minima, source);
            for (uint32_t part = 0; part < SUPER_BLOCKS; part++) {
                uint8_t *block = packed + (size_t)part * Q4_K_PART;
                ts_q4_k_part(q, source, part);
                put_nibbles(block, row, q);
                block[2 * NIBBLES_HALF + row] = scales[part];
                block[2 * NIBBLES_HALF + ROWS + row] = minima[part];
            }
            put_half(packed + Q4_K_D + (size_t)2 * row, source, WEIGHT_RAISE);
            put_half(packed + Q4_K_D + SCALES + (size_t)2 * row, source + 2, WEIGHT_RAISE);
        }
    }
}

/* The half at `at` of every block is at most MAX_WEIGHT / times in magnitude (so it is a number). */
static bool halves_within(const uint8_t *blocks, size_t n, size_t block_bytes, size_t at, float times)
{
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
    return halves_within(blocks, n, 18, 0, 8.0F);
}

static bool takes_q8_0(const uint8_t *blocks, size_t n)
{
    return halves_within(blocks, n, 34, 0, 128.0F);
}

/* Scale and minimum are differently signed at worst. */
static bool takes_q4_k(const uint8_t *blocks, size_t n)
{
    return halves_within(blocks, n, 144, 0, 2.0F * 63.0F * 15.0F) && halves_within(blocks, n, 144, 2, 2.0F * 63.0F);
}

static void raise_floats(void *out, struct ts_act_meta *meta, const struct ts_act_places *places, const float *x, uint32_t n_blocks,
                         int32_t offset)
{
    (void)meta;
    (void)offset;
    const __m512 most = _mm512_set1_ps(TS_ACT_RAISED_MAX), least = _mm512_set1_ps(-TS_ACT_RAISED_MAX), raise = _mm512_set1_ps(TS_ACT_RAISE);
    uint16_t *values = out;
    for (uint32_t b = 0; b < n_blocks; b++, x += TS_ACT_COLS) {
        __m512 low = _mm512_mul_ps(_mm512_min_ps(_mm512_max_ps(_mm512_loadu_ps(x), least), most), raise);
        __m512 high = _mm512_mul_ps(_mm512_min_ps(_mm512_max_ps(_mm512_loadu_ps(x + TS_ACT_COLS / 2), least), most), raise);
        _mm512_storeu_si512(values + ts_act_place(places, b) * TS_ACT_COLS, (__m512i)_mm512_cvtne2ps_pbh(high, low));
    }
}

static const struct ts_act_form raised = {TS_ACT_RAISED_BFLOAT, TS_ACT_COLS * 2, raise_floats};

#define FORMAT(id, name, bytes)                                                                                     \
    {                                                                                                               \
        .quant = id, .group_rows = ROWS, .act = &raised, .block_bytes = bytes, .takes = takes_##name,               \
        .pack = pack_##name, .direct_tok = TOKENS, .direct = direct_##name, .wide_min_tok = TOKENS + 1,             \
        .wide_tok = TOKENS, .panel_block_bytes = PANEL, .panel_blocks = PANEL_BLOCKS, .expand = expand_##name,      \
        .wide = wide, .enter = enter, .leave = leave                                                                \
    }

static const struct ts_kernel_format formats[] = {
    FORMAT(TS_QUANT_Q4_0, q4_0, Q4_0_BLOCK),
    FORMAT(TS_QUANT_Q8_0, q8_0, Q8_0_BLOCK),
    FORMAT(TS_QUANT_Q4_K, q4_k, Q4_K_BLOCK),
};

const struct ts_kernel ts_kernel_amxbf16 = {
    .name = "amxbf16",
    .needs = TS_CPU_AVX2 | TS_CPU_AVX512 | TS_CPU_AVX512BF16 | TS_CPU_AVX512FP16 | TS_CPU_AMXBF16,
    .needs_text = "needs amx-tile amx-bf16 avx512bf16 avx512fp16 and the system's leave to use tiles",
    .formats_text = "Q4_0 Q8_0 Q4_K",
    .probes = &ts_probes_amxbf16,
    .formats = formats,
    .n_formats = sizeof formats / sizeof formats[0],
};
