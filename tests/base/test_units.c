/* Quantities with units: what is accepted and to which number, what is refused and with which words. */
#include "base/units.h"

#include "tests/base/base_test.h"

struct good {
    const char *text, *want;
    double value;
};

static const struct good good[] = {
    {"40 ms", "s", 0.04},
    {"4 ms", "s", 0.004},
    {"4ms", "s", 0.004},
    {"  4   ms  ", "s", 0.004},
    {"4\tms", "s", 0.004},
    {"5 us", "s", 5e-6},
    {"5 \xc2\xb5s", "s", 5e-6},
    {"5 ns", "s", 5e-9},
    {"1 min", "s", 60},
    {"2 h", "s", 7200},
    {"1 hour", "s", 3600},
    {"30 days", "s", 2592000},
    {"12 weeks", "s", 7257600},
    {"36 months", "s", 36.0 * 730 * 3600},
    {"36 months", "month", 36},
    {"1 year", "h", 8760},
    {"12 months", "year", 1},
    {"1.5e3 ms", "s", 1.5},
    {"1e3ms", "s", 1},
    {"-5 USD", "USD", -5},
    {"+5 USD", "USD", 5},
    {"5 usd", "USD", 5},
    {"5 $", "USD", 5},
    {"38 kUSD", "USD", 38000},
    {"0 USD/call", "USD", 0},
    {"0.15 USD/kWh", "USD/kWh", 0.15},
    {"0.15 USD/kWh", "USD/J", 0.15 / 3.6e6},
    {"2.5 USD/Mtok", "USD/Mtok", 2.5},
    {"2.5 USD/Mtok", "USD/tok", 2.5e-6},
    {"0.5 USD/M tok", "USD/Mtok", 0.5},
    {"200 kUSD/year", "USD/year", 200000},
    {"1.2 J/tok", "J/tok", 1.2},
    {"380 g/kWh", "g/kWh", 380},
    {"0.38 kg/kWh", "g/kWh", 380},
    {"2 t", "kg", 2000},
    {"3 TFLOP/s", "flop/s", 3e12},
    {"3 Tflop/s", "flop/s", 3e12},
    {"1 Eflop", "flop", 1e18},
    {"700 W", "W", 700},
    {"12 kW", "W", 12000},
    {"12 kW", "J/s", 12000},
    {"500 mW", "W", 0.5},
    {"1 kWh", "J", 3.6e6},
    {"24 GiB", "byte", 25769803776.0},
    {"24 GB", "byte", 24e9},
    {"1 MB", "kB", 1000},
    {"8 bit", "byte", 1},
    {"500 Mbit/s", "byte/s", 62.5e6},
    {"10 Gbit/s", "byte/s", 1.25e9},
    {"4 ktok", "tok", 4000},
    {"4 k tok", "tok", 4000},
    {"4 kTok", "tok", 4000},
    {"180 tokens", "tok", 180},
    {"70 tok/s", "tok/s", 70},
    {"2 Mtok/min", "tok/s", 2e6 / 60},
    {"40 k/day", "1/day", 40000},
    {"40k/day", "1/day", 40000},
    {"40 k / day", "1/day", 40000},
    {"40 kreq/day", "1/day", 40000},
    {"10 k/min", "1/s", 10000.0 / 60},
    {"5 req/s", "1/s", 5},
    {"5 calls/s", "1/s", 5},
    {"5 /s", "1/s", 5},
    {"5/s", "1/s", 5},
    {"25 %/year", "1/year", 0.25},
    {"8 %/year", "%/year", 8},
    {"99.8 %", "1", 0.998},
    {"60%", "1", 0.6},
    {"0.998", "1", 0.998},
    {"42", "1", 42},
    {"10 k", "1", 10000},
    {"1.5 M", "1", 1.5e6},
    {"60 %", "%", 60},
    {"0.25 FTE", "FTE", 0.25},
    {"0.25 fte", "FTE", 0.25},
    {"5 kJ/req", "J", 5000},
    {"3 USD/GB/month", "USD/GB/month", 3},
    {"1 W/W", "1", 1},
};

