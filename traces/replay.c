/* Hides how a trace file becomes a workload: scaled in time, repeated, cut, labelled. A repetition opens the file
 * again, so that memory does not grow with it; its arrivals go on one mean gap after the last: pass k is shifted by k
 * (T + T/(n-1)), with T from the first row to the last request. What the prompts of a pass consist of is its own: a
 * repeated day brings new documents, and a prefix cache must not find the day before. */
#include "traces/workload_stream.h"

#include <stdlib.h>

#include "base/rng.h"
#include "base/units.h"
#include "traces/label.h"

struct replay {
    struct ts_request_stream base;
    const struct ts_workload *workload;
    const struct ts_progress *progress;
    uint64_t seed;
    struct ts_request_stream *trace;
    struct ts_trace_counts past; /* of the passes before this one */
    int64_t shift_ns;            /* of this pass, on the recorded clock */
    int64_t last_ns;             /* last arrival of this pass, unshifted */
    uint64_t n_in_pass;
    int64_t end_ns; /* requests at or after it are cut */
    uint64_t next_id;
    uint64_t n_pass;
    uint64_t *prefix_ids; /* [prefix_cap] of the current request, from the second pass on */
    uint32_t prefix_cap;
    struct ts_turn turn; /* of the current request, if it has a place in a session */
    uint64_t *waits;     /* [waits_cap] */
    uint32_t waits_cap;
    bool at_end;
    const char *class_names[TS_MAX_CLASSES];
    struct ts_trace_classes classes;
    struct ts_label_fit *fit; /* NULL: classes do not say how long their requests are */
};

static struct ts_trace_counts add_counts(struct ts_trace_counts a, struct ts_trace_counts b)
{
    struct ts_trace_counts sum = a.n_rows > 0 ? a : b;
    sum.n_rows = a.n_rows + b.n_rows;
    sum.n_kept = a.n_kept + b.n_kept;
    sum.n_dropped = a.n_dropped + b.n_dropped;
    sum.names_classes = a.names_classes || b.names_classes;
    sum.was_sorted = a.was_sorted || b.was_sorted;
    sum.came_late = a.came_late || b.came_late;
    sum.drop_reason = a.n_dropped > 0 ? a.drop_reason : b.drop_reason;
    sum.drop_line = a.n_dropped > 0 ? a.drop_line : b.drop_line;
    sum.late_line = a.late_line > 0 ? a.late_line : b.late_line;
    for (size_t i = 0; i < TS_TRACE_N_DROPS; i++) {
        sum.drops[i].n = a.drops[i].n + b.drops[i].n;
        sum.drops[i].first_line = a.drops[i].n > 0 ? a.drops[i].first_line : b.drops[i].first_line;
    }
    return sum;
}

/* Recorded to simulated time; INT64_MAX where that is beyond what a clock of nanoseconds holds. */
static int64_t scaled_ns(const struct replay *replay, int64_t recorded_ns)
{
    double scale = replay->workload->scale_rate;
    if (scale == 1.0) {
        return recorded_ns;
    }
    double ns = (double)recorded_ns / scale;
    return ns < (double)(INT64_MAX / 4) ? (int64_t)ns : INT64_MAX;
}

static enum ts_status open_trace(struct ts_request_stream **out, const struct replay *replay, struct ts_diags *diags)
{
    const struct ts_workload *workload = replay->workload;
    const struct ts_trace_options options = {.format = workload->trace_format,
                                             .map = workload->map,
                                             .classes = workload->names_classes ? &replay->classes : NULL,
                                             .where = workload->where,
                                             .n_where = workload->n_where,
                                             .drops_others = workload->drops_others,
                                             .turns = workload->turns,
                                             .sorts = workload->sorts,
                                             .progress = replay->progress};
    return ts_trace_open_as(out, workload->trace_path, &options, diags);
}

/* Classes in the file, and none in the scenario to know them by. */
static void warn_about_classes(const struct replay *replay, struct ts_diags *diags)
{
    if (!replay->workload->names_classes && ts_trace_counts(replay->trace).names_classes) {
        ts_diags_add(diags, TS_WARNING, ts_span_file(replay->workload->trace_path),
                     "write trace: {classes: [{name: ..., share: ...}]} with the names of the file",
                     "the trace names a class for each request, but the scenario has no classes: it is not used");
    }
}

