/* Hides how names are compared: squeezed to lower-case letters and digits, with a mark where a word begins. */
#include "app/name_filter.h"

#include <ctype.h>
#include <stddef.h>
#include <string.h>

enum { MAX = 128 };

struct squeezed {
    char text[MAX];
    bool begins[MAX + 1]; /* a word begins here; [n]: the end counts as one */
    size_t n;
};

static bool is_digit_change(char before, char now)
{
    return before != '\0' && (isdigit((unsigned char)before) != 0) != (isdigit((unsigned char)now) != 0);
}

static void squeeze(struct squeezed *out, const char *text)
{
    bool begins = true;
    memset(out, 0, sizeof *out);
    for (const char *p = text; *p && out->n < MAX; p++) {
        const char c = (char)tolower((unsigned char)*p);
        if (!isalnum((unsigned char)c)) {
            begins = true;
            continue;
        }
        const bool after_letters = out->n > 0 && is_digit_change(out->text[out->n - 1], c);
        out->begins[out->n] = begins || after_letters;
        out->text[out->n++] = c;
        begins = false;
    }
    out->begins[out->n] = true;
}

/* `part` in `whole`, at words or anywhere. */
static bool contains(const struct squeezed *whole, const struct squeezed *part, bool words)
{
    for (size_t i = 0; part->n > 0 && i + part->n <= whole->n; i++) {
        if (memcmp(whole->text + i, part->text, part->n) == 0 &&
            (!words || (whole->begins[i] && whole->begins[i + part->n]))) {
            return true;
        }
    }
    return false;
}

enum ts_name_match ts_name_match(const char *name, const char *text)
{
    struct squeezed of_name, typed;
    squeeze(&of_name, name);
    squeeze(&typed, text);
    if (contains(&of_name, &typed, true) || contains(&typed, &of_name, true)) {
        return TS_NAME_MATCH_WORDS;
    }
    return contains(&of_name, &typed, false) ? TS_NAME_MATCH_PART : TS_NAME_MATCH_NONE;
}

bool ts_name_wanted(const struct ts_name_filter *filter, const char *name)
{
    return !filter->text || ts_name_match(name, filter->text) >= filter->least;
}
