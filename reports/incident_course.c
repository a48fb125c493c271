/* Hides how the course of an event is read off the time series: each time that it strikes, what came, was answered and
 * was turned away while it lasted, the most requests that were under way then, and how long after its end it took
 * until no more of them were than usual. Usual is what came a second times the mean stay before the event (Little's
 * law), and two standard deviations of a Poisson count of that mean.
 *
 * All is as fine as the series' bins: counts of a bin that lies half inside count half. Worked: 1 request a second,
 * each of 4 s: usual are 4 + 2 sqrt 4 = 8 under way. */
#include "reports/incident_course.h"

#include <math.h>

#include "reports/html.h"

/* "wan down", "edge: 1 replica down". */
static void put_words(struct ts_text *out, const struct ts_model *model, const struct ts_incident_model *incident)
{
    const char *state = incident->kind == TS_INCIDENT_THROTTLED ? "throttled" : "down";
    if (incident->link >= 0) {
        ts_text_printf(out, "%s %s", model->links[incident->link].name, state);
        return;
    }
    const struct ts_tier_model *tier = &model->tiers[incident->tier];
    ts_text_puts(out, tier->name);
    if (incident->offer >= 0) {
        ts_text_printf(out, ": %s", tier->u.api.offers[incident->offer].name);
    }
    if (incident->n_replicas > 0) {
        ts_text_printf(out, ": %u replica%s", incident->n_replicas, incident->n_replicas > 1 ? "s" : "");
    } else if (incident->share_frac < 1.0) {
        ts_text_puts(out, ": ");
        ts_metric_format(out, incident->share_frac, "frac");
    }
    ts_text_printf(out, " %s", state);
    if (incident->notice_s > 0.0) {
        ts_text_puts(out, " after a notice of ");
        ts_metric_format(out, incident->notice_s, "s");
    }
}

uint32_t ts_incident_n_times(const struct ts_report *report, const struct ts_incident_model *incident)
{
    const double left_s = report->window_s - incident->at_s;
    if (left_s <= 0.0) {
        return 0;
    }
    return incident->every_s > 0.0 ? 1 + (uint32_t)(left_s / incident->every_s) : 1;
}

/* ---- the series ---- */

double ts_incident_present(const struct ts_report *report, uint32_t bin)
{
    double sum = 0.0;
    for (uint32_t i = 0; i < report->input.model->n_tiers; i++) {
        sum += report->input.result->tiers[i].in_tier[bin];
    }
    return sum;
}

double ts_incident_arrivals_per_s(const struct ts_report *report, uint32_t bin)
{
    const struct ts_result *result = report->input.result;
    const double runs = result->n_replications > 0 ? (double)result->n_replications : 1.0;
    return (double)result->arrivals[bin] / (result->bin_s * runs);
}

double ts_incident_refused_per_s(const struct ts_report *report, uint32_t bin)
{
    double sum = 0.0;
    for (uint32_t i = 0; i <= report->input.model->n_tiers; i++) {
        sum += report->input.result->tiers[i].refused_per_s[bin];
    }
    return sum;
}

/* ---- one course ---- */

static double highest_present(const struct ts_report *report, double from_s, double to_s)
{
    const struct ts_result *result = report->input.result;
    double most = 0.0;
    for (uint32_t bin = 0; bin < result->n_bins; bin++) {
        const bool inside = (bin + 1) * result->bin_s > from_s && bin * result->bin_s < to_s;
        most = inside ? fmax(most, ts_incident_present(report, bin)) : most;
    }
    return most;
}

/* The mean time that a request is under way, by Little's law, in the whole bins before to_s; in all if there are none.
 */
static double usual_stay_s(const struct ts_report *report, double to_s)
{
    const struct ts_result *result = report->input.result;
    const double before = floor(to_s / result->bin_s + 1e-9);
    const uint32_t n = before >= 1.0 && before < result->n_bins ? (uint32_t)before : result->n_bins;
    double present = 0.0, per_s = 0.0;
    for (uint32_t bin = 0; bin < n; bin++) {
        present += ts_incident_present(report, bin);
        per_s += ts_incident_arrivals_per_s(report, bin);
    }
    return per_s > 0.0 ? present / per_s : 0.0;
}

/* From its end until a bin with no more under way than usual at its arrivals; infinite: none is. */
static double recovery_s(const struct ts_report *report, double end_s, double stay_s)
{
    const struct ts_result *result = report->input.result;
    for (uint32_t bin = 0; bin < result->n_bins; bin++) {
        const double usual = stay_s * ts_incident_arrivals_per_s(report, bin);
        if ((bin + 1) * result->bin_s > end_s + 1e-9 &&
            ts_incident_present(report, bin) <= usual + 2.0 * sqrt(fmax(usual, 1.0))) {
            return bin * result->bin_s > end_s + 1e-6 ? bin * result->bin_s - end_s : 0.0;
        }
    }
    return INFINITY;
}

