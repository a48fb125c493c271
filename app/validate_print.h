/* What a validation came to, on the terminal. */
#ifndef TS_APP_VALIDATE_PRINT_H
#define TS_APP_VALIDATE_PRINT_H

#include "live/live.h"
#include "live/validate_report.h"

struct ts_validate_view {
    const struct ts_live *live; /* NULL: an endpoint */
    const char *url;            /* of it */
    uint32_t prompt_seed;       /* of what it was sent, for --seed */
    const struct ts_model_measurement *engine;
    const struct ts_pace_memory *memory;
    double capacity_per_s;
    const struct ts_validation *validations; /* [n] */
    size_t n;
    struct ts_validate_limits limits;
};

/* TS_ENOMEM. */
enum ts_status ts_validate_print(const struct ts_validate_view *view);

#endif
