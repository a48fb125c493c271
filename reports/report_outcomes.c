/* Hides how the books of attempts (sim/reasons.h) are told: outcomes.csv, a table of the page, a member of run.json, a
 * bracket of the terminal. Of all replications together. */
#include "base/csv.h"
#include "base/json.h"
#include "reports/html.h"
#include "reports/report_parts.h"

/* Sums; tier: as in metric.h; class_id: or TS_ALL_CLASSES. */
static struct ts_attempts attempts_of(const struct ts_report *report, uint32_t tier, uint32_t class_id)
{
    const struct ts_result *result = report->input.result;
    const bool all_tiers = tier > result->n_tiers, all_classes = class_id == TS_ALL_CLASSES;
    struct ts_attempts sum = {0};
    for (uint32_t i = all_tiers ? 0 : tier; i <= (all_tiers ? result->n_tiers : tier); i++) {
        for (uint32_t c = all_classes ? 0 : class_id; c < (all_classes ? result->n_classes : class_id + 1); c++) {
            ts_attempts_add(&sum, &result->tiers[i].cells[c].attempts);
        }
    }
    return sum;
}

static uint64_t ended_by(const struct ts_attempts *attempts, int reason)
{
    return attempts->went_on[reason] + attempts->lost[reason];
}

/* Ends without a reason, in the order of the files. */
struct plain_end {
    const char *word;
    uint64_t n;
};
enum { N_PLAIN = 4 };

static void find_plain(struct plain_end out[N_PLAIN], const struct ts_attempts *attempts)
{
    const struct plain_end ends[N_PLAIN] = {{"sent", attempts->sent},
                                            {"answered", attempts->answered},
                                            {"spared", attempts->spared},
                                            {"open", attempts->open}};
    for (int i = 0; i < N_PLAIN; i++) {
        out[i] = ends[i];
    }
}

/* ---- outcomes.csv ---- */

static void put_row(struct ts_text *out, const char *tier, const char *class_name, const char *outcome, uint64_t n)
{
    ts_csv_put(out, tier, true);
    ts_csv_put(out, class_name, false);
    ts_csv_put(out, outcome, false);
    ts_text_printf(out, ",%llu", (unsigned long long)n);
}

static void put_rows(struct ts_text *out, const struct ts_report *report, uint32_t tier, uint32_t class_id)
{
    const struct ts_model *model = report->input.model;
    const char *tier_name = ts_metric_tier_name(model, tier);
    const char *class_name = class_id == TS_ALL_CLASSES ? "all" : model->class_names[class_id];
    const struct ts_attempts attempts = attempts_of(report, tier, class_id);
    struct plain_end plain[N_PLAIN];
    find_plain(plain, &attempts);
    for (int i = 0; i < N_PLAIN; i++) {
        put_row(out, tier_name, class_name, plain[i].word, plain[i].n);
        ts_text_puts(out, ",,\n");
    }
    for (int r = 0; r < TS_N_REASONS; r++) {
        put_row(out, tier_name, class_name, ts_reason_word((enum ts_reason)r), ended_by(&attempts, r));
        ts_text_printf(out, ",%llu,%llu\n", (unsigned long long)attempts.went_on[r],
                       (unsigned long long)attempts.lost[r]);
    }
}

void ts_report_outcomes_csv(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    ts_text_puts(out, "tier,class,outcome,attempts,went_on,lost\n");
    put_rows(out, report, ts_all_tiers(model), TS_ALL_CLASSES);
    for (uint32_t tier = 0; tier <= model->n_tiers; tier++) {
        put_rows(out, report, tier, TS_ALL_CLASSES);
        for (uint32_t c = 0; model->n_classes > 1 && c < model->n_classes; c++) {
            put_rows(out, report, tier, c);
        }
    }
}

/* ---- run.json ---- */

void ts_report_outcomes_json(struct ts_json_writer *writer, const struct ts_report *report, uint32_t tier,
                             uint32_t class_id)
{
    const struct ts_attempts attempts = attempts_of(report, tier, class_id);
    struct plain_end plain[N_PLAIN];
    find_plain(plain, &attempts);
    ts_json_key(writer, "attempts");
    ts_json_begin_object(writer);
    for (int i = 0; i < N_PLAIN; i++) {
        ts_json_member_int(writer, plain[i].word, (int64_t)plain[i].n);
    }
    for (int r = 0; r < TS_N_REASONS; r++) {
        if (ended_by(&attempts, r) > 0) {
            ts_json_key(writer, ts_reason_word((enum ts_reason)r));
            ts_json_begin_object(writer);
            ts_json_member_int(writer, "went_on", (int64_t)attempts.went_on[r]);
            ts_json_member_int(writer, "lost", (int64_t)attempts.lost[r]);
            ts_json_end_object(writer);
        }
    }
    ts_json_end_object(writer);
}

