/* Hides how the sources name hardware, models, quants, engines and tests. A row that cannot be read without guessing is
 * passed over, with its reason. */
#include "calibration_rows.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"

enum { MAX_POINTS = 4096, NAME = 64 };

struct point {
    const char *chip, *model, *quant, *engine;
    char source[NAME];
    unsigned n, prompt, output;
    double batch, value;
    bool prefill;
};

struct words {
    const char *said, *meant;
};

/* By start, first match: longer ones first. NULL: passed over. */
static const struct words chips[] = {
    {"Apple M1 (7", "Apple M1 7-core GPU"},
    {"Apple M1 7-Core", "Apple M1 7-core GPU"},
    {"Apple M1 (8", "Apple M1 8-core GPU"},
    {"Apple M1 Pro (14", "Apple M1 Pro 14-core GPU"},
    {"Apple M1 Pro (16", "Apple M1 Pro 16-core GPU"},
    {"Apple M1 Max (24", "Apple M1 Max 24-core GPU"},
    {"Apple M1 Max", "Apple M1 Max 32-core GPU"},
    {"Apple M1 Ultra (48", "Apple M1 Ultra 48-core GPU"},
    {"Apple M1 Ultra 48c", "Apple M1 Ultra 48-core GPU"},
    {"Apple M1 Ultra (64", "Apple M1 Ultra 64-core GPU"},
    {"Apple M1 Ultra 64c", "Apple M1 Ultra 64-core GPU"},
    {"Apple M2 (8", "Apple M2 8-core GPU"},
    {"Apple M2 (10", "Apple M2 10-core GPU"},
    {"Apple M2 Pro (16", "Apple M2 Pro 16-core GPU"},
    {"Apple M2 Pro (19", "Apple M2 Pro 19-core GPU"},
    {"Apple M2 Max CPU", "Apple M2 Max CPU"},
    {"Apple M2 Max (30", "Apple M2 Max 30-core GPU"},
    {"Apple M2 Max (38", "Apple M2 Max 38-core GPU"},
    {"Apple M2 Ultra (60", "Apple M2 Ultra 60-core GPU"},
    {"Apple M2 Ultra", "Mac Studio M2 Ultra 192GB"},
    {"Apple M3 (10", "Apple M3 10-core GPU"},
    {"Apple M3 Pro (14", "Apple M3 Pro 14-core GPU"},
    {"Apple M3 Pro (18", "Apple M3 Pro 18-core GPU"},
    {"Apple M3 Ultra (60", "Apple M3 Ultra 60-core GPU"},
    {"Apple M3 Ultra", "Mac Studio M3 Ultra 512GB"},
    {"Apple Mac Studio M3 Ultra", "Mac Studio M3 Ultra 512GB"},
    {"Apple M4 (10", "Apple M4 10-core GPU"},
    {"Apple M4 Mac mini 10c", "Apple M4 10-core GPU"},
    {"Apple M4 Pro (16", "Apple M4 Pro 16-core GPU"},
    {"Apple M4 Pro (20", "Apple M4 Pro 20-core GPU"},
    {"Apple M4 Max (40", "MacBook Pro M4 Max 64GB"},
    {"Apple M4 Max", "Apple M4 Max 32-core GPU"},
    {"NVIDIA 3070", "RTX 3070"},
    {"NVIDIA 3080 10GB", "RTX 3080 10GB"},
    {"NVIDIA 3080 Ti", "RTX 3080 Ti"},
    {"NVIDIA 3090", "RTX 3090"},
    {"NVIDIA 4070 Ti", "RTX 4070 Ti"},
    {"NVIDIA 4080", "RTX 4080"},
    {"NVIDIA A40 ", "NVIDIA A40"},
    {"NVIDIA A100 PCIe", "A100 PCIe 80GB"},
    {"NVIDIA A100 80GB", "A100 80GB SXM"},
    {"NVIDIA A100 SXM", "A100 80GB SXM"},
    {"NVIDIA H100 PCIe", "H100 PCIe 80GB"},
    {"NVIDIA H100", "H100 SXM 80GB"},
    {"NVIDIA B200", "B200 SXM"},
    {"NVIDIA RTX 3090", "RTX 3090"},
    {"NVIDIA RTX 4000 Ada", "RTX 4000 Ada"},
    {"NVIDIA RTX 5000 Ada", "RTX 5000 Ada"},
    {"NVIDIA RTX 6000 Ada", "RTX 6000 Ada"},
    {"NVIDIA RTX A6000", "RTX A6000"},
    {"NVIDIA RTX 5060 Ti", "RTX 5060 Ti"},
    {"NVIDIA RTX 5070 Ti", "RTX 5070 Ti"},
    {"NVIDIA RTX 5080", "RTX 5080"},
    {"NVIDIA RTX 5090", "RTX 5090"},
    {"NVIDIA RTX PRO 6000", "RTX PRO 6000 Blackwell"},
    {"NVIDIA DGX Spark", "DGX Spark (GB10)"},
    {"NVIDIA Jetson AGX Orin", "Jetson AGX Orin 64GB"},
    {"PC + NVIDIA RTX 2080 Ti", "RTX 2080 Ti"},
    {"PC + NVIDIA RTX 3060", "RTX 3060"},
    {"PC + NVIDIA RTX 3080 Ti", "RTX 3080 Ti"},
    {"PC + NVIDIA RTX 4070 Ti", "RTX 4070 Ti"},
    {"PC + NVIDIA RTX 5090", "RTX 5090"},
    {"PC + NVIDIA RTX A4000", "RTX A4000"},
    {"AMD Ryzen AI Max+ 395", "Strix Halo (Ryzen AI Max+ 395)"},
    {"Framework Desktop Strix Halo CPU", "Strix Halo CPU"},
    {"Framework Desktop Strix Halo GPU", "Strix Halo (Ryzen AI Max+ 395)"},
    {"AMD Ryzen 9 7950X", "Ryzen 9 7950X"},
    {"AmpereOne A192-32X", "AmpereOne A192-32X"},
    {"Intel N150", "Intel N150"},
    {"Framework 13 Ryzen AI 5 340", "Ryzen AI 5 340"},
    {"Minisforum MS-R1", "CIX P1 (12 cores)"},
    {"Radxa Orion O6", "CIX P1 (12 cores)"},
    {"Raspberry Pi 400", "Raspberry Pi 400"},
    {"OnePlus 12", "OnePlus 12 (Snapdragon 8 Gen 3)"},
    {"Samsung Galaxy S24", "Galaxy S24 (Snapdragon 8 Gen 3)"},
    {"Samsung Galaxy S22", "Galaxy S22 (Snapdragon 8 Gen 1)"},
    {"Snapdragon 8 Elite", "Snapdragon 8 Elite"},
};

