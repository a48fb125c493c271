/* Models that are split over several files. */
#ifndef TS_ENGINE_GGUF_SPLIT_H
#define TS_ENGINE_GGUF_SPLIT_H

#include "base/text.h"
#include "engine/gguf_parse.h"

/* Of how many files the model is; 1 for a whole one. */
uint64_t ts_gguf_split_count(const struct ts_gguf *gguf);
/* Which of them this one is, from 0. */
uint64_t ts_gguf_split_number(const struct ts_gguf *gguf);
/* TS_EINPUT if its metadata and its name do not tell where the other parts are. */
enum ts_status ts_gguf_split_check(const struct ts_gguf *gguf, struct ts_diags *diags);
/* Appends the path of another part (from 0), beside one that has been checked. */
void ts_gguf_split_path(struct ts_text *out, const struct ts_gguf *gguf, uint64_t part);
/* parts[0] gets the tensors of all; they stay where they are. TS_EINPUT, TS_ENOMEM. */
enum ts_status ts_gguf_split_join(struct ts_gguf *const *parts, size_t n, struct ts_diags *diags);

#endif
