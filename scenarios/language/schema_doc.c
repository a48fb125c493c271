/* Hides how the rows of the schema become a page for people and a JSON Schema for editors. Both are checked in under
 * docs/ and compared by a test. */
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "base/units.h"
#include "scenarios/language/schema.h"

enum { MAX_ROWS = 64 };

/* ---- the reference page ---- */

static const char intro[] =
    "# The scenario language\n"
    "\n"
    "A scenario is one YAML file: sections, lists and words, without anchors, aliases and tags. This page is made from "
    "the\n"
    "table that checks scenarios, so it cannot disagree with the program; `tiersim explain KEY` prints a row of it, "
    "and\n"
    "`docs/scenario.schema.json` tells editors.\n"
    "\n"
    "- A **quantity** carries its unit: `40 ms`, `24 GiB`, `0.15 USD/kWh`, `40 k/day`, `8 %/year`. A bare number where "
    "a\n"
    "  unit is needed is an error.\n"
    "- A **number** is plain; an **integer** is a count, with or without its unit: `8192` or `8 ktok`.\n"
    "- An **hour of the day** is a number, `17.5`, or the time on a clock, `17:30`.\n"
    "- A **distribution** is a quantity (always that value), or one of `{lognormal: {median: 35 ms, p95: 90 ms}}`,\n"
    "  `{lognormal: {mean: 40 ms, cv: 0.8}}`, `{normal: {mean: 0.1, sd: 0.8}}`, `{gamma: {mean: 2 s, cv: 1.6}}`,\n"
    "  `{uniform: {low: 1 s, high: 3 s}}`, `{exponential: {mean: 2 s}}`, `{weibull: {shape: 0.7, scale: 2 s}}`, and "
    "for\n"
    "  tokens `{empirical: azure-conversation}`. Draws stay within the key's range.\n"
    "- An uncertain quantity, number or integer is written `{uncertain: {p10: 25 kUSD, p90: 40 kUSD}}`, with "
    "p50\n"
    "  where it is not their geometric mean (where p10 is not above 0: their mean), or as a distribution: one value "
    "for\n"
    "  the whole run, also as a parameter of a distribution. A plain run takes the median; `tiersim claims` draws.\n"
    "- A **reference** is the name of a tier, link or class of the same file, or of a catalog row; a catalog row is "
    "found\n"
    "  by the whole name, or by a start or a part of it that fits no other row.\n"
    "- A **bound** is a text such as `'>= 99 %'`, in quotes in a file; `--set 'limits.attainment=>= 99 %'` needs none\n"
    "  inside.\n"
    "- `*` stands for a name of yours (letters, digits, - and _), `[]` for the items of a list. In a list of named "
    "things a\n"
    "  bare word is the name.\n"
    "- `--set tiers.edge.replicas=4` on the command line writes a key; items of a list are found by name or number:\n"
    "  `--set workload.classes.chat.share=\"40 %\"`. `--set tiers.edge.owned.capex=null` takes a key out: its\n"
    "  default holds.\n"
    "- Every key has an effect (`tests/scenarios/test_every_key.c` tries each). Where a written one has none as the\n"
    "  scenario stands, `tiersim check` says so and why:\n"
    "  `'tiers.edge.balance' has no effect here: there is one replica to choose from`.\n"
    "- Keys for one kind of tier are marked in the column *for*. A key without a default may be left out unless it is\n"
    "  marked **required**.\n";

static size_t top_length(const char *path)
{
    return strcspn(path, ".");
}

