/* Hides the forms of these words. */
#include "app/study_words.h"

#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/slug.h"

/* An axis has all values of its key after one --set. */
static enum ts_status check_once(const struct ts_design_spec *spec, const struct ts_option_texts *once,
                                 struct ts_diags *diags)
{
    for (uint32_t a = 0; a < spec->n_axes; a++) {
        const char *key = spec->axes[a].key;
        const size_t len = strlen(key);
        for (size_t i = 0; i < once->n; i++) {
            if (strncmp(once->items[i], key, len) == 0 && once->items[i][len] == '=') {
                return ts_fail(diags, TS_EUSAGE, ts_span_none(), "leave out one of the two",
                               "--set %s does nothing: %s is an axis", once->items[i], key);
            }
        }
    }
    return TS_OK;
}

enum ts_status ts_words_axes(struct ts_design_spec *out, struct ts_option_texts *once,
                             const struct ts_option_texts *sets, struct ts_arena *arena, struct ts_diags *diags)
{
    out->n_axes = 0;
    once->n = 0;
    for (size_t i = 0; i < sets->n; i++) {
        struct ts_axis axis;
        bool is_axis;
        const enum ts_status status = ts_axis_parse(&axis, &is_axis, sets->items[i], ts_span_none(), arena, diags);
        if (status != TS_OK) {
            return status;
        }
        if (!is_axis) {
            once->items[once->n++] = sets->items[i];
            continue;
        }
        for (uint32_t a = 0; a < out->n_axes; a++) {
            if (ts_str_equal(out->axes[a].key, axis.key)) {
                return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write all of its values after one --set",
                               "%s is an axis already", axis.key);
            }
        }
        if (out->n_axes == TS_MAX_AXES) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "more than %d axes", TS_MAX_AXES);
        }
        out->axes[out->n_axes++] = axis;
    }
    return check_once(out, once, diags);
}

/* ---- the scenario's own axes ---- */

static bool is_set_once(const struct ts_option_texts *once, const char *key)
{
    const size_t len = strlen(key);
    bool any = false;
    for (size_t i = 0; i < once->n; i++) {
        any = any || (strncmp(once->items[i], key, len) == 0 && once->items[i][len] == '=');
    }
    return any;
}

/* Takes the axis of that key out of the list, if it has one. */
static bool take_out(struct ts_axis *out, struct ts_design_spec *from, const char *key)
{
    for (uint32_t a = 0; a < from->n_axes; a++) {
        if (ts_str_equal(from->axes[a].key, key)) {
            *out = from->axes[a];
            memmove(&from->axes[a], &from->axes[a + 1], (from->n_axes - a - 1) * sizeof *out);
            from->n_axes--;
            return true;
        }
    }
    return false;
}

enum ts_status ts_words_scenario_axes(struct ts_design_spec *spec, const struct ts_axes *own,
                                      const struct ts_option_texts *once, struct ts_diags *diags)
{
    struct ts_design_spec typed = *spec;
    spec->n_axes = 0;
    for (uint32_t i = 0; i < own->n; i++) {
        struct ts_axis axis = own->items[i];
        if (is_set_once(once, axis.key)) {
            continue;
        }
        (void)take_out(&axis, &typed, axis.key);
        if (spec->n_axes + typed.n_axes == TS_MAX_AXES) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "more than %d axes", TS_MAX_AXES);
        }
        spec->axes[spec->n_axes++] = axis;
    }
    memcpy(&spec->axes[spec->n_axes], typed.axes, typed.n_axes * sizeof *typed.axes);
    spec->n_axes += typed.n_axes;
    return TS_OK;
}

enum ts_status ts_words_design(enum ts_design_kind *out, const char *word, struct ts_diags *diags)
{
    for (int i = 0; i < TS_N_DESIGNS; i++) {
        if (ts_str_equal(word, ts_design_names[i])) {
            *out = (enum ts_design_kind)i;
            return TS_OK;
        }
    }
    return ts_fail(diags, TS_EUSAGE, ts_span_none(), "write grid, list, lhs or sobol", "--design: unknown design '%s'",
                   word);
}

enum ts_status ts_words_effort(enum ts_capacity_effort *out, const char *word, bool with_off, struct ts_diags *diags)
{
    for (int i = with_off ? TS_CAPACITY_OFF : TS_CAPACITY_OFF + 1; i < TS_N_CAPACITY_EFFORTS; i++) {
        if (ts_str_equal(word, ts_capacity_efforts[i])) {
            *out = (enum ts_capacity_effort)i;
            return TS_OK;
        }
    }
    return ts_fail(diags, TS_EUSAGE, ts_span_none(), with_off ? "write off, quick or full" : "write quick or full",
                   "--capacity: unknown effort '%s'", word);
}

/* ---- goal ---- */

static const char *last_dot(const char *from, const char *to)
{
    while (to > from && to[-1] != '.') {
        to--;
    }
    return to > from ? to - 1 : NULL;
}

