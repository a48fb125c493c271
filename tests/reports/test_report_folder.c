/* A report takes the place of another whole or not at all: whatever call fails, wherever the run is killed, whoever
 * else writes there, and whatever the user keeps in the folder. The calls that change files are wrapped: the n-th of
 * them fails, or ends the process. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/file.h"
#include "base/names.h"
#include "scratch.h"

/* ---- the calls ---- */

enum { CRASH_CODE = 77 };

static struct {
    bool on, crashes, no_exchange;
    long at, n; /* the call to fail, and those so far */
} fault;

/* Is it this one's turn? */
static bool fails(void)
{
    if (!fault.on || ++fault.n != fault.at) {
        return false;
    }
    if (fault.crashes) {
        _exit(CRASH_CODE);
    }
    errno = ENOSPC;
    return true;
}

int __real_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to);
int __wrap_rename(const char *from, const char *to)
{
    return fails() ? -1 : __real_rename(from, to);
}

int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    if (fault.no_exchange) {
        errno = EINVAL;
        return -1;
    }
    return fails() ? -1 : __real_renameat2(from_dir, from, to_dir, to, flags);
}

int __real_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_mkdir(const char *path, mode_t mode)
{
    return fails() ? -1 : __real_mkdir(path, mode);
}

/* Tests need not wait for the disk. */
int __wrap_fsync(int fd);
int __wrap_fsync(int fd)
{
    (void)fd;
    return fails() ? -1 : 0;
}

size_t __real_fwrite(const void *bytes, size_t size, size_t n, FILE *stream);
size_t __wrap_fwrite(const void *bytes, size_t size, size_t n, FILE *stream);
size_t __wrap_fwrite(const void *bytes, size_t size, size_t n, FILE *stream)
{
    if (n > 0 && fails()) { /* a short write: half of it */
        (void)__real_fwrite(bytes, size, n / 2, stream);
        return n / 2;
    }
    return __real_fwrite(bytes, size, n, stream);
}

int __real_fclose(FILE *stream);
int __wrap_fclose(FILE *stream);
int __wrap_fclose(FILE *stream)
{
    const bool failed = fails();
    const int result = __real_fclose(stream);
    errno = failed ? ENOSPC : errno;
    return failed ? EOF : result;
}

/* ---- what lies in a folder ---- */

/* Names and contents, one after the other; free() it. A scratch folder that a killed run left is not looked at unless
 * it is to be gone. */
static char *snapshot(const char *dir, bool tidied)
{
    struct ts_names names;
    struct ts_text text;
    ts_text_init(&text);
    if (!ts_dir_exists(dir)) {
        return strdup("nothing");
    }
    assert_int_equal(ts_names_of_folder(&names, dir, NULL), TS_OK);
    for (size_t i = 0; i < names.n; i++) {
        if (!tidied && ts_str_has_prefix(names.items[i], ".tiersim-")) {
            continue;
        }
        char *path = ts_path_join(dir, names.items[i]), *data = NULL;
        size_t len = 0;
        ts_text_printf(&text, "== %s\n", names.items[i]);
        if (!ts_dir_exists(path)) {
            assert_int_equal(ts_file_read(&data, &len, path, 1 << 24, NULL), TS_OK);
            ts_text_puts(&text, data);
        }
        free(data);
        free(path);
    }
    ts_names_deinit(&names);
    char *copy = strdup(text.data);
    ts_text_deinit(&text);
    return copy;
}

enum place { PLACE_MISSING, PLACE_REPORT, PLACE_SHARED, N_PLACES }; /* shared: with a file of the user's */

/* The fixtures differ in every file, and in which files there are. */
static void old_report(struct report_fixture *fixture)
{
    report_fixture_tiny(fixture);
    fixture->model.name = "old";
}

static void new_report(struct report_fixture *fixture)
{
    report_fixture_tiny(fixture);
    fixture->model.name = "new";
    fixture->model.description = "another";
}

