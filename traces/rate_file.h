/* Files that say at which rate requests come, window by window, and not which ones: ServeGen's of a client (start,
 * rate, CV of the gaps, Gamma or Weibull, shape, scale; no header) and tables with columns t_s and rate_rps or
 * total_rate_rps. */
#ifndef TS_TRACES_RATE_FILE_H
#define TS_TRACES_RATE_FILE_H

#include <stdbool.h>

#include "base/diag.h"
#include "base/text.h"

enum { TS_RATE_FILE_MAX_WINDOWS = 100000 };

struct ts_rate_window {
    double start_s, rate_per_s, cv; /* cv 0: not told */
    double shape;                   /* of Weibull gaps; 0: they are Gamma */
};

struct ts_rate_file {
    struct ts_rate_window *windows; /* [n] in order, each as long as the first */
    size_t n;
    double step_s;
    double mean_per_s, peak_per_s;
    bool is_weibull; /* most of the requests come so */
    double
        gap_figure; /* the shape of Weibull gaps, or the CV of Gamma ones: means by requests; 1 where no CV is told */
};

/* Is it such a file? False, too, where it cannot be read. */
bool ts_rate_file_is(const char *path);
/* TS_EINPUT with the line for windows of different lengths or out of order, a rate that is none, fewer than two
 * windows, or no requests in any; TS_EIO, TS_ENOMEM. Deinit in either case; zero it before. */
enum ts_status ts_rate_file_read(struct ts_rate_file *out, const char *path, struct ts_diags *diags);
void ts_rate_file_deinit(struct ts_rate_file *file);

/* Appends a section `workload` with these rates; what requests are like is as in the workload `like`. */
void ts_rate_file_put(struct ts_text *out, const struct ts_rate_file *file, const char *label, const char *like);

#endif