/* ---- the page ---- */

/* "too long" */
static void put_words(struct ts_text *out, const char *word)
{
    for (; *word; word++) {
        ts_text_printf(out, "%c", *word == '_' ? ' ' : *word);
    }
}

static void put_number(struct ts_text *out, uint64_t n)
{
    ts_metric_format_bare(out, (double)n, "1");
}

static void put_header(struct ts_text *out, const struct ts_attempts *all)
{
    ts_text_puts(out, "<thead><tr><th scope=\"col\">tier</th><th scope=\"col\" class=\"num\">sent</th>"
                      "<th scope=\"col\" class=\"num\">answered</th>");
    for (int r = 0; r < TS_N_REASONS; r++) {
        if (ended_by(all, r) > 0) {
            ts_text_puts(out, "<th scope=\"col\" class=\"num\">");
            put_words(out, ts_reason_word((enum ts_reason)r));
            ts_text_puts(out, "<br><small>of these lost</small></th>");
        }
    }
    ts_text_puts(out, "</tr></thead>\n<tbody>\n");
}

static void put_tier(struct ts_text *out, const struct ts_report *report, uint32_t tier, const struct ts_attempts *all)
{
    const struct ts_model *model = report->input.model;
    const struct ts_attempts attempts = attempts_of(report, tier, TS_ALL_CLASSES);
    ts_text_printf(out, "<tr%s><th scope=\"row\">", tier > model->n_tiers ? " class=\"sum\"" : "");
    ts_html_put(out, ts_metric_tier_name(model, tier));
    ts_text_puts(out, "</th><td class=\"num\">");
    put_number(out, attempts.sent);
    ts_text_puts(out, "</td><td class=\"num\">");
    put_number(out, attempts.answered);
    ts_text_puts(out, "</td>");
    for (int r = 0; r < TS_N_REASONS; r++) {
        if (ended_by(all, r) > 0) {
            ts_text_puts(out, "<td class=\"num\">");
            put_number(out, ended_by(&attempts, r));
            ts_text_puts(out, "<br><small>");
            put_number(out, attempts.lost[r]);
            ts_text_puts(out, "</small></td>");
        }
    }
    ts_text_puts(out, "</tr>\n");
}

void ts_report_outcomes_html(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    const struct ts_attempts all = attempts_of(report, ts_all_tiers(model), TS_ALL_CLASSES);
    if (ts_attempts_ended(&all) == 0) {
        return;
    }
    ts_text_puts(out, "<section>\n<h2>Why calls moved on, or were lost</h2>\n<p class=\"aid\">Attempts, by the tier "
                      "that they were meant for or sent on to. After those that ended without a reply, the call went "
                      "to another tier or was lost.</p>\n<div class=\"scroll\">\n<table>\n");
    put_header(out, &all);
    for (uint32_t tier = 0; tier <= ts_all_tiers(model); tier++) {
        if (tier != model->n_tiers || attempts_of(report, tier, TS_ALL_CLASSES).sent > 0) {
            put_tier(out, report, tier, &all);
        }
    }
    ts_text_puts(out, "</tbody>\n</table>\n</div>\n<ul class=\"aid\">\n");
    for (int r = 0; r < TS_N_REASONS; r++) {
        if (ended_by(&all, r) > 0) {
            ts_text_puts(out, "<li>");
            put_words(out, ts_reason_word((enum ts_reason)r));
            ts_text_puts(out, ": ");
            ts_html_put(out, ts_reason_doc((enum ts_reason)r));
            ts_text_puts(out, "</li>\n");
        }
    }
    ts_text_puts(out, "</ul>\n</section>\n");
}

/* ---- the terminal ---- */

void ts_report_put_losses(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_attempts all = attempts_of(report, ts_all_tiers(report->input.model), TS_ALL_CLASSES);
    const char *before = " (";
    for (int r = 0; r < TS_N_REASONS; r++) {
        if (r != TS_REASON_GAVE_UP && all.lost[r] > 0) {
            ts_text_printf(out, "%s%llu ", before, (unsigned long long)all.lost[r]);
            put_words(out, ts_reason_word((enum ts_reason)r));
            before = ", ";
        }
    }
    ts_text_puts(out, before[0] == ',' ? ")" : "");
}
