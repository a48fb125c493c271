/* Locks that one process at a time holds. */
#include "base/lock.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/file.h"
#include "tests/base/base_test.h"

/* What another process gets of it. */
static enum ts_lock_outcome elsewhere(const char *path, bool folder)
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ts_lock lock;
        _exit(folder ? ts_lock_folder(&lock, path) : ts_lock_file(&lock, path));
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    assert_true(WIFEXITED(status));
    return (enum ts_lock_outcome)WEXITSTATUS(status);
}

static void test_lock__one_holds_a_file_until_it_gives_it_back(void **state)
{
    (void)state;
    char dir[64];
    struct ts_lock lock, second;
    make_temp_dir(dir);
    char *path = ts_path_join(dir, ".lock");
    assert_int_equal(ts_lock_file(&lock, path), TS_LOCK_TAKEN);
    assert_int_equal(ts_lock_file(&second, path), TS_LOCK_BUSY);
    assert_int_equal(elsewhere(path, false), TS_LOCK_BUSY);
    ts_lock_release(&second); /* holds nothing */
    assert_true(ts_file_exists(path));
    ts_lock_release(&lock);
    assert_false(ts_file_exists(path));
    assert_int_equal(elsewhere(path, false), TS_LOCK_TAKEN); /* and died with it */
    assert_true(ts_file_exists(path));
    assert_int_equal(ts_lock_file(&lock, path), TS_LOCK_TAKEN);
    ts_lock_release(&lock);
    assert_int_equal(rmdir(dir), 0);
    free(path);
}

static void test_lock__a_folder_stays_where_it_is(void **state)
{
    (void)state;
    char dir[64], other[80];
    struct ts_lock lock;
    make_temp_dir(dir);
    snprintf(other, sizeof other, "%s-moved", dir);
    assert_int_equal(ts_lock_folder(&lock, dir), TS_LOCK_TAKEN);
    assert_int_equal(elsewhere(dir, true), TS_LOCK_BUSY);
    assert_true(ts_lock_is_of(&lock, dir));
    assert_int_equal(rename(dir, other), 0);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_false(ts_lock_is_of(&lock, dir)); /* another folder of that name */
    assert_int_equal(elsewhere(dir, true), TS_LOCK_TAKEN);
    ts_lock_release(&lock);
    assert_int_equal(rmdir(dir), 0);
    assert_int_equal(rmdir(other), 0);
}

static void test_lock__what_cannot_be_opened_says_why(void **state)
{
    (void)state;
    struct ts_lock lock;
    assert_int_equal(ts_lock_file(&lock, "/nonexistent/.lock"), TS_LOCK_FAILED);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(ts_lock_folder(&lock, "/nonexistent"), TS_LOCK_FAILED);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(ts_lock_folder(&lock, "/dev/null"), TS_LOCK_FAILED);
    assert_int_equal(errno, ENOTDIR);
}

/* A link in the lock's place leads nowhere. */
static void test_lock__a_link_is_not_followed(void **state)
{
    (void)state;
    char dir[64];
    struct ts_lock lock;
    make_temp_dir(dir);
    char *path = ts_path_join(dir, ".lock"), *target = ts_path_join(dir, "target");
    assert_int_equal(symlink(target, path), 0);
    assert_int_equal(ts_lock_file(&lock, path), TS_LOCK_FAILED);
    assert_false(ts_file_exists(target));
    unlink(path);
    rmdir(dir);
    free(target);
    free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lock__one_holds_a_file_until_it_gives_it_back),
        cmocka_unit_test(test_lock__a_folder_stays_where_it_is),
        cmocka_unit_test(test_lock__what_cannot_be_opened_says_why),
        cmocka_unit_test(test_lock__a_link_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
