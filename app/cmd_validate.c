/* tiersim validate [SCENARIO]: is the simulator right about this machine? Serves requests live with the reference
 * engine, simulates the same requests with step times measured beforehand, and holds the two against each other. */
#include <math.h>
#include <string.h>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/probe_options.h"
#include "app/validate_session.h"
#include "base/units.h"

static const double quick_measure_s = 15.0, full_measure_s = 60.0;
static const double quick_serve_s = 13.0, full_serve_s = 40.0;

static enum ts_status parse_loads(struct ts_validate_options *options, struct ts_diags *diags)
{
    const char *list = options->args->load ? options->args->load : options->args->quick ? "60,90" : "30,60,90,110";
    for (const char *p = list; *p != '\0'; p += *p == ',') {
        const size_t len = strcspn(p, ",");
        double percent;
        if (options->n_loads == TS_VALIDATE_MAX_LOADS || !ts_parse_double(&percent, p, len) ||
            !(percent >= 1.0 && percent <= 300.0)) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL,
                           "--load takes up to %d percentages from 1 to 300, for example 60,90, not '%s'",
                           TS_VALIDATE_MAX_LOADS, list);
        }
        options->loads[options->n_loads++] = percent / 100.0;
        p += len;
    }
    return options->n_loads > 0 ? TS_OK : ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--load is empty");
}

static enum ts_status parse_quantity(double *out, const char *option, const char *text, const char *unit,
                                     struct ts_diags *diags)
{
    struct ts_text why;
    double value;
    enum ts_status status = TS_OK;
    ts_text_init(&why);
    if (!ts_units_parse(&value, text, unit, &why) || !(value > 0.0)) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--%s: %s", option,
                         why.len > 0 ? why.data : "it must be above zero");
    } else {
        *out = value;
    }
    ts_text_deinit(&why);
    return status;
}

static enum ts_status read_options(struct ts_validate_options *options, struct ts_diags *diags)
{
    const struct ts_args *args = options->args;
    options->serve_s = args->quick ? quick_serve_s : full_serve_s;
    options->measure_s = args->quick ? quick_measure_s : full_measure_s;
    options->max_error_frac = NAN;
    options->n_runs = args->runs ? args->runs : 1;
    if (args->n_operands > 1) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "tiersim validate my-server.yaml",
                       "validate takes one scenario");
    }
    enum ts_status status = parse_loads(options, diags);
    if (status == TS_OK && args->duration) {
        status = parse_quantity(&options->serve_s, "duration", args->duration, "s", diags);
    }
    if (status == TS_OK && args->max_error) {
        status = parse_quantity(&options->max_error_frac, "max-error", args->max_error, "1", diags);
    }
    if (status == TS_OK && args->endpoint) {
        status = ts_probe_options_read(&options->endpoint, args, args->endpoint, diags);
    }
    if (status == TS_OK && args->slots > TS_VALIDATE_MAX_SLOTS) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--slots is at most %d", TS_VALIDATE_MAX_SLOTS);
    }
    if (status == TS_OK && args->kv_unified && args->slots == 0) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(), "say how many with --slots", "--kv-unified is of slots");
    }
    if (status == TS_OK && args->runs > TS_VALIDATE_MAX_RUNS) {
        status = ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--runs is at most %d", TS_VALIDATE_MAX_RUNS);
    }
    return status;
}

static enum ts_status run(const struct ts_args *args, struct ts_diags *diags)
{
    struct ts_validate_options options = {.args = args};
    enum ts_status status = read_options(&options, diags);
    if (status == TS_OK) {
        ts_interrupt_arm();
        status = ts_validate_session_run(&options, diags);
    }
    ts_probe_options_free(&options.endpoint);
    return status;
}

const struct ts_command ts_command_validate = {
    .name = "validate",
    .bit = TS_CMD_VALIDATE,
    .usage = "[SCENARIO] [options]",
    .summary = "Hold the simulation against live runs of the reference engine on this machine",
    .examples = "  tiersim validate --quick\n"
                "  tiersim validate --endpoint http://localhost:8080 --slots 4 --ignore-eos --load 60\n"
                "  tiersim validate --load 60,90 --max-error '5 %'\n"
                "  tiersim validate my-server.yaml --trace conv.csv --duration '2 min'\n",
    .run = run,
};
