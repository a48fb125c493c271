/* Hides the frame of docs/ACCURACY.md. */
#include "app/accuracy_report.h"

#include <math.h>
#include <stdio.h>

#include "base/csv.h"
#include "base/file.h"
#include "study/open_check.h"
#include "study/pools_check.h"
#include "study/saturated_check.h"

static const char intro[] =
    "# Accuracy of step times without a measurement\n\n"
    "Made by `tiersim catalog accuracy --out DIR` from the recorded points in `scenarios/catalog/serving.csv` and\n"
    "`published.csv`; not edited by hand. Where a tier names catalog hardware and no measurement, its step times come\n"
    "from constants fitted to these points (`docs/MODEL.md`). Each row below is a fit that has not seen what the row\n"
    "names: the chip, the model, the source or the engine. A cell is points: median / 90th percentile of the error\n"
    "|predicted/recorded - 1|, median of predicted over recorded. A serving point is predicted as `tiersim run` does:\n"
    "it is simulated as a scenario at the constants shipped (`study/class_simulation.c`); by how much other constants\n"
    "change it, the closed form of a closed loop says (`sim/serving/closed_loop.c`).\n\n"
    "Notes:\n\n"
    "- Runs of InferenceX hold the benchmark's own settings: SGLang looks for requests every 10 or 30 steps on B200,\n"
    "  TensorRT-LLM holds some back for 20 to 60, budgets of a step differ. They stand in `serving.csv` as its "
    "scripts\n"
    "  have them and are no part of what an engine at its defaults is predicted with. Runs that predict several "
    "tokens\n"
    "  a step are left out.\n"
    "- Where the lengths of replies are the same or nearly so, users stay bunched: `spread` in `serving.csv`. The "
    "runs\n"
    "  of aiconfigurator under TensorRT-LLM and vLLM have equal lengths and are simulated with lengths 8 % wide: with\n"
    "  equal ones the scheduler keeps users bunched at 1.3 to 1.9 times the recorded time to the first token.\n"
    "- In aiconfigurator's runs of Llama-3.1-8B under TensorRT-LLM one request more than there are slots is under way; "
    "it\n"
    "  waits for a reply to end: `wait_steps` in `serving.csv`.\n"
    "- An engine that is left out has the median of each cost of the others. `vllm-2025` is the only one that "
    "schedules\n"
    "  between steps: nothing else tells what that takes, and its throughput without it is as good as unknown.\n"
    "- Recordings of one point differ: 9 of 10 times per token lie within 10 % of their median, times to the first "
    "token\n"
    "  within 14 % (versions of an engine, days; `ctest -R test_published --verbose`). In the row \"nothing\" the "
    "points\n"
    "  are fitted themselves: what is off there, no constant of this form meets. In the throughput it is eight-GPU "
    "runs\n"
    "  of Llama 405B (a third too fast at small batches), Qwen3-8B below and runs of 8B on B200 with 127 to 511 "
    "users,\n"
    "  which took three times what 64 did.\n"
    "- vLLM is two engines: `vllm` schedules while the accelerator works (0.14 and later, and InferenceX's runs), "
    "`vllm-2025`\n"
    "  (0.11 to 0.13: ML.ENERGY, aiconfigurator, gpu_conc) between steps, and its mixtures in FP8 compute whole "
    "tiles.\n"
    "- Under SGLang prompts come first: where all lengths are the same (aiconfigurator), users fall into step and all "
    "prompts\n"
    "  are computed before all replies. The simulated scheduler does the same under `engine: sglang`.\n"
    "- Qwen3-8B of ML.ENERGY on B200 (gpqa) waits for something at 30 ms a step.\n"
    "- Energy: power of one accelerator at that batch from fits of other models of like size (energy.csv), over\n"
    "  predicted throughput.\n"
    "- Prompt lengths of ML.ENERGY are not published: 200 tokens are taken.\n"
    "- AMD's points were copied from public pages (`tests/scenarios/serving_amd.csv` has page, date and version of "
    "each):\n"
    "  static batches are steps that only decode, their latency less the prompts' part at 40 % of the peak (at most 5 "
    "%).\n"
    "  Runs of ATOM are AMD's nightly ones on MI355X, vLLM and SGLang with its kernels, medians of 1 to 20 runs; its "
    "own\n"
    "  server, which is as fast (DeepSeek-R1: 10.75 ms a token, 10.9 under vLLM), gives those of Llama-3.3-70B in "
    "MXFP4.\n"
    "  Not taken: the page of vLLM beside them (its times per token and throughputs contradict each other), engines\n"
    "  before vLLM 0.6, runs with drafts or over several nodes.\n";

