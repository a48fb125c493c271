/* Hides how sessions are told apart and measured. Rows of a session need not stand side by side: they are put in its
 * order first. The quantiles that are written are those at which a uniform number gives the value, so that counts of
 * turns come out as they were: at the percentages where they change, and a hair behind. */
#include "traces/fit_sessions.h"

#include <math.h>
#include <stdlib.h>

#include "base/key_table.h"
#include "base/units.h"

enum { LEAST_SESSIONS = 10, N_NODES = 26 };

/* A row, and its place in the file. */
struct place {
    const struct ts_trace_sample_row *row;
    size_t at;
};

static int by_session(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    if (x->row->session != y->row->session) {
        return x->row->session < y->row->session ? -1 : 1;
    }
    return (x->at > y->at) - (x->at < y->at);
}

static bool push(struct ts_fit_values *values, double value)
{
    if (values->n == values->cap) {
        const size_t cap = values->cap > 0 ? 2 * values->cap : 256;
        double *grown = realloc(values->values, cap * sizeof *grown);
        if (!grown) {
            return false;
        }
        values->values = grown;
        values->cap = cap;
    }
    values->values[values->n++] = value;
    return true;
}

/* ---- one session ---- */

struct state {
    double turns, tools, calls, lasts_s;
    double context_tok;
    int64_t last_ns;
};

/* From the reply before it, if the file says it; else from the request before it. */
static double wait_of(bool *is_told, const struct ts_trace_sample_row *row, const struct state *state)
{
    *is_told = row->waits && (row->wait_ns > 0 || row->arrival_ns <= state->last_ns);
    return ts_s_from_ns(*is_told ? row->wait_ns : row->arrival_ns - state->last_ns);
}

static bool add_later(struct ts_fit_sessions *out, struct state *state, const struct ts_trace_sample_row *row)
{
    bool is_told = false;
    const double wait_s = wait_of(&is_told, row, state), new_tok = (double)row->prompt_tok - state->context_tok;
    const bool grows = new_tok > 0.0;
    out->waits_are_told = out->waits_are_told && is_told;
    out->n_grown += grows;
    out->n_cut += !grows;
    state->lasts_s += wait_s;
    if (row->is_tool) {
        state->tools += 1.0;
        return push(&out->tool_s, wait_s) && (!grows || push(&out->tool_tok, new_tok));
    }
    const bool ok =
        push(&out->tools, state->tools) && push(&out->think_s, wait_s) && (!grows || push(&out->prompt_tok, new_tok));
    state->tools = 0.0;
    state->turns += 1.0;
    return ok;
}

/* Rows [0, n) are a session's. `firsts` gets the first prompt, `shared` what it shares with earlier ones. */
static bool add_session(struct ts_fit_sessions *out, struct ts_fit_values *firsts, struct ts_fit_values *shared,
                        const struct place *rows, size_t n, uint32_t block_tok)
{
    const uint32_t first_tok = rows[0].row->prompt_tok;
    const double blocks = block_tok > 0 ? ceil((double)first_tok / block_tok) : 0.0;
    struct state state = {.turns = 1.0};
    bool ok = push(firsts, first_tok) && push(shared, round((double)rows[0].row->prefix_frac * blocks) * block_tok);
    for (size_t i = 0; i < n && ok; i++) {
        const struct ts_trace_sample_row *row = rows[i].row;
        ok = push(&out->output_tok, row->output_tok);
        out->longest_tok = row->prompt_tok > out->longest_tok ? row->prompt_tok : out->longest_tok;
        state.calls += 1.0;
        if (row->is_aside) {
            continue;
        }
        ok = ok && (i == 0 || add_later(out, &state, row));
        state.context_tok = (double)row->prompt_tok + row->output_tok;
        state.last_ns = row->arrival_ns;
    }
    out->n_sessions++;
    return ok && push(&out->tools, state.tools) && push(&out->turns, state.turns) && push(&out->calls, state.calls) &&
           push(&out->lasts_s, state.lasts_s);
}

/* ---- all of them ---- */

