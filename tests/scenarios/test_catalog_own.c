/* Catalogs of a user's own: rows that take another's place, that join, that cannot be; and what was known on a day. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "scenarios/catalog/catalog.h"
#include "tests/near.h"

static struct ts_arena arena;
static char folder[64];

static int setup(void **state)
{
    (void)state;
    ts_arena_init(&arena);
    strcpy(folder, "/tmp/ts_catalog_own.XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    static const char *const files[] = {"prices.csv", "hardware.csv", "rentals.csv", "devices.csv",    "quality.csv",
                                        "price.csv",  "servers.csv",  "regions.csv", "provisioned.csv"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[128];
        (void)snprintf(path, sizeof path, "%s/%s", folder, files[i]);
        (void)unlink(path);
    }
    ts_arena_deinit(&arena);
    return rmdir(folder);
}

static void put(const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(ts_file_write(path, text, strlen(text), NULL), TS_OK);
}

/* What is said of a folder that must be refused; or "" if it is taken. */
static const char *load(struct ts_catalog *out, const char *as_of)
{
    struct ts_diags diags;
    struct ts_text text;
    ts_diags_init(&diags);
    ts_text_init(&text);
    const struct ts_catalog_choice choice = {folder, as_of};
    const enum ts_status status = ts_catalog_load_chosen(out, &choice, &arena, &diags);
    ts_diags_render(&diags, &text);
    assert_true((status == TS_OK) == (diags.n_errors == 0));
    const char *said = ts_arena_strdup(&arena, text.data ? text.data : "");
    ts_text_deinit(&text);
    ts_diags_deinit(&diags);
    return said;
}

static const char price_head[] = "provider,model,input_usd_per_mtok,cached_input_usd_per_mtok,output_usd_per_mtok,"
                                 "date,source\n";

static const char *prices(const char *rows)
{
    return ts_arena_printf(&arena, "%s%s", price_head, rows);
}

static void test_catalog_own__a_row_takes_the_place_of_its_name_or_joins(void **state)
{
    (void)state;
    struct ts_catalog built_in, own;
    assert_int_equal(ts_catalog_load(&built_in, &arena, NULL), TS_OK);
    put("prices.csv", prices("OpenAI,gpt-4o,2,1,8,2026-09,contract\nHouse,our-model,.5,,1,2026-09,contract\n"));
    put("rentals.csv", "hardware,provider,gpus,usd_per_gpu_hour,date,source,confidence\n"
                       "H100 SXM 80GB,colo,8,2.1,2026-10,offer,S\nH100 SXM 80GB,colo,4,2.5,2026-10,offer,S\n");
    assert_string_equal(load(&own, NULL), "");
    assert_int_equal(own.n_prices, built_in.n_prices + 1);
    assert_near(ts_catalog_price(&own, "OpenAI/gpt-4o")->output_usd_per_mtok, 8.0, 0.0);
    assert_near(ts_catalog_price(&own, "our-model")->input_usd_per_mtok, 0.5, 0.0);
    assert_near(ts_catalog_price(&own, "OpenAI/gpt-4o-mini")->output_usd_per_mtok, 0.6, 0.0);
    unsigned n = 0;
    assert_near(ts_catalog_rental(&n, &own, "H100 SXM 80GB", TS_RENTAL_ON_DEMAND), 2.3, 1e-12);
    assert_int_equal(n, 2);
}

static void test_catalog_own__the_newest_date_counts_or_that_of_the_day(void **state)
{
    (void)state;
    static const struct {
        const char *as_of;
        double usd; /* 0: there is none */
    } days[] = {{NULL, 6.0}, {"2025-12", 8.0}, {"2025-06-30", 8.0}, {"2025-05-31", 10.0}, {"2024", 0.0}};
    put("prices.csv", prices("House,m,1,,8,2025-06,a\nOther,x,1,,1,2026,a\nHouse,m,1,,10,2024-05,b\n"
                             "House,m,1,,6,2026-01-01,c\n"));
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        struct ts_catalog own;
        assert_string_equal(load(&own, days[i].as_of), "");
        const struct ts_price *row = ts_catalog_price(&own, "House/m");
        assert_near(row ? row->output_usd_per_mtok : 0.0, days[i].usd, 0.0);
    }
}

/* Prices that fell on a day: OpenAI's gpt-5.6-luna on 2026-07-30. */
static void test_catalog_own__built_in_prices_have_a_history(void **state)
{
    (void)state;
    const struct ts_catalog_choice before = {NULL, "2026-07-29"};
    struct ts_catalog then, now;
    assert_int_equal(ts_catalog_load_chosen(&then, &before, &arena, NULL), TS_OK);
    assert_int_equal(ts_catalog_load(&now, &arena, NULL), TS_OK);
    assert_near(ts_catalog_price(&then, "OpenAI/gpt-5.6-luna")->input_usd_per_mtok, 1.0, 0.0);
    assert_near(ts_catalog_price(&now, "OpenAI/gpt-5.6-luna")->input_usd_per_mtok, 0.2, 0.0);
}

