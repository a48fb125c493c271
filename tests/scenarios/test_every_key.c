/* Every key of the scenario language does something. Each row of ts_scenario_keys() is tried in a scenario of
 * every_key/ in which it counts (every_key_places.inc says where, the longest start of its path decides): it is set to
 * other values until a figure of the run changes. A key that only names or describes changes words instead, and one of
 * one choice refuses all others; the row says why that is right.
 *
 * TS_EVERY_KEY=PART tries the keys with that in their path alone, TS_EVERY_KEY_VERBOSE=1 prints every value. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "tests/scenarios/every_key_outcome.h"
#include "tests/scenarios/every_key_values.h"

enum { MAX_PATH = 256 };

/* How a key shows that it does something. */
enum proof {
    PROOF_FIGURES, /* another value changes a figure */
    PROOF_WORDS,   /* another value changes what the report calls things */
    PROOF_REFUSES, /* another value is an error */
};

/* Where keys whose path begins with `schema` are tried. */
struct place {
    const char *schema, *applies; /* "tiers.*.scheduler", "server": this key and what is below it */
    const char *fixture, *path;   /* every_key/FIXTURE.yaml, and what stands for the schema's path there */
    const char *sets, *values, *with;
    enum proof proof;
    const char *reason; /* why it changes no figure */
};

#define AT(schema, applies, fixture, path) {schema, applies, fixture, path, NULL, NULL, NULL, PROOF_FIGURES, NULL},
#define FIGURES(schema, applies, fixture, path, sets, values, with)                                                    \
    {schema, applies, fixture, path, sets, values, with, PROOF_FIGURES, NULL},
#define WORDS(schema, applies, fixture, path, values, reason)                                                          \
    {schema, applies, fixture, path, NULL, values, NULL, PROOF_WORDS, reason},
#define REFUSES(schema, applies, fixture, path, values, reason)                                                        \
    {schema, applies, fixture, path, NULL, values, NULL, PROOF_REFUSES, reason},

static const struct place places[] = {
#include "tests/scenarios/every_key_places.inc"
};

enum { N_PLACES = sizeof places / sizeof places[0] };

/* Does the place's path stand for this key, or for one above it? How much of it. */
static size_t fit(const struct place *place, const struct ts_key_doc *doc)
{
    const size_t len = strlen(place->schema);
    const bool same_kinds = (!place->applies && !doc->applies) ||
                            (place->applies && doc->applies && ts_str_equal(place->applies, doc->applies));
    const bool above = strncmp(doc->path, place->schema, len) == 0 &&
                       (doc->path[len] == '\0' || doc->path[len] == '.' || doc->path[len] == '[');
    return same_kinds && above ? len : 0;
}

/* Said that the value is read by nobody? */
static bool is_unread(const struct outcome *trial, const char *path)
{
    char word[EVERY_KEY_WORD];
    snprintf(word, sizeof word, "'%s' has no effect", path);
    return strstr(trial->said.data, word) != NULL;
}

/* Does a line of the manifest stand for that path? There * is a name of the user's and [] one of an item. */
static bool stands_for(const char *line, size_t len, const char *path)
{
    while (*path && len > 0) {
        const bool item = path[0] == '[' && path[1] == ']';
        if (*path == '*' || item) {
            const char *rest = path + (item ? 2 : 1);
            for (size_t skip = 1; skip <= len; skip++) {
                if (stands_for(line + skip, len - skip, rest)) {
                    return true;
                }
            }
            return false;
        }
        if (*path++ != *line++) {
            return false;
        }
        len--;
    }
    return *path == '\0' && len == 0;
}

/* The manifest has a line for the key, or (a list of names) for what it is part of: where its value came from is told.
 */
static bool is_in_manifest(const struct outcome *trial, const struct ts_key *key)
{
    char path[MAX_PATH];
    snprintf(path, sizeof path, "%s", key->doc->path);
    char *dot = key->type == TS_KEY_REFERENCES && strstr(path, "[]") ? strrchr(path, '.') : NULL;
    if (dot) {
        *dot = '\0';
    }
    for (const char *line = trial->keys.data + 1; *line; line += strcspn(line, "\n") + 1) {
        if (stands_for(line, strcspn(line, "\n"), path)) {
            return true;
        }
    }
    return false;
}

static bool changes(const struct outcome *base, const struct outcome *trial, const struct place *place,
                    const char *path)
{
    switch (place->proof) {
    case PROOF_FIGURES:
        return trial->status == TS_OK && !is_unread(trial, path) &&
               !ts_str_equal(base->figures.data, trial->figures.data);
    case PROOF_WORDS:
        return trial->status == TS_OK && !is_unread(trial, path) && !ts_str_equal(base->words.data, trial->words.data);
    case PROOF_REFUSES:
        return trial->status == TS_ESCENARIO;
    }
    return false;
}

static void run_at(struct outcome *out, const struct place *place, const char *set)
{
    const char *const parts[EVERY_KEY_PARTS] = {place->sets, set, set ? place->with : NULL};
    every_key_run(out, place->fixture, parts);
}

