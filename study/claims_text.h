/* What claims came to, for people: the terminal, docs/CLAIMS.md and a page of its own. */
#ifndef TS_STUDY_CLAIMS_TEXT_H
#define TS_STUDY_CLAIMS_TEXT_H

#include "base/text.h"
#include "study/claims.h"

/* outcomes[ts_n_claims]. */
void ts_claims_text(struct ts_text *out, const struct ts_claim_outcome *outcomes);
void ts_claims_markdown(struct ts_text *out, const struct ts_claim_outcome *outcomes);
/* Self-contained. TS_ENOMEM. */
enum ts_status ts_claims_html(struct ts_text *out, const struct ts_claim_outcome *outcomes);

#endif