/* How many of the points that a fit had not seen lie inside. */
static void put_coverage(struct ts_text *out, const struct ts_accuracy *of, enum ts_class_label label)
{
    const bool serving = ts_str_equal(of->class->engines, TS_ENGINES_SERVING);
    const double *left = of->left[label];
    if (!left || !ts_accuracy_has_left(of, label)) {
        return;
    }
    const struct ts_accuracy_error each =
        ts_accuracy_error(of, left, serving ? TS_CLASS_TPOT : TS_CLASS_DECODE, TS_CLASS_CHIP, TS_ACCURACY_ALL);
    const struct ts_accuracy_error first =
        ts_accuracy_error(of, left, serving ? TS_CLASS_TTFT : TS_CLASS_PREFILL, TS_CLASS_CHIP, TS_ACCURACY_ALL);
    if (each.n > 0) {
        ts_text_printf(out, "- each %s left out: inside are %.0f %% of %zu %s", ts_class_label_name(label),
                       100.0 * each.covered, each.n, serving ? "times per token" : "decode rates");
    }
    if (each.n > 0 && first.n > 0) {
        ts_text_printf(out, ", %.0f %% of %zu %s", 100.0 * first.covered, first.n,
                       serving ? "times to the first token" : "prefill rates");
    }
    ts_text_puts(out, each.n > 0 ? ".\n" : "");
}

static void put_interval(struct ts_text *out, const struct ts_accuracy *of)
{
    const struct ts_efficiency *row = &of->constants.efficiency;
    const bool serving = ts_str_equal(of->class->engines, TS_ENGINES_SERVING);
    if (row->high <= 0.0) {
        return;
    }
    ts_text_printf(out,
                   "\nThe interval that reports print: 9 of 10 recorded times lie within these factors of the "
                   "predicted ones,\n%s %.2f to %.2f, %s %.2f to %.2f.\n\n",
                   serving ? "per token" : "of decode", row->low, row->high,
                   serving ? "to the first token" : "of prompts", row->first_low, row->first_high);
    for (int label = 0; label < TS_CLASS_N_LABELS; label++) {
        put_coverage(out, of, (enum ts_class_label)label);
    }
}

static void put_class(struct ts_text *out, const struct ts_accuracy *of)
{
    ts_text_printf(out, "\n## Class %s, %s engines\n\nPoints from\n\n- ", of->class->name, of->class->engines);
    for (const char *c = of->class->source; *c; c++) { /* an item for each source */
        if (c[0] == ';' && c[1] == ' ') {
            ts_text_puts(out, "\n- ");
            c++;
        } else {
            ts_text_append(out, c, 1);
        }
    }
    ts_text_puts(out, "\n\n");
    ts_accuracy_print(out, of);
    put_interval(out, of);
}

/* ---- every point ---- */

static void put_points(struct ts_text *out, const struct ts_accuracy *of)
{
    for (size_t i = 0; i < of->points.n; i++) {
        const struct ts_class_point *p = &of->points.points[i];
        ts_text_printf(out, "%s,%s,%s", of->class->name, of->class->engines, ts_class_measure_name(p->measure));
        for (int label = 0; label < TS_CLASS_N_LABELS; label++) {
            ts_csv_put(out, p->label[label], false);
        }
        ts_text_printf(out, ",%g,%g,%g,%g,%.5g,%.5g", p->on.n_accelerators, p->load.n_users, p->load.prompt_tok,
                       p->load.output_tok, p->recorded, p->recorded * of->fitted[i]);
        for (int label = 0; label < TS_CLASS_N_LABELS; label++) {
            const double ratio = of->left[label] ? of->left[label][i] : (double)NAN;
            ts_text_printf(out, isnan(ratio) ? "," : ",%.5g", p->recorded * ratio);
        }
        ts_text_puts(out, "\n");
    }
}

static enum ts_status write_out(const char *dir, const struct ts_text *page, const struct ts_text *points,
                                struct ts_diags *diags)
{
    if (!dir) {
        (void)fwrite(page->data, 1, page->len, stdout);
        return TS_OK;
    }
    const enum ts_status status = ts_file_write_text(dir, "ACCURACY.md", page, diags);
    return status == TS_OK ? ts_file_write_text(dir, "accuracy.csv", points, diags) : status;
}