static void put_kind(struct ts_text *out, const struct ts_key *key)
{
    ts_text_puts(out, key->doc->type);
    if (key->type == TS_KEY_REFERENCE || key->type == TS_KEY_REFERENCES) {
        ts_text_printf(out, " (%s)", key->extra);
    } else if (key->type == TS_KEY_CHOICE) {
        for (const struct ts_choice *choice = key->doc->choices; choice->word; choice++) {
            ts_text_printf(out, "%s%s", choice == key->doc->choices ? ": " : ", ", choice->word);
        }
    } else if (key->type == TS_KEY_BOUND) {
        ts_text_printf(out, " %s", ts_str_equal(key->extra, ">=") ? "&ge;" : "&le;");
    }
    if (key->doc->unit && !ts_str_equal(key->doc->unit, "1")) {
        ts_text_printf(out, " in %s", key->doc->unit);
    }
}

static void put_row(struct ts_text *out, const struct ts_key *key)
{
    ts_text_printf(out, "| `%s` | ", key->doc->path);
    put_kind(out, key);
    ts_text_puts(out, " | ");
    if (key->doc->required) {
        ts_text_puts(out, "**required**");
    } else if (key->doc->dflt) {
        ts_text_printf(out, "`%s`", key->doc->dflt);
    }
    ts_text_printf(out, " | %s | %s |\n", key->doc->applies ? key->doc->applies : "", key->doc->doc);
}

void ts_schema_markdown(struct ts_text *out)
{
    ts_text_puts(out, intro);
    const char *before = "";
    bool in_head = false;
    for (size_t i = 0; i < ts_schema_n_keys(); i++) {
        struct ts_key key = ts_schema_key(i);
        const char *path = key.doc->path;
        size_t len = top_length(path);
        bool section = key.type == TS_KEY_SECTION || key.type == TS_KEY_NAMES;
        bool same = strlen(before) >= len && top_length(before) == len && strncmp(before, path, len) == 0;
        if (!same && (section || !in_head)) {
            ts_text_printf(out, "\n## %s\n\n", section ? path : "At the top");
            if (section) {
                ts_text_printf(out, "%s\n\n", key.doc->doc);
            }
            ts_text_puts(out, "| key | type | default | for | meaning |\n|---|---|---|---|---|\n");
            in_head = !section;
        }
        if (!(section && !same)) {
            put_row(out, &key);
        }
        before = path;
    }
}

/* ---- JSON Schema ---- */

static void put_members(struct ts_json_writer *json, const char *prefix);

static void put_type(struct ts_json_writer *json, const char *type)
{
    ts_json_member_string(json, "type", type);
}

static void put_types(struct ts_json_writer *json, const char *first, const char *second)
{
    ts_json_key(json, "type");
    ts_json_begin_array(json);
    ts_json_put_string(json, first);
    ts_json_put_string(json, second);
    ts_json_end_array(json);
}

static void put_three_types(struct ts_json_writer *json, const char *third)
{
    ts_json_key(json, "type");
    ts_json_begin_array(json);
    ts_json_put_string(json, "string");
    ts_json_put_string(json, "number");
    ts_json_put_string(json, third);
    ts_json_end_array(json);
}

static void put_choices(struct ts_json_writer *json, const struct ts_choice *choices)
{
    ts_json_key(json, "enum");
    ts_json_begin_array(json);
    for (const struct ts_choice *choice = choices; choice->word; choice++) {
        ts_json_put_string(json, choice->word);
    }
    ts_json_end_array(json);
}

/* An object of fixed keys. */
static void put_object(struct ts_json_writer *json, const char *prefix)
{
    put_type(json, "object");
    ts_json_member_bool(json, "additionalProperties", false);
    put_members(json, prefix);
}

static void put_item(struct ts_json_writer *json, const char *prefix)
{
    struct ts_text name;
    ts_text_init(&name);
    ts_text_printf(&name, "%s.name", prefix);
    ts_json_begin_object(json);
    if (ts_schema_find(prefix) >= 0) {
        put_types(json, "string", "number");
    } else if (ts_schema_find(name.data) >= 0) {
        ts_json_key(json, "anyOf");
        ts_json_begin_array(json);
        ts_json_begin_object(json);
        put_type(json, "string");
        ts_json_end_object(json);
        ts_json_begin_object(json);
        put_object(json, prefix);
        ts_json_end_object(json);
        ts_json_end_array(json);
    } else {
        put_object(json, prefix);
    }
    ts_json_end_object(json);
    ts_text_deinit(&name);
}

