/* Any text as a quantity: a number or a reason, never a crash; what is formatted reads back. */
#include <stdlib.h>
#include <string.h>

#include "base/units.h"
#include "tests/fuzz/fuzz_input.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const wants[] = {"s", "byte", "USD/kWh", "1/s", "tok", "1", "W", "USD/Mtok", "byte/s"};
    char *text = malloc(size + 1);
    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t i = 0; i < sizeof wants / sizeof wants[0]; i++) {
        struct ts_text why;
        double value = 0.0;
        ts_text_init(&why);
        if (!ts_units_parse(&value, text, wants[i], &why) && why.len == 0) {
            abort();
        }
        ts_text_deinit(&why);
    }
    free(text);
    return 0;
}