/* By the whole name. */
static const struct words models[] = {
    {"Llama-2-7B", "Llama-2-7B"},         {"Llama-2-13B", "Llama-2-13B"},
    {"Llama-2-70B", "Llama-2-70B"},       {"llama2-70b", "Llama-2-70B"},
    {"bloom-176b", "BLOOM-176B"},         {"Llama-3-8B", "Llama-3.1-8B"},
    {"Llama-3.1-8B", "Llama-3.1-8B"},     {"Llama-3.1-8B-Instruct", "Llama-3.1-8B"},
    {"Llama-3-70B", "Llama-3.1-70B"},     {"Llama-3.1-70B", "Llama-3.1-70B"},
    {"Llama-3.1-405B", "Llama-3.1-405B"}, {"Llama-3.2-1B", "Llama-3.2-1B"},
    {"Llama-3.2-3B", "Llama-3.2-3B"},     {"DeepSeek-R1-Distill-14B", "Qwen2.5-14B"},
    {"Qwen3-32B", "Qwen3-32B"},           {"gpt-oss-20b", "gpt-oss-20b"},
    {"gpt-oss-120b", "gpt-oss-120b"},     {"gemma-3-4b", "Gemma-3-4B"},
};

static const struct words quants[] = {
    {"F16", "FP16"},
    {"FP16", "FP16"},
    {"BF16", "BF16"},
    {"bf16", "BF16"},
    {"fp8", "FP8"},
    {"fp4", "FP4"},
    {"MXFP4", "MXFP4"},
    {"Q4_0", "Q4_0"},
    {"Q8_0", "Q8_0"},
    {"Q4_K_M", "Q4_K_M"},
    {"Q4_K_M (ollama default/GGUF)", "Q4_K_M"},
    {"Q4_K_M (ollama default)", "Q4_K_M"},
    {"Q4_K_S", "Q4_K"},
    {"Q5_K_S", "Q5_K"},
    {"Q6_K", "Q6_K"},
    {"4-bit", "INT4"},
    {"w4a16", "INT4"},
    {"int4-g128", "INT4"},
    {"SpinQuant-4bit", "INT4"},
    {"QAT+LoRA-4bit", "INT4"},
};

