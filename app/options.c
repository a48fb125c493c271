/* Hides how a command line is read: --name VALUE, --name=VALUE, -n VALUE, -nVALUE, letters of flags together, names cut
 * short where they stay unambiguous, "--" before operands that begin with '-'. */
#include "app/options.h"

#include <string.h>

/* Every command has it. */
static const struct ts_option help_row = {"help", 'h', .doc = "show this help"};

/* A command line that is being read. */
struct reading {
    const struct ts_option_table *table;
    const char *command;
    char *out;
    struct ts_options_outcome *outcome;
    char **argv;
    int argc, at; /* argv[at] comes next */
    bool given[TS_MAX_OPTIONS];
    size_t n_operands;
    struct ts_diags *diags;
};

static size_t index_of(const struct ts_option_table *table, const struct ts_option *row)
{
    return (size_t)(row - table->rows);
}

/* ---- looking up ---- */

static const struct ts_option *find_letter(const struct ts_option_table *table, char letter)
{
    for (size_t i = 0; i < table->n; i++) {
        if (table->rows[i].letter == letter) {
            return &table->rows[i];
        }
    }
    return letter == help_row.letter ? &help_row : NULL;
}

static bool begins(const struct ts_option *row, const char *name, size_t len)
{
    return row->name && strncmp(row->name, name, len) == 0;
}

/* By its whole name, or by a beginning that no other has; *rival is another that begins so. */
static const struct ts_option *find_name(const struct ts_option_table *table, const char *name, size_t len,
                                         const struct ts_option **rival)
{
    const struct ts_option *found = NULL;
    *rival = NULL;
    for (size_t i = 0; i <= table->n && len > 0; i++) {
        const struct ts_option *row = i < table->n ? &table->rows[i] : &help_row;
        if (!begins(row, name, len)) {
            continue;
        }
        if (row->name[len] == '\0') {
            *rival = NULL;
            return row;
        }
        if (!found) {
            found = row;
        } else if (!*rival) {
            *rival = row;
        }
    }
    return found;
}

const struct ts_option *ts_options_find(const struct ts_option_table *table, const char *word)
{
    const char *name = word + strspn(word, "-");
    for (size_t i = 0; i < table->n; i++) {
        const struct ts_option *row = &table->rows[i];
        if ((row->name && ts_str_equal(row->name, name)) || (row->letter == name[0] && name[1] == '\0')) {
            return row;
        }
    }
    return NULL;
}

const char *ts_options_suggest(const struct ts_option_table *table, const char *word)
{
    const char *names[TS_MAX_OPTIONS];
    size_t n = 0;
    for (size_t i = 0; i < table->n; i++) {
        if (table->rows[i].name) {
            names[n++] = table->rows[i].name;
        }
    }
    return ts_suggest(word + strspn(word, "-"), names, n);
}

/* ---- storing ---- */

static enum ts_status store_count(const struct reading *r, const struct ts_option *row, const char *value)
{
    uint64_t count;
    if (!ts_parse_u64(&count, value, strlen(value)) || count < row->range.least || count > row->range.most) {
        return ts_fail(r->diags, TS_EUSAGE, ts_span_none(), NULL, "--%s takes a whole number from %u to %u, not '%s'",
                       row->name, row->range.least, row->range.most, value);
    }
    *(uint32_t *)(void *)(r->out + row->offset) = (uint32_t)count;
    return TS_OK;
}

static enum ts_status store(struct reading *r, const struct ts_option *row, const char *value)
{
    if (row == &help_row) {
        r->outcome->help = true;
        return TS_OK;
    }
    bool *given = &r->given[index_of(r->table, row)];
    if (*given && row->kind != TS_OPTION_FLAG && row->kind != TS_OPTION_TEXTS) {
        return ts_fail(r->diags, TS_EUSAGE, ts_span_none(), NULL, "--%s is given twice", row->name);
    }
    *given = true;
    if (value && *value == '\0') {
        return ts_fail(r->diags, TS_EUSAGE, ts_span_none(), NULL, "%s%s is empty", row->name ? "--" : "",
                       row->name ? row->name : row->metavar);
    }
    void *field = r->out + row->offset;
    struct ts_option_texts *texts = field;
    switch (row->kind) {
    case TS_OPTION_FLAG:
        *(bool *)field = true;
        return TS_OK;
    case TS_OPTION_TEXT:
        *(const char **)field = value;
        return TS_OK;
    case TS_OPTION_COUNT:
        return store_count(r, row, value);
    case TS_OPTION_TEXTS:
        if (texts->n == TS_MAX_SETS) {
            return ts_fail(r->diags, TS_EUSAGE, ts_span_none(), NULL, "more than %d times --%s", TS_MAX_SETS,
                           row->name);
        }
        texts->items[texts->n++] = value;
        return TS_OK;
    }
    return TS_OK;
}

