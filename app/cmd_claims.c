/* tiersim claims: what people say about where AI should run, held against simulations. */
#include <stdio.h>
#include <stdlib.h>

#include "app/command.h"
#include "app/interrupt.h"
#include "app/progress_line.h"
#include "base/file.h"
#include "base/run_info.h"
#include "study/claims_text.h"

struct claims_args {
    const char *out;
    uint32_t threads;
    bool quiet;
};

static const struct claims_args defaults;

static const struct ts_option options[] = {
    {"out", 'o', TS_INTO(struct claims_args, out), "DIR", "also write CLAIMS.md and claims.html into this folder"},
    TS_OPTION_THREADS(struct claims_args, threads),
    TS_OPTION_QUIET(struct claims_args, quiet),
};

static enum ts_status write_pages(const char *dir, const struct ts_claim_outcome *outcomes, struct ts_diags *diags)
{
    struct ts_text markdown, html;
    ts_text_init(&markdown);
    ts_text_init(&html);
    ts_claims_markdown(&markdown, outcomes);
    enum ts_status status = ts_claims_html(&html, outcomes);
    status = markdown.failed ? TS_ENOMEM : status;
    status = status == TS_OK ? ts_mkdirs(dir, diags) : status;
    status = status == TS_OK ? ts_file_write_text(dir, "CLAIMS.md", &markdown, diags) : status;
    status = status == TS_OK ? ts_file_write_text(dir, "claims.html", &html, diags) : status;
    ts_text_deinit(&markdown);
    ts_text_deinit(&html);
    return status;
}

static enum ts_status print(const struct ts_claim_outcome *outcomes)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_claims_text(&text, outcomes);
    const enum ts_status status = text.failed ? TS_ENOMEM : TS_OK;
    if (status == TS_OK) {
        fputs(text.data, stdout);
    }
    ts_text_deinit(&text);
    return status;
}

static enum ts_status run(const void *untyped, struct ts_arena *arena, struct ts_diags *diags)
{
    const struct claims_args *args = untyped;
    struct ts_progress_line line = {.quiet = args->quiet};
    const struct ts_progress progress = ts_progress_line_of(&line);
    struct ts_claim_outcome *outcomes = ts_arena_array(arena, ts_n_claims, sizeof *outcomes);
    if (!outcomes) {
        return TS_ENOMEM;
    }
    ts_interrupt_arm();
    enum ts_status status =
        ts_claims_judge(outcomes, args->threads ? args->threads : ts_run_info_cpus(), &progress, diags);
    ts_progress_line_end(&line);
    status = status == TS_OK ? print(outcomes) : status;
    return status == TS_OK && args->out ? write_pages(args->out, outcomes, diags) : status;
}

const struct ts_command ts_command_claims = {
    .name = "claims",
    .summary = "Test common claims about where AI should run by simulation",
    .examples = "  tiersim claims                # fifteen claims: our number, the verdict, the input that decides\n"
                "  tiersim claims --out claims   # as Markdown and as a page, too\n",
    .options = TS_OPTIONS(options, defaults),
    .run = run,
};
