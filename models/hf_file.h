/* A Hugging Face config.json that is open: its values, and where each stands for a diagnostic. Of a model that sees or
 * hears, the text model inside it (text_config, or what InternVL and DeepSeek-VL call it). */
#ifndef TS_MODELS_HF_FILE_H
#define TS_MODELS_HF_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"
#include "base/source.h"

struct ts_hf_file {
    const struct ts_json *json; /* the text model's: the document, or a part of it */
    const struct ts_json *root;
    const char *part;          /* that part's key, or NULL */
    struct ts_hf_asked *asked; /* the keys that were asked for */
    const char *path;
    struct ts_source source;
    struct ts_json_doc doc;
    struct ts_diags *diags;
};

/* TS_EINPUT, TS_EIO, TS_ENOMEM, reported. path and diags are borrowed until close. */
enum ts_status ts_hf_open(struct ts_hf_file *out, const char *path, struct ts_diags *diags);
void ts_hf_close(struct ts_hf_file *file);

/* Is the text model a part of another one? */
static inline bool ts_hf_is_part(const struct ts_hf_file *file)
{
    return file->json != file->root;
}

/* A key's value; NULL if it is absent or null. The key is a literal: it is remembered. */
const struct ts_json *ts_hf_get(const struct ts_hf_file *file, const char *key);
/* Has that key been asked for, whether it is there or not? */
bool ts_hf_was_asked(const struct ts_hf_file *file, const char *key);
/* Where a key's value stands, or that of one inside it (inner not NULL). */
struct ts_span ts_hf_at(const struct ts_hf_file *file, const char *key, const char *inner);

/* Reads: TS_OK and *out untouched where the key is absent or null; *out set; or TS_EINPUT, reported, for a value of
 * another type or out of range. */
enum ts_status ts_hf_count(const struct ts_hf_file *file, const char *key, uint32_t least, uint32_t *out);
enum ts_status ts_hf_number(const struct ts_hf_file *file, const char *inside, const char *key, double *out);
enum ts_status ts_hf_flag(const struct ts_hf_file *file, const char *key, bool *out);
/* The text, or NULL. */
const char *ts_hf_text(const struct ts_hf_file *file, const char *key);

/* The first of these keys (NULL at the end) that is there, or NULL. */
const char *ts_hf_first(const struct ts_hf_file *file, const char *const *keys);

/* TS_EUNSUPPORTED, reported at the key. */
enum ts_status ts_hf_refuse(const struct ts_hf_file *file, const char *key, const char *hint, const char *fmt, ...)
    TS_PRINTF(4, 5);

#endif