static enum ts_status measure_all(struct ts_text *page, struct ts_text *points, const char *dir,
                                  const struct ts_catalog *catalog, struct ts_arena *arena, struct ts_diags *diags)
{
    for (size_t i = 0; i < ts_class_count(); i++) {
        struct ts_accuracy accuracy;
        enum ts_status status = ts_accuracy_measure(&accuracy, i, catalog, arena, diags);
        if (status != TS_OK) {
            return status;
        }
        put_class(page, &accuracy);
        put_points(points, &accuracy);
        if (i == 0) {
            ts_text_puts(page, "\n![predicted against recorded](accuracy_scatter.png)\n"
                               "![error by users](accuracy_batch.png)\n");
            status = dir ? ts_accuracy_charts(dir, &accuracy, diags) : TS_OK;
        }
        if (status != TS_OK) {
            return status;
        }
    }
    return TS_OK;
}

/* ---- pools ---- */

static const char pools_intro[] =
    "\n"
    "## Prefill and decode in pools of their own\n"
    "\n"
    "Recorded deployments of DeepSeek-R1 in `scenarios/catalog/pooled.csv` (InferenceX, from aiconfigurator@095f58a), "
    "each\n"
    "written as a scenario with a pool for prompts and one for replies and simulated as the benchmark ran it: a closed "
    "loop\n"
    "of its users, ten requests for each, all users at once at the beginning, lengths drawn at 0.8 to 1.0 of the "
    "longest.\n"
    "Where attention runs in parallel with the experts spread over all accelerators of a worker, the pool has\n"
    "`data_parallel`. Seats and tokens of a step are the recipe's where one is known (InferenceX@843c625, "
    "srt-slurm@c88ef731:\n"
    "`tests/scenarios/pooled_recipes.csv`). The KV cache crosses at once. One constant is fitted to these points,\n"
    "`exchange_us` of `engines.csv`; the rest has not seen them.\n"
    "\n"
    "Of 1,065 such rows of the sample 455 predict several tokens a step or may, 128 do not say how many workers there "
    "were\n"
    "(nor does one recipe alone), 2 how many users; 100 have a worker over several nodes, whose link is in no catalog; "
    "39\n"
    "wait longer than a third of the reply for its first token though there are seats. The other 341 are 153 points, "
    "medians\n"
    "where one was recorded more than once. Throughput is users over the mean time of a request.\n"
    "\n";

static enum ts_status put_pools(struct ts_text *page, const struct ts_catalog *catalog, struct ts_arena *arena,
                                struct ts_diags *diags)
{
    struct ts_pools_ratio *ratios = ts_arena_array(arena, catalog->n_pooled + 1, sizeof *ratios);
    const enum ts_status status = ratios ? ts_pools_check(ratios, catalog, diags) : TS_ENOMEM;
    if (status == TS_OK) {
        ts_text_puts(page, pools_intro);
        ts_pools_print(page, catalog, ratios);
    }
    return status;
}

/* ---- open loops ---- */

static const char open_intro[] =
    "\n"
    "## Open loops, simulated\n"
    "\n"
    "Recorded stages of `scenarios/catalog/open.csv`: vLLM 0.15.1 under inference-perf, requests at random times\n"
    "at a steady rate. Each is written as a scenario of catalog names (hardware, model, `engine: vllm`,\n"
    "sequences, budget of a step, rate, lengths) and simulated for as long as it was recorded. That a request\n"
    "waits for a step that is planned already, and that prompts in the cache are not launched layer by layer, was\n"
    "found on them; the fit to other recordings bears it out (`docs/MODEL.md`). One constant is from them: vLLM's\n"
    "`first_ms`, 7 ms, the median of the time to the first token less 2.5 recorded steps. No other constant has seen\n"
    "them, and none an A100 or L40S under vLLM.\n"
    "\n"
    "What the load was: inference-perf's `shared_prefix` makes 10 x 10 prompts and sends them in turn (the\n"
    "profiles' keys `num_unique_system_prompts` and `enable_multi_turn_chat` were not in force, as the\n"
    "configuration beside the results says), so that after the first hundred requests all but a prompt's last\n"
    "block is found in the cache. Gaps between requests are exponential, scaled to the count (`load_timer.py`).\n"
    "`ignore_eos` holds: every reply has the tokens that were asked for; the recorded output_len is its text\n"
    "counted again, up to 22 % less. Gaps between tokens were recorded between chunks, two to a token: the time\n"
    "per token is (reply - first token)/(tokens - 1) of the means. Lengths of prompts are recorded for the first\n"
    "source; for the others those of the same workload there are taken. So are the rates of the last source: the\n"
    "means of its whole runs weigh their stages just so.\n"
    "\n"
    "Left out: four stages of `reasoning` at 4 a second, which the servers could not keep up with (of one 85 % of\n"
    "the requests failed after five minutes); the same scenario at that rate (1,081 and 1,448 tokens, `patience:\n"
    "300 s`) is overloaded too, with first tokens after 102 to 242 s (recorded 103 to 120 s, of those that came).\n"
    "Left out also: runs with several replicas, and what stands in two sources a second time. In 37 of the 96\n"
    "stages KV blocks were copied to host memory as well, which is not simulated. Files, of the repositories of\n"
    "inference-sim: `default_args/*/results/stage_*` of training; of sim-to-real-accuracy-validation\n"
    "`results_trainval/error_records.csv` and, of an older commit, `results_iter36/error_records.csv` (column\n"
    "`actual`).\n"
    "\n"
    "A cell is median / 90th percentile of the error, median of predicted over recorded; p90: of a stage's 90th\n"
    "percentiles instead of its means.\n"
    "\n";