static void test_units__accepts_what_people_write(void **state)
{
    (void)state;
    struct ts_text why;
    ts_text_init(&why);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        double value = -77.0;
        if (!ts_units_parse(&value, good[i].text, good[i].want, &why)) {
            fail_msg("'%s' in %s: %s", good[i].text, good[i].want, why.data);
        }
        if (fabs(value - good[i].value) > 4e-16 * fabs(good[i].value)) {
            fail_msg("'%s' in %s is %.17g, expected %.17g", good[i].text, good[i].want, value, good[i].value);
        }
    }
    assert_int_equal(why.len, 0);
    ts_text_deinit(&why);
}

struct bad {
    const char *text, *want, *why;
};

static const struct bad bad[] = {
    {"40", "s", "'40' has no unit: write for example '40 ms'"},
    {"40", "USD/kWh", "'40' has no unit: write for example '0.15 USD/kWh'"},
    {"10 k", "tok", "'10 k' has no unit: write for example '4 ktok'"},
    {"0", "s", "'0' has no unit: write for example '40 ms'"},
    {"5", "USD/GiB/s", "'5' has no unit: write for example '5 USD/GiB/s'"},
    {"", "s", "a quantity is missing: write for example '40 ms'"},
    {"   ", "1/s", "a quantity is missing: write for example '40 k/day'"},
    {"abc", "s", "'abc' does not begin with a number: write for example '40 ms'"},
    {"ms", "s", "'ms' does not begin with a number: write for example '40 ms'"},
    {"-", "s", "'-' does not begin with a number: write for example '40 ms'"},
    {"$5", "USD", "'$5' does not begin with a number: write for example '38 kUSD'"},
    {"inf s", "s", "'inf s' does not begin with a number: write for example '40 ms'"},
    {"nan", "1", "'nan' does not begin with a number: write for example '0.6'"},
    {"40 kg", "s", "'40 kg' is a mass, but a time is expected, for example '40 ms'"},
    {"5 W", "J", "'5 W' is a power, but an energy is expected, for example '2 kJ'"},
    {"5 USD", "USD/kWh",
     "'5 USD' is an amount of money, but a price of energy is expected, for example '0.15 USD/kWh'"},
    {"5 W", "USD/GiB/s", "'5 W' is a power, but a quantity in USD/GiB/s is expected, for example '5 USD/GiB/s'"},
    {"5 tok/J/s", "s", "'5 tok/J/s' is of another dimension, but a time is expected, for example '40 ms'"},
    {"60 %", "s", "'60 %' is a plain number, but a time is expected, for example '40 ms'"},
    {"5 s", "1", "'5 s' is a time, but a plain number is expected, for example '0.6'"},
    {"8 %", "1/year", "'8 %' is a plain number, but a rate is expected, for example '8 %/year'"},
    {"40 mss", "s", "unknown unit 'mss' in '40 mss': did you mean 'ms'?"},
    {"40 MS", "s", "unknown unit 'MS' in '40 MS': did you mean 'ms'?"},
    {"40 kw", "W", "unknown unit 'kw' in '40 kw': did you mean 'kW'?"},
    {"40 KB", "byte", "unknown unit 'KB' in '40 KB': did you mean 'kB'?"},
    {"4 mtok", "tok", "unknown unit 'mtok' in '4 mtok': did you mean 'Mtok'?"},
    {"4 gib", "byte", "unknown unit 'gib' in '4 gib': did you mean 'GiB'?"},
    {"4 moths", "s", "unknown unit 'moths' in '4 moths': did you mean 'months'?"},
    {"2 kwh", "J", "unknown unit 'kwh' in '2 kwh': did you mean 'kWh'?"},
    {"5 Gb/s", "byte/s", "unknown unit 'Gb' in '5 Gb/s': write 'Gbit' for bits or 'GB' for bytes"},
    {"5 b", "byte", "unknown unit 'b' in '5 b': write 'bit' for bits or 'B' for bytes"},
    {"5 EUR", "USD", "unknown unit 'EUR' in '5 EUR': write for example '38 kUSD'"},
    {"40 m", "s", "unknown unit 'm' in '40 m': write for example '40 ms'"},
    {"40 K", "1", "unknown unit 'K' in '40 K': write for example '0.6'"},
    {"3e ms", "s", "unknown unit 'e' in '3e ms': write for example '40 ms'"},
    {"0x10 s", "s", "unknown unit 'x' in '0x10 s': write for example '40 ms'"},
    {"5 USD/k", "USD", "unknown unit 'k' in '5 USD/k': write for example '38 kUSD'"},
    {"25_000", "1", "'25_000' has a '_' within its number: write '25000'"},
    {"25_000 USD", "USD", "'25_000 USD' has a '_' within its number: write '25000 USD'"},
    {"1,250,000 tok", "tok", "'1,250,000 tok' has a ',' within its number: write '1250000 tok'"},
    {"0,5 s", "s", "'0,5 s' has a ',' within its number: write '0.5 s'"},
    {"40 ms x", "s", "'x' does not belong there in '40 ms x': units are divided by '/', as in 'USD/kWh'"},
    {"40 USD kWh", "USD/kWh", "'kWh' does not belong there in '40 USD kWh': units are divided by '/', as in 'USD/kWh'"},
    {"40 ms;", "s", "';' does not belong there in '40 ms;'"},
    {"40 ms 5", "s", "'5' does not belong there in '40 ms 5'"},
    {"1.2.3 s", "s", "'.3 s' does not belong there in '1.2.3 s'"},
    {"40 ms/", "s", "a unit is missing after '/' in '40 ms/'"},
    {"40 //s", "1/s", "a unit is missing after '/' in '40 //s'"},
    {"1e999 s", "s", "the number in '1e999 s' is too large"},
    {"1e308 TB", "bit", "the number in '1e308 TB' is too large"},
    {"5 verylongunitnamethatnobodyknows", "s",
     "'verylongunitnamethatnobodyknows' in '5 verylongunitnamethatnobodyknows' is not a unit"},
    {"1 /s/s/s/s/s/s/s/s/s", "s", "'1 /s/s/s/s/s/s/s/s/s' has too many units"},
};

