/* Without libFuzzer: runs the target over every file of the folders given, so that what once broke stays fixed. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz_input.h"

enum { MAX_BYTES = 1 << 22 };

static int replay(const char *path)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISREG(info.st_mode)) {
        return 0;
    }
    uint8_t *data = malloc(MAX_BYTES);
    FILE *file = fopen(path, "rb");
    if (!data || !file) {
        perror(path);
        exit(1);
    }
    size_t size = fread(data, 1, MAX_BYTES, file);
    fclose(file);
    LLVMFuzzerTestOneInput(data, size);
    free(data);
    return 1;
}

int main(int argc, char **argv)
{
    int n_files = 0;
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        if (!dir) {
            perror(argv[i]);
            return 1;
        }
        struct dirent *entry;
        while ((entry = readdir(dir)) != NULL) {
            char path[1024];
            snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            n_files += replay(path);
        }
        closedir(dir);
    }
    printf("%d inputs replayed\n", n_files);
    return n_files > 0 ? 0 : 1;
}
