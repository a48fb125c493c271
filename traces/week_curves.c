/* Hides the named shapes of a week: relative weights by hour, mean 1, hour 0 = Monday 00:00.
 *
 * Source: the Azure LLM inference traces of one week of May 2024 (https://github.com/Azure/AzurePublicDataset,
 * CC-BY-4.0), requests per minute read off the published plots. An hourly value is the mean of the readings in that
 * hour divided by the mean of all hours, rounded to 4 decimals such that the sum is 168.
 * The week of the source does not begin on a Monday, so it was turned until its shape fits:
 * - office-week, from the code service: two low days in a row (0.41 and 0.39 of the mean) follow the first day of the
 *   source, so that is a Friday and its fourth day a Monday. The source's clock is UTC: work starts at 12:00 to 13:00,
 *   dips at 16:00 and ends at 21:00 to 22:00, which is an office day with a lunch break at UTC-4; the table is in that
 *   local time. Turned by 72 + 4 hours. Peak/mean 3.00, peak/trough 29.3.
 * - consumer-week, from the conversation service: the low days (0.64 and 0.66) are the first and the last of the
 *   source, so it begins on a Sunday. Its users are spread over the time zones; the table stays in UTC. Turned by 24
 *   hours. Peak/mean 1.65, peak/trough 3.49. */
#include "traces/workload_stream.h"

#define SIX_HOURS 1.0, 1.0, 1.0, 1.0, 1.0, 1.0
#define DAY SIX_HOURS, SIX_HOURS, SIX_HOURS, SIX_HOURS
static const double constant[TS_WEEK_HOURS] = {DAY, DAY, DAY, DAY, DAY, DAY, DAY};

/* clang-format off */
static const double office_week[TS_WEEK_HOURS] = {
    /* Monday */
    0.5049, 0.3963, 0.3267, 0.3198, 0.2940, 0.2946, 0.2952, 0.4628, 0.7726, 1.4411, 2.0389, 2.2896,
    2.1785, 2.4639, 2.6973, 2.7934, 2.5791, 2.0057, 1.5721, 1.1131, 1.0091, 1.0541, 0.9363, 0.6488,
    /* Tuesday */
    0.5379, 0.4315, 0.3562, 0.2885, 0.2728, 0.3205, 0.3365, 0.5071, 0.9494, 1.7205, 2.4107, 2.4011,
    2.1239, 2.6308, 2.9603, 2.9486, 2.6826, 1.9289, 1.4218, 1.0984, 0.9938, 0.8989, 0.8170, 0.7458,
    /* Wednesday */
    0.5577, 0.4437, 0.4003, 0.3181, 0.3137, 0.2788, 0.3556, 0.4917, 0.8933, 1.5686, 2.0950, 2.3032,
    2.3669, 2.5803, 2.9135, 3.0003, 2.8809, 2.0728, 1.3453, 1.0756, 0.9229, 0.8241, 0.8625, 0.6827,
    /* Thursday */
    0.5312, 0.4585, 0.4234, 0.3347, 0.3116, 0.3248, 0.3310, 0.5136, 0.9919, 1.4618, 2.1632, 2.2890,
    2.2132, 2.5771, 2.8402, 2.8790, 2.5497, 1.8529, 1.3294, 1.0411, 0.7720, 0.7874, 0.6882, 0.5815,
    /* Friday */
    0.4646, 0.3994, 0.3319, 0.2990, 0.2577, 0.2903, 0.3008, 0.4012, 0.7261, 1.1945, 1.7624, 1.9584,
    1.7901, 2.0426, 2.1079, 2.1654, 2.0783, 1.5573, 1.1274, 0.7585, 0.6088, 0.5569, 0.4831, 0.4757,
    /* Saturday */
    0.3943, 0.3174, 0.2694, 0.1939, 0.1462, 0.1222, 0.1025, 0.1733, 0.2645, 0.3563, 0.4315, 0.4733,
    0.5201, 0.5848, 0.6217, 0.6334, 0.5635, 0.5182, 0.5724, 0.4923, 0.4819, 0.5096, 0.4671, 0.4449,
    /* Sunday */
    0.3803, 0.3100, 0.2448, 0.1604, 0.1290, 0.1282, 0.1321, 0.1493, 0.2207, 0.2854, 0.3649, 0.4375,
    0.4702, 0.4733, 0.5525, 0.5693, 0.6445, 0.6751, 0.6192, 0.6149, 0.6626, 0.6716, 0.6642, 0.5817,
};

