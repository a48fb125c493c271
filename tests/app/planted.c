/* A libcsv that an attacker left in a folder: as soon as it is loaded, it leaves the file that $PLANTED names. It
 * defines what tiersim asks of libcsv, or the loader would give up before. */
#include <stdio.h>
#include <stdlib.h>

int csv_error(void);
int csv_fini(void);
int csv_free(void);
int csv_init(void);
int csv_parse(void);
int csv_set_blk_size(void);
int csv_set_delim(void);

__attribute__((constructor)) static void leave_mark(void)
{
    const char *path = getenv("PLANTED");
    FILE *file = path != NULL ? fopen(path, "w") : NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
}

int csv_error(void)
{
    return 0;
}

int csv_fini(void)
{
    return 0;
}

int csv_free(void)
{
    return 0;
}

int csv_init(void)
{
    return 0;
}

int csv_parse(void)
{
    return 0;
}

int csv_set_blk_size(void)
{
    return 0;
}

int csv_set_delim(void)
{
    return 0;
}