/* Opens the file for the next pass. */
static enum ts_status begin_pass(struct replay *replay, struct ts_diags *diags)
{
    const struct ts_workload *workload = replay->workload;
    const bool has_length = workload->is_closed ? replay->n_in_pass > 0 : replay->n_in_pass > 1 && replay->last_ns > 0;
    if (!has_length) {
        return ts_fail(diags, TS_EINPUT, ts_span_file(workload->trace_path), "use a longer trace, or do not repeat it",
                       "a trace without a duration cannot be repeated: all its requests arrive at once");
    }
    struct ts_request_stream *trace = NULL;
    enum ts_status status = open_trace(&trace, replay, diags);
    if (status != TS_OK) {
        return status;
    }
    replay->past = add_counts(replay->past, ts_trace_counts(replay->trace));
    ts_request_stream_destroy(replay->trace);
    replay->trace = trace;
    replay->shift_ns += workload->is_closed ? 0 : replay->last_ns + replay->last_ns / (int64_t)(replay->n_in_pass - 1);
    replay->n_in_pass = 0;
    replay->n_pass++;
    return TS_OK;
}

/* Other ids for another pass. */
static enum ts_status renew_prefix(struct replay *replay, struct ts_prefix *prefix, struct ts_diags *diags)
{
    if (prefix->n_ids > replay->prefix_cap) {
        uint64_t *ids = realloc(replay->prefix_ids, prefix->n_ids * sizeof *ids);
        if (ids == NULL) {
            return ts_fail(diags, TS_ENOMEM, ts_span_file(replay->workload->trace_path), NULL, "out of memory");
        }
        replay->prefix_ids = ids;
        replay->prefix_cap = prefix->n_ids;
    }
    for (uint32_t i = 0; i < prefix->n_ids; i++) {
        replay->prefix_ids[i] = ts_mix64(prefix->ids[i] ^ ts_mix64(replay->n_pass));
    }
    prefix->ids = replay->prefix_ids;
    return TS_OK;
}

static uint64_t renewed(const struct replay *replay, uint64_t key)
{
    return replay->n_pass == 0 || key == 0 ? key : ts_mix64(key ^ ts_mix64(replay->n_pass)) | 1;
}

/* Sessions of another pass are others. Delays are not scaled: they are of people and tools. Users of a closed loop take
 * the requests as they come, whatever sessions they are of. */
static enum ts_status place_turn(struct replay *replay, struct ts_request *request, struct ts_diags *diags)
{
    const struct ts_turn *turn = request->turn;
    if (replay->workload->is_closed) {
        request->turn = NULL;
        return TS_OK;
    }
    if (replay->n_pass == 0) {
        return TS_OK;
    }
    if (turn->n_waits > replay->waits_cap) {
        uint64_t *waits = realloc(replay->waits, turn->n_waits * sizeof *waits);
        if (waits == NULL) {
            return ts_fail(diags, TS_ENOMEM, ts_span_file(replay->workload->trace_path), NULL, "out of memory");
        }
        replay->waits = waits;
        replay->waits_cap = turn->n_waits;
    }
    for (uint32_t i = 0; i < turn->n_waits; i++) {
        replay->waits[i] = renewed(replay, turn->waits[i]);
    }
    replay->turn = *turn;
    replay->turn.session = renewed(replay, turn->session);
    replay->turn.key = renewed(replay, turn->key);
    replay->turn.waits = replay->waits;
    request->turn = &replay->turn;
    return TS_OK;
}

/* The next request of the file, from the next pass if this one is over and the trace is to be repeated. */
static enum ts_status next_recorded(struct replay *replay, struct ts_request *out, int *got, struct ts_diags *diags)
{
    enum ts_status status = ts_request_next(replay->trace, out, got, diags);
    if (status != TS_OK || *got || !(replay->workload->repeat_to_s > 0.0)) {
        return status;
    }
    status = begin_pass(replay, diags);
    return status != TS_OK ? status : ts_request_next(replay->trace, out, got, diags);
}

