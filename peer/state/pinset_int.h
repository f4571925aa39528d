/* pinset_int.h -- what pinset.c, pinset_rows.c and pinset_origins.c share. */
#ifndef STATE_PINSET_INT_H
#define STATE_PINSET_INT_H

#include "state/pinset.h"
#include "util/map.h"

/* ---- keys ---- */

struct pinset_key {
    size_t len;
    uint8_t bytes[1 + LIMIT_PEER_ID_BYTES + LIMIT_CID_BYTES]; /* 192; the store takes 400 */
};

static inline struct bytes pinset_key_bytes(const struct pinset_key *k)
{
    return (struct bytes){ k->bytes, k->len };
}

struct pinset_key pinset_key_of_cid(const struct cid *cid);
struct pinset_key pinset_key_held(const struct peer_id *holder, const struct cid *cid);
struct pinset_key pinset_key_expiry(int64_t expire_s, const struct cid *cid);
struct pinset_key pinset_key_of_number(uint64_t number);
struct pinset_key pinset_key_of_peer(const struct peer_id *peer);

/* ---- the META row ---- */

bool pinset_is_meta_key(struct bytes key);
/* ERR_CORRUPT, ERR_VERSION. `digest`: the sum over all other rows. */
int pinset_meta_decode(struct bytes row, struct pinset_facts *facts, struct hash128 *digest);

/* The value of a by-holder row: what the pin is, too (the pin's own row says it better). */
enum { PINSET_HELD_BYTES = 6 };
size_t pinset_held_encode(uint8_t out[PINSET_HELD_BYTES], enum pin_type type, int32_t max_depth);
int pinset_held_check(struct bytes value);

/* ---- which proposals of a member were applied (pinset_origins.c) ---- */

struct pinset_origin {
    uint64_t number;
    uint64_t floor;        /* what lies below is forgotten */
    uint64_t last_index;   /* of the last entry that came from there */
    size_t count;          /* sequences floor..floor+count-1 have a place in `outcomes` */
    bool is_dirty;         /* other than its row */
    struct hash128 digest; /* of its row as it would be written now */
    uint8_t outcomes[LIMIT_ORIGIN_WINDOW_COUNT]; /* at sequence modulo the size; 0: not seen */
};

enum { PINSET_ORIGIN_ROW_MAX = LIMIT_ORIGIN_WINDOW_COUNT + 32 };

/* ---- which writes with a client's key were applied (pinset_memos.c) ---- */

struct pinset_memo {
    uint8_t key[PIN_KEY_BYTES];
    uint64_t index; /* of the entry */
    uint8_t outcome;
};

struct pinset_memos {
    struct pinset_memo *slots; /* LIMIT_MEMOS_COUNT; NULL until the first is needed */
    size_t count;
    size_t next;       /* slot */
    struct map by_key; /* of what is in the slots */
};

struct pinset {
    struct pinset_facts facts;
    struct hash128 rows; /* digest.h */
    struct pinset_origin *origins[LIMIT_ORIGINS_COUNT];
    size_t origins_count;
    struct pinset_origin *spare; /* memory for the next new origin */
    struct pinset_memos memos;
    struct peer_id drained[LIMIT_MEMBERS_COUNT];
    size_t drained_count;
    struct arena arena;    /* of one entry */
    struct buf value;      /* a pin's row, while it is applied */
    struct buf origin_row; /* holds PINSET_ORIGIN_ROW_MAX from the start: never fails */
};

/* ---- who is drained (pinset_drained.c) ---- */
int pinset_drained_open(struct pinset *p, struct view *view);
/* In memory, as the rows have it. */
void pinset_drained_note(struct pinset *p, const struct peer_id *peer, bool is_drained);
struct bytes pinset_drained_value(void);

/* NULL: nothing is remembered of that member. */
struct pinset_origin *pinset_origin_find(struct pinset *p, uint64_t number);
/* What is known of a sequence: an outcome, or 0. */
int pinset_origin_recall(const struct pinset_origin *o, uint64_t sequence);
/* Could the outcome of this proposal be kept? */
bool pinset_origin_has_room(const struct pinset_origin *o, const struct pin_origin *origin);
/* Sees to memory for one more origin, so that pinset_origin_record() cannot fail. */
int pinset_origin_reserve(struct pinset *p);
/* Moves the floor and keeps the outcome (0: only the floor). A member that is new may push out the one that
 * was silent for the longest time; its row goes. */
void pinset_origin_record(struct pinset *p, struct row_sink *sink, const struct pin_origin *origin,
                          uint64_t index, int outcome);
int pinset_origins_open(struct pinset *p, struct view *view);
void pinset_origins_close(struct pinset *p);
void pinset_origins_finish(struct pinset *p, struct row_sink *sink);

/* Sees to memory, so that pinset_memo_record() cannot fail. */
int pinset_memos_reserve(struct pinset *p);
/* The outcome of the write with that key, or 0. */
int pinset_memo_recall(const struct pinset *p, const uint8_t key[PIN_KEY_BYTES]);
/* Of a key that is not remembered. */
void pinset_memo_record(struct pinset *p, struct row_sink *sink, const uint8_t key[PIN_KEY_BYTES],
                        uint64_t index, int outcome);
int pinset_memos_open(struct pinset *p, struct view *view);
void pinset_memos_close(struct pinset *p);

#endif
