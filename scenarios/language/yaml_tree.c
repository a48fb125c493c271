/* Hides libyaml: its event interface (its document loader can be made to run for ever), with caps on depth, size and
 * members. libyaml counts in characters; spans count in bytes: a cursor walks along with the events. */
#include "scenarios/language/yaml_tree.h"

#include <string.h>

#include <yaml.h>

struct cursor {
    size_t chars; /* as libyaml counts */
    size_t byte;  /* the same place in source->data */
};

struct builder {
    yaml_parser_t parser;
    struct ts_arena *arena;
    const struct ts_source *source;
    struct ts_diags *diags;
    size_t start; /* byte of source->data where the text begins */
    struct cursor cursor;
    struct ts_node *stack[TS_YAML_MAX_DEPTH];
    size_t depth;
    struct ts_node *root;
    const char *key; /* waiting for its value */
    struct ts_span key_at;
    bool key_bad;
    size_t n_documents;
    size_t n_nodes;
    enum ts_status status; /* not OK: stop */
};

static size_t char_len(unsigned char lead)
{
    if (lead < 0x80) {
        return 1;
    }
    return lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

static size_t byte_at(struct builder *b, size_t chars)
{
    struct cursor *c = &b->cursor;
    if (chars < c->chars) {
        *c = (struct cursor){0, b->start};
    }
    while (c->chars < chars && c->byte < b->source->len) {
        c->byte += char_len((unsigned char)b->source->data[c->byte]);
        c->chars++;
    }
    return c->byte < b->source->len ? c->byte : b->source->len;
}

static struct ts_span span_of_bytes(const struct ts_source *source, size_t from, size_t to)
{
    uint32_t lo = 0;
    uint32_t hi = source->n_lines;
    while (lo + 1 < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (source->line_start[mid] <= from) {
            lo = mid;
        } else {
            hi = mid;
        }
    }
    size_t line_len = 0;
    ts_source_line(source, lo + 1, &line_len);
    size_t start = source->n_lines ? source->line_start[lo] : 0;
    size_t end = start + line_len;
    from = from < end ? from : end;
    size_t last = to < end ? to : end;
    return (struct ts_span){source, NULL, lo + 1, (uint32_t)(from - start) + 1,
                            last > from ? (uint32_t)(last - from) : 1};
}

static struct ts_span span_of(struct builder *b, const yaml_mark_t *from, const yaml_mark_t *to)
{
    size_t start = byte_at(b, from->index);
    struct cursor keep = b->cursor;
    size_t end = byte_at(b, to->index);
    b->cursor = keep;
    return span_of_bytes(b->source, start, end);
}

static void refuse(struct builder *b, struct ts_span at, const char *hint, const char *message)
{
    ts_diags_add(b->diags, TS_ERROR, at, hint, "%s", message);
}

static void stop(struct builder *b, struct ts_span at, const char *hint, const char *message)
{
    refuse(b, at, hint, message);
    b->status = TS_ESCENARIO;
}

void ts_yaml_tree_append(struct ts_node *parent, struct ts_node *child)
{
    if (parent->last) {
        parent->last->next = child;
    } else {
        parent->first = child;
    }
    parent->last = child;
    parent->n++;
}

void ts_yaml_tree_remove(struct ts_node *parent, struct ts_node *child)
{
    struct ts_node *before = NULL;
    while ((before ? before->next : parent->first) != child) {
        before = before ? before->next : parent->first;
    }
    *(before ? &before->next : &parent->first) = child->next;
    parent->last = parent->last == child ? before : parent->last;
    parent->n--;
}

struct ts_node *ts_yaml_tree_find(const struct ts_node *map, const char *key)
{
    if (!map || map->kind != TS_NODE_MAP) {
        return NULL;
    }
    for (struct ts_node *node = map->first; node; node = node->next) {
        if (ts_str_equal(node->key, key)) {
            return node;
        }
    }
    return NULL;
}

static void check_key(struct builder *b, const struct ts_node *map)
{
    if (ts_str_equal(b->key, "<<")) {
        refuse(b, b->key_at, "write the keys out", "merge keys ('<<') are not supported");
        b->key_bad = true;
        return;
    }
    const struct ts_node *twin = ts_yaml_tree_find(map, b->key);
    if (twin) {
        ts_diags_add(b->diags, TS_ERROR, b->key_at, NULL, "the key '%s' is here a second time", b->key);
        ts_diags_add(b->diags, TS_NOTE, twin->key_at, NULL, "the first '%s' is here", b->key);
        b->key_bad = true;
    }
}

static void take_key(struct builder *b, const struct ts_node *map, const yaml_event_t *event)
{
    b->key_at = span_of(b, &event->start_mark, &event->end_mark);
    b->key_bad = false;
    if (event->type != YAML_SCALAR_EVENT) {
        stop(b, b->key_at, NULL, "a key must be a word, not a list, a section or an alias");
        return;
    }
    b->key = ts_arena_strndup(b->arena, (const char *)event->data.scalar.value, event->data.scalar.length);
    if (!b->key) {
        b->status = TS_ENOMEM;
        return;
    }
    check_key(b, map);
}

/* Hangs the node where it belongs: under its key, at the end of its list, or as the root. */
static void place(struct builder *b, struct ts_node *node)
{
    struct ts_node *parent = b->depth > 0 ? b->stack[b->depth - 1] : NULL;
    if (!parent) {
        b->root = node;
        return;
    }
    if (parent->n == TS_YAML_MAX_CHILDREN) {
        stop(b, node->at, NULL, "more than 4,096 members in one section or list");
        return;
    }
    if (parent->kind == TS_NODE_MAP) {
        node->key = b->key;
        node->key_at = b->key_at;
        b->key = NULL;
        if (b->key_bad) {
            return; /* the first of the two stays */
        }
    }
    ts_yaml_tree_append(parent, node);
}

static struct ts_node *new_node(struct builder *b, const yaml_event_t *event, enum ts_node_kind kind)
{
    if (++b->n_nodes > TS_YAML_MAX_NODES) {
        stop(b, span_of(b, &event->start_mark, &event->end_mark), NULL, "more than 100,000 values in one file");
        return NULL;
    }
    struct ts_node *node = ts_arena_alloc(b->arena, sizeof *node);
    if (!node) {
        b->status = TS_ENOMEM;
        return NULL;
    }
    node->kind = kind;
    node->text = "";
    node->at = span_of(b, &event->start_mark, &event->end_mark);
    return node;
}

static void refuse_decoration(struct builder *b, struct ts_node *node, const yaml_char_t *anchor,
                              const yaml_char_t *tag)
{
    if (anchor) {
        refuse(b, node->at, "write the value out at each place", "anchors ('&') are not supported");
    }
    if (tag) {
        refuse(b, node->at, "leave the tag out: the key determines the type", "tags ('!') are not supported");
    }
}

static void on_scalar(struct builder *b, const yaml_event_t *event)
{
    struct ts_node *node = new_node(b, event, TS_NODE_SCALAR);
    if (!node) {
        return;
    }
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    node->text = ts_arena_strndup(b->arena, (const char *)event->data.scalar.value, event->data.scalar.length);
    if (!node->text) {
        b->status = TS_ENOMEM;
        return;
    }
    if (strlen(node->text) != event->data.scalar.length) {
        refuse(b, node->at, NULL, "a NUL character inside a value");
    }
    refuse_decoration(b, node, event->data.scalar.anchor, event->data.scalar.tag);
    place(b, node);
}

static void on_alias(struct builder *b, const yaml_event_t *event)
{
    struct ts_node *node = new_node(b, event, TS_NODE_SCALAR);
    if (node) {
        node->bad = true;
        refuse(b, node->at, "write the value out at each place", "aliases ('*') are not supported");
        place(b, node);
    }
}

static void on_open(struct builder *b, const yaml_event_t *event)
{
    bool map = event->type == YAML_MAPPING_START_EVENT;
    struct ts_node *node = new_node(b, event, map ? TS_NODE_MAP : TS_NODE_LIST);
    if (!node) {
        return;
    }
    node->at.len = 1;
    refuse_decoration(b, node, map ? event->data.mapping_start.anchor : event->data.sequence_start.anchor,
                      map ? event->data.mapping_start.tag : event->data.sequence_start.tag);
    place(b, node);
    if (b->status == TS_OK && b->depth == TS_YAML_MAX_DEPTH) {
        stop(b, node->at, NULL, "nested more than 64 deep");
    }
    if (b->status == TS_OK) {
        b->stack[b->depth++] = node;
    }
}

static void on_event(struct builder *b, const yaml_event_t *event)
{
    const struct ts_node *top = b->depth > 0 ? b->stack[b->depth - 1] : NULL;
    bool value = event->type == YAML_SCALAR_EVENT || event->type == YAML_ALIAS_EVENT ||
                 event->type == YAML_MAPPING_START_EVENT || event->type == YAML_SEQUENCE_START_EVENT;
    if (value && top && top->kind == TS_NODE_MAP && !b->key) {
        take_key(b, top, event);
        return;
    }
    switch (event->type) {
    case YAML_SCALAR_EVENT:
        on_scalar(b, event);
        break;
    case YAML_ALIAS_EVENT:
        on_alias(b, event);
        break;
    case YAML_MAPPING_START_EVENT:
    case YAML_SEQUENCE_START_EVENT:
        on_open(b, event);
        break;
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        b->depth--;
        break;
    case YAML_DOCUMENT_START_EVENT:
        if (b->n_documents++ == 1) {
            stop(b, span_of(b, &event->start_mark, &event->end_mark),
                 "one file holds one scenario: put the second into a file of its own", "a second YAML document");
        }
        break;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT:
        break;
    }
}

/* A bound without quotes: > begins a text over several lines in YAML. */
static bool is_bare_bound(const struct ts_source *source, uint32_t line)
{
    size_t len = 0;
    const char *text = ts_source_line(source, line, &len);
    for (size_t i = 0; i + 1 < len; i++) {
        if (text[i] == '>' && text[i + 1] == '=' && (i == 0 || strchr(" :{,", text[i - 1]))) {
            return true;
        }
    }
    return false;
}

static void on_libyaml_error(struct builder *b)
{
    const yaml_parser_t *p = &b->parser;
    if (p->error == YAML_MEMORY_ERROR) {
        b->status = TS_ENOMEM;
        return;
    }
    if (p->error == YAML_READER_ERROR) {
        size_t byte = b->start + p->problem_offset;
        ts_diags_add(b->diags, TS_ERROR,
                     span_of_bytes(b->source, byte < b->source->len ? byte : b->source->len, byte + 1),
                     "save the file as UTF-8 text", "%s (0x%x)", p->problem ? p->problem : "unreadable text",
                     (unsigned)p->problem_value);
    } else {
        const struct ts_span at = span_of(b, &p->problem_mark, &p->problem_mark);
        ts_diags_add(b->diags, TS_ERROR, at,
                     is_bare_bound(b->source, at.line)
                         ? "put a bound in quotes: '>= 99 %'"
                         : "look at the indentation, colons, brackets and quotes here and on the line above",
                     "this is not YAML: %s%s%s", p->context ? p->context : "", p->context ? ", " : "",
                     p->problem ? p->problem : "unknown reason");
    }
    b->status = TS_ESCENARIO;
}

/* The first tab outside of comments, or len. */
static size_t find_tab(const char *data, size_t from, size_t len)
{
    bool comment = false;
    for (size_t i = from; i < len; i++) {
        if (data[i] == '\n') {
            comment = false;
        } else if (data[i] == '#' && (i == from || data[i - 1] == ' ' || data[i - 1] == '\n')) {
            comment = true;
        } else if (data[i] == '\t' && !comment) {
            return i;
        }
    }
    return len;
}

static void parse_events(struct builder *b)
{
    bool more = true;
    while (more && b->status == TS_OK) {
        yaml_event_t event;
        if (!yaml_parser_parse(&b->parser, &event)) {
            on_libyaml_error(b);
            return;
        }
        on_event(b, &event);
        more = event.type != YAML_STREAM_END_EVENT;
        yaml_event_delete(&event);
    }
}

enum ts_status ts_yaml_tree_parse(struct ts_node **out, struct ts_arena *arena, const struct ts_source *source,
                                  size_t offset, struct ts_diags *diags)
{
    struct builder b;
    memset(&b, 0, sizeof b);
    b.arena = arena;
    b.source = source;
    b.diags = diags;
    b.start = offset;
    if (offset == 0 && source->len >= 3 && memcmp(source->data, "\xef\xbb\xbf", 3) == 0) {
        b.start = 3;
    }
    b.cursor.byte = b.start;
    size_t tab = find_tab(source->data, b.start, source->len);
    if (tab < source->len) {
        return ts_fail(diags, TS_ESCENARIO, span_of_bytes(source, tab, tab + 1), "indent and separate with blanks",
                       "a tab character");
    }
    if (!yaml_parser_initialize(&b.parser)) {
        return TS_ENOMEM;
    }
    yaml_parser_set_encoding(&b.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&b.parser, (const unsigned char *)source->data + b.start, source->len - b.start);
    parse_events(&b);
    yaml_parser_delete(&b.parser);
    if (b.status != TS_OK) {
        return b.status;
    }
    *out = b.root;
    return TS_OK;
}

static void show_scalar(struct ts_text *out, const struct ts_node *node)
{
    if (node->quoted) {
        ts_text_printf(out, "'%s'", node->text);
    } else {
        ts_text_puts(out, node->text);
    }
}

void ts_yaml_tree_show(struct ts_text *out, const struct ts_node *node)
{
    if (node->kind == TS_NODE_SCALAR) {
        show_scalar(out, node);
        return;
    }
    bool map = node->kind == TS_NODE_MAP;
    ts_text_puts(out, map ? "{" : "[");
    for (const struct ts_node *child = node->first; child; child = child->next) {
        if (map) {
            ts_text_printf(out, "%s: ", child->key);
        }
        ts_yaml_tree_show(out, child);
        ts_text_puts(out, child->next ? ", " : "");
    }
    ts_text_puts(out, map ? "}" : "]");
}
