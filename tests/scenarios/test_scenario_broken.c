/* Every file of tests/scenarios/broken is wrong in some way; what tiersim says about it stands beside it, to the
 * letter, in .expected. TS_REFRESH=1 rewrites those files; read the difference before committing it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <dirent.h>
#include <unistd.h>

#include "base/file.h"
#include "scenarios/language/scenario.h"

enum { MAX_FILES = 200, MIN_FILES = 20 };

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static size_t list_scenarios(char **names)
{
    DIR *folder = opendir(".");
    assert_non_null(folder);
    size_t n = 0;
    for (const struct dirent *entry = readdir(folder); entry && n < MAX_FILES; entry = readdir(folder)) {
        if (ts_str_has_suffix(entry->d_name, ".yaml")) {
            names[n] = malloc(strlen(entry->d_name) + 1);
            assert_non_null(names[n]);
            strcpy(names[n++], entry->d_name);
        }
    }
    closedir(folder);
    qsort(names, n, sizeof *names, by_name);
    return n;
}

static void check_one(const char *name)
{
    struct ts_diags diags;
    struct ts_scenario scenario;
    struct ts_text text;
    ts_diags_init(&diags);
    ts_text_init(&text);
    memset(&scenario, 0x5a, sizeof scenario);
    struct ts_scenario before = scenario;
    enum ts_status status = ts_scenario_load(&scenario, name, NULL, &diags);
    assert_int_not_equal(status, TS_OK);
    assert_memory_equal(&scenario, &before, sizeof scenario);
    assert_true(diags.n_errors > 0);
    ts_text_printf(&text, "status: %s\n", ts_status_text(status));
    ts_diags_render(&diags, &text);
    char *expected_path = malloc(strlen(name) + 16);
    assert_non_null(expected_path);
    sprintf(expected_path, "%.*s.expected", (int)(strlen(name) - 5), name);
    char *expected = NULL;
    size_t len = 0;
    if (getenv("TS_REFRESH")) {
        assert_int_equal(ts_file_write(expected_path, text.data, text.len, NULL), TS_OK);
    }
    assert_int_equal(ts_file_read(&expected, &len, expected_path, 1 << 20, NULL), TS_OK);
    if (strcmp(expected, text.data) != 0) {
        print_error("%s\n--- expected\n%s--- got\n%s", name, expected, text.data);
    }
    assert_string_equal(expected, text.data);
    free(expected);
    free(expected_path);
    ts_text_deinit(&text);
    ts_diags_deinit(&diags);
}

static void test_scenario__every_broken_one_is_told_what_is_wrong_to_the_letter(void **state)
{
    (void)state;
    char *names[MAX_FILES];
    assert_int_equal(chdir(TS_SOURCE_DIR "/tests/scenarios/broken"), 0);
    size_t n = list_scenarios(names);
    assert_true(n >= MIN_FILES);
    for (size_t i = 0; i < n; i++) {
        check_one(names[i]);
        free(names[i]);
    }
}

static void test_scenario__a_missing_file_is_an_io_error(void **state)
{
    (void)state;
    struct ts_diags diags;
    struct ts_scenario scenario;
    ts_diags_init(&diags);
    assert_int_equal(ts_scenario_load(&scenario, "no-such-file.yaml", NULL, &diags), TS_EIO);
    assert_int_equal(diags.n_errors, 1);
    ts_diags_deinit(&diags);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scenario__every_broken_one_is_told_what_is_wrong_to_the_letter),
        cmocka_unit_test(test_scenario__a_missing_file_is_an_io_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
