/* Hides the words. Each claim is made into the same lines once, which the three forms set in their own way. */
#include "study/claims_text.h"

#include <math.h>
#include <string.h>

#include "reports/html.h"
#include "reports/metric.h"

enum { WIDTH = 100, INDENT = 5, PAGE_WIDTH = 118 };

static void put_value(struct ts_text *out, double value, const char *unit)
{
    if (ts_str_equal(unit, "bool")) {
        ts_text_puts(out, value >= 1.0 ? "yes" : "no");
    } else {
        ts_metric_format(out, value, unit);
    }
}

static void put_of_key(struct ts_text *out, const struct ts_claim_key *key, double value)
{
    if (!key->unit) {
        ts_text_number(out, value, 3);
    } else if (ts_str_equal(key->unit, "1/s")) {
        ts_text_number(out, value * 86400.0, 3);
        ts_text_puts(out, " /day");
    } else if (ts_str_equal(key->unit, "1") || ts_str_equal(key->unit, "1/year")) {
        ts_text_number(out, 100.0 * value, 3);
        ts_text_printf(out, " %%%s", key->unit + 1);
    } else if (ts_str_equal(key->unit, "B") || ts_str_equal(key->unit, "B/s")) {
        ts_text_number(out, value * 1e-9, 3);
        ts_text_printf(out, " G%s", key->unit);
    } else {
        ts_text_number(out, value, 3);
        ts_text_printf(out, " %s%s", key->unit, ts_str_equal(key->unit, "month") ? "s" : "");
    }
}

/* "payback 2.49 months (2.2 to 3.1), at most 6 months" */
static void put_bound(struct ts_text *out, const struct ts_claim_outcome *outcome, const struct ts_claim_bound *bound,
                      size_t i)
{
    ts_text_printf(out, "%s ", bound->label);
    put_value(out, outcome->value[i], bound->unit);
    if (outcome->n_drawn > 0 && outcome->p10[i] != outcome->p90[i]) {
        ts_text_puts(out, " (");
        put_value(out, outcome->p10[i], bound->unit);
        ts_text_puts(out, " to ");
        put_value(out, outcome->p90[i], bound->unit);
        ts_text_puts(out, ")");
    }
    if (!ts_str_equal(bound->unit, "bool")) {
        ts_text_printf(out, ", claimed: at %s ", bound->at_least ? "least" : "most");
        put_value(out, bound->bound, bound->unit);
    }
}

static void put_number(struct ts_text *out, const struct ts_claim *claim, const struct ts_claim_outcome *outcome)
{
    for (size_t i = 0; claim->bounds[i].label; i++) {
        ts_text_puts(out, i > 0 ? "; " : "");
        put_bound(out, outcome, &claim->bounds[i], i);
    }
    if (outcome->n_drawn > 0) {
        ts_text_printf(out, "; held in %u of %u draws", (unsigned)outcome->n_held, (unsigned)outcome->n_drawn);
    }
}

static void put_range(struct ts_text *out, const struct ts_claim_key *key)
{
    ts_text_printf(out, "%s from ", key->key);
    put_of_key(out, key, key->from);
    ts_text_puts(out, " to ");
    put_of_key(out, key, key->to);
}

/* "if tiers.edge.owned.staff is at most 0.71 FTE (here 0.25 FTE)" */
static void put_turn(struct ts_text *out, const struct ts_claim_key *key, const struct ts_claim_flip *flip)
{
    const bool both = isfinite(flip->low) && isfinite(flip->high);
    ts_text_printf(out, "if %s is ", key->key);
    ts_text_puts(out, both ? "between " : isfinite(flip->high) ? "at most " : "at least ");
    if (isfinite(flip->low)) {
        put_of_key(out, key, flip->low);
    }
    ts_text_puts(out, both ? " and " : "");
    if (isfinite(flip->high)) {
        put_of_key(out, key, flip->high);
    }
    if (!isnan(flip->now)) {
        ts_text_puts(out, " (here ");
        put_of_key(out, key, flip->now);
        ts_text_puts(out, ")");
    }
}