/* By start. */
static const struct words engines[] = {
    {"trtllm", "trtllm"},         {"TensorRT-LLM", "trtllm"},  {"vllm", "vllm"},           {"sglang", "sglang"},
    {"Splitwise", "splitwise"},   {"ik_llama.cpp", NULL},      {"llama.cpp", "llama.cpp"}, {"ollama", "llama.cpp"},
    {"ExecuTorch", "executorch"}, {"Qualcomm Genie", "genie"},
};

static const char *const fates[CALIBRATION_N_FATES] = {
    "used",
    "power, no rate",
    "outlier",
    "layers split over GPUs",
    "time to first token under load",
    "no lengths in the row",
    "a stack of 2023",
    "served under load: in serving.csv",
    "hardware",
    "engine",
    "model",
    "quant",
};

const char *calibration_fate_name(enum calibration_fate fate)
{
    return fates[fate];
}

static const char *by_start(const struct words *words, size_t n, const char *said)
{
    for (size_t i = 0; i < n; i++) {
        if (strncmp(said, words[i].said, strlen(words[i].said)) == 0) {
            return words[i].meant;
        }
    }
    return NULL;
}

static const char *whole(const struct words *words, size_t n, const char *said)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(said, words[i].said) == 0) {
            return words[i].meant;
        }
    }
    return NULL;
}

#define COUNT(a) (sizeof(a) / sizeof(a)[0])

/* "github.com/owner/repository path@commit (note)" -> "repository@commit"; a discussion keeps its number. */
static void short_source(char *out, const char *said)
{
    const char *owner = strncmp(said, "github.com/", 11) == 0 ? strchr(said + 11, '/') : NULL;
    const char *from = owner ? owner + 1 : said;
    size_t n = strcspn(from, "/ ");
    if (strncmp(from + n, "/discussions/", 13) == 0 || strncmp(from + n, "/issues/", 8) == 0) {
        n = strcspn(from, " ");
    }
    const char *commit = strchr(said, '@');
    int tail = commit ? (int)strcspn(commit, " ),") : 0;
    (void)snprintf(out, NAME, "%.*s%.*s", (int)n, from, tail, commit ? commit : "");
}

struct said {
    const char *hardware, *model, *test, *quant, *engine, *batch, *metric, *source;
    double value;
};

/* The test's lengths from "tg1024", "pp512 t=16", "isl=1024 osl=128", "prompt 512" or nothing at all. */
static bool read_lengths(struct point *point, const struct said *said)
{
    unsigned a = 0;
    unsigned b = 0;
    if (sscanf(said->test, "isl=%u osl=%u", &a, &b) == 2) {
        point->prompt = a;
        point->output = b;
        return true;
    }
    if (sscanf(said->test, "prompt %u", &a) == 1) {
        point->prompt = a;
        point->output = 128;
        return true;
    }
    if (sscanf(said->test, "pp%u", &a) == 1) {
        point->prompt = a;
        return point->prefill;
    }
    if (sscanf(said->test, "tg%u", &a) == 1) {
        point->output = a;
        return !point->prefill;
    }
    point->prompt = point->prefill ? 64 : 0; /* short by default: ollama's reply, ExecuTorch's prompt of 64 */
    point->output = point->prefill ? 0 : 128;
    return said->test[0] == '\0';
}

