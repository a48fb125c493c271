/* Readers of recorded traces: CSV and JSON, plain or compressed with gzip, by a table of formats (trace_formats.c) or
 * by columns that the user names. */
#ifndef TS_TRACES_TRACE_H
#define TS_TRACES_TRACE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/progress.h"
#include "base/text.h"
#include "traces/request.h"
#include "traces/trace_names.h"

/* What a column of a trace may mean. */
enum ts_trace_field {
    TS_TRACE_TIME,
    TS_TRACE_PROMPT,
    TS_TRACE_OUTPUT,
    TS_TRACE_CLASS,       /* the name of one of the scenario's classes */
    TS_TRACE_SENSITIVITY, /* "public", "internal", "restricted"; or yes (restricted) and no (as the class says) */
    TS_TRACE_DIFFICULTY,  /* a number, see ts_request */
    TS_TRACE_SESSION,     /* requests of one session: the shorter of two prompts is how the longer one begins */
    TS_TRACE_CACHED,      /* tokens at the beginning of the prompt that were found in a cache */
    TS_TRACE_IDS,         /* an array of ids, one for some prompt tokens each */
    TS_TRACE_TOKENS,      /* an array of the prompt's tokens */
    TS_TRACE_STATUS,      /* "failure", "error": the request is dropped */
    TS_TRACE_GATEWAY_HIT, /* true: a gateway answered out of its own cache, and the request is dropped */
    TS_TRACE_OPERATION,   /* of a span: "invoke_agent", "execute_tool" and the like are no calls of a model */
    TS_TRACE_CALL,        /* what others call this request that wait for it */
    TS_TRACE_WAITS,       /* the requests, one or an array, whose replies it waits for */
    TS_TRACE_DELAY,       /* and so long after them */
    TS_TRACE_TOOL,        /* and so long more, for tools: before this request, or (LLMServingSim) after it */
    TS_TRACE_CLOCK,       /* the time of day, where TIME is the day alone */
    TS_TRACE_WRITTEN,     /* tokens of the prompt that PROMPT does not count: those written into a cache */
    TS_TRACE_THOUGHTS,    /* tokens of the reply that OUTPUT does not count: what the model thought */
    TS_TRACE_N_READ,
    /* told as not used: */
    TS_TRACE_MODEL = TS_TRACE_N_READ,
    TS_TRACE_USER,
    TS_TRACE_MODALITY,
    TS_TRACE_DEADLINE,
    TS_TRACE_RIGHT,
    TS_TRACE_COST,
    TS_TRACE_N_FIELDS
};

/* Columns that the user names: of a CSV by their header, of JSON by their key, or a path of keys with dots between.
 * Upper and lower case, blanks and signs do not matter where no column has exactly that name. */
struct ts_trace_map {
    const char *columns[TS_TRACE_N_FIELDS]; /* NULL: found by the names in the table of formats */
    const char *time_unit;                  /* one of ts_trace_time_units, or NULL: told by the values */
};

/* Reads "time='Request Start',in=Prompt_Tokens,out=Completion_Tokens" into *out; strings are written into `text`, a
 * buffer of the caller's of at least strlen(map) + 1 bytes. TS_EUSAGE. */
enum ts_status ts_trace_map_parse(struct ts_trace_map *out, char *text, const char *map, struct ts_diags *diags);
/* The word for a field ("time", "in", "class"), NULL for those that cannot be mapped. */
const char *ts_trace_map_word(enum ts_trace_field field);
/* "s", "ms", "us", "ns", "excel", "dmy", "mdy"; NULL at the end. */
const char *const *ts_trace_time_units(void);

/* Names that the rows' classes may have. */
struct ts_trace_classes {
    const char *const *names; /* [n] */
    uint32_t n;
};

/* Rows whose column has that text are of that class; several conditions for one class must all hold. */
struct ts_trace_where {
    const char *column, *text;
    uint16_t class_id; /* TS_TRACE_NO_CLASS: the row is dropped where it does not hold, and of no class where it does */
};
enum { TS_TRACE_MAX_WHERE = 64, TS_TRACE_NO_CLASS = UINT16_MAX };

/* When a request of a session begins. */
enum ts_trace_turns {
    TS_TRACE_AS_TOLD,     /* after the replies of those that the file says it waits for; else when it was recorded */
    TS_TRACE_AFTER_REPLY, /* besides, after the reply to the one before it in its session */
    TS_TRACE_AS_RECORDED, /* when it was recorded, whatever else the file says of it */
};

struct ts_trace_options {
    const char *format;             /* a name of ts_trace_format_names; NULL or "auto": found out from the header */
    const struct ts_trace_map *map; /* may be NULL */
    /* NULL: classes are not looked at. Else where rows name a class, requests get its index, and another name than
     * those is an error. */
    const struct ts_trace_classes *classes;
    struct ts_trace_names *learns;      /* in place of `classes`: names are learned, and requests get their index */
    const struct ts_trace_where *where; /* [n_where], those of one class together */
    size_t n_where;
    bool drops_others; /* rows that no `where` selects are dropped */
    enum ts_trace_turns turns;
    bool sorts;                         /* all rows are sorted by time before the first is handed out */
    const struct ts_progress *progress; /* NULL: nobody listens */
};