static void put_decides(struct ts_text *out, const struct ts_claim *claim, const struct ts_claim_outcome *outcome)
{
    const char *before = "holds ";
    if (outcome->decides >= 0) {
        ts_text_puts(out, before);
        put_turn(out, &claim->keys[outcome->decides], &outcome->flips[outcome->decides]);
        before = "; or ";
    }
    for (int i = 0; claim->keys[i].key; i++) {
        if (i != outcome->decides && outcome->flips[i].turns) {
            ts_text_puts(out, before);
            put_turn(out, &claim->keys[i], &outcome->flips[i]);
            before = "; or ";
        }
    }
    before = outcome->decides >= 0 ? "; not turned by " : "not turned by ";
    for (int i = 0; claim->keys[i].key; i++) {
        if (!outcome->flips[i].turns) {
            ts_text_puts(out, before);
            put_range(out, &claim->keys[i]);
            before = ", nor by ";
        }
    }
}

static void put_command(struct ts_text *out, const struct ts_claim *claim)
{
    ts_text_printf(out, "tiersim run scenarios/claims/%s", claim->scenario);
    for (size_t i = 0; i < TS_CLAIM_MAX_SETS && claim->sets[i]; i++) {
        ts_text_printf(out, " --set '%s'", claim->sets[i]);
    }
}

/* Breaks at blanks; of the first line `column` characters are there. */
static void put_wrapped(struct ts_text *out, const char *text, size_t column, size_t indent, size_t width)
{
    bool begun = false;
    for (const char *word = text; *word;) {
        const size_t len = strcspn(word, " ");
        if (begun && column + 1 + len > width) {
            ts_text_printf(out, "\n%*s", (int)indent, "");
            column = indent;
        } else if (begun) {
            ts_text_puts(out, " ");
            column++;
        }
        ts_text_append(out, word, len);
        begun = true;
        column += len;
        word += len + (word[len] == ' ');
    }
    ts_text_puts(out, "\n");
}

/* ---- the three forms ---- */

struct lines {
    struct ts_text number, decides, command;
};

static void lines_init(struct lines *lines, size_t i, const struct ts_claim_outcome *outcomes)
{
    ts_text_init(&lines->number);
    ts_text_init(&lines->decides);
    ts_text_init(&lines->command);
    put_number(&lines->number, &ts_claims[i], &outcomes[i]);
    put_decides(&lines->decides, &ts_claims[i], &outcomes[i]);
    put_command(&lines->command, &ts_claims[i]);
}

static void lines_deinit(struct lines *lines, struct ts_text *out)
{
    out->failed = out->failed || lines->number.failed || lines->decides.failed || lines->command.failed;
    ts_text_deinit(&lines->number);
    ts_text_deinit(&lines->decides);
    ts_text_deinit(&lines->command);
}

void ts_claims_text(struct ts_text *out, const struct ts_claim_outcome *outcomes)
{
    for (size_t i = 0; i < ts_n_claims; i++) {
        const struct ts_claim *claim = &ts_claims[i];
        struct lines lines;
        lines_init(&lines, i, outcomes);
        ts_text_printf(out, "%s%-4s ", i > 0 ? "\n" : "", claim->id);
        put_wrapped(out, claim->text, INDENT, INDENT, WIDTH);
        ts_text_printf(out, "     -> %s\n", ts_claim_verdict_name(outcomes[i].verdict));
        const char *const paragraphs[] = {claim->reading, lines.number.data, lines.decides.data, claim->source};
        for (size_t p = 0; p < sizeof paragraphs / sizeof paragraphs[0]; p++) {
            ts_text_puts(out, "     ");
            put_wrapped(out, paragraphs[p], INDENT, INDENT, WIDTH);
        }
        ts_text_printf(out, "     $ %s\n", lines.command.data);
        lines_deinit(&lines, out);
    }
}

static const char intro[] =
    "Each claim is a scenario, figures of its report and bounds on them. The number is the run's with all inputs at "
    "their medians; in brackets, p10 and p90 over 16 draws of the uncertain inputs (those that the scenario "
    "writes as uncertain, and the interval of fitted step times). *Holds*: at the medians, in 9 draws of 10, and over "
    "the whole plausible range of each input that was tried. *Does not hold*: nowhere. *Holds if*: the input that "
    "decides, and where the verdict turns, found by bisection with real runs. All numbers are modelled, unless the "
    "source says measured.";

