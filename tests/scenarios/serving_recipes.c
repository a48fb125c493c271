/* Hides the settings, by engine. */
#include "serving_recipes.h"

#include <math.h>
#include <string.h>

static const double default_budget_tok = 8192.0;

struct serving_recipe serving_recipe_default(void)
{
    return (struct serving_recipe){.budget_tok = default_budget_tok};
}

static bool is(const char *text, const char *word)
{
    return strcmp(text, word) == 0;
}

/* Days as text sort as time. */
static bool since(const struct serving_run *run, const char *day)
{
    return strcmp(run->measured, day) >= 0;
}

/* Requests are held back until steps_at_most steps after the first of them: that one waits as long, those that come
 * meanwhile half of it. One comes in osl/users steps. */
static double held_back(const struct serving_run *run, double steps_at_most)
{
    const double meanwhile = steps_at_most * run->users / run->osl;
    return steps_at_most * (1.0 + meanwhile / 2.0) / (1.0 + meanwhile);
}

/* ---- TensorRT-LLM ---- */

/* attention_dp_config.timeout_iters: until every engine has a new request. */
static const double dp_timeout_steps = 60.0;

/* Attention in parallel where the scripts of 2025 turn it on by the number of users. */
static bool is_dp_by_users(const struct serving_run *run)
{
    const double most = run->isl > 1024.0 ? 32.0 : is(run->hardware, "B200 SXM") ? 255.0 : 64.0;
    return !since(run, "2025-12-01") && run->users > most;
}

static void set_deepseek_trtllm(struct serving_recipe *out, const struct serving_run *run)
{
    const double one_prompt_tok = floor((run->users + run->isl + 127.0) / 64.0) * 64.0;
    const bool fp8_b200 = is(run->quant, "FP8") && is(run->hardware, "B200 SXM");
    out->drafts = strstr(run->version, "rc6.post3") || (since(run, "2026-01-01") && strstr(run->version, "rc2.post2"));
    out->budget_tok = since(run, "2026-01-29") ? fmax(default_budget_tok, one_prompt_tok) : one_prompt_tok;
    out->data_parallel = is_dp_by_users(run) ? run->tensor_parallel : run->data_parallel;
    if (out->data_parallel > 1) {
        out->wait_steps = held_back(run, dp_timeout_steps);
    } else if (fp8_b200 && since(run, "2026-01-29") && run->isl == run->osl && run->users >= 64.0) {
        out->wait_steps = held_back(run, 40.0); /* batch_wait_timeout_iters */
    }
}

static void set_trtllm(struct serving_recipe *out, const struct serving_run *run)
{
    if (is(run->model, "DeepSeek-R1")) {
        set_deepseek_trtllm(out, run);
    } else if (is(run->model, "gpt-oss-120b")) {
        out->budget_tok = 20000.0;
    } else {
        out->budget_tok = 16384.0;
        out->wait_steps = run->isl == run->osl && run->tensor_parallel < 8 ? held_back(run, 20.0) : 0.0;
    }
}

/* ---- SGLang ---- */

/* Requests are looked for every 10 or 30 steps on B200 (scheduler-recv-interval): half of that is waited. */
static double polled(const struct serving_run *run)
{
    const bool often =
        run->users < 16.0 || (is(run->model, "DeepSeek-R1") && is(run->quant, "FP8") && run->tensor_parallel == 4);
    return !is(run->hardware, "B200 SXM") ? 0.0 : often ? 5.0 : 15.0;
}

static double chunk_tok(const struct serving_run *run)
{
    const bool deepseek = is(run->model, "DeepSeek-R1");
    if (deepseek && is(run->quant, "FP8") && run->tensor_parallel == 4) {
        return 8192.0;
    }
    if (deepseek) {
        return is(run->quant, "FP4") ? 16384.0 : 32768.0;
    }
    return is(run->hardware, "B200 SXM") ? 32768.0 : 16384.0;
}

static void set_sglang(struct serving_recipe *out, const struct serving_run *run)
{
    const bool fp8_b200 = is(run->hardware, "B200 SXM") && is(run->quant, "FP8");
    /* The sample's later rows call the model R1 in runs of both recipes. */
    const bool either =
        strstr(run->said_model, "DeepSeek-R1") && fp8_b200 && since(run, "2026-03-25") && run->tensor_parallel == 8;
    const bool qwen = is(run->model, "Qwen3.5-397B-A17B") && fp8_b200;
    out->drafts = either || (qwen && (run->measured[0] == '\0' || is(run->measured, "2026-03-20")));
    out->cold = !since(run, "2026-01-21"); /* warm-ups came that day */
    out->budget_tok = chunk_tok(run);
    out->wait_steps = polled(run);
}

/* ---- vLLM ---- */

static void set_vllm(struct serving_recipe *out, const struct serving_run *run)
{
    if (is(run->model, "MiniMax-M2.5") && is(run->hardware, "B200 SXM") && since(run, "2026-04-03")) {
        out->budget_tok = 2.0 * run->isl;
    }
}

/* ---- aiconfigurator's own runs ---- */

/* Budgets as its generator sets them (src/aiconfigurator/generator/rule_plugin/benchmark/{trtllm,vllm}.rule@095f58a).
 * Of Llama-3.1-8B under TensorRT-LLM one request more than there are slots is under way: it waits for the end of one of
 * as many replies, osl/users steps. The recorded times to the first token grow so with the length of replies (slope x
 * users of 0.9 to 1.2 among 128, 256 and 512 tokens with 8 to 32 users, on 1 to 8 accelerators); those of its other
 * models do not. */
struct serving_recipe serving_recipe_own(const struct serving_run *run)
{
    static const double room_tok = 1500.0; /* its rules for deployments: a prompt, a token of each user, and that */
    struct serving_recipe out = serving_recipe_default();
    if (!is(run->engine, "sglang")) {
        out.budget_tok = run->isl + run->users + room_tok;
    }
    if (is(run->engine, "trtllm") && is(run->model, "Llama-3.1-8B")) {
        out.wait_steps = run->osl / run->users;
    }
    return out;
}

struct serving_recipe serving_recipe(const struct serving_run *run)
{
    struct serving_recipe out = serving_recipe_default();
    if (is(run->engine, "trtllm")) {
        set_trtllm(&out, run);
    } else if (is(run->engine, "sglang")) {
        set_sglang(&out, run);
    } else {
        set_vllm(&out, run);
    }
    return out;
}
