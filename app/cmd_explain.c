/* tiersim explain [KEY]: the scenario language, key by key, from the schema table. */
#include <stdio.h>
#include <string.h>

#include "app/command.h"
#include "scenarios/scenario.h"

/* Does the user's "tiers.edge.replicas" fit the documented "tiers.*.replicas"? A part matches itself, * or []. */
static bool fits(const char *pattern, const char *key)
{
    while (*pattern && *key) {
        size_t n_pattern = strcspn(pattern, ".");
        size_t n_key = strcspn(key, ".");
        bool wild = n_pattern == 1 && *pattern == '*';
        if (!wild && (n_pattern != n_key || strncmp(pattern, key, n_key) != 0)) {
            return false;
        }
        pattern += n_pattern + (pattern[n_pattern] == '.');
        key += n_key + (key[n_key] == '.');
    }
    return *pattern == *key;
}

static bool is_below(const char *path, const char *key)
{
    size_t len = strlen(key);
    return strncmp(path, key, len) == 0 && (path[len] == '.' || path[len] == '[' || path[len] == '\0');
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
    if (key->choices) {
        printf("  one of: %s\n", key->choices);
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
        if (ts_str_equal(keys[i].path, word) || fits(keys[i].path, word)) {
            print_key(&keys[i]);
            n_shown++;
        }
    }
    bool headed = false;
    for (size_t i = 0; i < n; i++) {
        if (is_below(keys[i].path, word) && !ts_str_equal(keys[i].path, word)) {
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

static enum ts_status run(const struct ts_args *args, struct ts_diags *diags)
{
    size_t n = 0;
    const struct ts_key_doc *keys = ts_scenario_keys(&n);
    if (args->n_operands == 0) {
        for (size_t i = 0; i < n; i++) {
            print_row(&keys[i]);
        }
        return TS_OK;
    }
    if (args->n_operands > 1) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "tiersim explain tiers.*.kind", "explain takes one key");
    }
    if (explain(args->operands[0]) == 0) {
        return ts_fail(diags, TS_EUSAGE, ts_span_none(), "'tiersim explain' lists all keys",
                       "no key is named like '%s'", args->operands[0]);
    }
    return TS_OK;
}

const struct ts_command ts_command_explain = {
    .name = "explain",
    .bit = TS_CMD_EXPLAIN,
    .usage = "[KEY]",
    .summary = "Explain the keys of the scenario language",
    .examples = "  tiersim explain\n  tiersim explain tiers.edge.kv_blocks\n  tiersim explain routing\n",
    .run = run,
};
