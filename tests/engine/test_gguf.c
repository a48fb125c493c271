/* GGUF: what is written is read back; a hostile file is an error message, never a crash. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "engine/gguf.h"
#include "tests/engine/gguf_write.h"

static const char path[] = "test_gguf.gguf";

static void fill_bytes(void *user, uint8_t *out, uint64_t first, uint64_t n)
{
    const uint32_t *row_bytes = user;
    for (uint64_t i = 0; i < n * *row_bytes; i++) {
        out[i] = (uint8_t)((first * *row_bytes + i) * 37 % 251);
    }
}

/* A file with every kind of entry and three tensors. */
static void write_sample(void)
{
    static uint32_t q4_row = 36, f32_row = 12, q6_row = 210;
    static const char *const words[] = {"one", "", "three"};
    static const float floats[] = {0.5F, -2.0F};
    static const int32_t ints[] = {-1, 7};
    struct ts_gguf_writer *writer;
    assert_int_equal(ts_gguf_writer_create(&writer), TS_OK);
    ts_gguf_put_string(writer, "general.architecture", "llama");
    ts_gguf_put_u32(writer, "llama.block_count", 3000000000U);
    ts_gguf_put_f32(writer, "eps", 0.25F);
    ts_gguf_put_bool(writer, "yes", true);
    ts_gguf_put_strings(writer, "words", words, 3);
    ts_gguf_put_f32s(writer, "floats", floats, 2);
    ts_gguf_put_i32s(writer, "ints", ints, 2);
    ts_gguf_add_tensor(writer, "matrix", ts_gguf_type_by_name("Q4_0"), 5, 64, fill_bytes, &q4_row);
    ts_gguf_add_tensor(writer, "vector", ts_gguf_type_by_name("F32"), 0, 3, fill_bytes, &f32_row);
    ts_gguf_add_tensor(writer, "large", ts_gguf_type_by_name("Q6_K"), 2, 256, fill_bytes, &q6_row);
    assert_int_equal(ts_gguf_writer_save(writer, path, NULL), TS_OK);
    ts_gguf_writer_destroy(writer);
}

static uint8_t *read_sample(size_t *len)
{
    char *data;
    write_sample();
    assert_int_equal(ts_file_read(&data, len, path, 1 << 20, NULL), TS_OK);
    (void)unlink(path);
    return (uint8_t *)data;
}

static void test_gguf__what_is_written_is_read_back(void **state)
{
    (void)state;
    struct ts_gguf *gguf;
    double value;
    write_sample();
    assert_int_equal(ts_gguf_open(&gguf, path, NULL), TS_OK);
    assert_string_equal(ts_gguf_string(gguf, "general.architecture"), "llama");
    assert_true(ts_gguf_double(gguf, "llama.block_count", &value) && value == 3e9);
    assert_true(ts_gguf_double(gguf, "eps", &value) && value == 0.25);
    assert_true(ts_gguf_double(gguf, "yes", &value) && value == 1.0);
    assert_int_equal(ts_gguf_array_length(gguf, "words"), 3);
    assert_int_equal(ts_gguf_array_length(gguf, "floats"), 2);
    assert_false(ts_gguf_double(gguf, "words", &value));
    assert_null(ts_gguf_string(gguf, "eps"));
    assert_null(ts_gguf_string(gguf, "absent"));
    assert_int_equal(ts_gguf_n_tensors(gguf), 3);
    const struct ts_gguf_tensor *matrix = ts_gguf_tensor(gguf, "matrix"), *large = ts_gguf_tensor(gguf, "large");
    assert_non_null(matrix);
    assert_string_equal(matrix->type->name, "Q4_0");
    assert_int_equal(matrix->dims[0], 64);
    assert_int_equal(matrix->dims[1], 5);
    assert_int_equal(matrix->bytes, 180);
    assert_int_equal(matrix->data[179], 179 * 37 % 251);
    assert_int_equal(large->bytes, 420);
    assert_int_equal(large->data[419], 419 * 37 % 251);
    assert_int_equal(ts_gguf_tensor(gguf, "vector")->n_dims, 1);
    assert_null(ts_gguf_tensor(gguf, "absent"));
    ts_gguf_close(gguf);
    (void)unlink(path);
}

/* Opens bytes that must be refused with words that contain `says`. */
static void refused(const uint8_t *data, size_t len, const char *says)
{
    struct ts_gguf *gguf;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_gguf_open_memory(&gguf, "hostile.gguf", data, len, &diags), TS_EINPUT);
    assert_int_equal(diags.n_errors, 1);
    if (!strstr(diags.items[0].message, says)) {
        fail_msg("'%s' does not say '%s'", diags.items[0].message, says);
    }
    ts_diags_deinit(&diags);
}

