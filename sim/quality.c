/* Hides the one-parameter item response model (Rasch 1960) and Bayes' rule behind a check. Worked: right .7,
 * accept_right .9, reject_wrong .8: accepted .69; of those rejected .07/.31 = .2258 are right. */
#include "sim/quality.h"

#include <math.h>

double ts_quality_right(double ability, double difficulty)
{
    return 1.0 / (1.0 + exp(difficulty - ability));
}

double ts_quality_accepted(double right, double accept_right, double reject_wrong)
{
    return right * accept_right + (1.0 - right) * (1.0 - reject_wrong);
}

double ts_quality_rejected(double right, double accept_right, double reject_wrong)
{
    const double rejected = 1.0 - ts_quality_accepted(right, accept_right, reject_wrong);
    return rejected > 0.0 ? right * (1.0 - accept_right) / rejected : right;
}
