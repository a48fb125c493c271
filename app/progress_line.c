/* Hides how a state of work becomes a line: shares in percent, counts as they are. */
#include "app/progress_line.h"

#include <stdio.h>
#include <unistd.h>

#include "app/interrupt.h"
#include "base/clock.h"
#include "base/text.h"

enum { LINE_COLS = 100 };

static const double finish_s = 0.5;

static void put_count(struct ts_text *out, const struct ts_progress_state *state)
{
    if (state->total == 1.0) {
        ts_text_printf(out, "[%3.0f %%] %-40.40s ", 100.0 * state->done, state->what);
    } else if (state->total > 0.0) {
        ts_text_printf(out, "%.0f of %.0f %s ", state->done, state->total, state->what);
    } else {
        ts_text_printf(out, "%.0f %s ", state->done, state->what);
    }
}

static void put_time(struct ts_text *out, const struct ts_progress_state *state)
{
    if (!isnan(state->left_s)) {
        ts_text_printf(out, "%3.0f s left ", state->left_s);
    } else if (state->elapsed_s >= 3600.0) {
        ts_text_printf(out, "%.1f h ", state->elapsed_s / 3600.0);
    } else {
        ts_text_printf(out, "%.0f s ", state->elapsed_s);
    }
}

static bool shows(const struct ts_progress_line *line)
{
    return !line->quiet && isatty(STDERR_FILENO);
}

static bool go_on(void *user, const struct ts_progress_state *state)
{
    const struct ts_progress_line *line = user;
    if (state && shows(line)) {
        struct ts_text text;
        ts_text_init(&text);
        if (line->prefix[0] != '\0') {
            ts_text_printf(&text, "%s: ", line->prefix);
        }
        put_count(&text, state);
        put_time(&text, state);
        fprintf(stderr, "\r%.*s", LINE_COLS, text.data);
        ts_text_deinit(&text);
    }
    return !ts_interrupt_requested();
}

static bool may_finish(void *user, const struct ts_progress_state *state)
{
    struct ts_progress_line *line = user;
    if (go_on(line, state)) {
        return true;
    }
    const double now_s = ts_clock_now_s();
    line->until_s = line->until_s > 0.0 ? line->until_s : now_s + finish_s;
    return now_s < line->until_s;
}

struct ts_progress ts_progress_line_finishing(struct ts_progress_line *line)
{
    return (struct ts_progress){.go_on = may_finish, .user = line};
}

struct ts_progress ts_progress_line_of(struct ts_progress_line *line)
{
    return (struct ts_progress){.go_on = go_on, .user = line};
}

void ts_progress_line_end(const struct ts_progress_line *line)
{
    if (shows(line)) {
        fprintf(stderr, "\r%*s\r", LINE_COLS, "");
    }
}
