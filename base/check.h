/* Always-on assertion for our own bugs (never for a user's input): prints the place and aborts, in every build. */
#ifndef TS_BASE_CHECK_H
#define TS_BASE_CHECK_H

void ts_check_failed(const char *expression, const char *file, int line);

#define TS_CHECK(expression) ((expression) ? (void)0 : ts_check_failed(#expression, __FILE__, __LINE__))

#endif