static bool is_outlier(const struct said *said, const char *quant)
{
    bool f16 = strcmp(quant, "FP16") == 0 && strcmp(said->metric, "prefill_tok_s") == 0;
    return f16 && (strncmp(said->hardware, "NVIDIA A100 SXM", 15) == 0 ||
                   strncmp(said->hardware, "NVIDIA RTX 5000 Ada 32GB * 4", 28) == 0);
}

static enum calibration_fate read_names(struct point *point, const struct said *said)
{
    const char *hardware = said->hardware;
    unsigned n = 0;
    point->n = 1;
    if (sscanf(hardware, "%ux NVIDIA", &n) == 1) {
        point->n = n;
        hardware = strchr(hardware, ' ') + 1;
    }
    point->chip = by_start(chips, COUNT(chips), hardware);
    point->model = whole(models, COUNT(models), said->model);
    point->quant = whole(quants, COUNT(quants), said->quant);
    point->engine = by_start(engines, COUNT(engines), said->engine);
    if (strstr(said->source, "MLPerf") || (strstr(said->engine, "TensorRT-LLM") && !strstr(said->source, "holohub")) ||
        strstr(said->engine, "ML.ENERGY") || strstr(said->source, "LLMServingSim")) {
        return CALIBRATION_CONTEXT;
    }
    if (!point->chip || strncmp(said->hardware, "NVIDIA H100 80GB", 16) == 0) {
        return CALIBRATION_HARDWARE;
    }
    if (!point->engine || strstr(said->engine, "llama.cpp CPU")) {
        return CALIBRATION_ENGINE;
    }
    return !point->model ? CALIBRATION_MODEL : !point->quant ? CALIBRATION_QUANT : CALIBRATION_USED;
}

static enum calibration_fate read_point(struct point *point, const struct said *said)
{
    *point = (struct point){.prefill = strcmp(said->metric, "prefill_tok_s") == 0, .value = said->value};
    if (strcmp(said->metric, "power_w") == 0) {
        return CALIBRATION_POWER;
    }
    if (strstr(said->source, "aiconfigurator")) {
        return CALIBRATION_SERVING;
    }
    if (strcmp(said->metric, "ttft_ms") == 0) {
        return CALIBRATION_WAITING;
    }
    enum calibration_fate fate = read_names(point, said);
    if (fate != CALIBRATION_USED) {
        return fate;
    }
    if (is_outlier(said, point->quant)) {
        return CALIBRATION_OUTLIER;
    }
    if (strchr(said->hardware, '*')) {
        return CALIBRATION_LAYER_SPLIT;
    }
    char *end = NULL;
    point->batch = strtod(said->batch, &end);
    if (end == said->batch || *end || !read_lengths(point, said)) {
        return CALIBRATION_CONTEXT;
    }
    if (strcmp(point->engine, "splitwise") == 0) {
        return CALIBRATION_HOST_BOUND;
    }
    short_source(point->source, said->source);
    return CALIBRATION_USED;
}

static int by_key(const void *a, const void *b)
{
    const struct point *p = a;
    const struct point *q = b;
    int order = strcmp(p->chip, q->chip);
    order = order ? order : (int)p->n - (int)q->n;
    order = order ? order : strcmp(p->model, q->model);
    order = order ? order : strcmp(p->quant, q->quant);
    order = order ? order : strcmp(p->engine, q->engine);
    order = order ? order : (p->prefill > q->prefill) - (p->prefill < q->prefill);
    order = order ? order : (p->batch > q->batch) - (p->batch < q->batch);
    order = order ? order : (p->prompt > q->prompt) - (p->prompt < q->prompt);
    return order ? order : (p->output > q->output) - (p->output < q->output);
}

