#include "tests/scenarios/scenario_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "base/file.h"

enum ts_status load_text(struct ts_scenario *out, const char *text, const struct ts_scenario_options *options,
                         struct ts_text *said)
{
    char path[64];
    snprintf(path, sizeof path, "scenario-%ld.yaml", (long)getpid());
    assert_int_equal(ts_file_write(path, text, strlen(text), NULL), TS_OK);
    struct ts_diags diags;
    ts_diags_init(&diags);
    enum ts_status status = ts_scenario_load(out, path, options, &diags);
    if (said) {
        ts_diags_render(&diags, said);
    }
    ts_diags_deinit(&diags);
    remove(path);
    return status;
}

void load_good(struct ts_scenario *out, const char *text)
{
    struct ts_text said;
    ts_text_init(&said);
    enum ts_status status = load_text(out, text, NULL, &said);
    if (status != TS_OK || said.len > 0) {
        print_error("%s", said.data);
    }
    assert_int_equal(status, TS_OK);
    assert_int_equal(said.len, 0);
    ts_text_deinit(&said);
}

enum ts_status load_saying(struct ts_scenario *out, const char *text, const char *says)
{
    struct ts_text said;
    ts_text_init(&said);
    const enum ts_status status = load_text(out, text, NULL, &said);
    if (!strstr(said.data ? said.data : "", says)) {
        fail_msg("'%s' does not say '%s'", said.data, says);
    }
    ts_text_deinit(&said);
    return status;
}

void load_ok(struct ts_scenario *out, const char *text)
{
    assert_int_equal(load_saying(out, text, ""), TS_OK);
}

void refuse(const char *text, const char *says)
{
    struct ts_scenario scenario;
    assert_int_equal(load_saying(&scenario, text, says), TS_ESCENARIO);
}

const struct ts_assumption *assumption(const struct ts_scenario *scenario, const char *key)
{
    for (size_t i = 0; i < scenario->model.n_assumptions; i++) {
        if (ts_str_equal(scenario->model.assumptions[i].key, key)) {
            return &scenario->model.assumptions[i];
        }
    }
    return NULL;
}
