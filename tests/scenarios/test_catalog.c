#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/csv.h"
#include "scenarios/catalog/catalog.h"

static struct ts_arena arena;
static struct ts_catalog catalog;

static int setup(void **state)
{
    (void)state;
    ts_arena_init(&arena);
    struct ts_diags diags;
    ts_diags_init(&diags);
    enum ts_status status = ts_catalog_load(&catalog, &arena, &diags);
    size_t n = diags.n_errors;
    ts_diags_deinit(&diags);
    return status == TS_OK && n == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    ts_arena_deinit(&arena);
    return 0;
}

static size_t rows_of(const char *file)
{
    char path[512];
    size_t n = 0;
    struct ts_csv_reader *csv = NULL;
    const struct ts_csv_row *row = NULL;
    assert_true(snprintf(path, sizeof path, "%s/scenarios/catalog/%s", TS_SOURCE_DIR, file) < (int)sizeof path);
    assert_int_equal(ts_csv_open(&csv, path, true, NULL), TS_OK);
    while (ts_csv_next(csv, &row, NULL) == TS_OK && row) {
        n++;
    }
    ts_csv_close(csv);
    return n;
}

static void test_catalog__every_row_of_every_file_is_there(void **state)
{
    (void)state;
    assert_int_equal(catalog.n_hardware, rows_of("hardware.csv"));
    assert_int_equal(catalog.n_llms, rows_of("models.csv"));
    assert_int_equal(catalog.n_prices, rows_of("prices.csv") - 4); /* those are earlier prices of the same offers */
    assert_int_equal(catalog.n_regions, rows_of("regions.csv"));
    assert_int_equal(catalog.n_quants, rows_of("quants.csv"));
    assert_int_equal(catalog.n_scores, rows_of("quality.csv"));
    assert_true(catalog.n_hardware >= 37 && catalog.n_llms >= 29 && catalog.n_prices >= 300 && catalog.n_regions >= 27);
}

static void test_catalog__every_row_is_found_by_its_own_name_and_has_a_source(void **state)
{
    (void)state;
    for (size_t i = 0; i < catalog.n_hardware; i++) {
        assert_ptr_equal(ts_catalog_hardware(&catalog, catalog.hardware[i].name), &catalog.hardware[i]);
        assert_true(strlen(catalog.hardware[i].source) > 0 && strlen(catalog.hardware[i].confidence) > 0);
    }
    for (size_t i = 0; i < catalog.n_llms; i++) {
        assert_ptr_equal(ts_catalog_llm(&catalog, catalog.llms[i].name), &catalog.llms[i]);
        assert_true(strlen(catalog.llms[i].source) > 0);
    }
    for (size_t i = 0; i < catalog.n_prices; i++) {
        assert_ptr_equal(ts_catalog_price(&catalog, catalog.prices[i].name), &catalog.prices[i]);
        assert_true(strlen(catalog.prices[i].source) > 0);
    }
    for (size_t i = 0; i < catalog.n_regions; i++) {
        assert_ptr_equal(ts_catalog_region(&catalog, catalog.regions[i].name), &catalog.regions[i]);
    }
    for (size_t i = 0; i < catalog.n_quants; i++) {
        assert_ptr_equal(ts_catalog_quant(&catalog, catalog.quants[i].name), &catalog.quants[i]);
    }
}

/* A score is of a row that there is. */
static void test_catalog__every_score_is_of_a_model_or_an_offer(void **state)
{
    (void)state;
    for (size_t i = 0; i < catalog.n_scores; i++) {
        const struct ts_score *score = &catalog.scores[i];
        const struct ts_llm *llm = ts_catalog_llm(&catalog, score->name);
        const struct ts_price *price = ts_catalog_price(&catalog, score->name);
        assert_true((llm && strcmp(llm->name, score->name) == 0) || (price && strcmp(price->name, score->name) == 0));
        assert_ptr_equal(ts_catalog_score(&catalog, score->name), score);
        assert_true(score->mmlu_pro > 0.1 && score->mmlu_pro < 1.0);
        assert_true(strncmp(score->source, "http", 4) == 0);
    }
    assert_true(catalog.n_scores >= 50);
}

/* Of GeForce cards FP16 is that with FP32 accumulate, half of what the tensor cores do, a quarter of INT8: what serving
 * engines compute with. A lesser card would overtake a better one otherwise. */
static void test_catalog__geforce_rates_are_those_with_fp32_accumulate(void **state)
{
    (void)state;
    size_t n = 0;
    for (size_t i = 0; i < catalog.n_hardware; i++) {
        const struct ts_hardware *row = &catalog.hardware[i];
        const bool geforce = strncmp(row->name, "RTX ", 4) == 0 && row->name[4] >= '0' && row->name[4] <= '9' &&
                             row->name[6] != '0' && !strstr(row->name, "Ada");
        if (geforce) {
            assert_true(fabs(4.0 * row->fp16_tflops / row->int8_tops - 1.0) < 0.01);
            n++;
        }
    }
    assert_true(n >= 13);
}