static void put(uint8_t *at, uint64_t value, int n)
{
    for (int i = 0; i < n; i++) {
        at[i] = (uint8_t)(value >> (8 * i));
    }
}

static size_t find(const uint8_t *data, size_t len, const char *word)
{
    for (size_t i = 0; i + strlen(word) <= len; i++) {
        if (memcmp(data + i, word, strlen(word)) == 0) {
            return i;
        }
    }
    fail_msg("no '%s' in the sample", word);
    return 0;
}

static void test_gguf__every_truncation_is_refused(void **state)
{
    (void)state;
    size_t len;
    uint8_t *data = read_sample(&len);
    size_t data_end = len - 28; /* the last tensor's 420 bytes are padded to 448 */
    for (size_t n = 0; n < data_end; n++) {
        uint8_t *exact = malloc(n ? n : 1); /* so that a sanitizer sees a byte too many */
        struct ts_gguf *gguf;
        memcpy(exact, data, n);
        assert_int_equal(ts_gguf_open_memory(&gguf, "cut.gguf", exact, n, NULL), TS_EINPUT);
        free(exact);
    }
    refused(data, 100, "the file ends inside");
    refused(data, data_end - 1, "beyond the end of the file");
    free(data);
}

/* One field of the sample is overwritten. */
static void field_refused(size_t at, uint64_t value, int n, const char *says)
{
    size_t len;
    uint8_t *data = read_sample(&len);
    put(data + at, value, n);
    refused(data, len, says);
    free(data);
}

static void test_gguf__lies_are_told_by_name(void **state)
{
    (void)state;
    size_t len;
    uint8_t *data = read_sample(&len);
    size_t matrix = find(data, len, "matrix") + 6, words = find(data, len, "words") + 5,
           eps = find(data, len, "eps") + 3;
    size_t vector = find(data, len, "vector"), large = find(data, len, "large") + 5, yes = find(data, len, "yes");
    free(data);
    field_refused(0, 'X', 1, "not a GGUF file");
    field_refused(4, 1, 4, "version 1 is not supported");
    field_refused(8, UINT64_MAX, 8, "counts");
    field_refused(16, UINT64_MAX, 8, "counts");
    field_refused(8, 60000, 8, "dimensions");
    field_refused(24, UINT64_MAX, 8, "the file ends");
    field_refused(eps, 13, 4, "has type 13, which does not exist");
    field_refused(words + 4, 9, 4, "is an array of type 9");
    field_refused(words + 8, UINT64_MAX, 8, "the file ends");
    field_refused(words + 16, UINT64_MAX - 4, 8, "the file ends");
    field_refused(yes - 8, 0, 8, "");
    field_refused(matrix, 5, 4, "has 5 dimensions");
    field_refused(matrix, 0, 4, "has 0 dimensions");
    field_refused(matrix + 4, 0, 8, "impossible size");
    field_refused(matrix + 4, (uint64_t)1 << 63, 8, "impossible size");
    field_refused(matrix + 12, UINT64_MAX, 8, "impossible size");
    field_refused(matrix + 4, 63, 8, "not a multiple of Q4_0's block of 32");
    field_refused(matrix + 12, 500, 8, "beyond the end");
    field_refused(matrix + 20, 99, 4, "has type 99; supported are");
    field_refused(matrix + 24, 1, 8, "not aligned");
    field_refused(matrix + 24, UINT64_MAX - 31, 8, "beyond the end");
    field_refused(large + 24, 0, 8, "overlaps");
    field_refused(vector, 0, 1, "zero byte");
}

static void test_gguf__the_same_name_twice_is_refused(void **state)
{
    (void)state;
    size_t len;
    uint8_t *data = read_sample(&len);
    memcpy(data + find(data, len, "vector"), "matrix", 6);
    refused(data, len, "tensor 'matrix' is given twice");
    free(data);
    data = read_sample(&len);
    memcpy(data + find(data, len, "yes"), "eps", 3);
    refused(data, len, "metadata 'eps' is given twice");
    free(data);
}