/* ---- reading ---- */

/* Numbers may be negative; what else begins with '-' is an option, or has to be written after a '='. */
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] != '\0' && !strchr("0123456789.", word[1]);
}

/* Stores the value that stands in the same word, or else in the next one. */
static enum ts_status take_value(struct reading *r, const struct ts_option *row, const char *value)
{
    if (value) {
        return store(r, row, value);
    }
    const char *next = r->at < r->argc ? r->argv[r->at] : NULL;
    if (next && !is_option(next)) {
        r->at++;
        return store(r, row, next);
    }
    struct ts_text hint;
    ts_text_init(&hint);
    ts_text_printf(&hint, "--%s %s", row->name, row->metavar);
    if (next) {
        ts_text_printf(&hint, "; to have '%s' for it write --%s=%s", next, row->name, next);
    }
    return ts_fail_hint(r->diags, TS_EUSAGE, ts_span_none(), &hint, "option '--%s' needs a value", row->name);
}

/* An option of `len` characters, dashes included. */
static enum ts_status unknown(struct reading *r, const char *word, size_t len)
{
    char *out = r->outcome->unknown;
    len = len < sizeof r->outcome->unknown ? len : sizeof r->outcome->unknown - 1;
    memcpy(out, word, len);
    out[len] = '\0';
    return TS_EUSAGE;
}

static enum ts_status read_name(struct reading *r, const char *word)
{
    const char *name = word + 2;
    const size_t len = strcspn(name, "=");
    const char *value = name[len] == '=' ? name + len + 1 : NULL;
    const struct ts_option *rival;
    const struct ts_option *row = find_name(r->table, name, len, &rival);
    if (!row) {
        return unknown(r, word, 2 + len);
    }
    if (rival) {
        return ts_fail(r->diags, TS_EUSAGE, ts_span_none(), "write the whole name", "'--%.*s' can be --%s or --%s",
                       (int)len, name, row->name, rival->name);
    }
    if (row->kind != TS_OPTION_FLAG) {
        return take_value(r, row, value);
    }
    return value ? ts_fail(r->diags, TS_EUSAGE, ts_span_none(), NULL, "--%s takes no value, not '%s'", row->name, value)
                 : store(r, row, NULL);
}

static enum ts_status read_letters(struct reading *r, const char *word)
{
    enum ts_status status = TS_OK;
    for (const char *letter = word + 1; status == TS_OK && *letter; letter++) {
        const struct ts_option *row = find_letter(r->table, *letter);
        if (!row) {
            return unknown(r, (char[]){'-', *letter}, 2);
        }
        if (row->kind != TS_OPTION_FLAG) {
            return take_value(r, row, letter[1] ? letter + 1 : NULL);
        }
        status = store(r, row, NULL);
    }
    return status;
}

static enum ts_status read_operand(struct reading *r, const char *word)
{
    size_t n = 0;
    for (size_t i = 0; i < r->table->n; i++) {
        if (r->table->rows[i].operand != TS_NO_OPERAND && n++ == r->n_operands) {
            r->n_operands += r->table->rows[i].kind != TS_OPTION_TEXTS;
            return store(r, &r->table->rows[i], word);
        }
    }
    r->outcome->surplus = word;
    return TS_EUSAGE;
}

/* ---- what goes together ---- */

static bool is_given(const struct reading *r, const char *name)
{
    const struct ts_option *row = name ? ts_options_find(r->table, name) : NULL;
    return row && r->given[index_of(r->table, row)];
}

static enum ts_status fail_beside(const struct reading *r, const char *name, const char *other)
{
    return ts_fail(r->diags, TS_EUSAGE, ts_span_none(), "leave out one of the two", "--%s does nothing beside --%s",
                   name, other);
}

static enum ts_status fail_without(const struct reading *r, const char *name, const char *other)
{
    const struct ts_option *row = ts_options_find(r->table, other);
    struct ts_text hint;
    ts_text_init(&hint);
    ts_text_printf(&hint, "add --%s %s, or leave it out", other, row && row->metavar ? row->metavar : "");
    return ts_fail_hint(r->diags, TS_EUSAGE, ts_span_none(), &hint, "--%s does nothing without --%s", name, other);
}