/* Takes the system prompt off the first prompts, and puts these to what users add. */
static bool split_firsts(struct ts_fit_sessions *out, struct ts_fit_values *firsts, struct ts_fit_values *shared,
                         bool ids_are_told)
{
    const double low = 0.05;
    double system = 0.0;
    if (ids_are_told) {
        system = ts_fit_quantile(shared, 0.5);
    } else if (out->prompt_tok.n >= LEAST_SESSIONS) {
        system = ts_fit_quantile(firsts, low) - ts_fit_quantile(&out->prompt_tok, low);
    }
    out->system_tok = system >= 1.0 ? (uint32_t)system : 0;
    bool ok = true;
    for (size_t i = 0; i < firsts->n && ok; i++) {
        ok = push(&out->prompt_tok, fmax(firsts->values[i] - out->system_tok, 1.0));
    }
    return ok;
}

enum ts_status ts_fit_sessions(struct ts_fit_sessions *out, const struct ts_trace_sample_row *rows, size_t n,
                               uint32_t block_tok)
{
    struct ts_fit_values firsts = {.n = 0}, shared = {.n = 0};
    struct place *places = malloc(n * sizeof *places);
    bool ok = places != NULL;
    *out = (struct ts_fit_sessions){.n_calls = n, .waits_are_told = true};
    for (size_t i = 0; i < n && ok; i++) {
        places[i] = (struct place){&rows[i], i};
    }
    if (ok) {
        qsort(places, n, sizeof *places, by_session);
    }
    for (size_t i = 0, end = 0; i < n && ok; i = end) {
        end = i + 1;
        while (end < n && places[end].row->session != 0 && places[end].row->session == places[i].row->session) {
            end++;
        }
        ok = add_session(out, &firsts, &shared, places + i, end - i, block_tok);
    }
    ok = ok && split_firsts(out, &firsts, &shared, block_tok > 0);
    free(firsts.values);
    free(shared.values);
    free(places);
    if (!ok) {
        ts_fit_sessions_deinit(out);
    }
    return ok ? TS_OK : TS_ENOMEM;
}

size_t ts_fit_session_starts(double *times_s, const struct ts_trace_sample_row *rows, size_t n)
{
    struct ts_key_table seen = {.n = 0};
    size_t n_starts = 0;
    bool ok = true;
    for (size_t i = 0; i < n && ok; i++) {
        const uint64_t session = rows[i].session;
        if (session == 0 || !ts_key_table_find(&seen, session)) {
            times_s[n_starts++] = ts_s_from_ns(rows[i].arrival_ns - rows[0].arrival_ns);
            ok = session == 0 || ts_key_table_put(&seen, session, 1) == TS_OK;
        }
    }
    ts_key_table_deinit(&seen);
    return ok ? n_starts : 0;
}

void ts_fit_sessions_deinit(struct ts_fit_sessions *sessions)
{
    free(sessions->turns.values);
    free(sessions->calls.values);
    free(sessions->think_s.values);
    free(sessions->lasts_s.values);
    free(sessions->tools.values);
    free(sessions->tool_s.values);
    free(sessions->tool_tok.values);
    free(sessions->prompt_tok.values);
    free(sessions->output_tok.values);
    *sessions = (struct ts_fit_sessions){.n_calls = 0};
}

bool ts_fit_sessions_hold(const struct ts_fit_sessions *sessions)
{
    size_t n_several = 0;
    double in_several = 0.0;
    for (size_t i = 0; i < sessions->calls.n; i++) {
        n_several += sessions->calls.values[i] > 1.0;
        in_several += sessions->calls.values[i] > 1.0 ? sessions->calls.values[i] : 0.0;
    }
    return n_several >= LEAST_SESSIONS && in_several >= 0.2 * (double)sessions->n_calls &&
           sessions->n_grown > sessions->n_cut;
}

/* ---- what is written ---- */

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double ts_fit_quantile(struct ts_fit_values *values, double q)
{
    if (values->n == 0) {
        return NAN;
    }
    qsort(values->values, values->n, sizeof *values->values, by_value);
    const double at = q * (double)(values->n - 1);
    const size_t low = (size_t)at, high = low + 1 < values->n ? low + 1 : low;
    return values->values[low] + (at - (double)low) * (values->values[high] - values->values[low]);
}

static void put_value(struct ts_text *out, double value, const char *unit)
{
    ts_text_double(out, round(value * 1e3) / 1e3);
    ts_text_puts(out, unit);
}

static void put_key(struct ts_text *out, const char *key, size_t indent)
{
    ts_text_printf(out, "%*s%s: ", (int)indent, "", key);
}