struct ts_incident_course ts_incident_course(const struct ts_report *report, const struct ts_incident_model *incident,
                                             uint32_t time)
{
    const struct ts_result *result = report->input.result;
    struct ts_incident_course out = {.from_s = incident->at_s + time * incident->every_s};
    out.to_s = out.from_s + incident->notice_s + incident->for_s;
    for (uint32_t bin = 0; bin < result->n_bins; bin++) {
        const double begin_s = bin * result->bin_s;
        const double inside_s = fmin(out.to_s, begin_s + result->bin_s) - fmax(out.from_s, begin_s);
        if (inside_s > 0.0) {
            out.arrived += inside_s * ts_incident_arrivals_per_s(report, bin);
            out.refused += inside_s * ts_incident_refused_per_s(report, bin);
            for (uint32_t i = 0; i < report->input.model->n_tiers; i++) {
                out.served += inside_s * result->tiers[i].served_per_s[bin];
            }
        }
    }
    out.most_present = highest_present(report, out.from_s, out.to_s);
    out.recovered_s = recovery_s(report, out.to_s, usual_stay_s(report, out.from_s));
    return out;
}

/* ---- in words, as a page and as a file ---- */

static void put_sentence(struct ts_text *out, const struct ts_report *report, const struct ts_incident_model *incident)
{
    const struct ts_incident_course course = ts_incident_course(report, incident, 0);
    const uint32_t n = ts_incident_n_times(report, incident);
    put_words(out, report->input.model, incident);
    ts_text_puts(out, ", from ");
    ts_report_put_time(out, course.from_s);
    ts_text_puts(out, " on for ");
    ts_report_put_time(out, course.to_s - course.from_s);
    if (n > 1) {
        ts_text_printf(out, " (the first of %u times)", (unsigned)n);
    }
    ts_text_printf(out, ": of %.0f requests that came, %.0f were answered meanwhile and %.0f refused; ", course.arrived,
                   course.served, course.refused);
    if (isinf(course.recovered_s)) {
        ts_text_puts(out, "the run ends with more requests under way than usual");
    } else if (course.recovered_s > 0.0) {
        ts_text_puts(out, "no more under way than usual ");
        ts_report_put_time(out, course.recovered_s);
        ts_text_puts(out, " after its end");
    } else {
        ts_text_puts(out, "no more under way than usual at its end");
    }
}

void ts_report_incidents_text(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    ts_text_puts(out, model->n_incidents > 0 ? "\n" : "");
    for (uint32_t i = 0; i < model->n_incidents; i++) {
        ts_text_puts(out, "event: ");
        put_sentence(out, report, &model->incidents[i]);
        ts_text_puts(out, "\n");
    }
}

void ts_report_incidents_html(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    ts_text_puts(out, model->n_incidents > 0 ? "<section>\n<h2>Events</h2>\n<ul>\n" : "");
    for (uint32_t i = 0; i < model->n_incidents; i++) {
        struct ts_text sentence;
        ts_text_init(&sentence);
        put_sentence(&sentence, report, &model->incidents[i]);
        ts_text_puts(out, "<li>");
        ts_html_put(out, sentence.data);
        ts_text_puts(out, "</li>\n");
        out->failed = out->failed || sentence.failed;
        ts_text_deinit(&sentence);
    }
    ts_text_puts(out, model->n_incidents > 0 ? "</ul>\n</section>\n" : "");
}

static void put_row(struct ts_text *out, const struct ts_report *report, const struct ts_incident_model *incident,
                    uint32_t time)
{
    const struct ts_incident_course course = ts_incident_course(report, incident, time);
    const double numbers[] = {course.from_s,  course.to_s,         course.arrived,    course.served,
                              course.refused, course.most_present, course.recovered_s};
    struct ts_text words;
    ts_text_init(&words);
    put_words(&words, report->input.model, incident);
    ts_csv_put(out, words.data, true);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        ts_csv_put_number(out, numbers[i], false);
    }
    ts_text_puts(out, "\n");
    out->failed = out->failed || words.failed;
    ts_text_deinit(&words);
}

void ts_report_incidents_csv(struct ts_text *out, const struct ts_report *report)
{
    const struct ts_model *model = report->input.model;
    ts_text_puts(out, "event,from_s,to_s,arrived,served,refused,most_present,recovered_s\n");
    for (uint32_t i = 0; i < model->n_incidents; i++) {
        const uint32_t n = ts_incident_n_times(report, &model->incidents[i]);
        for (uint32_t time = 0; time < n; time++) {
            put_row(out, report, &model->incidents[i], time);
        }
    }
}
