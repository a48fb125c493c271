/* Hides how a quantity is shown to people: in the largest multiple that leaves at least one whole unit (times: two,
 * from minutes on). */
#include "base/units.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

/* Ladders of multiples for people, smallest first. */
struct step {
    double from; /* the smallest value that is written in it */
    double size;
    const char *name;
};

struct ladder {
    const char *unit;
    struct step steps[9]; /* ends with from = 0 */
};

/* clang-format off */
#define STEP(size, name) {size, size, name}
/* clang-format on */

static const struct ladder ladders[] = {
    {"s",
     {STEP(1e-9, "ns"),
      STEP(1e-6, "us"),
      STEP(1e-3, "ms"),
      STEP(1, "s"),
      {120, 60, "min"},
      {7200, 3600, "h"},
      {172800, 86400, "days"},
      {63072000, 31536000, "years"},
      {0, 0, NULL}}},
    {"byte",
     {STEP(1, "B"),
      STEP(1024, "KiB"),
      STEP(1048576, "MiB"),
      STEP(1073741824, "GiB"),
      STEP(1099511627776, "TiB"),
      {0, 0, NULL}}},
    {"byte/s",
     {STEP(1, "B/s"), STEP(1e3, "kB/s"), STEP(1e6, "MB/s"), STEP(1e9, "GB/s"), STEP(1e12, "TB/s"), {0, 0, NULL}}},
    {"J", {STEP(1e-3, "mJ"), STEP(1, "J"), STEP(1e3, "kJ"), STEP(1e6, "MJ"), STEP(1e9, "GJ"), {0, 0, NULL}}},
    {"J/tok", {STEP(1e-3, "mJ/tok"), STEP(1, "J/tok"), STEP(1e3, "kJ/tok"), {0, 0, NULL}}},
    {"W", {STEP(1e-3, "mW"), STEP(1, "W"), STEP(1e3, "kW"), STEP(1e6, "MW"), {0, 0, NULL}}},
    {"flop",
     {STEP(1, "flop"),
      STEP(1e3, "kflop"),
      STEP(1e6, "Mflop"),
      STEP(1e9, "Gflop"),
      STEP(1e12, "Tflop"),
      STEP(1e15, "Pflop"),
      {0, 0, NULL}}},
    {"flop/s",
     {STEP(1, "flop/s"),
      STEP(1e3, "kflop/s"),
      STEP(1e6, "Mflop/s"),
      STEP(1e9, "Gflop/s"),
      STEP(1e12, "Tflop/s"),
      STEP(1e15, "Pflop/s"),
      {0, 0, NULL}}},
    {"g", {STEP(1, "g"), STEP(1e3, "kg"), STEP(1e6, "t"), {0, 0, NULL}}},
};

static const struct step *best_step(const struct ladder *ladder, double value)
{
    const struct step *best = &ladder->steps[0];
    for (const struct step *step = best; step->from > 0.0; step++) {
        if (fabs(value) * 1.0005 >= step->from || (value == 0.0 && step->size == 1.0)) {
            best = step; /* 0.9998 s is printed as 1 s, not as 1000 ms */
        }
    }
    return best;
}

void ts_units_format(struct ts_text *out, double value, const char *unit)
{
    for (size_t i = 0; i < sizeof ladders / sizeof ladders[0]; i++) {
        if (strcmp(ladders[i].unit, unit) == 0 && isfinite(value)) {
            const struct step *step = best_step(&ladders[i], value);
            ts_text_number(out, value / step->size, 3);
            ts_text_printf(out, " %s", step->name);
            return;
        }
    }
    ts_text_number(out, value, 4);
    if (strcmp(unit, "1") != 0) {
        ts_text_printf(out, " %s", unit[0] == '1' ? unit + 1 : unit);
    }
}

int64_t ts_ns_from_s(double seconds)
{
    const int64_t max_ns = INT64_MAX / 4;
    double ns = seconds * (double)TS_NS_PER_S;
    if (!(ns > 0.0)) {
        return 0;
    }
    if (ns >= (double)max_ns) {
        return max_ns;
    }
    const int64_t whole = (int64_t)ns; /* exact, as round() is, and no call */
    return whole + (ns - (double)whole >= 0.5);
}

double ts_s_from_ns(int64_t ns)
{
    return (double)ns / (double)TS_NS_PER_S;
}