static void test_units__refuses_with_words_that_help(void **state)
{
    (void)state;
    struct ts_text why;
    ts_text_init(&why);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        double value = -77.0;
        ts_text_clear(&why);
        if (ts_units_parse(&value, bad[i].text, bad[i].want, &why)) {
            fail_msg("'%s' in %s was accepted as %g", bad[i].text, bad[i].want, value);
        }
        assert_true(value == -77.0);
        assert_string_equal(why.data, bad[i].why);
        assert_false(ts_units_parse(&value, bad[i].text, bad[i].want, NULL));
    }
    ts_text_deinit(&why);
}

static void test_units__a_text_without_end_is_refused(void **state)
{
    (void)state;
    char text[2000];
    double value = 0.0;
    memset(text, '1', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct ts_text why;
    ts_text_init(&why);
    assert_false(ts_units_parse(&value, text, "s", &why));
    assert_string_equal(why.data, "too long for a quantity: write for example '40 ms'");
    memset(text, '/', sizeof text - 1);
    assert_false(ts_units_parse(&value, "1 s", text, NULL));
    ts_text_deinit(&why);
}

static void test_units__knows_well_formed_units_only(void **state)
{
    (void)state;
    static const char *const known[] = {"s",      "1",        "1/s",          "USD/kWh", "%",
                                        "%/year", "ktok/min", "USD/GB/month", "GiB",     "k/day"};
    static const char *const unknown[] = {"", "/s", "2", "furlong", "s/", "s s", "1s", "USD//kWh", "s/1"};
    char text[32];
    double value = 0.0;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        snprintf(text, sizeof text, "%s%s", known[i][0] == '1' ? "" : "1 ", known[i]);
        assert_true(ts_units_parse(&value, text, known[i], NULL));
    }
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        snprintf(text, sizeof text, "1 %s", unknown[i]);
        assert_false(ts_units_parse(&value, text, unknown[i], NULL));
    }
    struct ts_text why;
    ts_text_init(&why);
    assert_false(ts_units_parse(&value, "5 s", "furlong", &why));
    assert_string_equal(why.data, "'furlong' is not a unit");
    ts_text_deinit(&why);
}

static void test_units__each_example_parses_in_its_unit(void **state)
{
    (void)state;
    static const char *const units[] = {"s",       "month",    "h",      "ns",     "byte",      "GiB",       "byte/s",
                                        "bit/s",   "tok",      "ktok",   "tok/s",  "J",         "kWh",       "W",
                                        "kW",      "J/tok",    "USD",    "USD/s",  "USD/h",     "USD/month", "USD/year",
                                        "USD/kWh", "USD/Mtok", "USD/GB", "1",      "%",         "1/s",       "1/year",
                                        "1/month", "FTE",      "flop",   "flop/s", "flop/byte", "g",         "g/kWh"};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        double value = 0.0;
        assert_true(ts_units_parse(&value, ts_units_example(units[i]), units[i], NULL));
        assert_true(value > 0.0);
    }
    assert_string_equal(ts_units_example("s"), "40 ms");
    assert_string_equal(ts_units_example("tok/J/s"), "a number and its unit");
    assert_string_equal(ts_units_example("furlong"), "a number and its unit");
}

