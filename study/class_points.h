/* Published and recorded measurements of one class of hardware under one group of engines, each beside what a set of
 * constants says about it. */
#ifndef TS_STUDY_CLASS_POINTS_H
#define TS_STUDY_CLASS_POINTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/diag.h"
#include "scenarios/catalog/efficiency.h"
#include "sim/serving/closed_loop.h"

enum ts_class_measure {
    TS_CLASS_TPOT,   /* s: time per token, or the gap of steps that only decode */
    TS_CLASS_TTFT,   /* s */
    TS_CLASS_RATE,   /* output tokens per second of a recording */
    TS_CLASS_JOULES, /* of the accelerators, for an output token */
    TS_CLASS_DECODE,
    TS_CLASS_PREFILL, /* tokens per second of a published rate */
    TS_CLASS_N_MEASURES
};

/* What a measurement can be left out with. */
enum ts_class_label { TS_CLASS_CHIP, TS_CLASS_MODEL, TS_CLASS_SOURCE, TS_CLASS_ENGINE, TS_CLASS_N_LABELS };

enum { TS_CLASS_MAX_ENGINES = 8 };

struct ts_class_point {
    enum ts_class_measure measure;
    double recorded;
    bool is_gap; /* of TS_CLASS_TPOT */
    struct ts_efficiency_case on;
    struct ts_closed_loop load;
    const struct ts_serving *from; /* NULL: a published rate */
    bool small_cache;              /* users find room for a cache of 8 bits alone */
    struct {
        double tpot, ttft;
    } simulated;                          /* over the closed form, see study/class_simulation.h; 1: not simulated */
    uint32_t engine;                      /* row of engines.csv */
    uint32_t group[TS_CLASS_N_LABELS];    /* numbered from 0 in the order of appearance */
    const char *label[TS_CLASS_N_LABELS]; /* what that number stands for */
    double power_w;                       /* of all accelerators while they serve, from other models */
};

struct ts_class_points {
    struct ts_class_point *points;
    size_t n;
    uint32_t n_groups[TS_CLASS_N_LABELS];
};

const char *ts_class_measure_name(enum ts_class_measure measure);
const char *ts_class_label_name(enum ts_class_label label);

/* The catalog has its published points. */
enum ts_status ts_class_points_collect(struct ts_class_points *out, const struct ts_catalog *catalog,
                                       const char *class_name, const char *engines, struct ts_arena *arena,
                                       struct ts_diags *diags);

/* Of a request beside its steps. */
double ts_class_point_first_s(const struct ts_class_point *point, const struct ts_engine_cost *engine);

/* Predicted over recorded. */
double ts_class_point_ratio(const struct ts_class_point *point, const struct ts_efficiency *constants,
                            const struct ts_engine_cost *engine);

#endif
