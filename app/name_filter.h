/* Which names of a catalog somebody means who typed a part of one, in another case, or with other spaces. */
#ifndef TS_APP_NAME_FILTER_H
#define TS_APP_NAME_FILTER_H

#include <stdbool.h>

enum ts_name_match {
    TS_NAME_MATCH_NONE,
    TS_NAME_MATCH_PART,  /* the word is in the name: "409" in "RTX 4090" */
    TS_NAME_MATCH_WORDS, /* whole words of it: "A10" in "NVIDIA A10", not in "A100"; or the name is in what was typed:
                            "RTX 4090" in "NVIDIA GeForce RTX 4090" */
};

struct ts_name_filter {
    const char *text;         /* as typed; NULL: everybody is meant */
    enum ts_name_match least; /* weaker matches are not meant */
};

/* Case, spaces and hyphens do not count. */
enum ts_name_match ts_name_match(const char *name, const char *text);

bool ts_name_wanted(const struct ts_name_filter *filter, const char *name);

#endif
