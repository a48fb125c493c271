/* Hides how a class is found by its name. */
#include <string.h>

#include "base/text.h"
#include "traces/trace_format.h"

bool ts_trace_class_find(uint16_t *out, const struct ts_trace_classes *classes, const char *name, struct ts_text *hint)
{
    for (uint32_t i = 0; i < classes->n; i++) {
        if (ts_str_equal(classes->names[i], name)) {
            *out = (uint16_t)i;
            return true;
        }
    }
    const char *near = ts_suggest(name, classes->names, classes->n);
    if (near) {
        ts_text_printf(hint, "did you mean '%s'?", near);
        return false;
    }
    ts_text_puts(hint, "the scenario's classes are: ");
    for (uint32_t i = 0; i < classes->n; i++) {
        ts_text_printf(hint, "%s%s", i > 0 ? ", " : "", classes->names[i]);
    }
    return false;
}
