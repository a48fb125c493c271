/* Hides which characters a file's name may have. A slash would lead into another folder, a leading dot hides the file
 * or leads up, a leading '-' is an option to other programs, a blank needs quotes; characters that are not seen, or
 * that turn the direction of writing, make one name look like another. */
#include "base/slug.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

static bool is_plain(unsigned char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
           c == '_';
}

/* Bytes of the UTF-8 sequence at `at` and its code point; 0 if it is none, or longer than need be. */
static size_t decode(const char *at, uint32_t *code)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char lead = (unsigned char)at[0];
    const size_t n = lead >= 0xf0 && lead < 0xf8   ? 4
                     : lead >= 0xe0 && lead < 0xf0 ? 3
                     : lead >= 0xc0 && lead < 0xe0 ? 2
                                                   : 0;
    *code = n > 0 ? lead & (0x7fU >> n) : 0;
    for (size_t i = 1; i < n; i++) {
        const unsigned char c = (unsigned char)at[i];
        if ((c & 0xc0) != 0x80) {
            return 0;
        }
        *code = *code << 6 | (c & 0x3fU);
    }
    return n > 0 && *code >= least[n] ? n : 0;
}

/* Letters, marks and symbols of other scripts; not their blanks, punctuation, controls, surrogates and private parts.
 */
static bool is_foreign(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } others[] = {{0x80, 0xbf},     {0x2000, 0x206f}, {0x3000, 0x3003}, {0xd800, 0xf8ff},
                  {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xff01, 0xff0f}, {0xfff0, 0xffff}};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (code >= others[i].first && code <= others[i].last) {
            return false;
        }
    }
    return code < 0xe0000;
}

/* Bytes of the character at `at` if it may stay, else 0. */
static size_t kept(const char *at)
{
    uint32_t code = 0;
    if (is_plain((unsigned char)at[0])) {
        return 1;
    }
    const size_t n = decode(at, &code);
    return n > 0 && is_foreign(code) ? n : 0;
}

void ts_slug(struct ts_text *out, const char *name)
{
    char slug[TS_SLUG_MAX_BYTES];
    size_t len = 0;
    for (const char *at = name; *at != '\0';) {
        const size_t n = kept(at);
        const char c = n > 0 ? at[0] : '-';
        const bool edge = len == 0 && (c == '-' || c == '.');
        const bool again = n == 0 && len > 0 && slug[len - 1] == '-';
        if (!edge && !again) {
            const size_t size = n > 0 ? n : 1;
            if (len + size > sizeof slug) {
                break;
            }
            memcpy(slug + len, n > 0 ? at : "-", size);
            len += size;
        }
        at += n > 0 ? n : 1;
    }
    while (len > 0 && (slug[len - 1] == '-' || slug[len - 1] == '.')) {
        len--;
    }
    if (len > 0) {
        ts_text_append(out, slug, len);
    } else {
        ts_text_puts(out, "unnamed");
    }
}
