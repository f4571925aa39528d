/* check.h -- watches a run from outside and says when something happened that never may (DESIGN 23).
 *
 *      peer facts, starts and crashes, clients' calls --> record.c --> one file a checker --> on_failure
 *
 * Shape    A record keeps, by machine, what its peer told: log, what of it is durable, term and vote, role,
 *          configuration; and once for the whole cluster, what was committed. Each checker looks at a new fact and
 *          the record; nothing is searched, so a fact costs the same in a long run as in a short one.
 * Neutral  Only struct peer_fact and what the world knows by itself. No checker reads a peer's structs.
 * Errors   The first failure is told once; later ones are not (they follow from it).
 * Source   Raft (extended) figure 3; SIMULATION.md 2.4, 4. */
#ifndef SIM_CHECK_CHECK_H
#define SIM_CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/cid.h"
#include "ids/peer_id.h"
#include "peer.h"
#include "sim/script/listing.h"
#include "util/buf.h"

struct checks;

struct checks_hooks {
    /* `checker` is a name as "election safety", `text` a sentence. May stop the run, must not free the checks. */
    void (*on_failure)(void *owner, const char *checker, const char *text);
    uint64_t (*now_us)(void *owner);
    /* Nothing is wrong with its disk, its memory, its IPFS daemon and the way to that. NULL: always. */
    bool (*is_well)(void *owner, unsigned who);
    void *owner;
};

struct checks *checks_create(unsigned machines_count, const struct checks_hooks *hooks);
void checks_destroy(struct checks *c);
/* Which machine a member is. */
void checks_name(struct checks *c, unsigned who, const struct peer_id *id);

/* ---- what the world did to a machine ---- */
void checks_on_start(struct checks *c, unsigned who);
void checks_on_ready(struct checks *c, unsigned who);
void checks_on_wipe(struct checks *c, unsigned who); /* its disk is empty now */
void checks_on_rot(struct checks *c, unsigned who);  /* its disk may be damaged from now on */
/* Rows are gone from its state. No checksum tells; the sum over all rows does, when it is looked at. Until the state is
 * taken anew, what this peer says of it counts for nothing. */
void checks_on_lost_rows(struct checks *c, unsigned who);
bool checks_lacks_rows(const struct checks *c, unsigned who);
/* It starts next with --accept-peers: from there on, what its disk holds is what was committed, and what clients were
 * promised before may be kept or not. (What `clients` do must not span it.) */
void checks_on_accept(struct checks *c, unsigned who);
/* Its disk is copied; the copy is back: what it acknowledged since then is on no disk of its own any more. */
void checks_on_copy(struct checks *c, unsigned who);
void checks_on_restore(struct checks *c, unsigned who);

/* ---- what stood between machines: who could be heard by whom ---- */
struct checks_health {
    uint64_t ttl_us;         /* of what peers say of themselves; they say it twice as often */
    uint64_t repin_after_us; /* silence beyond that until a peer is down */
    bool is_watched;         /* leaders look all the time: repinning is on */
    /* How fast pins have to move; 0 a second: that is not judged. */
    uint64_t repairs_per_second;
    uint64_t repairs_at_once;
    uint64_t pins_in_motion;   /* so many of repairs may be on their way; beyond that ... */
    uint64_t repairs_trickle;  /* ... so many a second move all the same */
    uint64_t start_timeout_us; /* who is no member by then gives up; 0: that is not judged */
    uint64_t daemon_silent_us; /* a question to a daemon that is well by now may hang for so long */
};
void checks_on_health(struct checks *c, const struct checks_health *health);
void checks_on_end(struct checks *c, unsigned who);  /* its process is gone */
void checks_on_stop(struct checks *c, unsigned who); /* it was asked to stop */
void checks_on_pause(struct checks *c, unsigned who, bool is_paused);
void checks_on_memory(struct checks *c, unsigned who, bool lacks);
void checks_on_cut(struct checks *c, unsigned from, unsigned to, bool is_cut);
/* Any frame may be lost, or none; of those that are not, each takes up to delay_us; `late_us`: but some so much longer. */
void checks_on_network(struct checks *c, bool loses, uint64_t delay_us, uint64_t late_us);
/* Somebody asked for it to be drained. */
void checks_on_drain(struct checks *c, unsigned who);
/* Time has passed: is something overdue? */
void checks_on_time(struct checks *c);

/* ---- what a peer told ---- */
void checks_on_fact(struct checks *c, unsigned who, const struct peer_fact *fact);
/* Members in the configuration that this machine's peer told last; 0: none. */
size_t checks_members(const struct checks *c, unsigned who);
/* Who votes in it: bit i - 1 is machine i. */
uint32_t checks_voters(const struct checks *c, unsigned who);

/* Its state came by a snapshot, in this life. */
bool checks_has_installed(const struct checks *c, unsigned who);

/* ---- what clients were promised ---- */

enum promise_kind {
    PROMISE_PIN,
    PROMISE_PIN_THAT_EXPIRES, /* it may have ended by itself, or not yet */
    PROMISE_UNPIN,
};
enum promise_outcome {
    PROMISE_KEPT,    /* acknowledged */
    PROMISE_REFUSED, /* a definite no: it must not take effect */
    PROMISE_UNKNOWN, /* no answer, or "outcome unknown": it may take effect, now or later */
};
/* Of a pin: with an expiry of its own, or with what it takes over from the pin that it updates (NULL: none). */
enum promise_kind checks_kind_of_pin(struct checks *c, bool expires, const struct cid *updated);
/* A client's write begins; the number names it to checks_on_return(). */
uint64_t checks_on_call(struct checks *c, enum promise_kind kind, const struct cid *cid);
void checks_on_return(struct checks *c, uint64_t call, enum promise_outcome outcome);
/* At rest: does the state hold what was promised, and nothing that nobody asked for? */
bool checks_audit(struct checks *c, const struct listing *state, struct buf *why);
/* Is this peer's list of the others (its cluster_peers, as it keeps it) what its configuration says? It may take a moment:
 * a difference is no failure by itself. Of members that do not run (`running`: bit i - 1 is machine i) the address may
 * never have been heard. */
bool checks_audit_list(const struct checks *c, unsigned who, const struct peer_address *others,
                       size_t count, uint32_t running, struct buf *why);

/* ---- what clients saw while it ran ---- */

enum seen_kind {
    SEEN_WRITE,      /* a pin, of a value that no other has; an unpin, of 0 */
    SEEN_READ,       /* ?consistent=true */
    SEEN_LOCAL_READ, /* of the peer's own state, however old */
};
/* A call begins; the number names it to checks_on_answer(). All writes of a CID have to be told, or none. */
uint64_t checks_on_ask(struct checks *c, enum seen_kind kind, unsigned who, const struct cid *cid,
                       uint64_t value);
/* Of a read: kept with what it saw (`value`, in the state of `index`), else refused. */
void checks_on_answer(struct checks *c, uint64_t call, enum promise_outcome outcome, uint64_t value,
                      uint64_t index);

struct checks_counts {
    uint64_t facts;
    uint64_t committed;
    uint64_t leaders;
    uint64_t promises_kept;
    uint64_t promises_unknown;
    uint64_t seen; /* reads and writes that were answered */
    uint64_t repins;
    uint64_t installs;
    uint64_t
        unjudged; /* contents of which clients did too much at once to say whether it was linearizable */
};
struct checks_counts checks_counts(const struct checks *c);

#endif
