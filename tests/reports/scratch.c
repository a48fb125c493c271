#include "scratch.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "reports/gnuplot.h"

enum { MAX_BYTES = 1 << 24 };

void scratch_remove(const char *path)
{
    DIR *listing = opendir(path);
    for (struct dirent *entry = listing ? readdir(listing) : NULL; entry != NULL; entry = readdir(listing)) {
        char inner[2 * PATH_BYTES];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        if (unlink(inner) != 0) {
            scratch_remove(inner);
        }
    }
    if (listing) {
        closedir(listing);
    }
    rmdir(path);
}

int scratch_set_up(void **state)
{
    static struct scratch scratch;
    snprintf(scratch.root, sizeof scratch.root, "/tmp/tiersim-write-XXXXXX");
    if (mkdtemp(scratch.root) == NULL) {
        return -1;
    }
    snprintf(scratch.out, sizeof scratch.out, "%s/out", scratch.root);
    scratch.path_before = getenv("PATH") ? strdup(getenv("PATH")) : NULL;
    *state = &scratch;
    return 0;
}

int scratch_tear_down(void **state)
{
    struct scratch *scratch = *state;
    if (scratch->path_before) {
        setenv("PATH", scratch->path_before, 1);
    }
    free(scratch->path_before);
    scratch_remove(scratch->root);
    return 0;
}

bool scratch_has(const struct scratch *scratch, const char *name)
{
    char path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", scratch->out, name);
    return ts_file_exists(path);
}

char *scratch_contents(const struct scratch *scratch, const char *name)
{
    char path[2 * PATH_BYTES], *text = NULL;
    size_t len = 0;
    snprintf(path, sizeof path, "%s/%s", scratch->out, name);
    assert_int_equal(ts_file_read(&text, &len, path, MAX_BYTES, NULL), TS_OK);
    return text;
}

size_t scratch_count(const char *path)
{
    size_t n = 0;
    DIR *listing = opendir(path);
    assert_non_null(listing);
    for (struct dirent *entry = readdir(listing); entry != NULL; entry = readdir(listing)) {
        n += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    }
    closedir(listing);
    return n;
}

/* A program of that name alone in the PATH. */
void scratch_fake_gnuplot(const struct scratch *scratch, const char *script)
{
    char path[PATH_BYTES], search[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/bin", scratch->root);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(search, sizeof search, "%s:/usr/bin:/bin", path);
    snprintf(path, sizeof path, "%s/bin/gnuplot", scratch->root);
    assert_int_equal(ts_file_write(path, script, strlen(script), NULL), TS_OK);
    assert_int_equal(chmod(path, 0700), 0);
    setenv("PATH", search, 1);
}

void scratch_put(const struct scratch *scratch, const char *name, const char *text)
{
    char path[2 * PATH_BYTES];
    snprintf(path, sizeof path, "%s/%s", scratch->out, name);
    assert_int_equal(ts_file_write(path, text, strlen(text), NULL), TS_OK);
}

void scratch_need_gnuplot(void)
{
    char dir[] = "/tmp/tiersim-need-XXXXXX", path[64];
    struct ts_text why;
    ts_text_init(&why);
    assert_non_null(mkdtemp(dir));
    snprintf(path, sizeof path, "%s/x.gp", dir);
    assert_int_equal(ts_file_write(path, "", 0, NULL), TS_OK);
    const enum ts_gnuplot_outcome outcome = ts_gnuplot_draw(dir, "x", 20.0, NULL, &why);
    ts_text_deinit(&why);
    scratch_remove(dir);
    if (outcome != TS_GNUPLOT_OK) {
        skip();
    }
}

enum ts_status scratch_report(const char *dir, const struct report_fixture *fixture, bool *drawn,
                              struct ts_diags *diags)
{
    struct ts_report_folder folder;
    bool all_drawn = false;
    enum ts_status status = ts_report_folder_open(&folder, dir, diags);
    if (status == TS_OK) {
        struct ts_report *report = report_fixture_report(fixture);
        status = ts_report_write(&all_drawn, &folder, report, diags);
        ts_report_destroy(report);
        ts_report_folder_close(&folder);
    }
    if (drawn) {
        *drawn = all_drawn;
    }
    return status;
}
