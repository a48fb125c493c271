/* How one scalar, list or distribution of the scenario becomes a value. Private to scenarios/. */
#ifndef TS_SCENARIOS_LANGUAGE_BIND_H
#define TS_SCENARIOS_LANGUAGE_BIND_H

#include "scenarios/language/loader.h"

/* Each fills the part of `value` that its type has. On a mistake: reports it and returns false. */
bool ts_bind_scalar(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node);
bool ts_bind_distribution(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node);
bool ts_bind_gaps(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node);
bool ts_bind_curve(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node);
bool ts_bind_numbers(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node);

/* Is {uncertain: ...}, or a distribution, written where a number is due? */
bool ts_bind_is_uncertain(const struct ts_node *node);
/* Then: puts it on the value's list as the input `path`, and its median into *out. */
bool ts_bind_uncertain(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node, const char *path,
                       double *out);
/* A new input on the value's list, of the key's unit and range; NULL with a message if it cannot be one. */
struct ts_uncertain *ts_bind_input(struct ts_loader *loader, struct ts_value *value, const struct ts_node *node,
                                   const char *path);
/* {p10: .., p50: .., p90: ..} */
bool ts_bind_points(struct ts_loader *loader, struct ts_uncertain *out, const struct ts_node *node);

/* A number in `unit` within [min, max]; `label` is the key's name for messages. */
bool ts_bind_number(struct ts_loader *loader, const struct ts_node *node, const char *label, const char *unit,
                    double min, double max, double *out);
/* The scalar after a node, or NULL with a message. */
const char *ts_bind_word(struct ts_loader *loader, const struct ts_node *node, const char *label, const char *due);
void ts_bind_error(struct ts_loader *loader, const struct ts_node *node, const char *hint, const char *fmt, ...)
    TS_PRINTF(4, 5);

#endif
