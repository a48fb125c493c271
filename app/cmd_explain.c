/* tiersim explain [KEY]: the scenario language, key by key, from the schema table. */
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "scenarios/language/scenario.h"

/* Does the user's "tiers.edge.replicas" stand for the documented "tiers.*.replicas"? A part matches itself, * or [].
 * Returns what of the path is left behind the key, NULL if it does not fit. */
static const char *rest_behind(const char *path, const char *key)
{
    while (*path && *key) {
        size_t n_path = strcspn(path, ".");
        size_t n_key = strcspn(key, ".");
        size_t n_name = n_path > 2 && strncmp(path + n_path - 2, "[]", 2) == 0 ? n_path - 2 : n_path;
        bool wild = n_path == 1 && *path == '*';
        bool same = (n_key == n_path || n_key == n_name) && strncmp(path, key, n_key) == 0;
        if (!wild && !same) {
            return NULL;
        }
        path += n_path + (path[n_path] == '.');
        key += n_key + (key[n_key] == '.');
    }
    return *key ? NULL : path;
}

static bool fits(const char *path, const char *key)
{
    const char *rest = rest_behind(path, key);
    return rest && !*rest;
}

static bool is_below(const char *path, const char *key)
{
    const char *rest = rest_behind(path, key);
    return rest && *rest;
}

static void print_row(const struct ts_key_doc *key)
{
    printf("  %-44s %s%s\n", key->path, key->doc, key->required ? " (required)" : "");
}

static void print_key(const struct ts_key_doc *key)
{
    printf("%s\n  %s\n  type: %s", key->path, key->doc, key->type);
    if (key->unit) {
        printf(" in %s", key->unit);
    }
    printf("\n");
    for (const struct ts_choice *choice = key->choices; choice && choice->word; choice++) {
        printf("%s%s%s", choice == key->choices ? "  one of: " : ", ", choice->word, choice[1].word ? "" : "\n");
    }
    if (key->applies) {
        printf("  for: %s\n", key->applies);
    }
    if (key->dflt) {
        printf("  default: %s\n", key->dflt);
    }
    if (key->required) {
        printf("  required\n");
    }
}

static size_t explain(const char *word)
{
    size_t n = 0;
    size_t n_shown = 0;
    const struct ts_key_doc *keys = ts_scenario_keys(&n);
    for (size_t i = 0; i < n; i++) {
        if (fits(keys[i].path, word)) {
            print_key(&keys[i]);
            n_shown++;
        }
    }
    bool headed = false;
    for (size_t i = 0; i < n; i++) {
        if (is_below(keys[i].path, word)) {
            if (!headed && n_shown > 0) {
                puts("\nkeys below it:");
            }
            headed = true;
            print_row(&keys[i]);
            n_shown++;
        }
    }
    for (size_t i = 0; n_shown == 0 && i < n; i++) {
        if (strstr(keys[i].path, word)) {
            print_row(&keys[i]);
            headed = true;
        }
    }
    return n_shown + (headed ? 1 : 0);
}

struct explain_args {
    const char *key;
};

static const struct explain_args defaults;

static const struct ts_option options[] = {
    {TS_INTO(struct explain_args, key), "KEY",
     "a key of the scenario language or a part of one (default: list them all)", .operand = TS_OPTIONAL},
};

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    (void)arena;
    const struct explain_args *args = untyped;
    if (args->key) {
        return explain(args->key) > 0 ? TS_OK
                                      : ts_fail(diags, TS_EUSAGE, ts_span_none(), "'tiersim explain' lists all keys",
                                                "no key is named like '%s'", args->key);
    }
    size_t n = 0;
    const struct ts_key_doc *keys = ts_scenario_keys(&n);
    for (size_t i = 0; i < n; i++) {
        print_row(&keys[i]);
    }
    return TS_OK;
}

const struct ts_command ts_command_explain = {
    .name = "explain",
    .summary = "Explain the keys of the scenario language",
    .examples = "  tiersim explain\n"
                "  tiersim explain tiers.edge.kv_blocks\n"
                "  tiersim explain routing\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
