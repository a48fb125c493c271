/* Hides when a server's host takes time of its own. Fitted and measured step times hold it already; tables of operators
 * time the accelerator alone. The defaults span what is reported of vLLM (scheduling 0.5 to 2 ms, input preparation 1
 * to 5 ms a step): 1.5 ms for a small batch, 1.5 + 256 x 0.02 = 6.6 ms for a full one. */
#include "scenarios/loader.h"

void ts_resolve_host(struct ts_loader *loader, struct ts_tier_context *ctx, struct ts_steps_model *steps)
{
    const bool written = ts_value_is_written(ctx->value, "host");
    if (ctx->broken || (!written && steps->kind != TS_STEPS_OPERATORS)) {
        return;
    }
    steps->host = (struct ts_host_model){
        .fixed_s = ts_value_number_or(ctx->value, "host.fixed", 1.5e-3),
        .per_seq_s = ts_value_number_or(ctx->value, "host.per_sequence", 20e-6),
        .overlaps = written ? ts_value_flag(ctx->value, "host.overlap") : true,
    };
    if (!written) {
        ts_loader_assume(loader, ts_loader_printf(loader, "%s.host", ctx->value->path), TS_ORIGIN_DEFAULT,
                         "what is reported of vLLM: 0.5 to 2 ms to schedule, 1 to 5 ms to prepare the input",
                         "1.5 ms a step and 20 us a sequence, while the accelerator computes");
    }
}
