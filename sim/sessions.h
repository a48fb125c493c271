/* Sessions: calls that wait for one another. A conversation waits for its user, an agent for its tools; each further
 * call begins with what was said before. A call of a session begins when the replies of all that it waits for are there
 * at the client, its delay after the last of them, and not before its arrival. How fast calls come is then partly an
 * answer: a slow server is asked less often.
 *
 * - A call without a reply ends its session: what waits for it is never sent.
 * - At model->turns_until_s and later nothing is sent: the sessions that are under way then are cut.
 * - All calls of a session are of one user.
 * - A session has ended when the last call of it that its stream tells of has; where the stream does not tell which is
 *   the last (a file), when the run does: its time is that until its last reply.
 *
 * Memory: a record for each session and call that is under way or waits, and for files also of those that have ended:
 * about 100 bytes a session, and 32 a call that others may name. */
#ifndef TS_SIM_SESSIONS_H
#define TS_SIM_SESSIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/key_table.h"
#include "sim/record.h"
#include "sim/slots.h"

struct ts_engine;

enum { TS_SESSION_MAX = 1 << 24 };

struct ts_sessions {
    struct ts_slots sessions, calls, edges; /* see sim/session_parts.h */
    struct ts_key_table by_key;             /* of a session: its place */
    struct ts_key_table by_call;            /* of a call: its place, or when its reply was there */
    uint64_t *ids;                          /* [ids_cap] of the prompt of a call that begins */
    uint32_t ids_cap;
    uint32_t n_waiting;      /* calls that will be sent, if those that they wait for have replies */
    int64_t until_ns;        /* nothing is sent at it or later */
    int64_t last_arrival_ns; /* of the calls that were sent */
};

void ts_sessions_init(struct ts_sessions *out, int64_t until_ns);
void ts_sessions_deinit(struct ts_sessions *sessions);

/* A request with a place in a session comes in at engine->now_ns: it is sent now, or waits. `user`: who sends it, 0:
 * whoever the session is of. */
void ts_sessions_arrive(struct ts_engine *engine, const struct ts_request *request, uint32_t user);
/* The event: a call has waited. */
void ts_sessions_fire(struct ts_engine *engine, uint32_t call, uint32_t stamp);
/* A call has its outcome. met: within the SLO. True: its session has ended with it. */
bool ts_sessions_answer(struct ts_engine *engine, uint32_t call, const struct ts_request_record *record, bool met);
/* The run is over: into the books with all sessions. */
void ts_sessions_close(struct ts_engine *engine);

#endif