static void test_gguf__a_wrong_alignment_is_refused(void **state)
{
    (void)state;
    static const uint32_t wrong[] = {0, 1, 7, 33, 1U << 30};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct ts_gguf_writer *writer;
        struct ts_gguf *gguf;
        assert_int_equal(ts_gguf_writer_create(&writer), TS_OK);
        ts_gguf_put_u32(writer, "general.alignment", wrong[i]);
        assert_int_equal(ts_gguf_writer_save(writer, path, NULL), TS_OK);
        assert_int_equal(ts_gguf_open(&gguf, path, NULL), TS_EINPUT);
        ts_gguf_writer_destroy(writer);
    }
    (void)unlink(path);
}

static void test_gguf__files_that_are_none_are_refused(void **state)
{
    (void)state;
    struct ts_gguf *gguf;
    assert_int_equal(ts_gguf_open(&gguf, "absent.gguf", NULL), TS_EIO);
    assert_int_equal(ts_gguf_open(&gguf, "/", NULL), TS_EIO);
    assert_int_equal(ts_file_write(path, "", 0, NULL), TS_OK);
    assert_int_equal(ts_gguf_open(&gguf, path, NULL), TS_EINPUT);
    (void)unlink(path);
}

/* Reads all that an open file offers. */
static uint64_t touch(const struct ts_gguf *gguf)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < ts_gguf_n_tensors(gguf); i++) {
        const struct ts_gguf_tensor *tensor = ts_gguf_tensor_at(gguf, i);
        assert_ptr_equal(ts_gguf_tensor(gguf, tensor->name), tensor);
        for (uint64_t b = 0; b < tensor->bytes; b++) {
            sum += tensor->data[b];
        }
    }
    return sum;
}

/* A value a layer: equal ones are one value, as llama.cpp takes them. */
static void test_gguf__arrays_of_equal_numbers_are_a_number(void **state)
{
    (void)state;
    static const int32_t equal[] = {-2, -2, -2}, odd[] = {2, 2, 1};
    static const float floats[] = {0.5F, 0.5F};
    struct ts_gguf_writer *writer;
    struct ts_gguf *gguf;
    double value = 7.0;
    assert_int_equal(ts_gguf_writer_create(&writer), TS_OK);
    ts_gguf_put_i32s(writer, "equal", equal, 3);
    ts_gguf_put_i32s(writer, "odd", odd, 3);
    ts_gguf_put_i32s(writer, "none", odd, 0);
    ts_gguf_put_f32s(writer, "floats", floats, 2);
    assert_int_equal(ts_gguf_writer_save(writer, path, NULL), TS_OK);
    ts_gguf_writer_destroy(writer);
    assert_int_equal(ts_gguf_open(&gguf, path, NULL), TS_OK);
    assert_false(ts_gguf_double(gguf, "odd", &value) || ts_gguf_double(gguf, "none", &value));
    assert_int_equal(ts_gguf_odd_one(gguf, "odd"), 2);
    assert_int_equal(ts_gguf_odd_one(gguf, "equal") + ts_gguf_odd_one(gguf, "none") + ts_gguf_odd_one(gguf, "no"), 0);
    assert_true(ts_gguf_double(gguf, "equal", &value) && value == -2.0);
    assert_true(ts_gguf_double(gguf, "floats", &value) && value == 0.5);
    ts_gguf_close(gguf);
    (void)unlink(path);
}

static void test_gguf__big_endian_is_told(void **state)
{
    (void)state;
    size_t len;
    uint8_t *data = read_sample(&len);
    put(data + 4, 3u << 24, 4);
    refused(data, len, "big-endian");
    free(data);
}

/* Part `part` of `n`, with one tensor of its own. */
static void write_part(const char *name, uint32_t part, uint32_t n, const char *tensor)
{
    static uint32_t row = 12;
    struct ts_gguf_writer *writer;
    assert_int_equal(ts_gguf_writer_create(&writer), TS_OK);
    if (part == 0) {
        ts_gguf_put_string(writer, "general.architecture", "llama");
        ts_gguf_put_u32(writer, "split.tensors.count", n);
    }
    ts_gguf_put_u32(writer, "split.no", part);
    ts_gguf_put_u32(writer, "split.count", n);
    ts_gguf_add_tensor(writer, tensor, ts_gguf_type_by_name("F32"), 0, 3, fill_bytes, &row);
    assert_int_equal(ts_gguf_writer_save(writer, name, NULL), TS_OK);
    ts_gguf_writer_destroy(writer);
}

static void part_is_refused(const char *name, const char *says)
{
    struct ts_gguf *gguf;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_gguf_open(&gguf, name, &diags), TS_EINPUT);
    if (!strstr(diags.items[0].message, says)) {
        fail_msg("'%s' does not say '%s'", diags.items[0].message, says);
    }
    ts_diags_deinit(&diags);
}

