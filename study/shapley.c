/* Hides the sum over subsets:
 *   part(i) = sum over S without i of |S|! (n - |S| - 1)! / n! (v(S and i) - v(S)).
 * Worked: v() = 10, v(1) = 12, v(2) = 13, v(1, 2) = 20: parts (2 + 7)/2 = 4.5 and (3 + 8)/2 = 5.5. */
#include "study/shapley.h"

#include <math.h>

static uint32_t count_bits(uint32_t bits)
{
    uint32_t n = 0;
    for (; bits; bits &= bits - 1) {
        n++;
    }
    return n;
}

void ts_shapley(double *out, const double *value, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        out[i] = 0.0;
        for (uint32_t without = 0; without < 1u << n; without++) {
            if (!(without >> i & 1u)) {
                const double size = count_bits(without);
                const double weight = exp(lgamma(size + 1.0) + lgamma(n - size) - lgamma(n + 1.0));
                out[i] += weight * (value[without | 1u << i] - value[without]);
            }
        }
    }
}
