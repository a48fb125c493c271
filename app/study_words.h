/* How a study is written on the command line: which --set are axes, which figure is the goal, which shard is meant. */
#ifndef TS_APP_STUDY_WORDS_H
#define TS_APP_STUDY_WORDS_H

#include "app/options.h"
#include "base/arena.h"
#include "scenarios/language/scenario.h"
#include "study/study_db.h"

/* Parts --set into axes of the design and what is set once. TS_EUSAGE, TS_ENOMEM. */
enum ts_status ts_words_axes(struct ts_design_spec *out, struct ts_option_texts *once,
                             const struct ts_option_texts *sets, struct ts_arena *arena, struct ts_diags *diags);

/* Adds the axes of the scenario's section `sweep` or `search`, before those of the command line; one of a key that is
 * an axis there takes its values, and one of a key that is set once there is left out. */
enum ts_status ts_words_scenario_axes(struct ts_design_spec *spec, const struct ts_axes *own,
                                      const struct ts_option_texts *once, struct ts_diags *diags);

/* "grid", "list", "lhs" or "sobol". */
enum ts_status ts_words_design(enum ts_design_kind *out, const char *word, struct ts_diags *diags);

/* "cost.total", "edge.ttft.p95", "max:attainment.mean"; also "cost", "ttft_p95". */
enum ts_status ts_words_goal(struct ts_study_goal *out, const char *word, struct ts_arena *arena,
                             struct ts_diags *diags);

/* "cost.total", "edge.ttft.p95". */
void ts_words_put_goal(struct ts_text *out, const struct ts_study_goal *goal);

/* "3/16", or "NAME/16" with the 3 in the environment variable of that name; NULL: 0 of 1. */
enum ts_status ts_words_shard(uint32_t *shard, uint32_t *n_shards, const char *word, struct ts_diags *diags);

/* "quick", "full", and "off" where that is one. */
enum ts_status ts_words_effort(enum ts_capacity_effort *out, const char *word, bool with_off, struct ts_diags *diags);

/* The folder that is named, or out/NAME-KIND. NULL: out of memory. */
const char *ts_words_folder(const char *named, const char *scenario, const char *kind, struct ts_arena *arena);

/* The study's file without ".db": out/NAME-study, or the one named; and with what stands after it. In `arena`, NULL:
 * out of memory. */
const char *ts_words_study_stem(const char *named, const char *scenario, struct ts_arena *arena);

/* A word as a shell reads it: in quotes if it must be. */
void ts_words_put_shell(struct ts_text *out, const char *word);

#endif
