/* The command line's words: each command has a struct of its own for them and a table of rows, one for each option and
 * operand, that says where in the struct a word goes. The table drives parsing and --help. */
#ifndef TS_APP_OPTIONS_H
#define TS_APP_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"

enum { TS_MAX_SETS = 256, TS_MAX_THREADS = 1024, TS_MAX_OPTIONS = 32 };

/* What an option that may be repeated was given, in order. */
struct ts_option_texts {
    const char *items[TS_MAX_SETS];
    size_t n;
};

/* How a word is read follows from the type of the field that it goes to: TS_INTO. */
enum ts_option_kind {
    TS_OPTION_FLAG,  /* bool */
    TS_OPTION_TEXT,  /* const char * */
    TS_OPTION_COUNT, /* uint32_t */
    TS_OPTION_TEXTS, /* struct ts_option_texts */
};

enum ts_operand { TS_NO_OPERAND, TS_NEEDED, TS_OPTIONAL };

struct ts_option {
    const char *name; /* "trace"; NULL: an operand */
    char letter;      /* 0: none */
    enum ts_option_kind kind;
    size_t offset;       /* into the command's struct */
    const char *metavar; /* "FILE"; NULL: a flag */
    const char *doc;     /* of an operand it begins "a scenario file": what it is */
    struct {
        uint32_t least, most;
    } range;                 /* of a count */
    enum ts_operand operand; /* TEXTS: takes all words from there on; the last of the operands */
    bool reads_stdin;        /* of a text: "-" is standard input (app/spool.h) */
    const char *with;        /* does nothing without this option */
    const char *without[2];  /* does nothing beside these */
    const char *beside;      /* of all options only this one does something beside it; NULL: no such rule */
};

/* .kind and .offset of a row whose word goes to that field of that struct. */
#define TS_INTO(type, field)                                                                                           \
    .kind = _Generic(((type *)0)->field, bool                                                                          \
                     : TS_OPTION_FLAG, const char *                                                                    \
                     : TS_OPTION_TEXT, uint32_t                                                                        \
                     : TS_OPTION_COUNT, struct ts_option_texts                                                         \
                     : TS_OPTION_TEXTS),                                                                               \
    .offset = offsetof(type, field)

/* Rows that several commands have. */
#define TS_OPTION_QUIET(type, field)                                                                                   \
    {                                                                                                                  \
        "quiet", 'q', TS_INTO(type, field), NULL, "no progress on the terminal"                                        \
    }
#define TS_OPTION_THREADS(type, field)                                                                                 \
    {                                                                                                                  \
        "threads", 'j', TS_INTO(type, field), "N", "threads (default: all CPUs)", .range = { 1, TS_MAX_THREADS }       \
    }
#define TS_OPTION_SETS(type, field)                                                                                    \
    {                                                                                                                  \
        "set", 's', TS_INTO(type, field), "KEY=VALUE",                                                                 \
            "override one key of the scenario, e.g. --set tiers.edge.replicas=4 (repeatable)"                          \
    }
#define TS_OPTION_TRACE(type, field)                                                                                   \
    {                                                                                                                  \
        "trace", 't', TS_INTO(type, field), "FILE",                                                                    \
            "replay this request trace instead of the scenario's workload; - is standard input", .reads_stdin = true   \
    }
#define TS_OPTION_MAP(type, field)                                                                                     \
    {                                                                                                                  \
        "map", 0, TS_INTO(type, field), "FIELDS", TS_DOC_TRACE_MAP                                                     \
    }
#define TS_DOC_TRACE_FORMAT                                                                                            \
    "the trace's format: azure, burstgpt, qwen-bailian, ragpulse, mooncake, llmservingsim, vidur, litellm, "           \
    "opentelemetry or mapped"
#define TS_DOC_TRACE_MAP "the trace's columns: time=COLUMN,in=COLUMN,out=COLUMN; also class, sensitivity, session ..."

struct ts_option_table {
    const struct ts_option *rows;
    size_t n;             /* at most TS_MAX_OPTIONS */
    const void *defaults; /* the struct before anything is read */
    size_t size;          /* of it */
};

/* What came of a command line beside the struct. */
struct ts_options_outcome {
    bool help;           /* --help or -h: nothing else was checked */
    char unknown[64];    /* "--fooo", an option that the table has not; "": none */
    const char *surplus; /* a word that no operand is left for; NULL: none */
};

/* Fills *out, of table->size bytes, with the defaults and argv[0..argc). TS_EUSAGE with diagnostics for a missing or
 * malformed value, a missing operand and an option that does nothing beside the others; without one for what is unknown
 * or surplus: the caller knows more of where it belongs. Strings are borrowed from argv. `command`: "bench model". */
enum ts_status ts_options_parse(void *out, struct ts_options_outcome *outcome, const char *command,
                                const struct ts_option_table *table, int argc, char **argv, struct ts_diags *diags);

/* The row of that option, by its whole name ("--trace" or "trace") or letter ("-t"); NULL: none. */
const struct ts_option *ts_options_find(const struct ts_option_table *table, const char *word);

/* The name of the table's option that comes nearest to the word, or NULL. */
const char *ts_options_suggest(const struct ts_option_table *table, const char *word);

/* Appends "tiersim run SCENARIO [options]". */
void ts_options_usage(struct ts_text *out, const char *command, const struct ts_option_table *table);
/* Appends one line per operand and option, with its default. */
void ts_options_help(struct ts_text *out, const struct ts_option_table *table);

#endif
