/* monitor.h -- who is alive, judged by this peer's own ears and its own clock.
 *
 *      arrival                TTL                        TTL + repin_after
 *         |---- healthy -------|------- suspect -----------|------ down ----->
 *
 * Shape    For each member the newest metric of each name, by time of arrival. Silence counts from the
 *          latest of: last arrival (of any metric), the moment the peer became a member, and
 *          monitor_listen_from(): the start of my term as leader, the end of my own isolation. A stall
 *          of this process is noticed by monitor_on_time() itself: whoever slept has heard nothing, and
 *          blames nobody for it.
 * Units    now_us, *_us: this peer's monotonic microseconds. They never run back. What another peer told of may be from
 *          before this clock began: moments are counted modulo 2^64, and only their differences mean anything.
 * Owner    The monitor copies what it keeps. Pointers from look-ups live until the next non-const call.
 * Errors   ERR_NOMEM; ERR_NOT_FOUND not a member; ERR_TOO_BIG too many metrics of one peer; monitor_hear(): ERR_CORRUPT,
 *          ERR_VERSION.
 * Level    Nothing here is an event that could get lost: ask again, get the truth of now. */
#ifndef HEALTH_MONITOR_H
#define HEALTH_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "health/metric.h"
#include "ids/peer_id.h"

enum liveness { LIVENESS_HEALTHY, LIVENESS_SUSPECT, LIVENESS_DOWN };

struct monitor_options {
    uint64_t ttl_us;         /* for a member that sent no ping yet */
    uint64_t repin_after_us; /* silence beyond the TTL until it counts as down */
    uint64_t stall_us;       /* not being called for so long is a stall of our own; 0: ttl_us */
};

struct monitor;

int monitor_create(struct monitor **out, const struct monitor_options *options);
void monitor_destroy(struct monitor *m);

/* Who belongs, self included. New ones count from now; what is known of others that left is forgotten. */
int monitor_set_members(struct monitor *m, uint64_t now_us, const struct peer_id *ids,
                        size_t count);
/* A metric came from a member, or from this peer itself. */
int monitor_on_metric(struct monitor *m, uint64_t now_us, const struct peer_id *from,
                      const struct metric *metric);
/* What a member said of itself, now: what its wall clock shows, and up to which level it knows the formats of what is
 * replicated (DESIGN 10; 0 is none). */
struct monitor_word {
    int64_t wall_us;
    uint32_t level;
};
int monitor_on_word(struct monitor *m, uint64_t now_us, const struct peer_id *from,
                    const struct monitor_word *word);
/* Silence before now is nobody's fault: I became leader, or was cut off. */
void monitor_listen_from(struct monitor *m, uint64_t now_us);
/* To be called at least every stall_us / 2: monitor_next_deadline_us() asks for it. True: a stall of our own
 * just ended. */
bool monitor_on_time(struct monitor *m, uint64_t now_us);

/* Somebody who is not a member is down. */
enum liveness monitor_liveness(const struct monitor *m, uint64_t now_us, const struct peer_id *id);
const char *liveness_name(enum liveness liveness); /* "healthy", "suspect", "down" */
/* The same for people. Who was down and speaks again is back, and shown as that for repin_after: nothing follows from it
 * but that whoever looks learns of it. */
struct monitor_standing {
    enum liveness liveness;
    bool is_back; /* healthy, and not for long */
    uint64_t
        silence_us; /* nothing is heard of it for so long, as far as that is its fault; is_back: was not heard */
    uint64_t back_us; /* is_back: speaks again for so long */
};
struct monitor_standing monitor_standing(const struct monitor *m, uint64_t now_us,
                                         const struct peer_id *id);
const char *monitor_standing_name(const struct monitor_standing *s); /* "back", or its liveness */
/* The next moment at which anybody's liveness changes if nothing is heard, or monitor_on_time() is due. */
uint64_t monitor_next_deadline_us(const struct monitor *m, uint64_t now_us);

/* The median of what the wall clocks of `ids` show now (of two in the middle, the earlier one). Clocks of members not
 * heard within their TTL do not count; ERR_NOT_FOUND: that leaves no majority of `ids`. One wrong clock of three, or two
 * of five, do not move it out of what the others show. */
int monitor_median_wall(const struct monitor *m, uint64_t now_us, const struct peer_id *ids,
                        size_t count, int64_t *out_us);

/* The lowest level that one of `ids` knows; 0: one of them was not heard within its TTL. */
uint32_t monitor_common_level(const struct monitor *m, uint64_t now_us, const struct peer_id *ids,
                              size_t count);

/* ---- looking ---- */

struct monitor_metric {
    struct peer_id peer;
    struct metric metric;
    uint64_t arrived_us;
    bool is_expired; /* older than its own TTL */
};
/* The newest of one name from one peer; ERR_NOT_FOUND. It may be invalid or expired. */
int monitor_get(const struct monitor *m, uint64_t now_us, const struct peer_id *peer,
                const char *name, struct monitor_metric *out);
/* The next one of `name` in order of peer id, behind `after` (NULL: the first); ERR_NOT_FOUND at the end. */
int monitor_next(const struct monitor *m, uint64_t now_us, const char *name,
                 const struct peer_id *after, struct monitor_metric *out);
/* The distinct names, sorted; how many were written to `out` (their bytes belong to the monitor). */
size_t monitor_names(const struct monitor *m, struct bytes *out, size_t max);

/* What is wrong now: one a cause and peer, for as long as it lasts, computed when asked. A silent peer is one cause, its
 * ping; of one that speaks, each metric that it let expire, or that it says it cannot tell. */
struct monitor_alert {
    struct monitor_metric about;
    enum liveness liveness; /* of the peer */
    uint64_t since_us;
};
/* At most `max`, by peer id; how many. */
size_t monitor_alerts(const struct monitor *m, uint64_t now_us, struct monitor_alert *out,
                      size_t max);

/* ---- hearsay (monitor_hearsay.c) ----
 * Metrics go to voters. Whoever does not vote asks one that leads for all that it knows, and looks at that. */

/* All but the words; moments as ages. */
void monitor_tell(const struct monitor *m, uint64_t now_us, struct buf *out);
/* What was told takes the place of what `m` knew, if all of it can be read; of members that it does not name nothing is
 * known. */
int monitor_hear(struct monitor *m, uint64_t now_us, struct bytes told);

#endif
