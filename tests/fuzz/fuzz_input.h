/* What every fuzz target offers, and how one gets its bytes as a file: the readers under test take paths. */
#ifndef TS_TESTS_FUZZ_INPUT_H
#define TS_TESTS_FUZZ_INPUT_H

#include <stddef.h>
#include <stdint.h>

/* libFuzzer's entry; replay_main.c calls it for every file of the corpus. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Puts the bytes into this process's scratch file and returns its path; aborts if it cannot. On Linux the file lies in
 * memory and has no name on a disk; elsewhere in $TMPDIR. */
const char *ts_fuzz_file(const uint8_t *data, size_t size);

#endif