static int by_key_and_value(const void *a, const void *b)
{
    const struct point *p = a;
    const struct point *q = b;
    int order = by_key(a, b);
    order = order ? order : (p->value > q->value) - (p->value < q->value);
    return order ? order : strcmp(p->source, q->source);
}

static void put_row(struct ts_text *out, const struct point *p, double value)
{
    ts_csv_put(out, p->chip, true);
    ts_text_printf(out, ",%u,%s,%s,%s,%.4g,%u,%u,", p->n, p->model, p->quant, p->engine, p->batch, p->prompt,
                   p->output);
    ts_text_printf(out, p->prefill ? ",%.5g," : "%.5g,,", value);
    ts_text_printf(out, "%s\n", p->source);
}

static void put_medians(struct ts_text *out, struct point *points, size_t n)
{
    ts_text_puts(out,
                 "hardware,count,model,quant,engine,batch,prompt_tok,output_tok,decode_tok_s,prefill_tok_s,source\n");
    qsort(points, n, sizeof *points, by_key_and_value);
    for (size_t i = 0; i < n;) {
        size_t end = i + 1;
        while (end < n && by_key(&points[i], &points[end]) == 0) {
            end++;
        }
        size_t middle = i + (end - i) / 2;
        double value = (end - i) % 2 ? points[middle].value : (points[middle - 1].value + points[middle].value) / 2.0;
        put_row(out, &points[i], value);
        i = end;
    }
}

static enum ts_status read_rows(struct ts_csv_reader *csv, struct point *points, size_t *n,
                                size_t counts[CALIBRATION_N_FATES], struct ts_diags *diags)
{
    const struct ts_csv_row *row = NULL;
    char model[NAME * 2];
    char test[NAME * 2];
    for (;;) {
        enum ts_status status = ts_csv_next(csv, &row, diags);
        if (status != TS_OK || !row) {
            return status;
        }
        const char *said_model = row->fields[ts_csv_column(csv, "model")].data;
        size_t name = strcspn(said_model, "[");
        size_t bracket = said_model[name] ? strcspn(said_model + name, "]") - 1 : 0;
        size_t trimmed = name > 0 && said_model[name - 1] == ' ' ? name - 1 : name;
        (void)snprintf(model, sizeof model, "%.*s", (int)trimmed, said_model);
        (void)snprintf(test, sizeof test, "%.*s", (int)bracket, said_model[name] ? said_model + name + 1 : "");
        struct said said = {row->fields[ts_csv_column(csv, "hardware")].data,
                            model,
                            test,
                            row->fields[ts_csv_column(csv, "quant")].data,
                            row->fields[ts_csv_column(csv, "engine")].data,
                            row->fields[ts_csv_column(csv, "batch")].data,
                            row->fields[ts_csv_column(csv, "metric")].data,
                            row->fields[ts_csv_column(csv, "source_url_or_repo_path")].data,
                            strtod(row->fields[ts_csv_column(csv, "value")].data, NULL)};
        struct point point;
        enum calibration_fate fate = read_point(&point, &said);
        counts[fate]++;
        if (fate == CALIBRATION_USED) {
            if (*n == MAX_POINTS) {
                return TS_EINPUT;
            }
            points[(*n)++] = point;
        }
    }
}

enum ts_status calibration_rows(struct ts_text *out, const char *path, size_t counts[CALIBRATION_N_FATES],
                                struct ts_diags *diags)
{
    struct ts_csv_reader *csv = NULL;
    struct point *points = calloc(MAX_POINTS, sizeof *points);
    size_t n = 0;
    enum ts_status status = points ? ts_csv_open(&csv, path, true, diags) : TS_ENOMEM;
    if (status == TS_OK) {
        status = read_rows(csv, points, &n, counts, diags);
        ts_csv_close(csv);
    }
    if (status == TS_OK) {
        put_medians(out, points, n);
    }
    free(points);
    return status;
}