static void put_container(struct ts_json_writer *json, const struct ts_key *key)
{
    struct ts_text below;
    ts_text_init(&below);
    bool list = key->type == TS_KEY_LIST;
    ts_text_printf(&below, "%s%s", key->doc->path, list ? "[]" : ".*");
    put_type(json, list ? "array" : "object");
    ts_json_key(json, list ? "items" : "additionalProperties");
    put_item(json, below.data);
    ts_text_deinit(&below);
}

static void put_shape(struct ts_json_writer *json, const struct ts_key *key)
{
    switch (key->type) {
    case TS_KEY_SECTION:
        if (key->extra) {
            put_types(json, "object", "string");
            put_members(json, key->doc->path);
        } else {
            put_object(json, key->doc->path);
        }
        break;
    case TS_KEY_NAMES:
    case TS_KEY_LIST:
        put_container(json, key);
        break;
    case TS_KEY_CHOICE:
        put_choices(json, key->doc->choices);
        break;
    case TS_KEY_BOOLEAN:
        put_type(json, "boolean");
        break;
    case TS_KEY_TEXT:
    case TS_KEY_BOUND:
    case TS_KEY_WEEKTIME:
    case TS_KEY_MOMENT:
    case TS_KEY_REFERENCE:
        put_type(json, "string");
        break;
    case TS_KEY_NUMBERS:
        put_type(json, "array");
        break;
    case TS_KEY_REFERENCES:
    case TS_KEY_CURVE:
        put_types(json, "array", "string");
        break;
    case TS_KEY_HOUR:
        put_types(json, "number", "string");
        break;
    case TS_KEY_QUANTITY:
    case TS_KEY_NUMBER:
    case TS_KEY_INTEGER:
    case TS_KEY_DISTRIBUTION:
    case TS_KEY_GAPS:
        put_three_types(json, "object");
        break;
    case TS_N_KEY_TYPES:
        break;
    }
}

/* Rows of one path for several kinds of tier are one member. */
static void put_members(struct ts_json_writer *json, const char *prefix)
{
    size_t rows[MAX_ROWS];
    size_t n = ts_schema_children(prefix, rows, MAX_ROWS);
    bool any_required = false;
    ts_json_key(json, "properties");
    ts_json_begin_object(json);
    for (size_t i = 0; i < n; i++) {
        struct ts_key key = ts_schema_key(rows[i]);
        if (i > 0 && ts_str_equal(ts_schema_key(rows[i - 1]).doc->path, key.doc->path)) {
            continue;
        }
        any_required = any_required || (key.doc->required && key.kinds == TS_FOR_ALL);
        ts_json_key(json, ts_schema_last(key.doc->path));
        ts_json_begin_object(json);
        ts_json_member_string(json, "description", key.doc->doc);
        put_shape(json, &key);
        ts_json_end_object(json);
    }
    ts_json_end_object(json);
    if (!any_required) {
        return;
    }
    ts_json_key(json, "required");
    ts_json_begin_array(json);
    for (size_t i = 0; i < n; i++) {
        struct ts_key key = ts_schema_key(rows[i]);
        if (key.doc->required && key.kinds == TS_FOR_ALL) {
            ts_json_put_string(json, ts_schema_last(key.doc->path));
        }
    }
    ts_json_end_array(json);
}

void ts_schema_json(struct ts_text *out)
{
    struct ts_json_writer json;
    ts_json_writer_init(&json, out);
    ts_json_begin_object(&json);
    ts_json_member_string(&json, "$schema", "https://json-schema.org/draft/2020-12/schema");
    ts_json_member_string(&json, "title", "A tiersim scenario");
    put_object(&json, "");
    ts_json_end_object(&json);
    ts_text_puts(out, "\n");
}