static void test_catalog__numbers_are_converted_to_base_units(void **state)
{
    (void)state;
    const struct ts_hardware *h100 = ts_catalog_hardware(&catalog, "H100 SXM 80GB");
    assert_float_equal(h100->memory_bytes, 80e9, 0.0);
    assert_float_equal(h100->bytes_per_s, 3350e9, 0.0);
    assert_float_equal(h100->int8_tops, 1979.0, 0.0);
    assert_float_equal(h100->idle_w, 70.0, 0.0);
    assert_false(h100->includes_host);
    assert_true(ts_catalog_hardware(&catalog, "DGX H100")->includes_host);
    const struct ts_llm *llm = ts_catalog_llm(&catalog, "Llama-3.1-70B");
    assert_float_equal(llm->params, 70.55e9, 1.0);
    assert_float_equal(llm->flop_per_tok, 139.01e9, 1.0);
    assert_float_equal(llm->kv_bytes_per_tok, 327680.0, 0.0);
    assert_int_equal(llm->layers, 80);
    assert_int_equal(ts_catalog_llm(&catalog, "Mixtral-8x7B")->n_experts, 8);
    assert_float_equal(ts_catalog_price(&catalog, "OpenAI/gpt-4o")->cached_input_usd_per_mtok, 1.25, 0.0);
    assert_string_equal(ts_catalog_price(&catalog, "OpenAI/gpt-4o")->date, "2026-07-24");
    assert_float_equal(ts_catalog_region(&catalog, "Germany")->electricity_usd_per_kwh, 0.2516, 0.0);
    assert_float_equal(ts_catalog_quant(&catalog, "q4_0")->bits_per_weight, 4.5, 0.0);
    assert_float_equal(ts_catalog_quant(&catalog, "Q6_K")->bits_per_weight, 210.0 * 8.0 / 256.0, 0.0);
}

static void test_catalog__a_row_is_found_by_a_unique_start_or_part_without_regard_to_case(void **state)
{
    (void)state;
    assert_string_equal(ts_catalog_hardware(&catalog, "h100 sxm")->name, "H100 SXM 80GB");
    assert_string_equal(ts_catalog_hardware(&catalog, "A18 Pro")->name, "iPhone 16 Pro (A18 Pro)");
    assert_string_equal(ts_catalog_price(&catalog, "gpt-4o")->name, "OpenAI/gpt-4o"); /* not Azure's */
    assert_string_equal(ts_catalog_region(&catalog, "germany")->name, "de-germany");
}

/* As users, nvidia-smi, Hugging Face and Ollama write them. NULL: nothing is guessed. */
static void test_catalog__names_are_understood_as_they_are_typed(void **state)
{
    (void)state;
    static const struct {
        const char *word, *name;
    } hardware[] = {{"rtx4090", "RTX 4090"},
                    {"NVIDIA GeForce RTX 4090", "RTX 4090"},
                    {"NVIDIA H100 SXM", "H100 SXM 80GB"},
                    {"h100-sxm5-80gb", "H100 SXM 80GB"},
                    {"NVIDIA H100 PCIe", "H100 PCIe 80GB"},
                    {"NVIDIA H100 80GB HBM3", NULL},
                    {"A100 80 GB", "A100 80GB SXM"},
                    {"NVIDIA A100-SXM4-80GB", "A100 80GB SXM"},
                    {"A100 80GB PCIe", "A100 PCIe 80GB"},
                    {"Tesla T4", "NVIDIA T4"},
                    {"RTX A6000", "RTX A6000"},
                    {"l4", "NVIDIA L4"},
                    {"MI300", "AMD MI300X"},
                    {"AMD Instinct MI300X", "AMD MI300X"},
                    {"Apple M4 Max", "MacBook Pro M4 Max 64GB"},
                    {"Jetson Orin", "Jetson AGX Orin 64GB"},
                    {"Jetson Orin Nano", NULL},
                    {"RTX 6000", "RTX 6000 Ada"},
                    {"H100 NVL", "H100 NVL 94GB"},
                    {"h20", "H20 96GB"},
                    {"H200", "H200 SXM 141GB"},
                    {"H2", NULL},
                    {"GH200", NULL},
                    {"8x H100", NULL},
                    {"DGX H100", "DGX H100 (8x H100 SXM)"}},
      models[] = {{"llama3.1:8b", "Llama-3.1-8B"},
                  {"Llama 3.1 8B", "Llama-3.1-8B"},
                  {"meta-llama/Meta-Llama-3.1-8B-Instruct", "Llama-3.1-8B"},
                  {"llama3.3", "Llama-3.3-70B"},
                  {"gpt-oss:120b", "gpt-oss-120b"},
                  {"Qwen/Qwen3-30B-A3B-Instruct-2507", "Qwen3-30B-A3B"},
                  {"google/gemma-3-27b-it", "Gemma-3-27B"},
                  {"Mistral-Large", "Mistral-Large-2-2407"},
                  {"DeepSeek-R1-0528", "DeepSeek-R1"},
                  {"DeepSeek-R1-Distill-Llama-70B", NULL},
                  {"Llama-3.1-8B-Instruct-FP8", NULL},
                  {"MiniMax-M2", NULL},
                  {"Llama-3-8B", "Llama-3-8B"},
                  {"Kimi-K2-Instruct-0905", "Kimi-K2"},
                  {"gemma-2b", NULL},
                  {"Qwen2", NULL}};
    for (size_t i = 0; i < sizeof hardware / sizeof hardware[0]; i++) {
        const struct ts_hardware *row = ts_catalog_hardware(&catalog, hardware[i].word);
        print_message("%s\n", hardware[i].word);
        assert_string_equal(row ? row->name : "", hardware[i].name ? hardware[i].name : "");
    }
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        const struct ts_llm *row = ts_catalog_llm(&catalog, models[i].word);
        print_message("%s\n", models[i].word);
        assert_string_equal(row ? row->name : "", models[i].name ? models[i].name : "");
    }
}