static const double consumer_week[TS_WEEK_HOURS] = {
    /* Monday */
    0.9712, 1.0958, 1.1019, 0.9092, 0.9167, 0.9948, 1.1342, 1.2054, 1.2690, 1.1807, 1.1623, 1.2353,
    1.3289, 1.4832, 1.6536, 1.5452, 1.3559, 1.2799, 1.2588, 1.2380, 1.1676, 0.9408, 0.9200, 0.9712,
    /* Tuesday */
    1.0783, 1.1218, 1.1515, 0.9382, 0.9469, 1.0059, 1.1692, 1.2999, 1.2754, 1.2473, 1.1672, 1.2717,
    1.4443, 1.5438, 1.6483, 1.5503, 1.4276, 1.3350, 1.4183, 1.3023, 1.1756, 1.0419, 0.8934, 0.8519,
    /* Wednesday */
    1.0000, 1.0800, 1.0318, 0.8630, 0.8999, 0.9712, 1.1063, 1.1934, 1.2154, 1.2336, 1.1269, 1.1895,
    1.3512, 1.4764, 1.5054, 1.4327, 1.2901, 1.2262, 1.2740, 1.2030, 1.0473, 0.8014, 0.7613, 0.8535,
    /* Thursday */
    0.9964, 1.1453, 1.0925, 0.9173, 0.9048, 0.9994, 1.2205, 1.2764, 1.3847, 1.3161, 1.0530, 1.1089,
    1.2706, 1.4778, 1.5201, 1.3390, 1.2511, 1.2386, 1.2311, 1.1214, 1.0042, 0.8835, 0.7778, 0.8694,
    /* Friday */
    1.0338, 1.1005, 1.0699, 0.8817, 0.9142, 1.0123, 1.1152, 1.2184, 1.1841, 1.1826, 1.0483, 1.0638,
    1.1763, 1.2841, 1.2935, 1.2225, 1.1263, 1.1106, 0.9776, 0.9158, 0.8590, 0.7273, 0.6011, 0.5784,
    /* Saturday */
    0.5841, 0.6212, 0.6434, 0.5248, 0.5280, 0.5595, 0.5663, 0.6168, 0.6493, 0.5693, 0.6407, 0.6984,
    0.7754, 0.7707, 0.8434, 0.8543, 0.8209, 0.7571, 0.6906, 0.6599, 0.6870, 0.6407, 0.5811, 0.5440,
    /* Sunday */
    0.5636, 0.5935, 0.5666, 0.5044, 0.4740, 0.4831, 0.5014, 0.5713, 0.5730, 0.5550, 0.5518, 0.6279,
    0.6436, 0.8071, 0.7526, 0.7969, 0.7286, 0.7620, 0.7734, 0.7128, 0.6885, 0.6768, 0.6409, 0.7680,
};
/* clang-format on */

static const struct {
    const char *name;
    const double *weights;
} curves[] = {{"constant", constant}, {"office-week", office_week}, {"consumer-week", consumer_week}};
static const char *const names[] = {"constant", "office-week", "consumer-week", NULL};

enum { N_CURVES = sizeof curves / sizeof curves[0] };
_Static_assert(sizeof names / sizeof names[0] == N_CURVES + 1, "a name for each curve");

const double *ts_week_curve(const char *name)
{
    for (size_t i = 0; i < N_CURVES; i++) {
        if (ts_str_equal(curves[i].name, name)) {
            return curves[i].weights;
        }
    }
    return NULL;
}

const char *const *ts_week_curve_names(void)
{
    return names;
}
