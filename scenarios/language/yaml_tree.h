/* A YAML text as a tree that knows where everything stands. Private to scenarios/. Only the plain part of YAML is
 * taken: maps, lists and scalars; anchors, aliases, merge keys, tags, further documents and tabs are refused, so that a
 * file means what it looks like. */
#ifndef TS_SCENARIOS_LANGUAGE_YAML_TREE_H
#define TS_SCENARIOS_LANGUAGE_YAML_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/diag.h"
#include "base/source.h"

enum { TS_YAML_MAX_DEPTH = 64, TS_YAML_MAX_BYTES = 16 << 20, TS_YAML_MAX_CHILDREN = 4096, TS_YAML_MAX_NODES = 100000 };

enum ts_node_kind { TS_NODE_SCALAR, TS_NODE_MAP, TS_NODE_LIST };

struct ts_node {
    enum ts_node_kind kind;
    bool quoted;      /* SCALAR: in quotes or a block scalar */
    bool bad;         /* a mistake was reported here already: stay silent about it */
    const char *text; /* SCALAR; "" if nothing is written */
    struct ts_span at;
    const char *key; /* as a member of a map, else NULL */
    struct ts_span key_at;
    struct ts_node *first, *last; /* members of a MAP or LIST, in order */
    struct ts_node *next;
    size_t n;
};

/* Parses source->data from byte `offset` on. *out is NULL for an empty document. Mistakes that can be gone past (a
 * duplicate key, a tag) are errors in `diags` beside TS_OK and a tree without them, so that more mistakes are found in
 * the same run; TS_ESCENARIO: no tree. TS_ENOMEM. Spans point into `source`, which must outlive the tree; the rest is
 * in `arena`. */
enum ts_status ts_yaml_tree_parse(struct ts_node **out, struct ts_arena *arena, const struct ts_source *source,
                                  size_t offset, struct ts_diags *diags);

/* The member with that key, or NULL (also when `map` is NULL or no map). */
struct ts_node *ts_yaml_tree_find(const struct ts_node *map, const char *key);

/* Appends it in YAML's flow style on one line: {median: 35 ms, p95: 90 ms}. */
void ts_yaml_tree_show(struct ts_text *out, const struct ts_node *node);

/* Adds `child` as the last member. */
void ts_yaml_tree_append(struct ts_node *parent, struct ts_node *child);

/* Takes that member out; it has to be one. */
void ts_yaml_tree_remove(struct ts_node *parent, struct ts_node *child);

#endif
