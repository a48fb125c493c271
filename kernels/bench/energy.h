/* Package energy by RAPL, where the system lets this process read it. */
#ifndef TS_KERNELS_BENCH_ENERGY_H
#define TS_KERNELS_BENCH_ENERGY_H

#include <stdbool.h>
#include <stdint.h>

enum { TS_ENERGY_MAX_PACKAGES = 16 };

struct ts_energy {
    uint32_t n_packages; /* 0: unavailable */
    double joules[TS_ENERGY_MAX_PACKAGES];
    double wrap_joules[TS_ENERGY_MAX_PACKAGES]; /* a counter starts again at 0 beyond this */
};

/* Reads the counters under `root` ("/sys/class/powercap"). False, and no packages, if there are none or they are
 * unreadable. */
bool ts_energy_read(struct ts_energy *out, const char *root);

/* Joules of all packages between two readings less than one wrap apart. */
double ts_energy_between_j(const struct ts_energy *before, const struct ts_energy *after);

#endif