static void prepare(const struct scratch *scratch, enum place place, const struct report_fixture *fixture)
{
    scratch_remove(scratch->out);
    if (place != PLACE_MISSING) {
        assert_int_equal(scratch_report(scratch->out, fixture, NULL, NULL), TS_OK);
        scratch_put(scratch, "latency.svg", "a drawing of the old report");
    }
    if (place == PLACE_SHARED) {
        scratch_put(scratch, "notes.txt", "mine");
    }
}

static void assert_old_or_new(const struct scratch *scratch, const char *before, const char *after,
                              enum ts_status status)
{
    char *now = snapshot(scratch->out, true);
    const bool is_old = strcmp(now, before) == 0, is_new = strcmp(now, after) == 0;
    if (!is_old && !is_new) {
        print_error("call %ld: neither old nor new:\n%.2000s\n", fault.at, now);
    }
    assert_true(is_old || is_new);
    assert_true(status != TS_OK || is_new);
    assert_int_equal(scratch_count(scratch->root), ts_dir_exists(scratch->out));
    free(now);
}

/* What the place looks like before and after. */
static void picture(const struct scratch *scratch, enum place place, const struct report_fixture *was,
                    const struct report_fixture *is, char **before, char **after)
{
    prepare(scratch, place, was);
    *before = snapshot(scratch->out, true);
    assert_int_equal(scratch_report(scratch->out, is, NULL, NULL), TS_OK);
    *after = snapshot(scratch->out, true);
    assert_string_not_equal(*before, *after);
    assert_null(strstr(*after, "a drawing of the old report"));
    assert_true((strstr(*after, "== notes.txt\nmine") != NULL) == (place == PLACE_SHARED));
}

/* ---- failing calls ---- */

static void fail_every_call(struct scratch *scratch, enum place place, bool no_exchange)
{
    struct report_fixture was, is;
    char *before = NULL, *after = NULL;
    setenv("PATH", "/nonexistent", 1);
    old_report(&was);
    new_report(&is);
    picture(scratch, place, &was, &is, &before, &after);
    enum ts_status status = TS_EIO;
    long n = 0;
    while (fault.n >= fault.at || n == 0) {
        struct ts_diags diags;
        ts_diags_init(&diags);
        prepare(scratch, place, &was);
        fault.at = ++n;
        fault.n = 0;
        fault.no_exchange = no_exchange;
        fault.on = true;
        status = scratch_report(scratch->out, &is, NULL, &diags);
        fault.on = fault.no_exchange = false;
        assert_old_or_new(scratch, before, after, status);
        assert_true(status == TS_OK || diags.n_errors > 0);
        ts_diags_deinit(&diags);
    }
    assert_int_equal(status, TS_OK);
    assert_in_range(n, 40, 400);
    free(after);
    free(before);
    report_fixture_deinit(&is);
    report_fixture_deinit(&was);
}

static void test_report_folder__a_failing_call_leaves_no_folder(void **state)
{
    fail_every_call(*state, PLACE_MISSING, false);
}

static void test_report_folder__a_failing_call_leaves_the_old_report(void **state)
{
    fail_every_call(*state, PLACE_REPORT, false);
}

static void test_report_folder__a_failing_call_leaves_the_old_report_where_nothing_is_exchanged(void **state)
{
    fail_every_call(*state, PLACE_REPORT, true);
}

static void test_report_folder__a_failing_call_leaves_the_old_report_beside_other_files(void **state)
{
    fail_every_call(*state, PLACE_SHARED, false);
}

/* ---- killed runs ---- */

/* True if it was killed before its end. */
static bool write_and_crash(const struct scratch *scratch, const struct report_fixture *fixture, long at,
                            bool no_exchange)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fault.at = at;
        fault.n = 0;
        fault.no_exchange = no_exchange;
        fault.crashes = fault.on = true;
        _exit(scratch_report(scratch->out, fixture, NULL, NULL) == TS_OK ? 0 : 1);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == CRASH_CODE));
    return WEXITSTATUS(status) == CRASH_CODE;
}

