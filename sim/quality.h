/* How likely a reply is right. */
#ifndef TS_SIM_QUALITY_H
#define TS_SIM_QUALITY_H

/* P(right) of a model of that ability for a request of that difficulty: 1/(1 + exp(difficulty - ability)). */
double ts_quality_right(double ability, double difficulty);

/* A check accepts a right reply with probability `accept_right` and rejects a wrong one with probability
 * `reject_wrong`. P(accepted) of a reply that is right with probability `right`; P(right) of one that it rejected. */
double ts_quality_accepted(double right, double accept_right, double reject_wrong);
double ts_quality_rejected(double right, double accept_right, double reject_wrong);

#endif