/* One value of the key. `errors` gets the first one's. */
static bool try_value(const struct place *place, const struct ts_key *key, const struct outcome *base, const char *path,
                      const char *value, struct ts_text *errors)
{
    struct outcome trial;
    char set[EVERY_KEY_WORD];
    assert_true(snprintf(set, sizeof set, "%s=%s", path, value) < EVERY_KEY_WORD);
    run_at(&trial, place, set);
    bool found = changes(base, &trial, place, path);
    if (found && trial.status == TS_OK && !is_in_manifest(&trial, key)) {
        print_error("%s: it counts, but the manifest does not tell it\n", path);
        found = false;
    }
    if (trial.status != TS_OK && errors->len == 0) {
        ts_text_printf(errors, "; the first error:\n%s", trial.said.data);
    }
    if (getenv("TS_EVERY_KEY_VERBOSE")) {
        print_message("%s: %s%s\n%s", set, ts_status_text(trial.status), found ? ", CHANGES" : "", trial.said.data);
    }
    outcome_deinit(&trial);
    return found;
}

static bool does_something_at(const struct place *place, const struct ts_key *key)
{
    struct values values;
    struct outcome base;
    struct ts_text errors;
    char path[MAX_PATH];
    bool found = false;
    ts_text_init(&errors);
    snprintf(path, sizeof path, "%s%s", place->path, key->doc->path + strlen(place->schema));
    run_at(&base, place, NULL);
    if (base.status != TS_OK) {
        print_error("%s.yaml with '%s': %s", place->fixture, place->sets ? place->sets : "", base.said.data);
    }
    values_of(&values, key, ts_str_equal(place->schema, key->doc->path) ? place->values : NULL);
    for (size_t i = 0; base.status == TS_OK && i < values.n && !found; i++) {
        found = try_value(place, key, &base, path, values.items[i], &errors);
    }
    if (!found) {
        print_error("%s (%s) does nothing: %zu values at '%s' of %s.yaml change no %s. Give it an effect, or add a row "
                    "to tests/scenarios/every_key_places.inc with a scenario and values that show it%s\n",
                    key->doc->path, key->doc->applies ? key->doc->applies : "everywhere", values.n, path,
                    place->fixture, place->proof == PROOF_WORDS ? "word" : "figure", errors.len ? errors.data : "");
    }
    ts_text_deinit(&errors);
    values_free(&values);
    outcome_deinit(&base);
    return found;
}

/* Sections, lists and names hold what is tried itself. */
static bool is_container(const struct ts_key *key)
{
    return key->type == TS_KEY_SECTION || key->type == TS_KEY_NAMES || key->type == TS_KEY_LIST;
}

static bool does_something(const struct ts_key *key)
{
    size_t longest = 0, n_tried = 0;
    bool all = true;
    const char *only = getenv("TS_EVERY_KEY");
    if (only && !strstr(key->doc->path, only)) {
        return true;
    }
    for (size_t i = 0; i < N_PLACES; i++) {
        const size_t len = fit(&places[i], key->doc);
        longest = len > longest ? len : longest;
    }
    for (size_t i = 0; longest > 0 && i < N_PLACES; i++) {
        if (fit(&places[i], key->doc) == longest) {
            all = does_something_at(&places[i], key) && all;
            n_tried++;
        }
    }
    if (n_tried == 0) {
        print_error("%s (%s) has no place: add a row to tests/scenarios/every_key_places.inc that names a scenario in "
                    "which its value changes a figure\n",
                    key->doc->path, key->doc->applies ? key->doc->applies : "everywhere");
    }
    return n_tried > 0 && all;
}

static void test_every_key__of_the_language_does_something(void **state)
{
    (void)state;
    size_t n_dead = 0;
    for (size_t i = 0; i < ts_schema_n_keys(); i++) {
        const struct ts_key key = ts_schema_key(i);
        n_dead += !is_container(&key) && !does_something(&key);
    }
    assert_int_equal(n_dead, 0);
}

static void test_every_key__holds_something_if_it_is_a_section(void **state)
{
    (void)state;
    for (size_t i = 0; i < ts_schema_n_keys(); i++) {
        const struct ts_key key = ts_schema_key(i);
        bool any = !is_container(&key);
        const size_t len = strlen(key.doc->path);
        for (size_t j = 0; j < ts_schema_n_keys() && !any; j++) {
            const char *path = ts_schema_key(j).doc->path;
            any = strncmp(path, key.doc->path, len) == 0 && (path[len] == '.' || path[len] == '[');
        }
        assert_true(any);
    }
}

static void test_every_key__that_changes_no_figure_has_a_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PLACES; i++) {
        assert_true((places[i].proof == PROOF_FIGURES) == (places[i].reason == NULL));
        assert_true(!places[i].reason || strlen(places[i].reason) > 10);
    }
}

/* A row for which there is no key any more is a leftover. */
static void test_every_key__each_place_is_of_a_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < N_PLACES; i++) {
        bool any = false;
        for (size_t j = 0; j < ts_schema_n_keys() && !any; j++) {
            any = fit(&places[i], ts_schema_key(j).doc) > 0;
        }
        if (!any) {
            print_error("every_key_places.inc: there is no key %s (%s)\n", places[i].schema,
                        places[i].applies ? places[i].applies : "everywhere");
        }
        assert_true(any);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_key__of_the_language_does_something),
        cmocka_unit_test(test_every_key__holds_something_if_it_is_a_section),
        cmocka_unit_test(test_every_key__that_changes_no_figure_has_a_reason),
        cmocka_unit_test(test_every_key__each_place_is_of_a_key),
    };
    assert_int_equal(chdir(TS_SOURCE_DIR "/tests/scenarios/every_key"), 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
