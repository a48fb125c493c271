/* Random streams: counter-based (Philox4x32-10, Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC11), so
 * a stream is a key, not a position in somebody else's sequence. Every entity of a simulation has its own stream keyed
 * by (seed, replication, entity, purpose): results do not depend on the number of threads or on the order in which
 * entities are visited. A stream is also a gsl_rng, for GSL's distributions. */
#ifndef TS_BASE_RNG_H
#define TS_BASE_RNG_H

#include <stdint.h>

#include <gsl/gsl_rng.h>

struct ts_rng {
    uint32_t key[2];
    uint32_t counter[4]; /* [0..1] block number, [2..3] from entity and purpose */
    uint32_t block[4];
    uint32_t used; /* words of `block` already given out */
    gsl_rng gsl;   /* a view of this stream for GSL; use ts_rng_gsl() */
};

/* Starts the stream of that key. Different keys give streams that are independent for all practical purposes. */
void ts_rng_init(struct ts_rng *rng, uint64_t seed, uint32_t replication, uint32_t entity, uint32_t purpose);

/* The same with the key of (seed, replication), for whoever starts many, and a third part: streams of up to 2^34 words
 * each. */
uint64_t ts_rng_key(uint64_t seed, uint32_t replication);
void ts_rng_init_part(struct ts_rng *rng, uint64_t key, uint32_t entity, uint32_t purpose, uint32_t part);

/* The bijection itself: one block of a counter and a key. For tests against the published vectors. */
void ts_rng_philox(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

uint32_t ts_rng_u32(struct ts_rng *rng);
uint64_t ts_rng_u64(struct ts_rng *rng);
/* Uniform in the open interval (0, 1), 53 bits. */
double ts_rng_uniform(struct ts_rng *rng);
/* Standard normal, by inversion (one uniform per draw: streams stay aligned when parameters change). */
double ts_rng_normal(struct ts_rng *rng);
/* Exponential with mean 1. */
double ts_rng_exponential(struct ts_rng *rng);

/* This stream as a gsl_rng; valid as long as `rng` stays where it is. Both views share one position. */
gsl_rng *ts_rng_gsl(struct ts_rng *rng);
/* The generator as a GSL type, for gsl_rng_alloc(ts_rng_gsl_type()) and gsl_rng_set. */
const gsl_rng_type *ts_rng_gsl_type(void);

/* A 64-bit mix of a value (splitmix64's finaliser): hashing ids to users, seeds to keys. */
uint64_t ts_mix64(uint64_t value);

#endif