/* Opens a trace file. Arrivals are relative to the first row. A row without tokens or time, and one that is no call of
 * a model, is dropped and counted by reason; a row that cannot be read is an error. Diagnostics: unknown format (lists
 * those known), empty file, binary file, truncated row. A file of few rows (TS_TRACE_MAX_PEEKED) and one whose disorder
 * shows among the first ones is sorted; if it shows later, the stream ends with TS_EINPUT and `came_late` in its
 * counts: open it again with `sorts`. TS_EIO, TS_EINPUT, TS_ENOMEM. Whoever listens at the progress is asked with every
 * piece that is read, now and later: TS_EINTERRUPTED. What the options point to is borrowed until destroy. */
enum ts_status ts_trace_open_as(struct ts_request_stream **out, const char *path,
                                const struct ts_trace_options *options, struct ts_diags *diags);
enum { TS_TRACE_MAX_PEEKED = 8192 };

/* Why a row is no request. */
enum ts_trace_drop {
    TS_TRACE_KEPT,
    TS_TRACE_NO_PROMPT,
    TS_TRACE_NO_OUTPUT,
    TS_TRACE_NO_TIME,
    TS_TRACE_FAILED,
    TS_TRACE_FROM_GATEWAY,
    TS_TRACE_NO_CALL,
    TS_TRACE_OTHER_CLASS,
    TS_TRACE_NOT_ASKED_FOR,
    TS_TRACE_HEADER_AGAIN, /* of a file that was put together from several */
    TS_TRACE_N_DROPS
};
const char *ts_trace_drop_text(enum ts_trace_drop reason);

/* Rows read and rows dropped so far by a stream of ts_trace_open_as. */
struct ts_trace_counts {
    uint64_t n_rows, n_kept, n_dropped;
    const char *drop_reason; /* of the first dropped row, NULL if none */
    uint64_t drop_line;
    struct {
        uint64_t n, first_line;
    } drops[TS_TRACE_N_DROPS];
    bool names_classes;        /* rows name a class, whether it was looked at or not */
    bool was_sorted;           /* the rows were not in order of time */
    bool came_late;            /* a row is earlier than one handed out already: the stream ended there */
    uint64_t late_line;        /* the first row that is earlier than the one before it; 0: none */
    uint64_t naive_line;       /* a time without a zone, in the hour that clocks are set back; 0: none */
    uint64_t grouped_line;     /* the first number of tokens with thousands set off; 0: none */
    uint64_t header_line;      /* lines before it are something else; 0: there are none */
    int64_t tick_ns;           /* dates that are all whole minutes, hours or days: that long; else 0 */
    int64_t first_ns, last_ns; /* of the rows kept, since 1970; 0 where times are no dates */
    int64_t start_ns;          /* of the arrival 0, on the file's own clock */
    char unused[128];          /* columns that are not used: "Model, Total tokens and 3 more"; "": all are */
};
struct ts_trace_counts ts_trace_counts(const struct ts_request_stream *stream);
/* Appends the counts by reason: "2 no output tokens (first: line 7), 1 failed (line 9)"; nothing if none was dropped.
 */
void ts_trace_counts_tell(struct ts_text *out, const struct ts_trace_counts *counts);
/* Adds what somebody should know of the file: rows dropped, and sorted, times that there may be twice, columns that are
 * not used. */
void ts_trace_counts_warn(const struct ts_trace_counts *counts, const char *path, struct ts_diags *diags);

/* Appends what the reader understood, a line each: format, separator, time and its unit, what columns are taken for,
 * columns that are not used, the first rows. After the last request. */
void ts_trace_tell(struct ts_text *out, const struct ts_request_stream *stream);

/* Calls of a month by a week curve ([168] weights from Monday 00:00), to those of 730 h like this span of the week:
 * mean of the curve / its mean over the span. NaN for an empty span, and where the curve is 0 in all of it. */
double ts_trace_span_factor(const double *curve, int64_t first_ns, int64_t last_ns);

/* What rows say of requests beside their lengths: those that were read so far, at the first one TS_TRACE_MAX_PEEKED or
 * all there are. */
struct ts_trace_tells {
    bool classes, sensitivity, difficulty, sessions;
    uint16_t block_tok; /* of what prompts consist of, beyond what their sessions say; 0: nothing, 1: different ones */
    bool is_partial;    /* such ids do not always go on to the end of the prompt */
};
struct ts_trace_tells ts_trace_tells(const struct ts_request_stream *stream);
/* A time as a trace may have it: "2024-05-10 14:00", with or without a zone. False if the text is none. */
bool ts_trace_date_parse(int64_t *out_ns, const char *text);

/* Do its rows say of which sessions they are, or what they wait for? Of JSON: does one of the first. */
bool ts_trace_tells_sessions(const struct ts_request_stream *stream);

const char *const *ts_trace_format_names(void); /* NULL at the end */
/* May requests of that format ("auto": of some format) say what their prompts consist of? */
bool ts_trace_format_tells_prompts(const char *format);

#endif
