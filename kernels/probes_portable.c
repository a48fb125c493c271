/* Reading memory in plain C: sums over 64-bit words, eight independent ones, as named scalars that a compiler can keep
 * in registers. */
#include <string.h>

#include "kernels/probes.h"

static uint64_t word_at(const uint8_t *bytes)
{
    uint64_t word;
    memcpy(&word, bytes, sizeof word);
    return word;
}

static uint64_t read_words(const uint8_t *bytes, size_t n)
{
    uint64_t a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (size_t at = 0; at < n; at += 64) {
        a += word_at(bytes + at);
        b += word_at(bytes + at + 8);
        c += word_at(bytes + at + 16);
        d += word_at(bytes + at + 24);
        e += word_at(bytes + at + 32);
        f += word_at(bytes + at + 40);
        g += word_at(bytes + at + 48);
        h += word_at(bytes + at + 56);
    }
    return a + b + c + d + e + f + g + h;
}

const struct ts_probes ts_probes_portable = {.read = read_words};
