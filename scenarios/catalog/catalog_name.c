/* Hides how names are compared: as their letters and digits in small letters, with a mark where a word begins. "RTX
 * 4090" is rtx|4090, so that "rtx4090" is both of its words; a number goes with the unit behind it ("80 GB" is 80gb).
 */
#include "scenarios/catalog/catalog_name.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

enum { MAX_LETTERS = 128, MIN_OPEN = 3 };

struct letters {
    char text[MAX_LETTERS + 1];
    char begins[MAX_LETTERS + 1]; /* not 0: a word does, with the sign before it; at the end too */
    unsigned n;
};

static bool is_letter(char c)
{
    return isalnum((unsigned char)c) != 0;
}

/* "GB" behind a number belongs to it. */
static bool is_unit(const char *at)
{
    return tolower((unsigned char)at[0]) == 'g' && tolower((unsigned char)at[1]) == 'b' && !is_letter(at[2]);
}

/* The word [at, at + n) is put behind the others, after that sign. */
static void add_word(struct letters *to, char sign, const char *at, unsigned n)
{
    const bool goes_on = to->n > 0 && isdigit((unsigned char)to->text[to->n - 1]) && is_unit(at);
    for (unsigned i = 0; i < n && to->n < MAX_LETTERS; i++) {
        to->begins[to->n] = (char)(i == 0 && !goes_on ? sign : 0);
        to->text[to->n++] = (char)tolower((unsigned char)at[i]);
    }
    to->text[to->n] = '\0';
    to->begins[to->n] = ' ';
}

static unsigned word_length(const char *at)
{
    unsigned n = 0;
    while (is_letter(at[n])) {
        n++;
    }
    return n;
}

static struct letters letters_of(const char *text)
{
    struct letters out = {.n = 0};
    char sign = ' ';
    while (*text) {
        const unsigned n = word_length(text);
        if (n > 0) {
            add_word(&out, sign, text, n);
        } else {
            sign = *text;
        }
        text += n > 0 ? n : 1;
    }
    return out;
}

/* ---- words that do not matter ---- */

static bool is_date(const char *word, unsigned n)
{
    return n == 4 && strspn(word, "0123456789") == 4;
}

static bool does_not_matter(const char *word, unsigned n, enum ts_name_sort sort)
{
    static const char *const of_hardware[] = {"nvidia", "geforce", "tesla", "amd",   "instinct", "radeon", "intel",
                                              "apple",  "google",  "gpu",   "hbm2e", "hbm3",     "hbm3e",  NULL};
    static const char *const of_models[] = {"instruct", "it", "chat", "hf", "base", "meta", "thinking", "latest", NULL};
    const char *const *words = sort == TS_NAME_OF_HARDWARE ? of_hardware : of_models;
    for (size_t i = 0; sort != TS_NAME_OF_ANYTHING && words[i]; i++) {
        if (strlen(words[i]) == n && memcmp(words[i], word, n) == 0) {
            return true;
        }
    }
    return sort == TS_NAME_OF_MODEL && is_date(word, n);
}

/* "sxm5" is what "sxm" is. */
static unsigned meant_length(const char *word, unsigned n, enum ts_name_sort sort)
{
    const bool is_socket = sort == TS_NAME_OF_HARDWARE && n == 4 && memcmp(word, "sxm", 3) == 0;
    return is_socket ? 3 : n;
}

/* Without the words that do not matter. */
static struct letters what_matters(const struct letters *from, enum ts_name_sort sort)
{
    struct letters out = {.n = 0};
    for (unsigned i = 0, n = 0; i < from->n; i += n) {
        for (n = 1; !from->begins[i + n];) {
            n++;
        }
        if (!does_not_matter(from->text + i, n, sort)) {
            add_word(&out, from->begins[i], from->text + i, meant_length(from->text + i, n, sort));
        }
    }
    return out;
}

/* ---- matching ---- */

