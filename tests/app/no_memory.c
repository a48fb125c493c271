/* Preloaded into the real program (LD_PRELOAD): runs its command once for each of its allocations, in a child in which
 * that allocation fails, and in another in which all from there on do. Each child must end with exit code 1 and "out of
 * memory" as the only reason, or, where the program can do without that memory, as it does with it.
 * main()'s first call is gsl_set_error_handler_off(): what runs before it (constructors of libraries) is let be.
 * Environment: TS_STRIDE=K takes every K-th allocation; TS_WATCH=FOLDER: no temporary file may be left there, and with
 * TS_FRESH the folder's files are removed before each run. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_SHOWN = 20, OUTPUT_MAX = 1 << 20, CHILD_LIMIT_S = 60, NO_ALLOCATION = -1 };

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void *gsl_set_error_handler_off(void);

static atomic_long *n_allocations; /* of the last child; shared with the parent */
static bool is_child;
static long fail_at = NO_ALLOCATION;
static bool fail_later_too;

static bool fails_now(void)
{
    if (!is_child) {
        return false;
    }
    const long n = atomic_fetch_add(n_allocations, 1);
    if (fail_at == NO_ALLOCATION || (n != fail_at && !(fail_later_too && n > fail_at))) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return fails_now() ? NULL : __libc_malloc(size);
}

void *calloc(size_t n, size_t size)
{
    return fails_now() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *memory, size_t size)
{
    return fails_now() ? NULL : __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return fails_now() ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **out, size_t alignment, size_t size)
{
    void *memory = fails_now() ? NULL : __libc_memalign(alignment, size);
    *out = memory != NULL ? memory : *out;
    return memory != NULL ? 0 : ENOMEM;
}

/* ---- the parent ---- */

/* What a child came to. */
struct outcome {
    int status; /* as from waitpid */
    char out[OUTPUT_MAX], err[OUTPUT_MAX];
};

static void read_back(char *text, int file)
{
    const ssize_t n = pread(file, text, OUTPUT_MAX - 1, 0);
    text[n > 0 ? n : 0] = '\0';
}

/* What a child writes goes to the same two files each time. */
static int empty_file(FILE *file)
{
    const int descriptor = file != NULL ? fileno(file) : -1;
    if (descriptor < 0 || ftruncate(descriptor, 0) != 0 || lseek(descriptor, 0, SEEK_SET) != 0) {
        perror("no temporary file");
        _exit(1);
    }
    return descriptor;
}

static void remove_files(const char *folder)
{
    DIR *dir = folder != NULL ? opendir(folder) : NULL;
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        (void)unlinkat(dirfd(dir), entry->d_name, 0);
    }
    if (dir != NULL) {
        closedir(dir);
    }
}

/* How long it took is another each time. */
static void cut_times(char *text)
{
    char *at = strstr(text, "simulated in ");
    if (at != NULL) {
        const char *end = at + strcspn(at, "\n");
        memmove(at, end, strlen(end) + 1);
    }
}

/* True in the child, which goes on into the command; false in the parent once the child is done. */
static bool run_child(struct outcome *outcome, FILE *const files[2], long n, bool later_too)
{
    const int out = empty_file(files[0]), err = empty_file(files[1]);
    fflush(stdout);
    if (getenv("TS_FRESH") != NULL) {
        remove_files(getenv("TS_WATCH"));
    }
    const pid_t child = fork();
    if (child == 0) {
        dup2(out, STDOUT_FILENO);
        dup2(err, STDERR_FILENO);
        alarm(CHILD_LIMIT_S);
        fail_at = n;
        fail_later_too = later_too;
        atomic_store(n_allocations, 0);
        is_child = true;
        return true;
    }
    waitpid(child, &outcome->status, 0);
    read_back(outcome->out, out);
    read_back(outcome->err, err);
    cut_times(outcome->out);
    return false;
}

/* A file that was to be renamed or removed. */
static bool leaves_temporary_file(const char *folder)
{
    DIR *dir = folder != NULL ? opendir(folder) : NULL;
    bool found = false;
    for (const struct dirent *entry; dir != NULL && (entry = readdir(dir)) != NULL;) {
        found = found || strstr(entry->d_name, ".tmp") != NULL || strstr(entry->d_name, ".partial") != NULL;
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return found;
}

static const char *fault_of(const struct outcome *got, const struct outcome *whole, const char *folder)
{
    if (!WIFEXITED(got->status)) {
        return "killed by a signal";
    }
    const bool is_whole = strcmp(got->out, whole->out) == 0 && strcmp(got->err, whole->err) == 0;
    if (got->status == whole->status && is_whole) {
        return NULL; /* it could do without */
    }
    if (WEXITSTATUS(got->status) == 0) {
        return "exit code 0 with a part missing";
    }
    if (WEXITSTATUS(got->status) != 1) {
        return "another exit code than 1";
    }
    if (strcmp(got->err, "tiersim: error: out of memory\n") != 0) {
        return "another reason than 'out of memory'";
    }
    return leaves_temporary_file(folder) ? "a temporary file is left" : NULL;
}

static long whole_number(const char *name, long otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? strtol(text, NULL, 10) : otherwise;
}

/* Tells how each child went; the parent ends here. True in a child. */
static bool sweep(void)
{
    static struct outcome whole, got;
    FILE *const files[2] = {tmpfile(), tmpfile()};
    const char *folder = getenv("TS_WATCH");
    const long stride = whole_number("TS_STRIDE", 1);
    long n_faults = 0, n_runs = 0;
    if (run_child(&whole, files, NO_ALLOCATION, false)) {
        return true;
    }
    const long n_all = atomic_load(n_allocations);
    for (long n = 0; n < n_all && WIFEXITED(whole.status); n += stride) {
        for (int later_too = 0; later_too < 2; later_too++) {
            if (run_child(&got, files, n, later_too == 1)) {
                return true;
            }
            const char *fault = fault_of(&got, &whole, folder);
            n_runs++;
            if (fault != NULL && n_faults++ < MAX_SHOWN) {
                printf("allocation %ld%s: %s; status 0x%x, stderr: %.500s\n", n, later_too ? " and all later" : "",
                       fault, (unsigned)got.status, got.err);
            }
        }
    }
    printf("%ld allocations, exit code %d; %ld runs, %ld faults\n", n_all, WEXITSTATUS(whole.status), n_runs, n_faults);
    puts(n_faults == 0 && n_runs > 0 ? "every failed allocation ends as it should" : "FAILED");
    fflush(stdout);
    _exit(n_faults == 0 ? 0 : 1);
}

void *gsl_set_error_handler_off(void)
{
    void *address = dlsym(RTLD_NEXT, "gsl_set_error_handler_off");
    void *shared = mmap(NULL, sizeof *n_allocations, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    void *(*next)(void);
    memcpy(&next, &address, sizeof next);
    void *old = next();
    if (!is_child) { /* others may call it again */
        unsetenv("LD_PRELOAD");
        n_allocations = shared;
        (void)sweep();
    }
    return old;
}
