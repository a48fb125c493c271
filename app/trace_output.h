/* A trace that is made of others and written: what the commands convert, cut, scale and merge have in common. */
#ifndef TS_APP_TRACE_OUTPUT_H
#define TS_APP_TRACE_OUTPUT_H

#include "app/trace_args.h"
#include "traces/trace_splice.h"

struct ts_trace_out_args {
    const char *path, *as;
    bool quiet;
};

#define TS_TRACE_OUT_OPTIONS(type, field)                                                                              \
    {"out", 'o', TS_INTO(type, field.path), "FILE",                                                                    \
     "where to write the trace: NAME.csv, or NAME.jsonl, which keeps what prompts consist of; append .gz to "          \
     "compress; - is "                                                                                                 \
     "standard output"},                                                                                               \
        {"as", 0, TS_INTO(type, field.as), "FORMAT", "csv or jsonl (default: what the name of the file ends with)"},   \
        TS_OPTION_QUIET(type, field.quiet)

struct ts_trace_recipe {
    struct ts_trace_part *parts; /* [n_parts]; sorted where they turn out to need it */
    size_t n_parts;
    size_t n_files; /* the first of the parts that are told of, each of a file of its own; 0: all are of the first one,
                       that is told by its reader alone */
    bool is_aligned;
    struct ts_trace_names *names; /* of classes, which the parts learn */
    const char *method;           /* a sentence on how it was made; "": there is nothing to say */
};

/* Writes the trace and prints what came of the rows that were read (on standard error, where the trace goes to standard
 * output). */
enum ts_status ts_trace_output(const struct ts_trace_out_args *args, struct ts_trace_recipe *recipe,
                               struct ts_diags *diags);

/* What a word of the command line says, e.g. of --rate: a number in that unit above `least`. TS_EUSAGE. */
enum ts_status ts_trace_number(double *out, const char *option, const char *text, const char *unit, double least,
                               struct ts_diags *diags);

#endif
