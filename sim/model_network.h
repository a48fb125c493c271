/* The part of the model that says what links are and what goes wrong at a stated time; included by sim/model.h. */
#ifndef TS_SIM_MODEL_NETWORK_H
#define TS_SIM_MODEL_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/dist.h"

/* ---- network ---- */

struct ts_link_model {
    const char *name;
    struct ts_dist rtt_s;    /* round trip, drawn once a request; half of it each way */
    struct ts_dist jitter_s; /* extra one-way delay, drawn for each direction */
    double bytes_per_s;      /* 0 = unlimited */
    double bytes_per_tok;    /* size of a token on the wire */
    bool shares_equally;     /* prompts that are on the way at the same time; else one goes after the other */
    /* Outages by themselves, beside incidents: time up and time down are exponential. */
    double mean_up_s; /* 0 = none */
    double mean_down_s;
    bool stores;     /* what is sent while it is down waits until it is up; else it fails, and falls back */
    double detect_s; /* then: after how long whoever uses it knows; a shorter outage is waited for */
};

/* ---- what goes wrong at a stated time ---- */

enum { TS_MAX_INCIDENTS = 64 };

/* DOWN: a link carries nothing, replicas are broken, calls to an API fail, devices are out of reach. THROTTLED: calls
 * to an API are turned away as if a rate limit were met. */
enum ts_incident_kind { TS_INCIDENT_DOWN, TS_INCIDENT_THROTTLED, TS_N_INCIDENT_KINDS };

struct ts_incident_model {
    enum ts_incident_kind kind;
    int link, tier;      /* indices; one of them is -1 */
    int offer;           /* of an API; -1: all */
    double at_s, for_s;  /* from the start of the run */
    double every_s;      /* again and again after so long; 0 = once */
    double share_frac;   /* of an API's calls, a tier's replicas (rounded up), a fleet's users */
    uint32_t n_replicas; /* of a server, instead of a share; 0: the share */
    double notice_s;     /* of a server: how long before, the replicas take no new calls */
};

#endif
