/* Two names change places at once. */
#ifndef TS_BASE_EXCHANGE_H
#define TS_BASE_EXCHANGE_H

enum ts_exchange_outcome {
    TS_EXCHANGE_DONE,
    TS_EXCHANGE_UNSUPPORTED, /* by this system or file system */
    TS_EXCHANGE_FAILED,      /* errno says why */
};

enum ts_exchange_outcome ts_exchange(const char *a, const char *b);

#endif