static enum ts_status replay_next(struct ts_request_stream *stream, struct ts_request *out, int *got,
                                  struct ts_diags *diags)
{
    struct replay *replay = (struct replay *)stream;
    struct ts_request request = {.id = 0};
    *got = 0;
    if (replay->at_end) {
        return TS_OK;
    }
    int any = 0;
    enum ts_status status = next_recorded(replay, &request, &any, diags);
    if (status != TS_OK || !any) {
        replay->at_end = status == TS_OK;
        return status;
    }
    replay->n_in_pass++;
    replay->last_ns = request.arrival_ns;
    request.arrival_ns = replay->workload->is_closed ? 0 : scaled_ns(replay, request.arrival_ns + replay->shift_ns);
    if (request.arrival_ns >= replay->end_ns) {
        replay->at_end = true;
        return TS_OK;
    }
    if (replay->n_pass > 0 && request.prefix.n_ids > 0) {
        status = renew_prefix(replay, &request.prefix, diags);
        if (status != TS_OK) {
            return status;
        }
    }
    if (replay->next_id == 0) {
        warn_about_classes(replay, diags);
    }
    if (request.turn) {
        status = place_turn(replay, &request, diags);
        if (status != TS_OK) {
            return status;
        }
    }
    request.id = replay->next_id++;
    ts_label_draw(&request, replay->workload, replay->fit, replay->seed, 0);
    *out = request;
    *got = 1;
    return TS_OK;
}

static void replay_destroy(struct ts_request_stream *stream)
{
    struct replay *replay = (struct replay *)stream;
    ts_request_stream_destroy(replay->trace);
    ts_label_fit_destroy(replay->fit);
    free(replay->prefix_ids);
    free(replay->waits);
    free(replay);
}

static const struct ts_request_stream_ops replay_ops = {.next = replay_next, .destroy = replay_destroy};

/* The earlier of the two limits; INT64_MAX without any. */
static int64_t end_of(const struct ts_workload *workload)
{
    int64_t end_ns = INT64_MAX;
    if (workload->repeat_to_s > 0.0) {
        end_ns = ts_ns_from_s(workload->repeat_to_s);
    }
    if (workload->window.duration_s > 0.0 && ts_ns_from_s(workload->window.duration_s) < end_ns) {
        end_ns = ts_ns_from_s(workload->window.duration_s);
    }
    return end_ns;
}

enum ts_status ts_replay_open(struct ts_request_stream **out, const struct ts_workload *workload, uint64_t seed,
                              const struct ts_progress *progress, struct ts_diags *diags)
{
    struct replay *replay = malloc(sizeof *replay);
    if (replay == NULL) {
        return ts_fail(diags, TS_ENOMEM, ts_span_file(workload->trace_path), NULL, "out of memory");
    }
    *replay = (struct replay){.base = {.ops = &replay_ops},
                              .workload = workload,
                              .progress = progress,
                              .seed = seed,
                              .end_ns = end_of(workload)};
    replay->classes = (struct ts_trace_classes){replay->class_names, (uint32_t)workload->n_classes};
    for (size_t i = 0; i < workload->n_classes; i++) {
        replay->class_names[i] = workload->classes[i].name;
    }
    enum ts_status status = open_trace(&replay->trace, replay, diags);
    if (status == TS_OK && ts_label_fit_create(&replay->fit, workload) != TS_OK) {
        status = ts_fail(diags, TS_ENOMEM, ts_span_file(workload->trace_path), NULL, "out of memory");
    }
    if (status != TS_OK) {
        replay_destroy(&replay->base);
        return status;
    }
    *out = &replay->base;
    return TS_OK;
}

struct ts_trace_counts ts_replay_counts(const struct ts_request_stream *stream)
{
    if (stream->ops != &replay_ops) {
        return (struct ts_trace_counts){.n_rows = 0};
    }
    const struct replay *replay = (const struct replay *)stream;
    return add_counts(replay->past, ts_trace_counts(replay->trace));
}
