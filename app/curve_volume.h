/* How curves write volumes. */
#ifndef TS_APP_CURVE_VOLUME_H
#define TS_APP_CURVE_VOLUME_H

#include "base/text.h"

/* "100", "12.3 k", "4 M", "1 G". */
static inline void ts_curve_put_volume(struct ts_text *out, double volume, int digits)
{
    const double scale = volume >= 1e9 ? 1e9 : volume >= 1e6 ? 1e6 : volume >= 1e3 ? 1e3 : 1.0;
    ts_text_number(out, volume / scale, digits);
    ts_text_puts(out, scale >= 1e9 ? " G" : scale >= 1e6 ? " M" : scale >= 1e3 ? " k" : "");
}

#endif