/* What row i needs and bears beside it. */
static enum ts_status check_row(const struct reading *r, size_t i)
{
    const struct ts_option *row = &r->table->rows[i];
    enum ts_status status = TS_OK;
    if (row->with && !is_given(r, row->with)) {
        status = fail_without(r, row->name, row->with);
    }
    for (size_t k = 0; k < sizeof row->without / sizeof row->without[0]; k++) {
        if (is_given(r, row->without[k])) {
            status = fail_beside(r, row->name, row->without[k]);
        }
    }
    for (size_t k = 0; row->beside && k < r->table->n; k++) {
        const char *other = r->table->rows[k].name;
        if (r->given[k] && k != i && other && !ts_str_equal(other, row->beside)) {
            status = fail_beside(r, other, row->name);
        }
    }
    return status;
}

static enum ts_status check_together(const struct reading *r)
{
    enum ts_status status = TS_OK;
    for (size_t i = 0; i < r->table->n; i++) {
        const enum ts_status checked = r->given[i] ? check_row(r, i) : TS_OK;
        status = status == TS_OK ? checked : status;
    }
    return status;
}

static enum ts_status check_needed(const struct reading *r)
{
    for (size_t i = 0; i < r->table->n; i++) {
        const struct ts_option *row = &r->table->rows[i];
        if (row->operand == TS_NEEDED && !r->given[i]) {
            struct ts_text usage;
            ts_text_init(&usage);
            ts_text_puts(&usage, "usage: ");
            ts_options_usage(&usage, r->command, r->table);
            return ts_fail_hint(r->diags, TS_EUSAGE, ts_span_none(), &usage, "%s needs %s", r->command, row->doc);
        }
    }
    return TS_OK;
}

enum ts_status ts_options_parse(void *out, struct ts_options_outcome *outcome, const char *command,
                                const struct ts_option_table *table, int argc, char **argv, struct ts_diags *diags)
{
    struct reading r = {
        .table = table, .command = command, .out = out, .outcome = outcome, .argc = argc, .argv = argv, .diags = diags};
    enum ts_status status = TS_OK;
    bool only_operands = false;
    *outcome = (struct ts_options_outcome){.help = false};
    if (table->size > 0) {
        memcpy(out, table->defaults, table->size);
    }
    while (status == TS_OK && r.at < argc && !outcome->help) {
        const char *word = argv[r.at++];
        if (only_operands || word[0] != '-' || word[1] == '\0') {
            status = read_operand(&r, word);
        } else if (strcmp(word, "--") == 0) {
            only_operands = true;
        } else {
            status = word[1] == '-' ? read_name(&r, word) : read_letters(&r, word);
        }
    }
    if (status != TS_OK || outcome->help) {
        return status;
    }
    status = check_needed(&r);
    return status == TS_OK ? check_together(&r) : status;
}

/* ---- help ---- */

void ts_options_usage(struct ts_text *out, const char *command, const struct ts_option_table *table)
{
    bool options = false;
    ts_text_printf(out, "tiersim %s", command);
    for (size_t i = 0; i < table->n; i++) {
        const struct ts_option *row = &table->rows[i];
        if (row->operand != TS_NO_OPERAND) {
            ts_text_printf(out, row->operand == TS_NEEDED ? " %s" : " [%s]", row->metavar);
            ts_text_puts(out, row->kind == TS_OPTION_TEXTS ? "..." : "");
        }
        options = options || row->operand == TS_NO_OPERAND;
    }
    ts_text_puts(out, options ? " [options]" : "");
}

static void put_default(struct ts_text *out, const struct ts_option *row, const char *defaults)
{
    const void *field = defaults + row->offset;
    const char *text = row->kind == TS_OPTION_TEXT ? *(const char *const *)field : NULL;
    if (text) {
        ts_text_printf(out, strchr(text, ' ') ? " (default '%s')" : " (default %s)", text);
    }
    if (row->kind == TS_OPTION_COUNT && *(const uint32_t *)field > 0) {
        ts_text_printf(out, " (default %u)", *(const uint32_t *)field);
    }
}

static void put_row(struct ts_text *out, const struct ts_option *row)
{
    struct ts_text left;
    ts_text_init(&left);
    if (row->letter) {
        ts_text_printf(&left, "-%c, ", row->letter);
    } else {
        ts_text_puts(&left, row->name ? "    " : "");
    }
    if (row->name) {
        ts_text_printf(&left, "--%s", row->name);
    }
    if (row->metavar) {
        ts_text_printf(&left, "%s%s", row->name ? " " : "", row->metavar);
    }
    out->failed = out->failed || left.failed;
    ts_text_printf(out, "  %-26s %s", left.data, row->doc);
    ts_text_deinit(&left);
}

void ts_options_help(struct ts_text *out, const struct ts_option_table *table)
{
    for (size_t i = 0; i < table->n; i++) {
        put_row(out, &table->rows[i]);
        put_default(out, &table->rows[i], table->defaults);
        ts_text_puts(out, "\n");
    }
    put_row(out, &help_row);
    ts_text_puts(out, "\n");
}