/* Whoever takes the place next finds it whole, and tidies up. */
static void crash_at_every_call(struct scratch *scratch, enum place place, bool no_exchange)
{
    struct report_fixture was, is;
    char *before = NULL, *after = NULL;
    bool crashed = true;
    setenv("PATH", "/nonexistent", 1);
    old_report(&was);
    new_report(&is);
    picture(scratch, place, &was, &is, &before, &after);
    long n = 0;
    while (crashed) {
        struct ts_report_folder folder;
        prepare(scratch, place, &was);
        crashed = write_and_crash(scratch, &is, ++n, no_exchange);
        fault.at = n;
        char *now = snapshot(scratch->out, false);
        if (place == PLACE_MISSING || (place == PLACE_REPORT && !no_exchange)) { /* at every moment */
            assert_true(strcmp(now, before) == 0 || strcmp(now, after) == 0);
        }
        free(now);
        assert_int_equal(ts_report_folder_open(&folder, scratch->out, NULL), TS_OK);
        ts_report_folder_close(&folder);
        assert_old_or_new(scratch, before, after, crashed ? TS_EIO : TS_OK);
    }
    assert_in_range(n, 40, 400);
    free(after);
    free(before);
    report_fixture_deinit(&is);
    report_fixture_deinit(&was);
}

static void test_report_folder__a_killed_run_leaves_no_folder(void **state)
{
    crash_at_every_call(*state, PLACE_MISSING, false);
}

static void test_report_folder__a_killed_run_leaves_one_report(void **state)
{
    crash_at_every_call(*state, PLACE_REPORT, false);
}

static void test_report_folder__a_killed_run_leaves_one_report_where_nothing_is_exchanged(void **state)
{
    crash_at_every_call(*state, PLACE_REPORT, true);
}

static void test_report_folder__a_killed_run_leaves_one_report_beside_other_files(void **state)
{
    crash_at_every_call(*state, PLACE_SHARED, false);
}

/* ---- whose is it? ---- */

static void test_report_folder__another_run_is_told_at_once(void **state)
{
    struct scratch *scratch = *state;
    struct ts_report_folder first, second;
    struct ts_diags diags;
    for (int there = 0; there < 2; there++) {
        ts_diags_init(&diags);
        assert_int_equal(ts_report_folder_open(&first, scratch->out, NULL), TS_OK);
        assert_int_equal(ts_report_folder_open(&second, scratch->out, &diags), TS_EIO);
        assert_non_null(strstr(diags.items[0].message, "another run is writing here"));
        ts_diags_deinit(&diags);
        ts_report_folder_close(&first);
        assert_int_equal(ts_report_folder_open(&second, scratch->out, NULL), TS_OK);
        ts_report_folder_close(&second);
        assert_int_equal(scratch_count(scratch->root), there);
        assert_int_equal(mkdir(scratch->out, 0700), there == 0 ? 0 : -1);
    }
}