/* Names as providers write them; another's weights are not the model's. */
static void test_catalog__offers_of_the_same_weights(void **state)
{
    (void)state;
    static const struct {
        const char *model, *part;
    } rows[] = {{"Llama-3.1-70B", "70B"}, {"Llama-3.1-8B", "8"},  {"gpt-oss-120b", "gpt-oss-120b"},
                {"DeepSeek-R1", "r1"},    {"Llama-3.2-1B", "1b"}, {"SmolLM2-135M", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct ts_price *price = ts_catalog_same_weights(&catalog, rows[i].model);
        assert_true((price != NULL) == (rows[i].part != NULL));
        assert_true(!price || (strstr(price->name, rows[i].part) && !strstr(price->name, "istill")));
    }
}

static void test_catalog__an_ambiguous_name_is_not_guessed(void **state)
{
    (void)state;
    const char *names[4];
    assert_null(ts_catalog_hardware(&catalog, "H100"));
    assert_int_equal(ts_catalog_matches(&catalog, "hardware", "H100", names, 4), 3);
    assert_string_equal(names[0], "H100 PCIe 80GB");
    assert_string_equal(names[1], "H100 SXM 80GB");
    assert_null(ts_catalog_region(&catalog, "USA"));
    assert_null(ts_catalog_price(&catalog, "x"));
    assert_null(ts_catalog_llm(&catalog, ""));
    assert_null(ts_catalog_llm(&catalog, NULL));
    assert_null(ts_catalog_llm(&catalog, "Clippy"));
}

static void test_catalog__a_misspelt_name_gets_a_suggestion(void **state)
{
    (void)state;
    assert_string_equal(ts_catalog_suggest(&catalog, "model", "Lama-3.2-1B"), "Llama-3.2-1B");
    assert_string_equal(ts_catalog_suggest(&catalog, "quant", "FP9"), "FP8");
    assert_string_equal(ts_catalog_suggest(&catalog, "model", "Llama-3.1-8B-Instruct-FP8"), "Llama-3.1-8B");
    assert_null(ts_catalog_suggest(&catalog, "region", "Atlantis"));
    assert_null(ts_catalog_suggest(&catalog, "no such catalog", "x"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_catalog__every_row_of_every_file_is_there),
        cmocka_unit_test(test_catalog__every_row_is_found_by_its_own_name_and_has_a_source),
        cmocka_unit_test(test_catalog__every_score_is_of_a_model_or_an_offer),
        cmocka_unit_test(test_catalog__geforce_rates_are_those_with_fp32_accumulate),
        cmocka_unit_test(test_catalog__numbers_are_converted_to_base_units),
        cmocka_unit_test(test_catalog__a_row_is_found_by_a_unique_start_or_part_without_regard_to_case),
        cmocka_unit_test(test_catalog__names_are_understood_as_they_are_typed),
        cmocka_unit_test(test_catalog__offers_of_the_same_weights),
        cmocka_unit_test(test_catalog__an_ambiguous_name_is_not_guessed),
        cmocka_unit_test(test_catalog__a_misspelt_name_gets_a_suggestion),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
