/* Hides the powercap tree of Linux: intel-rapl:N (AMD's counters too) with name "package-N", energy_uj and
 * max_energy_range_uj. */
#include "kernels/bench/energy.h"

#include <stdio.h>
#include <string.h>

static bool read_line(char *out, size_t size, const char *root, uint32_t package, const char *file)
{
    char path[512];
    int len = snprintf(path, sizeof path, "%s/intel-rapl:%u/%s", root, (unsigned)package, file);
    FILE *stream = len > 0 && (size_t)len < sizeof path ? fopen(path, "r") : NULL;
    if (!stream) {
        return false;
    }
    bool ok = fgets(out, (int)size, stream) != NULL;
    (void)fclose(stream);
    return ok;
}

static bool read_joules(double *out, const char *root, uint32_t package, const char *file)
{
    char line[64];
    unsigned long long microjoules;
    if (!read_line(line, sizeof line, root, package, file) || sscanf(line, "%llu", &microjoules) != 1) {
        return false;
    }
    *out = (double)microjoules * 1e-6;
    return true;
}

bool ts_energy_read(struct ts_energy *out, const char *root)
{
    struct ts_energy energy = {0};
    for (uint32_t package = 0; package < TS_ENERGY_MAX_PACKAGES; package++) {
        char name[64];
        if (!read_line(name, sizeof name, root, package, "name")) {
            break;
        }
        if (strncmp(name, "package", 7) != 0) {
            continue;
        }
        uint32_t n = energy.n_packages;
        if (!read_joules(&energy.joules[n], root, package, "energy_uj") ||
            !read_joules(&energy.wrap_joules[n], root, package, "max_energy_range_uj")) {
            energy.n_packages = 0;
            break;
        }
        energy.n_packages++;
    }
    *out = energy;
    return energy.n_packages > 0;
}

double ts_energy_between_j(const struct ts_energy *before, const struct ts_energy *after)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < before->n_packages && i < after->n_packages; i++) {
        double joules = after->joules[i] - before->joules[i];
        sum += joules >= 0.0 ? joules : joules + before->wrap_joules[i];
    }
    return sum;
}