static void test_catalog_own__what_cannot_be_is_told_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *file, *text, *said;
    } cases[] = {
        {"prices.csv", "OpenAI,gpt-4o,2,3,8,2026-09,a\nX,y,1,,1,2026-9,a\n",
         "prices.csv:2:1: error: 'OpenAI/gpt-4o': cached input costs more than input\n"
         "*prices.csv:3:1: error: 'X/y': the date is not of the form 2026, 2026-08 or 2026-08-31\n"},
        {"prices.csv", "X,y,.0000025,,.00001,2026-09,a\n",
         "prices.csv:2:1: error: 'X/y': below 0.001 USD/Mtok: are these prices per token?\n"},
        {"prices.csv", "X,y,1,,1,2026-09,a\nX,z,1,,1,2026-09,a\nX,y,2,,2,2026-09,a\n",
         "prices.csv:4:1: error: 'X/y' is in line 2 already, with the same date\n"},
        {"prices.csv", "X,y,1,,1,2025,a\nX,y,2,,2,2026,a\nX,y,3,,3,2026,a\n",
         "prices.csv:4:1: error: 'X/y' is in line 3 already, with the same date\n"},
        {"prices.csv", "X,y,one,,1,2026-09,a\n",
         "prices.csv:2:5: error: column 'input_usd_per_mtok': 'one' where a number from 0 on is expected\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct ts_catalog own;
        put(cases[i].file, prices(cases[i].text));
        const char *said = load(&own, NULL);
        const char *due = cases[i].said;
        for (const char *star = due; star; due = star + 1) {
            star = strchr(due, '*');
            const char *part = star ? ts_arena_strndup(&arena, due, (size_t)(star - due)) : due;
            if (!strstr(said, part)) {
                fail_msg("case %zu: '%s' lacks '%s'", i, said, part);
            }
            if (!star) {
                break;
            }
        }
    }
}

static void test_catalog_own__names_of_files_columns_and_rows_are_checked(void **state)
{
    (void)state;
    struct ts_catalog own;
    assert_non_null(strstr(load(&own, NULL), "there is no catalog in it"));
    put("price.csv", prices(""));
    assert_non_null(strstr(load(&own, NULL), "no catalog is named 'price.csv'\nhelp: did you mean 'prices.csv'?"));
    char path[128];
    (void)snprintf(path, sizeof path, "%s/price.csv", folder);
    (void)unlink(path);
    put("prices.csv", "provider,model,input_usd_per_mtok,source\nX,y,1,a\n");
    assert_non_null(strstr(load(&own, NULL), "prices.csv: error: there is no column 'output_usd_per_mtok'"));
    put("prices.csv", "provider,model,input_usd_per_mtok,output_usd_per_mtok,source,outputs\nX,y,1,1,a,2\n");
    const char *said = load(&own, NULL);
    assert_non_null(strstr(said, "prices.csv:1:62: warning: the column 'outputs' is not read"));
    put("servers.csv", "name,accelerator,cards,price_usd,network_usd,includes_cards,date,source,confidence\n"
                       "box,H100 SXM,8,300000,0,yes,2026,offer,S\n");
    said = load(&own, NULL);
    assert_non_null(strstr(said, "servers.csv:2:1: error: unknown hardware 'H100 SXM': the full name is needed here\n"
                                 "help: did you mean 'H100 SXM 80GB'?"));
    put("servers.csv", "name,accelerator,cards,price_usd,network_usd,includes_cards,date,source,confidence\n"
                       "box,Card X,8,300000,0,yes,2026,offer,S\n");
    put("hardware.csv", "name,class,memory_gb,mem_bw_gb_s,tdp_w,idle_w,list_price_usd,includes_host,year,source\n"
                        "Card X,cloud,96,4000,700,80,25000,no,2026,data sheet\n");
    assert_null(strstr(load(&own, NULL), "error"));
    assert_near(ts_catalog_hardware(&own, "card x")->memory_bytes, 96e9, 0.0);
}

/* A user who copies the built-in files has the same catalog. */
static void test_catalog_own__the_built_in_files_are_taken(void **state)
{
    (void)state;
    static const char *const files[] = {"prices.csv",  "hardware.csv", "rentals.csv", "devices.csv",
                                        "quality.csv", "servers.csv",  "regions.csv"};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        char path[512];
        char *data = NULL;
        size_t len = 0;
        (void)snprintf(path, sizeof path, "%s/scenarios/catalog/%s", TS_SOURCE_DIR, files[i]);
        assert_int_equal(ts_file_read(&data, &len, path, 1 << 20, NULL), TS_OK);
        put(files[i], data);
        free(data);
    }
    struct ts_catalog built_in, own;
    assert_int_equal(ts_catalog_load(&built_in, &arena, NULL), TS_OK);
    assert_string_equal(load(&own, NULL), "");
    assert_int_equal(own.n_prices, built_in.n_prices);
    assert_int_equal(own.n_rentals, built_in.n_rentals);
    assert_int_equal(own.n_device_rates, built_in.n_device_rates);
    assert_near(ts_catalog_price(&own, "OpenAI/gpt-5.6-luna")->input_usd_per_mtok, 0.2, 0.0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(test_catalog_own__##name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_row_takes_the_place_of_its_name_or_joins),
        CASE(the_newest_date_counts_or_that_of_the_day),
        CASE(built_in_prices_have_a_history),
        CASE(what_cannot_be_is_told_with_its_line),
        CASE(names_of_files_columns_and_rows_are_checked),
        CASE(the_built_in_files_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
