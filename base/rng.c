/* Hides the generator: Philox4x32-10 of J. Salmon, M. Moraes, R. Dror, D. Shaw, "Parallel random numbers: as easy as 1,
 * 2, 3", SC11. Each block of four words is a keyed bijection of a 128-bit counter. Here the key comes from (seed,
 * replication), the upper half of the counter is (entity, purpose), the lower half counts blocks: 2^64 blocks per
 * stream, and streams of one key never meet.
 * Check value (the authors' kat_vectors): counter 0, key 0 -> 6627e8d5 e169c58d bc57ac4c 9b00dbd8. */
#include "base/rng.h"

#include <math.h>
#include <stddef.h>

#include <gsl/gsl_cdf.h>

enum { BLOCK_WORDS = 4, ROUNDS = 10 };

uint64_t ts_mix64(uint64_t value)
{
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9ULL;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebULL;
    return value ^ (value >> 31);
}

uint64_t ts_rng_key(uint64_t seed, uint32_t replication)
{
    const uint64_t golden = 0x9e3779b97f4a7c15ULL;
    return ts_mix64(ts_mix64(seed + golden) ^ (replication * golden));
}

void ts_rng_init(struct ts_rng *rng, uint64_t seed, uint32_t replication, uint32_t entity, uint32_t purpose)
{
    ts_rng_init_part(rng, ts_rng_key(seed, replication), entity, purpose, 0);
}

void ts_rng_init_part(struct ts_rng *rng, uint64_t key, uint32_t entity, uint32_t purpose, uint32_t part)
{
    *rng = (struct ts_rng){
        .key = {(uint32_t)key, (uint32_t)(key >> 32)}, .counter = {0, part, entity, purpose}, .used = BLOCK_WORDS};
}

void ts_rng_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2])
{
    uint32_t c0 = counter[0];
    uint32_t c1 = counter[1];
    uint32_t c2 = counter[2];
    uint32_t c3 = counter[3];
    uint32_t k0 = key[0];
    uint32_t k1 = key[1];
    for (int round = 0; round < ROUNDS; round++) {
        uint64_t product0 = (uint64_t)0xd2511f53U * c0;
        uint64_t product1 = (uint64_t)0xcd9e8d57U * c2;
        c0 = (uint32_t)(product1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)product1;
        c2 = (uint32_t)(product0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)product0;
        k0 += 0x9e3779b9U;
        k1 += 0xbb67ae85U;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

uint32_t ts_rng_u32(struct ts_rng *rng)
{
    if (rng->used == BLOCK_WORDS) {
        ts_rng_philox(rng->block, rng->counter, rng->key);
        rng->counter[0]++;
        rng->counter[1] += rng->counter[0] == 0;
        rng->used = 0;
    }
    return rng->block[rng->used++];
}

uint64_t ts_rng_u64(struct ts_rng *rng)
{
    uint64_t low = ts_rng_u32(rng);
    return low | (uint64_t)ts_rng_u32(rng) << 32;
}

double ts_rng_uniform(struct ts_rng *rng)
{
    uint64_t bits = ts_rng_u64(rng) >> 11;
    return bits != 0 ? (double)bits * 0x1p-53 : 0x1p-54;
}

double ts_rng_normal(struct ts_rng *rng)
{
    return gsl_cdf_ugaussian_Pinv(ts_rng_uniform(rng));
}

double ts_rng_exponential(struct ts_rng *rng)
{
    return -log(ts_rng_uniform(rng));
}

static void gsl_view_set(void *state, unsigned long seed)
{
    ts_rng_init(state, seed, 0, 0, 0);
}

static unsigned long gsl_view_get(void *state)
{
    return ts_rng_u32(state);
}

static double gsl_view_get_double(void *state)
{
    return ts_rng_uniform(state);
}

const gsl_rng_type *ts_rng_gsl_type(void)
{
    static const gsl_rng_type type = {
        .name = "philox4x32-10",
        .max = UINT32_MAX,
        .min = 0,
        .size = sizeof(struct ts_rng),
        .set = gsl_view_set,
        .get = gsl_view_get,
        .get_double = gsl_view_get_double,
    };
    return &type;
}

gsl_rng *ts_rng_gsl(struct ts_rng *rng)
{
    rng->gsl.type = ts_rng_gsl_type();
    rng->gsl.state = rng;
    return &rng->gsl;
}
