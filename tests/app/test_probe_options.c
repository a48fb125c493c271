/* The first words with an endpoint, and the seed of what is sent to it. */
#include "app/probe_options.h"

#include <stdlib.h>
#include <string.h>

#include "base/diag.h"
#include "tests/endpoint/endpoint.h"
#include "tests/live/live_test.h"

static const struct ts_endpoint_args usual = TS_ENDPOINT_DEFAULTS;

/* Refuses a field that it does not know, with the HTTP status in `context`; else a good reply. */
static void reply_strict(void *context, const struct endpoint_request *request, int socket)
{
    if (strstr(request->body, "stream_options")) {
        (void)endpoint_send(socket, (const char *)context);
        (void)endpoint_send(socket, "Connection: close\r\nContent-Length: 26\r\n\r\n{\"detail\":\"unknown field\"}");
        return;
    }
    endpoint_send_good(request, socket, 0);
}

static void check_plain(char *status_line, bool wanted)
{
    struct endpoint *endpoint = endpoint_start(reply_strict, status_line);
    assert_non_null(endpoint);
    struct ts_probe_options options;
    struct ts_diags diags;
    uint32_t seed = 0;
    ts_diags_init(&diags);
    assert_int_equal(ts_probe_options_read(&options, &seed, endpoint_url(endpoint), &usual, &diags), TS_OK);
    assert_int_equal(ts_probe_try(&options, &diags), wanted ? TS_OK : TS_EIO);
    assert_int_equal(options.plain, wanted);
    assert_true(diags.n_items == 1);
    endpoint_stop(endpoint);
    ts_probe_options_free(&options);
    ts_diags_deinit(&diags);
}

static void test_probe_options__who_refuses_stream_options_is_asked_without(void **state)
{
    (void)state;
    static char bad[] = "HTTP/1.1 400 Bad Request\r\n", unprocessable[] = "HTTP/1.1 422 Unprocessable Entity\r\n";
    static char unauthorized[] = "HTTP/1.1 401 Unauthorized\r\n";
    check_plain(bad, true);
    check_plain(unprocessable, true);
    check_plain(unauthorized, false);
}

/* Prompts of a run before may be in the endpoint's prefix cache. */
static void test_probe_options__the_seed_is_another_one_every_time(void **state)
{
    (void)state;
    struct ts_probe_options options[2];
    uint32_t seeds[2];
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(ts_probe_options_read(&options[i], &seeds[i], "http://127.0.0.1:1", &usual, NULL), TS_OK);
        ts_probe_options_free(&options[i]);
    }
    assert_true(seeds[0] != seeds[1] && options[0].seed != options[1].seed);
}

/* The same again; and what points count up from it is not what another --seed begins with. */
static void test_probe_options__a_seed_is_taken(void **state)
{
    (void)state;
    struct ts_probe_options options[3];
    for (uint32_t i = 0; i < 3; i++) {
        struct ts_endpoint_args args = usual;
        uint32_t seed;
        args.seed = i < 2 ? 7 : 8;
        assert_int_equal(ts_probe_options_read(&options[i], &seed, "http://127.0.0.1:1", &args, NULL), TS_OK);
        assert_int_equal(seed, args.seed);
        ts_probe_options_free(&options[i]);
    }
    assert_true(options[0].seed == options[1].seed);
    assert_true(options[2].seed - options[0].seed > 1000 && options[0].seed - options[2].seed > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_probe_options__who_refuses_stream_options_is_asked_without),
        cmocka_unit_test(test_probe_options__the_seed_is_another_one_every_time),
        cmocka_unit_test(test_probe_options__a_seed_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
