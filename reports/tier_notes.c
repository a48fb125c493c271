/* Hides the sentences about what only some tiers have: a battery, the prompt cache of an API's provider, step times
 * with a known error. */
#include <math.h>

#include "reports/html.h"
#include "reports/report_parts.h"

static bool note_battery(struct ts_text *out, const struct ts_report *report, uint32_t tier)
{
    const uint32_t subject = ts_figure_tier(&report->list, tier);
    const struct ts_tier_model *model = &report->input.model->tiers[tier];
    const bool battery = model->kind == TS_TIER_DEVICE && model->u.device.battery_wh > 0.0;
    if (!battery || isnan(ts_report_value(report, subject, "battery_day", "mean"))) {
        return false;
    }
    ts_text_printf(out, "%s: a reply takes ", model->name);
    ts_report_put(out, report, subject, "battery_reply", "mean");
    ts_text_puts(out, " of a charge of ");
    ts_metric_format(out, model->u.device.battery_wh, "Wh");
    ts_text_puts(out, ", a day of one who uses it ");
    ts_report_put(out, report, subject, "battery_day", "mean");
    return true;
}

static bool note_prompt_cache(struct ts_text *out, const struct ts_report *report, uint32_t tier)
{
    const uint32_t subject = ts_figure_tier(&report->list, tier);
    const struct ts_tier_model *model = &report->input.model->tiers[tier];
    if (model->kind != TS_TIER_API || report->input.result->tiers[tier].looked_up_tok == 0 ||
        !ts_metric_concerns(ts_metric_find("cached_tok", "sum"), report->input.model)) {
        return false;
    }
    ts_text_printf(out, "%s: ", model->name);
    ts_report_put(out, report, subject, "cache_hit", "mean");
    ts_text_puts(out, " of the prompt tokens were in the provider's cache; billed as cached: ");
    ts_report_put(out, report, subject, "cached_tok", "sum");
    return true;
}

static const struct ts_steps_error *error_of(const struct ts_tier_model *model)
{
    return model->kind == TS_TIER_DEVICE   ? &model->u.device.steps.error
           : model->kind == TS_TIER_SERVER ? &model->u.server.pools[0].replica.steps.error
                                           : NULL;
}

/* Where 9 of 10 measurements lie that the fit behind a roofline had not seen. */
static bool note_error(struct ts_text *out, const struct ts_report *report, uint32_t tier)
{
    const uint32_t subject = ts_figure_tier(&report->list, tier);
    const struct ts_tier_model *model = &report->input.model->tiers[tier];
    const struct ts_steps_error *error = error_of(model);
    const double tpot_s = ts_report_value(report, subject, "tpot", "p50");
    if (!error || error->high <= 0.0 || isnan(tpot_s)) {
        return false;
    }
    ts_text_printf(out, "%s: step times of a fitted roofline; TPOT p50 ", model->name);
    ts_metric_format(out, tpot_s, "s");
    ts_text_puts(out, ", and with 9 of 10 measurements that the fit had not seen between ");
    ts_metric_format(out, tpot_s * error->low, "s");
    ts_text_puts(out, " and ");
    ts_metric_format(out, tpot_s * error->high, "s");
    return true;
}

static bool (*const notes[])(struct ts_text *, const struct ts_report *, uint32_t) = {note_battery, note_prompt_cache,
                                                                                      note_error};

enum { N_NOTES = sizeof notes / sizeof notes[0] };

/* The heading stands before the first note alone. False if there was none. */
static bool put_notes(struct ts_text *out, const struct ts_report *report, const char *heading, const char *begin,
                      void (*put)(struct ts_text *, const char *), const char *end)
{
    bool any = false;
    for (uint32_t i = 0; i < report->input.model->n_tiers; i++) {
        for (int n = 0; n < N_NOTES; n++) {
            struct ts_text note;
            ts_text_init(&note);
            if (notes[n](&note, report, i)) {
                ts_text_puts(out, any ? "" : heading);
                ts_text_puts(out, begin);
                put(out, note.data);
                ts_text_puts(out, end);
                any = true;
            }
            out->failed = out->failed || note.failed;
            ts_text_deinit(&note);
        }
    }
    return any;
}

void ts_report_notes_text(struct ts_text *out, const struct ts_report *report)
{
    (void)put_notes(out, report, "\n", "", ts_text_puts, "\n");
}

void ts_report_notes_html(struct ts_text *out, const struct ts_report *report)
{
    const char *heading = "<section>\n<h2>Notes on tiers</h2>\n<ul>\n";
    if (put_notes(out, report, heading, "<li>", ts_html_put, "</li>\n")) {
        ts_text_puts(out, "</ul>\n</section>\n");
    }
}