void ts_claims_markdown(struct ts_text *out, const struct ts_claim_outcome *outcomes)
{
    ts_text_puts(out, "# Claims, tested by simulation\n\nMade by `tiersim claims --out docs`; not edited by hand (a "
                      "test keeps it fresh).\n\n");
    put_wrapped(out, intro, 0, 0, PAGE_WIDTH);
    ts_text_puts(out, "\n| | claim | verdict | number |\n|---|---|---|---|\n");
    for (size_t i = 0; i < ts_n_claims; i++) {
        struct lines lines;
        lines_init(&lines, i, outcomes);
        ts_text_printf(out, "| %s | %s | **%s** | %s |\n", ts_claims[i].id, ts_claims[i].text,
                       ts_claim_verdict_name(outcomes[i].verdict), lines.number.data);
        lines_deinit(&lines, out);
    }
    for (size_t i = 0; i < ts_n_claims; i++) {
        const struct ts_claim *claim = &ts_claims[i];
        struct lines lines;
        lines_init(&lines, i, outcomes);
        ts_text_printf(out, "\n## %s\n\n", claim->id);
        put_wrapped(out, claim->text, 0, 0, PAGE_WIDTH);
        ts_text_printf(out, "\n**%s**. ", ts_claim_verdict_name(outcomes[i].verdict));
        put_wrapped(out, claim->reading, strlen(ts_claim_verdict_name(outcomes[i].verdict)) + 6, 0, PAGE_WIDTH);
        ts_text_puts(out, "\n- Number: ");
        put_wrapped(out, lines.number.data, 10, 2, PAGE_WIDTH);
        ts_text_puts(out, "- What decides: ");
        put_wrapped(out, lines.decides.data, 16, 2, PAGE_WIDTH);
        ts_text_puts(out, "- Source: ");
        put_wrapped(out, claim->source, 10, 2, PAGE_WIDTH);
        ts_text_puts(out, "\n");
        ts_text_printf(out, "```\n%s\n```\n", lines.command.data);
        lines_deinit(&lines, out);
    }
}

static void put_field(struct ts_text *out, const char *name, const char *text)
{
    ts_text_printf(out, "<dt>%s</dt><dd>", name);
    ts_html_put(out, text);
    ts_text_puts(out, "</dd>\n");
}

static void put_article(struct ts_text *out, size_t i, const struct ts_claim_outcome *outcomes)
{
    static const char *const colours[] = {"holds", "if", "fails"};
    static const char *const marks[] = {"\xe2\x9c\x93", "?", "\xe2\x9c\x97"};
    const struct ts_claim *claim = &ts_claims[i];
    struct lines lines;
    lines_init(&lines, i, outcomes);
    ts_text_printf(out, "<article><h2><span class=\"id\">%s</span> ", claim->id);
    ts_html_put(out, claim->text);
    ts_text_printf(out, "</h2>\n<p class=\"%s\">%s %s</p>\n<p>", colours[outcomes[i].verdict],
                   marks[outcomes[i].verdict], ts_claim_verdict_name(outcomes[i].verdict));
    ts_html_put(out, claim->reading);
    ts_text_puts(out, "</p>\n<dl>\n");
    put_field(out, "number", lines.number.data);
    put_field(out, "what decides", lines.decides.data);
    put_field(out, "source", claim->source);
    ts_text_puts(out, "</dl>\n<pre>");
    ts_html_put(out, lines.command.data);
    ts_text_puts(out, "</pre></article>\n");
    lines_deinit(&lines, out);
}

enum ts_status ts_claims_html(struct ts_text *out, const struct ts_claim_outcome *outcomes)
{
    ts_text_puts(out,
                 "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>Claims, tested by "
                 "simulation</title>\n<meta name=\"viewport\" content=\"width=device-width\">\n<style>\n"
                 "body{font:16px/1.5 system-ui,sans-serif;color:#222;max-width:52rem;margin:2rem auto;padding:0 1rem}\n"
                 "article{border-top:1px solid #ddd;padding:.5rem 0 1rem}h1{font-size:1.6rem}h2{font-size:1.1rem}\n"
                 ".id{color:#808080}.holds,.if,.fails{font-weight:600;margin:.2rem 0}.holds{color:#00684a}.if{color:"
                 "#8a5a00}.fails{color:#a8330a}\n"
                 "dl{display:grid;grid-template-columns:7rem 1fr;gap:.2rem 1rem}dt{color:#666}dd{margin:0}\n"
                 "pre{background:#f5f5f5;padding:.5rem;white-space:pre-wrap;font-size:.85rem}\n"
                 "</style></head><body>\n<h1>Claims, tested by simulation</h1>\n<p>");
    for (const char *c = intro; *c; c++) { /* without its emphasis */
        ts_text_append(out, c, *c != '*');
    }
    ts_text_puts(out, "</p>\n");
    for (size_t i = 0; i < ts_n_claims; i++) {
        put_article(out, i, outcomes);
    }
    ts_text_puts(out, "</body></html>\n");
    return out->failed ? TS_ENOMEM : TS_OK;
}
