/* Hides when a measurement is of another machine than the one that runs: another processor; or the same, with more
 * threads than it may use here, or other instructions (a virtual machine may hide some). For `this-machine` that is a
 * warning; a measurement that the scenario names may come from anywhere, and the manifest says from where. */
#include "scenarios/language/loader.h"

static const char *machine_of(struct ts_loader *loader, const struct ts_measurement *m)
{
    return ts_loader_printf(loader, "%s; %s; kernel %s, %u threads", m->host.cpu, m->host.os, m->kernel,
                            (unsigned)m->n_threads);
}

/* What is different, in words; NULL: nothing. */
static const char *difference(struct ts_loader *loader, const struct ts_measurement *m)
{
    const struct ts_host *here = loader->options->host;
    if (!ts_str_equal(m->host.cpu, here->cpu)) {
        return ts_loader_printf(loader, "was measured on '%s', and this machine is '%s'", m->host.cpu, here->cpu);
    }
    if (m->n_threads > here->n_cpus) {
        return ts_loader_printf(loader, "was measured with %u threads, and this machine lets %u run",
                                (unsigned)m->n_threads, (unsigned)here->n_cpus);
    }
    if (!ts_str_equal(m->host.isa, here->isa)) {
        return ts_loader_printf(loader, "was measured where '%s' has other instructions than here", m->host.cpu);
    }
    return NULL;
}

void ts_resolve_machine(struct ts_loader *loader, const char *whose, const struct ts_measurement *m, const char *path,
                        bool is_this, const struct ts_value *at)
{
    if (!m || ts_measurement_is_import(m)) {
        return;
    }
    const char *other = loader->options->host ? difference(loader, m) : NULL;
    ts_loader_assume(loader, ts_loader_printf(loader, "%s.measured.machine", whose), TS_ORIGIN_MEASURED,
                     !is_this ? "the machine that the named file was measured on"
                     : other  ? "another machine than the one that ran this"
                              : "this machine",
                     "%s", machine_of(loader, m));
    if (is_this && other) {
        ts_loader_warning(loader, at, "measure this one: tiersim bench; or say which file is meant: `measured: FILE`",
                          "this-machine: %s %s", path, other);
    }
}

const struct ts_measurement *ts_resolve_measured(struct ts_loader *loader, struct ts_value *section,
                                                 const char *command)
{
    const char *path = ts_value_text(section, "measured");
    const bool is_this = path && ts_str_equal(path, "this-machine");
    if (!path) {
        return NULL;
    }
    if (is_this && !loader->options->measurement_path) {
        ts_loader_error(loader, ts_value_at(section, "measured"),
                        ts_loader_printf(loader, "run `%s`, or name a file with --measurement", command),
                        "measured: this-machine needs a measurement");
        return NULL;
    }
    path = is_this ? loader->options->measurement_path : ts_loader_beside(loader, path);
    if (is_this) {
        path = loader->measurement_path = ts_loader_printf(loader, "%s", path);
    }
    const struct ts_measurement *measurement = ts_loader_measurement(loader, path);
    ts_resolve_machine(loader, section->path, measurement, path, is_this, ts_value_at(section, "measured"));
    return measurement;
}
