/* founding.h -- an empty disk: found a cluster, or join one? (DESIGN 8)
 *
 * Shape    Pure: founding_next_ask() names the peer to ask FIND next and when; founding_on_answer() takes what
 *          it said; founding_decide() tells what follows. Asking goes on until something follows.
 *            nothing configured            -> FOUND, alone
 *            cluster_peers                 -> JOIN a cluster that answers; else FOUND once a majority of
 *                                             the list (self counted) answered "empty, same list"
 *            bootstrap, or a known cluster -> JOIN only
 * Safety   Two majorities of one list intersect, and both write the same first entry; so all who found,
 *          found the same cluster. Who has once founded has its cluster id beside service.json and only
 *          joins when its disk is empty again, so a wiped disk does not vote twice.
 * Units    Mono microseconds. Lists are sorted by peer id, without repetition.
 * Errors   init: ERR_TOO_BIG beyond LIMIT_MEMBERS_COUNT, ERR_NOMEM. */
#ifndef MEMBERS_FOUNDING_H
#define MEMBERS_FOUNDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ids/peer_id.h"
#include "util/buf.h"

/* How a peer answers FIND. */
enum find_kind {
    FIND_EMPTY = 1, /* no data; `list` says of which list it would found */
    FIND_FOUNDED,   /* founded of `list`, but nothing is committed yet: as good as empty */
    FIND_MEMBER,    /* of a cluster that has committed its id */
};

struct find_answer {
    enum find_kind kind;
    uint64_t list; /* founding_list_hash(); 0 without a list */
};

void find_answer_encode(const struct find_answer *a, struct buf *out);
int find_answer_decode(struct find_answer *out, const void *bytes, size_t len);

/* Names a set of peers; equal sets, equal names. `ids` sorted. */
uint64_t founding_list_hash(const struct peer_id *ids, size_t count);

struct founding_options {
    struct peer_id self;
    const struct peer_id *listed; /* cluster_peers and self; or only self */
    size_t listed_count;
    const struct peer_id *bootstrap;
    size_t bootstrap_count;
    bool joins_only; /* its cluster id is known: it had data once */
    uint64_t ask_pause_us;
};

struct founding_asked {
    struct peer_id id;
    bool is_listed;
    bool answered_same; /* empty (or founded) of the same list */
    bool is_member;
    uint64_t ask_again_us;
};

struct founding {
    struct founding_asked *asked; /* listed and bootstrap peers, without self */
    size_t asked_count;
    size_t listed_count; /* with self */
    uint64_t list;
    uint64_t ask_pause_us;
    bool joins_only;
};

enum founding_verdict { FOUNDING_ASK, FOUNDING_FOUND, FOUNDING_JOIN };

int founding_init(struct founding *f, const struct founding_options *options);
void founding_deinit(struct founding *f);
/* The next peer that is due to be asked, and marks it asked; NULL when none is due yet. */
const struct peer_id *founding_next_ask(struct founding *f, uint64_t now_us);
uint64_t founding_next_deadline_us(const struct founding *f);
void founding_on_answer(struct founding *f, const struct peer_id *from,
                        const struct find_answer *answer);
/* `via` is set for JOIN: a peer to ask. */
enum founding_verdict founding_decide(const struct founding *f, struct peer_id *via);

#endif