static void test_gguf__any_part_of_a_split_model_opens_all(void **state)
{
    (void)state;
    static const char *const names[] = {"test_gguf-00001-of-00003.gguf", "test_gguf-00002-of-00003.gguf",
                                        "test_gguf-00003-of-00003.gguf"};
    static const char *const tensors[] = {"b", "c", "a"};
    for (uint32_t i = 0; i < 3; i++) {
        write_part(names[i], i, 3, tensors[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        struct ts_gguf *gguf;
        assert_int_equal(ts_gguf_open(&gguf, names[i], NULL), TS_OK);
        assert_string_equal(ts_gguf_name(gguf), names[0]);
        assert_string_equal(ts_gguf_string(gguf, "general.architecture"), "llama");
        assert_int_equal(ts_gguf_n_tensors(gguf), 3);
        for (size_t k = 0; k < 3; k++) {
            const struct ts_gguf_tensor *tensor = ts_gguf_tensor(gguf, tensors[k]);
            assert_int_equal(tensor->data[11], 11 * 37 % 251);
            ts_gguf_forget(gguf, tensor);
            assert_int_equal(tensor->data[11], 11 * 37 % 251);
        }
        ts_gguf_close(gguf);
    }
    write_part(names[2], 2, 3, "b");
    part_is_refused(names[1], "this is part 3 of 3 of a split model, and has tensor 'b', as part 1 has");
    write_part(names[2], 1, 3, "a");
    part_is_refused(names[0], "do not say that this is part 3 of 3");
    (void)unlink(names[2]);
    part_is_refused(names[0], "this is part 1 of 3 of a split model; part 3 is missing: test_gguf-00003-of-00003.gguf");
    part_is_refused(names[1], "this is part 2 of 3 of a split model; part 3 is missing");
    write_part(path, 0, 3, "a");
    part_is_refused(path, "does not end in -00001-of-00003.gguf");
    write_part(path, 3, 3, "a");
    part_is_refused(path, "part 4 of 3, which does not exist");
    for (size_t i = 0; i < 2; i++) {
        (void)unlink(names[i]);
    }
    (void)unlink(path);
}

static void test_gguf__mutated_files_never_crash(void **state)
{
    (void)state;
    enum { ROUNDS = 30000 };
    static const uint64_t nasty[] = {
        0, 1, 0x7F, 0xFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 32, 64};
    size_t len, opened = 0, refusals = 0;
    uint8_t *data = read_sample(&len);
    struct ts_rng rng;
    ts_rng_init(&rng, 1, 0, 0, 0);
    for (int round = 0; round < ROUNDS; round++) {
        size_t cut = ts_rng_u32(&rng) % 4 == 0 ? ts_rng_u32(&rng) % len : len;
        uint8_t *mutant = malloc(cut ? cut : 1);
        memcpy(mutant, data, cut);
        for (uint32_t m = 1 + ts_rng_u32(&rng) % 3; m > 0 && cut > 16; m--) {
            size_t at = ts_rng_u32(&rng) % (cut - 8);
            int width = 1 << ts_rng_u32(&rng) % 4;
            bool word = ts_rng_u32(&rng) % 2;
            put(mutant + at, word ? nasty[ts_rng_u32(&rng) % (sizeof nasty / sizeof nasty[0])] : ts_rng_u64(&rng),
                width);
        }
        struct ts_gguf *gguf;
        enum ts_status status = ts_gguf_open_memory(&gguf, "mutant.gguf", mutant, cut, NULL);
        if (status == TS_OK) {
            (void)touch(gguf);
            ts_gguf_close(gguf);
            opened++;
        } else {
            assert_int_equal(status, TS_EINPUT);
            refusals++;
        }
        free(mutant);
    }
    assert_true(opened > ROUNDS / 20);
    assert_true(refusals > ROUNDS / 4);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gguf__what_is_written_is_read_back),
        cmocka_unit_test(test_gguf__every_truncation_is_refused),
        cmocka_unit_test(test_gguf__lies_are_told_by_name),
        cmocka_unit_test(test_gguf__the_same_name_twice_is_refused),
        cmocka_unit_test(test_gguf__a_wrong_alignment_is_refused),
        cmocka_unit_test(test_gguf__files_that_are_none_are_refused),
        cmocka_unit_test(test_gguf__arrays_of_equal_numbers_are_a_number),
        cmocka_unit_test(test_gguf__big_endian_is_told),
        cmocka_unit_test(test_gguf__any_part_of_a_split_model_opens_all),
        cmocka_unit_test(test_gguf__mutated_files_never_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