/* How the letters stand in the name from `at` on. */
static enum ts_name_match match_at(const struct letters *name, unsigned at, const char *text, unsigned n)
{
    if (!name->begins[at] || at + n > name->n || memcmp(name->text + at, text, n) != 0) {
        return TS_NAME_NO_MATCH;
    }
    const char next = name->begins[at + n];
    const bool in_a_number = isdigit((unsigned char)text[n - 1]) && isdigit((unsigned char)name->text[at + n]);
    if (next && n > 1 && !(in_a_number && next == '.')) {
        return at == 0 ? TS_NAME_START : TS_NAME_PART;
    }
    if (n < MIN_OPEN || in_a_number) {
        return TS_NAME_NO_MATCH;
    }
    return at == 0 ? TS_NAME_START_OPEN : TS_NAME_PART_OPEN;
}

static enum ts_name_match best_match(const struct letters *name, const char *text, unsigned n)
{
    enum ts_name_match best = TS_NAME_NO_MATCH;
    for (unsigned at = 0; n > 0 && at + n <= name->n; at++) {
        const enum ts_name_match match = match_at(name, at, text, n);
        best = match > best ? match : best;
    }
    return best;
}

/* Is every word somewhere in the name? */
static bool has_words(const struct letters *name, const struct letters *word)
{
    for (unsigned i = 0, n = 0; i < word->n; i += n) {
        for (n = 1; !word->begins[i + n];) {
            n++;
        }
        if (best_match(name, word->text + i, n) < TS_NAME_WORDS) {
            return false;
        }
    }
    return word->n > 0;
}

/* "8x": a machine of several. */
static bool counts_several(const struct letters *name)
{
    for (unsigned i = 0; i + 2 <= name->n; i++) {
        if (name->begins[i] && isdigit((unsigned char)name->text[i]) && name->text[i + 1] == 'x' &&
            name->begins[i + 2]) {
            return true;
        }
    }
    return false;
}

static enum ts_name_match match_letters(const struct letters *name, const struct letters *word, enum ts_name_sort sort)
{
    if (name->n == word->n && memcmp(name->text, word->text, name->n) == 0) {
        return TS_NAME_WHOLE;
    }
    enum ts_name_match match = best_match(name, word->text, word->n);
    if (sort == TS_NAME_OF_HARDWARE) {
        match = match < TS_NAME_WORDS && has_words(name, word) ? TS_NAME_WORDS : match;
        return counts_several(name) && match != TS_NAME_START && match != TS_NAME_START_OPEN ? TS_NAME_NO_MATCH : match;
    }
    return match;
}

enum ts_name_match ts_catalog_name_match(const char *name, const char *word, enum ts_name_sort sort)
{
    if (ts_str_equal(name, word) && *word) {
        return TS_NAME_EXACT;
    }
    const char *of_name = strchr(name, '/');
    const char *of_word = sort == TS_NAME_OF_MODEL ? strrchr(word, '/') : NULL;
    const struct letters letters = letters_of(name), typed = letters_of(of_word ? of_word + 1 : word);
    const struct letters model = letters_of(of_name ? of_name + 1 : name);
    if (typed.n == 0) {
        return TS_NAME_NO_MATCH;
    }
    if (model.n == typed.n && memcmp(model.text, typed.text, typed.n) == 0) {
        return TS_NAME_WHOLE;
    }
    const enum ts_name_match as_typed = match_letters(&letters, &typed, sort);
    if (sort == TS_NAME_OF_ANYTHING || as_typed == TS_NAME_WHOLE) {
        return as_typed;
    }
    const struct letters a = what_matters(&letters, sort), b = what_matters(&typed, sort);
    const enum ts_name_match as_meant = b.n > 0 ? match_letters(&a, &b, sort) : TS_NAME_NO_MATCH;
    return as_meant > as_typed ? as_meant : as_typed;
}

bool ts_catalog_name_shorten(char *out, unsigned cap, const char *word)
{
    unsigned n = (unsigned)strlen(word);
    while (n > 0 && is_letter(word[n - 1])) {
        n--;
    }
    while (n > 0 && !is_letter(word[n - 1])) {
        n--;
    }
    if (n == 0 || n >= cap) {
        return false;
    }
    memmove(out, word, n);
    out[n] = '\0';
    return true;
}