static enum ts_status unknown_figure(const char *word, struct ts_diags *diags)
{
    return ts_fail(diags, TS_EUSAGE, ts_span_none(),
                   "write for example cost.total, edge.ttft.p95 or max:attainment.mean; docs/FIGURES.md lists them",
                   "there is no figure '%s'", word);
}

/* "cost.total", and as run.json writes it "ttft_p99"; of a name alone the first,
 * of costs the total: "attainment", "cost". */
static const struct ts_metric *find_metric(const char *name, struct ts_arena *arena)
{
    const char *stat = last_dot(name, name + strlen(name));
    const char *underscore = strrchr(name, '_');
    const char *split = stat ? stat : underscore;
    const char *first = split ? ts_arena_strndup(arena, name, (size_t)(split - name)) : name;
    const struct ts_metric *found = split && first ? ts_metric_find(first, split + 1) : NULL;
    for (const struct ts_metric *metric = ts_metrics; metric->name && !found && !stat; metric++) {
        found = ts_str_equal(metric->name, name) ? metric : NULL;
    }
    return ts_str_equal(name, "cost") ? ts_metric_find("cost", "total") : found;
}

enum ts_status ts_words_goal(struct ts_study_goal *out, const char *word, struct ts_arena *arena,
                             struct ts_diags *diags)
{
    const bool most = ts_str_has_prefix(word, "max:");
    const char *figure = most || ts_str_has_prefix(word, "min:") ? word + 4 : word;
    const struct ts_metric *metric = find_metric(figure, arena);
    const char *subject = "all";
    if (!metric) { /* a tier in front */
        const size_t len = strcspn(figure, ".");
        subject = ts_arena_strndup(arena, figure, len);
        metric = figure[len] == '.' ? find_metric(figure + len + 1, arena) : NULL;
    }
    if (arena->failed) {
        return TS_ENOMEM;
    }
    if (!metric) {
        return unknown_figure(word, diags);
    }
    *out = (struct ts_study_goal){.subject = subject, .name = metric->name, .stat = metric->stat, .most = most};
    return TS_OK;
}

void ts_words_put_goal(struct ts_text *out, const struct ts_study_goal *goal)
{
    const bool all = ts_str_equal(goal->subject, "all");
    ts_text_printf(out, "%s%s%s.%s", all ? "" : goal->subject, all ? "" : ".", goal->name, goal->stat);
}

/* ---- shards ---- */

enum ts_status ts_words_shard(uint32_t *shard, uint32_t *n_shards, const char *word, struct ts_diags *diags)
{
    char name[128];
    uint64_t i = 0, n = 0;
    *shard = 0;
    *n_shards = 1;
    if (!word) {
        return TS_OK;
    }
    const size_t len = strcspn(word, "/");
    const char *index = word;
    size_t index_len = len;
    bool good = word[len] == '/' && ts_parse_u64(&n, word + len + 1, strlen(word + len + 1)) && n >= 1 &&
                n <= TS_MAX_POINTS && len > 0 && len < sizeof name;
    if (good && (word[0] < '0' || word[0] > '9')) {
        memcpy(name, word, len);
        name[len] = '\0';
        index = getenv(name);
        if (!index) {
            return ts_fail(diags, TS_EUSAGE, ts_span_none(), NULL, "--shard %s: there is no environment variable %s",
                           word, name);
        }
        index_len = strlen(index);
    }
    good = good && ts_parse_u64(&i, index, index_len) && i < n;
    if (!good) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(),
                       "write --shard 0/16 to --shard 15/16, or a variable's name: --shard JOB_COMPLETION_INDEX/16",
                       "--shard %s: this is no part of a whole", word);
    }
    *shard = (uint32_t)i;
    *n_shards = (uint32_t)n;
    return TS_OK;
}

/* ---- names ---- */

const char *ts_words_folder(const char *named, const char *scenario, const char *kind, struct ts_arena *arena)
{
    struct ts_text folder;
    if (named) {
        return named;
    }
    ts_text_init(&folder);
    ts_text_puts(&folder, "out/");
    ts_slug(&folder, scenario);
    ts_text_printf(&folder, "-%s", kind);
    const char *kept = folder.failed ? NULL : ts_arena_strdup(arena, folder.data);
    ts_text_deinit(&folder);
    return kept;
}

const char *ts_words_study_stem(const char *named, const char *scenario, struct ts_arena *arena)
{
    return named ? ts_arena_strndup(arena, named, strlen(named) - (ts_str_has_suffix(named, ".db") ? 3 : 0))
                 : ts_words_folder(NULL, scenario, "study", arena);
}

void ts_words_put_shell(struct ts_text *out, const char *word)
{
    const bool plain =
        word[0] != '\0' &&
        word[strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._/=:,+-")] == '\0';
    if (plain) {
        ts_text_puts(out, word);
        return;
    }
    ts_text_puts(out, "'");
    for (; *word; word++) {
        if (*word == '\'') {
            ts_text_puts(out, "'\\''");
        } else {
            ts_text_append(out, word, 1);
        }
    }
    ts_text_puts(out, "'");
}