/* Both names lead to one folder. */
static void test_report_folder__a_link_is_another_name_of_the_place(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    struct ts_report_folder first, second;
    struct stat info;
    char link[PATH_BYTES];
    setenv("PATH", "/nonexistent", 1);
    snprintf(link, sizeof link, "%s/link", scratch->root);
    assert_int_equal(mkdir(scratch->out, 0750), 0);
    assert_int_equal(symlink("out", link), 0);
    assert_int_equal(ts_report_folder_open(&first, link, NULL), TS_OK);
    assert_int_equal(ts_report_folder_open(&second, scratch->out, NULL), TS_EIO);
    ts_report_folder_close(&first);
    report_fixture_tiny(&fixture);
    assert_int_equal(scratch_report(link, &fixture, NULL, NULL), TS_OK);
    assert_int_equal(lstat(link, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    assert_true(scratch_has(scratch, "report.html"));
    assert_int_equal(stat(scratch->out, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0750); /* and its permissions stay */
    report_fixture_deinit(&fixture);
}

static void test_report_folder__a_file_of_the_user_is_not_in_the_way_of_a_report(void **state)
{
    struct scratch *scratch = *state;
    struct ts_report_folder folder;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(mkdir(scratch->out, 0700), 0);
    scratch_put(scratch, "summary.csv", "my own summary");
    assert_int_equal(ts_report_folder_open(&folder, scratch->out, &diags), TS_EIO);
    assert_non_null(strstr(diags.items[0].message, "'summary.csv' is in the way"));
    assert_int_equal(scratch_count(scratch->root), 1);
    assert_int_equal(scratch_count(scratch->out), 1);
    ts_diags_deinit(&diags);
    scratch_put(scratch, "manifest.json", "{\"tool\": \"tiersim\"}"); /* a report's, then */
    assert_int_equal(ts_report_folder_open(&folder, scratch->out, NULL), TS_OK);
    ts_report_folder_close(&folder);
}

static void test_report_folder__a_folder_or_a_link_of_a_reports_name_is_in_the_way(void **state)
{
    struct scratch *scratch = *state;
    struct ts_report_folder folder;
    char path[2 * PATH_BYTES];
    assert_int_equal(mkdir(scratch->out, 0700), 0);
    scratch_put(scratch, "manifest.json", "{\"tool\": \"tiersim\", \"files\": [\"extra.csv\"]}");
    snprintf(path, sizeof path, "%s/extra.csv", scratch->out);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(ts_report_folder_open(&folder, scratch->out, NULL), TS_EIO);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(symlink("/nonexistent", path), 0);
    assert_int_equal(ts_report_folder_open(&folder, scratch->out, NULL), TS_EIO);
    assert_int_equal(scratch_count(scratch->out), 2);
}

static void test_report_folder__folders_and_links_of_the_user_stay(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    char inner[2 * PATH_BYTES], link[2 * PATH_BYTES];
    setenv("PATH", "/nonexistent", 1);
    report_fixture_tiny(&fixture);
    assert_int_equal(scratch_report(scratch->out, &fixture, NULL, NULL), TS_OK);
    snprintf(inner, sizeof inner, "%s/data", scratch->out);
    snprintf(link, sizeof link, "%s/somewhere", scratch->out);
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_int_equal(symlink("/nonexistent", link), 0);
    const size_t n = scratch_count(scratch->out);
    assert_int_equal(scratch_report(scratch->out, &fixture, NULL, NULL), TS_OK);
    assert_int_equal(scratch_count(scratch->out), n);
    assert_true(ts_dir_exists(inner));
    assert_int_equal(access(link, F_OK), -1);
    assert_int_equal(scratch_count(scratch->root), 1);
    report_fixture_deinit(&fixture);
}

/* Whoever stands in the folder stands in it afterwards. */
static void test_report_folder__the_working_folder_is_not_exchanged(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    struct stat before, after;
    setenv("PATH", "/nonexistent", 1);
    report_fixture_tiny(&fixture);
    assert_int_equal(scratch_report(scratch->out, &fixture, NULL, NULL), TS_OK);
    assert_int_equal(chdir(scratch->out), 0);
    assert_int_equal(stat(".", &before), 0);
    assert_int_equal(scratch_report(".", &fixture, NULL, NULL), TS_OK);
    assert_int_equal(stat(scratch->out, &after), 0);
    assert_true(before.st_ino == after.st_ino);
    assert_true(ts_file_exists("report.html"));
    assert_int_equal(chdir("/"), 0);
    report_fixture_deinit(&fixture);
}

/* Parents that were made for it go with a report that does not come; others stay. */
static void test_report_folder__a_report_that_does_not_come_leaves_no_parents(void **state)
{
    struct scratch *scratch = *state;
    struct ts_report_folder folder;
    char deep[PATH_BYTES], there[PATH_BYTES / 2];
    snprintf(there, sizeof there, "%s/there", scratch->root);
    snprintf(deep, sizeof deep, "%s/a/b/out", there);
    assert_int_equal(mkdir(there, 0700), 0);
    assert_int_equal(ts_report_folder_open(&folder, deep, NULL), TS_OK);
    assert_int_equal(ts_report_folder_begin(&folder, NULL), TS_OK);
    assert_int_equal(scratch_count(there), 1);
    ts_report_folder_close(&folder);
    assert_true(ts_dir_exists(there));
    assert_int_equal(scratch_count(there), 0);
}

/* Somebody put another folder in its place: it is not ours to replace. */
static void test_report_folder__a_place_that_was_replaced_is_left_alone(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture fixture;
    struct ts_report_folder folder;
    bool drawn = false;
    char moved[2 * PATH_BYTES];
    setenv("PATH", "/nonexistent", 1);
    old_report(&fixture);
    snprintf(moved, sizeof moved, "%s/moved", scratch->root);
    assert_int_equal(scratch_report(scratch->out, &fixture, NULL, NULL), TS_OK);
    assert_int_equal(ts_report_folder_open(&folder, scratch->out, NULL), TS_OK);
    assert_int_equal(rename(scratch->out, moved), 0);
    assert_int_equal(mkdir(scratch->out, 0700), 0);
    struct ts_report *report = report_fixture_report(&fixture);
    assert_int_equal(ts_report_write(&drawn, &folder, report, NULL), TS_EIO);
    ts_report_destroy(report);
    ts_report_folder_close(&folder);
    assert_int_equal(scratch_count(scratch->out), 0);
    assert_int_equal(scratch_count(scratch->root), 2);
    report_fixture_deinit(&fixture);
}

struct patience {
    long n; /* asks until it ends */
};

static bool loses_patience(void *user, const struct ts_progress_state *state)
{
    struct patience *patience = user;
    (void)state;
    return patience->n-- > 0;
}

/* Wherever it is stopped. */
static void test_report_folder__an_interrupted_report_leaves_the_old_one(void **state)
{
    struct scratch *scratch = *state;
    struct report_fixture was, is;
    struct patience patience;
    const struct ts_progress progress = {.go_on = loses_patience, .user = &patience};
    char *before = NULL, *after = NULL;
    enum ts_status status = TS_EINTERRUPTED;
    long n = 0;
    setenv("PATH", "/nonexistent", 1);
    old_report(&was);
    new_report(&is);
    picture(scratch, PLACE_REPORT, &was, &is, &before, &after);
    is.input.progress = &progress;
    for (; status != TS_OK; n++) {
        prepare(scratch, PLACE_REPORT, &was);
        patience.n = n;
        status = scratch_report(scratch->out, &is, NULL, NULL);
        assert_true(status == TS_OK || status == TS_EINTERRUPTED);
        char *now = snapshot(scratch->out, true);
        assert_string_equal(now, status == TS_OK ? after : before);
        assert_int_equal(scratch_count(scratch->root), 1);
        free(now);
    }
    assert_in_range(n, 15, 1000); /* asked at every file, and at every piece of the long ones */
    free(after);
    free(before);
    report_fixture_deinit(&is);
    report_fixture_deinit(&was);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_FOLDER(test_report_folder__a_failing_call_leaves_no_folder),
        WITH_FOLDER(test_report_folder__a_failing_call_leaves_the_old_report),
        WITH_FOLDER(test_report_folder__a_failing_call_leaves_the_old_report_where_nothing_is_exchanged),
        WITH_FOLDER(test_report_folder__a_failing_call_leaves_the_old_report_beside_other_files),
        WITH_FOLDER(test_report_folder__a_killed_run_leaves_no_folder),
        WITH_FOLDER(test_report_folder__a_killed_run_leaves_one_report),
        WITH_FOLDER(test_report_folder__a_killed_run_leaves_one_report_where_nothing_is_exchanged),
        WITH_FOLDER(test_report_folder__a_killed_run_leaves_one_report_beside_other_files),
        WITH_FOLDER(test_report_folder__another_run_is_told_at_once),
        WITH_FOLDER(test_report_folder__a_link_is_another_name_of_the_place),
        WITH_FOLDER(test_report_folder__a_file_of_the_user_is_not_in_the_way_of_a_report),
        WITH_FOLDER(test_report_folder__a_folder_or_a_link_of_a_reports_name_is_in_the_way),
        WITH_FOLDER(test_report_folder__folders_and_links_of_the_user_stay),
        WITH_FOLDER(test_report_folder__the_working_folder_is_not_exchanged),
        WITH_FOLDER(test_report_folder__a_report_that_does_not_come_leaves_no_parents),
        WITH_FOLDER(test_report_folder__a_place_that_was_replaced_is_left_alone),
        WITH_FOLDER(test_report_folder__an_interrupted_report_leaves_the_old_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
