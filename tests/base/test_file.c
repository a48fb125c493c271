/* Files: complete or absent, on full disks too. */
#include "base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "tests/base/base_test.h"

struct folder {
    char path[64];
};

static int setup(void **state)
{
    struct folder *folder = calloc(1, sizeof *folder);
    if (folder == NULL) {
        return -1;
    }
    make_temp_dir(folder->path);
    *state = folder;
    return 0;
}

static int count_entries(const char *path)
{
    DIR *dir = opendir(path);
    assert_non_null(dir);
    int n = 0;
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        n += entry->d_name[0] != '.';
    }
    closedir(dir);
    return n;
}

static int teardown(void **state)
{
    struct folder *folder = *state;
    DIR *dir = opendir(folder->path);
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        char *path = ts_path_join(folder->path, entry->d_name);
        if (entry->d_name[0] != '.' && unlink(path) != 0) {
            rmdir(path);
        }
        free(path);
    }
    closedir(dir);
    rmdir(folder->path);
    free(folder);
    return 0;
}

static void expect_content(const char *path, const char *expected)
{
    char *data = NULL;
    size_t len = 0;
    assert_int_equal(ts_file_read(&data, &len, path, 1000, NULL), TS_OK);
    assert_int_equal(len, strlen(expected));
    assert_string_equal(data, expected);
    free(data);
}

static void test_file_writer__nothing_is_visible_before_commit(void **state)
{
    const struct folder *folder = *state;
    char *path = ts_path_join(folder->path, "summary.csv");
    write_bytes(path, "old", 3);
    struct ts_file_writer writer;
    assert_int_equal(ts_file_writer_open(&writer, path, NULL), TS_OK);
    fputs("new and longer", writer.stream);
    fflush(writer.stream);
    expect_content(path, "old");
    assert_int_equal(ts_file_writer_commit(&writer, NULL), TS_OK);
    expect_content(path, "new and longer");
    assert_int_equal(count_entries(folder->path), 1);
    ts_file_writer_abort(&writer); /* nothing left to do */
    expect_content(path, "new and longer");
    struct stat info;
    mode_t mask = umask(0);
    umask(mask);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0666 & ~mask);
    free(path);
}

static void test_file_writer__abort_leaves_no_trace(void **state)
{
    const struct folder *folder = *state;
    char *path = ts_path_join(folder->path, "x.json");
    struct ts_file_writer writer;
    assert_int_equal(ts_file_writer_open(&writer, path, NULL), TS_OK);
    fputs("half", writer.stream);
    ts_file_writer_abort(&writer);
    assert_int_equal(count_entries(folder->path), 0);
    struct ts_file_writer zeroed = {.stream = NULL};
    ts_file_writer_abort(&zeroed);
    free(path);
}

static void test_file_writer__two_writers_of_one_file_do_not_meet(void **state)
{
    const struct folder *folder = *state;
    char *path = ts_path_join(folder->path, "x");
    struct ts_file_writer a;
    struct ts_file_writer b;
    assert_int_equal(ts_file_writer_open(&a, path, NULL), TS_OK);
    assert_int_equal(ts_file_writer_open(&b, path, NULL), TS_OK);
    fputs("a", a.stream);
    fputs("b", b.stream);
    assert_int_equal(ts_file_writer_commit(&a, NULL), TS_OK);
    assert_int_equal(ts_file_writer_commit(&b, NULL), TS_OK);
    expect_content(path, "b");
    free(path);
}

static void test_file_writer__a_killed_one_leaves_no_trace(void **state)
{
    const struct folder *folder = *state;
    char *path = ts_path_join(folder->path, "x.json");
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct ts_file_writer writer;
        FILE *part = NULL;
        if (ts_file_writer_open(&writer, path, NULL) == TS_OK && ts_file_temp(&part, path, NULL) == TS_OK) {
            fputs("half", writer.stream);
            fflush(writer.stream);
            raise(SIGKILL);
        }
        _exit(1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
#if defined(__linux__)
    assert_int_equal(count_entries(folder->path), 0);
#endif
    free(path);
}

static void test_file_writer__a_replaced_file_keeps_its_permissions(void **state)
{
    const struct folder *folder = *state;
    char *path = ts_path_join(folder->path, "secret");
    struct stat info;
    write_bytes(path, "old", 3);
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(ts_file_write(path, "new", 3, NULL), TS_OK);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 0777, 0600);
    expect_content(path, "new");
    free(path);
}