static void test_units__a_unit_converts_to_itself_exactly(void **state)
{
    (void)state;
    static const char *const units[] = {"ms", "h",      "month", "USD/kWh",   "USD/Mtok", "GiB",         "Mbit/s",
                                        "%",  "%/year", "g/kWh", "kUSD/year", "Tflop/s",  "USD/GB/month"};
    static const char *const numbers[] = {"0.1", "0.15", "0.3", "2.5", "7", "99.8", "1e-7", "123456.789"};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        for (size_t k = 0; k < sizeof numbers / sizeof numbers[0]; k++) {
            char text[64];
            double value = 0.0;
            snprintf(text, sizeof text, "%s %s", numbers[k], units[i]);
            assert_true(ts_units_parse(&value, text, units[i], NULL));
            assert_true(value == strtod(numbers[k], NULL));
        }
    }
}

static void expect_format(double value, const char *unit, const char *expected)
{
    struct ts_text text;
    ts_text_init(&text);
    ts_units_format(&text, value, unit);
    assert_string_equal(text.data, expected);
    ts_text_deinit(&text);
}

static void test_units_format__chooses_the_best_multiple(void **state)
{
    (void)state;
    expect_format(0.0423, "s", "42.3 ms");
    expect_format(0.0, "s", "0 s");
    expect_format(-0.0423, "s", "-42.3 ms");
    expect_format(1.0, "s", "1 s");
    expect_format(0.99996, "s", "1 s");
    expect_format(1e-12, "s", "0.001 ns");
    expect_format(90.0, "s", "90 s");
    expect_format(600.0, "s", "10 min");
    expect_format(86400.0, "s", "24 h");
    expect_format(30.0 * 86400.0, "s", "30 days");
    expect_format(3.0 * 8760.0 * 3600.0, "s", "3 years");
    expect_format(5.2e9, "byte", "4.84 GiB");
    expect_format(512.0, "byte", "512 B");
    expect_format(62.5e6, "byte/s", "62.5 MB/s");
    expect_format(12000.0, "W", "12 kW");
    expect_format(0.2516, "USD/kWh", "0.2516 USD/kWh");
    expect_format(38000.0, "USD", "38,000 USD");
    expect_format(19366.0, "tok", "19,366 tok");
    expect_format(3.3e12, "flop/s", "3.3 Tflop/s");
    expect_format(2500.0, "g", "2.5 kg");
    expect_format(0.5, "1", "0.5");
    expect_format(60.0, "%", "60 %");
    expect_format(5.0, "1/s", "5 /s");
    expect_format(NAN, "s", "nan s");
    expect_format(INFINITY, "byte", "inf byte");
}

static void test_units__nanoseconds_are_rounded_and_clamped(void **state)
{
    (void)state;
    assert_true(ts_ns_from_s(1.5) == 1500000000);
    assert_true(ts_ns_from_s(0.04) == 40000000);
    assert_true(ts_ns_from_s(1.5e-9) == 2);
    assert_true(ts_ns_from_s(0.4e-9) == 0);
    assert_true(ts_ns_from_s(-1.0) == 0);
    assert_true(ts_ns_from_s(NAN) == 0);
    assert_true(ts_ns_from_s(-INFINITY) == 0);
    assert_true(ts_ns_from_s(INFINITY) == INT64_MAX / 4);
    assert_true(ts_ns_from_s(1e300) == INT64_MAX / 4);
    assert_true(ts_s_from_ns(1500000000) == 1.5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_units__accepts_what_people_write),
        cmocka_unit_test(test_units__refuses_with_words_that_help),
        cmocka_unit_test(test_units__a_text_without_end_is_refused),
        cmocka_unit_test(test_units__knows_well_formed_units_only),
        cmocka_unit_test(test_units__each_example_parses_in_its_unit),
        cmocka_unit_test(test_units__a_unit_converts_to_itself_exactly),
        cmocka_unit_test(test_units_format__chooses_the_best_multiple),
        cmocka_unit_test(test_units__nanoseconds_are_rounded_and_clamped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