/* Of numbers that may be any. */
static void put_quantiles(struct ts_text *out, const char *key, struct ts_fit_values *values, const char *unit,
                          const char *unit_of_one, size_t indent)
{
    static const double nodes[N_NODES] = {0,  5,  10, 15, 20, 25, 30, 35, 40, 45, 50,   55,   60,
                                          65, 70, 75, 80, 85, 90, 95, 97, 98, 99, 99.5, 99.9, 100};
    const bool is_whole = *unit == '\0';
    put_key(out, key, indent);
    if (values->n == 0 || ts_fit_quantile(values, 0.0) == ts_fit_quantile(values, 1.0)) {
        put_value(out, values->n > 0 ? values->values[0] : 0.0, unit_of_one);
        ts_text_puts(out, "\n");
        return;
    }
    ts_text_puts(out, "{quantiles: {");
    for (size_t i = 0; i < N_NODES; i++) {
        const double at = nodes[i] / 100.0 * (double)(values->n - 1);
        const size_t low = (size_t)at, high = low + 1 < values->n ? low + 1 : low;
        const double value = values->values[low] + (at - (double)low) * (values->values[high] - values->values[low]);
        ts_text_puts(out, i > 0 ? ", " : "");
        ts_text_double(out, nodes[i]);
        ts_text_puts(out, ": ");
        put_value(out, is_whole ? round(value) : value, unit);
    }
    ts_text_puts(out, "}}\n");
}

/* Of counts: each at the percentages from which to which it is, or, where there are many, quantiles. */
static void put_counts(struct ts_text *out, const char *key, struct ts_fit_values *values, size_t indent)
{
    enum { MOST = 24 };
    const double hair = 1e-4;
    size_t n_kinds = 1;
    const double least = ts_fit_quantile(values, 0.0);
    for (size_t i = 1; i < values->n; i++) {
        n_kinds += values->values[i] != values->values[i - 1];
    }
    if (n_kinds == 1 || n_kinds > MOST) {
        put_quantiles(out, key, values, "", "", indent);
        return;
    }
    put_key(out, key, indent);
    ts_text_puts(out, "{quantiles: {0: ");
    put_value(out, least, "");
    double last = 0.0;
    for (size_t i = 1; i < values->n; i++) {
        const double percent = round(1e6 * (double)i / (double)values->n) / 1e4;
        if (values->values[i] != values->values[i - 1] && percent > last + 2.0 * hair && percent < 100.0 - 2.0 * hair) {
            last = percent;
            ts_text_puts(out, ", ");
            ts_text_double(out, percent);
            ts_text_puts(out, ": ");
            put_value(out, values->values[i - 1], ", ");
            ts_text_double(out, round((percent + hair) * 1e4) / 1e4);
            ts_text_puts(out, ": ");
            put_value(out, values->values[i], "");
        }
    }
    ts_text_puts(out, ", 100: ");
    put_value(out, values->values[values->n - 1], "}}\n");
}

void ts_fit_sessions_put(struct ts_text *out, struct ts_fit_sessions *sessions, size_t indent)
{
    put_quantiles(out, "prompt", &sessions->prompt_tok, "", " tok", indent);
    put_quantiles(out, "output", &sessions->output_tok, "", " tok", indent);
    ts_text_printf(out, "%*ssession:\n", (int)indent, "");
    put_counts(out, "turns", &sessions->turns, indent + 2);
    if (sessions->think_s.n > 0) {
        put_quantiles(out, "think", &sessions->think_s, " s", " s", indent + 2);
    }
    if (sessions->tool_s.n > 0) {
        put_counts(out, "tools", &sessions->tools, indent + 2);
        put_quantiles(out, "tool_time", &sessions->tool_s, " s", " s", indent + 2);
        put_quantiles(out, "tool_result", &sessions->tool_tok, "", " tok", indent + 2);
    }
    if (sessions->system_tok > 0) {
        ts_text_printf(out, "%*ssystem: %u tok\n", (int)indent + 2, "", (unsigned)sessions->system_tok);
    }
    if (sessions->n_cut > 0) {
        ts_text_printf(out, "%*scontext: %u tok\n", (int)indent + 2, "", (unsigned)sessions->longest_tok);
    }
}