static void test_file_writer__a_plain_one_is_seen_at_once_and_goes_if_it_fails(void **state)
{
    const struct folder *folder = *state;
    char *path = ts_path_join(folder->path, "x"), *link = ts_path_join(folder->path, "link");
    struct ts_file_writer writer;
    assert_int_equal(ts_file_writer_create(&writer, path, NULL), TS_OK);
    assert_int_equal(count_entries(folder->path), 1);
    fputs("all", writer.stream);
    assert_int_equal(ts_file_writer_commit(&writer, NULL), TS_OK);
    expect_content(path, "all");
    assert_int_equal(ts_file_writer_create(&writer, path, NULL), TS_OK);
    ts_file_writer_abort(&writer);
    assert_int_equal(count_entries(folder->path), 0);
    assert_int_equal(symlink(path, link), 0); /* planted: not followed */
    assert_int_equal(ts_file_writer_create(&writer, link, NULL), TS_EIO);
    assert_false(ts_file_exists(path));
    free(link);
    free(path);
}

static void test_file_temp__reads_back_and_has_no_name(void **state)
{
    const struct folder *folder = *state;
    char *path = ts_path_join(folder->path, "x");
    char back[8] = "";
    FILE *stream = NULL;
    assert_int_equal(ts_file_temp(&stream, path, NULL), TS_OK);
    assert_int_equal(count_entries(folder->path), 0);
    fputs("part", stream);
    assert_int_equal(fseek(stream, 0, SEEK_SET), 0);
    assert_int_equal(fread(back, 1, sizeof back, stream), 4);
    assert_string_equal(back, "part");
    fclose(stream);
    assert_int_equal(ts_file_temp(&stream, "/nonexistent/x", NULL), TS_OK); /* where the system keeps such files */
    fclose(stream);
    free(path);
}

static void test_file_writer__follows_a_link(void **state)
{
    const struct folder *folder = *state;
    char *path = ts_path_join(folder->path, "real");
    char *alias = ts_path_join(folder->path, "alias");
    write_bytes(path, "old", 3);
    assert_int_equal(symlink("real", alias), 0);
    assert_int_equal(ts_file_write(alias, "new", 3, NULL), TS_OK);
    struct stat info;
    assert_int_equal(lstat(alias, &info), 0);
    assert_true(S_ISLNK(info.st_mode));
    expect_content(path, "new");
    free(path);
    free(alias);
}

static void test_file_write__a_full_device_is_an_error_and_stays_a_device(void **state)
{
    (void)state;
    struct ts_diags diags;
    ts_diags_init(&diags);
    if (access("/dev/full", W_OK) == 0) {
        assert_int_equal(ts_file_write("/dev/full", "data", 4, &diags), TS_EIO);
        assert_diags(&diags, "/dev/full: error: cannot write: No space left on device\n");
        struct stat info;
        assert_int_equal(stat("/dev/full", &info), 0);
        assert_true(S_ISCHR(info.st_mode));
    }
    assert_int_equal(ts_file_write("/dev/null", "data", 4, &diags), TS_OK);
}

