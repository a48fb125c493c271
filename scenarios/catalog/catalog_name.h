/* How well a name of a catalog matches a word that a user typed: "rtx4090" is "RTX 4090", "NVIDIA H100 SXM" is
 * "H100 SXM 80GB", "llama3.1:8b" is "Llama-3.1-8B"; but "H20" is not "H200", "MiniMax-M2"
 * is not "MiniMax-M2.5", and "H100 NVL" is no server of eight. */
#ifndef TS_SCENARIOS_CATALOG_NAME_H
#define TS_SCENARIOS_CATALOG_NAME_H

#include <stdbool.h>

/* What a catalog's names are names of. */
enum ts_name_sort {
    TS_NAME_OF_ANYTHING,
    TS_NAME_OF_HARDWARE, /* its words may come in any order, and some be left out; makers' names do not matter */
    TS_NAME_OF_MODEL     /* its owner, and what says how it was tuned ("instruct"), do not matter */
};

/* From no match to a whole one; more is better. */
enum ts_name_match {
    TS_NAME_NO_MATCH,
    TS_NAME_PART_OPEN,  /* the word ends within a word of the name: "MI300" of "AMD MI300X" */
    TS_NAME_START_OPEN, /* the same at the name's start */
    TS_NAME_WORDS,      /* of hardware: all words of the one are in the other, in whatever order */
    TS_NAME_PART,       /* whole words of the name, as they stand there */
    TS_NAME_START,      /* the same at the name's start */
    TS_NAME_WHOLE,      /* up to case and signs. What stands behind a slash counts as whole, too: of the offers of one
                           model the first is meant, which is its maker's */
    TS_NAME_EXACT
};

enum ts_name_match ts_catalog_name_match(const char *name, const char *word, enum ts_name_sort sort);

/* The word without its last word, at most `cap` bytes with the end; may be written over it: "Llama-3.1-8B-FP8" to
 * "Llama-3.1-8B". False: it is one word. */
bool ts_catalog_name_shorten(char *out, unsigned cap, const char *word);

#endif
