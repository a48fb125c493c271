/* Quantities with units, as a user writes them: "40 ms", "0.15 USD/kWh", "24 GiB", "40 k/day", "60 %", "8 %/year", "4
 * ktok".
 *
 * Grammar: NUMBER [multiplier] [unit {"/" unit}]; a multiplier is k, M, G, T before a unit or a slash ("40 k/day", "2
 * Mtok/min", "38 kUSD"). Every unit is a factor times powers of nine base dimensions (second, byte, token, joule, USD,
 * request, FTE, flop, gram), so any quotient of known units converts to any other of the same dimensions; the caller
 * says in which unit it wants the number. Units: ns us ms s min h hour day week month(=730 h) year(=8760 h), also in
 * the plural; bit byte B kB MB GB TB KiB MiB GiB TiB PiB, bit with k M G T; tok with k M G T; mJ J kJ MJ Wh kWh MWh; mW
 * W kW MW; USD (also $) with k M G; req call; FTE; flop with k to E; g kg t; % (= 0.01). Symbols are exact (m is milli,
 * M is mega), words are not ("USD" = "usd", "tok" = "Tok"). Since request and call count things, "5 req/s", "5 call/s"
 * and "5 /s" are all 1/s. */
#ifndef TS_BASE_UNITS_H
#define TS_BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

/* Parses `text` and converts to the unit `want` ("s", "byte", "USD/kWh", "1/s", "tok", "1" for a plain number or a
 * percentage). On failure returns false, leaves *out, and says in `why` (may be NULL) what is wrong and what to write,
 * e.g. "a unit is missing: write for example '40 ms'" or "'40 kg' is a mass, but a time is expected, for example '40
 * ms'".
 */
bool ts_units_parse(double *out, const char *text, const char *want, struct ts_text *why);

/* An example of a quantity in that unit, for messages: "s" -> "40 ms". Never NULL. */
const char *ts_units_example(const char *unit);

/* For people: the value in the best multiple: 0.0423 "s" -> "42.3 ms", 5.2e9 "byte" -> "4.84 GiB", 0.2516 "USD/kWh" ->
 * "0.2516 USD/kWh". */
void ts_units_format(struct ts_text *out, double value, const char *unit);

#define TS_NS_PER_S 1000000000LL
#define TS_S_PER_MONTH (730.0 * 3600.0)
#define TS_MONTHS_PER_YEAR 12.0

/* Seconds to nanoseconds, rounded half away from zero, clamped to [0, INT64_MAX/4]. NaN gives 0. */
int64_t ts_ns_from_s(double seconds);
double ts_s_from_ns(int64_t ns);

#endif