static enum ts_status put_open(struct ts_text *page, const struct ts_catalog *catalog, struct ts_arena *arena,
                               struct ts_diags *diags)
{
    struct ts_open_ratio *ratios = ts_arena_array(arena, catalog->n_open_stages + 1, sizeof *ratios);
    const enum ts_status status = ratios ? ts_open_check(ratios, catalog, diags) : TS_ENOMEM;
    if (status == TS_OK) {
        ts_text_puts(page, open_intro);
        ts_open_print(page, catalog, ratios);
    }
    return status;
}

/* ---- all that a server puts out ---- */

static const char saturated_intro[] =
    "\n"
    "## Servers that are saturated, simulated\n"
    "\n"
    "NVIDIA's own table of the most that TensorRT-LLM puts out (`scenarios/catalog/saturated.csv`; its runs on one or\n"
    "two accelerators that share layers): 3,000 requests (1,500 of prompts or replies over 8,000 tokens, 1,000 of\n"
    "prompts over 32,000) are queued at once. Each is written as a scenario of catalog names, 2,048 sequences at "
    "most,\n"
    "and simulated from the first request to the last. No constant is fitted to them; that TensorRT-LLM admits only\n"
    "what fits to its end (`scheduler.no_evict`), and that Blackwell's cards with GDDR compute NVFP4 as others do, "
    "was\n"
    "found on them. NVIDIA's checkpoints bring a cache of 8 bits, and the table's gpt-oss on Blackwell has one too; "
    "for\n"
    "Qwen3-30B-A3B that is assumed. What is left: mixtures of experts on Blackwell, with 1,000 sequences and more\n"
    "in a step, are predicted a third to a half too fast.\n"
    "\n";

static enum ts_status put_saturated(struct ts_text *page, const struct ts_catalog *catalog, struct ts_arena *arena,
                                    struct ts_diags *diags)
{
    double *ratios = ts_arena_array(arena, catalog->n_saturated + 1, sizeof *ratios);
    const enum ts_status status = ratios ? ts_saturated_check(ratios, catalog, diags) : TS_ENOMEM;
    if (status == TS_OK) {
        ts_text_puts(page, saturated_intro);
        ts_saturated_print(page, catalog, ratios);
    }
    return status;
}

enum ts_status ts_accuracy_report(const char *dir, struct ts_arena *arena, struct ts_diags *diags)
{
    struct ts_catalog catalog;
    struct ts_text page, points;
    ts_text_init(&page);
    ts_text_init(&points);
    enum ts_status status = ts_catalog_load(&catalog, arena, diags);
    status = status == TS_OK ? ts_catalog_load_published(&catalog, arena, diags) : status;
    status = status == TS_OK && dir ? ts_mkdirs(dir, diags) : status;
    ts_text_puts(&page, intro);
    ts_text_puts(&points, "class,engines,measure,chip,model,source,engine,accelerators,users,prompt_tok,output_tok,"
                          "recorded,fitted,without_chip,without_model,without_source,without_engine\n");
    status = status == TS_OK ? measure_all(&page, &points, dir, &catalog, arena, diags) : status;
    status = status == TS_OK ? put_pools(&page, &catalog, arena, diags) : status;
    status = status == TS_OK ? put_open(&page, &catalog, arena, diags) : status;
    status = status == TS_OK ? put_saturated(&page, &catalog, arena, diags) : status;
    status = status == TS_OK ? write_out(dir, &page, &points, diags) : status;
    ts_text_deinit(&page);
    ts_text_deinit(&points);
    return status;
}