/* A limit on the size of files stands for a full disk: the old content stays, the temporary file goes. */
static void test_file_write__a_full_disk_keeps_the_old_file(void **state)
{
    const struct folder *folder = *state;
    char *path = ts_path_join(folder->path, "x.csv");
    char *large = calloc(1, 200000);
    assert_non_null(large);
    write_bytes(path, "old", 3);
    struct rlimit before;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    struct rlimit limit = {.rlim_cur = 100000, .rlim_max = before.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    enum ts_status whole = ts_file_write(path, large, 200000, NULL);
    struct ts_file_writer writer;
    assert_int_equal(ts_file_writer_open(&writer, path, NULL), TS_OK);
    for (int i = 0; i < 200; i++) {
        fwrite(large, 1, 1000, writer.stream);
    }
    enum ts_status streamed = ts_file_writer_commit(&writer, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(whole, TS_EIO);
    assert_int_equal(streamed, TS_EIO);
    expect_content(path, "old");
    assert_int_equal(count_entries(folder->path), 1);
    free(large);
    free(path);
}

static void test_file_write__says_why_it_cannot(void **state)
{
    const struct folder *folder = *state;
    struct ts_diags diags;
    struct ts_text expected;
    ts_diags_init(&diags);
    ts_text_init(&expected);
    char *file = ts_path_join(folder->path, "file");
    char *below_file = ts_path_join(file, "x");
    char *below_nothing = ts_path_join(folder->path, "absent/x");
    write_bytes(file, "x", 1);
    assert_int_equal(ts_file_write(below_file, "x", 1, &diags), TS_EIO);
    assert_int_equal(ts_file_write(below_nothing, "x", 1, &diags), TS_EIO);
    assert_int_equal(ts_file_write(folder->path, "x", 1, &diags), TS_EIO);
    ts_text_printf(&expected, "%s: error: cannot write: Not a directory\n", below_file);
    ts_text_printf(&expected, "%s: error: cannot write: No such file or directory\n", below_nothing);
    ts_text_printf(&expected, "%s: error: cannot write: it is a folder\n", folder->path);
    assert_diags(&diags, expected.data);
    ts_text_deinit(&expected);
    free(file);
    free(below_file);
    free(below_nothing);
}

static void test_file_write__an_unwritable_folder_is_an_error(void **state)
{
    const struct folder *folder = *state;
    char *path = ts_path_join(folder->path, "x");
    assert_int_equal(chmod(folder->path, 0555), 0);
    bool root = geteuid() == 0; /* permissions do not bind root */
    assert_int_equal(ts_file_write(path, "x", 1, NULL), root ? TS_OK : TS_EIO);
    assert_int_equal(chmod(folder->path, 0755), 0);
    assert_int_equal(count_entries(folder->path), root ? 1 : 0);
    free(path);
}

static void test_file_read__sizes_around_the_chunk_and_the_limit(void **state)
{
    const struct folder *folder = *state;
    static const size_t sizes[] = {0, 1, 65535, 65536, 65537, 131072, 200000};
    char *path = ts_path_join(folder->path, "x");
    char *pattern = malloc(200000);
    assert_non_null(pattern);
    for (size_t i = 0; i < 200000; i++) {
        pattern[i] = (char)(i * 31 % 251);
    }
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char *data = NULL;
        size_t len = 7;
        assert_int_equal(ts_file_write(path, pattern, sizes[i], NULL), TS_OK);
        assert_int_equal(ts_file_read(&data, &len, path, sizes[i], NULL), TS_OK);
        assert_int_equal(len, sizes[i]);
        assert_memory_equal(data, pattern, len);
        assert_int_equal(data[len], 0);
        free(data);
        data = NULL;
        if (sizes[i] > 0) {
            assert_int_equal(ts_file_read(&data, &len, path, sizes[i] - 1, NULL), TS_EIO);
            assert_null(data);
        }
        assert_int_equal(ts_file_read(&data, &len, path, SIZE_MAX, NULL), TS_OK);
        assert_int_equal(len, sizes[i]);
        free(data);
    }
    free(pattern);
    free(path);
}

static void test_file_read__an_endless_device_stops_at_the_limit(void **state)
{
    (void)state;
    char *data = NULL;
    size_t len = 0;
    struct ts_diags diags;
    ts_diags_init(&diags);
    assert_int_equal(ts_file_read(&data, &len, "/dev/zero", 100000, &diags), TS_EIO);
    assert_int_equal(ts_file_read(&data, &len, "/tmp", 100000, &diags), TS_EIO);
    assert_int_equal(ts_file_read(&data, &len, "/tmp/ts-absent/x", 100000, &diags), TS_EIO);
    assert_diags(&diags, "/dev/zero: error: the file is larger than the limit of 100000 bytes\n"
                         "/tmp: error: cannot read: it is a folder\n"
                         "/tmp/ts-absent/x: error: cannot open: No such file or directory\n");
    assert_null(data);
}

static void test_mkdirs__makes_parents_and_accepts_what_is_there(void **state)
{
    const struct folder *folder = *state;
    struct ts_diags diags;
    ts_diags_init(&diags);
    char *one = ts_path_join(folder->path, "one");
    char *deep = ts_path_join(one, "two//three/");
    assert_int_equal(ts_mkdirs(deep, &diags), TS_OK);
    assert_true(ts_dir_exists(deep));
    assert_int_equal(ts_mkdirs(deep, &diags), TS_OK);
    assert_int_equal(ts_mkdirs("/", &diags), TS_OK);
    assert_int_equal(ts_mkdirs(".", &diags), TS_OK);
    rmdir(deep);
    char *two = ts_path_join(one, "two");
    rmdir(two);
    write_bytes(two, "x", 1);
    assert_true(ts_file_exists(two));
    assert_false(ts_dir_exists(two));
    assert_int_equal(ts_mkdirs(deep, &diags), TS_EIO);
    assert_int_equal(diags.n_errors, 1);
    ts_diags_deinit(&diags);
    unlink(two);
    free(one);
    free(two);
    free(deep);
}

static void test_path__join_dir_and_base(void **state)
{
    (void)state;
    static const char *const join[][3] = {
        {"a", "b", "a/b"}, {"a/", "b", "a/b"}, {"", "b", "b"},
        {"a", "/b", "/b"}, {"/", "b", "/b"},   {"a/b", "c/d", "a/b/c/d"},
    };
    static const char *const split[][3] = {
        {"a/b.csv", "a", "b.csv"}, {"b.csv", ".", "b.csv"}, {"/b", "/", "b"},
        {"/a/b/c", "/a/b", "c"},   {"a//b", "a", "b"},      {"a/", "a", ""},
    };
    for (size_t i = 0; i < sizeof join / sizeof join[0]; i++) {
        char *path = ts_path_join(join[i][0], join[i][1]);
        assert_string_equal(path, join[i][2]);
        free(path);
    }
    for (size_t i = 0; i < sizeof split / sizeof split[0]; i++) {
        char *dir = ts_path_dir(split[i][0]);
        assert_string_equal(dir, split[i][1]);
        assert_string_equal(ts_path_base(split[i][0]), split[i][2]);
        free(dir);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_file_writer__nothing_is_visible_before_commit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_writer__abort_leaves_no_trace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_writer__two_writers_of_one_file_do_not_meet, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_writer__a_killed_one_leaves_no_trace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_writer__a_replaced_file_keeps_its_permissions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_writer__a_plain_one_is_seen_at_once_and_goes_if_it_fails, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_file_temp__reads_back_and_has_no_name, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_writer__follows_a_link, setup, teardown),
        cmocka_unit_test(test_file_write__a_full_device_is_an_error_and_stays_a_device),
        cmocka_unit_test_setup_teardown(test_file_write__a_full_disk_keeps_the_old_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_write__says_why_it_cannot, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_write__an_unwritable_folder_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_read__sizes_around_the_chunk_and_the_limit, setup, teardown),
        cmocka_unit_test(test_file_read__an_endless_device_stops_at_the_limit),
        cmocka_unit_test_setup_teardown(test_mkdirs__makes_parents_and_accepts_what_is_there, setup, teardown),
        cmocka_unit_test(test_path__join_dir_and_base),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
